using Ledger.Domain.Collectives;
using Ledger.Domain.Collectives.Steps;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Members;

namespace Ledger.Domain.Tests;

/// <summary>Mergers and splits, C24: a fund goes nowhere by one person's word, nor further than its members.</summary>
public sealed class SuccessionTests
{
    private const string Village = "370811102201";
    private static readonly string[] Papers = [new('a', 64)];
    private static readonly Actor County = Given.Actor("agriculture", Identity.Roles.CountyAgriculture);
    private static readonly string[] Township = ["township"];
    private static readonly Collective From = Registered("collective-1", Village),
        Into = Registered("collective-2", "370811102202"),
        Elsewhere = Registered("collective-3", "370811109201");

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
        Actor? by = null
    ) =>
        Split.Decide(
            new(
                From,
                into ?? Into,
                Fund("1", 1000),
                Fund("2"),
                [.. going.Select(Member)],
                registered,
                reviewers ?? Township
            ),
            Given.Yuan(yuan),
            "分村",
            Papers,
            by ?? County
        );

    [Fact]
    public void C9_C24_no_more_goes_with_those_who_leave_than_their_share()
    {
        var refused = Divided(333.34m, [1], 3).ThenRefused(Rejections.SplitShareExceeded);
        Assert.Equal(("amount", Given.Yuan(333.33m)), (refused.Field, refused.LeftAmount));
        Divided(333.33m, [1], 3).Then();
        Divided(1000, [1, 2], 3).ThenRefused(Rejections.SplitShareExceeded);
        Divided(1000, [1, 2, 3], 3).Then(); // everybody goes
        Divided(1000.01m, [1, 2, 3], 3).ThenRefused(Rejections.FundOverdrawn);
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
            .Decide(new(From, Elsewhere, Fund("1", 1000), Fund("3"), Township), "合村并居", Papers, County)
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
            Merge.Decide(new(From, Into, Fund("1", 1000), Fund("2"), reviewers), "合村并居", Papers, by);

        Divided(1, [1], 3, reviewers: []).ThenRefused(Rejections.EvidenceMissing);
        Divided(1, [1], 3, by: both).ThenRefused(Rejections.SelfApproval);
        Merged([], County).ThenRefused(Rejections.EvidenceMissing);
        Merged(Township, both).ThenRefused(Rejections.SelfApproval);
        Merged(["township", "other"], both).Then();
        Merged(Township, County).Then();
    }
}
