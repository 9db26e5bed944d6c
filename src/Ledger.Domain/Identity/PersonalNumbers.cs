using System.Text.RegularExpressions;

namespace Ledger.Domain.Identity;

/// <summary>Numbers that identify a person, found in free text: what must not get into an event, which nobody can erase.</summary>
public static partial class PersonalNumbers
{
    /// <summary>What kind of number stands in the text, in words; null when none does.</summary>
    public static string? In(string text)
    {
        foreach (Match match in Digits().Matches(text))
        {
            var number = match.Value.ToUpperInvariant();
            if (number.Length == 18 && CitizenId.IsValid(number)) return "身份证号";
            if (number.Length == 11 && number[0] == '1' && number[1] is >= '3' and <= '9') return "手机号码";
            if (number.Length is >= 16 and <= 19 && number[^1] != 'X' && IsCard(number)) return "银行卡号";
        }
        return null;
    }

    /// <summary>The check digit of payment cards (Luhn, ISO/IEC 7812-1).</summary>
    private static bool IsCard(string number)
    {
        var sum = 0;
        for (var i = 0; i < number.Length; i++)
        {
            var digit = number[^(i + 1)] - '0';
            if (i % 2 == 1) digit = digit * 2 > 9 ? digit * 2 - 9 : digit * 2;
            sum += digit;
        }
        return sum % 10 == 0;
    }

    [GeneratedRegex("(?<![0-9A-Za-z])[0-9]{10,18}[0-9Xx](?![0-9A-Za-z])")]
    private static partial Regex Digits();
}
