using Ledger.Domain.Accounts;
using Ledger.Domain.Applications;
using Ledger.Domain.Feeds;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Domain.Screening;
using Ledger.Domain.Tasks;

namespace Ledger.Domain.Tests;

/// <summary>What waits for whom (待办), by the states alone.</summary>
public sealed class TaskTests
{
    private const string Village = "370811102201",
        One = "member-00000000000000000000000000000001",
        Two = "member-00000000000000000000000000000002";
    private static readonly DateOnly Noticed = new(2026, 5, 1),
        Over = new(2026, 5, 9);

    private static readonly IEventOf<Application>[] Filed =
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
    ];
    private static readonly IEventOf<Application>[] Reviewed =
        [.. Filed, new ApplicationReviewed("li", [], true, true)],
        Approved = [.. Reviewed, new ApplicationApproved("approver", 2, new Money(200), new FenInterval(0, 200))],
        Public = [.. Approved, new NoticePublished(Noticed, Noticed.AddDays(7), "x")];

    private static PaymentSent Pays(params string[] members) =>
        new("officer", members.Length, new Money(members.Length * 100), "NX1", [], members);

    /// <summary>As <c>role: kind</c>, of all who have one.</summary>
    private static string[] Told(
        IEventOf<Application>[] history,
        DateOnly today,
        bool signs = false,
        bool cameBack = false
    )
    {
        var state = Given.State("application-1", history);
        return
        [
            .. Roles.Everybody.SelectMany(role =>
                Waiting
                    .Of(state, Given.Actor(role == Roles.Agency ? "wang" : role, role), signs, cameBack, today)
                    .Select(t => $"{role}: {t.Kind} {t.Count}")
            ),
        ];
    }

    [Fact]
    public void C15_an_application_waits_for_one_office_at_a_time_from_filing_to_payment()
    {
        Assert.Equal(["agency: Review 1"], Told(Filed, Noticed));
        Assert.Equal(["agency: Approval 1"], Told(Reviewed, Noticed));
        Assert.Equal(["village-finance: Correction 1"], Told([.. Filed, new ApplicationReturned("li", "x")], Noticed));
        Assert.Equal(["village-finance: NoticePosting 1"], Told(Approved, Noticed));
        Assert.Empty(Told(Public, Noticed)); // the notice runs
        Assert.Equal(["village-finance: Payment 1"], Told(Public, Over));
        Assert.Equal(["supervision-committee: PaymentSignature 1"], Told(Public, Over, signs: true));
        Assert.Equal(["village-finance: PaymentBack 1"], Told(Public, Over, cameBack: true));
    }

    [Fact]
    public void C15_whoever_reviewed_it_is_not_asked_to_approve_it()
    {
        var state = Given.State("application-1", Reviewed);
        Assert.Empty(Waiting.Of(state, Given.Actor("li"), false, false, Noticed));
        Assert.Empty(Waiting.Of(state, Given.Actor("wang") with { OnBehalfOf = "li" }, false, false, Noticed));
        Assert.Equal(
            (TaskKind.Approval, 1),
            Assert.Single(Waiting.Of(state, Given.Actor("wang"), false, false, Noticed))
        );
    }

    [Fact]
    public void C17_what_is_paid_waits_for_its_receipts_and_the_rest_of_it_for_the_village()
    {
        Assert.Equal(["agency: Receipts 1", "village-finance: Payment 1"], Told([.. Public, Pays(One)], Over));
        Assert.Equal(["agency: Receipts 1"], Told([.. Public, Pays(One, Two)], Over));
    }

    [Fact]
    public void C16_L7_L18_what_is_to_be_answered_waits_for_the_township_until_it_is()
    {
        IEventOf<Application>[] objected = [.. Public, new ObjectionRaised("objection-1", One, "x")];
        Assert.Equal(["township: Objection 1"], Told(objected, Over));
        Assert.Equal(
            ["village-finance: Payment 1"],
            Told([.. objected, new ObjectionResolved("objection-1", false, "x", "township")], Over)
        );
        Assert.Equal(["township: PaymentHold 1"], Told([.. Public, new PaymentHeld("committee", Over, "x")], Over));
        IEventOf<Application>[] complained = [.. Approved, new ComplaintRaised("complaint-1", One, "x")];
        Assert.Contains("township: Complaint 1", Told(complained, Noticed));
        string[] counties = ["county-hrss: Complaint 1", "county-agriculture: Complaint 1"];
        var escalated = Told([.. complained, new ComplaintEscalated("complaint-1")], Noticed);
        Assert.Equal([.. counties, "village-finance: NoticePosting 1"], escalated);
    }

    [Fact]
    public void C20_a_second_person_is_asked_and_never_the_first()
    {
        var today = Noticed;
        var account = Given.State<Account>(
            "account-li",
            new AccountOpened("li", Roles.Agency, "370811"),
            new AccountChangeRequested("r", ChangeKind.Role, "li", Roles.Agency, "370812", "x", "first", today)
        );
        Actor Administrator(string id) => Given.Actor(id, Roles.Administrator);
        Assert.Equal(TaskKind.AccountConfirmation, Waiting.Of(account, Administrator("second"), today));
        Assert.Null(Waiting.Of(account, Administrator("first"), today));
        Assert.Null(Waiting.Of(account, Administrator("second"), today.AddDays(1)));
        Assert.Equal(TaskKind.OwnAccount, Waiting.Of(account, Given.Actor("li"), today));
        Assert.Null(Waiting.Of(account, Given.Actor("wang"), today));

        var subscription = Given.State<Subscription>(
            "subscription-1",
            new SubscriptionOpened("370811", "x", "https://example.cn", [], "first")
        );
        Actor Hrss(string id) => Given.Actor(id, Roles.CountyHrss);
        Assert.Equal(TaskKind.SubscriptionConfirmation, Waiting.Of(subscription, Hrss("h"), false));
        Assert.Null(Waiting.Of(subscription, Hrss("first"), false));
        Assert.Null(Waiting.Of(subscription, Given.Actor("a", Roles.Auditor), false));
        var paused = subscription.And(
            "subscription-1",
            new SubscriptionConfirmed("h"),
            new SubscriptionPaused("x", "first")
        )!;
        Assert.Equal(TaskKind.SubscriptionPaused, Waiting.Of(paused, Administrator("first"), true));
        Assert.Null(Waiting.Of(paused, Administrator("first"), false)); // somebody paused it himself
    }

    [Fact]
    public void C20_a_finding_asks_whom_it_is_about_once_and_auditors_until_it_is_closed()
    {
        var finding = Given.State<ScreeningFinding>(
            "screening-1",
            new ScreeningFindingAnswered(
                default,
                Village,
                2026,
                new Money(1),
                1,
                "x",
                [],
                ["li"],
                "x",
                "",
                [],
                Noticed,
                "auditor"
            )
        );
        var auditor = Given.Actor("auditor", Roles.Auditor);
        Assert.Equal(TaskKind.FindingExplanation, Waiting.Of(finding, Given.Actor("li")));
        Assert.Null(Waiting.Of(finding, Given.Actor("wang")));
        Assert.Equal(TaskKind.FindingClosure, Waiting.Of(finding, auditor));
        var explained = finding.And("screening-1", new ScreeningFindingExplained("x", [], Noticed, "li"))!;
        Assert.Null(Waiting.Of(explained, Given.Actor("li")));
        var closed = explained.And("screening-1", new ScreeningFindingClosed(default, "x", Noticed, "auditor"))!;
        Assert.Null(Waiting.Of(closed, auditor));
    }

    [Fact]
    public void L7_C21_what_the_meeting_decided_waits_for_the_committee_and_the_township_where_the_year_asks_for_them()
    {
        var resolution = new Resolution("households", Noticed, 30, 28, 26, 2, "d");
        var drafted = new PlanDrafted(
            "collective-1",
            "fund-1",
            Village,
            2026,
            new PlanContent("s", "s", new Standard(StandardKind.Flat, new Money(100), []))
        );
        var asked = new PolicyParameters(
            Noticed,
            [new ContributionTier(new Money(30_000), Money.Zero)],
            262,
            7,
            QuorumRule.Law,
            CountersignatureRequired: true,
            CommitteeSignsPlan: true
        );
        string[] ToldOf(PolicyParameters? policy, params IEventOf<Plan>[] events)
        {
            var plan = Given.State("plan-1", [drafted, .. events]);
            return
            [
                .. Roles
                    .Everybody.Select(r => Waiting.Of(plan, Given.Actor("x", r), policy))
                    .OfType<TaskKind>()
                    .Select(k => $"{k}"),
            ];
        }
        IEventOf<Plan> decided = new ResolutionRecorded(1, resolution);
        Assert.Empty(ToldOf(asked)); // no meeting yet
        Assert.Equal(["PlanCountersignature", "PlanSignature"], ToldOf(asked, decided).Order());
        Assert.Equal(["PlanSignature"], ToldOf(asked, decided, new PlanCountersigned(1, "t")));
        Assert.Equal(["PlanCountersignature"], ToldOf(asked, decided, new PlanSigned(1, "c")));
        Assert.Empty(ToldOf(asked with { CountersignatureRequired = false, CommitteeSignsPlan = false }, decided));
        Assert.Empty(ToldOf(null, decided));
        Assert.Empty(ToldOf(asked, decided, new PlanAdopted(1)));
        // An amendment needs its own.
        Assert.Equal(
            ["PlanCountersignature"],
            ToldOf(
                asked,
                decided,
                new PlanCountersigned(1, "t"),
                new PlanAdopted(1),
                new PlanAmended(2, drafted.Content, "x"),
                new ResolutionRecorded(2, resolution),
                new PlanSigned(2, "c")
            )
        );
    }

    [Fact]
    public void C20_a_mistaken_contribution_waits_for_whom_somebody_named_until_it_is_taken_out()
    {
        IEventOf<MemberYear>[] asked =
        [
            Given.OwnPayment,
            new ContributionReversalRequested("r", "tax.first", "tax.second", "x", "tax.third"),
        ];
        var state = Given.State("member-year-00000000000000000000000000000001-2026", asked);
        Actor Tax(string id) => Given.Actor(id, Roles.CountyTax);
        Assert.Equal(1, Waiting.Of(state, Tax("tax.second")));
        Assert.Equal(0, Waiting.Of(state, Tax("tax.first")));
        Assert.Equal(0, Waiting.Of(state, Tax("tax.other")));
        Assert.Equal(0, Waiting.Of(state, Tax("tax.second") with { OnBehalfOf = "tax.third" }));
        Assert.Equal(0, Waiting.Of(state, Given.Actor("tax.second", Roles.Auditor)));
        var done = state.And(state.Id, new ContributionReversed("r", new Money(30_000), "tax.second"))!;
        Assert.Equal(0, Waiting.Of(done, Tax("tax.second")));
    }

    [Fact]
    public void A_task_is_another_when_it_comes_back_or_its_last_day_is_near()
    {
        var since = new DateTimeOffset(2026, 5, 1, 8, 0, 0, TimeSpan.Zero);
        var task = new WorkTask(TaskKind.Review, "application-1", Village, since, new DateOnly(2026, 5, 16));
        Assert.Equal("/applications/application-1/review", task.Path);
        Assert.Equal(
            [TaskUrgency.Usual, TaskUrgency.Near, TaskUrgency.Near, TaskUrgency.Missed],
            ((int[])[12, 13, 16, 17]).Select(day => task.At(new DateOnly(2026, 5, day)))
        );
        Assert.Equal(task.KeyAt(new DateOnly(2026, 5, 1)), task.KeyAt(new DateOnly(2026, 5, 12)));
        Assert.NotEqual(task.KeyAt(new DateOnly(2026, 5, 12)), task.KeyAt(new DateOnly(2026, 5, 13)));
        var again = task with { Since = since.AddDays(1) };
        Assert.NotEqual(task.KeyAt(Noticed), again.KeyAt(Noticed));
        Assert.Equal(TaskUrgency.Usual, (task with { Due = null }).At(new DateOnly(2099, 1, 1)));
    }

    [Fact]
    public void Every_kind_has_one_rule_somebody_who_has_it_and_a_page()
    {
        Assert.Equal(Enum.GetValues<TaskKind>().Order(), TaskRules.All.Select(r => r.Kind).Order());
        Assert.All(TaskRules.All, r => Assert.NotEmpty(r.Roles));
        Assert.All(TaskRules.All, r => Assert.Empty(r.Roles.Except(Roles.Everybody)));
        Assert.All(TaskRules.All, r => Assert.StartsWith("/", r.Path, StringComparison.Ordinal));
    }
}
