namespace Ledger.Domain.Applications;

// OnBehalfOf, in what follows: the account whose role was delegated to the one who did it. A duty done so is the duty
// of both.

/// <summary>
/// An application was handed in (C14): plan version, seal, roster. Its lines follow in <see cref="LinesListed"/> events
/// of at most <see cref="LinesListed.MaxLines"/>, so that no event outgrows the 64 KiB of a log entry
/// (docs/security.md).
/// </summary>
public sealed record ApplicationFiled(
    string PlanId,
    int PlanVersion,
    string CollectiveId,
    string FundId,
    string VillageCode,
    int Year,
    string SubAccount,
    string FiledBy,
    string SealDigest,
    string RosterDigest,
    int Lines,
    Money AmountFen,
    string? OnBehalfOf = null
) : IEventOf<Application>, IMoneyEvent, IEvidenced
{
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Evidence => [SealDigest, RosterDigest];
}

/// <summary>
/// A line of the roster. <paramref name="Row"/> is the row of the uploaded sheet, 1 being the heading.
/// </summary>
public sealed record RosterLine(int Row, string MemberId, Money TierFen, Money AmountFen);

public sealed record LinesListed(IReadOnlyList<RosterLine> Lines) : IEventOf<Application>, INamesIds
{
    public const int MaxLines = 250;

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => Lines.Select(l => l.MemberId);
}

/// <summary>
/// <paramref name="Finding"/>: what the agency's list had found of the person then (L19), which the reason answers for.
/// </summary>
public sealed record LineVerdict(
    string MemberId,
    bool Accepted,
    string? Reason,
    Members.InsuranceFinding? Finding = null
)
{
    /// <summary>Whether it is what the line says already.</summary>
    public bool IsOf(Line line) =>
        line.Status == (Accepted ? LineStatus.Accepted : LineStatus.Refused)
        && line.Reason == Reason
        && line.AnsweredFinding == Finding;
}

/// <summary>
/// A reviewer's decisions on lines (C15). <paramref name="RestAccepted"/>: every line not yet decided is accepted.
/// <paramref name="Complete"/>: with this event every line is decided.
/// </summary>
public sealed record ApplicationReviewed(
    string ReviewedBy,
    IReadOnlyList<LineVerdict> Verdicts,
    bool RestAccepted,
    bool Complete,
    string? OnBehalfOf = null
) : IEventOf<Application>, INamesIds
{
    public const int MaxVerdicts = 100,
        MaxReasonLength = 100;

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => Verdicts.Select(v => v.MemberId);
}

public sealed record ApplicationReturned(string ReturnedBy, string Reason) : IEventOf<Application>;

public sealed record ApplicationResubmitted(
    int PlanVersion,
    string FiledBy,
    string SealDigest,
    string RosterDigest,
    int Lines,
    Money AmountFen,
    string? OnBehalfOf = null
) : IEventOf<Application>, IMoneyEvent, IEvidenced
{
    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Evidence => [SealDigest, RosterDigest];
}

/// <summary>Approved lines share <paramref name="Fen"/> out among themselves in the order of their rows.</summary>
public sealed record ApplicationApproved(
    string ApprovedBy,
    int Lines,
    Money AmountFen,
    FenInterval Fen,
    string? OnBehalfOf = null
) : IEventOf<Application>, IMoneyEvent;

public sealed record ApplicationRejected(string RejectedBy, string Reason) : IEventOf<Application>;

/// <summary>
/// Public notice (公示, C16). <paramref name="Until"/> is its last day; payment is possible from the day after.
/// </summary>
public sealed record NoticePublished(DateOnly From, DateOnly Until, string Place) : IEventOf<Application>;

/// <summary>Photos of the notice on its board (L6).</summary>
public sealed record NoticeProofRecorded(IReadOnlyList<string> Evidence) : IEventOf<Application>, IEvidenced;

