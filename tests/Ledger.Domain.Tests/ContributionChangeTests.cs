using Ledger.Domain.Collectives;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>Who paid for a year (L14), and what became of it in the course of the year (L15).</summary>
public sealed class ContributionChangeTests
{
    private const string Id = "member-year-1-2026",
        File = "digest";
    private static readonly DateOnly Day = new(2026, 3, 1);
    private static readonly Money Cap = new(500_000);
    private static readonly Lineage Alone = new(["collective-1"], ["collective-1"]);
    private static readonly Member Member = Given.State<Member>(
        "member-1",
        new MemberRegistered("collective-1", "370811102201", "d")
    );

    private static ContributionRecorded Paid(
        ContributionKind kind = ContributionKind.Regular,
        string reference = "SW1",
        long yuan = 300
    ) => new(kind, new Money(30_000), new Money(yuan * 100), Day, reference);

    private static Contribution Row(
        string reference,
        long amount,
        long tier = 300,
        int days = 9,
        ContributionKind kind = ContributionKind.Regular
    ) => new(kind, new Money(tier * 100), new Money(amount * 100), Day.AddDays(days), reference);

    private static Decision<MemberYear> Record(
        MemberYear? state,
        ContributionEntryKind what,
        Contribution row,
        string? of = null
    ) => ContributionDecider.Record(state, what, row, of, File);

    private static Decision<MemberYear> Approve(MemberYear state, bool opens) =>
        MemberYearDecider.Approve(
            state,
            Member,
            Alone,
            new SubsidyApproved(
                "application-1",
                "collective-1",
                "fund-1",
                "general",
                new Money(1),
                new FenInterval(0, 1)
            ),
            Cap,
            opens
        );

    [Fact]
    public void L14_C6_what_the_government_paid_is_on_record_and_the_switch_says_whether_it_opens_a_subsidy()
    {
        var state = Given.State<MemberYear>(Id, Paid(ContributionKind.GovernmentPaid));
        Assert.Contains(
            "政府代缴可享受补助",
            Approve(state, false).ThenRefused(Rejections.GovernmentPaidOnly).Detail,
            StringComparison.Ordinal
        );
        Assert.True(Assert.IsType<SubsidyApproved>(Approve(state, true).Then()[0]).OnGovernmentPaid);
        Assert.Equal(Rejections.GovernmentPaidOnly, MemberYearDecider.Ineligible(Member, state, Alone)?.Code);
        Assert.Equal(new Money(30_000), state.Opening(true)?.TierFen);
        Assert.Null(state.Opening(false));
        var gift = new SponsorshipRecorded("sponsorship-1", "donor-1", new Money(1), ["paper"]);
        MemberYearDecider.Sponsor(state, Member, gift, Cap).ThenRefused(Rejections.GovernmentPaidOnly);
        MemberYearDecider.Sponsor(state, Member, gift, Cap, true).Then();
    }

    [Fact]
    public void L14_C6_a_tier_paid_in_part_by_either_is_the_person_s_own_by_what_he_paid()
    {
        var state = Given.State<MemberYear>(
            Id,
            Paid(ContributionKind.GovernmentPaid, "SW1", 200),
            Paid(ContributionKind.Regular, "SW2", 100)
        );
        foreach (var opens in new[] { false, true })
            Assert.False(Assert.IsType<SubsidyApproved>(Approve(state, opens).Then()[0]).OnGovernmentPaid);
        Assert.Equal("SW2", state.Opening(true)?.Reference);
    }

    [Fact]
    public void L15_a_top_up_is_the_tier_and_all_that_was_paid_since_then()
    {
        var state = Given.State<MemberYear>(Id, Paid());
        var events = Record(state, ContributionEntryKind.Adjustment, Row("SW2", 500, 500)).Then();
        Assert.Equal(
            new ContributionAdjusted("SW1", new Money(50_000), new Money(50_000), Day.AddDays(9), "SW2", File),
            Assert.Single(events)
        );
        var after = state.And(Id, events)!;
        Assert.Equal((new Money(50_000), new Money(50_000)), (after.Regular()!.TierFen, after.Regular()!.AmountFen));
        // Uploaded again; and what was uploaded before.
        Assert.Empty(Record(after, ContributionEntryKind.Adjustment, Row("SW2", 500, 500)).Then());
        Assert.Empty(Record(after, ContributionEntryKind.Payment, Row("SW1", 300)).Then());
        Assert.Empty(Record(after, ContributionEntryKind.Adjustment, Row("SW3", 500, 500)).Then());
    }

