using System.Diagnostics;
using System.Text.Json;

namespace Ledger.Api.Tests;

/// <summary>
/// C12 of the hole hunt: a village cannot take anybody's data or life by writing a name and a citizen id on its list.
/// </summary>
[Collection("api and programs")]
public sealed class SecondHomeTests(ApiFixture api)
{
    private static async Task<IReadOnlyList<MemberView>> MembersAsync(SampleVillage village) =>
        [.. (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}")).Members];

    /// <summary>
    /// A person with a phone and a card in one village, and another village of another county that has him on its list.
    /// </summary>
    private async Task<(
        SampleVillage Home,
        SampleVillage Other,
        SamplePerson Person,
        string Id,
        string Request
    )> TakenAsync(SampleOffices? otherOffices = null, string? name = null)
    {
        var (home, people) = await api.ReadyToFileAsync(1);
        var person = people[0];
        var other = await api.RegisteredAsync(otherOffices);
        await other.ImportMembersAsync([person with { Name = name ?? person.Name, Phone = "13900000001" }]);
        return (home, other, person, (await MembersAsync(home))[0].Id, (await MembersAsync(other))[0].Id);
    }

    private static async Task<WaitingMembersView> WaitingAsync(SampleClient client) =>
        await client.GetAsync<WaitingMembersView>("/api/waiting-members");

    private static async Task<string> PageAsync(SampleClient client, string path)
    {
        using var response = await client.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r => r.Headers.Accept.ParseAdd("text/html")
        );
        Assert.True(response.IsSuccessStatusCode, path);
        return await response.Content.ReadAsStringAsync();
    }

    [Fact]
    public async Task A_second_membership_waits_and_until_then_shows_nothing_but_what_was_handed_in()
    {
        var (home, other, person, id, request) = await TakenAsync();
        Assert.NotEqual(id, request);
        // The person is nobody there: not by id, not by year, not by number.
        await api.Host.RefusedAsync(
            "not-found",
            other.Officer,
            $"/api/members/{id}/disclosure",
            new { reason = "好奇" }
        );
        await api.Host.RefusedAsync("not-found", other.Officer, HttpMethod.Get, $"/api/members/{id}/years/{home.Year}");
        await api.Host.RefusedAsync(
            "not-found",
            other.Officer,
            $"/api/members/{id}/death",
            new { on = api.Today, evidence = new[] { await other.Officer.EvidenceAsync("x") } }
        );
        await api.Host.RefusedAsync(
            "not-found",
            other.Officer,
            HttpMethod.Get,
            $"/api/members/{request}/years/{home.Year}"
        );
        var shown = await other.Officer.PostAsync<DisclosureView>(
            $"/api/members/{request}/disclosure",
            new { reason = "核对" }
        );
        Assert.Equal("13900000001", shown.Phone);
        Assert.Equal(
            person.Phone,
            (
                await home.Officer.PostAsync<DisclosureView>($"/api/members/{id}/disclosure", new { reason = "核对" })
            ).Phone
        );
        Assert.False((await MembersAsync(other))[0].Confirmed);
        Assert.True((await MembersAsync(home))[0].Confirmed);
        // Not in its trail either.
        var trail = (await other.Officer.GetAsync("/api/audit/events?limit=1000"))
            .GetProperty("entries")
            .EnumerateArray()
            .Where(e => e.As<AuditEntryView>().Type != "command_refused")
            .Select(e => e.GetRawText())
            .ToList(); // what he was refused names what he asked for
        Assert.NotEmpty(trail);
        Assert.DoesNotContain(
            trail,
            e =>
                e.Contains(id, StringComparison.Ordinal) || e.Contains("membership_requested", StringComparison.Ordinal)
        );
        Assert.Contains(
            "membership_requested",
            (await home.Offices.Auditor.GetAsync($"/api/audit/events?id={id}")).GetRawText()
        );
        // Nor is he eligible: his contribution is the person's, not the row's.
        await other.SurveyAsync(1);
        await other.DraftAsync(SampleVillage.Flat(100));
        await other.ResolveAsync(api.Today);
        await other.AdoptAsync();
        var dryRun = await other.Officer.PostAsync<DryRunView>($"/api/plans/{other.PlanId}/dry-run");
        Assert.Equal(0, dryRun.PayableCount);
        var roster = await other.Officer.PostAsync<RosterCheckView>(
            "/api/applications/roster-check",
            SampleClient.Form(SampleSheets.Roster([person]), "名单.xlsx", "roster", ("planId", other.PlanId))
        );
        var fault = roster.Faults[0];
        Assert.Equal(("not-contributed", request), (fault.Code, fault.MemberId));
        await home.FileAsync([person]);
    }

