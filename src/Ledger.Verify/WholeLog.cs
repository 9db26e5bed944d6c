using System.Diagnostics;
using System.Text.Json;
using Ledger.TransparencyLog;

namespace Ledger.Verify;

/// <summary>
/// An exported log: one entry a line, in the order of the log. The bytes of a line, without its newline, are the bytes
/// of the leaf.
/// </summary>
public static class WholeLog
{
    /// <summary>What holds, in words.</summary>
    /// <exception cref="NotProven">With the entries that fail.</exception>
    /// <param name="rules">Makes them anew for each time that the log is read; null: the hashes alone.</param>
    /// <param name="keys">The log's, which continuations are signed with.</param>
    /// <param name="seen">What somebody saw before: in the log, or of a fork that it declares.</param>
    public static string Check(
        string path,
        SignedCheckpoint checkpoint,
        Func<Rules>? rules,
        Found found,
        IReadOnlyList<Key> keys,
        IReadOnlyList<Seen> seen
    )
    {
        for (var watch = Stopwatch.StartNew(); ; )
        {
            var next = rules?.Invoke();
            try
            {
                var continuations = new List<ReadOnlyMemory<byte>>();
                var size = Read(path, checkpoint, next, continuations);
                next?.Finish();
                var told = Told(path, checkpoint, continuations, found, keys, seen);
                var answered = found.Known();
                var rate = size / Math.Max(watch.Elapsed.TotalSeconds, 1e-9);
                return $"成立 OK：{checkpoint.Size} 条与检查点相符（文件共 {size} 条，每秒 {rate:N0} 条）。"
                    + $"{next?.Summary}\n{checkpoint.Signers}{told}{answered}";
            }
            catch (Breach sum)
            {
                if (!found.IsKnown(sum.Index))
                {
                    found.Add(sum.Index, sum.Message);
                    found.Known($"以后的条目没有核对：查明这一条后，用 --known {sum.Index} 继续");
                }
                found.PassedOver[sum.Index] = sum.Message;
                found.Forget();
            }
        }
    }

    /// <summary>
    /// Where the log was continued, and where what was seen before stands against it; a line each.
    /// </summary>
    private static string Told(
        string path,
        SignedCheckpoint checkpoint,
        IEnumerable<ReadOnlyMemory<byte>> entries,
        Found found,
        IReadOnlyList<Key> keys,
        IReadOnlyList<Seen> seen
    )
    {
        var all = new List<Continuation>();
        foreach (var entry in entries)
            try
            {
                all.Add(Continuation.Read(entry, keys));
            }
            catch (Exception e)
                when (e
                        is NotProven
                            or JsonException
                            or KeyNotFoundException
                            or InvalidOperationException
                            or FormatException
                )
            {
                found.Add($"续接声明不成立：{e.Message}");
            }
        var roots = Roots(
            path,
            [.. all.SelectMany(c => c.Within).Select(t => t.Size), .. seen.Select(s => s.Checkpoint.Size)],
            checkpoint.Size
        );
        foreach (var c in all.ToList())
            if (c.Within.FirstOrDefault(t => !Has(roots, t)) is { Root: not null } missing)
            {
                all.Remove(c);
                found.Add(c.Index, $"第 {c.Index} 条的续接声明说日志有 {missing.Size} 条的另一个根");
            }
        var told = new List<string>(all.Select(c => $"\n{c}"));
        foreach (var s in seen)
            try
            {
                told.Add($"\n{s.Against(roots.GetValueOrDefault(s.Checkpoint.Size), all)}");
            }
            catch (NotProven e)
            {
                found.Add(e.Message);
            }
        return string.Concat(told);
    }

    private static bool Has(Dictionary<long, byte[]> roots, Tree tree) =>
        roots.TryGetValue(tree.Size, out var root) && Convert.ToBase64String(root) == tree.Root;

    /// <summary>The roots of the log at these sizes, as far as it is signed.</summary>
    private static Dictionary<long, byte[]> Roots(string path, HashSet<long> sizes, long signed)
    {
        var roots = new Dictionary<long, byte[]>();
        if (sizes.Count == 0)
            return roots;
        var tree = new MerkleTree.Growing();
        roots[0] = MerkleTree.EmptyRoot;
        foreach (var line in Lines(path).Take((int)Math.Min(signed, int.MaxValue)))
        {
            tree.Add(MerkleTree.HashLeaf(line.Span));
            if (sizes.Contains(tree.Size))
                roots[tree.Size] = tree.Root();
        }
        return roots;
    }

    /// <param name="continuations">Takes the signed entries that say that the log was continued.</param>
    /// <returns>How many entries there are.</returns>
    private static long Read(
        string path,
        SignedCheckpoint checkpoint,
        Rules? rules,
        List<ReadOnlyMemory<byte>> continuations
    )
    {
        var tree = new MerkleTree.Growing();
        byte[]? root = null;
        Breach? broken = null;
        foreach (var line in Lines(path))
        {
            tree.Add(MerkleTree.HashLeaf(line.Span));
            if (tree.Size == checkpoint.Size)
                root = tree.Root();
            if (tree.Size <= checkpoint.Size && line.Span.IndexOf(Continuation.Mark) >= 0)
                continuations.Add(line.ToArray());
            if (rules is null || broken is not null)
                continue;
            try
            {
                rules.Take(Read(line, tree.Size - 1, rules, tree.Size <= checkpoint.Size));
            }
            catch (Breach sum)
            {
                broken = sum; // the hashes all the same
            }
        }
        if (tree.Size < checkpoint.Size)
            throw new NotProven($"文件只有 {tree.Size} 条，检查点有 {checkpoint.Size} 条");
        if (root is null && checkpoint.Size == 0)
            root = MerkleTree.EmptyRoot;
        if (!root.AsSpan().SequenceEqual(checkpoint.Root))
            throw new NotProven(
                $"前 {checkpoint.Size} 条的根不是检查点所签的：至少有一条被改动、删除、插入或换了次序"
                    + (broken is null ? "" : $"\n{broken.Message}")
            );
        return broken is null ? tree.Size : throw broken;
    }

