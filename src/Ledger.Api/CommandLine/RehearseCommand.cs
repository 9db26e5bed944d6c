using System.CommandLine;
using System.Diagnostics;
using Ledger.Api.Operation;
using Ledger.Web;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>rehearse</c>: the newest backup is loaded into a database of its own and checked as by <c>restore</c>, and that
/// database is dropped again. A backup that nobody has restored is a hope.
/// </summary>
public static class RehearseCommand
{
    public static Command Of(string[] settings)
    {
        var from = Call.Text("--from", "备份文件夹", "不写为最新的一份 · a backup; the newest without it");
        var command = new Command("rehearse", "演练恢复：载入、核对、删去 · restore the newest backup on trial")
        {
            from,
        };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                var backups = new Backups(ground.Settings.BackupFolder);
                var folder =
                    call.GetValue(from)
                    ?? backups.All.LastOrDefault().Path
                    ?? throw new OperationException(
                        $"{ground.Settings.BackupFolder} 中还没有备份；请先运行 backup。There is no backup yet."
                    );
                return await RunAsync(
                    new Restore(ground.Owner, ground.Settings, ground.Keys, Console.Out),
                    backups,
                    folder
                );
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(Restore restore, Backups backups, string folder)
    {
        var watch = Stopwatch.StartNew();
        Rehearsal Of(BackupManifest? manifest, string? fault) =>
            new(
                Path.GetFileName(Path.TrimEndingDirectorySeparator(folder)),
                manifest?.TakenAt ?? default,
                DateTimeOffset.UtcNow,
                Math.Round(watch.Elapsed.TotalSeconds, 1),
                manifest?.Events ?? 0,
                fault
            );
        BackupManifest rehearsed;
        try
        {
            rehearsed = await restore.RehearseAsync(folder);
        }
        catch (Exception e) when (Mistakes.Of(e) is { } mistake)
        {
            await backups.KeepAsync(Of(null, mistake.Words));
            throw;
        }
        var done = Of(rehearsed, null);
        await backups.KeepAsync(done);
        Call.Report(done);
        Console.WriteLine(
            $"演练成功：{Format.Time(done.TakenAt)} 的备份可以恢复，{done.Events} 个事件，用时 {done.Seconds:0.0} 秒。"
                + "The backup can be restored."
        );
        return 0;
    }
}
