using System.Globalization;
using System.Text;
using System.Text.Json;
using Ledger.Api.Imports;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Xunit.Abstractions;

namespace Ledger.Api.Tests;

/// <summary>
/// A seeded random year of one county: thousands of commands over HTTP, valid and invalid, by every role. After each,
/// what the product holds is compared with a reference model that shares no code with it: long integers and lists.
/// LEDGER_RANDOM_COMMANDS asks for a longer year, LEDGER_RANDOM_SEED for another.
/// </summary>
public sealed class RandomYearTests(ITestOutputHelper output)
{
    private static readonly int Commands = int.Parse(
        Environment.GetEnvironmentVariable("LEDGER_RANDOM_COMMANDS") ?? "3000",
        System.Globalization.CultureInfo.InvariantCulture
    );
    private const int Villages = 4,
        People = 60,
        CapFen = 500_000;
    private static readonly int Seed = int.Parse(
        Environment.GetEnvironmentVariable("LEDGER_RANDOM_SEED") ?? "20260102",
        System.Globalization.CultureInfo.InvariantCulture
    );

    // The reference model.
    private sealed class RefFund
    {
        public readonly Dictionary<string, long> Pockets = new() { ["general"] = 0 };
        public long Reserved,
            InTransit,
            Credited,
            Returned,
            In;

        /// <summary>
        /// What the bank took and the village has not put back, by fee: nothing in the fund moves (L17).
        /// </summary>
        public readonly Dictionary<string, long> Fees = [];
    }

    private sealed class RefLine(string member, long fen)
    {
        public readonly string Member = member;
        public readonly long Fen = fen;
        public string Status = "filed";
        public bool IsCleared;

        /// <summary>A reviewer said why he may have it although he is on the agency's list (L19).</summary>
        public bool IsAnswered;

        /// <summary>He had paid nothing himself when it was approved, or paid (L14).</summary>
        public bool OnGovernmentPaid;
        public bool Held => Status is "approved" or "paid" or "credited";
    }

    private sealed class RefApplication(int village, string id, string pocket, List<RefLine> lines)
    {
        public readonly int Village = village;
        public readonly string Id = id,
            Pocket = pocket;
        public List<RefLine> Lines = lines;
        public string Status = "filed";
        public DateOnly NoticeUntil;
        public readonly List<string> OpenObjections = [];
        private bool _held;

        /// <summary>By the supervision committee (L7), until it is lifted or the application ends.</summary>
        public bool IsHeld
        {
            get => _held && Status is not ("withdrawn" or "settled");
            set => _held = value;
        }

        /// <summary>Of each complaint who has it: township, county; answered, closed (L18).</summary>
        public readonly Dictionary<string, string> Complaints = [];
        public string Path => $"/api/applications/{Id}";

        public List<RefLine> In(string status) => [.. Lines.Where(l => l.Status == status)];
    }

    /// <summary>A record of the tax office; <see cref="Yuan"/> of it was not given back.</summary>
    private sealed class RefContribution(string reference, string kind, long yuan)
    {
        public readonly string Reference = reference,
            Kind = kind;
        public long Yuan = yuan;
    }

    private sealed class RefPerson(string id, SamplePerson person, int[] villages)
    {
        public readonly string Id = id;
        public readonly SamplePerson Person = person;
        public readonly int[] Villages = villages;
        public bool IsFound;
        public readonly List<RefContribution> Contributions = [];
        public readonly Dictionary<string, long> Sponsored = [];

        public long OwnYuan => Yuan(Sheets.Regular);
        public long GovernmentYuan => Yuan(Sheets.GovernmentPaid);
        public bool CatchUp => Yuan(Sheets.CatchUp) > 0;

        private long Yuan(string kind) => Contributions.Where(c => c.Kind == kind).Sum(c => c.Yuan);
    }

    private sealed class RefPlan
    {
        public int Latest = 1,
            Adopted = 1;

        /// <summary>A meeting decided on the latest version.</summary>
        public bool IsResolved;
    }

    /// <summary>A collective that ends before the year does (L16).</summary>
    private sealed class RefHamlet(SampleVillage village, RefPerson member)
    {
        public readonly SampleVillage Village = village;
        public readonly RefPerson Member = member;
        public long In,
            Available;
        public bool IsClosed,
            IsDissolved;
        public string? Open;
    }

    private readonly Random _random = new(Seed);
    private readonly RefFund[] _funds = [.. Enumerable.Range(0, Villages).Select(_ => new RefFund())];
    private readonly List<RefApplication> _applications = [];
    private readonly List<RefPerson> _people = [];
    private readonly List<(int Village, string Id, long Fen, string? ConfirmBy)> _lots = [];
    private readonly long[] _subsidies = [300_000, 260_000, 240_000, 280_000];
    private readonly SampleVillage[] _villages = new SampleVillage[Villages];
    private readonly Dictionary<string, int> _seen = [];
    private ApiFixture _api = null!;
    private SampleOffices _offices = null!;
    private SampleClient[] _everybody = [];
    private readonly RefPlan[] _plans = [.. Enumerable.Range(0, Villages).Select(_ => new RefPlan())];
    private readonly List<RefHamlet> _hamlets = [];
    private bool _governmentOpens;
    private int _taxRows;
    private string _donor = "",
        _paper = "";

    private T Pick<T>(IReadOnlyList<T> from) => from[_random.Next(from.Count)];

    private bool Chance(int percent) => _random.Next(100) < percent;

    private long Used(RefPerson p) =>
        p.Sponsored.Values.Sum()
        + _applications.SelectMany(a => a.Lines).Where(l => l.Member == p.Id && l.Held).Sum(l => l.Fen);

    private bool Subsidised(RefPerson p, int village) =>
        _applications.Any(a => a.Village == village && a.Lines.Any(l => l.Member == p.Id && l.Held));

    private static decimal Yuan(long fen) => fen / 100m;

    [Fact]
    public async Task Thousands_of_commands_keep_conservation_cap_and_ring_fence()
    {
        _api = new ApiFixture();
        await _api.InitializeAsync();
        try
        {
            await PrepareAsync();
            for (var i = 0; i < Commands; )
            {
                var (name, act) = Pick(Moves());
                if (await act() is not { } status)
                    continue;
                _seen[$"{name} {status}"] = _seen.GetValueOrDefault($"{name} {status}") + 1;
                await CompareAsync($"command {++i}: {name} → {status}");
            }
            foreach (var (what, count) in _seen.OrderBy(s => s.Key, StringComparer.Ordinal))
                output.WriteLine($"{count, 6} {what}");
            // In so busy a year something is always under way: a surplus goes back in WayBackTests, an earmark ends in
            // DonorTests.
            string[] refused = ["wrong role", "return surplus", "lift earmark"];
            foreach (var move in Moves().Select(m => m.Item1).Distinct().Except(refused))
                Assert.True(
                    _seen.Keys.Any(k => k == $"{move} ok"),
                    $"{move} never succeeded: "
                        + string.Join(", ", _seen.Where(s => s.Key.StartsWith(move, StringComparison.Ordinal)))
                );
            Assert.Contains("approve cap-exceeded", _seen.Keys);
            Assert.Contains(_applications.SelectMany(a => a.Lines), l => l.OnGovernmentPaid);
            // Whatever happened, check and the verifier see no promise broken by it.
            var auditor = _api.Client(
                new Domain.Actor("auditor.city", Roles.Auditor, RegionCode.City(_offices.County))
            );
            var check = await Auditing.SoundAsync(auditor);
            output.WriteLine($"{check.Events} events, {check.Documents} documents");
            output.WriteLine(await Auditing.VerifiedAsync(auditor));
            Assert.True(
                _seen.Where(s => !s.Key.EndsWith(" ok", StringComparison.Ordinal)).Sum(s => s.Value) > Commands / 10
            );
        }
        finally
        {
            await _api.DisposeAsync();
        }
    }

