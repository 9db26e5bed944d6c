using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain.Feeds;
using Ledger.Web.Feeds;
using Marten;
using Npgsql;

namespace Ledger.Api.Feeds;

/// <summary>Pages of subscriptions: the list, and one with its last tries.</summary>
public static class SubscriptionPages
{
    private const int ShownTries = 50;

    public static void MapSubscriptionPages(this WebApplication app)
    {
        app.Page("/subscriptions", All, SubscriptionEndpoints.Readers);
        app.Page("/subscriptions/{id}", One, SubscriptionEndpoints.Readers);
    }

    private static async Task<IResult> All(
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return PageRoutes.Show<SubscriptionsPage>(
            new { Subscriptions = await SubscriptionEndpoints.InScopeAsync(session, connection, caller) }
        );
    }

    private static async Task<IResult> One(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var state = await session.ScopedAsync<Subscription>(id, caller) ?? throw Require.NotFound(id);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return PageRoutes.Show<SubscriptionPage>(
            new
            {
                S = await SubscriptionEndpoints.ViewAsync(connection, state),
                Tries = await SubscriptionEndpoints.TriesAsync(connection, id, ShownTries),
            }
        );
    }
}
