using System.Net;
using System.Net.Sockets;
using Microsoft.AspNetCore.Connections;

namespace Ledger.Api.Security;

/// <summary>
/// Connections are few, and who opens one need not say a word: one source gets a share of them. It is counted where the
/// connection is taken, before TLS and the first byte. What comes over a Unix socket comes from our own front, which
/// has counted already.
/// </summary>
public sealed class ConnectionShares(int perSource, ILogger<ConnectionShares> log)
{
    private readonly Dictionary<string, int> _open = [];
    private DateTimeOffset _saidAt;

    public ConnectionDelegate Before(ConnectionDelegate next) =>
        async connection =>
        {
            if (connection.RemoteEndPoint is not IPEndPoint { Address: { } address })
            {
                await next(connection);
                return;
            }
            var source = Source.Of(address);
            if (!Take(source))
            {
                connection.Abort();
                Say(source);
                return;
            }
            try
            {
                await next(connection);
            }
            finally
            {
                GiveBack(source);
            }
        };

    /// <summary>Once a minute: whoever floods us does not fill the log.</summary>
    private void Say(string source)
    {
        var now = TimeProvider.System.GetUtcNow();
        lock (_open)
        {
            if (now - _saidAt < TimeSpan.FromMinutes(1))
                return;
            _saidAt = now;
        }
        log.LogWarning("{Source} has its share of {Share} connections; more are refused", source, perSource);
    }

    private bool Take(string source)
    {
        lock (_open)
        {
            var open = _open.GetValueOrDefault(source);
            if (open >= perSource)
                return false;
            _open[source] = open + 1;
            return true;
        }
    }

    private void GiveBack(string source)
    {
        lock (_open)
        {
            if (--_open[source] == 0)
                _open.Remove(source);
        }
    }
}

/// <summary>Whom a limit per address counts as one.</summary>
public static class Source
{
    /// <summary>An IPv4 address; of IPv6 the network of 64 bits, all of which one household has.</summary>
    public static string Of(IPAddress? address)
    {
        if (address is null)
            return "";
        if (address.IsIPv4MappedToIPv6)
            address = address.MapToIPv4();
        if (address.AddressFamily != AddressFamily.InterNetworkV6)
            return $"{address}";
        return $"{new IPAddress((byte[])[.. address.GetAddressBytes()[..8], .. new byte[8]])}/64";
    }

    public static string Of(HttpContext http) => Of(http.Connection.RemoteIpAddress);
}
