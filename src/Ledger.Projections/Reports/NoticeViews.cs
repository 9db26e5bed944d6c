using Ledger.Domain;

namespace Ledger.Projections.Reports;

/// <summary>
/// A notice as anybody finds it (C16): the village, the span of days, how many people and how much. Names stand in the
/// notice itself, as long as that is public.
/// </summary>
public sealed record NoticeListView(
    string ApplicationId,
    string Region,
    string CollectiveName,
    int Year,
    DateOnly From,
    DateOnly Until,
    int LineCount,
    Money Amount,
    bool IsOpen,
    bool IsPublic
);
