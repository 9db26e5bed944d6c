using System.Collections.Frozen;
using System.Runtime.CompilerServices;
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
    /// Sets the last event of a stream aside: one that cannot be read, that does not follow from those before it, or
    /// that nothing shows to be the product's (<see cref="Marks"/>). Never one that the product wrote.
    /// </summary>
    /// <param name="by">Who looked at it, and who else; on record with the reason.</param>
    /// <returns>What was set aside; null with why not.</returns>
    public static async Task<(string? Done, string? Fault)> AddAsync(
        NpgsqlConnection owner,
        IDocumentStore store,
        EventSeal seal,
        StateSeal states,
        string schema,
        long sequence,
        string reason,
        (string One, string Other) by
    )
    {
        var stream = (
            await owner.QueryAsync(
                $"select stream_id from {schema}.mt_events where seq_id = @sequence",
                r => r.GetString(0),
                ("sequence", sequence)
            )
        ).SingleOrDefault();
        if (stream is null)
            return (null, $"没有事件 {sequence}");
        await using var transaction = await owner.BeginTransactionAsync();
        // As a command writes: nothing comes in between.
        await owner.ExecuteAsync(
            $"select 1 from {schema}.mt_streams where id = @stream for update",
            ("stream", stream)
        );
        var rows = new List<StoredRow>();
        await foreach (
            var row in new StoredEvents(store, schema, seal).LookAsync(owner, "stream_id = @stream", ("stream", stream))
        )
            rows.Add(row);
        var at = rows.FindIndex(r => r.Sequence == sequence);
        if (
            (Fault(stream, rows, sequence) ?? await NotOursAsync(owner, store, seal, states, schema, rows[at]))
            is not { } fault
        )
            return (null, $"{stream} 的事件 {sequence} 能够读取，账目由它推出，不能搁置");
        var later = rows.FindIndex(at + 1, r => r.Event?.IsForeign() != true);
        if (later >= 0)
            return (null, $"它后面还有事件 {rows[later].Sequence}：先从最后一个起搁置，或恢复备份");
        await owner.ExecuteAsync(
            $"""
            insert into {schema}.set_aside (seq_id, reason, one, other) values (@sequence, @reason, @one, @other)
                on conflict do nothing
            """,
            ("sequence", sequence),
            ("reason", reason),
            ("one", by.One),
            ("other", by.Other)
        );
        await transaction.CommitAsync();
        return ($"{stream}：事件 {sequence} {fault}", null);
    }

    /// <summary>Why nothing shows that the product wrote it, also where something could follow; null: it did.</summary>
    private static async Task<string?> NotOursAsync(
        NpgsqlConnection owner,
        IDocumentStore store,
        EventSeal seal,
        StateSeal states,
        string schema,
        StoredRow row
    )
    {
        if (
            row.Event is not { } e
            || EventTypes.AggregateOf(row.Stream) is not { } kind
            || !await Marks.AreByAllAsync(owner, schema)
        )
            return null;
        var document = (
            await owner.QueryAsync(
                $"select data from {StateTable.Of(schema, kind)} where id = @id",
                r => StateTable.Parsed(store, kind, r),
                ("id", row.Stream)
            )
        ).SingleOrDefault();
        return await (await Marks.OfAsync(owner, schema, seal)).IsDoubtfulAsync(
            e,
            document,
            async () => states.Holds(document!) || await StateShapes.IsChangedAsync(owner, kind.Name, e.Sequence)
        )
            ? "不是产品写入的：没有产品的标记，也没有封印的状态包含它"
            : null;
    }

    /// <summary>Why nothing follows from the event; null: something does.</summary>
    private static string? Fault(string stream, IReadOnlyList<StoredRow> rows, long sequence)
    {
        var fold = EventTypes.AggregateOf(stream) is { } of ? DocumentFold.Of(of) : null;
        object? document = null;
        foreach (var row in rows)
        {
            var it = row.Sequence == sequence;
            if (row.Event is not { } e)
            {
                if (it)
                    return row.Fault!.Message;
                continue;
            }
            if (it && !e.IsForeign() && e.Data is not CommandRefused && fold?.Events.Contains(e.EventType) != true)
                return "不是这种流的事件";
            try
            {
                document = fold?.Next(document, e);
            }
            catch (Exception broken)
            {
                // Folds are pure: whatever they throw says that no decider let it happen. Of one before it, it is no
                // matter here: the last is set aside first.
                if (it)
                    return DocumentFold.Why(broken);
            }
            if (it)
                return null;
        }
        return null;
    }
}
