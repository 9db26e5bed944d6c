using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Domain;
using Npgsql;
using Wolverine.Runtime;

namespace Ledger.Api.Operation;

/// <summary>
/// How the product stands, as the database tells: what waits, and for how long. Lags in events and in seconds; money in
/// fen. No personal data, no ids.
/// </summary>
/// <param name="ProjectionSeconds">How long the oldest event waits that audit trail or work queue have yet to take
/// in.</param>
/// <param name="UnsealedSeconds">How long the oldest event waits that is not in the log yet.</param>
/// <param name="UnsignedSeconds">How long the oldest event of the log waits that no checkpoint is over yet.</param>
/// <param name="Findings">About log and database, that nobody has closed.</param>
/// <param name="PausedWebhooks">Subscriptions that the product paused because nobody took what it sent.</param>
/// <param name="FailedNotifications">People whom the product could not tell three times running that something waits
/// for them.</param>
/// <param name="LateJobs">Jobs that no node has been at for ten minutes.</param>
/// <param name="BackupSeconds">How old the newest backup of this node's folder is; null: it has none.</param>
/// <param name="RehearsalSeconds">Since a rehearsal of the restore last passed; null: none has.</param>
/// <param name="RehearsalFailed">Whether the last one failed.</param>
public sealed record Readings(
    long AuditTrailLag,
    long WorkQueueLag,
    double ProjectionSeconds,
    long Unsealed,
    double UnsealedSeconds,
    double UnsignedSeconds,
    double CheckpointSeconds,
    long Findings,
    long UnmatchedReceipts,
    long OpenTransitFen,
    long DeadLetters,
    long ChangedStates,
    double ClockSkewSeconds,
    IReadOnlyList<string> FailedLooks,
    long LateReminders,
    long PausedWebhooks,
    long FailedNotifications,
    long LateJobs,
    double? BackupSeconds,
    double? RehearsalSeconds,
    bool RehearsalFailed
);

/// <summary>The hourly looks of this node that did not come to their end, until they do.</summary>
public sealed class FailedLooks
{
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, bool> _names = [];

    public IReadOnlyList<string> Names => [.. _names.Keys.Order(StringComparer.Ordinal)];

    public void Set(string look) => _names[look] = true;

    public void Clear(string look) => _names.TryRemove(look, out _);

    /// <summary>Another node looks: it says what fails.</summary>
    public void Clear() => _names.Clear();
}

/// <summary>
/// What of the readings is not as it should be: in words, with what to do (docs/operations.md has each).
/// </summary>
public sealed record Degradation(string Code, [property: Said] string Reason);

