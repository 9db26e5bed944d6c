using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Pilots;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Plans;

/// <summary>The rules of the plan: C3, C10, C12, C13, L4, L5, L6, L7.</summary>
public static class PlanDecider
{
    public static Decision<Plan> Draft(
        Plan? state,
        Collective collective,
        Fund? fund,
        PolicyYear policy,
        PlanContent content,
        DateOnly today
    )
    {
        if (CollectiveDecider.Gone(collective) is { } gone)
            return gone;
        if (PlanningYear.TooEarly(policy.Year, today) is { } early)
            return early;
        if (state is not null)
            return new Rejection(Rejections.AlreadyExists, $"{collective.Name} {policy.Year} 年度方案已起草，可以修订");
        if (fund is null)
            return new Rejection(Rejections.NotFound, "该集体尚未设立补助资金");
        if (content.Standard.Fault(policy) is { } fault)
            return fault;
        return new IEventOf<Plan>[]
        {
            new PlanDrafted(collective.Id, fund.Id, collective.Region, policy.Year, content),
        };
    }

    /// <summary>C12: an amendment during the year; lines that are approved keep what they were approved with.</summary>
    public static Decision<Plan> Amend(Plan state, PolicyYear policy, PlanContent content, string reason) =>
        content.Standard.Fault(policy) is { } fault
            ? fault
            : new IEventOf<Plan>[] { new PlanAmended(state.LatestVersion() + 1, content, reason) };

    /// <summary>
    /// Of how many members at least one is called to a meeting of this form (†). All villagers or members: from 18 on,
    /// so one of two. Households: none has more than eight on average. Representatives: one for at most fifteen
    /// households.
    /// </summary>
    public static int MembersPerCalled(string form) =>
        form switch
        {
            QuorumRule.AllVillagers or QuorumRule.AllMembers => 2,
            QuorumRule.Households => 8,
            _ => 120,
        };

    /// <summary>C3: the year's survey is missing.</summary>
    public static Rejection? Unsurveyed(Collective collective, int year) =>
        collective.Surveys.ContainsKey(year)
            ? null
            : new Rejection(Rejections.SurveyMissing, $"缺少 {year} 年度摸底调查");

    /// <summary>C13: no meeting has decided on the latest version.</summary>
    public static Rejection? Undecided(Plan state) =>
        state.LatestResolution is not null
            ? null
            : new Rejection(Rejections.ResolutionMissing, $"第 {state.LatestVersion()} 版方案没有会议决议");

    /// <summary>L7: the supervision committee has not signed, where the policy year asks for it.</summary>
    public static Rejection? Unsigned(Plan state, PolicyYear policy) =>
        !policy.Parameters.CommitteeSignsPlan || state.SignedVersion == state.LatestVersion()
            ? null
            : new Rejection(
                Rejections.CommitteeSignatureMissing,
                $"第 {state.LatestVersion()} 版方案尚未经村务监督委员会签字"
            );

    /// <summary>C21: the township has not countersigned, where the policy year asks for it.</summary>
    public static Rejection? Uncountersigned(Plan state, PolicyYear policy) =>
        !policy.Parameters.CountersignatureRequired || state.CountersignedVersion == state.LatestVersion()
            ? null
            : new Rejection(
                Rejections.CountersignatureMissing,
                $"第 {state.LatestVersion()} 版方案尚未经乡镇（街道）会签"
            );

    /// <summary>
    /// C13: a resolution that cannot be, in words; null when it can. Those called are members of the surveyed
    /// collective, neither more nor far fewer than a meeting of this form calls; the meeting was in the plan's year or
    /// the one before or after.
    /// </summary>
    /// <param name="registered">Members on the rolls: a survey that counts fewer does not make the village
    /// smaller.</param>
    public static Rejection? Implausible(Plan state, Collective collective, int registered, Resolution r)
    {
        if (Unsurveyed(collective, state.Year) is { } unsurveyed)
            return unsurveyed;
        var survey = collective.Surveys[state.Year];
        var least = (Math.Max(survey.Members, registered) + MembersPerCalled(r.Form) - 1) / MembersPerCalled(r.Form);
        return r.Eligible > survey.Members
                ? Wrong("eligible", $"应到 {r.Eligible} 人，多于摸底的成员 {survey.Members} 人")
            : r.Eligible < least
                ? Wrong(
                    "eligible",
                    $"应到 {r.Eligible} 人；成员 {Math.Max(survey.Members, registered)} 人，此种会议应到不少于 {least} 人"
                )
            : Math.Abs(r.MeetingDate.Year - state.Year) > 1
                ? Wrong(
                    "meetingDate",
                    $"会议日期 {r.MeetingDate:yyyy-MM-dd} 与方案年度 {state.Year} 不符，应在该年度或前后一年内"
                )
            : null;

        static Rejection Wrong(string field, string message) =>
            new(Rejections.ResolutionImplausible, message) { Field = field };
    }

