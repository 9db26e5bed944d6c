using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net.Http.Headers;
using System.Text;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain;

namespace Ledger.Bench;

/// <summary>
/// Clients that post allocations over HTTP, each waiting for its answer: into many funds, or all into one.
/// </summary>
public sealed class Postings
{
    private readonly HttpClient _http;
    private readonly List<(string Path, byte[] Body, AuthenticationHeaderValue By)> _funds = [];

    private Postings(HttpClient http) => _http = http;

    /// <summary>
    /// Registers <paramref name="funds"/> villages with a fund each; <paramref name="first"/>: the number of the first;
    /// <paramref name="asks"/>: whether this build asks about one slip that is booked again.
    /// </summary>
    public static async Task<Postings> SetUpAsync(
        HttpClient http,
        Tokens tokens,
        SampleOffices offices,
        int funds,
        int first = 1,
        bool asks = true
    )
    {
        var postings = new Postings(http);
        for (var i = first; i < first + funds; i++)
        {
            var village = new SampleVillage(
                offices,
                $"{SampleStory.County}{i:000000}",
                $"第{i}村股份经济合作社",
                i,
                Clock.Day(DateTimeOffset.UtcNow).Year
            );
            await village.RegisterAsync();
            var slip = await village.Officer.EvidenceAsync($"slip {i}");
            var confirmed = asks ? ",\"confirmDuplicate\":\"负载\"" : "";
            postings._funds.Add(
                (
                    $"/api/funds/{village.FundId}/allocations",
                    Encoding.UTF8.GetBytes(
                        $$"""
                        {"amount":12.34,"source":"collective-income","sourceName":"土地流转收入",
                         "evidence":["{{slip}}"]{{confirmed}}}
                        """
                    ),
                    new AuthenticationHeaderValue("Bearer", tokens.Issue(village.Officer.Actor, TimeSpan.FromHours(12)))
                )
            );
        }
        return postings;
    }

    /// <summary>The same funds, through another node.</summary>
    public Postings At(HttpClient other)
    {
        var there = new Postings(other);
        there._funds.AddRange(_funds);
        return there;
    }

    /// <summary>Postings per second and the latencies in milliseconds, sorted.</summary>
    public Task<Rate> RunAsync(int clients, TimeSpan time, bool hot = false) =>
        Rate.OfAsync(clients, time, random => OnceAsync(random, hot));

    /// <summary>What clients post while something else is done.</summary>
    public async Task<Rate> WhileAsync(int clients, Func<Task> act)
    {
        using var over = new CancellationTokenSource();
        var posting = Rate.UntilAsync(clients, over.Token, random => OnceAsync(random));
        await act();
        await over.CancelAsync();
        return await posting;
    }

    public async Task OnceAsync(Random random, bool hot = false)
    {
        var (path, body, by) = _funds[hot ? 0 : random.Next(_funds.Count)];
        using var request = new HttpRequestMessage(HttpMethod.Post, path)
        {
            Content = new ByteArrayContent(body)
            {
                Headers = { ContentType = new MediaTypeHeaderValue("application/json") },
            },
        };
        request.Headers.Authorization = by;
        request.Headers.Add(IdempotencyKey.Header, $"{Guid.NewGuid():N}");
        using var response = await _http.SendAsync(request);
        if (!response.IsSuccessStatusCode)
            throw new InvalidOperationException($"{path}: {await response.Content.ReadAsStringAsync()}");
    }

    /// <summary>Requests per second, each of <paramref name="commands"/> commands into a client's own fund.</summary>
    public Task<Rate> RunInBatchesAsync(int clients, int commands, TimeSpan time) =>
        Rate.OfAsync(clients, time, random => BatchAsync(random, commands));

