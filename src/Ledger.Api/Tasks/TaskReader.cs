using Ledger.Api.Applications;
using Ledger.Api.Jobs;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Feeds;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Pilots;
using Ledger.Domain.Policies;
using Ledger.Domain.Screening;
using Ledger.Domain.Tasks;
using Marten;
using Marten.Linq.MatchesSql;
using Npgsql;
using AuditSample = Ledger.Domain.Sampling.Sample;

namespace Ledger.Api.Tasks;

/// <summary>
/// What waits for somebody, worked out from the states and read models each time (docs/decisions/019). It asks only for
/// kinds that his role can have.
/// </summary>
public sealed class TaskReader(IDocumentStore store, NpgsqlDataSource database, Log.FoundFindings found, Clock clock)
{
    private const string S = LedgerStore.Schema;

    /// <param name="isAwaited">Waits until the work queue has seen what was recorded before.</param>
    /// <returns>What is due first stands first.</returns>
    public async Task<IReadOnlyList<WorkTask>> OfAsync(Actor by, bool isAwaited, CancellationToken cancellation)
    {
        if (by.Region.Length == 0)
            return [];
        var today = clock.Today;
        await using var session = store.QuerySession();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        if (isAwaited)
            await Freshness.WaitAsync(connection, "WorkQueue", cancellation);
        IReadOnlyList<WorkTask> tasks =
        [
            .. await ApplicationTasks.OfAsync(by, by.Region, session, database, today, cancellation),
            .. await ApplicationTasks.OverdueAsync(by, session, database, today, cancellation),
            .. await PlansAsync(by, session, cancellation),
            .. await ContributionsAsync(by, session, connection, cancellation),
            .. await InterestAsync(by, session, connection, today, cancellation),
            .. await AccountsAsync(by, session, today, cancellation),
            .. await FundsAsync(by, session, cancellation),
            .. await SubscriptionsAsync(by, session, connection, cancellation),
            .. await FindingsAsync(by, session, cancellation),
            .. await SamplesAsync(by, session, cancellation),
            .. await CityAsync(by, session, today, cancellation),
            .. await LogAsync(by, connection),
            .. await JobsAsync(by, connection),
        ];
        return
        [
            .. tasks
                .Select(t => t with { Since = t.Since?.ToOffset(Clock.Offset) })
                .OrderBy(t => t.Due ?? DateOnly.MaxValue)
                .ThenBy(t => t.Since ?? DateTimeOffset.MaxValue)
                .ThenBy(t => t.Subject, StringComparer.Ordinal),
        ];
    }

    private static async Task<IEnumerable<WorkTask>> PlansAsync(
        Actor by,
        IQuerySession session,
        CancellationToken cancellation
    ) =>
        !TaskRules.IsFor(TaskKind.PlanSignature, by.Role) && !TaskRules.IsFor(TaskKind.PlanCountersignature, by.Role)
            ? []
            : (await CommitteeTasks.PlansAsync(session, by, cancellation)).Select(p => new WorkTask(
                p.Kind,
                p.Plan.Id,
                p.Plan.Region,
                Year: p.Plan.Year
            ));

    /// <summary>Who asked names who confirms in the event; what became of it, the state says.</summary>
    private static async Task<IEnumerable<WorkTask>> ContributionsAsync(
        Actor by,
        IQuerySession session,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        if (!TaskRules.IsFor(TaskKind.ContributionConfirmation, by.Role))
            return [];
        var regions = (
            await connection.QueryAsync(
                $"""
                select stream_id, max(headers ->> '{EventHeaders.Region}')
                  from {S}.mt_events
                 where type = 'contribution_reversal_requested'
                   and data ->> 'confirmBy' = @id
                   and headers ->> '{EventHeaders.Region}' ^@ @scope
                 group by 1
                """,
                r => (Id: r.GetString(0), Region: r.GetString(1)),
                ("id", by.Id),
                ("scope", by.Region)
            )
        ).ToDictionary(r => r.Id, r => r.Region);
        return (await session.LoadManyAsync<MemberYear>(cancellation, [.. regions.Keys]))
            .Select(y => (Of: y.Id, Count: Waiting.Of(y, by)))
            .Where(t => t.Count > 0)
            .Select(t => new WorkTask(
                TaskKind.ContributionConfirmation,
                StreamId.MemberOf(t.Of),
                regions[t.Of],
                Count: t.Count,
                Year: int.Parse(t.Of.AsSpan()[^4..], System.Globalization.CultureInfo.InvariantCulture)
            ));
    }

