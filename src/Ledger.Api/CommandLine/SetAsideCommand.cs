using System.CommandLine;
using Ledger.Api.Storage;
using Marten;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>set-aside</c>: an event that stops its stream, and that nobody wrote through the product, counts no more.
/// </summary>
public static class SetAsideCommand
{
    private const int MaxReason = 300,
        MaxName = 50;

    public static Command Of(string[] settings)
    {
        var sequence = new Argument<long>("event")
        {
            Description = "事件号 · the event's number, as the finding has it",
        };
        var reason = new Option<string>("--reason") { Description = "为什么 · why", Required = true };
        var by = new Option<string[]>("--by")
        {
            Description = "谁看过，两人 · who has looked at it: two people, --by twice",
            Required = true,
            Arity = new ArgumentArity(2, 2),
            AllowMultipleArgumentsPerToken = true,
        };
        var command = new Command(
            "set-aside",
            "搁置一个不是产品写入的事件，使所在的资金、申请或成员恢复办理 · let a stream go on past an event that nobody wrote"
        )
        {
            sequence,
            reason,
            by,
        };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings, command.Name);
                return await RunAsync(
                    await ground.AccessAsync(),
                    ground.Keys,
                    call.GetValue(sequence),
                    call.GetValue(reason)!.Trim(),
                    [.. call.GetValue(by)!.Select(n => n.Trim())]
                );
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(
        DatabaseAccess access,
        KeyFile keys,
        long sequence,
        string reason,
        string[] by
    )
    {
        var connect = access.RequireOwner("搁置", "set-aside needs the tables' owner's connection.");
        if (reason.Length is 0 or > MaxReason)
            throw new OperationException(
                $"--reason 为 1 至 {MaxReason} 字。Say why, briefly.",
                OperationException.Misused
            );
        if (
            by is not [{ Length: > 0 and <= MaxName } one, { Length: > 0 and <= MaxName } other]
            || one.Equals(other, StringComparison.OrdinalIgnoreCase)
        )
            throw new OperationException(
                "--by 写两个人的姓名，各一次。Two people have to have looked at it: --by, twice.",
                OperationException.Misused
            );
        await using var owner = NpgsqlDataSource.Create(LedgerStore.Plain(connect));
        await using var services = LedgerServices.Alone(owner, keys);
        await using var connection = await owner.OpenConnectionAsync();
        var (done, fault) = await SetAside.AddAsync(
            connection,
            services.GetRequiredService<IDocumentStore>(),
            keys.EventSeal,
            services.GetRequiredService<StateSeal>(),
            LedgerStore.Schema,
            sequence,
            reason,
            (one, other)
        );
        Console.WriteLine(
            done is null ? $"未搁置：{fault}" : $"已搁置 {done}。事件仍在存证日志和审计轨迹中；几秒后恢复办理。"
        );
        return done is null ? 1 : 0;
    }
}
