using System.Text.Json;
using System.Text.Json.Nodes;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>The village's supervision committee (村务监督委员会) and the township's review, over HTTP: L7.</summary>
[Collection("api")]
public sealed class CommitteeTests(ApiFixture api)
{
    private static string PolicyOf(SampleVillage village) =>
        $"/api/policy-years/{RegionCode.City(village.Offices.County)}/{village.Year}";

    /// <summary>The village's year as the sample's: plans and payments are signed, plans countersigned.</summary>
    private Task ReviewedAsync(SampleVillage village) =>
        village.Offices.AmendPolicyAsync(
            village.Year,
            SampleOffices.PolicyYear(village.Year, reviewed: true),
            api.Today
        );

    [Fact]
    public async Task L7_a_new_year_asks_for_the_countersignature_unless_it_says_no_and_an_older_one_keeps_its_own()
    {
        var (village, _) = await api.ReadyToFileAsync(2);
        JsonObject Body(int year)
        {
            var body = SampleClient.Node(SampleOffices.PolicyYear(year)).AsObject();
            body.Remove("countersignatureRequired");
            return body;
        }
        Task<PolicyYearView> Put(string path, object body) =>
            village.Offices.CityHrss.PutAsync<PolicyYearView>(path, body);
        var next = $"/api/policy-years/{RegionCode.City(village.Offices.County)}/{village.Year + 1}";
        var published = await Put(next, Body(village.Year + 1));
        Assert.True(published.CountersignatureRequired);
        Assert.Equal((false, false), (published.CommitteeSignsPlan, published.CommitteeSignsPayments));
        Assert.Equal(7, published.Deadlines.HoldDays);
        // One that says no keeps it when an amendment does not speak of it.
        var no = Body(village.Year + 1);
        no["countersignatureRequired"] = false;
        Assert.False((await Put(next, no)).CountersignatureRequired);
        Assert.False((await Put(next, Body(village.Year + 1))).CountersignatureRequired);
        // The page of a year that is out shows what it says; that of a new one begins with "yes" again.
        Assert.False(await IsAskedForAsync(village, village.Year + 1));
        Assert.True(await IsAskedForAsync(village, village.Year + 2));
        Assert.False((await Put(PolicyOf(village), Body(village.Year))).CountersignatureRequired);
    }

    private static async Task<bool> IsAskedForAsync(SampleVillage village, int year)
    {
        using var page = await village.Offices.CityHrss.SendAsync(HttpMethod.Get, $"/policy-years?year={year}", null);
        var field = System.Text.RegularExpressions.Regex.Match(
            await page.Content.ReadAsStringAsync(),
            "<input[^>]*countersignatureRequired[^>]*>"
        );
        Assert.True(field.Success);
        return field.Value.Contains("checked", StringComparison.Ordinal);
    }

    [Fact]
    public async Task L7_a_plan_is_adopted_when_the_committee_signed_and_the_township_countersigned_it()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(7).Take(3, village.Offices.County);
        await ReviewedAsync(village);
        await village.SurveyAsync(people.Count);
        await village.ImportMembersAsync(people);
        await village.DraftAsync(SampleVillage.Flat(100));
        var path = $"/api/plans/{village.PlanId}";
        await api.Host.RefusedAsync("resolution-missing", village.Committee, $"{path}/signature");
        await village.ResolveAsync(api.Today);
        await api.Host.RefusedAsync("committee-signature-missing", village.Officer, $"{path}/adoption");
        await api.Host.RefusedAsync("forbidden", village.Officer, $"{path}/signature");
        await api.Host.RefusedAsync(
            "not-found",
            village.Offices.Committee($"{village.VillageCode[..9]}999"),
            $"{path}/signature"
        );
        // The officer under another account of the committee's: the same name is the same person.
        await api.Host.RefusedAsync(
            "self-approval",
            api.Client(village.Officer.Actor with { Role = Roles.SupervisionCommittee }),
            $"{path}/signature"
        );
        // Its own page lists the plan, the plan's has the button; once it is signed neither does.
        var form = $"POST {path}/signature";
        Assert.Contains($"/plans/{village.PlanId}", await PageAsync("/committee"), StringComparison.Ordinal);
        Assert.Contains(form, await PageAsync($"/plans/{village.PlanId}"), StringComparison.Ordinal);
        var signed = await village.Committee.PostAsync<PlanView>($"{path}/signature");
        Assert.Equal(1, signed.SignedVersion);
        Assert.DoesNotContain($"/plans/{village.PlanId}", await PageAsync("/committee"), StringComparison.Ordinal);
        Assert.DoesNotContain(form, await PageAsync($"/plans/{village.PlanId}"), StringComparison.Ordinal);
        await api.Host.RefusedAsync("wrong-state", village.Committee, $"{path}/signature");
        await api.Host.RefusedAsync("countersignature-missing", village.Officer, $"{path}/adoption");
        await village.Township.PostAsync($"{path}/countersignature");
        await village.AdoptAsync();

