using System.Text.Json;

namespace Ledger.Api.Tests;

/// <summary>Collectives that are renamed, merged or split, C24: funds, members and history go along.</summary>
[Collection("api")]
public sealed class SuccessionTests(ApiFixture api)
{
    private static async Task<decimal> AvailableAsync(SampleVillage village) =>
        (await village.Offices.Auditor.GetAsync<FundView>($"/api/funds/{village.FundId}")).AvailableAmount.Yuan;

    private async Task<object> Approved(SampleVillage village, object more)
    {
        var evidence = new[]
        {
            await village.Offices.Agriculture.EvidenceAsync("approval of the county"),
            await village.Offices.Township(village.VillageCode[..9]).EvidenceAsync("review of the township"),
        };
        var body = JsonSerializer.SerializeToNode(more)!.AsObject();
        body["evidence"] = JsonSerializer.SerializeToNode(evidence);
        return body;
    }

    [Fact]
    public async Task A_merger_takes_money_members_and_history_along_and_a_gift_stays_traceable()
    {
        var (old, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 100);
        var donor = await old.CharityAsync();
        await old.AllocateAsync(300, "charity", "慈善", donorId: donor);
        var next = await api.RegisteredAsync(old.Offices);
        await next.SurveyAsync(10);
        await next.DraftAsync(SampleVillage.Flat(150));
        await next.ResolveAsync(api.Today);
        await next.AdoptAsync();
        await old.FileAsync([people[0]]);
        await old.ReviewAsync();
        await old.ApproveAsync();
        var path = $"/api/collectives/{old.CollectiveId}/merger";
        var body = await Approved(old, new { intoCollectiveId = next.CollectiveId, reason = "合村并居" });
        await api.Host.RefusedAsync("wrong-state", old.Offices.Agriculture, path, body); // money is under way
        await api.Host.RefusedAsync(
            "evidence-missing",
            old.Offices.Agriculture,
            path,
            new { intoCollectiveId = next.CollectiveId, reason = "x" }
        );
        await old.Officer.PostAsync($"{old.ApplicationPath}/withdrawal", new { reason = "合并前撤回" });
        var merged = await old.Offices.Agriculture.PostAsync<CollectiveView>(path, body);
        Assert.Equal(next.CollectiveId, merged.MergedInto);
        Assert.Equal((0m, 400m), (await AvailableAsync(old), await AvailableAsync(next)));
        await api.Host.RefusedAsync("collective-merged", old.Offices.Agriculture, path, body);
        var seal = await old.Officer.EvidenceAsync("seal");
        await api.Host.RefusedAsync(
            "collective-merged",
            old.Officer,
            "/api/applications",
            new
            {
                planId = old.PlanId,
                seal,
                lines = Array.Empty<object>(),
            }
        );

        await next.FileAsync(people); // members of the predecessor are members of the successor
        await next.ReviewAsync();
        await next.ApproveAsync();
        var receipt = await next.Offices.Auditor.GetAsync<DonorReceiptView>($"/api/donors/{donor}/receipt");
        Assert.Equal((300m, 0m), (receipt.UsedAmount.Yuan + receipt.AvailableAmount.Yuan, receipt.ReturnedAmount.Yuan));
        Assert.All(receipt.Gifts[0].Uses, u => Assert.Equal(next.ApplicationId, u.ApplicationId));
        var books = (
            await next.Offices.Auditor.GetAsync<TrialBalanceView>($"/api/funds/{next.FundId}/trial-balance")
        ).Accounts;
        Assert.Contains(books, b => b.Account == $"transfer:{old.FundId}" && b.Amount.Yuan == -400m);
    }

