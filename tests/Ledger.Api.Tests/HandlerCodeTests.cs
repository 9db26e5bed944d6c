using JasperFx.CodeGeneration;
using JasperFx.CodeGeneration.Model;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>
/// The code around the message handlers, which Wolverine would compile while the product runs, is written ahead and
/// compiled with it: the product ships no compiler. With LEDGER_WRITE_CODE=1 this test writes the files anew.
/// </summary>
[Collection("api")]
public sealed class HandlerCodeTests(ApiFixture api)
{
    private static string Folder =>
        Path.Combine(TourTests.Repository, "src/Ledger.Api/Internal/Generated/WolverineHandlers");

    [Fact]
    public void The_code_around_handlers_that_is_compiled_in_is_what_Wolverine_generates_now()
    {
        var generated = Generated();
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

    private Dictionary<string, string> Generated()
    {
        var variables = api.Host.Services.GetRequiredService<IServiceVariableSource>();
        var files = new Dictionary<string, string>();
        foreach (var collection in api.Host.Services.GetServices<ICodeFileCollection>())
        {
            foreach (var file in collection.BuildFiles())
            {
                var assembly = collection.StartAssembly(collection.Rules);
                file.AssembleTypes(assembly);
                var text = assembly.GenerateCode(collection is ICodeFileCollectionWithServices ? variables : null);
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
