using System.Collections.Concurrent;
using System.Diagnostics;

namespace Ledger.Api.Tests;

/// <summary>How many statements a page sends to the database: each is a round trip, on a busy server a wait.</summary>
[Collection("api")]
public sealed class StatementTests(ApiFixture api)
{
    /// <summary>What one request sent, as Npgsql itself traces it.</summary>
    private async Task<IReadOnlyList<string>> OfAsync(SampleClient who, string path)
    {
        var (trace, sent) = (ActivityTraceId.CreateRandom(), new ConcurrentQueue<string>());
        using var listener = new ActivityListener
        {
            ShouldListenTo = source => source.Name is "Npgsql" or "Microsoft.AspNetCore",
            Sample = (ref ActivityCreationOptions<ActivityContext> _) => ActivitySamplingResult.AllDataAndRecorded,
            ActivityStopped = activity =>
            {
                var text = $"{activity.GetTagItem("db.query.text") ?? activity.GetTagItem("db.statement")}";
                // Waiting for a projection asks until it has come: how often is the machine's matter.
                var waits = text.Contains("mt_event_progression", StringComparison.Ordinal);
                if (activity.Source.Name == "Npgsql" && activity.TraceId == trace && !waits)
                    sent.Enqueue(text);
            },
        };
        ActivitySource.AddActivityListener(listener);
        using var response = await who.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r => r.Headers.Add("traceparent", $"00-{trace}-{ActivitySpanId.CreateRandom()}-01")
        );
        Assert.True(response.IsSuccessStatusCode, await response.Content.ReadAsStringAsync());
        return [.. sent];
    }

    [Fact]
    public async Task A_funds_page_asks_the_database_a_few_times()
    {
        var (village, people) = await api.ReadyToFileAsync(3);
        // Three pockets, each with its forms that name who may confirm: the same people are read once.
        foreach (var year in new[] { 0, 1 })
            await village.AllocateAsync(
                10 + year,
                SourceKind.Charity,
                "慈善会",
                earmarkYear: api.Today.Year + year,
                donorId: await village.CharityAsync()
            );
        await village.FileAsync(people);
        var sent = await OfAsync(village.Officer, $"/funds/{village.FundId}");
        var repeated = sent.GroupBy(s => s).Where(g => g.Count() > 3).Select(g => $"{g.Count()} × {g.Key}").ToList();
        Assert.True(repeated.Count == 0, string.Join("\n---\n", repeated));
        Assert.True(sent.Count is > 5 and <= 25, $"{sent.Count} statements:\n{string.Join("\n---\n", sent)}");
    }
}
