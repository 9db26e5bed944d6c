using System.Globalization;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Store;

namespace Ledger.Web.Tests;

/// <summary>
/// L16, C8, C9 by pages: collectives are renamed, split, merged and dissolved, what is left of a fund goes back; and
/// before anything is done its page says what would be: money, people, applications.
/// </summary>
[Collection("web")]
public sealed class ForesightPageTests(WebFixture web)
{
    private const string County = "370811",
        Township = "370811111";

    /// <summary>The sample's clock, which other tests move by days.</summary>
    private sealed class Shifted(DateOnly today) : TimeProvider
    {
        private readonly TimeSpan _by = today.ToDateTime(default) - Clock.China(DateTimeOffset.UtcNow).Date;

        public override DateTimeOffset GetUtcNow() => DateTimeOffset.UtcNow + _by;
    }

    private DateOnly _today;
    private Tokens _tokens = null!;

    private async Task<SampleOffices> OfficesAsync()
    {
        await using var nobody = await web.VisitAsync(null);
        await nobody.Page.GotoAsync("/sign-in");
        var shown = await nobody.Page.Locator(".sample span").First.InnerTextAsync();
        _today = DateOnly.Parse(shown[^10..], CultureInfo.InvariantCulture);
        _tokens = new Tokens(KeyFile.LoadOrCreate(web.Sample.At("keys.json")), new Shifted(_today));
        return new SampleOffices(actor => new SampleClient(web.Sample.Http, _tokens, actor), County);
    }

    /// <summary>Somebody whom the sign-in page does not offer.</summary>
    private async Task<Visitor> AsAsync(Actor actor, int width = 1366, int height = 768)
    {
        var context = await web.Browser.NewContextAsync(
            new()
            {
                BaseURL = web.Address,
                Locale = "zh-CN",
                ViewportSize = new() { Width = width, Height = height },
                ExtraHTTPHeaders = new Dictionary<string, string>
                {
                    ["Authorization"] = $"Bearer {_tokens.Issue(actor, TimeSpan.FromHours(12))}",
                },
            }
        );
        return new Visitor(web, await context.NewPageAsync());
    }

    private static FilePayload Pdf(string text) =>
        new()
        {
            Name = $"{text}.pdf",
            MimeType = "application/pdf",
            Buffer = SamplePeople.Pdf(text),
        };

    private async Task<SampleVillage> VillageAsync(
        SampleOffices offices,
        int number,
        string name,
        int people,
        decimal money
    )
    {
        var village = new SampleVillage(
            offices,
            $"{Township}{number}",
            $"喻屯镇{name}股份经济合作社",
            9000 + number,
            _today.Year
        );
        await village.RegisterAsync();
        if (people > 0)
            await village.Officer.UploadAsync(
                $"/api/members/import?collectiveId={village.CollectiveId}",
                SampleSheets.Members(new SamplePeople(9000 + number).Take(people, County)),
                "members.xlsx"
            );
        if (people > 0)
            await village.SurveyAsync(people); // a split counts as the survey does
        if (money > 0)
            await village.AllocateAsync(money);
        return village;
    }

    /// <summary>Decision, review and approval, as the forms ask for them.</summary>
    private async Task PapersAsync(ILocator form, string what, bool both)
    {
        foreach (var i in both ? new[] { 0, 1 } : [0])
        {
            await form.Locator($"[name='papers.decisions.{i}.number']").FillAsync($"成决〔{_today.Year}〕{i + 1}号");
            await form.Locator($"[name='papers.decisions.{i}.on']").FillAsync(Format.Date(_today.AddDays(-9)));
            await form.Locator($"[name='papers.decisions.{i}.evidence']")
                .SetInputFilesAsync(Pdf($"decision {i} {what}"));
        }
        await form.Locator("[name='papers.review.on']").FillAsync(Format.Date(_today.AddDays(-6)));
        await form.Locator("[name='papers.review.evidence']").SelectOptionAsync(new SelectOptionValue { Index = 1 });
        await form.Locator("[name='papers.approval.number']").FillAsync($"任政批〔{_today.Year}〕{what.Length}号");
        await form.Locator("[name='papers.approval.on']").FillAsync(Format.Date(_today.AddDays(-3)));
        await form.Locator("[name='papers.approval.evidence']").SetInputFilesAsync(Pdf($"approval {what}"));
    }

    /// <summary>What stands above the page after it was loaded anew; the same words may stand in a preview.</summary>
    private static Task DoneAsync(Visitor visitor, string text) =>
        Assertions.Expect(visitor.Page.Locator("p.done")).ToContainTextAsync(text);