    private static IEnumerable<ReadOnlyMemory<byte>> Lines(string path)
    {
        using var file = new FileStream(
            path,
            FileMode.Open,
            FileAccess.Read,
            FileShare.Read,
            1,
            FileOptions.SequentialScan
        );
        var buffer = new byte[1 << 20];
        var (start, end) = (0, 0);
        for (; ; )
        {
            var at = buffer.AsSpan(start, end - start).IndexOf((byte)'\n');
            if (at >= 0)
            {
                yield return buffer.AsMemory(start, at);
                start += at + 1;
                continue;
            }
            buffer.AsSpan(start, end - start).CopyTo(buffer);
            (start, end) = (0, end - start);
            if (end == buffer.Length)
                throw new NotProven($"一行长于 {buffer.Length} 字节：这不是导出的日志");
            var read = file.Read(buffer, end, buffer.Length - end);
            if (read == 0)
            {
                if (end > 0)
                    throw new NotProven("最后一行没有结束：文件不完整");
                yield break;
            }
            end += read;
        }
    }

    /// <summary>
    /// The members of an entry that the rules look at; data and headers are read only where a rule needs them.
    /// </summary>
    private static Entry Read(ReadOnlyMemory<byte> line, long index, Rules rules, bool isSigned)
    {
        try
        {
            Leaf.RequireCanonical(line, index);
            var reader = new Utf8JsonReader(line.Span);
            var entry = new Entry { Index = index };
            var isNumbered = false;
            reader.Read();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                if (reader.ValueTextEquals("data"u8))
                    entry.Data = Slice(ref reader, line);
                else if (reader.ValueTextEquals("headers"u8))
                    entry.Headers = Slice(ref reader, line);
                else if (reader.ValueTextEquals("index"u8))
                {
                    reader.Read();
                    if (reader.GetInt64() != index)
                        throw new NotProven($"第 {index} 条自称第 {reader.GetInt64()} 条：有条目缺失或换了次序");
                    isNumbered = true;
                }
                else if (reader.ValueTextEquals("recordedAt"u8))
                {
                    reader.Read();
                    rules.RecordedAt(index, reader.GetDateTimeOffset(), isSigned);
                }
                else if (reader.ValueTextEquals("sequence"u8))
                {
                    reader.Read();
                    rules.Sequence(index, reader.GetInt64());
                }
                else if (reader.ValueTextEquals("stream"u8))
                {
                    reader.Read();
                    entry.Stream = rules.StreamOf(ref reader);
                }
                else if (reader.ValueTextEquals("type"u8))
                {
                    reader.Read();
                    entry.Type = rules.TypeOf(ref reader);
                }
                else if (reader.ValueTextEquals("version"u8))
                {
                    reader.Read();
                    entry.Version = reader.GetInt64();
                }
                else
                {
                    reader.Read();
                    reader.Skip();
                }
            }
            return entry.Stream is not null && entry.Type is not null && isNumbered
                ? entry
                : throw new NotProven($"第 {index} 条没有 stream、type 或 index");
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException or FormatException)
        {
            throw new NotProven($"第 {index} 条无法读取：{e.Message}");
        }
    }

    private static ReadOnlyMemory<byte> Slice(ref Utf8JsonReader reader, ReadOnlyMemory<byte> line)
    {
        reader.Read();
        var from = (int)reader.TokenStartIndex;
        reader.Skip();
        return line[from..(int)reader.BytesConsumed];
    }
}

/// <summary>One entry as the rules see it; its data and headers are gone with the next line.</summary>
public struct Entry
{
    public long Index;
    public Stream Stream;
    public string Type;
    public long Version;
    public ReadOnlyMemory<byte> Data,
        Headers;
}

/// <summary>
/// What a person's year got that counts towards the cap; <paramref name="Collective"/> null: from a donor, directly.
/// </summary>
public readonly record struct Given(string By, long AmountFen, string? Collective);

/// <summary>A payment of the year: <paramref name="Kind"/> and the day as the log has them.</summary>
public readonly record struct Paid(string Reference, string? Kind, long AmountFen, string On);

/// <summary>
/// A stream of the ledger: how far it has come; of a person where he belongs, of his year what he paid and what he got.
/// </summary>
public sealed class Stream(string id)
{
    public string Id { get; } = id;
    public long Version { get; set; }

    /// <summary>By application or sponsorship.</summary>
    public List<Given> Counting => _counting ??= new(1);

    /// <summary>The collectives that the person belongs to.</summary>
    public List<string> Memberships => _memberships ??= new(1);

    /// <summary>What was paid for the year, by the person or the government, and not given back.</summary>
    public List<Paid> Paid => _paid ??= new(1);

    /// <summary>Who recorded or adjusted which payment.</summary>
    public List<(string Reference, string[] By)> Recorders => _recorders ??= new(1);

    /// <summary>The applications whose subsidy the agency paid to the person.</summary>
    public List<string> Cleared => _cleared ??= new(1);

    public bool IsDead { get; set; }

    // Most streams have none.
    private List<Given>? _counting;
    private List<string>? _memberships;
    private List<Paid>? _paid;
    private List<string>? _cleared;
    private List<(string Reference, string[] By)>? _recorders;
}
