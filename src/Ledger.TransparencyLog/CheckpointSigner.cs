using Npgsql;

namespace Ledger.TransparencyLog;

/// <summary>
/// What the signer remembers apart from the database: the last checkpoint it signed, in a file beside its key. A
/// database that was rewound or rewritten meets somebody who knows better.
/// </summary>
public sealed class SignerMemory(string path)
{
    public Checkpoint? Read() => File.Exists(path) ? Checkpoint.Parse(File.ReadAllText(path)) : null;

    public void Write(Checkpoint checkpoint)
    {
        var fresh = $"{path}.new";
        using (var file = new FileStream(fresh, FileMode.Create, FileAccess.Write))
        {
            file.Write(System.Text.Encoding.UTF8.GetBytes(checkpoint.Note));
            file.Flush(flushToDisk: true);
        }
        File.Move(fresh, path, overwrite: true);
    }

    /// <summary>
    /// What it remembers goes on as a fork: the old note stays beside, under its size, and nobody deletes it.
    /// </summary>
    public void KeepFork(Checkpoint checkpoint) => File.WriteAllText($"{path}.{checkpoint.Size}.fork", checkpoint.Note);
}

/// <summary>
/// Signs the tree as it stands, after proving that it contains every tree that was signed before. Two checkpoints that
/// contradict each other are never signed, unless two people have declared the earlier one to be of a fork that is lost
/// (<see cref="Continuation"/>), in this log and under its key. What other nodes signed is remembered, too: each node's
/// memory is as far as the last round.
/// </summary>
public sealed class CheckpointSigner(
    NpgsqlDataSource database,
    string schema,
    IReadOnlyList<NoteSigner> keys,
    IReadOnlyList<NoteVerifier> known,
    SignerMemory memory,
    FindingSeal seal,
    TimeProvider time
)
{
    /// <summary>The new checkpoint; null when nothing was added, or another node holds the log.</summary>
    /// <exception cref="LogDamagedException">The tree does not contain what was signed; nothing is signed.</exception>
    public async Task<Checkpoint?> SignAsync(CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await using var transaction = await connection.BeginTransactionAsync(cancellation);
        var sizes = await connection.QueryAsync(
            $"select size from {schema}.log_state for update skip locked",
            r => r.GetInt64(0)
        );
        if (sizes is not [var size] || size == 0)
            return null;
        var (stored, forged) = await LogStore.NewestAsync(connection, schema, known);
        if (forged is not null)
            await FindAsync(
                $"数据库中大小 {forged} 的检查点不是日志密钥所签，不予采用 a checkpoint of somebody else",
                cancellation
            );
        var remembered = memory.Read();
        if (remembered is not null && remembered.Origin != keys[0].Verifier.Name)
            throw new LogDamagedException($"签名记忆属于另一日志 {remembered.Origin}");
        var tiles = new Tiles(connection, schema);
        var root = await tiles.AskAsync(node => MerkleTree.Root(size, node));
        var forked = remembered is not null && await IsKnownForkAsync(connection, tiles, remembered, size);
        await RequireWithinAsync(tiles, stored, "数据库", size, root);
        if (!forked)
            await RequireWithinAsync(tiles, remembered, "签名者", size, root);
        if (forked)
            memory.KeepFork(remembered!);
        // A fork is forgotten for what has its declaration, and for nothing less.
        if (stored is not null && (forked ? stored.Size == size : remembered is null || stored.Size > remembered.Size))
            memory.Write(stored);
        if (stored?.Size == size)
            return null;
        var bare = new Checkpoint(keys[0].Verifier.Name, size, root, []);
        var signed = bare with { Signatures = [.. keys.Select(k => k.Sign(bare.Text, time.GetUtcNow()))] };
        var inserted = await connection.ExecuteAsync(
            $"insert into {schema}.log_checkpoint (size, note) values (@size, @note) on conflict do nothing",
            ("size", size),
            ("note", signed.Note)
        );
        if (inserted == 0)
        {
            await FindAsync($"大小 {size} 的检查点的位置被他人占去，有新事件后再签 its place is taken", cancellation);
            return null;
        }
        // Remembered before anybody sees it: signing twice the same is harmless, forgetting what went out is not.
        memory.Write(signed);
        await transaction.CommitAsync(cancellation);
        return signed;
    }

    /// <exception cref="LogDamagedException">The tree does not contain it.</exception>
    private static async Task RequireWithinAsync(Tiles tiles, Checkpoint? was, string whose, long size, byte[] root)
    {
        if (was is null)
            return;
        if (was.Size > size)
            throw new LogDamagedException(
                $"{whose}记得大小 {was.Size} 的检查点，现在的日志没有那么长：日志被截断，或恢复了旧备份"
            );
        var proof = await tiles.AskAsync(node => MerkleTree.ConsistencyProof(was.Size, size, node));
        if (!MerkleTree.VerifyConsistency(was.Size, size, was.Root, root, proof))
            throw new LogDamagedException($"现在的日志不包含{whose}所记的检查点（{was.Size} 条）：历史被改写");
    }

    /// <summary>
    /// The tree does not contain what is remembered, and the log itself says why: it was continued from an earlier
    /// entry, and this is of the fork.
    /// </summary>
    private async Task<bool> IsKnownForkAsync(NpgsqlConnection connection, Tiles tiles, Checkpoint was, long size) =>
        !await tiles.ContainsAsync(was.Size, was.Root, size)
        && (await Continuation.InLogAsync(connection, schema, known, size)).Any(c =>
            c.Said.Origin == was.Origin && c.Said.Covers(was.Size)
        );

    /// <summary>Apart from the round's transaction, which may come to nothing.</summary>
    private async Task FindAsync(string detail, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await Findings.WriteAsync(connection, schema, seal, "checkpoint", detail);
    }
}
