using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Funds;
using Marten;
using Marten.Linq.MatchesSql;

namespace Ledger.Projections.Provenance;

/// <summary>Part of a gift that one member's line uses.</summary>
public sealed record GiftUse(string ApplicationId, string MemberId, Money AmountFen, LineStatus Status);

/// <summary>Where one gift went (C23): its uses, what is still available, what went back.</summary>
public sealed record GiftTrace(string FundId, string FundName, string AllocationId, DateTimeOffset RecordedAt, Money AmountFen, Earmark? Earmark,
    IReadOnlyList<GiftUse> Uses, Money AvailableFen, Money ReturnedFen)
{
    /// <summary>Every gift of a donor to funds whose region begins with <paramref name="scope"/>, in order of time.</summary>
    public static async Task<IReadOnlyList<GiftTrace>> OfDonorAsync(IQuerySession session, string donorId, string scope, CancellationToken cancellation)
    {
        var funds = await session.Query<Fund>()
            .Where(f => f.Region.StartsWith(scope) && f.MatchesSql("exists (select 1 from jsonb_each(d.data -> 'lots') lot where lot.value ->> 'donorId' = ?)", donorId))
            .ToListAsync(cancellation);
        var axes = new Dictionary<string, FundAxes>();
        foreach (var fund in funds) await LoadAsync(fund.Id);

        var gifts = new List<GiftTrace>();
        foreach (var fund in funds)
        {
            foreach (var e in await session.Events.FetchStreamAsync(fund.Id, token: cancellation))
            {
                if (e.Data is not FundsAllocated gift || gift.DonorId != donorId) continue;
                var places = axes[fund.Id].Down(gift.SubAccount, gift.Fen, id => axes[id]);
                gifts.Add(new GiftTrace(fund.Id, fund.Name, gift.AllocationId, e.Timestamp, gift.AmountFen, gift.Earmark,
                    await UsesAsync(places), Sum(places, PlaceKind.Available), Sum(places, PlaceKind.Returned)));
            }
        }
        return [.. gifts.OrderBy(g => g.RecordedAt)];

        // A fund, and those that its money went on to.
        async Task LoadAsync(string id)
        {
            if (axes.ContainsKey(id)) return;
            var events = (await session.Events.FetchStreamAsync(id, token: cancellation)).Select(e => (IEventOf<Fund>)e.Data).ToList();
            axes[id] = new FundAxes(id, events);
            foreach (var onward in events.OfType<FundsTransferred>().Select(t => t.ToFundId).Distinct()) await LoadAsync(onward);
        }

        async Task<IReadOnlyList<GiftUse>> UsesAsync(IReadOnlyList<Place> places)
        {
            var uses = new List<GiftUse>();
            foreach (var used in places.Where(p => p.Kind == PlaceKind.Used).GroupBy(p => p.ApplicationId!))
            {
                var application = (await session.LoadAsync<Application>(used.Key, cancellation))!;
                uses.AddRange(application.Lines.Where(l => l.Fen is not null)
                    .Select(l => (Line: l, Fen: Money.Sum(used.Select(p => p.Fen.Overlap(l.Fen!.Value)?.Length ?? Money.Zero))))
                    .Where(x => x.Fen.IsPositive)
                    .Select(x => new GiftUse(application.Id, x.Line.MemberId, x.Fen, x.Line.Status)));
            }
            return uses;
        }

        static Money Sum(IReadOnlyList<Place> places, PlaceKind kind) => Money.Sum(places.Where(p => p.Kind == kind).Select(p => p.Fen.Length));
    }
}
