using System.Diagnostics;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The look at the personal data beside the events, all of it in turn: each row opens, is found by its own person's
/// number, and is gone only where an event says so. Else somebody could be registered, and subsidised, a second time.
/// </summary>
public sealed class PersonLook(PersonalData people, Findings findings, NpgsqlDataSource database)
{
    private const int Page = 500;

    private sealed record Row(
        string Id,
        byte[] Hash,
        byte[]? Key,
        byte[] Data,
        string[] Names,
        bool IsErased,
        string? Digest
    );

    private const string Rows = $"""
        select p.member_id, p.id_hash, p.wrapped_key, coalesce(p.data, ''),
               array(select distinct coalesce(e.data ->> 'collectiveId', e.data ->> 'region')
                       from {LedgerStore.Schema}.mt_events e
                      where e.stream_id = p.member_id and e.type in ('member_registered', 'donor_registered')),
               exists (select
                         from {LedgerStore.Schema}.mt_events e
                        where e.stream_id = p.member_id
                          and e.type in ('personal_data_erased', 'donor_data_erased')),
               (select r ->> 'dataDigest'
                  from {LedgerStore.Schema}.mt_events e, jsonb_array_elements(e.data -> 'records') r
                 where e.type = 'member_corrected'
                   and e.data -> 'records' @> jsonb_build_array(jsonb_build_object('recordId', p.member_id))
                   and r ->> 'recordId' = p.member_id
                 order by e.seq_id desc limit 1)
          from {LedgerStore.Schema}.person p
         where p.member_id > @after
           and (p.member_id like 'member-%' or p.member_id like 'donor-%')
         order by p.member_id limit @page
        """;

    /// <param name="rest">How long it rests after each page, in times of what the page took.</param>
    public async Task RunAsync(int rest, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var watch = new Stopwatch();
        for (var after = ""; ; )
        {
            watch.Restart();
            var page = await connection.QueryAsync(Rows, Read, ("after", after), ("page", Page));
            if (page.Count == 0)
                return;
            foreach (var row in page)
                if (Fault(row) is { } fault)
                    await findings.AddAsync("person", $"{row.Id}：{fault}");
            after = page[^1].Id;
            await Task.Delay(watch.Elapsed * rest, cancellation);
        }
    }

    private static Row Read(NpgsqlDataReader r) =>
        new(
            r.GetString(0),
            r.GetFieldValue<byte[]>(1),
            r.IsDBNull(2) ? null : r.GetFieldValue<byte[]>(2),
            r.GetFieldValue<byte[]>(3),
            r.GetFieldValue<string[]>(4),
            r.GetBoolean(5),
            r.IsDBNull(6) ? null : r.GetString(6)
        );

    private string? Fault(Row row) =>
        row.Key is null
            ? row.IsErased
                ? null
                : "个人信息不见了，没有删除的事件 personal data is gone without an event"
            : people.IsWhole(row.Id, row.Key, row.Data, row.Hash, row.Names, row.Digest)
                ? null
                : "个人信息记录被改动 personal data was edited";
}
