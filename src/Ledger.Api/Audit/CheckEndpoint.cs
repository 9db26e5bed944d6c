using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Projections.Checking;
using Ledger.Projections.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Api.Audit;

/// <summary>
/// <paramref name="IsSound"/>: in the caller's scope every read model says what the events say. <paramref name="Behind"/>: how many events
/// the asynchronous ones have yet to take in; those were not checked in them.
/// </summary>
public sealed record CheckView(bool IsSound, long Behind, long Events, long Documents, IReadOnlyList<Difference> Differences);

/// <summary>ledger check: as an endpoint for auditors, and as <c>check [--rebuild]</c> on the command line (exit code 0 or 1).</summary>
public static class CheckEndpoint
{
    public static void MapCheck(this IEndpointRouteBuilder api) => api.MapGet("/audit/check", Check)
        .Reading<CheckView>("check-ledger", "核对：由事件重新推导全部读模型，逐项比对 · Re-derive every read model from the events and compare", Roles.Auditor, Roles.CityHrss).DisableRequestTimeout();

    public static async Task<CheckView> Check(IDocumentStore store, NpgsqlDataSource database, Caller caller, CancellationToken cancellation)
    {
        long behind;
        await using (var connection = await database.OpenConnectionAsync(cancellation))
            behind = Math.Max(await Freshness.WaitAsync(connection, "AuditTrail", cancellation), await Freshness.WaitAsync(connection, "WorkQueue", cancellation));
        var result = await new LedgerCheck(store, database, LedgerStore.Schema, caller.Actor.Region).RunAsync(rebuild: false, cancellation);
        return new CheckView(result.Differences.Count == 0, behind, result.Events, result.Documents, result.Differences);
    }

    /// <summary>Prints each difference; 0 when there is none, else 1, also when they were mended.</summary>
    public static async Task<int> RunAsync(IServiceProvider services, bool rebuild)
    {
        var check = new LedgerCheck(services.GetRequiredService<IDocumentStore>(), services.GetRequiredService<NpgsqlDataSource>(), LedgerStore.Schema);
        var result = await check.RunAsync(rebuild);
        foreach (var d in result.Differences)
            Console.WriteLine($"{d.Projection} {d.Id} {d.Path}: 现为 {d.Found ?? "（无）"}，应为 {d.Expected ?? "（无）"}{(d.Event is { } e ? $"（事件 {e}）" : "")}{(result.Rebuilt ? "，已改正" : "")}");
        if (result.Differences.Count == 0 || result.Rebuilt)
        {
            await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
            await StateShapes.KeepAsync(connection);
        }
        var log = await new LogCheck(services.GetRequiredService<NpgsqlDataSource>(), LedgerStore.Schema, services.GetRequiredService<Log.LogKeys>().Known).RunAsync(CancellationToken.None);
        foreach (var finding in log.Findings) Console.WriteLine($"Log {finding}");
        Console.WriteLine($"存证日志 {log.Entries} 条：{(log.Findings.Count == 0 ? "一致" : $"{log.Findings.Count} 处不一致，不能自行改正：请对照备份和见证方，见 docs/security.md")}");
        Console.WriteLine($"核对 {result.Events} 个事件、{result.Documents} 份文档：{(result.Differences.Count == 0 ? "一致" : $"{result.Differences.Count} 处不一致")}");
        return result.Differences.Count + log.Findings.Count == 0 ? 0 : 1;
    }
}
