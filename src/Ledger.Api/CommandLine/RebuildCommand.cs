using System.CommandLine;
using System.Diagnostics;
using Ledger.Api.Storage;
using Ledger.Projections.Rebuilding;
using Marten;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>rebuild</c>: every read model anew from the events, in new tables that take the place of the old ones; the
/// product goes on meanwhile.
/// </summary>
public static class RebuildCommand
{
    private static readonly TimeSpan Report = TimeSpan.FromSeconds(5);

    public static Command Of(string[] settings)
    {
        var command = new Command("rebuild", "由事件重建全部读模型 · make every read model anew");
        command.SetAction(
            async (_, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                return await RunAsync(await ground.AccessAsync(), ground.Keys);
            }
        );
        return command;
    }

    /// <summary>
    /// 0; 1 when streams kept their old documents, or nothing was changed: another rebuild, no owner's connection.
    /// </summary>
    private static async Task<int> RunAsync(DatabaseAccess access, KeyFile keys)
    {
        var connect = access.RequireOwner("重建", "rebuild makes tables: it needs their owner's connection.");
        // Making an index takes as long as it takes.
        await using var owner = NpgsqlDataSource.Create(
            new NpgsqlConnectionStringBuilder(LedgerStore.Plain(connect)) { CommandTimeout = 0 }
        );
        await using var services = LedgerServices.Alone(owner, keys);
        await using var connection = await owner.OpenConnectionAsync();
        var total = (
            await connection.QueryAsync($"select count(*) from {LedgerStore.Schema}.mt_events", r => r.GetInt64(0))
        ).Single();
        var rebuild = new Rebuild(
            services.GetRequiredService<IDocumentStore>(),
            services.GetRequiredService<StateSeal>(),
            keys.EventSeal,
            owner,
            LedgerStore.Schema
        );
        var watch = Stopwatch.StartNew();
        var work = rebuild.RunAsync(Environment.ProcessorCount);
        while (await Task.WhenAny(work, Task.Delay(Report)) != work)
            Console.Error.WriteLine(
                $"{rebuild.Done:N0} / {total:N0}{(rebuild.Done >= total ? "，建立索引 indexing …" : "")}"
            );
        try
        {
            var events = await work;
            await StateShapes.KeepAsync(connection);
            foreach (var foreign in rebuild.Foreign)
                Console.WriteLine($"{foreign}不是产品写入的，不予采用 not the product's");
            var left = rebuild.Left.ToList();
            foreach (var (stream, sequence, why) in left)
                Console.WriteLine(
                    $"{stream}：由事件 {sequence} 推不出状态（{why}），其文档保持原样 its documents stay as they were"
                );
            Console.WriteLine(
                $"已由 {events} 个事件重建{(left.Count == 0 ? "全部读模型" : $"读模型，{left.Count} 个流除外，请用 check 核对")}，"
                    + $"用时 {watch.Elapsed.TotalSeconds:0.0} 秒。Read models rebuilt."
            );
            return left.Count == 0 ? 0 : 1;
        }
        catch (InvalidOperationException e)
        {
            Console.Error.WriteLine(e.Message);
            return 1;
        }
    }
}
