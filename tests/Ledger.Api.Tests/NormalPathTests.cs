using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;

namespace Ledger.Api.Tests;

/// <summary>The policy's normal path, C1 to C17, whole and at length.</summary>
[Collection("api")]
public sealed class NormalPathTests(ApiFixture api)
{
    [Fact]
    public async Task A_thousand_lines_from_filing_to_settlement_agree_to_the_fen_with_SQL_over_the_events()
    {
        const int lines = 1000;
        var village = await api.RegisteredAsync();
        await village.SurveyAsync(lines);
        await village.AllocateAsync(250_000.37m);
        var people = new SamplePeople(7).Take(lines, village.Offices.County);
        await village.ImportMembersAsync(people);
        int[] tiers = [300, 500, 1000];
        var payers = people.Select((p, i) => (Person: p, Tier: tiers[i % 3], CatchUp: false)).ToList();
        await village.ImportContributionsAsync(payers, api.Today);
        await village.DraftAsync(SampleVillage.PerTier((300, 60.01m), (500, 100.10m), (1000, 200.33m)));
        await village.ResolveAsync(api.Today);
        await village.AdoptAsync();
        var filed = await village.FileAsync(people);
        Assert.Equal(lines, filed.Application.LineCount);
        await village.ReviewAsync();
        var before = await api.ScalarAsync<long>("select max(seq_id) from ledger.mt_events");
        var approved = await village.ApproveAsync();
        Assert.Equal(ApplicationStatus.Approved, approved.Status);

        // One transaction: every event of the approval was written by the same one.
        var transactions = await api.ScalarAsync<long>(
            """
            select count(distinct xmin::text)
              from ledger.mt_events
             where seq_id > @before
               and type in ('application_approved', 'funds_reserved', 'subsidy_approved')
            """,
            ("before", before)
        );
        Assert.Equal(1, transactions);

        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        decimal Subsidy(int tier) =>
            tier switch
            {
                300 => 60.01m,
                500 => 100.10m,
                _ => 200.33m,
            };
        var total = payers.Sum(p => Subsidy(p.Tier));
        await village.PayAsync(total);
        var credited = await village.ImportReceiptsAsync(
            payers.Select(p => (p.Person, new Money((long)(Subsidy(p.Tier) * 100)))),
            api.Today
        );
        Assert.Equal(lines, credited.Credited);
        var settled = await village.SettleAsync();
        Assert.Equal(ApplicationStatus.Settled, settled.Status);

        // The sum done outside the product: plain SQL over the stored events.
        const string perType = """
            select coalesce(sum((data ->> 'amountFen')::bigint), 0)::bigint
              from ledger.mt_events
             where type = @type
               and {0}
            """;
        Task<long> FundSum(string type) =>
            api.ScalarAsync<long>(string.Format(perType, "stream_id = @id"), ("type", type), ("id", village.FundId));
        Task<long> MemberSum(string type) =>
            api.ScalarAsync<long>(
                string.Format(perType, "data ->> 'applicationId' = @id and stream_id like 'member-year-%'"),
                ("type", type),
                ("id", village.ApplicationId)
            );
        var expected = (long)(total * 100);
        Assert.Equal(expected, await FundSum("funds_credited"));
        Assert.Equal(expected, await MemberSum("subsidy_approved"));
        Assert.Equal(expected, await MemberSum("subsidy_paid"));
        Assert.Equal(expected, await MemberSum("subsidy_credited"));

        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(25_000_037 - expected, (long)(fund.AvailableAmount.Yuan * 100));
        Assert.Equal(total, fund.CreditedAmount.Yuan);
        Assert.Equal(0m, fund.ReservedAmount.Yuan);
        Assert.Equal(0m, fund.InTransitAmount.Yuan);

        // Every member-year: what the API says is what SQL sums over that person's events.
        await using var connection = await api.Database.OpenConnectionAsync();
        var sums = (
            await connection.QueryAsync(
                """
                select stream_id, sum((data ->> 'amountFen')::bigint)::bigint from ledger.mt_events
                 where type = 'subsidy_credited' and data ->> 'applicationId' = @id group by stream_id
                """,
                r => (Id: r.GetString(0), Fen: r.GetInt64(1)),
                ("id", village.ApplicationId)
            )
        ).ToDictionary(x => x.Id, x => x.Fen);
        Assert.Equal(lines, sums.Count);
        string? after = null;
        var seen = 0;
        do
        {
            var page = await village.Officer.GetAsync<MemberPage>(
                $"/api/members?collectiveId={village.CollectiveId}&limit=500&after={after}"
            );
            foreach (var member in page.Members)
            {
                var id = member.Id;
                var year = await village.Offices.Auditor.GetAsync<MemberYearView>(
                    $"/api/members/{id}/years/{village.Year}"
                );
                Assert.Equal(sums[StreamId.MemberYear(id, village.Year)], year.UsedAmount.Fen);
                Assert.Equal(SubsidyStatus.Credited, year.Subsidies[0].Status);
                seen++;
            }
            after = page.Next;
        } while (after is not null);
        Assert.Equal(lines, seen);

        // The lines tile the fund's outflow: no gap, no overlap.
        var gaps = await api.ScalarAsync<long>(
            """
            select count(*)
              from (select (data -> 'fen' ->> 'from')::bigint f,
                           lag((data -> 'fen' ->> 'to')::bigint) over (order by (data -> 'fen' ->> 'from')::bigint) t
                      from ledger.mt_events
                     where type = 'subsidy_approved'
                       and data ->> 'applicationId' = @id) x
             where t is not null
               and f <> t
            """,
            ("id", village.ApplicationId)
        );
        Assert.Equal(0, gaps);
    }

