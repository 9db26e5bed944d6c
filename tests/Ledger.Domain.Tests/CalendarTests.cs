using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Ledger.Domain.Tasks;

namespace Ledger.Domain.Tests;

/// <summary>What is due on which day (办理日历), by policy years, funds, notices and tasks alone.</summary>
public sealed class CalendarTests
{
    private const string Village = "370811102201",
        County = "370811",
        Fund = "fund-1";
    private static readonly DateOnly Today = new(2026, 11, 29);
    private static readonly PolicyParameters Usual = new(
        new DateOnly(2026, 1, 1),
        [new ContributionTier(new Money(30_000), Money.Zero)],
        262,
        7,
        QuorumRule.Law
    );
    private static readonly FundInterest Used = new(
        Fund,
        Village,
        MoneySince: new DateOnly(2026, 3, 1),
        MovedOn: new DateOnly(2026, 8, 1),
        InterestOn: null,
        HasMoney: true
    );
    private static readonly TaskCalendar.Basis Nothing = new(
        County,
        new Dictionary<int, PolicyParameters>(),
        [],
        [],
        [],
        []
    );

    private static DateOnly Day(string day) => DateOnly.ParseExact(day, "yyyy-MM-dd");

    private static PolicyParameters? None(int year) => null;

    /// <summary>As <c>day kind</c>.</summary>
    private static string[] Told(TaskCalendar.Basis on, string role, string from, string to) =>
        [
            .. TaskCalendar
                .Of(on, Given.Actor("li", role), Day(from), Day(to), Today)
                .Select(e => $"{e.On:yyyy-MM-dd} {e.Kind}{(e.Count > 1 ? $" {e.Count}" : "")}"),
        ];

    [Fact]
    public void L17_interest_that_nobody_registered_since_the_last_interest_day_waits_until_somebody_does()
    {
        var task = InterestDays.Task(Used, None, Today)!;
        Assert.Equal(
            (TaskKind.InterestRegistration, Fund, Day("2026-09-30"), 2026),
            (task.Kind, task.Subject, task.Due, task.Year)
        );
        Assert.Equal(TaskUrgency.Missed, task.At(Today));
        Assert.Equal("/funds/fund-1/allocations/new?source=bank-interest", task.Path);
        // On the day itself it waits, the day before it did for the quarter before.
        Assert.Equal(Day("2026-09-30"), InterestDays.Task(Used, None, Day("2026-09-20"))!.Due);
        Assert.Equal(Day("2026-06-30"), InterestDays.Task(Used, None, Day("2026-09-19"))!.Due);
        // In January the last one is of the year before.
        Assert.Equal(Day("2026-12-30"), InterestDays.Task(Used, None, Day("2027-01-05"))!.Due);
        Assert.Null(InterestDays.Task(Used with { InterestOn = Day("2026-09-21") }, None, Today));
        Assert.NotNull(InterestDays.Task(Used with { InterestOn = Day("2026-09-19") }, None, Today));
    }

    [Fact]
    public void L17_no_interest_is_asked_of_a_fund_that_held_nothing_in_the_quarter()
    {
        FundInterest Of(string? since, string? moved, bool hasMoney) =>
            Used with
            {
                MoneySince = since is null ? null : Day(since),
                MovedOn = moved is null ? null : Day(moved),
                HasMoney = hasMoney,
            };
        Assert.Null(InterestDays.Task(Of(null, null, false), None, Today));
        // The money came on the day, or later.
        Assert.Null(InterestDays.Task(Of("2026-09-20", "2026-09-20", true), None, Today));
        Assert.NotNull(InterestDays.Task(Of("2026-09-19", "2026-09-19", true), None, Today));
        // All of it went in the quarter before, in this one.
        Assert.Null(InterestDays.Task(Of("2026-03-01", "2026-06-20", false), None, Today));
        Assert.NotNull(InterestDays.Task(Of("2026-03-01", "2026-06-21", false), None, Today));
    }

    [Fact]
    public void L17_the_days_are_those_of_the_policy_year_and_the_usual_ones_where_it_says_nothing()
    {
        var own = Usual with { InterestDays = [new(6, 21), new(12, 21)] };
        PolicyParameters? Of(int year) => year == 2026 ? own : null;
        Assert.Equal((Day("2026-06-21"), Day("2025-12-20")), InterestDays.Last(Of, Today));
        Assert.Equal((Day("2026-09-20"), Day("2026-06-20")), InterestDays.Last(None, Today));
        Assert.Equal((Day("2025-12-20"), Day("2025-09-20")), InterestDays.Last(Of, Day("2026-01-01")));
    }

