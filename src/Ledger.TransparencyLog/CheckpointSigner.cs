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
}

/// <summary>
/// Signs the tree as it stands, after proving that it contains every tree that was signed before. Two checkpoints that
/// contradict each other are never signed.
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
        foreach (var (was, whose) in new[] { (stored, "数据库"), (remembered, "签名者") })
        {
            if (was is null)
                continue;
            if (was.Size > size)
                throw new LogDamagedException(
                    $"{whose}记得大小 {was.Size} 的检查点，现在的日志没有那么长：日志被截断，或恢复了旧备份"
                );
            var proof = await tiles.AskAsync(node => MerkleTree.ConsistencyProof(was.Size, size, node));
            if (!MerkleTree.VerifyConsistency(was.Size, size, was.Root, root, proof))
                throw new LogDamagedException($"现在的日志不包含{whose}所记的检查点（{was.Size} 条）：历史被改写");
        }
        if (stored?.Size == size)
        {
            if (remembered is null)
                memory.Write(stored);
            return null;
        }
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

    /// <summary>Apart from the round's transaction, which may come to nothing.</summary>
    private async Task FindAsync(string detail, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        await Findings.WriteAsync(connection, schema, seal, "checkpoint", detail);
    }
}
