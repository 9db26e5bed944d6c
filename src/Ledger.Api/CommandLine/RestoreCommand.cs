using System.CommandLine;
using Ledger.Api.Operation;
using Ledger.Web;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>restore --from folder</c>, which loads and checks; <c>restore --switch database</c>, which puts that in place.
/// </summary>
public static class RestoreCommand
{
    public static Command Of(string[] settings)
    {
        var from = Call.Text("--from", "备份文件夹", "载入并核对 · load beside the present database, and check");
        var to = Call.Text("--switch", "数据库", "切换到核对过的数据库 · put a checked database in place");
        var older = new Option<bool>("--older")
        {
            Description =
                "没有更新的备份：比所签过的旧也载入，以后用 log-continue 续接 · older than what was signed, for want of a newer one",
        };
        var command = new Command("restore", "载入并核对备份；核对后切换 · load and check a backup; put it in place")
        {
            from,
            to,
            older,
        };
        command.Validators.Add(given =>
        {
            if (given.GetResult(from) is null == given.GetResult(to) is null)
                given.AddError("--from 和 --switch 应写其中一个。One of --from and --switch.");
            if (given.GetResult(older) is { Implicit: false } && given.GetResult(from) is null)
                given.AddError("--older 与 --from 一起写。--older goes with --from.");
        });
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                var restore = new Restore(ground.Owner, ground.Settings, ground.Keys, Console.Out);
                if (call.GetValue(from) is { } folder)
                    await LoadAsync(restore, folder, call.GetValue(older));
                else
                    await SwitchAsync(restore, call.GetRequiredValue(to));
                return 0;
            }
        );
        return command;
    }

    private static async Task LoadAsync(Restore restore, string folder, bool older)
    {
        var (database, lost) = await restore.LoadAsync(folder, older);
        Call.Report(new { Database = database, Lost = lost });
        Console.WriteLine(
            lost.Count == 0
                ? "现有数据库没有这份备份以外的事件，切换不会丢失什么。"
                : $"切换将丢失现有数据库中的 {lost.Sum(l => l.Count)} 个事件："
        );
        foreach (var l in lost)
            Console.WriteLine($"  {Terms.Event(l.Type)} {l.Count} 个，{Format.Time(l.First)} 至 {Format.Time(l.Last)}");
        Console.WriteLine(
            $"已载入并核对：{database}。停掉产品后切换：restore --switch {database}；不要它：dropdb {database}"
        );
    }

    private static async Task SwitchAsync(Restore restore, string database)
    {
        var before = await restore.SwitchAsync(database);
        Call.Report(new { Database = database, Before = before });
        Console.WriteLine(before is null ? "已切换。" : $"已切换。原来的数据库改名为 {before}，确认无误后再删除。");
    }
}
