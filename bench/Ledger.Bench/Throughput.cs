using Ledger.Api.Sample;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Npgsql;

namespace Ledger.Bench;

public static class Throughput
{
    public static async Task RunAsync(PrivateCluster cluster, string folder, int seconds)
    {
        var connectionString = await cluster.DatabaseAsync("bench");
        var keyFile = Path.Combine(folder, "keys.json");
        await using var api = await ApiProcess.StartAsync(new Dictionary<string, string> { ["ConnectionStrings__Ledger"] = connectionString, ["Ledger__KeyFile"] = keyFile });
        await using var database = NpgsqlDataSource.Create(connectionString);
        var tokens = new Tokens(KeyFile.LoadOrCreate(keyFile), TimeProvider.System);
        var year = DateTime.UtcNow.AddHours(8).Year;
        var offices = new SampleOffices(actor => new SampleClient(api.Http, tokens, actor), SampleStory.County);
        await offices.PublishPolicyAsync(year);
        await offices.OpenPilotAsync();
        var postings = await Postings.SetUpAsync(api.Http, tokens, offices, 50, year);
        await postings.RunAsync(8, TimeSpan.FromSeconds(5));
        var baselines = new Baselines(connectionString);
        await baselines.SetUpAsync();
        var pgledger = Environment.GetEnvironmentVariable("PGLEDGER");
        var time = TimeSpan.FromSeconds(seconds);
        for (var i = 0; i < 3; i++) Console.WriteLine($"copy {await baselines.CopyAsync(10_000):N0}/s");
        foreach (var clients in new[] { 1, 8, 32 })
        {
            var rate = await postings.RunAsync(clients, time);
            var raw = await baselines.InsertAsync(clients, time);
            var plain = await baselines.MartenAsync(clients, 50, time);
            var pg = pgledger is null ? null : await baselines.PgLedgerAsync(pgledger, clients, 50, time);
            Console.WriteLine($"postings {clients,2} clients {rate.PerSecond,8:N0}/s median {rate.Median:0.00} p99 {rate.P99:0.00} ms; raw {raw.PerSecond:N0}/s, ratio {rate.PerSecond / raw.PerSecond:0.00}; plain marten {plain.PerSecond:N0}/s {rate.PerSecond / plain.PerSecond:0.00}; pgledger {pg?.PerSecond:N0}/s {rate.PerSecond / pg?.PerSecond:0.00}");
        }
        var hot = await postings.RunAsync(32, TimeSpan.FromSeconds(seconds), hot: true);
        Console.WriteLine($"hot fund 32 clients {hot.PerSecond,8:N0}/s median {hot.Median:0.00} p99 {hot.P99:0.00} ms");
    }
}
