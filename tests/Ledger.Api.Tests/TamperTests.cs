using System.Diagnostics;
using Npgsql;
using Xunit.Abstractions;

namespace Ledger.Api.Tests;

/// <summary>
/// Somebody with every right on the database, and in the last two with the signing key as well, changes what happened.
/// docs/security.md has the table of who notices; each line of it is one of these.
/// </summary>
public sealed class TamperTests(Databases databases, ITestOutputHelper output) : IClassFixture<Databases>
{
    private async Task TimedAsync(string what, Func<Task> detected)
    {
        var watch = Stopwatch.StartNew();
        await detected();
        output.WriteLine($"{what}: {watch.Elapsed.TotalSeconds:0.0} s");
    }

    [Theory]
    [InlineData(
        "edited",
        """
            update ledger.mt_events
               set data = jsonb_set(data, '{sourceName}', '"别处"')
             where type = 'funds_allocated'
               and version = 2
            """,
        "事件被改动"
    )]
    [InlineData("deleted", "delete from ledger.mt_events where type = 'funds_allocated' and version = 3", "事件不见了")]
    [InlineData(
        "inserted in the middle",
        """
            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                          mt_dotnet_type, headers, is_archived)
            select 0, gen_random_uuid(), stream_id, 99, data, type, timestamp, tenant_id, mt_dotnet_type, headers, false
              from ledger.mt_events
             where type = 'funds_allocated' limit 1
            """,
        "事后插入"
    )]
    public async Task An_event_that_is_edited_deleted_or_inserted_is_found_by_the_check_and_by_the_verifier(
        string what,
        string sql,
        string problem
    )
    {
        await using var product = await Product.StartAsync(databases, "ledger_tamper");
        await product.SealedAsync();
        var keys = await product.DownloadAsync("/log/keys", "keys");
        var checkpoint = await product.DownloadAsync("/log/checkpoint", "checkpoint");
        var log = await product.DownloadAsync("/api/exports/log", "log.jsonl");
        var sequence = await product.ScalarAsync<long>(
            "select seq_id from ledger.mt_events where type = 'funds_allocated' and version = 2"
        );
        var receipt = await product.DownloadAsync($"/api/audit/events/{sequence}/receipt", "1.tlog-proof");
        Assert.Equal(0, Programs.VerifyHere("log", log, "--checkpoint", checkpoint, "--key", keys).Exit);
        Assert.Equal(0, Programs.VerifyHere("receipt", receipt, "--key", keys).Exit);
        product.Settings["Ledger__Log__ScrubMinutes"] = "0.02";
        await product.StopAsync();
        await product.StartAsync();

        await product.AttackAsync(sql);
        await TimedAsync(
            $"{what}, by the product's own check (every 1.2 s here, every hour by default)",
            () => product.FoundAsync("check", problem)
        );
        var found = await product.CityAuditor.GetAsync("/api/audit/log/check");
        Assert.False(found.GetProperty("isSound").GetBoolean());
        Assert.Contains(problem, found.GetRawText());
        // One change, one finding: no broken root on top of it.
        Assert.Single(found.GetProperty("findings").EnumerateArray());
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 1 && said.Contains(problem, StringComparison.Ordinal), said);
        if (what == "edited")
        {
            // An auditor with an export, a checkpoint and no trust: the changed log is not what was signed.
            var (code, words) = Programs.VerifyHere(
                "log",
                await product.DownloadAsync("/api/exports/log", "changed.jsonl"),
                "--checkpoint",
                checkpoint,
                "--key",
                keys
            );
            Assert.True(code == 1 && words.Contains("被改动", StringComparison.Ordinal), words);
            Assert.Equal(
                1,
                Programs
                    .VerifyHere(
                        "receipt",
                        await product.DownloadAsync($"/api/audit/events/{sequence}/receipt", "2.tlog-proof"),
                        "--key",
                        keys
                    )
                    .Exit
            );
            // The receipt from before still proves what it was.
            Assert.Equal(0, Programs.VerifyHere("receipt", receipt, "--key", keys).Exit);
        }
        if (what == "inserted in the middle")
        {
            // Two events claim the same fen: no mending decides between them, and the row of the one that was signed
            // stays.
            const string Axes =
                "select string_agg(a::text, ' ' order by axis, account, fen_from) from ledger.fen_axis a";
            var axes = await product.ScalarAsync<string>(Axes);
            (exit, said) = await ApiHost.RunAsync(product.Settings, "check", "--rebuild");
            Assert.True(exit == 1 && said.Contains("FenAxis", StringComparison.Ordinal), said);
            Assert.Equal(axes, await product.ScalarAsync<string>(Axes));
        }
    }

    /// <summary>The last events go, and with them every trace in the log's tables.</summary>
    private static string CutTail(int keep) =>
        $"""
            delete from ledger.mt_events where seq_id in (select seq from ledger.log_entry where log_index >= {keep});
            delete from ledger.log_cosignature where size > {keep};
            delete from ledger.log_checkpoint where size > {keep};
            delete from ledger.log_entry where log_index >= {keep};
            update ledger.log_tile set hashes = substring(hashes for {keep} * 32) where level = 0;
            update ledger.log_state set size = {keep};
            """;

    [Fact]
    public async Task A_tail_that_was_cut_is_noticed_by_the_signer_and_without_its_memory_by_the_witness()
    {
        await using var product = await Product.StartAsync(databases, "ledger_cut");
        await using var witness = await product.WitnessAsync();
        await product.StopAsync();
        var size = await product.ScalarAsync<long>("select size from ledger.log_state");
        await product.AttackAsync(CutTail((int)size - 2));
        await product.StartAsync();
        await TimedAsync(
            "cut, by the signer",
            () => product.FoundAsync("signing-refused", $"签名者记得大小 {size} 的检查点")
        );

        // The thief has been on that machine too.
        await product.StopAsync();
        File.Delete(product.SignerMemory);
        await product.StartAsync();
        await TimedAsync("cut, by the witness", () => product.FoundAsync("witness-refused", $"已见过 {size} 条的日志"));
    }

    [Fact]
    public async Task A_history_rewritten_and_signed_anew_with_the_real_key_is_noticed_by_the_witness_alone()
    {
        await using var product = await Product.StartAsync(databases, "ledger_chain");
        await using var witness = await product.WitnessAsync();
        var receipt = await product.DownloadAsync(
            $"/api/audit/events/{await product.ScalarAsync<long>("select max(seq_id) from ledger.mt_events")}/receipt",
            "kept.tlog-proof"
        );
        var keys = await product.DownloadAsync("/log/keys", "keys");
        var witnessKey = product.Settings["Ledger__Log__Witnesses__0"].Split(' ', 2)[1];
        Assert.Equal(0, Programs.VerifyHere("receipt", receipt, "--key", keys, "--witness", witnessKey).Exit);
        await product.StopAsync();
        await product.AttackAsync(
            """
            update ledger.mt_events set data = jsonb_set(data, '{sourceName}', '"别处"') where type = 'funds_allocated';
            delete from ledger.log_cosignature; delete from ledger.log_checkpoint;
            delete from ledger.log_entry; delete from ledger.log_tile;
            update ledger.log_state set size = 0, low_water = 0, fence = null;
            """
        );
        File.Delete(product.SignerMemory);
        await product.StartAsync();
        await TimedAsync("re-chained, by the witness", () => product.FoundAsync("witness-refused", "历史被改写"));
        // Nobody else could have known.
        Assert.True((await product.CityAuditor.GetAsync("/api/audit/log/check")).GetProperty("isSound").GetBoolean());
        // With what the witness signed before, anybody can prove it.
        await product.SealedAsync();
        var newest = await product.ScalarAsync<long>("select max(seq_id) from ledger.mt_events");
        Assert.Equal(
            1,
            Programs
                .VerifyHere(
                    "receipt",
                    await product.DownloadAsync($"/api/audit/events/{newest}/receipt", "new.tlog-proof"),
                    "--key",
                    keys,
                    "--witness",
                    witnessKey
                )
                .Exit
        );
        Assert.Equal(0, Programs.VerifyHere("receipt", receipt, "--key", keys, "--witness", witnessKey).Exit);
    }

    [Fact]
    public async Task Yesterdays_backup_put_back_is_noticed_by_the_witness()
    {
        await using var product = await Product.StartAsync(databases, "ledger_backup");
        await using var witness = await product.WitnessAsync();
        await product.StopAsync();
        var database = new NpgsqlConnectionStringBuilder(product.ConnectionString);
        await product.ServerAsync($"create database {database.Database}_old template {database.Database}");
        await product.StartAsync();
        await product.Village.AllocateAsync(7);
        await product.CosignedAsync();
        var size = await product.ScalarAsync<long>("select size from ledger.log_state");
        await product.StopAsync();
        File.Delete(product.SignerMemory); // a new machine
        await product.ServerAsync($"drop database {database.Database} with (force)");
        await product.ServerAsync($"alter database {database.Database}_old rename to {database.Database}");
        await product.StartAsync();
        await TimedAsync(
            "old backup, by the witness",
            () => product.FoundAsync("witness-refused", $"已见过 {size} 条的日志")
        );
        // Nothing is put in the place of the lost ones.
        await ApiFixture.RefusedAsync(
            "log-behind",
            product.Village.Officer,
            $"/api/funds/{product.Village.FundId}/allocations",
            new
            {
                amount = 8,
                source = "collective-income",
                sourceName = "x",
                evidence = new[] { new string('0', 64) },
            }
        );
    }

    [Fact]
    public async Task A_witness_signs_only_what_continues_what_it_knows_and_answers_as_c2sp_says()
    {
        await using var product = await Product.StartAsync(databases, "ledger_witness");
        await using var witness = await product.WitnessAsync();
        var checkpoint = Checkpoint.Parse(await product.SealedAsync());
        var own = checkpoint with { Signatures = [checkpoint.Signatures[0]] };
        async Task<(int Status, string Text)> Ask(string body)
        {
            using var response = await witness.Http.PostAsync("/add-checkpoint", new StringContent(body));
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        Assert.Equal(200, (await Ask($"old {own.Size}\n\n{own.Note}")).Status); // the same again is signed again
        Assert.Equal((409, $"{own.Size}\n"), await Ask($"old 0\n\n{own.Note}"));
        Assert.Equal(400, (await Ask($"old {own.Size + 1}\n\n{own.Note}")).Status);
        Assert.Equal(400, (await Ask("nonsense")).Status);
        Assert.Equal(400, (await Ask($"old 01\n\n{own.Note}")).Status);
        var stranger = NoteSigner.Create("stranger.example", NoteAlgorithm.Ed25519);
        var foreign = new Checkpoint("stranger.example", 1, own.Root, []);
        Assert.Equal(
            404,
            (
                await Ask($"old 0\n\n{(foreign with { Signatures = [stranger.Sign(foreign.Text, default)] }).Note}")
            ).Status
        );
        var forged = own with
        {
            Signatures = [NoteSigner.Create(own.Origin, NoteAlgorithm.Ed25519).Sign(own.Text, default)],
        };
        Assert.Equal(403, (await Ask($"old {own.Size}\n\n{forged.Note}")).Status);
        // The log's own key, under a tree that does not continue the one that was signed.
        var key = NoteSigner.Parse(File.ReadLines(product.SignerMemory[..^".last".Length]).First());
        var other = new Checkpoint(own.Origin, own.Size + 1, own.Root, []);
        Assert.Equal(
            422,
            (
                await Ask(
                    $"old {own.Size}\n{Convert.ToBase64String(own.Root)}\n"
                        + $"\n{(other with { Signatures = [key.Sign(other.Text, default)] }).Note}"
                )
            ).Status
        );
        var same = new Checkpoint(own.Origin, own.Size, MerkleTree.EmptyRoot, []);
        Assert.Equal(
            (409, $"{own.Size}\n"),
            await Ask($"old {own.Size}\n\n{(same with { Signatures = [key.Sign(same.Text, default)] }).Note}")
        );
    }
}
