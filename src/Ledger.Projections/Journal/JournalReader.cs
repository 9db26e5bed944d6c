using Ledger.Domain.Funds;
using Marten;
using Npgsql;

namespace Ledger.Projections.Journal;

/// <summary>
/// Reads the journals of many funds: memory stays constant however long they are. What is no event of a fund is left
/// out and told: one forged row must not keep a county's books from an auditor.
/// </summary>
public sealed class JournalReader(
    StoredEvents events,
    NpgsqlConnection connection,
    Action<UnreadableEventException> leftOut
)
{
    /// <summary>The funds whose region begins with <paramref name="scope"/>, in order of their ids.</summary>
    public static async Task<IReadOnlyList<string>> FundsAsync(
        IQuerySession session,
        string scope,
        CancellationToken cancellation
    ) =>
        await session
            .Query<Fund>()
            .Where(f => f.Region.StartsWith(scope))
            .OrderBy(f => f.Id)
            .Select(f => f.Id)
            .ToListAsync(cancellation);

    /// <summary>A fund's entries in the order in which they were recorded, numbered.</summary>
    public IAsyncEnumerable<JournalEntry> EntriesAsync(string fundId) =>
        NumberedAsync(EntriesAsync(events.LookAsync(connection, "stream_id = @fund", ("fund", fundId))));

    /// <summary>One entry with its number: as many as were recorded up to it for the month.</summary>
    public async Task<JournalEntry> NumberedAsync(JournalEntry entry)
    {
        var number = 0;
        await foreach (
            var _ in EntriesAsync(
                events.LookAsync(
                    connection,
                    $"""
                    stream_id = @fund
                    and seq_id <= @sequence
                    and headers ->> '{EventHeaders.BusinessDate}' like @month || '%'
                    """,
                    ("fund", entry.FundId),
                    ("sequence", entry.Sequence),
                    ("month", $"{entry.Date:yyyy-MM}-")
                )
            )
        )
            number++;
        return entry with { Number = number };
    }

    private static async IAsyncEnumerable<JournalEntry> NumberedAsync(IAsyncEnumerable<JournalEntry> entries)
    {
        var counts = new Dictionary<(int Year, int Month), int>();
        await foreach (var e in entries)
        {
            var month = (e.Date.Year, e.Date.Month);
            counts[month] = counts.GetValueOrDefault(month) + 1;
            yield return e with
            {
                Number = counts[month],
            };
        }
    }

    /// <summary>All funds' entries in one order of business dates.</summary>
    public IAsyncEnumerable<JournalEntry> ByDateAsync(string[] funds) =>
        EntriesAsync(events.LookByDateAsync(connection, "stream_id = any(@funds)", ("funds", funds)));

    private async IAsyncEnumerable<JournalEntry> EntriesAsync(IAsyncEnumerable<StoredRow> rows)
    {
        await foreach (var row in rows)
        {
            var (e, fault) = row.Of<Fund>();
            if (fault is not null)
                leftOut(fault);
            else if (JournalEntry.Of(e!) is { } entry)
                yield return entry;
        }
    }
}
