using System.Globalization;
using System.Text;

namespace Ledger.Domain.Identity;

/// <summary>
/// A person's name (姓名) as people write it. What is safe is mended and told; what may be another name is a fault that
/// names the character. Two spellings of one name are the same (<see cref="IsSame"/>): names that were stored before
/// this was looked at are not clean.
/// </summary>
public static class PersonName
{
    public const int MaxLength = 50;
    private static readonly Rune Dot = new('·');

    /// <summary>What people write where they have none, or have written it above.</summary>
    private static readonly string[] NoNames = ["无", "空", "同上", "不详", "未知", "待定", "略", "姓名"];

    /// <summary>The five dots and more that stand between the parts of a name.</summary>
    private const string Dots = "·•‧・∙⋅⸱ꞏ";

    /// <param name="fault">Why this cannot be stored; null when it can.</param>
    /// <param name="mended">What was changed, in words; null when nothing was.</param>
    public static string Clean(string text, out string? fault, out string? mended)
    {
        var changes = new List<string>();
        var name = Changed(text, Written.Visible(text), "看不见的字符已去掉").Trim();
        mended = null;
        if (name.Any(char.IsControl))
        {
            fault = "姓名中有换行或制表符，可能是两个人；请每行只填一人，一行写完";
            return "";
        }
        // Every space is a space; the full-width one is no other character.
        name = Written.Joined(name.EnumerateRunes().Select(r => Rune.IsWhiteSpace(r) ? new Rune(' ') : r));
        name = Changed(name, Written.WithIdeographs(name), "部首或自造字已改为通常的字");
        name = Changed(name, name.Normalize(NormalizationForm.FormKC), "全角或兼容字符已改为通常的字");
        if (LooksLikeTwo(name))
        {
            fault = "姓名中有空格，像是两个人的姓名；如是一个人，请去掉空格";
            return "";
        }
        name = Changed(name, WithoutSpaces(name), "中间的空格已去掉");
        name = Changed(name, WithDots(name), "间隔号已改为“·”");
        fault =
            name.Length == 0 ? "不能为空"
            : name.Length > MaxLength ? $"最多 {MaxLength} 字"
            : NoNames.Contains(name) ? $"“{name}”不是姓名，请填本人的姓名"
            : WrongRune(name) is { } wrong ? $"姓名中有{Word(wrong)}，请核对"
            : null;
        if (fault is not null)
            return "";
        mended = changes.Count == 0 ? null : string.Join("，", changes);
        return name;

        string Changed(string before, string after, string what)
        {
            if (before != after)
                changes.Add(what);
            return after;
        }
    }

    /// <summary>The same name, however its dots, spaces and widths are written.</summary>
    public static bool IsSame(string one, string other) => one == other || Canonical(one) == Canonical(other);

    /// <summary>What names are compared by. Not what is stored.</summary>
    public static string Canonical(string name) =>
        WithDots(
                Written.Joined(
                    Written
                        .WithIdeographs(Written.Visible(name))
                        .Normalize(NormalizationForm.FormKC)
                        .EnumerateRunes()
                        .Where(r => !Rune.IsWhiteSpace(r))
                )
            )
            .ToUpperInvariant();

    private static string WithDots(string name)
    {
        var runes = name.EnumerateRunes().ToList();
        return Written.Joined(
            runes.Select(
                (r, i) =>
                    Dots.Contains(r.ToString(), StringComparison.Ordinal)
                    || (r.Value == '.' && i > 0 && i < runes.Count - 1 && !IsLatin(runes[i - 1]))
                        ? Dot
                        : r
            )
        );
    }

    /// <summary>A space stays between words in Latin letters, one at a time.</summary>
    private static string WithoutSpaces(string name)
    {
        var words = Words(name);
        return words.Count < 2
            ? name
            : words.Aggregate(
                (all, word) =>
                    (all[^1] == '.' || IsLatin(all.EnumerateRunes().Last())) && IsLatin(word.EnumerateRunes().First())
                        ? $"{all} {word}"
                        : all + word
            );
    }

    private static List<string> Words(string name) =>
        [.. name.Split((char[]?)null, StringSplitOptions.RemoveEmptyEntries)];

    /// <summary>Two words of two ideographs or more each, and no dot that would join them.</summary>
    private static bool LooksLikeTwo(string name)
    {
        var words = Words(name);
        return words.Count(w => w.EnumerateRunes().Count(IsIdeograph) >= 2) > 1
            && !WithDots(name).EnumerateRunes().Contains(Dot);
    }

    private static Rune? WrongRune(string name)
    {
        var runes = name.EnumerateRunes().ToList();
        for (var i = 0; i < runes.Count; i++)
        {
            var isInside = i > 0 && i < runes.Count - 1;
            var isFine =
                Rune.IsLetter(runes[i]) ? true
                : Rune.GetUnicodeCategory(runes[i])
                    is UnicodeCategory.NonSpacingMark
                        or UnicodeCategory.SpacingCombiningMark
                    ? i > 0
                : runes[i].Value is 0x3007 // 〇
                    || (runes[i] == Dot && isInside)
                    || (runes[i].Value is ' ' or '-' or '\'' && isInside && IsLatinOrStop(runes[i - 1]))
                    || (runes[i].Value == '.' && i > 0 && IsLatin(runes[i - 1]));
            if (!isFine)
                return runes[i];
        }
        return null;
    }

    private static string Word(Rune wrong) =>
        Rune.IsDigit(wrong) ? "数字"
        : wrong == Dot ? "多余的间隔号“·”"
        : Written.Named(wrong);

    private static bool IsLatinOrStop(Rune rune) => rune.Value == '.' || IsLatin(rune);

    private static bool IsLatin(Rune rune) => Rune.IsLetter(rune) && rune.Value is < 0x250 or (>= 0x1E00 and < 0x1F00);

    private static bool IsIdeograph(Rune rune) => Rune.GetUnicodeCategory(rune) == UnicodeCategory.OtherLetter;
}
