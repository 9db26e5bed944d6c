using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>The review line by line, and what is left of it when there is nothing more to review.</summary>
[Collection("web")]
public sealed class ReviewPageTests(WebFixture web)
{
    [Fact]
    public async Task C15_a_returned_list_is_read_only_and_says_what_became_of_the_marks()
    {
        var (village, people) = await web.VillageAsync("379311", "后岭村股份经济合作社");
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await village.FileAsync(people);
        var members = (await village.Offices.Reviewer.GetAsync($"{village.ApplicationPath}/lines"))
            .GetProperty("lines")
            .EnumerateArray()
            .Select(l => l.GetProperty("memberId").GetString())
            .ToList();
        await village.Offices.Reviewer.PostAsync(
            $"{village.ApplicationPath}/review",
            new
            {
                verdicts = new[]
                {
                    new
                    {
                        memberId = members[0],
                        accepted = false,
                        reason = "户籍已迁出",
                    },
                },
            }
        );
        await using var reviewer = await web.VisitAsAsync(village.Offices.Reviewer.Actor);
        var page = reviewer.Page;
        await page.GotoAsync($"/applications/{village.ApplicationId}/review");
        await page.Locator($"tr[data-member='{members[1]}'] [data-act=accept]").ClickAsync();
        await Assertions.Expect(page.Locator("[data-accepted]")).ToHaveTextAsync("1");

        await village.ReturnAsync("缺第3组人员");
        await page.ReloadAsync();
        await reviewer.SeesAsync("已退回补正，现在不能复核。");
        await reviewer.SeesAsync("缺第3组人员");
        await reviewer.SeesAsync("标了没有提交的，没有保存");
        // What was submitted is on record, and stands there.
        await Assertions.Expect(page.Locator($"tr[data-member='{members[0]}'] .mark")).ToContainTextAsync("户籍已迁出");
        await Assertions.Expect(page.Locator($"tr[data-member='{members[1]}'] .mark")).Not.ToContainTextAsync("✓");
        await Assertions.Expect(page.Locator("[data-act], kbd, form[data-review]")).ToHaveCountAsync(0);
        await reviewer.ShootAsync("review-returned");
        await page.GetByRole(AriaRole.Link, new() { Name = "看本人年度" }).First.ClickAsync();
        await Assertions.Expect(page.Locator("#panel #panel-content")).ToBeVisibleAsync();
    }

    [Fact]
    public async Task C15_the_approver_has_a_button_in_the_queue_and_the_balance_beside_what_he_approves()
    {
        var (village, people) = await web.VillageAsync("378911", "前岭村股份经济合作社");
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await village.FileAsync(people);
        await village.ReviewAsync();
        await using var approver = await web.VisitAsAsync(village.Offices.Approver.Actor);
        var page = approver.Page;
        await page.GotoAsync("/applications?waitingForMe=true");
        await approver.ShootAsync("queue-approval");
        await page.Locator("#list").GetByRole(AriaRole.Link, new() { Name = "审批", Exact = true }).ClickAsync();
        await page.WaitForURLAsync($"**/applications/{village.ApplicationId}#next");
        await Assertions.Expect(page.Locator("#balance")).ToContainTextAsync("50,000.00");
        await Assertions.Expect(page.Locator("#balance")).ToContainTextAsync("49,800.00");
        await approver.ShootAsync("approval-balance");
        // Whoever reviewed it does not approve it: his row leads nowhere else.
        await using var reviewer = await web.VisitAsAsync(village.Offices.Reviewer.Actor);
        await reviewer.Page.GotoAsync("/applications");
        await Assertions.Expect(reviewer.Page.Locator("#list > tr")).ToHaveCountAsync(1);
        await Assertions.Expect(reviewer.Page.Locator("#list .button")).ToHaveCountAsync(0);
    }
}
