using System.Net.Sockets;
using System.Text;

namespace Ledger.Api.Operation;

/// <summary>
/// What systemd is told (Type=notify): a start is over when the product listens. Without a supervisor that asks, by
/// NOTIFY_SOCKET, nobody is told anything.
/// </summary>
public static class Supervisor
{
    public static void Tell(string state)
    {
        if (Environment.GetEnvironmentVariable("NOTIFY_SOCKET") is not { Length: > 1 } path)
            return;
        using var socket = new Socket(AddressFamily.Unix, SocketType.Dgram, ProtocolType.Unspecified);
        // A name with @ is one of the kernel's, in no folder.
        var to = new UnixDomainSocketEndPoint(path[0] == '@' ? $"\0{path[1..]}" : path);
        socket.SendTo(Encoding.UTF8.GetBytes(state), to);
    }
}
