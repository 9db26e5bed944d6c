using System.Diagnostics;
using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;
using Npgsql;

namespace Ledger.Api.Tests.Faults;

/// <summary>
/// Compares what the clients were told with what PostgreSQL holds, in SQL of its own: of the product it knows the
/// tables, no code. Whole means: all that a command of this kind writes, by one transaction, together with the answer
/// kept for its key.
/// </summary>
public static class LedgerChecker
{
    /// <summary>What a command writes once it is done, by method and path.</summary>
    private static readonly (Regex Request, (string Type, int Count)[] Events)[] Effects =
    [
        (new(@"^PUT /api/policy-years/"), [("policy_year_published", 1)]),
        (new(@"^POST /api/pilots$"), [("pilot_applied", 1)]),
        (new(@"^POST /api/pilots/[^/]+/decision"), [("pilot_approved", 1)]),
        (new(@"^POST /api/subscriptions$"), [("subscription_opened", 1)]),
        (new(@"^POST /api/subscriptions/[^/]+/confirmation$"), [("subscription_confirmed", 1)]),
        (new(@"^POST /api/collectives$"), [("collective_registered", 1)]),
        (new(@"^POST /api/funds$"), [("fund_opened", 1)]),
        (new(@"^PUT /api/collectives/[^/]+/surveys/"), [("collective_surveyed", 1)]),
        (new(@"^POST /api/funds/[^/]+/allocations$"), [("funds_allocated", 1)]),
        (new(@"^POST /api/members/import"), [("member_registered", CountyYear.People)]),
        (new(@"^POST /api/contributions/import"), [("contribution_recorded", CountyYear.People)]),
        (new(@"^POST /api/plans$"), [("plan_drafted", 1)]),
        (new(@"^POST /api/plans/[^/]+/resolution$"), [("resolution_recorded", 1)]),
        (new(@"^POST /api/plans/[^/]+/adoption$"), [("plan_adopted", 1)]),
        (new(@"^POST /api/applications$"), [("application_filed", 1), ("lines_listed", 1)]),
        (new(@"^POST /api/applications/[^/]+/review$"), [("application_reviewed", 1)]),
        (
            new(@"^POST /api/applications/[^/]+/approval$"),
            [("application_approved", 1), ("funds_reserved", 1), ("subsidy_approved", CountyYear.People)]
        ),
        (new(@"^POST /api/applications/[^/]+/notice$"), [("notice_published", 1)]),
        (
            new(@"^POST /api/applications/[^/]+/payment$"),
            [("funds_paid", 1), ("payment_sent", 1), ("subsidy_paid", CountyYear.People)]
        ),
        (
            new(@"^POST /api/applications/[^/]+/receipts/import"),
            [("funds_credited", 1), ("receipt_confirmed", 1), ("subsidy_credited", CountyYear.People)]
        ),
        (new(@"^POST /api/applications/[^/]+/settlement$"), [("application_settled", 1)]),
        (new(@"^POST /api/evidence$"), []),
    ];

    /// <summary>Nobody's command: a deadline that passed (C21).</summary>
    private const string OfItself = "deadline_missed";

    private sealed record Written(
        string Actor,
        string Key,
        string Type,
        long Fen,
        string Transaction,
        string Stream,
        long Version,
        string About
    );

    private sealed record Kept(string Transaction, int Status, byte[] Body);

