using System.Text.Json.Serialization;

namespace Ledger.Domain.Screening;

/// <summary>What came of a finding.</summary>
public enum FindingOutcome
{
    /// <summary>As it should be: 无问题.</summary>
    Sound,

    /// <summary>Wrong, and set right by the commands that do that: 已更正.</summary>
    Corrected,

    /// <summary>Handed to discipline inspection or another authority: 已移送.</summary>
    Referred,
}

/// <summary>The auditor's answer: what he saw, and what he concludes.</summary>
/// <param name="Seen">Elsewhere than in the ledger.</param>
public sealed record FindingAnswer(
    string Conclusion,
    string Seen,
    IReadOnlyList<string> Evidence,
    DateOnly AnsweredOn,
    string AnsweredBy
);

/// <summary>What somebody says whose acts it is about.</summary>
public sealed record FindingExplanation(
    string Explanation,
    IReadOnlyList<string> Evidence,
    DateOnly ExplainedOn,
    string ExplainedBy
);

public sealed record FindingClosure(FindingOutcome Outcome, string Reason, DateOnly ClosedOn, string ClosedBy);

/// <summary>
/// An auditor answered a finding (疑点核查), again as long as it is open. What the screen showed then stands in it: a year
/// that is put right shows it no more.
/// </summary>
/// <param name="Concerned">Whose acts it is about.</param>
/// <param name="Evidence">Documents of the ledger that he saw, by their digests.</param>
public sealed record ScreeningFindingAnswered(
    ScreenKind Screen,
    string Region,
    int Year,
    Money FoundFen,
    int Count,
    string Says,
    IReadOnlyList<FoundLine> Lines,
    IReadOnlyList<string> Concerned,
    string Conclusion,
    string Seen,
    IReadOnlyList<string> Evidence,
    DateOnly AnsweredOn,
    string AnsweredBy
) : IEventOf<ScreeningFinding>, IEvidenced, INamesIds
{
    [JsonIgnore]
    public IEnumerable<string> Ids =>
        Lines.SelectMany(l => (string?[])[l.Stream, l.MemberId]).OfType<string>().Distinct();
}

/// <summary>Whose acts it is about says how it was; the auditor decides what that is worth.</summary>
public sealed record ScreeningFindingExplained(
    string Explanation,
    IReadOnlyList<string> Evidence,
    DateOnly ExplainedOn,
    string ExplainedBy,
    string? OnBehalfOf = null
) : IEventOf<ScreeningFinding>, IEvidenced;

public sealed record ScreeningFindingClosed(FindingOutcome Outcome, string Reason, DateOnly ClosedOn, string ClosedBy)
    : IEventOf<ScreeningFinding>;

/// <summary>Something came to light: it is open again, and everything said before stays.</summary>
public sealed record ScreeningFindingReopened(string Reason, DateOnly ReopenedOn, string ReopenedBy)
    : IEventOf<ScreeningFinding>;

/// <summary>
/// A finding that an auditor has taken up (疑点). One that nobody answered yet has no stream: the screens show it.
/// </summary>
public sealed record ScreeningFinding : Aggregate, IEvolve<ScreeningFinding>
{
    /// <summary>More than anybody needs; beyond it something else is wrong.</summary>
    public const int MostExplanations = 20;

    public ScreenKind Screen { get; init; }
    public int Year { get; init; }
    public Money FoundFen { get; init; }
    public int Count { get; init; }
    public string Says { get; init; } = "";
    public IReadOnlyList<FoundLine> Lines { get; init; } = [];
    public IReadOnlyList<string> Concerned { get; init; } = [];
    public FindingAnswer? Answer { get; init; }
    public IReadOnlyList<FindingExplanation> Explanations { get; init; } = [];

    /// <summary>Null: open.</summary>
    public FindingClosure? Closure { get; init; }

    /// <summary>Why it was opened again, the last time; null: it never was, or is closed.</summary>
    public string? Reopened { get; init; }

    public static ScreeningFinding Evolve(ScreeningFinding? state, IEventOf<ScreeningFinding> e) =>
        e switch
        {
            ScreeningFindingAnswered a => (state ?? new ScreeningFinding()) with
            {
                Region = a.Region,
                Screen = a.Screen,
                Year = a.Year,
                FoundFen = a.FoundFen,
                Count = a.Count,
                Says = a.Says,
                Lines = a.Lines,
                Concerned = a.Concerned,
                Answer = new(a.Conclusion, a.Seen, a.Evidence, a.AnsweredOn, a.AnsweredBy),
            },
            ScreeningFindingExplained x => state! with
            {
                Explanations = [.. state.Explanations, new(x.Explanation, x.Evidence, x.ExplainedOn, x.ExplainedBy)],
            },
            ScreeningFindingClosed c => state! with
            {
                Closure = new(c.Outcome, c.Reason, c.ClosedOn, c.ClosedBy),
                Reopened = null,
            },
            ScreeningFindingReopened r => state! with { Closure = null, Reopened = r.Reason },
            _ => throw InvariantViolationException.Unknown(e),
        };
}
