using JasperFx.Events;
using Ledger.Domain;

namespace Ledger.Store;

/// <summary>
/// How a document follows from the events of its stream: the state of each aggregate, and what the read models add.
/// </summary>
/// <param name="Name">Of the projection.</param>
/// <param name="Events">The types that it follows from; others leave it as it is.</param>
/// <param name="Step">From the document so far (null: none yet) and one such event; pure. Throws where no decider would
/// have let the event happen.</param>
public sealed record DocumentFold(
    string Name,
    Type Document,
    IReadOnlySet<Type> Events,
    Func<object?, IEvent, object?> Step,
    Func<object, string> Region
)
{
    public static readonly IReadOnlyList<DocumentFold> States =
    [
        .. EventTypes.Aggregates.Select(a =>
            (DocumentFold)
                typeof(DocumentFold)
                    .GetMethod(
                        nameof(State),
                        System.Reflection.BindingFlags.NonPublic | System.Reflection.BindingFlags.Static
                    )!
                    .MakeGenericMethod(a)
                    .Invoke(null, [])!
        ),
    ];

    private static readonly Dictionary<Type, DocumentFold> ByAggregate = States.ToDictionary(f => f.Document);

    public static DocumentFold Of(Type aggregate) => ByAggregate[aggregate];

    private static DocumentFold State<T>()
        where T : Aggregate, IEvolve<T> =>
        new(
            typeof(T).Name,
            typeof(T),
            EventTypes.Of<T>().ToHashSet(),
            (state, e) => IEvolve<T>.Next((T?)state, e.StreamKey!, (IEventOf<T>)e.Data),
            state => ((T)state).Region
        );

    /// <summary>Why from an event nothing follows, in words: folds are pure and speak of what they know.</summary>
    public static string Why(Exception broken) =>
        broken is NullReferenceException or InvalidCastException ? "它前面没有它要接续的事件" : broken.Message;

    /// <summary>
    /// What somebody wrote past the product changes nothing and takes a version all the same: the stream goes on after
    /// it.
    /// </summary>
    public object? Next(object? document, IEvent e) =>
        e.IsForeign()
            ? document is Aggregate state
                ? state with
                {
                    Revision = (int)e.Version,
                }
                : document
            : Events.Contains(e.EventType)
                ? Step(document, e)
                : document;
}
