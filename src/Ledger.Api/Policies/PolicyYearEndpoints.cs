using System.Text.Json.Serialization;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Ledger.Web.Policies;
using Marten;

namespace Ledger.Api.Policies;

/// <summary>
/// A tier in yuan a year, or a range of them: from <paramref name="TierAmount"/> to <paramref name="ToAmount"/> in
/// steps of <paramref name="StepAmount"/>. The government's subsidy is the one amount that may be zero: some tiers draw
/// none.
/// </summary>
public sealed record TierBody(
    Money TierAmount,
    [property: JsonConverter(typeof(YuanOrNoughtJsonConverter))] Money GovernmentSubsidyAmount,
    Money? ToAmount = null,
    Money? StepAmount = null
);

/// <summary>
/// <paramref name="Quorums"/>: the bodies that may decide, with who must be present, how many must agree and how it is
/// called (a notice so many days before, an authorisation, women present; not asked when absent); absent: all that the
/// law knows, called as in Shandong. <paramref name="Deadlines"/>, <paramref name="PayoutMonths"/> (计发月数),
/// <paramref name="IncentiveWeights"/> and <paramref name="AgeLimits"/> (参保和领取待遇年龄) fall back to the usual ones when
/// absent. <paramref name="BasicPensionAmount"/>: the basic pension (基础养老金) a month, which estimates show beside the
/// account's. <paramref name="ResolutionNoticeDays"/>: days for which a resolution is published before an
/// application is filed. <paramref name="CountersignatureRequired"/>: the township countersigns plans (absent: as the
/// year has it, and in a new one yes).
/// <paramref name="CommitteeSignsPlan"/>, <paramref name="CommitteeSignsPayments"/>: the village's supervision
/// committee signs them.
/// <paramref name="GovernmentPaidOpensSubsidy"/>: whose contribution the government paid (政府代缴)
/// may get a subsidy though he paid nothing himself.
/// <paramref name="Payee"/>: the agency's income account, which payments go to (收入户).
/// <paramref name="ContributionSeason"/>: when people pay (缴费期), from a day of the year to another.
/// <paramref name="InterestDays"/>: the days on which banks settle interest (结息日); absent: the 20th of March,
/// June, September and December. <paramref name="YearClose"/>: by when the year is to be settled (年度结账日);
/// absent: 31 December.
/// </summary>
public sealed record PolicyYearBody(
    DateOnly EffectiveFrom,
    IReadOnlyList<TierBody> Tiers,
    int AccountInterestBasisPoints,
    int NoticeDays,
    IReadOnlyList<QuorumRule>? Quorums = null,
    bool? CountersignatureRequired = null,
    Deadlines? Deadlines = null,
    IReadOnlyList<PayoutMonths>? PayoutMonths = null,
    IncentiveWeights? IncentiveWeights = null,
    AgeLimits? AgeLimits = null,
    Money? BasicPensionAmount = null,
    PayeeAccount? Payee = null,
    int ResolutionNoticeDays = 0,
    bool CommitteeSignsPlan = false,
    bool CommitteeSignsPayments = false,
    bool GovernmentPaidOpensSubsidy = false,
    ContributionSeason? ContributionSeason = null,
    IReadOnlyList<DayOfYear>? InterestDays = null,
    DayOfYear? YearClose = null
);

public sealed record TierView(
    Money TierAmount,
    Money GovernmentSubsidyAmount,
    Money? ToAmount = null,
    Money? StepAmount = null
);

/// <summary>
/// A change that waits for a second person of the city: what would be another, and where money would go.
/// </summary>
public sealed record PolicyProposalView(
    string ProposedBy,
    DateOnly Until,
    PayeeAccount? Payee,
    IReadOnlyList<PolicyDifference> Changes
)
{
    public static PolicyProposalView Of(PolicyProposal p, PolicyParameters? before) =>
        new(p.ProposedBy, p.Until, p.Parameters.Payee, PolicyDifference.Of(before, p.Parameters));
}

