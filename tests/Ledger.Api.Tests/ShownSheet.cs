using CsCheck;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Http;
using Sheets = Ledger.Api.Imports.Sheets;
using Table = Ledger.Api.Imports.Table;

namespace Ledger.Api.Tests;

/// <summary>
/// A list of payments as a spreadsheet holds it: days and amounts as numbers with whatever format, days from 1900 or
/// 1904, hidden rows, columns and sheets, merged titles and groups of rows. What it shows a person is known, so what is
/// read of it can be judged.
/// </summary>
public sealed record ShownSheet(
    IReadOnlyList<ShownSheet.Payment> Payments,
    bool Is1904,
    bool HasTitle,
    bool HidesAmounts,
    bool HasHiddenSheet,
    bool MergesKinds
)
{
    /// <param name="Amount">As it is stored.</param>
    /// <param name="AmountFormat">How it is shown.</param>
    /// <param name="IsAsShown">Whether that is the same amount.</param>
    public sealed record Payment(
        SamplePerson Person,
        string Amount,
        string AmountFormat,
        bool IsAsShown,
        DateOnly PaidOn,
        string DayFormat,
        double Hour,
        bool IsHidden
    );

    private static readonly string[] Same =
    [
        "General",
        "0.00",
        "#,##0.00",
        "0.00\"元\"",
        "\"￥\"#,##0.00",
        "[$¥-804]#,##0.00",
        "_ ￥* #,##0.00_ ;_ ￥* -#,##0.00_ ;_ ￥* \"-\"??_ ;_ @_ ",
        "#,##0.00_);[Red](#,##0.00)",
        "0.00;-0.00;;@",
    ];

    /// <summary>Each shows something else than 300.5 (or 299.996).</summary>
    private static readonly string[] Other = ["0", "#,##0", "0%", "0.00%", "0.0,", "0.00E+00", "\"约\"0.00", ";;;"];
    private static readonly string[] Days =
    [
        "yyyy-mm-dd",
        "yyyy/m/d",
        "yyyy\"年\"m\"月\"d\"日\"",
        "m\"月\"d\"日\"",
        "yyyy/m/d h:mm",
        "[$-804]yyyy\"年\"m\"月\"d\"日\";@",
        "d-mmm-yy",
    ];

    private static readonly Gen<(string Amount, string Format, bool IsAsShown)> Amounts = Gen.OneOf(
        Gen.Select(Gen.Int[100, 500_000], Gen.OneOf(Same), (fen, f) => ($"{new Money(fen)}", f, true)),
        Gen.OneOf(Other).Select(f => ("300.5", f, false)),
        Gen.OneOf("0.00", "#,##0.00", "0").Select(f => ("299.996", f, false))
    );

    private static readonly Gen<Payment> OnePayment =
        from amount in Amounts
        from plain in Gen.Bool
        from day in Gen.Int[0, 400]
        from format in Gen.OneOf(Days)
        from hour in Gen.OneOf(0d, 0.25, 0.999_988)
        from hidden in Gen.Int[0, 9]
        let shown = plain ? ("300", "0.00", true) : amount
        select new Payment(
            null!,
            shown.Item1,
            shown.Item2,
            shown.Item3,
            new DateOnly(2026, 1, 1).AddDays(day),
            format,
            hour,
            hidden == 0
        );

    public static readonly Gen<ShownSheet> Any =
        from payments in OnePayment.Array[1, 25]
        from is1904 in Gen.Bool
        from title in Gen.Bool
        from hides in Gen.Bool
        from before in Gen.Bool
        from merges in Gen.Bool
        from seed in Gen.Int[0, 1_000_000]
        let people = new SamplePeople(seed).Take(payments.Length, "370811").ToList()
        select new ShownSheet(
            [.. payments.Select((p, i) => p with { Person = people[i] })],
            is1904,
            title,
            hides,
            before,
            merges
        );

    private int FirstRow => HasTitle ? 3 : 2;

    public byte[] Workbook()
    {
        using var stream = new MemoryStream();
        using (var document = SpreadsheetDocument.Create(stream, SpreadsheetDocumentType.Workbook))
        {
            var book = document.AddWorkbookPart();
            book.Workbook = new DocumentFormat.OpenXml.Spreadsheet.Workbook(
                new WorkbookProperties { Date1904 = Is1904 },
                new BookViews(new WorkbookView { ActiveTab = HasHiddenSheet ? 1u : 0 }),
                new DocumentFormat.OpenXml.Spreadsheet.Sheets()
            );
            var formats = Payments.SelectMany(p => new[] { p.AmountFormat, p.DayFormat }).Distinct().ToList();
            book.AddNewPart<WorkbookStylesPart>().Stylesheet = Styles(formats);
            if (HasHiddenSheet)
                Add(book, "去年", SheetStateValues.Hidden, Rows(formats).Take(FirstRow), [], HidesAmounts);
            Add(book, "今年", SheetStateValues.Visible, Rows(formats), Merges(), HidesAmounts);
        }
        return stream.ToArray();
    }

    /// <summary>
    /// What a person sees is what is read, row by row; where a cell shows something else, that cell is a fault and
    /// nothing is read of it.
    /// </summary>
    public void AssertRead(byte[] file)
    {
        var table = Table.Read(new FormFile(new MemoryStream(file), 0, file.Length, "file", "x"), Sheets.Contributions);
        var (read, wrong) = (new List<(int, string, string, DateOnly, Money, string)>(), new List<(int?, string?)>());
        foreach (var row in table.Rows)
        {
            var faults = new List<Fault>();
            var r = new RowReader(table, row, faults, Rejections.RosterInvalid);
            var line = (
                r.Row,
                r.Name(),
                r.CitizenId().Value,
                r.Date(Sheets.PaidOn, new DateOnly(2028, 1, 1)),
                r.Amount(Sheets.Paid),
                r.OneOf(Sheets.Kind, Sheets.Regular)
            );
            if (faults.Count == 0)
                read.Add(line);
            wrong.AddRange(faults.Select(f => (f.Row, f.Column)));
        }
        var rows = Payments.Select((p, i) => (Payment: p, Row: FirstRow + i)).ToList();
        Assert.Equal(rows.Where(p => !p.Payment.IsAsShown).Select(p => ((int?)p.Row, (string?)Sheets.Paid)), wrong);
        Assert.Equal(
            rows.Where(p => p.Payment.IsAsShown)
                .Select(p =>
                    (
                        p.Row,
                        p.Payment.Person.Name,
                        p.Payment.Person.CitizenId,
                        p.Payment.PaidOn,
                        Money.Parse(p.Payment.Amount, out _),
                        Sheets.Regular
                    )
                ),
            read
        );
        var said = string.Join('\n', table.Notes.Select(n => n.Message));
        Assert.Equal(HidesAmounts, said.Contains($"“{Sheets.Paid}”在表格中是隐藏的", StringComparison.Ordinal));
        Assert.Equal(HasHiddenSheet, said.Contains("“去年”是隐藏的，没有读取", StringComparison.Ordinal));
        var hidden = Payments.Count(p => p.IsHidden);
        Assert.Equal(hidden > 0, said.Contains($"有 {hidden} 行在表格中是隐藏的", StringComparison.Ordinal));
    }

    private static void Add(
        WorkbookPart book,
        string name,
        SheetStateValues state,
        IEnumerable<Row> rows,
        IReadOnlyList<string> merges,
        bool hidesAmounts
    )
    {
        var part = book.AddNewPart<WorksheetPart>();
        part.Worksheet = new Worksheet();
        part.Worksheet.Append(
            new Columns(
                new DocumentFormat.OpenXml.Spreadsheet.Column
                {
                    Min = 4,
                    Max = 4,
                    Width = 18,
                    CustomWidth = true,
                    Hidden = hidesAmounts,
                }
            )
        );
        part.Worksheet.Append(new SheetData(rows));
        if (merges.Count > 0)
            part.Worksheet.Append(new MergeCells(merges.Select(m => new MergeCell { Reference = m })));
        book.Workbook.Sheets!.Append(
            new Sheet
            {
                Id = book.GetIdOfPart(part),
                SheetId = (uint)book.Workbook.Sheets.Count() + 1,
                Name = name,
                State = state,
            }
        );
    }

    private List<string> Merges() =>
        [
            .. HasTitle ? ["A1:G1"] : Array.Empty<string>(),
            .. MergesKinds && Payments.Count > 1
                ? [$"F{FirstRow}:F{FirstRow + Payments.Count - 1}"]
                : Array.Empty<string>(),
        ];

    private IEnumerable<Row> Rows(List<string> formats)
    {
        uint Style(string format) => (uint)formats.IndexOf(format) + 1;
        static Cell Text(string text) => new(new InlineString(new Text(text))) { DataType = CellValues.InlineString };
        static Cell Number(string number, uint style) => new(new CellValue(number)) { StyleIndex = style };
        var number = 0u;
        Row Row(params Cell[] cells)
        {
            number++;
            for (var i = 0; i < cells.Length; i++)
                cells[i].CellReference = $"{(char)('A' + i)}{number}";
            return new Row(cells) { RowIndex = number };
        }
        if (HasTitle)
            yield return Row(Text("2026年度缴费记录"));
        yield return Row([
            .. new[]
            {
                "姓名",
                "身份证号",
                Sheets.Tier,
                Sheets.Paid,
                Sheets.PaidOn,
                Sheets.Kind,
                Sheets.Reference,
            }.Select(Text),
        ]);
        foreach (var (i, p) in Payments.Index())
        {
            var day = p.PaidOn.DayNumber - new DateOnly(1899, 12, 30).DayNumber - (Is1904 ? 1462 : 0) + p.Hour;
            var row = Row(
                Text(p.Person.Name),
                Text(p.Person.CitizenId),
                Number("300", 0),
                Number(p.Amount, Style(p.AmountFormat)),
                Number(day.ToString(System.Globalization.CultureInfo.InvariantCulture), Style(p.DayFormat)),
                Text(MergesKinds && i > 0 ? "" : Sheets.Regular),
                Text($"P{i}")
            );
            if (p.IsHidden)
                row.Hidden = true;
            yield return row;
        }
    }

    private static Stylesheet Styles(List<string> formats) =>
        new(
            new NumberingFormats(
                formats.Select((f, i) => new NumberingFormat { NumberFormatId = (uint)(164 + i), FormatCode = f })
            ),
            new Fonts(new Font()),
            new Fills(
                new Fill(new PatternFill { PatternType = PatternValues.None }),
                new Fill(new PatternFill { PatternType = PatternValues.Gray125 })
            ),
            new Borders(new Border()),
            new CellFormats(
                formats
                    .Select((_, i) => new CellFormat { NumberFormatId = (uint)(164 + i), ApplyNumberFormat = true })
                    .Prepend(new CellFormat())
            )
        );
}
