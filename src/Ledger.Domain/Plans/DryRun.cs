using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Members;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Plans;

/// <summary>
/// What the standard would give one person; <paramref name="Code"/> and <paramref name="Message"/> say why not, or why
/// not all of it.
/// </summary>
public sealed record DryRunLine(string MemberId, Money? AmountFen, string? Code, string? Message, Money? CapLeftFen);

/// <summary>
/// A trial of a standard before it is adopted (试算, C10, C11): cost, who is over the cap, who is ineligible and why,
/// what the fund lacks. It stores nothing.
/// </summary>
public sealed record DryRun(
    IReadOnlyList<DryRunLine> Payable,
    IReadOnlyList<DryRunLine> OverCap,
    IReadOnlyList<DryRunLine> Ineligible,
    Money CostFen,
    Money AvailableFen
)
{
    /// <summary>What is missing in the fund's general sub-account.</summary>
    public Money LackingFen => CostFen > AvailableFen ? CostFen - AvailableFen : Money.Zero;

    /// <summary>Nobody has paid for the year yet: it is January, or next year's plan.</summary>
    public static bool NobodyPaid(IReadOnlyDictionary<string, MemberYear> years) =>
        years.Values.All(y => y.Contributions.Length == 0);

    /// <summary>
    /// Where nobody has paid yet, whoever paid the year before stands for who will: with a year more to his count, and
    /// with nothing of the new year's cap used but what is used of it.
    /// </summary>
    /// <param name="years">The plan's year, by member id.</param>
    /// <param name="before">The year before it, by member id.</param>
    public static IReadOnlyDictionary<string, MemberYear> Likely(
        IReadOnlyDictionary<string, MemberYear> years,
        IReadOnlyDictionary<string, MemberYear> before
    )
    {
        var likely = years.ToDictionary();
        foreach (var (member, paid) in before.Where(y => y.Value.Contributions.Length > 0))
            likely[member] = (years.GetValueOrDefault(member) ?? new MemberYear()) with
            {
                Contributions =
                [
                    .. paid.Contributions.Select(c => c with { ContributionYears = c.ContributionYears + 1 }),
                ],
            };
        return likely;
    }

    /// <param name="years">By member id.</param>
    /// <param name="ages">Age reached in the year, by member id.</param>
    public static DryRun Of(
        Standard standard,
        Lineage lineage,
        IEnumerable<Member> members,
        IReadOnlyDictionary<string, MemberYear> years,
        IReadOnlyDictionary<string, int> ages,
        AgeLimits limits,
        Money cap,
        Money available,
        bool governmentPaidOpens = false
    )
    {
        var (payable, overCap, ineligible) = (new List<DryRunLine>(), new List<DryRunLine>(), new List<DryRunLine>());
        foreach (var member in members)
        {
            var own = years.GetValueOrDefault(member.Id);
            if (
                (
                    MemberYearDecider.Ineligible(member, own, lineage, null, governmentPaidOpens)
                    ?? limits.Fault(ages.TryGetValue(member.Id, out var age) ? age : null)
                ) is
                { } why
            )
            {
                ineligible.Add(new DryRunLine(member.Id, null, why.Code.Code, why.Message, null));
                continue;
            }
            var (facts, _) = Roster.Facts(own!, member, lineage.Members, ages, governmentPaidOpens);
            var left = cap - own!.CapUsed();
            if (standard.AmountFor(facts) is not { } amount)
                ineligible.Add(
                    new DryRunLine(member.Id, null, Rejections.StandardInvalid.Code, "补助标准不适用于此人", left)
                );
            else if (MemberYearDecider.OverCap(own.CapUsed(), amount, cap) is { } over)
                overCap.Add(new DryRunLine(member.Id, amount, over.Code.Code, over.Detail, over.LeftAmount));
            else
                payable.Add(new DryRunLine(member.Id, amount, null, null, left));
        }
        return new DryRun(payable, overCap, ineligible, Money.Sum(payable.Select(l => l.AmountFen!.Value)), available);
    }
}
