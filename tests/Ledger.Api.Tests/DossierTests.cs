using System.Text.Json;
using Ledger.Api.Applications;
using Ledger.Api.Plans;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;

namespace Ledger.Api.Tests;

/// <summary>How a plan came about and was published, with proof of each step: L6.</summary>
[Collection("api")]
public sealed class DossierTests(ApiFixture api)
{
    private async Task PolicyAsync(SampleVillage village, int resolutionNoticeDays)
    {
        var policy = SampleClient.Node(SampleOffices.PolicyYear(village.Year)).AsObject();
        policy["resolutionNoticeDays"] = resolutionNoticeDays;
        await village.Offices.AmendPolicyAsync(village.Year, policy, api.Today);
    }

    [Fact]
    public async Task L6_an_application_waits_until_the_resolution_was_published_for_its_days()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(61).Take(2, village.Offices.County);
        await PolicyAsync(village, 3);
        await village.PrepareAsync(people, 100, api.Today.AddDays(-5));
        var plan = $"/api/plans/{village.PlanId}";
        Task<Refused> Refused(string code, SampleClient who, string path, object? body) =>
            api.Host.RefusedAsync(code, who, path, body);
        var file = new
        {
            planId = village.PlanId,
            seal = await village.Officer.EvidenceAsync("seal"),
            lines = Array.Empty<object>(),
        };
        var early = await Refused("resolution-unpublished", village.Officer, "/api/applications", file);
        Assert.Equal("第 1 版方案的决议尚未公布，须公布 3 天", early.Detail);

        var photo = await village.Officer.EvidenceAsync("the resolution on its board");
        object Since(int days, params string[] evidence) =>
            new
            {
                from = api.Today.AddDays(days),
                place = "村务公开栏",
                evidence,
            };
        Assert.Equal(
            "from",
            (await Refused("field-invalid", village.Officer, $"{plan}/publication", Since(-6, photo))).Field
        );
        Assert.Equal(
            "from",
            (await Refused("field-invalid", village.Officer, $"{plan}/publication", Since(1, photo))).Field
        );
        await Refused("evidence-missing", village.Officer, $"{plan}/publication", Since(-4));
        await Refused("evidence-missing", village.Officer, $"{plan}/publication", Since(-4, new string('a', 64)));
        await Refused(
            "forbidden",
            village.Offices.Township(village.VillageCode[..9]),
            $"{plan}/publication",
            Since(-4, photo)
        );
        await village.Officer.PostAsync($"{plan}/publication", Since(-3, photo));
        await Refused("resolution-unpublished", village.Officer, "/api/applications", file); // its last day
        var published = await village.Officer.PostAsync<PlanView>($"{plan}/publication", Since(-4, photo));
        Assert.Equal(new Publication(1, api.Today.AddDays(-4)), Assert.Single(published.Publications));
        await village.FileAsync(people);
    }

    [Fact]
    public async Task L6_steps_and_the_notice_on_its_board_have_their_proof()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var plan = $"/api/plans/{village.PlanId}";
        var minutes = await village.Officer.EvidenceAsync("minutes of the party branch");
        object Step(string step, int days, params string[] evidence) =>
            new
            {
                step,
                on = api.Today.AddDays(days),
                evidence,
            };
        Task<Refused> Refused(string code, string path, object body, SampleClient? who = null) =>
            api.Host.RefusedAsync(code, who ?? village.Officer, path, body);
        await Refused("evidence-missing", $"{plan}/steps", Step("proposal", -40));
        await Refused("forbidden", $"{plan}/steps", Step("proposal", -40, minutes), village.Offices.Reviewer);
        await Refused("body-invalid", $"{plan}/steps", Step("applause", -40, minutes));
        await village.Officer.PostAsync($"{plan}/steps", Step("proposal", -40, minutes));
        Assert.Equal("on", (await Refused("field-invalid", $"{plan}/steps", Step("committee", -41, minutes))).Field);
        Assert.Equal("on", (await Refused("field-invalid", $"{plan}/steps", Step("deliberation", 1, minutes))).Field);
        var view = await village.Officer.PostAsync<PlanView>($"{plan}/steps", Step("committee", -39, minutes));
        Assert.Equal([PlanStep.Proposal, PlanStep.Committee], view.Steps.Select(s => s.Step));

        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var photo = await village.Officer.EvidenceAsync("the notice on its board");
        var proof = $"{village.ApplicationPath}/notice/proof";
        await Refused("wrong-state", proof, new { evidence = new[] { photo } });
        await village.NoticeAsync();
        await Refused("evidence-missing", proof, new { evidence = Array.Empty<string>() });
        await Refused("forbidden", proof, new { evidence = new[] { photo } }, village.Offices.Approver);
        var noticed = await village.Officer.PostAsync<ApplicationView>(proof, new { evidence = new[] { photo } });
        Assert.Equal([photo], noticed.NoticeProof);
    }
}
