using Ledger.Projections.Reports;

namespace Ledger.Api.Tests;

/// <summary>Two dates or two years of a fund, a village and a county, against what was booked.</summary>
[Collection("api")]
public sealed class ComparisonTests(ApiFixture api)
{
    private static Task<ComparisonView> CompareAsync(SampleClient who, string query) =>
        who.GetAsync<ComparisonView>($"/api/reports/comparison?{query}");

    [Fact]
    public async Task What_changed_is_told_by_kind_and_by_entry_and_adds_up_to_the_fen()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 317.25m, money: 4321.09m);
        var before = api.Today.AddDays(-1);
        await village.AllocateAsync(50.01m, "charity", "慈善会", donorId: await village.CharityAsync());
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var other = await api.RegisteredAsync(village.Offices);
        await other.AllocateAsync(1000);

        foreach (var query in new[] { $"fundId={village.FundId}&from={before:yyyy-MM-dd}", $"fundId={village.FundId}" })
        {
            var view = await CompareAsync(village.Officer, query);
            var span = view.Spans[0];
            Assert.Equal(Money.Zero, span.Opening.TotalAmount);
            Assert.Equal(
                [("source:charity", 50.01m, 1), ("source:collective-income", 4321.09m, 1)],
                span.Changes.Select(c => (c.Kind, c.Amount.Yuan, c.Entries))
            );
            // What is reserved has not left: it lies elsewhere in the same ring-fence.
            Assert.Equal((634.50m, 4371.10m), (span.Closing.ReservedAmount.Yuan, span.Closing.TotalAmount.Yuan));
            Assert.Equal([50.01m, 4321.09m], view.Entries.Select(e => e.Amount.Yuan).Order());
            Assert.Equal(span.Closing, Assert.Single(view.Funds).Spans[0].Closing);
        }
        // A county is its funds together; this year beside the last, in which there was nothing.
        var county = await CompareAsync(village.Offices.Auditor, "");
        Assert.Equal(2, county.Spans.Count);
        Assert.Equal(5371.10m, county.Spans[0].Closing.TotalAmount.Yuan);
        Assert.Equal(Money.Zero, county.Spans[1].Closing.TotalAmount);
        Assert.Equal([1000m, 4371.10m], county.Funds.Select(f => f.Spans[0].Closing.TotalAmount.Yuan).Order());
        Assert.Empty(county.Entries);

        // Nobody sees another's; what cannot be compared is said.
        Assert.Empty((await CompareAsync(other.Officer, $"region={village.Officer.Actor.Region}")).Funds);
        await api.Host.RefusedAsync(
            "not-found",
            other.Officer,
            HttpMethod.Get,
            $"/api/reports/comparison?fundId={village.FundId}"
        );
        var (today, path) = ($"{api.Today:yyyy-MM-dd}", "/api/reports/comparison?");
        foreach (
            var query in new[] { $"from={today}&to={today}", $"to={today}", $"from={today}&year=2026", "year=1999" }
        )
            await api.Host.RefusedAsync("field-invalid", village.Officer, HttpMethod.Get, path + query);
    }
}
