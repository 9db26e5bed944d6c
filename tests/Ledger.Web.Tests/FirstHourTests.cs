using Ledger.Domain;
using Xunit.Abstractions;

namespace Ledger.Web.Tests;

/// <summary>
/// From an empty database to a settled application, by the pages alone: each person finds on the list what is next, and
/// whose it is. It says how many clicks each had.
/// </summary>
[Collection("web")]
public sealed class FirstHourTests(WebFixture web, ITestOutputHelper output)
{
    private const string County = "370811",
        Township = "370811111",
        Village = "370811111204";

    private sealed class Office(WebFixture web, Uri address) : IAsyncDisposable
    {
        private readonly List<IBrowserContext> _contexts = [];
        private readonly Dictionary<string, string> _secrets = [];
        private readonly Dictionary<string, int> _clicks = [];
        public Dictionary<string, IPage> Pages { get; } = [];

        /// <summary>How often each pressed a mouse button, and sent a form that was done.</summary>
        public IEnumerable<string> Counts =>
            _clicks
                .Select(c => $"{c.Key}: {c.Value} clicks")
                .Append($"{_clicks.Count} people, {_clicks.Values.Sum()} clicks");

        /// <summary>Somebody whose clicks count: the browser itself says each.</summary>
        private async Task<IPage> OpenAsync(string name)
        {
            var context = await web.Browser.NewContextAsync(
                new()
                {
                    BaseURL = $"{address}",
                    Locale = "zh-CN",
                    TimezoneId = "Asia/Shanghai",
                    ViewportSize = new() { Width = 1366, Height = 768 },
                }
            );
            _contexts.Add(context);
            _clicks.TryAdd(name, 0);
            await context.ExposeFunctionAsync(
                "clicked",
                () =>
                {
                    _clicks[name]++;
                }
            );
            await context.AddInitScriptAsync("addEventListener('pointerdown', () => window.clicked(), true)");
            var page = await context.NewPageAsync();
            page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
            return Pages[name] = page;
        }

        public Task<IPage> AnybodyAsync() => OpenAsync("public");

        /// <summary>Days have passed: the session has run out, and he signs in as on any morning.</summary>
        public async Task<IPage> AgainAsync(string name)
        {
            var page = Pages[name];
            await page.GotoAsync("/");
            if (!page.Url.Contains("/sign-in", StringComparison.Ordinal))
                await page.GetByRole(AriaRole.Link, new() { Name = "登录办理" }).ClickAsync();
            var code = _secrets.TryGetValue(name, out var secret) ? SignInCodes.Of(secret, ahead: 1) : null;
            await AccountPageTests.SignInAsync(page, name, AccountPageTests.Password, code);
            await page.WaitForURLAsync(url => !url.Contains("/sign-in", StringComparison.Ordinal));
            return page;
        }

        /// <param name="secondFactor">An administrator, or somebody at the agency.</param>
        public async Task<IPage> SitDownAsync(string name, string once, bool secondFactor = false)
        {
            var page = await OpenAsync(name);
            await page.GotoAsync("/sign-in");
            await AccountPageTests.ChangePasswordAsync(page, name, once);
            if (secondFactor)
            {
                await page.GotoAsync("/sign-in"); // after success the form is gone
                _secrets[name] = await AccountPageTests.EnrolAsync(page, name);
            }
            await page.GotoAsync("/sign-in");
            var code = secondFactor ? SignInCodes.Of(_secrets[name]) : null;
            await AccountPageTests.SignInAsync(page, name, AccountPageTests.Password, code);
            await page.WaitForURLAsync(url => !url.Contains("/sign-in", StringComparison.Ordinal));
            return page;
        }

        public async ValueTask DisposeAsync()
        {
            foreach (var context in _contexts)
                await context.CloseAsync();
        }
    }