/// <summary>
/// <paramref name="IsInForce"/>: false where the first that was proposed still waits: these are its parameters, and
/// nothing holds yet. <paramref name="Proposed"/>: what waits for a second person of the city.
/// </summary>
public sealed record PolicyYearView(
    string Id,
    int Version,
    string Region,
    int Year,
    DateOnly EffectiveFrom,
    IReadOnlyList<TierView> Tiers,
    Money HighestTierAmount,
    int AccountInterestBasisPoints,
    int NoticeDays,
    IReadOnlyList<QuorumRule> Quorums,
    bool CountersignatureRequired,
    Deadlines Deadlines,
    IReadOnlyList<PayoutMonths> PayoutMonths,
    IncentiveWeights IncentiveWeights,
    AgeLimits AgeLimits,
    Money? BasicPensionAmount,
    PayeeAccount? Payee,
    int ResolutionNoticeDays,
    bool CommitteeSignsPlan,
    bool CommitteeSignsPayments,
    bool GovernmentPaidOpensSubsidy,
    ContributionSeason? ContributionSeason,
    IReadOnlyList<DayOfYear> InterestDays,
    DayOfYear YearClose,
    bool IsInForce,
    PolicyProposalView? Proposed
)
{
    public static PolicyYearView Of(PolicyYear p) => Of(p, p.Proposed);

    /// <param name="first">Whose parameters are shown where none are in force.</param>
    public static PolicyYearView Of(PolicyYear p, PolicyProposal? first)
    {
        var of = p.InForce() ?? p with { Parameters = first!.Parameters };
        return new(
            p.Id,
            p.Revision,
            p.Region,
            p.Year,
            of.Parameters.EffectiveFrom,
            [.. of.Parameters.Tiers.Select(t => new TierView(t.TierFen, t.GovernmentSubsidyFen, t.ToFen, t.StepFen))],
            of.HighestTierFen,
            of.Parameters.AccountInterestBasisPoints,
            of.Parameters.NoticeDays,
            [.. of.Parameters.Quorums.Select(q => q with { Vote = q.VoteInForce() })],
            of.Parameters.CountersignatureRequired,
            of.Deadlines() with
            {
                ComplaintDays = of.Deadlines().ForComplaint(),
            },
            of.PayoutMonths(),
            of.IncentiveWeights(),
            of.AgeLimits(),
            of.Parameters.BasicPensionFen,
            of.Parameters.Payee,
            of.Parameters.ResolutionNoticeDays,
            of.Parameters.CommitteeSignsPlan,
            of.Parameters.CommitteeSignsPayments,
            of.Parameters.GovernmentPaidOpensSubsidy,
            of.Parameters.ContributionSeason,
            of.Parameters.InterestDaysInForce(),
            of.Parameters.YearCloseInForce(),
            p.InForce() is not null,
            p.Proposed is { } proposed ? PolicyProposalView.Of(proposed, p.InForce()?.Parameters) : null
        );
    }
}

