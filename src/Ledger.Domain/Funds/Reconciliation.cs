namespace Ledger.Domain.Funds;

/// <summary>A line of the bank's statement. <paramref name="Row"/>: its row in the file. <paramref name="IsIn"/>: money came into the account.</summary>
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

/// <summary>A bank line and the entry it may belong to. <paramref name="Doubt"/>: why a person has to look; null when it fits.</summary>
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
/// Reconciliation of three (三方对账): ledger, bank statement, agency receipts. Matched: direction, amount and reference agree, or, where
/// the ledger has no reference, amount and date (within three days) and nothing else could be meant. Doubtful: only part of it agrees.
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

    /// <param name="events">The fund's events with sequence and business date, those that belong to the statement's period.</param>
    /// <param name="all">All events of the fund, for what is in transit.</param>
    public static Reconciliation Of(
        IReadOnlyList<BankLine> lines,
        IReadOnlyList<(long Sequence, DateOnly Date, IEventOf<Fund> Event)> events,
        IReadOnlyList<(long Sequence, DateOnly Date, IEventOf<Fund> Event)> all
    )
    {
        // A mistaken entry that was reversed never was at the bank.
        var reversed = all.Select(e => e.Event).OfType<AllocationReversed>().Select(r => r.AllocationId).ToHashSet();
        var entries = events
            .Where(e => e.Event is not FundsAllocated a || !reversed.Contains(a.AllocationId))
            .Select(Booked)
            .OfType<BookedEntry>()
            .ToList();
        var (open, matched, doubtful) = (lines.ToList(), new List<Pairing>(), new List<Pairing>());

        Pair((l, e) => Same(l, e) && e.Reference == l.Reference, matched, null, uniqueOnly: false);
        Pair((l, e) => Same(l, e) && e.Reference is null && Days(l, e) <= NearDays, matched, null, uniqueOnly: true);
        Pair(
            (l, e) => l.IsIn == e.IsIn && e.Reference == l.Reference,
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

    private static BookedEntry? Booked((long Sequence, DateOnly Date, IEventOf<Fund> Event) e) =>
        e.Event switch
        {
            FundsAllocated a => new BookedEntry(e.Sequence, e.Date, true, a.AmountFen, null, "funds_allocated"),
            FundsPaid p => new BookedEntry(e.Sequence, e.Date, false, p.AmountFen, p.BankReference, "funds_paid"),
            FundsReturned r => new BookedEntry(
                e.Sequence,
                e.Date,
                true,
                r.AmountFen,
                r.BankReference,
                "funds_returned"
            ),
            FundsRefunded r => new BookedEntry(
                e.Sequence,
                e.Date,
                true,
                r.AmountFen,
                r.BankReference,
                "funds_refunded"
            ),
            SurplusReturned s => new BookedEntry(e.Sequence, e.Date, false, s.AmountFen, null, "surplus_returned"),
            FundsTransferred t => new BookedEntry(e.Sequence, e.Date, false, t.AmountFen, null, "funds_transferred"),
            TransferReceived t => new BookedEntry(e.Sequence, e.Date, true, t.AmountFen, null, "transfer_received"),
            _ => null,
        };

    private static IReadOnlyList<TransitItem> InTransit(
        IEnumerable<(long Sequence, DateOnly Date, IEventOf<Fund> Event)> events
    )
    {
        var items = new Dictionary<string, TransitItem>();
        TransitItem Of(string id) =>
            items.GetValueOrDefault(id) ?? new TransitItem(id, Money.Zero, Money.Zero, Money.Zero, Money.Zero, null);
        foreach (var (_, date, e) in events)
        {
            var next = e switch
            {
                FundsPaid p => Of(p.ApplicationId) is var i
                    ? i with
                    {
                        PaidFen = i.PaidFen + p.AmountFen,
                        OpenFen = i.OpenFen + p.AmountFen,
                        OpenSince = i.OpenSince ?? date,
                    }
                    : null,
                FundsCredited c => Of(c.ApplicationId) is var i
                    ? i with
                    {
                        CreditedFen = i.CreditedFen + c.AmountFen,
                        OpenFen = i.OpenFen - c.AmountFen,
                    }
                    : null,
                FundsReturned r => Of(r.ApplicationId) is var i
                    ? i with
                    {
                        BackFen = i.BackFen + r.AmountFen,
                        OpenFen = i.OpenFen - r.AmountFen,
                    }
                    : null,
                FundsRefunded r => Of(r.ApplicationId) is var i
                    ? i with
                    {
                        BackFen = i.BackFen + r.AmountFen,
                        OpenFen = r.WasCredited ? i.OpenFen : i.OpenFen - r.AmountFen,
                    }
                    : null,
                _ => null,
            };
            if (next is not null)
                items[next.ApplicationId] = next with { OpenSince = next.OpenFen.IsPositive ? next.OpenSince : null };
        }
        return [.. items.Values];
    }
}
