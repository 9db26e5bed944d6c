using System.Diagnostics;
using Ledger.Api.Plans;
using Ledger.Projections.WorkQueues;
using Marten;
using Npgsql;

namespace Ledger.Api.Notices;

/// <summary>
/// What was published, for whoever has not signed in: read once for all who ask within some seconds, however many they
/// are.
/// </summary>
public sealed class NoticeList(IDocumentStore store, NpgsqlDataSource database)
{
    public sealed record Entry(WorkItem Item, string CollectiveName, DateOnly From, DateOnly Until);

    /// <summary>More than a county has in a year; older ones are at the agency.</summary>
    private const int Most = 1_000;

    /// <summary>By the machine's own clock: the ledger's may stand still, or run ahead.</summary>
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);

    private readonly Lock _lock = new();
    private Task<IReadOnlyList<Entry>>? _reading;
    private long _begun;

    public Task<IReadOnlyList<Entry>> AllAsync()
    {
        lock (_lock)
        {
            if (_reading is null || _reading.IsFaulted || Stopwatch.GetElapsedTime(_begun) > Fresh)
                (_reading, _begun) = (Task.Run(ReadAsync), Stopwatch.GetTimestamp());
            return _reading;
        }
    }

    private async Task<IReadOnlyList<Entry>> ReadAsync()
    {
        var published = await SpansAsync();
        await using var session = store.QuerySession();
        var items = await session.LoadManyAsync<WorkItem>(published.Select(p => p.Id).ToArray());
        var names = await PlanPages.NamesAsync(session, items.Select(i => i.CollectiveId));
        return
        [
            .. published.Join(
                items,
                p => p.Id,
                i => i.Id,
                (p, i) => new Entry(i, names.GetValueOrDefault(i.CollectiveId, ""), p.From, p.Until)
            ),
        ];
    }

    /// <summary>By the audit trail, which has an index over kinds of events; each application's last.</summary>
    private async Task<IReadOnlyList<(string Id, DateOnly From, DateOnly Until)>> SpansAsync()
    {
        await using var connection = await database.OpenConnectionAsync();
        var found = await connection.QueryAsync(
            $"""
            select e.stream_id, e.data ->> 'from', e.data ->> 'until'
              from (select seq
                      from {LedgerStore.Schema}.audit_entry
                     where type = 'notice_published'
                     order by seq desc
                     limit @most) a
              join {LedgerStore.Schema}.mt_events e on e.seq_id = a.seq
             where e.type = 'notice_published'
             order by e.seq_id desc
            """,
            r => (Id: r.GetString(0), From: r.Day(1), Until: r.Day(2)),
            ("most", Most)
        );
        return
        [
            .. found
                .Where(n => n is { From: not null, Until: not null })
                .Select(n => (n.Id, n.From!.Value, n.Until!.Value))
                .DistinctBy(n => n.Id),
        ];
    }
}
