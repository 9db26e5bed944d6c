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
            PaymentHeld => new(DeadlineKind.HoldDecision, days.HoldDays),
            ObjectionRaised o => new(DeadlineKind.ObjectionAnswer, days.ObjectionDays, o.ObjectionId),
            ComplaintRaised c => new(DeadlineKind.ComplaintAnswer, days.ForComplaint(), c.ComplaintId),
            ComplaintEscalated c => new(DeadlineKind.ComplaintAnswer, days.ForComplaint(), c.ComplaintId),
            _ => null,
        };

    /// <summary>
    /// What an application waits for now, by its own events and the days that hold: what a reminder says of it, anybody
    /// may have written. A resubmission begins the review anew; of several holds only the last can still be there.
    /// </summary>
    public static IReadOnlyList<DeadlineMissed> Waiting(
        Application state,
        IReadOnlyList<(IEventOf<Application> Event, DateTimeOffset At)> history,
        Deadlines days,
        int noticeDays
    )
    {
        static bool BeginsReview(IEventOf<Application> e) => e is ApplicationFiled or ApplicationResubmitted;
        var review = history.LastOrDefault(h => BeginsReview(h.Event)).Event;
        var hold = history.LastOrDefault(h => h.Event is PaymentHeld).Event;
        return
        [
            .. history
                .Where(h => !BeginsReview(h.Event) || ReferenceEquals(h.Event, review))
                .Where(h => h.Event is not PaymentHeld || ReferenceEquals(h.Event, hold))
                .Select(h => (h.Event, h.At, Starts: Starts(h.Event, days, noticeDays)!))
                .Where(h => h.Starts is not null && IsWaiting(state, h.Starts, h.Event))
                .Select(h => new DeadlineMissed(h.Starts.Kind, h.At.AddDays(h.Starts.Days), h.Starts.ObjectionId)),
        ];
    }

    /// <summary>The same deadline is missed once, however often it is looked at.</summary>
    public static Decision<Application> Escalate(
        Application state,
        IEnumerable<DeadlineMissed> waiting,
        DateTimeOffset now
    )
    {
        var missed = waiting
            .Where(d => d.DueAt <= now && !state.MissedDeadlines.Contains(Key(d.Kind, d.DueAt, d.ObjectionId)))
            .DistinctBy(d => Key(d.Kind, d.DueAt, d.ObjectionId))
            .ToList();
        // L18: what the township left unanswered is the county's.
        var left = missed
            .Where(d => d.Kind == DeadlineKind.ComplaintAnswer)
            .Select(d => d.ObjectionId!)
            .Where(id => state.Complaints.Any(c => c.ComplaintId == id && c.Status == ComplaintStatus.Raised));
        return new Decision<Application>([.. missed, .. left.Select(id => new ComplaintEscalated(id))], null);
    }

    private static bool IsWaiting(Application state, StartedDeadline started, IEventOf<Application> by) =>
        started.Kind switch
        {
            DeadlineKind.Review => state.Status is ApplicationStatus.Filed or ApplicationStatus.Reviewed,
            DeadlineKind.Payment => state.Status is ApplicationStatus.Approved or ApplicationStatus.Noticed,
            DeadlineKind.Credit => state.With(LineStatus.Paid).Any(l => IsOf(l, (PaymentSent)by)),
            DeadlineKind.HoldDecision => state.Hold is not null,
            DeadlineKind.ObjectionAnswer => state.Objections.Any(o =>
                o.ObjectionId == started.ObjectionId && o.Upheld is null
            ),
            DeadlineKind.ComplaintAnswer => state.Complaints.Any(c =>
                c.ComplaintId == started.ObjectionId
                && c.Status == (by is ComplaintRaised ? ComplaintStatus.Raised : ComplaintStatus.Escalated)
            ),
            _ => throw new ArgumentOutOfRangeException(nameof(started)),
        };

    private static bool IsOf(Line line, PaymentSent payment) => payment.MemberIds?.Contains(line.MemberId) != false;

    public static string Key(DeadlineKind kind, DateTimeOffset dueAt, string? objectionId) =>
        $"{kind} {objectionId}@{dueAt:yyyy-MM-dd}";
}