    [Fact]
    public async Task An_empty_system_comes_to_a_settled_application_by_pages_alone()
    {
        var folder = Directory.CreateTempSubdirectory("ledger-first-hour");
        var (settings, oneTime) = await AccountPageTests.AdministratorAsync(web, folder, "firsthour");
        await using var product = ClockedProduct.Start(settings);
        await using var office = new Office(web, product.Address);
        var admin = await office.SitDownAsync("chen.gang", oneTime, secondFactor: true);
        await admin.WaitForURLAsync("**/setup");
        await NextIsAsync(admin, "开立账户");
        await Assertions.Expect(admin.Locator("ol.setup li.now")).ToContainTextAsync("市人社、县人社");
        await ShootAsync(admin, "first-hour-1-empty");
        await admin.GetByRole(AriaRole.Link, new() { Name = "开立账户" }).ClickAsync();
        var once = await AccountsAsync(admin);
        await admin.GotoAsync("/");
        await NextIsAsync(admin, "发布政策年度");
        await Assertions.Expect(admin.Locator("ol.setup li.now")).ToContainTextAsync("请联系 市人社（市甲）");
        await ShootAsync(admin, "first-hour-2-accounts");

        var city = await office.SitDownAsync("city.hrss", once["city.hrss"]);
        await FollowAsync(city, "发布政策年度");
        await city.Locator("input[name='tiers.#.tierAmount']").First.FillAsync("300");
        await city.Locator("input[name='tiers.#.governmentSubsidyAmount']").First.FillAsync("30");
        await city.Locator("input[name=resolutionNoticeDays]").FillAsync("0");
        await DoAsync(city, "发布", "已发布");
        var county = await office.SitDownAsync("county.hrss", once["county.hrss"]);
        await FollowAsync(county, "申请并批准试点");
        await county.GetByLabel("理由").FillAsync("集体经济基础较好");
        await DoAsync(county, "申请", "已申请，等市级决定");
        await city.GotoAsync("/");
        await FollowAsync(city, "申请并批准试点");
        await city.GetByLabel("决定理由").FillAsync("符合条件");
        await DoAsync(city, "批准试点", "已决定");

        var officer = await office.SitDownAsync("village.li", once["village.li"]);
        await Assertions.Expect(officer.GetByText("您的集体还没有登记")).ToBeVisibleAsync();
        await Assertions.Expect(officer.Locator("main")).ToContainTextAsync("请联系 县农业农村（农乙）");
        await ShootAsync(officer, "first-hour-3-village");
        var agriculture = await office.SitDownAsync("county.nong", once["county.nong"]);
        await FollowAsync(agriculture, "登记集体");
        await agriculture.GetByLabel("名称", new() { Exact = true }).FillAsync("喻屯镇前屯村股份经济合作社");
        await agriculture.GetByLabel("统一社会信用代码").FillAsync(SamplePeople.CreditCode(County, 901));
        await agriculture.GetByLabel("村（社区）区划代码").FillAsync(Village);
        await ClickAsync(agriculture, "先看会发生什么");
        await Assertions.Expect(agriculture.Locator("#registering")).ToContainTextAsync("登记集体");
        await ShootAsync(agriculture, "first-hour-4-register");
        await DoAsync(agriculture, "确认登记", "已登记");
        await NextIsAsync(agriculture, "设立补助资金");
        await ShootAsync(agriculture, "first-hour-5-collective");

        await VillageAsync(officer, office, once);
        await admin.GotoAsync("/setup");
        await Assertions.Expect(admin.GetByText("全部就绪，已有申请提交。")).ToBeVisibleAsync();
        await ShootAsync(admin, "first-hour-9-done");
        await DecideAsync(officer, office, once);
        product.Wait(TimeSpan.FromDays(8)); // the notice
        await PayAsync(office);
        foreach (var line in office.Counts)
            output.WriteLine(line);
        await System.IO.File.WriteAllLinesAsync(
            Path.Combine(Visitor.Screenshots, "first-hour-clicks.txt"),
            office.Counts
        );
        await product.DisposeAsync();
        folder.Delete(recursive: true);
    }

