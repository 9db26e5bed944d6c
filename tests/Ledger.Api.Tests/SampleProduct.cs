using System.Text.RegularExpressions;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// A database with the whole sample county and the folder of its keys. It was loaded the hard way: killed at a third,
/// again when all was there, and with every log line that anybody could switch on, which <paramref name="Output"/>
/// holds.
/// </summary>
public sealed record LoadedSample(string ConnectionString, string Folder, string Output)
{
    public static Dictionary<string, string> Settings(string connectionString, string folder) =>
        new()
        {
            ["ConnectionStrings__Ledger"] = connectionString,
            ["Ledger__KeyFile"] = Path.Combine(folder, "keys.json"),
            ["Ledger__Sample"] = "true",
            ["Ledger__SampleFolder"] = folder,
        };

    public static async Task<LoadedSample> LoadAsync(string connectionString, string folder)
    {
        var settings = Settings(connectionString, folder);
        settings["Logging__LogLevel__Default"] = "Debug";
        var output = await RunAsync(
            settings,
            process => process.Said(" 3") && Regex.IsMatch(process.Output, " [34][0-9]%")
        );
        output += await RunAsync(settings, IsLoaded);
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await connection.CloseAsync();
        NpgsqlConnection.ClearPool(connection); // a database that somebody is connected to is no template
        return new LoadedSample(connectionString, folder, output);
    }

    public static bool IsLoaded(RunningApi process) => process.Said("tour.env");

    /// <summary>Kills it as soon as that holds.</summary>
    private static async Task<string> RunAsync(Dictionary<string, string> settings, Func<ApiProcess, bool> until)
    {
        await using var process = await ApiProcess.StartAsync(settings);
        await ApiFixture.EventuallyAsync(() => Task.FromResult(until(process)), "the sample is loaded", 300);
        await process.KillAsync();
        return process.Output;
    }
}

/// <summary>The product as <c>./start</c> runs it, with the sample county, on a database of its own.</summary>
public sealed class SampleProduct : IAsyncDisposable
{
    public required RunningApi Api { get; init; }
    public required LoadedSample Loaded { get; init; }
    public string ConnectionString => Loaded.ConnectionString;
    public HttpClient Http => Api.Http;

    /// <param name="actor">Whose token every request carries: a variable of tour.env.</param>
    public static async Task<SampleProduct> StartAsync(
        Databases databases,
        string name,
        string actor,
        IEnumerable<(string Name, string Value)>? settings = null,
        bool asProcess = false
    )
    {
        var folder = Directory.CreateTempSubdirectory("ledger-sample").FullName;
        return await StartAsync(await databases.SampleDatabaseAsync(name, folder), actor, settings, asProcess);
    }

    public static async Task<SampleProduct> StartAsync(
        LoadedSample loaded,
        string actor,
        IEnumerable<(string Name, string Value)>? settings = null,
        bool asProcess = false
    )
    {
        var all = LoadedSample.Settings(loaded.ConnectionString, loaded.Folder);
        foreach (var (setting, value) in settings ?? [])
            all[setting] = value;
        var sample = new SampleProduct
        {
            Api = asProcess ? await ApiProcess.StartAsync(all) : await ApiHost.StartAsync(all),
            Loaded = loaded,
        };
        await ApiFixture.EventuallyAsync(
            () => Task.FromResult(LoadedSample.IsLoaded(sample.Api)),
            "the sample is there"
        );
        sample.Http.DefaultRequestHeaders.Authorization = new("Bearer", sample.Variable(actor));
        return sample;
    }

    public string Variable(string name) =>
        File.ReadLines(At("tour.env")).First(l => l.StartsWith($"export {name}=", StringComparison.Ordinal))[
            $"export {name}=".Length..
        ];

    public string At(string file) => Path.Combine(Loaded.Folder, file);

    public async ValueTask DisposeAsync()
    {
        await Api.DisposeAsync();
        Directory.Delete(Loaded.Folder, recursive: true);
    }
}
