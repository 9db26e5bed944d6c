using Ledger.Domain;

namespace Ledger.Store;

/// <summary>A stream that a command will change.</summary>
public sealed record StreamNeed(Type Aggregate, string Id);

/// <summary>
/// Streams that are locked for several commands at once, as they stand after each of them: the next one decides on what
/// the ones before it left. Nothing of it is written yet.
/// </summary>
public sealed class HeldStreams
{
    private sealed record Held(Aggregate State, long Version, List<(object Event, DateOnly On)> Added);

    private readonly Dictionary<string, Held> _held = [];
    private readonly HashSet<string> _taken = [];

    internal void Add(Aggregate state, long version) => _held[state.Id] = new Held(state, version, []);

    internal void AddTaken(string id) => _taken.Add(id);

    /// <summary>It is locked here, and its state is sound.</summary>
    public bool Has(string id) => _held.ContainsKey(id);

    /// <summary>It is there, and somebody else holds it.</summary>
    public bool IsTaken(string id) => _taken.Contains(id);

    public (Aggregate State, long Version) Of(string id) => (_held[id].State, _held[id].Version);

    /// <summary>What a command leaves, for those after it.</summary>
    public void Leave(StreamChange change, DateOnly effectiveDate)
    {
        var held = _held[change.Id];
        InvariantViolationException.Require(
            held.Version == change.Before,
            $"{change.Id}: decided on version {change.Before}, the ones before it leave {held.Version}"
        );
        held.Added.AddRange(change.Events.Select(e => (e, effectiveDate)));
        _held[change.Id] = held with { State = change.State!, Version = change.Before + change.Events.Count };
    }

    /// <summary>Of the events that the ones before it left in a stream, what a look will find.</summary>
    public IEnumerable<object> Found(string id, Look look) =>
        _held[id].Added.Select(a => look.OfEvent(a.Event, a.On)).OfType<object>();
}
