using System.Text.Json.Serialization;

namespace Ledger.Domain.Feeds;

/// <param name="Region">Whose events, with all below it.</param>
/// <param name="Types">Of events, as the audit trail has them; none: all.</param>
public sealed record SubscriptionOpened(
    string Region,
    string Name,
    string Address,
    IReadOnlyList<string> Types,
    string OpenedBy
) : IEventOf<Subscription>;

/// <summary>It goes elsewhere or tells something else from now on, once that is confirmed too.</summary>
public sealed record SubscriptionChanged(string Address, IReadOnlyList<string> Types, string ChangedBy)
    : IEventOf<Subscription>;

public sealed record SubscriptionConfirmed(string ConfirmedBy) : IEventOf<Subscription>;

/// <param name="PausedBy">An administrator, or the product, which was not answered for too long.</param>
public sealed record SubscriptionPaused(string Reason, string PausedBy) : IEventOf<Subscription>;

/// <param name="After">Goes on behind this position of the log; null: where it stood.</param>
public sealed record SubscriptionResumed(long? After, string ResumedBy) : IEventOf<Subscription>;

/// <summary>Signed with another secret; with the one before too until <paramref name="BothUntil"/>.</summary>
public sealed record SubscriptionSecretRenewed(DateTimeOffset BothUntil, string RenewedBy) : IEventOf<Subscription>;

public sealed record SubscriptionEnded(string Reason, string EndedBy) : IEventOf<Subscription>;

public enum SubscriptionState
{
    Proposed,
    Active,
    Paused,
    Ended,
}

/// <summary>
/// A subscription (订阅) of another system: what happens in a region is sent to an address, in the order of the log. It
/// is proposed by an administrator and confirmed by an office that may read what leaves the house.
/// </summary>
public sealed record Subscription : Aggregate, IEvolve<Subscription>
{
    public const int MaxAddress = 500,
        MaxName = 40,
        MaxTypes = 50;

    public string Name { get; init; } = "";
    public string Address { get; init; } = "";
    public IReadOnlyList<string> Types { get; init; } = [];
    public SubscriptionState State { get; init; }

    /// <summary>Who asked for what it is now: none of them confirms it.</summary>
    public IReadOnlyList<string> AskedBy { get; init; } = [];
    public string? ConfirmedBy { get; init; }
    public string? Reason { get; init; }

    /// <summary>Which of its secrets is in use, from 1.</summary>
    public int Secret { get; init; } = 1;

    /// <summary>Until then the secret before it signs, too.</summary>
    public DateTimeOffset? BothUntil { get; init; }

    /// <summary>The numbers of the secrets to sign with.</summary>
    public IReadOnlyList<int> SecretsAt(DateTimeOffset now) => now < BothUntil ? [Secret, Secret - 1] : [Secret];

    [JsonIgnore]
    public bool IsEnded => State == SubscriptionState.Ended;

    public static Subscription Evolve(Subscription? state, IEventOf<Subscription> e) =>
        e switch
        {
            SubscriptionOpened o => (state ?? new Subscription()) with
            {
                Region = o.Region,
                Name = o.Name,
                Address = o.Address,
                Types = o.Types,
                AskedBy = [o.OpenedBy],
            },
            SubscriptionChanged c => state! with
            {
                Address = c.Address,
                Types = c.Types,
                State = SubscriptionState.Proposed,
                AskedBy = [.. state.AskedBy.Append(c.ChangedBy).Distinct()],
                ConfirmedBy = null,
            },
            SubscriptionConfirmed c => state! with { State = SubscriptionState.Active, ConfirmedBy = c.ConfirmedBy },
            SubscriptionPaused p => state! with { State = SubscriptionState.Paused, Reason = p.Reason },
            SubscriptionResumed => state! with { State = SubscriptionState.Active, Reason = null },
            SubscriptionSecretRenewed r => state! with { Secret = state.Secret + 1, BothUntil = r.BothUntil },
            SubscriptionEnded d => state! with { State = SubscriptionState.Ended, Reason = d.Reason },
            _ => throw InvariantViolationException.Unknown(e),
        };
}
