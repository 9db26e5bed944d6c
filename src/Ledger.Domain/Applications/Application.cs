using System.Collections.Immutable;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Applications;

public enum ApplicationStatus
{
    Filed,
    Returned,
    Reviewed,
    Approved,
    Noticed,
    Paid,
    Settled,
    Rejected,
    Withdrawn,
}

public static class ApplicationStatuses
{
    /// <summary>Nothing more comes of it.</summary>
    public static bool IsOver(this ApplicationStatus status) =>
        status is ApplicationStatus.Settled or ApplicationStatus.Rejected or ApplicationStatus.Withdrawn;
}

public enum LineStatus
{
    Filed,
    Accepted,
    Refused,
    Approved,
    Paid,
    Credited,
    Released,
    Withdrawn,
    Refunded,
}

public static class LineStatuses
{
    /// <summary>No longer on the list: refused, taken out, or sent back.</summary>
    public static bool IsOut(this LineStatus status) =>
        status is LineStatus.Refused or LineStatus.Released or LineStatus.Withdrawn or LineStatus.Refunded;
}

/// <summary>
/// One member's subsidy in an application. <see cref="Fen"/> is set on approval: the line's own fen of the fund's
/// sub-account.
/// </summary>
public sealed record Line(
    int Row,
    string MemberId,
    Money TierFen,
    Money AmountFen,
    LineStatus Status,
    string? Reason,
    FenInterval? Fen
)
{
    /// <summary>What of the agency's list the reviewer's reason answers for (L19).</summary>
    public Members.InsuranceFinding? AnsweredFinding { get; init; }

    public static Money Total(IEnumerable<Line> lines) => Money.Sum(lines.Select(l => l.AmountFen));
}

/// <summary>The supervision committee has put the payment on hold (L7), and why.</summary>
public sealed record PaymentHold(string HeldBy, DateOnly On, string Reason);

public enum ComplaintStatus
{
    Raised,
    Answered,
    Escalated,
    Closed,
}

/// <summary>What is to be answered to a complaint.</summary>
public sealed record ComplaintAnswer(bool Upheld, string Answer, ComplaintRemedy? Remedy = null);

public sealed record GivenAnswer(bool Upheld, string Answer, ComplaintRemedy? Remedy, string By);

/// <summary>
/// A complaint (投诉, L18). Raised: the township answers. Escalated: the county does. Answered by the township it may go
/// to the county yet; answered there it is closed.
/// </summary>
public sealed record Complaint(
    string ComplaintId,
    string? MemberId,
    string Text,
    ComplaintStatus Status,
    ImmutableArray<GivenAnswer> Answers
)
{
    public bool IsOpen() => Status is ComplaintStatus.Raised or ComplaintStatus.Escalated;
}

public sealed record Objection(string ObjectionId, string? MemberId, string Text, bool? Upheld, string? Answer);

/// <summary>Application (补助申请): a sealed roster on its way from filing to settlement (C14..C17).</summary>
public sealed record Application : Aggregate, IEvolve<Application>
{
    public string PlanId { get; init; } = "";
    public int PlanVersion { get; init; }
    public string CollectiveId { get; init; } = "";
    public string FundId { get; init; } = "";
    public int Year { get; init; }
    public string SubAccount { get; init; } = "";
    public ApplicationStatus Status { get; init; }
    public ImmutableArray<Line> Lines { get; init; } = [];
    public ImmutableSortedSet<string> Filers { get; init; } = [];
    public ImmutableSortedSet<string> Reviewers { get; init; } = [];
    public string? Approver { get; init; }

    /// <summary>
    /// Whom the approver acted for; those of the others stand among the filers, reviewers and payers themselves.
    /// </summary>
    public string? ApprovedFor { get; init; }
    public ImmutableSortedSet<string> Payers { get; init; } = [];

    /// <summary>Who signed or held its payment for the supervision committee, and whom they acted for (L7).</summary>
    public ImmutableSortedSet<string> Committee { get; init; } = [];

    /// <summary>
    /// The committee has signed for every line that waits to be paid; what the bank sent back is signed anew.
    /// </summary>
    public bool IsPaymentSigned { get; init; }

    /// <summary>Null: nothing is on hold. It ends when the township lifts it, or with the application.</summary>
    public PaymentHold? Hold { get; init; }
    public string SealDigest { get; init; } = "";
    public string RosterDigest { get; init; } = "";
    public string? Reason { get; init; }
    public DateOnly? NoticeFrom { get; init; }
    public DateOnly? NoticeUntil { get; init; }
    public string? NoticePlace { get; init; }
    public ImmutableArray<string> NoticeProof { get; init; } = [];
    public ImmutableArray<Objection> Objections { get; init; } = [];
    public ImmutableArray<Complaint> Complaints { get; init; } = [];
    public string? BankReference { get; init; }
    public ImmutableArray<UnmatchedReceipt> UnmatchedReceipts { get; init; } = [];

