using System.Security.Cryptography;
using System.Text;

namespace Ledger.Domain.Funds;

/// <summary>One side of a double entry (复式记账): a debit is positive, a credit negative.</summary>
public sealed record Posting(string Account, Money AmountFen);

/// <summary>What an account holds: debits less credits.</summary>
public sealed record AccountBalance(string Account, Money AmountFen);

/// <summary>
/// An account that held less than nothing at the end of the business dates from <paramref name="From"/> to
/// <paramref name="Until"/>.
/// </summary>
public sealed record NegativeBalance(string Account, DateOnly From, DateOnly Until, Money LowestFen);

/// <summary>
/// The double entry of a fund, from what its events move. Each entry sums to zero, so each fund does.
/// </summary>
public static class Postings
{
    public static IReadOnlyList<Posting> Of(IEventOf<Fund> e) =>
        e is IFundMovement moved ? [.. moved.Movements.SelectMany(m => m.Postings)] : [];

    /// <summary>The balances after these events, by account, without the empty ones.</summary>
    public static IReadOnlyList<AccountBalance> TrialBalance(IEnumerable<IEventOf<Fund>> events) =>
        [
            .. events
                .SelectMany(Of)
                .GroupBy(p => p.Account, StringComparer.Ordinal)
                .OrderBy(g => g.Key, StringComparer.Ordinal)
                .Select(g => new AccountBalance(g.Key, Money.Sum(g.Select(p => p.AmountFen))))
                .Where(b => b.AmountFen != Money.Zero),
        ];

    /// <summary>
    /// The accounts that held less than nothing on business dates of this span, in the order of those dates.
    /// </summary>
    public static IReadOnlyList<NegativeBalance> Negative(
        IEnumerable<(DateOnly On, IEventOf<Fund> Event)> events,
        DateOnly from,
        DateOnly until
    )
    {
        var found = new List<NegativeBalance>();
        var byAccount = events.SelectMany(e =>
            Of(e.Event).Where(p => FundAccount.HoldsMoney(p.Account)).Select(p => (p.Account, e.On, p.AmountFen))
        );
        foreach (var account in byAccount.GroupBy(p => p.Account))
        {
            var days = account
                .GroupBy(p => p.On)
                .OrderBy(g => g.Key)
                .Select(g => (On: g.Key, Change: Money.Sum(g.Select(p => p.AmountFen))))
                .ToList();
            var (held, run) = (Money.Zero, (NegativeBalance?)null);
            for (var i = 0; i < days.Count; i++)
            {
                held += days[i].Change;
                var (first, last) = (days[i].On, i + 1 < days.Count ? days[i + 1].On.AddDays(-1) : DateOnly.MaxValue);
                if (held >= Money.Zero)
                    run = null;
                else if (first <= until && last >= from)
                {
                    if (run is not null)
                        found.Remove(run);
                    run = new NegativeBalance(
                        account.Key,
                        run?.From ?? (first < from ? from : first),
                        last > until ? until : last,
                        run?.LowestFen < held ? run.LowestFen : held
                    );
                    found.Add(run);
                }
            }
        }
        return [.. found.OrderBy(n => n.From)];
    }

    /// <summary>SHA-256, lower-case hex, over the lines <c>account TAB fen LF</c>: what seals a closed year.</summary>
    public static string Digest(IEnumerable<AccountBalance> trialBalance) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(string.Concat(trialBalance.Select(b => $"{b.Account}\t{b.AmountFen.Fen}\n")))
            )
        );
}
