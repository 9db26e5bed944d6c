using System.Collections.Concurrent;
using System.Data;
using JasperFx.Events;
using Ledger.Domain;
using Ledger.Projections.AuditTrail;
using Ledger.Store.Axes;
using Marten;
using Npgsql;

namespace Ledger.Projections.Rebuilding;

/// <summary>
/// Every read model anew from the events, in new tables beside those in use, which take their place at the end: readers
/// and commands go on all the while, and are held up for the moment of the switch. Needs the tables' owner. Stream
/// after stream, by several readers, in constant memory. A stream that holds what no decider let happen keeps its
/// documents as they were, and is named: nobody stops a rebuild by adding an event.
/// </summary>
public sealed class Rebuild(
    IDocumentStore store,
    StateSeal seal,
    EventSeal ofEvents,
    NpgsqlDataSource owner,
    string schema
)
{
    /// <summary>Rows that are written at once, and events that may come between the last look and the switch.</summary>
    private const int BatchSize = 5_000,
        FewEvents = 500;

    /// <summary>
    /// A lock that is not to be had in this time is let go and asked for again: nobody waits behind us for longer, and
    /// no command meets a deadlock.
    /// </summary>
    private static readonly TimeSpan LockTime = TimeSpan.FromMilliseconds(500),
        LockPatience = TimeSpan.FromMinutes(5);

    /// <summary>The advisory lock of whoever rebuilds: two would make and drop the same new tables.</summary>
    public const long Lock = 0x4C45444745525F33; // "LEDGER_3"; LedgerSchema has 1, LogService 2

    private readonly StoredEvents _events = new(store, schema, ofEvents);
    private readonly ConcurrentDictionary<long, string> _foreign = [];
    private readonly ConcurrentDictionary<string, (long Sequence, string Why)> _left = [];
    private readonly IReadOnlyDictionary<Type, NewTable> _documents = ReadModels.Documents.ToDictionary(
        f => f.Document,
        f => new NewTable(schema, StateTable.Name(f.Document))
    );
    private readonly NewTable _audit = new(schema, "audit_entry"),
        _auditIds = new(schema, "audit_entry_id"),
        _axes = new(schema, "fen_axis");
    private long _done;

    private IEnumerable<NewTable> Tables => [_audit, _auditIds, _axes, .. _documents.Values];

    /// <summary>How many events have been read so far.</summary>
    public long Done => Interlocked.Read(ref _done);

    /// <summary>
    /// Events that somebody wrote past the product, of which no document tells anything, in their order.
    /// </summary>
    public IEnumerable<string> Foreign => _foreign.OrderBy(e => e.Key).Select(e => e.Value);

    /// <summary>
    /// Streams whose documents were left as they were, by the number of the first event from which nothing follows.
    /// </summary>
    public IEnumerable<(string Stream, long Sequence, string Why)> Left =>
        _left.Select(l => (l.Key, l.Value.Sequence, l.Value.Why)).OrderBy(l => l.Sequence);

    /// <returns>How many events there were.</returns>
    /// <exception cref="InvalidOperationException">Another rebuild is at work. All stays as it was.</exception>
    public async Task<long> RunAsync(int readers, CancellationToken cancellation = default)
    {
        await using var connection = await owner.OpenConnectionAsync(cancellation);
        if (
            !(
                await connection.QueryAsync("select pg_try_advisory_lock(@lock)", r => r.GetBoolean(0), ("lock", Lock))
            ).Single()
        )
            throw new InvalidOperationException(
                "已有另一次重建正在进行，请等它结束。Another rebuild is at work: wait for it to end."
            );
        try
        {
            foreach (var table in Tables)
                await table.CreateAsync(connection);
            var head = await HeadAsync(connection, cancellation);
            await DeriveAllAsync(connection, head, readers, cancellation);
            await connection.ExecuteAsync(AuditEntry.InsertUnreadable(schema, _audit.Name, "0", $"{head}"));
            var parts = Enumerable.Range(0, readers).Select(i => Ids($"abs(seq % {readers}) = {i}"));
            await SideBySideAsync(parts, readers, cancellation);
            var indexes = new List<string>();
            foreach (var table in Tables)
                indexes.AddRange(await table.IndexesAsync(connection));
            await SideBySideAsync(indexes, readers, cancellation);
            foreach (var table in Tables)
                await table.FinishAsync(connection);
            for (var behind = long.MaxValue; behind > FewEvents; )
            {
                var next = await HeadAsync(connection, cancellation);
                await CatchUpAsync(head, next);
                (behind, head) = (next - head, next);
            }
            await LockedAsync(
                connection,
                async () =>
                {
                    // As every command does, streams first: whoever waits here holds nothing that we want.
                    await connection.ExecuteAsync(
                        $"lock table {schema}.mt_streams in exclusive mode; lock table {schema}.mt_events in share mode"
                    );
                    var last = await LastAsync(connection);
                    await CatchUpAsync(head, last);
                    head = last; // also for another try: what was taken in stays
                    await SwitchAsync(connection, head);
                },
                cancellation
            );
            return Done;
        }
        // A broken one has given its lock back, and the next rebuild begins with dropping
        catch when (connection.State == ConnectionState.Open)
        {
            foreach (var table in Tables)
                await table.DropAsync(connection);
            throw;
        }
        finally
        {
            if (connection.State == ConnectionState.Open)
                await connection.ExecuteAsync("select pg_advisory_unlock(@lock)", ("lock", Lock));
        }
    }

    /// <summary>What all events up to one say, read by several at once, each a range of streams.</summary>
    private async Task DeriveAllAsync(
        NpgsqlConnection connection,
        long head,
        int readers,
        CancellationToken cancellation
    )
    {
        var bounds = await connection.QueryAsync(
            $"""
            select min(id)
              from (select id, floor((sum(version) over (order by id) - 1) * {readers} / sum(version) over ()) part
                      from {schema}.mt_streams) s
             group by part
             order by part
            """,
            r => r.GetString(0)
        );
        await Task.WhenAll(
            Enumerable
                .Range(0, Math.Max(bounds.Count, 1))
                .Select(i =>
                    Task.Run(
                        async () =>
                        {
                            var range = new List<(string Condition, string Name, object Value)>
                            {
                                ("seq_id <= @head", "head", head),
                            };
                            if (i > 0)
                                range.Add(("stream_id >= @from", "from", bounds[i]));
                            if (i + 1 < bounds.Count)
                                range.Add(("stream_id < @to", "to", bounds[i + 1]));
                            await DeriveAsync(
                                [],
                                string.Join(" and ", range.Select(r => r.Condition)),
                                [.. range.Select(r => (r.Name, (object?)r.Value))]
                            );
                        },
                        cancellation
                    )
                )
        );
    }

    /// <summary>The last step, in which nobody writes: the new tables in place of the old.</summary>
    private async Task SwitchAsync(NpgsqlConnection connection, long head)
    {
        // All of it is taken in. Who runs the asynchronous projections now does so from old documents: he is to begin
        // anew from here.
        await connection.ExecuteAsync(
            $"""
            insert into {schema}.mt_event_progression (name, last_seq_id)
            select n, @head
              from unnest(array['AuditTrail:All', 'WorkQueue:All']) n
                on conflict (name) do update set last_seq_id = excluded.last_seq_id
            """,
            ("head", head)
        );
        await connection.ExecuteAsync(
            $"""
            update {schema}.lease
               set holder = gen_random_uuid(), until = clock_timestamp() + interval '3 seconds'
            """
        );
        foreach (var table in _documents.Values)
            await table.KeepAsync(connection, [.. _left.Keys]);
        foreach (var table in Tables)
            await table.SwitchAsync(connection);
    }

    /// <summary>Twice as many as there are readers: each waits for the disk at its end.</summary>
    private Task SideBySideAsync(IEnumerable<string> statements, int readers, CancellationToken cancellation) =>
        Parallel.ForEachAsync(
            statements,
            new ParallelOptions { MaxDegreeOfParallelism = 2 * readers, CancellationToken = cancellation },
            async (statement, _) =>
            {
                await using var own = await OpenAsync();
                await own.ExecuteAsync(statement);
            }
        );

    /// <summary>
    /// For large work on the new tables, which nobody uses before the switch: its commit waits for the disk, and for
    /// all that was written before it. Memory to sort events by their streams, and keys for indexes.
    /// </summary>
    private async Task<NpgsqlConnection> OpenAsync()
    {
        var connection = await owner.OpenConnectionAsync();
        await connection.ExecuteAsync(
            "set synchronous_commit = off; set work_mem = '64MB'; set maintenance_work_mem = '128MB'"
        );
        return connection;
    }

    /// <summary>What follows from these events, into the new tables.</summary>
    /// <param name="before">The documents of these streams as they were before these events, no longer in the tables;
    /// none: the streams begin here.</param>
    private async Task DeriveAsync(
        Dictionary<string, Dictionary<DocumentFold, object?>> before,
        string where,
        params (string Name, object? Value)[] parameters
    )
    {
        await using var reading = await OpenAsync();
        await using var writing = await OpenAsync();
        var marks = await Marks.OfAsync(reading, schema, ofEvents);
        var (audit, axes, documents) = (
            new List<AuditEntry>(),
            new List<AxisEntry>(),
            ReadModels.Documents.ToDictionary(
                f => f,
                _ => new List<(string Id, string Json, long Version, string Region)>()
            )
        );
        var (states, foldsOf) = (new Dictionary<DocumentFold, object?>(), new Dictionary<Type, DocumentFold[]>());
        var (stream, version) = ("", 0L);
        await foreach (var row in _events.LookAsync(reading, where, parameters))
        {
            if (row.Stream != stream)
            {
                EndStream();
                stream = row.Stream;
                if (before.TryGetValue(stream, out var known))
                    states = new(known);
            }
            Interlocked.Increment(ref _done);
            if (row.Event is not { } e)
            {
                _left.TryAdd(stream, (row.Sequence, row.Fault!.Message));
                continue;
            }
            version = e.Version;
            if (e.IsForeign())
                _foreign[e.Sequence] = $"{stream}：{e.Named()}";
            if (!foldsOf.TryGetValue(e.EventType, out var folds))
                foldsOf[e.EventType] = folds = [.. ReadModels.Documents.Where(f => f.Events.Contains(e.EventType))];
            if (e.Data is not ForeignEvent)
                audit.Add(AuditEntry.Of(e)); // of what is not read: InsertUnreadable
            if (marks.IsUnmarked(e) && !_left.ContainsKey(stream) && await IsDoubtfulAsync(marks, e))
                _left.TryAdd(stream, (e.Sequence, Marks.Why(e)));
            if (!_left.ContainsKey(stream))
                try
                {
                    // What others wrote takes a version of each document that there is, whatever it says.
                    foreach (var fold in e.IsForeign() ? [.. states.Keys] : folds)
                        states[fold] = fold.Next(states.GetValueOrDefault(fold), e);
                    axes.AddRange([.. AxisEntry.Of(stream, e.Data).Select(entry => entry with { EventId = e.Id })]);
                }
                catch (Exception broken)
                {
                    // Folds are pure: whatever they throw says that no decider let this event happen.
                    _left.TryAdd(stream, (e.Sequence, DocumentFold.Why(broken)));
                }
            if (audit.Count == BatchSize)
                await WriteAsync(writing, audit, axes, documents);
        }
        EndStream();
        await WriteAsync(writing, audit, axes, documents);

        void EndStream()
        {
            foreach (var (fold, state) in states)
                if (state is not null && !_left.ContainsKey(stream))
                    documents[fold].Add((stream, seal.Write(state), version, fold.Region(state)));
            states.Clear();
        }
    }

    /// <summary>Of few events: those without a mark. The state in use still says whether it knew of it.</summary>
    private async Task<bool> IsDoubtfulAsync(Marks marks, IEvent e)
    {
        if (EventTypes.AggregateOf(e.StreamKey!) is not { } kind)
            return false; // named as of no kind, and nothing is made of it
        await using var connection = await owner.OpenConnectionAsync();
        var document = (
            await connection.QueryAsync(
                $"select data from {StateTable.Of(schema, kind)} where id = @id",
                r => StateTable.Parsed(store, kind, r),
                ("id", e.StreamKey)
            )
        ).SingleOrDefault();
        return await marks.IsDoubtfulAsync(
            e,
            document,
            async () => seal.Holds(document!) || await StateShapes.IsChangedAsync(connection, kind.Name, e.Sequence)
        );
    }

    private async Task WriteAsync(
        NpgsqlConnection writing,
        List<AuditEntry> audit,
        List<AxisEntry> axes,
        Dictionary<DocumentFold, List<(string Id, string Json, long Version, string Region)>> documents
    )
    {
        foreach (var (fold, found) in documents)
            await StateTable.CopyAsync(writing, _documents[fold.Document].Name, fold.Document, found);
        await AuditEntry.CopyAsync(writing, _audit.Name, audit);
        await StoredAxes.CopyAsync(writing, _axes.Name, axes);
        audit.Clear();
        axes.Clear();
        foreach (var found in documents.Values)
            found.Clear();
    }

    /// <summary>
    /// The statement by which these entries of the new audit trail are found by their ids; beside the one in use a
    /// trigger sees to that.
    /// </summary>
    private string Ids(string where) =>
        $"""
            insert into {_auditIds.Name} (id_hash, seq)
            select hashtextextended(id, 0), seq
              from {_audit.Name}, unnest(ids) id
             where {where}
            """;

    /// <summary>
    /// What has been added since: the documents that it changes are taken out, and put back as they are after it.
    /// </summary>
    private async Task CatchUpAsync(long from, long to)
    {
        if (to == from)
            return;
        var before = new Dictionary<string, Dictionary<DocumentFold, object?>>();
        await using var connection = await owner.OpenConnectionAsync();
        foreach (var fold in ReadModels.Documents)
        foreach (
            var (id, document) in await connection.QueryAsync(
                $"""
                delete from {_documents[fold.Document].Name}
                 where id in (select stream_id from {schema}.mt_events where seq_id > @from and seq_id <= @to)
                returning id, data
                """,
                r => (r.GetString(0), store.Options.Serializer().FromJson(fold.Document, r, 1)),
                ("from", from),
                ("to", to)
            )
        )
            (before.TryGetValue(id, out var known) ? known : before[id] = [])[fold] = document;
        await DeriveAsync(before, "seq_id > @from and seq_id <= @to", ("from", from), ("to", to));
        await connection.ExecuteAsync(AuditEntry.InsertUnreadable(schema, _audit.Name, $"{from}", $"{to}"));
        await connection.ExecuteAsync(Ids($"seq > {from} and seq <= {to}"));
    }

    /// <summary>
    /// An event's number such that no event below it is still to come: the moment in which nobody is writing.
    /// </summary>
    private async Task<long> HeadAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var head = 0L;
        await LockedAsync(
            connection,
            async () =>
            {
                await connection.ExecuteAsync($"lock table {schema}.mt_events in share mode");
                head = await LastAsync(connection);
            },
            cancellation
        );
        return head;
    }

    private async Task<long> LastAsync(NpgsqlConnection connection) =>
        (
            await connection.QueryAsync($"select coalesce(max(seq_id), 0) from {schema}.mt_events", r => r.GetInt64(0))
        ).Single();

    private static async Task LockedAsync(NpgsqlConnection connection, Func<Task> work, CancellationToken cancellation)
    {
        for (var waited = System.Diagnostics.Stopwatch.StartNew(); ; )
        {
            await using var transaction = await connection.BeginTransactionAsync(cancellation);
            try
            {
                await connection.ExecuteAsync($"set local lock_timeout = {LockTime.TotalMilliseconds:0}");
                await work();
                await transaction.CommitAsync(cancellation);
                return;
            }
            catch (PostgresException e)
                when (e.SqlState is PostgresErrorCodes.LockNotAvailable or PostgresErrorCodes.DeadlockDetected
                    && waited.Elapsed < LockPatience
                )
            {
                await transaction.RollbackAsync(cancellation);
                await Task.Delay(LockTime, cancellation);
            }
        }
    }
}
