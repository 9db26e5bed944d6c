using System.CommandLine;
using Ledger.Api.Log;
using Ledger.Api.Operation;

namespace Ledger.Api.CommandLine;

/// <summary><c>backup --to folder</c>.</summary>
public static class BackupCommand
{
    public static Command Of(string[] settings)
    {
        var to = Call.Text("--to", "空文件夹", "备份放在哪里 · an empty folder", required: true);
        var command = new Command("backup", "备份 · dump of one moment, while the product works") { to };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings, command.Name);
                var folder = call.GetRequiredValue(to);
                var manifest = await Backup.RunAsync(ground.Owner, folder);
                Console.WriteLine(
                    $"备份完成：{folder}，{manifest.Events} 个事件，{manifest.DumpBytes >> 10} KB，日志 {manifest.LogSize} 条。"
                        + $"密钥文件不在其中，请另行保管：{ground.Settings.KeyFile}、"
                        + LogKeys.PathOf(ground.Settings, manifest.LogId)
                );
                return 0;
            }
        );
        return command;
    }
}
