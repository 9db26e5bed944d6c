using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Text.RegularExpressions;
using System.Xml;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>
/// Reads the sheets of an .xlsx row by row as it unpacks, and counts while it does. A hundred kilobytes unpack to a
/// hundred megabytes, and a tree of objects made of those to gigabytes: so there is no tree, and each thing of which a
/// file may hold many has a limit.
/// </summary>
internal static partial class Xlsx
{
    /// <summary>
    /// A workbook has a dozen parts; a sheet of 50,000 rows and 13 columns has 650,000 cells, 2 million nodes and 10
    /// million characters.
    /// </summary>
    private const int MaxParts = 1_000,
        MaxCells = 2_000_000,
        MaxStrings = 1_000_000,
        MaxText = 32_000_000,
        MaxMerges = 100_000;

    private const int MaxNodes = 16_000_000,
        MaxDepth = 64,
        MaxNames = 5_000;

    /// <summary>Between two tags: a cell holds 32,767 characters, each escaped with ten at most.</summary>
    private const int MaxRun = 400_000;

    /// <exception cref="RefusedException"><c>limit-exceeded</c>; <c>file-invalid</c>: another kind of file in a
    /// zip.</exception>
    /// <exception cref="InvalidDataException">It is no workbook.</exception>
    public static Book Open(Stream stream, string field)
    {
        var zip = Unpack(stream, field);
        try
        {
            if (Kind(zip, field) is { } other)
                throw Book.Unreadable(other, field);
            var workbook =
                Parts(zip, "", field).FirstOrDefault(p => p.Type == "officeDocument").Path
                ?? throw new InvalidDataException("no workbook");
            var parts = Parts(zip, workbook, field);
            var (entries, is1904) = Workbook(zip, workbook, field);
            var shared = new Lazy<List<SheetCell>>(() =>
                parts.FirstOrDefault(p => p.Type == "sharedStrings").Path is { } strings
                    ? SharedStrings(zip, strings, field)
                    : []
            );
            var cells = new CellCount();
            var styles = new Lazy<Styles>(() =>
                new Styles(
                    parts.FirstOrDefault(p => p.Type == "styles").Path is { } path ? StylesOf(zip, path, field) : [],
                    new NumberFormats(is1904)
                )
            );
            var sheets =
                from entry in entries
                join part in parts on entry.Id equals part.Id
                where part.Type == "worksheet"
                select new BookSheet(
                    entry.Name,
                    entry.IsHidden,
                    limit => Content(zip, part.Path, field, shared, styles, cells, limit)
                );
            var book = new Book([.. sheets], is1904, zip);
            return book.Sheets.Count > 0 ? book : throw Book.Unreadable("工作簿中没有工作表", field);
        }
        catch
        {
            zip.Dispose();
            throw;
        }
    }

    /// <summary>All that were read of one book, blank ones too.</summary>
    private sealed class CellCount
    {
        public int Value;
    }

    /// <summary>How cells of one style show a number, and whether they are struck through.</summary>
    private readonly record struct Style(string? Code, bool IsStruck);

    private sealed record Styles(List<Style> All, NumberFormats Formats)
    {
        public SheetCell Shown(SheetCell cell, string? style) =>
            !int.TryParse(style ?? "0", NumberStyles.None, CultureInfo.InvariantCulture, out var at) || at >= All.Count
                ? cell
            : All[at].IsStruck ? cell with { Kind = CellKind.Struck }
            : cell.IsNumber ? Formats.Shown(cell, All[at].Code)
            : cell;
    }

    private static SheetContent Content(
        ZipArchive zip,
        string path,
        string field,
        Lazy<List<SheetCell>> shared,
        Lazy<Styles> styles,
        CellCount cells,
        int limit
    )
    {
        try
        {
            return Rows(zip, path, field, shared, styles, cells, limit);
        }
        catch (Exception e) when (e is not RefusedException)
        {
            throw Book.Damaged(".xlsx", field);
        }
    }