    [Fact]
    public async Task The_home_village_or_its_agency_confirms_and_then_each_village_sees_its_own_part()
    {
        var (home, other, person, id, request) = await TakenAsync();
        var waiting = Assert.Single((await WaitingAsync(home.Officer)).Requests);
        Assert.Equal(
            (id, request, other.CollectiveId, true),
            (waiting.MemberId, waiting.RequestId, waiting.CollectiveId, waiting.NameMatches)
        );
        Assert.Single((await WaitingAsync(home.Offices.Reviewer)).Requests);
        Assert.Contains("确认是两地成员", await PageAsync(home.Officer, "/members"));
        Assert.DoesNotContain("确认是两地成员", await PageAsync(other.Officer, "/members"));
        Assert.Contains("待核对", await PageAsync(other.Officer, "/members"));
        foreach (var stranger in new[] { other.Officer, other.Offices.Reviewer })
            Assert.Empty((await WaitingAsync(stranger)).Requests);
        var path = $"/api/members/{id}/requests/{request}/confirmation";
        foreach (var stranger in new[] { other.Officer, other.Offices.Reviewer, api.NewOffices().Reviewer })
            await api.Host.RefusedAsync("not-found", stranger, path);
        await api.Host.RefusedAsync("forbidden", home.Offices.Auditor, path);
        await home.Officer.PostAsync(path);
        await api.Host.RefusedAsync("not-found", home.Officer, path);
        Assert.Empty((await WaitingAsync(home.Officer)).Requests);
        Assert.Equal([id], (await MembersAsync(other)).Select(m => m.Id));
        Assert.Equal(
            "13900000001",
            (
                await other.Officer.PostAsync<DisclosureView>($"/api/members/{id}/disclosure", new { reason = "核对" })
            ).Phone
        );
        Assert.Equal(
            person.Phone,
            (
                await home.Officer.PostAsync<DisclosureView>($"/api/members/{id}/disclosure", new { reason = "核对" })
            ).Phone
        );
        Assert.Equal(
            person.Phone,
            (
                await home.Offices.Reviewer.PostAsync<DisclosureView>(
                    $"/api/members/{id}/disclosure",
                    new { reason = "核对" }
                )
            ).Phone
        );
        await home.FileAsync([person]);
        await home.ReviewAsync();
        await home.ApproveAsync();
        var year = await other.Officer.GetAsync<MemberYearView>($"/api/members/{id}/years/{home.Year}");
        // Whose they are and how many is the home village's; what is left of the cap is not.
        Assert.Empty(year.Subsidies);
        Assert.Equal(4900m, year.LeftAmount?.Yuan);
        Assert.Single((await home.Officer.GetAsync<MemberYearView>($"/api/members/{id}/years/{home.Year}")).Subsidies);
        Assert.Single(
            (await home.Offices.Auditor.GetAsync<MemberYearView>($"/api/members/{id}/years/{home.Year}")).Subsidies
        );
        var left = await other.Officer.PostAsync<MemberStateView>(
            $"/api/members/{id}/departure",
            new
            {
                collectiveId = other.CollectiveId,
                on = api.Today,
                reason = "x",
            }
        );
        Assert.Empty(left.Memberships); // nothing of the other home
        var check = await ApiHost.RunAsync(
            new Dictionary<string, string>
            {
                ["ConnectionStrings__Ledger"] = api.ConnectionString,
                ["Ledger__KeyFile"] = api.KeyFile,
            },
            "check",
            "--clock-margin", // another test may have let days go by
            ApiFixture.AnyClock
        );
        Assert.DoesNotContain(id, check.Output);
    }

    [Fact]
    public async Task Declined_or_of_another_name_it_never_becomes_one_and_may_be_asked_again()
    {
        var (home, other, _, id, request) = await TakenAsync(name: "王二麻");
        Assert.False((await WaitingAsync(home.Officer)).Requests[0].NameMatches);
        await api.Host.RefusedAsync("wrong-state", home.Officer, $"/api/members/{id}/requests/{request}/confirmation");
        await home.Offices.Reviewer.PostAsync(
            $"/api/members/{id}/requests/{request}/decline",
            new { reason = "不是我村人" }
        );
        await api.Host.RefusedAsync(
            "wrong-state",
            home.Officer,
            $"/api/members/{id}/requests/{request}/decline",
            new { reason = "再次" }
        );
        Assert.Empty(await MembersAsync(other));
        Assert.Empty((await WaitingAsync(home.Officer)).Requests);
        Assert.Contains(
            "record_declined",
            (await other.Officer.GetAsync($"/api/audit/events?id={request}")).GetRawText()
        );
    }

