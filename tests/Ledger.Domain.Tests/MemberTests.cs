using Ledger.Domain.Collectives;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>One person and the villages that have him on their lists: who decides about whom.</summary>
public sealed class MemberTests
{
    private const string Home = "370811102201",
        Other = "370812101101",
        Id = "member-1",
        Apart = "member-2";
    private static readonly MemberRegistered AtHome = new("collective-1", Home, "d"),
        AtOther = new("collective-2", Other, "e");
    private static readonly MembershipRequested Asked = new(Apart, "collective-2", Other, "e", "第1组", "officer.2");
    private static readonly Actor Officer = Given.Actor("officer.1", "village-finance"),
        Agency = Given.Actor("agency.1");
    private static readonly DateOnly Day = new(2026, 5, 1);
    private static readonly string[] Paper = ["a"];

    private static bool Sees(string scope, string village) => village.StartsWith(scope, StringComparison.Ordinal);

    [Fact]
    public void Who_does_not_look_after_a_persons_villages_asks()
    {
        var person = Given.State(Id, AtHome);
        Assert.True(MemberDecider.MustAsk(person, ["collective-2"], v => Sees(Other, v)));
        Assert.True(MemberDecider.MustAsk(person, ["collective-2"], v => Sees("370812", v))); // an agency elsewhere
        Assert.False(MemberDecider.MustAsk(person, ["collective-2"], v => Sees("3708", v)));
        Assert.False(MemberDecider.MustAsk(person, ["collective-2", "collective-1"], v => Sees(Other, v))); // the home went up in this one
        var left = person.And(Id, new MembershipEnded("collective-1", Day, "x"))!;
        Assert.True(MemberDecider.MustAsk(left, ["collective-2"], v => Sees(Other, v)));
        Assert.False(MemberDecider.MustAsk(left, ["collective-1"], v => Sees(Home, v))); // back again
        var moved = left.And(Id, AtOther)!;
        Assert.True(MemberDecider.MustAsk(moved, ["collective-1"], v => Sees(Home, v))); // back, and at home elsewhere by now
    }

