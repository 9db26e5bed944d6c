using Ledger.Api.Storage;
using Ledger.Api.Tests;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Members;
using Ledger.Store.Axes;
using Marten;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Bench;

/// <summary>
/// A history of any size, written straight into the tables: half of the members' lines lie in one fund, the others in
/// funds of 5,000. Allocations end in the middle of lines; one line in fifty was withdrawn and its fen given out anew.
/// </summary>
public static class History
{
    private const int LinesEach = 500,
        LinesPerAllocation = 130,
        LineFen = 10_000,
        SmallFund = 5_000;

    /// <summary>Before this month with the longest history, and after the earliest day that the tables take.</summary>
    private static readonly DateTimeOffset Began = new(2026, 1, 1, 0, 0, 0, TimeSpan.Zero);

    public static DocumentStore Store(string connectionString) =>
        DocumentStore.For(o =>
        {
            o.Connection(connectionString);
            o.DatabaseSchemaName = LedgerStore.Schema;
            o.UseSystemTextJsonForSerialization(
                Weasel.Core.EnumStorage.AsString,
                Weasel.Core.Casing.CamelCase,
                Ledger.Store.StoredForm.Apply
            );
        });

    /// <summary>
    /// All that a product has which has been in use for long, of other counties: events, read models, kept answers. Its
    /// tables are made first.
    /// </summary>
    /// <param name="actors">Under whose names the answers are kept; none: no answers.</param>
    public static async Task FillAllAsync(BenchDatabase ledger, int events, string[] actors)
    {
        await ledger.MakeTablesAsync();
        var connectionString = ledger.ConnectionString;
        using (var store = Store(connectionString))
            await FillAsync(connectionString, store, events / 2, withContributions: true, region: "370812102201");
        await FillReadModelsAsync(connectionString);
        if (actors.Length > 0)
            await FillAnswersAsync(connectionString, actors);
    }

