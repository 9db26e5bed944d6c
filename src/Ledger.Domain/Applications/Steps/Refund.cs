using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// The agency sends one member's subsidy back, also after settlement (C5 claw-back, double subsidy, departure, refusal;
/// C17): the money is the fund's again, with its origin, and the cap is free. What was credited belongs to the person
/// and the heirs (L1), so a death brings back only what is on its way.
/// </summary>
public static class Refund
{
    /// <summary>From this business date on a credited subsidy that came back for a death is a breach of L1.</summary>
    public static readonly DateOnly DeathIsFinalFrom = new(2026, 12, 1);

    /// <summary>Changed: application, fund, the person's member-year.</summary>
    /// <param name="Year">Null only where the application does not name the person.</param>
    /// <param name="Earlier">Entries of the fund that share a slip or the reference.</param>
    /// <param name="Dates">Where the refund is dated back: since when the line is where it is.</param>
    public sealed record Basis(
        Application Application,
        Fund Fund,
        MemberYear? Year,
        IReadOnlyList<EarlierEntry> Earlier,
        LineDates? Dates
    );

    /// <param name="confirmed">Why it is not the entry that a question named.</param>
    public static Decision<Application> Decide(
        Basis on,
        string memberId,
        RefundReason reason,
        string bankReference,
        IReadOnlyList<string> evidence,
        DateOnly businessDate,
        string? confirmed,
        Actor by
    )
    {
        var (application, fund) = (on.Application, on.Fund);
        var decision = Move(application, memberId, reason, bankReference, evidence, by);
        if (decision.Rejection is not null)
            return decision;
        if (on.Year!.Subsidies.Any(s => s.ApplicationId == application.Id && s.Status == SubsidyStatus.Cleared))
            return new Rejection(Rejections.CreditedIsFinal, "该补助已由经办机构清退给本人");
        var line = application.Lines.Single(l => l.MemberId == memberId);
        if (on.Dates?.Refund(line, businessDate) is { } early)
            return early;
        var earlier = SameMoney.Among(on.Earlier, fund, Booking.Refund, [memberId], []);
        if (SameMoney.Refusal(earlier, confirmed) is { } asked)
            return asked;
        var back = FundDecider.Refund(
            fund,
            application.Id,
            memberId,
            line.Fen!.Value,
            line.Status == LineStatus.Credited,
            bankReference,
            evidence,
            businessDate
        );
        return back.Rejection is { } closed
            ? closed
            : decision with
            {
                Also =
                [
                    Change.Of(fund, back.Events),
                    Change.Of(on.Year!, new SubsidyRefunded(application.Id, line.AmountFen, reason)),
                ],
                Confirmed = SameMoney.Confirmed(earlier, confirmed),
            };
    }

    /// <summary>The application's own part.</summary>
    public static Decision<Application> Move(
        Application state,
        string memberId,
        RefundReason reason,
        string bankReference,
        IReadOnlyList<string> evidence,
        Actor by
    )
    {
        if (state.NotIn(ApplicationStatus.Paid, ApplicationStatus.Settled) is { } wrong)
            return wrong;
        if (by.IsAmong(state.Payers))
            return new Rejection(Rejections.SelfApproval, "付款人不能确认自己付款的退回");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "退回须附凭证") { Field = "evidence" };
        var (lines, fault) = state.LinesOf([memberId], "已付款或已入账", LineStatus.Paid, LineStatus.Credited);
        if (fault is not null)
            return fault;
        if (reason == RefundReason.Death && lines[0].Status == LineStatus.Credited)
            return new Rejection(Rejections.CreditedIsFinal, "该补助已记入个人账户，由继承人依法继承")
            {
                Field = "reason",
            };
        return new IEventOf<Application>[]
        {
            new LineRefunded(
                by.Id,
                memberId,
                lines[0].AmountFen,
                reason,
                lines[0].Status == LineStatus.Credited,
                bankReference,
                evidence
            ),
        };
    }
}
