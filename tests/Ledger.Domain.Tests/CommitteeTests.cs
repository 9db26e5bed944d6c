using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>The village's supervision committee (村务监督委员会) and the township's review: L7.</summary>
public sealed class CommitteeTests
{
    private const string Village = "370811102201",
        One = "member-00000000000000000000000000000001",
        Two = "member-00000000000000000000000000000002";
    private static readonly string[] Paper = [new('d', 64)];
    private static readonly DateOnly Noticed = new(2026, 5, 1),
        Due = new(2026, 5, 9);
    private static readonly Actor Committee = Given.Actor("committee"),
        Township = Given.Actor("township"),
        Officer = Given.Actor("officer");

    /// <summary>Two people, approved, the notice out since <see cref="Noticed"/>.</summary>
    private static Application Waiting(params IEventOf<Application>[] more) =>
        Given.State<Application>(
            "application-1",
            [
                new ApplicationFiled(
                    "plan-1",
                    1,
                    "collective-1",
                    "fund-1",
                    Village,
                    2026,
                    "general",
                    "officer",
                    "d",
                    "d",
                    2,
                    new Money(200)
                ),
                new LinesListed([
                    new RosterLine(2, One, new Money(30_000), new Money(100)),
                    new RosterLine(3, Two, new Money(30_000), new Money(100)),
                ]),
                new ApplicationReviewed("reviewer", [], true, true),
                new ApplicationApproved("approver", 2, new Money(200), new FenInterval(0, 200)),
                new NoticePublished(Noticed, Noticed.AddDays(7), "x"),
                .. more,
            ]
        );

    [Fact]
    public void C16_L7_who_waits_for_a_payment_is_told_everything_that_stands_in_its_way()
    {
        static (string, string?)[] Told(
            Application a,
            DateOnly today,
            bool signs = true,
            params LeftOutLine[] waiting
        ) => [.. Applications.Steps.Blocks.Of(a, signs, waiting, null, today).Select(b => (b.Why.Code.Code, b.Role))];
        Assert.Equal([("notice-open", null)], Told(Waiting(), Noticed));
        Assert.Equal(
            [("payment-held", Roles.Township), ("notice-open", null), ("notice-open", Roles.Township)],
            Told(Waiting(new ObjectionRaised("o", null, "x"), new PaymentHeld("committee", Noticed, "x")), Noticed)
        );
        Assert.Equal([("committee-signature-missing", Roles.SupervisionCommittee)], Told(Waiting(), Due));
        Assert.Empty(Told(Waiting(), Due, signs: false));
        Assert.Equal(
            [("finding-open", Roles.Agency)],
            Told(Waiting(), Due, false, new LeftOutLine(One, "finding-open", "x"))
        );
        // What is said is what the payment is refused with.
        var blocked = Applications.Steps.Blocks.Of(Waiting(), true, [], null, Due).Single().Why;
        Assert.Equal(Pay(Waiting()).ThenRefused(Rejections.CommitteeSignatureMissing).Detail, blocked.Detail);
        Assert.Empty(
            Told(
                Waiting(new PaymentSigned("c", 2, new Money(200)), new PaymentSent("o", 2, new Money(200), "b", [])),
                Due
            )
        );
    }

    [Fact]
    public void C16_C21_whose_turn_it_is_and_which_deadline_runs()
    {
        static (string?, DeadlineKind?) Whose(Application a, DateOnly today, params LeftOutLine[] waiting) =>
            Turn.Of(a, Applications.Steps.Blocks.Of(a, true, waiting, null, today)) is var turn
                ? (turn?.Role, turn?.By)
                : default;
        var signed = new PaymentSigned("c", 2, new Money(200));
        var objection = new ObjectionRaised("o", null, "x");
        Assert.Equal((null, null), Whose(Waiting(), Noticed)); // the notice runs: a day has to pass
        Assert.Equal((Roles.Township, DeadlineKind.ObjectionAnswer), Whose(Waiting(objection), Noticed));
        Assert.Equal(
            (Roles.Township, DeadlineKind.HoldDecision),
            Whose(Waiting(objection, new PaymentHeld("committee", Noticed, "x")), Noticed)
        );
        Assert.Equal((Roles.SupervisionCommittee, DeadlineKind.Payment), Whose(Waiting(), Due));
        Assert.Equal((Roles.VillageFinance, DeadlineKind.Payment), Whose(Waiting(signed), Due));
        Assert.Equal(
            (Roles.VillageFinance, DeadlineKind.Payment), // one waits for an answer, the other is paid
            Whose(Waiting(signed), Due, new LeftOutLine(One, "finding-open", "x"))
        );
        var paid = Waiting(signed, new PaymentSent("o", 2, new Money(200), "b", []));
        Assert.Equal((Roles.Agency, DeadlineKind.Credit), Whose(paid, Due));
        Assert.Equal(
            (Roles.Agency, DeadlineKind.Review),
            Whose(paid with { Status = ApplicationStatus.Reviewed }, Due)
        );
        Assert.Equal((null, null), Whose(paid with { Status = ApplicationStatus.Settled }, Due));
    }

