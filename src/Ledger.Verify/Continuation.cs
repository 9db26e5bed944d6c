using System.Globalization;
using System.Text;
using System.Text.Json;
using Ledger.TransparencyLog;

namespace Ledger.Verify;

/// <summary>A tree's size and root.</summary>
public readonly record struct Tree(long Size, string Root)
{
    public static Tree Of(SignedCheckpoint checkpoint) => new(checkpoint.Size, Convert.ToBase64String(checkpoint.Root));

    public static Tree Of(JsonElement tree) =>
        new(tree.GetProperty("treeSize").GetInt64(), tree.GetProperty("root").GetString()!);

    public override string ToString() => string.Create(CultureInfo.InvariantCulture, $"{Size} {Root}");
}

/// <summary>
/// An entry that says the log went on from an earlier one than had been signed (<c>log_continued</c>): the fork's
/// checkpoints that were seen, signed by the log's key as all of it is, who decided that, and why. A fork that no such
/// entry names is none of the log's.
/// </summary>
public sealed record Continuation(
    long Index,
    Tree Shared,
    Tree Continued,
    IReadOnlyList<Tree> Seen,
    string Reason,
    IReadOnlyList<string> ApprovedBy,
    string Span
)
{
    /// <summary>In a leaf these bytes are a member: within a text the quotation marks are escaped.</summary>
    public static ReadOnlySpan<byte> Mark => "\"type\":\"log_continued\""u8;

    /// <exception cref="NotProven">The entry is not what it must be.</exception>
    public static Continuation Read(ReadOnlyMemory<byte> entry, IReadOnlyList<Key> keys)
    {
        using var json = JsonDocument.Parse(entry);
        var e = json.RootElement;
        var index = e.GetProperty("index").GetInt64();
        NotProven Wrong(string what) => new($"第 {index} 条的续接声明{what}");
        if (e.GetProperty("type").GetString() != "log_continued")
            throw new NotProven($"第 {index} 条不是续接声明");
        var d = e.GetProperty("data");
        var notes = d.GetProperty("fork")
            .EnumerateArray()
            .Select(n => SignedCheckpoint.Read(n.GetString()!, keys, []))
            .ToList();
        var said = new Continuation(
            index,
            Tree.Of(d.GetProperty("shared")),
            Tree.Of(d.GetProperty("continued")),
            [.. notes.Select(Tree.Of)],
            d.GetProperty("reason").GetString()!,
            [.. d.GetProperty("approvedBy").EnumerateArray().Select(a => a.GetString()!)],
            Times(d)
        );
        var origin = d.GetProperty("log").GetString()!;
        if (notes.Count == 0 || notes.Any(n => n.Origin != origin))
            throw Wrong("没有写明本日志的分叉");
        if (!IsSigned(d.GetProperty("statement").GetString()!, said.Text(origin), origin, keys))
            throw Wrong("没有日志密钥的签名，或与所签的不符");
        if (
            said.Reason.Trim().Length == 0
            || said.ApprovedBy.Select(a => a.Trim().ToLowerInvariant()).Distinct().Count() < 2
        )
            throw Wrong("没有写明理由和两个人");
        if (
            said.Continued.Size > index
            || said.Shared.Size > said.Continued.Size
            || said.Seen.Any(s => s.Size <= said.Shared.Size)
            || d.GetProperty("lostEntries").GetInt64() != said.Furthest - said.Shared.Size
        )
            throw Wrong("的条数前后矛盾");
        return said;
    }

    private string Text(string origin) =>
        string.Concat(
            (string[])
                [
                    $"{origin}/continuation/v1\n",
                    $"shared {Shared}\n",
                    $"continued {Continued}\n",
                    .. Seen.Select(s => $"seen {s}\n"),
                    $"reason {Reason}\n",
                    .. ApprovedBy.Select(a => $"approved {a}\n"),
                ]
        );

    /// <summary>By one of the log's keys; those that nobody knows do no harm, one that is wrong does.</summary>
    private static bool IsSigned(string note, string text, string origin, IReadOnlyList<Key> keys)
    {
        if (!note.StartsWith($"{text}\n", StringComparison.Ordinal))
            return false;
        var signed = false;
        foreach (var line in note[(text.Length + 1)..].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is not ["—", var name, var encoded])
                return false;
            var signature = Base64Text.Read(encoded);
            var key = keys.FirstOrDefault(k => k.Name == name && name == origin && signature.AsSpan().StartsWith(k.Id));
            if (key is not null && !key.Signed(text, signature[4..]))
                return false;
            signed |= key is not null;
        }
        return signed;
    }

    private static string Times(JsonElement d)
    {
        var isKnown = d.TryGetProperty("lostFrom", out var from) && from.ValueKind == JsonValueKind.String;
        return $"{(isKnown ? from.GetString() : "开始")} 至 {d.GetProperty("lostUntil").GetString()}";
    }

    public long Furthest => Seen.Max(s => s.Size);

    public bool Declares(Tree tree) => Seen.Contains(tree);

    /// <summary>The trees that the log must have for it.</summary>
    public IEnumerable<Tree> Within => [Shared, Continued];

    public override string ToString() =>
        $"续接 continued：第 {Index} 条声明，日志在第 {Shared.Size} 条处续接；{Furthest} 条的检查点属于分叉，"
        + $"其第 {Shared.Size} 至 {Furthest - 1} 条已丢失（{Span}）。"
        + $"决定 by：{string.Join(" 和 and ", ApprovedBy)}；理由 because：{Reason}";
}

/// <summary>What somebody saw before, and holds against the log: a checkpoint, or a receipt with its own.</summary>
/// <param name="Entry">Of the receipt; null: a checkpoint alone.</param>
public sealed record Seen(string File, SignedCheckpoint Checkpoint, long? Entry)
{
    /// <exception cref="NotProven"/>
    public static Seen Read(string file, IReadOnlyList<Key> keys)
    {
        var text = System.IO.File.ReadAllText(file);
        if (!text.StartsWith("c2sp.org/tlog-proof@v1\n", StringComparison.Ordinal))
            return new Seen(file, SignedCheckpoint.Read(text, keys, []), null);
        var proven = Receipt.Prove(text, keys, []);
        return new Seen(file, proven.Checkpoint, proven.Index);
    }

    /// <summary>Where it stands against a log that has this root at its size.</summary>
    /// <param name="here">Null: the log has not as many entries.</param>
    /// <returns>What holds, in words.</returns>
    /// <exception cref="NotProven">It is of no fork that the log declares.</exception>
    public string Against(byte[]? here, IEnumerable<Continuation> continuations)
    {
        var what = Entry is { } index
            ? $"{File}（第 {index} 条的回执，{Checkpoint.Size} 条的检查点）"
            : $"{File}（{Checkpoint.Size} 条的检查点）";
        if (here.AsSpan().SequenceEqual(Checkpoint.Root))
            return $"所见 seen：{what}在日志中";
        if (continuations.FirstOrDefault(c => c.Declares(Tree.Of(Checkpoint))) is not { } known)
            throw new NotProven(
                $"{what}既不在日志中，也不是已声明的分叉：日志被截断或改写，或另有未声明的分叉 an undeclared fork"
            );
        var lost =
            Entry is null ? ""
            : Entry < known.Shared.Size ? "；所证的条目在分叉以前"
            : "；所证的条目已随分叉丢失 lost with it";
        return $"所见 seen：{what}属于第 {known.Index} 条声明的分叉 a known fork{lost}";
    }
}
