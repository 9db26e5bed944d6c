using System.CommandLine;
using Ledger.Api.Log;
using Ledger.Api.Storage;
using Ledger.Projections.Checking;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary><c>check [--rebuild]</c>: 0, or 1 where something is wrong.</summary>
public static class CheckCommand
{
    public static Command Of(string[] settings)
    {
        var rebuild = new Option<bool>("--rebuild") { Description = "重建不一致的读模型 · mend read models" };
        var margin = new Option<int?>("--clock-margin")
        {
            HelpName = "分钟",
            Description = "时钟确曾错过多少分钟，默认 10 · by how many minutes a clock has been wrong",
        };
        margin.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<int?>() is < 0 or > 366 * 24 * 60)
                given.AddError("--clock-margin 应为 0 至 527040 分钟。0 to 527040 minutes.");
        });
        var command = new Command(
            "check",
            "核对全部账目与事件是否一致，--rebuild 重建不一致的读模型 · compare every read model with the events"
        )
        {
            rebuild,
            margin,
        };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                await using var app = await Program.BuildAsync(ground);
                var apart = call.GetValue(margin) is { } minutes ? TimeSpan.FromMinutes(minutes) : (TimeSpan?)null;
                if (!call.GetValue(rebuild))
                    return await RunAsync(app.Services, null, apart);
                await using var owner = await OwnerAsync(ground);
                return await RunAsync(app.Services, owner, apart);
            }
        );
        return command;
    }

    /// <summary>The application's own role takes no row away from the trail, and so cannot mend it.</summary>
    private static async Task<NpgsqlDataSource> OwnerAsync(Ground ground) =>
        NpgsqlDataSource.Create(
            LedgerStore.Plain(
                (await DatabaseAccess.OfAsync(ground.Settings, ground.Cluster, ground.Keys)).RequireOwner(
                    "重建",
                    "check --rebuild takes rows away: it needs the tables' owner's connection."
                )
            )
        );

    /// <summary>
    /// Prints each difference, broken promise and finding; 0 when there is none of the first two, else 1, also when
    /// they were mended.
    /// </summary>
    /// <param name="owner">With it, what differs is mended.</param>
    private static async Task<int> RunAsync(IServiceProvider services, NpgsqlDataSource? owner, TimeSpan? apart)
    {
        var check = new LedgerCheck(
            services.GetRequiredService<IDocumentStore>(),
            services.GetRequiredService<EventSeal>(),
            owner ?? services.GetRequiredService<NpgsqlDataSource>(),
            LedgerStore.Schema,
            now: services.GetRequiredService<Settings>().Sample ? null : DateTimeOffset.UtcNow,
            clockMargin: apart
        );
        var result = await check.RunAsync(owner is null ? null : services.GetRequiredService<StateSeal>());
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
            services.GetRequiredService<LogKeys>().Known,
            services.GetRequiredService<Settings>().Log.WitnessKeys
        ).RunAsync(CancellationToken.None);
        Call.Report(
            new
            {
                result.Events,
                result.Documents,
                result.Differences,
                result.Rebuilt,
                result.Broken,
                result.Unclear,
                LogEntries = log.Entries,
                LogFindings = log.Findings,
            }
        );
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
