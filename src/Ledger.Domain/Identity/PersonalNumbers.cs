using System.Collections.Frozen;
using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Ledger.Domain.Identity;

/// <summary>
/// Numbers that identify a person, found in what people write: what must not get into an event, which nobody can erase.
/// Before it looks, the text is made plain: full width, other scripts' digits and Chinese numerals become ASCII, what
/// is not seen (zero width, marks) goes, and digits that only spaces, hyphens, dots or other punctuation keep apart are
/// read together. <para>
/// Two kinds of text. <see cref="In"/>: words, names, titles. No citizen id, not even a mistyped one, no mobile number
/// or bank card (Luhn). <see cref="InReference"/>: numbers of banks, tax offices and clients. They may be as long as a
/// card and fit its check digit by chance, so only what is a citizen id is refused, anywhere in it, and a mobile number
/// or a mistyped id that is all of it. A reference carries the date of a document; so the birth date must be a payer's.
/// </para>
/// </summary>
public static partial class PersonalNumbers
{
    private const string Id = "身份证号",
        Phone = "手机号码",
        Card = "银行卡号";

    /// <summary>Nobody younger pays: a date after that in a long number is the date of a document.</summary>
    private const int YoungestPayer = 15;

    /// <summary>What kind of number stands in the text, in words; null when none does.</summary>
    public static string? In(string text)
    {
        var plain = Plain(text);
        foreach (var chain in Chains(plain))
        {
            for (var first = 0; first < chain.Count; first++)
            {
                if (Alone(chain[first]) is { } alone)
                    return alone;
                for (var (last, length) = (first + 1, chain[first].Length); last < chain.Count && length < 22; last++)
                {
                    length += chain[last].Length;
                    if (!HaveLength(length))
                        continue;
                    var groups = chain.GetRange(first, last - first + 1);
                    var together = string.Concat(groups.Select(g => g.Digits));
                    if (IsPayer(together))
                        return Id;
                    if (chain[first].AfterLetter || chain[last].BeforeLetter || !IsOneNumber(groups, out var isList))
                        continue;
                    if (IsPhone(together))
                        return Phone;
                    if (!isList && together.Length == 18 && IsNearlyAnId(together))
                        return Id;
                    if (!isList && together[0] is '4' or '5' or '6' or '9' && IsCard(together))
                        return Card;
                }
            }
        }
        return IsTakenApart(plain) ? Id : null;
    }

    /// <summary>
    /// A citizen id whose parts words keep apart, as in 370811年1971月0930号1906. Only whole groups of digits count, and
    /// the check character: dates and amounts in a row do not make one.
    /// </summary>
    private static bool IsTakenApart(string plain)
    {
        foreach (var chain in Chains(plain, c => !char.IsAsciiLetterOrDigit(c)))
            for (var first = 0; first < chain.Count; first++)
            for (var (last, length) = (first + 1, chain[first].Length); last < chain.Count && length < 18; last++)
            {
                length += chain[last].Length;
                if (
                    length == 18
                    && IsPayer(string.Concat(chain.GetRange(first, last - first + 1).Select(g => g.Digits)))
                )
                    return true;
            }
        return false;
    }

    /// <summary>
    /// The same for a reference, a key or a name of an account: a citizen id anywhere in it, or a mobile number and
    /// nothing else.
    /// </summary>
    public static string? InReference(string code)
    {
        var plain = Plain(code);
        foreach (var chain in Chains(plain))
        {
            var digits = string.Concat(chain.Select(g => g.Digits));
            for (var i = 0; i + 18 <= digits.Length; i++)
                if (IsPayer(digits.Substring(i, 18)))
                    return Id;
            if (IsPhone(digits) && plain.All(c => char.IsAsciiDigit(c) || IsBetween(c)))
                return Phone;
            if (
                digits.Length == 18
                && IsNearlyAnId(digits)
                && plain.All(c => char.IsAsciiDigit(c) || c == 'X' || IsBetween(c))
            )
                return Id;
        }
        return IsTakenApart(plain) ? Id : null;
    }

    /// <summary>Nobody reads more of what he has sent himself.</summary>
    private const int LongestQuoted = 100;

    /// <summary>What somebody sent, as a refusal may repeat it: an answer is kept for ever too.</summary>
    public static string Quoted(string text) =>
        text.Length <= LongestQuoted && In(text) is null && InReference(text) is null ? $"“{text}”" : "所填内容";

    /// <summary>
    /// A run of digits; <paramref name="Apart"/>: what stands between it and the one before. Letters at either end:
    /// part of an id or a voucher's number.
    /// </summary>
    private sealed record Group(string Digits, string Apart, bool AfterLetter, bool BeforeLetter)
    {
        public int Length => Digits.Length;
    }

    /// <summary>Grouped as people group one number, and not as they write amounts, dates and lists.</summary>
    private static bool IsOneNumber(List<Group> groups, out bool isList)
    {
        var apart = groups.Skip(1).Select(g => g.Apart).ToList();
        var lengths = groups.Select(g => g.Length).ToList();
        isList = apart.Any(a => a.AsSpan().IndexOfAny("、,;") >= 0);
        return lengths.All(l => l == 1)
            || (
                isList
                    ? lengths is [3, 4, 4]
                    : lengths.All(l => l >= 3) || (lengths.Skip(1).All(l => l <= 2) && apart.Distinct().Count() == 1)
            );
    }

    private static string? Alone(Group group)
    {
        var digits = group.Digits;
        if (digits.Length == 18 && CitizenId.IsValid(digits))
            return Id;
        for (var i = 0; i + 18 <= digits.Length; i++)
            if (IsPayer(digits.Substring(i, 18)))
                return Id;
        if (group.AfterLetter || group.BeforeLetter)
            return null;
        return IsPhone(digits) ? Phone
            : IsCard(digits) ? Card
            : IsMistyped(digits) ? Id
            : null;
    }

