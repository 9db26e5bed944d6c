using Ledger.Domain.Identity;
using Microsoft.Extensions.Configuration;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// A tail that is lost for good: the signer refuses, two people declare it, the log goes on, and everybody who has seen
/// the lost part knows it for what it is.
/// </summary>
public sealed class LogContinuationTests(Databases databases) : IClassFixture<Databases>
{
    /// <summary>
    /// Something is recorded, signed and seen, and then the database is as it was before: what an asynchronous failover
    /// or a recovery to an earlier moment leaves.
    /// </summary>
    /// <param name="seen">While the tail is still there.</param>
    private static async Task LoseTailAsync(Product product, Func<Task> seen)
    {
        var name = new NpgsqlConnectionStringBuilder(product.ConnectionString).Database;
        await product.StopAsync();
        await product.ServerAsync($"create database {name}_old template {name}");
        await product.StartAsync();
        for (var i = 0; i < 3; i++)
            await product.Village.AllocateAsync(7);
        await seen();
        await product.StopAsync();
        await product.ServerAsync($"drop database {name} with (force)");
        await product.ServerAsync($"alter database {name}_old rename to {name}");
        await product.StartAsync();
        // Nothing is built on it before two people have said what became of it.
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                using var health = await product.Http.GetAsync("/health/ready");
                return (await health.Content.ReadAsStringAsync()).Contains("log-behind", StringComparison.Ordinal);
            },
            "health says that the log is behind"
        );
        var refused = await Assert.ThrowsAnyAsync<Exception>(() => product.Village.AllocateAsync(8));
        Assert.Contains("log-behind", refused.Message);
    }

    /// <summary>Commands are taken again, without a restart.</summary>
    private static async Task GoesOnAsync(Product product) =>
        await ApiFixture.EventuallyAsync(
            async () => (await product.Http.GetAsync("/health/ready")).IsSuccessStatusCode,
            "it is ready again"
        );

    private static Task<(int Exit, string Said)> ContinueAsync(
        Product product,
        string from,
        string[]? by = null,
        params string[] more
    ) =>
        ApiHost.RunAsync(
            product.Settings,
            [
                "log-continue",
                "--from",
                from,
                "--reason",
                "主库断电，异步切换后尾部找不回来",
                .. (by ?? ["张三", "李四"]).SelectMany(n => (string[])["--approved-by", n]),
                .. more,
            ]
        );

    private static async Task<string> ReceiptAsync(Product product, string name) =>
        await product.DownloadAsync(
            $"/api/audit/events/{await product.ScalarAsync<long>("select max(seq_id) from ledger.mt_events")}/receipt",
            name
        );

    private static string Printed(string file) => File.ReadAllText(file);

    [Fact]
    public async Task A_lost_tail_is_declared_by_two_the_log_goes_on_and_whoever_saw_it_is_told_what_it_was()
    {
        await using var product = await Product.StartAsync(databases, "ledger_continue");
        await using var witness = await product.WitnessAsync();
        var before = await ReceiptAsync(product, "before.tlog-proof");
        var (lost, seen) = ("", "");
        await LoseTailAsync(
            product,
            async () =>
            {
                await product.CosignedAsync();
                (lost, seen) = (
                    await ReceiptAsync(product, "lost.tlog-proof"),
                    await product.DownloadAsync("/log/checkpoint", "seen")
                );
            }
        );
        var fork = Checkpoint.Parse(Printed(seen));
        await product.FoundAsync("signing-refused", $"{fork.Size} ");
        var size = await product.ScalarAsync<long>("select max(size) from ledger.log_checkpoint");

        // Who may not, or has not said enough; and a preview, which changes nothing.
        var stranger = NoteSigner.Create(fork.Origin, NoteAlgorithm.Ed25519);
        var forged = Path.Combine(product.Folder.FullName, "forged");
        await File.WriteAllTextAsync(forged, (fork with { Signatures = [stranger.Sign(fork.Text, default)] }).Note);
        foreach (
            var (from, by, exit, why) in new[]
            {
                (seen, (string[])["张三", "张三"], 2, "两个人"),
                (seen, ["张三"], 2, "两个人"),
                (forged, ["张三", "李四"], 1, "不是本日志"),
                ("4711", ["张三", "李四"], 2, "不是 4711"),
                ("/nowhere", ["张三", "李四"], 2, "没有文件"),
            }
        )
        {
            var refused = await ContinueAsync(product, from, by, "--confirm");
            Assert.True(
                refused.Exit == exit && refused.Said.Contains(why, StringComparison.Ordinal),
                $"{why}: {refused}"
            );
        }
        var preview = await ContinueAsync(product, $"{fork.Size}");
        Assert.True(
            preview.Exit == 0
                && preview.Said.Contains("这是预览", StringComparison.Ordinal)
                && preview.Said.Contains($"{fork.Size} 条，根", StringComparison.Ordinal),
            preview.Said
        );
        const string Declared = "select count(*) from ledger.mt_events where type = 'log_continued'";
        Assert.Equal(0, await product.ScalarAsync<long>(Declared));
        Assert.Equal(size, await product.ScalarAsync<long>("select max(size) from ledger.log_checkpoint"));

        var receipt = Path.Combine(product.Folder.FullName, "continued.tlog-proof");
        var done = await ContinueAsync(product, seen, null, "--confirm", "--receipt", receipt);
        Assert.True(done.Exit == 0 && done.Said.Contains("已续接", StringComparison.Ordinal), done.Said);
        Assert.Equal(1, await product.ScalarAsync<long>(Declared));
        var again = await ContinueAsync(product, seen, null, "--confirm");
        Assert.True(again.Exit == 1 && again.Said.Contains("已经续接过", StringComparison.Ordinal), again.Said);

        // Commands and signing go on, and what was remembered stays beside.
        await GoesOnAsync(product);
        await product.Village.AllocateAsync(9);
        await product.SealedAsync();
        Assert.Equal(fork.Text, Checkpoint.Parse(Printed($"{product.SignerMemory}.{fork.Size}.fork")).Text);
        await TrailAsync(product, fork);
        await VerifiedAsync(product, fork, before, lost, seen, receipt);
        await WitnessedAsync(product, fork, receipt, before);
    }

    /// <summary>It stands in the trail, as the product's own.</summary>
    private static async Task TrailAsync(Product product, Checkpoint fork)
    {
        Ledger.Projections.AuditTrail.AuditPage trail = null!;
        await ApiFixture.EventuallyAsync(
            async () =>
                (
                    trail = await product.CityAuditor.GetAsync<Ledger.Projections.AuditTrail.AuditPage>(
                        "/api/audit/events?type=log_continued"
                    )
                )
                    .Entries
                    .Count == 1,
            "the trail has it"
        );
        var body = trail.Entries[0].Body;
        Assert.Equal("主库断电，异步切换后尾部找不回来", body.GetProperty("reason").GetString());
        Assert.Equal(
            fork.Size - body.GetProperty("shared").GetProperty("treeSize").GetInt64(),
            body.GetProperty("lostEntries").GetInt64()
        );
        Assert.Equal(fork.Text, Checkpoint.Parse(body.GetProperty("fork")[0].GetString()!).Text);
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 0, said);
    }

    private static async Task VerifiedAsync(
        Product product,
        Checkpoint fork,
        string before,
        string lost,
        string seen,
        string receipt
    )
    {
        var keys = await product.DownloadAsync("/log/keys", "keys");
        var checkpoint = await product.DownloadAsync("/log/checkpoint", "now");
        var log = await product.DownloadAsync("/api/exports/log", "log.jsonl");
        var after = await ReceiptAsync(product, "after.tlog-proof");
        foreach (var one in new[] { before, lost, receipt, after })
            Assert.Equal(0, Programs.VerifyHere("receipt", one, "--key", keys).Exit);
        string[] verify = ["log", log, "--checkpoint", checkpoint, "--key", keys];
        string[] all =
        [
            .. verify,
            .. ((string[])[before, lost, seen, receipt, after]).SelectMany(s => (string[])["--seen", s]),
        ];
        foreach (var asked in new[] { all, [.. all, "--only-hashes"] })
        {
            var (exit, said) = Programs.VerifyHere(asked);
            Assert.True(
                exit == 0
                    && said.Contains("continued", StringComparison.Ordinal)
                    && said.Contains("张三 和 and 李四", StringComparison.Ordinal)
                    && said.Contains($"{fork.Size} 条的检查点属于分叉", StringComparison.Ordinal)
                    && said.Contains("lost with it", StringComparison.Ordinal),
                said
            );
        }

        // A second history of the same length, well signed, that nobody declared; and one that is longer than all.
        var key = NoteSigner.Parse(File.ReadLines(product.SignerMemory[..^".last".Length]).First());
        foreach (var size in new[] { fork.Size, fork.Size + 1_000 })
        {
            var other = new Checkpoint(fork.Origin, size, MerkleTree.HashLeaf("x"u8), []);
            var file = Path.Combine(product.Folder.FullName, "undeclared");
            await File.WriteAllTextAsync(file, (other with { Signatures = [key.Sign(other.Text, default)] }).Note);
            var (exit, said) = Programs.VerifyHere([.. verify, "--seen", file]);
            Assert.True(exit == 1 && said.Contains("an undeclared fork", StringComparison.Ordinal), said);
            (exit, said) = Consistent(file);
            Assert.True(exit == 1 && said.Contains("an undeclared fork", StringComparison.Ordinal), said);
        }
        // Two checkpoints, without the log.
        var declaredIn = Checkpoint.Parse(LogProof.Parse(Printed(receipt)).Checkpoint).Size;
        var proof = await product.DownloadAsync(
            $"/log/consistency?from={declaredIn}&to={Checkpoint.Parse(Printed(checkpoint)).Size}",
            "proof"
        );
        var (code, words) = Consistent(seen);
        Assert.True(code == 0 && words.Contains("a known fork", StringComparison.Ordinal), words);
        Assert.Equal(1, Programs.VerifyHere("consistency", seen, checkpoint, proof, "--key", keys).Exit);

        (int, string) Consistent(string older) =>
            Programs.VerifyHere(
                "consistency",
                older,
                checkpoint,
                Path.Combine(product.Folder.FullName, "proof") is var p && File.Exists(p) ? p : "/dev/null",
                "--key",
                keys,
                "--continuation",
                receipt
            );
    }

    /// <summary>The witness refuses until its own operator says otherwise, and of what it saw itself alone.</summary>
    private static async Task WitnessedAsync(Product product, Checkpoint fork, string receipt, string other)
    {
        await product.FoundAsync("witness-refused", $"{fork.Size} 条");
        var folder = Path.Combine(product.Folder.FullName, "witness");
        var log = (await product.Http.GetStringAsync("/log/keys")).Trim();
        Task<(int Exit, string Said)> AcceptAsync(string file, params string[] more) =>
            ApiHost.RunAsync(
                new Dictionary<string, string>(),
                [
                    "witness-continue",
                    "--folder",
                    folder,
                    "--log",
                    log,
                    "--continuation",
                    file,
                    "--reason",
                    "已向县里两人当面核实",
                    "--by",
                    "王五",
                    .. more,
                ]
            );
        var (exit, said) = await AcceptAsync(other, "--confirm");
        Assert.True(exit == 1 && said.Contains("不是续接声明", StringComparison.Ordinal), said);
        (exit, said) = await AcceptAsync(receipt);
        Assert.True(exit == 0 && said.Contains("张三、李四", StringComparison.Ordinal), said);
        Assert.False(Directory.GetFiles(folder, "*.fork").Length > 0);
        (exit, said) = await AcceptAsync(receipt, "--confirm");
        Assert.True(exit == 0, said);
        Assert.Contains("王五", Printed(Assert.Single(Directory.GetFiles(folder, "*.continuations"))));
        Assert.Equal(fork.Text, Checkpoint.Parse(Printed(Assert.Single(Directory.GetFiles(folder, "*.fork")))).Text);
        // What it remembers now is no fork: the same again is none of its business.
        (exit, said) = await AcceptAsync(receipt, "--confirm");
        Assert.True(exit == 1 && said.Contains("没有本见证方所见的", StringComparison.Ordinal), said);
        await product.CosignedAsync();
    }

    [Fact]
    public async Task Each_node_goes_on_past_the_declared_fork_alone_and_remembers_what_others_signed()
    {
        await using var product = await Product.StartAsync(databases, "ledger_nodes_last");
        var middle = "";
        await LoseTailAsync(
            product,
            async () =>
            {
                middle = await product.SealedAsync();
                await product.Village.AllocateAsync(7);
                await product.SealedAsync();
            }
        );
        var furthest = Printed(product.SignerMemory);
        var size = Checkpoint.Parse(furthest).Size;
        await product.FoundAsync("signing-refused", $"{size} ");
        var keys = Log.LogKeys.LoadOrCreate(
            Storage.Settings.Of(
                new ConfigurationBuilder()
                    .AddInMemoryCollection(
                        product.Settings.ToDictionary(
                            s => s.Key.Replace("__", ":", StringComparison.Ordinal),
                            s => (string?)s.Value
                        )
                    )
                    .Build()
            ),
            await product.ScalarAsync<string>("select log_id from ledger.log_state")
        );
        await using var database = NpgsqlDataSource.Create(product.ConnectionString);

        // Another node, with a memory of its own.
        async Task<string> SignAsync(string? memory)
        {
            var file = Path.Combine(product.Folder.FullName, "other.last");
            if (memory is null)
                File.Delete(file);
            else
                await File.WriteAllTextAsync(file, memory);
            var signer = new CheckpointSigner(
                database,
                LedgerStore.Schema,
                keys.Signing,
                keys.Known,
                new SignerMemory(file),
                product.Keys.FindingSeal,
                TimeProvider.System
            );
            var held = Path.Combine(product.Folder.FullName, "other.last");
            await ApiFixture.EventuallyAsync(
                async () =>
                {
                    await signer.SignAsync(CancellationToken.None);
                    return File.Exists(held) && Printed(held) != memory;
                },
                "it had its turn"
            );
            return Printed(held);
        }
        // Not declared yet: of the fork's end and of its middle nothing is signed.
        foreach (var note in new[] { furthest, middle })
            await Assert.ThrowsAsync<LogDamagedException>(() => SignAsync(note));

        var done = await ContinueAsync(product, product.SignerMemory, null, "--confirm");
        Assert.True(done.Exit == 0, done.Said);
        await GoesOnAsync(product);
        await product.SealedAsync();
        async Task<string> NowAsync() => await product.Http.GetStringAsync("/log/checkpoint");
        foreach (var note in new[] { furthest, middle, null })
            Assert.Equal(await NowAsync(), await SignAsync(note));

        // What the signer has not seen declared is refused as before, however well it is signed.
        var other = new Checkpoint(keys.Origin, size + 1, MerkleTree.HashLeaf("x"u8), []);
        var beyond = (other with { Signatures = [keys.Signing[0].Sign(other.Text, default)] }).Note;
        await Assert.ThrowsAsync<LogDamagedException>(() => SignAsync(beyond));
        // And the declaration counts as the log's key signed it: nobody widens it.
        await product.AttackAsync(
            $$"""
            update ledger.mt_events
               set data = jsonb_set(data, '{statement}',
                                    to_jsonb(replace(data ->> 'statement', 'seen {{size}}', 'seen {{size + 1}}')))
             where type = 'log_continued'
            """
        );
        await Assert.ThrowsAsync<LogDamagedException>(() => SignAsync(beyond));
        await Assert.ThrowsAsync<LogDamagedException>(() => SignAsync(furthest));

        // A node that signed nothing for a while remembers what the others did.
        var older = Printed(product.SignerMemory);
        await product.Village.AllocateAsync(3);
        await product.SealedAsync();
        Assert.Equal(await NowAsync(), await SignAsync(older));
    }

    [Fact]
    public async Task A_history_that_was_rewritten_below_what_both_signed_is_not_continued()
    {
        await using var product = await Product.StartAsync(databases, "ledger_rewritten");
        await product.SealedAsync();
        await product.StopAsync();
        var seen = Printed(product.SignerMemory);
        await product.AttackAsync(
            """
            update ledger.mt_events set data = jsonb_set(data, '{sourceName}', '"别处"') where type = 'funds_allocated';
            delete from ledger.log_entry; delete from ledger.log_tile;
            update ledger.log_state set size = 0, low_water = 0, fence = null;
            """
        );
        var rewritten = Path.Combine(product.Folder.FullName, "seen");
        await File.WriteAllTextAsync(rewritten, seen);
        await product.StartAsync();
        await product.FoundAsync("signing-refused", "历史被改写");
        var (exit, said) = await ContinueAsync(product, rewritten, null, "--confirm");
        Assert.True(exit == 1 && said.Contains("历史被改写", StringComparison.Ordinal), said);
    }
}
