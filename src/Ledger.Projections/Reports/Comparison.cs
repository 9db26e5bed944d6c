using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Projections.Reports;

/// <summary>
/// What lies in the ring-fence at the end of a business date, in three places; and what had reached members' accounts
/// by then.
/// </summary>
public sealed record HeldView(Money AvailableAmount, Money ReservedAmount, Money InTransitAmount, Money CreditedAmount)
{
    /// <summary>All that lies in the ring-fence.</summary>
    public Money TotalAmount => AvailableAmount + ReservedAmount + InTransitAmount;

    public static readonly HeldView Nothing = new(Money.Zero, Money.Zero, Money.Zero, Money.Zero);

    internal HeldView After(Posting p) =>
        FundAccount.IsAvailable(p.Account) ? this with { AvailableAmount = AvailableAmount + p.AmountFen }
        : p.Account == FundAccount.Reserved ? this with { ReservedAmount = ReservedAmount + p.AmountFen }
        : p.Account == FundAccount.InTransit ? this with { InTransitAmount = InTransitAmount + p.AmountFen }
        : p.Account == FundAccount.Credited ? this with { CreditedAmount = CreditedAmount + p.AmountFen }
        : this;
}

/// <summary>
/// Why what lies in the ring-fence changed, and by how much (negative: it became less), in so many entries. Kind:
/// <c>source:…</c> by the kind of source, reversals taken off; <c>credited</c> and <c>refunded</c> to and from members'
/// accounts; <c>returned</c> to sources; <c>received</c> and <c>transferred</c> from and to other funds.
/// </summary>
public sealed record ChangeOfKind(string Kind, Money Amount, int Entries);

/// <summary>
/// From the end of one business date to the end of another: the opening and the changes are the closing, to the fen.
/// </summary>
public sealed record SpanView(
    DateOnly From,
    DateOnly To,
    HeldView Opening,
    HeldView Closing,
    IReadOnlyList<ChangeOfKind> Changes
)
{
    public Money Of(string kind) => Money.Sum(Changes.Where(c => c.Kind == kind).Select(c => c.Amount));
}

/// <summary>Adds up entries, in whatever order, by the spans that are compared.</summary>
public sealed class Comparing(IReadOnlyList<(DateOnly From, DateOnly To)> spans)
{
    private sealed class Sum
    {
        public HeldView Opening = HeldView.Nothing,
            Closing = HeldView.Nothing;
        public readonly SortedDictionary<string, (Money Amount, int Entries)> Changes = new(StringComparer.Ordinal);
    }

    private readonly Sum[] _sums = [.. spans.Select(_ => new Sum())];

    /// <summary>
    /// Because of what the ring-fence got more or less by a posting outside of it; null: it did not. The bank's fees
    /// stand beside it (L17).
    /// </summary>
    private static string? KindOf(Posting p) =>
        p.Account.StartsWith("source:", StringComparison.Ordinal) ? p.Account
        : p.Account == FundAccount.Returned ? "returned"
        : p.Account == FundAccount.Credited
            ? p.AmountFen > Money.Zero ? "credited"
                : "refunded"
        : FundAccount.IsOrigin(p.Account)
            ? p.AmountFen > Money.Zero ? "transferred"
                : "received"
        : null;

    /// <summary>How an entry changes what lies in the ring-fence, by kind; empty: only within.</summary>
    public static IReadOnlyDictionary<string, Money> ChangesOf(IEnumerable<Posting> postings) =>
        postings
            .Select(p => (Kind: KindOf(p), p.AmountFen))
            .Where(p => p.Kind is not null)
            .GroupBy(p => p.Kind!)
            .ToDictionary(g => g.Key, g => Money.Zero - Money.Sum(g.Select(p => p.AmountFen)));

    public void Add(DateOnly on, IReadOnlyList<Posting> postings)
    {
        var changes = ChangesOf(postings);
        foreach (var (span, sum) in spans.Zip(_sums))
        {
            if (on > span.To)
                continue;
            sum.Closing = postings.Aggregate(sum.Closing, (held, p) => held.After(p));
            if (on <= span.From)
                sum.Opening = postings.Aggregate(sum.Opening, (held, p) => held.After(p));
            else
                foreach (var (kind, amount) in changes)
                {
                    var (known, entries) = sum.Changes.GetValueOrDefault(kind);
                    sum.Changes[kind] = (known + amount, entries + 1);
                }
        }
    }

    /// <exception cref="InvariantViolationException">The changes are not what lies between.</exception>
    public IReadOnlyList<SpanView> Views() =>
        [
            .. spans
                .Zip(_sums)
                .Select(s =>
                {
                    var changes = s.Second.Changes.Select(c => new ChangeOfKind(
                        c.Key,
                        c.Value.Amount,
                        c.Value.Entries
                    ));
                    var view = new SpanView(s.First.From, s.First.To, s.Second.Opening, s.Second.Closing, [.. changes]);
                    InvariantViolationException.Require(
                        view.Opening.TotalAmount + Money.Sum(view.Changes.Select(c => c.Amount))
                            == view.Closing.TotalAmount,
                        $"{view.From} to {view.To}: the changes are not what lies between"
                    );
                    return view;
                }),
        ];
}

/// <summary>One fund of a comparison.</summary>
public sealed record ComparedFund(
    string FundId,
    string CollectiveId,
    string Name,
    string Region,
    IReadOnlyList<SpanView> Spans
);

/// <summary>An entry that changed what lies in the ring-fence.</summary>
public sealed record ComparedEntry(
    string FundId,
    long Sequence,
    DateOnly Date,
    string Type,
    string Kind,
    Money Amount,
    string Abstract
);

/// <summary>
/// What changed between two dates, or in two years. <paramref name="Entries"/>: of one fund or village, by business
/// date, the newest first, of the first span; <paramref name="MoreEntries"/> are not shown.
/// <paramref name="LeftOut"/>: events that cannot be read.
/// </summary>
public sealed record ComparisonView(
    string Region,
    string? FundId,
    IReadOnlyList<SpanView> Spans,
    IReadOnlyList<ComparedFund> Funds,
    IReadOnlyList<ComparedEntry> Entries,
    int MoreEntries,
    int LeftOut
)
{
    /// <summary>Every kind of change in one of the spans: what came in the first span, then what went.</summary>
    public IReadOnlyList<string> Kinds =>
        [
            .. Spans
                .SelectMany(s => s.Changes.Select(c => c.Kind))
                .Distinct()
                .OrderByDescending(k => Spans[0].Of(k) >= Money.Zero)
                .ThenBy(k => k, StringComparer.Ordinal),
        ];
}
