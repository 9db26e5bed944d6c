namespace Ledger.Domain.Policies;

/// <summary>A day that comes every year, by its month and its day.</summary>
public sealed record DayOfYear(int Month, int Day)
{
    /// <summary>The 29th of February is the 28th where there is none.</summary>
    public DateOnly In(int year) => new(year, Month, Math.Min(Day, DateTime.DaysInMonth(year, Month)));

    public bool IsIn(int year) => Month is >= 1 and <= 12 && Day >= 1 && Day <= DateTime.DaysInMonth(year, Month);

    /// <summary>As in 03-20.</summary>
    public override string ToString() =>
        string.Create(System.Globalization.CultureInfo.InvariantCulture, $"{Month:00}-{Day:00}");
}

/// <summary>When people pay their own contribution (缴费期): its first and its last day.</summary>
public sealed record ContributionSeason(DayOfYear From, DayOfYear To)
{
    public override string ToString() => $"{From} – {To}";
}

/// <summary>The days of a year on which something is due, as its parameters say it or as is usual.</summary>
public static class DaysOfYear
{
    public const int MostInterestDays = 12;

    /// <summary>
    /// 《人民币利率管理规定》: interest on demand deposits is settled each quarter, on the 20th of its last month; in force where
    /// a policy year says nothing (†).
    /// </summary>
    public static readonly IReadOnlyList<DayOfYear> UsualInterest = [new(3, 20), new(6, 20), new(9, 20), new(12, 20)];

    /// <summary>会计法第十一条: the accounting year is the calendar's; in force where a policy year says nothing
    /// (†).</summary>
    public static readonly DayOfYear UsualClose = new(12, 31);

    /// <summary>What holds in a year: its own, or of one that is not out what held the year before.</summary>
    public static PolicyParameters? Of(this IReadOnlyDictionary<int, PolicyParameters> years, int year) =>
        years.GetValueOrDefault(year) ?? years.GetValueOrDefault(year - 1);

    public static IReadOnlyList<DayOfYear> InterestDaysInForce(this PolicyParameters? p) =>
        p?.InterestDays ?? UsualInterest;

    public static DayOfYear YearCloseInForce(this PolicyParameters? p) => p?.YearClose ?? UsualClose;

    /// <summary>What is no day of that year, or a season that ends before it begins; null: nothing.</summary>
    public static (string Field, string Message)? Fault(int year, PolicyParameters p) =>
        p.ContributionSeason is { } season
        && ((season.From, season.To) is not ({ } from, { } to) || !from.IsIn(year) || !to.IsIn(year))
            ? ("contributionSeason", $"缴费期应写明第一天和最后一天的月、日，{year} 年要有这两天")
        : p.ContributionSeason is { } s && s.To.In(year) < s.From.In(year)
            ? ("contributionSeason", $"缴费期的最后一天 {s.To} 早于第一天 {s.From}")
        : p.InterestDays is { } days
        && (
            days.Count is < 1 or > MostInterestDays
            || days.Any(d => d is null || !d.IsIn(year))
            || days.Distinct().Count() != days.Count
        )
            ? ("interestDays", $"结息日应有1至{MostInterestDays}天，{year} 年要有这些天，不重复")
        : p.YearClose is { } close && !close.IsIn(year) ? ("yearClose", $"{year} 年没有年度结账日 {close} 这一天")
        : null;
}
