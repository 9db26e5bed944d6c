using System.Text.RegularExpressions;
using Ledger.Api.Security;
using Ledger.Domain;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// The thief of the application's role on the database: table by table what he may change or delete, what goes wrong then, and who notices. docs/security.md has the
/// table; a right that is not in it fails here.
/// </summary>
[Collection("api")]
public sealed partial class RoleRightsTests(ApiFixture api)
{
    [GeneratedRegex("^\\| `((?:ledger|accounts|wolverine)\\.[^`]+)`", RegexOptions.Multiline)]
    private static partial Regex Rows();

    [Fact]
    public async Task Every_table_that_the_role_may_change_stands_in_the_document()
    {
        var document = Rows().Matches(await File.ReadAllTextAsync(Path.Combine(TourTests.Repository, "docs", "security.md"))).Select(m => m.Groups[1].Value).ToList();
        await using var product = await Product.NewAsync(api, "ledger_rights");
        Assert.Equal(0, (await ApiProcess.RunAsync(product.Settings, "schema")).Exit);
        await using var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await connection.OpenAsync();
        var changeable = await connection.QueryAsync(
            """
            select n.nspname || '.' || c.relname from pg_class c join pg_namespace n on n.oid = c.relnamespace
             where n.nspname in ('ledger', 'accounts', 'wolverine') and c.relkind in ('r', 'p')
               and (has_table_privilege(c.oid, 'UPDATE') or has_any_column_privilege(c.oid, 'UPDATE') or has_table_privilege(c.oid, 'DELETE') or has_table_privilege(c.oid, 'TRUNCATE'))
            """, r => r.GetString(0));
        Assert.DoesNotContain(changeable, table => !document.Any(row => Fits(row, table)));
        Assert.DoesNotContain(document, row => !changeable.Any(table => Fits(row, table)));

        // `ledger.mt_doc_*` stands for all of them.
        static bool Fits(string row, string table) => row.EndsWith('*') ? table.StartsWith(row[..^1], StringComparison.Ordinal) : row == table;
    }

    [Fact]
    public async Task What_the_thief_changes_is_noticed_as_the_document_says()
    {
        await using var product = await Product.StartAsync(api, "ledger_thief");
        var village = product.Village;
        var people = new SamplePeople(1).Take(2, village.Offices.County);
        await village.PrepareAsync(people, 100, Clock.Day(DateTimeOffset.UtcNow));
        await village.FileAsync(people);
        await ApiFixture.EventuallyAsync(async () => (await CheckAsync()) is { IsSound: true, Behind: 0 }, "all is taken in");

        // A stream's version, up and down: the next command goes by the events, and says so.
        await EditAsync($"update ledger.mt_streams set version = version + 5 where id = '{village.FundId}'");
        await village.AllocateAsync(1);
        await EditAsync($"update ledger.mt_streams set version = 1 where id = '{village.FundId}'");
        await village.AllocateAsync(1);
        await product.FoundAsync("state", "流的版本被改动");
        Assert.Equal(0, await product.ScalarAsync<long>("select count(*) from (select stream_id from ledger.mt_events group by 1 having max(version) <> count(*)) gaps"));
        Assert.Equal(3_002m, (await village.Officer.GetAsync($"/api/funds/{village.FundId}")).GetProperty("availableAmount").GetDecimal());

        // Read models: the check names each.
        foreach (var (projection, sql) in new[]
        {
            ("AuditTrail", "delete from ledger.audit_entry where type = 'funds_allocated'"),
            ("FenAxis", "delete from ledger.fen_axis where kind = 'allocated'"),
            ("WorkQueue", $"update ledger.mt_doc_workitem set data = jsonb_set(data, '{{status}}', '\"settled\"')"),
            ("Plan", "delete from ledger.mt_doc_plan"),
        })
        {
            await EditAsync(sql);
            var (exit, said) = await ApiProcess.RunAsync(product.Settings, "check", "--rebuild");
            Assert.True(exit == 1 && said.Contains(projection, StringComparison.Ordinal), $"{sql}: {said}");
        }
        Assert.True((await CheckAsync()).IsSound);

        // Projections that were told that they have seen everything: what they left out is named.
        await product.StopAsync();
        await EditAsync("update ledger.mt_event_progression set last_seq_id = last_seq_id + 1000 where name like 'AuditTrail%'");
        await product.StartAsync();
        village = product.Village;
        await village.AllocateAsync(1);
        await ApiFixture.EventuallyAsync(async () => !(await CheckAsync()).IsSound, "the check names what the audit trail lacks");

        // The log's own rows: what is not there cannot be signed.
        await EditAsync("update ledger.log_state set size = size + 100");
        await ApiFixture.EventuallyAsync(async () => !(await product.CityAuditor.GetAsync("/api/audit/log/check")).GetProperty("isSound").GetBoolean(), "the log's check names the missing entries");

        async Task<(bool IsSound, long Behind)> CheckAsync() => await product.CityAuditor.GetAsync("/api/audit/check") is var check ? (check.GetProperty("isSound").GetBoolean(), check.GetProperty("behind").GetInt64()) : default;

        async Task EditAsync(string sql)
        {
            await using var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync());
            await connection.OpenAsync();
            Assert.True(await connection.ExecuteAsync(sql) > 0, sql);
        }
    }

    [Fact]
    public async Task A_role_that_was_edited_in_the_table_of_sign_in_counts_for_nothing()
    {
        await using var product = await Product.StartAsync(api, "ledger_roles");
        var village = product.Village;
        var issued = await product.Client(new Actor("administrator.370811", Roles.Administrator, "370811"))
            .PostAsync("/api/accounts", ApiFixture.AccountBody("wang.min", Roles.VillageFinance, village.VillageCode));
        async Task<System.Text.Json.JsonElement> PostAsync(string path, object body)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, path) { Content = SampleClient.Json(body) };
            request.Headers.Add("Idempotency-Key", $"{Guid.NewGuid()}");
            using var response = await product.Http.SendAsync(request);
            var text = await response.Content.ReadAsStringAsync();
            Assert.True(response.IsSuccessStatusCode, text);
            return text.Length == 0 ? default : System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(text);
        }
        await PostAsync("/api/session/password", new { name = "wang.min", password = issued.GetProperty("oneTimePassword").GetString(), newPassword = "correct horse 4" });
        var session = await PostAsync("/api/session", new { name = "wang.min", password = "correct horse 4" });

        await using (var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync()))
        {
            await connection.OpenAsync();
            await connection.ExecuteAsync("""update accounts."AspNetUsers" set "Role" = 'county-hrss', "Region" = '370811' where "Id" = 'wang.min'""");
        }
        var next = await PostAsync("/api/session/refresh", new { refreshToken = session.GetProperty("refreshToken").GetString() });
        Assert.Equal((Roles.VillageFinance, village.VillageCode), (next.GetProperty("role").GetString(), next.GetProperty("region").GetString()));
        await product.FoundAsync("account", "wang.min");
    }

    [Fact]
    public async Task A_document_that_was_replaced_is_not_given_out_under_the_old_digest()
    {
        await using var product = await Product.StartAsync(api, "ledger_replaced");
        var digest = await product.Village.Officer.EvidenceAsync("the true minutes");
        await product.AttackAsync($"update ledger.evidence set content = 'the false minutes'::bytea where digest = '{digest}'");
        await ApiFixture.RefusedAsync("evidence-damaged", product.Village.Officer, HttpMethod.Get, $"/api/evidence/{digest}");
        await product.FoundAsync("evidence", digest);
    }
}