    [Fact]
    public void L15_a_refund_leaves_the_rest_and_after_all_of_it_nothing_opens_a_subsidy()
    {
        var state = Given.State<MemberYear>(Id, Paid());
        var part = state.And(Id, Record(state, ContributionEntryKind.Refund, Row("TF1", 100)).Then())!;
        Assert.Equal(new Money(20_000), part.Regular()!.AmountFen);
        Record(part, ContributionEntryKind.Refund, Row("TF2", 201)).ThenRefused(Rejections.AmountInvalid);
        var gone = part.And(Id, Record(part, ContributionEntryKind.Refund, Row("TF2", 200)).Then())!;
        Assert.Equal("本年度个人缴费已全部退费", Approve(gone, false).ThenRefused(Rejections.NotContributed).Detail);
        Record(gone, ContributionEntryKind.Refund, Row("TF3", 1)).ThenRefused(Rejections.ContributionUnknown);
        // Paid again: a record of its own.
        var again = gone.And(Id, Record(gone, ContributionEntryKind.Payment, Row("SW9", 300)).Then())!;
        Assert.Equal("SW9", again.Regular()!.Reference);
        Approve(again, false).Then();
    }

    [Fact]
    public void L15_C5_a_catch_up_that_was_given_back_stands_in_nobody_s_way()
    {
        var state = Given.State<MemberYear>(Id, Paid(), Paid(ContributionKind.CatchUp, "SW2"));
        Approve(state, false).ThenRefused(Rejections.CatchUpContribution);
        var row = Row("TF1", 300, kind: ContributionKind.CatchUp);
        Approve(state.And(Id, Record(state, ContributionEntryKind.Refund, row).Then())!, false).Then();
    }

    [Fact]
    public void L15_a_change_names_what_it_changes_where_there_are_several_and_is_not_dated_before_it()
    {
        Record(null, ContributionEntryKind.Adjustment, Row("SW2", 500)).ThenRefused(Rejections.ContributionUnknown);
        var two = Given.State<MemberYear>(Id, Paid(), Paid(reference: "SW5"));
        var row = Row("SW6", 500, 500);
        Record(two, ContributionEntryKind.Adjustment, row).ThenRefused(Rejections.ContributionUnknown);
        Record(two, ContributionEntryKind.Adjustment, row, "SW7").ThenRefused(Rejections.ContributionUnknown);
        Record(two, ContributionEntryKind.Adjustment, row with { Kind = ContributionKind.CatchUp }, "SW5")
            .ThenRefused(Rejections.ContributionUnknown);
        var changed = two.And(Id, Record(two, ContributionEntryKind.Adjustment, row, "sw5").Then())!;
        Assert.Equal([30_000, 50_000], changed.Contributions.Select(c => c.AmountFen.Fen));
        Assert.Equal(
            Day.AddDays(9),
            Record(changed, ContributionEntryKind.Refund, Row("TF1", 1, days: 8), "SW5")
                .ThenRefused(Rejections.DateBeforeBasis)
                .NotBefore
        );
        Record(two, ContributionEntryKind.Refund, Row("TF1", 1, days: -1), "SW5")
            .ThenRefused(Rejections.DateBeforeBasis);
        // One reference is one entry.
        Record(two, ContributionEntryKind.Refund, Row("SW1", 1), "SW5").ThenRefused(Rejections.RosterInvalid);
        Record(changed, ContributionEntryKind.Payment, Row("SW6", 1)).ThenRefused(Rejections.RosterInvalid);
    }

    [Fact]
    public void L15_C20_a_mistake_takes_two_people_who_look_at_one_record_and_goes_with_its_changes()
    {
        var (first, second) = (Given.Actor("first"), Given.Actor("second"));
        var state = Given.State<MemberYear>(Id, Paid());
        var asked = state.And(Id, MemberYearDecider.RequestReversal(state, "SW1", "second", "x", first).Then())!;
        var changed = asked.And(Id, Record(asked, ContributionEntryKind.Refund, Row("TF1", 100)).Then())!;
        Assert.NotNull(MemberYearDecider.ConfirmReversal(changed, "SW1", second).Rejection);
        var anew = changed.And(Id, MemberYearDecider.RequestReversal(changed, "SW1", "second", "x", first).Then())!;
        var events = MemberYearDecider.ConfirmReversal(anew, "SW1", second).Then();
        Assert.Equal(new Money(20_000), Assert.IsType<ContributionReversed>(events[0]).AmountFen);
        var gone = anew.And(Id, events)!;
        Assert.Empty(gone.Contributions);
        Assert.Empty(gone.Changes);
    }
}
