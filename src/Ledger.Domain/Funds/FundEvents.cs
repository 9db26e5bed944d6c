namespace Ledger.Domain.Funds;

/// <summary>
/// Where money comes from: 集体收入 (C7); gifts of other organisations, charities and individuals (C8); the county's
/// incentive (C19).
/// </summary>
public enum SourceKind
{
    CollectiveIncome,
    OtherOrganisation,
    Charity,
    Individual,
    CountyIncentive,
}

public sealed record FundOpened(string CollectiveId, string Name, string VillageCode) : IEventOf<Fund>;

public sealed record FundRenamed(string Name) : IEventOf<Fund>;

/// <summary>
/// Money came in: a lot. <paramref name="Fen"/> is its interval on the inflow axis of <paramref name="SubAccount"/>. A
/// gift names its donor; an earmarked one says for whom. <paramref name="CorrectsYear"/>: the closed year in which it
/// should have stood.
/// </summary>
public sealed record FundsAllocated(
    string AllocationId,
    SourceKind Source,
    string SourceName,
    string SubAccount,
    Money AmountFen,
    FenInterval Fen,
    IReadOnlyList<string> Evidence,
    string? DonorId = null,
    Earmark? Earmark = null,
    int? CorrectsYear = null
) : IFundMovement, IEvidenced, INamesIds
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            new(FundAccount.Source(Source), FundAccount.Available(SubAccount), AmountFen, AllocationId)
            {
                In = new(EntryKind.Allocated, new(SubAccount, Fen), AllocationId),
                Earmark = Earmark,
            },
        ];

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => Earmark?.MemberIds ?? [];
}

/// <summary>
/// An application was approved: <paramref name="Fen"/> is the interval on the outflow axis that its lines share out.
/// </summary>
public sealed record FundsReserved(string ApplicationId, string SubAccount, Money AmountFen, int Lines, FenInterval Fen)
    : IFundMovement
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            Movement.OfApplication(
                FundAccount.Available(SubAccount),
                FundAccount.Reserved,
                AmountFen,
                ApplicationId
            ) with
            {
                Out = new(EntryKind.Reserved, new(SubAccount, Fen), ApplicationId),
            },
        ];
}

/// <summary>
/// Reserved lines came back: their outflow interval <paramref name="Origin"/> re-enters as <paramref name="Fen"/> on
/// the inflow axis.
/// </summary>
public sealed record ReservationReleased(
    string ApplicationId,
    string SubAccount,
    Money AmountFen,
    FenInterval Origin,
    FenInterval Fen,
    string Reason
) : IFundMovement
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            Movement.OfApplication(
                FundAccount.Reserved,
                FundAccount.Available(SubAccount),
                AmountFen,
                ApplicationId
            ) with
            {
                In = new(EntryKind.Released, new(SubAccount, Fen), ApplicationId, new(SubAccount, Origin)),
            },
        ];
}

/// <summary>Sent to the agency, one event per batch: reserved → in transit.</summary>
public sealed record FundsPaid(
    string ApplicationId,
    Money AmountFen,
    int Lines,
    string BankReference,
    IReadOnlyList<string> Evidence
) : IFundMovement, IEvidenced
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            Movement.OfApplication(FundAccount.Reserved, FundAccount.InTransit, AmountFen, ApplicationId) with
            {
                BankReference = BankReference,
            },
        ];
}

/// <summary>The bank sent a payment back (银行退回): in transit → reserved.</summary>
public sealed record FundsReturned(
    string ApplicationId,
    Money AmountFen,
    int Lines,
    string BankReference,
    IReadOnlyList<string> Evidence
) : IFundMovement, IEvidenced
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            Movement.OfApplication(FundAccount.InTransit, FundAccount.Reserved, AmountFen, ApplicationId) with
            {
                BankReference = BankReference,
            },
        ];
}

/// <summary>The agency confirmed the credit to members' accounts, one event per batch: in transit → credited.</summary>
public sealed record FundsCredited(string ApplicationId, Money AmountFen, int Lines) : IFundMovement
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [Movement.OfApplication(FundAccount.InTransit, FundAccount.Credited, AmountFen, ApplicationId)];
}

/// <summary>
/// The agency sent a member's subsidy back: credited (or in transit) → available, to the sub-account it came from. The
/// line's outflow interval <paramref name="Origin"/> re-enters as <paramref name="Fen"/>.
/// </summary>
public sealed record FundsRefunded(
    string ApplicationId,
    string MemberId,
    string SubAccount,
    Money AmountFen,
    bool WasCredited,
    FenInterval Origin,
    FenInterval Fen,
    string BankReference,
    IReadOnlyList<string> Evidence
) : IFundMovement, IEvidenced
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            Movement.OfApplication(
                WasCredited ? FundAccount.Credited : FundAccount.InTransit,
                FundAccount.Available(SubAccount),
                AmountFen,
                ApplicationId
            ) with
            {
                In = new(EntryKind.Refunded, new(SubAccount, Fen), ApplicationId, new(SubAccount, Origin)),
                BankReference = BankReference,
            },
        ];
}

