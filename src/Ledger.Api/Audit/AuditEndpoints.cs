using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;
using Ledger.Projections.AuditTrail;
using Ledger.TransparencyLog;
using Ledger.Web;
using Npgsql;

namespace Ledger.Api.Audit;

/// <summary>
/// What of the trail is asked for; what is null is free. Amounts in yuan. <paramref name="After"/>: goes on behind that
/// sequence, in the order asked for: the oldest first, or with <paramref name="NewestFirst"/> the other way.
/// </summary>
public sealed record AuditQuery(
    string? Id,
    string? Actor,
    string? Role,
    string? Type,
    string? Code,
    string? Region,
    Money? MinAmount,
    Money? MaxAmount,
    DateTimeOffset? From,
    DateTimeOffset? To,
    long? After,
    int? Limit,
    bool? NewestFirst = null
);

/// <summary>The audit trail (审计轨迹): every event in the caller's scope, refusals included.</summary>
public static class AuditEndpoints
{
    public const int MaxPage = 1000;

    /// <summary>
    /// Between accounts in one <see cref="AuditQuery.Actor"/>: of one name there may be several people.
    /// </summary>
    public const char Several = ',';

    /// <summary>What a spreadsheet on an office's machine opens at once.</summary>
    private const int MaxSheetRows = 20_000;
    public static readonly string[] Readers =
    [
        Roles.Auditor,
        Roles.Agency,
        Roles.CityHrss,
        Roles.VillageFinance,
        Roles.SupervisionCommittee,
        Roles.CountyHrss,
        Roles.CountyFinance,
        Roles.CountyAgriculture,
    ];

    private static readonly string[] ActingRoles =
    [
        .. Roles.Everybody,
        ActorName.Public.Role,
        ActorName.System("").Role,
    ];

    public static void MapAudit(this IEndpointRouteBuilder api) =>
        api.MapGet("/audit/events", Search)
            .Reading<AuditPage>(
                "search-audit-trail",
                "审计轨迹：按编号、人员、角色、类型、拒绝代码、区划、金额、时间查询；Accept 为 .xlsx 时得到表格"
                    + "（没有 limit 时最多 20,000 条） · Search the audit trail",
                Readers
            )
            .Refuses(Rejections.FieldInvalid, Rejections.AmountInvalid);

    private static async Task<IResult> Search(
        [AsParameters] AuditQuery query,
        LongReads reads,
        IContacts contacts,
        Caller caller,
        HttpContext http,
        CancellationToken cancellation
    )
    {
        return Workbook.IsWantedBy(http)
            ? Workbook.File(await SheetAsync(query, reads, contacts, caller, cancellation), "审计轨迹")
            : Results.Ok(await PageAsync(query, reads, caller, cancellation));
    }