    private static async Task ForeseeAsync(ILocator form) =>
        await form.GetByRole(AriaRole.Button, new() { Name = "先看会发生什么" }).ClickAsync();

    [Fact]
    public async Task L16_a_collective_is_renamed_split_and_merged_after_a_look_at_what_would_happen()
    {
        var offices = await OfficesAsync();
        var old = await VillageAsync(offices, 291, "东甲村", 5, 1000);
        var next = await VillageAsync(offices, 292, "东乙村", 0, 0);
        await using (var township = await web.VisitAsync("TOWNSHIP", 1366, 768))
        {
            await township.Page.GotoAsync($"/collectives/{old.CollectiveId}");
            await township.Page.SetInputFilesAsync("form[data-api$='/api/evidence'] input", Pdf("review"));
            await township.ClickAsync("上传");
            await township.SeesAsync("已上传");
        }
        await using var agriculture = await web.VisitAsync("COUNTY_AGRICULTURE", 1366, 768);
        var page = agriculture.Page;
        await page.GotoAsync($"/collectives/{old.CollectiveId}");
        await page.Locator("summary", new() { HasTextString = "更名" }).First.ClickAsync();
        var rename = page.Locator("form[data-api$='/name']");
        await rename.Locator("[name=name]").FillAsync("喻屯镇东甲股份经济合作社");
        await rename.Locator("[name='approval.number']").FillAsync($"任政批〔{_today.Year}〕31号");
        await rename.Locator("[name='approval.on']").FillAsync(Format.Date(_today));
        await rename.Locator("[name='approval.evidence']").SetInputFilesAsync(Pdf("renaming"));
        await ForeseeAsync(rename);
        await Assertions.Expect(rename.Locator("#renaming")).ToContainTextAsync("喻屯镇东甲股份经济合作社");
        await rename.GetByRole(AriaRole.Button, new() { Name = "确认更名" }).ClickAsync();
        await DoneAsync(agriculture, "已更名");

        // Two of five go, with two fifths of the money and not a fen more.
        await page.GotoAsync($"/collectives/{old.CollectiveId}/split");
        var split = page.Locator("form[data-api$='/split']");
        await split.Locator("[name=intoCollectiveId]").SelectOptionAsync(next.CollectiveId);
        await split.Locator("[name=amount]").FillAsync("400.01");
        await split.Locator("[name=reason]").FillAsync("分村");
        for (var i = 0; i < 2; i++)
            await split.Locator("tbody input[type=checkbox]").Nth(i).CheckAsync();
        await Assertions.Expect(split.Locator("[data-ticked]")).ToHaveTextAsync("2");
        await PapersAsync(split, "splitting", both: false);
        await ForeseeAsync(split);
        await agriculture.SeesAsync("随之转出的资金最多 400.00 元");
        await split.Locator("[name=amount]").FillAsync("400");
        await ForeseeAsync(split);
        var foreseen = split.Locator("#splitting");
        await Assertions.Expect(foreseen).ToContainTextAsync("肆佰元整");
        await Assertions.Expect(foreseen.Locator("dd").Nth(2)).ToHaveTextAsync("2");
        await Assertions
            .Expect(foreseen.Locator("tr", new() { HasTextString = "成员人数" }).First)
            .ToContainTextAsync("3");
        await agriculture.ShootAsync("succession-split");
        Assert.Equal(1000m, (await FundAsync(offices, old)).GetProperty("availableAmount").GetDecimal());
        await split.GetByRole(AriaRole.Button, new() { Name = "确认分立" }).ClickAsync();
        await DoneAsync(agriculture, "已分立");
        Assert.Equal(600m, (await FundAsync(offices, old)).GetProperty("availableAmount").GetDecimal());

        // The rest goes up in the other one.
        await page.Locator("summary", new() { HasTextString = "并入另一集体" }).ClickAsync();
        var merger = page.Locator("form[data-api$='/merger']");
        await merger.Locator("[name=intoCollectiveId]").SelectOptionAsync(next.CollectiveId);
        await merger.Locator("[name=reason]").FillAsync("合村并居");
        await PapersAsync(merger, "merging now", both: true);
        await ForeseeAsync(merger);
        foreseen = merger.Locator("#merging");
        await Assertions.Expect(foreseen).ToContainTextAsync("陆佰元整");
        await Assertions.Expect(foreseen).ToContainTextAsync("已关闭");
        await agriculture.ShootAsync("succession-merger");
        await merger.GetByRole(AriaRole.Button, new() { Name = "确认并入" }).ClickAsync();
        await DoneAsync(agriculture, "已并入");
        Assert.Equal(1000m, (await FundAsync(offices, next)).GetProperty("availableAmount").GetDecimal());

        // The creditors were told a day later: the split's approval and the merger's.
        for (var left = 2; left > 0; left--)
        {
            var telling = page.Locator("#creditors form").First;
            await telling.Locator("[name=on]").FillAsync(Format.Date(_today));
            await telling.Locator("[name=evidence]").SetInputFilesAsync(Pdf($"notice {left}"));
            await ForeseeAsync(telling);
            await Assertions.Expect(telling).ToContainTextAsync("待通知债权人的批准文件");
            await telling.GetByRole(AriaRole.Button, new() { Name = "确认已通知" }).ClickAsync();
            await Assertions.Expect(page.Locator("#creditors form")).ToHaveCountAsync(left - 1);
        }
        await agriculture.ShootAsync("succession-merged");
    }

