using System.CommandLine;
using Ledger.Api.Log;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>log-key</c> shows the public keys; <c>rotate</c> adds a new signing key, <c>retire &lt;id&gt;</c> keeps only the
/// public half of an old one, <c>sm2</c> adds an SM2 key.
/// </summary>
public static class LogKeyCommand
{
    public static Command Of(string[] settings)
    {
        var id = new Argument<string>("id") { HelpName = "八位编号" };
        var rotate = new Command("rotate", "换用新的签名密钥，旧的仍同时签名 · add a signing key");
        var retire = new Command("retire", "停用一把旧的签名密钥 · keep only its public half") { id };
        var sm2 = new Command("sm2", "加一把 SM2 签名密钥 · add an SM2 key");
        var command = new Command("log-key", "存证日志的签名密钥 · the log's signing keys") { rotate, retire, sm2 };
        Runs(command, (_, keys) => keys);
        Runs(rotate, (_, keys) => keys.Rotated());
        Runs(sm2, (_, keys) => keys.WithSm2());
        Runs(retire, (call, keys) => keys.Without(call.GetRequiredValue(id)));
        return command;

        void Runs(Command step, Func<ParseResult, LogKeys, LogKeys?> change) =>
            step.SetAction(
                async (call, _) =>
                {
                    await using var ground = await Ground.OpenAsync(settings);
                    var (_, database) = await ground.DatabaseAsync();
                    if (change(call, await ground.LogKeysAsync(database)) is not { } keys)
                        throw new OperationException(
                            "没有这把签名密钥，或它是最后一把 Ed25519 签名密钥：至少要留一把。No such key, or the last one."
                        );
                    Call.Report(
                        new
                        {
                            Signing = keys.Signing.Select(k => k.Verifier.ToString()),
                            Retired = keys.Retired.Select(k => k.ToString()),
                        }
                    );
                    foreach (var key in keys.Signing)
                        Console.WriteLine($"签名 signing  {key.Verifier}");
                    foreach (var key in keys.Retired)
                        Console.WriteLine($"停用 retired  {key}");
                    return 0;
                }
            );
    }
}
