using Ledger.Domain.Applications;

namespace Ledger.Projections.Reports;

/// <summary>
/// A message that failed for good. <paramref name="ApplicationId"/> and <paramref name="Deadline"/>: what it was to
/// remind of (C21); null for a message that this version does not know. <paramref name="IsReplaying"/>: it will be
/// tried again within seconds.
/// </summary>
public sealed record DeadLetterView(
    Guid Id,
    string Message,
    string? ApplicationId,
    DeadlineKind? Deadline,
    DateTimeOffset? DueAt,
    string Reason,
    bool IsReplaying
);