        async Task<string> PageAsync(string page)
        {
            using var response = await village.Committee.SendAsync(HttpMethod.Get, page, null);
            return await response.Content.ReadAsStringAsync();
        }
    }

    [Fact]
    public async Task L7_a_payment_is_signed_held_and_lifted_before_it_goes_out()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        await ReviewedAsync(village);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var path = village.ApplicationPath;
        await api.Host.RefusedAsync("notice-open", village.Committee, $"{path}/payment-signature");
        api.Clock.Advance(TimeSpan.FromDays(8));
        await Refused("committee-signature-missing", village);

        var reason = new { reason = "第3组一户称已迁出" };
        await api.Host.RefusedAsync("forbidden", village.Officer, $"{path}/hold", reason);
        await api.Host.RefusedAsync(
            "not-found",
            village.Offices.Committee($"{village.VillageCode[..9]}999"),
            $"{path}/hold",
            reason
        );
        await api.Host.RefusedAsync("field-invalid", village.Committee, $"{path}/hold", new { reason = "" });
        var held = await village.HoldAsync(reason.reason);
        Assert.Equal((api.Today, reason.reason), (held.Hold!.On, held.Hold.Reason));
        await api.Host.RefusedAsync("wrong-state", village.Committee, $"{path}/hold", reason);
        await api.Host.RefusedAsync("payment-held", village.Committee, $"{path}/payment-signature");
        await Refused("payment-held", village);
        await api.Host.RefusedAsync("payment-held", village.Officer, $"{path}/payment-list");

        // The township has it in its queue with its deadline, and on its supervision list.
        var waiting = await village.Township.GetAsync<IReadOnlyList<WorkItemView>>(
            "/api/applications?waitingForMe=true"
        );
        var item = Assert.Single(waiting, w => w.Id == village.ApplicationId);
        Assert.Equal((api.Today, api.Today.AddDays(7)), (item.HeldOn!.Value, item.DecideBy!.Value));
        var list = await village.Township.GetAsync<SupervisionView>("/api/supervision");
        var listed = Assert.Single(list.Items, i => i.Kind == "payment-held" && i.Id == village.ApplicationId);
        Assert.Equal((new Money(30_000), 0, 7), (listed.Amount!.Value, listed.AgeDays, listed.DueDays));
        Assert.Contains(reason.reason, listed.Text, StringComparison.Ordinal);

        // Nobody else lifts it, nor somebody who handled the application.
        var lifting = new { reason = "已入户核实" };
        foreach (
            var who in new[]
            {
                village.Officer,
                village.Committee,
                village.Offices.Reviewer,
                village.Offices.CountyHrss,
            }
        )
            await api.Host.RefusedAsync("forbidden", who, $"{path}/hold/lift", lifting);
        await api.Host.RefusedAsync(
            "not-found",
            village.Offices.Township($"{village.Offices.County}999"),
            $"{path}/hold/lift",
            lifting
        );
        await api.Host.RefusedAsync(
            "self-approval",
            api.Client(village.Committee.Actor with { Role = Roles.Township, Region = village.VillageCode[..9] }),
            $"{path}/hold/lift",
            lifting
        );
        Assert.Null((await village.LiftHoldAsync(lifting.reason)).Hold);
        await api.Host.RefusedAsync("wrong-state", village.Township, $"{path}/hold/lift", lifting);

        var mine = await village.Committee.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications?waitingForMe=true");
        Assert.Equal(village.ApplicationId, Assert.Single(mine).Id);
        await api.Host.RefusedAsync(
            "self-approval",
            api.Client(village.Officer.Actor with { Role = Roles.SupervisionCommittee }),
            $"{path}/payment-signature"
        );
        Assert.True((await village.SignPaymentAsync()).IsPaymentSigned);
        Assert.Empty(
            await village.Committee.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications?waitingForMe=true")
        );
        await api.Host.RefusedAsync("wrong-state", village.Committee, $"{path}/payment-signature");
        await village.PayAsync(300);
        await api.Host.RefusedAsync("wrong-state", village.Committee, $"{path}/hold", reason);
    }

    private async Task Refused(string code, SampleVillage village) =>
        await api.Host.RefusedAsync(
            code,
            village.Officer,
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 300,
                purpose = "member-subsidy",
                bankReference = "NX1",
                evidence = new[] { await village.Officer.EvidenceAsync("transfer") },
            }
        );

    [Fact]
    public async Task L7_the_committee_reads_everything_of_its_village_and_writes_nothing_but_its_own()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        string[] reads =
        [
            "/api/funds",
            $"/api/funds/{village.FundId}",
            $"/api/funds/{village.FundId}/statement",
            $"/api/funds/{village.FundId}/trial-balance",
            $"/api/plans/{village.PlanId}",
            village.ApplicationPath,
            $"{village.ApplicationPath}/lines",
            $"{village.ApplicationPath}/remittance",
            $"/api/members?collectiveId={village.CollectiveId}",
            "/api/audit/events",
            "/api/donors",
            "/api/exports/journal",
        ];
        foreach (var path in reads)
        {
            using var response = await village.Committee.SendAsync(HttpMethod.Get, path, null);
            Assert.True(response.IsSuccessStatusCode, $"{path}: {response.StatusCode}");
        }
        await api.Host.RefusedAsync(
            "forbidden",
            village.Committee,
            $"/api/funds/{village.FundId}/allocations",
            new { amount = 1 }
        );
        await api.Host.RefusedAsync("forbidden", village.Committee, $"{village.ApplicationPath}/payment", new { });
        await api.Host.RefusedAsync("forbidden", village.Committee, $"{village.ApplicationPath}/payment-list");
    }

    [Fact]
    public async Task L7_an_account_of_the_committee_is_no_finance_account_of_the_village_nor_its_holders()
    {
        var (village, _) = await api.ReadyToFileAsync(2);
        var county = village.Offices.County;
        var administrator = api.Client(new Actor($"first.{county}", Roles.Administrator, county));
        var person = new SamplePeople(Random.Shared.Next()).Next(county);
        var other = new SamplePeople(Random.Shared.Next()).Next(county);
        object Body(string name, string role, string region, SamplePerson who, bool? noKin = null) =>
            new
            {
                name = $"{name}.{county}",
                role,
                region,
                personName = who.Name,
                citizenId = who.CitizenId,
                confirmedNoKin = noKin,
            };
        var committee = Roles.SupervisionCommittee;
        await administrator.PostAsync("/api/accounts", Body("cw", Roles.VillageFinance, village.VillageCode, person));
        // Kin is asked for; the same person is told whatever he says.
        await api.Host.RefusedAsync(
            "field-invalid",
            administrator,
            "/api/accounts",
            Body("jw", committee, village.VillageCode, other)
        );
        await api.Host.RefusedAsync(
            "duties-incompatible",
            administrator,
            "/api/accounts",
            Body("jw", committee, village.VillageCode, person, true)
        );
        await administrator.PostAsync("/api/accounts", Body("jw", committee, village.VillageCode, other, true));
        Assert.Equal(
            "true",
            await api.ScalarAsync<string>(
                """
                select data ->> 'confirmedNoKin'
                  from ledger.mt_events
                 where stream_id = @id
                   and type = 'account_opened'
                """,
                ("id", $"account-jw.{county}")
            )
        );
        // Nor by a change of role, nor by a delegation, in either direction.
        await administrator.PostAsync("/api/accounts", Body("qt", Roles.Agency, county, person));
        await api.Host.RefusedAsync(
            "duties-incompatible",
            administrator,
            $"/api/accounts/account-qt.{county}/role",
            new
            {
                role = committee,
                region = village.VillageCode,
                confirmedNoKin = true,
            }
        );
        await api.Host.RefusedAsync(
            "duties-incompatible",
            api.Client(new Actor($"jw.{county}", committee, village.VillageCode)),
            $"/api/accounts/account-jw.{county}/delegations",
            new { to = $"qt.{county}", until = api.Today.AddDays(3) }
        );
        await api.Host.RefusedAsync(
            "duties-incompatible",
            api.Client(new Actor($"cw.{county}", Roles.VillageFinance, village.VillageCode)),
            $"/api/accounts/account-cw.{county}/delegations",
            new { to = $"jw.{county}", until = api.Today.AddDays(3) }
        );
        // In another village he may.
        await administrator.PostAsync(
            $"/api/accounts/account-qt.{county}/role",
            new
            {
                role = committee,
                region = $"{village.VillageCode[..9]}998",
                confirmedNoKin = true,
            }
        );
    }
}
