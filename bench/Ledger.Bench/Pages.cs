using System.Diagnostics;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Microsoft.Playwright;

namespace Ledger.Bench;

/// <summary>
/// How long a page takes on first view (nothing in the browser's cache) until its pictures are drawn and its forms
/// work, what comes over the wire, and what 200 signed-in people cost in memory. Baseline: the sign-in page of the same
/// run.
/// </summary>
public static class Pages
{
    private const int Funds = 200,
        QueueLines = 5_000,
        TraceLines = 1_000,
        Rounds = 5,
        Users = 200;

    public static async Task RunAsync(PrivateCluster cluster, string folder)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "bench");
        await using var api = await ApiProcess.StartAsync(ledger.Settings);
        var offices = await ledger.OpenAsync(api.Http);
        var (large, traced) = await FillAsync(offices);
        var review = $"/applications/{large.ApplicationId}/review";
        var allocation = (await offices.Auditor.GetAsync($"/api/funds/{traced.FundId}/statement"))
            .GetProperty("lines")[0]
            .GetProperty("reference")
            .GetString();

        using var playwright = await Playwright.CreateAsync();
        await using var browser = await playwright.Chromium.LaunchAsync(
            new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu"] }
        );
        var (officer, clerk, auditor) = (traced.Officer.Actor, offices.Reviewer.Actor, offices.Auditor.Actor);
        Console.WriteLine(
            $"{Funds} funds, an application of {QueueLines} lines, a trace of {TraceLines} members; "
                + $"first view, median of {Rounds}; noise is (max − min) ÷ median\n"
        );
        Console.WriteLine($"{"page", -46}{"usable ms", 10}{"× baseline", 12}{"noise", 8}{"KB on the wire", 16}");
        double? baseline = null;
        foreach (
            var (name, path, actor) in ((string, string, Actor?)[])
                [
                    ("baseline: the sign-in page", "/sign-in", null),
                    ("dashboard of a fund", $"/funds/{traced.FundId}", officer),
                    ("overview of 200 funds", "/overview", auditor),
                    ("work queue", "/applications?waitingForMe=true", clerk),
                    ("application of 5,000 lines", $"/applications/{large.ApplicationId}", clerk),
                    ("review of 5,000 lines", review, clerk),
                    ("review, only the faulty of 5,000", $"{review}?filter=faulty", clerk),
                    (
                        "trace of an allocation, 1,000 members",
                        $"/trace/funds/{traced.FundId}/allocations/{allocation}",
                        auditor
                    ),
                ]
        )
        {
            var (times, wire) = (new List<double>(), 0.0);
            for (var round = 0; round <= Rounds; round++)
            {
                await using var context = await browser.NewContextAsync(
                    new()
                    {
                        BaseURL = api.Http.BaseAddress!.ToString(),
                        // Sessions are sealed, and nobody makes one beside the product.
                        ExtraHTTPHeaders = actor is null
                            ? []
                            : new Dictionary<string, string> { ["Authorization"] = Bearer(ledger, actor) },
                    }
                );
                var page = await context.NewPageAsync();
                var network = await context.NewCDPSessionAsync(page);
                await network.SendAsync("Network.enable");
                wire = 0;
                network.Event("Network.loadingFinished").OnEvent += (_, e) =>
                    wire += e!.Value.GetProperty("encodedDataLength").GetDouble();
                var watch = Stopwatch.StartNew();
                var response = await page.GotoAsync(path, new() { WaitUntil = WaitUntilState.DOMContentLoaded });
                await page.WaitForFunctionAsync(
                    "() => window.htmx && [...document.querySelectorAll('[data-chart]')].every(c => c.dataset.drawn)"
                );
                if (response!.Status != 200 || !page.Url.EndsWith(path, StringComparison.Ordinal))
                    throw new InvalidOperationException($"{path}: {response.Status} {page.Url}");
                if (round > 0)
                    times.Add(watch.Elapsed.TotalMilliseconds); // the first warms the server up
            }
            var median = times.Order().ElementAt(Rounds / 2);
            baseline ??= median;
            Console.WriteLine(
                $"{name, -46}{median, 10:0}{median / baseline, 12:0.0}"
                    + $"{(times.Max() - times.Min()) / median, 8:P0}{wire / 1024, 16:0}"
            );
        }
        await MemoryAsync(api, ledger, traced);
    }

    /// <summary>
    /// Many small villages, one that has filed a large roster, one whose money is at a thousand people's.
    /// </summary>
    private static async Task<(SampleVillage Large, SampleVillage Traced)> FillAsync(SampleOffices offices)
    {
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var villages = new List<SampleVillage>();
        for (var number = 1; number <= Funds; number++)
        {
            var village = new SampleVillage(
                offices,
                $"{SampleStory.County}{number:000000}",
                $"第{number}村股份经济合作社",
                number,
                today.Year
            );
            await village.RegisterAsync();
            await village.AllocateAsync(10_000 * (number % 20 + 1) + (number == 1 ? 600_000 : 0));
            villages.Add(village);
        }
        foreach (var (village, lines) in ((SampleVillage, int)[])[(villages[0], QueueLines), (villages[1], TraceLines)])
        {
            var people = new SamplePeople(lines).Take(lines, SampleStory.County);
            await village.PrepareAsync(people, 30, today);
            await village.FileAsync(people);
        }
        await villages[1].ReviewAsync();
        await villages[1].ApproveAsync();
        return (villages[0], villages[1]);
    }

    /// <summary>A session as signing in makes it; how long the password takes is not what is measured here.</summary>
    private static string Bearer(BenchDatabase ledger, Actor actor) =>
        $"Bearer {ledger.Tokens.Issue(actor, TimeSpan.FromHours(1))}";

    private static async Task MemoryAsync(ApiProcess api, BenchDatabase ledger, SampleVillage village)
    {
        async Task Look(int user)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/funds/{village.FundId}");
            request.Headers.Add("Authorization", Bearer(ledger, village.Officer.Actor with { Id = $"user{user}" }));
            using var response = await api.Http.SendAsync(request);
            response.EnsureSuccessStatusCode();
        }
        await Look(0);
        await Task.Delay(TimeSpan.FromSeconds(5));
        var before = api.WorkingSet;
        for (var user = 0; user < Users; user++)
            await Look(user);
        await Task.Delay(TimeSpan.FromSeconds(20)); // they sit and read
        Console.WriteLine(
            $"\n{Users} people signed in, one page each, then idle: working set {before >> 20} → "
                + $"{api.WorkingSet >> 20} MB"
        );
    }
}
