using JasperFx;
using JasperFx.Events;
using Marten;
using Microsoft.Extensions.DependencyInjection;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// The event store: Marten on PostgreSQL. Its asynchronous projections run in <see cref="ProjectionService"/>.
/// </summary>
public static class LedgerStore
{
    public const string Schema = "ledger";

    /// <summary>
    /// How the product connects: never with automatic preparation, whatever the connection string says. Npgsql 10.0.3
    /// loses count of its answers when a batch fails in which a statement is being prepared: the next command on that
    /// connection reads an answer that is not its own ("unexpected backend message DataRow"). ConnectionTests shows it.
    /// And never with the server's just-in-time compiler: over a large ledger it takes longer to compile a query than
    /// the query takes. And whatever the thief of the role has set for it (<c>alter role</c>): these settings come with
    /// the connection, and so before a role's. The hourly look names what was set (SettingsLook.cs).
    /// </summary>
    public static string Plain(string connectionString)
    {
        var plain = new NpgsqlConnectionStringBuilder(connectionString) { MaxAutoPrepare = 0 };
        plain.Options =
            $"{plain.Options} -c jit=off {string.Join(' ', Fixed.Select(s => $"-c {s.Name}={s.Value}"))}".Trim();
        return plain.ConnectionString;
    }

    /// <summary>
    /// What a role may set for itself, and would lose what was answered, show another table, or let nobody in.
    /// </summary>
    private static readonly IReadOnlyList<(string Name, string Value)> Fixed =
    [
        ("synchronous_commit", "on"),
        ("default_transaction_read_only", "off"),
        ("default_transaction_isolation", @"read\ committed"),
        ("default_transaction_deferrable", "off"),
        ("search_path", "pg_catalog,pg_temp"),
        ("row_security", "on"),
        ("statement_timeout", "0"),
        ("lock_timeout", "0"),
        ("idle_in_transaction_session_timeout", "0"),
        ("idle_session_timeout", "0"),
        ("standard_conforming_strings", "on"),
        ("transform_null_equals", "off"),
        ("array_nulls", "on"),
        ("extra_float_digits", "1"),
        ("bytea_output", "hex"),
        ("IntervalStyle", "postgres"),
        ("local_preload_libraries", ""),
    ];

    /// <summary>The connections of commands, among the services.</summary>
    public const string Commands = "commands";

    /// <summary>
    /// How commands connect: they leave nothing behind on a connection that would have to be reset, and their few
    /// statements, prepared once on each, keep the plan that fits any parameters: by key, whatever the size. Fewer of
    /// them than a server allows: a command beyond that waits for its turn. Once open they stay open: Npgsql would
    /// close, every five minutes, as many as stood idle in most of its samples, which under a load of short commands is
    /// nearly all; the next moment has to open them again, thirty at once, each with the server's buffers to map anew.
    /// </summary>
    /// <param name="look">At each new connection; one that it refuses is not used.</param>
    public static NpgsqlDataSource CommandSource(string connectionString, Func<NpgsqlConnection, Task>? look = null)
    {
        // Who has waited too long goes: an answer to the call to give up would count as one to the commit.
        var commands = new NpgsqlConnectionStringBuilder(Plain(connectionString))
        {
            NoResetOnClose = true,
            CancellationTimeout = -1,
        };
        commands.Options += " -c plan_cache_mode=force_generic_plan";
        commands.MinPoolSize = commands.MaxPoolSize = Math.Min(commands.MaxPoolSize, 50);
        return Source(commands.ConnectionString, look);
    }

    /// <summary>Connections, each looked at once when it is new.</summary>
    public static NpgsqlDataSource Source(string connectionString, Func<NpgsqlConnection, Task>? look)
    {
        var builder = new NpgsqlDataSourceBuilder(connectionString);
        if (look is not null)
            builder.UsePhysicalConnectionInitializer(connection => look(connection).GetAwaiter().GetResult(), look);
        return builder.Build();
    }

    /// <summary>The id of this database's log: part of its name, and of its key file's.</summary>
    public static async Task<string> LogIdAsync(NpgsqlDataSource database)
    {
        await using var connection = await database.OpenConnectionAsync();
        return (await connection.QueryAsync($"select log_id from {Schema}.log_state", r => r.GetString(0))).Single();
    }

    /// <param name="readModels">What Marten is to know beside events and states.</param>
    public static MartenServiceCollectionExtensions.MartenConfigurationExpression AddLedgerStore(
        this IServiceCollection collection,
        NpgsqlDataSource database,
        KeyFile keys,
        Action<StoreOptions> readModels
    )
    {
        collection
            .AddSingleton(database)
            .AddSingleton(keys.EventSeal)
            .AddSingleton(keys.FindingSeal)
            .AddSingleton<EventWriter>()
            .AddSingleton<Findings>()
            .AddSingleton<EditedStates>()
            .AddSingleton<StateLook>()
            .AddSingleton<SealedEvents>()
            .AddSingleton(services => new StoredEvents(services.GetRequiredService<IDocumentStore>(), Schema));
        collection.AddSingleton(services => new StateSeal(
            keys.StateKey,
            services.GetRequiredService<IDocumentStore>().Options.Serializer()
        ));
        return collection
            .AddMarten(services => Marten(services.GetRequiredService<TimeProvider>(), readModels))
            .UseNpgsqlDataSource();
    }

    private static StoreOptions Marten(TimeProvider time, Action<StoreOptions> readModels)
    {
        var options = new StoreOptions { DatabaseSchemaName = Schema, AutoCreateSchemaObjects = AutoCreate.None };
        options.Events.StreamIdentity = StreamIdentity.AsString;
        // One clock for all: Quick alone takes the database's for appends
        options.Events.AppendMode = EventAppendMode.QuickWithServerTimestamps;
        options.Events.TimeProvider = time;
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
                "bank_numbers",
                "bank_fee",
                "tax_number",
                "receipt_number",
                "corrected",
                "contribution_changed",
                "contribution_doubted",
                "not_regular",
                "tax_change_number",
                "joined",
                "filed",
                "insurance",
                "role_region",
                "delegation",
                "sponsorship",
                "own_record",
            }
        )
            options.Events.IgnoreIndex($"mt_events_{own}");
        options.AddStates();
        readModels(options);
        // One event that nobody can read does not stop the audit trail for all; check names what it lacks.
        options.Projections.Errors.SkipApplyErrors = true;
        options.Projections.Errors.SkipSerializationErrors = true;
        options.Projections.Errors.SkipUnknownEvents = true;
        // By ProjectionService
        options.Projections.AsyncMode = JasperFx.Events.Daemon.DaemonMode.ExternallyManaged;
        return options;
    }
}
