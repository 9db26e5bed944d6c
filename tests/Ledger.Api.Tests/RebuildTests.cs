using Ledger.Api.Storage;
using Ledger.Projections.Rebuilding;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// rebuild: every read model anew, in tables that take the place of the old ones while the product goes on.
/// </summary>
public sealed class RebuildTests(Databases databases) : IClassFixture<Databases>
{
    /// <summary>Tables with their columns, indexes and rights, and what is in them that no clock decides.</summary>
    /// <summary>Tables, rights, columns, triggers, indexes and constraints, as text.</summary>
    internal const string Form = """
        select string_agg(l, E'\n' order by l) from (
            select c.relname || ' ' || coalesce(array_to_string(c.relacl, ' '), '')
                   || ' ' || coalesce(array_to_string(c.reloptions, ' '), '') l
              from pg_class c
             where c.relnamespace = 'ledger'::regnamespace
               and c.relkind = 'r'
            union all
            select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable
                   || ' ' || coalesce(column_default, '')
              from information_schema.columns
             where table_schema = 'ledger'
            union all
            select attrelid::regclass || '.' || attname || ' ' || attstattarget
              from pg_attribute
              join pg_class c on c.oid = attrelid
             where c.relnamespace = 'ledger'::regnamespace
               and c.relkind = 'r'
               and attnum > 0
            union all
            select pg_get_triggerdef(t.oid)
              from pg_trigger t
              join pg_class c on c.oid = tgrelid
             where c.relnamespace = 'ledger'::regnamespace
               and not tgisinternal
            union all select indexdef from pg_indexes where schemaname = 'ledger'
            union all
            select conrelid::regclass || ' ' || conname || ' ' || pg_get_constraintdef(oid)
              from pg_constraint
             where connamespace = 'ledger'::regnamespace) x
        """;

    [Fact]
    public async Task Wrong_read_models_are_made_anew_while_the_product_goes_on()
    {
        await using var product = await Product.StartAsync(databases, "rebuild");
        var people = new SamplePeople(8).Take(6, product.Offices.County);
        await product.Village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await product.Village.FileAsync(people);
        await product.Village.ReviewAsync();
        await product.Village.ApproveAsync();
        var form = await product.ScalarAsync<string>(Form);
        var shares = (await product.Village.Officer.GetAsync<FundView>($"/api/funds/{product.Village.FundId}"))
            .AvailableAmount
            .Yuan;

        await using var owner = NpgsqlDataSource.Create(product.ConnectionString);
        await using (var connection = await owner.OpenConnectionAsync())
        {
            await connection.ExecuteAsync("update ledger.mt_doc_workitem set data = jsonb_set(data, '{lines}', '99')");
            await connection.ExecuteAsync("delete from ledger.mt_doc_memberyear");
            await connection.ExecuteAsync("delete from ledger.audit_entry where seq % 2 = 0");
            await connection.ExecuteAsync("delete from ledger.audit_entry_id where seq % 3 = 0");
            await connection.ExecuteAsync("update ledger.fen_axis set reference = 'application-x' where axis = 'line'");
            await connection.ExecuteAsync(
                """
                insert into ledger.mt_doc_plan (id, data, mt_version)
                values ('plan-invented', '{"id": "plan-invented"}', 1)
                """
            );
        }

        // Money comes in, and people read, all the while; not one of them is refused.
        using var enough = new CancellationTokenSource();
        var posted = 0;
        var slip = await product.Village.Officer.EvidenceAsync("slip");
        var going = Task.WhenAll(
            Enumerable
                .Range(0, 4)
                .Select(async client =>
                {
                    while (!enough.IsCancellationRequested)
                    {
                        await product.Village.Officer.PostAsync(
                            $"/api/funds/{product.Village.FundId}/allocations",
                            new
                            {
                                amount = 1,
                                source = "collective-income",
                                sourceName = "租金",
                                evidence = new[] { slip },
                                confirmDuplicate = "同一回单的另一笔",
                            }
                        );
                        Interlocked.Increment(ref posted);
                        await product.CityAuditor.GetAsync($"/api/funds/{product.Village.FundId}");
                    }
                })
        );
        for (var time = 0; time < 3; time++)
        {
            var (exit, output) = await ApiProcess.RunAsync(product.Settings, "rebuild");
            Assert.True(exit == 0, output);
        }
        var before = posted;
        await ApiFixture.EventuallyAsync(
            () => Task.FromResult(posted > before + 8 || going.IsFaulted),
            "commands go on after it"
        );
        await enough.CancelAsync();
        await going;

        Assert.Equal(
            shares + posted,
            (await product.CityAuditor.GetAsync<FundView>($"/api/funds/{product.Village.FundId}")).AvailableAmount.Yuan
        );
        Assert.Equal(form, await product.ScalarAsync<string>(Form));
        await ApiFixture.EventuallyAsync(
            async () => (await product.CityAuditor.GetAsync<CheckView>("/api/audit/check")).Behind == 0,
            "the projections go on"
        );
        var (sound, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(sound == 0, said);
    }

    [Fact]
    public async Task A_stream_from_which_nothing_follows_keeps_its_documents_and_the_others_are_made_anew()
    {
        await using var product = await Product.StartAsync(databases, "rebuild_refused");
        foreach (
            var (stream, type, body) in new[]
            {
                (product.Village.FundId, "funds_credited", """{"applicationId": "application-x"}"""),
                (product.Village.FundId, "money_conjured", "{}"),
                ("fund-ghost", "funds_allocated", "[]"),
            }
        )
            await product.AttackAsync(
                $"""
                set session_replication_role = replica;
                insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                              mt_dotnet_type, headers)
                select nextval('ledger.mt_events_sequence'), gen_random_uuid(), '{stream}', version + 1, '{body}',
                       '{type}', timestamp, tenant_id, mt_dotnet_type, headers
                  from ledger.mt_events where stream_id = '{product.Village.FundId}' order by version desc limit 1
                """
            );
        await product.AttackAsync("update ledger.mt_doc_collective set data = jsonb_set(data, '{name}', '\"x\"')");
        // The check goes on past them, and past a document that is none.
        await product.AttackAsync(
            "create table public.kept as select * from ledger.mt_doc_fund; update ledger.mt_doc_fund set data = '[]'"
        );
        var (wrong, checkedThrough) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(1, wrong);
        Assert.Contains("Collective collective-", checkedThrough, StringComparison.Ordinal);
        Assert.Contains("核对 ", checkedThrough, StringComparison.Ordinal);
        await product.AttackAsync(
            "update ledger.mt_doc_fund f set data = k.data from public.kept k where k.id = f.id; drop table public.kept"
        );
        var form = await product.ScalarAsync<string>(Form);
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "rebuild");
        Assert.Equal(1, exit);
        var last = await product.ScalarAsync<long>("select max(seq_id) from ledger.mt_events");
        Assert.Contains($"{product.Village.FundId}：由事件 {last - 2} ", said, StringComparison.Ordinal);
        Assert.Contains($"fund-ghost：由事件 {last} ", said, StringComparison.Ordinal);
        Assert.Equal(
            0,
            await product.ScalarAsync<long>("select count(*) from ledger.mt_doc_collective where data ->> 'name' = 'x'")
        );
        Assert.Equal(form, await product.ScalarAsync<string>(Form));
        Assert.Equal(
            3000m,
            (await product.CityAuditor.GetAsync<FundView>($"/api/funds/{product.Village.FundId}")).AvailableAmount.Yuan
        );
    }

