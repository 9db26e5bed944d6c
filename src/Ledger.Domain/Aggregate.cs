using System.Collections.Frozen;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text.Json.Serialization;
using Ledger.Domain.Accounts;

namespace Ledger.Domain;

/// <summary>
/// The state of one stream, just what its decider needs. <see cref="Revision"/> counts the events, 1 after the first.
/// (Not named Version: the store would overwrite it with what it knows at the time, which is 0.)
/// </summary>
public abstract record Aggregate
{
    public string Id { get; init; } = "";
    public int Revision { get; init; }

    /// <summary>The region code that decides who may see it (see <see cref="Identity.RegionCode"/>).</summary>
    public string Region { get; init; } = "";

    /// <summary>What the product sealed the stored state with (see StateSeal); null: nobody has yet.</summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWritingNull)]
    public string? Seal { get; init; }
}

/// <summary>A past-tense fact in the stream of a <typeparamref name="TAggregate"/>.</summary>
public interface IEventOf<TAggregate>
    where TAggregate : Aggregate;

/// <summary>Folds one event into the state: pure, total over the events of <typeparamref name="TSelf"/>.</summary>
public interface IEvolve<TSelf>
    where TSelf : Aggregate, IEvolve<TSelf>
{
    static abstract TSelf Evolve(TSelf? state, IEventOf<TSelf> e);

    /// <summary>One event further: the fold, plus identity and revision.</summary>
    static TSelf Next(TSelf? state, string id, IEventOf<TSelf> e) =>
        TSelf.Evolve(state, e) with
        {
            Id = id,
            Revision = (state?.Revision ?? 0) + 1,
        };
}

/// <summary>An event that moves, reserves or promises money; the audit trail shows the amount.</summary>
public interface IMoneyEvent
{
    Money AmountFen { get; }
}

/// <summary>
/// An event that rests on documents, each named by the SHA-256 digest of its bytes (64 lower-case hex digits).
/// </summary>
public interface IEvidenced
{
    IReadOnlyList<string> Evidence { get; }
}

/// <summary>
/// An event that names other streams beyond its properties ending in Id; the audit trail finds it by any of them.
/// </summary>
public interface INamesIds
{
    IEnumerable<string> Ids { get; }
}

/// <summary>
/// A broken invariant: a defect of this program, never of the caller. The transaction must not commit.
/// </summary>
public sealed class InvariantViolationException(string message) : Exception(message)
{
    /// <param name="message">Made only when it is needed: the states that it shows are long.</param>
    public static void Require(bool holds, [InterpolatedStringHandlerArgument(nameof(holds))] ref WhenBroken message)
    {
        if (!holds)
            throw new InvariantViolationException(message.Say());
    }

    /// <summary>An event that its aggregate does not know: it is never passed over.</summary>
    public static InvariantViolationException Unknown(object e) => new($"{e.GetType().Name}: nobody knows this event");
}

/// <summary>The words of a broken invariant; of one that holds, nothing is put together.</summary>
[InterpolatedStringHandler]
public ref struct WhenBroken
{
    private DefaultInterpolatedStringHandler _text;

    public WhenBroken(int literals, int holes, bool holds, out bool isBroken)
    {
        isBroken = !holds;
        if (isBroken)
            _text = new(literals, holes, CultureInfo.InvariantCulture);
    }

    internal string Say() => _text.ToStringAndClear();

    public void AppendLiteral(string text) => _text.AppendLiteral(text);

    public void AppendFormatted<T>(T value) => _text.AppendFormatted(value);

    public void AppendFormatted<T>(T value, string format) => _text.AppendFormatted(value, format);
}

/// <summary>
/// Who decides: a subject (an account's name, or another authority's <c>alias:sub</c>), its role and its region scope.
/// </summary>
public sealed record Actor(string Id, string Role, string Region)
{
    /// <summary>
    /// The account whose role was delegated to him, where he acts in that role; null: he acts in his own.
    /// </summary>
    public string? OnBehalfOf { get; init; }

    /// <summary>
    /// Account → natural person, of those accounts that this decision rests on; an account that names none is absent.
    /// </summary>
    public IReadOnlyDictionary<string, string> Persons { get; init; } = FrozenDictionary<string, string>.Empty;

    /// <summary>
    /// Duties are kept apart by person, not by name. Who acts under a delegation counts as both, himself and whom he
    /// acts for: so two who stand in for each other are two people, not four.
    /// </summary>
    public bool Is(string? name) =>
        name is not null && (IsSame(Id, name) || (OnBehalfOf is { } other && IsSame(other, name)));

    public bool IsAmong(IEnumerable<string> names) => names.Any(Is);

    /// <summary>
    /// Where both accounts say who they are, that decides. Else the name does, without an authority's alias: one who
    /// came with a token before and has an account now is the same until it is shown otherwise.
    /// </summary>
    private bool IsSame(string one, string other) =>
        Persons.TryGetValue(one, out var first) && Persons.TryGetValue(other, out var second)
            ? first == second
            : ActorName.Bare(one) == ActorName.Bare(other);
}
