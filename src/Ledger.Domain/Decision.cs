namespace Ledger.Domain;

/// <summary>
/// What a step decided: the events of the stream that it is about, and with them the changes of every other stream that
/// it touches (<see cref="Also"/>); or a refusal, and then nothing at all. The whole of it is one transaction.
/// </summary>
public readonly record struct Decision<TAggregate>(IReadOnlyList<IEventOf<TAggregate>> Events, Rejection? Rejection)
    where TAggregate : Aggregate
{
    private readonly IReadOnlyList<Change>? _also;
    private readonly IReadOnlyList<Fault>? _leftOut;

    /// <summary>What goes with it on other streams, in the order in which it is appended.</summary>
    public IReadOnlyList<Change> Also
    {
        get => _also ?? [];
        init => _also = value;
    }

    /// <summary>Whom the step passed over, and why: told to the caller, and on record in the events.</summary>
    public IReadOnlyList<Fault> LeftOut
    {
        get => _leftOut ?? [];
        init => _leftOut = value;
    }

    /// <summary>Which earlier entry this is not, and why somebody says so: a header of the events.</summary>
    public string? Confirmed { get; init; }

    /// <summary>What <see cref="Also"/> makes of a stream; what was there before when it does not touch it.</summary>
    public T After<T>(T before)
        where T : Aggregate => (T?)Also.LastOrDefault(c => c.Id == before.Id)?.State ?? before;

    public static implicit operator Decision<TAggregate>(Rejection rejection) => new([], rejection);

    public static implicit operator Decision<TAggregate>(IEventOf<TAggregate>[] events) => new(events, null);
}

/// <summary>
/// Events of one stream, and the state they lead to. <paramref name="Before"/>: its revision before them, 0 for a new
/// stream.
/// </summary>
public abstract record Change(string Id, int Before, IReadOnlyList<object> Events)
{
    public abstract Type Aggregate { get; }
    public abstract Aggregate State { get; }

    /// <summary>Of a stream that is there.</summary>
    public static Change<T> Of<T>(T before, params IReadOnlyList<IEventOf<T>> events)
        where T : Aggregate, IEvolve<T> => Of(before.Id, before, events);

    /// <summary>Of a stream that may begin with these events.</summary>
    public static Change<T> Of<T>(string id, T? before, params IReadOnlyList<IEventOf<T>> events)
        where T : Aggregate, IEvolve<T>
    {
        InvariantViolationException.Require(events.Count > 0, $"{id}: a change of nothing");
        var after = before;
        foreach (var e in events)
            after = IEvolve<T>.Next(after, id, e);
        return new Change<T>(id, before?.Revision ?? 0, events, after!);
    }
}

/// <inheritdoc/>
public sealed record Change<T>(string Id, int Before, IReadOnlyList<IEventOf<T>> Facts, T After)
    : Change(Id, Before, Facts)
    where T : Aggregate
{
    public override Type Aggregate => typeof(T);
    public override Aggregate State => After;
}
