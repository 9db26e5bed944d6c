namespace Ledger.Domain.Funds.Steps;

/// <summary>The end of a fund (C9).</summary>
public static class CloseFund
{
    /// <summary>A fund closes when nothing is in it or under way.</summary>
    public static Decision<Fund> Decide(Fund state, string reason, IReadOnlyList<string> evidence)
    {
        if (state.IsClosed)
            return new Rejection(Rejections.FundClosed, "补助资金已关闭");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "关闭补助资金须附决议") { Field = "evidence" };
        return FundDecider.Occupied(state) is { } occupied
            ? occupied
            : new IEventOf<Fund>[] { new FundClosed(reason, evidence) };
    }
}