    private async Task PrepareAsync()
    {
        _offices = _api.NewOffices();
        var year = _api.Today.Year;
        await _offices.CityHrss.PutAsync(
            $"/api/policy-years/{RegionCode.City(_offices.County)}/{year}",
            SampleOffices.PolicyYear(year, noticeDays: 1)
        );
        await _offices.OpenPilotAsync();
        var persons = new SamplePeople(Seed).Take(People, _offices.County);
        for (var v = 0; v < Villages; v++)
        {
            _villages[v] = new SampleVillage(
                _offices,
                $"{_offices.County}00{v + 1}{v + 1:000}",
                $"第{v + 1}村",
                800 + v,
                year
            );
            await _villages[v].RegisterAsync();
            await _villages[v].SurveyAsync(50);
            // Everybody belongs to one village, every third person to a second one too: there the cap bites.
            await _villages[v].ImportMembersAsync(persons.Where((_, i) => Belongs(i).Contains(v)), _offices.Reviewer);
            await _villages[v].DraftAsync(SampleVillage.Flat(Yuan(_subsidies[v])));
            await _villages[v].ResolveAsync(_api.Today);
            await _villages[v].AdoptAsync();
        }
        await _offices.Tax.UploadAsync(
            $"/api/contributions/import?year={year}",
            SampleSheets.Contributions(persons.Take(People - 10).Select(p => (p, 300, false)), _api.Today, "SW"),
            "缴费.xlsx"
        );
        var ids = await _api
            .Host.Services.GetRequired<PersonalData>()
            .FindAsync(
                await _api.Database.OpenConnectionAsync(),
                persons.Select(p => CitizenId.Parse(p.CitizenId, out _))
            );
        for (var i = 0; i < People; i++)
        {
            _people.Add(new RefPerson(ids[CitizenId.Parse(persons[i].CitizenId, out _)], persons[i], Belongs(i)));
            if (i < People - 10)
                _people[i].Contributions.Add(new RefContribution($"SW{i + 1:000000}", Sheets.Regular, 300));
        }
        foreach (var p in _people.TakeLast(5))
        {
            var (status, reference) = await TaxAsync(p, Sheets.GovernmentPaid, 100, 100);
            Assert.Equal("ok", status);
            p.Contributions.Add(new RefContribution(reference, Sheets.GovernmentPaid, 100));
        }
        _donor = await _villages[0].CharityAsync();
        _everybody =
        [
            _offices.CityHrss,
            _offices.CountyHrss,
            _offices.Agriculture,
            _offices.Tax,
            _offices.Reviewer,
            _offices.Approver,
            _offices.Auditor,
            _villages[0].Officer,
            _offices.Township(_villages[0].VillageCode[..9]),
            _api.Client(new Domain.Actor("finance", "county-finance", _offices.County)),
        ];
        _paper = await _offices.Approver.EvidenceAsync("paper");
        foreach (var v in _villages)
            await v.Officer.EvidenceAsync("paper");

        static int[] Belongs(int i) => i % 3 == 0 ? [i % Villages, (i + 1) % Villages] : [i % Villages];
    }

    /// <summary>
    /// Every move says what it did: "ok", or the problem's code; null when there was nothing to try it on. The model
    /// moves only with the product, and says when it must not have.
    /// </summary>
    private List<(string, Func<Task<string?>>)> Moves() =>
        [
            ("allocate", Allocate),
            ("allocate", Allocate),
            ("bank fee", TakeFee),
            ("reimburse", Reimburse),
            ("file", File),
            ("file", File),
            ("file", File),
            ("review", Review),
            ("review", Review),
            ("review", Review),
            ("return", Return),
            ("resubmit", Resubmit),
            ("reject", Reject),
            ("approve", Approve),
            ("approve", Approve),
            ("approve", Approve),
            ("notice", Notice),
            ("notice", Notice),
            ("object", Object),
            ("answer", Answer),
            ("complain", Complain),
            ("answer complaint", AnswerComplaint),
            ("take to the county", TakeToCounty),
            ("agency's list", CheckInsurance),
            ("wait", Wait),
            ("hold", Hold),
            ("lift hold", LiftHold),
            ("pay", Pay),
            ("pay", Pay),
            ("pay", Pay),
            ("bank return", BankReturn),
            ("receipts", Receipts),
            ("receipts", Receipts),
            ("refund", Refund),
            ("clear to the person", Clear),
            ("withdraw lines", WithdrawLines),
            ("withdraw", Withdraw),
            ("settle", Settle),
            ("contribute", Contribute),
            ("contribute", Contribute),
            ("adjust contribution", AdjustContribution),
            ("refund contribution", RefundContribution),
            ("switch government's payment", SwitchGovernmentPaid),
            ("amend plan", AmendPlan),
            ("meet", Meet),
            ("meet", Meet),
            ("adopt", Adopt),
            ("found hamlet", FoundHamlet),
            ("hamlet allocates", HamletAllocates),
            ("hamlet files", HamletFiles),
            ("hamlet withdraws", HamletWithdraws),
            ("hamlet returns surplus", HamletReturnsSurplus),
            ("hamlet closes fund", HamletClosesFund),
            ("dissolve", DissolveHamlet),
            ("sponsor", Sponsor),
            ("unsponsor", Unsponsor),
            ("ask reversal", AskReversal),
            ("confirm reversal", ConfirmReversal),
            ("lift earmark", LiftEarmark),
            ("return surplus", ReturnSurplus),
            ("wrong role", WrongRole),
        ];

    private static async Task<(string Status, JsonElement Body)> SendAsync(
        SampleClient who,
        string path,
        object? body = null
    )
    {
        using var response = await who.SendAsync(HttpMethod.Post, path, SampleClient.Content(body));
        var answer = JsonSerializer.Deserialize<JsonElement>(await response.Content.ReadAsStringAsync());
        Assert.True((int)response.StatusCode < 500, $"{path}: {answer.GetRawText()}");
        return (response.IsSuccessStatusCode ? "ok" : answer.As<Refused>().Code, answer);
    }

    private RefApplication? Some(params string[] statuses)
    {
        // Mostly one in a fitting state, sometimes any.
        var fitting = _applications.Where(a => statuses.Contains(a.Status)).ToList();
        return Chance(90) && fitting.Count > 0 ? Pick(fitting)
            : _applications.Count > 0 ? Pick(_applications)
            : null;
    }

    private async Task<string?> Allocate()
    {
        var v = _random.Next(Villages);
        var (fen, gift) = (Chance(5) ? 0 : _random.NextInt64(1, 900_000), Chance(30));
        var evidence = Chance(5) ? Array.Empty<string>() : [_paper];
        var (status, answer) = await SendAsync(
            _villages[v].Officer,
            $"/api/funds/{_villages[v].FundId}/allocations",
            new
            {
                amount = Chance(3) ? 0.001m : Yuan(fen),
                source = gift ? "charity"
                : Chance(20) ? "bank-interest"
                : "collective-income",
                sourceName = "x",
                evidence = Own(v, evidence),
                donorId = gift ? _donor : null,
                earmarkYear = gift && Chance(50) ? _villages[v].Year : (int?)null,
                confirmDuplicate = "同一份凭证的另一笔",
            }
        );
        if (status != "ok")
            return status;
        Assert.True(fen > 0 && evidence.Length > 0);
        var allocated = answer.As<AllocationView>();
        var pocket = allocated
            .Fund.SubAccounts.Single(s => s.AvailableAmount.Fen != _funds[v].Pockets.GetValueOrDefault(s.Name))
            .Name;
        Assert.True(pocket == "general" || gift);
        _funds[v].Pockets[pocket] = _funds[v].Pockets.GetValueOrDefault(pocket) + fen;
        _funds[v].In += fen;
        _lots.Add((v, allocated.AllocationId, fen, null));
        return status;
    }