    [Fact]
    public async Task C9_what_is_left_goes_back_the_fund_closes_and_the_collective_is_dissolved()
    {
        var offices = await OfficesAsync();
        var village = await VillageAsync(offices, 293, "东丙村", 3, 300);
        await offices.Township(Township).EvidenceAsync("review of the dissolution");
        await using var officer = await AsAsync(SampleOffices.OfficerOf(village.VillageCode));
        await officer.Page.GotoAsync($"/funds/{village.FundId}/ending");
        var closing = officer.Page.Locator("form[data-api$='/closure']");
        await closing.Locator("[name=reason]").FillAsync("整村搬迁");
        await closing.Locator("[name=evidence]").SetInputFilesAsync(Pdf("closing"));
        await ForeseeAsync(closing);
        await officer.SeesAsync("尚有可用 300.00 元");
        // By two: the officer asks, the township sees what it will do and confirms.
        await officer.Page.GetByRole(AriaRole.Link, new() { Name = "申请余款退回来源" }).ClickAsync();
        await officer.Page.Locator("summary", new() { HasTextString = "余款退回来源" }).ClickAsync();
        var surplus = officer.Page.Locator("form[data-api$='/surplus-return']");
        await surplus.Locator("[name=confirmBy]").FillAsync(offices.Township(Township).Actor.Id);
        await surplus.Locator("[name=reason]").FillAsync("村民会议决议");
        await surplus.Locator("[name=evidence]").SetInputFilesAsync([Pdf("resolution"), Pdf("slip")]);
        await surplus.GetByRole(AriaRole.Button, new() { Name = "申请余款退回来源" }).ClickAsync();
        await DoneAsync(officer, "已申请，等指定的人确认");
        await using (var township = await web.VisitAsync("TOWNSHIP", 1366, 768))
        {
            await township.Page.GotoAsync($"/funds/{village.FundId}");
            var confirming = township.Page.Locator("form[data-api$='/surplus-return/confirmation']");
            await ForeseeAsync(confirming);
            await Assertions.Expect(confirming).ToContainTextAsync("叁佰元整");
            await township.ShootAsync("ending-surplus");
            await confirming.GetByRole(AriaRole.Button, new() { Name = "确认" }).ClickAsync();
            await Assertions.Expect(confirming).ToHaveCountAsync(0);
        }
        await officer.Page.GotoAsync($"/funds/{village.FundId}/ending");
        await closing.Locator("[name=reason]").FillAsync("整村搬迁");
        await closing.Locator("[name=evidence]").SetInputFilesAsync(Pdf("closing"));
        await ForeseeAsync(closing);
        await Assertions.Expect(closing).ToContainTextAsync("已关闭");
        await closing.GetByRole(AriaRole.Button, new() { Name = "确认关闭" }).ClickAsync();
        await officer.SeesAsync("资金已关闭，不再收支");

        await using var agriculture = await web.VisitAsync("COUNTY_AGRICULTURE", 1366, 768);
        await agriculture.Page.GotoAsync($"/collectives/{village.CollectiveId}");
        await agriculture.Page.Locator("summary", new() { HasTextRegex = new("^解散$") }).ClickAsync();
        var dissolution = agriculture.Page.Locator("form[data-api$='/dissolution']");
        await dissolution.Locator("[name=reason]").FillAsync("整村搬迁");
        await PapersAsync(dissolution, "dissolving", both: false);
        await ForeseeAsync(dissolution);
        await Assertions.Expect(dissolution.Locator("#dissolving dd").First).ToHaveTextAsync("3");
        await agriculture.ShootAsync("succession-dissolution");
        await dissolution.GetByRole(AriaRole.Button, new() { Name = "确认解散" }).ClickAsync();
        await DoneAsync(agriculture, "已解散");
    }