    [Fact]
    public async Task A_database_from_before_the_table_of_ids_gets_it_filled()
    {
        await using var product = await Product.StartAsync(databases, "ids_before");
        // The audit trail has caught up.
        await product.CityAuditor.GetAsync<AuditPage>($"/api/audit/events?id={product.Village.FundId}");
        const string rows = "select count(*) from ledger.audit_entry_id";
        var (form, ids) = (await product.ScalarAsync<string>(Form), await product.ScalarAsync<long>(rows));
        Assert.True(ids > 5);
        await product.AttackAsync(
            "drop table ledger.audit_entry_id cascade; drop function ledger.keep_audit_ids() cascade; "
                + "create index audit_entry_ids on ledger.audit_entry using gin (ids); "
                + "delete from ledger.schema_stamp"
        );
        await product.MigrateFromSchemaSqlAsync();
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "schema");
        Assert.True(exit == 0, said);
        Assert.Equal(form, await product.ScalarAsync<string>(Form));
        Assert.Equal(ids, await product.ScalarAsync<long>(rows));
    }

    [Fact]
    public async Task Only_the_owner_of_the_tables_may_and_only_one_at_a_time()
    {
        await using var product = await Product.StartAsync(databases, "rebuild_owner");
        var keys = product.Keys;
        var application = (
            await DatabaseAccess.OfAsync(
                Storage.Settings.Of(
                    new Microsoft.Extensions.Configuration.ConfigurationManager
                    {
                        ["ConnectionStrings:Ledger"] = product.ConnectionString,
                    }
                ),
                null,
                keys
            )
        ).Application;
        var (exit, said) = await ApiHost.RunAsync(
            new Dictionary<string, string>(product.Settings) { ["ConnectionStrings__Ledger"] = application },
            "rebuild"
        );
        Assert.True(exit == 1 && said.Contains("LedgerOwner", StringComparison.Ordinal), said);

        await using var database = NpgsqlDataSource.Create(product.ConnectionString);
        await using var other = await database.OpenConnectionAsync();
        await other.ExecuteAsync("select pg_advisory_lock(@lock)", ("lock", Rebuild.Lock));
        (exit, said) = await ApiHost.RunAsync(product.Settings, "rebuild");
        Assert.True(exit == 1 && said.Contains("另一次重建", StringComparison.Ordinal), said);
        await other.ExecuteAsync("select pg_advisory_unlock(@lock)", ("lock", Rebuild.Lock));
        (exit, said) = await ApiHost.RunAsync(product.Settings, "rebuild");
        Assert.True(exit == 0, said);
    }
}
