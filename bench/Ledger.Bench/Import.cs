using System.Diagnostics;
using System.Globalization;
using System.Text;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;

namespace Ledger.Bench;

/// <summary>
/// A city's contribution records, by the <c>import</c> command: does the rate hold, and do the command and the product
/// need no more for many than for few.
/// </summary>
public static class Import
{
    private const int VillageSize = 20_000;

    public static async Task RunAsync(PrivateCluster cluster, string folder, int rows, Report report)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "import");
        await using var api = await ApiProcess.StartAsync(ledger.Settings);
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var offices = await ledger.OpenAsync(api.Http);
        var file = Path.Combine(folder, "contributions.csv");
        var small = Path.Combine(folder, "few.csv");
        const string heading = "姓名,身份证号,缴费档次（元）,个人缴费金额（元）,缴费日期,缴费类型,缴费凭证号";
        await using (var all = new StreamWriter(file, append: false, new UTF8Encoding(false)))
        await using (var few = new StreamWriter(small, append: false, new UTF8Encoding(false)))
        {
            await all.WriteLineAsync(heading);
            await few.WriteLineAsync(heading);
            for (var village = 0; village * VillageSize < rows + (rows / 10); village++)
            {
                // The last tenth stands in a file of its own.
                var people = new SamplePeople(village).Take(VillageSize, $"{370811 + village}");
                var where = new SampleVillage(
                    offices,
                    $"{SampleStory.County}{village + 1:000000}",
                    $"第{village + 1}村",
                    village + 1,
                    today.Year
                );
                await where.RegisterAsync();
                await where.ImportMembersAsync(people);
                for (var i = 0; i < people.Count; i++)
                    await (village * VillageSize < rows ? all : few).WriteLineAsync(
                        $"{people[i].Name},{people[i].CitizenId},300,300,"
                            + $"{today.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)},正常缴费,SW{village:000}"
                            + $"{i:000000}"
                    );
            }
        }

        var (fewRate, fewPeak) = await OnceAsync(small);
        var (rate, peak) = await OnceAsync(file);
        report.Add("import of contributions", $"a tenth of {rows:N0} rows", fewRate, "rows/s");
        report.Add("import of contributions", $"{rows:N0} rows", rate, "rows/s", "a tenth", rate / fewRate);
        report.Add("import of contributions", "peak of the command, a tenth", fewPeak, "MB");
        report.Add("import of contributions", "peak of the command", peak, "MB", "a tenth", peak / fewPeak);
        report.Add("import of contributions", "peak of the product", api.PeakWorkingSet / 1048576.0, "MB");

        async Task<(double Rate, double Peak)> OnceAsync(string path)
        {
            var lines = File.ReadLines(path).LongCount() - 1;
            var start = new ProcessStartInfo(
                "dotnet",
                [
                    typeof(Settings).Assembly.Location,
                    "import",
                    "--file",
                    path,
                    "--year",
                    $"{today.Year}",
                    "--to",
                    api.Http.BaseAddress!.ToString(),
                ]
            )
            {
                RedirectStandardError = true,
            };
            start.Environment["LEDGER_TOKEN"] = ledger.Tokens.Issue(offices.Tax.Actor, TimeSpan.FromHours(12));
            var watch = Stopwatch.StartNew();
            using var process = Process.Start(start)!;
            var said = process.StandardError.ReadToEndAsync();
            var most = 0L;
            while (!process.HasExited)
            {
                process.Refresh();
                most = Math.Max(most, process.WorkingSet64);
                await Task.Delay(200);
            }
            if (process.ExitCode != 0)
                throw new InvalidOperationException(await said);
            return (lines / watch.Elapsed.TotalSeconds, most / 1048576.0);
        }
    }
}
