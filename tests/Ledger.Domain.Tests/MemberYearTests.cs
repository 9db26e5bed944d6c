using CsCheck;
using Ledger.Domain.Collectives;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>One person in one year: C4, C5, C6, C11.</summary>
public sealed class MemberYearTests
{
    private const string Id = "member-year-1-2026";
    private static readonly Member Member = Given.State<Member>(
        "member-1",
        new MemberRegistered("collective-1", "370811102201", "d"),
        new MemberRegistered("collective-2", "370811102202", "d")
    );
    private static readonly ContributionRecorded Paid = new(
        ContributionKind.Regular,
        new Money(30_000),
        new Money(30_000),
        new DateOnly(2026, 3, 1),
        "SW1"
    );
    private static readonly Money Cap = new(500_000);

    private static SubsidyApproved Subsidy(
        long fen,
        string collective = "collective-1",
        string application = "application-1"
    ) => new(application, collective, "fund-1", "general", new Money(fen), new FenInterval(0, fen));

    private static Lineage Alone(params string[] collectives) => new(collectives, collectives);

    private static Decision<MemberYear> Approve(MemberYear state, SubsidyApproved subsidy, Member? member = null) =>
        MemberYearDecider.Approve(state, member ?? Member, Alone(subsidy.CollectiveId), subsidy, Cap);

    [Fact]
    public void C4_C6_the_own_payment_comes_first()
    {
        Approve(new MemberYear(), Subsidy(1)).ThenRefused(Rejections.NotContributed);
        Approve(Given.State(Id, Paid), Subsidy(1)).Then();
    }

    [Fact]
    public void C6_a_subsidy_is_never_counted_as_the_own_payment()
    {
        var state = Given.State<MemberYear>(Id, Subsidy(100, "collective-2"));
        Approve(state, Subsidy(1)).ThenRefused(Rejections.NotContributed);
    }

    [Fact]
    public void C4_only_members_of_this_collective() =>
        Approve(Given.State(Id, Paid), Subsidy(1, "collective-3")).ThenRefused(Rejections.NotAMember);

    [Fact]
    public void C5_who_paid_a_catch_up_gets_none_even_with_a_regular_payment_beside_it()
    {
        var state = Given.State<MemberYear>(Id, Paid, Paid with { Kind = ContributionKind.CatchUp, Reference = "SW2" });
        Approve(state, Subsidy(1)).ThenRefused(Rejections.CatchUpContribution);
    }

    [Fact]
    public void C11_all_collectives_together_stay_within_the_highest_tier()
    {
        var state = Given.State<MemberYear>(Id, Paid, Subsidy(300_000));
        var refused = Approve(state, Subsidy(200_001, "collective-2")).ThenRefused(Rejections.CapExceeded);
        Assert.Equal(new Money(200_000), refused.LeftAmount);
        Approve(state, Subsidy(200_000, "collective-2")).Then();
    }

    [Fact]
    public void C11_a_released_subsidy_gives_the_cap_back()
    {
        var state = Given.State<MemberYear>(
            Id,
            Paid,
            Subsidy(300_000),
            new SubsidyReleased("application-1", new Money(300_000), "异议成立")
        );
        Assert.Equal(Money.Zero, state.CapUsed());
        Approve(state, Subsidy(500_000)).Then();
    }

    [Fact]
    public void L2_what_was_credited_is_cleared_to_the_person_once_and_the_cap_stays_used()
    {
        var agency = Given.Actor("agency");
        Decision<MemberYear> Clear(MemberYear year, DateOnly on, DateOnly? creditedOn, params string[] evidence) =>
            MemberYearDecider.Clear(
                year,
                "application-1",
                ClearanceReason.EmployeesScheme,
                on,
                creditedOn,
                evidence,
                agency
            );
        var day = new DateOnly(2026, 9, 1);
        var paid = Given.State<MemberYear>(Id, Paid, Subsidy(100), new SubsidyPaid("application-1", new Money(100)));
        Clear(Given.State(Id, Paid), day, null, "paper").ThenRefused(Rejections.NotFound);
        Clear(paid, day, null, "paper").ThenRefused(Rejections.WrongState);
        var credited = paid.And(Id, new SubsidyCredited("application-1", new Money(100), day, "HZ"))!;
        Clear(credited, day, null).ThenRefused(Rejections.EvidenceMissing);
        Assert.Equal(
            day,
            Clear(credited, day.AddDays(-1), day, "paper").ThenRefused(Rejections.DateBeforeBasis).NotBefore
        );
        var cleared = credited.And(Id, Clear(credited, day, day, "paper").Then())!;
        Assert.Equal((SubsidyStatus.Cleared, new Money(100)), (cleared.Subsidies[0].Status, cleared.CapUsed()));
        Clear(cleared, day, null, "paper").ThenRefused(Rejections.WrongState);
        Approve(cleared, Subsidy(1, application: "application-2")).ThenRefused(Rejections.AlreadySubsidised);
    }

    [Fact]
    public void C11_a_refund_gives_the_cap_back_and_a_bank_return_does_not()
    {
        var paid = Given.State<MemberYear>(
            Id,
            Paid,
            Subsidy(300_000),
            new SubsidyPaid("application-1", new Money(300_000))
        );
        var returned = paid.And(Id, new SubsidyReturned("application-1", new Money(300_000)))!;
        Assert.Equal((SubsidyStatus.Approved, new Money(300_000)), (returned.Subsidies[0].Status, returned.CapUsed()));
        var refunded = paid.And(
            Id,
            new SubsidyRefunded("application-1", new Money(300_000), Applications.RefundReason.Death)
        )!;
        Assert.Equal(Money.Zero, refunded.CapUsed());
        Approve(refunded, Subsidy(1, application: "application-2")).Then();
    }

