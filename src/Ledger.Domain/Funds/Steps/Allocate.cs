using Ledger.Domain.Donors;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Funds.Steps;

/// <summary>Money comes in (划入, C7, C8, C19).</summary>
public static class Allocate
{
    /// <summary>Changed: the fund. The donor stays as it is until the commit.</summary>
    /// <param name="Donor">Whom the order names.</param>
    /// <param name="Earlier">Entries of the fund that share a slip.</param>
    public sealed record Basis(Fund Fund, Donor? Donor, IReadOnlyList<EarlierEntry> Earlier);

    /// <param name="CorrectsYear">The closed year that this is a correction of.</param>
    /// <param name="ConfirmDuplicate">Why it is not the entry that a question named.</param>
    public sealed record Order(
        string AllocationId,
        SourceKind Source,
        string SourceName,
        Money AmountFen,
        Earmark? Earmark,
        IReadOnlyList<string> Evidence,
        DateOnly BusinessDate,
        int? CorrectsYear = null,
        string? ConfirmDuplicate = null
    );

    public static Decision<Fund> Decide(Basis on, Order order, Actor by)
    {
        if (SourceRefusal(order.Source, by.Role) is { } foreign)
            return foreign;
        if (on.Donor is { } donor && !DonorDecider.Gives(donor, order.Source))
            return new Rejection(Rejections.FieldInvalid, "资金来源与捐赠人类别不符") { Field = "source" };
        var decision = Into(
            on.Fund,
            order.AllocationId,
            order.Source,
            order.SourceName,
            order.AmountFen,
            on.Donor?.Id,
            order.Earmark,
            order.Evidence,
            order.BusinessDate,
            order.CorrectsYear
        );
        var earlier = SameMoney.Among(on.Earlier, on.Fund, Booking.Allocation, [], []);
        return decision.Rejection is null && SameMoney.Refusal(earlier, order.ConfirmDuplicate) is { } asked
            ? asked
            : decision with
            {
                Confirmed = SameMoney.Confirmed(earlier, order.ConfirmDuplicate),
            };
    }

    /// <summary>
    /// C7: money comes in with a slip. C8: a gift names its donor and may be earmarked; collective income may not. C19:
    /// incentives.
    /// </summary>
    public static Decision<Fund> Into(
        Fund state,
        string allocationId,
        SourceKind source,
        string sourceName,
        Money amount,
        string? donorId,
        Earmark? earmark,
        IReadOnlyList<string> evidence,
        DateOnly effectiveDate,
        int? correctsYear = null
    )
    {
        if (FundDecider.Unusable(state, effectiveDate) is { } unusable)
            return unusable;
        if (correctsYear is { } year && (year > state.ClosedThrough || year < SchemeYears.First))
            return new Rejection(Rejections.FieldInvalid, $"{year} 年度没有结账，可直接按业务日期记入")
            {
                Field = "correctsYear",
            };
        if (!amount.IsPositive || amount.Fen > Money.MaxEntryFen)
            return new Rejection(Rejections.AmountInvalid, "划入金额必须大于零") { Field = "amount" };
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "划入资金须附银行回单等凭证") { Field = "evidence" };
        var isGift = source is SourceKind.OtherOrganisation or SourceKind.Charity or SourceKind.Individual;
        if (isGift && donorId is null)
            return new Rejection(Rejections.DonorMissing, "捐赠须写明捐赠人") { Field = "donorId" };
        if (!isGift && donorId is not null)
            return new Rejection(Rejections.FieldInvalid, "只有捐赠写捐赠人") { Field = "donorId" };
        if (earmark is not null && !isGift)
            return new Rejection(Rejections.EarmarkMismatch, "集体收入不能指定用途，只有捐赠可以指定")
            {
                Field = "earmarkYear",
            };
        if (earmark?.Fault() is { } fault)
            return fault;
        var pocket =
            source == SourceKind.CountyIncentive ? SubAccount.Incentive : earmark?.SubAccount ?? SubAccount.General;
        return new IEventOf<Fund>[]
        {
            new FundsAllocated(
                allocationId,
                source,
                sourceName,
                pocket,
                amount,
                state.Pocket(pocket).Next(amount),
                evidence,
                donorId,
                earmark,
                correctsYear
            ),
        };
    }

    /// <summary>
    /// C19: the county's finance department records its incentives and nothing else, and nobody else records them.
    /// </summary>
    private static Rejection? SourceRefusal(SourceKind source, string role) =>
        role == Roles.CountyFinance == (source == SourceKind.CountyIncentive)
            ? null
            : new Rejection(Rejections.FieldInvalid, "县级财政只登记奖补资金，奖补资金只由县级财政登记")
            {
                Field = "source",
            };
}
