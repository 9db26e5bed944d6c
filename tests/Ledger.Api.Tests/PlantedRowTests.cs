using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Store.Axes;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The thief of the application's role adds rows beside the events, or takes some away: where money came from and goes
/// to is said by the events, and what he added is named. docs/security.md
/// </summary>
public sealed class PlantedRowTests(Databases databases) : IClassFixture<Databases>
{
    private static async Task<string> FindingsAsync(Product product) =>
        (await product.CityAuditor.GetAsync("/api/audit/log")).GetProperty("findings").GetRawText();

    [Fact]
    public async Task Intervals_that_the_events_did_not_lay_decide_on_no_receipt()
    {
        await using var product = await Product.StartAsync(databases, "ledger_axes");
        var village = product.Village;
        var people = new SamplePeople(1).Take(3, village.Offices.County);
        await village.PrepareAsync(people, 2_000, Clock.Day(DateTimeOffset.UtcNow));
        await village.AllocateAsync(4_000, SourceKind.Charity, "慈善助老", donorId: await village.CharityAsync());
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        async Task<string> Payee() =>
            (await village.Offices.Auditor.GetAsync($"{village.ApplicationPath}/remittance"))
                .GetProperty("payee")
                .GetRawText();
        var payee = await Payee();
        // Nor does a document say where the money goes to.
        var edit = "update ledger.mt_doc_policyyear set data = jsonb_set(data, '{parameters,payee,number}', ";
        await product.EditAsync($"""{edit}'"6222020200112230"') where data #>> '{"{parameters,payee}"}' is not null""");
        Assert.Equal(payee, await Payee());
        Assert.Contains("payee", await FindingsAsync(product));
        // The gift is laid where the collective's own income was.
        await product.AttackAsync(
            $"""
            create temp table gift as
                select event_id from ledger.fen_axis
                 where account = '{village.FundId}/general' and axis = 'in' order by fen_from desc limit 1;
            create temp table own as
                select * from ledger.fen_axis
                 where account = '{village.FundId}/general' and axis = 'in' and fen_from = 0;
            delete from ledger.fen_axis
             where account = '{village.FundId}/general' and axis = 'in' and fen_from = 0;
            update own set event_id = gift.event_id from gift;
            insert into ledger.fen_axis select * from own;
            """
        );
        await ApiFixture.RefusedAsync(
            "fund-damaged",
            village.Offices.Auditor,
            HttpMethod.Get,
            $"{village.ApplicationPath}/remittance"
        );
        Assert.Contains($"{village.FundId}/general [0, ", await FindingsAsync(product));

        // Nor does one that lies where the next would: it is named, and can be mended.
        await product.EditAsync(
            $"""
            insert into ledger.fen_axis (account, axis, fen_from, fen_to, kind, reference, event_id)
            select account, axis, max(fen_to), max(fen_to) + 1, 'allocated', 'allocation-evil', gen_random_uuid()
              from ledger.fen_axis
             where account = '{village.FundId}/general' and axis = 'in'
             group by 1, 2
            """
        );
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => village.AllocateAsync(7));
        Assert.Contains("fund-damaged", refusal.Message);
        Assert.Contains("fen_axis_pkey", await FindingsAsync(product));
        await ApiHost.RunAsync(product.Settings, "check", "--rebuild");
        await village.AllocateAsync(7);
        Assert.Equal(payee, await Payee());
    }

    [Fact]
    public async Task An_interval_that_no_event_can_lay_is_refused_and_one_from_before_does_not_stop_the_check()
    {
        await using var product = await Product.StartAsync(databases, "ledger_words");
        var village = product.Village;
        await village.AllocateAsync(100);
        string Planted(string axis, string kind, long from, long to) =>
            $"""
                insert into ledger.fen_axis (account, axis, fen_from, fen_to, kind, reference, event_id)
                values ('{village.FundId}/general', '{axis}', {from}, {to}, '{kind}', 'planted', gen_random_uuid())
                """;
        string[] impossible =
        [
            Planted("sideways", "allocated", 0, 1),
            Planted("in", "stolen", 900_000, 900_001),
            Planted("out", "reserved", -5, 1),
            Planted("line", "line", 0, long.MaxValue),
        ];
        foreach (var row in impossible)
            Assert.Equal(
                PostgresErrorCodes.CheckViolation,
                (await Assert.ThrowsAsync<PostgresException>(() => product.EditAsync(row))).SqlState
            );
        // Every word that an event lays is one of them.
        var words = await product.ScalarAsync<string>(
            "select pg_get_constraintdef(oid) from pg_constraint where conname = 'of_now_bounds' "
                + "and conrelid = 'ledger.fen_axis'::regclass"
        );
        Assert.All(
            Enum.GetValues<Axis>().Select(a => a.Word()).Concat(Enum.GetValues<EntryKind>().Select(k => k.Word())),
            word => Assert.Contains($"'{word}'", words)
        );

        await product.AttackAsync("alter table ledger.fen_axis drop constraint of_now_bounds");
        foreach (var row in impossible)
            await product.AttackAsync(row);
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.Equal(1, exit);
        Assert.All(
            new[] { "sideways", " 900000", " -5", "line" },
            what => Assert.Contains(what, said, StringComparison.Ordinal)
        );
        await ApiHost.RunAsync(product.Settings, "check", "--rebuild");
        (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 0, said);
    }

    [Fact]
    public async Task An_event_is_named_whatever_is_said_of_the_states_form_and_however_the_state_is_gone()
    {
        await using var product = await Product.StartAsync(databases, "ledger_formless");
        var village = product.Village;
        var shape = await product.ScalarAsync<string>("select shape from ledger.state_shape where type = 'Fund'");
        var forged = await product.ForgeAsync(
            village.FundId,
            "funds_allocated",
            """
            data || '{"amountFen": 9900000, "fen": {"from": 300000, "to": 10200000},
                      "allocationId": "allocation-01a21eff0f000000a000000000000001"}'
            """
        );
        await product.EditAsync(
            $"""
            update ledger.state_shape set shape = 'x' where type = 'Fund';
            update ledger.mt_streams set version = version + 1, type = null where id = '{village.FundId}';
            delete from ledger.mt_doc_fund where id = '{village.FundId}';
            """
        );
        var before = (await FindingsAsync(product)).Split(village.FundId).Length;
        var refused = await Assert.ThrowsAsync<InvalidOperationException>(() => village.AllocateAsync(1));
        Assert.Contains("fund-damaged", refused.Message, StringComparison.Ordinal);
        Assert.True((await FindingsAsync(product)).Split(village.FundId).Length > before, $"event {forged}");
        await product.EditAsync($"update ledger.state_shape set shape = '{shape}' where type = 'Fund'");
    }

    [Fact]
    public async Task A_stream_at_its_end_from_before_that_was_refused_is_named()
    {
        await using var product = await Product.StartAsync(databases, "ledger_end");
        var (city, year) = (RegionCode.City(product.Village.VillageCode), product.Village.Year);
        var policy = StreamId.PolicyYear(city, year);
        await product.AttackAsync(
            $$"""
            insert into ledger.mt_events (seq_id, id, stream_id, version, data, type, timestamp, tenant_id,
                                          mt_dotnet_type, is_archived, correlation_id, causation_id, headers)
            select nextval('ledger.mt_events_sequence'), gen_random_uuid(), stream_id, 2147483647, data, type,
                   timestamp, tenant_id, mt_dotnet_type, false, correlation_id, causation_id, headers || '{"seal": "x"}'
              from ledger.mt_events where stream_id = '{{policy}}' limit 1
            """
        );
        await ApiFixture.RefusedAsync(
            "record-damaged",
            product.Offices.CityHrss,
            HttpMethod.Put,
            $"/api/policy-years/{city}/{year}",
            SampleOffices.PolicyYear(year, noticeDays: 15)
        );
        await product.FoundAsync("state", policy);
    }
}
