using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>A list of people mended on the page of a new application.</summary>
[Collection("web")]
public sealed class RosterPageTests(WebFixture web)
{
    private const string Heading = "姓名,身份证号,补助金额";

    private static FilePayload File(params string[] rows) =>
        new()
        {
            Name = "名单.csv",
            MimeType = "text/csv",
            Buffer = System.Text.Encoding.UTF8.GetBytes(string.Join('\n', [Heading, .. rows])),
        };

    [Fact]
    public async Task The_ring_of_a_faulty_field_covers_none_of_what_is_wrong_with_it()
    {
        await using var village = await web.VisitAsync("VILLAGE", 1366, 768);
        var page = village.Page;
        await page.GotoAsync(web.At("/applications/new?plan={plan}"));
        await page.SetInputFilesAsync("input[name=roster]", File("张三,37081119900909004X,"));
        var fault = page.Locator("#roster small.fault").First;
        await Assertions.Expect(fault).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("#roster input[aria-invalid]").First).ToBeFocusedAsync();
        await village.ShootAsync("roster-ring");
        var room = await page.EvaluateAsync<double>(
            """
            () => {
              const field = document.activeElement, style = getComputedStyle(field);
              const message = field.parentElement.querySelector('.fault');
              const beneath = message.getBoundingClientRect().top - field.getBoundingClientRect().bottom;
              return beneath - parseFloat(style.outlineWidth) - parseFloat(style.outlineOffset);
            }
            """
        );
        Assert.True(room >= 0, $"{-room} px of the message are covered");
    }

    [Fact]
    public async Task A_refusal_of_a_list_is_not_said_of_the_list_that_is_checked_after_it()
    {
        var (village, people) = await web.VillageAsync("379411", "湾头村股份经济合作社");
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await using var officer = await web.VisitAsAsync(village.Officer.Actor);
        var page = officer.Page;
        await page.GotoAsync($"/applications/new?plan={village.PlanId}");
        await page.SetInputFilesAsync("input[name=roster]", File([.. people.Select(p => $"{p.Name},{p.CitizenId},")]));
        await officer.SeesAsync("名单没有问题");
        await page.SetInputFilesAsync("input[name=seal]", web.Sample.At("bank-slip.pdf"));
        await page.RouteAsync(
            "**/api/applications",
            route =>
                route.FulfillAsync(
                    new()
                    {
                        Status = 409,
                        ContentType = "application/problem+json",
                        Body = """{"title":"没有办成","detail":"名单上有一人刚刚去世"}""",
                    }
                )
        );
        await officer.ClickAsync("提交申请");
        await officer.SeesAsync("名单上有一人刚刚去世");
        await page.UnrouteAllAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = "删除行" }).First.ClickAsync();
        await officer.ClickAsync("重新核对");
        await Assertions.Expect(page.Locator("[data-ready]")).ToBeVisibleAsync();
        await Assertions.Expect(page.Locator("[data-total=people]")).ToHaveTextAsync("1");
        await Assertions.Expect(page.GetByText("名单上有一人刚刚去世")).ToHaveCountAsync(0);
        await officer.ClickAsync("提交申请");
        await page.WaitForURLAsync("**/applications/application-*");
    }
}
