using System.Globalization;
using Npgsql;

namespace Ledger.TransparencyLog;

/// <summary>
/// The statement that a log goes on from an earlier tree than had been signed, as a signed note: the log's key says
/// that what was seen beyond it is a fork, who decided that, and why. It stands in the event <c>log_continued</c>,
/// so that the tree has it, too. A checkpoint is never read from it, nor it from a checkpoint: its second line is
/// no number.
/// </summary>
/// <param name="Seen">The fork's checkpoints, the furthest first.</param>
public sealed record Continuation(
    string Origin,
    TreeHead Shared,
    TreeHead Continued,
    IReadOnlyList<TreeHead> Seen,
    string Reason,
    IReadOnlyList<string> ApprovedBy,
    IReadOnlyList<NoteSignature> Signatures
)
{
    /// <summary>Behind the origin, which makes the first line another than a checkpoint's.</summary>
    private const string Kind = "/continuation/v1";

    public const string EventType = "log_continued";

    public string Text =>
        string.Concat(
            (string[])
                [
                    $"{Origin}{Kind}\n",
                    $"shared {Shared}\n",
                    $"continued {Continued}\n",
                    .. Seen.Select(s => $"seen {s}\n"),
                    $"reason {Reason}\n",
                    .. ApprovedBy.Select(a => $"approved {a}\n"),
                ]
        );

    public string Note => $"{Text}\n{string.Concat(Signatures.Select(s => $"{s}\n"))}";

    public bool IsSignedBy(IEnumerable<NoteVerifier> keys) =>
        Signatures.Any(s => keys.Any(k => k.Name == Origin && k.Verifies(Text, s) == true));

    public Continuation SignedBy(IEnumerable<NoteSigner> keys, DateTimeOffset at) =>
        this with
        {
            Signatures = [.. keys.Select(k => k.Sign(Text, at))],
        };

    /// <summary>This very checkpoint is one of the fork's.</summary>
    public bool Declares(long size, byte[] root) =>
        Seen.Any(s => s.Size == size && s.Root.AsSpan().SequenceEqual(root));

    /// <summary>
    /// A checkpoint of so many entries, which the log does not contain, can be one of the fork's: for the log's own
    /// nodes, whose memories lag behind each other by a checkpoint or two. A stranger asks for <see cref="Declares"/>.
    /// </summary>
    public bool Covers(long size) => Shared.Size < size && size <= Seen[0].Size;

    /// <summary>Reads a note; no signature is checked yet.</summary>
    /// <exception cref="NoteException"/>
    public static Continuation Parse(string note)
    {
        var at = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        var lines = at < 0 || !note.EndsWith('\n') ? [] : note[..at].Split('\n');
        string[] Of(string word) =>
            [
                .. lines
                    .Where(l => l.StartsWith($"{word} ", StringComparison.Ordinal))
                    .Select(l => l[(word.Length + 1)..]),
            ];
        if (
            lines.Length < 7
            || !lines[0].EndsWith(Kind, StringComparison.Ordinal)
            || Of("shared") is not [var shared]
            || Of("continued") is not [var continued]
            || Of("seen") is not { Length: > 0 } seen
            || Of("reason") is not [var reason]
            || Of("approved") is not { Length: > 0 } approved
        )
            throw new NoteException("不是续接声明");
        var read = new Continuation(
            lines[0][..^Kind.Length],
            TreeHead.Parse(shared),
            TreeHead.Parse(continued),
            [.. seen.Select(TreeHead.Parse)],
            reason,
            approved,
            [.. note[(at + 2)..].Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(NoteSignature.Parse)]
        );
        // What was signed is the text, and it has one reading.
        return read.Text == note[..(at + 1)] ? read : throw new NoteException("续接声明的写法不规范");
    }

    /// <summary>What an entry of the log declares, which one of the keys signed.</summary>
    /// <exception cref="NoteException">It declares nothing, or somebody else did.</exception>
    public static Continuation OfEntry(byte[] entry, IReadOnlyList<NoteVerifier> keys)
    {
        try
        {
            using var json = System.Text.Json.JsonDocument.Parse(entry);
            if (
                json.RootElement.GetProperty("type").GetString() == EventType
                && json.RootElement.GetProperty("data").GetProperty("statement").GetString() is { } note
            )
                return Parse(note) is var said && said.IsSignedBy(keys)
                    ? said
                    : throw new NoteException("续接声明没有日志密钥的签名");
        }
        catch (Exception e)
            when (e is System.Text.Json.JsonException or KeyNotFoundException or InvalidOperationException)
        {
            // Falls through: it is another entry.
        }
        throw new NoteException("这一条不是续接声明");
    }

    /// <summary>
    /// Those that stand in the log's first <paramref name="size"/> entries, are signed by its keys, and name trees that
    /// the log has. Where their streams are is asked of the documents beside them: a thief who takes those away keeps
    /// the log from going on, and no more.
    /// </summary>
    public static async Task<IReadOnlyList<(Continuation Said, long Sequence, DateTimeOffset At)>> InLogAsync(
        NpgsqlConnection connection,
        string schema,
        IReadOnlyList<NoteVerifier> keys,
        long size
    )
    {
        var statements = await connection.QueryAsync(
            $"""
            select e.data ->> 'statement', e.seq_id, e.timestamp
              from {StateTable.Of(schema, typeof(Domain.Log.LogContinuation))} d
              join {schema}.mt_events e on e.stream_id = d.id
              join {schema}.log_entry l on l.seq = e.seq_id
             where e.type = '{EventType}'
               and l.log_index < @size
             order by l.log_index
            """,
            r =>
                (
                    Note: r.IsDBNull(0) ? "" : r.GetString(0),
                    Sequence: r.GetInt64(1),
                    At: r.GetFieldValue<DateTimeOffset>(2)
                ),
            ("size", size)
        );
        var tiles = new Tiles(connection, schema);
        var found = new List<(Continuation, long, DateTimeOffset)>();
        foreach (var (note, sequence, at) in statements)
            if (
                Read(note) is { } said
                && said.IsSignedBy(keys)
                && said.Continued.Size < size
                && await tiles.ContainsAsync(said.Shared.Size, said.Shared.Root, size)
                && await tiles.ContainsAsync(said.Continued.Size, said.Continued.Root, size)
            )
                found.Add((said, sequence, at));
        return found;
    }

    private static Continuation? Read(string note)
    {
        try
        {
            return Parse(note);
        }
        catch (NoteException)
        {
            return null; // nobody's
        }
    }
}

/// <summary>A tree's size and root, in a line.</summary>
public sealed record TreeHead(long Size, byte[] Root)
{
    public override string ToString() =>
        string.Create(CultureInfo.InvariantCulture, $"{Size} {Convert.ToBase64String(Root)}");

    /// <exception cref="NoteException"/>
    public static TreeHead Parse(string line)
    {
        var root = new byte[MerkleTree.HashLength + 3];
        return
            line.Split(' ') is [var size, var hash]
            && long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            && size == count.ToString(CultureInfo.InvariantCulture)
            && Convert.TryFromBase64String(hash, root, out var length)
            && length == MerkleTree.HashLength
            ? new TreeHead(count, root[..length])
            : throw new NoteException($"应为条数和根：{line}");
    }
}
