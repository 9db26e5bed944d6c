using Ledger.Domain.Policies;

namespace Ledger.Domain.Applications;

/// <summary>A deadline that an event starts: who waits for what, for how long.</summary>
public sealed record StartedDeadline(DeadlineKind Kind, int Days, string? ObjectionId = null);

/// <summary>
/// Deadlines and their escalation (C21): which event starts one, and whether it was missed when its time has come.
/// </summary>
public static class Supervision
{
    public static StartedDeadline? Starts(IEventOf<Application> e, Deadlines days, int noticeDays) =>
        e switch
        {
            ApplicationFiled or ApplicationResubmitted => new(DeadlineKind.Review, days.ReviewDays),
            ApplicationApproved => new(DeadlineKind.Payment, noticeDays + days.PaymentDays),
            PaymentSent => new(DeadlineKind.Credit, days.CreditDays),
            ObjectionRaised o => new(DeadlineKind.ObjectionAnswer, days.ObjectionDays, o.ObjectionId),
            _ => null,
        };

    /// <summary>The same deadline is missed once, however often it is looked at.</summary>
    public static Decision<Application> Escalate(
        Application state,
        DeadlineKind kind,
        DateTimeOffset dueAt,
        string? objectionId
    ) =>
        IsWaiting(state, kind, objectionId) && !state.MissedDeadlines.Contains(Key(kind, dueAt, objectionId))
            ? new IEventOf<Application>[] { new DeadlineMissed(kind, dueAt, objectionId) }
            : Array.Empty<IEventOf<Application>>();

    private static bool IsWaiting(Application state, DeadlineKind kind, string? objectionId) =>
        kind switch
        {
            DeadlineKind.Review => state.Status is ApplicationStatus.Filed or ApplicationStatus.Reviewed,
            DeadlineKind.Payment => state.Status is ApplicationStatus.Approved or ApplicationStatus.Noticed,
            DeadlineKind.Credit => state.With(LineStatus.Paid).Any(),
            DeadlineKind.ObjectionAnswer => state.Objections.Any(o => o.ObjectionId == objectionId && o.Upheld is null),
            _ => throw new ArgumentOutOfRangeException(nameof(kind)),
        };

    public static string Key(DeadlineKind kind, DateTimeOffset dueAt, string? objectionId) =>
        $"{kind} {objectionId}@{dueAt:yyyy-MM-dd}";
}