    [Fact]
    public void L17_a_calendar_has_the_interest_days_to_come_and_those_that_are_past_until_they_are_registered()
    {
        var on = Nothing with { Funds = [Used] };
        string[] all = ["2026-06-20 InterestDay", "2026-09-20 InterestDay", "2026-12-20 InterestDay"];
        Assert.Equal(all, Told(on, Roles.VillageFinance, "2026-06-01", "2026-12-30"));
        var registered = Nothing with { Funds = [Used with { InterestOn = Day("2026-09-21") }] };
        Assert.Equal(all[2..], Told(registered, Roles.VillageFinance, "2026-06-01", "2026-12-30"));
        // Empty, it is asked for nothing to come.
        var empty = Nothing with
        {
            Funds = [Used with { HasMoney = false }],
        };
        Assert.Equal(all[..2], Told(empty, Roles.VillageFinance, "2026-06-01", "2026-12-30"));
        foreach (var role in Roles.Everybody.Except([Roles.VillageFinance]))
            Assert.Empty(Told(on, role, "2026-06-01", "2026-12-30"));
    }

    [Fact]
    public void C6_the_season_stands_in_the_calendar_of_whoever_sees_to_it_that_people_pay()
    {
        var on = Nothing with
        {
            Years = new Dictionary<int, PolicyParameters>
            {
                [2026] = Usual with { ContributionSeason = new(new(1, 1), new(6, 30)) },
            },
        };
        string[] season = ["2026-01-01 SeasonBegins", "2026-06-30 SeasonEnds"];
        foreach (var role in new[] { Roles.VillageFinance, Roles.Township, Roles.Agency, Roles.CountyTax })
            Assert.Equal(season, Told(on, role, "2026-01-01", "2026-06-30"));
        Assert.Empty(Told(on, Roles.Auditor, "2026-01-01", "2026-12-31"));
        Assert.Empty(Told(Nothing, Roles.Agency, "2026-01-01", "2026-06-30"));
        // The last day is included, the one after it is not.
        Assert.Equal(season[..1], Told(on, Roles.Agency, "2026-01-01", "2026-06-29"));
        // Until the next year is out, what held in this one holds.
        Assert.Equal(["2027-01-01 SeasonBegins"], Told(on, Roles.Agency, "2027-01-01", "2027-06-29"));
        var entry = TaskCalendar.Of(on, Given.Actor("li"), Day("2026-01-01"), Day("2026-01-31"), Today)[0];
        Assert.Equal("/policy-years?year=2026&region=370811", entry.Path);
    }

    [Fact]
    public void C24_what_is_not_settled_when_the_year_closes_is_said_on_that_day()
    {
        var on = Nothing with { Funds = [Used with { InterestOn = Today }], OpenYears = [2026, 2026, 2025, 2027] };
        string[] close = ["2026-12-31 YearClose", "2026-12-31 Unsettled 3"];
        Assert.Equal([.. close, "2026-12-31 Unspent"], Told(on, Roles.VillageFinance, "2026-12-31", "2026-12-31"));
        Assert.Equal(close, Told(on, Roles.Township, "2026-12-31", "2026-12-31"));
        // When all is settled and used, the day alone; of a year that has not begun, nobody knows.
        Assert.Equal(close[..1], Told(Nothing, Roles.Township, "2026-12-31", "2026-12-31"));
        Assert.Equal(["2027-12-31 YearClose"], Told(on, Roles.Township, "2027-12-31", "2027-12-31"));
        var own = on with
        {
            Years = new Dictionary<int, PolicyParameters> { [2026] = Usual with { YearClose = new(12, 25) } },
        };
        Assert.Equal("2026-12-25 YearClose", Told(own, Roles.Township, "2026-12-01", "2026-12-31")[0]);
    }

    [Fact]
    public void C16_C21_notices_end_and_what_waits_has_its_last_day()
    {
        var on = Nothing with
        {
            Notices = [new("application-1", Village, 2026, Day("2026-12-03"))],
            Tasks =
            [
                new WorkTask(TaskKind.Objection, "application-1", Village, Due: Day("2026-12-05"), Count: 2),
                new WorkTask(TaskKind.Settlement, "application-2", Village),
            ],
        };
        string[] all = ["2026-12-03 NoticeEnds", "2026-12-05 Task 2"];
        Assert.Equal(all, Told(on, Roles.Township, "2026-12-01", "2026-12-30"));
        Assert.Equal(all[1..], Told(on, Roles.Auditor, "2026-12-01", "2026-12-30"));
        var entries = TaskCalendar.Of(
            on,
            Given.Actor("li", Roles.Township),
            Day("2026-12-01"),
            Day("2026-12-30"),
            Today
        );
        Assert.Equal(
            ["/applications/application-1", "/applications/application-1#objections"],
            entries.Select(e => e.Path)
        );
        Assert.Equal("答复公示期内的异议", entries[1].What);
    }

