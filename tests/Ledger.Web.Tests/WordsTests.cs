using System.Text.RegularExpressions;
using System.Xml.Linq;
using Ledger.Projections;

namespace Ledger.Web.Tests;

/// <summary>Every word of the pages has its English; every event its word; no page speaks Chinese past the localizer.</summary>
public sealed partial class WordsTests
{
    private static readonly string Web = Path.GetFullPath(Path.Combine(Source(), "../../src/Ledger.Web"));

    private static string Source([System.Runtime.CompilerServices.CallerFilePath] string path = "") =>
        Path.GetDirectoryName(path)!;

    private static IEnumerable<(string File, string Text)> Pages() =>
        Directory
            .EnumerateFiles(Web, "*.razor", SearchOption.AllDirectories)
            .Where(f => !f.Contains("/obj/", StringComparison.Ordinal))
            .Select(f => (Path.GetFileName(f), File.ReadAllText(f)));

    [Fact]
    public void Every_word_has_its_English_and_no_English_is_left_over()
    {
        var english = XDocument
            .Load(Path.Combine(Web, "PageWords.en.resx"))
            .Root!.Elements("data")
            .ToDictionary(d => d.Attribute("name")!.Value, d => d.Element("value")!.Value);
        Assert.DoesNotContain(english.Values, string.IsNullOrWhiteSpace);
        var asked = Pages()
            .SelectMany(p => Literal().Matches(p.Text).Select(m => m.Groups[1].Value))
            .Concat(Pages().SelectMany(p => Listed().Matches(p.Text).Select(m => m.Groups[1].Value)))
            .Concat(Terms.All)
            .Append("zh-CN")
            .ToHashSet();
        var missing = asked.Where(a => !english.ContainsKey(a)).Order(StringComparer.Ordinal).ToList();
        Assert.True(missing.Count == 0, string.Join('\n', missing));
        var text = string.Concat(Pages().Select(p => p.Text)) + string.Concat(Terms.All);
        var left = english.Keys.Where(k => k != "zh-CN" && !text.Contains(k, StringComparison.Ordinal)).ToList();
        Assert.True(left.Count == 0, string.Join('\n', left));
    }

    [Fact]
    public void Every_event_has_a_word() =>
        Assert.Empty(
            EventTypes
                .All.Select(t => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(t.Name))
                .Except(Terms.EventTypes.Keys)
        );

    [GeneratedRegex("T\\[\"([^\"]+)\"[\\],]")]
    private static partial Regex Literal();

    /// <summary>Words in tuples that a component passes through the localizer: ("path", "字").</summary>
    [GeneratedRegex("\"[a-zA-Z.-]+\", \"([^\"]*[\\u4e00-\\u9fff][^\"]*)\"")]
    private static partial Regex Listed();
}
