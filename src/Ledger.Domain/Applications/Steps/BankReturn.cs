using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// The bank sent money back (银行退回, C17): it is reserved again, and the lines can be paid again or withdrawn.
/// </summary>
public static class BankReturn
{
    /// <summary>Changed: application, fund, member-years.</summary>
    /// <param name="Years">Of the lines, by member-year id.</param>
    /// <param name="Earlier">Entries of the fund that share a slip or the reference.</param>
    /// <param name="Returned">Whom an earlier return of this application with this reference named.</param>
    public sealed record Basis(
        Application Application,
        Fund Fund,
        IReadOnlyDictionary<string, MemberYear> Years,
        IReadOnlyList<EarlierEntry> Earlier,
        IReadOnlyCollection<string> Returned
    );

    /// <param name="confirmed">Why it is not the entry that a question named.</param>
    public static Decision<Application> Decide(
        Basis on,
        IReadOnlyList<string> memberIds,
        string bankReference,
        string reason,
        IReadOnlyList<string> evidence,
        string? confirmed,
        Actor by
    )
    {
        var (application, fund) = (on.Application, on.Fund);
        var decision = Move(application, memberIds, bankReference, reason, evidence, by);
        if (decision.Rejection is not null)
            return decision;
        var named = memberIds.ToHashSet();
        var earlier = SameMoney.Among(on.Earlier, fund, Booking.BankReturn, named, on.Returned);
        if (SameMoney.Refusal(earlier, confirmed) is { } asked)
            return asked;
        var lines = application.Lines.Where(l => named.Contains(l.MemberId)).ToList();
        var back = FundDecider.ReturnPayment(
            fund,
            application.Id,
            Line.Total(lines),
            lines.Count,
            bankReference,
            evidence
        );
        return decision with
        {
            Also =
            [
                Change.Of(fund, back.Events),
                .. application.EachYear(lines, on.Years, l => new SubsidyReturned(application.Id, l.AmountFen)),
            ],
            Confirmed = SameMoney.Confirmed(earlier, confirmed),
        };
    }

    /// <summary>The application's own part: its lines are approved and unpaid again.</summary>
    public static Decision<Application> Move(
        Application state,
        IReadOnlyList<string> memberIds,
        string bankReference,
        string reason,
        IReadOnlyList<string> evidence,
        Actor by
    )
    {
        if (state.NotIn(ApplicationStatus.Paid) is { } wrong)
            return wrong;
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "银行退回须附退汇凭证") { Field = "evidence" };
        var (lines, fault) = state.LinesOf(memberIds, "已付款而未入账", LineStatus.Paid);
        if (fault is not null)
            return fault;
        return lines
            .Chunk(PaymentReturned.MaxMembers)
            .Select(c => new PaymentReturned(
                by.Id,
                [.. c.Select(l => l.MemberId)],
                Line.Total(c),
                bankReference,
                reason,
                evidence
            ))
            .ToArray<IEventOf<Application>>();
    }
}
