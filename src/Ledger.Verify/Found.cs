namespace Ledger.Verify;

/// <summary>
/// What does not hold, by entry, each told once; and which of it has been answered (<c>--known</c>): that is told, too,
/// and no reason to fail.
/// </summary>
public sealed class Found(HashSet<long> known)
{
    private const int Most = 20;
    private readonly SortedDictionary<long, string> _entries = [];
    private readonly List<string> _whole = [];

    /// <summary>
    /// Entries that broke a sum, with what: known, they count for nothing, as the product passes over them.
    /// </summary>
    public Dictionary<long, string> PassedOver { get; } = [];

    public bool IsKnown(long index) => known.Contains(index);

    public void Add(long index, string what) => _entries.TryAdd(index, what);

    public void Add(string what) => _whole.Add(what);

    /// <summary>Before the log is read once more, without what is passed over.</summary>
    public void Forget()
    {
        _entries.Clear();
        _whole.Clear();
        foreach (var (index, what) in PassedOver)
            Add(index, what);
    }

    /// <exception cref="NotProven">There is something that nobody has answered.</exception>
    /// <param name="left">What was not looked at any more; null: all was.</param>
    public string Known(string? left = null)
    {
        var answered = string.Concat(_entries.Where(e => IsKnown(e.Key)).Select(e => $"\n已知 known：{e.Value}"));
        answered += string.Concat(
            known.Where(k => !_entries.ContainsKey(k)).Order().Select(k => $"\n已知 known：第 {k} 条没有发现问题")
        );
        var rest = _entries.Where(e => !IsKnown(e.Key)).Select(e => e.Value).Concat(_whole).ToList();
        if (rest.Count == 0)
            return answered;
        var more = rest.Count > Most ? $"\n另有 {rest.Count - Most} 处" : "";
        throw new NotProven($"{string.Join('\n', rest.Take(Most))}{more}{(left is null ? "" : $"\n{left}")}{answered}");
    }
}

/// <summary>What does not hold of one entry.</summary>
public sealed class Breach(long index, string what) : NotProven(what)
{
    public long Index => index;
}
