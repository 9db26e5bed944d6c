using Ledger.Api.Tasks;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;

namespace Ledger.Web.Tests;

/// <summary>The calendar (办理日历): what is due, on which day, and the way from it to the thing itself.</summary>
[Collection("web")]
public sealed class CalendarPageTests(WebFixture web)
{
    private static void InterestOn(System.Text.Json.Nodes.JsonNode policy, params DateOnly[] days) =>
        policy["interestDays"] = System.Text.Json.JsonSerializer.SerializeToNode(
            days.Select(d => new { month = d.Month, day = d.Day })
        );

    /// <summary>A village with a notice that runs and a bank that settled interest three days ago.</summary>
    private async Task<SampleVillage> NoticedAsync(DateOnly today)
    {
        var (village, people) = await web.VillageAsync(
            "379811",
            "坡下村股份经济合作社",
            policy => InterestOn(policy, today.AddDays(-3), today.AddDays(60))
        );
        await village.PrepareAsync(people, 100, today);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        return village;
    }

    [Fact]
    public async Task An_officer_sees_the_notices_end_and_the_interest_registers_it_and_it_is_gone()
    {
        var village = await NoticedAsync(Clock.Day(DateTimeOffset.UtcNow));
        await using var visitor = await web.VisitAsAsync(village.Officer.Actor);
        var page = visitor.Page;
        var entries = (
            await village.Officer.GetAsync<CalendarView>($"/api/calendar?to={DateTime.UtcNow.AddDays(25):yyyy-MM-dd}")
        ).Entries;
        var (notice, interest) = (
            entries.Single(e => e.Kind == CalendarKind.NoticeEnds),
            entries.Single(e => e.Task == TaskKind.InterestRegistration)
        );

        await page.GotoAsync("/tasks");
        await page.GetByRole(AriaRole.Link, new() { Name = "办理日历" }).ClickAsync();
        await page.WaitForURLAsync("**/calendar");
        // The month is chosen as in any list, or one goes on from the one that is shown.
        await page.GetByLabel("月份").FillAsync($"{notice.On:yyyy-MM}");
        await page.WaitForURLAsync($"**month={notice.On:yyyy-MM}*");
        ILocator Day(DateOnly day) => page.Locator(".agenda > li", new() { HasText = $"{day:yyyy-MM-dd}" });
        await Assertions
            .Expect(Day(notice.On).GetByRole(AriaRole.Link, new() { Name = "公示最后一天" }))
            .ToHaveAttributeAsync("href", $"/applications/{village.ApplicationId}");
        await visitor.ShootAsync("story-calendar");
        await page.SetViewportSizeAsync(390, 844);
        await visitor.ShootAsync("390-calendar");
        await page.SetViewportSizeAsync(1366, 768);

        await page.GotoAsync($"/calendar?month={interest.On:yyyy-MM}");
        await Day(interest.On).GetByRole(AriaRole.Link, new() { Name = "银行已经结息，登记专户利息" }).ClickAsync();
        await page.WaitForURLAsync("**/allocations/new?source=bank-interest");
        await Assertions.Expect(page.Locator("input[name=source][value=bank-interest]")).ToBeCheckedAsync();
        await page.GetByLabel("金额（元）").FillAsync("43.21");
        await page.GetByLabel("来源说明").FillAsync("三季度活期利息");
        await page.SetInputFilesAsync("input[name=evidence]", web.Sample.At("bank-slip.pdf"));
        await visitor.ClickAsync("登记");
        await page.WaitForURLAsync($"**/funds/{village.FundId}");

        await page.GotoAsync($"/calendar?month={interest.On:yyyy-MM}");
        await visitor.SeesAsync("放到手机或电脑的日历里");
        await Assertions.Expect(page.GetByText("银行已经结息，登记专户利息")).ToHaveCountAsync(0);
        await page.GotoAsync("/tasks");
        await Assertions.Expect(page.GetByText("银行已经结息，登记专户利息")).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task What_is_overdue_stands_first_with_its_days_and_what_has_no_day_is_counted_beside_it()
    {
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var (village, _) = await web.VillageAsync(
            "379611",
            "岗上村股份经济合作社",
            policy => InterestOn(policy, today.AddDays(-15), today.AddDays(60))
        );
        await village.BankFeeAsync(12);
        await using var officer = await web.VisitAsAsync(village.Officer.Actor);
        var page = officer.Page;
        await page.GotoAsync("/calendar");
        // The page's own today: another test may have moved the sample's clock by days.
        var now = DateOnly.ParseExact(
            (await page.Locator(".sample span").InnerTextAsync()).Trim()[^10..],
            "yyyy-MM-dd"
        );
        var late = now.DayNumber - today.AddDays(-15 + FundInterest.WithinDays).DayNumber;
        // Whatever month the day was in, and it is told once.
        var missed = page.Locator("#missed > li");
        await Assertions.Expect(missed).ToHaveCountAsync(1);
        await Assertions.Expect(missed).ToContainTextAsync("银行已经结息，登记专户利息");
        await Assertions.Expect(missed).ToContainTextAsync($"逾期 {late} 天");
        await Assertions.Expect(page.GetByText("银行已经结息，登记专户利息")).ToHaveCountAsync(1);
        await officer.ShootAsync("story-calendar-overdue");
        await page.SetViewportSizeAsync(390, 844);
        await officer.ShootAsync("390-calendar-overdue");
        await page.SetViewportSizeAsync(1366, 768);
        // The fee has no day: it is counted, and stands among the tasks.
        var undated = page.Locator(
            "p",
            new() { Has = page.GetByRole(AriaRole.Link, new() { Name = "没有期限的待办" }) }
        );
        await Assertions.Expect(undated).ToContainTextAsync("1 件");
        await undated.GetByRole(AriaRole.Link).ClickAsync();
        await page.WaitForURLAsync("**/tasks");
        await officer.SeesAsync("银行扣了手续费，由村级基本户补足并登记");
        // Another month is that month's.
        await page.GotoAsync($"/calendar?month={now.AddMonths(2):yyyy-MM}");
        await officer.SeesAsync("放到手机或电脑的日历里");
        await Assertions.Expect(missed).ToHaveCountAsync(0);
    }

    [Fact]
    public async Task The_city_says_the_days_of_a_year_and_is_told_what_is_no_season()
    {
        var city = new Actor("city.3797", Roles.CityHrss, "3797");
        var year = Clock.Day(DateTimeOffset.UtcNow).Year;
        await using var visitor = await web.VisitAsAsync(city);
        var page = visitor.Page;
        await page.GotoAsync($"/policy-years?year={year}&region=3797");
        await page.GetByText("一年的日子").ClickAsync();
        async Task FillAsync(string label, int month, int day)
        {
            await page.GetByLabel($"{label} 月").FillAsync($"{month}");
            await page.GetByLabel($"{label} 日").FillAsync($"{day}");
        }
        await FillAsync("缴费期第一天", 6, 1);
        await FillAsync("缴费期最后一天", 1, 31);
        await visitor.ClickAsync("发布");
        await visitor.SeesAsync("缴费期的最后一天 01-31 早于第一天 06-01");
        await FillAsync("缴费期第一天", 1, 1);
        await FillAsync("缴费期最后一天", 6, 30);
        await FillAsync("年度结账日", 12, 25);
        await visitor.ShootAsync("policy-days");
        await visitor.ClickAsync("发布");
        await visitor.SeesAsync("发布修订");
        var read = await new SampleClient(
            web.Sample.Http,
            web.Tokens,
            city
        ).GetAsync<Ledger.Api.Policies.PolicyYearView>($"/api/policy-years/3797/{year}");
        Assert.Equal(
            ("01-01 – 06-30", "03-20 06-20 09-20 12-20", "12-25"),
            (read.ContributionSeason?.ToString(), string.Join(' ', read.InterestDays), read.YearClose.ToString())
        );
    }

    [Fact]
    public async Task A_clerk_makes_an_address_renews_it_and_closes_it()
    {
        await using var clerk = await web.VisitAsync("REVIEWER", 1366, 768);
        var page = clerk.Page;
        async Task<int> StatusAsync(string address) =>
            (int)(await web.Sample.Http.GetAsync(new Uri(address).PathAndQuery)).StatusCode;
        await page.GotoAsync("/calendar?month=2026-03");
        await page.GetByRole(AriaRole.Link, new() { Name = "下个月" }).ClickAsync();
        await page.WaitForURLAsync("**month=2026-04");
        await clerk.ClickAsync("生成订阅地址");
        var field = page.GetByLabel("订阅地址");
        await Assertions
            .Expect(field)
            .ToHaveValueAsync(new System.Text.RegularExpressions.Regex(@"/calendar/.+\.ics$"));
        var first = await field.InputValueAsync();
        Assert.Equal(200, await StatusAsync(first));
        await page.SetViewportSizeAsync(390, 844);
        await field.ScrollIntoViewIfNeededAsync();
        await clerk.ShootAsync("390-calendar-address");
        await page.SetViewportSizeAsync(1366, 768);
        await clerk.ClickAsync("更换地址");
        await Assertions.Expect(field).Not.ToHaveValueAsync(first);
        Assert.Equal(404, await StatusAsync(first));
        var second = await field.InputValueAsync();
        await clerk.ClickAsync("停用地址");
        await Assertions.Expect(field).ToHaveCountAsync(0);
        Assert.Equal(404, await StatusAsync(second));
    }
}
