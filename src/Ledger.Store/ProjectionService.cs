using JasperFx;
using JasperFx.Events.Daemon;
using JasperFx.Events.Projections;
using Marten;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// Runs Marten's daemon, and with it the asynchronous projections, on one node at a time. The node that does holds a
/// lease in the database, which runs by the database's clock: whatever the nodes' clocks say, a node that is gone or
/// hangs has lost it after <see cref="Lease"/>, and another goes on. Whatever stops a projection, a fresh daemon takes
/// up its work from where it was recorded.
/// </summary>
/// <remarks>
/// Wolverine can distribute projections too. In a year of faults (docs/reliability.md) one run in twelve left them
/// standing for good: an agent that found its progress moved by another node is not started again, and a full disk lost
/// assignments. Marten's own HotCold mode needed a package that our registry did not have
/// (docs/decisions/002-lease-for-projections.md).
/// </remarks>
public sealed class ProjectionService(IDocumentStore store, NpgsqlDataSource database, ILogger<ProjectionService> log)
    : BackgroundService
{
    /// <summary>How long a node may be silent before another takes over.</summary>
    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(8);

    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1);

    /// <summary>
    /// How long progress may stand still while there are events to take in: longer than the daemon waits at a gap in
    /// the sequence. It doubles each time that a fresh daemon did not get further, so that what is only slow is not
    /// begun anew for ever.
    /// </summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20),
        MostPatience = TimeSpan.FromMinutes(10);

    private const string Renew = $"""
        insert into {LedgerStore.Schema}.lease as l (name, holder, until)
        values ('projections', @holder, clock_timestamp() + @lease)
            on conflict (name) do update set holder = excluded.holder, until = excluded.until
             where l.holder = excluded.holder or l.until < clock_timestamp()
               or l.until > clock_timestamp() + 10 * @lease -- longer than anybody of ours would hold it
            returning 1
        """;

    private const string Progress = $"""
        select (select coalesce(max(seq_id), 0) from {LedgerStore.Schema}.mt_events),
               coalesce((select min(last_seq_id)
                           from {LedgerStore.Schema}.mt_event_progression
                          where name like '%:All'), 0)
        """;

    private readonly Guid _me = Guid.NewGuid();
    private IProjectionDaemon? _daemon;
    private long _seen;
    private TimeSpan _heldAt,
        _movedAt,
        _patience = Patience;

    /// <summary>Since the machine started: no clock that somebody sets.</summary>
    private static TimeSpan Now => TimeSpan.FromMilliseconds(Environment.TickCount64);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await RoundAsync(stopping);
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                break;
            }
            catch (Exception e)
            {
                log.LogWarning(
                    "The projections' lease could not be renewed, or they could not be started: {Reason}",
                    e.Message
                );
                if (Now - _heldAt > Lease)
                    await StopAsync("the lease has run out");
            }
            await Task.Delay(Pause, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        await StopAsync("the product stops", LogLevel.Information);
        await ReleaseAsync();
    }

    private async Task RoundAsync(CancellationToken stopping)
    {
        await using var connection = await database.OpenConnectionAsync(stopping);
        if ((await connection.QueryAsync(Renew, r => r.GetInt32(0), ("holder", _me), ("lease", Lease))).Count == 0)
        {
            await StopAsync("another node has the lease");
            return;
        }
        _heldAt = Now;
        var (head, done) = (await connection.QueryAsync(Progress, r => (r.GetInt64(0), r.GetInt64(1)))).Single();
        if (done != _seen || done >= head)
            (_seen, _movedAt, _patience) = (done, Now, Patience);
        if (
            _daemon is not null
            && _daemon.CurrentAgents().FirstOrDefault(a => a.Status != AgentStatus.Running) is { } fallen
        )
            await StopAsync($"{fallen.Name.Identity} is {fallen.Status}");
        else if (_daemon is not null && Now - _movedAt > _patience)
        {
            _patience = TimeSpan.FromTicks(Math.Min(_patience.Ticks * 2, MostPatience.Ticks));
            await StopAsync($"progress stands at {done} of {head}");
        }
        if (_daemon is not null)
            return;
        _daemon = await store.BuildProjectionDaemonAsync(logger: log);
        _movedAt = Now;
        try
        {
            await _daemon.StartAllAsync();
        }
        catch (Exception e)
        {
            await StopAsync($"they did not start: {e.Message}");
        }
    }

    private async Task StopAsync(string reason, LogLevel level = LogLevel.Warning)
    {
        if (_daemon is not { } daemon)
            return;
        _daemon = null;
        log.Log(level, "The projections stop on this node: {Reason}", reason);
        try
        {
            await daemon.StopAllAsync();
        }
        catch (Exception e)
        {
            log.LogWarning("A projection did not stop in good order; what it had begun is undone: {Reason}", e.Message);
        }
        daemon.Dispose();
    }

    /// <summary>The next node need not wait until the lease has run out.</summary>
    private async Task ReleaseAsync()
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync();
            await connection.ExecuteAsync(
                $"delete from {LedgerStore.Schema}.lease where holder = @holder",
                ("holder", _me)
            );
        }
        catch (NpgsqlException e)
        {
            log.LogWarning("The projections' lease was not given back, and runs out by itself: {Reason}", e.Message);
        }
    }
}
