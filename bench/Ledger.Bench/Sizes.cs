using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Bench;

/// <summary>
/// What a subsidised person leaves in the database, table by table: one application from the members' import to its
/// settlement, on a product with the sample's clock. docs/scale.md multiplies it.
/// </summary>
public static class Sizes
{
    private const string County = "371102";
    private const decimal Subsidy = 100;

    /// <summary>Tables that grow by less than this for each person are the application's, not the person's.</summary>
    private const double Least = 20;

    public static async Task RunAsync(PrivateCluster cluster, string folder, int people, Report report)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "sizes");
        var settings = new Dictionary<string, string>(ledger.Settings)
        {
            ["Ledger__Sample"] = "true",
            ["Ledger__SampleFolder"] = Path.Combine(folder, "sample"),
            ["Ledger__RateLimit__PerUser"] = "0",
        };
        await using var api = await ApiProcess.StartAsync(settings);
        while (!api.Said("tour.env")) // the sample's last word
            await Task.Delay(TimeSpan.FromSeconds(1));
        var tokens = ledger.Tokens;
        var offices = new SampleOffices(actor => new SampleClient(api.Http, tokens, actor), County);
        var today = await ForwardAsync(1);
        await offices.PublishPolicyAsync(today.Year);
        await offices.OpenPilotAsync();
        var village = new SampleVillage(offices, $"{County}001201", "第1村股份经济合作社", 1, today.Year);
        await village.RegisterAsync();
        await village.AllocateAsync(people * Subsidy);
        var roster = new SamplePeople(1).Take(people, County);

        var before = await GrownAsync();
        await village.PrepareAsync(roster, Subsidy, today);
        await village.FileAsync(roster);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        today = await ForwardAsync(8);
        await village.PayAsync(people * Subsidy);
        await village.ImportReceiptsAsync(roster.Select(p => (p, new Money((long)(Subsidy * 100)))), today);
        await village.SettleAsync();
        await offices.Auditor.GetAsync("/api/audit/events?limit=1"); // the read models have taken in everything
        var after = await GrownAsync();

        var grown = after
            .Select(a => (Table: a.Key, Grown: a.Value - before.GetValueOrDefault(a.Key)))
            .Where(t => t.Grown > Least * people)
            .OrderByDescending(t => t.Grown)
            .ToList();
        foreach (var (table, bytes) in grown.Append(("all", grown.Sum(g => g.Grown))))
            report.Add($"a subsidised person of {people:N0}", table, (double)bytes / people, "bytes");

        async Task<DateOnly> ForwardAsync(int days)
        {
            var moved = await offices.Auditor.PostAsync<JsonElement>($"/api/sample/clock?days={days}");
            return DateOnly.Parse(moved.GetProperty("businessDate").GetString()!, null);
        }

        async Task<Dictionary<string, long>> GrownAsync()
        {
            await using var connection = new NpgsqlConnection(ledger.ConnectionString);
            await connection.OpenAsync();
            return (
                await connection.QueryAsync(
                    $"""
                    select c.relname, pg_total_relation_size(c.oid)
                      from pg_class c
                     where c.relkind = 'r' and c.relnamespace = '{LedgerStore.Schema}'::regnamespace
                    """,
                    r => (Table: r.GetString(0), Bytes: r.GetInt64(1))
                )
            ).ToDictionary(t => t.Table, t => t.Bytes);
        }
    }
}