    private async Task<string?> TakeFee()
    {
        var v = _random.Next(Villages);
        var fen = Chance(5) ? 0 : _random.NextInt64(1, 5_000);
        var evidence = Chance(5) ? Array.Empty<string>() : [_paper];
        var (status, answer) = await SendAsync(
            _villages[v].Officer,
            $"/api/funds/{_villages[v].FundId}/bank-fees",
            new
            {
                amount = Yuan(fen),
                bankReference = "SXF",
                evidence = Own(v, evidence),
                confirmDuplicate = "又一笔",
            }
        );
        var isWithin = _funds[v].Fees.Values.Sum() + fen <= 200_00;
        Assert.Equal(fen > 0 && evidence.Length > 0 && isWithin, status == "ok");
        if (status != "ok")
            return status;
        var fee = answer.As<FundView>().OpenFees.Single(f => !_funds[v].Fees.ContainsKey(f.FeeId));
        _funds[v].Fees[fee.FeeId] = fen;
        Assert.Equal(_funds[v].Fees.Values.Sum(), answer.As<FundView>().OwedAmount.Fen);
        return status;
    }

    private async Task<string?> Reimburse()
    {
        var v = _random.Next(Villages);
        var fee = _funds[v].Fees.Keys.FirstOrDefault() ?? "bank-fee-none";
        var (status, answer) = await SendAsync(
            Chance(90) ? _villages[v].Officer : _villages[(v + 1) % Villages].Officer,
            $"/api/funds/{_villages[v].FundId}/bank-fees/{fee}/reimbursement",
            new
            {
                bankReference = "BZ",
                evidence = Own(v, [_paper]),
                confirmDuplicate = "又一笔",
            }
        );
        if (status != "ok")
            return status;
        Assert.True(_funds[v].Fees.Remove(fee));
        Assert.Equal(_funds[v].Fees.Values.Sum(), answer.As<FundView>().OwedAmount.Fen);
        return status;
    }

    /// <summary>The digest under the village's own upload: the same bytes, handed in by each.</summary>
    private string[] Own(int village, string[] papers) =>
        [.. papers.Select(_ => _papers[village] ??= _villages[village].Officer.EvidenceAsync("paper").Result)];

    private readonly string?[] _papers = new string?[Villages];

    private async Task<string?> File()
    {
        var v = _random.Next(Villages);
        var roster = Roster(v);
        var pocket = Chance(20) ? $"year-{_villages[v].Year}" : "general";
        var (status, answer) = await SendAsync(
            _villages[v].Officer,
            "/api/applications",
            new
            {
                planId = _villages[v].PlanId,
                seal = Own(v, [_paper])[0],
                confirmDuplicate = "两份同报",
                subAccount = pocket,
                lines = roster.Select(p => new { memberId = p.Id }),
            }
        );
        if (status == "ok")
        {
            Assert.All(roster, p => Assert.True(Eligible(p, v)));
            _applications.Add(
                new RefApplication(
                    v,
                    answer.As<FilingView>().Application.Id,
                    pocket,
                    [.. roster.Select(p => new RefLine(p.Id, _subsidies[v]))]
                )
            );
        }
        else if (status == "roster-invalid")
        {
            Assert.Contains(roster, p => !Eligible(p, v));
        }
        return status;
    }

    private List<RefPerson> Roster(int v)
    {
        var able = _people.Where(p => Eligible(p, v)).ToList();
        var some = able.OrderBy(_ => _random.Next()).Take(_random.Next(1, 6)).ToList();
        if (some.Count == 0 || Chance(15))
            some.Add(Pick(_people));
        return [.. some.Distinct()];
    }

    private bool Eligible(RefPerson p, int v) => p.Villages.Contains(v) && MayBePaid(p) && !Subsidised(p, v);

    /// <summary>He paid himself, or the government did and that is enough (L14), and nothing to catch up.</summary>
    private bool MayBePaid(RefPerson p) => Opens(p) && !p.CatchUp;

    private bool Opens(RefPerson p) => p.OwnYuan > 0 || (_governmentOpens && p.GovernmentYuan > 0);

    private async Task<string?> Review()
    {
        if (Some("filed") is not { } a)
            return null;
        var refuse = Chance(20) && a.In("filed").Count > 1 ? Pick(a.In("filed")) : null;
        var who = Chance(5) ? _villages[a.Village].Officer : _offices.Reviewer;
        var found = a.In("filed").Where(l => l != refuse && IsFound(l)).ToList();
        var answered = Chance(70) ? found : [];
        object Verdict(RefLine l, bool accepted) =>
            new
            {
                memberId = l.Member,
                accepted,
                reason = "x",
            };
        object[] refusal = refuse is null ? [] : [Verdict(refuse, false)];
        var (status, _) = await SendAsync(
            who,
            $"{a.Path}/review",
            new { acceptRest = true, verdicts = (object[])[.. refusal, .. answered.Select(l => Verdict(l, true))] }
        );
        Assert.True(status != "finding-open" || found.Count > answered.Count);
        if (status != "ok")
            return status;
        Assert.True(a.Status is "filed" or "reviewed" && who == _offices.Reviewer && found.Count == answered.Count);
        foreach (var l in answered)
            l.IsAnswered = true;
        if (refuse is not null)
            refuse.Status = "refused";
        foreach (var l in a.In("filed"))
            l.Status = "accepted";
        a.Status = "reviewed";
        return status;
    }

    private async Task<string?> Return()
    {
        if (Some("filed", "reviewed") is not { } a || !Chance(40))
            return null;
        var (status, _) = await SendAsync(_offices.Reviewer, $"{a.Path}/return", new { reason = "x" });
        if (status != "ok")
            return status;
        Assert.True(a.Status is "filed" or "reviewed");
        a.Status = "returned";
        return status;
    }

    private async Task<string?> Resubmit()
    {
        if (Some("returned") is not { } a)
            return null;
        var roster = Roster(a.Village);
        var (status, _) = await SendAsync(
            _villages[a.Village].Officer,
            $"{a.Path}/resubmission",
            new
            {
                seal = Own(a.Village, [_paper])[0],
                confirmDuplicate = "两份同报",
                lines = roster.Select(p => new { memberId = p.Id }),
            }
        );
        if (status != "ok")
            return status;
        Assert.True(a.Status == "returned" && roster.All(p => Eligible(p, a.Village)));
        (a.Status, a.Lines) = ("filed", [.. roster.Select(p => new RefLine(p.Id, _subsidies[a.Village]))]);
        return status;
    }

    private async Task<string?> Reject()
    {
        if (Some("filed", "reviewed") is not { } a || !Chance(30))
            return null;
        var (status, _) = await SendAsync(_offices.Approver, $"{a.Path}/rejection", new { reason = "x" });
        if (status != "ok")
            return status;
        Assert.True(a.Status is "filed" or "reviewed");
        a.Status = "rejected";
        return status;
    }

    private async Task<string?> Approve()
    {
        if (Some("reviewed") is not { } a)
            return null;
        var who = Chance(5) ? _offices.Reviewer : _offices.Approver;
        // Whoever may get nothing any more is left out; with nobody left it is refused.
        var lines = a.In("accepted").Where(l => Eligible(_people.Single(p => p.Id == l.Member), a.Village)).ToList();
        var total = lines.Sum(l => l.Fen);
        var fund = _funds[a.Village];
        var fits = fund.Pockets.GetValueOrDefault(a.Pocket) >= total;
        var allowed = lines.All(l => Used(_people.Single(p => p.Id == l.Member)) + l.Fen <= CapFen);
        var explained = lines.All(l => !IsFound(l) || l.IsAnswered);
        var (status, _) = await SendAsync(who, $"{a.Path}/approval");
        Assert.True(
            (status == "ok")
                == (
                    a.Status == "reviewed"
                    && who == _offices.Approver
                    && lines.Count > 0
                    && fits
                    && allowed
                    && explained
                ),
            $"{status}: {a.Status}, money {fits}, people {allowed}, explained {explained}, {lines.Count} lines"
        );
        if (status != "ok")
            return status;
        fund.Pockets[a.Pocket] -= total;
        fund.Reserved += total;
        foreach (var l in a.In("accepted"))
            l.Status = lines.Contains(l) ? "approved" : "refused";
        Opened(lines);
        a.Status = "approved";
        return status;
    }

