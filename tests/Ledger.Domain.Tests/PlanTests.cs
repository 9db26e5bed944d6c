using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tests;

/// <summary>Policy year, pilot, survey, plan: C1, C2, C3, C10, C12, C13, L4, L5, L6.</summary>
public sealed class PlanTests
{
    private static readonly PolicyParameters Parameters = new(
        new DateOnly(2026, 1, 1),
        [new(new Money(30_000), new Money(4_000)), new(new Money(500_000), new Money(8_000))],
        262,
        7,
        [new("all-villagers", 1, 2, true), new("households", 2, 3, false)]
    );
    private static readonly PolicyYear Policy = Given.State<PolicyYear>(
        "p",
        new PolicyYearPublished("3708", 2026, Parameters)
    );
    private static readonly Collective Surveyed = Given.State<Collective>(
        "collective-1",
        new CollectiveRegistered("c", "n", "370811102201"),
        new CollectiveSurveyed(2026, new Survey(new Money(1), 600, 500, 400))
    );
    private static readonly Pilot Pilot = Given.State<Pilot>(
        "pilot",
        new PilotApplied("370811", "x", "y", []),
        new PilotApproved("x")
    );
    private static readonly Standard Flat = new(StandardKind.Flat, new Money(10_000), []);
    private static readonly PlanContent Content = new("s", "s", Flat);
    private static readonly Plan Draft = Given.State<Plan>(
        "plan",
        new PlanDrafted("collective-1", "fund-1", "370811102201", 2026, Content)
    );
    private static readonly DateOnly Today = new(2026, 4, 1);

    [Fact]
    public void The_next_year_is_planned_from_October_on_and_no_year_twice()
    {
        var (september, october) = (new DateOnly(2026, 9, 30), new DateOnly(2026, 10, 1));
        Assert.Equal([2026], PlanningYear.ToDraft(september, []));
        Assert.Empty(PlanningYear.ToDraft(september, [2026]));
        Assert.Equal([2026, 2027], PlanningYear.ToDraft(october, [2025]));
        Assert.Equal([2027], PlanningYear.ToDraft(october, [2025, 2026]));
        Assert.Empty(PlanningYear.ToDraft(october, [2026, 2027]));
        Assert.Equal([2027], PlanningYear.ToDraft(new DateOnly(2027, 1, 1), [2026]));

        var next = Given.State<PolicyYear>("p", new PolicyYearPublished("3708", 2027, Parameters));
        var fund = Given.State<Fund>("fund-1", new FundOpened("collective-1", "n", "370811102201"));
        var early = PlanDecider
            .Draft(null, Surveyed, fund, next, Content, september)
            .ThenRefused(Rejections.FieldInvalid);
        Assert.Equal(("year", "2027 年度从 2026-10-01 起办理，现在最晚可办 2026 年度"), (early.Field, early.Detail));
        Assert.IsType<PlanDrafted>(PlanDecider.Draft(null, Surveyed, fund, next, Content, october).Then().Single());
        var survey = new Survey(new Money(1), 600, 500, 400);
        CollectiveDecider.RecordSurvey(Surveyed, 2027, survey, september).ThenRefused(Rejections.FieldInvalid);
        CollectiveDecider.RecordSurvey(Surveyed, 2027, survey, october).Then();
    }

    [Fact]
    public void What_a_plan_lacks_is_known_before_it_is_refused()
    {
        static string[] Codes(IEnumerable<Rejection> warnings) => [.. warnings.Select(w => w.Code.Code)];
        var empty = Given.State<Fund>("fund-1", new FundOpened("collective-1", "n", "370811102201"));
        var bare = Given.State<Collective>("collective-1", new CollectiveRegistered("c", "n", "370811102201"));
        Assert.Equal(
            ["county-not-in-pilot", "survey-missing", "fund-overdrawn"],
            Codes(PlanReadiness.BeforeDraft(2026, bare, null, empty))
        );
        Assert.Empty(PlanReadiness.BeforeDraft(2026, Surveyed, Pilot, null));

        var asked = Given.State<PolicyYear>(
            "p",
            new PolicyYearPublished(
                "3708",
                2026,
                Parameters with
                {
                    CommitteeSignsPlan = true,
                    CountersignatureRequired = true,
                }
            )
        );
        Assert.Equal(
            ["survey-missing", "resolution-missing"],
            Codes(PlanReadiness.BeforeAdoption(Draft, bare, Pilot, asked, null))
        );
        var voted = Resolved(210, 180, 170);
        Assert.Equal(
            ["committee-signature-missing", "countersignature-missing", "fund-overdrawn"],
            Codes(PlanReadiness.BeforeAdoption(voted, Surveyed, Pilot, asked, empty))
        );
        // What is warned of is what adoption refuses.
        PlanDecider
            .Adopt(voted, Surveyed, 0, Pilot, asked, [], Given.Actor("village"))
            .ThenRefused(Rejections.CommitteeSignatureMissing);
        var lacking = PlanReadiness.BeforeAdoption(voted, Surveyed, Pilot, Policy, empty).Single();
        Assert.Equal(
            "按摸底的缴费人数 400 人、每人至少 100.00 元，至少要 40000.00 元，专户有 0.00 元，还差 40000.00 元",
            lacking.Detail
        );
    }

