using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Pages;
using Ledger.Api.PolicyYears;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Pilots;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Projections.Reports;
using Ledger.Projections.WorkQueues;
using Ledger.Web.Reports;
using Marten;
using Npgsql;

namespace Ledger.Api.Reports;

/// <summary>Pages of county, city and township: overview, supervision, ranking, pilots, policy years.</summary>
public static class ReportPages
{
    public static void MapReportPages(this WebApplication app)
    {
        app.Page("/overview", Overview, ReportEndpoints.Overseers);
        foreach (
            var (path, show) in new (string, Func<SupervisionView, IResult>)[]
            {
                ("/supervision", v => PageRoutes.Show<SupervisionPage>(new { View = v })),
                ("/supervision.xlsx", v => Workbook.File(OfficeSheets.Supervision(v), "督办清单")),
            }
        )
            app.Page(
                path,
                async (
                    string? region,
                    IQuerySession session,
                    NpgsqlDataSource database,
                    PersonalData people,
                    Caller caller,
                    Clock clock,
                    TimeProvider time
                ) => show(await ReportEndpoints.Supervise(region, session, database, people, caller, clock, time)),
                ReportEndpoints.Overseers
            );
        foreach (
            var (path, show) in new (string, Func<IncentiveReportView, IResult>)[]
            {
                ("/ranking", r => PageRoutes.Show<RankingPage>(new { Report = r })),
                ("/ranking.xlsx", r => Workbook.File(OfficeSheets.Ranking(r), $"激励排名-{r.Year}")),
            }
        )
            app.Page(
                path,
                async (
                    string? region,
                    int? year,
                    IQuerySession session,
                    NpgsqlDataSource database,
                    Caller caller,
                    Clock clock
                ) =>
                    show(await ReportEndpoints.Incentives(region, year ?? clock.Today.Year, session, database, caller)),
                ReportEndpoints.Overseers
            );
        app.Page(
            "/pilots",
            async (IQuerySession session, Caller caller) =>
                PageRoutes.Show<PilotsPage>(
                    new
                    {
                        Pilots = await session
                            .Query<Pilot>()
                            .Where(p => p.Region.StartsWith(caller.Actor.Region))
                            .OrderBy(p => p.Region)
                            .Take(Scope.MaxRows)
                            .ToListAsync(),
                    }
                ),
            [Roles.CityHrss, Roles.Auditor, Roles.Agency, .. Roles.County]
        );
        app.Page("/policy-years", PolicyYears, Roles.All);
    }

    private static async Task<IResult> PolicyYears(
        int? year,
        string? region,
        IQuerySession session,
        Caller caller,
        Clock clock
    )
    {
        var (asked, where) = (
            year ?? clock.Today.Year,
            region is { Length: > 0 } given ? given : RegionCode.CountyOrCity(caller.Actor.Region)
        );
        Require.Region(where, "region", RegionCode.CityLength, RegionCode.CountyLength);
        if (asked is < 2009 or > 2100)
            throw Require.Invalid("year", "年度应在2009至2100之间");
        if (!caller.MaySee(where) && !RegionCode.Contains(where, caller.Actor.Region))
            throw Require.NotFound(where);
        var own = await session.LoadAsync<PolicyYear>(StreamId.PolicyYear(where, asked));
        var inForce = own ?? await session.PolicyYearAsync(where, asked);
        // A new year begins with what holds now.
        var model = inForce ?? await session.PolicyYearAsync(where, asked - 1);
        return PageRoutes.Show<PolicyYearPage>(
            new
            {
                Year = asked,
                Region = where,
                IsPublished = inForce is not null,
                own?.Revision,
                P = (inForce ?? model)?.Parameters is { } p
                    ? inForce is null
                        ? p with
                        {
                            EffectiveFrom = new DateOnly(asked, 1, 1),
                        }
                        : p
                    : new PolicyParameters(
                        new DateOnly(asked, 1, 1),
                        [new ContributionTier(new Money(100_00), Money.Zero)],
                        0,
                        7,
                        [
                            new QuorumRule("all-villagers", 1, 2, true),
                            new QuorumRule("households", 2, 3, false),
                            new QuorumRule("representatives", 2, 3, false),
                        ]
                    ),
            }
        );
    }

    private static async Task<IResult> Overview(
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var scope = caller.Actor.Region;
        var collectives = await session
            .Query<Collective>()
            .Where(c => c.Region.StartsWith(scope) && c.MergedInto == null)
            .OrderBy(c => c.Region)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        var funds = (
            await session
                .Query<Fund>()
                .Where(f => f.Region.StartsWith(scope))
                .Take(2 * Scope.MaxRows)
                .ToListAsync(cancellation)
        ).ToDictionary(f => f.CollectiveId);
        var plans = (
            await session.LoadManyAsync<Plan>(
                cancellation,
                collectives.Select(c => StreamId.PlanOf(c.Id, clock.Today.Year)).ToArray()
            )
        ).ToDictionary(p => p.CollectiveId);
        var work = await session
            .Query<WorkItem>()
            .Where(w => w.Region.StartsWith(scope))
            .OrderByDescending(w => w.FiledAt)
            .Take(2 * Scope.MaxRows)
            .ToListAsync(cancellation);
        var latest = work.GroupBy(w => w.CollectiveId).ToDictionary(g => g.Key, g => g.First());
        return PageRoutes.Show<OverviewPage>(
            new
            {
                Rows = (IReadOnlyList<OverviewPage.Row>)
                    [
                        .. collectives
                            .Select(c => (Collective: c, Fund: funds.GetValueOrDefault(c.Id)))
                            .Select(x =>
                                Row(
                                    x.Collective,
                                    x.Fund,
                                    plans.GetValueOrDefault(x.Collective.Id),
                                    latest.GetValueOrDefault(x.Collective.Id)
                                )
                            ),
                    ],
                Open = (IReadOnlyList<(ApplicationStatus, int)>)
                    [
                        .. work.GroupBy(w => w.Status)
                            .Where(g => !IsOver(g.Key))
                            .OrderBy(g => g.Key)
                            .Select(g => (g.Key, g.Count())),
                    ],
                Overdue = (await ReportEndpoints.Supervise(null, session, database, people, caller, clock, time))
                    .Items
                    .Count,
            }
        );
    }

    private static bool IsOver(ApplicationStatus status) =>
        status is ApplicationStatus.Settled or ApplicationStatus.Rejected or ApplicationStatus.Withdrawn;

    private static OverviewPage.Row Row(Collective collective, Fund? fund, Plan? plan, WorkItem? latest) =>
        new(
            collective.Name,
            collective.Region,
            fund?.Id,
            plan?.AdoptedVersion > 0,
            latest is null ? "" : $"{latest.Year} {Application.StatusName(latest.Status)}，{latest.Lines} 人",
            fund?.AllocatedFen ?? Money.Zero,
            fund?.AvailableFen ?? Money.Zero,
            fund?.ReservedFen ?? Money.Zero,
            fund?.InTransitFen ?? Money.Zero,
            fund?.CreditedFen ?? Money.Zero
        );
}
