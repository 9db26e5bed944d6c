using Marten;
using Npgsql;

namespace Ledger.Projections.Provenance;

/// <summary>Where a donor's gifts went (C23).</summary>
public static class GiftTrace
{
    /// <summary>
    /// Every gift of a donor to funds whose region begins with <paramref name="scope"/>, in order of time.
    /// </summary>
    public static async Task<IReadOnlyList<AllocationTrace>> OfDonorAsync(
        IQuerySession session,
        NpgsqlConnection connection,
        string donorId,
        string scope,
        CancellationToken cancellation
    )
    {
        var found = await connection.QueryAsync(
            $"""
            select stream_id, data ->> 'allocationId', seq_id, type
              from {session.DocumentStore.Options.Events.DatabaseSchemaName}.mt_events
             where type = 'funds_allocated'
               and data ->> 'donorId' = @donor
               and headers ->> 'region' like @scope || '%'
            """,
            r =>
                (
                    FundId: r.GetString(0),
                    AllocationId: r.IsDBNull(1) ? "" : r.GetString(1),
                    Sequence: r.GetInt64(2),
                    Type: r.GetString(3)
                ),
            ("donor", donorId),
            ("scope", scope)
        );
        var tracing = new Tracing(connection, session.DocumentStore);
        var gifts = new List<AllocationTrace>();
        foreach (var gift in found)
            gifts.Add(
                await tracing.DownAsync(gift.FundId, gift.AllocationId)
                    ?? throw new UnreadableEventException(
                        gift.Sequence,
                        gift.FundId,
                        gift.Type,
                        "资金的子账户中没有这笔划入"
                    )
            );
        return [.. gifts.OrderBy(g => g.Allocation.Event.RecordedAt)];
    }
}
