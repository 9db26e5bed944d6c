namespace Ledger.Domain.Policies;

/// <summary>
/// A contribution tier (缴费档次) and the government subsidy (政府补贴) that goes with it, per year; or, with
/// <paramref name="ToFen"/> and <paramref name="StepFen"/>, a range of them (L9): from <paramref name="TierFen"/> to
/// there in steps, each with that subsidy.
/// </summary>
public sealed record ContributionTier(
    Money TierFen,
    Money GovernmentSubsidyFen,
    Money? ToFen = null,
    Money? StepFen = null
)
{
    /// <summary>The tier itself, or the range's highest.</summary>
    public Money Highest() => ToFen ?? TierFen;

    /// <summary>How many tiers it stands for; what is no sound range (see the decider) is one.</summary>
    public long Count() =>
        this is { ToFen: { } to, StepFen: { IsPositive: true } step } && to > TierFen
            ? (to.Fen - TierFen.Fen) / step.Fen + 1
            : 1;

    public IEnumerable<ContributionTier> Each()
    {
        for (long i = 0, many = Count(); i < many; i++)
            yield return new ContributionTier(new Money(TierFen.Fen + i * (StepFen?.Fen ?? 0)), GovernmentSubsidyFen);
    }
}

/// <summary>
/// How many must agree (L4): Numerator ÷ Denominator of those present, or of all when <paramref name="OfAll"/>; more
/// than that when <paramref name="Strictly"/>.
/// </summary>
public sealed record VoteRule(int Numerator, int Denominator, bool Strictly, bool OfAll)
{
    /// <summary>In force where a policy year says nothing: most of those present.</summary>
    public static readonly VoteRule Default = new(1, 2, true, false);

    public int Needed(int attendance, int eligible) =>
        QuorumRule.Needed(OfAll ? eligible : attendance, Numerator, Denominator, Strictly);
}

/// <summary>
/// How a body is called, or its decision is void (L5): by a notice posted so many days before; where it stands for the
/// villagers, on their prior authorisation; and with this fraction of its women members present (0: not asked).
/// </summary>
public sealed record CallingRule(
    int DaysBefore,
    bool AuthorisationRequired = false,
    int WomenNumerator = 0,
    int WomenDenominator = 1
)
{
    public int NeededWomen(int women) => QuorumRule.Needed(women, WomenNumerator, WomenDenominator, strictly: false);
}

/// <summary>
/// A body that may decide on a plan, and when its meeting counts (C13, L4). <paramref name="Form"/> is one of those
/// below, or the region's own word. Attendance ÷ eligible must exceed Numerator ÷ Denominator, or only reach it when
/// not <paramref name="Strictly"/>; <paramref name="Vote"/> says how many agree, <paramref name="Calling"/> how it is
/// called (null: not asked).
/// </summary>
public sealed record QuorumRule(
    string Form,
    int Numerator,
    int Denominator,
    bool Strictly,
    VoteRule? Vote = null,
    CallingRule? Calling = null
)
{
    public const string AllVillagers = "all-villagers",
        Households = "households",
        Representatives = "representatives",
        AllMembers = "all-members",
        MemberRepresentatives = "member-representatives";

    /// <summary>
    /// 村民委员会组织法第二十二、二十六条, 农村集体经济组织法第二十七、二十八条, and how they are called 山东省实施《村民委员会组织法》办法
    /// 第十七、十八、二十四条: in force where a policy year says nothing. Of the representatives of the members ⅔ must agree,
    /// so no fewer can have come.
    /// </summary>
    public static readonly IReadOnlyList<QuorumRule> Law =
    [
        new(AllVillagers, 1, 2, true, VoteRule.Default, new CallingRule(10)),
        new(Households, 2, 3, false, VoteRule.Default, new CallingRule(10)),
        new(Representatives, 2, 3, false, VoteRule.Default, new CallingRule(5, AuthorisationRequired: true, 2, 3)),
        new(AllMembers, 2, 3, false, new VoteRule(2, 3, false, OfAll: true), new CallingRule(10)),
        new(MemberRepresentatives, 2, 3, false, new VoteRule(2, 3, false, OfAll: true)),
    ];

    public VoteRule VoteInForce() => Vote ?? VoteRule.Default;

    public int NeededPresent(int eligible) => Needed(eligible, Numerator, Denominator, Strictly);

    /// <summary>The least whole number that reaches a fraction of so many, or exceeds it.</summary>
    public static int Needed(int of, int numerator, int denominator, bool strictly) =>
        (int)(
            strictly ? (long)of * numerator / denominator + 1 : ((long)of * numerator + denominator - 1) / denominator
        );

    public static bool IsFraction(int numerator, int denominator, bool strictly) =>
        denominator >= 1 && numerator >= 0 && (strictly ? numerator < denominator : numerator <= denominator);

    /// <summary>What the body is called there (会议形式): in a community 居民, in a village 村民.</summary>
    public static string Name(string form, string region) =>
        form switch
        {
            AllVillagers => $"{Identity.RegionCode.People(region)}会议",
            Households => "户代表会议",
            Representatives => $"{Identity.RegionCode.People(region)}代表会议",
            AllMembers => "成员大会",
            MemberRepresentatives => "成员代表大会",
            _ => form,
        };
}

