using System.Collections.Frozen;
using System.Globalization;
using System.Resources;
using System.Text.RegularExpressions;

namespace Ledger.Domain;

/// <summary>
/// A text of the product that people read and that leaves in the language that was asked for: a refusal's fault, a
/// note, a reminder. What people themselves typed is never marked so.
/// </summary>
[AttributeUsage(AttributeTargets.Property)]
public sealed class SaidAttribute : Attribute;

/// <summary>
/// The English of what the product says. The Chinese sentence is its own key, as on the pages, with its arguments
/// numbered: <c>需要 {0} 元，可用 {1} 元</c>. So rules and SQL say what they say once, events keep it, and whoever reads
/// English has it looked up on the way out. <c>English.resx</c> has the table; EnglishTests read the sources and miss
/// whatever is not in it.
/// </summary>
public static partial class English
{
    private static readonly FrozenDictionary<string, string> Sentences = Read();

    /// <summary>Those with arguments, the ones that say most first.</summary>
    private static readonly (string[] Says, string English)[] Templates =
    [
        .. Sentences
            .Where(s => s.Key.Contains("{0}", StringComparison.Ordinal))
            .Select(s => (Says: Hole().Split(s.Key), s.Value))
            .OrderByDescending(t => t.Says.Sum(said => said.Length)),
    ];

    private static FrozenDictionary<string, string> Read()
    {
        var all = new ResourceManager("Ledger.Domain.English", typeof(English).Assembly).GetResourceSet(
            CultureInfo.InvariantCulture,
            createIfNotExists: true,
            tryParents: false
        )!;
        return all.Cast<System.Collections.DictionaryEntry>()
            .ToFrozenDictionary(e => (string)e.Key, e => (string)e.Value!, StringComparer.Ordinal);
    }

    /// <summary>A text in the language of whoever asked (<see cref="CultureInfo.CurrentUICulture"/>).</summary>
    /// <param name="text">As the product says it.</param>
    /// <param name="word">Words that are known elsewhere: those of the pages.</param>
    public static string Said(string text, Func<string, string?>? word = null) =>
        CultureInfo.CurrentUICulture.TwoLetterISOLanguageName == "en" ? Of(text, word) : text;

    /// <summary>What has no English comes back as it is: names, reasons, what people typed.</summary>
    public static string Of(string text, Func<string, string?>? word = null)
    {
        string Again(string part) => Of(part, word);

        if (!text.Any(IsChinese))
            return text;
        if (Sentences.TryGetValue(text, out var whole))
            return whole;
        if (word?.Invoke(text) is { } known)
            return known;
        foreach (var (says, english) in Templates)
            if (Arguments(says, text) is { } arguments)
                return string.Format(CultureInfo.InvariantCulture, english, [.. arguments.Select(Again)]);
        // Several faults in one line, and lists of words.
        foreach (var (between, plain) in (ReadOnlySpan<(char, string)>)[('；', "; "), ('，', ", "), ('、', ", ")])
            if (text.Contains(between))
                return string.Join(plain, text.Split(between).Select(Again));
        return text;
    }

    /// <summary>Chinese characters, and the full-width marks that stand between them.</summary>
    private static bool IsChinese(char c) => c is >= '\u3000' and <= '\u9fff' or >= '\uff00' and <= '\uffef';

    /// <summary>
    /// What stands where a template has its holes, each as short as can be; null when it is another text.
    /// </summary>
    private static List<string>? Arguments(string[] says, string text)
    {
        if (!text.StartsWith(says[0], StringComparison.Ordinal) || !text.EndsWith(says[^1], StringComparison.Ordinal))
            return null;
        var arguments = new List<string>(says.Length - 1);
        var (at, end) = (says[0].Length, text.Length - says[^1].Length);
        for (var i = 1; i < says.Length; i++)
        {
            var next =
                i == says.Length - 1 ? end
                : at < end ? text.IndexOf(says[i], at + 1, StringComparison.Ordinal)
                : -1;
            if (next <= at || next > end)
                return null;
            arguments.Add(text[at..next]);
            at = next + says[i].Length;
        }
        return arguments;
    }

    [GeneratedRegex(@"\{[0-9]\}")]
    private static partial Regex Hole();
}
