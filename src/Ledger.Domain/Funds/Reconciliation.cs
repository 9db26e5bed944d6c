using System.Text.Json;

namespace Ledger.Domain.Funds;

/// <summary>
/// A line of the bank's statement. <paramref name="Row"/>: its row in the file. <paramref name="IsIn"/>: money came
/// into the account.
/// </summary>
public sealed record BankLine(int Row, DateOnly Date, bool IsIn, Money AmountFen, string Reference);

/// <summary>An entry of the ledger that must appear on the bank's statement.</summary>
public sealed record BookedEntry(
    long Sequence,
    DateOnly Date,
    bool IsIn,
    Money AmountFen,
    string? Reference,
    string Type
);

/// <summary>
/// A bank line and the entry it may belong to. <paramref name="Doubt"/>: why a person has to look; null when it fits.
/// </summary>
public sealed record Pairing(BankLine Line, BookedEntry Entry, string? Doubt);

/// <summary>What of one application is at the bank or the agency: sent, credited, sent back, and still open.</summary>
public sealed record TransitItem(
    string ApplicationId,
    Money PaidFen,
    Money CreditedFen,
    Money BackFen,
    Money OpenFen,
    DateOnly? OpenSince
);

/// <summary>
/// Reconciliation of three (三方对账): ledger, bank statement, agency receipts. Matched: direction, amount and reference
/// agree, or, where the ledger has no reference, amount and date (within three days) and nothing else could be meant.
/// Doubtful: only part of it agrees.
/// </summary>
public sealed record Reconciliation(
    IReadOnlyList<Pairing> Matched,
    IReadOnlyList<Pairing> Doubtful,
    IReadOnlyList<BankLine> UnmatchedLines,
    IReadOnlyList<BookedEntry> UnmatchedEntries,
    IReadOnlyList<TransitItem> Transit
)
{
    private const int NearDays = 3,
        FarDays = 30;

    /// <summary>What is sent and neither credited nor sent back; a finished business has none.</summary>
    public Money OpenTransitFen => Money.Sum(Transit.Select(t => t.OpenFen));

    /// <param name="events">The fund's events with sequence and business date, those that belong to the statement's
    /// period.</param>
    /// <param name="all">All events of the fund, for what is in transit.</param>
    public static Reconciliation Of(
        IReadOnlyList<BankLine> lines,
        IReadOnlyList<(long Sequence, DateOnly Date, IEventOf<Fund> Event)> events,
        IReadOnlyList<(long Sequence, DateOnly Date, IEventOf<Fund> Event)> all
    )
    {
        // A mistaken entry that was reversed never was at the bank.
        var mistaken = all.SelectMany(e => Moved(e.Event)).Select(m => m.Undoes).OfType<string>().ToHashSet();
        var entries = events.SelectMany(Booked).Where(e => !mistaken.Contains(e.Of)).Select(e => e.Entry).ToList();
        var (open, matched, doubtful) = (lines.ToList(), new List<Pairing>(), new List<Pairing>());

        Pair((l, e) => Same(l, e) && DocumentNumber.IsSame(e.Reference, l.Reference), matched, null, uniqueOnly: false);
        Pair((l, e) => Same(l, e) && e.Reference is null && Days(l, e) <= NearDays, matched, null, uniqueOnly: true);
        Pair(
            (l, e) => l.IsIn == e.IsIn && DocumentNumber.IsSame(e.Reference, l.Reference),
            doubtful,
            "流水号相同，金额不同",
            uniqueOnly: false
        );
        Pair(
            (l, e) => Same(l, e) && Days(l, e) <= FarDays,
            doubtful,
            "金额相同，流水号或日期不一致",
            uniqueOnly: false
        );
        return new Reconciliation(matched, doubtful, open, entries, InTransit(all));

        void Pair(Func<BankLine, BookedEntry, bool> fits, List<Pairing> into, string? doubt, bool uniqueOnly)
        {
            foreach (var line in open.ToList())
            {
                var candidates = entries.Where(e => fits(line, e)).OrderBy(e => Days(line, e)).ToList();
                if (
                    candidates.Count == 0
                    || uniqueOnly && (candidates.Count > 1 || open.Count(l => fits(l, candidates[0])) > 1)
                )
                    continue;
                into.Add(new Pairing(line, candidates[0], doubt));
                open.Remove(line);
                entries.Remove(candidates[0]);
            }
        }

        static bool Same(BankLine l, BookedEntry e) => l.IsIn == e.IsIn && l.AmountFen == e.AmountFen;
        static int Days(BankLine l, BookedEntry e) => Math.Abs(l.Date.DayNumber - e.Date.DayNumber);
    }

    private static IReadOnlyList<Movement> Moved(IEventOf<Fund> e) => e is IFundMovement moved ? moved.Movements : [];

    /// <summary>What goes in or out at the bank, with what each is of.</summary>
    private static IEnumerable<(string Of, BookedEntry Entry)> Booked(
        (long Sequence, DateOnly Date, IEventOf<Fund> Event) e
    ) =>
        from m in Moved(e.Event)
        where FundAccount.IsAtBank(m.From) != FundAccount.IsAtBank(m.To)
        let type = JsonNamingPolicy.SnakeCaseLower.ConvertName(e.Event.GetType().Name)
        let isIn = FundAccount.IsAtBank(m.To)
        select (m.Reference, new BookedEntry(e.Sequence, e.Date, isIn, m.AmountFen, m.BankReference, type));

    private static IReadOnlyList<TransitItem> InTransit(
        IEnumerable<(long Sequence, DateOnly Date, IEventOf<Fund> Event)> events
    )
    {
        var items = new Dictionary<string, TransitItem>();
        foreach (var (_, date, e) in events)
        foreach (var m in Moved(e).Where(m => IsSent(m.From) || IsSent(m.To)))
        {
            var id = m.ApplicationId!;
            var was =
                items.GetValueOrDefault(id)
                ?? new TransitItem(id, Money.Zero, Money.Zero, Money.Zero, Money.Zero, null);
            var open = was.OpenFen + m.Change(FundAccount.InTransit);
            items[id] = was with
            {
                PaidFen = was.PaidFen + (IsSent(m.From) ? Money.Zero : m.AmountFen),
                CreditedFen = was.CreditedFen + (m.To == FundAccount.Credited ? m.AmountFen : Money.Zero),
                BackFen = was.BackFen + (IsSent(m.To) ? Money.Zero : m.AmountFen),
                OpenFen = open,
                OpenSince = open.IsPositive ? was.OpenSince ?? date : null,
            };
        }
        return [.. items.Values];

        static bool IsSent(string account) => account is FundAccount.InTransit or FundAccount.Credited;
    }
}
