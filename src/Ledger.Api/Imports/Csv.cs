using System.Text;
using System.Text.RegularExpressions;

namespace Ledger.Api.Imports;

/// <summary>
/// Text with separators: in UTF-8, GB18030 (each with its mark or without) or UTF-16. The separator is the one that
/// gives the form's headings.
/// </summary>
internal static partial class Csv
{
    private const int MaxFields = 2_000_000;

    /// <summary>A record of 256 columns has a tenth of it: what is longer has a quote that was never closed.</summary>
    private const int MaxRecord = 1_000_000;
    private static readonly char[] Separators = [',', '\t', ';', '|', '，'];
    private static readonly Encoding Utf8 = new UTF8Encoding(false, throwOnInvalidBytes: true);

    /// <summary>
    /// What spreadsheets are saved in here, in the order of trying; each refuses bytes that are not its own.
    /// </summary>
    public static readonly IReadOnlyList<Encoding> Encodings =
    [
        Utf8,
        CodePagesEncodingProvider.Instance.GetEncoding(
            "GB18030",
            EncoderFallback.ExceptionFallback,
            DecoderFallback.ExceptionFallback
        )!,
    ];

    public static Book Open(Stream stream, string field, SheetForm form)
    {
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        var text = Decoded(bytes, field, form);
        // A record is held whole before anybody can look at it: what may separate fields is counted first.
        if (text.Count(c => c is ',' or ';' or '\t' or '|' or '，' or '\n' or '\r') > MaxFields)
            throw Book.Over($"文件超过 {MaxFields:N0} 个字段", field);
        var separator = Separator(text, form);
        return new Book([new BookSheet("", false, limit => Rows(text, separator, field, limit))]);
    }

    /// <summary>The separator with which most of the form's headings are found at the beginning of a text.</summary>
    public static char Separator(string text, SheetForm form) =>
        Separators.MaxBy(s =>
            Records(new StringReader(text), s)
                .Take(Table.HeadingSearchRows)
                .Select(r => r.Fields.Count(f => form.Columns.Any(c => c.IsNamed(f))))
                .DefaultIfEmpty()
                .Max()
        );

    private static SheetContent Rows(string text, char separator, string field, int limit)
    {
        var (rows, isWider) = (new List<SheetRow>(), false);
        foreach (var record in Records(new StringReader(text), separator))
        {
            if (record.IsTooLong)
                throw Book.Over($"第 {record.Number} 行超过 {MaxRecord:N0} 字，不像一行表格；请改正后再上传", field);
            if (record.IsUnclosed)
                throw Book.Unreadable(
                    $"第 {record.Number} 行有一个双引号没有成对，其后的内容分不清行列；请改正后再上传",
                    field
                );
            var cells = new Dictionary<int, SheetCell>();
            for (var i = 0; i < record.Fields.Count; i++)
            {
                if (Cell(record.Fields[i]) is not { Text.Length: > 0 } cell)
                    continue;
                if (i < Book.MaxColumns)
                    cells[i] = cell;
                else
                    isWider = true;
            }
            if (cells.Count > 0)
                rows.Add(new SheetRow(record.Number, cells, Fields: record.Fields.Count));
            if (rows.Count == limit)
                break;
        }
        return new SheetContent(rows, [], isWider);
    }

    /// <summary>A field as a spreadsheet would show it: ="370811…" is text, 3.70811E+17 was a number.</summary>
    public static SheetCell Cell(string field)
    {
        var text = field.Trim();
        if (text.Length > 3 && text.StartsWith("=\"", StringComparison.Ordinal) && text[^1] == '"')
            text = text[2..^1].Trim();
        return new SheetCell(text, Scientific().IsMatch(text) ? CellKind.Number : CellKind.Text);
    }

    /// <param name="Number">Of the record, as a spreadsheet counts it: blank lines count, a line break in quotes does
    /// not.</param>
    /// <param name="Raw">As it stands in the text, line break included.</param>
    public sealed record Record(int Number, List<string> Fields, string Raw, bool IsUnclosed)
    {
        /// <summary>Longer than any row, and no quote is open that would have taken in what follows.</summary>
        public bool IsTooLong => !IsUnclosed && Raw.Length > MaxRecord;
    }

