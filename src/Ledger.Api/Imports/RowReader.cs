using System.Globalization;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;

namespace Ledger.Api.Imports;

/// <summary>Reads the cells of one row; every fault is noted with row and column, and reading goes on.</summary>
public sealed class RowReader(Table table, SheetRow row, List<Fault> faults, RejectionCode code)
{
    public int Row => row.Number;

    /// <summary>False once this row has a fault.</summary>
    public bool IsSound { get; private set; } = true;

    public void Wrong(string column, string message, RejectionCode? other = null)
    {
        IsSound = false;
        faults.Add(new Fault((other ?? code).Code, message, Row: row.Number, Column: column));
    }

    public SheetCell Cell(string column) =>
        table.Columns.TryGetValue(column, out var number) && row.Cells.TryGetValue(number, out var cell)
            ? cell
            : new SheetCell("", false);

    public string Text(string column, int maxLength)
    {
        var text = Cell(column).Text;
        if (text.Length == 0)
            Wrong(column, "不能为空");
        else if (text.Length > maxLength)
            Wrong(column, $"最多 {maxLength} 字");
        else if (text.Any(char.IsControl))
            Wrong(column, "含有不可用的控制字符");
        return text;
    }

    /// <summary>The number of a document: it goes into an event for ever, so it must not be somebody's.</summary>
    public string Reference(string column, int maxLength)
    {
        var text = Text(column, maxLength);
        if (PersonalNumbers.InReference(text) is { } what)
            Wrong(column, $"不能用{what}作凭证号，请填单据自己的编号", Rejections.ReferenceIsPersonal);
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

    public string? OptionalText(string column, int maxLength) =>
        Cell(column).Text.Length == 0 ? null : Text(column, maxLength);

    /// <summary>A whole number from 0 to <paramref name="max"/>, or null where the cell is empty.</summary>
    public int? OptionalWhole(string column, int max)
    {
        var text = Cell(column).Text;
        if (text.Length == 0)
            return null;
        if (int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) && number <= max)
            return number;
        Wrong(column, $"应为 0 至 {max} 的整数");
        return null;
    }

    /// <param name="today">Given where a person is registered: a birth date that cannot be is a fault then.</param>
    public CitizenId CitizenId(DateOnly? today = null)
    {
        var cell = Cell(Roster.CitizenIdColumn);
        if (cell.Text.Length == 0)
        {
            Wrong(Roster.CitizenIdColumn, "不能为空");
            return default;
        }
        if (cell.IsNumber)
        {
            Wrong(Roster.CitizenIdColumn, "身份证号被存成了数字，末几位可能已丢失；请把该列设为文本格式后重新填写");
            return default;
        }
        var id = Domain.Identity.CitizenId.Parse(cell.Text, out var fault);
        if (fault is null && today is { } day)
            fault = id.BirthFault(day);
        if (fault is not null)
            Wrong(Roster.CitizenIdColumn, fault);
        return id;
    }

    public Money Amount(string column)
    {
        var amount = Money.Parse(Cell(column).Text, out var fault);
        if (fault is not null)
            Wrong(column, Cell(column).Text.Length == 0 ? "不能为空" : fault, Rejections.AmountInvalid);
        return amount;
    }

    public Money? OptionalAmount(string column) => Cell(column).Text.Length == 0 ? null : Amount(column);

    private static readonly string[] DateForms = ["yyyy-M-d", "yyyy/M/d", "yyyy.M.d", "yyyyMMdd", "yyyy年M月d日"];

    /// <summary>A date as people write it, or Excel's day number.</summary>
    public DateOnly Date(string column, DateOnly today)
    {
        var cell = Cell(column);
        var date = default(DateOnly);
        var read =
            cell.IsNumber && int.TryParse(cell.Text, out var serial) && serial is > 30_000 and < 80_000
                ? (date = new DateOnly(1899, 12, 30).AddDays(serial)) != default
                : DateOnly.TryParseExact(
                    cell.Text,
                    DateForms,
                    CultureInfo.InvariantCulture,
                    DateTimeStyles.None,
                    out date
                );
        if (!read)
            Wrong(column, cell.Text.Length == 0 ? "不能为空" : "不是日期，应如 2026-03-15");
        else if (date > today)
            Wrong(column, "日期不能晚于今天");
        return date;
    }
}
