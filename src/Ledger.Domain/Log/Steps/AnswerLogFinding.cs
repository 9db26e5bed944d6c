using Ledger.Domain.Screening;

namespace Ledger.Domain.Log.Steps;

/// <summary>
/// A finding about the database is answered by one person and closed by another: while it is open, payments are to
/// stand still, so nobody alone says that they may go on.
/// </summary>
public static class AnswerLogFinding
{
    /// <param name="Count">How often it was found.</param>
    public sealed record Found(string Kind, string Says, int Count);

    public sealed record Request(string Region, string Conclusion, string Seen, IReadOnlyList<string> Evidence);

    /// <param name="found">As it stands among the findings.</param>
    /// <param name="known">What was recorded of it; null: nothing yet.</param>
    public static Decision<AnsweredFinding> Answer(
        Found found,
        AnsweredFinding? known,
        Request request,
        DateOnly today,
        Actor by
    )
    {
        if (known?.IsOpen(found.Count) == false)
            return new Rejection(Rejections.WrongState, "这项发现已办结，须先重新打开");
        if (AuditPaper.Unseen(request.Seen, request.Evidence) is { } unseen)
            return unseen;
        return new IEventOf<AnsweredFinding>[]
        {
            new LogFindingAnswered(
                known?.Region ?? request.Region,
                found.Kind,
                found.Says,
                found.Count,
                request.Conclusion,
                request.Seen,
                [.. request.Evidence.Distinct()],
                today,
                by.Id
            ),
        };
    }

    /// <param name="again">By what the same is known when it is found again, after it was set right.</param>
    /// <param name="by">Knows who answered.</param>
    public static Decision<AnsweredFinding> Close(
        Found found,
        AnsweredFinding known,
        (FindingOutcome Outcome, string Reason) how,
        string again,
        DateOnly today,
        Actor by
    )
    {
        if (!known.IsOpen(found.Count))
            return new Rejection(Rejections.WrongState, "这项发现已办结");
        if (known.Closure is not null)
            return new Rejection(Rejections.WrongState, "办结以后又发现了，须先再次核查");
        if (FourEyes.Another("审计或市人社局", [known.Answer!.AnsweredBy], by) is { } refusal)
            return refusal;
        return new IEventOf<AnsweredFinding>[]
        {
            new LogFindingClosed(
                how.Outcome,
                how.Reason,
                found.Count,
                how.Outcome == FindingOutcome.Corrected ? again : null,
                today,
                by.Id
            ),
        };
    }

    public static Decision<AnsweredFinding> Reopen(
        Found found,
        AnsweredFinding known,
        string reason,
        DateOnly today,
        Actor by
    ) =>
        known.IsOpen(found.Count)
            ? new Rejection(Rejections.WrongState, "这项发现没有办结")
            : new IEventOf<AnsweredFinding>[] { new LogFindingReopened(reason, today, by.Id) };
}
