using System.Globalization;
using System.Text;
using Ledger.Domain.Identity;

namespace Ledger.Domain;

/// <summary>
/// The number of somebody else's document: a bank's reference, a tax or agency receipt. It is copied by hand and by
/// machine; full width, spaces and other dashes make no other number of it, nor does the case of its letters.
/// </summary>
public static class DocumentNumber
{
    /// <summary>
    /// The number without what cannot be seen, spaces and full width; the fault names a character that means nothing,
    /// or a letter of another script, which looks like one of ours (Х, Ο) and makes another number of it.
    /// </summary>
    public static string Clean(string text, out string? fault)
    {
        var wrong = text.EnumerateRunes().Cast<Rune?>().FirstOrDefault(r => Written.IsNobodys(r!.Value));
        var plain = Plain(text);
        var foreign = plain.EnumerateRunes().Cast<Rune?>().FirstOrDefault(r => IsForeign(r!.Value));
        fault =
            wrong is { } rune ? $"编号中有{Written.Named(rune)}"
            : foreign is { } letter
                ? $"编号中的“{letter}”（U+{letter.Value:X4}）不是英文字母，只是看起来像；请改用英文字母"
            : null;
        return fault is null ? plain : text;
    }

    /// <summary>A letter with cases that is not one of A to Z: Greek, Cyrillic, Armenian, with an accent.</summary>
    private static bool IsForeign(Rune rune) =>
        !rune.IsAscii
        && Rune.GetUnicodeCategory(rune)
            is UnicodeCategory.UppercaseLetter
                or UnicodeCategory.LowercaseLetter
                or UnicodeCategory.TitlecaseLetter;

    public static bool IsSame(string? one, string? other) =>
        one == other || (one is not null && other is not null && Canonical(one) == Canonical(other));

    /// <summary>
    /// What numbers are compared by, not what is stored. <c>plain_number</c> in the database says the same.
    /// </summary>
    public static string Canonical(string text) => Plain(text).ToUpperInvariant();

    private static string Plain(string text) =>
        Written.Joined(Written.Narrow(text).EnumerateRunes().Where(r => !Rune.IsWhiteSpace(r)));
}