    [Fact]
    public void C10_a_trial_goes_by_last_years_payers_as_long_as_nobody_has_paid()
    {
        static Dictionary<string, Members.MemberYear> Of(string member, int? count) =>
            new()
            {
                [member] = Given.State<Members.MemberYear>(
                    $"member-year-{member}",
                    Given.OwnPayment with
                    {
                        ContributionYears = count,
                    }
                ),
            };
        Assert.True(DryRun.NobodyPaid(new Dictionary<string, Members.MemberYear> { ["a"] = new() }));
        Assert.False(DryRun.NobodyPaid(Of("a", null)));
        var sponsored = new Members.MemberYear { Sponsorships = [new Members.Sponsorship("s", "d", new Money(1_00))] };
        var likely = DryRun.Likely(
            new Dictionary<string, Members.MemberYear> { ["a"] = sponsored, ["c"] = new() },
            Of("a", 14).Concat(Of("b", null)).ToDictionary()
        );
        Assert.Equal((15, new Money(1_00)), (likely["a"].Regular()!.ContributionYears, likely["a"].CapUsed()));
        Assert.NotNull(likely["b"].Regular());
        Assert.Null(likely["c"].Regular());
    }

    private static Decision<Plan> Adopt(Plan plan, Collective c, int registered, Pilot? pilot, PolicyYear policy) =>
        PlanDecider.Adopt(plan, c, registered, pilot, policy, [], Given.Actor("village"));

    [Fact]
    public void C21_nobody_countersigns_his_own_plan_nor_adopts_what_he_countersigned_under_whatever_account()
    {
        var plan = Resolved(210, 180, 170);
        var clerk = Given.Actor("w.t") with
        {
            Persons = new Dictionary<string, string> { ["w.t"] = "person-w", ["w.v"] = "person-w" },
        };
        PlanDecider.Countersign(plan, ["x", "w.v"], clerk).ThenRefused(Rejections.SelfApproval);
        var signed = plan.And("plan", PlanDecider.Countersign(plan, ["x"], clerk).Then())!;
        PlanDecider
            .Adopt(signed, Surveyed, 0, Pilot, Policy, ["w.t"], clerk with { Id = "w.v" })
            .ThenRefused(Rejections.SelfApproval);
        PlanDecider.Adopt(signed, Surveyed, 0, Pilot, Policy, ["w.t"], Given.Actor("x")).Then();
    }

    private static Plan Resolved(int eligible, int attendance, int votesFor, string form = "households") =>
        Draft.And("plan", Resolve(form, eligible, attendance, votesFor).Then())!;

    private static Decision<Plan> Resolve(
        string form,
        int eligible,
        int attendance,
        int votesFor,
        PolicyYear? policy = null
    ) =>
        PlanDecider.RecordResolution(
            Draft,
            Surveyed,
            0,
            policy ?? Policy,
            new Resolution(form, Today, eligible, attendance, votesFor, 0, "m"),
            Today
        );

    /// <summary>A meeting as earlier builds recorded it, whether it decided or not.</summary>
    private static Plan Recorded(string form, int eligible, int attendance, int votesFor) =>
        Draft.And(
            "plan",
            new ResolutionRecorded(1, new Resolution(form, Today, eligible, attendance, votesFor, 0, "m"))
        )!;

