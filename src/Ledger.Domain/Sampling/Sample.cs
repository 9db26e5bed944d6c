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
public sealed record SampledLine(string Account, long Fen, string Reference, string? MemberYearId = null);

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

/// <summary>A sample (抽样) of an auditor: announced, then drawn.</summary>
public sealed record Sample : Aggregate, IEvolve<Sample>
{
    /// <summary>More would not fit into an entry of the log, and stand there by its digest alone.</summary>
    public const int MaxSize = 250;

    public SamplePopulation? Population { get; init; }
    public string PopulationDigest { get; init; } = "";
    public Money PopulationFen { get; init; }
    public int Size { get; init; }
    public string WordsDigest { get; init; } = "";
    public long LogSize { get; init; }

    /// <summary>Empty until it is drawn.</summary>
    public IReadOnlyList<SampledLine> Drawn { get; init; } = [];

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
            },
            SampleDrawn d => state! with { Drawn = d.Fen },
            _ => throw InvariantViolationException.Unknown(e),
        };
}
