using Ledger.Domain;
using Ledger.Domain.Applications;

namespace Ledger.Web.Tests;

/// <summary>One application from the roster to the trace, clicked through by the people who do it.</summary>
[Collection("web")]
public sealed class WholePathTests(WebFixture web)
{
    [Fact]
    public async Task Filing_to_settlement_and_trace_clicked_through_by_village_agency_township_and_auditor()
    {
        await using var village = await web.VisitAsync("VILLAGE");
        await using var reviewer = await web.VisitAsync("REVIEWER");
        await using var approver = await web.VisitAsync("APPROVER");
        await using var auditor = await web.VisitAsync("AUDITOR");

        // The village uploads a roster with faults, sees each on its row, mends it in place.
        await village.Page.GetByRole(AriaRole.Link, new() { Name = "新申请" }).ClickAsync();
        await village.Page.SetInputFilesAsync("#check input[type=file]", web.Sample.At("roster-with-faults.xlsx"));
        await village.SeesAsync("处问题，已标红");
        await village.SeesAsync("一次性补缴");
        await Assertions.Expect(village.Page.Locator("[data-ready]")).ToBeHiddenAsync();
        await village.ShootAsync("story-roster-faults");
        var wrong = village.Page.Locator("#roster tr.wrong");
        // The person who stands there twice is right once; the others do not belong here.
        var digit = village.Page.Locator("#roster tr.wrong", new() { Has = village.Page.GetByText("校验") }).First;
        var people = SampleStory
            .Payers(SampleStory.TourVillage)
            .Where(p => !p.CatchUp)
            .Select(p => p.Person)
            .Take(8)
            .ToList();
        await digit.Locator("input").Nth(1).FillAsync(people[2].CitizenId);
        for (var left = await wrong.CountAsync(); left > 1; left = await wrong.CountAsync())
            await wrong
                .Filter(new() { HasNot = village.Page.GetByText("校验") })
                .First.GetByRole(AriaRole.Button)
                .ClickAsync();
        await village.ClickAsync("重新核对");
        await village.SeesAsync("名单没有问题");
        await Assertions.Expect(village.Page.Locator("[data-total=people]").First).ToHaveTextAsync("8");
        await Assertions.Expect(village.Page.Locator("[data-total=totalInWords]")).ToHaveTextAsync("玖佰陆拾元整");
        await village.ShootAsync("story-roster-sound");
        await village.Page.SetInputFilesAsync("input[name=seal]", web.Sample.At("seal.pdf"));
        await village.ClickAsync("提交申请");
        await village.SeesAsync("已提交，等经办机构复核");
        var application = village.Page.Url;
        var path = new Uri(application).AbsolutePath;

        // The agency reviews by keyboard: refuses one with a reason, looks at a person's year, accepts the rest.
        await reviewer.Page.GotoAsync($"{path}/review");
        await reviewer.Page.Keyboard.PressAsync("Enter");
        await reviewer.SeesAsync("年度上限");
        // Were something to be answered for, accepting would ask for the reason.
        await reviewer.Page.EvaluateAsync(
            "document.querySelector('#rows tr.current').dataset.finding = '本年度已满 60 周岁'"
        );
        await reviewer.Page.Keyboard.PressAsync("a");
        await reviewer.SeesAsync("同意（本年度已满 60 周岁）");
        await reviewer.Page.GetByLabel("原因").FillAsync("已核对，未领取待遇");
        await reviewer.ClickAsync("确定");
        await Assertions.Expect(reviewer.Page.Locator("[data-accepted]")).ToHaveTextAsync("1");
        await reviewer.Page.Keyboard.PressAsync("r");
        await reviewer.Page.GetByLabel("原因").FillAsync("户籍已迁出");
        await reviewer.ClickAsync("确定");
        await Assertions.Expect(reviewer.Page.Locator("[data-refused]")).ToHaveTextAsync("1");
        await reviewer.ShootAsync("story-review");
        await reviewer.Page.GetByLabel("其余未标、核对没有问题的都同意").CheckAsync();
        await reviewer.ClickAsync("提交复核");
        await reviewer.SeesAsync("复核意见已提交");
        await reviewer.SeesAsync("您复核了这件申请，须由另一人审批");
        await Assertions
            .Expect(reviewer.Page.GetByRole(AriaRole.Button, new() { Name = "审批通过", Exact = true }))
            .ToHaveCountAsync(0); // nor is he offered what he would be refused
        await reviewer.ShootAsync("story-self-approval");

        // A second person approves.
        await approver.Page.GotoAsync(path);
        await approver.ClickAsync("审批通过");
        await approver.SeesAsync("已审批，资金和额度已占用");

        // Notice; anybody objects; the township answers; payment waits for the end of the notice.
        await village.Page.GotoAsync(path);
        await village.ClickAsync("开始公示");
        await village.SeesAsync("次日起可付款");
        await using (var villager = await web.VisitAsync(null))
        {
            await villager.Page.GotoAsync($"/notices/{path.Split('/')[^1]}");
            await villager.SeesAsync("补助合计");
            await villager.Page.GetByLabel("异议内容").FillAsync("名单里有一户今年没有缴费");
            await villager.ClickAsync("提交异议");
            await villager.SeesAsync("异议已收到");
            // With the number that it is followed by.
            Assert.Contains("number=objection-", villager.Page.Url, StringComparison.Ordinal);
            await villager.SeesAsync("待答复");
            await villager.ShootAsync("objection-followed");
        }
        await using (var township = await web.VisitAsync("TOWNSHIP"))
        {
            await township.Page.GotoAsync(path);
            await township.SeesAsync("名单里有一户今年没有缴费");
            await township.Page.GetByLabel("答复").FillAsync("经核对缴费凭证，均已缴费");
            await township.ClickAsync("成立，退出名单"); // against nobody: nothing would follow
            await township.SeesAsync("异议成立须指明名单中的人员");
            await township.ClickAsync("不成立");
            await township.SeesAsync("已答复");
        }
        // The page has the same words before its reload: what is clicked on that one is gone with it.
        await village.Page.RunAndWaitForResponseAsync(
            () => village.ClickAsync("样例时钟快进 8 天"),
            answer => answer.Request is { IsNavigationRequest: true, Method: "GET" }
        );
        await village.SeesAsync("尚未经村务监督委员会签字"); // and no form that would only be refused
        await Assertions.Expect(village.Page.GetByLabel("银行流水号")).ToHaveCountAsync(0);
        await WatchAsync(path);
        await village.Page.GotoAsync(path);
        var download = await village.Page.RunAndWaitForDownloadAsync(() => village.ClickAsync("下载付款清单"));
        Assert.EndsWith(".xlsx", download.SuggestedFilename, StringComparison.Ordinal);
        await village.Page.GetByLabel("银行流水号").FillAsync("NX20260009");
        await village.Page.SetInputFilesAsync("input[name=evidence]", web.Sample.At("transfer.pdf"));
        await village.ShootAsync("story-payment");
        await village.ClickAsync("登记付款");
        await village.SeesAsync("付款已登记，等入账回执");

        // Receipts, settlement.
        var paid = people.Where((_, i) => i != 1).ToList(); // the second row was refused
        var today = DateOnly.FromDateTime((await TodayAsync(reviewer)).Date);
        await File.WriteAllBytesAsync(
            web.Sample.At("story-receipts.xlsx"),
            SampleSheets.Receipts(paid.Select(p => (p, new Money(120_00))), today, "HZ9")
        );
        await reviewer.Page.GotoAsync(path);
        await reviewer.Page.SetInputFilesAsync("input[name=file]", web.Sample.At("story-receipts.xlsx"));
        await reviewer.ClickAsync("导入回执");
        await reviewer.SeesAsync("回执已导入");
        await approver.Page.GotoAsync(path);
        await approver.ClickAsync("办结");
        await approver.SeesAsync("已办结");
        await approver.ShootAsync("story-settled");

        // The auditor follows the yuan back to its source and forth again.
        await auditor.Page.GotoAsync(path);
        await auditor.Page.GetByRole(AriaRole.Link, new() { Name = "来源", Exact = true }).First.ClickAsync();
        await auditor.SeesAsync("2026年度补助120.00元，来自");
        await auditor.ShootAsync("story-trace-line");
        await auditor.Page.GetByRole(AriaRole.Link, new() { Name = "去向" }).First.ClickAsync();
        await auditor.SeesAsync("用到了谁（7）");
        await auditor.ShootAsync("story-trace-allocation");
        await auditor.Page.GotoAsync($"/audit?id={path.Split('/')[^1]}&type=payment_list_disclosed");
        await Assertions.Expect(auditor.Page.Locator("#events strong")).ToHaveTextAsync("下载付款清单");
    }

