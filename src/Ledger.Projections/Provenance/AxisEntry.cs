using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;

namespace Ledger.Projections.Provenance;

/// <summary>The axes of a sub-account: what came in, what went out, and the members' lines that share out what was reserved.</summary>
public enum Axis
{
    In,
    Out,
    Line,
}

/// <summary>
/// What an interval is. In: allocated, or come again from where it had gone (released, refunded, carried behind a reversal, freed from
/// its earmark, received from a predecessor's fund). Out: reserved for an application, returned to its sources, moved inside the fund,
/// transferred to a successor's fund. Line: one member's.
/// </summary>
public enum EntryKind
{
    Allocated,
    Released,
    Refunded,
    Carried,
    Freed,
    Received,
    Reserved,
    Returned,
    Moved,
    Transferred,
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
/// An interval of an axis, and the event that made it. The intervals of an axis never overlap; those of In and Out tile it.
/// </summary>
/// <param name="Reference">The allocation, application, sub-account or fund that it belongs to.</param>
/// <param name="Origin">Where fen that came in again had gone out: as many fen of that account's Out axis, each at most once.</param>
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
    /// <summary>The intervals that an event makes, read off its own offsets (docs/domain.md, "The fen axes"); none for most events.</summary>
    public static IEnumerable<AxisEntry> Of(string streamId, object e)
    {
        FenSpan Here(string subAccount, FenInterval fen) => FenSpan.Of(streamId, subAccount, fen);
        AxisEntry In(EntryKind kind, string subAccount, FenInterval fen, string reference, FenSpan? origin = null) =>
            new(Axis.In, Here(subAccount, fen), kind, reference, origin);
        AxisEntry Out(EntryKind kind, string subAccount, FenInterval fen, string reference) =>
            new(Axis.Out, Here(subAccount, fen), kind, reference);

        return e switch
        {
            FundsAllocated a => [In(EntryKind.Allocated, a.SubAccount, a.Fen, a.AllocationId)],
            FundsReserved r => [Out(EntryKind.Reserved, r.SubAccount, r.Fen, r.ApplicationId)],
            ReservationReleased r =>
            [
                In(EntryKind.Released, r.SubAccount, r.Fen, r.ApplicationId, Here(r.SubAccount, r.Origin)),
            ],
            FundsRefunded r =>
            [
                In(EntryKind.Refunded, r.SubAccount, r.Fen, r.ApplicationId, Here(r.SubAccount, r.Origin)),
            ],
            AllocationReversed { CarriedOrigin: { } origin, CarriedFen: { } fen } r =>
            [
                Out(EntryKind.Moved, r.SubAccount, origin, r.SubAccount),
                Out(EntryKind.Returned, r.SubAccount, r.Fen, r.AllocationId),
                In(EntryKind.Carried, r.SubAccount, fen, r.AllocationId, Here(r.SubAccount, origin)),
            ],
            AllocationReversed r => [Out(EntryKind.Returned, r.SubAccount, r.Fen, r.AllocationId)],
            EarmarkLifted l =>
            [
                Out(EntryKind.Moved, l.SubAccount, l.Origin, SubAccount.General),
                In(EntryKind.Freed, SubAccount.General, l.Fen, l.SubAccount, Here(l.SubAccount, l.Origin)),
            ],
            SurplusReturned s => [Out(EntryKind.Returned, s.SubAccount, s.Fen, "")],
            FundsTransferred t => [Out(EntryKind.Transferred, t.SubAccount, t.Fen, t.ToFundId)],
            TransferReceived t =>
            [
                In(
                    EntryKind.Received,
                    t.SubAccount,
                    t.Fen,
                    t.FromFundId,
                    FenSpan.Of(t.FromFundId, t.SubAccount, t.Origin)
                ),
            ],
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
    }
}
