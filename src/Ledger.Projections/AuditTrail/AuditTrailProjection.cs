using System.Collections.Concurrent;
using JasperFx.Events;
using Ledger.Domain;
using Marten;
using Marten.Events.Projections;
using Npgsql;

namespace Ledger.Projections.AuditTrail;

/// <summary>What every event of a command carries beside its body: who, for which region and business date, by which command and request.</summary>
public sealed record EventStamp(Actor By, string Region, DateOnly EffectiveDate, string Command, string CorrelationId, string CausationId, string IdempotencyKey = "")
{
    public IReadOnlyDictionary<string, string> Headers() => new Dictionary<string, string>
    {
        [EventHeaders.Actor] = By.Id,
        [EventHeaders.Role] = By.Role,
        [EventHeaders.Region] = Region,
        [EventHeaders.BusinessDate] = EffectiveDate.ToString("yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
        [EventHeaders.IdempotencyKey] = IdempotencyKey,
        [EventHeaders.Command] = Command,
    };
}

/// <summary>The keys of an event's headers: what every event carries beside its body (domain.md).</summary>
public static class EventHeaders
{
    public const string Actor = "actor", Role = "role", Region = "region", BusinessDate = "effectiveDate", IdempotencyKey = "idempotencyKey",
        Command = "command";

    public static string Header(this IEvent e, string name) => e.GetHeader(name)?.ToString() ?? "";

    /// <summary>The business date (业务日期). The store reads a date-like header back as a DateTime.</summary>
    public static DateOnly EffectiveDate(this IEvent e) => e.GetHeader(BusinessDate) switch
    {
        DateTime d => DateOnly.FromDateTime(d),
        DateTimeOffset d => DateOnly.FromDateTime(d.DateTime),
        string s => DateOnly.ParseExact(s, "yyyy-MM-dd", System.Globalization.CultureInfo.InvariantCulture),
        _ => throw new InvalidOperationException($"event {e.Sequence} has no business date"),
    };
}

/// <summary>
/// Who, what, when, for which business date, how much, resting on which documents: one row of <c>audit_entry</c> per event,
/// findable by any id that the event names. Applying an event twice leaves one row.
/// </summary>
public sealed class AuditTrailProjection(string schema) : IProjection
{
    public Task ApplyAsync(IDocumentOperations operations, IReadOnlyList<IEvent> events, CancellationToken cancellation)
    {
        if (events.Count > 0) operations.QueueSqlCommand(Insert($"{schema}.audit_entry", _ => "?"), Columns(events));
        return Task.CompletedTask;
    }

    /// <summary>Adds their rows to a table of this form, in a batch.</summary>
    public static void Insert(NpgsqlBatch batch, string table, IReadOnlyList<IEvent> events)
    {
        if (events.Count > 0) batch.Add(Insert(table, i => $"${i}"), Columns(events).Select(c => new NpgsqlParameter { Value = c }));
    }

    /// <summary>Which of them name which ids, into a table of the form of <c>audit_entry_id</c>. Beside <c>audit_entry</c> itself a trigger does so.</summary>
    public static void InsertIds(NpgsqlBatch batch, string table, IReadOnlyList<IEvent> events)
    {
        var named = events.SelectMany(e => Ids(e).Distinct().Select(id => (Id: id, e.Sequence))).ToList();
        if (named.Count > 0) batch.Add($"insert into {table} (id_hash, seq) select hashtextextended(id, 0), seq from unnest($1, $2) n (id, seq)", named.Texts(n => n.Id), named.Longs(n => n.Sequence));
    }

    private static string Insert(string table, Func<int, string> parameter) => $"""
        insert into {table}
            (seq, event_id, stream, version, type, recorded_at, effective_date, actor, role, region, amount_fen, code, evidence, ids)
        select seq, event_id, stream, version, type, recorded_at, effective_date, actor, role, region, amount_fen, code,
               string_to_array(evidence, ' '), string_to_array(ids, ' ')
          from unnest({string.Join(", ", Enumerable.Range(1, 14).Select(parameter))})
               as t (seq, event_id, stream, version, type, recorded_at, effective_date, actor, role, region, amount_fen, code, evidence, ids)
            on conflict do nothing
        """;

    private static object[] Columns(IReadOnlyList<IEvent> events) =>
    [
        events.Select(e => e.Sequence).ToArray(),
        events.Select(e => e.Id).ToArray(),
        events.Select(e => e.StreamKey!).ToArray(),
        events.Select(e => (int)e.Version).ToArray(),
        events.Select(e => e.EventTypeName).ToArray(),
        events.Select(e => e.Timestamp.ToUniversalTime()).ToArray(),
        events.Select(e => e.EffectiveDate()).ToArray(),
        events.Select(e => e.Header(EventHeaders.Actor)).ToArray(),
        events.Select(e => e.Header(EventHeaders.Role)).ToArray(),
        events.Select(e => e.Header(EventHeaders.Region)).ToArray(),
        events.Select(e => (e.Data as IMoneyEvent)?.AmountFen.Fen).ToArray(),
        events.Select(e => (e.Data as CommandRefused)?.Code).ToArray(),
        events.Select(e => string.Join(' ', (e.Data as IEvidenced)?.Evidence ?? [])).ToArray(),
        events.Select(e => string.Join(' ', Ids(e).Distinct())).ToArray(),
    ];

    /// <summary>An event's row as one line of text, for the check.</summary>
    public static string Row(IEvent e) => Row(e.Sequence, e.Id, e.StreamKey!, (int)e.Version, e.EventTypeName, e.Timestamp, e.EffectiveDate(), e.Header(EventHeaders.Actor),
        e.Header(EventHeaders.Role), e.Header(EventHeaders.Region), (e.Data as IMoneyEvent)?.AmountFen.Fen, (e.Data as CommandRefused)?.Code,
        string.Join(' ', (e.Data as IEvidenced)?.Evidence ?? []), string.Join(' ', Ids(e).Distinct()));

    internal static string Row(long sequence, Guid eventId, string stream, int version, string type, DateTimeOffset recordedAt, DateOnly effectiveDate, string actor, string role,
        string region, long? amountFen, string? code, string evidence, string ids) => string.Create(System.Globalization.CultureInfo.InvariantCulture,
        $"{sequence}|{eventId}|{stream}|{version}|{type}|{recordedAt.ToUniversalTime():yyyy-MM-dd'T'HH:mm:ss.ffffff}|{effectiveDate:yyyy-MM-dd}|{actor}|{role}|{region}|{amountFen}|{code}|{evidence}|{ids}");

    private static readonly ConcurrentDictionary<Type, Func<object, string?>[]> IdProperties = new();

    /// <summary>The stream, every property named …Id, and what <see cref="INamesIds"/> adds.</summary>
    private static IEnumerable<string> Ids(IEvent e)
    {
        var readers = IdProperties.GetOrAdd(e.EventType, type =>
        [
            .. type.GetProperties().Where(p => p.PropertyType == typeof(string) && p.Name.EndsWith("Id", StringComparison.Ordinal))
                .Select(p => (Func<object, string?>)(o => (string?)p.GetValue(o))),
        ]);
        return readers.Select(read => read(e.Data)).OfType<string>().Append(e.StreamKey!).Concat((e.Data as INamesIds)?.Ids ?? []);
    }
}
