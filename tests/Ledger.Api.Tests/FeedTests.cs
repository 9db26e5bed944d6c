using System.Diagnostics;
using System.Net.ServerSentEvents;
using System.Text.Json;
using Ledger.Api.Feeds;

namespace Ledger.Api.Tests;

/// <summary>
/// The feed of events: the log's order, a page at a time, waited for, or as a stream; each in its scope.
/// </summary>
[Collection("api")]
public sealed class FeedTests(ApiFixture api)
{
    private static async Task<List<FeedEntry>> AllAsync(SampleClient who, string query, int limit)
    {
        var all = new List<FeedEntry>();
        for (var after = -1L; ; )
        {
            var page = await who.GetAsync<FeedPage>($"/api/feed?after={after}&limit={limit}{query}");
            Assert.True(page.Next >= after && page.Entries.Count <= limit);
            all.AddRange(page.Entries);
            after = page.Next;
            if (page.IsHead)
                return all;
        }
    }

    [Fact]
    public async Task Every_event_of_the_scope_is_told_once_in_the_log_s_order_as_the_trail_tells_it()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        var auditor = village.Offices.Auditor;
        var trail = (await auditor.GetAsync<AuditPage>("/api/audit/events?limit=1000")).Entries;
        List<FeedEntry> fed = [];
        await ApiFixture.EventuallyAsync(
            async () => (fed = await AllAsync(auditor, "", 7)).Count >= trail.Count,
            "the feed has come as far"
        );
        Assert.Equal(fed.Select(f => f.Position).Order().Distinct(), fed.Select(f => f.Position));
        Assert.Equal(trail.Select(e => e.EventId).Order(), fed.Select(f => f.Event.EventId).Order());
        Assert.Equal(
            JsonSerializer.Serialize(trail.OrderBy(e => e.Sequence), SampleClient.Answers),
            JsonSerializer.Serialize(fed.Select(f => f.Event).OrderBy(e => e.Sequence), SampleClient.Answers)
        );
        var some = await AllAsync(auditor, "&types=funds_allocated,application_filed", 100);
        Assert.Equal(["application_filed", "funds_allocated"], some.Select(f => f.Event.Type).Distinct().Order());
        var own = await AllAsync(village.Officer, "", 1000);
        Assert.All(own, f => Assert.StartsWith(village.VillageCode, f.Event.Region, StringComparison.Ordinal));
        Assert.NotEmpty(own);
        var (other, _) = await api.ReadyToFileAsync(1);
        Assert.Empty(await AllAsync(other.Offices.Auditor, $"&region={village.VillageCode}", 1000));
        await api.Host.RefusedAsync("forbidden", village.Offices.Administrator, HttpMethod.Get, "/api/feed");
        foreach (
            var wrong in (string[])
                [
                    "limit=0",
                    "limit=1001",
                    "wait=31",
                    "after=-2",
                    "after=999999999",
                    "types=nosuch",
                    "region=37081",
                    "afterr=1",
                ]
        )
            await api.Host.RefusedAsync("field-invalid", auditor, HttpMethod.Get, $"/api/feed?{wrong}");
    }

    [Fact]
    public async Task Whoever_waits_is_told_at_once_and_whoever_waits_in_vain_is_told_how_far_it_has_come()
    {
        var village = await api.RegisteredAsync();
        var auditor = village.Offices.Auditor;
        await village.AllocateAsync(11);
        var first = await auditor.GetAsync<FeedPage>("/api/feed?wait=30&types=funds_allocated");
        var at = Assert.Single(first.Entries).Position;
        var since = Stopwatch.StartNew();
        var nothing = await auditor.GetAsync<FeedPage>($"/api/feed?after={at}&wait=1&types=funds_allocated");
        Assert.Empty(nothing.Entries);
        Assert.InRange(since.Elapsed.TotalSeconds, 0.9, 20);
        var waiting = auditor.GetAsync<FeedPage>($"/api/feed?after={at}&wait=30&types=funds_allocated");
        await village.AllocateAsync(12);
        Assert.Equal(12, Assert.Single((await waiting).Entries).Event.Amount!.Value.Yuan);
    }

    [Fact]
    public async Task As_a_stream_it_goes_on_from_the_last_that_was_taken_in()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1);
        await village.AllocateAsync(2);
        await village.AllocateAsync(3);
        List<FeedEntry> all = [];
        await ApiFixture.EventuallyAsync(
            async () => (all = await AllAsync(village.Offices.Auditor, "&types=funds_allocated", 100)).Count == 3,
            "all are in the log"
        );
        using var request = village.Offices.Auditor.Request(HttpMethod.Get, "/api/feed?types=funds_allocated", null);
        request.Headers.Accept.ParseAdd("text/event-stream");
        request.Headers.Add("Last-Event-ID", $"{all[0].Position}");
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        using var answer = await api.Http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, patience.Token);
        Assert.Equal("text/event-stream", answer.Content.Headers.ContentType?.MediaType);
        var came = new List<(string? Id, string Type)>();
        await using var stream = await answer.Content.ReadAsStreamAsync(patience.Token);
        await foreach (var e in SseParser.Create(stream).EnumerateAsync(patience.Token))
        {
            if (e.EventType == "head")
                continue;
            came.Add((e.EventId, e.EventType));
            if (came.Count == 2)
                await village.AllocateAsync(4); // while it is open
            if (came.Count == 3)
                break;
        }
        Assert.Equal(all.Skip(1).Select(e => $"{e.Position}"), came.Take(2).Select(c => c.Id));
        Assert.All(came, c => Assert.Equal("funds_allocated", c.Type));
    }
}
