using System.Collections.Immutable;

namespace Ledger.Domain.Collectives;

public sealed record CollectiveRegistered(string CreditCode, string Name, string VillageCode) : IEventOf<Collective>;

public sealed record CollectiveSurveyed(int Year, Survey Survey) : IEventOf<Collective>;

/// <summary>
/// Names and id numbers of so many members went out in clear, as a roster to be filed for the year (C14): who has it.
/// </summary>
public sealed record MemberListDisclosed(string DisclosedTo, int Year, int Members, string? Reason = null)
    : IEventOf<Collective>;

/// <param name="Approval">Null: of before the county's approval was asked for (L16).</param>
public sealed record CollectiveRenamed(string Name, IReadOnlyList<string> Evidence, Approval? Approval = null)
    : IEventOf<Collective>,
        IEvidenced;

/// <summary>The collective went up in another one; its fund, members and history go along.</summary>
/// <param name="Evidence">Every document, those of the papers too.</param>
/// <param name="Papers">Null: of before they were asked for (L16); nothing is open then.</param>
public sealed record CollectiveMerged(
    string IntoCollectiveId,
    string Reason,
    IReadOnlyList<string> Evidence,
    SuccessionPapers? Papers = null
) : IEventOf<Collective>, IEvidenced;

/// <summary>The collective ended without a successor (解散).</summary>
public sealed record CollectiveDissolved(string Reason, IReadOnlyList<string> Evidence, SuccessionPapers Papers)
    : IEventOf<Collective>,
        IEvidenced;

/// <summary>The creditors were told of what the county approved under this number (L16).</summary>
public sealed record CreditorsNotified(string ApprovalNumber, DateOnly On, IReadOnlyList<string> Evidence)
    : IEventOf<Collective>,
        IEvidenced;

/// <summary>
/// The other side of a merger: <paramref name="FromCollectiveId"/> and what had gone up in it before belong to this one
/// now.
/// </summary>
public sealed record PredecessorAbsorbed(string FromCollectiveId, IReadOnlyList<string> Earlier)
    : IEventOf<Collective>,
        INamesIds
{
    [System.Text.Json.Serialization.JsonIgnore]
    public IEnumerable<string> Ids => Earlier;
}

/// <summary>Part of the members and money went to a new collective.</summary>
/// <param name="Papers">As of a merger.</param>
/// <param name="Counted">Of how many members; null in events from when nobody asked the survey.</param>
/// <param name="AvailableFen">Of what the amount is a part.</param>
public sealed record MembersSeparated(
    string IntoCollectiveId,
    int Members,
    Money AmountFen,
    string Reason,
    IReadOnlyList<string> Evidence,
    SuccessionPapers? Papers = null,
    int? Counted = null,
    Money? AvailableFen = null
) : IEventOf<Collective>, IMoneyEvent, IEvidenced;

/// <summary>
/// The base numbers of C3 (摸清底数): the collective's income of the year, members, insured members, payers.
/// </summary>
public sealed record Survey(Money CollectiveIncomeFen, int Members, int InsuredMembers, int Payers);

/// <summary>Collective (农村集体经济组织): who sets money aside for its members.</summary>
public sealed record Collective : Aggregate, IEvolve<Collective>
{
    public string CreditCode { get; init; } = "";
    public string Name { get; init; } = "";
    public ImmutableSortedDictionary<int, Survey> Surveys { get; init; } = ImmutableSortedDictionary<int, Survey>.Empty;

    /// <summary>The collectives that went up in this one, directly or before.</summary>
    public IReadOnlyList<string> Predecessors { get; init; } = [];
    public string? MergedInto { get; init; }

    /// <summary>The day of the approval by which it ended without a successor.</summary>
    public DateOnly? DissolvedOn { get; init; }

    /// <summary>Approvals of which the creditors are not told yet: number and day.</summary>
    public ImmutableSortedDictionary<string, DateOnly> CreditorsUntold { get; init; } =
        ImmutableSortedDictionary<string, DateOnly>.Empty;

    /// <summary>One that was surveyed has members who can decide, whether or not their roll is here yet.</summary>
    internal bool HasAssembly(int registered) => registered > 0 || Surveys.Count > 0;

    /// <summary>Who counts as a member of this collective: those registered with it or with a predecessor.</summary>
    public IReadOnlyCollection<string> WithPredecessors() => [Id, .. Predecessors];

    public static Collective Evolve(Collective? state, IEventOf<Collective> e) =>
        e switch
        {
            CollectiveRegistered r => new Collective
            {
                Region = r.VillageCode,
                CreditCode = r.CreditCode,
                Name = r.Name,
            },
            CollectiveSurveyed s => state! with { Surveys = state.Surveys.SetItem(s.Year, s.Survey) },
            MemberListDisclosed => state!, // who saw it, on record
            CollectiveRenamed r => state! with { Name = r.Name },
            CollectiveMerged m => state!.Owing(m.Papers) with { MergedInto = m.IntoCollectiveId },
            CollectiveDissolved d => state!.Owing(d.Papers) with { DissolvedOn = d.Papers.Approval!.On },
            CreditorsNotified n => state! with { CreditorsUntold = state.CreditorsUntold.Remove(n.ApprovalNumber) },
            PredecessorAbsorbed p => state! with
            {
                Predecessors = [.. state.Predecessors, p.FromCollectiveId, .. p.Earlier],
            },
            // It stays what it was; the members and the money have events of their own.
            MembersSeparated m => state!.Owing(m.Papers),
            _ => throw InvariantViolationException.Unknown(e),
        };

