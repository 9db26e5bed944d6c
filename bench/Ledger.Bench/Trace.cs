using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Projections.Provenance;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// Tracing at different sizes of history: half of the members' lines lie in one fund, the others in funds of 5,000.
/// Allocations end in the middle of lines, one line in fifty was withdrawn and its fen given out anew. The baseline is
/// the smallest size of the same run. Cold: PostgreSQL restarted and, where this process may, the system's page cache
/// dropped.
/// </summary>
public static class Trace
{
    private const int UpSamples = 2_000,
        DownSamples = 300,
        ColdSamples = 200;

    public static async Task RunAsync(PrivateCluster cluster, string folder, int[] sizes)
    {
        var times = new Dictionary<(string What, int Size), List<double>>();
        foreach (var size in sizes)
        {
            var ledger = await BenchDatabase.NewAsync(cluster, folder, $"trace_{size}");
            await ledger.MakeTablesAsync();
            using var store = History.Store(ledger.ConnectionString);
            var (lines, allocations) = await History.FillAsync(ledger.ConnectionString, store, size);
            var random = new Random(size);
            var ups = Enumerable.Range(0, UpSamples).Select(_ => lines[random.Next(lines.Count)]).ToList();
            var downs = Enumerable
                .Range(0, DownSamples)
                .Select(_ => allocations[random.Next(allocations.Count)])
                .ToList();

            await cluster.RestartAsync();
            NpgsqlConnection.ClearAllPools();
            var dropped = await DropCachesAsync();
            await MeasureAsync(
                $"up, cold{(dropped ? "" : " (page cache kept)")}",
                size,
                ups.Take(ColdSamples),
                (t, line) => t.UpAsync(line)
            );
            await MeasureAsync("up, warming", size, ups, (t, line) => t.UpAsync(line), keep: false);
            await MeasureAsync("up, warm", size, ups, (t, line) => t.UpAsync(line));
            await cluster.RestartAsync();
            NpgsqlConnection.ClearAllPools();
            await DropCachesAsync();
            await MeasureAsync(
                $"down, cold{(dropped ? "" : " (page cache kept)")}",
                size,
                downs.Take(ColdSamples),
                (t, a) => t.DownAsync(a.FundId, a.AllocationId, 0, 100)
            );
            await MeasureAsync(
                "down, warming",
                size,
                downs,
                (t, a) => t.DownAsync(a.FundId, a.AllocationId, 0, 100),
                keep: false
            );
            await MeasureAsync("down, warm", size, downs, (t, a) => t.DownAsync(a.FundId, a.AllocationId, 0, 100));

            async Task MeasureAsync<T>(
                string what,
                int postings,
                IEnumerable<T> samples,
                Func<Tracing, T, Task> trace,
                bool keep = true
            )
            {
                await using var connection = new NpgsqlConnection(LedgerStore.Plain(ledger.ConnectionString));
                await connection.OpenAsync();
                await connection.QueryAsync("select 1", r => r.GetInt32(0));
                var list = new List<double>();
                foreach (var sample in samples)
                {
                    var watch = Stopwatch.StartNew();
                    await trace(new Tracing(connection, store), sample);
                    list.Add(watch.Elapsed.TotalMilliseconds);
                }
                if (keep)
                    times[(what, postings)] = list;
            }
        }

        static double At(List<double> list, double share) =>
            list.Order().ElementAt(Math.Min(list.Count - 1, (int)(list.Count * share)));
        Console.WriteLine($"\ntrace, ms; the ratio is to {sizes[0]:N0} postings\n");
        Console.WriteLine($"{"", -28}{"postings", 12}{"median", 10}{"p99", 10}{"× median", 10}{"× p99", 10}");
        foreach (var (what, size) in times.Keys.Select(k => k.What).Distinct().SelectMany(_ => sizes, (w, s) => (w, s)))
        {
            var (list, first) = (times[(what, size)], times[(what, sizes[0])]);
            var (median, p99) = (At(list, 0.5), At(list, 0.99));
            Console.WriteLine(
                $"{what, -28}{size, 12:N0}{median, 10:0.00}{p99, 10:0.00}"
                    + $"{median / At(first, 0.5), 10:0.00}{p99 / At(first, 0.99), 10:0.00}"
            );
        }
    }

    private static async Task<bool> DropCachesAsync()
    {
        try
        {
            using var sync = Process.Start("sync");
            await sync.WaitForExitAsync();
            await File.WriteAllTextAsync("/proc/sys/vm/drop_caches", "3");
            return true;
        }
        catch (Exception e) when (e is UnauthorizedAccessException or IOException)
        {
            return false;
        }
    }
}
