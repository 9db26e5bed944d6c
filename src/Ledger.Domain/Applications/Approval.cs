using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;

namespace Ledger.Domain.Applications;

/// <summary>
/// Approval (C15) is one decision over the application, its fund and every member-year of its list: all of it or nothing.
/// Checked here, at the last moment and under lock: pilot (C2), eligibility (C4..C6), fund and earmark (C8, C9), cap (C11).
/// </summary>
public static class Approval
{
    public sealed record Events(IEventOf<Application> Application, IEventOf<Fund> Fund, IReadOnlyList<(string MemberYearId, SubsidyApproved Event)> Members);

    /// <param name="members">By member id.</param>
    /// <param name="years">By member-year id.</param>
    /// <param name="cap">The highest contribution tier of the year.</param>
    public static (Events? Events, Rejection? Rejection) Decide(Application application, Collective collective, Fund fund, Pilot? pilot,
        IReadOnlyDictionary<string, Member> members, IReadOnlyDictionary<string, MemberYear> years, Money cap, Actor by)
    {
        if (application.Status == ApplicationStatus.Filed) return (null, new Rejection(Rejections.ReviewIncomplete, $"尚有 {application.With(LineStatus.Filed).Count()} 人未复核"));
        if (ApplicationDecider.NotIn(application, ApplicationStatus.Reviewed) is { } wrong) return (null, wrong);
        if (by.IsAmong(application.Filers) || by.IsAmong(application.Reviewers))
            return (null, new Rejection(Rejections.SelfApproval, "经办人、复核人不能审批"));
        if (PilotDecider.Refusal(pilot, Identity.RegionCode.County(application.Region)) is { } outside) return (null, outside);

        if (CollectiveDecider.Gone(collective) is { } gone) return (null, gone);

        var collectives = collective.WithPredecessors();
        var lines = application.With(LineStatus.Accepted).ToList();
        if (lines.Count == 0) return (null, new Rejection(Rejections.WrongState, "没有复核通过的人员，请驳回申请"));
        var amount = Money.Sum(lines.Select(l => l.AmountFen));
        var reserved = FundDecider.Reserve(fund, application.Id, application.Year, application.SubAccount, amount, lines.Count);
        if (reserved.Rejection is { } overdrawn) return (null, overdrawn);
        var fen = ((FundsReserved)reserved.Events[0]).Fen;

        var subsidies = new List<(string, SubsidyApproved)>(lines.Count);
        var faults = new List<Fault>();
        var first = default(Rejection);
        var from = fen.From;
        foreach (var line in lines)
        {
            var own = FenInterval.StartingAt(from, line.AmountFen);
            from = own.To;
            var id = application.MemberYearId(line);
            var subsidy = new SubsidyApproved(application.Id, application.CollectiveId, application.FundId, application.SubAccount, line.AmountFen, own);
            var decision = MemberYearDecider.Approve(years.GetValueOrDefault(id) ?? new MemberYear(), members[line.MemberId], collectives, subsidy, cap);
            if (decision.Rejection is { } refusal)
            {
                first ??= refusal;
                faults.Add(new Fault(refusal.Code.Code, refusal.Detail, Row: line.Row, Column: Roster.CitizenIdColumn, MemberId: line.MemberId,
                    LeftAmount: refusal.LeftAmount));
            }
            else
            {
                subsidies.Add((id, subsidy));
            }
        }
        if (first is not null)
            return (null, first with { Detail = $"{faults.Count} 人不能审批，首例：第 {faults[0].Row} 行 {first.Detail}", Faults = faults });
        InvariantViolationException.Require(from == fen.To, $"{application.Id}: the lines do not tile {fen}");
        return (new Events(new ApplicationApproved(by.Id, lines.Count, amount, fen, OnBehalfOf: by.OnBehalfOf), reserved.Events[0], subsidies), null);
    }
}
