using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Projections.Balances;

/// <summary>The balances at the end of a month, by business date.</summary>
public sealed record MonthEnd(
    DateOnly Month,
    Money AvailableFen,
    Money ReservedFen,
    Money InTransitFen,
    Money CreditedFen
);

/// <summary>What one kind of source gave in one business year, reversals not taken off.</summary>
public sealed record SourceYear(int Year, SourceKind Source, int Allocations, Money AmountFen);

/// <summary>An allocation with the date and the words of its event.</summary>
public sealed record AllocationEntry(
    string AllocationId,
    DateOnly Date,
    SourceKind Source,
    string SourceName,
    string SubAccount,
    Money AmountFen,
    string? DonorId,
    long Sequence
);

/// <summary>How a fund came to be what it is: month by month, and by source and year.</summary>
public sealed record BalanceHistory(
    IReadOnlyList<MonthEnd> Months,
    IReadOnlyList<SourceYear> Sources,
    IReadOnlyList<AllocationEntry> Allocations
)
{
    /// <summary>The last <paramref name="months"/> months up to that of <paramref name="today"/>.</summary>
    public static BalanceHistory Of(IReadOnlyList<IEvent> events, DateOnly today, int months)
    {
        var entries = events
            .Where(e => e.Data is IFundMovement)
            .OrderBy(e => e.EffectiveDate())
            .ThenBy(e => e.Version)
            .Select(e => (Date: e.EffectiveDate(), ((IFundMovement)e.Data).Movements))
            .ToList();
        var ends = new List<MonthEnd>();
        var (available, reserved, inTransit, credited, next) = (Money.Zero, Money.Zero, Money.Zero, Money.Zero, 0);
        var first = new DateOnly(today.Year, today.Month, 1).AddMonths(1 - months);
        for (var month = first; month <= today; month = month.AddMonths(1))
        {
            for (; next < entries.Count && entries[next].Date < month.AddMonths(1); next++)
            {
                foreach (var m in entries[next].Movements)
                {
                    available += m.Change(FundAccount.IsAvailable);
                    reserved += m.Change(FundAccount.Reserved);
                    inTransit += m.Change(FundAccount.InTransit);
                    credited += m.Change(FundAccount.Credited);
                }
            }
            ends.Add(new MonthEnd(month, available, reserved, inTransit, credited));
        }
        var allocations = events
            .Where(e => e.Data is FundsAllocated)
            .Select(e => (e, a: (FundsAllocated)e.Data))
            .Select(x => new AllocationEntry(
                x.a.AllocationId,
                x.e.EffectiveDate(),
                x.a.Source,
                x.a.SourceName,
                x.a.SubAccount,
                x.a.AmountFen,
                x.a.DonorId,
                x.e.Sequence
            ))
            .OrderBy(a => a.Date)
            .ToList();
        return new BalanceHistory(
            ends,
            [
                .. allocations
                    .GroupBy(a => (a.Date.Year, a.Source))
                    .OrderByDescending(g => g.Key.Year)
                    .ThenBy(g => g.Key.Source)
                    .Select(g => new SourceYear(
                        g.Key.Year,
                        g.Key.Source,
                        g.Count(),
                        Money.Sum(g.Select(a => a.AmountFen))
                    )),
            ],
            allocations
        );
    }
}