    /// <param name="withContributions">Each line's own contribution too, as another event, and the policy year: then
    /// the events keep every promise that ledger-verify checks.</param>
    public static async Task<(List<FenSpan> Lines, List<(string FundId, string AllocationId)> Allocations)> FillAsync(
        string connectionString,
        IDocumentStore store,
        int size,
        bool withContributions = false,
        string region = "370811102201"
    )
    {
        var lines = new List<FenSpan>();
        var allocations = new List<(string, string)>();
        var small = Math.Max(1, size / 2 / SmallFund);
        long sequence = 0;
        var copying = new NpgsqlConnection[3];
        for (var i = 0; i < copying.Length; i++)
        {
            copying[i] = new NpgsqlConnection(connectionString);
            await copying[i].OpenAsync();
            // Foreign keys and triggers are not what is measured.
            await copying[i].ExecuteAsync("set session_replication_role = replica");
        }
        if (withContributions)
            await PolicyAsync();
        for (var fund = 0; fund <= small; fund++)
        {
            var count = fund == 0 ? size / 2 : (size - size / 2) / small;
            await FillFundAsync($"fund-N237081{fund:00000}MF000001X", count);
            if (!Console.IsErrorRedirected)
                Console.Error.Write($"\r{size:N0}: fund {fund} of {small}   ");
        }
        foreach (var done in copying)
            await done.DisposeAsync();
        await using var connection = new NpgsqlConnection(connectionString);
        await connection.OpenAsync();
        await connection.QueryAsync(
            "select setval('ledger.mt_events_sequence', @last)",
            r => r.GetInt64(0),
            ("last", sequence)
        );
        // The asynchronous projections are not what is measured: they begin behind this history.
        foreach (var name in new[] { "HighWaterMark", "AuditTrail:All", "WorkQueue:All" })
            await connection.ExecuteAsync(
                """
                insert into ledger.mt_event_progression (name, last_seq_id)
                values (@name, @last)
                    on conflict (name) do update set last_seq_id = excluded.last_seq_id
                """,
                ("name", name),
                ("last", sequence)
            );
        // Copied in, as from a build before there were marks.
        await connection.ExecuteAsync(
            "update ledger.bound set value = @last where name = 'marked-from'",
            ("last", sequence)
        );
        await connection.ExecuteAsync("vacuum analyze ledger.fen_axis");
        await connection.ExecuteAsync("vacuum analyze ledger.mt_events");
        await connection.ExecuteAsync("vacuum analyze ledger.mt_doc_memberyear");
        await connection.ExecuteAsync("checkpoint");
        return (lines, allocations);

        async Task FillFundAsync(string fundId, int count)
        {
            var random = new Random(fundId.GetHashCode(StringComparison.Ordinal));
            var json = store.Options.Serializer();
            await using var events = await CopyAsync(
                0,
                "mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id, "
                    + "mt_dotnet_type, headers, is_archived)"
            );
            await using var axes = await CopyAsync(
                1,
                "fen_axis (axis, account, fen_from, fen_to, kind, reference, origin_account, origin_from, "
                    + "member_year, event_id)"
            );
            await using var years = await CopyAsync(2, "mt_doc_memberyear (id, data, mt_version, region)");
            var (version, inFen, outFen, done) = (0, 0L, 0L, 0);
            await WriteAsync(fundId, ++version, new FundOpened($"collective-{fundId[5..]}", fundId, region));
            while (done < count)
            {
                var application = $"application-{Guid.CreateVersion7():N}";
                var batch = Math.Min(LinesEach, count - done);
                var amount = (long)batch * LineFen;
                while (inFen < outFen + amount)
                {
                    var lot = $"allocation-{Guid.CreateVersion7():N}";
                    var fen = FenInterval.StartingAt(
                        inFen,
                        new Money(
                            random.NextInt64(LinesPerAllocation * LineFen / 2, LinesPerAllocation * LineFen * 3 / 2)
                        )
                    );
                    await WriteAsync(
                        fundId,
                        ++version,
                        new FundsAllocated(
                            lot,
                            SourceKind.CollectiveIncome,
                            "租金",
                            SubAccount.General,
                            fen.Length,
                            fen,
                            ["0".PadLeft(64, '0')]
                        )
                    );
                    allocations.Add((fundId, lot));
                    inFen = fen.To;
                }
                await WriteAsync(
                    fundId,
                    ++version,
                    new FundsReserved(
                        application,
                        SubAccount.General,
                        new Money(amount),
                        batch,
                        FenInterval.StartingAt(outFen, new Money(amount))
                    )
                );
                for (var i = 0; i < batch; i++, done++)
                {
                    var fen = FenInterval.StartingAt(outFen, new Money(LineFen));
                    outFen = fen.To;
                    var year = $"member-year-{Guid.NewGuid():N}-2026";
                    if (withContributions)
                        await WriteAsync(
                            year,
                            1,
                            new ContributionRecorded(
                                ContributionKind.Regular,
                                new Money(30_000),
                                new Money(30_000),
                                new DateOnly(2026, 3, 1),
                                $"SW{sequence:000000000000}"
                            )
                        );
                    await WriteAsync(
                        year,
                        2,
                        new SubsidyApproved(
                            application,
                            $"collective-{fundId[5..]}",
                            fundId,
                            SubAccount.General,
                            fen.Length,
                            fen
                        )
                    );
                    await years.StartRowAsync();
                    await years.WriteAsync(year, NpgsqlDbType.Varchar);
                    await years.WriteAsync(
                        $$"""
                        {"id":"{{year}}","revision":2,
                         "contributions":[{"kind":"regular","tierFen":30000,"amountFen":30000,"paidOn":"2026-03-01",
                                           "reference":"SW{{sequence:000000000000}}"}],
                         "subsidies":[{"applicationId":"{{application}}","fundId":"{{fundId}}","amountFen":{{LineFen}},
                                       "fen":{"from":{{fen.From}},"to":{{fen.To}}},"status":"approved"}]}
                        """,
                        NpgsqlDbType.Jsonb
                    );
                    await years.WriteAsync(1L, NpgsqlDbType.Bigint);
                    await years.WriteAsync("", NpgsqlDbType.Varchar);
                    if (lines.Count < 200_000 || random.Next(50) == 0)
                        lines.Add(FenSpan.Of(fundId, SubAccount.General, fen));
                    if (random.Next(50) != 0)
                        continue;
                    await WriteAsync(
                        fundId,
                        ++version,
                        new ReservationReleased(
                            application,
                            SubAccount.General,
                            fen.Length,
                            fen,
                            FenInterval.StartingAt(inFen, fen.Length),
                            "x"
                        )
                    );
                    inFen += LineFen;
                }
            }
            await events.CompleteAsync();
            await axes.CompleteAsync();
            await years.CompleteAsync();
            await using (var connection = new NpgsqlConnection(connectionString))
            {
                await connection.OpenAsync();
                await connection.ExecuteAsync(
                    """
                    insert into ledger.mt_doc_fund (id, data, mt_version, region)
                    values (@id, jsonb_build_object('id', @id, 'name', @id), 1, @region)
                    """,
                    ("id", fundId),
                    ("region", region)
                );
            }

            async Task WriteAsync(string stream, int at, object e)
            {
                var id = Guid.NewGuid();
                await events.StartRowAsync();
                await events.WriteAsync(++sequence, NpgsqlDbType.Bigint);
                await events.WriteAsync(id, NpgsqlDbType.Uuid);
                await events.WriteAsync(stream, NpgsqlDbType.Varchar);
                await events.WriteAsync((long)at, NpgsqlDbType.Bigint);
                await events.WriteAsync(json.ToJson(e), NpgsqlDbType.Jsonb);
                await events.WriteAsync(
                    System
                        .Text.RegularExpressions.Regex.Replace(e.GetType().Name, "(?<!^)([A-Z])", "_$1")
                        .ToLowerInvariant(),
                    NpgsqlDbType.Varchar
                );
                await events.WriteAsync(Began.AddSeconds(sequence), NpgsqlDbType.TimestampTz);
                await events.WriteAsync("*DEFAULT*", NpgsqlDbType.Varchar);
                await events.WriteAsync($"{e.GetType().FullName}, Ledger.Domain", NpgsqlDbType.Varchar);
                await events.WriteAsync(
                    $$"""
                    {"role": "agency", "actor": "approver.{{region[..6]}}", "region": "{{region}}",
                     "command": "approve-application", "effectiveDate": "2026-11-01", "idempotencyKey": "x"}
                    """,
                    NpgsqlDbType.Jsonb
                );
                await events.WriteAsync(false, NpgsqlDbType.Boolean);
                foreach (var a in AxisEntry.Of(stream, e))
                {
                    await axes.StartRowAsync();
                    foreach (var text in new[] { a.Axis.Word(), a.Span.Account })
                        await axes.WriteAsync(text, NpgsqlDbType.Text);
                    await axes.WriteAsync(a.Span.Fen.From, NpgsqlDbType.Bigint);
                    await axes.WriteAsync(a.Span.Fen.To, NpgsqlDbType.Bigint);
                    foreach (var text in new[] { a.Kind.Word(), a.Reference })
                        await axes.WriteAsync(text, NpgsqlDbType.Text);
                    if (a.Origin is { } origin)
                    {
                        await axes.WriteAsync(origin.Account, NpgsqlDbType.Text);
                        await axes.WriteAsync(origin.Fen.From, NpgsqlDbType.Bigint);
                    }
                    else
                    {
                        await axes.WriteNullAsync();
                        await axes.WriteNullAsync();
                    }
                    if (a.MemberYearId is { } member)
                        await axes.WriteAsync(member, NpgsqlDbType.Text);
                    else
                        await axes.WriteNullAsync();
                    await axes.WriteAsync(id, NpgsqlDbType.Uuid);
                }
            }
        }

        // The year's highest tier, for whoever recomputes the caps.
        async Task PolicyAsync() =>
            await copying[0]
                .ExecuteAsync(
                    """
                    insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                                  mt_dotnet_type, headers, is_archived)
                    values (@seq, gen_random_uuid(), 'policy-year-3708-2026', 1,
                            '{"parameters": {"tiers": [{"tierFen": 500000}]}}', 'policy_year_published', now(),
                            '*DEFAULT*', 'x',
                            '{"actor": "city", "role": "city-hrss", "region": "3708", "effectiveDate": "2026-01-01"}',
                            false);
                    insert into ledger.seal_floor (stream_id, version)
                    values ('policy-year-3708-2026', 1)
                        on conflict do nothing
                    """,
                    ("seq", ++sequence)
                );

        Task<NpgsqlBinaryImporter> CopyAsync(int into, string target) =>
            copying[into].BeginBinaryImportAsync($"copy ledger.{target} from stdin (format binary)");
    }

