using System.Diagnostics;

namespace Ledger.Api.Tests;

/// <summary>Other programs, run to their end: exit code and what they printed.</summary>
public static class Programs
{
    /// <summary>Runs ledger-verify, as an auditor at home would.</summary>
    public static (int Exit, string Output) Verify(params string[] arguments) =>
        Run("dotnet", [Path.Combine(AppContext.BaseDirectory, "verify", "ledger-verify.dll"), .. arguments]);

    /// <summary>Runs it and expects success.</summary>
    public static Task RequireAsync(string program, params string[] arguments) =>
        Task.Run(() =>
        {
            var (exit, output) = Run(program, arguments);
            if (exit != 0)
                throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {output}");
        });

    public static (int Exit, string Output) Run(
        string program,
        string[] arguments,
        params (string Name, string Value)[] environment
    )
    {
        var start = new ProcessStartInfo(program, arguments)
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment = { ["LANG"] = "C.UTF-8" },
        };
        foreach (var (name, value) in environment)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return (process.ExitCode, output + error.Result);
    }
}