/// <summary>
/// Within how many days work is to be done before it stands on a supervision list (C21): review and approval after
/// filing, payment after the notice, credit after payment, an answer after an objection or a complaint (L18); money
/// that lay idle this long is listed too. <paramref name="HoldDays"/>: until the township has decided on a payment that
/// is on hold (L7).
/// </summary>
public sealed record Deadlines(
    int ReviewDays,
    int PaymentDays,
    int CreditDays,
    int ObjectionDays,
    int IdleDays,
    int? ComplaintDays = null,
    int HoldDays = 7
)
{
    /// <summary>In force where a policy year says nothing (†).</summary>
    public const int UsualComplaintDays = 30;

    public int ForComplaint() => ComplaintDays ?? UsualComplaintDays;

    /// <summary>In force where a policy year says nothing (†).</summary>
    public static readonly Deadlines Default = new(15, 30, 30, 7, 365);
}

/// <summary>
/// Who is insured here, by the age reached in the year (C4): nobody below <paramref name="Minimum"/>; who has reached
/// <paramref name="Pension"/> may be drawing a pension, which the reviewer answers for with a reason.
/// </summary>
public sealed record AgeLimits(int Minimum, int Pension)
{
    /// <summary>In force where a policy year says nothing (†).</summary>
    public static readonly AgeLimits Default = new(16, 60);

    public static readonly AgeLimits None = new(0, int.MaxValue);

    /// <summary>Why nobody of this age is insured; null: may be, or the age is not known.</summary>
    public (RejectionCode Code, string Message)? Fault(int? age) =>
        age switch
        {
            null => null,
            < 0 or > Identity.CitizenId.MaxAge => (Rejections.AgeIneligible, "身份证号中的出生日期不可能"),
            { } a when a < Minimum => (Rejections.AgeIneligible, $"本年度未满 {Minimum} 周岁"),
            _ => null,
        };

    /// <summary>What a reviewer has to answer for; null: nothing.</summary>
    public string? Finding(int? age) => age >= Pension ? $"本年度已满 {Pension} 周岁，须核实未领取养老待遇" : null;
}

/// <summary>
/// Payout months (计发月数) for a pension that begins at <paramref name="Age"/> (C22, L3): residents have one divisor for
/// all ages. 132 … 56 for 61 to 70 is the employees' table.
/// </summary>
public sealed record PayoutMonths(int Age, int Months)
{
    /// <summary>国发〔2014〕8号第六条, in force where a policy year says nothing (†).</summary>
    public static readonly IReadOnlyList<PayoutMonths> Default = [new(60, 139)];
}

/// <summary>
/// The account that payments go to (L12): the agency's income account (经办机构收入户), nobody's own card.
/// </summary>
public sealed record PayeeAccount(string Name, string Bank, string Number);

/// <summary>
/// How much each measure counts in the county's ranking of active collectives (C18), in points of 100; upheld
/// objections are taken off.
/// </summary>
public sealed record IncentiveWeights(int Coverage, int Amount, int Growth, int Timeliness, int Disputes)
{
    /// <summary>In force where a policy year says nothing (†).</summary>
    public static readonly IncentiveWeights Default = new(40, 30, 15, 15, 10);
}

