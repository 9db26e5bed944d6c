using System.Text.RegularExpressions;
using System.Xml.Linq;

namespace Ledger.Web.Tests;

/// <summary>
/// What stands on the pages is a language that people speak: English where English was chosen, and nowhere the words
/// of the programs behind.
/// </summary>
[Collection("web")]
public sealed partial class PlainWordsTests(WebFixture web)
{
    private static readonly string Source = Path.GetFullPath(Path.Combine(Path.GetDirectoryName(Here())!, "../../src"));

    private static string Here([System.Runtime.CompilerServices.CallerFilePath] string path = "") => path;

    /// <summary>
    /// Every text of a page with what is read out or shown on the mouse; not what is marked as Chinese.
    /// </summary>
    private const string Texts = """
        () => {
          const found = [], walker = document.createTreeWalker(document.documentElement, NodeFilter.SHOW_TEXT);
          const apart = e => e && e.closest('script,style,[lang]:not(html)');
          while (walker.nextNode())
            if (!apart(walker.currentNode.parentElement)) found.push(walker.currentNode.data);
          const read = ['title', 'aria-label', 'placeholder', 'alt'];
          for (const e of document.querySelectorAll(read.map(name => `[${name}]`).join()))
            if (!apart(e)) found.push(...read.map(name => e.getAttribute(name) || ''));
          for (const e of document.querySelectorAll('script[type="application/json"]'))
            found.push(...JSON.stringify(JSON.parse(e.textContent)).split('"'));
          return found.filter(t => /[\u3400-\u9fff，。；：、（）！？]/.test(t));
        }
        """;

    /// <summary>
    /// The product's own words: the tables of both languages, and whatever stands in the pages' sources.
    /// </summary>
    private static HashSet<string> OwnWords()
    {
        var keys = new[] { "Ledger.Web/PageWords.en.resx", "Ledger.Domain/English.resx" }.SelectMany(table =>
            XDocument.Load(Path.Combine(Source, table)).Root!.Elements("data").Select(d => d.Attribute("name")!.Value)
        );
        var pages = Directory
            .EnumerateFiles(Path.Combine(Source, "Ledger.Web"), "*.razor", SearchOption.AllDirectories)
            .Where(file => !file.Contains("/obj/", StringComparison.Ordinal))
            .Select(file => Comments().Replace(File.ReadAllText(file), ""));
        return keys.Concat(pages).SelectMany(Runs).ToHashSet();
    }

    private static IEnumerable<string> Runs(string text) =>
        Chinese().Matches(text).Select(m => m.Value).Where(run => run.Length > 1);

    [GeneratedRegex(@"[\u3400-\u9fff]+")]
    private static partial Regex Chinese();

    /// <summary>
    /// Chinese punctuation that stands by no Chinese word: not what people typed, but the page's own.
    /// </summary>
    [GeneratedRegex(@"(?<![\u3400-\u9fff》”）])[，。；：、（！？](?![\u3400-\u9fff“《（])")]
    private static partial Regex Punctuation();

    [GeneratedRegex(@"@\*.*?\*@|///.*", RegexOptions.Singleline)]
    private static partial Regex Comments();

    /// <summary>
    /// Words that people of the sample typed and that are the product's as well, and the headings of the sheets, which
    /// are Chinese.
    /// </summary>
    private static readonly string[] Data =
    [
        "样例",
        "年土地流转收入",
        "年集体收入",
        "本年度正常缴费的本集体成员",
        "村务公开栏",
        "姓名",
        "身份证号",
        "入账日期",
        "年度",
        "记录性质",
    ];

