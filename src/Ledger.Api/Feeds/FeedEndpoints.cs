using System.Net;
using System.Net.ServerSentEvents;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Ledger.Api.Accounts;
using Ledger.Api.Audit;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Feeds;
using Ledger.Domain.Feeds.Steps;
using Marten;
using Microsoft.AspNetCore.Http.Json;
using Microsoft.Extensions.Options;
using Npgsql;

namespace Ledger.Api.Feeds;

/// <param name="After">Goes on behind this position; absent: from the beginning.</param>
/// <param name="Types">Types of events, with commas between; absent: all.</param>
/// <param name="Wait">So many seconds at most it waits for the next, where there is none yet.</param>
public sealed record FeedQuery(long? After, string? Types, string? Region, int? Limit, int? Wait);

/// <summary>The feed of events for other systems: by pages, by long polling, or as server-sent events.</summary>
public static class FeedEndpoints
{
    public const int MaxWait = 30;

    /// <summary>As long as a token is good: whoever has lost his rights meanwhile does not come back.</summary>
    private static readonly TimeSpan StreamTime = SignIn.AccessTime,
        Heartbeat = TimeSpan.FromSeconds(15),
        Patience = TimeSpan.FromSeconds(5);

    /// <summary>Streams are open for minutes: so many at most on a node.</summary>
    private static readonly SemaphoreSlim Streams = new(200);

    public static IServiceCollection AddFeeds(this IServiceCollection services) =>
        services
            .AddSingleton<LogHead>()
            .AddSingleton<FeedTail>()
            .AddSingleton(s => new OutwardAddress(
                s.GetRequiredService<Settings>().WebhookNetworks,
                Dns.GetHostAddressesAsync
            ))
            .AddSingleton<Webhooks>()
            .AddHostedService(s => s.GetRequiredService<Webhooks>());

    public static void MapFeed(this IEndpointRouteBuilder api) =>
        api.MapGet("/feed", Read)
            .Reading<FeedPage>(
                "read-feed",
                "事件订阅源：按日志次序逐页读取，可等待新事件（wait），Accept 为 text/event-stream 时持续推送"
                    + " · The feed of events, in the log's order",
                AuditEndpoints.Readers
            )
            .Refuses(Rejections.FieldInvalid, Rejections.Busy)
            .DisableRequestTimeout();

    private static async Task<IResult> Read(
        [AsParameters] FeedQuery query,
        NpgsqlDataSource database,
        LogHead head,
        IDocumentStore store,
        Caller caller,
        HttpContext http,
        IOptions<JsonOptions> json,
        CancellationToken cancellation
    )
    {
        var filter = await FilterAsync(query, database, store, caller, cancellation);
        var (after, limit) = (query.After ?? -1, query.Limit ?? 100);
        if (after < -1)
            throw Require.Invalid("after", "应不小于 -1");
        if (limit is < 1 or > EventFeed.MaxPage)
            throw Require.Invalid("limit", $"应为 1 至 {EventFeed.MaxPage}");
        if (query.Wait is < 0 or > MaxWait)
            throw Require.Invalid("wait", $"应为 0 至 {MaxWait} 秒");
        if (http.Request.GetTypedHeaders().Accept.All(a => a.MediaType != "text/event-stream"))
            return Results.Ok(await PageAsync(filter, after, limit, query.Wait ?? 0, database, head, cancellation));
        if (long.TryParse(http.Request.Headers["Last-Event-ID"], out var seen))
            after = Math.Max(seen, -1);
        if (!await Streams.WaitAsync(TimeSpan.Zero, cancellation))
            throw new RefusedException(new Rejection(Rejections.Busy, "同时打开的推送过多，请过一会儿再连接"));
        http.Response.OnCompleted(() => Task.FromResult(Streams.Release()));
        return TypedResults.ServerSentEvents(
            StreamAsync(filter, after, database, head, json.Value.SerializerOptions, cancellation)
        );
    }

    private static async Task<FeedFilter> FilterAsync(
        FeedQuery query,
        NpgsqlDataSource database,
        IDocumentStore store,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var types = (query.Types ?? "").Split(
            ',',
            StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries
        );
        if (types.Length > 0 && OpenSubscription.TypesFault(SubscriptionEndpoints.Known(store), types) is { } fault)
            throw new RefusedException(fault);
        var scope = Scope.Narrow(caller, query.Region);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        // Whoever has read further than there is, in a ledger before this one, would wait for ever.
        if (query.After is > -1 and var after && await EventFeed.LastAsync(connection) is var last && after > last)
            throw Require.Invalid(
                "after",
                $"日志只到 {last}，这个位置以后没有事件；账本若恢复过备份，请从日志末尾接着读并核对"
            );
        return new(scope, types, await AuditEndpoints.SeesNobodysAsync(connection, scope));
    }

    private static async Task<FeedPage> PageAsync(
        FeedFilter filter,
        long after,
        int limit,
        int wait,
        NpgsqlDataSource database,
        LogHead head,
        CancellationToken cancellation
    )
    {
        // Where little is asked for of a long log, whoever asks goes on from what has been looked through.
        for (var (since, from) = (Environment.TickCount64, after); ; )
        {
            var page = await PageAsync(filter, from, limit, database, cancellation);
            var left = TimeSpan.FromSeconds(wait) - TimeSpan.FromMilliseconds(Environment.TickCount64 - since);
            var most =
                page.IsHead ? left
                : left > Patience ? left
                : Patience + left;
            if (page.Entries.Count > 0 || most <= TimeSpan.Zero)
                return page;
            from = page.Next;
            if (page.IsHead)
                await head.BeyondAsync(from, left, cancellation);
        }
    }

    private static async Task<FeedPage> PageAsync(
        FeedFilter filter,
        long after,
        int limit,
        NpgsqlDataSource database,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await EventFeed.ReadAsync(connection, filter, after, limit);
    }

    /// <summary>
    /// Each event under its type, with its position as id; while there is none, <c>head</c> says how far it has come.
    /// </summary>
    private static async IAsyncEnumerable<SseItem<string>> StreamAsync(
        FeedFilter filter,
        long after,
        NpgsqlDataSource database,
        LogHead head,
        JsonSerializerOptions json,
        [EnumeratorCancellation] CancellationToken cancellation
    )
    {
        var began = Environment.TickCount64;
        long? said = null; // at once, so that whoever waits sees that it is open
        while (Environment.TickCount64 - began < (long)StreamTime.TotalMilliseconds)
        {
            var page = await PageAsync(filter, after, EventFeed.MaxPage, database, cancellation);
            foreach (var entry in page.Entries)
                yield return new(JsonSerializer.Serialize(entry.Event, json), entry.Event.Type)
                {
                    EventId = $"{entry.Position}",
                };
            after = page.Next;
            if (page.Entries.Count > 0)
                said = Environment.TickCount64;
            else if (said is null || Environment.TickCount64 - said >= (long)Heartbeat.TotalMilliseconds)
            {
                said = Environment.TickCount64;
                yield return new("{}", "head") { EventId = $"{after}" };
            }
            if (page.IsHead)
                await head.BeyondAsync(after, Heartbeat / 3, cancellation);
        }
    }
}
