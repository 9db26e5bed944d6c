namespace Ledger.Web.Tests;

/// <summary>C16: what was printed and what the page shows are the same for good; later changes stand beneath.</summary>
[Collection("web")]
public sealed class NoticePageTests(WebFixture web)
{
    [Fact]
    public async Task C16_the_count_on_the_page_stays_and_the_addendum_takes_off()
    {
        var tokens = web.Tokens;
        var application = web.Ids["noticed"];
        var village = System
            .Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(
                await web.Sample.Http.GetStringAsync($"/api/applications/{application}")
            )
            .GetProperty("villageCode")
            .GetString()!;
        // Another test may have moved the sample's clock by days: a token that outlasts that.
        using var officer = new HttpClient { BaseAddress = web.Sample.Http.BaseAddress };
        officer.DefaultRequestHeaders.Authorization = new(
            "Bearer",
            tokens.Issue(SampleOffices.OfficerOf(village), TimeSpan.FromDays(90))
        );
        var lines = System
            .Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(
                await officer.GetStringAsync($"/api/applications/{application}/lines?status=approved&limit=1000")
            )
            .GetProperty("lines");
        await using var villager = await web.VisitAsync(null);
        await villager.Page.GotoAsync($"/notices/{application}");
        var rows = villager.Page.Locator("section table tbody tr");
        var printed = await rows.CountAsync();
        Assert.Equal(lines.GetArrayLength(), printed);
        officer.DefaultRequestHeaders.Add("Idempotency-Key", $"{Guid.NewGuid()}");
        using var withdrawn = await officer.PostAsync(
            $"/api/applications/{application}/line-withdrawals",
            SampleClient.Json(
                new { memberIds = new[] { lines[2].GetProperty("memberId").GetString() }, reason = "本人放弃" }
            )
        );
        Assert.True(withdrawn.IsSuccessStatusCode, await withdrawn.Content.ReadAsStringAsync());
        await villager.Page.ReloadAsync();
        await villager.SeesAsync("经户代表会议决议");
        await villager.SeesAsync($"共 {printed} 人");
        Assert.Equal(printed, await villager.Page.Locator("section").First.Locator("tbody tr").CountAsync());
        await Assertions.Expect(villager.Page.Locator("#addendum tbody tr")).ToContainTextAsync("村集体撤回");
        await villager.SeesAsync($"减少 1 人，现为 {printed - 1} 人");
        await villager.Page.EmulateMediaAsync(new() { Media = Media.Print });
        await Assertions.Expect(villager.Page.Locator("#addendum")).ToBeVisibleAsync();
        await villager.Page.EmulateMediaAsync(new() { Media = Media.Screen });
        await villager.ShootAsync("notice-addendum");
    }

    /// <summary>
    /// The way up ends at all places: a list remembers what was asked of it, and must not answer itself with that.
    /// </summary>
    [Fact]
    public async Task C16_from_a_township_one_comes_back_to_all_notices()
    {
        await using var nobody = await web.VisitAsync(null);
        var page = nobody.Page;
        await page.GotoAsync("/notices?region=370811");
        await page.Locator("main .crumb").GetByRole(AriaRole.Link, new() { Name = "全部" }).ClickAsync();
        await page.WaitForURLAsync(url => !url.Contains("region", StringComparison.Ordinal));
        await Assertions.Expect(page.Locator("main .crumb")).ToHaveCountAsync(0);
        // From a notice, too, there is a way to the others.
        await page.Locator("#list a").First.ClickAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "补助公示", Exact = true }).First.ClickAsync();
        await page.WaitForURLAsync("**/notices");
    }
}
