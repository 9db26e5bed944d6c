using System.Globalization;
using Npgsql;

namespace Ledger.TransparencyLog;

/// <summary>A tile of C2SP tlog-tiles: at level L it holds up to 256 hashes of full subtrees of 256^L leaves.</summary>
public readonly record struct TileId(int Level, long Index)
{
    public const int Width = 256,
        Height = 8;

    /// <summary>
    /// Reads <c>&lt;N&gt;[.p/&lt;W&gt;]</c>, N in groups of three digits, all but the last with an x before them; null
    /// where it is not that.
    /// <paramref name="width"/> is 256 for a full tile.
    /// </summary>
    public static long? ParseIndex(string path, out int width)
    {
        width = Width;
        var parts = path.Split('/').ToList();
        if (parts.Count >= 2 && parts[^2].EndsWith(".p", StringComparison.Ordinal))
        {
            if (
                !int.TryParse(parts[^1], NumberStyles.None, CultureInfo.InvariantCulture, out width)
                || width is < 1 or > Width - 1
                || parts[^1] != $"{width}"
            )
                return null;
            parts.RemoveAt(parts.Count - 1);
            parts[^1] = parts[^1][..^2];
        }
        var index = 0L;
        for (var i = 0; i < parts.Count; i++)
        {
            var digits =
                i < parts.Count - 1
                    ? parts[i].StartsWith('x')
                        ? parts[i][1..]
                        : ""
                    : parts[i];
            if (digits.Length != 3 || !digits.All(char.IsAsciiDigit) || i > 5)
                return null;
            index = index * 1000 + int.Parse(digits, CultureInfo.InvariantCulture);
        }
        return index > 0 && parts.Count > 1 && parts[0] == "x000" ? null : index;
    }

    /// <summary>N as it stands in a path: x001/x234/067.</summary>
    public static string Path(long index)
    {
        var path = $"{index % 1000:000}";
        while ((index /= 1000) > 0)
            path = $"x{index % 1000:000}/{path}";
        return path;
    }
}

/// <summary>
/// The tiles in the table <c>log_tile</c>. A row grows until it is full and never changes what it holds; a trigger sees
/// to that.
/// </summary>
public sealed class Tiles(NpgsqlConnection connection, string schema)
{
    /// <summary>A tile's hashes, as many as it has.</summary>
    private sealed class Hashes
    {
        private readonly byte[] _bytes = new byte[TileId.Width * MerkleTree.HashLength];

        public int Count { get; private set; }

        public void Add(ReadOnlySpan<byte> hashes)
        {
            hashes.CopyTo(_bytes.AsSpan(Count * MerkleTree.HashLength));
            Count += hashes.Length / MerkleTree.HashLength;
        }

        public byte[] All => _bytes[..(Count * MerkleTree.HashLength)];

        /// <summary>The root of a full subtree of them.</summary>
        public byte[] Root(int from, int count)
        {
            if (count == 1)
                return _bytes[(from * MerkleTree.HashLength)..((from + 1) * MerkleTree.HashLength)];
            var half = count / 2;
            return half == 1
                ? MerkleTree.HashNode(
                    _bytes.AsSpan(from * MerkleTree.HashLength, MerkleTree.HashLength),
                    _bytes.AsSpan((from + 1) * MerkleTree.HashLength, MerkleTree.HashLength)
                )
                : MerkleTree.HashNode(Root(from, half), Root(from + half, half));
        }
    }

    private readonly Dictionary<TileId, Hashes> _tiles = [];
    private readonly HashSet<TileId> _changed = [];

    /// <summary>The first <paramref name="width"/> hashes of a tile, or null where it does not have as many.</summary>
    public async Task<byte[]?> ReadAsync(TileId id, int width)
    {
        var found = await connection.QueryAsync(
            $"""
            select substring(hashes for @length)
              from {schema}.log_tile
             where level = @level
               and index = @index
               and octet_length(hashes) >= @length
            """,
            r => r.GetFieldValue<byte[]>(0),
            ("level", (short)id.Level),
            ("index", id.Index),
            ("length", width * MerkleTree.HashLength)
        );
        return found.FirstOrDefault();
    }

