using Ledger.Api.Storage;
using Npgsql;

namespace Ledger.Api.Operation;

/// <summary><paramref name="Status"/>: ready, degraded (it works, and somebody should look) or unavailable.</summary>
public sealed record HealthView(string Status, IReadOnlyList<Degradation> Reasons);

/// <summary>
/// For the supervisor and the load balancer: whether the process lives, and whether it should get requests.
/// </summary>
public static class Health
{
    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health/live", () => Results.Ok(new HealthView("live", [])))
            .AllowAnonymous()
            .ExcludeFromDescription();
        app.MapGet(
                "/health/ready",
                async (
                    Condition condition,
                    IHostApplicationLifetime lifetime,
                    ILogger<Condition> log,
                    IServiceProvider services,
                    CancellationToken cancellation
                ) =>
                {
                    // Requests under way are finished; new ones go elsewhere.
                    if (lifetime.ApplicationStopping.IsCancellationRequested)
                        return Unavailable("stopping", "正在停止");
                    try
                    {
                        var wrong = Condition.Wrong(await condition.ReadAsync(cancellation));
                        return Results.Ok(new HealthView(wrong.Count == 0 ? "ready" : "degraded", wrong));
                    }
                    catch (NpgsqlException e)
                    {
                        log.LogWarning("Not ready: {Reason}", e.Message);
                        return Unavailable(
                            "database",
                            services.GetService<ClusterWatch>()?.Trouble ?? "数据库没有应答"
                        );
                    }
                }
            )
            .AllowAnonymous()
            .ExcludeFromDescription();
    }

    private static IResult Unavailable(string code, string reason) =>
        Results.Json(
            new HealthView("unavailable", [new Degradation(code, reason)]),
            statusCode: StatusCodes.Status503ServiceUnavailable
        );
}
