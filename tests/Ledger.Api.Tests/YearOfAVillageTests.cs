using System.Globalization;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Ledger.Api.Imports;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;

namespace Ledger.Api.Tests;

/// <summary>
/// One year of one village, told from its first yuan to the closed books, in which what the law around the opinion
/// knows (L1 to L20) happens once. Its own database: whoever looks at the end sees this year and nothing else.
/// </summary>
public sealed partial class YearOfAVillageTests : IAsyncLifetime
{
    private const decimal Each = 100m;

    // On the roster in this order.
    private const int Farmer = 0,
        DiesBeforeApproval = 1,
        DiesAfterApproval = 2,
        DiesInTransit = 3,
        DiesAfterCredit = 4,
        TakesAJob = 5,
        Poor = 6,
        ThoughtRetired = 7,
        Complains = 8,
        Everybody = 9;

    private readonly ApiFixture _api = new();
    private readonly List<string> _bank = [];
    private SampleVillage _village = null!;
    private IReadOnlyList<SamplePerson> _people = [];
    private string[] _members = [];
    private string _donor = "";
    private int _year;

    private SampleOffices Offices => _village.Offices;
    private SampleClient Officer => _village.Officer;
    private SampleClient Agency => _village.Offices.Reviewer;
    private DateOnly Today => _api.Today;
    private string Fund => $"/api/funds/{_village.FundId}";
    private string Application => _village.ApplicationPath;
    private SampleClient CityAuditor =>
        _api.Client(new Actor("auditor.city", Roles.Auditor, RegionCode.City(Offices.County)));

