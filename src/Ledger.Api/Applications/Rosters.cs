using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Projections.WorkQueues;
using Npgsql;

namespace Ledger.Api.Applications;

/// <summary>
/// The figures of an application are everywhere those of its list as it is now: a queue that knew what was filed, or
/// approved, said another number than the application's own page.
/// </summary>
public static class Rosters
{
    private static readonly string[] Out =
    [
        .. Enum.GetValues<LineStatus>().Where(s => s.IsOut()).Select(s => s.Word()),
    ];

    private static readonly string OfLines = $"""
        select a.id, count(*) filter (where l ->> 'status' <> all(@out)),
               coalesce(sum((l ->> 'amountFen')::bigint) filter (where l ->> 'status' <> all(@out)), 0)::bigint,
               coalesce(sum((l ->> 'amountFen')::bigint) filter (where l ->> 'status' = 'approved'), 0)::bigint,
               coalesce(sum((l ->> 'amountFen')::bigint) filter (where l ->> 'status' = 'paid'), 0)::bigint,
               coalesce(sum((l ->> 'amountFen')::bigint) filter (where l ->> 'status' = 'credited'), 0)::bigint
          from {LedgerStore.Schema}.mt_doc_application a, jsonb_array_elements(a.data -> 'lines') l
         where a.id = any(@ids)
         group by 1
        """;

    public static async Task<IReadOnlyDictionary<string, RosterFigures>> FiguresAsync(
        IEnumerable<string> ids,
        NpgsqlConnection connection
    ) =>
        (
            await connection.QueryAsync(
                OfLines,
                r =>
                    (
                        Id: r.GetString(0),
                        Figures: new RosterFigures(
                            (int)r.GetInt64(1),
                            new Money(r.GetInt64(2)),
                            new Money(r.GetInt64(3)),
                            new Money(r.GetInt64(4)),
                            new Money(r.GetInt64(5))
                        )
                    ),
                ("ids", ids.ToArray()),
                ("out", Out)
            )
        ).ToDictionary(f => f.Id, f => f.Figures);

    /// <summary>Who is on a list under the plan already, and not out of it again.</summary>
    public static async Task<IReadOnlySet<string>> ListedAsync(string planId, NpgsqlConnection connection) =>
        (
            await connection.QueryAsync(
                $"""
                select distinct l ->> 'memberId'
                  from {LedgerStore.Schema}.mt_doc_application a, jsonb_array_elements(a.data -> 'lines') l
                 where a.data ->> 'planId' = @plan
                   and a.data ->> 'status' not in ('rejected', 'withdrawn')
                   and l ->> 'status' <> all(@out)
                """,
                r => r.GetString(0),
                ("plan", planId),
                ("out", Out)
            )
        ).ToHashSet();

    /// <summary>The lines of a queue with what their lists are now.</summary>
    public static async Task<IReadOnlyList<WorkItem>> NowAsync(
        IReadOnlyList<WorkItem> items,
        NpgsqlConnection connection
    )
    {
        if (items.Count == 0)
            return items;
        var figures = await FiguresAsync(items.Select(i => i.Id), connection);
        return
        [
            .. items.Select(i =>
                figures.TryGetValue(i.Id, out var now) ? i with { Lines = now.Lines, AmountFen = now.AmountFen } : i
            ),
        ];
    }
}
