using System.Globalization;
using System.Text.RegularExpressions;

namespace Ledger.Web.Tests;

/// <summary>The pages that offices hand in, as they come out of the printer: A4, nothing cut off, numbered.</summary>
[Collection("web")]
public sealed partial class PrintTests(WebFixture web)
{
    /// <summary>A4 in points, and the margin in which no word stands but the page's number.</summary>
    private const double Width = 595.3,
        Height = 841.9,
        Margin = 40;

    [GeneratedRegex("""<page width="([0-9.]+)" height="([0-9.]+)">""")]
    private static partial Regex Page();

    [GeneratedRegex("""<word xMin="([0-9.-]+)" yMin="[0-9.-]+" xMax="([0-9.-]+)" yMax="[0-9.-]+">(.*?)</word>""")]
    private static partial Regex Word();

    private static double Number(Group group) => double.Parse(group.Value, CultureInfo.InvariantCulture);

    /// <summary>What stands on each sheet; fails where a word is cut off or the sheet is none of A4.</summary>
    internal static async Task<IReadOnlyList<string>> PrintedAsync(Visitor visitor, string path, string name)
    {
        await visitor.Page.GotoAsync(path);
        await visitor.DrawnAsync();
        var file = Path.Combine(AppContext.BaseDirectory, $"print-{name}.pdf");
        await visitor.Page.PdfAsync(new() { Path = file, PreferCSSPageSize = true });
        var (exit, boxes) = Programs.Run("pdftotext", ["-bbox", file, "-"]);
        Assert.True(exit == 0, boxes);
        Assert.All(
            Page().Matches(boxes),
            p =>
            {
                Assert.Equal(Width, Number(p.Groups[1]), 1.5);
                Assert.Equal(Height, Number(p.Groups[2]), 1.5);
            }
        );
        var cut = Word()
            .Matches(boxes)
            .Where(w => Number(w.Groups[1]) < Margin || Number(w.Groups[2]) > Width - Margin)
            .Select(w => w.Groups[3].Value);
        Assert.Empty(cut);
        var drawn = await visitor.Page.EvaluateAsync<string[]>(
            "() => [...document.querySelectorAll('[data-chart] svg text')].map(t => t.textContent)"
        );
        // A number and its unit are in two fonts, and so two words.
        var words = Word().Matches(boxes).Select(w => w.Groups[3].Value).ToHashSet();
        var missing = drawn.Where(t => !words.Contains(t) && !words.Contains(Regex.Match(t, "[0-9.]+").Value));
        Assert.Equal([], missing);
        var (_, text) = Programs.Run("pdftotext", ["-layout", file, "-"]);
        var pages = text.Split('\f')[..^1];
        Assert.Equal(
            Enumerable.Range(1, pages.Length).Select(n => $"第{n}页/共{pages.Length}页"),
            pages.Select(p => Regex.Replace(p.TrimEnd().Split('\n')[^1], @"\s", ""))
        );
        var (_, info) = Programs.Run("pdfinfo", [file]);
        Assert.Contains($"Pages:           {pages.Length}\n", info, StringComparison.Ordinal);
        return pages;
    }

    [Fact]
    public async Task A_voucher_a_dossier_and_an_estimate_are_printed_on_A4_with_nothing_cut_off()
    {
        await using var officer = await web.VisitAsync("VILLAGE");
        var voucher = Assert.Single(await PrintedAsync(officer, web.Ids["voucher"], "voucher"));
        foreach (var word in (string[])["记账凭证", "摘要", "合计", "制单", "审核", "审批", "出纳"])
            Assert.Contains(word, voucher, StringComparison.Ordinal);
        Assert.DoesNotContain("下载", voucher, StringComparison.Ordinal);
        var dossier = Assert.Single(await PrintedAsync(officer, $"/plans/{web.Ids["plan"]}/dossier", "dossier"));
        foreach (var word in (string[])["四议", "两公开", "村监委会签字", "乡镇会签", "盖章"])
            Assert.Contains(word, dossier, StringComparison.Ordinal);
        // People and offices, no accounts.
        Assert.DoesNotMatch("(officer|committee|township)\\.[0-9]", dossier);
        await using var agency = await web.VisitAsync("REVIEWER");
        var estimate = await PrintedAsync(
            agency,
            $"/members/{web.Ids["member"]}/estimate?year={web.Ids["year"]}",
            "estimate"
        );
        Assert.InRange(estimate.Count, 1, 3);
    }

