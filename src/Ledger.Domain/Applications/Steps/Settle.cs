namespace Ledger.Domain.Applications.Steps;

/// <summary>The end of an application (办结, C17).</summary>
public static class Settle
{
    /// <summary>C17: done when every paid line is credited.</summary>
    public static Decision<Application> Decide(Application state, Actor by)
    {
        if (state.NotIn(ApplicationStatus.Paid) is { } wrong)
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
}
