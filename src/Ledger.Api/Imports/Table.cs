using System.Text.RegularExpressions;
using Ledger.Api.Commands;
using Ledger.Domain;
using Ledger.Domain.Identity;

namespace Ledger.Api.Imports;

/// <summary>The form's headings with their column numbers, the last heading row, and how days are counted.</summary>
public sealed record SheetLayout(IReadOnlyDictionary<string, int> Columns, int HeadingRow, bool Is1904);

/// <summary>
/// The sheet of an upload that has the form's headings, as rows of cells. A printed sheet's look is no data: titles,
/// two heading rows, totals, signatures, headings repeated on each page. Whatever is not read is told
/// (<see cref="Notes"/>). Limits: 20 MB as sent, 128 MB unpacked, 256 columns, two million cells, the form's number of
/// rows.
/// </summary>
public sealed partial class Table
{
    public const long MaxBytes = 20 * 1024 * 1024,
        MaxUnpackedBytes = 128 * 1024 * 1024;
    public const int HeadingSearchRows = 20;

    /// <summary>Rows beside the data: titles, totals and headings of every page.</summary>
    private const int MaxOtherRows = 5_000;
    private const int MaxNotes = 200,
        MaxSheets = 50;
    private readonly List<Note> _notes = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _codes;

    private Table(SheetForm form, IReadOnlyDictionary<string, int> columns, int headingRow, bool is1904) =>
        (Form, Columns, HeadingRow, Is1904, _codes) = (
            form,
            columns,
            headingRow,
            is1904,
            form.Columns.Where(c => c.Codes is not null).ToDictionary(c => c.Heading, c => c.Codes!)
        );

    /// <summary>
    /// One row as somebody typed it into a page's form, in the order of the form's columns: read as a table's row is.
    /// </summary>
    public static Table Typed(SheetForm form, params string?[] values) => Typed(form, [values]);

    /// <summary>As many rows as a request's body has.</summary>
    public static Table Typed(SheetForm form, IReadOnlyList<string?[]> rows) =>
        new(form, form.Columns.Select((c, i) => (c.Heading, i)).ToDictionary(), headingRow: 0, is1904: false)
        {
            Rows =
            [
                .. rows.Select(
                    (values, at) =>
                        new SheetRow(
                            at + 1,
                            values
                                .Select((v, i) => (i, Text: v?.Trim() ?? ""))
                                .Where(v => v.Text.Length > 0)
                                .ToDictionary(v => v.i, v => new SheetCell(v.Text))
                        )
                ),
            ],
        };

    /// <summary>Where its columns stand, without the rows.</summary>
    public SheetLayout Layout => new(Columns, HeadingRow, Is1904);

    /// <summary>Some rows of a table that was read before.</summary>
    public static Table Part(SheetForm form, SheetLayout layout, IReadOnlyList<SheetRow> rows) =>
        new(form, layout.Columns, layout.HeadingRow, layout.Is1904) { Rows = rows };

    /// <summary>The same with its rows numbered as in the file that they were taken from.</summary>
    public Table Numbered(Func<int, int> inFile)
    {
        Rows = [.. Rows.Select(r => r with { Number = inFile(r.Number) })];
        for (var i = 0; i < _notes.Count; i++)
            if (_notes[i].Row is { } row)
                _notes[i] = _notes[i] with { Row = inFile(row) };
        return this;
    }

    public SheetForm Form { get; }

    /// <summary>The form's headings found, with their column numbers.</summary>
    public IReadOnlyDictionary<string, int> Columns { get; }

    /// <summary>The last one, where there are two.</summary>
    public int HeadingRow { get; }
    public bool Is1904 { get; }

    /// <summary>From a page's form, not from a file.</summary>
    public bool IsTyped => HeadingRow == 0;

    /// <summary>The rows below the heading that somebody filled in.</summary>
    public IReadOnlyList<SheetRow> Rows { get; private set; } = [];

