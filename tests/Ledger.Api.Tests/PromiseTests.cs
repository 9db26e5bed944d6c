using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Projections.Checking.Promises;

namespace Ledger.Api.Tests;

/// <summary>
/// What check says to events that no decider would have let happen, and that it says nothing to those that one would.
/// </summary>
public sealed class PromiseTests
{
    private static readonly DateOnly March = new(2026, 3, 1);
    private readonly List<string> _broken = [];
    private readonly List<string> _unclear = [];
    private long _sequence;

    private void Breaks(string id, string clause, string found, string expected, long at) =>
        _broken.Add($"{clause} {found}");

    private void Notes(string id, string clause, string found, string expected, long at) =>
        _unclear.Add($"{clause} {found}");

    private Event<T> On<T>(DateOnly on, T data, string actor = "x", string stream = "", string role = "x")
        where T : notnull
    {
        var e = new Event<T>(data) { Sequence = ++_sequence, StreamKey = stream };
        e.SetHeader(EventHeaders.Actor, actor);
        e.SetHeader(EventHeaders.Role, role);
        e.SetHeader(EventHeaders.Region, "370811000001");
        e.SetHeader(EventHeaders.BusinessDate, $"{on:yyyy-MM-dd}");
        return e;
    }

    private static Money Yuan(long yuan) => new(yuan * 100);

    private static FenInterval Fen(long from, long to) => new(from * 100, to * 100);

    // Applications

    private static ApplicationFiled Filed(string by) =>
        new("p", 1, "c", "f", "370811000001", 2026, "general", by, "s", "r", 1, Yuan(100));

    private void Application(params IEvent[] events)
    {
        var application = new ApplicationPromises("application-1", _caps, Breaks, Notes);
        foreach (var e in events)
            application.Take(e);
    }

    private Event<ApplicationReviewed> Reviewed(string by) =>
        On(March, new ApplicationReviewed(by, [], true, true), by);

    private Event<ApplicationApproved> Approved(string by) =>
        On(March, new ApplicationApproved(by, 1, Yuan(100), Fen(0, 100)), by);

    private Event<PaymentSent> Paid(string by, DateOnly on) => On(on, new PaymentSent(by, 1, Yuan(100), "NX1", []), by);

    private Event<NoticePublished> Noticed() => On(March, new NoticePublished(March, March.AddDays(7), "x"));

    [Fact]
    public void C15_C16_the_way_of_an_application_breaks_no_promise()
    {
        Application(
            On(March, Filed("village"), "village"),
            Reviewed("second"),
            On(March, new ApplicationReturned("second", "x"), "second"),
            On(March, new ApplicationResubmitted(1, "village", "s", "r", 1, Yuan(100)), "village"),
            Reviewed("first"),
            Approved("second"), // who reviewed the roster that was sent back
            Noticed(),
            Paid("village", March.AddDays(8))
        );
        Assert.Empty(_broken.Concat(_unclear));
    }

    [Fact]
    public void C15_filer_reviewer_approver_and_payer_are_different_people_in_their_own_names()
    {
        Application(
            On(March, Filed("village"), "somebody"),
            Approved("village"),
            Reviewed("village"),
            Reviewed("agency"),
            Approved("agency"),
            Noticed(),
            Paid("agency", March.AddDays(8))
        );
        Assert.Equal(
            [
                "C15 village 与办理人 somebody 不符",
                "C15 village 审批了自己提交或复核的申请",
                "C15 没有复核就审批了",
                "C15 village 复核了自己提交的申请",
                "C15 agency 审批了自己提交或复核的申请",
                "C15 agency 支付了自己复核或审批的申请",
            ],
            _broken
        );
    }

    [Fact]
    public void L7_nothing_is_paid_while_it_is_held_and_the_committee_neither_pays_nor_lifts()
    {
        IEvent[] way = [On(March, Filed("v"), "v"), Reviewed("r"), Approved("a"), Noticed()];
        IEvent Signed(string by) => On(March, new PaymentSigned(by, 1, Yuan(100)), by);
        IEvent Held(string by) => On(March, new PaymentHeld(by, March, "x"), by);
        IEvent Lifted(string by) => On(March, new PaymentHoldLifted(by, "x"), by);
        var day = March.AddDays(8);
        Application([.. way, Held("c"), Lifted("t"), Signed("c"), Paid("v", day)]);
        Assert.Empty(_broken.Concat(_unclear));
        Application([.. way, Held("c"), Paid("v", day)]);
        Application([.. way, Held("c"), Lifted("c"), Signed("r"), Paid("c", day)]);
        Assert.Equal(
            [
                "L7 c 叫停后付了款",
                "L7 c 解除了自己叫停或经办的付款",
                "L7 r 为自己经办的申请签字",
                "L7 c 支付了自己签字或叫停的申请",
            ],
            _broken
        );
    }

