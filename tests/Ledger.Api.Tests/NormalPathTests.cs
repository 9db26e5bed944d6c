using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;

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
        await village.DraftAsync(
            new
            {
                kind = "per-tier",
                tiers = new object[]
                {
                    new { tierAmount = 300, amount = 60.01m },
                    new { tierAmount = 500, amount = 100.10m },
                    new { tierAmount = 1000, amount = 200.33m },
                },
            }
        );
        await village.ResolveAsync(api.Today);
        await village.AdoptAsync();
        var filed = await village.FileAsync(people);
        Assert.Equal(lines, filed.GetProperty("application").GetProperty("lineCount").GetInt32());
        await village.ReviewAsync();
        var before = await api.ScalarAsync<long>("select max(seq_id) from ledger.mt_events");
        var approved = await village.ApproveAsync();
        Assert.Equal("approved", approved.GetProperty("status").GetString());

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
        Assert.Equal(lines, credited.GetProperty("credited").GetInt32());
        var settled = await village.SettleAsync();
        Assert.Equal("settled", settled.GetProperty("status").GetString());

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

        var fund = await village.Officer.GetAsync($"/api/funds/{village.FundId}");
        Assert.Equal(25_000_037 - expected, (long)(fund.GetProperty("availableAmount").GetDecimal() * 100));
        Assert.Equal(total, fund.GetProperty("creditedAmount").GetDecimal());
        Assert.Equal(0m, fund.GetProperty("reservedAmount").GetDecimal());
        Assert.Equal(0m, fund.GetProperty("inTransitAmount").GetDecimal());

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
            var page = await village.Officer.GetAsync(
                $"/api/members?collectiveId={village.CollectiveId}&limit=500&after={after}"
            );
            foreach (var member in page.GetProperty("members").EnumerateArray())
            {
                var id = member.GetProperty("id").GetString()!;
                var year = await village.Offices.Auditor.GetAsync($"/api/members/{id}/years/{village.Year}");
                Assert.Equal(
                    sums[StreamId.MemberYear(id, village.Year)],
                    (long)(year.GetProperty("usedAmount").GetDecimal() * 100)
                );
                Assert.Equal("credited", year.GetProperty("subsidies")[0].GetProperty("status").GetString());
                seen++;
            }
            after = page.GetProperty("next").GetString();
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
        var statement = await village.Officer.GetAsync(
            $"/api/funds/{village.FundId}/statement?from={api.Today:yyyy-MM-dd}"
        );
        Assert.Equal(
            ["funds_allocated", "funds_reserved"],
            statement.GetProperty("lines").EnumerateArray().Select(l => l.GetProperty("type").GetString())
        );
        Assert.Equal(700m, statement.GetProperty("closingAvailableAmount").GetDecimal());
        Assert.Equal(-300m, statement.GetProperty("lines")[1].GetProperty("availableChangeAmount").GetDecimal());
    }

    [Fact]
    public async Task Returned_application_is_resubmitted_under_the_plan_in_force_then()
    {
        var (village, people) = await api.ReadyToFileAsync(4, subsidy: 100);
        await village.FileAsync(people.Take(3));
        await village.Offices.Reviewer.PostAsync($"{village.ApplicationPath}/return", new { reason = "缺一人" });
        var amended = await village.Officer.PostAsync(
            $"/api/plans/{village.PlanId}/amendments",
            new
            {
                reason = "提高标准",
                source = "集体收入",
                scope = "全体缴费成员",
                standard = SampleVillage.Flat(150),
            }
        );
        Assert.Equal(1, amended.GetProperty("adoptedVersion").GetInt32());
        await village.ResolveAsync(api.Today);
        await village.AdoptAsync();
        var seal = await village.Officer.EvidenceAsync("sealed again");
        var again = await village.Officer.UploadAsync(
            $"{village.ApplicationPath}/resubmission",
            SampleSheets.Roster(people),
            "名单.xlsx",
            "roster",
            ("seal", seal)
        );
        Assert.Equal(600m, again.GetProperty("application").GetProperty("totalAmount").GetDecimal());
        Assert.Equal(2, again.GetProperty("application").GetProperty("planVersion").GetInt32());
        await village.ReviewAsync();
        await village.ApproveAsync();
    }

    [Fact]
    public async Task Refused_line_is_left_out_and_an_upheld_objection_returns_its_money_and_its_cap()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 1000);
        await village.FileAsync(people);
        var lines = (await village.Offices.Reviewer.GetAsync($"{village.ApplicationPath}/lines"))
            .GetProperty("lines")
            .EnumerateArray()
            .ToList();
        string Member(int i) => lines[i].GetProperty("memberId").GetString()!;
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

        var raised = await village.Officer.PostAsync(
            $"{village.ApplicationPath}/objections",
            new { memberId = Member(1), text = "今年未在村" }
        );
        var objection = raised.GetProperty("objections")[0].GetProperty("objectionId").GetString();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await ApiFixture.RefusedAsync(
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
        await village.Offices.Reviewer.PostAsync(
            $"{village.ApplicationPath}/objections/{objection}/answer",
            new { upheld = true, answer = "异议成立" }
        );

        var fund = await village.Officer.GetAsync($"/api/funds/{village.FundId}");
        Assert.Equal(900m, fund.GetProperty("availableAmount").GetDecimal());
        Assert.Equal(100m, fund.GetProperty("reservedAmount").GetDecimal());
        var released = await village.Officer.GetAsync($"/api/members/{Member(1)}/years/{village.Year}");
        Assert.Equal(0m, released.GetProperty("usedAmount").GetDecimal());

        var notice = await api.Http.GetStringAsync($"/api/notices/{village.ApplicationId}");
        Assert.DoesNotContain(people[2].Name, notice);
        Assert.DoesNotContain(people[2].CitizenId, notice);
        Assert.Contains("*", notice);

        await village.PayAsync(100);
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
        var problem = await ApiFixture.RefusedAsync(
            "receipt-mismatch",
            village.Offices.Reviewer,
            $"{village.ApplicationPath}/receipts/import",
            sheet
        );
        Assert.Equal(3, problem.GetProperty("faults")[0].GetProperty("row").GetInt32());
        Assert.Equal("入账金额（元）", problem.GetProperty("faults")[0].GetProperty("column").GetString());

        var part = await village.Offices.Reviewer.UploadAsync(
            $"{village.ApplicationPath}/receipts/import?partial=true",
            SampleSheets.Receipts(receipts, api.Today, "HZ"),
            "回执.xlsx"
        );
        Assert.Equal(1, part.GetProperty("credited").GetInt32());
        var application = await village.Officer.GetAsync(village.ApplicationPath);
        Assert.Equal(99.99m, application.GetProperty("unmatchedReceipts")[0].GetProperty("amount").GetDecimal());
        await ApiFixture.RefusedAsync("wrong-state", village.Offices.Approver, $"{village.ApplicationPath}/settlement");
        await village.ImportReceiptsAsync([(people[1], new Money(10_000)), (people[2], new Money(10_000))], api.Today);
        await village.SettleAsync();
    }
}
