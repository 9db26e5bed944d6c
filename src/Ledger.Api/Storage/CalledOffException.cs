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

    /// <summary>From now on <paramref name="calledOff"/> is called when that happens on this connection.</summary>
    public static void Watch(NpgsqlConnection connection, Action calledOff) =>
        connection.Notice += (_, e) =>
        {
            if (e.Notice is { InvariantSeverity: "WARNING", SqlState: "01000" })
                calledOff();
        };
}
