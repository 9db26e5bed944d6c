using Ledger.Domain;

namespace Ledger.TransparencyLog;

/// <summary>
/// A witness and how far it has followed; <paramref name="CosignedSize"/> null: it has not cosigned yet.
/// </summary>
public sealed record WitnessView(string Name, long? CosignedSize, DateTimeOffset? CosignedAt);

/// <summary>
/// Something that was found wrong with the log, when and by whom: the log's check, a witness, the signer.
/// </summary>
public sealed record FindingView(DateTimeOffset FoundAt, string Kind, [property: Said] string Detail);

/// <summary>
/// How the log stands: entries, of which <paramref name="SignedSize"/> are under a checkpoint;
/// <paramref name="Waiting"/> events have not been taken in yet. <paramref name="IsSound"/>: nothing was ever found
/// wrong. <paramref name="Findings"/>: the product's own, the newest first, a page of them;
/// <paramref name="Next"/>: where the next page begins. <paramref name="Planted"/>: rows that somebody else wrote among
/// them, which are not shown.
/// </summary>
public sealed record LogStatusView(
    string Origin,
    long Size,
    long SignedSize,
    DateTimeOffset? SignedAt,
    long Waiting,
    bool IsSound,
    IReadOnlyList<WitnessView> Witnesses,
    IReadOnlyList<FindingView> Findings,
    int? Next,
    long Planted
);
