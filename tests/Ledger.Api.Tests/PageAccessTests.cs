using System.Net;
using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Screening;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Ledger.Domain.Screening;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>
/// Every page × every role × own and foreign region, and every page with whatever somebody may put into its address.
/// </summary>
[Collection("api")]
public sealed class PageAccessTests(ApiFixture api)
{
    private static string Region(string role, string village) =>
        role switch
        {
            Roles.CityHrss => village[..4],
            Roles.Township => village[..9],
            Roles.VillageFinance or Roles.SupervisionCommittee => village,
            _ => village[..6],
        };

    private IReadOnlyList<(string Route, IReadOnlyList<string> Roles)> Pages =>
        [
            .. api
                .Host.Services.GetRequiredService<EndpointDataSource>()
                .Endpoints.OfType<RouteEndpoint>()
                .Where(e => e.Metadata.GetMetadata<PageMetadata>() is not null)
                .Select(e => (e.RoutePattern.RawText!, e.Metadata.GetMetadata<RolesMetadata>()!.Roles)),
        ];

    private async Task<(HttpStatusCode Status, string Text)> OpenAsync(string path, Actor? actor)
    {
        if (actor is null)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.Accept.ParseAdd("text/html");
            using var answer = await api.Http.SendAsync(request);
            return (answer.StatusCode, answer.Headers.Location?.ToString() ?? await answer.Content.ReadAsStringAsync());
        }
        using var response = await api.Client(actor)
            .SendAsync(HttpMethod.Get, path, null, more: r => r.Headers.Accept.ParseAdd("text/html"));
        return (response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    /// <summary>A village under notice, whose things fill the pages' addresses.</summary>
    private async Task<(SampleVillage Village, Func<string, string> Path)> FilledAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var offices = village.Offices;
        var donor = (
            await offices.Agriculture.PostAsync<DonorView>(
                "/api/donors",
                new
                {
                    kind = "charity",
                    name = "县慈善总会",
                    creditCode = SamplePeople.CreditCode(offices.County, 701),
                }
            )
        ).Id;
        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;
        var line = (await village.Officer.GetAsync<FundStatement>($"/api/funds/{village.FundId}/statement")).Lines[0];
        var sample = (
            await DrawnSamples.DrawnAsync(
                offices.Auditor,
                SamplingTests.Body(village, api.Today.Year),
                SamplingTests.Words
            )
        ).Id;
        var subscription = await WebhookTests.OpenedAsync(offices);
        var finding = await ScreeningTests.AnsweredAsync(village);
        var job = await JobTests.FailedAsync(village);
        string Fill(string route) =>
            route
                .Replace("/screening/{id}", $"/screening/{finding}", StringComparison.Ordinal)
                .Replace("/jobs/{id}", $"/jobs/{job}", StringComparison.Ordinal)
                .Replace("/samples/{id}", $"/samples/{sample}", StringComparison.Ordinal)
                .Replace("/subscriptions/{id}", $"/subscriptions/{subscription}", StringComparison.Ordinal)
                .Replace("{number:int}", "1", StringComparison.Ordinal)
                .Replace("/funds/{id}", $"/funds/{village.FundId}", StringComparison.Ordinal)
                .Replace("/plans/{id}", $"/plans/{village.PlanId}", StringComparison.Ordinal)
                .Replace("/collectives/{id}", $"/collectives/{village.CollectiveId}", StringComparison.Ordinal)
                .Replace("/applications/{id}", $"/applications/{village.ApplicationId}", StringComparison.Ordinal)
                .Replace("/notices/{id}", $"/notices/{village.ApplicationId}", StringComparison.Ordinal)
                .Replace("/own-lines/{id}", $"/own-lines/{village.ApplicationId}", StringComparison.Ordinal)
                .Replace("/objections/{id}", $"/objections/{village.ApplicationId}", StringComparison.Ordinal)
                .Replace("/complaints/{id}", $"/complaints/{village.ApplicationId}", StringComparison.Ordinal)
                .Replace("/members/{id}", $"/members/{member}", StringComparison.Ordinal)
                .Replace("{memberId}", member, StringComparison.Ordinal)
                .Replace("{form}", "application", StringComparison.Ordinal)
                .Replace("{allocationId}", line.Reference, StringComparison.Ordinal)
                .Replace("{sequence:long}", $"{line.Sequence}", StringComparison.Ordinal)
                .Replace("{year:int}", $"{village.Year}", StringComparison.Ordinal)
                .Replace("/donors/{id}", $"/donors/{donor}", StringComparison.Ordinal)
            + (
                route == "/applications/new" ? $"?plan={village.PlanId}"
                : route == "/members/{id}/estimate" ? $"?year={village.Year}"
                : ""
            );
        return (village, Fill);
    }

