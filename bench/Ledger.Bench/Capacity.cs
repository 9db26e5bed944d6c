using System.Diagnostics;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Npgsql;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// How much the product takes, and what others take on the same server in the same minutes: ours and theirs in turn,
/// three rounds, medians.
/// </summary>
public static class Capacity
{
    private const int Rounds = 3,
        Funds = 50;

    public static async Task RunAsync(
        PrivateCluster cluster,
        string folder,
        int seconds,
        int lines,
        string? pgledger,
        Report report
    )
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "capacity");
        var time = TimeSpan.FromSeconds(seconds);
        await using var database = NpgsqlDataSource.Create(ledger.ConnectionString);
        if (pgledger is null)
            Console.WriteLine(
                "pgledger is left out: give the folder of its SQL files with --pgledger "
                    + "(github.com/pgr0ss/pgledger, and the ulid functions it needs)"
            );

        await using (var api = await ApiProcess.StartAsync(ledger.Settings))
        {
            var today = Clock.Day(DateTimeOffset.UtcNow);
            var offices = await ledger.OpenAsync(api.Http);
            var postings = await Postings.SetUpAsync(api.Http, ledger.Tokens, offices, Funds);
            await postings.RunAsync(8, TimeSpan.FromSeconds(10)); // the compiler has seen it
            var baselines = new Baselines(ledger.ConnectionString);
            await baselines.SetUpAsync();

            foreach (var clients in new[] { 1, 8, 32 })
            {
                var (ours, raw, marten, theirs, lag) = (
                    new List<Rate>(),
                    new List<Rate>(),
                    new List<Rate>(),
                    new List<Rate>(),
                    new List<double>()
                );
                for (var round = 0; round < Rounds; round++)
                {
                    using var stop = new CancellationTokenSource();
                    var watching = LagAsync(database, lag, stop.Token);
                    ours.Add(await postings.RunAsync(clients, time));
                    await stop.CancelAsync();
                    await watching;
                    raw.Add(await baselines.InsertAsync(clients, time));
                    marten.Add(await baselines.MartenAsync(clients, Funds, time));
                    if (pgledger is not null)
                        theirs.Add(await baselines.PgLedgerAsync(pgledger, clients, Funds, time));
                }
                var mine = Of(ours);
                var name = clients == 1 ? "1 client" : $"{clients} clients";
                report.Add(
                    "single postings over HTTP",
                    $"{name}: insert and commit an event (SQL)",
                    Of(raw),
                    "/s",
                    noise: Noise(raw)
                );
                report.Add(
                    "single postings over HTTP",
                    $"{name}: Marten alone",
                    Of(marten),
                    "/s",
                    noise: Noise(marten)
                );
                if (theirs.Count > 0)
                    report.Add(
                        "single postings over HTTP",
                        $"{name}: pgledger transfers (SQL)",
                        Of(theirs),
                        "/s",
                        noise: Noise(theirs)
                    );
                report.Add(
                    "single postings over HTTP",
                    $"{name}: postings",
                    mine,
                    "/s",
                    "insert and commit",
                    mine / Of(raw),
                    Noise(ours)
                );
                report.Add(
                    "single postings over HTTP",
                    $"{name}: postings, to Marten alone",
                    mine,
                    "/s",
                    "Marten alone",
                    mine / Of(marten)
                );
                if (theirs.Count > 0)
                    report.Add(
                        "single postings over HTTP",
                        $"{name}: postings, to pgledger",
                        mine,
                        "/s",
                        "pgledger",
                        mine / Of(theirs)
                    );
                report.Add(
                    "single postings over HTTP",
                    $"{name}: latency, median",
                    Median(ours.Select(r => r.Median)),
                    "ms"
                );
                report.Add("single postings over HTTP", $"{name}: latency, p99", Median(ours.Select(r => r.P99)), "ms");
                lag.Sort();
                report.Add("single postings over HTTP", $"{name}: audit trail behind, p99", P99(lag), "ms");
            }

            // An application at a time, as long as a township's, with everything that comes before it.
            var steps = new Dictionary<string, List<double>>();
            var ceilings = new List<double>();
            for (var round = 0; round <= Rounds; round++)
            {
                var village = new SampleVillage(
                    offices,
                    $"{SampleStory.County}{900 + round:000000}",
                    $"第{900 + round}村股份经济合作社",
                    900 + round,
                    today.Year
                );
                var people = new SamplePeople(900 + round).Take(lines, $"{370811 + round}");
                await village.RegisterAsync();
                await village.SurveyAsync(lines);
                await village.AllocateAsync(lines * 200);
                await TimeAsync("import members (.xlsx)", () => village.ImportMembersAsync(people));
                await TimeAsync(
                    "import contributions (.xlsx)",
                    () => village.ImportContributionsAsync(people.Select(p => (p, 300, false)), today)
                );
                await village.DraftAsync(SampleVillage.Flat(100));
                await village.ResolveAsync(today);
                await village.AdoptAsync();
                await TimeAsync("file the roster (.xlsx)", () => village.FileAsync(people));
                await TimeAsync("review", village.ReviewAsync);
                await SettledAsync(database);
                await TimeAsync("approve", village.ApproveAsync);
                await SettledAsync(database);
                ceilings.Add(await baselines.CopyAsync(lines));
                if (round > 0)
                    continue; // the first round warms up
                steps.Clear();
                ceilings.Clear();
            }
            var section = $"an application of {lines:N0} lines over HTTP";
            report.Add(
                section,
                "COPY as many events (the ceiling)",
                Median(ceilings),
                "lines/s",
                noise: Spread(ceilings)
            );
            foreach (var (step, list) in steps)
                report.Add(
                    section,
                    step,
                    lines / Median(list),
                    "lines/s",
                    "COPY",
                    lines / Median(list) / Median(ceilings),
                    Spread(list)
                );
            report.Add(section, "memory at its peak", api.PeakWorkingSet / 1048576.0, "MB");

            var hot = new List<Rate>();
            var theirHot = new List<Rate>();
            for (var round = 0; round < Rounds; round++)
            {
                hot.Add(await postings.RunAsync(32, time, hot: true));
                if (pgledger is not null)
                    theirHot.Add(await baselines.PgLedgerAsync(pgledger, 32, 2, time));
            }
            report.Add("one hot fund, 32 clients", "single postings into one fund", Of(hot), "/s", noise: Noise(hot));
            if (theirHot.Count > 0)
            {
                report.Add(
                    "one hot fund, 32 clients",
                    "pgledger between two accounts",
                    Of(theirHot),
                    "/s",
                    noise: Noise(theirHot)
                );
                report.Add(
                    "one hot fund, 32 clients",
                    "member lines out of one fund, in one approval",
                    lines / Median(steps["approve"]),
                    "lines/s",
                    "pgledger",
                    lines / Median(steps["approve"]) / Of(theirHot)
                );
            }

            // Two nodes on this machine's two cores.
            await using (var other = await ApiProcess.StartAsync(ledger.Settings))
            {
                var there = postings.At(other.Http);
                await there.RunAsync(8, TimeSpan.FromSeconds(10));
                var (one, two) = (new List<Rate>(), new List<double>());
                for (var round = 0; round < Rounds; round++)
                {
                    one.Add(await postings.RunAsync(32, time));
                    two.Add(
                        (await Task.WhenAll(postings.RunAsync(16, time), there.RunAsync(16, time))).Sum(r =>
                            r.PerSecond
                        )
                    );
                }
                report.Add("nodes, 32 clients", "one node takes all", Of(one), "/s", noise: Noise(one));
                report.Add(
                    "nodes, 32 clients",
                    "two nodes",
                    Median(two),
                    "/s",
                    "one node",
                    Median(two) / Of(one),
                    Spread(two)
                );
            }

            async Task TimeAsync(string step, Func<Task> act)
            {
                var watch = Stopwatch.StartNew();
                await act();
                if (!steps.TryGetValue(step, out var list))
                    steps[step] = list = [];
                list.Add(watch.Elapsed.TotalSeconds);
            }
        }

        var starts = new List<double>();
        var idle = new List<double>();
        for (var round = 0; round < Rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            await using var again = await ApiProcess.StartAsync(ledger.Settings);
            (await again.Http.GetAsync("/health/ready")).EnsureSuccessStatusCode();
            starts.Add(watch.Elapsed.TotalSeconds);
            await Task.Delay(TimeSpan.FromSeconds(15));
            idle.Add(again.WorkingSet / 1048576.0);
        }
        report.Add("start, with this database", "to the first answer", Median(starts), "s", noise: Spread(starts));
        report.Add("start, with this database", "working set, idle", Median(idle), "MB", noise: Spread(idle));
    }

    /// <summary>
    /// How old the oldest event is that the audit trail has yet to take in, ten times a second, in milliseconds.
    /// </summary>
    public static async Task LagAsync(NpgsqlDataSource database, List<double> lag, CancellationToken stop)
    {
        await using var connection = await database.OpenConnectionAsync(CancellationToken.None);
        while (!stop.IsCancellationRequested)
        {
            lag.Add(
                (
                    await connection.QueryAsync(
                        """
                        select coalesce(extract(epoch from clock_timestamp() - (
                                select timestamp
                                  from ledger.mt_events
                                 where seq_id > (select last_seq_id
                                                   from ledger.mt_event_progression
                                                  where name = 'AuditTrail:All')
                                 order by seq_id limit 1)), 0)
                        """,
                        r => (double)r.GetDecimal(0) * 1000
                    )
                ).Single()
            );
            await Task.Delay(100, CancellationToken.None);
        }
    }

    /// <summary>The projections have taken in everything: what follows does not share the machine with them.</summary>
    private static async Task SettledAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        while (
            !(
                await connection.QueryAsync(
                    """
                    select (select max(seq_id) from ledger.mt_events)
                        <= (select min(last_seq_id)
                              from ledger.mt_event_progression
                             where name in ('AuditTrail:All', 'WorkQueue:All'))
                    """,
                    r => r.GetBoolean(0)
                )
            ).Single()
        )
            await Task.Delay(50);
    }

    private static double Of(List<Rate> rates) => Median(rates.Select(r => r.PerSecond));

    private static double Noise(List<Rate> rates) => Spread([.. rates.Select(r => r.PerSecond)]);

    private static double Spread(List<double> values) => (values.Max() - values.Min()) / Median(values);
}