    private Collective Owing(SuccessionPapers? papers) =>
        papers is { Creditors: null, Approval: { } approval }
            ? this with
            {
                CreditorsUntold = CreditorsUntold.SetItem(approval.Number, approval.On),
            }
            : this;
}

public static class CollectiveDecider
{
    public static Decision<Collective> Register(Collective? state, string creditCode, string name, string villageCode)
    {
        if (Identity.SocialCreditCode.Fault(creditCode) is { } bad)
            return new Rejection(Rejections.FieldInvalid, bad) { Field = "creditCode" };
        if (Identity.RegionCode.Fault(villageCode, Identity.RegionCode.VillageLength) is { } region)
            return new Rejection(Rejections.FieldInvalid, region) { Field = "villageCode" };
        if (state is not null)
            return new Rejection(Rejections.AlreadyExists, $"{creditCode} 已登记");
        return new IEventOf<Collective>[] { new CollectiveRegistered(creditCode, name, villageCode) };
    }

    /// <summary>C14, C20: the roster to file, in clear, where there is somebody to put on it.</summary>
    /// <param name="isAdopted">The plan of the year is: before, nobody can be filed for.</param>
    public static Decision<Collective> Disclose(int year, bool isAdopted, int members, Actor by, string reason) =>
        !isAdopted ? new Rejection(Rejections.WrongState, "方案还没有通过，没有名单可以提交")
        : members == 0 ? new Rejection(Rejections.WrongState, $"{year} 年度没有可以补助、还未列入申请的成员")
        : new IEventOf<Collective>[] { new MemberListDisclosed(by.Id, year, members, reason) };

    /// <summary>C3. The same numbers again are no event.</summary>
    public static Decision<Collective> RecordSurvey(Collective state, int year, Survey survey, DateOnly today)
    {
        if (Gone(state) is { } gone)
            return gone;
        if (Plans.PlanningYear.TooEarly(year, today) is { } early)
            return early;
        if (survey.Members < 1)
            return Invalid("members", "成员人数应大于零");
        if (survey.InsuredMembers < 0 || survey.InsuredMembers > survey.Members)
            return Invalid("insuredMembers", "参保人数不能多于成员人数");
        if (survey.Payers < 0 || survey.Payers > survey.InsuredMembers)
            return Invalid("payers", "缴费人数不能多于参保人数");
        return state.Surveys.TryGetValue(year, out var known) && known == survey
            ? Array.Empty<IEventOf<Collective>>()
            : [new CollectiveSurveyed(year, survey)];

        static Rejection Invalid(string field, string message) =>
            new(Rejections.FieldInvalid, message) { Field = field };
    }

    /// <summary>
    /// L16: the creditors were told of an approval. Late is better than never: it is recorded all the same.
    /// </summary>
    public static Decision<Collective> NotifyCreditors(
        Collective state,
        string approvalNumber,
        DateOnly on,
        IReadOnlyList<string> evidence,
        DateOnly today
    )
    {
        if (state.CreditorsUntold.Keys.FirstOrDefault(k => DocumentNumber.IsSame(k, approvalNumber)) is not { } number)
            return new Rejection(Rejections.NotFound, $"没有尚未通知债权人的批准文件 {approvalNumber}");
        if (evidence.Count == 0)
            return new Rejection(Rejections.EvidenceMissing, "须附通知债权人的证明") { Field = "evidence" };
        return SuccessionPapers.Early("on", on, state.CreditorsUntold[number], today) is { } early
            ? early
            : new IEventOf<Collective>[] { new CreditorsNotified(number, on, evidence) };
    }

    /// <summary>What stands against one collective's going, in whole or in part, into another.</summary>
    internal static Rejection? SuccessionRefusal(Collective from, Collective into, string going) =>
        Gone(from)
        ?? Gone(into)
        ?? (
            from.Id == into.Id
                ? new Rejection(Rejections.FieldInvalid, $"不能{going}自身") { Field = "intoCollectiveId" }
            : Identity.RegionCode.Township(from.Region) != Identity.RegionCode.Township(into.Region)
                ? new Rejection(Rejections.FieldInvalid, $"不能{going}其他乡镇（街道）的集体")
                {
                    Field = "intoCollectiveId",
                }
            : null
        );

    /// <summary>
    /// The papers (L16), of which another person at the township has handed in its review (审核): a fund goes with it, so
    /// the county does it on nobody's word alone.
    /// </summary>
    /// <param name="reviewers">Who at the township handed in the review.</param>
    internal static Rejection? PapersRefusal(
        IReadOnlyList<Collective> deciding,
        IReadOnlyList<Collective> concerned,
        SuccessionPapers papers,
        IReadOnlyCollection<string> reviewers,
        DateOnly day,
        Actor by
    ) =>
        papers.Refusal(deciding, concerned, day)
        ?? (
            reviewers.Count == 0
                ? new Rejection(Rejections.EvidenceMissing, "乡镇（街道）的审核文件由其账户上传")
                {
                    Field = "papers.review.evidence",
                }
            : reviewers.All(by.Is)
                ? new Rejection(Rejections.SelfApproval, "乡镇（街道）的审核文件须由另一人上传")
                {
                    Field = "papers.review.evidence",
                }
            : null
        );

    /// <summary>A merged or dissolved collective does nothing more.</summary>
    public static Rejection? Gone(Collective state) =>
        state.MergedInto is { } into ? new Rejection(Rejections.CollectiveMerged, $"{state.Name} 已并入 {into}")
        : state.DissolvedOn is { } day
            ? new Rejection(Rejections.CollectiveDissolved, $"{state.Name} 已于 {day:yyyy-MM-dd} 解散")
        : null;
}
