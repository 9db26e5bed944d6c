using System.Text.Json.Serialization;

namespace Ledger.Domain;

/// <summary>
/// A half-open interval [From, To) of fen offsets on an account's cumulative axis. The k-th fen that leaves a
/// sub-account is the k-th fen that came into it, so the sources of an outflow are the inflows whose intervals overlap
/// it (docs/domain.md, "The fen axes").
/// </summary>
public readonly record struct FenInterval(long From, long To)
{
    [JsonIgnore]
    public Money Length => new(To - From);

    public static FenInterval StartingAt(long from, Money length) => new(from, from + length.Fen);

    /// <summary>The part that both cover, or null where they do not meet.</summary>
    public FenInterval? Overlap(FenInterval other)
    {
        var (from, to) = (Math.Max(From, other.From), Math.Min(To, other.To));
        return from < to ? new FenInterval(from, to) : null;
    }

    /// <summary>The same fen as maximal runs, in order: neighbours are joined.</summary>
    public static IReadOnlyList<FenInterval> Runs(IEnumerable<FenInterval> intervals)
    {
        var runs = new List<FenInterval>();
        foreach (var next in intervals.OrderBy(i => i.From))
        {
            if (runs.Count > 0 && runs[^1].To == next.From)
                runs[^1] = runs[^1] with { To = next.To };
            else
                runs.Add(next);
        }
        return runs;
    }
}
