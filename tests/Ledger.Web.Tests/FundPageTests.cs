using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>A fund's year and its balances as they were known.</summary>
[Collection("web")]
public sealed class FundPageTests(WebFixture web)
{
    [Fact]
    public async Task C24_who_closes_a_year_is_told_so_and_the_slider_stands_at_the_end_for_today()
    {
        var (village, _) = await web.VillageAsync("379111", "西坡村股份经济合作社");
        var last = Clock.Day(DateTimeOffset.UtcNow).Year - 1;
        await village.AllocateAsync(1_000, effectiveDate: new DateOnly(last, 6, 30));
        await using var officer = await web.VisitAsAsync(village.Officer.Actor);
        var page = officer.Page;
        var slider = page.GetByLabel("按哪个时刻的记录");
        async Task AtTheEndAsync()
        {
            await officer.SeesAsync("按 现在 的记录");
            await Assertions.Expect(slider).ToHaveValueAsync((await slider.GetAttributeAsync("max"))!);
            // What is left beside the track would look like a step that is not taken.
            await Assertions.Expect(slider).ToHaveCSSAsync("padding-right", "0px");
        }
        await page.GotoAsync($"/funds/{village.FundId}/trial-balance");
        await AtTheEndAsync();
        await slider.FocusAsync();
        await page.Keyboard.PressAsync("Home");
        await officer.SeesAsync("那时账上没有任何资金");
        // Back at today's records, the slider is as well.
        await page.GoBackAsync();
        await AtTheEndAsync();
        await officer.ShootAsync("trial-balance-today");

        await page.GotoAsync($"/funds/{village.FundId}");
        await officer.ClickAsync($"年度结账 {last}");
        await page.WaitForURLAsync($"**/trial-balance?at={last}-12-31");
        await officer.SeesAsync($"{last} 年已结账，这是封存的余额");
        await officer.SeesAsync("已随年度结账封存");
        await AtTheEndAsync();
        await officer.ShootAsync("year-closed");
    }

    [Theory]
    [InlineData("/funds/{fund}")]
    [InlineData("/audit?id={fund}")]
    public async Task An_auditor_comes_to_the_comparison_from_the_fund_and_from_its_events(string path)
    {
        await using var auditor = await web.VisitAsync("AUDITOR", 1366, 768);
        await auditor.Page.GotoAsync(web.At(path));
        await auditor.ShootAsync($"to-comparison-{path.Split('/', '?')[1]}");
        await auditor.Page.GetByRole(AriaRole.Link, new() { Name = "比较两个年度或两个日期" }).ClickAsync();
        await auditor.Page.WaitForURLAsync(web.At("**/comparison?fund={fund}"));
    }

    [Fact]
    public async Task What_is_asked_before_an_amount_is_booked_is_the_amount_as_it_will_stand()
    {
        await using var village = await web.VisitAsync("VILLAGE", 1366, 768);
        var page = village.Page;
        await page.GotoAsync(web.At("/funds/{fund}/allocations/new"));
        // Asked, and not done.
        await page.EvaluateAsync("() => { window.confirm = text => { window.asked = text; return false; }; }");
        await page.GetByLabel("来源说明").FillAsync(" 土地流转 ");
        await page.SetInputFilesAsync("input[name=evidence]", web.Sample.At("bank-slip.pdf"));
        foreach (
            var (typed, said) in new[]
            {
                ("200", "200.00 元"),
                ("１２，３４５．６", "12,345.60 元"),
                ("0.05", "0.05 元"),
                ("¥1,200元", "1,200.00 元"),
            }
        )
        {
            await page.GetByLabel("金额（元）").FillAsync(typed);
            await village.ClickAsync("登记");
            Assert.Equal(
                $"登记划入 {said}，来源：土地流转。确定？",
                await page.EvaluateAsync<string>("() => window.asked")
            );
        }
    }

    [Fact]
    public async Task The_slider_of_a_fund_without_a_single_record_stands_at_its_end_too()
    {
        var (village, _) = await web.VillageAsync("379011", "东坡村股份经济合作社", money: 0);
        await using var officer = await web.VisitAsAsync(village.Officer.Actor);
        await officer.Page.GotoAsync($"/funds/{village.FundId}/trial-balance");
        var slider = officer.Page.GetByLabel("按哪个时刻的记录");
        Assert.NotEqual("0", await slider.GetAttributeAsync("max"));
        await Assertions.Expect(slider).ToHaveValueAsync((await slider.GetAttributeAsync("max"))!);
    }
}
