using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>A database server as it shows itself on a connection.</summary>
/// <param name="System">The cluster's identifier, the same for a primary and its standbys.</param>
/// <param name="Timeline">Counts the promotions in a cluster's history.</param>
/// <param name="LogSize">Entries of the transparency log.</param>
public sealed record ServerMark(long System, long Timeline, long LogSize);

/// <summary>
/// The server that answered is not one to write to; the message says why, in Chinese. It passes when another answers:
/// to whoever waits for the database this is one that does not answer.
/// </summary>
public sealed class StaleServerException(string code, string reason) : NpgsqlException(reason)
{
    public override bool IsTransient => true;

    /// <summary>As health says it: <c>log-behind</c> or <c>read-only</c>.</summary>
    public string Code => code;

    /// <summary>Where one is in it: of several servers the failures come wrapped.</summary>
    public static StaleServerException? In(Exception? e) =>
        e switch
        {
            null => null,
            StaleServerException stale => stale,
            AggregateException many => many.InnerExceptions.Select(In).FirstOrDefault(s => s is not null),
            _ => In(e.InnerException),
        };
}

/// <summary>
/// Which server this node writes to: none that knows less than the node, its signer or a witness has seen, and no old
/// primary that came back after another was promoted (docs/decisions/022-a-server-that-knows-less-is-refused.md). Each
/// new connection is looked at once; when something newer shows, all connections are made anew, so that each is looked
/// at again. Of several servers in the connection string the next one is tried.
/// </summary>
public sealed class ServerGuard
{
    /// <summary>
    /// The newest of what was seen. What is compared with a look at a server was seen before that look began: on the
    /// same server it can only have grown since.
    /// </summary>
    public sealed record Seen(long System, long Timeline, long LogSize, string Whose);

    private readonly Lock _gate = new();
    private readonly List<NpgsqlDataSource> _sources = [];
    private volatile Seen _seen = new(0, 0, 0, "");
    private volatile int _changes;

    /// <summary>How a server is asked for its mark; nulls on a standby.</summary>
    public const string Look = """
        select case when not pg_is_in_recovery() then (select system_identifier from pg_control_system()) end,
               case when not pg_is_in_recovery()
                    then ('x' || substr(pg_walfile_name(pg_current_wal_insert_lsn()), 1, 8))::bit(32)::bigint end
        """;

    /// <summary>The same, with the size of the log: where there are tables.</summary>
    public const string LookWithLog = $"{Look}, (select size from {LedgerStore.Schema}.log_state)";

    /// <summary>Its connections are made anew when a newer server shows.</summary>
    public NpgsqlDataSource Watched(NpgsqlDataSource source)
    {
        lock (_gate)
            _sources.Add(source);
        return source;
    }

    /// <summary>
    /// For connections that only read, or whose writers know better themselves (the signer): no old primary. A standby
    /// may answer, where the connection string allows it.
    /// </summary>
    public async Task AllowReadingAsync(NpgsqlConnection connection)
    {
        var before = _seen;
        var (system, timeline) = (await connection.QueryAsync(Look, r => (Number(r, 0), Number(r, 1)))).Single();
        if (system is not { } own)
            return;
        RequireNewest(before, new ServerMark(own, timeline!.Value, 0));
        See(new ServerMark(own, timeline!.Value, 0), isWhole: false);
    }

    /// <summary>For connections of commands: the newest primary, with all of the log that anybody has seen.</summary>
    /// <exception cref="StaleServerException"/>
    public async Task AllowWritingAsync(NpgsqlConnection connection)
    {
        var before = Before();
        var mark = (await connection.QueryAsync(LookWithLog, Mark)).Single();
        Require(before, mark);
    }

    /// <summary>What was seen until now, to be compared with a look that begins after.</summary>
    public Seen Before() => _seen;

    /// <exception cref="StaleServerException"/>
    public void Require(Seen before, ServerMark? mark)
    {
        if (mark is null)
            throw new StaleServerException("read-only", "应答的数据库服务器是只读的备库");
        RequireNewest(before, mark);
        if (mark.LogSize < before.LogSize)
            throw new StaleServerException(
                "log-behind",
                $"数据库的存证日志只有 {mark.LogSize} 条，{before.Whose}见过 {before.LogSize} 条："
                    + "应答的是旧的主库或旧备份，或者主备切换时丢了数据；不再接受办理"
            );
        See(mark, isWhole: true);
    }

    private static void RequireNewest(Seen before, ServerMark mark)
    {
        if (mark.System == before.System && mark.Timeline < before.Timeline)
            throw new StaleServerException(
                "log-behind",
                $"应答的数据库服务器是切换以前的主库（时间线 {mark.Timeline}，本机已见过 {before.Timeline}）；不再接受办理"
            );
    }

    public static ServerMark? Mark(NpgsqlDataReader r) =>
        Number(r, 0) is { } system ? new ServerMark(system, Number(r, 1)!.Value, Number(r, 2)!.Value) : null;

    private static long? Number(NpgsqlDataReader r, int at) => r.IsDBNull(at) ? null : r.GetInt64(at);

    /// <summary>
    /// A cluster of another identifier counts by its log alone: one that has all of it is the ledger's new home.
    /// </summary>
    private void See(ServerMark mark, bool isWhole)
    {
        lock (_gate)
        {
            if (_seen.System == mark.System ? mark.Timeline <= _seen.Timeline : !isWhole && _seen.System != 0)
                return;
            var isFirst = _seen.System == 0;
            _seen = _seen with { System = mark.System, Timeline = mark.Timeline };
            if (!isFirst)
                Renew();
        }
    }

    /// <summary>
    /// This node has committed something on a server with so long a log: where commits wait for a standby, that has it
    /// too.
    /// </summary>
    public void Committed(ServerMark mark)
    {
        lock (_gate)
            if (mark.LogSize > _seen.LogSize)
                _seen = _seen with { LogSize = mark.LogSize, Whose = "本机" };
    }

    /// <summary>Somebody apart from the database remembers so long a log.</summary>
    /// <param name="whose">In Chinese: 签名者, 见证方.</param>
    public void Remembered(long size, string whose)
    {
        lock (_gate)
            if (size > _seen.LogSize)
                _seen = _seen with { LogSize = size, Whose = whose };
    }

    /// <summary>
    /// Two people have declared what was seen beyond that to be lost (<c>log-continue</c>): the log goes on from there.
    /// </summary>
    public void Declared(long size)
    {
        lock (_gate)
            if (size < _seen.LogSize)
                _seen = _seen with { LogSize = size, Whose = "签名者" };
    }

    /// <summary>The server turned out to know less: whoever connects is to look for another.</summary>
    public void Behind()
    {
        lock (_gate)
            Renew();
    }

    private void Renew()
    {
        _changes++;
        foreach (var source in _sources)
            source.Clear();
    }

    /// <summary>To be taken before a transaction begins.</summary>
    public int Changes => _changes;

    /// <summary>
    /// Nothing newer has shown since: what was committed is acknowledged. Else it may have been committed where nobody
    /// will look for it again; whoever asks with the same key is told by the server that counts.
    /// </summary>
    /// <exception cref="StaleServerException"/>
    public void RequireSame(int changes)
    {
        if (changes != _changes)
            throw new StaleServerException("log-behind", "办理期间数据库服务器换了，结果要重新确认");
    }
}