    /// <summary>Review, approval by a second person, the notice, an objection from the public and its answer.</summary>
    private static async Task DecideAsync(IPage officer, Office office, Dictionary<string, string> once)
    {
        var reviewer = await office.SitDownAsync("agency.one", once["agency.one"], secondFactor: true);
        await reviewer.GetByRole(AriaRole.Link, new() { Name = "复核", Exact = true }).ClickAsync();
        await Assertions.Expect(reviewer.Locator("input[name=acceptSound]")).Not.ToBeCheckedAsync();
        await reviewer.GetByLabel("其余未标、核对没有问题的都同意").CheckAsync();
        await DoAsync(reviewer, "提交复核", "复核意见已提交");
        await Assertions.Expect(reviewer.GetByText("您复核了这件申请，须由另一人审批")).ToBeVisibleAsync();

        var approver = await office.SitDownAsync("agency.two", once["agency.two"], secondFactor: true);
        await approver.Locator("#list a").First.ClickAsync();
        await DoAsync(approver, "审批通过", "已审批，资金和额度已占用");

        await officer.GotoAsync("/");
        await officer.GetByRole(AriaRole.Link, new() { Name = "已审批，请公示" }).ClickAsync();
        await DoAsync(officer, "开始公示", "已公示，公示页可打印张贴");
        await Assertions.Expect(officer.Locator("#blocks")).ToContainTextAsync("次日起可付款");
        await officer.GetByRole(AriaRole.Link, new() { Name = "公示页" }).ClickAsync();

        // Somebody reads the address on the board.
        var villager = await office.AnybodyAsync();
        await villager.GotoAsync(new Uri(officer.Url).AbsolutePath);
        await villager.GetByLabel("异议内容").FillAsync("名单里有一户今年没有缴费");
        await DoAsync(villager, "提交异议", "异议已收到");
        await Assertions.Expect(villager.Locator("form[data-api*='/objections']")).ToHaveCountAsync(0);
        await officer.GoBackAsync();
        await officer.ReloadAsync();
        await Assertions.Expect(officer.Locator("#blocks")).ToContainTextAsync("尚有 1 条异议未答复");
        await Assertions.Expect(officer.Locator("#blocks")).ToContainTextAsync("镇庚 0537-2212345");
        await ShootAsync(officer, "first-hour-10-blocked");

        var town = office.Pages["town.zhen"];
        await town.GotoAsync("/");
        await Assertions.Expect(town.GetByText("件申请等您答复或处理")).ToBeVisibleAsync();
        await town.GetByRole(AriaRole.Link, new() { Name = "去办理" }).First.ClickAsync();
        await Assertions.Expect(town.Locator("#list")).ToContainTextAsync("异议答复期限");
        await ShootAsync(town, "first-hour-11-township");
        await town.Locator("#list a").First.ClickAsync();
        await town.GetByLabel("答复", new() { Exact = true }).FillAsync("经核对缴费凭证，均已缴费");
        await DoAsync(town, "不成立", "已答复");
    }

    /// <summary>After the notice: payment, receipts, settlement.</summary>
    private async Task PayAsync(Office office)
    {
        var officer = await office.AgainAsync("village.li");
        await officer.GetByRole(AriaRole.Link, new() { Name = "公示中，期满后付款" }).ClickAsync();
        await officer.GetByLabel("银行流水号").FillAsync("NX20260001");
        await officer.SetInputFilesAsync("input[name=evidence]", web.Sample.At("transfer.pdf"));
        await DoAsync(officer, "登记付款", "付款已登记，等入账回执");
        await Assertions.Expect(officer.GetByRole(AriaRole.Button, new() { Name = "登记付款" })).ToHaveCountAsync(0);

        var reviewer = await office.AgainAsync("agency.one");
        await reviewer.Locator("#list a").First.ClickAsync();
        var today = Clock.Day(DateTimeOffset.UtcNow.AddDays(8));
        await reviewer.SetInputFilesAsync(
            "input[name=file]",
            File(
                "回执.xlsx",
                SampleSheets.Receipts(
                    new SamplePeople(901).Take(6, County).Select(p => (p, new Money(100_00))),
                    today,
                    "HZ1"
                )
            )
        );
        await DoAsync(reviewer, "导入回执", "回执已导入");
        await DoAsync(reviewer, "办结", "已办结");
        await Assertions.Expect(reviewer.Locator("main .badge.bad, main .note")).ToHaveCountAsync(0);
        await ShootAsync(reviewer, "first-hour-12-settled");

        // What is settled is the same in the village's book.
        await officer.GotoAsync("/");
        await Assertions.Expect(officer.Locator(".tile", new() { HasText = "已入账" })).ToContainTextAsync("600.00");
        await Assertions.Expect(officer.Locator(".tile", new() { HasText = "可用" })).ToContainTextAsync("19,400.00");
    }

