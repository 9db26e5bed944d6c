using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Applications;

/// <summary>
/// What is known now of the people of a list: read in bulk, and under lock where something is decided on it.
/// </summary>
/// <param name="Lineage">Of the collective that applied.</param>
/// <param name="Standard">What amounts are compared with.</param>
/// <param name="Earmark">Of the sub-account that the lines draw on.</param>
/// <param name="Members">By member id.</param>
/// <param name="Years">By member-year id.</param>
/// <param name="Ages">Age reached in the year, by member id, where it is known.</param>
/// <param name="Damaged">Whose record has an event that no decider wrote, by member id, and which: nothing is decided
/// on it.</param>
/// <param name="GovernmentPaidOpens">The switch of the policy year as it stands now (L14).</param>
public sealed record LineBasis(
    Lineage Lineage,
    Standard Standard,
    Earmark? Earmark,
    AgeLimits Limits,
    IReadOnlyDictionary<string, Member> Members,
    IReadOnlyDictionary<string, MemberYear> Years,
    IReadOnlyDictionary<string, int> Ages,
    IReadOnlyDictionary<string, string>? Damaged = null,
    bool GovernmentPaidOpens = false
)
{
    public (RejectionCode Code, string Message)? DamageOf(string memberId) =>
        Damaged?.GetValueOrDefault(memberId) is { } why ? (Rejections.RecordDamaged, why) : null;

    public int? AgeOf(Line line) => Ages.TryGetValue(line.MemberId, out var age) ? age : null;
}

/// <summary>
/// The contribution records that whoever decides has made himself: references by member-year id. Nobody reviews or
/// approves what rests on nothing but his own word (C15).
/// </summary>
public sealed record OwnRecords(IReadOnlyDictionary<string, IReadOnlyCollection<string>> References)
{
    public static readonly OwnRecords None = new(new Dictionary<string, IReadOnlyCollection<string>>());

    /// <summary>The lines of people whose own payment, as it stands, he recorded or adjusted.</summary>
    /// <param name="years">Of these people, by member-year id.</param>
    public IReadOnlyList<Line> Among(
        Application application,
        IEnumerable<Line> lines,
        IReadOnlyDictionary<string, MemberYear> years,
        bool governmentPaidOpens
    ) =>
        [
            .. lines.Where(l =>
                application.MemberYearId(l) is var id
                && years.GetValueOrDefault(id)?.Opening(governmentPaidOpens) is { } opening
                && References.GetValueOrDefault(id)?.Contains(opening.Reference) == true
            ),
        ];

    /// <param name="act">复核 or 审批.</param>
    public static Rejection? Refusal(IReadOnlyList<Line> own, string act) =>
        own.Count == 0
            ? null
            : new Rejection(
                Rejections.SelfApproval,
                $"{own.Count} 人的缴费记录由您本人导入，不能由您{act}，首例：第 {own[0].Row} 行"
            )
            {
                Mend = $"请没有导入这些缴费记录的人{act}；缴费记录由税务部门导入的，不受此限",
                Faults =
                [
                    .. own.Select(l => new Fault(
                        Rejections.SelfApproval.Code,
                        "缴费记录由您本人导入",
                        Row: l.Row,
                        Column: Roster.CitizenIdColumn,
                        MemberId: l.MemberId
                    )),
                ],
            };
}

/// <summary>
/// What a line is accepted for with a reason or not at all. <paramref name="OfList"/>: what the agency's list found,
/// where that is it or part of it.
/// </summary>
public sealed record LineFinding(string Message, InsuranceFinding? OfList = null);

/// <summary>
/// A line is looked at again before it is approved and before it is paid: much can have happened since it was filed.
/// Whoever may get nothing any more is left out and named (C4, C5, C6); an amount that the standard no longer gives is
/// never approved or paid (C10).
/// </summary>
public static class LineCheck
{
    /// <summary>What a reviewer has to answer for: the age (C4), and what the agency's list found (L19).</summary>
    public static LineFinding? Finding(string? ofAge, InsuranceCheck? check) =>
        check?.NeedsReason() == true
            ? new LineFinding(ofAge is null ? check.InWords() : $"{ofAge}；{check.InWords()}", check.Finding)
        : ofAge is null ? null
        : new LineFinding(ofAge);