    private async Task LoadAsync(IReadOnlyCollection<TileId> ids)
    {
        var missing = ids.Where(id => !_tiles.ContainsKey(id)).Distinct().ToList();
        if (missing.Count == 0)
            return;
        foreach (
            var (id, hashes) in await connection.QueryAsync(
                $"""
                select level, index, hashes
                  from {schema}.log_tile
                  join unnest(@levels, @indexes) t (l, i) on level = l and index = i
                """,
                r => (new TileId(r.GetInt16(0), r.GetInt64(1)), r.GetFieldValue<byte[]>(2)),
                ("levels", missing.Select(t => (short)t.Level).ToArray()),
                ("indexes", missing.Select(t => t.Index).ToArray())
            )
        )
            Of(id).Add(hashes);
    }

    /// <summary>Whether the tree, of <paramref name="size"/> entries, contains one of this size and root.</summary>
    public async Task<bool> ContainsAsync(long earlier, byte[] root, long size) =>
        earlier <= size && (await AskAsync(node => MerkleTree.Root(earlier, node))).AsSpan().SequenceEqual(root);

    /// <summary>
    /// Asks something of the tree. The question is put twice: first to learn which tiles it takes, then with all of
    /// them here, so that it costs one query however many nodes it touches.
    /// </summary>
    /// <exception cref="LogDamagedException">A tile that the tree must have is not there, or not as long as it must
    /// be.</exception>
    public async Task<T> AskAsync<T>(Func<MerkleTree.Node, T> question)
    {
        var wanted = new HashSet<TileId>();
        var nothing = new byte[MerkleTree.HashLength];
        question(
            (level, index) =>
            {
                wanted.Add(Place(level, index).Tile);
                return nothing;
            }
        );
        await LoadAsync(wanted);
        return question(Node);
    }

    private static (TileId Tile, int From, int Count) Place(int level, long index)
    {
        var inTile = level % TileId.Height;
        var first = index << inTile; // in hashes of the tile's level
        return (new TileId(level / TileId.Height, first / TileId.Width), (int)(first % TileId.Width), 1 << inTile);
    }

    private byte[] Node(int level, long index)
    {
        var (tile, from, count) = Place(level, index);
        return _tiles.TryGetValue(tile, out var hashes) && hashes.Count >= from + count
            ? hashes.Root(from, count)
            : throw new LogDamagedException($"tile {tile.Level}/{tile.Index} 缺失或不完整");
    }

    private Hashes Of(TileId id) => _tiles.TryGetValue(id, out var hashes) ? hashes : _tiles[id] = new Hashes();

    /// <summary>
    /// Adds leaves behind the first <paramref name="size"/>; a tile that becomes full gives its root to the level
    /// above. Call <see cref="SaveAsync"/>.
    /// </summary>
    public async Task AppendAsync(long size, IReadOnlyList<byte[]> leaves)
    {
        // Of each level only the last, growing tile is touched; all of them are loaded at once.
        await LoadAsync([
            .. Enumerable
                .Range(0, 8)
                .Select(level => new TileId(level, (size >> (TileId.Height * level)) / TileId.Width)),
        ]);
        for (var i = 0; i < leaves.Count; i++)
            Push(0, size + i, leaves[i]);
    }

    private void Push(int level, long index, byte[] hash)
    {
        var id = new TileId(level, index / TileId.Width);
        var hashes = Of(id);
        if (hashes.Count != index % TileId.Width)
            throw new LogDamagedException($"tile {id.Level}/{id.Index} 的长度与日志大小不符");
        hashes.Add(hash);
        _changed.Add(id);
        if (hashes.Count == TileId.Width)
            Push(level + 1, id.Index, hashes.Root(0, TileId.Width));
    }

    public async Task SaveAsync()
    {
        var changed = _changed.ToList();
        await connection.ExecuteAsync(
            $"""
            insert into {schema}.log_tile (level, index, hashes) select * from unnest(@levels, @indexes, @hashes)
            on conflict (level, index) do update set hashes = excluded.hashes
            """,
            ("levels", changed.Select(t => (short)t.Level).ToArray()),
            ("indexes", changed.Select(t => t.Index).ToArray()),
            ("hashes", changed.Select(t => _tiles[t].All).ToArray())
        );
        _changed.Clear();
    }
}

/// <summary>The stored tree is not what it was: somebody changed it.</summary>
public sealed class LogDamagedException(string message) : Exception(message);
