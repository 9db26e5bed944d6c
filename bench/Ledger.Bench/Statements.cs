using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// What one posting costs: processor time of the product and of the server, and each statement's time in the server
/// (pg_stat_statements). It says where to look; rates are <see cref="Capacity"/>'s.
/// </summary>
public static class Statements
{
    private const int Funds = 50,
        Shown = 25;

    /// <param name="batch">Commands in a request; 0: each by itself.</param>
    public static async Task RunAsync(string folder, int clients, TimeSpan time, int batch, Report report)
    {
        await using (var first = await PrivateCluster.StartAsync(folder))
        await using (var server = NpgsqlDataSource.Create(first.ConnectionString("postgres")))
        await using (
            var command = server.CreateCommand("alter system set shared_preload_libraries = pg_stat_statements")
        )
            await command.ExecuteNonQueryAsync();
        NpgsqlConnection.ClearAllPools(); // their server is gone
        await using var cluster = await PrivateCluster.StartAsync(folder);
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "statements");
        await using var api = await ApiProcess.StartAsync(ledger.Settings);
        var offices = await ledger.OpenAsync(api.Http);
        var postings = await Postings.SetUpAsync(api.Http, ledger.Tokens, offices, Funds);
        await LoadAsync(TimeSpan.FromSeconds(40)); // the compiler has seen it
        await using var database = NpgsqlDataSource.Create(ledger.ConnectionString);
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync("create extension pg_stat_statements");
        await connection.ExecuteAsync("select pg_stat_statements_reset()");
        Console.WriteLine($"process {api.Id}, for a profiler");

        var (own, all) = (Processor.Of(api.Id), Processor.OfServer(folder));
        var rate = await LoadAsync(time);
        var done = rate.Milliseconds.Count * Math.Max(batch, 1);
        var section = $"{clients} clients" + (batch > 0 ? $", {batch} commands a request" : "");
        report.Add(section, "commands", done / time.TotalSeconds, "/s");
        report.Add(section, "the product's processor", (Processor.Of(api.Id) - own).TotalMicroseconds / done, "µs");
        report.Add(
            section,
            "the server's processor",
            (Processor.OfServer(folder) - all).TotalMicroseconds / done,
            "µs"
        );
        foreach (
            var (text, calls, rows, microseconds) in await connection.QueryAsync(
                """
                select query, calls, rows, total_exec_time * 1000
                  from pg_stat_statements
                 order by 4 desc limit @shown
                """,
                r => (r.GetString(0), r.GetInt64(1), r.GetInt64(2), r.GetDouble(3)),
                ("shown", Shown)
            )
        )
            Console.WriteLine(
                $"{microseconds / done, 8:0.0} µs  {(double)calls / done, 6:0.00} calls  "
                    + $"{(double)rows / done, 6:0.00} rows  "
                    + string.Join(' ', text.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries))
            );

        Task<Rate> LoadAsync(TimeSpan span) =>
            batch > 0 ? postings.RunInBatchesAsync(clients, batch, span) : postings.RunAsync(clients, span);
    }
}
