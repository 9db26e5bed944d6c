using System.Security.Cryptography;
using System.Text;

namespace Ledger.Domain.Funds;

/// <summary>One side of a double entry (复式记账): a debit is positive, a credit negative.</summary>
public sealed record Posting(string Account, Money AmountFen);

/// <summary>What an account holds: debits less credits.</summary>
public sealed record AccountBalance(string Account, Money AmountFen);

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
        InvariantViolationException.Require(Money.Sum(postings.Select(p => p.AmountFen)) == Money.Zero, $"{e}: the entry does not balance");
        return postings;
    }

    /// <summary>The balances after these events, by account, without the empty ones.</summary>
    public static IReadOnlyList<AccountBalance> TrialBalance(IEnumerable<IEventOf<Fund>> events) =>
        [.. events.SelectMany(Of).GroupBy(p => p.Account, StringComparer.Ordinal).OrderBy(g => g.Key, StringComparer.Ordinal)
            .Select(g => new AccountBalance(g.Key, Money.Sum(g.Select(p => p.AmountFen)))).Where(b => b.AmountFen != Money.Zero)];

    /// <summary>SHA-256, lower-case hex, over the lines <c>account TAB fen LF</c>: what seals a closed year.</summary>
    public static string Digest(IEnumerable<AccountBalance> trialBalance) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(trialBalance.Select(b => $"{b.Account}\t{b.AmountFen.Fen}\n")))));

    public const string Reserved = "reserved", InTransit = "in-transit", Credited = "credited", Returned = "returned";

    private static string Available(string subAccount) => $"available:{subAccount}";

    private static Posting[] Move(string from, string to, Money amount) => [new(to, amount), new(from, Money.Zero - amount)];
}
