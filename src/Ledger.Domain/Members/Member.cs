using System.Collections.Immutable;

namespace Ledger.Domain.Members;

/// <summary>
/// A person became a member of a collective. Holds no personal data: <paramref name="DataDigest"/> is SHA-256 over a
/// random salt and the data, both of which live in the person's encrypted record and go with it on erasure.
/// <paramref name="Group"/>: 村民小组.
/// <paramref name="RecordId"/>: the record that this collective handed in, where another one had registered the person
/// before; it sees that one alone.
/// </summary>
public sealed record MemberRegistered(
    string CollectiveId,
    string VillageCode,
    string DataDigest,
    string? Group = null,
    string? RecordId = null
) : IEventOf<Member>;

/// <summary>
/// Another collective has somebody of this citizen id on its list. What it handed in stands apart, as a member of its
/// own under
/// <paramref name="RequestId"/>; it is this person's second membership when the home village or the agency says so, and
/// not before.
/// </summary>
public sealed record MembershipRequested(
    string RequestId,
    string CollectiveId,
    string VillageCode,
    string DataDigest,
    string? Group,
    string RequestedBy
) : IEventOf<Member>;

/// <summary>The home village or the agency says that this is not, or not also, a member of that collective.</summary>
public sealed record MembershipDeclined(string RequestId, string CollectiveId, string Reason, string DeclinedBy)
    : IEventOf<Member>;

/// <summary>
/// What a collective had handed in apart is a known person's; from now on it goes on under <paramref name="MemberId"/>.
/// </summary>
public sealed record RecordJoined(string CollectiveId, string MemberId) : IEventOf<Member>;

/// <summary>What a collective had handed in apart was declined.</summary>
public sealed record RecordDeclined(string CollectiveId, DateOnly On, string Reason) : IEventOf<Member>;

/// <summary>
/// The person left the collective on <paramref name="On"/>; what was credited before stays, later years get nothing.
/// </summary>
public sealed record MembershipEnded(string CollectiveId, DateOnly On, string Reason) : IEventOf<Member>;

/// <summary>The collective was split: the membership goes on in the new one.</summary>
public sealed record MembershipMoved(string FromCollectiveId, string ToCollectiveId, string VillageCode)
    : IEventOf<Member>;

/// <summary>
/// A village says that the person died. Until the agency or a second person confirms, it stops that village's own
/// filing alone.
/// </summary>
public sealed record DeathReported(DateOnly On, IReadOnlyList<string> Evidence, string CollectiveId, string ReportedBy)
    : IEventOf<Member>,
        IEvidenced;

/// <summary>A report that was no death.</summary>
public sealed record DeathReportDismissed(string CollectiveId, string Reason, string DismissedBy) : IEventOf<Member>;

/// <summary>The person died: by the agency alone, or reported by one and confirmed by another.</summary>
public sealed record DeathRecorded(DateOnly On, IReadOnlyList<string> Evidence) : IEventOf<Member>, IEvidenced;

/// <summary>The person lives: the record was a mistake, and everything is open again.</summary>
/// <remarks><paramref name="ChangeId"/>: what another person had asked for; null: the agency alone did it, as it could
/// in earlier builds.</remarks>
public sealed record DeathRevoked(
    string Reason,
    IReadOnlyList<string> Evidence,
    string RevokedBy,
    string? ChangeId = null
) : IEventOf<Member>, IEvidenced;

/// <summary>Somebody saw the person's data in clear, and why.</summary>
public sealed record PersonalDataDisclosed(string Reason) : IEventOf<Member>;

/// <summary>
/// The person's key was destroyed: name, citizen id, phone and card are gone for good; every event and proof stays.
/// </summary>
public sealed record PersonalDataErased(string Reason) : IEventOf<Member>;

/// <summary>A collective that waits for its membership of a person whom others know.</summary>
public sealed record MembershipRequest(
    string CollectiveId,
    string VillageCode,
    string DataDigest,
    string? Group,
    string RequestedBy,
    bool Declined
);

/// <summary>A death that one village reported and nobody has confirmed.</summary>
public sealed record DeathReport(string CollectiveId, DateOnly On, IReadOnlyList<string> Evidence, string ReportedBy);

