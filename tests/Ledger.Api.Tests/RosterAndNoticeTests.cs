using System.Text;
using System.Text.Json;

namespace Ledger.Api.Tests;

/// <summary>
/// A roster looked at before it is filed (C14), the notice that everybody may object to (C16), the list of a payment
/// (C17): what they answer, and what they leave behind.
/// </summary>
[Collection("api")]
public sealed class RosterAndNoticeTests(ApiFixture api)
{
    private static async Task<JsonElement> CheckAsync(SampleVillage village, byte[] roster, string? key = null)
    {
        using var response = await village.Officer.SendAsync(
            HttpMethod.Post,
            "/api/applications/roster-check",
            SampleClient.Form(roster, "名单.csv", "roster", ("planId", village.PlanId)),
            key
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(response.IsSuccessStatusCode, text);
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    private static byte[] Csv(params string[] rows) =>
        Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend("姓名,身份证号,补助金额（元）")));

    private static (int, string, string)[] Faults(JsonElement answer) =>
        [
            .. answer
                .GetProperty("faults")
                .EnumerateArray()
                .Select(f =>
                    (
                        f.GetProperty("row").GetInt32(),
                        f.GetProperty("column").GetString()!,
                        f.GetProperty("code").GetString()!
                    )
                ),
        ];

    [Fact]
    public async Task C14_who_stands_on_another_list_that_waits_is_asked_about_and_the_answer_is_on_record()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        var roster = Csv(people.Select(p => $"{p.Name},{p.CitizenId},").ToArray());
        var seal = await village.Officer.EvidenceAsync("seal");
        MultipartFormDataContent Form(string confirm = "") =>
            SampleClient.Form(
                roster,
                "名单.csv",
                "roster",
                ("planId", village.PlanId),
                ("seal", seal),
                ("confirmDuplicate", confirm)
            );
        Task<string[]> RecordedAsync(string application) =>
            api.ScalarAsync<string[]>(
                """
                select array_agg(headers ->> 'notDuplicate' order by version) from ledger.mt_events
                 where stream_id = @id
                """,
                ("id", application)
            );
        Assert.Equal(0, (await CheckAsync(village, roster)).GetProperty("faultCount").GetInt32());
        await village.FileAsync([people[1]]);
        var first = village.ApplicationId;
        Assert.All(await RecordedAsync(first), Assert.Null); // nothing was asked

        // At the check, at once: not when the other one is approved.
        (int, string, string)[] asked = [(3, "身份证号", "possible-duplicate")];
        var check = await CheckAsync(village, roster);
        Assert.Equal(asked, Faults(check));
        Assert.Equal(1, check.GetProperty("people").GetInt32());
        Assert.Contains(first, check.GetProperty("faults")[0].GetProperty("message").GetString());

        // The same is said of what is filed, of a file or of lines.
        Assert.Equal(
            asked,
            Faults(await ApiFixture.RefusedAsync("roster-invalid", village.Officer, "/api/applications", Form()))
        );
        var lines = await api.ScalarAsync<string[]>(
            """
            select array_agg(l ->> 'memberId')
              from ledger.mt_doc_application a, jsonb_array_elements(a.data -> 'lines') l where a.id = @id
            """,
            ("id", first)
        );
        var body = new
        {
            planId = village.PlanId,
            seal,
            lines = lines.Select(l => new { memberId = l }),
        };
        Assert.Equal(
            [(1, "身份证号", "possible-duplicate")],
            Faults(await ApiFixture.RefusedAsync("roster-invalid", village.Officer, "/api/applications", body))
        );
        // Only who is not asked about.
        using (var sound = await village.Officer.SendAsync(HttpMethod.Post, "/api/applications?partial=true", Form()))
        {
            var filed = JsonSerializer.Deserialize<JsonElement>(await sound.Content.ReadAsStringAsync());
            Assert.Equal(1, filed.GetProperty("application").GetProperty("lineCount").GetInt32());
            Assert.Equal(asked, Faults(filed));
            await village.Officer.PostAsync(
                $"/api/applications/{filed.GetProperty("application").Id()}/withdrawal",
                new { reason = "改报" }
            );
        }