/// <summary>
/// The parameters of one year in one region, all of them data (†). Interest is in basis points (万分之一) a year.
/// <paramref name="CountersignatureRequired"/>: a plan is adopted only when its township has countersigned it (C21).
/// <paramref name="BasicPensionFen"/>: the basic pension (基础养老金) a month, shown beside the account's (L11).
/// <paramref name="Payee"/>: where payments go (L12).
/// <paramref name="ResolutionNoticeDays"/>: days for which a resolution is published before anybody files by it (L6);
/// 0: not asked.
/// <paramref name="CommitteeSignsPlan"/>, <paramref name="CommitteeSignsPayments"/>: the village's supervision
/// committee (村务监督委员会) signs a plan before it is adopted, a payment before it is sent (L7).
/// <paramref name="GovernmentPaidOpensSubsidy"/>: who paid nothing himself, and whose contribution the government paid
/// (政府代缴), may get a subsidy (L14).
/// <paramref name="ContributionSeason"/>: when people pay (缴费期); null: not said.
/// <paramref name="InterestDays"/>: days on which banks settle interest (结息日), <paramref name="YearClose"/>: by when
/// the year is to be settled; null: as usual (<see cref="DaysOfYear"/>).
/// </summary>
public sealed record PolicyParameters(
    DateOnly EffectiveFrom,
    IReadOnlyList<ContributionTier> Tiers,
    int AccountInterestBasisPoints,
    int NoticeDays,
    IReadOnlyList<QuorumRule> Quorums,
    bool CountersignatureRequired = false,
    Deadlines? Deadlines = null,
    IReadOnlyList<PayoutMonths>? PayoutMonths = null,
    IncentiveWeights? IncentiveWeights = null,
    AgeLimits? AgeLimits = null,
    Money? BasicPensionFen = null,
    PayeeAccount? Payee = null,
    int ResolutionNoticeDays = 0,
    bool CommitteeSignsPlan = false,
    bool CommitteeSignsPayments = false,
    bool GovernmentPaidOpensSubsidy = false,
    ContributionSeason? ContributionSeason = null,
    IReadOnlyList<DayOfYear>? InterestDays = null,
    DayOfYear? YearClose = null
)
{
    public Money HighestTierFen() => Tiers.Max(t => t.Highest());
}

/// <param name="ProposedBy">Who proposed it, where a second person confirmed; null: one person's act.</param>
public sealed record PolicyYearPublished(
    string Region,
    int Year,
    PolicyParameters Parameters,
    string? ProposedBy = null
) : IEventOf<PolicyYear>;

/// <inheritdoc cref="PolicyYearPublished"/>
public sealed record PolicyYearAmended(PolicyParameters Parameters, string? ProposedBy = null) : IEventOf<PolicyYear>;

/// <summary>
/// What one person of the city wants a year to be that others rest on. Nothing has changed before a second one
/// confirms, until that day at the latest.
/// </summary>
public sealed record PolicyYearChangeProposed(
    string Region,
    int Year,
    PolicyParameters Parameters,
    string ProposedBy,
    DateOnly Until,
    string? OnBehalfOf = null
) : IEventOf<PolicyYear>;

public sealed record PolicyYearChangeDeclined(string Reason) : IEventOf<PolicyYear>;

/// <summary>A change that waits for a second person of the city.</summary>
public sealed record PolicyProposal(
    PolicyParameters Parameters,
    string ProposedBy,
    string? ProposedFor,
    DateOnly Until
);

/// <summary>Policy year (政策年度): what a region's rules are in one year.</summary>
public sealed record PolicyYear : Aggregate, IEvolve<PolicyYear>
{
    public int Year { get; init; }

    /// <summary>Null: nothing was published yet, the first that was proposed still waits (see
    /// <see cref="InForce"/>).</summary>
    public PolicyParameters Parameters { get; init; } = null!;

    public PolicyProposal? Proposed { get; init; }

    /// <summary>Null where nothing was published yet.</summary>
    public PolicyYear? InForce() => Parameters is null ? null : this;

    /// <summary>What waits to be confirmed; nothing any more when its last day has passed.</summary>
    public PolicyProposal? Waiting(DateOnly today) => Proposed is { } p && today <= p.Until ? p : null;

    public IncentiveWeights IncentiveWeights() => Parameters.IncentiveWeights ?? Policies.IncentiveWeights.Default;

    public AgeLimits AgeLimits() => Parameters.AgeLimits ?? Policies.AgeLimits.Default;

    /// <summary>The rule of a body that may decide; null: it may not.</summary>
    public QuorumRule? Quorum(string form) => Parameters.Quorums.FirstOrDefault(q => q.Form == form);

    public Deadlines Deadlines() => Parameters.Deadlines ?? Policies.Deadlines.Default;

    public IReadOnlyList<PayoutMonths> PayoutMonths() => Parameters.PayoutMonths ?? Policies.PayoutMonths.Default;

    /// <summary>The cap of C11: collective subsidies and gifts to one person in one year may not exceed it.</summary>
    public Money HighestTierFen => Parameters?.HighestTierFen() ?? Money.Zero;

    /// <summary>Every tier that one may choose, ranges written out (L9).</summary>
    public IReadOnlyList<ContributionTier> Tiers() => [.. Parameters.Tiers.SelectMany(t => t.Each())];

