using System.CommandLine;

namespace Ledger.Api.CommandLine;

/// <summary><c>schema</c>: what a start does where it may, and nothing else.</summary>
public static class SchemaCommand
{
    public static Command Of(string[] settings)
    {
        var command = new Command("schema", "以所有者更新数据库的表 · bring the tables up to date, as their owner");
        command.SetAction(
            async (_, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                await ground.AccessAsync(bounds: true);
                return 0;
            }
        );
        return command;
    }
}
