using System.Diagnostics;
using System.Security.Cryptography;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;
using Npgsql;

namespace Ledger.Api.Jobs;

/// <summary>
/// Jobs (后台任务): commands with long files, handed in with <c>Prefer: respond-async</c> and done by whichever node has
/// time (<see cref="JobRunner"/>).
/// </summary>
public static class JobEndpoints
{
    /// <summary>Of a job's file, in bytes; with the form around it a request stays below 32 MB.</summary>
    public const long MaxBytes = 30 * 1024 * 1024;

    /// <summary>So many rows are one command.</summary>
    private const int GroupRows = 2_000;

    /// <summary>So many jobs of one person may wait or run; beyond them he waits.</summary>
    private const int MostOpen = 10;

    private const int Listed = 200;

    public static IServiceCollection AddJobs(this IServiceCollection services) =>
        services.AddSingleton<JobRunner>().AddHostedService(s => s.GetRequiredService<JobRunner>());

    /// <summary>From now on there are routes for jobs to go.</summary>
    public static void RunJobs(this WebApplication app) =>
        app.Services.GetRequiredService<JobRunner>().Inner = new Lazy<RequestDelegate>(() => Batch.Pipeline(app));

    /// <summary>A command whose file may be worked through as a job.</summary>
    public static RouteHandlerBuilder MayBeAJob(this RouteHandlerBuilder route, int groupRows = GroupRows) =>
        route.WithMetadata(new JobMetadata(groupRows, AcceptAsync));

    public static void MapJobs(this IEndpointRouteBuilder api)
    {
        api.MapGet("/jobs", List)
            .Reading<IReadOnlyList<JobView>>(
                "list-jobs",
                "后台任务：自己的和辖区内的 · Jobs, own and in scope",
                Roles.All
            );
        api.MapGet("/jobs/{id}", One)
            .Reading<JobView>("get-job", "后台任务的进度和结果 · How far a job has come", Roles.All)
            .Refuses(Rejections.NotFound);
        api.MapPost("/jobs/{id}/cancel", Cancel)
            .Command<JobView>("cancel-job", "取消后台任务，已存入的保留 · Cancel a job; what is in stays", Roles.All)
            .Refuses(Rejections.NotFound, Rejections.WrongState);
    }

    private static async Task<Answer> AcceptAsync(HttpContext http, Command command)
    {
        var keys = http.RequestServices.GetRequiredService<KeyFile>();
        var form = await IdempotencyKey.FormAsync(http.Request);
        if (form.Files["file"] is not { Length: > 0 } file)
            throw Book.Unreadable("没有收到文件，或文件是空的", "file");
        if (file.Length > MaxBytes)
            throw Book.Over($"文件最大 {MaxBytes >> 20} MB", file.Name);
        if (await OpenOfAsync(command) >= MostOpen)
            throw Book.Over($"您已有 {MostOpen} 个后台任务没有完成，请等其中的完成后再提交", "file");
        string digest;
        await using (var content = file.OpenReadStream())
            digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
        var job = new Job(
            $"job-{Guid.CreateVersion7():N}",
            command.Name,
            command.Actor,
            $"{http.Request.Path}{http.Request.QueryString}",
            Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier,
            digest,
            file.Length,
            "",
            JobState.Waiting,
            null,
            null,
            null,
            0,
            0,
            new JobResult(),
            command.Now,
            null,
            null
        );
        await (job with { Seal = job.SealOf(keys) }).InsertAsync(command.Connection);
        await using (var content = file.OpenReadStream())
            await Job.PutFileAsync(command.Connection, keys, job.Id, content);
        return new Answer(job.View(), Status: StatusCodes.Status202Accepted, Location: $"/api/jobs/{job.Id}");
    }

    private static async Task<long> OpenOfAsync(Command command) =>
        (
            await command.Connection.QueryAsync(
                $"select count(*) from {Job.Table} where actor = @actor and state in ('waiting', 'running')",
                r => r.GetInt64(0),
                ("actor", command.Actor.Id)
            )
        ).Single();

    /// <summary>The newest first: of one's own region and of those within it.</summary>
    public static async Task<IReadOnlyList<JobView>> InScopeAsync(NpgsqlConnection connection, Caller caller) =>
        [
            .. (
                await Job.FindAsync(
                    connection,
                    $"where region like @scope || '%' order by created_at desc limit {Listed}",
                    ("scope", caller.Actor.Region)
                )
            ).Select(j => j.View()),
        ];

    private static async Task<IReadOnlyList<JobView>> List(
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return [.. (await InScopeAsync(connection, caller)).Select(j => j with { Faults = [], Notes = [] })];
    }

    public static async Task<Job> ScopedAsync(NpgsqlConnection connection, string id, Caller caller) =>
        await Job.OfAsync(connection, id) is { } job && caller.MaySee(job.By.Region) ? job : throw Require.NotFound(id);

    private static async Task<IResult> One(
        string id,
        NpgsqlDataSource database,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var view = (await ScopedAsync(connection, id, caller)).View();
        if (!view.IsOver)
            http.Response.Headers.RetryAfter = "1";
        return Results.Ok(view);
    }

    /// <summary>One that runs ends with the part that is under way: what is in stays in.</summary>
    private static async Task<Answer> Cancel(string id, Command command, Caller caller)
    {
        var job = await ScopedAsync(command.Connection, id, caller);
        var (by, own) = (caller.Actor, job.By);
        if ((by.Id, by.Role, by.Region) != (own.Id, own.Role, own.Region))
            throw new RefusedException(new Rejection(Rejections.Forbidden, "只有提交的人能取消后台任务"));
        var asked = await command.Connection.ExecuteAsync(
            $"""
            update {Job.Table}
               set cancelled_by = @by,
                   state = case state when 'waiting' then 'cancelled' else state end,
                   ended_at = case state when 'waiting' then clock_timestamp() end
             where id = @id and state in ('waiting', 'running')
            """,
            ("by", by.Id),
            ("id", id)
        );
        if (asked == 0)
            throw new RefusedException(new Rejection(Rejections.WrongState, "后台任务已经结束"));
        return new Answer((await Job.OfAsync(command.Connection, id))!.View());
    }
}
