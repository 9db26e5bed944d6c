using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Collectives.Steps;

/// <summary>Some members go to another collective (分立), with their share of the money.</summary>
public static class Split
{
    /// <summary>Changed: the collective that they leave, both funds, the members.</summary>
    /// <param name="Source">The fund of <paramref name="From"/>, where it has one.</param>
    /// <param name="Target">That of <paramref name="Into"/>.</param>
    /// <param name="Members">Those who go, as they were listed; whoever asked for them has found them all.</param>
    /// <param name="Registered">How many living members are on the rolls before.</param>
    /// <param name="IntoRegistered">How many members <paramref name="Into"/> has on its rolls.</param>
    /// <param name="Reviewers">Who at the township handed in the review.</param>
    public sealed record Basis(
        Collective From,
        Collective Into,
        Fund? Source,
        Fund? Target,
        IReadOnlyList<Member> Members,
        int Registered,
        int IntoRegistered,
        IReadOnlyCollection<string> Reviewers
    );

    /// <summary>
    /// The share of those who go, to the fen and never more: what they leave belongs to those who stay.
    /// </summary>
    public static Money Share(Money available, int going, int registered) =>
        going >= registered ? available : new Money((long)((Int128)available.Fen * going / registered));

    /// <summary>No less than half of their share goes with those who leave (†).</summary>
    public static Money Least(Money share) => new((share.Fen + 1) / 2);

    /// <summary>From this business date on every split says of how many members it is one.</summary>
    public static readonly DateOnly CountedFrom = new(2026, 12, 1);

    /// <summary>
    /// Of how many members those who go are a part: the last survey's. A roll that is not complete makes nobody's share
    /// greater, and one that is longer than the survey has people whom nobody counted.
    /// </summary>
    private static (int Counted, Rejection? Refusal) Count(Basis on)
    {
        if (on.From.Surveys.IsEmpty)
            return (0, new Rejection(Rejections.SurveyMissing, $"{on.From.Name} 没有摸底调查，不能计算份额"));
        var (year, survey) = on.From.Surveys.Last();
        return (
            survey.Members,
            on.Registered > survey.Members
                ? new Rejection(
                    Rejections.SplitImplausible,
                    $"名册有 {on.Registered} 名成员，{year} 年度摸底为 {survey.Members} 人，请先核对"
                )
            : on.Members.Count >= on.Registered
                ? new Rejection(
                    Rejections.SplitImplausible,
                    $"名册上 {on.Registered} 名成员全部转出，不是分立，请办理合并"
                )
                {
                    Field = "memberIds",
                }
            : null
        );
    }

    public static Decision<Collective> Decide(
        Basis on,
        Money amount,
        string reason,
        SuccessionPapers papers,
        IReadOnlyList<string> evidence,
        DateOnly day,
        Actor by
    )
    {
        var (from, into) = (on.From, on.Into);
        Collective[] deciding = into.HasAssembly(on.IntoRegistered) ? [from, into] : [from];
        if (
            (
                CollectiveDecider.SuccessionRefusal(from, into, "分到")
                ?? CollectiveDecider.PapersRefusal(deciding, [from, into], papers, on.Reviewers, day, by)
            ) is
            { } wrong
        )
            return wrong;
        if (Twice(on.Members) is { } twice)
            return twice;
        if (on.Source is not { } source)
            return new Rejection(Rejections.NotFound, $"没有找到 {from.Id} 的补助资金");
        if (on.Target is not { } target)
            return new Rejection(Rejections.NotFound, $"没有找到 {into.Id} 的补助资金");
        var moved = FundDecider.Transfer(source, target, amount);
        if (moved.Rejection is { } stuck)
            return stuck;
        var (counted, uncounted) = Count(on);
        if (uncounted is not null)
            return uncounted;
        var available = source.Pocket(SubAccount.General).Available;
        var share = Share(available, on.Members.Count, counted);
        if (amount > share || amount < Least(share))
            return new Rejection(
                amount > share ? Rejections.SplitShareExceeded : Rejections.SplitImplausible,
                $"{counted} 名成员中转出 {on.Members.Count} 人，随之转出的资金最多 {share} 元，不少于 {Least(share)} 元"
            )
            {
                Field = "amount",
                LeftAmount = share,
            };
        var also = new List<Change>();
        if (moved.Events.Count > 0)
            also.AddRange([Change.Of(source, moved.Events), .. moved.Also]);
        foreach (var member in on.Members)
        {
            if (member.DiedOn is not null)
                return new Rejection(Rejections.MemberDeceased, $"{member.Id} 已登记死亡") { Field = "memberIds" };
            var gone = MemberDecider.Move(member, from.Id, into.Id, into.Region);
            if (gone.Rejection is { } stays)
                return stays;
            also.Add(Change.Of(member, gone.Events));
        }
        var separated = new MembersSeparated(
            into.Id,
            on.Members.Count,
            amount,
            reason,
            evidence,
            papers,
            counted,
            available
        );
        return new Decision<Collective>([separated], null) { Also = also };
    }

    private static Rejection? Twice(IReadOnlyList<Member> members)
    {
        var seen = new HashSet<string>();
        foreach (var (member, i) in members.Select((m, i) => (m, i)))
            if (!seen.Add(member.Id))
                return new Rejection(Rejections.FieldInvalid, "同一成员出现多次") { Field = $"memberIds[{i}]" };
        return null;
    }
}
