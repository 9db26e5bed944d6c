namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// The village's supervision committee (村务监督委员会, L7): it signs what is to be paid, and may put it on hold, which
/// only the township lifts.
/// </summary>
public static class Committee
{
    /// <summary>
    /// What is due now, once the notice has run out and nothing waits for an answer: it signs what will be paid. Nobody
    /// who had another part in it. Paid in parts, the one signature stands for all of them.
    /// </summary>
    public static Decision<Application> Sign(Application state, DateOnly today, Actor by)
    {
        if (state.Status == ApplicationStatus.Approved)
            return new Rejection(Rejections.NoticeOpen, "尚未公示");
        if (state.NotIn(ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong)
            return wrong;
        if (Pay.Held(state) is { } held)
            return held;
        if (state.IsPaymentSigned)
            return new Rejection(Rejections.WrongState, "待付款的名单已签字");
        if (by.IsAmong(state.Handlers().OfType<string>().Except(state.Committee)))
            return new Rejection(Rejections.SelfApproval, "经办、复核、审批、付款的人不能为村监委会签字");
        if (Pay.Open(state, today) is { } open)
            return open;
        var (lines, fault) = state.LinesOf(null, "待付款", LineStatus.Approved);
        return fault is not null
            ? fault
            : new IEventOf<Application>[]
            {
                new PaymentSigned(by.Id, lines.Count, Line.Total(lines), OnBehalfOf: by.OnBehalfOf),
            };
    }

    /// <summary>
    /// Everything that is approved and not paid, the whole list: whom alone it concerns, an objection or the village
    /// takes out.
    /// </summary>
    public static Decision<Application> Hold(Application state, string reason, DateOnly today, Actor by) =>
        state.NotIn(ApplicationStatus.Approved, ApplicationStatus.Noticed, ApplicationStatus.Paid) is { } wrong ? wrong
        : Pay.Held(state) is { } held ? held with { Code = Rejections.WrongState }
        : !state.With(LineStatus.Approved).Any() ? new Rejection(Rejections.WrongState, "没有待付款的人员")
        : new IEventOf<Application>[] { new PaymentHeld(by.Id, today, reason, by.OnBehalfOf) };

    /// <summary>By the township, and nobody who had a part in the application or held it.</summary>
    public static Decision<Application> Lift(Application state, string reason, Actor by) =>
        state.Hold is null ? new Rejection(Rejections.WrongState, "付款没有被叫停")
        : by.IsAmong(state.Handlers().OfType<string>())
            ? new Rejection(Rejections.SelfApproval, "办理过本申请或叫停付款的人不能解除")
        : new IEventOf<Application>[] { new PaymentHoldLifted(by.Id, reason, by.OnBehalfOf) };
}
