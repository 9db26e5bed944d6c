using System.Globalization;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Ledger.Domain.Tasks;
using Marten;
using Npgsql;

namespace Ledger.Api.Tasks;

/// <summary>What is due for somebody on which day (<see cref="TaskCalendar"/>), read anew each time.</summary>
public sealed class CalendarReader(IDocumentStore store, NpgsqlDataSource database, TaskReader reader, Clock clock)
{
    /// <summary>So many days one look covers at the most.</summary>
    public const int MostDays = 400;
    private const string S = LedgerStore.Schema;

    /// <param name="to">Included.</param>
    public async Task<IReadOnlyList<CalendarEntry>> OfAsync(
        Actor by,
        DateOnly from,
        DateOnly to,
        CancellationToken cancellation
    ) => await OfAsync(by, await reader.OfAsync(by, isAwaited: true, cancellation), from, to, cancellation);

    /// <param name="tasks">What waits for him.</param>
    /// <param name="to">Included.</param>
    public async Task<IReadOnlyList<CalendarEntry>> OfAsync(
        Actor by,
        IReadOnlyList<WorkTask> tasks,
        DateOnly from,
        DateOnly to,
        CancellationToken cancellation
    )
    {
        if (by.Region.Length == 0)
            return [];
        await using var session = store.QuerySession();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return TaskCalendar.Of(
            new TaskCalendar.Basis(
                RegionCode.CountyOrCity(by.Region),
                await YearsAsync(by, from, to, session, cancellation),
                tasks,
                TaskCalendar.IsFor(CalendarKind.NoticeEnds, by.Role) ? await NoticesAsync(connection, by.Region) : [],
                TaskCalendar.IsFor(CalendarKind.InterestDay, by.Role)
                    ? await FundInterests.OfAsync(by.Region, session, connection, cancellation)
                    : [],
                TaskCalendar.IsFor(CalendarKind.Unsettled, by.Role) ? await OpenAsync(connection, by.Region) : []
            ),
            by,
            from,
            to,
            clock.Today
        );
    }

    /// <summary>
    /// Those that are out, the county's before the city's, in one look; from two years before, since what held the year
    /// before holds until the next is out.
    /// </summary>
    public static async Task<IReadOnlyDictionary<int, PolicyParameters>> YearsAsync(
        Actor by,
        DateOnly from,
        DateOnly to,
        IQuerySession session,
        CancellationToken cancellation
    )
    {
        if (by.Region.Length < RegionCode.CityLength)
            return new Dictionary<int, PolicyParameters>();
        var numbers = Enumerable.Range(from.Year - 2, to.Year - from.Year + 3).ToList();
        string[] regions = [.. new[] { RegionCode.CountyOrCity(by.Region), RegionCode.City(by.Region) }.Distinct()];
        var ids = regions.SelectMany(r => numbers.Select(n => StreamId.PolicyYear(r, n)));
        return (await session.LoadManyAsync<PolicyYear>(cancellation, [.. ids]))
            .Where(p => p.InForce() is not null)
            .GroupBy(p => p.Year)
            .ToDictionary(y => y.Key, y => y.MaxBy(p => p.Region.Length)!.Parameters);
    }

    // As text: what somebody edited into a state is no year and no day, and stops nobody's calendar.
    private static async Task<IReadOnlyList<TaskCalendar.Notice>> NoticesAsync(
        NpgsqlConnection connection,
        string region
    ) =>
        [
            .. (
                await connection.QueryAsync(
                    $"""
                    select id, region, data ->> 'year', data ->> 'noticeUntil'
                      from {S}.mt_doc_application
                     where region like @scope || '%'
                       and data ->> 'status' = @noticed
                       and data ->> 'noticeUntil' is not null
                    """,
                    r => (Id: r.GetString(0), Region: r.GetString(1), Year: Year(r, 2), Until: r.Day(3)),
                    ("scope", region),
                    ("noticed", ApplicationStatus.Noticed.Word())
                )
            ).SelectMany(n =>
                n.Year is { } year && n.Until is { } until
                    ? [new TaskCalendar.Notice(n.Id, n.Region, year, until)]
                    : Array.Empty<TaskCalendar.Notice>()
            ),
        ];

    private static async Task<IReadOnlyList<int>> OpenAsync(NpgsqlConnection connection, string region) =>
        [
            .. (
                await connection.QueryAsync(
                    $"""
                    select data ->> 'year'
                      from {S}.mt_doc_workitem
                     where region like @scope || '%'
                       and not data ->> 'status' = any(@over)
                    """,
                    r => Year(r, 0),
                    ("scope", region),
                    ("over", Enum.GetValues<ApplicationStatus>().Where(s => s.IsOver()).Select(s => s.Word()).ToArray())
                )
            ).OfType<int>(),
        ];

    private static int? Year(NpgsqlDataReader r, int column) =>
        !r.IsDBNull(column)
        && int.TryParse(r.GetString(column), NumberStyles.None, CultureInfo.InvariantCulture, out var year)
            ? year
            : null;
}
