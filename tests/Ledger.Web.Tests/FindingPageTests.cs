using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Store;

namespace Ledger.Web.Tests;

/// <summary>
/// A finding about the database, on the page 存证: an auditor answers it, another person closes it. In a ledger of its
/// own, whose alarm rings for nobody else.
/// </summary>
[Collection("web")]
public sealed class FindingPageTests(WebFixture web)
{
    private async Task<IPage> OpenAsync(Product product, string name, string role)
    {
        var tokens = new Tokens(product.Keys, TimeProvider.System);
        var token = tokens.Issue(new Actor(name, role, "3708"), TimeSpan.FromDays(1));
        var context = await web.Browser.NewContextAsync(
            new()
            {
                BaseURL = $"{product.Http.BaseAddress}",
                Locale = "zh-CN",
                TimezoneId = "Asia/Shanghai",
                ViewportSize = new() { Width = 1366, Height = 768 },
                ExtraHTTPHeaders = new Dictionary<string, string> { ["Authorization"] = $"Bearer {token}" },
            }
        );
        var page = await context.NewPageAsync();
        page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
        await page.GotoAsync("/proof");
        return page;
    }

    private static Task ShootAsync(IPage page, string name) =>
        page.ScreenshotAsync(new() { Path = Path.Combine(Visitor.Screenshots, $"{name}.png"), FullPage = true });

    [Fact]
    public async Task C20_a_finding_is_answered_by_an_auditor_and_closed_by_another_person_on_the_page()
    {
        await using var product = await Product.StartAsync(web.Api, "ledger_finding_page", asProcess: true);
        await product.EditAsync(
            $"""
            update ledger.mt_doc_fund set data = jsonb_set(data, '{"{availableFen}"}', '7')
             where id = '{product.Village.FundId}'
            """
        );
        await product.Village.AllocateAsync(1);
        Directory.CreateDirectory(Visitor.Screenshots);
        var auditor = await OpenAsync(product, "auditor.3708", Roles.Auditor);
        var finding = auditor.Locator("#findings li").First;
        await Assertions.Expect(finding).ToHaveClassAsync("problem");
        await finding.Locator("summary").First.ClickAsync();
        await finding.GetByLabel("看过的材料").FillAsync("昨日备份、服务器日志");
        await finding.GetByLabel("核查结论").FillAsync("演练时改过一份文档，账目没有变动");
        await ShootAsync(auditor, "story-finding-open");
        await auditor.GetByRole(AriaRole.Button, new() { Name = "记下核查" }).ClickAsync();
        await Assertions.Expect(auditor.Locator("#findings")).ToContainTextAsync("已核查，等另一人办结。");
        await Assertions.Expect(auditor.Locator("#findings")).ToContainTextAsync("演练时改过一份文档");

        var city = await OpenAsync(product, "hrss.3708", Roles.CityHrss);
        var open = city.Locator("#findings li").First;
        await open.Locator("summary").First.ClickAsync();
        await open.GetByLabel("结果").SelectOptionAsync("corrected");
        await open.GetByLabel("理由").FillAsync("文档已由事件重算");
        await city.GetByRole(AriaRole.Button, new() { Name = "办结这项发现" }).ClickAsync();
        await Assertions.Expect(city.Locator(".tile").First).ToContainTextAsync("有过发现，都已办结");
        await Assertions.Expect(city.Locator("#findings")).ToContainTextAsync("文档已由事件重算");
        await ShootAsync(city, "story-finding-closed");

        await auditor.ReloadAsync();
        await Assertions.Expect(auditor.Locator("#findings li").First).ToHaveClassAsync("done");
        await auditor.SetViewportSizeAsync(390, 844);
        await ShootAsync(auditor, "390-finding");
        await auditor.Context.CloseAsync();
        await city.Context.CloseAsync();
    }
}
