using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Bodies = Ledger.Client.Models;
using SourceKind = Ledger.Domain.Funds.SourceKind;

namespace Ledger.Api.Sample;

/// <summary>How far a village has come when the sample's story ends.</summary>
public enum SampleStage
{
    Adopted,
    Filed,
    Returned,
    Reviewed,
    Approved,
    Noticed,
    Objected,
    Paid,
    PartlyCredited,
    Settled,
}

/// <summary>
/// A village of the sample. <paramref name="FilingDay"/>: day of the story on which it files.
/// <paramref name="FlatYuan"/>: for each line; with <paramref name="PerTier"/> a tenth of the tier comes on top.
/// </summary>
public sealed record SampleVillageFacts(
    string Code,
    string Name,
    SampleStage Stage,
    int FilingDay,
    decimal FlatYuan,
    bool PerTier = false
);

/// <summary>A step of the story: on this day (0 is the first) somebody does something through the API.</summary>
public sealed record SampleStep(int Day, string Text, Func<Task> Do);

/// <summary>
/// Rencheng district of Jining over 120 days: 3 townships, 12 villages, 3,000 invented members, each village at another
/// point of the way. Region codes are real (GB/T 2260 and its extension), everything else is made by a seeded
/// generator. Days, bodies and keys follow from the first day alone, so that an interrupted load goes on where it
/// stopped.
/// </summary>
public sealed class SampleStory(Func<Actor, SampleClient> client, DateOnly firstDay)
{
    public const string County = "370811",
        CountyName = "济宁市任城区";
    public const int Days = 120,
        MembersPerVillage = 250;
    private const int Seed = 370811;

    /// <summary>The credit code of the invented charity.</summary>
    public static string CharityCode { get; } = SamplePeople.CreditCode(County, 900);
    private static readonly int[] Tiers = [300, 500, 1000, 2000, 3000];

    public static readonly IReadOnlyList<(string Code, string Name)> Townships =
    [
        ("370811102", "长沟镇"),
        ("370811109", "石桥镇"),
        ("370811111", "喻屯镇"),
    ];

    public static readonly IReadOnlyList<SampleVillageFacts> Villages =
    [
        new("370811102201", "党庄村", SampleStage.Settled, 50, 120),
        new("370811102202", "张坊村", SampleStage.Settled, 58, 100, PerTier: true),
        new("370811102203", "前陈村", SampleStage.PartlyCredited, 95, 150),
        new("370811102204", "后陈村", SampleStage.Noticed, 113, 200),
        new("370811109201", "辛店村", SampleStage.Settled, 66, 80, PerTier: true),
        new("370811109202", "南薛村", SampleStage.Paid, 104, 100),
        new("370811109203", "大李村", SampleStage.Objected, 112, 160),
        new("370811109204", "石桥村", SampleStage.Returned, 112, 120),
        new("370811111201", "城后村", SampleStage.Approved, 115, 90, PerTier: true),
        new("370811111202", "夏王楼村", SampleStage.Reviewed, 116, 140),
        new("370811111203", "河长口村", SampleStage.Filed, 118, 110),
        new("370811111204", "前屯村", SampleStage.Adopted, 123, 120),
    ];

    /// <summary>
    /// The village that is left ready for the tour of docs/tour.md: its plan is adopted, its application not yet filed.
    /// </summary>
    public static SampleVillageFacts TourVillage => Villages.Single(v => v.Stage == SampleStage.Adopted);

    public SampleOffices Offices { get; } = new(client, County);

    /// <summary>
    /// The first day of a story that ends by <paramref name="today"/>; its contributions must fall into the year it
    /// begins in.
    /// </summary>
    public static DateOnly FirstDay(DateOnly today)
    {
        var first = today.AddDays(-Days);
        var latest = new DateOnly(first.Year, 11, 20);
        return first < latest ? first : latest;
    }

    /// <summary>09:00 in China.</summary>
    public DateTimeOffset At(int day) => new(firstDay.AddDays(day), new TimeOnly(9, 0), Clock.Offset);

    /// <summary>All steps in order of day.</summary>
    public IReadOnlyList<SampleStep> Steps() =>
        [.. CountySteps().Concat(DissolvedSteps()).Concat(Villages.SelectMany(VillageSteps)).OrderBy(s => s.Day)];

