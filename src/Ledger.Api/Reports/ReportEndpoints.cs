using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Domain.Policies;
using Ledger.Domain.Reports;
using Ledger.Projections.Reports;
using Ledger.Web;
using Marten;
using Npgsql;

namespace Ledger.Api.Reports;

/// <summary>
/// Another policy to try on a year: <paramref name="CapAmount"/> instead of the highest tier,
/// <paramref name="Standard"/> instead of the collectives' own.
/// </summary>
public sealed record ReplayBody(
    int Year,
    string? Region = null,
    Money? CapAmount = null,
    StandardBody? Standard = null
);

public sealed record ReplayedLineView(
    string MemberYearId,
    string ApplicationId,
    Money ActualAmount,
    Money? ReplayedAmount,
    string? Code
);

/// <summary>The changed lines of one collective, together.</summary>
public sealed record ReplayedCollectiveView(
    string Collective,
    int ChangedCount,
    Money ActualAmount,
    Money ReplayedAmount,
    int Refused
);

/// <summary>
/// Of the changed lines the first 1,000 are shown; counts, sums and <paramref name="Collectives"/> are whole.
/// </summary>
public sealed record ReplayView(
    string Region,
    int Year,
    Money CapAmount,
    StandardBody? Standard,
    int Lines,
    Money ActualAmount,
    Money ReplayedAmount,
    int Refused,
    int ChangedCount,
    IReadOnlyList<ReplayedLineView> Changed,
    IReadOnlyList<ReplayedCollectiveView> Collectives
);

/// <summary>Reports of county and city: commendation (C18), supervision (C20, C21).</summary>
public static class ReportEndpoints
{
    private const string S = LedgerStore.Schema;
    public static readonly string[] Replayers = [Roles.CityHrss, Roles.CountyHrss, Roles.CountyFinance, Roles.Auditor];

    public static readonly string[] Overseers =
    [
        Roles.CityHrss,
        .. Roles.County,
        Roles.Agency,
        Roles.Auditor,
        Roles.Township,
    ];

