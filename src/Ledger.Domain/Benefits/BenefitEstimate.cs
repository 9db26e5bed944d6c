namespace Ledger.Domain.Benefits;

/// <summary>What is paid into the account each year until the pension begins.</summary>
/// <param name="ContributionFen">The person's own tier.</param>
/// <param name="GovernmentFen">The government subsidy of that tier.</param>
/// <param name="CollectiveFen">The collective subsidy, if it stays as it is.</param>
public sealed record YearlyPayment(Money ContributionFen, Money GovernmentFen, Money CollectiveFen);

/// <summary>One year of the account with the collective subsidy, and beside it the balance without.</summary>
public sealed record EstimateYear(
    int Year,
    int Age,
    Money InterestFen,
    Money ContributionFen,
    Money GovernmentFen,
    Money CollectiveFen,
    Money BalanceFen,
    Money BalanceWithoutFen
);

/// <summary>
/// The account now and in the long run (经济账、长远账, C22). Each year: interest on the opening balance, then own
/// contribution, government and collective subsidy. The monthly pension from the account is the balance ÷ the payout
/// months of the age it begins at; the basic pension (基础养老金) comes on top and is the same with and without the subsidy.
/// Whole fen, halves rounded up.
/// </summary>
public sealed record BenefitEstimate(
    IReadOnlyList<EstimateYear> Years,
    int PensionAge,
    int PayoutMonths,
    Money BalanceFen,
    Money BalanceWithoutFen,
    Money MonthlyFen,
    Money MonthlyWithoutFen
)
{
    public const string Formula =
        "年末余额 = 年初余额 ×（1 + 记账利率）+ 个人缴费 + 政府补贴 + 集体补助；个人账户月养老金 = 60岁时余额 ÷ 计发月数";
    public const string Source =
        "《关于开展居民基本养老保险集体补助试点工作的实施意见》（C22）；国发〔2014〕8号第六、七条；计发月数：国发〔2005〕38号（按本年度政策参数）";
    public const int PensionAgeNormal = 60;

    /// <param name="firstYear">The first year that is still paid.</param>
    /// <param name="age">The age reached in it.</param>
    /// <param name="openingFen">The account's balance before it.</param>
    /// <exception cref="ArgumentOutOfRangeException">No payout months for the age at which the pension would
    /// begin.</exception>
    public static BenefitEstimate Of(
        int firstYear,
        int age,
        Money openingFen,
        YearlyPayment payment,
        int interestBasisPoints,
        IEnumerable<Policies.PayoutMonths> payoutMonths
    )
    {
        var pensionAge = Math.Max(PensionAgeNormal, age);
        // Above the table's last age its last line counts.
        var months =
            payoutMonths.Where(m => m.Age <= pensionAge).MaxBy(m => m.Age)?.Months
            ?? throw new ArgumentOutOfRangeException(nameof(payoutMonths), $"没有 {pensionAge} 岁的计发月数");
        var (with, without) = (openingFen, openingFen);
        var years = new List<EstimateYear>();
        for (var (year, at) = (firstYear, age); at < pensionAge; (year, at) = (year + 1, at + 1))
        {
            var own = payment.ContributionFen + payment.GovernmentFen;
            var interest = Interest(with, interestBasisPoints);
            with = with + interest + own + payment.CollectiveFen;
            without = without + Interest(without, interestBasisPoints) + own;
            years.Add(
                new EstimateYear(
                    year,
                    at,
                    interest,
                    payment.ContributionFen,
                    payment.GovernmentFen,
                    payment.CollectiveFen,
                    with,
                    without
                )
            );
        }
        return new BenefitEstimate(
            years,
            pensionAge,
            months,
            with,
            without,
            Divide(with, months),
            Divide(without, months)
        );
    }

    private static Money Interest(Money balance, int basisPoints) =>
        Divide(new Money(checked(balance.Fen * basisPoints)), 10_000);

    private static Money Divide(Money amount, long by) => new((amount.Fen * 2 + by) / (by * 2));
}
