using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using MimeKit;

namespace Ledger.Api.Tests.Faults;

/// <summary>A message as it came in.</summary>
public sealed record Mail(string To, string Subject, string Text, string Raw);

/// <summary>A mail server on a port of its own that keeps what it takes, as much of SMTP (RFC 5321) as one client
/// needs.</summary>
public sealed class MailSink : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _end = new();
    private readonly Task _accepts;

    public MailSink()
    {
        _listener.Start();
        _accepts = AcceptAsync();
    }

    public ConcurrentQueue<Mail> Messages { get; } = [];

    /// <summary>To this address nothing is taken now.</summary>
    public string? Refused { get; set; }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public IReadOnlyList<Mail> To(string address) => [.. Messages.Where(m => m.To == address)];

    private async Task AcceptAsync()
    {
        try
        {
            while (!_end.IsCancellationRequested)
                _ = ServeAsync(await _listener.AcceptTcpClientAsync(_end.Token));
        }
        catch (OperationCanceledException)
        {
            // The test is over.
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using var connection = client;
        await using var stream = client.GetStream();
        using var lines = new StreamReader(stream, Encoding.Latin1);
        Task SayAsync(string line) => stream.WriteAsync(Encoding.ASCII.GetBytes($"{line}\r\n")).AsTask();
        var to = "";
        await SayAsync("220 sink");
        while (await lines.ReadLineAsync(_end.Token) is { } line)
            switch (line.Split(' ', ':')[0].ToUpperInvariant())
            {
                case "RCPT":
                    to = line.Split('<', '>')[1];
                    await SayAsync(to == Refused ? "451 later" : "250 ok");
                    break;
                case "DATA":
                    await SayAsync("354 go on");
                    var raw = new StringBuilder();
                    while (await lines.ReadLineAsync(_end.Token) is { } part && part != ".")
                        raw.Append(part.StartsWith('.') ? part[1..] : part).Append("\r\n");
                    Keep(to, raw.ToString());
                    await SayAsync("250 taken");
                    break;
                case "QUIT":
                    await SayAsync("221 bye");
                    return;
                default:
                    await SayAsync("250 ok");
                    break;
            }
    }

    private void Keep(string to, string raw)
    {
        using var source = new MemoryStream(Encoding.Latin1.GetBytes(raw));
        using var message = MimeMessage.Load(source);
        Messages.Enqueue(new(to, message.Subject ?? "", (message.TextBody ?? "").ReplaceLineEndings("\n"), raw));
    }

    public async ValueTask DisposeAsync()
    {
        await _end.CancelAsync();
        await _accepts;
        _listener.Dispose();
        _end.Dispose();
    }
}
