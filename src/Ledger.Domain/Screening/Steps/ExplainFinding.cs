namespace Ledger.Domain.Screening.Steps;

/// <summary>Whose acts a finding is about says how it was, until it is closed. It changes nothing of it.</summary>
public static class ExplainFinding
{
    /// <param name="by">Knows who those are whom it concerns.</param>
    public static Decision<ScreeningFinding> Decide(
        ScreeningFinding finding,
        string explanation,
        IReadOnlyList<string> evidence,
        DateOnly today,
        Actor by
    )
    {
        if (finding.Closure is not null)
            return new Rejection(Rejections.WrongState, "疑点已办结，不再收说明");
        if (!by.IsAmong(finding.Concerned))
            return new Rejection(Rejections.FindingNotConcerned, "疑点所涉的事项不是本人经手");
        if (finding.Explanations.Count >= ScreeningFinding.MostExplanations)
            return new Rejection(Rejections.LimitExceeded, $"这个疑点已有 {ScreeningFinding.MostExplanations} 次说明");
        return new IEventOf<ScreeningFinding>[]
        {
            new ScreeningFindingExplained(explanation, [.. evidence.Distinct()], today, by.Id, by.OnBehalfOf),
        };
    }
}
