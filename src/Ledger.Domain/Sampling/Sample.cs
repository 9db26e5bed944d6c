using System.Text.Json.Serialization;
using Ledger.Domain.Funds;

namespace Ledger.Domain.Sampling;

/// <summary>
/// What is sampled from: the fen that left by one kind of outflow, with a business date in one year, from one fund or
/// all of a region.
/// </summary>
/// <param name="FundId">Null: every fund of the region.</param>
public sealed record SamplePopulation(string Region, int Year, EntryKind Kind, string? FundId = null)
{
    /// <summary>Where money leaves what the auditor looks at; what only moves inside a fund is no outflow.</summary>
    public static readonly IReadOnlyList<EntryKind> Kinds =
    [
        EntryKind.Reserved,
        EntryKind.Returned,
        EntryKind.Transferred,
    ];
}

/// <summary>A stretch of the population, and the application or fund that it went out for.</summary>
public sealed record SampledOutflow(string Account, FenInterval Fen, string Reference)
{
    public SampledSpan Span => new(Account, Fen);
}

/// <summary>A member's part of an outflow, on the same axis.</summary>
public sealed record SampledShare(string Account, FenInterval Fen, string MemberYearId);

/// <summary>A drawn fen and what it was spent for; no member's where it went to no member.</summary>
/// <param name="Line">The stretch that one decision spent, of which the fen is part: what a paper is about.</param>
public sealed record SampledLine(
    string Account,
    long Fen,
    FenInterval Line,
    string Reference,
    string? MemberYearId = null
);

/// <summary>A working paper (审计工作底稿): what the auditor saw of one line, and what of its amount is in error.</summary>
/// <param name="Number">Of the line among those drawn, from 1, in the order of the fen.</param>
/// <param name="Seen">What he saw elsewhere than here; the ledger's own documents are
/// <paramref name="Evidence"/>.</param>
public sealed record SamplePaper(
    int Number,
    Money ErrorFen,
    string Finding,
    string Seen,
    IReadOnlyList<string> Evidence,
    string RecordedBy
);

/// <summary>By what the fen were drawn: whoever has the log draws them again.</summary>
public sealed record SampleDraw(long TreeSize, string Root, string Words, string Seed, string DrawnBy);

/// <summary>What the whole of the papers says, when it is signed.</summary>
public sealed record SampleConclusion(
    int Confidence,
    ErrorBound Bound,
    string Text,
    DateOnly ConcludedOn,
    string ConcludedBy
);

/// <summary>A signed tree: its size, and its root in hex.</summary>
public sealed record SignedTree(long Size, string Root);

/// <param name="LogSize">The population is what the log's first so many entries laid: what comes later, back-dated or
/// not, is no part of it, and whoever has the log works it out again.</param>
/// <param name="WordsDigest">Of the auditor's own words, which he keeps to himself until he draws.</param>
public sealed record SampleAnnounced(
    string Region,
    int Year,
    EntryKind Kind,
    string PopulationDigest,
    Money PopulationFen,
    int Size,
    string WordsDigest,
    long LogSize,
    DateOnly AnnouncedOn,
    string AnnouncedBy,
    string? FundId = null
) : IEventOf<Sample>;

/// <param name="TreeSize">Of the first signed tree that holds the announcement.</param>
public sealed record SampleDrawn(
    long TreeSize,
    string Root,
    string Words,
    string Seed,
    IReadOnlyList<SampledLine> Fen,
    string DrawnBy
) : IEventOf<Sample>, INamesIds
{
    [JsonIgnore]
    public IEnumerable<string> Ids =>
        Fen.SelectMany(f => (string?[])[f.Reference, f.MemberYearId])
            .OfType<string>()
            .Where(i => i.Length > 0)
            .Distinct();
}

