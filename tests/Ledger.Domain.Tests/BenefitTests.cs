using Ledger.Domain.Benefits;
using Ledger.Domain.Policies;
using Ledger.Domain.Reports;

namespace Ledger.Domain.Tests;

/// <summary>The account in the long run (C22) and the ranking of active collectives (C18).</summary>
public sealed class BenefitTests
{
    private static readonly EstimateRules Rules = new(
        new Dictionary<int, int> { [2026] = 262 },
        PayoutMonths.Default,
        Given.Yuan(180)
    );

    private static BenefitEstimate Estimate(int age, int? paidBefore, long opening = 0) =>
        BenefitEstimate.Of(
            2026,
            age,
            paidBefore,
            new Money(opening * 100),
            new YearlyPayment(Given.Yuan(300), Given.Yuan(30), Given.Yuan(120)),
            Rules
        );

    [Fact]
    public void C22_the_account_grows_year_by_year_and_is_divided_by_the_payout_months()
    {
        var e = Estimate(57, 20, opening: 1000);
        // By hand: 1000.00 × 1.0262 = 1026.20 + 450 = 1476.20; × 1.0262 = 1514.88 (38.676 → 38.68) + 450 = 1964.88; +
        // 51.48 (51.4798…) + 450 = 2466.36
        Assert.Equal(
            [Given.Yuan(1476.20m), Given.Yuan(1964.88m), Given.Yuan(2466.36m)],
            e.Years.Select(y => y.BalanceFen)
        );
        Assert.Equal([57, 58, 59], e.Years.Select(y => y.Age));
        // 2466.36 ÷ 139 = 17.7436…
        Assert.Equal((Outlook.Pension, 139, Given.Yuan(17.74m)), (e.Outlook, e.PayoutMonths, e.MonthlyFen!.Value));
        Assert.Equal(Given.Yuan(2096.84m), e.BalanceWithoutFen); // 1356.20, 1721.73, 2096.84
    }

    /// <summary>国发〔2014〕8号: sixty years of age and fifteen years paid.</summary>
    [Theory]
    [
        InlineData(45, 3, Outlook.Pension, 18, 0),
        InlineData(45, 14, Outlook.Pension, 29, 0),
        InlineData(46, 0, Outlook.TooFewYears, 14, 1),
        InlineData(59, 3, Outlook.TooFewYears, 4, 11),
        InlineData(59, 14, Outlook.Pension, 15, 0),
        InlineData(60, 3, Outlook.TooFewYears, 3, 12),
        InlineData(60, 14, Outlook.TooFewYears, 14, 1),
        InlineData(60, 15, Outlook.BeingPaid, 15, 0),
        InlineData(75, 3, Outlook.TooFewYears, 3, 12),
        InlineData(75, 20, Outlook.BeingPaid, 20, 0),
        InlineData(45, null, Outlook.Pension, null, 0),
        InlineData(75, null, Outlook.BeingPaid, null, 0)
    ]
    public void L3_a_pension_needs_the_age_and_fifteen_paid_years(
        int age,
        int? paidBefore,
        Outlook outlook,
        int? paid,
        int missing
    )
    {
        var e = Estimate(age, paidBefore);
        Assert.Equal((outlook, paid, missing), (e.Outlook, e.PaidYears, e.MissingYears));
        Assert.Equal(outlook == Outlook.Pension, e.MonthlyFen is not null);
        Assert.Equal(Math.Max(0, 60 - age), e.Years.Count);
    }

    [Fact]
    public void L3_all_ages_have_one_divisor_and_what_is_paid_out_already_is_not_reckoned_again()
    {
        Assert.Equal(
            (139, Given.Yuan(10)),
            (Estimate(60, 15, 1390).PayoutMonths, Estimate(60, 15, 1390).MonthlyFen!.Value)
        );
        Assert.Equal((139, null), (Estimate(75, 15, 1390).PayoutMonths, Estimate(75, 15, 1390).MonthlyFen));
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            BenefitEstimate.Of(
                2026,
                50,
                null,
                Money.Zero,
                new YearlyPayment(Given.Yuan(300), Money.Zero, Money.Zero),
                Rules with
                {
                    PayoutMonths = [new PayoutMonths(65, 101)],
                }
            )
        );
    }

    [Fact]
    public void L10_each_year_has_its_own_rate_and_the_years_to_come_the_last_one_known()
    {
        var e = BenefitEstimate.Of(
            2026,
            56,
            null,
            Given.Yuan(1000),
            new YearlyPayment(Money.Zero, Money.Zero, Money.Zero),
            Rules with
            {
                InterestBasisPoints = new Dictionary<int, int>
                {
                    [2024] = 500,
                    [2026] = 200,
                    [2027] = 100,
                },
            }
        );
        Assert.Equal([200, 100, 100, 100], e.Years.Select(y => y.InterestBasisPoints));
        Assert.Equal([Given.Yuan(20), Given.Yuan(10.20m)], e.Years.Take(2).Select(y => y.InterestFen));
    }

    [Fact]
    public void C18_ranking_explains_ties_and_takes_disputes_off()
    {
        IncentiveFacts Facts(
            string name,
            int subsidised,
            long credited,
            int? days = 30,
            int objections = 0,
            int upheld = 0
        ) => new(name, name, 100, subsidised, new Money(credited), new Money(100_000), days, objections, upheld);
        var places = IncentiveRanking.Rank(
            [
                Facts("甲", 80, 150_000),
                Facts("乙", 90, 200_000),
                Facts("丙", 80, 150_000),
                Facts("丁", 90, 200_000, objections: 2, upheld: 1),
                Facts("戊", 0, 0, null),
            ],
            IncentiveWeights.Default
        );
        Assert.Equal(
            [("乙", 1), ("丁", 2), ("丙", 3), ("甲", 3), ("戊", 5)],
            places.Select(p => (p.Facts.Name, p.Rank))
        );
        // 90 % of 40; the best amount; doubled; 30 of 90 days
        Assert.Equal(3600 + 3000 + 1500 + 1000, places[0].Points);
        Assert.Equal(500, places[1].DisputePoints);
        Assert.Null(places[0].Tie);
        Assert.Contains("甲", places.Single(p => p.Facts.Name == "丙").Tie);
        Assert.Equal((0, 10_000), (places[4].Points, places[0].GrowthBasisPoints));
        Assert.Empty(IncentiveRanking.Rank([], IncentiveWeights.Default));
    }
}
