using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>What waits for somebody (待办): the number on every page, and the way from it to the work.</summary>
[Collection("web")]
public sealed class TaskPageTests(WebFixture web)
{
    /// <summary>A new village of the sample's county whose application can be filed.</summary>
    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> ReadyAsync()
    {
        var tokens = web.Tokens;
        var county = SampleStory.Cast.Single(c => c.Variable == "COUNTY_HRSS").Actor.Region;
        var offices = new SampleOffices(actor => new SampleClient(web.Sample.Http, tokens, actor), county);
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var village = new SampleVillage(offices, $"{county}111299", "岭下村股份经济合作社", 8801, today.Year);
        var people = new SamplePeople(8801).Take(2, county);
        await village.RegisterAsync();
        await village.AllocateAsync(1_000);
        await village.SurveyAsync(people.Count);
        await village.ImportMembersAsync(people);
        await village.ImportContributionsAsync(people.Select(p => (p, 300, false)), today);
        await village.DraftAsync(SampleVillage.Flat(100));
        await village.ResolveAsync(today);
        await village.SignPlanAsync();
        await village.AdoptAsync();
        return (village, people);
    }

    [Fact]
    public async Task The_clerk_sees_the_number_rise_opens_the_task_does_it_and_it_is_gone()
    {
        var (village, people) = await ReadyAsync();
        await using var clerk = await web.VisitAsync("REVIEWER", 1366, 768);
        var page = clerk.Page;
        await page.GotoAsync("/funds");
        var number = page.Locator("[data-tasks] span");
        await Assertions.Expect(number).ToBeVisibleAsync();
        var before = int.Parse(await number.InnerTextAsync(), System.Globalization.CultureInfo.InvariantCulture);

        // The village files; the clerk's page is not loaded again.
        await page.EvaluateAsync("() => { window.untouched = true; }");
        await village.FileAsync(people);
        await Assertions.Expect(number).ToHaveTextAsync($"{before + 1}", new() { Timeout = 30_000 });
        Assert.True(await page.EvaluateAsync<bool>("() => window.untouched"));

        await page.Locator("[data-tasks]").ClickAsync();
        await page.WaitForURLAsync("**/tasks");
        var task = page.Locator($"#list a[href='/applications/{village.ApplicationId}/review']");
        await Assertions.Expect(page.Locator("#list > tr")).ToHaveCountAsync(before + 1);
        // It stands beside the menu: no entry of it is marked as where he is.
        await Assertions.Expect(page.Locator("nav.main [aria-current]")).ToHaveCountAsync(0);
        await clerk.ShootAsync("story-tasks");
        await page.SetViewportSizeAsync(390, 844);
        await clerk.ShootAsync("390-tasks");
        await page.SetViewportSizeAsync(1366, 768);
        await page.Locator("select[name=kind]").SelectOptionAsync("review");
        await page.WaitForURLAsync("**kind=review*");
        await task.ClickAsync();
        await page.GetByLabel("其余未标、核对没有问题的都同意").CheckAsync();
        await clerk.ClickAsync("提交复核");
        await clerk.SeesAsync("复核意见已提交");

        // Whoever reviewed does not approve: the number falls, and the task is gone.
        await Assertions.Expect(number).ToHaveTextAsync($"{before}", new() { Timeout = 30_000 });
        await page.GotoAsync("/tasks");
        await Assertions.Expect(page.Locator($"#list a[href*='{village.ApplicationId}']")).ToHaveCountAsync(0);
        // What stands there of applications is what the list of those that wait for him has.
        var listed = await page.Locator("#list a[href^='/applications/']").CountAsync();
        await page.GetByRole(AriaRole.Link, new() { Name = "等我办理的申请" }).ClickAsync();
        await page.WaitForURLAsync("**/applications?waitingForMe=true");
        await Assertions.Expect(page.Locator("#list > tr")).ToHaveCountAsync(listed);

        // For a colleague it waits now.
        await using var colleague = await web.VisitAsync("APPROVER", 1366, 768);
        await colleague.Page.GotoAsync("/tasks");
        await Assertions
            .Expect(colleague.Page.Locator($"#list a[href='/applications/{village.ApplicationId}']"))
            .ToHaveCountAsync(1);
    }

    [Fact]
    public async Task An_officer_asks_for_a_digest_and_gets_it()
    {
        const string mail = "fu.he@example.cn";
        await using var officer = await web.VisitAsync("REVIEWER", 1366, 768);
        var page = officer.Page;
        await page.GotoAsync("/me");
        await page.GetByLabel("每天汇总一次").CheckAsync();
        await page.GetByLabel("邮箱").FillAsync(mail);
        await officer.ClickAsync("保存");
        await Assertions.Expect(page.GetByLabel("邮箱")).ToHaveValueAsync(mail);
        await Assertions.Expect(page.GetByLabel("每天汇总一次")).ToBeCheckedAsync();
        for (var i = 0; i < 150 && web.Mails.To(mail).Count == 0; i++)
            await Task.Delay(200);
        var digest = Assert.Single(web.Mails.To(mail));
        // It says what the page says.
        await page.GotoAsync("/tasks");
        var count = await page.Locator("#list > tr").CountAsync();
        Assert.Equal($"集体补助账本：今日待办 {count} 件", digest.Subject);
        await page.GotoAsync("/me");
        await page.GetByText("最近的提醒").ClickAsync();
        await officer.SeesAsync("每日汇总");
        await officer.ShootAsync("story-notify");
        await page.SetViewportSizeAsync(390, 844);
        await officer.ShootAsync("390-notify");
        await page.SetViewportSizeAsync(1366, 768);
        await page.GetByLabel("不提醒").CheckAsync();
        await officer.ClickAsync("保存");
        await Assertions.Expect(page.GetByLabel("不提醒")).ToBeCheckedAsync();
    }

    [Fact]
    public async Task Whoever_has_nothing_to_do_is_told_so_and_the_number_is_not_shown()
    {
        await using var tax = await web.VisitAsync("COUNTY_TAX", 1366, 768);
        await tax.Page.GotoAsync("/tasks");
        await tax.SeesAsync("现在没有等您办的事");
        await Assertions.Expect(tax.Page.Locator("[data-tasks] span")).ToBeHiddenAsync();
        await tax.ShootAsync("tasks-empty");
    }
}