    [Theory]
    [InlineData("households", 210, 140, true), InlineData("households", 210, 139, false)] // two thirds suffice
    [InlineData("all-villagers", 310, 155, false), InlineData("all-villagers", 310, 156, true)] // more than half
    public void C13_quorum(string form, int eligible, int attendance, bool met)
    {
        var decision = Resolve(form, eligible, attendance, attendance);
        var adopted = Adopt(Recorded(form, eligible, attendance, attendance), Surveyed, 0, Pilot, Policy);
        if (met)
        {
            decision.Then();
            adopted.Then();
            return;
        }
        var refused = decision.ThenRefused(Rejections.QuorumNotMet);
        Assert.Equal("attendance", refused.Field);
        Assert.EndsWith("还差 1 人", refused.Detail, StringComparison.Ordinal);
        Assert.Null(adopted.ThenRefused(Rejections.QuorumNotMet).Field);
    }

    [Fact]
    public void C13_most_of_those_present_must_agree()
    {
        var refused = Resolve("households", 210, 140, 70).ThenRefused(Rejections.VoteNotCarried);
        Assert.Equal("votesFor", refused.Field);
        Assert.Equal("到会 140 人，赞成 70 票，须超过 1/2，即不少于 71 票，还差 1 票", refused.Detail);
        Adopt(Recorded("households", 210, 140, 70), Surveyed, 0, Pilot, Policy).ThenRefused(Rejections.VoteNotCarried);
        Adopt(Resolved(210, 140, 71), Surveyed, 0, Pilot, Policy).Then();
    }

    [Theory]
    [InlineData("all-villagers", 401, 201, 101, null), InlineData("all-villagers", 401, 200, 200, "attendance")]
    [InlineData("all-villagers", 401, 201, 100, "votesFor"), InlineData("households", 200, 134, 68, null)]
    [InlineData("households", 200, 133, 133, "attendance"), InlineData("households", 200, 134, 67, "votesFor")]
    [InlineData("representatives", 31, 21, 11, null), InlineData("representatives", 31, 20, 20, "attendance")]
    [InlineData("representatives", 31, 21, 10, "votesFor")]
    // Two thirds of all members, and not of those who came
    [InlineData("all-members", 400, 300, 267, null), InlineData("all-members", 400, 300, 266, "votesFor")]
    [InlineData("all-members", 400, 266, 266, "attendance")]
    [
        InlineData("member-representatives", 30, 20, 20, null),
        InlineData("member-representatives", 30, 30, 19, "votesFor")
    ]
    public void L4_each_body_decides_by_the_laws_own_figures(
        string form,
        int eligible,
        int attendance,
        int votesFor,
        string? missing
    )
    {
        var policy = Policy with
        {
            Parameters = Parameters with { Quorums = [.. QuorumRule.Law.Select(q => q with { Calling = null })] },
        };
        var decision = Resolve(form, eligible, attendance, votesFor, policy);
        if (missing is null)
            decision.Then();
        else
            Assert.Equal(
                missing,
                decision
                    .ThenRefused(missing == "attendance" ? Rejections.QuorumNotMet : Rejections.VoteNotCarried)
                    .Field
            );
    }

    private static readonly PolicyYear ByLaw = Policy with
    {
        Parameters = Parameters with { Quorums = QuorumRule.Law },
    };
    private static readonly Resolution OfRepresentatives = new(
        "representatives",
        Today,
        31,
        28,
        25,
        1,
        "m",
        Today.AddDays(-5),
        "a",
        Women: 12,
        WomenPresent: 9
    );

    private static Decision<Plan> Resolve(Resolution r, PolicyYear? policy = null) =>
        PlanDecider.RecordResolution(Draft, Surveyed, 0, policy ?? ByLaw, r, Today);

