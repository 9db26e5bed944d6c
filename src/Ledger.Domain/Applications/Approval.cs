using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;

namespace Ledger.Domain.Applications;

/// <summary>
/// Approval (C15) is one decision over the application, its fund and every member-year of its list: all of it or nothing.
/// Checked here, at the last moment and under lock: pilot (C2), eligibility (C4..C6), amounts (C10), fund and earmark (C8, C9), cap (C11).
/// Whoever may get nothing any more is left out by name; whatever else is wrong refuses the whole, with every line at fault.
/// </summary>
public static class Approval
{
    public sealed record Events(
        IReadOnlyList<IEventOf<Application>> Application,
        IEventOf<Fund> Fund,
        IReadOnlyList<(string MemberYearId, SubsidyApproved Event)> Members,
        IReadOnlyList<LeftOutLine> LeftOut
    );

    /// <param name="basis">With the standard in force now.</param>
    /// <param name="cap">The highest contribution tier of the year.</param>
    public static (Events? Events, Rejection? Rejection) Decide(
        Application application,
        Collective collective,
        Fund fund,
        Pilot? pilot,
        LineBasis basis,
        Money cap,
        Actor by
    )
    {
        if (application.Status == ApplicationStatus.Filed)
            return (
                null,
                new Rejection(
                    Rejections.ReviewIncomplete,
                    $"尚有 {application.With(LineStatus.Filed).Count()} 人未复核"
                )
            );
        if (ApplicationDecider.NotIn(application, ApplicationStatus.Reviewed) is { } wrong)
            return (null, wrong);
        if (by.IsAmong(application.Filers) || by.IsAmong(application.Reviewers))
            return (null, new Rejection(Rejections.SelfApproval, "经办人、复核人不能审批"));
        if (PilotDecider.Refusal(pilot, Identity.RegionCode.County(application.Region)) is { } outside)
            return (null, outside);

        if (CollectiveDecider.Gone(collective) is { } gone)
            return (null, gone);

        var accepted = application.With(LineStatus.Accepted).ToList();
        if (accepted.Count == 0)
            return (null, new Rejection(Rejections.WrongState, "没有复核通过的人员，请驳回申请"));
        var leftOut = LineCheck.LeftOut(application, accepted, basis);
        if (leftOut.Count == accepted.Count)
            return (null, LineCheck.NobodyLeft(application, leftOut));
        var goneIds = leftOut.Select(l => l.MemberId).ToHashSet();
        var lines = accepted.Where(l => !goneIds.Contains(l.MemberId)).ToList();
        var faults = lines
            .SelectMany(l =>
                ((Fault?[])[LineCheck.Changed(application, l, basis), Unanswered(l, basis)]).OfType<Fault>()
            )
            .ToList();
        if (faults.Count > 0)
            return (null, Refused(faults));

        var amount = Money.Sum(lines.Select(l => l.AmountFen));
        var reserved = FundDecider.Reserve(
            fund,
            application.Id,
            application.Year,
            application.SubAccount,
            amount,
            lines.Count
        );
        if (reserved.Rejection is { } overdrawn)
            return (null, overdrawn);
        var fen = ((FundsReserved)reserved.Events[0]).Fen;

        var subsidies = new List<(string, SubsidyApproved)>(lines.Count);
        var from = fen.From;
        foreach (var line in lines)
        {
            var own = FenInterval.StartingAt(from, line.AmountFen);
            from = own.To;
            var id = application.MemberYearId(line);
            var subsidy = new SubsidyApproved(
                application.Id,
                application.CollectiveId,
                application.FundId,
                application.SubAccount,
                line.AmountFen,
                own
            );
            var decision = MemberYearDecider.Approve(
                basis.Years[id],
                basis.Members[line.MemberId],
                basis.Lineage,
                subsidy,
                cap
            );
            if (decision.Rejection is { } refusal)
                faults.Add(
                    new Fault(
                        refusal.Code.Code,
                        refusal.Detail,
                        Row: line.Row,
                        Column: Roster.CitizenIdColumn,
                        MemberId: line.MemberId,
                        LeftAmount: refusal.LeftAmount
                    )
                );
            else
                subsidies.Add((id, subsidy));
        }
        if (faults.Count > 0)
            return (null, Refused(faults));
        InvariantViolationException.Require(from == fen.To, $"{application.Id}: the lines do not tile {fen}");
        return (
            new Events(
                [
                    .. LineCheck.LeaveOut(application, leftOut, by),
                    new ApplicationApproved(by.Id, lines.Count, amount, fen, OnBehalfOf: by.OnBehalfOf),
                ],
                reserved.Events[0],
                subsidies,
                leftOut
            ),
            null
        );
    }

    /// <summary>Who may be drawing a pension is approved only when a reviewer gave the reason why he is not.</summary>
    private static Fault? Unanswered(Line line, LineBasis basis) =>
        string.IsNullOrWhiteSpace(line.Reason) && basis.Limits.Finding(basis.AgeOf(line)) is { } finding
            ? new Fault(
                Rejections.FindingOpen.Code,
                finding,
                Row: line.Row,
                Column: Roster.CitizenIdColumn,
                MemberId: line.MemberId
            )
            : null;

    private static Rejection Refused(List<Fault> faults) =>
        new(
            Rejections.All[faults[0].Code],
            $"{faults.Count} 人不能审批，首例：第 {faults[0].Row} 行 {faults[0].Message}"
        )
        {
            LeftAmount = faults[0].LeftAmount,
            Faults = faults,
        };
}
