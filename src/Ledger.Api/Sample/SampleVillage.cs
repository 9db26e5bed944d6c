using System.Text.Json;
using Ledger.Api.Applications;
using Ledger.Api.Collectives;
using Ledger.Api.Funds;
using Ledger.Api.Members;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Client;
using Ledger.Client.Api.Applications.Item;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Microsoft.Kiota.Abstractions;
using Bodies = Ledger.Client.Models;
using SourceKind = Ledger.Domain.Funds.SourceKind;

namespace Ledger.Api.Sample;

/// <summary>
/// The people of one county who act in the sample and in tests: one of each role, three at the agency.
/// </summary>
public sealed class SampleOffices(Func<Actor, SampleClient> client, string county)
{
    private static string City(string county) => RegionCode.City(county);

    public string County => county;
    public SampleClient CityHrss { get; } = client(new Actor($"city.{City(county)}", Roles.CityHrss, City(county)));

    /// <summary>Who confirms what the first proposes.</summary>
    public SampleClient SecondCityHrss { get; } =
        client(new Actor($"city2.{City(county)}", Roles.CityHrss, City(county)));
    public SampleClient Administrator { get; } = client(new Actor($"admin.{county}", Roles.Administrator, county));
    public SampleClient CountyHrss { get; } = client(new Actor($"hrss.{county}", Roles.CountyHrss, county));
    public SampleClient Agriculture { get; } =
        client(new Actor($"agriculture.{county}", Roles.CountyAgriculture, county));
    public SampleClient Tax { get; } = client(new Actor($"tax.{county}", Roles.CountyTax, county));
    public SampleClient Reviewer { get; } = client(new Actor($"reviewer.{county}", Roles.Agency, county));
    public SampleClient Approver { get; } = client(new Actor($"approver.{county}", Roles.Agency, county));
    public SampleClient Auditor { get; } = client(new Actor($"auditor.{county}", Roles.Auditor, county));

    // One client for each: keys are counted up in it, and villages share their township.
    private readonly System.Collections.Concurrent.ConcurrentDictionary<string, SampleClient> _townships = [];

    public SampleClient Township(string township) =>
        _townships.GetOrAdd(township, t => client(new Actor($"township.{t}", Roles.Township, t)));

    public SampleClient Officer(string village) => client(OfficerOf(village));

    public SampleClient Committee(string village) => client(CommitteeOf(village));

    public static Actor CommitteeOf(string village) => new($"committee.{village}", Roles.SupervisionCommittee, village);

    public static Actor OfficerOf(string village) => new($"officer.{village}", Roles.VillageFinance, village);

    /// <summary>
    /// The sample's policy year (†: tiers seen in Shandong; the rest plausible), for the city. Who decides is the
    /// law's.
    /// </summary>
    /// <param name="reviewed">The township countersigns plans, the supervision committees sign plans and payments
    /// (L7).</param>
    public Task PublishPolicyAsync(int year, bool reviewed = false) =>
        CityHrss.CallAsync(api =>
            api.PolicyYears[City(county)][year].ToPutRequestInformation(PolicyYear(year, reviewed: reviewed))
        );

    public Task NameRegionsAsync(IEnumerable<(string Code, string Name)> regions) =>
        Administrator.CallAsync(api =>
            api.RegionNames.ToPutRequestInformation(
                new() { Regions = [.. regions.Select(r => new Bodies.RegionNameBody { Code = r.Code, Name = r.Name })] }
            )
        );

    /// <summary>
    /// Another policy year for the city than the one that is out, from today on: proposed by one and, where plans rest
    /// on it, confirmed by the second.
    /// </summary>
    public async Task AmendPolicyAsync(int year, object policy, DateOnly today)
    {
        var body = SampleClient.Node(policy);
        body["effectiveFrom"] = $"{today:yyyy-MM-dd}";
        var path = $"/api/policy-years/{City(county)}/{year}";
        if ((await CityHrss.PutAsync<PolicyYearView>(path, body)).Proposed is not null)
            await SecondCityHrss.PostAsync($"{path}/proposal/confirmation");
    }

    public static Bodies.PolicyYearBody PolicyYear(int year, int noticeDays = 7, bool reviewed = false) =>
        new()
        {
            EffectiveFrom = new Date(year, 1, 1),
            Tiers = [.. SampleTiers(reviewed)],
            AccountInterestBasisPoints = 262,
            BasicPensionAmount = 170,
            Payee = new()
            {
                Name = "任城区社会保险经办中心收入户（样例）",
                Bank = "样例银行任城支行",
                Number = "1608-0101-0400-0001",
            },
            NoticeDays = noticeDays,
            CountersignatureRequired = reviewed,
            CommitteeSignsPlan = reviewed,
            CommitteeSignsPayments = reviewed,
        };

