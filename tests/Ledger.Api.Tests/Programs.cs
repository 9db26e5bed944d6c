using System.Diagnostics;
using System.Reflection;
using System.Runtime.Loader;

namespace Ledger.Api.Tests;

/// <summary>Other programs, run to their end: exit code and what they printed.</summary>
public static class Programs
{
    /// <summary>Runs ledger-verify, as an auditor at home would.</summary>
    public static (int Exit, string Output) Verify(params string[] arguments) =>
        Run("dotnet", [VerifyPath, .. arguments]);

    private static readonly Lazy<Func<string[], TextWriter, TextWriter, int>> Tool = new(() =>
    {
        var assembly = new Alone(VerifyPath).LoadFromAssemblyPath(VerifyPath);
        return assembly
            .GetType("Ledger.Verify.Tool")!
            .GetMethod("Run")!
            .CreateDelegate<Func<string[], TextWriter, TextWriter, int>>();
    });

    /// <summary>Whether the verifier's tables say who may write an event of this type, or why anybody may.</summary>
    public static bool VerifierKnows(string type) =>
        (bool)Tool.Value.Method.Module.GetType("Ledger.Verify.Offices")!.GetMethod("Knows")!.Invoke(null, [type])!;

    private static string VerifyPath => Path.Combine(AppContext.BaseDirectory, "verify", "ledger-verify.dll");

    /// <summary>The same program, without a process of its own: for who asks it a hundred times.</summary>
    public static (int Exit, string Output) VerifyHere(params string[] arguments)
    {
        using var said = new StringWriter();
        return (Tool.Value(arguments, said, said), said.ToString());
    }

    /// <summary>It has its own maths of the tree under the product's name, and may not meet it.</summary>
    private sealed class Alone(string path) : AssemblyLoadContext("ledger-verify")
    {
        private readonly AssemblyDependencyResolver _resolver = new(path);

        protected override Assembly? Load(AssemblyName name) =>
            _resolver.ResolveAssemblyToPath(name) is { } there ? LoadFromAssemblyPath(there) : null;
    }

    /// <summary>Before a program and its arguments: it runs as the account that PostgreSQL runs as.</summary>
    public static readonly string[] AsServer =
        Environment.UserName == "root"
            ? ["setpriv", "--reuid=postgres", "--regid=postgres", "--init-groups", "--"]
            : [];

    /// <summary>A folder, with all in it, becomes the property of that account.</summary>
    public static async Task ToServerAsync(string folder)
    {
        if (Environment.UserName == "root")
            await RequireAsync("chown", "-R", "postgres", folder);
    }

    /// <summary>An example's file, with what its reader's own machine has in the place of <c>@MARK@</c>.</summary>
    public static string Filled(string file, params IEnumerable<(string Mark, string Value)> values) =>
        values.Aggregate(
            File.ReadAllText(file),
            (text, v) => text.Replace($"@{v.Mark}@", v.Value, StringComparison.Ordinal)
        );

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
