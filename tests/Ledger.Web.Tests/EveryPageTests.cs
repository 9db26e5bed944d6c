using Ledger.Api.Pages;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Web.Tests;

/// <summary>
/// Every page of every role: it opens, its pictures are drawn, axe finds nothing serious, nothing comes from elsewhere.
/// </summary>
[Collection("web")]
public sealed class EveryPageTests(WebFixture web)
{
    /// <summary>Route → who looks at it, and where; {x} are ids of the sample.</summary>
    internal static readonly (string Route, string? Role, string Path)[] Pages =
    [
        ("/", null, "/"),
        ("/sign-in", null, "/sign-in"),
        ("/docs/problems", null, "/docs/problems"),
        ("/help", null, "/help?page=/notices/{id}&back=/"),
        ("/notices/{id}", null, "/notices/{noticed}"),
        ("/complaints/{id}", null, "/complaints/{settled}"),
        ("/gifts/{id}/{code}", null, "{gifts}"),
        ("/funds/{id}", "VILLAGE", "/funds/{fund}"),
        ("/funds/{id}/allocations/new", "VILLAGE", "/funds/{fund}/allocations/new"),
        ("/funds/{id}/statement", "VILLAGE", "/funds/{fund}/statement"),
        ("/funds/{id}/vouchers/{sequence:long}", "VILLAGE", "{voucher}"),
        ("/funds/{id}/trial-balance", "AUDITOR", "/funds/{fund}/trial-balance?step=1"),
        ("/funds/{id}/reconciliation", "VILLAGE", "/funds/{fund}/reconciliation"),
        ("/start", "VILLAGE", "/start"),
        ("/funds/{id}/ending", "VILLAGE", "/funds/{fund}/ending"),
        ("/plans", "VILLAGE", "/plans"),
        ("/plans/new", "VILLAGE", "/plans/new"),
        ("/plans/{id}", "VILLAGE", "/plans/{plan}"),
        ("/plans/{id}/resolution", "VILLAGE", "/plans/{plan}/resolution"),
        ("/plans/{id}/dossier", "VILLAGE", "/plans/{plan}/dossier"),
        ("/collectives/{id}/survey", "VILLAGE", "/collectives/{collective}/survey"),
        ("/applications/new", "VILLAGE", "/applications/new?plan={plan}"),
        ("/members", "VILLAGE", "/members"),
        ("/applications", "REVIEWER", "/applications?waitingForMe=true"),
        ("/applications/{id}", "REVIEWER", "/applications/{filed}"),
        ("/applications/{id}/review", "REVIEWER", "/applications/{filed}/review"),
        ("/contributions", "REVIEWER", "/contributions"),
        ("/agency-profiles", "REVIEWER", "/agency-profiles?form=receipts"),
        ("/members/{id}/years/{year:int}", "REVIEWER", "/members/{member}/years/{year}"),
        ("/members/{id}/estimate", "REVIEWER", "/members/{member}/estimate?year={year}"),
        ("/committee", "COMMITTEE", "/committee"),
        ("/audit", "AUDITOR", "/audit?id={settled}"),
        ("/proof", "AUDITOR", "/proof"),
        ("/proof/log-check", "AUDITOR", "/proof/log-check"),
        ("/proof/check", "AUDITOR", "/proof/check"),
        ("/exports", "AUDITOR", "/exports"),
        ("/trace/applications/{id}/members/{memberId}", "AUDITOR", "/trace/applications/{settled}/members/{member}"),
        (
            "/trace/applications/{id}/members/{memberId}/allocations/{allocationId}",
            "AUDITOR",
            "/trace/applications/{settled}/members/{member}/allocations/{source}"
        ),
        ("/trace/funds/{id}/allocations/{allocationId}", "AUDITOR", "/trace/funds/{settledFund}/allocations/{source}"),
        ("/overview", "COUNTY_HRSS", "/overview"),
        ("/funds", "COUNTY_HRSS", "/funds"),
        ("/supervision", "COUNTY_HRSS", "/supervision"),
        ("/ranking", "COUNTY_HRSS", "/ranking"),
        ("/pilots", "CITY_HRSS", "/pilots"),
        ("/policy-years", "CITY_HRSS", "/policy-years"),
        ("/donors", "COUNTY_HRSS", "/donors"),
        ("/donors/{id}", "COUNTY_HRSS", "/donors/{donor}"),
        ("/collectives", "COUNTY_AGRICULTURE", "/collectives"),
        ("/collectives/{id}", "COUNTY_AGRICULTURE", "/collectives/{collective}"),
        ("/collectives/{id}/split", "COUNTY_AGRICULTURE", "/collectives/{collective}/split"),
        ("/setup", "COUNTY_AGRICULTURE", "/setup"),
        ("/policy-years/replay", "CITY_HRSS", "/policy-years/replay"),
        ("/me", "AUDITOR", "/me"),
    ];

    /// <summary>Not pages but files, or of a role that the sample has not (it is in AccountPageTests).</summary>
    private static readonly string[] Elsewhere =
    [
        "/audit.xlsx",
        "/overview.xlsx",
        "/collectives/{id}/members.xlsx",
        "/funds.xlsx",
        "/donors.xlsx",
        "/funds/{id}/statement.xlsx",
        "/funds/{id}/trial-balance.xlsx",
        "/applications.xlsx",
        "/supervision.xlsx",
        "/ranking.xlsx",
        "/accounts",
        "/operation",
    ];

    [Fact]
    public void The_list_of_pages_is_complete()
    {
        var routes = web
            .Api.Host.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<PageMetadata>() is not null)
            .Select(e => e.RoutePattern.RawText!);
        Assert.Empty(routes.Except(Pages.Select(p => p.Route)).Except(Elsewhere));
    }

    [Theory]
    [InlineData(1280)]
    [InlineData(390)]
    public async Task Every_page_opens_and_can_be_used_by_everybody(int width)
    {
        var faults = new List<string>();
        foreach (var role in Pages.GroupBy(p => p.Role))
        {
            await using var visitor = await web.VisitAsync(role.Key, width);
            foreach (var (route, _, template) in role)
            {
                var path = web.Ids.Aggregate(
                    template,
                    (p, id) => p.Replace($"{{{id.Key}}}", id.Value, StringComparison.Ordinal)
                );
                var response = await visitor.Page.GotoAsync(path);
                if (response!.Status != 200)
                    faults.Add($"{path}: {response.Status}");
                await visitor.ShootAsync($"{width}{route.Replace('/', '_').Replace(':', '-')}");
                var wide = await visitor.Page.EvaluateAsync<int>(
                    "() => document.documentElement.scrollWidth - document.documentElement.clientWidth"
                );
                if (wide > 0)
                    faults.Add($"{path}: {wide} px wider than the window of {width}");
                faults.AddRange((await visitor.Page.SeriousFaultsAsync()).Select(fault => $"{path}: {fault}"));
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
    }

    [Fact]
    public async Task Axe_would_find_a_field_without_a_name()
    {
        await using var visitor = await web.VisitAsync(null);
        await visitor.Page.GotoAsync("/sign-in");
        await visitor.Page.EvaluateAsync(
            "() => { const input = document.querySelector('input[name=name]'); "
                + "document.querySelector('main').append(input); }"
        );
        Assert.Contains(
            await visitor.Page.SeriousFaultsAsync(),
            fault => fault.StartsWith("label ", StringComparison.Ordinal)
        );
    }
}
