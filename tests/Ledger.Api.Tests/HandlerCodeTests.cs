using JasperFx.CodeGeneration;
using JasperFx.CodeGeneration.Model;
using Ledger.Api.Storage;
using Ledger.Domain;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Hosting.Internal;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The code around the message handlers, which Wolverine would compile while the product runs, is written ahead and compiled with it: the
/// product ships no compiler. With LEDGER_WRITE_CODE=1 this test writes the files anew; it needs no database and no product that starts, so
/// a file that no longer compiles may be deleted first.
/// </summary>
public sealed class HandlerCodeTests
{
    private static string Folder =>
        Path.Combine(TourTests.Repository, "src/Ledger.Api/Internal/Generated/WolverineHandlers");

    [Fact]
    public async Task The_code_around_handlers_that_is_compiled_in_is_what_Wolverine_generates_now()
    {
        var generated = await GeneratedAsync();
        if (Environment.GetEnvironmentVariable("LEDGER_WRITE_CODE") == "1")
        {
            Directory.CreateDirectory(Folder);
            foreach (var old in Directory.GetFiles(Folder))
                File.Delete(old);
            foreach (var (name, text) in generated)
                File.WriteAllText(Path.Combine(Folder, name), text);
        }
        Assert.Equal(generated.Keys.Order(), Directory.GetFiles(Folder).Select(f => Path.GetFileName(f)).Order());
        Assert.All(generated, file => Assert.Equal(file.Value, File.ReadAllText(Path.Combine(Folder, file.Key))));
    }

    private static async Task<Dictionary<string, string>> GeneratedAsync()
    {
        // What the handlers ask for, registered as the product does.
        await using var database = NpgsqlDataSource.Create("Host=nowhere");
        var collection = new ServiceCollection();
        collection
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IHostEnvironment>(new HostingEnvironment())
            .AddLogging()
            .AddSingleton<Clock>()
            .AddKeyedSingleton(LedgerStore.Commands, (_, _) => database)
            .AddLedgerStore(database, new KeyFile(new byte[32], new byte[32], new byte[32]));
        await using var services = collection.BuildServiceProvider();
        var variables = services.GetRequiredService<IServiceVariableSource>();
        var files = new Dictionary<string, string>();
        foreach (var handlers in services.GetServices<ICodeFileCollection>())
        {
            foreach (var file in handlers.BuildFiles())
            {
                var assembly = handlers.StartAssembly(handlers.Rules);
                file.AssembleTypes(assembly);
                var text = assembly.GenerateCode(handlers is ICodeFileCollectionWithServices ? variables : null);
                files.Add($"{file.FileName}.cs", text.ReplaceLineEndings("\n"));
            }
        }
        return files;
    }

    [Fact]
    public void The_product_carries_no_compiler() =>
        Assert.DoesNotContain(
            File.ReadAllLines(Path.ChangeExtension(ApiProcess.Build, ".deps.json")),
            line =>
                line.Contains("CodeAnalysis", StringComparison.Ordinal)
                || line.Contains("RuntimeCompil", StringComparison.Ordinal)
        );
}