    /// <returns>What was found; how many events there are; how long read models and log took to have them all, once the
    /// clients were done.</returns>
    public static async Task<(IReadOnlyList<Violation> Violations, int Events, TimeSpan Settled)> CheckAsync(
        Machine machine,
        SampleClient auditor,
        Journal journal
    )
    {
        var found = new List<Violation>(journal.Violations);
        void Say(string kind, string what) => found.Add(new Violation(kind, what));

        await using var database = NpgsqlDataSource.Create(machine.ConnectionString);
        var settling = Stopwatch.StartNew();
        await SettledAsync(database, Say);
        var settled = settling.Elapsed;
        var events = await ReadAsync(
            database,
            """
            select headers ->> 'actor', headers ->> 'idempotencyKey', type, coalesce((data ->> 'amountFen')::bigint, 0),
                   xmin::text, stream_id, version, coalesce(data ->> 'allocationId', '?')
              from ledger.mt_events
             order by seq_id
            """,
            r => new Written(
                r.GetString(0),
                r.GetString(1),
                r.GetString(2),
                r.GetInt64(3),
                r.GetString(4),
                r.GetString(5),
                r.GetInt64(6),
                r.GetString(7)
            )
        );
        var kept = (
            await ReadAsync(
                database,
                "select actor, key, xmin::text, status, body from ledger.idempotency",
                r =>
                    (
                        Id: (r.GetString(0), r.GetString(1)),
                        Value: new Kept(r.GetString(2), r.GetInt32(3), r.GetFieldValue<byte[]>(4))
                    )
            )
        ).ToDictionary(k => k.Id, k => k.Value);
        var byKey = events
            .Where(e => e.Type != OfItself)
            .GroupBy(e => (e.Actor, e.Key))
            .ToDictionary(g => g.Key, g => g.ToList());

        // Every command that a client sent: there as it was told, once, whole; or, when it was told nothing, whole or
        // not there.
        foreach (var command in journal.Commands)
        {
            var what = $"{command.Method} {command.Path} by {command.Actor}, key {command.Key}";
            var own = byKey.GetValueOrDefault((command.Actor, command.Key)) ?? [];
            var answer = kept.GetValueOrDefault((command.Actor, command.Key));
            var effect = Effects.Single(e => e.Request.IsMatch($"{command.Method} {command.Path}")).Events;
            var done = answer?.Status is >= 200 and < 300;
            if (command.IsDone && answer is null)
                Say(own.Count == 0 ? "lost" : "half", $"{what}: acknowledged, and no answer is kept");
            if (command.IsDone && own.Count == 0 && effect.Length > 0)
                Say("lost", $"{what}: acknowledged, and no event is there");
            if (
                command.Status is { } status
                && answer is not null
                && (answer.Status != status || !answer.Body.AsSpan().SequenceEqual(command.Answer))
            )
                Say("answer", $"{what}: was told {status}, kept is {answer.Status}");
            if (command.Status is >= 400 && answer is null && own.Count > 0)
                Say("half", $"{what}: refused at the door, and events are there");
            if (answer is null && own.Count == 0)
                continue;
            if (own.Select(e => e.Transaction).Distinct().Count() > 1)
                Say("twice", $"{what}: written by {own.Select(e => e.Transaction).Distinct().Count()} transactions");
            if (answer is null || own.Any(e => e.Transaction != answer.Transaction))
                Say("half", $"{what}: events without their answer, or of another transaction");
            var expected = answer is null || done ? effect : [("command_refused", 1)];
            var counted = own.GroupBy(e => e.Type)
                .Select(g => (Type: g.Key, Count: g.Count()))
                .OrderBy(c => c.Type, StringComparer.Ordinal)
                .ToList();
            if (
                !counted.SequenceEqual(
                    expected.Select(e => (e.Type, e.Count)).OrderBy(e => e.Type, StringComparer.Ordinal)
                )
            )
                Say(
                    counted.Sum(c => c.Count) > expected.Sum(e => e.Item2) ? "twice" : "half",
                    $"{what}: wrote {string.Join(", ", counted)}"
                );
            // What a caller is told is about his own: he and the table may have been given another's alike.
            if (
                effect is [("funds_allocated", _)]
                && done
                && !own.Any(e => Encoding.UTF8.GetString(answer!.Body).Contains(e.About, StringComparison.Ordinal))
            )
                Say("answer", $"{what}: the answer is about {Encoding.UTF8.GetString(answer!.Body)}");
            if (effect is [("funds_allocated", _)] && done && own.Sum(e => e.Fen) != Fen(command.Request!))
                Say("half", $"{what}: asked for {Fen(command.Request!)} fen, {own.Sum(e => e.Fen)} are there");
        }

        // Nothing that nobody asked for.
        var sent = journal.Commands.Select(c => (c.Actor, c.Key)).ToHashSet();
        foreach (var key in byKey.Keys.Concat(kept.Keys).Distinct().Except(sent))
            Say("twice", $"{key}: nobody sent it");
        foreach (var missed in events.Where(e => e.Type == OfItself).GroupBy(e => e.Stream).Where(g => g.Count() > 3))
            Say("twice", $"{missed.Key}: {missed.Count()} deadlines missed");

        // Streams without a gap, and versions that say so.
        foreach (
            var stream in events
                .GroupBy(e => e.Stream)
                .Where(g =>
                    !g.Select(e => e.Version).Order().SequenceEqual(Enumerable.Range(1, g.Count()).Select(i => (long)i))
                )
        )
            Say("half", $"{stream.Key}: versions {string.Join(",", stream.Select(e => e.Version))}");
        foreach (
            var stream in await ReadAsync(
                database,
                """
                select s.id
                  from ledger.mt_streams s
                  left join (select stream_id, count(*) n from ledger.mt_events group by 1) e on e.stream_id = s.id
                 where s.version is distinct from e.n
                """,
                r => r.GetString(0)
            )
        )
            Say("half", $"{stream}: its version is not the number of its events");
        foreach (
            var person in await ReadAsync(
                database,
                """
                select member_id
                  from ledger.person p
                  full join (select distinct stream_id
                               from ledger.mt_events
                              where type = 'member_registered') e on e.stream_id = p.member_id
                 where e.stream_id is null or p.member_id is null
                """,
                r => r.IsDBNull(0) ? "" : r.GetString(0)
            )
        )
            Say("half", $"person {person} without events, or events without the person");

        // Read models.
        foreach (
            var entry in await ReadAsync(
                database,
                """
                select coalesce(e.seq_id, a.seq)
                  from ledger.mt_events e
                  full join ledger.audit_entry a on a.seq = e.seq_id and a.event_id = e.id
                 where e.seq_id is null or a.seq is null
                """,
                r => r.GetInt64(0)
            )
        )
            Say("projection", $"the audit trail and the events differ at {entry}");
        foreach (
            var fund in await ReadAsync(
                database,
                """
                with moved as (
                    select stream_id, type, (data ->> 'amountFen')::bigint as fen from ledger.mt_events)
                select f.id
                  from ledger.mt_doc_fund f,
                       lateral (select coalesce(sum(fen) filter (where type = 'funds_allocated'), 0) came,
                                       coalesce(sum(fen) filter (where type = 'funds_credited'), 0) credited,
                                       coalesce(sum(fen) filter (where type = 'funds_reserved'), 0) reserved
                                  from moved
                                 where stream_id = f.id) e
                 where (f.data ->> 'allocatedFen')::bigint <> e.came
                    or (f.data ->> 'creditedFen')::bigint <> e.credited
                    or (f.data ->> 'availableFen')::bigint <> e.came - e.reserved
                """,
                r => r.GetString(0)
            )
        )
            Say("projection", $"{fund}: its balance does not follow from its events");
        if (
            await ReadAsync(
                database,
                $"""
                select count(*)
                  from ledger.mt_doc_fund
                 where (data ->> 'creditedFen')::bigint = {CountyYear.People * 100_00}
                """,
                r => r.GetInt64(0)
            )
            is not [CountyYear.Villages]
        )
            Say("lost", "a village's subsidies have not arrived");
        var (exit, output) = await machine.CommandAsync("check", "--clock-margin", Machine.ClockMargin);
        if (exit != 0)
            Say(output.Contains("Log ", StringComparison.Ordinal) ? "log" : "projection", output);

        // The log, with the tool that strangers use.
        var folder = Directory.CreateTempSubdirectory("ledger-verify");
        try
        {
            async Task<string> DownloadAsync(string path, string name)
            {
                var file = Path.Combine(folder.FullName, name);
                using var response = await auditor.SendAsync(HttpMethod.Get, path, null);
                await File.WriteAllBytesAsync(file, await response.Content.ReadAsByteArrayAsync());
                return file;
            }
            var (code, said) = Programs.Verify(
                "log",
                await DownloadAsync("/api/exports/log", "log.jsonl"),
                "--checkpoint",
                await DownloadAsync("/log/checkpoint", "checkpoint"),
                "--key",
                await DownloadAsync("/log/keys", "keys"),
                "--clock-margin",
                Machine.ClockMargin
            );
            // A deadline that passes meanwhile adds an event by itself.
            var now = (await ReadAsync(database, "select count(*) from ledger.mt_events", r => r.GetInt64(0))).Single();
            var verified = long.Parse(
                Regex.Match(said, "([0-9]+) 条与检查点相符").Groups[1].ValueSpan is { Length: > 0 } n ? n : "-1",
                System.Globalization.CultureInfo.InvariantCulture
            );
            if (code != 0 || verified < events.Count || verified > now)
                Say("log", $"{events.Count} to {now} events; {said}");
        }
        finally
        {
            folder.Delete(recursive: true);
        }
        return (found, events.Count, settled);
    }