    /// <summary>What was not read and what was mended, for whoever sent it.</summary>
    public IReadOnlyList<Note> Notes =>
        _notes.Count <= MaxNotes
            ? _notes
            : [.. _notes.Take(MaxNotes), new Note($"另有 {_notes.Count - MaxNotes} 条说明没有列出")];

    /// <summary>The notes of a row that was typed into a form: it has no number.</summary>
    public IReadOnlyList<Note> OfForm() => [.. Notes.Select(n => n with { Row = null })];

    public void Tell(string message, int? row = null, string? column = null) =>
        _notes.Add(new Note(message, row, column));

    /// <exception cref="RefusedException"><c>file-invalid</c> (unreadable, columns missing, no rows),
    /// <c>limit-exceeded</c>.</exception>
    public static Table Read(IFormFile? file, SheetForm form)
    {
        if (file is null || file.Length == 0)
            throw Book.Unreadable("没有收到文件，或文件是空的", "file");
        if (file.Length > MaxBytes)
            throw Book.Over($"文件最大 {MaxBytes >> 20} MB", file.Name);
        using var stream = file.OpenReadStream();
        using var book = Book.Open(stream, file.Name, form);
        if (Found(book, form) is not { } found)
            throw NoHeadings(book, form, file.Name);
        var (sheet, content, headings) = found;
        if (headings.Missing(form) is { Count: > 0 } missing)
            throw Lacking(missing, headings, form, file.Name);
        if (headings.Twice(content) is { } twice)
            throw Book.Unreadable(
                $"表头“{twice.Heading}”出现两次（{ColumnName(twice.First)} 列和 {ColumnName(twice.Second)} 列）；"
                    + "两份名单并排的，请改成上下排列，每行一人；其中一列是别人的（如户主）或另一项的，请改用别的表头",
                file.Name
            );
        if (OtherUnit(content, headings) is { } unit)
            throw Book.Unreadable(
                $"第 {unit.Row} 行写着{Quoted(unit.Text)}；金额一律以元为单位，请换算成元并改掉这一行后再上传",
                file.Name
            );
        var table = new Table(form, headings.Columns, headings.Last.Number, book.Is1904);
        if (form.Profile is { } profile)
            table.Tell($"按接口格式“{profile}”读取");
        table.TellSheets(book, sheet);
        table.Rows = table.Data(content, headings, file.Name);
        if (table.Rows.Count == 0)
            throw Book.Unreadable("表头下没有数据", file.Name);
        if (table.Rows.Count > form.MaxRows)
            throw Book.Over($"{form.Title}一次最多 {form.MaxRows} 行", file.Name);
        table.TellColumns(content, headings);
        return table;
    }

    /// <summary>The first visible sheet with all headings, else the first with some.</summary>
    internal static (BookSheet Sheet, SheetContent Content, Headings Headings)? Found(Book book, SheetForm form)
    {
        (BookSheet, SheetContent, Headings)? some = null;
        foreach (var sheet in book.Sheets.Where(s => !s.IsHidden).Take(MaxSheets))
        {
            var content = sheet.Read(form.MaxRows + MaxOtherRows).WithMerges(HeadingSearchRows);
            if (Headings.Find(content.Rows, form) is not { } headings)
                continue;
            if (headings.Missing(form).Count == 0)
                return (sheet, content, headings);
            some ??= (sheet, content, headings);
        }
        return some;
    }

    /// <summary>A unit of amounts, above the headings, that is not the yuan: 0.12 below it is not twelve fen.</summary>
    private static (int Row, string Text)? OtherUnit(SheetContent content, Headings headings) =>
        content
            .Rows.TakeWhile(r => r.Number < headings.First.Number)
            .SelectMany(r => r.Cells.Values.Select(c => (r.Number, c.Text)))
            .Where(c => Unit().IsMatch(Headings.Normal(c.Text)))
            .Select(c => ((int, string)?)c)
            .FirstOrDefault();