        // A reason is no place for a number of a person; with one, both stand on both lists.
        await ApiFixture.RefusedAsync(
            "personal-data-in-text",
            village.Officer,
            "/api/applications",
            Form($"身份证 {people[1].CitizenId}")
        );
        const string why = "另一份将撤回";
        using (
            var checkedAgain = await village.Officer.SendAsync(
                HttpMethod.Post,
                "/api/applications/roster-check",
                Form(why)
            )
        )
            Assert.Empty(
                Faults(JsonSerializer.Deserialize<JsonElement>(await checkedAgain.Content.ReadAsStringAsync()))
            );
        using var meant = await village.Officer.SendAsync(HttpMethod.Post, "/api/applications", Form(why));
        var second = JsonSerializer.Deserialize<JsonElement>(await meant.Content.ReadAsStringAsync());
        var id = second.GetProperty("application").Id();
        Assert.Equal(2, second.GetProperty("application").GetProperty("lineCount").GetInt32());
        Assert.All(await RecordedAsync(id), recorded => Assert.Equal($"{first}：{why}", recorded));

        // One that was sent back is not its own rival, but the other one's still; one that was withdrawn is nobody's.
        await village.Offices.Reviewer.PostAsync($"/api/applications/{id}/return", new { reason = "补正" });
        Assert.Equal(
            asked,
            Faults(
                await ApiFixture.RefusedAsync(
                    "roster-invalid",
                    village.Officer,
                    $"/api/applications/{id}/resubmission",
                    Form()
                )
            )
        );
        await village.Officer.PostAsync($"/api/applications/{first}/withdrawal", new { reason = "并入另一份" });
        using var again = await village.Officer.SendAsync(
            HttpMethod.Post,
            $"/api/applications/{id}/resubmission",
            Form()
        );
        Assert.True(again.IsSuccessStatusCode, await again.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task C14_of_two_lists_with_one_person_filed_at_once_one_is_asked_about()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        var seal = await village.Officer.EvidenceAsync("seal");
        var answers = await Task.WhenAll(
            Enumerable
                .Range(0, 6)
                .Select(async _ =>
                {
                    using var response = await village.Officer.SendAsync(
                        HttpMethod.Post,
                        "/api/applications",
                        SampleClient.Form(
                            Csv($"{people[0].Name},{people[0].CitizenId},"),
                            "名单.csv",
                            "roster",
                            ("planId", village.PlanId),
                            ("seal", seal)
                        )
                    );
                    return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
                })
        );
        Assert.Single(answers, a => a.Item1 == 201);
        Assert.All(
            answers.Where(a => a.Item1 != 201),
            a => Assert.Contains("possible-duplicate", a.Item2, StringComparison.Ordinal)
        );
    }