/// <summary>Policy years (政策年度参数): tiers, cap, notice days, quorum.</summary>
public static class PolicyYearEndpoints
{
    public static void MapPolicyYears(this IEndpointRouteBuilder api)
    {
        api.MapPut("/policy-years/{region}/{year:int}", Publish)
            .Command<PolicyYearView>(
                "publish-policy-year",
                "发布或修订年度政策参数；已有方案依据的、更换收款账户的，待另一人确认 "
                    + "(L4 L5 L6 L7 L8 L9 L10 L11 L12 L14 C20) · Publish or amend a policy year",
                Roles.CityHrss
            )
            .Previewed()
            .Refuses(
                Rejections.FieldInvalid,
                Rejections.DateBeforeBasis,
                Rejections.NotFound,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"effectiveFrom":"2026-01-01",
                 "tiers":[{"tierAmount":100,"governmentSubsidyAmount":30},
                          {"tierAmount":300,"governmentSubsidyAmount":40},
                          {"tierAmount":500,"toAmount":5000,"stepAmount":100,"governmentSubsidyAmount":80}],
                 "accountInterestBasisPoints":262,"noticeDays":7,
                 "countersignatureRequired":true,"committeeSignsPlan":true,"committeeSignsPayments":true,
                 "quorums":[{"form":"all-villagers","numerator":1,"denominator":2,"strictly":true},
                            {"form":"all-members","numerator":2,"denominator":3,"strictly":false,
                             "vote":{"numerator":2,"denominator":3,"strictly":false,"ofAll":true},
                             "calling":{"daysBefore":10}}]}
                """
            );
        api.MapPost("/policy-years/{region}/{year:int}/proposal/confirmation", Confirm)
            .Command<PolicyYearView>(
                "confirm-policy-year",
                "确认年度政策修订：市人社另一人，确认后即生效 (C20 L12) · Confirm a change of a policy year",
                Roles.CityHrss
            )
            .Previewed()
            .Refuses(Rejections.SelfApproval, Rejections.WrongState, Rejections.NotFound, Rejections.VersionMismatch);
        api.MapPost("/policy-years/{region}/{year:int}/proposal/rejection", Decline)
            .Command<PolicyYearView>(
                "decline-policy-year",
                "不同意或撤回年度政策修订：市人社任一人 (C20) · Decline a change of a policy year",
                Roles.CityHrss
            )
            .Refuses(Rejections.WrongState, Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
            .Example("""{"reason":"收款账户未经核对"}""");
        api.MapGet("/policy-years/{region}/{year:int}", Read)
            .Reading<PolicyYearView>("read-policy-year", "查看年度政策参数 · Read a policy year", Roles.All)
            .Refuses(Rejections.NotFound);
    }

    private static async Task<Answer> Publish(
        string region,
        int year,
        PolicyYearBody body,
        Command command,
        Caller caller
    )
    {
        Require.Region(region, "region", RegionCode.CityLength, RegionCode.CountyLength);
        if (!caller.MaySee(region))
            throw Require.NotFound(region);
        if (body.Quorums is { } quorums)
            foreach (var quorum in quorums.Where(q => !string.IsNullOrWhiteSpace(q?.Form)))
                Require.Name(quorum.Form, "quorums.form", 40);
        var tiers = body
            .Tiers.Select(t => new ContributionTier(t.TierAmount, t.GovernmentSubsidyAmount, t.ToAmount, t.StepAmount))
            .ToList();
        var id = StreamId.PolicyYear(region, year);
        var known = await command.FindAsync<PolicyYear>(id);
        if (known is not null)
            known = await command.LoadAsync<PolicyYear>(id); // If-Match
        command.Region = region;
        var on = await BasisAsync(region, year, known, command);
        var parameters = new PolicyParameters(
            body.EffectiveFrom,
            tiers,
            body.AccountInterestBasisPoints,
            body.NoticeDays,
            body.Quorums ?? QuorumRule.Law,
            body.CountersignatureRequired ?? known?.InForce()?.Parameters.CountersignatureRequired ?? true, // L7
            body.Deadlines,
            body.PayoutMonths,
            body.IncentiveWeights,
            body.AgeLimits,
            body.BasicPensionAmount,
            Payee(body.Payee),
            body.ResolutionNoticeDays,
            body.CommitteeSignsPlan,
            body.CommitteeSignsPayments,
            body.GovernmentPaidOpensSubsidy,
            body.ContributionSeason,
            body.InterestDays,
            body.YearClose
        );
        var state = command.Append(id, known, PolicyChange.Publish(on, parameters, command.Today, command.Actor));
        return new Answer(PolicyYearView.Of(state), state.Revision);
    }

    /// <summary>What the year is to be for others: plans that rest on it, and what holds until then.</summary>
    private static async Task<PolicyChange.Basis> BasisAsync(
        string region,
        int year,
        PolicyYear? known,
        Command command
    )
    {
        var city = RegionCode.City(region);
        string[] before =
        [
            StreamId.PolicyYear(city, year),
            StreamId.PolicyYear(region, year - 1),
            StreamId.PolicyYear(city, year - 1),
        ];
        var others = await command.SoundAsync<PolicyYear>([.. before.Distinct()]);
        var until = before.Select(b => others.GetValueOrDefault(b)?.InForce()).FirstOrDefault(p => p is not null);
        return new(
            region,
            year,
            known,
            await IsInUseAsync(region, year, command),
            (known?.InForce() ?? until)?.Parameters
        );
    }

    /// <summary>
    /// Applications rest on a plan, so the plans tell. By the events themselves: a document could be hidden for a
    /// moment.
    /// </summary>
    private static async Task<bool> IsInUseAsync(string region, int year, Command command) =>
        (
            await command.Connection.QueryAsync(
                $"""
                select stream_id
                  from {LedgerStore.Schema}.mt_events
                 where stream_id ^@ 'plan-'
                   and version = 1
                   and type = 'plan_drafted'
                   and data ->> 'villageCode' ^@ @region
                   and data ->> 'year' = @year
                 limit 1
                """,
                r => r.GetString(0),
                ("region", region),
                ("year", $"{year}")
            )
        ).Count > 0;

    private static Task<Answer> Confirm(string region, int year, Command command, Caller caller) =>
        DecideAsync(region, year, command, caller, (p, by) => PolicyChange.Confirm(p, command.Today, by));

    private static Task<Answer> Decline(string region, int year, ReasonBody body, Command command, Caller caller)
    {
        var reason = Require.Prose(body.Reason, "reason", 200);
        return DecideAsync(region, year, command, caller, (p, _) => PolicyChange.Decline(p, reason, command.Today));
    }

    private static async Task<Answer> DecideAsync(
        string region,
        int year,
        Command command,
        Caller caller,
        Func<PolicyYear, Actor, Decision<PolicyYear>> decide
    )
    {
        Require.Region(region, "region", RegionCode.CityLength, RegionCode.CountyLength);
        if (!caller.MaySee(region))
            throw Require.NotFound(region);
        var id = StreamId.PolicyYear(region, year);
        var known = await command.LoadAsync<PolicyYear>(id);
        var by = await command.ActorAmongAsync([known.Proposed?.ProposedBy, known.Proposed?.ProposedFor]);
        var state = command.Append(id, known, decide(known, by));
        return new Answer(PolicyYearView.Of(state, known.Proposed), state.Revision);
    }

    /// <summary>An office's account, and nobody's: it goes into the event.</summary>
    private static PayeeAccount? Payee(PayeeAccount? payee) =>
        payee is null
            ? null
            : new PayeeAccount(
                Require.Name(payee.Name, "payee.name", PolicyYearDecider.MaxPayeeName),
                Require.Name(payee.Bank, "payee.bank", PolicyYearDecider.MaxPayeeName),
                Require.DocumentNumber(payee.Number, "payee.number", 40)
            );

    private static async Task<IResult> Read(
        string region,
        int year,
        IQuerySession session,
        Caller caller,
        HttpContext http
    )
    {
        // Whoever works inside a region lives by its policy years, so a city's or county's year is visible from below
        // as well.
        var visible = caller.MaySee(region) || RegionCode.Contains(region, caller.Actor.Region);
        var state = visible ? await session.LoadAsync<PolicyYear>(StreamId.PolicyYear(region, year)) : null;
        if (state is { Parameters: null, Proposed: null })
            state = null;
        return Reading.Of(http, state, PolicyYearView.Of, $"{region} {year} 年度政策参数");
    }
}
