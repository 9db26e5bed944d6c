using System.Diagnostics;
using System.Globalization;
using System.Security.Claims;
using System.Text.Json;
using Ledger.Api.Accounts;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;
using Microsoft.AspNetCore.WebUtilities;
using Npgsql;

namespace Ledger.Api.Jobs;

/// <summary>
/// Works jobs off, each by one node at a time, for as long as its lease in the database runs. A job is its own command
/// again and again, each time with a part of the rows: the same endpoint, transaction, checks, refusals and trail, in
/// the name of whoever handed it in, under a key that follows from the job and the part. How far it has come is
/// written in the same transaction, so whoever takes it up goes on there (docs/decisions/020).
/// </summary>
public sealed partial class JobRunner(
    NpgsqlDataSource database,
    KeyFile keys,
    IServiceScopeFactory scopes,
    IHttpContextFactory contexts,
    TokenHolders holders,
    Findings findings,
    ILogger<JobRunner> log
) : BackgroundService
{
    /// <summary>More would take the processor from whoever waits for an answer.</summary>
    private const int AtOnce = 2;

    /// <summary>So often a step is tried again that failed for no reason of its own.</summary>
    private const int Tries = 5;

    public static readonly TimeSpan Lease = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500),
        TellEvery = TimeSpan.FromSeconds(1),
        SweepEvery = TimeSpan.FromMinutes(10);

    private readonly Guid _me = Guid.NewGuid();
    private readonly Dictionary<string, (Task Task, bool IsReading)> _running = [];

    /// <summary>Where its requests go, once the routes are there.</summary>
    public Lazy<RequestDelegate>? Inner { get; set; }

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        for (var swept = 0L; !stopping.IsCancellationRequested; )
        {
            try
            {
                foreach (var done in _running.Where(r => r.Value.Task.IsCompleted).Select(r => r.Key).ToList())
                    _running.Remove(done);
                while (_running.Count < AtOnce && await ClaimAsync(stopping) is var (id, isReading))
                    _running[id] = (KeepAsync(id, stopping), isReading);
                if (swept == 0 || Stopwatch.GetElapsedTime(swept) > SweepEvery)
                {
                    await SweepAsync(stopping);
                    swept = Stopwatch.GetTimestamp();
                }
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                log.LogWarning("Jobs could not be looked at; again in a moment: {Reason}", e.Message);
            }
            await Task.Delay(Pause, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        await Task.WhenAll(_running.Values.Select(r => r.Task));
    }

    /// <summary>
    /// What waits, and what a node left that is gone, becomes this node's. Of readings one at a time: imports go on
    /// beside a long one.
    /// </summary>
    private async Task<(string Id, bool IsReading)?> ClaimAsync(CancellationToken stopping)
    {
        if (Inner is null)
            return null;
        await using var connection = await database.OpenConnectionAsync(stopping);
        var claimed = await connection.QueryAsync(
            $"""
            update {Job.Table}
               set state = 'running', holder = @me, until = clock_timestamp() + @lease,
                   started_at = coalesce(started_at, clock_timestamp())
             where id in (
                   select id
                     from {Job.Table}
                    where state in ('waiting', 'running')
                      and (until is null or until < clock_timestamp() -- the one clock that all nodes share
                           or until > clock_timestamp() + 10 * @lease) -- longer than anybody of ours would hold it
                      and (method = 'POST' or not @reads)
                    order by created_at
                    limit 1 for update skip locked)
            returning id, method
            """,
            r => (Id: r.GetString(0), IsReading: r.GetString(1) == HttpMethods.Get),
            ("me", _me),
            ("lease", Lease),
            ("reads", _running.Values.Any(r => r.IsReading))
        );
        return claimed is [var one] ? one : null;
    }

    private async Task KeepAsync(string id, CancellationToken stopping)
    {
        using var lost = CancellationTokenSource.CreateLinkedTokenSource(stopping);
        var renewing = RenewAsync(id, lost);
        try
        {
            await WorkAsync(id, lost.Token);
        }
        catch (OperationCanceledException) when (lost.IsCancellationRequested)
        {
            // Another node has it, or takes it up: this one stops, or was cut off.
        }
        catch (Exception e)
        {
            log.LogWarning("{Job} is left for a moment: {Reason}", id, e.Message);
        }
        await lost.CancelAsync();
        await renewing;
    }

    private async Task RenewAsync(string id, CancellationTokenSource lost)
    {
        var sure = Stopwatch.StartNew();
        while (!lost.IsCancellationRequested)
        {
            await Task.Delay(Lease / 3, lost.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            if (lost.IsCancellationRequested)
                return;
            try
            {
                await using var connection = await database.OpenConnectionAsync(lost.Token);
                var kept = await connection.ExecuteAsync(
                    $"""
                    update {Job.Table} set until = clock_timestamp() + @lease
                     where id = @id and holder = @me and state = 'running'
                    """,
                    ("lease", Lease),
                    ("id", id),
                    ("me", _me)
                );
                if (kept == 0)
                    await lost.CancelAsync();
                sure.Restart();
            }
            catch (Exception e) when (e is not OperationCanceledException)
            {
                if (sure.Elapsed > Lease)
                    await lost.CancelAsync();
            }
        }
    }

    private async Task WorkAsync(string id, CancellationToken cancellation)
    {
        while (true)
        {
            cancellation.ThrowIfCancellationRequested();
            Job job;
            await using (var connection = await database.OpenConnectionAsync(cancellation))
                job = (await Job.OfAsync(connection, id))!;
            if (job.State != JobState.Running)
                return;
            if (job.Seal != job.SealOf(keys))
            {
                await findings.AddAsync("state", $"{id} 不是产品收下的后台任务，没有执行 a job was edited");
                await FailAsync(job, new(Rejections.RecordDamaged, "后台任务的记录不是产品写入的，没有执行"));
                return;
            }
            if (job.CancelledBy is not null)
            {
                await EndAsync(job, JobState.Cancelled, job.Result);
                return;
            }
            if (!await holders.MayActAsync(Principal(job), isOurs: !ActorName.IsForeign(job.By.Id)))
            {
                await FailAsync(job, new(Rejections.Forbidden, "提交后账户已停用、变更，或代办已结束"));
                return;
            }
            if (job.IsReading)
            {
                await ReadAsync(job, cancellation);
                return;
            }
            if (!await StepAsync(job, cancellation))
                return;
        }
    }

    private static ClaimsPrincipal Principal(Job job) =>
        new(new ClaimsIdentity(Tokens.Claims(job.By), "job", "sub", "role"));

    /// <summary>As the command's own parameter is bound: in capitals too.</summary>
    private static bool IsPartial(Job job) =>
        QueryHelpers.ParseQuery(job.Address.Query).TryGetValue("partial", out var asked)
        && bool.TryParse(asked, out var isPartial)
        && isPartial;

    /// <summary>The next part is looked at, or written. False: the job is over.</summary>
    private async Task<bool> StepAsync(Job job, CancellationToken cancellation)
    {
        var parts = job.PartRows?.Length;
        var isChecked = IsPartial(job) ? parts is not null : parts is { } p && job.PartsChecked == p;
        if (isChecked && job.PartsDone == parts)
        {
            await EndAsync(job, JobState.Done, job.Result);
            return false;
        }
        if (!isChecked)
            return await CheckAsync(job, cancellation);
        if (job.PartsDone == 0 && job.Result.FaultCount > 0 && !IsPartial(job))
        {
            await FailAsync(job, Faulty(job.Result));
            return false;
        }
        var (status, body) = await SendAsync(
            job,
            job.PartsDone,
            new JobStep(Progress: a => Written(job, a)),
            cancellation
        );
        if (status < 300)
            return true;
        await FailAsync(job with { Result = Told(job.Result, body) }, Meaning(body), isOnRecord: true);
        return false;
    }

    /// <summary>Of more faults than are kept nobody knows any longer in how many rows they are.</summary>
    private static Rejection Faulty(JobResult result) =>
        new(
            Known(result.FaultCode) ?? Rejections.RosterInvalid,
            result.FaultCount > JobResult.Most
                ? $"文件有 {result.FaultCount} 处问题，列出前 {JobResult.Most} 处；没有存入任何内容"
                : $"文件有 {result.FaultCount} 处问题（{result.Faults.Select(f => f.Row).Distinct().Count()} 行），没有存入任何内容"
        );

    /// <summary>
    /// A part that would be refused is no end: the others are looked at too, so that all faults are told at once.
    /// </summary>
    private async Task<bool> CheckAsync(Job job, CancellationToken cancellation)
    {
        var (status, body) = await SendAsync(job, job.PartsChecked, new JobStep(IsCheck: true), cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var now = (await Job.OfAsync(connection, job.Id))!; // it may have been laid down only now
        var result = Told(now.Result, body) with
        {
            FaultCode = now.Result.FaultCode ?? (status >= 300 ? CodeOf(body) : null),
        };
        // A file that cannot be divided into parts is refused as a whole; so is what has no fault in any row.
        if (status >= 300 && (now.PartRows is null || result.FaultCount == now.Result.FaultCount))
        {
            await FailAsync(now with { Result = result }, Meaning(body));
            return false;
        }
        await connection.ExecuteAsync(
            $"""
            update {Job.Table} set parts_checked = @next, result = @result
             where id = @id and holder = @me and parts_checked = @at
            """,
            ("next", job.PartsChecked + 1),
            ("result", JsonSerializer.Serialize(result, Job.Json)),
            ("id", job.Id),
            ("me", _me),
            ("at", job.PartsChecked)
        );
        return true;
    }

    private static JobResult Told(JobResult result, JsonElement body) =>
        result.With(ListOf<Fault>(body, "faults"), ListOf<Note>(body, "notes"));

    private static List<T> ListOf<T>(JsonElement body, string name) =>
        body.TryGetProperty(name, out var list) && list.ValueKind == JsonValueKind.Array
            ? list.Deserialize<List<T>>(Job.Json)!
            : [];

    /// <summary>
    /// What a part came to, for the transaction that writes it. Of two nodes that are at it one writes.
    /// </summary>
    private static NpgsqlBatchCommand Written(Job job, Answer answer)
    {
        var body = JsonSerializer.SerializeToElement(answer.Body, Job.Json);
        var counts = new Dictionary<string, long>(job.Result.Counts);
        foreach (var field in body.EnumerateObject().Where(f => f.Value.ValueKind == JsonValueKind.Number))
            if (field.Value.TryGetInt64(out var count))
                counts[field.Name] = counts.GetValueOrDefault(field.Name) + count;
        var statement = new NpgsqlBatchCommand(
            $"update {Job.Table} set parts_done = $1, result = $2 where id = $3 and parts_done = $4"
        );
        var faults = ListOf<Fault>(body, "faults");
        var result = job.Result.With(faults, ListOf<Note>(body, "notes")) with
        {
            Counts = counts,
            RowsOut = [.. job.Result.RowsOut.Union(faults.Select(f => f.Row).OfType<int>())],
        };
        foreach (
            var value in (object[])
                [job.PartsDone + 1, JsonSerializer.Serialize(result, Job.Json), job.Id, job.PartsDone]
        )
            statement.Parameters.Add(new NpgsqlParameter { Value = value });
        return statement;
    }

    private static string? CodeOf(JsonElement body) => body.TryGetProperty("code", out var c) ? c.GetString() : null;

    private static RejectionCode? Known(string? code) => code is null ? null : Rejections.All.GetValueOrDefault(code);

    private static Rejection Meaning(JsonElement body)
    {
        return new Rejection(
            Known(CodeOf(body)) ?? Rejections.Internal,
            body.TryGetProperty("detail", out var detail) ? detail.GetString() ?? "" : ""
        )
        {
            Faults = ListOf<Fault>(body, "faults"),
        };
    }

    /// <param name="isOnRecord">The refusal stands in the trail: the command itself met it.</param>
    private async Task FailAsync(Job job, Rejection why, bool isOnRecord = false)
    {
        // What only reads is no act: asking once more would be reading.
        if (!isOnRecord && !job.IsReading && why.Code != Rejections.RecordDamaged)
            await SendAsync(job, job.PartsDone, new JobStep(Refusal: why), CancellationToken.None);
        await EndAsync(
            job,
            JobState.Failed,
            job.Result with
            {
                Failure = new JobFailure(why.Code.Code, why.Code.Title, why.Detail),
            }
        );
        log.LogInformation("{Job} failed: {Code}", job.Id, why.Code.Code);
    }

    /// <summary>With the job its file goes, and what was laid down of it.</summary>
    private async Task EndAsync(Job job, JobState state, JobResult result)
    {
        await using var connection = await database.OpenConnectionAsync();
        if (state != JobState.Done && job.PartsDone > 0)
            result = result with { RowsIn = RowsIn(connection, job) };
        await using var transaction = await connection.BeginTransactionAsync();
        var ended = await connection.ExecuteAsync(
            $"""
            update {Job.Table}
               set state = @state, result = @result, ended_at = clock_timestamp(), holder = null, until = null
             where id = @id and holder = @me and state = 'running'
            """,
            ("state", state.ToString().ToLowerInvariant()),
            ("result", JsonSerializer.Serialize(result, Job.Json)),
            ("id", job.Id),
            ("me", _me)
        );
        if (ended > 0)
            await connection.ExecuteAsync($"delete from {Job.Pieces} where job_id = @id", ("id", job.Id));
        await transaction.CommitAsync();
    }

    /// <summary>Which rows of the file are in, as 2-5001, 5003: none that was left out for its faults.</summary>
    private string RowsIn(NpgsqlConnection connection, Job job)
    {
        var numbers = Enumerable
            .Range(0, job.PartsDone)
            .SelectMany(part => JobCut.Rows(connection, keys, job.Id, part).Select(r => r.Number))
            .Except(job.Result.RowsOut)
            .Order()
            .ToList();
        var runs = new List<(int First, int Last)>();
        foreach (var number in numbers)
            if (runs is [.., var last] && last.Last == number - 1)
                runs[^1] = (last.First, number);
            else
                runs.Add((number, number));
        return string.Join(", ", runs.Select(r => r.First == r.Last ? $"{r.First}" : $"{r.First}-{r.Last}"));
    }

    /// <summary>
    /// A command that a call would have answered with "later" or with an error of ours is tried again.
    /// </summary>
    private async Task<(int Status, JsonElement Body)> SendAsync(
        Job job,
        int part,
        JobStep step,
        CancellationToken cancellation
    )
    {
        for (var attempt = 1; ; attempt++)
        {
            cancellation.ThrowIfCancellationRequested();
            var (status, body) = await Task.Run(() => OnceAsync(job, part, step), cancellation);
            if (IsLast(status, attempt))
                return (status, body);
            await Task.Delay(After(attempt), cancellation);
        }
    }

    /// <summary>What is answered for good, or has been tried often enough.</summary>
    private static bool IsLast(int status, int tries) =>
        (status < 500 && status != StatusCodes.Status429TooManyRequests) || tries == Tries;

    private static TimeSpan After(int tries) => TimeSpan.FromMilliseconds(250 << tries);

    private async Task<(int Status, JsonElement Body)> OnceAsync(Job job, int part, JobStep step)
    {
        using var activity = Begun(job);
        await using var scope = scopes.CreateAsyncScope();
        var answer = new MemoryStream();
        var features = Features(job, answer, scope.ServiceProvider);
        WithFile(features, step.Refusal is null ? $"{job.Id}-{part}" : $"{job.Id}-refused");
        var http = contexts.Create(features);
        try
        {
            http.TraceIdentifier = job.Trace;
            http.Items[typeof(JobStep)] = step;
            http.Items[typeof(SheetSource)] = new SheetSource(form => PartAsync(job, part, form, http), job.Digest);
            await Inner!.Value(http);
            return (
                http.Response.StatusCode,
                answer.Length > 0 ? JsonElement.Parse(answer.GetBuffer().AsSpan(0, (int)answer.Length)) : default
            );
        }
        finally
        {
            contexts.Dispose(http);
        }
    }

    /// <summary>What is done is found under the request that it was handed in with.</summary>
    private static Activity Begun(Job job)
    {
        // What is said here is kept: in Chinese, whatever the machine's language is; who reads it chooses his.
        CultureInfo.CurrentUICulture = CultureInfo.GetCultureInfo(Languages.All[0]);
        var activity = new Activity("job");
        if (job.Trace.Length == 32)
            activity.SetParentId(ActivityTraceId.CreateFromString(job.Trace), ActivitySpanId.CreateRandom());
        return activity.Start();
    }

    /// <summary>The job's own request, in the name of whoever handed it in.</summary>
    private static FeatureCollection Features(Job job, Stream answer, IServiceProvider services)
    {
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(
            new HttpRequestFeature
            {
                Method = job.Method,
                Scheme = "http",
                Protocol = HttpProtocol.Http11,
                Path = job.Address.Path,
                QueryString = job.Address.Query,
                Headers = { Accept = job.Accept },
            }
        );
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer));
        features.Set<IHttpBodyControlFeature>(new Sync());
        features.Set<IHttpAuthenticationFeature>(new HttpAuthenticationFeature { User = Principal(job) });
        features.Set<IServiceProvidersFeature>(new ServiceProvidersFeature { RequestServices = services });
        return features;
    }

    private sealed class Sync : IHttpBodyControlFeature
    {
        public bool AllowSynchronousIO { get; set; }
    }

    /// <summary>
    /// A command's: its table comes from the job; that there is a file is all that is asked of this one.
    /// </summary>
    private static void WithFile(FeatureCollection features, string key)
    {
        var headers = features.GetRequiredFeature<IHttpRequestFeature>().Headers;
        headers.ContentType = "multipart/form-data; boundary=job";
        headers[IdempotencyKey.Header] = key;
        var file = new FormFile(new MemoryStream([0]), 0, 1, "file", "file");
        features.Set<IFormFeature>(new FormFeature(new FormCollection(null, new FormFileCollection { file })));
        features.Set<IHttpRequestBodyDetectionFeature>(new Batch.HasBody(true));
    }

    private async Task<Table> PartAsync(Job job, int part, SheetForm form, HttpContext http)
    {
        await using var connection = await database.OpenConnectionAsync();
        if (job.PartRows is null)
        {
            var rows = http.GetEndpoint()!.Metadata.GetMetadata<JobMetadata>()!.GroupRows;
            await new JobCut(job, keys, rows, http.Request.Query.ContainsKey("confirmDuplicate")).RunAsync(
                connection,
                form
            );
        }
        var layout = job.Layout ?? (await Job.OfAsync(connection, job.Id))!.Layout!;
        return Table.Part(form, layout, JobCut.Rows(connection, keys, job.Id, part));
    }

    /// <summary>What was kept for a time, and its time is over.</summary>
    public async Task SweepAsync(CancellationToken stopping)
    {
        await using var connection = await database.OpenConnectionAsync(stopping);
        await connection.ExecuteAsync(
            $"""
            with newest as (
                     select id, row_number() over (partition by actor order by ended_at desc) as n
                       from {Job.Table}
                      where state = 'done'
                        and result_bytes is not null)
            delete from {Job.Pieces} p using {Job.Table} j
             where j.id = p.job_id
               and (j.state = 'cancelled'
                    or (j.state = 'done'
                        and (j.ended_at < clock_timestamp() - make_interval(days => {Job.ResultDays})
                             or p.part <> j.attempt))
                    or j.id in (select id from newest where n > {Job.ResultsKept}))
            """
        );
        await connection.ExecuteAsync(
            $"delete from {Job.Table} where ended_at < clock_timestamp() - @life",
            ("life", Job.Life)
        );
    }
}
