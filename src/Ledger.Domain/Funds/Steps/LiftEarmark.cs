namespace Ledger.Domain.Funds.Steps;

/// <summary>An earmark ends (C8).</summary>
public static class LiftEarmark
{
    /// <summary>C8: with the donor's consent what is left of an earmarked gift may serve all.</summary>
    public static Decision<Fund> Decide(Fund state, string pocket, IReadOnlyList<string> evidence)
    {
        if (pocket == SubAccount.General || !state.SubAccounts.TryGetValue(pocket, out var account))
            return new Rejection(Rejections.NotFound, $"没有子账户 {pocket}");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "须附捐赠人同意书") { Field = "evidence" };
        if (!account.Available.IsPositive)
            return new Rejection(Rejections.WrongState, "该子账户没有余款");
        return new IEventOf<Fund>[]
        {
            new EarmarkLifted(
                pocket,
                account.Available,
                account.Rest(),
                state.Pocket(SubAccount.General).Next(account.Available),
                evidence
            ),
        };
    }
}