    private static SheetContent Rows(
        ZipArchive zip,
        string path,
        string field,
        Lazy<List<SheetCell>> shared,
        Lazy<Styles> styles,
        CellCount cells,
        int limit
    )
    {
        using var xml = new Reader(zip, path, field);
        var (rows, merges) = (new List<SheetRow>(), new List<Merge>());
        var (number, isWider, isRenumbered, unseen) = (0L, false, false, new HashSet<int>());
        while (rows.Count < limit && xml.Read())
        {
            if (xml.IsStartOf("mergeCell") && merges.Count < MaxMerges && AsMerge(xml.Attribute("ref")) is { } merge)
                merges.Add(merge);
            if (xml.IsStartOf("col") && xml.Attribute("hidden") is "1" or "true")
                unseen.UnionWith(xml.Columns());
            if (!xml.IsStartOf("row"))
                continue;
            // A row without a number comes after the one before; so does one that has a number which was there already.
            var own = xml.Attribute("r") is { } r ? long.Parse(r, NumberStyles.None, CultureInfo.InvariantCulture) : 0;
            isRenumbered |= own > 0 && own <= number;
            number = own > number ? own : number + 1;
            var isHidden = xml.Attribute("hidden") is "1" or "true";
            var row = Cells(xml, field, shared, styles, cells, ref isWider);
            if (row.Count == 0)
                continue;
            if (number > Book.MaxRowNumber)
                throw Book.Unreadable(
                    $"有一行的行号是 {number}，表格最多 {Book.MaxRowNumber} 行；请在 Excel 或 WPS 中打开后另存为 .xlsx",
                    field
                );
            rows.Add(new SheetRow((int)number, row, isHidden));
        }
        return new SheetContent(rows, merges, isWider, isRenumbered, unseen);
    }

    private static Dictionary<int, SheetCell> Cells(
        Reader xml,
        string field,
        Lazy<List<SheetCell>> shared,
        Lazy<Styles> styles,
        CellCount cells,
        ref bool isWider
    )
    {
        var (row, column, text) = (new Dictionary<int, SheetCell>(), -1, new StringBuilder());
        foreach (var _ in xml.Inside())
        {
            if (!xml.IsStartOf("c"))
                continue;
            if (++cells.Value > MaxCells)
                throw Over($"工作表超过 {MaxCells:N0} 个单元格（空的也算）", field);
            var (reference, type, style) = (xml.Attribute("r"), xml.Attribute("t"), xml.Attribute("s"));
            column = reference is null ? column + 1 : ColumnNumber(reference);
            text.Clear();
            var (hasValue, hasFormula) = (false, false);
            var (isStruck, content) = (false, type == "inlineStr" ? "t" : "v");
            foreach (var __ in xml.Inside())
            {
                hasFormula |= xml.IsStartOf("f");
                hasValue |= xml.IsStartOf(content);
                isStruck |= xml.ReadRun(content, text);
            }
            var value = text.ToString();
            var isUnknown = hasFormula && (!hasValue || (type is null or "n" && value.Length == 0));
            var cell = isUnknown
                ? new SheetCell("=（没有结果的公式）", CellKind.Formula)
                : styles.Value.Shown(Cell(type, value, shared), style);
            if (cell.Text.Length == 0)
                continue;
            if (isStruck)
                cell = cell with { Kind = CellKind.Struck };
            if (column < Book.MaxColumns)
                row[column] = cell;
            else
                isWider = true;
        }
        return row;
    }

    /// <summary>Of the columns that are read; one right of them is as good as any other.</summary>
    private static int ColumnNumber(string reference) => Math.Min(AnyColumnNumber(reference), Book.MaxColumns);

    internal static int AnyColumnNumber(string reference)
    {
        var letters = reference.TakeWhile(char.IsAsciiLetter).Take(4).ToList();
        return letters.Count is 0 or > 3
            ? 16_383
            : letters.Aggregate(0, (n, c) => n * 26 + (char.ToUpperInvariant(c) - 'A' + 1)) - 1;
    }

    private static Merge? AsMerge(string? reference) =>
        reference?.Split(':') is [var from, var to] && RowNumber(from) is { } first && RowNumber(to) is { } last
            ? new Merge(first, ColumnNumber(from), last, ColumnNumber(to))
            : null;

