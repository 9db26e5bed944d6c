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
public sealed class StoredEvents(IDocumentStore store, string schema)
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
            var (sequence, name) = (reader.GetInt64(2), reader.GetString(5));
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
                throw new UnreadableEventException(sequence, reader.GetString(3), name, broken);
            }
            (e.Id, e.Sequence, e.StreamKey, e.Version, e.EventTypeName, e.Timestamp) = (
                reader.GetGuid(1),
                sequence,
                reader.GetString(3),
                reader.GetInt64(4),
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
