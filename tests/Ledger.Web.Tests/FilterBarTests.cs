namespace Ledger.Web.Tests;

/// <summary>One filter bar for all lists: it asks in the address, and is as it was left when one comes back.</summary>
[Collection("web")]
public sealed class FilterBarTests(WebFixture web)
{
    [Theory]
    [InlineData("COUNTY_HRSS", "/applications")]
    [InlineData("COUNTY_HRSS", "/funds")]
    [InlineData("COUNTY_HRSS", "/collectives")]
    [InlineData("COUNTY_HRSS", "/donors")]
    [InlineData("COUNTY_HRSS", "/ranking")]
    [InlineData("COUNTY_HRSS", "/comparison")]
    [InlineData("COUNTY_HRSS", "/supervision")]
    [InlineData("TOWNSHIP", "/plans")]
    [InlineData("VILLAGE", "/members")]
    [InlineData("AUDITOR", "/audit")]
    [InlineData("AUDITOR", "/exports")]
    [InlineData("AUDITOR", "/samples")]
    [InlineData("AUDITOR", "/screening")]
    public async Task Every_list_has_the_bar_and_a_word_that_nobody_has_leaves_it_empty(string role, string path)
    {
        await using var visitor = await web.VisitAsync(role);
        await visitor.Page.GotoAsync(path);
        var bar = visitor.Page.Locator("form[data-filter]");
        await Assertions.Expect(bar).ToHaveCountAsync(1);
        var rows = visitor.Page.Locator("main table > tbody > tr, #events > li");
        var before = await rows.CountAsync();
        // A village that is none is refused there, with those that there are.
        if (path is "/ranking" or "/comparison" or "/exports" or "/supervision" or "/samples" or "/screening")
            return;
        Assert.True(before > 0, $"{path} has nothing to filter");
        await bar.Locator("input[type=search], input[name=region]").First.FillAsync("没有这样的");
        await bar.GetByRole(AriaRole.Button, new() { Name = "筛选" }).ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(0);
        await bar.GetByRole(AriaRole.Link, new() { Name = "清空" }).ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(before);
    }

    [Fact]
    public async Task A_village_is_chosen_by_name_and_the_list_is_as_it_was_left_when_one_comes_back()
    {
        await using var county = await web.VisitAsync("COUNTY_HRSS");
        await county.Page.GotoAsync("/applications");
        var (bar, rows) = (county.Page.Locator("form[data-filter]"), county.Page.Locator("main tbody tr"));
        var all = await rows.CountAsync();
        var name = (await rows.First.Locator("a").First.TextContentAsync())!.Trim();
        Assert.Contains(
            name,
            await bar.Locator("datalist option").EvaluateAllAsync<string[]>("o => o.map(x => x.value)")
        );
        await bar.GetByLabel("村名或区划").FillAsync(name);
        await bar.GetByRole(AriaRole.Button, new() { Name = "筛选" }).ClickAsync();
        await county.Page.WaitForURLAsync("**region=**");
        var some = await rows.CountAsync();
        Assert.InRange(some, 1, all - 1);
        Assert.All(await rows.AllTextContentsAsync(), r => Assert.Contains(name, r, StringComparison.Ordinal));
        var address = county.Page.Url;
        await rows.First.Locator("a").First.ClickAsync();
        await county.Page.WaitForURLAsync("**/applications/application-*");
        await county.Page.Locator(".crumb a").ClickAsync();
        await county.Page.WaitForURLAsync(address);
        await Assertions.Expect(bar.GetByLabel("村名或区划")).ToHaveValueAsync(name);
        // Nothing was filed before the year 2001.
        await bar.GetByLabel("到哪天").FillAsync("2000-12-31");
        await bar.GetByRole(AriaRole.Button, new() { Name = "筛选" }).ClickAsync();
        await Assertions.Expect(rows).ToHaveCountAsync(0);
    }

    [Theory]
    [InlineData("REVIEWER", "/applications/{settled}")]
    [InlineData("VILLAGE", "/members")]
    public async Task A_whole_citizen_id_stands_in_no_address_and_its_last_four_find_the_person(
        string role,
        string path
    )
    {
        await using var official = await web.VisitAsync(role);
        var page = official.Page;
        var addresses = new List<string>();
        page.Request += (_, request) => addresses.Add(request.Url);
        var id = SampleStory.People(SampleStory.Villages[0])[0].CitizenId;
        await page.GotoAsync(web.At(path));
        var box = page.Locator("main input[name=q]");
        await box.FillAsync($" {id[..6]} {id[6..]}");
        await box.PressAsync("Enter");
        await page.WaitForURLAsync($"**q={id[^4..]}**");
        Assert.DoesNotContain(addresses, a => a.Contains(id[6..], StringComparison.OrdinalIgnoreCase));
    }

    /// <summary>Whoever stands in the trail by his name is found by it, also where several are called so.</summary>
    [Fact]
    public async Task The_trail_is_filtered_by_the_name_that_it_shows()
    {
        await using var auditor = await web.VisitAsync("AUDITOR");
        await auditor.Page.GotoAsync("/audit?type=application_filed");
        var people = auditor.Page.Locator("#events > li > span[title]");
        var name = (await people.First.InnerTextAsync()).Trim();
        await auditor.Page.GotoAsync($"/audit?actor={Uri.EscapeDataString(name)}");
        Assert.True(await people.CountAsync() > 0, $"nothing of {name}");
        Assert.All(await people.AllInnerTextsAsync(), who => Assert.Equal(name, who.Trim()));
    }

    [Fact]
    public async Task Large_print_stays_until_it_is_switched_off()
    {
        await using var visitor = await web.VisitAsync(null);
        async Task<double> SizeAsync() =>
            await visitor.Page.EvaluateAsync<double>("() => parseFloat(getComputedStyle(document.body).fontSize)");
        await visitor.Page.GotoAsync("/sign-in");
        var usual = await SizeAsync();
        await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "大字版" }).ClickAsync();
        await visitor.Page.WaitForURLAsync("**/sign-in");
        await Assertions.Expect(visitor.Page.Locator("html.large-print")).ToHaveCountAsync(1);
        Assert.InRange(await SizeAsync() / usual, 1.3, 1.5);
        await visitor.Page.GotoAsync($"/notices/{web.Ids["noticed"]}");
        await Assertions.Expect(visitor.Page.Locator("html.large-print")).ToHaveCountAsync(1);
        await visitor.Page.GetByRole(AriaRole.Link, new() { Name = "标准字号" }).ClickAsync();
        await Assertions.Expect(visitor.Page.Locator("html.large-print")).ToHaveCountAsync(0);
        Assert.Equal(usual, await SizeAsync());
    }
}
