using Ledger.Domain.Identity;
using Ledger.Domain.Policies;

namespace Ledger.Domain.Tasks;

/// <summary>What stands in a calendar.</summary>
public enum CalendarKind
{
    SeasonBegins,
    SeasonEnds,
    InterestDay,
    NoticeEnds,
    YearClose,
    Unsettled,
    Unspent,

    /// <summary>The last day of something that waits for whoever looks (<see cref="CalendarEntry.Task"/>).</summary>
    Task,
}

/// <summary>Who has it in his calendar, where it leads and what it says. Ids as in <see cref="TaskRule"/>.</summary>
public sealed record CalendarRule(CalendarKind Kind, IReadOnlyList<string> Roles, string Path, string What);

/// <summary>Something that is due on a day, or happens on it.</summary>
/// <param name="Subject">Id of what it is about; of a day of the policy year, its region.</param>
/// <param name="Count">How many things it is.</param>
/// <param name="Year">Which business year it is about.</param>
/// <param name="Task">What waits, of which it is the last day.</param>
public sealed record CalendarEntry(
    CalendarKind Kind,
    DateOnly On,
    string Subject,
    string Region,
    int Count = 1,
    int? Year = null,
    WorkTask? Task = null
)
{
    public string What => Task?.Rule.What ?? TaskCalendar.Of(Kind).What;

    public string Path =>
        Task?.Path
        ?? TaskCalendar
            .Of(Kind)
            .Path.Replace("{id}", Subject, StringComparison.Ordinal)
            .Replace("{region}", Region, StringComparison.Ordinal)
            .Replace("{year}", $"{Year}", StringComparison.Ordinal);

    /// <summary>
    /// The same as long as it is the same thing, also when its day is moved. What comes once a year, or quarter, is
    /// another each time.
    /// </summary>
    public string Key =>
        Task is { } t ? $"{t.Kind} {t.Subject} {t.Since?.ToUnixTimeSeconds()}"
        : Kind == CalendarKind.InterestDay ? $"{Kind} {Subject} {On:yyyy-MM-dd}"
        : $"{Kind} {Subject} {Year}";
}

/// <summary>
/// The calendar (办理日历): what is due for somebody on which day. Derived as tasks are, of the policy year's days, of what
/// waits for him and of what runs in his region; what is done is gone.
/// </summary>
public static class TaskCalendar
{
    private const string OfYear = "/policy-years?year={year}&region={region}";
    private static readonly string[] Village = [Roles.VillageFinance],
        Local = [Roles.VillageFinance, Roles.Township],
        Payers = [Roles.VillageFinance, Roles.Township, Roles.Agency, Roles.CountyTax];

    /// <summary>All kinds but tasks, which have <see cref="TaskRules"/>.</summary>
    public static readonly IReadOnlyList<CalendarRule> All =
    [
        new(CalendarKind.SeasonBegins, Payers, OfYear, "缴费期开始，动员缴费"),
        new(CalendarKind.SeasonEnds, Payers, OfYear, "缴费期最后一天"),
        new(CalendarKind.InterestDay, Village, "/funds/{id}", "银行结息日，入账后登记利息"),
        new(CalendarKind.NoticeEnds, Local, "/applications/{id}", "公示最后一天"),
        new(CalendarKind.YearClose, Local, OfYear, "年度结账日"),
        new(CalendarKind.Unsettled, Local, "/applications", "年度结账日以前，办结本年度的申请"),
        new(CalendarKind.Unspent, Village, "/funds/{id}", "年度结账日以前，核对专户里没有用完的资金"),
    ];

    private static readonly IReadOnlyDictionary<CalendarKind, CalendarRule> ByKind = All.ToDictionary(r => r.Kind);

    public static CalendarRule Of(CalendarKind kind) => ByKind[kind];

    public static bool IsFor(CalendarKind kind, string role) => ByKind[kind].Roles.Contains(role);

    /// <summary>A notice that runs, or whose payment waits.</summary>
    public sealed record Notice(string ApplicationId, string Region, int Year, DateOnly Until);