    private void Opened(IEnumerable<RefLine> lines)
    {
        foreach (var l in lines)
            l.OnGovernmentPaid = _people.Single(p => p.Id == l.Member).OwnYuan == 0;
    }

    private async Task<string?> Notice()
    {
        if (Some("approved") is not { } a)
            return null;
        var (status, _) = await SendAsync(_villages[a.Village].Officer, $"{a.Path}/notice", new { place = "x" });
        Assert.Equal(a.Status == "approved", status == "ok");
        if (status == "ok")
            (a.Status, a.NoticeUntil) = ("noticed", _api.Today.AddDays(1));
        return status;
    }

    private async Task<string?> Object()
    {
        if (Some("noticed") is not { } a || !Chance(30))
            return null;
        var line = a.In("approved") is { Count: > 0 } some ? Pick(some).Member : null;
        var (status, answer) = await SendAsync(
            _villages[a.Village].Officer,
            $"{a.Path}/objections",
            new { memberId = line, text = "x" }
        );
        Assert.Equal(a.Status == "noticed", status == "ok");
        if (status == "ok")
            a.OpenObjections.Add(answer.As<ApplicationView>().Objections.Last().ObjectionId);
        return status;
    }

    private async Task<string?> Answer()
    {
        if (_applications.FirstOrDefault(a => a.Status == "noticed" && a.OpenObjections.Count > 0) is not { } a)
            return null;
        var upheld = Chance(50);
        var objection = a.OpenObjections[0];
        var (status, answer) = await SendAsync(
            _offices.Township(_villages[a.Village].VillageCode[..9]),
            $"{a.Path}/objections/{objection}/answer",
            new { upheld, answer = "x" }
        );
        Assert.Equal("ok", status);
        a.OpenObjections.RemoveAt(0);
        var member = answer.As<ApplicationView>().Objections.Single(o => o.ObjectionId == objection).MemberId;
        if (upheld)
            Release(a, a.In("approved").Where(l => l.Member == member));
        if (upheld && a.In("approved").Count == 0)
            a.Status = "withdrawn";
        return status;
    }

    private bool IsFound(RefLine line) => _people.Single(p => p.Id == line.Member).IsFound;

    /// <summary>At the county's desk, whatever has become of the application.</summary>
    private async Task<string?> Complain()
    {
        if (_applications.Count == 0 || !Chance(30))
            return null;
        var a = Pick(_applications);
        var member = Chance(10) ? "member-x" : Pick(a.Lines).Member;
        var (status, answer) = await SendAsync(
            _offices.CountyHrss,
            $"{a.Path}/complaints",
            new { text = "x", memberId = member }
        );
        Assert.Equal(member == "member-x" ? "field-invalid" : "ok", status);
        if (status == "ok")
            a.Complaints[answer.As<ApplicationView>().Complaints.Last().ComplaintId] = "township";
        return status;
    }

    private async Task<string?> AnswerComplaint()
    {
        var (a, complaint, at) = SomeComplaint();
        if (a is null)
            return null;
        var who =
            Chance(10) ? _offices.CountyHrss
            : at == "county" ? _offices.Agriculture
            : _offices.Township(_villages[a.Village].VillageCode[..9]);
        var (status, _) = await SendAsync(
            who,
            $"{a.Path}/complaints/{complaint}/answer",
            new { upheld = true, answer = "x" }
        );
        // Whose turn it is, and not who took the complaint.
        var expected =
            at == "township" && who.Actor.Role == Roles.Township || at == "county" && who == _offices.Agriculture ? "ok"
            : at == "county" && who == _offices.CountyHrss ? "self-approval"
            : "wrong-state";
        Assert.Equal(expected, status);
        if (status == "ok")
            a.Complaints[complaint] = at == "county" ? "closed" : "answered";
        return status;
    }

    private async Task<string?> TakeToCounty()
    {
        var (a, complaint, at) = SomeComplaint();
        if (a is null || !Chance(50))
            return null;
        var (status, _) = await SendAsync(
            _offices.Reviewer,
            $"{a.Path}/complaints/{complaint}/escalation",
            new { reason = "x" }
        );
        // One that the township has had for thirty days goes there as well; a year of the test may be that long.
        Assert.True(status == "ok" ? at is "answered" or "township" : at is not "answered", $"{at}: {status}");
        if (status == "ok")
            a.Complaints[complaint] = "county";
        return status;
    }

    private (RefApplication? Application, string Complaint, string At) SomeComplaint()
    {
        if (_applications.Where(a => a.Complaints.Count > 0).ToList() is not { Count: > 0 } some)
            return (null, "", "");
        var picked = Pick(some);
        var (id, at) = Pick([.. picked.Complaints]);
        return (picked, id, at);
    }

    /// <summary>A pension in payment, or that it was none.</summary>
    private async Task<string?> CheckInsurance()
    {
        var person = _people.FirstOrDefault(p => p.IsFound) is { } found && Chance(50) ? found : Pick(_people);
        if (!Chance(25))
            return null;
        var (status, answer) = await SendAsync(
            _offices.Reviewer,
            "/api/insurance-checks/import",
            new
            {
                checks = new[]
                {
                    new
                    {
                        citizenId = person.Person.CitizenId,
                        finding = person.IsFound ? "none" : "pension-in-payment",
                        on = _api.Today,
                    },
                },
            }
        );
        Assert.Equal(("ok", 1), (status, answer.As<ImportView>().Imported));
        person.IsFound = !person.IsFound;
        return status;
    }

    private void Release(RefApplication a, IEnumerable<RefLine> lines)
    {
        foreach (var l in lines.ToList())
        {
            l.Status = "released";
            _funds[a.Village].Reserved -= l.Fen;
            _funds[a.Village].Pockets[a.Pocket] += l.Fen;
        }
    }

    private Task<string?> Wait()
    {
        if (!Chance(60))
            return Task.FromResult((string?)null);
        _api.Clock.Advance(TimeSpan.FromDays(1));
        return Task.FromResult((string?)"ok");
    }

    private async Task<string?> Pay()
    {
        if (Some("noticed", "paid") is not { } a)
            return null;
        var due = a.In("approved");
        var some = Chance(30) && due.Count > 1 ? due.Take(1).ToList() : null;
        var (right, purpose) = (!Chance(8), Chance(4) ? "road-repair" : "member-subsidy");
        var leftOut = (some ?? due).Where(l => !MayBePaid(_people.Single(p => p.Id == l.Member))).ToList();
        var paid = (some ?? due).Except(leftOut).Where(l => !IsFound(l) || l.IsAnswered).ToList();
        var total = paid.Sum(l => l.Fen);
        var (status, _) = await SendAsync(
            _villages[a.Village].Officer,
            $"{a.Path}/payment",
            new
            {
                amount = Yuan(right ? total : total + 1),
                purpose,
                bankReference = "NX",
                evidence = Own(a.Village, [_paper]),
                memberIds = some?.Select(l => l.Member),
                confirmDuplicate = "同一份凭证的另一笔",
            }
        );
        if (total > 0)
            Assert.Equal(
                a.Status is "noticed" or "paid"
                    && _api.Today > a.NoticeUntil
                    && a.OpenObjections.Count == 0
                    && !a.IsHeld
                    && right
                    && purpose == "member-subsidy",
                status == "ok"
            );
        if (status != "ok")
            return status;
        Assert.True(total > 0);
        Release(a, leftOut);
        foreach (var l in paid)
            l.Status = "paid";
        Opened(paid);
        _funds[a.Village].Reserved -= total;
        _funds[a.Village].InTransit += total;
        a.Status = "paid";
        return status;
    }

