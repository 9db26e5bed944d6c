using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.Projections.Reports;
using Ledger.Projections.WorkQueues;
using Ledger.Web.Reports;
using Marten;
using Npgsql;

namespace Ledger.Api.Reports;

/// <summary>Pages of county, city and township: overview, supervision, ranking.</summary>
public static class ReportPages
{
    public static void MapReportPages(this WebApplication app)
    {
        app.Page("/overview", Overview, ReportEndpoints.Overseers);
        app.Page(
            "/overview.xlsx",
            async (
                IQuerySession session,
                Caller caller,
                Clock clock,
                TimeProvider time,
                CancellationToken cancellation
            ) =>
                Workbook.File(
                    OfficeSheets.Overview(
                        (await CollectivesAsync(session, caller, clock, cancellation)).Rows,
                        caller.Actor.Region,
                        time.GetUtcNow()
                    ),
                    "总览"
                ),
            ReportEndpoints.Overseers
        );
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
        var (rows, work) = await CollectivesAsync(session, caller, clock, cancellation);
        return PageRoutes.Show<OverviewPage>(
            new
            {
                Rows = rows,
                Open = (IReadOnlyList<(ApplicationStatus, int)>)
                    [
                        .. work.GroupBy(w => w.Status)
                            .Where(g => !g.Key.IsOver())
                            .OrderBy(g => g.Key)
                            .Select(g => (g.Key, g.Count())),
                    ],
                Overdue = (await ReportEndpoints.Supervise(null, session, database, people, caller, clock, time))
                    .Items
                    .Count,
            }
        );
    }

    /// <summary>How far each collective in the caller's scope is, and the applications by which that is said.</summary>
    private static async Task<(IReadOnlyList<OverviewPage.Row> Rows, IReadOnlyList<WorkItem> Work)> CollectivesAsync(
        IQuerySession session,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var scope = caller.Actor.Region;
        var collectives = await session
            .Query<Collective>()
            .Where(c => c.Region.StartsWith(scope) && c.MergedInto == null && c.DissolvedOn == null)
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
        return (
            [
                .. collectives.Select(c =>
                    Row(c, funds.GetValueOrDefault(c.Id), plans.GetValueOrDefault(c.Id), latest.GetValueOrDefault(c.Id))
                ),
            ],
            work
        );
    }

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