    /// <summary>Of his region, what his role may have in its calendar; other roles' may stand among it.</summary>
    /// <param name="PolicyRegion">Whose policy years hold there: a county, or a city.</param>
    /// <param name="Years">Those that are out; of the others holds what held the year before, else the usual.</param>
    /// <param name="Tasks">What waits for him.</param>
    /// <param name="OpenYears">Of each application that is not over, its year.</param>
    public sealed record Basis(
        string PolicyRegion,
        IReadOnlyDictionary<int, PolicyParameters> Years,
        IReadOnlyList<WorkTask> Tasks,
        IReadOnlyList<Notice> Notices,
        IReadOnlyList<FundInterest> Funds,
        IReadOnlyList<int> OpenYears
    )
    {
        public PolicyParameters? Of(int year) => Years.Of(year);
    }

    /// <returns>From the first to the last day, both included, by day.</returns>
    public static IReadOnlyList<CalendarEntry> Of(Basis on, Actor by, DateOnly from, DateOnly to, DateOnly today) =>
        [
            .. Days(on, by, from, to, today)
                .Concat(Interest(on, from, to, today))
                .Concat(
                    on.Notices.Select(n => new CalendarEntry(
                        CalendarKind.NoticeEnds,
                        n.Until,
                        n.ApplicationId,
                        n.Region,
                        Year: n.Year
                    ))
                )
                .Where(e => IsFor(e.Kind, by.Role))
                .Concat(on.Tasks.Where(t => t.Due is not null).Select(Of))
                .Where(e => from <= e.On && e.On <= to)
                .OrderBy(e => e.On)
                .ThenBy(e => e.Kind)
                .ThenBy(e => e.Key, StringComparer.Ordinal),
        ];

    private static CalendarEntry Of(WorkTask t) =>
        new(CalendarKind.Task, t.Due!.Value, t.Subject, t.Region, t.Count, t.Year, t);

    /// <summary>What should have been done before today, in whatever month: the oldest first.</summary>
    public static IReadOnlyList<CalendarEntry> Missed(IEnumerable<WorkTask> tasks, DateOnly today) =>
        [.. tasks.Where(t => t.At(today) == TaskUrgency.Missed).Select(Of).OrderBy(e => e.On)];

    /// <summary>What the policy years say, and what is open when the year closes: of years that have begun.</summary>
    private static IEnumerable<CalendarEntry> Days(Basis on, Actor by, DateOnly from, DateOnly to, DateOnly today)
    {
        for (var year = from.Year; year <= to.Year; year++)
        {
            CalendarEntry Day(CalendarKind kind, DateOnly day) =>
                new(kind, day, on.PolicyRegion, on.PolicyRegion, Year: year);

            if (on.Of(year)?.ContributionSeason is { } season)
            {
                yield return Day(CalendarKind.SeasonBegins, season.From.In(year));
                yield return Day(CalendarKind.SeasonEnds, season.To.In(year));
            }
            var close = on.Of(year).YearCloseInForce().In(year);
            yield return Day(CalendarKind.YearClose, close);
            if (year > today.Year)
                continue;
            if (on.OpenYears.Count(y => y <= year) is > 0 and var open)
                yield return Day(CalendarKind.Unsettled, close) with
                {
                    Region = by.Region,
                    Count = open,
                };
            foreach (var fund in on.Funds.Where(f => f.HasMoney && f.MoneySince <= close))
                yield return new CalendarEntry(CalendarKind.Unspent, close, fund.FundId, fund.Region, Year: year);
        }
    }

    /// <summary>The days to come, of funds with money; of those that are past, where nothing is registered.</summary>
    private static IEnumerable<CalendarEntry> Interest(Basis on, DateOnly from, DateOnly to, DateOnly today)
    {
        var days = InterestDays.Around(on.Of, from, to);
        for (var i = 1; i < days.Count; i++)
        {
            var (day, before) = (days[i], days[i - 1]);
            foreach (var f in on.Funds)
                if (day > today ? f.HasMoney : f.IsMissing(day, before))
                    yield return new CalendarEntry(CalendarKind.InterestDay, day, f.FundId, f.Region, Year: day.Year);
        }
    }
}
