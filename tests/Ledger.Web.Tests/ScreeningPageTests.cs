namespace Ledger.Web.Tests;

/// <summary>An auditor looks through a year: opens a finding, answers it, closes it, prints the report.</summary>
[Collection("web")]
public sealed class ScreeningPageTests(WebFixture web)
{
    [Fact]
    public async Task A_year_is_opened_a_finding_is_answered_and_closed_and_the_report_is_printed()
    {
        await using var auditor = await web.VisitAsync("AUDITOR", 1366, 768);
        var page = auditor.Page;
        await page.GotoAsync("/");
        await page.GetByRole(AriaRole.Link, new() { Name = "年度筛查", Exact = true }).ClickAsync();
        var year = $"/screening?year={web.Ids["year"]}";
        await page.GotoAsync(year);
        await Assertions.Expect(page.Locator("#screens tbody > tr")).ToHaveCountAsync(12);
        await Assertions.Expect(page.Locator("#digits [data-drawn]")).ToHaveCountAsync(1);
        await auditor.ShootAsync("story-screening");

        // From the list to what a finding is about in one click.
        var hasty = page.Locator("#hasty .findings tbody > tr").Last;
        var says = await hasty.Locator("td").First.InnerTextAsync();
        await hasty.Locator("td").Nth(2).GetByRole(AriaRole.Link).First.ClickAsync();
        await page.WaitForURLAsync("**/applications/application-*");
        await page.GoBackAsync();

        await page.Locator("#hasty .findings tbody > tr")
            .Last.Locator("td")
            .First.GetByRole(AriaRole.Link)
            .ClickAsync();
        await page.WaitForURLAsync("**/screening/screening-finding-*");
        await auditor.SeesAsync(says);
        await auditor.ShootAsync("story-screening-finding");
        var finding = new Uri(page.Url).AbsolutePath;

        // Nothing seen is no answer.
        await page.GetByLabel("核查结论").FillAsync("名单短，纸质材料事先看过");
        await auditor.ClickAsync("记下核查");
        await auditor.SeesAsync("应勾选或写明看过的材料");
        await page.Locator("input[name='evidence[]']").First.CheckAsync();
        await auditor.ClickAsync("记下核查");
        await auditor.SeesAsync("核查已记下");
        await Assertions.Expect(page.Locator("#record")).ToContainTextAsync("名单短，纸质材料事先看过");

        await WhoActedExplainsAsync(auditor, finding);
        await page.GetByLabel("理由").FillAsync("说明与原件一致");
        await auditor.ClickAsync("办结疑点");
        await auditor.SeesAsync("疑点已办结");
        await Assertions.Expect(page.Locator("#record")).ToContainTextAsync("没有问题");
        await auditor.ShootAsync("story-screening-closed");

        var printed = string.Concat(await PrintTests.PrintedAsync(auditor, finding, "finding"));
        foreach (var word in (string[])["疑点", "名单短", "说明与原件一致", "编制", "复核"])
            Assert.Contains(word, printed, StringComparison.Ordinal);
        Assert.DoesNotContain("重新打开疑点", printed, StringComparison.Ordinal);
        var report = string.Concat(await PrintTests.PrintedAsync(auditor, year, "screening"));
        foreach (var word in (string[])["筛查项目", "本福特定律", "几分钟内审批", "已办结", "可能的正当原因", "编制"])
            Assert.Contains(word, report, StringComparison.Ordinal);

        await page.GotoAsync($"{year}&state=closed");
        await Assertions.Expect(page.Locator("#hasty .findings tbody > tr")).ToHaveCountAsync(1);
        using var sheet = new HttpRequestMessage(HttpMethod.Get, $"{web.Address}/screening.xlsx");
        sheet.Headers.Authorization = new("Bearer", web.Sample.Variable("AUDITOR"));
        using var answer = await web.Sample.Http.SendAsync(sheet);
        Assert.Equal("PK", System.Text.Encoding.ASCII.GetString((await answer.Content.ReadAsByteArrayAsync())[..2]));

        await page.SetViewportSizeAsync(390, 844);
        foreach (var (path, name) in ((string, string)[])[(year, "year"), (finding, "finding")])
        {
            await page.GotoAsync(path);
            await auditor.ShootAsync($"390-screening-{name}");
        }
    }

    /// <summary>Who acted finds the finding in the trail, and explains it; the auditor sees it.</summary>
    private async Task WhoActedExplainsAsync(Visitor auditor, string finding)
    {
        await using var reviewer = await web.VisitAsync("REVIEWER", 1366, 768);
        await reviewer.Page.GotoAsync($"/audit?id={finding.Split('/')[^1]}");
        await reviewer.Page.Locator($"a[href='{finding}']").First.ClickAsync();
        await reviewer.Page.GetByLabel("说明").FillAsync("当天集中办理");
        await reviewer.ClickAsync("交给审计");
        await reviewer.SeesAsync("说明已交给审计");
        await Assertions.Expect(reviewer.Page.Locator("#record")).ToContainTextAsync("当天集中办理");
        await reviewer.ShootAsync("story-screening-explained");
        await auditor.Page.ReloadAsync();
        await Assertions.Expect(auditor.Page.Locator("h2 .badge")).ToHaveTextAsync("已说明");
    }
}
