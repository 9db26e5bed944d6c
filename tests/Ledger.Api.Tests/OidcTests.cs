using System.Net;
using System.Net.Http.Headers;
using System.Security.Claims;
using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;
using OpenIddict.Abstractions;
using OpenIddict.Server;
using static OpenIddict.Abstractions.OpenIddictConstants;

namespace Ledger.Api.Tests;

/// <summary>
/// Tokens of another authority: a real OpenID Connect server (OpenIddict) in a host of its own, found by its discovery
/// document.
/// </summary>
[Collection("api and programs")]
public sealed class OidcTests(ApiFixture api)
{
    /// <summary>
    /// Gives whoever asks by client credentials a token with the claims that the client's id spells:
    /// <c>sub|role|region|audience</c>.
    /// </summary>
    private static async Task<(WebApplication Host, Uri Address)> AuthorityAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        builder
            .Services.AddOpenIddict()
            .AddServer(options =>
            {
                options
                    .EnableDegradedMode()
                    .AllowClientCredentialsFlow()
                    .SetTokenEndpointUris("/token")
                    .AddEphemeralSigningKey()
                    .AddEphemeralEncryptionKey()
                    .DisableAccessTokenEncryption();
                options.UseAspNetCore().DisableTransportSecurityRequirement();
                options.AddEventHandler<OpenIddictServerEvents.ValidateTokenRequestContext>(handler =>
                    handler.UseInlineHandler(_ => default)
                );
                options.AddEventHandler<OpenIddictServerEvents.HandleTokenRequestContext>(handler =>
                    handler.UseInlineHandler(context =>
                    {
                        var parts = context.Request.ClientId!.Split('|');
                        var identity = new ClaimsIdentity("test");
                        identity.AddClaim(
                            new Claim(Claims.Subject, parts[0]).SetDestinations(Destinations.AccessToken)
                        );
                        identity.AddClaim(new Claim("dept_role", parts[1]).SetDestinations(Destinations.AccessToken));
                        identity.AddClaim(new Claim("dept_region", parts[2]).SetDestinations(Destinations.AccessToken));
                        var principal = new ClaimsPrincipal(identity);
                        principal.SetAudiences(parts[3]);
                        context.SignIn(principal);
                        return default;
                    })
                );
            });
        var host = builder.Build();
        host.UseAuthentication();
        await host.StartAsync();
        return (host, new Uri(host.Urls.Single()));
    }

    [Fact]
    public async Task A_token_of_the_configured_authority_is_as_good_as_our_own_and_any_other_is_none()
    {
        var (authority, address) = await AuthorityAsync();
        var (stranger, elsewhere) = await AuthorityAsync();
        await using var _ = authority;
        await using var __ = stranger;
        var village = await api.RegisteredAsync();
        await using var process = await ApiHost.StartAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = api.ConnectionString,
                ["Ledger__KeyFile"] = api.KeyFile,
                ["Ledger__Oidc__Authority"] = $"{address}",
                ["Ledger__Oidc__Audience"] = "ledger",
                ["Ledger__Oidc__RoleClaim"] = "dept_role",
                ["Ledger__Oidc__RegionClaim"] = "dept_region",
                ["Ledger__Oidc__AllowHttp"] = "true",
            }
        );
        using var http = new HttpClient();
        async Task<string> TokenAsync(Uri from, string client)
        {
            using var response = await http.PostAsync(
                new Uri(from, "/token"),
                new FormUrlEncodedContent(
                    new Dictionary<string, string>
                    {
                        ["grant_type"] = "client_credentials",
                        ["client_id"] = client,
                        ["client_secret"] = "x",
                    }
                )
            );
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, text);
            return JsonSerializer.Deserialize<JsonElement>(text).GetProperty("access_token").GetString()!;
        }
        async Task<(HttpStatusCode, string)> FundsAsync(string token)
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, $"/api/funds/{village.FundId}");
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            using var response = await process.Http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        var county = village.Offices.County;

        // A subject that is called like an account of ours is another: it has none of its sessions, delegations and
        // keys, and signs with its own name.
        var local = $"zhang.san.{county}";
        await api.Client(new Actor($"setup.{county}", Roles.Administrator, county))
            .PostAsync<IssuedAccountView>("/api/accounts", ApiFixture.AccountBody(local, Roles.CountyTax, county));
        await api.Client(new Actor($"setup.{county}", Roles.Administrator, county))
            .PostAsync<IssuedAccountView>(
                "/api/accounts",
                ApiFixture.AccountBody($"stand.{county}", Roles.CountyTax, county)
            );
        async Task<(HttpStatusCode, string)> SendAsync(
            string token,
            HttpMethod method,
            string path,
            object? body,
            string key
        )
        {
            using var request = new HttpRequestMessage(method, path)
            {
                Content = body is null ? null : SampleClient.Json(body),
            };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            request.Headers.Add("Idempotency-Key", key);
            using var response = await process.Http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        var namesake = await TokenAsync(address, $"{local}|county-tax|{county}|ledger");
        var mine = new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System).Issue(
            new Actor(local, Roles.CountyTax, county),
            TimeSpan.FromHours(1)
        );
        // The process has a clock of its own.
        var delegation = new { to = $"stand.{county}", until = Domain.Clock.Day(DateTimeOffset.UtcNow).AddDays(3) };
        var (refused, reason) = await SendAsync(
            namesake,
            HttpMethod.Post,
            $"/api/accounts/account-{local}/delegations",
            delegation,
            "key-1"
        );
        Assert.True(refused == HttpStatusCode.NotFound, $"{refused} {reason}");
        var (granted, given) = await SendAsync(
            mine,
            HttpMethod.Post,
            $"/api/accounts/account-{local}/delegations",
            delegation,
            "key-1"
        );
        Assert.True(granted == HttpStatusCode.OK, $"{granted} {given}"); // nor the key
        Assert.Equal(
            1,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where key = 'key-1' and actor = @a",
                ("a", $"oidc:{local}")
            )
        );
        // An account here says which person he is: then he and the account of ours are told apart, or are one.
        using (var first = await process.Http.SendAsync(Opening($"oidc:{local}")))
            Assert.True(first.IsSuccessStatusCode, await first.Content.ReadAsStringAsync());
        HttpRequestMessage Opening(string name)
        {
            var request = new HttpRequestMessage(HttpMethod.Post, "/api/accounts")
            {
                Content = SampleClient.Json(ApiFixture.AccountBody(name, Roles.CountyTax, county)),
            };
            request.Headers.Authorization = new AuthenticationHeaderValue(
                "Bearer",
                new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System).Issue(
                    new Actor($"setup.{county}", Roles.Administrator, county),
                    TimeSpan.FromHours(1)
                )
            );
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
            return request;
        }
        using (var other = await process.Http.SendAsync(Opening("elsewhere:li.si")))
            Assert.Equal(HttpStatusCode.UnprocessableEntity, other.StatusCode);
        Assert.Equal(
            0,
            await api.ScalarAsync<long>("select count(*) from accounts.\"AspNetUsers\" where \"Id\" like 'oidc:%'")
        );
        foreach (
            var reserved in (string[])
                [
                    "public",
                    "console",
                    "system",
                    "370811198001010014".Replace("10014", "1001X", StringComparison.Ordinal),
                ]
        )
            Assert.Equal(
                HttpStatusCode.Unauthorized,
                (await FundsAsync(await TokenAsync(address, $"{reserved}|auditor|{county}|ledger"))).Item1
            );
        Assert.Equal(
            HttpStatusCode.OK,
            (await FundsAsync(await TokenAsync(address, $"wang.wu|auditor|{county}|ledger"))).Item1
        );
        Assert.Equal(
            HttpStatusCode.NotFound,
            (await FundsAsync(await TokenAsync(address, "wang.wu|auditor|991100|ledger"))).Item1
        ); // its region counts as ours do
        foreach (
            var (what, token) in new[]
            {
                ("for another audience", await TokenAsync(address, $"wang.wu|auditor|{county}|payroll")),
                ("a role of theirs", await TokenAsync(address, $"wang.wu|superuser|{county}|ledger")),
                ("a region that does not fit", await TokenAsync(address, $"wang.wu|village-finance|{county}|ledger")),
                ("an administrator of ours", await TokenAsync(address, $"wang.wu|administrator|{county}|ledger")),
                ("another authority's", await TokenAsync(elsewhere, $"wang.wu|auditor|{county}|ledger")),
                ("tampered with", (await TokenAsync(address, $"wang.wu|auditor|{county}|ledger"))[..^6] + "AAAAAA"),
            }
        )
        {
            var (status, text) = await FundsAsync(token);
            Assert.True(status == HttpStatusCode.Unauthorized, $"{what}: {(int)status} {text}");
            Assert.Contains("unauthenticated", text);
        }
        // Our own tokens go on beside it.
        var own = new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System).Issue(
            new Actor("li.si", Roles.Auditor, county),
            TimeSpan.FromHours(1)
        );
        Assert.Equal(HttpStatusCode.OK, (await FundsAsync(own)).Item1);
    }
}
