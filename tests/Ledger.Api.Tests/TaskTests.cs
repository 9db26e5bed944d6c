using Ledger.Api.Tasks;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>What waits for whom (待办): each kind comes when it is due and goes when it is done.</summary>
[Collection("api and programs")]
public sealed class TaskTests(ApiFixture api)
{
    private static Task<TaskListView> ListAsync(SampleClient who) => who.GetAsync<TaskListView>("/api/tasks");

    /// <summary>Whether a bank has settled interest lately is a matter of the day: see CalendarTests.</summary>
    private static async Task<string[]> KindsAsync(SampleClient who) =>
        [.. (await ListAsync(who)).Tasks.Where(t => t.Kind != TaskKind.InterestRegistration).Select(t => $"{t.Kind}")];

    /// <summary>
    /// Of all these, only <paramref name="who"/> has this task, and his number, his list and what waits for him among
    /// the applications agree.
    /// </summary>
    private async Task OnlyAsync(TaskKind kind, SampleClient who, SampleVillage village)
    {
        var offices = village.Offices;
        SampleClient[] all =
        [
            village.Officer,
            village.Committee,
            village.Township,
            offices.Reviewer,
            offices.Approver,
            offices.CountyHrss,
            offices.Agriculture,
            offices.CityHrss,
            offices.Auditor,
            offices.Administrator,
            offices.Tax,
        ];
        foreach (var one in all)
        {
            var told = (await ListAsync(one)).Tasks.Where(t => t.Subject == village.ApplicationId).ToList();
            if (one.Actor.Role != who.Actor.Role || one.Actor.Id == offices.Reviewer.Actor.Id && one != who)
                Assert.DoesNotContain(told, t => t.Kind == kind);
            var queue = await QueueAsync(one);
            Assert.Equal(told.Any(t => TaskRules.Of(t.Kind).IsOfQueue), queue.Contains(village.ApplicationId));
        }
        var task = Assert.Single((await ListAsync(who)).Tasks, t => t.Subject == village.ApplicationId);
        Assert.Equal((kind, village.VillageCode), (task.Kind, task.Region));
        // The page it leads to is there for whoever has it.
        using var page = await who.SendAsync(HttpMethod.Get, task.Path.Split('#')[0], null);
        Assert.True(page.IsSuccessStatusCode, $"{task.Path} {page.StatusCode}");
    }

    private static async Task<IReadOnlyList<string>> QueueAsync(SampleClient who)
    {
        if (!Applications.ApplicationEndpoints.Readers.Contains(who.Actor.Role) || who.Actor.Role == Roles.CountyTax)
            return [];
        return
        [
            .. (await who.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications?waitingForMe=true")).Select(i =>
                i.Id
            ),
        ];
    }

    [Fact]
    public async Task C15_C16_C17_each_step_of_an_application_waits_for_one_office_and_is_gone_when_it_is_done()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var offices = village.Offices;
        await offices.AmendPolicyAsync(village.Year, SampleOffices.PolicyYear(village.Year, reviewed: true), api.Today);
        await village.FileAsync(people);
        await OnlyAsync(TaskKind.Review, offices.Reviewer, village);
        var review = Assert.Single((await ListAsync(offices.Reviewer)).Tasks);
        Assert.Equal((api.Today.AddDays(15), TaskUrgency.Usual), (review.Due!.Value, review.Urgency));

