using System.Net.Sockets;
using MailKit;
using MailKit.Net.Smtp;
using MailKit.Security;
using MimeKit;

namespace Ledger.Api.Tasks;

/// <summary>Hands one message to the mail server, over a connection of its own.</summary>
public static class Mailer
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <returns>Why it was not taken, in a word; null: the server has it.</returns>
    public static async Task<string?> SendAsync(
        MailSettings settings,
        string to,
        string subject,
        string body,
        CancellationToken cancellation
    )
    {
        using var message = new MimeMessage();
        message.From.Add(MailboxAddress.Parse(settings.From));
        message.To.Add(MailboxAddress.Parse(to));
        message.Subject = subject;
        message.Body = new TextPart("plain") { Text = body };
        // Of a machine: nobody's absence is answered to it (RFC 3834).
        message.Headers.Add("Auto-Submitted", "auto-generated");
        using var client = new SmtpClient { Timeout = (int)Patience.TotalMilliseconds };
        using var late = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        late.CancelAfter(Patience);
        try
        {
            await client.ConnectAsync(settings.Host, settings.Port, settings.Security, late.Token);
            if (settings.User is { } user)
                await client.AuthenticateAsync(user, settings.Password ?? "", late.Token);
            await client.SendAsync(message, late.Token);
            await client.DisconnectAsync(quit: true, late.Token);
            return null;
        }
        catch (Exception e) when (WhyNot(e, cancellation) is { } failure)
        {
            return failure;
        }
    }

    /// <summary>Null: it is no failure of the server or of the way there.</summary>
    private static string? WhyNot(Exception e, CancellationToken cancellation) =>
        cancellation.IsCancellationRequested ? null
        : e is AuthenticationException ? "sign-in"
        : e is SslHandshakeException ? "certificate"
        : e is OperationCanceledException or TimeoutException ? "timeout"
        : e is CommandException or NotSupportedException ? "refused"
        : e is SocketException or IOException or ProtocolException ? "unreachable"
        : null;
}
