using System.Text.Json;
using Ledger.Domain;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// One row that the thief of the application's role adds, in each table that he may only add to: it is refused, or
/// named; and the log, the looks and every reader go on, also past what lies there from before.
/// </summary>
public sealed class GuardTests(Databases databases) : IClassFixture<Databases>
{
    /// <summary>An event like the last refusal, with these columns said otherwise.</summary>
    private static string Event(params (string Column, string Value)[] other)
    {
        var columns = new Dictionary<string, string>
        {
            ["seq_id"] = "nextval('ledger.mt_events_sequence')",
            ["id"] = "gen_random_uuid()",
            ["stream_id"] = "'refusal-guard'",
            ["version"] = "(select count(*) + 1 from ledger.mt_events where stream_id = 'refusal-guard')",
            ["data"] = """'{"command":"x","code":"not-found","targetId":null}'""",
            ["type"] = "'command_refused'",
            ["timestamp"] = "timestamp",
            ["tenant_id"] = "tenant_id",
            ["mt_dotnet_type"] = "'Ledger.Domain.CommandRefused, Ledger.Domain'",
            ["is_archived"] = "false",
            ["correlation_id"] = "'x'",
            ["causation_id"] = "'x'",
            ["headers"] = """headers || '{"seal": "of nobody"}'::jsonb""",
        };
        foreach (var (column, value) in other)
            columns[column] = value;
        return $"""
            insert into ledger.mt_events ({string.Join(", ", columns.Keys)})
            select {string.Join(", ", columns.Values)}
              from ledger.mt_events
             where headers ->> 'region' is not null
             order by seq_id desc
             limit 1
            """;
    }

    private static async Task<Product> StartAsync(Databases databases, string name)
    {
        var product = await Product.StartAsync(databases, name);
        // Its stream is there: what is refused is the event.
        await product.EditAsync(
            "insert into ledger.mt_streams (id, version) values ('refusal-guard', 1), (repeat('x', 201), 1)"
        );
        return product;
    }

    private const string Long = "repeat('长', 40000)",
        Deep = "(repeat('{\"a\":', 200) || '1' || repeat('}', 200))::jsonb";

    private static readonly Dictionary<string, (string Column, string Value)[]> Unbounded = new()
    {
        ["of no stream"] = [("stream_id", "null")],
        ["of a stream that is too long"] = [("stream_id", "repeat('x', 201)")],
        ["of a number before all"] = [("seq_id", "-5")],
        ["of a number that was not given out"] = [("seq_id", "1000000000000")],
        ["of a version beyond all"] = [("version", "9223372036854775807")],
        ["archived"] = [("is_archived", "true")],
        ["of another tenant"] = [("tenant_id", "'x'")],
        ["of a type that is too long"] = [("type", "repeat('x', 101)")],
        ["with headers that are too long"] = [("headers", $"headers || jsonb_build_object('x', {Long})")],
        ["with a correlation that is too long"] = [("correlation_id", Long)],
        ["with a cause that is too long"] = [("causation_id", Long)],
        ["with a body that is too deep"] = [("data", Deep)],
        ["with headers that are too deep"] = [("headers", $"headers || jsonb_build_object('x', {Deep})")],
        ["with a number of a hundred thousand digits"] = [("data", """'{"x":1e100000}'""")],
        ["with a long text that was compressed"] = [("data", "(select data from squeezed)")],
    };

    [Fact]
    public async Task An_event_beyond_what_the_ledger_takes_is_refused_whoever_writes_it()
    {
        await using var product = await StartAsync(databases, "ledger_unbounded");
        await using var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await connection.OpenAsync();
        await connection.ExecuteAsync(
            """
            create temp table squeezed as
            select jsonb_build_object('x', repeat('x', 300000)) as data;
            """
        );
        var size = (
            await connection.QueryAsync("select pg_column_size(data) from squeezed", r => r.GetInt32(0))
        ).Single();
        Assert.InRange(size, 1, 56_000);
        var taken = new List<string>();
        foreach (var (what, columns) in Unbounded)
            try
            {
                await connection.ExecuteAsync(Event(columns));
                taken.Add(what);
            }
            catch (PostgresException e) when (e.SqlState == "42501") { }
        Assert.Empty(taken);
        Assert.Equal(1, await connection.ExecuteAsync(Event()));
        await product.SealedAsync();
    }

