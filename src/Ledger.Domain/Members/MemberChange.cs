namespace Ledger.Domain.Members;

/// <summary>What of a person's registration can be corrected.</summary>
public enum MemberDatum
{
    Name,
    Phone,
    BankCard,
    Group,
}

/// <summary>
/// What one person alone may not do about a member: another name without a document, a death or a departure taken back.
/// </summary>
public enum MemberChange
{
    Name,
    DeathRevocation,
    DepartureRevocation,
}

/// <summary>An encrypted record of a person, and the salted digest of what stands in it now.</summary>
public sealed record RecordDigest(string RecordId, string DataDigest);

/// <summary>
/// Data of a person were corrected. What they are, and what they were, stands encrypted beside the events until it is
/// erased; here stands which of them changed. <paramref name="Group"/>: the new one, where it changed.
/// <paramref name="ChangeId"/>: what another person had asked for.
/// </summary>
public sealed record MemberCorrected(
    string CollectiveId,
    IReadOnlyList<MemberDatum> Changed,
    IReadOnlyList<RecordDigest> Records,
    string? Group,
    string Reason,
    IReadOnlyList<string> Evidence,
    string CorrectedBy,
    string? ChangeId = null
) : IEventOf<Member>, IEvidenced;

/// <summary>
/// Somebody asks for what another person must confirm. <paramref name="CollectiveId"/>: for which collective he asks;
/// null: the agency, for the person. A name that is asked for stands with the person's encrypted record.
/// </summary>
public sealed record MemberChangeRequested(
    string ChangeId,
    MemberChange Change,
    string? CollectiveId,
    string Reason,
    IReadOnlyList<string> Evidence,
    string RequestedBy,
    string? OnBehalfOf = null
) : IEventOf<Member>, IEvidenced;

/// <summary>What was asked for is not done: declined, or taken back by whoever asked.</summary>
public sealed record MemberChangeDeclined(string ChangeId, string Reason, string DeclinedBy) : IEventOf<Member>;

/// <summary>The person never left: the record was a mistake, and the membership goes on.</summary>
public sealed record DepartureRevoked(
    string CollectiveId,
    string VillageCode,
    string Reason,
    IReadOnlyList<string> Evidence,
    string RevokedBy,
    string ChangeId
) : IEventOf<Member>, IEvidenced;

/// <summary>A change of a member that waits for its second person.</summary>
public sealed record WaitingChange(
    string Id,
    MemberChange Change,
    string? CollectiveId,
    string Reason,
    IReadOnlyList<string> Evidence,
    string RequestedBy,
    string? OnBehalfOf
);

/// <summary>A correction that somebody asks for. <paramref name="Changed"/>: what differs from the register.</summary>
public sealed record Correction(
    string CollectiveId,
    IReadOnlyList<MemberDatum> Changed,
    string? Group,
    string Reason,
    IReadOnlyList<string> Evidence
)
{
    /// <summary>Whether the name waits for a second person: there is no document that says how it is written.</summary>
    public bool NameWaits => Changed.Contains(MemberDatum.Name) && Evidence.Count == 0;

    /// <summary>What is corrected at once.</summary>
    public IReadOnlyList<MemberDatum> Now => NameWaits ? [.. Changed.Where(c => c != MemberDatum.Name)] : Changed;
}

/// <summary>Who looks at a member: the agency, or a village by what it may see.</summary>
public readonly record struct Oversight(bool IsAgency, Func<string, bool> MaySee)
{
    /// <summary>Everything that the person belongs or belonged to is his to look after.</summary>
    public bool MayDecide(Member member)
    {
        var maySee = MaySee;
        return IsAgency || member.Homes().All(h => maySee(h.Value));
    }

    /// <summary>The collective for which a change was asked is his to look after.</summary>
    public bool MaySpeakFor(Member member, string? collectiveId)
    {
        var maySee = MaySee;
        return IsAgency || member.Homes().Any(h => h.Key == collectiveId && maySee(h.Value));
    }
}

/// <summary>Corrections of a member, and mistakes that two people take back.</summary>
public static class MemberChangeDecider
{
    /// <summary>Why this cannot be corrected; null: it can. Before anything encrypted is written.</summary>
    public static Rejection? Refusal(Member state, Correction c, Oversight over) =>
        state.IsErased ? new Rejection(Rejections.WrongState, "个人信息已删除")
        : state.JoinedTo is { } other ? new Rejection(Rejections.WrongState, $"已并入 {other}，请在那里更正")
        : state.Homes().All(h => h.Key != c.CollectiveId) ? new Rejection(Rejections.NotAMember, "不是本集体成员")
        : c.Changed.Count == 0 ? new Rejection(Rejections.WrongState, "与登记的相同，没有可更正的内容；空着的不改")
        : c.Changed.Any(d => d is MemberDatum.Phone or MemberDatum.BankCard) && state.RecordOf(c.CollectiveId) is null
            ? new Rejection(Rejections.AgencyNeeded, "本集体没有自己的登记资料，手机号和银行卡由登记此人的集体更正")
        : !c.Changed.Contains(MemberDatum.Name) ? null
        : !over.MayDecide(state)
            ? new Rejection(Rejections.AgencyNeeded, "此人也是其他集体的成员，姓名由经办机构更正") { Field = "name" }
        : state.Waiting.Any(w => w.Change == MemberChange.Name)
            ? new Rejection(Rejections.WrongState, "已申请更正姓名，等待另一人确认") { Field = "name" }
        : null;

