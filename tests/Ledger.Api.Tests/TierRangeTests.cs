using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Ledger.Api.Tests;

/// <summary>A tier list with a range (L9): whoever reads tiers goes by what it stands for.</summary>
[Collection("api")]
public sealed class TierRangeTests(ApiFixture api)
{
    private static JsonNode Year(int year, string tiers)
    {
        var body = SampleClient.Node(SampleOffices.PolicyYear(year));
        body["tiers"] = JsonNode.Parse(tiers);
        return body;
    }

    private const string Wuhan = """
        [{"tierAmount":100,"governmentSubsidyAmount":30},
         {"tierAmount":400,"toAmount":6000,"stepAmount":100,"governmentSubsidyAmount":60}]
        """;

    [Fact]
    public async Task L9_import_standard_estimate_cap_and_pages_take_every_tier_of_a_range_and_nothing_between()
    {
        var offices = api.NewOffices();
        var path = $"/api/policy-years/{offices.County[..4]}/{api.Today.Year}";
        await offices.CityHrss.PutAsync(path, Year(api.Today.Year, Wuhan));
        await offices.OpenPilotAsync();
        var village = await api.RegisteredAsync(offices);
        var view = await village.Officer.GetAsync<PolicyYearView>(path);
        Assert.Equal(6000m, view.HighestTierAmount.Yuan);
        Assert.Equal(
            [(100m, null, null), (400m, 6000m, 100m)],
            view.Tiers.Select(t => (t.TierAmount.Yuan, t.ToAmount?.Yuan, t.StepAmount?.Yuan))
        );

        var people = new SamplePeople(9).Take(2, offices.County);
        await village.ImportMembersAsync(people);
        var between = SampleSheets.Contributions([(people[0], 1450, false)], api.Today, "L9A");
        var refused = await ApiFixture.RefusedAsync(
            "roster-invalid",
            offices.Tax,
            $"/api/contributions/import?year={api.Today.Year}",
            SampleClient.Form(between, "缴费.xlsx")
        );
        Assert.Contains("1450.00 元不是", refused.Text, StringComparison.Ordinal);
        await village.ImportContributionsAsync([(people[0], 1400, false), (people[1], 6000, false)], api.Today);

        await village.DraftAsync(SampleVillage.PerTier((1400, 50)));
        foreach (var standard in new[] { SampleVillage.PerTier((1450, 50)), SampleVillage.Flat(6001) })
            await ApiFixture.RefusedAsync(
                "standard-invalid",
                village.Officer,
                $"/api/plans/{village.PlanId}/dry-run",
                new { standard }
            );
        var run = await village.Officer.PostAsync<DryRunView>($"/api/plans/{village.PlanId}/dry-run");
        Assert.Equal((2, 1), (run.People, run.PayableCount));

        var members = await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}");
        var estimate = $"/api/members/{members.Members[0].Id}/estimate?year={api.Today.Year}&tierAmount=";
        await village.Officer.GetAsync<EstimateView>($"{estimate}5900");
        await ApiFixture.RefusedAsync("field-invalid", village.Officer, HttpMethod.Get, $"{estimate}5950");
        async Task<string> PageAsync(SampleClient by, string address)
        {
            using var page = await by.SendAsync(HttpMethod.Get, address, null);
            Assert.Equal(HttpStatusCode.OK, page.StatusCode);
            return WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        }
        Assert.Contains(
            "400.00 – 6,000.00（每档相差 100.00）",
            await PageAsync(village.Officer, $"/policy-years?year={api.Today.Year}&region={offices.County}"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "name=\"tiers.#.stepAmount\"",
            await PageAsync(offices.CityHrss, $"/policy-years?year={api.Today.Year}&region={offices.County[..4]}"),
            StringComparison.Ordinal
        );
        Assert.Contains(
            "tier-1400",
            await PageAsync(village.Officer, $"/plans/{village.PlanId}"),
            StringComparison.Ordinal
        );
    }

    /// <summary>
    /// The figures of Jining were not to be had: what a county sets holds there, whatever its city set.
    /// </summary>
    [Fact]
    public async Task L8_a_countys_own_tiers_and_subsidies_hold_there_before_its_citys()
    {
        var offices = api.NewOffices();
        var (city, county) = (
            $"/api/policy-years/{offices.County[..4]}/{api.Today.Year}",
            $"/api/policy-years/{offices.County}/{api.Today.Year}"
        );
        await offices.CityHrss.PutAsync(city, Year(api.Today.Year, Wuhan));
        await offices.CityHrss.PutAsync(
            county,
            Year(api.Today.Year, """[{"tierAmount":350,"governmentSubsidyAmount":45}]""")
        );
        await offices.OpenPilotAsync();
        var village = await api.RegisteredAsync(offices);
        var tier = (await village.Officer.GetAsync<PolicyYearView>(county)).Tiers.Single();
        Assert.Equal((350m, 45m), (tier.TierAmount.Yuan, tier.GovernmentSubsidyAmount.Yuan));
        var people = new SamplePeople(8).Take(1, offices.County);
        await village.ImportMembersAsync(people);
        var refused = await ApiFixture.RefusedAsync(
            "roster-invalid",
            offices.Tax,
            $"/api/contributions/import?year={api.Today.Year}",
            SampleClient.Form(SampleSheets.Contributions([(people[0], 400, false)], api.Today, "L8A"), "缴费.xlsx")
        );
        Assert.Contains("400.00 元不是", refused.Text, StringComparison.Ordinal);
        await village.ImportContributionsAsync([(people[0], 350, false)], api.Today);
    }

    [Fact]
    public async Task L9_each_fault_of_a_tier_list_is_told_at_its_field()
    {
        var offices = api.NewOffices();
        using var answer = await offices.CityHrss.SendAsync(
            HttpMethod.Put,
            $"/api/policy-years/{offices.County[..4]}/2030",
            SampleClient.Json(
                Year(
                    2030,
                    """
                    [{"tierAmount":400,"toAmount":6000,"stepAmount":300,"governmentSubsidyAmount":60},
                     {"tierAmount":7000,"toAmount":9000,"governmentSubsidyAmount":60},
                     {"tierAmount":8000,"governmentSubsidyAmount":0}]
                    """
                )
            )
        );
        Assert.Equal(HttpStatusCode.UnprocessableEntity, answer.StatusCode);
        var text = await answer.Content.ReadAsStringAsync();
        foreach (var field in (string[])["tiers[0].stepAmount", "tiers[1].stepAmount", "tiers[2].tierAmount"])
            Assert.Contains(field, text, StringComparison.Ordinal);
    }
}