    [Fact]
    public void C8_C11_a_direct_sponsorship_uses_the_same_cap()
    {
        var gift = new SponsorshipRecorded("s1", "donor-1", new Money(499_999), ["x"]);
        var state = Given
            .State(Id, Paid)
            .And(Id, MemberYearDecider.Sponsor(Given.State(Id, Paid), Member, gift, Cap).Then())!;
        Assert.Equal(new Money(1), Approve(state, Subsidy(2)).ThenRefused(Rejections.CapExceeded).LeftAmount);
        MemberYearDecider
            .Sponsor(state, Member, gift with { AmountFen = new Money(2) }, Cap)
            .ThenRefused(Rejections.CapExceeded);
        MemberYearDecider.Sponsor(new MemberYear(), Member, gift, Cap).ThenRefused(Rejections.NotContributed);
        MemberYearDecider
            .Sponsor(state, Member, gift with { Evidence = [] }, Cap)
            .ThenRefused(Rejections.EvidenceMissing);
        MemberYearDecider.ReverseSponsorship(state, "s2", "x", ["x"]).ThenRefused(Rejections.NotFound);
        var reversed = state.And(Id, MemberYearDecider.ReverseSponsorship(state, "s1", "退还", ["x"]).Then())!;
        Assert.Equal(Money.Zero, reversed.CapUsed());
    }

    [Fact]
    public void C4_the_dead_and_those_who_left_get_none_and_members_of_a_predecessor_do()
    {
        var state = Given.State(Id, Paid);
        Approve(state, Subsidy(1), Member.And("member-1", new DeathRecorded(new DateOnly(2026, 2, 1), ["x"])))
            .ThenRefused(Rejections.MemberDeceased);
        Approve(
                state,
                Subsidy(1),
                Member.And("member-1", new MembershipEnded("collective-1", new DateOnly(2026, 2, 1), "迁出"))
            )
            .ThenRefused(Rejections.NotAMember);
        Approve(
                state,
                Subsidy(1),
                Member.And("member-1", new MembershipMoved("collective-1", "collective-9", "370811102209"))
            )
            .ThenRefused(Rejections.NotAMember);
        MemberYearDecider
            .Approve(state, Member, Alone("collective-9", "collective-1"), Subsidy(1, "collective-9"), Cap)
            .Then();
        var had = Given.State<MemberYear>(Id, Paid, Subsidy(1));
        MemberYearDecider
            .Approve(had, Member, Alone("collective-9", "collective-1"), Subsidy(1, "collective-9"), Cap)
            .ThenRefused(Rejections.AlreadySubsidised);
    }

    [Fact]
    public void C4_one_subsidy_of_one_origin_a_year_through_splits_mergers_and_their_chains_both_ways()
    {
        static Collective Village(string id) =>
            Given.State<Collective>(id, new CollectiveRegistered("c", "n", "370811102201"));
        // old → a and b (split); c went up in b; d stands alone.
        SuccessionLink[] links = [new("old", "a"), new("old", "b"), new("c", "b"), new("b", "old")];
        Assert.Equal(["a", "b", "c", "old"], Lineage.Of(Village("a"), links).Origin.Order());
        Assert.Equal(["d"], Lineage.Of(Village("d"), links).Origin);
        Assert.Equal(["a"], Lineage.Of(Village("a"), links).Members); // a split takes along only those whom it names
        foreach (var (before, after) in new[] { ("old", "a"), ("a", "old"), ("a", "b"), ("c", "a") })
        {
            var moved = Given.State<Member>("member-1", new MemberRegistered(after, "370811102201", "d"));
            var had = Given.State<MemberYear>(Id, Paid, Subsidy(1, before));
            MemberYearDecider
                .Approve(had, moved, Lineage.Of(Village(after), links), Subsidy(1, after, "application-2"), Cap)
                .ThenRefused(Rejections.AlreadySubsidised);
        }
        var elsewhere = Given.State<Member>("member-1", new MemberRegistered("d", "370811102201", "d"));
        MemberYearDecider
            .Approve(
                Given.State<MemberYear>(Id, Paid, Subsidy(1, "old")),
                elsewhere,
                Lineage.Of(Village("d"), links),
                Subsidy(1, "d", "application-2"),
                Cap
            )
            .Then();
    }

    [Fact]
    public void The_same_reference_is_recorded_once()
    {
        var contribution = new Contribution(Paid.Kind, Paid.TierFen, Paid.AmountFen, Paid.PaidOn, Paid.Reference);
        Assert.Single(MemberYearDecider.RecordContribution(null, contribution).Then());
        Assert.Empty(MemberYearDecider.RecordContribution(Given.State(Id, Paid), contribution).Then());
    }

    [Fact]
    public void C11_holds_over_any_order_of_approvals_and_releases() =>
        Gen.Select(Gen.Int[0, 1], Gen.Int[1, 2], Gen.Long[1, 400_000])
            .Array[0, 40]
            .Sample(steps =>
            {
                var state = Given.State(Id, Paid);
                foreach (var (step, collective, fen) in steps)
                {
                    var application = $"application-{collective}";
                    if (step == 0)
                    {
                        var decision = Approve(state, Subsidy(fen, $"collective-{collective}", application));
                        state = state.And(Id, decision.Events)!;
                        if (decision.Rejection is { LeftAmount: { } left })
                            Assert.Equal(Cap - state.CapUsed(), left);
                    }
                    else if (
                        state.Subsidies.Any(s => s.ApplicationId == application && s.Status == SubsidyStatus.Approved)
                    )
                    {
                        state = state.And(Id, new SubsidyReleased(application, new Money(1), "x"))!;
                    }
                    Assert.True(state.CapUsed() <= Cap);
                }
            });
}
