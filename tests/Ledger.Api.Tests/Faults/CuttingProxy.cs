using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// Stands between the nodes and PostgreSQL's socket, and resets their connections when told to, after some more bytes.
/// </summary>
public sealed class CuttingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly string _socket;
    private readonly ConcurrentDictionary<Link, byte> _links = [];
    private readonly CancellationTokenSource _stop = new();
    private readonly Task _accepting;

    public CuttingProxy(string socket)
    {
        _socket = socket;
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>
    /// Each connection that is open now ends after a number of further bytes below <paramref name="bytes"/>, in
    /// whichever direction.
    /// </summary>
    public void Cut(Random random, int bytes)
    {
        foreach (var link in _links.Keys)
            link.CutAfter(random.Next(bytes));
    }

    private async Task AcceptAsync()
    {
        while (!_stop.IsCancellationRequested)
        {
            Socket client;
            try
            {
                client = await _listener.AcceptSocketAsync(_stop.Token);
            }
            catch (OperationCanceledException)
            {
                return;
            }
            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(Socket client)
    {
        using var server = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        var link = new Link(client, server);
        try
        {
            client.NoDelay = true;
            await server.ConnectAsync(new UnixDomainSocketEndPoint(_socket));
            _links[link] = 0;
            await Task.WhenAny(link.PumpAsync(client, server), link.PumpAsync(server, client));
        }
        catch (SocketException)
        {
            // The server is down: the client sees its connection reset.
        }
        finally
        {
            _links.TryRemove(link, out _);
            link.Reset();
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        _listener.Stop();
        await _accepting;
        foreach (var link in _links.Keys)
            link.Reset();
        _stop.Dispose();
    }

    private sealed class Link(Socket client, Socket server)
    {
        private long _left = long.MaxValue;

        public void CutAfter(int bytes) => Interlocked.Exchange(ref _left, bytes);

        public async Task PumpAsync(Socket from, Socket to)
        {
            var buffer = new byte[16_384];
            try
            {
                while (await from.ReceiveAsync(buffer) is > 0 and var read)
                {
                    var left = Interlocked.Add(ref _left, -read);
                    if (left < 0) // the last bytes: a statement or an answer that breaks off in the middle
                    {
                        await to.SendAsync(buffer.AsMemory(0, (int)Math.Max(0, read + left)));
                        return;
                    }
                    for (var sent = 0; sent < read; )
                        sent += await to.SendAsync(buffer.AsMemory(sent, read - sent));
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // One side is gone; the caller takes the other away.
            }
        }

        public void Reset()
        {
            try
            {
                client.LingerState = new LingerOption(true, 0);
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // Gone already.
            }
            client.Dispose();
            server.Dispose();
        }
    }
}
