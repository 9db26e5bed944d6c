using System.Security.Cryptography;
using System.Text;
using JasperFx;
using Ledger.Api.Accounts;
using Ledger.Projections.Checking;
using Marten;
using Npgsql;
using Wolverine.Runtime;

namespace Ledger.Api.Storage;

/// <summary>
/// Brings the tables up to date, as their owner, and gives the application's role just what it needs.
/// </summary>
public static class LedgerSchema
{
    private const long Lock = 0x4C45444745525F31; // "LEDGER_1"

    /// <summary>
    /// What the tables are made from: this build and its migrations. A database that has seen it needs no look at every
    /// table.
    /// </summary>
    private static string Stamp(string role) =>
        Convert.ToHexStringLower(
            SHA256.HashData(
                Encoding.UTF8.GetBytes(
                    string.Join(
                        '\n',
                        string.Concat(Migrations.Scripts.Select(m => m.Text)),
                        role,
                        typeof(LedgerSchema).Module.ModuleVersionId,
                        typeof(LedgerStore).Module.ModuleVersionId,
                        typeof(Domain.Aggregate).Module.ModuleVersionId,
                        typeof(LedgerCheck).Module.ModuleVersionId,
                        typeof(IDocumentStore).Assembly.GetName().Version
                    )
                )
            )
        );

    /// <summary>
    /// Two processes that start at once take turns: a session-level advisory lock is held until the connection ends,
    /// and the second one finds nothing left to do.
    /// </summary>
    /// <param name="clockMargin">In minutes (V0020); null: as it is.</param>
    public static async Task ApplyAsync(DatabaseAccess access, KeyFile keys, int? clockMargin = null)
    {
        await using var database = NpgsqlDataSource.Create(access.Owner!);
        await using var connection = await database.OpenConnectionAsync();
        await connection.ExecuteAsync("select pg_advisory_lock(@lock)", ("lock", Lock));
        await keys.RequireOwnAsync(connection);
        await access.MakeRoleAsync(connection);
        var stamp = Stamp(access.ApplicationRole);
        if (!await IsStampedAsync(connection, stamp))
        {
            await using var services = LedgerServices.Alone(database, keys);
            var store = services.GetRequiredService<IDocumentStore>();
            await store.Storage.ApplyAllConfiguredChangesToDatabaseAsync(AutoCreate.CreateOrUpdate);
            await services
                .GetRequiredService<IWolverineRuntime>()
                .Storage.Admin.MigrateAsync(AutoCreate.CreateOrUpdate);
            await AccountsContext.UpgradeAsync(database, new CredentialSeal(keys));
            await using (var own = await database.OpenConnectionAsync())
                Migrations.Apply(own, access.ApplicationRole);
            await StateShapes.AddAsync(connection);
            // A database from before the table: its events say what belongs there.
            if (
                (
                    await connection.QueryAsync(
                        $"""
                        select 1
                         where not exists (select from {LedgerStore.Schema}.fen_axis)
                           and exists (select
                                         from {LedgerStore.Schema}.mt_events
                                        where stream_id like 'fund-%'
                                          and version > 1)
                        """,
                        r => r.GetInt32(0)
                    )
                ).Count > 0
            )
                await new LedgerCheck(store, keys.EventSeal, database, LedgerStore.Schema).CheckAxesAsync(
                    rebuild: true,
                    CancellationToken.None
                );
            await connection.ExecuteAsync(
                $"insert into {LedgerStore.Schema}.schema_stamp (stamp) values (@stamp) on conflict do nothing",
                ("stamp", stamp)
            );
        }
        if (clockMargin is { } minutes)
            await connection.ExecuteAsync(
                $"""
                update {LedgerStore.Schema}.bound
                   set value = @minutes
                 where name = 'clock-margin-minutes'
                   and value <> @minutes
                """,
                ("minutes", (long)minutes)
            );
        await keys.BindToAsync(connection);
    }

    private static async Task<bool> IsStampedAsync(NpgsqlConnection connection, string stamp) =>
        !(
            await connection.QueryAsync(
                $"select to_regclass('{LedgerStore.Schema}.schema_stamp') is null",
                r => r.GetBoolean(0)
            )
        ).Single()
        && (
            await connection.QueryAsync(
                $"select stamp from {LedgerStore.Schema}.schema_stamp order by applied_at desc limit 1",
                r => r.GetString(0)
            )
        ).FirstOrDefault() == stamp;
}
