using Ledger.Api.CommandLine;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;
using Yarp.ReverseProxy.Forwarder;

namespace Ledger.Api.Counties;

/// <summary>
/// Several ledgers behind one address. Each county is a process of its own, with its database, keys, log and memory: no
/// mistake in one can show anything of another, and when one fails the others go on. The front hands each request to
/// the county whose host name it bears.
/// </summary>
public static class Front
{
    /// <summary>
    /// Exports and checks may take long without a byte; the county itself says when a request has taken too long.
    /// </summary>
    private static readonly ForwarderRequestConfig Patient = new() { ActivityTimeout = TimeSpan.FromHours(1) };

    /// <summary>
    /// Runs until the process is told to stop: then requests under way are finished first, and the counties stop after
    /// them.
    /// </summary>
    /// <param name="arguments">As the front was given them; the counties get them too.</param>
    public static async Task<int> RunAsync(string[] arguments, IReadOnlyList<County> counties)
    {
        var builder = Ground.Builds(arguments);
        builder.WebHost.LimitConnections(builder.Configuration, longestBody: null); // each county says its own
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = TimeSpan.FromSeconds(90));
        builder.Services.AddHttpForwarder();
        // A county that does not answer is said once, by CountyProcess, not at each request with a stack.
        builder.Logging.AddFilter("Yarp.ReverseProxy", LogLevel.Critical);
        var sockets = Directory.CreateTempSubdirectory("ledger-"); // for its owner only
        foreach (var county in counties)
            builder.Services.AddSingleton(s => new CountyProcess(
                county,
                sockets.FullName,
                arguments,
                s.GetRequiredService<ILogger<CountyProcess>>()
            ));
        builder.Services.AddHostedService<Counties>();
        try
        {
            await using var app = builder.Build();
            var forwarder = app.Services.GetRequiredService<IHttpForwarder>();
            var byHost = app.Services.GetServices<CountyProcess>().ToDictionary(p => p.County.Host);
            app.Run(async http =>
            {
                if (!byHost.TryGetValue(http.Request.Host.Host.ToLowerInvariant(), out var county))
                {
                    await Problem
                        .Of(
                            new Rejection(
                                Rejections.NotFound,
                                $"这里没有 {http.Request.Host.Host}：请核对网址中的主机名"
                            ),
                            http
                        )
                        .ExecuteAsync(http);
                    return;
                }
                var error = await forwarder.SendAsync(
                    http,
                    "http://county/",
                    county.Requests,
                    Patient,
                    Forwarded.Instance
                );
                if (
                    error == ForwarderError.None
                    || http.Response.HasStarted
                    || http.RequestAborted.IsCancellationRequested
                )
                    return;
                http.Response.Headers.RetryAfter = "5";
                await Problem
                    .Of(new Rejection(Rejections.Busy, "该县的账本没有应答，可能正在启动"), http)
                    .ExecuteAsync(http);
            });
            app.Lifetime.ApplicationStarted.Register(() =>
                Console.WriteLine(
                    $"本部署有 {counties.Count} 个县，各用其主机名访问："
                        + $"{string.Join("、", counties.Select(c => $"{c.Name} {c.Host}"))}。"
                        + "Each county answers under its host name."
                )
            );
            await app.RunAsync();
            return 0;
        }
        finally
        {
            sockets.Delete(recursive: true);
        }
    }

    private sealed class Counties(IEnumerable<CountyProcess> processes) : BackgroundService
    {
        protected override Task ExecuteAsync(CancellationToken stopping) =>
            Task.WhenAll(processes.Select(p => p.KeepAsync(stopping)));
    }

    /// <summary>Who asked, and how: what the client itself says of that counts for nothing.</summary>
    private sealed class Forwarded : HttpTransformer
    {
        public static readonly Forwarded Instance = new();

        public override async ValueTask TransformRequestAsync(
            HttpContext http,
            HttpRequestMessage request,
            string destination,
            CancellationToken cancellation
        )
        {
            await base.TransformRequestAsync(http, request, destination, cancellation);
            foreach (
                var (name, value) in new[]
                {
                    ("X-Forwarded-For", $"{http.Connection.RemoteIpAddress}"),
                    ("X-Forwarded-Proto", http.Request.Scheme),
                }
            )
            {
                request.Headers.Remove(name);
                request.Headers.TryAddWithoutValidation(name, value);
            }
        }
    }
}
