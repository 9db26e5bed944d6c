using System.Globalization;
using System.Text;
using CsvHelper;
using CsvHelper.Configuration;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>A cell as it stands in the file. A number keeps its decimal digits: it never becomes floating point.</summary>
public readonly record struct SheetCell(string Text, bool IsNumber);

/// <summary>A row by its number in the sheet (1 is the first) and its cells by column number (0 is A).</summary>
public sealed record SheetRow(int Number, IReadOnlyDictionary<int, SheetCell> Cells);

/// <summary>
/// The first sheet of an .xlsx, or a .csv in UTF-8 (with or without mark) or GB18030, as rows of text. Limits: 20 MB as sent,
/// 128 MB unpacked, 256 columns, two million cells, the form's number of rows.
/// </summary>
public sealed class Table
{
    public const long MaxBytes = 20 * 1024 * 1024,
        MaxUnpackedBytes = 128 * 1024 * 1024;
    public const int HeadingSearchRows = 10;

    private Table(IReadOnlyDictionary<string, int> columns, int headingRow, IReadOnlyList<SheetRow> rows) =>
        (Columns, HeadingRow, Rows) = (columns, headingRow, rows);

    /// <summary>The form's headings found, with their column numbers.</summary>
    public IReadOnlyDictionary<string, int> Columns { get; }
    public int HeadingRow { get; }

    /// <summary>The rows below the heading that are not empty.</summary>
    public IReadOnlyList<SheetRow> Rows { get; }