    [Fact]
    public async Task Statement_shows_each_step_and_closes_on_the_balance()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var statement = await village.Officer.GetAsync<FundStatement>(
            $"/api/funds/{village.FundId}/statement?from={api.Today:yyyy-MM-dd}"
        );
        Assert.Equal(["funds_allocated", "funds_reserved"], statement.Lines.Select(l => l.Type));
        Assert.Equal(700m, statement.ClosingAvailableAmount.Yuan);
        Assert.Equal(-300m, statement.Lines[1].AvailableChangeAmount.Yuan);
    }

    [Fact]
    public async Task Returned_application_is_resubmitted_under_the_plan_in_force_then()
    {
        var (village, people) = await api.ReadyToFileAsync(4, subsidy: 100);
        await village.FileAsync(people.Take(3));
        await village.Offices.Reviewer.PostAsync($"{village.ApplicationPath}/return", new { reason = "缺一人" });
        var amended = await village.Officer.PostAsync<PlanView>(
            $"/api/plans/{village.PlanId}/amendments",
            new
            {
                reason = "提高标准",
                source = "集体收入",
                scope = "全体缴费成员",
                standard = SampleVillage.Flat(150),
            }
        );
        Assert.Equal(1, amended.AdoptedVersion);
        await village.ResolveAsync(api.Today);
        await village.AdoptAsync();
        var seal = await village.Officer.EvidenceAsync("sealed again");
        var again = await village.Officer.UploadAsync<FilingView>(
            $"{village.ApplicationPath}/resubmission",
            SampleSheets.Roster(people),
            "名单.xlsx",
            "roster",
            ("seal", seal)
        );
        Assert.Equal(600m, again.Application.TotalAmount.Yuan);
        Assert.Equal(2, again.Application.PlanVersion);
        await village.ReviewAsync();
        await village.ApproveAsync();
    }

    [Fact]
    public async Task Refused_line_is_left_out_and_an_upheld_objection_returns_its_money_and_its_cap()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        var lines = (
            await village.Offices.Reviewer.GetAsync<LinePage>($"{village.ApplicationPath}/lines")
        ).Lines.ToList();
        string Member(int i) => lines[i].MemberId;
        await village.Offices.Reviewer.PostAsync(
            $"{village.ApplicationPath}/review",
            new
            {
                verdicts = new[]
                {
                    new
                    {
                        memberId = Member(0),
                        accepted = false,
                        reason = "户籍已迁出",
                    },
                },
                acceptRest = true,
            }
        );
        await village.ApproveAsync();
        await village.NoticeAsync();

        var raised = await village.Officer.PostAsync<ApplicationView>(
            $"{village.ApplicationPath}/objections",
            new { memberId = Member(1), text = "今年未在村" }
        );
        var objection = raised.Objections[0].ObjectionId;
        // Whoever has to answer it finds it in his list, and nobody else before it is his turn.
        async Task<bool> WaitsAsync(SampleClient who) =>
            (await who.GetAsync<IReadOnlyList<WorkItemView>>("/api/applications?waitingForMe=true")).Any(i =>
                i.Id == village.ApplicationId
            );
        await ApiFixture.EventuallyAsync(
            () => WaitsAsync(village.Offices.Township(village.VillageCode[..9])),
            "the objection waits for the township"
        );
        Assert.False(await WaitsAsync(village.Offices.Reviewer));
        Assert.False(await WaitsAsync(village.Officer));
        api.Clock.Advance(TimeSpan.FromDays(8));
        Assert.False(await WaitsAsync(village.Officer));
        await api.Host.RefusedAsync(
            "notice-open",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 200,
                purpose = "member-subsidy",
                bankReference = "x",
                evidence = new[] { await village.Officer.EvidenceAsync("slip") },
            }
        );
        foreach (var handler in new[] { village.Offices.Reviewer, village.Offices.Approver })
            await api.Host.RefusedAsync(
                "self-approval",
                handler,
                $"{village.ApplicationPath}/objections/{objection}/answer",
                new { upheld = false, answer = "名单无误" }
            );
        await village
            .Offices.Township(village.VillageCode[..9])
            .PostAsync(
                $"{village.ApplicationPath}/objections/{objection}/answer",
                new { upheld = true, answer = "异议成立" }
            );
        Assert.True(await WaitsAsync(village.Officer)); // to pay

        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(900m, fund.AvailableAmount.Yuan);
        Assert.Equal(100m, fund.ReservedAmount.Yuan);
        var released = await village.Officer.GetAsync<MemberYearView>($"/api/members/{Member(1)}/years/{village.Year}");
        Assert.Equal(0m, released.UsedAmount.Yuan);

        var notice = await api.Http.GetStringAsync($"/api/notices/{village.ApplicationId}");
        Assert.DoesNotContain(people[2].Name, notice);
        Assert.DoesNotContain(people[2].CitizenId, notice);
        Assert.Contains("*", notice);

        await village.PayAsync(100);
        Assert.False(await WaitsAsync(village.Officer));
        Assert.True(await WaitsAsync(village.Offices.Reviewer)); // for its receipts
        await village.ImportReceiptsAsync([(people[2], new Money(10_000))], api.Today);
        await village.SettleAsync();
    }

    [Fact]
    public async Task Unmatched_receipts_stay_visible_and_the_rest_is_credited()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(300);
        (SamplePerson, Money)[] receipts = [(people[0], new Money(10_000)), (people[1], new Money(9_999))];
        using var sheet = SampleClient.Form(SampleSheets.Receipts(receipts, api.Today, "HZ"), "回执.xlsx");
        var problem = await api.Host.RefusedAsync(
            "receipt-mismatch",
            village.Offices.Reviewer,
            $"{village.ApplicationPath}/receipts/import",
            sheet
        );
        Assert.Equal(3, problem.Faults[0].Row);
        Assert.Equal("入账金额（元）", problem.Faults[0].Column);

        var part = await village.Offices.Reviewer.UploadAsync<ReceiptView>(
            $"{village.ApplicationPath}/receipts/import?partial=true",
            SampleSheets.Receipts(receipts, api.Today, "HZ"),
            "回执.xlsx"
        );
        Assert.Equal(1, part.Credited);
        var application = await village.Officer.GetAsync<ApplicationView>(village.ApplicationPath);
        Assert.Equal(99.99m, application.UnmatchedReceipts[0].Amount?.Yuan);
        await api.Host.RefusedAsync("wrong-state", village.Offices.Approver, $"{village.ApplicationPath}/settlement");
        await village.ImportReceiptsAsync([(people[1], new Money(10_000)), (people[2], new Money(10_000))], api.Today);
        await village.SettleAsync();
    }
}
