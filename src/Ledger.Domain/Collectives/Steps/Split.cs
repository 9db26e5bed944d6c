using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Collectives.Steps;

/// <summary>Some members go to another collective (分立), with their share of the money.</summary>
public static class Split
{
    /// <summary>Changed: the collective that they leave, both funds, the members.</summary>
    /// <param name="Source">The fund of <paramref name="From"/>, where it has one.</param>
    /// <param name="Target">That of <paramref name="Into"/>.</param>
    /// <param name="Members">Those who go; whoever asked for them has found them all.</param>
    public sealed record Basis(
        Collective From,
        Collective Into,
        Fund? Source,
        Fund? Target,
        IReadOnlyList<Member> Members
    );

    public static Decision<Collective> Decide(Basis on, Money amount, string reason, IReadOnlyList<string> evidence)
    {
        var (from, into) = (on.From, on.Into);
        if (CollectiveDecider.SuccessionRefusal(from, into, "分到", "分立", evidence) is { } wrong)
            return wrong;
        if (on.Source is not { } source)
            return new Rejection(Rejections.NotFound, $"没有找到 {from.Id} 的补助资金");
        if (on.Target is not { } target)
            return new Rejection(Rejections.NotFound, $"没有找到 {into.Id} 的补助资金");
        var moved = FundDecider.Transfer(source, target, amount);
        if (moved.Rejection is { } stuck)
            return stuck;
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
        var separated = new MembersSeparated(into.Id, on.Members.Count, amount, reason, evidence);
        return new Decision<Collective>([separated], null) { Also = also };
    }
}
