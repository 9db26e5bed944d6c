namespace Ledger.Domain.Funds.Steps;

/// <summary>What is left goes back to where it came from (C9).</summary>
public static class ReturnSurplus
{
    /// <summary>C9: by resolution, what is available in a sub-account goes back to its sources.</summary>
    public static Decision<Fund> Decide(Fund state, string pocket, string reason, IReadOnlyList<string> evidence)
    {
        var account = state.Pocket(pocket);
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "退回来源须附决议和退款凭证") { Field = "evidence" };
        if (!account.Available.IsPositive)
            return new Rejection(Rejections.WrongState, "该子账户没有余款");
        return new IEventOf<Fund>[]
        {
            new SurplusReturned(pocket, account.Available, account.Rest(), reason, evidence),
        };
    }
}
