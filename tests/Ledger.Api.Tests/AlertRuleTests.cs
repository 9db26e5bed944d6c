using System.Text.RegularExpressions;

namespace Ledger.Api.Tests;

/// <summary>
/// The alert rules as Prometheus itself takes them: each is shown to fire, and to be quiet where all is well
/// (docs/operations/alerts.test.yml). That the product says what they ask for: OperationTests.
/// </summary>
public sealed partial class AlertRuleTests
{
    private static readonly string Folder = Path.Combine(TourTests.Repository, "docs", "operations");

    [GeneratedRegex("- alert: (\\w+)")]
    private static partial Regex Rules { get; }

    [GeneratedRegex("alertname: (\\w+)\\s+eval_time: \\w+\\s+exp_alerts:\\s+- exp_labels")]
    private static partial Regex Firing { get; }

    [GeneratedRegex("{ alertname: (\\w+), eval_time: 2h }")]
    private static partial Regex Quiet { get; }

    [GeneratedRegex("runbook: \"docs/operations.md#([a-z-]+)\"")]
    private static partial Regex Runbooks { get; }

    [Fact]
    public void Each_rule_fires_for_the_county_in_trouble_and_is_quiet_where_all_is_well()
    {
        var (exit, said) = Programs.Run("promtool", ["test", "rules", Path.Combine(Folder, "alerts.test.yml")]);
        Assert.True(exit == 0, said);
        var (rules, tests) = (
            Named(Rules, File.ReadAllText(Path.Combine(Folder, "alerts.yml"))),
            File.ReadAllText(Path.Combine(Folder, "alerts.test.yml"))
        );
        Assert.True(rules.Length > 10);
        Assert.Equal(rules, Named(Firing, tests));
        Assert.Equal(rules, Named(Quiet, tests));
    }

    [Fact]
    public void Each_rule_leads_to_what_to_do()
    {
        var book = File.ReadAllText(Path.Combine(Folder, "..", "operations.md"));
        var asked = Named(Runbooks, File.ReadAllText(Path.Combine(Folder, "alerts.yml")));
        Assert.NotEmpty(asked);
        Assert.All(asked, anchor => Assert.Contains($"<a id=\"{anchor}\"></a>", book));
    }

    private static string[] Named(Regex names, string text) =>
        [.. names.Matches(text).Select(m => m.Groups[1].Value).Distinct().Order(StringComparer.Ordinal)];
}
