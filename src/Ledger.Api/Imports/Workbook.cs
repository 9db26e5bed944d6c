using System.Globalization;
using System.IO.Compression;
using DocumentFormat.OpenXml;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>Writes workbooks: templates, lists to read, and copies of an upload with its faults marked.</summary>
public static class Workbook
{
    public const string ContentType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

    /// <summary>The caller asked for a workbook by its Accept header.</summary>
    public static bool IsWantedBy(HttpContext http) =>
        http.Request.Headers.Accept.ToString().Contains(ContentType, StringComparison.Ordinal);

    /// <summary>As the caller asked for it: a workbook, or JSON.</summary>
    public static IResult Answer(HttpContext http, object view, Func<byte[]> sheet, string fileName) =>
        IsWantedBy(http) ? File(sheet(), fileName) : Results.Ok(view);

    public static IResult File(byte[] sheet, string name) => Results.File(sheet, ContentType, $"{name}.xlsx");

    /// <summary>An instant as a cell: the time in China.</summary>
    public static string Text(DateTimeOffset at) => $"{Clock.China(at):yyyy-MM-dd HH:mm:ss}";

    /// <summary>The heading of the column that a marked copy gets.</summary>
    public const string FaultHeading = "问题";

    private const uint PlainText = 1,
        Heading = 2,
        Amount = 3;

    /// <summary>
    /// A template: headings, an example row, all cells as text so that Excel leaves long numbers alone, notes on a
    /// second sheet.
    /// </summary>
    public static byte[] Template(SheetForm form) =>
        Write(
            (form.Title, [form.Columns.Select(c => c.Title), form.Columns.Select(c => c.Example)], form.Columns),
            (
                "填写说明",
                [
                    (IEnumerable<string>)["列", "必填", "说明"],
                    .. form.Columns.Select(c => (IEnumerable<string>)[c.Title, c.Required ? "是" : "否", c.Note]),
                ],
                [
                    new Column("列", true, "", ""),
                    new Column("必填", true, "", "", 8),
                    new Column("说明", true, "", "", 50),
                ]
            )
        );

    /// <summary>
    /// A sum of rows of its own column, which a spreadsheet works out again; <paramref name="Value"/> is what it comes
    /// to.
    /// </summary>
    public sealed record Sum(int FirstRow, int LastRow, object Value);

    /// <summary>
    /// A list: a row of headings, the rows, and a last row (<paramref name="total"/>), where there is something to add
    /// up.
    /// </summary>
    public static (string Name, IEnumerable<IEnumerable<object?>> Rows, IReadOnlyList<Column> Columns) List(
        string name,
        (string Heading, int Width)[] headings,
        IReadOnlyCollection<object?[]> rows,
        object?[]? total = null
    ) =>
        (
            name,
            [headings.Select(h => h.Heading), .. rows, .. total is null || rows.Count == 0 ? [] : (object?[][])[total]],
            [.. headings.Select(h => new Column(h.Heading, false, "", "", h.Width))]
        );

    /// <summary>
    /// A workbook of rows, the first one being the heading. Text is text, whatever it begins with; an amount
    /// (<see cref="Money"/>) and a <see cref="decimal"/> are numbers with two decimals, a <see cref="SheetCell"/> is
    /// what it was. The same rows give the same bytes.
    /// </summary>
    public static byte[] Write(
        params ReadOnlySpan<(string Name, IEnumerable<IEnumerable<object?>> Rows, IReadOnlyList<Column> Columns)> sheets
    ) => Write(new Marginal("", ""), sheets);

    /// <summary>What is printed over each page, beside the sheet's name, and under it: whose it is, who answers for
    /// it.</summary>
    public sealed record Marginal(string Head, string Foot);

