using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using System.Text.Json.Schema;
using Npgsql;

namespace Ledger.Store;

/// <summary>
/// In which shape the states in the database were written. After an upgrade that changed one, an older document may
/// lack what its events say; until <c>check</c> has found all of them sound, or rebuilt them, the product works and
/// says that it is degraded.
/// </summary>
public static class StateShapes
{
    private const string Table = $"{LedgerStore.Schema}.state_shape";

    /// <summary>By the name of the aggregate: SHA-256 over the JSON schema of its document.</summary>
    public static readonly Lazy<IReadOnlyDictionary<string, string>> Present = new(() =>
    {
        var json = new JsonSerializerOptions(JsonSerializerOptions.Default);
        StoredForm.Apply(json);
        return EventTypes.Aggregates.ToDictionary(
            t => t.Name,
            t =>
                Convert.ToHexStringLower(
                    SHA256.HashData(Encoding.UTF8.GetBytes(json.GetJsonSchemaAsNode(t).ToJsonString()))
                )
        );
    });

    /// <summary>
    /// What is not known yet is of the present shape in an empty database, and of an unknown one in any other.
    /// </summary>
    public static Task AddAsync(NpgsqlConnection connection) =>
        connection.ExecuteAsync(
            $"""
            insert into {LedgerStore.Schema}.state_floor as f (type, shape, seq, until)
            select t, s, (select last_value from {LedgerStore.Schema}.mt_events_sequence),
                   case when exists (select from {LedgerStore.Schema}.mt_events) then now() + interval '1 day'
                        else now() end
              from unnest(@types, @shapes) x (t, s)
                on conflict (type) do update set shape = excluded.shape, seq = excluded.seq, until = excluded.until
             where f.shape <> excluded.shape;
            insert into {Table} (type, shape)
            select t, case when exists (select from {LedgerStore.Schema}.mt_events) then '' else s end
              from unnest(@types, @shapes) x (t, s)
                on conflict do nothing
            """,
            ("types", Present.Value.Keys.ToArray()),
            ("shapes", Present.Value.Values.ToArray())
        );

    /// <summary>All states are as this version writes them: <c>check</c> has seen to it.</summary>
    public static Task KeepAsync(NpgsqlConnection connection) =>
        connection.ExecuteAsync(
            $"""
            insert into {Table} (type, shape)
            select *
              from unnest(@types, @shapes)
                on conflict (type) do update set shape = excluded.shape
            """,
            ("types", Present.Value.Keys.ToArray()),
            ("shapes", Present.Value.Values.ToArray())
        );

    /// <summary>How many kinds of state another version wrote.</summary>
    public static async Task<long> ChangedAsync(NpgsqlConnection connection) =>
        (await ChangedKindsAsync(connection)).Count;

    /// <summary>
    /// Whether a state after the event of this number may be of another version's form. That a form changed, and before
    /// which event, the tables' owner alone writes: what anybody of the application's role says of it does not hide an
    /// event that he wrote since.
    /// </summary>
    public static async Task<bool> IsChangedAsync(NpgsqlConnection connection, string kind, long last) =>
        (await ChangedKindsAsync(connection)).Contains(kind)
        && (
            await connection.QueryAsync(
                $"""
                select 1
                  from {LedgerStore.Schema}.state_floor
                 where type = @kind
                   and (seq >= @last or until > now())
                """,
                r => r.GetInt32(0),
                ("kind", kind),
                ("last", last)
            )
        ).Count > 0;

    private static async Task<IReadOnlySet<string>> ChangedKindsAsync(NpgsqlConnection connection)
    {
        var stored = (
            await connection.QueryAsync(
                $"select type, shape from {Table}",
                r => (Type: r.GetString(0), Shape: r.GetString(1))
            )
        ).ToDictionary(s => s.Type, s => s.Shape);
        return Present.Value.Where(p => stored.GetValueOrDefault(p.Key) != p.Value).Select(p => p.Key).ToHashSet();
    }
}
