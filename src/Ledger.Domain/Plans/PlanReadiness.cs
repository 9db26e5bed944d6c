using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Pilots;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Plans;

/// <summary>
/// What would be refused later, told before the work is done: each in the words and under the code of the refusal, in
/// the order in which it is mended.
/// </summary>
public static class PlanReadiness
{
    /// <summary>Before a plan of the year is drafted.</summary>
    public static IReadOnlyList<Rejection> BeforeDraft(int year, Collective collective, Pilot? pilot, Fund? fund) =>
        Known(
            PilotDecider.Refusal(pilot, Identity.RegionCode.County(collective.Region)),
            PlanDecider.Unsurveyed(collective, year),
            fund is null || fund.Pocket(SubAccount.General).Available.IsPositive
                ? null
                : new Rejection(Rejections.FundOverdrawn, "专户还没有可用的通用资金，方案通过后申请审批不了")
        );

    /// <summary>Before the latest version is adopted, or applied by.</summary>
    public static IReadOnlyList<Rejection> BeforeAdoption(
        Plan plan,
        Collective collective,
        Pilot? pilot,
        PolicyYear policy,
        Fund? fund
    ) =>
        Known(
            PilotDecider.Refusal(pilot, Identity.RegionCode.County(plan.Region)),
            PlanDecider.Unsurveyed(collective, plan.Year),
            plan.AdoptedVersion == plan.LatestVersion() ? null : PlanDecider.Undecided(plan),
            plan.AdoptedVersion == plan.LatestVersion() || plan.LatestResolution is null
                ? null
                : PlanDecider.Unsigned(plan, policy),
            plan.AdoptedVersion == plan.LatestVersion() || plan.LatestResolution is null
                ? null
                : PlanDecider.Uncountersigned(plan, policy),
            fund is null ? null : Lacking(plan, collective, fund)
        );

    /// <summary>
    /// What the fund lacks at the least: the surveyed payers, each with the smallest amount that the standard gives.
    /// What it is exactly says the trial (<see cref="DryRun"/>).
    /// </summary>
    private static Rejection? Lacking(Plan plan, Collective collective, Fund fund)
    {
        var available = fund.Pocket(SubAccount.General).Available + fund.ReservedFen + fund.InTransitFen;
        if (
            !collective.Surveys.TryGetValue(plan.Year, out var survey)
            || plan.Versions[^1].Standard.Least() is not { } least
        )
            return null;
        var needed = new Money(least.Fen * survey.Payers);
        return needed <= available
            ? null
            : new Rejection(
                Rejections.FundOverdrawn,
                $"按摸底的缴费人数 {survey.Payers} 人、每人至少 {least} 元，至少要 {needed} 元，"
                    + $"专户有 {available} 元，还差 {needed - available} 元"
            )
            {
                LeftAmount = available,
            };
    }

    private static IReadOnlyList<Rejection> Known(params Rejection?[] faults) => [.. faults.OfType<Rejection>()];
}
