using System.Numerics;
using System.Security.Cryptography;

namespace Ledger.TransparencyLog;

/// <summary>
/// The Merkle tree of RFC 6962 (section 2.1) over SHA-256: leaf 0x00 ‖ entry, node 0x01 ‖ left ‖ right. Proofs are
/// checked as RFC 9162 (sections 2.1.3.2 and 2.1.4.2) says. Nothing here knows where hashes are kept. The offline
/// verifier compiles this file, and no other of the product's.
/// </summary>
public static class MerkleTree
{
    public const int HashLength = 32;

    /// <summary>
    /// A node whose subtree is full: <paramref name="level"/> 0 are the leaves, its leaves begin at <c>index ·
    /// 2^level</c>.
    /// </summary>
    public delegate byte[] Node(int level, long index);

    public static byte[] EmptyRoot => SHA256.HashData([]);

    public static byte[] HashLeaf(ReadOnlySpan<byte> entry)
    {
        Span<byte> buffer = entry.Length < 2048 ? stackalloc byte[entry.Length + 1] : new byte[entry.Length + 1];
        buffer[0] = 0;
        entry.CopyTo(buffer[1..]);
        return SHA256.HashData(buffer);
    }

    public static byte[] HashNode(ReadOnlySpan<byte> left, ReadOnlySpan<byte> right)
    {
        Span<byte> buffer = stackalloc byte[1 + 2 * HashLength];
        buffer[0] = 1;
        left.CopyTo(buffer[1..]);
        right.CopyTo(buffer[(1 + HashLength)..]);
        return SHA256.HashData(buffer);
    }

    /// <summary>The root of the first <paramref name="size"/> leaves.</summary>
    public static byte[] Root(long size, Node node) => size == 0 ? EmptyRoot : Range(0, size, node);

    /// <summary>The hashes beside the way from a leaf to the root, from the leaf's sibling upwards.</summary>
    public static IReadOnlyList<byte[]> InclusionProof(long index, long size, Node node)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, size);
        var proof = new List<byte[]>();
        Path(0, size);
        return proof;

        void Path(long from, long to)
        {
            if (to - from == 1)
                return;
            var middle = from + Split(to - from);
            if (index < middle)
            {
                Path(from, middle);
                proof.Add(Range(middle, to, node));
            }
            else
            {
                Path(middle, to);
                proof.Add(Range(from, middle, node));
            }
        }
    }

    /// <summary>
    /// The hashes that lead from the root of the first <paramref name="oldSize"/> leaves to that of
    /// <paramref name="newSize"/>; none from 0.
    /// </summary>
    public static IReadOnlyList<byte[]> ConsistencyProof(long oldSize, long newSize, Node node)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(oldSize);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(oldSize, newSize);
        var proof = new List<byte[]>();
        if (oldSize > 0)
            Sub(0, newSize, whole: true);
        return proof;

        void Sub(long from, long to, bool whole)
        {
            if (to == oldSize)
            {
                if (!whole)
                    proof.Add(Range(from, to, node));
                return;
            }
            var middle = from + Split(to - from);
            if (oldSize <= middle)
            {
                Sub(from, middle, whole);
                proof.Add(Range(middle, to, node));
            }
            else
            {
                Sub(middle, to, whole: false);
                proof.Add(Range(from, middle, node));
            }
        }
    }

    public static bool VerifyInclusion(
        long index,
        long size,
        ReadOnlySpan<byte> leaf,
        IReadOnlyList<byte[]> proof,
        ReadOnlySpan<byte> root
    )
    {
        if (index < 0 || index >= size)
            return false;
        var (fn, sn, hash) = (index, size - 1, leaf.ToArray());
        foreach (var p in proof)
        {
            if (sn == 0 || p.Length != HashLength)
                return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                hash = HashNode(p, hash);
                while ((fn & 1) == 0 && fn != 0)
                    (fn, sn) = (fn >> 1, sn >> 1);
            }
            else
                hash = HashNode(hash, p);
            (fn, sn) = (fn >> 1, sn >> 1);
        }
        return sn == 0 && root.SequenceEqual(hash);
    }

    public static bool VerifyConsistency(
        long oldSize,
        long newSize,
        ReadOnlySpan<byte> oldRoot,
        ReadOnlySpan<byte> newRoot,
        IReadOnlyList<byte[]> proof
    )
    {
        if (oldSize < 0 || oldSize > newSize || proof.Any(p => p.Length != HashLength))
            return false;
        if (oldSize == newSize)
            return proof.Count == 0 && oldRoot.SequenceEqual(newRoot);
        if (oldSize == 0)
            return proof.Count == 0 && oldRoot.SequenceEqual(EmptyRoot);
        if (proof.Count == 0)
            return false;
        var path = BitOperations.IsPow2(oldSize) ? [oldRoot.ToArray(), .. proof] : proof;
        var (fn, sn) = (oldSize - 1, newSize - 1);
        while ((fn & 1) == 1)
            (fn, sn) = (fn >> 1, sn >> 1);
        var (was, now) = (path[0], path[0]);
        foreach (var p in path.Skip(1))
        {
            if (sn == 0)
                return false;
            if ((fn & 1) == 1 || fn == sn)
            {
                (was, now) = (HashNode(p, was), HashNode(p, now));
                while ((fn & 1) == 0 && fn != 0)
                    (fn, sn) = (fn >> 1, sn >> 1);
            }
            else
                now = HashNode(now, p);
            (fn, sn) = (fn >> 1, sn >> 1);
        }
        return sn == 0 && oldRoot.SequenceEqual(was) && newRoot.SequenceEqual(now);
    }

    private static byte[] Range(long from, long to, Node node)
    {
        var length = to - from;
        if (BitOperations.IsPow2(length))
            return node(BitOperations.Log2((ulong)length), from / length);
        var middle = from + Split(length);
        return HashNode(Range(from, middle, node), Range(middle, to, node));
    }

    /// <summary>The largest power of two below a length.</summary>
    private static long Split(long length) => 1L << BitOperations.Log2((ulong)(length - 1));

    /// <summary>Computes the root of leaves as they come, keeping one hash for each level.</summary>
    public sealed class Growing
    {
        private readonly List<byte[]?> _full = [];

        public long Size { get; private set; }

        public void Add(byte[] leaf)
        {
            var hash = leaf;
            var level = 0;
            for (var size = Size; (size & 1) == 1; size >>= 1, level++)
            {
                hash = HashNode(_full[level]!, hash);
                _full[level] = null;
            }
            if (level == _full.Count)
                _full.Add(hash);
            else
                _full[level] = hash;
            Size++;
        }

        public byte[] Root()
        {
            byte[]? root = null;
            foreach (var hash in _full)
                if (hash is not null)
                    root = root is null ? hash : HashNode(hash, root);
            return root ?? EmptyRoot;
        }
    }
}
