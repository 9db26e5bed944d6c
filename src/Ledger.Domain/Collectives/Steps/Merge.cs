using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;

namespace Ledger.Domain.Collectives.Steps;

/// <summary>
/// One collective goes into another (合并), and all its money with it: every fen stays traceable to its source.
/// </summary>
public static class Merge
{
    /// <summary>Changed: both collectives, both funds; the fund that is left empty closes.</summary>
    /// <param name="Source">The fund of <paramref name="From"/>, where it has one.</param>
    /// <param name="Target">That of <paramref name="Into"/>.</param>
    /// <param name="IntoRegistered">How many members <paramref name="Into"/> has on its rolls.</param>
    /// <param name="Reviewers">Who at the township handed in the review.</param>
    public sealed record Basis(
        Collective From,
        Collective Into,
        Fund? Source,
        Fund? Target,
        int IntoRegistered,
        IReadOnlyCollection<string> Reviewers
    );

    public static Decision<Collective> Decide(
        Basis on,
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
                CollectiveDecider.SuccessionRefusal(from, into, "并入")
                ?? CollectiveDecider.PapersRefusal(deciding, [from, into], papers, on.Reviewers, day, by)
            ) is
            { } wrong
        )
            return wrong;
        var also = new List<Change> { Change.Of(into, new PredecessorAbsorbed(from.Id, from.Predecessors)) };
        if (on.Source is { } source)
        {
            if (on.Target is not { } target)
                return new Rejection(Rejections.NotFound, $"没有找到 {into.Id} 的补助资金");
            var moved = FundDecider.Transfer(source, target, null);
            if (moved.Rejection is { } stuck)
                return stuck;
            var emptied = moved.Events.Count > 0 ? Change.Of(source, moved.Events) : null;
            var left = emptied?.After ?? source;
            if (emptied is not null)
                also.AddRange([emptied, .. moved.Also]);
            if (!left.IsClosed)
            {
                var closed = CloseFund.Decide(left, reason, evidence);
                if (closed.Rejection is { } open)
                    return open;
                also.Add(Change.Of(left, closed.Events));
            }
        }
        return new Decision<Collective>([new CollectiveMerged(into.Id, reason, evidence, papers)], null)
        {
            Also = also,
        };
    }
}
