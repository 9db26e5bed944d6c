namespace Ledger.Web.Tests;

/// <summary>
/// No mouse: a list is filed, reviewed and approved with Tab, Enter and the letters of the review alone.
/// </summary>
[Collection("web")]
public sealed class KeyboardTests(WebFixture web)
{
    /// <summary>Further than this nobody goes on pressing.</summary>
    private const int MaxTabs = 60;

    /// <summary>From the top of the page past its menu, and on to what is asked for.</summary>
    private static async Task TabToAsync(IPage page, string selector, bool fromTop = true)
    {
        await page.WaitForLoadStateAsync();
        if (fromTop)
        {
            await page.Keyboard.PressAsync("Tab");
            await page.Keyboard.PressAsync("Enter"); // 跳到正文
        }
        for (var i = 0; i < MaxTabs; i++)
        {
            if (await page.EvaluateAsync<bool>("s => document.activeElement.matches(s)", selector))
                return;
            await page.Keyboard.PressAsync("Tab");
        }
        Assert.Fail($"{selector} is not reached on {page.Url}");
    }

    /// <summary>On a crowded machine the browser forgets that a key was pressed: it is pressed again.</summary>
    private static async Task ChooseAsync(IPage page, string file)
    {
        for (var tries = 2; ; tries--)
            try
            {
                var chooser = await page.RunAndWaitForFileChooserAsync(
                    () => page.Keyboard.PressAsync("Space"),
                    new() { Timeout = 15_000 }
                );
                await chooser.SetFilesAsync(file);
                return;
            }
            catch (TimeoutException) when (tries > 0) { }
    }

    /// <summary>Presses a form's button; where it shows first what will happen, the one that does it as well.</summary>
    private static async Task SendAsync(IPage page, string form, bool fromTop)
    {
        await TabToAsync(page, $"{form} button", fromTop);
        await page.Keyboard.PressAsync("Enter");
        if (await page.Locator($"{form}[data-check]").CountAsync() == 0)
            return;
        await Assertions.Expect(page.Locator($"{form} button[data-after-check]")).ToBeVisibleAsync();
        await TabToAsync(page, $"{form} button[data-after-check]", false);
        await page.Keyboard.PressAsync("Enter");
    }

    [Fact]
    public async Task Filing_reviewing_and_approving_need_no_mouse()
    {
        var people = SampleStory.Payers(SampleStory.TourVillage).Where(p => !p.CatchUp).Select(p => p.Person).ToList();
        var list = web.Sample.At("keyboard.xlsx");
        await File.WriteAllBytesAsync(list, SampleSheets.Roster([.. people.Skip(people.Count - 2)]));

        await using var village = await web.VisitAsync("VILLAGE");
        await village.Page.GotoAsync($"/applications/new?plan={web.Ids["plan"]}");
        await TabToAsync(village.Page, "#check input[type=file]");
        await ChooseAsync(village.Page, list);
        await village.SeesAsync("名单没有问题");
        await TabToAsync(village.Page, "input[name=seal]", fromTop: false);
        await ChooseAsync(village.Page, web.Sample.At("seal.pdf"));
        await SendAsync(village.Page, "form[data-roster]", fromTop: false);
        await village.SeesAsync("已提交，等经办机构复核");
        var path = new Uri(village.Page.Url).AbsolutePath;

        await using var reviewer = await web.VisitAsync("REVIEWER");
        await reviewer.Page.GotoAsync(path);
        await TabToAsync(reviewer.Page, $"a[href='{path}/review']");
        await reviewer.Page.Keyboard.PressAsync("Enter");
        await reviewer.SeesAsync("提交前可改");
        await reviewer.Page.Keyboard.PressAsync("a");
        await Assertions.Expect(reviewer.Page.Locator("[data-accepted]")).ToHaveTextAsync("1");
        // The next row is the present one by now: what is undone is the mark just made.
        await reviewer.Page.Keyboard.PressAsync("u");
        await Assertions.Expect(reviewer.Page.Locator("[data-accepted]")).ToHaveTextAsync("0");
        await reviewer.Page.Keyboard.PressAsync("a");
        await reviewer.Page.Keyboard.PressAsync("a");
        await Assertions.Expect(reviewer.Page.Locator("[data-accepted]")).ToHaveTextAsync("2");
        await SendAsync(reviewer.Page, "form[data-review]", fromTop: false);
        await reviewer.SeesAsync("复核意见已提交");

        await using var approver = await web.VisitAsync("APPROVER");
        await approver.Page.GotoAsync(path);
        await SendAsync(approver.Page, "form[data-api$='/approval']", fromTop: true);
        await approver.SeesAsync("已审批，资金和额度已占用");
    }

    [Fact]
    public async Task Past_a_list_of_hundreds_the_next_step_is_five_tabs_away()
    {
        const string Step = "#next :is(a, button, summary)";
        await using var reviewer = await web.VisitAsync("REVIEWER");
        await reviewer.Page.GotoAsync($"/applications/{web.Ids["filed"]}");
        await TabToAsync(reviewer.Page, "a[href='#next']");
        await reviewer.Page.Keyboard.PressAsync("Enter");
        for (var tabs = 0; tabs < 5; tabs++)
        {
            await reviewer.Page.Keyboard.PressAsync("Tab");
            if (await reviewer.Page.EvaluateAsync<bool>("s => document.activeElement.matches(s)", Step))
                return;
        }
        Assert.Fail("the next step is further away");
    }
}