    [Fact]
    public async Task What_lies_there_from_before_stops_neither_log_nor_check_nor_export_and_is_named()
    {
        await using var product = await StartAsync(databases, "ledger_before");
        string[] before =
        [
            "of no stream",
            "of a number that was not given out",
            "of a version beyond all",
            "with headers that are too long",
            "with a correlation that is too long",
            "with a body that is too deep",
            "with a number of a hundred thousand digits",
        ];
        foreach (var what in before)
            await product.AttackAsync(Event(Unbounded[what]));
        await product.Village.AllocateAsync(1);
        await product.SealedAsync();
        await product.Village.AllocateAsync(1);
        await product.SealedAsync();

        var check = await product.CityAuditor.GetAsync("/api/audit/log/check");
        var digests = check
            .GetProperty("findings")
            .EnumerateArray()
            .Count(f => f.GetProperty("problem").GetString()!.Contains("只存其摘要", StringComparison.Ordinal));
        Assert.Equal(5, digests); // the two others fit
        Assert.Equal(5, check.GetProperty("findings").GetArrayLength());

        await product.CityAuditor.GetAsync("/api/audit/check");
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(1, exit);
        Assert.DoesNotContain("   at ", said);
        Assert.Contains("只存其摘要", said);
        var events = await File.ReadAllLinesAsync(await product.DownloadAsync("/api/exports/events", "events.jsonl"));
        Assert.Equal(await product.ScalarAsync<long>("select count(*) from ledger.mt_events"), events.Length);
        var exported = await product.DownloadAsync("/api/exports/log", "log.jsonl");
        var keys = await product.DownloadAsync("/log/keys", "keys");
        var checkpoint = await product.DownloadAsync("/log/checkpoint", "checkpoint");
        var verified = Programs.VerifyHere("log", exported, "--checkpoint", checkpoint, "--key", keys);
        Assert.True(
            verified.Exit == 1 && verified.Output.Contains("rowSha256", StringComparison.Ordinal),
            verified.Output
        );
        verified = Programs.VerifyHere("log", exported, "--checkpoint", checkpoint, "--key", keys, "--only-hashes");
        Assert.True(verified.Exit == 0, verified.Output);
        var log = await File.ReadAllLinesAsync(exported);
        Assert.Equal(await product.ScalarAsync<long>("select size from ledger.log_state"), log.Length);
        Assert.All(log, line => Assert.InRange(System.Text.Encoding.UTF8.GetByteCount(line), 1, LogEntry.MaxBytes));
        await ApiFixture.EventuallyAsync(
            async () =>
                (await product.CityAuditor.GetAsync("/api/audit/events?limit=1")).GetProperty("behind").GetInt64() == 0,
            "the audit trail goes on"
        );
        await product.CityAuditor.GetAsync("/api/audit/events?limit=1000");

        // Whoever changes such a row afterwards is found like any other.
        await product.AttackAsync(
            "update ledger.mt_events set correlation_id = 'x' where length(correlation_id) > 1000"
        );
        Assert.Contains(
            "被改动",
            (await product.CityAuditor.GetAsync("/api/audit/log/check")).GetProperty("findings").GetRawText()
        );
    }

