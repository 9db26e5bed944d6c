using System.Globalization;
using System.Net;
using Ledger.Api.Operation;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Recovery to a point in time, as docs/operations.md describes it for the DBA: a base backup, the archived write-ahead
/// log, and what the product says of what came out.
/// </summary>
public sealed class RecoveryTests : IDisposable
{
    private readonly string _folder = Directory
        .CreateDirectory(Path.Combine(Path.GetTempPath(), $"pitr-{Guid.NewGuid():N}"[..14]))
        .FullName; // the server's account must get in
    private string Archive => Path.Combine(_folder, "a", "archive");

    private Dictionary<string, string> Settings(string connectionString) =>
        new()
        {
            ["ConnectionStrings__Ledger"] = connectionString,
            ["Ledger__KeyFile"] = Path.Combine(_folder, "keys.json"),
            ["Ledger__Log__CheckpointSeconds"] = "1",
        };

    private SampleOffices Offices(ApiProcess product) =>
        new(
            actor => new SampleClient(
                product.Http,
                new Tokens(KeyFile.LoadOrCreate(Path.Combine(_folder, "keys.json")), TimeProvider.System),
                actor
            ),
            "370811"
        );

    [Fact]
    public async Task The_archive_brings_back_every_acknowledged_event_and_an_earlier_moment_is_noticed_by_the_signer()
    {
        DateTime moment;
        Checkpoint sealed_;
        await using (var cluster = await PrivateCluster.StartAsync(Path.Combine(_folder, "a")))
        {
            var server = await cluster.DatabaseAsync("ledger");
            await using (var connection = new NpgsqlConnection(server))
            {
                await connection.OpenAsync();
                await connection.ExecuteAsync("alter system set archive_mode = on");
                await connection.ExecuteAsync(
                    $"alter system set archive_command = 'mkdir -p {Archive} && cp %p {Archive}/%f'"
                );
            }
            NpgsqlConnection.ClearAllPools();
            await cluster.RestartAsync();

            await using var product = await ApiProcess.StartAsync(Settings(server));
            var offices = Offices(product);
            var year = Clock.Day(DateTimeOffset.UtcNow).Year;
            await offices.PublishPolicyAsync(year);
            await offices.OpenPilotAsync();
            var village = new SampleVillage(offices, "370811000001", "第1村股份经济合作社", 1, year);
            await village.RegisterAsync();
            await village.AllocateAsync(1000);
            await PostgresTool.RunAsync(
                "pg_basebackup",
                server,
                $"--pgdata={Path.Combine(_folder, "base")}",
                "--checkpoint=fast"
            );
            await village.AllocateAsync(2000);
            await SealedAsync(server);
            moment = await ScalarAsync<DateTime>(server, "select clock_timestamp()");
            await village.AllocateAsync(3000);
            await SealedAsync(server);
            sealed_ = Checkpoint.Parse(await product.Http.GetStringAsync("/log/checkpoint"));
            await product.KillAsync();
            var last = await ScalarAsync<string>(server, "select pg_walfile_name(pg_switch_wal())");
            await ApiFixture.EventuallyAsync(
                () => Task.FromResult(File.Exists(Path.Combine(Archive, last))),
                "the last segment is archived"
            );
            NpgsqlConnection.ClearAllPools();
        }

        // The machine is gone; base backup, archive and key files are not.
        await using (var recovered = await RecoverAsync("b", null))
        {
            var server = recovered.ConnectionString("ledger");
            Assert.Equal(
                600_000,
                await ScalarAsync<long>(
                    server,
                    "select sum((data ->> 'availableFen')::bigint)::bigint from ledger.mt_doc_fund"
                )
            );
            var (exit, output) = await ApiProcess.RunAsync(Settings(server), "check");
            Assert.True(exit == 0, output);
            await using var product = await ApiProcess.StartAsync(Settings(server));
            var now = Checkpoint.Parse(await product.Http.GetStringAsync("/log/checkpoint"));
            Assert.True(now.Size >= sealed_.Size && now.Origin == sealed_.Origin);
            await AnotherVillage(product).RegisterAsync(); // and work goes on
            await SealedAsync(server);
            Assert.Equal(0, await ScalarAsync<long>(server, "select count(*) from ledger.log_finding"));
            NpgsqlConnection.ClearAllPools();
        }

        // To the moment before the last gift: sound in itself, and less than was signed.
        await using (var earlier = await RecoverAsync("c", moment))
        {
            var server = earlier.ConnectionString("ledger");
            Assert.Equal(
                300_000,
                await ScalarAsync<long>(
                    server,
                    "select sum((data ->> 'availableFen')::bigint)::bigint from ledger.mt_doc_fund"
                )
            );
            var (exit, output) = await ApiProcess.RunAsync(Settings(server), "check");
            Assert.True(exit == 0, output);
            await using var product = await ApiProcess.StartAsync(Settings(server));
            await ApiFixture.EventuallyAsync(
                async () => await ScalarAsync<long>(server, "select count(*) from ledger.log_finding") > 0,
                $"the signer remembers more: {product.Output}"
            );
            using var health = await product.Http.GetAsync("/health/ready");
            Assert.Equal(HttpStatusCode.ServiceUnavailable, health.StatusCode);
            Assert.Contains("log-behind", await health.Content.ReadAsStringAsync());
            // Nothing is put in the place of what is missing.
            Assert.Contains(
                "log-behind",
                (await Assert.ThrowsAnyAsync<Exception>(() => AnotherVillage(product).RegisterAsync())).Message
            );
            NpgsqlConnection.ClearAllPools();
        }
    }

