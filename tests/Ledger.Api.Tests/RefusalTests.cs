using System.Net;
using System.Text.Json;
using Alba;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.TestHost;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// What a refusal leaves behind: of somebody unknown nothing, of somebody known what is short, is nobody's number, and
/// comes to an end.
/// </summary>
[Collection("api")]
public sealed class RefusalTests(ApiFixture api)
{
    private const string Phone = "13905371234";

    private static readonly string[] Tables =
    [
        "mt_events",
        "mt_streams",
        "idempotency",
        "audit_entry",
        "audit_entry_id",
        "log_entry",
    ];

    private static async Task<string> RowsAsync(Product product)
    {
        var counts = new List<string>();
        foreach (var table in Tables)
            counts.Add($"{table} {await product.ScalarAsync<long>($"select count(*) from ledger.{table}")}");
        return string.Join(", ", counts);
    }

    /// <summary>Sealed, and taken in by the audit trail: nothing of what was done so far is still on its way.</summary>
    private static async Task<string> SettledRowsAsync(Product product)
    {
        await product.SealedAsync();
        await ApiFixture.EventuallyAsync(
            () =>
                product.ScalarAsync<bool>(
                    "select (select count(*) from ledger.mt_events) = (select count(*) from ledger.audit_entry)"
                ),
            "the trail has everything"
        );
        return await RowsAsync(product);
    }