    private static Application Then(Application a, Decision<Application> decision) => a.And(a.Id, decision.Then())!;

    private static Decision<Application> Pay(Application a, Actor? by = null, bool signs = true)
    {
        var years = a.Lines.ToDictionary(
            a.MemberYearId,
            l =>
                Given.State<MemberYear>(
                    a.MemberYearId(l),
                    Given.OwnPayment,
                    new SubsidyApproved(a.Id, "collective-1", "fund-1", "general", l.AmountFen, l.Fen!.Value)
                )
        );
        var fund = Given.State<Fund>(
            "fund-1",
            new FundOpened("collective-1", "n", Village),
            new FundsAllocated(
                "a",
                SourceKind.CollectiveIncome,
                "s",
                "general",
                new Money(200),
                new FenInterval(0, 200),
                Paper
            ),
            new FundsReserved(a.Id, "general", new Money(200), 2, new FenInterval(0, 200))
        );
        var people = new LineBasis(
            Lineage.Of(Given.State<Collective>("collective-1", new CollectiveRegistered("c", "n", Village)), []),
            new Standard(StandardKind.Flat, new Money(100), []),
            null,
            AgeLimits.None,
            a.Lines.ToDictionary(
                l => l.MemberId,
                l => Given.State<Member>(l.MemberId, new MemberRegistered("collective-1", Village, "d"))
            ),
            years,
            new Dictionary<string, int>()
        );
        return Applications.Steps.Pay.Decide(
            new(a, fund, people, [], null, signs),
            new Pay.Order(new Money(200), FundDecider.MemberSubsidy, "NX1", Paper, Due),
            Due,
            by ?? Officer
        );
    }

