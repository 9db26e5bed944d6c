using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// Approval (C15) is one decision over the application, its fund and every member-year of its list: all of it or
/// nothing. Checked here, at the last moment and under lock: pilot (C2), eligibility (C4..C6), amounts (C10), fund and
/// earmark (C8, C9), cap (C11). Whoever may get nothing any more is left out by name; whatever else is wrong refuses
/// the whole, with every line at fault.
/// </summary>
public static class Approve
{
    /// <summary>Changed: application, fund, member-years. The rest stays as it is until the commit.</summary>
    /// <param name="People">With the standard in force now.</param>
    /// <param name="Own">What the approver recorded himself.</param>
    /// <param name="CapFen">The highest contribution tier of the year.</param>
    public sealed record Basis(
        Application Application,
        Collective Collective,
        Fund Fund,
        Pilot? Pilot,
        LineBasis People,
        Money CapFen,
        OwnRecords? Own = null
    );

    public static Decision<Application> Decide(Basis on, Actor by)
    {
        if (Untimely(on, by) is { } wrong)
            return wrong;
        var (application, fund, people) = (on.Application, on.Fund, on.People);
        var accepted = application.With(LineStatus.Accepted).ToList();
        if (accepted.Count == 0)
            return new Rejection(Rejections.WrongState, "没有复核通过的人员，请驳回申请");
        var leftOut = LineCheck.LeftOut(application, accepted, people);
        if (leftOut.Count == accepted.Count)
            return LineCheck.NobodyLeft(application, leftOut);
        var goneIds = leftOut.Select(l => l.MemberId).ToHashSet();
        var lines = accepted.Where(l => !goneIds.Contains(l.MemberId)).ToList();
        var own = (on.Own ?? OwnRecords.None).Among(application, lines, people.Years, people.GovernmentPaidOpens);
        if (OwnRecords.Refusal(own, "审批") is { } alone)
            return alone;
        var faults = lines
            .SelectMany(l =>
                ((Fault?[])[LineCheck.Changed(application, l, people), Unanswered(l, people)]).OfType<Fault>()
            )
            .ToList();
        if (faults.Count > 0)
            return Refused(faults);

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
            return overdrawn;
        var fen = ((FundsReserved)reserved.Events[0]).Fen;

        var (years, refused) = GiveOut(on, lines, fen);
        if (refused.Count > 0)
            return Refused(refused);
        return new Decision<Application>(
            [
                .. LineCheck.LeaveOut(application, leftOut, by),
                new ApplicationApproved(by.Id, lines.Count, amount, fen, OnBehalfOf: by.OnBehalfOf),
            ],
            null
        )
        {
            Also = [Change.Of(fund, reserved.Events), .. years],
            LeftOut = LineCheck.Faults(application, leftOut),
        };
    }

    /// <summary>Why nobody may approve it now, or he may not.</summary>
    private static Rejection? Untimely(Basis on, Actor by)
    {
        var application = on.Application;
        if (application.Status == ApplicationStatus.Filed)
            return new Rejection(
                Rejections.ReviewIncomplete,
                $"尚有 {application.With(LineStatus.Filed).Count()} 人未复核"
            );
        if (application.NotIn(ApplicationStatus.Reviewed) is { } wrong)
            return wrong;
        if (by.IsAmong(application.Filers) || by.IsAmong(application.Reviewers))
            return new Rejection(Rejections.SelfApproval, "经办人、复核人不能审批");
        return PilotDecider.Refusal(on.Pilot, Identity.RegionCode.County(application.Region))
            ?? CollectiveDecider.Gone(on.Collective);
    }

    /// <summary>What was reserved, line after line to the member-years; and which of them may not have it.</summary>
    private static (List<Change> Years, List<Fault> Refused) GiveOut(
        Basis on,
        IReadOnlyList<Line> lines,
        FenInterval fen
    )
    {
        var (application, people) = (on.Application, on.People);
        var (years, faults) = (new List<Change>(lines.Count), new List<Fault>());
        var from = fen.From;
        foreach (var line in lines)
        {
            var own = FenInterval.StartingAt(from, line.AmountFen);
            from = own.To;
            var year = people.Years[application.MemberYearId(line)];
            var subsidy = new SubsidyApproved(
                application.Id,
                application.CollectiveId,
                application.FundId,
                application.SubAccount,
                line.AmountFen,
                own
            );
            var decision = MemberYearDecider.Approve(
                year,
                people.Members[line.MemberId],
                people.Lineage,
                subsidy,
                on.CapFen,
                people.GovernmentPaidOpens
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
                years.Add(Change.Of(year, decision.Events));
        }
        InvariantViolationException.Require(from == fen.To, $"{application.Id}: the lines do not tile {fen}");
        return (years, faults);
    }

    /// <summary>
    /// Who may be drawing a pension, or was found on the agency's list (L19), is approved only when a reviewer gave the
    /// reason why he may have it: for what is found now, not for what was found when he was reviewed.
    /// </summary>
    private static Fault? Unanswered(Line line, LineBasis people) =>
        LineCheck.Finding(line, people) is { } finding && LineCheck.IsUnanswered(line, finding)
            ? new Fault(
                Rejections.FindingOpen.Code,
                finding.Message,
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
