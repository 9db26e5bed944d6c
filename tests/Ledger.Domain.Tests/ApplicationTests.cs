using CsCheck;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>The application's way and the approval over all that it touches: C2, C12, C14 to C17.</summary>
public sealed class ApplicationTests
{
    private const string Id = "application-1",
        Collective = "collective-1",
        Village = "370811102201";
    private static readonly string Digest = new('d', 64);
    private static readonly Actor Officer = Given.Actor("officer"),
        Township = Given.Actor("township"),
        Reviewer = Given.Actor("reviewer"),
        Approver = Given.Actor("approver");
    private static readonly Pilot Pilot = Given.State<Pilot>(
        "pilot-370811",
        new PilotApplied("370811", "x", "y", []),
        new PilotApproved("x")
    );
    private static readonly Standard Flat = new(StandardKind.Flat, new Money(10_000), []);
    private static readonly Plan Plan = Given.State<Plan>(
        "plan-1",
        new PlanDrafted(Collective, "fund-1", Village, 2026, new PlanContent("s", "s", Flat)),
        new PlanAdopted(1)
    );

    private static readonly Fund Fund = Given.State<Fund>("fund-1", new FundOpened(Collective, "n", Village));
    private static readonly Domain.Collectives.Collective TheCollective = Given.State<Domain.Collectives.Collective>(
        Collective,
        new Domain.Collectives.CollectiveRegistered("c", "n", Village)
    );

    private static readonly Dictionary<string, LineFinding> NoFindings = [];

    private static RosterLine[] Lines(int n) =>
        [
            .. Enumerable
                .Range(1, n)
                .Select(i => new RosterLine(
                    i + 1,
                    $"member-{i:00000000000000000000000000000000}",
                    new Money(30_000),
                    new Money(10_000)
                )),
        ];

    private static Application Filed(int lines) =>
        Given.And<Application>(
            null,
            Id,
            Submit
                .First(Plan, Pilot, Fund, SubAccount.General, new Submission(Digest, Digest, Lines(lines)), Officer)
                .Then()
        )!;

    [Fact]
    public void C14_who_stands_on_another_list_is_asked_about_and_the_answer_goes_with_the_events()
    {
        const string other = "application-2";
        var people = Lines(2);
        (IReadOnlyList<RosterLine> Lines, IReadOnlyList<Fault> Faults) Check(string? confirmed) =>
            Roster.Check(
                [.. people.Select(l => new RosterEntry(l.Row, l.MemberId, true, null))],
                2026,
                Domain.Collectives.Lineage.Of(TheCollective, []),
                Flat,
                null,
                AgeLimits.None,
                people.ToDictionary(
                    l => l.MemberId,
                    l => Given.State<Member>(l.MemberId, new MemberRegistered(Collective, Village, "d"))
                ),
                people.ToDictionary(l => l.MemberId, l => Payer(l.MemberId)),
                people.ToDictionary(l => l.MemberId, _ => 50),
                new Dictionary<string, string> { [people[1].MemberId] = other },
                confirmed
            );
        var (sound, faults) = Check(null);
        Assert.Equal([people[0].MemberId], sound.Select(l => l.MemberId));
        var asked = Assert.Single(faults);
        Assert.Equal((Rejections.PossibleDuplicate.Code, 3), (asked.Code, asked.Row!.Value));
        Assert.Contains(other, asked.Message, StringComparison.Ordinal);

        var (both, none) = Check("另一份将撤回");
        Assert.Empty(none);
        var elsewhere = new Dictionary<string, string> { [people[1].MemberId] = other };
        var confirmed = Roster.Confirmed(both, elsewhere, "另一份将撤回");
        Assert.Equal($"{other}：另一份将撤回", confirmed);
        Assert.Null(Roster.Confirmed(sound, elsewhere, "另一份将撤回")); // nobody was asked about
        var filed = Submit.First(
            Plan,
            Pilot,
            Fund,
            SubAccount.General,
            new Submission(Digest, Digest, both, confirmed),
            Officer
        );
        Assert.Equal(confirmed, filed.Confirmed);
    }

    private static MemberYear Payer(string memberId) =>
        Given.State<MemberYear>(
            Domain.Identity.StreamId.MemberYear(memberId, 2026),
            new ContributionRecorded(
                ContributionKind.Regular,
                Given.Yuan(300),
                Given.Yuan(300),
                new DateOnly(2026, 3, 1),
                "SW1"
            )
        );

    private static Application Then(Application a, Func<Application, Decision<Application>> decide) =>
        a.And(Id, decide(a).Then())!;

    private static Application Reviewed(int lines) =>
        Then(Filed(lines), a => Review.Decide(a, [], true, NoFindings, Reviewer));

    private static Decision<Application> Approval(
        Application a,
        long fundFen,
        Func<int, MemberYear>? year = null,
        Pilot? pilot = null,
        Actor? by = null,
        Func<LineBasis, LineBasis>? change = null
    )
    {
        var basis = Basis(a, year);
        return Approve.Decide(
            new(a, TheCollective, Funded(fundFen), pilot ?? Pilot, change?.Invoke(basis) ?? basis, new Money(500_000)),
            by ?? Approver
        );
    }

