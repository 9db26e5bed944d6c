namespace Ledger.Domain.Funds.Steps;

/// <summary>
/// A fee that the bank takes out of the fund's account (银行手续费, L17): no use of the money, so the village makes it good
/// from its general account, and until then its township sees it.
/// </summary>
public static class BankFee
{
    /// <param name="Earlier">Entries of the fund that share a slip or the reference.</param>
    /// <param name="Most">What a fund's fees that are not made good may come to (†).</param>
    public sealed record Basis(Fund Fund, IReadOnlyList<EarlierEntry> Earlier, Money Most);

    /// <param name="ConfirmDuplicate">Why it is not the entry that a question named.</param>
    public sealed record Order(
        string FeeId,
        Money? AmountFen,
        string BankReference,
        IReadOnlyList<string> Evidence,
        DateOnly BusinessDate,
        string? ConfirmDuplicate = null
    );

    public static Decision<Fund> Charge(Basis on, Order order)
    {
        if (Refusal(on, order, Booking.BankFee) is { } refusal)
            return refusal;
        if (order.AmountFen is not { IsPositive: true } amount || amount.Fen > Money.MaxEntryFen)
            return new Rejection(Rejections.AmountInvalid, "手续费金额必须大于零") { Field = "amount" };
        // One fee after another is no way around: the village makes the earlier ones good first.
        if (on.Fund.OwedFen + amount > on.Most)
            return new Rejection(
                Rejections.BankFeeExceeded,
                on.Fund.OwedFen.IsPositive
                    ? $"未补足的手续费已有 {on.Fund.OwedFen} 元，加上这笔超过 {on.Most} 元"
                    : $"手续费 {amount} 元超过 {on.Most} 元"
            )
            {
                Field = "amount",
                LeftAmount = new Money(Math.Max(0, (on.Most - on.Fund.OwedFen).Fen)),
            };
        return new Decision<Fund>(
            [new BankFeeCharged(order.FeeId, amount, order.BusinessDate, order.BankReference, order.Evidence)],
            null
        )
        {
            Confirmed = Confirmed(on, order, Booking.BankFee),
        };
    }

    /// <summary>The whole fee, not before the bank took it.</summary>
    public static Decision<Fund> Reimburse(Basis on, Order order)
    {
        if (!on.Fund.OpenFees.TryGetValue(order.FeeId, out var fee))
            return new Rejection(Rejections.NotFound, "没有这笔待补足的手续费；可能已经登记补足，请刷新后再看");
        if (order.BusinessDate < fee.TakenOn)
            return new Rejection(Rejections.DateBeforeBasis, $"手续费于 {fee.TakenOn:yyyy-MM-dd} 扣收，补足不早于此日")
            {
                Field = "effectiveDate",
                NotBefore = fee.TakenOn,
            };
        return Refusal(on, order, Booking.FeeReimbursed) is { } refusal
            ? refusal
            : new Decision<Fund>(
                [new BankFeeReimbursed(order.FeeId, fee.AmountFen, order.BankReference, order.Evidence)],
                null
            )
            {
                Confirmed = Confirmed(on, order, Booking.FeeReimbursed),
            };
    }

    private static Rejection? Refusal(Basis on, Order order, Booking booking) =>
        FundDecider.Unusable(on.Fund, order.BusinessDate) is { } unusable ? unusable
        : order.Evidence.Count == 0 ? new Rejection(Rejections.EvidenceMissing, "须附银行回单") { Field = "evidence" }
        : SameMoney.Refusal(SameMoney.Among(on.Earlier, on.Fund, booking, [], []), order.ConfirmDuplicate);

    private static string? Confirmed(Basis on, Order order, Booking booking) =>
        SameMoney.Confirmed(SameMoney.Among(on.Earlier, on.Fund, booking, [], []), order.ConfirmDuplicate);
}
