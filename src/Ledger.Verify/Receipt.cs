using System.Globalization;
using System.Text.Json;
using Ledger.TransparencyLog;

namespace Ledger.Verify;

/// <summary>A receipt of one event: C2SP tlog-proof, with the entry as its extra data.</summary>
public static class Receipt
{
    /// <summary>What it proves, in words.</summary>
    /// <exception cref="NotProven"/>
    public static string Check(string file, IReadOnlyList<Key> keys, IReadOnlyList<Key> witnesses)
    {
        var (checkpoint, index, entry) = Prove(file, keys, witnesses);
        using var json = JsonDocument.Parse(entry);
        var e = json.RootElement;
        if (e.GetProperty("index").GetInt64() != index)
            throw new NotProven($"条目自称第 {e.GetProperty("index").GetInt64()} 条，证明的是第 {index} 条");
        if (e.GetProperty("recordedAt").GetDateTimeOffset() > checkpoint.SeenAt + TimeSpan.FromMinutes(10))
            throw new NotProven("事件的记录时间晚于检查点的见证时间");
        var amount = e.GetProperty("data").TryGetProperty("amountFen", out var fen)
            ? $"，{fen.GetInt64() / 100}.{fen.GetInt64() % 100:00} 元"
            : "";
        return $"""
            成立 OK：事件 {e.GetProperty(
                    "sequence"
                ).GetInt64()} 是日志 {checkpoint.Origin} 的第 {index} 条（共 {checkpoint.Size} 条）。
            {e.GetProperty("type").GetString()}，{e.GetProperty("stream").GetString()}，第 {e.GetProperty(
                    "version"
                ).GetInt64()} 版{amount}
            记录于 {e.GetProperty("recordedAt").GetString()}，经办 {e.GetProperty("headers").GetProperty(
                "actor"
            ).GetString()}（{e.GetProperty("headers").GetProperty("role").GetString()}）
            {checkpoint.Signers}
            """;
    }

    /// <summary>The entry, its place, and the checkpoint that it is under.</summary>
    /// <exception cref="NotProven"/>
    public static (SignedCheckpoint Checkpoint, long Index, byte[] Entry) Prove(
        string file,
        IReadOnlyList<Key> keys,
        IReadOnlyList<Key> witnesses
    )
    {
        var at = file.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = at < 0 ? [] : file[..at].Split('\n');
        if (
            lines.Length < 3
            || lines[0] != "c2sp.org/tlog-proof@v1"
            || !lines[1].StartsWith("extra ", StringComparison.Ordinal)
            || !lines[2].StartsWith("index ", StringComparison.Ordinal)
            || !long.TryParse(lines[2][6..], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
            || lines[2][6..] != index.ToString(CultureInfo.InvariantCulture)
        )
            throw new NotProven("这不是存证回执（.tlog-proof）");
        var entry = Base64Text.Read(lines[1][6..]);
        var checkpoint = SignedCheckpoint.Read(file[(at + 2)..], keys, witnesses);
        if (
            !MerkleTree.VerifyInclusion(
                index,
                checkpoint.Size,
                MerkleTree.HashLeaf(entry),
                [.. lines.Skip(3).Select(Base64Text.Read)],
                checkpoint.Root
            )
        )
            throw new NotProven($"事件不在日志 {checkpoint.Origin} 的第 {index} 条：内容被改动，或证明不是它的");
        Leaf.RequireCanonical(entry, index);
        return (checkpoint, index, entry);
    }
}