/// <param name="Number">See <see cref="SamplePaper"/>; a later paper of the same number takes the place of an
/// earlier.</param>
public sealed record SamplePaperRecorded(
    int Number,
    Money ErrorFen,
    string Finding,
    string Seen,
    IReadOnlyList<string> Evidence,
    string RecordedBy
) : IEventOf<Sample>, IEvidenced;

/// <summary>The auditor signs: every line has its paper, and none changes any more.</summary>
/// <param name="Confidence">In a hundred: how often the error is no more than <paramref name="UpperFen"/>.</param>
public sealed record SampleConcluded(
    int Confidence,
    Money LikelyFen,
    Money UpperFen,
    string Conclusion,
    DateOnly ConcludedOn,
    string ConcludedBy
) : IEventOf<Sample>;

/// <summary>A sample (抽样) of an auditor: announced, drawn, examined line by line, concluded.</summary>
public sealed record Sample : Aggregate, IEvolve<Sample>
{
    /// <summary>More would not fit into an entry of the log, and stand there by its digest alone.</summary>
    public const int MaxSize = 200;

    public SamplePopulation? Population { get; init; }
    public string PopulationDigest { get; init; } = "";
    public Money PopulationFen { get; init; }
    public int Size { get; init; }
    public string WordsDigest { get; init; } = "";
    public long LogSize { get; init; }
    public DateOnly AnnouncedOn { get; init; }
    public string AnnouncedBy { get; init; } = "";
    public SampleDraw? Draw { get; init; }

    /// <summary>Empty until it is drawn.</summary>
    public IReadOnlyList<SampledLine> Drawn { get; init; } = [];

    /// <summary>As they stand, by their numbers.</summary>
    public IReadOnlyList<SamplePaper> Papers { get; init; } = [];
    public SampleConclusion? Conclusion { get; init; }

    /// <summary>What papers are about: a line that several fen fell on is one.</summary>
    [JsonIgnore]
    public IReadOnlyList<SampledLine> Lines => [.. Drawn.DistinctBy(d => (d.Account, d.Line))];

    /// <summary>The lines without a paper, by their numbers.</summary>
    [JsonIgnore]
    public IReadOnlyList<int> Missing => [.. Enumerable.Range(1, Lines.Count).Except(Papers.Select(p => p.Number))];

    /// <summary>What the papers so far say of the population.</summary>
    public ErrorBound Estimate(int confidence) =>
        ErrorEstimate.Of(
            PopulationFen,
            Size,
            [
                .. Papers
                    .Where(p => p.ErrorFen.IsPositive)
                    .Select(p => new FoundError(Lines[p.Number - 1].Line.Length, p.ErrorFen)),
            ],
            confidence
        );

    public static Sample Evolve(Sample? state, IEventOf<Sample> e) =>
        e switch
        {
            SampleAnnounced a => (state ?? new Sample()) with
            {
                Region = a.Region,
                Population = new(a.Region, a.Year, a.Kind, a.FundId),
                PopulationDigest = a.PopulationDigest,
                PopulationFen = a.PopulationFen,
                Size = a.Size,
                WordsDigest = a.WordsDigest,
                LogSize = a.LogSize,
                AnnouncedOn = a.AnnouncedOn,
                AnnouncedBy = a.AnnouncedBy,
            },
            SampleDrawn d => state! with { Draw = new(d.TreeSize, d.Root, d.Words, d.Seed, d.DrawnBy), Drawn = d.Fen },
            SamplePaperRecorded p => state! with
            {
                Papers =
                [
                    .. state
                        .Papers.Where(other => other.Number != p.Number)
                        .Append(new(p.Number, p.ErrorFen, p.Finding, p.Seen, p.Evidence, p.RecordedBy))
                        .OrderBy(other => other.Number),
                ],
            },
            SampleConcluded c => state! with
            {
                Conclusion = new(
                    c.Confidence,
                    new(c.LikelyFen, c.UpperFen),
                    c.Conclusion,
                    c.ConcludedOn,
                    c.ConcludedBy
                ),
            },
            _ => throw InvariantViolationException.Unknown(e),
        };
}
