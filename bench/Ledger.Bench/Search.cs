using System.Diagnostics;
using System.Text.RegularExpressions;
using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Npgsql;
using static Ledger.Bench.Statistics;

namespace Ledger.Bench;

/// <summary>
/// The one box: each kind of question, by a county's auditor and by the city, beside a history of so many events and a
/// twelfth as many people in villages of 2,500.
/// </summary>
public static partial class Search
{
    private const int VillagePeople = 2_500,
        Payments = 200_000,
        Rounds = 40;
    private const string County = SampleStory.County,
        OtherCounty = "370829",
        FirstNumber = "9208131000000001";

    private sealed record Question(string What, Func<SampleClient, Task> AskAsync, bool IsCity = false);

    /// <param name="gates">A command that waits for the machine, and ends when its input does; null: nobody else uses
    /// it.</param>
    public static async Task RunAsync(PrivateCluster cluster, string folder, int events, string? gates, Report report)
    {
        var ledger = await BenchDatabase.NewAsync(cluster, folder, "search");
        await History.FillAllAsync(ledger, events, []);
        var villages = Math.Max(4, events / 12 / VillagePeople);
        await FillAsync(ledger, villages);
        using var machine = gates is null
            ? null
            : Process.Start(
                new ProcessStartInfo("/bin/sh", ["-c", gates])
                {
                    RedirectStandardInput = true,
                    RedirectStandardOutput = true,
                }
            );
        if (machine is not null)
            await machine.StandardOutput.ReadLineAsync();
        await using (var api = await ApiProcess.StartAsync(Settings(ledger)))
            await MeasureAsync(ledger, api.Http, await ledger.OpenAsync(api.Http), events, report);
        await PlansAsync(ledger, folder);
        machine?.StandardInput.Close();
    }

    /// <summary>As many questions as are measured are more than a person asks.</summary>
    private static Dictionary<string, string> Settings(BenchDatabase ledger) =>
        new(ledger.Settings) { ["Ledger__RateLimit__PerUser"] = "0" };

    private static string VillageOf(int i) => i % 3 == 2 ? $"{OtherCounty}{i:000000}" : $"{County}{i:000000}";

    private static SamplePerson Somebody(int village) =>
        new SamplePeople(village).Take(VillagePeople, VillageOf(village)[..6])[^1];

    /// <summary>People as the product writes them, their collectives, payments of funds by the bank's number.</summary>
    private static async Task FillAsync(BenchDatabase ledger, int villages)
    {
        var people = new PersonalData(ledger.Keys, null!); // nothing is found wrong while it is written
        await using var connection = await History.OpenAsync(ledger.ConnectionString);
        await connection.ExecuteAsync("set session_replication_role = replica");
        for (var i = 0; i < villages; i++)
        {
            var county = VillageOf(i)[..6];
            var code = SamplePeople.CreditCode(county, i);
            await people.AddAsync(
                connection,
                [
                    .. new SamplePeople(i)
                        .Take(VillagePeople, county)
                        .Select(p =>
                            (
                                StreamId.NewMember(),
                                CitizenId.Parse(p.CitizenId, out _),
                                new Person(p.Name, p.CitizenId, p.Phone, null, new byte[16])
                            )
                        ),
                ],
                collectiveId: $"collective-{code}"
            );
            await connection.ExecuteAsync(
                """
                insert into ledger.mt_doc_collective (id, data, mt_version, region)
                values (@id, jsonb_build_object('id', @id, 'revision', 1, 'region', @region, 'creditCode', @code,
                                                'name', @name), 1, @region)
                """,
                ("id", $"collective-{code}"),
                ("code", code),
                ("name", $"第{i}村股份经济合作社"),
                ("region", VillageOf(i))
            );
        }
        foreach (var statement in Statements)
            await History.RunAsync(connection, statement, ("first", long.Parse(FirstNumber)), ("payments", Payments));
    }