public sealed record ObjectionRaised(string ObjectionId, string? MemberId, string Text) : IEventOf<Application>;

/// <summary>
/// An objection was answered. Upheld against a member, it takes the member's line out and its money back to the fund:
/// against
/// <paramref name="MemberId"/>, or whom the objection named; against everybody when <paramref name="WholeList"/>.
/// <paramref name="CorrectedFen"/>: what the amount should have been, to be applied for anew.
/// <paramref name="IsEmpty"/>: closed by the
/// township because it says nothing that could be looked into.
/// </summary>
public sealed record ObjectionResolved(
    string ObjectionId,
    bool Upheld,
    string Answer,
    string ResolvedBy,
    string? MemberId = null,
    bool WholeList = false,
    Money? CorrectedFen = null,
    bool IsEmpty = false
) : IEventOf<Application>;

/// <summary>
/// A member complained (投诉, L18): of the application, or of one person's line. What he wrote, names masked.
/// <paramref name="SecretDigest"/>: of what only he was told, where he complained without signing in; null in events
/// from when the complaint's number was enough.
/// </summary>
public sealed record ComplaintRaised(string ComplaintId, string? MemberId, string Text, string? SecretDigest = null)
    : IEventOf<Application>;

/// <summary>How what an upheld complaint found is set right; the complaint itself moves no money.</summary>
public enum ComplaintRemedy
{
    Refund,
    Reversal,
    NewApplication,
}

/// <summary>The township answered, or the county where the complaint had gone there.</summary>
public sealed record ComplaintAnswered(
    string ComplaintId,
    bool Upheld,
    string Answer,
    ComplaintRemedy? Remedy,
    string AnsweredBy,
    string? OnBehalfOf = null
) : IEventOf<Application>;

/// <summary>
/// A complaint went to the county: whoever complained is not content, or (no <paramref name="Reason"/>) nobody answered
/// in time.
/// </summary>
public sealed record ComplaintEscalated(string ComplaintId, string? Reason = null) : IEventOf<Application>;

/// <summary>
/// The transfer to the agency. <paramref name="MemberIds"/> null: every approved line; else just these, at most
/// <see cref="MaxMembers"/>
/// in one event, a larger part of the list in several with one bank reference.
/// </summary>
public sealed record PaymentSent(
    string PaidBy,
    int Lines,
    Money AmountFen,
    string BankReference,
    IReadOnlyList<string> Evidence,
    IReadOnlyList<string>? MemberIds = null,
    string? OnBehalfOf = null
) : IEventOf<Application>, IMoneyEvent, IEvidenced, INamesIds
{
    public const int MaxMembers = 250;

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => MemberIds ?? [];
}

/// <summary>
/// The village's supervision committee (村务监督委员会) has looked at what is to be paid, every line that waits for it, and
/// agrees (L7).
/// </summary>
public sealed record PaymentSigned(string SignedBy, int Lines, Money AmountFen, string? OnBehalfOf = null)
    : IEventOf<Application>,
        IMoneyEvent;

/// <summary>
/// The committee puts what is not paid yet on hold; nothing of it is paid before the township lifts it (L7).
/// </summary>
public sealed record PaymentHeld(string HeldBy, DateOnly On, string Reason, string? OnBehalfOf = null)
    : IEventOf<Application>;

public sealed record PaymentHoldLifted(string LiftedBy, string Reason, string? OnBehalfOf = null)
    : IEventOf<Application>;

/// <summary>
/// Somebody fetched the list of a payment, with names and citizen ids in clear (C20): who and how much of it.
/// </summary>
public sealed record PaymentListDisclosed(string DisclosedTo, int Lines, Money AmountFen)
    : IEventOf<Application>,
        IMoneyEvent;

/// <summary>
/// The village took lines back. Before approval they leave the list; afterwards, and before payment, their money goes
/// back to the fund and their cap to the member-year.
/// </summary>
public sealed record LinesWithdrawn(string WithdrawnBy, IReadOnlyList<string> MemberIds, Money AmountFen, string Reason)
    : IEventOf<Application>,
        IMoneyEvent,
        INamesIds
{
    public const int MaxMembers = 250;

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => MemberIds;
}

