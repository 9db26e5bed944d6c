using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Text.RegularExpressions;
using Ledger.Api.Operation;
using Ledger.Api.Security;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Ready means that a write committed a moment ago (Operation/Heartbeat.cs): whatever keeps commits from coming to an
/// end, health says so within seconds, answers at once itself, and is ready again without anybody's help.
/// </summary>
public sealed class HeartbeatTests : IDisposable
{
    private readonly string _folder = Directory
        .CreateDirectory(Path.Combine(Path.GetTempPath(), $"heart-{Guid.NewGuid():N}"[..16]))
        .FullName; // the server's account must get in

    private static readonly TimeSpan Soon = TimeSpan.FromSeconds(20);

    /// <summary>A county that is named: its metrics carry its name.</summary>
    private async Task<ApiProcess> StartAsync(OwnServer server, params (string Name, string Value)[] settings)
    {
        var own = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = $"{await server.DatabaseAsync()};Command Timeout=4",
            ["Ledger__KeyFile"] = Path.Combine(_folder, "keys.json"),
            ["Ledger__DataFolder"] = _folder,
            ["Ledger__Metrics"] = "true",
        };
        foreach (var (name, value) in settings)
            own[name] = value;
        return await ApiProcess.StartAsync(own, "--county=370811");
    }

    /// <summary>Every answer on the way there comes within two seconds.</summary>
    private static async Task<TimeSpan> BecomesAsync(ApiProcess product, HttpStatusCode status, string? code)
    {
        var (watch, last) = (Stopwatch.StartNew(), "");
        while (watch.Elapsed < Soon)
        {
            var asked = Stopwatch.StartNew();
            using var response = await product.Http.GetAsync("/health/ready");
            Assert.True(asked.Elapsed < TimeSpan.FromSeconds(2), $"it answered after {asked.Elapsed}");
            var health = await response.ReadAsync<HealthView>();
            last = $"{response.StatusCode} {string.Join("; ", health.Reasons.Select(r => $"{r.Code} {r.Reason}"))}";
            if (response.StatusCode == status && (code is null || health.Reasons.Any(r => r.Code == code)))
                return watch.Elapsed;
            await Task.Delay(100);
        }
        throw new InvalidOperationException($"not {status} {code}, but {last}\n{product.Output}");
    }

    private static Task<TimeSpan> ReadyAsync(ApiProcess product) => BecomesAsync(product, HttpStatusCode.OK, null);

    private static Task<TimeSpan> UnavailableAsync(ApiProcess product, string code) =>
        BecomesAsync(product, HttpStatusCode.ServiceUnavailable, code);

    private static async Task<double> MetricAsync(ApiProcess product, string name)
    {
        var text = await product.Http.GetStringAsync("/metrics");
        var line = Regex.Match(text, $"^{name}{{[^}}]*county=\"370811\"[^}}]*}} ([0-9.eE+-]+)", RegexOptions.Multiline);
        Assert.True(line.Success, $"{name} in {text}");
        return double.Parse(line.Groups[1].Value, CultureInfo.InvariantCulture);
    }

    /// <summary>One and the same document, under one key.</summary>
    private Task<HttpResponseMessage> EvidenceAsync(ApiProcess product) =>
        new SampleClient(
            product.Http,
            new Tokens(KeyFile.LoadOrCreate(Path.Combine(_folder, "keys.json")), TimeProvider.System),
            new Actor("officer.370811000001", Roles.VillageFinance, "370811000001")
        ).SendAsync(
            HttpMethod.Post,
            "/api/evidence",
            SampleClient.Form(SamplePeople.Pdf("slip"), "scan.pdf"),
            "one-and-the-same"
        );

    [Fact]
    public async Task A_node_is_ready_only_while_its_commits_come_to_an_end()
    {
        await using var server = await OwnServer.StartAsync(Path.Combine(_folder, "a"));
        await using var product = await StartAsync(server);
        await ReadyAsync(product);
        await server.ExecuteAsync("insert into ledger.node_beat values ('gone', now() - interval '2 days')");

        // The synchronous standby is gone: everything can be read, and no commit ends.
        await server.ExecuteAsync("alter system set synchronous_standby_names = 'nobody'", "select pg_reload_conf()");
        await UnavailableAsync(product, "writes-hang");
        Assert.Equal(0, await MetricAsync(product, "ledger_ready"));
        // Nobody is told that something is done which is on this server alone, by whatever way he asks.
        for (var i = 0; i < 2; i++)
        {
            using var hanging = await EvidenceAsync(product);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, hanging.StatusCode);
        }
        await server.ExecuteAsync("alter system reset synchronous_standby_names", "select pg_reload_conf()");
        await ReadyAsync(product);
        using (var done = await EvidenceAsync(product))
            Assert.True(done.IsSuccessStatusCode, await done.Content.ReadAsStringAsync());
        Assert.Equal(1, await MetricAsync(product, "ledger_ready"));

        // The whole server hangs. What the gauges say grows old, and that is a gauge.
        server.Freeze();
        await UnavailableAsync(product, "database");
        await ApiFixture.EventuallyAsync(
            async () => await MetricAsync(product, "ledger_readings_age_seconds") > 12,
            "the readings grow old"
        );
        Assert.True(await MetricAsync(product, "ledger_heartbeat_age_seconds") > 10);
        Assert.True(await MetricAsync(product, "ledger_disk_free_bytes") > 0);
        server.Thaw();
        await ReadyAsync(product);
        await ApiFixture.EventuallyAsync(
            async () => await MetricAsync(product, "ledger_readings_age_seconds") < 12,
            "the readings are new"
        );

        // A standby in the primary's place.
        await File.WriteAllTextAsync(Path.Combine(server.Folder, "data", "standby.signal"), "");
        await server.RestartAsync();
        await UnavailableAsync(product, "read-only");
        await server.ScalarAsync<bool>("select pg_promote()");
        await ReadyAsync(product);

        // What it costs: a row, whose versions lie beside each other and are cleared away by the way.
        var (rows, updates, beside) = (
            await server.ScalarAsync<long>("select count(*) from ledger.node_beat where node <> 'gone'"),
            await server.ScalarAsync<long>("select n_tup_upd from pg_stat_user_tables where relname = 'node_beat'"),
            await server.ScalarAsync<long>("select n_tup_hot_upd from pg_stat_user_tables where relname = 'node_beat'")
        );
        Assert.Equal((1, updates), (rows, beside));

        // The row of a node that stops goes with it, that of one long gone with the next start.
        Assert.Equal(0, await product.StopAsync());
        Assert.Equal("gone", await server.ScalarAsync<string>("select string_agg(node, ' ') from ledger.node_beat"));
        await using var again = await StartAsync(server, ("Ledger__DiskLowGigabytes", "1000000"));
        await BecomesAsync(again, HttpStatusCode.OK, "disk-low");
        Assert.Equal(1, await MetricAsync(again, "ledger_disk_low"));
        await ApiFixture.EventuallyAsync(
            () => server.ScalarAsync<bool>("select count(*) = 0 from ledger.node_beat where node = 'gone'"),
            "the row of a node long gone is taken away"
        );
        NpgsqlConnection.ClearAllPools();
    }

    [Fact]
    public async Task A_full_disk_is_said_before_somebody_meets_it()
    {
        Assert.True(Environment.UserName == "root", "it mounts a small disk");
        var disk = Directory.CreateDirectory(Path.Combine(_folder, "disk")).FullName;
        await Programs.RequireAsync("mount", "-t", "tmpfs", "-o", "size=400m,mode=755", "ledger", disk);
        try
        {
            await using var server = await OwnServer.StartAsync(Path.Combine(disk, "a"));
            await using var product = await StartAsync(server);
            await ReadyAsync(product);
            // A segment of the log that is there already takes what the server writes meanwhile.
            await server.ExecuteAsync("select pg_switch_wal()", "checkpoint");
            Programs.Run("dd", ["if=/dev/zero", $"of={Path.Combine(disk, "ballast")}", "bs=64k"]);
            await UnavailableAsync(product, "disk-full");
            File.Delete(Path.Combine(disk, "ballast"));
            await ReadyAsync(product);
            Assert.Equal(0, await product.StopAsync());
        }
        finally
        {
            await Programs.RequireAsync("umount", "-l", disk);
        }
    }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
