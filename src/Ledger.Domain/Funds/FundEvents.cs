namespace Ledger.Domain.Funds;

/// <summary>Where money comes from: 集体收入 (C7); other organisations and charities (C8).</summary>
public enum SourceKind { CollectiveIncome, OtherOrganisation, Charity }

public sealed record FundOpened(string CollectiveId, string Name, string VillageCode) : IEventOf<Fund>;

/// <summary>Money came in: a lot. <paramref name="Fen"/> is its interval on the inflow axis of <paramref name="SubAccount"/>.</summary>
public sealed record FundsAllocated(string AllocationId, SourceKind Source, string SourceName, string SubAccount, Money AmountFen,
    FenInterval Fen, IReadOnlyList<string> Evidence) : IEventOf<Fund>, IMoneyEvent, IEvidenced;

/// <summary>An application was approved: <paramref name="Fen"/> is the interval on the outflow axis that its lines share out.</summary>
public sealed record FundsReserved(string ApplicationId, string SubAccount, Money AmountFen, int Lines, FenInterval Fen)
    : IEventOf<Fund>, IMoneyEvent;

/// <summary>
/// A reserved line came back: its outflow interval <paramref name="Origin"/> re-enters as <paramref name="Fen"/> on the inflow axis.
/// </summary>
public sealed record ReservationReleased(string ApplicationId, string SubAccount, Money AmountFen, FenInterval Origin, FenInterval Fen, string Reason)
    : IEventOf<Fund>, IMoneyEvent;

/// <summary>Sent to the agency, one event per batch: reserved → in transit.</summary>
public sealed record FundsPaid(string ApplicationId, Money AmountFen, int Lines, string BankReference, IReadOnlyList<string> Evidence)
    : IEventOf<Fund>, IMoneyEvent, IEvidenced;

/// <summary>The agency confirmed the credit to members' accounts, one event per batch: in transit → credited.</summary>
public sealed record FundsCredited(string ApplicationId, Money AmountFen, int Lines) : IEventOf<Fund>, IMoneyEvent;
