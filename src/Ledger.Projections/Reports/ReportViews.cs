using Ledger.Domain;
using Ledger.Domain.Policies;

namespace Ledger.Projections.Reports;

/// <summary>
/// A place in the ranking. Coverage and growth in percent with two decimals; points with two decimals.
/// <paramref name="Tie"/>: why a place is shared.
/// </summary>
public sealed record IncentivePlaceView(
    int Rank,
    string CollectiveId,
    string Name,
    int Eligible,
    int Subsidised,
    decimal CoveragePercent,
    Money CreditedAmount,
    decimal? GrowthPercent,
    int? SettledDays,
    int Objections,
    int ObjectionsUpheld,
    decimal Points,
    decimal CoveragePoints,
    decimal AmountPoints,
    decimal GrowthPoints,
    decimal TimelinessPoints,
    decimal DisputePoints,
    [property: Said] string? Tie
);

public sealed record IncentiveReportView(
    string Region,
    int Year,
    IncentiveWeights Weights,
    IReadOnlyList<IncentivePlaceView> Places
);

/// <summary>
/// Something that is overdue or calls for action; <paramref name="DueDays"/> is the deadline,
/// <paramref name="AgeDays"/> how long it has been waiting. <paramref name="Escalated"/>: the miss stands in the audit
/// trail as <c>deadline_missed</c>.
/// </summary>
public sealed record SupervisionItem(
    string Kind,
    string Id,
    string VillageCode,
    Money? Amount,
    int AgeDays,
    int DueDays,
    [property: Said] string Text,
    bool Escalated
);

public sealed record SupervisionView(
    string Region,
    DateOnly Today,
    Deadlines Deadlines,
    IReadOnlyDictionary<string, int> CountByKind,
    IReadOnlyList<SupervisionItem> Items
);
