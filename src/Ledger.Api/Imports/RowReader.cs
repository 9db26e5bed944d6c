using System.Globalization;
using System.Text.RegularExpressions;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;

namespace Ledger.Api.Imports;

/// <summary>Reads the cells of one row; every fault is noted with row and column, and reading goes on.</summary>
public sealed partial class RowReader(Table table, SheetRow row, List<Fault> faults, RejectionCode code)
{
    public int Row => row.Number;

    /// <summary>False once this row has a fault.</summary>
    public bool IsSound { get; private set; } = true;

    public void Wrong(string column, string message, RejectionCode? other = null)
    {
        IsSound = false;
        faults.Add(new Fault((other ?? code).Code, message, Row: row.Number, Column: column));
    }

    private SheetCell Cell(string column) =>
        !table.Columns.TryGetValue(column, out var number)
            ? new SheetCell(table.Form.Given.GetValueOrDefault(column, ""))
        : !row.Cells.TryGetValue(number, out var cell) ? new SheetCell("")
        : table.WordOf(column, cell.Text) is { } word ? cell with { Text = word }
        : cell;

    public bool IsBlank(string column) => Cell(column).Text.Length == 0;

    /// <summary>The cell as somebody filled it in; null where it is no value at all, which is noted.</summary>
    private SheetCell? Filled(string column, bool mayBeDate = false)
    {
        var cell = Cell(column);
        if (cell.Kind == CellKind.Merged && table.Form.Columns.Any(c => c.Heading == column && c.FillsDown))
            return new SheetCell(cell.Text);
        var fault = cell.Kind switch
        {
            CellKind.Error =>
                $"单元格是错误值{(ErrorName().IsMatch(cell.Text) ? $" {cell.Text}" : "")}；请改正公式，或直接填写",
            CellKind.Flag => $"单元格是逻辑值 {cell.Text}，不是填写的内容",
            CellKind.Formula => "单元格是没有结果的公式；请在 Excel 或 WPS 中打开并保存，或粘贴为数值",
            CellKind.Struck => "单元格划了删除线；此行不算的请删去此行，算的请去掉删除线",
            CellKind.Date when !mayBeDate =>
                $"单元格是日期，显示为{PersonalNumbers.Quoted(cell.Shown ?? cell.Text)}；请把该列设为文本格式后重新填写",
            CellKind.Merged => $"单元格与第 {cell.Anchor} 行合并；请取消合并，每行各填各的",
            _ => null,
        };
        if (fault is null)
            return cell;
        Wrong(column, fault);
        return null;
    }

    /// <summary>As <see cref="Filled"/>, and not blank.</summary>
    private SheetCell? Required(string column, bool mayBeDate = false)
    {
        if (Filled(column, mayBeDate) is not { } cell)
            return null;
        if (cell.Text.Length > 0)
            return cell;
        Wrong(column, "不能为空");
        return null;
    }

    /// <summary>Something was mended: the cell, and how.</summary>
    private void Tell(string column, string what) => table.Tell(what, row.Number, column);

    /// <summary>Of a text that is too long nothing is looked at: there is no end to what somebody sends.</summary>
    public string Text(string column, int maxLength)
    {
        if (Required(column) is not { } cell)
            return "";
        var text = cell.Shown ?? cell.Text;
        if (text.Length > maxLength)
        {
            Wrong(column, $"最多 {maxLength} 字，现为 {text.Length} 字");
            return "";
        }
        if (text.Any(char.IsControl))
            Wrong(column, "含有换行或其他控制字符");
        return text;
    }

    public string? OptionalText(string column, int maxLength) => IsBlank(column) ? null : Text(column, maxLength);

    public string Name()
    {
        if (Required(Roster.NameColumn) is not { } cell)
            return "";
        var name = PersonName.Clean(cell.Text, out var fault, out var mended);
        if (fault is not null)
            Wrong(Roster.NameColumn, fault);
        else if (mended is not null)
            Tell(Roster.NameColumn, mended);
        return name;
    }

    /// <summary>A bank's reference in its own statement, which is compared and not stored.</summary>
    public string BankReference(string column, int maxLength) => Reference(column, maxLength, mayBePersonal: true);

