using Ledger.Api.Log;
using Ledger.Api.Tasks;
using Ledger.Domain.Identity;
using Ledger.Domain.Screening;
using Ledger.Domain.Tasks;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// What the product found wrong with its database is answered and closed on record; alarms tell what is open, and
/// nothing new hides behind what is closed.
/// </summary>
public sealed class LogFindingTests(Databases databases) : IClassFixture<Databases>
{
    private static readonly object Seen = new { conclusion = "核对了备份，是演练留下的", seen = "昨日备份" };

    private static object Closing(string outcome = "sound") => new { outcome, reason = "与备份一致" };

    private static Task<LogStatusView> StatusAsync(Product product) =>
        product.CityAuditor.GetAsync<LogStatusView>("/api/audit/log");

    private static async Task<FindingView> OneAsync(Product product, string id) =>
        (await StatusAsync(product)).Findings.Single(f => f.Id == id);

    private static string Path(string id) => $"/api/audit/log/findings/{id}";

    /// <summary>As the product writes it.</summary>
    private static async Task<string> FindAsync(Product product, string kind, string words)
    {
        await using var connection = new NpgsqlConnection(await product.ApplicationConnectionAsync());
        await connection.OpenAsync();
        var seal = product.Keys.FindingSeal;
        await Findings.WriteAsync(connection, LedgerStore.Schema, seal, kind, words);
        return StreamId.AnsweredFinding(kind, words);
    }

    private static SampleClient Second(Product product) =>
        product.Client(new Actor("second.3708", Roles.Auditor, "3708"));

    private static SampleClient City(Product product) => product.Client(new Actor("hrss.3708", Roles.CityHrss, "3708"));

    private static async Task CloseAsync(Product product, string id, string outcome = "sound")
    {
        await product.CityAuditor.PostAsync($"{Path(id)}/answer", Seen);
        var closed = await Second(product).PostAsync<FindingView>($"{Path(id)}/closure", Closing(outcome));
        Assert.False(closed.IsOpen);
    }

    private static async Task AlarmAsync(Product product, bool rings)
    {
        await ApiFixture.EventuallyAsync(
            async () =>
                (await product.Http.GetStringAsync("/health/ready")).Contains("log-finding", StringComparison.Ordinal)
                == rings,
            $"log-finding: {rings}"
        );
        Assert.Equal(
            rings,
            (await product.CityAuditor.GetAsync<TaskListView>("/api/tasks")).Tasks.Any(t =>
                t.Kind == TaskKind.LogFinding
            )
        );
    }

    [Fact]
    public async Task C20_a_finding_is_answered_by_one_closed_by_another_and_then_raises_no_alarm()
    {
        await using var product = await Product.StartAsync(databases, "ledger_closed");
        await AlarmAsync(product, rings: false);
        await product.EditAsync(
            $"""
            update ledger.mt_doc_fund set data = jsonb_set(data, '{"{availableFen}"}', '7')
             where id = '{product.Village.FundId}'
            """
        );
        await product.Village.AllocateAsync(1);
        await AlarmAsync(product, rings: true);
        var found = Assert.Single((await StatusAsync(product)).Findings);
        Assert.Equal((true, 0, 1), (found.IsOpen, found.Version, found.Count));
        var (auditor, path) = (product.CityAuditor, Path(found.Id));

        // Whose it is not, and what is not enough.
        await ApiFixture.RefusedAsync("forbidden", product.Village.Officer, $"{path}/answer", Seen);
        await ApiFixture.RefusedAsync("forbidden", City(product), $"{path}/answer", Seen);
        await ApiFixture.RefusedAsync("not-found", product.Offices.Auditor, $"{path}/answer", Seen);
        await ApiFixture.RefusedAsync("not-found", product.Offices.Auditor, $"{path}/closure", Closing());
        await ApiFixture.RefusedAsync("not-found", product.Offices.Auditor, $"{path}/reopening", new { reason = "x" });
        foreach (var id in (string[])["x", StreamId.AnsweredFinding("state", "x"), FoundFindings.Planted])
            await ApiFixture.RefusedAsync("not-found", auditor, $"{Path(id)}/answer", Seen);
        await ApiFixture.RefusedAsync("field-invalid", auditor, $"{path}/answer", new { conclusion = "没有看" });
        await ApiFixture.RefusedAsync(
            "personal-data-in-text",
            auditor,
            $"{path}/answer",
            new { conclusion = "打电话 13912345678", seen = "x" }
        );
        await ApiFixture.RefusedAsync("wrong-state", auditor, $"{path}/closure", Closing());
        await ApiFixture.RefusedAsync("wrong-state", auditor, $"{path}/reopening", new { reason = "x" });

        var foreseen = await auditor.PostAsync($"{path}/answer?preview=true", Seen);
        Assert.Contains("log_finding_answered", foreseen.GetRawText());
        Assert.Equal(0, (await OneAsync(product, found.Id)).Version);
        var answered = await auditor.PostAsync<FindingView>($"{path}/answer", Seen);
        Assert.Equal((1, true, "昨日备份"), (answered.Version, answered.IsOpen, answered.Answer!.Seen));
        await ApiFixture.RefusedAsync("self-approval", auditor, $"{path}/closure", Closing());
        await ApiFixture.RefusedAsync(
            "field-invalid",
            City(product),
            $"{path}/closure",
            new { outcome = "x", reason = "x" }
        );
        await PageAsync(product, "核查结论", "核对了备份");
        await AlarmAsync(product, rings: true);

        await City(product).PostAsync($"{path}/closure", Closing("corrected"));
        await AlarmAsync(product, rings: false);
        var status = await StatusAsync(product);
        Assert.Equal((0, false), (status.Open, status.IsSound));
        var closed = Assert.Single(status.Findings);
        Assert.Equal(
            (false, FindingOutcome.Corrected, "hrss.3708"),
            (closed.IsOpen, closed.Closure!.Outcome, closed.Closure.ClosedBy)
        );
        await PageAsync(product, "有过发现，都已办结", "与备份一致");
        await ApiFixture.RefusedAsync("wrong-state", auditor, $"{path}/answer", Seen);
        await ApiFixture.RefusedAsync("wrong-state", Second(product), $"{path}/closure", Closing());
        await auditor.PostAsync($"{path}/reopening", new { reason = "收到新的材料" });
        await AlarmAsync(product, rings: true);
    }