    /// <summary>
    /// What the product keeps beside such a history: streams, members, collectives, applications, work items, audit
    /// trail.
    /// </summary>
    private static async Task FillReadModelsAsync(string connectionString)
    {
        await using var connection = await OpenAsync(connectionString);
        string[] statements =
        [
            "set session_replication_role = replica",
            "set maintenance_work_mem = '1GB'",
            // The county's own comes through the API.
            "delete from ledger.mt_events where type = 'policy_year_published'",
            """
                insert into ledger.mt_streams (id, type, version)
                select stream_id, null, max(version)
                  from ledger.mt_events
                 group by 1
                """,
            """
                insert into ledger.mt_doc_member (id, data, mt_version, region)
                select 'member-' || substr(id, 13, 32),
                       jsonb_build_object('id', 'member-' || substr(id, 13, 32), 'revision', 1, 'region',
                                          '370812102201', 'memberships',
                                          jsonb_build_object('collective-'
                                                                 || substr(data #>> '{subsidies,0,fundId}', 6),
                                                             '370812102201')),
                       1, '370812102201'
                  from ledger.mt_doc_memberyear
                """,
            """
                insert into ledger.mt_doc_collective (id, data, mt_version, region)
                select 'collective-' || substr(id, 6),
                       jsonb_build_object('id', 'collective-' || substr(id, 6), 'name', id, 'region', region), 1, region
                  from ledger.mt_doc_fund
                """,
            """
                insert into ledger.mt_doc_application (id, data, mt_version, region)
                select reference,
                       jsonb_build_object('id', reference, 'year', 2026, 'status', 'settled', 'fundId',
                                          split_part(account, '/', 1), 'collectiveId',
                                          'collective-' || substr(split_part(account, '/', 1), 6), 'lines',
                                          (select jsonb_agg(jsonb_build_object('row', i,
                                                            'memberId', 'member-' || md5(reference || i),
                                                            'amountFen', 10000, 'tierFen', 30000, 'status', 'credited'))
                                             from generate_series(1, 500) i)),
                       1, '370812102201'
                  from ledger.fen_axis
                 where axis = 'out'
                   and kind = 'reserved'
                """,
            """
                insert into ledger.mt_doc_workitem (id, data, mt_version, region)
                select id,
                       jsonb_build_object('id', id, 'region', region, 'year', 2026, 'status', 'settled', 'lines', 500,
                                          'amountFen', 5000000, 'openObjections', 0, 'since', now(), 'filedAt', now(),
                                          'collectiveId', data ->> 'collectiveId'),
                       1, region
                  from ledger.mt_doc_application
                """,
            """
                drop index ledger.audit_entry_actor, ledger.audit_entry_type, ledger.audit_entry_recorded,
                     ledger.audit_entry_region
                """,
            """
                insert into ledger.audit_entry (seq, event_id, stream, version, type, recorded_at, effective_date,
                                                actor, role, region, amount_fen, code, evidence, ids)
                select seq_id, id, stream_id, version, type, timestamp, (headers ->> 'effectiveDate')::date,
                       headers ->> 'actor', headers ->> 'role', headers ->> 'region', (data ->> 'amountFen')::bigint,
                       null, '{}',
                       array_remove(array[stream_id, data ->> 'applicationId', data ->> 'fundId',
                                          data ->> 'collectiveId', data ->> 'allocationId'], null) from ledger.mt_events
                """,
            "alter table ledger.audit_entry_id drop constraint audit_entry_id_pkey",
            """
                insert into ledger.audit_entry_id
                select hashtextextended(id, 0), seq
                  from ledger.audit_entry, unnest(ids) id
                """,
            "alter table ledger.audit_entry_id add primary key (id_hash, seq)",
            "create index audit_entry_actor on ledger.audit_entry (actor, seq)",
            "create index audit_entry_type on ledger.audit_entry (type, seq)",
            "create index audit_entry_recorded on ledger.audit_entry (recorded_at)",
            "create index audit_entry_region on ledger.audit_entry (region text_pattern_ops, seq)",
            "vacuum analyze ledger.audit_entry",
            "vacuum analyze ledger.audit_entry_id",
            "vacuum analyze ledger.mt_streams",
            "vacuum analyze ledger.mt_doc_member",
            "vacuum analyze ledger.mt_doc_application",
            "vacuum analyze ledger.mt_doc_workitem",
            "vacuum analyze ledger.mt_doc_collective",
            "vacuum analyze ledger.mt_doc_fund",
            // The log is not what is measured: it begins behind this history.
            "update ledger.log_state set low_water = (select max(seq_id) from ledger.mt_events)",
            "checkpoint",
        ];
        foreach (var statement in statements)
            await RunAsync(connection, statement);
    }

