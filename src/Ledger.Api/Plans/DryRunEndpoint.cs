using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Members;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;

namespace Ledger.Api.Plans;

/// <summary>
/// <paramref name="Standard"/>: another standard than the plan's latest version, to compare. A roster narrows it to the
/// people on it.
/// </summary>
public sealed record DryRunBody(StandardBody? Standard = null);

public sealed record DryRunLineView(
    string MemberId,
    string Name,
    Money? Amount,
    string? Code,
    [property: Said] string? Message,
    Money? LeftAmount
);

/// <summary>
/// What the standard would cost. <paramref name="LackingAmount"/>: what the fund's general sub-account lacks. Of each
/// list the first 1,000 are shown; the counts are whole. <paramref name="PayersOfYear"/>: whose payers it goes by; the
/// year before the plan's as long as nobody has paid for that.
/// </summary>
public sealed record DryRunView(
    string PlanId,
    int PlanVersion,
    StandardBody Standard,
    int People,
    int PayableCount,
    Money CostAmount,
    Money AvailableAmount,
    Money LackingAmount,
    int OverCapCount,
    IReadOnlyList<DryRunLineView> OverCap,
    int IneligibleCount,
    IReadOnlyDictionary<string, int> IneligibleByCode,
    IReadOnlyList<DryRunLineView> Ineligible,
    IReadOnlyList<Note> Notes,
    int PayersOfYear
);

/// <summary>A trial of a plan's standard, C10 and C11.</summary>
public static class DryRunEndpoint
{
    private const int MaxShown = 1000;

    public static async Task<Answer> Run(
        string id,
        HttpRequest request,
        Command command,
        PersonalData people,
        IOptions<JsonOptions> json
    )
    {
        var (body, roster) = await Uploads.BodyOrRosterAsync(
            request,
            json.Value.SerializerOptions,
            _ => new DryRunBody()
        );
        var plan = await command.ReadScopedAsync<Plan>(id);
        command.Region = plan.Region;
        var collective = (await command.ReadAsync<Collective>(plan.CollectiveId))!;
        var policy = await command.PolicyYearAsync(plan.Region, plan.Year);
        var standard = body.Standard?.ToStandard() ?? plan.Versions[^1].Standard;
        if (standard.Fault(policy) is { } fault)
            throw new RefusedException(fault);
        var (run, ids, persons, isOfYearBefore, notes) = await TrialAsync(
            plan,
            collective,
            standard,
            policy,
            roster,
            command,
            people
        );
        return new Answer(
            new DryRunView(
                id,
                plan.LatestVersion(),
                StandardBody.Of(standard),
                ids.Count,
                run.Payable.Count,
                run.CostFen,
                run.AvailableFen,
                run.LackingFen,
                run.OverCap.Count,
                Shown(run.OverCap, persons),
                run.Ineligible.Count,
                run.Ineligible.GroupBy(l => l.Code!).ToDictionary(g => g.Key, g => g.Count()),
                Shown(run.Ineligible, persons),
                [
                    .. Told(plan.Year, isOfYearBefore),
                    .. notes,
                    .. command.DamagedPeople.Values.Select(why => new Note($"记录损坏，未计入：{why}")),
                ],
                isOfYearBefore ? plan.Year - 1 : plan.Year
            )
        );
    }

    /// <summary>A standard on the people of a roster, or on all members; and who they are.</summary>
    public static async Task<(
        DryRun Run,
        IReadOnlyList<string> Ids,
        IReadOnlyDictionary<string, Person> Persons,
        bool IsOfYearBefore,
        IReadOnlyList<Note> Notes
    )> TrialAsync(
        Plan plan,
        Collective collective,
        Standard standard,
        PolicyYear policy,
        IFormFile? roster,
        Command command,
        PersonalData people
    )
    {
        var fund = (await command.ReadAsync<Fund>(plan.FundId))!;
        var lineage = await Succession.LineageAsync(command.Connection, collective);
        var (ids, notes) = roster is null
            ? (await command.MemberIdsAsync(lineage.Members), [])
            : await RosterAsync(roster, lineage.Members, command, people);
        var members = await command.ReadPeopleAsync<Member>(ids);
        var (years, isOfYearBefore) = await PayersAsync(plan.Year, ids, command);
        var persons = await people.ReadAsync(command.Connection, ids);
        var run = DryRun.Of(
            standard,
            lineage,
            ids.Where(m => !command.DamagedPeople.ContainsKey(m)).Select(m => members[m]),
            years,
            persons.ToDictionary(p => p.Key, p => p.Value.AgeIn(plan.Year)),
            policy.AgeLimits(),
            policy.HighestTierFen,
            fund.Pocket(SubAccount.General).Available,
            policy.Parameters.GovernmentPaidOpensSubsidy
        );
        return (run, ids, persons, isOfYearBefore, notes);
    }

    /// <summary>The member-years of the plan's year; of the year before as long as nobody has paid for it.</summary>
    private static async Task<(IReadOnlyDictionary<string, MemberYear> Years, bool IsOfYearBefore)> PayersAsync(
        int year,
        IReadOnlyList<string> members,
        Command command
    )
    {
        async Task<IReadOnlyDictionary<string, MemberYear>> OfAsync(int of) =>
            (
                await command.ReadPeopleAsync<MemberYear>(members.Select(m => StreamId.MemberYear(m, of)))
            ).Values.ToDictionary(y => StreamId.MemberOf(y.Id));
        var years = await OfAsync(year);
        if (!DryRun.NobodyPaid(years))
            return (years, false);
        var before = await OfAsync(year - 1);
        return DryRun.NobodyPaid(before) ? (years, false) : (DryRun.Likely(years, before), true);
    }

    private static IEnumerable<Note> Told(int year, bool isOfYearBefore) =>
        isOfYearBefore ? [new Note($"{year} 年度还没有人缴费，按 {year - 1} 年度的缴费人和档次试算")] : [];

    private static IReadOnlyList<DryRunLineView> Shown(
        IReadOnlyList<DryRunLine> lines,
        IReadOnlyDictionary<string, Person> persons
    ) =>
        [
            .. lines
                .Take(MaxShown)
                .Select(l => new DryRunLineView(
                    l.MemberId,
                    persons.GetValueOrDefault(l.MemberId)?.MaskedName ?? Members.MemberEndpoints.Erased,
                    l.AmountFen,
                    l.Code,
                    l.Message,
                    l.CapLeftFen
                )),
        ];

    private static async Task<(IReadOnlyList<string> Ids, IReadOnlyList<Note> Notes)> RosterAsync(
        IFormFile roster,
        IReadOnlyCollection<string> collectives,
        Command command,
        PersonalData people
    )
    {
        var table = Table.Read(roster, Sheets.RosterForm);
        var faults = new List<Fault>();
        var rows = new List<(RowReader Reader, CitizenId Id)>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var id = reader.CitizenId();
            if (reader.IsSound)
                rows.Add((reader, id));
        }
        var (ids, _) = await OwnMembers.FindAsync(collectives, [.. rows.Select(r => r.Id)], command, people);
        foreach (var (reader, id) in rows)
            if (!ids.ContainsKey(id))
                reader.Wrong(Roster.CitizenIdColumn, "不是本集体成员", Rejections.NotAMember);
        Uploads.RefuseFaults(faults, false, table, Rejections.RosterInvalid);
        return ([.. rows.Select(r => ids[r.Id]).Distinct()], table.Notes);
    }
}
