using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Pilots;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Plans;

/// <summary>The rules of the plan: C3, C10, C12, C13.</summary>
public static class PlanDecider
{
    public static Decision<Plan> Draft(
        Plan? state,
        Collective collective,
        Fund? fund,
        PolicyYear policy,
        PlanContent content
    )
    {
        if (CollectiveDecider.Gone(collective) is { } gone)
            return gone;
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
    /// Of how many members at least one is called to a meeting of this form (†). All villagers: from 18 on, so one of
    /// two. Households: none has more than eight on average. Representatives: one for at most fifteen households.
    /// </summary>
    public static int MembersPerCalled(string form) =>
        form switch
        {
            "all-villagers" => 2,
            "households" => 8,
            _ => 120,
        };

    /// <summary>
    /// C13: a resolution that cannot be, in words; null when it can. Those called are members of the surveyed
    /// collective, neither more nor far fewer than a meeting of this form calls; the meeting was in the plan's year or
    /// the one before or after.
    /// </summary>
    /// <param name="registered">Members on the rolls: a survey that counts fewer does not make the village
    /// smaller.</param>
    public static Rejection? Implausible(Plan state, Collective collective, int registered, Resolution r)
    {
        if (!collective.Surveys.TryGetValue(state.Year, out var survey))
            return new Rejection(Rejections.SurveyMissing, $"缺少 {state.Year} 年度摸底调查");
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
    /// C13: the meeting is recorded as it was, also when it fell short; whether it carries is decided on adoption. What
    /// cannot have been is not recorded, nor a vote on a standard above the highest tier.
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
        if (policy.Parameters.Quorums.All(q => q.Form != r.Form))
            return Invalid(
                "form",
                $"会议形式{Identity.PersonalNumbers.Quoted(r.Form)}未作规定，可用："
                    + $"{string.Join("、", policy.Parameters.Quorums.Select(q => q.Form))}"
            );
        if (r.MeetingDate > today)
            return Invalid("meetingDate", "会议日期不能晚于今天");
        if (r.Eligible < 1)
            return Invalid("eligible", "应到人数应大于零");
        if (r.Attendance < 0 || r.Attendance > r.Eligible)
            return Invalid("attendance", "到会人数不能多于应到人数");
        if (r.VotesFor < 0 || r.VotesAgainst < 0 || r.VotesFor + r.VotesAgainst > r.Attendance)
            return Invalid("votesFor", "赞成与反对票数之和不能多于到会人数");
        if (Implausible(state, collective, registered, r) is { } implausible)
            return implausible;
        if (state.Versions[^1].Standard.Fault(policy) is { } fault)
            return fault;
        return new IEventOf<Plan>[] { new ResolutionRecorded(state.LatestVersion(), r) };

        static Rejection Invalid(string field, string message) =>
            new(Rejections.FieldInvalid, message) { Field = field };
    }

    /// <summary>C21: the township countersigns the version that is up for adoption; nobody his own.</summary>
    /// <param name="authors">Who drafted and amended it and recorded its meetings, and whom they acted for.</param>
    public static Decision<Plan> Countersign(Plan state, IReadOnlyCollection<string> authors, Actor by) =>
        state.AdoptedVersion == state.LatestVersion() ? new Rejection(Rejections.WrongState, "本版方案已通过")
        : state.CountersignedVersion == state.LatestVersion() ? new Rejection(Rejections.WrongState, "本版方案已会签")
        : by.IsAmong(authors) ? new Rejection(Rejections.SelfApproval, "起草、修订方案或记录决议的人不能会签")
        : new IEventOf<Plan>[] { new PlanCountersigned(state.LatestVersion(), by.Id) };

    /// <summary>
    /// C2, C3, C12, C13: an approved county, a survey, and a resolution that met the quorum and was carried by most of
    /// those present.
    /// </summary>
    /// <param name="countersigners">Who countersigned the plan, and whom they acted for: they adopt nothing.</param>
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
            return new Rejection(Rejections.SelfApproval, "会签人不能通过自己会签的方案");
        if (PilotDecider.Refusal(pilot, Identity.RegionCode.County(state.Region)) is { } outside)
            return outside;
        if (!collective.Surveys.ContainsKey(state.Year))
            return new Rejection(Rejections.SurveyMissing, $"缺少 {state.Year} 年度摸底调查");
        if (state.LatestResolution is not { } resolution)
            return new Rejection(Rejections.ResolutionMissing, $"第 {state.LatestVersion()} 版方案没有村民会议决议");
        // Survey, rolls and policy year may have changed since the meeting was recorded.
        if (Implausible(state, collective, registered, resolution) is { } implausible)
            return implausible;
        if (state.Versions[^1].Standard.Fault(policy) is { } fault)
            return fault;
        var quorum = policy.Parameters.Quorums.First(q => q.Form == resolution.Form);
        if (!quorum.IsMetBy(resolution.Attendance, resolution.Eligible))
            return new Rejection(
                Rejections.QuorumNotMet,
                $"应到 {resolution.Eligible} 人，到会 {resolution.Attendance} 人，"
                    + $"须{(quorum.Strictly ? "超过" : "达到")} {quorum.Numerator}/{quorum.Denominator}"
            );
        if (resolution.VotesFor * 2L <= resolution.Attendance)
            return new Rejection(
                Rejections.VoteNotCarried,
                $"到会 {resolution.Attendance} 人，赞成 {resolution.VotesFor} 票，未过半数"
            );
        if (policy.Parameters.CountersignatureRequired && state.CountersignedVersion != state.LatestVersion())
            return new Rejection(
                Rejections.CountersignatureMissing,
                $"第 {state.LatestVersion()} 版方案尚未经乡镇（街道）会签"
            );
        return new IEventOf<Plan>[] { new PlanAdopted(state.LatestVersion()) };
    }
}
