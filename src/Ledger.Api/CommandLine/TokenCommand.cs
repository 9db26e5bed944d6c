using System.CommandLine;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>token --name li.si --role agency --region 370811 --days 30</c>: prints a bearer token, until users sign in by
/// themselves.
/// </summary>
public static class TokenCommand
{
    private const int MaxDays = 366;

    public static Command Of(string[] settings)
    {
        var name = Call.Text("--name", "人员", "在事件中的名字 · who stands in the events", required: true);
        var role = Call.Text("--role", "角色", "角色 · role", required: true);
        var region = Call.Text("--region", "区划代码", "区划 · region", required: true);
        var days = new Option<int>("--days")
        {
            HelpName = "天数",
            Description = $"有效天数，至多 {MaxDays} · valid for",
            DefaultValueFactory = _ => 1,
        };
        var command = new Command("token", "签发程序用的令牌 · print a bearer token for a program")
        {
            name,
            role,
            region,
            days,
        };
        command.SetAction(call =>
        {
            var actor = new Actor(
                call.GetRequiredValue(name),
                call.GetRequiredValue(role),
                call.GetRequiredValue(region)
            );
            if (Fault(actor, call.GetValue(days)) is { } fault)
                throw Call.Misuse(command, fault);
            var builder = Ground.Builds(settings);
            var configured = Settings.Of(builder.Configuration);
            var keys = configured.KeyCommand is { } printing
                ? KeyFile.FromCommand(printing)
                : KeyFile.Load(configured.KeyFile);
            var issued = new Tokens(keys, TimeProvider.System).Issue(actor, TimeSpan.FromDays(call.GetValue(days)));
            Call.Report(new { Token = issued });
            Console.WriteLine(issued);
            return 0;
        });
        return command;
    }

    /// <summary>Why there is no such token; null: there is.</summary>
    public static string? Fault(Actor actor, int days) =>
        ActorName.SubjectFault(actor.Id) is { } name ? $"--name {name}"
        : Tokens.Fault(actor.Role, actor.Region) is { } fault ? fault
        : days is < 1 or > MaxDays ? $"--days 应为 1 至 {MaxDays}"
        : null;
}