    private async Task BatchAsync(Random random, int commands)
    {
        var (path, body, by) = _funds[random.Next(_funds.Count)];
        var one = Encoding.UTF8.GetString(body);
        var all = Enumerable
            .Range(0, commands)
            .Select(_ => $$"""{"key":"{{Guid.NewGuid():N}}","method":"POST","path":"{{path}}","body":{{one}}}""");
        using var request = new HttpRequestMessage(HttpMethod.Post, "/api/batch")
        {
            Content = new StringContent(
                $$"""{"commands":[{{string.Join(',', all)}}]}""",
                Encoding.UTF8,
                "application/json"
            ),
        };
        request.Headers.Authorization = by;
        using var response = await _http.SendAsync(request);
        var said = await response.Content.ReadAsStringAsync();
        if (!response.IsSuccessStatusCode || !said.Contains($"\"done\":{commands},", StringComparison.Ordinal))
            throw new InvalidOperationException($"/api/batch: {said[..Math.Min(said.Length, 1_000)]}");
    }

    /// <summary>
    /// What the others do meanwhile: a fund's balances, its last events, the agency's queue. The last two wait for the
    /// projections.
    /// </summary>
    public Func<Random, Task> Reading(SampleOffices offices) =>
        random =>
        {
            var fund = _funds[random.Next(_funds.Count)].Path.Split('/')[3];
            return random.Next(3) switch
            {
                0 => offices.CountyHrss.GetAsync($"/api/funds/{fund}"),
                1 => offices.Auditor.GetAsync($"/api/audit/events?id={fund}"),
                _ => offices.Reviewer.GetAsync("/api/applications?waitingForMe=true"),
            };
        };
}

/// <summary>What a number of clients did in a time.</summary>
public sealed record Rate(double PerSecond, IReadOnlyList<double> Milliseconds)
{
    public double Median => Milliseconds[Milliseconds.Count / 2];
    public double P99 => Statistics.P99(Milliseconds);

    public static Task<Rate> OfAsync(int clients, TimeSpan time, Func<Random, Task> once) =>
        OfAsync(clients, time, () => 0, (_, random) => once(random));

    public static async Task<Rate> OfAsync<T>(int clients, TimeSpan time, Func<T> open, Func<T, Random, Task> once)
    {
        using var over = new CancellationTokenSource(time);
        return await UntilAsync(clients, over.Token, open, once);
    }

    /// <summary>
    /// As many a second, whether or not the ones before are answered: a slow answer makes the next ones late, and that
    /// counts.
    /// </summary>
    public static async Task<Rate> PacedAsync(double perSecond, TimeSpan time, Func<Random, Task> once)
    {
        var (all, watch) = (new ConcurrentBag<double>(), Stopwatch.StartNew());
        var under = new List<Task>();
        for (var sent = 0; ; sent++)
        {
            var due = TimeSpan.FromSeconds(sent / perSecond);
            if (due > time)
                break;
            if (due - watch.Elapsed is { Ticks: > 0 } early)
                await Task.Delay(early);
            under.Add(OneAsync(new Random(sent), due));
        }
        await Task.WhenAll(under);
        return new Rate(all.Count / watch.Elapsed.TotalSeconds, [.. all.Order()]);

        async Task OneAsync(Random random, TimeSpan due)
        {
            await once(random);
            all.Add((watch.Elapsed - due).TotalMilliseconds);
        }
    }

    public static Task<Rate> UntilAsync(int clients, CancellationToken over, Func<Random, Task> once) =>
        UntilAsync(clients, over, () => 0, (_, random) => once(random));

    /// <param name="open">What each client works with.</param>
    private static async Task<Rate> UntilAsync<T>(
        int clients,
        CancellationToken over,
        Func<T> open,
        Func<T, Random, Task> once
    )
    {
        var all = new ConcurrentBag<List<double>>();
        var watch = Stopwatch.StartNew();
        await Task.WhenAll(
            Enumerable
                .Range(0, clients)
                .Select(async client =>
                {
                    var (random, own, with) = (new Random(client), new List<double>(), open());
                    all.Add(own);
                    await Task.Yield();
                    while (!over.IsCancellationRequested)
                    {
                        var before = watch.Elapsed;
                        await once(with, random);
                        own.Add((watch.Elapsed - before).TotalMilliseconds);
                    }
                })
        );
        var elapsed = watch.Elapsed;
        var sorted = all.SelectMany(l => l).Order().ToList();
        return new Rate(sorted.Count / elapsed.TotalSeconds, sorted);
    }
}
