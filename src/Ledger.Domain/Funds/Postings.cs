using System.Security.Cryptography;
using System.Text;

namespace Ledger.Domain.Funds;

/// <summary>One side of a double entry (复式记账): a debit is positive, a credit negative.</summary>
public sealed record Posting(string Account, Money AmountFen);

/// <summary>What an account holds: debits less credits.</summary>
public sealed record AccountBalance(string Account, Money AmountFen);

/// <summary>An account that held less than nothing at the end of the business dates from <paramref name="From"/> to <paramref name="Until"/>.</summary>
public sealed record NegativeBalance(string Account, DateOnly From, DateOnly Until, Money LowestFen);

/// <summary>
/// Maps every money event of a fund to balanced postings. Accounts: <c>source:&lt;kind&gt;</c> (where money came from),
/// <c>available:&lt;sub-account&gt;</c>, <c>reserved</c>, <c>in-transit</c>, <c>credited</c>, <c>returned</c> (back to its sources),
/// <c>transfer:&lt;fund&gt;</c>. Each entry sums to zero, so each fund does.
/// </summary>
public static class Postings
{
    public static IReadOnlyList<Posting> Of(IEventOf<Fund> e)
    {
        IReadOnlyList<Posting> postings = e switch
        {
            FundsAllocated a => Move($"source:{a.Source.Word()}", Available(a.SubAccount), a.AmountFen),
            FundsReserved r => Move(Available(r.SubAccount), Reserved, r.AmountFen),
            ReservationReleased r => Move(Reserved, Available(r.SubAccount), r.AmountFen),
            FundsPaid p => Move(Reserved, InTransit, p.AmountFen),
            FundsReturned r => Move(InTransit, Reserved, r.AmountFen),
            FundsCredited c => Move(InTransit, Credited, c.AmountFen),
            FundsRefunded r => Move(r.WasCredited ? Credited : InTransit, Available(r.SubAccount), r.AmountFen),
            AllocationReversed r => Move(Available(r.SubAccount), Returned, r.AmountFen),
            EarmarkLifted l => Move(Available(l.SubAccount), Available(SubAccount.General), l.AmountFen),
            SurplusReturned s => Move(Available(s.SubAccount), Returned, s.AmountFen),
            FundsTransferred t => Move(Available(t.SubAccount), $"transfer:{t.ToFundId}", t.AmountFen),
            TransferReceived t => Move($"transfer:{t.FromFundId}", Available(t.SubAccount), t.AmountFen),
            IMoneyEvent unknown => throw new InvalidOperationException($"{unknown.GetType().Name} has no postings"),
            _ => [],
        };
        InvariantViolationException.Require(
            Money.Sum(postings.Select(p => p.AmountFen)) == Money.Zero,
            $"{e}: the entry does not balance"
        );
        return postings;
    }

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

    /// <summary>Where money lies, and where nobody can owe any: at the end of no business date may less than nothing be in it.</summary>
    private static bool HoldsMoney(string account) =>
        account is Reserved or InTransit or Credited or Returned
        || account.StartsWith("available:", StringComparison.Ordinal);

    /// <summary>The accounts that held less than nothing on business dates of this span, in the order of those dates.</summary>
    public static IReadOnlyList<NegativeBalance> Negative(
        IEnumerable<(DateOnly On, IEventOf<Fund> Event)> events,
        DateOnly from,
        DateOnly until
    )
    {
        var found = new List<NegativeBalance>();
        var byAccount = events.SelectMany(e =>
            Of(e.Event).Where(p => HoldsMoney(p.Account)).Select(p => (p.Account, e.On, p.AmountFen))
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

    public const string Reserved = "reserved",
        InTransit = "in-transit",
        Credited = "credited",
        Returned = "returned";

    private static string Available(string subAccount) => $"available:{subAccount}";

    private static Posting[] Move(string from, string to, Money amount) =>
        [new(to, amount), new(from, Money.Zero - amount)];
}
