// Measurements, each a ratio to a named baseline of the same run. bench/README.md says how to read them.
// bench/run [--seconds 5] [--lines 10000] [--pgledger its repository]: postings, batches, bulk, hot fund, nodes, start,
//   against SQL, Marten alone, pgledger
// bench/run statements [--clients 32] [--seconds 20] [--batch 0] [--lines 0]: what a posting costs
//   in the server, by statement; with --lines, a line of an approval
// bench/run versus <Ledger.Api.dll> [--rounds 10] [--applications 6]: postings and approvals, another build in turn
// bench/run subscribers [--rounds 5]: postings while ten webhooks tell of them, and while they are paused, in turn
// bench/run growth [sizes]: what a county waits for in a ledger of 100,000 and of 10,000,000 events
// bench/run search [events]: each kind of question to the one box, beside so many events and a twelfth as many people
// bench/run trace [sizes]: tracing up and down at 10,000, 1,000,000 and 10,000,000 postings
// bench/run log [events]: the transparency log at 1,000,000 events
// bench/run import [rows]: contribution records of a city, 1,000,000 rows
// bench/run jobs [rows]: an import of 100,000 rows as a job, killed at random rows, beside the same by the command
// bench/run tasks [villages]: what waits for whom in a county of 200 villages, worked out anew
// bench/run lists [--beside <Ledger.Api.dll>] [--rounds 5]: 20,000 rows as .xlsx and .xls, an earlier build in turn
// bench/run rebuild [events]: every read model made anew at 1,000,000 events
// bench/run upgrade <revision>: two nodes of an earlier revision's build replaced one by one, and back, under load
// bench/run soak [--minutes 60] [--share 0.8] [--events 0]: memory, connections, lag and answers under hours of load
// bench/faults [--seeds 200] [--first 1] [--seed N] [--bug DropEvent|PostTwice|SkipProjection|SwapAnswers|SkipDelivery]
//   [--at-once 2] [--ha]: years under faults, on three servers with --ha
// bench/run pages: first view of the pages in Chromium; memory of signed-in people
using System.Globalization;
using Ledger.Api.Storage;
using Ledger.Api.Tests.Faults;
using Ledger.Bench;

// In /var/tmp: a cluster of this size does not belong into a memory-backed /tmp.
var folder = Path.Combine("/var/tmp", $"ledger-bench-{Environment.ProcessId}");
var what = args is [var first, ..] && !first.StartsWith("--", StringComparison.Ordinal) ? first : "capacity";
string? Option(string name) =>
    Array.IndexOf(args, $"--{name}") is >= 0 and var at && at + 1 < args.Length ? args[at + 1] : null;
int[] Asked(params int[] usual) => args.Length > 1 ? [.. args[1].Split(',').Select(int.Parse)] : usual;
if (what == "faults")
{
    // Short: the path of a server's socket may have 107 bytes.
    folder = Path.Combine("/var/tmp", $"lf-{Environment.ProcessId}");
    var seeds = Option("seed") is { } one
        ? [int.Parse(one, CultureInfo.InvariantCulture)]
        : Enumerable
            .Range(
                int.Parse(Option("first") ?? "1", CultureInfo.InvariantCulture),
                int.Parse(Option("seeds") ?? "200", CultureInfo.InvariantCulture)
            )
            .ToList();
    try
    {
        return await Faults.RunAsync(
            folder,
            seeds,
            Option("bug") is { } bug ? Enum.Parse<Bug>(bug, ignoreCase: true) : null,
            int.Parse(Option("at-once") ?? "2", CultureInfo.InvariantCulture),
            args.Contains("--ha")
        )
            ? 0
            : 1;
    }
    finally
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
if (what == "statements")
{
    try
    {
        await Statements.RunAsync(
            folder,
            int.Parse(Option("clients") ?? "32", CultureInfo.InvariantCulture),
            TimeSpan.FromSeconds(int.Parse(Option("seconds") ?? "20", CultureInfo.InvariantCulture)),
            int.Parse(Option("batch") ?? "0", CultureInfo.InvariantCulture),
            int.Parse(Option("lines") ?? "0", CultureInfo.InvariantCulture),
            new Report(folder)
        );
        return 0;
    }
    finally
    {
        if (Directory.Exists(folder))
            Directory.Delete(folder, recursive: true);
    }
}
var report = new Report(Environment.GetEnvironmentVariable("LEDGER_BENCH_RESULTS") ?? folder);
try
{
    await using var cluster = await PrivateCluster.StartAsync(folder);
    await (
        what switch
        {
            "capacity" => Capacity.RunAsync(
                cluster,
                folder,
                int.Parse(Option("seconds") ?? "5"),
                int.Parse(Option("lines") ?? "10000"),
                Option("pgledger"),
                report
            ),
            "growth" => Growth.RunAsync(cluster, folder, Asked(100_000, 10_000_000), report),
            "search" => Search.RunAsync(
                cluster,
                folder,
                args.Length > 1 ? int.Parse(args[1]) : 10_000_000,
                Option("gates"),
                report
            ),
            "trace" => Trace.RunAsync(cluster, folder, Asked(10_000, 1_000_000, 10_000_000)),
            "log" => Log.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 1_000_000),
            "import" => Import.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 1_000_000, report),
            "jobs" => Jobs.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 100_000, report),
            "sizes" => Sizes.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 5_000, report),
            "tasks" => Tasks.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 200, report),
            "rebuild" => Rebuild.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 1_000_000, report),
            "versus" => Versus.RunAsync(
                cluster,
                folder,
                args[1],
                int.Parse(Option("rounds") ?? "10", CultureInfo.InvariantCulture),
                int.Parse(Option("applications") ?? "6", CultureInfo.InvariantCulture),
                report
            ),
            "subscribers" => Subscribers.RunAsync(
                cluster,
                folder,
                int.Parse(Option("rounds") ?? "5", CultureInfo.InvariantCulture),
                report
            ),
            "lists" => Lists.RunAsync(
                cluster,
                folder,
                Option("beside"),
                int.Parse(Option("rounds") ?? "5", CultureInfo.InvariantCulture),
                report
            ),
            "upgrade" => Upgrade.RunAsync(cluster, folder, args[1], report),
            "soak" => Soak.RunAsync(
                cluster,
                folder,
                int.Parse(Option("minutes") ?? "60"),
                double.Parse(Option("share") ?? "0.8", CultureInfo.InvariantCulture),
                int.Parse(Option("events") ?? "0"),
                report
            ),
            "pages" => Pages.RunAsync(cluster, folder),
            _ => throw new ArgumentException(
                "nothing, growth, search, trace, log, import, jobs, tasks, lists, rebuild, upgrade, versus, "
                    + "subscribers, soak, faults, pages"
            ),
        }
    );
    report.Keep(what);
    return 0;
}
finally
{
    if (Directory.Exists(folder))
        Directory.Delete(folder, recursive: true);
}
