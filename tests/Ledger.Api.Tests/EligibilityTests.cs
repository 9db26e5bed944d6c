using System.Text.Json;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>
/// What was filed is looked at again: amounts, eligibility and ages at approval and at payment (C4, C5, C6, C10); and
/// afterwards, who is told.
/// </summary>
[Collection("api")]
public sealed partial class EligibilityTests(ApiFixture api)
{
    private static SamplePerson Born(string county, DateOnly on, int number)
    {
        var first17 = $"{county}{on:yyyyMMdd}{number:000}";
        var numeral = string.Concat($"{number}".Select(d => "零一二三四五六七八九"[d - '0']));
        return new SamplePerson($"样例{numeral}", first17 + CitizenId.CheckCharacter(first17), "13900000000");
    }

    private static readonly Client.Models.StandardBody ByTier = SampleVillage.PerTier((300, 60), (500, 100));

    private static IEnumerable<string> Codes(IEnumerable<Fault>? faults) => faults!.Select(f => f.Code);

    private static async Task<string[]> MembersAsync(SampleVillage village) =>
        [
            .. (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines.Select(l =>
                l.MemberId
            ),
        ];

    private async Task DeathAsync(SampleVillage village, string member) =>
        await village.Offices.Reviewer.PostAsync<MemberStateView>(
            $"/api/members/{member}/death",
            new { on = api.Today, evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("certificate") } }
        );

    private Task LeaveAsync(SampleVillage village, string member) =>
        village.Officer.PostAsync<MemberStateView>(
            $"/api/members/{member}/departure",
            new
            {
                collectiveId = village.CollectiveId,
                on = api.Today,
                reason = "户籍迁出",
            }
        );

    private async Task<object> PaymentAsync(SampleVillage village, decimal amount) =>
        new
        {
            amount,
            purpose = "member-subsidy",
            bankReference = $"NX{Guid.NewGuid():N}"[..20],
            evidence = new[] { await village.Officer.EvidenceAsync("transfer") },
        };

    private static async Task<string> PageAsync(SampleClient who, string path)
    {
        using var response = await who.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r => r.Headers.Accept.ParseAdd("text/html")
        );
        return System.Net.WebUtility.HtmlDecode(await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task C21_the_list_and_the_application_tell_the_same_deadline()
    {
        var (village, people) = await api.ReadyToFileAsync(1, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        async Task SameAsync(SampleClient who)
        {
            var own = LatestDay().Match(await PageAsync(who, $"/applications/{village.ApplicationId}")).Groups[1].Value;
            var list = await PageAsync(who, $"/applications?region={village.VillageCode}");
            Assert.Equal(10, own.Length);
            Assert.Contains($"<span>{own}</span>", list);
        }
        await SameAsync(village.Offices.Reviewer);
        api.Clock.Advance(TimeSpan.FromDays(2));
        await village.ReviewAsync();
        await SameAsync(village.Offices.Approver);
        await village.ApproveAsync();
        await SameAsync(village.Officer);
    }

    [System.Text.RegularExpressions.GeneratedRegex("最迟[^0-9]{0,20}([0-9-]{10})")]
    private static partial System.Text.RegularExpressions.Regex LatestDay();

    [Fact]
    public async Task C10_an_amount_that_plan_or_tier_no_longer_gives_is_never_approved_and_may_be_resubmitted()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1000);
        var people = new SamplePeople(61).Take(2, village.Offices.County);
        await village.PrepareAsync(people, ByTier, api.Today);
        await village.FileAsync(people);
        await village.ReviewAsync();
        var members = await MembersAsync(village);

        // The tax office takes one person's payment out and enters it with another tier.
        var path =
            $"/api/members/{members[0]}/years/{village.Year}/contributions/SW{village.VillageCode}"
            + $"{village.Year}000001/reversal";
        await village.Offices.Tax.PostAsync(path, new { confirmBy = "tax.second", reason = "档次有误" });
        await api.Client(new Actor("tax.second", "county-tax", village.Offices.County))
            .PostAsync($"{path}/confirmation");
        await village.Offices.Tax.UploadAsync(
            $"/api/contributions/import?year={village.Year}",
            SampleSheets.Contributions([(people[0], 500, false)], api.Today, "SWX"),
            "缴费.xlsx"
        );
        var problem = await api.Host.RefusedAsync(
            "amount-changed",
            village.Offices.Approver,
            $"{village.ApplicationPath}/approval"
        );
        var fault = Assert.Single(problem.Faults);
        Assert.Equal((members[0], 60m, 100m), (fault.MemberId, fault.FiledAmount?.Yuan, fault.PresentAmount?.Yuan));
        Assert.Equal(
            0m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).ReservedAmount.Yuan
        );
        // The approver sees it beside the line.
        Assert.Contains(
            "申请 60.00 元，按现行标准和缴费档次 500.00 元应为 100.00 元",
            await PageAsync(village.Offices.Approver, $"/applications/{village.ApplicationId}/review")
        );