/// <summary>
/// Somebody says that an allocation was entered by mistake and names the person who is to confirm it.
/// </summary>
public sealed record ReversalRequested(
    string AllocationId,
    string RequestedBy,
    string ConfirmBy,
    string Reason,
    string? OnBehalfOf = null
) : IEventOf<Fund>;

/// <summary>
/// A mistaken allocation was taken out again, confirmed by the second person. <paramref name="Fen"/>, the lot's own
/// interval, leaves the sub-account. Older money before it on the axis is not touched in substance: its interval
/// <paramref name="CarriedOrigin"/> re-enters as <paramref name="CarriedFen"/> (both null when there was none).
/// </summary>
public sealed record AllocationReversed(
    string AllocationId,
    string SubAccount,
    Money AmountFen,
    FenInterval Fen,
    FenInterval? CarriedOrigin,
    FenInterval? CarriedFen,
    string ConfirmedBy
) : IFundMovement
{
    IReadOnlyList<Movement> IFundMovement.Movements
    {
        get
        {
            var account = FundAccount.Available(SubAccount);
            var reversed = new Movement(account, FundAccount.Returned, AmountFen, AllocationId)
            {
                Out = new(EntryKind.Returned, new(SubAccount, Fen), AllocationId),
                Undoes = AllocationId,
            };
            if (CarriedOrigin is not { } origin)
                return [reversed];
            var carried = new Movement(account, account, origin.Length, AllocationId)
            {
                Out = new(EntryKind.Moved, new(SubAccount, origin), SubAccount),
                In = new(EntryKind.Carried, new(SubAccount, CarriedFen!.Value), AllocationId, new(SubAccount, origin)),
            };
            return [carried, reversed];
        }
    }
}

/// <summary>
/// The donor agreed that what is left of an earmarked gift may serve all: it moves to the general sub-account.
/// </summary>
public sealed record EarmarkLifted(
    string SubAccount,
    Money AmountFen,
    FenInterval Origin,
    FenInterval Fen,
    IReadOnlyList<string> Evidence
) : IFundMovement, IEvidenced
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            new(
                FundAccount.Available(SubAccount),
                FundAccount.Available(Funds.SubAccount.General),
                AmountFen,
                SubAccount
            )
            {
                Out = new(EntryKind.Moved, new(SubAccount, Origin), Funds.SubAccount.General),
                In = new(EntryKind.Freed, new(Funds.SubAccount.General, Fen), SubAccount, new(SubAccount, Origin)),
            },
        ];
}

/// <summary>By resolution, everything that is available in a sub-account went back to its sources (C9).</summary>
public sealed record SurplusReturned(
    string SubAccount,
    Money AmountFen,
    FenInterval Fen,
    string Reason,
    IReadOnlyList<string> Evidence
) : IFundMovement, IEvidenced
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            new(FundAccount.Available(SubAccount), FundAccount.Returned, AmountFen, SubAccount)
            {
                Out = new(EntryKind.Returned, new(SubAccount, Fen), ""),
            },
        ];
}

/// <summary>
/// Money left for the fund of a successor collective (merger, split): <paramref name="Fen"/> on this outflow axis.
/// </summary>
public sealed record FundsTransferred(string ToFundId, string SubAccount, Money AmountFen, FenInterval Fen)
    : IFundMovement
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            new(FundAccount.Available(SubAccount), FundAccount.Transfer(ToFundId), AmountFen, ToFundId)
            {
                Out = new(EntryKind.Transferred, new(SubAccount, Fen), ToFundId),
            },
        ];
}

/// <summary>
/// Money came from the fund of a predecessor: <paramref name="Origin"/> on that fund's outflow axis enters as
/// <paramref name="Fen"/> here.
/// </summary>
public sealed record TransferReceived(
    string FromFundId,
    string SubAccount,
    Money AmountFen,
    FenInterval Origin,
    FenInterval Fen,
    Earmark? Earmark
) : IFundMovement
{
    IReadOnlyList<Movement> IFundMovement.Movements =>
        [
            new(FundAccount.Transfer(FromFundId), FundAccount.Available(SubAccount), AmountFen, FromFundId)
            {
                In = new(EntryKind.Received, new(SubAccount, Fen), FromFundId, new(SubAccount, Origin, FromFundId)),
                Earmark = Earmark,
            },
        ];
}

/// <summary>
/// A business year was closed (年度结账, C24): it takes no entry any more. The trial balance at its end is sealed by
/// <paramref name="TrialBalanceDigest"/>, SHA-256 over its lines. <paramref name="Explanation"/> and
/// <paramref name="Papers"/>: why an account
/// held less than nothing on a day of it, which an older build let happen.
/// </summary>
public sealed record YearClosed(
    int Year,
    IReadOnlyList<AccountBalance> TrialBalance,
    string TrialBalanceDigest,
    string? Explanation = null,
    IReadOnlyList<string>? Papers = null
) : IEventOf<Fund>, IEvidenced
{
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Evidence => Papers ?? [];
}

public sealed record FundClosed(string Reason, IReadOnlyList<string> Evidence) : IEventOf<Fund>, IEvidenced;
