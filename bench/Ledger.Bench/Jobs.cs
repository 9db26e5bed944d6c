using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Ledger.Web.Jobs;

namespace Ledger.Bench;

/// <summary>
/// An import as a job whose node is killed at random rows: each row once, progress that never goes back, and what it
/// costs beside the same rows by the <c>import</c> command, undisturbed.
/// </summary>
public static class Jobs
{
    private const int VillageSize = 20_000;

    public static async Task RunAsync(PrivateCluster cluster, string folder, int rows, Report report)
    {
        var (rate, _, peak, kills) = await OnceAsync(cluster, folder, "killed", rows, kills: 3);
        var (usual, _, usualPeak, _) = await OnceAsync(cluster, folder, "left", rows, kills: 0);
        var (_, _, fewPeak, _) = await OnceAsync(cluster, folder, "few", rows / 10, kills: 0);
        var (_, called, calledPeak, _) = await OnceAsync(cluster, folder, "called", rows, kills: null);
        report.Add("import as a job", $"{rows:N0} rows, killed {kills} times", rate, "rows/s");
        report.Add("import as a job", $"{rows:N0} rows", usual, "rows/s", "import command", usual / called);
        report.Add("import as a job", "the import command", called, "rows/s");
        report.Add("import as a job", "peak of the node, killed and started again", peak, "MB");
        report.Add("import as a job", "peak of the node", usualPeak, "MB", "a tenth of the rows", usualPeak / fewPeak);
        report.Add("import as a job", "peak of the node, a tenth of the rows", fewPeak, "MB");
        report.Add("import as a job", "peak of the node, import command", calledPeak, "MB");
    }

    /// <param name="kills">null: by the command.</param>
    private static async Task<(double Rate, double Called, double Peak, int Kills)> OnceAsync(
        PrivateCluster cluster,
        string folder,
        string name,
        int rows,
        int? kills
    )
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, $"jobs_{name}");
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var (offices, lines) = await VillagesAsync(ledger, rows, today);
        var file = JobRun.Csv(lines);
        if (kills is not { } many)
        {
            await using var api = await ApiProcess.StartAsync(ledger.Settings);
            var path = Path.Combine(folder, "contributions.csv");
            await File.WriteAllBytesAsync(path, file);
            var token = ledger.Tokens.Issue(offices.Tax.Actor, TimeSpan.FromHours(12));
            var watch = Stopwatch.StartNew();
            var exit = await Ledger.Api.CommandLine.ImportCommand.RunAsync(
                new(path, api.Http.BaseAddress!, today.Year, token),
                TextWriter.Null
            );
            if (exit != 0)
                throw new InvalidOperationException("the command left rows out");
            return (0, rows / watch.Elapsed.TotalSeconds, api.PeakWorkingSet / 1048576.0, 0);
        }
        var run = await JobRun.KilledAsync(
            ledger.Settings,
            offices.Tax.Actor,
            today.Year,
            file,
            rows,
            new Random(30),
            many
        );
        var (written, references) = (
            await CountAsync("count(*)"),
            await CountAsync("count(distinct data ->> 'reference')")
        );
        if (run.Job.State != JobState.Done || written != rows || references != rows)
            throw new InvalidOperationException(
                $"{run.Job.State} {run.Job.Failure}: {written} events of {references} references, not {rows}"
            );
        return (rows / run.Seconds, 0, run.PeakMb, run.Kills);

        async Task<long> CountAsync(string what)
        {
            await using var connection = new Npgsql.NpgsqlConnection(ledger.ConnectionString);
            await connection.OpenAsync();
            var sql = $"select {what} from ledger.mt_events where type = 'contribution_recorded'";
            return (await connection.QueryAsync(sql, r => r.GetInt64(0))).Single();
        }
    }

    /// <summary>Villages whose members are <paramref name="rows"/> people, and a contribution of each.</summary>
    private static async Task<(SampleOffices Offices, List<string> Lines)> VillagesAsync(
        BenchDatabase ledger,
        int rows,
        DateOnly today
    )
    {
        var lines = new List<string>();
        await using var api = await ApiProcess.StartAsync(ledger.Settings);
        var offices = await ledger.OpenAsync(api.Http);
        for (var village = 0; lines.Count < rows; village++)
        {
            var people = new SamplePeople(village).Take(
                Math.Min(VillageSize, rows - lines.Count),
                $"{370811 + village}"
            );
            var where = new SampleVillage(
                offices,
                $"{SampleStory.County}{village + 1:000000}",
                $"第{village + 1}村",
                village + 1,
                today.Year
            );
            await where.RegisterAsync();
            await where.ImportMembersAsync(people);
            lines.AddRange(people.Select((p, i) => JobRun.Row(p, $"SW{village:000}{i:000000}", today)));
        }
        return (offices, lines);
    }
}
