using Ledger.Domain.Members;

namespace Ledger.Web.Members;

/// <summary>A person whom another collective has registered too, masked.</summary>
public sealed record MembershipToConfirm(
    string MemberId,
    string RequestId,
    string Collective,
    string Name,
    string CitizenId,
    bool NameMatches
);

/// <summary>A death that one person reported, masked.</summary>
public sealed record DeathToConfirm(
    string MemberId,
    string CollectiveId,
    string Name,
    string CitizenId,
    DateOnly On,
    string ReportedBy,
    IReadOnlyList<string> Evidence
);

/// <summary>A correction or a revocation that one person asked for, masked.</summary>
public sealed record ChangeToConfirm(
    string MemberId,
    string ChangeId,
    MemberChange Change,
    string Name,
    string CitizenId,
    string? AskedName,
    string Reason,
    string RequestedBy,
    IReadOnlyList<string> Evidence
);
