using System.Text;

namespace Ledger.Api.Imports;

/// <summary>
/// A long text of rows, a few thousand at a time, each lot under all that stands down to the file's heading: it is read
/// once and never held whole.
/// </summary>
internal static class CsvBatches
{
    /// <param name="Csv">All down to the heading, and rows with the blank lines between them.</param>
    /// <param name="Heads">How many records stand there before the rows.</param>
    /// <param name="FirstRow">The number in the file of the first record below the heading.</param>
    /// <param name="Position">How many bytes of the file it ends at, nearly.</param>
    public sealed record Batch(byte[] Csv, int Heads, int FirstRow, long Position)
    {
        /// <summary>A row of the batch as the file counts it.</summary>
        public int InFile(int row) => row > Heads ? FirstRow + row - Heads - 1 : row;
    }

    /// <summary>At the end of a file may stand a total and signatures, which are no batch by themselves.</summary>
    public const int FooterRows = 50;

    public static IEnumerable<Batch> Of(Func<Stream> open, Encoding encoding, int most, SheetForm form)
    {
        using var reader = new StreamReader(open(), encoding);
        var (separator, last) = Heading(open, encoding, form);
        var (heading, text, held) = (new StringBuilder(), new StringBuilder(), default(Batch));
        var (count, start, bytes) = (0, last + 1, 0L);
        foreach (var record in Csv.Records(reader, separator))
        {
            bytes += encoding.GetByteCount(record.Raw);
            if (record.IsUnclosed || record.IsTooLong)
                throw Unreadable($"第 {record.Number} 行有一个双引号没有成对，其后的内容分不清行列；请改正后再上传");
            if (record.Number <= last)
            {
                heading.Append(record.Raw);
                continue;
            }
            text.Append(record.Raw);
            if (record.Raw.AsSpan().Trim().Length == 0 || ++count < most)
                continue;
            if (held is not null)
                yield return held;
            held = Take(record.Number + 1);
        }
        var isShort = count <= Math.Min(FooterRows, most / 2);
        if (held is not null && isShort)
            held = held with { Csv = [.. held.Csv, .. Encoding.UTF8.GetBytes(text.ToString())], Position = bytes };
        if (held is not null)
            yield return held;
        if (count > 0 && (held is null || !isShort))
            yield return Take(0);

        Batch Take(int next)
        {
            var batch = new Batch(Encoding.UTF8.GetBytes($"{heading}{text}"), last, start, bytes);
            text.Clear();
            (count, start) = (0, next);
            return batch;
        }
    }

    /// <summary>The separator, and the last record of the heading.</summary>
    private static (char Separator, int Last) Heading(Func<Stream> open, Encoding encoding, SheetForm form)
    {
        using var reader = new StreamReader(open(), encoding);
        var head = new char[65_536];
        var start = new string(head, 0, reader.ReadBlock(head));
        var separator = Csv.Separator(start, form);
        var rows = Csv.Records(new StringReader(start), separator)
            .Take(Table.HeadingSearchRows)
            .Select(r => new SheetRow(
                r.Number,
                r.Fields.Select((f, i) => (i, Cell: Csv.Cell(f)))
                    .Where(c => c.Cell.Text.Length > 0)
                    .ToDictionary(c => c.i, c => c.Cell)
            ))
            .Where(r => r.Cells.Count > 0)
            .ToList();
        return Headings.Find(rows, form) is { } found
            ? (separator, found.Last.Number)
            : throw Unreadable($"前 {Table.HeadingSearchRows} 行内没有找到表头");
    }

    private static RefusedException Unreadable(string why) => Book.Unreadable(why, "file");

    /// <summary>The first encoding that all of the text is in; null when it is in none.</summary>
    public static async Task<Encoding?> EncodingAsync(Func<Stream> open, SheetForm form)
    {
        var start = new byte[4_096];
        await using (var file = open())
            start = start[..await file.ReadAtLeastAsync(start, start.Length, throwOnEndOfStream: false)];
        var block = new char[65_536];
        foreach (var encoding in Csv.Utf16(start) is { } wide ? [wide] : Csv.Encodings)
        {
            using var reader = new StreamReader(open(), encoding);
            try
            {
                while (await reader.ReadBlockAsync(block) > 0) { }
                // Mostly UTF-8 with something else in it would pass for GB18030.
                return encoding != Csv.Encodings[1] || !Csv.Mentions(Encoding.UTF8.GetString(start), form)
                    ? encoding
                    : null;
            }
            catch (DecoderFallbackException)
            {
                // Not this encoding; the next one, or none.
            }
        }
        return null;
    }
}
