using System.Globalization;
using Ledger.Domain;

namespace Ledger.Web;

/// <summary>Amounts, dates and times as people in China read them.</summary>
public static partial class Format
{
    /// <summary>What a browser offers to choose from where evidence is asked for, and where a list is.</summary>
    public const string EvidenceFiles = ".pdf,.ofd,.png,.jpg,.jpeg,.tif,.tiff,.heic",
        TableFiles = ".xlsx,.xlsm,.xls,.csv,.txt";

    /// <summary>Thousands separated, two decimals: 12,345.60.</summary>
    public static string Yuan(Money amount) => amount.Yuan.ToString("#,##0.00", CultureInfo.InvariantCulture);

    /// <summary>As <see cref="Yuan"/>, nothing for zero: for columns that are mostly empty.</summary>
    public static string YuanOrBlank(Money amount) => amount == Money.Zero ? "" : Yuan(amount);

    /// <summary>Which row of the rules it is: for whoever looks that up, not for whoever has to act.</summary>
    public static string WithoutRule(string text) => Rule().Replace(text, "");

    [System.Text.RegularExpressions.GeneratedRegex(@" \((?:[CL]\d+ ?)+\)$")]
    private static partial System.Text.RegularExpressions.Regex Rule();

    public static string Date(DateOnly date) => date.ToString("yyyy-MM-dd", CultureInfo.InvariantCulture);

    /// <summary>The instant on a clock in China, to the minute.</summary>
    public static string Time(DateTimeOffset at) =>
        Clock.China(at).ToString("yyyy-MM-dd HH:mm", CultureInfo.InvariantCulture);

    /// <summary>Which fen these are, counted from one, the last included.</summary>
    public static string Fen(string words, Ledger.Domain.FenInterval fen) =>
        string.Format(CultureInfo.InvariantCulture, words, fen.From + 1, fen.To);

    public static string Percent(decimal value) => value.ToString("0.##", CultureInfo.InvariantCulture) + "%";
}
