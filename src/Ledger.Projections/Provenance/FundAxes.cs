using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Projections.Provenance;

/// <summary>What took fen out of a sub-account for good, or for an application.</summary>
public enum OutflowKind { Reserved, Returned, Transferred, Moved }

/// <summary>An interval that left; <paramref name="To"/> is the application or the other fund.</summary>
public sealed record Outflow(string SubAccount, FenInterval Fen, OutflowKind Kind, string To);

/// <summary>An outflow interval that came in again: released, refunded, carried behind a reversal, freed from its earmark.</summary>
public sealed record Move(string FromSubAccount, FenInterval Origin, string ToSubAccount, FenInterval Fen);

/// <summary>An interval of another fund's outflow that came in here.</summary>
public sealed record Arrival(string FromFundId, string SubAccount, FenInterval Origin, FenInterval Fen);

/// <summary>Fen of an allocation, by their interval on its sub-account's inflow axis: where money came from.</summary>
public sealed record Source(string FundId, string AllocationId, string SubAccount, FenInterval Fen);

/// <summary>Where some fen are now.</summary>
public enum PlaceKind { Available, Used, Returned }

/// <summary>Fen of one fund's sub-account and where they are; used: on the outflow axis, for <paramref name="ApplicationId"/>.</summary>
public sealed record Place(PlaceKind Kind, string FundId, string SubAccount, FenInterval Fen, string? ApplicationId = null);

/// <summary>
/// The axes of one fund, read off its events (domain.md, "Tracing each yuan"): fen k that leaves a sub-account is fen k that came into
/// it; what comes back says from where.
/// </summary>
public sealed class FundAxes
{
    private readonly List<Outflow> _outflows = [];
    private readonly List<Move> _moves = [];
    private readonly List<Arrival> _arrivals = [];
    private readonly List<Source> _lots = [];

    /// <summary>The funds that money came from or went to.</summary>
    public IEnumerable<string> Neighbours => _arrivals.Select(a => a.FromFundId).Concat(_outflows.Where(o => o.Kind == OutflowKind.Transferred).Select(o => o.To)).Distinct();

    public string FundId { get; }

    public FundAxes(string fundId, IEnumerable<IEventOf<Fund>> events)
    {
        FundId = fundId;
        foreach (var e in events) Read(e);
    }

    private void Read(IEventOf<Fund> e)
    {
        switch (e)
        {
            case FundsAllocated a:
                _lots.Add(new Source(FundId, a.AllocationId, a.SubAccount, a.Fen));
                break;
            case FundsReserved r:
                _outflows.Add(new Outflow(r.SubAccount, r.Fen, OutflowKind.Reserved, r.ApplicationId));
                break;
            case ReservationReleased r:
                _moves.Add(new Move(r.SubAccount, r.Origin, r.SubAccount, r.Fen));
                break;
            case FundsRefunded r:
                _moves.Add(new Move(r.SubAccount, r.Origin, r.SubAccount, r.Fen));
                break;
            case AllocationReversed r:
                _outflows.Add(new Outflow(r.SubAccount, r.Fen, OutflowKind.Returned, r.AllocationId));
                if (r.CarriedOrigin is { } carried)
                {
                    _outflows.Add(new Outflow(r.SubAccount, carried, OutflowKind.Moved, r.SubAccount));
                    _moves.Add(new Move(r.SubAccount, carried, r.SubAccount, r.CarriedFen!.Value));
                }
                break;
            case EarmarkLifted l:
                _outflows.Add(new Outflow(l.SubAccount, l.Origin, OutflowKind.Moved, SubAccount.General));
                _moves.Add(new Move(l.SubAccount, l.Origin, SubAccount.General, l.Fen));
                break;
            case SurplusReturned s:
                _outflows.Add(new Outflow(s.SubAccount, s.Fen, OutflowKind.Returned, ""));
                break;
            case FundsTransferred t:
                _outflows.Add(new Outflow(t.SubAccount, t.Fen, OutflowKind.Transferred, t.ToFundId));
                break;
            case TransferReceived t:
                _arrivals.Add(new Arrival(t.FromFundId, t.SubAccount, t.Origin, t.Fen));
                break;
        }
    }

