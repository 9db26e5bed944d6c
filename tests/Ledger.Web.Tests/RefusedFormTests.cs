using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Store;

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
        await page.GotoAsync($"/notices/{await NoticedAsync()}");
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

    /// <summary>
    /// A notice that runs, in a city of its own: the sample's ends when another test lets days go by.
    /// </summary>
    private async Task<string> NoticedAsync()
    {
        var tokens = new Tokens(KeyFile.LoadOrCreate(web.Sample.At("keys.json")), TimeProvider.System);
        var offices = new SampleOffices(actor => new SampleClient(web.Sample.Http, tokens, actor), "379911");
        var today = Clock.Day(DateTimeOffset.UtcNow);
        await offices.PublishPolicyAsync(today.Year);
        await offices.OpenPilotAsync();
        var village = new SampleVillage(offices, "379911101201", "坡上村股份经济合作社", 1, today.Year);
        var people = new SamplePeople(379911).Take(2, "379911");
        await village.RegisterAsync();
        await village.AllocateAsync(1_000);
        await village.PrepareAsync(people, 100, today);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        return village.ApplicationId;
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
