namespace Ledger.Api.Tests.Faults;

public enum FaultKind
{
    /// <summary>SIGKILL to a node; a new process takes its place.</summary>
    NodeKilled,

    /// <summary>SIGKILL to every process of PostgreSQL; it recovers from its write-ahead log.</summary>
    ServerKilled,

    /// <summary>
    /// Every connection between nodes and PostgreSQL is reset, each after some more bytes: in the middle of a statement
    /// or of its answer.
    /// </summary>
    ConnectionsCut,

    /// <summary>The volume of the database answers no write for a while, several times over.</summary>
    DiskSlow,

    /// <summary>The volume of the database has no free block.</summary>
    DiskFull,

    /// <summary>The clock of one node jumps by up to three hours, forward or back, and returns.</summary>
    ClockJumped,

    /// <summary>SIGSTOP to one of the two nodes, SIGCONT later: it goes on with what it believed.</summary>
    NodeFrozen,

    /// <summary>
    /// SIGKILL to all of the primary's processes, Patroni's too; it comes back once another is primary.
    /// </summary>
    PrimaryKilled,

    /// <summary>
    /// SIGSTOP to all of the primary's processes, Patroni's too; it wakes up once another is primary, with what it
    /// believed.
    /// </summary>
    PrimaryFrozen,

    /// <summary>No packet to or from the primary's machine until another is primary, and some seconds more.</summary>
    PrimaryCut,

    /// <summary>SIGKILL to the etcd of the primary's machine, which comes back.</summary>
    EtcdKilled,

    /// <summary>SIGKILL to all of the synchronous standby's processes; it comes back.</summary>
    StandbyKilled,

    /// <summary>SIGKILL to HAProxy, which comes back.</summary>
    ProxyKilled,

    /// <summary>Somebody makes the synchronous standby primary, as before work on a machine.</summary>
    Switchover,

    /// <summary>One node after the other is stopped (SIGTERM) and started again, as for an upgrade.</summary>
    NodesReplaced,
}

/// <param name="After">How many commands are answered before it strikes, from the start or since the fault before it
/// was mended.</param>
/// <param name="Node">Which of the two nodes, where it is one.</param>
/// <param name="Milliseconds">How long it lasts.</param>
/// <param name="Size">Bytes still let through, minutes of a jump: how much of it, by kind.</param>
public sealed record Fault(FaultKind Kind, int After, int Node, int Milliseconds, int Size);

/// <summary>
/// What a seed brings down, and when. The first fault's kind goes round with the seed, so that as many seeds in a row
/// as there are kinds meet every one.
/// </summary>
public static class FaultPlan
{
    public static readonly IReadOnlyList<FaultKind> OfOneServer =
        [.. Enum.GetValues<FaultKind>().Where(k => k <= FaultKind.NodeFrozen)],
        OfThreeServers = [.. Enum.GetValues<FaultKind>().Except(OfOneServer)];

    public static IReadOnlyList<Fault> Of(int seed, IReadOnlyList<FaultKind> kinds)
    {
        var random = new Random(seed);
        return
        [
            .. Enumerable
                .Range(0, kinds == OfOneServer ? 3 : 2)
                .Select(i =>
                {
                    var kind = i == 0 ? kinds[seed % kinds.Count] : kinds[random.Next(kinds.Count)];
                    var after = random.Next(15, 150);
                    var milliseconds =
                        kind == FaultKind.NodeFrozen ? random.Next(1_000, 6_000) : random.Next(300, 2_000);
                    return new Fault(
                        kind,
                        after,
                        random.Next(2),
                        milliseconds,
                        kind == FaultKind.ClockJumped
                            ? random.Next(1, 180) * (random.Next(2) * 2 - 1)
                            : random.Next(1, 20_000)
                    );
                }),
        ];
    }
}