    private static RefusedException NoHeadings(Book book, SheetForm form, string field)
    {
        var names = string.Join("、", form.Columns.Where(c => c.Required).Select(c => c.Title));
        var hidden = book
            .Sheets.Where(s => s.IsHidden)
            .Take(MaxSheets)
            .Any(s => Headings.Find(s.Read(HeadingSearchRows).Rows, form) is not null);
        return Book.Unreadable(
            $"前 {HeadingSearchRows} 行内没有找到表头（{names}）"
                + (hidden ? "；有表头的工作表是隐藏的，不读取，请先取消隐藏" : ""),
            field
        );
    }

    private static RefusedException Lacking(
        IReadOnlyList<Column> missing,
        Headings headings,
        SheetForm form,
        string field
    )
    {
        var mend = form.Profile is null ? "请按模板改表头" : $"请核对接口格式“{form.Profile}”";
        var unknown = headings.Unread().Select(u => Quoted(u.Text)).Take(10).ToList();
        return new RefusedException(
            new Rejection(
                Rejections.FileInvalid,
                $"缺少列：{string.Join("、", missing.Select(c => c.Title))}"
                    + (unknown.Count > 0 ? $"；没有认出的列：{string.Join("、", unknown)}，{mend}" : "")
            )
            {
                Field = field,
                Faults =
                [
                    .. missing.Select(c => new Fault(
                        Rejections.FileInvalid.Code,
                        "缺少此列",
                        Row: headings.Last.Number,
                        Column: c.Title
                    )),
                ],
            }
        );
    }

    private void TellSheets(Book book, BookSheet read)
    {
        var name = Quoted(read.Name);
        foreach (var other in book.Sheets.Where(s => s != read).Take(MaxSheets))
        {
            var rows = other.Read(HeadingSearchRows).Rows;
            if (rows.Count == 0)
                continue;
            Tell(
                other.IsHidden ? $"只读取了工作表{name}；{Quoted(other.Name)}是隐藏的，没有读取"
                : Headings.Find(rows, Form) is not null
                    ? $"只读取了工作表{name}；{Quoted(other.Name)}也有同样的表头，没有读取，请并到一张表后再上传，或分开上传"
                : $"只读取了工作表{name}；{Quoted(other.Name)}没有表头，没有读取"
            );
        }
    }

    private List<SheetRow> Data(SheetContent content, Headings headings, string field)
    {
        var titles = content
            .Rows.TakeWhile(r => r.Number < headings.First.Number)
            .SelectMany(r => r.Cells.Values.Select(c => c.Text))
            .ToHashSet();
        var (data, numbered, blank) = (new List<SheetRow>(), new List<int>(), new List<int>());
        foreach (var row in content.Rows.Where(r => r.Number > HeadingRow))
        {
            if (Columns.Values.All(c => row.Own(c).Length == 0))
            {
                var filled = row.Cells.Values.Where(c => c.Kind != CellKind.Merged).ToList();
                if (filled is [var only] && Count().IsMatch(Headings.Normal(only.Text)))
                    numbered.Add(row.Number);
                else if (filled.Count > 0)
                    blank.Add(row.Number);
            }
            else if (data.Count == 0 && IsLabels(row))
                Tell("没有读取这一行：栏次", row.Number);
            else if (headings.IsRepeated(row))
                Tell("没有读取这一行：重复的表头", row.Number);
            else if (Headings.CountIn(row, Form) >= 2)
                throw Book.Unreadable(
                    $"第 {row.Number} 行又是一个表头，各列的位置与上面的不同；请分成两个表上传",
                    field
                );
            else if (FooterWord(row) is { } word)
                Tell($"没有读取这一行：表尾（{word}）", row.Number);
            else if (row.Cells.Count == 1 && titles.Contains(row.Cells.Values.First().Text))
                Tell("没有读取这一行：重复的标题", row.Number);
            else if (IsExample(row))
                Tell("没有读取这一行：这是模板的示例", row.Number);
            else if (row.Fields > headings.Fields && row.Cells.Keys.Max() >= headings.Fields)
                throw Book.Unreadable(
                    $"第 {row.Number} 行有 {row.Fields} 格，表头只有 {headings.Fields} 格：内容里可能有没加引号的逗号，"
                        + "其后各列会错位；请在 Excel 或 WPS 中改正后另存为 .xlsx",
                    field
                );
            else
                data.Add(row);
        }
        foreach (var (first, last) in Runs(blank))
            Tell(
                first == last
                    ? "没有读取这一行：要读取的列都是空的"
                    : $"没有读取第 {first} 至 {last} 行：要读取的列都是空的",
                first
            );
        if (numbered.Count > 0)
            Tell($"有 {numbered.Count} 行只有序号，没有读取（第一行是第 {numbered[0]} 行）");
        if (content.Rows.Count == Form.MaxRows + MaxOtherRows)
            throw Book.Over($"{Form.Title}一次最多 {Form.MaxRows} 行", field);
        data = Meant(data, field);
        if (data.Count(r => r.IsHidden) is > 0 and var hidden)
            Tell($"有 {hidden} 行在表格中是隐藏的，同样读取了（第一行是第 {data.First(r => r.IsHidden).Number} 行）");
        if (content.IsRenumbered)
            Tell("文件中有行号重复，各行按先后顺序编号");
        return data;
    }

