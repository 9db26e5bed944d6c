using Ledger.Domain.Identity;

namespace Ledger.Domain.Funds.Steps;

/// <summary>
/// Everything that is available in a sub-account leaves it, for its sources or for the general one: one person asks,
/// another whom he names confirms exactly that (C9, C20). The village asks and its township confirms; the county's
/// incentive is the county's to give back, by two of its own people.
/// </summary>
public static class RestOfPocket
{
    /// <param name="OpenApplication">One that is not over and that this would take the ground from.</param>
    public sealed record Basis(Fund Fund, string SubAccount, string? OpenApplication);

    /// <summary>From this business date on, nothing of it is done by one person; older builds did.</summary>
    public static readonly DateOnly TwoFrom = new(2026, 12, 1);

    public static bool IsAskedBy(string role, string pocket) =>
        role == (pocket == SubAccount.Incentive ? Roles.CountyFinance : Roles.VillageFinance);

    /// <summary>Who may be named as the second person.</summary>
    public static IReadOnlyList<string> Confirmers(string pocket) =>
        pocket == SubAccount.Incentive ? [Roles.CountyFinance, Roles.CountyHrss] : [Roles.Township];

    internal static Rejection? CannotAsk(Basis on, string act, string confirmBy, Actor by) =>
        !IsAskedBy(by.Role, on.SubAccount)
            ? new Rejection(
                Rejections.Forbidden,
                on.SubAccount == SubAccount.Incentive ? $"县级奖补资金由县财政申请{act}" : $"由村级财务申请{act}"
            )
            : FourEyes.Ask(act, confirmBy, by);

    internal static Rejection? CannotConfirm(Basis on, string act, RestAsked? asked, Actor by) =>
        FourEyes.Confirm(act, "这笔余款", [asked?.RequestedBy, asked?.RequestedFor], asked?.ConfirmBy, by) is { } alone
            ? alone
        : !Confirmers(on.SubAccount).Contains(by.Role)
            ? new Rejection(
                Rejections.Forbidden,
                on.SubAccount == SubAccount.Incentive ? "县级奖补资金由县里确认" : "由乡镇（街道）确认"
            )
        : asked!.Fen != on.Fund.Pocket(on.SubAccount).Rest()
            ? new Rejection(
                Rejections.WrongState,
                $"申请{act}时为 {asked.Fen.Length} 元，之后余款有变动，现为 {on.Fund.Pocket(on.SubAccount).Available} 元；请重新申请"
            )
        : null;

    /// <summary>What is under way keeps the money where it is.</summary>
    internal static Rejection? Busy(Basis on, Money reserved, Money inTransit) =>
        !on.Fund.Pocket(on.SubAccount).Available.IsPositive ? new Rejection(Rejections.WrongState, "该子账户没有余款")
        : reserved.IsPositive || inTransit.IsPositive
            ? new Rejection(
                Rejections.WrongState,
                $"尚有已占用 {reserved} 元、在途 {inTransit} 元，付款入账或释放后再办理"
            )
        : on.OpenApplication is { } open ? new Rejection(Rejections.WrongState, $"申请 {open} 尚未办结")
        : null;

    /// <summary>The same again is none.</summary>
    internal static bool IsAsked(Basis on, RestAsked rest) =>
        on.Fund.RestsAsked.GetValueOrDefault(on.SubAccount) is { } asked
        && asked.Evidence.SequenceEqual(rest.Evidence)
        && asked with { Evidence = rest.Evidence, On = rest.On } == rest;
}
