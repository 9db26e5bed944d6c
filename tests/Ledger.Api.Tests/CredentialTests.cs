using System.Net;
using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.EntityFrameworkCore;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// What lets somebody in, when it was: a password, a second factor or a token from before opens nothing, wherever it is
/// put. docs/security.md
/// </summary>
public sealed class CredentialTests(Databases databases) : IClassFixture<Databases>
{
    private const string Users = "accounts.\"AspNetUsers\"",
        Factors = "accounts.\"AspNetUserTokens\"";

    /// <summary>Signed in with a password of his own and an authenticator; what his person holds of it.</summary>
    private sealed record SignedIn(string Name, string Secret, string[] Codes);

    private static async Task<(HttpStatusCode Status, JsonElement Answer)> SendAsync(
        Product product,
        string path,
        object? body,
        string? token = null
    )
    {
        using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path)
        {
            Content = body is null ? null : SampleClient.Json(body),
        };
        if (token is not null)
            request.Headers.Authorization = new("Bearer", token);
        using var response = await product.Http.SendAsync(request);
        var text = await response.Content.ReadAsStringAsync();
        return (response.StatusCode, text.Length == 0 ? default : JsonSerializer.Deserialize<JsonElement>(text));
    }

    private static async Task<SignedIn> EnrolAsync(Product product, string name)
    {
        var administrator = product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"));
        var issued = await administrator.PostAsync<IssuedAccountView>(
            "/api/accounts",
            ApiFixture.AccountBody(name, Roles.Agency, "370811")
        );
        var own = new
        {
            name,
            password = issued.OneTimePassword,
            newPassword = "correct horse 4",
        };
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(product, "/api/session/password", own)).Status);
        var (_, begun) = await SendAsync(
            product,
            "/api/session/second-factor",
            new { name, password = "correct horse 4" }
        );
        var secret = begun.As<SecondFactorView>().Secret!;
        var (_, enrolled) = await SendAsync(
            product,
            "/api/session/second-factor",
            new
            {
                name,
                password = "correct horse 4",
                code = SignInCodes.Of(secret),
            }
        );
        return new SignedIn(name, secret, [.. enrolled.As<SecondFactorView>().RecoveryCodes]);
    }

    private static async Task<string> RowsAsync(Product product, string table, string name, string key)
    {
        await using var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await connection.OpenAsync();
        return (
            await connection.QueryAsync(
                $"select jsonb_agg(t)::text from {table} t where \"{key}\"::text = @name",
                r => r.GetString(0),
                ("name", name)
            )
        ).Single();
    }

    /// <summary>Rows that were there before, as they were, in place of those of now.</summary>
    private static Task<int> PutBackAsync(Product product, string table, string rows, string set, string on) =>
        product.EditAsync(
            $"update {table} t set {set} from jsonb_populate_recordset(null::{table}, '{rows}') b where {on}"
        );

    [Fact]
    public async Task An_earlier_password_or_recovery_code_put_back_opens_no_door_and_nobody_can_read_a_factor()
    {
        await using var product = await Product.StartAsync(databases, "ledger_back");
        var person = await EnrolAsync(product, "li.na");
        async Task<HttpStatusCode> SignInAsync(string password, string code) =>
            (
                await SendAsync(
                    product,
                    "/api/session",
                    new
                    {
                        person.Name,
                        password,
                        code,
                    }
                )
            ).Status;

        var factors = await RowsAsync(product, Factors, person.Name, "UserId");
        Assert.All(
            person.Codes.Append(person.Secret),
            secret => Assert.DoesNotContain(secret, factors, StringComparison.OrdinalIgnoreCase)
        );

        // A recovery code is good once, also when the row that knew it is put back.
        Assert.Equal(HttpStatusCode.OK, await SignInAsync("correct horse 4", person.Codes[0]));
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync("correct horse 4", person.Codes[0]));
        var used = await RowsAsync(product, Factors, person.Name, "UserId");
        const string factor = "\"Value\" = b.\"Value\", \"Seal\" = b.\"Seal\"",
            ofFactor = "(t.\"UserId\", t.\"Name\") = (b.\"UserId\", b.\"Name\")";
        await PutBackAsync(product, Factors, factors, factor, ofFactor);
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync("correct horse 4", person.Codes[0]));
        await product.FoundAsync("account", "account-li.na：登录表中的口令或验证器不是最近一次");
        await PutBackAsync(product, Factors, used, factor, ofFactor);
        Assert.Equal(HttpStatusCode.OK, await SignInAsync("correct horse 4", person.Codes[1]));

        // So is a password, and a time without a second factor.
        var before = await RowsAsync(product, Users, person.Name, "Id");
        var change = new
        {
            person.Name,
            password = "correct horse 4",
            newPassword = "correct horse 5",
            code = person.Codes[2],
        };
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(product, "/api/session/password", change)).Status);
        await PutBackAsync(
            product,
            Users,
            before,
            "\"PasswordHash\" = b.\"PasswordHash\", \"Seal\" = b.\"Seal\"",
            "t.\"Id\" = b.\"Id\""
        );
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync("correct horse 4", person.Codes[3]));
        var history = await product.ScalarAsync<string>(
            "select string_agg(type, ' ' order by version) from ledger.mt_events where stream_id = 'account-li.na'"
        );
        Assert.Equal(
            "account_opened credentials_changed credentials_changed credentials_changed "
                + "credentials_changed credentials_changed credentials_changed credentials_changed",
            history
        ); // given out, his own, the authenticator, three codes, another password

        // The event of that time once more, and no state that contradicts it: its digest is good in its own place
        // alone.
        await product.ForgeAsync(
            "account-li.na",
            "credentials_changed",
            "(select data from ledger.mt_events where stream_id = 'account-li.na' and version = 7)"
        );
        await product.EditAsync("delete from ledger.mt_doc_account where id = 'account-li.na'");
        Assert.Equal(HttpStatusCode.Unauthorized, await SignInAsync("correct horse 4", person.Codes[3]));

        // A new one-time password is the way back in.
        var administrator = product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"));
        var issued = await administrator.PostAsync<IssuedAccountView>(
            "/api/accounts/account-li.na/credentials",
            new { reason = "登录表被改动" }
        );
        var (status, _) = await SendAsync(
            product,
            "/api/session/password",
            new
            {
                person.Name,
                password = issued.OneTimePassword,
                newPassword = "correct horse 6",
            }
        );
        Assert.Equal(HttpStatusCode.NoContent, status);
    }

    /// <summary>A row as it was, all of it, in place of what it is now, or where there is none any more.</summary>
    private static async Task RestoreAsync(Product product, string table, string row)
    {
        var columns = await product.ScalarAsync<string>(
            $"""
            select string_agg(quote_ident(attname), ', ')
              from pg_attribute
             where attrelid = '{table}'::regclass
               and attnum > 0
               and not attisdropped
            """
        );
        await product.EditAsync(
            $"""
            insert into {table} select b.* from jsonb_populate_recordset(null::{table}, '{row}') b
                on conflict ("Id") do update set ({columns}) = (
                            select b.*
                              from jsonb_populate_recordset(null::{table}, '{row}') b)
            """
        );
    }

    [Fact]
    public async Task A_code_is_good_once_and_a_session_ends_for_good_whatever_row_is_put_back()
    {
        await using var product = await Product.StartAsync(databases, "ledger_sessions");
        const string sessions = "accounts.\"Sessions\"";
        var person = await EnrolAsync(product, "li.na");
        Task<(HttpStatusCode Status, JsonElement Answer)> SignInAsync(string code) =>
            SendAsync(
                product,
                "/api/session",
                new
                {
                    person.Name,
                    password = "correct horse 4",
                    code,
                }
            );
        async Task<(HttpStatusCode Status, JsonElement Answer)> RefreshAsync(JsonElement session) =>
            await SendAsync(
                product,
                "/api/session/refresh",
                new { refreshToken = session.As<SessionView>().RefreshToken }
            );
        static string Token(JsonElement session) => session.As<SessionView>().AccessToken;
        Task<string> SessionAsync(JsonElement session) =>
            RowsAsync(product, sessions, $"{session.As<SessionView>().Id}", "Id");

        // A code, with the whole row of its user as it was before.
        var user = await RowsAsync(product, Users, person.Name, "Id");
        var code = SignInCodes.Of(person.Secret);
        var (status, first) = await SignInAsync(code);
        Assert.Equal(HttpStatusCode.OK, status);
        await RestoreAsync(product, Users, user);
        (status, var answer) = await SignInAsync(code);
        Assert.Equal("second-factor-needed", answer.As<Refused>().Code);

        // A refresh token that was used, with the row that knew it.
        var row = await SessionAsync(first);
        (status, var second) = await RefreshAsync(first);
        Assert.Equal(HttpStatusCode.OK, status);
        await RestoreAsync(product, sessions, row);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(first)).Status);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(second)).Status); // somebody has a copy: it ended

        // A session that was signed out of.
        (_, first) = await SignInAsync(person.Codes[0]);
        row = await SessionAsync(first);
        (status, _) = await SendAsync(
            product,
            $"/api/sessions/{first.As<SessionView>().Id}/end",
            new { },
            Token(first)
        );
        Assert.Equal(HttpStatusCode.NoContent, status);
        await RestoreAsync(product, sessions, row);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(first)).Status);
        await product.FoundAsync("account", "account-li.na：登录表中的会话被改动");
        (_, answer) = await SendAsync(product, "/api/sessions", null, Token(first));
        Assert.Equal(0, answer.GetArrayLength());

        // Out of everywhere, while its row was away; and beyond its end.
        (_, first) = await SignInAsync(person.Codes[1]);
        row = await SessionAsync(first);
        await product.EditAsync($"delete from {sessions} where \"UserId\" = 'li.na'");
        Assert.Equal(
            HttpStatusCode.NoContent,
            (await SendAsync(product, "/api/sessions/end", new { }, Token(first))).Status
        );
        await RestoreAsync(product, sessions, row);
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(first)).Status);
        (_, first) = await SignInAsync(person.Codes[2]);
        await product.EditAsync(
            $"""
            update {sessions}
               set "ExpiresAt" = now() + interval '10 years'
             where "Id" = '{first.As<SessionView>().Id}'
            """
        );
        Assert.Equal(HttpStatusCode.Unauthorized, (await RefreshAsync(first)).Status);

        // What is spent stays so.
        foreach (
            var edit in (string[])
                ["delete from ledger.spent", "update ledger.spent set until = now() - interval '1 day'"]
        )
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => product.EditAsync(edit));
            Assert.Equal("42501", refused.SqlState);
        }
    }

    [Fact]
    public async Task A_page_session_that_was_ended_stays_so_when_its_row_is_put_back()
    {
        await using var product = await Product.StartAsync(databases, "ledger_pages");
        const string sessions = "accounts.\"Sessions\"";
        var person = await EnrolAsync(product, "li.na");
        async Task<HttpResponseMessage> PageAsync(string path, object? body, string? cookie)
        {
            using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path)
            {
                Content = body is null ? null : SampleClient.Json(body),
            };
            request.Headers.Add("Sec-Fetch-Site", "same-origin");
            if (cookie is not null)
                request.Headers.Add("Cookie", cookie);
            return await product.Http.SendAsync(request);
        }
        async Task<string> SignInAsync(string code)
        {
            using var response = await PageAsync(
                "/api/session/page",
                new
                {
                    person.Name,
                    password = "correct horse 4",
                    code,
                },
                null
            );
            Assert.Equal(HttpStatusCode.OK, response.StatusCode);
            return response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
        }
        async Task<HttpStatusCode> LookAsync(string cookie)
        {
            using var response = await PageAsync("/api/sessions", null, cookie);
            return response.StatusCode;
        }

        var cookie = await SignInAsync(person.Codes[0]);
        var row = await RowsAsync(product, sessions, person.Name, "UserId");
        Assert.Equal(HttpStatusCode.OK, await LookAsync(cookie));
        using (await PageAsync("/api/session/page/end", new { }, cookie)) { }
        Assert.Equal(HttpStatusCode.Unauthorized, await LookAsync(cookie));
        await RestoreAsync(product, sessions, row);
        Assert.Equal(HttpStatusCode.Unauthorized, await LookAsync(cookie));
        await product.FoundAsync("account", "account-li.na：登录表中的会话被改动");

        // Another password, while the row was away.
        await product.EditAsync($"delete from {sessions}");
        cookie = await SignInAsync(person.Codes[1]);
        row = await RowsAsync(product, sessions, person.Name, "UserId");
        await product.EditAsync($"delete from {sessions}");
        var change = new
        {
            person.Name,
            password = "correct horse 4",
            newPassword = "correct horse 5",
            code = person.Codes[2],
        };
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(product, "/api/session/password", change)).Status);
        await RestoreAsync(product, sessions, row);
        Assert.Equal(HttpStatusCode.Unauthorized, await LookAsync(cookie));
    }

    [Fact]
    public async Task What_was_edited_beside_the_password_is_refused_in_words_and_mended_by_a_new_one()
    {
        await using var product = await Product.StartAsync(databases, "ledger_stamp");
        var person = await EnrolAsync(product, "li.na");
        var code = 0;
        foreach (
            var edit in (string[])
                [
                    "\"SecurityStamp\" = null",
                    "\"UserName\" = null",
                    "\"NormalizedUserName\" = 'X'",
                    "\"LockoutEnabled\" = false",
                ]
        )
        {
            var row = await RowsAsync(product, Users, person.Name, "Id");
            await product.EditAsync($"update {Users} set {edit} where \"Id\" = 'li.na'");
            var (_, answer) = await SendAsync(
                product,
                "/api/session",
                new
                {
                    person.Name,
                    password = "correct horse 4",
                    code = person.Codes[code++],
                }
            );
            Assert.Equal("sign-in-failed", answer.As<Refused>().Code);
            await product.FoundAsync("account", "account-li.na：登录表中的账户被改动");
            await RestoreAsync(product, Users, row);
        }
        await product.EditAsync(
            $"""
            update {Users}
               set "SecurityStamp" = null, "UserName" = null, "LockoutEnabled" = false
             where "Id" = 'li.na'
            """
        );
        var administrator = product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"));
        var issued = await administrator.PostAsync<IssuedAccountView>(
            "/api/accounts/account-li.na/credentials",
            new { reason = "登录表被改动" }
        );
        var own = new
        {
            person.Name,
            password = issued.OneTimePassword,
            newPassword = "correct horse 6",
        };
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(product, "/api/session/password", own)).Status);

        // Whoever sets the count of wrong codes back may not try them without end.
        var (_, last) = await SendAsync(
            product,
            "/api/session/second-factor",
            new { person.Name, password = "correct horse 6" }
        );
        var enrol = new
        {
            person.Name,
            password = "correct horse 6",
            code = SignInCodes.Of(last.As<SecondFactorView>().Secret!),
        };
        Assert.Equal(HttpStatusCode.OK, (await SendAsync(product, "/api/session/second-factor", enrol)).Status);
        for (var wrong = 0; wrong < 6; wrong++)
        {
            await product.EditAsync($"update {Users} set \"AccessFailedCount\" = 0, \"LockoutEnd\" = null");
            (_, last) = await SendAsync(
                product,
                "/api/session",
                new
                {
                    person.Name,
                    password = "correct horse 6",
                    code = "no-code",
                }
            );
        }
        Assert.Equal("locked-out", last.As<Refused>().Code);
    }

    [Fact]
    public async Task Who_acts_for_somebody_is_out_when_that_ones_password_is_another()
    {
        await using var product = await Product.StartAsync(databases, "ledger_delegates");
        var administrator = product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"));
        var village = product.Village.VillageCode;
        async Task<HttpStatusCode> PasswordAsync(string name, string? password, string newPassword) =>
            (
                await SendAsync(
                    product,
                    "/api/session/password",
                    new
                    {
                        name,
                        password,
                        newPassword,
                    }
                )
            ).Status;
        foreach (var name in (string[])["zhao.lei", "sun.li"])
        {
            var issued = await administrator.PostAsync<IssuedAccountView>(
                "/api/accounts",
                ApiFixture.AccountBody(name, Roles.VillageFinance, village)
            );
            Assert.Equal(
                HttpStatusCode.NoContent,
                await PasswordAsync(name, issued.OneTimePassword!, "correct horse 4")
            );
        }
        await product
            .Client(new Actor("zhao.lei", Roles.VillageFinance, village))
            .PostAsync<AccountView>(
                "/api/accounts/account-zhao.lei/delegations",
                new { to = "sun.li", until = Clock.Day(DateTimeOffset.UtcNow) }
            );
        async Task<JsonElement> SignInAsync() =>
            (
                await SendAsync(
                    product,
                    "/api/session",
                    new
                    {
                        name = "sun.li",
                        password = "correct horse 4",
                        delegatedFrom = "zhao.lei",
                    }
                )
            ).Answer;
        async Task<HttpStatusCode> UseAsync(JsonElement session) =>
            (await SendAsync(product, "/api/funds", null, session.As<SessionView>().AccessToken)).Status;
        var session = await SignInAsync();
        Assert.Equal(HttpStatusCode.OK, await UseAsync(session));
        Assert.Equal(HttpStatusCode.NoContent, await PasswordAsync("zhao.lei", "correct horse 4", "correct horse 5"));
        await ApiFixture.EventuallyAsync(
            async () => await UseAsync(session) == HttpStatusCode.Unauthorized,
            "the holder's password is another",
            8
        );
        var (status, _) = await SendAsync(
            product,
            "/api/session/refresh",
            new { refreshToken = session.As<SessionView>().RefreshToken }
        );
        Assert.Equal(HttpStatusCode.Unauthorized, status);
        // The delegation itself goes on: who signs in anew acts in it.
        Assert.Equal(HttpStatusCode.OK, await UseAsync(await SignInAsync()));
    }

    [Fact]
    public async Task An_access_token_ends_within_seconds_of_any_change_of_its_account_or_password()
    {
        await using var product = await Product.StartAsync(databases, "ledger_tokens");
        var administrator = product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"));
        async Task<string> TokenAsync(string name, string password) =>
            (await SendAsync(product, "/api/session", new { name, password })).Answer.As<SessionView>().AccessToken;
        async Task<string> AccountAsync(string name, string region)
        {
            var issued = await administrator.PostAsync<IssuedAccountView>(
                "/api/accounts",
                ApiFixture.AccountBody(name, Roles.VillageFinance, region)
            );
            await PasswordAsync(name, issued.OneTimePassword!, "correct horse 4");
            return await TokenAsync(name, "correct horse 4");
        }
        async Task PasswordAsync(string name, string password, string newPassword) =>
            Assert.Equal(
                HttpStatusCode.NoContent,
                (
                    await SendAsync(
                        product,
                        "/api/session/password",
                        new
                        {
                            name,
                            password,
                            newPassword,
                        }
                    )
                ).Status
            );
        async Task<HttpStatusCode> UseAsync(string token) =>
            (await SendAsync(product, "/api/funds", null, token)).Status;
        Task EndsAsync(string token, string why) =>
            ApiFixture.EventuallyAsync(async () => await UseAsync(token) == HttpStatusCode.Unauthorized, why, 8);

        var village = product.Village.VillageCode;
        var (closed, moved, renewed) = (
            await AccountAsync("wang.min", village),
            await AccountAsync("zhao.lei", village),
            await AccountAsync("sun.li", village)
        );
        foreach (var token in (string[])[closed, moved, renewed])
            Assert.Equal(HttpStatusCode.OK, await UseAsync(token));
        await administrator.PostAsync("/api/accounts/account-wang.min/closure", new { reason = "调离" });
        await administrator.PostAsync(
            "/api/accounts/account-zhao.lei/role",
            new { role = Roles.VillageFinance, region = "370811000002" }
        );
        await PasswordAsync("sun.li", "correct horse 4", "correct horse 5");
        await EndsAsync(closed, "the account is closed");
        await EndsAsync(moved, "he works elsewhere");
        await EndsAsync(renewed, "his password is another");
        // Who signs in anew is not taken for who he was, however short the time.
        await PasswordAsync("sun.li", "correct horse 5", "correct horse 6");
        Assert.Equal(HttpStatusCode.OK, await UseAsync(await TokenAsync("sun.li", "correct horse 6")));
    }

    [Fact]
    public async Task Second_factors_that_an_earlier_build_wrote_in_clear_are_encrypted_at_the_next_start()
    {
        var connection = await databases.NewDatabaseAsync("ledger_clear");
        await using var database = NpgsqlDataSource.Create(connection);
        var keys = new KeyFile(new byte[32], new byte[32], new byte[32]);
        var seal = new CredentialSeal(keys);
        await using (var made = await database.OpenConnectionAsync())
            await made.ExecuteAsync(Migrations.Scripts.Single(s => s.Name == "V0005__accounts.sql").Text);
        AccountsContext Open() => new(new DbContextOptionsBuilder<AccountsContext>().UseNpgsql(database).Options, seal);
        await using (var accounts = Open())
        {
            accounts.Users.Add(new LedgerUser { Id = "li.na", UserName = "li.na" });
            foreach (var name in (string[])["AuthenticatorKey", "Edited"])
                accounts.UserTokens.Add(
                    new SecondFactor
                    {
                        UserId = "li.na",
                        LoginProvider = "x",
                        Name = name,
                        Value = "JBSWY3DPEHPK3PXP",
                    }
                );
            await accounts.SaveChangesAsync();
        }
        await using (var open = await database.OpenConnectionAsync())
            await open.ExecuteAsync($"update {Factors} set \"Seal\" = 'x' where \"Name\" = 'Edited'");
        await AccountsContext.UpgradeAsync(database, seal);
        await AccountsContext.UpgradeAsync(database, seal); // and stays so
        await using var after = Open();
        var factor = after.UserTokens.Single(t => t.Name == "AuthenticatorKey");
        Assert.DoesNotContain("JBSWY3DPEHPK3PXP", factor.Value);
        Assert.Equal(seal.Of(factor), factor.Seal);
        Assert.Equal("JBSWY3DPEHPK3PXP", seal.Show(factor.Value, "li.na", "AuthenticatorKey"));
        Assert.Null(seal.Show(factor.Value, "zhao.lei", "AuthenticatorKey")); // in another's row it is nothing
        Assert.Equal("JBSWY3DPEHPK3PXP", after.UserTokens.Single(t => t.Name == "Edited").Value);
    }
}
