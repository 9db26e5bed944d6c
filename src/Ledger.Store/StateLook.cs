using System.Diagnostics;
using System.Reflection;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// The look at the states beside the streams, all of them in turn: where the seal holds nothing is left to do; another
/// is worked out from its events, compared (see <see cref="EditedStates"/>) and sealed. After an upgrade that changed a
/// state's form this is what brings the documents up to date.
/// </summary>
public sealed class StateLook(EventWriter writer, NpgsqlDataSource database)
{
    /// <summary>How many are read in one look, and how many at most are locked while they are sealed.</summary>
    private const int Page = 200,
        Locked = 20;

    private static readonly IReadOnlyDictionary<string, MethodInfo> Looks = EventTypes.Aggregates.ToDictionary(
        t => t.Name.ToLowerInvariant(),
        t =>
            typeof(StateLook)
                .GetMethod(nameof(PageAsync), BindingFlags.NonPublic | BindingFlags.Instance)!
                .MakeGenericMethod(t)
    );

    /// <param name="rest">How long it rests after each page, in times of what the page took.</param>
    /// <returns>How many states were sealed anew.</returns>
    public async Task<long> RunAsync(int rest, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var mended = 0L;
        var page = new Stopwatch();
        for (var after = ""; ; )
        {
            page.Restart();
            var streams = await connection.QueryAsync(
                $"""
                select id, type
                  from {LedgerStore.Schema}.mt_streams
                 where id > @after
                   and type is not null
                 order by id limit {Page}
                """,
                // As Marten names an aggregate; streams of before November 2026 have its name without the bar.
                r => (Id: r.GetString(0), Type: r.GetString(1).Replace("_", "", StringComparison.Ordinal)),
                ("after", after)
            );
            if (streams.Count == 0)
                break;
            foreach (var kind in streams.GroupBy(s => s.Type, s => s.Id))
                mended += await (Task<int>)Looks[kind.Key].Invoke(this, [connection, kind.ToArray()])!;
            after = streams[^1].Id;
            await Task.Delay(page.Elapsed * rest, cancellation);
        }
        await StateShapes.KeepAsync(connection);
        return mended;
    }

    private async Task<int> PageAsync<T>(NpgsqlConnection connection, string[] ids)
        where T : Aggregate
    {
        var doubtful = await writer.DoubtfulAsync<T>(connection, ids);
        foreach (var few in doubtful.Chunk(Locked))
            await SealAsync<T>(connection, few);
        return doubtful.Length;
    }

    private static bool IsDamage(RefusedException e) =>
        e.Rejection.Code == Rejections.FundDamaged || e.Rejection.Code == Rejections.RecordDamaged;

    private async Task SealAsync<T>(NpgsqlConnection connection, string[] ids)
        where T : Aggregate
    {
        try
        {
            await writer.ResealAsync<T>(connection, ids);
        }
        catch (RefusedException damaged) when (IsDamage(damaged))
        {
            // A finding names the event; the others go on.
            if (ids.Length > 1)
                foreach (var id in ids)
                    await SealAsync<T>(connection, [id]);
        }
    }
}
