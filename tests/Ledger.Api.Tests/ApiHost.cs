using Ledger.Api.CommandLine;
using Microsoft.AspNetCore.Builder;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The product in the test's own process, where its code is compiled once for all tests: a process of its own costs 7 s
/// of a processor to start, and this one and a half; a command a third of a second. It is whole: settings, schema,
/// sockets, background work, what it prints. What it has not: a death without warning, an exit code, an environment,
/// memory and metrics of its own.
/// </summary>
public sealed class ApiHost : RunningApi
{
    private Ground? _ground;
    private WebApplication? _app;

    /// <param name="settings">By the names that they have in an environment: <c>Ledger__KeyFile</c>.</param>
    public static async Task<ApiHost> StartAsync(IReadOnlyDictionary<string, string> settings)
    {
        var host = new ApiHost();
        host.Lines.TakeConsole();
        try
        {
            var exit = await Call.RunAsync(
                ["--urls=http://127.0.0.1:0", .. Arguments(Usual), .. Arguments(settings)],
                Program.Commands,
                host.ServeAsync
            );
            return exit == 0 ? host : throw new InvalidOperationException($"it did not start: {host.Output}");
        }
        catch
        {
            await host.DisposeAsync();
            throw;
        }
    }

    /// <summary>Runs a command of the product to its end: exit code and what it printed.</summary>
    public static async Task<(int Exit, string Output)> RunAsync(
        IReadOnlyDictionary<string, string> settings,
        params string[] arguments
    )
    {
        var printed = new Printed();
        printed.TakeConsole();
        var exit = await Call.RunAsync(
            [.. arguments, .. Arguments(settings)],
            Program.Commands,
            _ => throw new InvalidOperationException("no command was called")
        );
        LetGo();
        return (exit, printed.ToString());
    }

    private static IEnumerable<string> Arguments(IReadOnlyDictionary<string, string> settings) =>
        settings.Select(s =>
            s.Key.Contains("__", StringComparison.Ordinal)
                ? $"--{s.Key.Replace("__", ":", StringComparison.Ordinal)}={s.Value}"
                : throw new ArgumentException($"{s.Key} is the environment's: that takes a process")
        );

    private async Task<int> ServeAsync(string[] arguments)
    {
        _ground = await Ground.OpenAsync(
            Ground.Builds([.. arguments, $"--applicationName={typeof(Program).Assembly.GetName().Name}"])
        );
        _app = await Program.OpenAsync(_ground);
        await _app.StartAsync();
        Serves(_app.Urls.Single());
        return 0;
    }

    public override async Task<int> StopAsync()
    {
        await DisposeAsync();
        return 0;
    }

    public override async ValueTask DisposeAsync()
    {
        if (_app is { } app)
        {
            await app.StopAsync();
            await app.DisposeAsync();
        }
        if (_ground is { } ground)
            await ground.DisposeAsync();
        (_app, _ground) = (null, null);
        Http?.Dispose();
        LetGo();
    }

    /// <summary>
    /// A process that ends leaves no connection behind, which would be in the way of who copies a database.
    /// </summary>
    private static void LetGo() => NpgsqlConnection.ClearAllPools();
}