    private async Task<Dictionary<string, string>> AccountsAsync(IPage admin)
    {
        var once = new Dictionary<string, string>();
        foreach (
            var (name, role, region, person, number) in new[]
            {
                ("city.hrss", "city-hrss", "3708", "市甲", "37081119800101001"),
                ("county.hrss", "county-hrss", County, "县丙", "37081119800101002"),
                ("county.nong", "county-agriculture", County, "农乙", "37081119800101003"),
                ("county.tax", "county-tax", County, "税丁", "37081119800101004"),
                ("agency.one", "agency", County, "经戊", "37081119800101005"),
                ("agency.two", "agency", County, "经己", "37081119800101006"),
                ("town.zhen", "township", Township, "镇庚", "37081119800101007"),
                ("village.li", "village-finance", Village, "李会计", "37081119800101008"),
            }
        )
        {
            var (unit, phone) = name == "town.zhen" ? ("喻屯镇人民政府", "0537-2212345") : ("", "");
            await AccountPageTests.OpenAsync(
                admin,
                name,
                role,
                region,
                person,
                AccountPageTests.Citizen(number),
                unit,
                phone
            );
            once[name] = await admin.Locator("#issued dd").Nth(1).InnerTextAsync();
            await admin.ReloadAsync();
        }
        return once;
    }

