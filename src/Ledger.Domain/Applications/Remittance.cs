using Ledger.Domain.Funds;

namespace Ledger.Domain.Applications;

/// <summary>
/// Money as the agency books it (L13, 财会〔2017〕28号 †): the collective's own under 4102 集体补助收入, gifts of others under
/// 4501 其他收入.
/// </summary>
public readonly record struct SourceSplit(Money CollectiveFen, Money OtherFen)
{
    public const string CollectiveColumn = "其中集体补助（4102）",
        OtherColumn = "其中其他收入（4501）";

    public Money Total => CollectiveFen + OtherFen;

    public static SourceSplit operator +(SourceSplit a, SourceSplit b) =>
        new(a.CollectiveFen + b.CollectiveFen, a.OtherFen + b.OtherFen);

    public static SourceSplit Of(SourceKind source, Money amount) =>
        source is SourceKind.OtherOrganisation or SourceKind.Charity or SourceKind.Individual
            ? new(Money.Zero, amount)
            : new(amount, Money.Zero);
}

/// <summary>Fen of the outflow axis and where they came from.</summary>
public sealed record SourcedFen(FenInterval Fen, SourceKind Source);

/// <summary>A payment as it goes to the agency (L12, L13).</summary>
public static class Remittance
{
    /// <summary>Each line's split, to the fen.</summary>
    /// <param name="parts">Tile the lines, in any order.</param>
    public static IReadOnlyDictionary<string, SourceSplit> Split(IEnumerable<Line> lines, IEnumerable<SourcedFen> parts)
    {
        var (splits, sorted) = (new Dictionary<string, SourceSplit>(), parts.OrderBy(p => p.Fen.From).ToList());
        var at = 0;
        foreach (var line in lines.Where(l => l.Fen is not null).OrderBy(l => l.Fen!.Value.From))
        {
            var fen = line.Fen!.Value;
            while (at < sorted.Count && sorted[at].Fen.To <= fen.From)
                at++;
            var split = default(SourceSplit);
            for (var i = at; i < sorted.Count && sorted[i].Fen.From < fen.To; i++)
                split += SourceSplit.Of(sorted[i].Source, sorted[i].Fen.Overlap(fen)!.Value.Length);
            InvariantViolationException.Require(
                split.Total == line.AmountFen,
                $"the sources of {line.MemberId} sum to {split.Total}, not to {line.AmountFen}"
            );
            splits[line.MemberId] = split;
        }
        return splits;
    }
}
