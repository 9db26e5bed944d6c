using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Projections.Balances;

/// <summary>
/// A line of the statement (对账单): the change to each balance, negative when it shrinks, and what was available after
/// it. Owed: what the village has to make good of the bank's fees (L17), no part of the ring-fence. Lines stand in the
/// order of business dates; on one date, as recorded.
/// </summary>
public sealed record StatementLine(
    long Sequence,
    DateTimeOffset RecordedAt,
    DateOnly EffectiveDate,
    string Type,
    string Reference,
    Money AvailableChangeAmount,
    Money ReservedChangeAmount,
    Money InTransitChangeAmount,
    Money CreditedChangeAmount,
    Money OwedChangeAmount,
    Money AvailableAmount,
    string Actor
);

/// <summary>A fund's statement over business dates, both ends included.</summary>
public sealed record FundStatement(
    string FundId,
    DateOnly From,
    DateOnly To,
    Money OpeningAvailableAmount,
    Money ClosingAvailableAmount,
    IReadOnlyList<StatementLine> Lines
)
{
    public static FundStatement Of(string fundId, DateOnly from, DateOnly to, IReadOnlyList<IEvent> events)
    {
        var available = Money.Zero;
        var opening = Money.Zero;
        var lines = new List<StatementLine>();
        foreach (
            var e in events.Where(e => e.Data is IFundMovement).OrderBy(e => e.EffectiveDate()).ThenBy(e => e.Version)
        )
        {
            var movements = ((IFundMovement)e.Data).Movements;
            var (a, r, t, c, o) = (
                Money.Sum(movements.Select(m => m.Change(FundAccount.IsAvailable))),
                Money.Sum(movements.Select(m => m.Change(FundAccount.Reserved))),
                Money.Sum(movements.Select(m => m.Change(FundAccount.InTransit))),
                Money.Sum(movements.Select(m => m.Change(FundAccount.Credited))),
                Money.Sum(movements.Select(m => m.Change(FundAccount.Owed)))
            );
            var date = e.EffectiveDate();
            available += a;
            if (date < from)
                opening = available;
            else if (date <= to)
                lines.Add(
                    new StatementLine(
                        e.Sequence,
                        e.Timestamp,
                        date,
                        e.EventTypeName,
                        movements[0].Reference,
                        a,
                        r,
                        t,
                        c,
                        o,
                        available,
                        e.Header(EventHeaders.Actor)
                    )
                );
        }
        return new FundStatement(
            fundId,
            from,
            to,
            opening,
            lines.Count > 0 ? lines[^1].AvailableAmount : opening,
            lines
        );
    }

    /// <summary>The trial balance at the end of a business date.</summary>
    public static IReadOnlyList<AccountBalance> TrialBalance(IReadOnlyList<IEvent> events, DateOnly at) =>
        Postings.TrialBalance(events.Where(e => e.EffectiveDate() <= at).Select(e => (IEventOf<Fund>)e.Data));
}