    [Fact]
    public void L7_where_the_policy_year_asks_for_it_nothing_is_paid_that_the_committee_did_not_sign()
    {
        _caps.Take(
            On(
                March,
                new PolicyYearPublished(
                    "370811",
                    2026,
                    new PolicyParameters(March, [new(Yuan(5000), Yuan(80))], 262, 7, [], CommitteeSignsPayments: true)
                ),
                stream: "policy-year-370811-2026"
            )
        );
        IEvent[] way = [On(March, Filed("v"), "v"), Reviewed("r"), Approved("a"), Noticed()];
        IEvent Signed() => On(March, new PaymentSigned("c", 1, Yuan(100)), "c");
        var day = March.AddDays(8);
        Application([.. way, Signed(), Paid("v", day)]);
        Assert.Empty(_broken.Concat(_unclear));
        Application([.. way, Paid("v", day)]);
        Application([
            .. way,
            Signed(),
            Paid("v", day),
            On(day, new PaymentReturned("v", [], Yuan(100), "TH", "x", []), "v"),
            Paid("v", day),
        ]);
        Assert.Equal(["L7 没有村监委会签字就付款了", "L7 没有村监委会签字就付款了"], _broken);
    }

    [Fact]
    public void C16_nothing_is_paid_before_the_day_after_the_notice()
    {
        Application(
            On(March, Filed("v"), "v"),
            Reviewed("r"),
            Approved("a"),
            Paid("v", March),
            Noticed(),
            Paid("v", March.AddDays(7))
        );
        Assert.Equal(["C16 没有公示就付款了", "C16 付款的业务日期 2026-03-08"], _broken);
    }

    [Fact]
    public void C16_an_upheld_objection_has_its_effect_on_whom_the_answer_names_or_on_the_whole_list()
    {
        void Upheld(string? member, bool wholeList, Money? corrected = null) =>
            Application(
                On(March, Filed("v"), "v"),
                Reviewed("r"),
                Approved("a"),
                Noticed(),
                On(March, new ObjectionRaised("o", null, "x"), "public"),
                On(March, new ObjectionResolved("o", true, "x", "t", member, wholeList, corrected), "t"),
                Paid("v", March.AddDays(8))
            );
        Upheld("member-1", false);
        Upheld("member-1", false, Yuan(90));
        Upheld(null, true);
        Assert.Empty(_broken.Concat(_unclear));
        Upheld(null, false); // as builds before took it
        Assert.Equal("C16 异议 o 成立，名单和金额没有变化就付款了", Assert.Single(_unclear));
    }

    // Funds

    private Event<FundsAllocated> Allocated(DateOnly on, string id, long from, long to) =>
        On(on, new FundsAllocated(id, SourceKind.CollectiveIncome, "x", "general", Yuan(to - from), Fen(from, to), []));

    private void Fund(params IEvent[] events)
    {
        var fund = new FundPromises("fund-1", Breaks);
        foreach (var e in events)
            fund.Take(e);
        fund.Finish();
    }

    [Fact]
    public void C9_the_way_of_money_breaks_no_promise_also_back_dated_where_it_may_be()
    {
        Fund(
            Allocated(March, "a", 0, 100),
            On(March.AddDays(1), new FundsReserved("application-1", "general", Yuan(100), 1, Fen(0, 100))),
            On(March.AddDays(9), new FundsPaid("application-1", Yuan(100), 1, "NX1", [])),
            Allocated(March.AddDays(-60), "b", 100, 300),
            On(March.AddDays(10), new FundsCredited("application-1", Yuan(100), 1)),
            On(
                March.AddDays(10),
                new FundsRefunded(
                    "application-1",
                    "m",
                    "general",
                    Yuan(100),
                    true,
                    Fen(0, 100),
                    Fen(300, 400),
                    "TH1",
                    []
                )
            ),
            On(March.AddDays(11), new ReversalRequested("b", "village", "township", "x")),
            On(
                March.AddDays(11),
                new AllocationReversed("b", "general", Yuan(200), Fen(100, 300), null, null, "township")
            ),
            On(March.AddDays(12), new SurplusReturned("general", Yuan(100), Fen(300, 400), "x", []))
        );
        Assert.Empty(_broken);
    }

    [Fact]
    public void C9_C17_no_balance_is_negative_in_the_order_of_recording_or_on_any_business_date()
    {
        Fund(
            Allocated(March, "a", 0, 100),
            On(March.AddDays(-1), new FundsReserved("application-1", "general", Yuan(60), 1, Fen(0, 60))),
            On(March.AddDays(-2), new FundsPaid("application-1", Yuan(60), 1, "NX1", [])),
            On(March.AddDays(-3), new FundsCredited("application-1", Yuan(60), 1)),
            On(March, new FundsReserved("application-2", "general", Yuan(60), 1, Fen(60, 120)))
        );
        Assert.Equal(
            [
                "C9 可用 general -20.00 元",
                "C17 业务日期 2026-02-27 的已占用 -60.00 元",
                "C17 业务日期 2026-02-26 的在途 -60.00 元",
            ],
            _broken
        );
    }

