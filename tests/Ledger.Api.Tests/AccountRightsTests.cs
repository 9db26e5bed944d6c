using System.Net;
using System.Net.Http.Headers;
using System.Text.Json;
using Ledger.Api.CommandLine;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Microsoft.Extensions.Configuration;

namespace Ledger.Api.Tests;

/// <summary>
/// C20: rights are given by two people, or by one and the person himself; C15: two accounts of one person are one.
/// </summary>
[Collection("api")]
public sealed class AccountRightsTests(ApiFixture api)
{
    private const string Password = "correct horse 4";

    private static SamplePerson Person(string name) =>
        new SamplePeople(name.Aggregate(23, (sum, c) => unchecked(sum * 31 + c))).Next("370811");

    private SampleClient As(string name, string role, string region) => api.Client(new Actor(name, role, region));

    /// <summary>
    /// A county with two administrators, the first by the console's right, the second by the first's.
    /// </summary>
    private async Task<(string County, SampleClient First, SampleClient Second)> TwoAsync()
    {
        var county = api.NewOffices().County;
        var program = As($"setup.{county}", Roles.Administrator, county);
        await program.PostAsync(
            "/api/accounts",
            ApiFixture.AccountBody($"first.{county}", Roles.Administrator, county)
        );
        return (
            county,
            As($"first.{county}", Roles.Administrator, county),
            As($"second.{county}", Roles.Administrator, county)
        );
    }

    /// <summary>As <see cref="TwoAsync"/>, both of them there.</summary>
    private async Task<(string County, SampleClient First, SampleClient Second)> BothAsync()
    {
        var (county, first, second) = await TwoAsync();
        await first.PostAsync("/api/accounts", ApiFixture.AccountBody(second.Actor.Id, Roles.Administrator, county));
        return (county, first, second);
    }

    /// <summary>Another administrator confirms what the first asked for; the whole one-time password.</summary>
    private static async Task<string> OpenByTwoAsync(
        SampleClient first,
        SampleClient second,
        string name,
        string role,
        string region,
        SamplePerson? person = null
    )
    {
        var asked = await first.PostAsync<IssuedAccountView>(
            "/api/accounts",
            ApiFixture.AccountBody(name, role, region, person)
        );
        var confirmed = await second.PostAsync<IssuedAccountView>($"/api/accounts/account-{name}/pending/confirmation");
        return asked.OneTimePassword + confirmed.OneTimePassword;
    }

