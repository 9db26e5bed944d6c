using System.Net;
using System.Text.Json;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The thief of the application's role adds events that would give somebody rights, or change the rules: nothing
/// follows from them, they are named, and no rebuild makes them true. docs/security.md
/// </summary>
public sealed class ForgedRightsTests(Databases databases) : IClassFixture<Databases>
{
    private const string Administrator = """'{"role": "administrator", "roleRegion": "370811"}'""";

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

    private static SampleClient AdministratorOf(Product product) =>
        product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"));

    private static async Task OpenAsync(Product product, string name, string role, string region)
    {
        var issued = await AdministratorOf(product)
            .PostAsync("/api/accounts", ApiFixture.AccountBody(name, role, region));
        var own = new
        {
            name,
            password = issued.GetProperty("oneTimePassword").GetString(),
            newPassword = "correct horse 4",
        };
        Assert.Equal(HttpStatusCode.NoContent, (await SendAsync(product, "/api/session/password", own)).Status);
    }

    /// <summary>In which role and region somebody is let in.</summary>
    private static async Task<(string? Role, string? Region, string Token)> SignInAsync(Product product, string name)
    {
        var (status, answer) = await SendAsync(product, "/api/session", new { name, password = "correct horse 4" });
        Assert.True(status == HttpStatusCode.OK, $"{name}: {answer}");
        return (
            answer.GetProperty("role").GetString(),
            answer.GetProperty("region").GetString(),
            answer.GetProperty("accessToken").GetString()!
        );
    }

