using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

public enum CellKind
{
    Text,
    Number,

    /// <summary>TRUE or FALSE.</summary>
    Flag,

    /// <summary>Such as #N/A.</summary>
    Error,

    /// <summary>A formula that nobody worked out.</summary>
    Formula,

    /// <summary>A number that is shown as a day; its text is that day, with the time.</summary>
    Date,

    /// <summary>Struck through: some mean that it no longer counts.</summary>
    Struck,

    /// <summary>It is merged with the cell of the row <see cref="SheetCell.Anchor"/>, which has the text.</summary>
    Merged,
}

/// <summary>
/// A cell as it stands in the file. A number keeps its decimal digits: it never becomes floating point.
/// <paramref name="Shown"/>: what a spreadsheet shows, where that is something else.
/// </summary>
public readonly partial record struct SheetCell(
    string Text,
    CellKind Kind = CellKind.Text,
    int Anchor = 0,
    string? Shown = null
)
{
    public bool IsNumber => Kind == CellKind.Number;

    /// <summary>
    /// A spreadsheet keeps 15 digits of what is typed: a longer number has lost its last ones, unless a program wrote
    /// it (it does not end in nought then, and fits a double).
    /// </summary>
    public bool HasLostDigits =>
        IsNumber
        && (
            Text.Contains('E', StringComparison.OrdinalIgnoreCase)
            || Text.Count(char.IsAsciiDigit) > 16
            || (Text.Count(char.IsAsciiDigit) == 16 && (Text[^1] == '0' || Text.CompareTo("9007199254740992") > 0))
        );

    /// <summary>
    /// Excel keeps 17 digits of a binary number and shows 15: 300.10000000000002 is what it means by 300.1.
    /// </summary>
    public static SheetCell Number(string text)
    {
        if (!decimal.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value))
            return new SheetCell(text, CellKind.Number);
        var whole = decimal.Truncate(Math.Abs(value)).ToString(CultureInfo.InvariantCulture).Length;
        if (whole > 15 && text.Contains('E', StringComparison.OrdinalIgnoreCase))
            return new SheetCell(text, CellKind.Number);
        return new SheetCell(
            (whole >= 15 ? value : decimal.Round(value, 15 - whole)).ToString(
                "0.###############",
                CultureInfo.InvariantCulture
            ),
            CellKind.Number
        );
    }
}

/// <summary>
/// A row by its number in the sheet (1 is the first) and its cells by column number (0 is A).
/// <paramref name="Fields"/>: of a row of text, how many it has, blank ones too.
/// </summary>
public sealed record SheetRow(int Number, Dictionary<int, SheetCell> Cells, bool IsHidden = false, int Fields = 0)
{
    /// <summary>The cell's own text; empty where it is blank or merged with another.</summary>
    public string Own(int column) =>
        Cells.TryGetValue(column, out var cell) && cell.Kind != CellKind.Merged ? cell.Text : "";
}

/// <summary>Cells that are one, by row number and column number.</summary>
public readonly record struct Merge(int FirstRow, int FirstColumn, int LastRow, int LastColumn);

/// <summary>
/// The rows that are not empty, as many as were asked for. <paramref name="IsWider"/>: cells stand right of the columns
/// that are read.
/// <paramref name="IsRenumbered"/>: the file gives two rows one number. <paramref name="Hidden"/>: columns that nobody
/// sees.
/// </summary>
public sealed record SheetContent(
    IReadOnlyList<SheetRow> Rows,
    IReadOnlyList<Merge> Merges,
    bool IsWider = false,
    bool IsRenumbered = false,
    IReadOnlySet<int>? Hidden = null
)
{
    private const int MaxFilled = 2_000_000;

    /// <summary>
    /// The blank cells of a merge point to the one that has the text: downwards anywhere, sideways in the headings.
    /// </summary>
    public SheetContent WithMerges(int headingRows)
    {
        var numbers = Rows.Select(r => r.Number).ToList();
        var heads = Rows.Count == 0 ? 0 : Rows[Math.Min(headingRows, Rows.Count) - 1].Number;
        var filled = 0;
        foreach (var merge in Merges)
        {
            var first = numbers.BinarySearch(merge.FirstRow);
            if (first < 0 || Rows[first].Own(merge.FirstColumn) is not { Length: > 0 } text)
                continue;
            for (var i = first; i < Rows.Count && numbers[i] <= merge.LastRow && filled < MaxFilled; i++)
            {
                var last = numbers[i] <= heads ? Math.Min(merge.LastColumn, 255) : merge.FirstColumn;
                for (var column = merge.FirstColumn; column <= last; column++, filled++)
                    Rows[i].Cells.TryAdd(column, new SheetCell(text, CellKind.Merged, merge.FirstRow));
            }
        }
        return this;
    }
}

/// <summary>A sheet of a book; its rows are read when they are asked for, and no more of them than that.</summary>
public sealed record BookSheet(string Name, bool IsHidden, Func<int, SheetContent> Read);

