using System.Collections.Immutable;
using Ledger.Domain.Collectives;

namespace Ledger.Domain.Members;

/// <summary>
/// Regular (正常缴费), one-time catch-up (一次性补缴, C5), or paid by the government for the poorest and the severely disabled
/// (政府代缴, L14).
/// </summary>
public enum ContributionKind
{
    Regular,
    CatchUp,
    GovernmentPaid,
}

/// <summary>
/// A payment of the year, as the tax office reports it. <paramref name="AmountFen"/> is what the person paid, or the
/// government for him (<see cref="ContributionKind.GovernmentPaid"/>),
/// <paramref name="ContributionYears"/> the years paid so far (累计缴费年限), where the file says it.
/// </summary>
public sealed record ContributionRecorded(
    ContributionKind Kind,
    Money TierFen,
    Money AmountFen,
    DateOnly PaidOn,
    string Reference,
    int? ContributionYears = null
) : IEventOf<MemberYear>, IMoneyEvent;

/// <summary>Somebody says that a contribution record is a mistake and names the person who is to confirm it.</summary>
public sealed record ContributionReversalRequested(
    string Reference,
    string RequestedBy,
    string ConfirmBy,
    string Reason,
    string? OnBehalfOf = null
) : IEventOf<MemberYear>;

/// <summary>A mistaken contribution record was taken out again, confirmed by the second person.</summary>
public sealed record ContributionReversed(string Reference, Money AmountFen, string ConfirmedBy)
    : IEventOf<MemberYear>,
        IMoneyEvent;

/// <summary>
/// <paramref name="Fen"/> is the line's interval on the outflow axis of the fund's sub-account: its provenance.
/// <paramref name="OnGovernmentPaid"/>: the person paid nothing himself; the policy year let the government's payment
/// open the subsidy (L14).
/// </summary>
public sealed record SubsidyApproved(
    string ApplicationId,
    string CollectiveId,
    string FundId,
    string SubAccount,
    Money AmountFen,
    FenInterval Fen,
    bool OnGovernmentPaid = false
) : IEventOf<MemberYear>, IMoneyEvent;

public sealed record SubsidyReleased(string ApplicationId, Money AmountFen, string Reason)
    : IEventOf<MemberYear>,
        IMoneyEvent;

/// <param name="OnGovernmentPaid">As at approval, looked at again.</param>
public sealed record SubsidyPaid(string ApplicationId, Money AmountFen, bool OnGovernmentPaid = false)
    : IEventOf<MemberYear>,
        IMoneyEvent;

public sealed record SubsidyCredited(string ApplicationId, Money AmountFen, DateOnly CreditedOn, string ReceiptNumber)
    : IEventOf<MemberYear>,
        IMoneyEvent;

/// <summary>The bank sent the payment back: approved and unpaid again.</summary>
public sealed record SubsidyReturned(string ApplicationId, Money AmountFen) : IEventOf<MemberYear>, IMoneyEvent;

/// <summary>The agency sent it back to the fund: the cap is free again.</summary>
public sealed record SubsidyRefunded(string ApplicationId, Money AmountFen, Applications.RefundReason Reason)
    : IEventOf<MemberYear>,
        IMoneyEvent;

/// <summary>
/// Why the agency paid to the person what was in the account: the year overlaps with employees' insurance (参加职工保险), the
/// person moved abroad, or another ending that the law knows (L2).
/// </summary>
public enum ClearanceReason
{
    EmployeesScheme,
    MovedAbroad,
    OtherLawful,
}

/// <summary>
/// The agency cleared the year: own payment and subsidy went to the person (L2). The fund gets nothing, and the cap
/// stays used.
/// </summary>
public sealed record SubsidyCleared(
    string ApplicationId,
    Money AmountFen,
    ClearanceReason Reason,
    DateOnly ClearedOn,
    string ClearedBy,
    IReadOnlyList<string> Evidence
) : IEventOf<MemberYear>, IMoneyEvent, IEvidenced;

public enum SubsidyStatus
{
    Approved,
    Paid,
    Credited,
    Released,
    Refunded,
    Cleared,
}

