using Ledger.Api.Commands;
using Ledger.Api.Members;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Plans;
using Ledger.Projections.Provenance;
using Ledger.Store.Axes;
using Marten;
using Npgsql;

namespace Ledger.Api.Trace;

/// <summary>Tracing each yuan: from the member's line to its source, and back.</summary>
public static class TraceEndpoints
{
    private const int MaxPage = 1000,
        DefaultPage = 100;
    public static readonly string[] Readers =
    [
        Roles.Auditor,
        Roles.Agency,
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.Township,
        Roles.CountyHrss,
        Roles.CountyFinance,
        Roles.CityHrss,
    ];

    public static void MapTraces(this IEndpointRouteBuilder api)
    {
        api.MapGet("/trace/applications/{id}/members/{memberId}", Up)
            .Reading<LineTraceView>(
                "trace-line",
                "向上追溯：一人的补助来自哪几笔资金、凭哪些决定 (C7 C9) · From a member's line to its sources",
                Readers
            )
            .Refuses(Rejections.NotFound, Rejections.LimitExceeded);
        api.MapGet("/trace/applications/{id}/members/{memberId}/allocations/{allocationId}", Paths)
            .Reading<PathsView>(
                "trace-path",
                "两点之间：一笔资金经过哪些事项到达一人的补助 (C7 C9) · The ways between an allocation and a member's line",
                Readers
            )
            .Refuses(Rejections.NotFound, Rejections.LimitExceeded);
        api.MapGet("/trace/funds/{id}/allocations/{allocationId}", Down)
            .Reading<AllocationTraceView>(
                "trace-allocation",
                "向下追溯：一笔资金用到了谁、还剩多少 (C7 C9) · From an allocation to the members",
                Readers
            )
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid, Rejections.LimitExceeded);
    }

    public static async Task<LineTraceView> Up(
        string id,
        string memberId,
        IDocumentStore store,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var (application, line) = await LineAsync(connection, store, id, memberId, caller);
        var traced = line.Fen is { } fen
            ? await new Tracing(connection, store).UpAsync(FenSpan.Of(application.FundId, application.SubAccount, fen))
            : [];
        var sources = traced
            .Select(s => new SourceView(
                Money.Sum(s.Parts.Select(p => p.Fen.Length)),
                s.Allocation.Facts.AllocationId,
                s.Allocation.FundId,
                s.Allocation.Facts.Source,
                s.Allocation.Facts.SourceName,
                s.Allocation.Facts.DonorId,
                s.Allocation.Facts.AmountFen,
                s.Allocation.Event.EffectiveDate,
                s.Allocation.Event.RecordedAt,
                s.Allocation.Event.Actor,
                s.Allocation.Facts.Evidence,
                s.Allocation.Event.Sequence
            ))
            .ToList();
        var plan = await session.LoadAsync<Plan>(application.PlanId, cancellation);
        var name =
            (await people.ReadAsync(connection, [memberId])).GetValueOrDefault(memberId)?.MaskedName
            ?? MemberEndpoints.Erased;
        var (clearedOn, ending) = await EndingAsync(connection, store, session, application, line);
        var from =
            sources.Count == 0
                ? "尚未占用资金"
                : "来自"
                    + string.Join(
                        "、",
                        sources.Select(s => $"{s.EffectiveDate:yyyy-MM-dd}划入的“{s.SourceName}”{s.Amount}元")
                    );
        return new LineTraceView(
            id,
            memberId,
            name,
            line.AmountFen,
            line.Status,
            application.SubAccount,
            line.Fen,
            sources,
            application.PlanId,
            application.PlanVersion,
            plan?.LatestResolution,
            application.Filers,
            application.Reviewers,
            application.Approver,
            application.SealDigest,
            application.BankReference,
            clearedOn,
            [.. application.Complaints.Where(c => c.MemberId is null || c.MemberId == memberId)],
            $"{name} {application.Year}年度补助{line.AmountFen}元，{from}{ending}。"
        );
    }

    /// <summary>Where a credited yuan ended, when it is not simply in the account: L1, L2.</summary>
    private static async Task<(DateOnly? ClearedOn, string Words)> EndingAsync(
        NpgsqlConnection connection,
        IDocumentStore store,
        IQuerySession session,
        Application application,
        Line line
    )
    {
        if (line.Status != LineStatus.Credited)
            return (null, "");
        var cleared = (
            await new StoredEvents(store, LedgerStore.Schema).OfAsync<MemberYear>(
                connection,
                "stream_id = @id and type = 'subsidy_cleared'",
                ("id", application.MemberYearId(line))
            )
        )
            .Select(e => (SubsidyCleared)e.Data)
            .FirstOrDefault(c => c.ApplicationId == application.Id);
        if (cleared is not null)
            return (cleared.ClearedOn, $"，已于{cleared.ClearedOn:yyyy-MM-dd}由经办机构清退给本人");
        return (await session.LoadAsync<Member>(line.MemberId))?.DiedOn is { } died
            ? (null, $"，已记入个人账户；本人于{died:yyyy-MM-dd}死亡，余额由继承人依法继承")
            : (null, "");
    }

    public static async Task<PathsView> Paths(
        string id,
        string memberId,
        string allocationId,
        IDocumentStore store,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var (application, line) = await LineAsync(connection, store, id, memberId, caller);
        var tracing = new Tracing(connection, store);
        var traced = line.Fen is { } fen
            ? await tracing.UpAsync(FenSpan.Of(application.FundId, application.SubAccount, fen))
            : [];
        if (
            traced.FirstOrDefault(s => s.Allocation.Facts.AllocationId == allocationId)
            is not { Parts: { } parts } found
        )
            throw Require.NotFound($"{memberId} 的补助中来自 {allocationId} 的资金");
        var events = await tracing.EventsAsync(parts.SelectMany(p => p.Path).Select(s => s.Entry.EventId));
        return new PathsView(
            id,
            memberId,
            found.Allocation.FundId,
            allocationId,
            Money.Sum(parts.Select(p => p.Fen.Length)),
            [
                .. parts.Select(p => new PathView(
                    p.Fen.Length,
                    [.. Enumerable.Reverse(p.Path).Select(s => Step(s, events[s.Entry.EventId]))]
                )),
            ]
        );
    }

    private static StepView Step(PathStep s, TracedEvent e) =>
        new(
            s.Entry.Span.FundId,
            s.Entry.Span.SubAccount,
            s.Entry.Kind,
            s.Fen,
            s.Fen.Length,
            s.Entry.Reference,
            e.Sequence,
            e.Type,
            e.EffectiveDate,
            e.RecordedAt,
            e.Actor
        );

    /// <summary>
    /// An application without its list, and one line of it: the list may be ten thousand people long, and only one is
    /// asked for.
    /// </summary>
    private static async Task<(Application Application, Line Line)> LineAsync(
        NpgsqlConnection connection,
        IDocumentStore store,
        string id,
        string memberId,
        Caller caller
    )
    {
        var found = await connection.QueryAsync(
            $"""
            select data - 'lines',
                   (select l from jsonb_array_elements(data -> 'lines') l where l ->> 'memberId' = @member limit 1)
              from {LedgerStore.Schema}.mt_doc_application where id = @id
            """,
            r => (Application: Read<Application>(r, 0)!, Line: Read<Line>(r, 1)),
            ("id", id),
            ("member", memberId)
        );
        if (found is not [var one] || !caller.MaySee(one.Application.Region))
            throw Require.NotFound(id);
        return (one.Application, one.Line ?? throw Require.NotFound($"{id} 中的 {memberId}"));

        T? Read<T>(NpgsqlDataReader r, int at)
            where T : class => r.IsDBNull(at) ? null : store.Options.Serializer().FromJson<T>(r.GetStream(at));
    }

    public static async Task<AllocationTraceView> Down(
        string id,
        string allocationId,
        int? after,
        int? limit,
        IDocumentStore store,
        NpgsqlDataSource database,
        Caller caller,
        CancellationToken cancellation
    )
    {
        if (limit is < 1 or > MaxPage)
            throw Require.Invalid("limit", $"应为 1 至 {MaxPage}");
        if (after is < 0)
            throw Require.Invalid("after", "不能小于 0");
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var regions = await connection.QueryAsync(
            $"select region from {LedgerStore.Schema}.mt_doc_fund where id = @id",
            r => r.GetString(0),
            ("id", id)
        );
        if (regions is not [var region] || !caller.MaySee(region))
            throw Require.NotFound(id);
        var (skip, take) = (after ?? 0, limit ?? DefaultPage);
        var trace =
            await new Tracing(connection, store).DownAsync(id, allocationId, skip, take)
            ?? throw Require.NotFound(allocationId);
        var a = trace.Allocation.Facts;
        return new AllocationTraceView(
            id,
            trace.FundName,
            allocationId,
            a.Source,
            a.SourceName,
            a.DonorId,
            a.AmountFen,
            trace.UsedFen,
            trace.AvailableFen,
            trace.ReturnedFen,
            trace.UseCount,
            [.. trace.Uses.Select(u => new UseView(u.ApplicationId, u.MemberId, u.AmountFen, u.Status))],
            trace.UseCount > skip + take ? skip + take : null
        );
    }
}
