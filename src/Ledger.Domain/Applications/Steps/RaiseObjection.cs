namespace Ledger.Domain.Applications.Steps;

/// <summary>Anybody objects while the notice is open (异议, C16).</summary>
public static class RaiseObjection
{
    public static Decision<Application> Decide(Application state, string objectionId, string? memberId, string text)
    {
        if (state.NotIn(ApplicationStatus.Noticed) is { } wrong)
            return wrong;
        if (memberId is not null && state.Lines.All(l => l.MemberId != memberId))
            return new Rejection(Rejections.FieldInvalid, "不在本申请名单中") { Field = "memberId" };
        return new IEventOf<Application>[] { new ObjectionRaised(objectionId, memberId, text) };
    }
}