    [Fact]
    public async Task C8_C20_the_agency_records_a_sponsorship_and_two_take_out_a_mistaken_contribution()
    {
        var offices = await OfficesAsync();
        var village = await VillageAsync(offices, 294, "东丁村", 1, 0);
        var person = new SamplePeople(9294).Take(1, County).Single();
        await offices.Tax.UploadAsync(
            $"/api/contributions/import?year={_today.Year}",
            SampleSheets.Contributions([(person, 300, false)], _today.AddDays(-1), "CUOJI"),
            "contributions.xlsx"
        );
        await using var reviewer = await web.VisitAsync("REVIEWER", 1366, 768);
        var page = reviewer.Page;
        await page.GotoAsync($"/members?collective={village.CollectiveId}");
        await page.Locator("#rows a").First.ClickAsync();
        await page.Locator("summary", new() { HasTextString = "登记直接资助" }).ClickAsync();
        var sponsoring = page.Locator("form[data-api$='/sponsorships']");
        await sponsoring.Locator("[name=donorId]").SelectOptionAsync(new SelectOptionValue { Index = 1 });
        await sponsoring.Locator("[name=amount]").FillAsync("88.50");
        await sponsoring.Locator("[name=evidence]").SetInputFilesAsync(Pdf("sponsoring"));
        await ForeseeAsync(sponsoring);
        await Assertions.Expect(sponsoring).ToContainTextAsync("捌拾捌元伍角整");
        await Assertions
            .Expect(sponsoring.Locator("tr", new() { HasTextString = "年度上限已用" }))
            .ToContainTextAsync("88.50");
        await reviewer.ShootAsync("foresight-sponsorship");
        await sponsoring.GetByRole(AriaRole.Button, new() { Name = "确认登记" }).ClickAsync();
        await DoneAsync(reviewer, "已登记");
        await page.Locator("summary", new() { HasTextString = "更正错记的缴费" }).ClickAsync();
        await page.Locator("summary", new() { HasTextRegex = new("^更正错记$") }).ClickAsync();
        var asking = page.Locator("form[data-api$='/reversal'][data-api*='/contributions/']");
        await asking.Locator("[name=confirmBy]").FillAsync($"approver.{County}");
        await asking.Locator("[name=reason]").FillAsync("缴费类型错记");
        await ForeseeAsync(asking);
        await Assertions.Expect(asking).ToContainTextAsync("更正待确认人");
        await asking.GetByRole(AriaRole.Button, new() { Name = "申请更正" }).ClickAsync();
        await DoneAsync(reviewer, "已申请，等指定的人确认");

        await using var approver = await web.VisitAsync("APPROVER", 1366, 768);
        await approver.Page.GotoAsync("/contributions");
        await approver.Page.GetByRole(AriaRole.Link, new() { Name = "等我确认的" }).ClickAsync();
        var confirming = approver.Page.Locator("form[data-api$='/reversal/confirmation']");
        await ForeseeAsync(confirming);
        await Assertions.Expect(confirming).ToContainTextAsync("叁佰元整");
        await approver.ShootAsync("foresight-reversal");
        await confirming.GetByRole(AriaRole.Button, new() { Name = "确认更正" }).ClickAsync();
        await approver.SeesAsync("没有等您确认的更正");
        await page.ReloadAsync();
        await reviewer.SeesAsync("没有本年度缴费记录");
    }

    [Fact]
    public async Task C10_a_combined_standard_is_tried_and_another_cap_is_replayed_and_nothing_is_kept()
    {
        await using var officer = await web.VisitAsync("VILLAGE", 1366, 768);
        await officer.Page.GotoAsync($"/plans/{web.Ids["plan"]}");
        await officer.Page.Locator("summary", new() { HasTextString = "换一个标准" }).ClickAsync();
        var trial = officer.Page.Locator("form[data-api$='/dry-run']");
        await trial.Locator("input[type=radio][value=combined]").CheckAsync();
        await trial.Locator("[name='standard.parts.0.flatAmount']").FillAsync("50");
        await trial.Locator("[name='standard.parts.1.bands.#.from']").FillAsync("16");
        await trial.Locator("[name='standard.parts.1.bands.#.to']").FillAsync("59");
        await trial.Locator("[name='standard.parts.1.bands.#.amount']").FillAsync("20");
        await trial.Locator("[data-part-tier]").First.FillAsync("5");
        await trial.Locator("[name='standard.ceilingAmount']").FillAsync("72");
        await officer.ClickAsync("试算");
        await officer.SeesAsync("所需资金（元）");
        await officer.ShootAsync("foresight-combined");

        await using var city = await web.VisitAsync("CITY_HRSS", 1366, 768);
        await city.Page.GotoAsync("/policy-years/replay");
        await city.Page.GetByLabel("每人每年上限（元）").FillAsync("100");
        await city.ClickAsync("推演");
        await city.SeesAsync("推演合计（元）");
        await city.SeesAsync("有变化的集体");
        await Assertions.Expect(city.Page.Locator("#replayed td").First).ToContainTextAsync("股份经济合作社");
        await city.ShootAsync("foresight-replay");
    }