    /// <exception cref="RefusedException"><c>file-invalid</c> (unreadable, columns missing, no rows), <c>limit-exceeded</c>.</exception>
    public static Table Read(IFormFile? file, SheetForm form)
    {
        if (file is null || file.Length == 0)
            throw Unreadable("没有收到文件，或文件是空的", "file");
        if (file.Length > MaxBytes)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"文件最大 {MaxBytes >> 20} MB") { Field = file.Name }
            );
        var rows = AllRows(file, form.MaxRows + HeadingSearchRows + 1).ToList();
        foreach (var heading in rows.Take(HeadingSearchRows))
        {
            var columns = Headings(heading, form);
            if (columns.Count < 2)
                continue;
            var missing = form.Columns.Where(c => c.Required && !columns.ContainsKey(c.Heading)).ToList();
            if (missing.Count > 0)
            {
                throw new RefusedException(
                    new Rejection(
                        Rejections.FileInvalid,
                        $"缺少列：{string.Join("、", missing.Select(c => c.Heading))}"
                    )
                    {
                        Faults =
                        [
                            .. missing.Select(c => new Fault(
                                Rejections.FileInvalid.Code,
                                "缺少此列",
                                Row: heading.Number,
                                Column: c.Heading
                            )),
                        ],
                    }
                );
            }
            var data = rows.Where(r => r.Number > heading.Number && columns.Values.Any(c => r.Cells.ContainsKey(c)))
                .ToList();
            if (data.Count == 0)
                throw Unreadable("表头下没有数据", file.Name);
            if (data.Count > form.MaxRows)
                throw new RefusedException(
                    new Rejection(Rejections.LimitExceeded, $"{form.Title}一次最多 {form.MaxRows} 行")
                    {
                        Field = file.Name,
                    }
                );
            return new Table(columns, heading.Number, data);
        }
        throw Unreadable(
            $"前 {HeadingSearchRows} 行内没有找到表头（{string.Join("、", form.Columns.Where(c => c.Required).Select(c => c.Heading))}）",
            file.Name
        );
    }

    /// <summary>Which of the form's headings stand in this row, and where.</summary>
    internal static Dictionary<string, int> Headings(SheetRow row, SheetForm form) =>
        form
            .Columns.SelectMany(c =>
                row.Cells.Where(x => Normal(x.Value.Text) == Normal(c.Heading)).Take(1).Select(x => (c.Heading, x.Key))
            )
            .ToDictionary(c => c.Heading, c => c.Key);

    /// <summary>All rows of the file, heading included.</summary>
    internal static IEnumerable<SheetRow> AllRows(IFormFile file, int limit)
    {
        using var stream = file.OpenReadStream();
        var isZip = IsZip(stream);
        try
        {
            return (isZip ? Imports.Xlsx.Rows(stream, file.Name) : Csv(stream, file.Name)).Take(limit).ToList();
        }
        catch (Exception e) when (e is not RefusedException)
        {
            // Whatever a damaged or hostile file makes its reader throw, to the caller it is a file that cannot be read.
            throw Unreadable(isZip ? "不是有效的 .xlsx 文件" : "不是有效的 .csv 文件", file.Name);
        }
    }

    internal static bool IsZip(Stream stream)
    {
        Span<byte> head = stackalloc byte[4];
        var read = stream.ReadAtLeast(head, 4, throwOnEndOfStream: false);
        stream.Position = 0;
        return read == 4 && head.SequenceEqual("PK\x03\x04"u8);
    }

    private static string Normal(string heading) =>
        new([
            .. heading
                .Where(c => !char.IsWhiteSpace(c) && c != '*' && c != '＊')
                .Select(c =>
                    c switch
                    {
                        '(' => '（',
                        ')' => '）',
                        _ => c,
                    }
                ),
        ]);

    private static RefusedException Unreadable(string why, string field) =>
        new(new Rejection(Rejections.FileInvalid, why) { Field = field });

    /// <summary>Excel keeps 17 digits of a binary number and shows 15: 300.10000000000002 is what it means by 300.1.</summary>
    internal static string ExcelDigits(string text)
    {
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            return text;
        var whole = decimal.Truncate(Math.Abs(value)).ToString(CultureInfo.InvariantCulture).Length;
        return (whole >= 15 ? value : decimal.Round(value, 15 - whole)).ToString(
            "0.###############",
            CultureInfo.InvariantCulture
        );
    }

    internal static int ColumnNumber(string reference) =>
        reference.TakeWhile(char.IsAsciiLetterUpper).Aggregate(0, (n, c) => n * 26 + (c - 'A' + 1)) - 1;

    private const int MaxFields = 2_000_000;

    private static IEnumerable<SheetRow> Csv(Stream stream, string field)
    {
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var text = Decode(bytes) ?? throw Unreadable("文件编码不是 UTF-8 或 GB18030，也不是 .xlsx", field);
        // The parser holds a record whole before anybody can look at it: what may separate fields is counted first.
        if (text.Count(c => c is ',' or ';' or '\t' or '|' or '\n' or '\r') > MaxFields)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"文件超过 {MaxFields:N0} 个字段") { Field = field }
            );
        using var parser = CsvParser(new StringReader(text));
        // The number of the record, as a spreadsheet shows it; a quoted line break stays inside its row.
        for (var number = 1; parser.Read(); number++)
        {
            var cells = parser
                .Record!.Select((value, i) => (i, Text: value.Trim()))
                .Where(c => c.Text.Length > 0)
                .ToDictionary(c => c.i, c => new SheetCell(c.Text, false));
            if (cells.Count > 0)
                yield return new SheetRow(number, cells);
        }
    }

    /// <summary>How every .csv is read: whatever separates the fields, heading like any other record.</summary>
    internal static CsvParser CsvParser(TextReader text) =>
        new(
            text,
            new CsvConfiguration(CultureInfo.InvariantCulture)
            {
                HasHeaderRecord = false,
                DetectDelimiter = true,
                BadDataFound = null,
            }
        );

    /// <summary>What spreadsheets are saved in here, in the order of trying; each refuses bytes that are not its own.</summary>
    internal static readonly IReadOnlyList<Encoding> Encodings =
    [
        new UTF8Encoding(false, throwOnInvalidBytes: true),
        CodePagesEncodingProvider.Instance.GetEncoding(
            "GB18030",
            EncoderFallback.ExceptionFallback,
            DecoderFallback.ExceptionFallback
        )!,
    ];

    private static string? Decode(byte[] bytes)
    {
        if (bytes.AsSpan().Contains((byte)0))
            return null;
        foreach (var encoding in Encodings)
        {
            try
            {
                return encoding.GetString(bytes).TrimStart('\uFEFF');
            }
            catch (DecoderFallbackException)
            {
                // Not this encoding; the next one, or none.
            }
        }
        return null;
    }
}

public static class SpreadsheetParts
{
    public static WorksheetPart? FirstSheet(this SpreadsheetDocument document) =>
        document.WorkbookPart?.Workbook.Sheets?.Elements<Sheet>().FirstOrDefault()?.Id?.Value is { } id
            ? (WorksheetPart)document.WorkbookPart.GetPartById(id)
            : null;
}
