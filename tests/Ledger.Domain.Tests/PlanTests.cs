using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>Policy year, pilot, survey, plan: C1, C2, C3, C10, C12, C13.</summary>
public sealed class PlanTests
{
    private static readonly PolicyParameters Parameters = new(new DateOnly(2026, 1, 1), [new(new Money(30_000), new Money(4_000)), new(new Money(500_000), new Money(8_000))], 262, 7,
        [new("all-villagers", 1, 2, true), new("households", 2, 3, false)]);
    private static readonly PolicyYear Policy = Given.State<PolicyYear>("p", new PolicyYearPublished("3708", 2026, Parameters));
    private static readonly Collective Surveyed = Given.State<Collective>("collective-1", new CollectiveRegistered("c", "n", "370811102201"), new CollectiveSurveyed(2026, new Survey(new Money(1), 10, 9, 8)));
    private static readonly Pilot Pilot = Given.State<Pilot>("pilot", new PilotApplied("370811", "x", "y", []), new PilotApproved("x"));
    private static readonly Standard Flat = new(StandardKind.Flat, new Money(10_000), []);
    private static readonly PlanContent Content = new("s", "s", Flat);
    private static readonly Plan Draft = Given.State<Plan>("plan", new PlanDrafted("collective-1", "fund-1", "370811102201", 2026, Content));
    private static readonly DateOnly Today = new(2026, 4, 1);

    private static Plan Resolved(int eligible, int attendance, int votesFor, string form = "households") =>
        Draft.And("plan", PlanDecider.RecordResolution(Draft, Policy, new Resolution(form, Today, eligible, attendance, votesFor, 0, "m"), Today).Then())!;

    [Theory]
    [InlineData("households", 210, 140, true), InlineData("households", 210, 139, false)]       // two thirds suffice
    [InlineData("all-villagers", 210, 105, false), InlineData("all-villagers", 210, 106, true)] // more than half
    public void C13_quorum(string form, int eligible, int attendance, bool met)
    {
        var decision = PlanDecider.Adopt(Resolved(eligible, attendance, attendance, form), Surveyed, Pilot, Policy);
        if (met) decision.Then();
        else decision.ThenRefused(Rejections.QuorumNotMet);
    }

    [Fact]
    public void C13_most_of_those_present_must_agree()
    {
        PlanDecider.Adopt(Resolved(210, 140, 70), Surveyed, Pilot, Policy).ThenRefused(Rejections.VoteNotCarried);
        PlanDecider.Adopt(Resolved(210, 140, 71), Surveyed, Pilot, Policy).Then();
    }

    [Fact]
    public void C2_C3_C13_what_adoption_needs()
    {
        PlanDecider.Adopt(Draft, Surveyed, Pilot, Policy).ThenRefused(Rejections.ResolutionMissing);
        PlanDecider.Adopt(Resolved(3, 3, 3), Surveyed with { Surveys = new Dictionary<int, Survey>() }, Pilot, Policy).ThenRefused(Rejections.SurveyMissing);
        PlanDecider.Adopt(Resolved(3, 3, 3), Surveyed, null, Policy).ThenRefused(Rejections.CountyNotInPilot);
    }

    [Fact]
    public void C12_an_amendment_needs_its_own_resolution_and_the_old_version_stays_in_force()
    {
        var adopted = Resolved(3, 3, 3).And("plan", new PlanAdopted(1))!;
        PlanDecider.Adopt(adopted, Surveyed, Pilot, Policy).ThenRefused(Rejections.WrongState);
        var amended = adopted.And("plan", PlanDecider.Amend(adopted, Policy, Content with { Scope = "全体" }, "扩大").Then())!;
        Assert.Equal(1, amended.AdoptedVersion);
        Assert.Equal("s", amended.Adopted()!.Scope);
        PlanDecider.Adopt(amended, Surveyed, Pilot, Policy).ThenRefused(Rejections.ResolutionMissing);
    }

