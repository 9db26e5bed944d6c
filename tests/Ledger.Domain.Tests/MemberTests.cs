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
        // The home went up in this one.
        Assert.False(MemberDecider.MustAsk(person, ["collective-2", "collective-1"], v => Sees(Other, v)));
        var both = person.And(Id, AtOther)!;
        // Its own member, whoever else's.
        Assert.False(MemberDecider.MustAsk(both, ["collective-1"], v => Sees(Home, v)));
        Assert.False(MemberDecider.MustAsk(both, ["collective-2"], v => Sees(Other, v)));
        var left = person.And(Id, new MembershipEnded("collective-1", Day, "x"))!;
        Assert.True(MemberDecider.MustAsk(left, ["collective-2"], v => Sees(Other, v)));
        Assert.False(MemberDecider.MustAsk(left, ["collective-1"], v => Sees(Home, v))); // back again
        var moved = left.And(Id, AtOther)!;
        // Back, and at home elsewhere by now.
        Assert.True(MemberDecider.MustAsk(moved, ["collective-1"], v => Sees(Home, v)));
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
        // As it was recorded before two people had to do it.
        person = person.And(Id, new DeathRevoked("误登", Paper, "agency.1"))!;
        Assert.Null(MemberYearDecider.Ineligible(person, year, new Lineage(["collective-1"], [])));
    }

    private static readonly Oversight OfAgency = new(true, _ => false),
        OfHome = new(false, v => Sees(Home, v)),
        OfOther = new(false, v => Sees(Other, v));
    private static readonly Actor Second = Given.Actor("officer.3", "village-finance");
    private static readonly RecordDigest[] Written = [new(Id, "n")];

    private static Correction Wrong(params MemberDatum[] changed) => new("collective-1", changed, "第2组", "笔误", []);

    private static Decision<Member> Correct(Member person, Correction c, Oversight over) =>
        MemberChangeDecider.Correct(person, c, over, Written, "change-1", Officer);

    [Fact]
    public void C4_phone_card_and_group_are_corrected_by_one_person_and_the_event_says_which_and_not_what()
    {
        var person = Given.State(Id, AtHome);
        var c = Wrong(MemberDatum.Phone, MemberDatum.BankCard, MemberDatum.Group);
        var corrected = Assert.IsType<MemberCorrected>(Assert.Single(Correct(person, c, OfHome).Then()));
        Assert.Equal([MemberDatum.Phone, MemberDatum.BankCard, MemberDatum.Group], corrected.Changed);
        Assert.Equal(Written, corrected.Records);
        Assert.Equal(
            ("collective-1", "第2组", "笔误", "officer.1", null),
            (corrected.CollectiveId, corrected.Group, corrected.Reason, corrected.CorrectedBy, corrected.ChangeId)
        );
        person = person.And(Id, Correct(person, c, OfHome).Then())!;
        Assert.Equal(("第2组", "n"), (person.Groups["collective-1"], person.Digests[Id]));
        // What did not change stays.
        person = person.And(Id, Correct(person, Wrong(MemberDatum.Phone), OfHome).Then())!;
        Assert.Equal("第2组", person.Groups["collective-1"]);
        Correct(person, Wrong(), OfHome).ThenRefused(Rejections.WrongState);
        Correct(person, Wrong(MemberDatum.Phone) with { CollectiveId = "collective-9" }, OfHome)
            .ThenRefused(Rejections.NotAMember);
        Correct(person.And(Id, new PersonalDataErased("x"))!, Wrong(MemberDatum.Phone), OfHome)
            .ThenRefused(Rejections.WrongState);
        Correct(person.And(Id, new RecordJoined("collective-1", "member-9"))!, Wrong(MemberDatum.Phone), OfHome)
            .ThenRefused(Rejections.WrongState);
        // A membership from before records were kept apart has none of its own.
        var both = person.And(Id, AtOther)!;
        Correct(both, Wrong(MemberDatum.Phone) with { CollectiveId = "collective-2" }, OfOther)
            .ThenRefused(Rejections.AgencyNeeded);
        Assert.Single(Correct(both, Wrong(MemberDatum.Group) with { CollectiveId = "collective-2" }, OfOther).Then());
    }

    [Fact]
    public void C4_C20_a_name_needs_a_document_or_a_second_person_and_of_two_villages_the_agency()
    {
        var person = Given.State(Id, AtHome);
        var name = Wrong(MemberDatum.Name, MemberDatum.Phone);
        var paper = name with { Evidence = Paper };
        Assert.Equal(
            [MemberDatum.Name, MemberDatum.Phone],
            Assert.IsType<MemberCorrected>(Assert.Single(Correct(person, paper, OfHome).Then())).Changed
        );
        var events = Correct(person, name, OfHome).Then();
        Assert.Equal([MemberDatum.Phone], Assert.IsType<MemberCorrected>(events[0]).Changed);
        Assert.Equal(MemberChange.Name, Assert.IsType<MemberChangeRequested>(events[1]).Change);
        person = person.And(Id, events)!;
        Correct(person, name, OfHome).ThenRefused(Rejections.WrongState);
        Assert.Single(Correct(person, Wrong(MemberDatum.Phone), OfHome).Then());

        Decision<Member> Confirm(Member p, Oversight over, Actor by) =>
            MemberChangeDecider.Confirm(p, "change-1", over, Written, by);
        Confirm(person, OfHome, Officer).ThenRefused(Rejections.SelfApproval);
        Confirm(person, OfAgency, Officer).ThenRefused(Rejections.SelfApproval);
        Confirm(person, OfAgency, Second with { OnBehalfOf = "officer.1" }).ThenRefused(Rejections.SelfApproval);
        var both = person.And(Id, new MemberRegistered("collective-2", Other, "e", null, Apart))!;
        Confirm(both, OfHome, Second).ThenRefused(Rejections.AgencyNeeded);
        Correct(both, paper, OfHome).ThenRefused(Rejections.AgencyNeeded);
        Confirm(person.And(Id, new PersonalDataErased("x"))!, OfHome, Second).ThenRefused(Rejections.WrongState);
        var done = Confirm(person, OfHome, Second).Then();
        Assert.Equal(
            ("officer.3", "change-1"),
            (((MemberCorrected)done[0]).CorrectedBy, ((MemberCorrected)done[0]).ChangeId)
        );
        person = person.And(Id, done)!;
        Assert.Empty(person.Waiting);
        Confirm(person, OfHome, Second).ThenRefused(Rejections.WrongState);
        // Or it is declined, by whoever may answer for the village; not by the other one.
        Decision<Member> Decline(Member p, Oversight over) =>
            MemberChangeDecider.Decline(p, "change-1", over, "与证件不符", Officer);
        Decline(both, OfOther).ThenRefused(Rejections.AgencyNeeded);
        Assert.Empty(both.And(Id, Decline(both, OfHome).Then())!.Waiting);
        Decline(person, OfHome).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void C4_C20_a_mistaken_death_is_taken_back_by_two()
    {
        var alive = Given.State(Id, AtHome);
        var person = alive.And(Id, new DeathRecorded(Day, Paper))!;
        Decision<Member> Ask(Member p, IReadOnlyList<string> evidence) =>
            MemberChangeDecider.AskToRevokeDeath(p, "change-1", "collective-1", "健在", evidence, Officer);
        Ask(alive, Paper).ThenRefused(Rejections.WrongState);
        Ask(person, []).ThenRefused(Rejections.EvidenceMissing);
        person = person.And(Id, Ask(person, Paper).Then())!;
        Assert.Equal(Day, person.DiedOn);
        Ask(person, Paper).ThenRefused(Rejections.WrongState);
        MemberChangeDecider.Confirm(person, "change-1", OfHome, [], Officer).ThenRefused(Rejections.SelfApproval);
        MemberChangeDecider.Confirm(person, "change-2", OfHome, [], Second).ThenRefused(Rejections.WrongState);
        person = person.And(Id, MemberChangeDecider.Confirm(person, "change-1", OfHome, [], Second).Then())!;
        Assert.Equal((null, 0), (person.DiedOn, person.Waiting.Count));
    }

    [Fact]
    public void C4_C20_a_mistaken_departure_is_taken_back_by_two_and_the_membership_goes_on()
    {
        var member = Given.State(Id, AtHome, AtOther);
        var person = member
            .And(Id, new MembershipEnded("collective-2", Day, "迁出"))!
            .And(Id, new MembershipEnded("collective-1", Day.AddDays(5), "误登"))!;
        Decision<Member> Ask(Member p, string collective) =>
            MemberChangeDecider.AskToRevokeDeparture(p, "change-1", collective, "同名误登", [], Officer);
        Ask(member, "collective-1").ThenRefused(Rejections.WrongState);
        Ask(person, "collective-9").ThenRefused(Rejections.WrongState);
        person = person.And(Id, Ask(person, "collective-1").Then())!;
        Ask(person, "collective-1").ThenRefused(Rejections.WrongState);
        MemberChangeDecider.Confirm(person, "change-1", OfAgency, [], Officer).ThenRefused(Rejections.SelfApproval);
        var done = MemberChangeDecider.Confirm(person, "change-1", OfAgency, [], Second).Then();
        var back = person.And(Id, done)!;
        Assert.Equal(
            (Home, false, true, Day),
            (
                back.Memberships["collective-1"],
                back.Former.ContainsKey("collective-1"),
                back.Former.ContainsKey("collective-2"),
                back.EndedOn
            )
        );
        // Who came back by the list meanwhile is a member already.
        MemberChangeDecider
            .Confirm(person.And(Id, AtHome)!, "change-1", OfAgency, [], Second)
            .ThenRefused(Rejections.WrongState);
        // What went up in another one's record was no departure.
        Ask(Given.State(Apart, AtOther, new RecordJoined("collective-2", Id)), "collective-2")
            .ThenRefused(Rejections.WrongState);
    }
}
