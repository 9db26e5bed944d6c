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

    /// <summary>A refusal that is only counted.</summary>
    public static void CountUnrecorded(bool isKnown, string command, string code) =>
        Unrecorded.Add(1, new("caller", isKnown ? "known" : "unknown"), new("command", command), new("code", code));

    /// <summary>A command came to its end.</summary>
    public static void Count(string command, string outcome, long startedAt) =>
        Commands.Record(
            Stopwatch.GetElapsedTime(startedAt).TotalSeconds,
            new("command", command),
            new("outcome", outcome)
        );

    /// <summary>So many commands share a transaction.</summary>
    public static void CountGroup(int commands) => Groups.Record(commands);

    public static void AddTelemetry(this IServiceCollection services, IConfiguration configuration)
    {
        var (scraped, sent) = (
            IsScraped(configuration),
            configuration["OTEL_EXPORTER_OTLP_ENDPOINT"] is { Length: > 0 }
        );
        services.AddSingleton<Condition>().AddSingleton<FailedLooks>().AddSingleton<Log.FoundFindings>();
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
    private sealed class Gauges(Condition condition, ILogger<Gauges> log) : BackgroundService
    {
        private static readonly TimeSpan Every = TimeSpan.FromSeconds(10);

        protected override async Task ExecuteAsync(CancellationToken stopping)
        {
            void Gauge(string name, string unit, string text, Func<Readings, double?> of) =>
                Meter.CreateObservableGauge(
                    $"ledger.{name}",
                    () =>
                        condition.Last is { } last && of(last) is { } value
                            ? [new Measurement<double>(value)]
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
            while (!stopping.IsCancellationRequested)
            {
                try
                {
                    await condition.ReadAsync(stopping);
                }
                catch (NpgsqlException e)
                {
                    log.LogWarning("The condition could not be read: {Reason}", e.Message); // readiness says so as well
                }
                await Task.Delay(Every, stopping).ContinueWith(_ => { }, TaskScheduler.Default);
            }
        }
    }
}
