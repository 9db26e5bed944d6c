using Ledger.Api.Security;
using Ledger.Domain;
using Marten;

namespace Ledger.Api.Commands;

/// <summary>
/// Reads of one aggregate: 404 for what is missing or outside the caller's scope, ETag for what is there.
/// </summary>
public static class Reading
{
    public static async Task<T?> ScopedAsync<T>(this IQuerySession session, string id, Caller caller)
        where T : Aggregate =>
        await session.LoadAsync<T>(id) is { } state && caller.MaySee(state.Region) ? state : null;

    public static IResult Of<T>(HttpContext http, T? state, Func<T, object> view, string what)
        where T : Aggregate
    {
        if (state is null)
            throw Require.NotFound(what);
        http.Response.Headers.ETag = ETags.Of(state.Revision);
        return Results.Ok(view(state));
    }
}
