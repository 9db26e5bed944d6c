using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// The agency confirms by receipt what it credited to personal accounts (记入个人账户, C17); never whoever paid.
/// </summary>
public static class Credit
{
    /// <summary>Changed: application, fund, member-years.</summary>
    /// <param name="Years">Of the lines, by member-year id.</param>
    public sealed record Basis(Application Application, Fund Fund, IReadOnlyDictionary<string, MemberYear> Years);

    /// <param name="digest">SHA-256 of the agency's file.</param>
    /// <param name="matches">Rows that fit a paid line to the fen (<see cref="Receipt.Match"/>).</param>
    /// <param name="unmatched">Rows that do not: they stay on record with the application.</param>
    public static Decision<Application> Decide(
        Basis on,
        string digest,
        IReadOnlyList<ReceiptMatch> matches,
        IReadOnlyList<UnmatchedReceipt> unmatched,
        Actor by
    )
    {
        var (application, fund) = (on.Application, on.Fund);
        var decision = Move(application, digest, matches, unmatched, by);
        if (decision.Rejection is not null)
            return decision;
        var rows = matches.ToDictionary(m => m.Line.MemberId, m => m.Row);
        var lines = matches.Select(m => m.Line).ToList();
        return decision with
        {
            Also =
            [
                Change.Of(fund, FundDecider.Credit(fund, application.Id, Line.Total(lines), lines.Count).Events),
                .. application.EachYear(
                    lines,
                    on.Years,
                    l => new SubsidyCredited(
                        application.Id,
                        l.AmountFen,
                        rows[l.MemberId].CreditedOn,
                        rows[l.MemberId].ReceiptNumber
                    )
                ),
            ],
        };
    }

    /// <summary>The application's own part, in chunks that fit a log entry.</summary>
    public static Decision<Application> Move(
        Application state,
        string digest,
        IReadOnlyList<ReceiptMatch> matches,
        IReadOnlyList<UnmatchedReceipt> unmatched,
        Actor by
    )
    {
        if (by.IsAmong(state.Payers))
            return new Rejection(Rejections.SelfApproval, "付款人不能确认自己付款的回执");
        var chunks = matches
            .Chunk(ReceiptConfirmed.MaxRows)
            .Select(c => new ReceiptConfirmed(
                by.Id,
                digest,
                Money.Sum(c.Select(m => m.Line.AmountFen)),
                [.. c.Select(m => m.Line.MemberId)],
                []
            ))
            .Concat(
                unmatched
                    .Chunk(ReceiptConfirmed.MaxRows)
                    .Select(c => new ReceiptConfirmed(by.Id, digest, Money.Zero, [], c))
            );
        return chunks.ToArray<IEventOf<Application>>();
    }
}