    private async Task<string?> Hold()
    {
        if (Some("approved", "noticed", "paid") is not { } a || !Chance(40))
            return null;
        var (status, _) = await SendAsync(_villages[a.Village].Committee, $"{a.Path}/hold", new { reason = "x" });
        Assert.Equal(
            a.Status is "approved" or "noticed" or "paid" && !a.IsHeld && a.In("approved").Count > 0,
            status == "ok"
        );
        a.IsHeld |= status == "ok";
        return status;
    }

    private async Task<string?> LiftHold()
    {
        if (
            (_applications.Where(a => a.IsHeld).ToList() is { Count: > 0 } held ? Pick(held) : Some("noticed"))
            is not { } a
        )
            return null;
        var (status, _) = await SendAsync(_villages[a.Village].Township, $"{a.Path}/hold/lift", new { reason = "x" });
        Assert.Equal(a.IsHeld, status == "ok");
        a.IsHeld = false;
        return status;
    }

    private async Task<string?> BankReturn()
    {
        if (Some("paid") is not { } a || a.Lines.Count == 0)
            return null;
        var line = a.In("paid") is { Count: > 0 } paid ? Pick(paid) : Pick(a.Lines);
        var (status, _) = await SendAsync(
            _villages[a.Village].Officer,
            $"{a.Path}/bank-returns",
            new
            {
                memberIds = new[] { line.Member },
                bankReference = "TH",
                reason = "x",
                evidence = Own(a.Village, [_paper]),
                confirmDuplicate = "同一份凭证的另一笔",
            }
        );
        Assert.Equal(a.Status == "paid" && line.Status == "paid", status == "ok");
        if (status != "ok")
            return status;
        line.Status = "approved";
        _funds[a.Village].InTransit -= line.Fen;
        _funds[a.Village].Reserved += line.Fen;
        return status;
    }

    private async Task<string?> Receipts()
    {
        if (Some("paid") is not { } a || a.Lines.Count == 0)
            return null;
        var lines = a.In("paid").Where(_ => Chance(70)).ToList();
        if (lines.Count == 0)
            lines = [Pick(a.Lines)];
        var off = Chance(15) ? 1 : 0;
        var csv =
            "姓名,身份证号,入账金额（元）,入账日期,回执编号\n"
            + string.Concat(
                lines.Select(
                    (l, i) =>
                        _people.Single(p => p.Id == l.Member).Person is var p
                            ? string.Create(
                                CultureInfo.InvariantCulture,
                                $"{p.Name},{p.CitizenId},{Yuan(l.Fen + off)},{_api.Today:yyyy-MM-dd},HZ"
                                    + $"{a.Path[^8..]}{i}\n"
                            )
                            : ""
                )
            );
        var (status, _) = await SendAsync(
            _offices.Reviewer,
            $"{a.Path}/receipts/import",
            SampleClient.Form(Encoding.UTF8.GetBytes(csv), "回执.csv")
        );
        Assert.Equal(a.Status == "paid" && off == 0 && lines.All(l => l.Status == "paid"), status == "ok");
        if (status != "ok")
            return status;
        foreach (var l in lines)
            l.Status = "credited";
        _funds[a.Village].InTransit -= lines.Sum(l => l.Fen);
        _funds[a.Village].Credited += lines.Sum(l => l.Fen);
        return status;
    }

    private async Task<string?> Refund()
    {
        if (Some("paid", "settled") is not { } a || a.Lines.Count == 0 || !Chance(60))
            return null;
        var line = Pick(a.Lines);
        var reason = Pick(["death", "catch-up-found", "double-subsidy", "left-collective", "voluntary-refusal"]);
        var (status, _) = await SendAsync(
            _offices.Reviewer,
            $"{a.Path}/refunds",
            new
            {
                memberId = line.Member,
                reason,
                bankReference = "TK",
                evidence = new[] { _paper },
                confirmDuplicate = "同一份凭证的另一笔",
            }
        );
        // L1: what was credited does not come back for a death.
        var comesBack = line.Status == "paid" || line.Status == "credited" && reason != "death" && !line.IsCleared;
        Assert.Equal(a.Status is "paid" or "settled" && comesBack, status == "ok");
        if (status != "ok")
            return status;
        if (line.Status == "paid")
            _funds[a.Village].InTransit -= line.Fen;
        else
            _funds[a.Village].Credited -= line.Fen;
        _funds[a.Village].Pockets[a.Pocket] += line.Fen;
        line.Status = "refunded";
        return status;
    }

    private async Task<string?> Clear()
    {
        if (Some("paid", "settled") is not { } a || a.Lines.Count == 0 || !Chance(40))
            return null;
        var line = Pick(a.Lines);
        var (status, _) = await SendAsync(
            _offices.Reviewer,
            $"/api/members/{line.Member}/years/{_villages[a.Village].Year}/clearances",
            new
            {
                applicationId = a.Id,
                reason = "employees-scheme",
                evidence = new[] { _paper },
            }
        );
        Assert.Equal(line is { Status: "credited", IsCleared: false }, status == "ok");
        line.IsCleared |= status == "ok";
        return status;
    }

    private async Task<string?> WithdrawLines()
    {
        if (Some("filed", "reviewed", "approved", "noticed", "paid") is not { } a || a.Lines.Count == 0 || !Chance(40))
            return null;
        var line = Pick(a.Lines);
        var (status, _) = await SendAsync(
            _villages[a.Village].Officer,
            $"{a.Path}/line-withdrawals",
            new { memberIds = new[] { line.Member }, reason = "x" }
        );
        Assert.Equal(
            a.Status is "filed" or "reviewed" or "approved" or "noticed" or "paid"
                && line.Status is "filed" or "accepted" or "approved",
            status == "ok"
        );
        if (status != "ok")
            return status;
        if (line.Status == "approved")
            Release(a, [line]);
        else
            line.Status = "withdrawn";
        if (a.Lines.All(l => l.Status is "refused" or "withdrawn" or "released"))
            a.Status = "withdrawn";
        return status;
    }

    private async Task<string?> Withdraw()
    {
        if (Some("filed", "returned", "reviewed", "approved", "noticed") is not { } a || !Chance(20))
            return null;
        var (status, _) = await SendAsync(_villages[a.Village].Officer, $"{a.Path}/withdrawal", new { reason = "x" });
        Assert.Equal(a.Status is "filed" or "returned" or "reviewed" or "approved" or "noticed", status == "ok");
        if (status != "ok")
            return status;
        Release(a, a.In("approved"));
        a.Status = "withdrawn";
        return status;
    }

    private async Task<string?> Settle()
    {
        if (Some("paid") is not { } a)
            return null;
        var (status, _) = await SendAsync(_offices.Approver, $"{a.Path}/settlement");
        Assert.Equal(a.Status == "paid" && a.In("paid").Count == 0 && a.In("approved").Count == 0, status == "ok");
        if (status == "ok")
            a.Status = "settled";
        return status;
    }

    /// <summary>A row of the tax office's file; its reference is new.</summary>
    private async Task<(string Status, string Reference)> TaxAsync(
        RefPerson p,
        string kind,
        int tier,
        int yuan,
        string entry = "",
        string of = ""
    )
    {
        var reference = $"T{++_taxRows:000000}";
        var row = new TaxRow(p.Person, tier, yuan, _api.Today, reference, kind, entry, of);
        var (status, _) = await SendAsync(
            _offices.Tax,
            $"/api/contributions/import?year={_villages[0].Year}",
            SampleClient.Form(SampleSheets.TaxRows(row), "缴费.xlsx")
        );
        return (status, reference);
    }

