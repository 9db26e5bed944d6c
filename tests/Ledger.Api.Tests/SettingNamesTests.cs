using System.Text.RegularExpressions;
using Ledger.Api.CommandLine;
using Microsoft.Extensions.Configuration;

namespace Ledger.Api.Tests;

/// <summary>A misspelt setting is refused, with the one that was meant; docs/settings.md names them all.</summary>
public sealed partial class SettingNamesTests
{
    private static string? Refused(params (string Name, string Value)[] settings)
    {
        var configuration = new ConfigurationBuilder()
            .AddInMemoryCollection(settings.ToDictionary(s => s.Name, s => (string?)s.Value))
            .Build();
        try
        {
            SettingNames.Require(configuration);
            return null;
        }
        catch (OperationException e)
        {
            Assert.Equal(OperationException.Misused, e.Exit);
            return e.Message;
        }
    }

    [Fact]
    public void Every_setting_is_accepted_in_any_case()
    {
        var all = SettingNames.All.Select(n => n.Replace("*", "0", StringComparison.Ordinal)).ToList();
        Assert.Null(Refused([.. all.Select(n => (n, "x"))]));
        Assert.Null(Refused([.. all.Select(n => (n.ToUpperInvariant(), "x"))]));
        // What is not ours is not ours to judge.
        Assert.Null(
            Refused(
                ("Logging:LogLevel:Default", "Warning"),
                ("LEDGER_TEST_CONNECTION", "x"),
                ("LEDGER_PORT_8080_TCP", "x"),
                ("Kestrel:Endpoints:Https:Url", "x"),
                ("urls", "x"),
                ("Ledger", ""), // a section, as a host's own arguments have it
                ("Ledger:RateLimit", "")
            )
        );
    }

    [Theory]
    [InlineData("Ledger:RetentionYear", "Ledger:RetentionYears")]
    [InlineData("Ledger:Contcat", "Ledger:Contact")]
    [InlineData("ledger:keyfiles", "Ledger:KeyFile")]
    [InlineData("Ledger:RateLimits:PerUser", "Ledger:RateLimit:PerUser")]
    [InlineData("ConnectionStrings:LedgerOwer", "ConnectionStrings:LedgerOwner")]
    [InlineData("Counties:370811:Ledger:KeyFile", null)]
    [InlineData("Ledger:SomethingElseAltogether", null)]
    [InlineData("Ledger:Contact:Phone", null)]
    public void What_nobody_knows_is_refused_with_what_was_meant(string name, string? meant)
    {
        var said = Refused((name, "secret-value"), ("Ledger:Contact", "x"))!;
        Assert.Contains($"“{name}”", said, StringComparison.OrdinalIgnoreCase);
        Assert.Equal(meant is not null, said.Contains("did you mean", StringComparison.Ordinal));
        if (meant is not null)
            Assert.Contains($"did you mean {meant}?", said);
        Assert.DoesNotContain("secret-value", said);
    }

    [Fact]
    public void The_document_names_every_setting_and_no_other()
    {
        var table = File.ReadLines(Path.Combine(TourTests.Repository, "docs/settings.md"))
            .Where(l => l.StartsWith("| `", StringComparison.Ordinal))
            .SelectMany(l => Names(l.Split('|')[1]))
            .Where(n => SettingNames.All.Any(a => a.Split(':')[0] == n.Split(':')[0]))
            .Select(n => Number().Replace(n, ":*"))
            .ToHashSet();
        // Their keys come unprotected: for tests alone.
        Assert.Equal(SettingNames.All.Except(["Ledger:Oidc:AllowHttp"]).Order(), table.Order());
    }

    /// <summary><c>Ledger:RateLimit:PerUser</c>, <c>:PerAddress</c>: the second as the first's neighbour.</summary>
    private static IEnumerable<string> Names(string cell)
    {
        var first = "";
        foreach (var name in Quoted().Matches(cell).Select(m => m.Groups[1].Value))
            yield return name.StartsWith(':') ? first[..first.LastIndexOf(':')] + name : first = name;
    }

    [GeneratedRegex("`([^`]+)`")]
    private static partial Regex Quoted();

    [GeneratedRegex(":[0-9]+$")]
    private static partial Regex Number();
}
