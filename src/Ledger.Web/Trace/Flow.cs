using Ledger.Domain;

namespace Ledger.Web.Trace;

/// <summary>
/// A picture of money on its way: what goes in, through and out, in yuan. Nodes are named by id; a link joins two.
/// </summary>
public sealed class Flow
{
    private sealed record Node(string Name, string Label, string Color, string? Link);

    private sealed record Edge(string Source, string Target, Money Amount);

    public const string Source = "#2563a8",
        Fund = "#0f766e",
        Application = "#b7791f",
        Member = "#4c9f70",
        Rest = "#8a8f98";

    private readonly Dictionary<string, Node> _nodes = [];
    private readonly List<Edge> _edges = [];

    public Flow Put(string name, string label, string color, string? link = null)
    {
        _nodes.TryAdd(name, new Node(name, English.Said(label), color, link));
        return this;
    }

    public Flow Join(string source, string target, Money amount)
    {
        if (amount.IsPositive)
            _edges.Add(new Edge(source, target, amount));
        return this;
    }

    /// <summary>How many rows the fullest column has, for the height of the picture.</summary>
    public int Rows =>
        _edges.Count == 0
            ? 1
            : Math.Max(
                _edges.GroupBy(e => e.Source).Max(g => g.Count()),
                _edges.GroupBy(e => e.Target).Max(g => g.Count())
            );

    /// <summary>What Assets/charts.js draws: links between the same two are one.</summary>
    public object Data =>
        new
        {
            nodes = _nodes
                .Values.Where(n => _edges.Any(e => e.Source == n.Name || e.Target == n.Name))
                .Select(n => new
                {
                    n.Name,
                    n.Label,
                    n.Color,
                    n.Link,
                }),
            links = _edges
                .GroupBy(e => (e.Source, e.Target))
                .Select(g => new
                {
                    source = g.Key.Source,
                    target = g.Key.Target,
                    value = Money.Sum(g.Select(e => e.Amount)).Yuan,
                }),
        };
}