    public static byte[] Write(
        Marginal marginal,
        params ReadOnlySpan<(string Name, IEnumerable<IEnumerable<object?>> Rows, IReadOnlyList<Column> Columns)> sheets
    )
    {
        using var stream = new MemoryStream();
        using (var document = SpreadsheetDocument.Create(stream, SpreadsheetDocumentType.Workbook))
        {
            var workbook = document.AddNewPart<WorkbookPart>(ContentType + ".main+xml", "rId1");
            workbook.Workbook = new DocumentFormat.OpenXml.Spreadsheet.Workbook(
                new DocumentFormat.OpenXml.Spreadsheet.Sheets()
            );
            workbook.AddNewPart<WorkbookStylesPart>("rId1").Stylesheet = Styles();
            var titles = new DefinedNames();
            foreach (var (name, rows, columns) in sheets)
            {
                var list = workbook.Workbook.Sheets!;
                var number = list.Count() + 1;
                var part = workbook.AddNewPart<WorksheetPart>($"rId{number + 1}");
                WriteRows(part, rows, columns, marginal);
                list.Append(
                    new Sheet
                    {
                        Id = workbook.GetIdOfPart(part),
                        SheetId = (uint)number,
                        Name = name,
                    }
                );
                titles.Append(HeadingOnEachPage(name, (uint)number - 1));
            }
            workbook.Workbook.Append(titles);
        }
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Update, leaveOpen: true))
            foreach (var entry in zip.Entries)
                entry.LastWriteTime = new DateTimeOffset(1980, 1, 1, 0, 0, 0, TimeSpan.Zero);
        return stream.ToArray();
    }

    /// <summary>Row by row: of a long list no tree is made.</summary>
    private static void WriteRows(
        WorksheetPart part,
        IEnumerable<IEnumerable<object?>> rows,
        IReadOnlyList<Column> columns,
        Marginal marginal
    )
    {
        var frozen = new SheetView(
            new Pane
            {
                VerticalSplit = 1,
                TopLeftCell = "A2",
                ActivePane = PaneValues.BottomLeft,
                State = PaneStateValues.Frozen,
            }
        )
        {
            WorkbookViewId = 0,
        };
        using var writer = OpenXmlWriter.Create(part);
        writer.WriteStartElement(new Worksheet());
        writer.WriteElement(new SheetProperties(new PageSetupProperties { FitToPage = true }));
        writer.WriteElement(new SheetViews(frozen));
        writer.WriteElement(new SheetFormatProperties { DefaultRowHeight = RowHeight, CustomHeight = true });
        writer.WriteElement(
            new Columns(
                columns.Select(
                    (c, i) =>
                        new DocumentFormat.OpenXml.Spreadsheet.Column
                        {
                            Min = (uint)(i + 1),
                            Max = (uint)(i + 1),
                            Width = c.Width,
                            CustomWidth = true,
                            Style = PlainText,
                        }
                )
            )
        );
        writer.WriteStartElement(new SheetData());
        var number = 0;
        foreach (var cells in rows)
        {
            var row = new Row(
                cells
                    .Select((value, c) => WrittenCell(c, number + 1, value, number == 0 ? Heading : PlainText))
                    .OfType<Cell>()
            )
            {
                RowIndex = (uint)++number,
            };
            if (row.HasChildren)
                writer.WriteElement(row);
        }
        writer.WriteEndElement();
        foreach (var setting in Printed(columns.Sum(c => c.Width), marginal))
            writer.WriteElement(setting);
        writer.WriteEndElement();
    }

    /// <summary>In points: Chinese characters are higher than a spreadsheet's usual row.</summary>
    private const double RowHeight = 18;

    /// <summary>As wide as this an upright A4 is, in characters; what is wider is printed across.</summary>
    private const int UprightWidth = 100;

    /// <summary>On A4, no column cut off, with the sheet's name and the page's number on each page.</summary>
    private static OpenXmlElement[] Printed(int width, Marginal marginal) =>
        [
            new PrintOptions { GridLines = true, HorizontalCentered = true },
            new PageMargins
            {
                Left = 0.5,
                Right = 0.5,
                Top = 0.7,
                Bottom = 0.7,
                Header = 0.3,
                Footer = 0.3,
            },
            new PageSetup
            {
                PaperSize = 9,
                Orientation = width > UprightWidth ? OrientationValues.Landscape : OrientationValues.Portrait,
                FitToWidth = 1,
                FitToHeight = 0,
            },
            new HeaderFooter(
                new OddHeader($"&C{Printable($"{marginal.Head}　".TrimStart())}&A"),
                new OddFooter($"&L{Printable(marginal.Foot)}&R第 &P 页，共 &N 页")
            ),
        ];

    /// <summary>A header or footer has 255 characters at most, and a sign of its own for codes.</summary>
    private static string Printable(string text) =>
        (text.Length > 200 ? text[..200] : text).Replace("&", "&&", StringComparison.Ordinal);

    /// <summary>The row of headings stands on each page.</summary>
    private static DefinedName HeadingOnEachPage(string sheet, uint at) =>
        new($"'{sheet.Replace("'", "''", StringComparison.Ordinal)}'!$1:$1")
        {
            Name = "_xlnm.Print_Titles",
            LocalSheetId = at,
        };

    private static Cell? WrittenCell(int column, int row, object? value, uint text) =>
        value switch
        {
            null => null,
            string words => TextCell(column, row, words, text),
            SheetCell { IsNumber: true } number => NumberCell(column, row, number.Text, 0),
            SheetCell other => TextCell(column, row, other.Text, text),
            Money amount => NumberCell(column, row, $"{amount}", Amount),
            decimal number => NumberCell(column, row, number.ToString("0.00", CultureInfo.InvariantCulture), Amount),
            int or long => NumberCell(column, row, $"{value}", 0),
            Sum sum => Summing(WrittenCell(column, row, sum.Value, text)!, column, sum),
            _ => throw new InvariantViolationException($"no cell for {value.GetType()}"),
        };

    private static Cell Summing(Cell cell, int column, Sum sum)
    {
        var name = Table.ColumnName(column);
        cell.CellFormula = new CellFormula($"SUM({name}{sum.FirstRow}:{name}{sum.LastRow})");
        return cell;
    }

    /// <summary>
    /// The same workbook with each faulty cell filled red and a last column that says what is wrong in the row.
    /// Everything else in it stays as it was; rows and cells without a number of their own get the one by which they
    /// were read.
    /// </summary>
    /// <param name="sheet">Its name; the first one where none has it.</param>
    public static byte[] Mark(
        byte[] xlsx,
        string sheet,
        int headingRow,
        IReadOnlyDictionary<string, int> columns,
        IReadOnlyList<Fault> faults
    )
    {
        using var stream = new MemoryStream();
        stream.Write(xlsx);
        stream.Position = 0;
        using (var document = SpreadsheetDocument.Open(stream, isEditable: true))
        {
            var data = (document.SheetNamed(sheet) ?? document.FirstSheet())!.Worksheet.GetFirstChild<SheetData>()!;
            var styles =
                document.WorkbookPart!.WorkbookStylesPart ?? document.WorkbookPart.AddNewPart<WorkbookStylesPart>();
            var red = RedStyles(styles.Stylesheet ??= Styles());
            Number(data);
            var faultColumn = FreeColumn(data, columns);
            var byRow = faults.Where(f => f.Row is not null).ToLookup(f => f.Row!.Value);
            foreach (var row in data.Elements<Row>())
            {
                var number = (int)row.RowIndex!.Value;
                if (number != headingRow && !byRow.Contains(number))
                    continue;
                foreach (var fault in byRow[number])
                {
                    if (fault.Column is null || !columns.TryGetValue(fault.Column, out var column))
                        continue;
                    var cell = CellAt(row, column, number);
                    cell.StyleIndex = red(cell.StyleIndex?.Value ?? 0);
                }
                var words = byRow[number].Select(f => $"{f.Column}：{English.Said(f.Message)}");
                var note = CellAt(row, faultColumn, number);
                note.InsertAfterSelf(
                    TextCell(
                        faultColumn,
                        number,
                        string.Join("；", number == headingRow ? words.Prepend(FaultHeading) : words),
                        red(0)
                    )
                );
                note.Remove();
            }
        }
        return stream.ToArray();
    }

    /// <summary>
    /// As the reader counts: what has no number, or one that was there before, comes after the one before it.
    /// </summary>
    private static void Number(SheetData data)
    {
        var number = 0L;
        foreach (var row in data.Elements<Row>())
        {
            number = row.RowIndex?.Value is { } own && own > number ? own : number + 1;
            row.RowIndex = (uint)number;
            row.Spans = null;
            var (column, cells) = (-1, new SortedDictionary<int, Cell>());
            foreach (var cell in row.Elements<Cell>())
            {
                column = cell.CellReference?.Value is { } reference ? Xlsx.AnyColumnNumber(reference) : column + 1;
                cells[column] = cell;
            }
            row.RemoveAllChildren<Cell>();
            foreach (var (at, cell) in cells)
            {
                cell.CellReference = $"{Table.ColumnName(at)}{number}";
                row.Append(cell);
            }
        }
    }

    /// <summary>
    /// The column right of everything; where the sheet is full, the first one right of what was read that nothing
    /// stands in.
    /// </summary>
    private static int FreeColumn(SheetData data, IReadOnlyDictionary<string, int> columns)
    {
        var used = data.Descendants<Cell>().Select(c => Xlsx.AnyColumnNumber(c.CellReference!.Value!)).ToHashSet();
        var next = used.Max() + 1;
        return next < MaxColumns
            ? next
            : Enumerable
                .Range(columns.Values.Max() + 1, MaxColumns)
                .First(c => !used.Contains(c) || c == MaxColumns - 1);
    }

    /// <summary>A spreadsheet has no column right of XFD.</summary>
    private const int MaxColumns = 16_384;

    private static Cell CellAt(Row row, int column, int number)
    {
        var after = default(Cell);
        foreach (var cell in row.Elements<Cell>())
        {
            var at = Xlsx.AnyColumnNumber(cell.CellReference!.Value!);
            if (at == column)
                return cell;
            if (at > column)
                break;
            after = cell;
        }
        var added = TextCell(column, number, "", 0);
        return after is null ? row.PrependChild(added)! : row.InsertAfter(added, after)!;
    }

    private static Cell NumberCell(int column, int row, string number, uint style) =>
        new(new CellValue(number)) { CellReference = $"{Table.ColumnName(column)}{row}", StyleIndex = style };

    private static Cell TextCell(int column, int row, string text, uint style) =>
        new(new InlineString(new Text(Holdable(text)) { Space = SpaceProcessingModeValues.Preserve }))
        {
            CellReference = $"{Table.ColumnName(column)}{row}",
            DataType = CellValues.InlineString,
            StyleIndex = style,
        };

    /// <summary>As much as a cell holds, without what XML cannot hold.</summary>
    private static string Holdable(string text)
    {
        const int most = 32_767;
        return new([.. text.Take(most).Where((c, i) => System.Xml.XmlConvert.IsXmlChar(c) || IsPair(text, i))]);

        static bool IsPair(string text, int at) =>
            (at + 1 < Math.Min(text.Length, most) && char.IsSurrogatePair(text, at))
            || (at > 0 && char.IsSurrogatePair(text, at - 1));
    }

    private static Stylesheet Styles() =>
        new(
            new Fonts(new Font(), new Font(new Bold())),
            new Fills(
                new Fill(new PatternFill { PatternType = PatternValues.None }),
                new Fill(new PatternFill { PatternType = PatternValues.Gray125 })
            ),
            new Borders(new Border()),
            new CellFormats(
                new CellFormat(),
                new CellFormat { NumberFormatId = 49, ApplyNumberFormat = true },
                new CellFormat
                {
                    NumberFormatId = 49,
                    ApplyNumberFormat = true,
                    FontId = 1,
                    ApplyFont = true,
                },
                new CellFormat { NumberFormatId = 4, ApplyNumberFormat = true }
            )
        );

    /// <summary>For a cell's style, the same style filled red.</summary>
    private static Func<uint, uint> RedStyles(Stylesheet styles)
    {
        styles.Fills ??= new Fills(
            new Fill(new PatternFill { PatternType = PatternValues.None }),
            new Fill(new PatternFill { PatternType = PatternValues.Gray125 })
        );
        styles.CellFormats ??= new CellFormats(new CellFormat());
        styles.Fills.Append(
            new Fill(new PatternFill(new ForegroundColor { Rgb = "FFFFC7CE" }) { PatternType = PatternValues.Solid })
        );
        var fill = (uint)styles.Fills.ChildElements.Count - 1;
        styles.Fills.Count = fill + 1;
        var made = new Dictionary<uint, uint>();
        return original =>
        {
            if (made.TryGetValue(original, out var known))
                return known;
            // A style that is not there is the plain one.
            var format =
                (CellFormat?)
                    styles.CellFormats.ElementAtOrDefault((int)Math.Min(original, int.MaxValue))?.CloneNode(true)
                ?? new CellFormat();
            format.FillId = fill;
            format.ApplyFill = true;
            styles.CellFormats.Append(format);
            styles.CellFormats.Count = (uint)styles.CellFormats.ChildElements.Count;
            return made[original] = (uint)styles.CellFormats.ChildElements.Count - 1;
        };
    }
}

public static class SpreadsheetParts
{
    public static WorksheetPart? FirstSheet(this SpreadsheetDocument document) => document.Part(_ => true);

    public static WorksheetPart? SheetNamed(this SpreadsheetDocument document, string name) =>
        document.Part(s => s.Name?.Value == name);

    private static WorksheetPart? Part(this SpreadsheetDocument document, Func<Sheet, bool> isIt) =>
        document.WorkbookPart?.Workbook.Sheets?.Elements<Sheet>().FirstOrDefault(isIt)?.Id?.Value is { } id
            ? document.WorkbookPart.GetPartById(id) as WorksheetPart
            : null;
}
