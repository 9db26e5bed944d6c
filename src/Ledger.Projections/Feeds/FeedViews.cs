using Ledger.Domain.Feeds;

namespace Ledger.Projections.Feeds;

/// <param name="Position">Of the log: the last that the other side has; null before anything was sent.</param>
/// <param name="Behind">So many entries of the log are still to be looked through for it.</param>
/// <param name="NextTryAt">Null: nothing is waited for.</param>
public sealed record SubscriptionView(
    string Id,
    int Version,
    string Region,
    string Name,
    string Address,
    IReadOnlyList<string> Types,
    SubscriptionState State,
    IReadOnlyList<string> AskedBy,
    string? ConfirmedBy,
    string? Reason,
    long? Position,
    long Behind,
    int Failures,
    DateTimeOffset? NextTryAt
);

/// <param name="Failure">Null: the other side has it. <c>refused</c> (its status says how), <c>redirect</c> (none is
/// followed), <c>timeout</c>, <c>unreachable</c>, <c>name-unknown</c>, <c>certificate</c>,
/// <c>address-forbidden</c>.</param>
public sealed record DeliveryView(
    long Number,
    DateTimeOffset At,
    long? FirstPosition,
    long? LastPosition,
    int Entries,
    int? Status,
    int Milliseconds,
    string? Failure
);
