using System.Globalization;
using System.Threading.RateLimiting;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Pages;
using Ledger.Api.Storage;
using Ledger.Domain;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Http.Timeouts;
using Microsoft.AspNetCore.RateLimiting;
using Microsoft.Net.Http.Headers;

namespace Ledger.Api.Security;

/// <summary>
/// What stands between the network and the endpoints: limits per user and per address, time limits, headers that keep a
/// browser from doing what a page did not ask for.
/// </summary>
public static class Hardening
{
    /// <summary>How many seconds of its rate somebody may use at once.</summary>
    private const int BurstSeconds = 10;

    /// <summary>In characters. No id of ours is longer than a hundred, no path has more than two of them.</summary>
    public const int MaxPath = 512;

    /// <summary>Exports and checks take as long as the ledger is; they say so themselves.</summary>
    private static readonly TimeSpan RequestTime = TimeSpan.FromMinutes(2);

    /// <summary>
    /// Scripts, styles and pictures of our own; nothing inline but styles; no frame, no form elsewhere.
    /// </summary>
    private const string Pages =
        "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        + "font-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

    /// <summary>The API page is a library's and starts itself with a script in the page.</summary>
    private const string ApiPage =
        "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
        + "img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; form-action 'none'; "
        + "frame-ancestors 'none'; base-uri 'none'";

    /// <summary>What somebody may send whom we do not know: a sign-in, an objection.</summary>
    public const int AnonymousBody = 64 * 1024;

    /// <summary>Bodies above that size which one user may have under way at once, and how many more may wait.</summary>
    private const int BodiesAtOnce = 4,
        BodiesWaiting = 16;