    [Fact]
    public void C9_C20_the_rest_of_a_sub_account_goes_by_two_and_only_what_was_asked_for()
    {
        var day = new DateOnly(2026, 12, 1);
        IEvent Asked(int to) =>
            On(day, new SurplusReturnRequested("general", Fen(0, to), day, "village", "township", "x", []));
        IEvent Returned(string? by, string actor = "township") =>
            On(day, new SurplusReturned("general", Yuan(100), Fen(0, 100), "x", [], by), actor);
        Fund(Allocated(March, "a", 0, 100), Asked(100), Returned("township"));
        Fund(Allocated(March, "a", 0, 100), On(March, new SurplusReturned("general", Yuan(100), Fen(0, 100), "x", [])));
        Assert.Empty(_broken);
        Fund(Allocated(March, "a", 0, 100), Returned(null));
        Fund(Allocated(March, "a", 0, 100), Asked(90), Returned("township"));
        Fund(Allocated(March, "a", 0, 100), Asked(100), Returned("village", "village"));
        Fund(Allocated(March, "a", 0, 100), Asked(100), Returned("township", "village"));
        Fund(
            Allocated(March, "a", 0, 100),
            Allocated(March, "b", 100, 110),
            On(March, new EarmarkLiftRequested("general", Fen(0, 100), March, "village", "township", [])),
            Returned("township")
        );
        Assert.Equal(
            [
                "C20 general 的余款没有人申请就转出了",
                "C20 general 转出的余款不是所申请的",
                "C20 village 一人转出了 general 的余款",
                "C20 township 与办理人 village 不符",
                "C20 general 的余款没有人申请就转出了",
            ],
            _broken
        );
    }

    [Fact]
    public void C20_L12_what_plans_rest_on_and_the_payee_are_changed_by_two_as_it_was_proposed()
    {
        PolicyParameters By(int noticeDays, string? payee = null) =>
            new(
                new DateOnly(2026, 1, 1),
                [new ContributionTier(Yuan(100), Money.Zero)],
                262,
                noticeDays,
                QuorumRule.Law,
                Payee: payee is null ? null : new PayeeAccount(payee, "bank", "1")
            );
        void Year(params (int Day, object Data, string Actor)[] events)
        {
            _broken.Clear();
            var promises = new PolicyPromises(Breaks);
            foreach (var (day, data, actor) in events)
            {
                IEvent e = data switch
                {
                    PolicyYearPublished d => On(March, d, actor, "policy-year-3708-2026"),
                    PolicyYearAmended d => On(March, d, actor, "policy-year-3708-2026"),
                    PolicyYearChangeProposed d => On(March, d, actor, "policy-year-3708-2026"),
                    PolicyYearChangeDeclined d => On(March, d, actor, "policy-year-3708-2026"),
                    _ => On(March, (PlanDrafted)data, actor, "plan-1-2026"),
                };
                e.Timestamp = new DateTimeOffset(2026, 12, 1, 0, 0, 0, TimeSpan.Zero).AddDays(day);
                promises.Take(e);
            }
        }
        PolicyYearChangeProposed Asked(PolicyParameters p, string by, string? of = null) =>
            new("3708", 2026, p, by, March, of);
        var (first, plan) = (
            (0, (object)new PolicyYearPublished("3708", 2026, By(7, "agency")), "a"),
            (1, (object)new PlanDrafted("c", "f", "370811000001", 2026, null!), "village")
        );
        // The first, one alone while nobody rests on it, two who are two; a stream that begins with a proposal; and
        // what was done when one was enough.
        Year(first, (1, new PolicyYearAmended(By(9, "agency")), "a"), plan);
        Assert.Empty(_broken);
        Year(first, plan, (2, Asked(By(1), "a"), "a"), (3, new PolicyYearAmended(By(1), "a"), "b"));
        Assert.Empty(_broken);
        Year((0, Asked(By(1), "a"), "a"), (1, new PolicyYearPublished("3708", 2026, By(1), "a"), "b"));
        Assert.Empty(_broken);
        Year((-9, first.Item2, "a"), (-8, plan.Item2, "v"), (-7, new PolicyYearAmended(By(1, "thief")), "a"));
        Assert.Empty(_broken);

        Year(first, plan, (2, Asked(By(1), "a"), "a"), (3, new PolicyYearAmended(By(1), "a"), "a"));
        Assert.Equal(["C20 a 确认了自己提出的修订"], _broken);
        Year(first, plan, (2, Asked(By(1), "a", "b"), "a"), (3, new PolicyYearAmended(By(1), "a"), "b"));
        Assert.Equal(["C20 b 确认了自己提出的修订"], _broken);
        Year(first, plan, (2, Asked(By(1), "a"), "b"), (3, new PolicyYearAmended(By(1), "a"), "c"));
        Assert.Equal(["C20 a 与办理人 b 不符"], _broken);
        Year(first, plan, (3, new PolicyYearAmended(By(1), "a"), "b"));
        Assert.Equal(["C20 a 没有这样提出过修订"], _broken);
        Year(
            first,
            (1, Asked(By(1), "a"), "a"),
            (2, new PolicyYearChangeDeclined("x"), "b"),
            (3, new PolicyYearAmended(By(1), "a"), "b")
        );
        Assert.Equal(["C20 a 没有这样提出过修订"], _broken);
        Year(first, plan, (2, Asked(By(1), "a"), "a"), (3, new PolicyYearAmended(By(2), "a"), "b"));
        Assert.Equal(["C20 确认的不是提出的修订"], _broken);
        Year(first, plan, (3, new PolicyYearAmended(By(1, "agency")), "a"));
        Assert.Equal(["C20 a 一人修订了已有方案依据的年度或收款账户"], _broken);
        Year(first, (3, new PolicyYearAmended(By(7, "thief")), "a"));
        Assert.Equal(["C20 a 一人修订了已有方案依据的年度或收款账户"], _broken);
    }