    /// <summary>Tier by tier; in the sample county those from 2,500 on are a range (L9).</summary>
    private static IEnumerable<Bodies.TierBody> SampleTiers(bool asRange)
    {
        int[] single = [100, 300, 500, 600, 800, 1000, 1500, 2000];
        Bodies.TierBody Tier(int t) =>
            new()
            {
                TierAmount = t,
                GovernmentSubsidyAmount =
                    t < 500 ? 30
                    : t < 2000 ? 60
                    : 80,
            };
        return asRange
            ?
            [
                .. single.Select(Tier),
                new()
                {
                    TierAmount = 2500,
                    ToAmount = 5000,
                    StepAmount = 500,
                    GovernmentSubsidyAmount = 80,
                },
            ]
            : [.. single.Concat([2500, 3000, 4000, 5000]).Select(Tier)];
    }

    public Task CheckInsuranceAsync(SamplePerson person, string finding, DateOnly on) =>
        Reviewer.CallAsync(api =>
            api.InsuranceChecks.Import.ToPostRequestInformation(
                new()
                {
                    Checks =
                    [
                        new()
                        {
                            CitizenId = person.CitizenId,
                            Finding = finding,
                            On = SampleVillage.On(on),
                        },
                    ],
                }
            )
        );

    public async Task OpenPilotAsync()
    {
        await CountyHrss.CallAsync(api =>
            api.Pilots.ToPostRequestInformation(
                new() { County = county, Grounds = "集体经济基础较好，居民养老保险工作扎实" }
            )
        );
        await CityHrss.CallAsync(api =>
            api.Pilots[StreamId.Pilot(county)]
                .Decision.ToPostRequestInformation(
                    new() { Verdict = Bodies.PilotVerdict.Approve, Reasons = "符合试点条件" }
                )
        );
    }
}

/// <summary>One village on the normal path, step by step through the API.</summary>
public sealed class SampleVillage(SampleOffices offices, string villageCode, string name, int number, int year)
{
    /// <summary>The same village, with offices that talk to another process.</summary>
    public SampleVillage With(SampleOffices others) =>
        new(others, villageCode, name, number, year)
        {
            CollectiveId = CollectiveId,
            ApplicationPath = ApplicationPath,
            _members = _members,
            _slips = _slips,
            _transfers = _transfers,
        };

    // Each allocation has a slip and each payment a reference of its own.
    private int _slips,
        _transfers;

    /// <summary>Several may allocate at once.</summary>
    private int NextSlip() => Interlocked.Increment(ref _slips);

    public SampleOffices Offices => offices;
    public SampleClient Officer { get; } = offices.Officer(villageCode);
    public SampleClient Committee { get; } = offices.Committee(villageCode);
    public SampleClient Township => offices.Township(RegionCode.Township(villageCode));
    public string VillageCode => villageCode;
    public int Year => year;
    public string CollectiveId { get; private set; } = "";
    public string FundId => StreamId.FundOf(CollectiveId);
    public string PlanId => StreamId.PlanOf(CollectiveId, year);
    public string ApplicationPath { get; private set; } = "";
    public string ApplicationId => ApplicationPath["/api/applications/".Length..];

    public async Task RegisterAsync()
    {
        var code = SamplePeople.CreditCode(offices.County, number);
        CollectiveId = (
            await offices.Agriculture.CallAsync<CollectiveView>(api =>
                api.Collectives.ToPostRequestInformation(
                    new()
                    {
                        CreditCode = code,
                        Name = name,
                        VillageCode = villageCode,
                    }
                )
            )
        ).Id;
        await Officer.CallAsync(api => api.Funds.ToPostRequestInformation(new() { CollectiveId = CollectiveId }));
    }

    private int _members;

    public Task<CollectiveView> SurveyAsync(int members) =>
        Officer.CallAsync<CollectiveView>(api =>
            api.Collectives[CollectiveId]
                .Surveys[year]
                .ToPutRequestInformation(
                    new()
                    {
                        CollectiveIncomeAmount = 860_000,
                        Members = _members = members,
                        InsuredMembers = members * 9 / 10,
                        Payers = members * 8 / 10,
                    }
                )
        );

