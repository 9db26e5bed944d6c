using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Projections.Checking.Promises;

/// <summary>Somebody filed, or filed again, by a version of a plan.</summary>
public sealed record PlanFiling(string ApplicationId, string PlanId, int PlanVersion, DateOnly On, long Sequence);

/// <summary>
/// What a plan promises: it is adopted as a meeting decided that could (C13, L4), and that was called as it has to be
/// (L5), by what the policy year said then; signed by the supervision committee, in its own name and by nobody who had
/// another hand in the plan, and countersigned by the township, where the policy year asks for it (L7, C21);
/// nobody files by it before the resolution was published for its days (L6).
/// </summary>
public sealed class PlanPromises(string id, PolicyCaps policies, Report broken)
{
    private Plan? _plan;
    private readonly HashSet<string> _hands = [],
        _signers = [];
    private readonly List<(long Since, int PlanVersion, DateOnly From)> _published = [];

    /// <summary>The plan's events in their order.</summary>
    public void Take(IEvent e)
    {
        if (_plan is null && e.Data is not PlanDrafted)
            return; // no stream begins so: whoever looks at the events themselves names it
        switch (e.Data)
        {
            case PlanAdopted a:
                Adopted(a, e);
                break;
            case PlanSigned s:
                if (s.SignedBy != e.Header(EventHeaders.Actor))
                    Breaks(e, "L7", $"{s.SignedBy} 与办理人 {e.Header(EventHeaders.Actor)} 不符", "办理人本人");
                if (_hands.Contains(s.SignedBy))
                    Breaks(e, "L7", $"{s.SignedBy} 为自己经办的方案签字", "签字人没有办理过方案");
                _signers.Add(s.SignedBy);
                break;
            case ResolutionPublished p:
                _published.Add((e.Sequence, p.PlanVersion, p.From));
                break;
        }
        if (e.Data is PlanAdopted or PlanCountersigned && _signers.Contains(e.Header(EventHeaders.Actor)))
            Breaks(e, "L7", $"{e.Header(EventHeaders.Actor)} 会签或通过了自己签字的方案", "由另一人会签、通过");
        if (e.Data is not PlanSigned)
            _hands.Add(e.Header(EventHeaders.Actor));
        _plan = Plan.Evolve(_plan, (IEventOf<Plan>)e.Data);
    }

    private void Adopted(PlanAdopted adopted, IEvent e)
    {
        var plan = _plan!;
        if (plan.LatestResolution is not { } resolution || adopted.PlanVersion != plan.LatestVersion())
            Breaks(e, "C13", $"第 {adopted.PlanVersion} 版方案没有会议决议就通过了", "先由会议决定");
        else if (policies.ParametersAt(plan.Region, plan.Year, e.Sequence) is not { } parameters)
            Breaks(e, "C13", $"{plan.Year} 年度没有政策参数就通过了方案", "先发布政策参数");
        else
            Decided(plan, resolution, parameters, e);
    }

    private void Decided(Plan plan, Resolution resolution, PolicyParameters parameters, IEvent e)
    {
        var policy = new PolicyYear
        {
            Region = plan.Region,
            Year = plan.Year,
            Parameters = parameters,
        };
        if (
            policy.Quorum(resolution.Form) is { } rule
            && (rule.Denominator < 1 || rule.VoteInForce().Denominator < 1 || rule.Calling?.WomenDenominator < 1)
        )
            Breaks(e, "L4", $"{resolution.Form} 的到会、赞成要求不成分数", "能够达到的分数");
        else if (PlanDecider.Short(plan, policy, resolution) is { } fallsShort)
            Breaks(e, "L4", $"会议没有作出决定就通过了方案：{fallsShort.Detail}", "可作决定的会议，到会和赞成都够");
        else if (PlanDecider.Irregular(plan, policy, resolution) is { } irregular)
            Breaks(e, "L5", $"会议的召集不合规定就通过了方案：{irregular.Detail}", "按规定召集的会议");
        if (parameters.CommitteeSignsPlan && plan.SignedVersion != plan.LatestVersion())
            Breaks(e, "L7", "没有村监委会签字就通过了方案", "签字后通过");
        if (parameters.CountersignatureRequired && plan.CountersignedVersion != plan.LatestVersion())
            Breaks(e, "C21", "没有乡镇会签就通过了方案", "会签后通过");
    }

    /// <summary>
    /// L6: nobody files before the resolution on his version was published for its days. As with the notice the first
    /// day does not count.
    /// </summary>
    public void Take(PlanFiling filing)
    {
        if (
            _plan is not { } plan
            || policies.ParametersAt(plan.Region, plan.Year, filing.Sequence)
                is not { ResolutionNoticeDays: > 0 and var days }
        )
            return;
        var last = _published.FindLastIndex(p => p.PlanVersion == filing.PlanVersion && p.Since < filing.Sequence);
        if (last < 0 || filing.On.DayNumber <= _published[last].From.DayNumber + days)
            broken(
                filing.ApplicationId,
                "L6",
                last < 0
                    ? $"第 {filing.PlanVersion} 版方案的决议没有公布就申请了"
                    : $"决议 {_published[last].From:yyyy-MM-dd} 公布，{filing.On:yyyy-MM-dd} 申请",
                $"公布 {days} 天，次日起申请",
                filing.Sequence
            );
    }

    private void Breaks(IEvent e, string clause, string found, string expected) =>
        broken(id, clause, found, expected, e.Sequence);
}