    private static Fund Funded(long fen) =>
        Given.State<Fund>(
            "fund-1",
            new FundOpened(Collective, "n", Village),
            new FundsAllocated(
                "a",
                SourceKind.CollectiveIncome,
                "s",
                SubAccount.General,
                new Money(fen),
                new FenInterval(0, fen),
                [Digest]
            )
        );

    /// <summary>Everybody is a member, a payer and 40 years old.</summary>
    private static LineBasis Basis(Application a, Func<int, MemberYear>? year = null) =>
        new(
            Domain.Collectives.Lineage.Of(TheCollective, []),
            Flat,
            null,
            AgeLimits.Default,
            a.Lines.ToDictionary(
                l => l.MemberId,
                l => Given.State<Member>(l.MemberId, new MemberRegistered(Collective, Village, "d"))
            ),
            a.Lines.Select((l, i) => (Id: a.MemberYearId(l), Year: year?.Invoke(i) ?? Payer()))
                .ToDictionary(y => y.Id, y => y.Year),
            a.Lines.ToDictionary(l => l.MemberId, _ => 40)
        );

    private static MemberYear Payer(ContributionKind kind = ContributionKind.Regular) =>
        Given.State<MemberYear>(
            "y",
            new ContributionRecorded(kind, new Money(30_000), new Money(30_000), new DateOnly(2026, 1, 5), "r")
        );

    [Fact]
    public void C14_a_long_roster_is_listed_in_events_that_fit_a_log_entry()
    {
        var events = Submit
            .First(Plan, Pilot, Fund, SubAccount.General, new Submission(Digest, Digest, Lines(1001)), Officer)
            .Then();
        Assert.Equal(1 + 5, events.Count);
        Assert.All(
            events,
            e => Assert.InRange(System.Text.Json.JsonSerializer.SerializeToUtf8Bytes(e, e.GetType()).Length, 1, 60_000)
        );
        var application = Given.And<Application>(null, Id, events)!;
        Assert.Equal((1001, new Money(1001 * 10_000)), (application.Lines.Length, application.Total(LineStatus.Filed)));
    }

    [Fact]
    public void C2_C12_C14_what_is_missing_at_filing()
    {
        var submission = new Submission(Digest, Digest, Lines(1));
        Submit
            .First(Plan, null, Fund, SubAccount.General, submission, Officer)
            .ThenRefused(Rejections.CountyNotInPilot);
        Submit
            .First(Plan with { AdoptedVersion = 0 }, Pilot, Fund, SubAccount.General, submission, Officer)
            .ThenRefused(Rejections.PlanNotAdopted);
        Submit
            .First(Plan, Pilot, Fund, SubAccount.General, submission with { SealDigest = null }, Officer)
            .ThenRefused(Rejections.SealMissing);
        Submit
            .First(Plan, Pilot, Fund, SubAccount.General, submission with { Lines = [] }, Officer)
            .ThenRefused(Rejections.RosterInvalid);
        Submit
            .First(Plan, Pilot, Fund, SubAccount.ForYear(2027), submission, Officer)
            .ThenRefused(Rejections.EarmarkMismatch);
        Submit
            .First(
                Plan,
                Pilot,
                Fund,
                SubAccount.General,
                submission with
                {
                    Lines = Lines(Roster.MaxLines + 1),
                },
                Officer
            )
            .ThenRefused(Rejections.LimitExceeded);
    }