    [Fact]
    public async Task A_page_in_English_has_no_Chinese_but_what_people_typed()
    {
        var own = OwnWords();
        Assert.True(own.Count > 1_000, $"{own.Count} words");
        var faults = new SortedSet<string>();
        foreach (var role in EveryPageTests.Pages.GroupBy(p => p.Role))
        {
            await using var visitor = await web.VisitAsync(role.Key);
            await visitor.Page.GotoAsync("/language?to=en");
            foreach (var (route, _, template) in role)
            {
                await visitor.Page.GotoAsync(web.At(template));
                await visitor.DrawnAsync();
                foreach (var text in await visitor.Page.EvaluateAsync<string[]>(Texts))
                    faults.UnionWith(
                        Runs(text)
                            .Where(own.Contains)
                            .Except(Data)
                            .Concat(Punctuation().Matches(text).Select(m => m.Value))
                            .Select(run => $"{route}: {run} in {text.Trim()}")
                    );
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    /// <summary>For developers and for whoever sets up the interface with the agency's own system.</summary>
    private static readonly string[] ForDevelopers = ["/docs/problems"];

    /// <summary>
    /// Where a page speaks the language of programs, or its words do not stand apart: looked at in the walk of
    /// <see cref="EveryPageTests"/>.
    /// </summary>
    internal static async Task<IReadOnlyList<string>> FaultsAsync(IPage page, string route)
    {
        var faults = (await page.EvaluateAsync<string[]>(Untidy)).ToList();
        if (!ForDevelopers.Contains(route))
            foreach (var line in (await page.EvaluateAsync<string>(WithoutIds)).Split('\n'))
                faults.AddRange(
                    OfPrograms().Matches(Ids().Replace(line, "")).Select(m => $"{m.Value} in {line.Trim()}")
                );
        return faults;
    }

    /// <summary>Ids, digests and files are no words; they are set in another type.</summary>
    private const string WithoutIds = """
        () => {
          const style = document.head.appendChild(document.createElement('style'));
          style.textContent = '.mono,pre,code { display: none !important }';
          const text = document.body.innerText;
          style.remove();
          return text;
        }
        """;

    [GeneratedRegex(@"\b[a-z]+(?:-[a-z]+)*-[0-9a-zA-Z]{8,}|\bledger-verify\b|collective-subsidy-ledger/\w+")]
    private static partial Regex Ids();

    /// <summary>
    /// Paths and methods of the API, parameters, JSON, names of types and fields, half-open intervals.
    /// </summary>
    [GeneratedRegex(
        @"/api/\S*|\b(?:GET|POST|PUT|DELETE) /|\b\w+=\w+|\{""|""\w+"":|\b[a-z]+[A-Z]\w*|\b[A-Z][a-z]+[A-Z]\w*"
            + @"|\([CL]\d+(?: [CL]\d+)*\)|\[\d+, ?\d+\)|\b[a-z]{3,}(?:-[a-z]{3,})+\b"
            + @"|\b(?:general|available|reserved|credited|true|false|null)\b"
    )]
    private static partial Regex OfPrograms();

    /// <summary>The server names a field as programs do; the page says what stands beside it.</summary>
    [Fact]
    public async Task A_field_is_called_what_stands_beside_it()
    {
        await using var visitor = await web.VisitAsync("COUNTY_HRSS");
        var page = visitor.Page;
        await page.GotoAsync("/donors");
        var form = page.Locator("form[data-api='POST /api/donors']");
        await form.Locator("[name=name]").FillAsync("13905371234");
        await form.Locator("[name=creditCode]").FillAsync("53370811MJ0000001X");
        await visitor.ClickAsync("登记");
        await Assertions.Expect(form.GetByText("名称或姓名 中有手机号码")).ToBeVisibleAsync();
    }

    /// <summary>In English a field's name is a word as well.</summary>
    [Fact]
    public async Task A_word_that_is_also_a_fields_name_stays_a_word()
    {
        await using var visitor = await web.VisitAsync("VILLAGE");
        var page = visitor.Page;
        await page.GotoAsync("/language?to=en");
        await page.GotoAsync(web.At("/funds/{fund}/allocations/new"));
        await page.Locator("[name=amount]").FillAsync("abc");
        await page.Locator("[name=source]").First.CheckAsync();
        await page.Locator("[name=sourceName]").FillAsync("2026 rent");
        await page.SetInputFilesAsync("input[name=evidence]", web.Sample.At("bank-slip.pdf"));
        await page.Locator("main form button:not([type])").First.ClickAsync();
        await visitor.SeesAsync("“abc” is no amount in yuan");
    }

    /// <summary>A link to a file, followed where it is refused or where nobody is signed in any more.</summary>
    [Theory]
    [InlineData("VILLAGE", "/api/exports/log", "本角色不能办理此事项")]
    [InlineData("AUDITOR", "/api/audit/events/999999999/receipt", "未找到")]
    [InlineData("AUDITOR", "/api/exports/journal?format=none", "内容无效")]
    [InlineData("VILLAGE", "/plans?x=%00", "请求内容无法读取")]
    public async Task A_link_that_is_refused_answers_a_page(string role, string path, string title)
    {
        await using var visitor = await web.VisitAsync(role);
        var answer = await visitor.Page.GotoAsync(path);
        Assert.StartsWith("text/html", answer!.Headers["content-type"], StringComparison.Ordinal);
        await Assertions.Expect(visitor.Page.GetByRole(AriaRole.Heading, new() { Level = 1 })).ToHaveTextAsync(title);
        await visitor.Page.Context.ClearCookiesAsync();
        await visitor.Page.GotoAsync("/api/exports/log");
        Assert.Contains("/sign-in?back=", visitor.Page.Url, StringComparison.Ordinal);
    }

    /// <summary>
    /// What stands beside something else with no room between; boxes that stand above what they tick; examples that
    /// look like what somebody typed.
    /// </summary>
    private const string Untidy = """
        () => {
          const seen = e => e && e.getClientRects().length > 0, found = [];
          for (const e of document.querySelectorAll('main a, main button, main summary, main .badge, main details')) {
            const next = e.nextElementSibling, between = e.nextSibling;
            if (!seen(e) || !next || !seen(next) || next.matches('details[open],br')) continue;
            if (between !== next && between.data?.trim()) continue;
            const a = e.getBoundingClientRect(), b = next.getBoundingClientRect();
            if (Math.abs(a.top - b.top) < 8 && b.left >= a.left && b.left - a.right < 3 && b.width < 400)
              found.push(`glued: ${e.textContent.trim().slice(0, 20)}|${next.textContent.trim().slice(0, 20)}`);
          }
          for (const e of document.querySelectorAll('label > input[type=checkbox], label > input[type=radio]')) {
            const text = e.nextSibling;
            if (!seen(e) || text?.nodeType !== 3 || !text.data.trim()) continue;
            const range = document.createRange();
            range.selectNode(text);
            if (range.getClientRects()[0].top >= e.getBoundingClientRect().bottom - 1)
              found.push(`above its label: ${text.data.trim()}`);
          }
          for (const e of document.querySelectorAll('[placeholder]'))
            if (seen(e) && Number(getComputedStyle(e, '::placeholder').fontWeight) > 400)
              found.push(`bold: ${e.placeholder}`);
          return found;
        }
        """;
}