    /// <summary>Paid by the person, by the government for him (L14), or in one sum for past years (C5).</summary>
    private async Task<string?> Contribute()
    {
        if (!Chance(25))
            return null;
        var poor = _people.Where(p => !Opens(p)).ToList();
        var p = poor.Count > 0 && Chance(70) ? Pick(poor) : Pick(_people);
        var kind =
            Chance(12) ? Sheets.CatchUp
            : Chance(40) ? Sheets.GovernmentPaid
            : Sheets.Regular;
        var yuan = Pick([100, 300, 500]);
        var (status, reference) = await TaxAsync(p, kind, yuan, yuan);
        Assert.Equal("ok", status);
        p.Contributions.Add(new RefContribution(reference, kind, yuan));
        return status;
    }

    private (RefPerson Person, RefContribution Paid)? SomeContribution() =>
        _people.Where(p => p.Contributions.Count > 0).ToList() is { Count: > 0 } some && Pick(some) is var p
            ? (p, Pick(p.Contributions))
            : null;

    /// <summary>L15: of a record that stands, and as long as anything of it does.</summary>
    private async Task<string?> AdjustContribution()
    {
        if (!Chance(30) || SomeContribution() is not var (p, paid))
            return null;
        var yuan = Pick([100, 300, 500]);
        var (status, _) = await TaxAsync(p, paid.Kind, yuan, yuan, Sheets.Adjustment, paid.Reference);
        Assert.Equal(paid.Yuan > 0, status == "ok");
        if (status == "ok")
            paid.Yuan = yuan;
        return status;
    }

    private async Task<string?> RefundContribution()
    {
        if (!Chance(30) || SomeContribution() is not var (p, paid))
            return null;
        var yuan = Chance(60) && paid.Yuan > 0 ? (int)paid.Yuan : _random.Next(1, 500);
        var (status, _) = await TaxAsync(p, paid.Kind, 300, yuan, Sheets.Refund, paid.Reference);
        Assert.Equal(paid.Yuan > 0 && yuan <= paid.Yuan, status == "ok");
        if (status == "ok")
            paid.Yuan -= yuan;
        return status;
    }

    private async Task<string?> SwitchGovernmentPaid()
    {
        if (!Chance(10))
            return null;
        var policy = SampleClient.Node(SampleOffices.PolicyYear(_villages[0].Year, noticeDays: 1)).AsObject();
        policy["governmentPaidOpensSubsidy"] = !_governmentOpens;
        await _offices.AmendPolicyAsync(_villages[0].Year, policy, _api.Today);
        _governmentOpens = !_governmentOpens;
        return "ok";
    }

    private async Task<string?> AmendPlan()
    {
        if (!Chance(15))
            return null;
        var v = _random.Next(Villages);
        var (status, _) = await SendAsync(
            _villages[v].Officer,
            $"/api/plans/{_villages[v].PlanId}/amendments",
            new
            {
                reason = "x",
                source = "x",
                scope = "x",
                standard = SampleVillage.Flat(Yuan(_subsidies[v])),
            }
        );
        Assert.Equal("ok", status);
        _plans[v].Latest++;
        _plans[v].IsResolved = false;
        return status;
    }

    /// <summary>A meeting of any form, that decided or did not (L4), called as it has to be or not (L5).</summary>
    private async Task<string?> Meet()
    {
        var v = _random.Next(Villages);
        var plan = _plans[v];
        if (plan.Adopted == plan.Latest && !Chance(10))
            return null;
        var form = Pick([
            "all-villagers",
            "households",
            "representatives",
            "all-members",
            "member-representatives",
            "officials",
        ]);
        var eligible = Chance(80) ? _random.Next(25, 51) : _random.Next(1, 70);
        var present = _random.Next(eligible / 2, eligible + 1);
        var votes = _random.Next(present / 2, present + 1);
        var women = _random.Next(0, eligible + 1);
        // So many of the others are called that those who came can have come.
        var came = _random.Next(Math.Max(0, present - (eligible - women)), Math.Min(women, present) + 1);
        var (days, authorised) = (_random.Next(3, 20), Chance(70));
        var (status, _) = await SendAsync(
            _villages[v].Officer,
            $"/api/plans/{_villages[v].PlanId}/resolution",
            new
            {
                form,
                meetingDate = _api.Today,
                calledOn = _api.Today.AddDays(-days),
                eligible,
                attendance = present,
                votesFor = votes,
                votesAgainst = 0,
                women,
                womenPresent = came,
                minutes = Own(v, [_paper])[0],
                authorisation = authorised ? Own(v, [_paper])[0] : null,
            }
        );
        // Fifty are counted; of them half are of age, and a household has at most eight.
        var (least, decides) = form switch
        {
            "all-villagers" => (25, present * 2 > eligible && votes * 2 > present && days >= 10),
            "households" => (7, present * 3 >= eligible * 2 && votes * 2 > present && days >= 10),
            "representatives" => (
                1,
                present * 3 >= eligible * 2
                    && votes * 2 > present
                    && days >= 5
                    && authorised
                    && women > 0
                    && came * 3 >= women * 2
            ),
            "all-members" => (25, present * 3 >= eligible * 2 && votes * 3 >= eligible * 2 && days >= 10),
            "member-representatives" => (1, present * 3 >= eligible * 2 && votes * 3 >= eligible * 2),
            _ => (0, false),
        };
        Assert.True(
            (status == "ok") == (plan.Adopted != plan.Latest && eligible >= least && eligible <= 50 && decides),
            $"{status}: {form}, {present} of {eligible}, {votes} votes, {came} of {women} women, {days} days, "
                + $"authorised {authorised}"
        );
        plan.IsResolved |= status == "ok";
        return status == "ok" ? status : $"{status} {form}";
    }

    private async Task<string?> Adopt()
    {
        var v = _random.Next(Villages);
        var plan = _plans[v];
        if (plan.Adopted == plan.Latest && !Chance(10))
            return null;
        var (status, _) = await SendAsync(_villages[v].Officer, $"/api/plans/{_villages[v].PlanId}/adoption");
        Assert.Equal(plan.Adopted != plan.Latest && plan.IsResolved, status == "ok");
        if (status == "ok")
            plan.Adopted = plan.Latest;
        return status;
    }

    private async Task<string?> Sponsor()
    {
        if (!Chance(30))
            return null;
        var (p, fen) = (Pick(_people), _random.NextInt64(1, 400_000));
        var used = Used(p);
        var (status, answer) = await SendAsync(
            _offices.Reviewer,
            $"/api/members/{p.Id}/years/{_villages[0].Year}/sponsorships",
            new
            {
                donorId = _donor,
                amount = Yuan(fen),
                evidence = new[] { _paper },
            }
        );
        Assert.Equal(Opens(p) && used + fen <= CapFen, status == "ok");
        if (status == "ok")
            p.Sponsored[answer.As<MemberYearView>().Sponsorships.Last().SponsorshipId] = fen;
        return status;
    }

    private async Task<string?> Unsponsor()
    {
        if (_people.FirstOrDefault(p => p.Sponsored.Count > 0) is not { } p || !Chance(60))
            return null;
        var id = p.Sponsored.Keys.First();
        var (status, _) = await SendAsync(
            _offices.Reviewer,
            $"/api/members/{p.Id}/years/{_villages[0].Year}/sponsorships/{id}/reversal",
            new { reason = "x", evidence = new[] { _paper } }
        );
        Assert.Equal("ok", status);
        p.Sponsored.Remove(id);
        return status;
    }

    private async Task<string?> AskReversal()
    {
        if (_lots.Count == 0 || !Chance(40))
            return null;
        var i = _lots.Count - 1; // an older one is spent already, most of the time
        var lot = _lots[i];
        var township = _offices.Township(_villages[lot.Village].VillageCode[..9]);
        var (status, _) = await SendAsync(
            _villages[lot.Village].Officer,
            $"/api/funds/{_villages[lot.Village].FundId}/allocations/{lot.Id}/reversal",
            new { confirmBy = Chance(10) ? _villages[lot.Village].Officer.Actor.Id : township.Actor.Id, reason = "x" }
        );
        if (status == "ok")
            _lots[i] = lot with { ConfirmBy = township.Actor.Id };
        return status;
    }

