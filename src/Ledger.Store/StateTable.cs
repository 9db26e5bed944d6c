using Ledger.Domain;
using Marten;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Store;

/// <summary>Marten's table of a kind of document, written in one statement however many there are.</summary>
public static class StateTable
{
    public static string Name(Type document) => $"mt_doc_{document.Name.ToLowerInvariant()}";

    public static string Of(string schema, Type document) => $"{schema}.{Name(document)}";

    /// <summary>A row's first column, as a state; null: none can be read from it.</summary>
    public static Aggregate? Parsed(IDocumentStore store, Type document, NpgsqlDataReader row)
    {
        try
        {
            return (Aggregate)store.Options.Serializer().FromJson(document, row, 0);
        }
        catch (Exception none) when (StoredForm.IsNone(none))
        {
            return null;
        }
    }

    /// <summary>
    /// From here on they are updated, and what is missing is inserted: 0.6 of what the other form takes, which for a
    /// few is the quicker one.
    /// </summary>
    private const int Many = 500;

    public static void Upsert<T>(
        NpgsqlBatch batch,
        string table,
        Type document,
        IReadOnlyList<T> rows,
        Func<T, string> id,
        Func<T, string> json,
        Func<T, long?> version,
        Func<T, string> region
    ) =>
        batch.Add(
            rows.Count < Many
                ? $"""
                insert into {table} as d (id, data, mt_version, region, mt_dotnet_type, mt_last_modified)
                select s.*, '{document.FullName}', transaction_timestamp() from unnest($1, $2, $3, $4) s
                    on conflict (id) do update set data = excluded.data, mt_version = excluded.mt_version,
                           region = excluded.region, mt_last_modified = excluded.mt_last_modified
                """
                : $"""
                with known as (
                    update {table} d
                       set data = s.data, mt_version = s.version, region = s.region,
                           mt_last_modified = transaction_timestamp()
                      from unnest($1, $2, $3, $4) s (id, data, version, region)
                     where d.id = s.id
                    returning d.id)
                insert into {table} (id, data, mt_version, region, mt_dotnet_type, mt_last_modified)
                select s.*, '{document.FullName}', transaction_timestamp()
                  from unnest($1, $2, $3, $4) s (id, data, version, region)
                 where s.id not in (select id from known)
                """,
            rows.Texts(id),
            rows.Column(NpgsqlDbType.Jsonb, json),
            rows.Longs(version),
            rows.Texts(region)
        );

    /// <summary>Into a new table of this form, where none of them can be already.</summary>
    public static Task CopyAsync(
        NpgsqlConnection connection,
        string table,
        Type document,
        IReadOnlyCollection<(string Id, string Json, long Version, string Region)> rows
    ) =>
        connection.CopyAsync(
            $"{table} (id, data, mt_version, region, mt_dotnet_type)",
            rows,
            (copy, row) =>
            {
                copy.Write(row.Id);
                copy.Write(row.Json, NpgsqlDbType.Jsonb);
                copy.Write(row.Version);
                copy.Write(row.Region);
                copy.Write(document.FullName!);
            }
        );
}
