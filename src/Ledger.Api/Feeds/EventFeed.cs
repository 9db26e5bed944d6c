using Ledger.Domain;
using Ledger.Projections.AuditTrail;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Feeds;

/// <summary>An event at its place in the log: the order never changes, and nothing is ever put between.</summary>
public sealed record FeedEntry(long Position, AuditEntryView Event);

/// <param name="Next">Pass as <c>after</c> for what follows: entries that were not asked for are passed over.</param>
/// <param name="IsHead">There was nothing more when it was read.</param>
public sealed record FeedPage(IReadOnlyList<FeedEntry> Entries, long Next, bool IsHead);

/// <summary>What of the log is read. A region has all below it; no types are all.</summary>
/// <param name="WithNobodys">With what is of no region (<see cref="LogStore.IsNobodys"/>).</param>
public sealed record FeedFilter(string Region, IReadOnlyList<string> Types, bool WithNobodys = false);

/// <summary>
/// The events in the order of the log, as other systems take them in: by then they are committed for good, and each has
/// its number for ever. What the audit trail tells of one is told here.
/// </summary>
public static class EventFeed
{
    public const int MaxPage = 1000;

    /// <summary>Of so many entries at most those that were asked for are looked out at once.</summary>
    private const int Scanned = 10_000;
    private const string Schema = LedgerStore.Schema;

    /// <summary>The position of the log's last entry; -1: it has none.</summary>
    public static async Task<long> LastAsync(NpgsqlConnection connection) =>
        (await connection.QueryAsync($"select size - 1 from {Schema}.log_state", r => r.GetInt64(0))).Single();

    /// <param name="after">Behind this position; -1: from the beginning.</param>
    public static async Task<FeedPage> ReadAsync(NpgsqlConnection connection, FeedFilter filter, long after, int limit)
    {
        var last = await LastAsync(connection);
        var to = Math.Min(after + Scanned, last);
        if (to <= after)
            return new([], Math.Max(after, -1), true);
        var nobodys = filter.WithNobodys ? $" or {LogStore.IsNobodys("e.headers ->> 'region'")}" : "";
        var rows = await connection.QueryAsync(
            $"""
            select {AuditEntryView.Columns}, l.log_index
              from {Schema}.log_entry l
              join {Schema}.mt_events e on e.seq_id = l.seq
              left join {Schema}.audit_entry a on a.seq = l.seq
             where l.log_index > @after
               and l.log_index <= @to
               and (e.headers ->> 'region' like @scope || '%'{nobodys})
               and (cardinality(@types) = 0 or e.type = any(@types))
             order by l.log_index
             limit @limit
            """,
            r => (Position: r.GetInt64(16), Event: r.IsDBNull(0) ? null : AuditEntryView.Read(r)),
            ("after", after),
            ("to", to),
            ("scope", filter.Region),
            ("types", filter.Types.ToArray()),
            ("limit", limit + 1)
        );
        // The trail has yet to take it in, and what follows is told after it.
        var told = rows.TakeWhile(r => r.Event is not null).Take(limit).ToList();
        var entries = told.Select(r => new FeedEntry(r.Position, r.Event!)).ToList();
        return told.Count == rows.Count
            ? new(entries, to, to == last)
            : new(entries, told.Count > 0 ? told[^1].Position : rows[0].Position - 1, told.Count < limit);
    }
}
