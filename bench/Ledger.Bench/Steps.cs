using System.Diagnostics;
using Ledger.Api.Sample;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// How long the steps of an application take over HTTP, as a ratio to inserting as many rows of event size in one transaction, on the
/// same server, with plain SQL.
/// </summary>
public static class Steps
{
    public static async Task RunAsync(PrivateCluster cluster, string folder, int lines, int rounds)
    {
        var connectionString = await cluster.DatabaseAsync("bench");
        var keyFile = Path.Combine(folder, "keys.json");
        await using var api = await ApiProcess.StartAsync(new Dictionary<string, string> { ["ConnectionStrings__Ledger"] = connectionString, ["Ledger__KeyFile"] = keyFile });
        await using var database = NpgsqlDataSource.Create(connectionString);
        var tokens = new Tokens(KeyFile.LoadOrCreate(keyFile), TimeProvider.System);
        var today = DateOnly.FromDateTime(DateTime.UtcNow.AddHours(8));
        var offices = new SampleOffices(actor => new SampleClient(api.Http, tokens, actor), SampleStory.County);
        await offices.PublishPolicyAsync(today.Year);
        await offices.OpenPilotAsync();
        await using (var connection = await database.OpenConnectionAsync())
            await connection.ExecuteAsync("create table baseline (id bigserial primary key, stream text not null, data jsonb not null)");

        var times = new Dictionary<string, List<double>>();
        async Task Time(string step, Func<Task> act)
        {
            var watch = Stopwatch.StartNew();
            await act();
            if (!times.TryGetValue(step, out var list)) times[step] = list = [];
            list.Add(watch.Elapsed.TotalMilliseconds);
        }

        for (var round = 0; round <= rounds; round++)
        {
            var village = new SampleVillage(offices, $"{SampleStory.County}{round + 1:000000}", $"第{round + 1}村股份经济合作社", round + 1, today.Year);
            var people = new SamplePeople(round).Take(lines, $"{370811 + round}");
            await village.RegisterAsync();
            await village.SurveyAsync(lines);
            await village.AllocateAsync(lines * 200);
            await Time("import members", () => village.ImportMembersAsync(people));
            await Time("import contributions", () => village.ImportContributionsAsync(people.Select(p => (p, 300, false)), today));
            await village.DraftAsync(SampleVillage.Flat(100));
            await village.ResolveAsync(today);
            await village.AdoptAsync();
            await Time("file roster (.xlsx)", () => village.FileAsync(people));
            await Time("review", village.ReviewAsync);
            await Time("approve (one transaction)", village.ApproveAsync);
            await Time("baseline: insert as many rows", async () =>
            {
                await using var connection = await database.OpenConnectionAsync();
                await connection.ExecuteAsync("insert into baseline (stream, data) select 'stream-' || i, jsonb_build_object('text', repeat('x', 600), 'i', i) from generate_series(1, @n) i", ("n", lines));
            });
            if (round == 0) times.Clear(); // the first round warms up
            if (!Console.IsErrorRedirected) Console.Error.Write($"\r{round}/{rounds} ");
        }

        double Median(string step) { var sorted = times[step].Order().ToList(); return sorted[sorted.Count / 2]; }
        var baseline = times.Keys.Single(k => k.StartsWith("baseline", StringComparison.Ordinal));
        Console.WriteLine($"\n{lines} lines, median of {rounds} rounds; noise is (max − min) ÷ median\n");
        Console.WriteLine($"{"step",-32}{"ms",8}{"× baseline",12}{"noise",8}");
        foreach (var (step, list) in times)
            Console.WriteLine($"{step,-32}{Median(step),8:0.0}{Median(step) / Median(baseline),12:0.0}{(list.Max() - list.Min()) / Median(step),8:P0}");
    }
}
