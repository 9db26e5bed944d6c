using System.Collections.Frozen;
using JasperFx.Events;
using Ledger.Domain;
using Ledger.Store.Axes;
using Marten;
using Marten.Events;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Store;

/// <summary>
/// What one command adds to one stream. <paramref name="Before"/>: the stream's version before it, under the lock; 0
/// for a new stream.
/// <paramref name="Aggregate"/>: null where events are all there is to keep (refusals).
/// </summary>
public sealed record StreamChange(string Id, Type? Aggregate, long Before)
{
    public List<object> Events { get; } = [];

    /// <summary>The state after <see cref="Events"/>: what the stream's document says next.</summary>
    public Aggregate? State { get; set; }

    public static StreamChange Of(params ReadOnlySpan<Change> changes)
    {
        var first = changes[0];
        var all = new StreamChange(first.Id, first.Aggregate, first.Before);
        foreach (var change in changes)
            all.Add(change);
        return all;
    }

    /// <summary>What several commands add, one after the other.</summary>
    public static StreamChange Of(IReadOnlyList<StreamChange> commands)
    {
        if (commands.Count == 1)
            return commands[0];
        var all = new StreamChange(commands[0].Id, commands[0].Aggregate, commands[0].Before);
        foreach (var next in commands)
        {
            var left = all.Before + all.Events.Count;
            InvariantViolationException.Require(
                next.Before == left,
                $"{next.Id}: a command decided on version {next.Before}, the ones before it leave {left}"
            );
            all.Events.AddRange(next.Events);
            all.State = next.State;
        }
        return all;
    }

    /// <summary>What comes after the events that are there already.</summary>
    public void Add(Change change)
    {
        InvariantViolationException.Require(
            change.Id == Id && change.Before == Before + Events.Count,
            $"{change.Id}: decided on revision {change.Before}, the stream is at {Before + Events.Count}"
        );
        Events.AddRange(change.Events);
        State = change.State;
    }
}

/// <summary>What one command adds, and under which stamp.</summary>
public sealed record StampedChanges(IReadOnlyCollection<StreamChange> Changes, EventStamp Stamp);

/// <summary>
/// A look that belongs to a lock on one stream: in the same round trip, it sees what was committed while the lock was
/// waited for.
/// </summary>
/// <param name="Name">What is looked for: two of one name find the same.</param>
/// <param name="Read">What a row says; null: nothing.</param>
/// <param name="OfEvent">
/// What the query will find of an event and its business date, once that is committed; null: nothing. So commands that
/// are written together find each other.
/// </param>
public sealed record Look(
    string Name,
    string Sql,
    IReadOnlyList<NpgsqlParameter> Parameters,
    Func<NpgsqlDataReader, object?> Read,
    Func<object, DateOnly, object?> OfEvent
)
{
    public List<object> Found { get; } = [];

    internal async Task ReadAsync(NpgsqlDataReader reader)
    {
        Found.Clear();
        while (await reader.ReadAsync())
            if (Read(reader) is { } found)
                Found.Add(found);
    }
}

