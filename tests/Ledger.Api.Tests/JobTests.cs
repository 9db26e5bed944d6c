using System.Net;
using System.Text;
using System.Text.Json;
using Ledger.Api.Jobs;
using Ledger.Domain.Identity;
using Ledger.Web.Jobs;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>Long imports as jobs: handed in, looked at whole, written part by part, in the caller's name.</summary>
[Collection("api")]
public sealed class JobTests(ApiFixture api)
{
    private static async Task<string> AcceptedAsync(SampleClient who, string path, byte[] file, string? key = null)
    {
        using var answer = await JobRun.HandInAsync(who, path, file, key: key);
        Assert.True(answer.StatusCode == HttpStatusCode.Accepted, await answer.Content.ReadAsStringAsync());
        Assert.Equal("respond-async", answer.Headers.GetValues("Preference-Applied").Single());
        return answer.Headers.Location!.ToString();
    }

    private static async Task<JobView> OverAsync(SampleClient who, string location)
    {
        JobView? job = null;
        var (isChecked, done) = (0, 0);
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                job = await who.GetAsync<JobView>(location);
                Assert.True(job.RowsChecked >= isChecked && job.RowsDone >= done, "it went back");
                (isChecked, done) = (job.RowsChecked, job.RowsDone);
                return job.IsOver;
            },
            "the job is over"
        );
        return job!;
    }

    /// <summary>The id of a job of the village that has failed: its file has no headings.</summary>
    public static async Task<string> FailedAsync(SampleVillage village)
    {
        var path = $"/api/members/import?collectiveId={village.CollectiveId}";
        var location = await AcceptedAsync(village.Officer, path, Encoding.UTF8.GetBytes("甲,乙\n1,2\n"));
        Assert.Equal(JobState.Failed, (await OverAsync(village.Officer, location)).State);
        return location["/api/jobs/".Length..];
    }

    private async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> MembersAsync(int many)
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(village.VillageCode.GetHashCode(StringComparison.Ordinal)).Take(
            many,
            village.Offices.County
        );
        await village.ImportMembersAsync(people);
        return (village, people);
    }

    private Task<long> RecordedAsync(SampleVillage village) =>
        api.ScalarAsync<long>(
            """
            select count(*)
              from ledger.mt_events
             where type = 'contribution_recorded'
               and headers ->> 'actor' = @tax
            """,
            ("tax", village.Offices.Tax.Actor.Id)
        );

    [Fact]
    public async Task A_list_that_is_handed_in_is_imported_as_the_same_call_would_and_its_file_goes()
    {
        var (village, people) = await MembersAsync(60);
        var tax = village.Offices.Tax;
        var path = $"/api/contributions/import?year={village.Year}";
        var file = JobRun.Csv(people.Select((p, i) => JobRun.Row(p, $"JB{village.VillageCode}{i:0000}", api.Today)));
        var key = Guid.NewGuid().ToString();
        var location = await AcceptedAsync(tax, path, file, key);
        Assert.Equal(location, await AcceptedAsync(tax, path, file, key)); // the same key, the same job
        var job = await OverAsync(tax, location);
        Assert.Null(job.Failure);
        Assert.Equal((JobState.Done, 60, 60, 60), (job.State, job.RowsTotal, job.RowsChecked, job.RowsDone));
        Assert.Equal((60, 60), (job.Counts["rows"], job.Counts["imported"]));
        Assert.Equal(
            0,
            await api.ScalarAsync<long>("select count(*) from ledger.job_piece where job_id = @id", ("id", job.Id))
        );
        // As the trail has it: who, in which role, under which request.
        var written = await api.ScalarAsync<string>(
            """
            select string_agg(
                       distinct (headers ->> 'actor') || ' ' || (headers ->> 'role') || ' ' || correlation_id, ',')
              from ledger.mt_events
             where type = 'contribution_recorded'
               and data ->> 'reference' like @like
            """,
            ("like", $"JB{village.VillageCode}%")
        );
        var trace = await api.ScalarAsync<string>("select trace from ledger.job where id = @id", ("id", job.Id));
        Assert.Equal($"{tax.Actor.Id} {tax.Actor.Role} {trace}", written);
        // Again as a call: all of it is there.
        var again = await tax.UploadAsync<ImportView>(path, file, "缴费.csv");
        Assert.Equal((0, 60), (again.Imported, again.Unchanged));
        Assert.Contains(await tax.GetAsync<List<JobView>>("/api/jobs"), j => j.Id == job.Id);
        // Elsewhere nobody knows of it, and nobody without a token.
        var (other, _) = await MembersAsync(1);
        await api.Host.RefusedAsync("not-found", other.Offices.Tax, HttpMethod.Get, location);
        Assert.DoesNotContain(await other.Offices.Tax.GetAsync<List<JobView>>("/api/jobs"), j => j.Id == job.Id);
        await api.Host.RefusedAsync("not-found", other.Offices.Tax, HttpMethod.Post, $"{location}/cancel", new { });
        await api.Host.RefusedAsync("wrong-state", tax, HttpMethod.Post, $"{location}/cancel", new { });
        await api.Host.RefusedAsync(
            "forbidden",
            village.Offices.Auditor,
            HttpMethod.Post,
            $"{location}/cancel",
            new { }
        );
    }

    [Fact]
    public async Task Members_come_in_as_a_job_from_a_workbook_too()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(77).Take(30, village.Offices.County);
        using var answer = await JobRun.HandInAsync(
            village.Officer,
            $"/api/members/import?collectiveId={village.CollectiveId}",
            SampleSheets.Members(people),
            "成员名册.xlsx"
        );
        Assert.Equal(HttpStatusCode.Accepted, answer.StatusCode);
        var job = await OverAsync(village.Officer, answer.Headers.Location!.ToString());
        Assert.Null(job.Failure);
        Assert.Equal((JobState.Done, 30L), (job.State, job.Counts["imported"]));
    }

    [Fact]
    public async Task Every_fault_is_told_by_its_row_and_nothing_is_imported_unless_the_sound_part_was_asked_for()
    {
        var (village, people) = await MembersAsync(4);
        var tax = village.Offices.Tax;
        var path = $"/api/contributions/import?year={village.Year}";
        var stranger = new SamplePeople(5).Next("110101");
        var file = JobRun.Csv([
            JobRun.Row(people[0], $"JF{village.VillageCode}1", api.Today),
            JobRun.Row(people[1], $"JF{village.VillageCode}2", api.Today, tier: "7"),
            JobRun.Row(stranger, $"JF{village.VillageCode}3", api.Today),
            JobRun.Row(people[2], $"JF{village.VillageCode}1", api.Today),
            JobRun.Row(people[3], $"JF{village.VillageCode}5", api.Today),
        ]);
        var before = await RecordedAsync(village);
        var job = await OverAsync(tax, await AcceptedAsync(tax, path, file));
        Assert.Equal((JobState.Failed, "roster-invalid", 0), (job.State, job.Failure?.Code, job.RowsDone));
        Assert.Equal([3, 4, 5], job.Faults.Select(f => f.Row!.Value).Distinct());
        Assert.Equal(before, await RecordedAsync(village));
        // On record, as the same call would have been.
        Assert.Equal(
            1,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where type = 'command_refused'
                   and data ->> 'command' = 'import-contributions'
                   and headers ->> 'actor' = @tax
                """,
                ("tax", tax.Actor.Id)
            )
        );
        var some = await OverAsync(tax, await AcceptedAsync(tax, $"{path}&partial=true", file));
        Assert.Equal((JobState.Done, 2L, 3L), (some.State, some.Counts["imported"], some.Counts["skipped"]));
        Assert.Equal([3, 4, 5], some.Faults.Select(f => f.Row!.Value).Distinct());
    }

    [Fact]
    public async Task Receipts_that_do_not_match_are_called_so_in_the_language_that_is_asked_for()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(200);
        var reviewer = village.Offices.Reviewer;
        (SamplePerson, Money)[] receipts = [(people[0], new Money(10_000)), (people[1], new Money(9_999))];
        using var answer = await JobRun.HandInAsync(
            reviewer,
            $"{village.ApplicationPath}/receipts/import",
            SampleSheets.Receipts(receipts, api.Today, "HZ"),
            "回执.xlsx"
        );
        var location = answer.Headers.Location!.ToString();
        var job = await OverAsync(reviewer, location);
        Assert.Equal((JobState.Failed, "receipt-mismatch"), (job.State, job.Failure?.Code));
        Assert.Equal(("回执与付款名单不符", 3), (job.Failure!.Title, job.Faults.Single().Row!.Value));
        using var english = await reviewer.SendAsync(
            HttpMethod.Get,
            location,
            content: null,
            more: r => r.Headers.AcceptLanguage.ParseAdd("en")
        );
        var read = JsonElement.Parse(await english.Content.ReadAsStringAsync());
        string[] said =
        [
            read.GetProperty("failure").GetProperty("title").GetString()!,
            read.GetProperty("failure").GetProperty("detail").GetString()!,
            read.GetProperty("faults")[0].GetProperty("message").GetString()!,
        ];
        Assert.All(said, text => Assert.DoesNotContain(text, c => c is >= '\u3000' and <= '\u9fff'));
    }

    [Fact]
    public async Task A_job_that_is_cancelled_midway_says_which_rows_are_in_and_those_are()
    {
        var village = await api.RegisteredAsync();
        var officer = village.Officer;
        var people = new SamplePeople(4712).Take(8_000, village.Offices.County); // four parts
        var file = Encoding.UTF8.GetBytes(string.Join('\n', people.Select(Row).Prepend("姓名,身份证号")) + "\n");
        var location = await AcceptedAsync(
            officer,
            $"/api/members/import?collectiveId={village.CollectiveId}&partial=True"
                + $"&confirmDuplicate={Uri.EscapeDataString("同名同日")}",
            file
        );
        await ApiFixture.EventuallyAsync(
            async () => (await officer.GetAsync<JobView>(location)) is { RowsDone: > 0 } or { IsOver: true },
            "a part is written"
        );
        await officer.PostAsync<JobView>($"{location}/cancel", new { });
        var job = await OverAsync(officer, location);
        Assert.Null(job.Failure);
        Assert.Equal((JobState.Cancelled, officer.Actor.Id), (job.State, job.CancelledBy));
        Assert.InRange(job.RowsDone, 1, 7_999);
        var rows = job.RowsIn!.Split(", ").Select(run => run.Split('-').Select(int.Parse).ToList()).ToList();
        Assert.Equal((2, 4), (rows[0][0], rows[0][^1]));
        Assert.Equal(6, rows[1][0]); // the fifth has a fault: it is not in, and is not said to be
        Assert.Equal((job.RowsDone - 1, 1), (job.Counts["imported"], job.Counts["skipped"]));
        Assert.Equal(job.RowsDone - 1, rows.Sum(run => run[^1] - run[0] + 1));
        Assert.Equal(
            job.RowsDone - 1,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where type = 'member_registered'
                   and headers ->> 'actor' = @officer
                """,
                ("officer", officer.Actor.Id)
            )
        );
        Assert.Equal(
            0,
            await api.ScalarAsync<long>("select count(*) from ledger.job_piece where job_id = @id", ("id", job.Id))
        );

        string Row(SamplePerson person, int index) => $"{person.Name},{(index == 3 ? "1" : person.CitizenId)}";
    }

    [Fact]
    public async Task What_no_job_can_do_is_said_by_the_call_or_by_the_job()
    {
        var (village, _) = await MembersAsync(1);
        var tax = village.Offices.Tax;
        using var empty = await JobRun.HandInAsync(tax, $"/api/contributions/import?year={village.Year}", []);
        Assert.Equal(HttpStatusCode.UnprocessableEntity, empty.StatusCode);
        using var officer = await JobRun.HandInAsync(
            village.Officer,
            $"/api/contributions/import?year={village.Year}",
            JobRun.Csv([])
        );
        Assert.Equal(HttpStatusCode.Forbidden, officer.StatusCode);
        foreach (
            var (query, text, code) in ((string, string, string)[])
                [
                    ("year=1999", JobRun.Heading + "\n张三,1,1,1,1,1,1\n", "field-invalid"),
                    ($"year={village.Year}", "甲,乙\n1,2\n", "file-invalid"),
                    ($"year={village.Year}", JobRun.Heading + "\n", "file-invalid"),
                    ($"year={village.Year}", "姓名,身份证号,个人缴费金额（元）\n张三,1,1\n", "file-invalid"),
                ]
        )
        {
            var job = await OverAsync(
                tax,
                await AcceptedAsync(tax, $"/api/contributions/import?{query}", Encoding.UTF8.GetBytes(text))
            );
            Assert.Equal((JobState.Failed, code), (job.State, job.Failure?.Code));
            Assert.Equal(job.Faults.Count, job.Faults.Distinct().Count());
        }
    }

    [Fact]
    public async Task A_row_that_somebody_edited_does_nothing_in_another_s_name()
    {
        var (village, people) = await MembersAsync(2);
        var tax = village.Offices.Tax;
        var id = $"job-{Guid.NewGuid():N}";
        await using var connection = await api.Database.OpenConnectionAsync();
        await connection.ExecuteAsync(
            """
            insert into ledger.job (id, kind, actor, role, region, path, trace, digest, bytes, seal)
            values (@id, 'import-contributions', @actor, @role, @region, @path, 'x', repeat('0', 64), 1, 'forged')
            """,
            ("id", id),
            ("actor", tax.Actor.Id),
            ("role", tax.Actor.Role),
            ("region", tax.Actor.Region),
            ("path", $"/api/contributions/import?year={village.Year}")
        );
        var job = await OverAsync(tax, $"/api/jobs/{id}");
        Assert.Equal((JobState.Failed, "record-damaged"), (job.State, job.Failure?.Code));
        Assert.NotEmpty(people);
    }

    [Fact]
    public async Task Who_was_closed_meanwhile_has_nothing_done_in_his_name_and_what_waits_can_be_cancelled()
    {
        var (village, people) = await MembersAsync(3);
        var (keys, offices) = (KeyFile.Load(api.KeyFile), village.Offices);
        // As rows that this node's runner has not seen yet: put there as handed in, held by another node.
        var open = await JobOfAsync(
            new Actor(await ClosedAsync(api, village, Roles.CountyTax), Roles.CountyTax, offices.County),
            held: false
        );
        var closed = await OverAsync(offices.Auditor, $"/api/jobs/{open}");
        Assert.Equal((JobState.Failed, "forbidden"), (closed.State, closed.Failure?.Code));
        var held = await JobOfAsync(offices.Tax.Actor, held: true);
        var asked = await offices.Tax.PostAsync<JobView>($"/api/jobs/{held}/cancel", new { });
        Assert.Equal((JobState.Running, offices.Tax.Actor.Id), (asked.State, asked.CancelledBy));
        var over = await OverAsync(offices.Tax, $"/api/jobs/{held}"); // the other node's lease has run out
        Assert.Equal((JobState.Cancelled, 0), (over.State, over.RowsDone));
        Assert.NotEmpty(people);

        async Task<string> JobOfAsync(Actor by, bool held)
        {
            var job = Job.HandedIn(
                keys,
                $"job-{Guid.NewGuid():N}",
                "import-contributions",
                by,
                $"/api/contributions/import?year={village.Year}",
                "x",
                new string('0', 64),
                DateTimeOffset.UtcNow,
                bytes: 1
            );
            await using var connection = await api.Database.OpenConnectionAsync();
            await using var transaction = await connection.BeginTransactionAsync();
            await job.InsertAsync(connection);
            if (held)
                await connection.ExecuteAsync(
                    """
                    update ledger.job
                       set state = 'running', holder = gen_random_uuid(), until = clock_timestamp() + interval '2 s'
                     where id = @id
                    """,
                    ("id", job.Id)
                );
            await transaction.CommitAsync();
            return job.Id;
        }
    }

    /// <summary>An account that two administrators opened, and closed again.</summary>
    /// <summary>An account of the county in this role, opened and closed again.</summary>
    public static async Task<string> ClosedAsync(ApiFixture api, SampleVillage village, string role)
    {
        var (name, county) = ($"gone{Guid.NewGuid():N}"[..16], village.Offices.County);
        var path = $"/api/accounts/account-{name}";
        SampleClient As(string who) => api.Client(new Actor($"{who}.{county}", Roles.Administrator, county));
        object Body(string who, string of) => ApiFixture.AccountBody(who, of, county);
        await village.Offices.Administrator.PostAsync("/api/accounts", Body($"first.{county}", Roles.Administrator));
        await As("first").PostAsync("/api/accounts", Body($"second.{county}", Roles.Administrator));
        await As("first").PostAsync("/api/accounts", Body(name, role));
        await As("second").PostAsync($"{path}/pending/confirmation");
        await As("first").PostAsync($"{path}/closure", new { reason = "调离" });
        return name;
    }
}
