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

    /// <summary>A fund's entries in the order in which they were recorded.</summary>
    public IAsyncEnumerable<JournalEntry> EntriesAsync(string fundId) =>
        EntriesAsync(events.LookAsync(connection, "stream_id = @fund", ("fund", fundId)));

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
