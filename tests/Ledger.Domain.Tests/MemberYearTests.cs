using CsCheck;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>One person in one year: C4, C5, C6, C11.</summary>
public sealed class MemberYearTests
{
    private const string Id = "member-year-1-2026";
    private static readonly Member Member = Given.State<Member>("member-1", new MemberRegistered("collective-1", "370811102201", "d"), new MemberRegistered("collective-2", "370811102202", "d"));
    private static readonly ContributionRecorded Paid = new(ContributionKind.Regular, new Money(30_000), new Money(30_000), new DateOnly(2026, 3, 1), "SW1");
    private static readonly Money Cap = new(500_000);

    private static SubsidyApproved Subsidy(long fen, string collective = "collective-1", string application = "application-1") =>
        new(application, collective, "fund-1", "general", new Money(fen), new FenInterval(0, fen));

    [Fact]
    public void C4_C6_the_own_payment_comes_first()
    {
        MemberYearDecider.Approve(new MemberYear(), Member, Subsidy(1), Cap).ThenRefused(Rejections.NotContributed);
        MemberYearDecider.Approve(Given.State(Id, Paid), Member, Subsidy(1), Cap).Then();
    }

    [Fact]
    public void C6_a_subsidy_is_never_counted_as_the_own_payment()
    {
        var state = Given.State<MemberYear>(Id, Subsidy(100, "collective-2"));
        MemberYearDecider.Approve(state, Member, Subsidy(1), Cap).ThenRefused(Rejections.NotContributed);
    }

    [Fact]
    public void C4_only_members_of_this_collective() =>
        MemberYearDecider.Approve(Given.State(Id, Paid), Member, Subsidy(1, "collective-3"), Cap).ThenRefused(Rejections.NotAMember);

    [Fact]
    public void C5_who_paid_a_catch_up_gets_none_even_with_a_regular_payment_beside_it()
    {
        var state = Given.State<MemberYear>(Id, Paid, Paid with { Kind = ContributionKind.CatchUp, Reference = "SW2" });
        MemberYearDecider.Approve(state, Member, Subsidy(1), Cap).ThenRefused(Rejections.CatchUpContribution);
    }

    [Fact]
    public void C11_all_collectives_together_stay_within_the_highest_tier()
    {
        var state = Given.State<MemberYear>(Id, Paid, Subsidy(300_000));
        var refused = MemberYearDecider.Approve(state, Member, Subsidy(200_001, "collective-2"), Cap).ThenRefused(Rejections.CapExceeded);
        Assert.Equal(new Money(200_000), refused.LeftAmount);
        MemberYearDecider.Approve(state, Member, Subsidy(200_000, "collective-2"), Cap).Then();
    }

    [Fact]
    public void C11_a_released_subsidy_gives_the_cap_back()
    {
        var state = Given.State<MemberYear>(Id, Paid, Subsidy(300_000), new SubsidyReleased("application-1", new Money(300_000), "异议成立"));
        Assert.Equal(Money.Zero, state.CapUsed());
        MemberYearDecider.Approve(state, Member, Subsidy(500_000), Cap).Then();
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
        Gen.Select(Gen.Int[0, 1], Gen.Int[1, 2], Gen.Long[1, 400_000]).Array[0, 40].Sample(steps =>
        {
            var state = Given.State(Id, Paid);
            foreach (var (step, collective, fen) in steps)
            {
                var application = $"application-{collective}";
                if (step == 0)
                {
                    var decision = MemberYearDecider.Approve(state, Member, Subsidy(fen, $"collective-{collective}", application), Cap);
                    state = state.And(Id, decision.Events)!;
                    if (decision.Rejection is { LeftAmount: { } left }) Assert.Equal(Cap - state.CapUsed(), left);
                }
                else if (state.Subsidies.Any(s => s.ApplicationId == application && s.Status == SubsidyStatus.Approved))
                {
                    state = state.And(Id, new SubsidyReleased(application, new Money(1), "x"))!;
                }
                Assert.True(state.CapUsed() <= Cap);
            }
        });
}
