using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// Every read model made anew from the events, beside a product that could work meanwhile: in new tables, and mended in
/// place; and the check that finds nothing to do afterwards.
/// </summary>
public static class Rebuild
{
    public static async Task RunAsync(PrivateCluster cluster, string folder, int size, Report report)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "rebuild");
        await ledger.MakeTablesAsync();
        using (var store = History.Store(ledger.ConnectionString))
            await History.FillAsync(ledger.ConnectionString, store, size / 2, withContributions: true);
        await using var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(ledger.ConnectionString) { CommandTimeout = 0 }.ConnectionString
        );
        await connection.OpenAsync();
        await connection.ExecuteAsync("set session_replication_role = replica");
        await connection.ExecuteAsync(
            """
            insert into ledger.mt_streams (id, type, version)
            select stream_id, null, max(version)
              from ledger.mt_events
             group by 1
            """
        );
        foreach (
            var table in new[]
            {
                "mt_doc_memberyear",
                "mt_doc_fund",
                "mt_doc_policyyear",
                "audit_entry",
                "audit_entry_id",
                "fen_axis",
            }
        )
            await connection.ExecuteAsync($"truncate ledger.{table}");
        await connection.ExecuteAsync("vacuum analyze ledger.mt_streams");
        var events = (
            await connection.QueryAsync("select count(*) from ledger.mt_events", r => r.GetInt64(0))
        ).Single();

        var watch = Stopwatch.StartNew();
        var bytes = 0L;
        await connection.QueryAsync(
            """
            select seq_id, stream_id, version, type, timestamp, headers::text, data::text
              from ledger.mt_events
             order by seq_id
            """,
            r => bytes += r.GetString(6).Length
        );
        var reading = events / watch.Elapsed.TotalSeconds;
        report.Add("rebuild", $"reading {events:N0} events (SQL)", reading, "events/s");
        foreach (
            var (what, arguments) in new (string, string[])[]
            {
                ("all read models, in new tables", ["rebuild"]),
                ("the check afterwards", ["check"]),
            }
        )
        {
            watch.Restart();
            var (_, output) = await ApiProcess.RunAsync(ledger.Settings, arguments);
            report.Add(
                "rebuild",
                what,
                events / watch.Elapsed.TotalSeconds,
                "events/s",
                "reading",
                events / watch.Elapsed.TotalSeconds / reading
            );
            // That the funds hold money for applications which this history does not have is known, and a thousand
            // lines long.
            Console.WriteLine(
                string.Join(
                    '\n',
                    output.TrimEnd().Split('\n').Where(line => !line.StartsWith("Money ", StringComparison.Ordinal))
                )
            );
        }
        foreach (var table in new[] { "mt_doc_memberyear", "audit_entry", "fen_axis" })
            report.Add(
                "rebuild",
                $"rows in {table}",
                (await connection.QueryAsync($"select count(*) from ledger.{table}", r => r.GetInt64(0))).Single(),
                ""
            );
    }
}
