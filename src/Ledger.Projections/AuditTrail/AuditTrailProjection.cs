using JasperFx.Events;
using Ledger.Domain;
using Ledger.Projections.Rebuilding;
using Marten;
using Marten.Events.Projections;
using Npgsql;

namespace Ledger.Projections.AuditTrail;

/// <summary>
/// What every event of a command carries beside its body: who, for which region and business date, by which command and
/// request; and where it was asked whether the same money is booked twice, why it is not.
/// </summary>
public sealed record EventStamp(
    Actor By,
    string Region,
    DateOnly EffectiveDate,
    string Command,
    string CorrelationId,
    string CausationId,
    string IdempotencyKey = "",
    string? NotDuplicate = null
)
{
    public IReadOnlyDictionary<string, string> Headers()
    {
        var headers = Always();
        if (NotDuplicate is not null)
            headers[EventHeaders.NotDuplicate] = NotDuplicate;
        if (By.OnBehalfOf is { } holder)
            headers[EventHeaders.OnBehalfOf] = holder;
        return headers;
    }

    private Dictionary<string, string> Always() =>
        new()
        {
            [EventHeaders.Actor] = By.Id,
            [EventHeaders.Role] = By.Role,
            [EventHeaders.Region] = Region,
            [EventHeaders.BusinessDate] = EffectiveDate.ToString(
                "yyyy-MM-dd",
                System.Globalization.CultureInfo.InvariantCulture
            ),
            [EventHeaders.IdempotencyKey] = IdempotencyKey,
            [EventHeaders.Command] = Command,
        };
}

/// <summary>The keys of an event's headers: what every event carries beside its body (docs/domain.md).</summary>
public static class EventHeaders
{
    public const string Actor = "actor",
        Role = "role",
        Region = "region",
        BusinessDate = "effectiveDate",
        IdempotencyKey = "idempotencyKey",
        Command = "command",
        NotDuplicate = "notDuplicate",
        OnBehalfOf = "onBehalfOf";

    public static string Header(this IEvent e, string name) => e.GetHeader(name)?.ToString() ?? "";

    /// <summary>The business date (业务日期).</summary>
    /// <exception cref="UnreadableEventException">It has none.</exception>
    public static DateOnly EffectiveDate(this IEvent e) =>
        e.BusinessDay() ?? throw e.Unreadable("没有业务日期，或不成日期");

    /// <summary>
    /// The business date; null of an event that somebody wrote past the product without one. The store reads a
    /// date-like header back as a DateTime.
    /// </summary>
    public static DateOnly? BusinessDay(this IEvent e) =>
        e.GetHeader(BusinessDate) switch
        {
            DateTime d => DateOnly.FromDateTime(d),
            DateTimeOffset d => DateOnly.FromDateTime(d.DateTime),
            string s
                when DateOnly.TryParseExact(
                    s,
                    "yyyy-MM-dd",
                    System.Globalization.CultureInfo.InvariantCulture,
                    System.Globalization.DateTimeStyles.None,
                    out var day
                ) => day,
            _ => null,
        };

    public static UnreadableEventException Unreadable(this IEvent e, string why) =>
        new(e.Sequence, e.StreamKey!, e.EventTypeName, why);
}

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
            select seq, event_id, stream, version, type, recorded_at, effective_date, actor, role, region, amount_fen, code,
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
        return Task.CompletedTask;
    }
}
