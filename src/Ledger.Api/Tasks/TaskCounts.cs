using System.Collections.Concurrent;
using Ledger.Domain;
using Ledger.Domain.Tasks;
using Npgsql;

namespace Ledger.Api.Tasks;

/// <param name="Near">Of these, due within three days.</param>
/// <param name="Missed">Of these, whose last day is over.</param>
public sealed record TaskCountView(int Count, int Near, int Missed)
{
    public static TaskCountView Of(IReadOnlyList<WorkTask> tasks, DateOnly today) =>
        new(
            tasks.Count,
            tasks.Count(t => t.At(today) == TaskUrgency.Near),
            tasks.Count(t => t.At(today) == TaskUrgency.Missed)
        );
}

/// <summary>
/// How much waits for whom, for the number on every page, which asks every few seconds. As long as nothing was
/// recorded, the number of before is good and asking costs two rows read by their keys; where something always is, it
/// is worked out anew every <see cref="Least"/> at most.
/// </summary>
public sealed class TaskCounts(NpgsqlDataSource database, TaskReader reader, Clock clock)
{
    private static readonly TimeSpan Least = TimeSpan.FromSeconds(3),
        // What passes without an event: a day ends, the log has a finding.
        Most = TimeSpan.FromMinutes(1);
    private const int MostKept = 5_000;

    private sealed record Mark(long Recorded, long Seen);

    private sealed record Known(TaskCountView Count, Mark At, long Since, DateOnly Day);

    private readonly ConcurrentDictionary<Actor, Known> _known = [];

    public async Task<TaskCountView> OfAsync(Actor by, CancellationToken cancellation)
    {
        var who = new Actor(by.Id, by.Role, by.Region) { OnBehalfOf = by.OnBehalfOf };
        var (known, today) = (_known.GetValueOrDefault(who), clock.Today);
        var age = TimeSpan.FromMilliseconds(Environment.TickCount64 - (known?.Since ?? 0));
        if (known is not null && known.Day == today && age < Least)
            return known.Count;
        var mark = await MarkAsync(cancellation);
        if (known is not null && known.Day == today && age < Most && known.At == mark)
            return known.Count;
        var count = TaskCountView.Of(await reader.OfAsync(who, isAwaited: false, cancellation), today);
        if (_known.Count > MostKept)
            _known.Clear();
        _known[who] = new(count, mark, Environment.TickCount64, today);
        return count;
    }

    /// <summary>How far the events have come, and the work queue after them.</summary>
    private async Task<Mark> MarkAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        return (
            await connection.QueryAsync(
                $"""
                select (select last_value from {LedgerStore.Schema}.mt_events_sequence),
                       coalesce((select last_seq_id
                                   from {LedgerStore.Schema}.mt_event_progression
                                  where name = 'WorkQueue:All'), 0)
                """,
                r => new Mark(r.GetInt64(0), r.GetInt64(1))
            )
        ).Single();
    }
}
