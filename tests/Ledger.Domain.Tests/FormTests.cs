using System.Runtime.CompilerServices;
using Microsoft.CodeAnalysis;
using Microsoft.CodeAnalysis.CSharp;
using Microsoft.CodeAnalysis.CSharp.Syntax;
using Microsoft.CodeAnalysis.Text;

namespace Ledger.Domain.Tests;

/// <summary>The form of the sources as far as no formatter keeps it: how long a line may be, and a function.</summary>
public sealed class FormTests
{
    private const int Columns = 120,
        ColumnsOfPages = 140,
        Lines = 70;

    private const string Routes = "a table of routes: each with what the API document says of it",
        Arms = "one arm for each event, each of a few lines",
        Measures = "a measurement: what is set up and run, in that order, and what is reported of it";

    /// <summary>
    /// What is longer than a function should be, and why it stays so. Whoever makes one shorter takes it out; whoever
    /// adds one says why. Beside these, a test tells one story, as long as that takes.
    /// </summary>
    private static readonly Dictionary<string, string> Longer = new()
    {
        ["AccountEndpoints.MapAccounts"] = Routes,
        ["ApplicationEndpoints.MapApplications"] = Routes,
        ["FundEndpoints.MapFunds"] = Routes,
        ["MemberEndpoints.MapMembers"] = Routes,
        ["MemberEndpoints.MapCorrections"] = Routes,
        ["PlanEndpoints.MapPlans"] = Routes,
        ["Application.Evolve"] = Arms,
        ["Member.Evolve"] = Arms,
        ["MemberYear.Evolve"] = Arms,
        ["ApplicationPromises.Take"] = "a table: what is noted of which event",
        ["Rules.Take"] = "a table: which rule looks at which events",
        ["Problem.Meaning"] = "a table: what each exception means to whoever asked",
        ["Faults.RunAsync"] = Measures,
        ["Growth.SetUpAsync"] = Measures,
        ["History.FillAsync"] = Measures,
        ["History.FillFundAsync"] = Measures,
        ["History.FillReadModelsAsync"] = Measures,
        ["Import.RunAsync"] = Measures,
        ["Lists.MeasureAsync"] = Measures,
        ["Log.RunAsync"] = Measures,
        ["Pages.RunAsync"] = Measures,
        ["Rebuild.RunAsync"] = Measures,
        ["Soak.RunAsync"] = Measures,
        ["Trace.RunAsync"] = Measures,
        ["Upgrade.RunAsync"] = Measures,
        ["Versus.RunAsync"] = Measures,
        ["LedgerChecker.CheckAsync"] = "one check after the other over what was acknowledged",
        ["LogTests.Breaches"] = "a table: what is changed in a log, and what is said of it",
        ["StateTests.MemberYears"] = "the commands of a year, each with what it is given",
        ["FuzzTests.Request"] = "a table: what is malformed in which way",
        ["ExportTests.GeneralLedgerAgreesAsync"] = "one table of the standard after the other",
        ["ForgedReadingTests.PlaceAsync"] = "everything that can be read, made once",
    };

    private static readonly string Repository = Path.GetFullPath(Path.Combine(Here(), "../.."));

    private static string Here([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    /// <summary>The sources that people write: path below the repository, and text.</summary>
    private static IEnumerable<(string Path, string Text)> Sources(string extension) =>
        new[] { "src", "tests", "bench" }
            .SelectMany(folder =>
                Directory.EnumerateFiles(Path.Combine(Repository, folder), $"*{extension}", SearchOption.AllDirectories)
            )
            .Select(path => path[(Repository.Length + 1)..])
            .Where(path => !path.Split('/').Any(part => part is "bin" or "obj" or "node_modules" or "Generated"))
            .Select(path => (path, File.ReadAllText(Path.Combine(Repository, path))));

    private static IEnumerable<string> Wide(string extension, int most)
    {
        var sources = Sources(extension).ToList();
        Assert.True(sources.Count > 40, $"{sources.Count} files of {extension}");
        return sources
            .SelectMany(s => s.Text.Split('\n').Select((line, i) => (Line: line, At: $"{s.Path}:{i + 1}")))
            .Where(l => l.Line.EnumerateRunes().Count() > most)
            .Select(l => $"{l.At}: {l.Line.Trim()[..40]}…");
    }

    [Fact]
    public void A_line_has_at_most_120_columns() => Assert.Empty(Wide(".cs", Columns));

    [Fact]
    public void A_line_of_a_page_has_at_most_140_columns() => Assert.Empty(Wide(".razor", ColumnsOfPages));

    [Fact]
    public void A_function_has_at_most_70_lines_or_says_why_not()
    {
        var functions = Sources(".cs")
            .SelectMany(s => CSharpSyntaxTree.ParseText(s.Text).GetRoot().DescendantNodes())
            .Select(node => (Name: Name(node), Lines: LinesOf(node), IsStory: IsStory(node)))
            .Where(f => f.Name is not null)
            .ToList();
        Assert.True(functions.Count > 3_000, $"{functions.Count} functions");
        var longer = functions.Where(f => f.Lines > Lines && !f.IsStory).ToList();
        Assert.Empty(longer.Where(f => !Longer.ContainsKey(f.Name!)).Select(f => $"{f.Name} has {f.Lines} lines"));
        Assert.Empty(Longer.Keys.Except(longer.Select(f => f.Name)));
    }

    private static bool IsStory(SyntaxNode node) =>
        node is MethodDeclarationSyntax method
        && method.AttributeLists.SelectMany(l => l.Attributes).Any(a => a.Name.ToString() is "Fact" or "Theory");

    /// <summary>The innermost type and the function's own name; null of what is no function.</summary>
    private static string? Name(SyntaxNode node)
    {
        var own = node switch
        {
            MethodDeclarationSyntax m => m.Identifier.Text,
            ConstructorDeclarationSyntax c => c.Identifier.Text,
            PropertyDeclarationSyntax p => p.Identifier.Text,
            OperatorDeclarationSyntax o => $"operator {o.OperatorToken.Text}",
            LocalFunctionStatementSyntax l => l.Identifier.Text,
            _ => null,
        };
        var type = node.Ancestors().OfType<BaseTypeDeclarationSyntax>().FirstOrDefault()?.Identifier.Text ?? "Program";
        return own is null ? null : $"{type}.{own}";
    }

    /// <summary>From its head to its end, without attributes and what is said above it.</summary>
    private static int LinesOf(SyntaxNode node)
    {
        var head = node.ChildNodesAndTokens().FirstOrDefault(c => !c.IsKind(SyntaxKind.AttributeList));
        var span = node.SyntaxTree.GetLineSpan(TextSpan.FromBounds(head.SpanStart, node.Span.End));
        return span.EndLinePosition.Line - span.StartLinePosition.Line + 1;
    }
}
