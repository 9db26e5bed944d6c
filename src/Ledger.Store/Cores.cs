namespace Ledger.Store;

/// <summary>
/// Work on the many of a long list: by all cores but one, so that whoever else asks meanwhile is answered. On two
/// cores a posting beside an approval waited for both.
/// </summary>
public static class Cores
{
    private static readonly int Taken = Math.Max(1, Environment.ProcessorCount - 1);

    /// <summary>Fewer are done before others have begun.</summary>
    private const int Many = 500;

    /// <summary>In the order of <paramref name="all"/>.</summary>
    public static IEnumerable<TOut> Each<TIn, TOut>(this IReadOnlyCollection<TIn> all, Func<TIn, TOut> once) =>
        all.Count < Many || Taken == 1
            ? all.Select(once)
            : all.AsParallel().AsOrdered().WithDegreeOfParallelism(Taken).Select(once);
}
