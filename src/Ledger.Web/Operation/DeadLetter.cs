using Ledger.Domain.Applications;

namespace Ledger.Web.Operation;

/// <summary>A message that failed for good; <paramref name="IsReplaying"/>: it is about to be tried again.</summary>
public sealed record DeadLetter(
    Guid Id,
    string Message,
    string? ApplicationId,
    DeadlineKind? Deadline,
    DateTimeOffset? DueAt,
    string Reason,
    bool IsReplaying
);
