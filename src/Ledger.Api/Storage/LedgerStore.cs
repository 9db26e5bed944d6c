using JasperFx;
using JasperFx.CodeGeneration;
using JasperFx.Events;
using Ledger.Projections;
using Ledger.Projections.Rebuilding;
using Marten;
using Npgsql;
using Wolverine;
using Wolverine.ErrorHandling;
using Wolverine.Marten;

namespace Ledger.Api.Storage;

/// <summary>
/// The event store: Marten on PostgreSQL. Its asynchronous projections run in <see cref="ProjectionService"/>.
/// </summary>
public static class LedgerStore
{
    public const string Schema = "ledger";

    /// <summary>
    /// How long a node may be silent before another looks after its reminders of deadlines. Their clocks must agree
    /// better than that.
    /// </summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How the product connects: never with automatic preparation, whatever the connection string says. Npgsql 10.0.3
    /// loses count of its answers when a batch fails in which a statement is being prepared: the next command on that
    /// connection reads an answer that is not its own ("unexpected backend message DataRow"). ConnectionTests shows it.
    /// And never with the server's just-in-time compiler: over a large ledger it takes longer to compile a query than
    /// the query takes.
    /// </summary>
    public static string Plain(string connectionString)
    {
        var plain = new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = 0 };
        plain.Options = $"{plain.Options} -c jit=off".Trim();
        return plain.ConnectionString;
    }

    /// <summary>The connections of commands, among the services.</summary>
    public const string Commands = "commands";

    /// <summary>
    /// How commands connect: they leave nothing behind on a connection that would have to be reset, and their few
    /// statements, prepared once on each, keep the plan that fits any parameters: by key, whatever the size. Fewer of
    /// them than a server allows: a command beyond that waits for its turn. Once open they stay open: Npgsql would
    /// close, every five minutes, as many as stood idle in most of its samples, which under a load of short commands is
    /// nearly all; the next moment has to open them again, thirty at once, each with the server's buffers to map anew.
    /// </summary>
    public static NpgsqlDataSource CommandSource(string connectionString)
    {
        var commands = new NpgsqlConnectionStringBuilder(Plain(connectionString)) { NoResetOnClose = true };
        commands.Options += " -c plan_cache_mode=force_generic_plan";
        commands.MinPoolSize = commands.MaxPoolSize = Math.Min(commands.MaxPoolSize, 50);
        return NpgsqlDataSource.Create(commands.ConnectionString);
    }

    /// <summary>The id of this database's log: part of its name, and of its key file's.</summary>
    public static async Task<string> LogIdAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        return (await connection.QueryAsync($"select log_id from {Schema}.log_state", r => r.GetString(0))).Single();
    }

    /// <summary>The event store by itself, for a command that runs no host.</summary>
    public static ServiceProvider Alone(NpgsqlDataSource database, KeyFile keys)
    {
        var services = new ServiceCollection();
        services
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IHostEnvironment>(new Microsoft.Extensions.Hosting.Internal.HostingEnvironment())
            .AddLogging();
        services.AddLedgerStore(database, keys);
        return services.BuildServiceProvider();
    }

    public static void AddLedgerStore(this IServiceCollection collection, NpgsqlDataSource database, KeyFile keys)
    {
        collection
            .AddSingleton(database)
            .AddSingleton(keys.EventSeal)
            .AddSingleton<EventWriter>()
            .AddSingleton<Findings>()
            .AddSingleton<EditedStates>()
            .AddSingleton<StateLook>()
            .AddSingleton(services => new StoredEvents(services.GetRequiredService<IDocumentStore>(), Schema));
        collection.AddSingleton(services => new StateSeal(
            keys.StateKey,
            services.GetRequiredService<IDocumentStore>().Options.Serializer()
        ));
        collection
            .AddMarten(services =>
            {
                var options = new StoreOptions
                {
                    DatabaseSchemaName = Schema,
                    AutoCreateSchemaObjects = AutoCreate.None,
                };
                options.Events.StreamIdentity = StreamIdentity.AsString;
                // One clock for all: Quick alone takes the database's for appends
                options.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps;
                options.Events.TimeProvider = services.GetRequiredService<TimeProvider>();
                options.Events.MetadataConfig.CorrelationIdEnabled = true;
                options.Events.MetadataConfig.CausationIdEnabled = true;
                options.Events.MetadataConfig.HeadersEnabled = true;
                options.UseSystemTextJsonForSerialization(
                    Weasel.Core.EnumStorage.AsString,
                    Weasel.Core.Casing.CamelCase,
                    StoredForm.Apply
                );
                // What the migrations make beside Marten's own: it would drop what it does not know with the next build.
                foreach (
                    var own in new[]
                    {
                        "fund_event",
                        "gift",
                        "succession",
                        "administrator",
                        "slip",
                        "slips",
                        "bank_number",
                        "tax_number",
                        "receipt_number",
                        "corrected",
                        "contribution_reversed",
                    }
                )
                    options.Events.IgnoreIndex($"mt_events_{own}");
                options.AddLedgerProjections();
                // One event that nobody can read does not stop the audit trail for all; check names what it lacks.
                options.Projections.Errors.SkipApplyErrors = true;
                options.Projections.Errors.SkipSerializationErrors = true;
                options.Projections.Errors.SkipUnknownEvents = true;
                // By ProjectionService
                options.Projections.AsyncMode = JasperFx.Events.Daemon.DaemonMode.ExternallyManaged;
                return options;
            })
            .UseNpgsqlDataSource()
            .IntegrateWithWolverine(marten =>
            {
                marten.MessageStorageSchemaName = "wolverine";
                marten.AutoCreate = AutoCreate.None;
            });
        collection.AddWolverine(wolverine =>
        {
            wolverine.AutoBuildMessageStorageOnStartup = AutoCreate.None;
            // The code around handlers is compiled in (Internal/Generated); HandlerCodeTests writes it and fails when
            // it is old.
            wolverine.ApplicationAssembly = typeof(LedgerStore).Assembly;
            wolverine.CodeGeneration.TypeLoadMode = TypeLoadMode.Static;
            // Messages wait in the database, not in memory: what is scheduled survives a restart.
            wolverine.Policies.UseDurableLocalQueues();
            // What passes by itself is waited for; what does not is kept as a dead letter, to be looked at and tried
            // again (DeadLetters.cs).
            wolverine
                .OnException<NpgsqlException>(e => e.IsTransient)
                .RetryWithCooldown(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1))
                .Then.ScheduleRetry(TimeSpan.FromMinutes(1), TimeSpan.FromMinutes(10), TimeSpan.FromHours(1));
            wolverine.OnAnyException().RetryWithCooldown(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(1));
            wolverine.Discovery.DisableConventionalDiscovery().IncludeType(typeof(Reports.DeadlineDueHandler));
            // How soon reminders of deadlines are looked after by another node when one is gone.
            wolverine.Durability.CheckAssignmentPeriod = TimeSpan.FromSeconds(2);
            wolverine.Durability.FirstHealthCheckExecution = TimeSpan.FromSeconds(1);
            wolverine.Durability.HealthCheckPollingTime = TimeSpan.FromSeconds(2);
            wolverine.Durability.StaleNodeTimeout = StaleAfter;
        });
    }
}
