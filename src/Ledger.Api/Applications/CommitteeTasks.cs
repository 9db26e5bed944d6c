using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Applications.Steps;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Domain.Tasks;
using Marten;
using Marten.Linq.MatchesSql;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>
/// What waits for a village's supervision committee, and what it holds that waits for the township (L7).
/// </summary>
public static class CommitteeTasks
{
    private static readonly string[] Unpaid =
    [
        .. new[] { ApplicationStatus.Approved, ApplicationStatus.Noticed, ApplicationStatus.Paid }.Select(s =>
            s.Word()
        ),
    ];

    /// <summary>The caller's applications with somebody who waits to be paid.</summary>
    public static async Task<IReadOnlyList<Application>> UnpaidAsync(
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    ) =>
        [
            .. (
                await session
                    .Query<Application>()
                    .Where(a =>
                        a.Region.StartsWith(caller.Actor.Region)
                        && a.MatchesSql("d.data ->> 'status' = any(?)", (object)Unpaid)
                    )
                    .OrderBy(a => a.Id)
                    .ToListAsync(cancellation)
            ).Where(a => a.With(LineStatus.Approved).Any()),
        ];

    /// <summary>
    /// Of these, those in which it is the turn of <paramref name="role"/>: to sign, to publish, to pay.
    /// </summary>
    public static async Task<IReadOnlyList<Application>> InTurnAsync(
        IReadOnlyList<Application> unpaid,
        string role,
        IQuerySession session,
        DateOnly today
    )
    {
        var mine = new List<Application>();
        foreach (var a in unpaid)
        {
            var signs = await PolicyAsync(session, a.Region, a.Year) is { CommitteeSignsPayments: true };
            if (Turn.Of(a, Blocks.Of(a, signs, [], null, today))?.Role == role)
                mine.Add(a);
        }
        return mine;
    }

    /// <summary>
    /// Plans that the meeting has decided on and that wait for this committee, or township, and for what
    /// (<see cref="Waiting"/>).
    /// </summary>
    public static async Task<IReadOnlyList<(Plan Plan, TaskKind Kind)>> PlansAsync(
        IQuerySession session,
        Actor by,
        CancellationToken cancellation
    )
    {
        var plans = await session
            .Query<Plan>()
            .Where(p =>
                p.Region.StartsWith(by.Region) && p.MatchesSql("jsonb_typeof(d.data -> 'latestResolution') = 'object'")
            )
            .OrderByDescending(p => p.Year)
            .ToListAsync(cancellation);
        var waiting = new List<(Plan, TaskKind)>();
        foreach (var p in plans)
            if (Waiting.Of(p, by, await PolicyAsync(session, p.Region, p.Year)) is { } kind)
                waiting.Add((p, kind));
        return waiting;
    }

    /// <summary>The applications of a region whose payment is on hold, and since when.</summary>
    public static async Task<IReadOnlyDictionary<string, DateOnly>> HeldAsync(
        NpgsqlDataSource database,
        string scope,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return (
            await connection.QueryAsync(
                $$"""
                select id, (data #>> '{hold,on}')::date
                  from {{LedgerStore.Schema}}.mt_doc_application
                 where region like @scope || '%'
                   and data #>> '{hold,on}' is not null
                """,
                r => (Id: r.GetString(0), On: r.GetFieldValue<DateOnly>(1)),
                ("scope", scope)
            )
        ).ToDictionary(h => h.Id, h => h.On);
    }

    private static async Task<PolicyParameters?> PolicyAsync(IQuerySession session, string region, int year) =>
        (await session.PolicyYearAsync(region, year))?.Parameters;
}