/// <summary>
/// Who may get nothing any more: <paramref name="Code"/> is the refusal's, <paramref name="Reason"/> its words.
/// </summary>
public sealed record LeftOutLine(string MemberId, string Code, string Reason);

/// <summary>
/// Looked at again at approval or payment, these people may get nothing any more (death, departure, catch-up, own
/// payment reversed, subsidised elsewhere). Before approval the lines are refused; afterwards their money goes back to
/// the fund and their cap to the member-year.
/// </summary>
public sealed record LinesLeftOut(string LeftOutBy, IReadOnlyList<LeftOutLine> Lines, Money AmountFen)
    : IEventOf<Application>,
        IMoneyEvent,
        INamesIds
{
    public const int MaxLines = 250;

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => Lines.Select(l => l.MemberId);
}

/// <summary>Nothing of the application is left to pay: it ends here, with no money in it.</summary>
public sealed record ApplicationWithdrawn(string WithdrawnBy, string Reason) : IEventOf<Application>;

/// <summary>The bank sent payments back (银行退回): these lines are approved and unpaid again.</summary>
public sealed record PaymentReturned(
    string RecordedBy,
    IReadOnlyList<string> MemberIds,
    Money AmountFen,
    string BankReference,
    string Reason,
    IReadOnlyList<string> Evidence
) : IEventOf<Application>, IMoneyEvent, IEvidenced, INamesIds
{
    public const int MaxMembers = 250;

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => MemberIds;
}

/// <summary>Why the agency sent a subsidy back.</summary>
public enum RefundReason
{
    Death,
    CatchUpFound,
    DoubleSubsidy,
    LeftCollective,
    VoluntaryRefusal,
}

/// <summary>The agency sent one member's subsidy back to the fund (退回), before or after it was credited.</summary>
public sealed record LineRefunded(
    string RefundedBy,
    string MemberId,
    Money AmountFen,
    RefundReason Reason,
    bool WasCredited,
    string BankReference,
    IReadOnlyList<string> Evidence
) : IEventOf<Application>, IMoneyEvent, IEvidenced;

/// <summary>
/// A row of the agency's receipt file that fits no paid line: stays visible until somebody explains it.
/// </summary>
public sealed record UnmatchedReceipt(int Row, Money? AmountFen, string Reason);

/// <summary>
/// The agency's receipt (回执, C17) for some lines; a long file gives several events of at most <see cref="MaxRows"/>
/// rows.
/// </summary>
public sealed record ReceiptConfirmed(
    string ConfirmedBy,
    string ReceiptDigest,
    Money AmountFen,
    IReadOnlyList<string> MemberIds,
    IReadOnlyList<UnmatchedReceipt> Unmatched
) : IEventOf<Application>, IMoneyEvent, IEvidenced, INamesIds
{
    public const int MaxRows = 250;

    [System.Text.Json.Serialization.JsonIgnore]
    public IReadOnlyList<string> Evidence => [ReceiptDigest];

    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => MemberIds;
}

public sealed record ApplicationSettled(string SettledBy, int Lines, Money AmountFen)
    : IEventOf<Application>,
        IMoneyEvent;

/// <summary>What an application may be late with (C21).</summary>
public enum DeadlineKind
{
    Review,
    Payment,
    Credit,
    ObjectionAnswer,
    HoldDecision,
    ComplaintAnswer,
}

/// <summary>
/// A deadline passed and nothing happened: the supervisors see it (督办). <paramref name="ObjectionId"/>: of an
/// objection's or complaint's answer, which one.
/// </summary>
public sealed record DeadlineMissed(DeadlineKind Kind, DateTimeOffset DueAt, string? ObjectionId)
    : IEventOf<Application>;
