using System.Text.Json;

namespace Ledger.Api.Tests;

/// <summary>
/// No yuan ends in a state that the system cannot leave: withdrawal, partial payment, bank return, refund, reversal,
/// surplus.
/// </summary>
[Collection("api")]
public sealed class WayBackTests(ApiFixture api)
{
    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People, string[] Members)> ApprovedAsync(
        int people,
        decimal money = 1000
    )
    {
        var (village, persons) = await api.ReadyToFileAsync(people, subsidy: 100, money: money);
        await village.FileAsync(persons);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var lines = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")).Lines;
        return (village, persons, [.. lines.Select(l => l.MemberId)]);
    }

    private static async Task BalanceAsync(
        SampleVillage village,
        decimal available,
        decimal reserved,
        decimal inTransit,
        decimal credited,
        decimal returned = 0
    )
    {
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(
            (available, reserved, inTransit, credited, returned),
            (
                fund.AvailableAmount.Yuan,
                fund.ReservedAmount.Yuan,
                fund.InTransitAmount.Yuan,
                fund.CreditedAmount.Yuan,
                fund.ReturnedAmount.Yuan
            )
        );
        var trial = await village.Offices.Auditor.GetAsync<TrialBalanceView>(
            $"/api/funds/{village.FundId}/trial-balance"
        );
        Assert.Equal(0m, trial.SumAmount.Yuan);
        var books = trial.Accounts.ToDictionary(a => a.Account, a => a.Amount.Yuan);
        Assert.Equal(
            available,
            books.Where(b => b.Key.StartsWith("available:", StringComparison.Ordinal)).Sum(b => b.Value)
        );
        Assert.Equal(credited, books.GetValueOrDefault("credited"));
    }

    private static async Task<decimal> UsedAsync(SampleVillage village, string member) =>
        (await village.Offices.Auditor.GetAsync<MemberYearView>($"/api/members/{member}/years/{village.Year}"))
            .UsedAmount
            .Yuan;

    [Fact]
    public async Task C17_partial_payment_bank_return_refund_and_settlement()
    {
        var (village, people, members) = await ApprovedAsync(4);
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        var payments = 0;
        async Task<object> Payment(decimal amount, params string[]? some) =>
            new
            {
                amount,
                purpose = "member-subsidy",
                bankReference = $"NX{++payments}",
                evidence = new[] { await village.Officer.EvidenceAsync($"slip {payments}") },
                memberIds = some,
            };
        await api.Host.RefusedAsync(
            "use-outside-ring-fence",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            await Payment(400, members[0], members[1])
        );
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/payment",
            await Payment(200, members[0], members[1])
        );
        await BalanceAsync(village, 600, 200, 200, 0);
        await village.Officer.PostAsync($"{village.ApplicationPath}/payment", await Payment(200, null));
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/bank-returns",
            new
            {
                memberIds = new[] { members[3] },
                bankReference = "TH1",
                reason = "账号有误",
                evidence = new[] { await village.Officer.EvidenceAsync("return") },
            }
        );
        await BalanceAsync(village, 600, 100, 300, 0);
        Assert.Equal(100m, await UsedAsync(village, members[3]));
        await village.ImportReceiptsAsync([(people[0], new Money(10_000)), (people[1], new Money(10_000))], api.Today);
        await api.Host.RefusedAsync("wrong-state", village.Offices.Approver, $"{village.ApplicationPath}/settlement");

        async Task<object> Refund(string member, string reason) =>
            new
            {
                memberId = member,
                reason,
                bankReference = "TK1",
                evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("refund") },
            };
        await village.Offices.Reviewer.PostAsync(
            $"{village.ApplicationPath}/refunds",
            await Refund(members[2], "death")
        );
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[3] }, reason = "本人放弃" }
        );
        await BalanceAsync(village, 800, 0, 0, 200);
        await village.SettleAsync();
        await village.Offices.Reviewer.PostAsync(
            $"{village.ApplicationPath}/refunds",
            await Refund(members[0], "catch-up-found")
        );
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Offices.Reviewer,
            $"{village.ApplicationPath}/refunds",
            await Refund(members[0], "catch-up-found")
        );
        await BalanceAsync(village, 900, 0, 0, 100);
        Assert.Equal(
            [0m, 100m, 0m, 0m],
            [
                await UsedAsync(village, members[0]),
                await UsedAsync(village, members[1]),
                await UsedAsync(village, members[2]),
                await UsedAsync(village, members[3]),
            ]
        );
        await village.FileAsync([people[0]]); // the cap and the right to apply are back
    }

    [Fact]
    public async Task C14_a_withdrawn_application_gives_back_money_and_caps()
    {
        var (village, people, members) = await ApprovedAsync(3);
        await village.Officer.PostAsync(
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[1] }, reason = "本人放弃" }
        );
        await BalanceAsync(village, 800, 200, 0, 0);
        await api.Host.RefusedAsync(
            "field-invalid",
            village.Officer,
            $"{village.ApplicationPath}/line-withdrawals",
            new { memberIds = new[] { members[1] }, reason = "x" }
        );
        var withdrawn = await village.Officer.PostAsync<ApplicationView>(
            $"{village.ApplicationPath}/withdrawal",
            new { reason = "重新议定" }
        );
        Assert.Equal(ApplicationStatus.Withdrawn, withdrawn.Status);
        await BalanceAsync(village, 1000, 0, 0, 0);
        Assert.Equal(0m, await UsedAsync(village, members[0]));
        await api.Host.RefusedAsync(
            "wrong-state",
            village.Officer,
            $"{village.ApplicationPath}/withdrawal",
            new { reason = "x" }
        );
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await BalanceAsync(village, 700, 300, 0, 0);
    }

    [Fact]
    public async Task C9_C20_a_mistaken_allocation_is_reversed_by_two_and_surplus_returns_before_the_fund_closes()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(500);
        var wrong = (await village.AllocateAsync(7000)).AllocationId;
        var township = village.Offices.Township(village.VillageCode[..9]);
        var path = $"/api/funds/{village.FundId}/allocations/{wrong}/reversal";
        await api.Host.RefusedAsync(
            "self-approval",
            village.Officer,
            path,
            new { confirmBy = village.Officer.Actor.Id, reason = "多记" }
        );
        await api.Host.RefusedAsync("wrong-state", township, $"{path}/confirmation");
        await village.Officer.PostAsync(path, new { confirmBy = township.Actor.Id, reason = "多记一位" });
        await api.Host.RefusedAsync("self-approval", village.Officer, $"{path}/confirmation");
        await township.PostAsync($"{path}/confirmation");
        await BalanceAsync(village, 500, 0, 0, 0, 7000);
        await api.Host.RefusedAsync("wrong-state", township, $"{path}/confirmation");

        object Resolved(params string[] evidence) => new { reason = "村民会议决议终止", evidence };
        await api.Host.RefusedAsync(
            "evidence-missing",
            village.Officer,
            $"/api/funds/{village.FundId}/sub-accounts/general/surplus-return",
            new { confirmBy = township.Actor.Id, reason = "村民会议决议终止" }
        );
        await api.Host.RefusedAsync(
            "wrong-state",
            village.Officer,
            $"/api/funds/{village.FundId}/closure",
            Resolved(await village.Officer.EvidenceAsync("resolution"))
        );
        await village.ReturnSurplusAsync();
        await BalanceAsync(village, 0, 0, 0, 0, 7500);
        await village.Officer.PostAsync(
            $"/api/funds/{village.FundId}/closure",
            Resolved(await village.Officer.EvidenceAsync("resolution"))
        );
        await api.Host.RefusedAsync(
            "fund-closed",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
                evidence = new[] { await village.Officer.EvidenceAsync("slip") },
            }
        );
    }

    [Fact]
    public async Task C24_a_closed_year_is_sealed_and_takes_no_entry()
    {
        var village = await api.RegisteredAsync();
        var last = village.Year - 1;
        async Task<object> Income(DateOnly on, int? corrects = null) =>
            new
            {
                amount = 300,
                source = "collective-income",
                sourceName = "租金",
                evidence = new[] { await village.Officer.EvidenceAsync($"slip {Guid.NewGuid()}") },
                effectiveDate = on,
                correctsYear = corrects,
            };
        var allocations = $"/api/funds/{village.FundId}/allocations";
        await village.Officer.PostAsync(allocations, await Income(new DateOnly(last, 12, 31)));
        await village.Officer.PostAsync(allocations, await Income(new DateOnly(last + 1, 1, 1)));
        await api.Host.RefusedAsync(
            "wrong-state",
            village.Officer,
            $"/api/funds/{village.FundId}/years/{village.Year}/close"
        );
        var closed = await village.Officer.PostAsync<TrialBalanceView>(
            $"/api/funds/{village.FundId}/years/{last}/close"
        );
        Assert.Equal(
            [("available:general", 300m), ("source:collective-income", -300m)],
            closed.Accounts.Select(a => (a.Account, a.Amount.Yuan))
        );
        await api.Host.RefusedAsync("year-closed", village.Officer, $"/api/funds/{village.FundId}/years/{last}/close");
        await api.Host.RefusedAsync(
            "year-closed",
            village.Officer,
            allocations,
            await Income(new DateOnly(last, 6, 1))
        );
        await api.Host.RefusedAsync("field-invalid", village.Officer, allocations, await Income(api.Today, last + 1));
        await village.Officer.PostAsync(allocations, await Income(api.Today, last));

        var again = await village.Offices.Auditor.GetAsync<TrialBalanceView>(
            $"/api/funds/{village.FundId}/trial-balance?at={last}-12-31"
        );
        Assert.Equal(closed.Digest, again.Digest);
        Assert.True(again.IsSealed);
        Assert.Equal(
            closed.Digest,
            await api.ScalarAsync<string>(
                """
                select data ->> 'trialBalanceDigest'
                  from ledger.mt_events
                 where type = 'year_closed'
                   and stream_id = @id
                """,
                ("id", village.FundId)
            )
        );
        Assert.Equal(
            900m,
            (await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}")).AvailableAmount.Yuan
        ); // carried forward
    }

    [Fact]
    public async Task C9_C20_no_officer_empties_the_fund_alone_nor_while_it_is_in_use()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100, money: 1000);
        var (township, county) = (village.Offices.Township(village.VillageCode[..9]), village.Offices.CountyHrss);
        var path = $"/api/funds/{village.FundId}/sub-accounts/general/surplus-return";
        var paper = await village.Officer.EvidenceAsync("resolution");
        object Asks(string? confirmBy, string? evidence = null) =>
            new
            {
                confirmBy,
                reason = "退",
                evidence = new[] { evidence ?? paper },
            };
        Task<Refused> Refused(string code, SampleClient who, string at, object? body = null) =>
            api.Host.RefusedAsync(code, who, at, body);

        // As a build before took it.
        await Refused("body-invalid", village.Officer, path, new { reason = "退", evidence = new[] { paper } });
        await Refused("self-approval", village.Officer, path, Asks(village.Officer.Actor.Id));
        await Refused("forbidden", village.Offices.Reviewer, path, Asks(township.Actor.Id));
        var stranger = await api.RegisteredAsync();
        await Refused(
            "not-found",
            stranger.Officer,
            path,
            Asks(township.Actor.Id, await stranger.Officer.EvidenceAsync("own"))
        );

        await village.FileAsync(people);
        Assert.Contains(
            village.ApplicationId,
            (await Refused("wrong-state", village.Officer, path, Asks(township.Actor.Id))).Detail
        );
        await village.ReviewAsync();
        await village.ApproveAsync();
        Assert.Contains(
            "200.00",
            (await Refused("wrong-state", village.Officer, path, Asks(township.Actor.Id))).Detail
        );
        await village.Officer.PostAsync($"{village.ApplicationPath}/withdrawal", new { reason = "撤回" });

        var asked = await village.Officer.PostAsync<FundView>(path, Asks(township.Actor.Id));
        Assert.Equal((1000m, 0m), (asked.AvailableAmount.Yuan, asked.ReturnedAmount.Yuan));
        Assert.Equal(("general", 1000m), (asked.RestsAsked[0].SubAccount, asked.RestsAsked[0].Amount.Yuan));
        async Task<int> Supervised(SampleClient who) =>
            (await who.GetAsync<SupervisionView>("/api/supervision")).Items.Count(i =>
                i.Kind == "rest-asked" && i.Id == village.FundId && i.Text.Contains(township.Actor.Id)
            );
        Assert.Equal((1, 1), (await Supervised(township), await Supervised(county)));
        await Refused("forbidden", village.Officer, $"{path}/confirmation");
        await Refused("not-found", stranger.Offices.Township(stranger.VillageCode[..9]), $"{path}/confirmation");
        await village.AllocateAsync(1);
        Assert.Contains("1001.00", (await Refused("wrong-state", township, $"{path}/confirmation")).Detail);
        var gone = await village.ReturnSurplusAsync();
        Assert.Equal((0m, 1001m), (gone.AvailableAmount.Yuan, gone.ReturnedAmount.Yuan));
        Assert.Equal(0, await Supervised(township));
    }

    [Fact]
    public async Task C19_C20_the_countys_incentive_goes_back_by_the_county_only()
    {
        var village = await api.RegisteredAsync();
        var finance = api.Client(
            new Domain.Actor($"finance.{village.Offices.County}", "county-finance", village.Offices.County)
        );
        var hrss = village.Offices.CountyHrss;
        var township = village.Offices.Township(village.VillageCode[..9]);
        await finance.PostAsync(
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 50,
                source = "county-incentive",
                sourceName = "奖补",
                evidence = new[] { await finance.EvidenceAsync("incentive") },
            }
        );
        var path = $"/api/funds/{village.FundId}/sub-accounts/county-incentive/surplus-return";
        async Task<object> Asks(SampleClient who, SampleClient second) =>
            new
            {
                confirmBy = second.Actor.Id,
                reason = "收回",
                evidence = new[] { await who.EvidenceAsync("paper") },
            };
        await api.Host.RefusedAsync("forbidden", village.Officer, path, await Asks(village.Officer, hrss));
        await api.Host.RefusedAsync(
            "forbidden",
            village.Officer,
            path.Replace("surplus-return", "earmark-release"),
            new { confirmBy = hrss.Actor.Id, evidence = new[] { await village.Officer.EvidenceAsync("paper") } }
        );
        await finance.PostAsync<FundView>(path, await Asks(finance, township));
        await api.Host.RefusedAsync("forbidden", township, $"{path}/confirmation");
        await finance.PostAsync<FundView>(path, await Asks(finance, hrss));
        await api.Host.RefusedAsync("self-approval", township, $"{path}/confirmation");
        var gone = await hrss.PostAsync<FundView>($"{path}/confirmation");
        Assert.Equal((0m, 50m), (gone.AvailableAmount.Yuan, gone.ReturnedAmount.Yuan));
    }
}