    private IEnumerable<SampleStep> CountySteps()
    {
        yield return new(0, $"{CountyName} 政策年度", () => Offices.PublishPolicyAsync(firstDay.Year, reviewed: true));
        yield return new(
            1,
            $"{CountyName} 区划名称",
            () => Offices.NameRegionsAsync([(County, CountyName), .. Townships])
        );
        yield return new(2, $"{CountyName} 试点申请与批准", Offices.OpenPilotAsync);
        yield return new(
            3,
            $"{CountyName} 登记捐赠人",
            () =>
                Offices.CountyHrss.CallAsync(api =>
                    api.Donors.ToPostRequestInformation(
                        new()
                        {
                            Kind = Bodies.DonorKind.Charity,
                            Name = "任城区慈善总会（样例）",
                            CreditCode = CharityCode,
                        }
                    )
                )
        );
    }

    /// <summary>A collective that ends without a successor (L16): what its fund held went back before.</summary>
    private IEnumerable<SampleStep> DissolvedSteps()
    {
        var village = new SampleVillage(
            Offices,
            "370811109205",
            "小新庄股份经济合作社",
            Villages.Count + 1,
            firstDay.Year
        );
        yield return Step(5, "石桥镇小新庄 登记", village.RegisterAsync);
        yield return Step(6, "石桥镇小新庄 划入集体收入", () => village.AllocateAsync(1_000));
        yield return Step(40, "石桥镇小新庄 余款退回，关闭资金", village.CloseFundAsync);
        yield return Step(42, "石桥镇小新庄 解散", () => village.DissolveAsync(firstDay.AddDays(42)));
    }

    private IEnumerable<SampleStep> VillageSteps(SampleVillageFacts facts, int index)
    {
        var township = Townships.Single(t => facts.Code.StartsWith(t.Code, StringComparison.Ordinal)).Name;
        var village = VillageOf(facts);
        return PlanSteps(village, facts, index)
            .Concat(facts.Stage > SampleStage.Adopted ? ApplicationSteps(village, facts) : [])
            .Concat(facts.Stage > SampleStage.Objected ? PaymentSteps(village, facts) : [])
            .Select(s => s with { Text = $"{township}{facts.Name} {s.Text}" });
    }

    private static SampleStep Step(int day, string text, Func<Task> what) => new(day, text, what);

    /// <summary>Whose contribution lets him be subsidised, with the tier that he paid.</summary>
    private List<(SamplePerson Person, int Tier)> Regular(SampleVillageFacts facts) =>
        [.. Payers(facts).Where(p => !p.CatchUp).Select(p => (p.Person, p.Tier))];

    /// <summary>From the village's registration to the plan in force.</summary>
    private IEnumerable<SampleStep> PlanSteps(SampleVillage village, SampleVillageFacts facts, int index)
    {
        var (payers, file) = (Payers(facts), facts.FilingDay);
        yield return Step(5, "登记", village.RegisterAsync);
        yield return Step(10, "摸底", () => village.SurveyAsync(MembersPerVillage));
        yield return Step(
            15,
            "划入集体收入",
            () => village.AllocateAsync(60_000 + 5_000 * index, name: $"{firstDay.Year}年土地流转收入")
        );
        if (facts.Stage == SampleStage.Adopted)
            yield return Step(
                13,
                "补记上年余款",
                () =>
                    village.AllocateAsync(
                        5_000,
                        name: $"{firstDay.Year - 1}年土地流转余款",
                        effectiveDate: new DateOnly(firstDay.Year - 1, 12, 20)
                    )
            );
        if (index % 4 == 1)
            yield return Step(
                14,
                "划入慈善捐赠",
                () =>
                    village.AllocateAsync(
                        8_888.88m,
                        SourceKind.Charity,
                        "慈善总会捐赠",
                        null,
                        StreamId.DonorOf(CharityCode)
                    )
            );
        if (index % 4 == 2)
        {
            yield return Step(
                16,
                "专户结息",
                () => village.AllocateAsync(36.52m, SourceKind.BankInterest, "专户活期结息")
            );
            yield return Step(17, "银行扣手续费", () => village.BankFeeAsync(15));
        }
        yield return Step(18, $"成员名册 {MembersPerVillage} 人", () => village.ImportMembersAsync(People(facts)));
        yield return Step(
            25,
            $"缴费记录 {payers.Count} 笔",
            () => village.ImportContributionsAsync(payers, firstDay.AddDays(20))
        );
        if (facts == Adjusting)
        {
            yield return Step(26, "政府代缴 1 人", () => village.ImportTaxRowsAsync(GovernmentPaid(facts)));
            yield return Step(27, "调整档次 1 人", () => village.ImportTaxRowsAsync(Adjusted(facts)));
        }
        yield return Step(file - 8, "拟定方案", () => village.DraftAsync(Standard(facts)));
        yield return Step(file - 5, "村民会议决议", () => village.ResolveAsync(firstDay.AddDays(file - 6)));
        yield return Step(file - 5, "村监委会签字、乡镇会签", village.SignPlanAsync);
        yield return Step(file - 4, "通过方案", village.AdoptAsync);
    }

