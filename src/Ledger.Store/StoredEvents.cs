using System.Collections.Frozen;
using System.Reflection;
using System.Runtime.CompilerServices;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Marten;
using Marten.Services;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// A row that no build of the product wrote, or that lies where it does not belong: nothing is worked out from it, nor
/// around it.
/// </summary>
public sealed class UnreadableEventException(
    long sequence,
    string stream,
    string type,
    string why,
    Exception? inner = null
)
    : InvalidOperationException(
        $"事件 {sequence}（{type}）无法读取：{why}。An event that no build of the product wrote.",
        inner
    )
{
    public long Sequence => sequence;
    public string Stream => stream;

    /// <summary>As its headers say; empty where they say none.</summary>
    public string Region { get; init; } = "";
}

/// <summary>A row of the table: the event, or why it is none.</summary>
public readonly record struct StoredRow(IEvent? Event, UnreadableEventException? Fault)
{
    public long Sequence => Event?.Sequence ?? Fault!.Sequence;
    public string Stream => Event?.StreamKey ?? Fault!.Stream;
    public string Region => Event?.Header(EventHeaders.Region) ?? Fault!.Region;

    /// <summary>The event.</summary>
    /// <exception cref="UnreadableEventException"/>
    public IEvent Sound() => Event ?? throw Fault!;

    /// <summary>
    /// As what shows or sums a <typeparamref name="T"/>'s events needs it: one of its own, of a day that can be.
    /// </summary>
    public StoredRow Of<T>()
        where T : Aggregate =>
        Event is not { } e || e.IsForeign() ? this
        : e.Data is not IEventOf<T> ? new(null, e.Unreadable($"不是 {typeof(T).Name} 的事件"))
        : e.BusinessDay() is null ? new(null, e.Unreadable("没有业务日期，或不成日期"))
        : Moves(e) is { } why ? new(null, e.Unreadable(why))
        : this;

    /// <summary>
    /// The largest amount of one event: far above what a county has, and sums of them stay within a long.
    /// </summary>
    private const long MostFen = 10 * Money.MaxEntryFen;

    private static string? Moves(IEvent e)
    {
        if (e.Data is IMoneyEvent { AmountFen.Fen: < -MostFen or > MostFen })
            return "金额超出范围";
        try
        {
            return e.Data is IFundMovement { Movements: null } ? "没有变动" : null;
        }
        catch (Exception broken)
        {
            // Pure: whatever it throws says that this event never passed a decider.
            return broken.Message;
        }
    }
}

/// <summary>
/// Events as they lie in the table, read in one stream of rows however many there are; Marten makes a list of each
/// page, and a query for it. The one place where they are read to show, to sum or to decide: whoever has the
/// application's role can add rows that no decider let happen, and here they are told apart. A body is whole: a field
/// that is missing, or null where it cannot be, is no event of ours.
/// </summary>
/// <param name="seal">
/// With it, events that others wrote into streams that it covers are marked (<see cref="Foreign"/>), whether or not
/// they can be read.
/// </param>
public sealed class StoredEvents(IDocumentStore store, string schema, EventSeal? seal = null)
{
    private static readonly string[] Headers =
    [
        EventHeaders.Actor,
        EventHeaders.Role,
        EventHeaders.Region,
        EventHeaders.BusinessDate,
        EventHeaders.Mark,
    ];
    private static readonly int RegionHeader = Array.IndexOf(Headers, EventHeaders.Region);

    // What is known of the types is the same for all: whoever reads makes one of these for it.
    private static readonly ConditionalWeakTable<IDocumentStore, FrozenDictionary<string, Known>> Types = [];
    private static readonly SystemTextJsonSerializer Json = Strict();
    private readonly FrozenDictionary<string, Known> _types = Types.GetValue(store, KnownBy);
    private readonly SetAside _aside = SetAside.Of(store);

    private sealed record Known(Type Type, Func<object, IEvent> Wrap);

    private static FrozenDictionary<string, Known> KnownBy(IDocumentStore store) =>
        store
            .Options.Events.AllKnownEventTypes()
            .ToFrozenDictionary(
                t => t.EventTypeName,
                t => new Known(
                    t.EventType,
                    typeof(StoredEvents)
                        .GetMethod(nameof(Wrap), BindingFlags.NonPublic | BindingFlags.Static)!
                        .MakeGenericMethod(t.EventType)
                        .CreateDelegate<Func<object, IEvent>>()
                )
            );

    private static IEvent Wrap<T>(object data)
        where T : notnull => new Event<T>((T)data);

    private static SystemTextJsonSerializer Strict()
    {
        var json = new SystemTextJsonSerializer
        {
            EnumStorage = Weasel.Core.EnumStorage.AsString,
            Casing = Weasel.Core.Casing.CamelCase,
        };
        json.Configure(StoredForm.Apply);
        json.Configure(options =>
        {
            options.RespectNullableAnnotations = true;
            options.RespectRequiredConstructorParameters = true;
            options.TypeInfoResolver = new DefaultJsonTypeInfoResolver { Modifiers = { WholeBodies.Check } };
        });
        return json;
    }

    /// <summary>A stream's events, for whoever shows or sums them.</summary>
    /// <exception cref="UnreadableEventException">One of them is not sound, or not of this aggregate.</exception>
    public async Task<IReadOnlyList<IEvent>> OfAsync<T>(
        string id,
        long afterVersion = 0,
        CancellationToken cancellation = default
    )
        where T : Aggregate
    {
        await using var connection = await OpenAsync(cancellation);
        return await OfAsync<T>(
            connection,
            "stream_id = @id and version > @after",
            [("id", id), ("after", afterVersion)]
        );
    }

