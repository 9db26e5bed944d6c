using System.Collections.Frozen;
using System.Runtime.CompilerServices;
using JasperFx.Events;
using Ledger.Domain;
using Marten;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Events that nobody wrote through the product, which would stop their stream for ever: the tables' owner has set them
/// aside (<c>set-aside</c>), and they count as those that others wrote
/// (<see cref="Foreign"/>). They stay where they are, in the log and in the trail; the application's role adds none.
/// </summary>
public sealed class SetAside
{
    /// <summary>What is set aside is known everywhere after that; until then its stream stays stopped.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    private static readonly ConditionalWeakTable<IDocumentStore, SetAside> Known = [];

    private volatile FrozenSet<long>? _events;
    private long _readAt;

    public static SetAside Of(IDocumentStore store) => Known.GetValue(store, _ => new SetAside());

    public async ValueTask<FrozenSet<long>> EventsAsync(NpgsqlConnection connection, string schema)
    {
        if (_events is { } known && Environment.TickCount64 - Volatile.Read(ref _readAt) < Fresh.TotalMilliseconds)
            return known;
        var events = await connection.QueryAsync($"select seq_id from {schema}.set_aside", r => r.GetInt64(0));
        Volatile.Write(ref _readAt, Environment.TickCount64);
        return _events = events.ToFrozenSet();
    }

    /// <summary>
    /// Sets the last events of streams aside: such as cannot be read, do not follow from those before them, or that
    /// nothing shows to be the product's (<see cref="Marks"/>). Never one that the product wrote, nor one that such a
    /// one follows.
    /// </summary>
    /// <param name="events">Their numbers: from the first to the last, each stream by itself.</param>
    /// <param name="by">Who looked at it, and who else; on record with the reason.</param>
    /// <returns>Of each stream what was set aside and why that counts no more; and what was not, with why.</returns>
    public static async Task<(IReadOnlyList<string> Done, IReadOnlyList<string> Left)> AddAsync(
        NpgsqlConnection owner,
        IDocumentStore store,
        EventSeal seal,
        StateSeal states,
        string schema,
        (long First, long Last) events,
        string reason,
        (string One, string Other) by
    )
    {
        var streams = await owner.QueryAsync(
            $"""
            select distinct stream_id
              from {schema}.mt_events
             where seq_id between @first and @last
             order by 1
            """,
            r => r.GetString(0),
            ("first", events.First),
            ("last", events.Last)
        );
        var (done, left) = (new List<string>(), new List<string>());
        if (streams.Count == 0)
            left.Add($"没有事件 {(events.First == events.Last ? events.First : $"{events.First}-{events.Last}")}");
        foreach (var stream in streams)
        {
            await using var transaction = await owner.BeginTransactionAsync();
            // As a command writes: nothing comes in between.
            await owner.ExecuteAsync(
                $"select 1 from {schema}.mt_streams where id = @stream for update",
                ("stream", stream)
            );
            var rows = await new StoredEvents(store, schema, seal)
                .LookAsync(owner, "stream_id = @stream", ("stream", stream))
                .ToListAsync();
            var (aside, fault) = Last(
                stream,
                rows,
                events,
                await NotOursAsync(owner, store, seal, states, schema, stream, rows)
            );
            if (fault is not null)
                left.Add(fault);
            if (aside.Count == 0)
                continue;
            await owner.ExecuteAsync(
                $"""
                insert into {schema}.set_aside (seq_id, reason, one, other)
                select s, @reason, @one, @other
                  from unnest(@events) s
                    on conflict do nothing
                """,
                ("events", aside.Select(a => a.Sequence).ToArray()),
                ("reason", reason),
                ("one", by.One),
                ("other", by.Other)
            );
            await transaction.CommitAsync();
            done.Add(
                $"{stream}：{string.Join("、", aside.Take(5).Select(a => $"事件 {a.Sequence} {a.Why}"))}"
                    + (aside.Count > 5 ? $" 等 {aside.Count} 个" : "")
            );
        }
        return (done, left);
    }

    /// <summary>From the last of a stream backwards, as far as they are among the asked and are to go.</summary>
    private static (IReadOnlyList<(long Sequence, string Why)> Aside, string? Fault) Last(
        string stream,
        IReadOnlyList<StoredRow> rows,
        (long First, long Last) asked,
        IReadOnlyDictionary<long, string> notOurs
    )
    {
        var faults = Faults(stream, rows);
        var aside = new List<(long, string)>();
        string? Why(long sequence) => faults.GetValueOrDefault(sequence) ?? notOurs.GetValueOrDefault(sequence);
        // What counts for nothing already is in nobody's way.
        var counted = rows.Where(r => r.Event?.IsForeign() != true).Select(r => r.Sequence).ToList();
        for (var at = counted.Count - 1; at >= 0; at--)
        {
            var last = counted.FindLastIndex(at, s => asked.First <= s && s <= asked.Last);
            if (last < 0)
                break;
            var next = counted[last];
            if (Why(next) is not { } why)
                return (aside, $"{stream} 的事件 {next} 能够读取，账目由它推出，不能搁置");
            if (last < at)
                return (aside, $"{stream} 的事件 {next}，它后面还有事件 {counted[at]}：先从最后一个起搁置，或恢复备份");
            aside.Add((next, why));
        }
        return (aside, aside.Count > 0 ? null : $"{stream} 的这些事件本来就不计入");
    }

    /// <summary>
    /// Those of which nothing shows that the product wrote them, also where something could follow, and why.
    /// </summary>
    private static async Task<IReadOnlyDictionary<long, string>> NotOursAsync(
        NpgsqlConnection owner,
        IDocumentStore store,
        EventSeal seal,
        StateSeal states,
        string schema,
        string stream,
        IReadOnlyList<StoredRow> rows
    )
    {
        var notOurs = new Dictionary<long, string>();
        if (EventTypes.AggregateOf(stream) is not { } kind)
            return notOurs;
        var document = (
            await owner.QueryAsync(
                $"select data from {StateTable.Of(schema, kind)} where id = @id",
                r => StateTable.Parsed(store, kind, r),
                ("id", stream)
            )
        ).SingleOrDefault();
        var marks = await Marks.OfAsync(owner, schema, seal);
        foreach (var e in rows.Select(r => r.Event).OfType<IEvent>())
            if (
                await marks.IsDoubtfulAsync(
                    e,
                    document,
                    async () =>
                        states.Holds(document!) || await StateShapes.IsChangedAsync(owner, kind.Name, e.Sequence)
                )
            )
                notOurs[e.Sequence] = "不是产品写入的：没有产品的标记，也没有封印的状态包含它";
        return notOurs;
    }

    /// <summary>Those from which nothing follows, and why.</summary>
    private static Dictionary<long, string> Faults(string stream, IReadOnlyList<StoredRow> rows)
    {
        var fold = EventTypes.AggregateOf(stream) is { } of ? DocumentFold.Of(of) : null;
        object? document = null;
        var faults = new Dictionary<long, string>();
        foreach (var row in rows)
        {
            if (row.Event is not { } e)
            {
                faults[row.Sequence] = row.Fault!.Message;
                continue;
            }
            if (!e.IsForeign() && e.Data is not CommandRefused && fold?.Events.Contains(e.EventType) != true)
                faults[row.Sequence] = "不是这种流的事件";
            try
            {
                document = fold?.Next(document, e);
            }
            catch (Exception broken)
            {
                // Folds are pure: whatever they throw says that no decider let it happen.
                faults[row.Sequence] = DocumentFold.Why(broken);
            }
        }
        return faults;
    }
}
