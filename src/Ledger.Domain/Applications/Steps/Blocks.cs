using Ledger.Domain.Funds;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Applications.Steps;

/// <summary>
/// What keeps an application from its approval or payment, in the words of the refusal, and whose turn it is: for
/// whoever waits. <paramref name="Role"/> null: nobody's, it passes with time.
/// </summary>
public sealed record Block(Rejection Why, string? Role);

/// <summary>All that stands in the way at once; the steps themselves refuse one thing after the other.</summary>
public static class Blocks
{
    /// <param name="fund">The application's own, where it is known.</param>
    public static IReadOnlyList<Block> Of(
        Application state,
        bool committeeSigns,
        IReadOnlyList<LeftOutLine> waiting,
        Fund? fund,
        DateOnly today
    ) =>
        state.Status switch
        {
            ApplicationStatus.Filed or ApplicationStatus.Reviewed => OfApproval(state, fund),
            ApplicationStatus.Approved => [new(new Rejection(Rejections.NoticeOpen, "尚未公示"), Roles.VillageFinance)],
            ApplicationStatus.Noticed or ApplicationStatus.Paid when state.With(LineStatus.Approved).Any() => OfPayment(
                state,
                committeeSigns,
                waiting,
                today
            ),
            _ => [],
        };

    private static IReadOnlyList<Block> OfApproval(Application state, Fund? fund)
    {
        var asked = Line.Total(state.OnList());
        return fund?.Pocket(state.SubAccount).Available is { } available && available < asked
            ?
            [
                new(
                    new Rejection(
                        Rejections.FundOverdrawn,
                        $"名单合计 {asked} 元，所用资金可用 {available} 元，还差 {asked - available} 元"
                    ),
                    Roles.VillageFinance
                ),
            ]
            : [];
    }

    private static IReadOnlyList<Block> OfPayment(
        Application state,
        bool committeeSigns,
        IReadOnlyList<LeftOutLine> waiting,
        DateOnly today
    )
    {
        var blocks = new List<Block>();
        void Add(Rejection? why, string? role)
        {
            if (why is not null)
                blocks.Add(new(why, role));
        }
        Add(Pay.Held(state), Roles.Township);
        Add(Pay.Running(state, today), null);
        Add(Pay.Unanswered(state), Roles.Township);
        // The committee signs what is due, not before.
        if (Pay.Open(state, today) is null)
            Add(Pay.Unsigned(state, committeeSigns), Roles.SupervisionCommittee);
        if (waiting.Count > 0)
            Add(
                new Rejection(Rejections.FindingOpen, $"{waiting.Count} 人核查待答复，暂不付款，其余的人照付"),
                Roles.Agency
            );
        return blocks;
    }
}
