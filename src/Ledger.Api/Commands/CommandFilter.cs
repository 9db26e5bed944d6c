using System.Diagnostics;
using System.Text.Json;
using Ledger.Api.Operation;
using Ledger.Domain;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Ledger.Api.Commands;

/// <summary>
/// What a command's endpoint returns: body, and the version of the aggregate for the ETag. <paramref name="Kept"/>:
/// what is kept for the same key instead of the body, where that must stand nowhere in clear.
/// </summary>
public sealed record Answer(
    object Body,
    int? Version = null,
    int Status = StatusCodes.Status200OK,
    string? Location = null,
    object? Kept = null
)
{
    public static Answer Created(string location, object body, int? version = null) =>
        new(body, version, StatusCodes.Status201Created, location);
}

/// <summary>
/// Wraps every endpoint that changes something: transaction, idempotency, refusal record, answer. The endpoint itself
/// only loads, decides and appends.
/// </summary>
public sealed class CommandFilter(
    Command command,
    Together together,
    Refusals refusals,
    IOptions<JsonOptions> json,
    ILogger<CommandFilter> log
) : IEndpointFilter
{
    /// <summary>
    /// A command that lost a race for a new stream or a deadlock starts over; it sees the winner's work then.
    /// </summary>
    private const int Attempts = 4;

    public async ValueTask<object?> InvokeAsync(EndpointFilterInvocationContext context, EndpointFilterDelegate next)
    {
        var http = context.HttpContext;
        var started = Stopwatch.GetTimestamp();
        // Nothing comes of a preview: its answer is kept for no key.
        var step = JobStep.Of(http);
        var key = Preview.IsAsked(http) || step is { IsCheck: true } ? null : IdempotencyKey.Require(http);
        var request = key is null ? [] : await IdempotencyKey.DigestAsync(http);
        if (await TogetherAsync(context, next, key, request) is { } written)
        {
            Telemetry.Count(command.Name, "done", started);
            return new BytesResult(written);
        }
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                var (result, outcome) = await AttemptAsync(context, next, key, request, isRepeat: attempt > 1);
                Telemetry.Count(command.Name, outcome, started);
                return result;
            }
            // A first attempt that fails for whatever reason looks for its key too: what was answered once is answered
            // so for good.
            catch (Exception e)
                when (attempt < Attempts
                    && (
                        IsLostRace(e)
                        || (
                            attempt == 1
                            && key is not null
                            && e is not (RefusedException or BadHttpRequestException or OperationCanceledException)
                        )
                    )
                )
            {
                log.LogInformation(
                    "Attempt {Attempt} of {Command} lost a race or failed, and starts over: {Reason}",
                    attempt,
                    command.Name,
                    e.GetType().Name
                );
            }
            catch
            {
                Telemetry.Count(command.Name, "failed", started);
                throw;
            }
            finally
            {
                await command.DisposeAsync();
            }
        }
    }

    /// <summary>The answer of a command that was written with others; null: it goes alone.</summary>
    private async Task<StoredAnswer?> TogetherAsync(
        EndpointFilterInvocationContext context,
        EndpointFilterDelegate next,
        string? key,
        byte[] request
    )
    {
        if (
            key is null
            || context.HttpContext.GetEndpoint()?.Metadata.GetMetadata<NeedsMetadata>()?.Of(context) is not { } needs
        )
            return null;
        try
        {
            return await together.AnswerAsync(
                command.Name,
                command.Actor.Region,
                needs,
                async group =>
                {
                    command.Begin(group);
                    return await command.LeaveAsync(await DecideAsync(context, next, key, request));
                }
            );
        }
        finally
        {
            await command.DisposeAsync();
        }
    }

    /// <summary>Runs the endpoint, and keeps its answer for the key.</summary>
    private async Task<StoredAnswer> DecideAsync(
        EndpointFilterInvocationContext context,
        EndpointFilterDelegate next,
        string? key,
        byte[] request
    )
    {
        var http = context.HttpContext;
        var answer = JobMetadata.Asked(http) is { } job
            ? await job.AcceptAsync(http, command)
            : (Answer)(await next(context))!;
        if (JobStep.Of(http) is { Progress: { } progress })
            command.Beside(progress(answer));
        var headers = new Dictionary<string, string> { ["Content-Type"] = IdempotencyKey.Json };
        if (answer.Version is { } version)
            headers["ETag"] = ETags.Of(version);
        if (answer.Location is { } location)
            headers["Location"] = location;
        var given = new StoredAnswer(
            answer.Status,
            headers,
            JsonSerializer.SerializeToUtf8Bytes(answer.Body, json.Value.SerializerOptions)
        );
        if (key is not null)
            IdempotencyKey.Keep(
                command,
                key,
                request,
                answer.Kept is { } kept
                    ? given with
                    {
                        Body = JsonSerializer.SerializeToUtf8Bytes(kept, json.Value.SerializerOptions),
                    }
                    : given
            );
        return given;
    }

    private async Task<(IResult Result, string Outcome)> AttemptAsync(
        EndpointFilterInvocationContext context,
        EndpointFilterDelegate next,
        string? key,
        byte[] request,
        bool isRepeat
    )
    {
        var http = context.HttpContext;
        await command.BeginAsync();
        // The first attempt does not ask whether the key is known: nearly none is, and one that is cannot be kept
        // again.
        if (isRepeat && await FirstAnswerAsync(http, key, request) is { } known)
            return known;
        try
        {
            // What was decided is looked at and never appended: the transaction ends with the request.
            if (Preview.IsAsked(http))
            {
                await next(context);
                return (Results.Ok(await Preview.OfAsync(command)), "previewed");
            }
            // A job that looks whether all of a file is sound: decided, and left.
            if (JobStep.Of(http) is { IsCheck: true })
                return (Results.Ok(((Answer)(await next(context))!).Body), "checked");
            if (JobStep.Of(http) is { Refusal: { } refusal })
                throw new RefusedException(refusal);
            var given = await DecideAsync(context, next, key, request);
            await command.CommitAsync();
            return (new BytesResult(given), "done");
        }
        catch (RefusedException e) when (JobStep.Of(http) is not { IsCheck: true })
        {
            // The endpoint may already have written beside the events (personal data, evidence): start from nothing.
            await command.DisposeAsync();
            await command.BeginAsync();
            var problem = Problem.Details(e.Rejection, http);
            var stored = new StoredAnswer(
                e.Rejection.Code.Status,
                new Dictionary<string, string> { ["Content-Type"] = Problem.ContentType },
                JsonSerializer.SerializeToUtf8Bytes(problem, json.Value.SerializerOptions)
            );
            using var place = refusals.Take(command.Actor);
            // What is kept cannot be kept twice. What is not must ask: this may be what was done already, sent again.
            var isKept = place is not null && Refusals.IsKept(stored, e.Rejection, http.Request.Path);
            if (!isKept && await FirstAnswerAsync(http, key, request) is { } first)
                return first;
            if (key is not null && isKept)
                IdempotencyKey.Keep(command, key, request, stored);
            if (place is null)
                refusals.CountOnly(command.Actor, command.Name, e.Rejection.Code);
            else
                await command.RecordRefusalAsync(e.Rejection, place);
            return (new BytesResult(stored), e.Rejection.Code.Code);
        }
    }

    private async Task<(IResult Result, string Outcome)?> FirstAnswerAsync(
        HttpContext http,
        string? key,
        byte[] request
    )
    {
        if (key is null || await IdempotencyKey.FindAsync(command, key, request) is not { } known)
            return null;
        await command.MakeSureAsync();
        http.Response.Headers["Idempotent-Replay"] = "true";
        return (new BytesResult(known), "replayed");
    }

    private static bool IsLostRace(Exception e) =>
        e switch
        {
            PostgresException
            {
                SqlState: PostgresErrorCodes.UniqueViolation
                    or PostgresErrorCodes.DeadlockDetected
                    or PostgresErrorCodes.SerializationFailure
            } => true,
            { InnerException: { } inner } => IsLostRace(inner),
            _ => false,
        };

    /// <summary>
    /// Sends a stored answer, or the other form of it that the route has and the caller asks for (his own workbook with
    /// the faults marked); nothing of that is kept.
    /// </summary>
    private sealed class BytesResult(StoredAnswer answer) : IResult
    {
        public async Task ExecuteAsync(HttpContext http)
        {
            if (
                http.GetEndpoint()?.Metadata.GetMetadata<OtherFormMetadata>() is { } other
                && await other.OfAsync(http, answer) is { } form
            )
            {
                http.Response.StatusCode = answer.Status;
                await form.ExecuteAsync(http);
                return;
            }
            http.Response.StatusCode = answer.Status;
            if (answer.Status == StatusCodes.Status202Accepted)
                JobMetadata.Told(http);
            foreach (var (name, value) in answer.Headers)
                http.Response.Headers[name] = value;
            http.Response.ContentLength = answer.Body.Length; // else it goes in pieces, the last one empty
            await http.Response.Body.WriteAsync(answer.Body);
        }
    }
}
