using System.Diagnostics;
using System.Net.Sockets;

namespace Ledger.Api.Counties;

/// <summary>
/// The process of one county, listening on a Unix socket that only this deployment can reach. It is started again when
/// it ends, and it ends with the process that started it: its input is a pipe from there.
/// </summary>
public sealed class CountyProcess(County county, string socketFolder, string[] arguments, ILogger log) : IDisposable
{
    /// <summary>Set for a process that is to stop, as on SIGTERM, when its input ends.</summary>
    public const string UntilInputEnds = "LEDGER_UNTIL_INPUT_ENDS";

    private static readonly TimeSpan FirstPause = TimeSpan.FromSeconds(1),
        MostPause = TimeSpan.FromMinutes(1),
        Steady = TimeSpan.FromMinutes(5),
        StoppingTime = TimeSpan.FromSeconds(50);
    private readonly string _socket = Path.Combine(socketFolder, county.Name);

    public County County => county;

    /// <summary>Carries requests into the process.</summary>
    public HttpMessageInvoker Requests { get; } = Over(Path.Combine(socketFolder, county.Name));

    private static HttpMessageInvoker Over(string path) =>
        new(
            new SocketsHttpHandler
            {
                UseProxy = false,
                AllowAutoRedirect = false,
                AutomaticDecompression = System.Net.DecompressionMethods.None,
                UseCookies = false,
                ActivityHeadersPropagator = null,
                ConnectCallback = async (_, cancellation) =>
                {
                    var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
                    try
                    {
                        await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), cancellation);
                        return new NetworkStream(socket, ownsSocket: true);
                    }
                    catch
                    {
                        socket.Dispose();
                        throw;
                    }
                },
            }
        );

    /// <summary>Keeps the process running until told to stop; then it may finish what it has begun.</summary>
    public async Task KeepAsync(CancellationToken stopping)
    {
        var pause = FirstPause;
        while (!stopping.IsCancellationRequested)
        {
            var began = Stopwatch.StartNew();
            File.Delete(_socket); // of a process that was killed
            using var process = Start();
            var output = Task.WhenAll(
                RelayAsync(process.StandardOutput, Console.Out),
                RelayAsync(process.StandardError, Console.Error)
            );
            try
            {
                await process.WaitForExitAsync(stopping);
            }
            catch (OperationCanceledException)
            {
                await StopAsync(process);
            }
            await output;
            if (stopping.IsCancellationRequested)
                return;
            // What fails at once fails again; what ran for a while deserves to be back soon.
            pause =
                began.Elapsed > Steady ? FirstPause
                : pause * 2 < MostPause ? pause * 2
                : MostPause;
            log.LogError(
                "County {County} ended with {Exit} after {Seconds:0} s; it is started again in {Pause:0} s",
                county.Name,
                process.ExitCode,
                began.Elapsed.TotalSeconds,
                pause.TotalSeconds
            );
            await Task.Delay(pause, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    private Process Start()
    {
        var program = Environment.ProcessPath!;
        string[] self =
            Path.GetFileNameWithoutExtension(program) == "dotnet" ? [typeof(CountyProcess).Assembly.Location] : [];
        var start = new ProcessStartInfo(
            program,
            [.. self, .. arguments, "--county", county.Name, "--urls", $"http://unix:{_socket}"]
        )
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            Environment =
            {
                [UntilInputEnds] = "1",
                ["ASPNETCORE_FORWARDEDHEADERS_ENABLED"] = "true", // nobody but the front can reach the socket
                ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Warning",
            },
        };
        // The secrets of the others are nothing to it.
        foreach (
            var name in start
                .Environment.Keys.Where(k =>
                    k.StartsWith("Counties__", StringComparison.OrdinalIgnoreCase)
                    && !k.StartsWith($"Counties__{county.Name}__", StringComparison.OrdinalIgnoreCase)
                )
                .ToList()
        )
            start.Environment.Remove(name);
        return Process.Start(start)!;
    }

    private async Task StopAsync(Process process)
    {
        process.StandardInput.Close();
        using var patience = new CancellationTokenSource(StoppingTime);
        try
        {
            await process.WaitForExitAsync(patience.Token);
        }
        catch (OperationCanceledException)
        {
            log.LogError(
                "County {County} has not stopped in {Seconds:0} s and is killed",
                county.Name,
                StoppingTime.TotalSeconds
            );
            process.Kill();
            await process.WaitForExitAsync(CancellationToken.None);
        }
    }

    /// <summary>Whose line it is, before each.</summary>
    private async Task RelayAsync(StreamReader from, TextWriter to)
    {
        while (await from.ReadLineAsync() is { } line)
            await to.WriteLineAsync($"{county.Name} {line}");
    }

    public void Dispose() => Requests.Dispose();
}
