using System.Diagnostics;
using Npgsql;

namespace Ledger.TransparencyLog;

/// <summary>
/// Something that is not as it was sealed; <paramref name="Index"/> in the log, <paramref name="Sequence"/> in the
/// store.
/// </summary>
public sealed record LogFinding(string Problem, long? Index, long? Sequence)
{
    public override string ToString() =>
        $"{Problem}{(Index is { } i ? $"（日志第 {i} 条" : "（")}{(Sequence is { } s ? $"，事件 {s}）" : "）")}";
}

/// <summary>
/// Recomputes the whole log from the stored events: each leaf, the tiles above, the root under the newest checkpoint,
/// and its signature; and looks for events that are in the store but not in the log. Memory stays constant. Everything
/// it reads only grows, so each page is a look of its own: one snapshot for all would keep the server from clearing
/// away what commands replace meanwhile, and a fund's state that has hundreds of dead versions is slow to find.
/// </summary>
public sealed class LogCheck(
    NpgsqlDataSource database,
    string schema,
    IReadOnlyList<NoteVerifier> keys,
    IReadOnlyList<NoteVerifier> witnesses
)
{
    private const int Page = 2_048,
        MaxFindings = 1_000;

    private const string NotSigned = "检查点的签名不是日志密钥的 the signature is not the log's";

    /// <param name="rest">How long it rests after each page, in times of what the page took: a check that nobody waits
    /// for leaves the machine to those who do.</param>
    public async Task<(long Entries, IReadOnlyList<LogFinding> Findings)> RunAsync(
        CancellationToken cancellation,
        int rest = 0
    )
    {
        var findings = new List<LogFinding>();
        void Found(string problem, long? index, long? sequence)
        {
            if (findings.Count < MaxFindings)
                findings.Add(new LogFinding(problem, index, sequence));
        }
        var page = Stopwatch.StartNew();
        async Task RestAsync()
        {
            if (rest > 0)
                await Task.Delay(page.Elapsed * rest, cancellation);
            cancellation.ThrowIfCancellationRequested();
            page.Restart();
        }
        await using var connection = await database.OpenConnectionAsync(cancellation);
        // The checkpoint first: the log has its entries by then.
        var (checkpoint, forged) = await LogStore.NewestAsync(connection, schema, keys);
        // Who only looks at the tree has no keys, and cannot tell.
        if (keys.Count == 0 && forged is not null)
            Found(NotSigned, forged, null);
        for (long? after = long.MinValue; keys.Count > 0; )
        {
            var (unsigned, last) = await LogStore.ForgedAsync(connection, schema, keys, after.Value, Page);
            foreach (var at in unsigned)
                Found(NotSigned, at, null);
            if ((after = last) is null)
                break;
            await RestAsync();
        }
        var (size, lowWater) = (
            await connection.QueryAsync(
                $"select size, low_water from {schema}.log_state",
                r => (r.GetInt64(0), r.GetInt64(1))
            )
        ).Single();
        var growing = new MerkleTree.Growing();
        byte[]? atCheckpoint = null;
        for (var from = 0L; from < size; from += TileId.Width)
        {
            foreach (var hash in await TileAsync(connection, from, size, Found))
            {
                growing.Add(hash);
                if (growing.Size == checkpoint?.Size)
                    atCheckpoint = growing.Root();
            }
            await RestAsync();
        }
        await InsertedAsync(connection, lowWater, Found, RestAsync);
        if (checkpoint is not null)
            await RootAsync(connection, checkpoint, size, atCheckpoint, Found);
        foreach (var (at, witness) in await LogStore.FalseLinesAsync(connection, schema, witnesses))
            Found(
                $"检查点 {at} 有一行自称见证方 {witness} 的签名，不是它的，不予采用 not the witness's line",
                null,
                null
            );
        await BeyondAsync(connection, Found);
        return (size, findings);
    }

    /// <summary>Entries that somebody placed where the log cannot go on past them.</summary>
    private async Task BeyondAsync(NpgsqlConnection connection, Report found)
    {
        foreach (
            var (index, sequence) in await connection.QueryAsync(
                $"""
                select l.log_index, l.seq
                  from {schema}.log_entry l
                 where l.log_index >= (select size from {schema}.log_state)
                   and not exists (select from {schema}.mt_events e where e.seq_id = l.seq)
                 order by 1 limit {Page}
                """,
                r => (r.GetInt64(0), r.GetInt64(1))
            )
        )
            found("没有这个事件，日志到此无法继续 an entry of no event: the log cannot go on", index, sequence);
    }

    /// <summary>
    /// The event before which a log that somebody keeps stands still; null when it goes on, or has nothing to do.
    /// </summary>
    public async Task<LogFinding?> StandstillAsync(TimeSpan patience, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        long? waiting = null;
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(200, cancellation))
        {
            var next = (
                await connection.QueryAsync(
                    $"""
                    select min(e.seq_id)
                      from {schema}.mt_events e
                     cross join {schema}.log_state s
                     where e.seq_id > s.low_water
                       and not exists (select 1
                                         from {schema}.log_entry l
                                        where l.seq = e.seq_id
                                          and l.seq > s.low_water)
                    """,
                    r => r.IsDBNull(0) ? (long?)null : r.GetInt64(0)
                )
            ).Single();
            if (next is null || waiting is not null && next != waiting)
                return null;
            if (waited.Elapsed > patience)
                return new LogFinding(
                    "日志停在这个事件之前，没有继续 the log stands still before this event",
                    null,
                    next
                );
            waiting = next;
        }
    }

    private delegate void Report(string problem, long? index, long? sequence);

    /// <summary>Events that the log has passed by.</summary>
    private async Task InsertedAsync(NpgsqlConnection connection, long lowWater, Report found, Func<Task> rest)
    {
        for (var after = long.MinValue; ; )
        {
            var stored = await connection.QueryAsync(
                $"""
                select e.seq_id, l.seq is not null
                  from (select seq_id
                          from {schema}.mt_events
                         where seq_id > @after
                           and seq_id <= @low
                         order by 1
                         limit {Page}) e
                  left join {schema}.log_entry l on l.seq = e.seq_id
                 order by 1
                """,
                r => (Sequence: r.GetInt64(0), InLog: r.GetBoolean(1)),
                ("after", after),
                ("low", lowWater)
            );
            if (stored.Count == 0)
                return;
            foreach (var e in stored.Where(e => !e.InLog))
                found("事件不在日志中，是事后插入的 the event was inserted afterwards", null, e.Sequence);
            after = stored[^1].Sequence;
            await rest();
        }
    }

    /// <summary>What was signed is the root of the leaves, and the published upper tiles lead to it.</summary>
    private async Task RootAsync(
        NpgsqlConnection connection,
        Checkpoint checkpoint,
        long size,
        byte[]? atCheckpoint,
        Report found
    )
    {
        if (checkpoint.Size > size)
            found($"检查点有 {checkpoint.Size} 条，日志只有 {size} 条 the log was cut", null, null);
        else if (atCheckpoint is null || !atCheckpoint.AsSpan().SequenceEqual(checkpoint.Root))
            found("日志的根与检查点不符 the root is not the signed one", checkpoint.Size, null);
        try
        {
            if (
                checkpoint.Size <= size
                && !(await new Tiles(connection, schema).AskAsync(node => MerkleTree.Root(checkpoint.Size, node)))
                    .AsSpan()
                    .SequenceEqual(checkpoint.Root)
            )
                found("上层瓦片与检查点不符 the upper tiles do not lead to the signed root", checkpoint.Size, null);
        }
        catch (LogDamagedException e)
        {
            found(e.Message, checkpoint.Size, null);
        }
    }

    /// <summary>
    /// The hashes that are sealed in a tile, each compared with its event. The tree above is checked over what the
    /// tiles say, so that one changed event is one finding, not a broken root too. A function of its own: nothing of a
    /// tile is kept while the check rests.
    /// </summary>
    private async Task<List<byte[]>> TileAsync(NpgsqlConnection connection, long from, long size, Report found)
    {
        var to = Math.Min(size, from + TileId.Width);
        var entries = (await LogStore.EntriesAsync(connection, schema, from, to)).ToDictionary(
            e => e.Index,
            e => e.Entry
        );
        var hashes =
            (
                await connection.QueryAsync(
                    $"select hashes from {schema}.log_tile where level = 0 and index = @tile",
                    r => r.GetFieldValue<byte[]>(0),
                    ("tile", from / TileId.Width)
                )
            ).SingleOrDefault() ?? [];
        var all = new List<byte[]>();
        for (var i = from; i < to; i++)
        {
            var entry = entries.GetValueOrDefault(i);
            if (entry is null)
                found("事件不见了 the event is gone", i, null);
            else if (LogEntry.IsDigest(entry))
                found(
                    "事件超出日志所能容纳，不是产品写入的，只存其摘要 an event that does not fit: by its digest",
                    i,
                    null
                );
            var leaf = entry is null ? new byte[MerkleTree.HashLength] : MerkleTree.HashLeaf(entry);
            var at = (int)(i - from) * MerkleTree.HashLength;
            var sealed_ = hashes.Length >= at + MerkleTree.HashLength ? hashes[at..(at + MerkleTree.HashLength)] : null;
            if (sealed_ is null)
                found("瓦片不见了 the tile is gone", i, null);
            else if (entry is not null && !leaf.AsSpan().SequenceEqual(sealed_))
                found("事件被改动，与存证的哈希不符 the event was changed", i, null);
            all.Add(sealed_ ?? leaf);
        }
        return all;
    }
}
