using System.Net;
using System.Text;
using Ledger.Api.Commands;
using Ledger.Api.Jobs;
using Ledger.Api.Screening;
using Ledger.Api.Tasks;
using Ledger.Domain.Identity;
using Ledger.Domain.Tasks;
using Ledger.Web;
using Ledger.Web.Jobs;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Api.Tests;

/// <summary>
/// What reads long as jobs: exports, check, the tests of a year. Asked as the call is, answered as it is, and kept for
/// whoever asked.
/// </summary>
[Collection("api")]
public sealed class JobReadingTests(ApiFixture api)
{
    private const string Sheet = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";

    private static async Task<string> AcceptedAsync(SampleClient who, string path, string? key = null)
    {
        using var answer = await JobRun.AskedAsync(who, path, key);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
        Assert.Equal("respond-async", answer.Headers.GetValues("Preference-Applied").Single());
        return answer.Headers.Location!.ToString();
    }

    private static async Task<JobView> OverAsync(SampleClient who, string location)
    {
        JobView? job = null;
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                var done = job?.RowsDone ?? 0;
                job = await who.GetAsync<JobView>(location);
                Assert.True(job.RowsDone >= done, "it went back");
                return job.IsOver;
            },
            "the job is over"
        );
        return job!;
    }

    private static async Task<JobView> DoneAsync(SampleClient who, string location)
    {
        var job = await OverAsync(who, location);
        Assert.Null(job.Failure);
        Assert.Equal(JobState.Done, job.State);
        return job;
    }

    private static async Task<(byte[] File, string? MediaType, string? Name)> FetchedAsync(
        SampleClient who,
        string path
    )
    {
        using var answer = await who.SendAsync(HttpMethod.Get, path, null);
        var file = await answer.Content.ReadAsByteArrayAsync();
        Assert.True(answer.StatusCode == HttpStatusCode.OK, Encoding.UTF8.GetString(file));
        var headers = answer.Content.Headers;
        return (file, headers.ContentType?.ToString(), headers.ContentDisposition?.ToString());
    }

    private async Task<SampleVillage> PaidAsync()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        return village;
    }

    private async Task SetAsync(string sql, string location)
    {
        await using var connection = await api.Database.OpenConnectionAsync();
        await connection.ExecuteAsync(sql, ("id", location["/api/jobs/".Length..]));
    }

    private SampleClient Finance(SampleVillage village) =>
        api.Client(new Actor($"finance.{village.Offices.County}", Roles.CountyFinance, village.Offices.County));

    [Fact]
    public async Task Each_export_comes_as_the_call_would_give_it_with_its_name_and_type_and_lies_in_no_clear_word()
    {
        var village = await PaidAsync();
        var auditor = village.Offices.Auditor;
        foreach (
            var path in (string[])
                [
                    "/api/exports/journal",
                    $"/api/exports/journal?format=beancount&region={village.VillageCode}",
                    "/api/exports/events",
                ]
        )
        {
            var location = await AcceptedAsync(auditor, path);
            var job = await DoneAsync(auditor, location);
            Assert.True(job.IsReading);
            Assert.Equal(job.RowsTotal, job.RowsDone);
            var (file, type, name) = await FetchedAsync(auditor, $"{location}/result");
            var (whole, wholeType, wholeName) = await FetchedAsync(auditor, path);
            Assert.Equal((wholeType, wholeName), (type, name));
            Assert.Equal(Encoding.UTF8.GetString(whole), Encoding.UTF8.GetString(file));
            Assert.Equal(file.Length, job.ResultBytes);
            Assert.Equal(job.EndedAt!.Value.AddDays(7), job.ResultUntil);
            // A second time too: it is kept.
            Assert.Equal(file, (await FetchedAsync(auditor, $"{location}/result")).File);
        }
        var zip = await AcceptedAsync(auditor, "/api/exports/journal?format=general-ledger");
        Assert.True((await DoneAsync(auditor, zip)).RowsTotal > 0);
        var packed = await FetchedAsync(auditor, $"{zip}/result");
        Assert.Equal("application/zip", packed.MediaType);
        using var archive = new System.IO.Compression.ZipArchive(new MemoryStream(packed.File));
        Assert.NotNull(archive.GetEntry("GL_Journal_Entry.csv"));
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.job_piece where kind = 'result' and position(@what in box) > 0",
                ("what", Encoding.UTF8.GetBytes(village.FundId))
            )
        );
    }

    [Fact]
    public async Task The_answer_is_for_whoever_asked_alone_as_who_he_was_and_for_seven_days()
    {
        var village = await PaidAsync();
        var offices = village.Offices;
        var location = await AcceptedAsync(offices.Auditor, "/api/exports/events");
        await DoneAsync(offices.Auditor, location);
        var result = $"{location}/result";
        // Others of a wider scope see that there is one.
        var city = api.Client(new Actor("auditor.city", Roles.Auditor, RegionCode.City(offices.County)));
        Assert.Equal(JobState.Done, (await city.GetAsync<JobView>(location)).State);
        await api.Host.RefusedAsync("forbidden", city, HttpMethod.Get, result);
        var (by, county) = (offices.Auditor.Actor, offices.County);
        await api.Host.RefusedAsync(
            "forbidden",
            api.Client(by with { Role = Roles.CountyFinance }),
            HttpMethod.Get,
            result
        );
        await api.Host.RefusedAsync(
            "forbidden",
            api.Client(by with { Region = RegionCode.City(county) }),
            HttpMethod.Get,
            result
        );
        var elsewhere = await api.RegisteredAsync();
        await api.Host.RefusedAsync("not-found", elsewhere.Offices.Auditor, HttpMethod.Get, result);
        await api.Host.RefusedAsync("not-found", village.Officer, HttpMethod.Get, result); // a county's, not his
        // Who writes rows gets nobody's: neither as another's job nor with a piece exchanged.
        await SetAsync("update ledger.job set actor = 'thief' where id = @id", location);
        await api.Host.RefusedAsync("record-damaged", api.Client(by with { Id = "thief" }), HttpMethod.Get, result);
        await SetAsync($"update ledger.job set actor = '{by.Id}' where id = @id", location);
        Assert.NotEmpty((await FetchedAsync(offices.Auditor, result)).File);
        await SetAsync(
            """
            update ledger.job_piece
               set box = set_byte(box, 30, 255 - get_byte(box, 30))
             where job_id = @id and number = -1
            """,
            location
        );
        await api.Host.RefusedAsync("record-damaged", offices.Auditor, HttpMethod.Get, result);
        await SetAsync(
            "update ledger.job set ended_at = clock_timestamp() - interval '7 days 1 second' where id = @id",
            location
        );
        await api.Host.RefusedAsync("not-found", offices.Auditor, HttpMethod.Get, result);
        await api.Host.Services.GetRequiredService<JobRunner>().SweepAsync(CancellationToken.None);
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                "select count(*) from ledger.job_piece where job_id = @id",
                ("id", location["/api/jobs/".Length..])
            )
        );
        Assert.Equal(JobState.Done, (await offices.Auditor.GetAsync<JobView>(location)).State);
    }

    [Fact]
    public async Task Of_one_person_the_newest_answers_are_kept()
    {
        var village = await api.RegisteredAsync();
        var auditor = village.Offices.Auditor;
        var jobs = new List<string>();
        for (var i = 0; i <= Job.ResultsKept; i++)
        {
            jobs.Add(await AcceptedAsync(auditor, "/api/exports/journal"));
            await DoneAsync(auditor, jobs[^1]);
        }
        await api.Host.Services.GetRequiredService<JobRunner>().SweepAsync(CancellationToken.None);
        var gone = await api.Host.RefusedAsync("not-found", auditor, HttpMethod.Get, $"{jobs[0]}/result");
        Assert.Contains($"每人最近 {Job.ResultsKept} 份", gone.Detail);
        foreach (var job in jobs.Skip(1))
            Assert.NotEmpty((await FetchedAsync(auditor, $"{job}/result")).File);
        using var page = await auditor.SendAsync(HttpMethod.Get, jobs[0]["/api".Length..], null);
        Assert.Contains($"每人最近 {Job.ResultsKept} 份", await page.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_check_and_the_tests_of_a_year_are_jobs_of_the_auditor_with_their_report()
    {
        var village = await PaidAsync();
        var auditor = village.Offices.Auditor;
        var check = await AcceptedAsync(auditor, "/api/audit/check");
        var looked = await DoneAsync(auditor, check);
        Assert.True(looked.RowsDone > 0);
        Assert.Null(looked.RowsTotal);
        var view = await auditor.GetAsync<CheckView>($"{check}/result");
        Assert.True(view.IsSound, string.Join('\n', view.Differences));
        Assert.True(view.Events > 0);
        using (var page = await auditor.SendAsync(HttpMethod.Get, check["/api".Length..], null))
            Assert.Contains($"{view.Events} 个事件", await page.Content.ReadAsStringAsync());

        var path = $"/api/audit/screening?region={village.Offices.County}&year={village.Year}";
        var screening = await AcceptedAsync(auditor, path);
        await DoneAsync(auditor, screening);
        var screened = await auditor.GetAsync<ScreeningView>($"{screening}/result");
        Assert.Equal((village.Year, 2), (screened.Year, screened.Lines));
        using var asked = await auditor.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r =>
            {
                r.Headers.Add("Prefer", "respond-async");
                r.Headers.Add("Accept", Sheet);
            }
        );
        var sheet = asked.Headers.Location!.ToString();
        await DoneAsync(auditor, sheet);
        Assert.Equal(Sheet, (await FetchedAsync(auditor, $"{sheet}/result")).MediaType);
        await api.Host.RefusedAsync("not-found", village.Officer, HttpMethod.Get, $"{sheet}/result");
    }

    [Fact]
    public async Task What_may_not_be_read_is_refused_at_once_or_by_the_job_and_the_same_key_is_the_same_job()
    {
        var village = await PaidAsync();
        var auditor = village.Offices.Auditor;
        foreach (var path in (string[])["/api/exports/events", "/api/audit/check", "/api/audit/screening"])
        {
            using var officer = await JobRun.AskedAsync(village.Officer, path);
            Assert.Equal(HttpStatusCode.Forbidden, officer.StatusCode);
        }
        using (var unknown = await JobRun.AskedAsync(auditor, "/api/exports/journal?what=1"))
            Assert.Equal(HttpStatusCode.UnprocessableEntity, unknown.StatusCode);
        var citizen = new SamplePeople(5).Next("110101").CitizenId;
        using (var personal = await JobRun.AskedAsync(auditor, $"/api/exports/journal?region={citizen}"))
            Assert.Contains("personal-data-in-text", await personal.Content.ReadAsStringAsync());
        using (var named = await JobRun.AskedAsync(auditor, "/api/exports/journal?region=王秀英"))
            Assert.Contains("personal-data-in-text", await named.Content.ReadAsStringAsync());
        foreach (
            var (path, code) in ((string, string)[])
                [
                    ("/api/exports/journal?format=events", "field-invalid"),
                    ("/api/exports/log", "forbidden"), // a county's auditor sees a part of the log
                    ("/api/audit/screening?year=1999", "field-invalid"),
                ]
        )
        {
            var location = await AcceptedAsync(auditor, path);
            var job = await OverAsync(auditor, location);
            Assert.Equal((JobState.Failed, code), (job.State, job.Failure?.Code));
            await api.Host.RefusedAsync("not-found", auditor, HttpMethod.Get, $"{location}/result");
        }
        var key = $"{Guid.NewGuid()}";
        var first = await AcceptedAsync(auditor, "/api/exports/journal", key);
        Assert.Equal(first, await AcceptedAsync(auditor, "/api/exports/journal", key));
        Assert.NotEqual(first, await AcceptedAsync(auditor, "/api/exports/journal"));
        Assert.NotEqual(first, await AcceptedAsync(Finance(village), "/api/exports/journal", key));
        // An import's job has none to fetch.
        var failed = await JobTests.FailedAsync(village);
        await api.Host.RefusedAsync("not-found", village.Officer, HttpMethod.Get, $"/api/jobs/{failed}/result");
    }

    [Fact]
    public async Task One_that_another_node_left_is_read_anew_once_and_one_that_is_cancelled_leaves_nothing()
    {
        var village = await PaidAsync();
        var auditor = village.Offices.Auditor;
        var left = await LeftAsync(auditor.Actor, "/api/exports/journal", pieces: 3);
        await api.Host.RefusedAsync("wrong-state", auditor, HttpMethod.Get, $"/api/jobs/{left}/result");
        await DoneAsync(auditor, $"/api/jobs/{left}");
        Assert.Equal(
            (await FetchedAsync(auditor, "/api/exports/journal")).File,
            (await FetchedAsync(auditor, $"/api/jobs/{left}/result")).File
        );
        Assert.Equal(
            1,
            await api.ScalarAsync<long>(
                "select count(distinct part) from ledger.job_piece where job_id = @id",
                ("id", left)
            )
        );
        var cancelled = await LeftAsync(auditor.Actor, "/api/exports/events", pieces: 2);
        await auditor.PostAsync<JobView>($"/api/jobs/{cancelled}/cancel", new { });
        var over = await OverAsync(auditor, $"/api/jobs/{cancelled}");
        Assert.Equal((JobState.Cancelled, (long?)null), (over.State, over.ResultBytes));
        await api.Host.RefusedAsync("not-found", auditor, HttpMethod.Get, $"/api/jobs/{cancelled}/result");
        Assert.Equal(
            0,
            await api.ScalarAsync<long>("select count(*) from ledger.job_piece where job_id = @id", ("id", cancelled))
        );
    }

    [Fact]
    public async Task In_the_name_of_who_was_closed_meanwhile_nothing_is_read()
    {
        var village = await PaidAsync();
        var (auditor, county) = (village.Offices.Auditor, village.Offices.County);
        var gone = new Actor(await JobTests.ClosedAsync(api, village, Roles.Auditor), Roles.Auditor, county);
        var id = await LeftAsync(gone, "/api/exports/events", pieces: 1);
        var over = await OverAsync(auditor, $"/api/jobs/{id}");
        Assert.Equal((JobState.Failed, "forbidden"), (over.State, over.Failure?.Code));
        Assert.Equal(
            0,
            await api.ScalarAsync<long>("select count(*) from ledger.job_piece where job_id = @id", ("id", id))
        );
    }

    [Fact]
    public void Who_can_hand_a_job_in_has_them_in_his_menu_and_nobody_else()
    {
        var may = api
            .Host.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.Where(e =>
                e.Metadata.GetMetadata<JobMetadata>() is not null
                || e.Metadata.GetMetadata<ReadingJobMetadata>() is not null
            )
            .SelectMany(e => e.Metadata.GetMetadata<RolesMetadata>()!.Roles);
        Assert.Equal(
            may.Distinct().Order(),
            Roles.Everybody.Where(role => Terms.Menu(role).Any(m => m.Href == "/jobs")).Order()
        );
    }

    /// <summary>As another node leaves one that is killed: its lease runs out, its pieces are there.</summary>
    private async Task<string> LeftAsync(Actor by, string path, int pieces)
    {
        var keys = KeyFile.Load(api.KeyFile);
        var job = Job.HandedIn(
            keys,
            $"job-{Guid.NewGuid():N}",
            path.EndsWith("journal", StringComparison.Ordinal) ? "export-journal" : "export-events",
            by,
            path,
            "x",
            new string('0', 64),
            DateTimeOffset.UtcNow,
            isReading: true
        );
        await using var connection = await api.Database.OpenConnectionAsync();
        await using var transaction = await connection.BeginTransactionAsync();
        await job.InsertAsync(connection);
        await connection.ExecuteAsync(
            """
            update ledger.job
               set state = 'running', holder = gen_random_uuid(), until = clock_timestamp() + interval '2 s',
                   attempt = 1, steps_done = 1
             where id = @id
            """,
            ("id", job.Id)
        );
        for (var number = 0; number < pieces; number++)
            await Job.PutAsync(connection, keys, (job.Id, "result", 1, number), "left by another"u8.ToArray());
        await transaction.CommitAsync();
        return job.Id;
    }

    [Fact]
    public async Task That_it_is_over_is_told_to_whoever_handed_it_in_until_he_looks()
    {
        var village = await PaidAsync();
        var (auditor, offices) = (village.Offices.Auditor, village.Offices);
        var location = await AcceptedAsync(auditor, "/api/exports/journal");
        var id = location["/api/jobs/".Length..];
        TaskView? task = null;
        await ApiFixture.EventuallyAsync(
            async () => (task = (await TasksAsync(auditor)).SingleOrDefault(t => t.Subject == id)) is not null,
            "he is told"
        );
        Assert.Equal((TaskKind.JobEnded, $"/jobs/{id}"), (task!.Kind, task.Path));
        Assert.DoesNotContain(await TasksAsync(Finance(village)), t => t.Subject == id);
        // Others looking at it is not his looking.
        var city = api.Client(new Actor("auditor.city", Roles.Auditor, RegionCode.City(offices.County)));
        await city.GetAsync<JobView>(location);
        Assert.Contains(await TasksAsync(auditor), t => t.Subject == id);
        using (var page = await auditor.SendAsync(HttpMethod.Get, task.Path, null))
            Assert.Contains("下载结果", await page.Content.ReadAsStringAsync());
        Assert.DoesNotContain(await TasksAsync(auditor), t => t.Subject == id);
    }

    private static async Task<IReadOnlyList<TaskView>> TasksAsync(SampleClient who) =>
        (await who.GetAsync<TaskListView>("/api/tasks")).Tasks;
}
