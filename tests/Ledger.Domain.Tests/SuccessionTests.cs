using Ledger.Domain.Collectives;
using Ledger.Domain.Collectives.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>
/// Mergers, splits and dissolutions, C24, L16: a fund goes nowhere by one person's word, nor without the papers, nor
/// further than its members.
/// </summary>
public sealed class SuccessionTests
{
    private const string Village = "370811102201";
    private static readonly string[] Papers = [new('a', 64)];
    private static readonly Actor County = Given.Actor("agriculture", Identity.Roles.CountyAgriculture);
    private static readonly string[] Township = ["township"];
    private static readonly Collective From = Registered("collective-1", Village),
        Into = Registered("collective-2", "370811102202"),
        Elsewhere = Registered("collective-3", "370811109201");

    private static readonly DateOnly Decided = new(2026, 3, 1),
        Reviewed = new(2026, 3, 10),
        Approved = new(2026, 3, 20),
        Today = new(2026, 4, 1);

    private static string Digest(char c) => new(c, 64);

    private static AssemblyDecision Decision(Collective of, char document) =>
        new(of.Id, "决〔2026〕1号", Decided, Digest(document));

    private static readonly SuccessionPapers Full = new(
        [Decision(From, 'b'), Decision(Into, 'c')],
        new Paper(Reviewed, Digest('d')),
        new Approval("任政批〔2026〕7号", Approved, Digest('e')),
        new Paper(Approved, Digest('f'))
    );

    private static Collective Registered(string id, string village) =>
        Given.State<Collective>(id, new CollectiveRegistered("c", "n", village));

    private static Fund Fund(string id, decimal yuan = 0)
    {
        var fund = Given.State<Fund>($"fund-{id}", new FundOpened($"collective-{id}", "n", Village));
        return yuan == 0
            ? fund
            : fund.And(
                fund.Id,
                Allocate
                    .Into(
                        fund,
                        "a",
                        SourceKind.CollectiveIncome,
                        "s",
                        Given.Yuan(yuan),
                        null,
                        null,
                        Papers,
                        new DateOnly(2026, 1, 1)
                    )
                    .Then()
            )!;
    }

    private static Member Member(int i) =>
        Given.State<Member>(
            $"member-{i:00000000000000000000000000000000}",
            new MemberRegistered(From.Id, Village, "d")
        );

    private static Decision<Collective> Divided(
        decimal yuan,
        int[] going,
        int registered,
        Collective? into = null,
        string[]? reviewers = null,
        Actor? by = null,
        SuccessionPapers? papers = null,
        int? surveyed = null
    ) =>
        Split.Decide(
            new(
                From.And(From.Id, new CollectiveSurveyed(2026, new Survey(Money.Zero, surveyed ?? registered, 0, 0)))!,
                into ?? Into,
                Fund("1", 1000),
                Fund("2"),
                [.. going.Select(Member)],
                registered,
                0,
                reviewers ?? Township
            ),
            Given.Yuan(yuan),
            "分村",
            papers ?? Full,
            Papers,
            Today,
            by ?? County
        );

    [Fact]
    public void C9_C24_no_more_goes_with_those_who_leave_than_their_share()
    {
        var refused = Divided(333.34m, [1], 3).ThenRefused(Rejections.SplitShareExceeded);
        Assert.Equal(("amount", Given.Yuan(333.33m)), (refused.Field, refused.LeftAmount));
        Divided(333.33m, [1], 3).Then();
        Divided(1000, [1, 2], 3).ThenRefused(Rejections.SplitShareExceeded);
        Divided(1000.01m, [1, 2], 3).ThenRefused(Rejections.FundOverdrawn);
        // A roll that is not complete makes nobody's share greater.
        Divided(333.33m, [1], 3, surveyed: 10).ThenRefused(Rejections.SplitShareExceeded);
        var separated = Assert.IsType<MembersSeparated>(Divided(100, [1], 3, surveyed: 10).Then()[0]);
        Assert.Equal((10, Given.Yuan(1000)), (separated.Counted, separated.AvailableFen));
    }

    [Fact]
    public void C9_C24_invented_members_count_for_nothing_not_all_go_and_not_for_a_trifle()
    {
        // 253 were counted; an officer puts 4,000 more on the roll.
        Divided(22.33m, [1], 4253, surveyed: 253).ThenRefused(Rejections.SplitImplausible);
        Divided(1000, [1, 2, 3], 3).ThenRefused(Rejections.SplitImplausible);
        Divided(1, [1, 2, 3], 3).ThenRefused(Rejections.SplitImplausible);
        Assert.Equal("amount", Divided(166.66m, [1], 3).ThenRefused(Rejections.SplitImplausible).Field);
        Divided(166.67m, [1], 3).Then();
        Split
            .Decide(
                new(From, Into, Fund("1", 1000), Fund("2"), [Member(1)], 3, 0, Township),
                Given.Yuan(300),
                "分村",
                Full,
                Papers,
                Today,
                County
            )
            .ThenRefused(Rejections.SurveyMissing);
    }