    /// <summary>From filing to the notice and what is objected to it.</summary>
    private IEnumerable<SampleStep> ApplicationSteps(SampleVillage village, SampleVillageFacts facts)
    {
        var (regular, file) = (Regular(facts), facts.FilingDay);
        yield return Step(file, $"申请 {regular.Count} 人", () => village.FileAsync(regular.Select(r => r.Person)));
        if (facts.Stage == SampleStage.Returned)
            yield return Step(
                file + 2,
                "退回补正",
                () => village.ReturnAsync("决议日期与盖章件不一致，请更正后重新提交")
            );
        if (facts.Stage == SampleStage.Returned)
            yield return Step(
                file + 3,
                "参保核查",
                () => Offices.CheckInsuranceAsync(regular[0].Person, "employees-scheme", firstDay.AddDays(file + 2))
            );
        if (facts.Stage <= SampleStage.Returned)
            yield break;

        yield return Step(file + 2, "复核", village.ReviewAsync);
        if (facts.Stage == SampleStage.Reviewed)
            yield break;
        // One in a hurry: the tests of the year show it.
        yield return Step(facts.Stage == SampleStage.Approved ? file + 2 : file + 3, "审批", village.ApproveAsync);
        if (facts.Stage == SampleStage.Approved)
            yield break;
        yield return Step(file + 4, "公示", village.NoticeAsync);
        if (facts.Stage == SampleStage.Objected)
            yield return Step(file + 6, "异议", () => village.ObjectAsync("请核对第3组是否有人户籍已迁出"));
    }

    /// <summary>From payment to settlement.</summary>
    private IEnumerable<SampleStep> PaymentSteps(SampleVillage village, SampleVillageFacts facts)
    {
        var (regular, file) = (Regular(facts), facts.FilingDay);
        var subsidies = regular.Select(r => (r.Person, new Money((long)(Subsidy(facts, r.Tier) * 100)))).ToList();
        if (facts == Villages[1])
        {
            yield return Step(file + 6, "村监委会叫停付款", () => village.HoldAsync("第3组一户称已迁出，请核实后再付"));
            yield return Step(
                file + 9,
                "乡镇查明后解除",
                () => village.LiftHoldAsync("已入户核实，该户户籍仍在本村，名单无误")
            );
        }
        yield return Step(file + 12, "村监委会在付款名单上签字", village.SignPaymentAsync);
        yield return Step(file + 12, "付款", () => village.PayAsync(regular.Sum(r => Subsidy(facts, r.Tier))));
        if (facts.Stage == SampleStage.Paid)
            yield break;
        yield return facts.Stage == SampleStage.PartlyCredited
            // Two accounts that the agency could not find, one amount that differs: these lines stay open.
            ? Step(
                file + 15,
                "部分入账",
                () =>
                    village.ImportReceiptsAsync(
                        subsidies.Skip(2).Select((s, i) => i == 0 ? (s.Person, s.Item2 + new Money(100)) : s),
                        firstDay.AddDays(file + 14),
                        partial: true
                    )
            )
            : Step(file + 15, "入账回执", () => village.ImportReceiptsAsync(subsidies, firstDay.AddDays(file + 14)));
        if (facts.Stage == SampleStage.Settled)
            yield return Step(file + 16, "办结", village.SettleAsync);
        if (facts == Complained)
        {
            yield return Step(file + 24, "投诉", () => village.ComplainAsync("没有查到补助记入个人账户"));
            yield return Step(
                file + 29,
                "答复投诉",
                () => village.AnswerComplaintAsync("已核对，补助已于回执日期记入个人账户")
            );
        }
    }

    /// <summary>The government paid for one who did not pay (L14), another paid up to the highest tier (L15).</summary>
    private static SampleVillageFacts Adjusting => Villages[9];

    /// <summary>Recorded, and no ground for a subsidy: the policy year's switch says so.</summary>
    private TaxRow GovernmentPaid(SampleVillageFacts facts)
    {
        var paid = Payers(facts).Select(p => p.Person).ToHashSet();
        return new(
            People(facts).First(p => !paid.Contains(p)),
            Tiers[0],
            Tiers[0],
            firstDay.AddDays(20),
            $"DJ{facts.Code}{firstDay.Year}000001",
            Sheets.GovernmentPaid
        );
    }

    private TaxRow Adjusted(SampleVillageFacts facts) =>
        new(
            Regular(facts).First(p => p.Tier == Tiers[0]).Person,
            Tiers[^1],
            Tiers[^1],
            firstDay.AddDays(26),
            $"TZ{facts.Code}{firstDay.Year}000001",
            Entry: Sheets.Adjustment
        );

