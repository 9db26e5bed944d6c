using Ledger.Api.Storage;
using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>
/// Dates run forwards: allocation, approval, end of notice, payment, credit, refund; and no account is below nothing on
/// any day.
/// </summary>
[Collection("api")]
public sealed class BusinessDateTests(ApiFixture api)
{
    [Fact]
    public async Task C16_C17_nothing_is_dated_before_what_it_rests_on()
    {
        var (village, people) = await api.ReadyToFileAsync(3, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        var first = api.Today;
        var members = (await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines"))
            .Lines.Select(l => l.MemberId)
            .ToArray();
        api.Clock.Advance(TimeSpan.FromDays(12));
        async Task<object> Payment(DateOnly on, string reference = "NX1") =>
            new
            {
                amount = 200,
                purpose = "member-subsidy",
                bankReference = reference,
                evidence = new[] { await village.Officer.EvidenceAsync(reference) },
                effectiveDate = on,
                memberIds = members[..2],
            };
        var path = $"{village.ApplicationPath}/payment";
        foreach (var on in (DateOnly[])[first.AddDays(-3), first, first.AddDays(7)])
        {
            var refused = await api.Host.RefusedAsync("date-before-basis", village.Officer, path, await Payment(on));
            Assert.Equal((first.AddDays(8), "effectiveDate"), (refused.NotBefore, refused.Field));
        }
        await village.Officer.PostAsync(path, await Payment(first.AddDays(8)));

        async Task<object> BankReturn() =>
            new
            {
                memberIds = new[] { members[1] },
                bankReference = "TH1",
                reason = "账号有误",
                evidence = new[] { await village.Officer.EvidenceAsync("TH1") },
            };
        await village.Officer.PostAsync($"{village.ApplicationPath}/bank-returns", await BankReturn());
        object again = new
        {
            amount = 100,
            purpose = "member-subsidy",
            bankReference = "NX2",
            evidence = new[] { await village.Officer.EvidenceAsync("NX2") },
            memberIds = new[] { members[1] },
            effectiveDate = first.AddDays(9),
        };
        Assert.Equal(
            api.Today,
            (await api.Host.RefusedAsync("date-before-basis", village.Officer, path, again)).NotBefore
        );

        using (
            var early = SampleClient.Form(
                SampleSheets.Receipts([(people[0], new Money(10_000))], first.AddDays(7), "HZ"),
                "回执.xlsx"
            )
        )
        {
            var refused = await api.Host.RefusedAsync(
                "receipt-mismatch",
                village.Offices.Reviewer,
                $"{village.ApplicationPath}/receipts/import",
                early
            );
            var fault = Assert.Single(refused.Faults);
            Assert.Equal(("date-before-basis", "入账日期", 2), (fault.Code, fault.Column, fault.Row));
        }
        await village.ImportReceiptsAsync([(people[0], new Money(10_000))], first.AddDays(8));

        async Task<object> Refund(DateOnly on) =>
            new
            {
                memberId = members[0],
                reason = "voluntary-refusal",
                bankReference = "TK1",
                evidence = new[] { await village.Offices.Reviewer.EvidenceAsync("TK1") },
                effectiveDate = on,
            };
        Assert.Equal(
            api.Today,
            (
                await api.Host.RefusedAsync(
                    "date-before-basis",
                    village.Offices.Reviewer,
                    $"{village.ApplicationPath}/refunds",
                    await Refund(first.AddDays(9))
                )
            ).NotBefore
        );
        await village.Offices.Reviewer.PostAsync($"{village.ApplicationPath}/refunds", await Refund(api.Today));

        for (var day = first.AddDays(-1); day <= api.Today; day = day.AddDays(1))
            foreach (
                var account in (
                    await village.Officer.GetAsync<TrialBalanceView>(
                        $"/api/funds/{village.FundId}/trial-balance?at={day:yyyy-MM-dd}"
                    )
                ).Accounts
            )
                Assert.True(
                    account.Amount.Yuan >= 0 || account.Account.StartsWith("source:", StringComparison.Ordinal),
                    $"{day}: {account}"
                );
    }

    /// <summary>
    /// The build before took such dates. Its entries are for ever: the year says where they are and closes only
    /// explained.
    /// </summary>
    [Fact]
    public async Task C24_a_year_with_a_negative_balance_names_day_and_account_and_closes_only_explained()
    {
        var village = await api.RegisteredAsync();
        var year = village.Year - 1;
        var officer = village.Officer.Actor;
        await using (var connection = await api.Database.OpenConnectionAsync())
        await using (var session = api.Host.Services.GetRequired<Marten.IDocumentStore>().LightweightSession())
        {
            var fund = (await session.LoadAsync<Fund>(village.FundId))!;
            string[] slip = [new('a', 64)];
            async Task Old(DateOnly on, Func<Fund, Decision<Fund>> decide)
            {
                var change = StreamChange.Of(Change.Of(fund, decide(fund).Events));
                await api
                    .Host.Services.GetRequired<EventWriter>()
                    .WriteAsync(
                        connection,
                        [change],
                        new EventStamp(officer, village.VillageCode, on, "old", "old", "old")
                    );
                fund = (Fund)change.State!;
            }
            await Old(
                new DateOnly(year, 1, 5),
                f =>
                    Allocate.Into(
                        f,
                        $"allocation-{Guid.NewGuid():N}",
                        SourceKind.CollectiveIncome,
                        "租金",
                        new Money(100_000),
                        null,
                        null,
                        slip,
                        api.Today
                    )
            );
            await Old(
                new DateOnly(year, 3, 10),
                f => FundDecider.Reserve(f, "application-old", year, SubAccount.General, new Money(100_000), 1)
            );
            await Old(
                new DateOnly(year, 3, 1),
                f =>
                    FundDecider.Pay(
                        f,
                        "application-old",
                        FundDecider.MemberSubsidy,
                        new Money(100_000),
                        new Money(100_000),
                        1,
                        "NX",
                        slip,
                        api.Today
                    )
            );
        }
        var path = $"/api/funds/{village.FundId}/years/{year}/close";
        var refused = await api.Host.RefusedAsync("balance-negative", village.Officer, path);
        Assert.Contains($"{year}-03-01 至 {year}-03-09 账户 reserved 最低为 -1000.00 元", refused.Detail);
        await api.Host.RefusedAsync(
            "evidence-missing",
            village.Officer,
            path,
            new { explanation = "付款日期误记为3月1日" }
        );
        await api.Host.RefusedAsync("forbidden", village.Offices.Reviewer, path, new { explanation = "x" });
        var closed = await village.Officer.PostAsync<TrialBalanceView>(
            path,
            new
            {
                explanation = "付款日期误记为3月1日，实为3月11日",
                evidence = new[] { await village.Officer.EvidenceAsync("statement") },
            }
        );
        Assert.Equal(0m, closed.SumAmount.Yuan);
        Assert.Equal(
            "付款日期误记为3月1日，实为3月11日",
            await api.ScalarAsync<string>(
                "select data ->> 'explanation' from ledger.mt_events where type = 'year_closed' and stream_id = @id",
                ("id", village.FundId)
            )
        );
    }

    [Fact]
    public async Task A_contribution_of_years_before_its_year_and_a_policy_in_force_before_its_year_are_refused()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        using var sheet = SampleClient.Form(
            SampleSheets.Contributions([(people[0], 300, false)], new DateOnly(village.Year - 10, 3, 1), "SWX"),
            "缴费.xlsx"
        );
        var refused = await api.Host.RefusedAsync(
            "roster-invalid",
            village.Offices.Tax,
            $"/api/contributions/import?year={village.Year}",
            sheet
        );
        Assert.Equal("date-before-basis", Assert.Single(refused.Faults).Code);
        var policy = SampleClient.Node(SampleOffices.PolicyYear(village.Year));
        policy["effectiveFrom"] = $"{village.Year - 3}-01-01";
        var early = await api.Host.RefusedAsync(
            "field-invalid",
            village.Offices.CityHrss,
            HttpMethod.Put,
            $"/api/policy-years/{Ledger.Domain.Identity.RegionCode.City(village.Offices.County)}/{village.Year}",
            policy
        );
        Assert.Equal("effectiveFrom", early.Field);
    }
}
