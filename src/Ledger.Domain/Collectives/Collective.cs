namespace Ledger.Domain.Collectives;

public sealed record CollectiveRegistered(string CreditCode, string Name, string VillageCode) : IEventOf<Collective>;
public sealed record CollectiveSurveyed(int Year, Survey Survey) : IEventOf<Collective>;

/// <summary>The base numbers of C3 (摸清底数): the collective's income of the year, members, insured members, payers.</summary>
public sealed record Survey(Money CollectiveIncomeFen, int Members, int InsuredMembers, int Payers);

/// <summary>Collective (农村集体经济组织): who sets money aside for its members.</summary>
public sealed record Collective : Aggregate, IEvolve<Collective>
{
    public string CreditCode { get; init; } = "";
    public string Name { get; init; } = "";
    public IReadOnlyDictionary<int, Survey> Surveys { get; init; } = new Dictionary<int, Survey>();

    public static Collective Evolve(Collective? state, IEventOf<Collective> e) => e switch
    {
        CollectiveRegistered r => new Collective { Region = r.VillageCode, CreditCode = r.CreditCode, Name = r.Name },
        CollectiveSurveyed s => state! with { Surveys = new Dictionary<int, Survey>(state.Surveys) { [s.Year] = s.Survey } },
        _ => state!,
    };
}

public static class CollectiveDecider
{
    public static Decision<Collective> Register(Collective? state, string creditCode, string name, string villageCode)
    {
        if (Identity.SocialCreditCode.Fault(creditCode) is { } bad) return new Rejection(Rejections.FieldInvalid, bad) { Field = "creditCode" };
        if (Identity.RegionCode.Fault(villageCode, Identity.RegionCode.VillageLength) is { } region)
            return new Rejection(Rejections.FieldInvalid, region) { Field = "villageCode" };
        if (state is not null) return new Rejection(Rejections.AlreadyExists, $"{creditCode} 已登记");
        return new IEventOf<Collective>[] { new CollectiveRegistered(creditCode, name, villageCode) };
    }

    /// <summary>C3. The same numbers again are no event.</summary>
    public static Decision<Collective> RecordSurvey(Collective state, int year, Survey survey)
    {
        if (survey.Members < 1) return Invalid("members", "成员人数应大于零");
        if (survey.InsuredMembers < 0 || survey.InsuredMembers > survey.Members) return Invalid("insuredMembers", "参保人数不能多于成员人数");
        if (survey.Payers < 0 || survey.Payers > survey.InsuredMembers) return Invalid("payers", "缴费人数不能多于参保人数");
        return state.Surveys.TryGetValue(year, out var known) && known == survey
            ? Array.Empty<IEventOf<Collective>>()
            : [new CollectiveSurveyed(year, survey)];

        static Rejection Invalid(string field, string message) => new(Rejections.FieldInvalid, message) { Field = field };
    }
}
