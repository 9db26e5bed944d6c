using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Marten;
using Npgsql;
using Steps = Ledger.Domain.Collectives.Steps;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// Replays what the ledger promises from the events alone, whatever the states beside them say: stream by stream, a
/// page of them at a time. ledger-verify does the same from an exported log, in code of its own. A stream that holds
/// what is no event of ours (<see cref="LedgerCheck"/> names it) is not judged: whatever it seems to break may rest on
/// that.
/// </summary>
/// <param name="scope">Only what happened in regions that begin so.</param>
public sealed class PromiseCheck(
    IDocumentStore store,
    EventSeal seal,
    NpgsqlDataSource database,
    string schema,
    string scope
)
{
    private const int PageSize = 1_000,
        MaxSaid = 1_000;

    /// <summary>The projection's name of a broken promise, and of what wants looking at.</summary>
    public const string Broken = "Promise",
        Unclear = "Finding";

    private readonly StoredEvents _stored = new(store, schema, seal);
    private readonly List<Difference> _broken = [],
        _unclear = [];
    private readonly PolicyCaps _caps = new();
    private readonly Origins _origins = new();
    private readonly List<PlanFiling> _filings = [];
    private readonly LineReviewers _reviewers = new();

    private void Breaks(string id, string clause, string found, string expected, long at) =>
        Say(_broken, Broken, id, clause, found, expected, at);

    private void Notes(string id, string clause, string found, string expected, long at) =>
        Say(_unclear, Unclear, id, clause, found, expected, at);

    /// <summary>Of a city's rules, which its counties live by.</summary>
    private void ForAll(string id, string clause, string found, string expected, long at)
    {
        var region = StreamId.RegionOfPolicyYear(id);
        if (region.StartsWith(scope, StringComparison.Ordinal) || scope.StartsWith(region, StringComparison.Ordinal))
            Breaks(id, clause, found, expected, at);
    }

    private static void Say(
        List<Difference> said,
        string kind,
        string id,
        string clause,
        string found,
        string expected,
        long at
    )
    {
        if (said.Count < MaxSaid)
            said.Add(new Difference(kind, id, clause, found, expected, at));
    }

    public async Task<(IReadOnlyList<Difference> Broken, IReadOnlyList<Difference> Unclear)> RunAsync(
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var few = await _stored
            .LookAsync(
                connection,
                "type = any(@types)",
                (
                    "types",
                    Names([
                        .. EventTypes.Of<PolicyYear>(),
                        typeof(PlanDrafted),
                        typeof(CollectiveMerged),
                        typeof(MembersSeparated),
                    ])
                )
            )
            .ToListAsync(cancellation);
        var policies = new PolicyPromises(ForAll);
        foreach (
            var e in few.Select(r => r.Event)
                .OfType<IEvent>()
                .Where(e => EventSeal.Covers(e.StreamKey!, e.EventTypeName) && !e.IsForeign())
                .OrderBy(e => e.Sequence)
        )
        {
            _caps.Take(e);
            _origins.Take(e);
            policies.Take(e);
            if (e.Header(EventHeaders.Region).StartsWith(scope, StringComparison.Ordinal))
                Split(e, Breaks);
        }
        await FundsAsync(connection, cancellation);
        await ApplicationsAsync(connection, cancellation);
        await PlansAsync(connection, cancellation); // after those who filed by them
        await PeopleAsync(connection, cancellation);
        await new Repetitions(connection, _stored, schema, scope, Breaks, Notes).LookAsync();
        return (_broken, _unclear);
    }

    /// <summary>
    /// C24: what goes with those who leave is their share, no more and not far less, and somebody stays.
    /// </summary>
    public static void Split(IEvent e, Report broken)
    {
        if (e.Data is not MembersSeparated s || (s.Counted is null && e.EffectiveDate() < Steps.Split.CountedFrom))
            return;
        if (s.Counted is not { } counted || s.AvailableFen is not { } available || s.Members >= counted)
            broken(e.StreamKey!, "C24", $"转出 {s.Members} 名成员，共 {s.Counted} 名", "转出一部分成员", e.Sequence);
        else if (
            Steps.Split.Share(available, s.Members, counted) is var share
            && (s.AmountFen > share || s.AmountFen < Steps.Split.Least(share))
        )
            broken(
                e.StreamKey!,
                "C24",
                $"{counted} 名成员中转出 {s.Members} 人，随之转出 {s.AmountFen} 元",
                $"{Steps.Split.Least(share)} 至 {share} 元",
                e.Sequence
            );
    }

    private async Task FundsAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var types = Names([.. EventTypes.Of<Fund>()]);
        await foreach (var ids in StreamsAsync(connection, types))
        {
            var (fund, of) = ((string?)null, (FundPromises?)null);
            await foreach (
                var row in _stored
                    .LookAsync(connection, "stream_id = any(@ids)", ("ids", ids))
                    .WithCancellation(cancellation)
            )
            {
                if (row.Stream != fund)
                {
                    of?.Finish();
                    (fund, of) = (row.Stream, new FundPromises(row.Stream, Breaks));
                }
                if (row.Of<Fund>().Event is { } e)
                    of?.Take(e);
                else
                    of = null;
            }
            of?.Finish();
        }
    }

    private async Task ApplicationsAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        // Lines are the people's affair: an application of ten thousand has forty events of them.
        var types = Names(
            typeof(ApplicationFiled),
            typeof(ApplicationResubmitted),
            typeof(ApplicationReviewed),
            typeof(ApplicationApproved),
            typeof(NoticePublished),
            typeof(ObjectionRaised),
            typeof(ObjectionResolved),
            typeof(PaymentSigned),
            typeof(PaymentHeld),
            typeof(PaymentHoldLifted),
            typeof(PaymentReturned),
            typeof(ComplaintRaised),
            typeof(ComplaintEscalated),
            typeof(ComplaintAnswered),
            typeof(PaymentSent)
        );
        await foreach (var ids in StreamsAsync(connection, types))
        {
            var (application, of) = ((string?)null, (ApplicationPromises?)null);
            await foreach (
                var row in _stored
                    .LookAsync(
                        connection,
                        "stream_id = any(@ids) and type = any(@types)",
                        ("ids", ids),
                        ("types", types)
                    )
                    .WithCancellation(cancellation)
            )
            {
                if (row.Stream != application)
                    (application, of) = (
                        row.Stream,
                        new ApplicationPromises(row.Stream, _caps, Breaks, Notes, _filings.Add)
                    );
                if (row.Of<Application>().Event is { } e)
                {
                    of?.Take(e);
                    _reviewers.Take(e);
                }
                else
                    of = null;
            }
        }
    }

    private async Task PlansAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        var filings = _filings.ToLookup(f => f.PlanId);
        await foreach (var ids in StreamsAsync(connection, Names([.. EventTypes.Of<Plan>()])))
        {
            var (plan, of) = ((string?)null, (PlanPromises?)null);
            await foreach (
                var row in _stored
                    .LookAsync(connection, "stream_id = any(@ids)", ("ids", ids))
                    .WithCancellation(cancellation)
            )
            {
                if (row.Stream != plan)
                {
                    Filed(plan, of);
                    (plan, of) = (row.Stream, new PlanPromises(row.Stream, _caps, Breaks));
                }
                if (row.Event?.IsForeign() == true)
                    continue; // plans are sealed: nothing follows from what others wrote there
                if (row.Of<Plan>().Event is { } e)
                    of?.Take(e);
                else
                    of = null;
            }
            Filed(plan, of);
        }

        void Filed(string? plan, PlanPromises? of)
        {
            foreach (var filing in filings[plan ?? ""])
                of?.Take(filing);
        }
    }

    /// <summary>
    /// A year's events together with those of its person, and the plans that its subsidies follow from, in one look:
    /// nothing comes in between.
    /// </summary>
    private async Task PeopleAsync(NpgsqlConnection connection, CancellationToken cancellation)
    {
        await foreach (
            var ids in StreamsAsync(
                connection,
                Names([
                    .. EventTypes
                        .Of<MemberYear>()
                        .Except([typeof(ContributionRecorded), typeof(ContributionReversalRequested)]),
                ]),
                "stream_id ~ '^member-year-.+-[0-9]{4}$'"
            )
        )
        {
            var plans = await connection.QueryAsync(
                $"""
                select distinct 'plan-' || substr(data ->> 'collectiveId', 12) || '-' || right(stream_id, 4)
                  from {schema}.mt_events
                 where stream_id = any(@ids)
                   and type = any(@approved)
                """,
                r => r.GetString(0),
                ("ids", ids),
                ("approved", Names(typeof(SubsidyApproved)))
            );
            var rows = await _stored
                .LookAsync(
                    connection,
                    "stream_id = any(@streams)",
                    ("streams", ids.Concat(ids.Select(StreamId.MemberOf)).Concat(plans).Distinct().ToArray())
                )
                .ToListAsync(cancellation);
            var years = ids.ToHashSet();
            var damaged = rows.Where(r => Judged(r).Fault is not null).Select(r => r.Stream).ToHashSet();
            var streams = rows.Select(r => r.Event)
                .OfType<IEvent>()
                .Where(e => !e.IsForeign())
                .ToLookup(e => e.StreamKey!);
            var standards = plans.ToDictionary(
                p => p,
                p => new AdoptedStandards(damaged.Contains(p) ? [] : streams[p])
            );
            foreach (var id in ids.Where(id => !damaged.Contains(id) && !damaged.Contains(StreamId.MemberOf(id))))
            {
                var year = new PersonPromises(
                    id,
                    _caps,
                    _origins,
                    standards,
                    region => region.StartsWith(scope, StringComparison.Ordinal),
                    Breaks,
                    Notes,
                    _reviewers
                );
                foreach (var e in streams[id].Concat(streams[StreamId.MemberOf(id)]).OrderBy(e => e.Sequence))
                    year.Take(e);
                year.Finish();
            }

            StoredRow Judged(StoredRow row) =>
                years.Contains(row.Stream) ? row.Of<MemberYear>()
                : row.Stream.StartsWith("plan-", StringComparison.Ordinal) ? row
                : row.Of<Member>();
        }
    }

    private string[] Names(params Type[] types) =>
        [
            .. store
                .Options.Events.AllKnownEventTypes()
                .Where(t => types.Contains(t.EventType))
                .Select(t => t.EventTypeName),
        ];

    /// <summary>The streams that have such events, a page at a time.</summary>
    private async IAsyncEnumerable<string[]> StreamsAsync(
        NpgsqlConnection connection,
        string[] types,
        string where = "true"
    )
    {
        for (var after = ""; ; )
        {
            var ids = await connection.QueryAsync(
                $"""
                select distinct stream_id
                  from {schema}.mt_events
                 where stream_id > @after
                   and type = any(@types)
                   and {where}
                   and (@scope = '' or headers ->> 'region' like @scope || '%')
                 order by 1 limit {PageSize}
                """,
                r => r.GetString(0),
                ("after", after),
                ("types", types),
                ("scope", scope)
            );
            if (ids.Count == 0)
                yield break;
            after = ids[^1];
            yield return [.. ids];
        }
    }
}
