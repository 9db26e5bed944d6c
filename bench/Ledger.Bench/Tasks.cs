using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// What waits for whom, worked out anew, in a county of so many villages, each with an application of 200 lines at one
/// of five stages. The baseline is the same county's work queue, a list of the same size.
/// </summary>
public static class Tasks
{
    private const int People = 200,
        Rounds = 20;

    public static async Task RunAsync(PrivateCluster cluster, string folder, int villages, Report report)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "tasks");
        var settings = new Dictionary<string, string>(ledger.Settings) { ["Ledger__RateLimit__PerUser"] = "0" };
        await using var api = await ApiProcess.StartAsync(settings);
        var offices = await ledger.OpenAsync(api.Http);
        var today = Clock.Day(DateTimeOffset.UtcNow);
        SampleVillage? first = null;
        for (var i = 1; i <= villages; i++)
        {
            var village = new SampleVillage(
                offices,
                $"{SampleStory.County}{i % 20 + 1:000}{i:000}",
                $"第{i}村股份经济合作社",
                i,
                today.Year
            );
            await ToStageAsync(village, i % 5, new SamplePeople(i).Take(People, $"{370811 + i}"), today);
            first ??= village;
        }
        await offices.Auditor.GetAsync("/api/audit/events?limit=1"); // the projections have taken in everything

        var waits = new (string What, SampleClient By, string Path)[]
        {
            ("work queue of the agency", offices.Reviewer, "/api/applications"),
            ("what waits for the agency", offices.Reviewer, "/api/tasks"),
            ("what waits for a township", first!.Township, "/api/tasks"),
            ("what waits for a village", first.Officer, "/api/tasks"),
            ("what waits for a committee", first.Committee, "/api/tasks"),
            ("what waits for the county", offices.CountyHrss, "/api/tasks"),
            ("what waits for an administrator", offices.Administrator, "/api/tasks"),
            ("what waits for an auditor", offices.Auditor, "/api/tasks"),
        };
        var times = waits.ToDictionary(w => w.What, _ => new List<double>());
        for (var round = 0; round <= Rounds; round++)
            foreach (var (what, by, path) in waits)
            {
                var watch = Stopwatch.StartNew();
                await by.GetAsync(path);
                if (round > 0) // the first warms up
                    times[what].Add(watch.Elapsed.TotalMilliseconds);
            }
        foreach (var (what, _, _) in waits)
        {
            List<double> list = [.. times[what].Order()];
            report.Add(
                "tasks",
                $"{what}, {villages} villages",
                Median(list),
                "ms",
                what == waits[0].What ? null : waits[0].What,
                Median(list) / Median(times[waits[0].What]),
                (list[list.Count * 3 / 4] - list[list.Count / 4]) / Median(list)
            );
        }
    }

    private static async Task ToStageAsync(
        SampleVillage village,
        int stage,
        IReadOnlyList<SamplePerson> people,
        DateOnly today
    )
    {
        await village.RegisterAsync();
        await village.AllocateAsync(People * 200);
        await village.PrepareAsync(people, 100, today);
        await village.FileAsync(people);
        Func<Task>[] steps = [village.ReviewAsync, village.ApproveAsync, village.NoticeAsync];
        foreach (var step in steps.Take(stage))
            await step();
        if (stage == 4)
            await village.ObjectAsync("有异议");
    }
}
