using System.Collections.Frozen;
using System.Reflection;
using JasperFx.Events;
using Ledger.Projections.AuditTrail;
using Marten;
using Npgsql;

namespace Ledger.Projections.Rebuilding;

/// <summary>A row that no build of the product wrote.</summary>
public sealed class UnreadableEventException(long sequence, string stream, string type, Exception why)
    : InvalidOperationException(
        $"事件 {sequence}（{type}）无法读取：{why.Message}。An event that no build of the product wrote.",
        why
    )
{
    public long Sequence => sequence;
    public string Stream => stream;
}

/// <summary>Events as they lie in the table, read in one stream of rows however many there are; Marten makes a list of each page, and a query for it.</summary>
/// <param name="seal">With it, events that others wrote into streams that it covers are marked (<see cref="Foreign"/>),
/// whether or not they can be read.</param>
public sealed class StoredEvents(IDocumentStore store, string schema, EventSeal? seal = null)
{
    private static readonly string[] Headers =
    [
        EventHeaders.Actor,
        EventHeaders.Role,
        EventHeaders.Region,
        EventHeaders.BusinessDate,
    ];

    private readonly FrozenDictionary<string, (Type Type, Func<object, IEvent> Wrap)> _types = store
        .Options.Events.AllKnownEventTypes()
        .ToFrozenDictionary(
            t => t.EventTypeName,
            t =>
                (
                    t.EventType,
                    typeof(StoredEvents)
                        .GetMethod(nameof(Wrap), BindingFlags.NonPublic | BindingFlags.Static)!
                        .MakeGenericMethod(t.EventType)
                        .CreateDelegate<Func<object, IEvent>>()
                )
        );

    private static IEvent Wrap<T>(object data)
        where T : notnull => new Event<T>((T)data);

    /// <summary>Stream after stream, each in its order.</summary>
    /// <exception cref="UnreadableEventException"/>
    public IAsyncEnumerable<IEvent> ReadAsync(
        NpgsqlConnection connection,
        string where,
        params (string Name, object? Value)[] parameters
    ) => ReadAsync(connection, where, "stream_id, version", parameters);

    /// <summary>As <see cref="ReadAsync(NpgsqlConnection, string, ValueTuple{string, object?}[])"/>, by business date; on one date, as recorded.</summary>
    public IAsyncEnumerable<IEvent> ReadByDateAsync(
        NpgsqlConnection connection,
        string where,
        params (string Name, object? Value)[] parameters
    ) => ReadAsync(connection, where, $"headers ->> '{EventHeaders.BusinessDate}', seq_id", parameters);

    private async IAsyncEnumerable<IEvent> ReadAsync(
        NpgsqlConnection connection,
        string where,
        string order,
        (string Name, object? Value)[] parameters
    )
    {
        var headers = string.Join(", ", Headers.Select(h => $"headers ->> '{h}'"));
        if (seal is not null)
            headers += $"""
                , case when {EventSeal.Covered("stream_id")} then headers end
                , case when {EventSeal.Covered("stream_id")}
                       then (select f.version from {schema}.seal_floor f where f.stream_id = mt_events.stream_id) end
                """;
        await using var command = new NpgsqlCommand(
            $"select data, id, seq_id, stream_id, version, type, timestamp, {headers} from {schema}.mt_events where {where} order by {order}",
            connection
        )
        {
            CommandTimeout = 0,
        };
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
        {
            var (sequence, stream, version, name) = (
                reader.GetInt64(2),
                reader.GetString(3),
                reader.GetInt64(4),
                reader.GetString(5)
            );
            var isForeign =
                seal is not null
                && EventSeal.Covers(stream)
                && !seal.Holds(
                    stream,
                    version,
                    name,
                    reader.IsDBNull(7 + Headers.Length) ? null : reader.GetString(7 + Headers.Length),
                    reader.GetString(0),
                    reader.IsDBNull(8 + Headers.Length) ? null : reader.GetInt64(8 + Headers.Length)
                );
            IEvent e;
            try
            {
                var (type, wrap) = _types[name];
                e = wrap(store.Options.Serializer().FromJson(type, reader, 0));
            }
            catch (Exception broken)
                when (broken
                        is System.Text.Json.JsonException
                            or KeyNotFoundException
                            or InvalidOperationException
                            or NotSupportedException
                )
            {
                if (!isForeign)
                    throw new UnreadableEventException(sequence, stream, name, broken);
                e = Wrap<ForeignEvent>(new ForeignEvent(name));
            }
            if (isForeign)
                e.MarkForeign();
            (e.Id, e.Sequence, e.StreamKey, e.Version, e.EventTypeName, e.Timestamp) = (
                reader.GetGuid(1),
                sequence,
                stream,
                version,
                name,
                reader.GetFieldValue<DateTimeOffset>(6)
            );
            for (var i = 0; i < Headers.Length; i++)
                if (!reader.IsDBNull(7 + i))
                    e.SetHeader(Headers[i], reader.GetString(7 + i));
            yield return e;
        }
    }
}
