using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>Accounts, passwords, the second factor, sessions.</summary>
[Collection("api")]
public sealed class SignInTests(ApiFixture api)
{
    private static int _people;

    private SampleClient Administrator(string county) =>
        api.Client(new Actor($"administrator.{county}", Roles.Administrator, county));

    private Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(
        string path,
        object body,
        string? token = null
    ) => api.PostAsync(path, body, token);

    private async Task RefusedAsync(string code, string path, object body)
    {
        var (status, answer) = await PostAsync(path, body);
        Assert.Equal(
            code,
            answer.ValueKind == JsonValueKind.Object && answer.TryGetProperty("code", out var got)
                ? got.GetString()
                : $"{status}"
        );
        Assert.Equal(Rejections.All[code].Status, (int)status);
    }

    /// <summary>An account with a password of its own.</summary>
    private async Task<(string Name, string Password)> AccountAsync(string county, string role, string region)
    {
        var name = $"person{Interlocked.Increment(ref _people)}.{county}";
        var issued = await Administrator(county)
            .PostAsync<IssuedAccountView>("/api/accounts", ApiFixture.AccountBody(name, role, region));
        var once = issued.OneTimePassword;
        await RefusedAsync("password-change-needed", "/api/session", new { name, password = once });
        await RefusedAsync(
            "field-invalid",
            "/api/session/password",
            new
            {
                name,
                password = once,
                newPassword = "short1",
            }
        );
        Assert.Equal(
            HttpStatusCode.NoContent,
            (
                await PostAsync(
                    "/api/session/password",
                    new
                    {
                        name,
                        password = once,
                        newPassword = "correct horse 4",
                    }
                )
            ).Status
        );
        return (name, "correct horse 4");
    }

    [Fact]
    public async Task A_NUL_is_refused_before_anything_looks_for_it()
    {
        foreach (
            var (path, body) in new (string, object)[]
            {
                ("/api/session", new { name = "li\0na", password = "correct horse 4" }),
                ("/api/session", new { name = "li.na", password = "correct\0horse 4" }),
                (
                    "/api/session",
                    new
                    {
                        name = "li.na",
                        password = "x",
                        delegatedFrom = "\0",
                    }
                ),
                ("/api/session/refresh", new { refreshToken = "\0" }),
                (
                    "/api/session/password",
                    new
                    {
                        name = "\0",
                        password = "x",
                        newPassword = "y",
                    }
                ),
                ("/api/session/second-factor", new { name = "\0", password = "x" }),
            }
        )
            await RefusedAsync("body-invalid", path, body);
        foreach (var path in (string[])["/api/accounts?region=%00", "/api/members?name=%00", "/sign-in?back=%00"])
        {
            using var response = await api.Http.GetAsync(path);
            Assert.Equal(HttpStatusCode.BadRequest, response.StatusCode);
            Assert.Contains("空字符", await response.Content.ReadAsStringAsync());
        }
    }