    private async Task<string?> ConfirmReversal()
    {
        if (_lots.Count == 0)
            return null;
        var lot = _lots.LastOrDefault(l => l.ConfirmBy is not null) is { Id: not null } asked ? asked : _lots[^1];
        var (before, fund) = (await PocketsAsync(lot.Village), _funds[lot.Village]);
        var (status, _) = await SendAsync(
            _offices.Township(_villages[lot.Village].VillageCode[..9]),
            $"/api/funds/{_villages[lot.Village].FundId}/allocations/{lot.Id}/reversal/confirmation"
        );
        if (status != "ok")
            return status;
        Assert.NotNull(lot.ConfirmBy);
        var pocket = (await PocketsAsync(lot.Village)).Single(p => p.Value != before[p.Key]).Key;
        fund.Pockets[pocket] -= lot.Fen;
        fund.Returned += lot.Fen;
        _lots.Remove(lot);
        return status;
    }

    private async Task<Dictionary<string, long>> PocketsAsync(int village) =>
        (await _offices.Auditor.GetAsync<FundView>($"/api/funds/{_villages[village].FundId}")).SubAccounts.ToDictionary(
            s => s.Name,
            s => s.AvailableAmount.Fen
        );

    /// <summary>The rest of a sub-account: the officer asks, the township confirms.</summary>
    private async Task<string> ByTwoAsync(int v, string act)
    {
        var township = _offices.Township(_villages[v].VillageCode[..9]);
        var path = $"/api/funds/{_villages[v].FundId}/sub-accounts/{act}";
        var (status, _) = await SendAsync(
            _villages[v].Officer,
            path,
            act.EndsWith("release", StringComparison.Ordinal)
                ? (object)new { confirmBy = township.Actor.Id, evidence = Own(v, [_paper]) }
                : new
                {
                    confirmBy = township.Actor.Id,
                    reason = "x",
                    evidence = Own(v, [_paper]),
                }
        );
        return status == "ok" ? (await SendAsync(township, $"{path}/confirmation")).Status : status;
    }

    private async Task<string?> LiftEarmark()
    {
        if (!Chance(25))
            return null;
        var (v, pocket) = (_random.Next(Villages), $"year-{_villages[0].Year}");
        var status = await ByTwoAsync(v, $"{pocket}/earmark-release");
        Assert.True(_funds[v].Pockets.GetValueOrDefault(pocket) > 0 || status != "ok");
        if (status != "ok")
            return status;
        _funds[v].Pockets["general"] += _funds[v].Pockets[pocket];
        _funds[v].Pockets[pocket] = 0;
        return status;
    }

    private async Task<string?> ReturnSurplus()
    {
        if (!Chance(4))
            return null;
        var v = _random.Next(Villages);
        var status = await ByTwoAsync(v, "general/surplus-return");
        Assert.True(_funds[v].Pockets["general"] > 0 || status != "ok");
        if (status != "ok")
            return status;
        _funds[v].Returned += _funds[v].Pockets["general"];
        _funds[v].Pockets["general"] = 0;
        return status;
    }

    private RefHamlet? SomeHamlet() =>
        _hamlets.Where(h => !h.IsDissolved).ToList() is { Count: > 0 } living && Chance(90) ? Pick(living)
        : _hamlets.Count > 0 ? Pick(_hamlets)
        : null;

    /// <summary>Another collective, of somebody who belongs elsewhere too, with a plan and an empty fund.</summary>
    private async Task<string?> FoundHamlet()
    {
        if (_hamlets.Count(h => !h.IsDissolved) >= 3 || !Chance(20))
            return null;
        var number = _hamlets.Count + 1;
        var village = new SampleVillage(
            _offices,
            $"{_offices.County}009{number:000}",
            $"第{number}小村",
            1000 + number,
            _villages[0].Year
        );
        var hamlet = new RefHamlet(village, Pick(_people));
        await village.RegisterAsync();
        await village.SurveyAsync(50);
        await village.ImportMembersAsync([hamlet.Member.Person], _offices.Reviewer);
        await village.DraftAsync(SampleVillage.Flat(100));
        await village.ResolveAsync(_api.Today);
        await village.AdoptAsync();
        _hamlets.Add(hamlet);
        return "ok";
    }

    private async Task<string?> HamletAllocates()
    {
        if (SomeHamlet() is not { } h || !Chance(50))
            return null;
        var fen = _random.NextInt64(1, 100_000);
        var (status, _) = await SendAsync(
            h.Village.Officer,
            $"/api/funds/{h.Village.FundId}/allocations",
            new
            {
                amount = Yuan(fen),
                source = "collective-income",
                sourceName = "x",
                evidence = new[] { await h.Village.Officer.EvidenceAsync("paper") },
                confirmDuplicate = "同一份凭证的另一笔",
            }
        );
        Assert.Equal(!h.IsClosed, status == "ok");
        if (status == "ok")
            (h.In, h.Available) = (h.In + fen, h.Available + fen);
        return status;
    }

    private async Task<string?> HamletFiles()
    {
        if (SomeHamlet() is not { Open: null } h || !Chance(50))
            return null;
        var (status, answer) = await SendAsync(
            h.Village.Officer,
            "/api/applications",
            new
            {
                planId = h.Village.PlanId,
                seal = await h.Village.Officer.EvidenceAsync("paper"),
                confirmDuplicate = "两份同报",
                lines = new[] { new { memberId = h.Member.Id } },
            }
        );
        Assert.Equal(!h.IsDissolved && MayBePaid(h.Member), status == "ok");
        if (status == "ok")
            h.Open = answer.As<FilingView>().Application.Id;
        return status;
    }

    private async Task<string?> HamletWithdraws()
    {
        if (_hamlets.FirstOrDefault(h => h.Open is not null) is not { } h || !Chance(50))
            return null;
        var (status, _) = await SendAsync(
            h.Village.Officer,
            $"/api/applications/{h.Open}/withdrawal",
            new { reason = "x" }
        );
        Assert.Equal("ok", status);
        h.Open = null;
        return status;
    }

    private async Task<object> ReasonAsync(RefHamlet h) =>
        new { reason = "x", evidence = new[] { await h.Village.Officer.EvidenceAsync("paper") } };

    private async Task<string?> HamletReturnsSurplus()
    {
        if (SomeHamlet() is not { } h || !Chance(50))
            return null;
        var (path, township) = (
            $"/api/funds/{h.Village.FundId}/sub-accounts/general/surplus-return",
            h.Village.Offices.Township(h.Village.VillageCode[..9])
        );
        var (status, _) = await SendAsync(
            h.Village.Officer,
            path,
            new
            {
                confirmBy = township.Actor.Id,
                reason = "x",
                evidence = new[] { await h.Village.Officer.EvidenceAsync("paper") },
            }
        );
        if (status == "ok")
            (status, _) = await SendAsync(township, $"{path}/confirmation");
        Assert.Equal(h is { Available: > 0, Open: null }, status == "ok"); // nothing goes back while one is under way
        if (status == "ok")
            h.Available = 0;
        return status;
    }

    private async Task<string?> HamletClosesFund()
    {
        if (SomeHamlet() is not { } h || !Chance(50))
            return null;
        var (status, _) = await SendAsync(
            h.Village.Officer,
            $"/api/funds/{h.Village.FundId}/closure",
            await ReasonAsync(h)
        );
        Assert.Equal(h is { IsClosed: false, Available: 0 }, status == "ok");
        h.IsClosed |= status == "ok";
        return status;
    }

