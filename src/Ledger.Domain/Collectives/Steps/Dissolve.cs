using Ledger.Domain.Funds;

namespace Ledger.Domain.Collectives.Steps;

/// <summary>
/// A collective ends (解散) with no successor. Its ring-fence was emptied before: by return to its sources, and closed.
/// Members keep their accounts, and what was credited to them.
/// </summary>
public static class Dissolve
{
    /// <param name="Fund">Its fund, where it has one.</param>
    /// <param name="OpenApplication">One that is neither settled, rejected nor withdrawn.</param>
    /// <param name="Reviewers">Who at the township handed in the review.</param>
    public sealed record Basis(
        Collective Collective,
        Fund? Fund,
        string? OpenApplication,
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
        if (CollectiveDecider.Gone(on.Collective) is { } gone)
            return gone;
        if (CollectiveDecider.PapersRefusal([on.Collective], [on.Collective], papers, on.Reviewers, day, by) is { } bad)
            return bad;
        if (on.OpenApplication is { } open)
            return new Rejection(Rejections.WrongState, $"申请 {open} 尚未办结");
        if (on.Fund is { IsClosed: false } fund)
            return FundDecider.Occupied(fund)
                ?? new Rejection(Rejections.WrongState, "补助资金尚未关闭：请村级财务先关闭补助资金");
        return new IEventOf<Collective>[] { new CollectiveDissolved(reason, evidence, papers) };
    }
}
