using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Api.Pages;
using Ledger.Api.Policies;
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
using Ledger.Web.Plans;
using Marten;

namespace Ledger.Api.Plans;

/// <summary>Pages of plans and of the yearly survey.</summary>
public static class PlanPages
{
    public static void MapPlanPages(this WebApplication app)
    {
        app.Page("/plans", All, Roles.All);
        app.Page("/plans/new", NewPlan, Roles.VillageFinance);
        app.Page(
            "/plans/{id}",
            async (string id, IQuerySession session, Caller caller, Clock clock) =>
            {
                var plan = await session.ScopedAsync<Plan>(id, caller) ?? throw Require.NotFound(id);
                var policy =
                    await session.PolicyYearAsync(plan.Region, plan.Year)
                    ?? throw new RefusedException(
                        new Rejection(Rejections.PolicyYearMissing, $"没有 {plan.Year} 年度政策参数")
                    );
                return PageRoutes.Show<PlanPage>(
                    new
                    {
                        Plan = plan,
                        Policy = policy,
                        Warnings = caller.Actor.Role == Roles.VillageFinance
                            ? await WarningsAsync(plan, policy, session, clock.Today)
                            : [],
                        CollectiveName = await NameAsync(session, plan.CollectiveId),
                    }
                );
            },
            Roles.All
        );
        app.Page("/plans/{id}/resolution", ResolutionNotice, Roles.All);
        app.Page("/plans/{id}/dossier", DossierOf, Roles.All);
        app.Page(
            "/collectives/{id}/survey",
            async (string id, int? year, IQuerySession session, Caller caller, Clock clock) =>
                PageRoutes.Show<SurveyPage>(
                    new
                    {
                        Collective = await session.ScopedAsync<Collective>(id, caller) ?? throw Require.NotFound(id),
                        Year = Math.Min(year ?? clock.Today.Year, PlanningYear.Latest(clock.Today)),
                    }
                ),
            Roles.VillageFinance,
            Roles.Township
        );
    }

    private static async Task<IResult> All(
        string? region,
        string? state,
        int? year,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var (code, name) = PageRoutes.Place(region);
        var (below, any) = (code ?? "", year is null);
        var plans = await session
            .Query<Plan>()
            .Where(p => p.Region.StartsWith(caller.Actor.Region))
            .Where(p => p.Region.StartsWith(below))
            .Where(p => any || p.Year == year)
            .OrderByDescending(p => p.Year)
            .ThenBy(p => p.Region)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        var names = await NamesAsync(session, plans.Select(p => p.CollectiveId));
        return PageRoutes.Show<PlansPage>(
            new
            {
                Plans = (IReadOnlyList<Plan>)
                    [
                        .. plans.Where(p =>
                            (string.IsNullOrEmpty(state) || PlansPage.StateOf(p) == state)
                            && (
                                name is null
                                || names.GetValueOrDefault(p.CollectiveId, "").Contains(name, StringComparison.Ordinal)
                            )
                        ),
                    ],
                Names = names,
                Region = region,
                State = state,
                Year = year,
            }
        );
    }

    /// <summary>Of the year that is asked for, else the nearest without a plan; one that is there is shown.</summary>
    private static async Task<IResult> NewPlan(
        int? year,
        IQuerySession session,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        if (await FundPages.OwnAsync(session, caller, cancellation) is not { } collective)
            return Results.LocalRedirect("/start");
        var planned = await session
            .Query<Plan>()
            .Where(p => p.CollectiveId == collective.Id)
            .Select(p => p.Year)
            .ToListAsync(cancellation);
        var wanted = year ?? PlanningYear.ToDraft(clock.Today, planned).FirstOrDefault(clock.Today.Year);
        if (planned.Contains(wanted))
            return Results.LocalRedirect($"/plans/{StreamId.PlanOf(collective.Id, wanted)}");
        if (PlanningYear.TooEarly(wanted, clock.Today) is { } early)
            throw new RefusedException(early);
        return PageRoutes.Show<NewPlanPage>(
            new
            {
                Collective = collective,
                Policy = await session.PolicyYearAsync(collective.Region, wanted),
                Year = wanted,
                Warnings = PlanReadiness.BeforeDraft(
                    wanted,
                    collective,
                    await session.LoadAsync<Pilot>(StreamId.Pilot(RegionCode.County(collective.Region)), cancellation),
                    await session.LoadAsync<Fund>(StreamId.FundOf(collective.Id), cancellation)
                ),
            }
        );
    }

    /// <summary>What stands in the way of the plan, or once it is adopted of an application by it.</summary>
    private static async Task<IReadOnlyList<Rejection>> WarningsAsync(
        Plan plan,
        PolicyYear policy,
        IQuerySession session,
        DateOnly today
    )
    {
        var missing = PlanReadiness.BeforeAdoption(
            plan,
            (await session.LoadAsync<Collective>(plan.CollectiveId))!,
            await session.LoadAsync<Pilot>(StreamId.Pilot(RegionCode.County(plan.Region))),
            policy,
            await session.LoadAsync<Fund>(plan.FundId)
        );
        return plan.AdoptedVersion > 0 && PlanDecider.Unpublished(plan, policy, today) is { } unpublished
            ? [.. missing, unpublished]
            : missing;
    }

    private static async Task<IResult> ResolutionNotice(string id, IQuerySession session, Caller caller)
    {
        var plan = await session.ScopedAsync<Plan>(id, caller) ?? throw Require.NotFound(id);
        return PageRoutes.Show<ResolutionNoticePage>(
            new
            {
                Plan = plan,
                R = plan.LatestResolution ?? throw Require.NotFound($"{id} 的会议决议"),
                CollectiveName = await NameAsync(session, plan.CollectiveId),
            }
        );
    }

    /// <summary>Of the version asked for, else of the one in force.</summary>
    private static async Task<IResult> DossierOf(
        string id,
        int? version,
        IQuerySession session,
        StoredEvents stored,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var plan = await session.ScopedAsync<Plan>(id, caller) ?? throw Require.NotFound(id);
        var asked = version ?? (plan.AdoptedVersion > 0 ? plan.AdoptedVersion : plan.LatestVersion());
        var events = await stored.OfAsync<Plan>(id, cancellation: cancellation);
        var dossier =
            Dossier.Of(asked, events.Select(e => (e.EffectiveDate(), (IEventOf<Plan>)e.Data)))
            ?? throw Require.NotFound($"{id} 第 {asked} 版");
        var noticed = await session
            .Query<Application>()
            .Where(a => a.PlanId == id && a.PlanVersion == asked && a.NoticeFrom != null)
            .OrderBy(a => a.NoticeFrom)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        return PageRoutes.Show<DossierPage>(
            new
            {
                Plan = plan,
                D = dossier,
                Noticed = noticed,
                CollectiveName = await NameAsync(session, plan.CollectiveId),
            }
        );
    }

    public static async Task<string> NameAsync(IQuerySession session, string collectiveId) =>
        (await NamesAsync(session, [collectiveId]))[collectiveId];

    /// <summary>The names of collectives by id.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> NamesAsync(
        IQuerySession session,
        IEnumerable<string> ids
    ) => (await session.LoadManyAsync<Collective>(ids.Distinct().ToArray())).ToDictionary(c => c.Id, c => c.Name);
}