    [Fact]
    public void C24_a_split_takes_a_share_of_those_who_were_counted_and_leaves_somebody()
    {
        void Split(int members, long yuan, int? counted, DateOnly? on = null) =>
            PromiseCheck.Split(
                On(
                    on ?? new DateOnly(2026, 12, 1),
                    new MembersSeparated(
                        "collective-2",
                        members,
                        Yuan(yuan),
                        "x",
                        [],
                        Counted: counted,
                        AvailableFen: counted is null ? null : Yuan(1000)
                    ),
                    stream: "collective-1"
                ),
                Breaks
            );
        Split(1, 100, 10);
        Split(1, 50, 10);
        Split(250, 1, null, March); // as builds before let it
        Assert.Empty(_broken);
        Split(10, 1, 10);
        Split(1, 101, 10);
        Split(1, 49, 10);
        Split(1, 100, null);
        Assert.Equal(
            [
                "C24 转出 10 名成员，共 10 名",
                "C24 10 名成员中转出 1 人，随之转出 101.00 元",
                "C24 10 名成员中转出 1 人，随之转出 49.00 元",
                "C24 转出 1 名成员，共  名",
            ],
            _broken
        );
    }

    [Fact]
    public void C20_C24_a_reversal_has_two_people_and_a_closed_year_is_as_it_was_sealed()
    {
        AccountBalance[] sealedAs = [new("available:general", Yuan(90)), new("source:collective-income", Yuan(-90))];
        Fund(
            Allocated(new DateOnly(2025, 5, 1), "a", 0, 100),
            On(March, new ReversalRequested("a", "village", "township", "x")),
            On(March, new AllocationReversed("a", "general", Yuan(100), Fen(0, 100), null, null, "village")),
            On(March, new AllocationReversed("b", "general", Yuan(0), Fen(0, 0), null, null, "village")),
            On(March, new YearClosed(2025, sealedAs, Postings.Digest(sealedAs))),
            Allocated(new DateOnly(2025, 12, 31), "c", 100, 101)
        );
        Assert.Equal(
            [
                "C20 village 自己确认了自己申请的冲正",
                "C20 b 没有人申请就冲正了",
                "C9 金额 0.00 元",
                "C24 2025 年度封存的试算平衡表：available:general 90.00、source:collective-income -90.00",
                "C24 业务日期 2025-12-31 的事项在结账之后记入",
            ],
            _broken
        );
    }

    [Fact]
    public void C16_C20_who_handled_a_list_answers_no_objection_to_it()
    {
        void Answered(string by, DateOnly on) =>
            Application(
                On(March, Filed("v"), "v"),
                Reviewed("r"),
                Approved("a"),
                Noticed(),
                On(on, new ObjectionRaised("o", null, "x"), "public"),
                On(on, new ObjectionResolved("o", false, "x", by), by)
            );
        var day = new DateOnly(2026, 12, 1);
        Answered("t", day);
        Answered("r", day.AddDays(-1)); // as builds before let it
        Assert.Empty(_broken.Concat(_unclear));
        foreach (var by in (string[])["v", "r", "a"])
            Answered(by, day);
        Assert.Equal(
            [
                "C16 v 答复了对自己经办的申请的异议",
                "C16 r 答复了对自己经办的申请的异议",
                "C16 a 答复了对自己经办的申请的异议",
            ],
            _broken
        );
    }

    [Fact]
    public void L18_nobody_answers_his_own_complaint_or_one_of_what_he_handled()
    {
        Event<ComplaintAnswered> Answer(string by, string role = Roles.Township) =>
            On(March, new ComplaintAnswered("complaint-1", false, "x", null, by), by, role: role);
        Event<ComplaintEscalated> Escalated() => On(March, new ComplaintEscalated("complaint-1"));
        IEvent[] way =
        [
            On(March, Filed("village"), "village"),
            Reviewed("first"),
            Approved("second"),
            On(March, new ComplaintRaised("complaint-1", null, "x"), "desk"),
        ];
        Application([.. way, Answer("township")]);
        Application([.. way, Answer("township"), Escalated(), Answer("county", Roles.CountyAgriculture)]);
        Assert.Empty(_broken);
        foreach (var by in (string[])["village", "first", "second", "desk"])
        {
            _broken.Clear();
            Application([.. way, Answer(by)]);
            Assert.Equal([$"L18 {by} 答复了自己提出、答复过或经办的事"], _broken);
        }
        _broken.Clear();
        Application([.. way, Answer("neighbour", Roles.VillageFinance)]);
        Application([.. way, Answer("county", Roles.CountyHrss)]); // not its turn
        Application([.. way, Escalated(), Answer("township")]); // no more its turn
        Application([.. way, Answer("one"), Escalated(), Answer("one", Roles.CountyHrss)]);
        Assert.Equal(
            [
                "L18 neighbour（village-finance）答复了投诉",
                "L18 county（county-hrss）答复了投诉",
                "L18 township（township）答复了投诉",
                "L18 one 答复了自己提出、答复过或经办的事",
            ],
            _broken
        );
    }

