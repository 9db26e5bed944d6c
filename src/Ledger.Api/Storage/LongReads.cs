using System.Diagnostics;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// Where long reads go (exports, the search of the audit trail): to a replica, ConnectionStrings:LedgerReplica, once it
/// has come as far as the primary was when the read began, so that nobody misses what he has just written. To the
/// primary where there is no replica, or it does not answer, is late, or is of another ledger.
/// </summary>
public sealed class LongReads(NpgsqlDataSource primary, NpgsqlDataSource? replica, ILogger<LongReads> log)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(3);

    public async Task<NpgsqlConnection> OpenAsync(CancellationToken cancellation)
    {
        var connection = await primary.OpenConnectionAsync(cancellation);
        if (replica is null)
            return connection;
        const string id = $"(select log_id from {LedgerStore.Schema}.log_state)";
        var (logId, written) = (
            await connection.QueryAsync(
                $"select {id}, pg_current_wal_lsn()::text",
                r => (r.GetString(0), r.GetString(1))
            )
        ).Single();
        NpgsqlConnection? copy = null;
        try
        {
            copy = await replica.OpenConnectionAsync(cancellation);
            for (var waited = Stopwatch.StartNew(); ; await Task.Delay(20, cancellation))
            {
                // Not a replica at all: no position, never as far.
                var (isOurs, isThere) = (
                    await copy.QueryAsync(
                        $"""
                        select {id} = @id,
                               coalesce(pg_is_in_recovery() and pg_last_wal_replay_lsn() >= @written::pg_lsn, false)
                        """,
                        r => (r.GetBoolean(0), r.GetBoolean(1)),
                        ("id", logId),
                        ("written", written)
                    )
                ).Single();
                if (isOurs && isThere)
                {
                    await connection.DisposeAsync();
                    return copy;
                }
                if (isOurs && waited.Elapsed < Patience)
                    continue;
                log.LogWarning(
                    "The replica is {What}; the primary answers instead",
                    isOurs ? "late" : "another ledger's"
                );
                break;
            }
        }
        catch (Exception e) when (e is NpgsqlException or TimeoutException or InvalidOperationException)
        {
            log.LogWarning("The replica does not answer ({Reason}); the primary does instead", e.Message);
        }
        if (copy is not null)
            await copy.DisposeAsync();
        return connection;
    }
}
