using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Http.Metadata;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>Tokens, roles and region scope on every route.</summary>
[Collection("api")]
public sealed class AccessTests(ApiFixture api)
{
    private IEnumerable<RouteEndpoint> Routes =>
        api
            .Host.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e =>
                e.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal)
                || e.RoutePattern.RawText.StartsWith("/log/", StringComparison.Ordinal)
            );

    [Fact]
    public void Every_route_says_who_may_call_it() =>
        Assert.All(
            Routes,
            r =>
                Assert.True(
                    r.Metadata.GetMetadata<RolesMetadata>() is not null,
                    $"{r.RoutePattern.RawText} has no roles"
                )
        );

    [Fact]
    public async Task Every_route_refuses_no_token_a_forged_token_an_expired_token_and_every_other_role()
    {
        var offices = api.NewOffices();
        var tokens = api.Host.Services.GetRequiredService<Tokens>();
        var expired = tokens.Issue(new Actor("late", Roles.Auditor, offices.County), TimeSpan.FromMinutes(-5));
        var forged = tokens.Issue(new Actor("x", Roles.Auditor, offices.County), TimeSpan.FromHours(1))[..^4] + "AAAA";
        // Another authority's token: the same claims, signed with a key of its own.
        var elsewhere = Path.Combine(Path.GetTempPath(), $"keys-{Guid.NewGuid():N}.json");
        var others = new Tokens(KeyFile.LoadOrCreate(elsewhere), TimeProvider.System).Issue(
            new Actor("x", Roles.Auditor, offices.County),
            TimeSpan.FromHours(1)
        );
        File.Delete(elsewhere);
        var (checkedRoles, checkedRoutes) = (0, 0);
        foreach (var route in Routes)
        {
            var roles = route.Metadata.GetMetadata<RolesMetadata>()!.Roles;
            if (roles.Count == 0)
                continue;
            checkedRoutes++;
            var method = new HttpMethod(route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]);
            var path = route
                .RoutePattern.RawText!.Replace("{year:int}", "2026", StringComparison.Ordinal)
                .Replace("{region}", offices.County, StringComparison.Ordinal)
                .Replace("{id}", "nothing", StringComparison.Ordinal)
                .Replace("{digest}", "nothing", StringComparison.Ordinal);
            path = path.Replace("{sequence:long}", "1", StringComparison.Ordinal)
                .Replace("{number:int}", "1", StringComparison.Ordinal)
                .Replace("{**path}", "000", StringComparison.Ordinal);
            path = System.Text.RegularExpressions.Regex.Replace(
                path.Replace("{sessionId:guid}", $"{Guid.Empty}", StringComparison.Ordinal),
                @"\{[A-Za-z]+\}",
                "nothing"
            );
            foreach (var bad in (string?[])[null, expired, forged, others])
            {
                using var request = new HttpRequestMessage(method, path);
                if (bad is not null)
                    request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", bad);
                using var response = await api.Http.SendAsync(request);
                Assert.True(
                    response.StatusCode == HttpStatusCode.Unauthorized,
                    $"{method} {path}: {response.StatusCode}"
                );
                Assert.Contains("unauthenticated", await response.Content.ReadAsStringAsync());
            }
            foreach (var role in Roles.Everybody.Except(roles))
            {
                // The framework answers 415 before it looks at the role, so a route that takes a form is sent one.
                var takesForm =
                    route.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Contains("multipart/form-data")
                    == true;
                await api.Host.RefusedAsync(
                    "forbidden",
                    api.Client(new Actor($"someone.{role}", role, Region(role, offices.County))),
                    method,
                    path,
                    takesForm ? SampleClient.Form([1], "x") : null
                );
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
            $"/api/funds/{village.FundId}",
            $"/api/funds/{village.FundId}/statement",
            $"/api/collectives/{village.CollectiveId}",
            $"/api/plans/{village.PlanId}",
            village.ApplicationPath,
            $"{village.ApplicationPath}/lines",
            $"/api/members?collectiveId={village.CollectiveId}",
            $"/api/members/{await MemberAsync(village)}/years/{village.Year}",
        ];
        foreach (var path in reads)
        {
            await api.Host.RefusedAsync("not-found", neighbour, HttpMethod.Get, path);
            await api.Host.RefusedAsync("not-found", foreign.Reviewer, HttpMethod.Get, path);
        }
        await api.Host.RefusedAsync(
            "not-found",
            neighbour,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence = new[] { await neighbour.EvidenceAsync("slip") },
            }
        );
        await api.Host.RefusedAsync("not-found", neighbour, "/api/funds", new { collectiveId = village.CollectiveId });
        await api.Host.RefusedAsync(
            "not-found",
            foreign.Reviewer,
            $"{village.ApplicationPath}/review",
            new { acceptRest = true }
        );
        await api.Host.RefusedAsync("not-found", foreign.Approver, $"{village.ApplicationPath}/approval");
        await api.Host.RefusedAsync(
            "not-found",
            foreign.CountyHrss,
            "/api/pilots",
            new { county = village.Offices.County, grounds = "x" }
        );
        await api.Host.RefusedAsync(
            "not-found",
            foreign.Agriculture,
            "/api/collectives",
            new
            {
                creditCode = SamplePeople.CreditCode(village.Offices.County, 5),
                name = "x",
                villageCode = village.VillageCode,
            }
        );
        // A document of another village is not evidence here.
        var theirs = await neighbour.EvidenceAsync($"private {Guid.NewGuid()}");
        await api.Host.RefusedAsync("not-found", village.Officer, HttpMethod.Get, $"/api/evidence/{theirs}");
        await api.Host.RefusedAsync(
            "evidence-missing",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence = new[] { theirs },
            }
        );

        Assert.Empty((await neighbour.GetAsync<IReadOnlyList<FundView>>("/api/funds")));
        Assert.Empty(
            (await foreign.Reviewer.GetAsync<IReadOnlyList<FundView>>($"/api/funds?region={village.Offices.County}"))
        );
        Assert.Single((await village.Offices.Reviewer.GetAsync<IReadOnlyList<FundView>>("/api/funds")));
        var application = await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath);
        Assert.Equal(ApplicationStatus.Filed, application.Status);
    }

    /// <summary>
    /// Every route × every role that may call it × own, foreign village, foreign county, foreign city: in the own
    /// region the thing is there; from outside the answer is, word for word, the one for something that does not exist.
    /// </summary>
    [Fact]
    public async Task Every_route_answers_its_own_region_and_to_all_others_as_if_nothing_were_there()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var offices = village.Offices;
        var donor = (
            await offices.Agriculture.PostAsync<DonorView>(
                "/api/donors",
                new
                {
                    kind = "charity",
                    name = "县慈善总会",
                    creditCode = SamplePeople.CreditCode(offices.County, 700),
                }
            )
        ).Id;
        var allocation = (await village.AllocateAsync(10)).AllocationId;
        var digest = await village.Officer.EvidenceAsync($"matrix {Guid.NewGuid()}");
        var sequence = await api.ScalarAsync<long>(
            "select max(seq_id) from ledger.mt_events where stream_id = @f",
            ("f", village.FundId)
        );
        var administrator = api.Client(
            new Actor($"administrator.{offices.County}", Roles.Administrator, offices.County)
        );
        var opened = await administrator.PostAsync<IssuedAccountView>(
            "/api/accounts",
            ApiFixture.AccountBody($"clerk.{offices.County}", Roles.Agency, offices.County)
        );
        var account = $"account-{opened.Account.Name}";
        var own = new Dictionary<string, string>
        {
            ["accounts"] = account,
            ["delegations"] = "nobody",
            ["funds"] = village.FundId,
            ["plans"] = village.PlanId,
            ["collectives"] = village.CollectiveId,
            ["applications"] = village.ApplicationId,
            ["members"] = await MemberAsync(village),
            ["donors"] = donor,
            ["pilots"] = $"pilot-{offices.County}",
            ["allocations"] = allocation,
            ["evidence"] = digest,
            ["vouchers"] = $"{sequence}",
            ["events"] = $"{sequence}",
            ["years"] = $"{village.Year}",
            ["surveys"] = $"{village.Year}",
            ["sub-accounts"] = "general",
            ["objections"] = "objection-x",
            ["complaints"] = "complaint-x",
            ["bank-fees"] = "bank-fee-x",
            ["dead-letters"] = $"{Guid.Empty}",
            ["contributions"] = $"SW{village.VillageCode}{village.Year}000001",
            ["sponsorships"] = "sponsorship-x",
            ["requests"] = "member-x",
            ["changes"] = "change-x",
            ["samples"] = (
                await DrawnSamples.AnnouncedAsync(offices.Auditor, SamplingTests.Body(village, api.Today.Year))
            ).Id,
            ["papers"] = "1",
            ["subscriptions"] = await WebhookTests.OpenedAsync(offices),
            ["jobs"] = await JobTests.FailedAsync(village),
            ["screening"] = await ScreeningTests.AnsweredAsync(village),
        };
        // What is addressed by something other than an id that lies in a region: the county's pilot and policy year are
        // public law there; and so is how its agency's files look (ProfileTests: no other county sees it).
        string[] elsewhere =
        [
            "/api/agency-profiles/{id}",
            "/api/agency-profiles/{id}/template.xlsx",
            "/api/policy-years/{region}/{year:int}",
            // PolicyChangeTests: nobody of another city or office
            "/api/policy-years/{region}/{year:int}/proposal/confirmation",
            "/api/policy-years/{region}/{year:int}/proposal/rejection",
            "/api/templates/{name}.xlsx",
            "/log/tile/{level:int}/{**path}",
            "/log/tile/entries/{**path}",
            "/api/sessions/{sessionId:guid}/end",
            // LogFindingTests: nobody who does not see the whole log
            "/api/audit/log/findings/{id}/answer",
            "/api/audit/log/findings/{id}/closure",
            "/api/audit/log/findings/{id}/reopening",
        ];
        var (cells, wrong) = (0, new List<string>());
        foreach (
            var route in Routes.Where(r =>
                r.RoutePattern.Parameters.Count > 0 && !elsewhere.Contains(r.RoutePattern.RawText)
            )
        )
        {
            var roles = route.Metadata.GetMetadata<RolesMetadata>()!.Roles;
            var method = new HttpMethod(route.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0]);
            string Path(bool there)
            {
                var segments = route.RoutePattern.RawText!.Split('/');
                var first = true;
                for (var i = 1; i < segments.Length; i++)
                {
                    if (!segments[i].StartsWith('{'))
                        continue;
                    var value = own[segments[i - 1]];
                    // The first id is the one that lies in a region; the other stays, so that only it makes the
                    // difference.
                    segments[i] =
                        there || !first ? value
                        : segments[i].Contains(":long", StringComparison.Ordinal) ? $"{long.MaxValue}"
                        : value[..^1] + (value[^1] == '0' ? '1' : '0');
                    first = false;
                }
                return string.Join('/', segments) is var path && method == HttpMethod.Get
                    ? path.EndsWith("/changes", StringComparison.Ordinal)
                        ? $"{path}?from=2026-01-01T00:00:00Z"
                        : path.StartsWith("/api/members/", StringComparison.Ordinal)
                        && path.EndsWith("/estimate", StringComparison.Ordinal)
                            ? $"{path}?year={village.Year}"
                            : path
                    : path;
            }
            HttpContent? Body() =>
                method == HttpMethod.Get ? null
                : route.Metadata.GetMetadata<IAcceptsMetadata>()?.ContentTypes.Contains("multipart/form-data") == true
                || route.Metadata.GetMetadata<SheetMetadata>() is not null
                    ? SampleClient.Form(SampleSheets.Roster(people), "x.xlsx")
                : new StringContent(
                    route.Metadata.GetMetadata<ExampleMetadata>()?.Json ?? "{}",
                    System.Text.Encoding.UTF8,
                    "application/json"
                );
            async Task<(HttpStatusCode Status, string Answer)> Ask(Actor actor, string path)
            {
                using var response = await api.Client(actor).SendAsync(method, path, Body());
                var text = await response.Content.ReadAsStringAsync();
                return (
                    response.StatusCode,
                    response.IsSuccessStatusCode ? ""
                    : Refused.Of(text) is var p ? $"{p.Code} {p.Detail}"
                    : ""
                );
            }
            foreach (var role in roles)
            {
                if (method == HttpMethod.Get)
                {
                    cells++;
                    var (status, answer) = await Ask(
                        new Actor(
                            $"own.{role}",
                            role,
                            role is Roles.VillageFinance or Roles.SupervisionCommittee ? village.VillageCode
                                : role == Roles.Township ? village.VillageCode[..9]
                                : Region(role, offices.County)
                        ),
                        Path(there: true)
                    );
                    if (
                        status != HttpStatusCode.OK
                        && !answer.Contains("policy", StringComparison.Ordinal)
                        && !route.RoutePattern.RawText!.Contains("/trace/", StringComparison.Ordinal)
                        // For whoever asked alone (JobReadingTests).
                        && !route.RoutePattern.RawText!.EndsWith("/jobs/{id}/result", StringComparison.Ordinal)
                    )
                        wrong.Add($"own {role} {method} {Path(true)}: {(int)status} {answer}");
                }
                foreach (var region in (string[])[$"{offices.County}999", "9911", "9911999"])
                {
                    var foreign = new Actor(
                        $"foreign.{role}",
                        role,
                        role switch
                        {
                            Roles.VillageFinance or Roles.SupervisionCommittee => (region + "000000000")[..12],
                            Roles.Township => (region + "000000000")[..9],
                            Roles.CityHrss => "9911",
                            _ => "991100",
                        }
                    );
                    cells++;
                    var (there, nothing) = (
                        await Ask(foreign, Path(there: true)),
                        await Ask(foreign, Path(there: false))
                    );
                    var at = route.RoutePattern.RawText!.Split('/').TakeWhile(s => !s.StartsWith('{')).Count();
                    string Plain(string answer) =>
                        answer
                            .Replace(Path(there: false).Split('/', '?')[at], "…", StringComparison.Ordinal)
                            .Replace(Path(there: true).Split('/', '?')[at], "…", StringComparison.Ordinal);
                    // Donors are known in their whole county (C8).
                    if (
                        route.RoutePattern.RawText!.StartsWith("/api/donors/", StringComparison.Ordinal)
                        && foreign.Region.StartsWith(offices.County, StringComparison.Ordinal)
                    )
                        continue;
                    if (
                        (int)there.Status is >= 200 and < 300 or 403 or >= 500
                        || there.Status != nothing.Status
                        || Plain(there.Answer) != Plain(nothing.Answer)
                    )
                        wrong.Add(
                            $"foreign {role} {foreign.Region} {method} {Path(true)}: {(int)there.Status} "
                                + $"{there.Answer}, where nothing is: {(int)nothing.Status} {nothing.Answer}"
                        );
                }
            }
        }
        Assert.True(wrong.Count == 0, $"{wrong.Count} of {cells} cells\n{string.Join('\n', wrong.Take(40))}");
        Assert.True(cells > 500, $"{cells} cells");

        // Lists hold nothing of others.
        foreach (
            var route in Routes.Where(r =>
                r.RoutePattern.Parameters.Count == 0
                && r.Metadata.GetMetadata<IHttpMethodMetadata>()!.HttpMethods[0] == "GET"
                && !r.RoutePattern.RawText!.StartsWith("/log", StringComparison.Ordinal)
            )
        )
        foreach (var role in route.Metadata.GetMetadata<RolesMetadata>()!.Roles)
        {
            using var response = await api.Client(new Actor($"foreign.{role}", role, Region(role, "991100")))
                .SendAsync(HttpMethod.Get, $"{route.RoutePattern.RawText}?region={offices.County}", null);
            var text = await response.Content.ReadAsStringAsync();
            Assert.DoesNotContain(
                offices.County,
                text.Replace($"region={offices.County}", "", StringComparison.Ordinal)
            );
        }
    }

    [Fact]
    public async Task Contributions_of_people_outside_the_county_are_refused()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        var foreign = api.NewOffices();
        await foreign.PublishPolicyAsync(api.Today.Year);
        using var sheet = SampleClient.Form(
            SampleSheets.Contributions([(people[0], 300, false)], api.Today, "F"),
            "缴费.xlsx"
        );
        var problem = await api.Host.RefusedAsync(
            "roster-invalid",
            foreign.Tax,
            $"/api/contributions/import?year={village.Year}",
            sheet
        );
        Assert.Equal("not-a-member", problem.Faults[0].Code);
    }

    private static async Task<string> MemberAsync(SampleVillage village) =>
        (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}")).Members[0].Id;

    private static string Region(string role, string county) =>
        role switch
        {
            Roles.CityHrss => county[..4],
            Roles.Township => county + "001",
            Roles.VillageFinance or Roles.SupervisionCommittee => county + "001001",
            _ => county,
        };
}