    /// <summary>Settled; a member complained afterwards, and the township answered (L18).</summary>
    private static SampleVillageFacts Complained => Villages[4];

    public SampleVillage VillageOf(SampleVillageFacts facts)
    {
        var number = Number(facts);
        return new SampleVillage(Offices, facts.Code, $"{facts.Name}股份经济合作社", number, firstDay.Year);
    }

    private static string CollectiveId(SampleVillageFacts facts) =>
        StreamId.Collective(SamplePeople.CreditCode(County, Number(facts)));

    public static string TourCollectiveId { get; } = CollectiveId(TourVillage);

    /// <summary>Two villages of the tour that merge: all their business is settled.</summary>
    public static (string From, string Into) Merging { get; } = (CollectiveId(Villages[0]), CollectiveId(Villages[1]));
    public string TourPlanId => StreamId.PlanOf(TourCollectiveId, firstDay.Year);
    public int Year => firstDay.Year;

    private static int Number(SampleVillageFacts facts) => Villages.TakeWhile(v => v != facts).Count() + 1;

    public static IReadOnlyList<SamplePerson> People(SampleVillageFacts facts) =>
        new SamplePeople(Seed + Number(facts)).Take(MembersPerVillage, County);

    /// <summary>Of a hundred members 92 pay, 3 pay for past years at once (C5), 5 do not pay.</summary>
    public static IReadOnlyList<(SamplePerson Person, int Tier, bool CatchUp)> Payers(SampleVillageFacts facts)
    {
        var random = new Random(Seed - Number(facts));
        return
        [
            .. People(facts)
                .Select(p =>
                    (
                        Person: p,
                        Tier: Tiers[(int)(random.NextDouble() * random.NextDouble() * Tiers.Length)],
                        Draw: random.Next(100)
                    )
                )
                .Where(p => p.Draw < 95)
                .Select(p => (p.Person, p.Tier, p.Draw >= 92)),
        ];
    }

    private static Bodies.StandardBody Standard(SampleVillageFacts facts) =>
        facts.PerTier
            ? SampleVillage.PerTier(Tiers.Select(t => (t, Subsidy(facts, t))))
            : SampleVillage.Flat(facts.FlatYuan);

    /// <summary>Yuan for a tier: the flat amount, or a tenth of the tier on top of it.</summary>
    public static decimal Subsidy(SampleVillageFacts facts, int tier) =>
        facts.PerTier ? facts.FlatYuan + tier / 10m : facts.FlatYuan;

    /// <summary>
    /// One person of each role, two at the agency (reviewer ≠ approver, C15); the name is the variable in tour.env.
    /// </summary>
    public static IReadOnlyList<(string Variable, string Title, Actor Actor)> Cast { get; } =
    [
        (
            "VILLAGE",
            "村级财务人员（前屯村）",
            new("officer." + TourVillage.Code, Roles.VillageFinance, TourVillage.Code)
        ),
        ("COMMITTEE", "村务监督委员会（前屯村）", SampleOffices.CommitteeOf(TourVillage.Code)),
        ("REVIEWER", "经办机构 复核", new($"reviewer.{County}", Roles.Agency, County)),
        ("APPROVER", "经办机构 审批", new($"approver.{County}", Roles.Agency, County)),
        ("AUDITOR", "审计", new($"auditor.{County}", Roles.Auditor, County)),
        ("TOWNSHIP", "乡镇（喻屯镇）", new("township.370811111", Roles.Township, "370811111")),
        ("MERGING_TOWNSHIP", "乡镇（长沟镇）", new("township.370811102", Roles.Township, "370811102")),
        ("COUNTY_HRSS", "县人社", new($"hrss.{County}", Roles.CountyHrss, County)),
        ("COUNTY_FINANCE", "县财政", new($"finance.{County}", Roles.CountyFinance, County)),
        ("COUNTY_AGRICULTURE", "县农业农村", new($"agriculture.{County}", Roles.CountyAgriculture, County)),
        ("COUNTY_TAX", "县税务", new($"tax.{County}", Roles.CountyTax, County)),
        ("ADMINISTRATOR", "管理员", new($"admin.{County}", Roles.Administrator, County)),
        ("CITY_AUDITOR", "市审计", new($"auditor.{RegionCode.City(County)}", Roles.Auditor, RegionCode.City(County))),
        (
            "CITY_HRSS_SECOND",
            "市人社 复核",
            new($"city2.{RegionCode.City(County)}", Roles.CityHrss, RegionCode.City(County))
        ),
        ("CITY_HRSS", "市人社", new($"city.{RegionCode.City(County)}", Roles.CityHrss, RegionCode.City(County))),
    ];
}
