namespace Ledger.Domain.Applications;

/// <summary>
/// A row of the agency's receipt file after the person was looked up. <paramref name="OtherFen"/>: what of it the
/// agency booked as other income (L13); null: the file does not say.
/// </summary>
public sealed record ReceiptRow(
    int Row,
    string? MemberId,
    Money AmountFen,
    DateOnly CreditedOn,
    string ReceiptNumber,
    Money? OtherFen = null
);

/// <summary>A receipt row that fits a paid line to the fen.</summary>
public sealed record ReceiptMatch(Line Line, ReceiptRow Row);

/// <summary>C17: matches the agency's receipts with the paid lines.</summary>
public static class Receipt
{
    public const string AmountColumn = "入账金额（元）",
        DateColumn = "入账日期",
        NumberColumn = "回执编号";

    /// <summary>
    /// Rows whose receipt stands for another application already. One receipt may list many people of one payment, and
    /// may be meant for two: so it is asked about.
    /// </summary>
    /// <param name="earlier">By canonical number: the application, and when it was credited.</param>
    public static IReadOnlyList<Fault> UsedElsewhere(
        IEnumerable<ReceiptRow> rows,
        IReadOnlyDictionary<string, (string ApplicationId, DateOnly On)> earlier
    ) =>
        [
            .. rows.Where(r => earlier.ContainsKey(DocumentNumber.Canonical(r.ReceiptNumber)))
                .Select(r =>
                {
                    var (application, on) = earlier[DocumentNumber.Canonical(r.ReceiptNumber)];
                    return new Fault(
                        Rejections.PossibleDuplicate.Code,
                        $"回执编号已用于申请 {application} {on:yyyy-MM-dd} 的入账",
                        Row: r.Row,
                        Column: NumberColumn,
                        MemberId: r.MemberId
                    );
                }),
        ];

    /// <param name="dates">Since when the lines are paid; null where every row is of today, which comes after any
    /// payment.</param>
    /// <param name="splits">Where a row says how the agency booked it: by source, by member.</param>
    public static (IReadOnlyList<ReceiptMatch> Matches, IReadOnlyList<Fault> Faults) Match(
        Application application,
        IReadOnlyList<ReceiptRow> rows,
        LineDates? dates = null,
        IReadOnlyDictionary<string, SourceSplit>? splits = null
    )
    {
        var lines = application.Lines.ToDictionary(l => l.MemberId);
        var seen = new Dictionary<string, int>();
        var matches = new List<ReceiptMatch>();
        var faults = new List<Fault>();
        foreach (var row in rows)
        {
            var (message, column) =
                row.MemberId is not { } id || !lines.TryGetValue(id, out var line)
                    ? ("不在本申请名单中", Roster.CitizenIdColumn)
                : !seen.TryAdd(id, row.Row) ? ($"与第 {seen[id]} 行重复", Roster.CitizenIdColumn)
                : line.Status == LineStatus.Credited ? ("此人已确认入账", Roster.CitizenIdColumn)
                : line.Status != LineStatus.Paid ? ("此人没有付款", Roster.CitizenIdColumn)
                : line.AmountFen != row.AmountFen
                    ? ($"入账 {row.AmountFen} 元与付款 {line.AmountFen} 元不符", AmountColumn)
                : row.OtherFen is { } other && splits![id].OtherFen != other
                    ? (
                        $"其他收入 {other} 元与来源不符：按资金来源应为 {splits[id].OtherFen} 元",
                        SourceSplit.OtherColumn
                    )
                : dates?.Since(id) > row.CreditedOn
                    ? ($"入账 {row.CreditedOn:yyyy-MM-dd} 早于付款 {dates.Since(id):yyyy-MM-dd}", DateColumn)
                : (null, "");
            if (message is null)
                matches.Add(new ReceiptMatch(lines[row.MemberId!], row));
            else
                faults.Add(
                    new Fault(
                        (column == DateColumn ? Rejections.DateBeforeBasis : Rejections.ReceiptMismatch).Code,
                        message,
                        Row: row.Row,
                        Column: column,
                        MemberId: row.MemberId
                    )
                );
        }
        return (matches, faults);
    }
}