    /// <summary>The number of a document: it goes into an event for ever, so it must not be somebody's.</summary>
    public string Reference(string column, int maxLength, bool mayBePersonal = false)
    {
        if (Required(column) is not { } cell)
            return "";
        if (cell.IsNumber)
        {
            Wrong(column, "编号被存成了数字，前面的零或末几位可能已丢失；请把该列设为文本格式后重新填写");
            return "";
        }
        var text = DocumentNumber.Clean(Text(column, maxLength), out var fault);
        if (fault is not null)
            Wrong(column, fault);
        else if (
            text.Length > 0
            && (text.All(c => c == '0') || (!mayBePersonal && !text.Any(char.IsAsciiLetterOrDigit)))
        )
            Wrong(column, $"{PersonalNumbers.Quoted(text)}不是编号；请填单据自己的编号");
        else if (EndsInLostDigits(text))
            Wrong(column, LostDigits("编号"));
        else if (!mayBePersonal && PersonalNumbers.InReference(text) is { } what)
            Wrong(column, $"不能用{what}作凭证号，请填单据自己的编号", Rejections.ReferenceIsPersonal);
        else if (text.Length > 0 && text != cell.Text)
            Tell(column, "编号中的空格、全角字符已改为通常的写法");
        return text;
    }

    /// <summary>A word that goes into an event, such as a villagers' group.</summary>
    public string? OptionalName(string column, int maxLength)
    {
        var text = OptionalText(column, maxLength);
        if (text is not null && PersonalNumbers.In(text) is { } what)
            Wrong(column, $"不能填{what}", Rejections.PersonalDataInText);
        return text;
    }

    /// <summary>
    /// A telephone or card number, or null where the cell is blank. Groups and full width are mended.
    /// </summary>
    public string? OptionalDigits(string column, int min, int max)
    {
        if (Filled(column) is not { Text.Length: > 0 } cell)
            return null;
        if (cell.HasLostDigits)
        {
            Wrong(column, "号码被存成了数字，末几位可能已丢失；请把该列设为文本格式后重新填写");
            return null;
        }
        var (text, shown) = (Digits(cell.Text), Digits(cell.Shown ?? cell.Text));
        // Noughts before a number are shown and not stored.
        if (shown.Length > text.Length && shown.All(char.IsAsciiDigit))
            text = shown;
        if (text.Length < min || text.Length > max || !text.All(char.IsAsciiDigit))
            Wrong(column, min == max ? $"应为 {min} 位数字" : $"应为 {min} 至 {max} 位数字");
        else if (EndsInLostDigits(text))
            Wrong(column, LostDigits("号码"));
        return text;
    }

    /// <summary>
    /// A spreadsheet keeps 15 digits and writes noughts for the rest, also where it saves them as text: three of them
    /// or more are no chance. What was typed into a form is what it is.
    /// </summary>
    private bool EndsInLostDigits(string text) =>
        !table.IsTyped && text.Length >= 18 && text.All(char.IsAsciiDigit) && text[15..].All(c => c == '0');

    private static string LostDigits(string what) =>
        $"{what}的第16位以后都是0，可能被表格截去了；请核对，把该列设为文本格式后重新填写";

    private static string Digits(string text) =>
        DocumentNumber.Clean(text, out _).Replace("-", "", StringComparison.Ordinal).TrimStart('\'');

    /// <summary>One of these words.</summary>
    public string OneOf(string column, params string[] words)
    {
        if (Required(column) is not { Text: var written })
            return "";
        // Spaces and what cannot be seen make no other word.
        var text = DocumentNumber.Clean(written, out _);
        if (!words.Contains(text))
            Wrong(
                column,
                table.CodesOf(column) is { } codes
                    ? $"{PersonalNumbers.Quoted(text)}不是接口格式中的代码；有"
                        + string.Join("、", codes.Select(c => $"{c.Key}（{c.Value}）"))
                    : $"应为{string.Join("或", words.Select(w => $"“{w}”"))}"
            );
        return text;
    }

    /// <summary>A whole number from 0 to <paramref name="max"/>, or null where the cell is empty.</summary>
    public int? OptionalWhole(string column, int max)
    {
        if (Filled(column) is not { Text.Length: > 0 } cell)
            return null;
        if (
            int.TryParse(
                DocumentNumber.Clean(cell.Text, out _),
                NumberStyles.None,
                CultureInfo.InvariantCulture,
                out var number
            )
            && number <= max
        )
            return number;
        Wrong(column, $"应为 0 至 {max} 的整数");
        return null;
    }

