using Ledger.Api.Members;
using Ledger.Api.Plans;
using Ledger.Api.Tasks;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;

namespace Ledger.Api.Tests;

/// <summary>
/// What waits for a second person (待办): it comes to whom it is for, not to who asked, not to a foreign region, and is
/// gone when it is done.
/// </summary>
[Collection("api and programs")]
public sealed class TaskKindTests(ApiFixture api)
{
    private static async Task<List<TaskView>> OfKindAsync(SampleClient who, TaskKind kind) =>
        [.. (await who.GetAsync<TaskListView>("/api/tasks")).Tasks.Where(t => t.Kind == kind)];

    /// <summary>It waits for one alone, and the page that it leads to opens for him.</summary>
    private static async Task<TaskView> WaitsAsync(TaskKind kind, SampleClient who, params SampleClient[] others)
    {
        foreach (var one in others)
            Assert.Empty(await OfKindAsync(one, kind));
        var task = Assert.Single(await OfKindAsync(who, kind));
        using var page = await who.SendAsync(HttpMethod.Get, task.Path.Split('#')[0], null);
        Assert.True(page.IsSuccessStatusCode, $"{task.Path} {page.StatusCode}");
        return task;
    }

    private static async Task GoneAsync(TaskKind kind, params SampleClient[] all)
    {
        foreach (var one in all)
            Assert.Empty(await OfKindAsync(one, kind));
    }

    [Fact]
    public async Task C20_a_change_of_the_policy_year_waits_for_another_person_of_the_city()
    {
        var (village, _) = await api.ReadyToFileAsync(1);
        var (offices, foreign) = (village.Offices, api.NewOffices());
        var path = $"/api/policy-years/{RegionCode.City(offices.County)}/{village.Year}";
        var body = SampleClient.Node(SampleOffices.PolicyYear(village.Year, noticeDays: 8));
        body["effectiveFrom"] = $"{api.Today:yyyy-MM-dd}";
        await offices.CityHrss.PutAsync(path, body);
        var task = await WaitsAsync(
            TaskKind.PolicyConfirmation,
            offices.SecondCityHrss,
            offices.CityHrss,
            foreign.CityHrss,
            foreign.SecondCityHrss,
            offices.CountyHrss
        );
        Assert.Equal((api.Today.AddDays(30), RegionCode.City(offices.County)), (task.Due!.Value, task.Region));
        await offices.SecondCityHrss.PostAsync($"{path}/proposal/confirmation");
        await GoneAsync(TaskKind.PolicyConfirmation, offices.SecondCityHrss, offices.CityHrss);
    }

    [Fact]
    public async Task C2_an_application_for_a_pilot_waits_for_the_city_until_it_is_decided()
    {
        var (offices, foreign) = (api.NewOffices(), api.NewOffices());
        await offices.CountyHrss.PostAsync(
            "/api/pilots",
            new { county = offices.County, grounds = "集体经济基础较好" }
        );
        var task = await WaitsAsync(
            TaskKind.PilotDecision,
            offices.CityHrss,
            offices.CountyHrss,
            foreign.CityHrss,
            offices.Administrator
        );
        Assert.Equal(StreamId.Pilot(offices.County), task.Subject);
        await offices.CityHrss.PostAsync(
            $"/api/pilots/{StreamId.Pilot(offices.County)}/decision",
            new { verdict = "approve", reasons = "符合试点条件" }
        );
        await GoneAsync(TaskKind.PilotDecision, offices.CityHrss);
    }