    [Fact]
    public void L7_a_payment_waits_for_the_committees_signature_where_the_policy_year_asks_for_it()
    {
        var waiting = Waiting();
        Pay(waiting).ThenRefused(Rejections.CommitteeSignatureMissing);
        Pay(waiting, signs: false).Then();
        var signed = Assert.IsType<PaymentSigned>(
            Assert.Single(Applications.Steps.Committee.Sign(waiting, Due, Committee).Then())
        );
        Assert.Equal(("committee", 2, new Money(200)), (signed.SignedBy, signed.Lines, signed.AmountFen));
        Pay(Waiting(signed)).Then();
        Applications.Steps.Committee.Sign(Waiting(signed), Due, Committee).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void L7_it_signs_what_will_be_paid_so_not_before_the_notice_is_over_and_all_is_answered()
    {
        Applications.Steps.Committee.Sign(Waiting(), Due.AddDays(-1), Committee).ThenRefused(Rejections.NoticeOpen);
        Applications
            .Steps.Committee.Sign(Waiting(new ObjectionRaised("o", One, "x")), Due, Committee)
            .ThenRefused(Rejections.NoticeOpen);
    }

    [Fact]
    public void L7_what_the_bank_sent_back_is_signed_anew()
    {
        var paid = Waiting(
            new PaymentSigned("committee", 2, new Money(200)),
            new PaymentSent("officer", 2, new Money(200), "NX1", Paper),
            new PaymentReturned("officer", [One], new Money(100), "TH1", "x", Paper)
        );
        Assert.False(paid.IsPaymentSigned);
        var again = Assert.IsType<PaymentSigned>(
            Assert.Single(Applications.Steps.Committee.Sign(paid, Due, Committee).Then())
        );
        Assert.Equal((1, new Money(100)), (again.Lines, again.AmountFen));
    }

    [Fact]
    public void L7_a_hold_stops_the_payment_and_the_signature_until_the_township_lifts_it()
    {
        var held = Then(Waiting(), Applications.Steps.Committee.Hold(Waiting(), "第3组待核实", Due, Committee));
        Assert.Equal(("committee", Due, "第3组待核实"), (held.Hold!.HeldBy, held.Hold.On, held.Hold.Reason));
        Assert.Contains("第3组待核实", Pay(held).ThenRefused(Rejections.PaymentHeld).Detail, StringComparison.Ordinal);
        Pay(held, signs: false).ThenRefused(Rejections.PaymentHeld);
        Applications.Steps.Committee.Sign(held, Due, Committee).ThenRefused(Rejections.PaymentHeld);
        Applications.Steps.Pay.Disclose(held, [.. held.Lines], Officer).ThenRefused(Rejections.PaymentHeld);
        Applications.Steps.Committee.Hold(held, "x", Due, Committee).ThenRefused(Rejections.WrongState);

        var lifted = Then(held, Applications.Steps.Committee.Lift(held, "已核实", Township));
        Assert.Null(lifted.Hold);
        Pay(lifted, signs: false).Then();
        Applications.Steps.Committee.Lift(lifted, "x", Township).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void L7_nobody_lifts_who_handled_the_application_or_held_it_under_whatever_account()
    {
        var held = Waiting(new PaymentHeld("committee", Due, "x", "away"));
        foreach (var name in (string[])["officer", "reviewer", "approver", "committee", "away"])
        {
            var by = Given.Actor("other") with
            {
                Persons = new Dictionary<string, string> { ["other"] = "p", [name] = "p" },
            };
            Applications.Steps.Committee.Lift(held, "x", by).ThenRefused(Rejections.SelfApproval);
        }
        Applications.Steps.Committee.Lift(held, "x", Given.Actor("other")).Then();
    }

    [Fact]
    public void L7_who_handled_the_application_does_not_sign_it_and_who_signed_does_not_pay()
    {
        foreach (var name in (string[])["officer", "reviewer", "approver"])
            Applications.Steps.Committee.Sign(Waiting(), Due, Given.Actor(name)).ThenRefused(Rejections.SelfApproval);
        Pay(Waiting(new PaymentSigned("committee", 2, new Money(200))), Committee).ThenRefused(Rejections.SelfApproval);
        // Who held before may sign when it is lifted: he has seen to it.
        Applications
            .Steps.Committee.Sign(
                Waiting(new PaymentHeld("committee", Due, "x"), new PaymentHoldLifted("township", "x")),
                Due,
                Committee
            )
            .Then();
    }

    [Fact]
    public void L7_only_what_is_approved_and_unpaid_is_held_and_with_the_application_the_hold_ends()
    {
        var paid = Waiting(
            new PaymentSigned("committee", 2, new Money(200)),
            new PaymentSent("officer", 2, new Money(200), "NX1", Paper)
        );
        Applications.Steps.Committee.Hold(paid, "x", Due, Committee).ThenRefused(Rejections.WrongState);
        var held = Waiting(new PaymentHeld("committee", Due, "x"));
        var some = Withdraw.MoveSome(held, [One], "x", Officer);
        Assert.NotNull(Then(held, some).Hold);
        Assert.Null(Then(held, Withdraw.MoveAll(held, "x", Officer)).Hold);
    }

    [Fact]
    public void L7_a_hold_has_a_deadline_of_its_own_and_one_that_was_lifted_is_not_missed()
    {
        var days = Deadlines.Default with { HoldDays = 3 };
        var start = new DateTimeOffset(2026, 5, 2, 1, 0, 0, TimeSpan.Zero);
        (IEventOf<Application> Event, DateTimeOffset At)[] history =
        [
            (new PaymentHeld("committee", Noticed, "x"), start),
            (new PaymentHoldLifted("township", "x"), start.AddDays(1)),
            (new PaymentHeld("committee", Noticed, "y"), start.AddDays(2)),
        ];
        var state = Waiting([.. history.Select(h => h.Event)]);
        var due = Assert.Single(Supervision.Waiting(state, history, days, 7));
        Assert.Equal((DeadlineKind.HoldDecision, start.AddDays(5)), (due.Kind, due.DueAt));
        Assert.Empty(Supervision.Waiting(state with { Hold = null }, history, days, 7));
    }

    private static readonly PolicyYear Asking = Given.State<PolicyYear>(
        "p",
        new PolicyYearPublished(
            "3708",
            2026,
            new PolicyParameters(
                new DateOnly(2026, 1, 1),
                [new(new Money(30_000), new Money(4_000)), new(new Money(500_000), new Money(8_000))],
                262,
                7,
                [new("households", 2, 3, false)],
                CommitteeSignsPlan: true
            )
        )
    );

    private static readonly ResolutionRecorded Meeting = new(
        1,
        new Resolution("households", new DateOnly(2026, 4, 1), 210, 180, 170, 0, "m")
    );

    private static Plan Draft(params IEventOf<Plan>[] more) =>
        Given.State<Plan>(
            "plan-1",
            [
                new PlanDrafted(
                    "collective-1",
                    "fund-1",
                    Village,
                    2026,
                    new PlanContent("s", "s", new Standard(StandardKind.Flat, new Money(10_000), []))
                ),
                .. more,
            ]
        );

    private static Decision<Plan> Adopt(Plan plan, params string[] signers) =>
        PlanDecider.Adopt(
            plan,
            Given.State<Collective>(
                "collective-1",
                new CollectiveRegistered("c", "n", Village),
                new CollectiveSurveyed(2026, new Survey(new Money(1), 600, 500, 400))
            ),
            0,
            Given.State<Pilot>("pilot", new PilotApplied("370811", "x", "y", []), new PilotApproved("x")),
            Asking,
            signers,
            Officer
        );

    [Fact]
    public void L7_a_plan_waits_for_the_committees_signature_on_what_the_meeting_decided()
    {
        PlanDecider.Sign(Draft(), [], Committee).ThenRefused(Rejections.ResolutionMissing);
        Adopt(Draft(Meeting)).ThenRefused(Rejections.CommitteeSignatureMissing);
        PlanDecider.Sign(Draft(Meeting), ["officer", "committee"], Committee).ThenRefused(Rejections.SelfApproval);
        var signed = Assert.Single(PlanDecider.Sign(Draft(Meeting), ["officer"], Committee).Then());
        Adopt(Draft(Meeting, signed), "committee").Then();
        Adopt(Draft(Meeting, signed), "officer").ThenRefused(Rejections.SelfApproval);
        PlanDecider.Sign(Draft(Meeting, signed), [], Committee).ThenRefused(Rejections.WrongState);
        // Another resolution, and another version, are signed anew.
        Adopt(Draft(Meeting, signed, Meeting), "committee").ThenRefused(Rejections.CommitteeSignatureMissing);
        var amended = new PlanAmended(2, Draft().Versions[0], "x");
        Adopt(Draft(Meeting, signed, amended, Meeting with { PlanVersion = 2 }), "committee")
            .ThenRefused(Rejections.CommitteeSignatureMissing);
    }

    [Fact]
    public void L7_the_dossier_of_a_plan_has_the_signature_on_the_resolution_that_counts()
    {
        Dossier Of(params IEventOf<Plan>[] events) =>
            Dossier.Of(1, [.. Drafted().Concat(events).Select((e, i) => (Noticed.AddDays(i), e))])!;
        static IEnumerable<IEventOf<Plan>> Drafted() =>
            [new PlanDrafted("collective-1", "fund-1", Village, 2026, Draft().Versions[0])];
        Assert.Equal(Noticed.AddDays(2), Of(Meeting, new PlanSigned(1, "committee")).SignedOn);
        Assert.Null(Of(Meeting, new PlanSigned(1, "committee"), Meeting).SignedOn);
    }

    [Fact]
    public void L7_a_year_from_before_the_rule_asks_the_committee_for_nothing()
    {
        var before = new PolicyParameters(new DateOnly(2026, 1, 1), [], 0, 7, []);
        Assert.Equal((false, false), (before.CommitteeSignsPlan, before.CommitteeSignsPayments));
        Assert.Equal(7, new Deadlines(15, 30, 30, 7, 365).HoldDays);
    }

    // Who may sit on it

    private static readonly DateOnly Today = new(2026, 3, 2);

    private static Account Account(string name, string role, string? person, string region = Village) =>
        Given.State<Account>($"account-{name}", new AccountOpened(name, role, region, person, person));

    private static Rejection? Seat(string? person, params Account[] others) =>
        CommitteeDuties.Refusal("li.si", person, Roles.SupervisionCommittee, Village, others, Today);

    [Fact]
    public void L7_nobody_keeps_the_books_and_sits_on_the_committee_of_the_same_village()
    {
        var officer = Account("wang.wu", Roles.VillageFinance, "p1");
        Assert.Equal(Rejections.DutiesIncompatible, Seat("p1", officer)!.Code);
        Assert.Null(Seat("p2", officer));
        Assert.Null(Seat("p1", Account("wang.wu", Roles.VillageFinance, "p1", "370811102202")));
        Assert.Null(Seat("p1", officer.And(officer.Id, new AccountClosed("调离"))!));
        // The other way round, and by delegation.
        Assert.Equal(
            Rejections.DutiesIncompatible,
            CommitteeDuties
                .Refusal(
                    "li.si",
                    "p1",
                    Roles.VillageFinance,
                    Village,
                    [Account("zhao.liu", Roles.SupervisionCommittee, "p1")],
                    Today
                )!
                .Code
        );
        Assert.Equal(
            Rejections.DutiesIncompatible,
            Seat("p2", officer.And(officer.Id, new DelegationGranted("li.si", Today))!)!.Code
        );
        // What is asked for counts while it waits.
        var asked = Given.State<Account>(
            "account-wang.wu",
            new AccountChangeRequested(
                "r",
                ChangeKind.Opening,
                "wang.wu",
                Roles.VillageFinance,
                Village,
                "",
                "first",
                Today.AddDays(7),
                "p1",
                "d"
            )
        );
        Assert.Equal(Rejections.DutiesIncompatible, Seat("p1", asked)!.Code);
        Assert.Null(CommitteeDuties.Refusal("li.si", "p1", Roles.VillageFinance, Village, [asked], Today.AddDays(8)));
    }

    [Fact]
    public void L7_who_is_not_named_cannot_be_told_apart()
    {
        Assert.Equal(Rejections.WrongState, Seat(null)!.Code);
        Assert.Equal(Rejections.WrongState, Seat("p2", Account("wang.wu", Roles.VillageFinance, null))!.Code);
        // Roles of elsewhere are nobody's business here.
        Assert.Null(CommitteeDuties.Refusal("li.si", null, Roles.Agency, "370811", [], Today));
        Assert.Null(CommitteeDuties.Refusal("li.si", null, Roles.VillageFinance, Village, [], Today));
    }

    [Fact]
    public void L7_whoever_opens_the_account_has_looked_for_kin_and_the_event_says_so()
    {
        Decision<Account> Open(bool? confirmed, bool isAlone = true) =>
            AccountDecider.Open(
                null,
                "li.si",
                Roles.SupervisionCommittee,
                Village,
                new Holder("p2", "d"),
                "r",
                isAlone,
                Today,
                Given.Actor("first"),
                confirmed
            );
        Assert.Equal("confirmedNoKin", Open(null).ThenRefused(Rejections.FieldInvalid).Field);
        Open(false).ThenRefused(Rejections.FieldInvalid);
        Assert.True(Assert.IsType<AccountOpened>(Assert.Single(Open(true).Then())).ConfirmedNoKin);
        // What one administrator said goes along to what the other confirms.
        var asked = Given.State<Account>("account-li.si", [.. Open(true, isAlone: false).Then()]);
        var second = Given.Actor("second", Roles.Administrator) with
        {
            Persons = new Dictionary<string, string> { ["first"] = "a", ["second"] = "b" },
        };
        Assert.True(
            Assert
                .IsType<AccountOpened>(Assert.Single(AccountDecider.Confirm(asked, false, Today, second).Then()))
                .ConfirmedNoKin
        );
    }
}
