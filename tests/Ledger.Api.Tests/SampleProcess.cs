namespace Ledger.Api.Tests;

/// <summary>The product as <c>./start</c> runs it: a process with the sample county, loaded, on a database of its own.</summary>
public sealed class SampleProcess : IAsyncDisposable
{
    public required ApiProcess Process { get; init; }
    public required DirectoryInfo Folder { get; init; }
    public required string ConnectionString { get; init; }
    public HttpClient Http => Process.Http;

    /// <param name="actor">Whose token every request carries: a variable of tour.env.</param>
    public static async Task<SampleProcess> StartAsync(
        Databases databases,
        string name,
        string actor,
        params (string Name, string Value)[] settings
    )
    {
        var folder = Directory.CreateTempSubdirectory("ledger-sample");
        var connectionString = await databases.NewDatabaseAsync(name);
        var all = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = connectionString,
            ["Ledger__KeyFile"] = Path.Combine(folder.FullName, "keys.json"),
            ["Ledger__Sample"] = "true",
            ["Ledger__SampleFolder"] = folder.FullName,
        };
        foreach (var (setting, value) in settings)
            all[setting] = value;
        var sample = new SampleProcess
        {
            Process = await ApiProcess.StartAsync(all),
            Folder = folder,
            ConnectionString = connectionString,
        };
        await ApiFixture.EventuallyAsync(
            () => Task.FromResult(sample.Process.Output.Contains("tour.env", StringComparison.Ordinal)),
            "the sample is loaded"
        );
        sample.Http.DefaultRequestHeaders.Authorization = new("Bearer", sample.Variable(actor));
        return sample;
    }

    public string Variable(string name) =>
        File.ReadLines(At("tour.env")).First(l => l.StartsWith($"export {name}=", StringComparison.Ordinal))[
            $"export {name}=".Length..
        ];

    public string At(string file) => Path.Combine(Folder.FullName, file);

    public async ValueTask DisposeAsync()
    {
        await Process.DisposeAsync();
        Folder.Delete(recursive: true);
    }
}
