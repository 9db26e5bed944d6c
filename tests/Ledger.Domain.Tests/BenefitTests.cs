using Ledger.Domain.Benefits;
using Ledger.Domain.Policies;
using Ledger.Domain.Reports;

namespace Ledger.Domain.Tests;

/// <summary>The account in the long run (C22) and the ranking of active collectives (C18).</summary>
public sealed class BenefitTests
{
    [Fact]
    public void C22_the_account_grows_year_by_year_and_is_divided_by_the_payout_months()
    {
        var e = BenefitEstimate.Of(
            2026,
            57,
            Given.Yuan(1000),
            new YearlyPayment(Given.Yuan(300), Given.Yuan(30), Given.Yuan(120)),
            262,
            PayoutMonths.Default
        );
        // By hand: 1000.00 × 1.0262 = 1026.20 + 450 = 1476.20; × 1.0262 = 1514.88 (38.676 → 38.68) + 450 = 1964.88; +
        // 51.48 (51.4798…) + 450 = 2466.36
        Assert.Equal(
            [Given.Yuan(1476.20m), Given.Yuan(1964.88m), Given.Yuan(2466.36m)],
            e.Years.Select(y => y.BalanceFen)
        );
        Assert.Equal([57, 58, 59], e.Years.Select(y => y.Age));
        // 2466.36 ÷ 139 = 17.7436…
        Assert.Equal((60, 139, Given.Yuan(17.74m)), (e.PensionAge, e.PayoutMonths, e.MonthlyFen));
        Assert.Equal(Given.Yuan(2096.84m), e.BalanceWithoutFen); // 1356.20, 1721.73, 2096.84
    }

    [Fact]
    public void C22_at_sixty_nothing_more_is_paid_in_and_later_ages_have_fewer_months()
    {
        Assert.Empty(
            BenefitEstimate
                .Of(
                    2026,
                    60,
                    Given.Yuan(1390),
                    new YearlyPayment(Given.Yuan(300), Money.Zero, Money.Zero),
                    262,
                    PayoutMonths.Default
                )
                .Years
        );
        Assert.Equal(
            Given.Yuan(10),
            BenefitEstimate
                .Of(
                    2026,
                    60,
                    Given.Yuan(1390),
                    new YearlyPayment(Given.Yuan(300), Money.Zero, Money.Zero),
                    262,
                    PayoutMonths.Default
                )
                .MonthlyFen
        );
        Assert.Equal(
            56,
            BenefitEstimate
                .Of(
                    2026,
                    75,
                    Given.Yuan(1),
                    new YearlyPayment(Given.Yuan(300), Money.Zero, Money.Zero),
                    262,
                    PayoutMonths.Default
                )
                .PayoutMonths
        );
        Assert.Throws<ArgumentOutOfRangeException>(() =>
            BenefitEstimate.Of(
                2026,
                50,
                Money.Zero,
                new YearlyPayment(Given.Yuan(300), Money.Zero, Money.Zero),
                262,
                [new PayoutMonths(65, 101)]
            )
        );
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