    private static int? RowNumber(string reference) =>
        int.TryParse(
            reference.AsSpan().TrimStart(Letters),
            NumberStyles.None,
            CultureInfo.InvariantCulture,
            out var row
        )
            ? row
            : null;

    private const string Letters = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>What else comes in a zip, and how to make a workbook of it; null for a workbook.</summary>
    private static string? Kind(ZipArchive zip, string field)
    {
        var names = zip.Entries.Select(e => e.FullName.Replace('\\', '/').ToLowerInvariant()).ToList();
        if (names.Contains("content.xml") || names.Contains("mimetype"))
            return "这是 OpenDocument 文件（.ods）；请在 WPS 或 LibreOffice 中打开后另存为 .xlsx";
        if (names.Contains("ofd.xml"))
            return "这是 OFD 版式文件，不是表格；请上传原来的 .xlsx 表格";
        if (names.Contains("word/document.xml"))
            return "这是 Word 文档，不是表格；请把其中的表复制到 Excel 或 WPS 表格，另存为 .xlsx";
        if (names.Contains("xl/workbook.bin") || ContentTypes(zip, field).Any(IsBinary))
            return "这是二进制工作簿（.xlsb）；请在 Excel 或 WPS 中打开后另存为 .xlsx";
        if (
            names.Any(n =>
                n.StartsWith("index/", StringComparison.Ordinal) && n.EndsWith(".iwa", StringComparison.Ordinal)
            )
        )
            return "这是 Numbers 表格；请导出为 .xlsx";
        return !names.Contains("[content_types].xml") ? "这是压缩包；请先解压，再上传其中的表格" : null;

        static bool IsBinary(string type) => type.Contains("sheet.binary", StringComparison.OrdinalIgnoreCase);
    }

    private static List<string> ContentTypes(ZipArchive zip, string field)
    {
        if (!zip.Entries.Any(e => e.FullName == "[Content_Types].xml"))
            return [];
        using var xml = new Reader(zip, "[Content_Types].xml", field);
        var types = new List<string>();
        while (xml.Read() && types.Count < MaxParts)
            if (xml.Attribute("ContentType") is { } type)
                types.Add(type);
        return types;
    }

    /// <summary>
    /// Whether a tree of objects can be made of the parts that marking needs: so many nodes at most, together.
    /// </summary>
    public static bool IsAtMost(Stream stream, int nodes)
    {
        var left = nodes;
        try
        {
            using var zip = Unpack(stream, "file");
            foreach (
                var entry in zip.Entries.Where(e =>
                    Path.GetExtension(e.FullName).ToLowerInvariant() is ".xml" or ".rels"
                )
            )
            {
                using var xml = new Reader(zip, entry.FullName, "file");
                while (xml.Read())
                    if (--left < 0)
                        return false;
            }
            return true;
        }
        catch (Exception e) when (e is RefusedException or XmlException or InvalidDataException)
        {
            return false; // a part beside the first sheet that nobody could read
        }
    }

    private static RefusedException Over(string what, string field) => Book.Over(what, field);

    private static ZipArchive Unpack(Stream stream, string field)
    {
        // How many parts it says it has, before they are listed: two bytes in the last record.
        var tail = new byte[(int)Math.Min(stream.Length, 65_557)];
        stream.Position = stream.Length - tail.Length;
        stream.ReadExactly(tail);
        stream.Position = 0;
        var end = tail.AsSpan().LastIndexOf("PK\x05\x06"u8);
        if (end < 0 || end + 12 > tail.Length)
            throw new InvalidDataException("no end of the archive");
        if (BitConverter.ToUInt16(tail, end + 10) > MaxParts)
            throw Over($"文件内部多于 {MaxParts} 个部分", field);
        var zip = new ZipArchive(stream, ZipArchiveMode.Read, leaveOpen: true);
        // What an entry says of its length is true or its reading fails; a part that unpacks to far more than it says
        // ends there.
        if (zip.Entries.Sum(e => e.Length) <= Table.MaxUnpackedBytes)
            return zip;
        zip.Dispose();
        throw Over($"文件解压后超过 {Table.MaxUnpackedBytes >> 20} MB", field);
    }

