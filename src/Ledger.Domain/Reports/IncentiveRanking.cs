using Ledger.Domain.Policies;

namespace Ledger.Domain.Reports;

/// <summary>
/// What is known of one collective in one year (C18). Settled days: from filing to settlement, averaged; null when
/// nothing was settled.
/// </summary>
public sealed record IncentiveFacts(
    string CollectiveId,
    string Name,
    int Eligible,
    int Subsidised,
    Money CreditedFen,
    Money CreditedLastYearFen,
    int? SettledDays,
    int Objections,
    int ObjectionsUpheld
);

/// <summary>
/// A place in the ranking. Points are hundredths of a point, so that no rounding decides a place silently.
/// <paramref name="Tie"/> says in words with whom and why a place is shared; null when it is not.
/// </summary>
public sealed record IncentivePlace(
    int Rank,
    IncentiveFacts Facts,
    int CoverageBasisPoints,
    int? GrowthBasisPoints,
    int CoveragePoints,
    int AmountPoints,
    int GrowthPoints,
    int TimelinessPoints,
    int DisputePoints,
    string? Tie
)
{
    public int Points => CoveragePoints + AmountPoints + GrowthPoints + TimelinessPoints - DisputePoints;
}

/// <summary>
/// Commendation of active collectives (表扬激励, C18): coverage = subsidised ÷ eligible; amount = credited per eligible
/// person against the best; growth against last year, doubling and more counts full; timeliness, 0 to 90 days; upheld
/// objections per line taken off.
/// </summary>
public static class IncentiveRanking
{
    private const int Hundred = 100,
        SlowestDays = 90;

    public static IReadOnlyList<IncentivePlace> Rank(
        IReadOnlyList<IncentiveFacts> collectives,
        IncentiveWeights weights
    )
    {
        var best = collectives.Select(PerEligible).DefaultIfEmpty(0).Max();
        var places = collectives
            .Select(f => Place(f, weights, best))
            .OrderByDescending(p => p.Points)
            .ThenBy(p => p.Facts.CollectiveId, StringComparer.Ordinal)
            .ToList();
        return
        [
            .. places.Select(p =>
            {
                var same = places.Where(o => o.Points == p.Points && o != p).ToList();
                return p with
                {
                    Rank = places.Count(o => o.Points > p.Points) + 1,
                    Tie =
                        same.Count == 0
                            ? null
                            : $"与{string.Join("、", same.Select(o => o.Facts.Name))}得分相同（{p.Points / Hundred}."
                                + $"{p.Points % Hundred:00}分），名次并列",
                };
            }),
        ];
    }

    private static IncentivePlace Place(IncentiveFacts f, IncentiveWeights w, long best)
    {
        var coverage = f.Eligible == 0 ? 0 : (int)(Math.Min(f.Subsidised, f.Eligible) * 10_000L / f.Eligible);
        int? growth = f.CreditedLastYearFen.IsPositive
            ? (int)
                Math.Clamp(
                    (f.CreditedFen.Fen - f.CreditedLastYearFen.Fen) * 10_000m / f.CreditedLastYearFen.Fen,
                    -10_000,
                    1_000_000
                )
            : null;
        return new IncentivePlace(
            0,
            f,
            coverage,
            growth,
            w.Coverage * coverage / Hundred,
            best == 0 ? 0 : (int)(w.Amount * (long)Hundred * PerEligible(f) / best),
            w.Growth * Math.Clamp(growth ?? 0, 0, 10_000) / Hundred,
            f.SettledDays is { } days
                ? w.Timeliness * Hundred * (SlowestDays - Math.Min(days, SlowestDays)) / SlowestDays
                : 0,
            f.Objections == 0 ? 0 : w.Disputes * Hundred * f.ObjectionsUpheld / f.Objections,
            null
        );
    }

    private static long PerEligible(IncentiveFacts f) => f.Eligible == 0 ? 0 : f.CreditedFen.Fen / f.Eligible;
}
