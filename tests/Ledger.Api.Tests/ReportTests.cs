using System.Text.Json;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>Dry run, countersignature, estimate, ranking and supervision: C10, C18, C20, C21, C22.</summary>
[Collection("api")]
public sealed class ReportTests(ApiFixture api)
{
    private static async Task<string[]> MembersAsync(SampleVillage village) =>
        [
            .. (
                await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}")
            ).Members.Select(m => m.Id),
        ];

    [Fact]
    public async Task C10_C11_a_dry_run_tells_cost_lack_cap_and_who_is_ineligible_and_stores_nothing()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(250);
        var people = new SamplePeople(5).Take(5, village.Offices.County);
        await village.ImportMembersAsync(people);
        await village.ImportContributionsAsync(
            [(people[0], 300, false), (people[1], 300, false), (people[2], 500, false), (people[3], 300, true)],
            api.Today
        );
        await village.DraftAsync(SampleVillage.Flat(100));
        var before = await api.ScalarAsync<long>(
            "select count(*) from ledger.mt_events where stream_id like '%' || @v || '%' or stream_id = @p",
            ("v", village.VillageCode),
            ("p", village.PlanId)
        );
        var run = await village.Officer.PostAsync<DryRunView>($"/api/plans/{village.PlanId}/dry-run");
        Assert.Equal(
            (5, 3, 300m, 50m, 2),
            (run.People, run.PayableCount, run.CostAmount.Yuan, run.LackingAmount.Yuan, run.IneligibleCount)
        );
        Assert.Equal((1, 1), (run.IneligibleByCode["catch-up-contribution"], run.IneligibleByCode["not-contributed"]));

        int Age(SamplePerson p) => village.Year - CitizenId.Parse(p.CitizenId, out _).BirthDate.Year;
        var combined = await village.Officer.PostAsync<DryRunView>(
            $"/api/plans/{village.PlanId}/dry-run",
            new
            {
                standard = new
                {
                    kind = "combined",
                    floorAmount = 60,
                    parts = new object[]
                    {
                        new { kind = "per-tier", tiers = new[] { new { tierAmount = 500, amount = 80 } } },
                        new { kind = "per-age-band", bands = new[] { new { from = 45, amount = 30 } } },
                    },
                },
            }
        );
        var expected = people
            .Take(3)
            .Select((p, i) => Math.Max(60m, (i == 2 ? 80m : 0m) + (Age(p) >= 45 ? 30m : 0m)))
            .Sum();
        Assert.Equal(expected, combined.CostAmount.Yuan);
        await api.Host.RefusedAsync(
            "standard-invalid",
            village.Officer,
            $"/api/plans/{village.PlanId}/dry-run",
            new { standard = new { kind = "flat", flatAmount = 5001 } }
        );

        var roster = await village.Officer.PostAsync<DryRunView>(
            $"/api/plans/{village.PlanId}/dry-run",
            SampleClient.Form(SampleSheets.Roster(people.Take(2)), "名单.xlsx", "roster")
        );
        Assert.Equal(200m, roster.CostAmount.Yuan);
        Assert.Equal(
            before,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where stream_id like '%' || @v || '%' or stream_id = @p",
                ("v", village.VillageCode),
                ("p", village.PlanId)
            )
        );

        var donor = await village.CharityAsync(); // cap: one is sponsored up to it
        var member = (await MembersAsync(village))[0];
        var all = await MembersAsync(village);
        foreach (var m in all)
        {
            using var sponsored = await village.Offices.Reviewer.SendAsync(
                HttpMethod.Post,
                $"/api/members/{m}/years/{village.Year}/sponsorships",
                SampleClient.Json(
                    new
                    {
                        donorId = donor,
                        amount = 4950,
                        evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("x") },
                    }
                )
            );
            if (sponsored.IsSuccessStatusCode)
                break;
        }
        var capped = await village.Officer.PostAsync<DryRunView>($"/api/plans/{village.PlanId}/dry-run");
        Assert.True(capped.OverCapCount + capped.PayableCount == 3, $"{capped}");
        Assert.Equal(50m, capped.OverCap.Select(l => l.LeftAmount?.Yuan).FirstOrDefault(50m));
    }

    /// <summary>In January, or when the next year is planned.</summary>
    [Fact]
    public async Task C10_while_nobody_has_paid_a_trial_goes_by_last_years_payers_and_says_so()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(51).Take(4, village.Offices.County);
        await village.Offices.PublishPolicyAsync(village.Year - 1);
        await village.ImportMembersAsync(people);
        await village.DraftAsync(SampleVillage.Flat(100));
        Task<DryRunView> TrialAsync() => village.Officer.PostAsync<DryRunView>($"/api/plans/{village.PlanId}/dry-run");
        var nobody = await TrialAsync();
        Assert.Equal((village.Year, 0, 4), (nobody.PayersOfYear, nobody.PayableCount, nobody.IneligibleCount));
        Assert.Empty(nobody.Notes);

        await village.Offices.Tax.UploadAsync<ImportView>(
            $"/api/contributions/import?year={village.Year - 1}",
            SampleSheets.Contributions(
                people.Take(3).Select(p => (p, 300, false)),
                new DateOnly(village.Year - 1, 3, 1),
                $"SW{village.VillageCode}{village.Year - 1}"
            ),
            "缴费.xlsx"
        );
        var likely = await TrialAsync();
        Assert.Equal(
            (village.Year - 1, 3, 300m, 1),
            (likely.PayersOfYear, likely.PayableCount, likely.CostAmount.Yuan, likely.IneligibleCount)
        );
        Assert.Equal(
            $"{village.Year} 年度还没有人缴费，按 {village.Year - 1} 年度的缴费人和档次试算",
            likely.Notes.Single().Message
        );

        await village.ImportContributionsAsync([(people[3], 300, false)], api.Today);
        var paid = await TrialAsync();
        Assert.Equal((village.Year, 1), (paid.PayersOfYear, paid.PayableCount));
        Assert.Empty(paid.Notes);
    }

    [Fact]
    public async Task C21_where_it_is_required_the_township_countersigns_before_adoption()
    {
        var village = await api.RegisteredAsync();
        await village.SurveyAsync(10);
        var policy = SampleClient.Node(SampleOffices.PolicyYear(village.Year)).AsObject();
        policy["countersignatureRequired"] = true;
        await village.Offices.AmendPolicyAsync(village.Year, policy, api.Today);
        await village.DraftAsync(SampleVillage.Flat(100));
        await village.ResolveAsync(api.Today);
        await api.Host.RefusedAsync(
            "countersignature-missing",
            village.Officer,
            $"/api/plans/{village.PlanId}/adoption"
        );
        var township = village.Offices.Township(village.VillageCode[..9]);
        await township.PostAsync($"/api/plans/{village.PlanId}/countersignature");
        await api.Host.RefusedAsync("wrong-state", township, $"/api/plans/{village.PlanId}/countersignature");
        await api.Host.RefusedAsync(
            "not-found",
            village.Offices.Township($"{village.Offices.County}999"),
            $"/api/plans/{village.PlanId}/countersignature"
        );
        await village.AdoptAsync();
    }

    [Fact]
    public async Task C22_the_estimate_for_one_person_prints_and_for_a_roster_sums()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 120);
        await village.FileAsync(people);
        var member = (await MembersAsync(village))[0];
        var estimate = await village.Officer.GetAsync<EstimateView>(
            $"/api/members/{member}/estimate?year={village.Year}&subsidyAmount=120&balanceAmount=1000"
        );
        Assert.True(estimate.MonthlyGainAmount >= Money.Zero);
        Assert.Contains("国发", estimate.Source);
        if (estimate.Years.Count > 0)
            Assert.Equal(1000m * 0.0262m, estimate.Years[0].InterestAmount.Yuan);
        using var page = await village.Officer.SendAsync(
            HttpMethod.Get,
            $"/api/members/{member}/estimate?year={village.Year}&subsidyAmount=120",
            null,
            more: r => r.Headers.Accept.ParseAdd("text/html")
        );
        var html = await page.Content.ReadAsStringAsync();
        Assert.Contains("个人账户养老金每月", html);
        Assert.DoesNotContain(people[0].Name, html);
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            $"/api/members/{member}/estimate?year={village.Year}&tierAmount=301"
        );
        await api.Host.RefusedAsync(
            "policy-year-missing",
            village.Officer,
            HttpMethod.Get,
            $"/api/members/{member}/estimate?year={village.Year - 9}"
        );
        await api.Host.RefusedAsync(
            "amount-invalid",
            village.Officer,
            HttpMethod.Get,
            $"/api/members/{member}/estimate?year={village.Year}&subsidyAmount=1.005"
        );
        var roster = await village.Officer.GetAsync<RosterEstimateView>($"{village.ApplicationPath}/estimate");
        Assert.Equal(2, roster.Lines.Count);
    }

    [Fact]
    public async Task C18_the_ranking_counts_what_was_credited()
    {
        var (first, people) = await api.ReadyToFileAsync(4, subsidy: 100);
        var (second, _) = await api.ReadyToFileAsync(4, subsidy: 100, offices: first.Offices);
        await first.FileAsync(people.Take(3));
        await first.ReviewAsync();
        await first.ApproveAsync();
        await first.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await first.PayAsync(300);
        await first.ImportReceiptsAsync(people.Take(3).Select(p => (p, new Money(10_000))), api.Today);
        await first.SettleAsync();
        var report = await first.Offices.CountyHrss.GetAsync<IncentiveReportView>(
            $"/api/reports/incentives?year={first.Year}"
        );
        var places = report.Places;
        Assert.Equal(
            [(1, first.CollectiveId, 4, 3, 75m, 300m), (2, second.CollectiveId, 4, 0, 0m, 0m)],
            places.Select(p =>
                (p.Rank, p.CollectiveId, p.Eligible, p.Subsidised, p.CoveragePercent, p.CreditedAmount.Yuan)
            )
        );
        Assert.Equal(8, places[0].SettledDays);
        Assert.Empty(
            (
                await api.NewOffices()
                    .CountyHrss.GetAsync<IncentiveReportView>($"/api/reports/incentives?year={first.Year}")
            ).Places
        );
    }

    [Fact]
    public async Task C5_C21_supervision_lists_what_is_overdue_and_what_is_to_be_clawed_back()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100);
        var policy = SampleClient.Node(SampleOffices.PolicyYear(village.Year)).AsObject();
        policy["deadlines"] = JsonSerializer.SerializeToNode(
            new
            {
                reviewDays = 3,
                paymentDays = 2,
                creditDays = 3,
                objectionDays = 2,
                idleDays = 20,
            }
        );
        await village.Offices.AmendPolicyAsync(village.Year, policy, api.Today);
        await village.FileAsync(people.Take(1));
        var filed = village.ApplicationId;
        await village.FileAsync(people.Skip(1));
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        await village.Officer.PostAsync($"{village.ApplicationPath}/objections", new { text = "请核对" });
        // A catch-up found after approval.
        await village.ImportContributionsAsync([(people[1], 300, true)], api.Today, "B");
        Assert.Equal(
            ["claw-back"],
            (await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision")).Items.Select(i => i.Kind)
        );
        api.Clock.Advance(TimeSpan.FromDays(4));
        var list = await village
            .Offices.Township(village.VillageCode[..9])
            .GetAsync<SupervisionView>("/api/supervision");
        Assert.Equal(["claw-back", "overdue-review", "unanswered-objection"], list.Items.Select(i => i.Kind));
        Assert.Equal(filed, list.Items[1].Id);
        api.Clock.Advance(TimeSpan.FromDays(25));
        list = await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision");
        Assert.Contains(list.Items, i => i.Kind == "overdue-payment" && i.Id == village.ApplicationId);
        Assert.Contains(list.Items, i => i.Kind == "idle-money" && i.Id == village.FundId);
        // Reviewed at last, it waits for its approval since it was filed, as the list of applications says.
        await village.Offices.Reviewer.PostAsync($"/api/applications/{filed}/review", new { acceptRest = true });
        list = await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision");
        Assert.Contains(list.Items, i => i.Kind == "overdue-review" && i.Id == filed && i.AgeDays == 29);
        Assert.Empty((await api.NewOffices().CountyHrss.GetAsync<SupervisionView>("/api/supervision")).Items);
    }

    [Fact]
    public async Task C17_C21_ledger_bank_and_receipts_are_reconciled_from_a_csv()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(200);
        var reference = (await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath)).BankReference;
        var csv =
            $"交易日期,收入金额（元）,支出金额（元）,流水号\n{api.Today.AddDays(-8):yyyy-MM-dd},1000.00,,IN1\n"
            + $"{api.Today:yyyy-MM-dd},,200,{reference}\n{api.Today:yyyy-MM-dd},0.35,,利息\n";
        var path = $"/api/funds/{village.FundId}/reconciliation";
        var report = await village.Offices.Auditor.UploadAsync<ReconciliationView>(
            path,
            System.Text.Encoding.UTF8.GetBytes(csv),
            "对账单.csv"
        );
        Assert.Equal([2, 3], report.Matched.Select(p => p.Line.Row).Order());
        Assert.Equal([4], report.UnmatchedBankLines.Select(l => l.Row));
        Assert.Equal(200m, report.OpenTransitAmount.Yuan);
        await village.ImportReceiptsAsync(people.Select(p => (p, new Money(10_000))), api.Today);
        Assert.Equal(
            0m,
            (
                await village.Offices.Auditor.UploadAsync<ReconciliationView>(
                    path,
                    System.Text.Encoding.UTF8.GetBytes(csv),
                    "对账单.csv"
                )
            )
                .OpenTransitAmount
                .Yuan
        );
        using var wrong = SampleClient.Form(
            System.Text.Encoding.UTF8.GetBytes("交易日期,收入金额（元）,支出金额（元）,流水号\n2026-13-01,1,1,A\n"),
            "对账单.csv"
        );
        Assert.Equal(2, (await api.Host.RefusedAsync("roster-invalid", village.Officer, path, wrong)).Faults.Count);
        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Auditor,
            HttpMethod.Post,
            path,
            SampleClient.Form(System.Text.Encoding.UTF8.GetBytes(csv), "对账单.csv")
        );
    }

    [Fact]
    public async Task C11_a_policy_replay_tells_what_another_cap_would_have_refused_and_stores_nothing()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        Task<ReplayView> Replay(object body) =>
            village.Offices.CountyHrss.PostAsync<ReplayView>("/api/reports/replay", body);
        var lower = await Replay(new { year = village.Year, capAmount = 99.99m });
        Assert.Equal(
            (2, 200m, 0m, 2),
            (lower.Lines, lower.ActualAmount.Yuan, lower.ReplayedAmount.Yuan, lower.Refused)
        );
        var flat = await Replay(new { year = village.Year, standard = SampleVillage.Flat(150.5m) });
        Assert.Equal(301m, flat.ReplayedAmount.Yuan);
        Assert.Equal(
            200m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).ReservedAmount.Yuan
        );
        await api.Host.RefusedAsync(
            "standard-invalid",
            village.Offices.CountyHrss,
            "/api/reports/replay",
            new { year = village.Year, standard = SampleVillage.Flat(5001) }
        );
        await api.Host.RefusedAsync(
            "policy-year-missing",
            village.Offices.CountyHrss,
            "/api/reports/replay",
            new { year = village.Year - 5 }
        );
    }
}
