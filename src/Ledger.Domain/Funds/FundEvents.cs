namespace Ledger.Domain.Funds;

/// <summary>
/// Where money comes from: 集体收入 (C7); gifts of other organisations, charities and individuals (C8); the county's
/// incentive (C19); the interest of the fund's own bank account (L17).
/// </summary>
public enum SourceKind
{
    CollectiveIncome,
    OtherOrganisation,
    Charity,
    Individual,
    CountyIncentive,
    BankInterest,
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
    string IFundMovement.Abstract => $"{SourceName}{(Source == SourceKind.BankInterest ? "" : "划入集体补助专户")}";

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
/// The bank took a fee out of the fund's account (L17). That is no use of the money: what members can get stays what it
/// was, and the village owes as much from its general account.
/// </summary>
public sealed record BankFeeCharged(
    string FeeId,
    Money AmountFen,
    DateOnly TakenOn,
    string BankReference,
    IReadOnlyList<string> Evidence
) : IFundMovement, IEvidenced
{
    string IFundMovement.Abstract => $"银行扣手续费，流水 {BankReference}";

    IReadOnlyList<Movement> IFundMovement.Movements =>
        [new(FundAccount.BankFees, FundAccount.Owed, AmountFen, FeeId) { BankReference = BankReference }];
}

/// <summary>The village made a fee good, out of its general account (L17).</summary>
public sealed record BankFeeReimbursed(
    string FeeId,
    Money AmountFen,
    string BankReference,
    IReadOnlyList<string> Evidence
) : IFundMovement, IEvidenced
{
    string IFundMovement.Abstract => $"村级基本户补足手续费，流水 {BankReference}";

    IReadOnlyList<Movement> IFundMovement.Movements =>
        [new(FundAccount.Owed, FundAccount.BankFees, AmountFen, FeeId) { BankReference = BankReference }];
}

/// <summary>
/// An application was approved: <paramref name="Fen"/> is the interval on the outflow axis that its lines share out.
/// </summary>
public sealed record FundsReserved(string ApplicationId, string SubAccount, Money AmountFen, int Lines, FenInterval Fen)
    : IFundMovement
{
    string IFundMovement.Abstract => $"审批居民养老保险集体补助 {Lines} 人";

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
    string IFundMovement.Abstract => $"退还占用：{Reason}";

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
    string IFundMovement.Abstract => $"付居民养老保险集体补助 {Lines} 人，流水 {BankReference}";

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
    string IFundMovement.Abstract => $"银行退回集体补助 {Lines} 人，流水 {BankReference}";

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
    string IFundMovement.Abstract => $"集体补助记入个人账户 {Lines} 人";

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
    string IFundMovement.Abstract => $"经办机构退回集体补助 1 人，流水 {BankReference}";

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
    string IFundMovement.Abstract => "冲正错记的划入";

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
/// Somebody asks that what is left of an earmarked gift may serve all, and names who is to confirm it.
/// <paramref name="Fen"/>: all that was available then; once that is different, it is asked for anew.
/// </summary>
public sealed record EarmarkLiftRequested(
    string SubAccount,
    FenInterval Fen,
    DateOnly RequestedOn,
    string RequestedBy,
    string ConfirmBy,
    IReadOnlyList<string> Evidence,
    string? OnBehalfOf = null
) : IEventOf<Fund>, IEvidenced;

/// <summary>
/// The donor agreed that what is left of an earmarked gift may serve all: it moves to the general sub-account.
/// <paramref name="ConfirmedBy"/>: the second person; null in events from when one was enough.
/// </summary>
public sealed record EarmarkLifted(
    string SubAccount,
    Money AmountFen,
    FenInterval Origin,
    FenInterval Fen,
    IReadOnlyList<string> Evidence,
    string? ConfirmedBy = null
) : IFundMovement, IEvidenced
{
    string IFundMovement.Abstract => "捐赠人同意解除指定用途";

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

/// <summary>
/// Somebody asks that everything available in a sub-account goes back to its sources, and names who is to confirm it.
/// <paramref name="Fen"/>: as in <see cref="EarmarkLiftRequested"/>.
/// </summary>
public sealed record SurplusReturnRequested(
    string SubAccount,
    FenInterval Fen,
    DateOnly RequestedOn,
    string RequestedBy,
    string ConfirmBy,
    string Reason,
    IReadOnlyList<string> Evidence,
    string? OnBehalfOf = null
) : IEventOf<Fund>, IEvidenced;

/// <summary>
/// By resolution, everything that is available in a sub-account went back to its sources (C9).
/// <paramref name="ConfirmedBy"/>: the second person; null in events from when one was enough.
/// </summary>
public sealed record SurplusReturned(
    string SubAccount,
    Money AmountFen,
    FenInterval Fen,
    string Reason,
    IReadOnlyList<string> Evidence,
    string? ConfirmedBy = null
) : IFundMovement, IEvidenced
{
    string IFundMovement.Abstract => $"余款退回来源：{Reason}";

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
    string IFundMovement.Abstract => "随集体合并、分立转出";

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
    string IFundMovement.Abstract => "由原集体的资金转入";

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