    [Fact]
    public void C24_nobody_is_counted_twice() =>
        Assert.Equal("memberIds[2]", Divided(600, [1, 2, 1], 5).ThenRefused(Rejections.FieldInvalid).Field);

    [Fact]
    public void C24_a_fund_stays_in_its_township()
    {
        Assert.Equal(
            "intoCollectiveId",
            Divided(1, [1], 3, into: Elsewhere).ThenRefused(Rejections.FieldInvalid).Field
        );
        Merge
            .Decide(
                new(From, Elsewhere, Fund("1", 1000), Fund("3"), 0, Township),
                "合村并居",
                Full,
                Papers,
                Today,
                County
            )
            .ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void C20_C24_one_person_alone_neither_splits_nor_merges()
    {
        var both = County with
        {
            Persons = new Dictionary<string, string> { [County.Id] = "person-1", ["township"] = "person-1" },
        };
        Decision<Collective> Merged(string[] reviewers, Actor by) =>
            Merge.Decide(
                new(From, Into, Fund("1", 1000), Fund("2"), 1, reviewers),
                "合村并居",
                Full,
                Papers,
                Today,
                by
            );

        Divided(1, [1], 3, reviewers: []).ThenRefused(Rejections.EvidenceMissing);
        Divided(1, [1], 3, by: both).ThenRefused(Rejections.SelfApproval);
        Merged([], County).ThenRefused(Rejections.EvidenceMissing);
        Merged(Township, both).ThenRefused(Rejections.SelfApproval);
        Merged(["township", "other"], both).Then();
        Merged(Township, County).Then();
    }

    private static Decision<Collective> Merged(SuccessionPapers papers, Collective? from = null, int present = 1) =>
        Merge.Decide(
            new(from ?? From, Into, Fund("1", 1000), Fund("2"), present, Township),
            "合村并居",
            papers,
            Papers,
            Today,
            County
        );

    private static string? Missing(Decision<Collective> decision) =>
        decision.ThenRefused(Rejections.SuccessionPaperMissing).Field;

    private static string? Irregular(SuccessionPapers papers) =>
        Merged(papers).ThenRefused(Rejections.SuccessionPapersIrregular).Field;

    [Fact]
    public void L16_a_merger_needs_both_assemblies_the_townships_review_and_the_countys_approval()
    {
        Assert.Equal("papers.decisions", Missing(Merged(SuccessionPapers.None)));
        Assert.Equal("papers.decisions", Missing(Merged(Full with { Decisions = [Decision(Into, 'b')] })));
        Assert.Equal("papers.decisions", Missing(Merged(Full with { Decisions = [Decision(From, 'b')] })));
        Assert.Equal("papers.review", Missing(Merged(Full with { Review = null })));
        Assert.Equal("papers.approval", Missing(Merged(Full with { Approval = null })));
        var merged = Assert.IsType<CollectiveMerged>(Merged(Full).Then()[0]);
        Assert.Equal(Full, merged.Papers);
        // One that is new has no members yet who could decide
        Merged(Full with { Decisions = [Decision(From, 'b')] }, present: 0).Then();
    }

    [Fact]
    public void L16_decision_review_approval_and_notice_follow_each_other_and_none_lies_ahead()
    {
        AssemblyDecision On(DateOnly day) => Full.Decisions[1] with { On = day };
        Assert.Equal(
            "papers.review.on",
            Irregular(Full with { Decisions = [Full.Decisions[0], On(Reviewed.AddDays(1))] })
        );
        Assert.Equal(
            "papers.approval.on",
            Irregular(Full with { Approval = Full.Approval! with { On = Reviewed.AddDays(-1) } })
        );
        Assert.Equal(
            "papers.approval.on",
            Irregular(Full with { Approval = Full.Approval! with { On = Today.AddDays(1) }, Creditors = null })
        );
        Assert.Equal(
            "papers.creditors.on",
            Irregular(Full with { Creditors = new Paper(Approved.AddDays(-1), Digest('f')) })
        );
        Assert.Equal(
            "papers.creditors.on",
            Irregular(Full with { Creditors = new Paper(Today.AddDays(1), Digest('f')) })
        );
        // All of one day is in order
        Merged(
                new(
                    [Full.Decisions[0] with { On = Today }, On(Today)],
                    new Paper(Today, Digest('d')),
                    Full.Approval! with
                    {
                        On = Today,
                    },
                    new Paper(Today, Digest('f'))
                )
            )
            .Then();
    }

    [Fact]
    public void L16_a_decision_of_somebody_else_one_given_twice_and_one_document_for_two_papers_are_irregular()
    {
        Assert.Equal(
            "papers.decisions[2].collectiveId",
            Irregular(Full with { Decisions = [.. Full.Decisions, Decision(Elsewhere, '1')] })
        );
        Assert.Equal(
            "papers.decisions[2].collectiveId",
            Irregular(Full with { Decisions = [.. Full.Decisions, Decision(From, '1')] })
        );
        Assert.Equal(
            "papers.approval.evidence",
            Irregular(Full with { Approval = Full.Approval! with { Evidence = Full.Review!.Evidence } })
        );
    }

    [Fact]
    public void L16_a_split_needs_the_decision_of_those_who_part_and_of_those_who_take_them_in()
    {
        var surveyed = Into.And(Into.Id, new CollectiveSurveyed(2026, new Survey(Given.Yuan(1), 10, 5, 5)))!;
        var alone = Full with { Decisions = [Decision(From, 'b')] };
        Assert.Equal("papers.decisions", Missing(Divided(1, [1], 3, papers: SuccessionPapers.None)));
        Assert.Equal("papers.decisions", Missing(Divided(1, [1], 3, into: surveyed, papers: alone)));
        Divided(300, [1], 3, into: surveyed).Then();
        var separated = Assert.IsType<MembersSeparated>(Divided(300, [1], 3, papers: alone).Then()[0]);
        Assert.Equal(alone, separated.Papers);
    }

    [Fact]
    public void L16_creditors_who_were_not_told_are_a_task_until_they_are()
    {
        var open = From.And(From.Id, Merged(Full with { Creditors = null }).Then())!;
        Assert.Equal(new() { ["任政批〔2026〕7号"] = Approved }, open.CreditorsUntold.ToDictionary());
        Assert.Empty(From.And(From.Id, Merged(Full).Then())!.CreditorsUntold);
        // Of before the papers were asked for, nothing is open
        Assert.Empty(From.And(From.Id, new CollectiveMerged(Into.Id, "r", Papers))!.CreditorsUntold);

        Decision<Collective> Told(Collective of, string number, DateOnly on, string[]? evidence = null) =>
            CollectiveDecider.NotifyCreditors(of, number, on, evidence ?? Papers, Today);
        Told(open, "任政批〔2026〕8号", Approved).ThenRefused(Rejections.NotFound);
        Told(open, "任政批〔2026〕7号", Approved, []).ThenRefused(Rejections.EvidenceMissing);
        foreach (var day in (DateOnly[])[Approved.AddDays(-1), Today.AddDays(1)])
            Assert.Equal(
                "on",
                Told(open, "任政批〔2026〕7号", day).ThenRefused(Rejections.SuccessionPapersIrregular).Field
            );
        var told = Told(open, "任政批〔2026〕７号", Today).Then(); // full width is the same number; late is recorded too
        Assert.Equal("任政批〔2026〕7号", Assert.IsType<CreditorsNotified>(told[0]).ApprovalNumber);
        Assert.Empty(open.And(open.Id, told)!.CreditorsUntold);
        Told(open.And(open.Id, told)!, "任政批〔2026〕7号", Today).ThenRefused(Rejections.NotFound);
    }

    [Fact]
    public void L16_a_collective_is_dissolved_when_its_ring_fence_is_empty_and_closed_and_nothing_is_under_way()
    {
        var papers = Full with { Decisions = [Decision(From, 'b')] };
        Decision<Collective> Dissolved(
            Fund? fund,
            string? open = null,
            SuccessionPapers? with = null,
            string[]? reviewers = null,
            Collective? of = null
        ) =>
            Dissolve.Decide(
                new(of ?? From, fund, open, reviewers ?? Township),
                "整村搬迁",
                with ?? papers,
                Papers,
                Today,
                County
            );
        var empty = Fund("1");
        var closed = empty.And(empty.Id, CloseFund.Decide(empty, "解散", Papers).Then())!;
        Dissolved(Fund("1", 10)).ThenRefused(Rejections.WrongState); // the money first, to its sources
        Dissolved(empty).ThenRefused(Rejections.WrongState);
        Dissolved(closed, open: "application-1").ThenRefused(Rejections.WrongState);
        Assert.Equal("papers.decisions", Missing(Dissolved(closed, with: SuccessionPapers.None)));
        Dissolved(closed, with: Full).ThenRefused(Rejections.SuccessionPapersIrregular); // another's decision
        Dissolved(closed, reviewers: []).ThenRefused(Rejections.EvidenceMissing);
        Dissolved(closed, reviewers: [County.Id]).ThenRefused(Rejections.SelfApproval);
        Dissolved(null).Then(); // it never had a fund
        var gone = From.And(From.Id, Dissolved(closed).Then())!;
        Assert.Equal(Approved, gone.DissolvedOn);
        Dissolved(closed, of: gone).ThenRefused(Rejections.CollectiveDissolved);
        Merged(Full, gone).ThenRefused(Rejections.CollectiveDissolved);
        CollectiveDecider
            .RecordSurvey(gone, 2026, new Survey(Money.Zero, 1, 1, 1), Today)
            .ThenRefused(Rejections.CollectiveDissolved);
    }

    [Fact]
    public void L16_another_name_needs_the_countys_approval()
    {
        Decision<Collective> Renamed(Approval? approval) => Rename.Decide(From, null, "新名", approval, Papers, Today);
        Assert.Equal("approval", Missing(Renamed(null)));
        var ahead = Renamed(Full.Approval! with { On = Today.AddDays(1) });
        Assert.Equal("approval.on", ahead.ThenRefused(Rejections.SuccessionPapersIrregular).Field);
        Assert.Equal(Full.Approval, Assert.IsType<CollectiveRenamed>(Renamed(Full.Approval).Then()[0]).Approval);
    }
}
