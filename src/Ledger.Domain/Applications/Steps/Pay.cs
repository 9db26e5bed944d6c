using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Applications.Steps;

/// <summary>The transfer to the agency (C9, C15, C16, C17): of all approved lines or of some.</summary>
public static class Pay
{
    /// <summary>Changed: application, fund, member-years. The rest stays as it is until the commit.</summary>
    /// <param name="People">With the standard under which the lines were approved.</param>
    /// <param name="Earlier">Entries of the fund that share a slip or the reference.</param>
    /// <param name="Dates">Where the payment is dated back: since when each line is where it is.</param>
    /// <param name="CommitteeSigns">The policy year asks for the supervision committee's signature (L7).</param>
    public sealed record Basis(
        Application Application,
        Fund Fund,
        LineBasis People,
        IReadOnlyList<EarlierEntry> Earlier,
        LineDates? Dates,
        bool CommitteeSigns = false
    );

    /// <param name="MemberIds">Only these; null: all approved lines.</param>
    /// <param name="ConfirmDuplicate">Why it is not the entry that a question named.</param>
    public sealed record Order(
        Money AmountFen,
        string Purpose,
        string BankReference,
        IReadOnlyList<string> Evidence,
        DateOnly BusinessDate,
        IReadOnlyList<string>? MemberIds = null,
        string? ConfirmDuplicate = null
    );

    /// <summary>
    /// Whoever may not be paid any more is left out and named; his money goes back to the fund before the others'
    /// leaves it. Of whom the agency's list has found something since (L19), he waits: not paid, and not left out.
    /// </summary>
    public static Decision<Application> Decide(Basis on, Order order, DateOnly today, Actor by)
    {
        var (before, people) = (on.Application, on.People);
        // What stops the payment comes before a look at each person.
        if (Move(before, order.MemberIds, order.BankReference, order.Evidence, today, by).Rejection is { } refusal)
            return refusal;
        if (Unsigned(before, on.CommitteeSigns) is { } unsigned)
            return unsigned;
        var due = before.Approved(order.MemberIds);
        var leftOut = LineCheck.Unpayable(before, due, people);
        if (Damaged(before, leftOut) is { } damaged)
            return damaged;
        var reasons = leftOut.ToDictionary(l => l.MemberId, l => l.Reason);
        var waiting = LineCheck.Waiting(due.Where(l => !reasons.ContainsKey(l.MemberId)), people);
        var unpaid = (IReadOnlyList<LeftOutLine>)[.. waiting, .. leftOut];
        if (unpaid.Count == due.Count)
            return LineCheck.NobodyLeft(before, unpaid);
        var faults = LineCheck.Faults(before, unpaid);
        var lines = due.ExceptBy(unpaid.Select(l => l.MemberId), l => l.MemberId).ToList();
        if (on.Dates?.Payment(before, lines, order.BusinessDate) is { } early)
            return early;

        var released = Release.Of(
            before,
            [.. due.Where(l => reasons.ContainsKey(l.MemberId))],
            on.Fund,
            people.Years,
            $"付款时 {reasons.Count} 人不再符合条件",
            l => reasons[l.MemberId]
        );
        var fund = (Fund?)released.FirstOrDefault()?.State ?? on.Fund;
        var paid = FundDecider.Pay(
            fund,
            before.Id,
            order.Purpose,
            order.AmountFen,
            Line.Total(lines),
            lines.Count,
            order.BankReference,
            order.Evidence,
            order.BusinessDate
        );
        // Whoever paid out everything is told whom he should not have paid.
        if (paid.Rejection is { } mismatch)
            return mismatch with { Faults = faults };
        var earlier = SameMoney.Among(on.Earlier, fund, Booking.Payment, [], []);
        if (SameMoney.Refusal(earlier, order.ConfirmDuplicate) is { } asked)
            return asked;
        var left = LineCheck.LeaveOut(before, leftOut, by);
        var rest = order.MemberIds is null && waiting.Count == 0 ? null : lines.Select(l => l.MemberId).ToList();
        var sent = Move(
            left.Count == 0 ? before : Change.Of(before, left).After,
            rest,
            order.BankReference,
            order.Evidence,
            today,
            by
        );
        return new Decision<Application>([.. left, .. sent.Events], null)
        {
            Also =
            [
                .. released,
                Change.Of(fund, paid.Events),
                .. before.EachYear(lines, people.Years, l => Paid(before, l, people)),
            ],
            LeftOut = faults,
            Confirmed = SameMoney.Confirmed(earlier, order.ConfirmDuplicate),
        };
    }

