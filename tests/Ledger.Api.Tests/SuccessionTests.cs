using System.Text.Json;
using System.Text.Json.Nodes;
using Ledger.Api.Collectives;
using Ledger.Api.Commands;
using Ledger.Projections.Reports;

namespace Ledger.Api.Tests;

/// <summary>
/// Collectives that are renamed, merged, split or dissolved, C24, L16: funds, members and history go along, and each
/// rests on its papers.
/// </summary>
[Collection("api")]
public sealed class SuccessionTests(ApiFixture api)
{
    private static async Task<decimal> AvailableAsync(SampleVillage village) =>
        (await village.Offices.Auditor.GetAsync<FundView>($"/api/funds/{village.FundId}")).AvailableAmount.Yuan;

    /// <summary>
    /// An order with its papers (L16): each collective's decision, the township's review, the county's approval.
    /// </summary>
    private async Task<JsonObject> Approved(SampleVillage village, object more, params SampleVillage[] others)
    {
        var body = JsonSerializer.SerializeToNode(more)!.AsObject();
        body["papers"] = await PapersAsync(village, [village, .. others]);
        return body;
    }

    private async Task<JsonObject> PapersAsync(SampleVillage village, SampleVillage[] deciding)
    {
        var agriculture = village.Offices.Agriculture;
        async Task<object> Decision(SampleVillage of) =>
            new
            {
                collectiveId = of.CollectiveId,
                number = "成决〔2026〕1号",
                on = api.Today.AddDays(-9),
                evidence = await of.Officer.EvidenceAsync($"decision of {of.CollectiveId}"),
            };
        return JsonSerializer
            .SerializeToNode(
                new
                {
                    decisions = await Task.WhenAll(deciding.Select(Decision)),
                    review = new
                    {
                        on = api.Today.AddDays(-6),
                        evidence = await village
                            .Offices.Township(village.VillageCode[..9])
                            .EvidenceAsync("review of the township"),
                    },
                    approval = new
                    {
                        number = Number,
                        on = api.Today.AddDays(-3),
                        evidence = await agriculture.EvidenceAsync("approval of the county"),
                    },
                    creditors = new
                    {
                        on = api.Today,
                        evidence = await agriculture.EvidenceAsync("notice to creditors"),
                    },
                }
            )!
            .AsObject();
    }

    private const string Number = "任政批〔2026〕7号";

    [Fact]
    public async Task L16_a_merger_is_foreseen_from_its_own_decision_and_nothing_is_done()
    {
        var (old, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 400);
        await old.FileAsync(people);
        var next = await api.RegisteredAsync(old.Offices);
        var path = $"/api/collectives/{old.CollectiveId}/merger";
        var body = await Approved(old, new { intoCollectiveId = next.CollectiveId, reason = "合村并居" });
        var agriculture = old.Offices.Agriculture;
        var foreseen = await agriculture.PostAsync<PreviewView>($"{path}?preview=true", body);
        Assert.Equal((400m, "肆佰元整", 2), (foreseen.Amount!.Value.Yuan, foreseen.AmountInWords, foreseen.People));
        Assert.Contains(foreseen.Changes, c => c is { What: "state", Before: "in-use", After: "closed" });
        Assert.Contains(foreseen.Changes, c => c is { What: "available", Before: "400.00", After: "0.00" });
        Assert.Contains(foreseen.Changes, c => c is { What: "members", Before: "2", After: "0" });
        Assert.Contains(foreseen.Changes, c => c is { What: "members", Before: "0", After: "2" });
        Assert.Contains(foreseen.Events, e => e is { Type: "collective_merged", Count: 1 });
        var open = Assert.Single(foreseen.OpenApplications);
        Assert.Equal((old.ApplicationId, "filed", 2, 200m), (open.Id, open.Status, open.Lines, open.Amount.Yuan));

        // Nothing was done, and what is refused is refused in the preview too.
        Assert.Equal((400m, 0m), (await AvailableAsync(old), await AvailableAsync(next)));
        Assert.Null((await agriculture.GetAsync<CollectiveView>($"/api/collectives/{old.CollectiveId}")).MergedInto);
        await api.Host.RefusedAsync(
            "succession-paper-missing",
            agriculture,
            $"{path}?preview=true",
            new { intoCollectiveId = next.CollectiveId, reason = "x" }
        );

        // The same key goes with the order afterwards: nothing was kept for the preview.
        foreach (var (query, merged) in new (string, string?)[] { ("?preview=true", null), ("", next.CollectiveId) })
        {
            using var answer = await agriculture.SendAsync(
                HttpMethod.Post,
                path + query,
                SampleClient.Content(body),
                key: "merging-after-a-look"
            );
            Assert.Equal(System.Net.HttpStatusCode.OK, answer.StatusCode);
            Assert.Equal(
                merged,
                (await agriculture.GetAsync<CollectiveView>($"/api/collectives/{old.CollectiveId}")).MergedInto
            );
        }
        Assert.Equal((0m, 400m), (await AvailableAsync(old), await AvailableAsync(next)));
    }

