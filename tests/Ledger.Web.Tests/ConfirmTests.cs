using System.Text.RegularExpressions;

namespace Ledger.Web.Tests;

/// <summary>Where money or people change, it is asked once before it is done: who, how many, how much.</summary>
public sealed partial class ConfirmTests
{
    /// <summary>
    /// What moves no money and changes nobody: drafts, papers, words, what is only looked at, one's own session.
    /// </summary>
    private static readonly string[] Harmless =
    [
        "/api/session/",
        "/api/evidence",
        "/api/agency-profiles",
        "/api/region-names",
        "/api/policy-years/", // shows each change beside the form (data-diff)
        "/api/operation/dead-letters/",
        "/api/reports/replay",
        "/api/pilots",
        "/api/samples(/@S.Id/(draw|papers/@Row.Number))?$",
        "/api/notifications",
        "/api/calendar/address", // what is lost with it is asked before
        "/api/subscriptions",
        "/api/plans/@Plan.Id/(steps|publication|dry-run|amendments|resolution|signature|countersignature)",
        "/api/audit/screening/@F.Id/(answer|explanation|reopening)",
        "/api/audit/log/findings/@F.Id/(answer|reopening)",
        "/api/plans$",
        "/api/collectives/@Collective.Id/surveys/",
        "/api/donors$",
        "/api/funds$",
        "/api/funds/@Fund.Id/reconciliation",
        "/api/notices/",
        "/api/members/.*/(disclosure|decline|dismissal)",
        "/api/insurance-checks/import",
        "/api/applications/roster-check",
        "/api/applications/@A.Id/(return|notice/proof|hold$|objections$|objections/closure|complaints)",
        "/api/accounts$", // the person's own words stand beside it, and a second administrator confirms
        "/api/accounts/.*/(contact|credentials|holder|pending/rejection)",
        "/api/accounts/@Account.Id/pending/confirmation", // the person himself, on his own page
    ];

    [Fact]
    public void Every_form_that_moves_money_or_changes_people_asks_first()
    {
        var web = Path.GetFullPath(Path.Combine(Visitor.Screenshots, "../../../src/Ledger.Web"));
        var forms = Directory
            .EnumerateFiles(web, "*.razor", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal))
            .SelectMany(f => Form().Matches(File.ReadAllText(f)).Select(m => (File: Path.GetFileName(f), Form: m)))
            .ToList();
        Assert.True(forms.Count > 80, $"{forms.Count} forms");
        var unasked = forms
            .Select(f => (f.File, Route: f.Form.Groups["route"].Value, f.Form.Value))
            .Where(f => !f.Value.Contains("data-confirm", StringComparison.Ordinal))
            .Where(f => !f.Value.Contains("data-check", StringComparison.Ordinal))
            .Where(f => !Harmless.Any(h => Regex.IsMatch(f.Route, h)))
            .Select(f => $"{f.File}: {f.Route}")
            .ToList();
        Assert.True(unasked.Count == 0, string.Join('\n', unasked));
        // A named exception that no form has any more goes.
        var unused = Harmless.Where(h => forms.All(f => !Regex.IsMatch(f.Form.Groups["route"].Value, h))).ToList();
        Assert.True(unused.Count == 0, string.Join('\n', unused));
    }

    /// <summary>A form with its buttons: two of them may ask two things.</summary>
    [GeneratedRegex("""<form[^<]*?data-api="(?:POST |PUT |@\()(?<route>[^"]*)"[\s\S]*?</form>""")]
    private static partial Regex Form();
}