    /// <summary>Projections and log have taken in everything, or do not get there.</summary>
    private static async Task SettledAsync(NpgsqlDataSource database, Action<string, string> say)
    {
        const string sql = """
            select (select max(seq_id) from ledger.mt_events)
                     - (select min(coalesce(p.last_seq_id, 0))
                          from unnest(array['AuditTrail:All', 'WorkQueue:All']) n
                          left join ledger.mt_event_progression p on p.name = n),
                   (select count(*) from ledger.mt_events) - coalesce((select max(size) from ledger.log_checkpoint), 0)
            """;
        for (var tries = 0; tries < 900; tries++)
        {
            if (
                (await ReadAsync(database, sql, r => (Behind: r.GetInt64(0), Unsigned: r.GetInt64(1)))).Single() is
                { Behind: <= 0, Unsigned: <= 0 }
            )
                return;
            await Task.Delay(100);
        }
        var (behind, unsigned) = (await ReadAsync(database, sql, r => (r.GetInt64(0), r.GetInt64(1)))).Single();
        if (behind > 0)
            say("projection", $"{behind} events behind, 90 s after the last command");
        if (unsigned > 0)
            say("log", $"{unsigned} events unsigned, 90 s after the last command");
    }

    private static long Fen(string request) =>
        (long)(JsonDocument.Parse(request).RootElement.GetProperty("amount").GetDecimal() * 100);

    private static async Task<List<T>> ReadAsync<T>(
        NpgsqlDataSource database,
        string sql,
        Func<NpgsqlDataReader, T> row
    )
    {
        await using var command = database.CreateCommand(sql);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
            rows.Add(row(reader));
        return rows;
    }
}
