using Npgsql;

namespace Ledger.Api.Operation;

/// <summary><paramref name="Status"/>: ready, degraded (it works, and somebody should look) or unavailable.</summary>
public sealed record HealthView(string Status, IReadOnlyList<Degradation> Reasons);

/// <summary>
/// For the supervisor and the load balancer: whether the process lives, and whether it should get requests.
/// </summary>
public static class Health
{
    /// <summary>A balancer gives up on who does not answer.</summary>
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(1);

    public static void MapHealth(this WebApplication app)
    {
        app.MapGet("/health/live", () => Results.Ok(new HealthView("live", [])))
            .AllowAnonymous()
            .ExcludeFromDescription();
        app.MapGet(
                "/health/ready",
                async (
                    Heartbeat heart,
                    Condition condition,
                    Disks disks,
                    IHostApplicationLifetime lifetime,
                    CancellationToken cancellation
                ) =>
                {
                    // Requests under way are finished; new ones go elsewhere.
                    if (lifetime.ApplicationStopping.IsCancellationRequested)
                        return Unavailable("stopping", "正在停止");
                    // It says what the heartbeat found, and never waits for the database itself.
                    await Task.WhenAny(heart.First, Task.Delay(Patience, cancellation));
                    if (heart.Trouble is { } trouble)
                        return Unavailable(trouble.Code, trouble.Reason);
                    if (!heart.First.IsCompleted)
                        return Unavailable("database", "数据库没有应答");
                    List<Degradation> wrong = [.. disks.Wrong()];
                    try
                    {
                        wrong.InsertRange(0, Condition.Wrong(await condition.ReadAsync(cancellation)));
                    }
                    catch (Exception e) when (e is NpgsqlException or TimeoutException)
                    {
                        wrong.Insert(
                            0,
                            new(
                                "readings-late",
                                $"系统状况有 {condition.Age.TotalSeconds:0} 秒没有读到；原因见本机的日志"
                            )
                        );
                    }
                    return Results.Ok(new HealthView(wrong.Count == 0 ? "ready" : "degraded", wrong));
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