    private static async Task<IEnumerable<WorkTask>> InterestAsync(
        Actor by,
        IQuerySession session,
        NpgsqlConnection connection,
        DateOnly today,
        CancellationToken cancellation
    )
    {
        if (!TaskRules.IsFor(TaskKind.InterestRegistration, by.Role))
            return [];
        var funds = await FundInterests.OfAsync(by.Region, session, connection, cancellation);
        if (funds.Count == 0)
            return [];
        var years = await CalendarReader.YearsAsync(by, today.AddYears(-1), today, session, cancellation);
        return funds.Select(f => InterestDays.Task(f, years.Of, today)).OfType<WorkTask>();
    }

    private static async Task<IEnumerable<WorkTask>> AccountsAsync(
        Actor by,
        IQuerySession session,
        DateOnly today,
        CancellationToken cancellation
    )
    {
        var own = StreamId.Account(by.Id);
        var pending =
            by.Role == Roles.Administrator
                ? await session
                    .Query<Account>()
                    .Where(a => (a.Region.StartsWith(by.Region) || a.Id == own) && a.Pending != null)
                    .ToListAsync(cancellation)
            : await session.LoadAsync<Account>(own, cancellation) is { } account ? [account]
            : [];
        return pending
            .Select(a => (Of: a, Kind: Waiting.Of(a, by, today)))
            .Where(t => t.Kind is not null)
            .Select(t => new WorkTask(t.Kind!.Value, t.Of.Id, t.Of.Region, Due: t.Of.Pending!.Until));
    }

    private static async Task<IEnumerable<WorkTask>> FundsAsync(
        Actor by,
        IQuerySession session,
        CancellationToken cancellation
    ) =>
        (
            await session
                .Query<Fund>()
                .Where(f =>
                    f.Region.StartsWith(by.Region)
                    && f.MatchesSql(
                        "((d.data -> 'restsAsked' <> '{}'::jsonb or d.data -> 'reversals' <> '{}'::jsonb)"
                            + " and position(? in d.data::text) > 0 or ? and d.data -> 'openFees' <> '{}'::jsonb)",
                        $"\"{by.Id}\"",
                        TaskRules.IsFor(TaskKind.FeeReimbursement, by.Role)
                    )
                )
                .ToListAsync(cancellation)
        ).SelectMany(f =>
            Waiting
                .Of(f, by)
                .Select(t => new WorkTask(
                    t.Kind,
                    f.Id,
                    f.Region,
                    t.Kind == TaskKind.FeeReimbursement ? Began(f.OpenFees.Values.Min(o => o.TakenOn)) : null,
                    Count: t.Count
                ))
        );

    private static DateTimeOffset Began(DateOnly day) => new(day.ToDateTime(default), Clock.Offset);

    private static async Task<IEnumerable<WorkTask>> SubscriptionsAsync(
        Actor by,
        IQuerySession session,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        if (
            !TaskRules.IsFor(TaskKind.SubscriptionConfirmation, by.Role)
            && !TaskRules.IsFor(TaskKind.SubscriptionPaused, by.Role)
        )
            return [];
        var states = await session
            .Query<Subscription>()
            .Where(s =>
                s.Region.StartsWith(by.Region)
                && (s.State == SubscriptionState.Proposed || s.State == SubscriptionState.Paused)
            )
            .ToListAsync(cancellation);
        var failed = states.Any(s => s.State == SubscriptionState.Paused)
            ? await connection.QueryAsync(
                $"select subscription_id from {S}.delivery_cursor where failures > 0 and next_at = 'infinity'",
                r => r.GetString(0)
            )
            : [];
        return states
            .Select(s => (Of: s, Kind: Waiting.Of(s, by, failed.Contains(s.Id))))
            .Where(t => t.Kind is not null)
            .Select(t => new WorkTask(t.Kind!.Value, t.Of.Id, t.Of.Region));
    }

