using System.Diagnostics;
using System.Diagnostics.Metrics;
using Npgsql;
using OpenTelemetry.Metrics;
using OpenTelemetry.Resources;
using OpenTelemetry.Trace;

namespace Ledger.Api.Operation;

/// <summary>
/// Metrics and traces (OpenTelemetry): commands by name and outcome, and the product's condition. To a collector where
/// OTEL_EXPORTER_OTLP_ENDPOINT is set, and at /metrics for Prometheus where Ledger:Metrics is true. Names, ids and
/// amounts of people are in none of them.
/// </summary>
public static class Telemetry
{
    public const string Name = "Ledger";
    private static readonly Meter Meter = new(Name);
    private static readonly Histogram<double> Commands = Meter.CreateHistogram<double>(
        "ledger.command.duration",
        "s",
        "Commands by name and outcome: done, replayed, failed, or the code of the refusal"
    );

    private static readonly Histogram<int> Groups = Meter.CreateHistogram<int>(
        "ledger.group.commands",
        "{command}",
        "Commands that were written together, a group each time"
    );

    private static readonly Counter<long> Unrecorded = Meter.CreateCounter<long>(
        "ledger.refusals.unrecorded",
        "{refusal}",
        "Refusals that left no event, by caller (unknown, or known and past his number a minute), command and code"
    );

    /// <summary>The county that this process serves, where it is one of several.</summary>
    private static KeyValuePair<string, object?>[] _county = [];

    private static TagList Tags(params ReadOnlySpan<(string Name, object? Value)> own)
    {
        var tags = new TagList(_county);
        foreach (var (name, value) in own)
            tags.Add(name, value);
        return tags;
    }

    /// <summary>A refusal that is only counted.</summary>
    public static void CountUnrecorded(bool isKnown, string command, string code) =>
        Unrecorded.Add(1, Tags(("caller", isKnown ? "known" : "unknown"), ("command", command), ("code", code)));

    /// <summary>A command came to its end.</summary>
    public static void Count(string command, string outcome, long startedAt) =>
        Commands.Record(
            Stopwatch.GetElapsedTime(startedAt).TotalSeconds,
            Tags(("command", command), ("outcome", outcome))
        );

    /// <summary>So many commands share a transaction.</summary>
    public static void CountGroup(int commands) => Groups.Record(commands, Tags());