    /// <summary>
    /// The parts that a part (none: the package) refers to. Types by their last word: two editions of the standard
    /// differ in what is before.
    /// </summary>
    private static List<(string Id, string Type, string Path)> Parts(ZipArchive zip, string of, string field)
    {
        var slash = of.LastIndexOf('/') + 1;
        var (folder, name) = (of[..slash], $"{of[..slash]}_rels/{of[slash..]}.rels");
        var found = new List<(string, string, string)>();
        using var xml = new Reader(zip, name, field);
        while (xml.Read())
        {
            if (!xml.IsStartOf("Relationship") || xml.Attribute("Target") is not { } target)
                continue;
            var path = target.StartsWith('/') ? target[1..] : folder + target;
            while (path.IndexOf("/../", StringComparison.Ordinal) is > 0 and var up)
                path = path[..(path[..up].LastIndexOf('/') + 1)] + path[(up + 4)..];
            found.Add((xml.Attribute("Id") ?? "", (xml.Attribute("Type") ?? "").Split('/')[^1], path));
            if (found.Count > MaxParts)
                throw Over($"文件内部多于 {MaxParts} 个部分", field);
        }
        return found;
    }

    private static (List<(string Id, string Name, bool IsHidden)> Sheets, bool Is1904) Workbook(
        ZipArchive zip,
        string workbook,
        string field
    )
    {
        using var xml = new Reader(zip, workbook, field);
        var (sheets, is1904) = (new List<(string, string, bool)>(), false);
        while (xml.Read())
        {
            if (xml.IsStartOf("workbookPr"))
                is1904 = xml.Attribute("date1904") is "1" or "true" or "on";
            if (!xml.IsStartOf("sheet"))
                continue;
            var (name, isHidden) = (xml.Attribute("name") ?? "", xml.Attribute("state") is "hidden" or "veryHidden");
            if (xml.Reference is { } id)
                sheets.Add((id, name, isHidden));
            if (sheets.Count > MaxParts)
                throw Over($"工作簿多于 {MaxParts} 个工作表", field);
        }
        return (sheets, is1904);
    }

    private static List<SheetCell> SharedStrings(ZipArchive zip, string path, string field)
    {
        using var xml = new Reader(zip, path, field);
        var (strings, text) = (new List<SheetCell>(), new StringBuilder());
        while (xml.Read())
        {
            if (!xml.IsStartOf("si"))
                continue;
            if (strings.Count == MaxStrings)
                throw Over($"工作簿中的文本超过 {MaxStrings:N0} 条", field);
            text.Clear();
            var isStruck = false;
            foreach (var _ in xml.Inside())
                isStruck |= xml.ReadRun("t", text);
            strings.Add(new SheetCell(Unescaped(text.ToString()), isStruck ? CellKind.Struck : CellKind.Text));
        }
        return strings;
    }

    /// <summary>The styles that cells refer to, by their place.</summary>
    private static List<Style> StylesOf(ZipArchive zip, string path, string field)
    {
        using var xml = new Reader(zip, path, field);
        var (own, fonts, styles) = (new Dictionary<int, string?>(), new List<bool>(), new List<Style>());
        while (xml.Read())
        {
            if (xml.IsStartOf("numFmt") && Id("numFmtId") is { } defined)
                own[defined] = xml.Attribute("formatCode");
            if (xml.IsStartOf("fonts"))
                foreach (var _ in xml.Inside())
                    if (xml.IsStartOf("font"))
                        fonts.Add(false);
                    else if (xml.IsStartOf("strike") && fonts.Count > 0)
                        fonts[^1] = xml.IsSet;
            if (!xml.IsStartOf("cellXfs"))
                continue;
            foreach (var _ in xml.Inside())
                if (xml.IsStartOf("xf"))
                    styles.Add(
                        new Style(
                            Id("numFmtId") is not { } id ? null
                                : own.TryGetValue(id, out var code) ? code
                                : NumberFormats.OfId(id),
                            Id("fontId") is { } font && font < fonts.Count && fonts[font]
                        )
                    );
        }
        return styles;

        int? Id(string name) =>
            int.TryParse(xml.Attribute(name), NumberStyles.None, CultureInfo.InvariantCulture, out var id) ? id : null;
    }