    /// <summary>
    /// C13, L4: what keeps the meeting from deciding, with the numbers that are missing; null: nothing does.
    /// </summary>
    public static Rejection? Short(Plan state, PolicyYear policy, Resolution r)
    {
        if (policy.Quorum(r.Form) is not { } rule)
            return new Rejection(
                Rejections.BodyNotAllowed,
                $"{Identity.PersonalNumbers.Quoted(QuorumRule.Name(r.Form, state.Region))}不能作此决定，可用："
                    + string.Join("、", policy.Parameters.Quorums.Select(q => QuorumRule.Name(q.Form, state.Region)))
            )
            {
                Field = "form",
            };
        var present = rule.NeededPresent(r.Eligible);
        if (r.Attendance < present)
            return new Rejection(
                Rejections.QuorumNotMet,
                $"应到 {r.Eligible} 人，到会 {r.Attendance} 人，须{Reach(rule.Strictly)} {rule.Numerator}/{rule.Denominator}，"
                    + $"即不少于 {present} 人，还差 {present - r.Attendance} 人"
            )
            {
                Field = "attendance",
            };
        var vote = rule.VoteInForce();
        var votes = vote.Needed(r.Attendance, r.Eligible);
        if (r.VotesFor < votes)
            return new Rejection(
                Rejections.VoteNotCarried,
                $"{(vote.OfAll ? "全体" : "到会")} {(vote.OfAll ? r.Eligible : r.Attendance)} 人，赞成 {r.VotesFor} 票，"
                    + $"须{Reach(vote.Strictly)} {vote.Numerator}/{vote.Denominator}，即不少于 {votes} 票，"
                    + $"还差 {votes - r.VotesFor} 票"
            )
            {
                Field = "votesFor",
            };
        return null;

        static string Reach(bool strictly) => strictly ? "超过" : "达到";
    }

    /// <summary>
    /// L5: what was not kept when the meeting was called, so that its decision is void; null: nothing. One at a time,
    /// in the order of the form.
    /// </summary>
    public static Rejection? Irregular(Plan state, PolicyYear policy, Resolution r)
    {
        if (policy.Quorum(r.Form)?.Calling is not { } rule)
            return null;
        var body = QuorumRule.Name(r.Form, state.Region);
        if (rule.DaysBefore > 0 && r.CalledOn is null)
            return Void("calledOn", $"缺少会议公告日期；{body}须提前 {rule.DaysBefore} 天公告");
        if (
            r.CalledOn is { } called
            && r.MeetingDate.DayNumber - called.DayNumber is var days
            && days < rule.DaysBefore
        )
            return Void("calledOn", $"{called:yyyy-MM-dd} 公告，会前 {days} 天；{body}须提前 {rule.DaysBefore} 天公告");
        if (rule.AuthorisationRequired && r.Authorisation is null)
            return Void(
                "authorisation",
                $"缺少授权文件；{body}须经{Identity.RegionCode.People(state.Region)}会议事先授权"
            );
        if (rule.WomenNumerator == 0)
            return null;
        if (r.Women is not > 0)
            return Void("women", $"缺少妇女代表人数；{body}须有妇女代表");
        var needed = rule.NeededWomen(r.Women.Value);
        return r.WomenPresent >= needed
            ? null
            : Void(
                "womenPresent",
                $"妇女代表 {r.Women} 人，到会 {r.WomenPresent ?? 0} 人，须达到 {rule.WomenNumerator}/{rule.WomenDenominator}，"
                    + $"即不少于 {needed} 人，还差 {needed - (r.WomenPresent ?? 0)} 人"
            );

        static Rejection Void(string field, string message) =>
            new(Rejections.ResolutionIrregular, message) { Field = field };
    }

    /// <summary>
    /// C13: a meeting that decided is recorded. One that fell short, or cannot have been, is not, nor a vote on a
    /// standard above the highest tier.
    /// </summary>
    public static Decision<Plan> RecordResolution(
        Plan state,
        Collective collective,
        int registered,
        PolicyYear policy,
        Resolution r,
        DateOnly today
    )
    {
        if (state.AdoptedVersion == state.LatestVersion())
            return new Rejection(Rejections.WrongState, "本版方案已通过，不需再记录决议");
        if (state.LatestResolution == r)
            return Array.Empty<IEventOf<Plan>>();
        if (Miscounted(r, today) is { } miscounted)
            return miscounted;
        if (Implausible(state, collective, registered, r) is { } implausible)
            return implausible;
        if (Short(state, policy, r) is { } fallsShort)
            return fallsShort;
        if (Irregular(state, policy, r) is { } irregular)
            return irregular;
        if (state.Versions[^1].Standard.Fault(policy) is { } fault)
            return fault;
        return new IEventOf<Plan>[] { new ResolutionRecorded(state.LatestVersion(), r) };
    }