    [Fact]
    public async Task C4_after_a_split_neither_village_pays_whom_the_other_has_paid()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        var members = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members.Select(m => m.Id)
            .ToArray();
        var next = await api.RegisteredAsync(village.Offices);
        await next.SurveyAsync(10);
        await next.DraftAsync(SampleVillage.Flat(150));
        await next.ResolveAsync(api.Today);
        await next.AdoptAsync();
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.Offices.Agriculture.PostAsync(
            $"/api/collectives/{village.CollectiveId}/split",
            await Approved(
                village,
                new
                {
                    intoCollectiveId = next.CollectiveId,
                    memberIds = members[..1],
                    amount = 400,
                    reason = "分村",
                }
            )
        );
        var seal = await next.Officer.EvidenceAsync("seal");
        var problem = await api.Host.RefusedAsync(
            "roster-invalid",
            next.Officer,
            "/api/applications",
            new
            {
                planId = next.PlanId,
                seal,
                lines = new[] { new { memberId = members[0] } },
            }
        );
        Assert.Equal("already-subsidised", problem.Faults[0].Code);
        var trial = await next.Officer.PostAsync<DryRunView>($"/api/plans/{next.PlanId}/dry-run", new { });
        Assert.Equal("already-subsidised", trial.Ineligible[0].Code);
    }

    [Fact]
    public async Task A_split_moves_named_members_and_money()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 1000);
        var members = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members.Select(m => m.Id)
            .ToArray();
        var next = await api.RegisteredAsync(village.Offices);
        var path = $"/api/collectives/{village.CollectiveId}/split";
        await api.Host.RefusedAsync(
            "fund-overdrawn",
            village.Offices.Agriculture,
            path,
            await Approved(
                village,
                new
                {
                    intoCollectiveId = next.CollectiveId,
                    memberIds = members[..1],
                    amount = 1000.01m,
                    reason = "分村",
                }
            )
        );
        // The county alone takes no fund away: neither more than the share, nor without the township, nor out of it.
        async Task<Refused> Refused(string code, string into, string[] who, decimal amount) =>
            await api.Host.RefusedAsync(
                code,
                village.Offices.Agriculture,
                path,
                await Approved(
                    village,
                    new
                    {
                        intoCollectiveId = into,
                        memberIds = who,
                        amount,
                        reason = "分村",
                    }
                )
            );
        var share = await Refused("split-share-exceeded", next.CollectiveId, members[..1], 333.34m);
        Assert.Equal("amount", share.Field);
        Assert.Contains("333.33", share.Text);
        var twice = await Refused("field-invalid", next.CollectiveId, [members[0], members[0]], 1);
        Assert.Equal("memberIds[1]", twice.Field);
        await api.Host.RefusedAsync(
            "evidence-missing",
            village.Offices.Agriculture,
            path,
            new
            {
                intoCollectiveId = next.CollectiveId,
                memberIds = members[..1],
                amount = 1,
                reason = "分村",
                evidence = new[] { await village.Offices.Agriculture.EvidenceAsync("approval of the county") },
            }
        );
        Assert.Equal((1000m, 0m), (await AvailableAsync(village), await AvailableAsync(next)));
        await village.Offices.Agriculture.PostAsync(
            path,
            await Approved(
                village,
                new
                {
                    intoCollectiveId = next.CollectiveId,
                    memberIds = members[..1],
                    amount = 250,
                    reason = "分村",
                }
            )
        );
        Assert.Equal((750m, 250m), (await AvailableAsync(village), await AvailableAsync(next)));
        Assert.Equal(
            [members[0]],
            (await next.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={next.CollectiveId}")).Members.Select(
                m => m.Id
            )
        );
        await api.Host.RefusedAsync(
            "not-a-member",
            village.Offices.Agriculture,
            path,
            await Approved(
                village,
                new
                {
                    intoCollectiveId = next.CollectiveId,
                    memberIds = members[..1],
                    amount = 1,
                    reason = "分村",
                }
            )
        );
    }

    [Fact]
    public async Task A_new_name_shows_on_collective_and_fund()
    {
        var village = await api.RegisteredAsync();
        var path = $"/api/collectives/{village.CollectiveId}/name";
        await api.Host.RefusedAsync("evidence-missing", village.Offices.Agriculture, path, new { name = "新名" });
        await village.Offices.Agriculture.PostAsync(path, await Approved(village, new { name = "新名股份经济合作社" }));
        Assert.Equal(
            "新名股份经济合作社",
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).Name
        );
    }

    [Fact]
    public async Task C4_who_died_or_left_gets_none()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var members = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members.Select(m => m.Id)
            .ToArray();
        await api.Host.RefusedAsync(
            "evidence-missing",
            village.Officer,
            $"/api/members/{members[0]}/death",
            new { on = api.Today }
        );
        await village.Offices.Reviewer.PostAsync(
            $"/api/members/{members[0]}/death",
            new { on = api.Today, evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("certificate") } }
        );
        await village.Officer.PostAsync(
            $"/api/members/{members[1]}/departure",
            new
            {
                collectiveId = village.CollectiveId,
                on = api.Today,
                reason = "户籍迁出",
            }
        );
        await api.Host.RefusedAsync(
            "not-found",
            api.NewOffices().Reviewer,
            $"/api/members/{members[0]}/departure",
            new
            {
                collectiveId = village.CollectiveId,
                on = api.Today,
                reason = "x",
            }
        );
        var seal = await village.Officer.EvidenceAsync("seal");
        var problem = await api.Host.RefusedAsync(
            "roster-invalid",
            village.Officer,
            "/api/applications",
            new
            {
                planId = village.PlanId,
                seal,
                lines = members.Select(m => new { memberId = m }),
            }
        );
        Assert.Equal(["member-deceased", "not-a-member"], problem.Faults.Select(f => f.Code).Order());
    }

    [Fact]
    public async Task C4_C20_a_mistaken_contribution_record_is_taken_out_by_two_people()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        // Same reference as the regular one: recorded once
        await village.ImportContributionsAsync([(people[0], 300, true)], api.Today.AddDays(-1));
        var member = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members[0]
            .Id;
        var path =
            $"/api/members/{member}/years/{village.Year}/contributions/SW{village.VillageCode}{village.Year}"
            + "000001/reversal";
        var second = api.Client(new Domain.Actor("tax.second", "county-tax", village.Offices.County));
        await api.Host.RefusedAsync(
            "self-approval",
            village.Offices.Tax,
            path,
            new { confirmBy = village.Offices.Tax.Actor.Id, reason = "x" }
        );
        await api.Host.RefusedAsync("wrong-state", second, $"{path}/confirmation");
        await village.Offices.Tax.PostAsync(path, new { confirmBy = "tax.second", reason = "重复上传" });
        await api.Host.RefusedAsync("self-approval", village.Offices.Tax, $"{path}/confirmation");
        var after = await second.PostAsync<MemberYearView>($"{path}/confirmation");
        Assert.Empty(after.Contributions);
        await api.Host.RefusedAsync("not-found", second, $"{path}/confirmation");
        // The right record may come in again
        await village.ImportContributionsAsync([(people[0], 300, false)], api.Today);
        await village.FileAsync(people);
    }
}
