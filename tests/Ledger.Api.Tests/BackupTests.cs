using System.Text.Json;
using Ledger.Api.Operation;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// A backup while the product works; restored on a clean machine, checked, switched to; and an older one that the
/// witness refuses.
/// </summary>
public sealed class BackupTests(Databases databases) : IClassFixture<Databases>
{
    private static Dictionary<string, string> With(Product product, params (string Name, string Value)[] more)
    {
        var settings = new Dictionary<string, string>(product.Settings);
        foreach (var (name, value) in more)
            settings[name] = value;
        return settings;
    }

    private static string Restored(string output) =>
        System.Text.RegularExpressions.Regex.Match(output, "restore --switch (\\S+?)；").Groups[1].Value;

    [Fact]
    public async Task A_backup_under_load_is_restored_on_another_server_with_every_acknowledged_event_of_its_moment()
    {
        await using var server = await OwnServer.StartAsync(Directory.CreateTempSubdirectory("ledger-moved").FullName);
        await using var product = await Product.StartAsync(databases, "ledger_b");
        await product.SealedAsync();
        using var stop = new CancellationTokenSource();
        var load = Enumerable
            .Range(0, 4)
            .Select(_ =>
                Task.Run(async () =>
                {
                    while (!stop.IsCancellationRequested)
                        await product.Village.AllocateAsync(1);
                })
            )
            .ToList();
        var before = await product.ScalarAsync<long>("select count(*) from ledger.mt_events");
        var folder = Path.Combine(product.Folder.FullName, "backup");
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "backup", "--to", folder);
        Assert.True(exit == 0, said);
        var after = await product.ScalarAsync<long>("select count(*) from ledger.mt_events");
        await stop.CancelAsync();
        await Task.WhenAll(load);
        var manifest = JsonSerializer.Deserialize<BackupManifest>(
            await File.ReadAllTextAsync(Path.Combine(folder, "manifest.json")),
            JsonSerializerOptions.Web
        )!;
        Assert.InRange(manifest.Events, before, after);
        Assert.True(after > before, "there was no load");
        await product.SealedAsync();
        var grown = Ledger.TransparencyLog.Checkpoint.Parse(await product.Http.GetStringAsync("/log/checkpoint"));
        await product.StopAsync();