        await village.Offices.Reviewer.PostAsync($"{village.ApplicationPath}/return", new { reason = "档次已更正" });
        var seal = await village.Officer.EvidenceAsync("seal");
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/resubmission",
            new { seal, lines = members.Select(m => new { memberId = m }) }
        );
        await village.ReviewAsync();

        // The plan is amended and adopted anew before the approval.
        await village.Officer.PostAsync<PlanView>(
            $"/api/plans/{village.PlanId}/amendments",
            new
            {
                source = "s",
                scope = "s",
                reason = "收入减少",
                standard = SampleVillage.Flat(50),
            }
        );
        await village.ResolveAsync(api.Today);
        await village.AdoptAsync();
        problem = await api.Host.RefusedAsync(
            "amount-changed",
            village.Offices.Approver,
            $"{village.ApplicationPath}/approval"
        );
        Assert.Equal(2, problem.FaultCount);
        await village.Offices.Reviewer.PostAsync($"{village.ApplicationPath}/return", new { reason = "按新方案" });
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/resubmission",
            new { seal, lines = members.Select(m => new { memberId = m }) }
        );
        await village.ReviewAsync();
        await village.ApproveAsync();
        Assert.Equal(
            100m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).ReservedAmount.Yuan
        );
    }

    [Fact]
    public async Task C10_a_tier_that_is_corrected_after_payment_is_on_the_list_where_the_amount_rests_on_it()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1000);
        var people = new SamplePeople(62).Take(2, village.Offices.County);
        await village.PrepareAsync(people, ByTier, api.Today);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(120);
        var members = await MembersAsync(village);
        async Task<SupervisionItem[]> ListedAsync() =>
            [
                .. (
                    await village.Offices.CountyHrss.GetAsync<SupervisionView>(
                        $"/api/supervision?region={village.VillageCode}"
                    )
                ).Items.Where(i => i.Kind == "amount-changed"),
            ];
        async Task CorrectAsync(int person, int tier)
        {
            var path =
                $"/api/members/{members[person]}/years/{village.Year}/contributions/SW{village.VillageCode}"
                + $"{village.Year}{person + 1:000000}/reversal";
            await village.Offices.Tax.PostAsync(path, new { confirmBy = "tax.second", reason = "档次有误" });
            await api.Client(new Actor("tax.second", "county-tax", village.Offices.County))
                .PostAsync($"{path}/confirmation");
            await village.Offices.Tax.UploadAsync(
                $"/api/contributions/import?year={village.Year}",
                SampleSheets.Contributions([(people[person], tier, false)], api.Today, $"SX{person}"),
                "缴费.xlsx"
            );
        }
        Assert.Empty(await ListedAsync());
        await CorrectAsync(1, 300); // the date was wrong, say: the amount is right
        Assert.Empty(await ListedAsync());
        await CorrectAsync(0, 500);
        var item = Assert.Single(await ListedAsync());
        Assert.Equal(60m, item.Amount?.Yuan);
        Assert.Contains("已付 60.00 元，按缴费档次 500.00 元应为 100.00 元", item.Text);
        Assert.Contains("付款后金额有变", await PageAsync(village.Offices.CountyHrss, "/supervision"));
        // The sheet has what the page was asked for.
        foreach (var (kind, isThere) in new[] { ("amount-changed", true), ("claw-back", false) })
        {
            using var sheet = await village.Offices.CountyHrss.SendAsync(
                HttpMethod.Get,
                $"/supervision.xlsx?region={village.VillageCode}&kind={kind}",
                null
            );
            using var zip = new System.IO.Compression.ZipArchive(await sheet.Content.ReadAsStreamAsync());
            using var reader = new StreamReader(zip.GetEntry("xl/worksheets/sheet1.xml")!.Open());
            Assert.Equal(isThere, (await reader.ReadToEndAsync()).Contains("已付 60.00 元", StringComparison.Ordinal));
        }
    }

    [Fact]
    public async Task C4_C5_whoever_may_get_nothing_any_more_is_neither_listed_nor_paid_and_the_money_goes_back()
    {
        var (village, people) = await api.ReadyToFileAsync(4, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        var members = await MembersAsync(village);
        await DeathAsync(village, members[0]);
        await LeaveAsync(village, members[1]);
        await village.Offices.Tax.UploadAsync(
            $"/api/contributions/import?year={village.Year}",
            SampleSheets.Contributions([(people[2], 300, true)], api.Today, "BJ"),
            "补缴.xlsx"
        );

        string?[] expected = ["member-deceased", "not-a-member", "catch-up-contribution"];
        var list = await village.Officer.PostAsync<PaymentListView>($"{village.ApplicationPath}/payment-list", new { });
        Assert.Equal((1, "100.00"), (list.Lines, list.TotalAmount.ToString()));
        Assert.Equal(expected, Codes(list.LeftOut));
        var page = await PageAsync(village.Officer, $"/applications/{village.ApplicationId}");
        Assert.Contains("3 人不再符合条件", page);
        Assert.Matches("第 2 行（公示 1） [^<：]+：该成员已登记死亡", page);
        Assert.Contains("data-kind=\"yuan\" value=\"100.00\"", page);
        // Whoever paid out everything is told whom he should not have paid; nothing has happened.
        var refused = await api.Host.RefusedAsync(
            "use-outside-ring-fence",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            await PaymentAsync(village, 400)
        );
        Assert.Equal(expected, Codes(refused.Faults));
        Assert.Equal(
            400m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).ReservedAmount.Yuan
        );
        await api.Host.RefusedAsync(
            "member-deceased",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 100,
                purpose = "member-subsidy",
                bankReference = "x",
                evidence = new[] { await village.Officer.EvidenceAsync("transfer") },
                memberIds = members[..1],
            }
        );

        var unpaid = (await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision")).Items.ToList();
        Assert.Equal(
            [.. members[..3].Select(m => $"member-year-{m[7..]}-{village.Year}").Order()],
            unpaid.Where(i => i.Kind == "claw-back").Select(i => i.Id).Order()
        );
        Assert.All(unpaid.Where(i => i.Kind == "claw-back"), i => Assert.Contains("尚未付款", i.Text));

        var paid = await village.Officer.PostAsync<ApplicationView>(
            $"{village.ApplicationPath}/payment",
            await PaymentAsync(village, 100)
        );
        Assert.Equal(expected, Codes(paid.LeftOut));
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(
            (900m, 0m, 100m),
            (fund.AvailableAmount.Yuan, fund.ReservedAmount.Yuan, fund.InTransitAmount.Yuan)
        );
        var lines = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines.ToList();
        Assert.Equal(
            [LineStatus.Released, LineStatus.Released, LineStatus.Released, LineStatus.Paid],
            lines.Select(l => l.Status)
        );
        Assert.Equal("该成员已登记死亡", lines[0].Reason);
        Assert.Equal(
            0m,
            (await village.Officer.GetAsync<MemberYearView>($"/api/members/{members[0]}/years/{village.Year}"))
                .UsedAmount
                .Yuan
        );
        await village.ImportReceiptsAsync([(people[3], new Money(10_000))], api.Today);
        await village.SettleAsync();
    }

    [Fact]
    public async Task C4_C21_a_death_or_departure_recorded_after_payment_is_on_the_list_unless_it_came_later()
    {
        var (village, people) = await api.ReadyToFileAsync(4);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(400);
        var members = await MembersAsync(village);
        await village.ImportReceiptsAsync(people.Skip(1).Select(p => (p, new Money(10_000))), api.Today);
        async Task<IEnumerable<string>> Listed() =>
            (await village.Offices.Reviewer.GetAsync<SupervisionView>("/api/supervision"))
                .Items.Where(i => i.Kind == "claw-back")
                .Select(i => i.Id)
                .Order();
        string Year(int i) => $"member-year-{members[i][7..]}-{village.Year}";
        await DeathAsync(village, members[0]); // on its way
        await DeathAsync(village, members[1]); // credited: the heirs' (L1)
        await LeaveAsync(village, members[2]);
        Assert.Equal([.. new[] { Year(0), Year(2) }.Order()], await Listed());
        api.Clock.Advance(TimeSpan.FromDays(1));
        await DeathAsync(village, members[3]);
        Assert.Equal([.. new[] { Year(0), Year(2) }.Order()], await Listed());
        Assert.Empty((await api.NewOffices().Reviewer.GetAsync<SupervisionView>("/api/supervision")).Items);
        await village.Offices.Reviewer.PostAsync(
            $"{village.ApplicationPath}/refunds",
            new
            {
                memberId = members[0],
                reason = "death",
                bankReference = "TH1",
                evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("refund") },
            }
        );
        Assert.DoesNotContain(Year(0), await Listed());
    }

    [Fact]
    public async Task C4_birth_dates_that_cannot_be_are_not_registered_and_children_are_not_subsidised()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1000);
        var county = village.Offices.County;
        var child = Born(county, api.Today.AddYears(-3), 1);
        SamplePerson[] impossible =
        [
            Born(county, api.Today.AddDays(1), 2),
            Born(county, new DateOnly(2099, 1, 1), 3),
            Born(county, new DateOnly(1900, 1, 1), 4),
        ];
        using var sheet = SampleClient.Form(SampleSheets.Members([child, .. impossible]), "成员.xlsx");
        var problem = await api.Host.RefusedAsync(
            "roster-invalid",
            village.Officer,
            HttpMethod.Post,
            $"/api/members/import?collectiveId={village.CollectiveId}",
            sheet
        );
        Assert.Equal([3, 4, 5], problem.Faults.Select(f => f.Row));
        Assert.All(problem.Faults, f => Assert.Equal("身份证号", f.Column));
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Offices.CountyHrss,
            "/api/donors",
            new
            {
                kind = "individual",
                name = "某人",
                citizenId = impossible[1].CitizenId,
            }
        );

        await village.PrepareAsync([child], 100, api.Today); // a child may be a member
        var seal = await village.Officer.EvidenceAsync("seal");
        using var roster = SampleClient.Form(
            SampleSheets.Roster([child]),
            "名单.xlsx",
            "roster",
            ("planId", village.PlanId),
            ("seal", seal)
        );
        problem = await api.Host.RefusedAsync(
            "roster-invalid",
            village.Officer,
            HttpMethod.Post,
            "/api/applications",
            roster
        );
        Assert.Equal(["age-ineligible"], Codes(problem.Faults));
        Assert.Equal(
            ["age-ineligible"],
            (
                await village.Officer.PostAsync<DryRunView>($"/api/plans/{village.PlanId}/dry-run", new { })
            ).Ineligible.Select(l => l.Code)
        );
    }

    [Fact]
    public async Task C4_who_may_draw_a_pension_is_accepted_with_a_reason_or_not_at_all()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1000);
        var county = village.Offices.County;
        SamplePerson[] people =
        [
            Born(county, new DateOnly(village.Year - 60, 6, 1), 11),
            Born(county, new DateOnly(village.Year - 59, 6, 1), 12),
        ];
        await village.PrepareAsync(people, 100, api.Today);
        await village.FileAsync(people);
        var members = await MembersAsync(village);
        var path = $"{village.ApplicationPath}/review";
        var problem = await api.Host.RefusedAsync(
            "finding-open",
            village.Offices.Reviewer,
            path,
            new { acceptRest = true }
        );
        var fault = Assert.Single(problem.Faults);
        Assert.Equal((2, members[0]), (fault.Row, fault.MemberId));
        await api.Host.RefusedAsync(
            "finding-open",
            village.Offices.Reviewer,
            path,
            new { acceptRest = true, verdicts = new[] { new { memberId = members[0], accepted = true } } }
        );
        Assert.Contains(
            "data-finding=\"本年度已满 60 周岁，须核实未领取养老待遇\"",
            await PageAsync(village.Offices.Reviewer, $"/applications/{village.ApplicationId}/review?filter=faulty")
        );
        // What the pages ask for: the rest as far as nothing stands against it. He stays, and is asked for by himself.
        var sound = await village.Offices.Reviewer.PostAsync<ApplicationView>(path, new { acceptSound = true });
        Assert.Equal(
            (ApplicationStatus.Filed, 1, 1),
            (sound.Status, sound.LinesByStatus["accepted"], sound.LinesByStatus["filed"])
        );
        problem = await api.Host.RefusedAsync(
            "finding-open",
            village.Offices.Reviewer,
            path,
            new { acceptSound = true }
        );
        Assert.Equal(members[0], Assert.Single(problem.Faults).MemberId);
        await village.Offices.Reviewer.PostAsync(
            path,
            new
            {
                acceptRest = true,
                verdicts = new[]
                {
                    new
                    {
                        memberId = members[0],
                        accepted = true,
                        reason = "已核对，未领取待遇",
                    },
                },
            }
        );
        Assert.Equal(
            "已核对，未领取待遇",
            (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].Reason
        );
        await village.ApproveAsync();
        // Ages are nobody's business in an event.
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where data::text like '%' || @born || '%'",
                ("born", people[0].CitizenId[6..14])
            )
        );
    }
}
