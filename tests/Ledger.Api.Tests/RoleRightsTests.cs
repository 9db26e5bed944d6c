using System.Net;
using System.Text.RegularExpressions;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The thief of the application's role on the database: table by table what he may change or delete, what goes wrong
/// then, and who notices. docs/security.md has the table; a right that is not in it fails here.
/// </summary>
public sealed partial class RoleRightsTests(Databases databases) : IClassFixture<Databases>
{
    [GeneratedRegex("^\\| `((?:ledger|accounts|wolverine)\\.[^`]+)`", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [Fact]
    public async Task Every_table_that_the_role_may_change_stands_in_the_document()
    {
        var document = Rows()
            .Matches(await File.ReadAllTextAsync(Path.Combine(TourTests.Repository, "docs", "security.md")))
            .Select(m => m.Groups[1].Value)
            .ToList();
        await using var product = await Product.NewAsync(databases, "ledger_rights");
        Assert.Equal(0, (await ApiHost.RunAsync(product.Settings, "schema")).Exit);
        await using var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await connection.OpenAsync();
        var changeable = await connection.QueryAsync(
            """
            select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname in ('ledger', 'accounts', 'wolverine') and c.relkind in ('r', 'p')
               and (has_table_privilege(c.oid, 'UPDATE') or has_any_column_privilege(c.oid,
                                        'UPDATE') or has_table_privilege(c.oid, 'DELETE') or has_table_privilege(c.oid,
                                        'TRUNCATE'))
            """,
            r => r.GetString(0)
        );
        Assert.DoesNotContain(changeable, table => !document.Any(row => Fits(row, table)));
        Assert.DoesNotContain(document, row => !changeable.Any(table => Fits(row, table)));

        // `ledger.mt_doc_*` stands for all of them.
        static bool Fits(string row, string table) =>
            row.EndsWith('*') ? table.StartsWith(row[..^1], StringComparison.Ordinal) : row == table;
    }

    [Fact]
    public async Task What_the_thief_changes_is_noticed_as_the_document_says()
    {
        await using var product = await Product.StartAsync(databases, "ledger_thief");
        var village = product.Village;
        var people = new SamplePeople(1).Take(2, village.Offices.County);
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await village.FileAsync(people);
        await ApiFixture.EventuallyAsync(
            async () => (await CheckAsync()) is { IsSound: true, Behind: 0 },
            "all is taken in"
        );

        // A stream's version, up and down: the next command goes by the events, and says so.
        await product.EditAsync($"update ledger.mt_streams set version = version + 5 where id = '{village.FundId}'");
        await village.AllocateAsync(1);
        await product.EditAsync($"update ledger.mt_streams set version = 1 where id = '{village.FundId}'");
        await village.AllocateAsync(1);
        await product.FoundAsync("state", "流的版本被改动");
        Assert.Equal(
            0,
            await product.ScalarAsync<long>(
                """
                select count(*)
                  from (select stream_id from ledger.mt_events group by 1 having max(version) <> count(*)) gaps
                """
            )
        );
        Assert.Equal(
            3_002m,
            (await village.Officer.GetAsync($"/api/funds/{village.FundId}")).GetProperty("availableAmount").GetDecimal()
        );

        // The trail and the intervals of fen: he takes nothing away, and changes nothing. The check names what the
        // owner took, and with the owner's hand it mends; with his own alone it does not begin.
        string[] taken =
        [
            "delete from ledger.audit_entry where type = 'funds_allocated'",
            "delete from ledger.fen_axis where kind = 'allocated'",
        ];
        foreach (
            var sql in taken.Concat([
                "update ledger.audit_entry set actor = 'x'",
                "update ledger.fen_axis set reference = 'x'",
                "delete from ledger.audit_entry_id",
            ])
        )
            Assert.Equal(
                PostgresErrorCodes.InsufficientPrivilege,
                (await Assert.ThrowsAsync<PostgresException>(() => product.EditAsync(sql))).SqlState
            );
        await product.AttackAsync(string.Join(";", taken));
        var (code, words) = await ApiHost.RunAsync(
            new Dictionary<string, string>(product.Settings)
            {
                ["ConnectionStrings__Ledger"] = await product.ApplicationConnectionAsync(),
            },
            "check",
            "--rebuild"
        );
        Assert.True(code != 0 && words.Contains("LedgerOwner", StringComparison.Ordinal), words);
        (code, words) = await ApiHost.RunAsync(product.Settings, "check", "--rebuild");
        Assert.True(code == 1 && words.Contains("AuditTrail") && words.Contains("FenAxis"), words);

        // Read models: the check names each.
        foreach (
            var (projection, sql) in new[]
            {
                ("WorkQueue", $"update ledger.mt_doc_workitem set data = jsonb_set(data, '{{status}}', '\"settled\"')"),
                ("Plan", "delete from ledger.mt_doc_plan"),
            }
        )
        {
            await product.EditAsync(sql);
            var (exit, said) = await ApiHost.RunAsync(product.Settings, "check", "--rebuild");
            Assert.True(exit == 1 && said.Contains(projection, StringComparison.Ordinal), $"{sql}: {said}");
        }
        Assert.True((await CheckAsync()).IsSound);

        // The lease of the asynchronous projections: for a minute each answer says how much it does not know yet; for
        // ever nobody has it.
        await product.EditAsync(
            "update ledger.lease set holder = gen_random_uuid(), until = now() + interval '1 minute'"
        );
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await village.AllocateAsync(1);
                return (await CheckAsync()).Behind > 0;
            },
            "the audit trail stands still, and says so"
        );
        await product.EditAsync("update ledger.lease set holder = gen_random_uuid(), until = 'infinity'");
        await ApiFixture.EventuallyAsync(
            async () => (await CheckAsync()) is { IsSound: true, Behind: 0 },
            "it goes on"
        );

        // How far the log has looked: not beyond what there is, or what comes later would never be sealed.
        await Assert.ThrowsAsync<PostgresException>(() =>
            product.EditAsync("update ledger.log_state set fence = 999999999")
        );
        await Assert.ThrowsAsync<PostgresException>(() =>
            product.EditAsync("update ledger.log_state set low_water = 999999999")
        );

        // In which shape states were written: at once on the health page; the look sets it right (below, at the next
        // start).
        await product.EditAsync("update ledger.state_shape set shape = 'x' where type = 'Fund'");
        await ApiFixture.EventuallyAsync(
            async () => (await HealthAsync()).Contains("states-changed", StringComparison.Ordinal),
            "health says so"
        );

        // A person's row: nobody reads what the product did not write.
        var member = await product.ScalarAsync<string>(
            "select member_id from ledger.person where member_id like 'member-%' and data is not null limit 1"
        );
        // Nor what it wrote before a correction: an earlier card, put back.
        var corrected = await product.ScalarAsync<string>(
            $"""
            select id
              from ledger.mt_doc_member
             where id <> '{member}'
               and data -> 'memberships' ? '{village.CollectiveId}' limit 1
            """
        );
        var earlier = await product.ScalarAsync<string>(
            $"""
            select format('wrapped_key = %L, data = %L', wrapped_key, data)
              from ledger.person
             where member_id = '{corrected}'
            """
        );
        await village.Officer.PostAsync(
            $"/api/members/{corrected}/corrections",
            new { bankCard = "6222020200112230", reason = "换卡" }
        );
        await product.EditAsync($"update ledger.person set {earlier} where member_id = '{corrected}'");
        await ApiFixture.RefusedAsync(
            "person-damaged",
            village.Offices.Reviewer,
            $"/api/members/{corrected}/disclosure",
            new { reason = "核对" }
        );
        await product.FoundAsync("person", corrected);
        await product.EditAsync($"update ledger.person set data = '\\x00' where member_id = '{member}'");
        await ApiFixture.RefusedAsync(
            "person-damaged",
            village.Offices.Reviewer,
            $"/api/members/{member}/disclosure",
            new { reason = "核对" }
        );
        await product.FoundAsync("person", member);

        // Projections that were told that they have seen everything: what they left out is named.
        await product.StopAsync();
        await product.EditAsync(
            "insert into ledger.mt_event_projection_floors values ('AuditTrail:All', '*DEFAULT*', 1000000)"
        );
        await product.EditAsync("insert into ledger.mt_high_water_skips values (1000000, 1)");
        await product.StartAsync();
        village = product.Village;
        await village.AllocateAsync(1);
        var last = await product.ScalarAsync<long>(
            "select max(seq_id) from ledger.mt_events where type = 'funds_allocated'"
        );
        await ApiFixture.EventuallyAsync(
            async () =>
                await product.ScalarAsync<long>($"select count(*) from ledger.audit_entry where seq = {last}") == 1
                || !(await CheckAsync()).IsSound,
            "the entry is there, or its lack is named"
        );
        await product.StopAsync();
        await product.EditAsync(
            "update ledger.mt_event_progression set last_seq_id = last_seq_id + 1000 where name like 'AuditTrail%'"
        );
        await product.StartAsync();
        village = product.Village;
        await ApiFixture.EventuallyAsync(
            async () => !(await HealthAsync()).Contains("states-changed", StringComparison.Ordinal),
            "the look has set the shape right"
        );
        await village.AllocateAsync(1);
        await ApiFixture.EventuallyAsync(
            async () => !(await CheckAsync()).IsSound,
            "the check names what the audit trail lacks"
        );

        // The log's own rows: what is not there cannot be signed.
        var far = await Assert.ThrowsAsync<PostgresException>(() =>
            product.EditAsync("update ledger.log_state set size = size + 1000000")
        );
        Assert.Equal("42501", far.SqlState);
        // Nor further than there are entries, whatever numbers he spends.
        far = await Assert.ThrowsAsync<PostgresException>(() =>
            product.EditAsync(
                """
                with spent as (select nextval('ledger.mt_events_sequence') from generate_series(1, 200))
                update ledger.log_state set size = size + 100 where (select count(*) from spent) = 200
                """
            )
        );
        Assert.Equal("42501", far.SqlState);

        async Task<string> HealthAsync()
        {
            using var response = await product.Http.GetAsync("/health/ready");
            return await response.Content.ReadAsStringAsync();
        }

        async Task<(bool IsSound, long Behind)> CheckAsync() =>
            await product.CityAuditor.GetAsync("/api/audit/check") is var check
                ? (check.GetProperty("isSound").GetBoolean(), check.GetProperty("behind").GetInt64())
                : default;
    }