    public static PolicyYear Evolve(PolicyYear? state, IEventOf<PolicyYear> e) =>
        e switch
        {
            PolicyYearPublished p => new PolicyYear
            {
                Region = p.Region,
                Year = p.Year,
                Parameters = p.Parameters,
            },
            PolicyYearAmended a => state! with { Parameters = a.Parameters, Proposed = null },
            PolicyYearChangeProposed c => (state ?? new PolicyYear { Region = c.Region, Year = c.Year }) with
            {
                Proposed = new PolicyProposal(c.Parameters, c.ProposedBy, c.OnBehalfOf, c.Until),
            },
            PolicyYearChangeDeclined => state! with { Proposed = null },
            _ => throw InvariantViolationException.Unknown(e),
        };
}

public static class PolicyYearDecider
{
    public const int MaxTiers = 50,
        MaxTiersWrittenOut = 500,
        MaxNoticeDays = 90,
        MaxBasicPensionFen = 10_000_00,
        MaxPayeeName = 60;

    /// <summary>C16: days of notice where no policy year says otherwise.</summary>
    public const int UsualNoticeDays = 7;

    /// <summary>Publishes a year or, when it is there, amends it; the same parameters again are no event.</summary>
    public static Decision<PolicyYear> Publish(PolicyYear? state, string region, int year, PolicyParameters parameters)
    {
        if ((Fault(year, parameters) ?? DaysOfYear.Fault(year, parameters)) is { } fault)
            return new Rejection(Rejections.FieldInvalid, fault.Message) { Field = fault.Field };
        if (TierFaults(parameters.Tiers) is { Count: > 0 } wrong)
            return new Rejection(Rejections.FieldInvalid, wrong[0].Message)
            {
                Field = wrong[0].Field,
                Faults = wrong.Count > 1 ? wrong : [],
            };
        if (state?.InForce() is null)
            return new IEventOf<PolicyYear>[] { new PolicyYearPublished(region, year, parameters) };
        return Same(state.Parameters, parameters)
            ? Array.Empty<IEventOf<PolicyYear>>()
            : [new PolicyYearAmended(parameters)];
    }

    public static bool Same(PolicyParameters a, PolicyParameters b) =>
        a
            == b with
            {
                Tiers = a.Tiers,
                Quorums = a.Quorums,
                PayoutMonths = a.PayoutMonths,
                InterestDays = a.InterestDays,
            }
        && a.Tiers.SequenceEqual(b.Tiers)
        && a.Quorums.SequenceEqual(b.Quorums)
        && (a.PayoutMonths ?? []).SequenceEqual(b.PayoutMonths ?? [])
        && (a.InterestDays ?? []).SequenceEqual(b.InterestDays ?? []);

    /// <summary>
    /// L9: a range ends on a step, no two rows cross, and nobody has to choose among more than a list can show.
    /// </summary>
    private static IReadOnlyList<Fault> TierFaults(IReadOnlyList<ContributionTier> tiers)
    {
        var faults = new List<Fault>();
        for (var i = 0; i < tiers.Count; i++)
            if ((OfRange(tiers[i]) ?? Crossing(tiers, i)) is { } wrong)
                faults.Add(new Fault(Rejections.FieldInvalid.Code, wrong.Message, $"tiers[{i}].{wrong.Field}"));
        var many = tiers.Sum(t => t.Count());
        return faults.Count > 0 || many <= MaxTiersWrittenOut
            ? faults
            :
            [
                new Fault(
                    Rejections.FieldInvalid.Code,
                    $"各档展开后共 {many} 档，最多 {MaxTiersWrittenOut} 档",
                    $"tiers[{tiers.Select((t, i) => (Many: t.Count(), i)).Max().i}].stepAmount"
                ),
            ];

        static (string Field, string Message)? OfRange(ContributionTier t) =>
            t.ToFen is null && t.StepFen is null ? null
            : t.ToFen is not { } to ? ("toAmount", "区间须写明最高一档")
            : t.StepFen is not { IsPositive: true } step ? ("stepAmount", "区间须写明每档相差多少，大于零")
            : to <= t.TierFen ? ("toAmount", "区间的最高一档应高于最低一档")
            : (to.Fen - t.TierFen.Fen) % step.Fen != 0
                ? ("stepAmount", $"从 {t.TierFen} 元起每 {step} 元一档，到不了 {to} 元")
            : null;

        static (string Field, string Message)? Crossing(IReadOnlyList<ContributionTier> tiers, int i)
        {
            for (var k = 0; k < i; k++)
                if (tiers[k].TierFen <= tiers[i].Highest() && tiers[i].TierFen <= tiers[k].Highest())
                    return ("tierAmount", $"与第 {k + 1} 行重复或交叉");
            return null;
        }
    }

