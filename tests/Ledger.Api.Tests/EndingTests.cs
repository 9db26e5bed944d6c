using Ledger.Domain.Members;

namespace Ledger.Api.Tests;

/// <summary>How a line lawfully ends after it was paid: with the heirs (L1) or with the person (L2).</summary>
[Collection("api")]
public sealed class EndingTests(ApiFixture api)
{
    /// <summary>Paid to four; the last one is on his way still.</summary>
    private async Task<(SampleVillage Village, string[] Members)> CreditedAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(4);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(400);
        await village.ImportReceiptsAsync(people.Take(3).Select(p => (p, new Money(10_000))), api.Today);
        var lines = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines;
        return (village, [.. lines.Select(l => l.MemberId)]);
    }

    private static async Task<object> RefundAsync(SampleVillage village, string member, string reason) =>
        new
        {
            memberId = member,
            reason,
            bankReference = $"TK{Guid.NewGuid():N}"[..20],
            evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("refund") },
        };

    private async Task DeathAsync(SampleVillage village, string member) =>
        await village.Offices.Reviewer.PostAsync<MemberStateView>(
            $"/api/members/{member}/death",
            new { on = api.Today, evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("certificate") } }
        );

    private static Task<LineTraceView> TraceAsync(SampleVillage village, string member) =>
        village.Officer.GetAsync<LineTraceView>($"/api/trace/applications/{village.ApplicationId}/members/{member}");

    [Fact]
    public async Task L1_a_death_brings_back_what_is_on_its_way_and_leaves_the_heirs_what_was_credited()
    {
        var (village, members) = await CreditedAsync();
        await DeathAsync(village, members[0]);
        await DeathAsync(village, members[3]);
        var refunds = $"{village.ApplicationPath}/refunds";
        var refused = await api.Host.RefusedAsync(
            "credited-is-final",
            village.Offices.Reviewer,
            refunds,
            await RefundAsync(village, members[0], "death")
        );
        Assert.Equal("reason", refused.Field);
        Assert.Contains("继承", refused.Mend);
        Assert.Contains("由继承人依法继承", (await TraceAsync(village, members[0])).InWords);
        await village.Offices.Reviewer.PostAsync(refunds, await RefundAsync(village, members[3], "death"));
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal((300m, 0m), (fund.CreditedAmount.Yuan, fund.InTransitAmount.Yuan));
    }

    [Fact]
    public async Task L2_overlapping_years_are_cleared_to_the_person_and_the_fund_gets_nothing()
    {
        var (village, members) = await CreditedAsync();
        var agency = village.Offices.Reviewer;
        string Path(int i) => $"/api/members/{members[i]}/years/{village.Year}/clearances";
        async Task<object> Body(string? reason = null, DateOnly? on = null) =>
            new
            {
                applicationId = village.ApplicationId,
                reason = reason ?? "employees-scheme",
                on = on ?? api.Today,
                evidence = new[] { await agency.EvidenceAsync("clearance") },
            };
        await api.Host.RefusedAsync("forbidden", village.Officer, Path(0), await Body());
        await api.Host.RefusedAsync("forbidden", village.Offices.Auditor, Path(0), await Body());
        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Reviewer,
            Path(0),
            new { applicationId = village.ApplicationId, reason = "moved-abroad" }
        );
        await api.Host.RefusedAsync("wrong-state", agency, Path(3), await Body()); // on its way still
        await api.Host.RefusedAsync(
            "date-before-basis",
            agency,
            Path(0),
            await Body(on: api.Today.AddDays(-1)) // credited today
        );
        await api.Host.RefusedAsync(
            "evidence-missing",
            agency,
            Path(0),
            new { applicationId = village.ApplicationId, reason = "moved-abroad" }
        );
        var before = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        var cleared = await agency.PostAsync<MemberYearView>(Path(0), await Body());
        Assert.Equal(SubsidyStatus.Cleared, Assert.Single(cleared.Subsidies).Status);
        Assert.Equal(100m, cleared.UsedAmount.Yuan);
        await api.Host.RefusedAsync("wrong-state", agency, Path(0), await Body());
        await api.Host.RefusedAsync(
            "credited-is-final",
            agency,
            $"{village.ApplicationPath}/refunds",
            await RefundAsync(village, members[0], "double-subsidy")
        );
        var after = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal((before.CreditedAmount, before.Version), (after.CreditedAmount, after.Version));

        // Both ways the yuan's end is told, and the books agree.
        var trace = await TraceAsync(village, members[0]);
        Assert.Equal(api.Today, trace.ClearedOn);
        Assert.Contains("由经办机构清退给本人", trace.InWords);
        var down = await village.Officer.GetAsync<AllocationTraceView>(
            $"/api/trace/funds/{village.FundId}/allocations/{trace.Sources[0].AllocationId}"
        );
        Assert.Equal(SubsidyStatus.Cleared, down.Uses.Single(u => u.MemberId == members[0]).Status);
    }
}
