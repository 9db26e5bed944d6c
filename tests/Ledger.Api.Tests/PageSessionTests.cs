using System.Net;
using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>
/// The browser's session: a cookie that no script reads, that only our own pages can use to change something, that ends
/// at once.
/// </summary>
[Collection("api")]
public sealed class PageSessionTests(ApiFixture api)
{
    private const string Password = "correct horse 4";
    private static int _people;

    private SampleClient Administrator(string county) =>
        api.Client(new Actor($"administrator.{county}", Roles.Administrator, county));

    private async Task<string> AccountAsync(string county, string role, string region)
    {
        var name = $"page{Interlocked.Increment(ref _people)}.{county}";
        var once = (
            await Administrator(county)
                .PostAsync<IssuedAccountView>("/api/accounts", ApiFixture.AccountBody(name, role, region))
        ).OneTimePassword;
        using var changed = await api.Http.PostAsync(
            "/api/session/password",
            SampleClient.Json(
                new
                {
                    name,
                    password = once,
                    newPassword = Password,
                }
            )
        );
        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        return name;
    }

    /// <summary>Signs in as a browser does; the cookie as the browser would send it.</summary>
    private async Task<(string Cookie, string Attributes)> SignInAsync(string name, string? code = null)
    {
        using var response = await api.Http.PostAsync(
            "/api/session/page",
            SampleClient.Json(
                new
                {
                    name,
                    password = Password,
                    code,
                }
            )
        );
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        var set = response.Headers.GetValues("Set-Cookie").Single();
        Assert.DoesNotContain(
            set[(set.IndexOf('=', StringComparison.Ordinal) + 1)..set.IndexOf(';', StringComparison.Ordinal)],
            await response.Content.ReadAsStringAsync(),
            StringComparison.Ordinal
        );
        return (set[..set.IndexOf(';', StringComparison.Ordinal)], set);
    }