    [Fact]
    public async Task C20_L12_a_change_of_the_year_s_rules_and_payee_waits_for_a_second_person_of_the_city()
    {
        await OfficesAsync();
        await using (var city = await web.VisitAsync("CITY_HRSS", 1366, 768))
        {
            await city.Page.GotoAsync($"/policy-years?year={_today.Year}");
            await city.SeesAsync("已有方案依据这一年度");
            await city.Page.Locator("summary", new() { HasTextString = "办理期限" }).ClickAsync();
            await city.Page.Locator("[name='deadlines.idleDays']").FillAsync("366");
            await city.Page.Locator("summary", new() { HasTextString = "收款账户" }).ClickAsync();
            await city.Page.Locator("[name='payee.bank']").FillAsync("样例银行任城东支行");
            await city.ClickAsync("提出修订");
            await DoneAsync(city, "等市人社另一人确认");
            await city.SeesAsync("您提出的修订由另一人确认");
            await city.ShootAsync("policy-proposed");
        }
        foreach (var (width, height) in new[] { (390, 844), (1366, 768) })
        {
            await using var second = await web.VisitAsync("CITY_HRSS_SECOND", width, height);
            await second.Page.GotoAsync("/");
            await second.SeesAsync("年度政策的修订等您确认");
            await second.Page.Locator("a[href*='#proposal']").ClickAsync();
            var proposal = second.Page.Locator("#proposal");
            await Assertions.Expect(proposal.Locator("dd.payee").First).ToContainTextAsync("样例银行任城东支行");
            await ForeseeAsync(proposal.Locator("form[data-check]"));
            await Assertions
                .Expect(proposal.Locator("#policy-foreseen dd.payee"))
                .ToContainTextAsync("样例银行任城东支行");
            await Assertions
                .Expect(proposal.Locator("#policy-foreseen tr", new() { HasTextString = "资金闲置期限" }))
                .ToContainTextAsync("366");
            await second.ShootAsync($"policy-confirming-{width}");
            Assert.Equal(
                0,
                await second.Page.EvaluateAsync<int>("Math.max(0, document.documentElement.scrollWidth - innerWidth)")
            );
            Assert.Equal(
                0,
                await second.Page.EvaluateAsync<int>(
                    "[...document.querySelectorAll('#policy-foreseen .scroll')]"
                        + ".filter(s => s.scrollWidth > s.clientWidth + 1).length"
                )
            );
            if (width == 390)
                continue;
            await second.Page.GetByRole(AriaRole.Button, new() { Name = "确认修订" }).ClickAsync();
            await DoneAsync(second, "现在生效");
            await Assertions.Expect(proposal).ToHaveCountAsync(0);
        }
    }

    [Fact]
    public async Task Lists_are_found_by_a_villages_name_as_by_its_code()
    {
        await using var county = await web.VisitAsync("COUNTY_HRSS", 1366, 768);
        foreach (
            var (path, row) in new[]
            {
                ("/funds?region={0}", "tbody a[href^='/funds/']"),
                ("/applications?region={0}", "tbody a[href^='/applications/application-']"),
                ("/collectives?q={0}", "tbody a[href^='/collectives/']"),
            }
        )
        {
            var found = new List<string>();
            foreach (var asked in new[] { "党庄", "370811102201", "没有这个村" })
            {
                await county.Page.GotoAsync(path.Replace("{0}", asked, StringComparison.Ordinal));
                var rows = county.Page.Locator(row);
                found.Add(string.Join('|', await rows.AllInnerTextsAsync()));
            }
            Assert.StartsWith("党庄村", found[0], StringComparison.Ordinal);
            Assert.Equal(found[0], found[1]);
            Assert.Equal("", found[2]);
        }
    }

    private static Task<System.Text.Json.JsonElement> FundAsync(SampleOffices offices, SampleVillage of) =>
        offices.Auditor.GetAsync($"/api/funds/{of.FundId}");
}
