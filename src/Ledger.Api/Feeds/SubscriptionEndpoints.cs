using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Feeds;
using Ledger.Domain.Feeds.Steps;
using Ledger.Domain.Identity;
using Ledger.Projections.Feeds;
using Marten;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Api.Feeds;

/// <param name="Region">Whose events; absent: of one's own.</param>
/// <param name="Types">Of events; none: all.</param>
public sealed record SubscriptionBody(
    string Name,
    string Address,
    string? Region = null,
    IReadOnlyList<string>? Types = null
);

public sealed record SubscriptionChangeBody(string Address, IReadOnlyList<string>? Types = null);

/// <param name="After">Sends again what stands behind this position of the log (-1: all of it); absent: goes on where
/// it stood.</param>
public sealed record ResumeBody(long? After = null);

/// <param name="Secret"><c>whsec_…</c>, as Standard Webhooks has it.</param>
/// <param name="Previous">Signs too until <paramref name="BothUntil"/>.</param>
public sealed record SubscriptionSecretView(string Secret, string? Previous, DateTimeOffset? BothUntil);

/// <summary>Subscriptions (订阅) of other systems: proposed by an administrator, confirmed by an office.</summary>
public static class SubscriptionEndpoints
{
    public static readonly string[] Readers = [Roles.Administrator, Roles.CityHrss, Roles.CountyHrss, Roles.Auditor];

    private const string Cursors = $"{LedgerStore.Schema}.delivery_cursor";

    public static void MapSubscriptions(this IEndpointRouteBuilder api)
    {
        api.MapGet("/subscriptions", List)
            .Reading<IReadOnlyList<SubscriptionView>>(
                "list-subscriptions",
                "其他系统的订阅：发到哪里、到了哪里 · Where events are sent to, and how far",
                Readers
            );
        api.MapGet("/subscriptions/{id}", One)
            .Reading<SubscriptionView>("read-subscription", "查看订阅 · Read a subscription", Readers)
            .Refuses(Rejections.NotFound);
        api.MapGet("/subscriptions/{id}/deliveries", Deliveries)
            .Reading<IReadOnlyList<DeliveryView>>(
                "list-deliveries",
                "最近 500 次推送，新的在前 · The last 500 tries, newest first",
                Readers
            )
            .Refuses(Rejections.NotFound);
        api.MapGet("/subscriptions/{id}/secret", Secret)
            .Reading<SubscriptionSecretView>(
                "read-subscription-secret",
                "订阅的签名密钥，交给收件系统 · The secret that its messages are signed with",
                Roles.Administrator
            )
            .Refuses(Rejections.NotFound);
        MapCommands(api);
        api.MapPost("/subscriptions/{id}/test", Test)
            .Session<DeliveryView>(
                "test-subscription",
                "试推一条测试消息，当场看结果 · Sends a test message and tells what came of it",
                Roles.Administrator
            )
            .Refuses(Rejections.NotFound, Rejections.WrongState);
    }

    /// <summary>What is written in words about one that is there.</summary>
    private static readonly RejectionCode[] InWords =
    [
        Rejections.NotFound,
        Rejections.FieldInvalid,
        Rejections.PersonalDataInText,
        Rejections.WrongState,
        Rejections.VersionMismatch,
    ];

