using JasperFx.Events;
using Marten;
using Marten.Events.Projections;

namespace Ledger.Projections.AuditTrail;

/// <summary>
/// One <see cref="AuditEntry"/> per event, findable by any id that the event names. Applying an event twice leaves one
/// row.
/// </summary>
public sealed class AuditTrailProjection(string schema) : IProjection
{
    public Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        if (events.Count == 0)
            return Task.CompletedTask;
        var entries = events.Select(AuditEntry.Of).ToList();
        V[] Column<V>(Func<AuditEntry, V> of) => [.. entries.Select(of)];
        // Lists of words go as one text: arrays in an array would have to be of one length.
        operations.QueueSqlCommand(
            $"""
            insert into {schema}.audit_entry ({AuditEntry.Columns})
            select seq, event_id, stream, version, type, recorded_at, effective_date, actor, role, region, amount_fen,
                   code,
                   string_to_array(evidence, ' '), string_to_array(ids, ' ')
              from unnest({string.Join(", ", Enumerable.Repeat('?', 14))}) t ({AuditEntry.Columns})
                on conflict do nothing
            """,
            Column(e => e.Sequence),
            Column(e => e.EventId),
            Column(e => e.Stream),
            Column(e => e.Version),
            Column(e => e.Type),
            Column(e => e.RecordedAt),
            Column(e => e.EffectiveDate),
            Column(e => e.Actor),
            Column(e => e.Role),
            Column(e => e.Region),
            Column(e => e.AmountFen),
            Column(e => e.Code),
            Column(e => string.Join(' ', e.Evidence)),
            Column(e => string.Join(' ', e.Ids))
        );
        // What the daemon passed over, up to here. What stands behind the last that can be read comes with the next,
        // or with the hourly look.
        operations.QueueSqlCommand(
            AuditEntry.InsertUnreadable(
                schema,
                $"{schema}.audit_entry",
                $"(select coalesce(max(seq), 0) from {schema}.audit_entry where seq < ?)",
                "?"
            ),
            entries.Min(e => e.Sequence),
            entries.Max(e => e.Sequence)
        );
        return Task.CompletedTask;
    }
}
