using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;

namespace Ledger.Api.Security;

/// <summary><c>token --name li.si --role agency --region 370811 --days 30</c>: prints a bearer token, until users sign in by themselves.</summary>
public static class TokenCommand
{
    private const int MaxDays = 366;

    public static string Run(IConfiguration arguments, KeyFile keys)
    {
        var (name, role, region, days) = (arguments["name"] ?? "", arguments["role"] ?? "", arguments["region"] ?? "", arguments.GetValue("days", 1));
        if (name.Length == 0) return "用法：token --name <人员> --role <角色> --region <区划代码> [--days <天数>]";
        if (ActorName.SubjectFault(name) is { } nameFault) return $"--name {nameFault}";
        if (Tokens.Fault(role, region) is { } fault) return fault;
        if (days is < 1 or > MaxDays) return $"--days 应为 1 至 {MaxDays}";
        return new Tokens(keys, TimeProvider.System).Issue(new Actor(name, role, region), TimeSpan.FromDays(days));
    }
}
