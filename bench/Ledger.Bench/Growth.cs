using System.Diagnostics;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// What a county's people wait for, while the ledger around them grows: the same county with the same villages, in a
/// ledger of some events and in one of many, the others in other counties of the city.
/// </summary>
public static class Growth
{
    private const int Villages = 20,
        People = 200,
        Rounds = 10,
        PostingFunds = 50,
        FirstPostingFund = 500;
    private static readonly TimeSpan PostingTime = TimeSpan.FromSeconds(2);

    /// <summary>What somebody waits for, and how often it is tried in a round.</summary>
    private sealed record Wait(string What, int Samples, Func<int, Task> Act);

    private sealed record Grown(int Size, ApiProcess Api, Postings Postings, IReadOnlyList<Wait> Waits);

    public static async Task RunAsync(PrivateCluster cluster, string folder, int[] sizes, Report report)
    {
        var ledgers = new List<Grown>();
        var times = new Dictionary<(string What, int Size), List<double>>();
        try
        {
            foreach (var size in sizes)
                ledgers.Add(await SetUpAsync(cluster, folder, size));
            // In turn: the machine's moods and the compiler's stages fall on all of them. The first round only warms
            // up.
            for (var round = 0; round <= Rounds; round++)
            {
                foreach (var ledger in ledgers)
                {
                    await TimedAsync(
                        "a posting, one client",
                        async list => list.AddRange((await ledger.Postings.RunAsync(1, PostingTime)).Milliseconds)
                    );
                    await TimedAsync(
                        "a posting, eight clients",
                        async list => list.AddRange((await ledger.Postings.RunAsync(8, PostingTime)).Milliseconds)
                    );
                    foreach (var wait in ledger.Waits)
                        await TimedAsync(
                            wait.What,
                            async list =>
                            {
                                for (var i = 0; i < wait.Samples; i++)
                                {
                                    var watch = Stopwatch.StartNew();
                                    await wait.Act(i);
                                    list.Add(watch.Elapsed.TotalMilliseconds);
                                }
                            }
                        );

                    async Task TimedAsync(string what, Func<List<double>, Task> measure)
                    {
                        var list = new List<double>();
                        await measure(list);
                        if (round == 0)
                            times[(what, ledger.Size)] = [];
                        else
                            times[(what, ledger.Size)].AddRange(list);
                    }
                }
                if (!Console.IsErrorRedirected)
                    Console.Error.Write($"\rround {round} of {Rounds}   ");
            }
        }
        finally
        {
            foreach (var ledger in ledgers)
                await ledger.Api.DisposeAsync();
        }
        foreach (var what in times.Keys.Select(k => k.What).Distinct())
        foreach (var size in sizes)
        {
            List<double> list = [.. times[(what, size)].Order()];
            report.Add(
                "growth",
                $"{what}, {size:N0} events",
                Median(list),
                "ms",
                size == sizes[0] ? null : $"at {sizes[0]:N0}",
                Median(list) / Median(times[(what, sizes[0])]),
                (list[list.Count * 3 / 4] - list[list.Count / 4]) / Median(list)
            );
        }
    }

    private static async Task<Grown> SetUpAsync(PrivateCluster cluster, string folder, int size)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, $"growth_{size}");
        await History.FillAllAsync(
            ledger,
            size,
            [
                .. Enumerable
                    .Range(FirstPostingFund, PostingFunds)
                    .Select(i => SampleOffices.OfficerOf($"{SampleStory.County}{i:000000}").Id),
            ]
        );

        var api = await ApiProcess.StartAsync(ledger.Settings);
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var offices = await ledger.OpenAsync(api.Http);
        var villages = new List<SampleVillage>();
        for (var i = 1; i <= Villages; i++)
        {
            var village = new SampleVillage(
                offices,
                $"{SampleStory.County}{i:000000}",
                $"第{i}村股份经济合作社",
                i,
                today.Year
            );
            var people = new SamplePeople(i).Take(People, $"{370811 + i}");
            await village.RegisterAsync();
            await village.AllocateAsync(People * 200);
            await village.PrepareAsync(people, 100, today);
            await village.FileAsync(people);
            await village.ReviewAsync();
            await village.ApproveAsync();
            villages.Add(village);
        }
        var postings = await Postings.SetUpAsync(api.Http, ledger.Tokens, offices, PostingFunds, FirstPostingFund);
        // The projections have taken in everything.
        await offices.Auditor.GetAsync("/api/audit/events?limit=1");
        var lines = (await offices.Auditor.GetAsync($"/api/applications/{villages[3].ApplicationId}/lines?limit=50"))
            .GetProperty("lines")
            .EnumerateArray()
            .Select(l => l.GetProperty("memberId").GetString()!)
            .ToList();
        var allocation = (await villages[3].AllocateAsync(1000)).AllocationId;
        return new Grown(
            size,
            api,
            postings,
            [
                new(
                    "trace of a line",
                    50,
                    i =>
                        offices.Auditor.GetAsync(
                            $"/api/trace/applications/{villages[3].ApplicationId}/members/{lines[i % lines.Count]}"
                        )
                ),
                new(
                    "trace of an allocation",
                    20,
                    _ => offices.Auditor.GetAsync($"/api/trace/funds/{villages[3].FundId}/allocations/{allocation}")
                ),
                new("fund list", 20, _ => offices.CountyHrss.GetAsync("/api/funds")),
                new("statement", 20, _ => villages[3].Officer.GetAsync($"/api/funds/{villages[3].FundId}/statement")),
                new("work queue", 20, _ => offices.Reviewer.GetAsync("/api/applications?waitingForMe=true")),
                new(
                    "member list",
                    20,
                    _ => villages[3].Officer.GetAsync($"/api/members?collectiveId={villages[3].CollectiveId}")
                ),
                new("audit search by member", 20, i => offices.Auditor.GetAsync($"/api/audit/events?id={lines[i]}")),
                new(
                    "audit search by type and village",
                    20,
                    i =>
                        offices.Auditor.GetAsync(
                            $"/api/audit/events?type=funds_allocated&region={villages[i % Villages].VillageCode}"
                        )
                ),
                new(
                    "audit search by region",
                    20,
                    i => offices.Auditor.GetAsync($"/api/audit/events?region={villages[i % Villages].VillageCode}")
                ),
                new(
                    "audit search by time",
                    10,
                    i =>
                        offices.Auditor.GetAsync(
                            $"/api/audit/events?from={Uri.EscapeDataString($"{DateTime.UtcNow.AddHours(-1):s}Z")}"
                        )
                ),
                new("supervision of a county", 5, _ => offices.CountyHrss.GetAsync("/api/supervision")),
                new(
                    "ranking of a county",
                    5,
                    _ => offices.CountyHrss.GetAsync($"/api/reports/incentives?year={today.Year}")
                ),
            ]
        );
    }
}
