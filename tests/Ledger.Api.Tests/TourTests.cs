using System.Diagnostics;
using System.Text.RegularExpressions;
using Ledger.Api.Storage;

namespace Ledger.Api.Tests;

/// <summary>
/// Sample mode as a visitor meets it: the county is loaded, and every curl of docs/tour.md works as printed.
/// </summary>
public sealed partial class TourTests(Databases databases) : IClassFixture<Databases>, IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ledger-tour");

    public void Dispose() => _folder.Delete(recursive: true);

    [GeneratedRegex("```sh\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex ShellBlock();

    [GeneratedRegex("→ ([0-9]{3})")]
    private static partial Regex ExpectedRefusal();

    /// <summary>
    /// The tour's commands, and the status that each curl shall get: 2xx, or what the comment above the step says for
    /// its last one.
    /// </summary>
    private static (string Script, IReadOnlyList<int> Expected) Tour()
    {
        var script = string.Join(
            "\n",
            ShellBlock()
                .Matches(File.ReadAllText(Path.Combine(Repository, "docs", "tour.md")))
                .Select(m => m.Groups[1].Value)
        );
        var expected = new List<int>();
        foreach (var step in script.Split("\n\n", StringSplitOptions.RemoveEmptyEntries))
        {
            expected.AddRange(Enumerable.Repeat(2, Regex.Count(step, @"\bcurl ")));
            if (ExpectedRefusal().Match(step) is { Success: true } refusal)
                expected[^1] = int.Parse(refusal.Groups[1].Value);
        }
        return (script, expected);
    }

    public static string Repository
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "CollectiveSubsidy.sln")))
                folder = folder.Parent!;
            return folder.FullName;
        }
    }

    [Fact]
    public async Task Every_curl_of_the_tour_works_as_printed_twice()
    {
        var loaded = await databases.SampleDatabaseAsync("ledger_tour", _folder.FullName);
        var settings = LoadedSample.Settings(loaded.ConnectionString, _folder.FullName);
        settings["Ledger__SampleFolder"] = Path.Combine(_folder.FullName, ".sample");
        await using var product = await ApiProcess.StartAsync(settings);
        await ApiFixture.EventuallyAsync(() => Task.FromResult(LoadedSample.IsLoaded(product)), "the sample is there");

        var (script, expected) = Tour();
        Assert.True(expected.Count > 20, script);
        var first = Run(script, expected);
        Assert.Contains("\"status\":\"settled\"", first);
        Assert.Contains("\"creditedAmount\":28320.00", first);
        Assert.Contains("\"type\":\"application_filed\"", first); // the trail has it a moment later
        Assert.Contains("\"command\":\"approve-application\"", first);
        Assert.Contains("补助120.00元，来自", first);
        Assert.Contains("成立 OK：事件", first);
        Assert.Contains("条与检查点相符", first);
        var marked = Path.Combine(_folder.FullName, ".sample", "roster-marked.xlsx");
        using (var workbook = System.IO.Compression.ZipFile.OpenRead(marked))
            Assert.NotNull(workbook.GetEntry("xl/workbook.xml"));
        var second = Run(script, expected);
        Assert.Contains("\"creditedAmount\":28320.00", second);
    }

    private string Run(string script, IReadOnlyList<int> expected)
    {
        var statuses = Path.Combine(_folder.FullName, "statuses");
        File.Delete(statuses);
        var start = new ProcessStartInfo(
            "bash",
            [
                "-euo",
                "pipefail",
                "-c",
                $"curl() {{ command curl -w '%{{stderr}}%{{http_code}}\\n' \"$@\" 2>>'{statuses}'; }}\n{script}",
            ]
        )
        {
            WorkingDirectory = _folder.FullName,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        using var bash = Process.Start(start)!;
        var error = bash.StandardError.ReadToEndAsync();
        var output = bash.StandardOutput.ReadToEnd();
        bash.WaitForExit();
        var got = File.Exists(statuses) ? File.ReadAllLines(statuses) : [];
        Assert.True(bash.ExitCode == 0, $"exit {bash.ExitCode}\n{output}\n{error.Result}\n{string.Join(' ', got)}");
        Assert.Equal(expected, got.Select(s => s.StartsWith('2') ? 2 : int.Parse(s)));
        return output;
    }

    [Fact]
    public async Task A_load_that_was_killed_goes_on_where_it_stopped()
    {
        var loaded = await databases.SampleDatabaseAsync("ledger_sample", _folder.FullName); // killed at a third
        await using var source = Npgsql.NpgsqlDataSource.Create(loaded.ConnectionString);
        await using var connection = await source.OpenConnectionAsync();
        Task<List<long>> Count(string table) =>
            connection.QueryAsync($"select count(*) from ledger.{table}", r => r.GetInt64(0));
        Assert.Equal(3000, (await Count("mt_doc_member")).Single());
        Assert.Equal(13, (await Count("mt_doc_fund")).Single());
        Assert.Equal(11, (await Count("mt_doc_application")).Single());
        Assert.Equal(20, (await Count("mt_events where type = 'funds_allocated'")).Single());
        Assert.Equal(0, (await Count("mt_events where type = 'command_refused'")).Single());
        // Of what the law has around the policy, each once to be seen (L9, L14, L15, L16, L17, L18, L19).
        foreach (
            var shown in (string[])
                [
                    "mt_doc_policyyear where data @? '$.parameters.tiers[*].toFen'",
                    "mt_doc_memberyear where data @? '$.contributions[*] ? (@.kind == \"government-paid\")'",
                    "mt_events where type = 'contribution_adjusted'",
                    "mt_doc_collective where data ->> 'dissolvedOn' is not null",
                    "mt_doc_fund where data -> 'openFees' <> '{}'",
                    "mt_events where type = 'complaint_raised'",
                    "mt_doc_member where data #>> '{insurance,finding}' = 'employees-scheme'",
                ]
        )
            Assert.True((await Count(shown)).Single() > 0, shown);
    }
}
