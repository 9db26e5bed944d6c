using System.Buffers.Binary;
using System.Text;

namespace Ledger.Api.Imports;

/// <summary>
/// What of an .xls has to be known before it is read: how many cells its records make, whether it has a password, and
/// what ExcelDataReader does not tell: which cells are errors (it gives them as blank) or struck through. [MS-CFB],
/// [MS-XLS].
/// </summary>
internal static class Biff
{
    public sealed record Scan(
        bool HasPassword,
        IReadOnlyDictionary<(int Sheet, int Row, int Column), string> Errors,
        IReadOnlySet<(int Sheet, int Row, int Column)> Struck
    );

    private const ushort Formula = 0x0006,
        FilePass = 0x002F,
        Font = 0x0031,
        BoundSheet = 0x0085,
        MultipleRk = 0x00BD,
        MultipleBlank = 0x00BE,
        Format = 0x00E0,
        Label = 0x00FD,
        Blank = 0x0201,
        Number = 0x0203,
        PlainLabel = 0x0204,
        BoolOrError = 0x0205,
        Rk = 0x027E,
        BeginOfFile = 0x0809;

    /// <summary>Null where the bytes are no such file.</summary>
    public static Scan? Of(byte[] file, string field, int maxCells)
    {
        if (Stream(file) is not { } book)
            return null;
        var (errors, struck) = (new Dictionary<(int, int, int), string>(), new HashSet<(int, int, int)>());
        var (sheets, fonts, styles) = (new List<int>(), new List<bool>(), new List<bool>());
        var (cells, sheet) = (0L, -1);
        for (var at = 0; at + 4 <= book.Length; )
        {
            var (kind, length) = (Short(book, at), Short(book, at + 2));
            var data = book.AsSpan(at + 4, Math.Min(length, book.Length - at - 4));
            switch (kind)
            {
                case FilePass:
                    return new Scan(true, errors, struck);
                case BoundSheet when data.Length > 5 && data[5] == 0:
                    sheets.Add(BinaryPrimitives.ReadInt32LittleEndian(data));
                    break;
                case BeginOfFile:
                    sheet = sheets.IndexOf(at);
                    break;
                case Font when data.Length > 4:
                    fonts.Add((data[2] & 0x08) != 0);
                    break;
                case Format when data.Length > 2:
                    // Of fonts there is no number 4.
                    var font = Short(data, 0) is var number && number > 4 ? number - 1 : number;
                    styles.Add(font < fonts.Count && fonts[font]);
                    break;
                case MultipleRk or MultipleBlank:
                    cells += Math.Max(1, (data.Length - 6) / (kind == MultipleRk ? 6 : 2));
                    for (var i = 0; kind == MultipleRk && 12 + i * 6 <= data.Length; i++)
                        Style(data, Short(data, 2) + i, 4 + i * 6);
                    break;
                case Formula or Label or Blank or Number or PlainLabel or BoolOrError or Rk:
                    cells++;
                    if (Error(kind, data) is { } error)
                        errors[(sheet, Short(data, 0), Short(data, 2))] = error;
                    if (data.Length > 5)
                        Style(data, Short(data, 2), 4);
                    break;
            }
            if (cells > maxCells)
                throw Book.Over($"工作簿超过 {maxCells:N0} 个单元格（空的也算）", field);
            at += 4 + length;
        }
        return new Scan(false, errors, struck);

        void Style(ReadOnlySpan<byte> data, int column, int style)
        {
            if (Short(data, style) is var at && at < styles.Count && styles[at])
                struck.Add((sheet, Short(data, 0), column));
        }
    }

    private static string? Error(ushort kind, ReadOnlySpan<byte> data)
    {
        byte? code =
            kind == BoolOrError && data.Length >= 8 && data[7] == 1 ? data[6]
            : kind == Formula && data.Length >= 14 && data[12] == 0xFF && data[13] == 0xFF && data[6] == 2 ? data[8]
            : null;
        return code switch
        {
            null => null,
            0x00 => "#NULL!",
            0x07 => "#DIV/0!",
            0x0F => "#VALUE!",
            0x17 => "#REF!",
            0x1D => "#NAME?",
            0x24 => "#NUM!",
            _ => "#N/A",
        };
    }

    private static ushort Short(ReadOnlySpan<byte> bytes, int at) =>
        BinaryPrimitives.ReadUInt16LittleEndian(bytes[at..]);

    private static int Int(ReadOnlySpan<byte> bytes, int at) => BinaryPrimitives.ReadInt32LittleEndian(bytes[at..]);

    /// <summary>The stream of the workbook, put together from its sectors.</summary>
    private static byte[]? Stream(byte[] file)
    {
        if (file.Length < 512)
            return null;
        var size = 1 << Math.Clamp((int)Short(file, 30), 9, 12);
        var table = new List<int>();
        void AddSectors(int sector)
        {
            if (Sector(file, sector, size) is { } bytes)
                for (var i = 0; i < size; i += 4)
                    table.Add(Int(bytes, i));
        }
        for (var i = 0; i < 109; i++)
            AddSectors(Int(file, 76 + i * 4));
        // A file of more than 7 MB has more of the table elsewhere, in a chain of its own.
        var (more, left) = (Int(file, 68), 64);
        for (; more >= 0 && left-- > 0 && Sector(file, more, size) is { } list; more = Int(list, size - 4))
        for (var i = 0; i < size - 4; i += 4)
            AddSectors(Int(list, i));

        var directory = Chain(file, table, Int(file, 48), size, 1 << 20);
        (int Start, long Length)? root = null;
        (int Start, long Length)? book = null;
        for (var at = 0; at + 128 <= directory.Length; at += 128)
        {
            var entry = directory.AsSpan(at, 128);
            var name = Encoding.Unicode.GetString(entry[..Math.Clamp(Short(entry, 64) - 2, 0, 64)]);
            if (entry[66] == 5)
                root = (Int(entry, 116), (uint)Int(entry, 120));
            else if (name is "Workbook" || (name is "Book" && book is null))
                book = (Int(entry, 116), (uint)Int(entry, 120));
        }
        if (book is not { } found)
            return null;
        var length = (int)Math.Min(found.Length, file.Length);
        if (length >= Int(file, 56) || root is not { } small)
            return Chain(file, table, found.Start, size, length);
        var minis = Chain(file, table, Int(file, 60), size, file.Length);
        var parts = Enumerable.Range(0, minis.Length / 4).Select(i => Int(minis, i * 4)).ToList();
        var source = Chain(file, table, small.Start, size, (int)Math.Min(small.Length, file.Length));
        return Chain(source, parts, found.Start, 64, length, offset: 0);
    }

    private static byte[]? Sector(byte[] file, int sector, int size, int offset = 1)
    {
        var at = ((long)sector + offset) * size;
        return sector >= 0 && at + size <= file.Length ? file[(int)at..(int)(at + size)] : null;
    }

    /// <summary>At most as long as asked for; a chain that runs in a circle ends there too.</summary>
    private static byte[] Chain(byte[] file, List<int> table, int first, int size, int length, int offset = 1)
    {
        using var all = new MemoryStream();
        for (var at = first; at >= 0 && at < table.Count && all.Length < length; at = table[at])
        {
            if (Sector(file, at, size, offset) is not { } bytes)
                break;
            all.Write(bytes);
        }
        all.SetLength(Math.Min(all.Length, length));
        return all.ToArray();
    }
}
