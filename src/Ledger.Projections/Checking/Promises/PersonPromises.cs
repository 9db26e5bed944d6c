using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// What a person's year promises, by what was on record at each moment: the cap over all collectives and donors
/// (C11); who is subsidised and paid is alive, a member, has paid the year's contribution himself and none to catch
/// up (C4, C5, C6), or has had it paid by the government where the policy year lets that do (L14); a contribution is
/// changed after it was made, and not refunded beyond what was paid (L15); one subsidy of one origin a year; money is
/// not credited before it was sent, nor sent back before it came (C17); what was credited does not come back for a
/// death (L1) or after it was cleared to the person (L2); a correction has two people (C20).
/// </summary>
/// <param name="standards">By plan.</param>
/// <param name="inScope">Whether what happened in a region is the caller's affair.</param>
public sealed class PersonPromises(
    string id,
    PolicyCaps caps,
    Origins origins,
    IReadOnlyDictionary<string, AdoptedStandards> standards,
    Func<string, bool> inScope,
    Report broken,
    Report unclear,
    LineReviewers? reviewers = null
)
{
    /// <summary>Before this day a build let who recorded a contribution review what rests on it.</summary>
    private static readonly DateOnly NotByRecordersFrom = new(2026, 12, 1);

    private readonly List<(string Reference, string By)> _recorders = [];

    private sealed class Given(string collectiveId, Money amount)
    {
        public readonly string CollectiveId = collectiveId;
        public readonly Money Amount = amount;
        public bool Counts = true,
            IsCleared;
        public DateOnly? PaidOn,
            CreditedOn;
        public long PaidAt;
    }

    private readonly int _year = int.Parse(id.AsSpan(^4..), System.Globalization.CultureInfo.InvariantCulture);
    private readonly HashSet<string> _memberships = [];
    private readonly List<ContributionRecorded> _contributions = [];
    private readonly Dictionary<string, string> _askedBy = [];
    private readonly Dictionary<string, Given> _given = [];
    private readonly Dictionary<string, Money> _sponsored = [];
    private (DateOnly On, long Since)? _death;

    /// <summary>The year's events and the person's, in the order of recording.</summary>
    public void Take(IEvent e)
    {
        switch (e.Data)
        {
            case MemberRegistered m:
                _memberships.Add(m.CollectiveId);
                break;
            case MemberChangeRequested r:
                _askedBy[r.ChangeId] = r.RequestedBy;
                break;
            case MemberCorrected { ChangeId: { } change } c:
                BySecondPerson(e, change, c.CorrectedBy);
                break;
            case DepartureRevoked r:
                BySecondPerson(e, r.ChangeId, r.RevokedBy);
                _memberships.Add(r.CollectiveId);
                break;
            case MembershipEnded m:
                _memberships.Remove(m.CollectiveId);
                break;
            case MembershipMoved m:
                _memberships.Remove(m.FromCollectiveId);
                _memberships.Add(m.ToCollectiveId);
                break;
            case DeathRecorded d:
                _death = (d.On, e.Sequence);
                break;
            case DeathRevoked r:
                if (r.ChangeId is { } revoked)
                    BySecondPerson(e, revoked, r.RevokedBy);
                _death = null;
                break;
            case ContributionRecorded c:
                _contributions.Add(c);
                _recorders.Add((c.Reference, e.Header(EventHeaders.Actor)));
                break;
            case ContributionAdjusted a:
                _recorders.Add((a.Of, e.Header(EventHeaders.Actor)));
                Changed(
                    e,
                    a.Of,
                    c =>
                        c with
                        {
                            TierFen = a.TierFen,
                            AmountFen = a.AmountFen,
                            ContributionYears = a.ContributionYears ?? c.ContributionYears,
                        }
                );
                break;
            case ContributionRefunded r:
                Changed(e, r.Of, c => c with { AmountFen = c.AmountFen - r.AmountFen });
                break;
            case ContributionReversalRequested r:
                _askedBy[r.Reference] = r.RequestedBy;
                break;
            case ContributionReversed r:
                BySecondPerson(e, r.Reference, r.ConfirmedBy);
                _contributions.RemoveAll(c => c.Reference == r.Reference);
                break;
            default:
                TakeMoney(e);
                break;
        }
    }

    /// <summary>What is left of it may be nothing, never less.</summary>
    private void Changed(IEvent e, string of, Func<ContributionRecorded, ContributionRecorded> change)
    {
        var at = _contributions.FindIndex(c => c.Reference == of && c.AmountFen.IsPositive);
        if (at < 0)
        {
            Breaks(e, "L15", $"调整或退还的缴费 {of} 不存在，或已全部退费", "先缴费");
            return;
        }
        _contributions[at] = change(_contributions[at]);
        if (_contributions[at].AmountFen < Money.Zero)
            Breaks(e, "L15", $"缴费 {of} 退还的多于所缴", "不超过所缴的金额");
    }

    private void TakeMoney(IEvent e)
    {
        switch (e.Data)
        {
            case SponsorshipRecorded s:
                if (_death is not null)
                    Breaks(e, "C4", "直接资助时已登记死亡", "健在");
                if (Opening(e) is null)
                    Breaks(e, "C6", "直接资助时没有本年度个人缴费记录", "本人先缴费");
                _sponsored[s.SponsorshipId] = s.AmountFen;
                Capped(e);
                break;
            case SponsorshipReversed s:
                _sponsored.Remove(s.SponsorshipId);
                break;
            case SubsidyApproved a:
                Approved(e, a);
                break;
            case SubsidyReleased r when Known(e, r.ApplicationId) is { } released:
                released.Counts = false;
                break;
            case SubsidyPaid p when Known(e, p.ApplicationId) is { } paid:
                Eligible(e, "付款", origins.At(paid.CollectiveId, e.Sequence));
                Opened(e, p.OnGovernmentPaid);
                (paid.PaidOn, paid.PaidAt) = (e.EffectiveDate(), e.Sequence);
                break;
            case SubsidyReturned r when Known(e, r.ApplicationId) is { } returned:
                (returned.PaidOn, returned.CreditedOn) = (null, null);
                break;
            case SubsidyCredited c when Known(e, c.ApplicationId) is { } credited:
                if (credited.PaidOn is not { } sent)
                    Breaks(e, "C17", "没有付款就入账了", "先付款");
                else if (c.CreditedOn < sent)
                    Breaks(e, "C17", $"入账日期 {c.CreditedOn:yyyy-MM-dd}", $"不早于付款的业务日期 {sent:yyyy-MM-dd}");
                credited.CreditedOn = e.EffectiveDate();
                break;
            case SubsidyRefunded r when Known(e, r.ApplicationId) is { } refunded:
                if ((refunded.CreditedOn ?? refunded.PaidOn) is not { } came)
                    Breaks(e, "C17", "没有付款就退回了", "先付款");
                else if (e.EffectiveDate() < came)
                    Breaks(
                        e,
                        "C17",
                        $"退回的业务日期 {e.EffectiveDate():yyyy-MM-dd}",
                        $"不早于付款、入账的 {came:yyyy-MM-dd}"
                    );
                if (
                    refunded.IsCleared
                    || r.Reason == RefundReason.Death
                        && refunded.CreditedOn is not null
                        && e.EffectiveDate() >= Refund.DeathIsFinalFrom
                )
                    Breaks(e, "L1", "已入账的补助因死亡或清退后退回集体", "记入个人账户的归本人，由继承人继承");
                (refunded.Counts, refunded.PaidOn) = (false, null);
                break;
            case SubsidyCleared c when Known(e, c.ApplicationId) is { } cleared:
                if (cleared.CreditedOn is null || c.ClearedOn < cleared.CreditedOn)
                    Breaks(e, "L2", "没有入账就清退给本人了", "先入账");
                cleared.IsCleared = true;
                break;
        }
    }

    /// <summary>C15: nobody reviews or approves what rests on nothing but his own word.</summary>
    private void OwnRecord(IEvent e, SubsidyApproved a)
    {
        if (e.EffectiveDate() < NotByRecordersFrom || Opening(e)?.Reference is not { } opening)
            return;
        var person = $"member-{id["member-year-".Length..^5]}";
        foreach (
            var (who, act) in new[]
            {
                (reviewers?.Who(a.ApplicationId, person), "复核"),
                (e.Header(EventHeaders.Actor), "审批"),
            }
        )
            if (_recorders.Contains((opening, who ?? "")))
                Breaks(e, "C15", $"{who} {act}了自己导入的缴费所涉的补助", $"由没有导入的人{act}");
    }

    private void Approved(IEvent e, SubsidyApproved a)
    {
        var origin = origins.At(a.CollectiveId, e.Sequence);
        Eligible(e, "审批", origin);
        Opened(e, a.OnGovernmentPaid);
        OwnRecord(e, a);
        if (
            _given.FirstOrDefault(g =>
                g.Key != a.ApplicationId && g.Value.Counts && origin.Contains(g.Value.CollectiveId)
            ) is
            { Key: { } earlier, Value: var first }
        )
            Breaks(
                e,
                "C4",
                first.CollectiveId == a.CollectiveId
                    ? $"{_year} 年度已由 {earlier} 获本集体补助"
                    : $"{_year} 年度已由 {earlier} 获同源集体 {first.CollectiveId} 补助",
                "同一来源的集体（合并、分立前后）一年补助一次"
            );
        _given[a.ApplicationId] = new Given(a.CollectiveId, a.AmountFen);
        Capped(e);
        if (Due(e, a) is { } due && due != a.AmountFen)
            Breaks(e, "C10", $"审批 {a.AmountFen} 元", $"按审批时有效的方案和缴费档次应为 {due} 元");
    }

    private void Breaks(IEvent e, string clause, string found, string expected)
    {
        if (inScope(e.Header(EventHeaders.Region)))
            broken(id, clause, found, expected, e.Sequence);
    }

    private Given? Known(IEvent e, string application)
    {
        if (_given.TryGetValue(application, out var given))
            return given;
        Breaks(e, "C15", $"{application} 没有审批过此人", "先审批");
        return null;
    }

    private void BySecondPerson(IEvent e, string asked, string confirmedBy)
    {
        if (_askedBy.GetValueOrDefault(asked) is var asker && (asker is null || asker == confirmedBy))
            Breaks(e, "C20", "更正由提出者自己确认，或没有提出过", "由另一人确认");
    }

    private void Capped(IEvent e)
    {
        var sum = Money.Sum(_given.Values.Where(g => g.Counts).Select(g => g.Amount)) + Money.Sum(_sponsored.Values);
        if (caps.At(e.Header(EventHeaders.Region), _year, e.Sequence) is not { } cap)
            Breaks(e, "C11", $"{_year} 年度没有政策参数", "先发布政策参数");
        else if (sum > cap)
            Breaks(e, "C11", $"{_year} 年度各项补助共 {sum} 元", $"不超过当时的最高缴费档次 {cap} 元");
    }

    private void Eligible(IEvent e, string step, IReadOnlySet<string> origin)
    {
        if (_death is not null)
            Breaks(e, "C4", $"{step}时已登记死亡", "健在的成员");
        if (!_memberships.Overlaps(origin))
            Breaks(e, "C4", $"{step}时不是本集体成员", "本集体成员");
        if (Standing(ContributionKind.CatchUp) is not null)
            Breaks(e, "C5", $"{step}时有本年度一次性补缴", "一次性补缴的不补助");
        if (Opening(e) is null)
            Breaks(e, "C6", $"{step}时没有本年度个人缴费记录", "本人先缴费");
    }

    /// <summary>
    /// L14: the event says whether it was the government's payment that opened the subsidy; the claw-back list goes by
    /// that.
    /// </summary>
    private void Opened(IEvent e, bool onGovernmentPaid)
    {
        if (Opening(e) is { } opening && (opening.Kind == ContributionKind.GovernmentPaid) != onGovernmentPaid)
            Breaks(
                e,
                "L14",
                onGovernmentPaid ? "记为凭政府代缴，本人却有缴费" : "记为凭本人缴费，却只有政府代缴",
                "与缴费记录一致"
            );
    }

    /// <summary>
    /// The person's own payment, else the government's where the switch stood so at this event (L14).
    /// </summary>
    private ContributionRecorded? Opening(IEvent e) =>
        Standing(ContributionKind.Regular)
        ?? (
            caps.GovernmentPaidOpens(e.Header(EventHeaders.Region), _year, e.Sequence)
                ? Standing(ContributionKind.GovernmentPaid)
                : null
        );

    private ContributionRecorded? Standing(ContributionKind kind) =>
        _contributions.FirstOrDefault(c => c.Kind == kind && c.AmountFen.IsPositive);

    /// <summary>What the plan in force gives; null where that follows from what no event says, an age.</summary>
    private Money? Due(IEvent e, SubsidyApproved a) =>
        Opening(e) is { } own
        && standards.GetValueOrDefault(StreamId.PlanOf(a.CollectiveId, _year))?.At(e.Sequence) is { } standard
        && !LooksAtAge(standard)
            ? standard.AmountFor(new LineFacts(own.TierFen, null, own.ContributionYears))
            : null;

    private static bool LooksAtAge(Standard standard) =>
        standard.Kind == StandardKind.PerAgeBand || standard.Parts?.Any(LooksAtAge) == true;

    public void Finish()
    {
        foreach (
            var (application, given) in _given.Where(g =>
                g.Value is { Counts: true, PaidOn: not null, CreditedOn: null } // what was credited is the heirs' (L1)
            )
        )
            if (_death is var (on, since) && since > given.PaidAt && on <= given.PaidOn)
                unclear(
                    id,
                    "C4",
                    $"{on:yyyy-MM-dd} 死亡，{application} 的补助 {given.Amount} 元在其后付款，尚未退回",
                    "由经办机构退回",
                    since
                );
    }
}
