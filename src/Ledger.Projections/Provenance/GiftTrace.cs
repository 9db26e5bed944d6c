using Ledger.Domain.Funds;
using Marten;
using Marten.Linq.MatchesSql;
using Npgsql;

namespace Ledger.Projections.Provenance;

/// <summary>Where a donor's gifts went (C23).</summary>
public static class GiftTrace
{
    /// <summary>Every gift of a donor to funds whose region begins with <paramref name="scope"/>, in order of time.</summary>
    public static async Task<IReadOnlyList<AllocationTrace>> OfDonorAsync(IQuerySession session, NpgsqlConnection connection, string donorId, string scope, CancellationToken cancellation)
    {
        var funds = await session.Query<Fund>()
            .Where(f => f.Region.StartsWith(scope) && f.MatchesSql("exists (select 1 from jsonb_each(d.data -> 'lots') lot where lot.value ->> 'donorId' = ?)", donorId))
            .ToListAsync(cancellation);
        var tracing = new Tracing(connection, session.DocumentStore);
        var gifts = new List<AllocationTrace>();
        foreach (var fund in funds)
            foreach (var gift in fund.Lots.Where(l => l.Value.DonorId == donorId))
                gifts.Add((await tracing.DownAsync(fund.Id, gift.Key))!);
        return [.. gifts.OrderBy(g => g.Allocation.Event.RecordedAt)];
    }
}
