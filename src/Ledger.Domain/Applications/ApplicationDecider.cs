using Ledger.Domain.Funds;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;

namespace Ledger.Domain.Applications;

/// <summary>What is handed in: the sealed scan, the roster's digest and its checked lines.</summary>
public sealed record Submission(string? SealDigest, string RosterDigest, IReadOnlyList<RosterLine> Lines);

/// <summary>
/// The answer to an objection. Upheld: against <paramref name="MemberId"/> (else whom the objection named) or <paramref name="WholeList"/>;
/// <paramref name="CorrectedFen"/>: what the amount should have been.
/// </summary>
public sealed record ObjectionAnswer(
    bool Upheld,
    string Answer,
    string? MemberId = null,
    bool WholeList = false,
    Money? CorrectedFen = null
);

/// <summary>The rules of the application's way: C2, C12, C14..C17. What approval does to fund and member-years is in <see cref="Approval"/>.</summary>
public static class ApplicationDecider
{
    public static Decision<Application> File(
        Plan plan,
        Pilot? pilot,
        Fund fund,
        string subAccount,
        Submission submission,
        Actor by
    )
    {
        if (Refusal(plan, pilot, submission) is { } refusal)
            return refusal;
        if (FundDecider.EarmarkRefusal(fund, subAccount, plan.Year) is { } mismatch)
            return mismatch;
        var filed = new ApplicationFiled(
            plan.Id,
            plan.AdoptedVersion,
            plan.CollectiveId,
            plan.FundId,
            plan.Region,
            plan.Year,
            subAccount,
            by.Id,
            submission.SealDigest!,
            submission.RosterDigest,
            submission.Lines.Count,
            Total(submission),
            OnBehalfOf: by.OnBehalfOf
        );
        return Listed(filed, submission);
    }

    /// <summary>C15: after a return for correction, the whole roster anew, under the plan version in force now.</summary>
    public static Decision<Application> Resubmit(
        Application state,
        Plan plan,
        Pilot? pilot,
        Submission submission,
        Actor by
    )
    {
        if (NotIn(state, ApplicationStatus.Returned) is { } wrong)
            return wrong;
        if (Refusal(plan, pilot, submission) is { } refusal)
            return refusal;
        var filed = new ApplicationResubmitted(
            plan.AdoptedVersion,
            by.Id,
            submission.SealDigest!,
            submission.RosterDigest,
            submission.Lines.Count,
            Total(submission),
            OnBehalfOf: by.OnBehalfOf
        );
        return Listed(filed, submission);
    }

    /// <summary>C15: line by line, in as many sittings as it takes; by somebody who did not file.</summary>
    /// <param name="findings">By member id, what is to be answered for: such a line is accepted with a reason or not at all.</param>
    public static Decision<Application> Review(
        Application state,
        IReadOnlyList<LineVerdict> verdicts,
        bool acceptRest,
        IReadOnlyDictionary<string, string> findings,
        Actor by
    )
    {
        if (NotIn(state, ApplicationStatus.Filed, ApplicationStatus.Reviewed) is { } wrong)
            return wrong;
        if (by.IsAmong(state.Filers))
            return new Rejection(Rejections.SelfApproval, "申请人不能复核自己的申请");
        var members = state.Lines.Select(l => l.MemberId).ToHashSet();
        var faults = verdicts
            .Select(
                (v, i) =>
                    !members.Contains(v.MemberId)
                        ? new Fault(
                            Rejections.FieldInvalid.Code,
                            "不在本申请名单中",
                            $"verdicts[{i}].memberId",
                            MemberId: v.MemberId
                        )
                    : !v.Accepted && string.IsNullOrWhiteSpace(v.Reason)
                        ? new Fault(Rejections.FieldInvalid.Code, "不通过须写明原因", $"verdicts[{i}].reason")
                    : v.Reason?.Length > ApplicationReviewed.MaxReasonLength
                        ? new Fault(
                            Rejections.FieldInvalid.Code,
                            $"原因最多 {ApplicationReviewed.MaxReasonLength} 字",
                            $"verdicts[{i}].reason"
                        )
                    : null
            )
            .OfType<Fault>()
            .ToList();
        if (verdicts.Select(v => v.MemberId).Distinct().Count() != verdicts.Count)
            faults.Add(new Fault(Rejections.FieldInvalid.Code, "同一人员出现多次", "verdicts"));
        if (faults.Count > 0)
            return new Rejection(Rejections.FieldInvalid, "复核意见有误") { Faults = faults };

        var decided = verdicts.Select(v => v.MemberId).ToHashSet();
        var explained = verdicts
            .Where(v => !v.Accepted || !string.IsNullOrWhiteSpace(v.Reason))
            .Select(v => v.MemberId)
            .ToHashSet();
        var open = state
            .Lines.Where(l =>
                findings.ContainsKey(l.MemberId)
                && !explained.Contains(l.MemberId)
                && (decided.Contains(l.MemberId) || acceptRest && l.Status == LineStatus.Filed)
            )
            .ToList();
        if (open.Count > 0)
            return new Rejection(
                Rejections.FindingOpen,
                $"{open.Count} 人须写明依据，首例：第 {open[0].Row} 行 {findings[open[0].MemberId]}"
            )
            {
                Faults =
                [
                    .. open.Select(l => new Fault(
                        Rejections.FindingOpen.Code,
                        findings[l.MemberId],
                        Row: l.Row,
                        Column: Roster.CitizenIdColumn,
                        MemberId: l.MemberId
                    )),
                ],
            };

        if (verdicts.Count == 0 && !acceptRest)
            return new Rejection(Rejections.FieldInvalid, "没有复核意见") { Field = "verdicts" };

        var complete = acceptRest || state.With(LineStatus.Filed).All(l => decided.Contains(l.MemberId));
        var events = verdicts
            .Chunk(ApplicationReviewed.MaxVerdicts)
            .Select(c => new ApplicationReviewed(by.Id, c, false, false, OnBehalfOf: by.OnBehalfOf))
            .ToList();
        if (acceptRest)
            events.Add(new ApplicationReviewed(by.Id, [], true, false, OnBehalfOf: by.OnBehalfOf));
        events[^1] = events[^1] with { Complete = complete };
        return events.ToArray<IEventOf<Application>>();
    }

