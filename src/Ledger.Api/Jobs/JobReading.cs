using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Web.Jobs;
using Microsoft.AspNetCore.Http.Features;
using Npgsql;

namespace Ledger.Api.Jobs;

/// <summary>
/// Jobs that read: the reading's own request, once, in the name of whoever handed it in. What it is answered is laid
/// down (<see cref="JobOutput"/>) for him to fetch.
/// </summary>
public sealed partial class JobRunner
{
    /// <summary>Of a reading nothing is left midway: whoever takes it up begins anew.</summary>
    private async Task ReadAsync(Job job, CancellationToken cancellation)
    {
        for (var tries = 1; ; tries++)
        {
            using var asked = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
            await using var connection = await database.OpenConnectionAsync(cancellation);
            var (attempt, steps) = (await BeginAsync(connection, job), new JobSteps());
            var following = FollowAsync(job.Id, steps, asked);
            var (status, answer, isCancelled) = (0, default(JsonElement), false);
            try
            {
                (status, answer) = await Task.Run(
                    () => AnswerAsync(job, attempt, steps, connection, asked.Token),
                    cancellation
                );
            }
            catch (OperationCanceledException) when (asked.IsCancellationRequested)
            {
                // Somebody cancelled it, or another node has it: which it is, is asked below.
            }
            finally
            {
                await asked.CancelAsync();
                isCancelled = await following;
            }
            cancellation.ThrowIfCancellationRequested();
            if (status is >= 200 and < 300)
                return;
            if (isCancelled)
            {
                await EndAsync(job, JobState.Cancelled, job.Result);
                return;
            }
            if (IsLast(status, tries))
            {
                await FailAsync(job, Meaning(answer));
                return;
            }
            await Task.Delay(After(tries), cancellation);
        }
    }

    /// <exception cref="OperationCanceledException">It is another node's.</exception>
    private async Task<int> BeginAsync(NpgsqlConnection connection, Job job)
    {
        var begun = await connection.QueryAsync(
            $"""
            update {Job.Table} set attempt = attempt + 1
             where id = @id and holder = @me and state = 'running'
            returning attempt
            """,
            r => r.GetInt32(0),
            ("id", job.Id),
            ("me", _me)
        );
        if (begun.Count == 0)
            throw new OperationCanceledException($"{job.Id} is another node's");
        await connection.ExecuteAsync(
            $"delete from {Job.Pieces} where job_id = @id and part < @attempt",
            ("id", job.Id),
            ("attempt", begun[0])
        );
        return begun[0];
    }

    /// <summary>
    /// The reading's own request. Where it is answered, the job is done: its last piece and its state are written one
    /// after the other, and without the state nobody is given the pieces.
    /// </summary>
    private async Task<(int Status, JsonElement Said)> AnswerAsync(
        Job job,
        int attempt,
        JobSteps steps,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        HttpContext? http = null;
        await using var output = new JobOutput(
            connection,
            keys,
            (job.Id, attempt, _me),
            () => http?.Response.StatusCode ?? StatusCodes.Status200OK
        );
        await using var scope = scopes.CreateAsyncScope();
        using var activity = Begun(job);
        var features = Features(job, output, scope.ServiceProvider);
        features.Set<IHttpRequestLifetimeFeature>(new HttpRequestLifetimeFeature { RequestAborted = cancellation });
        http = contexts.Create(features);
        try
        {
            http.TraceIdentifier = job.Trace;
            http.Items[typeof(JobStep)] = new JobStep(Steps: steps);
            await Inner!.Value(http);
            await http.Response.CompleteAsync();
            cancellation.ThrowIfCancellationRequested();
            if (http.Response.StatusCode < 300)
            {
                output.Finish(http.Response.ContentType, http.Response.Headers.ContentDisposition);
                await DoneAsync(job, attempt, steps, output.Bytes);
            }
            return (http.Response.StatusCode, output.Said);
        }
        finally
        {
            contexts.Dispose(http);
        }
    }

    private async Task DoneAsync(Job job, int attempt, JobSteps steps, long bytes)
    {
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync(
            $"""
            update {Job.Table}
               set state = 'done', ended_at = clock_timestamp(), holder = null, until = null, result_bytes = @bytes,
                   steps_done = greatest(steps_done, @done, @total), steps_total = @total
             where id = @id and holder = @me and attempt = @attempt and state = 'running'
            """,
            ("id", job.Id),
            ("me", _me),
            ("attempt", attempt),
            ("bytes", bytes),
            ("done", steps.Done),
            ("total", steps.Total)
        );
    }

    /// <summary>Says how far a reading has come, and hears that it is to end.</summary>
    /// <returns>Somebody cancelled it.</returns>
    private async Task<bool> FollowAsync(string id, JobSteps steps, CancellationTokenSource asked)
    {
        while (!asked.IsCancellationRequested)
        {
            await Task.Delay(TellEvery, asked.Token).ContinueWith(_ => { }, TaskScheduler.Default);
            if (asked.IsCancellationRequested)
                return false;
            try
            {
                await using var connection = await database.OpenConnectionAsync(asked.Token);
                // One that began anew is at its beginning: what was said stays until it has caught up.
                var cancelled = await connection.QueryAsync(
                    $"""
                    update {Job.Table}
                       set steps_done = greatest(steps_done, @done), steps_total = coalesce(@total, steps_total)
                     where id = @id and holder = @me and state = 'running'
                    returning cancelled_by is not null
                    """,
                    r => r.GetBoolean(0),
                    ("id", id),
                    ("me", _me),
                    ("done", steps.Done),
                    ("total", steps.Total)
                );
                if (cancelled.Contains(true))
                {
                    await asked.CancelAsync();
                    return true;
                }
            }
            catch (OperationCanceledException)
            {
                return false; // it is over
            }
            catch (Exception e)
            {
                log.LogWarning("{Job}: how far it is could not be said: {Reason}", id, e.Message);
            }
        }
        return false;
    }
}
