using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;

namespace Ledger.Api.Tests;

/// <summary>
/// Jobs for tests and measurements: files of contributions, and an import whose node is killed at random rows and
/// started again, seen through by polling.
/// </summary>
public static class JobRun
{
    public const string Heading = "姓名,身份证号,缴费档次（元）,个人缴费金额（元）,缴费日期,缴费类型,缴费凭证号";

    public static string Row(SamplePerson p, string reference, DateOnly on, string tier = "300") =>
        string.Create(
            CultureInfo.InvariantCulture,
            $"{p.Name},{p.CitizenId},{tier},{tier},{on:yyyy-MM-dd},正常缴费,{reference}"
        );

    public static byte[] Csv(IEnumerable<string> rows) =>
        Encoding.UTF8.GetBytes(string.Join('\n', rows.Prepend(Heading)) + "\n");

    public static Task<HttpResponseMessage> HandInAsync(
        SampleClient who,
        string path,
        byte[] file,
        string name = "缴费.csv",
        string? key = null
    ) =>
        who.SendAsync(
            HttpMethod.Post,
            path,
            SampleClient.Form(file, name),
            key,
            r => r.Headers.Add("Prefer", "respond-async")
        );

    /// <summary>A reading, as a job.</summary>
    public static Task<HttpResponseMessage> AskedAsync(SampleClient who, string path, string? key = null) =>
        who.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r =>
            {
                r.Headers.Add("Prefer", "respond-async");
                if (key is not null)
                    r.Headers.Add("Idempotency-Key", key);
            }
        );

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
            using (var answer = await HandInAsync(who, $"/api/contributions/import?year={year}", file, key: key))
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
