using Ledger.Domain.Funds;
using Ledger.Domain.Funds.Steps;
using Ledger.Domain.Identity;

namespace Ledger.Domain.Tests;

/// <summary>The rest of a sub-account goes, by two: both steps in one.</summary>
internal static class Rests
{
    public static readonly string[] Slip = [new string('0', 64)];
    public static readonly DateOnly Day = new(2026, 12, 1);

    private static (Actor By, Actor Second) Two(string pocket) =>
        pocket == SubAccount.Incentive
            ? (Given.Actor("finance", Roles.CountyFinance), Given.Actor("hrss", Roles.CountyHrss))
            : (Given.Actor("village", Roles.VillageFinance), Given.Actor("township", Roles.Township));

    public static Decision<Fund> Returned(Fund fund, string? open = null, string pocket = SubAccount.General)
    {
        var (by, second) = Two(pocket);
        return Both(
            fund,
            ReturnSurplus.Request(new(fund, pocket, open), second.Id, "终止", Slip, Day, by),
            asked => ReturnSurplus.Confirm(new(asked, pocket, open), second)
        );
    }

    public static Decision<Fund> Lifted(Fund fund, string pocket)
    {
        var (by, second) = Two(pocket);
        return Both(
            fund,
            LiftEarmark.Request(new(fund, pocket, null), second.Id, Slip, Day, by),
            asked => LiftEarmark.Confirm(new(asked, pocket, null), second)
        );
    }

    private static Decision<Fund> Both(Fund fund, Decision<Fund> asked, Func<Fund, Decision<Fund>> confirm) =>
        asked.Rejection is not null
            ? asked
            : new Decision<Fund>([.. asked.Events, .. confirm(fund.And(fund.Id, asked.Events)!).Then()], null);
}
