using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Log;
using Ledger.Domain.Log.Steps;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Api.Log;

/// <summary>
/// <c>log-continue</c>: what the database has, what was seen beyond it, and the declaration that the log goes on from
/// here (续接). Runs as the tables' owner, with the log's key and the key file.
/// </summary>
public sealed class LogContinuing(
    NpgsqlDataSource owner,
    EventWriter writer,
    FindingSeal findings,
    LogKeys keys,
    Settings settings,
    TimeProvider time
)
{
    private const string S = LedgerStore.Schema;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    /// <summary>A checkpoint that somebody has, and when its file was written.</summary>
    public sealed record Held(Checkpoint Checkpoint, DateTimeOffset WrittenAt);

    /// <summary>Of the log's keys, or it says nothing here.</summary>
    /// <exception cref="OperationException"/>
    public Held Read(string file)
    {
        try
        {
            var checkpoint = Checkpoint.Parse(File.ReadAllText(file));
            return checkpoint.Origin == keys.Origin && checkpoint.IsSignedBy(keys.Known)
                ? new Held(checkpoint, File.GetLastWriteTimeUtc(file))
                : throw new OperationException(
                    $"{file} 不是本日志（{keys.Origin}）的密钥所签。Not signed by this log's key."
                );
        }
        catch (NoteException e)
        {
            throw new OperationException($"{file}：{e.Message}。It is no checkpoint.", inner: e);
        }
    }

    /// <summary>What stands here against what was seen.</summary>
    public async Task<ContinueLog.Basis> LookAsync(NpgsqlConnection connection, IReadOnlyList<Held> seen)
    {
        var size = (
            await connection.QueryAsync($"select size from {S}.log_state for update", r => r.GetInt64(0))
        ).Single();
        var tiles = new Tiles(connection, S);
        async Task<LogTree> TreeAsync(long of) =>
            new(of, Convert.ToBase64String(await tiles.AskAsync(node => MerkleTree.Root(of, node))));
        var trees = new List<ContinueLog.SeenTree>();
        foreach (var held in seen)
            trees.Add(
                new(
                    new LogTree(held.Checkpoint.Size, Convert.ToBase64String(held.Checkpoint.Root)),
                    held.Checkpoint.Note,
                    await tiles.ContainsAsync(held.Checkpoint.Size, held.Checkpoint.Root, size)
                )
            );
        var fork = ContinueLog.Fork(trees);
        var (shared, until) = (0L, seen.Max(s => s.WrittenAt).ToUniversalTime());
        if (fork.Count > 0)
        {
            if (
                await LogStore.LatestAsync(connection, S, keys.Known) is { } own
                && !await tiles.ContainsAsync(own.Size, own.Root, size)
            )
                throw new OperationException(
                    $"数据库自己签过的 {own.Size} 条的检查点也不在现在的日志中：这不是丢失了尾部，是历史被改写，不能续接。"
                        + "The history was rewritten: that cannot be continued."
                );
            // What this database signed before the loss, on whatever node: what it signed since is none of the fork's.
            var (before, _) = await LogStore.NewestAsync(connection, S, keys.Known, fork[^1].Tree.TreeSize, until);
            shared = before?.Size ?? 0;
        }
        return new ContinueLog.Basis(
            fork.Count == 0 ? null : await KnownAsync(connection, fork[0].Tree),
            keys.Origin,
            await TreeAsync(shared),
            await TreeAsync(size),
            trees,
            await RecordedAtAsync(connection, shared - 1),
            until < time.GetUtcNow() ? until : time.GetUtcNow()
        );
    }

    private async Task<LogContinuation?> KnownAsync(NpgsqlConnection connection, LogTree furthest)
    {
        var id = Domain.Identity.StreamId.LogContinuation(furthest.TreeSize, furthest.Root);
        var (_, states) = await writer.LockAsync<LogContinuation>(connection, [id], "for update");
        return states.GetValueOrDefault(id);
    }

    private static async Task<DateTimeOffset?> RecordedAtAsync(NpgsqlConnection connection, long index) =>
        (
            await connection.QueryAsync(
                $"""
                select e.timestamp
                  from {S}.log_entry l
                  join {S}.mt_events e on e.seq_id = l.seq
                 where l.log_index = @index
                """,
                r => (DateTimeOffset?)r.GetFieldValue<DateTimeOffset>(0),
                ("index", index)
            )
        ).FirstOrDefault();

    /// <summary>
    /// The smallest region in which everything happened: whoever sees the whole log sees this, too, and nobody's scope
    /// is torn by it.
    /// </summary>
    public static async Task<string> RegionAsync(NpgsqlConnection connection)
    {
        var (first, last) = (
            await connection.QueryAsync(
                $$"""
                select min(r), max(r)
                  from (select headers ->> 'region' as r from {{S}}.mt_events) e
                 where r ~ '^[0-9]{4,12}$'
                """,
                r => r.IsDBNull(0) ? ("", "") : (r.GetString(0), r.GetString(1))
            )
        ).Single();
        var common = first.Zip(last).TakeWhile(p => p.First == p.Second).Count();
        int[] lengths = [12, 9, 6, 4];
        return lengths.FirstOrDefault(l => l <= common) is > 0 and var length ? first[..length]
            : first.Length >= 4 ? first[..4]
            : throw new OperationException("数据库中还没有事件，没有什么可续接。There is nothing to continue.");
    }

    /// <summary>Writes it; the refusal where it cannot be.</summary>
    /// <param name="connection">In the transaction of the look.</param>
    public async Task<Rejection?> DeclareAsync(
        NpgsqlConnection connection,
        ContinueLog.Basis basis,
        string reason,
        IReadOnlyList<string> approvedBy
    )
    {
        var region = await RegionAsync(connection);
        var decision = ContinueLog.Decide(basis, new(region, reason, approvedBy), Sign);
        if (decision.Rejection is { } refused)
            return refused;
        var furthest = ContinueLog.Fork(basis.Seen)[0].Tree;
        var id = Domain.Identity.StreamId.LogContinuation(furthest.TreeSize, furthest.Root);
        await writer.WriteAsync(
            connection,
            [StreamChange.Of(Change.Of(id, basis.Known, decision.Events))],
            new EventStamp(
                ActorName.Console(region),
                region,
                Clock.Day(time.GetUtcNow()),
                "log-continue",
                $"{Guid.NewGuid():N}",
                ""
            )
        );
        return null;
    }

    private string Sign(LogContinued declared) =>
        new Continuation(
            declared.Log,
            Head(declared.Shared),
            Head(declared.Continued),
            [.. declared.Fork.Select(Checkpoint.Parse).Select(c => new TreeHead(c.Size, c.Root))],
            declared.Reason,
            declared.ApprovedBy,
            []
        )
            .SignedBy(keys.Signing, time.GetUtcNow())
            .Note;

    private static TreeHead Head(LogTree tree) => new(tree.TreeSize, Convert.FromBase64String(tree.Root));

    /// <summary>
    /// Takes the declaration into the log and signs it, whether or not a node runs: the number of its event and its
    /// receipt; null where somebody holds the log.
    /// </summary>
    public async Task<(long Sequence, LogProof Proof)?> SealAsync(string fork)
    {
        var (sequencer, signer) = (
            new Sequencer(owner, S),
            new CheckpointSigner(owner, S, keys.Signing, keys.Known, keys.Memory, findings, time)
        );
        await using var connection = await owner.OpenConnectionAsync();
        var sequence = (
            await connection.QueryAsync(
                $"select seq_id from {S}.mt_events where stream_id = @fork order by version desc limit 1",
                r => r.GetInt64(0),
                ("fork", fork)
            )
        ).Single();
        for (var end = DateTime.UtcNow + Patience; DateTime.UtcNow < end; await Task.Delay(100))
        {
            await sequencer.RoundAsync(CancellationToken.None);
            await signer.SignAsync(CancellationToken.None);
            if ((await LogEndpoints.ProofAsync(sequence, connection, settings, keys))?.Proof is { } proof)
                return (sequence, proof);
        }
        return null;
    }
}
