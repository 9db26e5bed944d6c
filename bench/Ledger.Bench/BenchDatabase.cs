using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;

namespace Ledger.Bench;

/// <summary>A new database of a measurement, with what a product on it is told, and who acts there.</summary>
public sealed class BenchDatabase(string connectionString, string keyFile)
{
    public static async Task<BenchDatabase> NewAsync(PrivateCluster cluster, string folder, string name) =>
        new(await cluster.DatabaseAsync(name), Path.Combine(folder, "keys.json"));

    public string ConnectionString => connectionString;

    public IReadOnlyDictionary<string, string> Settings { get; } =
        new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = connectionString,
            ["Ledger__KeyFile"] = keyFile,
            // As in production; the tests do otherwise (ApiProcess).
            ["DOTNET_TieredPGO"] = "1",
            ["DOTNET_TC_CallCountThreshold"] = "1E",
        };

    /// <summary>Once a product has run: it makes the keys.</summary>
    public Tokens Tokens => new(Keys, TimeProvider.System);

    public KeyFile Keys => KeyFile.LoadOrCreate(keyFile);

    /// <summary>
    /// A county that can work: the offices that act through <paramref name="http"/>, a policy of this year, the pilot
    /// opened.
    /// </summary>
    /// <param name="answers">How its answers are read; null: nothing in them that today's views do not know.</param>
    public async Task<SampleOffices> OpenAsync(HttpClient http, JsonSerializerOptions? answers = null)
    {
        var tokens = Tokens;
        var offices = new SampleOffices(
            actor => new SampleClient(http, tokens, actor, answers: answers),
            SampleStory.County
        );
        await offices.PublishPolicyAsync(Clock.Day(DateTimeOffset.UtcNow).Year);
        await offices.OpenPilotAsync();
        return offices;
    }

    /// <summary>The product's tables, without the product.</summary>
    public async Task MakeTablesAsync()
    {
        var (exit, output) = await ApiProcess.RunAsync(Settings, "schema");
        if (exit != 0)
            throw new InvalidOperationException(output);
    }
}
