using System.Numerics;

namespace Ledger.Domain.Sampling;

/// <summary>What an auditor found at a drawn fen: of its line's amount, so much should not have been spent.</summary>
public sealed record FoundError(Money LineFen, Money ErrorFen);

/// <summary>
/// What a sample says of its population: the most likely error, and one that the error exceeds at most as often as the
/// confidence says.
/// </summary>
public sealed record ErrorBound(Money LikelyFen, Money UpperFen);

/// <summary>
/// Evaluation of a monetary-unit sample by tainting, with the Stringer bound (K. W. Stringer 1963; P. J. Bickel,
/// Inference and Auditing: the Stringer Bound, 1992) and Poisson factors, as the AICPA's Audit Guide Audit Sampling
/// tabulates them by errors found and risk of incorrect acceptance. ISA 530 asks in paragraph 14 for the projection
/// and names no formula. That the bound holds as often as it says is proven for
/// no size in general (de Jager, Pap and van Zuijlen 1997), only seen: so do the tests.
/// Errors are overpayments: an underpayment is no part of a fen that went out, and lessens nothing.
/// </summary>
public static class ErrorEstimate
{
    /// <summary>
    /// How many errors there may be, in hundredths, where <paramref name="found"/> were seen: the Poisson mean at which
    /// so few are seen with 100 − <paramref name="confidence"/> in a hundred; rounded up, as the published table is.
    /// </summary>
    public static int Factor(int found, int confidence)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(found);
        ArgumentOutOfRangeException.ThrowIfLessThan(confidence, 50);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(confidence, 99);
        var (low, high) = (0, 100 * (2 * found + 20));
        while (low + 1 < high)
        {
            var middle = (low + high) / 2;
            if (AtMost(found, middle / 100.0) > 1 - confidence / 100.0)
                low = middle;
            else
                high = middle;
        }
        return high;
    }

    /// <summary>Of a Poisson count with this mean: the chance of at most so many. Each term by its logarithm: e to the
    /// minus mean alone is 0 for a large one.</summary>
    private static double AtMost(int found, double mean)
    {
        var (sum, log) = (0.0, -mean);
        for (var k = 0; k <= found; log += Math.Log(mean / ++k))
            sum += Math.Exp(log);
        return sum;
    }

    /// <param name="population">All fen that were drawn from.</param>
    /// <param name="size">How many were drawn.</param>
    /// <param name="errors">Of the drawn lines those that were wrong. One that is as long as the interval was drawn for
    /// certain: nothing is projected from it, its error is what it is.</param>
    public static ErrorBound Of(Money population, int size, IReadOnlyList<FoundError> errors, int confidence)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(size, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(errors.Count, size, nameof(errors));
        if (errors.FirstOrDefault(e => e.ErrorFen.Fen < 1 || e.ErrorFen > e.LineFen) is { } wrong)
            throw new ArgumentException($"{wrong}: an error is some of its line", nameof(errors));
        var (likely, upper) = (Ratio.Zero, new Ratio(Factor(0, confidence), 100));
        bool IsCertain(FoundError e) => (Int128)e.LineFen.Fen * size >= population.Fen;
        var known = Money.Sum(errors.Where(IsCertain).Select(e => e.ErrorFen)).Fen;
        var taintings = errors
            .Where(e => !IsCertain(e))
            .Select(e => new Ratio(e.ErrorFen.Fen, e.LineFen.Fen))
            .OrderDescending(Comparer<Ratio>.Create((a, b) => (a.Over * b.Under).CompareTo(b.Over * a.Under)))
            .ToList();
        for (var j = 0; j < taintings.Count; j++)
        {
            likely += taintings[j];
            upper += new Ratio(Factor(j + 1, confidence) - Factor(j, confidence), 100) * taintings[j];
        }
        var interval = new Ratio(population.Fen, size);
        return new ErrorBound(
            new Money(known + (interval * likely).Down),
            new Money((long)BigInteger.Min(population.Fen, known + (interval * upper).Up))
        );
    }

    /// <summary>Money is whole, and so is what is worked out of it: no fraction is lost on the way.</summary>
    private readonly record struct Ratio(BigInteger Over, BigInteger Under)
    {
        public static readonly Ratio Zero = new(0, 1);
        public long Down => (long)(Over / Under);
        public BigInteger Up => (Over + Under - 1) / Under;

        public static Ratio operator +(Ratio a, Ratio b) =>
            Lowest(a.Over * b.Under + b.Over * a.Under, a.Under * b.Under);

        public static Ratio operator *(Ratio a, Ratio b) => Lowest(a.Over * b.Over, a.Under * b.Under);

        private static Ratio Lowest(BigInteger over, BigInteger under)
        {
            var common = BigInteger.GreatestCommonDivisor(over, under);
            return new Ratio(over / common, under / common);
        }
    }
}
