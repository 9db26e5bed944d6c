using System.Diagnostics;
using System.Reflection;
using Ledger.Domain;
using Marten;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// The look at the states beside the streams, all of them in turn: where the seal holds nothing is left to do; another
/// is worked out from its events, compared (see <see cref="EditedStates"/>) and sealed. After an upgrade that changed a
/// state's form this is what brings the documents up to date.
/// </summary>
public sealed class StateLook(
    EventWriter writer,
    IDocumentStore store,
    EventSeal seal,
    NpgsqlDataSource database,
    Findings findings
)
{
    private readonly StoredEvents _sealed = new(store, LedgerStore.Schema, seal);

    /// <summary>How many are read in one look, and how many at most are locked while they are sealed.</summary>
    private const int Page = 200,
        Locked = 20;

    private static readonly IReadOnlyList<(string Prefix, Type Of, MethodInfo Look)> Kinds =
    [
        .. EventTypes.Prefixes.Select(p =>
            (
                p.Prefix,
                p.Of,
                Look: typeof(StateLook)
                    .GetMethod(nameof(PageAsync), BindingFlags.NonPublic | BindingFlags.Instance)!
                    .MakeGenericMethod(p.Of)
            )
        ),
    ];

    private static int KindOf(string id)
    {
        for (var i = 0; i < Kinds.Count; i++)
            if (id.StartsWith(Kinds[i].Prefix, StringComparison.Ordinal))
                return i;
        return -1;
    }

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
                 order by id limit {Page}
                """,
                // As Marten names an aggregate; streams of before November 2026 have its name without the bar.
                r =>
                    (
                        Id: r.GetString(0),
                        Type: r.IsDBNull(1) ? null : r.GetString(1).Replace("_", "", StringComparison.Ordinal)
                    ),
                ("after", after)
            );
            if (streams.Count == 0)
                break;
            foreach (var kind in streams.GroupBy(s => KindOf(s.Id)))
            {
                var ids = await SortedAsync(connection, kind.Key, [.. kind]);
                if (ids.Length > 0)
                    mended += await LookAsync(connection, kind.Key, ids);
            }
            after = streams[^1].Id;
            await Task.Delay(page.Elapsed * rest, cancellation);
        }
        await StateShapes.KeepAsync(connection);
        return mended;
    }

    /// <summary>
    /// Those that have a state, or should; a stream that says it is of another kind is a finding, and looked at all the
    /// same. Streams of refusals say nothing, and have none; what stands in them the product wrote.
    /// </summary>
    private async Task<string[]> SortedAsync(
        NpgsqlConnection connection,
        int kind,
        IReadOnlyList<(string Id, string? Type)> streams
    )
    {
        var name = kind < 0 ? null : Kinds[kind].Of.Name.ToLowerInvariant();
        var silent = streams.Where(s => s.Type is null).Select(s => s.Id).ToArray();
        // Refusals alone have no state; a stream of no event at all is somebody's.
        var refusals =
            kind < 0 || silent.Length == 0
                ? []
                : await connection.QueryAsync(
                    $"""
                    select e.stream_id
                      from {LedgerStore.Schema}.mt_events e
                     where e.stream_id = any(@ids)
                       and not exists (select from {StateTable.Of(LedgerStore.Schema, Kinds[kind].Of)} d
                                        where d.id = e.stream_id)
                     group by 1
                    having bool_and(e.type = 'command_refused')
                    """,
                    r => r.GetString(0),
                    ("ids", silent)
                );
        foreach (
            var (id, type) in streams.Where(s =>
                s.Type is null ? kind >= 0 && !refusals.Contains(s.Id) : s.Type != name
            )
        )
            await findings.AddAsync(
                "state",
                $"{id}：流的种类被改为 {(type is null ? "（无）" : type[..Math.Min(type.Length, 100)])} a stream of another kind"
            );
        await RefusalsAsync(connection, kind < 0 ? [.. streams.Select(s => s.Id)] : [.. refusals]);
        return kind < 0 ? [] : [.. streams.Select(s => s.Id).Except(refusals)];
    }

    /// <summary>Of each stream the first event that is no refusal of the product's.</summary>
    private async Task RefusalsAsync(NpgsqlConnection connection, string[] ids)
    {
        if (ids.Length == 0)
            return;
        var named = new HashSet<string>();
        await foreach (var row in _sealed.LookAsync(connection, "stream_id = any(@ids)", ("ids", ids)))
            if (
                (row.Event is not { Data: CommandRefused } e || e.IsForeign() || EventTypes.IsOfNoKind(row.Stream))
                && named.Add(row.Stream)
            )
                await findings.AddAsync(
                    "state",
                    EventTypes.IsOfNoKind(row.Stream)
                        ? $"{row.Stream}：产品没有这种流，自事件 {row.Sequence} 起不是产品写入的 a stream of no kind"
                        : $"{row.Stream}：{row.Event?.Named() ?? row.Fault!.Message}不是产品写入的 a refusal that was not one"
                );
    }

    /// <summary>One stream that stops the look is a finding that names it; the others are looked at.</summary>
    private async Task<int> LookAsync(NpgsqlConnection connection, int kind, string[] ids)
    {
        try
        {
            return await (Task<int>)Kinds[kind].Look.Invoke(this, [connection, ids])!;
        }
        catch (Exception e) when (ids.Length == 1 && IsOfARow(e))
        {
            await findings.AddAsync("state", $"{ids[0]}：无法核对，{e.GetType().Name} the look fails over a stream", e);
            return 0;
        }
        catch (Exception e) when (IsOfARow(e))
        {
            var mended = 0;
            foreach (var id in ids)
                mended += await LookAsync(connection, kind, [id]);
            return mended;
        }
    }

    /// <summary>
    /// A finding stays for ever: what the server or the way to it had to say (a lock, a stop, a full disk) is none, but
    /// data that it cannot read (class 22) are.
    /// </summary>
    private static bool IsOfARow(Exception e) =>
        e is not OperationCanceledException
        && (e is not NpgsqlException || e is PostgresException { SqlState: ['2', '2', ..] });

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