    [Fact]
    public void L5_representatives_decide_when_they_were_called_authorised_and_two_thirds_of_the_women_came()
    {
        var recorded = Assert.IsType<ResolutionRecorded>(Assert.Single(Resolve(OfRepresentatives).Then()));
        Assert.Equal(["m", "a"], recorded.Evidence);
        void Void(string field, string says, Resolution r)
        {
            var refused = Resolve(r).ThenRefused(Rejections.ResolutionIrregular);
            Assert.Equal(field, refused.Field);
            Assert.Contains(says, refused.Detail, StringComparison.Ordinal);
        }
        Void("calledOn", "缺少会议公告日期；村民代表会议须提前 5 天公告", OfRepresentatives with { CalledOn = null });
        Void("calledOn", "会前 4 天", OfRepresentatives with { CalledOn = Today.AddDays(-4) });
        Void(
            "authorisation",
            "缺少授权文件；村民代表会议须经村民会议事先授权",
            OfRepresentatives with
            {
                Authorisation = null,
            }
        );
        Void("women", "缺少妇女代表人数", OfRepresentatives with { Women = null, WomenPresent = null });
        Void("women", "须有妇女代表", OfRepresentatives with { Women = 0, WomenPresent = 0 });
        Void("womenPresent", "即不少于 8 人，还差 8 人", OfRepresentatives with { WomenPresent = null, Eligible = 40 });
        Void("womenPresent", "即不少于 8 人，还差 1 人", OfRepresentatives with { WomenPresent = 7, Attendance = 26 });
    }

    [Theory]
    [InlineData("all-villagers"), InlineData("households"), InlineData("all-members")]
    public void L5_a_full_meeting_is_called_ten_days_before(string form)
    {
        Resolution On(int days) => new(form, Today, 400, 400, 400, 0, "m", Today.AddDays(-days));
        Assert.Equal("calledOn", Resolve(On(9)).ThenRefused(Rejections.ResolutionIrregular).Field);
        Resolve(On(10)).Then();
    }

    [Fact]
    public void L5_numbers_of_women_and_the_day_of_the_call_fit_the_meeting_where_they_are_given()
    {
        void Wrong(string field, Resolution r) =>
            Assert.Equal(field, Resolve(r).ThenRefused(Rejections.FieldInvalid).Field);
        Wrong("calledOn", OfRepresentatives with { CalledOn = Today.AddDays(1) });
        Wrong("calledOn", OfRepresentatives with { CalledOn = Today.AddDays(-400) });
        Wrong("women", OfRepresentatives with { Women = 32 });
        Wrong("women", OfRepresentatives with { Women = -1 });
        Wrong("womenPresent", OfRepresentatives with { WomenPresent = 13 });
        // 28 came, 8 of them women; of 31 with 12 women only 19 are men.
        Wrong("womenPresent", OfRepresentatives with { WomenPresent = 8 });
    }

    [Fact]
    public void L5_a_year_without_the_rules_asks_for_nothing_and_one_that_has_them_asks_again_on_adoption()
    {
        var plan = Resolved(210, 180, 170);
        Adopt(plan, Surveyed, 0, Pilot, Policy).Then();
        Assert.Null(Adopt(plan, Surveyed, 0, Pilot, ByLaw).ThenRefused(Rejections.ResolutionIrregular).Field);
        foreach (var wrong in (CallingRule[])[new(-1), new(91), new(5, true, 3, 2), new(5, true, 1, 0)])
            Assert.Equal(
                "quorums",
                PolicyYearDecider
                    .Publish(
                        null,
                        "3708",
                        2026,
                        Parameters with
                        {
                            Quorums = [new("households", 2, 3, false, Calling: wrong)],
                        }
                    )
                    .ThenRefused(Rejections.FieldInvalid)
                    .Field
            );
    }

    private static readonly string[] Proof = [new string('a', 64)];