    /// <param name="today">Given where a person is registered: a birth date that cannot be is a fault then.</param>
    public CitizenId CitizenId(DateOnly? today = null)
    {
        if (Required(Roster.CitizenIdColumn) is not { } cell)
            return default;
        if (cell.IsNumber)
        {
            Wrong(Roster.CitizenIdColumn, "身份证号被存成了数字，末几位可能已丢失；请把该列设为文本格式后重新填写");
            return default;
        }
        var id = Domain.Identity.CitizenId.Parse(cell.Text, out var fault);
        if (fault is null && today is { } day)
            fault = id.BirthFault(day);
        if (fault is null && id.Value == table.Form.Columns.First(c => c.Heading == Roster.CitizenIdColumn).Example)
            fault = "这是模板示例的身份证号，请填本人的";
        if (fault is not null)
            Wrong(Roster.CitizenIdColumn, fault);
        else if (id.Value != cell.Text.ToUpperInvariant())
            Tell(Roster.CitizenIdColumn, "身份证号中的空格、全角等字符已改为通常的写法");
        return id;
    }

    public Money Amount(string column) => Required(column) is { } cell ? Amount(column, cell) : Money.Zero;

    public Money? OptionalAmount(string column) =>
        Filled(column) is { Text.Length: > 0 } cell ? Amount(column, cell) : null;

    /// <summary>As banks print it: nought or a dash for none.</summary>
    public Money? AmountOrNone(string column) =>
        Filled(column) is { Text.Length: > 0 } cell && !Nothing().IsMatch(cell.Text) ? Amount(column, cell) : null;

    private Money Amount(string column, SheetCell cell)
    {
        var amount = Money.Parse(cell.Text, out var fault);
        if (
            cell.Shown is { } shown
            && Money.Parse(shown, out var other) is var seen
            && (other is null || fault is null)
        )
            fault =
                seen == amount && other is null && fault is null
                    ? null
                    : $"单元格显示为{PersonalNumbers.Quoted(shown)}，实际存的是 {cell.Text}；请按实际金额重新填写，数字格式用“常规”";
        if (fault is not null)
            Wrong(column, fault, Rejections.AmountInvalid);
        return amount;
    }

    private static readonly string[] DateForms = ["yyyy-M-d", "yyyy/M/d", "yyyy.M.d", "yyyyMMdd", "yyyy年M月d日"];

    /// <summary>A date as people write it, with or without the time, or as a spreadsheet shows it.</summary>
    public DateOnly Date(string column, DateOnly today)
    {
        if (Required(column, mayBeDate: true) is not { } cell)
            return default;
        if (Written(cell) is not { } date)
            Wrong(column, "不是日期，应如 2026-03-15");
        else if (date > today)
            Wrong(column, "日期不能晚于今天");
        else if (date.Year < SchemeYears.First)
            Wrong(column, $"日期过早，请核对（{SchemeYears.First} 年以后）");
        else
        {
            if (cell.IsNumber && !cell.Text.StartsWith("20", StringComparison.Ordinal)) // 20260315 is none
                Tell(column, $"单元格显示的是数字 {cell.Shown ?? cell.Text}，按日期 {date:yyyy-MM-dd} 读取");
            return date;
        }
        return default;
    }

    private DateOnly? Written(SheetCell cell)
    {
        if (
            cell.IsNumber
            && double.TryParse(cell.Text, CultureInfo.InvariantCulture, out var serial)
            && serial is > 25_000 and < 80_000
        )
            return NumberFormats.Day(serial, table.Is1904) is { } day ? DateOnly.FromDateTime(day) : null;
        var text = TimeOfDay()
            .Replace(Domain.Identity.Written.Narrow(cell.Text).Trim(), "")
            .Replace(" ", "", StringComparison.Ordinal);
        return DateOnly.TryParseExact(text, DateForms, CultureInfo.InvariantCulture, DateTimeStyles.None, out var date)
            ? date
            : null;
    }

    [GeneratedRegex(
        @"(?<=[0-9日])(?:T|\s+|(?<=日))[0-9]{1,2}[:时][0-9]{1,2}(?:[:分][0-9]{1,2}(?:\.[0-9]+)?秒?|分)?Z?$"
    )]
    private static partial Regex TimeOfDay();

    [GeneratedRegex(@"^(?:[-－—–/\s]+|[¥￥]?0(?:\.0+)?元?)$")]
    private static partial Regex Nothing();

    [GeneratedRegex("^#[A-Z0-9/_]{1,20}[!?]?$")]
    private static partial Regex ErrorName();
}
