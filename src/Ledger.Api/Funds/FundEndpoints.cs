using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Projections.Balances;
using Marten;

namespace Ledger.Api.Funds;

public sealed record FundBody(string CollectiveId);

/// <summary>Money that comes in. <paramref name="EarmarkYear"/> only for gifts: the one year they may serve.</summary>
public sealed record AllocationBody(Money Amount, SourceKind Source, string SourceName, IReadOnlyList<string>? Evidence = null, int? EarmarkYear = null,
    DateOnly? EffectiveDate = null);

public sealed record SubAccountView(string Name, Money AllocatedAmount, Money AvailableAmount);

/// <summary>The balance: every yuan that was allocated is available, reserved, in transit or credited.</summary>
public sealed record FundView(string Id, int Version, string CollectiveId, string Name, string VillageCode, Money AllocatedAmount, Money AvailableAmount,
    Money ReservedAmount, Money InTransitAmount, Money CreditedAmount, Money RefundedAmount, IReadOnlyList<SubAccountView> SubAccounts)
{
    public static FundView Of(Fund f) => new(f.Id, f.Revision, f.CollectiveId, f.Name, f.Region, f.AllocatedFen, f.AvailableFen, f.ReservedFen,
        f.InTransitFen, f.CreditedFen, f.RefundedFen, [.. f.SubAccounts.Select(s => new SubAccountView(s.Key, new Money(s.Value.InFen), s.Value.Available))]);
}

public sealed record AllocationView(string AllocationId, Money Amount, FundView Fund);

/// <summary>Ring-fenced funds (专款专用), C7 and C9.</summary>
public static class FundEndpoints
{
    public static void MapFunds(this IEndpointRouteBuilder api)
    {
        api.MapPost("/funds", Open)
            .Command<FundView>("open-fund", "设立补助资金 (C9) · Open a fund", Roles.VillageFinance)
            .Refuses(Rejections.AlreadyExists, Rejections.NotFound, Rejections.FieldInvalid)
            .Example("""{"collectiveId":"collective-N2370811MF0000001J"}""");
        api.MapGet("/funds", List).Reading<IReadOnlyList<FundView>>("list-funds", "资金列表 · List funds of a region", Roles.All).Refuses(Rejections.FieldInvalid);
        api.MapGet("/funds/{id}", Read).Reading<FundView>("read-fund", "资金余额 · Read a fund's balance", Roles.All).Refuses(Rejections.NotFound);
        api.MapPost("/funds/{id}/allocations", Allocate)
            .Command<AllocationView>("allocate-funds", "划入资金 (C7 C8) · Allocate money to a fund", Roles.VillageFinance)
            .Refuses(Rejections.AmountInvalid, Rejections.EvidenceMissing, Rejections.EarmarkMismatch, Rejections.NotFound, Rejections.FieldInvalid,
                Rejections.VersionMismatch, Rejections.LimitExceeded)
            .Example("""{"amount":120000.00,"source":"collective-income","sourceName":"2026年土地流转收入","evidence":["<POST /api/evidence 返回的摘要>"],"effectiveDate":"2026-03-02"}""");
        api.MapGet("/funds/{id}/statement", Statement)
            .Reading<FundStatement>("read-fund-statement", "资金对账单（按业务日期） · Statement by business date", Roles.All).Refuses(Rejections.NotFound, Rejections.FieldInvalid);
    }

    private static async Task<Answer> Open(FundBody body, Command command)
    {
        var collective = await command.LoadAsync<Collective>(Require.Text(body.CollectiveId, "collectiveId", 40));
        var id = StreamId.FundOf(collective.Id);
        var known = await command.FindAsync<Fund>(id);
        var state = command.Append(id, known, FundDecider.Open(known, collective.Id, collective.Name, collective.Region));
        return Answer.Created($"/api/funds/{id}", FundView.Of(state), state.Revision);
    }

    private static async Task<Answer> Allocate(string id, AllocationBody body, Command command)
    {
        command.EffectiveDate = Require.BusinessDate(body.EffectiveDate, "effectiveDate", command.Today);
        if (body.EarmarkYear is < 2009 or > 2100) throw Require.Invalid("earmarkYear", "年度应在2009至2100之间");
        var evidence = await command.EvidenceAsync(body.Evidence, "evidence");
        var fund = await command.LoadAsync<Fund>(id);
        var allocationId = $"allocation-{Guid.CreateVersion7():N}";
        fund = command.Append(id, fund, FundDecider.Allocate(fund, allocationId, body.Source, Require.Text(body.SourceName, "sourceName", 100), body.Amount,
            body.EarmarkYear, evidence));
        return Answer.Created($"/api/funds/{id}", new AllocationView(allocationId, body.Amount, FundView.Of(fund)), fund.Revision);
    }

    private static async Task<IReadOnlyList<FundView>> List(string? region, IQuerySession session, Caller caller, CancellationToken cancellation)
    {
        var scope = Scope.Narrow(caller, region);
        var found = await session.Query<Fund>().Where(f => f.Region.StartsWith(scope)).OrderBy(f => f.Region).Take(Scope.MaxRows).ToListAsync(cancellation);
        return [.. found.Select(FundView.Of)];
    }

    private static async Task<IResult> Read(string id, IQuerySession session, Caller caller, HttpContext http) =>
        Reading.Of(http, await session.ScopedAsync<Fund>(id, caller), FundView.Of, id);

    private static async Task<FundStatement> Statement(string id, DateOnly? from, DateOnly? to, IQuerySession session, Caller caller, Clock clock)
    {
        var (first, last) = (from ?? new DateOnly(2009, 1, 1), to ?? clock.Today);
        if (first > last) throw Require.Invalid("from", "起始日期不能晚于截止日期");
        if (await session.ScopedAsync<Fund>(id, caller) is null) throw Require.NotFound(id);
        return FundStatement.Of(id, first, last, await session.Events.FetchStreamAsync(id));
    }
}
