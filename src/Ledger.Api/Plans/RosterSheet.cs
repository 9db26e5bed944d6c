using Ledger.Api.Applications;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Plans;

namespace Ledger.Api.Plans;

/// <summary>
/// A roster to file, filled in. <paramref name="Content"/>: the workbook in base64; a repeated request has none, it is
/// kept nowhere.
/// </summary>
public sealed record RosterSheetView(string FileName, int Members, Money TotalAmount, string? Content);

/// <summary>
/// The roster of a plan with whom it would pay and who is on no other list of the year: name, id number and amount in
/// clear, so that nobody has to type what the system knows (C14). That it was fetched stays on record (C20).
/// </summary>
public static class RosterSheet
{
    public static async Task<Answer> Download(string id, ReasonBody body, Command command, PersonalData people)
    {
        var reason = Require.Prose(body.Reason, "reason", 500);
        var plan = await command.ReadScopedAsync<Plan>(id);
        var collective = await command.LoadAsync<Collective>(plan.CollectiveId);
        command.Region = plan.Region;
        var policy = await command.PolicyYearAsync(plan.Region, plan.Year);
        var standard = (plan.Adopted() ?? plan.Versions[^1]).Standard;
        var (run, _, persons, _, _) = await DryRunEndpoint.TrialAsync(
            plan,
            collective,
            standard,
            policy,
            null,
            command,
            people
        );
        var listed = await Rosters.ListedAsync(plan.Id, command.Connection);
        var lines = run.Payable.Where(l => !listed.Contains(l.MemberId) && persons.ContainsKey(l.MemberId)).ToList();
        command.Append(
            collective.Id,
            collective,
            CollectiveDecider.Disclose(plan.Year, plan.Adopted() is not null, lines.Count, command.Actor, reason)
        );
        var form = Sheets.RosterForm;
        var sheet = Workbook.Write(
            (
                form.Title,
                [
                    form.Columns.Select(c => (object?)c.Title),
                    .. lines.Select(l =>
                        (IEnumerable<object?>)
                            [persons[l.MemberId].Name, persons[l.MemberId].CitizenId.ToString(), l.AmountFen]
                    ),
                ],
                form.Columns
            )
        );
        var view = new RosterSheetView(
            $"补助名单-{plan.Year}.xlsx",
            lines.Count,
            Money.Sum(lines.Select(l => l.AmountFen!.Value)),
            Convert.ToBase64String(sheet)
        );
        return new Answer(view, Kept: view with { Content = null });
    }
}