    [Fact]
    public void L6_the_steps_before_the_meeting_come_in_their_order_each_with_its_minutes()
    {
        Decision<Plan> On(Plan plan, PlanStep step, int days, params string[] evidence) =>
            PlanDecider.RecordStep(plan, step, Today.AddDays(days), evidence.Length > 0 ? evidence : Proof);
        PlanDecider.RecordStep(Draft, PlanStep.Proposal, Today, []).ThenRefused(Rejections.EvidenceMissing);
        var plan = Draft.And("plan", On(Draft, PlanStep.Committee, -10).Then())!;
        Assert.Contains(
            "党组织提议不能晚于“两委”商议",
            On(plan, PlanStep.Proposal, -9).ThenRefused(Rejections.FieldInvalid).Detail,
            StringComparison.Ordinal
        );
        plan = plan.And("plan", On(plan, PlanStep.Proposal, -12).Then())!;
        Assert.Contains(
            "党员大会审议不能早于“两委”商议",
            On(plan, PlanStep.Deliberation, -11).ThenRefused(Rejections.FieldInvalid).Detail,
            StringComparison.Ordinal
        );
        On(plan, PlanStep.Deliberation, -800).ThenRefused(Rejections.FieldInvalid);
        var meeting = new ResolutionRecorded(1, new Resolution("households", Today, 210, 180, 170, 0, "m"));
        plan = plan.And("plan", meeting)!;
        Assert.Equal("on", On(plan, PlanStep.Deliberation, 1).ThenRefused(Rejections.FieldInvalid).Field);
        plan = plan.And("plan", On(plan, PlanStep.Deliberation, 0).Then())!;
        // Again, and on another day: the later record counts.
        plan = plan.And("plan", On(plan, PlanStep.Committee, -11).Then())!;
        Assert.Equal(
            [(PlanStep.Proposal, -12), (PlanStep.Committee, -11), (PlanStep.Deliberation, 0)],
            plan.Steps.OrderBy(s => s.Step).Select(s => (s.Step, s.On.DayNumber - Today.DayNumber))
        );
        // A new version begins anew.
        Assert.Empty(plan.And("plan", new PlanAmended(2, Content, "x"))!.Steps);
    }

