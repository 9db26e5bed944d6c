using System.Net;
using Ledger.Api.Sampling;
using Ledger.Domain.Sampling;

namespace Ledger.Api.Tests;

/// <summary>A sample over HTTP: announced, sealed, drawn, and each fen's line is a member's of the village.</summary>
[Collection("api")]
public sealed class SamplingTests(ApiFixture api)
{
    private const string Words = "随手写下的一句话";

    private static object Body(SampleVillage village, int year, string? words = null) =>
        new
        {
            fundId = village.FundId,
            year,
            kind = "reserved",
            size = 5,
            wordsDigest = FenSample.WordsDigest(words ?? Words),
        };

    [Fact]
    public async Task A_sample_is_announced_and_drawn_after_the_next_checkpoint_and_leads_to_the_lines()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 300);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var auditor = village.Offices.Auditor;
        var year = api.Today.Year;
        // What has just been approved is not in the log yet, and so no part of any population.
        SampleView? announced = null;
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                using var answer = await auditor.SendAsync(
                    HttpMethod.Post,
                    "/api/samples",
                    SampleClient.Json(Body(village, year))
                );
                if (answer.StatusCode != HttpStatusCode.Created)
                    return false;
                announced = await answer.ReadAsync<SampleView>();
                return true;
            },
            "the approval is sealed"
        );
        Assert.Equal((5, 300m), (announced!.Size, announced.PopulationAmount.Yuan));
        Assert.Empty(announced.Drawn);
        var path = $"/api/samples/{announced.Id}";
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                using var answer = await auditor.SendAsync(
                    HttpMethod.Post,
                    $"{path}/draw",
                    SampleClient.Json(new { words = Words })
                );
                return answer.StatusCode == HttpStatusCode.OK;
            },
            "the announcement is sealed"
        );
        var drawn = await auditor.GetAsync<SampleView>(path);
        Assert.Equal(5, drawn.Drawn.Distinct().Count());
        Assert.All(drawn.Drawn, d => Assert.Equal(village.ApplicationId, d.Reference));
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => $"member-year-{l.MemberId["member-".Length..]}-")
            .ToList();
        Assert.All(drawn.Drawn, d => Assert.Contains(members, m => d.MemberYearId!.StartsWith(m)));
        Assert.Contains(await auditor.GetAsync<List<SampleView>>("/api/samples"), s => s.Id == drawn.Id);

        await api.Host.RefusedAsync("wrong-state", auditor, $"{path}/draw", new { words = Words });
        await api.Host.RefusedAsync("sample-empty", auditor, "/api/samples", Body(village, year - 1));
        foreach (var other in (SampleClient[])[village.Officer, village.Offices.Approver])
            await api.Host.RefusedAsync("forbidden", other, "/api/samples", Body(village, year));
    }
}
