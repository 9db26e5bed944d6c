using System.Diagnostics;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>Two processes on one database: both take commands, either may go at any moment.</summary>
[Collection("api and programs")]
public sealed class NodeTests(ApiFixture api)
{
    [Fact]
    public async Task A_node_killed_under_load_loses_and_doubles_nothing_and_the_other_goes_on_within_15_seconds()
    {
        const int clients = 8,
            each = 30;
        var connectionString = await api.NewDatabaseAsync("nodes");
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = connectionString,
            ["Ledger__KeyFile"] = api.KeyFile,
        };
        await using var first = await ApiProcess.StartAsync(settings);
        await using var second = await ApiProcess.StartAsync(settings);
        await using var database = NpgsqlDataSource.Create(connectionString);
        async Task<T> OneAsync<T>(string sql)
        {
            await using var connection = await database.OpenConnectionAsync();
            return (await connection.QueryAsync(sql, r => r.GetFieldValue<T>(0))).Single();
        }
        await ApiFixture.EventuallyAsync(
            async () => await OneAsync<long>("select count(*) from ledger.lease where until > clock_timestamp()") == 1,
            "one node runs the projections"
        );

        var tokens = new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System);
        var offices = new SampleOffices(actor => new SampleClient(second.Http, tokens, actor), "374911");
        var villages = new List<SampleVillage>();
        for (var i = 1; i <= 4; i++)
        {
            var village = new SampleVillage(
                offices,
                $"374911{i:000000}",
                $"第{i}村股份经济合作社",
                7000 + i,
                api.Today.Year
            );
            await village.RegisterAsync();
            villages.Add(village);
        }
        var slip = await villages[0].Officer.EvidenceAsync("slip");
        foreach (var village in villages)
            await village.Officer.EvidenceAsync("slip");

        // Every client sends to both nodes in turn; what it got no answer to it sends again, with the same key, to the
        // other.
        var acknowledged = 0;
        var killing = new TaskCompletionSource();
        var load = Task.WhenAll(
            Enumerable
                .Range(0, clients)
                .Select(async client =>
                {
                    for (var i = 0; i < each; i++)
                    {
                        var village = villages[(client + i) % villages.Count];
                        var key = $"{client}-{i}";
                        for (var node = i; ; node++)
                        {
                            try
                            {
                                using var answer = await new SampleClient(
                                    (node % 2 == 0 ? first : second).Http,
                                    tokens,
                                    village.Officer.Actor
                                ).SendAsync(
                                    HttpMethod.Post,
                                    $"/api/funds/{village.FundId}/allocations",
                                    SampleClient.Json(
                                        new
                                        {
                                            amount = 1.01m,
                                            source = "collective-income",
                                            sourceName = "租金",
                                            evidence = new[] { slip },
                                            confirmDuplicate = "同一回单的另一笔",
                                        }
                                    ),
                                    key
                                );
                                Assert.True(answer.IsSuccessStatusCode, await answer.Content.ReadAsStringAsync());
                                break;
                            }
                            catch (HttpRequestException)
                            {
                                // The node is gone.
                            }
                        }
                        if (Interlocked.Increment(ref acknowledged) == clients * each / 3)
                            killing.TrySetResult();
                    }
                })
        );
        await killing.Task.WaitAsync(TimeSpan.FromSeconds(60));
        await first.KillAsync();
        var killed = Stopwatch.StartNew();
        await load.WaitAsync(TimeSpan.FromMinutes(2));

        // A node killed early may have written no progress at all.
        await ApiFixture.EventuallyAsync(
            async () =>
                await OneAsync<long>(
                    """
                    select count(*)
                      from ledger.mt_event_progression
                     where name in ('AuditTrail:All', 'WorkQueue:All')
                       and last_seq_id >= (select max(seq_id) from ledger.mt_events)
                    """
                ) == 2,
            "the other node goes on with the projections"
        );
        Assert.True(killed.Elapsed < TimeSpan.FromSeconds(15), $"the projections stood still for {killed.Elapsed}");
        Assert.Equal(
            clients * each,
            await OneAsync<long>("select count(*) from ledger.mt_events where type = 'funds_allocated'")
        );
        Assert.Equal(
            clients * each * 101L,
            await OneAsync<long>("select sum((data ->> 'availableFen')::bigint)::bigint from ledger.mt_doc_fund")
        );
        Assert.Equal(
            clients * each,
            await OneAsync<long>("select count(*) from ledger.audit_entry where type = 'funds_allocated'")
        );
        var (exit, output) = await ApiProcess.RunAsync(settings, "check");
        Assert.True(exit == 0, output);
    }
}
