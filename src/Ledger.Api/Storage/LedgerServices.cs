using JasperFx;
using JasperFx.CodeGeneration;
using Ledger.Api.Reports;
using Ledger.Projections;
using Npgsql;
using Wolverine;
using Wolverine.ErrorHandling;
using Wolverine.Marten;

namespace Ledger.Api.Storage;

/// <summary>
/// The event store with its read models, and the messages that wait in its database (Wolverine), among the services.
/// </summary>
public static class LedgerServices
{
    /// <summary>
    /// How long a node may be silent before another looks after its reminders of deadlines. Their clocks must agree
    /// better than that.
    /// </summary>
    public static readonly TimeSpan StaleAfter = TimeSpan.FromSeconds(10);

    /// <summary>The event store by itself, for a command that runs no host.</summary>
    public static ServiceProvider Alone(NpgsqlDataSource database, KeyFile keys)
    {
        var services = new ServiceCollection();
        services
            .AddSingleton(TimeProvider.System)
            .AddSingleton<IHostEnvironment>(new Microsoft.Extensions.Hosting.Internal.HostingEnvironment())
            .AddLogging();
        services.AddLedger(database, keys);
        return services.BuildServiceProvider();
    }

    public static void AddLedger(this IServiceCollection services, NpgsqlDataSource database, KeyFile keys)
    {
        services
            .AddLedgerStore(database, keys, options => options.AddReadModels())
            .IntegrateWithWolverine(marten =>
            {
                marten.MessageStorageSchemaName = "wolverine";
                marten.AutoCreate = AutoCreate.None;
            });
        services.AddWolverine(wolverine =>
        {
            wolverine.AutoBuildMessageStorageOnStartup = AutoCreate.None;
            // The code around handlers is compiled in (Internal/Generated); HandlerCodeTests writes it and fails when
            // it is old.
            wolverine.ApplicationAssembly = typeof(Program).Assembly;
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
            wolverine.Discovery.DisableConventionalDiscovery().IncludeType(typeof(DeadlineDueHandler));
            // How soon reminders of deadlines are looked after by another node when one is gone.
            wolverine.Durability.CheckAssignmentPeriod = TimeSpan.FromSeconds(2);
            wolverine.Durability.FirstHealthCheckExecution = TimeSpan.FromSeconds(1);
            wolverine.Durability.HealthCheckPollingTime = TimeSpan.FromSeconds(2);
            wolverine.Durability.StaleNodeTimeout = StaleAfter;
        });
    }
}