    public static void AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        var (scraped, sent) = (
            IsScraped(configuration),
            configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 }
        );
        services
            .AddSingleton<Condition>()
            .AddSingleton<FailedLooks>()
            .AddSingleton<Log.FoundFindings>()
            .AddSingleton<Disks>();
        _county = configuration["county"] is { Length: > 0 } county ? [new("county", county)] : [];
        if (!scraped && !sent)
            return;
        services.AddHostedService<Gauges>();
        var telemetry = services.AddOpenTelemetry().ConfigureResource(r => r.AddService("collective-subsidy-ledger"));
        telemetry.WithMetrics(metrics =>
        {
            metrics
                .AddMeter(Name, "Npgsql", "Microsoft.AspNetCore.Server.Kestrel")
                .AddAspNetCoreInstrumentation()
                .AddRuntimeInstrumentation();
            if (scraped)
                metrics.AddPrometheusExporter();
            if (sent)
                metrics.AddOtlpExporter();
        });
        // What a query's parameters were is nobody's business but the ledger's: Npgsql's traces carry statements
        // without them.
        if (sent)
            telemetry.WithTracing(traces =>
                traces
                    .AddAspNetCoreInstrumentation(options => options.EnrichWithHttpResponse = HideAddress)
                    .AddNpgsql()
                    .AddSource(Name)
                    .AddOtlpExporter()
            );
    }

    /// <summary>Whoever has such an address reads what it shows: a collector gets none.</summary>
    public static void HideAddress(Activity activity, HttpResponse response)
    {
        var path = response.HttpContext.Request.Path;
        foreach (var closed in (string[])["/calendar", "/gifts"])
            if (path.StartsWithSegments(closed, StringComparison.OrdinalIgnoreCase))
                activity.SetTag("url.path", closed);
    }

    public static bool IsScraped(IConfiguration configuration) => configuration.GetValue("Ledger:Metrics", false);

    /// <summary>
    /// Keeps the condition fresh for whoever reads the gauges: reading them never waits for the database.
    /// </summary>
    private sealed class Gauges(Heartbeat heart, Condition condition, Disks disks, ILogger<Gauges> log)
        : BackgroundService
    {
        private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

        protected override async Task ExecuteAsync(CancellationToken stopping)
        {
            AddLiving();
            AddReadings();
            while (!stopping.IsCancellationRequested)
            {
                try
                {
                    await condition.ReadAsync(stopping);
                }
                catch (Exception e) when (e is NpgsqlException or TimeoutException)
                {
                    log.LogDebug("The gauges keep what they had: {Reason}", e.Message); // their age is a gauge
                }
                await Task.Delay(Every, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }

        /// <summary>What this node knows by itself, at each moment.</summary>
        private void AddLiving()
        {
            Meter.CreateObservableGauge(
                "ledger.ready",
                () => new Measurement<int>(heart.First.IsCompleted && heart.Trouble is null ? 1 : 0, _county),
                description: "1: this node has committed something a moment ago"
            );
            Meter.CreateObservableGauge(
                "ledger.heartbeat.age",
                () => new Measurement<double>(heart.Age.TotalSeconds, _county),
                "s",
                "Since this node last committed something"
            );
            Meter.CreateObservableGauge(
                "ledger.readings.age",
                () => new Measurement<double>(condition.Age.TotalSeconds, _county),
                "s",
                "How old what the other gauges say is; it grows while the database does not answer"
            );
            Meter.CreateObservableGauge(
                "ledger.disk.free",
                () => disks.Read().Select(d => new Measurement<long>(d.FreeBytes, Tags(("folder", d.Name)))),
                "By",
                "Free space on the disks of the data folder and of the backups"
            );
            Meter.CreateObservableGauge(
                "ledger.disk.low",
                () => disks.Read().Select(d => new Measurement<int>(d.IsLow ? 1 : 0, Tags(("folder", d.Name)))),
                description: "1: less than Ledger:DiskLowGigabytes is free there"
            );
        }

        private void AddReadings()
        {
            void Gauge(string name, string unit, string text, Func<Readings, double?> of) =>
                Meter.CreateObservableGauge(
                    $"ledger.{name}",
                    () =>
                        condition.Last is { } last && of(last) is { } value
                            ? [new Measurement<double>(value, _county)]
                            : Array.Empty<Measurement<double>>(),
                    unit,
                    text
                );
            Gauge(
                "projection.audit_trail.lag",
                "{event}",
                "Events that the audit trail has yet to take in",
                r => r.AuditTrailLag
            );
            Gauge(
                "projection.work_queue.lag",
                "{event}",
                "Events that the work queue has yet to take in",
                r => r.WorkQueueLag
            );
            Gauge("log.unsealed", "{event}", "Events that are not in the transparency log yet", r => r.Unsealed);
            Gauge("log.unsealed.age", "s", "How long the oldest of them has been waiting", r => r.UnsealedSeconds);
            Gauge(
                "log.checkpoint.age",
                "s",
                "Since the newest checkpoint was signed; it grows while nothing happens",
                r => r.CheckpointSeconds
            );
            Gauge(
                "log.unsigned.age",
                "s",
                "How long the oldest event of the log waits that no checkpoint is over yet",
                r => r.UnsignedSeconds
            );
            Gauge("log.findings", "{finding}", "Found wrong with log or database, not closed", r => r.Findings);
            Gauge("receipts.unmatched", "{row}", "Rows of receipts that fit no paid line", r => r.UnmatchedReceipts);
            Gauge(
                "transit.open",
                "CNY",
                "Money that was paid and is not credited yet, in yuan",
                r => r.OpenTransitFen / 100.0
            );
            Gauge("clock.skew", "s", "How far this node's clock is from the database's", r => r.ClockSkewSeconds);
            Gauge("backup.age", "s", "Since the newest backup in this node's folder was made", r => r.BackupSeconds);
            Gauge("rehearsal.age", "s", "Since a rehearsed restore last passed", r => r.RehearsalSeconds);
            Gauge("messages.dead", "{message}", "Messages that failed for good", r => r.DeadLetters);
        }
    }
}
