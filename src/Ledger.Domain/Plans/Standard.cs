using Ledger.Domain.Policies;

namespace Ledger.Domain.Plans;

/// <summary>What a member of contribution tier <paramref name="TierFen"/> gets.</summary>
public sealed record TierAmount(Money TierFen, Money AmountFen);

/// <summary>
/// What a member whose age or contribution years lie in [From, To] gets; <paramref name="To"/> null: no upper end.
/// </summary>
public sealed record Band(int From, int? To, Money AmountFen)
{
    public bool Holds(int value) => value >= From && (To is null || value <= To);
}

public enum StandardKind
{
    Flat,
    PerTier,
    PerAgeBand,
    PerContributionYears,
    Combined,
}

/// <summary>
/// What a standard looks at: the tier paid, the age reached in the year, the contribution years so far (累计缴费年限).
/// </summary>
public sealed record LineFacts(Money TierFen, int? Age, int? ContributionYears);

/// <summary>
/// The standard (补助标准) the collective sets itself (C10): one amount for all, or by tier, age band or contribution
/// years; combined it is the sum of its parts, not below <paramref name="FloorFen"/> and not above
/// <paramref name="CeilingFen"/> per person.
/// </summary>
public sealed record Standard(
    StandardKind Kind,
    Money? FlatAmountFen,
    IReadOnlyList<TierAmount> Tiers,
    IReadOnlyList<Band>? Bands = null,
    IReadOnlyList<Standard>? Parts = null,
    Money? FloorFen = null,
    Money? CeilingFen = null
)
{
    public const int MaxParts = 5,
        MaxBands = 50;

    /// <summary>What this person gets, or null when the standard says nothing about them.</summary>
    public Money? AmountFor(LineFacts facts) =>
        Kind switch
        {
            StandardKind.Flat => FlatAmountFen,
            StandardKind.PerTier => Tiers.FirstOrDefault(t => t.TierFen == facts.TierFen)?.AmountFen,
            StandardKind.PerAgeBand => facts.Age is { } age
                ? Bands!.FirstOrDefault(b => b.Holds(age))?.AmountFen
                : null,
            StandardKind.PerContributionYears => facts.ContributionYears is { } years
                ? Bands!.FirstOrDefault(b => b.Holds(years))?.AmountFen
                : null,
            StandardKind.Combined => Combined(facts),
            _ => throw new ArgumentOutOfRangeException(nameof(facts)),
        };

    /// <summary>The smallest amount that it gives anybody to whom it applies; null: it names none.</summary>
    public Money? Least() =>
        Kind switch
        {
            StandardKind.Flat => FlatAmountFen,
            StandardKind.PerTier => Smallest(Tiers.Select(t => t.AmountFen)),
            StandardKind.Combined => FloorFen ?? Smallest(Parts!.Select(p => p.Least()).OfType<Money>()),
            _ => Smallest(Bands!.Select(b => b.AmountFen)),
        };

    private static Money? Smallest(IEnumerable<Money> amounts) =>
        amounts.OrderBy(a => a.Fen).Select(a => (Money?)a).FirstOrDefault();

    /// <summary>Whether an amount depends on the person's age.</summary>
    public bool AsksForAge() => Kind == StandardKind.PerAgeBand || Parts?.Any(p => p.AsksForAge()) == true;

    private Money? Combined(LineFacts facts)
    {
        var amounts = Parts!.Select(p => p.AmountFor(facts)).OfType<Money>().ToList();
        if (amounts.Count == 0 && FloorFen is null)
            return null;
        var sum = Money.Sum(amounts);
        if (FloorFen is { } floor && sum < floor)
            sum = floor;
        return CeilingFen is { } ceiling && sum > ceiling ? ceiling : sum;
    }

    /// <summary>
    /// C10 and C11: amounts are positive, no single amount is above the highest tier, tiers are those of the policy
    /// year.
    /// </summary>
    public Rejection? Fault(PolicyYear policy, string at = "standard")
    {
        var cap = policy.HighestTierFen;
        if (Kind != StandardKind.Flat && FlatAmountFen is not null)
            return Invalid(at, "flatAmount", "只有统一标准写统一金额");
        if (Kind != StandardKind.PerTier && Tiers.Count > 0)
            return Invalid(at, "tiers", "只有分档标准分档次");
        if (Kind is not (StandardKind.PerAgeBand or StandardKind.PerContributionYears) && Bands is { Count: > 0 })
            return Invalid(at, "bands", "只有按年龄或缴费年限的标准分段");
        if (
            Kind != StandardKind.Combined
            && (Parts is { Count: > 0 } || FloorFen is not null || CeilingFen is not null)
        )
            return Invalid(at, "parts", "只有组合标准写组成部分、下限和上限");
        return Kind switch
        {
            StandardKind.Flat => FlatAmountFen is not { IsPositive: true } flat
                ? Invalid(at, "flatAmount", "统一标准须写明每人金额")
            : flat > cap ? Invalid(at, "flatAmount", $"每人 {flat} 元超过当年最高缴费档次 {cap} 元")
            : null,
            StandardKind.PerTier => TiersFault(policy, cap, at),
            StandardKind.Combined => PartsFault(policy, cap, at),
            _ => BandsFault(cap, at),
        };
    }

    private Rejection? TiersFault(PolicyYear year, Money cap, string at)
    {
        if (Tiers.Count == 0)
            return Invalid(at, "tiers", "分档标准须至少写明一个档次");
        if (Tiers.Select(t => t.TierFen).Distinct().Count() != Tiers.Count)
            return Invalid(at, "tiers", "档次不能重复");
        var known = year.Tiers().Select(p => p.TierFen).ToHashSet();
        foreach (var (t, i) in Tiers.Select((t, i) => (t, i)))
        {
            if (!known.Contains(t.TierFen))
                return Invalid(at, $"tiers[{i}].tierAmount", $"{t.TierFen} 元不是当年的缴费档次");
            if (!t.AmountFen.IsPositive || t.AmountFen > cap)
                return Invalid(at, $"tiers[{i}].amount", $"金额应大于零且不超过最高档次 {cap} 元");
        }
        return null;
    }

    private Rejection? BandsFault(Money most, string at)
    {
        if (Bands is not { Count: > 0 and <= MaxBands } bands)
            return Invalid(at, "bands", $"须写明1至{MaxBands}段");
        foreach (var (b, i) in bands.Select((b, i) => (b, i)))
        {
            if (b.From < 0 || b.To < b.From || b.From > 120)
                return Invalid(at, $"bands[{i}].from", "起点应在0至120之间，且不大于终点");
            if (!b.AmountFen.IsPositive || b.AmountFen > most)
                return Invalid(at, $"bands[{i}].amount", $"金额应大于零且不超过最高档次 {most} 元");
            if (bands.Take(i).Any(o => b.From <= (o.To ?? int.MaxValue) && o.From <= (b.To ?? int.MaxValue)))
                return Invalid(at, $"bands[{i}].from", "与前面的分段重叠");
        }
        return null;
    }

    private Rejection? PartsFault(PolicyYear year, Money cap, string at)
    {
        if (Parts is not { Count: > 0 and <= MaxParts } parts)
            return Invalid(at, "parts", $"组合标准须有1至{MaxParts}个组成部分");
        if (
            FloorFen is { IsPositive: false }
            || CeilingFen is { IsPositive: false }
            || FloorFen > CeilingFen
            || CeilingFen > cap
            || FloorFen > cap
        )
            return Invalid(at, "floorAmount", $"下限和上限应大于零，下限不大于上限，且都不超过最高档次 {cap} 元");
        foreach (var (part, i) in parts.Select((p, i) => (p, i)))
        {
            if (part.Kind == StandardKind.Combined)
                return Invalid(at, $"parts[{i}].kind", "组合标准的组成部分不能再是组合标准");
            if (part.Fault(year, $"{at}.parts[{i}]") is { } fault)
                return fault;
        }
        return null;
    }

    private static Rejection Invalid(string at, string field, string message) =>
        new(Rejections.StandardInvalid, message) { Field = $"{at}.{field}" };
}