    /// <summary>One event of a stream; none, where it has none of that number.</summary>
    /// <exception cref="UnreadableEventException"/>
    public async Task<IReadOnlyList<IEvent>> OneAsync<T>(string id, long sequence)
        where T : Aggregate
    {
        await using var connection = await OpenAsync(CancellationToken.None);
        return await OfAsync<T>(
            connection,
            "stream_id = @id and seq_id = @sequence",
            ("id", id),
            ("sequence", sequence)
        );
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        var connection = store.Storage.Database.CreateConnection();
        await connection.OpenAsync(cancellation);
        return connection;
    }

    /// <summary>
    /// As above: those for which the condition over the table holds, in the transaction of a connection.
    /// </summary>
    /// <exception cref="UnreadableEventException"/>
    public async Task<IReadOnlyList<IEvent>> OfAsync<T>(
        NpgsqlConnection connection,
        string where,
        params (string Name, object? Value)[] parameters
    )
        where T : Aggregate
    {
        var events = new List<IEvent>();
        await foreach (var row in RowsAsync(connection, where, ByStream, parameters))
            if (row.Event?.IsForeign() != true)
                events.Add(row.Of<T>().Sound());
        return events;
    }

    private const string ByStream = "stream_id, version";

    /// <summary>Stream after stream, each in its order.</summary>
    /// <exception cref="UnreadableEventException"/>
    public async IAsyncEnumerable<IEvent> ReadAsync(
        NpgsqlConnection connection,
        string where,
        params (string Name, object? Value)[] parameters
    )
    {
        await foreach (var row in RowsAsync(connection, where, ByStream, parameters))
            yield return row.Sound();
    }

    /// <summary>As <see cref="ReadAsync"/>, for whoever goes on past what is none.</summary>
    public IAsyncEnumerable<StoredRow> LookAsync(
        NpgsqlConnection connection,
        string where,
        params (string Name, object? Value)[] parameters
    ) => RowsAsync(connection, where, ByStream, parameters);

    /// <summary>As <see cref="LookAsync"/>, by business date; on one date, as recorded.</summary>
    public IAsyncEnumerable<StoredRow> LookByDateAsync(
        NpgsqlConnection connection,
        string where,
        params (string Name, object? Value)[] parameters
    ) => RowsAsync(connection, where, $"headers ->> '{EventHeaders.BusinessDate}', seq_id", parameters);

    private async IAsyncEnumerable<StoredRow> RowsAsync(
        NpgsqlConnection connection,
        string where,
        string order,
        (string Name, object? Value)[] parameters
    )
    {
        var aside = await _aside.EventsAsync(connection, schema);
        var headers = string.Join(", ", Headers.Select(h => $"headers ->> '{h}'"));
        if (seal is not null)
            headers += $"""
                , case when {EventSeal.Covered} then headers end
                , case when {EventSeal.Covered}
                       then (select f.version from {schema}.seal_floor f where f.stream_id = mt_events.stream_id) end
                """;
        await using var command = new NpgsqlCommand(
            $"""
            select data, id, seq_id, stream_id, version, type, timestamp, {headers}
              from {schema}.mt_events
             where {where}
             order by {order}
            """,
            connection
        )
        {
            CommandTimeout = 0,
        };
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        await using var reader = await command.ExecuteReaderAsync();
        while (await reader.ReadAsync())
            yield return Row(reader, aside);
    }

    private StoredRow Row(NpgsqlDataReader reader, FrozenSet<long> aside)
    {
        var (sequence, stream, version, name) = (
            reader.GetInt64(2),
            reader.IsDBNull(3) ? "" : reader.GetString(3),
            reader.GetInt64(4),
            reader.GetString(5)
        );
        var (e, why, broken) = aside.Contains(sequence) ? (null, "", null) : Body(reader, name);
        if (aside.Contains(sequence))
        {
            e = Wrap<ForeignEvent>(new ForeignEvent(name));
            e.MarkSetAside();
        }
        else if (IsForeign(reader, stream, version, name))
        {
            e ??= Wrap<ForeignEvent>(new ForeignEvent(name));
            e.MarkForeign();
        }
        if (e is null)
            return new(
                null,
                new UnreadableEventException(sequence, stream, name, why, broken)
                {
                    Region = reader.IsDBNull(7 + RegionHeader) ? "" : reader.GetString(7 + RegionHeader),
                }
            );
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
        return new(e, null);
    }

    /// <summary>The event, or why the body is none.</summary>
    private (IEvent? Event, string Why, Exception? Broken) Body(NpgsqlDataReader reader, string name)
    {
        if (reader.IsDBNull(3))
            return (null, "不属于任何流", null);
        if (!_types.TryGetValue(name, out var known))
            return (null, "没有这种事件", null);
        try
        {
            return (known.Wrap(Json.FromJson(known.Type, reader, 0) ?? throw new JsonException("null")), "", null);
        }
        catch (Exception broken) when (StoredForm.IsNone(broken))
        {
            return (null, broken.Message, broken);
        }
    }

    private bool IsForeign(NpgsqlDataReader reader, string stream, long version, string name) =>
        seal is not null
        && EventSeal.Covers(stream, name)
        && !seal.Holds(
            stream,
            version,
            name,
            reader.IsDBNull(7 + Headers.Length) ? null : reader.GetString(7 + Headers.Length),
            reader.GetString(0),
            reader.IsDBNull(8 + Headers.Length) ? null : reader.GetInt64(8 + Headers.Length)
        );
}
