using Ledger.Api.Commands;
using Ledger.Api.Members;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Domain.Plans;
using Ledger.Projections.Provenance;
using Marten;
using Npgsql;

namespace Ledger.Api.Trace;

/// <summary>Part of a line's money and the allocation it came from; <paramref name="Evidence"/>: digests of its slips.</summary>
public sealed record SourceView(Money Amount, string AllocationId, string FundId, SourceKind Source, string SourceName, string? DonorId, Money AllocationAmount,
    DateOnly EffectiveDate, DateTimeOffset RecordedAt, string Actor, IReadOnlyList<string> Evidence, long EventSequence);

/// <summary>
/// Upward: from one member's line to the allocations, and on whose decisions it rests. The sources sum to <paramref name="Amount"/>.
/// <paramref name="InWords"/> says it in a sentence.
/// </summary>
public sealed record LineTraceView(string ApplicationId, string MemberId, string Name, Money Amount, LineStatus Status, string SubAccount, FenInterval? Fen,
    IReadOnlyList<SourceView> Sources, string PlanId, int PlanVersion, Resolution? Resolution, IReadOnlyList<string> Filers, IReadOnlyList<string> Reviewers, string? Approver,
    string SealDigest, string? BankReference, string InWords);

public sealed record UseView(string ApplicationId, string MemberId, Money Amount, LineStatus Status);

/// <summary>
/// Downward: where an allocation's money is now. Uses, available and returned sum to its amount. Of the uses at most <c>limit</c> from
/// <c>after</c> on are shown; the sums are whole.
/// </summary>
public sealed record AllocationTraceView(string FundId, string FundName, string AllocationId, SourceKind Source, string SourceName, string? DonorId, Money Amount,
    Money UsedAmount, Money AvailableAmount, Money ReturnedAmount, int UseCount, IReadOnlyList<UseView> Uses, int? Next);

/// <summary>Tracing each yuan: from the member's line to its source, and back.</summary>
public static class TraceEndpoints
{
    private const int MaxPage = 1000;
    private static readonly string[] Readers = [Roles.Auditor, Roles.Agency, Roles.VillageFinance, Roles.Township, Roles.CountyHrss, Roles.CountyFinance, Roles.CityHrss];

    public static void MapTraces(this IEndpointRouteBuilder api)
    {
        api.MapGet("/trace/applications/{id}/members/{memberId}", Up)
            .Reading<LineTraceView>("trace-line", "向上追溯：一人的补助来自哪几笔资金、凭哪些决定 (C7 C9) · From a member's line to its sources", Readers)
            .Refuses(Rejections.NotFound);
        api.MapGet("/trace/funds/{id}/allocations/{allocationId}", Down)
            .Reading<AllocationTraceView>("trace-allocation", "向下追溯：一笔资金用到了谁、还剩多少 (C7 C9) · From an allocation to the members", Readers)
            .Refuses(Rejections.NotFound, Rejections.FieldInvalid);
    }

    private static async Task<LineTraceView> Up(string id, string memberId, IQuerySession session, NpgsqlDataSource database, PersonalData people, Caller caller,
        CancellationToken cancellation)
    {
        var application = await session.ScopedAsync<Application>(id, caller) ?? throw Require.NotFound(id);
        var line = application.Lines.FirstOrDefault(l => l.MemberId == memberId) ?? throw Require.NotFound($"{id} 中的 {memberId}");
        var sources = (await new Tracing(session).UpAsync(application, line, cancellation)).Select(s => new SourceView(s.AmountFen, s.Allocation.Event.AllocationId,
            s.Allocation.FundId, s.Allocation.Event.Source, s.Allocation.Event.SourceName, s.Allocation.Event.DonorId, s.Allocation.Event.AmountFen, s.Allocation.EffectiveDate,
            s.Allocation.RecordedAt, s.Allocation.Actor, s.Allocation.Event.Evidence, s.Allocation.Sequence)).ToList();
        var plan = await session.LoadAsync<Plan>(application.PlanId, cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var name = (await people.ReadAsync(connection, [memberId])).GetValueOrDefault(memberId)?.MaskedName ?? MemberEndpoints.Erased;
        var from = sources.Count == 0 ? "尚未占用资金" : $"来自{string.Join("、", sources.Select(s => $"{s.EffectiveDate:yyyy-MM-dd}划入的“{s.SourceName}”{s.Amount}元"))}";
        return new LineTraceView(id, memberId, name, line.AmountFen, line.Status, application.SubAccount, line.Fen, sources, application.PlanId, application.PlanVersion,
            plan?.LatestResolution, application.Filers, application.Reviewers, application.Approver, application.SealDigest, application.BankReference,
            $"{name} {application.Year}年度补助{line.AmountFen}元，{from}。");
    }

    private static async Task<AllocationTraceView> Down(string id, string allocationId, int? after, int? limit, IQuerySession session, Caller caller, CancellationToken cancellation)
    {
        if (limit is < 1 or > MaxPage) throw Require.Invalid("limit", $"应为 1 至 {MaxPage}");
        if (await session.ScopedAsync<Fund>(id, caller) is null) throw Require.NotFound(id);
        var trace = await new Tracing(session).DownAsync(id, allocationId, cancellation) ?? throw Require.NotFound(allocationId);
        var (from, size) = (after ?? 0, limit ?? 100);
        var a = trace.Allocation.Event;
        return new AllocationTraceView(id, trace.FundName, allocationId, a.Source, a.SourceName, a.DonorId, a.AmountFen, Money.Sum(trace.Uses.Select(u => u.AmountFen)),
            trace.AvailableFen, trace.ReturnedFen, trace.Uses.Count,
            [.. trace.Uses.Skip(from).Take(size).Select(u => new UseView(u.ApplicationId, u.MemberId, u.AmountFen, u.Status))],
            trace.Uses.Count > from + size ? from + size : null);
    }
}
