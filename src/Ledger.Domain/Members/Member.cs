namespace Ledger.Domain.Members;

/// <summary>
/// A person became a member of a collective. Holds no personal data: <paramref name="DataDigest"/> is SHA-256 over a random salt and
/// the data, both of which live in the person's encrypted record and go with it on erasure. <paramref name="Group"/>: 村民小组.
/// </summary>
public sealed record MemberRegistered(string CollectiveId, string VillageCode, string DataDigest, string? Group = null) : IEventOf<Member>;

/// <summary>The person left the collective on <paramref name="On"/>; what was credited before stays, later years get nothing.</summary>
public sealed record MembershipEnded(string CollectiveId, DateOnly On, string Reason) : IEventOf<Member>;

/// <summary>The collective was split: the membership goes on in the new one.</summary>
public sealed record MembershipMoved(string FromCollectiveId, string ToCollectiveId, string VillageCode) : IEventOf<Member>;

public sealed record DeathRecorded(DateOnly On, IReadOnlyList<string> Evidence) : IEventOf<Member>, IEvidenced;

/// <summary>Somebody saw the person's data in clear, and why.</summary>
public sealed record PersonalDataDisclosed(string Reason) : IEventOf<Member>;

/// <summary>The person's key was destroyed: name, citizen id, phone and card are gone for good; every event and proof stays.</summary>
public sealed record PersonalDataErased(string Reason) : IEventOf<Member>;

/// <summary>Member (成员), one stream per person under a pseudonymous id; a person may belong to several collectives.</summary>
public sealed record Member : Aggregate, IEvolve<Member>
{
    /// <summary>Collective id → village code.</summary>
    public IReadOnlyDictionary<string, string> Memberships { get; init; } = new Dictionary<string, string>();

    /// <summary>Collective id → villagers' group, where it is known.</summary>
    public IReadOnlyDictionary<string, string> Groups { get; init; } = new Dictionary<string, string>();

    /// <summary>Collective id → village code, of memberships that ended: who looks after the past may still see it.</summary>
    public IReadOnlyDictionary<string, string> Former { get; init; } = new Dictionary<string, string>();
    public DateOnly? DiedOn { get; init; }

    /// <summary>When the last membership that ended did so.</summary>
    public DateOnly? EndedOn { get; init; }
    public bool IsErased { get; init; }

    public static Member Evolve(Member? state, IEventOf<Member> e) => e switch
    {
        MemberRegistered m => (state ?? new Member { Region = m.VillageCode }) with
        {
            Memberships = With(state?.Memberships, m.CollectiveId, m.VillageCode),
            Groups = With(state?.Groups, m.CollectiveId, m.Group),
        },
        MembershipEnded m => state! with
        {
            Former = With(state.Former, m.CollectiveId, state.Memberships[m.CollectiveId]),
            Memberships = With(state.Memberships, m.CollectiveId, null),
            EndedOn = state.EndedOn > m.On ? state.EndedOn : m.On,
        },
        MembershipMoved m => state! with
        {
            Former = With(state.Former, m.FromCollectiveId, state.Memberships[m.FromCollectiveId]),
            Memberships = With(With(state.Memberships, m.FromCollectiveId, null), m.ToCollectiveId, m.VillageCode),
            Groups = With(state.Groups, m.ToCollectiveId, state.Groups.GetValueOrDefault(m.FromCollectiveId)),
        },
        DeathRecorded d => state! with { DiedOn = d.On },
        PersonalDataErased => state! with { IsErased = true },
        _ => state!,
    };

    private static Dictionary<string, string> With(IReadOnlyDictionary<string, string>? was, string key, string? value)
    {
        var next = new Dictionary<string, string>(was ?? new Dictionary<string, string>());
        if (value is null) next.Remove(key);
        else next[key] = value;
        return next;
    }
}

public static class MemberDecider
{
    public static Decision<Member> End(Member state, string collectiveId, DateOnly on, string reason) =>
        state.Memberships.ContainsKey(collectiveId)
            ? new IEventOf<Member>[] { new MembershipEnded(collectiveId, on, reason) }
            : new Rejection(Rejections.NotAMember, "不是本集体成员");

    public static Decision<Member> Move(Member state, string fromCollectiveId, string toCollectiveId, string villageCode) =>
        !state.Memberships.ContainsKey(fromCollectiveId) ? new Rejection(Rejections.NotAMember, "不是原集体成员")
        : state.Memberships.ContainsKey(toCollectiveId) ? new Rejection(Rejections.AlreadyExists, "已是新集体成员")
        : new IEventOf<Member>[] { new MembershipMoved(fromCollectiveId, toCollectiveId, villageCode) };

    public static Decision<Member> RecordDeath(Member state, DateOnly on, IReadOnlyList<string> evidence) =>
        state.DiedOn is not null ? new Rejection(Rejections.WrongState, "已登记死亡")
        : evidence.Count == 0 ? new Rejection(Rejections.EvidenceMissing, "须附死亡证明等凭证") { Field = "evidence" }
        : new IEventOf<Member>[] { new DeathRecorded(on, evidence) };

    /// <summary>Who looks at somebody's data in clear says why; the event stays.</summary>
    public static Decision<Member> Disclose(Member state, string reason) =>
        state.IsErased ? new Rejection(Rejections.WrongState, "个人信息已删除") : new IEventOf<Member>[] { new PersonalDataDisclosed(reason) };

    /// <summary>Nobody's data goes while he is a member, or before the retention period after his death or departure is over.</summary>
    public static Decision<Member> Erase(Member state, string reason, int retentionYears, DateOnly today)
    {
        if (state.IsErased) return new Rejection(Rejections.WrongState, "个人信息已删除");
        var last = state.DiedOn ?? (state.Memberships.Count == 0 ? state.EndedOn : null);
        if (last is not { } on) return new Rejection(Rejections.RetentionNotOver, "仍是集体成员");
        return on.AddYears(retentionYears) > today
            ? new Rejection(Rejections.RetentionNotOver, $"保管至 {on.AddYears(retentionYears):yyyy-MM-dd}（{retentionYears} 年）")
            : new IEventOf<Member>[] { new PersonalDataErased(reason) };
    }
}