    private async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        string cookie,
        object? body = null,
        params (string Name, string Value)[] headers
    )
    {
        var request = new HttpRequestMessage(method, path) { Content = body is null ? null : SampleClient.Json(body) };
        request.Headers.Add("Cookie", cookie);
        foreach (var (name, value) in headers)
            request.Headers.TryAddWithoutValidation(name, value);
        return await api.Http.SendAsync(request);
    }

    [Fact]
    public async Task What_changes_something_counts_only_when_one_of_our_own_pages_sent_it()
    {
        var village = await api.RegisteredAsync();
        var (cookie, attributes) = await SignInAsync(
            await AccountAsync(village.Offices.County, Roles.VillageFinance, village.VillageCode)
        );
        Assert.Contains("httponly", attributes, StringComparison.OrdinalIgnoreCase);
        Assert.Contains("samesite=lax", attributes, StringComparison.OrdinalIgnoreCase);
        var digest = await village.Officer.EvidenceAsync("slip for a cookie");
        var body = new
        {
            amount = 5.00,
            source = "collective-income",
            sourceName = "x",
            evidence = new[] { digest },
            confirmDuplicate = "同一回单的另一笔",
        };
        async Task<HttpStatusCode> Allocate(params (string, string)[] headers)
        {
            using var response = await SendAsync(
                HttpMethod.Post,
                $"/api/funds/{village.FundId}/allocations",
                cookie,
                body,
                [.. headers, ("Idempotency-Key", $"{Guid.NewGuid()}")]
            );
            return response.StatusCode;
        }
        Assert.Equal(HttpStatusCode.Unauthorized, await Allocate()); // neither header: not a browser's page
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await Allocate(("Sec-Fetch-Site", "cross-site"), ("Origin", "http://evil.example"))
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await Allocate(("Sec-Fetch-Site", "same-site"), ("Origin", "http://localhost"))
        );
        Assert.Equal(HttpStatusCode.Unauthorized, await Allocate(("Origin", "http://evil.example")));
        Assert.Equal(HttpStatusCode.Unauthorized, await Allocate(("Origin", "null")));
        Assert.Equal(
            "0.00",
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.ToString()
        );
        Assert.Equal(HttpStatusCode.Created, await Allocate(("Sec-Fetch-Site", "same-origin")));
        Assert.Equal(HttpStatusCode.Created, await Allocate(("Origin", "http://localhost")));
        Assert.Equal(
            "10.00",
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AllocatedAmount.ToString()
        );
    }

    [Fact]
    public async Task A_session_ends_on_signing_out_everywhere_on_closing_the_account_and_when_nobody_uses_it()
    {
        var village = await api.RegisteredAsync();
        var county = village.Offices.County;
        var name = await AccountAsync(county, Roles.VillageFinance, village.VillageCode);
        (string, string)[] ours = [("Sec-Fetch-Site", "same-origin")];
        async Task<HttpStatusCode> Funds(string cookie)
        {
            using var response = await SendAsync(HttpMethod.Get, "/api/funds", cookie);
            return response.StatusCode;
        }
        var (first, second, third) = (
            (await SignInAsync(name)).Cookie,
            (await SignInAsync(name)).Cookie,
            (await SignInAsync(name)).Cookie
        );
        Assert.Equal(HttpStatusCode.OK, await Funds(first));
        using (var left = await SendAsync(HttpMethod.Post, "/api/session/page/end", first, new { }, ours))
            Assert.Equal(HttpStatusCode.NoContent, left.StatusCode);
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await Funds(first), await Funds(second)));

        // A cookie is no refresh token.
        using (
            var refreshed = await api.Http.PostAsync(
                "/api/session/refresh",
                SampleClient.Json(new { refreshToken = second[(second.IndexOf('=', StringComparison.Ordinal) + 1)..] })
            )
        )
            Assert.Equal(HttpStatusCode.Unauthorized, refreshed.StatusCode);
        Assert.Equal(HttpStatusCode.OK, await Funds(second));

        // Not used for longer than the idle time.
        await using (var connection = await api.Database.OpenConnectionAsync())
            await connection.ExecuteAsync(
                """update accounts."Sessions" set "ExpiresAt" = @past where "TokenHash" = @hash""",
                ("past", api.Clock.GetUtcNow().AddMinutes(-1)),
                ("hash", PageSession.Hash(third[(third.IndexOf('=', StringComparison.Ordinal) + 1)..]))
            );
        Assert.Equal((HttpStatusCode.Unauthorized, HttpStatusCode.OK), (await Funds(third), await Funds(second)));

        await Administrator(county).PostAsync($"/api/accounts/account-{name}/closure", new { reason = "调离" });
        Assert.Equal(HttpStatusCode.Unauthorized, await Funds(second));
        Assert.Equal(HttpStatusCode.Unauthorized, await Funds("ledger-session=guess"));
    }

    [Fact]
    public async Task A_page_asks_for_sign_in_refuses_the_wrong_role_and_hides_what_is_foreign_in_words()
    {
        var (village, neighbour) = (await api.RegisteredAsync(), await api.RegisteredAsync());
        var (cookie, _) = await SignInAsync(
            await AccountAsync(village.Offices.County, Roles.VillageFinance, village.VillageCode)
        );
        async Task<(HttpStatusCode Status, string Text, string? Location)> Open(string path, string? with)
        {
            using var response = await SendAsync(HttpMethod.Get, path, with ?? "x=y", null, ("Accept", "text/html"));
            if (response.Content.Headers.ContentType is { } type)
                Assert.Equal("text/html", type.MediaType);
            return (
                response.StatusCode,
                await response.Content.ReadAsStringAsync(),
                response.Headers.Location?.ToString()
            );
        }
        var asked = await Open($"/funds/{village.FundId}?x=1", null);
        Assert.Equal(
            (HttpStatusCode.Redirect, $"/sign-in?back=%2Ffunds%2F{village.FundId}%3Fx%3D1"),
            (asked.Status, asked.Location)
        );
        Assert.Equal(HttpStatusCode.OK, (await Open($"/funds/{village.FundId}", cookie)).Status);

        // Word for word the answer for something that is not there.
        var foreign = await Open($"/funds/{neighbour.FundId}", cookie);
        var absent = await Open("/funds/fund-N000", cookie);
        Assert.Equal((HttpStatusCode.NotFound, HttpStatusCode.NotFound), (foreign.Status, absent.Status));
        Assert.Equal(
            absent.Text.Replace("fund-N000", "?", StringComparison.Ordinal),
            foreign.Text.Replace(neighbour.FundId, "?", StringComparison.Ordinal)
        );

        var wrongRole = await Open("/proof", cookie);
        Assert.Equal(HttpStatusCode.Forbidden, wrongRole.Status);
        Assert.Contains("不能办理此事项", wrongRole.Text);

        // Where to go after signing in is a page of ours, or none.
        foreach (
            var evil in (string[])
                [
                    "//evil.example",
                    "https://evil.example",
                    "/\\evil.example",
                    "javascript:alert(1)",
                    "/\t/evil.example",
                    "/\n/evil.example",
                    "/a\\..//evil.example",
                    "\t//evil.example",
                ]
        )
        {
            // Nowhere on the page, where its forms go included.
            foreach (var name in new[] { "back", "return" })
                Assert.DoesNotContain(
                    "evil",
                    (await Open($"/sign-in?{name}={Uri.EscapeDataString(evil)}", null)).Text,
                    StringComparison.Ordinal
                );
            var language = await Open($"/language?to=en&back={Uri.EscapeDataString(evil)}", cookie);
            Assert.Equal((HttpStatusCode.Redirect, "/"), (language.Status, language.Location));
        }
        // What a header cannot carry as it is comes back to the same place.
        var chinese = await Open($"/language?to=zh-CN&back={Uri.EscapeDataString("/audit?q=任城区 1")}", cookie);
        Assert.Equal(
            (HttpStatusCode.Redirect, "/audit?q=%E4%BB%BB%E5%9F%8E%E5%8C%BA%201"),
            (chinese.Status, chinese.Location)
        );
    }

    [Fact]
    public async Task A_delegate_works_in_the_role_that_was_delegated_until_it_ends()
    {
        var village = await api.RegisteredAsync();
        var county = village.Offices.County;
        var (away, stand) = (
            await AccountAsync(county, Roles.VillageFinance, village.VillageCode),
            await AccountAsync(county, Roles.Township, village.VillageCode[..9])
        );
        var holder = api.Client(new Actor(away, Roles.VillageFinance, village.VillageCode));
        await holder.PostAsync(
            $"/api/accounts/account-{away}/delegations",
            new { to = stand, until = api.Today.AddDays(3) }
        );
        using var response = await api.Http.PostAsync(
            "/api/session/page",
            SampleClient.Json(
                new
                {
                    name = stand,
                    password = Password,
                    delegatedFrom = away,
                }
            )
        );
        Assert.Equal(Roles.VillageFinance, (await response.ReadAsync<PageSessionView>()).Role);
        var cookie = response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        using (var start = await SendAsync(HttpMethod.Get, "/plans/new", cookie))
            Assert.Equal(HttpStatusCode.OK, start.StatusCode);
        await holder.PostAsync($"/api/accounts/account-{away}/delegations/{stand}/end");
        using (var start = await SendAsync(HttpMethod.Get, "/plans/new", cookie))
            Assert.Equal(HttpStatusCode.Unauthorized, start.StatusCode);
    }
}
