using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace Ledger.Domain.Sampling;

/// <summary>A stretch of one account's fen axis that belongs to what is sampled from.</summary>
public sealed record SampledSpan(string Account, FenInterval Fen);

/// <summary>A fen that was drawn: where it lies.</summary>
public sealed record DrawnFen(string Account, long Fen);

/// <summary>
/// Monetary-unit sampling (货币单元抽样; ISA 530, appendix 4: value-weighted, systematic, with one random start)
/// on the fen axes. Who is audited cannot steer it, since the start follows from a checkpoint that was
/// not signed yet when the population was fixed, and from the auditor's words, of which he knew the digest alone; nor
/// can the auditor, since his digest was on record before there was that checkpoint.
/// </summary>
public static class FenSample
{
    /// <summary>More papers than anybody fills.</summary>
    public const int MaxSize = 10_000;

    /// <summary>What the auditor puts on record when the population is fixed.</summary>
    public static string WordsDigest(string words) =>
        Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(words)));

    /// <summary>The fen of a population, in the order in which they are counted: by account, then along its
    /// axis.</summary>
    /// <exception cref="ArgumentException">Spans overlap or are empty: a fen would have two chances, or
    /// none.</exception>
    public static IReadOnlyList<SampledSpan> Ordered(IEnumerable<SampledSpan> population)
    {
        var ordered = population.OrderBy(s => s.Account, StringComparer.Ordinal).ThenBy(s => s.Fen.From).ToList();
        for (var i = 0; i < ordered.Count; i++)
            if (
                ordered[i].Fen.From >= ordered[i].Fen.To
                || (
                    i > 0 && ordered[i - 1].Account == ordered[i].Account && ordered[i - 1].Fen.To > ordered[i].Fen.From
                )
            )
                throw new ArgumentException($"{ordered[i]} is empty, or overlaps", nameof(population));
        return ordered;
    }

    /// <summary>SHA-256 over the population's lines, <c>account from to</c>, each ended by a line feed.</summary>
    public static string Digest(IEnumerable<SampledSpan> population) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    string.Concat(Ordered(population).Select(s => $"{s.Account} {s.Fen.From} {s.Fen.To}\n"))
                )
            )
        );

    /// <summary>
    /// SHA-256 over the lines: what it is for, the population's digest, the size of the first signed tree that holds
    /// the event by which the population was fixed, its root in hex, the auditor's words.
    /// </summary>
    public static byte[] Seed(string populationDigest, long treeSize, ReadOnlySpan<byte> root, string words) =>
        SHA256.HashData(
            Encoding.UTF8.GetBytes(
                $"ledger fen sample v1\n{populationDigest}\n{treeSize}\n{Convert.ToHexStringLower(root)}\n{words}"
            )
        );

    /// <summary>
    /// A number below <paramref name="below"/>, each as likely: SHA-256 over seed and a counter (eight bytes, the
    /// highest first), its first eight bytes; what would favour the low ones is drawn again.
    /// </summary>
    public static long Below(ReadOnlySpan<byte> seed, long below)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(below);
        var most = ulong.MaxValue - ulong.MaxValue % (ulong)below;
        Span<byte> text = stackalloc byte[seed.Length + 8];
        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        seed.CopyTo(text);
        for (long counter = 0; ; counter++)
        {
            BinaryPrimitives.WriteInt64BigEndian(text[seed.Length..], counter);
            SHA256.HashData(text, hash);
            var number = BinaryPrimitives.ReadUInt64BigEndian(hash);
            if (number < most)
                return (long)(number % (ulong)below);
        }
    }

    /// <summary>
    /// Which of <paramref name="total"/> fen are drawn, counted from 0: with the start u below the total, the fen at
    /// (u + k × total) ÷ size, for k from 0 to size − 1. u + k × total takes each number below size × total once, so
    /// that each fen is drawn by exactly size of the total starts: its chance is size ÷ total, whatever the two are.
    /// </summary>
    public static IReadOnlyList<long> Positions(ReadOnlySpan<byte> seed, long total, int size)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(size);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(size, Math.Min(total, MaxSize));
        var start = Below(seed, total);
        return [.. Enumerable.Range(0, size).Select(k => (long)((start + (Int128)k * total) / size))];
    }

    public static IReadOnlyList<DrawnFen> Draw(ReadOnlySpan<byte> seed, IEnumerable<SampledSpan> population, int size)
    {
        var spans = Ordered(population);
        var positions = Positions(seed, spans.Sum(s => s.Fen.To - s.Fen.From), size);
        var drawn = new List<DrawnFen>();
        var (at, before) = (0, 0L);
        foreach (var position in positions)
        {
            while (position >= before + spans[at].Fen.To - spans[at].Fen.From)
                before += spans[at].Fen.To - spans[at++].Fen.From;
            drawn.Add(new DrawnFen(spans[at].Account, spans[at].Fen.From + position - before));
        }
        return drawn;
    }
}
