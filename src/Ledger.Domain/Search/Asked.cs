using System.Globalization;
using System.Text.RegularExpressions;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Search;

/// <summary>
/// What somebody typed into the one box, read as everything that it may be: 2026 is an amount, and the end of a citizen
/// id. A whole citizen id is nothing else: it is looked for among keyed hashes alone.
/// </summary>
public sealed partial record Asked
{
    public const int MaxLength = 100;

    /// <summary>Shorter ones are the beginning of too much.</summary>
    private const int ShortestNumber = 4,
        ShortestId = 8;

    public CitizenId? Citizen { get; private init; }

    /// <summary>The end of a citizen id, its X a capital.</summary>
    public string? LastFour { get; private init; }

    /// <summary>Of a person the whole of it or a part, of an officer the whole.</summary>
    public string? Name { get; private init; }

    /// <summary>Part of what an organisation is called; longer than one character.</summary>
    public string? Words { get; private init; }
    public string? CreditCode { get; private init; }

    /// <summary>A county, a township or a village.</summary>
    public string? Region { get; private init; }
    public Money? Amount { get; private init; }
    public DateOnly? Day { get; private init; }

    /// <summary>A whole month, as its first day.</summary>
    public DateOnly? Month { get; private init; }

    /// <summary>Two words that may be a person and a village, either first.</summary>
    public (string One, string Other)? Two { get; private init; }

    /// <summary>#123: an event; the hash may be left out where it is not long.</summary>
    public long? Sequence { get; private init; }

    /// <summary>记-012: a voucher, of whichever month.</summary>
    public int? Voucher { get; private init; }

    /// <summary>An id of ours, or how one begins.</summary>
    public string? Id { get; private init; }

    /// <summary>A number of somebody else's document, in the spelling by which numbers are compared.</summary>
    public string? Number { get; private init; }

    /// <summary>It may be something that can be looked for.</summary>
    public bool IsAnything => this != new Asked();

    public static Asked Of(string typed)
    {
        var text = Written.Narrow(typed).Trim();
        if (text.Length is 0 or > MaxLength)
            return new Asked();
        var citizen = CitizenId.Parse(text, out var fault);
        if (fault is null)
            return new Asked { Citizen = citizen };
        var (number, id) = (DocumentNumber.Canonical(text), IdOf(text));
        var isNumber = id is null && Numbers().IsMatch(number) && number.Any(char.IsAsciiDigit);
        var isWords = !text.Any(char.IsAsciiDigit);
        var amount = Money.Parse(text, out var noAmount);
        return new Asked
        {
            LastFour = Ends().IsMatch(text) ? text.ToUpperInvariant() : null,
            Name =
                isWords && text.Length is > 1 and <= PersonName.MaxLength && text.Any(char.IsLetter)
                    ? PersonName.Canonical(text)
                    : null,
            Words = id is null && text.Length > 1 && text.Any(char.IsLetter) ? Written.Visible(typed).Trim() : null,
            CreditCode = SocialCreditCode.Fault(number) is null ? number : null,
            Region = RegionCode.Fault(text, 6, 9, 12) is null ? text : null,
            Amount = noAmount is null ? amount : null,
            Day = DayOf(text),
            Month = MonthOf(text),
            Two =
                id is null && text.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries) is [var one, var other]
                    ? (one, other)
                    : null,
            Sequence = Sequences().Match(text) is { Success: true } m
                ? long.Parse(m.Groups[m.Groups[1].Success ? 1 : 2].ValueSpan, CultureInfo.InvariantCulture)
                : null,
            Voucher = Vouchers().Match(text) is { Success: true } v
                ? int.Parse(v.Groups[1].ValueSpan, CultureInfo.InvariantCulture)
                : null,
            Id = id,
            Number = isNumber && number.Length >= ShortestNumber ? number : null,
        };
    }

    /// <summary>A list shows how an application's id begins, or ends its name with it: the kind may be left out.
    /// </summary>
    private static string? IdOf(string text) =>
        Ids().IsMatch(text) ? text
        : Hex().IsMatch(text) && text.Any(char.IsAsciiLetter) && text.Length >= ShortestId
            ? $"application-{text.ToLowerInvariant()}"
        : null;

    private static readonly string[] Days = ["yyyy-M-d", "yyyy/M/d", "yyyy.M.d", "yyyyMMdd"];

    private static DateOnly? DayOf(string text) =>
        DateOnly.TryParseExact(
            text.Replace(" ", "", StringComparison.Ordinal).Replace('年', '-').Replace('月', '-').TrimEnd('日', '号'),
            Days,
            CultureInfo.InvariantCulture,
            DateTimeStyles.None,
            out var day
        ) && day.Year is >= 1900 and < 2100
            ? day
            : null;

    private static DateOnly? MonthOf(string text) =>
        Months().Match(text) is { Success: true } m
        && int.Parse(m.Groups[2].ValueSpan, CultureInfo.InvariantCulture) is >= 1 and <= 12 and var month
            ? new DateOnly(int.Parse(m.Groups[1].ValueSpan, CultureInfo.InvariantCulture), month, 1)
            : null;

    [GeneratedRegex("^((?:19|20)[0-9]{2}) ?[-/.年] ?([0-9]{1,2}) ?月?$")]
    private static partial Regex Months();

    [GeneratedRegex("^[0-9]{3}[0-9Xx]$")]
    private static partial Regex Ends();

    [GeneratedRegex("^(?:# ?([0-9]{1,15})|([0-9]{1,7}))$")]
    private static partial Regex Sequences();

    [GeneratedRegex("^记(?:字第)?-?([0-9]{1,5})号?$")]
    private static partial Regex Vouchers();

    [GeneratedRegex("^(?:application|member|fund|collective|donor|plan)-[0-9A-Za-z-]{4,}$")]
    private static partial Regex Ids();

    [GeneratedRegex("^[0-9a-fA-F]{8,32}$")]
    private static partial Regex Hex();

    [GeneratedRegex("^[0-9A-Z][0-9A-Z_/.:-]*$")]
    private static partial Regex Numbers();
}
