using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Npgsql;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// Hours of load at a share of what the product takes: what the first minutes hide, such as memory that grows,
/// connections that are not given back, projections that fall behind, answers that become slow. Postings into many
/// funds at a steady rate, and people who read beside them.
/// </summary>
public static class Soak
{
    private const int Funds = 1_000,
        Clients = 32,
        Readers = 4,
        PromptMinutes = 3;
    private static readonly TimeSpan Minute = TimeSpan.FromMinutes(1);

    /// <summary>What capacity promises: 99 of 100 answers within this.</summary>
    private static readonly TimeSpan Promptly = TimeSpan.FromMilliseconds(250);

    private static readonly (string Name, string Format, Func<Sample, double> Of)[] Columns =
    [
        ("     /s", "N0", s => s.PerSecond),
        ("median ms", "F1", s => s.Median),
        ("  p99 ms", "F1", s => s.P99),
        ("reading p99 ms", "F1", s => s.ReadP99),
        ("behind p99 ms", "N0", s => s.LagP99),
        ("behind max ms", "N0", s => s.LagMax),
        ("API MB", "N0", s => s.Api),
        ("server MB", "N0", s => s.Server),
        ("connections", "N0", s => s.Connections),
        ("files", "N0", s => s.Files),
        ("threads", "N0", s => s.Threads),
        ("busy", "P0", s => s.Busy),
        ("stolen", "P0", s => s.Stolen),
        ("WAL MB/s", "F1", s => s.Wal),
        ("yardstick ms", "F1", s => s.Yardstick),
        ("disk p99 ms", "F1", s => s.DiskP99),
        ("disk max ms", "F0", s => s.DiskMax),
    ];

