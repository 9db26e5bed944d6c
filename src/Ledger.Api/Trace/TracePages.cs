using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Plans;
using Ledger.Projections.Provenance;
using Ledger.Web;
using Ledger.Web.Trace;
using Marten;
using Npgsql;

namespace Ledger.Api.Trace;

/// <summary>Pages of traces, both ways, with a picture and the same as a table.</summary>
public static class TracePages
{
    private const int PageSize = 100,
        MaxInPicture = 30,
        MaxUses = 10_000;

    public static void MapTracePages(this WebApplication app)
    {
        app.Page("/trace/applications/{id}/members/{memberId}", Line, TraceEndpoints.Readers);
        app.Page(
            "/trace/applications/{id}/members/{memberId}/allocations/{allocationId}",
            async (
                string id,
                string memberId,
                string allocationId,
                IDocumentStore store,
                NpgsqlDataSource database,
                Caller caller,
                CancellationToken cancellation
            ) =>
                PageRoutes.Show<TracePathPage>(
                    new
                    {
                        Trace = await TraceEndpoints.Paths(
                            id,
                            memberId,
                            allocationId,
                            store,
                            database,
                            caller,
                            cancellation
                        ),
                    }
                ),
            TraceEndpoints.Readers
        );
        app.Page("/trace/funds/{id}/allocations/{allocationId}", Allocation, TraceEndpoints.Readers);
    }

    private static async Task<IResult> Line(
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
        var trace = await TraceEndpoints.Up(id, memberId, store, session, database, people, caller, cancellation);
        // Fund and year of the application, without its list
        var plan = (await session.LoadAsync<Plan>(trace.PlanId, cancellation))!;
        var funds = await FundNamesAsync(session, trace.Sources.Select(s => s.FundId).Append(plan.FundId));
        var flow = new Flow()
            .Put(plan.FundId, funds[plan.FundId], Flow.Fund, $"/funds/{plan.FundId}")
            .Put(id, $"{plan.Year}年度申请", Flow.Application, $"/applications/{id}")
            .Put(memberId, trace.Name, Flow.Member)
            .Join(plan.FundId, id, Money.Sum(trace.Sources.Select(s => s.Amount)))
            .Join(id, memberId, Money.Sum(trace.Sources.Select(s => s.Amount)));
        foreach (var s in trace.Sources)
        {
            flow.Put(
                s.AllocationId,
                $"{s.SourceName} {Format.Date(s.EffectiveDate)}",
                Flow.Source,
                $"/trace/funds/{s.FundId}/allocations/{s.AllocationId}"
            );
            flow.Put(s.FundId, funds[s.FundId], Flow.Fund, $"/funds/{s.FundId}")
                .Join(s.AllocationId, s.FundId, s.Amount);
            if (s.FundId != plan.FundId)
                flow.Join(s.FundId, plan.FundId, s.Amount); // it came along when the villages merged
        }
        return PageRoutes.Show<TraceLinePage>(new { Trace = trace, Flow = flow });
    }

    private static async Task<IResult> Allocation(
        string id,
        string allocationId,
        int? after,
        string? application,
        IDocumentStore store,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var trace = await TraceEndpoints.Down(id, allocationId, after, PageSize, store, database, caller, cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var all = (await new Tracing(connection, store).DownAsync(id, allocationId, 0, MaxUses))!.Uses;
        var names = await LabelsAsync(session, all.Select(u => u.ApplicationId), caller, cancellation);
        var shown = all.Where(u => u.ApplicationId == application || all.Count <= MaxInPicture)
            .Take(MaxInPicture)
            .ToList();
        var persons = await people.ReadAsync(
            connection,
            trace.Uses.Select(u => u.MemberId).Concat(shown.Select(u => u.MemberId))
        );
        string Name(string memberId) => persons.GetValueOrDefault(memberId)?.MaskedName ?? MemberEndpoints.Erased;

        var flow = new Flow()
            .Put("source", trace.SourceName, Flow.Source)
            .Put(id, trace.FundName, Flow.Fund, $"/funds/{id}")
            .Put("available", "尚可用", Flow.Rest)
            .Put("returned", "已退回来源", Flow.Rest)
            .Join("source", id, trace.Amount)
            .Join(id, "available", trace.AvailableAmount)
            .Join(id, "returned", trace.ReturnedAmount);
        foreach (var group in all.GroupBy(u => u.ApplicationId).Where(g => application is null || g.Key == application))
        {
            flow.Put(
                    group.Key,
                    $"{names.GetValueOrDefault(group.Key, "其他集体")}（"
                        + $"{group.Select(u => u.MemberId).Distinct().Count()}人）",
                    Flow.Application,
                    $"/trace/funds/{id}/allocations/{allocationId}?application={group.Key}"
                )
                .Join(id, group.Key, Money.Sum(group.Select(u => u.AmountFen)));
            foreach (var use in shown.Where(u => u.ApplicationId == group.Key))
                flow.Put(
                        $"{group.Key} {use.MemberId}",
                        $"{Name(use.MemberId)} {Format.Yuan(use.AmountFen)}",
                        Flow.Member,
                        $"/trace/applications/{group.Key}/members/{use.MemberId}"
                    )
                    .Join(group.Key, $"{group.Key} {use.MemberId}", use.AmountFen);
            if (group.Key == application && group.Count() > shown.Count)
                flow.Put("others", $"其余 {group.Count() - shown.Count} 人", Flow.Rest)
                    .Join(group.Key, "others", Money.Sum(group.Skip(shown.Count).Select(u => u.AmountFen)));
        }
        return PageRoutes.Show<TraceAllocationPage>(
            new
            {
                Trace = trace,
                Flow = flow,
                Uses = (IReadOnlyList<(UseView, string)>)[.. trace.Uses.Select(u => (u, Name(u.MemberId)))],
                Labels = names,
                trace.Next,
                Application = application,
            }
        );
    }

    /// <summary>The village and year of the applications that the caller may see.</summary>
    private static async Task<IReadOnlyDictionary<string, string>> LabelsAsync(
        IQuerySession session,
        IEnumerable<string> ids,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var applications = (await session.LoadManyAsync<Application>(cancellation, ids.Distinct().ToArray()))
            .Where(a => caller.MaySee(a.Region))
            .ToList();
        var collectives = (
            await session.LoadManyAsync<Collective>(
                cancellation,
                applications.Select(a => a.CollectiveId).Distinct().ToArray()
            )
        ).ToDictionary(c => c.Id, c => c.Name);
        return applications.ToDictionary(a => a.Id, a => $"{collectives[a.CollectiveId]} {a.Year}");
    }

    private static async Task<IReadOnlyDictionary<string, string>> FundNamesAsync(
        IQuerySession session,
        IEnumerable<string> ids
    ) => (await session.LoadManyAsync<Fund>(ids.Distinct().ToArray())).ToDictionary(f => f.Id, f => f.Name);
}
