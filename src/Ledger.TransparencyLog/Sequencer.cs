using Npgsql;

namespace Ledger.TransparencyLog;

/// <summary>
/// Gives every committed event the next index of the log and its leaf's hash to the tree. One node at a time, each
/// round one transaction, so a crash leaves nothing half done. No event is waited for and none is left out: one that
/// commits late, behind others with higher sequence numbers, takes a later index.
/// </summary>
public sealed class Sequencer(NpgsqlDataSource database, string schema)
{
    public const int BatchSize = 5_000;

    /// <summary>How many events one round took in; null when another node holds the log.</summary>
    public async Task<int?> RoundAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var states = await connection.QueryAsync(
            $"select size, low_water, fence, fence_waits from {schema}.log_state for update skip locked",
            r =>
                (
                    Size: r.GetInt64(0),
                    LowWater: r.GetInt64(1),
                    Fence: r.IsDBNull(2) ? (long?)null : r.GetInt64(2),
                    Waits: r.IsDBNull(3) ? [] : r.GetFieldValue<string[]>(3)
                )
        );
        if (states is not [var state])
            return null;

        // The fence: all sequence numbers up to it were given out before it was put up. When every transaction of that
        // moment has ended, what is not visible by then never will be, and the search need not begin below it again.
        var passed = state.Fence is not null && await HaveEndedAsync(connection, state.Waits);
        var placed = await PlacedAsync(connection, state.Size);
        // Alone in their round: what waits comes after them.
        var events = placed.Count > 0 ? placed : await WaitingAsync(connection, state.LowWater);
        if (placed.Count == 0 && events.Count > 0)
            await PlaceAsync(connection, state.Size, events, cancellation);
        if (events.Count > 0)
            await TakeInAsync(connection, state.Size, events);
        var size = state.Size + events.Count;
        var (low, fence, waits) = (state.LowWater, state.Fence, state.Waits);
        // Taken in order: when the batch goes beyond the fence, nothing visible is left below it.
        if (passed && placed.Count == 0 && (events.Count < BatchSize || events[^1].Sequence >= state.Fence))
            (low, fence) = (Math.Max(low, state.Fence!.Value), null);
        if (fence is null && await NewestAsync(connection) is var top && top > low)
            (fence, waits) = (top, await RunningAsync(connection));
        if (size != state.Size || low != state.LowWater || fence != state.Fence)
            await connection.ExecuteAsync(
                $"update {schema}.log_state set size = @size, low_water = @low, fence = @fence, fence_waits = @waits",
                ("size", size),
                ("low", low),
                ("fence", fence),
                ("waits", waits)
            );
        await transaction.CommitAsync(cancellation);
        return events.Count;
    }

    private static async Task<bool> HaveEndedAsync(NpgsqlConnection connection, string[] transactions) =>
        (
            await connection.QueryAsync(
                "select 1 from pg_locks where locktype = 'virtualxid' and virtualxid = any(@waits) limit 1",
                r => r.GetInt32(0),
                ("waits", transactions)
            )
        ).Count == 0;

    private static async Task<string[]> RunningAsync(NpgsqlConnection connection) =>
        [
            .. await connection.QueryAsync(
                "select virtualxid from pg_locks where locktype = 'virtualxid' and pid <> pg_backend_pid()",
                r => r.GetString(0)
            ),
        ];

    /// <summary>Among the numbers that were given out: one that somebody made up lies beyond all others.</summary>
    private async Task<long> NewestAsync(NpgsqlConnection connection) =>
        (
            await connection.QueryAsync(
                $"""
                select max(seq)
                  from {schema}.log_entry
                 where seq <= (select last_value from {schema}.mt_events_sequence)
                """,
                r => r.IsDBNull(0) ? 0 : r.GetInt64(0)
            )
        ).Single();

    /// <summary>
    /// Events that stand at the next indexes already: somebody gave them those, past the product, and nobody can take
    /// that back. They are the log's next entries; another would not be.
    /// </summary>
    private async Task<IReadOnlyList<StoredEvent>> PlacedAsync(NpgsqlConnection connection, long size)
    {
        var next = (
            await connection.QueryAsync(
                $"""
                select log_index, seq
                  from {schema}.log_entry
                 where log_index >= @size
                 order by 1
                 limit {BatchSize}
                """,
                r => (Index: r.GetInt64(0), Sequence: r.GetInt64(1)),
                ("size", size)
            )
        ).TakeWhile((e, i) => e.Index == size + i).Select(e => e.Sequence).ToArray();
        if (next.Length == 0)
            return [];
        var events = (
            await connection.QueryAsync(
                $"select {LogStore.EventColumns} from {schema}.mt_events e where e.seq_id = any(@next)",
                r => LogStore.Read(r),
                ("next", next)
            )
        ).ToDictionary(e => e.Sequence);
        return [.. next.TakeWhile(events.ContainsKey).Select(s => events[s])];
    }

    private async Task<IReadOnlyList<StoredEvent>> WaitingAsync(NpgsqlConnection connection, long low)
    {
        // What lies above the low-water mark is little by construction; the planner cannot know that and would read the
        // whole of log_entry.
        await connection.ExecuteAsync("set local jit = off; set local enable_seqscan = off");
        var events = await connection.QueryAsync(
            $"""
            select {LogStore.EventColumns}
              from {schema}.mt_events e
             where e.seq_id > @low
               and not exists (select 1 from {schema}.log_entry l where l.seq = e.seq_id and l.seq > @low)
             order by e.seq_id
             limit {BatchSize}
            """,
            r => LogStore.Read(r),
            ("low", low)
        );
        await connection.ExecuteAsync("set local enable_seqscan = on");
        return events;
    }

    private Task PlaceAsync(
        NpgsqlConnection connection,
        long size,
        IReadOnlyList<StoredEvent> events,
        CancellationToken cancellation
    ) =>
        connection.CopyAsync(
            $"{schema}.log_entry (log_index, seq)",
            events.Select((e, i) => (Index: size + i, e.Sequence)).ToList(),
            (copy, entry) =>
            {
                copy.Write(entry.Index);
                copy.Write(entry.Sequence);
            },
            cancellation
        );

    private async Task TakeInAsync(NpgsqlConnection connection, long size, IReadOnlyList<StoredEvent> events)
    {
        var leaves = events.Select((e, i) => MerkleTree.HashLeaf(LogEntry.Bytes(size + i, e))).ToList();
        var tiles = new Tiles(connection, schema);
        await tiles.AppendAsync(size, leaves);
        await tiles.SaveAsync();
    }
}