    private static async Task<(int Status, JsonElement Answer, bool IsReplay)> UnknownAsync(
        HttpClient http,
        string path,
        object body,
        string? key = null
    )
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = SampleClient.Json(body) };
        request.Headers.Add("Idempotency-Key", key ?? $"{Guid.NewGuid()}");
        using var response = await http.SendAsync(request);
        return (
            (int)response.StatusCode,
            JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync()),
            response.Headers.Contains("Idempotent-Replay")
        );
    }

    /// <summary>A product whose village has a notice open.</summary>
    private static async Task NoticedAsync(Product product)
    {
        var (village, today) = (product.Village, Clock.Day(DateTimeOffset.UtcNow));
        var people = new SamplePeople(22).Take(2, "370811");
        await village.PrepareAsync(people, 100, today);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
    }

    [Fact]
    public async Task What_somebody_unknown_is_refused_leaves_nothing_but_a_count_and_a_line_in_the_log()
    {
        await using var product = await Product.NewAsync(api, "ledger_unknown", asProcess: true);
        product.Settings["Ledger__RateLimit__PerAddress"] = "4";
        product.Settings["Ledger__Metrics"] = "true"; // which all hosts of a process share
        await product.StartAsync();
        await product.OpenCountyAsync();
        await NoticedAsync(product);
        var (before, citizen) = (
            await SettledRowsAsync(product),
            new SamplePeople(7).Take(1, "370811").Single().CitizenId
        );
        var notice = $"/api/notices/{product.Village.ApplicationId}/objections";

        foreach (
            var (path, body, status) in new (string, object, int)[]
            {
                ("/api/notices/nothing/objections", new { text = "x" }, 404),
                ($"/api/notices/{citizen}/objections", new { text = "x" }, 404),
                ($"/api/notices/{new string('x', 400)}/objections", new { text = "x" }, 404),
                ($"/api/notices/{new string('x', 600)}/objections", new { text = "x" }, 414),
                ($"/api/notices/{new string('x', 7_000)}/objections", new { text = "x" }, 414),
                (notice, new { text = "" }, 422),
                (notice, new { text = $"电话 {Phone}" }, 422),
                (notice, new { text = new string('长', 501) }, 422),
                (notice, new { text = 5 }, 400),
                ("/api/funds", new { }, 401),
            }
        )
            Assert.True(status == (await UnknownAsync(product.Http, path, body)).Status, $"{path} is not {status}");
        Assert.Equal(422, (await UnknownAsync(product.Http, notice, new { text = "x" }, citizen)).Status);
        var limited = 0;
        for (var i = 0; i < 60; i++)
            if (
                (await UnknownAsync(product.Http, $"/api/notices/nothing-{i}/objections", new { text = "x" })).Status
                == 429
            )
                limited++;
        Assert.True(limited > 0);

        await Task.Delay(TimeSpan.FromSeconds(2)); // the log is signed every second, the trail is faster
        Assert.Equal(before, await SettledRowsAsync(product));
        var lines = product
            .Api.Output.Split('\n')
            .Where(l => l.Contains("not signed in", StringComparison.Ordinal))
            .ToList();
        // The first of each kind in a minute: not-found, field-invalid, personal-data-in-text; this took no more than
        // three
        Assert.InRange(lines.Count, 3, 9);
        Assert.All(
            [citizen, Phone, "nothing-1", new string('x', 40)],
            s => Assert.DoesNotContain(s, product.Api.Output)
        );
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                using var scraped = await product.Http.GetAsync("/metrics"); // of this address too
                return (await scraped.Content.ReadAsStringAsync())
                    .Split('\n')
                    .Any(l =>
                        l.StartsWith("ledger_refusals_unrecorded", StringComparison.Ordinal)
                        && l.Contains("caller=\"unknown\"", StringComparison.Ordinal)
                        && l.Contains("code=\"not-found\"", StringComparison.Ordinal)
                    );
            },
            "they are counted"
        );
    }

    [Fact]
    public async Task A_key_of_somebody_unknown_is_of_his_request_so_nobody_takes_it_from_him_or_gets_his_answer()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var (path, key) = ($"/api/notices/{village.ApplicationId}/objections", $"squatted-{Guid.NewGuid()}");
        async Task<int> Objections() =>
            (await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath)).Objections.Count;

        Assert.Equal(
            404,
            (await UnknownAsync(api.Http, "/api/notices/nothing/objections", new { text = "占用" }, key)).Status
        );
        var first = await UnknownAsync(api.Http, path, new { text = "第一条" }, key);
        Assert.Equal(200, first.Status);
        var another = await UnknownAsync(api.Http, path, new { text = "另一人的一条" }, key);
        Assert.Equal((200, false), (another.Status, another.IsReplay));
        Assert.NotEqual(first.Answer.GetRawText(), another.Answer.GetRawText());
        Assert.Equal(2, await Objections());

        // Sent again it is the same, also when the notice has ended meanwhile: then it would be refused, and nothing
        // would be kept to collide with.
        var again = await UnknownAsync(api.Http, path, new { text = "第一条" }, key);
        Assert.Equal((200, true, first.Answer.GetRawText()), (again.Status, again.IsReplay, again.Answer.GetRawText()));
        // No more may wait of one address.
        Assert.Equal(200, (await UnknownAsync(api.Http, path, new { text = "第三条" })).Status);
        Assert.Equal(413, (await UnknownAsync(api.Http, path, new { text = "又一条" }, key)).Status);
        again = await UnknownAsync(api.Http, path, new { text = "第一条" }, key);
        Assert.Equal((200, true, first.Answer.GetRawText()), (again.Status, again.IsReplay, again.Answer.GetRawText()));
        Assert.Equal(3, await Objections());
        Assert.Equal(
            0,
            await api.ScalarAsync<long>("select count(*) from ledger.idempotency where key = @key", ("key", key))
        );
    }

    [Fact]
    public async Task Keys_that_everybody_shared_in_the_build_before_are_of_their_requests_after_the_upgrade()
    {
        await using var product = await Product.StartAsync(api, "ledger_oldkeys");
        await NoticedAsync(product);
        var (path, key) = ($"/api/notices/{product.Village.ApplicationId}/objections", "the-same");
        var first = await UnknownAsync(product.Http, path, new { text = "第一条" }, key);
        // As the build before kept it, beside the refusals of others.
        await product.StopAsync();
        await product.AttackAsync($"update ledger.idempotency set key = '{key}' where actor = 'public'");
        await product.AttackAsync(
            """
            insert into ledger.idempotency (actor, key, request, command, status, body)
            values ('public', 'squatted', '\x00', 'raise-public-objection', 404, 'x')
            """
        );
        await product.MigrateFromSchemaSqlAsync();
        await product.StartAsync();
        var again = await UnknownAsync(product.Http, path, new { text = "第一条" }, key);
        Assert.Equal((200, true, first.Answer.GetRawText()), (again.Status, again.IsReplay, again.Answer.GetRawText()));
        Assert.Equal(
            1,
            await product.ScalarAsync<long>("select count(*) from ledger.idempotency where actor = 'public'")
        );
    }

    [Fact]
    public async Task A_database_with_refusals_of_no_region_is_whole_again_for_whoever_sees_the_whole_log()
    {
        await using var product = await Product.StartAsync(api, "ledger_noregion");
        // As the build before wrote them.
        async Task OldRefusalAsync(string target)
        {
            await using var connection = new NpgsqlConnection(product.ConnectionString);
            await connection.OpenAsync();
            // The build before had no such trigger.
            await connection.ExecuteAsync("alter table ledger.mt_events disable trigger refuse_unwritten");
            await connection.ExecuteAsync(
                """
                select ledger.mt_quick_append_events(@id, null, '*DEFAULT*', array[gen_random_uuid()],
                           array['command_refused'], array['Ledger.Domain.CommandRefused, Ledger.Domain'],
                           array[jsonb_build_object('command', 'raise-public-objection', 'code', 'not-found',
                                                    'targetId', @target)],
                           array[null::bytea], array['x'], array['x'],
                           array['{"actor":"public","role":"public","region":"","command":"raise-public-objection",
                                   "effectiveDate":"2026-11-26","idempotencyKey":"1"}'::jsonb],
                           array[now()])
                """,
                ("id", $"refusal-{Guid.NewGuid():N}"),
                ("target", target)
            );
            await connection.ExecuteAsync("alter table ledger.mt_events enable trigger refuse_unwritten");
        }
        foreach (var target in new[] { "nothing", $"two  words {new string('x', 7_000)}", "11010519491231002X" })
            await OldRefusalAsync(target);
        // As the upgrade keeps it of streams that had refusals before these were sealed (V0017).
        await product.AttackAsync(
            """
            insert into ledger.seal_floor select stream_id, version from ledger.mt_events
             where type = 'command_refused' and headers ->> 'region' = ''
            """
        );
        await product.Village.AllocateAsync(5);
        var size = TransparencyLog.Checkpoint.Parse(await product.SealedAsync()).Size;
        var sequence = await product.ScalarAsync<long>(
            "select seq_id from ledger.mt_events where headers ->> 'region' = '' order by 1 limit 1"
        );
        await ApiFixture.EventuallyAsync(
            () => product.ScalarAsync<bool>("select count(*) = 3 from ledger.audit_entry where region = ''"),
            "the trail has them"
        );

        var (exit, said) = Programs.VerifyHere(
            "log",
            await product.DownloadAsync("/api/exports/log", "log.jsonl"),
            "--checkpoint",
            await product.DownloadAsync("/log/checkpoint", "checkpoint"),
            "--key",
            await product.DownloadAsync("/log/keys", "keys")
        );
        Assert.True(exit == 0 && said.Contains($"{size} 条与检查点相符", StringComparison.Ordinal), said);
        await product.DownloadAsync($"/log/tile/entries/000.p/{size}", "entries");
        Assert.Equal(
            0,
            Programs
                .Verify(
                    "receipt",
                    await product.DownloadAsync($"/api/audit/events/{sequence}/receipt", "receipt"),
                    "--key",
                    Path.Combine(product.Folder.FullName, "keys")
                )
                .Exit
        );
        Assert.Equal(
            size,
            (await File.ReadAllLinesAsync(await product.DownloadAsync("/api/exports/events", "events.jsonl"))).Length
        );
        var refused = (
            await product.CityAuditor.GetAsync<AuditPage>("/api/audit/events?type=command_refused")
        ).Entries.ToList();
        Assert.Equal(["", "", ""], refused.Select(e => e.Region));
        var check = await product.CityAuditor.GetAsync<CheckView>("/api/audit/check");
        Assert.True(check.IsSound, $"{check}");
        Assert.Equal(size, check.Events);
        Assert.True((await product.CityAuditor.GetAsync<LogCheckView>("/api/audit/log/check")).IsSound);
        (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 0, said);

        // Whoever does not see everything else does not see them either: the city's policy year is not a county's.
        await ApiFixture.RefusedAsync("forbidden", product.Offices.Auditor, HttpMethod.Get, "/api/exports/log");
        await ApiFixture.RefusedAsync(
            "not-found",
            product.Offices.Auditor,
            HttpMethod.Get,
            $"/log/tile/entries/000.p/{size}"
        );
        await ApiFixture.RefusedAsync(
            "not-found",
            product.Offices.Auditor,
            HttpMethod.Get,
            $"/api/audit/events/{sequence}/receipt"
        );
        Assert.Empty(
            (await product.Offices.Auditor.GetAsync<AuditPage>("/api/audit/events?type=command_refused")).Entries
        );
        Assert.Empty(
            (
                await product.CityAuditor.GetAsync<AuditPage>("/api/audit/events?type=command_refused&region=370811")
            ).Entries
        );
    }

    [Fact]
    public async Task What_somebody_known_is_refused_is_his_regions_and_keeps_no_number_and_no_length_of_what_he_sent()
    {
        var village = await api.RegisteredAsync();
        var citizen = new SamplePeople(8).Take(1, village.Offices.County).Single().CitizenId;
        var officer = api.Client(village.Officer.Actor with { Id = $"officer.{Guid.NewGuid():N}" });
        Task<Refused> RefusedAsync(string code, string path, object? body = null, string? key = null) =>
            api.Host.RefusedAsync(code, officer, HttpMethod.Post, path, body, key);
        var reason = new { reason = "x" };
        // The endpoint refuses, and the door does; an id in the path, in the key, in what the answer repeats.
        var answer = await RefusedAsync("not-found", $"/api/funds/fund-{citizen}/years/2025/close");
        Assert.Contains(citizen, answer.Text); // he is told what he sent
        await RefusedAsync("not-found", $"/api/members/{citizen}/disclosure", reason);
        await RefusedAsync("not-found", $"/api/members/{new string('x', 300)}/disclosure", reason);
        await RefusedAsync("not-found", $"/api/members/two%20words%20{village.FundId}/disclosure", reason);
        await RefusedAsync("forbidden", $"/api/accounts/{citizen}/credentials", reason, citizen);
        await RefusedAsync("forbidden", $"/api/accounts/account-x/credentials", reason, new string('k', 5_000));
        await RefusedAsync(
            "evidence-missing",
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence = new[] { new string('9', 20_000) },
            },
            "long-answer"
        );
        await RefusedAsync(
            "personal-data-in-text",
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence = Array.Empty<string>(),
            },
            citizen
        );

        var events = new List<(string Code, string? Target, string Region, string Key)>();
        await using (var connection = await api.Database.OpenConnectionAsync())
        {
            events = await connection.QueryAsync(
                """
                select data ->> 'code', data ->> 'targetId', headers ->> 'region', headers ->> 'idempotencyKey'
                  from ledger.mt_events
                 where type = 'command_refused'
                   and headers ->> 'actor' = @a
                 order by seq_id
                """,
                r => (r.GetString(0), r.IsDBNull(1) ? null : r.GetString(1), r.GetString(2), r.GetString(3)),
                ("a", officer.Actor.Id)
            );
            foreach (
                var what in new[]
                {
                    """
                        select count(*)
                          from ledger.mt_events
                         where position(@id in data::text || headers::text || coalesce(causation_id,
                             '') || coalesce(correlation_id, '')) > 0
                        """,
                    """
                        select count(*)
                          from ledger.idempotency
                         where position(@id in key || headers::text || convert_from(body, 'UTF8')) > 0
                        """,
                }
            )
                Assert.Equal(0, (await connection.QueryAsync(what, r => r.GetInt64(0), ("id", citizen))).Single());
        }
        Assert.Equal(
            ["not-found", "not-found", "not-found", "not-found", "forbidden", "forbidden", "evidence-missing"],
            events.Select(e => e.Code)
        ); // the eighth was no request yet
        Assert.All(events, e => Assert.Equal(village.VillageCode, e.Region));
        Assert.All(events, e => Assert.True(e.Key.Length is 0 or 36 || e.Key == "long-answer", e.Key));
        Assert.Equal([null, null, null, null, null, "account-x", village.FundId], events.Select(e => e.Target));
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.idempotency
                 where actor = @a
                   and (length(body) > 8192 or key = 'long-answer')
                """,
                ("a", officer.Actor.Id)
            )
        );
    }

    [Fact]
    public async Task Past_so_many_refusals_in_a_minute_they_are_only_counted_and_the_events_say_so()
    {
        var folder = Directory.CreateTempSubdirectory("ledger-refusals");
        var database = await api.NewDatabaseAsync("ledger_minute");
        await using (
            var host = await AlbaHost.For<Program>(web =>
            {
                web.UseSetting("ConnectionStrings:Ledger", database);
                web.UseSetting("Ledger:KeyFile", Path.Combine(folder.FullName, "keys.json"));
                web.UseSetting("Ledger:RateLimit:PerUser", "0");
                web.UseSetting("Ledger:RateLimit:RefusalsPerMinute", "3");
                web.UseSetting("Ledger:ClockMarginMinutes", ApiFixture.AnyClock);
                web.UseSetting("Logging:LogLevel:Default", "None");
                web.ConfigureTestServices(s =>
                    s.AddSingleton<TimeProvider>(p => p.GetRequiredService<Sample.SampleClock>())
                );
            })
        )
        {
            var clock = host.Services.GetRequiredService<Sample.SampleClock>();
            SampleClient Client(Actor actor) =>
                new(host.Server.CreateClient(), host.Services.GetRequiredService<Tokens>(), actor);
            var offices = new SampleOffices(Client, "370811");
            var officer = offices.Officer("370811000001");
            var collective = (
                await offices.Agriculture.PostAsync<CollectiveView>(
                    "/api/collectives",
                    new
                    {
                        creditCode = SamplePeople.CreditCode("370811", 1),
                        name = "第1村股份经济合作社",
                        villageCode = "370811000001",
                    }
                )
            ).Id;
            var key = $"{Guid.NewGuid()}";
            Task<HttpResponseMessage> OpenFundAsync() =>
                officer.SendAsync(
                    HttpMethod.Post,
                    "/api/funds",
                    SampleClient.Json(new { collectiveId = collective }),
                    key
                );
            using var first = await OpenFundAsync();
            Assert.Equal(HttpStatusCode.Created, first.StatusCode);

            // At once, so that a place that two could take would be seen; the endpoint's and the door's together.
            await Task.WhenAll(
                Enumerable
                    .Range(0, 10)
                    .Select(i => officer.SendAsync(HttpMethod.Post, $"/api/funds/fund-{i}/allocations", Allocation()))
            );
            await ApiFixture.RefusedAsync(
                "forbidden",
                officer,
                "/api/accounts/account-x/credentials",
                new { reason = "x" }
            );
            Assert.Equal(3, await StoredAsync("select count(*) from ledger.mt_events where type = 'command_refused'"));
            Assert.Equal(3, await StoredAsync("select count(*) from ledger.idempotency where status >= 400"));
            Assert.Equal(
                1,
                await StoredAsync(
                    """
                    select count(*)
                      from ledger.mt_events
                     where type = 'command_refused'
                       and data ->> 'onlyCountedUntil' is not null
                    """
                )
            );

            // What was done stays done for its key, also when it would be refused now and that would not be kept.
            using var again = await OpenFundAsync();
            Assert.Equal(
                (HttpStatusCode.Created, await first.Content.ReadAsStringAsync()),
                (again.StatusCode, await again.Content.ReadAsStringAsync())
            );
            Assert.True(again.Headers.Contains("Idempotent-Replay"));

            // Another has a measure of his own; he himself again in the next minute, and then it says how many there
            // were.
            await ApiFixture.RefusedAsync("forbidden", offices.Tax, "/api/funds/fund-x/allocations");
            Assert.Equal(4, await StoredAsync("select count(*) from ledger.mt_events where type = 'command_refused'"));
            clock.Advance(TimeSpan.FromMinutes(1));
            await ApiFixture.RefusedAsync(
                "not-found",
                officer,
                HttpMethod.Post,
                "/api/funds/fund-y/allocations",
                Allocation()
            );
            Assert.Equal(5, await StoredAsync("select count(*) from ledger.mt_events where type = 'command_refused'"));
            Assert.Equal(
                8,
                await StoredAsync(
                    """
                    select (data ->> 'onlyCounted')::bigint
                      from ledger.mt_events
                     where type = 'command_refused'
                     order by seq_id desc limit 1
                    """
                )
            );
        }
        folder.Delete(recursive: true);

        Task<long> StoredAsync(string sql) => ApiFixture.ScalarOfAsync<long>(database, sql);

        static HttpContent Allocation() =>
            SampleClient.Json(
                new
                {
                    amount = 1,
                    source = "collective-income",
                    sourceName = "x",
                    evidence = Array.Empty<string>(),
                }
            );
    }

    [Theory]
    [
        InlineData("/api/funds/", "application/json"),
        InlineData("/funds/", "text/html"),
        InlineData("/log/tile/0/", "*/*"),
        InlineData("/", "text/html")
    ]
    public async Task A_path_that_is_too_long_is_said_to_be_before_anything_writes_it_down(string start, string accept)
    {
        foreach (
            var (length, expected) in new[]
            {
                (Hardening.MaxPath - start.Length, 0),
                (Hardening.MaxPath + 1 - start.Length, 414),
                (7_000, 414),
            }
        )
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, start + new string('x', length));
            request.Headers.TryAddWithoutValidation("Accept", accept);
            using var response = await api.Http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            if (expected == 0)
                Assert.NotEqual(414, (int)response.StatusCode);
            else
                Assert.Equal(expected, (int)response.StatusCode);
            if (expected == 414)
                Assert.Contains(accept == "text/html" ? "网址过长" : "path-too-long", text);
            Assert.True(expected == 0 || !text.Contains(new string('x', 100), StringComparison.Ordinal));
        }
    }

    [Fact]
    public void No_event_of_no_region_can_be_written()
    {
        using var batch = new NpgsqlBatch();
        var change = new StreamChange("refusal-x", null, 0) { Events = { new CommandRefused("x", "not-found", null) } };
        Assert.Throws<InvariantViolationException>(() =>
            api
                .Host.Services.GetRequiredService<EventWriter>()
                .Add(
                    batch,
                    [
                        new(
                            [change],
                            new EventStamp(new Actor("x", "x", ""), "", new DateOnly(2026, 11, 26), "x", "", "")
                        ),
                    ]
                )
        );
    }
}
