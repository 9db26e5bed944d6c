namespace Ledger.Domain.Funds.Steps;

/// <summary>An earmark ends (C8): with the donor's consent, by two (C20).</summary>
public static class LiftEarmark
{
    private const string Act = "解除指定用途";

    /// <summary>
    /// The money stays in the ring-fence: only what is under way out of this sub-account is in its way.
    /// </summary>
    public static Decision<Fund> Request(
        RestOfPocket.Basis on,
        string confirmBy,
        IReadOnlyList<string> evidence,
        DateOnly day,
        Actor by
    )
    {
        if (RestOfPocket.CannotAsk(on, Act, confirmBy, by) is { } alone)
            return alone;
        if (on.SubAccount == SubAccount.General || !on.Fund.SubAccounts.ContainsKey(on.SubAccount))
            return new Rejection(Rejections.NotFound, $"没有子账户 {on.SubAccount}");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "须附捐赠人同意书") { Field = "evidence" };
        if (Busy(on) is { } busy)
            return busy;
        var fen = on.Fund.Pocket(on.SubAccount).Rest();
        return RestOfPocket.IsAsked(on, new(true, fen, day, by.Id, confirmBy, "", evidence, by.OnBehalfOf))
            ? Array.Empty<IEventOf<Fund>>()
            : [new EarmarkLiftRequested(on.SubAccount, fen, day, by.Id, confirmBy, evidence, by.OnBehalfOf)];
    }

    /// <summary>C8: with the donor's consent what is left of an earmarked gift may serve all.</summary>
    public static Decision<Fund> Confirm(RestOfPocket.Basis on, Actor by)
    {
        var asked = on.Fund.RestsAsked.GetValueOrDefault(on.SubAccount) is { FreesEarmark: true } a ? a : null;
        return (RestOfPocket.CannotConfirm(on, Act, asked, by) ?? Busy(on)) is { } refusal
            ? refusal
            : new IEventOf<Fund>[]
            {
                new EarmarkLifted(
                    on.SubAccount,
                    asked!.Fen.Length,
                    asked.Fen,
                    on.Fund.Pocket(SubAccount.General).Next(asked.Fen.Length),
                    asked.Evidence,
                    by.Id
                ),
            };
    }

    private static Rejection? Busy(RestOfPocket.Basis on)
    {
        var own = on.Fund.Commitments.Values.Where(c => c.SubAccount == on.SubAccount).ToList();
        return RestOfPocket.Busy(
            on,
            Money.Sum(own.Select(c => c.ReservedFen)),
            Money.Sum(own.Select(c => c.InTransitFen))
        );
    }
}
