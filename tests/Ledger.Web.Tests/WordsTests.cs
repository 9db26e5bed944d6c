using System.Text.Json;
using System.Text.RegularExpressions;
using System.Xml.Linq;
using Ledger.Store;
using Ledger.Web.Audit;

namespace Ledger.Web.Tests;

/// <summary>
/// Every word of the pages has its English; every event its word; no page speaks Chinese past the localizer.
/// </summary>
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

    /// <summary>Reasons that are offered and go on record, which is kept in Chinese.</summary>
    private static readonly string[] Recorded =
    [
        "户籍已迁出",
        "不是本集体成员",
        "本年度没有缴费记录",
        "与其他集体重复",
    ];

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
            .Concat(Pages().SelectMany(p => Quoted().Matches(p.Text).Select(m => m.Groups[1].Value)))
            .Except(Recorded)
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
    public void A_refusal_and_a_finding_are_in_the_pages_language()
    {
        Assert.Equal("资金余额不足", Terms.Refusal("fund-overdrawn"));
        const string found = "Fund fund-1：流的版本被改动，按事件应为 3 a stream's version was edited";
        Assert.Equal("Fund fund-1：流的版本被改动，按事件应为 3", Terms.Detail(found, "zh-CN"));
        Assert.Equal("Fund fund-1: a stream's version was edited; by the events it is 3", Terms.Detail(found, "en"));
        Assert.Equal("事件不见了（日志第 3 条）", Terms.Detail("事件不见了 the event is gone（日志第 3 条）", "zh-CN"));
        Assert.All(
            Ledger.Store.Findings.Kinds,
            kind => Assert.Matches(@"\p{IsCJKUnifiedIdeographs}", Terms.Finding(kind))
        );
    }

    [Theory]
    [InlineData(
        "Mozilla/5.0 (Windows NT 6.1; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/109.0.0.0 Safari/537.36",
        "谷歌浏览器 Windows 7"
    )]
    [InlineData(
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/131.0.0.0 "
            + "Safari/537.36 Edg/131.0.0.0",
        "Edge 浏览器 Windows 10 或 11"
    )]
    [InlineData(
        "Mozilla/5.0 (Windows NT 10.0; WOW64) AppleWebKit/537.36 (KHTML, like Gecko) Chrome/86.0.4240.198 "
            + "Safari/537.36 QIHU 360SE",
        "360 浏览器 Windows 10 或 11"
    )]
    [InlineData("Mozilla/5.0 (Windows NT 6.1; WOW64; Trident/7.0; rv:11.0) like Gecko", "IE 浏览器 Windows 7")]
    [InlineData(
        "Mozilla/5.0 (Linux; Android 12; HarmonyOS; NOH-AN00) AppleWebKit/537.36 (KHTML, "
            + "like Gecko) Chrome/114.0.5735.196 HuaweiBrowser/15.0.4.312 Mobile Safari/537.36",
        "华为浏览器 鸿蒙"
    )]
    [InlineData(
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_5 like Mac OS X) AppleWebKit/605.1.15 (KHTML, "
            + "like Gecko) Mobile/15E148 MicroMessenger/8.0.50 NetType/WIFI",
        "微信 苹果手机"
    )]
    [InlineData(
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 10_15_7) AppleWebKit/605.1.15 (KHTML, "
            + "like Gecko) Version/17.5 Safari/605.1.15",
        "Safari 浏览器 苹果电脑"
    )]
    [InlineData("Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0", "火狐浏览器 Linux")]
    [InlineData("curl/7.88.1", "其他程序")]
    [InlineData("", "其他程序")]
    public void A_browser_is_called_what_people_call_it(string agent, string words) =>
        Assert.Equal(words, string.Join(' ', Accounts.Device.Of(agent)));

    [Fact]
    public void Every_event_has_a_word() =>
        Assert.Empty(
            EventTypes
                .All.Select(t => System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(t.Name))
                .Except(Terms.EventTypes.Keys)
        );

    /// <summary>Whoever chooses one in the trail's filter sees which it is, and what it is about.</summary>
    [Fact]
    public void No_two_events_are_called_the_same_and_each_has_its_subject()
    {
        var english = XDocument
            .Load(Path.Combine(Web, "PageWords.en.resx"))
            .Root!.Elements("data")
            .ToDictionary(d => d.Attribute("name")!.Value, d => d.Element("value")!.Value);
        foreach (var word in new Func<string, string>[] { w => w, w => english[w].ToLowerInvariant() })
            Assert.Empty(
                Terms
                    .EventTypes.GroupBy(e => word(e.Value))
                    .Where(g => g.Count() > 1)
                    .Select(g => $"{g.Key}: {string.Join(", ", g.Select(e => e.Key))}")
            );
        Assert.Equal(["command_refused"], Terms.EventGroups.Where(g => g.Value == "其他").Select(g => g.Key));
        Assert.Equal("申请", Terms.EventGroups["payment_returned"]);
        Assert.Equal("资金", Terms.EventGroups["funds_returned"]);
    }

    [Fact]
    public void Every_field_of_every_event_has_a_word()
    {
        var golden = Path.Combine(Source(), "../Ledger.Api.Tests/GoldenEvents");
        var fields = Directory
            .EnumerateFiles(golden, "*.json")
            .SelectMany(f => Within(JsonDocument.Parse(File.ReadAllText(f)).RootElement))
            .Distinct()
            .ToList();
        Assert.True(fields.Count > 100);
        Assert.Empty(fields.Except(EventFields.Words.Keys));
        static string Text(string field, string json) => EventFields.Text(field, JsonDocument.Parse(json).RootElement);
        Assert.Equal("24,480.00", Text("amountFen", "2448000"));
        Assert.Equal("县级奖补", Text("source", "\"county-incentive\""));
        Assert.Equal("村级财务", Text("role", "\"village-finance\""));
    }

    /// <summary>The names of all fields, also of those within others.</summary>
    private static IEnumerable<string> Within(JsonElement value) =>
        value.ValueKind switch
        {
            JsonValueKind.Object => value.EnumerateObject().SelectMany(p => Within(p.Value).Prepend(p.Name)),
            JsonValueKind.Array => value.EnumerateArray().SelectMany(Within),
            _ => [],
        };

    /// <summary>Whatever a page says by way of a variable.</summary>
    [GeneratedRegex("\"([^\"\\n{}@<>]*[\\u4e00-\\u9fff][^\"\\n{}@<>]*)\"")]
    private static partial Regex Quoted();

    [GeneratedRegex("T\\[\"([^\"]+)\"[\\],]")]
    private static partial Regex Literal();

    /// <summary>Words in tuples that a component passes through the localizer: ("path", "字").</summary>
    [GeneratedRegex("\"[a-zA-Z.-]+\", \"([^\"]*[\\u4e00-\\u9fff][^\"]*)\"")]
    private static partial Regex Listed();
}
