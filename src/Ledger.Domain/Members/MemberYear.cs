using System.Collections.Immutable;

namespace Ledger.Domain.Members;

/// <summary>Regular (正常缴费) or one-time catch-up (一次性补缴, C5).</summary>
public enum ContributionKind { Regular, CatchUp }

/// <summary>The person's own payment of the year, as the tax office reports it. <paramref name="AmountFen"/> is what the person paid.</summary>
public sealed record ContributionRecorded(ContributionKind Kind, Money TierFen, Money AmountFen, DateOnly PaidOn, string Reference)
    : IEventOf<MemberYear>, IMoneyEvent;

/// <summary><paramref name="Fen"/> is the line's interval on the outflow axis of the fund's sub-account: its provenance.</summary>
public sealed record SubsidyApproved(string ApplicationId, string CollectiveId, string FundId, string SubAccount, Money AmountFen, FenInterval Fen)
    : IEventOf<MemberYear>, IMoneyEvent;

public sealed record SubsidyReleased(string ApplicationId, Money AmountFen, string Reason) : IEventOf<MemberYear>, IMoneyEvent;
public sealed record SubsidyPaid(string ApplicationId, Money AmountFen) : IEventOf<MemberYear>, IMoneyEvent;
public sealed record SubsidyCredited(string ApplicationId, Money AmountFen, DateOnly CreditedOn, string ReceiptNumber) : IEventOf<MemberYear>, IMoneyEvent;

public enum SubsidyStatus { Approved, Paid, Credited, Released }

public sealed record Contribution(ContributionKind Kind, Money TierFen, Money AmountFen, DateOnly PaidOn, string Reference);
public sealed record Subsidy(string ApplicationId, string CollectiveId, string FundId, Money AmountFen, FenInterval Fen, SubsidyStatus Status);

/// <summary>
/// Member-year (成员年度): one person in one contribution year. The boundary of the cap (C11), over all collectives and donors.
/// </summary>
public sealed record MemberYear : Aggregate, IEvolve<MemberYear>
{
    public ImmutableArray<Contribution> Contributions { get; init; } = [];
    public ImmutableArray<Subsidy> Subsidies { get; init; } = [];

    /// <summary>The regular contribution that counts for the subsidy, if there is one.</summary>
    public Contribution? Regular() => Contributions.FirstOrDefault(c => c.Kind == ContributionKind.Regular);

    /// <summary>What of the cap is used.</summary>
    public Money CapUsed() => Money.Sum(Subsidies.Where(s => s.Status != SubsidyStatus.Released).Select(s => s.AmountFen));

    public static MemberYear Evolve(MemberYear? state, IEventOf<MemberYear> e)
    {
        var was = state ?? new MemberYear();
        return e switch
        {
            ContributionRecorded c => was with { Contributions = was.Contributions.Add(new Contribution(c.Kind, c.TierFen, c.AmountFen, c.PaidOn, c.Reference)) },
            SubsidyApproved a => was with
            {
                Subsidies = was.Subsidies.Add(new Subsidy(a.ApplicationId, a.CollectiveId, a.FundId, a.AmountFen, a.Fen, SubsidyStatus.Approved)),
            },
            SubsidyReleased r => was.Move(r.ApplicationId, SubsidyStatus.Released),
            SubsidyPaid p => was.Move(p.ApplicationId, SubsidyStatus.Paid),
            SubsidyCredited c => was.Move(c.ApplicationId, SubsidyStatus.Credited),
            _ => was,
        };
    }

    private MemberYear Move(string applicationId, SubsidyStatus to) =>
        this with { Subsidies = [.. Subsidies.Select(s => s.ApplicationId == applicationId ? s with { Status = to } : s)] };
}

/// <summary>The rules about one person in one year: C4, C5, C6, C11.</summary>
public static class MemberYearDecider
{
    /// <summary>The same reference is the same payment: recorded once, however often the file is uploaded.</summary>
    public static Decision<MemberYear> RecordContribution(MemberYear? state, Contribution c) =>
        state is not null && state.Contributions.Any(known => known.Reference == c.Reference)
            ? Array.Empty<IEventOf<MemberYear>>()
            : new IEventOf<MemberYear>[] { new ContributionRecorded(c.Kind, c.TierFen, c.AmountFen, c.PaidOn, c.Reference) };

    /// <summary>
    /// Why the person may get no subsidy for the year (null: may). C4 membership; C5 catch-up payers get none, also when there is a
    /// regular payment beside it; C4 and C6 the own payment comes first.
    /// </summary>
    public static (RejectionCode Code, string Message)? Ineligible(Member? member, MemberYear? state, string collectiveId)
    {
        if (member is null || !member.Memberships.ContainsKey(collectiveId)) return (Rejections.NotAMember, "不是本集体成员");
        if (state is not null && state.Contributions.Any(c => c.Kind == ContributionKind.CatchUp)) return (Rejections.CatchUpContribution, "本年度为一次性补缴");
        if (state?.Regular() is not { AmountFen.IsPositive: true }) return (Rejections.NotContributed, "没有本年度个人缴费记录");
        if (state.Subsidies.Any(s => s.CollectiveId == collectiveId && s.Status != SubsidyStatus.Released))
            return (Rejections.AlreadySubsidised, "本年度已获本集体补助");
        return null;
    }

    /// <summary>C11 at approval: all subsidies of the year together stay within the highest tier.</summary>
    public static Decision<MemberYear> Approve(MemberYear state, Member member, SubsidyApproved subsidy, Money cap)
    {
        if (Ineligible(member, state, subsidy.CollectiveId) is { } why) return new Rejection(why.Code, why.Message);
        var left = cap - state.CapUsed();
        if (subsidy.AmountFen > left)
            return new Rejection(Rejections.CapExceeded, $"补助 {subsidy.AmountFen} 元，本年度剩余额度 {left} 元（上限 {cap} 元）") { LeftAmount = left };
        return new IEventOf<MemberYear>[] { subsidy };
    }

}