    /// <summary>Numbers and dates of one meeting that cannot stand together.</summary>
    private static Rejection? Miscounted(Resolution r, DateOnly today)
    {
        var (women, womenPresent) = (r.Women ?? 0, r.WomenPresent ?? 0);
        return r.MeetingDate > today ? Invalid("meetingDate", "会议日期不能晚于今天")
            : r.CalledOn > r.MeetingDate ? Invalid("calledOn", "公告日期不能晚于会议日期")
            : r.CalledOn < r.MeetingDate.AddYears(-1) ? Invalid("calledOn", "公告日期比会议早一年以上")
            : r.Eligible < 1 ? Invalid("eligible", "应到人数应大于零")
            : r.Attendance < 0 || r.Attendance > r.Eligible ? Invalid("attendance", "到会人数不能多于应到人数")
            : r.VotesFor < 0 || r.VotesAgainst < 0 || r.VotesFor + (long)r.VotesAgainst > r.Attendance
                ? Invalid("votesFor", "赞成与反对票数之和不能多于到会人数")
            : women < 0 || women > r.Eligible ? Invalid("women", "妇女代表不能多于应到人数")
            : womenPresent < 0 || womenPresent > women || womenPresent > r.Attendance
                ? Invalid("womenPresent", "到会的妇女代表不能多于妇女代表和到会人数")
            : r.Women is not null && r.Attendance - womenPresent > r.Eligible - women
                ? Invalid("womenPresent", "到会的其他人多于应到的其他人，请核对妇女代表人数")
            : null;

        static Rejection Invalid(string field, string message) =>
            new(Rejections.FieldInvalid, message) { Field = field };
    }

    /// <summary>
    /// L6: a step before the meeting, in its order: proposal, committees, party members, meeting. Papers may come later
    /// than the plan was adopted.
    /// </summary>
    public static Decision<Plan> RecordStep(Plan state, PlanStep step, DateOnly on, IReadOnlyList<string> evidence)
    {
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, $"{StepName(step)}须附会议记录") { Field = "evidence" };
        if (Math.Abs(on.Year - state.Year) > 1)
            return Wrong(
                $"{StepName(step)}的日期 {on:yyyy-MM-dd} 与方案年度 {state.Year} 不符，应在该年度或前后一年内"
            );
        if (state.Steps.Where(t => t.Step < step && t.On > on).Select(t => (PlanStep?)t.Step).Max() is { } earlier)
            return Wrong($"{StepName(step)}不能早于{StepName(earlier)}");
        if (state.Steps.Where(t => t.Step > step && t.On < on).Select(t => (PlanStep?)t.Step).Min() is { } later)
            return Wrong($"{StepName(step)}不能晚于{StepName(later)}");
        if (state.LatestResolution is { } r && r.MeetingDate < on)
            return Wrong($"{StepName(step)}不能晚于 {r.MeetingDate:yyyy-MM-dd} 的会议");
        return new IEventOf<Plan>[] { new PlanStepRecorded(state.LatestVersion(), step, on, evidence) };

