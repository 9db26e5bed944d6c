using System.Text.Json;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// What docker-compose.yml builds and starts: the published program, with its settings beside it. Published is the
/// build under test: ./test makes the release's.
/// </summary>
public sealed class PublishTests(Databases databases) : IClassFixture<Databases>
{
    [Fact]
    public async Task The_product_is_published_whole_and_finds_its_settings_wherever_it_is_started_from()
    {
        var folder = Directory.CreateTempSubdirectory("ledger-publish");
        try
        {
            var program = Path.Combine(folder.FullName, "app");
            await Programs.RequireAsync(
                "dotnet",
                "publish",
                Path.Combine(Root, "src/Ledger.Api"),
                "--configuration",
                Configuration,
                "--no-build",
                "--output",
                program,
                "--nologo",
                "--verbosity",
                "quiet"
            );
            Assert.True(File.Exists(Path.Combine(program, "Ledger.Api.dll")));
            Assert.False(File.Exists(Path.Combine(program, "ledger-verify")), "the verifier is in its own folder");
            Assert.False(File.Exists(Path.Combine(program, "package.json")), "what the build needs is not published");
            var (exit, said) = Programs.Run(
                "dotnet",
                [Path.Combine(program, "verify", "ledger-verify.dll"), "nonsense"]
            );
            Assert.True(exit == 2 && said.Contains("receipt", StringComparison.Ordinal), said);

            // Nothing in its environment or arguments says where the database is.
            var database = await databases.NewDatabaseAsync("published");
            await File.WriteAllTextAsync(
                Path.Combine(program, "appsettings.Production.json"),
                JsonSerializer.Serialize(
                    new Dictionary<string, string>
                    {
                        ["ConnectionStrings:Ledger"] = database,
                        ["Ledger:KeyFile"] = Path.Combine(folder.FullName, "keys.json"),
                    }
                )
            );
            var nothing = new Dictionary<string, string>();
            await using var process = await ApiProcess.StartInAsync(
                "/",
                Path.Combine(program, "Ledger.Api.dll"),
                nothing
            );
            Assert.True((await process.Http.GetAsync("/health/ready")).IsSuccessStatusCode, process.Output);
            Assert.True(await ApiFixture.ScalarOfAsync<bool>(database, "select count(*) = 1 from ledger.key_check"));
            foreach (var asset in (string[])["ledger.css", "ledger.js", "charts.js", "proof.js", "htmx.js"])
                Assert.True((await process.Http.GetByteArrayAsync($"/assets/{asset}")).Length > 500, asset);
            Assert.Equal(0, await process.StopAsync());
            NpgsqlConnection.ClearAllPools();

            // The same settings elsewhere would be read by nobody: that is said, and nothing started.
            var elsewhere = Directory.CreateDirectory(Path.Combine(folder.FullName, "elsewhere")).FullName;
            File.Move(
                Path.Combine(program, "appsettings.Production.json"),
                Path.Combine(elsewhere, "appsettings.Production.json")
            );
            var stray = await Assert.ThrowsAsync<InvalidOperationException>(() =>
                ApiProcess.StartInAsync(elsewhere, Path.Combine(program, "Ledger.Api.dll"), nothing)
            );
            Assert.Contains("would not be read", stray.Message);
            await using var pointed = await ApiProcess.StartInAsync(
                "/",
                Path.Combine(program, "Ledger.Api.dll"),
                nothing,
                "--contentRoot",
                elsewhere
            );
            Assert.True((await pointed.Http.GetAsync("/health/ready")).IsSuccessStatusCode, pointed.Output);
        }
        finally
        {
            folder.Delete(recursive: true);
        }
    }

#if DEBUG
    private const string Configuration = "Debug";
#else
    private const string Configuration = "Release";
#endif

    private static string Root
    {
        get
        {
            var folder = new DirectoryInfo(AppContext.BaseDirectory);
            while (!File.Exists(Path.Combine(folder.FullName, "CollectiveSubsidy.sln")))
                folder = folder.Parent!;
            return folder.FullName;
        }
    }
}