    private SampleVillage AnotherVillage(ApiProcess product) =>
        new(Offices(product), "370811000002", "第2村股份经济合作社", 2, Clock.Day(DateTimeOffset.UtcNow).Year);

    /// <summary>A cluster from the base backup and the archive, up to the moment, or to the archive's end.</summary>
    private async Task<PrivateCluster> RecoverAsync(string name, DateTime? moment)
    {
        var folder = Path.Combine(_folder, name);
        Directory.CreateDirectory(folder);
        await Programs.RequireAsync("cp", "-r", Path.Combine(_folder, "base"), Path.Combine(folder, "data"));
        File.Copy(Path.Combine(_folder, "a", "password"), Path.Combine(folder, "password"));
        await File.AppendAllTextAsync(
            Path.Combine(folder, "data", "postgresql.auto.conf"),
            $"archive_mode = off\nrestore_command = 'cp {Archive}/%f %p'\n"
                + (
                    moment is { } at
                        ? string.Create(
                            CultureInfo.InvariantCulture,
                            $"recovery_target_time = '{at:yyyy-MM-dd HH:mm:ss.ffffff}+00'\n"
                        ) + "recovery_target_action = promote\n"
                        : ""
                )
        );
        await File.WriteAllTextAsync(Path.Combine(folder, "data", "recovery.signal"), "");
        if (Environment.UserName == "root")
            await Programs.RequireAsync("chown", "-R", "postgres", folder);
        await Programs.RequireAsync("chmod", "700", Path.Combine(folder, "data"));
        var cluster = await PrivateCluster.StartAsync(folder);
        await ApiFixture.EventuallyAsync(
            async () => !await ScalarAsync<bool>(cluster.ConnectionString("ledger"), "select pg_is_in_recovery()"),
            "recovered"
        );
        return cluster;
    }

    private static Task SealedAsync(string server) =>
        ApiFixture.EventuallyAsync(
            async () =>
                await ScalarAsync<bool>(
                    server,
                    """
                    select (select count(*)
                              from ledger.mt_events) = (select coalesce(max(size), 0) from ledger.log_checkpoint)
                    """
                ),
            "everything is signed"
        );

    /// <summary>By a connection that does not outlive the server.</summary>
    private static Task<T> ScalarAsync<T>(string server, string sql) =>
        ApiFixture.ScalarOfAsync<T>($"{server};Pooling=false", sql);

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
