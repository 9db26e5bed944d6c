using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Api.Funds;

public sealed record BankLineView(int Row, DateOnly Date, bool IsIn, Money Amount, string Reference);

public sealed record BookedEntryView(
    long Sequence,
    DateOnly Date,
    bool IsIn,
    Money Amount,
    string? Reference,
    string Type,
    int AgeDays
);

public sealed record PairingView(BankLineView Line, BookedEntryView Entry, string? Doubt);

public sealed record TransitView(
    string ApplicationId,
    Money PaidAmount,
    Money CreditedAmount,
    Money BackAmount,
    Money OpenAmount,
    int? OpenDays
);

/// <summary>
/// Ledger, bank and agency side by side. <paramref name="From"/> and <paramref name="To"/>: the statement's first and
/// last date, widened by three days on the ledger's side. A finished business has an open transit of zero.
/// </summary>
public sealed record ReconciliationView(
    string FundId,
    DateOnly From,
    DateOnly To,
    IReadOnlyList<PairingView> Matched,
    IReadOnlyList<PairingView> Doubtful,
    IReadOnlyList<BankLineView> UnmatchedBankLines,
    IReadOnlyList<BookedEntryView> UnmatchedEntries,
    Money OpenTransitAmount,
    IReadOnlyList<TransitView> Transit,
    IReadOnlyList<Note> Notes
);

/// <summary>Reconciliation of three, a report that stores nothing.</summary>
public static class ReconciliationEndpoint
{
    private const int SlackDays = 3;

    public static async Task<Answer> Run(string id, IFormFile file, Command command)
    {
        var table = Table.Read(file, Sheets.BankStatement);
        var faults = new List<Fault>();
        var lines = new List<BankLine>();
        foreach (var row in table.Rows)
        {
            var reader = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var (date, reference) = (
                reader.Date(Sheets.TradedOn, command.Today),
                reader.BankReference(Sheets.BankReference, 60)
            );
            var before = faults.Count;
            var (moneyIn, moneyOut) = (reader.AmountOrNone(Sheets.MoneyIn), reader.AmountOrNone(Sheets.MoneyOut));
            if (faults.Count == before && moneyIn is null == moneyOut is null)
                reader.Wrong(Sheets.MoneyIn, "收入、支出须填且只填一项");
            if (reader.IsSound)
                lines.Add(new BankLine(row.Number, date, moneyIn is not null, moneyIn ?? moneyOut!.Value, reference));
        }
        Uploads.RefuseFaults(faults, false, table, Rejections.RosterInvalid);

        await command.ReadScopedAsync<Fund>(id);
        var all = (await command.EventsAsync<Fund>(id))
            .Select(e => (e.Sequence, Date: e.EffectiveDate(), Event: (IEventOf<Fund>)e.Data))
            .ToList();
        var (from, to) = (lines.Min(l => l.Date), lines.Max(l => l.Date));
        var period = all.Where(e => e.Date >= from.AddDays(-SlackDays) && e.Date <= to.AddDays(SlackDays)).ToList();
        var result = Reconciliation.Of(lines, period, all);
        PairingView Pair(Pairing p) => new(Line(p.Line), Entry(p.Entry), p.Doubt);
        BookedEntryView Entry(BookedEntry e) =>
            new(
                e.Sequence,
                e.Date,
                e.IsIn,
                e.AmountFen,
                e.Reference,
                e.Type,
                command.Today.DayNumber - e.Date.DayNumber
            );
        return new Answer(
            new ReconciliationView(
                id,
                from,
                to,
                [.. result.Matched.Select(Pair)],
                [.. result.Doubtful.Select(Pair)],
                [.. result.UnmatchedLines.Select(Line)],
                [.. result.UnmatchedEntries.Select(Entry)],
                result.OpenTransitFen,
                [
                    .. result.Transit.Select(t => new TransitView(
                        t.ApplicationId,
                        t.PaidFen,
                        t.CreditedFen,
                        t.BackFen,
                        t.OpenFen,
                        t.OpenSince is { } since ? command.Today.DayNumber - since.DayNumber : null
                    )),
                ],
                table.Notes
            )
        );

        static BankLineView Line(BankLine l) => new(l.Row, l.Date, l.IsIn, l.AmountFen, l.Reference);
    }
}
