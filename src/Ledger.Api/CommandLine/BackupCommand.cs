using System.CommandLine;
using Ledger.Api.Log;
using Ledger.Api.Operation;

namespace Ledger.Api.CommandLine;

/// <summary><c>backup --to folder</c>.</summary>
public static class BackupCommand
{
    public static Command Of(string[] settings)
    {
        var to = Call.Text("--to", "空文件夹", "备份放在哪里，不写为 Ledger:BackupFolder 下新的一份 · an empty folder");
        var keep = new Option<int?>("--keep")
        {
            HelpName = "份数",
            Description = "Ledger:BackupFolder 下留几份，更早的删除 · how many are kept there",
        };
        keep.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<int?>() is < 1)
                given.AddError("--keep 至少为 1。At least 1.");
            if (given.Parent is System.CommandLine.Parsing.CommandResult all && all.GetResult(to) is not null)
                given.AddError(
                    "--to 和 --keep 不能同时写：只有 Ledger:BackupFolder 下的才会删除。--keep goes without --to."
                );
        });
        var command = new Command("backup", "备份 · dump of one moment, while the product works") { to, keep };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                var backups = new Backups(ground.Settings.BackupFolder);
                var folder = call.GetValue(to) ?? backups.At(DateTimeOffset.UtcNow);
                var manifest = await Backup.RunAsync(ground.Owner, folder);
                Console.WriteLine(
                    $"备份完成：{folder}，{manifest.Events} 个事件，{manifest.DumpBytes >> 10} KB，日志 {manifest.LogSize} 条。"
                        + $"密钥文件不在其中，请另行保管：{ground.Settings.KeyFile}、"
                        + LogKeys.PathOf(ground.Settings, manifest.LogId)
                );
                Call.Report(new { Folder = folder, Manifest = manifest });
                // Only now: a backup that failed takes none of the old ones away.
                if (call.GetValue(keep) is { } left)
                    foreach (var old in backups.Thin(left))
                        Console.WriteLine($"已删除 deleted {old}");
                return 0;
            }
        );
        return command;
    }
}
