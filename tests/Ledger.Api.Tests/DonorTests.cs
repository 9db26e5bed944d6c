using System.Text.Json;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>
/// Donors, earmarks, direct sponsorship (C8, C11) and the receipt that says where each yuan went (C23); county
/// incentives (C19).
/// </summary>
[Collection("api")]
public sealed class DonorTests(ApiFixture api)
{
    [Fact]
    public async Task C23_the_receipt_follows_each_yuan_through_refund_and_reuse()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 50);
        var donor = await village.CharityAsync();
        await village.AllocateAsync(230.01m, SourceKind.Charity, "慈善一日捐", donorId: donor);
        await village.AllocateAsync(100);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync(); // fen 0..5000 income, 5000..28001 gift, 28001..30000 income
        var receipt = await village.Offices.Auditor.GetAsync<DonorReceiptView>($"/api/donors/{donor}/receipt");
        Assert.Equal(
            (230.01m, 230.01m, 0m),
            (receipt.TotalAmount.Yuan, receipt.UsedAmount.Yuan, receipt.AvailableAmount.Yuan)
        );
        Assert.Equal([50m, 100m, 80.01m], receipt.Gifts.Single().Uses.Select(u => u.Amount.Yuan));

        var second = receipt.Gifts.Single().Uses[1].MemberId;
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { second }, reason = "本人放弃" }
        );
        receipt = await village.Offices.Auditor.GetAsync<DonorReceiptView>($"/api/donors/{donor}/receipt");
        Assert.Equal((130.01m, 100m), (receipt.UsedAmount.Yuan, receipt.AvailableAmount.Yuan));
        await village.FileAsync([people[1]]);
        await village.ReviewAsync();
        await village.ApproveAsync(); // takes the last 80.01 of the income first, then 19.99 of the returned gift
        receipt = await village.Offices.Auditor.GetAsync<DonorReceiptView>($"/api/donors/{donor}/receipt");
        Assert.Equal((150m, 80.01m), (receipt.UsedAmount.Yuan, receipt.AvailableAmount.Yuan));
        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Auditor,
            HttpMethod.Get,
            $"/api/donors/{donor}/receipt"
        );
    }

    [Fact]
    public async Task C8_an_individual_donor_leaves_no_personal_data_in_events()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(99).Next(village.Offices.County);
        var answer = await village.Officer.PostAsync(
            "/api/donors",
            new
            {
                kind = "individual",
                name = person.Name,
                citizenId = person.CitizenId,
            }
        );
        Assert.DoesNotContain(person.Name, $"{answer}");
        var donor = answer.As<DonorView>();
        await api.Host.RefusedAsync(
            "already-exists",
            village.Officer,
            "/api/donors",
            new
            {
                kind = "individual",
                name = person.Name,
                citizenId = person.CitizenId,
            }
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            "/api/donors",
            new
            {
                kind = "individual",
                name = "甲",
                citizenId = "110105194912310021",
            }
        );
        await api.Host.RefusedAsync(
            "donor-missing",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "individual",
                sourceName = "捐赠",
                evidence = new[] { await village.Officer.EvidenceAsync("slip") },
            }
        );
        await village.AllocateAsync(10, SourceKind.Individual, "个人捐赠", donorId: donor.Id);
        var stored = await api.ScalarAsync<string>(
            "select string_agg(data::text, ' ') from ledger.mt_events where stream_id in (@a, @b)",
            ("a", donor.Id),
            ("b", village.FundId)
        );
        Assert.DoesNotContain(person.Name, stored);
        Assert.DoesNotContain(person.CitizenId, stored);
        Assert.Equal(
            [donor.Id],
            (await village.Officer.GetAsync<IReadOnlyList<DonorView>>("/api/donors")).Select(d => d.Id)
        );
        Assert.Empty((await api.NewOffices().Auditor.GetAsync<IReadOnlyList<DonorView>>("/api/donors")));
        Assert.Equal(
            10m,
            (await village.Officer.GetAsync<DonorReceiptView>($"/api/donors/{donor.Id}/receipt")).AvailableAmount.Yuan
        );
    }

    [Fact]
    public async Task C8_a_gift_for_an_age_band_serves_only_those_and_is_freed_with_the_donors_consent()
    {
        var (village, people) = await api.ReadyToFileAsync(30, subsidy: 100, money: 10);
        int Age(SamplePerson p) => village.Year - CitizenId.Parse(p.CitizenId, out _).BirthDate.Year;
        await village.AllocateAsync(
            5000,
            SourceKind.Charity,
            "助老",
            donorId: await village.CharityAsync(),
            earmark: new() { MinAge = 45 }
        );
        var pocket = (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}"))
            .SubAccounts.Single(s => s.Name != "general")
            .Name;
        var seal = await village.Officer.EvidenceAsync("seal");
        async Task<HttpResponseMessage> File(IEnumerable<SamplePerson> roster, string from) =>
            await village.Officer.SendAsync(
                HttpMethod.Post,
                "/api/applications",
                SampleClient.Form(
                    SampleSheets.Roster(roster),
                    "名单.xlsx",
                    "roster",
                    ("planId", village.PlanId),
                    ("seal", seal),
                    ("subAccount", from)
                )
            );
        using var mixed = await File(people, pocket);
        var problem = await mixed.ReadAsync<Refused>();
        Assert.Equal(people.Count(p => Age(p) < 45), problem.Faults.Count(f => f.Code == "earmark-mismatch"));
        using var unknown = await File(people, "earmark-nothing");
        Assert.Contains("earmark-mismatch", await unknown.Content.ReadAsStringAsync());
        var old = people.Where(p => Age(p) >= 45).ToList();
        using var fits = await File(old, pocket);
        Assert.True(fits.IsSuccessStatusCode, await fits.Content.ReadAsStringAsync());

        var release = $"/api/funds/{village.FundId}/sub-accounts/{pocket}/earmark-release";
        var township = village.Offices.Township(village.VillageCode[..9]);
        var confirmBy = township.Actor.Id;
        await api.Host.RefusedAsync("evidence-missing", village.Officer, release, new { confirmBy });
        var consent = new { confirmBy, evidence = new[] { await village.Officer.EvidenceAsync("consent") } };
        var open = await api.Host.RefusedAsync("wrong-state", village.Officer, release, consent);
        var application = (await fits.ReadAsync<JsonElement>())
            .GetProperty("application")
            .GetProperty("id")
            .GetString()!;
        Assert.Contains(application, open.Detail);
        await village.Officer.PostAsync($"/api/applications/{application}/withdrawal", new { reason = "改用其他资金" });
        await village.Officer.PostAsync<FundView>(release, consent);
        await api.Host.RefusedAsync("forbidden", village.Officer, $"{release}/confirmation");
        var freed = await township.PostAsync<FundView>($"{release}/confirmation");
        Assert.Equal(5010m, freed.SubAccounts.Single(s => s.Name == "general").AvailableAmount.Yuan);
    }

    [Fact]
    public async Task C8_C11_direct_sponsorship_counts_towards_the_cap_and_can_be_reversed()
    {
        var (village, people) = await api.ReadyToFileAsync(1, subsidy: 100);
        await village.FileAsync(people);
        var member = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines[0].MemberId;
        var donor = await village.CharityAsync();
        async Task<object> Gift(decimal amount) =>
            new
            {
                donorId = donor,
                amount,
                evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("receipt") },
            };
        var path = $"/api/members/{member}/years/{village.Year}/sponsorships";
        await api.Host.RefusedAsync("cap-exceeded", village.Offices.Reviewer, path, await Gift(5000.01m));
        var sponsored = await village.Offices.Reviewer.PostAsync<MemberYearView>(path, await Gift(4950));
        Assert.Equal(50m, sponsored.LeftAmount?.Yuan);
        await village.ReviewAsync();
        var refused = await api.Host.RefusedAsync(
            "cap-exceeded",
            village.Offices.Approver,
            $"{village.ApplicationPath}/approval"
        );
        Assert.Equal(50m, refused.LeftAmount?.Yuan);
        var id = sponsored.Sponsorships[0].SponsorshipId;
        await village.Offices.Reviewer.PostAsync(
            $"{path}/{id}/reversal",
            new { reason = "退还捐赠人", evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("back") } }
        );
        await village.ApproveAsync();
    }

    [Fact]
    public async Task C19_the_county_pays_incentives_into_a_pocket_of_their_own()
    {
        var village = await api.RegisteredAsync();
        var finance = api.Client(
            new Domain.Actor($"finance.{village.Offices.County}", "county-finance", village.Offices.County)
        );
        async Task<object> Money(SampleClient who, string source) =>
            new
            {
                amount = 88,
                source,
                sourceName = "奖补",
                evidence = new[] { await who.EvidenceAsync("slip") },
            };
        var allocations = $"/api/funds/{village.FundId}/allocations";
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            allocations,
            await Money(village.Officer, "county-incentive")
        );
        await api.Host.RefusedAsync("field-invalid", finance, allocations, await Money(finance, "collective-income"));
        var paid = await finance.PostAsync<AllocationView>(allocations, await Money(finance, "county-incentive"));
        Assert.Equal("county-incentive", paid.Fund.SubAccounts.Single().Name);
    }
}
