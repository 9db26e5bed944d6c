using System.Security.Cryptography;
using Ledger.Domain.Identity;
using Ledger.Projections.AuditTrail;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The thief of the application's role invents what somebody was refused, dates an event back or ahead, or begins a
/// stream of his own: each is named, and none gets a receipt. docs/security.md
/// </summary>
public sealed class ForgedRefusalTests(Databases databases) : IClassFixture<Databases>
{
    /// <param name="byOwner">As it lies there from before the database refused it.</param>
    private static Task PlantAsync(
        Product product,
        string stream,
        string type,
        string data,
        string at = "now()",
        string seal = "'{\"seal\": \"AAAAAAAAAAAAAAAAAAAAAA==\", \"mark\": \"AAAAAAAAAAAA\"}'",
        bool byOwner = false
    ) =>
        ((Func<string, Task>)(byOwner ? product.AttackAsync : product.EditAsync))(
            $$"""
            insert into ledger.mt_streams (id, type, version) values ('{{stream}}', null, 1);
            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                          mt_dotnet_type, is_archived, headers)
            select nextval('ledger.mt_events_sequence'), gen_random_uuid(), '{{stream}}', 1, '{{data}}', '{{type}}',
                   {{at}}, '*DEFAULT*', 'Ledger.Domain.CommandRefused, Ledger.Domain', false,
                   '{"actor": "approver.370811", "role": "agency", "region": "370811", "effectiveDate": "2026-03-03",
                     "command": "approve-application", "idempotencyKey": ""}'::jsonb || {{seal}};
            """
        );

    /// <summary>Somebody is truly refused something.</summary>
    private static async Task RefuseAsync(Product product)
    {
        var clerk = product.Client(new Actor("approver.370811", Roles.Agency, "370811"));
        var path = $"/api/applications/application-{Guid.NewGuid():N}/approval";
        using var refused = await clerk.SendAsync(HttpMethod.Post, path, null);
        Assert.False(refused.IsSuccessStatusCode);
    }

    private const string Refused =
        """{"command": "approve-application", "code": "self-approval", "targetId": "application-x"}""";

    private static Task<long> SequenceAsync(Product product, string stream) =>
        product.ScalarAsync<long>($"select max(seq_id) from ledger.mt_events where stream_id = '{stream}'");

    /// <summary>A node reads every few seconds what is set aside.</summary>
    private static Task GoesOnAsync(SampleVillage village) =>
        ApiFixture.EventuallyAsync(
            async () =>
            {
                try
                {
                    await village.AllocateAsync(5);
                    return true;
                }
                catch (InvalidOperationException e) when (e.Message.Contains("fund-damaged", StringComparison.Ordinal))
                {
                    return false;
                }
            },
            "the fund goes on"
        );

    [Fact]
    public async Task A_refusal_that_nobody_met_is_named_and_gets_no_receipt_and_a_true_one_does()
    {
        await using var product = await Product.StartAsync(
            databases,
            "ledger_refusals",
            [("Ledger__Log__ScrubMinutes", "0.05")]
        );
        var auditor = product.CityAuditor;

        // Without a seal, or of money and people a mark, the database refuses it, of whatever stream: neither does a
        // node of a build before them write one, which would seal what lies beneath.
        foreach (
            var (stream, type) in new[]
            {
                ("refusal-00", "command_refused"),
                ("application-00", "command_refused"),
                ("fund-00", "funds_allocated"),
                ("member-year-00", "contribution_recorded"),
            }
        )
            Assert.Equal(
                "42501",
                (
                    await Assert.ThrowsAsync<PostgresException>(() =>
                        PlantAsync(product, stream, type, Refused, seal: "'{}'")
                    )
                ).SqlState
            );

        await RefuseAsync(product);
        var truly = await product.ScalarAsync<long>(
            "select max(seq_id) from ledger.mt_events where type = 'command_refused'"
        );
        await PlantAsync(product, "refusal-0a", "command_refused", Refused);
        await PlantAsync(product, "application-0b", "command_refused", Refused); // as early builds wrote them
        await PlantAsync(product, "payment-list-0c", "command_refused", Refused);
        await PlantAsync(product, "refusal-0d", "funds_allocated", """{"amountFen": 1}""");
        await PlantAsync(product, "x-0e", "funds_allocated", """{"amountFen": 1}""");
        await product.SealedAsync();

        string[] planted = ["refusal-0a", "application-0b", "payment-list-0c", "refusal-0d", "x-0e"];
        foreach (var stream in planted)
        {
            await ApiFixture.RefusedAsync(
                "record-damaged",
                auditor,
                HttpMethod.Get,
                $"/api/audit/events/{await SequenceAsync(product, stream)}/receipt"
            );
            await product.FoundAsync("state", stream);
        }
        await product.DownloadAsync($"/api/audit/events/{truly}/receipt", "truly");

        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(1, exit);
        foreach (var stream in planted)
            Assert.Contains($"（事件 {await SequenceAsync(product, stream)}）", said);
        Assert.DoesNotContain($"（事件 {truly}）", said);
        Assert.DoesNotContain("Object reference", said);
        Assert.DoesNotContain(
            $"事件 {truly}",
            (await auditor.GetAsync("/api/audit/log")).GetProperty("findings").GetRawText()
        );
    }

