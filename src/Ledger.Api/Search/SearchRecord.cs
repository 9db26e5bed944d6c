using System.Globalization;
using System.Text;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Projections.Search;
using Npgsql;

namespace Ledger.Api.Search;

/// <summary>
/// Who looked for whom: what was asked by a keyed hash, who was shown by pseudonymous id. Sealed under a key that is
/// not in the database, each by an id of its own, so that nobody writes that somebody looked, nor that he did twice.
/// </summary>
public sealed class SearchRecord(KeyFile keys, Findings findings)
{
    private const int Page = 200;

    public Task AddAsync(NpgsqlConnection connection, Actor by, byte[] asked, string[] shown)
    {
        var id = Guid.CreateVersion7();
        return connection.ExecuteAsync(
            $"""
            insert into {LedgerStore.Schema}.person_search (id, actor, role, region, asked, shown, seal)
            values (@id, @actor, @role, @region, @asked, @shown, @seal)
            """,
            ("id", id),
            ("actor", by.Id),
            ("role", by.Role),
            ("region", by.Region),
            ("asked", asked),
            ("shown", shown),
            ("seal", SealOf(id, by.Id, by.Role, by.Region, Convert.ToHexStringLower(asked), shown))
        );
    }

    /// <summary>
    /// A page of a scope, newest first; rows that somebody wrote past the product are counted, not shown.
    /// </summary>
    /// <param name="memberId">Who was shown; null: whoever.</param>
    /// <param name="actor">Who looked; null: whoever.</param>
    public async Task<SearchRecordPage> ReadAsync(
        NpgsqlConnection connection,
        string scope,
        string? memberId,
        string? actor,
        long? before
    )
    {
        var rows = await connection.QueryAsync(
            $"""
            select seq, at, actor, role, region, encode(asked, 'hex'), shown, id, seal
              from {LedgerStore.Schema}.person_search
             where region like @scope || '%'
               and (@actor = '' or actor = @actor)
               and (@member = '' or shown @> array[@member])
               and seq < @before
             order by seq desc
             limit {Page}
            """,
            Read,
            ("scope", scope),
            ("actor", actor ?? ""),
            ("member", memberId ?? ""),
            ("before", before ?? long.MaxValue)
        );
        foreach (var (planted, _) in rows.Where(r => !r.IsOurs).Take(20))
            await findings.AddAsync("person", $"查找记录第 {planted.Seq} 行不是产品写入的 nobody looked for that");
        return new SearchRecordPage(
            [.. rows.Where(r => r.IsOurs).Select(r => r.Entry)],
            rows.Count < Page ? null : rows[^1].Entry.Seq,
            rows.Count(r => !r.IsOurs)
        );
    }

    private (SearchRecordEntry Entry, bool IsOurs) Read(NpgsqlDataReader r)
    {
        var entry = new SearchRecordEntry(
            r.GetInt64(0),
            r.GetFieldValue<DateTimeOffset>(1),
            r.GetString(2),
            r.GetString(3),
            r.GetString(4),
            r.GetString(5),
            r.GetFieldValue<string[]>(6)
        );
        var seal = r.IsDBNull(8) ? null : r.GetString(8);
        var isOurs =
            seal == "before" // there were none; nobody adds another (V0021)
            || seal == SealOf(r.GetGuid(7), entry.Actor, entry.Role, entry.Region, entry.Asked, entry.Shown);
        return (entry, isOurs);
    }

    private string SealOf(Guid id, string actor, string role, string region, string asked, IEnumerable<string> shown) =>
        Mac.Of(
            keys.SearchRecordKey,
            Encoding.UTF8.GetBytes(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"{id:N}\n{actor}\n{role}\n{region}\n{asked}\n{string.Join(' ', shown)}"
                )
            )
        );
}
