using Ledger.Domain;
using Ledger.Domain.Identity;

namespace Ledger.Web.Tests;

/// <summary>An administrator writes how the agency's file looks, tries it, and the agency reads a file by it.</summary>
[Collection("web")]
public sealed class ProfilePageTests(WebFixture web)
{
    [Fact]
    public async Task An_administrator_writes_a_profile_that_the_agency_then_imports_by()
    {
        await using var administrator = await web.VisitAsAsync(
            new Actor("admin.370811", Roles.Administrator, "370811")
        );
        var page = administrator.Page;
        await page.GotoAsync("/agency-profiles?form=insurance-checks&id=sample");
        await administrator.SeesAsync("aac002");
        await page.Locator("input[name=name]").FillAsync("县系统核查表");
        await page.GetByLabel("经办系统的列 身份证号").FillAsync("证件号");
        await page.GetByLabel("经办系统的列 核查日期").FillAsync("aae036");
        await page.Locator("textarea[name=header]").FillAsync("证件号\t终止原因†\taae036\t单位");
        // A code twice: told in words, nothing kept.
        await page.GetByLabel("代码 已死亡").FillAsync("1407");
        await administrator.ClickAsync("试读");
        await administrator.SeesAsync("既指");
        await page.GetByLabel("代码 已死亡").FillAsync("1401");
        await administrator.ClickAsync("试读");
        await administrator.SeesAsync("不读取（1）");
        await Assertions.Expect(page.Locator("#preview")).ToContainTextAsync("单位");
        await administrator.ShootAsync("story-profile");
        Assert.Empty(await page.SeriousFaultsAsync());
        await administrator.ClickAsync("保存");
        await administrator.SeesAsync("已保存");
        await Assertions.Expect(page.Locator("h2", new() { HasText = "县系统核查表" })).ToBeVisibleAsync();

        await using var agency = await web.VisitAsync("REVIEWER");
        await agency.Page.GotoAsync("/contributions");
        var form = agency.Page.Locator("form", new() { HasText = "核查结果" });
        await form.Locator("select[name=profile]").SelectOptionAsync("县系统核查表");
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var person = SampleStory.People(SampleStory.Villages[0])[3];
        await form.Locator("input[type=file]")
            .SetInputFilesAsync(
                new FilePayload
                {
                    Name = "核查.csv",
                    MimeType = "text/csv",
                    Buffer = System.Text.Encoding.UTF8.GetBytes(
                        $"证件号,终止原因†,aae036,单位\n{person.CitizenId},1407,{today:yyyyMMdd},x\n"
                    ),
                }
            );
        await form.GetByRole(AriaRole.Button, new() { Name = "导入" }).ClickAsync();
        await Assertions.Expect(agency.Page.Locator("#checked")).ToContainTextAsync("新记录");
        await Assertions.Expect(agency.Page.Locator("#checked dd").Nth(1)).ToHaveTextAsync("1");
        await agency.SeesAsync("按接口格式“县系统核查表”读取");
    }
}
