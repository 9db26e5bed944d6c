using System.Diagnostics;
using Ledger.Api.Imports;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// What a list of 20,000 rows takes, as .xlsx and as the .xls that LibreOffice makes of it: imported (members), and
/// only read and compared (a bank's statement). Beside it, where there is one, an earlier build, in turn; each kind of
/// file in processes of its own.
/// </summary>
public static class Lists
{
    private const int Rows = 20_000,
        Few = 200;

    private sealed record Side(string Name, ApiProcess Api, SampleOffices Offices, SampleVillage Village);

    public static async Task RunAsync(PrivateCluster cluster, string folder, string? other, int rounds, Report report)
    {
        var today = Clock.Day(DateTimeOffset.UtcNow);
        (string Name, string? Build)[] both = [("before", other), ("present", ApiProcess.Build)];
        var builds = both.Where(b => b.Build is not null).ToList();
        foreach (var kind in new[] { "xlsx", "xls" })
        {
            var sides = new List<Side>();
            try
            {
                foreach (var (name, build) in builds)
                {
                    var ledger = await BenchDatabase.NewAsync(
                        cluster,
                        Path.Combine(folder, kind, name),
                        $"{kind}_{name}"
                    );
                    var api = await ApiProcess.StartOfAsync(build!, ledger.Settings);
                    var offices = await ledger.OpenAsync(api.Http);
                    var side = new Side(name, api, offices, Village(offices, 1, today));
                    await side.Village.RegisterAsync();
                    await side.Village.AllocateAsync(1_000);
                    sides.Add(side);
                }
                await MeasureAsync(kind, folder, sides, rounds, today, report);
            }
            finally
            {
                foreach (var side in sides)
                    await side.Api.DisposeAsync();
            }
        }
    }

    private static SampleVillage Village(SampleOffices offices, int number, DateOnly today) =>
        new(offices, $"{SampleStory.County}{number:000000}", $"第{number}村股份经济合作社", number, today.Year);

    private static async Task MeasureAsync(
        string kind,
        string folder,
        List<Side> sides,
        int rounds,
        DateOnly today,
        Report report
    )
    {
        var statement = await FileAsync(folder, kind, Statement(Rows, today));
        await TurnsAsync(
            "a bank's statement compared",
            side => $"/api/funds/{side.Village.FundId}/reconciliation",
            _ => Task.FromResult(statement)
        );
        var village = 1;
        await TurnsAsync(
            "members imported",
            side => $"/api/members/import?collectiveId={side.Village.CollectiveId}",
            async round =>
            {
                village++;
                for (var i = 0; i < sides.Count; i++)
                {
                    sides[i] = sides[i] with { Village = Village(sides[i].Offices, village, today) };
                    await sides[i].Village.RegisterAsync();
                }
                var people = new SamplePeople(village).Take(round == 0 ? Few : Rows, $"{370811 + village}");
                return await FileAsync(folder, kind, SampleSheets.Members(people));
            }
        );

        async Task TurnsAsync(string what, Func<Side, string> path, Func<int, Task<byte[]>> content)
        {
            var (seconds, megabytes) = (sides.Select(_ => new List<double>()).ToList(), new double[sides.Count]);
            for (var round = 0; round <= rounds; round++)
            {
                var file = await content(round);
                foreach (
                    var i in round % 2 == 0
                        ? Enumerable.Range(0, sides.Count)
                        : Enumerable.Range(0, sides.Count).Reverse()
                )
                {
                    var side = sides[i];
                    // The peak from here on.
                    await File.WriteAllTextAsync($"/proc/{side.Api.Id}/clear_refs", "5");
                    var watch = Stopwatch.StartNew();
                    using var form = SampleClient.Form(file, $"list.{kind}");
                    using var answer = await side.Village.Officer.SendAsync(HttpMethod.Post, path(side), form);
                    var text = await answer.Content.ReadAsStringAsync();
                    if (round == 0)
                        continue; // warms up
                    if (answer.IsSuccessStatusCode)
                        seconds[i].Add(watch.Elapsed.TotalSeconds);
                    else if (round == 1)
                        Console.WriteLine(
                            $"{what}, .{kind}, {side.Name}: {(int)answer.StatusCode} "
                                + $"{text[..Math.Min(200, text.Length)]}"
                        );
                    megabytes[i] = Math.Max(megabytes[i], side.Api.PeakWorkingSet / 1048576.0);
                }
            }
            for (var i = 0; i < sides.Count; i++)
            {
                if (seconds[i].Count == 0)
                    continue; // refused
                var (median, baseline) = (Median(seconds[i]), i > 0 && seconds[0].Count > 0);
                report.Add(
                    "lists of 20,000 rows",
                    $"{what}, .{kind}, {sides[i].Name}",
                    median,
                    "s",
                    baseline ? sides[0].Name : null,
                    baseline ? median / Median(seconds[0]) : null,
                    (seconds[i].Max() - seconds[i].Min()) / median
                );
                report.Add(
                    "lists of 20,000 rows",
                    $"{what}, .{kind}, {sides[i].Name}: peak of the product",
                    megabytes[i],
                    "MB",
                    baseline ? sides[0].Name : null,
                    baseline ? megabytes[i] / megabytes[0] : null
                );
            }
        }
    }

    private static byte[] Statement(int rows, DateOnly today) =>
        Workbook.Write(
            (
                "对账单",
                Enumerable
                    .Range(1, rows)
                    .Select(i =>
                        (IEnumerable<object?>)
                            [$"{today.AddDays(-(i % 300)):yyyy-MM-dd}", null, new Money(i), $"NX{i:000000}"]
                    )
                    .Prepend(Sheets.BankStatement.Columns.Select(c => c.Heading)),
                Sheets.BankStatement.Columns
            )
        );

    /// <summary>As it is, or as LibreOffice writes it.</summary>
    private static async Task<byte[]> FileAsync(string folder, string kind, byte[] xlsx)
    {
        if (kind == "xlsx")
            return xlsx;
        var source = Path.Combine(folder, "list.xlsx");
        await File.WriteAllBytesAsync(source, xlsx);
        await Programs.RequireAsync(
            "soffice",
            "--headless",
            $"-env:UserInstallation=file://{Path.Combine(folder, "profile")}",
            "--convert-to",
            kind,
            "--outdir",
            folder,
            source
        );
        return await File.ReadAllBytesAsync(Path.Combine(folder, $"list.{kind}"));
    }
}