    // Plans

    private static readonly PlanContent Content = new(
        "集体收入",
        "全体缴费成员",
        new Standard(StandardKind.Flat, Yuan(100), [])
    );

    private static readonly Resolution Met = new("households", March, 30, 20, 11, 0, "m", March.AddDays(-10));

    private static PolicyParameters ByLaw => new(March, [new(Yuan(5000), Yuan(80))], 262, 7, QuorumRule.Law);

    private void Year(PolicyParameters parameters) =>
        _caps.Take(
            On(
                March.AddDays(-60),
                new PolicyYearPublished("370811", 2026, parameters),
                stream: "policy-year-370811-2026"
            )
        );

    private PlanPromises Plan(params IEvent[] events)
    {
        var plan = new PlanPromises("plan-1-2026", _caps, Breaks);
        plan.Take(On(March, new PlanDrafted("collective-1", "fund-1", "370811000001", 2026, Content), "village"));
        foreach (var e in events)
            plan.Take(e);
        return plan;
    }

    private Event<ResolutionRecorded> Resolved(Resolution r, int version = 1) =>
        On(March, new ResolutionRecorded(version, r), "village");

    private Event<PlanAdopted> Adopted(int version = 1, string by = "village") =>
        On(March, new PlanAdopted(version), by);

    [Fact]
    public void L4_L5_a_plan_that_a_meeting_did_not_decide_on_is_found_by_what_the_year_asked_for_then()
    {
        var before = Adopted();
        Year(ByLaw);
        var representatives = Met with { Form = "representatives", Authorisation = "a", Women = 10, WomenPresent = 7 };
        Plan(Resolved(Met), Adopted());
        Plan(Resolved(representatives), Adopted());
        Plan(Resolved(Met with { Attendance = 19 }), Resolved(Met), Adopted()); // the later one counts
        Assert.Empty(_broken);
        Plan(Resolved(Met), before); // no policy year yet
        Plan(Adopted());
        Plan(Resolved(Met), On(March, new PlanAmended(2, Content, "x"), "village"), Adopted(2));
        Plan(Resolved(Met with { Attendance = 19 }), Adopted());
        Plan(Resolved(Met with { VotesFor = 10 }), Adopted());
        Plan(Resolved(Met with { Form = "all-members" }), Adopted()); // ⅔ of all
        Plan(Resolved(Met with { Form = "officials" }), Adopted());
        Plan(Resolved(Met with { CalledOn = March.AddDays(-9) }), Adopted());
        Plan(Resolved(representatives with { Authorisation = null }), Adopted());
        Plan(Resolved(representatives with { WomenPresent = 6 }), Adopted());
        Assert.Equal(
            ["C13", "C13", "C13", "L4", "L4", "L4", "L4", "L5", "L5", "L5"],
            _broken.Select(b => b.Split(' ')[0])
        );
        Assert.Contains("还差 1 人", _broken[3], StringComparison.Ordinal);

        // Another year asks for less: what was adopted by it breaks nothing, and a year from before the rules neither.
        _broken.Clear();
        Year(ByLaw with { Quorums = [new QuorumRule("officials", 1, 2, true)] });
        Plan(Resolved(new Resolution("officials", March, 3, 2, 2, 0, "m")), Adopted());
        Assert.Empty(_broken);
        Plan(Resolved(new Resolution("officials", March, 3, 2, 1, 0, "m")), Adopted());
        Assert.Contains("须超过 1/2", Assert.Single(_broken), StringComparison.Ordinal);
    }

    [Fact]
    public void L6_who_files_before_the_resolution_was_published_for_its_days_is_found()
    {
        Year(ByLaw with { ResolutionNoticeDays = 3 });
        void Files(PlanPromises plan, int version, int days) =>
            plan.Take(new PlanFiling("application-1", "plan-1-2026", version, March.AddDays(days), ++_sequence));
        Event<ResolutionPublished> Published(int version) =>
            On(March, new ResolutionPublished(version, March, "村务公开栏", ["p"]), "village");
        var plan = Plan(Resolved(Met), Adopted());
        Files(plan, 1, 9);
        plan.Take(Published(1));
        Files(plan, 1, 3);
        Files(plan, 2, 9);
        Assert.Equal(
            [
                "L6 第 1 版方案的决议没有公布就申请了",
                "L6 决议 2026-03-01 公布，2026-03-04 申请",
                "L6 第 2 版方案的决议没有公布就申请了",
            ],
            _broken
        );
        _broken.Clear();
        Files(plan, 1, 4);
        Year(ByLaw);
        Files(plan, 2, 1); // nobody asks for it any more
        Assert.Empty(_broken);
    }