    public async Task<AllocationView> AllocateAsync(
        decimal amount,
        SourceKind source = SourceKind.CollectiveIncome,
        string name = "土地流转收入",
        int? earmarkYear = null,
        string? donorId = null,
        Bodies.Earmark? earmark = null,
        DateOnly? effectiveDate = null
    )
    {
        var slip = await Officer.EvidenceAsync($"bank slip {villageCode} {NextSlip()}");
        return await Officer.CallAsync<AllocationView>(api =>
            api.Funds[FundId]
                .Allocations.ToPostRequestInformation(
                    new()
                    {
                        Amount = amount,
                        Source = Enum.Parse<Bodies.SourceKind>($"{source}"),
                        SourceName = name,
                        Evidence = [slip],
                        EarmarkYear = earmarkYear,
                        DonorId = donorId,
                        Earmark = earmark,
                        EffectiveDate = effectiveDate is { } day ? On(day) : null,
                    }
                )
        );
    }

    internal static Date On(DateOnly day) => new(day.Year, day.Month, day.Day);

    /// <summary>The rest goes back to its sources: the officer asks, the township confirms.</summary>
    public async Task<FundView> ReturnSurplusAsync(string pocket = "general")
    {
        var resolution = await Officer.EvidenceAsync($"resolution {villageCode} {NextSlip()}");
        await Officer.CallAsync<FundView>(api =>
            api.Funds[FundId]
                .SubAccounts[pocket]
                .SurplusReturn.ToPostRequestInformation(
                    new()
                    {
                        ConfirmBy = Township.Actor.Id,
                        Reason = "村民会议决议终止",
                        Evidence = [resolution],
                    }
                )
        );
        return await Township.CallAsync<FundView>(api =>
            api.Funds[FundId].SubAccounts[pocket].SurplusReturn.Confirmation.ToPostRequestInformation()
        );
    }

    /// <summary>The bank takes a fee; nobody has made it good yet.</summary>
    public async Task<FundView> BankFeeAsync(decimal amount)
    {
        var number = NextSlip();
        var slip = await Officer.EvidenceAsync($"bank fee {villageCode} {number}");
        return await Officer.CallAsync<FundView>(api =>
            api.Funds[FundId]
                .BankFees.ToPostRequestInformation(
                    new()
                    {
                        Amount = amount,
                        BankReference = $"SXF{villageCode}{number}",
                        Evidence = [slip],
                    }
                )
        );
    }

    /// <summary>Registers the county's charity, once; its donor id.</summary>
    public async Task<string> CharityAsync()
    {
        var code = SamplePeople.CreditCode(offices.County, 900);
        using var response = await offices.CountyHrss.SendAsync(
            HttpMethod.Post,
            "/api/donors",
            SampleClient.Json(
                new
                {
                    kind = "charity",
                    name = "慈善总会（样例）",
                    creditCode = code,
                }
            )
        );
        return StreamId.DonorOf(code);
    }

    /// <summary>
    /// By the village itself; the agency's own import needs nobody's confirmation for people of its other villages.
    /// </summary>
    public Task<ImportView> ImportMembersAsync(IEnumerable<SamplePerson> people, SampleClient? by = null) =>
        (by ?? Officer).CallAsync<ImportView>(api =>
            api.Members.Import.ToPostRequestInformation(
                FileCalls.Form("file", SampleSheets.Members(people), "成员名册.xlsx"),
                given => given.QueryParameters.CollectiveId = CollectiveId
            )
        );

    /// <param name="series">The tax office's receipts are numbered anew in each.</param>
    public Task<ImportView> ImportContributionsAsync(
        IEnumerable<(SamplePerson, int, bool)> payers,
        DateOnly paidOn,
        string series = ""
    ) => ImportTaxAsync(SampleSheets.Contributions(payers, paidOn, $"SW{series}{villageCode}{year}"), "缴费.xlsx");

    /// <summary>What the tax office's file says beside plain payments (L14, L15).</summary>
    public Task<ImportView> ImportTaxRowsAsync(params TaxRow[] rows) =>
        ImportTaxAsync(SampleSheets.TaxRows(rows), "税务记录.xlsx");

    private Task<ImportView> ImportTaxAsync(byte[] content, string fileName) =>
        offices.Tax.CallAsync<ImportView>(
            (api, adapter) =>
                api
                    .Contributions.Import.ToPostRequestInformation(new(), given => given.QueryParameters.Year = year)
                    .WithFile(adapter, "file", content, fileName)
        );

    /// <summary>The fund's money goes back to its sources, and the fund is closed.</summary>
    public async Task CloseFundAsync()
    {
        var resolution = await Officer.EvidenceAsync($"resolution {villageCode}");
        await ReturnSurplusAsync();
        await Officer.CallAsync(api =>
            api.Funds[FundId]
                .Closure.ToPostRequestInformation(new() { Reason = "集体解散，余款退回来源", Evidence = [resolution] })
        );
    }

