using Ledger.Api.Commands;
using Ledger.Api.Policies;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Ledger.Domain.Tasks;
using Ledger.Projections.WorkQueues;
using Marten;
using Marten.Linq.MatchesSql;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>
/// Whose turn it is in the applications of a region, with until when: for tasks, and for the list of applications that
/// wait for somebody. The work queue says which may be meant, their states decide (<see cref="Waiting"/>).
/// </summary>
public static class ApplicationTasks
{
    private const string S = LedgerStore.Schema;

    /// <summary>Which applications can wait for a role, as the queue knows them (w).</summary>
    private static readonly IReadOnlyDictionary<string, string> MayBeMeant = new Dictionary<string, string>
    {
        [Roles.Agency] = "w.data ->> 'status' in ('filed', 'reviewed', 'paid')",
        [Roles.VillageFinance] = "w.data ->> 'status' in ('returned', 'approved', 'noticed', 'paid')",
        [Roles.SupervisionCommittee] = "w.data ->> 'status' in ('noticed', 'paid')",
        [Roles.Township] = $$"""
            ((w.data ->> 'openObjections')::int > 0 or w.data ? 'complaintsWithTownship'
             or w.id in (select h.id
                           from {{S}}.mt_doc_application h
                          where h.region like @scope || '%'
                            and h.data #>> '{hold,on}' is not null))
            """,
        [Roles.CountyHrss] = "w.data ? 'complaintsWithCounty'",
        [Roles.CountyAgriculture] = "w.data ? 'complaintsWithCounty'",
    };

    /// <summary>
    /// With the state as far as the turn rests on it: of the lines one of each status, of what was only filed nothing
    /// more than that.
    /// </summary>
    private static string Candidates(string role) =>
        $"""
            select w.data,
                   case w.data ->> 'status'
                        when 'filed' then null
                        when 'reviewed' then a.data - 'lines'
                        else (a.data - 'lines') || jsonb_build_object('lines', coalesce((
                             select jsonb_agg(l.line)
                               from (select distinct on (x ->> 'status') x as line
                                       from jsonb_array_elements(a.data -> 'lines') x) l), '[]'::jsonb)) end,
                   w.data ->> 'status' = 'paid'
                   and (select e.type
                          from {S}.mt_events e
                         where e.stream_id = w.id
                           and e.type in ('payment_sent', 'payment_returned')
                         order by e.version desc
                         limit 1) = 'payment_returned'
              from {S}.mt_doc_workitem w
              join {S}.mt_doc_application a on a.id = w.id
             where w.region like @scope || '%'
               and {MayBeMeant[role]}
             order by (w.data ->> 'since')::timestamptz
             limit {Scope.MaxRows}
            """;

    private sealed record Candidate(WorkItem Item, Application State, bool CameBack);

    public static async Task<IReadOnlyList<WorkTask>> OfAsync(
        Actor by,
        string scope,
        IQuerySession session,
        NpgsqlDataSource database,
        DateOnly today,
        CancellationToken cancellation
    )
    {
        if (!MayBeMeant.ContainsKey(by.Role))
            return [];
        var json = session.DocumentStore.Options.Serializer();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var candidates = await connection.QueryAsync(
            Candidates(by.Role),
            r =>
            {
                var item = json.FromJson<WorkItem>(r, 0);
                var state = r.IsDBNull(1)
                    ? new Application { Id = item.Id, Region = item.Region }
                    : json.FromJson<Application>(r, 1);
                return new Candidate(item, state, !r.IsDBNull(2) && r.GetBoolean(2));
            },
            ("scope", scope)
        );
        var signs = new Dictionary<(string, int), bool>();
        var found = new List<(Candidate Of, TaskKind Kind, int Count)>();
        foreach (var c in candidates)
        {
            var key = (c.Item.Region, c.Item.Year);
            if (IsOfVillage(by) && !signs.ContainsKey(key))
                signs[key] =
                    (await session.PolicyYearAsync(c.Item.Region, c.Item.Year))?.Parameters.CommitteeSignsPayments
                    == true;
            foreach (var (kind, count) in Waiting.Of(c.State, by, signs.GetValueOrDefault(key), c.CameBack, today))
                found.Add((c, kind, count));
        }
        return await DatedAsync(found, by, session, database, today, cancellation);
    }

