using System.CommandLine;
using System.Globalization;
using Ledger.Api.Storage;
using Marten;
using Npgsql;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>set-aside</c>: events that stop their streams, and that nobody wrote through the product, count no more.
/// </summary>
public static class SetAsideCommand
{
    private const int MaxReason = 300,
        MaxName = 50;

    public static Command Of(string[] settings)
    {
        var events = new Argument<string>("event")
        {
            Description =
                "事件号，或首尾两号（100-2099） · the event's number, as the finding has it; or the first and the last",
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
            "搁置不是产品写入的事件，使所在的资金、申请或成员恢复办理 · let streams go on past events that nobody wrote"
        )
        {
            events,
            reason,
            by,
        };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                return await RunAsync(
                    await ground.AccessAsync(),
                    ground.Keys,
                    Numbers(call.GetValue(events)!),
                    call.GetValue(reason)!.Trim(),
                    [.. call.GetValue(by)!.Select(n => n.Trim())]
                );
            }
        );
        return command;
    }

    private static (long First, long Last) Numbers(string said) =>
        said.Split('-') is [var first, .. var rest]
        && rest is [] or [_]
        && long.TryParse(first, NumberStyles.None, CultureInfo.InvariantCulture, out var from)
        && long.TryParse(rest.LastOrDefault(first), NumberStyles.None, CultureInfo.InvariantCulture, out var to)
        && from <= to
            ? (from, to)
            : throw new OperationException(
                $"{said}：事件号是一个数，或首尾两个数（100-2099）。A number, or the first and the last.",
                OperationException.Misused
            );

    private static async Task<int> RunAsync(
        DatabaseAccess access,
        KeyFile keys,
        (long First, long Last) events,
        string reason,
        string[] by
    )
    {
        var connect = access.RequireOwner("搁置", "set-aside needs the tables' owner's connection.");
        if (reason.Length > MaxReason || reason.Count(char.IsLetter) < 2)
            throw new OperationException(
                $"--reason 要写明为什么，至多 {MaxReason} 字。Say why, in words, briefly.",
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
        var (done, left) = await SetAside.AddAsync(
            connection,
            services.GetRequiredService<IDocumentStore>(),
            keys.EventSeal,
            services.GetRequiredService<StateSeal>(),
            LedgerStore.Schema,
            events,
            reason,
            (one, other)
        );
        foreach (var stream in done)
            Console.WriteLine($"已搁置 {stream}。事件仍在存证日志和审计轨迹中；几秒后恢复办理。");
        foreach (var fault in left)
            Console.WriteLine($"未搁置：{fault}");
        return left.Count == 0 ? 0 : 1;
    }
}
