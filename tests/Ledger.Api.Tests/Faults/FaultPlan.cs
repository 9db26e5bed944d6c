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
}

/// <param name="After">How many commands are answered before it strikes, from the start or since the fault before it
/// was mended.</param>
/// <param name="Node">Which of the two nodes, where it is one.</param>
/// <param name="Milliseconds">How long it lasts.</param>
/// <param name="Size">Bytes still let through, minutes of a jump: how much of it, by kind.</param>
public sealed record Fault(FaultKind Kind, int After, int Node, int Milliseconds, int Size);

/// <summary>
/// What a seed brings down, and when. The first fault's kind goes round with the seed, so that any seven seeds in a row
/// meet every kind.
/// </summary>
public static class FaultPlan
{
    private const int Faults = 3;

    public static IReadOnlyList<Fault> Of(int seed)
    {
        var random = new Random(seed);
        var kinds = Enum.GetValues<FaultKind>();
        return
        [
            .. Enumerable
                .Range(0, Faults)
                .Select(i =>
                {
                    var kind = i == 0 ? kinds[seed % kinds.Length] : kinds[random.Next(kinds.Length)];
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
