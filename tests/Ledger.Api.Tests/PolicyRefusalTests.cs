using System.Text.Json;
using Ledger.Api.Plans;
using Ledger.Domain.Identity;
using Ledger.Domain.Pilots;

namespace Ledger.Api.Tests;

/// <summary>
/// Each refusal of the policy's clauses C1 to C17, through the API. The clause stands first in the name.
/// </summary>
[Collection("api")]
public sealed class PolicyRefusalTests(ApiFixture api)
{
    private Task<Refused> Refused(string code, SampleClient client, string path, object? body = null) =>
        api.Host.RefusedAsync(code, client, path, body);

    [Fact]
    public async Task C9_an_amount_is_refused_by_the_digits_that_are_written_not_by_what_reading_makes_of_them()
    {
        var village = await api.RegisteredAsync();
        var slip = await village.Officer.EvidenceAsync("slip");
        foreach (
            var amount in (string[])["4.99999999999999999999999999999999", "0.10000000000000000000000000001", "0.001"]
        )
        {
            await api.Host.RefusedAsync(
                "amount-invalid",
                village.Officer,
                $"/api/funds/{village.FundId}/allocations",
                System.Text.Json.Nodes.JsonNode.Parse(
                    $$"""{"amount":{{amount}},"source":"collective-income","sourceName":"x","evidence":["{{slip}}"]}"""
                )
            );
            var policy = SampleClient.Node(SampleOffices.PolicyYear(2030));
            policy["tiers"]![0]!["governmentSubsidyAmount"] = System.Text.Json.Nodes.JsonNode.Parse(amount);
            await api.Host.RefusedAsync(
                "amount-invalid",
                village.Offices.CityHrss,
                HttpMethod.Put,
                $"/api/policy-years/{village.Offices.County}/2030",
                policy
            );
        }
    }

    [Fact]
    public async Task C1_pilot_already_open()
    {
        var offices = api.NewOffices();
        await offices.OpenPilotAsync();
        await Refused(
            "pilot-already-open",
            offices.CountyHrss,
            "/api/pilots",
            new { county = offices.County, grounds = "再次申请" }
        );
    }

    [Fact]
    public async Task C1_declined_county_may_apply_again()
    {
        var offices = api.NewOffices();
        var pilot = (
            await offices.CountyHrss.PostAsync<PilotView>(
                "/api/pilots",
                new { county = offices.County, grounds = "第一次" }
            )
        ).Id;
        await offices.CityHrss.PostAsync(
            $"/api/pilots/{pilot}/decision",
            new { verdict = "decline", reasons = "底数不清" }
        );
        await Refused(
            "wrong-state",
            offices.CityHrss,
            $"/api/pilots/{pilot}/decision",
            new { verdict = "approve", reasons = "改主意" }
        );
        var again = await offices.CountyHrss.PostAsync<PilotView>(
            "/api/pilots",
            new { county = offices.County, grounds = "第二次" }
        );
        Assert.Equal(PilotStatus.Applied, again.Status);
    }

    [Fact]
    public async Task C2_county_not_in_pilot_on_adoption_filing_and_approval()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        var pilot = StreamId.Pilot(village.Offices.County);
        await village.Offices.CityHrss.PostAsync(
            $"/api/pilots/{pilot}/decision",
            new { verdict = "end", reasons = "试点结束" }
        );
        await Refused("county-not-in-pilot", village.Offices.Approver, $"{village.ApplicationPath}/approval");
        var seal = await village.Officer.EvidenceAsync("seal");
        await Refused(
            "county-not-in-pilot",
            village.Officer,
            "/api/applications",
            new
            {
                planId = village.PlanId,
                seal,
                lines = Array.Empty<object>(),
            }
        );

