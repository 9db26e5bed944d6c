using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Projections.Checking;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Api.Audit;

/// <summary>
/// <paramref name="IsSound"/>: in the caller's scope every read model says what the events say, and the events break no
/// promise: there are no
/// <paramref name="Differences"/>. In one of projection Promise the path is the clause. <paramref name="Behind"/>: how
/// many events the asynchronous read models have yet to take in; those were not checked in them.
/// <paramref name="Findings"/>: what may have been meant, and wants looking at.
/// </summary>
public sealed record CheckView(
    bool IsSound,
    long Behind,
    long Events,
    long Documents,
    IReadOnlyList<Difference> Differences,
    IReadOnlyList<Difference> Findings
);

/// <summary>
/// ledger check: as an endpoint for auditors, and as <c>check [--rebuild]</c> on the command line (exit code 0 or 1).
/// </summary>
public static class CheckEndpoint
{
    public static void MapCheck(this IEndpointRouteBuilder api) =>
        api.MapGet("/audit/check", Check)
            .Reading<CheckView>(
                "check-ledger",
                "核对：由事件重新推导全部读模型，逐项比对；重演各项承诺"
                    + " · Re-derive every read model from the events and compare; replay the promises",
                Roles.Auditor,
                Roles.CityHrss
            )
            .DisableRequestTimeout();

    public static async Task<CheckView> Check(
        IDocumentStore store,
        EventSeal seal,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        long behind;
        await using (var connection = await database.OpenConnectionAsync(cancellation))
            behind = Math.Max(
                await Freshness.WaitAsync(connection, "AuditTrail", cancellation),
                await Freshness.WaitAsync(connection, "WorkQueue", cancellation)
            );
        var result = await new LedgerCheck(store, seal, database, LedgerStore.Schema, caller.Actor.Region).RunAsync(
            mend: null,
            cancellation
        );
        return new CheckView(
            result.Differences.Count + result.Broken.Count == 0,
            behind,
            result.Events,
            result.Documents,
            [.. result.Differences, .. result.Broken],
            result.Unclear
        );
    }

    /// <summary>
    /// Prints each difference, broken promise and finding; 0 when there is none of the first two, else 1, also when
    /// they were mended.
    /// </summary>
    public static async Task<int> RunAsync(IServiceProvider services, bool rebuild)
    {
        var check = new LedgerCheck(
            services.GetRequiredService<IDocumentStore>(),
            services.GetRequiredService<EventSeal>(),
            services.GetRequiredService<NpgsqlDataSource>(),
            LedgerStore.Schema
        );
        var result = await check.RunAsync(rebuild ? services.GetRequiredService<StateSeal>() : null);
        foreach (var d in result.Differences)
            Console.WriteLine($"{Line(d)}{(result.Rebuilt ? "，已改正" : "")}");
        foreach (var d in result.Broken.Concat(result.Unclear))
            Console.WriteLine(Line(d));
        if (result.Differences.Count == 0 || result.Rebuilt)
        {
            await using var connection = await services.GetRequiredService<NpgsqlDataSource>().OpenConnectionAsync();
            await StateShapes.KeepAsync(connection);
        }
        var log = await new LogCheck(
            services.GetRequiredService<NpgsqlDataSource>(),
            LedgerStore.Schema,
            services.GetRequiredService<Log.LogKeys>().Known
        ).RunAsync(CancellationToken.None);
        foreach (var finding in log.Findings)
            Console.WriteLine($"Log {finding}");
        var sealing =
            log.Findings.Count == 0
                ? "一致"
                : $"{log.Findings.Count} 处不一致，不能自行改正：请对照备份和见证方，见 docs/security.md";
        Console.WriteLine($"存证日志 {log.Entries} 条：{sealing}");
        var promises =
            result.Broken.Count == 0
                ? "全部成立"
                : $"{result.Broken.Count} 处违背，事件不能改正：请按所列条款退回、冲正或更正";
        Console.WriteLine(
            $"承诺：{promises}{(result.Unclear.Count == 0 ? "" : $"；另有 {result.Unclear.Count} 处请核实（Finding）")}"
        );
        Console.WriteLine(
            $"核对 {result.Events} 个事件、{result.Documents} 份文档："
                + $"{(result.Differences.Count == 0 ? "一致" : $"{result.Differences.Count} 处不一致")}"
        );
        return result.Differences.Count + result.Broken.Count + log.Findings.Count == 0 ? 0 : 1;

        static string Line(Difference d) =>
            $"{d.Projection} {d.Id} {d.Path}: 现为 {d.Found ?? "（无）"}，"
            + $"应为 {d.Expected ?? "（无）"}{(d.Event is { } e ? $"（事件 {e}）" : "")}";
    }
}
