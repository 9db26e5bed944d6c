using System.Globalization;
using System.Text;
using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Xunit.Abstractions;

namespace Ledger.Api.Tests;

/// <summary>
/// A seeded random year of one county: thousands of commands over HTTP, valid and invalid, by every role. After each,
/// what the product holds is compared with a reference model that shares no code with it: long integers and lists.
/// LEDGER_RANDOM_COMMANDS asks for a longer year.
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
    private const int Seed = 20260101;

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

    private sealed class RefPerson(string id, SamplePerson person, int[] villages)
    {
        public readonly string Id = id;
        public readonly SamplePerson Person = person;
        public readonly int[] Villages = villages;
        public bool Regular = true,
            CatchUp,
            IsFound;
        public readonly Dictionary<string, long> Sponsored = [];
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
            // In so busy a year something is always under way: a surplus goes back in WayBackTests.
            string[] refused = ["wrong role", "return surplus"];
            foreach (var move in Moves().Select(m => m.Item1).Distinct().Except(refused))
                Assert.True(
                    _seen.Keys.Any(k => k == $"{move} ok"),
                    $"{move} never succeeded: "
                        + string.Join(", ", _seen.Where(s => s.Key.StartsWith(move, StringComparison.Ordinal)))
                );
            Assert.Contains("approve cap-exceeded", _seen.Keys);
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
            SampleSheets.Contributions(persons.Take(People - 5).Select(p => (p, 300, false)), _api.Today, "SW"),
            "缴费.xlsx"
        );
        var ids = await _api
            .Host.Services.GetRequired<PersonalData>()
            .FindAsync(
                await _api.Database.OpenConnectionAsync(),
                persons.Select(p => CitizenId.Parse(p.CitizenId, out _))
            );
        for (var i = 0; i < People; i++)
            _people.Add(
                new RefPerson(ids[CitizenId.Parse(persons[i].CitizenId, out _)], persons[i], Belongs(i))
                {
                    Regular = i < People - 5,
                }
            );
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
            ("catch-up found", CatchUp),
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

    private bool Eligible(RefPerson p, int v) => p.Villages.Contains(v) && p.Regular && !p.CatchUp && !Subsidised(p, v);

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
        a.Status = "approved";
        return status;
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
        var leftOut = (some ?? due).Where(l => _people.Single(p => p.Id == l.Member).CatchUp).ToList();
        var paid = (some ?? due).Except(leftOut).ToList();
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

    private async Task<string?> CatchUp()
    {
        if (!Chance(8))
            return null;
        var p = Pick(_people);
        var sheet = SampleSheets.Contributions([(p.Person, 300, true)], _api.Today, $"CU{_seen.Values.Sum()}-");
        var (status, _) = await SendAsync(
            _offices.Tax,
            $"/api/contributions/import?year={_villages[0].Year}",
            SampleClient.Form(sheet, "缴费.xlsx")
        );
        if (status == "ok")
            p.CatchUp = true;
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
        Assert.Equal(p.Regular && used + fen <= CapFen, status == "ok");
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
        if (!Chance(10))
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
        var used = (
            await connection.QueryAsync(
                """
                select id,
                       coalesce((select sum((s ->> 'amountFen')::bigint)
                                   from jsonb_array_elements(data -> 'subsidies') s
                                  where s ->> 'status' in ('approved', 'paid', 'credited', 'cleared')), 0)
                         + coalesce((select sum((s ->> 'amountFen')::bigint)
                                       from jsonb_array_elements(data -> 'sponsorships') s), 0)
                  from ledger.mt_doc_memberyear
                """,
                r => (r.GetString(0), (long)r.GetDecimal(1))
            )
        ).ToDictionary(x => x.Item1, x => x.Item2);
        foreach (var p in _people)
        {
            var held = used.GetValueOrDefault(StreamId.MemberYear(p.Id, _villages[0].Year));
            Assert.True(held == Used(p) && held <= CapFen, $"{after}: {p.Id} uses {held}, should use {Used(p)}");
        }
    }
}

internal static class ServiceLookup
{
    public static T GetRequired<T>(this IServiceProvider services)
        where T : notnull => (T)services.GetService(typeof(T))!;
}