    private static (string Field, string Message)? Fault(int year, PolicyParameters p) =>
        !SchemeYears.Has(year) ? ("year", SchemeYears.Fault)
        // What was approved in a year is paid in the next, by its rules.
        : p.EffectiveFrom.Year < year - 1 || p.EffectiveFrom.Year > year + 1
            ? ("effectiveFrom", $"生效日期应在 {year - 1} 至 {year + 1} 年")
        : p.Tiers is not { Count: > 0 and <= MaxTiers } ? ("tiers", $"缴费档次应有1至{MaxTiers}个")
        : p.NoticeDays is < 1 or > MaxNoticeDays ? ("noticeDays", $"公示天数应为1至{MaxNoticeDays}天")
        : p.ResolutionNoticeDays is < 0 or > MaxNoticeDays
            ? ("resolutionNoticeDays", $"决议公布天数应为0至{MaxNoticeDays}天")
        : p.AccountInterestBasisPoints is < 0 or > 2000
            ? ("accountInterestBasisPoints", "记账利率应为0至2000（万分之一）")
        : p.Quorums is not { Count: > 0 } ? ("quorums", "至少规定一种可以作决定的会议形式")
        : p.Quorums.Any(q =>
            string.IsNullOrWhiteSpace(q.Form) || !QuorumRule.IsFraction(q.Numerator, q.Denominator, q.Strictly)
        )
            ? ("quorums", "到会要求应为0到1之间、能够达到的分数，并写明会议形式")
        : p.Quorums.Any(q =>
            q.Vote is { } v && (v.Numerator < 1 || !QuorumRule.IsFraction(v.Numerator, v.Denominator, v.Strictly))
        )
            ? ("quorums", "赞成要求应为大于0、不超过1、能够达到的分数")
        : p.Quorums.Any(q =>
            q.Calling is { } c
            && (
                c.DaysBefore is < 0 or > MaxNoticeDays
                || !QuorumRule.IsFraction(c.WomenNumerator, c.WomenDenominator, strictly: false)
            )
        )
            ? ("quorums", $"会前公告应为0至{MaxNoticeDays}天，妇女代表到会要求为0到1之间的分数")
        : p.Deadlines is { } d
        && new[]
        {
            d.ReviewDays,
            d.PaymentDays,
            d.CreditDays,
            d.ObjectionDays,
            d.IdleDays,
            d.ForComplaint(),
            d.HoldDays,
        }.Any(x => x is < 1 or > 3650)
            ? ("deadlines", "期限应为1至3650天")
        : p.IncentiveWeights is { } w
        && (
            new[] { w.Coverage, w.Amount, w.Growth, w.Timeliness, w.Disputes }.Any(x => x is < 0 or > 100)
            || w.Coverage + w.Amount + w.Growth + w.Timeliness != 100
        )
            ? ("incentiveWeights", "各项分值应为0至100，覆盖、金额、增长、及时四项合计100")
        : p.AgeLimits is { } a && (a.Minimum is < 14 or > 30 || a.Pension is < 45 or > 75)
            ? ("ageLimits", "最低参保年龄应为14至30岁，领取待遇年龄45至75岁")
        : p.PayoutMonths is { } m
        && (
            m.All(x => x.Age > 60)
            || m.Any(x => x.Age is < 40 or > 100 || x.Months is < 1 or > 400)
            || m.Select(x => x.Age).Distinct().Count() != m.Count
        )
            ? ("payoutMonths", "计发月数应为1至400，年龄40至100且不重复，并含60岁或以下的一行")
        : p.BasicPensionFen is { } basic && (!basic.IsPositive || basic.Fen > MaxBasicPensionFen)
            ? ("basicPensionAmount", $"基础养老金每月应大于0、不超过{MaxBasicPensionFen / 100}元")
        : p.Payee is { } payee
        && (
            new[] { payee.Name, payee.Bank }.Any(t => string.IsNullOrWhiteSpace(t) || t.Length > MaxPayeeName)
            || payee.Number is not { Length: >= 6 and <= 40 }
            || payee.Number.Any(c => !char.IsAsciiDigit(c) && c != '-')
        )
            ? ("payee", $"收款账户应写明户名、开户行（各不超过{MaxPayeeName}字）和6至40位数字的账号")
        : p.Quorums.Select(q => q.Form).Distinct().Count() != p.Quorums.Count ? ("quorums", "同一会议形式只能规定一次")
        : null;
}
