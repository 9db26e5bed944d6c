using System.Diagnostics;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Asynchronous projections follow the events by some seconds at most. A reader who has just written waits for them a
/// little, and is told when they are still behind.
/// </summary>
public static class Freshness
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    /// <summary>
    /// Waits until the projection has seen what was recorded when the call began. Returns by how many events it is
    /// behind: 0 when it has. One that says it has seen what there is not has seen nothing.
    /// </summary>
    public static async Task<long> WaitAsync(
        NpgsqlConnection connection,
        string projection,
        CancellationToken cancellation
    )
    {
        var target = (long?)null;
        for (var waited = Stopwatch.StartNew(); ; await Task.Delay(50, cancellation))
        {
            var (recorded, seen) = (
                await connection.QueryAsync(
                    $"""
                    select coalesce((select max(seq_id)
                                       from {LedgerStore.Schema}.mt_events
                                      where seq_id <= (select last_value
                                                         from {LedgerStore.Schema}.mt_events_sequence)), 0),
                           coalesce((select last_seq_id
                                       from {LedgerStore.Schema}.mt_event_progression
                                      where name = @name
                                        and last_seq_id <= (select last_value
                                                              from {LedgerStore.Schema}.mt_events_sequence)), 0)
                    """,
                    r => (r.GetInt64(0), r.GetInt64(1)),
                    ("name", $"{projection}:All")
                )
            ).Single();
            target ??= recorded;
            if (seen >= target || waited.Elapsed > Patience)
                return Math.Max(0, target.Value - seen);
        }
    }
}