    [Fact]
    public void C21_what_is_overdue_is_told_the_oldest_first_and_neither_what_is_due_today_nor_what_has_no_day()
    {
        WorkTask Due(string? day) => new(TaskKind.Payment, $"a {day}", Village, Due: day is null ? null : Day(day));
        Assert.Equal(
            ["2025-12-31", "2026-11-28"],
            TaskCalendar
                .Missed([Due("2026-11-28"), Due(null), Due("2026-11-29"), Due("2025-12-31")], Today)
                .Select(e => $"{e.On:yyyy-MM-dd}")
        );
    }

    [Fact]
    public void A_thing_keeps_its_key_when_its_day_is_moved_and_what_comes_again_has_another()
    {
        var task = new WorkTask(TaskKind.Review, "application-1", Village, Due: Today);
        string Key(WorkTask t) =>
            TaskCalendar
                .Of(Nothing with { Tasks = [t] }, Given.Actor("li", Roles.Auditor), Today, Today.AddDays(20), Today)
                .Single()
                .Key;
        Assert.Equal(Key(task), Key(task with { Due = Today.AddDays(3) }));
        Assert.NotEqual(Key(task), Key(task with { Kind = TaskKind.Approval }));
        var keys = TaskCalendar
            .Of(
                Nothing with
                {
                    Funds = [Used],
                },
                Given.Actor("li", Roles.VillageFinance),
                Day("2026-01-01"),
                Day("2028-12-31"),
                Today
            )
            .Select(e => e.Key)
            .ToList();
        Assert.Equal(keys.Count, keys.Distinct().Count());
    }

    [Fact]
    public void Every_kind_but_tasks_has_one_rule_and_somebody_who_has_it()
    {
        Assert.Equal(
            Enum.GetValues<CalendarKind>().Except([CalendarKind.Task]).Order(),
            TaskCalendar.All.Select(r => r.Kind).Order()
        );
        Assert.All(TaskCalendar.All, r => Assert.NotEmpty(r.Roles));
    }

    [Fact]
    public void C21_days_of_a_policy_year_are_days_and_a_season_does_not_end_before_it_begins()
    {
        void Refused(string field, int year, PolicyParameters p) =>
            Assert.Equal(
                field,
                PolicyYearDecider
                    .Publish(null, County, year, p with { EffectiveFrom = new(year, 1, 1) })
                    .ThenRefused(Rejections.FieldInvalid)
                    .Field
            );
        PolicyParameters Season(DayOfYear from, DayOfYear to) => Usual with { ContributionSeason = new(from, to) };
        Refused("contributionSeason", 2026, Season(new(6, 30), new(6, 29)));
        Refused("contributionSeason", 2026, Season(new(2, 29), new(6, 30)));
        Refused("contributionSeason", 2026, Season(new(13, 1), new(6, 30)));
        Refused("contributionSeason", 2026, Season(new(1, 0), new(6, 30)));
        Refused("contributionSeason", 2026, Season(new(1, 1), null!));
        Refused("interestDays", 2026, Usual with { InterestDays = [] });
        Refused("interestDays", 2026, Usual with { InterestDays = [new(4, 31)] });
        Refused("interestDays", 2026, Usual with { InterestDays = [null!] });
        Refused("interestDays", 2026, Usual with { InterestDays = [new(3, 20), new(3, 20)] });
        Refused("yearClose", 2026, Usual with { YearClose = new(2, 29) });
        var leap = Season(new(2, 29), new(2, 29)) with
        {
            EffectiveFrom = new(2028, 1, 1),
            InterestDays = [new(3, 20)],
            YearClose = new(2, 29),
        };
        var published = Assert.IsType<PolicyYearPublished>(
            PolicyYearDecider.Publish(null, County, 2028, leap).Then().Single()
        );
        // Said again it is no event; said otherwise it is one.
        var state = Given.State("policy-year-370811-2028", published);
        Assert.Empty(PolicyYearDecider.Publish(state, County, 2028, leap with { InterestDays = [new(3, 20)] }).Then());
        Assert.Single(PolicyYearDecider.Publish(state, County, 2028, leap with { InterestDays = [new(3, 21)] }).Then());
        Assert.Equal(Day("2027-02-28"), new DayOfYear(2, 29).In(2027));
    }
}