    [Fact]
    public async Task An_officer_signs_in_works_refreshes_and_signs_out()
    {
        var village = await api.RegisteredAsync();
        var (name, password) = await AccountAsync(village.Offices.County, Roles.VillageFinance, village.VillageCode);
        var (status, session) = await PostAsync("/api/session", new { name, password });
        Assert.Equal(HttpStatusCode.OK, status);
        var access = session.As<SessionView>().AccessToken;
        async Task<HttpStatusCode> Funds(string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/funds");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var response = await api.Http.SendAsync(request);
            if (response.IsSuccessStatusCode)
                Assert.Contains(village.FundId, await response.Content.ReadAsStringAsync());
            return response.StatusCode;
        }
        Assert.Equal(HttpStatusCode.OK, await Funds(access));

        // Another device, listed; the refresh token is good once, and its second use ends the session.
        var (_, other) = await PostAsync("/api/session", new { name, password });
        var refresh = other.As<SessionView>().RefreshToken;
        var (again, next) = await PostAsync("/api/session/refresh", new { refreshToken = refresh });
        Assert.Equal(HttpStatusCode.OK, again);
        Assert.Equal(HttpStatusCode.OK, await Funds(next.As<SessionView>().AccessToken));
        await RefusedAsync("sign-in-failed", "/api/session/refresh", new { refreshToken = refresh });
        await RefusedAsync(
            "sign-in-failed",
            "/api/session/refresh",
            new { refreshToken = next.As<SessionView>().RefreshToken }
        );
        async Task<int> Sessions()
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, "/api/sessions");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", access);
            using var response = await api.Http.SendAsync(request);
            return (await response.ReadAsync<IReadOnlyList<SessionListView>>()).Count;
        }
        Assert.Equal(1, await Sessions());
        await PostAsync("/api/session", new { name, password });
        Assert.Equal(2, await Sessions());
        Assert.Equal(HttpStatusCode.NoContent, (await PostAsync("/api/sessions/end", new { }, access)).Status);
        Assert.Equal(0, await Sessions());
        await RefusedAsync(
            "sign-in-failed",
            "/api/session/refresh",
            new { refreshToken = session.As<SessionView>().RefreshToken }
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from accounts.\"Sessions\" where \"TokenHash\" = @t or \"PreviousHash\" = @t",
                ("t", refresh)
            )
        ); // only hashes are kept
    }

    [Fact]
    public async Task C20_agency_and_auditors_need_a_second_factor_and_a_recovery_code_works_once()
    {
        var offices = api.NewOffices();
        var (name, password) = await AccountAsync(offices.County, Roles.Agency, offices.County);
        await RefusedAsync("second-factor-needed", "/api/session", new { name, password });
        await RefusedAsync("sign-in-failed", "/api/session/second-factor", new { name, password = "wrong password 1" });
        var (_, enrolment) = await PostAsync("/api/session/second-factor", new { name, password });
        var secret = enrolment.As<SecondFactorView>().Secret!;
        Assert.StartsWith("otpauth://totp/", enrolment.As<SecondFactorView>().Uri);
        await RefusedAsync(
            "second-factor-needed",
            "/api/session/second-factor",
            new
            {
                name,
                password,
                code = "000000",
            }
        );
        var (_, confirmed) = await PostAsync(
            "/api/session/second-factor",
            new
            {
                name,
                password,
                code = SignInCodes.Of(secret),
            }
        );
        var recovery = confirmed.As<SecondFactorView>().RecoveryCodes;
        Assert.Equal(10, recovery.Count);
        await RefusedAsync("second-factor-needed", "/api/session", new { name, password });
        var code = SignInCodes.Of(secret);
        Assert.Equal(
            HttpStatusCode.OK,
            (
                await PostAsync(
                    "/api/session",
                    new
                    {
                        name,
                        password,
                        code,
                    }
                )
            ).Status
        );
        await RefusedAsync(
            "second-factor-needed",
            "/api/session",
            new
            {
                name,
                password,
                code,
            }
        ); // whoever looked over his shoulder is too late
        Assert.Equal(
            HttpStatusCode.OK,
            (
                await PostAsync(
                    "/api/session",
                    new
                    {
                        name,
                        password,
                        code = SignInCodes.Of(secret, 1),
                    }
                )
            ).Status
        );
        await RefusedAsync(
            "second-factor-needed",
            "/api/session",
            new
            {
                name,
                password,
                code,
            }
        );
        Assert.Equal(
            HttpStatusCode.OK,
            (
                await PostAsync(
                    "/api/session",
                    new
                    {
                        name,
                        password,
                        code = recovery[0],
                    }
                )
            ).Status
        );
        await RefusedAsync(
            "second-factor-needed",
            "/api/session",
            new
            {
                name,
                password,
                code = recovery[0],
            }
        );
        // Who knows the password cannot enrol a telephone of his own.
        await RefusedAsync("wrong-state", "/api/session/second-factor", new { name, password });

        // The telephone is lost: a one-time password and a new enrolment, by somebody else, on record.
        var issued = await Administrator(offices.County)
            .PostAsync<IssuedAccountView>($"/api/accounts/account-{name}/credentials", new { reason = "手机遗失" });
        await RefusedAsync(
            "sign-in-failed",
            "/api/session",
            new
            {
                name,
                password,
                code = SignInCodes.Of(secret),
            }
        );
        await RefusedAsync("password-change-needed", "/api/session", new { name, password = issued.OneTimePassword });
    }

    [Fact]
    public async Task C20_a_role_is_delegated_for_a_time_and_the_delegate_acts_under_his_own_name()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        var county = village.Offices.County;
        var (away, _) = await AccountAsync(county, Roles.Agency, county);
        var (stand, password) = await AccountAsync(county, Roles.CountyTax, county);
        var (_, enrolment) = await PostAsync("/api/session/second-factor", new { name = stand, password });
        var secret = enrolment.As<SecondFactorView>().Secret!;
        await PostAsync(
            "/api/session/second-factor",
            new
            {
                name = stand,
                password,
                code = SignInCodes.Of(secret),
            }
        );
        await RefusedAsync(
            "sign-in-failed",
            "/api/session",
            new
            {
                name = stand,
                password,
                code = SignInCodes.Of(secret),
                delegatedFrom = away,
            }
        );
        var holder = api.Client(new Actor(away, Roles.Agency, county));
        await api.Host.RefusedAsync(
            "not-found",
            api.Client(new Actor(stand, Roles.CountyTax, county)),
            $"/api/accounts/account-{away}/delegations",
            new { to = stand, until = api.Today }
        ); // nobody takes a role
        await api.Host.RefusedAsync(
            "self-approval",
            holder,
            $"/api/accounts/account-{away}/delegations",
            new { to = away, until = api.Today }
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            holder,
            $"/api/accounts/account-{away}/delegations",
            new { to = stand, until = api.Today.AddDays(91) }
        );
        await holder.PostAsync(
            $"/api/accounts/account-{away}/delegations",
            new { to = stand, until = api.Today.AddDays(3) }
        );
        var (status, session) = await PostAsync(
            "/api/session",
            new
            {
                name = stand,
                password,
                code = SignInCodes.Of(secret),
                delegatedFrom = away,
            }
        );
        Assert.Equal(
            (HttpStatusCode.OK, Roles.Agency, stand),
            (status, session.As<SessionView>().Role, session.As<SessionView>().Name)
        );
        Assert.Equal(
            HttpStatusCode.OK,
            (
                await PostAsync("/api/session/refresh", new { refreshToken = session.As<SessionView>().RefreshToken })
            ).Status
        );
        using (
            var review = await api.Client(new Actor(stand, Roles.Agency, county) { OnBehalfOf = away })
                .SendAsync(
                    HttpMethod.Post,
                    $"{village.ApplicationPath}/review",
                    SampleClient.Json(new { acceptRest = true })
                )
        )
            Assert.True(review.IsSuccessStatusCode);
        Assert.Equal(
            stand,
            (
                await village.Offices.Auditor.GetAsync<AuditPage>(
                    $"/api/audit/events?id={village.ApplicationId}&type=application_reviewed"
                )
            )
                .Entries[0]
                .Actor
        );
        await holder.PostAsync($"/api/accounts/account-{away}/delegations/{stand}/end", new { });
        await RefusedAsync(
            "sign-in-failed",
            "/api/session",
            new
            {
                name = stand,
                password,
                code = SignInCodes.Of(secret),
                delegatedFrom = away,
            }
        );
        Assert.Equal(
            ["account_opened", "delegation_granted", "delegation_ended"],
            (await village.Offices.Auditor.GetAsync<AuditPage>($"/api/audit/events?id=account-{away}"))
                .Entries.Select(e => e.Type)
                .Where(t => t is not ("command_refused" or "credentials_changed"))
        );
    }

    [Fact]
    public async Task Guessing_locks_the_account_and_says_no_more_than_that()
    {
        var offices = api.NewOffices();
        var (name, password) = await AccountAsync(offices.County, Roles.CountyTax, offices.County);
        var (_, unknown) = await PostAsync("/api/session", new { name = "nobody.at.all", password = "x" });
        for (var i = 0; i < 5; i++)
        {
            var (_, wrong) = await PostAsync("/api/session", new { name, password = $"guess {i}" });
            Assert.Equal(unknown.As<Refused>().Detail, wrong.As<Refused>().Detail);
        }
        await RefusedAsync("locked-out", "/api/session", new { name, password });
        await Administrator(offices.County).PostAsync($"/api/accounts/account-{name}/closure", new { reason = "调离" });
        await RefusedAsync("locked-out", "/api/session", new { name, password }); // closed, or never there: the same
        var trail = await offices.Auditor.GetAsync<AuditPage>($"/api/audit/events?id=account-{name}");
        Assert.Equal(
            ["account_opened", "credentials_changed", "credentials_changed", "account_closed"], // given out, his own
            trail.Entries.Select(e => e.Type)
        );
    }

    [Fact]
    public async Task C20_administrators_give_rights_to_others_in_their_region_never_to_themselves_and_touch_no_money()
    {
        var village = await api.RegisteredAsync();
        var administrator = Administrator(village.Offices.County);
        var key = Guid.NewGuid().ToString();
        var name = $"zhao.{village.Offices.County}";
        using (
            var first = await administrator.SendAsync(
                HttpMethod.Post,
                "/api/accounts",
                SampleClient.Json(ApiFixture.AccountBody(name, "township", $"{village.Offices.County}001")),
                key
            )
        )
            Assert.Contains("oneTimePassword\":\"", await first.Content.ReadAsStringAsync());
        using (
            var again = await administrator.SendAsync(
                HttpMethod.Post,
                "/api/accounts",
                SampleClient.Json(ApiFixture.AccountBody(name, "township", $"{village.Offices.County}001")),
                key
            )
        )
            // A password is kept nowhere.
            Assert.Contains("oneTimePassword\":null", await again.Content.ReadAsStringAsync());
        await api.Host.RefusedAsync(
            "already-exists",
            administrator,
            "/api/accounts",
            ApiFixture.AccountBody(name, "auditor", village.Offices.County)
        );
        await api.Host.RefusedAsync(
            "not-found",
            administrator,
            "/api/accounts",
            ApiFixture.AccountBody("li.si", "auditor", "991100")
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            administrator,
            "/api/accounts",
            ApiFixture.AccountBody("李四", "auditor", village.Offices.County)
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            administrator,
            "/api/accounts",
            ApiFixture.AccountBody("li.si", "village-finance", village.Offices.County)
        );
        await administrator.PostAsync(
            $"/api/accounts/account-{name}/role",
            new { role = "county-tax", region = village.Offices.County }
        );
        await api.Host.RefusedAsync(
            "wrong-state",
            administrator,
            $"/api/accounts/account-{name}/role",
            new { role = "county-tax", region = village.Offices.County }
        );
        await api.Host.RefusedAsync(
            "not-found",
            Administrator("991100"),
            $"/api/accounts/account-{name}/closure",
            new { reason = "x" }
        );
        var himself = $"self.{village.Offices.County}";
        await administrator.PostAsync(
            "/api/accounts",
            ApiFixture.AccountBody(himself, Roles.Administrator, village.Offices.County)
        );
        await api.Host.RefusedAsync(
            "self-approval",
            api.Client(new Actor(himself, Roles.Administrator, village.Offices.County)),
            $"/api/accounts/account-{himself}/role",
            new { role = "agency", region = village.Offices.County }
        );
        await api.Host.RefusedAsync("forbidden", administrator, HttpMethod.Get, "/api/funds");
        await api.Host.RefusedAsync(
            "forbidden",
            administrator,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence = Array.Empty<string>(),
            }
        );
        Assert.Equal(2, (await village.Offices.Auditor.GetAsync<IReadOnlyList<AccountView>>("/api/accounts")).Count);
        Assert.Empty((await Administrator("991100").GetAsync<IReadOnlyList<AccountView>>("/api/accounts")));
    }

    [Fact]
    public async Task The_first_administrator_is_made_by_command_and_his_password_printed_once()
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = await api.NewDatabaseAsync("ledger_admin"),
            ["Ledger__KeyFile"] = api.KeyFile,
        };
        var (exit, output) = await ApiHost.RunAsync(
            settings,
            "administrator",
            "--name",
            "chen.gang",
            "--region",
            "3708"
        );
        Assert.True(exit == 0, output);
        var password = System
            .Text.RegularExpressions.Regex.Match(output, "one-time password: ([a-z0-9]{16})")
            .Groups[1]
            .Value;
        Assert.Equal(
            1,
            (await ApiHost.RunAsync(settings, "administrator", "--name", "chen.gang", "--region", "3708")).Exit
        );
        Assert.Equal(
            2,
            (await ApiHost.RunAsync(settings, "administrator", "--name", "chen.gang", "--region", "37")).Exit
        );
        await using var process = await ApiHost.StartAsync(settings);
        using var changed = await process.Http.PostAsync(
            "/api/session/password",
            SampleClient.Json(
                new
                {
                    name = "chen.gang",
                    password,
                    newPassword = "eight tall trees 8",
                }
            )
        );
        Assert.Equal(HttpStatusCode.NoContent, changed.StatusCode);
        using var needed = await process.Http.PostAsync(
            "/api/session",
            SampleClient.Json(new { name = "chen.gang", password = "eight tall trees 8" })
        );
        Assert.Contains("second-factor-needed", await needed.Content.ReadAsStringAsync());
        Assert.DoesNotContain(password, process.Output);
    }
}
