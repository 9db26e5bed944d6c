using Ledger.Domain.Sampling;

namespace Ledger.Web.Sampling;

/// <summary>A drawn line with what it was spent for, as the auditor follows it.</summary>
/// <param name="Times">How many of the drawn fen fell on it.</param>
/// <param name="Name">Of the member, masked; null where it went to no member.</param>
/// <param name="Fund">What the fund is called: whose money it was.</param>
public sealed record SampleRow(int Number, SampledLine Line, int Times, string Fund, string? Name, SamplePaper? Paper)
{
    public string FundId => FundOf(Line);
    public string SubAccount => Line.Account[(FundId.Length + 1)..];

    /// <summary>The way of this line's money, for lines of a member.</summary>
    public string? Trace =>
        Line.MemberYearId is { } id
            ? $"/trace/applications/{Line.Reference}/members/{Domain.Identity.StreamId.MemberOf(id)}"
            : null;

    public string? Person =>
        Line.MemberYearId is { } id ? $"/members/{Domain.Identity.StreamId.MemberOf(id)}/years/{id[^4..]}" : null;

    /// <summary>All lines of a sample that is drawn.</summary>
    /// <param name="names">What members and funds are called.</param>
    public static IReadOnlyList<SampleRow> Of(Sample sample, IReadOnlyDictionary<string, string> names)
    {
        var papers = sample.Papers.ToDictionary(p => p.Number);
        return
        [
            .. sample.Lines.Select(
                (l, i) =>
                    new SampleRow(
                        i + 1,
                        l,
                        sample.Drawn.Count(d => (d.Account, d.Line) == (l.Account, l.Line)),
                        names.GetValueOrDefault(FundOf(l), FundOf(l)),
                        l.MemberYearId is { } id
                            ? names.GetValueOrDefault(Domain.Identity.StreamId.MemberOf(id), "—")
                            : null,
                        papers.GetValueOrDefault(i + 1)
                    )
            ),
        ];
    }

    /// <summary>Whose axis it lies on.</summary>
    public static string FundOf(SampledLine line) =>
        line.Account[..line.Account.IndexOf('/', StringComparison.Ordinal)];

    /// <summary>
    /// In a hundred of the population: what may be in error at 95% confidence where nothing wrong was seen. The bound
    /// of <see cref="ErrorEstimate"/> without an error: its factor over the number of fen.
    /// </summary>
    public static decimal LeastShown(int size) => Math.Min(100m, (decimal)ErrorEstimate.Factor(0, 95) / size);

    /// <summary>Even a sample without an error leaves more than a tenth open.</summary>
    public static bool IsTooSmall(int size) => LeastShown(size) > 10m;

    public static SampleState State(Sample sample) =>
        sample.Conclusion is not null ? SampleState.Concluded
        : sample.Drawn.Count == 0 ? SampleState.Announced
        : sample.Missing.Count > 0 ? SampleState.Drawn
        : SampleState.Papered;
}

/// <summary>Where a sample stands: what is to be done next, or that it is signed.</summary>
public enum SampleState
{
    Announced,
    Drawn,
    Papered,
    Concluded,
}
