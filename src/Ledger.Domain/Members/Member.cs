namespace Ledger.Domain.Members;

/// <summary>
/// A person became a member of a collective. Holds no personal data: <paramref name="DataDigest"/> is SHA-256 over a random salt and
/// the data, both of which live in the person's encrypted record and go with it on erasure.
/// </summary>
public sealed record MemberRegistered(string CollectiveId, string VillageCode, string DataDigest) : IEventOf<Member>;

/// <summary>Member (成员), one stream per person under a pseudonymous id; a person may belong to several collectives.</summary>
public sealed record Member : Aggregate, IEvolve<Member>
{
    /// <summary>Collective id → village code.</summary>
    public IReadOnlyDictionary<string, string> Memberships { get; init; } = new Dictionary<string, string>();

    public static Member Evolve(Member? state, IEventOf<Member> e) => e switch
    {
        MemberRegistered m => new Member
        {
            Id = state?.Id ?? "",
            Revision = state?.Revision ?? 0,
            Region = state?.Region ?? m.VillageCode,
            Memberships = new Dictionary<string, string>(state?.Memberships ?? new Dictionary<string, string>()) { [m.CollectiveId] = m.VillageCode },
        },
        _ => state!,
    };
}
