using System.Text.Json;
using Ledger.Api.Imports;

namespace Ledger.Api.Tests;

/// <summary>
/// Two times: the business date, and what was known at a moment. And the search of the audit trail by every field,
/// saved as a sheet.
/// </summary>
[Collection("api")]
public sealed class AsOfTests(ApiFixture api)
{
    private static JsonElement[] Items(JsonElement e, string name) => [.. e.GetProperty(name).EnumerateArray()];

    private static decimal Balance(JsonElement trial, string account) =>
        Items(trial, "accounts")
            .Where(a => a.GetProperty("account").GetString() == account)
            .Select(a => a.GetProperty("amount").GetDecimal())
            .SingleOrDefault();

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
        var member = Items(await village.Officer.GetAsync($"{village.ApplicationPath}/lines"), "lines")[0]
            .GetProperty("memberId")
            .GetString();

        Task<JsonElement> Trial(string query) =>
            village.Offices.Auditor.GetAsync($"/api/funds/{village.FundId}/trial-balance?{query}");
        Assert.Equal(0m, Balance(await Trial($"at={yesterday:yyyy-MM-dd}&recordedAt={first}"), "available:general"));
        Assert.Equal(50m, Balance(await Trial($"at={yesterday:yyyy-MM-dd}"), "available:general"));
        Assert.Equal(1000m, Balance(await Trial($"recordedAt={first}"), "available:general"));
        Assert.Equal(950m, Balance(await Trial(""), "available:general"));

        var changes = await village.Offices.Auditor.GetAsync($"/api/funds/{village.FundId}/changes?from={first}");
        Assert.Equal(
            [("available:general", -50m), ("reserved", 100m), ("source:collective-income", -50m)],
            Items(changes, "accounts")
                .Select(a => (a.GetProperty("account").GetString()!, a.GetProperty("changeAmount").GetDecimal()))
        );
        Assert.Equal(
            ["funds_allocated", "funds_reserved"],
            Items(changes, "events").Select(e => e.GetProperty("type").GetString())
        );
        foreach (var account in Items(changes, "accounts"))
            Assert.Equal(
                account.GetProperty("changeAmount").GetDecimal(),
                Items(changes, "events")
                    .SelectMany(e => Items(e, "postings"))
                    .Where(p => p.GetProperty("account").GetString() == account.GetProperty("account").GetString())
                    .Sum(p => p.GetProperty("amount").GetDecimal())
            );
        Assert.Single(
            Items(
                await village.Offices.Auditor.GetAsync(
                    $"/api/funds/{village.FundId}/changes?at={yesterday:yyyy-MM-dd}&from={first}"
                ),
                "events"
            )
        );
        await ApiFixture.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            $"/api/funds/{village.FundId}/changes?from={first}&to=2020-01-01T00:00:00Z"
        );

        Assert.Single(
            Items(await village.Officer.GetAsync($"/api/funds/{village.FundId}/statement?recordedAt={first}"), "lines")
        );
        Assert.Empty(
            Items(
                await village.Officer.GetAsync($"/api/members/{member}/years/{village.Year}?recordedAt={first}"),
                "subsidies"
            )
        );
        Assert.Single(
            Items(await village.Officer.GetAsync($"/api/members/{member}/years/{village.Year}"), "subsidies")
        );
        await ApiFixture.RefusedAsync(
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
        Task<JsonElement> Search(string query) => auditor.GetAsync($"/api/audit/events?{query}");
        Assert.Equal(
            [12.34m],
            Items(await Search("minAmount=12.34&maxAmount=50"), "entries")
                .Select(e => e.GetProperty("amount").GetDecimal())
        );
        Assert.All(
            Items(await Search("role=village-finance"), "entries"),
            e => Assert.Equal("village-finance", e.GetProperty("role").GetString())
        );
        Assert.Equal(2, Items(await Search($"region={village.VillageCode}&type=funds_allocated"), "entries").Length);
        Assert.Empty(Items(await Search("region=999999"), "entries"));
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
