using Ledger.Domain.Screening;

namespace Ledger.Domain.Log;

/// <summary>
/// Somebody looked into what the product found wrong with its database (存证发现), again as long as it is open. What was
/// found stands in it.
/// </summary>
/// <param name="Kind">One of the findings' kinds.</param>
/// <param name="Count">How often it had been found by then.</param>
/// <param name="Evidence">Documents of the ledger that he saw, by their digests.</param>
public sealed record LogFindingAnswered(
    string Region,
    string Kind,
    string Says,
    int Count,
    string Conclusion,
    string Seen,
    IReadOnlyList<string> Evidence,
    DateOnly AnsweredOn,
    string AnsweredBy
) : IEventOf<AnsweredFinding>, IEvidenced;

/// <summary>Another person agreed: it raises no alarm any more, as often as it was found until then.</summary>
/// <param name="Again">Of what was set right: by this the product knows that the same words, found again, are a new
/// finding. Null: what was found stays as it is, and is the same when it is met again.</param>
public sealed record LogFindingClosed(
    FindingOutcome Outcome,
    string Reason,
    int Count,
    string? Again,
    DateOnly ClosedOn,
    string ClosedBy
) : IEventOf<AnsweredFinding>;

/// <summary>Something came to light: it is open again, and everything said before stays.</summary>
public sealed record LogFindingReopened(string Reason, DateOnly ReopenedOn, string ReopenedBy)
    : IEventOf<AnsweredFinding>;

/// <param name="Count">How often it had been found.</param>
public sealed record LogFindingClosure(
    FindingOutcome Outcome,
    string Reason,
    int Count,
    DateOnly ClosedOn,
    string ClosedBy
);

/// <summary>A finding about the database that somebody has taken up; one that nobody answered has no stream.</summary>
public sealed record AnsweredFinding : Aggregate, IEvolve<AnsweredFinding>
{
    public string Kind { get; init; } = "";
    public string Says { get; init; } = "";
    public FindingAnswer? Answer { get; init; }

    /// <summary>The last one; null: it was opened again, or never closed.</summary>
    public LogFindingClosure? Closure { get; init; }

    /// <summary>Why it was opened again, the last time; null: it never was, or is closed.</summary>
    public string? Reopened { get; init; }

    /// <param name="count">How often it has been found by now.</param>
    public bool IsOpen(int count) => Closure is null || count > Closure.Count;

    public static AnsweredFinding Evolve(AnsweredFinding? state, IEventOf<AnsweredFinding> e) =>
        e switch
        {
            LogFindingAnswered a => (state ?? new AnsweredFinding()) with
            {
                Region = a.Region,
                Kind = a.Kind,
                Says = a.Says,
                Answer = new(a.Conclusion, a.Seen, a.Evidence, a.AnsweredOn, a.AnsweredBy),
                Closure = null,
            },
            LogFindingClosed c => state! with
            {
                Closure = new(c.Outcome, c.Reason, c.Count, c.ClosedOn, c.ClosedBy),
                Reopened = null,
            },
            LogFindingReopened r => state! with { Closure = null, Reopened = r.Reason },
            _ => throw InvariantViolationException.Unknown(e),
        };
}