    public static Decision<Application> Return(Application state, string reason, Actor by) =>
        NotIn(state, ApplicationStatus.Filed, ApplicationStatus.Reviewed) is { } wrong ? wrong
        : by.IsAmong(state.Filers) ? new Rejection(Rejections.SelfApproval, "申请人不能退回自己的申请")
        : new IEventOf<Application>[] { new ApplicationReturned(by.Id, reason) };

    public static Decision<Application> Reject(Application state, string reason, Actor by) =>
        NotIn(state, ApplicationStatus.Filed, ApplicationStatus.Reviewed) is { } wrong ? wrong
        : by.IsAmong(state.Filers) || by.IsAmong(state.Reviewers)
            ? new Rejection(Rejections.SelfApproval, "经办人、复核人不能作审批决定")
        : new IEventOf<Application>[] { new ApplicationRejected(by.Id, reason) };

    /// <summary>C16. The first day does not count, so the notice runs the full number of days after <paramref name="today"/>.</summary>
    public static Decision<Application> PublishNotice(
        Application state,
        string place,
        int noticeDays,
        DateOnly today
    ) =>
        NotIn(state, ApplicationStatus.Approved) is { } wrong
            ? wrong
            : new IEventOf<Application>[] { new NoticePublished(today, today.AddDays(noticeDays), place) };

    public static Decision<Application> Object(Application state, string objectionId, string? memberId, string text)
    {
        if (NotIn(state, ApplicationStatus.Noticed) is { } wrong)
            return wrong;
        if (memberId is not null && state.Lines.All(l => l.MemberId != memberId))
            return new Rejection(Rejections.FieldInvalid, "不在本申请名单中") { Field = "memberId" };
        return new IEventOf<Application>[] { new ObjectionRaised(objectionId, memberId, text) };
    }

