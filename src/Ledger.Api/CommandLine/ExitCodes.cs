namespace Ledger.Api.CommandLine;

/// <summary>What the program ends with. docs/operations.md has this table; scripts and units rest on it.</summary>
public static class ExitCodes
{
    public const int Done = 0,
        Failed = 1,
        Misused = OperationException.Misused,
        Unreachable = OperationException.Unreachable;

    public static readonly IReadOnlyList<(int Code, string Chinese, string English)> All =
    [
        (Done, "完成，没有发现问题", "done; nothing was found wrong"),
        (
            Failed,
            "没有做成，或发现了问题；所说的原因改正之前还会如此",
            "it did not succeed, or something was found wrong"
        ),
        (Misused, "命令或设置写错了，什么也没有做", "the call or a setting is wrong; nothing was done"),
        (
            Unreachable,
            "数据库或见证方没有应答，稍后可以再试",
            "database or witness do not answer; the same may succeed later"
        ),
    ];
}
