namespace Ledger.Domain.Screening;

/// <summary>
/// First digits of amounts beside what Benford's law expects, log₁₀(1 + 1/d) (Nigrini, Benford's Law, 2012). The law
/// holds for amounts that grew by themselves over several orders of magnitude, and for none that somebody assigns:
/// members' subsidies follow from a standard and are not among them.
/// </summary>
/// <param name="Observed">How many begin with 1, 2 … 9.</param>
/// <param name="ChiSquare">Σ (observed − expected)² / expected, 8 degrees of freedom; zero of none.</param>
/// <param name="IsEnough">So many amounts, and so far apart, that the comparison says something.</param>
public sealed record FirstDigits(int Count, IReadOnlyList<int> Observed, decimal ChiSquare, bool IsEnough)
{
    /// <summary>log₁₀(1 + 1/d) of the digits 1 to 9, to five places.</summary>
    public static readonly IReadOnlyList<decimal> Shares =
    [
        0.30103m,
        0.17609m,
        0.12494m,
        0.09691m,
        0.07918m,
        0.06695m,
        0.05799m,
        0.05115m,
        0.04576m,
    ];

    public static FirstDigits Of(IEnumerable<Money> amounts, ScreenLimits limits)
    {
        var observed = new int[9];
        var (count, least, most) = (0, long.MaxValue, 0L);
        foreach (var fen in amounts.Select(a => a.Fen).Where(f => f > 0))
        {
            observed[Digit(fen) - 1]++;
            (count, least, most) = (count + 1, Math.Min(least, fen), Math.Max(most, fen));
        }
        var squares = observed.Select(
            (o, i) =>
            {
                var expected = count * Shares[i];
                return count == 0 ? 0 : (o - expected) * (o - expected) / expected;
            }
        );
        return new(
            count,
            observed,
            decimal.Round(squares.Sum(), 2),
            count >= limits.DigitsLeast && most / least >= limits.DigitsSpan
        );
    }

    public static int Digit(long fen)
    {
        while (fen > 9)
            fen /= 10;
        return (int)fen;
    }
}