    [Fact]
    public async Task An_entry_of_the_log_is_its_next_and_of_an_event_and_whoever_placed_it_the_log_goes_on()
    {
        await using var product = await StartAsync(databases, "ledger_entries");
        await product.SealedAsync();
        await RefusedAsync(product, "insert into ledger.log_entry select size, 500000 from ledger.log_state");
        await RefusedAsync(
            product,
            $"""
            with e as ({Event()} returning seq_id)
            insert into ledger.log_entry select s.size + 1, e.seq_id from e, ledger.log_state s
            """
        );

        // Of an event that there is, at the next index: the log takes it in where it stands, what waits after it.
        await product.EditAsync(
            $"""
            {Event()};
            with e as ({Event()} returning seq_id)
            insert into ledger.log_entry select s.size, e.seq_id from e, ledger.log_state s
            """
        );
        await product.Village.AllocateAsync(1);
        await product.SealedAsync();
        Assert.True((await product.CityAuditor.GetAsync("/api/audit/log/check")).GetProperty("isSound").GetBoolean());

        // From before that was refused: the log cannot go on, and its check says before which event.
        await product.AttackAsync("insert into ledger.log_entry select size, 500000 from ledger.log_state");
        await product.Village.AllocateAsync(1);
        var last = await product.ScalarAsync<long>("select max(seq_id) from ledger.mt_events");
        var check = await product.CityAuditor.GetAsync("/api/audit/log/check");
        Assert.False(check.GetProperty("isSound").GetBoolean());
        Assert.Contains(
            check.GetProperty("findings").EnumerateArray(),
            f => f.GetProperty("sequence") is { ValueKind: JsonValueKind.Number } s && s.GetInt64() == 500_000
        );
        Assert.Contains(
            check.GetProperty("findings").EnumerateArray(),
            f =>
                f.GetProperty("problem").GetString()!.Contains("停在这个事件之前", StringComparison.Ordinal)
                && f.GetProperty("sequence").GetInt64() <= last
        );
    }

    private static async Task RefusedAsync(Product product, string sql)
    {
        var refused = await Assert.ThrowsAsync<PostgresException>(() => product.EditAsync(sql));
        Assert.True(refused.SqlState is "42501" or "23514", $"{sql}: {refused.Message}");
    }

    [Fact]
    public async Task A_finding_that_is_none_hides_no_other_and_stops_no_reader()
    {
        await using var product = await Product.StartAsync(databases, "ledger_findings");
        foreach (
            var row in new[]
            {
                "'20000-01-01', 'state', 'x'",
                "'0044-03-15 BC', 'state', 'x'",
                "'infinity', 'state', 'x'",
                "now(), repeat('z', 41), 'x'",
                "now(), 'state', repeat('x', 3000000)",
            }
        )
            await RefusedAsync(product, $"insert into ledger.log_finding values ({row})");
        // What the product is about to find, in the middle of thousands of fakes, and in its own words beforehand.
        await product.EditAsync(
            $"""
            update ledger.mt_doc_fund set data = jsonb_set(data, '{"{availableFen}"}', '7')
             where id = '{product.Village.FundId}'
            """
        );
        await product.Village.AllocateAsync(1);
        var words = await product.ScalarAsync<string>("select detail from ledger.log_finding");
        await product.EditAsync(
            "insert into ledger.log_finding (kind, detail, seal) select kind, detail, 'x' from ledger.log_finding"
        );
        await product.EditAsync(
            """
            insert into ledger.log_finding (kind, detail)
            select case when n % 2 = 0 then 'person' else 'x' || translate(n::text, '0123456789', 'abcdefghij') end,
                   'fake ' || n
              from generate_series(1, 3000) n
            """
        );
        // From before that was refused.
        await product.AttackAsync(
            """
            alter table ledger.log_finding drop constraint can_be_bounds;
            insert into ledger.log_finding values ('20000-01-01', 'zz', 'x'), ('0044-03-15 BC', 'zz', 'x'),
                                                  ('infinity', 'zz', repeat('x', 3000000));
            """
        );
        var text = await product.FoundAsync("state", words);
        Assert.InRange(text.Length, 1, 100_000);
        Assert.DoesNotContain("fake", text);
        var log = await product.CityAuditor.GetAsync<LogStatusView>("/api/audit/log");
        Assert.Equal((3_004, 1, null), (log.Planted, log.Findings.Count, log.Next));
        Assert.Empty((await product.CityAuditor.GetAsync<LogStatusView>("/api/audit/log?after=1")).Findings);
        await RefusedAsync(
            product,
            "insert into ledger.log_finding (kind, detail, seal) values ('state', 'x', 'before')"
        );
    }

