using System.Diagnostics;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
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

    /// <summary>Of a reading's address with its query, in bytes.</summary>
    private const int MostPath = 8_000;

    public static IServiceCollection AddJobs(this IServiceCollection services) =>
        services.AddSingleton<JobRunner>().AddHostedService(s => s.GetRequiredService<JobRunner>());

    /// <summary>From now on there are routes for jobs to go.</summary>
    public static void RunJobs(this WebApplication app) =>
        app.Services.GetRequiredService<JobRunner>().Inner = new Lazy<RequestDelegate>(() => Batch.Pipeline(app));

    /// <summary>A command whose file may be worked through as a job.</summary>
    public static RouteHandlerBuilder MayBeAJob(this RouteHandlerBuilder route, int groupRows = GroupRows) =>
        route.WithMetadata(new JobMetadata(groupRows, AcceptAsync));

    /// <summary>
    /// A reading that may take long: handed in as a job, it is asked for behind the page, and its answer kept.
    /// </summary>
    public static RouteHandlerBuilder MayBeReadByAJob(this RouteHandlerBuilder route) =>
        route
            .WithMetadata(new ReadingJobMetadata())
            .Refuses(Rejections.LimitExceeded, Rejections.PersonalDataInText)
            .AddEndpointFilter(
                async (context, next) =>
                    JobStep.Of(context.HttpContext) is null && JobMetadata.IsWished(context.HttpContext)
                        ? await HandInAsync(context.HttpContext)
                        : await next(context)
            );

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
        api.MapGet("/jobs/{id}/result", ResultAsync)
            .Reading<byte[]>(
                "fetch-job-result",
                $"取后台任务的结果：提交的人以同样的身份，{Job.ResultDays} 天内 · Fetch what a job was answered",
                Roles.All
            )
            .Refuses(Rejections.NotFound, Rejections.Forbidden, Rejections.WrongState, Rejections.RecordDamaged)
            .DisableRequestTimeout();
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
        await RequireFewAsync(command.Connection, command.Actor, "file");
        string digest;
        await using (var content = file.OpenReadStream())
            digest = Convert.ToHexStringLower(await SHA256.HashDataAsync(content));
        var job = Job.HandedIn(
            keys,
            $"job-{Guid.CreateVersion7():N}",
            command.Name,
            command.Actor,
            $"{http.Request.Path}{http.Request.QueryString}",
            Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier,
            digest,
            command.Now,
            file.Length
        );
        await job.InsertAsync(command.Connection);
        await using (var content = file.OpenReadStream())
            await Job.PutFileAsync(command.Connection, keys, job.Id, content);
        return new Answer(job.View(), Status: StatusCodes.Status202Accepted, Location: $"/api/jobs/{job.Id}");
    }

    private static async Task RequireFewAsync(NpgsqlConnection connection, Actor by, string? field)
    {
        var open = await connection.QueryAsync(
            $"select count(*) from {Job.Table} where actor = @actor and state in ('waiting', 'running')",
            r => r.GetInt64(0),
            ("actor", by.Id)
        );
        if (open.Single() >= MostOpen)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"您已有 {MostOpen} 个后台任务没有完成，请等其中的完成后再提交")
                {
                    Field = field,
                }
            );
    }

    /// <summary>The same reading under the same Idempotency-Key is the same job; without a key each is one.</summary>
    private static async Task<IResult> HandInAsync(HttpContext http)
    {
        var services = http.RequestServices;
        var (keys, by) = (services.GetRequiredService<KeyFile>(), services.GetRequiredService<Caller>().Actor);
        var path = $"{http.Request.Path}{http.Request.QueryString}";
        if (Encoding.UTF8.GetByteCount(path) > MostPath)
            throw new RefusedException(new Rejection(Rejections.PathTooLong, $"地址最长 {MostPath} 字节"));
        // It is kept in clear: neither a number nor a name of somebody is in it.
        var said = Uri.UnescapeDataString(path);
        if (!Ascii.IsValid(said))
            throw new RefusedException(new Rejection(Rejections.PersonalDataInText, "地址里只能有代码、日期和数字"));
        if (PersonalNumbers.In(said) is { } number)
            throw new RefusedException(new Rejection(Rejections.PersonalDataInText, $"地址里不能有{number}"));
        var accept = Workbook.IsWantedBy(http) ? Workbook.ContentType : null;
        var key = IdempotencyKey.SoundOf(http);
        var digest = Convert.ToHexStringLower(
            SHA256.HashData(
                JsonSerializer.SerializeToUtf8Bytes(
                    (string?[])[by.Id, by.Role, by.Region, by.OnBehalfOf, path, accept, key]
                )
            )
        );
        var job = Job.HandedIn(
            keys,
            key is null ? $"job-{Guid.CreateVersion7():N}" : $"job-{digest[..32]}",
            http.CommandName()!,
            by,
            path,
            Activity.Current?.TraceId.ToString() ?? http.TraceIdentifier,
            digest,
            services.GetRequiredService<TimeProvider>().GetUtcNow(),
            isReading: true,
            accept: accept
        );
        await using var connection = await services
            .GetRequiredService<NpgsqlDataSource>()
            .OpenConnectionAsync(http.RequestAborted);
        if (key is null || await Job.OfAsync(connection, job.Id) is null)
        {
            await RequireFewAsync(connection, by, null);
            await job.InsertAsync(connection);
        }
        JobMetadata.Told(http);
        return Results.Accepted($"/api/jobs/{job.Id}", (await Job.OfAsync(connection, job.Id))!.View());
    }

    /// <summary>What may be in the answer was read in the name of whoever handed it in: he alone is given it.</summary>
    private static async Task ResultAsync(
        string id,
        NpgsqlDataSource database,
        KeyFile keys,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var job = await ScopedAsync(connection, id, caller);
        var (head, content) = await OpenAsync(connection, keys, job, caller);
        await using var file = content;
        await job.SeenAsync(connection, caller.Actor);
        http.Response.ContentType = head.MediaType;
        http.Response.ContentLength = head.Bytes; // a file that lacks something is taken for the fault it is
        if (head.Disposition is { } disposition)
            http.Response.Headers.ContentDisposition = disposition;
        await file.CopyToAsync(http.Response.Body, cancellation);
    }

    /// <exception cref="RefusedException"><c>forbidden</c>, <c>wrong-state</c>, <c>not-found</c>,
    /// <c>record-damaged</c>.</exception>
    public static async Task<(JobOutput.Head Head, Stream Content)> OpenAsync(
        NpgsqlConnection connection,
        KeyFile keys,
        Job job,
        Caller caller
    )
    {
        if (!job.IsOf(caller.Actor))
            throw new RefusedException(new Rejection(Rejections.Forbidden, "只有提交的人能取后台任务的结果"));
        if (job.State is JobState.Waiting or JobState.Running)
            throw new RefusedException(new Rejection(Rejections.WrongState, "后台任务还没有完成"));
        if (job.ResultBytes is null)
            throw new RefusedException(new Rejection(Rejections.NotFound, "这个后台任务没有结果文件"));
        if (!job.IsKept)
            throw new RefusedException(
                new Rejection(
                    Rejections.NotFound,
                    $"结果保存 {Job.ResultDays} 天，每人最近 {Job.ResultsKept} 份；这一份已经删除，请重新提交"
                )
            );
        if (job.Seal != job.SealOf(keys))
            throw new RefusedException(new Rejection(Rejections.RecordDamaged, "后台任务的记录不是产品写入的"));
        return await JobOutput.OpenAsync(connection, keys, job);
    }

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
        var job = await ScopedAsync(connection, id, caller);
        await job.SeenAsync(connection, caller.Actor);
        var view = job.View();
        if (!view.IsOver)
            http.Response.Headers.RetryAfter = "1";
        return Results.Ok(view);
    }

    /// <summary>One that runs ends with the part that is under way: what is in stays in.</summary>
    private static async Task<Answer> Cancel(string id, Command command, Caller caller)
    {
        var job = await ScopedAsync(command.Connection, id, caller);
        if (!job.IsOf(caller.Actor))
            throw new RefusedException(new Rejection(Rejections.Forbidden, "只有提交的人能取消后台任务"));
        var asked = await command.Connection.ExecuteAsync(
            $"""
            update {Job.Table}
               set cancelled_by = @by,
                   state = case state when 'waiting' then 'cancelled' else state end,
                   ended_at = case state when 'waiting' then clock_timestamp() end
             where id = @id and state in ('waiting', 'running')
            """,
            ("by", caller.Actor.Id),
            ("id", id)
        );
        if (asked == 0)
            throw new RefusedException(new Rejection(Rejections.WrongState, "后台任务已经结束"));
        return new Answer((await Job.OfAsync(command.Connection, id))!.View());
    }
}
