using System.Net;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Notices;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Projections.Reports;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>What a villager finds without signing in: the notices, and his own line of one (C16).</summary>
[Collection("api")]
public sealed class OwnLineTests(ApiFixture api)
{
    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> NoticedAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        return (village, people);
    }

    private async Task<(HttpStatusCode Status, JsonElement Answer)> FindAsync(
        string application,
        string? name,
        string? idLastFour
    )
    {
        using var response = await api.Http.PostAsync(
            $"/api/notices/{application}/own-line",
            SampleClient.Json(new { name, idLastFour })
        );
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, JsonDocument.Parse(text).RootElement);
    }

    private static string Address(string application, JsonElement found) =>
        $"/own-lines/{application}/{found.GetProperty("memberId")}/{found.GetProperty("code")}";

    [Fact]
    public async Task C16_a_villager_finds_his_own_line_and_nobody_elses()
    {
        var (village, people) = await NoticedAsync();
        var (own, other) = (people[0], people[1]);
        var application = village.ApplicationId;
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await FindAsync(application, own.Name, own.CitizenId[^4..])).Status // nothing is published yet
        );
        await village.NoticeAsync();

        var (status, found) = await FindAsync(application, $" {own.Name} ", own.CitizenId[^4..].ToLowerInvariant());
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal("approved", found.GetProperty("status").GetString());
        var wide = string.Concat(own.CitizenId[^4..].Select(c => (char)(c + 0xFEE0)));
        Assert.Equal(HttpStatusCode.OK, (await FindAsync(application, $"{own.Name[0]} {own.Name[1..]}", wide)).Status);
        Assert.Equal(100.00m, found.GetProperty("amount").GetDecimal());
        var address = Address(application, found);
        var page = await api.Http.GetStringAsync(address);
        Assert.Contains("已审批", page, StringComparison.Ordinal);
        Assert.All(people, p => Assert.DoesNotContain(p.Name, page, StringComparison.Ordinal));

        // Whoever is not on it hears the same as whoever mistyped, and a code opens one line alone.
        var refusals = new[]
        {
            await FindAsync(application, own.Name, other.CitizenId[^4..]),
            await FindAsync(application, "查无此人", own.CitizenId[^4..]),
        };
        Assert.All(refusals, r => Assert.Equal(HttpStatusCode.NotFound, r.Status));
        Assert.Single(refusals.Select(r => r.Answer.GetProperty("detail").GetString()).Distinct());
        var (_, others) = await FindAsync(application, other.Name, other.CitizenId[^4..]);
        var foreign = Address(application, others)[..^32] + found.GetProperty("code").GetString();
        Assert.Equal(HttpStatusCode.NotFound, (await api.Http.GetAsync(foreign)).StatusCode);
        foreach (var four in new[] { null, "", "12", "12345", "X123", "12a4" })
            Assert.Equal(
                "idLastFour",
                (await FindAsync(application, own.Name, four)).Answer.GetProperty("field").GetString()
            );
        Assert.Equal("name", (await FindAsync(application, null, "1234")).Answer.GetProperty("field").GetString());
    }

    /// <summary>What officials call things by, and what only programs know.</summary>
    private const string OfficialWords =
        "(?<!身份)编号|管辖|字段|参数|令牌|接口|JSON|Idempotency|导入|成员编号|application-";

    [Fact]
    public async Task C16_what_the_notice_refuses_is_said_in_a_villagers_words()
    {
        var (village, people) = await NoticedAsync();
        var hidden = village.ApplicationId;
        async Task<string> RefusedAsync(string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = SampleClient.Json(body) };
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
            using var response = await api.Http.SendAsync(request);
            Assert.InRange((int)response.StatusCode, 400, 499);
            var told = JsonDocument.Parse(await response.Content.ReadAsStringAsync()).RootElement;
            return string.Join(
                '\n',
                new[] { "title", "detail", "mend" }.Select(part => told.GetProperty(part).GetString())
            );
        }
        var said = new List<string>
        {
            await RefusedAsync($"/api/notices/{hidden}/own-line", new { name = "张三", idLastFour = "0021" }),
            await RefusedAsync($"/api/notices/{hidden}/objections", new { text = "有误" }),
            await RefusedAsync($"/api/notices/{hidden}/complaints", new { text = "有误" }),
        };
        await village.NoticeAsync();
        said.Add(await RefusedAsync($"/api/notices/{hidden}/own-line", new { name = "查无此人", idLastFour = "0021" }));
        said.Add(await RefusedAsync($"/api/notices/{hidden}/own-line", new { name = "张三", idLastFour = "21" }));
        said.Add(await RefusedAsync($"/api/notices/{hidden}/objections", new { text = $"是{people[0].CitizenId}" }));
        said.Add(await RefusedAsync($"/api/notices/{hidden}/objections", new { text = "有误", number = 99 }));
        said.Add(await RefusedAsync($"/api/notices/{hidden}/objections", new { text = "" }));
        api.Clock.Advance(TimeSpan.FromDays(8));
        said.Add(await RefusedAsync($"/api/notices/{hidden}/objections", new { text = "有误" }));
        Assert.All(said, text => Assert.DoesNotMatch(OfficialWords, text));
        foreach (
            var page in new[] { "/notices/application-none", $"/own-lines/{hidden}/member-1/{new string('0', 32)}" }
        )
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, page);
            request.Headers.Accept.ParseAdd("text/html");
            using var response = await api.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            var html = await response.Content.ReadAsStringAsync();
            var problem = html[
                html.IndexOf("class=\"problem\"", StringComparison.Ordinal)..html.IndexOf(
                    "class=\"code\"",
                    StringComparison.Ordinal
                )
            ];
            Assert.DoesNotMatch(OfficialWords, problem);
            Assert.Contains("href=\"/notices\"", html, StringComparison.Ordinal);
        }
        // Whatever else these routes may refuse with.
        var codes = api
            .Host.Services.GetRequiredService<Microsoft.AspNetCore.Routing.EndpointDataSource>()
            .Endpoints.OfType<Microsoft.AspNetCore.Routing.RouteEndpoint>()
            .Where(e => e.RoutePattern.RawText?.StartsWith("/api/notices", StringComparison.Ordinal) == true)
            .SelectMany(e => e.Metadata.GetOrderedMetadata<RefusalMetadata>().SelectMany(r => r.Codes))
            .Concat([Rejections.BodyInvalid, Rejections.TooManyRequests, Rejections.Busy])
            .Distinct()
            .ToList();
        Assert.True(codes.Count > 6, $"{codes.Count} codes");
        Assert.All(codes, code => Assert.DoesNotMatch(OfficialWords, new Rejection(code, "").ForVillagers().Mend));
    }

    [Fact]
    public async Task A_village_without_a_notice_is_told_so_and_the_way_back()
    {
        var list = await api.Http.GetStringAsync($"/notices?q={Uri.EscapeDataString("没有这个村")}");
        Assert.Contains("没有名称含“没有这个村”的公示", WebUtility.HtmlDecode(list), StringComparison.Ordinal);
        Assert.Contains("看全部公示", list, StringComparison.Ordinal);
    }

    [Fact]
    public async Task C16_a_line_is_found_when_the_list_is_public_no_more_and_says_how_far_it_came()
    {
        var (village, people) = await NoticedAsync();
        await village.NoticeAsync();
        var open = await NoticeAsync(village, n => n.GetProperty("isPublic").GetBoolean());
        Assert.True(open.GetProperty("isOpen").GetBoolean());
        Assert.Equal(3, open.GetProperty("lineCount").GetInt32());
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(300);
        await village.ImportReceiptsAsync(people.Select(p => (p, new Money(10_000))), api.Today);
        await village.SettleAsync();

        var past = await NoticeAsync(village, n => !n.GetProperty("isPublic").GetBoolean());
        Assert.False(past.GetProperty("isOpen").GetBoolean());
        var list = await api.Http.GetStringAsync("/notices?state=past");
        Assert.DoesNotContain($"href=\"/notices/{village.ApplicationId}\"", list, StringComparison.Ordinal);
        Assert.Contains($"/notices/{village.ApplicationId}/own", list, StringComparison.Ordinal);
        // Whoever has a number finds his way, from the list and from where the printed address leads him.
        Assert.Contains($"/objections/{village.ApplicationId}", list, StringComparison.Ordinal);
        var led = await api.Http.GetStringAsync($"/notices/{village.ApplicationId}/own");
        Assert.All(
            new[] { "名单不再公开", $"/objections/{village.ApplicationId}", $"/complaints/{village.ApplicationId}" },
            way => Assert.Contains(way, led, StringComparison.Ordinal)
        );
        var (_, found) = await FindAsync(village.ApplicationId, people[2].Name, people[2].CitizenId[^4..]);
        Assert.Equal("credited", found.GetProperty("status").GetString());
        var page = await api.Http.GetStringAsync(Address(village.ApplicationId, found));
        Assert.All(
            new[] { "已审批", "已付款", "已入账" },
            step => Assert.Contains(step, page, StringComparison.Ordinal)
        );
    }

    /// <summary>Whoever does not know what his village's collective is called goes there by place.</summary>
    [Fact]
    public async Task Notices_are_found_from_county_to_township_to_village()
    {
        var (village, _) = await NoticedAsync();
        await village.NoticeAsync();
        await NoticeAsync(village, n => n.GetProperty("isPublic").GetBoolean());
        string[] way = ["", .. RegionCode.Lengths.Skip(1).Select(length => $"?region={village.VillageCode[..length]}")];
        foreach (var (at, next) in way.Zip(way.Skip(1)))
            Assert.Contains(
                $"href=\"/notices{next}\"",
                await api.Http.GetStringAsync($"/notices{at}"),
                StringComparison.Ordinal
            );
        var own = await api.Http.GetStringAsync($"/notices{way[^1]}");
        Assert.Contains($"href=\"/notices/{village.ApplicationId}\"", own, StringComparison.Ordinal);
        var elsewhere = await api.Http.ReadAsync<List<NoticeListView>>("/api/notices?region=9999");
        Assert.Empty(elsewhere);
        using var wrong = await api.Http.GetAsync("/api/notices?region=99");
        Assert.Equal("region", Refused.Of("field-invalid", await wrong.Content.ReadAsStringAsync()).Field);
    }

    /// <summary>As the list has it, once the read models have come so far.</summary>
    private async Task<JsonElement> NoticeAsync(SampleVillage village, Func<JsonElement, bool> hasCome)
    {
        JsonElement found = default;
        await ApiFixture.EventuallyAsync(
            async () =>
                JsonDocument
                    .Parse(await api.Http.GetStringAsync("/api/notices"))
                    .RootElement.EnumerateArray()
                    .FirstOrDefault(n => n.GetProperty("applicationId").GetString() == village.ApplicationId)
                    is { ValueKind: JsonValueKind.Object } listed
                && hasCome(found = listed),
            "the notice is listed"
        );
        return found;
    }

    /// <summary>Four digits are guessed in thousands of tries.</summary>
    [Fact]
    public void Lines_are_asked_for_a_few_times_and_not_by_thousands()
    {
        using var guard = new OwnLineGuard(
            api.Host.Services.GetRequiredService<Settings>() with
            {
                RequestsPerAddress = 20,
            }
        );
        int Taken(string list, Func<int, string> source) =>
            Enumerable
                .Range(0, 200)
                .TakeWhile(i =>
                {
                    try
                    {
                        guard.Take(list, source(i));
                        return true;
                    }
                    catch (RefusedException e)
                    {
                        Assert.Equal(Rejections.TooManyRequests, e.Rejection.Code);
                        Assert.Equal(60, e.Rejection.RetryAfterSeconds);
                        return false;
                    }
                })
                .Count();
        Assert.InRange(Taken("a", _ => "192.0.2.7"), 10, 12);
        Assert.InRange(Taken("b", i => $"198.51.100.{i}"), 60, 62);
    }
}
