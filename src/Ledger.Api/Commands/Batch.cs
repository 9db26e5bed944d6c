using System.Buffers;
using System.Security.Claims;
using System.Text;
using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Features.Authentication;

namespace Ledger.Api.Commands;

/// <summary>
/// One command of a batch: as it would be sent by itself, with its own Idempotency-Key (<paramref name="Key"/>).
/// </summary>
/// <param name="Path">From <c>/api/</c> on, with its query.</param>
/// <param name="Body">JSON; commands that take a file are sent by themselves.</param>
public sealed record BatchCommand(
    string Key,
    string Method,
    string Path,
    JsonElement? Body = null,
    string? IfMatch = null
);

/// <param name="InOrder">
/// Each begins when the one before it is done, and what follows a refused one is not tried; else each stands for
/// itself.
/// </param>
public sealed record BatchBody(IReadOnlyList<BatchCommand> Commands, bool InOrder = false);

/// <summary>
/// What became of one command, as its own answer would say: <paramref name="Status"/> of HTTP, null where it was not
/// tried; <paramref name="Body"/>: the answer, or problem details.
/// </summary>
public sealed record BatchResult(
    string Key,
    int? Status,
    string? ETag = null,
    string? Location = null,
    bool IsReplay = false,
    JsonElement? Body = null
);

public sealed record BatchView(int Done, int Refused, int NotTried, IReadOnlyList<BatchResult> Results);

/// <summary>
/// Many commands in one request, for the systems of banks and townships. Each is a command as any other: own key, own
/// transaction in effect, own outcome; sent again, the batch gets the same answers again.
/// </summary>
public static class Batch
{
    public const int Most = 1_000;

    /// <summary>As many of a batch as are under way at once: a group's worth.</summary>
    private const int AtOnce = 64;

    public static void MapBatch(this WebApplication app, RouteGroupBuilder api)
    {
        // The routes are built when the last is mapped: what leads to them waits for the first batch.
        var inner = new Lazy<RequestDelegate>(() => Pipeline(app));
        api.MapPost("/batch", (BatchBody body, HttpContext http) => RunAsync(body, http, inner.Value))
            .NotKept()
            .Reading<BatchView>(
                "run-batch",
                $"一次提交至多 {Most} 条命令，各有幂等键、各有结果 · Many commands in one request",
                Roles.All
            )
            .Refuses(Rejections.FieldInvalid, Rejections.LimitExceeded, Rejections.BodyInvalid)
            .Example(
                """
                {"inOrder":false,"commands":[
                  {"key":"bank-20260302-0001","method":"POST","path":"/api/funds/fund-N2370811MF0000001J/allocations",
                   "body":{"amount":120000.00,"source":"collective-income","sourceName":"2026年土地流转收入",
                           "evidence":["<POST /api/evidence 返回的摘要>"],"effectiveDate":"2026-03-02"}}]}
                """
            );
    }

    /// <summary>
    /// What a request goes through after it is known who sent it: the batch's own sign-in and limits stand for all.
    /// </summary>
    public static RequestDelegate Pipeline(WebApplication app)
    {
        var inner = new ApplicationBuilder(app.Services)
        {
            // The same routes, by UseRouting's own name for them.
            Properties = { ["__GlobalEndpointRouteBuilder"] = app },
        };
        inner.UseProblems();
        inner.UseReadablePaths();
        inner.UseRouting();
        inner.Use(OnlyCommands);
        inner.UseAuthorization();
        inner.UseEndpoints(_ => { });
        return inner.Build();
    }

    private static Task OnlyCommands(HttpContext http, RequestDelegate next) =>
        JobStep.Of(http) is null
        && http.GetEndpoint()?.Metadata is { } found
        && (found.GetMetadata<CommandMetadata>() is null || found.GetMetadata<AloneMetadata>() is not null)
            ? throw new RefusedException(
                new Rejection(Rejections.FieldInvalid, $"{http.Request.Path} 不能成批提交") { Field = "path" }
            )
            : next(http);

    private static async Task<BatchView> RunAsync(BatchBody body, HttpContext http, RequestDelegate inner)
    {
        Check(body.Commands);
        var results = new BatchResult[body.Commands.Count];
        if (body.InOrder)
            await InOrderAsync(body.Commands, results, http, inner);
        else
            await Parallel.ForAsync(
                0,
                results.Length,
                new ParallelOptions { MaxDegreeOfParallelism = AtOnce, CancellationToken = http.RequestAborted },
                async (i, _) => results[i] = await OneAsync(body.Commands[i], http, inner)
            );
        return new BatchView(
            results.Count(r => r.Status is < 400),
            results.Count(r => r.Status is >= 400),
            results.Count(r => r.Status is null),
            results
        );
    }

