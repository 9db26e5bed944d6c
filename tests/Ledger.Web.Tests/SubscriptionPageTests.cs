using Ledger.Api.Tests.Faults;

namespace Ledger.Web.Tests;

/// <summary>A subscription from its proposal to what was sent, on pages: an administrator's and an office's.</summary>
[Collection("web")]
public sealed class SubscriptionPageTests(WebFixture web)
{
    [Fact]
    public async Task An_administrator_proposes_an_office_confirms_and_both_see_what_was_sent()
    {
        await using var receiver = await Receiver.StartAsync();
        await using var administrator = await web.VisitAsync("ADMINISTRATOR", 1366, 768);
        var page = administrator.Page;
        await page.GotoAsync("/subscriptions");
        await page.Locator("input[name=name]").FillAsync("省级监管平台");
        await page.Locator("input[name=address]").First.FillAsync("http://10.0.0.1/ledger");
        await administrator.ClickAsync("申请订阅");
        await administrator.SeesAsync("地址在内部网络，推送不到");
        await page.Locator("input[name=address]").First.FillAsync("http://example.cn/ledger");
        await administrator.ClickAsync("申请订阅");
        await administrator.SeesAsync("应为 https 网址");
        await page.Locator("input[name=address]").First.FillAsync(receiver.Address);
        await administrator.ShootAsync("story-subscription-propose");
        await administrator.ClickAsync("申请订阅");
        await administrator.SeesAsync("等县级或市级人社确认");
        await administrator.ClickAsync("试推一条");
        await administrator.SeesAsync("已送达");
        var path = new Uri(page.Url).AbsolutePath;

        await using var office = await web.VisitAsync("COUNTY_HRSS", 1366, 768);
        await office.Page.GotoAsync(path);
        await office.ClickAsync("确认订阅");
        await office.SeesAsync("使用中");
        await page.ReloadAsync();
        await page.GetByText("签名密钥", new() { Exact = true }).ClickAsync();
        await administrator.ClickAsync("更换密钥");
        await administrator.SeesAsync("已更换");
        // What was changed is itself an event of the region.
        for (var i = 0; i < 100 && receiver.Taken.All(m => m.Type != "ledger.events"); i++)
            await Task.Delay(200);
        await page.ReloadAsync();
        await administrator.SeesAsync("个事件");
        await administrator.ShootAsync("story-subscription");
        await page.Locator("input[name=reason]").First.FillAsync("检修");
        await administrator.ClickAsync("暂停");
        await administrator.SeesAsync("已暂停");
        await administrator.ClickAsync("从停下的地方继续");
        await administrator.SeesAsync("使用中");
        await page.SetViewportSizeAsync(390, 844);
        await administrator.ShootAsync("390-subscription");
        await page.GotoAsync("/subscriptions");
        await administrator.ShootAsync("390-subscriptions");
    }
}
