namespace Ledger.Web.Tests;

/// <summary>The one box on every page, at a desk and on a phone.</summary>
[Collection("web")]
public sealed class SearchPageTests(WebFixture web)
{
    [Fact]
    public async Task An_auditor_comes_from_a_citizen_id_to_the_person_and_the_id_stands_in_no_address()
    {
        await using var auditor = await web.VisitAsync("AUDITOR", 1366, 768);
        var page = auditor.Page;
        var addresses = new List<string>();
        page.Request += (_, request) => addresses.Add(request.Url);
        var person = SampleStory.People(SampleStory.Villages[0])[0];
        await page.GotoAsync("/audit");
        var box = page.GetByRole(AriaRole.Searchbox, new() { Name = "搜索" });
        await box.FillAsync($"{person.CitizenId[..6]} {person.CitizenId[6..]}");
        await box.PressAsync("Enter");
        await page.WaitForURLAsync("**/members/member-*/years/*");
        await auditor.SeesAsync(person.CitizenId[^4..]);

        // Nobody, and nobody of his region, read the same.
        var nobody = new SamplePeople(20261128).Next("370811").CitizenId;
        await box.FillAsync(nobody);
        await box.PressAsync("Enter");
        await page.WaitForURLAsync("**/search?none=true");
        await auditor.SeesAsync("没有这个身份证号的人");
        await auditor.ShootAsync("search-none");
        Assert.All(
            addresses,
            a =>
            {
                Assert.DoesNotContain(person.CitizenId[6..], a, StringComparison.Ordinal);
                Assert.DoesNotContain(nobody[6..], a, StringComparison.Ordinal);
            }
        );

        await page.GotoAsync("/search");
        await auditor.SeesAsync("按回车");
        await auditor.ShootAsync("search-empty");
        foreach (
            var (q, heading, picture) in new[]
            {
                (person.Name, "人员", "name"),
                (person.CitizenId[^4..], "人员", "four"),
            }
        )
        {
            await box.FillAsync(q);
            await page.GetByRole(AriaRole.Button, new() { Name = "搜索", Exact = true }).ClickAsync();
            await page.WaitForURLAsync("**/search?q=*");
            await Assertions
                .Expect(page.GetByRole(AriaRole.Heading, new() { Name = heading, Exact = true }))
                .ToBeVisibleAsync();
            await Assertions.Expect(box).ToHaveValueAsync(q);
            // Four digits may be an event's number, too: that list stands below.
            await Assertions.Expect(page.Locator(".found").First).Not.ToContainTextAsync(person.Name);
            await auditor.ShootAsync($"search-{picture}");
        }
        await page.Locator(".found a").First.ClickAsync();
        await page.WaitForURLAsync("**/members/member-*/years/*");

        // More than eight of a kind lead to all of them.
        await box.FillAsync("合作社");
        await box.PressAsync("Enter");
        await page.GetByRole(AriaRole.Link, new() { Name = "看全部集体" }).ClickAsync();
        await page.WaitForURLAsync("**/search?q=*&kind=collective");
        Assert.InRange(await page.Locator(".found > li").CountAsync(), 9, 200);
        await auditor.ShootAsync("search-all");
    }

    [Theory]
    [InlineData("VILLAGE")]
    [InlineData("AUDITOR")]
    [InlineData("COUNTY_AGRICULTURE")]
    public async Task What_can_be_looked_for_is_read_whole_in_the_box(string role)
    {
        await using var official = await web.VisitAsync(role, 1280, 800);
        await official.Page.GotoAsync("/tasks");
        var room = await official.Page.EvaluateAsync<double>(
            """
            () => {
              // As narrow as a long name beside it makes the box.
              const form = document.querySelector('form[data-find]');
              form.style.flex = `0 0 ${getComputedStyle(form).flexBasis}`;
              const box = form.querySelector('input'), style = getComputedStyle(box);
              const hint = getComputedStyle(box, '::placeholder');
              const context = document.createElement('canvas').getContext('2d');
              context.font = `italic ${hint.fontSize} ${style.fontFamily}`;
              const room = box.clientWidth - parseFloat(style.paddingLeft) - parseFloat(style.paddingRight);
              return room - context.measureText(box.placeholder).width;
            }
            """
        );
        await official.ShootAsync($"search-box-{role}");
        Assert.True(room >= 0, $"{-room} px are cut off");
    }

    [Fact]
    public async Task The_box_is_on_a_phone_too_and_nobody_has_it_who_is_not_signed_in()
    {
        await using var officer = await web.VisitAsync("VILLAGE", 390, 844);
        await officer.Page.GotoAsync("/plans");
        await officer.ShootAsync("search-390-box");
        var box = officer.Page.GetByRole(AriaRole.Searchbox, new() { Name = "搜索" });
        await box.FillAsync("合作社");
        await box.PressAsync("Enter");
        await officer.Page.WaitForURLAsync("**/search?q=*");
        await officer.Page.Locator(".found a").First.WaitForAsync();
        await officer.ShootAsync("search-390-found");
        Assert.True((await box.BoundingBoxAsync())!.Width > 180);

        await using var nobody = await web.VisitAsync(null);
        await nobody.Page.GotoAsync("/notices");
        await Assertions.Expect(nobody.Page.Locator("form[data-find]")).ToHaveCountAsync(0);
    }
}