    [Fact]
    public void L7_C21_a_plan_is_signed_by_others_than_its_makers_and_countersigned_where_the_year_asks_for_it()
    {
        Event<PlanSigned> Signed(string by, int version = 1) => On(March, new PlanSigned(version, by), by);
        Event<PlanCountersigned> Countersigned(string by) => On(March, new PlanCountersigned(1, by), by);
        Year(ByLaw);
        Plan(Resolved(Met), Adopted());
        Year(ByLaw with { CommitteeSignsPlan = true, CountersignatureRequired = true });
        Plan(Resolved(Met), Signed("committee"), Countersigned("township"), Adopted());
        Assert.Empty(_broken);
        Plan(Resolved(Met), Adopted());
        Plan(Resolved(Met), Signed("committee"), Resolved(Met), Countersigned("township"), Adopted()); // taken away
        Plan(Resolved(Met), Signed("village"), Countersigned("township"), Adopted(by: "second"));
        Plan(Resolved(Met), Signed("committee"), Countersigned("township"), Adopted(by: "committee"));
        Plan(Resolved(Met), Signed("committee"), Countersigned("committee"), Adopted());
        Assert.Equal(
            [
                "L7 没有村监委会签字就通过了方案",
                "C21 没有乡镇会签就通过了方案",
                "L7 没有村监委会签字就通过了方案",
                "L7 village 为自己经办的方案签字",
                "L7 committee 会签或通过了自己签字的方案",
                "L7 committee 会签或通过了自己签字的方案",
            ],
            _broken
        );
    }

    // People

    private readonly PolicyCaps _caps = new();
    private readonly Origins _origins = new();

    private PolicyParameters Cap(long yuan) => new(March, [new ContributionTier(Yuan(yuan), Money.Zero)], 0, 7, []);

    [Fact]
    public void C11_L9_the_cap_is_the_highest_tier_of_a_range()
    {
        _caps.Take(
            On(
                March,
                new PolicyYearPublished(
                    "3708",
                    2026,
                    Cap(100) with
                    {
                        Tiers = [new(Yuan(400), Money.Zero, Yuan(6000), Yuan(100)), new(Yuan(100), Money.Zero)],
                    }
                ),
                stream: "policy-year-3708-2026"
            )
        );
        Assert.Equal(Yuan(6000), _caps.At("370811000001", 2026, _sequence + 1));
        var person = Person();
        person.Take(Contributed());
        person.Take(Subsidy("application-1", "collective-1", 6000));
        Assert.Empty(_broken);
        person.Take(On(March, new SponsorshipRecorded("s", "donor-1", Yuan(1), ["e"])));
        Assert.Equal(["C11 2026 年度各项补助共 6001.00 元"], _broken);
    }

    private void Published(long yuan, bool again = false)
    {
        if (again)
            _caps.Take(On(March, new PolicyYearAmended(Cap(yuan)), stream: "policy-year-3708-2026"));
        else
            _caps.Take(On(March, new PolicyYearPublished("3708", 2026, Cap(yuan)), stream: "policy-year-3708-2026"));
    }

    private PersonPromises Person(string membership = "collective-1", LineReviewers? reviewers = null)
    {
        var person = new PersonPromises(
            "member-year-1-2026",
            _caps,
            _origins,
            new Dictionary<string, AdoptedStandards>(),
            _ => true,
            Breaks,
            Notes,
            reviewers
        );
        person.Take(On(March, new MemberRegistered(membership, "370811000001", "d")));
        return person;
    }

    private Event<ContributionRecorded> Contributed(ContributionKind kind = ContributionKind.Regular) =>
        On(March, new ContributionRecorded(kind, Yuan(300), Yuan(300), March, $"SW{_sequence}"));

    private Event<SubsidyApproved> Subsidy(string application, string collective, long yuan) =>
        On(March, new SubsidyApproved(application, collective, "fund-1", "general", Yuan(yuan), Fen(0, yuan)));

    /// <summary>M5 of the attack of 2026-11-28.</summary>
    [Fact]
    public void C15_who_recorded_a_contribution_neither_reviews_nor_approves_what_rests_on_it()
    {
        Published(500);
        var december = new DateOnly(2026, 12, 1);
        var reviewers = new LineReviewers();
        reviewers.Take(
            On(
                december,
                new ApplicationReviewed("mine", [new LineVerdict("member-1", true, null)], true, true),
                stream: "application-1"
            )
        );
        reviewers.Take(On(december, new ApplicationReviewed("other", [], true, true), stream: "application-2"));
        void Approved(string application, string by, DateOnly on, params string[] broken)
        {
            _broken.Clear();
            var person = Person(reviewers: reviewers);
            var paid = Contributed();
            paid.SetHeader(EventHeaders.Actor, "mine");
            person.Take(paid);
            var subsidy = Subsidy(application, "collective-1", 100);
            subsidy.SetHeader(EventHeaders.Actor, by);
            subsidy.SetHeader(EventHeaders.BusinessDate, $"{on:yyyy-MM-dd}");
            person.Take(subsidy);
            Assert.Equal(broken, _broken);
        }
        Approved("application-1", "other", december, "C15 mine 复核了自己导入的缴费所涉的补助");
        Approved("application-2", "mine", december, "C15 mine 审批了自己导入的缴费所涉的补助");
        Approved("application-2", "third", december);
        Approved("application-1", "mine", december.AddDays(-1)); // before the rule
    }