    /// <summary>Deadlines that passed, as <c>kind@due date</c>.</summary>
    public ImmutableSortedSet<string> MissedDeadlines { get; init; } = [];

    public IEnumerable<Line> With(LineStatus status) => Lines.Where(l => l.Status == status);

    /// <summary>Who is on the list still: what every page counts as its people and its amount.</summary>
    public IEnumerable<Line> OnList() => Lines.Where(l => !l.Status.IsOut());

    /// <summary>The approved lines of these members; null: all of them.</summary>
    public IReadOnlyList<Line> Approved(IReadOnlyList<string>? memberIds)
    {
        var wanted = memberIds?.ToHashSet();
        return [.. With(LineStatus.Approved).Where(l => wanted?.Contains(l.MemberId) != false)];
    }

    public Money Total(LineStatus status) => Line.Total(With(status));

    public string MemberYearId(Line line) => StreamId.MemberYear(line.MemberId, Year);

    /// <summary><c>wrong-state</c> unless it is in one of these.</summary>
    public Rejection? NotIn(params ReadOnlySpan<ApplicationStatus> allowed) =>
        allowed.Contains(Status) ? null : new Rejection(Rejections.WrongState, $"申请状态为“{StatusName(Status)}”");

    /// <summary>The status in Chinese, as people read it.</summary>
    public static string StatusName(ApplicationStatus status) =>
        status switch
        {
            ApplicationStatus.Filed => "已提交",
            ApplicationStatus.Returned => "已退回补正",
            ApplicationStatus.Reviewed => "已复核",
            ApplicationStatus.Approved => "已审批",
            ApplicationStatus.Noticed => "公示中",
            ApplicationStatus.Paid => "已付款",
            ApplicationStatus.Settled => "已办结",
            ApplicationStatus.Rejected => "已驳回",
            ApplicationStatus.Withdrawn => "已撤回",
            _ => throw new ArgumentOutOfRangeException(nameof(status)),
        };

    /// <summary>
    /// The lines of these members (null: every one in a fitting status), or what is wrong with the list.
    /// </summary>
    public (IReadOnlyList<Line> Lines, Rejection? Fault) LinesOf(
        IReadOnlyList<string>? memberIds,
        string what,
        params LineStatus[] statuses
    )
    {
        if (memberIds is null)
        {
            var all = Lines.Where(l => statuses.Contains(l.Status)).ToList();
            return (all, all.Count > 0 ? null : new Rejection(Rejections.WrongState, $"没有{what}的人员"));
        }
        var (byMember, seen) = (Lines.ToDictionary(l => l.MemberId), new HashSet<string>());
        var faults = memberIds
            .Select(
                (id, i) =>
                    !byMember.TryGetValue(id, out var line) ? Fault(i, id, "不在本申请名单中")
                    : !statuses.Contains(line.Status) ? Fault(i, id, $"不是{what}的人员")
                    : !seen.Add(id) ? Fault(i, id, "出现多次")
                    : null
            )
            .OfType<Fault>()
            .ToList();
        if (memberIds.Count == 0)
            return ([], new Rejection(Rejections.FieldInvalid, "没有列出人员") { Field = "memberIds" });
        if (faults.Count > 0)
            return (
                [],
                new Rejection(Rejections.FieldInvalid, $"{faults.Count} 人有误，首例：{faults[0].Message}")
                {
                    Field = "memberIds",
                    Faults = faults,
                }
            );
        var wanted = memberIds.ToHashSet();
        return ([.. Lines.Where(l => wanted.Contains(l.MemberId))], null);

        static Fault Fault(int i, string id, string message) =>
            new(Rejections.FieldInvalid.Code, message, $"memberIds[{i}]", MemberId: id);
    }

