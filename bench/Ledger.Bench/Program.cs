// Measurements, each a ratio to a named baseline of the same run. README.md of this folder says how to read them.
//   bench/run steps [lines] [rounds]     the steps of an application over HTTP
//   bench/run trace [sizes]              tracing up and down at 10,000, 1,000,000 and 10,000,000 postings
//   bench/run log [events]               the transparency log at 1,000,000 events
//   bench/run pages                      first view of the pages in Chromium; memory of signed-in people
using Ledger.Api.Storage;
using Ledger.Bench;

// In /var/tmp: a cluster of this size does not belong into a memory-backed /tmp.
var folder = Path.Combine("/var/tmp", $"ledger-bench-{Environment.ProcessId}");
var report = new Report(Path.Combine(AppContext.BaseDirectory, "../../../../results"));
try
{
    await using var cluster = await PrivateCluster.StartAsync(folder);
    await (args.FirstOrDefault() switch
    {
        "steps" => Steps.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 1000, args.Length > 2 ? int.Parse(args[2]) : 7),
        "trace" => Trace.RunAsync(cluster, folder, args.Length > 1 ? [.. args[1].Split(',').Select(int.Parse)] : [10_000, 1_000_000, 10_000_000]),
        "log" => Log.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 1_000_000),
        "pages" => Pages.RunAsync(cluster, folder),
        "growth" => Growth.RunAsync(cluster, folder, args.Length > 1 ? [.. args[1].Split(',').Select(int.Parse)] : [100_000, 10_000_000], report),
        "throughput" => Throughput.RunAsync(cluster, folder, args.Length > 1 ? int.Parse(args[1]) : 5),
        _ => throw new ArgumentException("steps, trace, log, pages"),
    });
}
finally
{
    if (Directory.Exists(folder)) Directory.Delete(folder, recursive: true);
}
