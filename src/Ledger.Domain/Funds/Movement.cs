namespace Ledger.Domain.Funds;

/// <summary>
/// The accounts of a fund's double entry: where money came from (<c>source:&lt;kind&gt;</c>),
/// <c>available:&lt;sub-account&gt;</c>, <c>reserved</c>, <c>in-transit</c>, <c>credited</c>, <c>returned</c> (back
/// to its sources), <c>transfer:&lt;fund&gt;</c>; and, beside the ring-fence, <c>bank-fees</c> that the bank took out
/// of its account, and <c>owed</c> by the village's general account for them (L17).
/// </summary>
public static class FundAccount
{
    public const string Reserved = "reserved",
        InTransit = "in-transit",
        Credited = "credited",
        Returned = "returned",
        BankFees = "bank-fees",
        Owed = "owed";

    public static string Source(SourceKind kind) => $"source:{kind.Word()}";

    public static string Available(string subAccount) => $"available:{subAccount}";

    public static string Transfer(string fundId) => $"transfer:{fundId}";

    public static bool IsAvailable(string account) => account.StartsWith("available:", StringComparison.Ordinal);

    /// <summary>Money in it lies in the fund's bank account, or was taken out of it.</summary>
    public static bool IsAtBank(string account) => IsAvailable(account) || account is Reserved or BankFees;

    /// <summary>Where money lies for one application.</summary>
    public static bool IsOfApplication(string account) => account is Reserved or InTransit or Credited;

    /// <summary>
    /// Where money lies, and where nobody can owe any: at the end of no business date may less than nothing be in it.
    /// </summary>
    public static bool HoldsMoney(string account) =>
        IsAvailable(account) || IsOfApplication(account) || account is Returned or Owed;

    /// <summary>Outside the ring-fence, before money comes in.</summary>
    public static bool IsOrigin(string account) =>
        account.StartsWith("source:", StringComparison.Ordinal)
        || account.StartsWith("transfer:", StringComparison.Ordinal);

    /// <summary>Outside the ring-fence, after it left: gone back, or on to a successor's fund.</summary>
    public static bool IsGone(string account) => account == Returned || IsOrigin(account);
}

/// <summary>
/// What an interval of a fen axis is. In: allocated, or come again from where it had gone (released, refunded, carried
/// behind a reversal, freed from its earmark, received from a predecessor's fund). Out: reserved for an application,
/// returned to its sources, moved inside the fund, transferred to a successor's fund. Line: one member's.
/// </summary>
public enum EntryKind
{
    Allocated,
    Released,
    Refunded,
    Carried,
    Freed,
    Received,
    Reserved,
    Returned,
    Moved,
    Transferred,
    Line,
}

/// <summary>Fen of a sub-account; of another fund's where <paramref name="FundId"/> names one.</summary>
public readonly record struct FenOf(string SubAccount, FenInterval Fen, string? FundId = null);

/// <summary>Fen on the inflow or the outflow axis of a sub-account (docs/domain.md, "The fen axes").</summary>
/// <param name="Reference">The allocation, application, sub-account or fund that it belongs to.</param>
/// <param name="Origin">Where fen that come in again had gone out: as many fen of that outflow axis.</param>
public sealed record FenLaid(EntryKind Kind, FenOf Of, string Reference, FenOf? Origin = null);

/// <summary>
/// Money that goes from one account of a fund to another. Balances, postings, the statement, the axes of the fen,
/// reconciliation and the promises that <c>check</c> replays all follow from it; nothing else says what an event does
/// to money.
/// </summary>
/// <param name="Reference">What the statement names: the allocation, application, sub-account or fund.</param>
public sealed record Movement(string From, string To, Money AmountFen, string Reference)
{
    /// <summary>The fen that leave a sub-account; null where none does.</summary>
    public FenLaid? Out { get; init; }

    /// <summary>The fen that come into a sub-account; null where none do.</summary>
    public FenLaid? In { get; init; }

    /// <summary>For whom the sub-account is that <see cref="In"/> comes into.</summary>
    public Earmark? Earmark { get; init; }

    /// <summary>The application whose money it is; null: the fund's own.</summary>
    public string? ApplicationId { get; init; }

    public string? BankReference { get; init; }

    /// <summary>The allocation that never was at the bank: it was entered by mistake.</summary>
    public string? Undoes { get; init; }

    /// <summary>What this adds to the accounts that <paramref name="are"/>; negative where it takes away.</summary>
    public Money Change(Func<string, bool> are) =>
        (are(To) ? AmountFen : Money.Zero) - (are(From) ? AmountFen : Money.Zero);

    public Money Change(string account) => Change(a => a == account);

    /// <summary>Both sides of the double entry; none where money stays in its account.</summary>
    public IReadOnlyList<Posting> Postings =>
        From == To ? [] : [new Posting(To, AmountFen), new Posting(From, Money.Zero - AmountFen)];

    public static Movement OfApplication(string from, string to, Money amount, string applicationId) =>
        new(from, to, amount, applicationId) { ApplicationId = applicationId };
}

/// <summary>An event of a fund that moves money: it says itself what it moves.</summary>
public interface IFundMovement : IEventOf<Fund>, IMoneyEvent
{
    IReadOnlyList<Movement> Movements { get; }

    /// <summary>What a bookkeeper writes beside it (摘要, L20).</summary>
    string Abstract { get; }
}
