using System.Reflection;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>What stands in a query is read as what stands in a body or a file, or refused with its name.</summary>
[Collection("api")]
public sealed class QueryTests(ApiFixture api)
{
    private static string Of(string text) => Uri.EscapeDataString(text);

    /// <summary>
    /// M7 of the attack of 2026-11-28: a filter that was misspelt showed everything, a misspelt "preview" did it.
    /// </summary>
    [Fact]
    public async Task What_a_route_does_not_know_is_refused_by_every_route()
    {
        var village = await api.RegisteredAsync();
        var passed = new List<string>();
        var asked = 0;
        foreach (
            var route in api
                .Host.Services.GetRequiredService<EndpointDataSource>()
                .Endpoints.OfType<RouteEndpoint>()
                .Where(r =>
                    r.RoutePattern.RawText!.StartsWith("/api/", StringComparison.Ordinal)
                    && r.Metadata.GetMetadata<HttpMethodMetadata>()?.HttpMethods is ["GET"]
                )
        )
        {
            var path = System.Text.RegularExpressions.Regex.Replace(route.RoutePattern.RawText!, @"\{[^}]+\}", "2026");
            var role = route.Metadata.GetMetadata<RolesMetadata>()?.Roles.FirstOrDefault();
            var length = role switch
            {
                Roles.CityHrss or Roles.Auditor => 4,
                Roles.VillageFinance or Roles.SupervisionCommittee => 12,
                Roles.Township => 9,
                _ => 6,
            };
            var by = api.Client(new Actor("query", role ?? Roles.Auditor, village.VillageCode[..length]));
            using var answer = await by.SendAsync(HttpMethod.Get, $"{path}?nonsense=1", null);
            // Where something has to be asked for, that it is not comes first.
            if (
                answer.StatusCode != System.Net.HttpStatusCode.BadRequest
                && !(await answer.Content.ReadAsStringAsync()).Contains("nonsense\"", StringComparison.Ordinal)
            )
                passed.Add($"{path}: {(int)answer.StatusCode}");
            asked++;
        }
        Assert.True(asked >= 50, $"{asked}");
        Assert.Empty(passed);
        var refused = await api.Host.RefusedAsync(
            "field-invalid",
            api.NewOffices().Auditor,
            HttpMethod.Get,
            "/api/audit/events?actr=x"
        );
        Assert.Equal("actr", refused.Field);
        Assert.Contains("actor", refused.Detail);
        // What a path says is no query: "?id=" would be passed by.
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            HttpMethod.Get,
            $"/api/funds/{village.FundId}?id={village.FundId}"
        );
        await village.AllocateAsync(10);
        foreach (var preview in (string[])["preveiw=true", "preview=true&x=1"])
            await ApiFixture.RefusedAsync(
                "field-invalid",
                village.Officer,
                $"/api/funds/{village.FundId}/years/{village.Year - 1}/close?{preview}",
                new { }
            );
    }

    [Fact]
    public async Task An_amount_in_a_query_is_read_as_one_in_a_file()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1_000);
        var trail = $"/api/audit/events?id={village.FundId}&type=funds_allocated";
        foreach (
            var (text, found) in new[]
            {
                ("1,000.00", 1),
                ("1,000.01", 0),
                ("１０００．００", 1),
                ("￥1000", 1),
                ("1000元", 1),
                (" 1000 ", 1),
                ("0", 1),
                ("-5", 1),
                ("", 1),
            }
        )
        {
            var answer = await village.Offices.Auditor.GetAsync<AuditPage>($"{trail}&minAmount={Of(text)}");
            Assert.True(found == answer.Entries.Count, text);
        }
        foreach (
            var (text, why) in new[]
            {
                ("300,50", "逗号"),
                ("1,0,0", "逗号"),
                ("1,000,00", "逗号"),
                ("1.005", "两位小数"),
                ("壹仟元整", "大写"),
                ("1.2万", "换算成元"),
                ("$300", "人民币"),
                ("1e3", "不是金额"),
                ("0x10", "不是金额"),
                ("NaN", "不是金额"),
                ("99999999999999999999999999999999", "上限"),
            }
        )
        foreach (var field in (string[])["minAmount", "maxAmount"])
        {
            var refused = await api.Host.RefusedAsync(
                "amount-invalid",
                village.Offices.Auditor,
                HttpMethod.Get,
                $"{trail}&{field}={Of(text)}"
            );
            Assert.Equal(field, refused.Field);
            Assert.Contains(why, refused.Detail, StringComparison.Ordinal);
        }
    }

    [Fact]
    public async Task An_estimate_takes_amounts_as_people_write_them_and_none_below_nought()
    {
        var (village, _) = await api.ReadyToFileAsync(1, subsidy: 100);
        var members = await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}");
        var path = $"/api/members/{members.Members[0].Id}/estimate?year={village.Year}";
        async Task<string> OpeningAsync(string text) =>
            (
                await village.Officer.GetAsync<EstimateView>($"{path}&balanceAmount={Of(text)}")
            ).OpeningBalanceAmount.ToString();
        Assert.Equal("1000.00", await OpeningAsync("1,000.00"));
        Assert.Equal("0.00", await OpeningAsync(""));
        foreach (var field in (string[])["balanceAmount", "tierAmount", "subsidyAmount"])
        foreach (var text in (string[])["300,50", "-1", "1.005"])
        {
            var refused = await api.Host.RefusedAsync(
                "amount-invalid",
                village.Officer,
                HttpMethod.Get,
                $"{path}&{field}={Of(text)}"
            );
            Assert.Equal(field, refused.Field);
        }
    }

    [Fact]
    public async Task A_day_a_moment_and_a_number_in_a_query_say_which_they_are_or_what_they_should_be()
    {
        var village = await api.RegisteredAsync();
        var fund = $"/api/funds/{village.FundId}";
        foreach (var day in (string[])["2026-03-05", "2026/3/5", "2026.3.5", ""])
            await village.Officer.GetAsync($"{fund}/statement?from={Of(day)}");
        foreach (
            var moment in (string[])["2027-03-05T10:00:00Z", "2027-03-05T10:00:00+08:00", "2027-03-05 10:00 +08:00"]
        )
            await village.Officer.GetAsync($"{fund}/trial-balance?recordedAt={Of(moment)}");
        foreach (
            var (path, field, words) in new[]
            {
                ($"{fund}/statement?from=3/5/2026", "from", "应为日期"),
                ($"{fund}/statement?from=5/3", "from", "应为日期"),
                ($"{fund}/statement?to=26-3-5", "to", "应为日期"),
                ($"{fund}/statement?to={Of("2026年3月5日")}", "to", "应为日期"),
                ($"{fund}/trial-balance?recordedAt=2027-03-05T10:00:00", "recordedAt", "时区"),
                ($"{fund}/trial-balance?recordedAt=2027-03-05", "recordedAt", "时区"),
                ($"{fund}/trial-balance?recordedAt=3/5/2027%2010:00Z", "recordedAt", "时区"),
                ($"/api/audit/events?from=2027-03-05", "from", "时区"),
                ("/api/audit/events?limit=1,000", "limit", "应为整数"),
                ("/api/members", "collectiveId", "缺少参数"),
                ("/api/members?collectiveId=", "collectiveId", "缺少参数"),
                ("/api/audit/events?newestFirst=ja", "newestFirst", "true"),
            }
        )
        {
            using var response = await village.Officer.SendAsync(HttpMethod.Get, path, null);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True((int)response.StatusCode is 400 or 422, $"{path}: {text}");
            var problem = Refused.Of(text);
            Assert.Equal(field, problem.Field);
            Assert.Contains(words, problem.Detail, StringComparison.Ordinal);
        }
    }

    /// <summary>A parameter that is missing, or of another kind, is said in Chinese on every route.</summary>
    [Fact]
    public async Task No_route_speaks_the_frameworks_English_about_a_query()
    {
        var auditor = api.NewOffices().Auditor;
        var asked = 0;
        foreach (
            var route in api
                .Host.Services.GetServices<EndpointDataSource>()
                .SelectMany(s => s.Endpoints)
                .OfType<RouteEndpoint>()
                .Where(e => e.Metadata.GetMetadata<IHttpMethodMetadata>()?.HttpMethods.Contains("GET") == true)
        )
        {
            var path = $"/{route.RoutePattern.RawText!.TrimStart('/')}";
            foreach (var part in route.RoutePattern.Parameters)
                path = System.Text.RegularExpressions.Regex.Replace(path, $@"\{{\**{part.Name}[^}}]*\}}", "1");
            foreach (var query in (string[])["", "?from=x&to=x&limit=x&size=x&year=x&at=x&newestFirst=x&after=x"])
            {
                using var response = await auditor.SendAsync(HttpMethod.Get, path + query, null);
                if ((int)response.StatusCode is not (400 or 422))
                    continue;
                asked++;
                var text = await response.Content.ReadAsStringAsync();
                Assert.DoesNotContain("parameter", text, StringComparison.OrdinalIgnoreCase);
                if (response.Content.Headers.ContentType?.MediaType == "application/problem+json")
                    Assert.Matches(
                        @"\p{IsCJKUnifiedIdeographs}",
                        JsonSerializer.Deserialize<JsonElement>(text).GetProperty("detail").GetString()!
                    );
            }
        }
        Assert.InRange(asked, 10, int.MaxValue);
    }

    /// <summary>The framework's own numbers read 300,50 as thirty thousand, or round.</summary>
    [Fact]
    public void No_route_takes_an_amount_as_a_number_of_the_framework()
    {
        var parameters = api
            .Host.Services.GetServices<EndpointDataSource>()
            .SelectMany(s => s.Endpoints)
            .SelectMany(e =>
                (e.Metadata.GetMetadata<MethodInfo>()?.GetParameters() ?? []).SelectMany(p =>
                    p.IsDefined(typeof(AsParametersAttribute))
                        ? p.ParameterType.GetProperties().Select(x => x.PropertyType)
                        : [p.ParameterType]
                )
            )
            .Select(t => Nullable.GetUnderlyingType(t) ?? t)
            .ToList();
        Assert.Contains(typeof(Domain.Money), parameters);
        Assert.DoesNotContain(parameters, t => t == typeof(decimal) || t == typeof(double) || t == typeof(float));
    }
}
