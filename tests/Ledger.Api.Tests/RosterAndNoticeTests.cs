using System.Net;
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
    private async Task<RosterCheckView> CheckAsync(SampleVillage village, byte[] roster, string? key = null)
    {
        var form = SampleClient.Form(roster, "名单.csv", "roster", ("planId", village.PlanId));
        var path = "/api/applications/roster-check";
        return await (
            await api.Host.SendAsync(200, village.Officer, HttpMethod.Post, path, form, key)
        ).ReadAsync<RosterCheckView>();
    }

    private static byte[] Csv(params string[] rows) =>
        Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend("姓名,身份证号,补助金额（元）")));

    private static (int?, string?, string)[] Faults(IEnumerable<Fault> faults) =>
        [.. faults.Select(f => (f.Row, f.Column, f.Code))];

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
        Assert.Equal(0, (await CheckAsync(village, roster)).FaultCount);
        await village.FileAsync([people[1]]);
        var first = village.ApplicationId;
        Assert.All(await RecordedAsync(first), Assert.Null); // nothing was asked

        // At the check, at once: not when the other one is approved.
        (int?, string?, string)[] asked = [(3, "身份证号", "possible-duplicate")];
        var check = await CheckAsync(village, roster);
        Assert.Equal(asked, Faults(check.Faults));
        Assert.Equal(1, check.People);
        Assert.Contains(first, check.Faults[0].Message);

        // The same is said of what is filed, of a file or of lines.
        Assert.Equal(
            asked,
            Faults((await api.Host.RefusedAsync("roster-invalid", village.Officer, "/api/applications", Form())).Faults)
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
            Faults((await api.Host.RefusedAsync("roster-invalid", village.Officer, "/api/applications", body)).Faults)
        );
        // Only who is not asked about.
        var filed = await village.Officer.PostAsync<FilingView>("/api/applications?partial=true", Form());
        Assert.Equal(1, filed.Application.LineCount);
        Assert.Equal(asked, Faults(filed.Faults));
        await village.Officer.PostAsync(
            $"/api/applications/{filed.Application.Id}/withdrawal",
            new { reason = "改报" }
        );

        // A reason is no place for a number of a person; with one, both stand on both lists.
        await api.Host.RefusedAsync(
            "personal-data-in-text",
            village.Officer,
            "/api/applications",
            Form($"身份证 {people[1].CitizenId}")
        );
        const string why = "另一份将撤回";
        Assert.Empty(
            (await village.Officer.PostAsync<RosterCheckView>("/api/applications/roster-check", Form(why))).Faults
        );
        var second = await village.Officer.PostAsync<FilingView>("/api/applications", Form(why));
        var id = second.Application.Id;
        Assert.Equal(2, second.Application.LineCount);
        Assert.All(await RecordedAsync(id), recorded => Assert.Equal($"{first}：{why}", recorded));

        // One that was sent back is not its own rival, but the other one's still; one that was withdrawn is nobody's.
        await village.Offices.Reviewer.PostAsync<ApplicationView>(
            $"/api/applications/{id}/return",
            new { reason = "补正" }
        );
        Assert.Equal(
            asked,
            Faults(
                (
                    await api.Host.RefusedAsync(
                        "roster-invalid",
                        village.Officer,
                        $"/api/applications/{id}/resubmission",
                        Form()
                    )
                ).Faults
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
                check.People,
                check.TotalAmount.ToString(),
                check.AvailableAmount.ToString(),
                check.LackingAmount.ToString(),
                check.FaultCount
            )
        );
        Assert.Equal("叁佰陆拾壹元伍角整", check.TotalInWords);
        var rows = check.Rows.ToList();
        Assert.Equal(5, rows.Count);
        Assert.Equal([people[0].Name, people[0].CitizenId, ""], rows[0].Cells);
        Assert.Equal("120.50", rows[0].Amount.ToString());
        Assert.Null(rows[3].Amount);
        Assert.Equal(
            [(5, "not-a-member"), (6, "roster-invalid"), (6, "roster-invalid")],
            check.Faults.Select(f => (f.Row, f.Code))
        );

        // Asked again under the same key it has forgotten the people; nothing of them stands in the database; nothing
        // is filed.
        var again = await CheckAsync(village, roster, key);
        Assert.Empty(again.Rows);
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
        Assert.Empty((await village.Officer.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications")));

        await api.Host.RefusedAsync(
            "file-invalid",
            village.Officer,
            HttpMethod.Post,
            "/api/applications/roster-check",
            SampleClient.Form([1, 2, 3], "x.xlsx", "roster", ("planId", village.PlanId))
        );
        await api.Host.RefusedAsync(
            "not-found",
            village.Offices.Officer($"{village.Offices.County}999999"),
            HttpMethod.Post,
            "/api/applications/roster-check",
            SampleClient.Form(roster, "名单.csv", "roster", ("planId", village.PlanId))
        );
    }

    [Fact]
    public async Task A_list_that_came_back_is_no_duplicate_of_itself()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReturnAsync("缺第3组");
        Task<RosterCheckView> CheckAsync(string query) =>
            village.Officer.PostAsync<RosterCheckView>(
                $"/api/applications/roster-check{query}",
                SampleClient.Form(SampleSheets.Roster(people), "补助名单.xlsx", "roster", ("planId", village.PlanId))
            );
        Assert.Equal(2, (await CheckAsync("")).FaultCount);
        var corrected = await CheckAsync($"?applicationId={village.ApplicationId}");
        Assert.Equal((2, 0), (corrected.People, corrected.FaultCount));
    }

    [Fact]
    public async Task C16_anybody_may_object_while_the_notice_is_open_and_leaves_no_name_of_the_list_behind()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        var path = $"/api/notices/{village.ApplicationId}/objections";
        async Task<JsonElement> Public(object body, int status)
        {
            var answer = await api.Host.Scenario(s =>
            {
                s.Post.Json(body).ToUrl(path);
                s.WithRequestHeader("Idempotency-Key", $"{Guid.NewGuid()}");
                s.StatusCodeShouldBe(status);
            });
            return await answer.ReadAsync<JsonElement>();
        }
        // There is no notice yet.
        Assert.Equal("not-found", (await Public(new { text = "x" }, 404)).As<Refused>().Code);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var receipt = await Public(new { text = $"{people[0].Name}今年没有缴费" }, 200);
        Assert.Equal(["objectionId"], receipt.EnumerateObject().Select(p => p.Name));
        var objection = (await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath)).Objections[0].Text;
        Assert.DoesNotContain(people[0].Name, objection);
        Assert.Equal(
            "personal-data-in-text",
            (await Public(new { text = $"身份证 {people[0].CitizenId}" }, 422)).As<Refused>().Code
        );
        var second = await Public(new { text = "异议 2", number = 2 }, 200);
        Assert.Equal("number", (await Public(new { text = "x", number = 3 }, 422)).GetProperty("field").GetString());
        await Public(new { text = "异议 3" }, 200);
        // Whom it is about stands in it, and it is followed by its number: not its words, and no other's.
        var number = second.GetProperty("objectionId").GetString();
        var view = await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath);
        var about = view.Objections.Single(o => o.ObjectionId == number).MemberId;
        Assert.NotNull(about);
        var followed = await api.Http.GetStringAsync($"{path}/{number}");
        using (var seen = JsonDocument.Parse(followed))
        {
            Assert.Equal(2, seen.RootElement.GetProperty("number").GetInt32());
            Assert.Equal(JsonValueKind.Null, seen.RootElement.GetProperty("upheld").ValueKind);
            Assert.DoesNotContain(about, followed, StringComparison.Ordinal);
            Assert.DoesNotContain("异议 2", followed, StringComparison.Ordinal);
        }
        Assert.Equal(HttpStatusCode.NotFound, (await api.Http.GetAsync($"{path}/objection-x")).StatusCode);
        // Who objects at a desk gets its number on a slip, and follows it without its words.
        await village.Officer.PostAsync($"{village.ApplicationPath}/objections", new { text = "到村里口头提出" });
        var atDesk = (await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath))
            .Objections[^1]
            .ObjectionId;
        var slip = await api.Http.GetStringAsync($"/objections/{village.ApplicationId}?number={atDesk}");
        Assert.Contains(atDesk["objection-".Length..], slip, StringComparison.Ordinal);
        Assert.Contains("待答复", slip, StringComparison.Ordinal);
        Assert.DoesNotContain("口头提出", slip, StringComparison.Ordinal);
        // On another village's page, or among the complaints, the number leads to where it is; nobody's leads nowhere.
        var (other, others) = await api.ReadyToFileAsync(1);
        await other.FileAsync(others);
        await other.ReviewAsync();
        await other.ApproveAsync();
        await other.NoticeAsync();
        var right = $"/objections/{village.ApplicationId}?number={atDesk["objection-".Length..]}";
        async Task<string?> LedAsync(string from) => (await api.Http.GetAsync(from)).Headers.Location?.ToString();
        await ApiFixture.EventuallyAsync(
            async () => await LedAsync($"/objections/{other.ApplicationId}?number={atDesk}") == right,
            "the number leads to its own village"
        );
        Assert.Equal(
            right,
            await LedAsync($"/complaints/{other.ApplicationId}?number={right[^19..].ToLowerInvariant()}")
        );
        Assert.Equal(right, await LedAsync($"/complaints/{village.ApplicationId}?number={right[^19..]}"));
        var nobodys = await api.Http.GetAsync($"/objections/{other.ApplicationId}?number=ABCD-EFGH-JKLM-NPQR");
        Assert.Equal(HttpStatusCode.OK, nobodys.StatusCode);
        Assert.Contains("没有查到这个查询号", await nobodys.Content.ReadAsStringAsync(), StringComparison.Ordinal);
        // As it is typed, in the API too.
        var bare = atDesk["objection-".Length..];
        var wide = string.Concat(bare.Select(c => (char)(c + 0xFEE0)));
        foreach (var asked in new[] { atDesk, bare.Replace("-", "").ToLowerInvariant(), Uri.EscapeDataString(wide) })
            Assert.DoesNotContain(
                "口头提出",
                await api.Http.GetStringAsync($"{path}/{asked}"),
                StringComparison.Ordinal
            );
        var town = village.Offices.Township(village.VillageCode[..9]);
        await town.PostAsync(
            $"{village.ApplicationPath}/objections/{number}/answer",
            new { upheld = false, answer = "经核对凭证，已缴费" }
        );
        // As it was handed out, and as it is typed from paper.
        var typed = number!["objection-".Length..];
        Assert.Matches("^([A-Z2-9]{4}-){3}[A-Z2-9]{4}$", typed);
        foreach (var asked in new[] { number, typed, typed.Replace("-", "").ToLowerInvariant(), $" {typed} " })
            Assert.Contains(
                "经核对凭证，已缴费",
                WebUtility.HtmlDecode(
                    await api.Http.GetStringAsync(
                        $"/objections/{village.ApplicationId}?number={Uri.EscapeDataString(asked)}"
                    )
                ),
                StringComparison.Ordinal
            );
        await Public(new { text = "异议 4" }, 200); // an answered one waits no more
        // One address.
        Assert.Equal("limit-exceeded", (await Public(new { text = "又一条" }, 413)).As<Refused>().Code);
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
        var ids = (await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath))
            .Objections.Select(o => o.ObjectionId)
            .ToArray();
        var path = $"{village.ApplicationPath}/objections/closure";
        await api.Host.RefusedAsync("forbidden", village.Officer, path, new { objectionIds = ids, reason = "x" });
        await api.Host.RefusedAsync(
            "forbidden",
            village.Offices.Reviewer,
            path,
            new { objectionIds = ids, reason = "x" }
        );
        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Township("999911001"),
            path,
            new { objectionIds = ids, reason = "x" }
        );
        await api.Host.RefusedAsync("field-invalid", township, path, new { objectionIds = ids, reason = "" });
        await village.Officer.PostAsync($"{village.ApplicationPath}/objections", new { text = "村民口头提出，请核对" });
        var known = (await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath))
            .Objections.Last()
            .ObjectionId;
        await api.Host.RefusedAsync(
            "field-invalid",
            township,
            path,
            new { objectionIds = new[] { known }, reason = "无从核实" }
        ); // whoever gave his name gets an answer
        await township.PostAsync<ApplicationView>(
            path,
            new { objectionIds = ids, reason = "没有指明何人何事，无从核实" }
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.objection_source where objection_id = any(@ids)",
                ("ids", ids)
            )
        );
        api.Clock.Advance(TimeSpan.FromDays(8));
        await api.Host.RefusedAsync(
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
            await village.Offices.Auditor.GetAsync<AuditPage>(
                $"/api/audit/events?id={village.ApplicationId}&type=objection_resolved&limit=100"
            )
        ).Entries;
        Assert.Equal(52, seen.Count);
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
        var desk = api.Client(new Domain.Actor("clerk.desk", "agency", village.Offices.County)); // had no part in it
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => l.MemberId)
            .ToArray();
        async Task<string> Raise(SampleClient by)
        {
            var raised = await by.PostAsync<ApplicationView>(
                $"{village.ApplicationPath}/objections",
                new { text = "有一户已迁出" }
            );
            var last = raised.Objections.Last();
            return $"{village.ApplicationPath}/objections/{last.ObjectionId}/answer";
        }
        var path = await Raise(township);
        await api.Host.RefusedAsync(
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
        await api.Host.RefusedAsync("self-approval", township, path, new { upheld = false, answer = "不成立" });
        Assert.Equal(
            "memberId",
            (await api.Host.RefusedAsync("field-invalid", desk, path, new { upheld = true, answer = "成立" })).Field
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            desk,
            path,
            new
            {
                upheld = true,
                answer = "成立",
                memberId = "member-x",
            }
        );
        var answered = await desk.PostAsync<ApplicationView>(
            path,
            new
            {
                upheld = true,
                answer = "档次有误",
                memberId = members[0],
                correctedAmount = 60,
            }
        );
        Assert.Contains("1 人退出名单，100.00 元退回资金；应为 60.00 元", answered.Outcome);
        Assert.Equal(
            200m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).ReservedAmount.Yuan
        );
        Assert.Equal(
            0m,
            (await village.Officer.GetAsync<MemberYearView>($"/api/members/{members[0]}/years/{village.Year}"))
                .UsedAmount
                .Yuan
        );
        answered = await desk.PostAsync<ApplicationView>(
            await Raise(township),
            new
            {
                upheld = true,
                answer = "标准有误",
                wholeList = true,
            }
        );
        Assert.Equal(ApplicationStatus.Withdrawn, answered.Status);
        Assert.Contains("申请终止", answered.Outcome);
        Assert.Equal(
            0m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).ReservedAmount.Yuan
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
        await api.Host.RefusedAsync("wrong-state", village.Officer, path); // not before the notice
        await village.NoticeAsync();
        await api.Host.RefusedAsync("forbidden", village.Offices.Reviewer, path);
        var key = $"{Guid.NewGuid()}";
        async Task<PaymentListView> List() =>
            await (
                await api.Host.SendAsync(200, village.Officer, HttpMethod.Post, path, key: key)
            ).ReadAsync<PaymentListView>();
        var list = await List();
        Assert.Equal((2, "200.00"), (list.Lines, list.TotalAmount.ToString()));
        var sheet = Convert.FromBase64String(list.Content!);
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
        Assert.Null((await List()).Content);
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.idempotency where key = @key and length(body) > 1000",
                ("key", key)
            )
        );
        var seen = (
            await village.Offices.Auditor.GetAsync<AuditPage>(
                $"/api/audit/events?id={village.ApplicationId}&type=payment_list_disclosed"
            )
        ).Entries;
        Assert.Equal(village.Officer.Actor.Id, Assert.Single(seen).Actor);
    }

    [Fact]
    public async Task C14_C20_the_roster_comes_filled_in_with_who_is_on_no_list_yet_and_stays_on_record()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        var path = $"/api/plans/{village.PlanId}/roster-sheet";
        var why = new { reason = "第一批申请" };
        await api.Host.RefusedAsync("forbidden", village.Offices.Reviewer, path, why);
        await api.Host.RefusedAsync("not-found", (await api.RegisteredAsync()).Officer, path, why);
        await api.Host.RefusedAsync("field-invalid", village.Officer, path, new { reason = " " });
        var key = $"{Guid.NewGuid()}";
        async Task<RosterSheetView> Sheet() =>
            await (
                await api.Host.SendAsync(200, village.Officer, HttpMethod.Post, path, why, key: key)
            ).ReadAsync<RosterSheetView>();
        var roster = await Sheet();
        Assert.Equal((3, 300m), (roster.Members, roster.TotalAmount.Yuan));
        Assert.Null((await Sheet()).Content); // the kept answer has no content
        // It goes in again as it came out.
        var filed = await village.Officer.UploadAsync<FilingView>(
            "/api/applications",
            Convert.FromBase64String(roster.Content!),
            roster.FileName,
            "roster",
            ("planId", village.PlanId),
            ("seal", await village.Officer.EvidenceAsync("seal")),
            ("confirmDuplicate", "")
        );
        Assert.Equal((3, 300m), (filed.Application.LineCount, filed.Application.TotalAmount.Yuan));
        await api.Host.RefusedAsync("wrong-state", village.Officer, path, why); // all are on a list now
        // A whole name finds the person for who may see names in clear; nobody else is told that it fits.
        async Task<bool> FindsAsync(SampleClient by, string asked)
        {
            using var page = await by.SendAsync(
                HttpMethod.Get,
                $"/applications/{filed.Application.Id}?q={Uri.EscapeDataString(asked)}",
                null
            );
            var html = WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
            return html.Contains($"{people[0].CitizenId[^4..]}</td>", StringComparison.Ordinal);
        }
        Assert.True(await FindsAsync(village.Officer, people[0].Name));
        Assert.True(await FindsAsync(village.Offices.Auditor, people[0].CitizenId[^4..]));
        Assert.False(await FindsAsync(village.Offices.Auditor, people[0].Name));
        Assert.False(await FindsAsync(village.Officer, "无此人"));
        var entry = Assert.Single(
            (
                await village.Offices.Auditor.GetAsync<AuditPage>(
                    $"/api/audit/events?id={village.CollectiveId}&type=member_list_disclosed"
                )
            ).Entries
        );
        Assert.Equal((village.Officer.Actor.Id, 3), (entry.Actor, entry.Body.GetProperty("members").GetInt32()));
        Assert.Equal("第一批申请", entry.Body.GetProperty("reason").GetString());
        Assert.Equal(3, people.Count);
    }

    [Fact]
    public async Task C16_a_published_notice_stays_as_it_was_and_what_came_later_is_an_addendum()
    {
        var (village, people) = await api.ReadyToFileAsync(4);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => l.MemberId)
            .ToArray();
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[0] }, reason = "公示前撤回" }
        );
        await village.NoticeAsync();
        Task<NoticeView> NoticeAsync() => api.Http.ReadAsync<NoticeView>($"/api/notices/{village.ApplicationId}");
        var published = await NoticeAsync();
        Assert.Equal((3, 300m, 0), (published.Lines.Count, published.TotalAmount.Yuan, published.Addenda.Count));

        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[1] }, reason = "本人放弃" }
        );
        var objected = await village.Officer.PostAsync<ApplicationView>(
            $"{village.ApplicationPath}/objections",
            new { memberId = members[2], text = "该户已迁出" }
        );
        var objection = objected.Objections[0].ObjectionId;
        await village
            .Offices.Township(village.VillageCode[..9])
            .PostAsync(
                $"{village.ApplicationPath}/objections/{objection}/answer",
                new { upheld = true, answer = "异议成立" }
            );
        api.Clock.Advance(TimeSpan.FromDays(8));
        Assert.Equal(2, (await NoticeAsync()).Addenda.Count); // while the payment waits
        await village.PayAsync(100);
        // Paid and over: whoever does not look after the village reads it no more, neither as page nor as data.
        var path = $"/api/notices/{village.ApplicationId}";
        using (var data = await api.Http.GetAsync(path))
        {
            Assert.Equal(404, (int)data.StatusCode);
            Assert.Contains("名单不再公开", await data.Content.ReadAsStringAsync());
        }
        // Who comes with the printed address is led on: to his own line, and to the answer by its number.
        using (var closed = await api.Http.GetAsync(path["/api".Length..]))
            Assert.Equal((302, $"{path["/api".Length..]}/own"), ((int)closed.StatusCode, $"{closed.Headers.Location}"));
        await api.Host.RefusedAsync("not-found", api.NewOffices().Reviewer, HttpMethod.Get, path);
        var later = await village.Officer.GetAsync<NoticeView>(path);
        Assert.Equal(published.Lines, later.Lines);
        Assert.Equal(300m, later.TotalAmount.Yuan);
        Assert.Equal(
            [(NoticeChange.Withdrawn, 1, 0m), (NoticeChange.ObjectionUpheld, 2, 0m)],
            later.Addenda.Select(a => (a.Change, a.Lines[0].Number, a.Lines[0].Amount.Yuan))
        );
        Assert.Equal((1, 100m), (later.PresentLineCount, later.PresentAmount.Yuan));
        using var shown = await village.Officer.SendAsync(HttpMethod.Get, $"/notices/{village.ApplicationId}", null);
        var page = await shown.Content.ReadAsStringAsync();
        Assert.Contains("补充公告", page);
        Assert.DoesNotContain("本人放弃", page); // why somebody gave up is nobody's business
    }
}
