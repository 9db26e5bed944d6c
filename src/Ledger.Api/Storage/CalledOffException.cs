using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// A commit was called off (by a time limit, by a DBA) while it waited for its standby. To the server it counts as
/// done, with a warning; it is on one machine alone, and a server that follows may lack it: nobody is told that it is
/// done.
/// </summary>
public sealed class CalledOffException() : NpgsqlException("提交没有得到备库的确认")
{
    public override bool IsTransient => true;
}

/// <summary>
/// Whether what was committed may be told as done. It is made before the connection is opened, and asked after the
/// commit.
/// </summary>
public sealed class Surety(ServerGuard guard)
{
    private readonly int _servers = guard.Changes;
    private bool _wasCalledOff;

    public void Watch(NpgsqlConnection connection) =>
        connection.Notice += (_, e) => _wasCalledOff |= e.Notice is { InvariantSeverity: "WARNING", SqlState: "01000" };

    /// <exception cref="CalledOffException"/>
    /// <exception cref="StaleServerException"/>
    public void Require()
    {
        if (_wasCalledOff)
            throw new CalledOffException();
        guard.RequireSame(_servers);
    }
}