    [Fact]
    public async Task C14_a_roster_is_checked_row_by_row_with_its_totals_and_nothing_is_filed_or_kept()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 120.50m, money: 300);
        var stranger = new SamplePeople(999).Next(village.Offices.County);
        var key = $"{Guid.NewGuid()}";
        var roster = Csv([
            .. people.Select(p => $"{p.Name},{p.CitizenId},"),
            $"{stranger.Name},{stranger.CitizenId},",
            $"{people[0].Name},{people[0].CitizenId},99",
        ]);
        var check = await CheckAsync(village, roster, key);
        Assert.Equal(
            (3, "361.50", "300.00", "61.50", 3),
            (
                check.GetProperty("people").GetInt32(),
                check.GetProperty("totalAmount").GetRawText(),
                check.GetProperty("availableAmount").GetRawText(),
                check.GetProperty("lackingAmount").GetRawText(),
                check.GetProperty("faultCount").GetInt32()
            )
        );
        Assert.Equal("叁佰陆拾壹元伍角整", check.GetProperty("totalInWords").GetString());
        var rows = check.GetProperty("rows").EnumerateArray().ToList();
        Assert.Equal(5, rows.Count);
        Assert.Equal(
            [people[0].Name, people[0].CitizenId, ""],
            rows[0].GetProperty("cells").EnumerateArray().Select(c => c.GetString()!)
        );
        Assert.Equal("120.50", rows[0].GetProperty("amount").GetRawText());
        Assert.Equal(JsonValueKind.Null, rows[3].GetProperty("amount").ValueKind);
        Assert.Equal(
            [(5, "not-a-member"), (6, "roster-invalid"), (6, "roster-invalid")],
            check
                .GetProperty("faults")
                .EnumerateArray()
                .Select(f => (f.GetProperty("row").GetInt32(), f.GetProperty("code").GetString()!))
        );

        // Asked again under the same key it has forgotten the people; nothing of them stands in the database; nothing
        // is filed.
        var again = await CheckAsync(village, roster, key);
        Assert.Empty(again.GetProperty("rows").EnumerateArray());
        foreach (var secret in (string[])[people[0].Name, people[0].CitizenId, stranger.CitizenId])
            Assert.Equal(
                0,
                await api.ScalarAsync<long>(
                    """
                    select count(*)
                      from ledger.idempotency
                     where actor = @actor
                       and convert_from(body, 'UTF8') like '%' || @secret || '%'
                    """,
                    ("actor", village.Officer.Actor.Id),
                    ("secret", secret)
                )
            );
        Assert.Empty((await village.Officer.GetAsync("/api/applications")).EnumerateArray());

        await ApiFixture.RefusedAsync(
            "file-invalid",
            village.Officer,
            HttpMethod.Post,
            "/api/applications/roster-check",
            SampleClient.Form([1, 2, 3], "x.xlsx", "roster", ("planId", village.PlanId))
        );
        await ApiFixture.RefusedAsync(
            "not-found",
            village.Offices.Officer($"{village.Offices.County}999999"),
            HttpMethod.Post,
            "/api/applications/roster-check",
            SampleClient.Form(roster, "名单.csv", "roster", ("planId", village.PlanId))
        );
    }

    [Fact]
    public async Task C16_anybody_may_object_while_the_notice_is_open_and_leaves_no_name_of_the_list_behind()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        var path = $"/api/notices/{village.ApplicationId}/objections";
        async Task<JsonElement> Public(object body, int status)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = SampleClient.Json(body) };
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
            using var response = await api.Http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(status == (int)response.StatusCode, text);
            return JsonSerializer.Deserialize<JsonElement>(text);
        }
        // There is no notice yet.
        Assert.Equal("not-found", (await Public(new { text = "x" }, 404)).GetProperty("code").GetString());
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var receipt = await Public(new { text = $"{people[0].Name}今年没有缴费" }, 200);
        Assert.Equal(["objectionId"], receipt.EnumerateObject().Select(p => p.Name));
        var objection = (await village.Officer.GetAsync(village.ApplicationPath))
            .GetProperty("objections")[0]
            .GetProperty("text")
            .GetString()!;
        Assert.DoesNotContain(people[0].Name, objection);
        Assert.Equal(
            "personal-data-in-text",
            (await Public(new { text = $"身份证 {people[0].CitizenId}" }, 422)).GetProperty("code").GetString()
        );
        await Public(new { text = "异议 2" }, 200);
        await Public(new { text = "异议 3" }, 200);
        // One address.
        Assert.Equal("limit-exceeded", (await Public(new { text = "又一条" }, 413)).GetProperty("code").GetString());
        var page = await api.Http.GetStringAsync($"/notices/{village.ApplicationId}");
        Assert.DoesNotContain("没有缴费", page); // what somebody claims of somebody is not for everybody to read
        Assert.Contains("待答复", page);
    }

    [Fact]
    public async Task C16_one_address_waits_with_three_objections_many_shut_nobody_out_and_then_it_is_paid()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        async Task<(int Status, string Text)> From(string address, string text)
        {
            using var client = new HttpClient(
                api.Host.Server.CreateHandler(http =>
                    http.Connection.RemoteIpAddress = System.Net.IPAddress.Parse(address)
                )
            )
            {
                BaseAddress = api.Host.Server.BaseAddress,
            };
            using var request = new HttpRequestMessage(
                HttpMethod.Post,
                $"/api/notices/{village.ApplicationId}/objections"
            )
            {
                Content = SampleClient.Json(new { text }),
            };
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
            using var response = await client.SendAsync(request);
            return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
        }
        for (var i = 1; i <= 3; i++)
            Assert.Equal(200, (await From("198.51.100.7", $"反对 {i}")).Status);
        var (status, refused) = await From("198.51.100.7", "反对 4");
        Assert.True(status == 413 && refused.Contains("limit-exceeded", StringComparison.Ordinal), refused);
        Assert.Equal(413, (await From("::ffff:198.51.100.7", "反对 4")).Status); // the same, written otherwise
        // docs/security.md: whoever deletes what is known of an address lets it object once more. The objections
        // themselves stay.
        await using (var connection = await api.Database.OpenConnectionAsync())
            await connection.ExecuteAsync(
                """
                delete from ledger.objection_source
                 where objection_id in (select data ->> 'objectionId'
                                          from ledger.mt_events
                                         where stream_id = @id
                                         order by seq_id desc limit 1)
                """,
                ("id", village.ApplicationId)
            );
        Assert.Equal(200, (await From("198.51.100.7", "反对 4")).Status);
        for (var i = 0; i < 3; i++)
            Assert.Equal(200, (await From($"2001:db8:1:2::{i}", $"反对 {i}")).Status);
        Assert.Equal(413, (await From("2001:db8:1:2:ffff::9", "反对 4")).Status); // one subscriber's own /64
        for (var i = 7; i < 50; i++)
            Assert.Equal(200, (await From($"203.0.113.{i}", $"反对 {i}")).Status);
        // Fifty wait: whoever has one among them waits, a villager who has none is heard.
        Assert.Equal(413, (await From("203.0.113.49", "反对")).Status);
        Assert.Equal(200, (await From("203.0.113.99", "名单上的人已搬走")).Status);
        Assert.Equal(413, (await From("203.0.113.99", "又一条")).Status);
        // Neither table nor event knows the address, and the hash is another one for every application.
        Assert.Equal(
            50,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.objection_source
                 where octet_length(source) = 32
                   and objection_id in (select data ->> 'objectionId' from ledger.mt_events where stream_id = @id)
                """,
                ("id", village.ApplicationId)
            )
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where stream_id = @id
                   and (data::text || headers::text) ~ '198[.]51|203[.]0|2001:'
                """,
                ("id", village.ApplicationId)
            )
        );

        var township = village.Offices.Township(village.VillageCode[..9]);
        var ids = (await village.Officer.GetAsync(village.ApplicationPath))
            .GetProperty("objections")
            .EnumerateArray()
            .Select(o => o.GetProperty("objectionId").GetString())
            .ToArray();
        var path = $"{village.ApplicationPath}/objections/closure";
        await ApiFixture.RefusedAsync("forbidden", village.Officer, path, new { objectionIds = ids, reason = "x" });
        await ApiFixture.RefusedAsync(
            "forbidden",
            village.Offices.Reviewer,
            path,
            new { objectionIds = ids, reason = "x" }
        );
        await ApiFixture.RefusedAsync(
            "not-found",
            api.NewOffices().Township("999911001"),
            path,
            new { objectionIds = ids, reason = "x" }
        );
        await ApiFixture.RefusedAsync("field-invalid", township, path, new { objectionIds = ids, reason = "" });
        await village.Officer.PostAsync($"{village.ApplicationPath}/objections", new { text = "村民口头提出，请核对" });
        var known = (await village.Officer.GetAsync(village.ApplicationPath))
            .GetProperty("objections")
            .EnumerateArray()
            .Last()
            .GetProperty("objectionId")
            .GetString();
        await ApiFixture.RefusedAsync(
            "field-invalid",
            township,
            path,
            new { objectionIds = new[] { known }, reason = "无从核实" }
        ); // whoever gave his name gets an answer
        await township.PostAsync(path, new { objectionIds = ids, reason = "没有指明何人何事，无从核实" });
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.objection_source where objection_id = any(@ids)",
                ("ids", ids)
            )
        );
        api.Clock.Advance(TimeSpan.FromDays(8));
        await ApiFixture.RefusedAsync(
            "notice-open",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 200,
                purpose = "member-subsidy",
                bankReference = "x",
                evidence = new[] { await village.Officer.EvidenceAsync("slip") },
            }
        );
        await township.PostAsync(
            $"{village.ApplicationPath}/objections/{known}/answer",
            new { upheld = false, answer = "已核对缴费凭证" }
        );
        await village.PayAsync(200);
        var seen = (
            await village.Offices.Auditor.GetAsync(
                $"/api/audit/events?id={village.ApplicationId}&type=objection_resolved&limit=100"
            )
        ).GetProperty("entries");
        Assert.Equal(52, seen.GetArrayLength());
    }

    [Fact]
    public async Task C16_an_upheld_objection_names_somebody_or_the_whole_list_and_is_not_answered_by_who_raised_it()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var township = village.Offices.Township(village.VillageCode[..9]);
        var members = (await village.Officer.GetAsync($"{village.ApplicationPath}/lines"))
            .GetProperty("lines")
            .EnumerateArray()
            .Select(l => l.GetProperty("memberId").GetString())
            .ToArray();
        async Task<string> Raise(SampleClient by)
        {
            var raised = await by.PostAsync($"{village.ApplicationPath}/objections", new { text = "有一户已迁出" });
            var last = raised.GetProperty("objections").EnumerateArray().Last();
            return $"{village.ApplicationPath}/objections/{last.GetProperty("objectionId").GetString()}/answer";
        }
        var path = await Raise(township);
        await ApiFixture.RefusedAsync(
            "self-approval",
            township,
            path,
            new
            {
                upheld = true,
                answer = "成立",
                memberId = members[0],
            }
        );
        await ApiFixture.RefusedAsync("self-approval", township, path, new { upheld = false, answer = "不成立" });
        Assert.Equal(
            "memberId",
            (
                await ApiFixture.RefusedAsync(
                    "field-invalid",
                    village.Offices.Reviewer,
                    path,
                    new { upheld = true, answer = "成立" }
                )
            )
                .GetProperty("field")
                .GetString()
        );
        await ApiFixture.RefusedAsync(
            "field-invalid",
            village.Offices.Reviewer,
            path,
            new
            {
                upheld = true,
                answer = "成立",
                memberId = "member-x",
            }
        );
        var answered = await village.Offices.Reviewer.PostAsync(
            path,
            new
            {
                upheld = true,
                answer = "档次有误",
                memberId = members[0],
                correctedAmount = 60,
            }
        );
        Assert.Contains("1 人退出名单，100.00 元退回资金；应为 60.00 元", answered.GetProperty("outcome").GetString());
        Assert.Equal(
            200m,
            (await village.Officer.GetAsync($"/api/funds/{village.FundId}")).GetProperty("reservedAmount").GetDecimal()
        );
        Assert.Equal(
            0m,
            (await village.Officer.GetAsync($"/api/members/{members[0]}/years/{village.Year}"))
                .GetProperty("usedAmount")
                .GetDecimal()
        );
        answered = await village.Offices.Reviewer.PostAsync(
            await Raise(township),
            new
            {
                upheld = true,
                answer = "标准有误",
                wholeList = true,
            }
        );
        Assert.Equal("withdrawn", answered.GetProperty("status").GetString());
        Assert.Contains("申请终止", answered.GetProperty("outcome").GetString());
        Assert.Equal(
            0m,
            (await village.Officer.GetAsync($"/api/funds/{village.FundId}")).GetProperty("reservedAmount").GetDecimal()
        );
        await village.FileAsync(people); // and anew
    }

    [Fact]
    public async Task C17_the_payment_list_is_in_clear_once_for_the_village_and_stays_on_record()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var path = $"{village.ApplicationPath}/payment-list";
        await ApiFixture.RefusedAsync("wrong-state", village.Officer, path); // not before the notice
        await village.NoticeAsync();
        await ApiFixture.RefusedAsync("forbidden", village.Offices.Reviewer, path);
        var key = $"{Guid.NewGuid()}";
        async Task<JsonElement> List()
        {
            using var response = await village.Officer.SendAsync(
                HttpMethod.Post,
                path,
                SampleClient.Json(new { }),
                key
            );
            return JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        }
        var list = await List();
        Assert.Equal(
            (2, "200.00"),
            (list.GetProperty("lines").GetInt32(), list.GetProperty("totalAmount").GetRawText())
        );
        var sheet = Convert.FromBase64String(list.GetProperty("content").GetString()!);
        using (var zip = new System.IO.Compression.ZipArchive(new MemoryStream(sheet)))
        {
            var text = string.Concat(
                zip.Entries.Where(e => e.FullName.EndsWith(".xml", StringComparison.Ordinal))
                    .Select(e => new StreamReader(e.Open()).ReadToEnd())
            );
            Assert.All(
                people,
                p =>
                    Assert.True(
                        text.Contains(p.Name, StringComparison.Ordinal)
                            && text.Contains(p.CitizenId, StringComparison.Ordinal)
                    )
            );
            Assert.Contains("贰佰元整", text);
        }
        // The kept answer has no content.
        Assert.Equal(JsonValueKind.Null, (await List()).GetProperty("content").ValueKind);
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where key = @key and length(body) > 1000",
                ("key", key)
            )
        );
        var seen = (
            await village.Offices.Auditor.GetAsync(
                $"/api/audit/events?id={village.ApplicationId}&type=payment_list_disclosed"
            )
        ).GetProperty("entries");
        Assert.Equal(village.Officer.Actor.Id, Assert.Single(seen.EnumerateArray()).GetProperty("actor").GetString());
    }

    [Fact]
    public async Task C16_a_published_notice_stays_as_it_was_and_what_came_later_is_an_addendum()
    {
        var (village, people) = await api.ReadyToFileAsync(4);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var members = (await village.Officer.GetAsync($"{village.ApplicationPath}/lines"))
            .GetProperty("lines")
            .EnumerateArray()
            .Select(l => l.GetProperty("memberId").GetString()!)
            .ToArray();
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[0] }, reason = "公示前撤回" }
        );
        await village.NoticeAsync();
        async Task<JsonElement> NoticeAsync() =>
            JsonSerializer.Deserialize<JsonElement>(
                await api.Http.GetStringAsync($"/api/notices/{village.ApplicationId}")
            );
        var published = await NoticeAsync();
        Assert.Equal(
            (3, 300m, 0),
            (
                published.GetProperty("lines").GetArrayLength(),
                published.GetProperty("totalAmount").GetDecimal(),
                published.GetProperty("addenda").GetArrayLength()
            )
        );

        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[1] }, reason = "本人放弃" }
        );
        var objected = await village.Officer.PostAsync(
            $"{village.ApplicationPath}/objections",
            new { memberId = members[2], text = "该户已迁出" }
        );
        var objection = objected.GetProperty("objections")[0].GetProperty("objectionId").GetString();
        await village.Offices.Reviewer.PostAsync(
            $"{village.ApplicationPath}/objections/{objection}/answer",
            new { upheld = true, answer = "异议成立" }
        );
        api.Clock.Advance(TimeSpan.FromDays(8));
        Assert.Equal(2, (await NoticeAsync()).GetProperty("addenda").GetArrayLength()); // while the payment waits
        await village.PayAsync(100);
        // Paid and over: whoever does not look after the village reads it no more, neither as page nor as data.
        var path = $"/api/notices/{village.ApplicationId}";
        foreach (var closed in (string[])[path, path["/api".Length..]])
        {
            using var answer = await api.Http.GetAsync(closed);
            Assert.Equal(404, (int)answer.StatusCode);
            Assert.Contains("名单不再公开", await answer.Content.ReadAsStringAsync());
        }
        await ApiFixture.RefusedAsync("not-found", api.NewOffices().Reviewer, HttpMethod.Get, path);
        var later = await village.Officer.GetAsync(path);
        Assert.Equal(published.GetProperty("lines").GetRawText(), later.GetProperty("lines").GetRawText());
        Assert.Equal(300m, later.GetProperty("totalAmount").GetDecimal());
        Assert.Equal(
            [("withdrawn", 1, 0m), ("objection-upheld", 2, 0m)],
            later
                .GetProperty("addenda")
                .EnumerateArray()
                .Select(a =>
                    (
                        a.GetProperty("change").GetString()!,
                        a.GetProperty("lines")[0].GetProperty("number").GetInt32(),
                        a.GetProperty("lines")[0].GetProperty("amount").GetDecimal()
                    )
                )
        );
        Assert.Equal(
            (1, 100m),
            (later.GetProperty("presentLineCount").GetInt32(), later.GetProperty("presentAmount").GetDecimal())
        );
        using var shown = await village.Officer.SendAsync(HttpMethod.Get, $"/notices/{village.ApplicationId}", null);
        var page = await shown.Content.ReadAsStringAsync();
        Assert.Contains("补充公告", page);
        Assert.DoesNotContain("本人放弃", page); // why somebody gave up is nobody's business
    }
}
