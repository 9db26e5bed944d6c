using Ledger.Api.Applications;
using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Funds;
using Ledger.Api.Imports;
using Ledger.Api.Pages;
using Ledger.Api.Policies;
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
using Ledger.Web;
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
                NpgsqlDataSource database,
                Caller caller,
                Clock clock,
                TimeProvider time,
                CancellationToken cancellation
            ) =>
                Workbook.File(
                    OfficeSheets.Overview(
                        await CollectivesAsync(session, database, caller, clock, cancellation),
                        caller.Actor.Region,
                        time.GetUtcNow()
                    ),
                    "总览"
                ),
            ReportEndpoints.Overseers
        );
        MapSupervision(app);
        MapRanking(app);
        Comparisons.MapPages(app);
    }

    private delegate Task<IResult> ShowSupervision(
        SupervisionView view,
        string? kind,
        string? asked,
        IContacts contacts
    );

    private static void MapSupervision(WebApplication app)
    {
        foreach (
            var (path, show) in new (string, ShowSupervision)[]
            {
                (
                    "/supervision",
                    (v, kind, asked, _) =>
                        Task.FromResult<IResult>(
                            PageRoutes.Show<SupervisionPage>(
                                new
                                {
                                    View = v,
                                    Kind = kind,
                                    Asked = asked,
                                }
                            )
                        )
                ),
                (
                    "/supervision.xlsx",
                    async (v, kind, _, contacts) =>
                        Workbook.File(
                            OfficeSheets.Supervision(
                                kind is null ? v : v with { Items = [.. v.Items.Where(i => i.Kind == kind)] },
                                await ReportEndpoints.PlacesAsync(v, contacts)
                            ),
                            "督办清单"
                        )
                ),
            }
        )
            app.Page(
                path,
                async (
                    string? region,
                    string? kind,
                    IContacts contacts,
                    Viewer viewer,
                    IQuerySession session,
                    NpgsqlDataSource database,
                    PersonalData people,
                    Caller caller,
                    Clock clock
                ) =>
                {
                    var view = await ReportEndpoints.Supervise(
                        await PageRoutes.RegionAsync(region, contacts, viewer),
                        session,
                        database,
                        people,
                        caller,
                        clock
                    );
                    return await show(view, kind is { Length: > 0 } ? kind : null, region, contacts);
                },
                ReportEndpoints.Overseers
            );
    }

    private static void MapRanking(WebApplication app)
    {
        foreach (
            var (path, show) in new (string, Func<IncentiveReportView, string?, IResult>)[]
            {
                ("/ranking", (r, asked) => PageRoutes.Show<RankingPage>(new { Report = r, Asked = asked })),
                ("/ranking.xlsx", (r, _) => Workbook.File(OfficeSheets.Ranking(r), $"激励排名-{r.Year}")),
            }
        )
            app.Page(
                path,
                async (
                    string? region,
                    int? year,
                    IContacts contacts,
                    Viewer viewer,
                    IQuerySession session,
                    NpgsqlDataSource database,
                    Caller caller,
                    Clock clock
                ) =>
                    show(
                        await ReportEndpoints.Incentives(
                            await PageRoutes.RegionAsync(region, contacts, viewer),
                            year ?? clock.Today.Year,
                            session,
                            database,
                            caller
                        ),
                        region
                    ),
                ReportEndpoints.Overseers
            );
    }

    private static async Task<IResult> Overview(
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var waits = caller.Actor.Role is Roles.Township or Roles.CountyHrss or Roles.CountyAgriculture;
        return PageRoutes.Show<OverviewPage>(
            new
            {
                Mine = waits
                    ? (
                        await ApplicationEndpoints.QueueAsync(
                            null,
                            null,
                            true,
                            session,
                            database,
                            caller,
                            clock,
                            cancellation
                        )
                    ).Count
                    : 0,
                Proposed = await PolicyYearPages.WaitingAsync(session, caller, clock.Today, cancellation),
                Rows = await CollectivesAsync(session, database, caller, clock, cancellation),
                Funds = (await FundEndpoints.FundsAsync(null, session, caller, cancellation)).Count,
                Overdue = (await ReportEndpoints.Supervise(null, session, database, people, caller, clock)).Items.Count,
            }
        );
    }

    /// <summary>
    /// How far each collective in the caller's scope is, with every application of it. One that was merged or dissolved
    /// is shown as long as something of it is under way.
    /// </summary>
    private static async Task<IReadOnlyList<OverviewPage.Row>> CollectivesAsync(
        IQuerySession session,
        NpgsqlDataSource database,
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
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await Freshness.WaitAsync(connection, "WorkQueue", cancellation);
        var work = await session
            .Query<WorkItem>()
            .Where(w => w.Region.StartsWith(scope))
            .OrderByDescending(w => w.FiledAt)
            .Take(2 * Scope.MaxRows)
            .ToListAsync(cancellation);
        var open = work.Where(w => !w.Status.IsOver()).Select(w => w.CollectiveId).Distinct();
        var gone = await session.LoadManyAsync<Collective>(
            cancellation,
            open.Except(collectives.Select(c => c.Id)).ToArray()
        );
        var byCollective = (await Rosters.NowAsync(work, connection)).ToLookup(w => w.CollectiveId);
        return
        [
            .. collectives
                .Concat(gone)
                .Select(c =>
                    Row(c, funds.GetValueOrDefault(c.Id), plans.GetValueOrDefault(c.Id), [.. byCollective[c.Id]])
                ),
        ];
    }

    private static OverviewPage.Row Row(Collective collective, Fund? fund, Plan? plan, IReadOnlyList<WorkItem> work) =>
        new(
            collective.Name,
            collective.Region,
            fund?.Id,
            plan?.AdoptedVersion > 0,
            work,
            fund?.AllocatedFen ?? Money.Zero,
            fund?.AvailableFen ?? Money.Zero,
            fund?.ReservedFen ?? Money.Zero,
            fund?.InTransitFen ?? Money.Zero,
            fund?.CreditedFen ?? Money.Zero
        );
}