    /// <summary>L16: on its papers, when its fund is closed and nothing of it is open.</summary>
    private async Task<string?> DissolveHamlet()
    {
        if (SomeHamlet() is not { } h || !Chance(50))
            return null;
        var (hasReview, id) = (!Chance(10), h.Village.CollectiveId);
        object Paper(int daysAgo, string evidence) => new { on = _api.Today.AddDays(-daysAgo), evidence };
        var papers = new
        {
            decisions = new[]
            {
                new
                {
                    collectiveId = id,
                    number = "成决〔2026〕1号",
                    on = _api.Today.AddDays(-9),
                    evidence = await h.Village.Officer.EvidenceAsync($"decision of {id}"),
                },
            },
            review = hasReview ? Paper(6, await h.Village.Township.EvidenceAsync($"review of {id}")) : null,
            approval = new
            {
                number = "任政批〔2026〕7号",
                on = _api.Today.AddDays(-3),
                evidence = await _offices.Agriculture.EvidenceAsync($"approval of {id}"),
            },
            creditors = Paper(0, await _offices.Agriculture.EvidenceAsync($"notice to creditors of {id}")),
        };
        var (status, _) = await SendAsync(
            _offices.Agriculture,
            $"/api/collectives/{id}/dissolution",
            new { reason = "x", papers }
        );
        Assert.True(
            (status == "ok") == (hasReview && h is { IsDissolved: false, IsClosed: true, Open: null }),
            $"{status}: closed {h.IsClosed}, open {h.Open}, dissolved {h.IsDissolved}, review {hasReview}"
        );
        h.IsDissolved |= status == "ok";
        return status;
    }

    /// <summary>Somebody whose business it is not, or a neighbour, tries a step.</summary>
    private async Task<string?> WrongRole()
    {
        if (_applications.Count == 0)
            return null;
        var a = Pick(_applications);
        var (step, roles) = Pick<(string, string[])>([
            ("approval", ["agency"]),
            ("payment", ["village-finance"]),
            ("settlement", ["agency"]),
            ("refunds", ["agency"]),
            ("withdrawal", ["village-finance"]),
        ]);
        var who = Pick(_everybody);
        var isOwn = who.Actor.Role == "village-finance" && a.Village == 0;
        if (roles.Contains(who.Actor.Role) && (who.Actor.Role == "agency" || isOwn))
            return null;
        object body = step switch
        {
            "payment" => new
            {
                amount = 1,
                purpose = "member-subsidy",
                bankReference = "x",
            },
            "refunds" => new
            {
                memberId = "x",
                reason = "death",
                bankReference = "x",
            },
            _ => new { reason = "x" },
        };
        var (status, _) = await SendAsync(who, $"{a.Path}/{step}", body);
        Assert.True(status is "forbidden" or "not-found", $"{who.Actor.Role} {step}: {status}");
        return status;
    }

    /// <summary>Everything that the product holds against everything the model holds.</summary>
    private async Task CompareAsync(string after)
    {
        await using var connection = await _api.Database.OpenConnectionAsync();
        var funds = await connection.QueryAsync(
            """
            select id, (data ->> 'allocatedFen')::bigint, (data ->> 'availableFen')::bigint,
                   (data ->> 'reservedFen')::bigint, (data ->> 'inTransitFen')::bigint,
                   (data ->> 'creditedFen')::bigint, (data ->> 'returnedFen')::bigint from ledger.mt_doc_fund
            """,
            r => (Id: r.GetString(0), Fen: Enumerable.Range(1, 6).Select(r.GetInt64).ToArray())
        );
        foreach (var (fund, v) in _funds.Select((f, v) => (f, v)))
        {
            long[] expected =
            [
                fund.In,
                fund.Pockets.Values.Sum(),
                fund.Reserved,
                fund.InTransit,
                fund.Credited,
                fund.Returned,
            ];
            Assert.True(
                expected.SequenceEqual(funds.Single(f => f.Id == _villages[v].FundId).Fen),
                $"{after}: village {v} should hold {string.Join(' ', expected)} and holds "
                    + $"{string.Join(' ', funds.Single(f => f.Id == _villages[v].FundId).Fen)}"
            );
            Assert.True(
                fund.Pockets.Values.All(p => p >= 0) && fund.Reserved >= 0 && fund.InTransit >= 0 && fund.Credited >= 0,
                $"{after}: negative"
            );
            Assert.True(
                fund.In == fund.Pockets.Values.Sum() + fund.Reserved + fund.InTransit + fund.Credited + fund.Returned,
                $"{after}: not conserved"
            );
        }
        foreach (var h in _hamlets)
        {
            var fen = funds.Single(f => f.Id == h.Village.FundId).Fen;
            Assert.True(
                fen.SequenceEqual([h.In, h.Available, 0, 0, 0, h.In - h.Available]),
                $"{after}: {h.Village.FundId} should hold {h.Available} of {h.In} and has {string.Join(' ', fen)}"
            );
        }
        await ComparePeopleAsync(connection, after);
        await CompareCollectivesAsync(connection, after);
    }

    private async Task ComparePeopleAsync(Npgsql.NpgsqlConnection connection, string after)
    {
        var used = (
            await connection.QueryAsync(
                """
                select id,
                       coalesce((select sum((s ->> 'amountFen')::bigint)
                                   from jsonb_array_elements(data -> 'subsidies') s
                                  where s ->> 'status' in ('approved', 'paid', 'credited', 'cleared')), 0)
                         + coalesce((select sum((s ->> 'amountFen')::bigint)
                                       from jsonb_array_elements(data -> 'sponsorships') s), 0),
                       (select count(*)
                          from jsonb_array_elements(data -> 'subsidies') s
                         where s ->> 'status' in ('approved', 'paid', 'credited', 'cleared')
                           and (s ->> 'onGovernmentPaid')::boolean)
                  from ledger.mt_doc_memberyear
                """,
                r => (Id: r.GetString(0), Fen: (long)r.GetDecimal(1), OnGovernmentPaid: r.GetInt64(2))
            )
        ).ToDictionary(x => x.Id);
        foreach (var p in _people)
        {
            var (_, held, opened) = used.GetValueOrDefault(StreamId.MemberYear(p.Id, _villages[0].Year));
            Assert.True(held == Used(p) && held <= CapFen, $"{after}: {p.Id} uses {held}, should use {Used(p)}");
            Assert.True(
                opened
                    == _applications
                        .SelectMany(a => a.Lines)
                        .Count(l => l.Member == p.Id && l.Held && l.OnGovernmentPaid),
                $"{after}: of {p.Id} the government's payment opened {opened}"
            );
        }
    }

    /// <summary>Which plans are in force, and which collectives there are.</summary>
    private async Task CompareCollectivesAsync(Npgsql.NpgsqlConnection connection, string after)
    {
        var adopted = (
            await connection.QueryAsync(
                "select id, (data ->> 'adoptedVersion')::int from ledger.mt_doc_plan",
                r => (Id: r.GetString(0), Version: r.GetInt32(1))
            )
        ).ToDictionary(p => p.Id, p => p.Version);
        for (var v = 0; v < Villages; v++)
            Assert.True(
                adopted[_villages[v].PlanId] == _plans[v].Adopted,
                $"{after}: of village {v} version {_plans[v].Adopted} is in force, not {adopted[_villages[v].PlanId]}"
            );
        var gone = await connection.QueryAsync(
            "select id from ledger.mt_doc_collective where data ->> 'dissolvedOn' is not null",
            r => r.GetString(0)
        );
        Assert.True(
            gone.Order().SequenceEqual(_hamlets.Where(h => h.IsDissolved).Select(h => h.Village.CollectiveId).Order()),
            $"{after}: dissolved are {string.Join(' ', gone)}"
        );
    }
}

internal static class ServiceLookup
{
    public static T GetRequired<T>(this IServiceProvider services)
        where T : notnull => (T)services.GetService(typeof(T))!;
}
