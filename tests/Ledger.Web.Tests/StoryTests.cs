namespace Ledger.Web.Tests;

/// <summary>What people come to do, one test each, as they would do it.</summary>
[Collection("web")]
public sealed class StoryTests(WebFixture web)
{
    private string Fund => web.Sample.Variable("FUND");

    private async Task<string> ApplicationAsync(string status, string village)
    {
        var all = System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(
            await web.Sample.Http.GetStringAsync($"/api/applications?status={status}&region={village}")
        );
        return all[0].Id();
    }

    [Fact]
    public async Task The_village_officer_sees_what_the_fund_holds_and_records_an_allocation_with_its_slip()
    {
        await using var officer = await web.VisitAsync("VILLAGE");
        var before = decimal.Parse(
            await officer.Page.Locator(".tile strong").First.InnerTextAsync(),
            System.Globalization.CultureInfo.InvariantCulture
        );
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "登记划入", Exact = true }).ClickAsync();

        // Wrong first: said in words, at the field, nothing lost.
        await officer.Page.GetByLabel("金额（元）").FillAsync("12.345");
        await officer.Page.GetByLabel("来源说明").FillAsync("果园承包费");
        await officer.Page.SetInputFilesAsync("input[name=evidence]", web.Sample.At("bank-slip.pdf"));
        await officer.ClickAsync("登记");
        await officer.SeesAsync("金额最多两位小数");
        await Assertions.Expect(officer.Page.GetByLabel("金额（元）")).ToBeFocusedAsync();
        await Assertions.Expect(officer.Page.GetByLabel("来源说明")).ToHaveValueAsync("果园承包费");
        await officer.ShootAsync("story-allocation-refused");

        await officer.Page.GetByLabel("金额（元）").FillAsync("20,000.50");
        await officer.ClickAsync("登记");
        await officer.SeesAsync("已登记，余额已增加");
        await Assertions
            .Expect(officer.Page.Locator(".tile strong").First)
            .ToHaveTextAsync(
                (before + 20_000.50m).ToString("#,##0.00", System.Globalization.CultureInfo.InvariantCulture)
            );
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "对账单" }).ClickAsync();
        await officer.SeesAsync("20,000.50");
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "记账凭证", Exact = true }).Last.ClickAsync();
        await officer.SeesAsync("贰万元伍角整");
        // A voucher is no dead end: its slip, what became of the money, who did it.
        var about = officer.Page.Locator("#about");
        await Assertions.Expect(about.Locator("a[href^='/api/evidence/']")).ToHaveCountAsync(1);
        await Assertions.Expect(about.Locator("a[href^='/audit?after=']")).ToHaveCountAsync(1);
        await about.Locator("a[href^='/trace/funds/']").ClickAsync();
        await officer.SeesAsync("果园承包费");
    }

    [Fact]
    public async Task The_village_officer_tries_a_standard_amends_the_plan_and_takes_it_through_the_vote()
    {
        await using var officer = await web.VisitAsync("VILLAGE");
        await officer.Page.GotoAsync($"/plans/{web.Sample.Variable("PLAN")}");
        await officer.ClickAsync("试算");
        await officer.SeesAsync("所需资金（元）");
        await officer.SeesAsync("一次性补缴");
        await officer.ShootAsync("story-dry-run");
        await officer.Page.GetByText("起草新的版本").ClickAsync();
        var amendment = officer.Page.Locator("form[data-api*=amendments]");
        await amendment.GetByLabel("修订原因").FillAsync("多缴多补");
        await amendment.GetByLabel("按缴费档次").CheckAsync();
        await amendment.GetByLabel("300.00 元档补助", new() { Exact = true }).FillAsync("60");
        await amendment.GetByLabel("500.00 元档补助", new() { Exact = true }).FillAsync("100.50");
        await amendment.GetByRole(AriaRole.Button, new() { Name = "保存新版本" }).ClickAsync();
        await officer.SeesAsync("新版本已保存");
        await officer.SeesAsync("100.50");
        await officer.Page.GetByLabel("应到", new() { Exact = true }).FillAsync("60");
        await officer.Page.GetByLabel("实到", new() { Exact = true }).FillAsync("30");
        await officer.Page.GetByLabel("赞成", new() { Exact = true }).FillAsync("28");
        await officer.Page.Locator("select[name=form]").SelectOptionAsync("representatives");
        await officer.SeesAsync("授权文件");
        await officer.Page.Locator("select[name=form]").SelectOptionAsync("households");
        await Assertions.Expect(officer.Page.GetByLabel("授权文件")).ToBeHiddenAsync();
        var meeting = await officer.Page.GetByLabel("会议日期", new() { Exact = true }).InputValueAsync();
        await officer
            .Page.GetByLabel("会议公告日期")
            .FillAsync(
                DateOnly
                    .Parse(meeting, System.Globalization.CultureInfo.InvariantCulture)
                    .AddDays(-10)
                    .ToString("yyyy-MM-dd")
            );
        await officer.Page.SetInputFilesAsync("input[name=minutes]", web.Sample.At("seal.pdf"));
        await officer.SeesAsync("到会至少 40（还差 10）"); // 30 of 60 households is less than two thirds
        await officer.ClickAsync("记录决议");
        await officer.SeesAsync("quorum-not-met");
        await officer.SeesAsync("即不少于 40 人，还差 10 人");
        await officer.ShootAsync("story-quorum");
        await officer.Page.GetByLabel("实到", new() { Exact = true }).FillAsync("52");
        await officer.SeesAsync("到会至少 40（已达到） · 赞成至少 27（已达到）");
        await officer.ClickAsync("记录决议");
        await officer.SeesAsync("决议已记录");
    }

    [Fact]
    public async Task L6_the_officer_records_how_the_plan_came_about_and_prints_its_dossier_on_one_sheet()
    {
        await using var officer = await web.VisitAsync("VILLAGE");
        await officer.Page.GotoAsync($"/plans/{web.Sample.Variable("PLAN")}");
        var before =
            $"{int.Parse(web.Sample.Variable("YEAR"), System.Globalization.CultureInfo.InvariantCulture) - 1}-12-";
        foreach (
            var (step, day) in ((string, string)[])[("proposal", "10"), ("committee", "15"), ("deliberation", "20")]
        )
        {
            await officer.Page.Locator("summary", new() { HasText = "登记会前步骤" }).ClickAsync();
            var form = officer.Page.Locator("form[data-api$='/steps']");
            await form.Locator("select[name=step]").SelectOptionAsync(step);
            await form.GetByLabel("日期").FillAsync(before + day);
            await form.Locator("input[type=file]").SetInputFilesAsync(web.Sample.At("seal.pdf"));
            await form.GetByRole(AriaRole.Button, new() { Name = "登记步骤" }).ClickAsync();
            await officer.SeesAsync(before + day);
        }
        await officer.Page.Locator("summary", new() { HasText = "登记决议公布" }).ClickAsync();
        var publication = officer.Page.Locator("form[data-api$='/publication']");
        var today = (await publication.Locator("input[name=from]").GetAttributeAsync("max"))!;
        await publication.GetByLabel("公布日期").FillAsync(today);
        await publication.Locator("input[type=file]").SetInputFilesAsync(web.Sample.At("bank-slip.pdf"));
        await publication.GetByRole(AriaRole.Button, new() { Name = "登记公布" }).ClickAsync();
        // Its own line, and not the form's heading: the page has come again.
        await Assertions
            .Expect(officer.Page.GetByText("决议公布", new() { Exact = true }))
            .ToBeVisibleAsync(new() { Timeout = 30_000 });

        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "方案档案" }).ClickAsync();
        await officer.Page.WaitForURLAsync("**/dossier*");
        await officer.SeesAsync("党员大会审议");
        foreach (var day in (string[])[$"{before}10", $"{before}15", $"{before}20", today])
            await officer.SeesAsync(day);
        await officer.ShootAsync("story-dossier");
        await officer.Page.EmulateMediaAsync(new() { Media = Media.Print });
        await officer.Page.SetViewportSizeAsync(680, 962); // A4 within its margins, at 96 dots an inch
        await officer.ShootAsync("story-dossier-print");
        var sheets = await officer.Page.PdfAsync(new() { Format = "A4", PreferCSSPageSize = true });
        Assert.Equal(
            1,
            System.Text.RegularExpressions.Regex.Count(System.Text.Encoding.Latin1.GetString(sheets), "/Type ?/Page\\b")
        );
    }

    [Fact]
    public async Task L18_a_villager_complains_after_settlement_follows_it_by_its_number_and_takes_it_to_the_county()
    {
        var application = await ApplicationAsync("settled", "370811102201");
        await using var villager = await web.VisitAsync(null);
        await villager.Page.GotoAsync($"/complaints/{application}");
        await villager.Page.GetByLabel("投诉内容").FillAsync("我家的补助没有记入账户");
        await villager.Page.GetByLabel("涉及公示名单第几号").FillAsync("3");
        await villager.ClickAsync("提交投诉");
        await villager.SeesAsync("待乡镇（街道）答复");
        var followed = villager.Page.Url;
        Assert.Contains("number=complaint-", followed, StringComparison.Ordinal);
        await villager.ShootAsync("story-complaint");

        await using (var township = await web.VisitAsync("MERGING_TOWNSHIP"))
        {
            await township.Page.GotoAsync("/applications?waitingForMe=true");
            await township.SeesAsync("1 件投诉");
            await township.Page.GotoAsync($"/applications/{application}");
            var form = township.Page.Locator("#complaints form[data-api$='/answer']").Last;
            await form.GetByLabel("答复", new() { Exact = true }).FillAsync("已核对，已于回执日期入账");
            await form.GetByRole(AriaRole.Button, new() { Name = "不成立" }).ClickAsync();
            await township.SeesAsync("已答复");
            await township.SeesAsync("乡镇（街道）已答复");
            await township.ShootAsync("story-complaint-answered");
        }
        await villager.Page.GotoAsync(followed);
        await villager.SeesAsync("已于回执日期入账");
        await villager.Page.GetByLabel("为什么不满意答复，或逾期没有答复").FillAsync("存折上没有这一笔");
        await villager.ClickAsync("转到县级");
        await villager.SeesAsync("待县级答复");
        await using var county = await web.VisitAsync("COUNTY_HRSS");
        await county.Page.GotoAsync("/supervision");
        await county.SeesAsync("投诉未答复");
    }

    [Fact]
    public async Task The_clerk_works_from_the_queue_returns_one_application_and_refunds_a_line_of_another()
    {
        await using var clerk = await web.VisitAsync("REVIEWER");
        await clerk.SeesAsync("等得最久的在前");
        var filed = await ApplicationAsync("filed", "370811111203");
        await clerk.Page.GotoAsync($"/applications/{filed}/review?filter=faulty");
        await clerk.SeesAsync("没有符合条件的行");
        await clerk.Page.GotoAsync($"/applications/{filed}");
        await clerk.Page.Locator("summary", new() { HasText = "退回补正" }).ClickAsync();
        await clerk.Page.GetByLabel("要补正什么").FillAsync("名单缺少第3组人员");
        await clerk.Page.Locator("form[data-api$='/return'] button").ClickAsync();
        await clerk.SeesAsync("名单缺少第3组人员");

        var paid = await ApplicationAsync("paid", "370811109202");
        await clerk.Page.GotoAsync($"/applications/{paid}");
        await clerk.Page.Locator("#lines input[type=radio]").First.CheckAsync();
        var refund = clerk.Page.Locator("form[data-api$='/refunds']");
        await Assertions.Expect(refund.Locator("[data-chosen]")).ToContainTextAsync("已选 1：");
        Assert.DoesNotContain("死亡", await refund.Locator("option").Nth(1).TextContentAsync() ?? "");
        await refund.GetByLabel("原因").SelectOptionAsync("voluntary-refusal");
        await refund.GetByLabel("退款流水号").FillAsync("TH001");
        await refund.Locator("input[type=file]").SetInputFilesAsync(web.Sample.At("transfer.pdf"));
        await refund.GetByRole(AriaRole.Button, new() { Name = "登记退回" }).ClickAsync();
        await clerk.SeesAsync("已登记退回，资金回到村集体");
    }

    [Fact]
    public async Task A_receipt_file_with_faults_is_refused_whole_and_comes_back_marked()
    {
        await using var clerk = await web.VisitAsync("REVIEWER");
        await clerk.Page.GotoAsync($"/applications/{await ApplicationAsync("paid", "370811102203")}");
        // Those of another village.
        await clerk.Page.SetInputFilesAsync("input[name=file]", web.Sample.At("receipts.xlsx"));
        await clerk.ClickAsync("导入回执");
        await clerk.SeesAsync("receipt-mismatch");
        await clerk.ShootAsync("story-receipt-faults");
        var download = await clerk.Page.RunAndWaitForDownloadAsync(() => clerk.ClickAsync("下载标注了问题的表格"));
        Assert.True(new FileInfo(await download.PathAsync()).Length > 1000);
    }

    /// <summary>
    /// The list as WPS writes it (.xls): title, pinyin above the names, groups merged over their people, a total, who
    /// made it. One id has a wrong digit, one person stands twice, one amount shows as 50 %.
    /// </summary>
    [Fact]
    public async Task A_list_from_WPS_with_pinyin_and_merged_groups_is_mended_in_place_and_filed()
    {
        await using var village = await web.VisitAsync("VILLAGE");
        await village.Page.GetByRole(AriaRole.Link, new() { Name = "新申请" }).ClickAsync();
        await village.Page.SetInputFilesAsync(
            "#check input[type=file]",
            Path.Combine(AppContext.BaseDirectory, "Files", "wps.xls")
        );
        await village.SeesAsync("处问题，已标红");
        var wrong = village.Page.Locator("#roster tr.wrong");
        await Assertions.Expect(wrong).ToHaveCountAsync(3);
        // As the sheet shows them: the title is row 1, the headings row 2.
        await Assertions.Expect(wrong.Locator("th")).ToHaveTextAsync(["4", "7", "9"]);
        await village.SeesAsync("没有读取 A 列“村民小组”");
        await village.SeesAsync("表尾（合计）");
        await village.SeesAsync("名单还有问题，改正并重新核对后才能提交");
        await village.ShootAsync("story-wps-faults");

        await wrong.Nth(0).Locator("input").Nth(1).FillAsync(WpsPerson.CitizenId);
        await wrong.Nth(2).Locator("input").Nth(2).FillAsync("１２０元");
        await wrong.Nth(1).GetByRole(AriaRole.Button).ClickAsync();
        await village.SeesAsync("名单改过了，重新核对后才能提交");
        await Assertions.Expect(village.Page.GetByRole(AriaRole.Button, new() { Name = "提交申请" })).ToBeHiddenAsync();
        await village.ClickAsync("重新核对");
        await village.SeesAsync("名单没有问题");
        // The rows keep the numbers of the sheet.
        await Assertions
            .Expect(village.Page.Locator("#roster tbody th"))
            .ToHaveTextAsync(["3", "4", "5", "6", "8", "9"]);
        await Assertions.Expect(village.Page.Locator("[data-total=people]").First).ToHaveTextAsync("6");
        await Assertions.Expect(village.Page.Locator("[data-total=totalInWords]")).ToHaveTextAsync("柒佰贰拾元整");
        await village.ShootAsync("story-wps-sound");
        await village.Page.SetInputFilesAsync("input[name=seal]", web.Sample.At("seal.pdf"));
        await village.ClickAsync("提交申请");
        await village.SeesAsync("已提交，等经办机构复核");
        await village.SeesAsync("720.00");
        await village.ShootAsync("story-wps-filed");
        await OnASecondListAsync(village);
    }

    /// <summary>
    /// One of those who wait for approval in a second list: asked about before it is filed; the reason goes with it.
    /// </summary>
    private async Task OnASecondListAsync(Visitor village)
    {
        var (list, reason) = (web.Sample.At("twice.xlsx"), "另一份将撤回");
        await File.WriteAllBytesAsync(list, SampleSheets.Roster([WpsPerson]));
        await village.Page.GotoAsync("/");
        await village.Page.GetByRole(AriaRole.Link, new() { Name = "新申请" }).ClickAsync();
        await Assertions.Expect(village.Page.GetByText("确认也列入这份名单")).ToBeHiddenAsync();
        await village.Page.SetInputFilesAsync("#check input[type=file]", list);
        await village.SeesAsync("此人也在另一份待审批的申请");
        await Assertions.Expect(village.Page.Locator("[data-ready]")).ToBeHiddenAsync();
        await village.ShootAsync("story-second-list");
        await village.Page.GetByLabel("确认也列入这份名单").CheckAsync();
        await village.Page.GetByLabel("为什么列入两份名单").FillAsync(reason);
        await village.ClickAsync("重新核对");
        await village.SeesAsync("名单没有问题");
        await village.Page.SetInputFilesAsync("input[name=seal]", web.Sample.At("seal.pdf"));
        await village.ClickAsync("提交申请");
        await village.SeesAsync("已提交，等经办机构复核");
        var application = new Uri(village.Page.Url).AbsolutePath.Split('/')[^1];
        Assert.Contains(
            reason,
            await web.Sample.Http.GetStringAsync($"/api/audit/events?id={application}&type=application_filed")
        );
    }

    /// <summary>Whose id lost a digit in the list.</summary>
    private static SamplePerson WpsPerson =>
        SampleStory.Payers(SampleStory.TourVillage).Where(p => !p.CatchUp).ElementAt(FirstOfWps + 1).Person;

    /// <summary>The first people of the village are filed in another story.</summary>
    private const int FirstOfWps = 8;

    /// <summary>
    /// An amount field reads what the tables' reader reads, and refuses what it refuses (MoneyTests).
    /// </summary>
    [Fact]
    public async Task An_amount_is_read_on_the_page_as_in_a_table()
    {
        await using var officer = await web.VisitAsync("VILLAGE");
        await officer.Page.GotoAsync($"/funds/{Fund}/allocations/new");
        await officer.Page.GetByLabel("来源说明").FillAsync("果园承包费");
        await officer.Page.SetInputFilesAsync("input[name=evidence]", web.Sample.At("bank-slip.pdf"));
        var sent = "";
        await officer.Page.RouteAsync(
            "**/api/funds/*/allocations",
            async route =>
            {
                sent = System
                    .Text.RegularExpressions.Regex.Match(route.Request.PostData!, "\"amount\":(\"[^\"]*\"|[^,}]*)")
                    .Groups[1]
                    .Value;
                var plain = sent.Replace("\"", "", StringComparison.Ordinal);
                await route.FulfillAsync(
                    new()
                    {
                        Status = 422,
                        ContentType = "application/problem+json",
                        Body = $$"""
                        {"code":"amount-invalid","detail":"收到 {{plain}} 了","title":"金额","field":"amount"}
                        """,
                    }
                );
            }
        );
        foreach (
            var (typed, amount) in new[]
            {
                ("300", "300"),
                ("1,200.50", "1200.50"),
                ("￥ 300", "300"),
                ("￥１，２００．５０元", "1200.50"),
                ("+7.10", "7.10"),
                ("\u200b120\u00a0元", "120"),
                ("300,50", "\"300,50\""),
                ("1,2,0", "\"1,2,0\""),
                ("叁佰元整", "\"叁佰元整\""),
                ("3万", "\"3万\""),
                ("1e3", "\"1e3\""),
            }
        )
        {
            sent = "";
            await officer.Page.GetByLabel("金额（元）").FillAsync(typed);
            await officer.ClickAsync("登记");
            await officer.SeesAsync($"收到 {amount.Replace("\"", "", StringComparison.Ordinal)} 了");
            Assert.Equal(amount, sent);
        }
        await officer.Page.UnrouteAllAsync();
        await officer.Page.GetByLabel("金额（元）").FillAsync("300,50");
        await officer.ClickAsync("登记");
        await officer.SeesAsync("逗号只能三位一分");
        await officer.ShootAsync("story-amount-refused");
    }

    [Fact]
    public async Task The_auditor_searches_goes_back_in_time_and_verifies_now()
    {
        await using var auditor = await web.VisitAsync("AUDITOR");
        await auditor.Page.GotoAsync("/audit");
        await auditor.Page.GetByLabel("类型").SelectOptionAsync("funds_allocated");
        await auditor.Page.GetByLabel("金额从").FillAsync("100000");
        await auditor.ClickAsync("筛选");
        await Assertions.Expect(auditor.Page.Locator("#events strong").First).ToHaveTextAsync("划入资金");
        Assert.True(await auditor.Page.Locator("#events > li").CountAsync() >= 2);
        await auditor.Page.GetByText("内容与证明").First.ClickAsync();
        var receipt = await auditor.Page.RunAndWaitForDownloadAsync(() =>
            auditor.Page.GetByRole(AriaRole.Link, new() { Name = "下载存证回执" }).First.ClickAsync()
        );
        Assert.Contains(
            "c2sp.org/tlog-proof@v1",
            await File.ReadAllTextAsync(await receipt.PathAsync()),
            StringComparison.Ordinal
        );
        // And where to go with it.
        await Assertions.Expect(auditor.Page.Locator("main a[href='/verify']").First).ToBeAttachedAsync();

        await auditor.Page.GotoAsync($"/funds/{Fund}/trial-balance");
        await auditor.SeesAsync("按 现在 的记录");
        await auditor.Page.GetByLabel("按哪个时刻的记录").FocusAsync();
        await auditor.Page.Keyboard.PressAsync("Home");
        await auditor.SeesAsync("那时账上没有任何资金");
        await auditor.ShootAsync("story-as-of");

        await auditor.Page.GotoAsync("/proof");
        await auditor.ClickAsync("核对存证日志");
        await Assertions
            .Expect(auditor.Page.Locator("#checked"))
            .ToContainTextAsync("0 处不一致", new() { Timeout = 60_000 });
        await auditor.ClickAsync("核对全部账目");
        await Assertions
            .Expect(auditor.Page.Locator("#checked"))
            .ToContainTextAsync("份账目，0 处不一致", new() { Timeout = 60_000 });
        await auditor.ShootAsync("story-proof");
        var checkpoint = await auditor.Page.RunAndWaitForDownloadAsync(() =>
            auditor.Page.GetByRole(AriaRole.Link, new() { Name = "下载检查点" }).ClickAsync()
        );
        Assert.Contains(
            "collective-subsidy-ledger/",
            await File.ReadAllTextAsync(await checkpoint.PathAsync()),
            StringComparison.Ordinal
        );
    }

    [Fact]
    public async Task The_city_decides_a_pilot_and_amends_the_policy_year_seeing_the_difference_first()
    {
        await using var city = await web.VisitAsync("CITY_HRSS");
        await city.Page.GetByRole(AriaRole.Link, new() { Name = "试点" }).ClickAsync();
        var card = city.Page.Locator("section", new() { HasText = "370812" });
        await card.GetByLabel("决定理由").FillAsync("条件成熟");
        await card.GetByRole(AriaRole.Button, new() { Name = "批准试点", Exact = true }).ClickAsync();
        await city.SeesAsync("已决定");
        await city.Page.GetByRole(AriaRole.Link, new() { Name = "政策年度" }).ClickAsync();
        await city.Page.GetByLabel("公示天数").FillAsync("10");
        await Assertions.Expect(city.Page.Locator(".diff")).ToContainTextAsync("7 → 10");
        await city.ShootAsync("story-policy-diff");
        await city.Page.GetByLabel("公示天数").FillAsync("7");
        await Assertions.Expect(city.Page.Locator(".diff")).ToContainTextAsync("没有改动");
        await city.Page.GetByLabel("个人账户记账利率（万分之）").FillAsync("263");
        await city.ClickAsync("提出修订");
        await city.SeesAsync("等市人社另一人确认");
        await using var second = await web.VisitAsync("CITY_HRSS_SECOND");
        await second.Page.GotoAsync("/policy-years");
        await second.ClickAsync("先看会发生什么");
        await second.ClickAsync("确认修订");
        await second.SeesAsync("现在生效");
        await city.Page.ReloadAsync();
        await Assertions.Expect(city.Page.GetByLabel("个人账户记账利率（万分之）")).ToHaveValueAsync("263");
    }

    [Fact]
    public async Task The_county_watches_the_donor_asks_where_the_gift_went_and_a_villager_is_shown_the_pension()
    {
        await using var county = await web.VisitAsync("COUNTY_HRSS");
        await county.SeesAsync("各集体资金");
        await county.Page.GetByRole(AriaRole.Link, new() { Name = "激励排名" }).ClickAsync();
        await county.SeesAsync("覆盖率");
        await county.Page.GotoAsync($"/donors/{web.Sample.Variable("DONOR")}");
        var address = await county.Page.Locator("[data-copy]").First.GetAttributeAsync("data-copy");
        await using (var donor = await web.VisitAsync(null))
        {
            await donor.Page.GotoAsync(address!);
            await donor.SeesAsync("共捐赠");
            await donor.DrawnAsync();
            var wrong = await donor.Page.GotoAsync(address![..^1] + (address[^1] == '0' ? '1' : '0'));
            Assert.Equal(404, wrong!.Status);
            await donor.SeesAsync("回到首页");
        }
        await using var officer = await web.VisitAsync("VILLAGE");
        await officer.Page.GotoAsync("/members");
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "2026 年度" }).First.ClickAsync();
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "算一算待遇" }).ClickAsync();
        await officer.Page.GetByLabel("缴费档次（元）").SelectOptionAsync("500.00");
        await officer.Page.GetByLabel("每年集体补助（元）").FillAsync("300");
        await officer.ClickAsync("重新测算");
        await officer.SeesAsync("个人账户养老金每月");
        await officer.ShootAsync("story-estimate");
    }

    [Fact]
    public async Task A_session_that_ends_in_the_middle_of_a_form_loses_nothing()
    {
        await using var officer = await web.VisitAsync("VILLAGE");
        await officer.Page.GotoAsync($"/funds/{Fund}/allocations/new");
        await officer.Page.GetByLabel("金额（元）").FillAsync("77.77");
        await officer.Page.GetByLabel("来源说明").FillAsync("鱼塘承包费");
        await officer.Page.SetInputFilesAsync("input[name=evidence]", web.Sample.At("seal.pdf"));
        var cookies = await officer.Page.Context.CookiesAsync();
        await officer.Page.Context.ClearCookiesAsync();
        await officer.Page.Context.AddCookiesAsync([
            new()
            {
                Name = "ledger-session",
                Value = "ended",
                Domain = "127.0.0.1",
                Path = "/",
            },
        ]);
        await officer.ClickAsync("登记");
        await officer.SeesAsync("登录已过期");
        await officer.ShootAsync("story-session-ended");
        await officer.Page.Context.ClearCookiesAsync();
        await officer.Page.Context.AddCookiesAsync(
            cookies.Select(c => new Cookie
            {
                Name = c.Name,
                Value = c.Value,
                Domain = c.Domain,
                Path = c.Path,
                HttpOnly = c.HttpOnly,
            })
        );
        await officer.ClickAsync("已登录，继续");
        await officer.SeesAsync("已登记，余额已增加");
        await officer.SeesAsync("鱼塘承包费");
    }

    [Fact]
    public async Task English_is_the_second_language()
    {
        await using var auditor = await web.VisitAsync("AUDITOR");
        await auditor.Page.GetByRole(AriaRole.Link, new() { Name = "English" }).ClickAsync();
        await auditor.SeesAsync("Overview");
        Assert.Equal("en", await auditor.Page.Locator("html").GetAttributeAsync("lang"));
        await auditor.ShootAsync("story-english");
        await auditor.Page.GotoAsync("/proof");
        await auditor.SeesAsync("Checkpoint");
        await auditor.Page.GetByRole(AriaRole.Link, new() { Name = "中文" }).ClickAsync();
        await auditor.SeesAsync("检查点");
    }
}
