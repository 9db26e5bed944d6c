namespace Ledger.Web.Tests;

/// <summary>
/// The pages of people: one is added, corrected after a look at what will change, renamed by two, and taken back among
/// the living.
/// </summary>
[Collection("web")]
public sealed class MemberPageTests(WebFixture web)
{
    [Fact]
    public async Task A_member_is_added_corrected_and_renamed_by_two_people()
    {
        await using var officer = await web.VisitAsync("VILLAGE", 1366, 768);
        var person = new SamplePeople(20261127).Take(1, "370811")[0] with { Name = "欧阳传福" };
        await officer.Page.GotoAsync("/members");
        var form = officer.Page.Locator("form[data-api='POST /api/members']");
        await form.GetByLabel("姓名").FillAsync("欧 阳传福3");
        await form.GetByLabel("身份证号").FillAsync("37081119700101");
        await form.GetByRole(AriaRole.Button, new() { Name = "登记" }).ClickAsync();
        await officer.SeesAsync("姓名中有数字");
        await Assertions.Expect(form.GetByLabel("身份证号")).ToHaveValueAsync("37081119700101"); // nothing lost
        await officer.ShootAsync("member-add-refused");
        await form.GetByLabel("姓名").FillAsync("欧 阳传福");
        await form.GetByLabel("身份证号").FillAsync(person.CitizenId);
        await form.GetByLabel("手机号").FillAsync(person.Phone);
        await form.GetByRole(AriaRole.Button, new() { Name = "登记" }).ClickAsync();
        await officer.SeesAsync("已登记；姓名：中间的空格已去掉");

        // A namesake of the same birth date, as a person answers for him.
        var twin = person.CitizenId[..14] + (person.CitizenId[14..17] == "111" ? "112" : "111");
        await form.GetByLabel("姓名").FillAsync(person.Name);
        await form.GetByLabel("身份证号").FillAsync(twin + Domain.Identity.CitizenId.CheckCharacter(twin));
        await Assertions.Expect(form.GetByLabel("确认是两个人")).ToBeHiddenAsync();
        await form.GetByRole(AriaRole.Button, new() { Name = "登记" }).ClickAsync();
        await officer.SeesAsync("姓名和出生日期相同");
        await officer.ShootAsync("member-namesake");
        await form.GetByLabel("确认是两个人").CheckAsync();
        await form.GetByLabel("为什么不是同一人").FillAsync("孪生兄弟，已核对两人身份证");
        await form.GetByRole(AriaRole.Button, new() { Name = "登记" }).ClickAsync();
        await officer.SeesAsync("已登记");

        // By the whole name, which the list does not show; by a part of it nobody can try out the rest.
        await officer.Page.GotoAsync($"/members?q={person.Name}");
        await officer.SeesAsync(person.CitizenId[^4..]);
        await officer.Page.GotoAsync($"/members?q={person.Name[..3]}");
        await Assertions
            .Expect(officer.Page.Locator("tr", new() { HasText = person.CitizenId[^4..] }))
            .ToHaveCountAsync(0);

        var path = await PathAsync(officer, person.CitizenId);
        await officer.Page.GotoAsync(path);
        await officer.SeesAsync($"*******{person.Phone[^4..]}");
        await officer.Page.GetByText("更正登记信息", new() { Exact = true }).ClickAsync();
        var correction = officer.Page.Locator("form[data-check]");
        await correction.GetByLabel("正确的姓名").FillAsync("欧阳传富");
        await correction.GetByLabel("手机号").FillAsync("139 0537 1234");
        await correction.GetByLabel("原因").FillAsync("登记时写错，换了手机");
        await Assertions.Expect(correction.GetByRole(AriaRole.Button, new() { Name = "确认更正" })).ToBeHiddenAsync();
        await correction.GetByRole(AriaRole.Button, new() { Name = "先看会改什么" }).ClickAsync();
        await Assertions.Expect(correction.Locator("table")).ToContainTextAsync("另一人确认后");
        await Assertions.Expect(correction.Locator("table")).ToContainTextAsync("13905371234");
        await officer.ShootAsync("member-correction-shown");
        // Typed on: what is shown is no longer what would be done.
        await correction.GetByLabel("村民小组").FillAsync("第2组");
        await Assertions.Expect(correction.GetByRole(AriaRole.Button, new() { Name = "确认更正" })).ToBeHiddenAsync();
        await correction.GetByRole(AriaRole.Button, new() { Name = "先看会改什么" }).ClickAsync();
        await correction.GetByRole(AriaRole.Button, new() { Name = "确认更正" }).ClickAsync();
        await officer.SeesAsync("更正姓名：等待另一人确认");
        await officer.SeesAsync("*******1234");
        await officer.SeesAsync("第2组");
        await officer.ShootAsync("member-waits");

        // Whoever asked does not confirm; the agency does, and writes the name itself.
        await officer.Page.GotoAsync("/members");
        await officer.ShootAsync("member-waiting-list");
        await using var narrow = await web.VisitAsync("VILLAGE", 390);
        foreach (var (page, name) in new[] { ("/members", "member-waiting-list-390"), (path, "member-waits-390") })
        {
            await narrow.Page.GotoAsync(page);
            if (page == path)
                await narrow.Page.GetByText("更正登记信息", new() { Exact = true }).ClickAsync();
            await narrow.ShootAsync(name);
            Assert.Equal(
                0,
                await narrow.Page.EvaluateAsync<int>(
                    "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
                )
            );
            Assert.Empty(await narrow.Page.SeriousFaultsAsync());
        }
        var own = officer.Page.Locator("form[data-api$='/confirmation'][data-api*='/changes/']");
        await own.GetByLabel("正确的姓名").FillAsync("欧阳传富");
        await own.GetByRole(AriaRole.Button, new() { Name = "确认" }).ClickAsync();
        await officer.SeesAsync("申请人不能自己确认");
        await using var agency = await web.VisitAsync("REVIEWER", 1366, 768);
        await agency.Page.GotoAsync("/members");
        var confirm = agency.Page.Locator("form[data-api$='/confirmation'][data-api*='/changes/']");
        await confirm.GetByLabel("正确的姓名").FillAsync("欧阳传宝");
        await confirm.GetByRole(AriaRole.Button, new() { Name = "确认" }).ClickAsync();
        await agency.SeesAsync("与申请更正的姓名不一致");
        await confirm.GetByLabel("正确的姓名").FillAsync("欧阳传富");
        await confirm.GetByRole(AriaRole.Button, new() { Name = "确认" }).ClickAsync();
        await agency.SeesAsync("已确认");

        // Gone by mistake, and back by two.
        await officer.Page.GotoAsync(path);
        await officer.Page.Locator("summary", new() { HasText = "退出集体" }).ClickAsync();
        var departure = officer.Page.Locator("form[data-api$='/departure']");
        await departure.GetByLabel("日期").FillAsync($"{web.Sample.Variable("YEAR")}-01-05");
        await departure.GetByLabel("原因").FillAsync("户籍迁出");
        await departure.GetByRole(AriaRole.Button, new() { Name = "登记" }).ClickAsync();
        await officer.Page.Locator("summary", new() { HasText = "撤销退出集体" }).ClickAsync();
        var revocation = officer.Page.Locator("form[data-api$='/departure/revocation']");
        await revocation.GetByLabel("原因").FillAsync("同名误登");
        await revocation.GetByRole(AriaRole.Button, new() { Name = "申请撤销" }).ClickAsync();
        await officer.SeesAsync("撤销退出集体：等待另一人确认");
        await officer.ShootAsync("member-departure-waits");
        await agency.Page.GotoAsync("/members");
        await confirm.GetByRole(AriaRole.Button, new() { Name = "确认" }).ClickAsync();
        await agency.SeesAsync("已确认");
        Assert.NotEmpty(await PathAsync(officer, person.CitizenId));
    }

    /// <summary>On the list by the masked number, on whichever page of it.</summary>
    private static async Task<string> PathAsync(Visitor officer, string citizenId)
    {
        await officer.Page.GotoAsync("/members");
        var row = officer.Page.Locator("#rows tr", new() { HasText = citizenId[^4..] });
        for (var i = 0; i < 40 && await row.CountAsync() == 0; i++)
        {
            await officer.Page.Locator("#rows tr").Last.ScrollIntoViewIfNeededAsync();
            await Task.Delay(250);
        }
        return (await row.First.Locator("a").GetAttributeAsync("href"))!;
    }
}