    [Fact]
    public async Task A_list_of_many_people_has_its_headings_on_each_sheet_and_its_total_once()
    {
        await using var visitor = await web.VisitAsync(null);
        var pages = await PrintedAsync(visitor, $"/notices/{web.Ids["noticed"]}", "notice");
        var people = await visitor.Page.Locator("section table").First.Locator("tbody tr").CountAsync();
        Assert.InRange(people, 204, 300);
        Assert.InRange(pages.Count, 2, 4);
        // In two columns, each with its heading, on each sheet.
        Assert.All(pages, p => Assert.Equal(2, Regex.Count(p, "姓名")));
        // Whoever stands before the board finds the page and whom to call.
        Assert.Contains(
            $"/notices/{web.Ids["noticed"]}",
            Regex.Replace(pages[^1], @"\s", ""),
            StringComparison.Ordinal
        );
        Assert.Contains(WebFixture.Contact, pages[^1], StringComparison.Ordinal);
        await using var agency = await web.VisitAsync("REVIEWER");
        var (settled, name) = ($"/applications/{web.Ids["settled"]}", "application");
        await agency.Page.GotoAsync(settled);
        var shown = await agency.Page.Locator("#lines > tr").CountAsync();
        var application = string.Concat(await PrintedAsync(agency, settled, name));
        // All of them, also those that the page had not fetched.
        var ids = Regex.Count(application, @"3708\*{10}\d{3}[\dX]");
        Assert.InRange(ids, shown + 50, 300);
        Assert.Contains("按来源", application, StringComparison.Ordinal);
        // Who filed, reviewed, approved and paid, by name.
        Assert.Matches(@"申请：\s*\S+\s*复核：\s*\S+\s*审批：\s*\S+\s*付款：\s*\S+", application);
        Assert.DoesNotContain("reviewer.", application, StringComparison.Ordinal);
        await using var officer = await web.VisitAsync("VILLAGE");
        var statement = await PrintedAsync(officer, $"/funds/{web.Ids["fund"]}/statement", "statement");
        Assert.Equal(1, statement.Sum(p => Regex.Count(p, "制表")));
        // The total comes after the last person, and not at the foot of each sheet.
        Assert.Equal(1, pages.Sum(p => Regex.Count(p, "(?<!补助)合计")));
        Assert.DoesNotContain("本页提交", pages[0], StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_form_is_filled_with_what_is_known_and_is_blank_where_nothing_is()
    {
        await using var officer = await web.VisitAsync("REVIEWER");
        await officer.Page.GotoAsync($"/applications/{web.Ids["noticed"]}");
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "打印表格" }).ClickAsync();
        await officer.SeesAsync("每张表都是 A4 纸");
        var forms = new Uri(officer.Page.Url).AbsolutePath;
        var links = officer.Page.Locator("main ul.todo a");
        var titles = await links.AllTextContentsAsync();
        Assert.Equal(["会议决议", "申请表", "名单", "公示单", "异议登记表", "汇款清单"], titles);
        var name = await officer.Page.Locator(".crumb a").TextContentAsync();
        foreach (var form in (string[])["resolution", "application", "roster", "notice", "objection", "remittance"])
        {
            var filled = string.Concat(
                await PrintedAsync(officer, $"{forms}/{form}?application={web.Ids["noticed"]}", $"form-{form}")
            );
            var blank = await PrintedAsync(officer, $"{forms}/{form}?application=none", $"form-{form}-blank");
            Assert.Contains(name!.Trim(), filled, StringComparison.Ordinal);
            Assert.Contains("：", string.Concat(blank), StringComparison.Ordinal);
            if (form is "notice" or "remittance")
            {
                Assert.Contains("3708****", filled, StringComparison.Ordinal);
                Assert.DoesNotContain("3708****", string.Concat(blank), StringComparison.Ordinal);
            }
            Assert.InRange(blank.Count, 1, 1);
        }
    }
}
