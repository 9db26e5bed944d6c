using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Npgsql;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// Another build beside the present one, each with a database of its own on one server, in turn and in short turns:
/// what the machine does meanwhile it does to both. The ratio is the median of the rounds' ratios; its noise their
/// quartiles' distance.
/// </summary>
public static class Versus
{
    private const int Funds = 50,
        Lines = 10_000;
    private static readonly TimeSpan Turn = TimeSpan.FromSeconds(2);

    private sealed record Side(SampleOffices Offices, Postings Postings, ApiProcess Api, NpgsqlDataSource Database);

    /// <summary>
    /// What one side did in its turn; microseconds of processor for each posting, the product's and the server's.
    /// </summary>
    private sealed record Turned(
        double PerSecond,
        double Median = 0,
        double P99 = 0,
        double OwnMicroseconds = 0,
        double ServerMicroseconds = 0
    );

    /// <param name="other">The other build's Ledger.Api.dll: an earlier one, or the present one with something left
    /// out.</param>
    /// <param name="rounds">Of postings; 0: approvals alone.</param>
    /// <param name="applications">Villages of 10,000 that are reviewed and approved, and as many beside whose approval
    /// 32 clients post; 0: postings alone.</param>
    public static async Task RunAsync(
        PrivateCluster cluster,
        string folder,
        string other,
        int rounds,
        int applications,
        Report report
    )
    {
        var running = new List<IAsyncDisposable>();
        try
        {
            var sides = new List<Side>();
            foreach (var (build, name) in new[] { (other, "other"), (ApiProcess.Build, "present") })
            {
                var ledger = await BenchDatabase.NewAsync(cluster, Path.Combine(folder, name), name);
                var api = await ApiProcess.StartOfAsync(build, ledger.Settings);
                running.Add(api);
                var document = await api.Http.GetStringAsync("/openapi/v1.json");
                var http = new HttpClient(new EarlierApi(document)) { BaseAddress = api.Http.BaseAddress };
                var offices = await ledger.OpenAsync(http, EarlierApi.Answers);
                var postings = await Postings.SetUpAsync(
                    api.Http,
                    ledger.Tokens,
                    offices,
                    Funds,
                    asks: document.Contains("confirmDuplicate", StringComparison.Ordinal)
                );
                await postings.RunAsync(8, TimeSpan.FromSeconds(20)); // the compiler has seen it
                var database = NpgsqlDataSource.Create(ledger.ConnectionString);
                running.Add(database);
                sides.Add(new Side(offices, postings, api, database));
            }

            foreach (var clients in new[] { 1, 8, 32 })
                await InTurnAsync(
                    $"postings, {clients} at once",
                    "/s",
                    rounds,
                    (side, _) => PostAsync(side, clients, hot: false)
                );
            foreach (var clients in new[] { 8, 32 })
                await InTurnAsync(
                    $"postings into one fund, {clients} at once",
                    "/s",
                    rounds,
                    (side, _) => PostAsync(side, clients, hot: true)
                );
            var villages = new Dictionary<(Side, int), SampleVillage>();
            await InTurnAsync(
                "review",
                "lines/s",
                applications,
                async (side, round) =>
                {
                    var village = villages[(side, round)] = await FiledAsync(side.Offices, 900 + round, Lines);
                    return new Turned(await RateAsync(village.ReviewAsync));
                }
            );
            await InTurnAsync(
                "approve",
                "lines/s",
                applications,
                async (side, round) => new Turned(await RateAsync(villages[(side, round)].ApproveAsync))
            );
            await InTurnAsync("postings beside an approval, 32 at once", "/s", applications, BesideAsync);

            async Task<Turned> BesideAsync(Side side, int round)
            {
                var village = await FiledAsync(side.Offices, 950 + round, Lines);
                await village.ReviewAsync();
                await Capacity.SettledAsync(side.Database);
                return await TurnedAsync(side, () => side.Postings.WhileAsync(32, village.ApproveAsync));
            }

            Task<Turned> PostAsync(Side side, int clients, bool hot) =>
                TurnedAsync(side, () => side.Postings.RunAsync(clients, Turn, hot));

            async Task<Turned> TurnedAsync(Side side, Func<Task<Rate>> act)
            {
                var (own, server) = (Processor.Of(side.Api.Id), Processor.OfServer(folder));
                var rate = await act();
                double Each(TimeSpan before, TimeSpan after) =>
                    (after - before).TotalMicroseconds / rate.Milliseconds.Count;
                return new Turned(
                    rate.PerSecond,
                    rate.Median,
                    rate.P99,
                    Each(own, Processor.Of(side.Api.Id)),
                    Each(server, Processor.OfServer(folder))
                );
            }

            async Task InTurnAsync(string what, string unit, int times, Func<Side, int, Task<Turned>> once)
            {
                if (times == 0)
                    return;
                var (theirs, ours) = (new List<Turned>(), new List<Turned>());
                for (var round = 0; round <= times; round++)
                {
                    // Who goes second finds the server as the first left it: they change places.
                    var first = round % 2;
                    var figures = new Turned[2];
                    figures[first] = await once(sides[first], round);
                    figures[1 - first] = await once(sides[1 - first], round);
                    if (round == 0)
                        continue; // warms up
                    theirs.Add(figures[0]);
                    ours.Add(figures[1]);
                }
                Add(what, unit, theirs, ours, t => t.PerSecond);
                if (ours.All(t => t.OwnMicroseconds == 0))
                    return;
                Add($"{what}: median", "ms", theirs, ours, t => t.Median);
                Add($"{what}: p99", "ms", theirs, ours, t => t.P99);
                Add($"{what}: product's processor", "µs", theirs, ours, t => t.OwnMicroseconds);
                Add($"{what}: server's processor", "µs", theirs, ours, t => t.ServerMicroseconds);
            }

            void Add(
                string what,
                string unit,
                IReadOnlyList<Turned> theirs,
                IReadOnlyList<Turned> ours,
                Func<Turned, double> figure
            )
            {
                var ratios = ours.Zip(theirs, (o, t) => figure(o) / figure(t)).Order().ToList();
                var noise = ratios[ratios.Count * 3 / 4] - ratios[ratios.Count / 4];
                report.Add("versus", $"{what}: the other build", Median(theirs.Select(figure)), unit);
                report.Add("versus", what, Median(ours.Select(figure)), unit, "the other build", Median(ratios), noise);
            }
        }
        finally
        {
            foreach (var one in running)
                await one.DisposeAsync();
        }
    }

    private static async Task<double> RateAsync(Func<Task> act)
    {
        var watch = Stopwatch.StartNew();
        await act();
        return Lines / watch.Elapsed.TotalSeconds;
    }

    /// <summary>A village of its own, whose list of so many waits for its review.</summary>
    public static async Task<SampleVillage> FiledAsync(SampleOffices offices, int number, int lines)
    {
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var village = new SampleVillage(
            offices,
            $"{SampleStory.County}{number:000000}",
            $"第{number}村股份经济合作社",
            number,
            today.Year
        );
        var people = new SamplePeople(number).Take(lines, $"{370811 + number}");
        await village.RegisterAsync();
        await village.AllocateAsync(lines * 200);
        await village.PrepareAsync(people, 100, today);
        await village.FileAsync(people);
        return village;
    }
}
