using System.Reflection;
using System.Text.Json;
using JasperFx.Events;
using JasperFx.Events.Projections;
using Ledger.Domain;
using Marten;
using Marten.Events.Aggregation;

namespace Ledger.Store;

/// <summary>
/// An aggregate's state as a document beside its stream, by the domain's own <c>Evolve</c>; the fund's document is also
/// the inline balance. The product's own append writes it with the events; this is how Marten knows the table and
/// rebuilds a document.
/// </summary>
public sealed class StateProjection<T> : SingleStreamProjection<T, string>
    where T : Aggregate, IEvolve<T>
{
    public StateProjection()
    {
        Name = typeof(T).Name;
        foreach (var type in EventTypes.Of<T>())
            IncludeType(type);
    }

    public override T? Evolve(T? snapshot, string id, IEvent e) => IEvolve<T>.Next(snapshot, id, (IEventOf<T>)e.Data);
}

public static class EventTypes
{
    public static IEnumerable<Type> Of<T>()
        where T : Aggregate => All.Where(t => t.IsAssignableTo(typeof(IEventOf<T>)));

    /// <summary>Every aggregate of the domain, by name.</summary>
    public static readonly IReadOnlyList<Type> Aggregates =
    [
        .. typeof(Aggregate)
            .Assembly.GetTypes()
            .Where(t => t.IsSubclassOf(typeof(Aggregate)))
            .OrderBy(t => t.Name, StringComparer.Ordinal),
    ];

    /// <summary>
    /// How a stream's id begins says what it is of, the longest first. What <c>mt_streams</c> says of it anybody of the
    /// application's role can change, and would have a look pass by.
    /// </summary>
    public static readonly IReadOnlyList<(string Prefix, Type Of)> Prefixes =
    [
        .. Aggregates
            .Select(t => ($"{JsonNamingPolicy.KebabCaseLower.ConvertName(t.Name)}-", t))
            .OrderByDescending(p => p.Item1.Length),
    ];

    /// <summary>What a stream is of; null: of no aggregate.</summary>
    public static Type? AggregateOf(string stream) =>
        Prefixes.FirstOrDefault(p => stream.StartsWith(p.Prefix, StringComparison.Ordinal)).Of;

    /// <summary>Neither an aggregate's stream nor that of a refusal: the product writes no other.</summary>
    public static bool IsOfNoKind(string stream) =>
        !stream.StartsWith("refusal-", StringComparison.Ordinal) && AggregateOf(stream) is null;

    /// <summary>Every event of the domain, refusals included.</summary>
    public static readonly IReadOnlyList<Type> All =
    [
        .. typeof(Aggregate)
            .Assembly.GetTypes()
            .Where(t =>
                t is { IsClass: true }
                && t.GetInterfaces().Any(i => i.IsGenericType && i.GetGenericTypeDefinition() == typeof(IEventOf<>))
            ),
        typeof(CommandRefused),
    ];
}

public static class StateRegistration
{
    /// <summary>Inline: the state of every aggregate.</summary>
    public static void AddStates(this StoreOptions options)
    {
        options.Events.AddEventTypes(EventTypes.All);
        var add = typeof(StateRegistration).GetMethod(nameof(AddState), BindingFlags.NonPublic | BindingFlags.Static)!;
        foreach (var aggregate in EventTypes.Aggregates)
            add.MakeGenericMethod(aggregate).Invoke(null, [options]);
    }

    /// <summary>
    /// Regions are looked for by prefix: a scope. An index of a collation other than C does not serve that.
    /// </summary>
    public static void ByPrefix(Marten.Schema.DocumentIndex index) => index.Mask = "? text_pattern_ops";

    private static void AddState<T>(StoreOptions options)
        where T : Aggregate, IEvolve<T>
    {
        options.Projections.Add(new StateProjection<T>(), ProjectionLifecycle.Inline);
        options
            .Schema.For<T>()
            .Duplicate(x => x.Region, configure: ByPrefix)
            .IgnoreIndex("mt_doc_application_idx_held")
            .IgnoreIndex("mt_doc_member_idx_memberships")
            .IgnoreIndex("mt_doc_member_idx_gone")
            .IgnoreIndex("mt_doc_member_idx_found")
            .IgnoreIndex("mt_doc_member_idx_waits"); // see Migrations
    }
}
