using Ledger.Api.Imports;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>
/// Who paid for a year (L14) and what became of it (L15), from the tax office's file to approval, payment and the list
/// of what is to be clawed back.
/// </summary>
[Collection("api")]
public sealed class ContributionChangeTests(ApiFixture api)
{
    private static string Import(SampleVillage village) => $"/api/contributions/import?year={village.Year}";

    private static Task<ImportView> TaxAsync(SampleVillage village, params TaxRow[] rows) =>
        village.Offices.Tax.UploadAsync<ImportView>(Import(village), SampleSheets.TaxRows(rows), "缴费.xlsx");

    private Task SwitchAsync(SampleVillage village, bool opens)
    {
        var policy = SampleClient.Node(SampleOffices.PolicyYear(village.Year));
        policy["governmentPaidOpensSubsidy"] = opens;
        return village.Offices.AmendPolicyAsync(village.Year, policy, api.Today);
    }

    private static async Task<IEnumerable<string>> ClawedBackAsync(SampleVillage village) =>
        (await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision"))
            .Items.Where(i => i.Kind is "claw-back" or "amount-changed")
            .Select(i => $"{i.Kind} {i.Text}");

    private async Task<IReadOnlyList<Fault>> FaultsAsync(SampleVillage village, params TaxRow[] rows)
    {
        using var form = SampleClient.Form(SampleSheets.TaxRows(rows), "缴费.xlsx");
        return (await api.Host.RefusedAsync("roster-invalid", village.Offices.Tax, Import(village), form)).Faults;
    }

    [Fact]
    public async Task L14_C6_the_government_s_payment_is_recorded_and_opens_the_subsidy_where_the_policy_year_says_so()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var poor = new SamplePeople(77).Take(1, village.Offices.County)[0];
        await village.ImportMembersAsync([poor]);
        var row = new TaxRow(poor, 100, 100, api.Today, $"DJ{village.VillageCode}", Sheets.GovernmentPaid);
        Assert.Equal(1, (await TaxAsync(village, row)).Imported);
        Assert.Equal(1, (await TaxAsync(village, row)).Unchanged);

        using var form = SampleClient.Form(
            SampleSheets.Roster([.. people, poor]),
            "名单.xlsx",
            "roster",
            ("planId", village.PlanId),
            ("seal", await village.Officer.EvidenceAsync("seal"))
        );
        var refused = await api.Host.RefusedAsync("roster-invalid", village.Officer, "/api/applications", form);
        var fault = Assert.Single(refused.Faults);
        Assert.Equal(("government-paid-only", 4), (fault.Code, fault.Row));
        Assert.Contains("政府代缴可享受补助", fault.Message, StringComparison.Ordinal);

        // Opened when it is filed, closed when it is approved: each step goes by what stands then.
        await SwitchAsync(village, true);
        await village.FileAsync([.. people, poor]);
        await village.ReviewAsync();
        await SwitchAsync(village, false);
        Assert.Equal(("government-paid-only", 4), Left(await village.ApproveAsync()));

        // Approved and paid under the open switch; what was right then stays right.
        await SwitchAsync(village, true);
        await village.FileAsync([poor]);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        Assert.Empty(await ClawedBackAsync(village));
        await SwitchAsync(village, false);
        await api.Host.RefusedAsync("government-paid-only", village.Officer, $"{village.ApplicationPath}/payment-list");
        await SwitchAsync(village, true);
        await village.PayAsync(100);
        await SwitchAsync(village, false);
        Assert.Empty(await ClawedBackAsync(village));
        // But not when that payment, too, is given back.
        await TaxAsync(
            village,
            new TaxRow(poor, 100, 100, api.Today, $"TF{village.VillageCode}", Sheets.GovernmentPaid, Sheets.Refund)
        );
        Assert.Equal(
            ["claw-back 没有本人缴费记录的人员已获补助，应由经办机构退回 (C5 C6)"],
            await ClawedBackAsync(village)
        );
    }

    private static (string Code, int? Row) Left(ApplicationView view)
    {
        var left = Assert.Single(view.LeftOut!);
        return (left.Code, left.Row);
    }

    [Fact]
    public async Task L15_a_contribution_that_is_refunded_leaves_the_list_before_payment_and_is_clawed_back_after_it()
    {
        var (village, people) = await api.ReadyToFileAsync(4);
        await village.FileAsync(people);
        await village.ReviewAsync();
        string Reference(string series) => $"{series}{village.VillageCode}";
        TaxRow Refund(int person, int amount, string series) =>
            new(people[person], 300, amount, api.Today, Reference(series), Entry: Sheets.Refund);

        await TaxAsync(village, Refund(0, 300, "TA"));
        Assert.Equal(("not-contributed", 2), Left(await village.ApproveAsync()));
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await TaxAsync(village, Refund(1, 300, "TB"));
        Assert.Equal(("not-contributed", 3), Left(await village.PayAsync(200)));
        Assert.Empty(await ClawedBackAsync(village));
        await TaxAsync(village, Refund(2, 100, "TC"), Refund(3, 300, "TD"));
        Assert.Equal(
            ["claw-back 本人缴费已全部退费的人员已获补助，应由经办机构退回 (C5 C6)"],
            await ClawedBackAsync(village)
        );
        var year = await village.Offices.Auditor.GetAsync<AuditPage>("/api/audit/events?type=contribution_refunded");
        Assert.Contains(year.Entries, e => e.Actor == village.Offices.Tax.Actor.Id);
    }

