using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>Contribution tiers as ranges with a step (L9).</summary>
public sealed class TierRangeTests
{
    private static Money Yuan(long yuan) => new(yuan * 100);

    private static ContributionTier One(long yuan, long subsidy = 30) => new(Yuan(yuan), Yuan(subsidy));

    private static ContributionTier Range(long from, long? to, long? step, long subsidy = 60) =>
        new(Yuan(from), Yuan(subsidy), to is { } t ? Yuan(t) : null, step is { } s ? Yuan(s) : null);

    private static Decision<PolicyYear> Publish(params ContributionTier[] tiers) =>
        PolicyYearDecider.Publish(
            null,
            "3708",
            2026,
            new PolicyParameters(new DateOnly(2026, 1, 1), tiers, 262, 7, QuorumRule.Law)
        );

    private static PolicyYear Year(params ContributionTier[] tiers) =>
        Given.State<PolicyYear>("p", [.. Publish(tiers).Then()]);

    [Fact]
    public void L9_a_range_is_kept_as_it_was_written_and_stands_for_each_of_its_tiers()
    {
        // 武政规〔2021〕21号: 400 to 6,000 in steps of 100
        var year = Year(One(100), Range(400, 6000, 100), One(7000, 80));
        Assert.Equal(3, year.Parameters.Tiers.Count);
        Assert.Equal(59, year.Tiers().Count);
        Assert.Equal(
            ["100.00 30.00", "400.00 60.00", "500.00 60.00"],
            year.Tiers().Take(3).Select(t => $"{t.TierFen} {t.GovernmentSubsidyFen}")
        );
        Assert.All(year.Tiers(), t => Assert.Equal((null, null), (t.ToFen, t.StepFen)));
        Assert.Equal(Yuan(7000), year.HighestTierFen);
        Assert.Equal(Yuan(6000), Year(Range(400, 6000, 100)).HighestTierFen);
        Assert.Equal(Yuan(6000), Year(Range(400, 6000, 100)).Tiers().Max(t => t.TierFen));
    }

    [Fact]
    public void C10_L9_a_standard_by_tier_names_tiers_inside_a_range_and_none_between_its_steps()
    {
        var year = Year(Range(400, 6000, 100));
        Standard PerTier(long tier) => new(StandardKind.PerTier, null, [new TierAmount(Yuan(tier), Yuan(10))]);
        Assert.Null(PerTier(1400).Fault(year));
        Assert.Equal("standard.tiers[0].tierAmount", PerTier(1450).Fault(year)!.Field);
        Assert.Equal("standard.tiers[0].tierAmount", PerTier(6100).Fault(year)!.Field);
    }

    [Fact]
    public void L9_a_range_that_does_not_fit_or_crosses_another_row_is_refused_at_its_field()
    {
        void Wrong(string field, params ContributionTier[] tiers) =>
            Assert.Equal(field, Publish(tiers).ThenRefused(Rejections.FieldInvalid).Field);
        Wrong("tiers[1].toAmount", One(100), Range(400, null, 100));
        Wrong("tiers[0].stepAmount", Range(400, 6000, null));
        Wrong("tiers[0].stepAmount", Range(400, 6000, 0));
        Wrong("tiers[0].toAmount", Range(400, 400, 100));
        Wrong("tiers[0].toAmount", Range(400, 300, 100));
        Wrong("tiers[0].stepAmount", Range(400, 6000, 300));
        Wrong("tiers[1].tierAmount", Range(400, 6000, 100), One(6000));
        Wrong("tiers[1].tierAmount", Range(400, 6000, 100), One(450));
        Wrong("tiers[2].tierAmount", One(100), Range(400, 600, 100), Range(500, 900, 200));
        Wrong("tiers[1].tierAmount", One(100), One(100));
        var two = Publish(Range(400, 6000, 300), Range(7000, null, 100)).ThenRefused(Rejections.FieldInvalid);
        Assert.Equal(["tiers[0].stepAmount", "tiers[1].toAmount"], two.Faults.Select(f => f.Field));
    }

    [Fact]
    public void L9_no_list_is_longer_than_500_tiers_written_out_and_a_second_more_is_refused()
    {
        Assert.Equal(500, Year(Range(1, 499, 1), One(1000)).Tiers().Count);
        Assert.Equal(
            "tiers[1].stepAmount",
            Publish(One(1000), Range(1, 500, 1)).ThenRefused(Rejections.FieldInvalid).Field
        );
    }

    [Fact]
    public void L9_the_same_range_again_is_no_amendment_and_another_step_is_one()
    {
        var year = Year(Range(400, 6000, 100));
        Decision<PolicyYear> Again(ContributionTier tier) =>
            PolicyYearDecider.Publish(year, "3708", 2026, year.Parameters with { Tiers = [tier] });
        Assert.Empty(Again(Range(400, 6000, 100)).Then());
        Assert.IsType<PolicyYearAmended>(Assert.Single(Again(Range(400, 6000, 200)).Then()));
    }
}