        var offices = api.NewOffices();
        await offices.PublishPolicyAsync(api.Today.Year);
        var outside = await api.RegisteredAsync(offices);
        await outside.DraftAsync(SampleVillage.Flat(100));
        await outside.SurveyAsync(10);
        await outside.ResolveAsync(api.Today);
        await Refused("county-not-in-pilot", outside.Officer, $"/api/plans/{outside.PlanId}/adoption");
    }

    [Fact]
    public async Task C3_survey_missing()
    {
        var village = await api.RegisteredAsync();
        await village.DraftAsync(SampleVillage.Flat(100));
        await Refused(
            "survey-missing",
            village.Officer,
            $"/api/plans/{village.PlanId}/resolution",
            new
            {
                form = "households",
                meetingDate = api.Today,
                eligible = 210,
                attendance = 180,
                votesFor = 171,
                votesAgainst = 4,
                minutes = await village.Officer.EvidenceAsync("minutes"),
            }
        );
        await Refused("survey-missing", village.Officer, $"/api/plans/{village.PlanId}/adoption");
    }

    [Fact]
    public async Task C4_not_a_member_with_row_and_column()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var stranger = new SamplePeople(99).Next(village.Offices.County);
        var problem = await FileRefused("roster-invalid", village, [.. people, stranger]);
        Fault(problem, "not-a-member", row: 4, column: "身份证号");
    }

    [Fact]
    public async Task C4_not_contributed_and_C5_catch_up_are_refused_at_filing()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var more = new SamplePeople(98).Take(2, village.Offices.County);
        await village.ImportMembersAsync(more);
        await village.ImportContributionsAsync([(more[1], 300, true)], api.Today, "B");
        var problem = await FileRefused("roster-invalid", village, [people[0], .. more]);
        Fault(problem, "not-contributed", row: 3, column: "身份证号");
        Fault(problem, "catch-up-contribution", row: 4, column: "身份证号");
        Assert.Equal(2, problem.FaultCount);
    }

    [Fact]
    public async Task C5_catch_up_found_after_filing_leaves_that_person_out_by_name()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.Offices.Tax.UploadAsync(
            $"/api/contributions/import?year={village.Year}",
            SampleSheets.Contributions([(people[1], 300, true)], api.Today, "CATCHUP"),
            "补缴.xlsx"
        );
        var leftOut = Assert.Single((await village.ApproveAsync()).LeftOut!);
        Assert.Equal((3, "catch-up-contribution"), (leftOut.Row, leftOut.Code));
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(200m, fund.ReservedAmount.Yuan);
        var refused = (
            await village.Officer.GetAsync<LinePage>($"{village.ApplicationPath}/lines?status=refused")
        ).Lines;
        Assert.Equal("本年度为一次性补缴", Assert.Single(refused).Reason);
        var seen = (
            await village.Offices.Auditor.GetAsync<AuditPage>(
                $"/api/audit/events?id={village.ApplicationId}&type=lines_left_out"
            )
        ).Entries;
        Assert.Equal(village.Offices.Approver.Actor.Id, Assert.Single(seen).Actor);
    }

    [Fact]
    public async Task C4_a_collective_subsidises_a_member_once_a_year()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        var first = village.ApplicationPath;
        await village.ReviewAsync();
        await village.FileAsync(people, "两份同报"); // filed while the first is still open
        await village.ReviewAsync();
        await village.Offices.Approver.PostAsync($"{first}/approval");
        await Refused("already-subsidised", village.Offices.Approver, $"{village.ApplicationPath}/approval");
        Fault(await FileRefused("roster-invalid", village, people), "already-subsidised", row: 2, column: "身份证号");
    }

    [Fact]
    public async Task C7_evidence_missing()
    {
        var village = await api.RegisteredAsync();
        await Refused(
            "evidence-missing",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 100,
                source = "collective-income",
                sourceName = "租金",
            }
        );
        var problem = await Refused(
            "evidence-missing",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 100,
                source = "collective-income",
                sourceName = "租金",
                evidence = new[] { new string('a', 64) },
            }
        );
        Assert.Equal("evidence", problem.Field);
    }

    [Fact]
    public async Task C8_earmark_mismatch()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.AllocateAsync(
            500,
            SourceKind.Charity,
            earmarkYear: village.Year + 1,
            donorId: await village.CharityAsync()
        );
        var seal = await village.Officer.EvidenceAsync("seal");
        var member = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members[0]
            .Id;
        await Refused(
            "earmark-mismatch",
            village.Officer,
            "/api/applications",
            new
            {
                planId = village.PlanId,
                seal,
                earmarkYear = village.Year + 1,
                lines = new[] { new { memberId = member } },
            }
        );
        await Refused(
            "earmark-mismatch",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "租金",
                evidence = new[] { seal },
                earmarkYear = village.Year,
            }
        );
    }

    [Fact]
    public async Task C8_earmarked_gift_serves_its_year_and_only_what_it_holds()
    {
        var (village, people) = await api.ReadyToFileAsync(2, subsidy: 100);
        await village.AllocateAsync(
            150,
            SourceKind.Charity,
            earmarkYear: village.Year,
            donorId: await village.CharityAsync()
        );
        var seal = await village.Officer.EvidenceAsync("seal");
        var filed = await village.Officer.UploadAsync<FilingView>(
            "/api/applications",
            SampleSheets.Roster(people),
            "名单.xlsx",
            "roster",
            ("planId", village.PlanId),
            ("seal", seal),
            ("earmarkYear", $"{village.Year}")
        );
        var path = $"/api/applications/{filed.Application.Id}";
        await village.Offices.Reviewer.PostAsync($"{path}/review", new { acceptRest = true });
        var problem = await Refused("fund-overdrawn", village.Offices.Approver, $"{path}/approval");
        Assert.Equal(150m, problem.LeftAmount?.Yuan);
    }

    [Fact]
    public async Task C9_fund_overdrawn_says_what_is_left()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100, money: 299.99m);
        await village.FileAsync(people);
        await village.ReviewAsync();
        var problem = await Refused("fund-overdrawn", village.Offices.Approver, $"{village.ApplicationPath}/approval");
        Assert.Equal(299.99m, problem.LeftAmount?.Yuan);
    }

    [Fact]
    public async Task C9_use_outside_ring_fence()
    {
        var (village, _) = await NoticedAsync(2);
        api.Clock.Advance(TimeSpan.FromDays(8));
        var evidence = new[] { await village.Officer.EvidenceAsync("slip") };
        object Payment(decimal amount, string purpose) =>
            new
            {
                amount,
                purpose,
                bankReference = "NX1",
                evidence,
            };
        Assert.Equal(
            "purpose",
            (
                await Refused(
                    "use-outside-ring-fence",
                    village.Officer,
                    $"{village.ApplicationPath}/payment",
                    Payment(200, "road-repair")
                )
            ).Field
        );
        Assert.Equal(
            200m,
            (
                await Refused(
                    "use-outside-ring-fence",
                    village.Officer,
                    $"{village.ApplicationPath}/payment",
                    Payment(200.01m, "member-subsidy")
                )
            )
                .LeftAmount
                ?.Yuan
        );
        await Refused(
            "evidence-missing",
            village.Officer,
            $"{village.ApplicationPath}/payment",
            new
            {
                amount = 200,
                purpose = "member-subsidy",
                bankReference = "NX1",
            }
        );
    }

    [Theory]
    [InlineData("""{"kind":"flat"}""", "standard.flatAmount")]
    [InlineData("""{"kind":"flat","flatAmount":5000.01}""", "standard.flatAmount")]
    [InlineData("""{"kind":"flat","flatAmount":10,"tiers":[{"tierAmount":300,"amount":1}]}""", "standard.tiers")]
    [InlineData("""{"kind":"per-tier"}""", "standard.tiers")]
    [InlineData("""{"kind":"per-tier","flatAmount":10}""", "standard.flatAmount")]
    [InlineData("""{"kind":"per-tier","tiers":[{"tierAmount":301,"amount":1}]}""", "standard.tiers[0].tierAmount")]
    [InlineData(
        """{"kind":"per-tier","tiers":[{"tierAmount":300,"amount":1},{"tierAmount":300,"amount":2}]}""",
        "standard.tiers"
    )]
    [InlineData("""{"kind":"per-tier","tiers":[{"tierAmount":300,"amount":5001}]}""", "standard.tiers[0].amount")]
    public async Task C10_standard_invalid(string standard, string field)
    {
        var village = await api.RegisteredAsync();
        var problem = await Refused(
            "standard-invalid",
            village.Officer,
            "/api/plans",
            new
            {
                collectiveId = village.CollectiveId,
                year = village.Year,
                source = "s",
                scope = "s",
                standard = JsonSerializer.Deserialize<JsonElement>(standard),
            }
        );
        Assert.Equal(field, problem.Field);
    }

    [Fact]
    public async Task C11_two_collectives_that_approve_one_person_at_the_same_instant_never_pass_the_cap()
    {
        const int tries = 50;
        var (first, people) = await api.ReadyToFileAsync(tries, subsidy: 3000);
        var second = await api.RegisteredAsync(first.Offices);
        await second.SurveyAsync(tries);
        await second.AllocateAsync(1_000_000);
        await second.ImportMembersAsync(people, second.Offices.Reviewer);
        await second.DraftAsync(SampleVillage.Flat(2500));
        await second.ResolveAsync(api.Today);
        await second.AdoptAsync();
        var (wins, refusals) = (new int[2], 0);
        foreach (var person in people)
        {
            await first.FileAsync([person]);
            await second.FileAsync([person]);
            await first.ReviewAsync();
            await second.ReviewAsync();
            SampleVillage[] villages = [first, second];
            var answers = await Task.WhenAll(
                villages.Select(v =>
                    v.Offices.Approver.SendAsync(
                        HttpMethod.Post,
                        $"{v.ApplicationPath}/approval",
                        SampleClient.Json(new { })
                    )
                )
            );
            var refused = Assert.Single(answers, a => !a.IsSuccessStatusCode);
            var problem = await refused.ReadAsync<Refused>();
            Assert.Equal("cap-exceeded", problem.Code);
            // The highest tier is 5000: whoever came second is told what the first one left.
            var winner = Array.FindIndex(answers, a => a.IsSuccessStatusCode);
            Assert.Equal(winner == 0 ? 2000m : 2500m, problem.LeftAmount?.Yuan);
            wins[winner]++;
            refusals++;
        }
        Assert.Equal(tries, refusals);
        var over = await api.ScalarAsync<long>(
            """
            select count(*)
              from (select stream_id
                      from ledger.mt_events
                     where type = 'subsidy_approved'
                       and (data ->> 'collectiveId') = any(@both)
                     group by stream_id
                    having sum((data ->> 'amountFen')::bigint) > 500000) x
            """,
            ("both", new[] { first.CollectiveId, second.CollectiveId })
        );
        Assert.Equal(0, over);
        Assert.True(wins[0] + wins[1] == tries);
    }

    [Fact]
    public async Task C12_plan_not_adopted()
    {
        var village = await api.RegisteredAsync();
        await village.DraftAsync(SampleVillage.Flat(100));
        await Refused(
            "plan-not-adopted",
            village.Officer,
            "/api/applications",
            new { planId = village.PlanId, lines = Array.Empty<object>() }
        );
    }

    [Fact]
    public async Task C13_L4_resolution_missing_quorum_not_met_vote_not_carried_body_not_allowed()
    {
        var village = await api.RegisteredAsync();
        await village.SurveyAsync(600);
        await village.DraftAsync(SampleVillage.Flat(100));
        await Refused("resolution-missing", village.Officer, $"/api/plans/{village.PlanId}/adoption");
        var minutes = await village.Officer.EvidenceAsync("minutes of a meeting that fell short");
        Task<Refused> Meeting(string code, string form, int eligible, int attendance, int votesFor) =>
            Refused(
                code,
                village.Officer,
                $"/api/plans/{village.PlanId}/resolution",
                new
                {
                    form,
                    meetingDate = api.Today,
                    eligible,
                    attendance,
                    votesFor,
                    votesAgainst = 0,
                    minutes,
                }
            );
        Assert.Equal("attendance", (await Meeting("quorum-not-met", "households", 210, 139, 135)).Field);
        Assert.Equal("votesFor", (await Meeting("vote-not-carried", "households", 210, 140, 70)).Field);
        Assert.Equal("votesFor", (await Meeting("vote-not-carried", "all-members", 500, 400, 333)).Field);
        Assert.Equal("form", (await Meeting("body-not-allowed", "committee", 210, 140, 135)).Field);
        // A meeting that fell short is none.
        await Refused("resolution-missing", village.Officer, $"/api/plans/{village.PlanId}/adoption");
        await village.ResolveAsync(api.Today, eligible: 210, attendance: 140, votesFor: 71);
        await village.AdoptAsync();
    }

    [Fact]
    public async Task C13_a_meeting_of_one_of_another_decade_is_not_recorded()
    {
        var (village, _) = await api.ReadyToFileAsync(20);
        await village.Officer.PostAsync(
            $"/api/plans/{village.PlanId}/amendments",
            new
            {
                source = "s",
                scope = "s",
                reason = "x",
                standard = SampleVillage.Flat(5000),
            }
        );
        var minutes = await village.Officer.EvidenceAsync("minutes");
        object Meeting(DateOnly on, int eligible) =>
            new
            {
                form = "households",
                calledOn = on.AddDays(-10),
                meetingDate = on,
                eligible,
                attendance = eligible,
                votesFor = eligible,
                votesAgainst = 0,
                minutes,
            };
        var path = $"/api/plans/{village.PlanId}/resolution";
        Assert.Equal(
            "eligible",
            (await Refused("resolution-implausible", village.Officer, path, Meeting(api.Today, 1))).Field
        );
        Assert.Equal(
            "eligible",
            (await Refused("resolution-implausible", village.Officer, path, Meeting(api.Today, 21))).Field
        );
        Assert.Equal(
            "meetingDate",
            (
                await Refused("resolution-implausible", village.Officer, path, Meeting(new DateOnly(2010, 5, 1), 10))
            ).Field
        );
        await Refused("field-invalid", village.Officer, path, Meeting(api.Today.AddDays(1), 10));
        // A survey that makes the village smaller than its rolls does not help.
        await village.SurveyAsync(2);
        await Refused("resolution-implausible", village.Officer, path, Meeting(api.Today, 1));
        await village.SurveyAsync(20);
        await village.Officer.PostAsync(path, Meeting(api.Today, 10));
        await village.AdoptAsync();
    }

    [Fact]
    public async Task L5_a_meeting_of_representatives_that_was_not_called_as_the_law_asks_decides_nothing()
    {
        var village = await api.RegisteredAsync();
        await village.SurveyAsync(600);
        await village.DraftAsync(SampleVillage.Flat(100));
        var minutes = await village.Officer.EvidenceAsync("minutes of the representatives");
        var authorisation = await village.Officer.EvidenceAsync("the villagers authorise their representatives");
        object Meeting(string? document, int? women, int? present, int called = 5) =>
            new
            {
                form = "representatives",
                calledOn = api.Today.AddDays(-called),
                meetingDate = api.Today,
                eligible = 31,
                attendance = 21,
                votesFor = 19,
                votesAgainst = 1,
                minutes,
                authorisation = document,
                women,
                womenPresent = present,
            };
        var path = $"/api/plans/{village.PlanId}/resolution";
        async Task Irregular(string field, object body) =>
            Assert.Equal(field, (await Refused("resolution-irregular", village.Officer, path, body)).Field);
        await Irregular("authorisation", Meeting(null, 12, 10));
        await Irregular("calledOn", Meeting(authorisation, 12, 10, called: 4));
        await Irregular("women", Meeting(authorisation, null, null));
        await Irregular("womenPresent", Meeting(authorisation, 20, 13));
        var unknown = await Refused("evidence-missing", village.Officer, path, Meeting(new string('a', 64), 12, 10));
        Assert.Equal("authorisation", unknown.Field);
        var plan = await village.Officer.PostAsync<PlanView>(path, Meeting(authorisation, 12, 10));
        Assert.Equal(
            (authorisation, 12, 10),
            (plan.LatestResolution!.Authorisation, plan.LatestResolution.Women, plan.LatestResolution.WomenPresent)
        );
        await village.AdoptAsync();
    }

    [Fact]
    public async Task C14_seal_missing_and_roster_faults_all_at_once()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        using var noSeal = SampleClient.Form(
            SampleSheets.Roster(people),
            "名单.xlsx",
            "roster",
            ("planId", village.PlanId)
        );
        await Refused("seal-missing", village.Officer, "/api/applications", noSeal);

        var bad = people[1].CitizenId[..17] + (people[1].CitizenId[17] == '1' ? '2' : '1');
        var problem = await FileRefused(
            "roster-invalid",
            village,
            [people[0], people[1] with { CitizenId = bad }, people[2] with { Name = "张冠李戴" }, people[0]]
        );
        Fault(problem, "roster-invalid", row: 3, column: "身份证号");
        Fault(problem, "roster-invalid", row: 4, column: "姓名");
        Fault(problem, "roster-invalid", row: 5, column: "身份证号");
        Assert.Equal(3, problem.FaultCount);
        Assert.DoesNotContain(people[0].CitizenId, problem.Text);
        Assert.DoesNotContain(people[0].Name, problem.Text);
    }

    [Fact]
    public async Task C15_self_approval_wrong_state_and_review_incomplete()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await Refused("review-incomplete", village.Offices.Approver, $"{village.ApplicationPath}/approval");
        await village.ReviewAsync();
        await Refused("self-approval", village.Offices.Reviewer, $"{village.ApplicationPath}/approval");
        await Refused(
            "self-approval",
            village.Offices.Reviewer,
            $"{village.ApplicationPath}/rejection",
            new { reason = "x" }
        );
        await village.ApproveAsync();
        await Refused("wrong-state", village.Offices.Approver, $"{village.ApplicationPath}/approval");

        // Somebody who changed from the village to the agency does not review what he filed himself.
        await village
            .FileAsync([people[0] with { }])
            .ContinueWith(t => Assert.True(t.IsFaulted), TaskScheduler.Default);
        var (other, others) = await api.ReadyToFileAsync(1, offices: village.Offices);
        await other.FileAsync(others);
        var changed = api.Client(new Domain.Actor(other.Officer.Actor.Id, "agency", village.Offices.County));
        await Refused("self-approval", changed, $"{other.ApplicationPath}/review", new { acceptRest = true });
        await Refused("self-approval", changed, $"{other.ApplicationPath}/return", new { reason = "x" });
        await other.Offices.Approver.PostAsync($"{other.ApplicationPath}/rejection", new { reason = "不符合条件" });
        await Refused(
            "wrong-state",
            village.Offices.Reviewer,
            $"{other.ApplicationPath}/review",
            new { acceptRest = true }
        );
    }

    [Fact]
    public async Task C16_notice_open_until_its_last_day_is_over()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        var evidence = new[] { await village.Officer.EvidenceAsync("slip") };
        var payment = new
        {
            amount = 200,
            purpose = "member-subsidy",
            bankReference = "NX1",
            evidence,
        };
        await Refused("notice-open", village.Officer, $"{village.ApplicationPath}/payment", payment);
        await village.NoticeAsync();
        await Refused("notice-open", village.Officer, $"{village.ApplicationPath}/payment", payment);
        api.Clock.Advance(TimeSpan.FromDays(7));
        await Refused("notice-open", village.Officer, $"{village.ApplicationPath}/payment", payment);
        api.Clock.Advance(TimeSpan.FromDays(1));
        await village.PayAsync(200);
    }

    [Fact]
    public async Task C17_receipt_mismatch_credits_nothing()
    {
        var (village, people) = await NoticedAsync(2);
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(200);
        using var sheet = SampleClient.Form(
            SampleSheets.Receipts([(people[0], new(10_000)), (people[1], new(10_001))], api.Today, "HZ"),
            "回执.xlsx"
        );
        await Refused(
            "receipt-mismatch",
            village.Offices.Reviewer,
            $"{village.ApplicationPath}/receipts/import",
            sheet
        );
        var fund = await village.Officer.GetAsync<FundView>($"/api/funds/{village.FundId}");
        Assert.Equal(200m, fund.InTransitAmount.Yuan);
    }

    [Fact]
    public async Task Policy_year_missing()
    {
        var offices = api.NewOffices();
        await offices.OpenPilotAsync();
        var village = await api.RegisteredAsync(offices);
        await Refused(
            "policy-year-missing",
            village.Officer,
            "/api/plans",
            new
            {
                collectiveId = village.CollectiveId,
                year = village.Year,
                source = "s",
                scope = "s",
                standard = SampleVillage.Flat(1),
            }
        );
    }

    [Theory]
    [
        InlineData("0"),
        InlineData("-1"),
        InlineData("0.001"),
        InlineData("\"100\""),
        InlineData("1e300"),
        InlineData("1000000000000.01")
    ]
    public async Task Amount_invalid_with_its_field(string amount)
    {
        var village = await api.RegisteredAsync();
        using var body = new StringContent(
            $$"""{"amount":{{amount}},"source":"collective-income","sourceName":"租金"}""",
            System.Text.Encoding.UTF8,
            "application/json"
        );
        var problem = await Refused(
            "amount-invalid",
            village.Officer,
            $"/api/funds/{village.FundId}/allocations",
            body
        );
        Assert.Equal("amount", problem.Field);
    }

    private async Task<(SampleVillage, IReadOnlyList<SamplePerson>)> NoticedAsync(int people)
    {
        var (village, persons) = await api.ReadyToFileAsync(people);
        await village.FileAsync(persons);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        return (village, persons);
    }

    private async Task<Refused> FileRefused(string code, SampleVillage village, IReadOnlyList<SamplePerson> roster)
    {
        var seal = await village.Officer.EvidenceAsync("seal");
        using var form = SampleClient.Form(
            SampleSheets.Roster(roster),
            "名单.xlsx",
            "roster",
            ("planId", village.PlanId),
            ("seal", seal)
        );
        return await Refused(code, village.Officer, "/api/applications", form);
    }

    private static void Fault(Refused problem, string code, int row, string column) =>
        Assert.Contains(problem.Faults, f => f.Code == code && f.Row == row && f.Column == column);
}
