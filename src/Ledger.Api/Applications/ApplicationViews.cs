using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Policies;

namespace Ledger.Api.Applications;

public sealed record LineView(
    int Row,
    string MemberId,
    string Name,
    string CitizenId,
    Money TierAmount,
    Money Amount,
    LineStatus Status,
    string? Reason,
    FenInterval? Fen
);

public sealed record UnmatchedReceiptView(int Row, Money? Amount, [property: Said] string Reason);

/// <summary>An application at a glance, with totals per line status; the lines themselves are paged.</summary>
public sealed record ApplicationView(
    string Id,
    int Version,
    string PlanId,
    int PlanVersion,
    string CollectiveId,
    string FundId,
    string VillageCode,
    int Year,
    string SubAccount,
    ApplicationStatus Status,
    string StatusName,
    int LineCount,
    Money TotalAmount,
    IReadOnlyDictionary<string, int> LinesByStatus,
    IReadOnlyList<string> Filers,
    IReadOnlyList<string> Reviewers,
    string? Approver,
    string? Reason,
    string SealDigest,
    string RosterDigest,
    DateOnly? NoticeFrom,
    DateOnly? NoticeUntil,
    string? NoticePlace,
    IReadOnlyList<Objection> Objections,
    IReadOnlyList<Complaint> Complaints,
    string? BankReference,
    IReadOnlyList<UnmatchedReceiptView> UnmatchedReceipts,
    IReadOnlyList<string> NoticeProof
)
{
    /// <summary>Of an approval or payment: who was left out by it, and why.</summary>
    public IReadOnlyList<Fault>? LeftOut { get; init; }

    /// <summary>The supervision committee has signed what waits to be paid (L7).</summary>
    public bool IsPaymentSigned { get; init; }

    /// <summary>Why and since when its payment is on hold; null: it is not.</summary>
    public PaymentHold? Hold { get; init; }

    /// <summary>Of an answered objection: what follows.</summary>
    [Said]
    public string? Outcome { get; init; }

    public static ApplicationView Of(Application a) =>
        new(
            a.Id,
            a.Revision,
            a.PlanId,
            a.PlanVersion,
            a.CollectiveId,
            a.FundId,
            a.Region,
            a.Year,
            a.SubAccount,
            a.Status,
            Application.StatusName(a.Status),
            a.Lines.Length,
            Money.Sum(a.Lines.Where(Counts).Select(l => l.AmountFen)),
            a.Lines.GroupBy(l => l.Status).ToDictionary(g => g.Key.Word(), g => g.Count()),
            a.Filers,
            a.Reviewers,
            a.Approver,
            a.Reason,
            a.SealDigest,
            a.RosterDigest,
            a.NoticeFrom,
            a.NoticeUntil,
            a.NoticePlace,
            a.Objections,
            a.Complaints,
            a.BankReference,
            [.. a.UnmatchedReceipts.Select(u => new UnmatchedReceiptView(u.Row, u.AmountFen, u.Reason))],
            a.NoticeProof
        )
        {
            IsPaymentSigned = a.IsPaymentSigned,
            Hold = a.Hold,
        };

    private static bool Counts(Line l) =>
        l.Status is not (LineStatus.Refused or LineStatus.Released or LineStatus.Withdrawn or LineStatus.Refunded);
}

/// <summary>
/// A filed roster: the application, with <c>partial=true</c> what was left out and why, and what of the table was not
/// read or was mended.
/// </summary>
public sealed record FilingView(
    ApplicationView Application,
    int Skipped,
    IReadOnlyList<Fault> Faults,
    IReadOnlyList<Note> Notes
);

public sealed record ReceiptView(
    ApplicationView Application,
    int Credited,
    Money CreditedAmount,
    int Unmatched,
    IReadOnlyList<Fault> Faults,
    IReadOnlyList<Note> Notes
);

public sealed record LinePage(IReadOnlyList<LineView> Lines, int? Next);

/// <summary>
/// A public notice (公示): masked names, no account data. <paramref name="Lines"/> and <paramref name="TotalAmount"/> are
/// what was published, for good; what changed since is in <paramref name="Addenda"/>, and with those it comes to
/// <paramref name="PresentLineCount"/> and <paramref name="PresentAmount"/>.
/// </summary>
public sealed record NoticeView(
    string ApplicationId,
    string CollectiveName,
    int Year,
    DateOnly From,
    DateOnly Until,
    string Place,
    Money TotalAmount,
    IReadOnlyList<NoticeLine> Lines,
    IReadOnlyList<NoticeAddendumView> Addenda,
    int PresentLineCount,
    Money PresentAmount
);

/// <summary><paramref name="Number"/>: its place on the published list, 1 for the first.</summary>
public sealed record NoticeLine(string Name, string CitizenId, Money Amount, int Number);

/// <summary>
/// An addendum (补充公告): the published lines that changed on this day; an amount is what it is now, zero for a line that
/// fell out.
/// </summary>
public sealed record NoticeAddendumView(DateOnly On, NoticeChange Change, IReadOnlyList<NoticeLine> Lines);

/// <summary>
/// An application as a line of a queue. <paramref name="AgeDays"/>: days of the calendar in its present status.
/// <paramref name="HeldOn"/>: its payment is on hold since then; the township decides by <paramref name="DecideBy"/>.
/// </summary>
public sealed record WorkItemView(
    string Id,
    string VillageCode,
    string CollectiveId,
    int Year,
    ApplicationStatus Status,
    string StatusName,
    int Lines,
    Money Amount,
    DateTimeOffset FiledAt,
    DateTimeOffset Since,
    int AgeDays,
    int OpenObjections,
    int UnmatchedReceipts,
    int OpenComplaints,
    DateOnly? HeldOn = null,
    DateOnly? DecideBy = null
);

/// <summary>
/// What somebody who objected from the notice's page gets: the number that it is followed with (查询号).
/// </summary>
public sealed record ObjectionReceiptView(string ObjectionId);

/// <summary>
/// An objection as whoever has its number may read it: not its words, as with a complaint.
/// <paramref name="Number"/>: whom it is about, by the number on the notice. <paramref name="AnswerDue"/>: by when it
/// should be answered, while it is not; <paramref name="Upheld"/> is null until then.
/// </summary>
public sealed record ObjectionStatusView(
    string ApplicationId,
    string ObjectionId,
    string CollectiveName,
    int Year,
    int? Number,
    DateOnly RaisedOn,
    DateOnly? AnswerDue,
    bool? Upheld,
    string? Answer
);

/// <summary>
/// The payment list as a workbook: <paramref name="Content"/> in base64, once; the answer that is kept for the key
/// has none. Collective and other: as the agency books it (L13). <paramref name="Payee"/>: the agency's account
/// (L12); null: the policy year does not say. <paramref name="LeftOut"/>: whose line is approved and may not be paid
/// any more, and why.
/// </summary>
public sealed record PaymentListView(
    string FileName,
    int Lines,
    Money TotalAmount,
    Money CollectiveAmount,
    Money OtherAmount,
    PayeeAccount? Payee,
    string? Content,
    IReadOnlyList<Fault> LeftOut
);
