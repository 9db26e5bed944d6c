using System.Security.Cryptography;
using System.Text;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The two hands on the database: the owner makes and changes tables, the application only uses them. The running
/// product connects as a role that owns nothing and cannot update, delete or truncate an event, whoever asks it to.
/// </summary>
/// <param name="Owner">For the schema; null where this process was given only the application's connection.</param>
public sealed record DatabaseAccess(string? Owner, string Application)
{
    /// <summary>
    /// With one connection string: a role that may make tables is the owner's, and the application's is made beside it,
    /// with a password that follows from the key file; a role that may not is the application's. With both, each is
    /// what it says.
    /// </summary>
    /// <exception cref="OperationException">The database does not answer.</exception>
    public static async Task<DatabaseAccess> OfAsync(Settings settings, PrivateCluster? cluster, KeyFile keys)
    {
        foreach (var told in new[] { settings.OwnerConnectionString, settings.ConnectionString }.OfType<string>())
            await Pooler.RefuseAsync(told);
        if (settings.OwnerConnectionString is { } owner)
            return new DatabaseAccess(owner, ApplicationOf(settings, owner, keys));
        var given = settings.ConnectionString ?? await cluster!.DatabaseAsync("ledger");
        return cluster is not null || await MayMakeTablesAsync(given)
            ? new DatabaseAccess(given, Beside(given, keys))
            : new DatabaseAccess(null, given);
    }

    /// <summary>How the product connects to what this owner owns: as it was told, or with the role beside.</summary>
    public static string ApplicationOf(Settings settings, string owner, KeyFile keys) =>
        settings is { OwnerConnectionString: not null, ConnectionString: { } own } ? own : Beside(owner, keys);

    /// <summary>How the product connects to a replica: as it does to the primary, at another address.</summary>
    public string? ReplicaOf(Settings settings) =>
        settings.ReplicaConnectionString is not { } replica
            ? null
            : new NpgsqlConnectionStringBuilder(Application)
            {
                Host = new NpgsqlConnectionStringBuilder(replica).Host,
                Port = new NpgsqlConnectionStringBuilder(replica).Port,
            }.ConnectionString;

    /// <summary>For what only the tables' owner can do.</summary>
    /// <param name="what">In Chinese, a word.</param>
    /// <param name="why">In English.</param>
    /// <exception cref="OperationException">The owner's connection was not given.</exception>
    public string RequireOwner(string what, string why) =>
        Owner ?? throw new OperationException($"{what}须以表的所有者连接：请给出 ConnectionStrings:LedgerOwner。{why}");

    public string ApplicationRole => new NpgsqlConnectionStringBuilder(Application).Username!;

    private static string Beside(string owner, KeyFile keys)
    {
        var connection = new NpgsqlConnectionStringBuilder(owner);
        var role = $"{connection.Database}_app";
        return new NpgsqlConnectionStringBuilder(owner)
        {
            Username = role,
            Password = Convert.ToHexStringLower(
                HMACSHA256.HashData(keys.TokenKey, Encoding.UTF8.GetBytes($"database role {role}"))
            ),
        }.ConnectionString;
    }

    private static async Task<bool> MayMakeTablesAsync(string connectionString)
    {
        await using var connection = new NpgsqlConnection(LedgerStore.Plain(connectionString));
        await connection.OpenAsync();
        return (
            await connection.QueryAsync(
                "select has_database_privilege(current_database(), 'CREATE')",
                r => r.GetBoolean(0)
            )
        ).Single();
    }

    /// <summary>
    /// Makes the application's login, or gives it the password it shall have. Runs as the owner, under the schema's
    /// lock.
    /// </summary>
    /// <exception cref="OperationException">The owner may not make roles, and the role is missing.</exception>
    public async Task MakeRoleAsync(NpgsqlConnection owner)
    {
        var application = new NpgsqlConnectionStringBuilder(Application);
        var (role, password) = (application.Username!, application.Password ?? "");
        if (role == new NpgsqlConnectionStringBuilder(Owner).Username)
            throw new OperationException(
                $"数据库角色 {role} 既是所有者又用于运行，因而可以改动事件；请另用一个不拥有任何表的角色作 ConnectionStrings:Ledger。"
                    + "The running role must not be the owner."
            );
        var exists =
            (
                await owner.QueryAsync(
                    "select 1 from pg_roles where rolname = @role",
                    r => r.GetInt32(0),
                    ("role", role)
                )
            ).Count > 0;
        try
        {
            // A role is made once for the whole server; identifier and literal are quoted by the server itself.
            var statement = (
                await owner.QueryAsync(
                    "select format(@how, @role, @password)",
                    r => r.GetString(0),
                    (
                        "how",
                        $"{(exists ? "alter" : "create")} role %I login nosuperuser nocreatedb nocreaterole password %L"
                    ),
                    ("role", role),
                    ("password", password)
                )
            ).Single();
            await owner.ExecuteAsync(statement);
        }
        catch (PostgresException e) when (e.SqlState == PostgresErrorCodes.InsufficientPrivilege)
        {
            if (exists)
                return; // a DBA made it and looks after its password
            throw new OperationException(
                $"数据库角色 {role} 不存在，当前角色也不能建立它。请由 DBA 执行 create role {role} login password '…'，"
                    + "并用 ConnectionStrings:Ledger 连接。The application's role is missing and may not be created.",
                inner: e
            );
        }
    }

    /// <summary>
    /// Refuses to run with a role that could change what happened, on tables that are not there, or on those of other
    /// keys.
    /// </summary>
    /// <exception cref="OperationException">With what a DBA is to do.</exception>
    public static async Task RequireHarmlessAsync(NpgsqlDataSource database, KeyFile keys)
    {
        await using var connection = await database.OpenConnectionAsync();
        const string events = $"{LedgerStore.Schema}.mt_events";
        if ((await connection.QueryAsync($"select to_regclass('{events}') is null", r => r.GetBoolean(0))).Single())
            throw new OperationException(
                "数据库中还没有账本的表；请先以所有者运行：Ledger.Api.dll schema（ConnectionStrings:LedgerOwner）。"
                    + "Run the schema command as the owner first."
            );
        await keys.RequireOwnAsync(connection);
        if (
            (
                await connection.QueryAsync(
                    $"""
                    select rolsuper or pg_has_role(current_user, (
                            select relowner
                              from pg_class
                             where oid = '{events}'::regclass), 'MEMBER')
                           or has_table_privilege('{events}', 'UPDATE') or has_table_privilege('{events}',
                                                  'DELETE') or has_table_privilege('{events}', 'TRUNCATE')
                      from pg_roles where rolname = current_user
                    """,
                    r => r.GetBoolean(0)
                )
            ).Single()
        )
            throw new OperationException(
                "运行时所用的数据库角色可以改动事件；请另建一个不拥有任何表的角色用于 ConnectionStrings:Ledger，"
                    + "所有者用 ConnectionStrings:LedgerOwner。The running role must not be able to change events."
            );
    }
}
