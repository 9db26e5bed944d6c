using Ledger.Domain.Policies;

namespace Ledger.Domain.Tasks;

/// <summary>What of a fund says whether its bank has posted interest that nobody has registered (L17).</summary>
/// <param name="MoneySince">The first day on which money lay there; null: none yet.</param>
/// <param name="MovedOn">The last day on which money came, went or was promised.</param>
/// <param name="InterestOn">The last day of the interest that is registered, and was not taken back.</param>
/// <param name="HasMoney">There is some on its bank account now.</param>
public sealed record FundInterest(
    string FundId,
    string Region,
    DateOnly? MoneySince,
    DateOnly? MovedOn,
    DateOnly? InterestOn,
    bool HasMoney
)
{
    /// <summary>Days after an interest day within which its interest is to be registered (†).</summary>
    public const int WithinDays = 10;

    /// <summary>
    /// For money of the quarter that ended on <paramref name="day"/> nothing is registered. An account that was empty
    /// for all of it bears none.
    /// </summary>
    /// <param name="before">The interest day before that one.</param>
    public bool IsMissing(DateOnly day, DateOnly before) =>
        MoneySince < day && !(InterestOn >= day) && (HasMoney || MovedOn > before);
}

/// <summary>The days on which banks settle interest, as policy years say them.</summary>
public static class InterestDays
{
    /// <param name="of">A year's parameters; null: not said, the usual days.</param>
    /// <returns>Rising, from the year before <paramref name="from"/> to that of <paramref name="to"/>.</returns>
    public static IReadOnlyList<DateOnly> Around(Func<int, PolicyParameters?> of, DateOnly from, DateOnly to) =>
        [
            .. Enumerable
                .Range(from.Year - 1, to.Year - from.Year + 2)
                .SelectMany(year => of(year).InterestDaysInForce().Select(d => d.In(year)))
                .Distinct()
                .Order(),
        ];

    /// <summary>The last one, today included, and the one before it; null: there is none.</summary>
    public static (DateOnly Day, DateOnly Before)? Last(Func<int, PolicyParameters?> of, DateOnly today) =>
        Around(of, today.AddYears(-1), today).Where(d => d <= today).TakeLast(2).ToList() is [var before, var day]
            ? (day, before)
            : null;

    /// <summary>What waits: of the last interest day alone, an older one's is in what the bank posts next.</summary>
    public static WorkTask? Task(FundInterest fund, Func<int, PolicyParameters?> of, DateOnly today) =>
        Last(of, today) is var (day, before) && fund.IsMissing(day, before)
            ? new WorkTask(
                TaskKind.InterestRegistration,
                fund.FundId,
                fund.Region,
                new DateTimeOffset(day.ToDateTime(default), Clock.Offset),
                day.AddDays(FundInterest.WithinDays),
                Year: day.Year
            )
            : null;
}
