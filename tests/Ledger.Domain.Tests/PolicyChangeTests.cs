using Ledger.Domain.Identity;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>
/// What others rest on, and where money goes to, one person of the city does not change alone (C20, L12).
/// </summary>
public sealed class PolicyChangeTests
{
    private static readonly DateOnly Today = new(2026, 12, 3);
    private static readonly PayeeAccount Payee = new("收入户", "样例银行", "1608-0101");

    private static readonly PolicyParameters Parameters = new(
        new DateOnly(2026, 1, 1),
        [new(new Money(100_00), new Money(30_00))],
        262,
        7,
        QuorumRule.Law,
        Payee: Payee
    );

    private static readonly PolicyParameters Another = Parameters with { NoticeDays = 1, EffectiveFrom = Today };

    private static readonly PolicyYear Published = Given.State<PolicyYear>(
        "policy-year-3708-2026",
        new PolicyYearPublished("3708", 2026, Parameters)
    );

    private static readonly Actor One = new("one", Roles.CityHrss, "3708"),
        Two = new("two", Roles.CityHrss, "3708");

    private static Decision<PolicyYear> Publish(
        PolicyParameters parameters,
        PolicyYear? year = null,
        bool isInUse = true,
        PolicyParameters? until = null
    ) => PolicyChange.Publish(new("3708", 2026, year, isInUse, until ?? year?.Parameters), parameters, Today, One);

    private static PolicyYear Proposed(PolicyParameters parameters) =>
        Published.And("p", Publish(parameters, Published).Then())!;

    [Fact]
    public void C20_a_year_that_plans_rest_on_changes_when_a_second_person_of_the_city_confirms()
    {
        var proposed = Proposed(Another);
        Assert.Equal(7, proposed.Parameters.NoticeDays);
        Assert.Equal(Today.AddDays(30), proposed.Waiting(Today)!.Until);
        PolicyChange.Confirm(proposed, Today, One).ThenRefused(Rejections.SelfApproval);
        // Under another account, or for him, he is the same person.
        var persons = new Dictionary<string, string> { ["one"] = "person-1", ["two"] = "person-1" };
        PolicyChange.Confirm(proposed, Today, Two with { Persons = persons }).ThenRefused(Rejections.SelfApproval);
        PolicyChange.Confirm(proposed, Today, Two with { OnBehalfOf = "one" }).ThenRefused(Rejections.SelfApproval);
        var amended = Assert.IsType<PolicyYearAmended>(
            Assert.Single(PolicyChange.Confirm(proposed, Today, Two).Then())
        );
        Assert.Equal((1, "one"), (amended.Parameters.NoticeDays, amended.ProposedBy));
        var after = proposed.And("p", amended)!;
        Assert.Equal(1, after.Parameters.NoticeDays);
        PolicyChange.Confirm(after, Today, Two).ThenRefused(Rejections.WrongState);
        PolicyChange.Confirm(Published, Today, Two).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void C20_a_proposal_holds_for_its_days_and_is_in_force_from_its_confirmation_at_the_earliest()
    {
        var proposed = Proposed(Another);
        PolicyChange.Confirm(proposed, Today.AddDays(31), Two).ThenRefused(Rejections.WrongState);
        var late = (PolicyYearAmended)PolicyChange.Confirm(proposed, Today.AddDays(30), Two).Then()[0];
        Assert.Equal(Today.AddDays(30), late.Parameters.EffectiveFrom);
        // The same by the same person again is none; another takes its place.
        Assert.Empty(Publish(Another, proposed).Then());
        Assert.IsType<PolicyYearChangeProposed>(Publish(Another with { NoticeDays = 2 }, proposed).Then()[0]);
        var declined = proposed.And("p", PolicyChange.Decline(proposed, "x", Today).Then())!;
        PolicyChange.Confirm(declined, Today, Two).ThenRefused(Rejections.WrongState);
        PolicyChange.Decline(declined, "x", Today).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void C20_one_person_publishes_and_amends_a_year_on_which_nothing_rests()
    {
        Assert.IsType<PolicyYearPublished>(Publish(Parameters, isInUse: false).Then()[0]);
        Assert.IsType<PolicyYearAmended>(
            Publish(Parameters with { NoticeDays = 1 }, Published, isInUse: false).Then()[0]
        );
        Assert.Empty(Publish(Parameters, Published).Then());
    }

    [Fact]
    public void L12_another_account_than_the_one_before_takes_two_also_where_nothing_rests_on_the_year()
    {
        var other = Parameters with { Payee = Payee with { Number = "6217000011112222" } };
        Assert.IsType<PolicyYearChangeProposed>(Publish(other, Published, isInUse: false).Then()[0]);
        Assert.IsType<PolicyYearChangeProposed>(
            Publish(Parameters with { Payee = null }, Published, isInUse: false).Then()[0]
        );
        // A county's own year, or the next one, beside what holds until then.
        var first = Publish(other, isInUse: false, until: Parameters).Then()[0];
        var waiting = Given.State("p", first);
        Assert.Null(waiting.InForce());
        Assert.IsType<PolicyYearPublished>(PolicyChange.Confirm(waiting, Today, Two).Then()[0]);
        Assert.IsType<PolicyYearPublished>(Publish(Parameters, isInUse: false, until: Parameters).Then()[0]);
        // Who begins says it alone, or names it later while nothing rests on the year.
        Assert.IsType<PolicyYearAmended>(
            Publish(
                    Parameters,
                    Given.State<PolicyYear>(
                        "p",
                        new PolicyYearPublished("3708", 2026, Parameters with { Payee = null })
                    ),
                    isInUse: false
                )
                .Then()[0]
        );
    }

    [Fact]
    public void C20_no_rule_is_dated_back_over_what_rests_on_the_year()
    {
        var back = Parameters with { NoticeDays = 1 };
        Assert.Equal(Today, Publish(back, Published).ThenRefused(Rejections.DateBeforeBasis).NotBefore);
        Publish(back with { EffectiveFrom = Today.AddDays(-1) }, Published).ThenRefused(Rejections.DateBeforeBasis);
        // A county's own first year over its city's that plans rest on.
        Publish(back, isInUse: true, until: Parameters).ThenRefused(Rejections.DateBeforeBasis);
        // While nothing does, to the year's first day.
        Publish(back with { EffectiveFrom = new(2025, 12, 31) }, isInUse: false)
            .ThenRefused(Rejections.DateBeforeBasis);
        Publish(back, isInUse: false).Then();
    }
}