    public static Application Evolve(Application? state, IEventOf<Application> e) =>
        e switch
        {
            ApplicationFiled f => new Application
            {
                PlanId = f.PlanId,
                PlanVersion = f.PlanVersion,
                CollectiveId = f.CollectiveId,
                FundId = f.FundId,
                Region = f.VillageCode,
                Year = f.Year,
                SubAccount = f.SubAccount,
                Filers = Both([], f.FiledBy, f.OnBehalfOf),
                SealDigest = f.SealDigest,
                RosterDigest = f.RosterDigest,
            },
            LinesListed l => state! with
            {
                Lines = state.Lines.AddRange(
                    l.Lines.Select(r => new Line(
                        r.Row,
                        r.MemberId,
                        r.TierFen,
                        r.AmountFen,
                        LineStatus.Filed,
                        null,
                        null
                    ))
                ),
            },
            ApplicationReviewed r => state!.Review(r),
            ApplicationReturned r => state! with { Status = ApplicationStatus.Returned, Reason = r.Reason },
            ApplicationResubmitted r => state! with
            {
                Status = ApplicationStatus.Filed,
                Reason = null,
                Lines = [],
                Reviewers = [],
                PlanVersion = r.PlanVersion,
                Filers = Both(state.Filers, r.FiledBy, r.OnBehalfOf),
                SealDigest = r.SealDigest,
                RosterDigest = r.RosterDigest,
            },
            ApplicationApproved a => state!.Approve(a),
            ApplicationRejected r => state! with { Status = ApplicationStatus.Rejected, Reason = r.Reason },
            NoticePublished n => state! with
            {
                Status = ApplicationStatus.Noticed,
                NoticeFrom = n.From,
                NoticeUntil = n.Until,
                NoticePlace = n.Place,
            },
            NoticeProofRecorded p => state! with { NoticeProof = state.NoticeProof.AddRange(p.Evidence) },
            ObjectionRaised o => state! with
            {
                Objections = state.Objections.Add(new Objection(o.ObjectionId, o.MemberId, o.Text, null, null)),
            },
            ObjectionResolved r => state!.Resolve(r),
            ComplaintRaised c => state! with
            {
                Complaints = state.Complaints.Add(
                    new Complaint(c.ComplaintId, c.MemberId, c.Text, ComplaintStatus.Raised, [])
                ),
            },
            ComplaintAnswered a => state!.Turn(
                a.ComplaintId,
                c =>
                    c with
                    {
                        Status =
                            c.Status == ComplaintStatus.Escalated ? ComplaintStatus.Closed : ComplaintStatus.Answered,
                        Answers = c.Answers.Add(new GivenAnswer(a.Upheld, a.Answer, a.Remedy, a.AnsweredBy)),
                    }
            ),
            ComplaintEscalated x => state!.Turn(x.ComplaintId, c => c with { Status = ComplaintStatus.Escalated }),
            PaymentSent p => state!.Move(p.MemberIds, LineStatus.Approved, LineStatus.Paid) with
            {
                Status = ApplicationStatus.Paid,
                BankReference = p.BankReference,
                Payers = Both(state.Payers, p.PaidBy, p.OnBehalfOf),
            },
            LinesWithdrawn w => state!.Withdraw(w),
            LinesLeftOut o => state!.LeaveOut(o),
            ApplicationWithdrawn w => state! with
            {
                Status = ApplicationStatus.Withdrawn,
                Reason = w.Reason,
                Hold = null,
            },
            PaymentReturned r => state!.Move(r.MemberIds, LineStatus.Paid, LineStatus.Approved) with
            {
                IsPaymentSigned = false,
            },
            PaymentSigned s => state! with
            {
                IsPaymentSigned = true,
                Committee = Both(state.Committee, s.SignedBy, s.OnBehalfOf),
            },
            PaymentHeld h => state! with
            {
                Hold = new PaymentHold(h.HeldBy, h.On, h.Reason),
                Committee = Both(state.Committee, h.HeldBy, h.OnBehalfOf),
            },
            PaymentHoldLifted => state! with { Hold = null },
            LineRefunded r => state! with
            {
                Lines =
                [
                    .. state.Lines.Select(l =>
                        l.MemberId == r.MemberId
                            ? l with
                            {
                                Status = LineStatus.Refunded,
                                Reason = r.Reason.ToString(),
                            }
                            : l
                    ),
                ],
            },
            ReceiptConfirmed r => state!.Confirm(r),
            DeadlineMissed d => state! with
            {
                MissedDeadlines = state.MissedDeadlines.Add(Supervision.Key(d.Kind, d.DueAt, d.ObjectionId)),
            },
            ApplicationSettled => state! with { Status = ApplicationStatus.Settled, Hold = null },
            PaymentListDisclosed => state!, // who saw it, on record
            _ => throw InvariantViolationException.Unknown(e),
        };

    /// <summary>
    /// Everybody who had a part in it so far: whom a decision about duties compares the next one with.
    /// </summary>
    public IEnumerable<string?> Handlers() => [.. Filers, .. Reviewers, Approver, ApprovedFor, .. Payers, .. Committee];

    /// <summary>Who acts under a delegation has the duty as himself and as whom he acts for.</summary>
    private static ImmutableSortedSet<string> Both(ImmutableSortedSet<string> duty, string by, string? onBehalfOf) =>
        onBehalfOf is null ? duty.Add(by) : duty.Add(by).Add(onBehalfOf);