    /// <param name="events">That are there when it begins, of other counties; 0: a new ledger.</param>
    public static async Task RunAsync(
        PrivateCluster cluster,
        string folder,
        int minutes,
        double share,
        int events,
        Report report
    )
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(minutes, 6); // its thirds are compared
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "soak");
        if (events > 0)
            await History.FillAllAsync(
                ledger,
                events,
                [
                    .. Enumerable
                        .Range(1, Funds)
                        .Select(i => SampleOffices.OfficerOf($"{SampleStory.County}{i:000000}").Id),
                ]
            );
        await using var api = await ApiProcess.StartAsync(ledger.Settings);
        await using var database = NpgsqlDataSource.Create(ledger.ConnectionString);
        var offices = await ledger.OpenAsync(api.Http);
        var postings = await Postings.SetUpAsync(api.Http, ledger.Tokens, offices, Funds);
        var reading = postings.Reading(offices);

        var samples = new List<Sample>();
        using var stop = new CancellationTokenSource();
        var (done, read, failures) = (new List<double>(), new List<double>(), 0);
        var watch = Stopwatch.StartNew();
        async Task AnsweredAsync(Func<Task> request, List<double> into, Func<TimeSpan> since)
        {
            try
            {
                await request();
            }
            catch (Exception e) when (e is HttpRequestException or InvalidOperationException or TaskCanceledException)
            {
                Interlocked.Increment(ref failures);
                Console.Error.WriteLine(e.Message);
            }
            lock (into)
                into.Add((watch.Elapsed - since()).TotalMilliseconds);
        }
        var readers = Task.WhenAll(
            Enumerable
                .Range(0, Readers)
                .Select(async reader =>
                {
                    var random = new Random(-1 - reader);
                    while (!stop.IsCancellationRequested)
                    {
                        var began = watch.Elapsed;
                        await AnsweredAsync(() => reading(random), read, () => began);
                        await Task.Delay(random.Next(400), CancellationToken.None);
                    }
                })
        );

        // Requests have their times, whether or not the ones before are answered: a slow answer makes the next ones
        // late, and that counts.
        Task LoadAsync(double rate, CancellationToken until)
        {
            var start = watch.Elapsed;
            return Task.WhenAll(
                Enumerable
                    .Range(0, Clients)
                    .Select(async client =>
                    {
                        var random = new Random(client);
                        for (
                            var due = start + TimeSpan.FromSeconds(client / rate);
                            !until.IsCancellationRequested;
                            due += TimeSpan.FromSeconds(Clients / rate)
                        )
                        {
                            if (due - watch.Elapsed is { Ticks: > 0 } early)
                                await Task.Delay(early, CancellationToken.None);
                            await AnsweredAsync(() => postings.OnceAsync(random), done, () => due);
                        }
                    })
            );
        }

        // One minute may be a lucky one.
        async Task<bool> PromptAsync(double rate)
        {
            for (var minute = 0; minute < PromptMinutes; minute++)
            {
                using var over = new CancellationTokenSource(Minute);
                await LoadAsync(rate, over.Token);
                var answers = Taken(done);
                Console.WriteLine(
                    $"at {rate:N0} a second: median {answers[answers.Count / 2]:0.0} ms, p99 {P99(answers):0.0} ms"
                );
                if (P99(answers) > Promptly.TotalMilliseconds)
                    return false;
            }
            return true;
        }

        // What it takes beside the readers: a share of what it takes alone would leave them nothing. First as much as
        // it can, then the most at which it is still prompt.
        await postings.RunAsync(Clients, TimeSpan.FromSeconds(20));
        var most = await postings.RunAsync(Clients, Minute);
        report.Add(
            "soak",
            $"{Clients} clients that only wait for their answers, beside {Readers} readers, 60 s",
            most.PerSecond,
            "/s"
        );
        var capacity = most.PerSecond;
        for (; !await PromptAsync(capacity); capacity -= most.PerSecond / 20)
            if (capacity < most.PerSecond / 2)
                throw new InvalidOperationException("Not prompt at half of what it can do: the machine is not free.");
        report.Add(
            "soak",
            "capacity: the highest rate at which 99 of 100 answers come within "
                + $"{Promptly.TotalMilliseconds:0} ms, {PromptMinutes} minutes, each of them",
            capacity,
            "/s",
            "what it can do",
            capacity / most.PerSecond
        );
        var rate = capacity * share;
        Console.WriteLine(
            $"{minutes} minutes at {rate:N0} postings a second, {Readers} readers\n"
                + $"minute  {string.Join("  ", Columns.Select(c => c.Name))}"
        );

        Taken(read);
        var flushes = new List<double>();
        var disk = Task.Factory.StartNew(
            () => Flush(Path.Combine(folder, "yardstick"), flushes, stop.Token),
            TaskCreationOptions.LongRunning
        );
        var start = watch.Elapsed;
        var load = LoadAsync(rate, stop.Token);
        var (machine, wal) = (Machine.Now, await WalAsync(database));
        for (var minute = 1; minute <= minutes; minute++)
        {
            var lag = new List<double>();
            using (var over = new CancellationTokenSource(start + minute * Minute - watch.Elapsed))
                await Capacity.LagAsync(database, lag, over.Token);
            var (latencies, readings, flushed) = (Taken(done), Taken(read), Taken(flushes));
            lag.Sort();
            var (machineNow, walNow) = (Machine.Now, await WalAsync(database));
            var sample = new Sample(
                latencies.Count / 60.0,
                latencies[latencies.Count / 2],
                P99(latencies),
                P99(readings),
                P99(lag),
                lag[^1],
                api.WorkingSet / 1048576.0,
                await ServerMegabytesAsync(database),
                await ConnectionsAsync(database),
                Directory.GetFiles($"/proc/{api.Id}/fd").Length,
                Directory.GetDirectories($"/proc/{api.Id}/task").Length,
                machineNow.Busy(machine),
                machineNow.Stolen(machine),
                (walNow - wal) / 1048576.0 / 60,
                Median(Enumerable.Range(0, 3).Select(_ => Yardstick()).ToList()),
                P99(flushed),
                flushed[^1]
            );
            samples.Add(sample);
            var cells = Columns.Select(c =>
                c.Of(sample).ToString(c.Format, CultureInfo.InvariantCulture).PadLeft(c.Name.Length)
            );
            Console.WriteLine($"{minute, 6}  {string.Join("  ", cells)}");
            (machine, wal) = (machineNow, walNow);
        }
        await stop.CancelAsync();
        await Task.WhenAll(load, readers, disk);

        // The first sixth warms caches and pools up.
        var steady = samples.Skip(minutes / 6).ToList();
        report.Add(
            "soak",
            $"postings, {minutes} minutes",
            samples.Average(s => s.PerSecond),
            "/s",
            "capacity",
            samples.Average(s => s.PerSecond) / capacity
        );
        report.Add("soak", "requests without an answer, or with an error", failures, "");
        report.Add("soak", "working set of the API, median", Median(steady.Select(s => s.Api)), "MB");
        report.Add("soak", "its slope", Slope(steady.Select(s => s.Api)) * 60, "MB/h");
        report.Add("soak", "memory of the server's processes, slope", Slope(steady.Select(s => s.Server)) * 60, "MB/h");
        foreach (
            var (what, of) in new (string, Func<Sample, double>)[]
            {
                ("connections", s => s.Connections),
                ("open files", s => s.Files),
                ("threads", s => s.Threads),
                ("answer, median", s => s.Median),
                ("answer, p99", s => s.P99),
                ("reading, p99", s => s.ReadP99),
                ("audit trail behind, p99", s => s.LagP99),
                ("the disk's own flush, p99", s => s.DiskP99),
            }
        )
        {
            var (first, last) = (
                Median(steady.Take(steady.Count / 3).Select(of)),
                Median(steady.TakeLast(steady.Count / 3).Select(of))
            );
            report.Add(
                "soak",
                $"{what}, last third",
                last,
                what.Contains(',') ? "ms" : "",
                "first third",
                last / first
            );
        }
        report.Add("soak", "both cores busy, median", Median(steady.Select(s => s.Busy)) * 100, "%");
        report.Add(
            "soak",
            "the machine's own slowness: a fixed work, slowest minute",
            samples.Max(s => s.Yardstick),
            "ms",
            "fastest minute",
            samples.Max(s => s.Yardstick) / samples.Min(s => s.Yardstick)
        );
        report.Add("soak", "the disk's own flush, slowest", samples.Max(s => s.DiskMax), "ms");
        report.Add("soak", "stolen by other machines, most", samples.Max(s => s.Stolen) * 100, "%");
        report.Add("soak", "audit trail behind, most", samples.Max(s => s.LagMax), "ms");
        await using var connection = await database.OpenConnectionAsync();
        report.Add(
            "soak",
            "events",
            (await connection.QueryAsync("select count(*) from ledger.mt_events", r => r.GetInt64(0))).Single(),
            ""
        );
        report.Add(
            "soak",
            "database",
            (await connection.QueryAsync("select pg_database_size(current_database())", r => r.GetInt64(0))).Single()
                / 1048576.0,
            "MB"
        );
    }

    private static List<double> Taken(List<double> from)
    {
        lock (from)
        {
            List<double> sorted = [.. from.Order()];
            from.Clear();
            return sorted;
        }
    }

    private static async Task<int> ConnectionsAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        return (int)
            (
                await connection.QueryAsync(
                    """
                    select count(*)
                      from pg_stat_activity
                     where datname = current_database()
                       and pid <> pg_backend_pid()
                    """,
                    r => r.GetInt64(0)
                )
            ).Single();
    }

    /// <summary>What the server's processes hold for themselves; the buffers that they share are not counted.</summary>
    private static async Task<double> ServerMegabytesAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        var pids = await connection.QueryAsync("select pid from pg_stat_activity", r => r.GetInt32(0));
        var kilobytes = 0L;
        foreach (var status in pids.Select(p => $"/proc/{p}/status").Where(File.Exists))
            kilobytes += File.ReadLines(status)
                .Where(l => l.StartsWith("RssAnon:", StringComparison.Ordinal))
                .Sum(l => long.Parse(l.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1]));
        return kilobytes / 1024.0;
    }

    private static async Task<double> WalAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        return (
            await connection.QueryAsync("select wal_bytes from pg_stat_wal", r => (double)r.GetDecimal(0))
        ).Single();
    }

    /// <summary>
    /// What the machine takes for the same work at each time, in milliseconds on a core: steps through 64 MB, each to
    /// where the one before says, as a search in an index goes. Its own time only, not that of waiting for the core:
    /// other machines on the same silicon show in it, though nothing is stolen by name.
    /// </summary>
    private static double Yardstick()
    {
        const int steps = 1_000_000;
        var (before, at) = (OnCore(), 0);
        for (var i = 0; i < steps; i++)
            at = Ring[at];
        return (OnCore() - before + (at < 0 ? 1 : 0)) / 1e6;

        // Nanoseconds on a core of the thread that asks.
        static long OnCore() => long.Parse(File.ReadAllText("/proc/thread-self/schedstat").Split(' ')[0]);
    }

    /// <summary>
    /// What a page takes to the disk by itself, in milliseconds, twenty times a second: a write in place and
    /// fdatasync(2), as a commit does. A disk that others share stands still for a second now and then, and every
    /// answer with it.
    /// </summary>
    private static void Flush(string path, List<double> into, CancellationToken stop)
    {
        var page = new byte[8192];
        using var file = File.OpenHandle(path, FileMode.Create, FileAccess.Write);
        RandomAccess.Write(file, page, 0);
        RandomAccess.FlushToDisk(file);
        while (!stop.WaitHandle.WaitOne(50))
        {
            var watch = Stopwatch.StartNew();
            RandomAccess.Write(file, page, 0);
            if (FileDataSync(file) != 0)
                throw new IOException($"fdatasync: {Marshal.GetLastPInvokeErrorMessage()}");
            lock (into)
                into.Add(watch.Elapsed.TotalMilliseconds);
        }
    }

    [DllImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static extern int FileDataSync(SafeHandle file);

    private static readonly int[] Ring = RandomRing(16 << 20);

    /// <summary>One circle through all places, in no order (Sattolo).</summary>
    private static int[] RandomRing(int size)
    {
        var (ring, random) = (Enumerable.Range(0, size).ToArray(), new Random(1));
        for (var i = size - 1; i > 0; i--)
        {
            var j = random.Next(i);
            (ring[i], ring[j]) = (ring[j], ring[i]);
        }
        return ring;
    }

    /// <summary>Ticks of all cores since the machine's start (proc(5)).</summary>
    private sealed record Machine(long All, long Idle, long StolenTicks)
    {
        public static Machine Now
        {
            get
            {
                // user nice system idle iowait irq softirq steal; what comes after is in user and nice already
                var ticks = File.ReadLines("/proc/stat")
                    .First()
                    .Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9]
                    .Select(long.Parse)
                    .ToArray();
                return new Machine(ticks.Sum(), ticks[3] + ticks[4], ticks[7]);
            }
        }

        public double Busy(Machine before) =>
            1 - (double)(Idle + StolenTicks - before.Idle - before.StolenTicks) / (All - before.All);

        public double Stolen(Machine before) => (double)(StolenTicks - before.StolenTicks) / (All - before.All);
    }

    /// <summary>Of the line of least squares, by minute.</summary>
    private static double Slope(IEnumerable<double> values)
    {
        var y = values.ToList();
        var (meanX, meanY) = ((y.Count - 1) / 2.0, y.Average());
        return y.Select((v, x) => (x - meanX) * (v - meanY)).Sum()
            / y.Select((_, x) => (x - meanX) * (x - meanX)).Sum();
    }

    /// <summary>A minute. Milliseconds, megabytes; WAL in MB/s.</summary>
    private sealed record Sample(
        double PerSecond,
        double Median,
        double P99,
        double ReadP99,
        double LagP99,
        double LagMax,
        double Api,
        double Server,
        int Connections,
        int Files,
        int Threads,
        double Busy,
        double Stolen,
        double Wal,
        double Yardstick,
        double DiskP99,
        double DiskMax
    );
}
