using Ledger.Api.Commands;
using Ledger.Api.Feeds;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Ledger.Web.Tasks;
using Npgsql;

namespace Ledger.Api.Tasks;

/// <param name="Mail">An e-mail address; absent: not by e-mail.</param>
/// <param name="Gateway">By the county's gateway (SMS, WeCom).</param>
/// <param name="Kinds">Of tasks; absent or none: all.</param>
public sealed record NotificationChoiceBody(
    NotifyWhen When,
    string? Mail = null,
    bool Gateway = false,
    IReadOnlyList<TaskKind>? Kinds = null
);

/// <summary>What somebody was told, or was to be told. <paramref name="Failure"/>: in a word.</summary>
public sealed record NotificationView(
    string Channel,
    string What,
    string State,
    int Tries,
    DateTimeOffset At,
    string? Failure
);

/// <param name="MayMail">E-mail can be sent here at all; so <paramref name="MayGateway"/>.</param>
/// <param name="Last">The last twenty.</param>
public sealed record NotificationChoiceView(
    NotifyWhen When,
    string? Mail,
    bool Gateway,
    IReadOnlyList<TaskKind> Kinds,
    bool MayMail,
    bool MayGateway,
    IReadOnlyList<NotificationView> Last
);

/// <param name="Secret">
/// <c>whsec_…</c>, as Standard Webhooks has it: what the gateway checks the signature with.
/// </param>
public sealed record NotificationGatewayView(string? Address, string Secret);

/// <summary>How the caller wants to be told; nobody says it for somebody else.</summary>
public static class NotificationEndpoints
{
    private const int MostShown = 20;

    public static void MapNotifications(this IEndpointRouteBuilder api)
    {
        api.MapGet("/notifications", Read)
            .Reading<NotificationChoiceView>(
                "read-notifications",
                "自己的提醒设置和最近的提醒 · How one is told, and what one was told",
                Roles.Everybody
            );
        api.MapPut("/notifications", Choose)
            .Session<NotificationChoiceView>(
                "choose-notifications",
                "设置自己的提醒：立即、每日汇总或不提醒，发到哪里，哪些事 · How one wants to be told",
                Roles.Everybody
            )
            .Refuses(Rejections.FieldInvalid, Rejections.WrongState)
            .Example("""{"when":"daily","mail":"li.si@example.cn","kinds":["review","approval"]}""");
        api.MapGet(
                "/notifications/gateway",
                (Settings settings, KeyFile keys) =>
                    new NotificationGatewayView(
                        settings.Notifications.Gateway?.ToString(),
                        WebhookMessage.SecretOf(keys.WebhookKey, Notifier.GatewayName, 1)
                    )
            )
            .Reading<NotificationGatewayView>(
                "read-notification-gateway",
                "短信、企业微信网关的地址和签名密钥 · Where the gateway is, and the secret its messages are signed with",
                Roles.Administrator
            );
    }

    private static async Task<NotificationChoiceView> Read(
        NpgsqlDataSource database,
        NotificationChoices choices,
        Settings settings,
        Caller caller,
        CancellationToken cancellation
    ) => await ViewAsync(database, choices, settings, caller, cancellation);

    public static async Task<NotificationChoiceView> ViewAsync(
        NpgsqlDataSource database,
        NotificationChoices choices,
        Settings settings,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var id = StreamId.Account(caller.Actor.Id);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var choice = await choices.ReadAsync(connection, id);
        var last = await connection.QueryAsync(
            $"""
            select channel, task_key, state, tries, at, failure
              from {LedgerStore.Schema}.notification
             where account_id = @id
             order by at desc
             limit {MostShown}
            """,
            r => new NotificationView(
                r.GetString(0),
                r.GetString(1).Split(' ')[0],
                r.GetString(2),
                r.GetInt32(3),
                r.GetFieldValue<DateTimeOffset>(4),
                r.IsDBNull(5) ? null : r.GetString(5)
            ),
            ("id", id)
        );
        return new(
            choice?.When ?? NotifyWhen.Never,
            choice?.Mail,
            choice?.Gateway ?? false,
            choice?.Kinds ?? [],
            settings.Notifications.Mail is not null,
            settings.Notifications.Gateway is not null,
            last
        );
    }

    /// <summary>For the page.</summary>
    public static NotifySection.Choice Shown(NotificationChoiceView v) =>
        new(
            v.When,
            v.Mail,
            v.Gateway,
            v.Kinds,
            v.MayMail,
            v.MayGateway,
            [.. v.Last.Select(n => (n.Channel, n.What, n.State == "sent", n.At, n.Failure))]
        );

    private static async Task<NotificationChoiceView> Choose(
        NotificationChoiceBody body,
        NpgsqlDataSource database,
        NotificationChoices choices,
        Settings settings,
        EventWriter writer,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var (by, id) = (caller.Actor, StreamId.Account(caller.Actor.Id));
        var mail = string.IsNullOrWhiteSpace(body.Mail) ? null : MailOf(body.Mail);
        if (body.When != NotifyWhen.Never && settings.Notifications is { Mail: null, Gateway: null })
            throw Require.Invalid("when", "本系统还没有设置发邮件，也没有接短信或企业微信；请联系管理员");
        if (body.When != NotifyWhen.Never && mail is null && !body.Gateway)
            throw Require.Invalid("mail", "请填邮箱，或选短信、企业微信");
        if (mail is not null && settings.Notifications.Mail is null)
            throw Require.Invalid("mail", "本系统还没有设置发邮件，请联系管理员");
        if (body.Gateway && settings.Notifications.Gateway is null)
            throw Require.Invalid("gateway", "本系统还没有接短信或企业微信，请联系管理员");
        var kinds = (body.Kinds ?? []).Distinct().ToList();
        if (kinds.Any(k => !TaskRules.IsFor(k, by.Role)))
            throw Require.Invalid("kinds", "有的事项不归您的角色办");
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await RequireOwnAsync(connection, writer, settings, by);
        var before = await choices.ReadAsync(connection, id);
        await choices.WriteAsync(
            connection,
            id,
            new NotificationChoice(
                body.When,
                mail,
                body.Gateway,
                kinds,
                by.Role,
                by.Region,
                // The address of a calendar that showed another office's work stays closed.
                before is not null
                && (before.Role, before.Region) == (by.Role, by.Region)
                    ? before.Calendar
                    : 0
            )
        );
        return await ViewAsync(database, choices, settings, caller, cancellation);
    }

    /// <exception cref="RefusedException"><c>wrong-state</c>: he has no account, or acts for somebody else.</exception>
    public static async Task RequireOwnAsync(
        NpgsqlConnection connection,
        EventWriter writer,
        Settings settings,
        Actor by
    )
    {
        var account = await writer.ReadAsync<Domain.Accounts.Account>(connection, StreamId.Account(by.Id));
        if (account is null && !settings.Sample || by.OnBehalfOf is not null)
            throw new RefusedException(
                new Rejection(Rejections.WrongState, "提醒和日历地址只能由账户本人，以自己的身份登录后设置")
            );
    }

    /// <summary>One address, of a person at a host, and nothing else that a header could hold.</summary>
    private static string MailOf(string given)
    {
        var text = Require.Text(given, "mail", NotificationChoice.MaxMail);
        return
            MimeKit.MailboxAddress.TryParse(text, out var parsed)
            && parsed.Address == text
            && text.IndexOf('@') > 0
            && !text.Contains('\n')
            ? text
            : throw Require.Invalid("mail", "应为邮箱地址，如 li.si@example.cn");
    }
}