    /// <param name="records">The records that were written, and what stands in them now.</param>
    /// <param name="changeId">Of the name that waits, where it does.</param>
    public static Decision<Member> Correct(
        Member state,
        Correction c,
        Oversight over,
        IReadOnlyList<RecordDigest> records,
        string changeId,
        Actor by
    )
    {
        if (Refusal(state, c, over) is { } wrong)
            return wrong;
        var events = new List<IEventOf<Member>>();
        if (c.Now.Count > 0)
            events.Add(
                new MemberCorrected(
                    c.CollectiveId,
                    c.Now,
                    records,
                    c.Now.Contains(MemberDatum.Group) ? c.Group : null,
                    c.Reason,
                    c.Evidence,
                    by.Id
                )
            );
        if (c.NameWaits)
            events.Add(
                new MemberChangeRequested(
                    changeId,
                    MemberChange.Name,
                    c.CollectiveId,
                    c.Reason,
                    [],
                    by.Id,
                    by.OnBehalfOf
                )
            );
        return events.ToArray();
    }

    /// <summary>Anybody who looks after the person says that he lives; another confirms it.</summary>
    public static Decision<Member> AskToRevokeDeath(
        Member state,
        string changeId,
        string? collectiveId,
        string reason,
        IReadOnlyList<string> evidence,
        Actor by
    ) =>
        state.DiedOn is null ? new Rejection(Rejections.WrongState, "没有登记死亡")
        : evidence.Count == 0 ? new Rejection(Rejections.EvidenceMissing, "须附证明其健在的凭证") { Field = "evidence" }
        : Ask(state, changeId, MemberChange.DeathRevocation, collectiveId, reason, evidence, by);

    public static Decision<Member> AskToRevokeDeparture(
        Member state,
        string changeId,
        string collectiveId,
        string reason,
        IReadOnlyList<string> evidence,
        Actor by
    ) =>
        NotGone(state, collectiveId)
        ?? Ask(state, changeId, MemberChange.DepartureRevocation, collectiveId, reason, evidence, by);

    private static Decision<Member> Ask(
        Member state,
        string changeId,
        MemberChange change,
        string? collectiveId,
        string reason,
        IReadOnlyList<string> evidence,
        Actor by
    ) =>
        state.IsErased ? new Rejection(Rejections.WrongState, "个人信息已删除")
        : state.Waiting.Any(w =>
            w.Change == change && (change == MemberChange.DeathRevocation || w.CollectiveId == collectiveId)
        )
            ? new Rejection(Rejections.WrongState, "已申请撤销，等待另一人确认")
        : new IEventOf<Member>[]
        {
            new MemberChangeRequested(changeId, change, collectiveId, reason, evidence, by.Id, by.OnBehalfOf),
        };

    /// <summary>Why this one may not confirm what waits; null: he may.</summary>
    public static Rejection? MayNotConfirm(Member state, string changeId, Oversight over, Actor by) =>
        Waiting(state, changeId) is not { } waiting ? Settled
        : state.IsErased ? new Rejection(Rejections.WrongState, "个人信息已删除")
        : by.Is(waiting.RequestedBy) || by.Is(waiting.OnBehalfOf)
            ? new Rejection(Rejections.SelfApproval, "申请人不能自己确认")
        : !over.MayDecide(state) ? new Rejection(Rejections.AgencyNeeded, "此人也是其他集体的成员，由经办机构确认")
        : null;

    /// <summary>Another person than the one who asked.</summary>
    /// <param name="records">Of a name: the records that were written.</param>
    public static Decision<Member> Confirm(
        Member state,
        string changeId,
        Oversight over,
        IReadOnlyList<RecordDigest> records,
        Actor by
    )
    {
        if (MayNotConfirm(state, changeId, over, by) is { } wrong)
            return wrong;
        var w = Waiting(state, changeId)!;
        return w.Change switch
        {
            MemberChange.Name => new IEventOf<Member>[]
            {
                new MemberCorrected(
                    w.CollectiveId!,
                    [MemberDatum.Name],
                    records,
                    null,
                    w.Reason,
                    w.Evidence,
                    by.Id,
                    w.Id
                ),
            },
            MemberChange.DeathRevocation => state.DiedOn is null
                ? new Rejection(Rejections.WrongState, "没有登记死亡")
                : new IEventOf<Member>[] { new DeathRevoked(w.Reason, w.Evidence, by.Id, w.Id) },
            _ => NotGone(state, w.CollectiveId!)
                ?? (Decision<Member>)
                    new IEventOf<Member>[]
                    {
                        new DepartureRevoked(
                            w.CollectiveId!,
                            state.Former[w.CollectiveId!],
                            w.Reason,
                            w.Evidence,
                            by.Id,
                            w.Id
                        ),
                    },
        };
    }

    public static Decision<Member> Decline(Member state, string changeId, Oversight over, string reason, Actor by) =>
        Waiting(state, changeId) is not { } waiting ? Settled
        : !over.MayDecide(state) && !over.MaySpeakFor(state, waiting.CollectiveId)
            ? new Rejection(Rejections.AgencyNeeded, "此申请由经办机构办理")
        : new IEventOf<Member>[] { new MemberChangeDeclined(changeId, reason, by.Id) };

    private static Rejection Settled => new(Rejections.WrongState, "没有等待确认的此项申请，可能已办结");

    private static WaitingChange? Waiting(Member state, string changeId) =>
        state.Waiting.FirstOrDefault(w => w.Id == changeId);

    private static Rejection? NotGone(Member state, string collectiveId) =>
        state.Memberships.ContainsKey(collectiveId) ? new Rejection(Rejections.WrongState, "仍是本集体成员")
        : !state.Left.ContainsKey(collectiveId) || !state.Former.ContainsKey(collectiveId)
            ? new Rejection(Rejections.WrongState, "没有登记退出本集体")
        : null;
}