    private static SubsidyPaid Paid(Application application, Line line, LineBasis people) =>
        new(application.Id, line.AmountFen, people.Years[application.MemberYearId(line)].Regular() is null);

    /// <summary>
    /// Nothing can be written of whose record is damaged, not even that his money goes back: he waits, and the others
    /// are paid by name.
    /// </summary>
    private static Rejection? Damaged(Application application, IReadOnlyList<LeftOutLine> leftOut) =>
        leftOut.Where(l => l.Code == Rejections.RecordDamaged.Code).ToList() is { Count: > 0 } damaged
            ? new Rejection(Rejections.RecordDamaged, $"{damaged.Count} 人的记录损坏，不能付款；其余的人可以选出先付")
            {
                Faults = LineCheck.Faults(application, damaged),
            }
            : null;

    /// <summary>
    /// The application's own part. C15: who reviewed or approved does not pay. C16 and C17: pay when the notice has run
    /// out and every objection is answered; all approved lines, or those of <paramref name="memberIds"/>. Lines that
    /// the bank sent back are paid again the same way. L7: nothing that is on hold; nor by who signed or held it for
    /// the supervision committee.
    /// </summary>
    public static Decision<Application> Move(
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
        if (state.NotIn(ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong)
            return wrong;
        if (Held(state) is { } held)
            return held;
        if (by.Is(state.Approver) || by.Is(state.ApprovedFor) || by.IsAmong(state.Reviewers))
            return new Rejection(Rejections.SelfApproval, "复核人、审批人不能付款");
        if (by.IsAmong(state.Committee))
            return new Rejection(Rejections.SelfApproval, "为村监委会签字或叫停的人不能付款");
        if (Open(state, today) is { } open)
            return open;
        var (lines, fault) = state.LinesOf(memberIds, "待付款", LineStatus.Approved);
        if (fault is not null)
            return fault;
        if (memberIds is null)
            return new IEventOf<Application>[]
            {
                new PaymentSent(
                    by.Id,
                    lines.Count,
                    Line.Total(lines),
                    bankReference,
                    evidence,
                    OnBehalfOf: by.OnBehalfOf
                ),
            };
        return lines
            .Chunk(PaymentSent.MaxMembers)
            .Select(c => new PaymentSent(
                by.Id,
                c.Length,
                Line.Total(c),
                bankReference,
                evidence,
                [.. c.Select(l => l.MemberId)],
                OnBehalfOf: by.OnBehalfOf
            ))
            .ToArray<IEventOf<Application>>();
    }

    /// <summary>L7: the supervision committee has put it on hold.</summary>
    public static Rejection? Held(Application state) =>
        state.Hold is { } hold
            ? new Rejection(
                Rejections.PaymentHeld,
                $"{hold.On:yyyy-MM-dd} {hold.HeldBy} 叫停：{hold.Reason}；须由乡镇（街道）解除"
            )
            : null;

    /// <summary>C16: the notice has not run out, or an objection waits for its answer.</summary>
    public static Rejection? Open(Application state, DateOnly today) => Running(state, today) ?? Unanswered(state);

    /// <summary>C16: the notice has not run out.</summary>
    public static Rejection? Running(Application state, DateOnly today) =>
        today <= state.NoticeUntil
            ? new Rejection(Rejections.NoticeOpen, $"公示至 {state.NoticeUntil:yyyy-MM-dd}，次日起可付款")
            : null;

    /// <summary>C16: an objection waits for its answer.</summary>
    public static Rejection? Unanswered(Application state) =>
        state.Objections.Count(o => o.Upheld is null) is > 0 and var open
            ? new Rejection(Rejections.NoticeOpen, $"尚有 {open} 条异议未答复")
            : null;

    /// <summary>L7: the supervision committee has to sign and has not, where the policy year asks for it.</summary>
    public static Rejection? Unsigned(Application state, bool committeeSigns) =>
        committeeSigns && !state.IsPaymentSigned
            ? new Rejection(Rejections.CommitteeSignatureMissing, "待付款的名单尚未经村务监督委员会签字")
            : null;

    /// <summary>
    /// C17, C20: the list for the bank, when there is something to pay; that it was fetched stays on record.
    /// </summary>
    /// <param name="lines">The approved lines that may be paid.</param>
    public static Decision<Application> Disclose(Application state, IReadOnlyList<Line> lines, Actor by) =>
        state.NotIn(ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong ? wrong
        : Held(state) is { } held ? held
        : lines.Count == 0 ? new Rejection(Rejections.WrongState, "没有待付款的人员")
        : new IEventOf<Application>[] { new PaymentListDisclosed(by.Id, lines.Count, Line.Total(lines)) };
}
