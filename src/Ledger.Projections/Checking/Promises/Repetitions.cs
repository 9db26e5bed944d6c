using System.Globalization;
using System.Text.Json;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.TransparencyLog;
using Npgsql;

namespace Ledger.Projections.Checking.Promises;

/// <summary>
/// What was used twice, or should not stand where it stands: seen only across streams, so the database looks for it.
/// </summary>
internal sealed class Repetitions(
    NpgsqlConnection connection,
    StoredEvents stored,
    string schema,
    string scope,
    Report broken,
    Report unclear
)
{
    private const int Most = 1_000;

    private const string Slips = """
        jsonb_array_elements_text(case jsonb_typeof(data -> 'evidence') when 'array' then data -> 'evidence'
                                  else '[]' end)
        """;

    private const string InScope = "(@scope = '' or headers ->> 'region' like @scope || '%')";

    public async Task LookAsync()
    {
        // C17: the bank says which transfer it was. Two funds may have two banks, and two banks the same number; one
        // transfer may be booked in parts.
        foreach (
            var (reference, payments, first, last) in await TwiceAsync(
                "funds_paid",
                "data ->> 'bankReference'",
                "stream_id || ' ' || coalesce(data ->> 'applicationId', '')",
                "1 = 1"
            )
        )
        {
            var applications = payments.Select(p => p.Split(' ')).DistinctBy(p => p[1]).ToList();
            var isTwice = applications.Select(a => a[0]).Distinct().Count() < applications.Count;
            (isTwice ? broken : unclear)(
                payments[^1].Split(' ')[0],
                "C17",
                $"银行流水号 {Short(reference)} 用于 {payments.Length} 笔付款、{applications.Count} 份申请（首笔为事件 {first}）",
                "一个流水号一笔付款",
                last
            );
        }
        foreach (var (slip, funds, first, last) in await TwiceAsync("funds_allocated", Slips, "stream_id", "1 = 1"))
            unclear(
                funds[^1],
                "C7",
                $"凭证 {slip[..Math.Min(12, slip.Length)]}… 用于 {funds.Length} 笔划入（首笔为事件 {first}）",
                "一张回单一笔划入；确为一张时请核实",
                last
            );
        foreach (
            var (reference, years, first, last) in await TwiceAsync(
                "contribution_recorded', 'contribution_adjusted', 'contribution_refunded",
                "data ->> 'reference'",
                "stream_id",
                "count(distinct left(stream_id, -5)) > 1"
            )
        )
            unclear(
                years[^1],
                "C4",
                $"税务凭证号 {Short(reference)} 用于 {years.Select(y => y[..^5]).Distinct().Count()} 人（首笔为事件 {first}）",
                "一个凭证号一人",
                last
            );
        await MeetingsAsync();
        await PersonalNumbersAsync();
        await WithoutRegionAsync();
        await DelegationsAsync();
        await ReservedNamesAsync();
    }

    private async Task ReservedNamesAsync()
    {
        foreach (
            var (account, at) in await RowsAsync(
                $"""
                select stream_id, seq_id
                  from {schema}.mt_events
                 where type = 'account_opened'
                   and stream_id in ('account-public', 'account-console')
                   and {InScope}
                """,
                r => (r.GetString(0), r.GetInt64(1))
            )
        )
            unclear(account, "C20", "账户名与系统自用的名称相同", "停用，另开一个", at);
    }

    /// <summary>
    /// What stands in more than one event of a type: where, the first and the last of them. Not where it was asked
    /// about and meant.
    /// </summary>
    private Task<List<(string What, string[] Where, long First, long Last)>> TwiceAsync(
        string type,
        string what,
        string where,
        string having
    ) =>
        RowsAsync(
            $"""
            select what, array_agg(place order by seq_id), min(seq_id), max(seq_id)
              from (select {what} as what, {where} as place, stream_id, seq_id
                      from {schema}.mt_events
                     where type in ('{type}')
                       and {InScope}
                       and not headers ? '{EventHeaders.NotDuplicate}') e
             where what is not null group by what having count(*) > 1 and {having} order by 3 limit {Most}
            """,
            r => (r.GetString(0), r.GetFieldValue<string[]>(1), r.GetInt64(2), r.GetInt64(3))
        );

    /// <summary>
    /// C13: a meeting of another time, or of hardly anybody, that the collective's survey does not explain.
    /// </summary>
    private async Task MeetingsAsync()
    {
        // Both are sealed: what others wrote there is none.
        var surveys = (
            await SoundAsync<CollectiveSurveyed>("collective_surveyed", "stream_id like 'collective-%'")
        ).ToLookup(s => StreamId.PlanOf(s.Stream, s.Body.Year));
        foreach (
            var (plan, at, meeting) in await SoundAsync<ResolutionRecorded>(
                "resolution_recorded",
                "stream_id ~ '^plan-.+-[0-9]{4}$'"
            )
        )
        {
            var year = int.Parse(plan.AsSpan(^4..), CultureInfo.InvariantCulture);
            var (on, eligible) = (meeting.Resolution.MeetingDate, meeting.Resolution.Eligible);
            var members = surveys[plan].LastOrDefault(s => s.At < at).Body?.Survey.Members;
            if (on.Year < year - 1)
                unclear(plan, "C13", $"{year} 年度方案的会议日期 {on:yyyy-MM-dd}", "方案年度或上一年", at);
            // A household has a handful of members, a representative speaks for a dozen households.
            if (members is { } all && eligible * 50L < all)
                unclear(plan, "C13", $"应到 {eligible} 人", $"与摸底的 {all} 名成员相称", at);
        }
    }

    /// <summary>C15: who reviews for him whom he approves for is two people on paper.</summary>
    private async Task DelegationsAsync()
    {
        var mutual = await RowsAsync(
            $"""
            select a.stream_id, a.seq_id, b.stream_id from {schema}.mt_events a join {schema}.mt_events b
                   on b.type = 'delegation_granted'
                      and b.stream_id = 'account-' || (a.data ->> 'to')
                      and a.stream_id = 'account-' || (b.data ->> 'to')
                      and b.seq_id < a.seq_id and (b.data ->> 'until') >= (a.headers ->> 'effectiveDate')
             where a.type = 'delegation_granted' and {InScope.Replace("headers", "a.headers", StringComparison.Ordinal)}
               and not exists (select
                                 from {schema}.mt_events e
                                where e.type = 'delegation_ended'
                                  and e.stream_id = b.stream_id
                                  and e.data ->> 'to' = b.data ->> 'to'
                                  and e.seq_id between b.seq_id and a.seq_id)
             order by a.seq_id limit {Most}
            """,
            r => (By: r.GetString(0), At: r.GetInt64(1), To: r.GetString(2))
        );
        foreach (var (by, at, to) in mutual)
            unclear(by, "C15", $"与 {to} 互相委托", "复核与审批不由同一人代办", at);
    }

    /// <summary>Numbers of people in what nobody can erase. The number itself is not repeated here.</summary>
    private async Task PersonalNumbersAsync()
    {
        const string Digits = "(?<![0-9A-Za-z])([0-9]{17}[0-9Xx]|1[3-9][0-9]{9})(?![0-9A-Za-z])";
        var suspects = await RowsAsync(
            $"""
            select stream_id, type, seq_id, data::text, coalesce(headers ->> 'idempotencyKey', '')
              from {schema}.mt_events
             where {InScope}
               and (data::text ~ @digits or headers ->> 'idempotencyKey' ~ @digits)
             order by seq_id limit {Most}
            """,
            r =>
                (
                    Id: r.GetString(0),
                    Type: r.GetString(1),
                    At: r.GetInt64(2),
                    Body: r.GetString(3),
                    Key: r.GetString(4)
                ),
            ("digits", Digits)
        );
        foreach (var (id, type, at, body, key) in suspects)
        {
            using var json = JsonDocument.Parse(body);
            if (
                Texts(json.RootElement).Select(PersonalNumbers.In).FirstOrDefault(what => what is not null) is
                { } inBody
            )
                unclear(id, "C20", $"{type} 的内容中有{inBody}", "事件不能删除，不写个人号码", at);
            if (PersonalNumbers.In(key) is { } inKey)
                unclear(id, "C20", $"{type} 的 Idempotency-Key 是{inKey}", "事件不能删除，不写个人号码", at);
        }
    }

    /// <summary>What is written in words; an amount may have as many digits as a telephone.</summary>
    private static IEnumerable<string> Texts(JsonElement json) =>
        json.ValueKind switch
        {
            JsonValueKind.String => [json.GetString()!],
            JsonValueKind.Array => json.EnumerateArray().SelectMany(Texts),
            JsonValueKind.Object => json.EnumerateObject().SelectMany(p => Texts(p.Value)),
            _ => [],
        };

    private async Task WithoutRegionAsync()
    {
        if (!await LogStore.IsWholeInAsync(connection, schema, scope))
            return; // they are for whoever sees everything else
        foreach (
            var (type, count, first) in await RowsAsync(
                $"""
                select type, count(*), min(seq_id)
                  from {schema}.mt_events
                 where {LogStore.IsNobodys("headers ->> 'region'")}
                 group by type
                 order by type
                """,
                r => (r.GetString(0), r.GetInt64(1), r.GetInt64(2))
            )
        )
            unclear(type, "C20", $"{count} 个事件没有区划，或区划不成立，首个为事件 {first}", "办理人的区划", first);
    }

    /// <summary>A reference is free text: what it may hide is not spread further.</summary>
    private static string Short(string reference) =>
        PersonalNumbers.In(reference) is { } what ? $"（{what}）" : reference;

    /// <summary>Events of a type in scope, as recorded; without what the product did not write.</summary>
    private async Task<List<(string Stream, long At, T Body)>> SoundAsync<T>(string type, string where)
        where T : class
    {
        var sound = new List<(string Stream, long At, T Body)>();
        await foreach (
            var row in stored.LookAsync(
                connection,
                $"type = @type and {where} and {InScope}",
                ("type", type),
                ("scope", scope)
            )
        )
            if (row.Event is { Data: T body } e && !e.IsForeign())
                sound.Add((row.Stream, e.Sequence, body));
        return [.. sound.OrderBy(s => s.At)];
    }

    private async Task<List<T>> RowsAsync<T>(
        string sql,
        Func<NpgsqlDataReader, T> read,
        params (string Name, object? Value)[] parameters
    )
    {
        await using var command = new NpgsqlCommand(sql, connection) { CommandTimeout = 0 };
        command.Parameters.AddWithValue("scope", scope);
        foreach (var (name, value) in parameters)
            command.Parameters.AddWithValue(name, value ?? DBNull.Value);
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<T>();
        while (await reader.ReadAsync())
            rows.Add(read(reader));
        return rows;
    }
}