    private static bool IsPayer(string digits) =>
        digits.Length == 18
        && CitizenId.Parse(digits, out var fault) is var id
        && fault is null
        && IsPayersBirth(id.BirthDate);

    private static bool IsPayersBirth(DateOnly born) =>
        born.Year >= 1900 && born.Year <= Clock.Day(DateTimeOffset.UtcNow).Year - YoungestPayer;

    /// <summary>
    /// A province and a payer's birth date where an id has them, a digit wrong, lost or too many behind: it still says
    /// who is meant. The first two digits are those of GB/T 2260; one digit may stand before them, as 三 in a name.
    /// </summary>
    private static bool IsMistyped(ReadOnlySpan<char> digits) =>
        IsNearlyAnId(digits) || (digits.Length > 0 && IsNearlyAnId(digits[1..]));

    private static bool IsNearlyAnId(ReadOnlySpan<char> digits) =>
        digits.Length is >= 17 and <= 19
        && Province().IsMatch(digits)
        && DateOnly.TryParseExact(digits[6..14], "yyyyMMdd", CultureInfo.InvariantCulture, default, out var born)
        && IsPayersBirth(born);

    /// <summary>Of what a mobile number, an id or a card can be: whatever else digits add up to is none.</summary>
    private static bool HaveLength(int digits) => digits is 11 or 13 or 15 or (>= 16 and <= 19);

    private static bool IsPhone(string digits) => Mobile().IsMatch(digits);

    /// <summary>The check digit of payment cards (Luhn, ISO/IEC 7812-1).</summary>
    private static bool IsCard(string digits)
    {
        if (digits.Length is < 16 or > 19 || digits[^1] == 'X')
            return false;
        var sum = 0;
        for (var i = 0; i < digits.Length; i++)
        {
            var digit = digits[^(i + 1)] - '0';
            if (i % 2 == 1)
                digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
            sum += digit;
        }
        return sum % 10 == 0;
    }

    /// <summary>One spelling of every digit and sign; what is not seen is gone.</summary>
    private static string Plain(string text)
    {
        if (Ascii.IsValid(text))
            return text.ToUpperInvariant();
        var plain = new StringBuilder(text.Length);
        foreach (
            var rune in text.EnumerateRunes()
                .Aggregate(new StringBuilder(), (all, r) => all.Append(r))
                .ToString()
                .Normalize(NormalizationForm.FormKC)
                .EnumerateRunes()
        )
        {
            switch (Rune.GetUnicodeCategory(rune))
            {
                case UnicodeCategory.Format or UnicodeCategory.NonSpacingMark or UnicodeCategory.EnclosingMark:
                    break;
                case UnicodeCategory.DecimalDigitNumber:
                    plain.Append((char)('0' + (int)Rune.GetNumericValue(rune)));
                    break;
                default:
                    if (rune.IsBmp && Numerals.TryGetValue((char)rune.Value, out var digit))
                        plain.Append(digit);
                    else
                        plain.Append(rune);
                    break;
            }
        }
        return plain.ToString().ToUpperInvariant();
    }

    /// <summary>Runs of digits that nothing but punctuation keeps apart.</summary>
    private static IEnumerable<List<Group>> Chains(string plain) => Chains(plain, IsBetween);

    private static IEnumerable<List<Group>> Chains(string plain, Func<char, bool> isBetween)
    {
        var chain = new List<Group>();
        var end = 0;
        foreach (Match match in Digits().Matches(plain))
        {
            var apart = plain[end..match.Index];
            if (chain.Count > 0 && (apart.Length is 0 or > 3 || !apart.All(isBetween)))
            {
                yield return chain;
                chain = [];
            }
            chain.Add(
                new Group(
                    match.Value,
                    apart,
                    FollowsLetter(plain, match.Index),
                    match.Index + match.Length < plain.Length && char.IsAsciiLetter(plain[match.Index + match.Length])
                )
            );
            end = match.Index + match.Length;
        }
        if (chain.Count > 0)
            yield return chain;
    }

    private static bool IsBetween(char c) => char.IsWhiteSpace(c) || c is '+' or '~' or '|' || char.IsPunctuation(c);

    private static bool FollowsLetter(string plain, int at) =>
        at > 0
        && char.IsAsciiLetter(plain[at - 1])
        && !PhoneWord().IsMatch(plain.AsSpan(Math.Max(0, at - LongestWord), Math.Min(at, LongestWord)));

    /// <summary>Digits as people write them out; the financial forms too.</summary>
    private static readonly FrozenDictionary<char, char> Numerals = new[]
    {
        "〇一二三四五六七八九",
        "零壹贰叁肆伍陆柒捌玖",
        "○幺两弎",
    }
        .SelectMany(row => row.Select((c, i) => (c, Digit: (char)('0' + i))))
        .ToFrozenDictionary(n => n.c, n => n.Digit);

    [GeneratedRegex("[0-9]+X(?![0-9A-Z])|[0-9]+|(?<=[0-9][^0-9A-Z]{1,3})X(?![0-9A-Z])")]
    private static partial Regex Digits();

    [GeneratedRegex("^(?:0086|86)?1[3-9][0-9]{9}$")]
    private static partial Regex Mobile();

    [GeneratedRegex("^(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[1-3])")]
    private static partial Regex Province();

    private const int LongestWord = 6;

    [GeneratedRegex("(?:TEL|PHONE|MOBILE|MOB|CALL)$")]
    private static partial Regex PhoneWord();
}
