namespace Ledger.Domain.Funds.Steps;

/// <summary>The year's end (年度结账, C24): its trial balance is sealed, and it takes no entry any more.</summary>
public static class CloseYear
{
    private const int MaxNamed = 100;

    /// <summary>
    /// C24: closes a business year that is over. <paramref name="trialBalance"/>: at its last day, by business date.
    /// <paramref name="negative"/>: the accounts that held less than nothing on a day of it; such a year closes only
    /// explained.
    /// </summary>
    public static Decision<Fund> Decide(
        Fund state,
        int year,
        IReadOnlyList<AccountBalance> trialBalance,
        IReadOnlyList<NegativeBalance> negative,
        string? explanation,
        IReadOnlyList<string> evidence,
        DateOnly today
    )
    {
        if (year >= today.Year)
            return new Rejection(Rejections.WrongState, $"{year} 年度尚未结束");
        if (year <= state.ClosedThrough)
            return new Rejection(Rejections.YearClosed, $"{year} 年度已结账");
        if (state.ClosedThrough > 0 && year != state.ClosedThrough + 1)
            return new Rejection(Rejections.WrongState, $"请先结 {state.ClosedThrough + 1} 年度");
        InvariantViolationException.Require(
            Money.Sum(trialBalance.Select(b => b.AmountFen)) == Money.Zero,
            $"{state.Id}: the trial balance of {year} does not balance"
        );
        if (negative.Count == 0)
            return new IEventOf<Fund>[] { new YearClosed(year, trialBalance, Postings.Digest(trialBalance)) };
        if (explanation is null)
            return new Rejection(
                Rejections.BalanceNegative,
                $"{negative[0].From:yyyy-MM-dd} 至 {negative[0].Until:yyyy-MM-dd} 账户 {negative[0].Account} "
                    + $"最低为 {negative[0].LowestFen} 元；共 {negative.Count} 处"
            )
            {
                Field = "explanation",
                Faults =
                [
                    .. negative
                        .Take(MaxNamed)
                        .Select(n => new Fault(
                            Rejections.BalanceNegative.Code,
                            $"{n.From:yyyy-MM-dd} 至 {n.Until:yyyy-MM-dd} 最低 {n.LowestFen} 元",
                            n.Account
                        )),
                ],
            };
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "说明余额为负的原因须附盖章的书面说明")
            {
                Field = "evidence",
            };
        return new IEventOf<Fund>[]
        {
            new YearClosed(year, trialBalance, Postings.Digest(trialBalance), explanation, evidence),
        };
    }
}
