using Ledger.Domain;
using Ledger.Domain.Screening;

namespace Ledger.Projections.Screening;

/// <summary>Where a finding stands.</summary>
public enum FindingState
{
    Open,
    Answered,
    Explained,
    Closed,
}

/// <summary>A finding with what is on record of it.</summary>
/// <param name="Found">As the screens show it now; null: they do no more, and it stands here by its record.</param>
public sealed record ScreenedFinding(ScreenFinding? Found, ScreeningFinding? Record)
{
    public string Id => Found?.Id ?? Record!.Id;
    public ScreenKind Screen => Found?.Screen ?? Record!.Screen;
    public string Region => Found?.Region ?? Record!.Region;
    public int Year => Found?.Year ?? Record!.Year;
    public Money FoundFen => Found?.FoundFen ?? Record!.FoundFen;
    public int Count => Found?.Count ?? Record!.Count;
    public string Says => Found?.Says ?? Record!.Says;
    public IReadOnlyList<FoundLine> Lines => Found?.Lines ?? Record!.Lines;
    public IReadOnlyList<string> Concerned => Found?.Concerned ?? Record!.Concerned;
    public FindingState State => StateOf(Record);

    public static FindingState StateOf(ScreeningFinding? record) =>
        record is null ? FindingState.Open
        : record.Closure is not null ? FindingState.Closed
        : record.Explanations.Count > 0 ? FindingState.Explained
        : FindingState.Answered;
}

/// <summary>One screen over the year.</summary>
/// <param name="Count">How many findings; <paramref name="Open"/>, <paramref name="Answered"/> and
/// <paramref name="Closed"/> are these together.</param>
/// <param name="FoundFen">What they are about; one yuan may stand in several.</param>
/// <param name="Shown">The first of them, those that are open first.</param>
public sealed record ScreenRow(
    Screen Screen,
    int Count,
    Money FoundFen,
    int Open,
    int Answered,
    int Closed,
    IReadOnlyList<ScreenedFinding> Shown
);

/// <summary>
/// The tests of a year in a region. <paramref name="Unlinked"/>: accounts of which nobody knows whose they are, so that
/// they are compared with nobody. <paramref name="LeftOut"/>: events that cannot be read.
/// </summary>
public sealed record YearScreening(
    string Region,
    int Year,
    ScreenLimits Limits,
    IReadOnlyList<ScreenRow> Rows,
    FirstDigits Digits,
    int Lines,
    int Entries,
    int Unlinked,
    int LeftOut
)
{
    /// <summary>More of one screen are counted, not shown: of these the first are worked off.</summary>
    public const int MostShown = 200;

    public static IReadOnlyList<ScreenRow> RowsOf(
        ScreenedYear screened,
        IReadOnlyCollection<ScreeningFinding> records,
        ScreenLimits limits
    )
    {
        var byId = records.ToDictionary(r => r.Id);
        var found = screened.Findings.Select(f => new ScreenedFinding(f, byId.GetValueOrDefault(f.Id))).ToList();
        var shown = found.Select(f => f.Id).ToHashSet();
        var all = found
            .Concat(records.Where(r => !shown.Contains(r.Id)).Select(r => new ScreenedFinding(null, r)))
            .ToLookup(f => f.Screen);
        return
        [
            .. Screen
                .All(limits)
                .Select(s =>
                {
                    var of = all[s.Kind].ToList();
                    var (open, closed) = (
                        of.Count(f => f.State == FindingState.Open),
                        of.Count(f => f.State == FindingState.Closed)
                    );
                    return new ScreenRow(
                        s,
                        of.Count,
                        Money.Sum(of.Select(f => f.FoundFen)),
                        open,
                        of.Count - open - closed,
                        closed,
                        [
                            .. of.OrderBy(f => f.State == FindingState.Closed)
                                .ThenBy(f => f.State)
                                .ThenByDescending(f => f.FoundFen.Fen)
                                .ThenBy(f => f.Id, StringComparer.Ordinal)
                                .Take(MostShown),
                        ]
                    );
                }),
        ];
    }
}
