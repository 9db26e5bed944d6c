using Ledger.Api.Operation;
using Ledger.Domain;

namespace Ledger.Api.Exports;

/// <summary>
/// <c>export --format events --region 370811 --out events.jsonl</c>: the same files as over HTTP, for long ones, with
/// progress.
/// </summary>
public static class ExportCommand
{
    /// <returns>0, or 1 with the reason on standard error.</returns>
    public static async Task<int> RunAsync(IConfiguration arguments, IServiceProvider services)
    {
        var kinds = Enum.GetValues<ExportKind>().ToDictionary(k => k.Word());
        if (!kinds.TryGetValue(arguments["format"] ?? "", out var kind))
            throw CommandLine.Misuse("export", $"--format：{string.Join('|', kinds.Keys)}");
        var path = arguments["out"] ?? Exports.FileName(kind);
        var (total, shown) = (0L, -1L);
        await using (var file = File.Create($"{path}.part"))
            await services
                .GetRequiredService<Exports>()
                .WriteAsync(
                    kind,
                    arguments["region"] ?? "",
                    file,
                    steps => total = steps,
                    done =>
                    {
                        var percent = total == 0 ? 100 : done * 100 / total;
                        if (percent != shown)
                            Console.Error.Write($"\r{Exports.FileName(kind)} {shown = percent}%");
                    },
                    CancellationToken.None
                );
        File.Move($"{path}.part", path, overwrite: true); // whole, or not there
        await Console.Error.WriteLineAsync($"\r{path} 完成（{total}）");
        return 0;
    }
}
