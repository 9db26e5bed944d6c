using Ledger.Domain.Members;
using Ledger.Domain.Plans;

namespace Ledger.Domain.Policies;

/// <summary>
/// A subsidy as it was, and what another policy would have made of it; <paramref name="ReplayedFen"/> null: refused.
/// </summary>
public sealed record ReplayedLine(
    string MemberYearId,
    string ApplicationId,
    Money ActualFen,
    Money? ReplayedFen,
    string? Code
);

/// <summary>
/// "What would have been refused or paid had the cap or the standard been X" over a year's approvals. A report; it
/// stores nothing.
/// </summary>
public sealed record PolicyReplay(
    Money ActualFen,
    Money ReplayedFen,
    int Lines,
    int Refused,
    IReadOnlyList<ReplayedLine> Changed
)
{
    /// <param name="years">The member-years of one contribution year; their subsidies stand in the order of
    /// approval.</param>
    /// <param name="cap">Instead of the highest tier.</param>
    /// <param name="standard">Instead of the collectives' own; null: the amounts stay.</param>
    /// <param name="ages">Age reached in the year, by member-year id, where the standard asks for it.</param>
    public static PolicyReplay Of(
        IEnumerable<MemberYear> years,
        Money cap,
        Standard? standard,
        IReadOnlyDictionary<string, int> ages
    )
    {
        var lines = new List<ReplayedLine>();
        foreach (var year in years)
        {
            var used = Money.Sum(year.Sponsorships.Select(s => s.AmountFen));
            foreach (var subsidy in year.Subsidies.Where(s => s.Counts()))
            {
                var regular = year.Opening(subsidy.OnGovernmentPaid);
                var amount =
                    standard is null || regular is null
                        ? subsidy.AmountFen
                        : standard.AmountFor(
                            new LineFacts(
                                regular.TierFen,
                                ages.TryGetValue(year.Id, out var age) ? age : null,
                                regular.ContributionYears
                            )
                        );
                var code = amount is null
                    ? Rejections.StandardInvalid.Code
                    : MemberYearDecider.OverCap(used, amount.Value, cap)?.Code.Code;
                if (code is null)
                    used += amount!.Value;
                lines.Add(
                    new ReplayedLine(
                        year.Id,
                        subsidy.ApplicationId,
                        subsidy.AmountFen,
                        code is null ? amount : null,
                        code
                    )
                );
            }
        }
        return new PolicyReplay(
            Money.Sum(lines.Select(l => l.ActualFen)),
            Money.Sum(lines.Select(l => l.ReplayedFen ?? Money.Zero)),
            lines.Count,
            lines.Count(l => l.Code is not null),
            [.. lines.Where(l => l.ReplayedFen != l.ActualFen)]
        );
    }
}
