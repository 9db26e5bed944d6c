using JasperFx.Events;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Ledger.Projections.AuditTrail;
using Marten;

namespace Ledger.Projections.Provenance;

/// <summary>An allocation as the event tells it.</summary>
public sealed record TracedAllocation(long Sequence, DateTimeOffset RecordedAt, DateOnly EffectiveDate, string Actor, FundsAllocated Event, string FundId);

/// <summary>Part of an allocation that one member's line uses.</summary>
public sealed record AllocationUse(string ApplicationId, string MemberId, Money AmountFen, LineStatus Status);

/// <summary>Where one allocation went: its uses, what is still available, what went back; they sum to it.</summary>
public sealed record AllocationTrace(TracedAllocation Allocation, string FundName, IReadOnlyList<AllocationUse> Uses, Money AvailableFen, Money ReturnedFen);

/// <summary>
/// Follows money through funds, also those it was transferred between. One instance for one question: it keeps what it has read.
/// </summary>
public sealed class Tracing(IQuerySession session)
{
    private readonly Dictionary<string, (FundAxes Axes, IReadOnlyList<IEvent> Events)> _funds = [];

    private FundAxes Axes(string fundId) => _funds[fundId].Axes;

    /// <summary>Reads a fund and every fund that money came from or went to.</summary>
    private async Task LoadAsync(string fundId, CancellationToken cancellation)
    {
        if (_funds.ContainsKey(fundId)) return;
        var events = await session.Events.FetchStreamAsync(fundId, token: cancellation);
        var axes = new FundAxes(fundId, events.Select(e => (IEventOf<Fund>)e.Data));
        _funds[fundId] = (axes, events);
        foreach (var neighbour in axes.Neighbours) await LoadAsync(neighbour, cancellation);
    }

    private TracedAllocation Allocation(string fundId, string allocationId)
    {
        var e = _funds[fundId].Events.Single(e => e.Data is FundsAllocated a && a.AllocationId == allocationId);
        return new TracedAllocation(e.Sequence, e.Timestamp, e.EffectiveDate(), e.Header(EventHeaders.Actor), (FundsAllocated)e.Data, fundId);
    }

    /// <summary>Upward: the allocations that one line's money came from, with how much of each.</summary>
    public async Task<IReadOnlyList<(TracedAllocation Allocation, Money AmountFen)>> UpAsync(Application application, Line line, CancellationToken cancellation)
    {
        if (line.Fen is not { } fen) return [];
        await LoadAsync(application.FundId, cancellation);
        return [.. Axes(application.FundId).Up(application.SubAccount, fen, Axes).GroupBy(s => (s.FundId, s.AllocationId))
            .Select(g => (Allocation(g.Key.FundId, g.Key.AllocationId), Money.Sum(g.Select(s => s.Fen.Length))))];
    }

    /// <summary>Downward: where an allocation's money is now; null when the fund has no such allocation.</summary>
    public async Task<AllocationTrace?> DownAsync(string fundId, string allocationId, CancellationToken cancellation)
    {
        await LoadAsync(fundId, cancellation);
        if (_funds[fundId].Events.All(e => e.Data is not FundsAllocated a || a.AllocationId != allocationId)) return null;
        var allocation = Allocation(fundId, allocationId);
        var places = Axes(fundId).Down(allocation.Event.SubAccount, allocation.Event.Fen, Axes);
        var uses = new List<AllocationUse>();
        foreach (var used in places.Where(p => p.Kind == PlaceKind.Used).GroupBy(p => p.ApplicationId!))
        {
            var application = (await session.LoadAsync<Application>(used.Key, cancellation))!;
            uses.AddRange(application.Lines.Where(l => l.Fen is not null)
                .Select(l => (Line: l, Fen: Money.Sum(used.Select(p => p.Fen.Overlap(l.Fen!.Value)?.Length ?? Money.Zero))))
                .Where(x => x.Fen.IsPositive)
                .Select(x => new AllocationUse(application.Id, x.Line.MemberId, x.Fen, x.Line.Status)));
        }
        Money Sum(PlaceKind kind) => Money.Sum(places.Where(p => p.Kind == kind).Select(p => p.Fen.Length));
        var fund = (await session.LoadAsync<Fund>(fundId, cancellation))!;
        return new AllocationTrace(allocation, fund.Name, uses, Sum(PlaceKind.Available), Sum(PlaceKind.Returned));
    }
}