    [Fact]
    public async Task Whoever_only_asks_never_finds_that_it_was_done()
    {
        var village = await api.RegisteredAsync(api.NewOffices());
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Offices.Agriculture,
            "/api/donors?preview=true",
            new
            {
                kind = "charity",
                name = "县慈善总会",
                creditCode = SamplePeople.CreditCode(village.Offices.County, 702),
            }
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Offices.Agriculture,
            "/api/collectives?preview=perhaps",
            new
            {
                creditCode = SamplePeople.CreditCode(village.Offices.County, 703),
                name = "某某股份经济合作社",
                villageCode = $"{village.Offices.County}001009",
            }
        );
    }

    [Fact]
    public async Task A_merger_takes_money_members_and_history_along_and_a_gift_stays_traceable()
    {
        var (old, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 100);
        var donor = await old.CharityAsync();
        await old.AllocateAsync(300, SourceKind.Charity, "慈善", donorId: donor);
        var next = await api.RegisteredAsync(old.Offices);
        await next.SurveyAsync(10);
        await next.DraftAsync(SampleVillage.Flat(150));
        await next.ResolveAsync(api.Today);
        await next.AdoptAsync();
        await old.FileAsync([people[0]]);
        await old.ReviewAsync();
        await old.ApproveAsync();
        var path = $"/api/collectives/{old.CollectiveId}/merger";
        var body = await Approved(old, new { intoCollectiveId = next.CollectiveId, reason = "合村并居" }, next);
        await api.Host.RefusedAsync("wrong-state", old.Offices.Agriculture, path, body); // money is under way
        await api.Host.RefusedAsync(
            "succession-paper-missing",
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
    public async Task L16_a_review_is_one_because_the_township_handed_it_in_whatever_a_row_says()
    {
        var village = await api.RegisteredAsync();
        var next = await api.RegisteredAsync(village.Offices);
        var (path, agriculture) = ($"/api/collectives/{village.CollectiveId}/merger", village.Offices.Agriculture);
        var body = await Approved(village, new { intoCollectiveId = next.CollectiveId, reason = "合村并居" }, next);
        var own = await agriculture.EvidenceAsync("a review that the township never saw");
        body["papers"]!["review"]!["evidence"] = own;
        await api.Host.RefusedAsync("evidence-missing", agriculture, path, body);
        await using (var connection = await api.Database.OpenConnectionAsync())
        {
            var planted = $"""
                insert into ledger.evidence (digest, region, media_type, file_name, content, uploaded_by, recorded_at,
                                             seal)
                select digest, '{village.VillageCode[..9]}', @type, file_name, content,
                       'township.{village.VillageCode[..9]}', recorded_at, @seal
                  from ledger.evidence
                 where digest = '{own}'
                """;
            foreach (var (type, seal) in new[] { ("text/html\r\nX-Evil: 1", "x"), ("application/pdf", "before") })
                Assert.Equal(
                    "23514",
                    (
                        await Assert.ThrowsAsync<Npgsql.PostgresException>(() =>
                            connection.ExecuteAsync(planted, ("type", type), ("seal", seal))
                        )
                    ).SqlState
                );
            await connection.ExecuteAsync(planted, ("type", "application/pdf"), ("seal", null));
        }
        await api.Host.RefusedAsync("evidence-damaged", agriculture, path, body);
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
                },
                next
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
        var ownReview = await Approved(
            village,
            new
            {
                intoCollectiveId = next.CollectiveId,
                memberIds = members[..1],
                amount = 1,
                reason = "分村",
            }
        );
        ownReview["papers"]!["review"]!["evidence"] = await village.Offices.Agriculture.EvidenceAsync(
            "a review that the county wrote"
        );
        var unreviewed = await api.Host.RefusedAsync("evidence-missing", village.Offices.Agriculture, path, ownReview);
        Assert.Equal("papers.review.evidence", unreviewed.Field);
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
                    amount = 200,
                    reason = "分村",
                },
                next
            )
        );
    }

    [Fact]
    public async Task L16_a_new_name_rests_on_the_countys_approval_and_shows_on_collective_and_fund()
    {
        var village = await api.RegisteredAsync();
        var path = $"/api/collectives/{village.CollectiveId}/name";
        async Task<object> Named(int days) =>
            new
            {
                name = "新名股份经济合作社",
                approval = new
                {
                    number = Number,
                    on = api.Today.AddDays(days),
                    evidence = await village.Offices.Agriculture.EvidenceAsync("approval of the county"),
                },
            };
        var agriculture = village.Offices.Agriculture;
        var bare = await api.Host.RefusedAsync("succession-paper-missing", agriculture, path, new { name = "新名" });
        Assert.Equal("approval", bare.Field);
        await api.Host.RefusedAsync("succession-papers-irregular", agriculture, path, await Named(1));
        await api.Host.RefusedAsync("forbidden", village.Officer, path, await Named(0));
        await agriculture.PostAsync(path, await Named(0));
        Assert.Equal(
            "新名股份经济合作社",
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).Name
        );
    }

    [Fact]
    public async Task L16_without_each_paper_in_its_order_nothing_merges()
    {
        var old = await api.RegisteredAsync();
        var next = await api.RegisteredAsync(old.Offices);
        await next.SurveyAsync(10);
        var path = $"/api/collectives/{old.CollectiveId}/merger";
        var order = new { intoCollectiveId = next.CollectiveId, reason = "合村并居" };
        async Task<JsonObject> Papers(Action<JsonObject> change)
        {
            var body = await Approved(old, order, next);
            change(body["papers"]!.AsObject());
            return body;
        }
        Task<Refused> Refused(string code, object body, SampleClient? who = null) =>
            api.Host.RefusedAsync(code, who ?? old.Offices.Agriculture, path, body);
        async Task Field(string code, string field, Action<JsonObject> change) =>
            Assert.Equal(field, (await Refused(code, await Papers(change))).Field);

        await Field("succession-paper-missing", "papers.decisions", p => p["decisions"]!.AsArray().RemoveAt(1));
        await Field("succession-paper-missing", "papers.review", p => p.Remove("review"));
        await Field("succession-paper-missing", "papers.approval", p => p.Remove("approval"));
        await Field(
            "succession-papers-irregular",
            "papers.review.on",
            p => p["review"]!["on"] = $"{api.Today.AddDays(-10):yyyy-MM-dd}"
        );
        await Field(
            "succession-papers-irregular",
            "papers.approval.on",
            p => p["approval"]!["on"] = $"{api.Today.AddDays(-7):yyyy-MM-dd}"
        );
        await Field(
            "succession-papers-irregular",
            "papers.creditors.on",
            p => p["creditors"]!["on"] = $"{api.Today.AddDays(1):yyyy-MM-dd}"
        );
        await Field(
            "succession-papers-irregular",
            "papers.approval.evidence",
            p => p["approval"]!["evidence"] = p["review"]!["evidence"]!.GetValue<string>()
        );
        await Field("field-invalid", "papers.approval.number", p => p["approval"]!["number"] = " ");
        await Field("evidence-missing", "papers.review.evidence", p => p["review"]!["evidence"] = new string('a', 64));
        var right = await Papers(_ => { });
        foreach (var who in (SampleClient[])[old.Officer, old.Offices.Reviewer, old.Offices.Auditor])
            await Refused("forbidden", right, who);
        await old.Offices.Agriculture.PostAsync(path, right);
    }

    [Fact]
    public async Task L16_creditors_who_are_not_told_stand_on_the_supervision_list_until_they_are()
    {
        var old = await api.RegisteredAsync();
        var next = await api.RegisteredAsync(old.Offices);
        var body = await Approved(old, new { intoCollectiveId = next.CollectiveId, reason = "合村并居" });
        body["papers"]!.AsObject().Remove("creditors");
        var merged = await old.Offices.Agriculture.PostAsync<CollectiveView>(
            $"/api/collectives/{old.CollectiveId}/merger",
            body
        );
        var open = Assert.Single(merged.CreditorsUntold);
        Assert.Equal((Number, api.Today.AddDays(7)), (open.ApprovalNumber, open.NotifyBy));
        async Task<SupervisionItem[]> Tasks() =>
            [
                .. (
                    await old.Offices.CountyHrss.GetAsync<SupervisionView>($"/api/supervision?region={old.VillageCode}")
                ).Items.Where(i => i.Kind == "creditors-untold"),
            ];
        var task = Assert.Single(await Tasks());
        Assert.Equal((old.CollectiveId, 3, 10), (task.Id, task.AgeDays, task.DueDays));

        var path = $"/api/collectives/{old.CollectiveId}/creditors-notice";
        var proof = await old.Officer.EvidenceAsync("receipts of the letters");
        object Told(string number, int days, params string[] evidence) =>
            new
            {
                approvalNumber = number,
                on = api.Today.AddDays(days),
                evidence,
            };
        Task<Refused> Refused(string code, object body, SampleClient? who = null) =>
            api.Host.RefusedAsync(code, who ?? old.Officer, path, body);
        await Refused("evidence-missing", Told(Number, 0));
        await Refused("not-found", Told("任政批〔2026〕8号", 0, proof));
        Assert.Equal("on", (await Refused("succession-papers-irregular", Told(Number, -4, proof))).Field);
        await Refused("field-invalid", Told(Number, 1, proof));
        await Refused("forbidden", Told(Number, 0, proof), old.Offices.Reviewer);
        await Refused("not-found", Told(Number, 0, await next.Officer.EvidenceAsync("x")), next.Officer);
        var told = await old.Officer.PostAsync<CollectiveView>(path, Told(Number, -1, proof));
        Assert.Empty(told.CreditorsUntold);
        Assert.Empty(await Tasks());
    }

    [Fact]
    public async Task L16_a_collective_is_dissolved_after_its_money_went_back_and_its_members_keep_what_they_have()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        var (agriculture, path) = (village.Offices.Agriculture, $"/api/collectives/{village.CollectiveId}/dissolution");
        var body = await Approved(village, new { reason = "整村搬迁" });
        Task<Refused> Refused(string code, object body, SampleClient? who = null) =>
            api.Host.RefusedAsync(code, who ?? agriculture, path, body);
        Assert.Contains("1000.00", (await Refused("wrong-state", body)).Detail);
        await village.FileAsync(people);
        Assert.Contains(village.ApplicationId, (await Refused("wrong-state", body)).Detail);
        await village.Officer.PostAsync($"{village.ApplicationPath}/withdrawal", new { reason = "解散前撤回" });
        var fund = $"/api/funds/{village.FundId}";
        var resolution = new
        {
            reason = "解散",
            evidence = new[] { await village.Officer.EvidenceAsync("resolution") },
        };
        await village.ReturnSurplusAsync();
        await Refused("wrong-state", body); // empty, and still open
        await village.Officer.PostAsync($"{fund}/closure", resolution);
        await Refused("succession-paper-missing", new { reason = "整村搬迁" });
        await Refused("forbidden", body, village.Officer);
        await Refused("evidence-missing", body, api.NewOffices().Agriculture); // elsewhere nobody knows its papers
        var gone = await agriculture.PostAsync<CollectiveView>(path, body);
        Assert.Equal(api.Today.AddDays(-3), gone.DissolvedOn);
        await Refused("collective-dissolved", body);
        Assert.Equal(
            2,
            (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
                .Members
                .Count
        );
        await api.Host.RefusedAsync(
            "collective-dissolved",
            village.Officer,
            "/api/applications",
            new
            {
                planId = village.PlanId,
                seal = await village.Officer.EvidenceAsync("seal"),
                lines = Array.Empty<object>(),
            }
        );
        await api.Host.RefusedAsync(
            "collective-dissolved",
            village.Officer,
            "/api/funds",
            new { collectiveId = village.CollectiveId }
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
