using System.Net;
using System.Net.Sockets;

namespace Ledger.Api.Feeds;

/// <summary>An address that nothing is sent to: it lies within, or it is none.</summary>
public sealed class ForbiddenAddressException(string message) : Exception(message);

/// <summary>
/// Where the product may be made to call: whoever may write an address into a subscription would else see with the
/// product's eyes into the network behind it (server-side request forgery, OWASP A10:2021).
/// </summary>
/// <param name="allowed">Networks that are allowed beside the public ones (Ledger:Webhooks:AllowedNetworks).</param>
/// <param name="resolve">Of a name, its addresses.</param>
public sealed class OutwardAddress(
    IReadOnlyList<IPNetwork> allowed,
    Func<string, CancellationToken, Task<IPAddress[]>> resolve
)
{
    /// <summary>
    /// What is not the public internet: IANA's special-purpose registries (RFC 6890 and its updates), and what carries
    /// an IPv4 address within.
    /// </summary>
    private static readonly IPNetwork[] Within =
    [
        .. """
            0.0.0.0/8 10.0.0.0/8 100.64.0.0/10 127.0.0.0/8 169.254.0.0/16 172.16.0.0/12 192.0.0.0/24 192.0.2.0/24
            192.88.99.0/24 192.168.0.0/16 198.18.0.0/15 198.51.100.0/24 203.0.113.0/24 224.0.0.0/4 240.0.0.0/4
            ::/96 ::ffff:0:0/96 64:ff9b::/96 64:ff9b:1::/48 100::/64 2001::/23 2001:db8::/32 2002::/16 3fff::/20
            5f00::/16 fc00::/7 fe80::/10 fec0::/10 ff00::/8
            """.Split((char[])[' ', '\n'], StringSplitOptions.RemoveEmptyEntries).Select(n => IPNetwork.Parse(n)),
    ];

    public bool Allows(IPAddress address)
    {
        var plain = address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;
        return allowed.Any(n => n.Contains(plain)) || !Within.Any(n => n.Contains(plain));
    }

    /// <summary>Whether it may lead somewhere: what a name stands for is seen only when it is called.</summary>
    public bool MayAllow(Uri address) =>
        IPAddress.TryParse(address.IdnHost, out var literal)
            ? Allows(literal)
            : !address.IsLoopback || Allows(IPAddress.Loopback) || Allows(IPAddress.IPv6Loopback);

    /// <summary>
    /// A handler that connects to nothing else. The name is looked up once, and what was looked at is what is connected
    /// to: a name that answers otherwise the next time leads nowhere else. It follows no redirect and asks no proxy.
    /// </summary>
    public SocketsHttpHandler Handler() =>
        new()
        {
            AllowAutoRedirect = false,
            UseProxy = false,
            UseCookies = false,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            PooledConnectionLifetime = TimeSpan.FromMinutes(2),
            MaxResponseHeadersLength = 16, // KB
            ConnectCallback = async (context, cancellation) =>
                await ConnectAsync(
                    context.DnsEndPoint,
                    context.InitialRequestMessage.RequestUri!.Scheme == Uri.UriSchemeHttp,
                    cancellation
                ),
        };

    private async Task<Stream> ConnectAsync(DnsEndPoint to, bool isPlain, CancellationToken cancellation)
    {
        var found = IPAddress.TryParse(to.Host, out var literal) ? [literal] : await resolve(to.Host, cancellation);
        // Unencrypted, it does not leave the machine, whatever a name says.
        var open = found.Where(a => Allows(a) && (!isPlain || IPAddress.IsLoopback(a))).ToArray();
        if (open.Length == 0)
            throw new ForbiddenAddressException($"{to.Host}: {string.Join(", ", found.Select(a => $"{a}"))}");
        var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        try
        {
            await socket.ConnectAsync(open, to.Port, cancellation);
            return new NetworkStream(socket, ownsSocket: true);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }
}
