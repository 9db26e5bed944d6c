namespace Ledger.Domain.Screening.Steps;

/// <summary>An auditor closes what was answered, and opens it again; never who is concerned by it.</summary>
public static class CloseFinding
{
    /// <param name="by">Knows who those are whom it concerns.</param>
    public static Decision<ScreeningFinding> Decide(
        ScreeningFinding finding,
        FindingOutcome outcome,
        string reason,
        DateOnly today,
        Actor by
    )
    {
        if (finding.Closure is not null)
            return new Rejection(Rejections.WrongState, "疑点已办结");
        if (AnswerFinding.Concerned(finding.Concerned, by) is { } refusal)
            return refusal;
        return new IEventOf<ScreeningFinding>[] { new ScreeningFindingClosed(outcome, reason, today, by.Id) };
    }

    /// <param name="by">Knows who those are whom it concerns.</param>
    public static Decision<ScreeningFinding> Reopen(ScreeningFinding finding, string reason, DateOnly today, Actor by)
    {
        if (finding.Closure is null)
            return new Rejection(Rejections.WrongState, "疑点没有办结");
        if (AnswerFinding.Concerned(finding.Concerned, by) is { } refusal)
            return refusal;
        return new IEventOf<ScreeningFinding>[] { new ScreeningFindingReopened(reason, today, by.Id) };
    }
}
