using System.Net;
using Ledger.Api.Profiles;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>Cities, counties and townships are called by name: an administrator writes it, pages show it.</summary>
[Collection("api")]
public sealed class RegionNameTests(ApiFixture api)
{
    [Fact]
    public async Task A_region_s_name_stands_where_its_code_stood_and_nobody_names_what_lies_elsewhere()
    {
        var offices = api.NewOffices();
        var admin = api.Client(new Actor($"admin.{offices.County}", Roles.Administrator, offices.County));
        var township = offices.Township($"{offices.County}111");
        async Task<string> PageAsync()
        {
            using var page = await township.SendAsync(HttpMethod.Get, "/me", null);
            return WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        }
        object Names(params (string Code, string Name)[] names) =>
            new { regions = names.Select(n => new { code = n.Code, name = n.Name }) };
        Assert.DoesNotContain("喻屯镇", await PageAsync(), StringComparison.Ordinal);
        var named = Names((offices.County, "任城区"), ($"{offices.County}111", "喻屯镇"), ("", ""));
        var view = await admin.PutAsync<RegionNamesView>("/api/region-names", named);
        Assert.Equal((1, 2), (view.Version, view.Regions.Count));
        Assert.Equal(1, (await admin.PutAsync<RegionNamesView>("/api/region-names", named)).Version);
        var page = await PageAsync();
        Assert.Contains($"<span title=\"{offices.County}111\">喻屯镇</span>", page, StringComparison.Ordinal);
        // It is no file's profile.
        var profiles = await admin.GetAsync<List<AgencyProfileView>>("/api/agency-profiles");
        Assert.Equal(["sample"], profiles.Select(p => p.Id));
        await api.Host.RefusedAsync(
            "not-found",
            admin,
            HttpMethod.Get,
            $"/api/agency-profiles/{StreamId.RegionNames(offices.County)}"
        );
        foreach (
            var (code, name, field) in new[]
            {
                ("991199", "别处", "regions[0].code"),
                (offices.County[..4], "上一级", "regions[0].code"),
                ($"{offices.County}1", "半个", "regions[0].code"),
                ($"{offices.County}111", " ", "regions[0].name"),
            }
        )
            Assert.Equal(
                field,
                (
                    await api.Host.RefusedAsync(
                        "field-invalid",
                        admin,
                        HttpMethod.Put,
                        "/api/region-names",
                        Names((code, name))
                    )
                ).Field
            );
        await api.Host.RefusedAsync("forbidden", township, HttpMethod.Put, "/api/region-names", named);
    }
}