        static Rejection Wrong(string message) => new(Rejections.FieldInvalid, message) { Field = "on" };
    }

    /// <summary>What a step is called (四议).</summary>
    public static string StepName(PlanStep step) =>
        step switch
        {
            PlanStep.Proposal => "党组织提议",
            PlanStep.Committee => "“两委”商议",
            PlanStep.Deliberation => "党员大会审议",
            _ => throw new ArgumentOutOfRangeException(nameof(step)),
        };

    /// <summary>L6: the resolution on the latest version was published, not before it was made.</summary>
    public static Decision<Plan> PublishResolution(
        Plan state,
        DateOnly from,
        string place,
        IReadOnlyList<string> evidence
    ) =>
        state.LatestResolution is not { } resolution
            ? new Rejection(Rejections.ResolutionMissing, $"第 {state.LatestVersion()} 版方案没有会议决议")
        : evidence.Count == 0 ? new Rejection(Rejections.EvidenceMissing, "公布决议须附张贴照片") { Field = "evidence" }
        : from < resolution.MeetingDate
            ? new Rejection(Rejections.FieldInvalid, $"公布日期不能早于 {resolution.MeetingDate:yyyy-MM-dd} 的会议")
            {
                Field = "from",
            }
        : new IEventOf<Plan>[] { new ResolutionPublished(state.LatestVersion(), from, place, evidence) };

    /// <summary>
    /// L6: what the published resolution still lacks before anybody files by it; null: nothing. As with the notice the
    /// first day does not count.
    /// </summary>
    public static Rejection? Unpublished(Plan state, PolicyYear policy, DateOnly today)
    {
        var days = policy.Parameters.ResolutionNoticeDays;
        if (days == 0)
            return null;
        if (state.Publications.FirstOrDefault(p => p.PlanVersion == state.AdoptedVersion)?.From is not { } from)
            return new Rejection(
                Rejections.ResolutionUnpublished,
                $"第 {state.AdoptedVersion} 版方案的决议尚未公布，须公布 {days} 天"
            );
        var until = from.AddDays(days);
        return today > until
            ? null
            : new Rejection(
                Rejections.ResolutionUnpublished,
                $"决议 {from:yyyy-MM-dd} 公布，须公布 {days} 天至 {until:yyyy-MM-dd}，次日起可以申请"
            );
    }

    /// <summary>C21: the township countersigns the version that is up for adoption; nobody his own.</summary>
    /// <param name="authors">Who drafted and amended it, recorded its meetings or signed it for the committee, and
    /// whom they acted for.</param>
    public static Decision<Plan> Countersign(Plan state, IReadOnlyCollection<string> authors, Actor by) =>
        state.AdoptedVersion == state.LatestVersion() ? new Rejection(Rejections.WrongState, "本版方案已通过")
        : state.CountersignedVersion == state.LatestVersion() ? new Rejection(Rejections.WrongState, "本版方案已会签")
        : by.IsAmong(authors)
            ? new Rejection(Rejections.SelfApproval, "起草、修订方案、记录决议或为村监委会签字的人不能会签")
        : new IEventOf<Plan>[] { new PlanCountersigned(state.LatestVersion(), by.Id) };

    /// <summary>
    /// L7: the supervision committee signs what the meeting decided; nobody his own. Another resolution takes the
    /// signature away again.
    /// </summary>
    /// <param name="hands">Who had any hand in it, the township's countersigner too, and whom they acted for.</param>
    public static Decision<Plan> Sign(Plan state, IReadOnlyCollection<string> hands, Actor by) =>
        state.AdoptedVersion == state.LatestVersion() ? new Rejection(Rejections.WrongState, "本版方案已通过")
        : state.SignedVersion == state.LatestVersion() ? new Rejection(Rejections.WrongState, "本版方案已签字")
        : state.LatestResolution is null
            ? new Rejection(Rejections.ResolutionMissing, $"第 {state.LatestVersion()} 版方案没有会议决议")
        : by.IsAmong(hands)
            ? new Rejection(Rejections.SelfApproval, "起草、修订方案、记录决议或会签的人不能为村监委会签字")
        : new IEventOf<Plan>[] { new PlanSigned(state.LatestVersion(), by.Id) };

    /// <summary>
    /// C2, C3, C12, C13, L4, L5: an approved county, a survey, and a resolution of a body that may decide, was called,
    /// met its quorum and carried it; signed and countersigned where the policy year asks for it (C21, L7).
    /// </summary>
    /// <param name="countersigners">Who countersigned or signed the plan, and whom they acted for: they adopt
    /// nothing.</param>
    public static Decision<Plan> Adopt(
        Plan state,
        Collective collective,
        int registered,
        Pilot? pilot,
        PolicyYear policy,
        IReadOnlyCollection<string> countersigners,
        Actor by
    )
    {
        if (CollectiveDecider.Gone(collective) is { } gone)
            return gone;
        if (state.AdoptedVersion == state.LatestVersion())
            return new Rejection(Rejections.WrongState, "本版方案已通过");
        if (by.IsAmong(countersigners))
            return new Rejection(Rejections.SelfApproval, "会签人、签字人不能通过自己会签、签字的方案");
        if (PilotDecider.Refusal(pilot, Identity.RegionCode.County(state.Region)) is { } outside)
            return outside;
        if (Unsurveyed(collective, state.Year) is { } unsurveyed)
            return unsurveyed;
        if (Undecided(state) is { } undecided)
            return undecided;
        var resolution = state.LatestResolution!;
        // Survey, rolls and policy year may have changed since the meeting was recorded.
        if (Implausible(state, collective, registered, resolution) is { } implausible)
            return implausible;
        if (state.Versions[^1].Standard.Fault(policy) is { } fault)
            return fault;
        // Earlier builds recorded what fell short as well.
        if (Short(state, policy, resolution) is { } fallsShort)
            return fallsShort with { Field = null };
        if (Irregular(state, policy, resolution) is { } irregular)
            return irregular with { Field = null };
        if ((Unsigned(state, policy) ?? Uncountersigned(state, policy)) is { } unsigned)
            return unsigned;
        return new IEventOf<Plan>[] { new PlanAdopted(state.LatestVersion()) };
    }
}
