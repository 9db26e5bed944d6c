using Ledger.Api.Commands;
using Ledger.Api.Jobs;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Ledger.Projections.Checking;
using Ledger.TransparencyLog;
using Marten;
using Npgsql;

namespace Ledger.Api.Audit;

/// <summary>
/// <paramref name="IsSound"/>: in the caller's scope every read model says what the events say, and the events break no
/// promise: there are no
/// <paramref name="Differences"/>. In one of projection Promise the path is the clause. <paramref name="Behind"/>: how
/// many events the asynchronous read models have yet to take in; those were not checked in them.
/// <paramref name="Findings"/>: what may have been meant, and wants looking at.
/// </summary>
public sealed record CheckView(
    bool IsSound,
    long Behind,
    long Events,
    long Documents,
    IReadOnlyList<Difference> Differences,
    IReadOnlyList<Difference> Findings
);

/// <summary>
/// ledger check: as an endpoint for auditors (CheckCommand on the command line).
/// </summary>
public static class CheckEndpoint
{
    public static void MapCheck(this IEndpointRouteBuilder api) =>
        api.MapGet(
                "/audit/check",
                (
                    IDocumentStore store,
                    EventSeal seal,
                    NpgsqlDataSource database,
                    Caller caller,
                    HttpContext http,
                    CancellationToken cancellation
                ) => Check(store, seal, database, caller, cancellation, JobStep.Of(http)?.Steps)
            )
            .Reading<CheckView>(
                "check-ledger",
                "核对：由事件重新推导全部读模型，逐项比对；重演各项承诺"
                    + " · Re-derive every read model from the events and compare; replay the promises",
                Roles.Auditor,
                Roles.CityHrss
            )
            .MayBeReadByAJob()
            .DisableRequestTimeout();

    /// <param name="steps">Behind the pages: told of each event that is looked at, and no more done at once than one
    /// thing.</param>
    public static async Task<CheckView> Check(
        IDocumentStore store,
        EventSeal seal,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation,
        JobSteps? steps = null
    )
    {
        long behind;
        await using (var connection = await database.OpenConnectionAsync(cancellation))
            behind = Math.Max(
                await Freshness.WaitAsync(connection, "AuditTrail", cancellation),
                await Freshness.WaitAsync(connection, "WorkQueue", cancellation)
            );
        var result = await new LedgerCheck(
            store,
            seal,
            database,
            LedgerStore.Schema,
            caller.Actor.Region,
            looked: steps is null ? null : events => steps.Done += events
        ).RunAsync(mend: null, cancellation);
        return new CheckView(
            result.Differences.Count + result.Broken.Count == 0,
            behind,
            result.Events,
            result.Documents,
            [.. result.Differences, .. result.Broken],
            result.Unclear
        );
    }
}