/// <summary>
/// Member (成员), one stream per person under a pseudonymous id; a person may belong to several collectives.
/// </summary>
public sealed record Member : Aggregate, IEvolve<Member>
{
    /// <summary>Collective id → village code.</summary>
    public ImmutableSortedDictionary<string, string> Memberships { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Collective id → villagers' group, where it is known.</summary>
    public ImmutableSortedDictionary<string, string> Groups { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>
    /// Collective id → village code, of memberships that ended: who looks after the past may still see it.
    /// </summary>
    public ImmutableSortedDictionary<string, string> Former { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Collective id → the personal record that it handed in, where that is not the person's first.</summary>
    public ImmutableSortedDictionary<string, string> Records { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Request id → who asks for this person as a member, too.</summary>
    public ImmutableSortedDictionary<string, MembershipRequest> Requests { get; init; } =
        ImmutableSortedDictionary<string, MembershipRequest>.Empty;
    public IReadOnlyList<DeathReport> DeathReports { get; init; } = [];
    public IReadOnlyList<WaitingChange> Waiting { get; init; } = [];

    /// <summary>
    /// Record id → the digest of what a correction left there; a record that was never corrected is absent.
    /// </summary>
    public ImmutableSortedDictionary<string, string> Digests { get; init; } =
        ImmutableSortedDictionary<string, string>.Empty;

    /// <summary>Collective id → when the membership ended there.</summary>
    public ImmutableSortedDictionary<string, DateOnly> Left { get; init; } =
        ImmutableSortedDictionary<string, DateOnly>.Empty;

    /// <summary>The person in whose record this one went up.</summary>
    public string? JoinedTo { get; init; }
    public DateOnly? DiedOn { get; init; }

    /// <summary>When the last membership that ended did so.</summary>
    public DateOnly? EndedOn { get; init; }
    public bool IsErased { get; init; }

    /// <summary>What the agency's latest list found (L19); one that found nothing stands here only after one that did.
    /// </summary>
    public InsuranceCheck? Insurance { get; init; }

    public static Member Evolve(Member? state, IEventOf<Member> e) =>
        e switch
        {
            MemberRegistered m => (state ?? new Member { Region = m.VillageCode }) with
            {
                Memberships = With(state?.Memberships, m.CollectiveId, m.VillageCode),
                Groups = With(state?.Groups, m.CollectiveId, m.Group),
                Records = With(state?.Records, m.CollectiveId, m.RecordId),
                Requests = With(state?.Requests, m.RecordId ?? "", null),
                JoinedTo = null,
            },
            MembershipRequested r => state! with
            {
                Requests = With(
                    state.Requests,
                    r.RequestId,
                    new MembershipRequest(r.CollectiveId, r.VillageCode, r.DataDigest, r.Group, r.RequestedBy, false)
                ),
            },
            MembershipDeclined d => state! with
            {
                Requests = With(state.Requests, d.RequestId, state.Requests[d.RequestId] with { Declined = true }),
            },
            RecordJoined j => state!.Leave(j.CollectiveId) with
            {
                JoinedTo = j.MemberId,
                // What stands there is told of the person from now on
                Digests = ImmutableSortedDictionary<string, string>.Empty,
            },
            RecordDeclined d => state!.Leave(d.CollectiveId) with { EndedOn = d.On },
            MembershipEnded m => state!.Leave(m.CollectiveId) with
            {
                EndedOn = state.EndedOn > m.On ? state.EndedOn : m.On,
                Left = state.Left.SetItem(m.CollectiveId, m.On),
            },
            DepartureRevoked r => state!.Without(r.ChangeId) with
            {
                Memberships = With(state.Memberships, r.CollectiveId, r.VillageCode),
                Former = With(state.Former, r.CollectiveId, null),
                Left = state.Left.Remove(r.CollectiveId),
                EndedOn = state.Left.Remove(r.CollectiveId).Values.Select(d => (DateOnly?)d).Max(),
            },
            MembershipMoved m => state!.Leave(m.FromCollectiveId) with
            {
                Memberships = With(With(state.Memberships, m.FromCollectiveId, null), m.ToCollectiveId, m.VillageCode),
                Groups = With(state.Groups, m.ToCollectiveId, state.Groups.GetValueOrDefault(m.FromCollectiveId)),
                Records = With(state.Records, m.ToCollectiveId, state.RecordOf(m.FromCollectiveId)),
            },
            DeathReported d => state! with
            {
                DeathReports = [.. state.DeathReports, new DeathReport(d.CollectiveId, d.On, d.Evidence, d.ReportedBy)],
            },
            DeathReportDismissed d => state! with
            {
                DeathReports = [.. state.DeathReports.Where(r => r.CollectiveId != d.CollectiveId)],
            },
            DeathRecorded d => state! with { DiedOn = d.On, DeathReports = [] },
            DeathRevoked r => state!.Without(r.ChangeId) with { DiedOn = null, DeathReports = [] },
            MemberCorrected c => state!.Without(c.ChangeId) with
            {
                Groups = c.Group is null ? state.Groups : With(state.Groups, c.CollectiveId, c.Group),
                Digests = c.Records.Aggregate(state.Digests, (all, r) => all.SetItem(r.RecordId, r.DataDigest)),
            },
            MemberChangeRequested r => state! with
            {
                Waiting =
                [
                    .. state.Waiting,
                    new WaitingChange(
                        r.ChangeId,
                        r.Change,
                        r.CollectiveId,
                        r.Reason,
                        r.Evidence,
                        r.RequestedBy,
                        r.OnBehalfOf
                    ),
                ],
            },
            MemberChangeDeclined d => state!.Without(d.ChangeId),
            InsuranceChecked c => state! with { Insurance = new InsuranceCheck(c.Finding, c.On) },
            PersonalDataErased => state! with { IsErased = true },
            PersonalDataDisclosed => state!, // who saw it, on record
            _ => throw InvariantViolationException.Unknown(e),
        };

    /// <summary>Of every collective that the person belongs or belonged to: id and village code.</summary>
    public IEnumerable<KeyValuePair<string, string>> Homes() => Memberships.Concat(Former);

    /// <summary>
    /// The personal record that a collective handed in, and so may see; null when it handed in none. The first one is
    /// under the person's own id: it belongs to the collective of the village that registered the person first, which
    /// the region still names.
    /// </summary>
    public string? RecordOf(string collectiveId) =>
        Records.TryGetValue(collectiveId, out var own) ? own
        : Homes().Any(h => h.Key == collectiveId && h.Value == Region) ? Id
        : null;

    private Member Without(string? changeId) => this with { Waiting = [.. Waiting.Where(w => w.Id != changeId)] };

    private Member Leave(string collectiveId) =>
        this with
        {
            Former = With(Former, collectiveId, Memberships[collectiveId]),
            Memberships = With(Memberships, collectiveId, null),
        };

    private static ImmutableSortedDictionary<string, T> With<T>(
        ImmutableSortedDictionary<string, T>? was,
        string key,
        T? value
    )
        where T : class
    {
        was ??= ImmutableSortedDictionary<string, T>.Empty;
        return value is null ? was.Remove(key) : was.SetItem(key, value);
    }
}

public static class MemberDecider
{
    public static Decision<Member> End(Member state, string collectiveId, DateOnly on, string reason) =>
        state.Memberships.ContainsKey(collectiveId)
            ? new IEventOf<Member>[] { new MembershipEnded(collectiveId, on, reason) }
            : new Rejection(Rejections.NotAMember, "不是本集体成员");

    /// <summary>
    /// What becomes of a row of a member list. Who may see everything that the person belongs to decides at once, and
    /// so does a collective that has the person or had it before; any other asks, and learns nothing.
    /// </summary>
    /// <param name="own">The collective and those that went up in it.</param>
    /// <param name="maySee">Whether the caller looks after a village.</param>
    public static bool MustAsk(Member known, IReadOnlyCollection<string> own, Func<string, bool> maySee) =>
        !known.Memberships.Keys.Any(own.Contains)
        && (
            known.Memberships.Any(m => !maySee(m.Value))
            || (known.Former.Any(f => !maySee(f.Value)) && !known.Former.Keys.Any(own.Contains))
        );

    public static Decision<Member> Request(
        Member known,
        string requestId,
        string collectiveId,
        string villageCode,
        string dataDigest,
        string? group,
        Actor by
    ) =>
        known.Requests.TryGetValue(requestId, out var request) && !request.Declined
            ? Array.Empty<IEventOf<Member>>()
            : new IEventOf<Member>[]
            {
                new MembershipRequested(requestId, collectiveId, villageCode, dataDigest, group, by.Id),
            };

    /// <summary>
    /// The second membership begins. Whoever asked does not answer, and another name is another person.
    /// </summary>
    public static Decision<Member> Confirm(Member known, Member apart, bool nameMatches, Actor by)
    {
        if (Answer(known, apart, by) is { } wrong)
            return wrong;
        if (known.IsErased)
            return new Rejection(Rejections.WrongState, "个人信息已删除");
        if (!nameMatches)
            return new Rejection(Rejections.WrongState, "对方所填姓名与登记不一致，不能确认；请退回，由对方核对");
        var request = known.Requests[apart.Id];
        return new Decision<Member>(
            [
                new MemberRegistered(
                    request.CollectiveId,
                    request.VillageCode,
                    request.DataDigest,
                    request.Group,
                    apart.Id
                ),
            ],
            null
        )
        {
            Also = [Change.Of(apart, new RecordJoined(request.CollectiveId, known.Id))],
        };
    }

    public static Decision<Member> Decline(Member known, Member apart, string reason, DateOnly on, Actor by)
    {
        if (Answer(known, apart, by) is { } wrong)
            return wrong;
        var request = known.Requests[apart.Id];
        return new Decision<Member>([new MembershipDeclined(apart.Id, request.CollectiveId, reason, by.Id)], null)
        {
            Also = [Change.Of(apart, new RecordDeclined(request.CollectiveId, on, reason))],
        };
    }

    private static Rejection? Answer(Member known, Member apart, Actor by) =>
        !known.Requests.TryGetValue(apart.Id, out var request)
            ? new Rejection(Rejections.NotFound, $"没有 {apart.Id} 的登记申请")
        : request.Declined || !apart.Memberships.ContainsKey(request.CollectiveId)
            ? new Rejection(Rejections.WrongState, "此申请已办结或已撤回")
        : by.Is(request.RequestedBy) ? new Rejection(Rejections.SelfApproval, "提出登记的人不能自己确认或退回")
        : null;

    public static Decision<Member> Move(
        Member state,
        string fromCollectiveId,
        string toCollectiveId,
        string villageCode
    ) =>
        !state.Memberships.ContainsKey(fromCollectiveId) ? new Rejection(Rejections.NotAMember, "不是原集体成员")
        : state.Memberships.ContainsKey(toCollectiveId) ? new Rejection(Rejections.AlreadyExists, "已是新集体成员")
        : new IEventOf<Member>[] { new MembershipMoved(fromCollectiveId, toCollectiveId, villageCode) };

    /// <summary>By the agency, which needs nobody else.</summary>
    public static Decision<Member> RecordDeath(Member state, DateOnly on, IReadOnlyList<string> evidence) =>
        DeathRefusal(state, evidence) is { } wrong ? wrong : new IEventOf<Member>[] { new DeathRecorded(on, evidence) };

    /// <summary>By a village: it waits.</summary>
    public static Decision<Member> ReportDeath(
        Member state,
        string collectiveId,
        DateOnly on,
        IReadOnlyList<string> evidence,
        Actor by
    ) =>
        DeathRefusal(state, evidence) is { } wrong ? wrong
        : state.DeathReports.Any(r => r.CollectiveId == collectiveId)
            ? new Rejection(Rejections.WrongState, "本集体已报告死亡，等待确认")
        : new IEventOf<Member>[] { new DeathReported(on, evidence, collectiveId, by.Id) };

    /// <summary>
    /// Another than he who reported: the agency, or somebody who looks after all that the person belongs to.
    /// </summary>
    public static Decision<Member> ConfirmDeath(
        Member state,
        string collectiveId,
        bool isAgency,
        Func<string, bool> maySee,
        Actor by
    ) =>
        state.DeathReports.FirstOrDefault(r => r.CollectiveId == collectiveId) is not { } report
            ? new Rejection(Rejections.WrongState, "没有等待确认的死亡报告")
        : by.Is(report.ReportedBy) ? new Rejection(Rejections.SelfApproval, "报告人不能自己确认")
        : !isAgency && !state.Homes().All(h => maySee(h.Value))
            ? new Rejection(Rejections.AgencyNeeded, "此人的死亡登记由经办机构确认")
        : new IEventOf<Member>[] { new DeathRecorded(report.On, report.Evidence) };

    public static Decision<Member> DismissDeath(Member state, string collectiveId, string reason, Actor by) =>
        state.DeathReports.All(r => r.CollectiveId != collectiveId)
            ? new Rejection(Rejections.WrongState, "没有等待确认的死亡报告")
            : new IEventOf<Member>[] { new DeathReportDismissed(collectiveId, reason, by.Id) };

    private static Rejection? DeathRefusal(Member state, IReadOnlyList<string> evidence) =>
        state.DiedOn is not null ? new Rejection(Rejections.WrongState, "已登记死亡")
        : evidence.Count == 0 ? new Rejection(Rejections.EvidenceMissing, "须附死亡证明等凭证") { Field = "evidence" }
        : null;

    /// <summary>Who looks at somebody's data in clear says why; the event stays.</summary>
    public static Decision<Member> Disclose(Member state, string reason) =>
        state.IsErased
            ? new Rejection(Rejections.WrongState, "个人信息已删除")
            : new IEventOf<Member>[] { new PersonalDataDisclosed(reason) };

    /// <summary>
    /// Nobody's data goes while he is a member, or before the retention period after his death or departure is over.
    /// </summary>
    public static Decision<Member> Erase(Member state, string reason, int retentionYears, DateOnly today)
    {
        if (state.IsErased)
            return new Rejection(Rejections.WrongState, "个人信息已删除");
        if (state.JoinedTo is { } member)
            return new Rejection(Rejections.WrongState, $"已并入 {member}，随其一并删除");
        var last = state.DiedOn ?? (state.Memberships.Count == 0 ? state.EndedOn : null);
        if (last is not { } on)
            return new Rejection(Rejections.RetentionNotOver, "仍是集体成员");
        return on.AddYears(retentionYears) > today
            ? new Rejection(
                Rejections.RetentionNotOver,
                $"保管至 {on.AddYears(retentionYears):yyyy-MM-dd}（{retentionYears} 年）"
            )
            : new IEventOf<Member>[] { new PersonalDataErased(reason) };
    }
}
