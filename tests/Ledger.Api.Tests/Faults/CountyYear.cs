using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// A county's year at high speed: villages that go from registration to settlement, side by side, and clerks who post
/// allocations, try what is not allowed, and look. The seed says what they do; when they do it is the machine's affair.
/// </summary>
public sealed class CountyYear
{
    public const int Villages = 4,
        People = 10;
    private const int Clerks = 6,
        AtLeast = 50,
        AtMost = 2_000;
    public const string County = "370811";

    private readonly Machine _machine;
    private readonly Journal _journal;
    private readonly int _seed;
    private readonly string _receiver;
    private readonly Tokens _tokens;
    private readonly HttpMessageInvoker _wire = new(
        new SocketsHttpHandler { PooledConnectionIdleTimeout = TimeSpan.FromSeconds(5) }
    );
    private readonly DateOnly _today;
    private int _clients;

    /// <param name="receiver">Another system that is sent what happens in the county.</param>
    public CountyYear(Machine machine, int seed, Journal journal, string receiver)
    {
        (_machine, _seed, _journal, _receiver) = (machine, seed, journal, receiver);
        // Good for hours before and after: a token is not what this is about.
        _tokens = new Tokens(KeyFile.LoadOrCreate(machine.KeyFile), new Earlier(machine, TimeSpan.FromHours(5)));
        _today = Clock.Day(machine.Now);
        Auditor = Client(new Actor("auditor.3708", Roles.Auditor, "3708"), givesUp: false);
    }

    public SampleClient Auditor { get; }

    /// <summary>Noon in a year that does not end within weeks: a jump of hours stays within the day.</summary>
    public static TimeSpan Offset(DateTimeOffset now)
    {
        var china = Clock.China(now).DateTime;
        var day = china.Date;
        if (day.AddDays(20).Year != day.Year || day.AddDays(-5).Year != day.Year)
            day = day.AddDays(-40);
        return day.AddHours(12) - china;
    }

    private SampleClient Client(Actor actor, bool givesUp)
    {
        var number = Interlocked.Increment(ref _clients);
        return new SampleClient(
            new HttpClient(
                new CarefulClient(
                    _wire,
                    _machine.Node,
                    actor.Id,
                    () => _tokens.Issue(actor, TimeSpan.FromHours(12)),
                    _journal,
                    HashCode.Combine(_seed, number),
                    givesUp
                )
            )
            {
                BaseAddress = new Uri("http://ledger/"),
                Timeout = Timeout.InfiniteTimeSpan,
            },
            _tokens,
            actor,
            $"{_seed}-{number}"
        );
    }

    /// <param name="firstFault">Over: the notice period passes after that, so that faults meet both halves of the
    /// year.</param>
    /// <param name="faults">All over: the clerks go on until then.</param>
    public async Task RunAsync(Task firstFault, Task faults)
    {
        var offices = new SampleOffices(actor => Client(actor, givesUp: false), County);
        await offices.PublishPolicyAsync(_today.Year);
        await offices.OpenPilotAsync();
        var subscription = await offices.Administrator.PostAsync(
            "/api/subscriptions",
            new { name = "大数据平台", address = _receiver }
        );
        await offices.CountyHrss.PostAsync($"/api/subscriptions/{subscription.Id()}/confirmation");
        var villages = Enumerable
            .Range(1, Villages)
            .Select(i =>
                (
                    Village: new SampleVillage(
                        new SampleOffices(actor => Client(actor, givesUp: false), County),
                        $"{County}{i:000000}",
                        $"第{i}村股份经济合作社",
                        i,
                        _today.Year
                    ),
                    People: new SamplePeople(i).Take(People, $"{370811 + i}")
                )
            )
            .ToList();
        foreach (var (village, _) in villages)
            await village.RegisterAsync();
        async Task VillagesAsync()
        {
            await Task.WhenAll(villages.Select(v => UntilNoticeAsync(v.Village, v.People)));
            await firstFault;
            _machine.Pass(TimeSpan.FromDays(8));
            await Task.WhenAll(villages.Select(v => UntilSettledAsync(v.Village, v.People)));
        }
        var told = VillagesAsync();
        await Task.WhenAll(
            Enumerable
                .Range(0, Clerks)
                .Select(clerk => ClerkAsync(clerk, villages.ConvertAll(v => v.Village), Task.WhenAll(told, faults)))
                .Append(told)
        );
    }

    private async Task UntilNoticeAsync(SampleVillage village, IReadOnlyList<SamplePerson> people)
    {
        await village.AllocateAsync(People * 100);
        await village.PrepareAsync(people, 100, _today);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
    }

    private async Task UntilSettledAsync(SampleVillage village, IReadOnlyList<SamplePerson> people)
    {
        await village.PayAsync(People * 100);
        await village.ImportReceiptsAsync(people.Select(p => (p, new Money(100_00))), _today.AddDays(8));
        await village.SettleAsync();
    }

    private async Task ClerkAsync(int clerk, List<SampleVillage> villages, Task until)
    {
        var random = new Random(HashCode.Combine(_seed, clerk));
        var clients = villages.ConvertAll(v => Client(v.Officer.Actor, givesUp: true));
        var reviewer = Client(villages[0].Offices.Reviewer.Actor, givesUp: true);
        var slips = new string[villages.Count];
        for (var i = 0; i < villages.Count; i++)
            slips[i] = await villages[i].Officer.EvidenceAsync($"slip {i}");
        for (var i = 0; i < AtLeast || (!until.IsCompleted && i < AtMost); i++)
        {
            await Task.Delay(random.Next(50));
            var at = random.Next(villages.Count);
            object Allocation(object amount, params string[] evidence) =>
                new
                {
                    amount,
                    source = "collective-income",
                    sourceName = "租金",
                    evidence,
                    confirmDuplicate = "同一回单的另一笔",
                };
            var amount = random.Next(1, 500_000) / 100m;
            using var answer = await (
                random.Next(100) switch
                {
                    < 60 => PostAsync(
                        clients[at],
                        $"/api/funds/{villages[at].FundId}/allocations",
                        Allocation(amount, slips[at])
                    ),
                    < 68 => PostAsync(
                        clients[at],
                        $"/api/funds/{villages[at].FundId}/allocations",
                        Allocation(0.005m, slips[at])
                    ),
                    < 76 => PostAsync(clients[at], $"/api/funds/{villages[at].FundId}/allocations", Allocation(amount)),
                    < 84 => PostAsync(
                        clients[at],
                        $"/api/funds/{villages[(at + 1) % villages.Count].FundId}/allocations",
                        Allocation(amount, slips[at])
                    ),
                    < 88 => PostAsync(reviewer, "/api/applications/application-none/approval", new { }),
                    < 92 => PostAsync(clients[at], $"/api/plans/plan-none-{at}/adoption", new { }),
                    _ => clients[at].SendAsync(HttpMethod.Get, $"/api/funds/{villages[at].FundId}", null),
                }
            );
        }
    }

    private static Task<HttpResponseMessage> PostAsync(SampleClient client, string path, object body) =>
        client.SendAsync(HttpMethod.Post, path, SampleClient.Json(body));

    private sealed class Earlier(Machine machine, TimeSpan by) : TimeProvider
    {
        public override DateTimeOffset GetUtcNow() => machine.Now - by;
    }
}
