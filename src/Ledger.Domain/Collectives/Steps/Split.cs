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
    /// <param name="Registered">How many are on the rolls before.</param>
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
        var share = Share(source.Pocket(SubAccount.General).Available, on.Members.Count, on.Registered);
        if (amount > share)
            return new Rejection(
                Rejections.SplitShareExceeded,
                $"{on.Registered} 名成员中转出 {on.Members.Count} 人，随之转出的资金最多 {share} 元"
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
            var gone = MemberDecider.Move(member, from.Id, into.Id, into.Region);
            if (gone.Rejection is { } stays)
                return stays;
            also.Add(Change.Of(member, gone.Events));
        }
        var separated = new MembersSeparated(into.Id, on.Members.Count, amount, reason, evidence, papers);
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