    private static readonly string[] Statements =
    [
        """
            insert into ledger.mt_doc_member (id, data, mt_version, region)
            select p.member_id,
                   jsonb_build_object('id', p.member_id, 'revision', 1, 'region', c.region,
                                      'memberships', jsonb_build_object(c.id, c.region)),
                   1, c.region
              from ledger.person p
              join ledger.name_list l on l.id = p.list_id
              join ledger.mt_doc_collective c on c.id = l.collective_id
            """,
        $"""
            insert into ledger.mt_doc_fund (id, data, mt_version, region)
            select 'fund-' || substr(id, 12),
                   jsonb_build_object('id', 'fund-' || substr(id, 12), 'name', data ->> 'name', 'region', region), 1,
                   region
              from ledger.mt_doc_collective
             where id like 'collective-N2{County}%'
            """,
        """
            with f as (select id, region, row_number() over (order by id) - 1 as nr, count(*) over () as many
                         from ledger.mt_doc_fund where data ->> 'name' like '第%')
            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                          mt_dotnet_type, headers, is_archived)
            select nextval('ledger.mt_events_sequence'), gen_random_uuid(), f.id, n / f.many + 1,
                   jsonb_build_object('applicationId', 'application-' || md5(n::text), 'amountFen', 100000 + n,
                                      'lines', 9,
                                      'bankReference', (@first + n)::text,
                                      'evidence', jsonb_build_array(md5(n::text))),
                   'funds_paid', now(), '*DEFAULT*', 'Ledger.Domain.Funds.FundsPaid, Ledger.Domain',
                   jsonb_build_object('role', 'village-finance', 'actor', 'officer', 'region', f.region,
                                      'command', 'sign-payment', 'effectiveDate', '2026-11-01', 'idempotencyKey', 'x',
                                      'mark', ''),
                   false
              from generate_series(0, @payments - 1) n join f on f.nr = n % f.many
            """,
        """
            insert into ledger.audit_entry (seq, event_id, stream, version, type, recorded_at, effective_date, actor,
                                            role, region, amount_fen, code, evidence, ids)
            select seq_id, id, stream_id, version, type, timestamp, '2026-11-01', 'officer', 'village-finance',
                   headers ->> 'region', (data ->> 'amountFen')::bigint, null, '{}', array[stream_id]
              from ledger.mt_events
             where type = 'funds_paid'
            """,
        """
            update ledger.mt_event_progression set last_seq_id = (select max(seq_id) from ledger.mt_events)
             where name in ('HighWaterMark', 'AuditTrail:All', 'WorkQueue:All')
            """,
        "update ledger.log_state set low_water = (select max(seq_id) from ledger.mt_events)",
        "vacuum analyze ledger.person",
        "vacuum analyze ledger.name_list",
        "vacuum analyze ledger.mt_doc_member",
        "vacuum analyze ledger.mt_doc_collective",
        "vacuum analyze ledger.mt_doc_fund",
        "vacuum analyze ledger.audit_entry",
        "vacuum analyze ledger.mt_events",
        "checkpoint",
    ];

    private static Task AskAsync(SampleClient who, string q) =>
        who.GetAsync($"/api/search?q={Uri.EscapeDataString(q)}");

    /// <summary>Each time another of its kind, so that nothing is measured that was just read.</summary>
    private static IReadOnlyList<Question> Questions(string application, IReadOnlyList<SamplePerson> people)
    {
        var n = 0;
        SamplePerson Next() => people[n++ % people.Count];
        long Number() => long.Parse(FirstNumber) + n++ * 4_999L % Payments;
        return
        [
            new("person, whole name", w => AskAsync(w, Next().Name)),
            new("person, part of a name", w => AskAsync(w, Next().Name[1..])),
            new("person, a part that nobody has", w => AskAsync(w, "欧阳寻")),
            new("person, last four", w => AskAsync(w, Next().CitizenId[^4..])),
            new("person, part of a name, the city", w => AskAsync(w, Next().Name[1..]), true),
            new("person, last four, the city", w => AskAsync(w, Next().CitizenId[^4..]), true),
            new("person, whole id (to the beat)", w => w.PostAsync("/api/search", new { q = Next().CitizenId })),
            new("bank reference", w => AskAsync(w, $"{Number()}")),
            new("amount", w => AskAsync(w, $"{1000 + n++ * 4_999 % Payments / 100m:0.00}")),
            new("an amount that all lines have", w => AskAsync(w, "100.00")),
            new("receipt of the tax office", w => AskAsync(w, $"SW{2 + n++ * 2_002:000000000000}")),
            new("collective, part of the name", w => AskAsync(w, $"第{n++ % 50}村")),
            new("collective, credit code", w => AskAsync(w, SamplePeople.CreditCode(County, 3 * (n++ % 15)))),
            new("region", w => AskAsync(w, VillageOf(3 * (n++ % 15)))),
            new("application, how its id begins", w => AskAsync(w, application)),
            new("officer, whole name", w => AskAsync(w, Next().Name)),
            new("event number", w => AskAsync(w, $"#{1 + n++ * 997}")),
            new("day", w => AskAsync(w, $"2026-11-{1 + n++ % 28:00}")),
        ];
    }