    /// <summary>Without rows that are of something else: of another year, of no collective subsidy.</summary>
    private List<SheetRow> Meant(List<SheetRow> data, string field)
    {
        foreach (var column in Form.Columns.Where(c => c.Only is not null))
        {
            var others = data.Where(r =>
                    Domain.DocumentNumber.Clean(r.Own(Columns[column.Heading]), out _) != column.Only
                )
                .ToList();
            if (others.Count == 0)
                continue;
            if (others.Count == data.Count)
                throw Book.Unreadable($"没有一行的 {column.Title} 是 {column.Only}，没有可读取的内容", field);
            Tell(
                $"有 {others.Count} 行没有读取：{column.Title} 不是 {column.Only}（第一行是第 {others[0].Number} 行）",
                others[0].Number,
                column.Title
            );
            data = [.. data.Except(others)];
        }
        return data;
    }

    /// <summary>What a column's codes stand for; null where it has none.</summary>
    public IReadOnlyDictionary<string, string>? CodesOf(string heading) => _codes.GetValueOrDefault(heading);

    /// <summary>The word behind a code; null where the cell says it itself.</summary>
    public string? WordOf(string heading, string text) =>
        _codes.TryGetValue(heading, out var codes)
            ? codes.GetValueOrDefault(Domain.DocumentNumber.Clean(text, out _))
            : null;

    /// <summary>The faults of what was typed, or came as JSON, as those of the body's fields.</summary>
    public IReadOnlyList<Fault> Told(IReadOnlyList<Fault> faults) =>
        !IsTyped || Form.List is null
            ? faults
            :
            [
                .. faults.Select(f =>
                    f with
                    {
                        Field = $"{Form.List}[{f.Row - 1}].{Form.FieldOf(f.Column ?? Form.Key)}",
                    }
                ),
            ];

    /// <summary>Numbers that follow each other, as their first and last.</summary>
    private static List<(int First, int Last)> Runs(List<int> numbers)
    {
        var runs = new List<(int First, int Last)>();
        foreach (var number in numbers)
            if (runs.Count > 0 && runs[^1].Last == number - 1)
                runs[^1] = (runs[^1].First, number);
            else
                runs.Add((number, number));
        return runs;
    }

    private void TellColumns(SheetContent content, Headings headings)
    {
        foreach (var (heading, column) in Columns.Where(c => content.Hidden?.Contains(c.Value) == true))
            Tell($"{ColumnName(column)} 列“{heading}”在表格中是隐藏的，同样读取了", headings.Last.Number, heading);
        foreach (var (heading, text) in headings.Aliases)
            Tell($"列{Quoted(text)}按“{heading}”读取", headings.Last.Number, heading);
        var filled = Rows.SelectMany(r => r.Cells.Where(c => c.Value.Kind != CellKind.Merged).Select(c => c.Key))
            .ToHashSet();
        var named = headings.Unread().ToDictionary(u => u.Column, u => u.Text);
        var unread = filled.Except(Columns.Values).Order().ToList();
        foreach (var column in unread.Take(20))
            Tell(
                named.TryGetValue(column, out var text)
                    ? $"没有读取 {ColumnName(column)} 列{Quoted(text)}"
                    : $"没有读取 {ColumnName(column)} 列：它没有表头"
            );
        if (unread.Count > 20)
            Tell($"另有 {unread.Count - 20} 列没有读取");
        if (content.IsWider)
            Tell($"没有读取 {ColumnName(Book.MaxColumns - 1)} 列以右的内容");
    }

