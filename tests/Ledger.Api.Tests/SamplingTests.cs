using Ledger.Api.Sampling;
using Ledger.Domain.Sampling;

namespace Ledger.Api.Tests;

/// <summary>A sample over HTTP: announced, sealed, drawn, and each fen's line is a member's of the village.</summary>
[Collection("api")]
public sealed class SamplingTests(ApiFixture api)
{
    internal const string Words = "随手写下的一句话";

    internal static object Body(SampleVillage village, int year, string? words = null) =>
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
        var drawn = await DrawnSamples.DrawnAsync(auditor, Body(village, year), Words);
        Assert.Equal((5, 300m), (drawn.Size, drawn.PopulationAmount.Yuan));
        var path = $"/api/samples/{drawn.Id}";
        Assert.Equal(drawn.Drawn, (await auditor.GetAsync<SampleView>(path)).Drawn);
        Assert.Equal(5, drawn.Drawn.Distinct().Count());
        Assert.All(drawn.Drawn, d => Assert.Equal(village.ApplicationId, d.Reference));
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => $"member-year-{l.MemberId["member-".Length..]}-")
            .ToList();
        Assert.All(drawn.Drawn, d => Assert.Contains(members, m => d.MemberYearId!.StartsWith(m)));
        // 100 yuan each, and five fen of 300 yuan: each line was drawn, and is one paper.
        Assert.Equal((3, 3), (drawn.Lines.Count, drawn.Missing.Count));
        Assert.All(drawn.Lines, l => Assert.Equal(100, l.Line.Length.Yuan));
        Assert.Contains(await auditor.GetAsync<List<SampleView>>("/api/samples"), s => s.Id == drawn.Id);

        await api.Host.RefusedAsync("wrong-state", auditor, $"{path}/draw", new { words = Words });
        await api.Host.RefusedAsync("sample-empty", auditor, "/api/samples", Body(village, year - 1));
        var wordsDigest = FenSample.WordsDigest(Words);
        var kind = new
        {
            fundId = village.FundId,
            year,
            kind = "allocated",
            size = 5,
            wordsDigest,
        };
        Assert.Equal(
            "kind：应为 reserved、returned、transferred 之一",
            (await api.Host.RefusedAsync("field-invalid", auditor, "/api/samples", kind)).Detail
        );
        var tooMany = new
        {
            fundId = village.FundId,
            year,
            kind = "reserved",
            intervalAmount = 0.01m,
            wordsDigest,
        };
        Assert.Equal(
            "intervalAmount",
            (await api.Host.RefusedAsync("field-invalid", auditor, "/api/samples", tooMany)).Field
        );
        foreach (var other in (SampleClient[])[village.Officer, village.Offices.Approver])
        {
            await api.Host.RefusedAsync("forbidden", other, "/api/samples", Body(village, year));
            await api.Host.RefusedAsync("forbidden", other, $"{path}/conclusion", Signed);
        }
        await ThePapersAreFilledInAndSignedAsync(village, drawn);
    }

    private static readonly object Signed = new { confidence = 95, conclusion = "可以接受" };

    private async Task ThePapersAreFilledInAndSignedAsync(SampleVillage village, SampleView drawn)
    {
        var (auditor, path) = (village.Offices.Auditor, $"/api/samples/{drawn.Id}");
        await api.Host.RefusedAsync("sample-papers-missing", auditor, $"{path}/conclusion", Signed);
        await api.Host.RefusedAsync("field-invalid", auditor, $"{path}/papers/1", new { finding = "x" });
        var seen = new { seen = "现场看了票据" };
        await api.Host.RefusedAsync("not-found", auditor, $"{path}/papers/4", seen);
        await api.Host.RefusedAsync(
            "evidence-missing",
            auditor,
            $"{path}/papers/1",
            new { evidence = new[] { new string('0', 64) } }
        );
        var slip = await village.Officer.EvidenceAsync($"slip {Guid.NewGuid()}");
        await auditor.PostAsync(
            $"{path}/papers/1",
            new
            {
                errorAmount = 20.5,
                finding = "已转为职工养老保险",
                evidence = new[] { slip },
            }
        );
        await auditor.PostAsync($"{path}/papers/2", new { seen = "现场看了票据", errorAmount = 0 });
        var papered = await auditor.PostAsync<SampleView>($"{path}/papers/3", seen);
        Assert.Empty(papered.Missing);
        Assert.Equal((20.5m, slip), (papered.Papers[0].ErrorAmount.Yuan, papered.Papers[0].Evidence.Single()));
        var signed = (await auditor.PostAsync<SampleView>($"{path}/conclusion", Signed)).Conclusion!;
        // Lines of 100 yuan, an interval of 60: each was drawn for certain, and nothing is projected.
        Assert.Equal((20.5m, 200.5m), (signed.LikelyAmount.Yuan, signed.UpperAmount.Yuan));
        await api.Host.RefusedAsync("wrong-state", auditor, $"{path}/papers/1", seen);
        await api.Host.RefusedAsync("wrong-state", auditor, $"{path}/conclusion", Signed);
    }
}
