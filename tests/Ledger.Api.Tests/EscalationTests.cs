using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>Deadlines that were missed are recorded by messages scheduled in the database, C21.</summary>
[Collection("api and programs")]
public sealed class EscalationTests(ApiFixture api)
{
    private const string Queue = "wolverine.wolverine_incoming_envelopes";

    /// <summary>
    /// Lets the scheduled time of every deadline come now; whether it has really passed is for the handler to see.
    /// </summary>
    private static async Task RingAsync(Npgsql.NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync(
            $"update {Queue} set execution_time = now() where status = 'Scheduled' and message_type like '%DeadlineDue'"
        );
    }

    private async Task<string[]> MissedAsync(SampleVillage village)
    {
        var page = await village.Offices.Auditor.GetAsync<AuditPage>(
            $"/api/audit/events?id={village.ApplicationId}&type=deadline_missed"
        );
        return [.. page.Entries.Select(e => e.Body.GetProperty("kind").GetString()!)];
    }

    [Fact]
    public async Task C21_a_missed_deadline_is_recorded_once_and_a_kept_one_is_not()
    {
        var (late, people) = await api.ReadyToFileAsync(1);
        await late.FileAsync(people);
        var (kept, others) = await api.ReadyToFileAsync(1);
        await kept.FileAsync(others);
        await kept.ReviewAsync();
        await kept.ApproveAsync();
        await RingAsync(api.Database);
        Assert.Empty(await MissedAsync(late));
        api.Clock.Advance(TimeSpan.FromDays(16));
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await RingAsync(api.Database);
                return (await MissedAsync(late)).Length > 0;
            },
            "the missed review is recorded"
        );
        Assert.Equal(["review"], await MissedAsync(late));
        Assert.Empty(await MissedAsync(kept));
        await RingAsync(api.Database);
        Assert.Equal(["review"], await MissedAsync(late));
        var supervised = await late.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision");
        Assert.Contains(supervised.Items, i => i.Kind == "overdue-review" && i.Escalated);
    }

    [Fact]
    public async Task L7_C21_a_hold_that_the_township_did_not_decide_on_in_time_is_recorded()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.HoldAsync("待核实");
        api.Clock.Advance(TimeSpan.FromDays(8));
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await RingAsync(api.Database);
                return (await MissedAsync(village)).Contains("hold-decision");
            },
            "the hold's deadline is missed"
        );
        var supervised = await village.Township.GetAsync<SupervisionView>("/api/supervision");
        Assert.True(Assert.Single(supervised.Items, i => i.Kind == "payment-held").Escalated);
    }

    [Fact]
    public async Task C21_a_reminder_that_somebody_edited_records_no_miss_before_its_day_and_comes_on_it()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        var mine = $"position('{village.ApplicationId}'::bytea in body) > 0";
        await using (var connection = await api.Database.OpenConnectionAsync())
            Assert.Equal(
                1,
                await connection.ExecuteAsync(
                    $"""
                    update {Queue}
                       set execution_time = now(),
                           body = decode(regexp_replace(encode(body, 'escape'),
                                                        '("dueAt":")[0-9][0-9][0-9][0-9]-[0-9][0-9]-[0-9][0-9]',
                                                        '\12026-01-02', 'i'), 'escape')
                     where status = 'Scheduled'
                       and {mine}
                       and encode(body, 'escape') ~* '"dueAt":"[0-9]'
                    """
                )
            );
        // It was called, looked, and is to be called again on the day.
        await ApiFixture.EventuallyAsync(
            async () =>
                await api.ScalarAsync<long>(
                    $"""
                    select count(*) from {Queue}
                     where status = 'Scheduled' and {mine} and execution_time > now() + interval '1 hour'
                    """
                ) == 1
                || (await MissedAsync(village)).Length > 0,
            "the edited reminder was looked at"
        );
        Assert.Empty(await MissedAsync(village));
        api.Clock.Advance(TimeSpan.FromDays(16));
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await RingAsync(api.Database);
                return (await MissedAsync(village)).Length > 0;
            },
            "the missed review is recorded"
        );
        Assert.Equal(["review"], await MissedAsync(village));
    }

    [Fact]
    public async Task C21_a_deadline_whose_reminder_somebody_deleted_is_on_the_supervision_list()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        await using (var connection = await api.Database.OpenConnectionAsync())
            Assert.True(
                await connection.ExecuteAsync(
                    $"""
                    delete from {Queue}
                     where status = 'Scheduled'
                       and position('{village.ApplicationId}'::bytea in body) > 0
                    """
                ) > 0
            );
        api.Clock.Advance(TimeSpan.FromDays(16));
        var supervised = await village.Offices.CountyHrss.GetAsync<SupervisionView>("/api/supervision");
        Assert.Contains(supervised.Items, i => i.Kind == "overdue-review");
        Assert.Empty(await MissedAsync(village));
    }

    [Fact]
    public async Task C21_a_message_that_nobody_can_read_stops_no_reminder_and_is_a_dead_letter()
    {
        var (late, people) = await api.ReadyToFileAsync(1);
        await late.FileAsync(people);
        await using var connection = await api.Database.OpenConnectionAsync();
        await connection.ExecuteAsync(
            $"""
            insert into {Queue} (id, status, owner_id, execution_time, attempts, body, message_type, received_at)
            select gen_random_uuid(), 'Scheduled', 0, now() - interval '1 hour', 0, decode('deadbeef', 'hex'),
                   'nobodys', received_at
              from {Queue}
             where message_type like '%DeadlineDue' limit 1
            """
        );
        api.Clock.Advance(TimeSpan.FromDays(16));
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await RingAsync(api.Database);
                return (await MissedAsync(late)).Length > 0;
            },
            "the reminder came all the same"
        );
        var administrator = api.Client(
            new Domain.Actor($"administrator.{late.Offices.County}", Roles.Administrator, late.Offices.County)
        );
        var letters = await administrator.GetAsync<IReadOnlyList<DeadLetterView>>("/api/operation/dead-letters");
        Assert.Contains(letters, l => l.Reason.StartsWith("Unreadable", StringComparison.Ordinal));
        await connection.ExecuteAsync("delete from wolverine.wolverine_dead_letters where message_type = 'nobodys'");
    }

    [Fact]
    public async Task C21_a_reminder_that_fails_for_good_is_seen_by_its_administrator_and_tried_again()
    {
        var (village, people) = await api.ReadyToFileAsync(1);
        await village.FileAsync(people);
        SampleClient Administrator(string region) =>
            api.Client(new Domain.Actor($"administrator.{region}", Roles.Administrator, region));
        var (own, foreign) = (Administrator(village.Offices.County), Administrator("991100"));
        async Task<DeadLetterView?> LetterAsync(SampleClient administrator) =>
            (
                await administrator.GetAsync<IReadOnlyList<DeadLetterView>>("/api/operation/dead-letters")
            ).SingleOrDefault(l => l.ApplicationId == village.ApplicationId);

        await using (var connection = await api.Database.OpenConnectionAsync())
            await connection.ExecuteAsync(
                $"""
                create function ledger.broken() returns trigger language plpgsql as $$
                begin
                  raise exception 'broken for a test';
                end $$;
                create trigger broken before insert on ledger.mt_events for each row
                  when (new.type = 'deadline_missed' and new.stream_id = '{village.ApplicationId}')
                  execute function ledger.broken();
                """
            );
        try
        {
            api.Clock.Advance(TimeSpan.FromDays(16));
            await ApiFixture.EventuallyAsync(
                async () =>
                {
                    await RingAsync(api.Database);
                    return await LetterAsync(own) is not null;
                },
                "the message has failed for good"
            );
        }
        finally
        {
            await using var connection = await api.Database.OpenConnectionAsync();
            await connection.ExecuteAsync("drop function ledger.broken cascade");
        }
        var letter = (await LetterAsync(own))!;
        Assert.Equal(DeadlineKind.Review, letter.Deadline);
        Assert.Contains("broken for a test", letter.Reason);
        Assert.Empty(await MissedAsync(village));
        Assert.Null(await LetterAsync(foreign));
        // A letter that somebody edited hides no other.
        await using (var connection = await api.Database.OpenConnectionAsync())
            await connection.ExecuteAsync(
                """
                create temp table letters as select * from wolverine.wolverine_dead_letters limit 2;
                update letters set id = gen_random_uuid(), body = 'x';
                insert into wolverine.wolverine_dead_letters select * from letters limit 1;
                update letters set id = gen_random_uuid(),
                       body = (select decode(replace(encode(body, 'escape'), 'applicationId', 'applicationIx'),
                                             'escape')
                                 from wolverine.wolverine_dead_letters where body <> 'x' limit 1);
                insert into wolverine.wolverine_dead_letters select * from letters limit 1;
                """
            );
        Assert.NotNull(await LetterAsync(own));
        await api.Http.GetStringAsync("/health/ready");
        await using (var connection = await api.Database.OpenConnectionAsync())
            await connection.ExecuteAsync(
                """
                delete from wolverine.wolverine_dead_letters
                 where body = 'x' or position('applicationIx'::bytea in body) > 0
                """
            );
        var replay = $"/api/operation/dead-letters/{letter.Id}/replay";
        await api.Host.RefusedAsync("not-found", foreign, replay);
        await own.PostAsync(replay);
        await ApiFixture.EventuallyAsync(async () => (await MissedAsync(village)).Length > 0, "it was tried again");
        Assert.Equal(["review"], await MissedAsync(village));
        Assert.Null(await LetterAsync(own));
        await api.Host.RefusedAsync("not-found", own, replay);
    }

    [Fact]
    public async Task C21_a_scheduled_deadline_survives_kill_9_and_restart()
    {
        // The county's deadlines were scheduled by a process that was killed, twice (LoadedSample).
        await using var again = await SampleProduct.StartAsync(api, "ledger_deadline", "AUDITOR");
        await using var source = Npgsql.NpgsqlDataSource.Create(again.ConnectionString);
        again.Http.DefaultRequestHeaders.Add("Idempotency-Key", "clock");
        (await again.Http.PostAsync("/api/sample/clock?days=100", null)).EnsureSuccessStatusCode();
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                await RingAsync(source);
                var page = await again.Http.ReadAsync<AuditPage>("/api/audit/events?type=deadline_missed");
                return page
                    .Entries.Select(e => e.Body.GetProperty("kind").GetString())
                    .Distinct()
                    .Order()
                    .SequenceEqual(["credit", "objection-answer", "payment", "review"]);
            },
            "every kind of deadline is missed after 100 days"
        );
    }
}