    [Fact]
    public async Task An_event_that_is_dated_back_or_ahead_is_named_by_the_look_and_by_the_check()
    {
        await using var product = await Product.StartAsync(
            databases,
            "ledger_turn",
            [("Ledger__Log__ScrubMinutes", "0.05")]
        );
        async Task<long> Dated(string stream, string at, bool byOwner = false)
        {
            await PlantAsync(product, stream, "command_refused", Refused, at, byOwner: byOwner);
            return await SequenceAsync(product, stream);
        }
        // M1 of the attack: what is dated ahead of the server's clock the database refuses; its owner says how far.
        foreach (var at in (string[])["now() + interval '20 minutes'", "'2199-01-01'"])
        {
            var refused = await Assert.ThrowsAsync<PostgresException>(() => Dated("refusal-19", at));
            Assert.EndsWith("ahead of the server's clock", refused.MessageText);
            // What a node hears whose clock is wrong.
            Assert.Equal(Rejections.Busy, Commands.Problem.Meaning(refused)?.Code);
        }
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            (
                await Assert.ThrowsAsync<PostgresException>(() =>
                    product.EditAsync("update ledger.bound set value = 10000000")
                )
            ).SqlState
        );
        var ahead = await Dated("refusal-1a", "now() + interval '20 minutes'", byOwner: true);
        var back = await Dated("refusal-1b", "'2026-03-03 10:00+08'");
        var near = await Dated("refusal-1c", "now() - interval '5 minutes'");
        await product.Village.AllocateAsync(5);
        await product.FoundAsync("state", $"事件 {ahead}：记录时间");
        await product.FoundAsync("state", $"事件 {back}：记录时间 2026-03-03 02:00:00Z 早于它前面的事件");
        Assert.Equal(
            [ahead, back],
            (await product.CityAuditor.GetAsync<LogStatusView>("/api/audit/log"))
                .Findings.Where(f => f.Detail.Contains("：记录时间", StringComparison.Ordinal))
                .Select(f => long.Parse(f.Detail.Split('：')[0]["事件 ".Length..]))
                .Order()
        );
        Assert.True(near > back);
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(1, exit);
        Assert.Equal(2, said.Split("按次序记录的事件").Length - 1);
    }

    [Fact]
    public async Task Refusals_from_before_they_were_sealed_stay_what_they_are()
    {
        await using var product = await Product.StartAsync(databases, "ledger_refused_before");
        await RefuseAsync(product);
        await product.StopAsync();
        // As the build before left it.
        await product.AttackAsync(
            """
            update ledger.mt_events set headers = headers - 'seal' where type = 'command_refused';
            delete from ledger.seal_floor where stream_id = '' or stream_id like 'refusal-%';
            delete from ledger.migration where name >= 'V0017';
            delete from ledger.schema_stamp;
            """
        );
        product.Settings["Ledger__Log__ScrubMinutes"] = "0.05";
        await product.StartAsync();
        await PlantAsync(product, "refusal-2a", "command_refused", Refused);
        var found = await product.FoundAsync("state", "refusal-2a");
        Assert.Equal(2, found.Split("refusal-").Length); // that one alone
        var (_, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(2, said.Split("command_refused").Length);
    }

    /// <summary>One insert stopped a fund for good: neither check nor rebuild let it go on.</summary>
    [Fact]
    public async Task An_event_that_stops_a_fund_for_good_is_set_aside_by_the_tables_owner_alone()
    {
        await using var product = await Product.StartAsync(databases, "ledger_aside");
        var village = product.Village;
        var path = $"/api/funds/{village.FundId}";
        async Task<decimal> AvailableAsync() =>
            (await village.Officer.GetAsync(path)).GetProperty("availableAmount").GetDecimal();
        async Task<(int Exit, string Said)> AsideAsync(long sequence, string? connection = null, string other = "李四")
        {
            var settings = new Dictionary<string, string>(product.Settings);
            settings["ConnectionStrings__Ledger"] = connection ?? product.ConnectionString;
            return await ApiHost.RunAsync(
                settings,
                ["set-aside", $"{sequence}", .. (string[])["--reason", "伪造的事件", "--by", "张三", "--by", other]]
            );
        }
        var (sound, before) = (await SequenceAsync(product, village.FundId), await AvailableAsync());
        // Of no type that there is; and, before it, one that can be read and does not follow.
        var alien = await product.ForgeAsync(village.FundId, "funds_credited", AlienPayment, "funds_allocated");
        var unknown = await product.ForgeAsync(village.FundId, "zzz", "'{}'", "funds_allocated");
        var stopped = await Assert.ThrowsAsync<InvalidOperationException>(() => village.AllocateAsync(5));
        Assert.Contains("fund-damaged", stopped.Message);

        var (exit, said) = await AsideAsync(unknown, other: "张三");
        Assert.True(exit == 2 && said.Contains("--by", StringComparison.Ordinal), said);
        (exit, said) = await AsideAsync(unknown, await product.ApplicationConnectionAsync());
        Assert.True(exit != 0 && said.Contains("LedgerOwner", StringComparison.Ordinal), said);
        Assert.Equal(
            PostgresErrorCodes.InsufficientPrivilege,
            (
                await Assert.ThrowsAsync<PostgresException>(() =>
                    product.EditAsync($"insert into ledger.set_aside (seq_id, reason) values ({unknown}, 'x')")
                )
            ).SqlState
        );
        foreach (
            var (sequence, why) in new[] { (sound, "不能搁置"), (alien, "它后面还有事件"), (9_999_999, "没有事件") }
        )
        {
            (exit, said) = await AsideAsync(sequence);
            Assert.True(exit == 1 && said.Contains(why, StringComparison.Ordinal), said);
        }
        foreach (var sequence in new[] { unknown, alien })
        {
            (exit, said) = await AsideAsync(sequence);
            Assert.True(exit == 0 && said.Contains($"事件 {sequence}", StringComparison.Ordinal), said);
        }
        await GoesOnAsync(village);
        Assert.Equal(before + 5, await AvailableAsync());
        // M4: the trail tells of it what it can, also when it is made anew.
        foreach (var anew in new[] { false, true })
        {
            if (anew)
                (exit, said) = await ApiHost.RunAsync(product.Settings, "rebuild");
            Assert.True(exit == 0, said);
            IReadOnlyList<AuditEntryView> found = [];
            await ApiFixture.EventuallyAsync(
                async () =>
                    (
                        found = (
                            await product.CityAuditor.GetAsync<AuditPage>(
                                $"/api/audit/events?id={village.FundId}&code=unreadable"
                            )
                        ).Entries
                    ).Any(e => e.Sequence == unknown),
                "the trail tells of what cannot be read"
            );
            var entry = found.Single(e => e.Sequence == unknown);
            Assert.Equal((unknown, "zzz", village.FundId), (entry.Sequence, entry.Type, entry.Stream));
            Assert.Equal(Convert.ToHexStringLower(SHA256.HashData("{}"u8)), entry.Sha256);
        }
        (_, said) = await ApiHost.RunAsync(product.Settings, "check", "--rebuild");
        foreach (var sequence in new[] { unknown, alien })
            Assert.Contains($"已由表的所有者搁置（事件 {sequence}）", said);
        Assert.DoesNotContain("Fund fund-", said);
        (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 0, said);
        Assert.Equal(before + 5, await AvailableAsync());
    }

    /// <summary>
    /// M3 of the attack of 2026-11-28: an event that can be read, and would follow, closed a fund for good.
    /// </summary>
    [Fact]
    public async Task A_copied_event_that_would_follow_changes_nothing_and_is_set_aside()
    {
        await using var product = await Product.StartAsync(databases, "ledger_copied");
        var village = product.Village;
        async Task<(int Exit, string Said)> AsideAsync(string events, string reason = "从别处复制的事件") =>
            await ApiHost.RunAsync(
                product.Settings,
                "set-aside",
                events,
                "--reason",
                reason,
                "--by",
                "张三",
                "--by",
                "李四"
            );
        async Task<string> RefusedAsync() =>
            (await Assert.ThrowsAsync<InvalidOperationException>(() => village.AllocateAsync(5))).Message;
        var before = await product.ScalarAsync<string>(
            $"select data::text from ledger.mt_doc_fund where id = '{village.FundId}'"
        );
        var sound = await SequenceAsync(product, village.FundId);
        Assert.Equal(
            0,
            await product.ScalarAsync<long>(
                $"select count(*) from ledger.mt_events where stream_id = '{village.FundId}' and not headers ? 'mark'"
            )
        );

        var closed = await product.ForgeAsync(
            village.FundId,
            "fund_closed",
            "'{\"reason\": \"x\", \"evidence\": []}'",
            "funds_allocated"
        );
        Assert.Contains("fund-damaged", await RefusedAsync());
        // Twice: nothing that a refusal leaves behind makes it good.
        Assert.Contains($"事件 {closed}（fund_closed", await RefusedAsync());
        await product.FoundAsync("state", $"事件 {closed}（fund_closed");
        // Whatever works states out from events does not seal this one.
        foreach (
            var command in (string[][])
                [
                    ["check"],
                    ["check", "--rebuild"],
                    ["rebuild"],
                ]
        )
        {
            var (code, words) = await ApiHost.RunAsync(product.Settings, command);
            Assert.True(code == 1 && words.Contains($"{closed}", StringComparison.Ordinal), words);
            Assert.Equal(
                before,
                await product.ScalarAsync<string>(
                    $"select data::text from ledger.mt_doc_fund where id = '{village.FundId}'"
                )
            );
        }
        // Nor does it where its document was spoilt, which would be worked out anew.
        await product.EditAsync(
            $"""
            update ledger.mt_doc_fund set data = data || '{"{"}"revision": 99{"}"}', mt_version = 99
             where id = '{village.FundId}'
            """
        );
        Assert.Contains($"事件 {closed}（fund_closed", await RefusedAsync());

        var (exit, said) = await AsideAsync($"{sound}");
        Assert.True(exit == 1 && said.Contains("不能搁置", StringComparison.Ordinal), said);
        (exit, said) = await AsideAsync($"{closed}");
        Assert.True(exit == 0 && said.Contains("没有产品的标记", StringComparison.Ordinal), said);
        Assert.Equal(
            "张三，李四",
            await product.ScalarAsync<string>(
                $"select one || '，' || other from ledger.set_aside where seq_id = {closed}"
            )
        );
        await GoesOnAsync(village);
        (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 0, said);
        // What the product wrote is never set aside, also where an earlier state of its own lies there again.
        await product.EditAsync(
            $"""
            update ledger.mt_doc_fund
               set data = '{before}', mt_version = ('{before}'::jsonb ->> 'revision')::int
             where id = '{village.FundId}'
            """
        );
        (exit, said) = await AsideAsync($"{await SequenceAsync(product, village.FundId)}");
        Assert.True(exit == 1 && said.Contains("不能搁置", StringComparison.Ordinal), said);
        await village.AllocateAsync(5);

        // Many at once, in two streams; and no command that is there for something else says how far clocks may be
        // apart.
        await village.ImportMembersAsync(new SamplePeople(1).Take(1, village.Offices.County));
        var member = await product.ScalarAsync<string>(
            "select max(stream_id) from ledger.mt_events where type = 'member_registered'"
        );
        var first = await product.ForgeAsync(village.FundId, "fund_closed", "'{\"reason\": \"x\"}'", "funds_allocated");
        var last = 0L;
        for (var more = 0; more < 8; more++)
        {
            await product.ForgeAsync(village.FundId, "funds_allocated", "data");
            last = await product.ForgeAsync(member, "death_recorded", "data", "member_registered");
        }
        product.Settings["Ledger__Sample"] = "true";
        (exit, said) = await AsideAsync($"{first}-{last}");
        Assert.True(exit == 0 && said.Contains(" 等 9 个", StringComparison.Ordinal), said);
        Assert.Contains($"{member}：事件 {last} ", said, StringComparison.Ordinal);
        Assert.Equal(
            10,
            await product.ScalarAsync<long>("select value from ledger.bound where name = 'clock-margin-minutes'")
        );
        (exit, said) = await AsideAsync($"{first}-{last}");
        Assert.True(exit == 1 && said.Contains("本来就不计入", StringComparison.Ordinal), said);
        (exit, said) = await AsideAsync($"{sound}-{last}");
        Assert.True(exit == 1 && said.Contains("不能搁置", StringComparison.Ordinal), said);
        foreach (var (events, why) in new[] { ($"{last}-{first}", "事件号"), ("x", "事件号") })
        {
            (exit, said) = await AsideAsync(events);
            Assert.True(exit == 2 && said.Contains(why, StringComparison.Ordinal), said);
        }
        (exit, said) = await AsideAsync($"{last}", reason: ".");
        Assert.True(exit == 2 && said.Contains("--reason", StringComparison.Ordinal), said);
        await GoesOnAsync(village);
    }

    private const string AlienPayment = """
        '{"applicationId": "application-x", "amountFen": 100, "lines": 1}'
        """;

    [Fact]
    public async Task Garbage_among_checkpoints_documents_people_and_progress_is_named()
    {
        await using var product = await Product.StartAsync(databases, "ledger_garbage");
        await product.SealedAsync();
        await product.StopAsync();
        await product.EditAsync(
            """
            insert into ledger.log_checkpoint (size, note)
            select min(n), 'garbage' from generate_series(1, 1000) n
             where n not in (select size from ledger.log_checkpoint)
            """
        );
        await product.EditAsync(
            """
            insert into ledger.evidence (digest, region, media_type, file_name, content, uploaded_by, seal)
            select digest, '370811109', media_type, file_name, content, 'township.370811109', seal
              from ledger.evidence
             limit 1
            """
        );
        await product.EditAsync(
            """
            insert into ledger.person (member_id, id_hash, wrapped_key, data)
            values ('thief-1', decode('00', 'hex'), decode('00', 'hex'), decode('00', 'hex'))
            """
        );
        product.Settings["Ledger__Log__ScrubMinutes"] = "0.05";
        await product.StartAsync();
        await product.FoundAsync("check", "检查点的签名不是日志密钥的");
        await product.FoundAsync("evidence", "（370811109）");
        await product.FoundAsync("person", "thief-1");
        await product.EditAsync(
            "update ledger.mt_event_progression set last_seq_id = 9000000000000000000 where name = 'AuditTrail:All'"
        );
        Assert.True((await product.CityAuditor.GetAsync("/api/audit/events")).GetProperty("behind").GetInt64() > 0);
    }
}