/// <summary>
/// Locks and reads what a decision rests on, and appends what was decided, into Marten's own tables: events, stream
/// versions, the states beside them and the axes of the fen, for one stream or ten thousand, in as many statements as
/// there are tables and one round trip. Marten's session takes one call of a function for each stream and one for each
/// document, and folds every event a second time; apart from that the rows are the same, and Marten reads, projects and
/// rebuilds them.
/// </summary>
public sealed class EventWriter(
    IDocumentStore store,
    StateSeal seal,
    EventSeal ofEvents,
    EditedStates edited,
    TimeProvider time
)
{
    private const string Schema = LedgerStore.Schema;
    private readonly StoredEvents _stored = new(store, Schema, ofEvents);

    private const string Events = $"""
        insert into {Schema}.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                        mt_dotnet_type, is_archived, causation_id, correlation_id, headers)
        select nextval('{Schema}.mt_events_sequence'), e.id, e.stream, e.version, e.data, e.type, $7,
               '{JasperFx.StorageConstants.DefaultTenantId}', e.dotnet_type, false, ($8)[e.stamp], ($9)[e.stamp],
               ($10)[e.stamp] || jsonb_build_object(e.by, e.proof)
          from unnest($1, $2, $3, $4, $5, $6, $11, $12, $13) e (id, stream, version, data, type, dotnet_type, stamp,
                                                                by, proof)
        """;

    private readonly FrozenDictionary<Type, (string Name, string DotNetType)> _names = store
        .Options.Events.AllKnownEventTypes()
        .ToFrozenDictionary(t => t.EventType, t => (t.EventTypeName, DotNetType(t.EventType)));

    /// <summary>
    /// Names a stream's aggregate as Marten does (streams of before November 2026 have <c>memberyear</c>, which nobody
    /// reads).
    /// </summary>
    private EventGraph Named => (EventGraph)store.Options.Events;

    private static string DotNetType(Type type) => $"{type.FullName}, {type.Assembly.GetName().Name}";

    /// <summary>
    /// Locks streams, in the order of their ids, and reads them as they are then: versions and states by id, the
    /// missing absent. Two statements and one round trip. A state whose seal does not hold, or that is not the stream's
    /// last, counts for nothing: what the events say does.
    /// </summary>
    /// <param name="strength"><c>for update</c>, or <c>for share</c> where the decision only rests on them.</param>
    /// <param name="beside">A look that belongs to the lock: in the same round trip, and it sees what was committed
    /// while the lock was waited for.</param>
    /// <param name="damaged">
    /// Takes the ids of which no state follows, and why, where the others are to go on without them; null: one of them
    /// stops all.
    /// </param>
    public async Task<(IReadOnlyDictionary<string, long> Versions, IReadOnlyDictionary<string, T> States)> LockAsync<T>(
        NpgsqlConnection connection,
        string[] ids,
        string strength,
        Look? beside = null,
        IDictionary<string, RefusedException>? damaged = null
    )
        where T : Aggregate
    {
        // One id by itself: for a list of any length the server may plan a bitmap, which never marks the entries of the
        // index that lead to dead rows.
        var (ask, asked) =
            ids.Length == 1
                ? ("id = $1", () => Sql.Text(ids[0]))
                : ("id = any($1)", (Func<NpgsqlParameter>)(() => ids.Texts(id => id)));
        await using var batch = connection.CreateBatch();
        batch.Add($"select id, version from {Schema}.mt_streams where {ask} order by id {strength}", asked());
        // Sees what was committed while the first waited for its locks.
        batch.Add($"{SelectStates<T>()} where {ask}", asked());
        if (beside is not null)
            batch.Add(beside.Sql, beside.Parameters);
        await batch.PrepareAsync();
        var (versions, states, doubtful) = (
            new Dictionary<string, long>(ids.Length),
            new Dictionary<string, T>(ids.Length),
            new Dictionary<string, T?>()
        );
        await using (var reader = await batch.ExecuteReaderAsync())
        {
            while (await reader.ReadAsync())
                versions[reader.GetString(0)] = reader.IsDBNull(1) ? -1 : reader.GetInt64(1);
            await reader.NextResultAsync();
            var rows = new List<StateRow>();
            while (await reader.ReadAsync())
                rows.Add(Row(reader));
            foreach (var (id, state, isLast) in rows.Each(Open<T>))
            {
                if (isLast && state!.Revision == versions.GetValueOrDefault(id))
                    states[id] = state;
                else
                    doubtful[id] = state;
            }
            if (beside is not null && await reader.NextResultAsync())
                await beside.ReadAsync(reader);
        }
        foreach (var id in versions.Keys.Where(id => !states.ContainsKey(id)))
            doubtful.TryAdd(id, null);
        if (doubtful.Count > 0)
            await FromEventsAsync(connection, doubtful, states, versions, damaged);
        return (versions, states);
    }

    /// <summary>
    /// Locks for several commands at once the streams that they will change, and reads their states and looks: one
    /// round trip. What somebody else holds is not waited for (<see cref="HeldStreams.IsTaken"/>) unless
    /// <paramref name="waits"/>. A state that is not sound is left out: a command by itself reads its events
    /// (<see cref="LockAsync"/>).
    /// </summary>
    /// <param name="needs">In the order of locks.</param>
    public async Task<HeldStreams> HoldAsync(
        NpgsqlConnection connection,
        IReadOnlyCollection<StreamNeed> needs,
        bool waits,
        IEnumerable<Look> looks
    )
    {
        await using var batch = connection.CreateBatch();
        var kinds = needs.GroupBy(n => n.Aggregate, n => n.Id).ToList();
        foreach (var kind in kinds)
        {
            var ids = kind.Distinct().ToList();
            batch.Add(
                $"""
                select s.id, s.version
                  from unnest($1) n (id)
                  join {Schema}.mt_streams s on s.id = n.id
                 order by s.id for update of s{(waits ? "" : " skip locked")}
                """,
                ids.Texts(id => id)
            );
            batch.Add($"{SelectStates(kind.Key)} join unnest($1) n (id) on d.id = n.id", ids.Texts(id => id));
        }
        var looked = looks.ToList();
        foreach (var look in looked)
            batch.Add(look.Sql, look.Parameters.Select(p => p.Clone())); // it may be asked again, in another group
        await batch.PrepareAsync();
        var held = new HeldStreams();
        await using var reader = await batch.ExecuteReaderAsync();
        foreach (var kind in kinds)
        {
            var versions = new Dictionary<string, long>();
            while (await reader.ReadAsync())
                versions[reader.GetString(0)] = reader.IsDBNull(1) ? -1 : reader.GetInt64(1);
            await reader.NextResultAsync();
            while (await reader.ReadAsync())
            {
                var (id, state, isLast) = Open(kind.Key, Row(reader));
                if (!versions.TryGetValue(id, out var version))
                    held.AddTaken(id);
                else if (isLast && state!.Revision == version)
                    held.Add(state, version);
            }
            await reader.NextResultAsync();
        }
        foreach (var look in looked)
        {
            await look.ReadAsync(reader);
            await reader.NextResultAsync();
        }
        return held;
    }

    /// <summary>States with what tells whether they are the last of their streams.</summary>
    private static string SelectStates<T>()
        where T : Aggregate => SelectStates(typeof(T));

    private static string SelectStates(Type aggregate) =>
        $"""
            select d.id, d.data, d.mt_version,
                   exists (select from {Schema}.mt_events e where e.stream_id = d.id and e.version > d.mt_version)
              from {StateTable.Of(Schema, aggregate)} d
            """;

    private readonly record struct StateRow(string Id, byte[] Data, long Version, bool HasLaterEvents);

    private static StateRow Row(NpgsqlDataReader reader) =>
        new(reader.GetString(0), reader.GetFieldValue<byte[]>(1), reader.GetInt64(2), reader.GetBoolean(3));

    /// <summary>
    /// A state, null when it cannot be read; and whether it is what the product wrote after the stream's last event.
    /// </summary>
    private (string Id, T? State, bool IsLast) Open<T>(StateRow row)
        where T : Aggregate => Open(typeof(T), row) is var (id, state, isLast) ? (id, (T?)state, isLast) : default;

    private (string Id, Aggregate? State, bool IsLast) Open(Type aggregate, StateRow row)
    {
        try
        {
            var state = (Aggregate)store.Options.Serializer().FromJson(aggregate, new MemoryStream(row.Data));
            return (
                row.Id,
                state,
                state.Id == row.Id && state.Revision == row.Version && !row.HasLaterEvents && seal.Holds(state)
            );
        }
        catch (System.Text.Json.JsonException)
        {
            return (row.Id, null, false); // somebody's edit: it counts for nothing all the more
        }
    }

    /// <summary>
    /// What the events of these streams say, into <paramref name="states"/> and <paramref name="versions"/>. A row that
    /// said otherwise is on record then.
    /// </summary>
    /// <exception cref="RefusedException"><c>fund-damaged</c>, <c>record-damaged</c>: no state follows from the events,
    /// somebody wrote one past the product.</exception>
    private async Task FromEventsAsync<T>(
        NpgsqlConnection connection,
        IReadOnlyDictionary<string, T?> documents,
        Dictionary<string, T> states,
        Dictionary<string, long> versions,
        IDictionary<string, RefusedException>? damaged
    )
        where T : Aggregate
    {
        var (folded, later, foreign, broken, last) = await FoldAsync(connection, documents);
        foreach (var (id, why) in broken)
        {
            var refusal = await edited.DamagedAsync(typeof(T), id, why);
            if (damaged is null)
                throw refusal;
            damaged[id] = refusal;
        }
        foreach (var (id, document) in documents.Where(d => !broken.ContainsKey(d.Key)))
        {
            if (folded.GetValueOrDefault(id) is T state)
            {
                states[id] = state;
                if (versions[id] != state.Revision)
                    await edited.FoundAsync(
                        $"{typeof(T).Name} {id}：流的版本被改动，按事件应为 {state.Revision} a stream's version was edited"
                    );
                versions[id] = state.Revision;
            }
            else if (!last.ContainsKey(id) && versions.Remove(id))
                await edited.FoundAsync($"{typeof(T).Name} {id}：有流而没有事件 a stream of no event");
            // A foreign event takes a version, and changes nothing else.
            var expected = states.GetValueOrDefault(id);
            if (foreign.Contains(id) && document?.Revision < expected?.Revision)
                expected = expected with { Revision = document.Revision };
            await edited.CompareAsync(id, document, expected, last.GetValueOrDefault(id), later.GetValueOrDefault(id));
        }
    }

    /// <summary>
    /// The states that follow, the first event of each stream that its document does not know of, the streams that
    /// others wrote into, why from some nothing follows, and the highest number of each stream's events.
    /// </summary>
    private async Task<(
        Dictionary<string, object?> States,
        Dictionary<string, IEvent> Later,
        HashSet<string> Foreign,
        Dictionary<string, string> Broken,
        Dictionary<string, long> Last
    )> FoldAsync<T>(NpgsqlConnection connection, IReadOnlyDictionary<string, T?> documents)
        where T : Aggregate
    {
        var fold = DocumentFold.Of(typeof(T));
        var (folded, later, foreign, broken, last) = (
            new Dictionary<string, object?>(),
            new Dictionary<string, IEvent>(),
            new HashSet<string>(),
            new Dictionary<string, string>(),
            new Dictionary<string, long>()
        );
        var marks = await Marks.OfAsync(connection, Schema, ofEvents);
        await foreach (
            var row in _stored.LookAsync(connection, "stream_id = any(@ids)", ("ids", documents.Keys.ToArray()))
        )
        {
            var (e, fault) = row.Of<T>();
            var id = e?.StreamKey ?? fault!.Stream;
            last[id] = Math.Max(last.GetValueOrDefault(id), row.Sequence);
            if (broken.ContainsKey(id))
                continue;
            if (e is null)
            {
                broken[id] = fault!.Message;
                continue;
            }
            var document = documents[id];
            if (await marks.IsDoubtfulAsync(e, document, () => edited.IsOursAsync(document!, e.Sequence)))
            {
                broken[id] = Marks.Why(e);
                continue;
            }
            if (e.IsForeign())
            {
                foreign.Add(id);
                await edited.FoundAsync(
                    $"{typeof(T).Name} {id}：{e.Named()}不是产品写入的，不予采用 an event that the product did not write"
                );
            }
            else if (document is not null && e.Version > document.Revision)
                later.TryAdd(id, e);
            try
            {
                folded[id] = fold.Next(folded.GetValueOrDefault(id), e);
            }
            catch (Exception none)
            {
                // The fold is pure: whatever it throws says that these events never passed a decider.
                broken[id] = $"{e.Named()}：{DocumentFold.Why(none)}";
            }
        }
        return (folded, later, foreign, broken, last);
    }

    /// <summary>A state that a decision outside a command rests on: as a command would find it.</summary>
    public async Task<T?> ReadAsync<T>(NpgsqlConnection connection, string id)
        where T : Aggregate
    {
        if (
            await connection.QueryAsync($"{SelectStates<T>()} where d.id = @id", r => Open<T>(Row(r)), ("id", id))
            is [{ IsLast: true } sound]
        )
            return sound.State;
        await using var transaction = await connection.BeginTransactionAsync();
        return (await LockAsync<T>(connection, [id], "for share")).States.GetValueOrDefault(id);
    }

    /// <summary>
    /// As <see cref="ReadAsync{T}(NpgsqlConnection, string)"/>, of many, in a command's transaction: the missing are
    /// absent. Nothing is locked but what has to be worked out anew.
    /// </summary>
    /// <param name="damaged">As in <see cref="LockAsync"/>.</param>
    public async Task<IReadOnlyDictionary<string, T>> ReadAsync<T>(
        NpgsqlConnection connection,
        IReadOnlyCollection<string> ids,
        IDictionary<string, RefusedException>? damaged = null
    )
        where T : Aggregate
    {
        var rows = await connection.QueryAsync(
            $"{SelectStates<T>()} where d.id = any(@ids)",
            Row,
            ("ids", ids.ToArray())
        );
        var states = rows.Each(Open<T>).Where(s => s.IsLast).ToDictionary(s => s.Id, s => s.State!);
        string[] rest = [.. ids.Where(id => !states.ContainsKey(id)).Distinct()];
        if (rest.Length > 0)
            foreach (var (id, state) in (await LockAsync<T>(connection, rest, "for share", damaged: damaged)).States)
                states[id] = state;
        return states;
    }

    /// <summary>
    /// Which of these streams' states are not what the product wrote after the last event: without a lock, so somebody
    /// may be about to write one.
    /// </summary>
    public async Task<string[]> DoubtfulAsync<T>(NpgsqlConnection connection, string[] ids)
        where T : Aggregate
    {
        // Of each state only whether it is sound: one of them may be a list of ten thousand.
        var states = await connection.QueryAsync(
            $"{SelectStates<T>()} where id = any(@ids)",
            r => Open<T>(Row(r)) is var s ? (s.Id, s.IsLast) : default,
            ("ids", ids)
        );
        return [.. ids.Except(states.Where(s => s.IsLast).Select(s => s.Id))];
    }

    /// <summary>Writes the states of these streams anew, as their events say and sealed.</summary>
    public async Task ResealAsync<T>(NpgsqlConnection connection, string[] ids)
        where T : Aggregate
    {
        await using var transaction = await connection.BeginTransactionAsync();
        var (versions, states) = await LockAsync<T>(connection, ids, "for update");
        await using var batch = connection.CreateBatch();
        WriteStates(batch, typeof(T), [.. states.Select(s => (s.Key, (Aggregate)s.Value, versions[s.Key]))]);
        await batch.ExecuteNonQueryAsync();
        await transaction.CommitAsync();
    }

    private void WriteStates(
        NpgsqlBatch batch,
        Type aggregate,
        IReadOnlyList<(string Id, Aggregate State, long Version)> states
    ) =>
        StateTable.Upsert(
            batch,
            StateTable.Of(Schema, aggregate),
            aggregate,
            states.Each(s => (s.Id, Json: seal.Write(s.State), s.Version, s.State.Region)).ToList(),
            s => s.Id,
            s => s.Json,
            s => s.Version,
            s => s.Region
        );

    /// <summary>
    /// Adds the changes of commands, in their order, to a batch that the caller's transaction runs: each goes on where
    /// the ones before it left; nothing is there before it commits.
    /// </summary>
    public void Add(NpgsqlBatch batch, IReadOnlyList<StampedChanges> commands)
    {
        var written = commands
            .SelectMany((c, i) => c.Changes.Where(s => s.Events.Count > 0).Select(s => (Change: s, Stamp: i)))
            .ToList();
        if (written.Count == 0)
            return;
        var streams = written
            .GroupBy(w => w.Change.Id, (_, all) => StreamChange.Of([.. all.Select(w => w.Change)]))
            .ToList();
        AddStreams(batch, streams);
        var json = store.Options.Serializer();
        var headers = commands.Select(c => json.ToJson(c.Stamp.Headers())).ToList();
        var events = written
            .SelectMany(w =>
                w.Change.Events.Select(
                    (e, i) =>
                        (
                            w.Change.Id,
                            Version: w.Change.Before + i + 1,
                            Data: e,
                            Json: json.ToJson(e),
                            Names: _names[e.GetType()],
                            EventId: Guid.CreateVersion7(),
                            w.Stamp
                        )
                )
            )
            .ToList();
        batch.Add(
            Events,
            events.Column(NpgsqlDbType.Uuid, e => e.EventId),
            events.Texts(e => e.Id),
            events.Longs(e => e.Version),
            events.Column(NpgsqlDbType.Jsonb, e => e.Json),
            events.Texts(e => e.Names.Name),
            events.Texts(e => e.Names.DotNetType),
            new() { NpgsqlDbType = NpgsqlDbType.TimestampTz, Value = time.GetUtcNow().UtcDateTime },
            commands.Texts(c => c.Stamp.CausationId),
            commands.Texts(c => c.Stamp.CorrelationId),
            headers.Column(NpgsqlDbType.Jsonb, h => h),
            events.Column(NpgsqlDbType.Integer, e => e.Stamp + 1),
            events.Texts(e => EventSeal.Covers(e.Id, e.Names.Name) ? EventSeal.Header : EventHeaders.Mark),
            events
                .Each(e =>
                    EventSeal.Covers(e.Id, e.Names.Name)
                        ? ofEvents.Of(e.Id, e.Version, e.Names.Name, headers[e.Stamp], e.Json)
                        : ofEvents.MarkOf(e.Id, e.Version, e.Names.Name)
                )
                .ToList()
                .Texts(p => p)
        );

        foreach (var group in streams.Where(c => c.Aggregate is not null).GroupBy(c => c.Aggregate!))
            WriteStates(batch, group.Key, [.. group.Select(c => (c.Id, c.State!, c.Before + c.Events.Count))]);

        StoredAxes.Insert(
            batch,
            $"{Schema}.fen_axis",
            [.. events.SelectMany(e => AxisEntry.Of(e.Id, e.Data).Select(entry => entry with { EventId = e.EventId }))]
        );
    }

    private void AddStreams(NpgsqlBatch batch, IReadOnlyCollection<StreamChange> written)
    {
        var fresh = written.Where(c => c.Before == 0).ToList();
        if (fresh.Count > 0)
            batch.Add(
                // A row of no event is somebody's, who would keep the stream's place; the event's own place is taken
                // by one alone.
                $"""
                insert into {Schema}.mt_streams (id, type, version)
                select * from unnest($1, $2, $3)
                    on conflict (id) do update set type = excluded.type, version = excluded.version, timestamp = now()
                """,
                fresh.Texts(c => c.Id),
                fresh.Texts(c => c.Aggregate is { } type ? Named.AggregateAliasFor(type) : null),
                fresh.Longs(c => c.Events.Count)
            );
        var known = written.Where(c => c.Before > 0).ToList();
        if (known.Count > 0)
            batch.Add(
                $"""
                update {Schema}.mt_streams s
                   set version = v.version, timestamp = now()
                  from unnest($1, $2) v (id, version)
                 where s.id = v.id
                """,
                known.Texts(c => c.Id),
                known.Longs(c => c.Before + c.Events.Count)
            );
    }

    /// <summary>
    /// Events in which somebody's rights stand, or the rules: those that the product wrote, stream after stream. Others
    /// are on record when a state is read.
    /// </summary>
    public IAsyncEnumerable<IEvent> OursAsync(
        NpgsqlConnection connection,
        string where,
        params (string Name, object? Value)[] parameters
    ) => _stored.ReadAsync(connection, where, parameters).Where(e => !e.IsForeign());

    /// <summary>As <see cref="Add"/>, at once.</summary>
    public async Task WriteAsync(
        NpgsqlConnection connection,
        IReadOnlyCollection<StreamChange> changes,
        EventStamp stamp
    )
    {
        await using var batch = connection.CreateBatch();
        Add(batch, [new StampedChanges(changes, stamp)]);
        await batch.ExecuteNonQueryAsync();
    }
}
