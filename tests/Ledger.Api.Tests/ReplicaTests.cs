using Ledger.Api.Operation;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// A streaming replica answers the long reads (docs/scale.md): nobody misses what he has just written, and nobody
/// notices when it is late or gone.
/// </summary>
public sealed class ReplicaTests : IDisposable
{
    private readonly string _folder = Directory
        .CreateDirectory(Path.Combine(Path.GetTempPath(), $"replica-{Guid.NewGuid():N}"[..16]))
        .FullName; // the server's account must get in

    [Fact]
    public async Task Long_reads_go_to_the_replica_once_it_has_come_as_far_as_the_primary()
    {
        await using var primary = await PrivateCluster.StartAsync(Path.Combine(_folder, "a"));
        var server = await primary.DatabaseAsync("ledger");
        await PostgresTool.RunAsync(
            "pg_basebackup",
            server,
            $"--pgdata={Path.Combine(_folder, "b", "data")}",
            "--checkpoint=fast",
            "--write-recovery-conf"
        );
        File.Copy(Path.Combine(_folder, "a", "password"), Path.Combine(_folder, "b", "password"));
        await Programs.ToServerAsync(Path.Combine(_folder, "b"));
        await Programs.RequireAsync("chmod", "700", Path.Combine(_folder, "b", "data"));
        var replica = await PrivateCluster.StartAsync(Path.Combine(_folder, "b"));
        var copy = $"{replica.ConnectionString("ledger")};Pooling=false";
        Assert.True(await ApiFixture.ScalarOfAsync<bool>(copy, "select pg_is_in_recovery()"));

        var keys = Path.Combine(_folder, "keys.json");
        await using var product = await ApiHost.StartAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = server,
                ["ConnectionStrings__LedgerReplica"] = copy,
                ["Ledger__KeyFile"] = keys,
            }
        );
        var offices = new SampleOffices(
            actor => new SampleClient(product.Http, new Tokens(KeyFile.LoadOrCreate(keys), TimeProvider.System), actor),
            "370811"
        );
        var year = Clock.Day(DateTimeOffset.UtcNow).Year;
        await offices.PublishPolicyAsync(year);
        await offices.OpenPilotAsync();
        var village = new SampleVillage(offices, "370811000001", "第1村股份经济合作社", 1, year);
        await village.RegisterAsync();

        var written = 0;
        async Task WriteAndFindAsync(string where)
        {
            var allocation = (await village.AllocateAsync(100 + written++)).AllocationId;
            Assert.True(
                (await offices.Auditor.GetAsync<AuditPage>($"/api/audit/events?id={allocation}")).Entries.Count > 0,
                where
            );
        }
        for (var i = 0; i < 20; i++)
            await WriteAndFindAsync("at once");
        // Answered over there: the last statements of its connections are these.
        Assert.True(
            await ApiFixture.ScalarOfAsync<long>(
                copy,
                "select count(*) from pg_stat_activity where usename = 'ledger_app' and query like '%audit_entry%'"
            ) > 0
        );
        Assert.Equal(
            0,
            await ApiFixture.ScalarOfAsync<long>(
                server,
                """
                select count(*)
                  from pg_stat_activity
                 where usename = 'ledger_app'
                   and query like '%from ledger.audit_entry%'
                   and query not like '%not exists%'
                """
            )
        );
        Assert.Equal(written, await AllocationsInExportAsync());

        // Of several servers in one connection string the one that has the snapshot is dumped.
        var both = new NpgsqlConnectionStringBuilder(server)
        {
            Host = $"{new NpgsqlConnectionStringBuilder(copy).Host},{new NpgsqlConnectionStringBuilder(server).Host}",
            TargetSessionAttributes = "primary",
        };
        var (exit, said) = await ApiHost.RunAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = both.ConnectionString,
                ["Ledger__KeyFile"] = keys,
            },
            "backup",
            "--to",
            Path.Combine(_folder, "backup")
        );
        Assert.True(exit == 0, said);

        // Standing still, or gone: the primary answers.
        await ApiFixture.ScalarOfAsync<bool>(copy, "select pg_wal_replay_pause() is not null");
        await WriteAndFindAsync("the replica stands still");
        await replica.DisposeAsync();
        await WriteAndFindAsync("the replica is gone");
        Assert.Equal(written, await AllocationsInExportAsync());
        NpgsqlConnection.ClearAllPools();

        async Task<int> AllocationsInExportAsync()
        {
            using var response = await offices.Auditor.SendAsync(HttpMethod.Get, "/api/exports/events", null);
            return (await response.Content.ReadAsStringAsync())
                .Split('\n')
                .Count(l => l.Contains("\"funds_allocated\"", StringComparison.Ordinal));
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
