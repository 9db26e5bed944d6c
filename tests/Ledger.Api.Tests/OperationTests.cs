using System.Net;
using System.Text.Json;
using Ledger.Api.Operation;

namespace Ledger.Api.Tests;

/// <summary>
/// What an operator sees: health with reasons, metrics without people, an orderly stop. Of processes: the hosts of one
/// share their metrics, and have no signals.
/// </summary>
public sealed class OperationTests(Databases databases) : IClassFixture<Databases>
{
    private static async Task<(HttpStatusCode Status, HealthView Health)> HealthAsync(RunningApi process)
    {
        using var response = await process.Http.GetAsync("/health/ready");
        return (response.StatusCode, await response.ReadAsync<HealthView>());
    }

    private static string[] Codes(HealthView health) => [.. health.Reasons.Select(r => r.Code)];

    [Fact]
    public async Task Ready_becomes_degraded_with_its_reasons_and_the_metrics_count_without_saying_whose()
    {
        await using var product = await Product.StartAsync(databases, "ledger_h", asProcess: true);
        product.Settings["Ledger__Metrics"] = "true";
        var folder = product.Settings["Ledger__BackupFolder"] = Path.Combine(product.Folder.FullName, "backups");
        var (backups, now) = (new Backups(folder), DateTimeOffset.UtcNow);
        Directory.CreateDirectory(backups.At(now));
        await File.WriteAllTextAsync(Path.Combine(backups.At(now), BackupManifest.FileName), "{}");
        await backups.KeepAsync(new Rehearsal("x", now, now, 1, 1, null));
        await product.StopAsync();
        await product.StartAsync();
        await ApiFixture.EventuallyAsync(
            async () => (await HealthAsync(product.Api)).Health.Status == "ready",
            "ready"
        );
        var digest = await product.Village.Officer.EvidenceAsync("slip");
        await product.Village.AllocateAsync(3);
        await ApiFixture.RefusedAsync(
            "amount-invalid",
            product.Village.Officer,
            $"/api/funds/{product.Village.FundId}/allocations",
            new
            {
                amount = -1,
                source = "collective-income",
                sourceName = "x",
                evidence = new[] { digest },
            }
        );
        await ApiFixture.RefusedAsync(
            "evidence-missing",
            product.Village.Officer,
            $"/api/funds/{product.Village.FundId}/allocations",
            new
            {
                amount = 1,
                source = "collective-income",
                sourceName = "x",
            }
        );
        await ApiFixture.EventuallyAsync(
            async () =>
            {
                var metrics = await product.Http.GetStringAsync("/metrics");
                return metrics.Contains("outcome=\"evidence-missing\"", StringComparison.Ordinal)
                    && metrics.Contains("ledger_log_unsealed", StringComparison.Ordinal);
            },
            "the metrics are there"
        );
        var text = await product.Http.GetStringAsync("/metrics");
        Assert.True(
            System.Text.RegularExpressions.Regex.IsMatch(
                text,
                "ledger_command_duration_seconds_count\\{[^}]*command=\"allocate-funds\""
                    + "[^}]*outcome=\"done\"[^}]*\\} 1\\b"
            ),
            string.Join(
                (char)10,
                text.Split((char)10)
                    .Where(l =>
                        l.StartsWith("ledger", StringComparison.Ordinal)
                        && !l.Contains("bucket", StringComparison.Ordinal)
                    )
            )
        );
        foreach (
            var gauge in (string[])
                [
                    "ledger_projection_audit_trail_lag",
                    "ledger_projection_work_queue_lag",
                    "ledger_log_unsealed_age_seconds",
                    "ledger_log_checkpoint_age_seconds",
                    "ledger_log_findings",
                    "ledger_receipts_unmatched",
                    "ledger_transit_open",
                    "ledger_messages_dead",
                    "ledger_backup_age_seconds",
                    "ledger_rehearsal_age_seconds",
                    "ledger_ready",
                    "ledger_readings_age_seconds",
                    "ledger_disk_free_bytes",
                ]
        )
            Assert.Contains(gauge, text);
        foreach (
            var private_ in (string[])
                [product.Village.FundId, product.Village.VillageCode, product.Village.Officer.Actor.Id, digest]
        )
            Assert.DoesNotContain(private_, text);

        // Every name that the alert rules and the dashboard ask for is one that the product says.
        var docs = Path.Combine(AppContext.BaseDirectory, "../../../../../docs/operations");
        var asked = new[] { "alerts.yml", "dashboard.json" }
            .SelectMany(f =>
                System.Text.RegularExpressions.Regex.Matches(File.ReadAllText(Path.Combine(docs, f)), "ledger_[a-z_]+")
            )
            .Select(m => m.Value)
            .Distinct()
            .ToList();
        Assert.True(asked.Count > 6);
        Assert.All(asked, name => Assert.Contains(name, text));

        // An older version wrote the funds: degraded, until a check has looked at all of them.
        await product.AttackAsync("update ledger.state_shape set shape = 'older' where type = 'Fund'");
        await ApiFixture.EventuallyAsync(
            async () => Codes((await HealthAsync(product.Api)).Health).SequenceEqual(["states-changed"]),
            "degraded after an upgrade"
        );
        var (exit, said) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 0, said);
        await ApiFixture.EventuallyAsync(
            async () => (await HealthAsync(product.Api)).Health.Status == "ready",
            "ready again"
        );

        // Something is wrong with the log, and nobody has backed it up: it still serves, and says so.
        Directory.Move(backups.At(now), backups.At(now.AddDays(-2)));
        await backups.KeepAsync(new Rehearsal("x", now, now, 1, 1, "no right"));
        await product.AttackAsync(
            "insert into ledger.log_finding (kind, detail) values ('check', 'somebody was here')"
        );
        await ApiFixture.EventuallyAsync(
            async () =>
                Codes((await HealthAsync(product.Api)).Health) is var codes
                && codes.Contains("log-finding")
                && codes.Contains("backup-late")
                && codes.Contains("rehearsal-failed"),
            "degraded"
        );
        var (status, health) = await HealthAsync(product.Api);
        Assert.Equal((HttpStatusCode.OK, "degraded"), (status, health.Status));
    }

    [Fact]
    public async Task Without_being_asked_there_are_no_metrics_and_a_stop_finishes_what_is_under_way()
    {
        await using var product = await Product.StartAsync(databases, "ledger_s", asProcess: true);
        using (var metrics = await product.Http.GetAsync("/metrics"))
            Assert.Equal(HttpStatusCode.Unauthorized, metrics.StatusCode);
        using (var live = await product.Http.GetAsync("/health/live"))
            Assert.Equal(HttpStatusCode.OK, live.StatusCode);
        var work = Enumerable.Range(0, 8).Select(_ => product.Village.AllocateAsync(1)).ToList();
        await Task.Delay(30);
        await product.StopAsync();
        var answered = 0;
        foreach (var task in work)
        {
            try
            {
                await task;
                answered++;
            }
            catch (HttpRequestException)
            { /* it came after the door was closed */
            }
        }
        Assert.True(
            await product.ScalarAsync<long>("select count(*) from ledger.mt_events where type = 'funds_allocated'")
                >= 2 + answered,
            "something acknowledged is lost"
        );
    }
}
