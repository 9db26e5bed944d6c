using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>What is missing is said where it is missing, and what was typed stays.</summary>
[Collection("web")]
public sealed class RefusedFormTests(WebFixture web)
{
    [Fact]
    public async Task A_roster_without_a_reason_is_not_fetched_and_the_page_says_what_is_missing()
    {
        await using var village = await web.VisitAsync("VILLAGE", 1366, 768);
        var page = village.Page;
        await page.GotoAsync(web.At("/applications/new?plan={plan}"));
        await village.ClickAsync("下载预填名单");
        await village.SeesAsync("没有写理由，不能下载");
        await Assertions.Expect(page.GetByLabel("下载理由")).ToBeFocusedAsync();
        await Assertions.Expect(page.GetByLabel("下载理由")).ToHaveAttributeAsync("aria-invalid", "true");
        await village.ShootAsync("refused-no-reason");
        // The server's own refusal stands there too; then the file comes, and nothing is left of it.
        await page.GetByLabel("下载理由").FillAsync("电话 13800138000 要的");
        await village.ClickAsync("下载预填名单");
        await village.SeesAsync("手机号");
        await page.GetByLabel("下载理由").FillAsync("填报名单");
        var file = await page.RunAndWaitForDownloadAsync(() => page.GetByLabel("下载理由").PressAsync("Enter"));
        Assert.EndsWith(".xlsx", file.SuggestedFilename, StringComparison.Ordinal);
        await Assertions.Expect(page.Locator("#check .problem")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task A_number_on_the_notice_is_one_also_in_full_width_and_a_word_is_refused_before_it_is_sent()
    {
        await using var villager = await web.VisitAsync(null, 390, 844);
        var page = villager.Page;
        await page.GotoAsync($"/notices/{(await NoticedAsync("379911")).ApplicationId}");
        await page.Locator("#object textarea").FillAsync("请核对");
        await page.GetByLabel("名单中的哪一位").FillAsync("张三");
        await villager.ClickAsync("提交异议");
        await villager.SeesAsync("名单中的哪一位：应为数字");
        await Assertions.Expect(page.Locator("#object textarea")).ToHaveValueAsync("请核对");
        await page.GetByLabel("名单中的哪一位").FillAsync("９９９９");
        await villager.ClickAsync("提交异议");
        await villager.SeesAsync("公示名单中没有这个序号");
        await villager.ShootAsync("390-refused-number");
    }

    [Fact]
    public async Task Whoever_pastes_his_whole_id_sends_its_last_four_and_nothing_more_of_it()
    {
        var (application, people) = await NoticedAsync("379511");
        await using var villager = await web.VisitAsync(null, 390, 844);
        var page = villager.Page;
        var sent = new List<string>();
        page.Request += (_, request) => sent.Add($"{request.Url} {request.PostData}");
        await page.GotoAsync($"/notices/{application}/own");
        var four = page.GetByLabel("身份证号后四位");
        async Task PasteAsync(string text)
        {
            await four.FillAsync("");
            await four.FocusAsync();
            await page.Keyboard.InsertTextAsync(text);
        }
        await PasteAsync(" 123x ");
        await Assertions.Expect(four).ToHaveValueAsync("123X");
        await PasteAsync("１２３ ４");
        await Assertions.Expect(four).ToHaveValueAsync("1234");
        var id = people[0].CitizenId;
        await PasteAsync($" {id}\t");
        await Assertions.Expect(four).ToHaveValueAsync(id[^4..]);
        await page.GetByLabel("姓名").FillAsync(people[0].Name);
        await villager.ShootAsync("390-own-line-pasted");
        await villager.ClickAsync("查询");
        await page.WaitForURLAsync("**/own-lines/**");
        await villager.SeesAsync("100.00");
        Assert.Contains(sent, s => s.Contains($"\"idLastFour\":\"{id[^4..]}\"", StringComparison.Ordinal));
        Assert.DoesNotContain(sent, s => s.Contains(id[^5..], StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>An empty list would be taken for an answer.</summary>
    [Theory]
    [InlineData("COUNTY_HRSS", "/applications?from=2026-05-01&until=2026-04-30", "从哪天：起始日期不能晚于截止日期")]
    [InlineData("AUDITOR", "/audit?since=2026-05-01&until=2026-04-30", "从哪天：起始日期不能晚于截止日期")]
    [InlineData("AUDITOR", "/audit?minAmount=200&maxAmount=100.50", "金额从：起始金额不能大于截止金额")]
    public async Task What_is_asked_for_the_wrong_way_round_is_said_at_its_field(string role, string path, string said)
    {
        await using var official = await web.VisitAsync(role, 1366, 768);
        var page = official.Page;
        await page.GotoAsync(path);
        await official.SeesAsync(said);
        var field = page.GetByLabel(said[..said.IndexOf('：', StringComparison.Ordinal)], new() { Exact = true });
        await Assertions.Expect(field).ToHaveAttributeAsync("aria-invalid", "true");
        await official.ShootAsync(
            $"refused-order-{(path.Contains("Amount", StringComparison.Ordinal) ? "amount" : role)}"
        );
        await field.FillAsync(path.Contains("Amount", StringComparison.Ordinal) ? "100" : "2026-04-30");
        await official.ClickAsync("改正后再查");
        await Assertions.Expect(page.Locator("form[data-filter]")).ToHaveCountAsync(1);
    }

    [Fact]
    public async Task What_was_wrong_before_is_not_said_of_what_is_sent_now()
    {
        await using var villager = await web.VisitAsync(null, 390, 844);
        var page = villager.Page;
        await page.GotoAsync($"/notices/{(await NoticedAsync("379211")).ApplicationId}");
        await page.Locator("#object textarea").FillAsync("请核对");
        await page.GetByLabel("名单中的哪一位").FillAsync("张三");
        await villager.ClickAsync("提交异议");
        await villager.SeesAsync("名单中的哪一位：应为数字");
        // That is corrected, and now something else is missing: the browser says so itself.
        await page.GetByLabel("名单中的哪一位").FillAsync("1");
        await page.Locator("#object textarea").FillAsync("");
        await villager.ClickAsync("提交异议");
        await Assertions.Expect(page.Locator(".problem")).ToHaveCountAsync(0);
        await Assertions.Expect(page.Locator("[aria-invalid]")).ToHaveCountAsync(0);
    }

    /// <summary>A notice that runs: the sample's ends when another test lets days go by.</summary>
    private async Task<(string ApplicationId, IReadOnlyList<SamplePerson> People)> NoticedAsync(string county)
    {
        var (village, people) = await web.VillageAsync(county, "坡上村股份经济合作社");
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        return (village.ApplicationId, people);
    }

    [Fact]
    public async Task A_comparison_asks_for_years_or_for_dates_and_keeps_a_year_of_two_digits()
    {
        await using var county = await web.VisitAsync("COUNTY_HRSS", 1366, 768);
        var page = county.Page;
        await page.GotoAsync("/comparison");
        await Assertions.Expect(page.GetByLabel("从哪天")).ToBeHiddenAsync();
        await page.GetByLabel("怎样比").SelectOptionAsync("dates");
        await Assertions.Expect(page.GetByLabel("年度", new() { Exact = true })).ToBeHiddenAsync();
        await page.GetByLabel("从哪天").FillAsync($"{DateTime.UtcNow.Year}-01-01");
        await county.ClickAsync("筛选");
        await page.WaitForURLAsync("**from=*");
        Assert.DoesNotContain("year=", page.Url, StringComparison.Ordinal);
        await county.SeesAsync("期末比期初（元）");
        await page.GotoAsync("/comparison?year=26&against=2025");
        await county.ShootAsync("refused-year");
        await page.GetByLabel("年度", new() { Exact = true }).FillAsync($"{DateTime.UtcNow.Year}");
        await county.ClickAsync("改正后再查");
        await county.SeesAsync("各资金");
        Assert.Contains("against=2025", page.Url, StringComparison.Ordinal);
        await county.ShootAsync("comparison-years");
        await page.SetViewportSizeAsync(390, 844);
        await county.ShootAsync("390-comparison-years");
    }

    /// <summary>Two of one name are told apart by the last four of the id: they stand inside the box.</summary>
    [Theory]
    [InlineData("COUNTY_HRSS", "/applications/{noticed}")]
    [InlineData("REVIEWER", "/applications/{noticed}")]
    [InlineData("REVIEWER", "/applications/{paid}")]
    public async Task A_list_of_people_cuts_off_none_of_them(string role, string path)
    {
        await using var official = await web.VisitAsync(role, 1366, 768);
        var page = official.Page;
        await page.GotoAsync(web.At(path));
        await page.EvaluateAsync("() => document.querySelectorAll('details').forEach(d => { d.open = true; })");
        var selects = page.Locator("select[name=memberId]");
        Assert.True(await selects.CountAsync() > 0, $"{path} has no list of people");
        var cut = await selects.EvaluateAllAsync<string[]>(
            """
            selects => {
              const context = document.createElement('canvas').getContext('2d');
              return selects.flatMap(select => {
                const style = getComputedStyle(select);
                context.font = style.font;
                // The arrow takes some 20 px of what is inside.
                const room = select.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight) - 20;
                return [...select.options].map(o => o.textContent.trim().replace(/\s+/g, ' '))
                  .filter(text => context.measureText(text).width > room)
                  .map(text => `${text}: ${context.measureText(text).width} px in ${room}`);
              });
            }
            """
        );
        Assert.Empty(cut);
        Assert.Contains("…", await selects.First.InnerTextAsync(), StringComparison.Ordinal);
        await official.ShootAsync($"select-{role}");
    }
}
