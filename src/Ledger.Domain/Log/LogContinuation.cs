namespace Ledger.Domain.Log;

/// <summary>A tree of the log: how many entries, and the root over them in base64.</summary>
public sealed record LogTree(long TreeSize, string Root);

/// <summary>
/// The log went on from an earlier entry than had been signed (续接): what was signed and seen beyond it is a fork that
/// is known from now on, and its entries are lost.
/// </summary>
/// <param name="Log">The log's name, as checkpoints have it.</param>
/// <param name="Shared">The last tree that both had signed: the newest one that this database has of those before the
/// loss.</param>
/// <param name="Continued">As the log stood here when this was decided; the next checkpoint contains it.</param>
/// <param name="Fork">The checkpoints of the fork, whole signed notes, the furthest first.</param>
/// <param name="LostEntries">From the shared tree to the furthest that was seen; some of them may be here
/// again.</param>
/// <param name="LostFrom">When the last shared entry was recorded; null: there is none.</param>
/// <param name="LostUntil">Nothing that was seen of the fork is later.</param>
/// <param name="ApprovedBy">Two people, by name.</param>
/// <param name="Statement">What the signer and witnesses go by: the trees, the reason and the names, signed by the
/// log's key (Continuation.cs).</param>
public sealed record LogContinued(
    string Region,
    string Log,
    LogTree Shared,
    LogTree Continued,
    IReadOnlyList<string> Fork,
    long LostEntries,
    DateTimeOffset? LostFrom,
    DateTimeOffset LostUntil,
    string Reason,
    IReadOnlyList<string> ApprovedBy,
    string Statement
) : IEventOf<LogContinuation>;

/// <summary>One for each fork that was declared, by the furthest of it that was seen.</summary>
public sealed record LogContinuation : Aggregate, IEvolve<LogContinuation>
{
    public LogTree Shared { get; init; } = new(0, "");
    public LogTree Continued { get; init; } = new(0, "");
    public IReadOnlyList<string> Fork { get; init; } = [];
    public long LostEntries { get; init; }
    public DateTimeOffset? LostFrom { get; init; }
    public DateTimeOffset LostUntil { get; init; }
    public string Reason { get; init; } = "";
    public IReadOnlyList<string> ApprovedBy { get; init; } = [];

    public static LogContinuation Evolve(LogContinuation? state, IEventOf<LogContinuation> e) =>
        e switch
        {
            LogContinued c => (state ?? new LogContinuation()) with
            {
                Region = c.Region,
                Shared = c.Shared,
                Continued = c.Continued,
                Fork = c.Fork,
                LostEntries = c.LostEntries,
                LostFrom = c.LostFrom,
                LostUntil = c.LostUntil,
                Reason = c.Reason,
                ApprovedBy = c.ApprovedBy,
            },
            _ => throw InvariantViolationException.Unknown(e),
        };
}
