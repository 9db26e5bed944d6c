namespace Ledger.Domain.Collectives;

/// <summary>
/// A merger or a split: <paramref name="From"/> went up in <paramref name="Into"/>, or part of it went there.
/// </summary>
public sealed record SuccessionLink(string From, string Into);

/// <summary>
/// Who a collective is when it comes to its members' money. <paramref name="Members"/>: whose members count as its own,
/// the collective and those that went up in it. <paramref name="Origin"/>: every collective that mergers and splits
/// connect it with, in either direction and over any number of steps: predecessors, successors, the other parts of a
/// split. A new name is the same collective.
/// </summary>
public sealed record Lineage(IReadOnlyCollection<string> Members, IReadOnlyCollection<string> Origin)
{
    /// <param name="links">All mergers and splits there were; the walk meets each collective once.</param>
    public static Lineage Of(Collective collective, IEnumerable<SuccessionLink> links)
    {
        var neighbours = links
            .SelectMany(l => ((string, string)[])[(l.From, l.Into), (l.Into, l.From)])
            .ToLookup(l => l.Item1, l => l.Item2);
        var members = collective.WithPredecessors();
        var origin = members.ToHashSet();
        for (var open = new Queue<string>(origin); open.TryDequeue(out var id); )
            foreach (var next in neighbours[id])
                if (origin.Add(next))
                    open.Enqueue(next);
        return new Lineage(members, origin);
    }
}
