using System.Text.Json.Serialization;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
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
    bool GovernmentPaidOpensSubsidy = false
);

public sealed record TierView(
    Money TierAmount,
    Money GovernmentSubsidyAmount,
    Money? ToAmount = null,
    Money? StepAmount = null
);

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
    bool GovernmentPaidOpensSubsidy
)
{
    public static PolicyYearView Of(PolicyYear p) =>
        new(
            p.Id,
            p.Revision,
            p.Region,
            p.Year,
            p.Parameters.EffectiveFrom,
            [.. p.Parameters.Tiers.Select(t => new TierView(t.TierFen, t.GovernmentSubsidyFen, t.ToFen, t.StepFen))],
            p.HighestTierFen,
            p.Parameters.AccountInterestBasisPoints,
            p.Parameters.NoticeDays,
            [.. p.Parameters.Quorums.Select(q => q with { Vote = q.VoteInForce() })],
            p.Parameters.CountersignatureRequired,
            p.Deadlines() with
            {
                ComplaintDays = p.Deadlines().ForComplaint(),
            },
            p.PayoutMonths(),
            p.IncentiveWeights(),
            p.AgeLimits(),
            p.Parameters.BasicPensionFen,
            p.Parameters.Payee,
            p.Parameters.ResolutionNoticeDays,
            p.Parameters.CommitteeSignsPlan,
            p.Parameters.CommitteeSignsPayments,
            p.Parameters.GovernmentPaidOpensSubsidy
        );
}

/// <summary>Policy years (政策年度参数): tiers, cap, notice days, quorum.</summary>
public static class PolicyYearEndpoints
{
    public static void MapPolicyYears(this IEndpointRouteBuilder api)
    {
        api.MapPut("/policy-years/{region}/{year:int}", Publish)
            .Command<PolicyYearView>(
                "publish-policy-year",
                "发布或修订年度政策参数 (L4 L5 L6 L7 L8 L9 L10 L11 L12 L14) · Publish or amend a policy year",
                Roles.CityHrss
            )
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound, Rejections.VersionMismatch)
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
        var parameters = new PolicyParameters(
            body.EffectiveFrom,
            tiers,
            body.AccountInterestBasisPoints,
            body.NoticeDays,
            body.Quorums ?? QuorumRule.Law,
            body.CountersignatureRequired ?? known?.Parameters.CountersignatureRequired ?? true, // L7
            body.Deadlines,
            body.PayoutMonths,
            body.IncentiveWeights,
            body.AgeLimits,
            body.BasicPensionAmount,
            Payee(body.Payee),
            body.ResolutionNoticeDays,
            body.CommitteeSignsPlan,
            body.CommitteeSignsPayments,
            body.GovernmentPaidOpensSubsidy
        );
        var state = command.Append(id, known, PolicyYearDecider.Publish(known, region, year, parameters));
        return new Answer(PolicyYearView.Of(state), state.Revision);
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
        return Reading.Of(http, state, PolicyYearView.Of, $"{region} {year} 年度政策参数");
    }
}
