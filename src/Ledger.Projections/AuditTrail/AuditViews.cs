using System.Text.Json;
using Ledger.Domain;
using Npgsql;

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
)
{
    /// <summary>As <see cref="Read"/> reads them, of an entry <c>a</c> and its event <c>e</c>.</summary>
    public static readonly string Columns = $"""
        a.seq, a.event_id, a.stream, a.version, a.type, a.recorded_at, a.effective_date, a.actor, a.role,
        a.region, a.amount_fen, a.code, a.evidence, e.data, e.headers ->> '{EventHeaders.NotDuplicate}',
        case when a.code = '{AuditEntry.Unreadable}' then {AuditEntry.DigestOf("e")} end
        """;

    public static AuditEntryView Read(NpgsqlDataReader r) =>
        new(
            r.GetInt64(0),
            r.GetGuid(1),
            r.GetString(2),
            r.GetInt32(3),
            r.GetString(4),
            r.GetFieldValue<DateTimeOffset>(5),
            r.GetFieldValue<DateOnly>(6),
            r.GetString(7),
            r.GetString(8),
            r.GetString(9),
            r.IsDBNull(10) ? null : new Money(r.GetInt64(10)),
            r.IsDBNull(11) ? null : r.GetString(11),
            r.GetFieldValue<string[]>(12),
            BodyOf(r.GetString(13)),
            r.IsDBNull(14) ? null : r.GetString(14),
            r.IsDBNull(15) ? null : r.GetString(15)
        );

    /// <summary>Null where it lies deeper than anybody reads: no build wrote such an event.</summary>
    private static JsonElement BodyOf(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<JsonElement>(json);
        }
        catch (JsonException)
        {
            return JsonSerializer.SerializeToElement<object?>(null);
        }
    }
}

/// <summary>
/// <paramref name="Next"/>: pass as <c>after</c> for the next page; null on the last one. <paramref name="Behind"/>:
/// how many of the
/// events recorded before the call the trail has yet to take in; 0 when it is complete.
/// </summary>
public sealed record AuditPage(IReadOnlyList<AuditEntryView> Entries, long? Next, long Behind);
