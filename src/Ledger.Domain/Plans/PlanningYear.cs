namespace Ledger.Domain.Plans;

/// <summary>
/// For which years a collective prepares: this one, and from 1 October (†) the next, so that survey, meeting and plan
/// are there when the year begins.
/// </summary>
public static class PlanningYear
{
    public const int NextOpensInMonth = 10;

    public static int Latest(DateOnly today) => today.Month >= NextOpensInMonth ? today.Year + 1 : today.Year;

    /// <summary>The years that may be drafted and have no plan yet, the nearest first.</summary>
    public static IReadOnlyList<int> ToDraft(DateOnly today, IEnumerable<int> planned) =>
        [.. Enumerable.Range(today.Year, Latest(today) - today.Year + 1).Except(planned)];

    /// <summary>It is too early for that year; null: it is not.</summary>
    public static Rejection? TooEarly(int year, DateOnly today) =>
        year <= Latest(today)
            ? null
            : new Rejection(
                Rejections.FieldInvalid,
                $"{year} 年度从 {year - 1}-{NextOpensInMonth:00}-01 起办理，现在最晚可办 {Latest(today)} 年度"
            )
            {
                Field = "year",
            };
}
