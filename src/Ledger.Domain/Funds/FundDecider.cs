namespace Ledger.Domain.Funds;

/// <summary>The rules of the ring-fence: C7, C8, C9.</summary>
public static class FundDecider
{
    public static Decision<Fund> Open(Fund? state, string collectiveId, string name, string villageCode) =>
        state is not null
            ? new Rejection(Rejections.AlreadyExists, $"{state.Name} 已设立")
            : new IEventOf<Fund>[] { new FundOpened(collectiveId, name, villageCode) };

    /// <summary>C7: money comes in with a slip. C8: a gift may be earmarked for one year; collective income may not.</summary>
    public static Decision<Fund> Allocate(Fund state, string allocationId, SourceKind source, string sourceName, Money amount, int? earmarkYear,
        IReadOnlyList<string> evidence)
    {
        if (!amount.IsPositive || amount.Fen > Money.MaxEntryFen) return new Rejection(Rejections.AmountInvalid, "划入金额必须大于零") { Field = "amount" };
        if (evidence.Count == 0) return new Rejection(Rejections.EvidenceMissing, "划入资金须附银行回单等凭证") { Field = "evidence" };
        if (earmarkYear is not null && source == SourceKind.CollectiveIncome)
            return new Rejection(Rejections.EarmarkMismatch, "集体收入不能指定用途，只有捐赠可以指定年度") { Field = "earmarkYear" };
        var pocket = SubAccount.ForYear(earmarkYear);
        var fen = FenInterval.StartingAt(state.Pocket(pocket).InFen, amount);
        return new IEventOf<Fund>[] { new FundsAllocated(allocationId, source, sourceName, pocket, amount, fen, evidence) };
    }

    /// <summary>C9: an approved application takes the next fen of its pocket; C8: an earmarked pocket serves its own year only.</summary>
    public static Decision<Fund> Reserve(Fund state, string applicationId, int year, string pocket, Money amount, int lines)
    {
        if (EarmarkRefusal(pocket, year) is { } mismatch) return mismatch;
        var account = state.Pocket(pocket);
        if (account.Available < amount)
            return new Rejection(Rejections.FundOverdrawn, $"需要 {amount} 元，可用 {account.Available} 元") { LeftAmount = account.Available };
        return new IEventOf<Fund>[]
        {
            new FundsReserved(applicationId, pocket, amount, lines, FenInterval.StartingAt(account.OutFen, amount)),
        };
    }

    public static Rejection? EarmarkRefusal(string pocket, int year) =>
        pocket == SubAccount.General || pocket == SubAccount.ForYear(year)
            ? null
            : new Rejection(Rejections.EarmarkMismatch, $"该资金指定用于 {pocket["year-".Length..]} 年度，申请属于 {year} 年度") { Field = "earmarkYear" };

    /// <summary>A line that was reserved comes back before payment; it re-enters at the end of the axis, with its origin.</summary>
    public static Decision<Fund> Release(Fund state, string applicationId, FenInterval origin, string reason)
    {
        var pocket = state.Commitments[applicationId].SubAccount;
        var fen = FenInterval.StartingAt(state.Pocket(pocket).InFen, origin.Length);
        return new IEventOf<Fund>[] { new ReservationReleased(applicationId, pocket, origin.Length, origin, fen, reason) };
    }

    /// <summary>The only use there is.</summary>
    public const string MemberSubsidy = "member-subsidy";

    /// <summary>C9: money leaves only as approved member subsidy, in the amount that was approved. C17: with the bank's slip.</summary>
    public static Decision<Fund> Pay(Fund state, string applicationId, string purpose, Money amount, int lines, string bankReference,
        IReadOnlyList<string> evidence)
    {
        var reserved = state.Commitments.GetValueOrDefault(applicationId)?.ReservedFen ?? Money.Zero;
        if (purpose != MemberSubsidy)
            return new Rejection(Rejections.UseOutsideRingFence, $"用途“{purpose}”不是成员补助") { Field = "purpose" };
        if (amount != reserved)
            return new Rejection(Rejections.UseOutsideRingFence, $"已批准待付 {reserved} 元，付款金额 {amount} 元与之不等") { Field = "amount", LeftAmount = reserved };
        if (evidence.Count == 0) return new Rejection(Rejections.EvidenceMissing, "付款须附银行回单") { Field = "evidence" };
        return new IEventOf<Fund>[] { new FundsPaid(applicationId, amount, lines, bankReference, evidence) };
    }

    public static Decision<Fund> Credit(Fund state, string applicationId, Money amount, int lines)
    {
        InvariantViolationException.Require(state.Commitments[applicationId].InTransitFen >= amount, $"{state.Id}: more credited than sent for {applicationId}");
        return new IEventOf<Fund>[] { new FundsCredited(applicationId, amount, lines) };
    }
}
