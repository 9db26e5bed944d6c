using Ledger.Domain.Identity;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// Whose turn it is in an application, and for what, in the words of the page. <paramref name="By"/>: which of its
/// deadlines it has to keep; null: none runs. A rule of nobody's: it tells what the steps would let through next.
/// </summary>
public sealed record Turn(string Role, string What, DeadlineKind? By)
{
    /// <param name="blocks">What stands in its way: whoever can take it away comes first.</param>
    /// <returns>Null: nobody's, the application is over or a day has to pass.</returns>
    public static Turn? Of(Application state, IReadOnlyList<Block> blocks) =>
        state.Status switch
        {
            ApplicationStatus.Filed => new(Roles.Agency, "逐行复核", DeadlineKind.Review),
            ApplicationStatus.Reviewed => new(Roles.Agency, "由复核人以外的另一人审批", DeadlineKind.Review),
            ApplicationStatus.Returned => new(Roles.VillageFinance, "补正名单后重新提交", null),
            ApplicationStatus.Approved => new(Roles.VillageFinance, "公示名单", DeadlineKind.Payment),
            ApplicationStatus.Noticed or ApplicationStatus.Paid when state.With(LineStatus.Approved).Any() => OfPayment(
                blocks
            ),
            ApplicationStatus.Paid when state.With(LineStatus.Paid).Any() => new(
                Roles.Agency,
                "导入入账回执",
                DeadlineKind.Credit
            ),
            ApplicationStatus.Paid => new(Roles.Agency, "办结", null),
            _ => null,
        };

    private static Turn? OfPayment(IReadOnlyList<Block> blocks)
    {
        // Who waits for an answer to a finding is passed over: the others are paid.
        var stops = blocks.Where(b => b.Why.Code != Rejections.FindingOpen).ToList();
        if (stops.Count == 0)
            return new(Roles.VillageFinance, "付款并登记", DeadlineKind.Payment);
        if (stops.FirstOrDefault(b => b.Role is not null) is not { Role: { } role, Why.Code: var why })
            return null;
        return why == Rejections.PaymentHeld ? new(role, "处理叫停", DeadlineKind.HoldDecision)
            : why == Rejections.NoticeOpen ? new(role, "答复未决异议", DeadlineKind.ObjectionAnswer)
            : new(role, "签署付款", DeadlineKind.Payment);
    }
}
