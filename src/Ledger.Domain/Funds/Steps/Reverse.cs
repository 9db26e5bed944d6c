namespace Ledger.Domain.Funds.Steps;

/// <summary>
/// A mistaken allocation is taken out again (冲正, C9, C20): one person asks, another whom he names confirms.
/// </summary>
public static class Reverse
{
    /// <summary>A mistaken allocation: one person asks, and names another who is to confirm (four eyes).</summary>
    public static Decision<Fund> Request(
        Fund state,
        string allocationId,
        Lot lot,
        string confirmBy,
        string reason,
        Actor by
    )
    {
        if (FourEyes.Ask("冲正", confirmBy, by) is { } alone)
            return alone;
        if (Irreversible(state, allocationId, lot) is { } stuck)
            return stuck;
        // The same again is none; another's to confirm is.
        return state.Reversals.GetValueOrDefault(allocationId) == new Reversal(by.Id, confirmBy, false, by.OnBehalfOf)
            ? Array.Empty<IEventOf<Fund>>()
            : [new ReversalRequested(allocationId, by.Id, confirmBy, reason, by.OnBehalfOf)];
    }

    /// <summary>
    /// The named person confirms: the lot leaves, older money before it on the axis is carried behind it.
    /// </summary>
    public static Decision<Fund> Confirm(Fund state, string allocationId, Lot lot, Actor by)
    {
        var asked = state.Reversals.GetValueOrDefault(allocationId);
        if (
            FourEyes.Confirm("冲正", "这笔划入", [asked?.RequestedBy, asked?.RequestedFor], asked?.ConfirmBy, by) is
            { } alone
        )
            return alone;
        if (Irreversible(state, allocationId, lot) is { } stuck)
            return stuck;
        var pocket = state.Pocket(lot.SubAccount);
        var carried = lot.Fen.From > pocket.OutFen ? new FenInterval(pocket.OutFen, lot.Fen.From) : (FenInterval?)null;
        return new IEventOf<Fund>[]
        {
            new AllocationReversed(
                allocationId,
                lot.SubAccount,
                lot.Fen.Length,
                lot.Fen,
                carried,
                carried is { } c ? pocket.Next(c.Length) : null,
                by.Id
            ),
        };
    }

    private static Rejection? Irreversible(Fund state, string allocationId, Lot lot) =>
        state.Reversals.GetValueOrDefault(allocationId) is { Done: true }
            ? new Rejection(Rejections.WrongState, "这笔划入已冲正")
        : state.IsClosed ? new Rejection(Rejections.FundClosed, "补助资金已关闭")
        : state.Pocket(lot.SubAccount).OutFen > lot.Fen.From
            ? new Rejection(Rejections.FundOverdrawn, "这笔划入已有部分占用或结转，不能冲正；可以决议将余款退回来源")
            {
                LeftAmount = new Money(Math.Max(0, lot.Fen.To - state.Pocket(lot.SubAccount).OutFen)),
            }
        : null;
}
