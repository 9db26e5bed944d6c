using Ledger.Domain;
using Ledger.Domain.Donors;
using Ledger.Domain.Funds;

namespace Ledger.Projections.Provenance;

/// <summary>An individual's name is masked.</summary>
public sealed record DonorView(string Id, int Version, DonorKind Kind, string Name, string? CreditCode);

/// <summary>
/// Where part of a gift went. <paramref name="MemberId"/> is a pseudonym; <paramref name="Status"/> as in the
/// application's line.
/// </summary>
public sealed record GiftUseView(string ApplicationId, string MemberId, Money Amount, string Status);

/// <summary>
/// One gift: what of it went where, what is still there, what went back. The parts sum to the gift.
/// <paramref name="Sequence"/>: of the event that recorded it.
/// </summary>
public sealed record GiftView(
    string FundId,
    string FundName,
    string AllocationId,
    DateTimeOffset RecordedAt,
    Money Amount,
    Earmark? Earmark,
    IReadOnlyList<GiftUseView> Uses,
    Money AvailableAmount,
    Money ReturnedAmount,
    long Sequence
);

/// <summary>The donor's receipt (捐赠去向回执, C23): where each yuan went.</summary>
public sealed record DonorReceiptView(
    DonorView Donor,
    Money TotalAmount,
    Money UsedAmount,
    Money AvailableAmount,
    Money ReturnedAmount,
    IReadOnlyList<GiftView> Gifts
);
