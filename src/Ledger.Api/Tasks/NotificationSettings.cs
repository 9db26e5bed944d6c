using MailKit.Security;

namespace Ledger.Api.Tasks;

/// <summary>A mail server, under Ledger:Mail.</summary>
/// <param name="Security">Ledger:Mail:Security: starttls (587), tls (465) or none, which is for a server on the same
/// machine.</param>
public sealed record MailSettings(
    string Host,
    int Port,
    SecureSocketOptions Security,
    string? User,
    string? Password,
    string From
);

/// <summary>How people are told that something waits for them, under Ledger:Mail and Ledger:Notify.</summary>
/// <param name="Mail">Null: no e-mail is sent.</param>
/// <param name="Gateway">Ledger:Notify:Gateway. Where a county's own gateway to SMS or WeCom takes a message; null:
/// none.</param>
/// <param name="Address">Ledger:Notify:Address. This ledger's address, as people open it.</param>
/// <param name="DigestHour">Ledger:Notify:DigestHour. In China, from when on the daily digest goes out.</param>
/// <param name="WithPlaces">Ledger:Notify:Places. Each task with its village, its last day and its own link; else only
/// how many there are of which kind.</param>
public sealed record NotificationSettings(
    MailSettings? Mail,
    Uri? Gateway,
    string Address,
    int DigestHour,
    bool WithPlaces
)
{
    /// <summary>Somebody can be told.</summary>
    public bool IsOn => Mail is not null || Gateway is not null;

    /// <exception cref="InvalidOperationException">A value that cannot be.</exception>
    public static NotificationSettings Of(IConfiguration configuration)
    {
        var (mail, notify) = (configuration.GetSection("Ledger:Mail"), configuration.GetSection("Ledger:Notify"));
        var address = notify["Address"]?.TrimEnd('/') ?? "";
        var hour = notify.GetValue("DigestHour", 8);
        var settings = new NotificationSettings(
            MailOf(mail),
            notify["Gateway"] is { Length: > 0 } gateway ? new Uri(gateway) : null,
            address,
            hour,
            notify.GetValue("Places", false)
        );
        return hour is < 0 or > 23 ? throw new InvalidOperationException("Ledger:Notify:DigestHour: 0 … 23")
            : settings.IsOn && !Uri.IsWellFormedUriString(address, UriKind.Absolute)
                ? throw new InvalidOperationException("Ledger:Notify:Address: https://…")
            : settings;
    }

    private static MailSettings? MailOf(IConfigurationSection mail)
    {
        if (mail["Host"] is not { Length: > 0 } host)
            return null;
        var security = mail["Security"] switch
        {
            null or "" or "starttls" => SecureSocketOptions.StartTls,
            "tls" => SecureSocketOptions.SslOnConnect,
            "none" => SecureSocketOptions.None,
            var other => throw new InvalidOperationException($"Ledger:Mail:Security: starttls, tls, none; {other}?"),
        };
        var from = mail["From"] ?? "";
        return !MimeKit.MailboxAddress.TryParse(from, out _)
            ? throw new InvalidOperationException("Ledger:Mail:From: ledger@example.cn")
            : new MailSettings(
                host,
                mail.GetValue("Port", security == SecureSocketOptions.SslOnConnect ? 465 : 587),
                security,
                mail["User"] is { Length: > 0 } user ? user : null,
                mail["Password"] is { Length: > 0 } password ? password : null,
                from
            );
    }
}