        await offices.Reviewer.PostAsync($"{village.ApplicationPath}/return", new { reason = "缺第3组" });
        await OnlyAsync(TaskKind.Correction, village.Officer, village);
        await village.Officer.UploadAsync<FilingView>(
            $"{village.ApplicationPath}/resubmission",
            SampleSheets.Roster(people),
            "补助名单.xlsx",
            "roster",
            ("seal", await village.Officer.EvidenceAsync("sealed again"))
        );
        await village.ReviewAsync();
        await OnlyAsync(TaskKind.Approval, offices.Approver, village);
        Assert.Empty(await KindsAsync(offices.Reviewer));
        await village.ApproveAsync();
        await OnlyAsync(TaskKind.NoticePosting, village.Officer, village);
        await village.NoticeAsync();
        Assert.Empty(await KindsAsync(village.Officer));
        await village.Officer.PostAsync($"{village.ApplicationPath}/objections", new { text = "名单有误" });
        await OnlyAsync(TaskKind.Objection, village.Township, village);
        var objection = (await village.Township.GetAsync<ApplicationView>(village.ApplicationPath)).Objections[0];
        await village.Township.PostAsync(
            $"{village.ApplicationPath}/objections/{objection.ObjectionId}/answer",
            new { upheld = false, answer = "已核对" }
        );
        Assert.Empty(await KindsAsync(village.Township));
        api.Clock.Advance(TimeSpan.FromDays(8));
        await OnlyAsync(TaskKind.PaymentSignature, village.Committee, village);
        await village.HoldAsync("第3组一户称已迁出");
        await OnlyAsync(TaskKind.PaymentHold, village.Township, village);
        await village.LiftHoldAsync("已入户核实");
        await village.SignPaymentAsync();
        await OnlyAsync(TaskKind.Payment, village.Officer, village);
        await village.PayAsync(200);
        await OnlyAsync(TaskKind.Receipts, offices.Reviewer, village);
        await SettledAsync(village, people);
    }

    /// <summary>
    /// From the payment on: one comes back from the bank and is paid again, all is credited and settled.
    /// </summary>
    private async Task SettledAsync(SampleVillage village, IReadOnlyList<SamplePerson> people)
    {
        var offices = village.Offices;
        var lines = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines;
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/bank-returns",
            new
            {
                memberIds = new[] { lines[0].MemberId },
                bankReference = $"TH{village.VillageCode}",
                reason = "账号已销户",
                evidence = new[] { await village.Officer.EvidenceAsync("returned") },
            }
        );
        await village.SignPaymentAsync();
        await OnlyAsync(TaskKind.PaymentBack, village.Officer, village);
        await village.PayAsync(100);
        await village.ImportReceiptsAsync(people.Select(p => (p, new Money(10_000))), api.Today);
        await OnlyAsync(TaskKind.Settlement, offices.Reviewer, village);
        await village.SettleAsync();
        await village.ComplainAsync("没有收到补助");
        await OnlyAsync(TaskKind.Complaint, village.Township, village);
        await village.AnswerComplaintAsync("已入账");
        foreach (var who in (SampleClient[])[village.Officer, village.Committee, village.Township, offices.Reviewer])
            Assert.Empty(await KindsAsync(who));
    }

    [Fact]
    public async Task C21_a_task_gets_near_and_is_missed_and_then_the_county_sees_to_it()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        var (reviewer, county) = (village.Offices.Reviewer, village.Offices.CountyHrss);
        api.Clock.Advance(TimeSpan.FromDays(13));
        var near = await ListAsync(reviewer);
        Assert.Equal((1, 1, 0, TaskUrgency.Near), (near.Count, near.Near, near.Missed, near.Tasks[0].Urgency));
        Assert.Empty(await KindsAsync(county));
        api.Clock.Advance(TimeSpan.FromDays(3));
        Assert.Equal(1, (await ListAsync(reviewer)).Missed);
        var overdue = Assert.Single((await ListAsync(county)).Tasks);
        Assert.Equal((TaskKind.Overdue, village.ApplicationId), (overdue.Kind, overdue.Subject));
        // What somebody else is late with is not the county's own work.
        Assert.Empty(await QueueAsync(county));
        await village.ReviewAsync();
        await village.ApproveAsync();
        Assert.Empty(await KindsAsync(county));
    }

    [Fact]
    public async Task C20_whatever_needs_a_second_person_waits_for_him_and_not_for_the_first()
    {
        var village = await api.RegisteredAsync();
        var offices = village.Offices;
        await village.AllocateAsync(500);
        // A rest that goes back: the township confirms.
        var path = $"/api/funds/{village.FundId}/sub-accounts/general/surplus-return";
        await village.Officer.PostAsync(
            path,
            new
            {
                confirmBy = village.Township.Actor.Id,
                reason = "村民会议决议终止",
                evidence = new[] { await village.Officer.EvidenceAsync("resolution") },
            }
        );
        Assert.Equal(["RestConfirmation"], await KindsAsync(village.Township));
        Assert.Empty(await KindsAsync(village.Officer));
        await village.Township.PostAsync($"{path}/confirmation");
        Assert.Empty(await KindsAsync(village.Township));

        var subscription = await WebhookTests.OpenedAsync(offices);
        Assert.Equal(["SubscriptionConfirmation"], await KindsAsync(offices.CountyHrss));
        Assert.Empty(await KindsAsync(offices.Administrator));
        await offices.CountyHrss.PostAsync($"/api/subscriptions/{subscription}/confirmation");
        Assert.Empty(await KindsAsync(offices.CountyHrss));
        await offices.Administrator.PostAsync($"/api/subscriptions/{subscription}/pause", new { reason = "检修" });
        Assert.Empty(await KindsAsync(offices.Administrator)); // he did it himself
        // As the product does after three days without an answer.
        await EditAsync(
            "update ledger.delivery_cursor set failures = 10, next_at = 'infinity' where subscription_id = @id",
            ("id", subscription)
        );
        Assert.Contains("SubscriptionPaused", await KindsAsync(offices.Administrator));
    }

    [Fact]
    public async Task C20_a_finding_waits_for_whom_it_is_about_and_for_the_audit()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var id = await ScreeningTests.AnsweredAsync(village);
        var (auditor, officer) = (village.Offices.Auditor, village.Officer);
        Assert.Equal(["FindingClosure"], await KindsAsync(auditor));
        Assert.Contains("FindingExplanation", await KindsAsync(officer));
        Assert.Empty(await KindsAsync(village.Committee));
        await officer.PostAsync($"/api/audit/screening/{id}/explanation", new { explanation = "名单只有一人" });
        Assert.DoesNotContain("FindingExplanation", await KindsAsync(officer));
        await auditor.PostAsync(
            $"/api/audit/screening/{id}/closure",
            new { outcome = "sound", reason = "纸质名单事先看过" }
        );
        Assert.Empty(await KindsAsync(auditor));
    }

    private async Task EditAsync(string sql, params (string, object?)[] parameters)
    {
        await using var connection = await api.Database.OpenConnectionAsync();
        await connection.ExecuteAsync(sql, parameters);
    }

    [Fact]
    public async Task Nobody_sees_what_waits_elsewhere_and_the_number_is_that_of_the_list()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        var stranger = api.NewOffices();
        Assert.Empty(await KindsAsync(stranger.Reviewer));
        Assert.Empty(await KindsAsync(stranger.CityHrss));
        await api.Host.RefusedAsync("field-invalid", village.Offices.Reviewer, HttpMethod.Get, "/api/tasks?kind=x");
        await api.Host.RefusedAsync("field-invalid", village.Offices.Reviewer, HttpMethod.Get, "/api/tasks?which=x");
        var one = await village.Offices.Reviewer.GetAsync<TaskListView>("/api/tasks?kind=review");
        Assert.Equal(1, one.Count);
        Assert.Equal(0, (await village.Offices.Reviewer.GetAsync<TaskListView>("/api/tasks?kind=payment")).Count);
        Task<TaskCountView> CountAsync(SampleClient who) => who.GetAsync<TaskCountView>("/api/tasks/count");
        await ApiFixture.EventuallyAsync(
            async () => (await CountAsync(village.Offices.Reviewer)).Count == 1,
            "the number has risen"
        );
        Assert.Equal(0, (await CountAsync(stranger.Reviewer)).Count);
        await village.ReviewAsync();
        await ApiFixture.EventuallyAsync(
            async () => (await CountAsync(village.Offices.Reviewer)).Count == 0,
            "the number has fallen"
        );
        Assert.Equal(401, (int)(await api.Http.GetAsync("/api/tasks")).StatusCode);
    }
}