    private static async Task<IEnumerable<WorkTask>> SamplesAsync(
        Actor by,
        IQuerySession session,
        CancellationToken cancellation
    ) =>
        !TaskRules.IsFor(TaskKind.SampleConclusion, by.Role)
            ? []
            : (
                await session
                    .Query<AuditSample>()
                    .Where(s => s.Region.StartsWith(by.Region) && s.Conclusion == null)
                    .ToListAsync(cancellation)
            )
                .Where(s => Waiting.Of(s, by) is not null)
                .Select(s => new WorkTask(TaskKind.SampleConclusion, s.Id, s.Region, Began(s.AnnouncedOn)));

    private static async Task<IEnumerable<WorkTask>> FindingsAsync(
        Actor by,
        IQuerySession session,
        CancellationToken cancellation
    ) =>
        (
            await session
                .Query<ScreeningFinding>()
                .Where(f => f.Region.StartsWith(by.Region) && f.Closure == null)
                .ToListAsync(cancellation)
        )
            .Select(f => (Of: f, Kind: Waiting.Of(f, by)))
            .Where(t => t.Kind is not null)
            .Select(t => new WorkTask(
                t.Kind!.Value,
                t.Of.Id,
                t.Of.Region,
                t.Of.Answer is { } a ? Began(a.AnsweredOn) : null,
                Year: t.Of.Year
            ));

    private static async Task<IEnumerable<WorkTask>> CityAsync(
        Actor by,
        IQuerySession session,
        DateOnly today,
        CancellationToken cancellation
    )
    {
        if (by.Role != Roles.CityHrss)
            return [];
        var years = await session
            .Query<PolicyYear>()
            .Where(p => p.Region.StartsWith(by.Region) && p.Proposed != null)
            .ToListAsync(cancellation);
        var pilots = await session
            .Query<Pilot>()
            .Where(p => p.Region.StartsWith(by.Region) && p.Status == PilotStatus.Applied)
            .ToListAsync(cancellation);
        return
        [
            .. years
                .Where(p => Waiting.Of(p, by, today) is not null)
                .Select(p => new WorkTask(
                    TaskKind.PolicyConfirmation,
                    p.Id,
                    p.Region,
                    Due: p.Proposed!.Until,
                    Year: p.Year
                )),
            .. pilots
                .Where(p => Waiting.Of(p, by) is not null)
                .Select(p => new WorkTask(TaskKind.PilotDecision, p.Id, p.Region)),
        ];
    }

    /// <summary>Until he has looked at it, or its answer is gone.</summary>
    private static async Task<IEnumerable<WorkTask>> JobsAsync(Actor by, NpgsqlConnection connection) =>
        await connection.QueryAsync(
            $"""
            select id, region, ended_at
              from {Job.Table}
             where actor = @actor
               and role = @role
               and region = @region
               and on_behalf_of is not distinct from @holder
               and state in ('done', 'failed')
               and seen_at is null
               and ended_at > clock_timestamp() - make_interval(days => {Job.ResultDays})
            """,
            r => new WorkTask(TaskKind.JobEnded, r.GetString(0), r.GetString(1), r.GetFieldValue<DateTimeOffset>(2)),
            ("actor", by.Id),
            ("role", by.Role),
            ("region", by.Region),
            ("holder", by.OnBehalfOf)
        );

    /// <summary>Until somebody has closed them.</summary>
    private async Task<IEnumerable<WorkTask>> LogAsync(Actor by, NpgsqlConnection connection)
    {
        if (!TaskRules.IsFor(TaskKind.LogFinding, by.Role))
            return [];
        var (count, newest) = await found.OpenAsync(connection);
        return count == 0 ? [] : [new WorkTask(TaskKind.LogFinding, "log", by.Region, newest, Count: (int)count)];
    }
}