    /// <summary>
    /// L7: the supervision committee stops the payment, the township lifts the hold from its queue, the committee signs
    /// from its own page.
    /// </summary>
    private async Task WatchAsync(string path)
    {
        await using var committee = await web.VisitAsync("COMMITTEE");
        await committee.SeesAsync("待签字的付款");
        await committee.Page.GotoAsync(path);
        await committee.Page.Locator("summary", new() { HasText = "叫停付款" }).ClickAsync();
        await committee.Page.GetByLabel("理由").FillAsync("第3组一户称已迁出，请核实");
        await committee.ClickAsync("叫停付款");
        await committee.SeesAsync("付款已叫停");
        await using var township = await web.VisitAsync("TOWNSHIP");
        await township.Page.GotoAsync("/applications?waitingForMe=true");
        await township.SeesAsync("乡镇处理期限");
        await township.ShootAsync("story-hold-queue");
        await township.Page.GotoAsync(path);
        await township.Page.GetByLabel("查明的情况和理由").FillAsync("已入户核实，户籍仍在本村");
        await township.ShootAsync("story-hold");
        await township.ClickAsync("解除叫停");
        await township.SeesAsync("已解除，可以付款");
        await committee.Page.GotoAsync("/committee");
        await committee.ShootAsync("story-committee");
        await committee.Page.Locator($"a[href='{path}']").ClickAsync();
        await committee.ClickAsync("签字同意付款");
        await committee.SeesAsync("已签字");
    }

    private static async Task<DateTime> TodayAsync(Visitor visitor)
    {
        await visitor.Page.GotoAsync("/me");
        var text = await visitor.Page.Locator(".sample span").First.InnerTextAsync();
        return DateTime.Parse(text[^10..], System.Globalization.CultureInfo.InvariantCulture);
    }
}
