using System.CommandLine;
using System.Globalization;
using Ledger.Api.Log;
using Ledger.Api.Storage;
using Ledger.Domain.Log.Steps;
using Ledger.TransparencyLog;
using Ledger.Web;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>log-continue</c>: after a tail that is lost for good the log goes on from here, by two people and on record. It
/// shows what it would declare; with <c>--confirm</c> it does.
/// </summary>
public static class LogContinueCommand
{
    public static Command Of(string[] settings)
    {
        var from = new Option<string[]>("--from")
        {
            HelpName = "检查点文件或条数",
            Description =
                "所见过的检查点：各节点的 .last、见证方的，可写多个；或本机 .last 的条数"
                + " · a checkpoint that was seen, any number of them; or the size in this machine's .last",
            Required = true,
        };
        var reason = Call.Text("--reason", "理由", "为什么丢失、为什么找不回 · why", required: true);
        var by = new Option<string[]>("--approved-by")
        {
            HelpName = "姓名",
            Description = "谁决定，两人，各写一次 · who decided: two people, --approved-by twice",
            Required = true,
            AllowMultipleArgumentsPerToken = true,
        };
        var receipt = Call.Text(
            "--receipt",
            "文件",
            "把回执写到这里，交给见证方 · where its receipt goes, for witnesses"
        );
        var confirm = new Option<bool>("--confirm") { Description = "不再只是预览，照此办理 · do it" };
        var command = new Command(
            "log-continue",
            "尾部丢失、找不回来以后，存证日志从现在的条目接着签 · let the log go on after its tail was lost"
        )
        {
            from,
            reason,
            by,
            receipt,
            confirm,
        };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                return await RunAsync(
                    ground,
                    call.GetRequiredValue(from),
                    call.GetRequiredValue(reason).Trim(),
                    [.. call.GetRequiredValue(by).Select(n => n.Trim())],
                    call.GetValue(receipt),
                    call.GetValue(confirm)
                );
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(
        Ground ground,
        string[] from,
        string reason,
        IReadOnlyList<string> approvedBy,
        string? receipt,
        bool confirmed
    )
    {
        var access = await ground.AccessAsync();
        var connect = access.RequireOwner("续接", "log-continue needs the tables' owner's connection.");
        await using var owner = NpgsqlDataSource.Create(LedgerStore.Plain(connect));
        var keys = await KeysAsync(ground, owner);
        await using var services = LedgerServices.Alone(owner, ground.Keys);
        var continuing = new LogContinuing(
            owner,
            services.GetRequiredService<EventWriter>(),
            ground.Keys.FindingSeal,
            keys,
            ground.Settings,
            TimeProvider.System
        );
        var seen = Seen(from, keys, continuing);
        await using var connection = await owner.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        var basis = await continuing.LookAsync(connection, seen);
        var fork = ContinueLog.Fork(basis.Seen);
        Show(basis, fork);
        // A preview is the command, and is undone.
        if (await continuing.DeclareAsync(connection, basis, reason, approvedBy) is { } refused)
            throw new OperationException(
                $"不能续接：{refused.Detail}。Refused: {refused.Code.Code}.",
                refused.Field is null ? 1 : OperationException.Misused
            );
        Call.Report(
            new
            {
                Done = confirmed,
                basis.Shared,
                basis.Continued,
                Seen = fork.Select(f => f.Tree),
            }
        );
        if (!confirmed)
        {
            Console.WriteLine(
                "这是预览，什么也没有改动；两人核对后，加上 --confirm 再运行一次。Nothing was done yet: --confirm."
            );
            return 0;
        }
        await transaction.CommitAsync();
        var id = Domain.Identity.StreamId.LogContinuation(fork[0].Tree.TreeSize, fork[0].Tree.Root);
        return await SealedAsync(continuing, id, receipt);
    }

    /// <summary>The key that signed what is lost; never a new one.</summary>
    private static async Task<LogKeys> KeysAsync(Ground ground, NpgsqlDataSource owner)
    {
        var path = LogKeys.PathOf(ground.Settings, await LedgerStore.LogIdAsync(owner));
        return ground.Settings.Log.Key is not null || File.Exists(path)
            ? await ground.LogKeysAsync(owner)
            : throw new OperationException($"缺少该日志的签名密钥 {path}；请先把它放回来。The log's key is missing.");
    }

    /// <summary>What the operator brings, and what this machine's signer remembers.</summary>
    private static IReadOnlyList<LogContinuing.Held> Seen(string[] from, LogKeys keys, LogContinuing continuing)
    {
        var seen = new List<LogContinuing.Held>();
        var own = $"{keys.Path}.last";
        if (File.Exists(own))
            seen.Add(continuing.Read(own));
        foreach (var said in from)
            if (long.TryParse(said, NumberStyles.None, CultureInfo.InvariantCulture, out var size))
            {
                if (seen.All(s => s.Checkpoint.Size != size))
                    throw new OperationException(
                        $"本机的签名者记得的是 {(seen.Count == 0 ? "（没有）" : seen[0].Checkpoint.Size)}，不是 {size} 条；"
                            + "别处所见的检查点请给出文件。This machine's signer remembers another size: give the file.",
                        OperationException.Misused
                    );
            }
            else if (File.Exists(said))
                seen.Add(continuing.Read(said));
            else
                throw new OperationException($"没有文件 {said}。There is no such file.", OperationException.Misused);
        return seen;
    }

    private static void Show(ContinueLog.Basis basis, IReadOnlyList<ContinueLog.SeenTree> fork)
    {
        Console.WriteLine($"日志 log             {basis.Log}");
        Console.WriteLine($"现在 present         {basis.Continued.TreeSize} 条，根 root {basis.Continued.Root}");
        foreach (var f in fork)
            Console.WriteLine($"所见 seen            {f.Tree.TreeSize} 条，根 root {f.Tree.Root}");
        if (fork.Count == 0)
            return;
        var (first, last) = (basis.Shared.TreeSize, fork[0].Tree.TreeSize);
        Console.WriteLine($"共同 signed by both  {first} 条，根 root {basis.Shared.Root}");
        Console.WriteLine(
            $"将声明 to be declared  第 {first} 至 {last - 1} 条（{last - first} 条）属于分叉，在本库中没有；"
                + $"记录于 {(basis.LostFrom is { } at ? Format.Time(at) : "开始")} 以后、{Format.Time(basis.LostUntil)} 以前"
        );
    }

    private static async Task<int> SealedAsync(LogContinuing continuing, string id, string? receipt)
    {
        if (await continuing.SealAsync(id) is not var (sequence, proof))
        {
            Console.WriteLine(
                "已记录续接；日志正被另一节点使用，由它签名。Recorded: the node that has the log signs it."
            );
            return 0;
        }
        Console.WriteLine($"已续接：事件 {sequence}，日志第 {proof.Index} 条，已签名。The log goes on.");
        if (receipt is not null)
        {
            await File.WriteAllTextAsync(receipt, $"{proof}");
            Console.WriteLine($"回执 receipt：{receipt}；请连同理由交给各见证方，由其自行决定（witness-continue）。");
        }
        return 0;
    }
}
