using System.Runtime.CompilerServices;
using System.Text.Json.Nodes;
using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Projections.AuditTrail;
using Ledger.Projections.Checking.Promises;
using Ledger.Store.Axes;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Projections.Checking;

/// <summary>
/// What a check looked at and what it found. <paramref name="Broken"/>: promises that the events themselves break, the
/// clause as path; nothing mends those. <paramref name="Unclear"/>: what may have been meant, and wants looking at.
/// </summary>
public sealed record CheckResult(
    long Events,
    long Documents,
    IReadOnlyList<Difference> Differences,
    bool Rebuilt,
    IReadOnlyList<Difference> Broken,
    IReadOnlyList<Difference> Unclear
);

/// <summary>
/// Re-derives every projection from the events and compares (ledger check): the state of each aggregate, the work
/// queue, the audit trail, the axes of the fen; and across streams, that fund, application and member-years tell of the
/// same money. Then replays the promises. Pages through the streams: memory stays constant.
/// </summary>
/// <param name="scope">Only what happened in regions that begin so; empty: everything, and also documents and rows that
/// no event explains.</param>
/// <param name="looked">Told how many events were looked at since it was told last. With it one part follows the other:
/// whoever waits for an answer meanwhile comes first.</param>
/// <param name="now">Nothing is recorded after it; null: where the clock is a play's.</param>
public sealed class LedgerCheck(
    IDocumentStore store,
    EventSeal seal,
    NpgsqlDataSource database,
    string schema,
    string scope = "",
    DateTimeOffset? now = null,
    TimeSpan? clockMargin = null,
    Action<int>? looked = null
)
{
    private const int PageSize = 1_000,
        MaxDifferences = 1_000;

    /// <summary>The path of a difference where the events themselves contradict each other.</summary>
    public const string Underivable = "(events)";

    private readonly StoredEvents _stored = new(store, schema),
        _sealed = new(store, schema, seal);
    private readonly List<Difference> _differences = [];
    private readonly SortedDictionary<long, Difference> _foreign = [],
        _aside = [],
        _unreadable = [];
    private long _events,
        _documents;

    /// <param name="mend">
    /// With it, what the events say is written, and sealed, in place of wrong documents and rows, a page of them in a
    /// transaction: what is right already costs a look, and readers and commands go on.
    /// </param>
    public async Task<CheckResult> RunAsync(StateSeal? mend, CancellationToken cancellation = default)
    {
        var rebuild = mend is not null;
        // The states, the audit trail and the axes know nothing of each other.
        Func<Task>[] parts =
        [
            () => CheckAuditTrailAsync(rebuild, cancellation),
            () => CheckAxesAsync(rebuild, cancellation),
            () => CheckDocumentsAsync(mend, cancellation),
        ];
        if (looked is null)
            await Task.WhenAll(parts.Select(part => Task.Run(part, cancellation)));
        else
            foreach (var part in parts)
                await part();
        await CheckMoneyAsync(cancellation);
        var (broken, unclear) = await new PromiseCheck(store, seal, database, schema, scope).RunAsync(cancellation);
        return new CheckResult(
            _events,
            _documents,
            _differences,
            rebuild && _differences.Count > 0,
            [.. _unreadable.Values, .. _foreign.Values, .. broken],
            [.. _aside.Values, .. unclear]
        );
    }

    /// <summary>
    /// The event of a row; none where it cannot be read: it is named, and the rest is checked without it.
    /// </summary>
    private IEvent? Readable(StoredRow row)
    {
        if (row.Fault is { } fault && InScope(row))
            lock (_unreadable)
                if (_unreadable.Count < MaxDifferences)
                    _unreadable[row.Sequence] = new Difference(
                        "Events",
                        row.Stream,
                        Underivable,
                        fault.Message,
                        "由产品写入的事件；由它推不出任何结果，同一流的状态和承诺不作判断",
                        row.Sequence
                    );
        return row.Event;
    }

    private bool InScope(StoredRow row) => row.Region.StartsWith(scope, StringComparison.Ordinal);

    private async Task CheckDocumentsAsync(StateSeal? mend, CancellationToken cancellation)
    {
        foreach (var fold in ReadModels.Documents)
            await CheckDocumentsAsync(fold, mend, cancellation);
    }

    /// <summary>Every stream that begins a document's events against that document.</summary>
    private async Task CheckDocumentsAsync(DocumentFold fold, StateSeal? mend, CancellationToken cancellation)
    {
        var types = store
            .Options.Events.AllKnownEventTypes()
            .Where(t => fold.Events.Contains(t.EventType))
            .Select(t => t.EventTypeName)
            .ToArray();
        for (var after = ""; ; )
        {
            var ids = await QueryAsync(
                $"""
                select distinct stream_id
                  from {schema}.mt_events
                 where stream_id > @after
                   and type = any(@types)
                   and (@scope = '' or headers ->> 'region' like @scope || '%')
                 order by 1 limit {PageSize}
                """,
                r => r.GetString(0),
                ("after", after),
                ("types", types),
                ("scope", scope)
            );
            if (ids.Count == 0)
                break;
            _documents += ids.Count;
            var differing = await CompareAsync(fold, ids, cancellation);
            // Somebody may have written between the two reads: only what stays different is a difference. Most of a
            // page is not somebody.
            for (
                var again = 0;
                differing.Count > 0 && differing.Count <= Math.Max(50, ids.Count / 2) && again < 3;
                again++
            )
            {
                await Task.Delay(100, cancellation);
                differing = await CompareAsync(fold, [.. differing.Select(d => d.Id)], cancellation);
            }
            foreach (var difference in differing)
                Report(difference);
            for (var tries = 0; mend is not null && tries < 3 && differing.Any(d => d.Path != Underivable); tries++)
            {
                var wrong = differing.Where(d => d.Path != Underivable).Select(d => d.Id);
                await MendAsync(fold, mend, [.. wrong], cancellation);
                differing = await CompareAsync(fold, [.. differing.Select(d => d.Id)], cancellation);
            }
            after = ids[^1];
        }
        if (scope.Length == 0)
            await CheckOrphansAsync(fold, mend is not null);
    }

    /// <summary>Documents that no stream explains.</summary>
    private async Task CheckOrphansAsync(DocumentFold fold, bool mend)
    {
        var table = StateTable.Of(schema, fold.Document);
        foreach (
            var orphan in await OnAsync(c =>
                c.ScanAsync(
                    $"""
                    select d.id
                      from {table} d
                     where not exists (select 1 from {schema}.mt_events e where e.stream_id = d.id)
                     order by 1 limit {MaxDifferences}
                    """,
                    r => r.GetString(0)
                )
            )
        )
        {
            Report(new Difference(fold.Name, orphan, "$", "document", null, null));
            if (mend)
                await OnAsync(c => c.ExecuteAsync($"delete from {table} where id = @id", ("id", orphan)));
        }
    }

    private async Task<ILookup<string, StoredRow>> EventsAsync(
        NpgsqlConnection connection,
        string[] ids,
        CancellationToken cancellation
    ) =>
        Looked(await _sealed.LookAsync(connection, "stream_id = any(@ids)", ("ids", ids)).ToListAsync(cancellation))
            .ToLookup(e => e.Stream);

    private List<StoredRow> Looked(List<StoredRow> rows)
    {
        looked?.Invoke(rows.Count);
        return rows;
    }

    /// <summary>Under the streams' locks, as a command writes them: no event comes in between.</summary>
    private async Task MendAsync(DocumentFold fold, StateSeal seal, string[] ids, CancellationToken cancellation)
    {
        var table = StateTable.Of(schema, fold.Document);
        var seen = await SeenAsync(fold.Name);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        await connection.ExecuteAsync(
            $"select 1 from {schema}.mt_streams where id = any(@ids) order by id for update",
            ("ids", ids)
        );
        var events = await EventsAsync(connection, ids, cancellation);
        var doubtful = await DoubtfulAsync(connection, fold, seal, ids, events);
        var states = ids.Where(id => events[id].All(e => e.Fault is null) && !doubtful.Contains(id))
            .Select(id => (Id: id, Events: events[id].Select(e => e.Sound()).Where(e => e.Sequence <= seen).ToList()))
            .Select(s => (s.Id, s.Events.LastOrDefault()?.Version, State: s.Events.Aggregate((object?)null, fold.Next)))
            .ToList();
        await using var batch = connection.CreateBatch();
        var written = states.Where(s => s.State is not null).ToList();
        if (written.Count > 0)
            StateTable.Upsert(
                batch,
                table,
                fold.Document,
                written,
                s => s.Id,
                s => seal.Write(s.State!),
                s => s.Version,
                s => fold.Region(s.State!)
            );
        batch.Add(
            $"delete from {table} where id = any($1)",
            states.Where(s => s.State is null).ToList().Texts(s => s.Id)
        );
        batch.Transaction = transaction;
        await batch.ExecuteNonQueryAsync(cancellation);
        await transaction.CommitAsync(cancellation);
    }

    /// <summary>Streams with an event that nothing shows to be the product's: nothing is sealed of them.</summary>
    private async Task<HashSet<string>> DoubtfulAsync(
        NpgsqlConnection connection,
        DocumentFold fold,
        StateSeal mend,
        string[] ids,
        ILookup<string, StoredRow> events
    )
    {
        var marks = await Marks.OfAsync(connection, schema, seal);
        var doubtful = new HashSet<string>();
        if (!fold.Document.IsAssignableTo(typeof(Aggregate)))
            return doubtful;
        foreach (var id in ids)
        foreach (var e in events[id].Select(r => r.Event).OfType<IEvent>().Where(marks.IsUnmarked))
            if (await marks.IsDoubtfulAsync(connection, store, mend, schema, e))
                doubtful.Add(id);
        return doubtful;
    }

    private async Task<List<Difference>> CompareAsync(
        DocumentFold fold,
        List<string> ids,
        CancellationToken cancellation
    )
    {
        var table = StateTable.Of(schema, fold.Document);
        var seen = await SeenAsync(fold.Name);
        var events = await OnAsync(c => EventsAsync(c, [.. ids], cancellation));
        var marks = await OnAsync(c => Marks.OfAsync(c, schema, seal));
        var documents = (
            await QueryAsync(
                $"select id, data::text from {table} where id = any(@ids)",
                r => (Id: r.GetString(0), Text: r.GetString(1)),
                ("ids", ids.ToArray())
            )
        ).ToDictionary(d => d.Id, d => d.Text);
        return
        [
            .. ids.Select(id => Compare(fold, id, events[id], seen, documents.GetValueOrDefault(id), marks))
                .OfType<Difference>(),
        ];
    }

    /// <summary>No document tells of it, and nothing mends it: it stays in the log, named.</summary>
    private void Foreign(IEvent e, string clause, string why)
    {
        var into = e.IsSetAside() ? _aside : _foreign;
        if (e.IsSetAside())
            why = "由产品写入的事件；这一个已由表的所有者搁置";
        lock (into)
            if (into.Count < MaxDifferences)
                into[e.Sequence] = new Difference("Events", e.StreamKey!, clause, e.EventTypeName, why, e.Sequence);
    }

    private const string NotOurs = "由产品写入的事件；这一个不是，不予采用";

    private Difference? Compare(
        DocumentFold fold,
        string id,
        IEnumerable<StoredRow> rows,
        long seen,
        string? text,
        Marks marks
    )
    {
        var name = fold.Name;
        var events = rows.Select(Readable).OfType<IEvent>().ToList();
        if (rows.FirstOrDefault(r => r.Fault is not null && r.Sequence <= seen) is { Fault: { } fault })
            return new Difference(name, id, Underivable, null, fault.Message, fault.Sequence);
        foreach (var e in events.Where(e => e.IsForeign()))
            Foreign(e, "C20", NotOurs);
        if (EventTypes.IsOfNoKind(id))
            return null; // named with its events; nothing is made of it
        var found = text is null ? null : Bare(JsonNode.Parse(text));
        var known =
            (found as JsonObject)?["revision"] is JsonValue revision && revision.TryGetValue<int>(out var said)
                ? said
                : (int?)null;
        if (
            fold.Document.IsAssignableTo(typeof(Aggregate))
            && events.FirstOrDefault(e => e.Sequence <= seen && marks.IsUnmarked(e) && marks.IsBeyond(e, known))
                is { } unmarked
        )
            return new Difference(name, id, Underivable, null, Marks.Why(unmarked), unmarked.Sequence);
        var (expected, last) = ((object?)null, 0L);
        try
        {
            foreach (var e in events.Where(e => e.Sequence <= seen))
                (expected, last) = (fold.Next(expected, e), e.Sequence);
        }
        catch (Exception broken)
        {
            // The fold is pure: whatever it throws says that these events never passed a decider. Somebody wrote
            // them past the product, and no state follows from them.
            return new Difference(
                name,
                id,
                Underivable,
                null,
                DocumentFold.Why(broken),
                events.FirstOrDefault(e => e.Sequence > last)?.Sequence
            );
        }
        // A document from before a foreign event, which takes a version and changes nothing, is as right as one
        // from after it.
        if (
            expected is Aggregate state
            && known < state.Revision
            && events.Where(e => e.Version > known).All(e => e.IsForeign())
        )
            expected = state with { Revision = known.Value };
        var should = expected is null ? null : JsonNode.Parse(store.Options.Serializer().ToJson(expected));
        if (JsonNode.DeepEquals(found, should) || text is not null && JsonNode.DeepEquals(AsRead(fold, text), should))
            return null;
        var (path, was, wanted) = Difference.First(found, should);
        return new Difference(name, id, path, was, wanted, last);
    }

    /// <summary>The seal is no content: what it stands over is compared here with the events themselves.</summary>
    private static JsonNode? Bare(JsonNode? document)
    {
        (document as JsonObject)?.Remove("seal");
        return document;
    }

    /// <summary>
    /// A document as the product understands it: one that an older build wrote lacks what has been added since, and
    /// reads as if that had its first value. Only where the events say another is it a difference.
    /// </summary>
    private JsonNode? AsRead(DocumentFold fold, string text) =>
        Parsed(fold, text) is { } document ? Bare(JsonNode.Parse(store.Options.Serializer().ToJson(document))) : null;

    /// <summary>Null: what cannot be read.</summary>
    private object? Parsed(DocumentFold fold, string text)
    {
        try
        {
            return store
                .Options.Serializer()
                .FromJson(fold.Document, new MemoryStream(System.Text.Encoding.UTF8.GetBytes(text)));
        }
        catch (Exception e) when (StoredForm.IsNone(e))
        {
            return null;
        }
    }

    /// <summary>An event that the product did not write, or that is out of its turn.</summary>
    /// <param name="late">Its time, where that is not in turn.</param>
    private void NameForeign(IEvent e, string? late)
    {
        var why =
            EventTypes.IsOfNoKind(e.StreamKey!) ? "产品有的流；没有这种流，不是产品写入的"
            : e.IsForeign() ? NotOurs
            : null;
        if (why is null && late is null)
            return;
        Foreign(
            e,
            why is null ? "recordedAt" : "C20",
            string.Join("；", new[] { why, late is null ? null : $"按次序记录的事件，{late}" }.OfType<string>())
        );
    }

    private async Task CheckAuditTrailAsync(bool rebuild, CancellationToken cancellation)
    {
        // What is of no region, whoever sees everything else checks too.
        var isWhole = await OnAsync(c => LogStore.IsWholeInAsync(c, schema, scope));
        var turn = await OnAsync(c => InTurn.OfAsync(c, schema, now, clockMargin));
        var seen = await SeenAsync("AuditTrail");
        await foreach (var events in PagesAsync(_sealed, "true", cancellation))
        {
            events.Sort((a, b) => a.Sequence.CompareTo(b.Sequence));
            var rows = await EntriesAsync(events.Min(e => e.Sequence), events.Max(e => e.Sequence));
            var differing = new List<IEvent>();
            foreach (var row in events)
            {
                if (Readable(row) is not { } e)
                    continue;
                var late = turn.Next(e.Sequence, e.Timestamp);
                if (
                    e.Header(EventHeaders.Region) is var region
                    && !region.StartsWith(scope, StringComparison.Ordinal)
                    && !(isWhole && region.Length == 0)
                )
                    continue;
                _events++; // here and nowhere else: each event has one entry, but no state or several
                NameForeign(e, late);
                if (e.Data is ForeignEvent || e.Sequence > seen)
                    continue; // the trail says of it what it can, or has not come to it
                var expected = AuditEntry.Of(e).ToString();
                var found = rows.GetValueOrDefault(e.Sequence);
                if (found == expected)
                    continue;
                Report(new Difference("AuditTrail", $"{e.Sequence}", "$", found, expected, e.Sequence));
                differing.Add(e);
            }
            if (rebuild && differing.Count > 0)
            {
                await using var connection = await database.OpenConnectionAsync(cancellation);
                await using var transaction = await connection.BeginTransactionAsync(cancellation);
                await connection.ExecuteAsync(
                    $"delete from {schema}.audit_entry where seq = any(@wrong)",
                    ("wrong", differing.Where(e => rows.ContainsKey(e.Sequence)).Select(e => e.Sequence).ToArray())
                );
                await using var writing = store.LightweightSession(
                    Marten.Services.SessionOptions.ForTransaction(transaction)
                );
                await new AuditTrailProjection(schema).ApplyAsync(writing, differing, cancellation);
                await writing.SaveChangesAsync(cancellation);
                await transaction.CommitAsync(cancellation);
            }
        }
        if (scope.Length == 0)
            await CheckTrailOrphansAsync(rebuild);
    }

    /// <summary>Entries of no event.</summary>
    private async Task CheckTrailOrphansAsync(bool rebuild)
    {
        foreach (
            var orphan in await OnAsync(c =>
                c.ScanAsync(
                    $"""
                    select seq
                      from {schema}.audit_entry a
                     where not exists (select 1 from {schema}.mt_events e where e.seq_id = a.seq) limit {MaxDifferences}
                    """,
                    r => r.GetInt64(0)
                )
            )
        )
        {
            Report(new Difference("AuditTrail", $"{orphan}", "$", "row", null, null));
            if (rebuild)
                await OnAsync(c =>
                    c.ExecuteAsync($"delete from {schema}.audit_entry where seq = @seq", ("seq", orphan))
                );
        }
    }

    /// <summary>
    /// Every interval that an event makes is in <c>fen_axis</c> as the event says it, and there is no other.
    /// </summary>
    public async Task CheckAxesAsync(bool rebuild, CancellationToken cancellation)
    {
        var types = store
            .Options.Events.AllKnownEventTypes()
            .Where(t => t.EventType == typeof(SubsidyApproved) || t.EventType.IsAssignableTo(typeof(IEventOf<Fund>)))
            .Select(t => t.EventTypeName)
            .ToArray();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var stored = new StoredAxes(connection, schema);
        if (scope.Length == 0)
            await CheckAxisRowsAsync(connection, stored, types, rebuild);
        await CheckAxisEventsAsync(connection, stored, types, rebuild, cancellation);
    }

    /// <summary>
    /// Each row lies where its event says. A page's events are found by their own indexes: a fund's, which may have
    /// many, by id; a member-year's few by its stream.
    /// </summary>
    private async Task CheckAxisRowsAsync(NpgsqlConnection connection, StoredAxes stored, string[] types, bool rebuild)
    {
        foreach (
            var row in await connection.QueryAsync(
                $"""
                select concat_ws(' ', left(axis, 20), left(account, 200), fen_from)
                  from {schema}.fen_axis
                 where ({StoredAxes.IsReadable}) is not true
                """,
                r => r.GetString(0)
            )
        )
            Report(new Difference("FenAxis", row, "$", "row", null, null));
        if (rebuild)
            await OnAsync(c =>
                c.ExecuteAsync($"delete from {schema}.fen_axis where ({StoredAxes.IsReadable}) is not true")
            );
        for (AxisEntry? after = null; ; )
        {
            var rows = await stored.PageAsync(after, PageSize);
            if (rows.Count == 0)
                return;
            after = rows[^1];
            var ids = rows.Select(r => r.EventId).Distinct().ToArray();
            var years = rows.Select(r => r.MemberYearId).OfType<string>().Distinct().ToArray();
            var (made, unread) = (new HashSet<((Axis, string, long), Guid)>(), false);
            foreach (
                var (where, of) in new[]
                {
                    ("stream_id like 'fund-%'", Array.Empty<string>()),
                    ("stream_id = any(@years)", years),
                }
            )
            await foreach (
                var row in _stored.LookAsync(
                    connection,
                    $"{where} and id = any(@ids) and type = any(@types)",
                    ("ids", ids),
                    ("types", types),
                    ("years", of)
                )
            )
                if (Intervals(row) is { } intervals)
                    made.UnionWith(intervals.Select(entry => (Place(entry), entry.EventId)));
                else
                    unread = true;
            foreach (var row in rows.Where(r => !made.Contains((Place(r), r.EventId))))
            {
                Report(new Difference("FenAxis", Name(row), "$", "row", null, null));
                // What an event that cannot be read once meant is not thrown away.
                if (rebuild && !unread)
                    await OnAsync(c =>
                        c.ExecuteAsync(
                            $"""
                            delete from {schema}.fen_axis
                             where axis = @axis
                               and account = @account
                               and fen_from = @from
                            """,
                            ("axis", row.Axis.Word()),
                            ("account", row.Span.Account),
                            ("from", row.Span.Fen.From)
                        )
                    );
            }
        }
    }

    /// <summary>
    /// Each event's rows are there. Where another event has the place, nothing is mended: the events contradict each
    /// other.
    /// </summary>
    private async Task CheckAxisEventsAsync(
        NpgsqlConnection connection,
        StoredAxes stored,
        string[] types,
        bool rebuild,
        CancellationToken cancellation
    )
    {
        await foreach (var events in PagesAsync(_stored, "type = any(@types)", cancellation, ("types", types)))
        {
            var expected = events
                .Where(InScope)
                .SelectMany(row => (Intervals(row) ?? []).Select(entry => (row.Sequence, Entry: entry)))
                .ToList();
            var found = (await stored.AtAsync([.. expected.Select(x => x.Entry).DistinctBy(Place)])).ToDictionary(
                Place
            );
            var differing = expected
                .Select(x => (x.Sequence, x.Entry, Found: found.GetValueOrDefault(Place(x.Entry))))
                .Where(d => d.Found != d.Entry)
                .ToList();
            foreach (var (sequence, entry, row) in differing)
                Report(new Difference("FenAxis", Name(entry), "$", row?.ToString(), entry.ToString(), sequence));
            var mended = differing
                .Where(d => d.Found is not { } row || row.EventId == d.Entry.EventId)
                .DistinctBy(d => Place(d.Entry))
                .ToList();
            if (!rebuild || mended.Count == 0)
                continue;
            // One implicit transaction.
            await using var writing = connection.CreateBatch();
            writing.Add(
                $"""
                delete from {schema}.fen_axis a using unnest($1, $2, $3) d (axis, account, fen_from)
                 where (a.axis, a.account, a.fen_from) = (d.axis, d.account, d.fen_from)
                """,
                mended.Texts(d => d.Entry.Axis.Word()),
                mended.Texts(d => d.Entry.Span.Account),
                mended.Longs(d => d.Entry.Span.Fen.From)
            );
            StoredAxes.Insert(writing, $"{schema}.fen_axis", [.. mended.Select(d => d.Entry)]);
            await writing.ExecuteNonQueryAsync(cancellation);
        }
    }

    /// <summary>None where the row is no event that moves money: it is named.</summary>
    private IEnumerable<AxisEntry>? Intervals(StoredRow row)
    {
        if (row.Event?.Data is IEventOf<Fund>)
            row = row.Of<Fund>();
        return Readable(row) is { } e
            ? AxisEntry.Of(e.StreamKey!, e.Data).Select(entry => entry with { EventId = e.Id })
            : null;
    }

    private static string Name(AxisEntry e) => $"{e.Axis.Word()} {e.Span.Account} {e.Span.Fen.From}";

    private static (Axis, string, long) Place(AxisEntry e) => (e.Axis, e.Span.Account, e.Span.Fen.From);

    /// <summary>
    /// What a fund holds for an application is what the application's lines and their people's years hold: three
    /// streams, one sum.
    /// </summary>
    private async Task CheckMoneyAsync(CancellationToken cancellation)
    {
        await using var session = store.QuerySession();
        foreach (
            var fundId in await QueryAsync(
                $"select id from {StateTable.Of(schema, typeof(Fund))} where region like @scope || '%' order by 1",
                r => r.GetString(0),
                ("scope", scope)
            )
        )
        {
            if (await DocumentAsync(() => session.LoadAsync<Fund>(fundId, cancellation)) is not { } fund)
                continue;
            foreach (var (id, held) in fund.Commitments)
            {
                var application = await DocumentAsync(() => session.LoadAsync<Application>(id, cancellation));
                var years =
                    await DocumentAsync<IReadOnlyList<MemberYear>>(async () =>
                        await session.LoadManyAsync<MemberYear>(
                            cancellation,
                            application is null ? [] : [.. application.Lines.Select(application.MemberYearId)]
                        )
                    ) ?? [];
                void Same(string what, Money fundFen, LineStatus line, params SubsidyStatus[] subsidy)
                {
                    var lines = application?.Total(line) ?? Money.Zero;
                    var people = Money.Sum(
                        years
                            .SelectMany(y => y.Subsidies)
                            .Where(s => s.ApplicationId == id && subsidy.Contains(s.Status))
                            .Select(s => s.AmountFen)
                    );
                    if (lines != fundFen)
                        Report(new Difference("Money", id, what, $"application {lines}", $"fund {fundFen}", null));
                    if (people != fundFen)
                        Report(new Difference("Money", id, what, $"member-years {people}", $"fund {fundFen}", null));
                }
                Same("reserved", held.ReservedFen, LineStatus.Approved, SubsidyStatus.Approved);
                Same("in-transit", held.InTransitFen, LineStatus.Paid, SubsidyStatus.Paid);
                Same("credited", held.CreditedFen, LineStatus.Credited, SubsidyStatus.Credited, SubsidyStatus.Cleared);
            }
        }
    }

    /// <summary>None where there is no document that can be read: that is named with the documents.</summary>
    private static async Task<T?> DocumentAsync<T>(Func<Task<T?>> load)
        where T : class
    {
        try
        {
            return await load();
        }
        catch (Exception e) when (StoredForm.IsNone(e))
        {
            return null;
        }
    }

    /// <summary>
    /// Up to which event a projection has come: an asynchronous one says so itself, a state is written with its events.
    /// </summary>
    private async Task<long> SeenAsync(string projection) =>
        projection is "AuditTrail" or "WorkQueue"
            ? (
                await QueryAsync(
                    $"select coalesce(max(last_seq_id), 0) from {schema}.mt_event_progression where name = @name",
                    r => r.GetInt64(0),
                    ("name", $"{projection}:All")
                )
            ).Single()
            : long.MaxValue;

    private void Report(Difference difference)
    {
        lock (_differences)
            if (_differences.Count < MaxDifferences)
                _differences.Add(difference);
    }

    /// <summary>Audit entries by sequence, each as one line of text.</summary>
    private async Task<Dictionary<long, string>> EntriesAsync(long from, long to) =>
        (await OnAsync(c => AuditEntry.BetweenAsync(c, schema, from, to))).ToDictionary(
            r => r.Key,
            r => r.Value.Entry + (r.Value.IsHidden ? "|not found by its ids" : "")
        );

    /// <summary>
    /// Events a page at a time, in the log's order page by page. From event to event, not from number to number:
    /// somebody could have written one with a number far beyond the others.
    /// </summary>
    private async IAsyncEnumerable<List<StoredRow>> PagesAsync(
        StoredEvents from,
        string where,
        [EnumeratorCancellation] CancellationToken cancellation,
        params (string Name, object? Value)[] parameters
    )
    {
        for (var after = long.MinValue; ; )
        {
            var page = await OnAsync(c =>
                from.LookAsync(
                        c,
                        $"""
                        seq_id in (select seq_id
                                     from {schema}.mt_events
                                    where seq_id > @after
                                      and {where}
                                    order by seq_id
                                    limit {PageSize})
                        """,
                        [("after", after), .. parameters]
                    )
                    .ToListAsync(cancellation)
                    .AsTask()
            );
            if (page.Count == 0)
                yield break;
            after = page.Max(e => e.Sequence);
            yield return Looked(page);
        }
    }

    private async Task<T> OnAsync<T>(Func<NpgsqlConnection, Task<T>> work)
    {
        await using var connection = await database.OpenConnectionAsync();
        return await work(connection);
    }

    private Task<List<T>> QueryAsync<T>(
        string sql,
        Func<NpgsqlDataReader, T> read,
        params (string Name, object? Value)[] parameters
    ) => OnAsync(c => c.QueryAsync(sql, read, parameters));
}
