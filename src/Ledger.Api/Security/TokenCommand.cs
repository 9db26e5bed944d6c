using Ledger.Api.Operation;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;

namespace Ledger.Api.Security;

/// <summary>
/// <c>token --name li.si --role agency --region 370811 --days 30</c>: prints a bearer token, until users sign in by
/// themselves.
/// </summary>
public static class TokenCommand
{
    private const int MaxDays = 366;

    public static string Run(IConfiguration arguments, KeyFile keys)
    {
        var (name, role, region) = (arguments["name"] ?? "", arguments["role"] ?? "", arguments["region"] ?? "");
        var days = int.TryParse(arguments["days"] ?? "1", out var given) ? given : 0;
        if (name.Length == 0)
            throw CommandLine.Misuse("token");
        if (ActorName.SubjectFault(name) is { } nameFault)
            throw CommandLine.Misuse("token", $"--name {nameFault}");
        if (Tokens.Fault(role, region) is { } fault)
            throw CommandLine.Misuse("token", fault);
        if (days is < 1 or > MaxDays)
            throw CommandLine.Misuse("token", $"--days 应为 1 至 {MaxDays}");
        return new Tokens(keys, TimeProvider.System).Issue(new Actor(name, role, region), TimeSpan.FromDays(days));
    }
}
