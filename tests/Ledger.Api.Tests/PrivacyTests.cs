using System.Text;
using System.Text.Json;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Personal data: nowhere in clear but to whoever gave a reason; gone when its time is over; kept out of free text.
/// </summary>
[Collection("api")]
public sealed class PrivacyTests(ApiFixture api)
{
    [Fact]
    public async Task A_whole_sample_county_leaves_no_name_id_phone_or_card_in_the_database_the_logs_or_the_exports()
    {
        // Debug, as it was while it was loaded: the most that anybody could switch on.
        await using var process = await SampleProduct.StartAsync(
            api,
            "ledger_privacy",
            "CITY_AUDITOR",
            [("Logging__LogLevel__Default", "Debug")],
            asProcess: true // all that it says is looked through, and no test's words among it
        );
        var people = SampleStory.Villages.SelectMany(SampleStory.People).ToList();
        Assert.Equal(3000, people.Count);
        // Looked for, too: what was typed and who was found is in clear nowhere either, the list of names included.
        foreach (var sought in people.Where((_, i) => i % 300 == 7))
        foreach (var q in new[] { sought.Name, sought.CitizenId[^4..] })
            Assert.Contains(
                "/members/member-",
                await process.Http.GetStringAsync($"/api/search?q={Uri.EscapeDataString(q)}")
            );
        var logs = process.Loaded.Output + process.Api.Output;
        foreach (var sought in people.Where((_, i) => i % 300 == 7).Select(p => p.Name))
            Assert.DoesNotContain(Uri.EscapeDataString(sought), logs);
        var written = new Dictionary<string, string> { ["logs"] = logs };
        foreach (
            var path in new[]
            {
                "/api/exports/events",
                "/api/exports/journal",
                "/api/exports/journal?format=beancount",
                "/api/exports/log",
                "/api/audit/events?limit=1000",
                "/api/funds",
                "/api/applications",
                "/api/donors",
                "/api/supervision",
            }
        )
            written[path] = await process.Http.GetStringAsync(path);
        await using (var source = NpgsqlDataSource.Create(process.ConnectionString))
        await using (var connection = await source.OpenConnectionAsync())
            foreach (
                var table in await connection.QueryAsync(
                    """
                    select format('%I.%I', schemaname, tablename)
                      from pg_tables
                     where schemaname in ('ledger', 'wolverine', 'accounts', 'public')
                    """,
                    r => r.GetString(0)
                )
            )
                written[table] = string.Join(
                    '\n',
                    await connection.QueryAsync($"select t::text from {table} t", r => r.GetString(0))
                ); // bytes stand there as hex
        Assert.True(
            written["ledger.mt_events"].Length > 1_000_000
                && written["ledger.person"].Length > 500_000
                && written["logs"].Length > 100_000
                && written["ledger.name_list"].Length > 100_000
                && written["ledger.person_search"].Length > 1_000,
            string.Join(", ", written.Select(w => $"{w.Key}: {w.Value.Length}"))
        );

        var clear = people
            .SelectMany(p => new[] { p.CitizenId, p.Phone })
            .Concat(people.Select(p => p.Name).Where(n => n.Length >= 3))
            .ToHashSet();
        static string Hex(string text) => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text));
        foreach (var (where, text) in written)
        {
            // Every run of digits, every Chinese word and every hex column is looked up, rather than 9,000 words
            // searched for in each.
            foreach (
                var match in System
                    .Text.RegularExpressions.Regex.Matches(text, "[0-9]{11,18}[Xx]?")
                    .Select(m => m.Value)
            )
                Assert.False(clear.Contains(match), $"{where}: {match}");
            foreach (var name in clear.Where(c => !char.IsAsciiDigit(c[0])))
                Assert.False(
                    text.Contains(name, StringComparison.Ordinal) && !IsPartOfAnotherWord(text, name),
                    $"{where}: {name}"
                );
            if (text.Contains("\\x", StringComparison.Ordinal))
                foreach (var secret in people.Take(300).SelectMany(p => new[] { p.CitizenId, p.Phone, p.Name }))
                    Assert.False(
                        secret.Length > 2 && text.Contains(Hex(secret), StringComparison.Ordinal),
                        $"{where}: {secret} as bytes"
                    );
        }
        var keys = JsonSerializer.Deserialize<JsonElement>(await File.ReadAllTextAsync(process.At("keys.json")));
        foreach (var key in keys.EnumerateObject())
            Assert.DoesNotContain(key.Value.GetString()!, logs);
    }

    /// <summary>
    /// A family name and a given name may meet by chance inside a longer run of Chinese (a place, a title).
    /// </summary>
    private static bool IsPartOfAnotherWord(string text, string name)
    {
        for (
            var at = text.IndexOf(name, StringComparison.Ordinal);
            at >= 0;
            at = text.IndexOf(name, at + 1, StringComparison.Ordinal)
        )
        {
            static bool IsHan(char c) => c is >= '\u4e00' and <= '\u9fff';
            if (
                (at == 0 || !IsHan(text[at - 1])) && (at + name.Length == text.Length || !IsHan(text[at + name.Length]))
            )
                return false;
        }
        return true;
    }

    [Fact]
    public async Task C20_clear_data_is_shown_for_a_reason_that_stays_on_record_and_kept_nowhere()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(55).Take(1, village.Offices.County)[0];
        await village.ImportMembersAsync([person]);
        var member = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members[0]
            .Id;
        var key = Guid.NewGuid().ToString();
        async Task<DisclosureView> Ask()
        {
            var path = $"/api/members/{member}/disclosure";
            var body = new { reason = "核对退回款项" };
            var answer = await api.Host.SendAsync(200, village.Offices.Reviewer, HttpMethod.Post, path, body, key);
            return await answer.ReadAsync<DisclosureView>();
        }
        var shown = await Ask();
        Assert.Equal((person.Name, person.CitizenId, person.Phone), (shown.Name, shown.CitizenId, shown.Phone));
        var again = await Ask();
        Assert.NotEqual(person.CitizenId, again.CitizenId); // the kept answer is masked
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where encode(body, 'escape') like @id",
                ("id", $"%{person.CitizenId}%")
            )
        );
        var trail = await village.Offices.Auditor.GetAsync<AuditPage>(
            $"/api/audit/events?id={member}&type=personal_data_disclosed"
        );
        var entry = Assert.Single(trail.Entries);
        Assert.Equal(
            (village.Offices.Reviewer.Actor.Id, "核对退回款项"),
            (entry.Actor, entry.Body.GetProperty("reason").GetString())
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            $"/api/members/{member}/disclosure",
            new { reason = " " }
        );
        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Reviewer,
            $"/api/members/{member}/disclosure",
            new { reason = "好奇" }
        );
        await api.Host.RefusedAsync(
            "forbidden",
            village.Offices.Auditor,
            $"/api/members/{member}/disclosure",
            new { reason = "x" }
        );
    }

    [Fact]
    public async Task Personal_data_is_erased_when_its_time_is_over_and_not_before()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(56).Take(2, village.Offices.County);
        await village.ImportMembersAsync(people);
        var members = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members.Select(m => m.Id)
            .ToArray();
        var refused = await api.Host.RefusedAsync(
            "retention-not-over",
            village.Offices.Reviewer,
            $"/api/members/{members[0]}/erasure",
            new { reason = "保管期满" }
        );
        Assert.Contains("仍是集体成员", refused.Detail);
        await village.Officer.PostAsync(
            $"/api/members/{members[0]}/departure",
            new
            {
                collectiveId = village.CollectiveId,
                on = api.Today.AddYears(-10),
                reason = "户籍迁出",
            }
        );
        refused = await api.Host.RefusedAsync(
            "retention-not-over",
            village.Offices.Reviewer,
            $"/api/members/{members[0]}/erasure",
            new { reason = "保管期满" }
        );
        Assert.Contains($"{api.Today.AddYears(20):yyyy-MM-dd}", refused.Detail);

        // The retention period is a setting: an office whose rule says five years.
        await using var process = await ApiHost.StartAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = api.ConnectionString,
                ["Ledger__KeyFile"] = api.KeyFile,
                ["Ledger__RetentionYears"] = "5",
            }
        );
        var there = new SampleClient(
            process.Http,
            new Security.Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System),
            village.Offices.Reviewer.Actor
        );
        await there.PostAsync($"/api/members/{members[0]}/erasure", new { reason = "保管期满" });
        Assert.True(
            await api.ScalarAsync<bool>(
                """
                select num_nulls(wrapped_key, data, namesake_hash, list_id) = 4
                  from ledger.person
                 where member_id = @m
                """,
                ("m", members[0])
            )
        );
        await api.Host.RefusedAsync(
            "wrong-state",
            village.Offices.Reviewer,
            $"/api/members/{members[0]}/disclosure",
            new { reason = "x" }
        );
        await ApiFixture.RefusedAsync(
            "wrong-state",
            there,
            $"/api/members/{members[0]}/erasure",
            new { reason = "再次" }
        );
        // The same person, back one day, is somebody new: nothing leads from the number to the old record.
        await village.ImportMembersAsync(people);
        var now = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members.Select(m => m.Id)
            .ToArray();
        Assert.DoesNotContain(members[0], now);
        Assert.Equal(2, now.Length);
    }

    /// <summary>
    /// What a person was called before, and is called now, his phones and cards: sealed in one row, in clear nowhere,
    /// and gone together.
    /// </summary>
    [Fact]
    public async Task What_was_corrected_stands_in_clear_nowhere_and_is_erased_with_all_that_was_there_before()
    {
        await using var process = await ApiHost.StartAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = api.ConnectionString,
                ["Ledger__KeyFile"] = api.KeyFile,
                ["Ledger__RetentionYears"] = "-2",
                ["Logging__LogLevel__Default"] = "Debug",
            }
        );
        var village = await api.RegisteredAsync();
        SampleClient There(SampleClient who) =>
            new(process.Http, new Security.Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System), who.Actor);
        var (officer, agency) = (There(village.Officer), There(village.Offices.Reviewer));
        var person = new SamplePeople(58).Take(1, village.Offices.County)[0] with { Name = "欧阳传福德" };
        await officer.PostAsync(
            "/api/members",
            new
            {
                collectiveId = village.CollectiveId,
                name = person.Name,
                citizenId = person.CitizenId,
                phone = "13905371101",
                bankCard = "6222021608001101101",
                group = "第1组",
            }
        );
        var id = (await officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members[0]
            .Id;
        var path = $"/api/members/{id}/corrections";
        object second = new
        {
            phone = "13905371102",
            bankCard = "6222021608001101102",
            reason = "换卡",
        };
        await officer.PostAsync($"{path}/check", second);
        await officer.PostAsync(path, second);
        var asked = await officer.PostAsync<CorrectionView>(path, new { name = "司马传福德", reason = "写错了姓" });
        await agency.PostAsync($"/api/members/{id}/changes/{asked.ChangeId}/confirmation", new { name = "司马传福德" });
        await ApiFixture.RefusedAsync("field-invalid", officer, path, new { phone = "1390537110", reason = "少一位" });
        var list = $"姓名,身份证号,手机号,银行卡号\n司马传福德,{person.CitizenId},13905371103,6222021608001101103\n";
        await officer.UploadAsync(
            $"/api/members/import?collectiveId={village.CollectiveId}",
            Encoding.UTF8.GetBytes(list),
            "名册.csv"
        );
        var waiting = await officer.PostAsync<CorrectionView>(
            path,
            new { name = "诸葛传福德", reason = "又说是这个姓" }
        );
        Assert.NotNull(waiting.ChangeId);
        string[] secrets =
        [
            person.Name,
            "司马传福德",
            "诸葛传福德",
            person.CitizenId,
            .. Enumerable.Range(1, 3).SelectMany(i => new[] { $"1390537110{i}", $"622202160800110110{i}" }),
        ];
        async Task NowhereAsync()
        {
            var written = new Dictionary<string, string> { ["logs"] = process.Output };
            foreach (
                var export in new[]
                {
                    $"/api/audit/events?id={id}&limit=1000",
                    $"/api/members?collectiveId={village.CollectiveId}",
                    "/api/waiting-members",
                }
            )
                written[export] = (await officer.GetAsync(export)).GetRawText();
            await using var connection = await api.Database.OpenConnectionAsync();
            foreach (
                var table in await connection.QueryAsync(
                    """
                    select format('%I.%I', schemaname, tablename)
                      from pg_tables
                     where schemaname in ('ledger', 'wolverine', 'accounts', 'public')
                    """,
                    r => r.GetString(0)
                )
            )
            foreach (var secret in secrets)
                Assert.False(
                    await api.ScalarAsync<bool>(
                        $"""
                        select exists (select
                                         from {table} t
                                        where t::text like '%' || @clear || '%' or t::text like '%' || @bytes || '%')
                        """,
                        ("clear", secret),
                        ("bytes", Convert.ToHexStringLower(Encoding.UTF8.GetBytes(secret)))
                    ),
                    $"{table}: {secret}"
                );
            Assert.Contains(id, written[$"/api/audit/events?id={id}&limit=1000"]);
            foreach (var (where, text) in written)
            foreach (var secret in secrets)
                Assert.False(text.Contains(secret, StringComparison.Ordinal), $"{where}: {secret}");
        }
        await NowhereAsync();
        var shown = await officer.PostAsync<DisclosureView>($"/api/members/{id}/disclosure", new { reason = "核对" });
        Assert.Equal(("司马传福德", "13905371103", "6222021608001101103"), (shown.Name, shown.Phone, shown.BankCard));
        await officer.PostAsync(
            $"/api/members/{id}/departure",
            new
            {
                collectiveId = village.CollectiveId,
                on = DateOnly.FromDateTime(DateTime.UtcNow).AddDays(-1),
                reason = "户籍迁出",
            }
        );
        await agency.PostAsync($"/api/members/{id}/erasure", new { reason = "保管期满" });
        Assert.Equal(
            (1L, 0L),
            (
                await api.ScalarAsync<long>("select count(*) from ledger.person where member_id = @id", ("id", id)),
                await api.ScalarAsync<long>(
                    """
                    select count(*)
                      from ledger.person
                     where member_id = @id
                       and (wrapped_key is not null or data is not null)
                    """,
                    ("id", id)
                )
            )
        );
        await ApiFixture.RefusedAsync("wrong-state", officer, path, new { phone = "13905371104", reason = "x" });
        await ApiFixture.RefusedAsync(
            "wrong-state",
            agency,
            $"/api/members/{id}/changes/{waiting.ChangeId}/confirmation",
            new { name = "诸葛传福德" }
        );
        await NowhereAsync();
    }

    [Fact]
    public async Task Free_text_takes_no_numbers_of_people_and_masks_the_names_of_the_list()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.Officer.PostAsync($"{village.ApplicationPath}/notice", new { place = "公示栏" });
        foreach (
            var number in new[]
            {
                people[0].CitizenId,
                people[0].CitizenId.ToLowerInvariant(),
                "13812345678",
                "6222020200112233445"[..18] + Luhn("6222020200112233445"[..18]),
            }
        )
        {
            var problem = await api.Host.RefusedAsync(
                "personal-data-in-text",
                village.Officer,
                $"{village.ApplicationPath}/objections",
                new { text = $"此人（{number}）不符合条件" }
            );
            Assert.Equal("text", problem.Field);
            Assert.DoesNotContain(number, problem.Text);
        }
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/objections",
            new { text = $"{people[1].Name}已迁出本村，凭证 NX20260618000123，2026年6月18日，电话 0537-2345678" }
        );
        var text = await api.ScalarAsync<string>(
            "select data ->> 'text' from ledger.mt_events where type = 'objection_raised' and stream_id = @a",
            ("a", village.ApplicationId)
        );
        Assert.StartsWith($"{Storage.Person.Mask(people[1].Name)}已迁出本村，凭证 NX20260618000123", text);
    }

    /// <summary>
    /// However it is written, and wherever: free text, references, the key of a request, a file's name, cells of an
    /// upload.
    /// </summary>
    [Fact]
    public async Task A_citizen_id_gets_into_no_event_no_kept_answer_and_no_file_name()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var (id, spaced) = (
            people[0].CitizenId,
            string.Join(' ', people[0].CitizenId.Chunk(4).Select(c => new string(c)))
        );
        var wide = new string([.. id.Select(c => (char)(c - ' ' + 0xFF00))]);
        var phone = $"+86 {people[0].Phone[..3]}-{people[0].Phone[3..7]}-{people[0].Phone[7..]}";
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await api.Host.RefusedAsync(
            "personal-data-in-text",
            village.Officer,
            $"{village.ApplicationPath}/notice",
            new { place = $"公示栏 {wide}" }
        );
        await village.NoticeAsync();
        foreach (var number in new[] { wide, spaced, phone, string.Join('\u200b', phone.Where(char.IsAsciiDigit)) })
        {
            await api.Host.RefusedAsync(
                "personal-data-in-text",
                village.Officer,
                $"{village.ApplicationPath}/objections",
                new { text = $"此人（{number}）不符合条件" }
            );
            await api.Host.RefusedAsync(
                "personal-data-in-text",
                village.Offices.CountyHrss,
                $"{village.ApplicationPath}/complaints",
                new { text = $"此人（{number}）没有收到" }
            );
            using var anybody = await api.Http.SendAsync(
                new HttpRequestMessage(HttpMethod.Post, $"/api/notices/{village.ApplicationId}/objections")
                {
                    Content = SampleClient.Json(new { text = $"电话{number}" }),
                    Headers = { { "Idempotency-Key", Guid.NewGuid().ToString() } },
                }
            );
            Assert.Equal(System.Net.HttpStatusCode.UnprocessableEntity, anybody.StatusCode);
        }
        var evidence = new[] { await village.Officer.EvidenceAsync("slip") };
        object Payment(string reference) =>
            new
            {
                amount = 200,
                purpose = "member-subsidy",
                bankReference = reference,
                evidence,
            };
        foreach (var reference in new[] { id, $"SW{id}", spaced, wide, people[0].Phone })
            Assert.Equal(
                "bankReference",
                (
                    await api.Host.RefusedAsync(
                        "reference-is-personal",
                        village.Officer,
                        $"{village.ApplicationPath}/payment",
                        Payment(reference)
                    )
                ).Field
            );
        await api.Host.RefusedAsync(
            "notice-open",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            Payment("6222020200112230")
        ); // as long as a card, and a bank's number

        using (
            var keyed = await village.Officer.SendAsync(
                HttpMethod.Post,
                $"{village.ApplicationPath}/objections",
                SampleClient.Json(new { text = "x" }),
                $"key-{id}"
            )
        )
            Assert.Contains("personal-data-in-text", await keyed.Content.ReadAsStringAsync());
        using (
            var file = await village.Officer.SendAsync(
                HttpMethod.Post,
                "/api/evidence",
                SampleClient.Form(SamplePeople.Pdf("x"), $"{id}死亡证明.pdf")
            )
        )
            Assert.Equal("凭证.pdf", (await file.ReadAsync<EvidenceView>()).FileName);
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence,
                earmark = new { memberIds = new[] { id } },
            }
        );
        await api.Host.RefusedAsync(
            "personal-data-in-text",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence,
                earmark = new { group = id },
            }
        );
        await api.Host.RefusedAsync(
            "personal-data-in-text",
            village.Offices.CountyHrss,
            "/api/donors",
            new
            {
                kind = "charity",
                name = $"基金会{id}",
                creditCode = SamplePeople.CreditCode(village.Offices.County, 950),
            }
        );
        var allocation = (await village.AllocateAsync(1)).AllocationId;
        await api.Host.RefusedAsync(
            "reference-is-personal",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations/{allocation}/reversal",
            new { confirmBy = id, reason = "x" }
        );

        // The tax office's file: by the person's id as its reference, and an id where an amount belongs.
        var sheet =
            $"姓名,身份证号,缴费档次（元）,个人缴费金额（元）,缴费日期,缴费类型,缴费凭证号\n{people[0].Name},{id},{id},300,{id},正常缴费,{id}\n";
        using var contributions = await village.Offices.Tax.SendAsync(
            HttpMethod.Post,
            $"/api/contributions/import?year={village.Year}",
            SampleClient.Form(Encoding.UTF8.GetBytes(sheet), "缴费.csv")
        );
        var problem = await contributions.Content.ReadAsStringAsync();
        Assert.Contains("reference-is-personal", problem);
        Assert.DoesNotContain(id, problem);
        sheet = $"姓名,身份证号,村民小组\n{people[0].Name},{id},{id}\n";
        await api.Host.RefusedAsync(
            "roster-invalid",
            village.Officer,
            $"/api/members/import?collectiveId={village.CollectiveId}",
            SampleClient.Form(Encoding.UTF8.GetBytes(sheet), "名册.csv")
        );

        foreach (var number in new[] { id, wide, spaced, people[0].Phone, phone })
        foreach (
            var where in new[]
            {
                "select count(*) from ledger.mt_events where data::text || headers::text like @n",
                """
                    select count(*)
                      from ledger.idempotency
                     where convert_from(body, 'utf8') || key || headers::text like @n
                    """,
                "select count(*) from ledger.evidence where file_name like @n",
            }
        )
            Assert.True(await api.ScalarAsync<long>(where, ("n", $"%{number}%")) == 0, $"{number}: {where}");
    }

    [Fact]
    public async Task C8_an_individual_donor_is_erased_like_a_member_and_the_receipt_still_says_where_each_yuan_went()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(57).Take(1, village.Offices.County)[0] with { Name = "欧阳传福德" };
        var donor = (
            await village.Officer.PostAsync<DonorView>(
                "/api/donors",
                new
                {
                    kind = "individual",
                    name = person.Name,
                    citizenId = person.CitizenId,
                    phone = person.Phone,
                }
            )
        ).Id;
        await api.Host.RefusedAsync(
            "already-exists",
            village.Officer,
            "/api/donors",
            new
            {
                kind = "individual",
                name = person.Name,
                citizenId = person.CitizenId,
            }
        );
        // Another county has a register of its own, and hears nothing of this one.
        var other = await api.RegisteredAsync();
        Assert.NotEqual(
            donor,
            (
                await other.Officer.PostAsync<DonorView>(
                    "/api/donors",
                    new
                    {
                        kind = "individual",
                        name = person.Name,
                        citizenId = person.CitizenId,
                    }
                )
            ).Id
        );
        await village.AllocateAsync(300, SourceKind.Individual, $"{person.Name}捐款", donorId: donor);
        Assert.Equal(
            $"{Storage.Person.Mask(person.Name)}捐款",
            await api.ScalarAsync<string>(
                """
                select data ->> 'sourceName'
                  from ledger.mt_events
                 where type = 'funds_allocated'
                   and data ->> 'donorId' = @d
                """,
                ("d", donor)
            )
        );

        await api.Host.RefusedAsync(
            "retention-not-over",
            village.Offices.CountyHrss,
            $"/api/donors/{donor}/erasure",
            new { reason = "保管期满" }
        );
        await api.Host.RefusedAsync(
            "forbidden",
            village.Officer,
            $"/api/donors/{donor}/erasure",
            new { reason = "保管期满" }
        );
        await api.Host.RefusedAsync(
            "not-found",
            other.Offices.CountyHrss,
            $"/api/donors/{donor}/erasure",
            new { reason = "保管期满" }
        );
        await using var process = await ApiHost.StartAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = api.ConnectionString,
                ["Ledger__KeyFile"] = api.KeyFile,
                ["Ledger__RetentionYears"] = "-2",
            }
        ); // by its own clock, which the fixture's may be ahead of by months
        var there = new SampleClient(
            process.Http,
            new Security.Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System),
            village.Offices.CountyHrss.Actor
        );
        await there.PostAsync($"/api/donors/{donor}/erasure", new { reason = "保管期满" });
        await ApiFixture.RefusedAsync("wrong-state", there, $"/api/donors/{donor}/erasure", new { reason = "再次" });
        var charity = await village.CharityAsync();
        await ApiFixture.RefusedAsync("wrong-state", there, $"/api/donors/{charity}/erasure", new { reason = "x" });
        Assert.True(
            await api.ScalarAsync<bool>(
                "select wrapped_key is null and data is null from ledger.person where member_id = @d",
                ("d", donor)
            )
        );
        var receipt = await village.Officer.GetAsync<DonorReceiptView>($"/api/donors/{donor}/receipt");
        Assert.Equal(("（已删除）", 300m), (receipt.Donor.Name, receipt.AvailableAmount.Yuan));
        foreach (var table in new[] { "mt_events", "mt_doc_donor", "audit_entry", "idempotency" })
            Assert.Equal(
                0,
                await api.ScalarAsync<long>(
                    $"select count(*) from ledger.{table} t where t::text like @n",
                    ("n", $"%{person.Name}%")
                )
            );
        // Back one day, the person is somebody new.
        Assert.NotEqual(
            donor,
            (
                await village.Officer.PostAsync<DonorView>(
                    "/api/donors",
                    new
                    {
                        kind = "individual",
                        name = person.Name,
                        citizenId = person.CitizenId,
                    }
                )
            ).Id
        );
    }

    private static char Luhn(string digits)
    {
        for (var c = '0'; c <= '9'; c++)
            if (PersonalNumbers.In(digits + c) is "银行卡号")
                return c;
        throw new InvalidOperationException("one of ten digits fits");
    }
}
