using JasperFx.Events;
using Ledger.Domain.Applications;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// What an application promises: filer, reviewer, approver and payer are different people (C15), each acting in his own
/// name; nothing is paid before the day after the notice's last (C16).
/// </summary>
/// <param name="unclear">For what may have been meant, and wants looking at.</param>
public sealed class ApplicationPromises(string id, Report broken, Report unclear)
{
    private readonly HashSet<string> _filers = [],
        _reviewers = [];
    private readonly Dictionary<string, (string? MemberId, string By)> _objections = [];
    private readonly Dictionary<string, string> _complaints = [];
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
                _filers.Add(InOwnName(f.FiledBy, e));
                break;
            case ApplicationResubmitted f:
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
                if (r.Upheld && !r.WholeList && (r.MemberId ?? objection.MemberId) is null)
                    _withoutEffect.Add(r.ObjectionId);
                break;
            case ComplaintRaised c:
                _complaints[c.ComplaintId] = e.Header(EventHeaders.Actor);
                break;
            case ComplaintAnswered a:
                Answered(a, e);
                break;
            case PaymentSent p:
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

    private void Answered(ComplaintAnswered a, IEvent e)
    {
        if (
            a.AnsweredBy == _complaints.GetValueOrDefault(a.ComplaintId)
            || a.AnsweredBy == _approver
            || _filers.Contains(a.AnsweredBy)
            || _reviewers.Contains(a.AnsweredBy)
        )
            broken(id, "L18", $"{a.AnsweredBy} 答复了自己提出或经办的事", "由没有经办的人答复", e.Sequence);
        InOwnName(a.AnsweredBy, e);
    }

    private string InOwnName(string who, IEvent e)
    {
        if (who != e.Header(EventHeaders.Actor))
            broken(id, "C15", $"{who} 与办理人 {e.Header(EventHeaders.Actor)} 不符", "办理人本人", e.Sequence);
        return who;
    }
}