    [Fact]
    public async Task L15_C10_another_tier_is_shown_to_the_approver_and_after_payment_on_the_list()
    {
        var other = await api.RegisteredAsync();
        await other.AllocateAsync(1000);
        var persons = new SamplePeople(78).Take(2, other.Offices.County);
        await other.PrepareAsync(persons, SampleVillage.PerTier((300, 60), (500, 80)), api.Today);
        await other.FileAsync(persons);
        await other.ReviewAsync();
        TaxRow Adjusted(int person, int tier, string series) =>
            new(persons[person], tier, tier, api.Today, $"{series}{other.VillageCode}", Entry: Sheets.Adjustment);
        await TaxAsync(other, Adjusted(0, 500, "TZ"));
        var refused = await api.Host.RefusedAsync(
            "amount-changed",
            other.Offices.Approver,
            $"{other.ApplicationPath}/approval"
        );
        Assert.Equal((2, 80m), (Assert.Single(refused.Faults).Row, refused.Faults[0].PresentAmount?.Yuan));
        await TaxAsync(other, Adjusted(0, 300, "TY"));
        await other.ApproveAsync();
        await other.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await other.PayAsync(120);
        await TaxAsync(other, Adjusted(1, 500, "TX"));
        Assert.Contains("应为 80.00 元", Assert.Single(await ClawedBackAsync(other)), StringComparison.Ordinal);
    }

    [Fact]
    public async Task L15_changes_are_read_in_whatever_order_they_stand_and_refused_by_row_and_column()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var more = new SamplePeople(79).Take(1, village.Offices.County);
        await village.ImportMembersAsync(more);
        string Reference(string series) => $"{series}{village.VillageCode}";
        var read = await TaxAsync(
            village,
            new TaxRow(more[0], 500, 500, api.Today, Reference("TZ"), Entry: Sheets.Adjustment),
            new TaxRow(more[0], 300, 300, api.Today, Reference("SA"))
        );
        Assert.Equal(2, read.Imported);

        var own = $"SW{village.VillageCode}{village.Year}000001";
        Assert.Equal(
            [
                "2 contribution-unknown 原凭证号",
                "3 amount-invalid 个人缴费金额（元）",
                "4 roster-invalid 记录性质",
                "5 possible-duplicate 缴费凭证号",
                "6 date-before-basis 缴费日期",
            ],
            (
                await FaultsAsync(
                    village,
                    new TaxRow(
                        people[0],
                        300,
                        1,
                        api.Today,
                        Reference("Q1"),
                        Entry: Sheets.Refund,
                        Of: Reference("Q9")
                    ),
                    new TaxRow(people[0], 300, 301, api.Today, Reference("Q2"), Entry: Sheets.Refund, Of: own),
                    new TaxRow(people[1], 300, 300, api.Today, Reference("Q3"), Of: own),
                    new TaxRow(people[1], 300, 1, api.Today, Reference("TZ"), Entry: Sheets.Refund),
                    new TaxRow(people[1], 300, 1, api.Today.AddDays(-1), Reference("Q5"), Entry: Sheets.Refund)
                )
            ).Select(f => $"{f.Row} {f.Code} {f.Column}")
        );
        await api.Host.RefusedAsync(
            "forbidden",
            village.Officer,
            Import(village),
            new { contributions = Array.Empty<int>() }
        );

        // As JSON, by the same reader.
        var json = new
        {
            contributions = new[]
            {
                new
                {
                    name = people[0].Name,
                    citizenId = people[0].CitizenId,
                    tierAmount = 500,
                    amount = 500,
                    paidOn = api.Today,
                    kind = "regular",
                    reference = Reference("J1"),
                    entry = "adjustment",
                },
            },
        };
        Assert.Equal(1, (await village.Offices.Tax.PostAsync<ImportView>(Import(village), json)).Imported);
        // A fault says which field of which entry.
        object Entry(SamplePerson person, int tier, DateOnly on) =>
            new
            {
                name = person.Name,
                citizenId = person.CitizenId,
                tierAmount = tier,
                amount = 500,
                paidOn = on,
                kind = "regular",
                reference = Reference($"J{tier}"),
            };
        var wrong = await api.Host.RefusedAsync(
            "roster-invalid",
            village.Offices.Tax,
            Import(village),
            new
            {
                contributions = new[]
                {
                    Entry(people[1], 777, api.Today.AddDays(1)),
                    Entry(new SamplePeople(91).Next(village.Offices.County), 500, api.Today),
                },
            }
        );
        Assert.Equal(
            ["contributions[0].paidOn", "contributions[0].tierAmount", "contributions[1].citizenId"],
            wrong.Faults.Select(f => f.Field).Order(StringComparer.Ordinal)
        );
    }
}