    /// <summary>
    /// A row that ends a sheet: the first word of it, where the column that every data row has is blank or counts.
    /// </summary>
    private string? FooterWord(SheetRow row)
    {
        var first = row
            .Cells.OrderBy(c => c.Key)
            .Select(c => Headings.Normal(c.Value.Text))
            .FirstOrDefault(t => !IsCount(t));
        var key = Headings.Normal(row.Own(Columns[Form.Key]));
        var word = first is null ? null : Footer().Match(first);
        return word is { Success: true } && (key.Length == 0 || IsCount(key) || Footer().IsMatch(key))
            ? word.Value
            : null;

        static bool IsCount(string text) => Count().IsMatch(text);
    }

    /// <summary>What forms have below their headings: 甲 乙 1 2, or 栏次.</summary>
    private bool IsLabels(SheetRow row) =>
        Columns.Values.Select(row.Own).Where(t => t.Length > 0).ToList() is { Count: >= 2 } own
        && own.All(t => Label().IsMatch(Headings.Normal(t)));

    private bool IsExample(SheetRow row) =>
        Form
            .Columns.Where(c => c.Heading == Form.Key || c == Form.Columns[0])
            .All(c => row.Own(Columns[c.Heading]) == c.Example);

    internal static string ColumnName(int column) =>
        column < 26 ? $"{(char)('A' + column)}" : ColumnName(column / 26 - 1) + (char)('A' + column % 26);

    /// <summary>A heading or the name of a sheet as an answer repeats it.</summary>
    private static string Quoted(string text) => PersonalNumbers.Quoted(text.Length > 30 ? text[..30] + "…" : text);

    [GeneratedRegex(
        "^(?:本页|本组|本村|全村|全部|以上|本年|(?:第?[0-9一二三四五六七八九十]+(?:组|小组|队|页)|村民小组))?"
            + "(?:人数|金额)?(?:合计|小计|总计|共计|累计)|^.{1,20}汇总$|^[-—–]*以下空白|^总人数|^结转下年|^[0-9]+、"
            + "|^(?:公示|监督|举报)(?:时间|日期|电话|期)|^(?:填表|填报|编制)?说明[:]"
            + "|^(?:制表|填表|填报|制单|编制|审核|复核|经办|负责|单位负责|主管|会计|出纳|录入|村委会|村民委员会|村民代表"
            + "|理事长|盖章|公章|签字|签章|联系)(?:人|员|单位|日期|时间|电话|\\(?(?:签字|签名|签章|盖章|公章)\\)?)*(?:[:]|$)"
            + "|^(?:注|备注|说明|日期|单位|电话)[:]|^(?:借方|贷方)(?:累计)?发生额"
            + "|^(?:期初|期末|承前|过次|上年结转|本月合计)|^第[0-9]+页|^共[0-9]+[页人笔户行]|^(?:打印|导出)(?:时间|日期|人)"
    )]
    private static partial Regex Footer();

    [GeneratedRegex("单位[:]?(?:人民币)?(?:[百千万亿]+元|角|分|美元|港元|港币)\\)?$")]
    private static partial Regex Unit();

    [GeneratedRegex("^(?:\\(?[0-9]{1,2}\\)?|[甲乙丙丁戊己庚辛壬癸]|[A-Z]|栏次)$")]
    private static partial Regex Label();

    /// <summary>A number of people or a sum, or a dash that stands for none.</summary>
    [GeneratedRegex("^(?:[0-9.,]+[人笔户行页元]?|[-—–/]+)$")]
    private static partial Regex Count();
}
