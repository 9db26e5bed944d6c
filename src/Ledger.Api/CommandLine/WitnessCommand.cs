using System.CommandLine;
using System.Text;
using Ledger.Api.Log;
using Ledger.TransparencyLog;

namespace Ledger.Api.CommandLine;

/// <summary>
/// <c>witness --name audit.example/w1 --folder /srv/witness --log &lt;public key of a log&gt; [--urls …]</c>; several
/// --log for more.
/// </summary>
public static class WitnessCommand
{
    public static Command Of(string[] settings)
    {
        var name = Call.Text("--name", "见证方名称", "如 audit.example/w1 · its name", required: true);
        name.Validators.Add(given =>
        {
            if (given.GetValueOrDefault<string>() is { } text && text.Any(c => c is '+' or ' '))
                given.AddError("--name 如 audit.example/w1");
        });
        var folder = Call.Text(
            "--folder",
            "目录",
            "密钥和所见过的检查点 · its key, and what it has seen",
            required: true
        );
        var log = new Option<string[]>("--log", [.. Enumerable.Range(0, 10).Select(n => $"--log{n}")])
        {
            HelpName = "日志公钥",
            Description = "见 /log/keys，可写多个 · a log's public key, any number of them",
            Required = true,
        };
        var command = new Command("witness", "为他人的日志作见证 · be a witness") { name, folder, log };
        command.SetAction(
            async (call, _) =>
            {
                NoteVerifier[] logs;
                try
                {
                    logs = [.. call.GetRequiredValue(log).Select(NoteVerifier.Parse)];
                }
                catch (NoteException none)
                {
                    throw Call.Misuse(command, $"--log {none.Message}");
                }
                await RunAsync(settings, call.GetRequiredValue(name), call.GetRequiredValue(folder), logs);
                return 0;
            }
        );
        return command;
    }

    private static async Task RunAsync(string[] settings, string name, string folder, NoteVerifier[] logs)
    {
        var builder = WebApplication.CreateSlimBuilder(Ground.Folder(settings));
        builder.WebHost.UseKestrelHttpsConfiguration();
        var path = Path.Combine(folder, "witness.key");
        if (!File.Exists(path))
            KeyFile.WriteNew(path, Encoding.UTF8.GetBytes(NoteSigner.Create(name, NoteAlgorithm.Cosignature).Secret));
        var witness = new Witness(
            folder,
            NoteSigner.Parse(await File.ReadAllTextAsync(path)),
            logs,
            TimeProvider.System
        );
        var app = builder.Build();
        app.MapPost("/add-checkpoint", (Delegate)witness.AddAsync);
        app.MapGet("/", () => Results.Text($"{witness.Key}\n"));
        Console.WriteLine($"见证方公钥 witness key: {witness.Key}");
        await app.RunAsync();
    }
}