    [Fact]
    public void L6_nobody_files_before_the_resolution_was_published_for_its_days()
    {
        Decision<Plan> Publish(Plan p, int days) =>
            PlanDecider.PublishResolution(p, Today.AddDays(days), "公开栏", Proof);
        Publish(Draft, 0).ThenRefused(Rejections.ResolutionMissing);
        var plan = Resolved(210, 180, 170).And("plan", new PlanAdopted(1))!;
        PlanDecider.PublishResolution(plan, Today, "公开栏", []).ThenRefused(Rejections.EvidenceMissing);
        Assert.Equal("from", Publish(plan, -1).ThenRefused(Rejections.FieldInvalid).Field);

        Assert.Null(PlanDecider.Unpublished(plan, Policy, Today)); // not asked
        var three = Policy with { Parameters = Parameters with { ResolutionNoticeDays = 3 } };
        Assert.Equal(Rejections.ResolutionUnpublished, PlanDecider.Unpublished(plan, three, Today.AddDays(9))!.Code);
        var published = plan.And("plan", Publish(plan, 1).Then())!;
        Assert.NotNull(PlanDecider.Unpublished(published, three, Today.AddDays(4)));
        Assert.Null(PlanDecider.Unpublished(published, three, Today.AddDays(5)));
        // An amendment leaves the version in force, and its publication, as they are; the new one needs its own.
        var amended = published.And("plan", new PlanAmended(2, Content, "x"))!;
        Assert.Null(PlanDecider.Unpublished(amended, three, Today.AddDays(5)));
        var second = amended.And("plan", new PlanAdopted(2))!;
        Assert.NotNull(PlanDecider.Unpublished(second, three, Today.AddDays(5)));
        foreach (var days in (int[])[-1, 91])
            PolicyYearDecider
                .Publish(null, "3708", 2026, Parameters with { ResolutionNoticeDays = days })
                .ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void L6_the_dossier_of_a_version_has_its_own_papers_and_the_later_record_of_each()
    {
        var (first, second) = (
            new Resolution("households", Today, 210, 180, 170, 0, "m1"),
            Content with
            {
                Scope = "全体",
            }
        );
        (DateOnly, IEventOf<Plan>)[] events =
        [
            (Today.AddDays(-30), new PlanDrafted("collective-1", "fund-1", "370811102201", 2026, Content)),
            (Today.AddDays(-20), new PlanStepRecorded(1, PlanStep.Proposal, Today.AddDays(-20), ["a"])),
            (Today.AddDays(-19), new PlanStepRecorded(1, PlanStep.Proposal, Today.AddDays(-21), ["b"])),
            (Today, new ResolutionRecorded(1, first)),
            (Today, new ResolutionPublished(1, Today, "公开栏", ["c"])),
            (Today.AddDays(1), new PlanCountersigned(1, "t")),
            (Today.AddDays(2), new PlanAdopted(1)),
            (Today.AddDays(3), new PlanAmended(2, second, "扩大")),
            (Today.AddDays(4), new PlanStepRecorded(2, PlanStep.Committee, Today.AddDays(4), ["d"])),
        ];
        var one = Dossier.Of(1, events)!;
        Assert.Equal((Content, first, "公开栏"), (one.Content, one.Resolution, one.Publication!.Place));
        Assert.Equal(["b"], Assert.Single(one.Steps).Value.Evidence);
        Assert.Equal((Today.AddDays(1), Today.AddDays(2)), (one.CountersignedOn, one.AdoptedOn));
        var two = Dossier.Of(2, events)!;
        Assert.Equal((second, "扩大", null, null), (two.Content, two.AmendmentReason, two.Resolution, two.Publication));
        Assert.Equal(PlanStep.Committee, Assert.Single(two.Steps).Key);
        Assert.Null(two.AdoptedOn);
        Assert.Null(Dossier.Of(3, events));
    }

    [Fact]
    public void L4_only_a_body_that_the_policy_year_names_decides_now_and_when_the_plan_is_adopted()
    {
        var refused = Resolve("representatives", 30, 30, 30).ThenRefused(Rejections.BodyNotAllowed);
        Assert.Equal("form", refused.Field);
        Assert.Contains("村民会议、户代表会议", refused.Detail, StringComparison.Ordinal);
        var narrower = Policy with { Parameters = Parameters with { Quorums = [Parameters.Quorums[0]] } };
        Adopt(Resolved(210, 180, 170), Surveyed, 0, Pilot, narrower).ThenRefused(Rejections.BodyNotAllowed);
        // A community's residents are no villagers.
        var community = Draft with
        {
            Region = "370811102001",
        };
        Assert.Contains(
            "居民会议、户代表会议",
            PlanDecider
                .RecordResolution(
                    community,
                    Surveyed,
                    0,
                    Policy,
                    new Resolution("representatives", Today, 30, 30, 30, 0, "m"),
                    Today
                )
                .ThenRefused(Rejections.BodyNotAllowed)
                .Detail,
            StringComparison.Ordinal
        );
    }

    [Fact]
    public void L4_a_year_from_before_the_vote_rule_asks_for_most_of_those_present_and_no_rule_is_out_of_reach()
    {
        Assert.Null(Parameters.Quorums[0].Vote);
        Assert.Equal(new VoteRule(1, 2, true, false), Parameters.Quorums[0].VoteInForce());
        void Refused(QuorumRule rule) =>
            Assert.Equal(
                "quorums",
                PolicyYearDecider
                    .Publish(null, "3708", 2026, Parameters with { Quorums = [rule] })
                    .ThenRefused(Rejections.FieldInvalid)
                    .Field
            );
        Refused(new("households", 3, 3, true));
        Refused(new("households", 2, 3, false, new VoteRule(1, 1, true, false)));
        Refused(new("households", 2, 3, false, new VoteRule(0, 1, false, true)));
        Refused(new("households", 2, 3, false, new VoteRule(2, 0, false, true)));
        PolicyYearDecider.Publish(null, "3708", 2026, Parameters with { Quorums = QuorumRule.Law }).Then();
    }

    [Theory]
    [
        InlineData("all-villagers", 299, "eligible"),
        InlineData("all-villagers", 300, null),
        InlineData("all-villagers", 600, null),
        InlineData("all-villagers", 601, "eligible")
    ]
    [
        InlineData("households", 74, "eligible"),
        InlineData("households", 75, null),
        InlineData("representatives", 4, "eligible"),
        InlineData("representatives", 5, null)
    ]
    public void C13_those_called_fit_the_survey(string form, int eligible, string? field)
    {
        var policy = Policy with
        {
            Parameters = Parameters with { Quorums = [.. Parameters.Quorums, new("representatives", 2, 3, false)] },
        };
        var decision = PlanDecider.RecordResolution(
            Draft,
            Surveyed,
            0,
            policy,
            new Resolution(form, Today, eligible, eligible, eligible, 0, "m"),
            Today
        );
        if (field is null)
            decision.Then();
        else
            Assert.Equal(field, decision.ThenRefused(Rejections.ResolutionImplausible).Field);
    }

    [Fact]
    public void C13_a_meeting_of_one_is_none_however_small_the_survey_makes_the_village()
    {
        var small = Surveyed.And("collective-1", new CollectiveSurveyed(2026, new Survey(Money.Zero, 1, 1, 1)))!;
        var one = new Resolution("all-villagers", Today, 1, 1, 1, 0, "m");
        PlanDecider
            .RecordResolution(Draft, small, 100, Policy, one, Today)
            .ThenRefused(Rejections.ResolutionImplausible);
        var recorded = Draft.And("plan", PlanDecider.RecordResolution(Draft, small, 1, Policy, one, Today).Then())!;
        Adopt(recorded, small, 1, Pilot, Policy).Then();
        // The rolls came afterwards
        Adopt(recorded, small, 100, Pilot, Policy).ThenRefused(Rejections.ResolutionImplausible);
        // So did the real survey
        Adopt(recorded, Surveyed, 1, Pilot, Policy).ThenRefused(Rejections.ResolutionImplausible);
        PlanDecider
            .RecordResolution(Draft, Surveyed with { Surveys = Surveyed.Surveys.Clear() }, 0, Policy, one, Today)
            .ThenRefused(Rejections.SurveyMissing);
    }

    [Fact]
    public void C13_the_meeting_was_about_the_plans_year_and_the_standard_is_below_the_tier_in_force()
    {
        Decision<Plan> On(DateOnly day, PolicyYear? policy = null) =>
            PlanDecider.RecordResolution(
                Draft,
                Surveyed,
                0,
                policy ?? Policy,
                new Resolution("households", day, 210, 180, 170, 0, "m"),
                Today
            );
        Assert.Equal("meetingDate", On(new DateOnly(2010, 3, 1)).ThenRefused(Rejections.ResolutionImplausible).Field);
        On(new DateOnly(2024, 12, 31)).ThenRefused(Rejections.ResolutionImplausible);
        On(new DateOnly(2025, 1, 1)).Then();
        On(Today.AddDays(1)).ThenRefused(Rejections.FieldInvalid);
        var lower = Policy with { Parameters = Parameters with { Tiers = [new(new Money(5_000), Money.Zero)] } };
        On(Today, lower).ThenRefused(Rejections.StandardInvalid);
        Adopt(Resolved(210, 180, 170), Surveyed, 0, Pilot, lower).ThenRefused(Rejections.StandardInvalid);
    }

    [Fact]
    public void C2_C3_C13_what_adoption_needs()
    {
        Adopt(Draft, Surveyed, 0, Pilot, Policy).ThenRefused(Rejections.ResolutionMissing);
        PlanDecider
            .Adopt(
                Resolved(210, 150, 150),
                Surveyed with
                {
                    Surveys = Surveyed.Surveys.Clear(),
                },
                0,
                Pilot,
                Policy,
                [],
                Given.Actor("village")
            )
            .ThenRefused(Rejections.SurveyMissing);
        Adopt(Resolved(210, 150, 150), Surveyed, 0, null, Policy).ThenRefused(Rejections.CountyNotInPilot);
    }

    [Fact]
    public void C12_an_amendment_needs_its_own_resolution_and_the_old_version_stays_in_force()
    {
        var adopted = Resolved(210, 150, 150).And("plan", new PlanAdopted(1))!;
        Adopt(adopted, Surveyed, 0, Pilot, Policy).ThenRefused(Rejections.WrongState);
        var amended = adopted.And(
            "plan",
            PlanDecider.Amend(adopted, Policy, Content with { Scope = "全体" }, "扩大").Then()
        )!;
        Assert.Equal(1, amended.AdoptedVersion);
        Assert.Equal("s", amended.Adopted()!.Scope);
        Adopt(amended, Surveyed, 0, Pilot, Policy).ThenRefused(Rejections.ResolutionMissing);
    }

    [Fact]
    public void C10_per_tier_standard_pays_by_tier_and_nothing_for_others()
    {
        var standard = new Standard(StandardKind.PerTier, null, [new TierAmount(new Money(30_000), new Money(6_000))]);
        Assert.Equal(new Money(6_000), standard.AmountFor(new LineFacts(new Money(30_000), 45, null)));
        Assert.Null(standard.AmountFor(new LineFacts(new Money(50_000), 45, null)));
        PlanDecider
            .Draft(null, Surveyed, new Fund { Id = "fund-1" }, Policy, new PlanContent("s", "s", standard), Today)
            .Then();
        PlanDecider
            .Draft(
                null,
                Surveyed,
                new Fund { Id = "fund-1" },
                Policy,
                new PlanContent("s", "s", Flat with { FlatAmountFen = new Money(500_001) }),
                Today
            )
            .ThenRefused(Rejections.StandardInvalid);
    }

    [Fact]
    public void C10_age_bands_contribution_years_and_their_combination_with_floor_and_ceiling()
    {
        static Money Yuan(decimal y) => Given.Yuan(y);
        var age = new Standard(
            StandardKind.PerAgeBand,
            null,
            [],
            [new Band(16, 44, Yuan(50)), new Band(45, null, Yuan(80))]
        );
        var years = new Standard(StandardKind.PerContributionYears, null, [], [new Band(15, null, Yuan(100))]);
        var combined = new Standard(
            StandardKind.Combined,
            null,
            [],
            Parts: [age, years, Flat with { FlatAmountFen = Yuan(10) }],
            FloorFen: Yuan(65),
            CeilingFen: Yuan(180)
        );
        LineFacts Who(int? a, int? y) => new(Yuan(300), a, y);
        Assert.Equal(
            [Yuan(50), Yuan(50), Yuan(80), null],
            new[] { 16, 44, 45, (int?)null }.Select(a => age.AmountFor(Who(a, null)))
        );
        Assert.Null(years.AmountFor(Who(50, 14)));
        Assert.Equal(Yuan(65), combined.AmountFor(Who(20, 3))); // 50 + 10, lifted to the floor
        Assert.Equal(Yuan(90), combined.AmountFor(Who(60, 3))); // 80 + 10
        Assert.Equal(Yuan(180), combined.AmountFor(Who(60, 20))); // 80 + 100 + 10, cut at the ceiling

        void Wrong(Standard s, string field) =>
            Assert.Equal(
                field,
                PlanDecider
                    .Draft(null, Surveyed, new Fund { Id = "fund-1" }, Policy, new PlanContent("s", "s", s), Today)
                    .ThenRefused(Rejections.StandardInvalid)
                    .Field
            );
        PlanDecider
            .Draft(null, Surveyed, new Fund { Id = "fund-1" }, Policy, new PlanContent("s", "s", combined), Today)
            .Then();
        Wrong(age with { Bands = [new Band(16, 50, Yuan(1)), new Band(50, 60, Yuan(1))] }, "standard.bands[1].from");
        Wrong(age with { Bands = [] }, "standard.bands");
        Wrong(age with { FlatAmountFen = Yuan(1) }, "standard.flatAmount");
        Wrong(combined with { FloorFen = Yuan(181) }, "standard.floorAmount");
        Wrong(combined with { Parts = [combined] }, "standard.parts[0].kind");
        Wrong(
            combined with
            {
                Parts = [years with { Bands = [new Band(1, 0, Yuan(1))] }],
            },
            "standard.parts[0].bands[0].from"
        );
        Wrong(Flat with { CeilingFen = Yuan(5) }, "standard.parts");
    }

    [Fact]
    public void Policy_year_is_amended_by_a_new_event_and_the_same_again_is_none()
    {
        Assert.IsType<PolicyYearAmended>(
            Assert.Single(PolicyYearDecider.Publish(Policy, "3708", 2026, Parameters with { NoticeDays = 10 }).Then())
        );
        Assert.Empty(
            PolicyYearDecider.Publish(Policy, "3708", 2026, Parameters with { Tiers = [.. Parameters.Tiers] }).Then()
        );
        PolicyYearDecider
            .Publish(null, "3708", 2026, Parameters with { NoticeDays = 0 })
            .ThenRefused(Rejections.FieldInvalid);
        PolicyYearDecider
            .Publish(null, "3708", 2026, Parameters with { Tiers = [] })
            .ThenRefused(Rejections.FieldInvalid);
    }

    [Fact]
    public void C1_C2_a_county_has_one_open_application()
    {
        PilotDecider.Apply(Pilot, "370811", "x", [], Given.Actor("a")).ThenRefused(Rejections.PilotAlreadyOpen);
        PilotDecider.Decide(Pilot, PilotVerdict.Approve, "x", Given.Actor("b")).ThenRefused(Rejections.WrongState);
        var ended = Pilot.And("pilot", PilotDecider.Decide(Pilot, PilotVerdict.End, "x", Given.Actor("b")).Then())!;
        PilotDecider.Apply(ended, "370811", "x", [], Given.Actor("a")).Then();
    }
}
