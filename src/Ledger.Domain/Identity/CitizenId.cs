using System.Globalization;
using System.Text;

namespace Ledger.Domain.Identity;

/// <summary>
/// A resident identity number (公民身份号码), GB 11643-1999: 18 characters, birth date in 7..14, ISO 7064 MOD 11-2 check
/// character. Personal data: lives only in memory and, encrypted, in the person's record; never in an event, log or
/// address.
/// </summary>
public readonly record struct CitizenId
{
    private static readonly int[] Weights = [7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2];
    private const string CheckCharacters = "10X98765432";

    private CitizenId(string value) => Value = value;

    public string Value { get; }
    public DateOnly BirthDate => DateOnly.ParseExact(Value.AsSpan(6, 8), "yyyyMMdd", CultureInfo.InvariantCulture);
    public string Masked => $"{Value[..4]}**********{Value[14..]}";

    /// <summary>
    /// Reads and checks a number; the fault is null when it is sound, else it says in Chinese what is wrong.
    /// </summary>
    public static CitizenId Parse(string text, out string? fault)
    {
        var value = IsPlain(text) ? text : Plain(text);
        fault =
            value.Length == 15 && value.AsSpan().ContainsOnlyDigits() ? "这是15位旧号码；请按身份证或户口簿填写18位号码"
            : WrongRune(value) is { } wrong ? $"身份证号中有{Written.Named(wrong)}；只能是数字，末位可为字母X"
            : value.Length != 18 ? $"身份证号应为18位，现为{value.Length}位"
            : !value.AsSpan(0, 17).ContainsOnlyDigits() ? "身份证号只能由数字组成，末位可为X"
            : value[0] == '0' ? "身份证号开头的行政区划不存在"
            : !DateOnly.TryParseExact(
                value.AsSpan(6, 8),
                "yyyyMMdd",
                CultureInfo.InvariantCulture,
                DateTimeStyles.None,
                out var born
            )
            || born.Year < 1900
                ? "身份证号中的出生日期不存在"
            : CheckCharacter(value.AsSpan(0, 17)) != value[17] ? "身份证号校验码不符，请核对是否输错"
            : null;
        return fault is null ? new CitizenId(value) : default;
    }

    private static bool IsPlain(string text) =>
        text.Length == 18
        && text.AsSpan(0, 17).ContainsOnlyDigits()
        && (char.IsAsciiDigit(text[17]) || text[17] == 'X');

    /// <summary>
    /// As people and programs write it: full width, grouped by spaces or hyphens, with what a spreadsheet puts before
    /// text. The check character holds what is left together.
    /// </summary>
    private static string Plain(string text) =>
        Written
            .Joined(Written.Narrow(text).EnumerateRunes().Where(r => !Rune.IsWhiteSpace(r) && r.Value != '-'))
            .TrimStart('\'', '’', '‘')
            .ToUpperInvariant();

    private static Rune? WrongRune(string value)
    {
        foreach (var rune in value.EnumerateRunes())
            if (!(rune.IsAscii && char.IsAsciiDigit((char)rune.Value)) && rune.Value != 'X')
                return rune;
        return null;
    }

    /// <summary>Nobody is older.</summary>
    public const int MaxAge = 120;

    /// <summary>A birth date that nobody alive can have, in words; null when it can be.</summary>
    public string? BirthFault(DateOnly today) =>
        BirthDate > today ? "身份证号中的出生日期晚于今天"
        : BirthDate < today.AddYears(-MaxAge) ? $"身份证号中的出生日期已过 {MaxAge} 年"
        : null;

    public static bool IsValid(string text)
    {
        Parse(text, out var fault);
        return fault is null;
    }

    /// <summary>The check character for the first 17 digits.</summary>
    public static char CheckCharacter(ReadOnlySpan<char> first17)
    {
        var sum = 0;
        for (var i = 0; i < 17; i++)
            sum += (first17[i] - '0') * Weights[i];
        return CheckCharacters[sum % 11];
    }

    /// <summary>Masked on purpose: printing a number by accident must not leak it.</summary>
    public override string ToString() => Masked;
}

internal static class Digits
{
    public static bool ContainsOnlyDigits(this ReadOnlySpan<char> text)
    {
        foreach (var c in text)
            if (!char.IsAsciiDigit(c))
                return false;
        return text.Length > 0;
    }
}
