using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;
using Npgsql;

namespace Ledger.Api.Jobs;

/// <summary>The list of jobs, and one with its faults.</summary>
public static class JobPages
{
    public static void MapJobPages(this WebApplication app)
    {
        app.Page("/jobs", All, Roles.All);
        app.Page("/jobs/{id}", One, Roles.All);
    }

    private static async Task<IResult> All(NpgsqlDataSource database, Caller caller, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return PageRoutes.Show<JobsPage>(new { Jobs = await JobEndpoints.InScopeAsync(connection, caller) });
    }

    private static async Task<IResult> One(
        string id,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return PageRoutes.Show<JobPage>(new { Job = (await JobEndpoints.ScopedAsync(connection, id, caller)).View() });
    }
}