    [Fact]
    public async Task What_was_edited_in_the_tables_of_sign_in_opens_no_door()
    {
        await using var product = await Product.StartAsync(databases, "ledger_roles");
        var village = product.Village;
        var administrator = product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"));
        var issued = await administrator.PostAsync(
            "/api/accounts",
            ApiFixture.AccountBody("wang.min", Roles.VillageFinance, village.VillageCode)
        );
        await administrator.PostAsync("/api/accounts", ApiFixture.AccountBody("zhao.lei", Roles.CountyHrss, "370811"));
        async Task<System.Text.Json.JsonElement> PostAsync(string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = SampleClient.Json(body) };
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
            using var response = await product.Http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, text);
            return text.Length == 0
                ? default
                : System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(text);
        }
        await PostAsync(
            "/api/session/password",
            new
            {
                name = "wang.min",
                password = issued.GetProperty("oneTimePassword").GetString(),
                newPassword = "correct horse 4",
            }
        );
        var session = await PostAsync("/api/session", new { name = "wang.min", password = "correct horse 4" });

        async Task<HttpStatusCode> StatusAsync(string path, object body, string? cookie = null)
        {
            using var request = new HttpRequestMessage(body is string ? HttpMethod.Get : HttpMethod.Post, path)
            {
                Content = body is string ? null : SampleClient.Json(body),
            };
            if (cookie is not null)
                request.Headers.Add("Cookie", $"ledger-session={cookie}");
            using var response = await product.Http.SendAsync(request);
            return response.StatusCode;
        }

        // His own password, seal and all, in another's row: as a wrong password, and on record.
        await product.EditAsync(
            """
            update accounts."AspNetUsers" z
               set "PasswordHash" = w."PasswordHash", "MustChangePassword" = false, "Seal" = w."Seal"
              from accounts."AspNetUsers" w
             where z."Id" = 'zhao.lei' and w."Id" = 'wang.min'
            """
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await StatusAsync("/api/session", new { name = "zhao.lei", password = "correct horse 4" })
        );
        await product.FoundAsync("account", "account-zhao.lei：登录表中的口令");

        // A session of his own making, and his own made another's.
        var cookie = "a-secret-of-the-thief";
        await product.EditAsync(
            $"""
            insert into accounts."Sessions" ("Id", "UserId", "TokenHash", "Address", "Agent", "StartedAt", "UsedAt",
                                             "ExpiresAt", "Seal")
            values (gen_random_uuid(), 'zhao.lei', '{Accounts.PageSession.Hash(
                cookie
            )}', '', '', now(), now(), now() + interval '1 day', 'c2VhbA==')
            """
        );
        Assert.Equal(HttpStatusCode.Unauthorized, await StatusAsync("/api/sessions", "", cookie));
        await product.FoundAsync("account", "account-zhao.lei：登录表中的会话");
        await product.EditAsync("""update accounts."Sessions" set "UserId" = 'zhao.lei' where "UserId" = 'wang.min'""");
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await StatusAsync(
                "/api/session/refresh",
                new { refreshToken = session.GetProperty("refreshToken").GetString() }
            )
        );
        await product.EditAsync(
            """
            update accounts."Sessions"
               set "UserId" = 'wang.min'
             where "UserId" = 'zhao.lei'
               and "Seal" <> 'c2VhbA=='
            """
        );

        // A second factor of his own making: already the row of the account, which says that there is one, is not the
        // product's.
        await product.EditAsync(
            """
            insert into accounts."AspNetUserTokens" ("UserId", "LoginProvider", "Name", "Value", "Seal")
            values ('wang.min', '[AspNetUserStore]', 'AuthenticatorKey', 'JBSWY3DPEHPK3PXP', 'c2VhbA==')
            """
        );
        await product.EditAsync(
            """update accounts."AspNetUsers" set "TwoFactorEnabled" = true where "Id" = 'wang.min'"""
        );
        Assert.Equal(
            HttpStatusCode.Unauthorized,
            await StatusAsync(
                "/api/session",
                new
                {
                    name = "wang.min",
                    password = "correct horse 4",
                    code = "123456",
                }
            )
        );
        await product.FoundAsync("account", "account-wang.min：登录表中的口令");
        await product.EditAsync(
            """update accounts."AspNetUsers" set "TwoFactorEnabled" = false where "Id" = 'wang.min'"""
        );

        // Another name, role and region: his session goes on in his own.
        await product.EditAsync(
            """
            update accounts."AspNetUsers"
               set "Role" = 'county-hrss', "Region" = '370811', "UserName" = 'zhao.lei2'
             where "Id" = 'wang.min'
            """
        );
        var next = await PostAsync(
            "/api/session/refresh",
            new { refreshToken = session.GetProperty("refreshToken").GetString() }
        );
        Assert.Equal(
            ("wang.min", Roles.VillageFinance, village.VillageCode),
            (
                next.GetProperty("name").GetString(),
                next.GetProperty("role").GetString(),
                next.GetProperty("region").GetString()
            )
        );
        await product.FoundAsync("account", "wang.min");
    }

    [Fact]
    public async Task An_event_written_past_the_product_is_named_and_stops_no_more_than_what_cannot_follow_from_it()
    {
        await using var product = await Product.StartAsync(databases, "ledger_forged");
        var (village, other) = (product.Village, Another(product, 2));
        await other.RegisterAsync();
        await other.AllocateAsync(3_000);
        var people = new SamplePeople(1).Take(2, "370811");
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await village.FileAsync(people);
        await village.ReviewAsync();

        // It would follow: but no state of the product's knows of it, and it bears no mark of the product's.
        var forged = await product.ForgeAsync(
            other.FundId,
            "funds_allocated",
            """
            jsonb_set(jsonb_set(data, '{fen}', '{"from": 300000, "to": 600000}'),
                      '{allocationId}', '"allocation-x"')
            """
        );
        var past = await Assert.ThrowsAsync<InvalidOperationException>(() => other.AllocateAsync(1));
        Assert.Contains("fund-damaged", past.Message);
        await product.FoundAsync("state", $"{other.FundId}：事件 {forged}（funds_allocated");
        Assert.Equal(
            0,
            await product.ScalarAsync<long>("select count(*) from ledger.log_finding where detail like '%文档为%'")
        );

        // The same fen again: nothing follows from it.
        forged = await product.ForgeAsync(village.FundId, "funds_allocated", "data");
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => village.AllocateAsync(1));
        Assert.Contains("fund-damaged", refused.Message);
        await ApiFixture.RefusedAsync("fund-damaged", village.Offices.Approver, $"{village.ApplicationPath}/approval");
        await product.FoundAsync("state", $"{village.FundId}：事件 {forged}（funds_allocated");
        foreach (var look in (string[])["", "/statement", "/trial-balance"])
            await village.Officer.GetAsync($"/api/funds/{village.FundId}{look}");
        await Another(product, 3).RegisterAsync(); // the others go on

        // One that no build wrote, in a stream that is no fund's.
        forged = await product.ForgeAsync(village.ApplicationId, "application_filed", "'{}'");
        await ApiFixture.RefusedAsync(
            "record-damaged",
            village.Offices.Approver,
            $"{village.ApplicationPath}/approval"
        );
        await product.FoundAsync("state", $"事件 {forged}（application_filed");
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(1, exit);
        Assert.Contains($"事件 {forged}（application_filed）无法读取", said);
    }

    [Fact]
    public async Task A_checkpoint_that_is_not_the_logs_is_given_to_nobody_and_found()
    {
        await using var product = await Product.StartAsync(databases, "ledger_notes");
        var real = await product.SealedAsync();
        var size = TransparencyLog.Checkpoint.Parse(real).Size;
        var forged = real.Replace($"\n{size}\n", $"\n{size + 1}\n", StringComparison.Ordinal);
        string Insert(long at, string note) =>
            $"insert into ledger.log_checkpoint (size, note) values ({at}, '{note}')";
        var ahead = await Assert.ThrowsAsync<PostgresException>(() => product.EditAsync(Insert(size + 900, "x")));
        Assert.Equal("42501", ahead.SqlState);
        // From before that was refused: one of his own making, one that nobody can read, and a real one under another
        // size.
        foreach (var (at, note) in new[] { (size + 1, forged), (size + 900, "x"), (size + 901, real) })
            await product.AttackAsync(Insert(at, note));
        Assert.Equal(real, await product.Http.GetStringAsync("/log/checkpoint"));
        var status = await product.CityAuditor.GetAsync("/api/audit/log");
        Assert.Equal(size, status.GetProperty("signedSize").GetInt64());
        // The log goes on, past the place that was taken.
        await product.Village.AllocateAsync(1);
        await product.FoundAsync("checkpoint", $"{size + 1}");
        var check = await product.CityAuditor.GetAsync("/api/audit/log/check");
        Assert.Contains($"{size + 1}", check.GetProperty("findings").GetRawText());
        await product.Village.AllocateAsync(1);
        Assert.True(TransparencyLog.Checkpoint.Parse(await product.SealedAsync()).Size > size + 1);
        var sequence = await product.ScalarAsync<long>("select max(seq_id) from ledger.mt_events");
        var keys = Path.Combine(product.Folder.FullName, "public");
        await File.WriteAllTextAsync(keys, await product.Http.GetStringAsync("/log/keys"));
        var receipt = await product.DownloadAsync($"/api/audit/events/{sequence}/receipt", "1.tlog-proof");
        Assert.Equal(0, Programs.VerifyHere("receipt", receipt, "--key", keys).Exit);
    }

    [Fact]
    public async Task What_is_of_a_region_that_is_none_shuts_the_log_for_nobody_and_is_found()
    {
        await using var product = await Product.StartAsync(databases, "ledger_nowhere");
        async Task<HttpStatusCode> LogAsync()
        {
            using var response = await product.CityAuditor.SendAsync(HttpMethod.Get, "/api/exports/log", null);
            return response.StatusCode;
        }
        string Of(string region) =>
            $$"""
                insert into ledger.mt_streams (id, version) values ('refusal-{{region}}', 1);
                insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                              mt_dotnet_type, is_archived, correlation_id, causation_id, headers)
                select nextval('ledger.mt_events_sequence'), gen_random_uuid(), 'refusal-{{region}}', 1,
                       '{"command":"x","code":"not-found","targetId":null}', 'command_refused', timestamp, tenant_id,
                       'Ledger.Domain.CommandRefused, Ledger.Domain', false, correlation_id, causation_id,
                       headers || '{"region":"{{region}}"}'
                  from ledger.mt_events
                 order by seq_id desc
                 limit 1
                """;
        Assert.Equal(HttpStatusCode.OK, await LogAsync());
        var refused = await Assert.ThrowsAsync<PostgresException>(() => product.EditAsync(Of("37")));
        Assert.Equal("42501", refused.SqlState);
        // From before that was refused.
        foreach (var region in (string[])["37", "3708x", "99"])
            await product.AttackAsync(Of(region));
        await product.SealedAsync();
        Assert.Equal(HttpStatusCode.OK, await LogAsync());
        await ApiFixture.EventuallyAsync(
            async () =>
                (await product.CityAuditor.GetAsync("/api/audit/events?code=not-found"))
                    .GetProperty("entries")
                    .EnumerateArray()
                    .Select(e => e.GetProperty("region").GetString())
                    .Order()
                    .SequenceEqual(["37", "3708x", "99"]),
            "who sees everything else sees them in the trail"
        );
        Assert.Equal(HttpStatusCode.OK, await LogAsync());
        // To whoever sees less, they are not there.
        var county = product.Client(new Actor("auditor.370811", Roles.Auditor, "370811"));
        await product.AttackAsync(Of("3709"));
        await product.SealedAsync();
        // Of another city, well-formed: the log is not this city's alone
        Assert.Equal(HttpStatusCode.Forbidden, await LogAsync());
        Assert.Empty(
            (await county.GetAsync("/api/audit/events?code=not-found")).GetProperty("entries").EnumerateArray()
        );
        var (_, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Contains("3 个事件没有区划，或区划不成立", said);
    }

    private static SampleVillage Another(Product product, int number) =>
        new(product.Offices, $"370811{number:000000}", $"第{number}村股份经济合作社", number, product.Village.Year);

    [Fact]
    public async Task A_document_that_was_replaced_is_not_given_out_under_the_old_digest()
    {
        await using var product = await Product.StartAsync(databases, "ledger_replaced");
        var digest = await product.Village.Officer.EvidenceAsync("the true minutes");
        // Under a digest that is not its own nobody adds one.
        var planted = await Assert.ThrowsAsync<PostgresException>(() =>
            product.EditAsync(
                $"""
                insert into ledger.evidence (digest, region, media_type, file_name, content, uploaded_by)
                values ('{new string('a', 64)}', '{product.Village.VillageCode}', 'application/pdf', 'x', 'x', 'x')
                """
            )
        );
        Assert.Equal("23514", planted.SqlState);
        await product.AttackAsync(
            $"""
            alter table ledger.evidence drop constraint can_be_bounds;
            update ledger.evidence set content = 'the false minutes'::bytea where digest = '{digest}'
            """
        );
        // Booked on it is nothing, and who has the true one is not told that it is kept.
        await ApiFixture.RefusedAsync(
            "evidence-damaged",
            product.Village.Officer,
            $"/api/funds/{product.Village.FundId}/allocations",
            new
            {
                amount = 1m,
                source = "collective-income",
                sourceName = "租金",
                evidence = new[] { digest },
            }
        );
        await product.FoundAsync("evidence", digest);
        var again = await Assert.ThrowsAnyAsync<Exception>(() =>
            product.Village.Officer.EvidenceAsync("the true minutes")
        );
        Assert.Contains("evidence-damaged", again.Message);
        await ApiFixture.RefusedAsync(
            "evidence-damaged",
            product.Village.Officer,
            HttpMethod.Get,
            $"/api/evidence/{digest}"
        );

        // A person who is found under another number could be registered, and paid, a second time; the hourly look
        // finds it, and who is gone without an event.
        await product.Village.ImportMembersAsync(new SamplePeople(1).Take(4, "370811"));
        await product.StopAsync();
        product.Settings["Ledger__Log__ScrubMinutes"] = "0.02";
        await product.StartAsync();
        var members = await product.ScalarAsync<string[]>(
            "select array_agg(member_id order by member_id) from ledger.person where member_id like 'member-%'"
        );
        await product.AttackAsync($"update ledger.person set id_hash = sha256('x') where member_id = '{members[0]}'");
        await product.AttackAsync(
            $"update ledger.person set wrapped_key = null, data = null where member_id = '{members[1]}'"
        );
        await product.AttackAsync(
            $"update ledger.person set namesake_hash = sha256('x') where member_id = '{members[2]}'"
        );
        await product.FoundAsync("person", members[0]);
        await product.FoundAsync("person", members[1]);
        await product.FoundAsync("person", members[2]);
        Assert.Equal(
            0,
            await product.ScalarAsync<long>(
                $"select count(*) from ledger.log_finding where detail like '{members[3]}%'"
            )
        );

        // The audit trail was told that it is further than anything that happened: it passes over what comes next.
        await product.StopAsync();
        await product.EditAsync(
            """
            update ledger.mt_event_progression
               set last_seq_id = (select last_value + 2 from ledger.mt_events_sequence)
             where name like 'AuditTrail%'
            """
        );
        var next = await product.ScalarAsync<long>("select last_value + 1 from ledger.mt_events_sequence");
        await product.StartAsync();
        await product.FoundAsync("projection", "AuditTrail:All：进度超过");
        await product.Village.AllocateAsync(1);
        // Before later ones come, with which it gets an entry of what cannot be read.
        await product.FoundAsync("projection", $"事件 {next}：审计轨迹中没有");
        for (var i = 0; i < 3; i++)
            await product.Village.AllocateAsync(1);

        // A hash of nothing in the log's tiles: the signer signs no such tree.
        var last = "select level, max(index) as index from ledger.log_tile where level = 0 group by level";
        var forged = $"""
            update ledger.log_tile t
               set hashes = t.hashes || sha256('forged')
              from ({last}) l
             where (t.level, t.index) = (l.level, l.index)
            """;
        Assert.Equal(1, await product.EditAsync(forged));
        await product.Village.AllocateAsync(1);
        await product.FoundAsync("signing-refused", "与日志大小不符");
    }
}