    [Fact]
    public async Task L7_C21_a_plan_waits_for_the_committees_signature_and_the_townships_countersignature()
    {
        var village = await api.RegisteredAsync();
        var (offices, foreign) = (village.Offices, await api.RegisteredAsync());
        await offices.AmendPolicyAsync(village.Year, SampleOffices.PolicyYear(village.Year, reviewed: true), api.Today);
        await village.SurveyAsync(30);
        await village.DraftAsync(SampleVillage.Flat(100));
        SampleClient[] all =
        [
            village.Committee,
            village.Township,
            village.Officer,
            foreign.Committee,
            foreign.Township,
        ];
        await GoneAsync(TaskKind.PlanSignature, all); // the meeting has not decided
        await GoneAsync(TaskKind.PlanCountersignature, all);
        await village.ResolveAsync(api.Today);
        await WaitsAsync(TaskKind.PlanSignature, village.Committee, [.. all.Except([village.Committee])]);
        await WaitsAsync(TaskKind.PlanCountersignature, village.Township, [.. all.Except([village.Township])]);
        await village.Committee.PostAsync<PlanView>($"/api/plans/{village.PlanId}/signature");
        await GoneAsync(TaskKind.PlanSignature, all);
        await WaitsAsync(TaskKind.PlanCountersignature, village.Township, [.. all.Except([village.Township])]);
        await village.Township.PostAsync<PlanView>($"/api/plans/{village.PlanId}/countersignature");
        await GoneAsync(TaskKind.PlanCountersignature, all);
    }

    [Fact]
    public async Task C20_the_reversal_of_an_allocation_waits_for_whom_somebody_named()
    {
        var village = await api.RegisteredAsync();
        var foreign = await api.RegisteredAsync();
        var allocation = (await village.AllocateAsync(7000)).AllocationId;
        var path = $"/api/funds/{village.FundId}/allocations/{allocation}/reversal";
        await village.Officer.PostAsync(path, new { confirmBy = village.Township.Actor.Id, reason = "多记一位" });
        var task = await WaitsAsync(
            TaskKind.ReversalConfirmation,
            village.Township,
            village.Officer,
            village.Committee,
            foreign.Officer,
            foreign.Township
        );
        Assert.Equal(village.FundId, task.Subject);
        // Who is called so in a foreign region is somebody else.
        var namesake = api.Client(new Actor(village.Township.Actor.Id, Roles.Township, foreign.Township.Actor.Region));
        await GoneAsync(TaskKind.ReversalConfirmation, namesake);
        await village.Township.PostAsync($"{path}/confirmation");
        await GoneAsync(TaskKind.ReversalConfirmation, village.Township, village.Officer);
    }