    private Application Review(ApplicationReviewed e)
    {
        var verdicts = e.Verdicts.ToDictionary(v => v.MemberId);
        Line Decide(Line l) =>
            verdicts.TryGetValue(l.MemberId, out var v)
                ? l with
                {
                    Status = v.Accepted ? LineStatus.Accepted : LineStatus.Refused,
                    Reason = v.Reason,
                    AnsweredFinding = v.Finding,
                }
            : e.RestAccepted && l.Status == LineStatus.Filed ? l with { Status = LineStatus.Accepted }
            : l;
        var next = this with
        {
            Lines = [.. Lines.Select(Decide)],
            Reviewers = Both(Reviewers, e.ReviewedBy, e.OnBehalfOf),
            Status = e.Complete ? ApplicationStatus.Reviewed : Status,
        };
        InvariantViolationException.Require(
            !e.Complete || !next.With(LineStatus.Filed).Any(),
            $"{Id}: reviewed, yet lines are undecided"
        );
        return next;
    }

    private Application Approve(ApplicationApproved e)
    {
        var from = e.Fen.From;
        Line Take(Line l)
        {
            if (l.Status != LineStatus.Accepted)
                return l;
            var fen = FenInterval.StartingAt(from, l.AmountFen);
            from = fen.To;
            return l with { Status = LineStatus.Approved, Fen = fen };
        }
        ImmutableArray<Line> lines = [.. Lines.Select(Take)];
        InvariantViolationException.Require(from == e.Fen.To, $"{Id}: the lines do not tile {e.Fen}");
        return this with
        {
            Status = ApplicationStatus.Approved,
            Approver = e.ApprovedBy,
            ApprovedFor = e.OnBehalfOf,
            Lines = lines,
        };
    }

    private Application Resolve(ObjectionResolved e)
    {
        var objection = Objections.Single(o => o.ObjectionId == e.ObjectionId);
        var about = e.MemberId ?? objection.MemberId;
        var reason = e.CorrectedFen is { } right ? $"{e.Answer}（应为 {right} 元，另行申请）" : e.Answer;
        bool Falls(Line l) => e.Upheld && l.Status == LineStatus.Approved && (e.WholeList || l.MemberId == about);
        return this with
        {
            Objections = Objections.Replace(
                objection,
                objection with
                {
                    Upheld = e.Upheld,
                    Answer = e.Answer,
                    MemberId = about,
                }
            ),
            Lines = [.. Lines.Select(l => Falls(l) ? l with { Status = LineStatus.Released, Reason = reason } : l)],
        };
    }

    private Application Turn(string complaintId, Func<Complaint, Complaint> to) =>
        this with
        {
            Complaints = [.. Complaints.Select(c => c.ComplaintId == complaintId ? to(c) : c)],
        };

    private Application Confirm(ReceiptConfirmed e)
    {
        var credited = e.MemberIds.ToHashSet();
        return this with
        {
            Lines = [.. Lines.Select(l => credited.Contains(l.MemberId) ? l with { Status = LineStatus.Credited } : l)],
            UnmatchedReceipts = UnmatchedReceipts.AddRange(e.Unmatched),
        };
    }

    private Application Withdraw(LinesWithdrawn e)
    {
        var gone = e.MemberIds.ToHashSet();
        return this with
        {
            Lines =
            [
                .. Lines.Select(l =>
                    !gone.Contains(l.MemberId)
                        ? l
                        : l with
                        {
                            Status = l.Status == LineStatus.Approved ? LineStatus.Released : LineStatus.Withdrawn,
                            Reason = e.Reason,
                        }
                ),
            ],
        };
    }

    private Application LeaveOut(LinesLeftOut e)
    {
        var reasons = e.Lines.ToDictionary(l => l.MemberId, l => l.Reason);
        return this with
        {
            Lines =
            [
                .. Lines.Select(l =>
                    !reasons.TryGetValue(l.MemberId, out var reason)
                        ? l
                        : l with
                        {
                            Status = l.Status == LineStatus.Approved ? LineStatus.Released : LineStatus.Refused,
                            Reason = reason,
                        }
                ),
            ],
        };
    }

    /// <summary>The lines of these members, of all when null, from one status to another.</summary>
    private Application Move(IReadOnlyList<string>? memberIds, LineStatus from, LineStatus to)
    {
        var some = memberIds?.ToHashSet();
        return this with
        {
            Lines =
            [
                .. Lines.Select(l =>
                    l.Status == from && some?.Contains(l.MemberId) != false ? l with { Status = to } : l
                ),
            ],
        };
    }
}