    private static bool IsOfVillage(Actor by) => by.Role is Roles.VillageFinance or Roles.SupervisionCommittee;

    /// <summary>Since when, and until when: as the list of applications counts (<see cref="Answers"/>).</summary>
    private static async Task<IReadOnlyList<WorkTask>> DatedAsync(
        IReadOnlyList<(Candidate Of, TaskKind Kind, int Count)> found,
        Actor by,
        IQuerySession session,
        NpgsqlDataSource database,
        DateOnly today,
        CancellationToken cancellation
    )
    {
        if (found.Count == 0)
            return [];
        var items = found.Select(f => f.Of.Item).Distinct().ToList();
        var (days, noticeDays) = await DaysAsync(by, session, today);
        var begun = await Answers.BegunAsync(items, database, cancellation);
        var answers = await Answers.DueAsync(items, session, database, days, cancellation);
        WorkTask Dated(Candidate c, TaskKind kind, int count)
        {
            var since = begun.GetValueOrDefault(c.Item.Id, c.Item.Since);
            var answer = answers.GetValueOrDefault(c.Item.Id);
            DateOnly After(int limit) => Clock.Day(since.AddDays(limit));
            return new WorkTask(
                kind,
                c.Item.Id,
                c.Item.Region,
                since,
                TaskRules.Of(kind).By switch
                {
                    DeadlineKind.Review => After(days.ReviewDays),
                    DeadlineKind.Payment => After(noticeDays + days.PaymentDays),
                    DeadlineKind.Credit => After(days.CreditDays),
                    DeadlineKind.HoldDecision => c.State.Hold?.On.AddDays(days.HoldDays),
                    DeadlineKind.ObjectionAnswer => answer.Objection,
                    DeadlineKind.ComplaintAnswer => answer.Complaint,
                    _ => null,
                },
                count,
                c.Item.Year
            );
        }
        return [.. found.Select(f => Dated(f.Of, f.Kind, f.Count))];
    }

    /// <summary>In January the new year's parameters may not be out yet: last year's hold until then.</summary>
    private static async Task<(Deadlines Days, int NoticeDays)> DaysAsync(
        Actor by,
        IQuerySession session,
        DateOnly today
    )
    {
        var policy =
            await session.PolicyYearAsync(by.Region, today.Year)
            ?? await session.PolicyYearAsync(by.Region, today.Year - 1);
        return (
            policy?.Deadlines() ?? Domain.Policies.Deadlines.Default,
            policy?.Parameters.NoticeDays ?? PolicyYearDecider.UsualNoticeDays
        );
    }

    /// <summary>What somebody has left lying: the county sees to it that it is done (C21).</summary>
    public static async Task<IReadOnlyList<WorkTask>> OverdueAsync(
        Actor by,
        IQuerySession session,
        NpgsqlDataSource database,
        DateOnly today,
        CancellationToken cancellation
    )
    {
        if (!TaskRules.IsFor(TaskKind.Overdue, by.Role))
            return [];
        var items = await session
            .Query<WorkItem>()
            .Where(i =>
                i.Region.StartsWith(by.Region)
                && i.MatchesSql("d.data ->> 'status' in ('filed', 'reviewed', 'approved', 'noticed', 'paid')")
            )
            .ToListAsync(cancellation);
        var (days, noticeDays) = await DaysAsync(by, session, today);
        var begun = await Answers.BegunAsync(items, database, cancellation);
        return
        [
            .. items
                .Select(i =>
                {
                    var since = begun.GetValueOrDefault(i.Id, i.Since);
                    var limit = Web.Applications.ApplicationsPage.Due(i.Status, days, noticeDays)!.Value;
                    return new WorkTask(
                        TaskKind.Overdue,
                        i.Id,
                        i.Region,
                        since,
                        Clock.Day(since.AddDays(limit)),
                        1,
                        i.Year
                    );
                })
                .Where(t => t.Due < today)
                .OrderBy(t => t.Due)
                .Take(Scope.MaxRows),
        ];
    }
}