    /// <summary>
    /// C16: an objection is upheld against somebody on the list or against all of it, and something follows; nobody answers what he
    /// raised himself, nor what is raised against the application that he filed.
    /// </summary>
    /// <param name="raisedBy">Who raised it, where he is known.</param>
    public static Decision<Application> ResolveObjection(
        Application state,
        string objectionId,
        ObjectionAnswer answer,
        string? raisedBy,
        Actor by
    )
    {
        var (objection, refusal) = Open(state, objectionId, raisedBy, by);
        if (objection is null)
            return refusal!;
        if (!answer.Upheld)
            return new IEventOf<Application>[] { new ObjectionResolved(objectionId, false, answer.Answer, by.Id) };
        if (answer is { WholeList: true, MemberId: not null })
            return Invalid("wholeList", "指明一人，或整份名单，不能兼有");
        var about = answer.WholeList ? null : answer.MemberId ?? objection.MemberId;
        if (!answer.WholeList && about is null)
            return Invalid("memberId", "异议成立须指明名单中的人员；整份名单有误的选整份名单");
        if (about is not null)
        {
            if (
                state.Lines.FirstOrDefault(l => l.MemberId == about)
                is not { Status: LineStatus.Approved or LineStatus.Released } line
            )
                return Invalid("memberId", "不在公示名单中");
            if (answer.CorrectedFen == line.AmountFen)
                return Invalid("correctedAmount", $"与公示金额 {line.AmountFen} 元相同");
        }
        var resolved = new ObjectionResolved(
            objectionId,
            true,
            answer.Answer,
            by.Id,
            about,
            answer.WholeList,
            answer.CorrectedFen
        );
        var isLast = answer.WholeList || state.With(LineStatus.Approved).All(l => l.MemberId == about);
        return isLast
            ? new IEventOf<Application>[] { resolved, new ApplicationWithdrawn(by.Id, answer.Answer) }
            : [resolved];

        static Rejection Invalid(string field, string message) =>
            new(Rejections.FieldInvalid, message) { Field = field };
    }

    /// <summary>C16: what anonymous people wrote and nobody could look into is closed, many at once, with the reason on record.</summary>
    /// <param name="raisedBy">Who raised each of them, where he is known; theirs are answered one by one.</param>
    public static Decision<Application> CloseEmptyObjections(
        Application state,
        IReadOnlyList<string> objectionIds,
        IReadOnlyDictionary<string, string> raisedBy,
        string reason,
        Actor by
    )
    {
        if (objectionIds.Count == 0 || objectionIds.Distinct().Count() != objectionIds.Count)
            return new Rejection(Rejections.FieldInvalid, "没有列出异议，或有重复") { Field = "objectionIds" };
        foreach (var (id, i) in objectionIds.Select((id, i) => (id, i)))
        {
            if (Open(state, id, raisedBy.GetValueOrDefault(id), by) is { Refusal: { } refusal })
                return refusal;
            if (raisedBy.ContainsKey(id))
                return new Rejection(Rejections.FieldInvalid, "实名异议须逐条答复") { Field = $"objectionIds[{i}]" };
        }
        return objectionIds
            .Select(id => new ObjectionResolved(id, false, reason, by.Id, IsEmpty: true))
            .ToArray<IEventOf<Application>>();
    }

    private static (Objection? Objection, Rejection? Refusal) Open(
        Application state,
        string objectionId,
        string? raisedBy,
        Actor by
    ) =>
        NotIn(state, ApplicationStatus.Noticed) is { } wrong ? (null, wrong)
        : state.Objections.FirstOrDefault(o => o.ObjectionId == objectionId) is not { } objection
            ? (null, new Rejection(Rejections.NotFound, "没有这条异议"))
        : objection.Upheld is not null ? (null, new Rejection(Rejections.WrongState, "这条异议已答复"))
        : by.Is(raisedBy) ? (null, new Rejection(Rejections.SelfApproval, "不能答复自己提出的异议"))
        : by.IsAmong(state.Filers) ? (null, new Rejection(Rejections.SelfApproval, "申请人不能答复对自己申请的异议"))
        : (objection, null);

