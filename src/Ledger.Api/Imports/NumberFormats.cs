using System.Globalization;
using ExcelNumberFormat;

namespace Ledger.Api.Imports;

/// <summary>
/// How a spreadsheet shows its numbers (ECMA-376, 18.8.30), by ExcelNumberFormat: whoever made the sheet sees
/// <c>300.00</c> where 299.996 stands, <c>50%</c> where 0.5 does, a day where a number does.
/// </summary>
internal sealed class NumberFormats(bool is1904 = false)
{
    /// <summary>What Excel lets a format be.</summary>
    private const int MaxCode = 255;
    private const string ShortDate = "yyyy/m/d",
        Time = "h:mm:ss";

    /// <summary>Formats that stand in no file, as Excel has them in Chinese; 0 and 49 show a number as it is.</summary>
    private static readonly Dictionary<int, string> BuiltIn = new()
    {
        [1] = "0",
        [2] = "0.00",
        [3] = "#,##0",
        [4] = "#,##0.00",
        [9] = "0%",
        [10] = "0.00%",
        [11] = "0.00E+00",
        [12] = "# ?/?",
        [13] = "# ??/??",
        [14] = ShortDate,
        [22] = "yyyy/m/d h:mm",
        [37] = "#,##0_);(#,##0)",
        [38] = "#,##0_);(#,##0)",
        [39] = "#,##0.00_);(#,##0.00)",
        [40] = "#,##0.00_);(#,##0.00)",
        [41] = "#,##0",
        [42] = "￥#,##0",
        [43] = "#,##0.00",
        [44] = "￥#,##0.00",
        [48] = "##0.0E+0",
    };

    private readonly Dictionary<string, NumberFormat?> _parsed = [];

    public static string? OfId(int id) =>
        id switch
        {
            15 or 16 or 17 or >= 27 and <= 31 or 36 or >= 50 and <= 58 => ShortDate,
            >= 18 and <= 21 or >= 32 and <= 35 or >= 45 and <= 47 => Time,
            _ => BuiltIn.GetValueOrDefault(id),
        };

    /// <summary>
    /// A number with its format: a day where it is shown as one, else what is shown where that is something else.
    /// </summary>
    public SheetCell Shown(SheetCell number, string? code)
    {
        if (
            !number.IsNumber
            || Parsed(code) is not { } format
            || !double.TryParse(number.Text, CultureInfo.InvariantCulture, out var value)
        )
            return number;
        if (format.IsDateTimeFormat && Day(value, is1904) is { } at)
            return Day(at, code);
        var shown = format.Format(value, CultureInfo.InvariantCulture).Trim();
        return shown == number.Text ? number : number with { Shown = shown };
    }

    public SheetCell Day(DateTime at, string? code) =>
        new(
            at.ToString("yyyy-MM-dd HH:mm:ss", CultureInfo.InvariantCulture),
            CellKind.Date,
            Shown: Parsed(code)?.Format(at, CultureInfo.InvariantCulture).Trim()
        );

    private NumberFormat? Parsed(string? code)
    {
        if (code is null or "@" or { Length: > MaxCode } || code.Equals("General", StringComparison.OrdinalIgnoreCase))
            return null;
        if (!_parsed.TryGetValue(code, out var format))
            _parsed[code] = format = new NumberFormat(code) is { IsValid: true } valid ? valid : null;
        return format;
    }

    /// <summary>
    /// Null where a spreadsheet shows no day: before 1900-03-01, which Excel counts wrongly, or after 9999.
    /// </summary>
    public static DateTime? Day(double serial, bool is1904)
    {
        var days = is1904 ? serial + 1462 : serial;
        return days is >= 61 and < 2_958_466 ? DateTime.FromOADate(Math.Round(days * 86_400) / 86_400) : null;
    }
}
