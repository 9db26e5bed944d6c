using Ledger.Domain.Funds;
using Marten;

namespace Ledger.Projections.Journal;

/// <summary>Reads the journal fund by fund, a page at a time: memory stays constant however long it is.</summary>
public static class JournalReader
{
    private const int Page = 1000;

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
    public static async IAsyncEnumerable<JournalEntry> EntriesAsync(
        IQuerySession session,
        string fundId,
        [System.Runtime.CompilerServices.EnumeratorCancellation] CancellationToken cancellation
    )
    {
        for (var after = 0L; ; )
        {
            var events = await session
                .Events.QueryAllRawEvents()
                .Where(e => e.StreamKey == fundId && e.Version > after)
                .OrderBy(e => e.Version)
                .Take(Page)
                .ToListAsync(cancellation);
            foreach (var e in events)
                if (JournalEntry.Of(e) is { } entry)
                    yield return entry;
            if (events.Count < Page)
                yield break;
            after = events[^1].Version;
        }
    }
}