    /// <param name="longestBody">In bytes; null: another says.</param>
    public static void LimitConnections(this IWebHostBuilder host, IConfiguration configuration, long? longestBody) =>
        host.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxRequestBodySize = longestBody;
            kestrel.Limits.MaxConcurrentConnections = 4_000;
            // A connection that says nothing, a request whose head does not end, a body that trickles: each is cut off.
            kestrel.Limits.KeepAliveTimeout = TimeSpan.FromSeconds(75);
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(15);
            kestrel.Limits.MinRequestBodyDataRate = new Microsoft.AspNetCore.Server.Kestrel.Core.MinDataRate(
                bytesPerSecond: 1_000,
                gracePeriod: TimeSpan.FromSeconds(10)
            );
            kestrel.Limits.MaxRequestBufferSize = 128 * 1024; // what is held of a body that nobody has asked for yet
            // Behind a proxy all come from one address: the proxy counts.
            if (configuration.GetValue("FORWARDEDHEADERS_ENABLED", false))
                return;
            var shares = new ConnectionShares(
                configuration.GetValue("Ledger:Limits:ConnectionsPerAddress", 500),
                kestrel.ApplicationServices.GetRequiredService<ILogger<ConnectionShares>>()
            );
            kestrel.ConfigureEndpointDefaults(endpoint => endpoint.Use(shares.Before));
        });

    public static void AddHardening(this IServiceCollection services, Settings settings)
    {
        services.AddRequestTimeouts(options =>
            options.DefaultPolicy = new RequestTimeoutPolicy
            {
                Timeout = RequestTime,
                TimeoutStatusCode = StatusCodes.Status503ServiceUnavailable,
                WriteTimeoutResponse = http =>
                    Problem
                        .Of(new Rejection(Rejections.Busy, $"请求在 {RequestTime.TotalSeconds:0} 秒内没有完成"), http)
                        .ExecuteAsync(http),
            }
        );
        services.AddRateLimiter(options =>
        {
            options.GlobalLimiter = PartitionedRateLimiter.Create<HttpContext, string>(http =>
                http.User.FindFirst("sub")?.Value is { } user
                    ? Limit($"user {user}", settings.RequestsPerUser)
                    : Limit($"address {Source.Of(http)}", settings.RequestsPerAddress)
            );
            options.OnRejected = async (context, _) =>
            {
                var wait = context.Lease.TryGetMetadata(MetadataName.RetryAfter, out var after)
                    ? (int)Math.Ceiling(after.TotalSeconds)
                    : 1;
                context.HttpContext.Response.Headers.RetryAfter = wait.ToString(CultureInfo.InvariantCulture);
                await Problem
                    .Of(
                        new Rejection(Rejections.TooManyRequests, $"请求过于频繁，请 {wait} 秒后再试"),
                        context.HttpContext
                    )
                    .ExecuteAsync(context.HttpContext);
            };
        });
    }

    /// <param name="perSecond">0: no limit.</param>
    private static RateLimitPartition<string> Limit(string key, int perSecond) =>
        Buckets.Of(key, perSecond != 0, perSecond * BurstSeconds, perSecond, TimeSpan.FromSeconds(1));

    /// <summary>Before everything: also an error's answer has the headers.</summary>
    public static void UseSecurityHeaders(this WebApplication app) =>
        app.Use(
            (http, next) =>
            {
                http.Response.OnStarting(() =>
                {
                    var headers = http.Response.Headers;
                    headers.XContentTypeOptions = "nosniff";
                    headers["Referrer-Policy"] = "same-origin";
                    headers["Cross-Origin-Opener-Policy"] = "same-origin";
                    headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=()";
                    headers.ContentSecurityPolicy =
                        http.Request.Path.StartsWithSegments("/docs")
                        && !http.Request.Path.StartsWithSegments("/docs/problems")
                            ? ApiPage
                            : Pages;
                    // What somebody may see is not for a cache that others use; what may be kept says so itself.
                    if (headers.CacheControl.Count == 0)
                        headers.CacheControl = "no-store";
                    if (http.Request.IsHttps)
                        headers.StrictTransportSecurity = "max-age=31536000";
                    return Task.CompletedTask;
                });
                return next();
            }
        );

    /// <summary>
    /// Before routing: what follows may write a path down, and look for what stands in a query. The database holds no
    /// NUL.
    /// </summary>
    public static void UseReadablePaths(this IApplicationBuilder app) =>
        app.Use(
            (http, next) =>
            {
                var path = http.Request.Path.Value ?? "";
                var hasNul =
                    path.Contains('\0')
                    || http.Request.QueryString.Value?.Contains("%00", StringComparison.Ordinal) == true;
                if (path.Length <= MaxPath && !hasNul)
                    return next();
                var rejection = hasNul
                    ? new Rejection(Rejections.BodyInvalid, "网址含有空字符")
                    : new Rejection(Rejections.PathTooLong, $"网址最长 {MaxPath} 字，现为 {path.Length} 字");
                path = path.Replace("\0", "", StringComparison.Ordinal);
                http.Request.Path = path[..Math.Min(path.Length, 40)]; // the answer says where, not all of it
                return (
                    PageRoutes.IsPage(http) ? PageRoutes.Problem(rejection, http) : Problem.Of(rejection, http)
                ).ExecuteAsync(http);
            }
        );

    /// <summary>After the token was read: the limits are the user's.</summary>
    public static void UseLimits(this WebApplication app)
    {
        app.UseRateLimiter();
        app.UseRequestTimeouts();
    }

    /// <summary>
    /// After who calls and whether he may is known: nothing of a body is kept before that. Who is unknown sends little;
    /// a user has a few long bodies under way at once; workbooks are read by turns.
    /// </summary>
    public static void UseBodies(this WebApplication app)
    {
        var bodies = PartitionedRateLimiter.Create<string, string>(user =>
            RateLimitPartition.GetConcurrencyLimiter(
                user,
                _ => new ConcurrencyLimiterOptions { PermitLimit = BodiesAtOnce, QueueLimit = BodiesWaiting }
            )
        );
        app.Lifetime.ApplicationStopped.Register(bodies.Dispose);
        app.Use(
            async (http, next) =>
            {
                var request = http.Request;
                if (!IsUtf8(request))
                {
                    await Problem
                        .Of(
                            new Rejection(
                                Rejections.BodyInvalid with
                                {
                                    Status = StatusCodes.Status415UnsupportedMediaType,
                                },
                                "Content-Type 的字符集应为 utf-8"
                            ),
                            http
                        )
                        .ExecuteAsync(http);
                    return;
                }
                if (http.User.FindFirst("sub")?.Value is not { } user)
                {
                    if (request.ContentLength > AnonymousBody)
                        throw new BadHttpRequestException("too long", StatusCodes.Status413PayloadTooLarge);
                    if (http.Features.Get<IHttpMaxRequestBodySizeFeature>() is { IsReadOnly: false } size)
                        size.MaxRequestBodySize = AnonymousBody;
                }
                else if (
                    http.Features.Get<IHttpRequestBodyDetectionFeature>()?.CanHaveBody == true
                    && request.ContentLength is null or > AnonymousBody
                )
                {
                    using var lease = await bodies.AcquireAsync(user, 1, http.RequestAborted);
                    if (lease.IsAcquired)
                        await ReadAsync(http, next);
                    else
                        await RefuseAsync(http, Rejections.TooManyRequests, "同时上传的文件过多", 5);
                    return;
                }
                await ReadAsync(http, next);
            }
        );
    }

    /// <summary>JSON is UTF-8 (RFC 8259, 8.1).</summary>
    private static bool IsUtf8(HttpRequest request) =>
        !MediaTypeHeaderValue.TryParse(request.ContentType, out var type)
        || !type.Charset.HasValue
        || HeaderUtilities.RemoveQuotes(type.Charset).Equals("utf-8", StringComparison.OrdinalIgnoreCase);

    private static async Task ReadAsync(HttpContext http, RequestDelegate next)
    {
        // A form is kept by its reader, fields and files; all else is read twice: for the idempotency digest and for
        // the endpoint.
        if (!http.Request.HasFormContentType)
            http.Request.EnableBuffering();
        else if (http.GetEndpoint()?.Metadata.GetMetadata<SheetMetadata>() is not null)
        {
            // Whole, before a turn is taken: who sends slowly keeps nobody waiting
            await IdempotencyKey.FormAsync(http.Request);
            using var turn = await SheetTurns.TakeAsync(http.RequestAborted);
            if (turn is not null)
                await next(http);
            else
                await RefuseAsync(http, Rejections.Busy, "同时处理的表格过多", 10);
            return;
        }
        await next(http);
    }

    private static Task RefuseAsync(HttpContext http, RejectionCode code, string what, int seconds) =>
        Problem
            .Of(new Rejection(code, $"{what}，请 {seconds} 秒后再试") { RetryAfterSeconds = seconds }, http)
            .ExecuteAsync(http);
}
