using Ledger.Web.Jobs;

namespace Ledger.Api.Tests;

/// <summary>A job whose node is killed at random rows and goes on where it was.</summary>
public sealed class JobCrashTests(Databases databases) : IClassFixture<Databases>
{
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
        try
        {
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
        finally
        {
            await product.StartAsync();
        }
    }
}