/// <summary>Reads the product's condition, at most every <see cref="Fresh"/>, however many ask.</summary>
public sealed class Condition(
    NpgsqlDataSource database,
    IWolverineRuntime wolverine,
    FailedLooks failed,
    Log.FoundFindings found,
    Settings settings,
    TimeProvider time,
    ILogger<Condition> log
)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(5);

    // What is still as usual under load; beyond it somebody should look.
    private const long MostLag = 20_000;
    private static readonly TimeSpan MostLate = TimeSpan.FromMinutes(2),
        MostUnsealed = TimeSpan.FromMinutes(1),
        OldestBackup = TimeSpan.FromHours(36); // a nightly one, and half a day for somebody to look

    // Half of what makes nodes take each other for dead.
    private static readonly TimeSpan MostSkew = LedgerServices.StaleAfter / 2;

    /// <summary>Nobody waits longer for it.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    private readonly Lock _gate = new();
    private readonly long _startedAt = Stopwatch.GetTimestamp();
    private Task<Readings>? _reading;
    private volatile Taken? _last;

    private sealed record Taken(long At, Readings Readings);

    /// <summary>The last readings; null before the first. For whoever cannot wait.</summary>
    public Readings? Last => _last?.Readings;

    /// <summary>How old they are; before the first, since the start.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(_last?.At ?? _startedAt);

    /// <summary>Each is a look at the end of an index, or over the few documents that are open.</summary>
    private const string Look = $"""
        with head as (select coalesce(max(seq_id), 0) as seq
                        from {LedgerStore.Schema}.mt_events
                       where seq_id <= (select last_value from {LedgerStore.Schema}.mt_events_sequence)),
             seen as (
                 select name,
                        case when last_seq_id <= (select last_value from {LedgerStore.Schema}.mt_events_sequence)
                             then last_seq_id end as last_seq_id
                   from {LedgerStore.Schema}.mt_event_progression),
             unsealed as (select min(e.timestamp) as since, count(*) as n
                            from {LedgerStore.Schema}.mt_events e
                           cross join {LedgerStore.Schema}.log_state l
                           where e.seq_id > l.low_water
                             and not exists (select 1 from {LedgerStore.Schema}.log_entry x where x.seq = e.seq_id)),
             late as (select e.timestamp as since
                        from {LedgerStore.Schema}.mt_events e
                       where e.seq_id > coalesce((select min(last_seq_id)
                                                    from seen
                                                   where name in ('AuditTrail:All', 'WorkQueue:All')), 0)
                       order by e.seq_id limit 1),
             unsigned as (select e.timestamp as since
                            from {LedgerStore.Schema}.log_entry l
                            join {LedgerStore.Schema}.mt_events e on e.seq_id = l.seq
                           where l.log_index = (select coalesce(max(c.size), 0)
                                                  from {LedgerStore.Schema}.log_checkpoint c
                                                 where c.size <= (select size from {LedgerStore.Schema}.log_state))),
             fund as (select coalesce(sum((data ->> 'inTransitFen')::bigint), 0)::bigint as transit
                        from {LedgerStore.Schema}.mt_doc_fund
                       where (data ->> 'inTransitFen')::bigint > 0)
        select head.seq - coalesce((select last_seq_id from seen where name = 'AuditTrail:All'), 0),
               head.seq - coalesce((select last_seq_id from seen where name = 'WorkQueue:All'), 0),
               coalesce(extract(epoch from @now - (select since from late)), 0)::float8,
               unsealed.n, coalesce(extract(epoch from @now - unsealed.since), 0)::float8,
               coalesce(extract(epoch from @now - (select since from unsigned)), 0)::float8,
               coalesce((select extract(epoch from clock_timestamp() - max(signed_at))
                           from {LedgerStore.Schema}.log_checkpoint), 0)::float8,
               (select coalesce(sum((data ->> 'unmatchedReceipts')::int), 0)::bigint
                  from {LedgerStore.Schema}.mt_doc_workitem
                 where data ->> 'status' = 'paid'),
               fund.transit, clock_timestamp(),
               (select count(*)
                  from wolverine.wolverine_incoming_envelopes
                 where status = 'Scheduled'
                   and execution_time < clock_timestamp() - interval '2 minutes'),
               (select count(*)
                  from {LedgerStore.Schema}.delivery_cursor
                 where failures > 0
                   and next_at = 'infinity'),
               (select count(*) from {LedgerStore.Schema}.notification_choice where failures >= 3),
               (select count(*)
                  from {LedgerStore.Schema}.job
                 where state in ('waiting', 'running')
                   and coalesce(until, created_at) < clock_timestamp() - interval '10 minutes')
          from head, unsealed, fund
        """;

    /// <exception cref="TimeoutException">The database takes longer; a later call may find what it said.</exception>
    /// <exception cref="NpgsqlException"/>
    public Task<Readings> ReadAsync(CancellationToken cancellation)
    {
        lock (_gate)
        {
            if (_last is { } known && Stopwatch.GetElapsedTime(known.At) < Fresh)
                return Task.FromResult(known.Readings);
            if (_reading is null or { IsCompleted: true })
                _reading = Task.Run(TakeAsync, CancellationToken.None);
            return _reading.WaitAsync(Patience, cancellation);
        }
    }

    private async Task<Readings> TakeAsync()
    {
        var began = Stopwatch.GetTimestamp();
        try
        {
            var readings = await LookAsync();
            _last = new Taken(began, readings);
            return readings;
        }
        catch (NpgsqlException e)
        {
            log.LogWarning("The condition could not be read: {Reason}", e.Message);
            throw;
        }
    }

    private async Task<Readings> LookAsync()
    {
        await using var connection = await database.OpenConnectionAsync();
        var letters = await wolverine.Storage.DeadLetters.QueryAsync(new() { PageSize = 1 }, CancellationToken.None);
        var changed = await StateShapes.ChangedAsync(connection);
        var backups = new Backups(settings.BackupFolder);
        var (open, _) = await found.OpenAsync(connection);
        return (
            await connection.QueryAsync(
                Look,
                r => new Readings(
                    Math.Max(0, r.GetInt64(0)),
                    Math.Max(0, r.GetInt64(1)),
                    Math.Max(0, r.GetDouble(2)),
                    r.GetInt64(3),
                    Math.Max(0, r.GetDouble(4)),
                    Math.Max(0, r.GetDouble(5)),
                    Math.Max(0, r.GetDouble(6)),
                    open,
                    r.GetInt64(7),
                    r.GetInt64(8),
                    letters.TotalCount,
                    changed,
                    Math.Abs((TimeProvider.System.GetUtcNow() - r.GetFieldValue<DateTimeOffset>(9)).TotalSeconds),
                    failed.Names,
                    r.GetInt64(10),
                    r.GetInt64(11),
                    r.GetInt64(12),
                    r.GetInt64(13),
                    Since(backups.All.LastOrDefault().At),
                    Since(backups.LastPassed?.RehearsedAt ?? default),
                    backups.LastFailed is not null
                ),
                ("now", time.GetUtcNow())
            )
        ).Single();
    }

    private static double? Since(DateTimeOffset moment) =>
        moment == default ? null : Math.Max(0, (TimeProvider.System.GetUtcNow() - moment).TotalSeconds);

    public static IReadOnlyList<Degradation> Wrong(Readings r)
    {
        var wrong = new List<Degradation>();
        if (r.Findings > 0)
            wrong.Add(new("log-finding", $"存证日志有 {r.Findings} 处发现没有办结，见“存证”页"));
        if (r.UnsealedSeconds > MostUnsealed.TotalSeconds)
            wrong.Add(new("sealing-late", $"有 {r.Unsealed} 个事件等了 {r.UnsealedSeconds:0} 秒还没有进入存证日志"));
        else if (r.UnsignedSeconds > MostUnsealed.TotalSeconds)
            wrong.Add(new("sealing-late", $"已进入存证日志的事件等了 {r.UnsignedSeconds:0} 秒还没有签名"));
        if (Math.Max(r.AuditTrailLag, r.WorkQueueLag) > MostLag || r.ProjectionSeconds > MostLate.TotalSeconds)
            wrong.Add(
                new(
                    "projections-late",
                    $"审计轨迹落后 {r.AuditTrailLag} 个事件，工作队列落后 {r.WorkQueueLag} 个，最早的等了 {r.ProjectionSeconds:0} 秒"
                )
            );
        if (r.DeadLetters > 0)
            wrong.Add(new("dead-letters", $"有 {r.DeadLetters} 条消息多次处理失败，见 docs/operations.md"));
        if (r.LateReminders > 0)
            wrong.Add(new("reminders-late", $"有 {r.LateReminders} 条到期的提醒等了两分钟以上还没有处理"));
        if (r.PausedWebhooks > 0)
            wrong.Add(new("webhook-paused", $"有 {r.PausedWebhooks} 个订阅多次没有送达，已暂停；请看“订阅”页"));
        if (r.FailedNotifications > 0)
            wrong.Add(
                new(
                    "notifications-failing",
                    $"有 {r.FailedNotifications} 人的提醒连续三次没有发出；请看邮件服务器和网关的设置"
                )
            );
        if (r.LateJobs > 0)
            wrong.Add(new("job-late", $"有 {r.LateJobs} 个后台任务等了十分钟以上没有办理；请看“后台任务”页"));
        if (r.ChangedStates > 0)
            wrong.Add(
                new(
                    "states-changed",
                    $"{r.ChangedStates} 种状态文档由另一版本写成；请运行 check，有不一致时运行 check --rebuild（不必停机）"
                )
            );
        if (r.FailedLooks.Count > 0)
            wrong.Add(
                new(
                    "look-failed",
                    $"定时核对没有做完（{string.Join("、", r.FailedLooks)}），到时重来；原因见本机的日志"
                )
            );
        if (r.BackupSeconds > OldestBackup.TotalSeconds)
            wrong.Add(new("backup-late", $"最近一份备份在 {r.BackupSeconds / 3600:0} 小时以前；请看定时备份的日志"));
        if (r.RehearsalFailed)
            wrong.Add(new("rehearsal-failed", "最近一次恢复演练没有成功；原因在备份目录的 rehearsal-failed.json"));
        if (r.ClockSkewSeconds > MostSkew.TotalSeconds)
            wrong.Add(new("clock-skew", $"本机时钟与数据库相差 {r.ClockSkewSeconds:0} 秒；请校时（NTP）"));
        return wrong;
    }
}
