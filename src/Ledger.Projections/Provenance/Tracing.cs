using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Store.Axes;
using Marten;
using Npgsql;

namespace Ledger.Projections.Provenance;

/// <summary>An event of a fund, as far as a trace names it.</summary>
public sealed record TracedEvent(
    Guid Id,
    long Sequence,
    string Type,
    DateTimeOffset RecordedAt,
    DateOnly EffectiveDate,
    string Actor,
    object Body
);

/// <summary>An allocation as its event tells it.</summary>
public sealed record TracedAllocation(TracedEvent Event, FundsAllocated Facts, string FundId);

/// <summary>Part of an allocation that one member's line uses.</summary>
public sealed record AllocationUse(string ApplicationId, string MemberId, Money AmountFen, SubsidyStatus Status);

/// <summary>
/// Where one allocation went: what is used, still available, gone back; they sum to it. <paramref name="Uses"/> is a
/// page of <paramref name="UseCount"/>.
/// </summary>
public sealed record AllocationTrace(
    TracedAllocation Allocation,
    string FundName,
    Money UsedFen,
    Money AvailableFen,
    Money ReturnedFen,
    int UseCount,
    IReadOnlyList<AllocationUse> Uses
);

/// <summary>Follows money through funds, also those it was transferred between.</summary>
public sealed class Tracing(NpgsqlConnection connection, IDocumentStore store)
{
    private readonly string _schema = store.Options.Events.DatabaseSchemaName;
    private StoredAxes Axes => new(connection, _schema);

    /// <summary>
    /// Upward: the allocations that one line's money came from, each with its parts and the way they took.
    /// </summary>
    public async Task<IReadOnlyList<(TracedAllocation Allocation, IReadOnlyList<Source> Parts)>> UpAsync(FenSpan line)
    {
        var sources = await Axes.UpAsync(line);
        var events = await EventsAsync(sources.Select(s => s.Allocation.EventId));
        return
        [
            .. sources
                .GroupBy(s => s.Allocation.EventId)
                .Select(g =>
                    (Allocation(events[g.Key], g.First().Allocation.Span.FundId), (IReadOnlyList<Source>)[.. g])
                ),
        ];
    }

    /// <summary>So many at once: what many small gifts made up stays within a trace's limit.</summary>
    private const int LinesAtOnce = 1_000;

    /// <summary>How the agency books the money of each of these lines (L13), by member.</summary>
    /// <exception cref="TraceLimitException"/>
    public async Task<IReadOnlyDictionary<string, SourceSplit>> SplitAsync(
        Application application,
        IEnumerable<Line> lines
    )
    {
        var splits = new Dictionary<string, SourceSplit>();
        var chunks = lines.Where(l => l.Fen is not null).OrderBy(l => l.Fen!.Value.From).Chunk(LinesAtOnce);
        foreach (var chunk in chunks)
        {
            var span = new FenInterval(chunk[0].Fen!.Value.From, chunk[^1].Fen!.Value.To);
            var sources = await LaidAsync(FenSpan.Of(application.FundId, application.SubAccount, span));
            var events = await EventsAsync(sources.Select(s => s.Allocation.EventId));
            // What left as fen k came in as fen k: a path's first step is on the same numbers as the lines.
            var parts = sources.Select(s => new SourcedFen(
                s.Path[0].Fen,
                Allocation(events[s.Allocation.EventId], s.Allocation.Span.FundId).Facts.Source
            ));
            foreach (var (member, split) in Remittance.Split(chunk, parts))
                splits[member] = split;
        }
        return splits;
    }

