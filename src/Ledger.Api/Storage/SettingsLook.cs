using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The look at what is set for the role that the product connects as. The product sets nothing there: whatever stands
/// there was set past it, with the rights of that role, and would bring loss or a standstill at the next connection
/// (synchronous_commit, default_transaction_read_only), were it not for <see cref="LedgerStore.Plain"/>.
/// </summary>
public static class SettingsLook
{
    private const int Longest = 200;

    private const string Set = """
        select left(c, @longest)
          from pg_catalog.pg_db_role_setting s, unnest(s.setconfig) c
         where s.setrole = (select oid from pg_catalog.pg_roles where rolname = current_user)
           and s.setdatabase in (0, (select oid from pg_catalog.pg_database where datname = current_database()))
         order by 1
        """;

    public static async Task RunAsync(NpgsqlConnection connection, Findings findings)
    {
        foreach (var setting in await connection.QueryAsync(Set, r => r.GetString(0), ("longest", Longest)))
            await findings.AddAsync("settings", $"数据库角色被设定 {setting} a setting of the database role");
    }
}