    [Fact]
    public async Task C20_unit_and_telephone_are_for_who_is_signed_in_and_the_telephone_stands_in_no_event()
    {
        var (county, first, second) = await BothAsync();
        var name = $"li.{county}";
        await OpenByTwoAsync(first, second, name, Roles.Agency, county);
        var path = $"/api/accounts/account-{name}/contact";
        var own = As(name, Roles.Agency, county);
        var told = await own.PutAsync<AccountView>(path, new { unit = "任城区经办中心", phone = "13912345678" });
        Assert.Equal("任城区经办中心", told.Unit);
        Assert.Equal("任城区经办中心", (await first.PutAsync<AccountView>(path, new { told.Unit })).Unit);
        await api.Host.RefusedAsync(
            "not-found",
            As($"wang.{county}", Roles.Agency, county),
            HttpMethod.Put,
            path,
            new { unit = "x" }
        );
        await api.Host.RefusedAsync("field-invalid", own, HttpMethod.Put, path, new { unit = "x", phone = "打 114" });
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where data::text like '%13912345678%'"
                    + " or headers::text like '%13912345678%'"
            )
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where convert_from(body, 'UTF8') like '%13912345678%'"
            )
        );
    }

    private Task<(HttpStatusCode Status, JsonElement Answer)> PostAsync(
        string path,
        object body,
        string? token = null
    ) => api.PostAsync(path, body, token);

    private async Task<string> CodeAsync(string path, object body) =>
        (await PostAsync(path, body)) is var (status, answer)
        && answer.ValueKind == JsonValueKind.Object
        && answer.TryGetProperty("code", out var code)
            ? code.GetString()!
            : $"{status}";

    private async Task OwnPasswordAsync(string name, string once) =>
        Assert.Equal(
            HttpStatusCode.NoContent,
            (
                await PostAsync(
                    "/api/session/password",
                    new
                    {
                        name,
                        password = once,
                        newPassword = Password,
                    }
                )
            ).Status
        );

    private async Task<AuditEntryView[]> TrailAsync(string county, string account) =>
        [
            .. (
                await As($"auditor.{county}", Roles.Auditor, county)
                    .GetAsync<AuditPage>($"/api/audit/events?id=account-{account}")
            ).Entries.Where(e => e.Type != "command_refused"),
        ];

    private Task<string> EventAsync(string account, string type) =>
        api.ScalarAsync<string>(
            "select data::text from ledger.mt_events where stream_id = @s and type = @t order by seq_id desc limit 1",
            ("s", $"account-{account}"),
            ("t", type)
        );

    [Fact]
    public async Task C20_one_administrator_cannot_be_anybody()
    {
        var (county, first, second) = await BothAsync();
        var clerk = $"clerk.{county}";
        var once = await OpenByTwoAsync(first, second, clerk, Roles.Agency, county);
        Assert.Equal(20, once.Length);
        // Neither half is a password.
        Assert.Equal("sign-in-failed", await CodeAsync("/api/session", new { name = clerk, password = once[..10] }));
        Assert.Equal("sign-in-failed", await CodeAsync("/api/session", new { name = clerk, password = once[10..] }));
        await OwnPasswordAsync(clerk, once);
        Assert.Contains("\"basis\": \"two-administrators\"", await EventAsync(clerk, "account_opened"));
        Assert.Contains($"\"requestedBy\": \"{first.Actor.Id}\"", await EventAsync(clerk, "account_opened"));

        // Nothing happens when one asks: the clerk works on, and the first half opens nothing.
        var asked = await first.PostAsync<IssuedAccountView>(
            $"/api/accounts/account-{clerk}/credentials",
            new { reason = "手机遗失" }
        );
        Assert.Equal(PasswordPart.FirstHalf, asked.Part);
        Assert.Equal(
            "second-factor-needed",
            await CodeAsync("/api/session", new { name = clerk, password = Password })
        );
        await api.Host.RefusedAsync("self-approval", first, $"/api/accounts/account-{clerk}/pending/confirmation");
        await api.Host.RefusedAsync(
            "not-found",
            As("foreign", Roles.Administrator, "991100"),
            $"/api/accounts/account-{clerk}/pending/confirmation"
        );
        await api.Host.RefusedAsync(
            "not-found",
            As($"colleague.{county}", Roles.Agency, county),
            $"/api/accounts/account-{clerk}/pending/confirmation"
        );
        await api.Host.RefusedAsync(
            "wrong-state",
            As($"program.{county}", Roles.Administrator, county),
            $"/api/accounts/account-{clerk}/pending/confirmation"
        ); // whoever that is
        await api.Host.RefusedAsync(
            "wrong-state",
            second,
            $"/api/accounts/account-{clerk}/role",
            new { role = Roles.Auditor, region = county }
        ); // one at a time
        var pending = (await second.GetAsync<IReadOnlyList<AccountView>>("/api/accounts"))
            .Single(a => a.Name == clerk)
            .Pending;
        Assert.Equal((ChangeKind.Credentials, first.Actor.Id), (pending!.Kind, pending.RequestedBy));
        await second.PostAsync($"/api/accounts/account-{clerk}/pending/rejection", new { reason = "本人说没有此事" });
        await api.Host.RefusedAsync("wrong-state", second, $"/api/accounts/account-{clerk}/pending/confirmation");

        // The same for a role; nobody closes the other administrator to be alone again.
        await first.PostAsync<AccountView>(
            $"/api/accounts/account-{clerk}/role",
            new { role = Roles.Auditor, region = county }
        );
        Assert.Equal(
            Roles.Agency,
            (await second.GetAsync<IReadOnlyList<AccountView>>("/api/accounts")).Single(a => a.Name == clerk).Role
        );
        await second.PostAsync($"/api/accounts/account-{clerk}/pending/confirmation");
        Assert.Equal(
            Roles.Auditor,
            (await second.GetAsync<IReadOnlyList<AccountView>>("/api/accounts")).Single(a => a.Name == clerk).Role
        );
        var closure = $"/api/accounts/account-{second.Actor.Id}/closure";
        var lonely = await api.Host.RefusedAsync("wrong-state", first, closure, new { reason = "调离" });
        Assert.Contains("只剩 1 人", lonely.Detail, StringComparison.Ordinal);
        Assert.Equal(
            PasswordPart.FirstHalf,
            (
                await first.PostAsync<IssuedAccountView>(
                    $"/api/accounts/account-{clerk}/credentials",
                    new { reason = "x" }
                )
            ).Part
        );
        Assert.Equal(
            [
                "account_change_requested",
                "account_opened",
                "credentials_changed", // given out, and his own
                "credentials_changed",
                "account_change_requested",
                "account_change_declined",
                "account_change_requested",
                "account_changed",
                "account_change_requested",
            ],
            (await TrailAsync(county, clerk)).Select(e => e.Type)
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where data::text like @half or data::text like @other",
                ("half", $"%{once[..10]}%"),
                ("other", $"%{once[10..]}%")
            )
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.idempotency
                 where convert_from(body, 'UTF8') like @half or convert_from(body, 'UTF8') like @other
                """,
                ("half", $"%{once[..10]}%"),
                ("other", $"%{once[10..]}%")
            )
        );
    }

    [Fact]
    public async Task C20_a_county_begins_with_one_administrator_whose_accounts_say_so_until_there_is_a_second()
    {
        var (county, first, second) = await TwoAsync();
        var early = $"early.{county}";
        Assert.Equal(
            PasswordPart.Whole,
            (
                await first.PostAsync<IssuedAccountView>(
                    "/api/accounts",
                    ApiFixture.AccountBody(early, Roles.Agency, county)
                )
            ).Part
        );
        Assert.Contains("\"basis\": \"one-administrator\"", await EventAsync(early, "account_opened"));
        await api.Host.RefusedAsync(
            "self-approval",
            first,
            "/api/accounts",
            ApiFixture.AccountBody($"mine.{county}", Roles.Agency, county, await OwnAsync(first))
        );
        await first.PostAsync("/api/accounts", ApiFixture.AccountBody(second.Actor.Id, Roles.Administrator, county));
        var late = await first.PostAsync<IssuedAccountView>(
            "/api/accounts",
            ApiFixture.AccountBody($"late.{county}", Roles.Agency, county)
        );
        Assert.Equal((PasswordPart.FirstHalf, true), (late.Part, late.Account.IsRequested));
        Assert.Equal(
            "sign-in-failed",
            await CodeAsync("/api/session", new { name = $"late.{county}", password = late.OneTimePassword })
        );
        await api.Host.RefusedAsync(
            "already-exists",
            second,
            "/api/accounts",
            ApiFixture.AccountBody($"late.{county}", Roles.Agency, county)
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            second,
            "/api/accounts",
            new
            {
                name = $"x.{county}",
                role = Roles.Agency,
                region = county,
                personName = "李四",
                citizenId = "370811198001010011",
            }
        );
        using var nobody = await first.SendAsync(
            HttpMethod.Post,
            "/api/accounts",
            SampleClient.Json(
                new
                {
                    name = $"x.{county}",
                    role = Roles.Agency,
                    region = county,
                }
            )
        );
        Assert.Equal(HttpStatusCode.BadRequest, nobody.StatusCode); // whose account it is has to be said
    }

    /// <summary>The person that the fixture made up for an account of this name.</summary>
    private static Task<SamplePerson> OwnAsync(SampleClient client)
    {
        var body = JsonSerializer.SerializeToElement(ApiFixture.AccountBody(client.Actor.Id, "", ""));
        return Task.FromResult(
            new SamplePerson(
                body.GetProperty("personName").GetString()!,
                body.GetProperty("citizenId").GetString()!,
                ""
            )
        );
    }

    [Fact]
    public async Task C20_at_the_desk_the_old_factor_stands_for_the_second_administrator_and_the_person_is_told()
    {
        var (county, first, second) = await BothAsync();
        var tax = $"tax.clerk.{county}";
        await OwnPasswordAsync(tax, await OpenByTwoAsync(first, second, tax, Roles.CountyTax, county));
        var (_, session) = await PostAsync("/api/session", new { name = tax, password = Password });
        Assert.Empty(session.As<SessionView>().Notices); // that it was opened he knows
        var cookie = await PageCookieAsync(tax, Password);
        Assert.Equal(HttpStatusCode.OK, await MeAsync(cookie));

        await first.PostAsync($"/api/accounts/account-{tax}/credentials", new { reason = "手机遗失" });
        await api.Host.RefusedAsync(
            "person-not-proved",
            first,
            $"/api/accounts/account-{tax}/pending/confirmation",
            new { password = "a wild guess 1" }
        );
        await api.Host.RefusedAsync(
            "person-not-proved",
            first,
            $"/api/accounts/account-{tax}/pending/confirmation",
            new { code = "123456" }
        ); // he has no authenticator
        var issued = await first.PostAsync<IssuedAccountView>(
            $"/api/accounts/account-{tax}/pending/confirmation",
            new { password = Password }
        );
        Assert.Equal(PasswordPart.Whole, issued.Part);
        Assert.Contains("\"basis\": \"person-himself\"", await EventAsync(tax, "credentials_issued"));
        Assert.Equal(HttpStatusCode.Unauthorized, await MeAsync(cookie)); // his sessions have ended
        Assert.Equal(
            "sign-in-failed",
            await CodeAsync("/api/session/refresh", new { refreshToken = session.As<SessionView>().RefreshToken })
        );
        await api.Host.RefusedAsync(
            "wrong-state",
            first,
            $"/api/accounts/account-{tax}/pending/confirmation",
            new { password = Password }
        );

        // A one-time password proves nothing: who gave it out knows it.
        var once = issued.OneTimePassword!;
        await first.PostAsync($"/api/accounts/account-{tax}/role", new { role = Roles.Auditor, region = county });
        await api.Host.RefusedAsync(
            "person-not-proved",
            first,
            $"/api/accounts/account-{tax}/pending/confirmation",
            new { password = once }
        );
        await OwnPasswordAsync(tax, once);

        // Told at the next sign-in, once there and for good on his page; he can decide himself, in his own session.
        var (_, told) = await PostAsync("/api/session", new { name = tax, password = Password });
        var notices = told.As<SessionView>().Notices;
        Assert.Equal(
            ["account_change_requested", "credentials_issued", "account_change_requested"],
            notices.Select(n => n.Type)
        );
        Assert.All(notices, n => Assert.Equal(first.Actor.Id, n.By));
        Assert.Empty(
            (await PostAsync("/api/session", new { name = tax, password = Password })).Answer.As<SessionView>().Notices
        );
        Assert.Contains(
            "发放密码",
            await PageAsync(await PageCookieAsync(tax, Password), "/me"),
            StringComparison.Ordinal
        );
        using (
            var himself = await As(tax, Roles.CountyTax, county)
                .SendAsync(
                    HttpMethod.Post,
                    $"/api/accounts/account-{tax}/pending/confirmation",
                    SampleClient.Json(new { })
                )
        )
            Assert.True(himself.IsSuccessStatusCode);
        Assert.Contains("\"basis\": \"person-himself\"", await EventAsync(tax, "account_changed"));

        // What is kept for the key of a request with a password cannot be guessed from outside.
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where command = 'confirm-account-change' and request = @plain",
                (
                    "plain",
                    await PlainDigestAsync(
                        $"/api/accounts/account-{tax}/pending/confirmation",
                        new { password = Password }
                    )
                )
            )
        );
    }

    private static async Task<byte[]> PlainDigestAsync(string path, object body)
    {
        using var content = SampleClient.Json(body);
        var bytes = await content.ReadAsByteArrayAsync();
        return System.Security.Cryptography.SHA256.HashData([
            .. System.Text.Encoding.UTF8.GetBytes($"POST\n{path}\n\n\n"),
            .. System.Security.Cryptography.SHA256.HashData(bytes),
        ]);
    }

    private async Task<string> PageCookieAsync(string name, string password)
    {
        using var response = await api.Http.PostAsync("/api/session/page", SampleClient.Json(new { name, password }));
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return response.Headers.GetValues("Set-Cookie").Single().Split(';')[0];
    }

    private async Task<string> PageAsync(string cookie, string path)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.Add("Cookie", cookie);
        using var response = await api.Http.SendAsync(request);
        return await response.Content.ReadAsStringAsync();
    }

    private async Task<HttpStatusCode> MeAsync(string cookie)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, "/api/sessions");
        request.Headers.Add("Cookie", cookie);
        using var response = await api.Http.SendAsync(request);
        return response.StatusCode;
    }

    [Fact]
    public async Task C15_C20_one_person_with_two_accounts_reviews_approves_and_reverses_nothing_of_his_own()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        var county = village.Offices.County;
        var program = As($"setup.{county}", Roles.Administrator, county);
        var (one, other) = (Person($"one.{county}"), Person($"other.{county}"));
        foreach (
            var (name, role, region, person) in new[]
            {
                ($"a1.{county}", Roles.Agency, county, one),
                ($"a2.{county}", Roles.Agency, county, one),
                ($"a3.{county}", Roles.Agency, county, other),
                ($"v1.{county}", Roles.VillageFinance, village.VillageCode, one),
                ($"v2.{county}", Roles.VillageFinance, village.VillageCode, one),
                ($"v3.{county}", Roles.VillageFinance, village.VillageCode, other),
            }
        )
            await program.PostAsync("/api/accounts", ApiFixture.AccountBody(name, role, region, person));
        SampleClient Agency(int n) => As($"a{n}.{county}", Roles.Agency, county);
        SampleClient Finance(int n) => As($"v{n}.{county}", Roles.VillageFinance, village.VillageCode);
        Assert.Equal(
            1,
            await api.ScalarAsync<long>(
                """
                select count(distinct data ->> 'person')
                  from ledger.mt_events
                 where type = 'account_opened'
                   and data ->> 'name' = any(@n)
                """,
                ("n", new[] { $"a1.{county}", $"a2.{county}", $"v1.{county}" })
            )
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.mt_events where data::text like @id or data::text like @name",
                ("id", $"%{one.CitizenId}%"),
                ("name", $"%{one.Name}%")
            )
        ); // it stands nowhere in clear
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.idempotency
                 where convert_from(body, 'UTF8') like @id or convert_from(body, 'UTF8') like @name
                """,
                ("id", $"%{one.CitizenId}%"),
                ("name", $"%{one.Name}%")
            )
        );

        // Reversal: neither named nor confirmed by oneself under another name.
        var allocation = (await village.AllocateAsync(7)).AllocationId;
        var reversal = $"/api/funds/{village.FundId}/allocations/{allocation}/reversal";
        await api.Host.RefusedAsync(
            "self-approval",
            Finance(1),
            reversal,
            new { confirmBy = $"v2.{county}", reason = "多记" }
        );
        foreach (var nobody in (string[])["nobody", $"a3.{county}", $"V1.{county}", $"v3\u200B.{county}"])
        {
            var refused = await api.Host.RefusedAsync(
                "field-invalid",
                Finance(1),
                reversal,
                new { confirmBy = nobody, reason = "多记" }
            );
            Assert.Equal("confirmBy", refused.Field);
        }
        await Finance(1).PostAsync(reversal, new { confirmBy = $"v3.{county}", reason = "多记" });
        await api.Host.RefusedAsync("self-approval", Finance(2), $"{reversal}/confirmation");
        await Finance(3).PostAsync($"{reversal}/confirmation");

        await Agency(1).PostAsync($"{village.ApplicationPath}/review", new { acceptRest = true });
        await api.Host.RefusedAsync("self-approval", Agency(2), $"{village.ApplicationPath}/approval");
        await api.Host.RefusedAsync(
            "self-approval",
            Agency(2),
            $"{village.ApplicationPath}/rejection",
            new { reason = "x" }
        );
        await Agency(3).PostAsync($"{village.ApplicationPath}/approval");
        await village.NoticeAsync();
        var pay = new
        {
            amount = 200.00m,
            purpose = "member-subsidy",
            bankReference = "NX1",
            evidence = new[] { await village.Officer.EvidenceAsync("slip") },
        };
        // Who reviewed.
        await api.Host.RefusedAsync("self-approval", Finance(1), $"{village.ApplicationPath}/payment", pay);
        // Who approved.
        await api.Host.RefusedAsync("self-approval", Finance(3), $"{village.ApplicationPath}/payment", pay);
        await api.Host.RefusedAsync("notice-open", village.Officer, $"{village.ApplicationPath}/payment", pay);
    }

    [Fact]
    public async Task C17_C21_one_person_with_two_accounts_countersigns_and_takes_back_nothing_of_his_own()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var (county, township) = (village.Offices.County, village.VillageCode[..9]);
        var program = As($"setup.{county}", Roles.Administrator, county);
        var (one, other) = (Person($"both.{county}"), Person($"third.{county}"));
        foreach (
            var (name, role, region, person) in new[]
            {
                ($"wv.{county}", Roles.VillageFinance, village.VillageCode, one),
                ($"wt.{county}", Roles.Township, township, one),
                ($"wa.{county}", Roles.Agency, county, one),
                ($"ot.{county}", Roles.Township, township, other),
                ($"ov.{county}", Roles.VillageFinance, village.VillageCode, other),
            }
        )
            await program.PostAsync("/api/accounts", ApiFixture.AccountBody(name, role, region, person));
        var finance = As($"wv.{county}", Roles.VillageFinance, village.VillageCode);
        var plan = $"/api/plans/{village.PlanId}";
        await finance.PostAsync(
            $"{plan}/amendments",
            new
            {
                source = "集体收入",
                scope = "成员",
                standard = SampleVillage.Flat(90),
                reason = "降低标准",
            }
        );
        await api.Host.RefusedAsync(
            "self-approval",
            As($"wt.{county}", Roles.Township, township),
            $"{plan}/countersignature"
        );
        await As($"ot.{county}", Roles.Township, township).PostAsync<PlanView>($"{plan}/countersignature");
        await api.Host.RefusedAsync(
            "self-approval",
            As($"ov.{county}", Roles.VillageFinance, village.VillageCode),
            $"{plan}/adoption"
        );

        api.Clock.Advance(TimeSpan.FromDays(8));
        await finance.PostAsync(
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 200.00m,
                purpose = "member-subsidy",
                bankReference = "NX1",
                evidence = new[] { await village.Officer.EvidenceAsync("slip") },
            }
        );
        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;
        var refund = new
        {
            memberId = member,
            reason = "death",
            bankReference = "TK1",
            evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("refund") },
        };
        var path = $"{village.ApplicationPath}/refunds";
        await api.Host.RefusedAsync("self-approval", As($"wa.{county}", Roles.Agency, county), path, refund);
        await village.Offices.Reviewer.PostAsync(path, refund);
    }

    [Fact]
    public async Task C20_an_account_that_is_only_asked_for_or_declined_shuts_out_nobody_whom_a_token_names()
    {
        var (county, first, second) = await BothAsync();
        var approver = As($"approver.{county}", Roles.Agency, county);
        await approver.GetAsync("/api/applications");
        await first.PostAsync("/api/accounts", ApiFixture.AccountBody(approver.Actor.Id, Roles.Auditor, county));
        await Task.Delay(TimeSpan.FromSeconds(4)); // what is known of an account is looked up again after three
        await approver.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications");
        await second.PostAsync(
            $"/api/accounts/account-{approver.Actor.Id}/pending/rejection",
            new { reason = "不是本单位人员" }
        );
        await Task.Delay(TimeSpan.FromSeconds(4));
        await approver.GetAsync("/api/applications");
    }

    [Fact]
    public async Task C15_an_account_from_before_says_later_whose_it_is_and_then_counts_so()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        var county = village.Offices.County;
        var program = As($"setup.{county}", Roles.Administrator, county);
        await program.PostAsync(
            "/api/accounts",
            ApiFixture.AccountBody($"new.{county}", Roles.Agency, county, Person(county))
        );
        // As the build before wrote it: an account that names nobody.
        await using (var connection = await api.Database.OpenConnectionAsync())
            foreach (
                var sql in (string[])
                    [
                        "insert into ledger.mt_streams (id, type, version) values (@id, 'account', 1)",
                        "insert into ledger.seal_floor (stream_id, version) values (@id, 1)",
                        """
                            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp,
                                                          tenant_id, mt_dotnet_type, is_archived, headers)
                            select nextval('ledger.mt_events_sequence'), gen_random_uuid(), @id, 1, @event::jsonb,
                                   'account_opened', now(), '*DEFAULT*',
                                   'Ledger.Domain.Accounts.AccountOpened, Ledger.Domain', false, @headers::jsonb
                            """,
                        """
                            insert into ledger.mt_doc_account (id, data, mt_version, region, mt_dotnet_type)
                            values (@id, @state::jsonb, 1, @county, 'Ledger.Domain.Accounts.Account')
                            """,
                    ]
            )
                await connection.ExecuteAsync(
                    sql,
                    ("id", $"account-old.{county}"),
                    ("county", county),
                    ("event", $$"""{"name":"old.{{county}}","role":"agency","roleRegion":"{{county}}"}"""),
                    (
                        "headers",
                        $$"""
                        {"actor":"setup.{{county}}","role":"administrator","region":"{{county}}",
                         "effectiveDate":"2026-01-05","idempotencyKey":"","command":"open-account","seal":""}
                        """
                    ),
                    (
                        "state",
                        $$"""
                        {"id":"account-old.{{county}}","name":"old.{{county}}","role":"agency",
                         "region":"{{county}}","isClosed":false,"revision":1,"delegates":{} }
                        """
                    )
                );
        var (old, fresh) = (As($"old.{county}", Roles.Agency, county), As($"new.{county}", Roles.Agency, county));
        var listed = (await program.GetAsync<IReadOnlyList<AccountView>>("/api/accounts")).ToDictionary(a => a.Name);
        Assert.Equal(["person"], listed[old.Actor.Id].Needs);
        Assert.Empty(listed[fresh.Actor.Id].Needs);
        Assert.Equal(Person(county).Name, listed[fresh.Actor.Id].PersonName);

        await old.PostAsync($"{village.ApplicationPath}/review", new { acceptRest = true });
        await program.PostAsync(
            $"/api/accounts/account-{old.Actor.Id}/holder",
            new { personName = Person(county).Name, citizenId = Person(county).CitizenId }
        );
        await api.Host.RefusedAsync(
            "wrong-state",
            program,
            $"/api/accounts/account-{old.Actor.Id}/holder",
            new { personName = "李四", citizenId = Person($"x{county}").CitizenId }
        ); // for good
        // What he did before counts as his.
        await api.Host.RefusedAsync("self-approval", fresh, $"{village.ApplicationPath}/approval");
        await village.ApproveAsync();
    }

    [Fact]
    public async Task C15_two_who_delegate_to_each_other_are_two()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        var county = village.Offices.County;
        var program = As($"setup.{county}", Roles.Administrator, county);
        string[] names = [$"left.{county}", $"right.{county}"];
        foreach (var name in names)
        {
            var once = (
                await program.PostAsync<IssuedAccountView>(
                    "/api/accounts",
                    ApiFixture.AccountBody(name, Roles.CountyTax, county)
                )
            ).OneTimePassword!;
            await OwnPasswordAsync(name, once);
        }
        // Both may act in the agency's role of one who is away; they also stand in for each other.
        var away = $"away.{county}";
        await program.PostAsync("/api/accounts", ApiFixture.AccountBody(away, Roles.Agency, county));
        foreach (var name in names)
            await As(away, Roles.Agency, county)
                .PostAsync<AccountView>(
                    $"/api/accounts/account-{away}/delegations",
                    new { to = name, until = api.Today }
                );
        async Task<string> TokenAsync(string name, string from)
        {
            var (_, enrolment) = await PostAsync("/api/session/second-factor", new { name, password = Password });
            var secret = enrolment.As<SecondFactorView>().Secret!;
            await PostAsync(
                "/api/session/second-factor",
                new
                {
                    name,
                    password = Password,
                    code = SignInCodes.Of(secret),
                }
            );
            var (status, session) = await PostAsync(
                "/api/session",
                new
                {
                    name,
                    password = Password,
                    code = SignInCodes.Of(secret),
                    delegatedFrom = from,
                }
            );
            Assert.Equal(HttpStatusCode.OK, status);
            return session.As<SessionView>().AccessToken;
        }
        async Task<(HttpStatusCode, string)> DoAsync(string token, string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = SampleClient.Json(body) };
            request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", token);
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
            using var response = await api.Http.SendAsync(request);
            return (response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        var (left, right) = (await TokenAsync(names[0], away), await TokenAsync(names[1], away));
        Assert.Equal(
            HttpStatusCode.OK,
            (await DoAsync(left, $"{village.ApplicationPath}/review", new { acceptRest = true })).Item1
        );
        var (status, answer) = await DoAsync(right, $"{village.ApplicationPath}/approval", new { });
        Assert.True(
            status == HttpStatusCode.Forbidden && answer.Contains("\"self-approval\"", StringComparison.Ordinal),
            $"{status} {answer}"
        ); // the one who is away would review and approve
        await api.Host.RefusedAsync(
            "self-approval",
            As(away, Roles.Agency, county),
            $"{village.ApplicationPath}/approval"
        );
        Assert.Contains(
            $"\"onBehalfOf\": \"{away}\"",
            await api.ScalarAsync<string>(
                "select data::text from ledger.mt_events where stream_id = @s and type = 'application_reviewed'",
                ("s", village.ApplicationId)
            )
        );
        Assert.Equal(
            away,
            await api.ScalarAsync<string>(
                """
                select headers ->> 'onBehalfOf'
                  from ledger.mt_events
                 where stream_id = @s
                   and type = 'application_reviewed'
                """,
                ("s", village.ApplicationId)
            )
        );
        await village.ApproveAsync();
    }

    [Fact]
    public async Task Reserved_names_are_nobodys_and_an_old_account_of_such_a_name_is_listed_and_shut()
    {
        var county = api.NewOffices().County;
        var program = As($"setup.{county}", Roles.Administrator, county);
        foreach (var name in (string[])["public", "console", "system", "sample", "oidc:li.si"])
        {
            await api.Host.RefusedAsync(
                "field-invalid",
                program,
                "/api/accounts",
                ApiFixture.AccountBody(name, Roles.Agency, county)
            );
            // A token of ours that names it, from before the rule or however made, is none.
            await api.Host.RefusedAsync(
                "unauthenticated",
                As(name, Roles.Auditor, county),
                HttpMethod.Get,
                "/api/funds"
            );
        }
        // As the build before would have let it be opened.
        var hasher = new Microsoft.AspNetCore.Identity.PasswordHasher<Accounts.LedgerUser>();
        await using (var connection = await api.Database.OpenConnectionAsync())
            await connection.ExecuteAsync(
                """
                insert into accounts."AspNetUsers" ("Id", "UserName", "NormalizedUserName", "Role", "Region",
                                                    "IsClosed", "MustChangePassword", "PasswordHash", "EmailConfirmed",
                                                    "PhoneNumberConfirmed", "TwoFactorEnabled", "LockoutEnabled",
                                                    "AccessFailedCount")
                values ('console', 'console', 'CONSOLE', 'county-tax', @county, false, false, @hash, false, false,
                        false, true, 0)
                    on conflict do nothing
                """,
                ("county", county),
                ("hash", hasher.HashPassword(new Accounts.LedgerUser(), Password))
            );
        Assert.Equal("sign-in-failed", await CodeAsync("/api/session", new { name = "console", password = Password }));
        Assert.Equal(
            "sign-in-failed",
            await CodeAsync("/api/session/page", new { name = "console", password = Password })
        );
        Assert.Equal(
            ["person", "another-name"],
            Accounts.AccountView.NeedsOf(new Domain.Accounts.Account { Name = "console" })
        );

        foreach (var name in (string[])["public", "console", "oidc:li.si", "13800138000"])
            Assert.StartsWith("--name ", TokenCommand.Fault(new Actor(name, Roles.Auditor, county), days: 1));
    }
}
