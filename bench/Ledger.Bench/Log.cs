using System.Diagnostics;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// The transparency log: what hashing and sequencing an event cost, against appending it (the baselines of the same
/// run: one event per commit by one client and by eight, and a thousand events per commit, all with the store's own
/// function); how fast a whole log is verified; how long a receipt takes.
/// </summary>
public static class Log
{
    private const int Receipts = 3_000,
        WarmUp = 1_000,
        Rounds = 5;

    public static async Task RunAsync(PrivateCluster cluster, string folder, int events)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "log");
        await ledger.MakeTablesAsync();
        using var store = History.Store(ledger.ConnectionString);
        await History.FillAsync(ledger.ConnectionString, store, events / 2, withContributions: true);
        await using var database = NpgsqlDataSource.Create(LedgerStore.Plain(ledger.ConnectionString));
        await using var connection = await database.OpenConnectionAsync();

        Console.WriteLine($"\nlog, {events:N0} events\n");
        // Appends, with the function that the product appends with.
        var alone = await AppendAsync(database, clients: 1, perCommit: 1, commits: 2_000);
        var eight = await AppendAsync(database, clients: 8, perCommit: 1, commits: 8_000);
        var batch = await AppendAsync(database, clients: 1, perCommit: 1_000, commits: 20);

        var sequencing = Stopwatch.StartNew();
        var total = 0L;
        for (; await new Sequencer(database, LedgerStore.Schema).RoundAsync(default) is > 0 and var n; )
            total += n;
        var perEvent = sequencing.Elapsed.TotalMicroseconds / total;
        // Hashing alone, once the code is warm: from the stored row's text to leaf and tree.
        var stored = await connection.QueryAsync(
            $"select {LogStore.EventColumns} from ledger.mt_events e where seq_id between 100000 and 120000",
            r => LogStore.Read(r)
        );
        var hashing = Median(
            Rounds,
            () =>
            {
                var tree = new MerkleTree.Growing();
                var watch = Stopwatch.StartNew();
                for (var i = 0; i < stored.Count; i++)
                    tree.Add(MerkleTree.HashLeaf(LogEntry.Bytes(i, stored[i])));
                return watch.Elapsed.TotalMicroseconds / stored.Count;
            }
        );
        Console.WriteLine($"{"", -52}{"µs/event", 12}{"events/s", 12}{"hashing is", 12}{"sequencing is", 15}");
        void Line(string what, double micros) =>
            Console.WriteLine(
                $"{what, -52}{micros, 12:0.0}{1e6 / micros, 12:N0}"
                    + $"{(what[0] == 'a' ? $"{hashing / micros:P1}" : ""), 12}"
                    + $"{(what[0] == 'a' ? $"{perEvent / micros:P1}" : ""), 15}"
            );
        Line("hashing: canonical bytes, leaf, tree (one core)", hashing);
        Line("sequencing: read, hash, write indexes and tiles", perEvent);
        Line("append, one event per commit, 1 client", alone);
        Line("append, one event per commit, 8 clients", eight);
        Line("append, 1,000 events per commit, 1 client", batch);

        // The whole log, as an auditor verifies it: on one core, by the program itself.
        await using (var api = await ApiProcess.StartAsync(ledger.Settings))
        {
            api.Http.DefaultRequestHeaders.Authorization = new(
                "Bearer",
                ledger.Tokens.Issue(new Actor("auditor", Roles.Auditor, "3708"), TimeSpan.FromHours(2))
            );
            async Task<string> Checkpoint()
            {
                for (; ; await Task.Delay(500))
                {
                    using var response = await api.Http.GetAsync("/log/checkpoint");
                    var note = await response.Content.ReadAsStringAsync();
                    if (response.IsSuccessStatusCode && TransparencyLog.Checkpoint.Parse(note).Size == total)
                        return note;
                }
            }
            var (checkpoint, keys, log) = (
                Path.Combine(folder, "checkpoint"),
                Path.Combine(folder, "keys"),
                Path.Combine(folder, "log.jsonl")
            );
            await File.WriteAllTextAsync(checkpoint, await Checkpoint());
            await File.WriteAllTextAsync(keys, await api.Http.GetStringAsync("/log/keys"));
            var watch = Stopwatch.StartNew();
            var memory = api.WorkingSet;
            await using (var file = File.Create(log))
            await using (var body = await api.Http.GetStreamAsync("/api/exports/log"))
                await body.CopyToAsync(file);
            Console.WriteLine(
                $"\n{"export of the whole log over HTTP", -52}{total / watch.Elapsed.TotalSeconds, 12:N0} "
                    + $"events/s, {new FileInfo(log).Length / 1e6:N0} MB, working set {memory / 1e6:N0} → "
                    + $"{api.WorkingSet / 1e6:N0} MB"
            );

            var times = new List<double>();
            var random = new Random(1);
            for (var i = 0; i < Receipts + WarmUp; i++)
            {
                watch.Restart();
                (await api.Http.GetByteArrayAsync($"/api/audit/events/{random.NextInt64(1, events)}/receipt")).AsSpan();
                if (i >= WarmUp)
                    times.Add(watch.Elapsed.TotalMilliseconds);
            }
            times.Sort();
            Console.WriteLine(
                $"{"receipt over HTTP", -52}{times[times.Count / 2], 12:0.00} ms median, "
                    + $"{times[(int)(times.Count * 0.99)]:0.00} ms p99"
            );

            foreach (
                var (what, more) in new[]
                {
                    ("verify, hashes and root, one core", "--only-hashes"),
                    ("verify, with every rule, one core", ""),
                }
            )
            {
                var rates = new List<double>();
                for (var i = 0; i < Rounds; i++)
                {
                    var said = Run(
                        "taskset",
                        "-c",
                        "1",
                        "dotnet",
                        Path.Combine(Repository(), "src/Ledger.Verify/bin/Release/net10.0/ledger-verify.dll"),
                        "log",
                        log,
                        "--checkpoint",
                        checkpoint,
                        "--key",
                        keys,
                        more
                    );
                    rates.Add(
                        double.Parse(
                            Regex.Match(said, "每秒 ([0-9,]+) 条") is { Success: true } match
                                ? match.Groups[1].Value
                                : throw new InvalidOperationException(said),
                            NumberStyles.AllowThousands,
                            CultureInfo.InvariantCulture
                        )
                    );
                }
                rates.Sort();
                Console.WriteLine(
                    $"{what, -52}{rates[Rounds / 2], 12:N0} events/s, "
                        + $"noise {(rates[^1] - rates[0]) / rates[Rounds / 2]:P0}"
                );
            }
        }
    }

    private static double Median(int rounds, Func<double> measure)
    {
        var all = Enumerable.Range(0, rounds + 1).Select(_ => measure()).Skip(1).Order().ToList(); // the first warms up
        return all[rounds / 2];
    }

    private static async Task<double> AppendAsync(NpgsqlDataSource database, int clients, int perCommit, int commits)
    {
        const string append = """
            select ledger.mt_quick_append_events(@id, 'x', '*DEFAULT*',
                       array(select gen_random_uuid() from generate_series(1, @n)),
                       array(select 'command_refused' from generate_series(1, @n)),
                       array(select 'x' from generate_series(1, @n)),
                       array(select @data::jsonb from generate_series(1, @n)),
                       array(select null::bytea from generate_series(1, @n)),
                       array(select 'x' from generate_series(1, @n)),
                       array(select 'x' from generate_series(1, @n)),
                       array(select @headers::jsonb from generate_series(1, @n)),
                       array(select now() from generate_series(1, @n)))
            """;
        const string data = """
            {"command": "approve-application", "code": "cap-exceeded",
             "targetId": "application-01a20c35e485794 1a67feca2899da70d",
             "more": "0123456789012345678901234567890123456789012345678901234567890123456789"}
            """;
        const string headers = """
            {"role": "agency", "actor": "approver.370811", "region": "370811102201",
             "command": "approve-application", "effectiveDate": "2026-11-01", "idempotencyKey": "0123456789"}
            """;
        async Task Client(int count)
        {
            await using var connection = await database.OpenConnectionAsync();
            for (var i = 0; i < count; i++)
                await connection.QueryAsync(
                    append,
                    r => 0,
                    ("id", $"refusal-{Guid.NewGuid():N}"),
                    ("n", perCommit),
                    ("data", data),
                    ("headers", headers)
                );
        }
        await Client(50);
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, clients).Select(_ => Client(commits / clients)));
        return watch.Elapsed.TotalMicroseconds / ((double)commits * perCommit);
    }

    private static string Run(string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments.Where(a => a.Length > 0)) { RedirectStandardOutput = true }
        )!;
        var said = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return said;
    }

    private static string Repository()
    {
        for (var folder = AppContext.BaseDirectory; ; folder = Path.GetDirectoryName(folder)!)
            if (File.Exists(Path.Combine(folder, "CollectiveSubsidy.sln")))
                return folder;
    }
}