/// <summary>A donor paid for one person directly (C8, C11): outside the fund, yet within the cap.</summary>
public sealed record SponsorshipRecorded(
    string SponsorshipId,
    string DonorId,
    Money AmountFen,
    IReadOnlyList<string> Evidence
) : IEventOf<MemberYear>, IMoneyEvent, IEvidenced;

/// <summary>The donor got a direct sponsorship back, or it was entered by mistake: the cap is free again.</summary>
public sealed record SponsorshipReversed(
    string SponsorshipId,
    Money AmountFen,
    string Reason,
    IReadOnlyList<string> Evidence
) : IEventOf<MemberYear>, IMoneyEvent, IEvidenced;

public sealed record Contribution(
    ContributionKind Kind,
    Money TierFen,
    Money AmountFen,
    DateOnly PaidOn,
    string Reference,
    int? ContributionYears = null,
    string? RequestedBy = null,
    string? ConfirmBy = null,
    string? RequestedFor = null
);

public sealed record Sponsorship(string SponsorshipId, string DonorId, Money AmountFen);

public sealed record Subsidy(
    string ApplicationId,
    string CollectiveId,
    string FundId,
    Money AmountFen,
    FenInterval Fen,
    SubsidyStatus Status,
    bool OnGovernmentPaid = false
)
{
    /// <summary>It counts towards the cap unless its money went back.</summary>
    public bool Counts() => Status is not (SubsidyStatus.Released or SubsidyStatus.Refunded);
}

/// <summary>
/// Member-year (成员年度): one person in one contribution year. The boundary of the cap (C11), over all collectives and
/// donors.
/// </summary>
public sealed record MemberYear : Aggregate, IEvolve<MemberYear>
{
    public ImmutableArray<Contribution> Contributions { get; init; } = [];
    public ImmutableArray<ContributionChange> Changes { get; init; } = [];
    public ImmutableArray<Subsidy> Subsidies { get; init; } = [];
    public ImmutableArray<Sponsorship> Sponsorships { get; init; } = [];

    /// <summary>The person's own regular contribution; none where all of it was given back.</summary>
    public Contribution? Regular() => Standing(ContributionKind.Regular);

    /// <summary>
    /// The contribution that opens the subsidy and says the tier: the person's own, or where the policy year lets it
    /// (L14) the government's; null: none.
    /// </summary>
    public Contribution? Opening(bool governmentPaidOpens) =>
        Regular() ?? (governmentPaidOpens ? Standing(ContributionKind.GovernmentPaid) : null);

    /// <summary>The payment, adjustment or refund of a tax reference, if it stands here.</summary>
    public (DateOnly On, Money Fen)? OfReference(string reference) =>
        Contributions.FirstOrDefault(c => DocumentNumber.IsSame(c.Reference, reference)) is { } paid
            ? (paid.PaidOn, paid.AmountFen)
        : Changes.FirstOrDefault(c => DocumentNumber.IsSame(c.Reference, reference)) is { } change
            ? (change.On, change.AmountFen)
        : null;

    public bool IsCatchUp() => Standing(ContributionKind.CatchUp) is not null;

    public bool IsGovernmentPaid() => Standing(ContributionKind.GovernmentPaid) is not null;

    private Contribution? Standing(ContributionKind kind) =>
        Contributions.FirstOrDefault(c => c.Kind == kind && c.AmountFen.IsPositive);

    /// <summary>What of the cap is used: by every collective and every donor.</summary>
    public Money CapUsed() =>
        Money.Sum(Subsidies.Where(s => s.Counts()).Select(s => s.AmountFen))
        + Money.Sum(Sponsorships.Select(s => s.AmountFen));