    public static void MapReports(this IEndpointRouteBuilder api)
    {
        Comparisons.Map(api);
        api.MapGet(
                "/reports/incentives",
                async (
                    string? region,
                    int year,
                    IQuerySession session,
                    NpgsqlDataSource database,
                    Caller caller,
                    HttpContext http
                ) =>
                {
                    var report = await Incentives(region, year, session, database, caller);
                    return Workbook.Answer(http, report, () => OfficeSheets.Ranking(report), $"激励排名-{year}");
                }
            )
            .Reading<IncentiveReportView>(
                "report-incentives",
                "激励排名：覆盖率、金额、增长、及时、异议，Accept 为 .xlsx 时得到表格 (C18) · Ranking of active collectives",
                Overseers
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapPost("/reports/replay", Replay)
            .Command<ReplayView>(
                "replay-policy",
                "政策推演：若上限或标准不同，当年补助会怎样；不存任何内容 (C10 C11) · What another cap or standard would have made of a year",
                Replayers
            )
            .Alone()
            .Refuses(
                Rejections.PolicyYearMissing,
                Rejections.StandardInvalid,
                Rejections.AmountInvalid,
                Rejections.FieldInvalid
            )
            .Example("""{"year":2026,"capAmount":3000.00,"standard":{"kind":"flat","flatAmount":150}}""");
        api.MapGet(
                "/supervision",
                async (
                    string? region,
                    IQuerySession session,
                    NpgsqlDataSource database,
                    PersonalData people,
                    Caller caller,
                    Clock clock,
                    IContacts contacts,
                    HttpContext http
                ) =>
                {
                    var view = await Supervise(region, session, database, people, caller, clock);
                    return Workbook.IsWantedBy(http)
                        ? Workbook.File(OfficeSheets.Supervision(view, await PlacesAsync(view, contacts)), "督办清单")
                        : Results.Ok(view);
                }
            )
            .Reading<SupervisionView>(
                "read-supervision",
                "督办清单：逾期审核、逾期付款、逾期入账、未答复异议、闲置资金、叫停的付款、应追回补助、付款后金额有变、审批后查出，Accept 为 .xlsx 时得到表格 (C5 C10 C20 C21) ·"
                    + " What is overdue or to be clawed back",
                Overseers
            )
            .Refuses(Rejections.FieldInvalid);
    }

    /// <summary>Of each collective: who paid, who was subsidised, how much, this year and last, how soon.</summary>
    private static readonly string FactsOfCollectives = $"""
        with c as (
            select id, data ->> 'name' as name
              from {S}.mt_doc_collective
             where region like @scope || '%'
               and data ->> 'mergedInto' is null
               and data ->> 'dissolvedOn' is null),
        payer as (
            select m.collective, count(*) as people
              from {S}.mt_doc_memberyear y
              join (select d.id, k.key as collective
                      from {S}.mt_doc_member d, jsonb_each_text(d.data -> 'memberships') k
                     where d.data -> 'memberships' ?| (select array_agg(id) from c)) m
                on y.id = 'member-year-' || substr(m.id, 8) || '-' || @year
             where {PaidThemselves}
               and not {CaughtUp}
             group by 1),
        line as (
            select a.data ->> 'collectiveId' as collective,
                   count(distinct l ->> 'memberId') filter (where (a.data ->> 'year')::int = @year) as people,
                   coalesce(sum((l ->> 'amountFen')::bigint)
                                filter (where (a.data ->> 'year')::int = @year), 0)::bigint as fen,
                   coalesce(sum((l ->> 'amountFen')::bigint)
                                filter (where (a.data ->> 'year')::int = @year - 1), 0)::bigint as before
              from {S}.mt_doc_application a, jsonb_array_elements(a.data -> 'lines') l
             where a.region like @scope || '%'
               and l ->> 'status' = 'credited'
               and (a.data ->> 'year')::int in (@year, @year - 1)
             group by 1),
        done as (
            select a.data ->> 'collectiveId' as collective,
                   avg(extract(epoch from s.timestamp - f.timestamp) / 86400)::int as days
              from {S}.mt_doc_application a
              join {S}.mt_events f on f.stream_id = a.id and f.type = 'application_filed'
              join {S}.mt_events s on s.stream_id = a.id and s.type = 'application_settled'
             where a.region like @scope || '%'
               and (a.data ->> 'year')::int = @year
             group by 1),
        dispute as (
            select a.data ->> 'collectiveId' as collective, count(*) as raised,
                   count(*) filter (where (o ->> 'upheld')::boolean) as upheld
              from {S}.mt_doc_application a, jsonb_array_elements(a.data -> 'objections') o
             where a.region like @scope || '%'
               and (a.data ->> 'year')::int = @year
             group by 1)
        select c.id, c.name, coalesce(payer.people, 0), coalesce(line.people, 0), coalesce(line.fen, 0),
               coalesce(line.before, 0), done.days, coalesce(dispute.raised, 0), coalesce(dispute.upheld, 0)
          from c
          left join payer on payer.collective = c.id
          left join line on line.collective = c.id
          left join done on done.collective = c.id
          left join dispute on dispute.collective = c.id
         order by c.id
         limit {Scope.MaxRows}
        """;

    public static async Task<IncentiveReportView> Incentives(
        string? region,
        int year,
        IQuerySession session,
        NpgsqlDataSource database,
        Caller caller
    )
    {
        var scope = Scope.Narrow(caller, region);
        var weights = (await session.PolicyYearAsync(scope, year))?.IncentiveWeights() ?? IncentiveWeights.Default;
        await using var connection = await database.OpenConnectionAsync();
        var facts = await connection.QueryAsync(
            FactsOfCollectives,
            r => new IncentiveFacts(
                r.GetString(0),
                r.GetString(1),
                (int)r.GetInt64(2),
                (int)r.GetInt64(3),
                new Money(r.GetInt64(4)),
                new Money(r.GetInt64(5)),
                r.IsDBNull(6) ? null : r.GetInt32(6),
                (int)r.GetInt64(7),
                (int)r.GetInt64(8)
            ),
            ("scope", scope),
            ("year", year)
        );
        return new IncentiveReportView(scope, year, weights, [.. IncentiveRanking.Rank(facts, weights).Select(Place)]);
    }

    private static IncentivePlaceView Place(IncentivePlace p) =>
        new(
            p.Rank,
            p.Facts.CollectiveId,
            p.Facts.Name,
            p.Facts.Eligible,
            p.Facts.Subsidised,
            p.CoverageBasisPoints / 100m,
            p.Facts.CreditedFen,
            p.GrowthBasisPoints / 100m,
            p.Facts.SettledDays,
            p.Facts.Objections,
            p.Facts.ObjectionsUpheld,
            p.Points / 100m,
            p.CoveragePoints / 100m,
            p.AmountPoints / 100m,
            p.GrowthPoints / 100m,
            p.TimelinessPoints / 100m,
            p.DisputePoints / 100m,
            p.Tie
        );

    private static async Task<Answer> Replay(ReplayBody body, Command command, Caller caller, PersonalData people)
    {
        const int maxShown = 1000;
        var scope = Scope.Narrow(caller, body.Region);
        var policy = await command.PolicyYearAsync(scope.PadRight(RegionCode.CountyLength, '0'), body.Year);
        var standard = body.Standard?.ToStandard();
        if (standard?.Fault(policy) is { } fault)
            throw new RefusedException(fault);
        var ids = await command.Connection.QueryAsync(
            $"""
            select y.id
              from {S}.mt_doc_memberyear y
              join {S}.mt_doc_member m on m.id = 'member-' || substr(y.id, 13, 32)
             where right(y.id, 4) = @year
               and m.region like @scope || '%'
               and jsonb_array_length(y.data -> 'subsidies') > 0
             order by y.id
            """,
            r => r.GetString(0),
            ("year", $"{body.Year}"),
            ("scope", scope)
        );
        var years = await command.ReadManyAsync<MemberYear>(ids);
        var ages = (await people.AgesAsync(command.Connection, ids.Select(StreamId.MemberOf), body.Year)).ToDictionary(
            a => StreamId.MemberYear(a.Key, body.Year),
            a => a.Value
        );
        var cap = body.CapAmount ?? policy.HighestTierFen;
        var replay = PolicyReplay.Of(ids.Select(id => years[id]), cap, standard, ages);
        return new Answer(
            new ReplayView(
                scope,
                body.Year,
                cap,
                body.Standard,
                replay.Lines,
                replay.ActualFen,
                replay.ReplayedFen,
                replay.Refused,
                replay.Changed.Count,
                [
                    .. replay
                        .Changed.Take(maxShown)
                        .Select(l => new ReplayedLineView(
                            l.MemberYearId,
                            l.ApplicationId,
                            l.ActualFen,
                            l.ReplayedFen,
                            l.Code
                        )),
                ],
                await ByCollectiveAsync(replay.Changed, command)
            )
        );
    }

    private static async Task<IReadOnlyList<ReplayedCollectiveView>> ByCollectiveAsync(
        IReadOnlyList<ReplayedLine> changed,
        Command command
    )
    {
        var names = (
            await command.Connection.QueryAsync(
                $"""
                select a.id, c.data ->> 'name'
                  from {S}.mt_doc_application a
                  join {S}.mt_doc_collective c on c.id = a.data ->> 'collectiveId'
                 where a.id = any(@ids)
                """,
                r => (Id: r.GetString(0), Name: r.GetString(1)),
                ("ids", changed.Select(l => l.ApplicationId).Distinct().ToArray())
            )
        ).ToDictionary(a => a.Id, a => a.Name);
        return
        [
            .. changed
                .GroupBy(l => names.GetValueOrDefault(l.ApplicationId, l.ApplicationId))
                .OrderBy(c => c.Key, StringComparer.Ordinal)
                .Select(c => new ReplayedCollectiveView(
                    c.Key,
                    c.Count(),
                    Money.Sum(c.Select(l => l.ActualFen)),
                    Money.Sum(c.Select(l => l.ReplayedFen ?? Money.Zero)),
                    c.Count(l => l.Code is not null)
                )),
        ];
    }

    /// <summary>C5 and C6 over a member-year y, as <see cref="MemberYearDecider.Ineligible"/> has them.</summary>
    private const string CaughtUp = """y.data @? '$.contributions[*] ? (@.kind == "catch-up" && @.amountFen > 0)'""",
        PaidThemselves = """y.data @? '$.contributions[*] ? (@.kind == "regular" && @.amountFen > 0)'""";

    /// <summary>
    /// L14: approved or paid when the policy year let the government's payment open it, and that payment stands. What
    /// the switch is now does not matter: nobody pays back what was right when he got it.
    /// </summary>
    private const string OnGovernmentPaid = """
        coalesce((s ->> 'onGovernmentPaid')::boolean, false)
        and y.data @? '$.contributions[*] ? (@.kind == "government-paid" && @.amountFen > 0)'
        """;

    /// <summary>
    /// What follows for a subsidy s of somebody who may not have it: the village has not paid yet, or the agency sends
    /// it back.
    /// </summary>
    private const string Next =
        "case when s ->> 'status' = 'approved' then '尚未付款，付款时退出名单' else '应由经办机构退回' end";

    private static readonly string ToSupervise = $"""
        with work as (
            select w.id, w.region, w.data ->> 'status' as status, (w.data ->> 'amountFen')::bigint as fen,
                   {Days("coalesce(b.begun, (w.data ->> 'since')::timestamptz)")} as age
              from {S}.mt_doc_workitem w
              left join lateral ({Begun}) b on true
             where w.region like @scope || '%'
               and w.data ->> 'status' in ('filed', 'reviewed', 'approved', 'noticed', 'paid')),
        item as (
            select 'overdue-review', id, region, fen, age, @review, '申请待复核或审批'
              from work
             where status in ('filed', 'reviewed')
               and age > @review
            union all
            select 'overdue-payment', id, region, fen, age, @notice + @payment, '公示期满未付款，或审批后未公示'
              from work
             where status in ('approved', 'noticed')
               and age > @notice + @payment
            union all
            select 'overdue-credit', id, region, fen, age, @credit, '已付款未全部入账'
              from work
             where status = 'paid'
               and age > @credit
            union all
            {Unanswered}
            union all
            {Complaints}
            union all
            {Idle}
            union all
            {Fees}
            union all
            {RestsAsked}
            union all
            {Held}
            union all
            {Untold}
            union all
            {NeverPayers}
            union all
            {Gone}
            union all
            {Found}
             order by 1, 5 desc
             limit {Scope.MaxRows})
        select i.*, exists (select 1
                              from {S}.mt_events e
                             where e.stream_id = i.id and e.type = 'deadline_missed')
          from item i (kind, id, region, fen, age, due, text)
         order by 1, 5 desc
        """;

    /// <summary>
    /// Review and approval share a deadline, so do notice and payment (C21): as the list of applications counts.
    /// </summary>
    private const string Begun = $"""
        select max(e.timestamp) as begun
          from {S}.mt_events e
         where e.stream_id = w.id
           and (w.data ->> 'status' = 'reviewed' and e.type in ('application_filed', 'application_resubmitted')
                or w.data ->> 'status' = 'noticed' and e.type = 'application_approved')
        """;

    /// <summary>How many days of China's calendar something has waited (<see cref="Clock.Days"/>).</summary>
    private static string Days(string at) =>
        $"(@today - ({at} at time zone interval '{Clock.Offset.Hours} hours')::date)";

    private static string Unanswered =>
        $"""
            select 'unanswered-objection', e.stream_id, a.region, null, {Days("e.timestamp")},
                   @objection, '异议未答复'
              from {S}.mt_doc_workitem w
              join {S}.mt_doc_application a on a.id = w.id
              join {S}.mt_events e on e.stream_id = w.id
             where w.region like @scope || '%'
               and (w.data ->> 'openObjections')::int > 0
               and e.type = 'objection_raised'
               and {Days("e.timestamp")} > @objection
               and exists (select 1
                             from jsonb_array_elements(a.data -> 'objections') o
                            where o ->> 'objectionId' = e.data ->> 'objectionId'
                              and o ->> 'upheld' is null)
            """;

    /// <summary>L18: what the township left unanswered, and whatever is the county's to answer.</summary>
    private static string Complaints =>
        $"""
            select 'unanswered-complaint', e.stream_id, w.region, null, {Days("e.timestamp")},
                   @complaint, case when e.type = 'complaint_raised' then '投诉待乡镇（街道）答复'
                                    else '投诉待县级答复' end
              from {S}.mt_doc_workitem w
              join {S}.mt_events e on e.stream_id = w.id
             where w.region like @scope || '%'
               and (e.type = 'complaint_raised'
                    and w.data -> 'complaintsWithTownship' ? (e.data ->> 'complaintId')
                    and {Days("e.timestamp")} > @complaint
                    or e.type = 'complaint_escalated'
                    and w.data -> 'complaintsWithCounty' ? (e.data ->> 'complaintId'))
            """;

    private static string Idle =>
        $"""
            select 'idle-money', f.id, f.region, (f.data ->> 'availableFen')::bigint,
                   {Days("moved.at")}, @idle, '资金长期未使用'
              from {S}.mt_doc_fund f
             cross join lateral (
                   select coalesce((select timestamp
                                      from {S}.mt_events
                                     where stream_id = f.id
                                       and type = 'funds_reserved'
                                     order by version desc
                                     limit 1),
                                   (select timestamp
                                      from {S}.mt_events
                                     where stream_id = f.id
                                       and type = 'funds_allocated'
                                     order by version
                                     limit 1)) as at) moved
             where f.region like @scope || '%'
               and (f.data ->> 'availableFen')::bigint > 0
               and {Days("moved.at")} > @idle
            """;

    private static string Fees =>
        $"""
            select 'bank-fee', f.id, f.region, (fee.value ->> 'amountFen')::bigint,
                   @today - (fee.value ->> 'takenOn')::date, 0, '银行扣收的手续费，村级基本户尚未补足 (L17)'
              from {S}.mt_doc_fund f, jsonb_each(f.data -> 'openFees') fee
             where f.region like @scope || '%'
               and f.data -> 'openFees' <> '{"{}"}'
            """;

    /// <summary>From the day on which it is asked for: who confirms is to know, whoever watches is to see it.</summary>
    private static string RestsAsked =>
        $$"""
            select 'rest-asked', f.id, f.region,
                   (rest.value #>> '{fen,to}')::bigint - (rest.value #>> '{fen,from}')::bigint,
                   @today - (rest.value ->> 'on')::date, 0,
                   case when (rest.value ->> 'freesEarmark')::boolean then '申请解除指定用途' else '申请余款退回来源' end
                   || '（' || rest.key || '），待 ' || (rest.value ->> 'confirmBy') || ' 确认 (C9 C20)'
              from {{S}}.mt_doc_fund f, jsonb_each(f.data -> 'restsAsked') rest
             where f.region like @scope || '%'
               and f.data -> 'restsAsked' <> '{}'
            """;

    private static string Held =>
        $$"""
            select 'payment-held', a.id, a.region,
                   (select sum((l ->> 'amountFen')::bigint)::bigint
                      from jsonb_array_elements(a.data -> 'lines') l
                     where l ->> 'status' = 'approved'),
                   @today - (a.data #>> '{hold,on}')::date, @hold,
                   '村务监督委员会叫停付款，待乡镇查明后解除：' || (a.data #>> '{hold,reason}') || ' (L7)'
              from {{S}}.mt_doc_application a
             where a.region like @scope || '%'
               and a.data #>> '{hold,on}' is not null
            """;

    /// <summary>From the day of the approval, so that it is seen before its ten days are over.</summary>
    private static string Untold =>
        $"""
            select 'creditors-untold', c.id, c.region, null, @today - untold.value::date,
                   {SuccessionPapers.CreditorDays}, '按' || untold.key || '批准，尚未登记通知债权人 (L16)'
              from {S}.mt_doc_collective c, jsonb_each_text(c.data -> 'creditorsUntold') untold
             where c.region like @scope || '%'
               and c.data -> 'creditorsUntold' <> '{"{}"}'
            """;

    private static string NeverPayers =>
        $"""
            select 'claw-back', y.id, m.region, (s ->> 'amountFen')::bigint, 0, 0,
                   case when {CaughtUp} then '一次性补缴人员已获补助，'
                        when y.data @? '$.contributions[*] ? (@.kind == "government-paid" && @.amountFen > 0)'
                        then '只有政府代缴的人员已获补助，'
                        when y.data @? '$.contributions[*] ? (@.kind == "regular")' then '本人缴费已全部退费的人员已获补助，'
                        else '没有本人缴费记录的人员已获补助，' end || {Next} || ' (C5 C6)'
              from (select stream_id as id -- as the indexes say: nobody else has not paid himself
                      from {S}.mt_events
                     where type = 'contribution_recorded'
                       and data ->> 'kind' <> 'regular'
                     union
                    select stream_id
                      from {S}.mt_events
                     where type in ('contribution_reversed', 'contribution_adjusted', 'contribution_refunded')) told
              join {S}.mt_doc_memberyear y on y.id = told.id
              join {S}.mt_doc_member m on m.id = 'member-' || substr(y.id, 13, 32),
                   jsonb_array_elements(y.data -> 'subsidies') s
             where m.region like @scope || '%'
               and s ->> 'status' in ('approved', 'paid', 'credited')
               and ({CaughtUp} or not {PaidThemselves} and not ({OnGovernmentPaid}))
            """;

    /// <summary>
    /// Died before the credit (L1: what was credited is the heirs'), or left on or before the day of payment; recorded
    /// whenever it was. Dates are compared as they are written: one that is none stops nobody's list.
    /// </summary>
    private static string Gone =>
        $"""
            select 'claw-back', y.id, m.region, (s ->> 'amountFen')::bigint, 0, 0,
                   case when m.data ->> 'diedOn' is not null then '已登记死亡（' || (m.data ->> 'diedOn')
                        else '已退出集体（' || (m.data ->> 'endedOn') end || '），' || {Next} || ' (C4)'
              from {S}.mt_doc_member m
              join {S}.mt_doc_memberyear y on y.id between 'member-year-' || substr(m.id, 8) || '-0000'
                                                       and 'member-year-' || substr(m.id, 8) || '-9999',
                   jsonb_array_elements(y.data -> 'subsidies') s,
                   lateral (select max(e.headers ->> 'effectiveDate' collate "C") as paid
                              from {S}.mt_events e
                             where e.stream_id = y.id
                               and e.type = 'subsidy_paid'
                               and e.data ->> 'applicationId' = s ->> 'applicationId') days
             where m.region like @scope || '%'
               and (m.data ->> 'diedOn' is not null or m.data ->> 'endedOn' is not null) -- as its index says
               and s ->> 'status' in ('approved', 'paid', 'credited')
               and (m.data ->> 'diedOn' is not null
                    and s ->> 'status' <> 'credited'
                    or m.data -> 'former' ? (s ->> 'collectiveId')
                    and m.data ->> 'endedOn' is not null
                    and (s ->> 'status' = 'approved' or (m.data ->> 'endedOn' collate "C") <= days.paid))
            """;

    /// <summary>
    /// L19: found by the agency's list, and no reviewer answered for it: not paid, or on its way. What was credited
    /// before is another matter: who draws a pension now may have had it rightly.
    /// </summary>
    private static string Found =>
        $"""
            select 'finding-open', y.id, m.region, (s ->> 'amountFen')::bigint, 0, 0,
                   '审批后经办机构核查（' || (m.data #>> '{"{insurance,on}"}') || '）：'
                   || case m.data #>> '{"{insurance,finding}"}'
                        {string.Concat(Stopping.Select(f => $"when '{f.Word()}' then '{InsuranceCheck.Word(f)}' "))}end
                   || case when s ->> 'status' = 'approved' then '，暂不付款' else '，已付款在途，请经办机构核对' end || ' (L19)'
              from {S}.mt_doc_member m
              join {S}.mt_doc_memberyear y on y.id between 'member-year-' || substr(m.id, 8) || '-0000'
                                                       and 'member-year-' || substr(m.id, 8) || '-9999',
                   jsonb_array_elements(y.data -> 'subsidies') s
              join {S}.mt_doc_application a on a.id = s ->> 'applicationId',
                   jsonb_array_elements(a.data -> 'lines') l
             where m.region like @scope || '%'
               and m.data #>> '{"{insurance,finding}"}' -- as its index says
                   in ('pension-in-payment', 'employees-scheme', 'deceased')
               and s ->> 'status' in ('approved', 'paid')
               and l ->> 'memberId' = m.id
               and (l ->> 'answeredFinding' is distinct from m.data #>> '{"{insurance,finding}"}'
                    or coalesce(l ->> 'reason', '') = '')
            """;

    private static IEnumerable<InsuranceFinding> Stopping =>
        Enum.GetValues<InsuranceFinding>().Where(f => new InsuranceCheck(f, default).NeedsReason());

    /// <summary>The collectives of the villages that a list names, by code.</summary>
    public static async Task<IReadOnlyDictionary<string, string>> PlacesAsync(SupervisionView view, IContacts contacts)
    {
        var places = new Dictionary<string, string>();
        foreach (var code in view.Items.Select(i => i.VillageCode).Distinct())
            if (await contacts.PlaceOfAsync(code) is { } name)
                places[code] = name;
        return places;
    }

    public static async Task<SupervisionView> Supervise(
        string? region,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock
    )
    {
        var scope = Scope.Narrow(caller, region);
        // In January the new year's parameters may not be out yet: last year's deadlines hold until then.
        var policy =
            await session.PolicyYearAsync(scope, clock.Today.Year)
            ?? await session.PolicyYearAsync(scope, clock.Today.Year - 1);
        var d = policy?.Deadlines() ?? Domain.Policies.Deadlines.Default;
        await using var connection = await database.OpenConnectionAsync();
        await Freshness.WaitAsync(connection, "WorkQueue", CancellationToken.None);
        var items = await connection.QueryAsync(
            ToSupervise,
            r => new SupervisionItem(
                r.GetString(0),
                r.GetString(1),
                r.GetString(2),
                r.IsDBNull(3) ? null : new Money(r.GetInt64(3)),
                r.GetInt32(4),
                r.GetInt32(5),
                r.GetString(6),
                r.GetBoolean(7)
            ),
            ("scope", scope),
            ("today", clock.Today),
            ("review", d.ReviewDays),
            ("payment", d.PaymentDays),
            ("credit", d.CreditDays),
            ("objection", d.ObjectionDays),
            ("complaint", d.ForComplaint()),
            ("idle", d.IdleDays),
            ("hold", d.HoldDays),
            ("notice", policy?.Parameters.NoticeDays ?? PolicyYearDecider.UsualNoticeDays)
        );
        items = [.. await ChangedPayments.ListAsync(scope, session, connection, people), .. items];
        return new SupervisionView(
            scope,
            clock.Today,
            d,
            items.GroupBy(i => i.Kind).ToDictionary(g => g.Key, g => g.Count()),
            items
        );
    }
}
