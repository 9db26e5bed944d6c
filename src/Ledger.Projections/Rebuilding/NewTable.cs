using Npgsql;

namespace Ledger.Projections.Rebuilding;

/// <summary>A table of the same form beside the one in use, until it takes its place.</summary>
/// <param name="name">Of the table in use.</param>
public sealed class NewTable(string schema, string name)
{
    private string Old => $"{schema}.{name}";

    public string Name => $"{schema}.{name}_new";

    public async Task CreateAsync(NpgsqlConnection owner)
    {
        await DropAsync(owner);
        await owner.ExecuteAsync($"create table {Name} (like {Old} including all excluding indexes)");
        foreach (
            var alike in await owner.QueryAsync(
                """
                select format('alter table %s set (%s)', @new, array_to_string(reloptions, ', '))
                  from pg_class
                 where oid = @old::regclass
                   and reloptions is not null
                union all
                select format('alter table %s alter column %I set statistics %s', @new, attname, attstattarget)
                  from pg_attribute
                 where attrelid = @old::regclass
                   and attnum > 0
                   and attstattarget >= 0
                """,
                r => r.GetString(0),
                ("old", Old),
                ("new", Name)
            )
        )
            await owner.ExecuteAsync(alike); // like copies all but these
    }

    /// <summary>
    /// The statements that make its indexes when it is filled, which is faster than filling them: each by itself, side
    /// by side.
    /// </summary>
    public async Task<IEnumerable<string>> IndexesAsync(NpgsqlConnection owner) =>
        (await IndexesAsync(owner, "true")).Select(Definition);

    /// <summary>When its indexes are there: its key, and what the planner must know of it.</summary>
    public async Task FinishAsync(NpgsqlConnection owner)
    {
        foreach (var (key, _) in await IndexesAsync(owner, "indisprimary"))
            await owner.ExecuteAsync($"alter table {Name} add primary key using index {Fresh(key)}");
        await owner.ExecuteAsync($"analyze {Name}");
    }

    private string Definition((string Name, string Definition) index) =>
        index.Definition.Replace(
            $" INDEX {index.Name} ON {Old} ",
            $" INDEX {Fresh(index.Name)} ON {Name} ",
            StringComparison.Ordinal
        );

    /// <summary>These documents as they are in the table in use.</summary>
    public Task KeepAsync(NpgsqlConnection owner, string[] ids) =>
        owner.ExecuteAsync(
            $"delete from {Name} where id = any(@ids); insert into {Name} select * from {Old} where id = any(@ids)",
            ("ids", ids)
        );

    /// <summary>
    /// In the caller's transaction: the old table goes, the new one has its name, indexes, rights and triggers.
    /// </summary>
    public async Task SwitchAsync(NpgsqlConnection owner)
    {
        var indexes = await IndexesAsync(owner, "true");
        foreach (
            var grant in await owner.QueryAsync(
                """
                select format('grant %s on %s to %s', string_agg(a.privilege_type, ', '), @new,
                              case a.grantee when 0 then 'public' else quote_ident(pg_get_userbyid(a.grantee)) end)
                  from pg_class c, aclexplode(c.relacl) a
                 where c.oid = @old::regclass
                   and a.grantee <> c.relowner
                 group by a.grantee
                """,
                r => r.GetString(0),
                ("old", Old),
                ("new", Name)
            )
        )
            await owner.ExecuteAsync(grant);
        var triggers = await owner.QueryAsync(
            "select pg_get_triggerdef(oid) from pg_trigger where tgrelid = @old::regclass and not tgisinternal",
            r => r.GetString(0),
            ("old", Old)
        );
        await owner.ExecuteAsync($"drop table {Old}");
        await owner.ExecuteAsync($"alter table {Name} rename to {name}");
        foreach (var trigger in triggers)
            await owner.ExecuteAsync(trigger);
        foreach (var (index, _) in indexes)
            await owner.ExecuteAsync($"alter index {schema}.{Fresh(index)} rename to {index}");
    }

    public Task DropAsync(NpgsqlConnection owner) => owner.ExecuteAsync($"drop table if exists {Name}");

    private Task<List<(string Name, string Definition)>> IndexesAsync(NpgsqlConnection owner, string which) =>
        owner.QueryAsync(
            $"""
            select c.relname, pg_get_indexdef(c.oid)
              from pg_index
              join pg_class c on c.oid = indexrelid
             where indrelid = '{Old}'::regclass
               and {which}
             order by 1
            """,
            r => (r.GetString(0), r.GetString(1))
        );

    /// <summary>Within the 63 bytes of a name.</summary>
    private static string Fresh(string index) => $"{(index.Length > 59 ? index[..59] : index)}_new";
}
