using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Tasks;
using Marten;
using Npgsql;

namespace Ledger.Api.Tasks;

/// <summary>What of a region's open funds says whether interest is to be registered: by states and events.</summary>
public static class FundInterests
{
    /// <summary>An allocation that was taken back was none.</summary>
    private const string Days = $"""
        with e as (
             select stream_id, type, data, (headers ->> '{EventHeaders.BusinessDate}')::date as day
               from {LedgerStore.Schema}.mt_events
              where stream_id = any(@ids)
                and data ? 'amountFen'),
             standing as (
             select *
               from e
              where not (type = 'funds_allocated'
                         and exists (select 1
                                       from e r
                                      where r.stream_id = e.stream_id
                                        and r.type = 'allocation_reversed'
                                        and r.data ->> 'allocationId' = e.data ->> 'allocationId')))
        select stream_id,
               min(day) filter (where type in ('funds_allocated', 'transfer_received')),
               max(day),
               max(day) filter (where type = 'funds_allocated' and data ->> 'source' = @interest)
          from standing
         group by stream_id
        """;

    public static async Task<IReadOnlyList<FundInterest>> OfAsync(
        string region,
        IQuerySession session,
        NpgsqlConnection connection,
        CancellationToken cancellation
    )
    {
        var funds = await session
            .Query<Fund>()
            .Where(f => f.Region.StartsWith(region) && !f.IsClosed)
            .ToListAsync(cancellation);
        if (funds.Count == 0)
            return [];
        var days = (
            await connection.QueryAsync(
                Days,
                r => (Of: r.GetString(0), Since: Day(r, 1), Moved: Day(r, 2), Interest: Day(r, 3)),
                ("ids", funds.Select(f => f.Id).ToArray()),
                ("interest", SourceKind.BankInterest.Word())
            )
        ).ToDictionary(d => d.Of);
        return
        [
            .. funds.Select(f =>
            {
                var known = days.GetValueOrDefault(f.Id);
                return new FundInterest(
                    f.Id,
                    f.Region,
                    known.Since,
                    known.Moved,
                    known.Interest,
                    (f.AvailableFen + f.ReservedFen).IsPositive
                );
            }),
        ];
    }

    private static DateOnly? Day(NpgsqlDataReader r, int column) =>
        r.IsDBNull(column) ? null : r.GetFieldValue<DateOnly>(column);
}