    private static async Task<IReadOnlyList<Question>> QuestionsAsync(BenchDatabase ledger, int villages)
    {
        await using var connection = await History.OpenAsync(ledger.ConnectionString);
        var application = (
            await connection.QueryAsync("select min(id) from ledger.mt_doc_application", r => r.GetString(0))
        ).Single();
        return Questions(application[..28], [.. Enumerable.Range(0, Math.Min(villages, 30)).Select(Somebody)]);
    }

    private static async Task MeasureAsync(
        BenchDatabase ledger,
        HttpClient http,
        SampleOffices offices,
        int events,
        Report report
    )
    {
        // The city's offices read no people, its auditor does.
        var city = new SampleClient(http, ledger.Tokens, new Actor("auditor.3708", Roles.Auditor, County[..4]));
        foreach (var question in await QuestionsAsync(ledger, Math.Max(4, events / 12 / VillagePeople)))
        {
            var times = new List<double>();
            for (var i = 0; i < Rounds + 5; i++)
            {
                var watch = Stopwatch.StartNew();
                await question.AskAsync(question.IsCity ? city : offices.Auditor);
                if (i >= 5) // the first ones only warm up
                    times.Add(watch.Elapsed.TotalMilliseconds);
            }
            times.Sort();
            report.Add(
                "search",
                $"{question.What}, {events:N0} events",
                Median(times),
                "ms",
                noise: (times[times.Count * 3 / 4] - times[times.Count / 4]) / Median(times)
            );
        }
    }

    /// <summary>Of each question the plans of its statements, as the server went about them.</summary>
    private static async Task PlansAsync(BenchDatabase ledger, string folder)
    {
        await using (var connection = await History.OpenAsync(ledger.ConnectionString))
            foreach (
                var setting in new[]
                {
                    "session_preload_libraries = 'auto_explain'",
                    "auto_explain.log_min_duration = 0",
                    "auto_explain.log_analyze = on",
                    "auto_explain.log_buffers = on",
                    "auto_explain.log_timing = off",
                }
            )
                await connection.ExecuteAsync($"alter database search set {setting}");
        NpgsqlConnection.ClearAllPools();
        await using var api = await ApiProcess.StartAsync(Settings(ledger));
        var tokens = ledger.Tokens;
        var offices = new SampleOffices(actor => new SampleClient(api.Http, tokens, actor), County);
        var log = Path.Combine(folder, "postgresql.log");
        var plans = new List<string>();
        foreach (var question in await QuestionsAsync(ledger, 30))
        {
            await question.AskAsync(offices.Auditor); // what the product reads once
            var before = new FileInfo(log).Length;
            await question.AskAsync(offices.Auditor);
            await Task.Delay(200);
            await using var file = new FileStream(log, FileMode.Open, FileAccess.Read, FileShare.ReadWrite);
            file.Seek(before, SeekOrigin.Begin);
            var text = await new StreamReader(file).ReadToEndAsync();
            plans.Add($"== {question.What}");
            plans.AddRange(Plan().Matches(text).Select(m => m.Value.Trim()).Where(p => Ours().IsMatch(p)));
        }
        await File.WriteAllLinesAsync(
            Path.Combine(Environment.GetEnvironmentVariable("LEDGER_BENCH_RESULTS") ?? "/tmp", "search-plans.txt"),
            plans
        );
    }

    [GeneratedRegex(@"duration: [0-9.]+ ms  plan:\n(?:\t.*\n)+")]
    private static partial Regex Plan();

    /// <summary>Of the statements that search gives, not of what goes on beside it.</summary>
    [GeneratedRegex("name_list|person|mt_doc_collective|mt_doc_application|plain_number|audit_entry|mt_doc_donor")]
    private static partial Regex Ours();
}
