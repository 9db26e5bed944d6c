using System.Collections.Immutable;

namespace Ledger.Domain.Collectives;

public sealed record CollectiveRegistered(string CreditCode, string Name, string VillageCode) : IEventOf<Collective>;

public sealed record CollectiveSurveyed(int Year, Survey Survey) : IEventOf<Collective>;

public sealed record CollectiveRenamed(string Name, IReadOnlyList<string> Evidence) : IEventOf<Collective>, IEvidenced;

/// <summary>The collective went up in another one; its fund, members and history go along.</summary>
public sealed record CollectiveMerged(string IntoCollectiveId, string Reason, IReadOnlyList<string> Evidence)
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
public sealed record MembersSeparated(
    string IntoCollectiveId,
    int Members,
    Money AmountFen,
    string Reason,
    IReadOnlyList<string> Evidence
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
            CollectiveRenamed r => state! with { Name = r.Name },
            CollectiveMerged m => state! with { MergedInto = m.IntoCollectiveId },
            PredecessorAbsorbed p => state! with
            {
                Predecessors = [.. state.Predecessors, p.FromCollectiveId, .. p.Earlier],
            },
            MembersSeparated => state!, // it stays what it was; the members and the money have events of their own
            _ => throw InvariantViolationException.Unknown(e),
        };
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

    /// <summary>C3. The same numbers again are no event.</summary>
    public static Decision<Collective> RecordSurvey(Collective state, int year, Survey survey)
    {
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
    /// What stands against one collective's going, in whole or in part, into another. A fund goes with it, so the
    /// county does it on the township's review (审核), which another person there has handed in.
    /// </summary>
    /// <param name="reviewers">Who at the township handed in one of the documents.</param>
    internal static Rejection? SuccessionRefusal(
        Collective from,
        Collective into,
        string going,
        string name,
        IReadOnlyList<string> evidence,
        IReadOnlyCollection<string> reviewers,
        Actor by
    ) =>
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
            : evidence.Count == 0
                ? new Rejection(Rejections.EvidenceMissing, $"{name}须附批准文件") { Field = "evidence" }
            : reviewers.Count == 0
                ? new Rejection(Rejections.EvidenceMissing, $"{name}须附乡镇（街道）的审核文件，由其账户上传")
                {
                    Field = "evidence",
                }
            : reviewers.All(by.Is)
                ? new Rejection(Rejections.SelfApproval, "乡镇（街道）的审核文件须由另一人上传") { Field = "evidence" }
            : null
        );

    /// <summary>A merged collective does nothing more.</summary>
    public static Rejection? Gone(Collective state) =>
        state.MergedInto is { } into ? new Rejection(Rejections.CollectiveMerged, $"{state.Name} 已并入 {into}") : null;
}
