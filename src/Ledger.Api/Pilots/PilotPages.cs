using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Pilots;
using Ledger.Web.Pilots;
using Marten;

namespace Ledger.Api.Pilots;

/// <summary>The page of pilot counties.</summary>
public static class PilotPages
{
    public static void MapPilotPages(this WebApplication app) =>
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
}