    public static MemberYear Evolve(MemberYear? state, IEventOf<MemberYear> e)
    {
        var was = state ?? new MemberYear();
        return e switch
        {
            ContributionRecorded c => was with
            {
                Contributions = was.Contributions.Add(
                    new Contribution(c.Kind, c.TierFen, c.AmountFen, c.PaidOn, c.Reference, c.ContributionYears)
                ),
            },
            ContributionReversalRequested r => was with
            {
                Contributions =
                [
                    .. was.Contributions.Select(c =>
                        c.Reference == r.Reference
                            ? c with
                            {
                                RequestedBy = r.RequestedBy,
                                ConfirmBy = r.ConfirmBy,
                                RequestedFor = r.OnBehalfOf,
                            }
                            : c
                    ),
                ],
            },
            ContributionReversed r => was with
            {
                Contributions = was.Contributions.RemoveAll(c => c.Reference == r.Reference),
                Changes = was.Changes.RemoveAll(c => c.Of == r.Reference),
            },
            ContributionAdjusted a => was.Changed(
                a.Of,
                c =>
                    c with
                    {
                        TierFen = a.TierFen,
                        AmountFen = a.AmountFen,
                        ContributionYears = a.ContributionYears ?? c.ContributionYears,
                    },
                a.Reference,
                a.AdjustedOn,
                isRefund: false
            ),
            ContributionRefunded r => was.Changed(
                r.Of,
                c => c with { AmountFen = c.AmountFen - r.AmountFen },
                r.Reference,
                r.RefundedOn,
                isRefund: true
            ),
            SubsidyApproved a => was with
            {
                Subsidies = was.Subsidies.Add(
                    new Subsidy(
                        a.ApplicationId,
                        a.CollectiveId,
                        a.FundId,
                        a.AmountFen,
                        a.Fen,
                        SubsidyStatus.Approved,
                        a.OnGovernmentPaid
                    )
                ),
            },
            SubsidyReleased r => was.Move(r.ApplicationId, SubsidyStatus.Released),
            SubsidyPaid p => was.Move(p.ApplicationId, SubsidyStatus.Paid, p.OnGovernmentPaid),
            SubsidyCredited c => was.Move(c.ApplicationId, SubsidyStatus.Credited),
            SubsidyReturned r => was.Move(r.ApplicationId, SubsidyStatus.Approved),
            SponsorshipRecorded p => was with
            {
                Sponsorships = was.Sponsorships.Add(new Sponsorship(p.SponsorshipId, p.DonorId, p.AmountFen)),
            },
            SponsorshipReversed r => was with
            {
                Sponsorships = was.Sponsorships.RemoveAll(x => x.SponsorshipId == r.SponsorshipId),
            },
            SubsidyRefunded r => was.Move(r.ApplicationId, SubsidyStatus.Refunded),
            SubsidyCleared c => was.Move(c.ApplicationId, SubsidyStatus.Cleared),
            _ => throw InvariantViolationException.Unknown(e),
        };
    }

    /// <summary>Whoever was to confirm that it is a mistake saw another record: that is asked anew.</summary>
    private MemberYear Changed(
        string of,
        Func<Contribution, Contribution> change,
        string reference,
        DateOnly on,
        bool isRefund
    )
    {
        var known = Contributions.FirstOrDefault(c => c.Reference == of);
        InvariantViolationException.Require(known is not null, $"{Id}: {of} is no contribution of this year");
        var after = change(known!) with { RequestedBy = null, ConfirmBy = null, RequestedFor = null };
        return this with
        {
            Contributions = [.. Contributions.Select(c => c.Reference == of ? after : c)],
            Changes = Changes.Add(new ContributionChange(of, reference, on, isRefund, after.TierFen, after.AmountFen)),
        };
    }

    private MemberYear Move(string applicationId, SubsidyStatus to, bool? onGovernmentPaid = null)
    {
        InvariantViolationException.Require(
            Subsidies.Any(s => s.ApplicationId == applicationId),
            $"{Id}: {applicationId} gave nothing in this year"
        );
        return this with
        {
            Subsidies =
            [
                .. Subsidies.Select(s =>
                    s.ApplicationId == applicationId
                        ? s with
                        {
                            Status = to,
                            OnGovernmentPaid = onGovernmentPaid ?? s.OnGovernmentPaid,
                        }
                        : s
                ),
            ],
        };
    }
}

/// <summary>The rules about one person in one year: C4, C5, C6, C11.</summary>
public static class MemberYearDecider
{
    /// <summary>The same reference is the same payment: recorded once, however often the file is uploaded.</summary>
    public static Decision<MemberYear> RecordContribution(MemberYear? state, Contribution c) =>
        state is not null && state.Contributions.Any(known => DocumentNumber.IsSame(known.Reference, c.Reference))
            ? Array.Empty<IEventOf<MemberYear>>()
            : new IEventOf<MemberYear>[]
            {
                new ContributionRecorded(c.Kind, c.TierFen, c.AmountFen, c.PaidOn, c.Reference, c.ContributionYears),
            };

