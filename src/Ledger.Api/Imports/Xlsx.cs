using System.Globalization;
using System.IO.Compression;
using System.Text;
using System.Xml;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>
/// Reads the first sheet of an .xlsx row by row as it unpacks, and counts while it does. A hundred kilobytes unpack to a hundred
/// megabytes, and a tree of objects made of those to gigabytes: so there is no tree, and each thing of which a file may hold
/// many has a limit.
/// </summary>
internal static class Xlsx
{
    /// <summary>
    /// A workbook has a dozen parts; a sheet of 50,000 rows and 13 columns has 650,000 cells, 2 million nodes and 10 million
    /// characters.
    /// </summary>
    private const int MaxParts = 1_000,
        MaxColumns = 256,
        MaxCells = 2_000_000,
        MaxStrings = 1_000_000,
        MaxText = 32_000_000;

    private const int MaxNodes = 16_000_000,
        MaxDepth = 64,
        MaxNames = 5_000;

    /// <summary>Between two tags: a cell holds 32,767 characters, each escaped with ten at most.</summary>
    private const int MaxRun = 400_000;

    /// <exception cref="RefusedException"><c>limit-exceeded</c>.</exception>
    /// <exception cref="InvalidDataException">It is no workbook.</exception>
    public static IEnumerable<SheetRow> Rows(Stream stream, string field)
    {
        using var zip = Open(stream, field);
        var workbook =
            Parts(zip, "", field).FirstOrDefault(p => p.Type == "officeDocument").Path
            ?? throw new InvalidDataException("no workbook");
        var parts = Parts(zip, workbook, field);
        var sheet = FirstSheet(zip, workbook, field) is { } id ? parts.FirstOrDefault(p => p.Id == id).Path : null;
        if (sheet is null)
            throw new RefusedException(new Rejection(Rejections.FileInvalid, "工作簿中没有工作表") { Field = field });
        var shared = parts.FirstOrDefault(p => p.Type == "sharedStrings").Path is { } strings
            ? SharedStrings(zip, strings, field)
            : [];
        using var xml = new Reader(zip, sheet, field);
        var (cells, text) = (0, new StringBuilder());
        while (xml.Read())
        {
            if (!xml.IsStartOf("row"))
                continue;
            var number = xml.Attribute("r");
            var row = new Dictionary<int, SheetCell>();
            foreach (var _ in xml.Inside())
            {
                if (!xml.IsStartOf("c"))
                    continue;
                if (++cells > MaxCells)
                    throw Over($"工作表超过 {MaxCells:N0} 个单元格（空的也算）", field);
                var (reference, type) = (xml.Attribute("r"), xml.Attribute("t"));
                text.Clear();
                // A formula beside the value is not read; runs of an inline string are one text.
                foreach (var __ in xml.Inside())
                    if (xml.IsStartOf(type == "inlineStr" ? "t" : "v"))
                        xml.AppendText(text);
                var cell = Cell(type, text.ToString(), shared);
                if (cell.Text.Length == 0 || reference is null)
                    continue;
                var column =
                    reference.TakeWhile(char.IsAsciiLetterUpper).Take(4).Count() > 3
                        ? MaxColumns
                        : Table.ColumnNumber(reference);
                if (column >= MaxColumns)
                    throw Over($"工作表超过 {MaxColumns} 列", field);
                row[column] = cell;
            }
            if (row.Count == 0)
                continue;
            if (number is null)
                throw new InvalidDataException("a row without a number");
            yield return new SheetRow(int.Parse(number, NumberStyles.None, CultureInfo.InvariantCulture), row);
        }
    }

    /// <summary>Whether a tree of objects can be made of the parts that marking needs: so many nodes at most, together.</summary>
    public static bool IsAtMost(Stream stream, int nodes)
    {
        var left = nodes;
        try
        {
            using var zip = Open(stream, "file");
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

    private static RefusedException Over(string what, string field) =>
        new(new Rejection(Rejections.LimitExceeded, what) { Field = field });

    private static ZipArchive Open(Stream stream, string field)
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
        // What an entry says of its length is true or its reading fails; a part that unpacks to far more than it says ends there.
        if (zip.Entries.Sum(e => e.Length) <= Table.MaxUnpackedBytes)
            return zip;
        zip.Dispose();
        throw Over($"文件解压后超过 {Table.MaxUnpackedBytes >> 20} MB", field);
    }

    /// <summary>
    /// The parts that a part (none: the package) refers to. Types by their last word: two editions of the standard differ in
    /// what is before.
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

    private static string? FirstSheet(ZipArchive zip, string workbook, string field)
    {
        using var xml = new Reader(zip, workbook, field);
        while (xml.Read())
            if (xml.IsStartOf("sheet"))
                return xml.Reference;
        return null;
    }

    private static List<string> SharedStrings(ZipArchive zip, string path, string field)
    {
        using var xml = new Reader(zip, path, field);
        var (strings, text) = (new List<string>(), new StringBuilder());
        while (xml.Read())
        {
            if (!xml.IsStartOf("si"))
                continue;
            if (strings.Count == MaxStrings)
                throw Over($"工作簿中的文本超过 {MaxStrings:N0} 条", field);
            text.Clear();
            foreach (var _ in xml.Inside())
                if (xml.IsStartOf("t"))
                    xml.AppendText(text);
            strings.Add(text.ToString());
        }
        return strings;
    }

    private static SheetCell Cell(string? type, string text, List<string> shared) =>
        type switch
        {
            "s" when text.Length == 0 => new SheetCell("", false),
            "s" => new SheetCell(
                shared[int.Parse(text, NumberStyles.None, CultureInfo.InvariantCulture)].Trim(),
                false
            ),
            null or "n" when text.Trim() is { Length: > 0 } number => new SheetCell(Table.ExcelDigits(number), true),
            null or "n" => new SheetCell("", false),
            _ => new SheetCell(text.Trim(), false),
        };

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
                zip.Entries.FirstOrDefault(e => string.Equals(e.FullName, path, StringComparison.OrdinalIgnoreCase))
                ?? throw new InvalidDataException($"no part {path}");
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

        public bool IsStartOf(string name) => _xml.NodeType == XmlNodeType.Element && _xml.LocalName == name;

        public string? Attribute(string name) => _xml.GetAttribute(name);

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

        /// <summary>Adds the text of the present element.</summary>
        public void AppendText(StringBuilder to)
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
    /// The reader of XML holds a tag or a text whole before anybody can look at it: so nothing longer than a cell may stand
    /// between two tags. Sections of character data, which may hold anything, nobody writes.
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
