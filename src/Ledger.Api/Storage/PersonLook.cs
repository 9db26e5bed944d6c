using System.Diagnostics;
using Ledger.Api.Evidence;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Storage;

/// <summary>
/// The look at the personal data beside the events, all of it in turn: each row opens, is found by its own person's
/// number, name and birth date, and is gone only where an event says so. Else somebody could be registered, and
/// subsidised, a second time. Who handed in a document is as it was sealed. Rows from before there was a hash of name
/// and birth date get theirs. The lists by which search finds people are as the rows (<see cref="NameListLook"/>).
/// </summary>
public sealed class PersonLook(
    PersonalData people,
    EventWriter writer,
    Findings findings,
    KeyFile keys,
    NpgsqlDataSource database
)
{
    private const int Page = 500;

    private sealed record Row(
        string Id,
        byte[] Hash,
        byte[]? Key,
        byte[] Data,
        string[] Names,
        bool IsErased,
        string? Digest,
        byte[]? Namesakes,
        string? Home,
        (Guid Id, string Collective)? List
    );

    /// <summary>
    /// What a second village under one agency has handed in is a record without a stream (<c>own</c>): whose it is, and
    /// of which collective, the person's events say.
    /// </summary>
    private const string Rows = $"""
        select p.member_id, p.id_hash, p.wrapped_key, coalesce(p.data, ''),
               array(select distinct coalesce(e.data ->> 'collectiveId', e.data ->> 'region')
                       from {LedgerStore.Schema}.mt_events e
                      where e.stream_id = p.member_id and e.type in ('member_registered', 'donor_registered')
                      union
                     select own.collective where own.collective is not null),
               exists (select
                         from {LedgerStore.Schema}.mt_events e
                        where e.stream_id in (p.member_id, own.person)
                          and e.type in ('personal_data_erased', 'donor_data_erased')),
               (select r ->> 'dataDigest'
                  from {LedgerStore.Schema}.mt_events e, jsonb_array_elements(e.data -> 'records') r
                 where e.type = 'member_corrected'
                   and e.data -> 'records' @> jsonb_build_array(jsonb_build_object('recordId', p.member_id))
                   and r ->> 'recordId' = p.member_id
                 order by e.seq_id desc limit 1),
               p.namesake_hash, p.list_id, l.collective_id,
               array(select coalesce(e.data ->> 'fromCollectiveId', '') || ' '
                         || coalesce(e.data ->> 'toCollectiveId', e.data ->> 'collectiveId')
                       from {LedgerStore.Schema}.mt_events e
                      where e.stream_id = coalesce(own.person, p.member_id)
                        and (e.type = 'membership_moved'
                          or (e.type = 'member_registered'
                              and coalesce(e.data ->> 'recordId', e.stream_id) = p.member_id))
                      order by e.version)
          from {LedgerStore.Schema}.person p
          left join {LedgerStore.Schema}.name_list l on l.id = p.list_id
          left join lateral (select e.stream_id as person, e.data ->> 'collectiveId' as collective
                               from {LedgerStore.Schema}.mt_events e
                              where e.type = 'member_registered'
                                and e.data ->> 'recordId' = p.member_id
                              order by e.version desc limit 1) own on true
         where p.member_id > @after
           and (p.member_id like 'member-%' or p.member_id like 'donor-%')
         order by p.member_id limit @page
        """;

    private const string Nobodys = $"""
        select member_id
          from {LedgerStore.Schema}.person
         where member_id !~ '^(member|donor|person)-'
         limit 1000
        """;

    private const string HandedIn = $"""
        select digest, region, uploaded_by, seal
          from {LedgerStore.Schema}.evidence
         where (digest, region) > (@digest, @region)
         order by digest, region
         limit @page
        """;

    /// <param name="rest">How long it rests after each page, in times of what the page took.</param>
    public async Task RunAsync(int rest, CancellationToken cancellation)
    {
        await using var connection = await database.OpenConnectionAsync(cancellation);
        foreach (var account in await HolderLook.FaultsAsync(connection, people, c => writer.OursAsync(connection, c)))
            await findings.AddAsync("person", $"{account}：账户所属的人与其证件号不符 an account's person was edited");
        foreach (var id in await connection.QueryAsync(Nobodys, r => r.GetString(0)))
            await findings.AddAsync("person", $"{Short(id)}：没有这种编号的人 personal data of nobody's kind");
        await EvidenceAsync(connection, rest, cancellation);
        var watch = new Stopwatch();
        var lists = new NameListLook(people, findings);
        for (var after = ""; ; )
        {
            watch.Restart();
            var page = await connection.QueryAsync(Rows, Read, ("after", after), ("page", Page));
            if (page.Count == 0)
                break;
            foreach (var row in page)
                if (Fault(row, out var namesakes) is { } fault)
                    await findings.AddAsync("person", $"{row.Id}：{fault}");
                else
                {
                    if (row.Namesakes is null && namesakes is not null)
                        await PersonalData.FillAsync(connection, row.Id, namesakes);
                    if (
                        row.Key is { } key
                        && StreamId.IsMember(row.Id)
                        && people.ListedAs(row.Id, key, row.Data) is { } listed
                    )
                        lists.See(listed, row.Home, row.List);
                }
            after = page[^1].Id;
            await Task.Delay(watch.Elapsed * rest, cancellation);
        }
        await lists.MendAsync(connection, cancellation);
    }

    /// <summary>Where the record is: where it was registered, and from there as mergers and splits have moved it.
    /// </summary>
    /// <param name="steps">From which collective, or none, and to which.</param>
    private static string? Home(IEnumerable<string> steps) =>
        steps
            .Select(s => s.Split(' '))
            .Aggregate((string?)null, (home, s) => s[0].Length == 0 || s[0] == home ? s[1] : home);

    private static string Short(string text) => text.Length <= 100 ? text : text[..100];

    /// <summary>What stands in a row, not the document: its digest is the table's own condition.</summary>
    private async Task EvidenceAsync(NpgsqlConnection connection, int rest, CancellationToken cancellation)
    {
        var watch = new Stopwatch();
        for (var (digest, region) = ("", ""); ; )
        {
            watch.Restart();
            var page = await connection.QueryAsync(
                HandedIn,
                r => (r.GetString(0), r.GetString(1), By: r.GetString(2), Seal: r.IsDBNull(3) ? null : r.GetString(3)),
                ("digest", digest),
                ("region", region),
                ("page", Page)
            );
            if (page.Count == 0)
                return;
            foreach (var (of, where, by, seal) in page)
                if (!EvidenceSeal.Holds(keys, of, where, by, seal))
                    await findings.AddAsync(
                        "evidence",
                        $"{of}（{Short(where)}）：由谁提交不是产品记下的 who handed it in was edited"
                    );
            (digest, region, _, _) = page[^1];
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
            r.IsDBNull(6) ? null : r.GetString(6),
            r.IsDBNull(7) ? null : r.GetFieldValue<byte[]>(7),
            Home(r.GetFieldValue<string?[]>(10).OfType<string>()),
            r.IsDBNull(8) || r.IsDBNull(9) ? null : (r.GetGuid(8), r.GetString(9))
        );

    private string? Fault(Row row, out byte[]? namesakes)
    {
        namesakes = null;
        if (row.Key is null)
            return row.IsErased ? null : "个人信息不见了，没有删除的事件 personal data is gone without an event";
        return people.IsWhole(row.Id, row.Key, row.Data, row.Hash, row.Names, row.Digest, row.Namesakes, out namesakes)
            ? null
            : "个人信息记录被改动 personal data was edited";
    }
}