    /// <summary>The year begins on a January morning, whatever day it is outside.</summary>
    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        _year = _api.Today.Year + 1;
        _api.Clock.MoveTo(new DateTimeOffset(_year, 1, 8, 9, 0, 0, Clock.Offset));
    }

    public Task DisposeAsync() => _api.DisposeAsync();

    private void Later(int days) => _api.Clock.Advance(TimeSpan.FromDays(days));

    private void AtTheBank(decimal came, decimal went, string reference) =>
        _bank.Add(
            string.Create(CultureInfo.InvariantCulture, $"{Today:yyyy-MM-dd},{came:0.##},{went:0.##},{reference}")
        );

    private Task<Refused> RefusedAsync(string code, SampleClient who, string path, object? body = null) =>
        _api.Host.RefusedAsync(code, who, path, body);

    private Task<FundView> FundAsync() => Officer.GetAsync<FundView>(Fund);

    [Fact]
    public async Task L1_L2_L4_L5_L6_L7_L12_L13_L14_L17_L18_L19_C24_a_year_of_one_village_to_closed_books()
    {
        await The_city_sets_the_year_and_the_county_takes_part();
        await The_village_registers_counts_its_people_and_puts_income_and_a_gift_aside();
        await The_bank_pays_interest_and_takes_a_fee_that_the_village_makes_good();
        await The_plan_is_proposed_conferred_on_and_deliberated();
        await The_representatives_decide_once_they_are_called_as_the_law_asks();
        await The_plan_is_signed_countersigned_adopted_and_hangs_on_the_board();
        await The_list_is_filed_with_her_for_whom_the_government_paid();
        await The_agency_finds_one_on_its_list_and_accepts_him_with_a_reason();
        await One_dies_before_the_approval_and_is_left_out();
        await The_result_hangs_on_the_board_and_one_dies_meanwhile();
        await The_committee_signs_and_the_money_goes_to_the_agency_split_by_where_it_came_from();
        await The_agency_credits_them_and_sends_back_whom_death_met_on_the_way();
        await What_was_credited_is_the_heirs_and_an_overlap_goes_to_the_person();
        await One_complains_after_settlement_and_the_township_answers();
        await The_donor_reads_where_each_yuan_is();
        await The_year_is_closed();
        await Every_book_tells_the_same_year();
    }

    private async Task The_city_sets_the_year_and_the_county_takes_part()
    {
        var offices = _api.NewOffices();
        _village = new SampleVillage(offices, $"{offices.County}102201", "党庄村股份经济合作社", 1, _year);
        var policy = SampleClient.Node(SampleOffices.PolicyYear(_year, reviewed: true)).AsObject();
        policy["resolutionNoticeDays"] = 3;
        policy["governmentPaidOpensSubsidy"] = true;
        await offices.CityHrss.PutAsync($"/api/policy-years/{RegionCode.City(offices.County)}/{_year}", policy);
        await offices.OpenPilotAsync();
    }

    private async Task The_village_registers_counts_its_people_and_puts_income_and_a_gift_aside()
    {
        await _village.RegisterAsync();
        await _village.SurveyAsync(60);
        _people = new SamplePeople(2027).Take(Everybody, Offices.County);
        await _village.ImportMembersAsync(_people);
        await _village.AllocateAsync(400, name: "土地流转收入");
        AtTheBank(400, 0, "SR1");
    }

    private async Task The_bank_pays_interest_and_takes_a_fee_that_the_village_makes_good()
    {
        Later(70);
        await _village.AllocateAsync(3.21m, SourceKind.BankInterest, "第一季度结息");
        AtTheBank(3.21m, 0, "JX1");
        var owed = await Officer.PostAsync<FundView>($"{Fund}/bank-fees", await SlipAsync("SXF1", 12.5m));
        AtTheBank(0, 12.5m, "SXF1");
        Assert.Equal((403.21m, 12.5m), (owed.AvailableAmount.Yuan, owed.OwedAmount.Yuan));
        Assert.Contains("bank-fee", await SupervisedAsync());
        Later(5);
        var fee = Assert.Single(owed.OpenFees).FeeId;
        await Officer.PostAsync<FundView>($"{Fund}/bank-fees/{fee}/reimbursement", await SlipAsync("BZ1"));
        AtTheBank(12.5m, 0, "BZ1");
        Assert.DoesNotContain("bank-fee", await SupervisedAsync());

        _donor = await _village.CharityAsync();
        await _village.AllocateAsync(600, SourceKind.Charity, "慈善一日捐", donorId: _donor);
        AtTheBank(600, 0, "JZ1");
    }

    private async Task<JsonObject> SlipAsync(string reference, decimal? amount = null, SampleClient? of = null)
    {
        var slip = new JsonObject
        {
            ["bankReference"] = reference,
            ["evidence"] = new JsonArray(await (of ?? Officer).EvidenceAsync($"slip {reference}")),
        };
        if (amount is { } yuan)
            slip["amount"] = yuan;
        return slip;
    }

    private async Task<string[]> SupervisedAsync() =>
        [.. (await _village.Township.GetAsync<SupervisionView>("/api/supervision")).Items.Select(i => i.Kind)];

    private async Task The_plan_is_proposed_conferred_on_and_deliberated()
    {
        await _village.DraftAsync(SampleVillage.Flat(Each));
        foreach (var step in (string[])["proposal", "committee", "deliberation"])
        {
            Later(1);
            await Officer.PostAsync(
                $"/api/plans/{_village.PlanId}/steps",
                new
                {
                    step,
                    on = Today,
                    evidence = new[] { await Officer.EvidenceAsync($"minutes of the {step}") },
                }
            );
        }
    }

    /// <summary>
    /// Twelve representatives, four of them women, called six days before (L5); nine of ten agree (L4).
    /// </summary>
    private async Task The_representatives_decide_once_they_are_called_as_the_law_asks()
    {
        var called = Today;
        Later(6);
        var meeting = new JsonObject
        {
            ["form"] = "representatives",
            ["calledOn"] = $"{called:yyyy-MM-dd}",
            ["meetingDate"] = $"{Today:yyyy-MM-dd}",
            ["eligible"] = 12,
            ["attendance"] = 10,
            ["votesFor"] = 9,
            ["votesAgainst"] = 1,
            ["women"] = 4,
            ["womenPresent"] = 2,
            ["minutes"] = await Officer.EvidenceAsync("minutes of the meeting"),
            ["authorisation"] = await Officer.EvidenceAsync("what the villagers' meeting authorised"),
        };
        var path = $"/api/plans/{_village.PlanId}/resolution";
        var irregular = await RefusedAsync("resolution-irregular", Officer, path, meeting);
        Assert.Equal("womenPresent", irregular.Field);
        meeting["womenPresent"] = 3;
        var decided = await Officer.PostAsync<PlanView>(path, meeting);
        Assert.Equal((12, 10), (decided.LatestResolution!.Eligible, decided.LatestResolution.Attendance));
    }

    private async Task The_plan_is_signed_countersigned_adopted_and_hangs_on_the_board()
    {
        await RefusedAsync("committee-signature-missing", Officer, $"/api/plans/{_village.PlanId}/adoption");
        await _village.SignPlanAsync();
        await _village.AdoptAsync();
        await Officer.PostAsync(
            $"/api/plans/{_village.PlanId}/publication",
            new
            {
                from = Today,
                place = "村务公开栏",
                evidence = new[] { await Officer.EvidenceAsync("the resolution on its board") },
            }
        );
    }

    private async Task The_list_is_filed_with_her_for_whom_the_government_paid()
    {
        await Offices.Tax.UploadAsync<ImportView>(
            $"/api/contributions/import?year={_year}",
            SampleSheets.TaxRows(
                _people.Select(
                    (p, i) =>
                        i == Poor
                            ? new TaxRow(p, 100, 100, Today, $"DJ{i}", Sheets.GovernmentPaid)
                            : new TaxRow(p, 300, 300, Today, $"SW{i}")
                )
            ),
            "缴费.xlsx"
        );
        var early = new
        {
            planId = _village.PlanId,
            seal = await Officer.EvidenceAsync("seal"),
            lines = (string[])[],
        };
        await RefusedAsync("resolution-unpublished", Officer, "/api/applications", early);
        Later(4);
        await _village.FileAsync(_people);
        var lines = (await Officer.GetAsync<LinePage>($"{Application}/lines")).Lines;
        _members = [.. lines.OrderBy(l => l.Row).Select(l => l.MemberId)];
        Assert.Equal(Everybody, _members.Length);
    }

    private async Task The_agency_finds_one_on_its_list_and_accepts_him_with_a_reason()
    {
        Later(2);
        await Agency.PostAsync(
            "/api/insurance-checks/import",
            new
            {
                checks = new[]
                {
                    new
                    {
                        citizenId = _people[ThoughtRetired].CitizenId,
                        finding = "pension-in-payment",
                        on = Today,
                    },
                },
            }
        );
        var review = $"{Application}/review";
        var open = await RefusedAsync("finding-open", Agency, review, new { acceptRest = true });
        Assert.Equal(_members[ThoughtRetired], Assert.Single(open.Faults).MemberId);
        var verdict = new
        {
            memberId = _members[ThoughtRetired],
            accepted = true,
            reason = "同名误登，已核实未领取待遇",
        };
        await Agency.PostAsync(review, new { verdicts = new[] { verdict }, acceptRest = true });
    }

    private async Task DiesAsync(int who) =>
        await Agency.PostAsync<MemberStateView>(
            $"/api/members/{_members[who]}/death",
            new { on = Today, evidence = new[] { await Agency.EvidenceAsync($"certificate {who}") } }
        );

    private async Task One_dies_before_the_approval_and_is_left_out()
    {
        await DiesAsync(DiesBeforeApproval);
        Later(1);
        var approved = await _village.ApproveAsync();
        var left = Assert.Single(approved.LeftOut!);
        Assert.Equal(("member-deceased", _members[DiesBeforeApproval]), (left.Code, left.MemberId));
        Assert.Equal(
            (203.21m, 800m),
            ((await FundAsync()).AvailableAmount.Yuan, (await FundAsync()).ReservedAmount.Yuan)
        );
    }

    private async Task The_result_hangs_on_the_board_and_one_dies_meanwhile()
    {
        Later(1);
        await _village.NoticeAsync();
        var photo = await Officer.EvidenceAsync("the list on its board");
        var proved = await Officer.PostAsync<ApplicationView>(
            $"{Application}/notice/proof",
            new { evidence = new[] { photo } }
        );
        Assert.Equal([photo], proved.NoticeProof);
        Later(3);
        await DiesAsync(DiesAfterApproval);
        await RefusedAsync("notice-open", _village.Committee, $"{Application}/payment-signature");
        Later(5);
    }

    private async Task The_committee_signs_and_the_money_goes_to_the_agency_split_by_where_it_came_from()
    {
        await _village.SignPaymentAsync();
        var list = await Officer.PostAsync<PaymentListView>($"{Application}/payment-list");
        Assert.Equal(
            (7, 700m, 303.21m, 396.79m),
            (list.Lines, list.TotalAmount.Yuan, list.CollectiveAmount.Yuan, list.OtherAmount.Yuan)
        );
        Assert.Contains("收入户", list.Payee!.Name);
        // Who has died is not paid for, and what was set aside for him is the fund's again.
        var sent = await _village.PayAsync(700);
        var left = Assert.Single(sent.LeftOut!);
        Assert.Equal(("member-deceased", _members[DiesAfterApproval]), (left.Code, left.MemberId));
        Assert.Equal(
            (303.21m, 0m),
            ((await FundAsync()).AvailableAmount.Yuan, (await FundAsync()).ReservedAmount.Yuan)
        );
        AtTheBank(0, 700, sent.BankReference!);
    }

    private async Task The_agency_credits_them_and_sends_back_whom_death_met_on_the_way()
    {
        Later(2);
        await DiesAsync(DiesInTransit);
        Later(3);
        int[] credited = [Farmer, DiesAfterCredit, TakesAJob, Poor, ThoughtRetired, Complains];
        await _village.ImportReceiptsAsync(credited.Select(i => (_people[i], new Money(10_000))), Today);
        var settlement = $"{Application}/settlement";
        await RefusedAsync("wrong-state", Offices.Approver, settlement); // one is still on the way
        await Agency.PostAsync($"{Application}/refunds", await RefundAsync(DiesInTransit, "TK1"));
        AtTheBank(100, 0, "TK1");
        await _village.SettleAsync();
        var fund = await FundAsync();
        Assert.Equal(
            (403.21m, 0m, 600m),
            (fund.AvailableAmount.Yuan, fund.InTransitAmount.Yuan, fund.CreditedAmount.Yuan)
        );
    }

    private async Task<JsonObject> RefundAsync(int who, string reference)
    {
        var refund = await SlipAsync(reference, of: Agency);
        (refund["memberId"], refund["reason"]) = (_members[who], "death");
        return refund;
    }

    private Task<LineTraceView> TraceAsync(int who) =>
        Officer.GetAsync<LineTraceView>($"/api/trace/applications/{_village.ApplicationId}/members/{_members[who]}");

    private async Task What_was_credited_is_the_heirs_and_an_overlap_goes_to_the_person()
    {
        Later(30);
        await DiesAsync(DiesAfterCredit);
        var refunds = $"{Application}/refunds";
        await RefusedAsync("credited-is-final", Agency, refunds, await RefundAsync(DiesAfterCredit, "TK2"));
        Assert.Contains("由继承人依法继承", (await TraceAsync(DiesAfterCredit)).InWords);

        var clearance = new
        {
            applicationId = _village.ApplicationId,
            reason = "employees-scheme",
            on = Today,
            evidence = new[] { await Agency.EvidenceAsync("clearance") },
        };
        var year = await Agency.PostAsync<MemberYearView>(
            $"/api/members/{_members[TakesAJob]}/years/{_year}/clearances",
            clearance
        );
        Assert.Equal(SubsidyStatus.Cleared, Assert.Single(year.Subsidies).Status);
        Assert.Contains("由经办机构清退给本人", (await TraceAsync(TakesAJob)).InWords);
        Assert.Equal(600m, (await FundAsync()).CreditedAmount.Yuan);
    }

    private async Task One_complains_after_settlement_and_the_township_answers()
    {
        Later(10);
        using var raised = await _api.Http.SendAsync(
            new HttpRequestMessage(HttpMethod.Post, $"/api/notices/{_village.ApplicationId}/complaints")
            {
                Content = SampleClient.Json(new { text = "说好的补助没有到账", number = Complains }),
                Headers = { { "Idempotency-Key", $"{Guid.NewGuid()}" } },
            }
        );
        var complaint = (await raised.ReadAsync<ComplaintReceiptView>()).ComplaintId;
        var path = $"{Application}/complaints/{complaint}/answer";
        var answer = new { upheld = false, answer = "已记入个人账户，回执已出示" };
        await RefusedAsync("forbidden", Officer, path, answer);
        Later(3);
        var answered = await _village.Township.PostAsync<ApplicationView>(path, answer);
        Assert.Equal(ComplaintStatus.Answered, Assert.Single(answered.Complaints).Status);
        Assert.Equal(ApplicationStatus.Settled, answered.Status);
        var seen = await _api.Http.ReadAsync<JsonElement>(
            $"/api/notices/{_village.ApplicationId}/complaints/{complaint}"
        );
        Assert.Equal("answered", seen.GetProperty("status").GetString());
    }

    /// <summary>Of 600 given, 96.79 to him who took a job and 100 each to three more; the rest waits.</summary>
    private async Task The_donor_reads_where_each_yuan_is()
    {
        var receipt = await Offices.Auditor.GetAsync<DonorReceiptView>($"/api/donors/{_donor}/receipt");
        Assert.Equal(
            (600m, 396.79m, 203.21m),
            (receipt.TotalAmount.Yuan, receipt.UsedAmount.Yuan, receipt.AvailableAmount.Yuan)
        );
        Assert.Equal(
            [
                (_members[TakesAJob], 96.79m),
                .. ((int[])[Poor, ThoughtRetired, Complains]).Select(i => (_members[i], 100m)),
            ],
            receipt.Gifts.Single().Uses.Select(u => (u.MemberId, u.Amount.Yuan))
        );
        Assert.Empty(await SupervisedAsync()); // nobody has anything left to do
    }

    private async Task The_year_is_closed()
    {
        var close = $"{Fund}/years/{_year}/close";
        await RefusedAsync("wrong-state", Officer, close);
        _api.Clock.MoveTo(new DateTimeOffset(_year + 1, 1, 10, 9, 0, 0, Clock.Offset));
        var closed = await Officer.PostAsync<TrialBalanceView>(close);
        Assert.Equal(
            [
                "available:general 403.21",
                "credited 600.00",
                "source:bank-interest -3.21",
                "source:charity -600.00",
                "source:collective-income -400.00",
            ],
            closed.Accounts.Select(a => $"{a.Account} {a.Amount}")
        );
    }

    private async Task Every_book_tells_the_same_year()
    {
        await The_dossier_has_every_step_and_both_publications();
        await The_bank_has_nothing_that_the_ledger_has_not();
        await A_bookkeepers_program_agrees_with_the_trial_balance();
        await The_product_finds_nothing_wrong();
        await A_stranger_accepts_the_log();
    }

    private async Task The_dossier_has_every_step_and_both_publications()
    {
        using var page = await Officer.SendAsync(HttpMethod.Get, $"/plans/{_village.PlanId}/dossier", null);
        var text = WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        foreach (
            var word in (string[])["党组织提议", "党员大会审议", "村民代表会议", "村监委会签字", "乡镇会签", "两公开"]
        )
            Assert.Contains(word, text, StringComparison.Ordinal);
        Assert.DoesNotContain("未登记", text, StringComparison.Ordinal);
        Assert.DoesNotContain("尚未公示", text, StringComparison.Ordinal);
        // Who has no name here is his office, not his account.
        Assert.Contains(">党庄村股份经济合作社 村务监督委员会<", text, StringComparison.Ordinal);
        Assert.Contains($">{_village.VillageCode[..9]} 乡镇（街道）<", text, StringComparison.Ordinal);
    }

    private async Task The_bank_has_nothing_that_the_ledger_has_not()
    {
        var csv = $"交易日期,收入金额（元）,支出金额（元）,流水号\n{string.Join('\n', _bank)}\n";
        var report = await Officer.UploadAsync<ReconciliationView>(
            $"{Fund}/reconciliation",
            Encoding.UTF8.GetBytes(csv),
            "对账单.csv"
        );
        Assert.Equal(_bank.Count, report.Matched.Count);
        Assert.Empty(report.Doubtful);
        Assert.Empty(report.UnmatchedBankLines);
        Assert.Empty(report.UnmatchedEntries);
        Assert.Equal(0m, report.OpenTransitAmount.Yuan);
    }

    [GeneratedRegex("^\"(?<account>[^\"]+)\",\"(?<amount>-?[0-9.]+) CNY\"", RegexOptions.Multiline)]
    private static partial Regex HledgerRow();

    private async Task A_bookkeepers_program_agrees_with_the_trial_balance()
    {
        using var journal = await Officer.SendAsync(HttpMethod.Get, "/api/exports/journal", null);
        var file = Path.Combine(Path.GetTempPath(), $"year-{Guid.NewGuid():N}.hledger");
        await File.WriteAllTextAsync(file, await journal.Content.ReadAsStringAsync());
        Assert.Equal((0, ""), Programs.Run("hledger", ["-f", file, "--strict", "check", "ordereddates"]));
        string[] balances = ["balance", "--flat", "--no-total", "-O", "csv", "-e", $"{_year + 1}-01-01"];
        var (exit, csv) = Programs.Run("hledger", ["-f", file, "--strict", .. balances]);
        Assert.True(exit == 0, csv);
        var ours = await Officer.GetAsync<TrialBalanceView>($"{Fund}/trial-balance?at={_year}-12-31");
        Assert.True(ours.IsSealed);
        Assert.Equal(
            ours.Accounts.Select(a => $"{_village.FundId}:{a.Account} {a.Amount}").Order(StringComparer.Ordinal),
            HledgerRow()
                .Matches(csv)
                .Select(m => $"{m.Groups["account"].Value} {m.Groups["amount"].Value}")
                .Order(StringComparer.Ordinal)
        );
        File.Delete(file);
    }

    private async Task The_product_finds_nothing_wrong() =>
        Assert.Empty((await Auditing.SoundAsync(CityAuditor)).Findings);

    private async Task A_stranger_accepts_the_log() =>
        Assert.Contains("8 次补助", await Auditing.VerifiedAsync(CityAuditor), StringComparison.Ordinal);
}

