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
    int InterestBasisPoints,
    Money InterestFen,
    Money ContributionFen,
    Money GovernmentFen,
    Money CollectiveFen,
    Money BalanceFen,
    Money BalanceWithoutFen
);

/// <summary>What the account comes to (L3): a pension needs the age and the years paid.</summary>
public enum Outlook
{
    Pension,

    /// <summary>At the age the years are too few: no pension yet, the balance stays the person's.</summary>
    TooFewYears,

    /// <summary>The age is reached: nothing more is paid in, the account is paid out.</summary>
    BeingPaid,
}

/// <summary>
/// What an estimate rests on beside the person's own payments: figures of policy years, all of them data (†).
/// </summary>
/// <param name="InterestBasisPoints">Of each year that was published (L10); later years have the last one's.</param>
/// <param name="BasicPensionFen">The basic pension a month (基础养老金, L11); null: not known.</param>
public sealed record EstimateRules(
    IReadOnlyDictionary<int, int> InterestBasisPoints,
    IReadOnlyList<Policies.PayoutMonths> PayoutMonths,
    Money? BasicPensionFen = null
)
{
    /// <summary>The last year whose rate is known.</summary>
    public int LastYear => InterestBasisPoints.Keys.Max();

    public int InterestIn(int year) =>
        InterestBasisPoints[
            InterestBasisPoints.Keys.Where(y => y <= year).DefaultIfEmpty(InterestBasisPoints.Keys.Min()).Max()
        ];

    /// <summary>Above the table's last age its last line counts.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The table begins later.</exception>
    public int MonthsAt(int age) =>
        PayoutMonths.Where(m => m.Age <= age).MaxBy(m => m.Age)?.Months
        ?? throw new ArgumentOutOfRangeException(nameof(age), $"没有 {age} 岁的计发月数");
}

/// <summary>
/// The account now and in the long run (经济账、长远账, C22, L3). Each year: interest on the opening balance, then own
/// contribution, government and collective subsidy. The monthly pension from the account is the balance at sixty ÷ the
/// payout months; the basic pension (基础养老金) comes on top and is the same with and without the subsidy (L11). Whole fen,
/// halves rounded up.
/// </summary>
/// <param name="PaidYears">At the pension age, those on record and those still to come; null: not known how many there
/// are.</param>
/// <param name="MonthlyFen">Null where nobody would get it, or it began before and is not for us to say.</param>
public sealed record BenefitEstimate(
    IReadOnlyList<EstimateYear> Years,
    Outlook Outlook,
    int? PaidYears,
    int PayoutMonths,
    Money BalanceFen,
    Money BalanceWithoutFen,
    Money? MonthlyFen,
    Money? MonthlyWithoutFen
)
{
    public const string Formula =
        "年末余额 = 年初余额 ×（1 + 记账利率）+ 个人缴费 + 政府补贴 + 集体补助；个人账户月养老金 = 60岁时余额 ÷ 计发月数";
    public const string Source =
        "《关于开展居民基本养老保险集体补助试点工作的实施意见》（C22）；国发〔2014〕8号第六、七条：年满60周岁、累计缴费满15年，计发月数139（按本年度政策参数）";
    public const int PensionAge = 60,
        YearsForPension = 15;

    /// <summary>How many years are missing to a pension at the age; 0: none, or not known.</summary>
    public int MissingYears => Math.Max(0, YearsForPension - (PaidYears ?? YearsForPension));

    /// <param name="firstYear">The first year that is still paid.</param>
    /// <param name="age">The age reached in it.</param>
    /// <param name="paidBefore">The years paid before it (累计缴费年限); null: not known.</param>
    /// <param name="openingFen">The account's balance before it.</param>
    /// <exception cref="ArgumentOutOfRangeException">No payout months for the pension age.</exception>
    public static BenefitEstimate Of(
        int firstYear,
        int age,
        int? paidBefore,
        Money openingFen,
        YearlyPayment payment,
        EstimateRules rules
    )
    {
        var months = rules.MonthsAt(PensionAge);
        var (with, without) = (openingFen, openingFen);
        var years = new List<EstimateYear>();
        for (var (year, at) = (firstYear, age); at < PensionAge; (year, at) = (year + 1, at + 1))
        {
            var rate = rules.InterestIn(year);
            var own = payment.ContributionFen + payment.GovernmentFen;
            var interest = Interest(with, rate);
            with = with + interest + own + payment.CollectiveFen;
            without = without + Interest(without, rate) + own;
            years.Add(
                new EstimateYear(
                    year,
                    at,
                    rate,
                    interest,
                    payment.ContributionFen,
                    payment.GovernmentFen,
                    payment.CollectiveFen,
                    with,
                    without
                )
            );
        }
        var paid = paidBefore + years.Count;
        var outlook =
            paid < YearsForPension ? Outlook.TooFewYears
            : age < PensionAge ? Outlook.Pension
            : Outlook.BeingPaid;
        // Who is older draws what was worked out when he was sixty.
        var isSaid = outlook != Outlook.TooFewYears && age <= PensionAge && (with.IsPositive || age < PensionAge);
        return new BenefitEstimate(
            years,
            outlook,
            paid,
            months,
            with,
            without,
            isSaid ? Divide(with, months) : null,
            isSaid ? Divide(without, months) : null
        );
    }

    private static Money Interest(Money balance, int basisPoints) =>
        Divide(new Money(checked(balance.Fen * basisPoints)), 10_000);

    private static Money Divide(Money amount, long by) => new((amount.Fen * 2 + by) / (by * 2));
}
