using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Store.Axes;

/// <summary>
/// The axes of a sub-account: what came in, what went out, and the members' lines that share out what was reserved.
/// </summary>
public enum Axis
{
    In,
    Out,
    Line,
}

/// <summary>Fen of one sub-account; <paramref name="Account"/> is <c>fund id/sub-account</c>.</summary>
public readonly record struct FenSpan(string Account, FenInterval Fen)
{
    public static FenSpan Of(string fundId, string subAccount, FenInterval fen) => new($"{fundId}/{subAccount}", fen);

    public string FundId => Account[..Account.IndexOf('/', StringComparison.Ordinal)];
    public string SubAccount => Account[(Account.IndexOf('/', StringComparison.Ordinal) + 1)..];
}

/// <summary>
/// An interval of an axis, and the event that made it. The intervals of an axis never overlap; those of In and Out tile
/// it.
/// </summary>
/// <param name="Reference">The allocation, application, sub-account or fund that it belongs to.</param>
/// <param name="Origin">Where fen that came in again had gone out: as many fen of that account's Out axis, each at most
/// once.</param>
/// <param name="MemberYearId">Whose line it is.</param>
public sealed record AxisEntry(
    Axis Axis,
    FenSpan Span,
    EntryKind Kind,
    string Reference,
    FenSpan? Origin = null,
    string? MemberYearId = null,
    Guid EventId = default
)
{
    /// <summary>
    /// The intervals that an event makes, read off its own offsets (docs/domain.md, "The fen axes"); none for most
    /// events.
    /// </summary>
    public static IEnumerable<AxisEntry> Of(string streamId, object e) =>
        e switch
        {
            IFundMovement moved => moved.Movements.SelectMany(m => Of(streamId, m)),
            SubsidyApproved s =>
            [
                new AxisEntry(
                    Axis.Line,
                    FenSpan.Of(s.FundId, s.SubAccount, s.Fen),
                    EntryKind.Line,
                    s.ApplicationId,
                    MemberYearId: streamId
                ),
            ],
            _ => [],
        };

    private static IEnumerable<AxisEntry> Of(string fundId, Movement m)
    {
        if (m.Out is { } gone)
            yield return Of(Axis.Out, fundId, gone);
        if (m.In is { } came)
            yield return Of(Axis.In, fundId, came);
    }

    private static AxisEntry Of(Axis axis, string fundId, FenLaid laid) =>
        new(axis, SpanOf(fundId, laid.Of), laid.Kind, laid.Reference, laid.Origin is { } o ? SpanOf(fundId, o) : null);

    private static FenSpan SpanOf(string fundId, FenOf of) => FenSpan.Of(of.FundId ?? fundId, of.SubAccount, of.Fen);
}
