using System.Text.Json;
using Ledger.Api.Audit;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
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
        KeyFile keys,
        IOptions<JsonOptions> json,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var job = await JobEndpoints.ScopedAsync(connection, id, caller);
        await job.SeenAsync(connection, caller.Actor);
        var hasResult = job.ResultBytes is not null && job.IsKept;
        var isOwn = job.IsOf(caller.Actor);
        (string, IReadOnlyList<(string, string?, string?)>, DateTimeOffset)? check = null;
        if (isOwn && hasResult && job.Kind == "check-ledger")
        {
            var (_, content) = await JobEndpoints.OpenAsync(connection, keys, job, caller);
            await using var file = content;
            var options = json.Value.SerializerOptions;
            var (summary, findings) = AuditPages.Told(
                (await JsonSerializer.DeserializeAsync<CheckView>(file, options, cancellation))!
            );
            check = (summary, findings, job.EndedAt!.Value);
        }
        return PageRoutes.Show<JobPage>(
            new
            {
                Job = job.View(),
                IsOwn = isOwn,
                HasResult = hasResult,
                Check = check,
            }
        );
    }
}