    private static SheetCell Cell(string? type, string text, Lazy<List<SheetCell>> shared) =>
        type switch
        {
            "s" when text.Length == 0 => new SheetCell(""),
            "s" => shared.Value[int.Parse(text.Trim(), NumberStyles.None, CultureInfo.InvariantCulture)],
            "b" when text.Length > 0 => new SheetCell(text.Trim() is "1" or "true" ? "TRUE" : "FALSE", CellKind.Flag),
            "e" => new SheetCell(text.Trim(), CellKind.Error),
            null or "n" when text.Trim() is { Length: > 0 } number => SheetCell.Number(number),
            null or "n" => new SheetCell(""),
            _ => new SheetCell(Unescaped(text)),
        };

    /// <summary>What XML cannot hold stands as _x000D_.</summary>
    private static string Unescaped(string text) =>
        (
            text.Contains("_x", StringComparison.Ordinal)
                ? Escape().Replace(text, m => $"{(char)Convert.ToUInt16(m.Groups[1].Value, 16)}")
                : text
        ).Trim();

    [GeneratedRegex("_x([0-9A-Fa-f]{4})_")]
    private static partial Regex Escape();

    /// <summary>One part as XML, forward only, within the limits.</summary>
    private sealed class Reader : IDisposable
    {
        private readonly XmlReader _xml;
        private readonly string _field;
        private int _nodes,
            _text;

        public Reader(ZipArchive zip, string path, string field)
        {
            _field = field;
            var entry =
                zip.Entries.FirstOrDefault(e =>
                    string.Equals(e.FullName.Replace('\\', '/'), path, StringComparison.OrdinalIgnoreCase)
                ) ?? throw new InvalidDataException($"no part {path}");
            _xml = XmlReader.Create(
                new Runs(new StreamReader(entry.Open(), Encoding.UTF8), field),
                new XmlReaderSettings
                {
                    DtdProcessing = DtdProcessing.Prohibit,
                    XmlResolver = null,
                    IgnoreComments = true,
                    IgnoreProcessingInstructions = true,
                    NameTable = new Names(field),
                    CloseInput = true,
                }
            );
        }

        public bool Read()
        {
            if (!_xml.Read())
                return false;
            if (++_nodes > MaxNodes || _xml.Depth > MaxDepth)
                throw Over("工作簿内部过大或嵌套过深", _field);
            return true;
        }

        /// <summary>A step for each node within the present element.</summary>
        public IEnumerable<bool> Inside()
        {
            if (_xml.IsEmptyElement)
                yield break;
            for (var depth = _xml.Depth; Read() && _xml.Depth > depth; )
                yield return true;
        }

        /// <summary>Past the present element.</summary>
        public void Skip()
        {
            foreach (var _ in Inside()) { }
        }

        public bool IsStartOf(string name) => _xml.NodeType == XmlNodeType.Element && _xml.LocalName == name;

        public string? Attribute(string name) => _xml.GetAttribute(name);

        /// <summary>A property that is there is meant, unless it says that it is not.</summary>
        public bool IsSet => Attribute("val") is not ("0" or "false");

        /// <summary>The attribute <c>r:id</c>, in whichever edition's namespace.</summary>
        public string? Reference
        {
            get
            {
                for (var i = 0; i < _xml.AttributeCount; i++)
                {
                    _xml.MoveToAttribute(i);
                    if (_xml.LocalName == "id" && _xml.NamespaceURI.EndsWith("relationships", StringComparison.Ordinal))
                        return _xml.Value;
                }
                return null;
            }
        }

        /// <summary>The columns that the present <c>col</c> is about, as far as they are read.</summary>
        public IEnumerable<int> Columns()
        {
            var (from, to) = (Bound("min"), Bound("max"));
            return from is > 0 and <= Book.MaxColumns && to >= from
                ? Enumerable.Range(from - 1, Math.Min(to, Book.MaxColumns) - from + 1)
                : [];

            int Bound(string name) =>
                int.TryParse(Attribute(name), NumberStyles.None, CultureInfo.InvariantCulture, out var at) ? at : 0;
        }

