using Npgsql;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// Compares what a receiver of webhooks said that it has with what lies in the log since it was agreed to: all of it,
/// in order, and more than once only where a message came again.
/// </summary>
public static class DeliveryChecker
{
    public static async Task<(IReadOnlyList<Violation> Violations, int Messages, int Again)> CheckAsync(
        string connectionString,
        Receiver receiver,
        TimeSpan patience
    )
    {
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        var found = new List<Violation>();
        for (var until = DateTime.UtcNow + patience; DateTime.UtcNow < until; await Task.Delay(200))
            if (await PositionsAsync(connection, Since) is { Count: > 0 } all && all.IsSubsetOf(Taken(receiver)))
                break;
        var expected = await PositionsAsync(connection, Since);
        var taken = receiver.Taken;
        var seen = new HashSet<long>();
        foreach (var message in taken)
        {
            var fresh = message.Positions.Where(seen.Add).ToList();
            // What came again is a message from before, or the beginning of one that went on further.
            if (fresh.Count > 0 && seen.Max() != fresh[^1] || !fresh.SequenceEqual(fresh.Order()))
                found.Add(new("delivery", $"{message.Id}: out of order: {string.Join(",", fresh)}"));
        }
        var missing = expected.Except(seen).Order().ToList();
        if (missing.Count > 0 || expected.Count == 0)
            found.Add(new("delivery", $"not delivered: {string.Join(",", missing)} of {expected.Count}"));
        if (seen.Except(await PositionsAsync(connection, "true")).ToList() is [_, ..] strange)
            found.Add(new("delivery", $"nobody asked for {string.Join(",", strange)}"));
        return (found, taken.Count, taken.Sum(m => m.Positions.Count) - seen.Count);
    }

    private static HashSet<long> Taken(Receiver receiver) => [.. receiver.Taken.SelectMany(m => m.Positions)];

    /// <summary>What happened just before it may come, too: the log takes it in some moments later.</summary>
    private const string Since = "l.seq > (select seq_id from ledger.mt_events where type = 'subscription_confirmed')";

    private static async Task<HashSet<long>> PositionsAsync(NpgsqlConnection connection, string condition) =>
        [
            .. await connection.QueryAsync(
                $"""
                select l.log_index
                  from ledger.log_entry l
                  join ledger.mt_events e on e.seq_id = l.seq
                 where e.headers ->> 'region' like '{CountyYear.County}%'
                   and {condition}
                """,
                r => r.GetInt64(0)
            ),
        ];
}