    /// <summary>A year is paid for in the year before at the earliest; null when it was not earlier.</summary>
    public static string? PaidTooEarly(int year, DateOnly paidOn) =>
        paidOn.Year < year - 1 ? $"{year} 年度的缴费不会早于 {year - 1} 年，请核对日期" : null;

    /// <summary>A mistaken record: one person asks, and names another who is to confirm (four eyes).</summary>
    public static Decision<MemberYear> RequestReversal(
        MemberYear state,
        string reference,
        string confirmBy,
        string reason,
        Actor by
    ) =>
        state.Contributions.FirstOrDefault(c => DocumentNumber.IsSame(c.Reference, reference)) is not { } known
            ? new Rejection(Rejections.NotFound, $"没有凭证号为 {reference} 的缴费记录")
        : FourEyes.Ask("更正", confirmBy, by) is { } alone ? alone
        : (known.RequestedBy, known.RequestedFor, known.ConfirmBy) == (by.Id, by.OnBehalfOf, confirmBy)
            ? Array.Empty<IEventOf<MemberYear>>()
        : new IEventOf<MemberYear>[]
        {
            new ContributionReversalRequested(known.Reference, by.Id, confirmBy, reason, by.OnBehalfOf),
        };

    public static Decision<MemberYear> ConfirmReversal(MemberYear state, string reference, Actor by) =>
        state.Contributions.FirstOrDefault(c => DocumentNumber.IsSame(c.Reference, reference)) is not { } known
            ? new Rejection(Rejections.NotFound, $"没有凭证号为 {reference} 的缴费记录")
        : FourEyes.Confirm("更正", "这笔缴费记录", [known.RequestedBy, known.RequestedFor], known.ConfirmBy, by)
            is { } alone
            ? alone
        : new IEventOf<MemberYear>[] { new ContributionReversed(known.Reference, known.AmountFen, by.Id) };

    /// <summary>
    /// Why the person may get no subsidy for the year (null: may). C4 membership; C5 catch-up payers get none, also
    /// when there is a regular payment beside it; C4 and C6 the own payment comes first.
    /// </summary>
    /// <param name="lineage">Of the collective that applies: one person gets one subsidy of one origin a year.</param>
    /// <param name="application">The application that is looked at: what it gave the person itself is no second
    /// subsidy.</param>
    /// <param name="governmentPaidOpens">The switch of the subsidy's policy year as it stands at this step
    /// (L14).</param>
    public static (RejectionCode Code, string Message)? Ineligible(
        Member? member,
        MemberYear? state,
        Lineage lineage,
        string? application = null,
        bool governmentPaidOpens = false
    )
    {
        if (member is null || !lineage.Members.Any(member.Memberships.ContainsKey))
            return (Rejections.NotAMember, "不是本集体成员");
        if (member.DiedOn is not null)
            return (Rejections.MemberDeceased, "该成员已登记死亡");
        if (member.DeathReports.Any(r => lineage.Members.Contains(r.CollectiveId)))
            return (Rejections.MemberDeceased, "本集体已报告该成员死亡，等待确认");
        if (state?.IsCatchUp() == true)
            return (Rejections.CatchUpContribution, "本年度为一次性补缴");
        if (Unpaid(state, governmentPaidOpens) is { } unpaid)
            return unpaid;
        if (
            state!.Subsidies.Any(s =>
                s.ApplicationId != application && lineage.Origin.Contains(s.CollectiveId) && s.Counts()
            )
        )
            return (Rejections.AlreadySubsidised, "本年度已获本集体（含合并、分立前后的集体）补助");
        return null;
    }

    /// <summary>C6 and L14: why no contribution opens the subsidy; null: one does.</summary>
    private static (RejectionCode Code, string Message)? Unpaid(MemberYear? state, bool governmentPaidOpens) =>
        state?.Opening(governmentPaidOpens) is not null ? null
        : state?.IsGovernmentPaid() == true
            ? (
                Rejections.GovernmentPaidOnly,
                "只有政府代缴，没有个人缴费；本年度政策参数“政府代缴可享受补助”为否（†，由县级确认）"
            )
        : state?.Contributions.Any(c => c.Kind == ContributionKind.Regular) == true
            ? (Rejections.NotContributed, "本年度个人缴费已全部退费")
        : (Rejections.NotContributed, "没有本年度个人缴费记录，或成员身份待确认");