/// <summary>What is looked at when a story has ended, by who may see all of it.</summary>
internal static class Auditing
{
    /// <summary>
    /// The product's own check: every read model follows from the events, and these keep every promise.
    /// </summary>
    public static async Task<CheckView> SoundAsync(SampleClient auditor)
    {
        CheckView check = null!;
        await ApiFixture.EventuallyAsync(
            async () => (check = await auditor.GetAsync<CheckView>("/api/audit/check")).Behind == 0,
            "the projections have caught up"
        );
        Assert.True(check.IsSound, string.Join('\n', check.Differences));
        return check;
    }

    /// <summary>What ledger-verify says to the whole log, signed, with all its rules.</summary>
    public static async Task<string> VerifiedAsync(SampleClient auditor)
    {
        await ApiFixture.EventuallyAsync(
            async () =>
                await auditor.GetAsync<LogStatusView>("/api/audit/log") is var log
                && log.Waiting == 0
                && log.Size == log.SignedSize,
            "everything is signed"
        );
        var folder = Directory.CreateTempSubdirectory("ledger-year");
        async Task<string> SavedAsync(string path)
        {
            using var response = await auditor.SendAsync(HttpMethod.Get, path, null);
            var file = Path.Combine(folder.FullName, Path.GetFileName(path));
            response.EnsureSuccessStatusCode();
            await File.WriteAllBytesAsync(file, await response.Content.ReadAsByteArrayAsync());
            return file;
        }
        var (keys, checkpoint) = (await SavedAsync("/log/keys"), await SavedAsync("/log/checkpoint"));
        var log = await SavedAsync("/api/exports/log");
        var (exit, said) = Programs.Verify("log", log, "--checkpoint", checkpoint, "--key", keys);
        Assert.True(exit == 0, said);
        folder.Delete(recursive: true);
        return said;
    }
}