    private static async Task PageAsync(Product product, params string[] words)
    {
        using var page = await product.CityAuditor.SendAsync(HttpMethod.Get, "/proof", null);
        var shown = System.Net.WebUtility.HtmlDecode(await page.Content.ReadAsStringAsync());
        Assert.All(words, w => Assert.Contains(w, shown));
    }

    [Fact]
    public async Task What_is_found_anew_shows_again_and_hides_behind_nothing_that_was_closed()
    {
        await using var product = await Product.StartAsync(databases, "ledger_anew");
        var first = await FindAsync(product, "settings", "角色的设定变了");
        await CloseAsync(product, first);
        Assert.Equal(0, (await StatusAsync(product)).Open);
        // The same, which was said to be as it should be; and another of the kind.
        await FindAsync(product, "settings", "角色的设定变了");
        Assert.False((await OneAsync(product, first)).IsOpen);
        var other = await FindAsync(product, "settings", "角色的设定又变了");
        var status = await StatusAsync(product);
        Assert.Equal((1, other), (status.Open, status.Findings[0].Id));

        // What was set right, and is found again.
        await CloseAsync(product, other, "corrected");
        Assert.Equal(0, (await StatusAsync(product)).Open);
        await FindAsync(product, "settings", "角色的设定又变了");
        await FindAsync(product, "settings", "角色的设定又变了");
        var again = await OneAsync(product, other);
        Assert.Equal((true, 2, FindingOutcome.Corrected), (again.IsOpen, again.Count, again.Closure!.Outcome));
        await ApiFixture.RefusedAsync("wrong-state", Second(product), $"{Path(other)}/closure", Closing());
        await CloseAsync(product, other, "corrected");
        await FindAsync(product, "settings", "角色的设定又变了");
        Assert.Equal((true, 3), (await OneAsync(product, other) is var third ? (third.IsOpen, third.Count) : default));
    }

    [Fact]
    public async Task The_thief_of_the_applications_role_closes_nothing_and_his_rows_are_closed_by_their_number()
    {
        await using var product = await Product.StartAsync(databases, "ledger_thief");
        var id = await FindAsync(product, "settings", "角色的设定变了");
        await product.CityAuditor.PostAsync($"{Path(id)}/answer", Seen);
        // A document that says it is closed, and an event that does: of the product is neither.
        await product.EditAsync(
            $$"""
            update ledger.mt_doc_answeredfinding
               set data = jsonb_set(data, '{closure}', '{"outcome": "Sound", "reason": "x", "count": 9,
                                                         "closedOn": "2026-11-29", "closedBy": "x"}')
             where id = '{{id}}'
            """
        );
        await product.ForgeAsync(
            id,
            "log_finding_closed",
            """
            '{"outcome": "Sound", "reason": "x", "count": 9, "again": null, "closedOn": "2026-11-29", "closedBy": "x"}'
            """,
            "log_finding_answered"
        );
        Assert.True((await OneAsync(product, id)).IsOpen);

        const string Plant = "insert into ledger.log_finding (kind, detail, seal) values ('state', 'x', 'x')";
        await product.EditAsync(Plant);
        await product.EditAsync(Plant);
        var status = await StatusAsync(product);
        Assert.True(status.Planted == 2 && status.Open >= 3, $"{status.Planted} {status.Open}");
        await CloseAsync(product, FoundFindings.Planted, "referred");
        var closed = await StatusAsync(product);
        Assert.Equal((false, 2, status.Open - 2), (closed.PlantedFinding!.IsOpen, closed.Planted, closed.Open));
        await product.EditAsync(Plant);
        Assert.Equal(closed.Open + 1, (await StatusAsync(product)).Open);
    }
}