    public static LineFinding? Finding(Line line, LineBasis basis) =>
        Finding(basis.Limits.Finding(basis.AgeOf(line)), basis.Members.GetValueOrDefault(line.MemberId)?.Insurance);

    /// <summary>Why this person gets nothing any more; null: still may.</summary>
    public static (RejectionCode Code, string Message)? Ineligible(
        Application application,
        Line line,
        LineBasis basis
    ) =>
        basis.DamageOf(line.MemberId)
        ?? MemberYearDecider.Ineligible(
            basis.Members.GetValueOrDefault(line.MemberId),
            basis.Years.GetValueOrDefault(application.MemberYearId(line)),
            basis.Lineage,
            application.Id,
            basis.GovernmentPaidOpens
        )
        ?? basis.Limits.Fault(basis.AgeOf(line));

    /// <summary>
    /// What the standard gives an eligible person now, if it is another amount than the line's, or the earmark fits no
    /// more.
    /// </summary>
    public static Fault? Changed(Application application, Line line, LineBasis basis)
    {
        var (facts, group) = Roster.Facts(
            basis.Years[application.MemberYearId(line)],
            basis.Members[line.MemberId],
            basis.Lineage.Members,
            basis.Ages,
            basis.GovernmentPaidOpens
        );
        if (basis.Earmark?.Mismatch(application.Year, line.MemberId, facts.Age, group) is { } mismatch)
            return new Fault(
                Rejections.EarmarkMismatch.Code,
                mismatch,
                Row: line.Row,
                Column: Roster.CitizenIdColumn,
                MemberId: line.MemberId
            );
        var present = basis.Standard.AmountFor(facts);
        if (present == line.AmountFen)
            return null;
        var message = present is { } amount
            ? $"申请 {line.AmountFen} 元，按现行标准和缴费档次 {facts.TierFen} 元应为 {amount} 元"
            : $"申请 {line.AmountFen} 元，现行标准不适用于此人";
        return new Fault(
            Rejections.AmountChanged.Code,
            message,
            Row: line.Row,
            Column: Roster.AmountColumn,
            MemberId: line.MemberId,
            FiledAmount: line.AmountFen,
            PresentAmount: present
        );
    }

    /// <summary>
    /// What stands against a line now (C4, C5, C6, C10, C11), or is to be known of its person; and whether it is to be
    /// answered for. Null: nothing.
    /// </summary>
    /// <param name="cap">The highest tier of the year; null: not known.</param>
    public static (string Text, bool IsFinding)? Against(
        Application application,
        Line line,
        LineBasis basis,
        Money? cap
    )
    {
        if (Ineligible(application, line, basis) is { } why)
            return (why.Message, false);
        if (Changed(application, line, basis) is { } changed)
            return (changed.Message, false);
        if (
            cap is { } highest
            && MemberYearDecider.OverCap(basis.Years[application.MemberYearId(line)].CapUsed(), line.AmountFen, highest)
                is { } over
        )
            return (over.Detail, false);
        if (Finding(line, basis) is { } finding)
            return (finding.Message, true);
        var member = basis.Members.GetValueOrDefault(line.MemberId);
        // A student, or not insured here yet: to know, nothing to answer for.
        if (member?.Insurance is { Finding: not InsuranceFinding.None } check)
            return (check.InWords(), false);
        // It stops nobody but who reported it; whoever reviews ought to know.
        return member?.DeathReports.Count > 0 ? ("有集体报告此人死亡，尚未确认", false) : null;
    }

    /// <summary>Those of the lines that may get nothing any more, with the reason of each.</summary>
    public static IReadOnlyList<LeftOutLine> LeftOut(
        Application application,
        IEnumerable<Line> lines,
        LineBasis basis
    ) =>
        [
            .. lines
                .Select(l =>
                    Ineligible(application, l, basis) is { } why
                        ? new LeftOutLine(l.MemberId, why.Code.Code, why.Message)
                        : null
                )
                .OfType<LeftOutLine>(),
        ];

