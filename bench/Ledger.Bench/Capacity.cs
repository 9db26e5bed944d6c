using System.Diagnostics;
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
public sealed class Capacity
{
    private const int Rounds = 3,
        Funds = 50,
        InBatch = 100;
    private const string Single = "single postings over HTTP";

    private readonly TimeSpan _time;
    private readonly int _lines;
    private readonly string? _pgledger;
    private readonly Report _report;
    private readonly NpgsqlDataSource _database;
    private readonly Baselines _baselines;
    private readonly ApiProcess _api;
    private readonly SampleOffices _offices;
    private readonly Postings _postings;

    private Capacity(
        TimeSpan time,
        int lines,
        string? pgledger,
        Report report,
        NpgsqlDataSource database,
        Baselines baselines,
        ApiProcess api,
        SampleOffices offices,
        Postings postings
    )
    {
        (_time, _lines, _pgledger, _report) = (time, lines, pgledger, report);
        (_database, _baselines, _api, _offices, _postings) = (database, baselines, api, offices, postings);
    }

    /// <param name="pgledger">The folder of pgledger's repository; null: it is left out.</param>
    public static async Task RunAsync(
        PrivateCluster cluster,
        string folder,
        int seconds,
        int lines,
        string? pgledger,
        Report report
    )
    {
        if (pgledger is null)
            Console.WriteLine("pgledger is left out: give its repository (github.com/pgr0ss/pgledger) with --pgledger");
        else
            PgLedger.Require(pgledger);
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "capacity");
        var time = TimeSpan.FromSeconds(seconds);
        await using var database = NpgsqlDataSource.Create(ledger.ConnectionString);
        await using (var api = await ApiProcess.StartAsync(ledger.Settings))
        {
            var offices = await ledger.OpenAsync(api.Http);
            var postings = await Postings.SetUpAsync(api.Http, ledger.Tokens, offices, Funds);
            await postings.RunAsync(8, TimeSpan.FromSeconds(30)); // the compiler has seen it
            await postings.RunInBatchesAsync(8, InBatch, TimeSpan.FromSeconds(10));
            var baselines = new Baselines(ledger.ConnectionString);
            await baselines.SetUpAsync();
            var capacity = new Capacity(time, lines, pgledger, report, database, baselines, api, offices, postings);
            foreach (var clients in new[] { 1, 8, 32 })
                await capacity.SingleAsync(clients);
            await capacity.UsualLoadAsync();
            var approve = await capacity.ApplicationAsync();
            await capacity.HotFundAsync(approve);
            await capacity.BesideAnApprovalAsync();
            await capacity.NodesAsync(ledger.Settings);
        }
        await StartAsync(ledger.Settings, report);
    }

    private static string Name(int clients) => clients == 1 ? "1 client" : $"{clients} clients";

    private async Task SingleAsync(int clients)
    {
        var (ours, batches, raw, marten, theirs, lag) = (
            new List<Rate>(),
            new List<Rate>(),
            new List<Rate>(),
            new List<Rate>(),
            new List<Rate>(),
            new List<double>()
        );
        for (var round = 0; round < Rounds; round++)
        {
            using var stop = new CancellationTokenSource();
            var watching = LagAsync(_database, lag, stop.Token);
            ours.Add(await _postings.RunAsync(clients, _time));
            await stop.CancelAsync();
            await watching;
            raw.Add(await _baselines.InsertAsync(clients, _time));
            if (clients == 8)
                batches.Add(await _postings.RunInBatchesAsync(clients, InBatch, _time));
            marten.Add(await _baselines.MartenAsync(clients, Funds, _time));
            if (_pgledger is not null)
                theirs.Add(await _baselines.PgLedgerAsync(_pgledger, clients, Funds, _time));
        }
        var name = Name(clients);
        Peer($"{name}: insert and commit an event (SQL)", raw);
        Peer($"{name}: Marten alone", marten);
        if (theirs.Count > 0)
            Peer($"{name}: pgledger transfers (SQL)", theirs);
        Ours($"{name}: postings", ours, "insert and commit", raw);
        Ours($"{name}: postings, to Marten alone", ours, "Marten alone", marten);
        if (theirs.Count > 0)
            Ours($"{name}: postings, to pgledger", ours, "pgledger", theirs);
        _report.Add(Single, $"{name}: latency, median", Median(ours.Select(r => r.Median)), "ms");
        _report.Add(Single, $"{name}: latency, p99", Median(ours.Select(r => r.P99)), "ms");
        lag.Sort();
        _report.Add(Single, $"{name}: audit trail behind, p99", P99(lag), "ms");
        if (batches.Count > 0)
            _report.Add(
                Single,
                $"{name}: in batches of {InBatch}, commands",
                Of(batches) * InBatch,
                "/s",
                "insert and commit",
                Of(batches) * InBatch / Of(raw),
                Noise(batches)
            );
    }

    private void Peer(string what, List<Rate> rates) => _report.Add(Single, what, Of(rates), "/s", noise: Noise(rates));

    private void Ours(string what, List<Rate> ours, string baseline, List<Rate> theirs) =>
        _report.Add(Single, what, Of(ours), "/s", baseline, Of(ours) / Of(theirs), Noise(ours));

    /// <summary>Answers at four fifths of what 32 clients reach that only wait for theirs.</summary>
    private async Task UsualLoadAsync()
    {
        const string section = "at 80 % of capacity";
        var (capacity, usual) = (new List<Rate>(), new List<Rate>());
        for (var round = 0; round < Rounds; round++)
        {
            capacity.Add(await _postings.RunAsync(32, _time));
            usual.Add(
                await Rate.PacedAsync(capacity[^1].PerSecond * 0.8, _time, random => _postings.OnceAsync(random))
            );
        }
        _report.Add(section, "postings", Of(usual), "/s", "capacity", Of(usual) / Of(capacity), Noise(usual));
        _report.Add(section, "latency, median", Median(usual.Select(r => r.Median)), "ms");
        _report.Add(section, "latency, p99", Median(usual.Select(r => r.P99)), "ms");
    }

    private async Task<SampleVillage> VillageAsync(int number, IReadOnlyList<SamplePerson> people, TimeSteps steps)
    {
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var village = new SampleVillage(
            _offices,
            $"{SampleStory.County}{number:000000}",
            $"第{number}村股份经济合作社",
            number,
            today.Year
        );
        await village.RegisterAsync();
        await village.SurveyAsync(_lines);
        await village.AllocateAsync(_lines * 200);
        await steps.TimeAsync("import members (.xlsx)", () => village.ImportMembersAsync(people));
        await steps.TimeAsync(
            "import contributions (.xlsx)",
            () => village.ImportContributionsAsync(people.Select(p => (p, 300, false)), today)
        );
        await village.DraftAsync(SampleVillage.Flat(100));
        await village.ResolveAsync(today);
        await village.AdoptAsync();
        await steps.TimeAsync("file the roster (.xlsx)", () => village.FileAsync(people));
        await steps.TimeAsync("review", village.ReviewAsync);
        return village;
    }

    private Task<SampleVillage> VillageAsync(int number, TimeSteps steps) =>
        VillageAsync(number, [.. new SamplePeople(number).Take(_lines, $"{370811 + number}")], steps);

    /// <summary>
    /// An application at a time, as long as a township's, with everything that comes before it; the first round warms
    /// up.
    /// </summary>
    /// <returns>Lines approved in a second.</returns>
    private async Task<double> ApplicationAsync()
    {
        var (steps, ceilings, before, approving) = (new TimeSteps(), new List<double>(), 0L, 0L);
        for (var round = 0; round <= Rounds; round++)
        {
            var village = await VillageAsync(900 + round, steps);
            await SettledAsync(_database);
            before = Math.Max(before, _api.PeakWorkingSet);
            _api.ForgetPeak();
            await steps.TimeAsync("approve", village.ApproveAsync);
            approving = Math.Max(approving, _api.PeakWorkingSet);
            await SettledAsync(_database);
            ceilings.Add(await _baselines.CopyAsync(_lines));
            if (round > 0)
                continue;
            steps.Clear();
            ceilings.Clear();
        }
        var section = $"an application of {_lines:N0} lines over HTTP";
        _report.Add(section, "COPY as many events (the ceiling)", Median(ceilings), "lines/s", noise: Spread(ceilings));
        foreach (var (step, seconds) in steps.All)
            _report.Add(
                section,
                step,
                _lines / Median(seconds),
                "lines/s",
                "COPY",
                _lines / Median(seconds) / Median(ceilings),
                Spread(seconds)
            );
        _report.Add(section, "memory at its peak, approving", approving / 1048576.0, "MB");
        _report.Add(section, "memory at its peak", Math.Max(before, approving) / 1048576.0, "MB");
        return _lines / Median(steps["approve"]);
    }

    private async Task HotFundAsync(double approve)
    {
        const string section = "one hot fund, 32 clients";
        var (hot, theirs) = (new List<Rate>(), new List<Rate>());
        for (var round = 0; round < Rounds; round++)
        {
            hot.Add(await _postings.RunAsync(32, _time, hot: true));
            if (_pgledger is not null)
                theirs.Add(await _baselines.PgLedgerAsync(_pgledger, 32, 2, _time));
        }
        if (theirs.Count == 0)
        {
            _report.Add(section, "single postings into one fund", Of(hot), "/s", noise: Noise(hot));
            return;
        }
        var peer = Of(theirs);
        _report.Add(section, "pgledger between two accounts", peer, "/s", noise: Noise(theirs));
        _report.Add(section, "single postings into one fund", Of(hot), "/s", "pgledger", Of(hot) / peer, Noise(hot));
        _report.Add(
            section,
            "member lines out of one fund, in one approval",
            approve,
            "lines/s",
            "pgledger",
            approve / peer
        );
    }

    /// <summary>What others wait while a long list is approved in a fund of its own.</summary>
    private async Task BesideAnApprovalAsync()
    {
        var section = $"32 clients, {Funds} funds, beside an approval of {_lines:N0} lines";
        var (alone, beside, approvals) = (new List<Rate>(), new List<Rate>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            var village = await VillageAsync(950 + round, new TimeSteps());
            await SettledAsync(_database);
            alone.Add(await _postings.RunAsync(32, _time));
            var watch = Stopwatch.StartNew();
            beside.Add(
                await _postings.WhileAsync(
                    32,
                    async () =>
                    {
                        await village.ApproveAsync();
                        approvals.Add(watch.Elapsed.TotalSeconds);
                    }
                )
            );
        }
        _report.Add(section, "p99 of a posting, without", Median(alone.Select(r => r.P99)), "ms");
        _report.Add(
            section,
            "p99 of a posting, during the approval",
            Median(beside.Select(r => r.P99)),
            "ms",
            "without",
            Median(beside.Zip(alone, (b, a) => b.P99 / a.P99))
        );
        _report.Add(section, "the approval takes", Median(approvals), "s", noise: Spread(approvals));
    }

    /// <summary>Two nodes on this machine's two cores.</summary>
    private async Task NodesAsync(IReadOnlyDictionary<string, string> settings)
    {
        await using var other = await ApiProcess.StartAsync(settings);
        var there = _postings.At(other.Http);
        await there.RunAsync(8, TimeSpan.FromSeconds(10));
        var (one, two) = (new List<Rate>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            one.Add(await _postings.RunAsync(32, _time));
            two.Add(
                (await Task.WhenAll(_postings.RunAsync(16, _time), there.RunAsync(16, _time))).Sum(r => r.PerSecond)
            );
        }
        const string section = "nodes, 32 clients";
        _report.Add(section, "one node takes all", Of(one), "/s", noise: Noise(one));
        _report.Add(section, "two nodes", Median(two), "/s", "one node", Median(two) / Of(one), Spread(two));
    }

    private static async Task StartAsync(IReadOnlyDictionary<string, string> settings, Report report)
    {
        var (starts, idle) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            var watch = Stopwatch.StartNew();
            await using var again = await ApiProcess.StartAsync(settings);
            (await again.Http.GetAsync("/health/ready")).EnsureSuccessStatusCode();
            starts.Add(watch.Elapsed.TotalSeconds);
            await Task.Delay(TimeSpan.FromSeconds(15));
            idle.Add(again.WorkingSet / 1048576.0);
        }
        report.Add("start, with this database", "to the first answer", Median(starts), "s", noise: Spread(starts));
        report.Add("start, with this database", "working set, idle", Median(idle), "MB", noise: Spread(idle));
    }

    /// <summary>What each step of an application took, in seconds.</summary>
    private sealed class TimeSteps
    {
        private readonly Dictionary<string, List<double>> _all = [];

        public IEnumerable<KeyValuePair<string, List<double>>> All => _all;
        public List<double> this[string step] => _all[step];

        public void Clear() => _all.Clear();

        public async Task TimeAsync(string step, Func<Task> act)
        {
            var watch = Stopwatch.StartNew();
            await act();
            if (!_all.TryGetValue(step, out var seconds))
                _all[step] = seconds = [];
            seconds.Add(watch.Elapsed.TotalSeconds);
        }
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
    internal static async Task SettledAsync(NpgsqlDataSource database)
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