/// <summary>
/// What people bring: .xlsx and .xlsm in both editions of the standard, .xls, text in UTF-8, GB18030 or UTF-16. What is
/// something else is refused by its name, with the way to make it one of these. Told apart by content: names lie.
/// </summary>
public sealed partial class Book(IReadOnlyList<BookSheet> sheets, bool is1904 = false, IDisposable? file = null)
    : IDisposable
{
    public const int MaxColumns = 256,
        MaxRowNumber = 1_048_576;

    public IReadOnlyList<BookSheet> Sheets { get; } = sheets;

    /// <summary>Day numbers count from 1904, as on old Macs.</summary>
    public bool Is1904 { get; } = is1904;

    public void Dispose() => file?.Dispose();

    /// <exception cref="RefusedException"><c>file-invalid</c>, <c>limit-exceeded</c>.</exception>
    public static Book Open(Stream stream, string field, SheetForm form)
    {
        Span<byte> head = stackalloc byte[1024];
        var start = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        stream.Position = 0;
        try
        {
            return IsZip(start) ? Xlsx.Open(stream, field)
                : IsOld(start) ? Xls.Open(stream, field)
                : Other(start) is { } other ? throw Unreadable(other, field)
                : Csv.Open(stream, field, form);
        }
        catch (Exception e) when (e is not RefusedException)
        {
            throw Damaged(IsZip(start) ? ".xlsx" : ".xls", field);
        }
    }

    /// <summary>
    /// Whatever a damaged or hostile file makes its reader throw, to the caller it is a file that cannot be read.
    /// </summary>
    public static RefusedException Damaged(string kind, string field) =>
        Unreadable($"不是有效的 {kind} 文件，可能已损坏；请在 Excel 或 WPS 中打开后另存为 .xlsx", field);

    public static RefusedException Unreadable(string why, string field) =>
        new(new Rejection(Rejections.FileInvalid, why) { Field = field });

    public static RefusedException Over(string what, string field) =>
        new(new Rejection(Rejections.LimitExceeded, what) { Field = field });

    public static bool IsZip(ReadOnlySpan<byte> start) => start.StartsWith("PK\x03\x04"u8);

    /// <summary>Neither a workbook nor anything else that is known by how it begins.</summary>
    public static bool IsText(ReadOnlySpan<byte> start) => !IsZip(start) && !IsOld(start) && Other(start) is null;

    private static bool IsOld(ReadOnlySpan<byte> start) =>
        start.StartsWith((byte[])[0xD0, 0xCF, 0x11, 0xE0, 0xA1, 0xB1, 0x1A, 0xE1]);

    private static string? Other(ReadOnlySpan<byte> start)
    {
        if (start.StartsWith("%PDF"u8))
            return "这是 PDF 文件，不是表格；请上传原来的 .xlsx 表格";
        if (start.StartsWith("Rar!"u8) || start.StartsWith((byte[])[0x37, 0x7A, 0xBC, 0xAF, 0x27, 0x1C]))
            return "这是压缩包；请先解压，再上传其中的表格";
        if (start.StartsWith((byte[])[0x1F, 0x8B]))
            return "这是压缩包；请先解压，再上传其中的表格";
        if (
            start.StartsWith((byte[])[0xFF, 0xD8, 0xFF])
            || start.StartsWith((byte[])[0x89, 0x50, 0x4E, 0x47])
            || start.StartsWith("GIF8"u8)
            || start.StartsWith("II*\0"u8)
            || start.StartsWith("MM\0*"u8)
            || (start.Length > 12 && start[4..].StartsWith("ftyp"u8))
        )
            return "这是图片，不是表格；请上传原来的 .xlsx 表格";
        if (start.Length > 3 && start[0] == 9 && start[1] is 0 or 2 or 4 && start[2] is 4 or 6 && start[3] == 0)
            return "这是很早版本的 Excel 文件（4.0 或更早）；请在 Excel 或 WPS 中打开后另存为 .xlsx";
        if (IsDbf(start))
            return "这是 dBase、FoxPro 的数据表（.dbf）；请在 Excel 或 WPS 中打开后另存为 .xlsx";
        if (start.StartsWith("\0\u0001\0\0Standard"u8))
            return "这是 Access 数据库；请从中把表导出为 .xlsx";
        if (start.StartsWith("ID;P"u8) || start.StartsWith("TABLE\r\n0,1"u8))
            return "这是 SYLK 或 DIF 表格；请在 Excel 或 WPS 中打开后另存为 .xlsx";
        var text = Encoding.Latin1.GetString(start).TrimStart('\u00EF', '\u00BB', '\u00BF', ' ', '\r', '\n', '\t');
        return Html().IsMatch(text) ? "这是网页（HTML），只是名称像表格；请在 Excel 或 WPS 中打开后另存为 .xlsx"
            : text.StartsWith("<?xml", StringComparison.OrdinalIgnoreCase)
                ? "这是 XML 表格；请在 Excel 或 WPS 中打开后另存为 .xlsx"
            : text.StartsWith("MIME-Version:", StringComparison.OrdinalIgnoreCase)
                ? "这是单个文件网页（.mht），只是名称像表格；请在 Excel 或 WPS 中打开后另存为 .xlsx"
            : text.StartsWith("{\\rtf", StringComparison.Ordinal)
                ? "这是 Word 文档（RTF），不是表格；请把其中的表复制到 Excel 或 WPS 表格，另存为 .xlsx"
            : null;
    }

    /// <summary>Its kind, a date, and where its records begin: 32 for each field and one more before that.</summary>
    private static bool IsDbf(ReadOnlySpan<byte> start) =>
        start.Length > 32
        && start[0] is 0x03 or 0x30 or 0x31 or 0x83 or 0x8B or 0xF5
        && start[2] is >= 1 and <= 12
        && start[3] is >= 1 and <= 31
        && BitConverter.ToUInt16(start[8..]) is > 32 and var head
        && (head % 32 is 1 or 8 or 9 || start[0] is 0x30 or 0x31)
        && start[12..16].IndexOfAnyExcept((byte)0) < 0;

    [GeneratedRegex(
        "^(?:<!--.*?-->\\s*)?<(?:!doctype|html|head|body|meta|table|div|style)\\b",
        RegexOptions.IgnoreCase
    )]
    private static partial Regex Html();
}
