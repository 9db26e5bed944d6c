using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>Tokens, roles and region scope on every route.</summary>
[Collection("api")]
public sealed class AccessTests(ApiFixture api)
{
    private IEnumerable<RouteEndpoint> Routes => api.Host.Services.GetRequiredService<EndpointDataSource>().Endpoints.OfType<RouteEndpoint>()
        .Where(e => e.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal) || e.RoutePattern.RawText.StartsWith("/log/", StringComparison.Ordinal));

    [Fact]
    public void Every_route_says_who_may_call_it() =>
        Assert.All(Routes, r => Assert.True(r.Metadata.GetMetadata<RolesMetadata>() is not null, $"{r.RoutePattern.RawText} has no roles"));

    [Fact]
    public async Task Every_route_refuses_no_token_a_forged_token_an_expired_token_and_every_other_role()
    {
        var offices = api.NewOffices();
        var tokens = api.Host.Services.GetRequiredService<Tokens>();
        var expired = tokens.Issue(new Actor("late", Roles.Auditor, offices.County), TimeSpan.FromMinutes(-5));
        var forged = tokens.Issue(new Actor("x", Roles.Auditor, offices.County), TimeSpan.FromHours(1))[..^4] + "AAAA";
        var (checkedRoles, checkedRoutes) = (0, 0);
        foreach (var route in Routes)
        {
            var roles = route.Metadata.GetMetadata<RolesMetadata>()!.Roles;
            if (roles.Count == 0) continue;
            checkedRoutes++;
            var method = new HttpMethod(route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]);
            var path = route.RoutePattern.RawText!.Replace("{year:int}", "2026", StringComparison.Ordinal).Replace("{region}", offices.County, StringComparison.Ordinal)
                .Replace("{id}", "nothing", StringComparison.Ordinal).Replace("{digest}", "nothing", StringComparison.Ordinal);
            path = path.Replace("{sequence:long}", "1", StringComparison.Ordinal).Replace("{**path}", "000", StringComparison.Ordinal);
            path = System.Text.RegularExpressions.Regex.Replace(path, @"\{[A-Za-z]+\}", "nothing");
            foreach (var bad in (string?[])[null, expired, forged])
            {
                using var request = new HttpRequestMessage(method, path);
                if (bad is not null) request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bad);
                using var response = await api.Http.SendAsync(request);
                Assert.True(response.StatusCode == HttpStatusCode.Unauthorized, $"{method} {path}: {response.StatusCode}");
                Assert.Contains("unauthenticated", await response.Content.ReadAsStringAsync());
            }
            foreach (var role in Roles.All.Except(roles))
            {
                // The framework answers 415 before it looks at the role, so a route that takes a form is sent one.
                var takesForm = route.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Contains("multipart/form-data") == true;
                await ApiFixture.RefusedAsync("forbidden", api.Client(new Actor($"someone.{role}", role, Region(role, offices.County))), method, path,
                    takesForm ? SampleClient.Form([1], "x") : null);
                checkedRoles++;
            }
        }
        Assert.True(checkedRoutes > 30 && checkedRoles > 100, $"{checkedRoutes} routes, {checkedRoles} roles");
    }

    [Fact]
    public async Task Foreign_village_and_foreign_county_see_nothing_and_change_nothing()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        var neighbour = village.Offices.Officer($"{village.Offices.County}999999");
        var foreign = api.NewOffices();
        string[] reads =
        [
            $"/api/funds/{village.FundId}", $"/api/funds/{village.FundId}/statement", $"/api/collectives/{village.CollectiveId}", $"/api/plans/{village.PlanId}",
            village.ApplicationPath, $"{village.ApplicationPath}/lines", $"/api/members?collectiveId={village.CollectiveId}",
            $"/api/members/{await MemberAsync(village)}/years/{village.Year}",
        ];
        foreach (var path in reads)
        {
            await ApiFixture.RefusedAsync("not-found", neighbour, HttpMethod.Get, path);
            await ApiFixture.RefusedAsync("not-found", foreign.Reviewer, HttpMethod.Get, path);
        }
        await ApiFixture.RefusedAsync("not-found", neighbour, $"/api/funds/{village.FundId}/allocations",
            new { amount = 1, source = "collective-income", sourceName = "x", evidence = new[] { await neighbour.EvidenceAsync("slip") } });
        await ApiFixture.RefusedAsync("not-found", neighbour, "/api/funds", new { collectiveId = village.CollectiveId });
        await ApiFixture.RefusedAsync("not-found", foreign.Reviewer, $"{village.ApplicationPath}/review", new { acceptRest = true });
        await ApiFixture.RefusedAsync("not-found", foreign.Approver, $"{village.ApplicationPath}/approval");
        await ApiFixture.RefusedAsync("not-found", foreign.CountyHrss, "/api/pilots", new { county = village.Offices.County, grounds = "x" });
        await ApiFixture.RefusedAsync("not-found", foreign.Agriculture, "/api/collectives",
            new { creditCode = SamplePeople.CreditCode(village.Offices.County, 5), name = "x", villageCode = village.VillageCode });
        // A document of another village is not evidence here.
        var theirs = await neighbour.EvidenceAsync($"private {Guid.NewGuid()}");
        await ApiFixture.RefusedAsync("not-found", village.Officer, HttpMethod.Get, $"/api/evidence/{theirs}");
        await ApiFixture.RefusedAsync("evidence-missing", village.Officer, $"/api/funds/{village.FundId}/allocations",
            new { amount = 1, source = "collective-income", sourceName = "x", evidence = new[] { theirs } });

        Assert.Empty((await neighbour.GetAsync("/api/funds")).EnumerateArray());
        Assert.Empty((await foreign.Reviewer.GetAsync($"/api/funds?region={village.Offices.County}")).EnumerateArray());
        Assert.Single((await village.Offices.Reviewer.GetAsync("/api/funds")).EnumerateArray());
        var application = await village.Officer.GetAsync(village.ApplicationPath);
        Assert.Equal("filed", application.GetProperty("status").GetString());
    }

    [Fact]
    public async Task Contributions_of_people_outside_the_county_are_refused()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        var foreign = api.NewOffices();
        await foreign.PublishPolicyAsync(api.Today.Year);
        using var sheet = SampleClient.Form(SampleSheets.Contributions([(people[0], 300, false)], api.Today, "F"), "缴费.xlsx");
        var problem = await ApiFixture.RefusedAsync("roster-invalid", foreign.Tax, $"/api/contributions/import?year={village.Year}", sheet);
        Assert.Equal("not-a-member", problem.GetProperty("faults")[0].GetProperty("code").GetString());
    }

    private static async Task<string> MemberAsync(SampleVillage village) =>
        (await village.Officer.GetAsync($"/api/members?collectiveId={village.CollectiveId}")).GetProperty("members")[0].Id();

    private static string Region(string role, string county) => role switch
    {
        Roles.CityHrss => county[..4],
        Roles.Township => county + "001",
        Roles.VillageFinance => county + "001001",
        _ => county,
    };
}
