using Ledger.Domain;
using Ledger.Domain.Log;
using Ledger.Domain.Screening;

namespace Ledger.TransparencyLog;

/// <summary>
/// A witness and how far it has followed; <paramref name="CosignedSize"/> null: it has not cosigned yet.
/// </summary>
public sealed record WitnessView(string Name, long? CosignedSize, DateTimeOffset? CosignedAt);

/// <summary>
/// Something that was found wrong with the log, when first and by whom: the log's check, a witness, the signer.
/// </summary>
/// <param name="Id">By which it is answered.</param>
/// <param name="Version">Of what is on record of it; 0: nothing yet.</param>
/// <param name="Count">How often: again only after it was closed as set right.</param>
/// <param name="IsOpen">It raises the alarm.</param>
/// <param name="Closure">The last one, also where it was found again since.</param>
public sealed record FindingView(
    DateTimeOffset FoundAt,
    string Kind,
    [property: Said] string Detail,
    string Id,
    int Version,
    int Count,
    bool IsOpen,
    FindingAnswer? Answer,
    LogFindingClosure? Closure
);

/// <summary>
/// Where the log was continued (续接): <paramref name="SeenSize"/> entries had been signed, of which those from
/// <paramref name="SharedSize"/> on are lost.
/// </summary>
public sealed record ContinuationView(
    long Sequence,
    DateTimeOffset At,
    long SharedSize,
    long SeenSize,
    string Reason,
    IReadOnlyList<string> ApprovedBy
);

/// <summary>
/// How the log stands: entries, of which <paramref name="SignedSize"/> are under a checkpoint;
/// <paramref name="Waiting"/> events have not been taken in yet. <paramref name="IsSound"/>: nothing was ever found
/// wrong; <paramref name="Open"/>: what nobody has closed yet, which raises the alarm.
/// <paramref name="Findings"/>: the product's own, those that are open first, the newest first, a page of them;
/// <paramref name="Next"/>: where the next page begins. <paramref name="Planted"/>: rows that somebody else wrote among
/// them, which are not shown, and <paramref name="PlantedFinding"/> what is on record of these together.
/// <paramref name="Continuations"/>: where a lost tail was declared.
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
    long Planted,
    long Open,
    FindingView? PlantedFinding,
    IReadOnlyList<ContinuationView> Continuations
);