    /// <summary>C11 at approval: all subsidies of the year together stay within the highest tier.</summary>
    public static Decision<MemberYear> Approve(
        MemberYear state,
        Member member,
        Lineage lineage,
        SubsidyApproved subsidy,
        Money cap,
        bool governmentPaidOpens = false
    )
    {
        if (Ineligible(member, state, lineage, governmentPaidOpens: governmentPaidOpens) is { } why)
            return new Rejection(why.Code, why.Message);
        return OverCap(state.CapUsed(), subsidy.AmountFen, cap) is { } over
            ? over
            : new IEventOf<MemberYear>[] { subsidy with { OnGovernmentPaid = state.Regular() is null } };
    }

    /// <summary>C8 and C11: a donor's direct payment for one person counts towards the same cap.</summary>
    public static Decision<MemberYear> Sponsor(
        MemberYear? state,
        Member member,
        SponsorshipRecorded sponsorship,
        Money cap,
        bool governmentPaidOpens = false
    )
    {
        if (sponsorship.Evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "直接资助须附凭证") { Field = "evidence" };
        if (member.DiedOn is not null)
            return new Rejection(Rejections.MemberDeceased, "该成员已登记死亡");
        if (Unpaid(state, governmentPaidOpens) is { } unpaid)
            return new Rejection(unpaid.Code, unpaid.Message);
        return OverCap(state!.CapUsed(), sponsorship.AmountFen, cap) is { } over
            ? over
            : new IEventOf<MemberYear>[] { sponsorship };
    }

    public static Decision<MemberYear> ReverseSponsorship(
        MemberYear state,
        string sponsorshipId,
        string reason,
        IReadOnlyList<string> evidence
    )
    {
        if (state.Sponsorships.FirstOrDefault(s => s.SponsorshipId == sponsorshipId) is not { } known)
            return new Rejection(Rejections.NotFound, $"没有找到 {sponsorshipId}");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "须附凭证") { Field = "evidence" };
        return new IEventOf<MemberYear>[] { new SponsorshipReversed(sponsorshipId, known.AmountFen, reason, evidence) };
    }

    /// <summary>L2: what was credited, and nothing else, may end with the person.</summary>
    /// <param name="creditedOn">Where the clearance is dated back: when it was credited.</param>
    public static Decision<MemberYear> Clear(
        MemberYear state,
        string applicationId,
        ClearanceReason reason,
        DateOnly on,
        DateOnly? creditedOn,
        IReadOnlyList<string> evidence,
        Actor by
    )
    {
        if (state.Subsidies.LastOrDefault(s => s.ApplicationId == applicationId) is not { } subsidy)
            return new Rejection(Rejections.NotFound, $"没有找到 {applicationId}");
        if (subsidy.Status != SubsidyStatus.Credited)
            return new Rejection(Rejections.WrongState, "只有已记入个人账户的补助由经办机构清退给本人；在途的退回集体");
        if (on < creditedOn)
            return new Rejection(Rejections.DateBeforeBasis, $"该补助于 {creditedOn:yyyy-MM-dd} 入账，清退不早于此日")
            {
                Field = "on",
                NotBefore = creditedOn,
            };
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "清退须附经办机构的清退凭证") { Field = "evidence" };
        return new IEventOf<MemberYear>[]
        {
            new SubsidyCleared(applicationId, subsidy.AmountFen, reason, on, by.Id, evidence),
        };
    }

    /// <summary>
    /// C11: why <paramref name="amount"/> may not come to what is <paramref name="used"/> already; null: it may.
    /// </summary>
    public static Rejection? OverCap(Money used, Money amount, Money cap)
    {
        var left = cap - used;
        return amount > left
            ? new Rejection(Rejections.CapExceeded, $"补助 {amount} 元，本年度剩余额度 {left} 元（上限 {cap} 元）")
            {
                LeftAmount = left,
            }
            : null;
    }
}