    /// <summary>
    /// Before payment: whoever may get nothing any more, and whose own payment changed so that the standard under which
    /// the line was approved gives another amount. A split that moved a member since is no departure: the line was
    /// approved for the same origin.
    /// </summary>
    public static IReadOnlyList<LeftOutLine> Unpayable(
        Application application,
        IEnumerable<Line> lines,
        LineBasis basis
    )
    {
        var all = lines.ToList();
        // Ages were looked at before; they do not change within the year.
        var now = basis with
        {
            Lineage = basis.Lineage with { Members = basis.Lineage.Origin },
            Earmark = null,
            Limits = AgeLimits.None,
        };
        var gone = LeftOut(application, all, now);
        var ids = gone.Select(l => l.MemberId).ToHashSet();
        return
        [
            .. gone,
            .. all.Where(l => !ids.Contains(l.MemberId))
                .Select(l => Changed(application, l, now))
                .OfType<Fault>()
                .Select(f => new LeftOutLine(f.MemberId!, f.Code, f.Message)),
        ];
    }

    /// <summary>
    /// L19: what the agency's list has found since a reviewer answered for the line, or what nobody answered for. Such
    /// a line is not paid and waits: it is not taken from the list, for a list may be wrong. The agency clears it with
    /// its next list, or the village takes the person off.
    /// </summary>
    public static IReadOnlyList<LeftOutLine> Waiting(IEnumerable<Line> lines, LineBasis basis) =>
        [
            .. lines
                .Where(l => IsUnanswered(l, OfList(l, basis)))
                .Select(l => new LeftOutLine(
                    l.MemberId,
                    Rejections.FindingOpen.Code,
                    $"{OfList(l, basis)!.Message}；暂不付款：核查有误的，由经办机构以新的核查结果更正，确不能享受的，由村里撤回此人"
                )),
        ];

    private static LineFinding? OfList(Line line, LineBasis basis) =>
        Finding(null, basis.Members.GetValueOrDefault(line.MemberId)?.Insurance);

    /// <summary>
    /// Nobody gave the reason why he may have it, for what is found now: not for what was found when he was reviewed.
    /// </summary>
    public static bool IsUnanswered(Line line, LineFinding? finding) =>
        finding is not null
        && (string.IsNullOrWhiteSpace(line.Reason) || (finding.OfList is { } found && line.AnsweredFinding != found));

    /// <summary>Left-out lines as an answer lists them.</summary>
    public static IReadOnlyList<Fault> Faults(Application application, IReadOnlyList<LeftOutLine> leftOut)
    {
        var rows = application.Lines.ToDictionary(l => l.MemberId, l => l.Row);
        return
        [
            .. leftOut.Select(l => new Fault(
                l.Code,
                l.Reason,
                Row: rows[l.MemberId],
                Column: Roster.CitizenIdColumn,
                MemberId: l.MemberId
            )),
        ];
    }

    /// <summary>Nobody is left: the refusal names everybody and why.</summary>
    public static Rejection NobodyLeft(Application application, IReadOnlyList<LeftOutLine> leftOut) =>
        new(Rejections.All[leftOut[0].Code], $"{leftOut.Count} 人都不能付款或不再符合条件，首例：{leftOut[0].Reason}")
        {
            Faults = Faults(application, leftOut),
        };

    /// <summary>The lines leave the list, on record: before approval they are refused, afterwards released.</summary>
    public static IReadOnlyList<IEventOf<Application>> LeaveOut(
        Application application,
        IReadOnlyList<LeftOutLine> leftOut,
        Actor by
    )
    {
        var amounts = application.Lines.ToDictionary(l => l.MemberId, l => l.AmountFen);
        return
        [
            .. leftOut
                .Chunk(LinesLeftOut.MaxLines)
                .Select(c => new LinesLeftOut(by.Id, c, Money.Sum(c.Select(l => amounts[l.MemberId])))),
        ];
    }
}
