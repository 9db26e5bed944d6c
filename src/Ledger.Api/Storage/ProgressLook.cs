using System.Diagnostics;
using Ledger.Projections.AuditTrail;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The look at how far the asynchronous projections say that they are. Whoever sets that ahead makes them pass over
/// events: below it the audit trail has an entry for each event, and the work queue an item for each application. The
/// entries may be taken out and written anew by the same role: each says what its event says, and there is no other.
/// </summary>
public sealed class ProgressLook(StoredEvents stored, Findings findings, NpgsqlDataSource database, TimeProvider time)
{
    private const int Page = 1_000;
    private const string Schema = LedgerStore.Schema;

    private const string Ahead = $"""
        select name from {Schema}.mt_event_progression
         where last_seq_id > (select last_value from {Schema}.mt_events_sequence)
        """;

    private const string NextPage = $"""
        select max(seq_id)
          from (select seq_id
                  from {Schema}.mt_events
                 where seq_id >= @from
                   and seq_id <= @mark
                 order by 1 limit @page) p
        """;

    private const string NotQueued = $"""
        select d.id from {Schema}.mt_doc_application d
         where not exists (select from {Schema}.mt_doc_workitem w where w.id = d.id)
           and not exists (select from {Schema}.mt_events e where e.stream_id = d.id and e.seq_id > @mark)
         order by 1 limit 20
        """;

    /// <param name="rest">How long it rests after each page, in times of what the page took.</param>
    public async Task RunAsync(int rest, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        foreach (var name in await connection.QueryAsync(Ahead, r => r.GetString(0)))
            await findings.AddAsync("projection", $"{name}：进度超过已有的事件 its progress is beyond what there is");
        var mark = await MarkAsync(connection, "WorkQueue:All");
        foreach (var id in await connection.QueryAsync(NotQueued, r => r.GetString(0), ("mark", mark)))
            await findings.AddAsync("projection", $"{id}：待办中没有，进度却已越过它 the work queue passed it over");
        mark = await MarkAsync(connection, "AuditTrail:All");
        await TimesAsync(connection, rest, cancellation);
        var watch = new Stopwatch();
        for (var from = long.MinValue; ; )
        {
            watch.Restart();
            var last = (
                await connection.QueryAsync(
                    NextPage,
                    r => r.IsDBNull(0) ? (long?)null : r.GetInt64(0),
                    ("from", from),
                    ("mark", mark),
                    ("page", Page)
                )
            ).Single();
            if (last is null)
                return;
            await TrailAsync(connection, from, last.Value);
            from = last.Value + 1;
            await Task.Delay(watch.Elapsed * rest, cancellation);
        }
    }

    /// <summary>No event is dated back or ahead; those that no projection has come to neither.</summary>
    private async Task TimesAsync(NpgsqlConnection connection, int rest, CancellationToken cancellation)
    {
        var turn = await InTurn.OfAsync(connection, Schema, time.GetUtcNow());
        var watch = new Stopwatch();
        for (var after = long.MinValue; ; )
        {
            watch.Restart();
            var page = await connection.QueryAsync(
                $"select seq_id, timestamp from {Schema}.mt_events where seq_id > @after order by 1 limit {Page * 10}",
                r => (Sequence: r.GetInt64(0), At: r.GetFieldValue<DateTimeOffset>(1)),
                ("after", after)
            );
            if (page.Count == 0)
                return;
            foreach (var (sequence, at) in page)
                if (turn.Next(sequence, at) is { } wrong)
                    await findings.AddAsync("state", $"事件 {sequence}：{wrong} an event out of its turn");
            after = page[^1].Sequence;
            await Task.Delay(watch.Elapsed * rest, cancellation);
        }
    }

    /// <summary>The trail's entries of these events.</summary>
    private async Task TrailAsync(NpgsqlConnection connection, long from, long to)
    {
        var (entries, unread) = (await AuditEntry.BetweenAsync(connection, Schema, from, to), new List<long>());
        await foreach (
            var row in stored.LookAsync(connection, "seq_id between @from and @to", ("from", from), ("to", to))
        )
        {
            var isThere = entries.Remove(row.Sequence, out var found);
            if (!isThere && row.Event is null or { Data: ForeignEvent })
                unread.Add(row.Sequence);
            else if (!isThere)
                await findings.AddAsync(
                    "projection",
                    $"事件 {row.Sequence}：审计轨迹中没有，进度却已越过它 the audit trail passed it over"
                );
            // Of what cannot be read the trail says what it can.
            else if (row.Event is { Data: not ForeignEvent } e)
            {
                var differs = AuditEntry.Of(e).DiffersIn(found.Entry) ?? (found.IsHidden ? "ids" : null);
                if (differs is not null)
                    await findings.AddAsync(
                        "projection",
                        $"事件 {row.Sequence}：审计轨迹中的 {differs} 不是事件所说的 an entry was exchanged"
                    );
            }
        }
        foreach (var sequence in unread)
            await connection.ExecuteAsync(
                AuditEntry.InsertUnreadable(Schema, $"{Schema}.audit_entry", $"{sequence - 1}", $"{sequence}")
            );
        foreach (var orphan in entries.Keys)
            await findings.AddAsync("projection", $"{orphan}：审计轨迹中的这一条没有事件 an entry of no event");
    }

    private static async Task<long> MarkAsync(NpgsqlConnection connection, string name) =>
        (
            await connection.QueryAsync(
                $"select last_seq_id from {Schema}.mt_event_progression where name = @name",
                r => r.GetInt64(0),
                ("name", name)
            )
        ).SingleOrDefault();
}
