namespace Ledger.Domain.Funds.Steps;

/// <summary>What is left goes back to where it came from (C9): by resolution, by two (C20).</summary>
public static class ReturnSurplus
{
    private const string Act = "退回来源";

    /// <summary>Nothing may be under way in the whole fund: while it is in use, what it holds is no surplus.</summary>
    public static Decision<Fund> Request(
        RestOfPocket.Basis on,
        string confirmBy,
        string reason,
        IReadOnlyList<string> evidence,
        DateOnly day,
        Actor by
    )
    {
        if (RestOfPocket.CannotAsk(on, Act, confirmBy, by) is { } alone)
            return alone;
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "退回来源须附决议") { Field = "evidence" };
        if (Busy(on) is { } busy)
            return busy;
        var fen = on.Fund.Pocket(on.SubAccount).Rest();
        return RestOfPocket.IsAsked(on, new(false, fen, day, by.Id, confirmBy, reason, evidence, by.OnBehalfOf))
            ? Array.Empty<IEventOf<Fund>>()
            : [new SurplusReturnRequested(on.SubAccount, fen, day, by.Id, confirmBy, reason, evidence, by.OnBehalfOf)];
    }

    /// <summary>C9: by resolution, what is available in a sub-account goes back to its sources.</summary>
    public static Decision<Fund> Confirm(RestOfPocket.Basis on, Actor by)
    {
        var asked = on.Fund.RestsAsked.GetValueOrDefault(on.SubAccount) is { FreesEarmark: false } a ? a : null;
        return (RestOfPocket.CannotConfirm(on, Act, asked, by) ?? Busy(on)) is { } refusal
            ? refusal
            : new IEventOf<Fund>[]
            {
                new SurplusReturned(on.SubAccount, asked!.Fen.Length, asked.Fen, asked.Reason, asked.Evidence, by.Id),
            };
    }

    private static Rejection? Busy(RestOfPocket.Basis on) =>
        RestOfPocket.Busy(on, on.Fund.ReservedFen, on.Fund.InTransitFen);
}
