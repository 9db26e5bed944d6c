using Ledger.Api.Plans;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Npgsql;

namespace Ledger.Api.Sample;

/// <summary>
/// Plays the sample's story through the product's own HTTP API once it listens, shows how far it is, and prints where
/// to look. Sample mode only.
/// </summary>
public sealed class SampleCounty(
    IServer server,
    IHostApplicationLifetime lifetime,
    Settings settings,
    SampleClock clock,
    Tokens tokens,
    NpgsqlDataSource database
) : BackgroundService
{
    protected override async Task ExecuteAsync(CancellationToken stopping)
    {
        if (!await ListeningAsync(stopping))
            return;
        var address = server
            .Features.Get<IServerAddressesFeature>()!
            .Addresses.First()
            .Replace("[::]", "localhost", StringComparison.Ordinal)
            .Replace("0.0.0.0", "localhost", StringComparison.Ordinal);
        using var http = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(5) };
        var today = Clock.Day(TimeProvider.System.GetUtcNow());
        var (first, last) = await RecordedAsync();
        var story = new SampleStory(
            actor => new SampleClient(http, tokens, actor, $"sample-{actor.Id}"),
            first ?? SampleStory.FirstDay(today)
        );
        if (!await IsLoadedAsync(story))
        {
            clock.Start(last ?? story.At(0));
            var watch = System.Diagnostics.Stopwatch.StartNew();
            var steps = story.Steps();
            for (var i = 0; i < steps.Count; i++)
            {
                stopping.ThrowIfCancellationRequested();
                Show(i, steps.Count, steps[i].Text);
                clock.MoveTo(story.At(steps[i].Day));
                await steps[i].Do();
            }
            Show(steps.Count, steps.Count, $"完成，用时 {watch.Elapsed.TotalSeconds:0} 秒");
            clock.MoveTo(TimeProvider.System.GetUtcNow());
        }
        Console.WriteLine(await SampleTour.WriteAsync(story, tokens, settings.SampleFolder, address, today));
    }

    private async Task<bool> ListeningAsync(CancellationToken stopping)
    {
        var started = new TaskCompletionSource();
        using var onStart = lifetime.ApplicationStarted.Register(started.SetResult);
        using var onStop = stopping.Register(() => started.TrySetCanceled(stopping));
        await started.Task.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        return started.Task.IsCompletedSuccessfully;
    }

    /// <summary>The first business day and the last instant in the database.</summary>
    private async Task<(DateOnly? First, DateTimeOffset? Last)> RecordedAsync()
    {
        await using var connection = await database.OpenConnectionAsync();
        return (
            await connection.QueryAsync(
                $"select min(timestamp), max(timestamp) from {LedgerStore.Schema}.mt_events",
                r =>
                    r.IsDBNull(0)
                        ? ((DateOnly?)null, (DateTimeOffset?)null)
                        : (Clock.Day(r.GetFieldValue<DateTimeOffset>(0)), r.GetFieldValue<DateTimeOffset>(1))
            )
        ).Single();
    }

    /// <summary>The last step of the story is the adoption of the tour village's plan.</summary>
    private static async Task<bool> IsLoadedAsync(SampleStory story)
    {
        try
        {
            var plan = await story.Offices.Auditor.CallAsync<PlanView>(api =>
                api.Plans[story.TourPlanId].ToGetRequestInformation()
            );
            return plan.AdoptedVersion > 0;
        }
        catch (InvalidOperationException e) when (e.Message.Contains("→ 404 ", StringComparison.Ordinal))
        {
            return false;
        }
    }

    private static void Show(int done, int all, string text)
    {
        const int width = 24;
        var bar = new string('█', done * width / all).PadRight(width, '░');
        var line = $"样例数据 {bar} {done * 100 / all, 3}%  {text}";
        if (Console.IsOutputRedirected)
        {
            if (done == all || done % 10 == 0)
                Console.WriteLine(line);
        }
        else
            Console.Write($"\r{line}\u001b[K{(done == all ? "\n" : "")}");
    }
}
