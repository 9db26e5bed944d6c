using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ledger.Api.Commands;
using Ledger.Api.Policies;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>One account of the city neither turns the rules off nor says where the money goes (C20, L12).</summary>
[Collection("api")]
public sealed class PolicyChangeTests(ApiFixture api)
{
    private static JsonObject Body(SampleVillage village, Action<JsonObject> change, DateOnly from)
    {
        var body = SampleClient.Node(SampleOffices.PolicyYear(village.Year)).AsObject();
        body["effectiveFrom"] = $"{from:yyyy-MM-dd}";
        change(body);
        return body;
    }

    private static JsonNode Thief =>
        JsonNode.Parse("""{"name":"任城区社会保险经办中心收入户","bank":"样例银行","number":"6217000011112222"}""")!;

    [Fact]
    public async Task C20_L12_a_year_in_use_and_its_payee_change_when_a_second_person_of_the_city_confirms()
    {
        var (village, _) = await api.ReadyToFileAsync(1);
        var offices = village.Offices;
        var path = $"/api/policy-years/{RegionCode.City(offices.County)}/{village.Year}";
        var confirmation = $"{path}/proposal/confirmation";
        await api.Host.RefusedAsync("wrong-state", offices.SecondCityHrss, confirmation);
        Assert.Equal(
            (api.Today, "effectiveFrom"),
            await api.Host.RefusedAsync(
                "date-before-basis",
                offices.CityHrss,
                HttpMethod.Put,
                path,
                Body(village, b => b["noticeDays"] = 1, new(village.Year, 1, 1))
            )
                is var refused
                ? (refused.NotBefore!.Value, refused.Field)
                : default
        );
        var asked = Body(
            village,
            b =>
            {
                b["noticeDays"] = 1;
                b["payee"] = Thief;
            },
            api.Today
        );
        var proposed = await offices.CityHrss.PutAsync<PolicyYearView>(path, asked);
        Assert.Equal((7, "1608-0101-0400-0001"), (proposed.NoticeDays, proposed.Payee!.Number));
        Assert.Equal(
            ("6217000011112222", offices.CityHrss.Actor.Id),
            (proposed.Proposed!.Payee!.Number, proposed.Proposed.ProposedBy)
        );
        Assert.Contains(proposed.Proposed.Changes, c => (c.What, c.Before, c.After) == ("notice-days", "7", "1"));
        // Not he himself, nobody of another city or another office.
        await api.Host.RefusedAsync("self-approval", offices.CityHrss, confirmation);
        await api.Host.RefusedAsync("not-found", api.NewOffices().SecondCityHrss, confirmation);
        await api.Host.RefusedAsync("forbidden", offices.CountyHrss, confirmation);
        await api.Host.RefusedAsync("forbidden", village.Officer, $"{path}/proposal/rejection", new { reason = "x" });
        Assert.Equal(7, (await village.Officer.GetAsync<PolicyYearView>(path)).NoticeDays);

        var foreseen = await offices.SecondCityHrss.PostAsync<PreviewView>($"{confirmation}?preview=true");
        Assert.Equal("任城区社会保险经办中心收入户，样例银行，6217000011112222", foreseen.Payee);
        Assert.Contains(foreseen.Changes, c => (c.What, c.After) == ("payee-number", "6217000011112222"));
        Assert.Contains(foreseen.Changes, c => (c.What, c.After) == ("waits", "in-force"));
        Assert.NotNull((await village.Officer.GetAsync<PolicyYearView>(path)).Proposed);
        await ShownAsync(offices.SecondCityHrss, "/overview", "年度政策的修订等您确认", 1);
        await ShownAsync(offices.CityHrss, "/overview", "年度政策的修订等您确认", 0);
        await ShownAsync(offices.SecondCityHrss, $"/policy-years?year={village.Year}", "proposal/confirmation", 2);
        await ShownAsync(offices.CityHrss, $"/policy-years?year={village.Year}", "proposal/confirmation", 0);
        await ShownAsync(village.Officer, $"/policy-years?year={village.Year}&region={path[18..22]}", "尚未生效", 1);

        await offices.SecondCityHrss.PostAsync($"{path}/proposal/rejection", new { reason = "账户未经核对" });
        await api.Host.RefusedAsync("wrong-state", offices.SecondCityHrss, confirmation);
        await offices.CityHrss.PutAsync<PolicyYearView>(path, asked);
        var confirmed = await offices.SecondCityHrss.PostAsync<PolicyYearView>(confirmation);
        Assert.Equal((1, "6217000011112222"), (confirmed.NoticeDays, confirmed.Payee!.Number));
        Assert.Null(confirmed.Proposed);
    }

    [Fact]
    public async Task C20_L12_a_county_s_own_year_over_its_city_s_in_use_waits_and_holds_nothing_until_then()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        var offices = village.Offices;
        var path = $"/api/policy-years/{offices.County}/{village.Year}";
        var proposed = await offices.CityHrss.PutAsync<PolicyYearView>(
            path,
            Body(village, b => b["noticeDays"] = 1, api.Today)
        );
        Assert.False(proposed.IsInForce);
        // The city's holds meanwhile, for pages and commands.
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        Assert.Equal(api.Today.AddDays(7), (await village.NoticeAsync()).NoticeUntil);
        await ShownAsync(village.Officer, "/plans", village.CollectiveId, -1);
        await ShownAsync(
            offices.SecondCityHrss,
            $"/policy-years?year={village.Year}&region={offices.County}",
            "尚未生效",
            1
        );
        await offices.CityHrss.PostAsync($"{path}/proposal/rejection", new { reason = "不需要" });
        await api.Host.RefusedAsync("not-found", village.Officer, HttpMethod.Get, path);
        await offices.CityHrss.PutAsync<PolicyYearView>(path, Body(village, b => b["noticeDays"] = 1, api.Today));
        Assert.True(
            (await offices.SecondCityHrss.PostAsync<PolicyYearView>($"{path}/proposal/confirmation")).IsInForce
        );
        // Nothing rests on the next year, but money would go elsewhere in it.
        var next = $"/api/policy-years/{RegionCode.City(offices.County)}/{village.Year + 1}";
        var thief = Body(village, b => b["payee"] = Thief, new(village.Year + 1, 1, 1));
        Assert.False((await offices.CityHrss.PutAsync<PolicyYearView>(next, thief)).IsInForce);
        Assert.True(
            (
                await offices.CityHrss.PutAsync<PolicyYearView>(
                    next,
                    Body(village, _ => { }, new(village.Year + 1, 1, 1))
                )
            ).IsInForce
        );
    }

    /// <param name="times">−1: whether the page is there is enough.</param>
    private static async Task ShownAsync(SampleClient who, string path, string text, int times)
    {
        using var page = await who.SendAsync(HttpMethod.Get, path, null);
        Assert.Equal(HttpStatusCode.OK, page.StatusCode);
        var shown = WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        Assert.True(times < 0 || shown.Split(text).Length - 1 == times, $"{path}: {text}");
    }
}