    [Fact]
    public void C4_C11_a_person_s_year_breaks_no_promise_by_what_was_recorded_at_the_time()
    {
        Published(500);
        var person = Person();
        person.Take(Contributed());
        person.Take(Subsidy("application-1", "collective-1", 300));
        person.Take(On(March, new SubsidyReleased("application-1", Yuan(300), "x")));
        person.Take(Subsidy("application-2", "collective-1", 400)); // the first counts no more
        person.Take(On(March, new SubsidyPaid("application-2", Yuan(400))));
        person.Take(On(March, new SubsidyReturned("application-2", Yuan(400))));
        person.Take(On(March.AddDays(3), new SubsidyPaid("application-2", Yuan(400))));
        person.Take(On(March.AddDays(4), new SubsidyCredited("application-2", Yuan(400), March.AddDays(3), "HZ1")));
        Published(100, again: true); // afterwards
        person.Take(On(March, new MembershipEnded("collective-1", March.AddDays(9), "x")));
        person.Take(On(March, new DeathRecorded(March.AddDays(9), [])));
        person.Finish();
        Assert.Empty(_broken.Concat(_unclear));
    }

    [Fact]
    public void C4_C5_C6_C11_C17_who_may_get_nothing_gets_nothing_and_nothing_comes_before_it_was_sent()
    {
        var early = Subsidy("application-0", "collective-1", 1);
        Published(500);
        var person = Person("collective-9");
        person.Take(early); // no policy year yet, no contribution, no member
        person.Take(Contributed());
        person.Take(Contributed(ContributionKind.CatchUp));
        person.Take(On(March, new MemberRegistered("collective-1", "370811000001", "d")));
        person.Take(Subsidy("application-1", "collective-1", 600));
        person.Take(On(March, new SubsidyCredited("application-1", Yuan(600), March, "HZ1")));
        person.Take(On(March, new SubsidyRefunded("application-0", Yuan(1), RefundReason.Death)));
        Assert.Equal(
            [
                "C4 审批时不是本集体成员",
                "C6 审批时没有本年度个人缴费记录",
                "C11 2026 年度没有政策参数",
                "C5 审批时有本年度一次性补缴",
                "C4 2026 年度已由 application-0 获本集体补助",
                "C11 2026 年度各项补助共 601.00 元",
                "C17 没有付款就入账了",
                "C17 没有付款就退回了",
            ],
            _broken
        );
    }

    [Fact]
    public void L14_C6_the_government_s_payment_opens_a_subsidy_only_while_the_policy_year_lets_it()
    {
        Published(500);
        var person = Person();
        person.Take(Contributed(ContributionKind.GovernmentPaid));
        person.Take(Subsidy("application-1", "collective-1", 100));
        Assert.Equal(["C6 审批时没有本年度个人缴费记录"], _broken);
        _broken.Clear();
        _caps.Take(
            On(
                March,
                new PolicyYearAmended(Cap(500) with { GovernmentPaidOpensSubsidy = true }),
                stream: "policy-year-3708-2026"
            )
        );
        person.Take(On(March, new SubsidyPaid("application-1", Yuan(100), OnGovernmentPaid: true)));
        Assert.Empty(_broken);
        person.Take(On(March, new SubsidyPaid("application-1", Yuan(100))));
        Assert.Equal(["L14 记为凭本人缴费，却只有政府代缴"], _broken);
        person.Take(Contributed());
        person.Take(On(March, new SubsidyPaid("application-1", Yuan(100), OnGovernmentPaid: true)));
        Assert.Equal("L14 记为凭政府代缴，本人却有缴费", _broken[^1]);
        _broken.Clear();
        Published(500, again: true); // the switch is off again; what was paid stays right
        person.Finish();
        Assert.Empty(_broken);
    }

    [Fact]
    public void L15_only_a_contribution_that_stands_is_changed_and_no_more_of_it_given_back_than_was_paid()
    {
        Published(500);
        var person = Person();
        var paid = Contributed();
        person.Take(paid);
        Event<ContributionRefunded> Refund(long yuan, string of) =>
            On(March, new ContributionRefunded(of, Yuan(yuan), March, $"TF{_sequence}", "d"));
        person.Take(Refund(1, "SW-unknown"));
        Assert.Equal(["L15 调整或退还的缴费 SW-unknown 不存在，或已全部退费"], _broken);
        _broken.Clear();
        person.Take(On(March, new ContributionAdjusted(paid.Data.Reference, Yuan(500), Yuan(500), March, "TZ1", "d")));
        person.Take(Refund(500, paid.Data.Reference)); // of what was topped up
        Assert.Empty(_broken);
        person.Take(Subsidy("application-1", "collective-1", 100));
        Assert.Equal(["C6 审批时没有本年度个人缴费记录"], _broken);
        _broken.Clear();
        var refunded = Person();
        var own = Contributed();
        refunded.Take(own);
        refunded.Take(Subsidy("application-1", "collective-1", 100));
        refunded.Take(Refund(300, own.Data.Reference));
        refunded.Take(On(March, new SubsidyPaid("application-1", Yuan(100))));
        Assert.Equal(["C6 付款时没有本年度个人缴费记录"], _broken);
        var other = Person();
        other.Take(paid);
        other.Take(Refund(301, paid.Data.Reference));
        Assert.Equal($"L15 缴费 {paid.Data.Reference} 退还的多于所缴", _broken[^1]);
    }

