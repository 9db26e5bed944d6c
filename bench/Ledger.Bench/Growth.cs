using System.Diagnostics;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// What a county's people wait for, while the ledger around them grows: the same county with the same villages, in a ledger of some
/// events and in one of many, the others in other counties of the city.
/// </summary>
public static class Growth
{
    private const int Villages = 20, People = 200, Samples = 40;

    public static async Task RunAsync(PrivateCluster cluster, string folder, int[] sizes, Report report)
    {
        var times = new Dictionary<(string What, int Size), List<double>>();
        foreach (var size in sizes)
        {
            var connectionString = await cluster.DatabaseAsync($"growth_{size}");
            var keyFile = Path.Combine(folder, "keys.json");
            var settings = new Dictionary<string, string> { ["ConnectionStrings__Ledger"] = connectionString, ["Ledger__KeyFile"] = keyFile };
            var (exit, output) = await ApiProcess.RunAsync(settings, "schema");
            if (exit != 0) throw new InvalidOperationException(output);
            using (var store = History.Store(connectionString))
                await History.FillAsync(connectionString, store, size / 2, withContributions: true, region: "370812102201");
            await History.FillReadModelsAsync(connectionString);

            await using var api = await ApiProcess.StartAsync(settings);
            var tokens = new Tokens(KeyFile.LoadOrCreate(keyFile), TimeProvider.System);
            var today = DateOnly.FromDateTime(DateTime.UtcNow.AddHours(8));
            var offices = new SampleOffices(actor => new SampleClient(api.Http, tokens, actor), SampleStory.County);
            await offices.PublishPolicyAsync(today.Year);
            await offices.OpenPilotAsync();
            var villages = new List<SampleVillage>();
            for (var i = 1; i <= Villages; i++)
            {
                var village = new SampleVillage(offices, $"{SampleStory.County}{i:000000}", $"第{i}村股份经济合作社", i, today.Year);
                var people = new SamplePeople(i).Take(People, $"{370811 + i}");
                await village.RegisterAsync();
                await village.AllocateAsync(People * 200);
                await village.PrepareAsync(people, 100, today);
                await village.FileAsync(people);
                await village.ReviewAsync();
                await village.ApproveAsync();
                villages.Add(village);
            }
            var postings = await Postings.SetUpAsync(api.Http, tokens, offices, 50, today.Year, first: 500);
            await postings.RunAsync(8, TimeSpan.FromSeconds(5));
            // The projections have taken in everything.
            await offices.Auditor.GetAsync("/api/audit/events?limit=1");
            var lines = (await offices.Auditor.GetAsync($"/api/applications/{villages[3].ApplicationId}/lines?limit=50")).GetProperty("lines").EnumerateArray().Select(l => l.GetProperty("memberId").GetString()!).ToList();
            var allocation = (await villages[3].AllocateAsync(1000)).GetProperty("allocationId").GetString()!;

            times[("a posting, one client", size)] = [.. (await postings.RunAsync(1, TimeSpan.FromSeconds(10))).Milliseconds];
            times[("a posting, eight clients", size)] = [.. (await postings.RunAsync(8, TimeSpan.FromSeconds(10))).Milliseconds];
            await MeasureAsync("trace of a line", Samples * 5, i => offices.Auditor.GetAsync($"/api/trace/applications/{villages[3].ApplicationId}/members/{lines[i % lines.Count]}"));
            await MeasureAsync("trace of an allocation", Samples, _ => offices.Auditor.GetAsync($"/api/trace/funds/{villages[3].FundId}/allocations/{allocation}"));
            await MeasureAsync("fund list", Samples, _ => offices.CountyHrss.GetAsync("/api/funds"));
            await MeasureAsync("statement", Samples, _ => villages[3].Officer.GetAsync($"/api/funds/{villages[3].FundId}/statement"));
            await MeasureAsync("work queue", Samples, _ => offices.Reviewer.GetAsync("/api/applications?waitingForMe=true"));
            await MeasureAsync("member list", Samples, _ => villages[3].Officer.GetAsync($"/api/members?collectiveId={villages[3].CollectiveId}"));
            await MeasureAsync("audit search by member", Samples, i => offices.Auditor.GetAsync($"/api/audit/events?id={lines[i]}"));
            await MeasureAsync("audit search by type and village", Samples, i => offices.Auditor.GetAsync($"/api/audit/events?type=funds_allocated&region={villages[i % Villages].VillageCode}"));
            await MeasureAsync("audit search by region", Samples, i => offices.Auditor.GetAsync($"/api/audit/events?region={villages[i % Villages].VillageCode}"));
            await MeasureAsync("audit search by time", Samples, i => offices.Auditor.GetAsync($"/api/audit/events?from={Uri.EscapeDataString($"{DateTime.UtcNow.AddHours(-1):s}Z")}"));
            await MeasureAsync("supervision of a county", Samples / 4, _ => offices.CountyHrss.GetAsync("/api/supervision"));
            await MeasureAsync("ranking of a county", Samples / 4, _ => offices.CountyHrss.GetAsync($"/api/reports/incentives?year={today.Year}"));

            async Task MeasureAsync(string what, int samples, Func<int, Task> act)
            {
                for (var i = 0; i < 3; i++) await act(i);
                var list = new List<double>();
                for (var i = 0; i < samples; i++)
                {
                    var watch = Stopwatch.StartNew();
                    await act(i);
                    list.Add(watch.Elapsed.TotalMilliseconds);
                }
                times[(what, size)] = [.. list.Order()];
                if (!Console.IsErrorRedirected) Console.Error.WriteLine($"{size:N0} {what}: {list.Order().ElementAt(list.Count / 2):0.0} ms");
            }
        }
        foreach (var what in times.Keys.Select(k => k.What).Distinct())
            foreach (var size in sizes)
            {
                var (list, first) = (times[(what, size)], times[(what, sizes[0])]);
                report.Add("growth", $"{what}, {size:N0} events", Median(list), "ms", size == sizes[0] ? null : $"at {sizes[0]:N0}", Median(list) / Median(first), (list[list.Count * 3 / 4] - list[list.Count / 4]) / Median(list));
            }
    }
}