    /// <summary>A page of the trail in the caller's scope.</summary>
    public static async Task<AuditPage> PageAsync(
        AuditQuery query,
        LongReads reads,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var (id, actor, role, type, code, region, minAmount, maxAmount, from, to, after, limit, newestFirst) = query;
        if (limit is < 1 or > MaxPage)
            throw Require.Invalid("limit", $"应为 1 至 {MaxPage}");
        // Whoever asks for what is never there would take the empty answer for one.
        if (type is not null && !Terms.EventTypes.ContainsKey(type))
            throw Require.Invalid("type", $"没有事件 {PersonalNumbers.Quoted(type)}");
        if (role is not null && !ActingRoles.Contains(role))
            throw Require.Invalid("role", Require.OneOf(ActingRoles));
        if (code is not null && code != AuditEntry.Unreadable && !Rejections.All.ContainsKey(code))
            throw Require.Invalid("code", $"没有拒绝代码 {PersonalNumbers.Quoted(code)}");
        Require.Order(from, to, "from");
        if (minAmount > maxAmount)
            throw Require.Invalid("minAmount", "起始金额不能大于截止金额");
        var size = limit ?? 100;
        var (beyond, direction) = newestFirst == true ? ("<", "desc") : (">", "asc");
        await using var connection = await reads.OpenAsync(cancellation);
        var behind = await Freshness.WaitAsync(connection, "AuditTrail", cancellation);
        var scope = Scope.Narrow(caller, region);
        var withNone = await SeesNobodysAsync(connection, scope);
        var ids = id is null ? null : OfPerson(id);
        // Only the conditions that were asked for stand in the statement, so that each gets the index made for it.
        (string Condition, string Name, object? Value)[] filters =
        [
            ("a.ids && @ids", "ids", ids),
            ("a.actor = any(@actor)", "actor", actor?.Split(Several)),
            ("a.type = @type", "type", type),
            ("a.code = @code", "code", code),
            ("a.recorded_at >= @from", "from", from?.ToUniversalTime()),
            ("a.recorded_at < @to", "to", to?.ToUniversalTime()),
            ($"a.seq {beyond} @after", "after", after),
            ("a.role = @role", "role", role),
            ("a.amount_fen >= @min", "min", minAmount?.Fen),
            ("a.amount_fen <= @max", "max", maxAmount?.Fen),
            (
                withNone
                    ? $"(a.region like @scope || '%' or {LogStore.IsNobodys("a.region")})"
                    : "a.region like @scope || '%'",
                "scope",
                scope
            ),
        ];
        var asked = filters.Where(f => f.Value is not null).ToArray();
        var (searched, order) = ids is null
            ? ($"{LedgerStore.Schema}.audit_entry a", "a.seq")
            : (Among(ids, after is null ? "" : $" and seq {beyond} @after", direction), "i.seq");
        var entries = await connection.QueryAsync(
            $"""
            select {AuditEntryView.Columns}
              from (select a.* from {searched} where {string.Join(
                " and ",
                asked.Select(f => f.Condition)
            )} order by {order} {direction} limit {size + 1}) a
              join {LedgerStore.Schema}.mt_events e on e.seq_id = a.seq order by a.seq {direction}
            """,
            AuditEntryView.Read,
            [.. asked.Select(f => (f.Name, f.Value))]
        );
        return new AuditPage([.. entries.Take(size)], entries.Count > size ? entries[size - 1].Sequence : null, behind);
    }

    /// <summary>
    /// An id may be in one entry or in a hundred thousand, and the planner cannot know: behind offset 0 they are looked
    /// up one by one, in their order, as far as the page goes.
    /// </summary>
    private static string Among(string[] ids, string beyond, string direction)
    {
        var (distinct, hash) =
            ids.Length == 1
                ? ("", "= hashtextextended((@ids)[1], 0)")
                : ("distinct ", "in (select hashtextextended(i, 0) from unnest(@ids) i)");
        return $"""
            (select {distinct}seq
               from {LedgerStore.Schema}.audit_entry_id
              where id_hash {hash}{beyond}
              order by seq {direction} offset 0) i,
            lateral (select * from {LedgerStore.Schema}.audit_entry where seq = i.seq offset 0) a
            """;
    }

    /// <summary>
    /// All of a person are the person's own events and those of each of his years, whichever there are.
    /// </summary>
    private static string[] OfPerson(string id) =>
        StreamId.IsMember(id) ? [id, .. SchemeYears.All.Select(year => StreamId.MemberYear(id, year))] : [id];

    /// <summary>What is of no region, whoever sees everything else sees too.</summary>
    internal static async Task<bool> SeesNobodysAsync(NpgsqlConnection connection, string scope) =>
        (
            await connection.QueryAsync(
                $"""
                select exists (select 1 from {LedgerStore.Schema}.audit_entry where {LogStore.IsNobodys("region")})
                   and {LogStore.IsWhole(LedgerStore.Schema)}
                """,
                r => r.GetBoolean(0),
                ("scope", scope)
            )
        ).Single();

    /// <summary>
    /// The trail as a workbook: all of it in the caller's scope, or the first <see cref="MaxSheetRows"/>, and from
    /// where it goes on.
    /// </summary>
    public static async Task<byte[]> SheetAsync(
        AuditQuery query,
        LongReads reads,
        IContacts contacts,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var rows = new List<object?[]>();
        for (var next = query; ; )
        {
            var page = await PageAsync(
                next with
                {
                    Limit = Math.Min(MaxPage, (query.Limit ?? MaxSheetRows) - rows.Count),
                },
                reads,
                caller,
                cancellation
            );
            foreach (var e in page.Entries)
                rows.Add(OfficeSheets.Row(e, await contacts.CardOfAsync(e.Actor)));
            if (page.Next is null || rows.Count >= (query.Limit ?? MaxSheetRows))
                return OfficeSheets.AuditTrail(rows, page.Next, page.Behind);
            next = next with { After = page.Next };
        }
    }
}
