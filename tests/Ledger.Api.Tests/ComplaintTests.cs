using System.Net;
using System.Text.Json;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>Complaints after payment and settlement (L18), from anybody's page to the county's answer.</summary>
[Collection("api and programs")]
public sealed class ComplaintTests(ApiFixture api)
{
    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> SettledAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(200);
        await village.ImportReceiptsAsync(people.Select(p => (p, new Money(10_000))), api.Today);
        await village.SettleAsync();
        return (village, people);
    }

    private async Task<(int Status, string Text)> PublicAsync(string path, object? body, string address = "192.0.2.1")
    {
        using var client = new HttpClient(
            api.Host.Server.CreateHandler(http => http.Connection.RemoteIpAddress = IPAddress.Parse(address))
        )
        {
            BaseAddress = api.Host.Server.BaseAddress,
        };
        using var request = new HttpRequestMessage(body is null ? HttpMethod.Get : HttpMethod.Post, path)
        {
            Content = body is null ? null : SampleClient.Json(body),
        };
        if (body is not null)
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
        using var response = await client.SendAsync(request);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    private async Task<string> ComplainAsync(SampleVillage village, object body, string address = "192.0.2.1") =>
        (await ComplainedAsync(village, body, address)).Id;

    private async Task<(string Id, string Secret)> ComplainedAsync(
        SampleVillage village,
        object body,
        string address = "192.0.2.1"
    )
    {
        var (status, text) = await PublicAsync($"/api/notices/{village.ApplicationId}/complaints", body, address);
        Assert.True(status == 200, text);
        var told = JsonDocument.Parse(text).RootElement;
        return (told.GetProperty("complaintId").GetString()!, told.GetProperty("secret").GetString()!);
    }

    private async Task<JsonElement> FollowAsync(SampleVillage village, string complaint)
    {
        var (status, text) = await PublicAsync($"/api/notices/{village.ApplicationId}/complaints/{complaint}", null);
        Assert.True(status == 200, text);
        return JsonDocument.Parse(text).RootElement;
    }

    [Fact]
    public async Task L18_a_complaint_after_settlement_is_answered_by_the_township_then_by_the_county()
    {
        var (village, people) = await SettledAsync();
        var (complaint, secret) = await ComplainedAsync(
            village,
            new { text = $"{people[1].Name}没有收到补助", number = 2 }
        );
        var seen = await FollowAsync(village, complaint);
        Assert.Equal("raised", seen.GetProperty("status").GetString());
        Assert.Equal($"{api.Today.AddDays(30):yyyy-MM-dd}", seen.GetProperty("answerDue").GetString());
        // Nor does what was masked tell who is one of these people.
        Assert.DoesNotContain("没有收到补助", seen.GetRawText(), StringComparison.Ordinal);
        Assert.DoesNotContain(people[1].Name, seen.GetRawText(), StringComparison.Ordinal);

        // Who has it to answer sees it among what waits for him, and nobody else does.
        var township = village.Offices.Township(village.VillageCode[..9]);
        async Task<string[]> WaitingAsync(SampleClient who) =>
            [
                .. (await who.GetAsync<List<WorkItemView>>("/api/applications?waitingForMe=true"))
                    .Where(i => i.OpenComplaints > 0)
                    .Select(i => i.Id),
            ];
        Assert.Equal([village.ApplicationId], await WaitingAsync(township));
        Assert.Empty(await WaitingAsync(village.Offices.CountyHrss));

        var path = $"{village.ApplicationPath}/complaints/{complaint}";
        var answer = new
        {
            upheld = true,
            answer = "经核对，记入了另一人的账户",
            remedy = "refund",
        };
        await api.Host.RefusedAsync("forbidden", village.Officer, $"{path}/answer", answer);
        await api.Host.RefusedAsync("forbidden", village.Offices.Reviewer, $"{path}/answer", answer);
        await api.Host.RefusedAsync("not-found", api.NewOffices().Township("999911001"), $"{path}/answer", answer);
        await api.Host.RefusedAsync("wrong-state", village.Offices.CountyHrss, $"{path}/answer", answer);
        await api.Host.RefusedAsync(
            "field-invalid",
            township,
            $"{path}/answer",
            new
            {
                upheld = false,
                answer = "x",
                remedy = "refund",
            }
        );
        var answered = await township.PostAsync<ApplicationView>($"{path}/answer", answer);
        Assert.Equal(ComplaintStatus.Answered, Assert.Single(answered.Complaints).Status);
        Assert.Equal(ApplicationStatus.Settled, answered.Status);
        await api.Host.RefusedAsync("wrong-state", township, $"{path}/answer", answer);

        // Officials see its number; with that alone nobody uses up the complainant's way to the county.
        Assert.DoesNotContain(
            secret,
            (await village.Officer.GetAsync<JsonElement>(village.ApplicationPath)).GetRawText()
        );
        var escalation = $"/api/notices/{village.ApplicationId}/complaints/{complaint}/escalation";
        foreach (var wrong in (string?[])[null, "ABCD-EFGH-JKLM-NPQR"])
            Assert.Contains(
                "\"field\":\"secret\"",
                (await PublicAsync(escalation, new { reason = "投诉人已满意", secret = wrong })).Text,
                StringComparison.Ordinal
            );
        // Nor does an office take it there for somebody who has not said it.
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Offices.Township(village.VillageCode[..9]),
            $"{village.ApplicationPath}/complaints/{complaint}/escalation",
            new { reason = "投诉人要求转到县级" }
        );
        var (status, text) = await PublicAsync(escalation, new { reason = "没有说明什么时候补发", secret });
        Assert.True(status == 200, text);
        Assert.Empty(await WaitingAsync(township));
        Assert.Equal([village.ApplicationId], await WaitingAsync(village.Offices.CountyHrss));
        var supervised = await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision");
        Assert.Contains(supervised.Items, i => i.Kind == "unanswered-complaint" && i.Id == village.ApplicationId);

        await village.Offices.CountyHrss.PostAsync<ApplicationView>(
            $"{path}/answer",
            new
            {
                upheld = true,
                answer = "已要求经办机构本月退回重付",
                remedy = "refund",
            }
        );
        seen = await FollowAsync(village, complaint);
        Assert.Equal("closed", seen.GetProperty("status").GetString());
        Assert.Equal(2, seen.GetProperty("answers").GetArrayLength());
        Assert.DoesNotContain("township.", seen.GetRawText(), StringComparison.Ordinal);

        // The money is where it was; trace and page tell of it.
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(200m, fund.CreditedAmount.Yuan);
        var lines = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines;
        async Task<int> TracedAsync(int i) =>
            (
                await village.Officer.GetAsync<LineTraceView>(
                    $"/api/trace/applications/{village.ApplicationId}/members/{lines[i].MemberId}"
                )
            )
                .Complaints
                .Count;
        Assert.Equal((0, 1), (await TracedAsync(0), await TracedAsync(1)));
        foreach (
            var (who, page) in new[]
            {
                (village.Officer, $"/applications/{village.ApplicationId}"),
                (village.Officer, $"/trace/applications/{village.ApplicationId}/members/{lines[1].MemberId}"),
                (village.Officer, $"/complaints/{village.ApplicationId}?number={complaint}"),
            }
        )
        {
            using var shown = await who.SendAsync(HttpMethod.Get, page, null);
            Assert.Contains(
                "已要求经办机构本月退回重付",
                WebUtility.HtmlDecode(await shown.Content.ReadAsStringAsync()),
                StringComparison.Ordinal
            );
        }
    }

    [Fact]
    public async Task L18_what_nobody_answered_in_time_goes_to_the_county_by_itself()
    {
        var (village, _) = await SettledAsync();
        var (complaint, secret) = await ComplainedAsync(village, new { text = "公示与实发不一致" });
        var escalation = $"/api/notices/{village.ApplicationId}/complaints/{complaint}/escalation";
        Assert.Contains(
            "wrong-state",
            (await PublicAsync(escalation, new { reason = "太慢", secret })).Text,
            StringComparison.Ordinal
        );
        api.Clock.Advance(TimeSpan.FromDays(31));
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await using (var connection = await api.Database.OpenConnectionAsync())
                    await connection.ExecuteAsync(
                        """
                        update wolverine.wolverine_incoming_envelopes
                           set execution_time = now()
                         where status = 'Scheduled' and message_type like '%DeadlineDue'
                        """
                    );
                return (await FollowAsync(village, complaint)).GetProperty("status").GetString() == "escalated";
            },
            "the unanswered complaint is the county's"
        );
        var trail = await village.Offices.Auditor.GetAsync<AuditPage>(
            $"/api/audit/events?id={village.ApplicationId}&type=deadline_missed"
        );
        Assert.Equal(["complaint-answer"], trail.Entries.Select(e => e.Body.GetProperty("kind").GetString()));
    }

    [Fact]
    public async Task L18_who_takes_a_complaint_at_the_desk_answers_it_no_more_than_who_had_a_part_in_it()
    {
        var (village, _) = await SettledAsync();
        var township = village.Offices.Township(village.VillageCode[..9]);
        var complaints = $"{village.ApplicationPath}/complaints";
        await api.Host.RefusedAsync("forbidden", village.Officer, complaints, new { text = "x" });
        await api.Host.RefusedAsync("field-invalid", township, complaints, new { text = "x", memberId = "member-x" });
        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Township("999911001"),
            complaints,
            new { text = "x" }
        );
        var view = await township.PostAsync<ApplicationView>(complaints, new { text = "当面提出：标准与决议不符" });
        var path = $"{complaints}/{view.Complaints[0].ComplaintId}";
        var answer = new { upheld = false, answer = "与决议一致" };
        var self = await api.Host.RefusedAsync("self-approval", township, $"{path}/answer", answer);
        Assert.Contains("自己提出", self.Detail, StringComparison.Ordinal);
        var other = api.Client(new Actor("clerk.other", Roles.Township, village.VillageCode[..9]));
        await api.Host.RefusedAsync("wrong-state", other, $"{path}/escalation", new { reason = "x" });
        await other.PostAsync<ApplicationView>($"{path}/answer", answer);
        var county = await other.PostAsync<ApplicationView>($"{path}/escalation", new { reason = "当面表示不满意" });
        Assert.Equal(ComplaintStatus.Escalated, county.Complaints[0].Status);
    }

    [Fact]
    public async Task L18_nobody_drowns_the_complaints_and_none_holds_a_number_of_a_person()
    {
        var (village, people) = await SettledAsync();
        var path = $"/api/notices/{village.ApplicationId}/complaints";
        for (var i = 0; i < 3; i++)
            await ComplainAsync(village, new { text = $"投诉 {i}" }, "192.0.2.9");
        Assert.Equal(413, (await PublicAsync(path, new { text = "投诉 4" }, "192.0.2.9")).Status);
        await ComplainAsync(village, new { text = "另一户" }, "192.0.2.10");
        Assert.Equal(422, (await PublicAsync(path, new { text = $"我的证件号 {people[0].CitizenId}" })).Status);
        Assert.Contains(
            "\"number\"",
            (await PublicAsync(path, new { text = "x", number = 3 })).Text,
            StringComparison.Ordinal
        );
        // What never hung on a board is nobody's to complain of without an office.
        var (unpublished, others) = await api.ReadyToFileAsync(1);
        await unpublished.FileAsync(others);
        var hidden = $"/api/notices/{unpublished.ApplicationId}/complaints";
        Assert.Equal(404, (await PublicAsync(hidden, new { text = "x" })).Status);
        Assert.Equal(404, (await PublicAsync($"{path}/complaint-x", null)).Status);
    }
}
