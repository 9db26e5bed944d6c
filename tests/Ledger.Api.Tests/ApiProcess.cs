using System.Diagnostics;

namespace Ledger.Api.Tests;

/// <summary>
/// The built product as a process of its own: for a test that kills it or sends it a signal, asks for its exit code,
/// its environment, memory or metrics, or has two of them. All others have an <see cref="ApiHost"/>.
/// </summary>
public sealed class ApiProcess : RunningApi
{
    /// <summary>The present build.</summary>
    public static readonly string Build = typeof(Ledger.Api.Storage.Settings).Assembly.Location;

    private readonly Process _process;

    private ApiProcess(Process process) => _process = process;

    public static Task<ApiProcess> StartAsync(
        IReadOnlyDictionary<string, string> settings,
        params string[] arguments
    ) => StartOfAsync(Build, settings, arguments);

    /// <param name="build">Whose Ledger.Api.dll: an earlier build's, say.</param>
    public static Task<ApiProcess> StartOfAsync(
        string build,
        IReadOnlyDictionary<string, string> settings,
        params string[] arguments
    ) => StartInAsync(AppContext.BaseDirectory, build, settings, arguments);

    /// <param name="folder">Where it is started from.</param>
    public static async Task<ApiProcess> StartInAsync(
        string folder,
        string build,
        IReadOnlyDictionary<string, string> settings,
        params string[] arguments
    )
    {
        var start = new ProcessStartInfo("dotnet", [build, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            WorkingDirectory = folder,
        };
        start.Environment["ASPNETCORE_URLS"] = "http://127.0.0.1:0";
        // It lives for seconds: nothing is watched for better code, and only what is called often is compiled anew.
        start.Environment["DOTNET_TieredPGO"] = "0";
        start.Environment["DOTNET_TC_CallCountThreshold"] = "2000"; // in hexadecimal, as all such settings
        foreach (var (name, value) in Usual.Concat(settings))
            start.Environment[name] = value;
        var api = new ApiProcess(Process.Start(start)!);
        var listening = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        void Line(string? line)
        {
            if (line is null)
                return;
            api.Lines.Write(line + "\n");
            var at = line.IndexOf("Now listening on: ", StringComparison.Ordinal);
            if (at >= 0)
                listening.TrySetResult(line[(at + "Now listening on: ".Length)..]);
        }
        api._process.OutputDataReceived += (_, e) => Line(e.Data);
        api._process.ErrorDataReceived += (_, e) => Line(e.Data);
        api._process.BeginOutputReadLine();
        api._process.BeginErrorReadLine();
        _ = api
            ._process.WaitForExitAsync()
            .ContinueWith(
                _ => listening.TrySetException(new InvalidOperationException($"the process ended: {api.Output}")),
                TaskScheduler.Default
            );
        try
        {
            api.Serves(await listening.Task.WaitAsync(TimeSpan.FromSeconds(60)));
            return api;
        }
        catch (TimeoutException)
        {
            var said = api.Output;
            await api.DisposeAsync();
            throw new TimeoutException($"it does not listen after a minute: {said}");
        }
    }

    /// <summary>Runs a command of the product to its end: exit code and what it printed.</summary>
    public static async Task<(int Exit, string Output)> RunAsync(
        IReadOnlyDictionary<string, string> settings,
        params string[] arguments
    )
    {
        var start = new ProcessStartInfo("dotnet", [Build, .. arguments])
        {
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        };
        foreach (var (name, value) in settings)
            start.Environment[name] = value;
        using var process = Process.Start(start)!;
        var output = await Task.WhenAll(
            process.StandardOutput.ReadToEndAsync(),
            process.StandardError.ReadToEndAsync()
        );
        await process.WaitForExitAsync();
        return (process.ExitCode, string.Concat(output));
    }

    public int Id => _process.Id;

    /// <summary>Bytes of memory that the process holds.</summary>
    public long WorkingSet
    {
        get
        {
            _process.Refresh();
            return _process.WorkingSet64;
        }
    }

    /// <summary>From here on counts what is its most (proc(5): clear_refs).</summary>
    public void ForgetPeak() => File.WriteAllText($"/proc/{_process.Id}/clear_refs", "5");

    /// <summary>The most it has held so far.</summary>
    public long PeakWorkingSet
    {
        get
        {
            _process.Refresh();
            return _process.PeakWorkingSet64;
        }
    }

    public async Task KillAsync()
    {
        _process.Kill(); // SIGKILL: no handler runs
        await _process.WaitForExitAsync();
    }

    /// <summary>SIGTERM, as an init system stops a service.</summary>
    public override async Task<int> StopAsync()
    {
        Process.Start("kill", ["-TERM", $"{_process.Id}"]).WaitForExit();
        await _process.WaitForExitAsync().WaitAsync(TimeSpan.FromSeconds(60));
        return _process.ExitCode;
    }

    public override async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            await KillAsync();
        _process.Dispose();
        Http?.Dispose();
    }
}