    /// <summary>
    /// C15: who reviewed or approved does not pay. C16 and C17: pay when the notice has run out and every objection is answered; all approved lines, or those of
    /// <paramref name="memberIds"/> (partial payment). Lines that the bank sent back are paid again the same way.
    /// </summary>
    public static Decision<Application> Pay(
        Application state,
        IReadOnlyList<string>? memberIds,
        string bankReference,
        IReadOnlyList<string> evidence,
        DateOnly today,
        Actor by
    )
    {
        if (state.Status == ApplicationStatus.Approved)
            return new Rejection(Rejections.NoticeOpen, "尚未公示");
        if (NotIn(state, ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong)
            return wrong;
        if (by.Is(state.Approver) || by.Is(state.ApprovedFor) || by.IsAmong(state.Reviewers))
            return new Rejection(Rejections.SelfApproval, "复核人、审批人不能付款");
        if (today <= state.NoticeUntil)
            return new Rejection(Rejections.NoticeOpen, $"公示至 {state.NoticeUntil:yyyy-MM-dd}，次日起可付款");
        var open = state.Objections.Count(o => o.Upheld is null);
        if (open > 0)
            return new Rejection(Rejections.NoticeOpen, $"尚有 {open} 条异议未答复");
        var (lines, fault) = WayBack.Lines(state, memberIds, "待付款", LineStatus.Approved);
        if (fault is not null)
            return fault;
        if (memberIds is null)
            return new IEventOf<Application>[]
            {
                new PaymentSent(by.Id, lines.Count, Total(lines), bankReference, evidence, OnBehalfOf: by.OnBehalfOf),
            };
        return lines
            .Chunk(PaymentSent.MaxMembers)
            .Select(c => new PaymentSent(
                by.Id,
                c.Length,
                Total(c),
                bankReference,
                evidence,
                [.. c.Select(l => l.MemberId)],
                OnBehalfOf: by.OnBehalfOf
            ))
            .ToArray<IEventOf<Application>>();
    }

    /// <summary>C17, C20: the list for the bank, when there is something to pay; that it was fetched stays on record.</summary>
    /// <param name="lines">The approved lines that may be paid.</param>
    public static Decision<Application> DisclosePaymentList(Application state, IReadOnlyList<Line> lines, Actor by) =>
        NotIn(state, ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong ? wrong
        : lines.Count == 0 ? new Rejection(Rejections.WrongState, "没有待付款的人员")
        : new IEventOf<Application>[] { new PaymentListDisclosed(by.Id, lines.Count, Total(lines)) };

    /// <summary>C17: done when every paid line is credited.</summary>
    public static Decision<Application> Settle(Application state, Actor by)
    {
        if (NotIn(state, ApplicationStatus.Paid) is { } wrong)
            return wrong;
        var open = state.With(LineStatus.Paid).Count();
        if (open > 0)
            return new Rejection(Rejections.WrongState, $"尚有 {open} 人未确认入账");
        var unpaid = state.With(LineStatus.Approved).Count();
        if (unpaid > 0)
            return new Rejection(Rejections.WrongState, $"尚有 {unpaid} 人未付款；请付款或撤回");
        return new IEventOf<Application>[]
        {
            new ApplicationSettled(by.Id, state.With(LineStatus.Credited).Count(), state.Total(LineStatus.Credited)),
        };
    }

    public static Rejection? NotIn(Application state, params ReadOnlySpan<ApplicationStatus> allowed) =>
        allowed.Contains(state.Status)
            ? null
            : new Rejection(Rejections.WrongState, $"申请状态为“{Name(state.Status)}”");

    /// <summary>The status in Chinese, as people read it.</summary>
    public static string Name(ApplicationStatus status) =>
        status switch
        {
            ApplicationStatus.Filed => "已提交",
            ApplicationStatus.Returned => "已退回补正",
            ApplicationStatus.Reviewed => "已复核",
            ApplicationStatus.Approved => "已审批",
            ApplicationStatus.Noticed => "公示中",
            ApplicationStatus.Paid => "已付款",
            ApplicationStatus.Settled => "已办结",
            ApplicationStatus.Rejected => "已驳回",
            ApplicationStatus.Withdrawn => "已撤回",
            _ => throw new ArgumentOutOfRangeException(nameof(status)),
        };

    private static Rejection? Refusal(Plan plan, Pilot? pilot, Submission submission) =>
        PilotDecider.Refusal(pilot, Identity.RegionCode.County(plan.Region))
        ?? (plan.AdoptedVersion == 0 ? new Rejection(Rejections.PlanNotAdopted, $"{plan.Year} 年度方案尚未通过") : null)
        ?? (
            string.IsNullOrEmpty(submission.SealDigest)
                ? new Rejection(Rejections.SealMissing, "申请须附村委会盖章扫描件") { Field = "seal" }
                : null
        )
        ?? (submission.Lines.Count == 0 ? new Rejection(Rejections.RosterInvalid, "名单中没有人员") : null)
        ?? (
            submission.Lines.Count > Roster.MaxLines
                ? new Rejection(
                    Rejections.LimitExceeded,
                    $"一份申请最多 {Roster.MaxLines} 人，现为 {submission.Lines.Count} 人"
                )
                : null
        );

    private static Money Total(IEnumerable<Line> lines) => Money.Sum(lines.Select(l => l.AmountFen));

    private static Money Total(Submission s) => Money.Sum(s.Lines.Select(l => l.AmountFen));

    private static IEventOf<Application>[] Listed(IEventOf<Application> first, Submission submission) =>
        [first, .. submission.Lines.Chunk(LinesListed.MaxLines).Select(c => new LinesListed(c))];
}
