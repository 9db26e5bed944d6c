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
        await village.AllocateAsync(50.01m, SourceKind.Charity, "慈善会", donorId: await village.CharityAsync());
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

    /// <summary>The page as a browser asks for it.</summary>
    private static async Task<(int Status, string Html)> PageAsync(SampleClient who, string path)
    {
        using var response = await who.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r => r.Headers.Accept.ParseAdd("text/html")
        );
        return ((int)response.StatusCode, System.Net.WebUtility.HtmlDecode(await response.Content.ReadAsStringAsync()));
    }

    [Fact]
    public async Task What_was_typed_stands_there_again_when_one_of_it_is_wrong_and_nothing_wins_silently()
    {
        var (village, _) = await api.ReadyToFileAsync(1);
        var (status, html) = await PageAsync(village.Officer, "/comparison?year=26&against=2025&order=most");
        Assert.Equal(422, status);
        Assert.Contains("年度：年度应在2009至2100之间", html, StringComparison.Ordinal);
        Assert.Matches("name=\"year\" value=\"26\"[^>]*aria-invalid=\"true\"", html);
        Assert.Contains("name=\"against\" value=\"2025\"", html, StringComparison.Ordinal);
        Assert.Contains("name=\"order\" value=\"most\"", html, StringComparison.Ordinal);
        // Two dates and a year: none of the two is dropped.
        (status, html) = await PageAsync(
            village.Officer,
            $"/comparison?year=2026&from={api.Today.AddDays(-9):yyyy-MM-dd}"
        );
        Assert.Equal(422, status);
        Assert.Contains("不要都写", html, StringComparison.Ordinal);
        Assert.Contains("name=\"year\" value=\"2026\"", html, StringComparison.Ordinal);
        (status, html) = await PageAsync(village.Officer, "/comparison?year=2026&against=2026");
        Assert.Equal(422, status);
        Assert.Contains("请写另一个年度", html, StringComparison.Ordinal);
        // Its siblings: a village that is none, an amount that is none, a date that is none.
        (status, html) = await PageAsync(village.Offices.Auditor, "/comparison?region=没有这个村&year=2026");
        Assert.Equal(422, status);
        Assert.Contains("name=\"region\" value=\"没有这个村\"", html, StringComparison.Ordinal);
        (status, html) = await PageAsync(village.Offices.Auditor, "/audit?minAmount=x&id=fund-1");
        Assert.Equal(422, status);
        Assert.Contains("name=\"minAmount\" value=\"x\"", html, StringComparison.Ordinal);
        Assert.Contains("name=\"id\" value=\"fund-1\"", html, StringComparison.Ordinal);
        (status, html) = await PageAsync(village.Officer, $"/funds/{village.FundId}/statement?from=2026-13-01");
        Assert.Equal(400, status);
        Assert.Contains("name=\"from\" value=\"2026-13-01\"", html, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Each_fund_says_what_it_differs_by_and_the_largest_stand_first_where_that_is_asked()
    {
        var (village, _) = await api.ReadyToFileAsync(1, money: 100);
        var other = await api.RegisteredAsync(village.Offices);
        await other.AllocateAsync(900);
        var first = await RowsAsync("");
        Assert.Equal(["100.00", "900.00"], first);
        Assert.Equal(["900.00", "100.00"], await RowsAsync("?order=changed"));
        Assert.Equal(["900.00", "100.00"], await RowsAsync("?order=most"));

        async Task<IEnumerable<string>> RowsAsync(string query) =>
            System
                .Text.RegularExpressions.Regex.Matches(
                    (await PageAsync(village.Offices.Auditor, $"/comparison{query}")).Html,
                    "class=\"number difference\">([^<]+)<"
                )
                .Select(m => m.Groups[1].Value);
    }
}
