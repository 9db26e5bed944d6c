using Ledger.Api.Security;
using Ledger.Web.Jobs;

namespace Ledger.Api.Tests;

/// <summary>A job whose node is killed at random rows and goes on where it was.</summary>
public sealed class JobCrashTests(Databases databases) : IClassFixture<Databases>
{
    [Fact]
    public async Task An_export_whose_node_is_killed_begins_anew_and_each_event_is_in_it_once()
    {
        await using var product = await Product.StartAsync(databases, "ledger_job_export");
        var people = new SamplePeople(32).Take(6_000, "370811");
        await product.Village.ImportMembersAsync(people);
        await product.StopAsync();
        var (random, keys) = (new Random(20261130), KeyFile.Load(product.Settings["Ledger__KeyFile"]));
        var (kills, last, location) = (0, 0, (string?)null);
        JobView? job = null;
        for (var key = 0; job is not { IsOver: true } || kills == 0; )
        {
            await using var node = await ApiProcess.StartAsync(product.Settings);
            var who = new SampleClient(node.Http, new Tokens(keys, TimeProvider.System), product.Offices.Auditor.Actor);
            // One that was done before the node could be killed shows nothing: another is asked for.
            if (location is null || job is { IsOver: true })
                (location, last) = (await AskedAsync(who, $"export-of-events-{++key}"), 0);
            else
                Assert.Equal(location, await AskedAsync(who, $"export-of-events-{key}"));
            for (job = null; job is not { IsOver: true }; await Task.Delay(5))
            {
                job = await who.GetAsync<JobView>(location);
                Assert.True(job.RowsDone >= last, $"progress went from {last} back to {job.RowsDone}");
                last = job.RowsDone;
                if (job.State != JobState.Running || kills >= 2)
                    continue;
                await Task.Delay(random.Next(150)); // the moment is the test's input
                job = await who.GetAsync<JobView>(location);
                if (job.IsOver)
                    break;
                await node.KillAsync();
                kills++;
                break;
            }
            if (job is { IsOver: true } && kills > 0)
            {
                Assert.Equal((JobState.Done, job.RowsTotal), (job.State, (int?)job.RowsDone));
                Assert.Equal(await LinesAsync(who, "/api/exports/events"), await LinesAsync(who, $"{location}/result"));
            }
        }
        Assert.True(
            await ApiFixture.ScalarOfAsync<int>(product.ConnectionString, "select max(attempt) from ledger.job") > 1
        );
        Assert.Equal(
            0,
            await ApiFixture.ScalarOfAsync<long>(
                product.ConnectionString,
                """
                select count(*)
                  from ledger.job_piece p
                  join ledger.job j on j.id = p.job_id
                 where j.state = 'done'
                   and p.part <> j.attempt
                """
            )
        );

        static async Task<string> AskedAsync(SampleClient who, string key)
        {
            using var answer = await JobRun.AskedAsync(who, "/api/exports/events", key);
            Assert.Equal(System.Net.HttpStatusCode.Accepted, answer.StatusCode);
            return answer.Headers.Location!.ToString();
        }

        static async Task<string[]> LinesAsync(SampleClient who, string path)
        {
            using var answer = await who.SendAsync(HttpMethod.Get, path, null);
            return (await answer.Content.ReadAsStringAsync()).Split('\n');
        }
    }

    [Fact]
    public async Task Killed_at_random_rows_and_started_again_each_row_is_there_once()
    {
        const int rows = 6_000;
        await using var product = await Product.StartAsync(databases, "ledger_jobs");
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var people = new SamplePeople(31).Take(rows, "370811");
        await product.Village.ImportMembersAsync(people);
        var file = JobRun.Csv(people.Select((p, i) => JobRun.Row(p, $"JK{i:000000}", today)));
        await product.StopAsync();
        var run = await JobRun.KilledAsync(
            product.Settings,
            product.Offices.Tax.Actor,
            today.Year,
            file,
            rows,
            new Random(20261129),
            kills: 2
        );
        Assert.Null(run.Job.Failure);
        Assert.Equal((JobState.Done, rows, 2), (run.Job.State, run.Job.RowsDone, run.Kills));
        Assert.Equal((rows, 0L), (run.Job.Counts["imported"], run.Job.Counts["unchanged"]));
        Assert.Equal(
            (rows, rows),
            (
                await ApiFixture.ScalarOfAsync<long>(
                    product.ConnectionString,
                    "select count(*) from ledger.mt_events where type = 'contribution_recorded'"
                ),
                await ApiFixture.ScalarOfAsync<long>(
                    product.ConnectionString,
                    """
                    select count(distinct data ->> 'reference')
                      from ledger.mt_events
                     where type = 'contribution_recorded'
                    """
                )
            )
        );
    }
}
