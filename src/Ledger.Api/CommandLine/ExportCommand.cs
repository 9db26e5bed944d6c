using System.CommandLine;
using Ledger.Api.Exports;
using Ledger.Domain;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>export --format events --region 370811 --out events.jsonl</c>: the same files as over HTTP, for long ones, with
/// progress.
/// </summary>
public static class ExportCommand
{
    private static readonly Dictionary<string, ExportKind> Kinds = Enum.GetValues<ExportKind>()
        .ToDictionary(k => k.Word());

    public static Command Of(string[] settings)
    {
        var format = Call.Text("--format", string.Join('|', Kinds.Keys), "格式 · format", required: true);
        format.AcceptOnlyFromAmong([.. Kinds.Keys]);
        var region = Call.Text("--region", "区划代码", "范围，不写为全部 · scope; all without it");
        var path = Call.Text("--out", "文件", "写到哪里 · where to");
        var command = new Command("export", "导出 · write long files") { format, region, path };
        command.SetAction(
            async (call, _) =>
            {
                await using var ground = await Ground.OpenAsync(settings);
                await using var app = await Program.BuildAsync(ground);
                var kind = Kinds[call.GetRequiredValue(format)];
                return await RunAsync(
                    app.Services,
                    kind,
                    call.GetValue(region) ?? "",
                    call.GetValue(path) ?? Exports.Exports.FileName(kind)
                );
            }
        );
        return command;
    }

    private static async Task<int> RunAsync(IServiceProvider services, ExportKind kind, string region, string path)
    {
        var (total, shown) = (0L, -1L);
        await using (var file = File.Create($"{path}.part"))
            await services
                .GetRequiredService<Exports.Exports>()
                .WriteAsync(
                    kind,
                    region,
                    file,
                    steps => total = steps,
                    done =>
                    {
                        var percent = total == 0 ? 100 : done * 100 / total;
                        if (percent != shown)
                            Console.Error.Write($"\r{Exports.Exports.FileName(kind)} {shown = percent}%");
                    },
                    CancellationToken.None
                );
        File.Move($"{path}.part", path, overwrite: true); // whole, or not there
        await Console.Error.WriteLineAsync($"\r{path} 完成（{total}）");
        return 0;
    }
}
