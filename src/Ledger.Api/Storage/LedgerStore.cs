using System.Text.Json;
using System.Text.Json.Serialization;
using JasperFx;
using JasperFx.Events;
using Ledger.Projections;
using Ledger.Projections.Checking;
using Marten;
using Npgsql;
using Wolverine;
using Wolverine.Marten;
using Wolverine.Runtime;

namespace Ledger.Api.Storage;

/// <summary>The event store: Marten on PostgreSQL, its asynchronous projections spread over the nodes by Wolverine.</summary>
public static class LedgerStore
{
    public const string Schema = "ledger";

    /// <summary>How events and documents are written: camelCase, enums as kebab-case words, money as whole fen.</summary>
    public static void StoredForm(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        json.Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        json.Converters.Insert(0, new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower)); // before Marten's own, which writes PascalCase
    }

    public static void AddLedgerStore(this WebApplicationBuilder builder, NpgsqlDataSource database)
    {
        builder.Services.AddSingleton(database);
        builder.Services.AddMarten(services =>
        {
            var options = new StoreOptions { DatabaseSchemaName = Schema, AutoCreateSchemaObjects = AutoCreate.None };
            options.Events.StreamIdentity = StreamIdentity.AsString;
            options.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps; // one clock for all: Quick alone takes the database's for appends
            options.Events.TimeProvider = services.GetRequiredService<TimeProvider>();
            options.Events.MetadataConfig.CorrelationIdEnabled = true;
            options.Events.MetadataConfig.CausationIdEnabled = true;
            options.Events.MetadataConfig.HeadersEnabled = true;
            options.UseSystemTextJsonForSerialization(Weasel.Core.EnumStorage.AsString, Weasel.Core.Casing.CamelCase, StoredForm);
            options.Events.IgnoreIndex("mt_events_fund_event"); // ours, see schema.sql
            options.AddLedgerProjections();
            return options;
        }).UseNpgsqlDataSource().IntegrateWithWolverine(marten =>
        {
            marten.UseWolverineManagedEventSubscriptionDistribution = true;
            marten.MessageStorageSchemaName = "wolverine";
            marten.AutoCreate = AutoCreate.None;
        });
        builder.Host.UseWolverine(wolverine =>
        {
            wolverine.AutoBuildMessageStorageOnStartup = AutoCreate.None;
            // Messages wait in the database, not in memory: what is scheduled survives a restart.
            wolverine.Policies.UseDurableLocalQueues();
            wolverine.Discovery.DisableConventionalDiscovery().IncludeType(typeof(Reports.DeadlineDueHandler));
            // How soon projections start after the process, and move when a node is gone.
            wolverine.Durability.CheckAssignmentPeriod = TimeSpan.FromSeconds(2);
            wolverine.Durability.FirstHealthCheckExecution = TimeSpan.FromSeconds(1);
            wolverine.Durability.HealthCheckPollingTime = TimeSpan.FromSeconds(2);
            wolverine.Durability.StaleNodeTimeout = TimeSpan.FromSeconds(10);
        });
    }

    /// <summary>
    /// Brings the schema up to date. Two processes that start at once take turns: a session-level advisory lock is held throughout,
    /// and the second one finds nothing left to do.
    /// </summary>
    public static async Task ApplySchemaAsync(IServiceProvider services)
    {
        const long schemaLock = 0x4C45444745525F31; // "LEDGER_1"
        var database = services.GetRequiredService<NpgsqlDataSource>();
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync("select pg_advisory_lock(@lock)", ("lock", schemaLock));
        try
        {
            await services.GetRequiredService<IDocumentStore>().Storage.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate);
            await services.GetRequiredService<IWolverineRuntime>().Storage.Admin.MigrateAsync(AutoCreate.CreateOrUpdate);
            using var script = new StreamReader(typeof(LedgerStore).Assembly.GetManifestResourceStream("schema.sql")!);
            await connection.ExecuteAsync((await script.ReadToEndAsync()).Replace("{schema}", Schema, StringComparison.Ordinal));
            await services.GetRequiredService<KeyFile>().BindToAsync(connection);
            // A database from before the table: its events say what belongs there.
            if ((await connection.QueryAsync($"select 1 where not exists (select from {Schema}.fen_axis) and exists (select from {Schema}.mt_events where stream_id like 'fund-%' and version > 1)", r => r.GetInt32(0))).Count > 0)
                await new LedgerCheck(services.GetRequiredService<IDocumentStore>(), database, Schema).CheckAxesAsync(rebuild: true, CancellationToken.None);
        }
        finally
        {
            await connection.ExecuteAsync("select pg_advisory_unlock(@lock)", ("lock", schemaLock));
        }
    }
}
