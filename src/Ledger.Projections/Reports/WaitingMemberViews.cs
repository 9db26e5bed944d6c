using Ledger.Domain.Members;

namespace Ledger.Projections.Reports;

/// <summary>
/// A collective that has a known person on its list, too. <paramref name="Name"/> as registered here, masked;
/// <paramref name="NameMatches"/>: whether the other collective wrote the same.
/// </summary>
public sealed record MembershipRequestView(
    string MemberId,
    string RequestId,
    string CollectiveId,
    string CollectiveName,
    string VillageCode,
    string Name,
    string CitizenId,
    bool NameMatches,
    string RequestedBy
);

/// <summary>A death that a village reported.</summary>
public sealed record DeathReportView(
    string MemberId,
    string CollectiveId,
    string Name,
    string CitizenId,
    DateOnly On,
    string ReportedBy,
    IReadOnlyList<string> Evidence
);

/// <summary>
/// What one person asked for and another must confirm. <paramref name="AskedName"/>: of another name, masked; whoever
/// confirms it writes it himself.
/// </summary>
public sealed record MemberChangeView(
    string MemberId,
    string ChangeId,
    MemberChange Change,
    string? CollectiveId,
    string Name,
    string CitizenId,
    string? AskedName,
    string Reason,
    string RequestedBy,
    IReadOnlyList<string> Evidence
);

public sealed record WaitingMembersView(
    IReadOnlyList<MembershipRequestView> Requests,
    IReadOnlyList<DeathReportView> DeathReports,
    IReadOnlyList<MemberChangeView> Changes
);
