using System.Text;

namespace Ledger.Domain.Tests;

/// <summary>What a command did to a state: the next one, or the code it was refused with.</summary>
internal readonly record struct Outcome<TState>(TState? Next, string? Refused)
    where TState : class;

/// <summary>
/// Every state that commands lead to from a first one. States with one key count as one, so the graph is finite
/// although events and fen offsets grow.
/// </summary>
internal sealed class StateGraph<TState>
    where TState : class
{
    private readonly Dictionary<string, TState> _states = [];
    private readonly Dictionary<string, Dictionary<string, (string? To, string? Refused)>> _edges = [];

    public IReadOnlyDictionary<string, TState> States => _states;

    public StateGraph(
        TState first,
        IReadOnlyList<(string Name, Func<TState, Outcome<TState>> Do)> commands,
        Func<TState, string> key,
        int limit = 50_000
    )
    {
        var open = new Queue<TState>([first]);
        _states[key(first)] = first;
        while (open.TryDequeue(out var state))
        {
            var edges = _edges[key(state)] = [];
            foreach (var (name, act) in commands)
            {
                var (next, refused) = act(state);
                edges[name] = (next is null ? null : key(next), refused);
                if (next is not null && _states.TryAdd(key(next), next))
                    open.Enqueue(next);
            }
            Assert.True(_states.Count < limit, $"more than {limit} states: the key is too fine");
        }
    }

    /// <summary>The states from which no path leads to a good one.</summary>
    public IReadOnlyList<string> Stuck(Func<TState, bool> good)
    {
        var saved = _states.Where(s => good(s.Value)).Select(s => s.Key).ToHashSet();
        while (
            _edges
                .Where(e => !saved.Contains(e.Key) && e.Value.Values.Any(x => x.To is not null && saved.Contains(x.To)))
                .Select(e => e.Key)
                .ToList()
                is { Count: > 0 } more
        )
            saved.UnionWith(more);
        return [.. _states.Keys.Except(saved)];
    }

    /// <summary>
    /// Markdown: for each state by its label and each command, the labels it can lead to and the codes it can be
    /// refused with.
    /// </summary>
    public string Table(Func<TState, string> label)
    {
        var commands = _edges.Values.First().Keys.ToList();
        var rows = _edges.GroupBy(e => label(_states[e.Key])).ToList();
        var text = new StringBuilder(
            $"| state | {string.Join(" | ", commands)} |\n"
                + $"|{string.Concat(Enumerable.Repeat("---|", commands.Count + 1))}\n"
        );
        foreach (var row in rows)
        {
            var cells = commands.Select(c =>
                string.Join(
                    ", ",
                    row.Select(r => r.Value[c])
                        .Select(x => x.To is not null ? $"**{label(_states[x.To])}**" : $"`{x.Refused}`")
                        .Distinct()
                        .Order(StringComparer.Ordinal)
                )
            );
            text.Append($"| **{row.Key}** | {string.Join(" | ", cells)} |\n");
        }
        return text.ToString();
    }
}