    [Fact]
    public void C10_per_tier_standard_pays_by_tier_and_nothing_for_others()
    {
        var standard = new Standard(StandardKind.PerTier, null, [new TierAmount(new Money(30_000), new Money(6_000))]);
        Assert.Equal(new Money(6_000), standard.AmountFor(new LineFacts(new Money(30_000), 45, null)));
        Assert.Null(standard.AmountFor(new LineFacts(new Money(50_000), 45, null)));
        PlanDecider.Draft(null, Surveyed, new Fund { Id = "fund-1" }, Policy, new PlanContent("s", "s", standard)).Then();
        PlanDecider.Draft(null, Surveyed, new Fund { Id = "fund-1" }, Policy, new PlanContent("s", "s", Flat with { FlatAmountFen = new Money(500_001) })).ThenRefused(Rejections.StandardInvalid);
    }

    [Fact]
    public void C10_age_bands_contribution_years_and_their_combination_with_floor_and_ceiling()
    {
        static Money Yuan(decimal y) => Given.Yuan(y);
        var age = new Standard(StandardKind.PerAgeBand, null, [], [new Band(16, 44, Yuan(50)), new Band(45, null, Yuan(80))]);
        var years = new Standard(StandardKind.PerContributionYears, null, [], [new Band(15, null, Yuan(100))]);
        var combined = new Standard(StandardKind.Combined, null, [], Parts: [age, years, Flat with { FlatAmountFen = Yuan(10) }], FloorFen: Yuan(65), CeilingFen: Yuan(180));
        LineFacts Who(int? a, int? y) => new(Yuan(300), a, y);
        Assert.Equal([Yuan(50), Yuan(50), Yuan(80), null], new[] { 16, 44, 45, (int?)null }.Select(a => age.AmountFor(Who(a, null))));
        Assert.Null(years.AmountFor(Who(50, 14)));
        Assert.Equal(Yuan(65), combined.AmountFor(Who(20, 3)));     // 50 + 10, lifted to the floor
        Assert.Equal(Yuan(90), combined.AmountFor(Who(60, 3)));     // 80 + 10
        Assert.Equal(Yuan(180), combined.AmountFor(Who(60, 20)));   // 80 + 100 + 10, cut at the ceiling

        void Wrong(Standard s, string field) => Assert.Equal(field, PlanDecider.Draft(null, Surveyed, new Fund { Id = "fund-1" }, Policy, new PlanContent("s", "s", s))
            .ThenRefused(Rejections.StandardInvalid).Field);
        PlanDecider.Draft(null, Surveyed, new Fund { Id = "fund-1" }, Policy, new PlanContent("s", "s", combined)).Then();
        Wrong(age with { Bands = [new Band(16, 50, Yuan(1)), new Band(50, 60, Yuan(1))] }, "standard.bands[1].from");
        Wrong(age with { Bands = [] }, "standard.bands");
        Wrong(age with { FlatAmountFen = Yuan(1) }, "standard.flatAmount");
        Wrong(combined with { FloorFen = Yuan(181) }, "standard.floorAmount");
        Wrong(combined with { Parts = [combined] }, "standard.parts[0].kind");
        Wrong(combined with { Parts = [years with { Bands = [new Band(1, 0, Yuan(1))] }] }, "standard.parts[0].bands[0].from");
        Wrong(Flat with { CeilingFen = Yuan(5) }, "standard.parts");
    }

    [Fact]
    public void Policy_year_is_amended_by_a_new_event_and_the_same_again_is_none()
    {
        Assert.IsType<PolicyYearAmended>(Assert.Single(PolicyYearDecider.Publish(Policy, "3708", 2026, Parameters with { NoticeDays = 10 }).Then()));
        Assert.Empty(PolicyYearDecider.Publish(Policy, "3708", 2026, Parameters with { Tiers = [.. Parameters.Tiers] }).Then());
        PolicyYearDecider.Publish(null, "3708", 2026, Parameters with { NoticeDays = 0 }).ThenRefused(Rejections.FieldInvalid);
        PolicyYearDecider.Publish(null, "3708", 2026, Parameters with { Tiers = [] }).ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void C1_C2_a_county_has_one_open_application()
    {
        PilotDecider.Apply(Pilot, "370811", "x", [], Given.Actor("a")).ThenRefused(Rejections.PilotAlreadyOpen);
        PilotDecider.Decide(Pilot, PilotVerdict.Approve, "x", Given.Actor("b")).ThenRefused(Rejections.WrongState);
        var ended = Pilot.And("pilot", PilotDecider.Decide(Pilot, PilotVerdict.End, "x", Given.Actor("b")).Then())!;
        PilotDecider.Apply(ended, "370811", "x", [], Given.Actor("a")).Then();
    }
}