    [Fact]
    public async Task Every_page_opens_for_its_roles_in_their_region_and_for_nobody_else()
    {
        var (village, path) = await FilledAsync();
        var foreign = $"{api.NewOffices().County}000001";
        var faults = new List<string>();
        var cells = 0;
        foreach (var (route, roles) in Pages)
        {
            var (isOpen, here) = (roles.Count == 0, path(route));
            var nobody = await OpenAsync(here, null);
            var expected = isOpen
                ? route.StartsWith("/gifts", StringComparison.Ordinal)
                || route.StartsWith("/own-lines", StringComparison.Ordinal)
                || route.StartsWith("/proofs", StringComparison.Ordinal)
                || route.StartsWith("/calendar/", StringComparison.Ordinal)
                    ? HttpStatusCode.NotFound
                    : HttpStatusCode.OK
                : HttpStatusCode.Redirect;
            if (
                nobody.Status != expected
                || !isOpen && !nobody.Text.StartsWith("/sign-in?back=", StringComparison.Ordinal)
            )
                faults.Add($"{route} without a session: {nobody.Status}");
            if (isOpen)
                continue;
            foreach (var role in Roles.Everybody)
            {
                cells++;
                var own = await OpenAsync(here, new Actor($"someone.{role}", role, Region(role, village.VillageCode)));
                if (!roles.Contains(role))
                {
                    if (own.Status != HttpStatusCode.Forbidden)
                        faults.Add($"{route} as {role}: {own.Status}");
                    continue;
                }
                if (own.Status is not (HttpStatusCode.OK or HttpStatusCode.Redirect))
                    faults.Add(
                        $"{route} as {role} in the own region: {own.Status} "
                            + $"{own.Text[..Math.Min(300, own.Text.Length)]}"
                    );
                var other = await OpenAsync(here, new Actor($"stranger.{role}", role, Region(role, foreign)));
                var isOfSomething = route.Contains('{', StringComparison.Ordinal) || route == "/applications/new";
                if (
                    isOfSomething
                        ? other.Status != HttpStatusCode.NotFound
                        : other.Status is not (HttpStatusCode.OK or HttpStatusCode.Redirect)
                )
                    faults.Add($"{route} as {role} in a foreign region: {other.Status}");
                if (
                    !isOfSomething
                    && (
                        other.Text.Contains(village.CollectiveId, StringComparison.Ordinal)
                        || other.Text.Contains(village.FundId, StringComparison.Ordinal)
                    )
                )
                    faults.Add($"{route} shows {role} of a foreign region the village");
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.True(cells > 300, $"{cells} cells");
    }

    [Fact]
    public async Task No_address_makes_a_page_fail_or_say_what_is_inside()
    {
        var (village, path) = await FilledAsync();
        string[] values =
        [
            "",
            "x",
            "-1",
            "0",
            "99999",
            "2147483648",
            "9223372036854775808",
            "1e300",
            "0.005",
            "0001-01-01",
            "9999-12-31",
            "2026-13-40",
            "'; drop table x; --",
            "<script>alert(1)</script>",
            "\u0000",
            "é\ud83d\ude00",
            "%",
            "_",
            "null",
            "true",
            new string('9', 3000),
            "application-x",
            "member-x",
            "../../etc/passwd",
            "370811",
            "3708",
            "filed",
            "1899",
            "2009",
            "2100",
        ];
        // What the audit page reads is not declared by its handler.
        string[] trail = ["id", "actor", "type", "code", "region", "minAmount", "maxAmount", "since", "until", "after"];
        var faults = new List<string>();
        var asked = 0;
        async Task Ask(string target, Actor? actor)
        {
            var (status, text) = await OpenAsync(target, actor);
            asked++;
            if ((int)status >= 500)
                faults.Add($"{status} {target}");
            if (
                text.Contains("   at ", StringComparison.Ordinal)
                || text.Contains("<script>alert", StringComparison.Ordinal)
            )
                faults.Add($"says too much: {target}");
        }
        foreach (
            var page in api
                .Host.Services.GetRequiredService<EndpointDataSource>()
                .Endpoints.OfType<RouteEndpoint>()
                .Where(e => e.Metadata.GetMetadata<PageMetadata>() is not null)
        )
        {
            var (route, roles) = (page.RoutePattern.RawText!, page.Metadata.GetMetadata<RolesMetadata>()!.Roles);
            var actor =
                roles.Count == 0
                    ? null
                    : new Actor($"curious.{roles[0]}", roles[0], Region(roles[0], village.VillageCode));
            var names = page
                .Metadata.OfType<Microsoft.AspNetCore.Http.Metadata.IParameterBindingMetadata>()
                .Where(p => p.HasTryParse || p.ParameterInfo.ParameterType == typeof(string))
                .Select(p => p.Name);
            if (route.StartsWith("/audit", StringComparison.Ordinal))
                names = trail;
            foreach (var name in names)
            {
                foreach (var value in values.Select(Uri.EscapeDataString))
                {
                    var part = page.RoutePattern.Parameters.FirstOrDefault(p => p.Name == name);
                    var link = path(route).Contains('?', StringComparison.Ordinal) ? '&' : '?';
                    if (part is null)
                        await Ask($"{path(route)}{link}{name}={value}", actor);
                    else if (value.Length > 0 && value != "%00" && !value.Contains("%2F", StringComparison.Ordinal))
                        await Ask(
                            path(System.Text.RegularExpressions.Regex.Replace(route, $"{{{name}(:[a-z]+)?}}", value)),
                            actor
                        );
                }
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults.Take(40)));
        Assert.True(asked > 2000, $"{asked} requests");
    }
}