    /// <summary>
    /// With the papers that it takes (L16): its assembly's decision, the township's review, the county's approval; and
    /// the creditors told.
    /// </summary>
    public async Task DissolveAsync(DateOnly on)
    {
        var decision = new Bodies.AssemblyDecisionBody
        {
            CollectiveId = CollectiveId,
            Number = $"成决〔{year}〕1号",
            On = On(on.AddDays(-12)),
            Evidence = await Officer.EvidenceAsync($"decision {villageCode}"),
        };
        var review = new Bodies.PaperBody
        {
            On = On(on.AddDays(-8)),
            Evidence = await Township.EvidenceAsync($"review {villageCode}"),
        };
        var approval = new Bodies.ApprovalBody
        {
            Number = $"任政批〔{year}〕3号",
            On = On(on.AddDays(-4)),
            Evidence = await offices.Agriculture.EvidenceAsync($"approval {villageCode}"),
        };
        var creditors = new Bodies.PaperBody
        {
            On = On(on),
            Evidence = await offices.Agriculture.EvidenceAsync($"creditors {villageCode}"),
        };
        await offices.Agriculture.CallAsync<CollectiveView>(api =>
            api.Collectives[CollectiveId]
                .Dissolution.ToPostRequestInformation(
                    new()
                    {
                        Reason = "整村搬迁",
                        Papers = new()
                        {
                            Decisions = [decision],
                            Review = review,
                            Approval = approval,
                            Creditors = creditors,
                        },
                    }
                )
        );
    }

    public static Bodies.StandardBody Flat(decimal amount) =>
        new() { Kind = Bodies.StandardKind.Flat, FlatAmount = amount };

    public static Bodies.StandardBody PerTier(params IEnumerable<(int Tier, decimal Amount)> amounts) =>
        new()
        {
            Kind = Bodies.StandardKind.PerTier,
            Tiers = [.. amounts.Select(a => new Bodies.TierAmountBody { TierAmount = a.Tier, Amount = a.Amount })],
        };

    public Task<PlanView> DraftAsync(Bodies.StandardBody standard) =>
        Officer.CallAsync<PlanView>(api =>
            api.Plans.ToPostRequestInformation(
                new()
                {
                    CollectiveId = CollectiveId,
                    Year = year,
                    Source = $"{year}年集体收入",
                    Scope = "本年度正常缴费的本集体成员",
                    Standard = standard,
                }
            )
        );

    /// <summary>
    /// A meeting of households: one for three members, seven of eight come, one of ten votes against it.
    /// </summary>
    public Task<PlanView> ResolveAsync(DateOnly on)
    {
        var eligible = (_members + 2) / 3;
        var attendance = eligible - eligible / 8;
        return ResolveAsync(on, eligible, attendance, attendance - attendance / 10);
    }

    public async Task<PlanView> ResolveAsync(DateOnly on, int eligible, int attendance, int votesFor)
    {
        var minutes = await Officer.EvidenceAsync($"minutes {villageCode}");
        return await Officer.CallAsync<PlanView>(api =>
            api.Plans[PlanId]
                .Resolution.ToPostRequestInformation(
                    new()
                    {
                        Form = "households",
                        CalledOn = On(on.AddDays(-10)),
                        MeetingDate = On(on),
                        Eligible = eligible,
                        Attendance = attendance,
                        VotesFor = votesFor,
                        VotesAgainst = Math.Min(4, attendance - votesFor),
                        Minutes = minutes,
                    }
                )
        );
    }

    /// <summary>The supervision committee signs the plan, and the township countersigns it (L7).</summary>
    public async Task SignPlanAsync()
    {
        await Committee.CallAsync<PlanView>(api => api.Plans[PlanId].Signature.ToPostRequestInformation());
        await Township.CallAsync<PlanView>(api => api.Plans[PlanId].Countersignature.ToPostRequestInformation());
    }

    public Task<PlanView> AdoptAsync() =>
        Officer.CallAsync<PlanView>(api => api.Plans[PlanId].Adoption.ToPostRequestInformation());

    /// <summary>
    /// From registration to an adopted plan of <paramref name="subsidy"/> yuan each: survey, members, contributions,
    /// plan, resolution. Money is another matter.
    /// </summary>
    public Task PrepareAsync(IReadOnlyList<SamplePerson> people, decimal subsidy, DateOnly on) =>
        PrepareAsync(people, Flat(subsidy), on);