    [Fact]
    public void A_request_is_kept_once_and_confirmed_by_somebody_else_of_the_same_name()
    {
        var (person, row) = (Given.State(Id, AtHome), Given.State(Apart, AtOther));
        Assert.Equal(
            [Asked],
            MemberDecider.Request(person, Apart, "collective-2", Other, "e", "第1组", Given.Actor("officer.2")).Then()
        );
        person = person.And(Id, Asked)!;
        Assert.Empty(
            MemberDecider.Request(person, Apart, "collective-2", Other, "e", null, Given.Actor("officer.2")).Then()
        );
        Assert.False(person.Memberships.ContainsKey("collective-2"));
        MemberDecider.Confirm(person, row, true, Given.Actor("officer.2")).ThenRefused(Rejections.SelfApproval);
        MemberDecider.Confirm(person, row, false, Officer).ThenRefused(Rejections.WrongState);
        MemberDecider
            .Confirm(person, row.And(Apart, new MembershipEnded("collective-2", Day, "x"))!, true, Officer)
            .ThenRefused(Rejections.WrongState);
        MemberDecider.Confirm(Given.State(Id, AtHome), row, true, Officer).ThenRefused(Rejections.NotFound);
        var decision = MemberDecider.Confirm(person, row, true, Officer);
        person = person.And(Id, decision.Then())!;
        row = decision.After(row);
        Assert.Equal(
            (Other, Apart, "第1组"),
            (person.Memberships["collective-2"], person.RecordOf("collective-2"), person.Groups["collective-2"])
        );
        Assert.Equal(Id, person.RecordOf("collective-1"));
        Assert.Empty(person.Requests);
        Assert.Equal((0, Id), (row.Memberships.Count, row.JoinedTo));
        MemberDecider.Erase(row, "x", 0, Day).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void A_declined_request_is_over_and_may_be_made_again()
    {
        var (person, row) = (Given.State(Id, AtHome, Asked), Given.State(Apart, AtOther));
        var decision = MemberDecider.Decline(person, row, "不是我村人", Day, Officer);
        person = person.And(Id, decision.Then())!;
        row = decision.After(row);
        Assert.Equal((true, 0, Day), (person.Requests[Apart].Declined, row.Memberships.Count, row.EndedOn));
        MemberDecider.Confirm(person, row, true, Officer).ThenRefused(Rejections.WrongState);
        Assert.Single(
            MemberDecider.Request(person, Apart, "collective-2", Other, "e", null, Given.Actor("officer.2")).Then()
        );
    }

    [Fact]
    public void A_record_goes_along_with_a_split_and_one_of_an_older_database_belongs_to_whoever_registered_first()
    {
        var person = Given.State<Member>(Id, AtHome, AtOther); // as it was written before records were kept apart
        Assert.Equal(Id, person.RecordOf("collective-1"));
        Assert.Null(person.RecordOf("collective-2"));
        person = person.And(Id, new MembershipMoved("collective-1", "collective-3", "370811102203"))!;
        Assert.Equal(Id, person.RecordOf("collective-3"));
        Assert.Null(person.RecordOf("collective-2"));
    }

    [Fact]
    public void C4_a_death_is_one_persons_word_until_another_confirms_it_and_can_be_undone()
    {
        var person = Given.State<Member>(Id, AtHome, AtOther);
        var year = Given.State<MemberYear>(
            "member-year-1-2026",
            new ContributionRecorded(ContributionKind.Regular, new Money(30_000), new Money(30_000), Day, "SW1")
        );
        MemberDecider.ReportDeath(person, "collective-2", Day, [], Officer).ThenRefused(Rejections.EvidenceMissing);
        person = person.And(Id, MemberDecider.ReportDeath(person, "collective-2", Day, Paper, Officer).Then())!;
        Assert.Equal(
            Rejections.MemberDeceased,
            MemberYearDecider.Ineligible(person, year, new Lineage(["collective-2"], []))?.Code
        );
        Assert.Null(MemberYearDecider.Ineligible(person, year, new Lineage(["collective-1"], [])));
        MemberDecider.ReportDeath(person, "collective-2", Day, Paper, Officer).ThenRefused(Rejections.WrongState);
        MemberDecider
            .ConfirmDeath(person, "collective-2", false, _ => true, Officer)
            .ThenRefused(Rejections.SelfApproval);
        MemberDecider
            .ConfirmDeath(person, "collective-2", false, v => v == Other, Given.Actor("second", "village-finance"))
            .ThenRefused(Rejections.AgencyNeeded);
        MemberDecider.ConfirmDeath(person, "collective-1", true, _ => true, Agency).ThenRefused(Rejections.WrongState);
        Assert.Empty(
            person.And(Id, MemberDecider.DismissDeath(person, "collective-2", "误报", Agency).Then())!.DeathReports
        );
        person = person.And(Id, MemberDecider.ConfirmDeath(person, "collective-2", true, _ => false, Agency).Then())!;
        Assert.Equal((Day, 0), (person.DiedOn, person.DeathReports.Count));
        Assert.Equal(
            Rejections.MemberDeceased,
            MemberYearDecider.Ineligible(person, year, new Lineage(["collective-1"], []))?.Code
        );
        MemberDecider.RecordDeath(person, Day, Paper).ThenRefused(Rejections.WrongState);
        MemberDecider.RevokeDeath(person, "误登", [], Agency).ThenRefused(Rejections.EvidenceMissing);
        person = person.And(Id, MemberDecider.RevokeDeath(person, "误登", Paper, Agency).Then())!;
        Assert.Null(MemberYearDecider.Ineligible(person, year, new Lineage(["collective-1"], [])));
        MemberDecider.RevokeDeath(person, "再次", Paper, Agency).ThenRefused(Rejections.WrongState);
    }
}