    private static void MapCommands(IEndpointRouteBuilder api)
    {
        api.MapPost("/subscriptions", Open)
            .Command<SubscriptionView>(
                "open-subscription",
                "申请订阅：把辖区内发生的事推送给另一系统，经确认后开始 · Propose to send events to another system",
                Roles.Administrator
            )
            .Refuses(Rejections.FieldInvalid, Rejections.PersonalDataInText)
            .Example("""{"name":"县大数据平台","address":"https://example.cn/ledger","types":["funds_allocated"]}""");
        api.MapPost("/subscriptions/{id}/change", Change)
            .Command<SubscriptionView>(
                "change-subscription",
                "改变地址或事件种类，须重新确认 · Another address or other events: to be confirmed again",
                Roles.Administrator
            )
            .Refuses(InWords)
            .Example("""{"address":"https://example.cn/ledger/v2"}""");
        api.MapPost("/subscriptions/{id}/confirmation", Confirm)
            .Command<SubscriptionView>(
                "confirm-subscription",
                "确认订阅，从此刻起推送 · Confirm it: what happens from now on is sent",
                Roles.CityHrss,
                Roles.CountyHrss
            )
            .Refuses(Rejections.NotFound, Rejections.WrongState, Rejections.SelfApproval, Rejections.VersionMismatch);
        api.MapPost("/subscriptions/{id}/pause", Pause)
            .Command<SubscriptionView>("pause-subscription", "暂停推送 · Pause it", Roles.Administrator)
            .Refuses(InWords)
            .Example("""{"reason":"收件系统停机检修"}""");
        api.MapPost("/subscriptions/{id}/resume", Resume)
            .Command<SubscriptionView>(
                "resume-subscription",
                "恢复推送，或从某一位置起重新推送 · Go on, or send again from a position on",
                Roles.Administrator
            )
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid, Rejections.WrongState, Rejections.VersionMismatch)
            .Example("""{"after":1200}""");
        api.MapPost("/subscriptions/{id}/secret", Renew)
            .Command<SubscriptionView>(
                "renew-subscription-secret",
                "更换签名密钥，一天之内新旧并用 · Another secret; for a day both sign",
                Roles.Administrator
            )
            .Refuses(Rejections.NotFound, Rejections.WrongState, Rejections.VersionMismatch);
        api.MapPost("/subscriptions/{id}/end", End)
            .Command<SubscriptionView>("end-subscription", "停止订阅 · End it", Roles.Administrator)
            .Refuses(InWords)
            .Example("""{"reason":"系统下线"}""");
    }

    internal static OpenSubscription.Basis Known(IDocumentStore store) =>
        new(
            store
                .Options.Events.AllKnownEventTypes()
                .Where(t => EventTypes.All.Contains(t.EventType))
                .Select(t => t.EventTypeName)
                .ToHashSet()
        );

    private static string Address(string? address, OutwardAddress outward)
    {
        var text = Require.Prose(address, "address", Subscription.MaxAddress);
        return !Uri.TryCreate(text, UriKind.Absolute, out var uri) || outward.MayAllow(uri)
            ? text
            : throw Require.Invalid(
                "address",
                "地址在内部网络，推送不到；须由维护机器的人用 Ledger:Webhooks:AllowedNetworks 放行"
            );
    }

    private static async Task<Answer> Open(
        SubscriptionBody body,
        Command command,
        IDocumentStore store,
        OutwardAddress outward
    )
    {
        var region = body.Region is { Length: > 0 } given ? given : command.Actor.Region;
        Require.Region(region, "region", RegionCode.Lengths);
        var request = new OpenSubscription.Request(
            region,
            Require.Name(body.Name, "name", Subscription.MaxName),
            Address(body.Address, outward),
            body.Types ?? []
        );
        var decision = OpenSubscription.Decide(Known(store), request, command.Actor);
        command.Region = region;
        var id = StreamId.NewSubscription();
        var state = command.Append(id, (Subscription?)null, decision);
        return Answer.Created($"/api/subscriptions/{id}", await ViewAsync(command.Connection, state), state.Revision);
    }

    private static Task<Answer> Change(
        string id,
        SubscriptionChangeBody body,
        Command command,
        IDocumentStore store,
        OutwardAddress outward
    )
    {
        var address = Address(body.Address, outward);
        return DecideAsync(
            id,
            command,
            s => ChangeSubscription.Decide(s, Known(store), address, body.Types ?? s.Types, command.Actor)
        );
    }

    private static Task<Answer> Confirm(string id, Command command) =>
        DecideAsync(id, command, async s => ConfirmSubscription.Decide(s, await command.ActorAmongAsync(s.AskedBy)));

    private static Task<Answer> Pause(string id, ReasonBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 200);
        return DecideAsync(id, command, s => PauseSubscription.Decide(s, reason, command.Actor));
    }

    private static Task<Answer> Resume(string id, ResumeBody body, Command command) =>
        DecideAsync(
            id,
            command,
            async s =>
                ResumeSubscription.Decide(
                    s,
                    body.After,
                    await EventFeed.LastAsync(command.Connection) + 1,
                    command.Actor
                )
        );

    private static Task<Answer> Renew(string id, Command command) =>
        DecideAsync(id, command, s => RenewSecret.Decide(s, command.Now, command.Actor));

    private static Task<Answer> End(string id, ReasonBody body, Command command)
    {
        var reason = Require.Prose(body.Reason, "reason", 200);
        return DecideAsync(id, command, s => EndSubscription.Decide(s, reason, command.Actor));
    }

    private static Task<Answer> DecideAsync(
        string id,
        Command command,
        Func<Subscription, Decision<Subscription>> decide
    ) => DecideAsync(id, command, s => Task.FromResult(decide(s)));

    private static async Task<Answer> DecideAsync(
        string id,
        Command command,
        Func<Subscription, Task<Decision<Subscription>>> decide
    )
    {
        var before = await command.LoadAsync<Subscription>(id);
        var decision = await decide(before);
        var state = command.Append(id, before, decision);
        foreach (var statement in decision.Events.Select(e => Follow(id, e)).OfType<NpgsqlBatchCommand>())
            command.Beside(statement);
        return new Answer(await ViewAsync(command.Connection, state), state.Revision);
    }

    /// <summary>
    /// What an event means for how far it has come. Whichever node is at it loses it: what that writes down no longer
    /// counts. Null: nothing.
    /// </summary>
    private static NpgsqlBatchCommand? Follow(string id, IEventOf<Subscription> e)
    {
        const string free = "holder = null, until = null";
        var sql = e switch
        {
            // What lay in the log before somebody agreed is not sent; after a change it goes on where it stood.
            SubscriptionConfirmed => $"""
                insert into {Cursors} (subscription_id, position)
                select $1, size - 1 from {LedgerStore.Schema}.log_state
                    on conflict (subscription_id) do update set next_at = '2000-01-01', failures = 0, {free}
                """,
            SubscriptionResumed => $"""
                update {Cursors}
                   set next_at = '2000-01-01', failures = 0, position = coalesce($2, position), {free}
                 where subscription_id = $1
                """,
            SubscriptionPaused or SubscriptionChanged => $"""
                update {Cursors} set next_at = 'infinity', failures = 0, {free} where subscription_id = $1
                """,
            SubscriptionEnded => $"delete from {Cursors} where subscription_id = $1",
            _ => null,
        };
        if (sql is null)
            return null;
        var statement = new NpgsqlBatchCommand(sql);
        statement.Parameters.Add(Sql.Text(id));
        if (e is SubscriptionResumed { After: var after })
            statement.Parameters.Add(
                new() { NpgsqlDbType = NpgsqlDbType.Bigint, Value = (object?)after ?? DBNull.Value }
            );
        return statement;
    }

    /// <summary>The subscriptions in scope, the newest first.</summary>
    public static async Task<IReadOnlyList<SubscriptionView>> InScopeAsync(
        IQuerySession session,
        NpgsqlConnection connection,
        Caller caller
    )
    {
        var states = await session
            .Query<Subscription>()
            .Where(s => s.Region.StartsWith(caller.Actor.Region))
            .OrderByDescending(s => s.Id)
            .Take(Scope.MaxRows)
            .ToListAsync();
        var progress = await ProgressAsync(connection, [.. states.Select(s => s.Id)]);
        return [.. states.Select(s => View(s, progress))];
    }

    private static async Task<IReadOnlyList<SubscriptionView>> List(
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await InScopeAsync(session, connection, caller);
    }

    private static async Task<IResult> One(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        var state = await session.ScopedAsync<Subscription>(id, caller);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var progress = await ProgressAsync(connection, [id]);
        return Reading.Of(http, state, s => View(s, progress), id);
    }

    private static async Task<IReadOnlyList<DeliveryView>> Deliveries(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        _ = await session.ScopedAsync<Subscription>(id, caller) ?? throw Require.NotFound(id);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return await TriesAsync(connection, id);
    }

    public static async Task<IReadOnlyList<DeliveryView>> TriesAsync(
        NpgsqlConnection connection,
        string id,
        int most = 500
    ) =>
        await connection.QueryAsync(
            $"""
            select number, at, first_position, last_position, entries, status, milliseconds, failure
              from {LedgerStore.Schema}.delivery
             where subscription_id = @id
             order by number desc
             limit @most
            """,
            r => new DeliveryView(
                r.GetInt64(0),
                r.GetFieldValue<DateTimeOffset>(1),
                r.IsDBNull(2) ? null : r.GetInt64(2),
                r.IsDBNull(3) ? null : r.GetInt64(3),
                r.GetInt32(4),
                r.IsDBNull(5) ? null : r.GetInt32(5),
                r.GetInt32(6),
                r.IsDBNull(7) ? null : r.GetString(7)
            ),
            ("id", id),
            ("most", most)
        );

    private static async Task<SubscriptionSecretView> Secret(
        string id,
        IQuerySession session,
        KeyFile keys,
        Caller caller,
        TimeProvider time
    )
    {
        var state = await session.ScopedAsync<Subscription>(id, caller) ?? throw Require.NotFound(id);
        var secrets = state
            .SecretsAt(time.GetUtcNow())
            .Select(n => WebhookMessage.SecretOf(keys.WebhookKey, id, n))
            .ToList();
        return secrets is [var now, var before] ? new(now, before, state.BothUntil) : new(secrets[0], null, null);
    }

    private static async Task<IResult> Test(
        string id,
        NpgsqlDataSource database,
        EventWriter writer,
        Webhooks webhooks,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var state = await writer.ReadAsync<Subscription>(connection, id);
        if (state is null || !caller.MaySee(state.Region))
            throw Require.NotFound(id);
        if (state.IsEnded)
            throw new RefusedException(new Rejection(Rejections.WrongState, "订阅已停止"));
        await webhooks.TestAsync(connection, state, cancellation);
        return Results.Ok((await TriesAsync(connection, id, 1))[0]);
    }

    private sealed record Progress(long Position, int Failures, DateTimeOffset? NextTryAt, long Last);

    private static async Task<IReadOnlyDictionary<string, Progress>> ProgressAsync(
        NpgsqlConnection connection,
        string[] ids
    ) =>
        (
            await connection.QueryAsync(
                $"""
                select subscription_id, position, failures,
                       case when failures > 0 and next_at < 'infinity' then next_at end, size - 1
                  from {Cursors}, {LedgerStore.Schema}.log_state
                 where subscription_id = any(@ids)
                """,
                r =>
                    (
                        Id: r.GetString(0),
                        new Progress(
                            r.GetInt64(1),
                            r.GetInt32(2),
                            r.IsDBNull(3) ? null : r.GetFieldValue<DateTimeOffset>(3),
                            r.GetInt64(4)
                        )
                    ),
                ("ids", ids)
            )
        ).ToDictionary(p => p.Id, p => p.Item2);

    public static async Task<SubscriptionView> ViewAsync(NpgsqlConnection connection, Subscription s) =>
        View(s, await ProgressAsync(connection, [s.Id]));

    private static SubscriptionView View(Subscription s, IReadOnlyDictionary<string, Progress> all)
    {
        var p = all.GetValueOrDefault(s.Id);
        return new(
            s.Id,
            s.Revision,
            s.Region,
            s.Name,
            s.Address,
            s.Types,
            s.State,
            s.AskedBy,
            s.ConfirmedBy,
            s.Reason,
            p?.Position,
            p is null ? 0 : p.Last - p.Position,
            p?.Failures ?? 0,
            p?.NextTryAt
        );
    }
}
