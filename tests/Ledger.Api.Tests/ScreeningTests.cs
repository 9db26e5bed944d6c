using Ledger.Api.Screening;
using Ledger.Domain.Identity;
using Ledger.Domain.Screening;
using Ledger.Projections.Screening;

namespace Ledger.Api.Tests;

/// <summary>
/// The tests of a year over HTTP: two villages in which something of nearly each kind was planted, who may see it, and
/// what is answered to it.
/// </summary>
[Collection("api")]
public sealed class ScreeningTests(ApiFixture api)
{
    private static Task<ScreeningView> ScreenAsync(SampleClient who, string query = "") =>
        who.GetAsync<ScreeningView>($"/api/audit/screening?{query}");

    private static ScreenView Of(ScreeningView view, ScreenKind screen) => view.Screens.Single(s => s.Screen == screen);

    private sealed record Year(
        SampleVillage Village,
        SampleVillage Neighbour,
        IReadOnlyList<SamplePerson> People,
        IReadOnlyList<string> Members,
        SampleClient SecondAuditor
    )
    {
        public SampleClient Auditor => Village.Offices.Auditor;
        public string County => Village.Offices.County;
    }

    /// <summary>
    /// One person stands on both lists; another reviewed the list on which he stands, and has an auditor's account,
    /// too; a third died the day before he was paid. One slip and one bank reference serve both villages.
    /// </summary>
    private async Task<Year> PlantedAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100.25m);
        var offices = village.Offices;
        var (neighbour, others) = await api.ReadyToFileAsync(2, subsidy: 50, offices: offices);
        var administrator = api.Client(new Actor($"admin.{offices.County}", Roles.Administrator, offices.County));
        var second = api.Client(new Actor($"auditor2.{offices.County}", Roles.Auditor, offices.County));
        foreach (
            var (name, role) in new[] { (offices.Reviewer.Actor.Id, Roles.Agency), (second.Actor.Id, Roles.Auditor) }
        )
            await administrator.PostAsync(
                "/api/accounts",
                ApiFixture.AccountBody(name, role, offices.County, people[1])
            );
        await village.AllocateAsync(20_000);
        await village.AllocateAsync(30_000);
        foreach (var (one, amount) in new[] { (village, 7.77m), (neighbour, 5.55m) })
        {
            await one.Officer.PostAsync(
                $"/api/funds/{one.FundId}/allocations",
                new
                {
                    amount,
                    source = "collective-income",
                    sourceName = "果园承包",
                    evidence = new[] { await one.Officer.EvidenceAsync($"one slip for two {offices.County}") },
                }
            );
            await one.Officer.PostAsync(
                $"/api/funds/{one.FundId}/bank-fees",
                new
                {
                    amount = 2.50m,
                    bankReference = $"SXF-{offices.County}",
                    evidence = new[] { await one.Officer.EvidenceAsync($"fee {one.VillageCode}") },
                }
            );
        }
        await neighbour.ImportMembersAsync([people[0]], offices.Reviewer);
        await village.FileAsync(people);
        await neighbour.FileAsync([.. others, people[0]], "两村成员，合计不超上限");
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(300.75m);
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => l.MemberId)
            .ToList();
        await offices.Reviewer.PostAsync(
            $"/api/members/{members[2]}/death",
            new
            {
                on = api.Today.AddDays(-1),
                evidence = new[] { await offices.Reviewer.EvidenceAsync($"certificate {members[2]}") },
            }
        );
        return new(village, neighbour, people, members, second);
    }

    [Fact]
    public async Task C4_C7_C15_C17_C20_what_was_planted_in_a_year_is_found_to_the_fen_and_leads_to_its_lines()
    {
        var year = await PlantedAsync();
        var (village, neighbour) = (year.Village, year.Neighbour);
        var view = await ScreenAsync(year.Auditor, $"year={village.Year}");
        Assert.Equal((year.County, 6, 0), (view.Region, view.Lines, view.LeftOut));
        Assert.Equal(Enum.GetValues<ScreenKind>().Length, view.Screens.Count);
        Assert.All(view.Screens, s => Assert.True(s.LooksAt.Length > 5 && s.Innocent.Length > 5));
        (ScreenKind Screen, decimal Yuan, string Region)[] planted =
        [
            (ScreenKind.TwoVillages, 150.25m, RegionCode.Township(village.VillageCode)),
            (ScreenKind.Deceased, 100.25m, village.VillageCode),
            (ScreenKind.OfficerBenefits, 100.25m, village.VillageCode),
            (ScreenKind.BankReferenceTwice, 5.00m, RegionCode.Township(village.VillageCode)),
            (ScreenKind.SlipTwice, 13.32m, RegionCode.Township(village.VillageCode)),
            (ScreenKind.RoundSums, 1_050_000m, village.VillageCode),
            (ScreenKind.SplitBelowLimit, 50_000m, village.VillageCode),
            (ScreenKind.Hasty, 300.75m, village.VillageCode),
        ];
        foreach (var (screen, yuan, region) in planted)
        {
            var finding = Assert.Single(Of(view, screen).Findings);
            Assert.Equal((yuan, FindingState.Open, 0), (finding.Amount.Yuan, finding.State, finding.Version));
            Assert.StartsWith(region[..6], finding.Region);
            Assert.True(village.VillageCode.StartsWith(finding.Region, StringComparison.Ordinal), finding.Region);
            Assert.Equal((1, 1, 0, 0), Counts(Of(view, screen)));
            if (region == village.VillageCode)
                Assert.Equal(region, finding.Region);
        }
        foreach (var screen in (ScreenKind[])[ScreenKind.PersonTwice, ScreenKind.NumberGap, ScreenKind.FirstDigits])
            Assert.Equal((0, 0, 0, 0), Counts(Of(view, screen)));
        Assert.False(view.FirstDigits.IsEnough);
        Assert.Equal(9, view.FirstDigits.Observed.Count);

        // Each leads to its lines: members of both applications, events of both funds.
        Assert.Equal(
            new[] { village.ApplicationId, neighbour.ApplicationId }.Order(),
            Of(view, ScreenKind.TwoVillages).Findings[0].Lines.Select(l => l.Stream).Order()
        );
        Assert.Equal(year.Members[2], Of(view, ScreenKind.Deceased).Findings[0].Lines.Single().MemberId);
        Assert.Equal(
            new[] { village.FundId, neighbour.FundId }.Order(),
            Of(view, ScreenKind.SlipTwice).Findings[0].Lines.Select(l => l.Stream).Order()
        );
        Assert.Equal(
            [year.Village.Offices.Reviewer.Actor.Id],
            Of(view, ScreenKind.OfficerBenefits).Findings[0].Concerned
        );

        await NobodyIsNamedAsync(year);
        await AVillageAloneShowsItsOwnAsync(year, view);
    }

    private static (int, int, int, int) Counts(ScreenView s) => (s.Count, s.Open, s.Answered, s.Closed);

    private static async Task NobodyIsNamedAsync(Year year)
    {
        using var answer = await year.Auditor.SendAsync(HttpMethod.Get, "/api/audit/screening", null);
        var text = await answer.Content.ReadAsStringAsync();
        Assert.All(
            year.People,
            p =>
            {
                Assert.DoesNotContain(p.Name, text, StringComparison.Ordinal);
                Assert.DoesNotContain(p.CitizenId, text, StringComparison.Ordinal);
            }
        );
    }

    /// <summary>What lies in one village has the same id there; what lies in two is not seen from one.</summary>
    private static async Task AVillageAloneShowsItsOwnAsync(Year year, ScreeningView county)
    {
        var alone = await ScreenAsync(year.Auditor, $"region={year.Village.VillageCode}&year={year.Village.Year}");
        Assert.Equal(3, alone.Lines);
        foreach (var screen in county.Screens.Where(s => s.Screen != ScreenKind.FirstDigits))
            Assert.Equal(
                screen.Findings.Where(f => f.Region == year.Village.VillageCode).Select(f => (f.Id, f.Says)),
                Of(alone, screen.Screen).Findings.Select(f => (f.Id, f.Says))
            );
        Assert.Empty(Of(alone, ScreenKind.TwoVillages).Findings);
        Assert.Empty(
            (await ScreenAsync(year.Auditor, $"year={year.Village.Year - 1}")).Screens.SelectMany(s => s.Findings)
        );
    }

    [Fact]
    public async Task Only_auditors_screen_and_only_their_own_region()
    {
        var (village, _) = await api.ReadyToFileAsync(1);
        const string path = "/api/audit/screening";
        foreach (var role in Roles.Everybody.Except([Roles.Auditor]))
            await api.Host.RefusedAsync(
                "forbidden",
                api.Client(new Actor($"x.{role}", role, village.Offices.County)),
                HttpMethod.Get,
                path
            );
        var stranger = api.NewOffices().Auditor;
        var nothing = await ScreenAsync(stranger, $"region={village.VillageCode}");
        Assert.Equal(("-", 0, 0), (nothing.Region, nothing.Lines, nothing.Entries));
        Assert.All(nothing.Screens, s => Assert.Equal((0, 0, 0, 0), Counts(s)));
        var city = RegionCode.City(village.VillageCode);
        var wide = api.Client(new Actor($"auditor.{city}", Roles.Auditor, city));
        await api.Host.RefusedAsync("field-invalid", wide, HttpMethod.Get, path);
        Assert.Equal(village.Offices.County, (await ScreenAsync(wide, $"region={village.Offices.County}")).Region);
        foreach (var query in (string[])["year=1999", "region=37081", "region=abc"])
            await api.Host.RefusedAsync("field-invalid", village.Offices.Auditor, HttpMethod.Get, $"{path}?{query}");
        using var sheet = await village.Offices.Auditor.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r => r.Headers.Accept.ParseAdd(Imports.Workbook.ContentType)
        );
        Assert.Equal("PK"u8.ToArray(), (await sheet.Content.ReadAsByteArrayAsync())[..2]);
    }

    private async Task<(SampleVillage Village, string Path)> HastyAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var view = await ScreenAsync(village.Offices.Auditor, $"region={village.VillageCode}");
        return (village, $"/api/audit/screening/{Of(view, ScreenKind.Hasty).Findings.Single().Id}");
    }

    /// <summary>One that is on record, of a village whose application was approved within minutes.</summary>
    internal static async Task<string> AnsweredAsync(SampleVillage village)
    {
        const string path = "/api/audit/screening";
        var id = Of(await ScreenAsync(village.Offices.Auditor, $"region={village.VillageCode}"), ScreenKind.Hasty)
            .Findings[0]
            .Id;
        await village.Offices.Auditor.PostAsync($"{path}/{id}/answer", new { conclusion = "人少", seen = "名册" });
        return id;
    }

    private static readonly object Closing = new { outcome = "sound", reason = "纸质名单事先看过" };

    [Fact]
    public async Task C20_a_finding_is_answered_explained_closed_and_opened_again_and_all_of_it_is_on_record()
    {
        var (village, path) = await HastyAsync();
        var (auditor, id) = (village.Offices.Auditor, path.Split('/')[^1]);
        var slip = await village.Officer.EvidenceAsync($"minutes {Guid.NewGuid()}");
        var body = new
        {
            conclusion = "名单只有一人，复核前已核对原件",
            seen = "现场看了名册",
            evidence = new[] { slip },
        };
        foreach (var wrong in (object[])[new { conclusion = " ", seen = "x" }, new { conclusion = "没有看" }])
            await api.Host.RefusedAsync("field-invalid", auditor, $"{path}/answer", wrong);
        await api.Host.RefusedAsync(
            "personal-data-in-text",
            auditor,
            $"{path}/answer",
            new { conclusion = "打电话 13912345678", seen = "x" }
        );
        // Nothing is on record yet: there is nothing to close, and nobody but auditors is told of it.
        await api.Host.RefusedAsync("not-found", auditor, $"{path}/closure", Closing);
        await api.Host.RefusedAsync("not-found", village.Officer, HttpMethod.Get, path);

        var foreseen = await auditor.PostAsync($"{path}/answer?preview=true", body);
        Assert.Contains("screening_finding_answered", foreseen.GetRawText());
        Assert.Equal(0, (await auditor.GetAsync<ScreeningFindingView>(path)).Version);

        var answered = await auditor.PostAsync<ScreeningFindingView>($"{path}/answer", body);
        Assert.Equal(
            (1, FindingState.Answered, slip),
            (answered.Version, answered.State, answered.Answer!.Evidence.Single())
        );
        var read = await auditor.GetAsync<ScreeningFindingView>(path);
        Assert.Equal((id, 1, true), (read.Id, read.Version, read.IsFound));
        await WhoActedExplainsAsync(village, path);

        var closed = await auditor.PostAsync<ScreeningFindingView>($"{path}/closure", Closing);
        Assert.Equal((FindingState.Closed, FindingOutcome.Sound), (closed.State, closed.Closure!.Outcome));
        var hasty = Of(await ScreenAsync(auditor, $"region={village.VillageCode}"), ScreenKind.Hasty);
        Assert.Equal((1, 0, 0, 1), Counts(hasty));
        await api.Host.RefusedAsync("wrong-state", auditor, $"{path}/answer", body);
        await api.Host.RefusedAsync("wrong-state", auditor, $"{path}/closure", Closing);
        await api.Host.RefusedAsync("field-invalid", auditor, $"{path}/closure", new { outcome = "x", reason = "x" });
        var open = await auditor.PostAsync<ScreeningFindingView>($"{path}/reopening", new { reason = "收到新的材料" });
        Assert.Equal((FindingState.Explained, 4), (open.State, open.Version));
        await api.Host.RefusedAsync("wrong-state", auditor, $"{path}/reopening", new { reason = "x" });
    }

    /// <summary>The officer who filed it, not another of the village, and nobody of another village.</summary>
    private async Task WhoActedExplainsAsync(SampleVillage village, string path)
    {
        var explained = new { explanation = "名单只有一人，当天现场办理" };
        Assert.Equal(1, (await village.Officer.GetAsync<ScreeningFindingView>(path)).Version);
        var other = village.Offices.Officer($"{village.Offices.County}999999");
        await api.Host.RefusedAsync("not-found", other, HttpMethod.Get, path);
        await api.Host.RefusedAsync("not-found", other, $"{path}/explanation", explained);
        var colleague = api.Client(village.Officer.Actor with { Id = $"colleague.{village.VillageCode}" });
        await api.Host.RefusedAsync("finding-not-concerned", colleague, $"{path}/explanation", explained);
        await api.Host.RefusedAsync("forbidden", village.Officer, $"{path}/closure", Closing);
        await api.Host.RefusedAsync("forbidden", village.Offices.Auditor, $"{path}/explanation", explained);
        var told = await village.Officer.PostAsync<ScreeningFindingView>($"{path}/explanation", explained);
        Assert.Equal((FindingState.Explained, 2), (told.State, told.Version));
        Assert.Equal(village.Officer.Actor.Id, told.Explanations.Single().ExplainedBy);
    }

    [Fact]
    public async Task C20_an_auditor_whose_own_acts_it_is_about_answers_and_closes_nothing_under_whatever_account()
    {
        var year = await PlantedAsync();
        var view = await ScreenAsync(year.Auditor, $"year={year.Village.Year}");
        var path = $"/api/audit/screening/{Of(view, ScreenKind.OfficerBenefits).Findings.Single().Id}";
        var body = new { conclusion = "标准与旁人一样", seen = "名册" };
        await api.Host.RefusedAsync("self-approval", year.SecondAuditor, $"{path}/answer", body);
        await year.Auditor.PostAsync($"{path}/answer", body);
        await api.Host.RefusedAsync("self-approval", year.SecondAuditor, $"{path}/closure", Closing);
        await year.Auditor.PostAsync($"{path}/closure", Closing);
        await api.Host.RefusedAsync("self-approval", year.SecondAuditor, $"{path}/reopening", new { reason = "x" });

        // An auditor of another county, and an id that is none.
        var stranger = api.NewOffices().Auditor;
        await api.Host.RefusedAsync("not-found", stranger, HttpMethod.Get, path);
        await api.Host.RefusedAsync("not-found", stranger, $"{path}/answer", body);
        await api.Host.RefusedAsync("not-found", stranger, $"{path}/reopening", new { reason = "x" });
        var nothing = StreamId.ScreeningFinding(year.Village.VillageCode, year.Village.Year, new string('0', 32));
        foreach (var id in (string[])["x", nothing])
            await api.Host.RefusedAsync("not-found", year.Auditor, $"/api/audit/screening/{id}/answer", body);
    }

    [Fact]
    public async Task L1_what_was_set_right_since_is_shown_no_more_and_stays_on_record()
    {
        var year = await PlantedAsync();
        var (village, auditor, query) = (year.Village, year.Auditor, $"year={year.Village.Year}");
        var path = $"/api/audit/screening/{Of(await ScreenAsync(auditor, query), ScreenKind.Deceased).Findings[0].Id}";
        var body = new { conclusion = "应追回", seen = "死亡证明" };
        var found = await auditor.PostAsync<ScreeningFindingView>($"{path}/answer", body);
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/bank-returns",
            new
            {
                memberIds = new[] { year.Members[2] },
                reason = "收款人已故",
                bankReference = $"TH{village.VillageCode}",
                evidence = new[] { await village.Officer.EvidenceAsync($"return {village.VillageCode}") },
            }
        );
        var gone = await auditor.GetAsync<ScreeningFindingView>(path);
        Assert.Equal((false, 1, found.Says), (gone.IsFound, gone.Version, gone.Says));
        Assert.Equal((1, 0, 1, 0), Counts(Of(await ScreenAsync(auditor, query), ScreenKind.Deceased)));
        await auditor.PostAsync($"{path}/answer", new { conclusion = "银行已退回", seen = "退回回单" });
        var closed = await auditor.PostAsync<ScreeningFindingView>(
            $"{path}/closure",
            new { outcome = "corrected", reason = "款项已退回" }
        );
        Assert.Equal((FindingState.Closed, 3, 100.25m), (closed.State, closed.Version, closed.Amount.Yuan));
    }
}
