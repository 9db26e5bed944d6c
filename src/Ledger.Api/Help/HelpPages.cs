using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Web.Help;
using Microsoft.AspNetCore.Http.HttpResults;

namespace Ledger.Api.Help;

/// <summary>The help, for everybody; whoever is signed in finds the jobs of his role.</summary>
public static class HelpPages
{
    public static void MapHelpPages(this WebApplication app) => app.Page("/help", Help);

    private static RazorComponentResult<HelpPage> Help(
        string? page,
        string? back,
        EndpointDataSource routes,
        Caller caller
    )
    {
        var opened = Opened(routes);
        return PageRoutes.Show<HelpPage>(
            new
            {
                Page = page is null ? null : Guide.Pages.GetValueOrDefault(page),
                Back = back is null ? null : PageRoutes.Local(back),
                MayOpen = (Func<string, bool>)(
                    route =>
                        opened.TryGetValue(route, out var roles)
                        && (roles.Count == 0 || caller.Actor is { } actor && roles.Contains(actor.Role))
                ),
            }
        );
    }

    /// <summary>Each page and who opens it; nobody: everybody.</summary>
    public static IReadOnlyDictionary<string, IReadOnlyList<string>> Opened(EndpointDataSource routes) =>
        routes
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<PageMetadata>() is not null)
            .ToDictionary(e => e.RoutePattern.RawText!, e => e.Metadata.GetMetadata<RolesMetadata>()!.Roles);
}