    [Fact]
    public void C4_one_origin_subsidises_a_person_once_a_year_from_when_it_is_one()
    {
        Published(5000);
        var person = Person("collective-1");
        person.Take(On(March, new MemberRegistered("collective-2", "370811000002", "d")));
        person.Take(On(March, new MemberRegistered("collective-3", "370811000003", "d")));
        person.Take(Contributed());
        person.Take(Subsidy("application-1", "collective-1", 100));
        person.Take(Subsidy("application-2", "collective-2", 100)); // two collectives, as it was then
        _origins.Take(On(March, new CollectiveMerged("collective-3", "x", []), stream: "collective-2"));
        _origins.Take(On(March, new MembersSeparated("collective-4", 1, Money.Zero, "x", []), stream: "collective-2"));
        Assert.Empty(_broken);
        person.Take(On(March, new MembershipMoved("collective-2", "collective-4", "370811000004")));
        person.Take(Subsidy("application-3", "collective-4", 100));
        Assert.Equal(["C4 2026 年度已由 application-2 获同源集体 collective-2 补助"], _broken);
    }

    [Fact]
    public void C4_a_death_that_was_revoked_is_none()
    {
        Published(500);
        var person = Person();
        person.Take(Contributed());
        person.Take(On(March, new DeathRecorded(March, [])));
        person.Take(On(March, new DeathRevoked("同名之误", [], "second")));
        person.Take(Subsidy("application-1", "collective-1", 300));
        person.Take(On(March.AddDays(9), new SubsidyPaid("application-1", Yuan(300))));
        person.Finish();
        Assert.Empty(_broken.Concat(_unclear));
    }

    [Fact]
    public void C4_C20_a_departure_that_two_people_took_back_is_none_and_nobody_takes_one_back_alone()
    {
        Published(500);
        foreach (var (by, broken) in new[] { ("second", 0), ("first", 1) })
        {
            var person = Person();
            person.Take(Contributed());
            person.Take(On(March, new MembershipEnded("collective-1", March, "误登")));
            person.Take(
                On(
                    March,
                    new MemberChangeRequested(
                        "change-1",
                        MemberChange.DepartureRevocation,
                        "collective-1",
                        "同名误登",
                        [],
                        "first"
                    )
                )
            );
            person.Take(
                On(March, new DepartureRevoked("collective-1", "370811000001", "同名误登", [], by, "change-1"))
            );
            person.Take(Subsidy("application-1", "collective-1", 300));
            Assert.Equal(broken, _broken.Count);
        }
        Assert.StartsWith("C20", _broken[0], StringComparison.Ordinal);
    }

    [Fact]
    public void C4_who_died_before_the_payment_and_was_recorded_after_it_is_to_be_looked_at()
    {
        Published(500);
        var person = Person();
        person.Take(Contributed());
        person.Take(Subsidy("application-1", "collective-1", 300));
        person.Take(On(March.AddDays(9), new SubsidyPaid("application-1", Yuan(300))));
        person.Take(On(March.AddDays(9), new DeathRecorded(March.AddDays(5), [])));
        person.Finish();
        Assert.Empty(_broken);
        Assert.Equal(["C4 2026-03-06 死亡，application-1 的补助 300.00 元在其后付款，尚未退回"], _unclear);
    }

    [Fact]
    public void L1_L2_what_was_credited_comes_back_neither_for_a_death_nor_after_a_clearance()
    {
        Published(500);
        var person = Person();
        person.Take(Contributed());
        person.Take(Subsidy("application-1", "collective-1", 300));
        person.Take(On(March, new SubsidyPaid("application-1", Yuan(300))));
        SubsidyCleared Cleared() =>
            new("application-1", Yuan(300), ClearanceReason.EmployeesScheme, March, "agency", []);
        person.Take(On(March, Cleared()));
        person.Take(On(March, new SubsidyCredited("application-1", Yuan(300), March, "HZ1")));
        person.Take(On(March, Cleared()));
        person.Take(On(March, new DeathRecorded(March, [])));
        person.Finish();
        Assert.Empty(_unclear);
        Assert.Equal(["L2 没有入账就清退给本人了"], _broken);
        person.Take(On(March, new SubsidyRefunded("application-1", Yuan(300), RefundReason.LeftCollective)));
        Assert.Equal("L1 已入账的补助因死亡或清退后退回集体", _broken[^1]);

        // What an older build let happen stays booked; from the day of the rule on it is a breach.
        foreach (var (on, breaches) in new[] { (Refund.DeathIsFinalFrom.AddDays(-1), 0), (Refund.DeathIsFinalFrom, 1) })
        {
            _broken.Clear();
            person = Person();
            person.Take(Contributed());
            person.Take(Subsidy("application-1", "collective-1", 300));
            person.Take(On(March, new SubsidyPaid("application-1", Yuan(300))));
            person.Take(On(March, new SubsidyCredited("application-1", Yuan(300), March, "HZ1")));
            person.Take(On(on, new SubsidyRefunded("application-1", Yuan(300), RefundReason.Death)));
            Assert.Equal(breaches, _broken.Count);
        }
    }
}
