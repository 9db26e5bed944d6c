using System.Collections.Immutable;
using Ledger.Domain;
using Ledger.Domain.Funds;

namespace Ledger.Store.Axes;

/// <summary>
/// One step of a path: <paramref name="Fen"/> is the part of the entry that the path goes through, on the entry's own
/// axis.
/// </summary>
public sealed record PathStep(AxisEntry Entry, FenInterval Fen);

/// <summary>
/// Fen of an allocation, by their interval on the In axis, and the way there: first where it last came in, at the end
/// the allocation.
/// </summary>
public sealed record Source(AxisEntry Allocation, FenInterval Fen, ImmutableList<PathStep> Path);

/// <summary>Where some fen are now.</summary>
public enum PlaceKind
{
    Available,
    Used,
    Returned,
}

/// <summary>
/// Fen of an account and where they are; used: on the Out axis, for <paramref name="ApplicationId"/>.
/// </summary>
public sealed record Place(PlaceKind Kind, FenSpan Span, string? ApplicationId = null);

/// <summary>A trace that would touch more intervals than <see cref="FenAxes.MaxIntervals"/>.</summary>
public sealed class TraceLimitException() : Exception($"追溯涉及的区间超过 {FenAxes.MaxIntervals} 个");

/// <summary>
/// Follows fen through the axes: fen k that leaves an account is fen k that came into it, and what came in again says
/// from where. Each round asks for all spans at once, so a trace takes as many questions as it has hands to pass
/// through, whatever the history is.
/// </summary>
public abstract class FenAxes
{
    public const int MaxIntervals = 50_000;

    /// <summary>
    /// The entries of an axis that overlap each span, with the span's index; in order of the span, then of the fen.
    /// </summary>
    protected abstract Task<IReadOnlyList<(int Span, AxisEntry Entry)>> OnAsync(
        Axis axis,
        IReadOnlyList<FenSpan> spans
    );

    /// <summary>The entries that came in again out of each span of an Out axis.</summary>
    protected abstract Task<IReadOnlyList<(int Span, AxisEntry Entry)>> FromAsync(IReadOnlyList<FenSpan> spans);

    /// <summary>
    /// Which allocations these fen, by their interval on the Out (or In) axis, came from. The sources sum to the span.
    /// </summary>
    /// <exception cref="TraceLimitException"/>
    public async Task<IReadOnlyList<Source>> UpAsync(FenSpan span)
    {
        var sources = new List<Source>();
        var frontier = new List<(FenSpan Span, ImmutableList<PathStep> Path)> { (span, []) };
        for (var seen = 0; frontier.Count > 0; )
        {
            var found = await OnAsync(Axis.In, [.. frontier.Select(f => f.Span)]);
            seen = Count(seen, found.Count);
            var next = new List<(FenSpan, ImmutableList<PathStep>)>();
            var covered = new Money[frontier.Count];
            foreach (var (i, entry) in found)
            {
                var part = entry.Span.Fen.Overlap(frontier[i].Span.Fen)!.Value;
                covered[i] += part.Length;
                var path = frontier[i].Path.Add(new PathStep(entry, part));
                if (entry.Origin is { } origin)
                    next.Add((Shift(part, entry.Span.Fen, origin), path));
                else
                    sources.Add(new Source(entry, part, Narrowed(path)));
            }
            for (var i = 0; i < covered.Length; i++)
                InvariantViolationException.Require(
                    covered[i] == frontier[i].Span.Fen.Length,
                    $"{frontier[i].Span} did not come in"
                );
            frontier = next;
        }
        InvariantViolationException.Require(
            Money.Sum(sources.Select(s => s.Fen.Length)) == span.Fen.Length,
            $"the sources of {span} do not sum to it"
        );
        return sources;
    }

    /// <summary>The path of just those fen that came all the way from its last step, the allocation.</summary>
    private static ImmutableList<PathStep> Narrowed(ImmutableList<PathStep> path)
    {
        for (var i = path.Count - 2; i >= 0; i--)
            path = path.SetItem(
                i,
                path[i] with
                {
                    Fen = Shift(path[i + 1].Fen, path[i].Entry.Origin!.Value.Fen, path[i].Entry.Span).Fen,
                }
            );
        return path;
    }

    /// <summary>Where these fen, by their interval on the In axis, are now. The places sum to the span.</summary>
    /// <exception cref="TraceLimitException"/>
    public async Task<IReadOnlyList<Place>> DownAsync(FenSpan span)
    {
        var places = new List<Place>();
        var frontier = new List<FenSpan> { span };
        for (var seen = 0; frontier.Count > 0; )
        {
            var gone = (await OnAsync(Axis.Out, frontier))
                .Select(f => (f.Span, f.Entry, Part: f.Entry.Span.Fen.Overlap(frontier[f.Span].Fen)!.Value))
                .ToList();
            var left = gone.ToLookup(g => g.Span, g => g.Part);
            places.AddRange(
                frontier.SelectMany(
                    (f, i) =>
                        Without(f.Fen, left[i]).Select(rest => new Place(PlaceKind.Available, f with { Fen = rest }))
                )
            );

            var again = await FromAsync([.. gone.Select(g => g.Entry.Span with { Fen = g.Part })]);
            var back = again
                .Select(a => (a.Span, a.Entry, Part: a.Entry.Origin!.Value.Fen.Overlap(gone[a.Span].Part)!.Value))
                .ToList();
            var moved = back.ToLookup(b => b.Span, b => b.Part);
            for (var i = 0; i < gone.Count; i++)
                foreach (var stayed in Without(gone[i].Part, moved[i]))
                    places.Add(At(gone[i].Entry, stayed));
            seen = Count(seen, gone.Count + back.Count);
            frontier = [.. back.Select(b => Shift(b.Part, b.Entry.Origin!.Value.Fen, b.Entry.Span))];
        }
        InvariantViolationException.Require(
            Money.Sum(places.Select(p => p.Span.Fen.Length)) == span.Fen.Length,
            $"{span} is not wholly accounted for"
        );
        return places;
    }

    private static Place At(AxisEntry gone, FenInterval stayed) =>
        gone.Kind switch
        {
            EntryKind.Reserved => new Place(PlaceKind.Used, gone.Span with { Fen = stayed }, gone.Reference),
            EntryKind.Returned => new Place(PlaceKind.Returned, gone.Span with { Fen = stayed }),
            _ => throw new InvariantViolationException($"{gone.Kind} {gone.Span}: {stayed} did not arrive"),
        };

    private static int Count(int seen, int more) =>
        seen + more <= MaxIntervals ? seen + more : throw new TraceLimitException();

    private static FenSpan Shift(FenInterval part, FenInterval from, FenSpan to) =>
        to with
        {
            Fen = new FenInterval(part.From - from.From + to.Fen.From, part.To - from.From + to.Fen.From),
        };

    /// <summary>What of an interval is not in the holes, which lie inside it in any order and do not overlap.</summary>
    private static IEnumerable<FenInterval> Without(FenInterval whole, IEnumerable<FenInterval> holes)
    {
        var at = whole.From;
        foreach (var hole in holes.OrderBy(h => h.From))
        {
            if (at < hole.From)
                yield return new FenInterval(at, hole.From);
            at = hole.To;
        }
        if (at < whole.To)
            yield return new FenInterval(at, whole.To);
    }
}