    [Fact]
    public void C15_review_goes_line_by_line_in_several_sittings()
    {
        var a = Filed(3);
        a = Then(
            a,
            x => Review.Decide(x, [new LineVerdict(x.Lines[0].MemberId, true, null)], false, NoFindings, Reviewer)
        );
        Assert.Equal(ApplicationStatus.Filed, a.Status);
        a = Then(
            a,
            x =>
                Review.Decide(
                    x,
                    [
                        new LineVerdict(x.Lines[1].MemberId, false, "迁出"),
                        new LineVerdict(x.Lines[2].MemberId, true, null),
                    ],
                    false,
                    NoFindings,
                    Reviewer
                )
        );
        Assert.Equal(ApplicationStatus.Reviewed, a.Status);
        Assert.Equal([LineStatus.Accepted, LineStatus.Refused, LineStatus.Accepted], a.Lines.Select(l => l.Status));
        Review
            .Decide(a, [new LineVerdict(a.Lines[0].MemberId, false, null)], false, NoFindings, Reviewer)
            .ThenRefused(Rejections.FieldInvalid);
        Review
            .Decide(a, [new LineVerdict("member-x", true, null)], false, NoFindings, Reviewer)
            .ThenRefused(Rejections.FieldInvalid);
        Review.Decide(a, [], false, NoFindings, Reviewer).ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void C15_what_the_check_has_flagged_is_never_accepted_along_with_the_rest()
    {
        var a = Filed(4);
        Dictionary<string, string> Against(params int[] lines) =>
            lines.ToDictionary(i => a.Lines[i].MemberId, i => $"第 {i} 人有问题");
        Decision<Application> Sound(Application x, Dictionary<string, string> against, params LineVerdict[] verdicts) =>
            Review.Decide(x, verdicts, false, NoFindings, Reviewer, against);
        var some = Then(a, x => Sound(x, Against(1, 3), new LineVerdict(x.Lines[1].MemberId, false, "迁出")));
        Assert.Equal(
            [LineStatus.Accepted, LineStatus.Refused, LineStatus.Accepted, LineStatus.Filed],
            some.Lines.Select(l => l.Status)
        );
        Assert.Equal(ApplicationStatus.Filed, some.Status);
        var asked = Sound(some, Against(3)).ThenRefused(Rejections.FindingOpen);
        Assert.Equal(a.Lines[3].MemberId, asked.Faults.Single().MemberId);
        // Each is asked for, and may be accepted all the same.
        var all = Then(some, x => Sound(x, Against(3), new LineVerdict(x.Lines[3].MemberId, true, "已核对")));
        Assert.Equal(ApplicationStatus.Reviewed, all.Status);
        // Nothing stands against anybody: one event says so, however long the list.
        var rest = (ApplicationReviewed)Sound(a, []).Then().Single();
        Assert.Equal((true, true, 0), (rest.RestAccepted, rest.Complete, rest.Verdicts.Count));
    }

    /// <summary>The contributions of these lines, in his own name.</summary>
    private static OwnRecords OwnOf(Application a, string reference, params int[] lines) =>
        new(lines.ToDictionary(i => a.MemberYearId(a.Lines[i]), _ => (IReadOnlyCollection<string>)[reference]));

    [Fact]
    public void C15_nobody_reviews_or_approves_what_rests_on_a_contribution_that_he_recorded_himself()
    {
        var a = Filed(3);
        var years = Basis(a).Years;
        Assert.Empty(OwnOf(a, "another", 1).Among(a, a.Lines, years, false)); // one that opens nothing
        var own = OwnOf(a, "r", 1).Among(a, a.Lines, years, false);
        Assert.Equal(a.Lines[1], Assert.Single(own));
        Decision<Application> Decide(IReadOnlyList<LineVerdict> verdicts, bool rest) =>
            Review.Decide(a, verdicts, rest, NoFindings, Reviewer, own: own);
        var refused = Decide([], true).ThenRefused(Rejections.SelfApproval);
        Assert.Equal(a.Lines[1].MemberId, Assert.Single(refused.Faults).MemberId);
        Assert.Contains("导入", refused.Mend);
        Decide([new(a.Lines[1].MemberId, true, "x")], false).ThenRefused(Rejections.SelfApproval);
        // Against himself he may decide, and on the others.
        Decide([new(a.Lines[1].MemberId, false, "x")], true).Then();
        Decide([new(a.Lines[0].MemberId, true, null)], false).Then();

        var reviewed = Reviewed(3);
        Decision<Application> Approval(OwnRecords? records) =>
            Approve.Decide(
                new(reviewed, TheCollective, Funded(100_000), Pilot, Basis(reviewed), new Money(500_000), records),
                Approver
            );
        Assert.Equal(
            reviewed.Lines[2].MemberId,
            Assert.Single(Approval(OwnOf(reviewed, "r", 2)).ThenRefused(Rejections.SelfApproval).Faults).MemberId
        );
        Approval(OwnOf(reviewed, "another", 2)).Then();
        Approval(null).Then();
    }

    [Fact]
    public void C15_the_same_decision_again_is_no_event_a_changed_one_and_another_reviewers_is_one()
    {
        var a = Filed(2);
        LineVerdict[] accepted = [new(a.Lines[0].MemberId, true, null)];
        Decision<Application> Decide(Application x, IReadOnlyList<LineVerdict> verdicts, bool rest, Actor? by = null) =>
            Review.Decide(x, verdicts, rest, NoFindings, by ?? Reviewer);
        a = Then(a, x => Decide(x, accepted, false));
        Assert.Empty(Decide(a, accepted, false).Then());
        Assert.Single(Decide(a, accepted, false, Approver).Then()); // he has looked, too
        Assert.Single(Decide(a, [new(a.Lines[0].MemberId, false, "迁出")], false).Then());
        a = Then(a, x => Decide(x, [], true));
        Assert.Equal(ApplicationStatus.Reviewed, a.Status);
        Assert.Empty(Decide(a, [], true).Then());
        Assert.Empty(Decide(a, accepted, true).Then());
        Assert.Single(Decide(a, [new(a.Lines[1].MemberId, false, "迁出")], false).Then());
    }

    [Fact]
    public void C15_filer_reviewer_and_approver_are_three_people()
    {
        Review.Decide(Filed(1), [], true, NoFindings, Officer).ThenRefused(Rejections.SelfApproval);
        Review.Return(Filed(1), "x", Officer).ThenRefused(Rejections.SelfApproval);
        Assert.Equal(Rejections.SelfApproval, Approval(Reviewed(1), 10_000, by: Reviewer).Rejection?.Code);
        Assert.Equal(Rejections.SelfApproval, Approval(Reviewed(1), 10_000, by: Officer).Rejection?.Code);
        Review.Reject(Reviewed(1), "x", Reviewer).ThenRefused(Rejections.SelfApproval);
    }

    [Fact]
    public void Approval_shares_the_fen_out_line_by_line_without_a_gap()
    {
        var decision = Approval(Reviewed(3), 50_000);
        var approved = Reviewed(3).And(Id, decision.Then())!;
        var fen = decision.Also.OfType<Change<MemberYear>>().Select(c => Assert.Single(c.After.Subsidies).Fen);
        Assert.Equal([new(0, 10_000), new(10_000, 20_000), new(20_000, 30_000)], fen);
        Assert.Equal(fen, approved.Lines.Select(l => l.Fen!.Value));
        Assert.Equal(
            new FenInterval(0, 30_000),
            Assert.IsType<FundsReserved>(Assert.Single(Assert.Single(decision.Also.OfType<Change<Fund>>()).Facts)).Fen
        );
    }

    [Fact]
    public void C4_C5_approval_leaves_out_by_name_whoever_may_get_nothing_any_more()
    {
        var a = Reviewed(4);
        var decision = Approval(
            a,
            20_000,
            i =>
                i switch
                {
                    1 => Payer(ContributionKind.CatchUp),
                    3 => new MemberYear(),
                    _ => Payer(),
                }
        );
        Assert.Equal(
            [(a.Lines[1].MemberId, "catch-up-contribution"), (a.Lines[3].MemberId, "not-contributed")],
            decision.LeftOut.Select(l => (l.MemberId, l.Code))
        );
        var after = a.And(Id, decision.Then())!;
        Assert.Equal(
            [LineStatus.Approved, LineStatus.Refused, LineStatus.Approved, LineStatus.Refused],
            after.Lines.Select(l => l.Status)
        );
        Assert.Equal("本年度为一次性补缴", after.Lines[1].Reason);
        Assert.Equal(
            new Money(20_000),
            Money.Sum(decision.Also.OfType<Change<MemberYear>>().Select(c => c.After.CapUsed()))
        );
        // Nobody left: refused, and every one of them named.
        var none = Approval(a, 20_000, _ => new MemberYear()).Rejection!;
        Assert.Equal((Rejections.NotContributed, 4), (none.Code, none.Faults.Count));
    }

    [Fact]
    public void C10_approval_is_all_or_nothing_where_an_amount_is_no_longer_what_the_standard_gives()
    {
        var a = Reviewed(3);
        var tiers = new Standard(
            StandardKind.PerTier,
            null,
            [new TierAmount(new Money(30_000), new Money(10_000)), new TierAmount(new Money(50_000), new Money(20_000))]
        );
        MemberYear Tier(long fen) =>
            Given.State<MemberYear>(
                "y",
                new ContributionRecorded(
                    ContributionKind.Regular,
                    new Money(fen),
                    new Money(fen),
                    new DateOnly(2026, 1, 5),
                    "r"
                )
            );
        Assert.Null(Approval(a, 50_000, change: b => b with { Standard = tiers }).Rejection);
        var mixed = Approval(
            a,
            50_000,
            i =>
                Tier(
                    i switch
                    {
                        1 => 50_000,
                        2 => 100,
                        _ => 30_000,
                    }
                ),
            change: b => b with { Standard = tiers }
        );
        var changed = mixed.ThenRefused(Rejections.AmountChanged);
        Assert.Equal(
            [(3, (Money?)new Money(10_000), (Money?)new Money(20_000)), (4, new Money(10_000), null)],
            changed.Faults.Select(f => (f.Row!.Value, f.FiledAmount, f.PresentAmount))
        );
        var amended = Approval(
            a,
            50_000,
            change: b => b with { Standard = Flat with { FlatAmountFen = new Money(5_000) } }
        ).Rejection!;
        Assert.Equal((Rejections.AmountChanged, 3), (amended.Code, amended.Faults.Count));
        Assert.Equal(
            Rejections.EarmarkMismatch,
            Approval(a, 50_000, change: b => b with { Earmark = new Earmark(MinAge: 45) }).Rejection?.Code
        );
    }

    [Fact]
    public void Approval_is_all_or_nothing_and_names_every_line_at_fault()
    {
        var full = Payer()
            .And(
                "y",
                new SubsidyApproved(
                    "application-9",
                    "collective-9",
                    "fund-9",
                    "general",
                    new Money(499_999),
                    new FenInterval(0, 499_999)
                )
            )!;
        var rejection = Approval(Reviewed(4), 50_000, i => i is 1 or 3 ? full : Payer())
            .ThenRefused(Rejections.CapExceeded);
        Assert.Equal([(3, "cap-exceeded"), (5, "cap-exceeded")], rejection.Faults.Select(f => (f.Row!.Value, f.Code)));
        Assert.Equal(Rejections.FundOverdrawn, Approval(Reviewed(4), 39_999).Rejection?.Code);
        Assert.Equal(
            Rejections.CountyNotInPilot,
            Approval(Reviewed(1), 10_000, pilot: Pilot with { Status = PilotStatus.Ended }).Rejection?.Code
        );
        Assert.Equal(Rejections.ReviewIncomplete, Approval(Filed(1), 10_000).Rejection?.Code);
    }

    [Fact]
    public void C4_children_are_left_out_and_who_may_draw_a_pension_is_answered_for()
    {
        var a = Filed(2);
        var child = Approval(
            Reviewed(2),
            20_000,
            change: b =>
                b with
                {
                    Ages = new Dictionary<string, int> { [a.Lines[0].MemberId] = 15, [a.Lines[1].MemberId] = 16 },
                }
        );
        Assert.Equal([(a.Lines[0].MemberId, "age-ineligible")], child.LeftOut.Select(l => (l.MemberId, l.Code)));

        Dictionary<string, int> old = new() { [a.Lines[0].MemberId] = 60, [a.Lines[1].MemberId] = 59 };
        var findings = new Dictionary<string, LineFinding>
        {
            [a.Lines[0].MemberId] = LineCheck.Finding(AgeLimits.Default.Finding(60), null)!,
        };
        Assert.Null(AgeLimits.Default.Finding(59));
        var open = Review.Decide(a, [], true, findings, Reviewer).ThenRefused(Rejections.FindingOpen);
        Assert.Equal([(2, a.Lines[0].MemberId)], open.Faults.Select(f => (f.Row!.Value, f.MemberId)));
        Review
            .Decide(a, [new LineVerdict(a.Lines[0].MemberId, true, " ")], true, findings, Reviewer)
            .ThenRefused(Rejections.FindingOpen);
        Review.Decide(a, [new LineVerdict(a.Lines[0].MemberId, false, "已领取待遇")], true, findings, Reviewer).Then();
        var answered = Then(
            a,
            x =>
                Review.Decide(
                    x,
                    [new LineVerdict(a.Lines[0].MemberId, true, "已核对，未领取待遇")],
                    true,
                    findings,
                    Reviewer
                )
        );
        Assert.Null(Approval(answered, 20_000, change: b => b with { Ages = old }).Rejection);
        // Reviewed before the product asked: approval asks.
        Assert.Equal(
            Rejections.FindingOpen,
            Approval(Reviewed(2), 20_000, change: b => b with { Ages = old }).Rejection?.Code
        );
    }

    [Fact]
    public void C4_C5_C10_before_payment_the_dead_the_departed_and_changed_payers_fall_out_and_a_split_is_no_departure()
    {
        var a = Noticed(6);
        string M(int i) => a.Lines[i].MemberId;
        var basis = Basis(
            a,
            i =>
                i switch
                {
                    1 => Payer(ContributionKind.CatchUp),
                    2 => Given.State<MemberYear>(
                        "y",
                        new ContributionRecorded(
                            ContributionKind.Regular,
                            new Money(50_000),
                            new Money(50_000),
                            new DateOnly(2026, 1, 5),
                            "r2"
                        )
                    ),
                    _ => Payer(),
                }
        );
        var members = new Dictionary<string, Member>(basis.Members)
        {
            [M(0)] = basis.Members[M(0)].And(M(0), new DeathRecorded(new DateOnly(2026, 5, 2), [Digest]))!,
            [M(3)] = basis.Members[M(3)].And(M(3), new MembershipMoved(Collective, "collective-2", Village))!,
            [M(4)] = basis.Members[M(4)].And(M(4), new MembershipEnded(Collective, new DateOnly(2026, 5, 2), "迁出"))!,
        };
        // What this application gave is no second subsidy.
        var years = basis.Years.ToDictionary(
            y => y.Key,
            y =>
                y.Value.And(
                    y.Key,
                    new SubsidyApproved(
                        Id,
                        Collective,
                        "fund-1",
                        "general",
                        new Money(10_000),
                        new FenInterval(0, 10_000)
                    )
                )!
        );
        var tiers = new Standard(
            StandardKind.PerTier,
            null,
            [new TierAmount(new Money(30_000), new Money(10_000)), new TierAmount(new Money(50_000), new Money(20_000))]
        );
        var leftOut = LineCheck.Unpayable(
            a,
            a.Lines,
            basis with
            {
                Members = members,
                Years = years,
                Standard = tiers,
                Lineage = Domain.Collectives.Lineage.Of(TheCollective, [new(Collective, "collective-2")]),
            }
        );
        Assert.Equal(
            [
                (M(0), "member-deceased"),
                (M(1), "catch-up-contribution"),
                (M(4), "not-a-member"),
                (M(2), "amount-changed"),
            ],
            leftOut.Select(l => (l.MemberId, l.Code))
        );
        var after = a.And(Id, LineCheck.LeaveOut(a, leftOut, Officer))!;
        Assert.Equal(
            [
                LineStatus.Released,
                LineStatus.Released,
                LineStatus.Released,
                LineStatus.Approved,
                LineStatus.Released,
                LineStatus.Approved,
            ],
            after.Lines.Select(l => l.Status)
        );
        Assert.Equal("该成员已登记死亡", after.Lines[0].Reason);
    }

    [Fact]
    public void C16_the_notice_runs_its_full_days_after_the_first()
    {
        var a = Reviewed(1);
        a = a.And(Id, Approval(a, 10_000).Then())!;
        var first = new DateOnly(2026, 5, 1);
        Pay.Move(a, null, "NX", [Digest], first.AddDays(30), Officer).ThenRefused(Rejections.NoticeOpen);
        a = Then(a, x => PublishNotice.Decide(x, "公开栏", 7, first));
        Pay.Move(a, null, "NX", [Digest], first.AddDays(7), Officer).ThenRefused(Rejections.NoticeOpen);
        Pay.Move(a, null, "NX", [Digest], first.AddDays(8), Officer).Then();
        var disputed = Then(a, x => RaiseObjection.Decide(x, "o1", null, "疑问"));
        Pay.Move(disputed, null, "NX", [Digest], first.AddDays(8), Officer).ThenRefused(Rejections.NoticeOpen);
        var answered = Then(
            disputed,
            x => AnswerObjection.Move(x, "o1", new ObjectionAnswer(false, "不成立"), null, Township)
        );
        AnswerObjection
            .Move(answered, "o1", new ObjectionAnswer(true, "x"), null, Township)
            .ThenRefused(Rejections.WrongState);
        Pay.Move(answered, null, "NX", [Digest], first.AddDays(8), Officer).Then();
    }

    [Fact]
    public void L6_the_notice_on_its_board_is_proved_by_photos_once_it_is_out()
    {
        var a = Reviewed(1);
        a = a.And(Id, Approval(a, 10_000).Then())!;
        PublishNotice.Prove(a, [Digest]).ThenRefused(Rejections.WrongState);
        a = Then(a, x => PublishNotice.Decide(x, "公开栏", 7, new DateOnly(2026, 5, 1)));
        PublishNotice.Prove(a, []).ThenRefused(Rejections.EvidenceMissing);
        a = Then(a, x => PublishNotice.Prove(x, [Digest]));
        Assert.Empty(PublishNotice.Prove(a, [Digest]).Then());
        var many = Enumerable.Range(0, PublishNotice.MaxProofs).Select(i => $"{i}").ToList();
        Assert.Equal("evidence", PublishNotice.Prove(a, many).ThenRefused(Rejections.LimitExceeded).Field);
        a = Then(a, x => PublishNotice.Prove(x, [Digest, .. many.Skip(1)]));
        Assert.Equal(PublishNotice.MaxProofs, a.NoticeProof.Length);
        Assert.Equal(ApplicationStatus.Noticed, a.Status);
    }

    private static Application Noticed(int lines)
    {
        var a = Reviewed(lines);
        return a.And(
            Id,
            [.. Approval(a, 1_000_000).Then(), new NoticePublished(default, new DateOnly(2026, 5, 8), "x")]
        )!;
    }

    private static readonly DateOnly AfterNotice = new(2026, 5, 9);

    [Fact]
    public void C14_lines_are_withdrawn_before_payment_and_with_the_last_one_the_application_ends()
    {
        var filed = Filed(3);
        string M(int i) => filed.Lines[i].MemberId;
        var two = Then(filed, a => Withdraw.MoveSome(a, [M(0)], "放弃", Officer));
        Assert.Equal((ApplicationStatus.Filed, LineStatus.Withdrawn), (two.Status, two.Lines[0].Status));
        Withdraw.MoveSome(two, [M(0)], "放弃", Officer).ThenRefused(Rejections.FieldInvalid);
        Withdraw.MoveSome(two, [], "放弃", Officer).ThenRefused(Rejections.FieldInvalid);
        var none = Then(two, a => Withdraw.MoveSome(a, [M(1), M(2)], "放弃", Officer));
        Assert.Equal(ApplicationStatus.Withdrawn, none.Status);
        var noticed = Then(Noticed(3), a => Withdraw.MoveSome(a, [M(2)], "放弃", Officer));
        Assert.Equal((ApplicationStatus.Noticed, LineStatus.Released), (noticed.Status, noticed.Lines[2].Status));
        var whole = Then(noticed, a => Withdraw.MoveAll(a, "重议", Officer));
        Assert.Equal((ApplicationStatus.Withdrawn, 3), (whole.Status, whole.With(LineStatus.Released).Count()));
        Withdraw.MoveAll(whole, "x", Officer).ThenRefused(Rejections.WrongState);
    }

    [Fact]
    public void C16_the_last_upheld_objection_ends_the_application()
    {
        var a = Then(Noticed(1), x => RaiseObjection.Decide(x, "o", x.Lines[0].MemberId, "疑问"));
        Assert.Equal(
            ApplicationStatus.Withdrawn,
            Then(a, x => AnswerObjection.Move(x, "o", new ObjectionAnswer(true, "成立"), null, Township)).Status
        );
    }

    [Fact]
    public void C16_an_objection_is_upheld_against_somebody_or_the_whole_list_and_something_follows()
    {
        var a = Then(Noticed(3), x => RaiseObjection.Decide(x, "o", null, "疑问"));
        string M(int i) => a.Lines[i].MemberId;
        Decision<Application> Answer(ObjectionAnswer answer) => AnswerObjection.Move(a, "o", answer, null, Township);
        Assert.Equal("memberId", Answer(new(true, "成立")).ThenRefused(Rejections.FieldInvalid).Field);
        Answer(new(true, "成立", "member-x")).ThenRefused(Rejections.FieldInvalid);
        Answer(new(true, "成立", M(0), WholeList: true)).ThenRefused(Rejections.FieldInvalid);
        Assert.Equal(
            "correctedAmount",
            Answer(new(true, "成立", M(0), CorrectedFen: new Money(10_000))).ThenRefused(Rejections.FieldInvalid).Field
        );
        var one = a.And(Id, Answer(new(true, "档次有误", M(1), CorrectedFen: new Money(6_000))).Then())!;
        Assert.Equal([LineStatus.Approved, LineStatus.Released, LineStatus.Approved], one.Lines.Select(l => l.Status));
        Assert.Equal(("档次有误（应为 60.00 元，另行申请）", M(1)), (one.Lines[1].Reason, one.Objections[0].MemberId));
        var all = a.And(Id, Answer(new(true, "标准有误", WholeList: true)).Then())!;
        Assert.Equal((ApplicationStatus.Withdrawn, 3), (all.Status, all.With(LineStatus.Released).Count()));
        Assert.Equal(3, a.And(Id, Answer(new(false, "不成立")).Then())!.With(LineStatus.Approved).Count());
        // As an earlier build wrote it: upheld against nobody, nothing followed.
        Assert.Equal(3, a.And(Id, new ObjectionResolved("o", true, "x", "y"))!.With(LineStatus.Approved).Count());
    }

    [Fact]
    public void C16_nobody_answers_his_own_objection_and_the_township_closes_what_says_nothing()
    {
        var a = Noticed(2);
        foreach (var id in new[] { "o1", "o2", "o3" })
            a = Then(a, x => RaiseObjection.Decide(x, id, null, "无"));
        foreach (var upheld in new[] { true, false })
        {
            AnswerObjection
                .Move(a, "o1", new ObjectionAnswer(upheld, "x", a.Lines[0].MemberId), Township.Id, Township)
                .ThenRefused(Rejections.SelfApproval);
            AnswerObjection
                .Move(a, "o1", new ObjectionAnswer(upheld, "x", a.Lines[0].MemberId), null, Officer)
                .ThenRefused(Rejections.SelfApproval);
            foreach (var handler in new[] { Reviewer, Approver })
                AnswerObjection
                    .Move(a, "o1", new ObjectionAnswer(upheld, "x", a.Lines[0].MemberId), null, handler)
                    .ThenRefused(Rejections.SelfApproval);
        }
        var known = new Dictionary<string, string> { ["o3"] = "township.2" };
        AnswerObjection.CloseEmpty(a, ["o1", "o3"], known, "无从核实", Township).ThenRefused(Rejections.FieldInvalid);
        AnswerObjection.CloseEmpty(a, ["o1", "o1"], known, "无从核实", Township).ThenRefused(Rejections.FieldInvalid);
        AnswerObjection.CloseEmpty(a, ["o1"], known, "无从核实", Reviewer).ThenRefused(Rejections.SelfApproval);
        AnswerObjection.CloseEmpty(a, ["o9"], known, "无从核实", Township).ThenRefused(Rejections.NotFound);
        var closed = Then(a, x => AnswerObjection.CloseEmpty(x, ["o1", "o2"], known, "无从核实", Township));
        Assert.Equal([false, false, null], closed.Objections.Select(o => o.Upheld));
        Pay.Move(closed, null, "NX", [Digest], AfterNotice, Officer).ThenRefused(Rejections.NoticeOpen);
        var answered = Then(
            closed,
            x => AnswerObjection.Move(x, "o3", new ObjectionAnswer(false, "x"), "township.2", Township)
        );
        Pay.Move(answered, null, "NX", [Digest], AfterNotice, Officer).Then();
    }

    [Fact]
    public void C17_partial_payment_bank_return_refund_and_settlement_of_what_is_left()
    {
        var a = Noticed(4);
        string M(int i) => a.Lines[i].MemberId;
        a = Then(a, x => Pay.Move(x, [M(0), M(1)], "NX1", [Digest], AfterNotice, Officer));
        Assert.Equal((2, 2), (a.With(LineStatus.Paid).Count(), a.With(LineStatus.Approved).Count()));
        Pay.Move(a, [M(0)], "NX", [Digest], AfterNotice, Officer).ThenRefused(Rejections.FieldInvalid);
        a = Then(a, x => Pay.Move(x, null, "NX2", [Digest], AfterNotice, Officer));
        a = Then(a, x => BankReturn.Move(x, [M(3)], "TH", "账号有误", [Digest], Officer));
        BankReturn.Move(a, [M(3)], "TH", "x", [Digest], Officer).ThenRefused(Rejections.FieldInvalid);
        BankReturn.Move(a, [M(0)], "TH", "x", [], Officer).ThenRefused(Rejections.EvidenceMissing);
        var (matches, _) = Receipt.Match(
            a,
            [
                new ReceiptRow(2, M(0), new Money(10_000), default, "HZ"),
                new ReceiptRow(3, M(1), new Money(10_000), default, "HZ"),
            ]
        );
        a = Then(a, x => Credit.Move(x, Digest, matches, [], Reviewer));
        Settle.Decide(a, Approver).ThenRefused(Rejections.WrongState); // one is in transit, one unpaid
        // He paid.
        Refund.Move(a, M(2), RefundReason.Death, "TK", [Digest], Officer).ThenRefused(Rejections.SelfApproval);
        a = Then(a, x => Refund.Move(x, M(2), RefundReason.Death, "TK", [Digest], Reviewer));
        Settle.Decide(a, Approver).ThenRefused(Rejections.WrongState); // the returned line is unpaid
        a = Then(a, x => Withdraw.MoveSome(x, [M(3)], "放弃", Officer));
        a = Then(a, x => Settle.Decide(x, Approver));
        // Also after settlement (C5)
        // L1
        Refund.Move(a, M(0), RefundReason.Death, "TK", [Digest], Reviewer).ThenRefused(Rejections.CreditedIsFinal);
        a = Then(a, x => Refund.Move(x, M(0), RefundReason.CatchUpFound, "TK", [Digest], Reviewer));
        Refund.Move(a, M(0), RefundReason.CatchUpFound, "TK", [Digest], Reviewer).ThenRefused(Rejections.FieldInvalid);
        Assert.Equal(
            [LineStatus.Refunded, LineStatus.Credited, LineStatus.Refunded, LineStatus.Released],
            a.Lines.Select(l => l.Status)
        );
    }

    /// <summary>Any command in any state either refuses or leaves a state whose lines add up; nothing throws.</summary>
    [Fact]
    public void No_order_of_commands_breaks_an_application() =>
        Gen.Int[0, 7]
            .Array[0, 25]
            .Sample(commands =>
            {
                var a = Filed(3);
                var today = new DateOnly(2026, 5, 1);
                foreach (var command in commands)
                {
                    Decision<Application> decision = command switch
                    {
                        0 => Review.Decide(a, [], true, NoFindings, Reviewer),
                        1 => Review.Return(a, "x", Reviewer),
                        2 => Submit.Again(a, Plan, Pilot, new Submission(Digest, Digest, Lines(2)), Officer),
                        3 => Approval(a, 1_000_000),
                        4 => PublishNotice.Decide(a, "x", 7, today = today.AddDays(1)),
                        5 => RaiseObjection.Decide(a, $"o{a.Revision}", a.Lines[0].MemberId, "x"),
                        6 => Pay.Move(a, null, "NX", [Digest], today = today.AddDays(9), Officer),
                        _ => Settle.Decide(a, Approver),
                    };
                    a = a.And(Id, decision.Events)!;
                    Assert.Equal(a.Lines.Length, a.Lines.GroupBy(l => l.Status).Sum(g => g.Count()));
                    if (a.Status is ApplicationStatus.Settled)
                        Assert.DoesNotContain(a.Lines, l => l.Status is LineStatus.Approved or LineStatus.Paid);
                }
            });

    [Fact]
    public void C17_receipts_match_to_the_fen_or_stay_visible()
    {
        var a = Reviewed(3);
        a = a.And(
            Id,
            [
                .. Approval(a, 30_000).Then(),
                new NoticePublished(default, default, "x"),
                new PaymentSent("o", 3, new Money(30_000), "NX", [Digest]),
            ]
        )!;
        ReceiptRow Row(int row, int line, long fen) => new(row, a.Lines[line].MemberId, new Money(fen), default, "HZ");
        var (matches, faults) = Receipt.Match(
            a,
            [
                Row(2, 0, 10_000),
                Row(3, 1, 9_999),
                Row(4, 0, 10_000),
                new ReceiptRow(5, "member-x", new Money(1), default, "HZ"),
            ]
        );
        Assert.Equal([2], matches.Select(m => m.Row.Row));
        Assert.Equal([3, 4, 5], faults.Select(f => f.Row!.Value));
        a = Then(
            a,
            x => Credit.Move(x, Digest, matches, [new UnmatchedReceipt(3, new Money(9_999), "不符")], Reviewer)
        );
        Assert.Single(a.UnmatchedReceipts);
        Settle.Decide(a, Approver).ThenRefused(Rejections.WrongState);
    }
}
