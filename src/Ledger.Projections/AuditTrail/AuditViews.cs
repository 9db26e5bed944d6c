using System.Text.Json;
using Ledger.Domain;

namespace Ledger.Projections.AuditTrail;

/// <summary>
/// One event: who, what, when (recorded and business date), how much, resting on which documents; and its body as
/// stored (amounts in fen).
/// <paramref name="NotDuplicate"/>: where it was asked about, which earlier entry it is not, and why.
/// <paramref name="Sha256"/>: of the stored body, where that cannot be read (<paramref name="Code"/> is
/// <c>unreadable</c>).
/// </summary>
public sealed record AuditEntryView(
    long Sequence,
    Guid EventId,
    string Stream,
    int StreamVersion,
    string Type,
    DateTimeOffset RecordedAt,
    DateOnly EffectiveDate,
    string Actor,
    string Role,
    string Region,
    Money? Amount,
    string? Code,
    IReadOnlyList<string> Evidence,
    JsonElement Body,
    string? NotDuplicate = null,
    string? Sha256 = null
);

/// <summary>
/// <paramref name="Next"/>: pass as <c>after</c> for the next page; null on the last one. <paramref name="Behind"/>:
/// how many of the
/// events recorded before the call the trail has yet to take in; 0 when it is complete.
/// </summary>
public sealed record AuditPage(IReadOnlyList<AuditEntryView> Entries, long? Next, long Behind);