    /// <summary>From the fund to the application, with the tax office and the township where it is theirs.</summary>
    private async Task VillageAsync(IPage officer, Office office, Dictionary<string, string> once)
    {
        var people = new SamplePeople(901).Take(6, County);
        await officer.GotoAsync("/");
        await ClickAsync(officer, "设立补助资金");
        await officer.WaitForURLAsync("**/funds/**");
        await officer.GetByRole(AriaRole.Link, new() { Name = "集体的登记" }).ClickAsync();
        await NextIsAsync(officer, "登记年度摸底");
        await FollowAsync(officer, "登记年度摸底");
        await officer.GetByLabel("集体年收入（元）").FillAsync("860000");
        foreach (var (label, count) in new[] { ("成员人数", "60"), ("参保人数", "50"), ("缴费人数", "40") })
            await officer.GetByLabel(label).FillAsync(count);
        await DoAsync(officer, "登记", "已登记");
        await FollowAsync(officer, "登记成员", "集体的登记");
        await officer.SetInputFilesAsync(
            "form[data-api*='members/import'] input[type=file]",
            File("名册.xlsx", SampleSheets.Members(people))
        );
        await ClickAsync(officer, "导入");
        await Assertions.Expect(officer.Locator("#imported")).ToContainTextAsync("6");
        await officer.GotoAsync("/");
        await officer.GetByRole(AriaRole.Link, new() { Name = "集体的登记" }).ClickAsync();
        await NextIsAsync(officer, "导入本年缴费记录");
        await Assertions.Expect(officer.Locator("ol.setup li.now")).ToContainTextAsync("请联系 县税务（税丁）");

        var tax = await office.SitDownAsync("county.tax", once["county.tax"]);
        await tax.GotoAsync("/setup");
        await tax.GetByRole(AriaRole.Link, new() { Name = "导入本年缴费记录" }).ClickAsync();
        var today = Clock.Day(DateTimeOffset.UtcNow);
        await tax.SetInputFilesAsync(
            "form[data-api*='contributions/import'] input[type=file]",
            File("缴费.xlsx", SampleSheets.Contributions(people.Select(p => (p, 300, false)), today.AddDays(-1), "SW"))
        );
        await ClickAsync(tax, "导入");
        await Assertions.Expect(tax.Locator("#imported")).ToContainTextAsync("6");

        await officer.ReloadAsync();
        await FollowAsync(officer, "登记划入的资金");
        await officer.GetByLabel("金额（元）").FillAsync("20000");
        await officer.GetByLabel("来源说明").FillAsync("土地流转收入");
        await officer.SetInputFilesAsync("input[name=evidence]", web.Sample.At("bank-slip.pdf"));
        await DoAsync(officer, "登记", "已登记，余额已增加");
        await FollowAsync(officer, "起草、表决、通过方案", "集体的登记");
        await officer.GetByLabel("资金来源").FillAsync("集体收入");
        await officer.GetByLabel("补助范围").FillAsync("本年度正常缴费的成员");
        await officer.GetByLabel("每人补助（元）").First.FillAsync("100");
        await DoAsync(officer, "保存草稿", "草稿已保存");
        await officer.Locator("select[name=form]").SelectOptionAsync("households");
        await officer.GetByLabel("会议公告日期").FillAsync(today.AddDays(-12).ToString("yyyy-MM-dd"));
        foreach (var (label, count) in new[] { ("应到", "30"), ("实到", "28"), ("赞成", "28") })
            await officer.GetByLabel(label, new() { Exact = true }).FillAsync(count);
        await officer.SetInputFilesAsync("input[name=minutes]", web.Sample.At("seal.pdf"));
        await DoAsync(officer, "记录决议", "决议已记录");
        var town = await office.SitDownAsync("town.zhen", once["town.zhen"]);
        await town.GotoAsync(new Uri(officer.Url).AbsolutePath);
        await ClickAsync(town, "会签第 1 版");
        await Assertions.Expect(town.GetByText("已会签").First).ToBeVisibleAsync();
        await officer.ReloadAsync();
        await DoAsync(officer, "通过方案", "方案已通过");
        await officer.GetByRole(AriaRole.Link, new() { Name = "按此方案申请" }).ClickAsync();
        await officer.SetInputFilesAsync("#check input[type=file]", File("名单.xlsx", SampleSheets.Roster(people)));
        await Assertions.Expect(officer.GetByText("名单没有问题")).ToBeVisibleAsync();
        await officer.SetInputFilesAsync("input[name=seal]", web.Sample.At("seal.pdf"));
        await DoAsync(officer, "提交申请", "已提交，等经办机构复核");
        await ShootAsync(officer, "first-hour-8-filed");
    }

    private static FilePayload File(string name, byte[] content) =>
        new()
        {
            Name = name,
            MimeType = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
            Buffer = content,
        };

    private static Task NextIsAsync(IPage page, string task) =>
        Assertions.Expect(page.Locator("ol.setup li.now strong")).ToHaveTextAsync(task);

    /// <summary>The step's link on the list; the list is on the first page, or behind the link that is named.</summary>
    private static async Task FollowAsync(IPage page, string task, string? behind = null)
    {
        if (behind is not null)
        {
            await page.GotoAsync("/");
            await page.GetByRole(AriaRole.Link, new() { Name = behind }).ClickAsync();
        }
        await page.Locator("ol.setup").GetByRole(AriaRole.Link, new() { Name = task }).ClickAsync();
    }

    private static async Task ClickAsync(IPage page, string button)
    {
        await page.WaitForLoadStateAsync();
        await page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).First.ClickAsync();
    }

    private static async Task DoAsync(IPage page, string button, string done)
    {
        await ClickAsync(page, button);
        await Assertions.Expect(page.GetByText(done).First).ToBeVisibleAsync();
    }

    private static async Task ShootAsync(IPage page, string name) =>
        await page.ScreenshotAsync(new() { Path = Path.Combine(Visitor.Screenshots, $"{name}.png"), FullPage = true });
}
