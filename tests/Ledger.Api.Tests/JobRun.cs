using System.Diagnostics;
using System.Net;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;

namespace Ledger.Api.Tests;

/// <summary>
/// An import as a job whose node is killed at random rows and started again, seen through by polling.
/// </summary>
public static class JobRun
{
    /// <param name="PeakMb">The most that any of the nodes held, in MB.</param>
    public sealed record Result(JobView Job, int Kills, double Seconds, double PeakMb);

    /// <param name="settings">Of the product, which is started here.</param>
    /// <exception cref="InvalidOperationException">Progress went back.</exception>
    public static async Task<Result> KilledAsync(
        IReadOnlyDictionary<string, string> settings,
        Actor tax,
        int year,
        byte[] file,
        int rows,
        Random random,
        int kills
    )
    {
        // Over the two passes, looking and writing; the moment within a part is as random.
        var moments = new Queue<int>(Enumerable.Range(0, kills).Select(_ => random.Next(rows * 2)).Order());
        var (watch, peak, killed, last, location) = (Stopwatch.StartNew(), 0L, 0, 0, (string?)null);
        var key = Guid.NewGuid().ToString();
        for (JobView? job = null; ; )
        {
            await using var node = await ApiProcess.StartAsync(settings);
            var keys = KeyFile.Load(settings["Ledger__KeyFile"]);
            var who = new SampleClient(node.Http, new Tokens(keys, TimeProvider.System), tax);
            using (
                var answer = await JobTests.HandInAsync(who, $"/api/contributions/import?year={year}", file, key: key)
            )
            {
                if (answer.StatusCode != HttpStatusCode.Accepted)
                    throw new InvalidOperationException(await answer.Content.ReadAsStringAsync());
                var given = answer.Headers.Location!.ToString();
                if (location is not null && given != location)
                    throw new InvalidOperationException("the same key is another job");
                location = given;
            }
            while (job is not { IsOver: true })
            {
                job = await who.GetAsync<JobView>(location);
                var at = job.RowsChecked + job.RowsDone;
                if (at < last)
                    throw new InvalidOperationException($"progress went from {last} back to {at}");
                last = at;
                peak = Math.Max(peak, node.PeakWorkingSet);
                if (!job.IsOver && moments.TryPeek(out var moment) && at >= moment)
                {
                    moments.Dequeue();
                    await Task.Delay(random.Next(600)); // the moment is the test's input
                    await node.KillAsync();
                    killed++;
                    job = null;
                    break;
                }
                await Task.Delay(50);
            }
            if (job is { IsOver: true })
                return new Result(job, killed, watch.Elapsed.TotalSeconds, peak / 1048576.0);
        }
    }
}
