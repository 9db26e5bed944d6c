using System.Text.Json;

namespace Ledger.Api.Tests;

/// <summary>
/// Two times: the business date, and what was known at a moment. And the search of the audit trail by every field,
/// saved as a sheet.
/// </summary>
[Collection("api")]
public sealed class AsOfTests(ApiFixture api)
{
    private static decimal Balance(TrialBalanceView trial, string account) =>
        trial.Accounts.Where(a => a.Account == account).Select(a => a.Amount.Yuan).SingleOrDefault();

    private string Now() => Uri.EscapeDataString(api.Clock.GetUtcNow().ToString("O"));

    [Fact]
    public async Task A_late_entry_changes_what_we_know_of_an_earlier_day_and_the_events_explain_the_difference()
    {
        var (village, people) = await api.ReadyToFileAsync(1, subsidy: 100, money: 1000);
        var yesterday = api.Today.AddDays(-1);
        api.Clock.Advance(TimeSpan.FromSeconds(2));
        var first = Now();
        api.Clock.Advance(TimeSpan.FromSeconds(2));
        await village.AllocateAsync(50, name: "补记", effectiveDate: yesterday);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;

        Task<TrialBalanceView> Trial(string query) =>
            village.Offices.Auditor.GetAsync<TrialBalanceView>($"/api/funds/{village.FundId}/trial-balance?{query}");
        Assert.Equal(0m, Balance(await Trial($"at={yesterday:yyyy-MM-dd}&recordedAt={first}"), "available:general"));
        Assert.Equal(50m, Balance(await Trial($"at={yesterday:yyyy-MM-dd}"), "available:general"));
        Assert.Equal(1000m, Balance(await Trial($"recordedAt={first}"), "available:general"));
        Assert.Equal(950m, Balance(await Trial(""), "available:general"));

        var changes = await village.Offices.Auditor.GetAsync<BalanceChangeView>(
            $"/api/funds/{village.FundId}/changes?from={first}"
        );
        Assert.Equal(
            [("available:general", -50m), ("reserved", 100m), ("source:collective-income", -50m)],
            changes.Accounts.Select(a => (a.Account, a.ChangeAmount.Yuan))
        );
        Assert.Equal(["funds_allocated", "funds_reserved"], changes.Events.Select(e => e.Type));
        foreach (var account in changes.Accounts)
            Assert.Equal(
                account.ChangeAmount.Yuan,
                changes
                    .Events.SelectMany(e => e.Postings)
                    .Where(p => p.Account == account.Account)
                    .Sum(p => p.Amount.Yuan)
            );
        Assert.Single(
            (
                await village.Offices.Auditor.GetAsync<BalanceChangeView>(
                    $"/api/funds/{village.FundId}/changes?at={yesterday:yyyy-MM-dd}&from={first}"
                )
            ).Events
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            $"/api/funds/{village.FundId}/changes?from={first}&to=2020-01-01T00:00:00Z"
        );

        Assert.Single(
            (
                await village.Officer.GetAsync<FundStatement>(
                    $"/api/funds/{village.FundId}/statement?recordedAt={first}"
                )
            ).Lines
        );
        Assert.Empty(
            (
                await village.Officer.GetAsync<MemberYearView>(
                    $"/api/members/{member}/years/{village.Year}?recordedAt={first}"
                )
            ).Subsidies
        );
        Assert.Single(
            (await village.Officer.GetAsync<MemberYearView>($"/api/members/{member}/years/{village.Year}")).Subsidies
        );
        await api.Host.RefusedAsync(
            "not-found",
            village.Officer,
            HttpMethod.Get,
            $"/api/members/{member}/years/{village.Year}?recordedAt=2020-01-01T00:00:00Z"
        );
    }

    [Fact]
    public async Task The_trail_is_searched_by_amount_role_and_region_and_saved_as_a_sheet()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(12.34m);
        await village.AllocateAsync(99.99m);
        var auditor = village.Offices.Auditor;
        Task<AuditPage> Search(string query) => auditor.GetAsync<AuditPage>($"/api/audit/events?{query}");
        Assert.Equal([12.34m], (await Search("minAmount=12.34&maxAmount=50")).Entries.Select(e => e.Amount?.Yuan));
        Assert.All((await Search("role=village-finance")).Entries, e => Assert.Equal("village-finance", e.Role));
        Assert.Equal(2, (await Search($"region={village.VillageCode}&type=funds_allocated")).Entries.Count);
        Assert.Empty((await Search("region=999999")).Entries);
        using var sheet = await auditor.SendAsync(
            HttpMethod.Get,
            "/api/audit/events?type=funds_allocated",
            null,
            more: r => r.Headers.Accept.ParseAdd(Workbook.ContentType)
        );
        Assert.Equal(Workbook.ContentType, sheet.Content.Headers.ContentType?.MediaType);
        using var zip = new System.IO.Compression.ZipArchive(await sheet.Content.ReadAsStreamAsync());
        using var cells = new StreamReader(zip.GetEntry("xl/worksheets/sheet1.xml")!.Open());
        var text = await cells.ReadToEndAsync();
        Assert.Contains("99.99", text);
        Assert.Contains("金额（元）", text);
    }
}