    private static async Task InOrderAsync(
        IReadOnlyList<BatchCommand> commands,
        BatchResult[] results,
        HttpContext http,
        RequestDelegate inner
    )
    {
        for (var (i, isOn) = (0, true); i < results.Length; i++)
        {
            results[i] = isOn ? await OneAsync(commands[i], http, inner) : new BatchResult(commands[i].Key, null);
            isOn = results[i].Status is < 400 && !http.RequestAborted.IsCancellationRequested;
        }
    }

    /// <exception cref="RefusedException"><c>limit-exceeded</c>, <c>field-invalid</c> with the command at
    /// fault.</exception>
    private static void Check(IReadOnlyList<BatchCommand> commands)
    {
        if (commands.Count is 0 or > Most)
            throw new RefusedException(
                new Rejection(Rejections.LimitExceeded, $"一次 1 至 {Most} 条命令，现为 {commands.Count} 条")
                {
                    Field = "commands",
                }
            );
        var keys = new Dictionary<string, int>();
        for (var i = 0; i < commands.Count; i++)
        {
            var (key, method, path, _, _) = commands[i];
            if (!keys.TryAdd(key, i))
                throw Require.Invalid($"commands[{i}].key", $"与第 {keys[key] + 1} 条相同");
            if (method is not ("POST" or "PUT" or "DELETE"))
                throw Require.Invalid($"commands[{i}].method", "应为 POST、PUT 或 DELETE");
            if (!path.StartsWith("/api/", StringComparison.Ordinal))
                throw Require.Invalid($"commands[{i}].path", "应以 /api/ 开头");
        }
    }

    private static Task<BatchResult> OneAsync(BatchCommand command, HttpContext http, RequestDelegate inner)
    {
        // The context of a request lives in the flow of its thread: the batch's own must not be taken for the
        // command's, nor be lost to it.
        using var none = ExecutionContext.SuppressFlow();
        return Task.Run(() => SendAsync(command, http.User, http.RequestServices, inner));
    }

    private static async Task<BatchResult> SendAsync(
        BatchCommand command,
        ClaimsPrincipal user,
        IServiceProvider services,
        RequestDelegate inner
    )
    {
        var body = command.Body is { } json ? Encoding.UTF8.GetBytes(json.GetRawText()) : [];
        var query = command.Path.IndexOf('?', StringComparison.Ordinal);
        var answer = new MemoryStream();
        var features = new FeatureCollection();
        features.Set<IHttpRequestFeature>(
            new HttpRequestFeature
            {
                Method = command.Method,
                Scheme = "http",
                Protocol = HttpProtocol.Http11,
                Path = Uri.UnescapeDataString(query < 0 ? command.Path : command.Path[..query]),
                QueryString = query < 0 ? "" : command.Path[query..],
                Body = new MemoryStream(body, writable: false),
                Headers =
                {
                    ContentLength = body.Length,
                    ContentType =
                        body.Length > 0 ? "application/json" : default(Microsoft.Extensions.Primitives.StringValues),
                    IfMatch = command.IfMatch,
                    [IdempotencyKey.Header] = command.Key,
                },
            }
        );
        features.Set<IHttpRequestBodyDetectionFeature>(new HasBody(body.Length > 0));
        features.Set<IHttpResponseFeature>(new HttpResponseFeature());
        features.Set<IHttpResponseBodyFeature>(new StreamResponseBodyFeature(answer));
        features.Set<IHttpAuthenticationFeature>(new HttpAuthenticationFeature { User = user });
        var contexts = services.GetRequiredService<IHttpContextFactory>();
        var http = contexts.Create(features);
        try
        {
            await inner(http);
            var headers = http.Response.Headers;
            return new BatchResult(
                command.Key,
                http.Response.StatusCode,
                headers.ETag.FirstOrDefault(),
                headers.Location.FirstOrDefault(),
                headers.ContainsKey("Idempotent-Replay"),
                answer.Length > 0 ? JsonElement.Parse(answer.GetBuffer().AsSpan(0, (int)answer.Length)) : null
            );
        }
        finally
        {
            contexts.Dispose(http);
        }
    }

    public sealed record HasBody(bool CanHaveBody) : IHttpRequestBodyDetectionFeature;
}