    /// <summary>
    /// An answer kept for each event, as if each had been a command of its own: their keys are random, the next ones
    /// fall among them. Without bodies: only the keys are looked up.
    /// </summary>
    /// <param name="actors">Whose commands they were.</param>
    private static async Task FillAnswersAsync(string connectionString, string[] actors)
    {
        await using var connection = await OpenAsync(connectionString);
        await RunAsync(connection, "set maintenance_work_mem = '1GB'");
        await RunAsync(connection, "alter table ledger.idempotency drop constraint idempotency_pkey");
        await RunAsync(
            connection,
            """
            insert into ledger.idempotency (actor, key, request, command)
            select @actors[1 + seq_id % cardinality(@actors)], translate(gen_random_uuid()::text, '-', ''),
                   sha256(seq_id::text::bytea), 'allocate-funds'
              from ledger.mt_events
            """,
            ("actors", actors)
        );
        await RunAsync(connection, "alter table ledger.idempotency add primary key (actor, key)");
        await RunAsync(connection, "vacuum analyze ledger.idempotency");
        await RunAsync(connection, "checkpoint");
    }

    public static async Task<NpgsqlConnection> OpenAsync(string connectionString)
    {
        var connection = new NpgsqlConnection(
            new NpgsqlConnectionStringBuilder(connectionString) { CommandTimeout = 0 }.ConnectionString
        );
        await connection.OpenAsync();
        return connection;
    }

    public static async Task RunAsync(
        NpgsqlConnection connection,
        string statement,
        params (string Name, object? Value)[] parameters
    )
    {
        var watch = System.Diagnostics.Stopwatch.StartNew();
        await connection.ExecuteAsync(statement, parameters);
        if (!Console.IsErrorRedirected || watch.Elapsed.TotalSeconds > 20)
            Console.Error.WriteLine(
                $"{watch.Elapsed.TotalSeconds, 6:0.0} s  {statement.Trim()[..Math.Min(60, statement.Trim().Length)]}"
            );
    }
}
