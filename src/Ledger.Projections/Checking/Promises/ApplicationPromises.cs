using JasperFx.Events;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Identity;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// What an application promises: filer, reviewer, approver and payer are different people (C15), each acting in his own
/// name; nothing is paid before the day after the notice's last (C16), nor while the supervision committee holds it,
/// nor without its signature where the policy year asks for it; who signed or held it does not pay, nor lift the hold
/// (L7); a complaint is answered by the township, or by the county once it is there, and by nobody who complained,
/// answered or handled the application (L18); nor does who handled it answer an objection to it.
/// </summary>
/// <param name="policies">What the policy years asked for; null: nobody knows.</param>
/// <param name="unclear">For what may have been meant, and wants looking at.</param>
/// <param name="filed">Told of each filing: whether it was time is seen at the plan.</param>
public sealed class ApplicationPromises(
    string id,
    PolicyCaps? policies,
    Report broken,
    Report unclear,
    Action<PlanFiling>? filed = null
)
{
    /// <summary>Who raised or answered it, and whether it has come to the county (L18).</summary>
    private sealed class Complained
    {
        public readonly HashSet<string> Handled = [];
        public bool IsAtCounty;
    }

    private readonly HashSet<string> _filers = [],
        _reviewers = [],
        _committee = [];
    private string? _heldBy;
    private bool _isSigned;
    private int _year;
    private string _plan = "";
    private readonly Dictionary<string, (string? MemberId, string By)> _objections = [];
    private readonly Dictionary<string, Complained> _complaints = [];
    private readonly HashSet<string> _withoutEffect = [];
    private string? _approver;
    private DateOnly? _noticeUntil;

    /// <summary>The application's events in their order.</summary>
    public void Take(IEvent e)
    {
        var at = e.Sequence;
        switch (e.Data)
        {
            case ApplicationFiled f:
                (_year, _plan) = (f.Year, f.PlanId);
                filed?.Invoke(new PlanFiling(id, _plan, f.PlanVersion, e.EffectiveDate(), at));
                _filers.Add(InOwnName(f.FiledBy, e));
                break;
            case ApplicationResubmitted f:
                filed?.Invoke(new PlanFiling(id, _plan, f.PlanVersion, e.EffectiveDate(), at));
                _filers.Add(InOwnName(f.FiledBy, e));
                _reviewers.Clear(); // the new roster is reviewed anew
                break;
            case ApplicationReviewed r:
                if (_filers.Contains(r.ReviewedBy))
                    broken(id, "C15", $"{r.ReviewedBy} 复核了自己提交的申请", "复核人不是申请人", at);
                _reviewers.Add(InOwnName(r.ReviewedBy, e));
                break;
            case ApplicationApproved a:
                if (_filers.Contains(a.ApprovedBy) || _reviewers.Contains(a.ApprovedBy))
                    broken(id, "C15", $"{a.ApprovedBy} 审批了自己提交或复核的申请", "审批人不是申请人、复核人", at);
                if (_reviewers.Count == 0)
                    broken(id, "C15", "没有复核就审批了", "先复核", at);
                _approver = InOwnName(a.ApprovedBy, e);
                break;
            case NoticePublished n:
                _noticeUntil = n.Until;
                break;
            case ObjectionRaised o:
                _objections[o.ObjectionId] = (o.MemberId, e.Header(EventHeaders.Actor));
                break;
            case ObjectionResolved r:
                var objection = _objections.GetValueOrDefault(r.ObjectionId);
                if (objection.By == r.ResolvedBy)
                    unclear(id, "C16", $"{r.ResolvedBy} 答复了自己提出的异议", "由另一人答复", at);
                else if (
                    e.EffectiveDate() >= AnswerObjection.NotByHandlersFrom
                    && (
                        r.ResolvedBy == _approver
                        || _filers.Contains(r.ResolvedBy)
                        || _reviewers.Contains(r.ResolvedBy)
                        || _committee.Contains(r.ResolvedBy)
                    )
                )
                    broken(id, "C16", $"{r.ResolvedBy} 答复了对自己经办的申请的异议", "由没有经办的人答复", at);
                if (r.Upheld && !r.WholeList && (r.MemberId ?? objection.MemberId) is null)
                    _withoutEffect.Add(r.ObjectionId);
                break;
            case PaymentSigned or PaymentHeld or PaymentHoldLifted or PaymentReturned:
                Watch(e);
                break;
            case ComplaintRaised c:
                _complaints[c.ComplaintId] = new Complained { Handled = { e.Header(EventHeaders.Actor) } };
                break;
            case ComplaintEscalated c when _complaints.GetValueOrDefault(c.ComplaintId) is { } complained:
                complained.IsAtCounty = true;
                break;
            case ComplaintAnswered a:
                Answered(a, e);
                break;
            case PaymentSent p:
                Watched(p, e);
                if (p.PaidBy == _approver || _reviewers.Contains(p.PaidBy))
                    broken(id, "C15", $"{p.PaidBy} 支付了自己复核或审批的申请", "付款人不是复核人、审批人", at);
                InOwnName(p.PaidBy, e);
                if (_noticeUntil is not { } until)
                    broken(id, "C16", "没有公示就付款了", "公示期满后付款", at);
                else if (e.EffectiveDate() <= until)
                    broken(
                        id,
                        "C16",
                        $"付款的业务日期 {e.EffectiveDate():yyyy-MM-dd}",
                        $"公示至 {until:yyyy-MM-dd}，次日起付款",
                        at
                    );
                foreach (var upheld in _withoutEffect)
                    unclear(
                        id,
                        "C16",
                        $"异议 {upheld} 成立，名单和金额没有变化就付款了",
                        "写明成立所涉的人员或更正的金额",
                        at
                    );
                _withoutEffect.Clear();
                break;
        }
    }

    /// <summary>What the supervision committee does, and the township to that (L7).</summary>
    private void Watch(IEvent e)
    {
        switch (e.Data)
        {
            case PaymentSigned s:
                if (_filers.Contains(s.SignedBy) || _reviewers.Contains(s.SignedBy) || s.SignedBy == _approver)
                    broken(id, "L7", $"{s.SignedBy} 为自己经办的申请签字", "签字人没有办理过申请", e.Sequence);
                _committee.Add(InOwnName(s.SignedBy, e));
                _isSigned = true;
                break;
            case PaymentReturned:
                _isSigned = false; // what the bank sent back is signed anew
                break;
            case PaymentHeld h:
                _committee.Add(_heldBy = InOwnName(h.HeldBy, e));
                break;
            case PaymentHoldLifted l:
                if (_committee.Contains(InOwnName(l.LiftedBy, e)) || _filers.Contains(l.LiftedBy))
                    broken(id, "L7", $"{l.LiftedBy} 解除了自己叫停或经办的付款", "由乡镇未经手的人解除", e.Sequence);
                _heldBy = null;
                break;
        }
    }

    private void Watched(PaymentSent p, IEvent e)
    {
        if (_heldBy is { } holder)
            broken(id, "L7", $"{holder} 叫停后付了款", "解除叫停后付款", e.Sequence);
        if (_committee.Contains(p.PaidBy))
            broken(id, "L7", $"{p.PaidBy} 支付了自己签字或叫停的申请", "付款人不是签字人", e.Sequence);
        if (
            !_isSigned
            && policies?.ParametersAt(e.Header(EventHeaders.Region), _year, e.Sequence)
                is { CommitteeSignsPayments: true }
        )
            broken(id, "L7", "没有村监委会签字就付款了", "签字后付款", e.Sequence);
    }

    private void Answered(ComplaintAnswered a, IEvent e)
    {
        var (complained, role) = (_complaints.GetValueOrDefault(a.ComplaintId), e.Header(EventHeaders.Role));
        if (
            complained?.Handled.Contains(a.AnsweredBy) == true
            || a.AnsweredBy == _approver
            || _filers.Contains(a.AnsweredBy)
            || _reviewers.Contains(a.AnsweredBy)
        )
            broken(id, "L18", $"{a.AnsweredBy} 答复了自己提出、答复过或经办的事", "由没有经办的人答复", e.Sequence);
        if (
            complained?.IsAtCounty == true
                ? role is not (Roles.CountyHrss or Roles.CountyAgriculture)
                : role != Roles.Township
        )
            broken(
                id,
                "L18",
                $"{a.AnsweredBy}（{role}）答复了投诉",
                complained?.IsAtCounty == true ? "由县级答复" : "由乡镇（街道）先答复",
                e.Sequence
            );
        complained?.Handled.Add(InOwnName(a.AnsweredBy, e));
    }

    private string InOwnName(string who, IEvent e)
    {
        if (who != e.Header(EventHeaders.Actor))
            broken(id, "C15", $"{who} 与办理人 {e.Header(EventHeaders.Actor)} 不符", "办理人本人", e.Sequence);
        return who;
    }
}
