using System.Buffers.Binary;
using System.Globalization;
using System.Text;

namespace Ledger.TransparencyLog;

/// <summary>A note that cannot be read, or is not signed by whom it should be.</summary>
public sealed class NoteException(string message) : Exception(message);

/// <summary>A signature line of a note: <c>— name base64(key id ‖ signature)</c>.</summary>
public sealed record NoteSignature(string Name, uint KeyId, byte[] Signature)
{
    public override string ToString()
    {
        var bytes = new byte[4 + Signature.Length];
        BinaryPrimitives.WriteUInt32BigEndian(bytes, KeyId);
        Signature.CopyTo(bytes, 4);
        return $"— {Name} {Convert.ToBase64String(bytes)}";
    }

    /// <exception cref="NoteException"/>
    public static NoteSignature Parse(string line)
    {
        var parts = line.StartsWith("— ", StringComparison.Ordinal) ? line[2..].Split(' ') : [];
        var bytes = new byte[parts.Length == 2 ? parts[1].Length : 0];
        if (
            parts.Length != 2
            || parts[0].Length == 0
            || !Convert.TryFromBase64String(parts[1], bytes, out var length)
            || length < 5
        )
            throw new NoteException($"签名行无法读取：{line}");
        return new NoteSignature(parts[0], BinaryPrimitives.ReadUInt32BigEndian(bytes), bytes[4..length]);
    }
}

/// <summary>
/// A checkpoint (C2SP tlog-checkpoint) as a signed note (C2SP signed-note): the log's origin, its size and root, and
/// who signed that.
/// </summary>
public sealed record Checkpoint(string Origin, long Size, byte[] Root, IReadOnlyList<NoteSignature> Signatures)
{
    private const int MaxSignatures = 100,
        MaxLength = 64 * 1024;

    /// <summary>What is signed: three lines, each ended by a newline.</summary>
    public string Text =>
        string.Create(CultureInfo.InvariantCulture, $"{Origin}\n{Size}\n{Convert.ToBase64String(Root)}\n");

    public string Note => $"{Text}\n{string.Concat(Signatures.Select(s => $"{s}\n"))}";

    /// <summary>Whether one of these keys, the log's own, signed it.</summary>
    public bool IsSignedBy(IEnumerable<NoteVerifier> keys) =>
        Signatures.Any(s => keys.Any(k => k.Verifies(Text, s) == true));

    /// <summary>Reads a note; no signature is checked yet.</summary>
    /// <exception cref="NoteException"/>
    public static Checkpoint Parse(string note)
    {
        if (note.Length > MaxLength || note.Any(c => c < ' ' && c != '\n'))
            throw new NoteException("检查点过长，或含有控制字符");
        var at = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (at < 0 || !note.EndsWith('\n'))
            throw new NoteException("检查点缺少空行或末尾换行");
        var lines = note[..at].Split('\n');
        var root = new byte[MerkleTree.HashLength + 3];
        if (
            lines.Length < 3
            || lines[0].Length == 0
            || !long.TryParse(lines[1], NumberStyles.None, CultureInfo.InvariantCulture, out var size)
            || lines[1] != $"{size}"
            || !Convert.TryFromBase64String(lines[2], root, out var length)
            || length != MerkleTree.HashLength
        )
            throw new NoteException("检查点应为来源、大小、根三行");
        if (lines.Length > 3)
            throw new NoteException("检查点带有扩展行，本程序不签也不认");
        var signatures = note[(at + 2)..]
            .Split('\n', StringSplitOptions.RemoveEmptyEntries)
            .Select(NoteSignature.Parse)
            .ToList();
        return signatures.Count is > 0 and <= MaxSignatures
            ? new Checkpoint(lines[0], size, root[..length], signatures)
            : throw new NoteException("检查点没有签名，或签名过多");
    }
}

/// <summary>
/// A receipt (C2SP tlog-proof): an entry's index, its inclusion proof and the checkpoint. The extra data, which proves
/// nothing by itself, is the entry, so that the file can be checked alone.
/// </summary>
public sealed record LogProof(byte[] Entry, long Index, IReadOnlyList<byte[]> Hashes, string Checkpoint)
{
    public const string Header = "c2sp.org/tlog-proof@v1";

    /// <summary>Reads a receipt; nothing of it is proven yet.</summary>
    /// <exception cref="NoteException"/>
    public static LogProof Parse(string file)
    {
        var at = file.IndexOf("\n\n", StringComparison.Ordinal);
        var lines = at < 0 ? [] : file[..at].Split('\n');
        if (
            lines is not [Header, var extra, var place, .. var hashes]
            || !extra.StartsWith("extra ", StringComparison.Ordinal)
            || !place.StartsWith("index ", StringComparison.Ordinal)
            || !long.TryParse(place[6..], NumberStyles.None, CultureInfo.InvariantCulture, out var index)
        )
            throw new NoteException("这不是存证回执（.tlog-proof）");
        try
        {
            return new LogProof(
                Convert.FromBase64String(extra[6..]),
                index,
                [.. hashes.Select(Convert.FromBase64String)],
                file[(at + 2)..]
            );
        }
        catch (FormatException)
        {
            throw new NoteException("回执中的 base64 无法读取");
        }
    }

    /// <summary>
    /// The entry stands in the log of these keys, under a checkpoint that one of them signed: that checkpoint.
    /// </summary>
    /// <exception cref="NoteException">It does not.</exception>
    public Checkpoint Proven(IReadOnlyList<NoteVerifier> keys)
    {
        var checkpoint = TransparencyLog.Checkpoint.Parse(Checkpoint);
        if (keys.All(k => k.Name != checkpoint.Origin) || !checkpoint.IsSignedBy(keys))
            throw new NoteException("回执的检查点没有所认识的密钥的签名");
        return MerkleTree.VerifyInclusion(Index, checkpoint.Size, MerkleTree.HashLeaf(Entry), Hashes, checkpoint.Root)
            ? checkpoint
            : throw new NoteException("回执的证明不成立");
    }

    public override string ToString()
    {
        var text = new StringBuilder($"{Header}\nextra {Convert.ToBase64String(Entry)}\nindex {Index}\n");
        foreach (var hash in Hashes)
            text.Append(Convert.ToBase64String(hash)).Append('\n');
        return text.Append('\n').Append(Checkpoint).ToString();
    }
}
