using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;

namespace Ledger.Projections.Provenance;

/// <summary>
/// Part of a line's money and the allocation it came from; <paramref name="Evidence"/>: digests of its slips.
/// </summary>
public sealed record SourceView(
    Money Amount,
    string AllocationId,
    string FundId,
    SourceKind Source,
    string SourceName,
    string? DonorId,
    Money AllocationAmount,
    DateOnly EffectiveDate,
    DateTimeOffset RecordedAt,
    string Actor,
    IReadOnlyList<string> Evidence,
    long EventSequence
);

/// <summary>
/// Upward: from one member's line to the allocations, and on whose decisions it rests. The sources sum to
/// <paramref name="Amount"/>. <paramref name="ClearedOn"/>: the agency paid it to the person (L2).
/// <paramref name="InWords"/> says it in a sentence.
/// </summary>
public sealed record LineTraceView(
    string ApplicationId,
    string MemberId,
    string Name,
    Money Amount,
    LineStatus Status,
    string SubAccount,
    FenInterval? Fen,
    IReadOnlyList<SourceView> Sources,
    string PlanId,
    int PlanVersion,
    Resolution? Resolution,
    IReadOnlyList<string> Filers,
    IReadOnlyList<string> Reviewers,
    string? Approver,
    string SealDigest,
    string? BankReference,
    DateOnly? ClearedOn,
    IReadOnlyList<Complaint> Complaints,
    [property: Said] string InWords
);

public sealed record UseView(string ApplicationId, string MemberId, Money Amount, SubsidyStatus Status);

/// <summary>
/// Downward: where an allocation's money is now. Uses, available and returned sum to its amount. Of the uses at most
/// <c>limit</c> from <c>after</c> on are shown; the sums are whole.
/// </summary>
public sealed record AllocationTraceView(
    string FundId,
    string FundName,
    string AllocationId,
    SourceKind Source,
    string SourceName,
    string? DonorId,
    Money Amount,
    Money UsedAmount,
    Money AvailableAmount,
    Money ReturnedAmount,
    int UseCount,
    IReadOnlyList<UseView> Uses,
    int? Next
);

/// <summary>
/// One step of a path: <paramref name="Fen"/> on the inflow axis of fund and sub-account, how it came in there
/// (allocated, released, refunded, carried, freed, received) and by which event.
/// </summary>
public sealed record StepView(
    string FundId,
    string SubAccount,
    EntryKind Kind,
    FenInterval Fen,
    Money Amount,
    string Reference,
    long EventSequence,
    string Type,
    DateOnly EffectiveDate,
    DateTimeOffset RecordedAt,
    string Actor
);

/// <summary>
/// A way that <paramref name="Amount"/> took from the allocation (first step) to the member's line (last).
/// </summary>
public sealed record PathView(Money Amount, IReadOnlyList<StepView> Steps);

/// <summary>
/// Every way between two points. The paths sum to <paramref name="Amount"/>, which is zero where none of the one's
/// money is in the other.
/// </summary>
public sealed record PathsView(
    string ApplicationId,
    string MemberId,
    string FundId,
    string AllocationId,
    Money Amount,
    IReadOnlyList<PathView> Paths
);
