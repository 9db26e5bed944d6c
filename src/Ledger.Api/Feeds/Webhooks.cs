using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Security.Authentication;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Feeds;
using Ledger.Domain.Feeds.Steps;
using Npgsql;

namespace Ledger.Api.Feeds;

/// <summary>What a try came to. <paramref name="Failure"/>: in a word; null: the other side has it.</summary>
public sealed record Sent(int? Status, int Milliseconds, string? Failure)
{
    /// <summary>410: nobody is there any more, and it says so.</summary>
    public bool IsGone => Status == (int)HttpStatusCode.Gone;
}

/// <summary>
/// Sends what happens to the addresses of subscriptions, each in the order of the log and at least once: how far one
/// has come is written down after the other side has said that it has it. Every node runs this; a subscription is one
/// node's at a time, for as long as its lease in the database runs (docs/decisions/018).
/// </summary>
public sealed class Webhooks(
    NpgsqlDataSource database,
    EventWriter writer,
    KeyFile keys,
    OutwardAddress outward,
    FeedTail tail,
    TimeProvider time,
    Clock clock,
    ILogger<Webhooks> log
) : BackgroundService
{
    /// <summary>
    /// Between tries of one that failed; after the last it is paused (as Standard Webhooks proposes).
    /// </summary>
    public static readonly IReadOnlyList<TimeSpan> Pauses =
    [
        TimeSpan.FromSeconds(5),
        TimeSpan.FromMinutes(5),
        TimeSpan.FromMinutes(30),
        TimeSpan.FromHours(2),
        TimeSpan.FromHours(5),
        TimeSpan.FromHours(10),
        TimeSpan.FromHours(14),
        TimeSpan.FromHours(20),
        TimeSpan.FromHours(24),
    ];

    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>Longer than a try takes, so that a node that is at it keeps it.</summary>
    private static readonly TimeSpan Lease = Patience + TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(500);

    private const int AtOnce = 8,
        PageEntries = 100,
        PageBytes = 256 * 1024,
        KeptTries = 500;

    private const string Schema = LedgerStore.Schema,
        Command = "deliver-events";

    private readonly Guid _me = Guid.NewGuid();
    private readonly HttpClient _http = new(outward.Handler()) { Timeout = Patience };
    private readonly Dictionary<string, Task> _running = [];

    private sealed record Cursor(string Id, long Position, int Failures);

    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                foreach (var done in _running.Where(r => r.Value.IsCompleted).Select(r => r.Key).ToList())
                    _running.Remove(done);
                foreach (var cursor in await ClaimAsync(AtOnce - _running.Count, stopping))
                    _running[cursor.Id] = KeepAsync(cursor, stopping);
            }
            catch (Exception e) when (!stopping.IsCancellationRequested)
            {
                log.LogWarning("Subscriptions could not be looked at; again in a moment: {Reason}", e.Message);
            }
            await Task.Delay(Pause, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
        }
        await Task.WhenAll(_running.Values);
    }

    public override void Dispose()
    {
        _http.Dispose();
        base.Dispose();
    }

    /// <summary>What is due and nobody else's becomes this node's.</summary>
    private async Task<List<Cursor>> ClaimAsync(int most, CancellationToken stopping)
    {
        if (most == 0)
            return [];
        await using var connection = await database.OpenConnectionAsync(stopping);
        return await connection.QueryAsync(
            $"""
            update {Schema}.delivery_cursor
               set holder = @me, until = clock_timestamp() + @lease
             where subscription_id in (
                   select subscription_id
                     from {Schema}.delivery_cursor
                    where next_at <= clock_timestamp() -- the one clock that all nodes share
                      and position < (select size - 1 from {Schema}.log_state)
                      and (until is null or until < clock_timestamp()
                           or until > clock_timestamp() + 10 * @lease) -- longer than anybody of ours would hold it
                    order by next_at
                    limit @most for update skip locked)
            returning subscription_id, position, failures
            """,
            r => new Cursor(r.GetString(0), r.GetInt64(1), r.GetInt32(2)),
            ("me", _me),
            ("lease", Lease),
            ("most", most)
        );
    }

    /// <summary>Sends what one subscription waits for, and gives it back.</summary>
    private async Task KeepAsync(Cursor cursor, CancellationToken stopping)
    {
        try
        {
            await using var connection = await database.OpenConnectionAsync(stopping);
            try
            {
                await DeliverAsync(connection, cursor, stopping);
            }
            finally
            {
                // Of the tries the last ones stay.
                await connection.ExecuteAsync(
                    $"""
                    with old as (
                        delete from {Schema}.delivery
                         where subscription_id = @id
                           and number <= (select number
                                            from {Schema}.delivery
                                           where subscription_id = @id
                                           order by number desc
                                          offset {KeptTries} limit 1))
                    update {Schema}.delivery_cursor
                       set holder = null, until = null
                     where subscription_id = @id and holder = @me and {Unhurried}
                    """,
                    ("id", cursor.Id),
                    ("me", _me)
                );
            }
        }
        catch (Exception e)
        {
            // What was not written down is sent again, when the lease has run out: at least once.
            if (!stopping.IsCancellationRequested)
                log.LogWarning("The deliveries of {Subscription} stopped: {Reason}", cursor.Id, e.Message);
        }
    }

    private async Task DeliverAsync(NpgsqlConnection connection, Cursor cursor, CancellationToken stopping)
    {
        // As a command would find it: what somebody wrote past the product sends nothing anywhere.
        if (
            await writer.ReadAsync<Subscription>(connection, cursor.Id)
            is not { State: SubscriptionState.Active } subscription
        )
        {
            await StopAsync(connection, cursor.Id);
            return;
        }
        var filter = new FeedFilter(subscription.Region, subscription.Types);
        for (var position = cursor.Position; !stopping.IsCancellationRequested; )
        {
            var page = (await tail.ReadAsync(connection, filter, position, PageEntries)).UpTo(PageBytes);
            var sent = page.Lines.Count > 0 ? await SendAsync(subscription, position, page, stopping) : null;
            if (sent is { Failure: not null })
            {
                await WriteDownAsync(connection, cursor.Id, sent, page);
                await FailedAsync(connection, cursor.Id, position == cursor.Position ? cursor.Failures + 1 : 1, sent);
                return;
            }
            if (page.Next == position || !await ReachedAsync(connection, cursor.Id, page, sent) || page.IsHead)
                return;
            position = page.Next;
        }
    }

    /// <summary>A test message, whatever comes of it; on record.</summary>
    public async Task TestAsync(NpgsqlConnection connection, Subscription to, CancellationToken cancellation)
    {
        var message = WebhookMessage.Tests(to.Id, Now);
        await WriteDownAsync(connection, to.Id, await SendAsync(to, message, cancellation));
    }

    private Task<Sent> SendAsync(Subscription to, long after, FeedLines page, CancellationToken cancellation) =>
        SendAsync(to, WebhookMessage.Tells(to.Id, after, page, Now), cancellation);

    /// <summary>The receiver's clock is compared with it: no sample's.</summary>
    private static DateTimeOffset Now => TimeProvider.System.GetUtcNow();

    private async Task<Sent> SendAsync(Subscription to, WebhookMessage message, CancellationToken cancellation)
    {
        using var request = message.Request(
            new Uri(to.Address),
            keys.WebhookKey,
            to.Id,
            to.SecretsAt(time.GetUtcNow()),
            Now
        );
        var since = Stopwatch.StartNew();
        try
        {
            using var answer = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancellation);
            var status = (int)answer.StatusCode;
            var failure = status switch
            {
                >= 200 and < 300 => null,
                >= 300 and < 400 => "redirect",
                _ => "refused",
            };
            return new(status, (int)since.ElapsedMilliseconds, failure);
        }
        catch (Exception e) when (WhyNot(e, cancellation) is { } failure)
        {
            return new(null, (int)since.ElapsedMilliseconds, failure);
        }
    }

    /// <summary>In a word; null: it is no failure of the other side or of the way there.</summary>
    internal static string? WhyNot(Exception e, CancellationToken cancellation) =>
        cancellation.IsCancellationRequested ? null
        : e is ForbiddenAddressException || e.InnerException is ForbiddenAddressException ? "address-forbidden"
        : e is TaskCanceledException ? "timeout"
        : e is not HttpRequestException ? null
        : e.InnerException switch
        {
            AuthenticationException => "certificate",
            SocketException { SocketErrorCode: SocketError.HostNotFound or SocketError.NoData } => "name-unknown",
            _ => "unreachable",
        };

    /// <summary>
    /// Commits do not wait for the disk: what a server forgets in the moment before it dies is sent once more.
    /// </summary>
    private const string Unhurried = "set_config('synchronous_commit', 'off', true) = 'off'";

    private const string Try = $"""
        insert into {Schema}.delivery
               (subscription_id, at, first_position, last_position, entries, status, milliseconds, failure)
        select @id, clock_timestamp(), @first::bigint, @last::bigint, @entries, @status::int, @ms::int, @failure::text
         where @ms::int is not null
        """;

    /// <summary>The try; nothing where there was none.</summary>
    private static (string Name, object? Value)[] Parameters(string id, Sent? sent, FeedLines? page) =>
        [
            ("id", id),
            ("first", page?.Lines.Select(l => (long?)l.Position).FirstOrDefault()),
            ("last", page?.Lines.Select(l => (long?)l.Position).LastOrDefault()),
            ("entries", page?.Lines.Count ?? 0),
            ("status", sent?.Status),
            ("ms", sent?.Milliseconds),
            ("failure", sent?.Failure),
        ];

    private static Task WriteDownAsync(NpgsqlConnection connection, string id, Sent sent, FeedLines? page = null) =>
        connection.ExecuteAsync(Try, Parameters(id, sent, page));

    /// <summary>
    /// How far it has come, and by which try. False: another node has it by now, which sends the same.
    /// </summary>
    private async Task<bool> ReachedAsync(NpgsqlConnection connection, string id, FeedLines page, Sent? sent) =>
        await connection.ExecuteAsync(
            $"""
            with tried as ({Try})
            update {Schema}.delivery_cursor
               set position = @position, failures = 0, until = clock_timestamp() + @lease
             where subscription_id = @id and holder = @me and {Unhurried}
            """,
            [.. Parameters(id, sent, page), ("position", page.Next), ("lease", Lease), ("me", _me)]
        ) > 0;

    private async Task FailedAsync(NpgsqlConnection connection, string id, int failures, Sent sent)
    {
        if (failures > Pauses.Count || sent.IsGone)
        {
            await PauseAsync(connection, id, failures, sent);
            return;
        }
        await connection.ExecuteAsync(
            $"""
            update {Schema}.delivery_cursor
               set failures = @failures, next_at = clock_timestamp() + @pause
             where subscription_id = @id and holder = @me
            """,
            ("failures", failures),
            ("pause", Pauses[failures - 1]),
            ("id", id),
            ("me", _me)
        );
    }

    /// <summary>Paused on record, by the product: an administrator resumes it.</summary>
    private async Task PauseAsync(NpgsqlConnection connection, string id, int failures, Sent sent)
    {
        await using var transaction = await connection.BeginTransactionAsync();
        var (_, states) = await writer.LockAsync<Subscription>(connection, [id], "for update");
        var subscription = states[id];
        var by = ActorName.System(subscription.Region);
        var reason = sent.IsGone
            ? "收件方答复不再接收（410）"
            : $"连续 {failures} 次没有送达（{sent.Failure}{(sent.Status is { } s ? $" {s}" : "")}）";
        var decision = PauseSubscription.Decide(subscription, reason, by);
        if (decision.Events.Count > 0)
            await writer.WriteAsync(
                connection,
                [StreamChange.Of(Change.Of(subscription, decision.Events))],
                new EventStamp(by, subscription.Region, clock.Today, Command, $"{_me}", $"{_me}")
            );
        await connection.ExecuteAsync(
            $"""
            update {Schema}.delivery_cursor
               set failures = @failures, next_at = 'infinity'
             where subscription_id = @id
            """,
            ("failures", failures),
            ("id", id)
        );
        await transaction.CommitAsync();
        log.LogWarning("Subscription {Subscription} is paused: {Reason}", id, reason);
    }

    private static Task StopAsync(NpgsqlConnection connection, string id) =>
        connection.ExecuteAsync(
            $"update {Schema}.delivery_cursor set next_at = 'infinity' where subscription_id = @id",
            ("id", id)
        );
}
