using System.Security.Cryptography;
using System.Text;
using Ledger.Api.Feeds;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Ledger.Web;
using Npgsql;

namespace Ledger.Api.Tasks;

/// <summary>
/// Tells people that something waits for them, each as he chose: by e-mail, by the county's gateway; at once, or once a
/// day. Every node runs this; a person is one node's at a time, for as long as its lease in the database runs. What he
/// was told is written down after the other side has taken it: after a kill he is told again (docs/decisions/019).
/// </summary>
public sealed class Notifier(
    NpgsqlDataSource database,
    EventWriter writer,
    TaskReader reader,
    NotificationChoices choices,
    Settings settings,
    KeyFile keys,
    OutwardAddress outward,
    IServiceScopeFactory scopes,
    Clock clock,
    TimeProvider time,
    ILogger<Notifier> log
) : BackgroundService
{
    /// <summary>
    /// Between tries of one that failed; the last goes on for ever, and the product's health says so.
    /// </summary>
    public static readonly IReadOnlyList<TimeSpan> Pauses =
    [
        TimeSpan.FromSeconds(30),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(6),
        TimeSpan.FromHours(24),
    ];

    /// <summary>The gateway's messages are signed with the secret that follows from this name.</summary>
    public const string GatewayName = "notification-gateway";
    private static readonly TimeSpan Pause = TimeSpan.FromSeconds(1),
        // So soon somebody is looked at again.
        Again = TimeSpan.FromSeconds(15),
        // Longer than both channels take.
        Lease = 3 * Mailer.Patience;
    private const int AtOnce = 4,
        KeptDays = 180;
    private const string S = LedgerStore.Schema;

    private readonly Guid _me = Guid.NewGuid();
    private readonly HttpClient _http = new(outward.Handler()) { Timeout = Mailer.Patience };

    private sealed record Turn(string AccountId, byte[] Box, DateOnly? ToldOn, int Failures);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        if (!settings.Notifications.IsOn)
            return;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                var turns = await ClaimAsync(stopping);
                await Task.WhenAll(turns.Select(t => KeepAsync(t, stopping)));
                if (turns.Count == AtOnce)
                    continue;
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                log.LogWarning("Notifications could not be looked at; again in a moment: {Reason}", e.Message);
            }
            await Task.Delay(Pause, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
    }

    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    /// <summary>Who is due and nobody else's becomes this node's.</summary>
    private async Task<List<Turn>> ClaimAsync(CancellationToken stopping)
    {
        await using var connection = await database.OpenConnectionAsync(stopping);
        return await connection.QueryAsync(
            $"""
            update {S}.notification_choice
               set holder = @me, until = clock_timestamp() + @lease
             where account_id in (
                   select account_id
                     from {S}.notification_choice
                    where next_at <= clock_timestamp() -- the one clock that all nodes share
                      and (until is null or until < clock_timestamp()
                           or until > clock_timestamp() + 10 * @lease) -- longer than anybody of ours would hold it
                    order by next_at
                    limit {AtOnce} for update skip locked)
            returning account_id, choice, told_on, failures
            """,
            r => new Turn(
                r.GetString(0),
                r.GetFieldValue<byte[]>(1),
                r.IsDBNull(2) ? null : r.GetFieldValue<DateOnly>(2),
                r.GetInt32(3)
            ),
            ("me", _me),
            ("lease", Lease)
        );
    }

    /// <summary>Tells one person what he waits to be told, and gives him back.</summary>
    private async Task KeepAsync(Turn turn, CancellationToken stopping)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(stopping);
            var failed = await TellAsync(connection, turn, stopping);
            var failures = failed ? turn.Failures + 1 : 0;
            await connection.ExecuteAsync(
                $"""
                update {S}.notification_choice
                   set holder = null, until = null, failures = @failures, next_at = clock_timestamp() + @pause
                 where account_id = @id and holder = @me
                """,
                ("failures", failures),
                ("pause", failed ? Pauses[Math.Min(failures, Pauses.Count) - 1] : Again),
                ("id", turn.AccountId),
                ("me", _me)
            );
        }
        catch (Exception e)
        {
            // He is looked at again when the lease has run out.
            if (!stopping.IsCancellationRequested)
                log.LogWarning("{Account} was not told: {Reason}", turn.AccountId, e.Message);
        }
    }

    /// <summary>Null: he is nobody's any more, and is forgotten.</summary>
    private async Task<Actor?> WhoAsync(NpgsqlConnection connection, Turn turn, NotificationChoice choice)
    {
        var who = await NotificationChoices.WhoAsync(connection, writer, settings, turn.AccountId, choice);
        if (who is null)
            await NotificationChoices.ForgetAsync(connection, turn.AccountId);
        return who;
    }

    /// <returns>Whether a message was not taken.</returns>
    private async Task<bool> TellAsync(NpgsqlConnection connection, Turn turn, CancellationToken stopping)
    {
        if (
            await choices.OpenAsync(turn.AccountId, turn.Box) is not { } choice
            || await WhoAsync(connection, turn, choice) is not { } who
        )
            return false;
        var (now, hour) = (Clock.China(time.GetUtcNow()), settings.Notifications.DigestHour);
        if (!choice.IsTurn(turn.ToldOn, now, hour))
            return false;
        // A digest has all of it, once; who is told at once is looked at again in a moment.
        var waiting = await reader.OfAsync(who, isAwaited: choice.When == NotifyWhen.Daily, stopping);
        var failed = false;
        foreach (var channel in Channels(choice))
        {
            var told = await ToldAsync(connection, turn.AccountId, channel);
            var due = choice.Due(waiting, told, turn.ToldOn, now, hour);
            var isDigest = choice.When == NotifyWhen.Daily;
            // The day's digest went by this way already, and only the other one failed.
            if (due.Count == 0 || isDigest && told.Contains(DigestKey(DateOnly.FromDateTime(now.DateTime))))
                continue;
            var failure =
                channel == "mail"
                    ? await MailAsync(choice.Mail!, due, isDigest, stopping)
                    : await PostAsync(turn.AccountId, who.Id, due, isDigest, stopping);
            await WriteDownAsync(connection, turn.AccountId, channel, due, isDigest, failure);
            if (failure is not null)
                log.LogWarning("{Channel} to {Account} failed: {Reason}", channel, turn.AccountId, failure);
            failed |= failure is not null;
        }
        if (choice.When == NotifyWhen.Daily && !failed)
            await DigestedAsync(connection, turn.AccountId, now);
        return failed;
    }

    private static string DigestKey(DateOnly day) => $"digest {day:yyyy-MM-dd}";

    private IEnumerable<string> Channels(NotificationChoice choice)
    {
        if (choice.Mail is not null && settings.Notifications.Mail is not null)
            yield return "mail";
        if (choice.Gateway && settings.Notifications.Gateway is not null)
            yield return "gateway";
    }

    private static async Task<IReadOnlySet<string>> ToldAsync(
        NpgsqlConnection connection,
        string accountId,
        string channel
    ) =>
        (
            await connection.QueryAsync(
                $"""
                select task_key
                  from {S}.notification
                 where account_id = @id and channel = @channel and state = 'sent'
                """,
                r => r.GetString(0),
                ("id", accountId),
                ("channel", channel)
            )
        ).ToHashSet();

    private async Task<string?> MailAsync(
        string to,
        IReadOnlyList<WorkTask> tasks,
        bool isDigest,
        CancellationToken stopping
    )
    {
        await using var scope = scopes.CreateAsyncScope();
        var contacts = scope.ServiceProvider.GetRequiredService<IContacts>();
        return await Mailer.SendAsync(
            settings.Notifications.Mail!,
            to,
            NotificationText.Subject(tasks, isDigest),
            await NotificationText.BodyAsync(tasks, settings.Notifications, clock.Today, contacts.PlaceOfAsync),
            stopping
        );
    }

    private async Task<string?> PostAsync(
        string accountId,
        string account,
        IReadOnlyList<WorkTask> tasks,
        bool isDigest,
        CancellationToken stopping
    )
    {
        var (now, today) = (TimeProvider.System.GetUtcNow(), clock.Today);
        var content = SHA256.HashData(
            Encoding.UTF8.GetBytes($"{today:O} {isDigest} {string.Join('\n', tasks.Select(t => t.KeyAt(today)))}")
        );
        var message = WebhookMessage.Waits(
            $"{accountId}.{Convert.ToHexStringLower(content)[..16]}",
            now,
            json => NotificationText.Write(json, account, tasks, settings.Notifications, today, isDigest)
        );
        using var request = message.Request(settings.Notifications.Gateway!, keys.WebhookKey, GatewayName, [1], now);
        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, stopping);
            return answer.IsSuccessStatusCode ? null : "refused";
        }
        catch (Exception e) when (Webhooks.WhyNot(e, stopping) is { } failure)
        {
            return failure;
        }
    }

    /// <summary>A digest stands there by its day, else each task by itself.</summary>
    private async Task WriteDownAsync(
        NpgsqlConnection connection,
        string accountId,
        string channel,
        IReadOnlyList<WorkTask> tasks,
        bool isDigest,
        string? failure
    )
    {
        var today = clock.Today;
        string[] told = isDigest ? [DigestKey(today)] : [.. tasks.Select(t => t.KeyAt(today)).Distinct()];
        await connection.ExecuteAsync(
            $"""
            with old as (
                delete from {S}.notification
                 where account_id = @id
                   and at < clock_timestamp() - make_interval(days => {KeptDays}))
            insert into {S}.notification as n (account_id, channel, task_key, state, tries, at, failure)
            select @id, @channel, k, @state, 1, clock_timestamp(), @failure::text from unnest(@told) k
                on conflict (account_id, channel, task_key) do update
               set state = excluded.state, tries = n.tries + 1, at = excluded.at, failure = excluded.failure
            """,
            ("id", accountId),
            ("channel", channel),
            ("state", failure is null ? "sent" : "failed"),
            ("failure", failure),
            ("told", told)
        );
    }

    /// <summary>Until tomorrow.</summary>
    private Task DigestedAsync(NpgsqlConnection connection, string accountId, DateTimeOffset now) =>
        connection.ExecuteAsync(
            $"update {S}.notification_choice set told_on = @day where account_id = @id and holder = @me",
            ("day", DateOnly.FromDateTime(now.DateTime)),
            ("id", accountId),
            ("me", _me)
        );
}