    /// <summary>The same, under another standard.</summary>
    public async Task PrepareAsync(IReadOnlyList<SamplePerson> people, Bodies.StandardBody standard, DateOnly on)
    {
        await SurveyAsync(people.Count);
        await ImportMembersAsync(people);
        await ImportContributionsAsync(people.Select(p => (p, 300, false)), on);
        await DraftAsync(standard);
        await ResolveAsync(on);
        await AdoptAsync();
    }

    /// <param name="confirm">Why people of another application that waits stand on this list too.</param>
    public async Task<FilingView> FileAsync(IEnumerable<SamplePerson> roster, string confirm = "")
    {
        var seal = await Officer.EvidenceAsync($"sealed application {villageCode}");
        var filed = await Officer.CallAsync<FilingView>(
            (api, adapter) =>
                api
                    .Applications.ToPostRequestInformation(new())
                    .WithFile(
                        adapter,
                        "roster",
                        SampleSheets.Roster(roster),
                        "补助名单.xlsx",
                        ("planId", PlanId),
                        ("seal", seal),
                        ("confirmDuplicate", confirm)
                    )
        );
        ApplicationPath = $"/api/applications/{filed.Application.Id}";
        return filed;
    }

    /// <summary>A step of the village's application.</summary>
    private Task<ApplicationView> StepAsync(
        SampleClient by,
        Func<ApplicationsItemRequestBuilder, RequestInformation> step
    ) => by.CallAsync<ApplicationView>(api => step(api.Applications[ApplicationId]));

    public Task<ApplicationView> ReviewAsync() =>
        StepAsync(offices.Reviewer, a => a.Review.ToPostRequestInformation(new() { AcceptRest = true }));

    public Task<ApplicationView> ApproveAsync() =>
        StepAsync(offices.Approver, a => a.Approval.ToPostRequestInformation());

    public Task<ApplicationView> ReturnAsync(string reason) =>
        StepAsync(offices.Reviewer, a => a.Return.ToPostRequestInformation(new() { Reason = reason }));

    public Task<ApplicationView> NoticeAsync() =>
        StepAsync(Officer, a => a.Notice.ToPostRequestInformation(new() { Place = "村务公开栏" }));

    public Task<ApplicationView> ObjectAsync(string text) =>
        StepAsync(Officer, a => a.Objections.ToPostRequestInformation(new() { Text = text }));

    public Task<ApplicationView> SignPaymentAsync() =>
        StepAsync(Committee, a => a.PaymentSignature.ToPostRequestInformation());

    public Task<ApplicationView> HoldAsync(string reason) =>
        StepAsync(Committee, a => a.Hold.ToPostRequestInformation(new() { Reason = reason }));

    public Task<ApplicationView> LiftHoldAsync(string reason) =>
        StepAsync(Township, a => a.Hold.Lift.ToPostRequestInformation(new() { Reason = reason }));

    public async Task<ApplicationView> PayAsync(decimal amount)
    {
        var transfer = ++_transfers;
        var slip = await Officer.EvidenceAsync($"transfer {villageCode} {transfer}");
        return await StepAsync(
            Officer,
            a =>
                a.Payment.ToPostRequestInformation(
                    new()
                    {
                        Amount = amount,
                        Purpose = "member-subsidy",
                        BankReference = $"NX{year}{number:000000}{(transfer == 1 ? "" : $"-{transfer}")}",
                        Evidence = [slip],
                    }
                )
        );
    }

    public Task<ReceiptView> ImportReceiptsAsync(
        IEnumerable<(SamplePerson, Money)> credited,
        DateOnly on,
        bool partial = false
    ) =>
        offices.Reviewer.CallAsync<ReceiptView>(api =>
            api.Applications[ApplicationId]
                .Receipts.Import.ToPostRequestInformation(
                    FileCalls.Form("file", SampleSheets.Receipts(credited, on, $"HZ{villageCode}"), "回执.xlsx"),
                    given => given.QueryParameters.Partial = partial
                )
        );

    public Task<ApplicationView> SettleAsync() =>
        StepAsync(offices.Approver, a => a.Settlement.ToPostRequestInformation());

    private string _complaint = "";

    /// <summary>A member complains at the county's desk (L18).</summary>
    public async Task ComplainAsync(string text) =>
        _complaint = (
            await StepAsync(offices.CountyHrss, a => a.Complaints.ToPostRequestInformation(new() { Text = text }))
        )
            .Complaints[^1]
            .ComplaintId;

    public Task<ApplicationView> AnswerComplaintAsync(string answer) =>
        StepAsync(
            Township,
            a => a.Complaints[_complaint].Answer.ToPostRequestInformation(new() { Upheld = false, Answer = answer })
        );
}

public static class JsonAnswers
{
    public static string Id(this JsonElement answer) => answer.GetProperty("id").GetString()!;
}