    [Fact]
    public async Task C20_a_mistaken_contribution_waits_for_whom_somebody_named()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var (offices, foreign) = (village.Offices, api.NewOffices());
        var second = api.Client(new Actor($"tax.second.{offices.County}", Roles.CountyTax, offices.County));
        await village.FileAsync(people);
        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;
        var path =
            $"/api/members/{member}/years/{village.Year}/contributions/SW{village.VillageCode}{village.Year}000001"
            + "/reversal";
        await offices.Tax.PostAsync(path, new { confirmBy = second.Actor.Id, reason = "档次有误" });
        var task = await WaitsAsync(
            TaskKind.ContributionConfirmation,
            second,
            offices.Tax,
            offices.Reviewer,
            village.Officer,
            foreign.Tax
        );
        Assert.Equal(("/contributions?waiting=true", 1), (task.Path, task.Count));
        var namesake = api.Client(new Actor(second.Actor.Id, Roles.CountyTax, foreign.County));
        await GoneAsync(TaskKind.ContributionConfirmation, namesake);
        await second.PostAsync($"{path}/confirmation");
        await GoneAsync(TaskKind.ContributionConfirmation, second, offices.Tax);
    }

    [Fact]
    public async Task C20_the_change_of_an_account_waits_for_a_second_administrator_and_for_whose_it_is()
    {
        var county = api.NewOffices().County;
        SampleClient As(string name, string role, string? region = null) =>
            api.Client(new Actor(name, role, region ?? county));
        var (first, second) = (As($"first.{county}", Roles.Administrator), As($"second.{county}", Roles.Administrator));
        var clerk = As($"clerk.{county}", Roles.Agency);
        foreach (var (by, name) in new[] { (As($"setup.{county}", Roles.Administrator), first), (first, second) })
            await by.PostAsync("/api/accounts", ApiFixture.AccountBody(name.Actor.Id, Roles.Administrator, county));
        await first.PostAsync("/api/accounts", ApiFixture.AccountBody(clerk.Actor.Id, Roles.Agency, county));
        var foreign = As($"foreign.{county}", Roles.Administrator, api.NewOffices().County);
        var task = await WaitsAsync(TaskKind.AccountConfirmation, second, first, clerk, foreign);
        Assert.Equal((StreamId.Account(clerk.Actor.Id), county), (task.Subject, task.Region));
        await second.PostAsync($"/api/accounts/{task.Subject}/pending/confirmation");
        await GoneAsync(TaskKind.AccountConfirmation, first, second);
        // Of an account that is there, its owner may confirm as well.
        await first.PostAsync($"/api/accounts/{task.Subject}/credentials", new { reason = "手机遗失" });
        await WaitsAsync(TaskKind.AccountConfirmation, second, first, clerk, foreign);
        await WaitsAsync(TaskKind.OwnAccount, clerk, first, second, foreign);
        await second.PostAsync($"/api/accounts/{task.Subject}/pending/rejection", new { reason = "本人说没有此事" });
        await GoneAsync(TaskKind.AccountConfirmation, first, second);
        await GoneAsync(TaskKind.OwnAccount, clerk);
    }

    [Fact]
    public async Task C23_a_finding_of_the_log_waits_for_auditors_until_two_have_closed_it()
    {
        await using var product = await Product.StartAsync(api, "ledger_log_task");
        var auditor = product.Offices.Auditor;
        await GoneAsync(TaskKind.LogFinding, auditor);
        await product.EditAsync("insert into ledger.log_finding (kind, detail) values ('state', 'x'), ('state', 'y')");
        var task = await WaitsAsync(
            TaskKind.LogFinding,
            auditor,
            product.Village.Officer,
            product.Offices.CountyHrss,
            product.Offices.Administrator
        );
        Assert.Equal(2, task.Count);
        var path = $"/api/audit/log/findings/{Log.FoundFindings.Planted}";
        await product.CityAuditor.PostAsync($"{path}/answer", new { conclusion = "演练", seen = "演练记录" });
        Assert.Equal(2, Assert.Single(await OfKindAsync(auditor, TaskKind.LogFinding)).Count);
        await product
            .Client(new Actor("second.3708", Roles.Auditor, "3708"))
            .PostAsync($"{path}/closure", new { outcome = "sound", reason = "与演练记录相符" });
        await GoneAsync(TaskKind.LogFinding, auditor, product.CityAuditor);
    }

    [Fact]
    public async Task A_sample_waits_for_the_auditor_who_announced_it_until_he_has_signed()
    {
        var (village, people) = await api.ReadyToFileAsync(1, subsidy: 100, money: 100);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var auditor = village.Offices.Auditor;
        var other = api.Client(new Actor($"other.{village.Offices.County}", Roles.Auditor, village.Offices.County));
        SampleClient[] others = [other, village.Officer, api.NewOffices().Auditor];
        var sample = await DrawnSamples.DrawnAsync(
            auditor,
            SamplingTests.Body(village, api.Today.Year),
            SamplingTests.Words
        );
        var task = await WaitsAsync(TaskKind.SampleConclusion, auditor, others);
        Assert.Equal(sample.Id, task.Subject);
        var path = $"/api/samples/{sample.Id}";
        await auditor.PostAsync($"{path}/papers/1", new { seen = "现场看了票据", errorAmount = 0 });
        await WaitsAsync(TaskKind.SampleConclusion, auditor, others);
        await auditor.PostAsync($"{path}/conclusion", new { confidence = 95, conclusion = "可以接受" });
        await GoneAsync(TaskKind.SampleConclusion, [auditor, .. others]);
    }
}
