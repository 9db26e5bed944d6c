using System.Globalization;
using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.RegularExpressions;
using Ledger.Domain.Identity;

namespace Ledger.Domain;

/// <summary>
/// An amount of money (金额) in whole fen (分), CNY only. Never floating point; arithmetic overflows loudly.
/// In stored events it is an integer of fen; at the edge (JSON, spreadsheets) it is yuan with at most two decimals.
/// </summary>
[JsonConverter(typeof(FenJsonConverter))]
public readonly partial record struct Money(long Fen) : IComparable<Money>
{
    /// <summary>
    /// The largest amount one entry may carry: 1,000,000,000,000 yuan. It keeps every sum of a province far below
    /// <see cref="long.MaxValue"/>.
    /// </summary>
    public const long MaxEntryFen = 100_000_000_000_000;

    public static readonly Money Zero = new(0);

    public bool IsPositive => Fen > 0;
    public decimal Yuan => Fen / 100m;

    /// <summary>
    /// Reads an amount in yuan. The fault is null when it is a positive amount of at most two decimals and not above
    /// <see cref="MaxEntryFen"/>; otherwise it says in Chinese what is wrong (code <c>amount-invalid</c>).
    /// </summary>
    public static Money FromYuan(decimal yuan, out string? fault)
    {
        fault = yuan switch
        {
            <= 0 => "金额必须大于零",
            > MaxEntryFen / 100m => $"金额超过单笔上限 {new Money(MaxEntryFen)} 元",
            _ when decimal.Round(yuan, MostDecimals) != yuan => TooFine,
            _ => null,
        };
        return fault is null ? new Money((long)(yuan * 100)) : Zero;
    }

    /// <summary>
    /// Reads an amount in yuan as people write it: <c>1,200.50</c>, <c>￥300</c>, <c>300元</c>, full width. A comma
    /// stands between groups of three and nowhere else: <c>300,50</c> may be three hundred and a half, so it is a
    /// fault; faults as <see cref="FromYuan"/>.
    /// </summary>
    public static Money Parse(string text, out string? fault)
    {
        if (Number(text) is { } yuan)
            return FromYuan(yuan, out fault);
        if (Amount().IsMatch(Bare(text)))
        {
            fault = TooFine;
            return Zero;
        }
        fault = $"{PersonalNumbers.Quoted(text)}不是金额（元）{Why(Bare(text))}，应为如 300 或 1,300.50 的数字";
        return Zero;
    }

    /// <summary>As <see cref="Parse"/>, of what is asked about and not booked: it may be nought or less.</summary>
    public static Money Asked(string text, out string? fault)
    {
        if (Number(text) is not { } yuan)
            return Parse(text, out fault);
        fault = null;
        var amount = yuan == 0 ? Zero : FromYuan(Math.Abs(yuan), out fault);
        return yuan < 0 ? Zero - amount : amount;
    }

    /// <summary>A parameter of a request (<see cref="Asked"/>).</summary>
    public static bool TryParse(string? text, IFormatProvider? provider, out Money amount)
    {
        amount = Asked(text ?? "", out var fault);
        return fault is null;
    }

    /// <summary>
    /// The number of yuan that somebody wrote as <see cref="Parse"/> reads it, of whatever sign and size; null where it
    /// is none, or reading rounded it.
    /// </summary>
    private static decimal? Number(string text) =>
        Bare(text) is var bare && !Amount().IsMatch(bare) ? null
        : !decimal.TryParse(
            bare.Replace(",", "", StringComparison.Ordinal),
            Plain,
            CultureInfo.InvariantCulture,
            out var yuan
        )
            ? decimal.MaxValue
        : IsRounded(bare, yuan) ? null
        : yuan;

    private const string TooFine = "金额最多两位小数（精确到分）";
    private const int MostDecimals = 2;

    /// <summary>
    /// Whether reading made whole fen of what is written finer: a decimal number keeps 28 digits and rounds the rest.
    /// Noughts at the end say nothing.
    /// </summary>
    private static bool IsRounded(string digits, decimal yuan) =>
        decimal.Round(yuan, MostDecimals) == yuan
        && Digits().Match(digits) is { Success: true } m
        && m.Groups["fraction"].Value.TrimEnd('0').Length
            - (int.TryParse(m.Groups["power"].Value, CultureInfo.InvariantCulture, out var ten) ? ten : 0)
            > MostDecimals;

    /// <summary>As <see cref="FromYuan(decimal, out string?)"/>, of the digits that were read as the number.</summary>
    public static Money FromYuan(string digits, decimal yuan, out string? fault)
    {
        var amount = FromYuan(yuan, out fault);
        if (fault is null && IsRounded(digits, yuan))
            fault = TooFine;
        return fault is null ? amount : Zero;
    }

    [GeneratedRegex(@"^[-+]?[0-9,]+(?:\.(?<fraction>[0-9]+))?(?:[eE](?<power>[-+]?[0-9]+))?$")]
    private static partial Regex Digits();

    private static string Bare(string text) => Currency().Replace(Written.Narrow(text).Trim(), "$1$2");

    private const NumberStyles Plain = NumberStyles.AllowDecimalPoint | NumberStyles.AllowLeadingSign;

    private static string Why(string plain) =>
        plain.Any(c => "壹贰叁肆伍陆柒捌玖拾佰仟".Contains(c)) ? "：大写金额请改为阿拉伯数字"
        : plain.Contains('万') ? "：请换算成元"
        : plain.Contains(',') ? "：逗号只能三位一分，小数点用“.”"
        : plain.Any(c => c is '$' or '€' or '£') ? "：只收人民币"
        : plain is "-" or "--" or "/" or "无" ? "：没有金额的请留空"
        : plain.Contains('(') || plain.EndsWith('-') ? "：像是负数，只收大于零的金额"
        : "";

    /// <summary>The sign of the currency before, or its name after.</summary>
    [GeneratedRegex(@"^(-?)\s*[¥]?\s*([^\s元圆]*)\s*[元圆]?$")]
    private static partial Regex Currency();

    [GeneratedRegex(@"^[-+]?(?:[0-9]+|[0-9]{1,3}(?:,[0-9]{3})+)(?:\.[0-9]+)?$")]
    private static partial Regex Amount();

    public static Money Sum(IEnumerable<Money> amounts) => amounts.Aggregate(Zero, (sum, amount) => sum + amount);

    public int CompareTo(Money other) => Fen.CompareTo(other.Fen);

    public static Money operator +(Money a, Money b) => new(a.Fen + b.Fen);

    public static Money operator -(Money a, Money b) => new(a.Fen - b.Fen);

    public static bool operator <(Money a, Money b) => a.Fen < b.Fen;

    public static bool operator >(Money a, Money b) => a.Fen > b.Fen;

    public static bool operator <=(Money a, Money b) => a.Fen <= b.Fen;

    public static bool operator >=(Money a, Money b) => a.Fen >= b.Fen;

    /// <summary>Yuan with two decimals, e.g. <c>1200.50</c>.</summary>
    public override string ToString() => Yuan.ToString("0.00", CultureInfo.InvariantCulture);
}

/// <summary>The stored form: an integer of fen.</summary>
public sealed class FenJsonConverter : JsonConverter<Money>
{
    public override Money Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
        new(reader.GetInt64());

    public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options) =>
        writer.WriteNumberValue(value.Fen);
}