    [Fact]
    public async Task The_agency_of_both_villages_registers_at_once_and_the_same_officer_never_answers_himself()
    {
        var (home, people) = await api.ReadyToFileAsync(1);
        var other = await api.RegisteredAsync(home.Offices);
        await other.ImportMembersAsync(people, home.Offices.Reviewer);
        Assert.Equal((await MembersAsync(home))[0].Id, (await MembersAsync(other))[0].Id);
        var third = await api.RegisteredAsync();
        await third.ImportMembersAsync(people, third.Offices.Reviewer); // an agency elsewhere asks like a village
        var city = api.Client(new Actor(third.Offices.Reviewer.Actor.Id, "agency", home.Offices.County));
        var request = (await WaitingAsync(city)).Requests[0];
        await api.Host.RefusedAsync(
            "self-approval",
            city,
            $"/api/members/{request.MemberId}/requests/" + $"{request.RequestId}/confirmation"
        );
    }

    [Fact]
    public async Task An_import_answers_the_same_for_a_stranger_for_whom_others_know_and_for_a_wrong_name()
    {
        var (home, known) = await api.ReadyToFileAsync(31);
        var other = await api.RegisteredAsync();
        var unknown = new SamplePeople(4711).Take(30, home.Offices.County);
        var (answers, times) = (
            new HashSet<string>(),
            new[] { new List<double>(), new List<double>(), new List<double>() }
        );
        for (var i = 0; i < 15; i++)
        {
            SamplePerson[] cases = [unknown[i], known[i], known[15 + i] with { Name = unknown[15 + i].Name }];
            foreach (var (person, kind) in cases.Select((p, k) => (p, k)).OrderBy(_ => Random.Shared.Next()))
            {
                var sheet = SampleSheets.Members([person]);
                var started = Stopwatch.GetTimestamp();
                answers.Add(
                    (
                        await other.Officer.UploadAsync(
                            $"/api/members/import?collectiveId={other.CollectiveId}",
                            sheet,
                            "成员名册.xlsx"
                        )
                    ).GetRawText()
                );
                times[kind].Add(Stopwatch.GetElapsedTime(started).TotalMilliseconds);
            }
        }
        Assert.Equal(
            """{"rows":1,"imported":1,"updated":0,"unchanged":0,"skipped":0,"faults":[],"notes":[]}""",
            Assert.Single(answers)
        );
        const double tick = 2; // a timer counts in whole milliseconds and may ring up to one early
        var medians = times.Select(t => t.Order().ElementAt(t.Count / 2)).ToArray();
        Assert.True(
            medians.Max() < medians.Min() * 1.2 && medians.Min() >= Commands.Beat.Length.TotalMilliseconds - tick,
            $"medians, ms: {string.Join(", ", medians.Select(m => $"{m:0.0}"))}"
        );
        // On the list they look alike, whoever they are; and nothing there is the id under which the others know them.
        var list = await MembersAsync(other);
        Assert.All(list, m => Assert.False(m.Confirmed));
        Assert.Empty(list.Select(m => m.Id).Intersect((await MembersAsync(home)).Select(m => m.Id)));
        foreach (var m in list.Select(m => m.Id))
            await api.Host.RefusedAsync(
                "not-found",
                other.Officer,
                HttpMethod.Get,
                $"/api/members/{m}/years/{home.Year}"
            );
        // A roster tells nothing either.
        await other.SurveyAsync(list.Count);
        await other.DraftAsync(SampleVillage.Flat(100));
        await other.ResolveAsync(api.Today);
        await other.AdoptAsync();
        async Task<string> RosterAsync(SamplePerson person)
        {
            using var dryRun = await other.Officer.SendAsync(
                HttpMethod.Post,
                $"/api/plans/{other.PlanId}/dry-run",
                SampleClient.Form(SampleSheets.Roster([person]), "名单.xlsx", "roster")
            );
            using var check = await other.Officer.SendAsync(
                HttpMethod.Post,
                "/api/applications/roster-check",
                SampleClient.Form(SampleSheets.Roster([person]), "名单.xlsx", "roster", ("planId", other.PlanId))
            );
            var both = $"{await dryRun.Content.ReadAsStringAsync()}\n{await check.Content.ReadAsStringAsync()}"
                .Replace(person.CitizenId, "id")
                .Replace(person.Name, "name");
            return System.Text.RegularExpressions.Regex.Replace(
                both,
                "member-[0-9a-f]{32}|\"traceId\":\"[0-9a-f]+\"|\"name\":\"[^\"]+\"",
                "…"
            );
        }
        Assert.Equal(await RosterAsync(unknown[29]), await RosterAsync(known[30])); // on nobody's list here
        Assert.Equal(await RosterAsync(unknown[0]), await RosterAsync(known[0])); // on the list, unconfirmed
    }

