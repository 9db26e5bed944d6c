using System.Diagnostics;
using Ledger.Api.Log;
using Ledger.Api.Storage;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Operation;

/// <summary>Commands on servers that the guard lets through, and the beat that tells it of them.</summary>
public static class Guarded
{
    public static IServiceCollection AddGuarded(
        this IServiceCollection services,
        ServerGuard guard,
        DatabaseAccess access
    ) =>
        services
            .AddSingleton(guard)
            .AddSingleton(access)
            .AddKeyedSingleton(
                LedgerStore.Commands,
                (_, _) => guard.Watched(LedgerStore.CommandSource(access.Application, guard.AllowWritingAsync))
            )
            .AddSingleton<Heartbeat>()
            .AddHostedService(s => s.GetRequiredService<Heartbeat>());
}

/// <summary>
/// Commits a row of this node's own every two seconds, on a connection of its own: ready means that it has done so a
/// moment ago. With it comes a look at which server that was, and now and then at whether its disk takes more.
/// </summary>
public sealed class Heartbeat(
    ServerGuard guard,
    DatabaseAccess access,
    LogKeys keys,
    IServiceProvider services,
    ILogger<Heartbeat> log
) : BackgroundService
{
    public static readonly TimeSpan Every = TimeSpan.FromSeconds(2);

    /// <summary>To connect, and to commit: beyond it a commit hangs.</summary>
    private static readonly TimeSpan Limit = TimeSpan.FromSeconds(3);

    /// <summary>A beat takes a millisecond. One that takes so long may not be the only thing that waits.</summary>
    private static readonly TimeSpan Suspect = TimeSpan.FromSeconds(0.5);

    /// <summary>Without a commit for so long a node is not ready, whatever keeps it.</summary>
    private static readonly TimeSpan MostAge = TimeSpan.FromSeconds(10);

    /// <summary>The look at the disk writes 400 KB and throws them away.</summary>
    private const int LookAtDisk = 3;

    /// <summary>Rows of nodes that are gone for a day go too, looked for once an hour.</summary>
    private const int Tidy = 1800;

    private const string Beat = $"""
        with beat as (
            insert into {LedgerStore.Schema}.node_beat (node, beat_at)
            values (@node, clock_timestamp())
                on conflict (node) do update set beat_at = excluded.beat_at)
        {ServerGuard.LookWithLog}
        """;

    private readonly string _node = $"{Environment.MachineName}/{Guid.NewGuid().ToString("N")[..8]}";
    private readonly NpgsqlDataSource _database = LedgerStore.Source(
        // Given up at once, not cancelled and waited for: a commit that is called off while it waits for a standby
        // counts as done, to the server.
        new NpgsqlConnectionStringBuilder(LedgerStore.Plain(access.Application))
        {
            Pooling = false,
            Timeout = (int)Limit.TotalSeconds,
            CommandTimeout = (int)Limit.TotalSeconds,
            CancellationTimeout = -1,
            ApplicationName = "ledger heartbeat",
        }.ConnectionString,
        guard.AllowWritingAsync
    );
    private readonly TaskCompletionSource _first = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private NpgsqlConnection? _connection;
    private bool _wasCalledOff;
    private long _remembered;
    private long _committedAt = Stopwatch.GetTimestamp();
    private volatile Degradation? _trouble;

    /// <summary>Since this node last committed, or since it started.</summary>
    public TimeSpan Age => Stopwatch.GetElapsedTime(Interlocked.Read(ref _committedAt));

    /// <summary>The first beat has come to its end, well or not.</summary>
    public Task First => _first.Task;

    /// <summary>Why this node cannot write; null: it has just done so.</summary>
    public Degradation? Trouble =>
        _trouble is { } trouble
            ? trouble.Code == Unanswered.Code && services.GetService<ClusterWatch>()?.Trouble is { } own
                ? trouble with
                {
                    Reason = own,
                }
                : trouble
            : Age > MostAge
                ? new("writes-hang", $"本机上一次写入数据库在 {Age.TotalSeconds:0} 秒以前")
                : null;

    private static readonly Degradation Unanswered = new("database", "数据库没有应答"),
        Hanging = new("writes-hang", "数据库能应答，但提交没有结果；常见原因是同步备库不在");

    public override Task StartAsync(CancellationToken cancellationToken)
    {
        RememberSigner(); // before the first command connects
        return base.StartAsync(cancellationToken);
    }

    /// <summary>What this node's signer has signed was in the log before any look that begins now.</summary>
    private void RememberSigner()
    {
        try
        {
            if (keys.Memory.Read() is not { } last || last.Origin != keys.Origin)
                return;
            // It goes back only over a fork that the log declares.
            if (last.Size < _remembered)
                guard.Declared(last.Size);
            guard.Remembered(last.Size, "签名者");
            _remembered = last.Size;
        }
        catch (Exception e) when (e is NoteException or IOException or UnauthorizedAccessException)
        {
            log.LogDebug("What the signer remembers cannot be read: {Reason}", e.Message); // the signer says so itself
        }
    }

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        for (var count = 0; !stopping.IsCancellationRequested; count++)
        {
            var beat = BeatAsync(count, stopping);
            var limit = Task.Delay(Limit, stopping);
            SpareThreads(await Task.WhenAny(beat, Task.Delay(Suspect, stopping)) != beat || _trouble is not null);
            if (await Task.WhenAny(beat, limit) != beat && limit.IsCompletedSuccessfully)
                Tell(_connection is null ? Unanswered : Hanging); // which of both, the end of this beat says
            Tell(await beat);
            _first.TrySetResult();
            await Task.Delay(Every, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        await LeaveAsync(); // here, where nobody else has the connection: a host may be told twice to stop
    }

    /// <summary>
    /// While a database hangs some that ask it hold a thread each; whoever asks how the node is gets another at once.
    /// At all other times more threads than processors cost each posting a sixth more of them (bench/README.md).
    /// </summary>
    private static void SpareThreads(bool isNeeded) =>
        ThreadPool.SetMinThreads(isNeeded ? Math.Max(16, Usual.Workers) : Usual.Workers, Usual.Completion);

    /// <summary>As the process was started with.</summary>
    private static readonly (int Workers, int Completion) Usual = MinThreads();

    private static (int Workers, int Completion) MinThreads()
    {
        ThreadPool.GetMinThreads(out var workers, out var completion);
        return (workers, completion);
    }

    private void Tell(Degradation? trouble)
    {
        if (trouble?.Code != _trouble?.Code)
        {
            if (trouble is not null)
                log.LogError("Not ready, {Code}: {Reason}", trouble.Code, trouble.Reason);
            else if (_first.Task.IsCompleted)
                log.LogWarning("Ready again");
        }
        _trouble = trouble;
    }

    /// <summary>Whether it was committed; a connection that was good a moment ago may just have been cut.</summary>
    private async Task<Degradation?> BeatAsync(int count, CancellationToken stopping)
    {
        for (var isKept = _connection is not null; ; isKept = false)
        {
            RememberSigner(); // before it connects: what it remembers may have gone back
            try
            {
                await CommitAsync(_connection ??= await OpenAsync(stopping), count);
                return null;
            }
            catch (OperationCanceledException) when (stopping.IsCancellationRequested)
            {
                return null;
            }
            catch (Exception e)
            {
                var isOpen = _connection is not null;
                await DropAsync();
                if (StaleServerException.In(e) is not null)
                    guard.Behind();
                if (!isKept || stopping.IsCancellationRequested)
                    return Meaning(e, isOpen);
            }
        }
    }

    private async Task<NpgsqlConnection> OpenAsync(CancellationToken stopping)
    {
        var connection = await _database.OpenConnectionAsync(stopping);
        connection.Notice += (_, e) => _wasCalledOff |= e.Notice.InvariantSeverity == "WARNING";
        await connection.ExecuteAsync("set work_mem = '64kB'; set temp_tablespaces = ''");
        return connection;
    }

    private async Task CommitAsync(NpgsqlConnection connection, int count)
    {
        if (count % LookAtDisk == 0 || _trouble is not null)
            await connection.QueryAsync("select count(*) from generate_series(1, 30000)", r => r.GetInt64(0));
        var (before, began) = (guard.Before(), Stopwatch.GetTimestamp());
        _wasCalledOff = false;
        var mark = (await connection.QueryAsync(Beat, ServerGuard.Mark, ("node", _node))).Single();
        if (_wasCalledOff || Stopwatch.GetElapsedTime(began) > Limit)
            throw new TimeoutException();
        guard.Require(before, mark);
        guard.Committed(mark!);
        Interlocked.Exchange(ref _committedAt, Stopwatch.GetTimestamp());
        if (count % Tidy == 0)
            await connection.ExecuteAsync(
                $"""
                delete from {LedgerStore.Schema}.node_beat where beat_at < clock_timestamp() - interval '1 day'
                """
            );
    }

    private static Degradation Meaning(Exception e, bool isOpen) =>
        StaleServerException.In(e) is { } stale
            ? new(stale.Code, stale.Message)
            : e switch
            {
                PostgresException { SqlState: PostgresErrorCodes.DiskFull } => new(
                    "disk-full",
                    "数据库服务器的磁盘已满"
                ),
                PostgresException { SqlState: PostgresErrorCodes.ReadOnlySqlTransaction } => new(
                    "read-only",
                    "应答的数据库服务器是只读的备库"
                ),
                PostgresException { IsTransient: false } refused => new(
                    "database",
                    $"数据库拒绝写入：{refused.MessageText}"
                ),
                TimeoutException => isOpen ? Hanging : Unanswered,
                { InnerException: TimeoutException } => isOpen ? Hanging : Unanswered,
                _ => Unanswered,
            };

    private async Task DropAsync()
    {
        var connection = _connection;
        _connection = null;
        if (connection is not null)
            await connection.DisposeAsync();
    }

    /// <summary>A node that stops takes its row along, if that is done at once.</summary>
    private async Task LeaveAsync()
    {
        try
        {
            if (_connection is { } connection && _trouble is null)
                await connection.ExecuteAsync(
                    $"delete from {LedgerStore.Schema}.node_beat where node = @node",
                    ("node", _node)
                );
        }
        catch (NpgsqlException e)
        {
            log.LogInformation("The heartbeat's row stays for a day: {Reason}", e.Message);
        }
        await DropAsync();
        await _database.DisposeAsync();
    }
}