    [Fact]
    public async Task A_line_that_is_not_the_witnesss_is_left_out_and_keeps_no_place()
    {
        await using var product = await Product.StartAsync(databases, "ledger_lines");
        var real = await product.SealedAsync();
        const string nobodys = "— audit.example/w1 AAAAAAAAAAAA";
        string Insert(string witness, string line) =>
            $"""
                insert into ledger.log_cosignature (size, witness, line)
                select max(size), '{witness}', '{line}' from ledger.log_checkpoint
                """;
        await product.EditAsync(Insert("x", nobodys));
        foreach (var line in new[] { "garbage", $"{nobodys}\n{nobodys}", $"— {new string('x', 2_000)}" })
            await RefusedAsync(product, Insert("y", line));
        // From before that was refused.
        await product.AttackAsync("alter table ledger.log_cosignature drop constraint can_be_bounds");
        await product.EditAsync(Insert("z", "garbage"));
        Assert.Equal(real, await product.Http.GetStringAsync("/log/checkpoint"));

        await using var witness = await product.WitnessAsync();
        var key = product.Settings["Ledger__Log__Witnesses__0"].Split(' ', 2)[1];
        await product.EditAsync(Insert(key, nobodys));
        await product.EditAsync(Insert(key, "garbage"));
        var keys = Path.Combine(product.Folder.FullName, "public");
        await File.WriteAllTextAsync(keys, await product.Http.GetStringAsync("/log/keys"));
        var cosigned = Checkpoint.Parse(await product.Http.GetStringAsync("/log/checkpoint"));
        Assert.Equal(2, cosigned.Signatures.Count);
        var sequence = await product.ScalarAsync<long>("select min(seq_id) from ledger.mt_events");
        var receipt = await product.DownloadAsync($"/api/audit/events/{sequence}/receipt", "1.tlog-proof");
        Assert.Equal(0, Programs.VerifyHere("receipt", receipt, "--key", keys, "--witness", key).Exit);

        // The place of the next line was taken before it came: it is kept all the same.
        await product.Village.AllocateAsync(1);
        await product.CosignedAsync();
        var check = (await product.CityAuditor.GetAsync("/api/audit/log/check")).GetProperty("findings").GetRawText();
        Assert.Contains("不是它的", check);
        Assert.DoesNotContain("不是日志密钥", check);
    }

    [Fact]
    public async Task The_look_goes_on_past_a_stream_of_no_kind_and_one_that_fails_is_on_the_health_page()
    {
        await using var product = await Product.StartAsync(
            databases,
            "ledger_looks",
            [("Ledger__Log__ScrubMinutes", "0.02")]
        );
        var (fund, collective) = (product.Village.FundId, product.Village.CollectiveId);
        await product.EditAsync($"update ledger.mt_streams set type = 'nosuch' where id = '{fund}'");
        await product.EditAsync($"update ledger.mt_streams set type = null where id = '{collective}'");
        await product.EditAsync("insert into ledger.mt_streams (id, type, version) values ('a-thing', 'thing', 1)");
        await product.EditAsync(
            $"update ledger.mt_doc_fund set data = jsonb_set(data, '{{allocatedFen}}', '1') where id = '{fund}'"
        );
        foreach (var id in new[] { fund, collective, "a-thing" })
            await product.FoundAsync("state", $"{id}：流的种类");
        // Looked at all the same.
        await product.FoundAsync("state", $"Fund {fund}");
        Assert.DoesNotContain("look-failed", await product.Http.GetStringAsync("/health/ready"));

        var role = new NpgsqlConnectionStringBuilder(await product.ApplicationConnectionAsync()).Username;
        await product.AttackAsync($"revoke select on ledger.person from \"{role}\"");
        await ApiFixture.EventuallyAsync(
            async () =>
                await product.Http.GetStringAsync("/health/ready") is var health
                && health.Contains("look-failed", StringComparison.Ordinal)
                && health.Contains("persons", StringComparison.Ordinal),
            "health says that a look failed"
        );
        await product.AttackAsync($"grant select on ledger.person to \"{role}\"");
        await ApiFixture.EventuallyAsync(
            async () =>
                !(await product.Http.GetStringAsync("/health/ready")).Contains("look-failed", StringComparison.Ordinal),
            "it has gone through again"
        );
    }