        /// <summary>
        /// A node of a text that may be in runs: its text is added where the element is called so, how it is pronounced
        /// is passed over. True where it says that the run is struck through.
        /// </summary>
        public bool ReadRun(string name, StringBuilder text)
        {
            if (IsStartOf("rPh"))
                Skip();
            else if (IsStartOf(name))
                AppendText(text);
            else
                return IsStartOf("strike") && IsSet;
            return false;
        }

        /// <summary>Adds the text of the present element.</summary>
        private void AppendText(StringBuilder to)
        {
            foreach (var _ in Inside())
            {
                if (
                    _xml.NodeType
                    is not (XmlNodeType.Text or XmlNodeType.SignificantWhitespace or XmlNodeType.Whitespace)
                )
                    continue;
                var text = _xml.Value;
                if ((_text += text.Length) > MaxText)
                    throw Over($"工作簿中的文本超过 {MaxText / 1_000_000} 百万字", _field);
                to.Append(text);
            }
        }

        public void Dispose() => _xml.Dispose();
    }

    /// <summary>
    /// The reader of XML holds a tag or a text whole before anybody can look at it: so nothing longer than a cell may
    /// stand between two tags. Sections of character data, which may hold anything, nobody writes.
    /// </summary>
    private sealed class Runs(TextReader inner, string field) : TextReader
    {
        private int _run;
        private string _end = "";

        public override int Read(char[] buffer, int index, int count)
        {
            var read = inner.Read(buffer, index, count);
            ReadOnlySpan<char> span = buffer.AsSpan(index, Math.Max(0, read));
            var seam = string.Concat(_end, span[..Math.Min(2, span.Length)]);
            if (seam.Contains("<![", StringComparison.Ordinal) || span.Contains("<![", StringComparison.Ordinal))
                throw new InvalidDataException("a section of character data");
            _end = span[Math.Max(0, span.Length - 2)..].ToString();
            for (var at = 0; at < span.Length; )
            {
                var next = span[at..].IndexOf('<');
                _run += next < 0 ? span.Length - at : next;
                if (_run > MaxRun)
                    throw Over("工作簿中有一处文本过长", field);
                if (next < 0)
                    break;
                (_run, at) = (0, at + next + 1);
            }
            return read;
        }

        public override int Read()
        {
            var one = new char[1];
            return Read(one, 0, 1) == 1 ? one[0] : -1;
        }

        protected override void Dispose(bool disposing)
        {
            if (disposing)
                inner.Dispose();
            base.Dispose(disposing);
        }
    }

    /// <summary>Every name of an element or attribute is kept while a part is read: there are some hundreds.</summary>
    private sealed class Names(string field) : NameTable
    {
        private int _count;

        public override string Add(string array) => Get(array) ?? Counted(base.Add(array));

        public override string Add(char[] array, int start, int length) =>
            Get(array, start, length) ?? Counted(base.Add(array, start, length));

        private string Counted(string added) => ++_count > MaxNames ? throw Over("工作簿内部的名称过多", field) : added;
    }
}

/// <summary>How many workbooks are read at once: each may take a few hundred megabytes.</summary>
internal static class SheetTurns
{
    private const int AtOnce = 2,
        Waiting = 8;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private static readonly SemaphoreSlim Turns = new(AtOnce);
    private static int _waiting;

    /// <summary>One's turn, to be given back by disposing it; null when too many wait.</summary>
    public static async Task<IDisposable?> TakeAsync(CancellationToken cancellation)
    {
        try
        {
            if (Interlocked.Increment(ref _waiting) > Waiting)
                return null;
            return await Turns.WaitAsync(Patience, cancellation) ? new Turn() : null;
        }
        finally
        {
            Interlocked.Decrement(ref _waiting);
        }
    }

    private sealed class Turn : IDisposable
    {
        public void Dispose() => Turns.Release();
    }
}
