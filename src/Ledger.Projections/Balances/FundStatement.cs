using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Projections.AuditTrail;

namespace Ledger.Projections.Balances;

/// <summary>
/// A line of the statement (对账单): the change to each balance, negative when it shrinks, and what was available after it. Lines stand
/// in the order of business dates; on one date, as recorded.
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
            var e in events.Where(e => e.Data is IMoneyEvent).OrderBy(e => e.EffectiveDate()).ThenBy(e => e.Version)
        )
        {
            var postings = Postings.Of((IEventOf<Fund>)e.Data);
            Money Change(string account) =>
                Money.Sum(
                    postings
                        .Where(p => p.Account.StartsWith(account, StringComparison.Ordinal))
                        .Select(p => p.AmountFen)
                );
            var (a, r, t, c) = (Change("available:"), Change("reserved"), Change("in-transit"), Change("credited"));
            var reference = e.Data switch
            {
                FundsAllocated x => x.AllocationId,
                AllocationReversed x => x.AllocationId,
                FundsTransferred x => x.ToFundId,
                TransferReceived x => x.FromFundId,
                EarmarkLifted x => x.SubAccount,
                SurplusReturned x => x.SubAccount,
                FundsReserved x => x.ApplicationId,
                ReservationReleased x => x.ApplicationId,
                FundsPaid x => x.ApplicationId,
                FundsReturned x => x.ApplicationId,
                FundsCredited x => x.ApplicationId,
                FundsRefunded x => x.ApplicationId,
                _ => throw new InvalidOperationException($"{e.EventTypeName} has no place in a statement"),
            };
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
                        reference,
                        a,
                        r,
                        t,
                        c,
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