    [Fact]
    public async Task An_entry_of_the_trail_that_was_exchanged_is_found_by_the_look()
    {
        await using var product = await Product.StartAsync(databases, "ledger_exchanged");
        await ApiFixture.EventuallyAsync(
            async () =>
                (await product.CityAuditor.GetAsync("/api/audit/events?limit=1")).GetProperty("behind").GetInt64() == 0,
            "the trail has all entries"
        );
        var sequences = await product.ScalarAsync<long[]>(
            "select array_agg(seq order by seq) from ledger.audit_entry where type = 'funds_allocated'"
        );
        string Exchange(long sequence, string edit) =>
            $"""
                create temp table one as select * from ledger.audit_entry where seq = {sequence};
                update one set {edit};
                delete from ledger.audit_entry where seq = {sequence};
                insert into ledger.audit_entry select * from one;
                drop table one;
                """;
        // The tables' owner can; the application's role takes nothing out of the trail.
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            (
                await Assert.ThrowsAsync<PostgresException>(() =>
                    product.EditAsync(Exchange(sequences[0], "amount_fen = 1"))
                )
            ).SqlState
        );
        // Nor does it add an entry of no event, or of one what that does not say: it would keep the true one out.
        foreach (var number in new[] { "seq + 20000", "-1" })
            await RefusedAsync(
                product,
                $"""
                insert into ledger.audit_entry
                select {number}, event_id, stream, version, type, recorded_at, effective_date, actor, role, region,
                       amount_fen, code, evidence, ids
                  from ledger.audit_entry
                 limit 1
                """
            );
        foreach (var edit in new[] { "actor = 'innocent.person'", "region = '370812'", "recorded_at = now()" })
            Assert.Equal(
                "42501",
                (
                    await Assert.ThrowsAsync<PostgresException>(() =>
                        product.AttackAsync($"begin; {Exchange(sequences[0], edit)} commit")
                    )
                ).SqlState
            );
        await product.AttackAsync("alter table ledger.audit_entry disable trigger refuse_untold");
        await product.AttackAsync(Exchange(sequences[0], "actor = 'innocent.person', amount_fen = 1"));
        await product.AttackAsync(Exchange(sequences[1], "amount_fen = 1"));
        await product.AttackAsync(
            """
            insert into ledger.audit_entry
            select -1, event_id, stream, version, type, recorded_at, effective_date, actor, role, region, amount_fen,
                   code, evidence, ids
              from ledger.audit_entry
             limit 1
            """
        );
        await product.AttackAsync("alter table ledger.audit_entry enable trigger refuse_untold");
        await product.StopAsync();
        product.Settings["Ledger__Log__ScrubMinutes"] = "0.02";
        await product.StartAsync();
        await product.FoundAsync("projection", $"事件 {sequences[0]}：审计轨迹中的 actor");
        await product.FoundAsync("projection", $"事件 {sequences[1]}：审计轨迹中的 amount_fen");
        await product.FoundAsync("projection", "-1：审计轨迹中的这一条没有事件");
        Assert.Equal(
            3,
            await product.ScalarAsync<long>("select count(*) from ledger.log_finding where kind = 'projection'")
        );
        // What is found somewhere, an auditor of elsewhere does not read.
        var county = product.Client(new Actor("auditor.370812", Domain.Identity.Roles.Auditor, "370812"));
        var theirs = await county.GetAsync("/api/audit/log");
        Assert.False(theirs.GetProperty("isSound").GetBoolean());
        Assert.Equal(3, theirs.GetProperty("findings").GetArrayLength());
        Assert.DoesNotContain("审计轨迹中", theirs.GetRawText());
    }

    [Theory]
    [InlineData("date", "text", "2026-13-77")]
    [InlineData("text", "varchar(1)", null)]
    public async Task A_guards_words_are_the_servers_whatever_types_there_are(string type, string of, string? day)
    {
        await using var product = await StartAsync(databases, $"ledger_words_{type}");
        var (column, value) = day is null
            ? ("data", "jsonb_build_object('pad', pg_catalog.repeat('x', 2000000))")
            : ("headers", $"""jsonb_set(headers - 'seal', '{"{effectiveDate}"}', '"{day}"')""");
        await using var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await connection.OpenAsync();
        await connection.ExecuteAsync(
            $"create domain pg_temp.{type} as pg_catalog.{of}; set search_path = pg_temp, pg_catalog"
        );
        var refused = await Assert.ThrowsAsync<PostgresException>(() =>
            connection.ExecuteAsync(Event((column, value)))
        );
        Assert.True(refused.SqlState is "42501" or "22008", refused.Message);
    }

    [Fact]
    public async Task An_event_is_the_next_of_its_stream()
    {
        await using var product = await StartAsync(databases, "ledger_next");
        foreach (var version in new[] { "2", "2147483647" })
            await RefusedAsync(product, Event(("version", version)));
        await product.EditAsync(Event());
        await product.EditAsync(Event());
        await RefusedAsync(product, Event(("version", "4")));
    }

    [Fact]
    public async Task The_low_water_mark_stays_behind_what_is_under_way()
    {
        await using var product = await Product.StartAsync(databases, "ledger_low_water");
        await product.SealedAsync();
        await using var thief = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await thief.OpenAsync();
        const string last = "(select last_value from ledger.mt_events_sequence)";
        var ahead = $$"""
            do $$
            begin
                update ledger.log_state set low_water = {{last}} where low_water < {{last}};
            exception when insufficient_privilege then null;
            end $$
            """;
        // As fast as he can, in all ways that there are, while others commit.
        using var stop = new CancellationTokenSource();
        var steps = new[]
        {
            ahead,
            $"update ledger.log_state set fence = {last}, fence_waits = '{{}}'",
            ahead.Replace("low_water = ", "fence = null, low_water = ", StringComparison.Ordinal),
        };
        var racing = Task.Run(async () =>
        {
            for (var i = 0; !stop.IsCancellationRequested; i++)
                await thief.ExecuteAsync(steps[i % steps.Length]);
        });
        for (var i = 0; i < 12; i++)
            await product.Village.AllocateAsync(10 + i);
        await stop.CancelAsync();
        await racing;
        // Of one snapshot he would not see what was committed since. 40001: the sealer moved the row meanwhile.
        PostgresException refused;
        do
        {
            await thief.ExecuteAsync("rollback");
            refused = await Assert.ThrowsAsync<PostgresException>(() =>
                thief.ExecuteAsync(
                    $"begin isolation level repeatable read; update ledger.log_state set fence = {last}; commit"
                )
            );
        } while (refused.SqlState == "40001");
        Assert.Equal("42501", refused.SqlState);
        await product.SealedAsync();
        Assert.Equal(
            0,
            await product.ScalarAsync<long>(
                """
                select count(*) from ledger.mt_events e
                 where not exists (select from ledger.log_entry l where l.seq = e.seq_id)
                """
            )
        );
        var check = await product.CityAuditor.GetAsync("/api/audit/log/check");
        Assert.True(check.GetProperty("isSound").GetBoolean(), check.GetRawText());
    }

    [Fact]
    public async Task Whoever_holds_the_looks_lock_and_does_not_look_is_found_out()
    {
        await using var product = await Product.StartAsync(databases, "ledger_held");
        await product.StopAsync();
        product.Settings["Ledger__Log__ScrubMinutes"] = "0.02";
        await using var thief = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await thief.OpenAsync();
        await thief.ExecuteAsync("select pg_advisory_lock(x'4C45444745525F32'::bigint)");
        await product.StartAsync();
        await ApiFixture.EventuallyAsync(
            async () =>
                await product.Http.GetStringAsync("/health/ready") is var health
                && health.Contains("look-failed", StringComparison.Ordinal)
                && health.Contains("lock", StringComparison.Ordinal),
            "health says that nobody looks"
        );
        // He cannot say that somebody does.
        await thief.ExecuteAsync("delete from ledger.lease where name = 'look'");
        await thief.ExecuteAsync("insert into ledger.lease values ('look', gen_random_uuid(), now())");
        await Task.Delay(TimeSpan.FromSeconds(6));
        Assert.Contains("look-failed", await product.Http.GetStringAsync("/health/ready"));
        await thief.ExecuteAsync("select pg_advisory_unlock_all()");
        await ApiFixture.EventuallyAsync(
            async () =>
                !(await product.Http.GetStringAsync("/health/ready")).Contains("look-failed", StringComparison.Ordinal),
            "the look goes on"
        );
    }

    [Fact]
    public async Task What_is_set_for_the_role_changes_no_connection_and_is_named()
    {
        await using var product = await Product.StartAsync(databases, "ledger_settings");
        var own = new NpgsqlConnectionStringBuilder(await product.ApplicationConnectionAsync());
        var of = $"alter role \"{own.Username}\" in database \"{own.Database}\"";
        await using (var thief = new NpgsqlConnection(await product.ApplicationConnectionAsync()))
        {
            await thief.OpenAsync();
            foreach (
                var setting in new[]
                {
                    "synchronous_commit = off",
                    "default_transaction_read_only = on",
                    "default_transaction_isolation = 'serializable'",
                    "search_path = 'pg_temp'",
                    "statement_timeout = '1ms'",
                    "lock_timeout = '1ms'",
                    "local_preload_libraries = 'nosuch'",
                }
            )
                await thief.ExecuteAsync($"{of} set {setting}");
        }
        try
        {
            await product.StopAsync();
            await product.StartAsync();
            await product.Village.AllocateAsync(1);
            await using (var made = NpgsqlDataSource.Create(LedgerStore.Plain(own.ConnectionString)))
            await using (var connection = await made.OpenConnectionAsync())
                Assert.Equal(
                    "on pg_catalog,pg_temp off read committed 0",
                    (
                        await connection.QueryAsync(
                            """
                            select concat_ws(' ', current_setting('synchronous_commit'),
                                             replace(current_setting('search_path'), ' ', ''),
                                             current_setting('default_transaction_read_only'),
                                             current_setting('transaction_isolation'),
                                             current_setting('statement_timeout'))
                            """,
                            r => r.GetString(0)
                        )
                    ).Single()
                );
            await product.FoundAsync("settings", "synchronous_commit=off");
            await product.FoundAsync("settings", "local_preload_libraries=nosuch");
        }
        finally
        {
            await product.AttackAsync($"{of} reset all");
        }
    }

    [Fact]
    public async Task A_time_that_no_reader_can_read_is_refused()
    {
        await using var product = await Product.StartAsync(databases, "ledger_times");
        await ApiFixture.EventuallyAsync(
            async () => await product.ScalarAsync<long>("select count(*) from ledger.audit_entry") > 0,
            "the trail has entries"
        );
        string Entry(string recorded, string effective) =>
            $"""
                insert into ledger.audit_entry
                select -1, event_id, stream, version, type, {recorded}, {effective}, actor, role, region, amount_fen,
                       code, evidence, ids
                  from ledger.audit_entry
                 limit 1
                """;
        foreach (var at in new[] { "'20000-01-01'", "'0044-03-15 BC'", "'infinity'" })
        {
            await RefusedAsync(product, Entry(at, "effective_date"));
            await RefusedAsync(product, Entry("recorded_at", at));
            await RefusedAsync(
                product,
                $"insert into ledger.log_checkpoint (size, note, signed_at) values (0, 'x', {at})"
            );
            await RefusedAsync(
                product,
                $"""
                insert into accounts."AspNetUsers" ("Id", "Role", "Region", "IsClosed", "MustChangePassword",
                    "EmailConfirmed", "PhoneNumberConfirmed", "TwoFactorEnabled", "LockoutEnabled",
                    "AccessFailedCount", "LockoutEnd")
                values ('x', 'x', 'x', false, false, false, false, false, true, 0, {at})
                """
            );
        }
        foreach (var column in new[] { "StartedAt", "UsedAt", "ExpiresAt", "EndedAt" })
        {
            var times = new[] { "StartedAt", "UsedAt", "ExpiresAt", "EndedAt" }.Select(c =>
                c == column ? "'20000-01-01'" : "now()"
            );
            await RefusedAsync(
                product,
                $"""
                insert into accounts."Sessions" ("Id", "UserId", "TokenHash", "Address", "Agent", "StartedAt",
                                                 "UsedAt", "ExpiresAt", "EndedAt")
                values (gen_random_uuid(), 'x', 'x', '', '', {string.Join(", ", times)})
                """
            );
        }
    }
}