    [Fact]
    public async Task Nobody_becomes_what_an_event_says_that_the_product_did_not_write()
    {
        await using var product = await Product.StartAsync(databases, "ledger_forger");
        var village = product.Village.VillageCode;
        await OpenAsync(product, "li.na", Roles.VillageFinance, village);
        await OpenAsync(product, "zhao.lei", Roles.VillageFinance, "370811000002");
        var before = await SignInAsync(product, "li.na");

        var forged = await product.ForgeAsync("account-li.na", "account_changed", Administrator, "account_opened");
        await product.EditAsync("update ledger.mt_streams set version = version + 1 where id = 'account-li.na'");
        var after = await SignInAsync(product, "li.na");
        Assert.Equal((Roles.VillageFinance, village), (after.Role, after.Region));
        await product.FoundAsync("state", $"account-li.na：事件 {forged}（account_changed");
        foreach (var token in (string[])[before.Token, after.Token])
            Assert.Equal(HttpStatusCode.Forbidden, (await SendAsync(product, "/api/accounts", null, token)).Status);

        // Neither without the state beside it, nor with one that he made, nor worked out anew by whom it may concern.
        await product.EditAsync("delete from ledger.mt_doc_account where id = 'account-li.na'");
        Assert.Equal(Roles.VillageFinance, (await SignInAsync(product, "li.na")).Role);
        await product.EditAsync(
            """
            update ledger.mt_doc_account
               set data = jsonb_set(data, '{role}', '"administrator"')
             where id = 'account-zhao.lei'
            """
        );
        Assert.Equal(Roles.VillageFinance, (await SignInAsync(product, "zhao.lei")).Role);
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check", "--rebuild");
        Assert.Equal(1, exit);
        Assert.Contains($"Events account-li.na C20: 现为 account_changed", said);
        Assert.Contains($"（事件 {forged}）", said);
        Assert.Equal(Roles.VillageFinance, (await SignInAsync(product, "li.na")).Role);
        (exit, said) = await ApiHost.RunAsync(product.Settings, "rebuild");
        Assert.True(exit == 0 && said.Contains($"事件 {forged}（account_changed", StringComparison.Ordinal), said);
        Assert.Equal(Roles.VillageFinance, (await SignInAsync(product, "li.na")).Role);
        (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Contains($"（事件 {forged}）", said);
        Assert.True(said.Split("现为").Length == 2, said);

        // The account goes on: what the product writes after it counts, and one who was alone is so still.
        await AdministratorOf(product)
            .PostAsync(
                "/api/accounts/account-li.na/role",
                new { role = Roles.VillageFinance, region = "370811000003" }
            );
        Assert.Equal("370811000003", (await SignInAsync(product, "li.na")).Region);
        // His token was none for that before; it ends with the change, which is known within seconds.
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                var (status, _) = await SendAsync(
                    product,
                    "/api/accounts/account-li.na/role",
                    new { role = Roles.Administrator, region = "370811" },
                    after.Token
                );
                Assert.Contains(status, (HttpStatusCode[])[HttpStatusCode.Forbidden, HttpStatusCode.Unauthorized]);
                return status == HttpStatusCode.Unauthorized;
            },
            "his token has ended"
        );
    }

    [Fact]
    public async Task Nobody_is_parted_from_his_other_account_by_a_hash()
    {
        await using var product = await Product.StartAsync(databases, "ledger_parted");
        var village = product.Village.VillageCode;
        var person = new SamplePeople(77).Next("370811");
        var administrator = AdministratorOf(product);
        await administrator.PostAsync(
            "/api/accounts",
            ApiFixture.AccountBody("li.na", Roles.VillageFinance, village, person)
        );
        var holder = await product.ScalarAsync<string>(
            "select data ->> 'person' from ledger.mt_events where stream_id = 'account-li.na' and version = 1"
        );
        await product.EditAsync($"update ledger.person set id_hash = sha256('x') where member_id = '{holder}'");
        await ApiFixture.RefusedAsync(
            "person-damaged",
            administrator,
            "/api/accounts",
            ApiFixture.AccountBody("li.na2", Roles.VillageFinance, "370811000002", person)
        );
        await product.StopAsync();
        product.Settings["Ledger__Log__ScrubMinutes"] = "0.02";
        await product.StartAsync();
        await product.FoundAsync("person", "account-li.na");
    }

    [Fact]
    public async Task No_delegation_no_person_and_no_account_comes_of_such_an_event()
    {
        await using var product = await Product.StartAsync(databases, "ledger_forgeries");
        var village = product.Village.VillageCode;
        await OpenAsync(product, "li.na", Roles.VillageFinance, village);
        await OpenAsync(product, "zhao.lei", Roles.CountyHrss, "370811");

        // In the role of another.
        await product.ForgeAsync(
            "account-zhao.lei",
            "delegation_granted",
            """'{"to": "li.na", "until": "2099-12-31"}'""",
            "account_opened"
        );
        var (status, answer) = await SendAsync(
            product,
            "/api/session",
            new
            {
                name = "li.na",
                password = "correct horse 4",
                delegatedFrom = "zhao.lei",
            }
        );
        Assert.True(status == HttpStatusCode.Unauthorized, $"{answer}");

        // Other credentials, a closing, what nobody can read: none of it shuts its person out.
        await product.ForgeAsync(
            "account-zhao.lei",
            "credentials_changed",
            $"'{{\"digest\": \"{new string('0', 64)}\"}}'"
        );
        await product.ForgeAsync("account-zhao.lei", "account_closed", "'{\"reason\": \"x\"}'", "account_opened");
        await product.ForgeAsync("account-zhao.lei", "account_changed", "'{}'", "account_opened");
        await product.ForgeAsync("account-zhao.lei", "no_such_event", "'{}'", "account_opened");
        Assert.Equal(Roles.CountyHrss, (await SignInAsync(product, "zhao.lei")).Role);

        // A name that he took first is refused in words; another is opened.
        await product.EditAsync(
            "insert into ledger.mt_streams (id, type, version) values ('account-wang.wu', 'account', 1)"
        );
        await product.EditAsync(
            """
            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                          mt_dotnet_type, is_archived, headers)
            select nextval('ledger.mt_events_sequence'), gen_random_uuid(), 'account-wang.wu', 1,
                   jsonb_set(data, '{role}', '"administrator"'), type, timestamp, tenant_id, mt_dotnet_type, false,
                   headers
              from ledger.mt_events where stream_id = 'account-zhao.lei' and version = 1
            """
        );
        await ApiFixture.RefusedAsync(
            "record-damaged",
            AdministratorOf(product),
            "/api/accounts",
            ApiFixture.AccountBody("wang.wu", Roles.VillageFinance, village)
        );
        // Nor does he make somebody a second administrator, without whom the first can do nothing alone.
        await OpenAsync(product, "wang.liu", Roles.VillageFinance, village);

        // Without a seal at all the database refuses it, in each of the streams.
        var guard = await product.ScalarAsync<string>("select prosrc from pg_proc where proname = 'refuse_unwritten'");
        Assert.All(EventSeal.Streams, s => Assert.Contains($"'{s}'", guard));
        var bare = await Assert.ThrowsAsync<PostgresException>(() =>
            product.EditAsync(
                """
                insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                              mt_dotnet_type, is_archived, headers)
                select nextval('ledger.mt_events_sequence'), gen_random_uuid(), stream_id, 99, data, type, timestamp,
                       tenant_id, mt_dotnet_type, false, headers - 'seal'
                  from ledger.mt_events where stream_id = 'account-zhao.lei' and version = 1
                """
            )
        );
        Assert.Equal("42501", bare.SqlState);
        await Assert.ThrowsAsync<PostgresException>(() =>
            product.EditAsync("insert into ledger.seal_floor (stream_id, version) values ('account-zhao.lei', 99)")
        );
    }

    [Fact]
    public async Task The_rules_and_who_is_one_with_whom_stay_as_the_product_wrote_them()
    {
        await using var product = await Product.StartAsync(databases, "ledger_rules");
        var village = product.Village;
        var people = new SamplePeople(1).Take(2, "370811");
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        var policy = await product.ScalarAsync<string>(
            "select stream_id from ledger.mt_events where type = 'policy_year_published' limit 1"
        );
        var rules = await product.ForgeAsync(
            policy,
            "policy_year_amended",
            "jsonb_set(data, '{parameters,noticeDays}', '1') - 'region' - 'year'",
            "policy_year_published"
        );
        var plan = await product.ForgeAsync(
            village.PlanId,
            "plan_amended",
            """jsonb_build_object('planVersion', 2, 'content', data -> 'content', 'reason', 'x')""",
            "plan_drafted"
        );
        var merged = await product.ForgeAsync(
            village.CollectiveId,
            "collective_renamed",
            """'{"name": "x", "evidence": []}'""",
            "collective_registered"
        );
        await village.FileAsync(people);
        await product.FoundAsync("state", $"PolicyYear {policy}：事件 {rules}（policy_year_amended");
        await product.FoundAsync("state", $"Plan {village.PlanId}：事件 {plan}（plan_amended");
        await product.FoundAsync("state", $"Collective {village.CollectiveId}：事件 {merged}（collective_renamed");
        Assert.Equal(
            0,
            await product.ScalarAsync<long>("select count(*) from ledger.log_finding where detail like '%文档为%'")
        );
        await village.ReviewAsync();
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(1, exit);
        foreach (var forged in (long[])[rules, plan, merged])
            Assert.Contains($"（事件 {forged}）", said);
        Assert.True(said.Split("现为").Length == 4, said);
    }

    [Fact]
    public async Task What_was_written_before_there_were_seals_counts_and_what_came_after_does_not()
    {
        await using var product = await Product.StartAsync(databases, "ledger_floor");
        await OpenAsync(product, "li.na", Roles.VillageFinance, product.Village.VillageCode);
        await product.StopAsync();
        // As the build before left it.
        await product.AttackAsync(
            """
            drop function ledger.refuse_unwritten cascade;
            drop function ledger.refuse_early cascade;
            drop table ledger.seal_floor, ledger.spent;
            drop index ledger.audit_entry_nobodys;
            update ledger.mt_events set headers = headers - 'seal' where stream_id like 'account-%';
            delete from ledger.migration where name >= 'V0003';
            delete from ledger.schema_stamp;
            """
        );
        await product.StartAsync();
        Assert.Equal(Roles.VillageFinance, (await SignInAsync(product, "li.na")).Role);
        await product.EditAsync("delete from ledger.mt_doc_account where id = 'account-li.na'");
        Assert.Equal(Roles.VillageFinance, (await SignInAsync(product, "li.na")).Role);
        await product.AttackAsync(
            $"""
            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                          mt_dotnet_type, is_archived, headers)
            select -5, gen_random_uuid(), stream_id, version + 1, {Administrator}, 'account_changed', timestamp,
                   tenant_id, mt_dotnet_type, false, headers || jsonb_build_object('seal', 'x')
              from ledger.mt_events where stream_id = 'account-li.na' order by version desc limit 1
            """
        ); // with a number from before
        Assert.Equal(Roles.VillageFinance, (await SignInAsync(product, "li.na")).Role);
        await product.FoundAsync("state", "account-li.na：事件 -5（account_changed");
    }
}