    [Fact]
    public async Task C4_a_village_reports_a_death_and_only_another_person_makes_it_one()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var id = (await MembersAsync(village))[0].Id;
        var body = new { on = api.Today, evidence = new[] { await village.Officer.EvidenceAsync("certificate") } };
        var reported = await village.Officer.PostAsync<MemberStateView>($"/api/members/{id}/death", body);
        Assert.Equal((null, api.Today), (reported.DiedOn, reported.DeathReportedOn));
        await api.Host.RefusedAsync("wrong-state", village.Officer, $"/api/members/{id}/death", body);
        await api.Host.RefusedAsync("self-approval", village.Officer, $"/api/members/{id}/death/confirmation");
        Assert.Equal(id, Assert.Single((await WaitingAsync(village.Offices.Reviewer)).DeathReports).MemberId);
        Assert.Contains("确认死亡", await PageAsync(village.Offices.Reviewer, "/members"));
        Assert.Contains("已报告死亡，待确认", await PageAsync(village.Officer, $"/members/{id}/years/{village.Year}"));
        // The reporting village does not file for him meanwhile.
        var seal = await village.Officer.EvidenceAsync("seal");
        var file = new
        {
            planId = village.PlanId,
            seal,
            lines = new[] { new { memberId = id } },
        };
        Assert.Equal(
            "member-deceased",
            (await api.Host.RefusedAsync("roster-invalid", village.Officer, "/api/applications", file)).Faults[0].Code
        );
        var second = api.Client(new Actor("second.officer", "village-finance", village.VillageCode));
        await second.PostAsync($"/api/members/{id}/death/dismissal", new { reason = "同名误报" });
        await village.Officer.PostAsync($"/api/members/{id}/death", body);
        Assert.Equal(
            api.Today,
            (await second.PostAsync<MemberStateView>($"/api/members/{id}/death/confirmation")).DiedOn
        );
        await api.Host.RefusedAsync("roster-invalid", village.Officer, "/api/applications", file);
        // And it can be undone, with a document and by two: CorrectionTests.
        await api.Host.RefusedAsync(
            "evidence-missing",
            village.Offices.Reviewer,
            $"/api/members/{id}/death/revocation",
            new { reason = "健在" }
        );
        var asked = await village.Offices.Reviewer.PostAsync<MemberStateView>(
            $"/api/members/{id}/death/revocation",
            new { reason = "健在", evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("alive") } }
        );
        await second.PostAsync($"/api/members/{id}/changes/{asked.Waiting[0].Id}/confirmation");
        await village.Officer.PostAsync("/api/applications", file);
    }

    [Fact]
    public async Task C4_no_other_village_kills_a_member_by_a_pdf()
    {
        var (home, people) = await api.ReadyToFileAsync(1);
        var other = await api.RegisteredAsync(home.Offices);
        await other.ImportMembersAsync(people, home.Offices.Reviewer);
        var id = (await MembersAsync(home))[0].Id;
        await other.Officer.PostAsync(
            $"/api/members/{id}/death",
            new { on = api.Today, evidence = new[] { await other.Officer.EvidenceAsync("any") } }
        );
        var accomplice = api.Client(new Actor("second.other", "village-finance", other.VillageCode));
        await api.Host.RefusedAsync("agency-needed", accomplice, $"/api/members/{id}/death/confirmation");
        // Not its report, and nothing of it.
        await api.Host.RefusedAsync("wrong-state", home.Officer, $"/api/members/{id}/death/confirmation");
        await home.FileAsync(people);
        await home.ReviewAsync();
        await home.ApproveAsync();
        Assert.Equal(
            ApplicationStatus.Approved,
            (await home.Offices.Auditor.GetAsync<ApplicationView>(home.ApplicationPath)).Status
        );
    }
}