    /// <summary>
    /// The records of a text, one at a time (RFC 4180). A quote that does not begin a field is a character like others.
    /// </summary>
    public static IEnumerable<Record> Records(TextReader text, char separator)
    {
        var (raw, value, fields) = (new StringBuilder(), new StringBuilder(), new List<string>());
        var (number, isQuoted, isFresh) = (1, false, true);
        for (int next; (next = text.Read()) >= 0; )
        {
            var c = (char)next;
            raw.Append(c);
            if (raw.Length > MaxRecord)
                break;
            if (isQuoted)
            {
                if (c != '"')
                    value.Append(c);
                else if (text.Peek() == '"')
                    raw.Append(value.Append((char)text.Read())[^1]);
                else
                    isQuoted = false;
                continue;
            }
            if (c == '"' && isFresh)
            {
                (isQuoted, isFresh) = (true, false);
                value.Clear();
            }
            else if (c == separator)
                End();
            else if (c is '\n' or '\r')
            {
                if (c == '\r' && text.Peek() == '\n')
                    raw.Append((char)text.Read());
                End();
                yield return new Record(number++, fields, raw.ToString(), false);
                raw.Clear();
                fields = [];
            }
            else
            {
                value.Append(c);
                isFresh = isFresh && char.IsWhiteSpace(c);
            }
        }
        if (raw.Length == 0)
            yield break;
        End();
        yield return new Record(number, fields, raw.ToString(), isQuoted);

        void End()
        {
            fields.Add(value.ToString());
            value.Clear();
            isFresh = true;
        }
    }

    private static string Decoded(byte[] bytes, string field, SheetForm form)
    {
        if (Utf16(bytes) is { } wide)
            return (Strictly(wide, bytes) ?? throw Unknown(field)).TrimStart('\uFEFF');
        if (bytes.AsSpan().Contains((byte)0))
            throw Unknown(field);
        if (Strictly(Utf8, bytes) is { } text)
            return text.TrimStart('\uFEFF');
        // Mostly UTF-8 with something else in it would pass for GB18030, and nobody could read it.
        var loose = Encoding.UTF8.GetString(bytes);
        if (bytes.AsSpan().StartsWith((byte[])[0xEF, 0xBB, 0xBF]) || Mentions(loose, form))
            throw Book.Unreadable(
                $"第 {loose[..loose.IndexOf('\uFFFD')].Count(c => c == '\n') + 1} 行有不属于 UTF-8 编码的字节，"
                    + "可能由两个文件拼成；请在 Excel 或 WPS 中改正后另存为 .xlsx",
                field
            );
        return (Strictly(Encodings[1], bytes) ?? throw Unknown(field)).TrimStart('\uFEFF');
    }

    private static RefusedException Unknown(string field) =>
        Book.Unreadable("不是表格文件，也不是 UTF-8、GB18030 或 UTF-16 编码的文本；请上传 .xlsx 表格", field);

    public static bool Mentions(string text, SheetForm form) =>
        form.Columns.Any(c => c.Required && text.Contains(c.Title, StringComparison.Ordinal));

    /// <summary>By its mark, or by which of two bytes is nought in separators, digits and line breaks.</summary>
    public static Encoding? Utf16(ReadOnlySpan<byte> bytes)
    {
        var isBig =
            bytes.StartsWith((byte[])[0xFE, 0xFF]) ? true
            : bytes.StartsWith((byte[])[0xFF, 0xFE]) ? false
            : bytes.Length % 2 == 0 && Noughts(bytes) is var (even, odd) && even != odd ? even > odd
            : (bool?)null;
        return isBig is { } big ? new UnicodeEncoding(big, byteOrderMark: true, throwOnInvalidBytes: true) : null;
    }

    /// <summary>One of them may be half of a character (一 is 4E00): digits and separators are many more.</summary>
    private static (int Even, int Odd) Noughts(ReadOnlySpan<byte> bytes)
    {
        var (even, odd) = (0, 0);
        for (var i = 0; i < Math.Min(bytes.Length, 1 << 16); i++)
            if (bytes[i] == 0)
                (even, odd) = i % 2 == 0 ? (even + 1, odd) : (even, odd + 1);
        return (even, odd);
    }

    private static string? Strictly(Encoding encoding, byte[] bytes)
    {
        try
        {
            var text = encoding.GetString(bytes);
            return text.Contains('\0', StringComparison.Ordinal) ? null : text;
        }
        catch (DecoderFallbackException)
        {
            return null; // not this encoding
        }
    }

    [GeneratedRegex("^[0-9](?:\\.[0-9]+)?E\\+[0-9]+$")]
    private static partial Regex Scientific();
}
