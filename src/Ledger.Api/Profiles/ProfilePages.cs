using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Ledger.Domain.Profiles;
using Ledger.Web.Profiles;
using Marten;

namespace Ledger.Api.Profiles;

/// <summary>The page of profiles.</summary>
public static class ProfilePages
{
    public static void MapProfilePages(this WebApplication app) =>
        app.Page(
            "/agency-profiles",
            async (string? form, string? id, IQuerySession session, Caller caller) =>
                PageRoutes.Show<ProfilesPage>(
                    new
                    {
                        Profiles = await AgencyProfiles.ListAsync(session, caller),
                        AgencyProfiles.Forms,
                        Form = form is null
                            ? AgencyProfiles.Forms[0]
                            : AgencyProfiles.Forms.FirstOrDefault(f => f.Name == form) ?? throw Require.NotFound(form),
                        Names = caller.Actor.Role == Roles.Administrator
                            ? await session.LoadAsync<AgencyProfile>(StreamId.RegionNames(caller.Actor.Region))
                            : null,
                        Chosen = id is null ? null : await AgencyProfiles.FindAsync(session, id, caller),
                    }
                ),
            Roles.Everybody
        );
}
