using Ledger.Domain;

namespace Ledger.Projections.WorkQueues;

/// <summary>
/// Of an application's list as it is now: who is on it and with how much, and where in the fund that money is.
/// </summary>
public sealed record RosterFigures(int Lines, Money AmountFen, Money ReservedFen, Money InTransitFen, Money CreditedFen)
{
    public static readonly RosterFigures None = new(0, default, default, default, default);
}
