using Ledger.Domain;
using Ledger.Store.Axes;

namespace Ledger.Domain.Tests;

/// <summary>
/// The axes as a list that is searched from end to end: what the table's index walk is compared with.
/// </summary>
public sealed class AxesInMemory(IEnumerable<AxisEntry> entries) : FenAxes
{
    private readonly List<AxisEntry> _entries = [.. entries];

    public IEnumerable<FenInterval> Of(Axis axis, string account) =>
        _entries.Where(e => e.Axis == axis && e.Span.Account == account).Select(e => e.Span.Fen).OrderBy(f => f.From);

    protected override Task<IReadOnlyList<(int Span, AxisEntry Entry)>> OnAsync(
        Axis axis,
        IReadOnlyList<FenSpan> spans
    ) => Find(spans, e => e.Axis == axis ? e.Span : null);

    protected override Task<IReadOnlyList<(int Span, AxisEntry Entry)>> FromAsync(IReadOnlyList<FenSpan> spans) =>
        Find(spans, e => e.Origin);

    private Task<IReadOnlyList<(int Span, AxisEntry Entry)>> Find(
        IReadOnlyList<FenSpan> spans,
        Func<AxisEntry, FenSpan?> at
    ) =>
        Task.FromResult<IReadOnlyList<(int, AxisEntry)>>([
            .. spans.SelectMany(
                (s, i) =>
                    _entries
                        .Where(e =>
                            at(e) is { } span && span.Account == s.Account && span.Fen.Overlap(s.Fen) is not null
                        )
                        .OrderBy(e => at(e)!.Value.Fen.From)
                        .Select(e => (i, e))
            ),
        ]);
}
