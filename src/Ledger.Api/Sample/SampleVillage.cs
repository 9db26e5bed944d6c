using System.Text.Json;
using Ledger.Api.Applications;
using Ledger.Api.Collectives;
using Ledger.Api.Funds;
using Ledger.Api.Members;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;

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
        CityHrss.PutAsync($"/api/policy-years/{City(county)}/{year}", PolicyYear(year, reviewed: reviewed));

    public Task NameRegionsAsync(IEnumerable<(string Code, string Name)> regions) =>
        Administrator.PutAsync(
            "/api/region-names",
            new { regions = regions.Select(r => new { code = r.Code, name = r.Name }) }
        );

    /// <summary>
    /// Another policy year for the city than the one that is out, from today on: proposed by one and, where plans rest
    /// on it, confirmed by the second.
    /// </summary>
    public async Task AmendPolicyAsync(int year, object policy, DateOnly today)
    {
        var body = JsonSerializer.SerializeToNode(policy, JsonSerializerOptions.Web)!;
        body["effectiveFrom"] = $"{today:yyyy-MM-dd}";
        var path = $"/api/policy-years/{City(county)}/{year}";
        if ((await CityHrss.PutAsync<PolicyYearView>(path, body)).Proposed is not null)
            await SecondCityHrss.PostAsync($"{path}/proposal/confirmation");
    }

    public static object PolicyYear(int year, int noticeDays = 7, bool reviewed = false) =>
        new
        {
            effectiveFrom = new DateOnly(year, 1, 1),
            tiers = SampleTiers(reviewed),
            accountInterestBasisPoints = 262,
            basicPensionAmount = 170,
            payee = new
            {
                name = "任城区社会保险经办中心收入户（样例）",
                bank = "样例银行任城支行",
                number = "1608-0101-0400-0001",
            },
            noticeDays,
            countersignatureRequired = reviewed,
            committeeSignsPlan = reviewed,
            committeeSignsPayments = reviewed,
        };

    /// <summary>Tier by tier; in the sample county those from 2,500 on are a range (L9).</summary>
    private static IEnumerable<object> SampleTiers(bool asRange)
    {
        int[] single = [100, 300, 500, 600, 800, 1000, 1500, 2000];
        object Tier(int t) =>
            new
            {
                tierAmount = t,
                governmentSubsidyAmount = t < 500 ? 30
                : t < 2000 ? 60
                : 80,
            };
        return asRange
            ?
            [
                .. single.Select(Tier),
                new
                {
                    tierAmount = 2500,
                    toAmount = 5000,
                    stepAmount = 500,
                    governmentSubsidyAmount = 80,
                },
            ]
            : [.. single.Concat([2500, 3000, 4000, 5000]).Select(Tier)];
    }

    public async Task OpenPilotAsync()
    {
        await CountyHrss.PostAsync("/api/pilots", new { county, grounds = "集体经济基础较好，居民养老保险工作扎实" });
        await CityHrss.PostAsync(
            $"/api/pilots/{StreamId.Pilot(county)}/decision",
            new { verdict = "approve", reasons = "符合试点条件" }
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
            await offices.Agriculture.PostAsync<CollectiveView>(
                "/api/collectives",
                new
                {
                    creditCode = code,
                    name,
                    villageCode,
                }
            )
        ).Id;
        await Officer.PostAsync("/api/funds", new { collectiveId = CollectiveId });
    }

    private int _members;

    public Task<CollectiveView> SurveyAsync(int members) =>
        Officer.PutAsync<CollectiveView>(
            $"/api/collectives/{CollectiveId}/surveys/{year}",
            new
            {
                collectiveIncomeAmount = 860_000,
                members = _members = members,
                insuredMembers = members * 9 / 10,
                payers = members * 8 / 10,
            }
        );

    public async Task<AllocationView> AllocateAsync(
        decimal amount,
        string source = "collective-income",
        string name = "土地流转收入",
        int? earmarkYear = null,
        string? donorId = null,
        object? earmark = null,
        DateOnly? effectiveDate = null
    ) =>
        await Officer.PostAsync<AllocationView>(
            $"/api/funds/{FundId}/allocations",
            new
            {
                amount,
                source,
                sourceName = name,
                evidence = new[] { await Officer.EvidenceAsync($"bank slip {villageCode} {NextSlip()}") },
                earmarkYear,
                donorId,
                earmark,
                effectiveDate,
            }
        );

    /// <summary>The rest goes back to its sources: the officer asks, the township confirms.</summary>
    public async Task<FundView> ReturnSurplusAsync(string pocket = "general")
    {
        var township = offices.Township(villageCode[..9]);
        var path = $"/api/funds/{FundId}/sub-accounts/{pocket}/surplus-return";
        await Officer.PostAsync<FundView>(
            path,
            new
            {
                confirmBy = township.Actor.Id,
                reason = "村民会议决议终止",
                evidence = new[] { await Officer.EvidenceAsync($"resolution {villageCode} {NextSlip()}") },
            }
        );
        return await township.PostAsync<FundView>($"{path}/confirmation");
    }

    /// <summary>The bank takes a fee; nobody has made it good yet.</summary>
    public async Task<FundView> BankFeeAsync(decimal amount) =>
        await Officer.PostAsync<FundView>(
            $"/api/funds/{FundId}/bank-fees",
            new
            {
                amount,
                bankReference = $"SXF{villageCode}{NextSlip()}",
                evidence = new[] { await Officer.EvidenceAsync($"bank fee {villageCode} {_slips}") },
            }
        );

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
        (by ?? Officer).UploadAsync<ImportView>(
            $"/api/members/import?collectiveId={CollectiveId}",
            SampleSheets.Members(people),
            "成员名册.xlsx"
        );

    /// <param name="series">The tax office's receipts are numbered anew in each.</param>
    public Task<ImportView> ImportContributionsAsync(
        IEnumerable<(SamplePerson, int, bool)> payers,
        DateOnly paidOn,
        string series = ""
    ) =>
        offices.Tax.UploadAsync<ImportView>(
            $"/api/contributions/import?year={year}",
            SampleSheets.Contributions(payers, paidOn, $"SW{series}{villageCode}{year}"),
            "缴费.xlsx"
        );

    /// <summary>What the tax office's file says beside plain payments (L14, L15).</summary>
    public Task<ImportView> ImportTaxRowsAsync(params TaxRow[] rows) =>
        offices.Tax.UploadAsync<ImportView>(
            $"/api/contributions/import?year={year}",
            SampleSheets.TaxRows(rows),
            "税务记录.xlsx"
        );

    /// <summary>The fund's money goes back to its sources, and the fund is closed.</summary>
    public async Task CloseFundAsync()
    {
        var resolution = new
        {
            reason = "集体解散，余款退回来源",
            evidence = new[] { await Officer.EvidenceAsync($"resolution {villageCode}") },
        };
        await ReturnSurplusAsync();
        await Officer.PostAsync($"/api/funds/{FundId}/closure", resolution);
    }

    /// <summary>
    /// With the papers that it takes (L16): its assembly's decision, the township's review, the county's approval; and
    /// the creditors told.
    /// </summary>
    public async Task DissolveAsync(DateOnly on) =>
        await offices.Agriculture.PostAsync<CollectiveView>(
            $"/api/collectives/{CollectiveId}/dissolution",
            new
            {
                reason = "整村搬迁",
                papers = new
                {
                    decisions = new[]
                    {
                        new
                        {
                            collectiveId = CollectiveId,
                            number = $"成决〔{year}〕1号",
                            on = on.AddDays(-12),
                            evidence = await Officer.EvidenceAsync($"decision {villageCode}"),
                        },
                    },
                    review = new
                    {
                        on = on.AddDays(-8),
                        evidence = await Township.EvidenceAsync($"review {villageCode}"),
                    },
                    approval = new
                    {
                        number = $"任政批〔{year}〕3号",
                        on = on.AddDays(-4),
                        evidence = await offices.Agriculture.EvidenceAsync($"approval {villageCode}"),
                    },
                    creditors = new
                    {
                        on,
                        evidence = await offices.Agriculture.EvidenceAsync($"creditors {villageCode}"),
                    },
                },
            }
        );

    public static object Flat(decimal amount) => new { kind = "flat", flatAmount = amount };

    public Task<PlanView> DraftAsync(object standard) =>
        Officer.PostAsync<PlanView>(
            "/api/plans",
            new
            {
                collectiveId = CollectiveId,
                year,
                source = $"{year}年集体收入",
                scope = "本年度正常缴费的本集体成员",
                standard,
            }
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

    public async Task<PlanView> ResolveAsync(DateOnly on, int eligible, int attendance, int votesFor) =>
        await Officer.PostAsync<PlanView>(
            $"/api/plans/{PlanId}/resolution",
            new
            {
                form = "households",
                calledOn = on.AddDays(-10),
                meetingDate = on,
                eligible,
                attendance,
                votesFor,
                votesAgainst = Math.Min(4, attendance - votesFor),
                minutes = await Officer.EvidenceAsync($"minutes {villageCode}"),
            }
        );

    /// <summary>The supervision committee signs the plan, and the township countersigns it (L7).</summary>
    public async Task SignPlanAsync()
    {
        await Committee.PostAsync<PlanView>($"/api/plans/{PlanId}/signature");
        await Township.PostAsync<PlanView>($"/api/plans/{PlanId}/countersignature");
    }

    public Task<PlanView> AdoptAsync() => Officer.PostAsync<PlanView>($"/api/plans/{PlanId}/adoption");

    /// <summary>
    /// From registration to an adopted plan of <paramref name="subsidy"/> yuan each: survey, members, contributions,
    /// plan, resolution. Money is another matter.
    /// </summary>
    public Task PrepareAsync(IReadOnlyList<SamplePerson> people, decimal subsidy, DateOnly on) =>
        PrepareAsync(people, Flat(subsidy), on);

    /// <summary>The same, under another standard.</summary>
    public async Task PrepareAsync(IReadOnlyList<SamplePerson> people, object standard, DateOnly on)
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
        var filed = await Officer.UploadAsync<FilingView>(
            "/api/applications",
            SampleSheets.Roster(roster),
            "补助名单.xlsx",
            "roster",
            ("planId", PlanId),
            ("seal", seal),
            ("confirmDuplicate", confirm)
        );
        ApplicationPath = $"/api/applications/{filed.Application.Id}";
        return filed;
    }

    public Task<ApplicationView> ReviewAsync() =>
        offices.Reviewer.PostAsync<ApplicationView>($"{ApplicationPath}/review", new { acceptRest = true });

    public Task<ApplicationView> ApproveAsync() =>
        offices.Approver.PostAsync<ApplicationView>($"{ApplicationPath}/approval");

    public Task<ApplicationView> NoticeAsync() =>
        Officer.PostAsync<ApplicationView>($"{ApplicationPath}/notice", new { place = "村务公开栏" });

    public Task<ApplicationView> SignPaymentAsync() =>
        Committee.PostAsync<ApplicationView>($"{ApplicationPath}/payment-signature");

    public Task<ApplicationView> HoldAsync(string reason) =>
        Committee.PostAsync<ApplicationView>($"{ApplicationPath}/hold", new { reason });

    public Task<ApplicationView> LiftHoldAsync(string reason) =>
        Township.PostAsync<ApplicationView>($"{ApplicationPath}/hold/lift", new { reason });

    public async Task<ApplicationView> PayAsync(decimal amount)
    {
        var transfer = ++_transfers;
        return await Officer.PostAsync<ApplicationView>(
            $"{ApplicationPath}/payment",
            new
            {
                amount,
                purpose = "member-subsidy",
                bankReference = $"NX{year}{number:000000}{(transfer == 1 ? "" : $"-{transfer}")}",
                evidence = new[] { await Officer.EvidenceAsync($"transfer {villageCode} {transfer}") },
            }
        );
    }

    public Task<ReceiptView> ImportReceiptsAsync(
        IEnumerable<(SamplePerson, Money)> credited,
        DateOnly on,
        bool partial = false
    ) =>
        offices.Reviewer.UploadAsync<ReceiptView>(
            $"{ApplicationPath}/receipts/import?partial={partial}",
            SampleSheets.Receipts(credited, on, $"HZ{villageCode}"),
            "回执.xlsx"
        );

    public Task<ApplicationView> SettleAsync() =>
        offices.Approver.PostAsync<ApplicationView>($"{ApplicationPath}/settlement");

    private string _complaint = "";

    /// <summary>A member complains at the county's desk (L18).</summary>
    public async Task ComplainAsync(string text) =>
        _complaint = (
            await offices.CountyHrss.PostAsync<ApplicationView>($"{ApplicationPath}/complaints", new { text })
        )
            .Complaints[^1]
            .ComplaintId;

    public Task<ApplicationView> AnswerComplaintAsync(string answer) =>
        offices
            .Township(villageCode[..9])
            .PostAsync<ApplicationView>(
                $"{ApplicationPath}/complaints/{_complaint}/answer",
                new { upheld = false, answer }
            );
}

public static class JsonAnswers
{
    public static string Id(this JsonElement answer) => answer.GetProperty("id").GetString()!;
}
