using System.Diagnostics;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The look at how far the asynchronous projections say that they are. Whoever sets that ahead makes them pass over
/// events: below it the audit trail has an entry for each event, and the work queue an item for each application.
/// </summary>
public sealed class ProgressLook(Findings findings, NpgsqlDataSource database)
{
    private const int Page = 5_000;
    private const string Schema = LedgerStore.Schema;

    private const string Ahead = $"""
        select name from {Schema}.mt_event_progression
         where last_seq_id > (select last_value from {Schema}.mt_events_sequence)
        """;

    private const string PassedOver = $"""
        with page as (select seq_id
                        from {Schema}.mt_events
                       where seq_id > @after
                         and seq_id <= @mark
                       order by 1 limit @page)
        select max(p.seq_id), min(p.seq_id) filter (where a.seq is null)
          from page p
          left join {Schema}.audit_entry a on a.seq = p.seq_id
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
        var watch = new Stopwatch();
        for (var after = 0L; ; )
        {
            watch.Restart();
            var (last, missing) = (
                await connection.QueryAsync(
                    PassedOver,
                    r => (Number(r, 0), Number(r, 1)),
                    ("after", after),
                    ("mark", mark),
                    ("page", Page)
                )
            ).Single();
            if (last is null)
                return;
            if (missing is not null)
                await findings.AddAsync(
                    "projection",
                    $"事件 {missing}：审计轨迹中没有，进度却已越过它 the audit trail passed it over"
                );
            after = last.Value;
            await Task.Delay(watch.Elapsed * rest, cancellation);
        }
    }

    private static async Task<long> MarkAsync(NpgsqlConnection connection, string name) =>
        (
            await connection.QueryAsync(
                $"select last_seq_id from {Schema}.mt_event_progression where name = @name",
                r => r.GetInt64(0),
                ("name", name)
            )
        ).SingleOrDefault();

    private static long? Number(NpgsqlDataReader r, int at) => r.IsDBNull(at) ? null : r.GetInt64(at);
}
