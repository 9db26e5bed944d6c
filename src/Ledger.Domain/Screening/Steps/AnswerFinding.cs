namespace Ledger.Domain.Screening.Steps;

/// <summary>The auditor's answer to what a screen shows; again, as long as it is not closed.</summary>
public static class AnswerFinding
{
    /// <param name="Found">As the screens show it now; null: they do no more.</param>
    /// <param name="Known">What was recorded of it; null: nothing yet.</param>
    public sealed record Basis(ScreenFinding? Found, ScreeningFinding? Known);

    public sealed record Request(string Conclusion, string Seen, IReadOnlyList<string> Evidence);

    /// <param name="by">Knows who those are whom it concerns.</param>
    public static Decision<ScreeningFinding> Decide(Basis basis, Request request, DateOnly today, Actor by)
    {
        var (found, known) = basis;
        if (known?.Closure is not null)
            return new Rejection(Rejections.WrongState, "疑点已办结，须先重新打开");
        // What was taken up stays to be answered, also when what it showed was set right since.
        if ((found ?? Again(known)) is not { } finding)
            return new Rejection(Rejections.NotFound, "没有这个疑点：筛查范围内现在不再出现");
        if (Concerned(finding.Concerned, by) is { } refusal)
            return refusal;
        if (AuditPaper.Unseen(request.Seen, request.Evidence) is { } unseen)
            return unseen;
        return new IEventOf<ScreeningFinding>[]
        {
            new ScreeningFindingAnswered(
                finding.Screen,
                finding.Region,
                finding.Year,
                finding.FoundFen,
                finding.Count,
                finding.Says,
                finding.Lines,
                finding.Concerned,
                request.Conclusion,
                request.Seen,
                [.. request.Evidence.Distinct()],
                today,
                by.Id
            ),
        };
    }

    private static ScreenFinding? Again(ScreeningFinding? k) =>
        k is null ? null : new(k.Id, k.Screen, k.Region, k.Year, k.FoundFen, k.Count, k.Says, k.Lines, k.Concerned, []);

    /// <summary>Nobody judges his own acts (C20), under whatever account.</summary>
    internal static Rejection? Concerned(IReadOnlyList<string> concerned, Actor by) =>
        by.IsAmong(concerned)
            ? new Rejection(Rejections.SelfApproval, "疑点涉及本人经手的事项，须由另一位审计人员办理")
            : null;
}