    /// <summary>
    /// The sources of a span that a decision rests on: each interval on the way is what the event that it names laid.
    /// </summary>
    /// <exception cref="ForgedAxisException"/>
    private async Task<IReadOnlyList<Source>> LaidAsync(FenSpan span)
    {
        IReadOnlyList<Source> sources;
        try
        {
            sources = await Axes.UpAsync(span);
        }
        catch (InvariantViolationException broken)
        {
            throw new ForgedAxisException($"{span.Account} [{span.Fen.From}, {span.Fen.To})", broken);
        }
        var entries = sources.SelectMany(s => s.Path.Select(p => p.Entry)).Distinct().ToList();
        var events = await new StoredEvents(store, _schema).OfAsync<Fund>(
            connection,
            "id = any(@ids) and stream_id like 'fund-%'",
            ("ids", entries.Select(e => e.EventId).Distinct().ToArray())
        );
        var laid = events
            .SelectMany(e => AxisEntry.Of(e.StreamKey!, e.Data).Select(a => a with { EventId = e.Id }))
            .ToHashSet();
        return entries.Find(e => !laid.Contains(e)) is { } forged
            ? throw new ForgedAxisException($"{forged.Span.Account} [{forged.Span.Fen.From}, {forged.Span.Fen.To})")
            : sources;
    }

    /// <summary>Downward: where an allocation's money is now; null when the fund has no such allocation.</summary>
    public async Task<AllocationTrace?> DownAsync(
        string fundId,
        string allocationId,
        int skip = 0,
        int take = int.MaxValue
    )
    {
        if (await Axes.AllocatedAsync(fundId, allocationId) is not { } lot)
            return null;
        var allocation = Allocation((await EventsAsync([lot.EventId]))[lot.EventId], fundId);
        var places = await Axes.DownAsync(lot.Span);
        var (count, lines) = await Axes.LinesAsync(
            [.. places.Where(p => p.Kind == PlaceKind.Used).Select(p => p.Span)],
            skip,
            take
        );
        var statuses = await StatusesAsync(lines.Select(l => l.MemberYearId));
        var name = (
            await connection.QueryAsync(
                $"select data ->> 'name' from {_schema}.mt_doc_fund where id = @fund",
                r => r.GetString(0),
                ("fund", fundId)
            )
        ).Single();
        Money Sum(PlaceKind kind) => Money.Sum(places.Where(p => p.Kind == kind).Select(p => p.Span.Fen.Length));
        return new AllocationTrace(
            allocation,
            name,
            Sum(PlaceKind.Used),
            Sum(PlaceKind.Available),
            Sum(PlaceKind.Returned),
            count,
            [
                .. lines.Select(l => new AllocationUse(
                    l.ApplicationId,
                    StreamId.MemberOf(l.MemberYearId),
                    l.AmountFen,
                    statuses[(l.MemberYearId, l.ApplicationId)]
                )),
            ]
        );
    }

    /// <summary>Events of funds by id. The condition on the stream is that of the partial index.</summary>
    public async Task<IReadOnlyDictionary<Guid, TracedEvent>> EventsAsync(IEnumerable<Guid> ids) =>
        (
            await new StoredEvents(store, _schema).OfAsync<Fund>(
                connection,
                "id = any(@ids) and stream_id like 'fund-%'",
                ("ids", ids.Distinct().ToArray())
            )
        ).ToDictionary(
            e => e.Id,
            e => new TracedEvent(
                e.Id,
                e.Sequence,
                e.EventTypeName,
                e.Timestamp,
                e.EffectiveDate(),
                e.Header(EventHeaders.Actor),
                e.Data
            )
        );

    private async Task<Dictionary<(string, string), SubsidyStatus>> StatusesAsync(IEnumerable<string> memberYears) => (
            await connection.QueryAsync(
                $"""
                select id, s ->> 'applicationId', s ->> 'status'
                  from {_schema}.mt_doc_memberyear, jsonb_array_elements(data -> 'subsidies') s
                 where id = any(@ids)
                """,
                r =>
                    (
                        Key: (r.GetString(0), r.GetString(1)),
                        Status: Enum.Parse<SubsidyStatus>(r.GetString(2), ignoreCase: true)
                    ),
                ("ids", memberYears.Distinct().ToArray())
            )
        ).GroupBy(s => s.Key).ToDictionary(g => g.Key, g => g.Last().Status);

    private static TracedAllocation Allocation(TracedEvent e, string fundId) =>
        new(
            e,
            e.Body as FundsAllocated ?? throw new UnreadableEventException(e.Sequence, fundId, e.Type, "不是划入"),
            fundId
        );
}
