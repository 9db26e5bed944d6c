using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// What one posting costs, or one line of an approval: processor time of the product and of the server, and each
/// statement's time in the server (pg_stat_statements). It says where to look; rates are <see cref="Capacity"/>'s.
/// </summary>
public sealed class Statements
{
    private const int Funds = 50,
        Shown = 25,
        Approvals = 5,
        WarmingUp = 3;

    private readonly string _folder;
    private readonly Report _report;
    private readonly ApiProcess _api;
    private readonly NpgsqlConnection _connection;

    private Statements(string folder, Report report, ApiProcess api, NpgsqlConnection connection) =>
        (_folder, _report, _api, _connection) = (folder, report, api, connection);

    /// <param name="batch">Commands in a request; 0: each by itself.</param>
    /// <param name="lines">Of the lists that are approved; 0: postings.</param>
    public static async Task RunAsync(string folder, int clients, TimeSpan time, int batch, int lines, Report report)
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
        await using var database = NpgsqlDataSource.Create(ledger.ConnectionString);
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync("create extension pg_stat_statements");
        Console.WriteLine($"process {api.Id}, for a profiler");
        var statements = new Statements(folder, report, api, connection);
        if (lines > 0)
            await statements.ApproveAsync(offices, database, lines);
        else
            await statements.PostAsync(
                await Postings.SetUpAsync(api.Http, ledger.Tokens, offices, Funds),
                clients,
                time,
                batch
            );
    }

    private async Task PostAsync(Postings postings, int clients, TimeSpan time, int batch)
    {
        await LoadAsync(TimeSpan.FromSeconds(40)); // the compiler has seen it
        await SpentAsync(
            $"{clients} clients" + (batch > 0 ? $", {batch} commands a request" : ""),
            "commands",
            async () => (await LoadAsync(time)).Milliseconds.Count * Math.Max(batch, 1)
        );

        Task<Rate> LoadAsync(TimeSpan span) =>
            batch > 0 ? postings.RunInBatchesAsync(clients, batch, span) : postings.RunAsync(clients, span);
    }

    private async Task ApproveAsync(SampleOffices offices, NpgsqlDataSource database, int lines)
    {
        var waiting = new Queue<SampleVillage>();
        for (var number = 1; number <= WarmingUp + Approvals; number++)
        {
            waiting.Enqueue(await Versus.FiledAsync(offices, number, lines));
            await waiting.Last().ReviewAsync();
            if (number <= WarmingUp)
                await waiting.Dequeue().ApproveAsync();
        }
        await Capacity.SettledAsync(database);
        _api.ForgetPeak();
        await SpentAsync(
            $"lists of {lines}",
            "lines",
            async () =>
            {
                foreach (var village in waiting)
                    await village.ApproveAsync();
                return Approvals * lines;
            }
        );
        _report.Add($"lists of {lines}", "memory at its peak", _api.PeakWorkingSet / 1048576.0, "MB");
    }

    private async Task SpentAsync(string section, string what, Func<Task<int>> act)
    {
        await _connection.ExecuteAsync("select pg_stat_statements_reset()");
        var (own, all, watch) = (Processor.Of(_api.Id), Processor.OfServer(_folder), Stopwatch.StartNew());
        var done = await act();
        _report.Add(section, what, done / watch.Elapsed.TotalSeconds, "/s");
        Spent("the product's processor", Processor.Of(_api.Id) - own);
        Spent("the server's processor", Processor.OfServer(_folder) - all);
        foreach (
            var (text, calls, rows, microseconds) in await _connection.QueryAsync(
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

        void Spent(string whose, TimeSpan time) => _report.Add(section, whose, time.TotalMicroseconds / done, "µs");
    }
}