    /// <summary>
    /// Where these fen, by their interval on the inflow axis of a sub-account, are now. The places sum to the interval.
    /// </summary>
    /// <param name="other">The axes of another fund that money went on to.</param>
    public IReadOnlyList<Place> Down(string subAccount, FenInterval fen, Func<string, FundAxes> other)
    {
        var places = new List<Place>();
        var left = new List<FenInterval> { fen };
        foreach (var outflow in _outflows.Where(o => o.SubAccount == subAccount))
        {
            if (outflow.Fen.Overlap(fen) is not { } part) continue;
            left = Without(left, part);
            var stayed = new List<FenInterval> { part };
            foreach (var move in _moves.Where(m => m.FromSubAccount == subAccount))
            {
                if (move.Origin.Overlap(part) is not { } back) continue;
                stayed = Without(stayed, back);
                places.AddRange(Down(move.ToSubAccount, Shift(back, move.Origin, move.Fen), other));
            }
            foreach (var gone in stayed)
            {
                if (outflow.Kind == OutflowKind.Reserved) places.Add(new Place(PlaceKind.Used, FundId, subAccount, gone, outflow.To));
                else if (outflow.Kind == OutflowKind.Returned) places.Add(new Place(PlaceKind.Returned, FundId, subAccount, gone));
                else if (outflow.Kind == OutflowKind.Transferred) places.AddRange(other(outflow.To).Arrived(FundId, subAccount, gone, other));
            }
        }
        places.AddRange(left.Select(rest => new Place(PlaceKind.Available, FundId, subAccount, rest)));
        InvariantViolationException.Require(Money.Sum(places.Select(p => p.Fen.Length)) == fen.Length, $"{FundId}/{subAccount}: {fen} is not wholly accounted for");
        return places;
    }

    /// <summary>
    /// Which allocations these fen, by their interval on the outflow axis of a sub-account, came from: first in, first out, and what had
    /// come back before is followed to its own origin. The sources sum to the interval.
    /// </summary>
    public IReadOnlyList<Source> Up(string subAccount, FenInterval fen, Func<string, FundAxes> other)
    {
        var sources = new List<Source>();
        foreach (var lot in _lots.Where(l => l.SubAccount == subAccount))
            if (lot.Fen.Overlap(fen) is { } part) sources.Add(lot with { Fen = part });
        foreach (var move in _moves.Where(m => m.ToSubAccount == subAccount))
            if (move.Fen.Overlap(fen) is { } part) sources.AddRange(Up(move.FromSubAccount, Shift(part, move.Fen, move.Origin), other));
        foreach (var arrival in _arrivals.Where(a => a.SubAccount == subAccount))
            if (arrival.Fen.Overlap(fen) is { } part) sources.AddRange(other(arrival.FromFundId).Up(subAccount, Shift(part, arrival.Fen, arrival.Origin), other));
        InvariantViolationException.Require(Money.Sum(sources.Select(s => s.Fen.Length)) == fen.Length, $"{FundId}/{subAccount}: the sources of {fen} do not sum to it");
        return sources;
    }

    private IEnumerable<Place> Arrived(string fromFundId, string subAccount, FenInterval origin, Func<string, FundAxes> other) => _arrivals
        .Where(a => a.FromFundId == fromFundId && a.SubAccount == subAccount && a.Origin.Overlap(origin) is not null)
        .SelectMany(a => Down(subAccount, Shift(a.Origin.Overlap(origin)!.Value, a.Origin, a.Fen), other));

    private static FenInterval Shift(FenInterval part, FenInterval from, FenInterval to) => new(part.From - from.From + to.From, part.To - from.From + to.From);

    private static List<FenInterval> Without(List<FenInterval> intervals, FenInterval hole) =>
    [
        .. intervals.SelectMany(i => i.Overlap(hole) is not { } cut ? [i]
            : new[] { new FenInterval(i.From, cut.From), new FenInterval(cut.To, i.To) }.Where(x => x.From < x.To)),
    ];
}