        // Another machine, another server: the key files were brought, and nothing else. So a county moves, too.
        File.Delete(product.SignerMemory);
        var clean = new NpgsqlConnectionStringBuilder(await server.DatabaseAsync())
        {
            Database = "moved",
        }.ConnectionString;
        var settings = With(product, ("ConnectionStrings__Ledger", clean));
        (exit, said) = await ApiHost.RunAsync(settings, "restore", "--from", folder);
        Assert.True(exit == 0 && said.Contains("不会丢失", StringComparison.Ordinal), said);
        (exit, var switched) = await ApiHost.RunAsync(settings, "restore", "--switch", Restored(said));
        Assert.True(exit == 0 && switched.Contains("已切换", StringComparison.Ordinal), switched);
        product.Settings["ConnectionStrings__Ledger"] = clean;
        await product.StartAsync();
        Assert.Equal(
            manifest.Events,
            await ApiFixture.ScalarOfAsync<long>(clean, "select count(*) from ledger.mt_events")
        );
        Assert.True((await product.CityAuditor.GetAsync<CheckView>("/api/audit/check")).IsSound);
        // What the auditor holds from before continues what is restored: the old log's newest checkpoint contains the
        // backup's.
        var kept = Ledger.TransparencyLog.Checkpoint.Parse(manifest.Checkpoint!);
        var now = Ledger.TransparencyLog.Checkpoint.Parse(await product.SealedAsync());
        Assert.True(kept.Size <= now.Size && kept.Size <= grown.Size && kept.Origin == now.Origin);
        var proof = (await product.Http.GetStringAsync($"/log/consistency?from={kept.Size}&to={now.Size}"))
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(Convert.FromBase64String)
            .ToList();
        Assert.True(
            Ledger.TransparencyLog.MerkleTree.VerifyConsistency(kept.Size, now.Size, kept.Root, now.Root, proof)
        );
        // And work goes on.
        await product.Village.AllocateAsync(5);
    }

    /// <summary>Row by row what docs/security.md tells the DBA, and no right more.</summary>
    [Fact]
    public async Task The_documented_roles_are_enough_to_back_up_rehearse_and_restore()
    {
        await using var product = await Product.NewAsync(databases, "roles");
        var mark = $"{Guid.NewGuid():N}"[..8];
        string Named(string text) =>
            text.Replace("ledger_owner", $"owner_{mark}", StringComparison.Ordinal)
                .Replace("ledger_app", $"app_{mark}", StringComparison.Ordinal)
                .Replace("database ledger ", $"database ledger_{mark} ", StringComparison.Ordinal)
                .Replace("'…'", "'secret'", StringComparison.Ordinal);
        var document = await File.ReadAllTextAsync(Path.Combine(TourTests.Repository, "docs/security.md"));
        await using (var superuser = new NpgsqlConnection(product.ConnectionString))
        {
            await superuser.OpenAsync();
            foreach (var statement in document.Split("```sql")[1].Split("```")[0].Split('\n'))
                if (statement.Trim().Length > 0)
                    await superuser.ExecuteAsync(Named(statement));
        }
        string As(string role) =>
            new NpgsqlConnectionStringBuilder(product.ConnectionString)
            {
                Database = $"ledger_{mark}",
                Username = Named(role),
                Password = "secret",
                Pooling = false,
            }.ConnectionString;
        var folder = Path.Combine(product.Folder.FullName, "backups");
        var application = With(
            product,
            ("ConnectionStrings__Ledger", As("ledger_app")),
            ("Ledger__BackupFolder", folder)
        );
        var owner = new Dictionary<string, string>(application)
        {
            ["ConnectionStrings__LedgerOwner"] = As("ledger_owner"),
        };
        async Task<string> RunAsync(Dictionary<string, string> settings, int expected, params string[] arguments)
        {
            var (exit, said) = await ApiHost.RunAsync(settings, arguments);
            Assert.True(exit == expected, $"{string.Join(' ', arguments)} → {exit}: {said}");
            return said;
        }
        await RunAsync(owner, 0, "schema");
        await RunAsync(application, 0, "administrator", "--name", "chen.gang", "--region", "3708");

        // The product's machine has the application's role alone: enough for the nightly backup, not to restore it.
        Assert.Contains("There is no backup yet", await RunAsync(owner, 1, "rehearse"));
        await RunAsync(application, 0, "backup", "--keep", "1");
        await Task.Delay(1100); // a second's name
        await RunAsync(application, 0, "backup", "--keep", "1");
        var backup = Assert.Single(new Backups(folder).All).Path;
        Assert.Contains("with createdb", await RunAsync(application, 1, "rehearse"));
        Assert.Contains("with createdb", new Backups(folder).LastFailed!.Fault);
        Assert.Contains("The backup can be restored", await RunAsync(owner, 0, "rehearse"));
        Assert.Equal((null, 0L), (new Backups(folder).LastFailed, await ScratchAsync()));
        Assert.True(new Backups(folder).LastPassed is { Events: 2, Fault: null });

        var restored = Restored(await RunAsync(owner, 0, "restore", "--from", backup));
        Assert.Contains("_before_", await RunAsync(owner, 0, "restore", "--switch", restored));
        await RunAsync(application, 0, "check");

        Task<long> ScratchAsync() =>
            ApiFixture.ScalarOfAsync<long>(
                product.ConnectionString,
                $"select count(*) from pg_database where datname like 'ledger_{mark}_rehearse%'"
            );
    }

    [Fact]
    public async Task An_older_backup_is_refused_by_the_witness_or_shows_what_it_would_lose()
    {
        await using var product = await Product.StartAsync(databases, "ledger_o");
        await product.SealedAsync();
        var folder = Path.Combine(product.Folder.FullName, "old");
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "backup", "--to", folder);
        Assert.True(exit == 0, said);
        await using var witness = await product.WitnessAsync();
        await product.Village.AllocateAsync(7);
        await product.CosignedAsync();

        // The signer remembers; without it the witness does.
        (exit, said) = await ApiHost.RunAsync(product.Settings, "restore", "--from", folder);
        Assert.True(exit == 1 && said.Contains("签名者已签过", StringComparison.Ordinal), said);
        await product.StopAsync();
        File.Delete(product.SignerMemory);
        (exit, said) = await ApiHost.RunAsync(product.Settings, "restore", "--from", folder);
        Assert.True(
            exit == 1
                && said.Contains("见证方 audit.example/w1 已见过", StringComparison.Ordinal)
                && said.Contains("恢复了旧备份", StringComparison.Ordinal),
            said
        );
        await using (var connection = new NpgsqlConnection(product.ConnectionString))
        {
            await connection.OpenAsync();
            Assert.Empty(
                await connection.QueryAsync(
                    "select datname from pg_database where datname like current_database() || '_restore%'",
                    r => r.GetString(0)
                )
            ); // nothing is left of the attempt
        }
        // For want of a newer one, by whoever says so; and what then has to follow.
        (exit, said) = await ApiHost.RunAsync(product.Settings, "restore", "--from", folder, "--older");
        Assert.True(
            exit == 0
                && said.Contains("已见过", StringComparison.Ordinal)
                && said.Contains("log-continue", StringComparison.Ordinal),
            said
        );
        Assert.Equal(2, (await ApiHost.RunAsync(product.Settings, "restore", "--switch", "x", "--older")).Exit);

        // A witness that does not answer is no witness that agrees.
        var address = product.Settings["Ledger__Log__Witnesses__0"];
        (exit, said) = await ApiHost.RunAsync(
            With(product, ("Ledger__Log__Witnesses__0", $"http://127.0.0.1:1 {address.Split(' ', 2)[1]}")),
            "restore",
            "--from",
            folder
        );
        Assert.True(exit == 3 && said.Contains("没有应答", StringComparison.Ordinal), said);

        // Nobody has seen more: then it is the operator's to decide, who is told what is lost.
        product.Settings.Remove("Ledger__Log__Witnesses__0");
        (exit, said) = await ApiHost.RunAsync(product.Settings, "restore", "--from", folder);
        Assert.True(
            exit == 0
                && said.Contains("切换将丢失现有数据库中的", StringComparison.Ordinal)
                && said.Contains("划入资金 1 个", StringComparison.Ordinal),
            said
        );
        var restored = Restored(said);

        // While somebody works, nothing is switched; and only to what was checked.
        await product.StartAsync();
        (exit, var busy) = await ApiHost.RunAsync(product.Settings, "restore", "--switch", restored);
        Assert.True(exit == 1 && busy.Contains("请先停掉产品", StringComparison.Ordinal), busy);
        await product.StopAsync();
        (exit, var unknown) = await ApiHost.RunAsync(product.Settings, "restore", "--switch", "postgres");
        Assert.True(
            exit == 1 && unknown.Contains("不是 restore --from 载入并核对过的数据库", StringComparison.Ordinal),
            unknown
        );
        NpgsqlConnection.ClearAllPools();
        (exit, var switched) = await ApiHost.RunAsync(product.Settings, "restore", "--switch", restored);
        Assert.True(exit == 0 && switched.Contains("_before_", StringComparison.Ordinal), switched);
        await product.StartAsync();
        Assert.True((await product.CityAuditor.GetAsync<CheckView>("/api/audit/check")).IsSound);
    }

    [Fact]
    public async Task A_damaged_backup_or_one_without_its_keys_is_refused_before_anything_is_loaded()
    {
        await using var product = await Product.StartAsync(databases, "ledger_d");
        await product.SealedAsync();
        var folder = Path.Combine(product.Folder.FullName, "backup");
        Assert.Equal(0, (await ApiHost.RunAsync(product.Settings, "backup", "--to", folder)).Exit);
        async Task RefusedAsync(string words, Dictionary<string, string> settings, params string[] arguments)
        {
            var (exit, said) = await ApiHost.RunAsync(settings, arguments);
            Assert.True(exit == 1 && said.Contains(words, StringComparison.Ordinal), said);
        }
        await RefusedAsync("不是空的", product.Settings, "backup", "--to", folder);
        await RefusedAsync("没有完整的备份", product.Settings, "restore", "--from", product.Folder.FullName);
        var (misused, usage) = await ApiHost.RunAsync(product.Settings, "restore");
        Assert.True(misused == 2 && usage.Contains("用法", StringComparison.Ordinal), usage);
        await RefusedAsync(
            "另一份密钥文件",
            With(product, ("Ledger__KeyFile", Path.Combine(product.Folder.FullName, "other", "keys.json"))),
            "restore",
            "--from",
            folder
        );
        await RefusedAsync(
            "缺少该日志的签名密钥",
            With(product, ("Ledger__Log__KeyFile", Path.Combine(product.Folder.FullName, "none.key"))),
            "restore",
            "--from",
            folder
        );
        var dump = Path.Combine(folder, "ledger.dump");
        var bytes = await File.ReadAllBytesAsync(dump);
        bytes[bytes.Length / 2] ^= 1;
        await File.WriteAllBytesAsync(dump, bytes);
        await RefusedAsync("与清单中的摘要不符", product.Settings, "restore", "--from", folder);
    }
}
