using System.Globalization;
using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Projections.Reports;
using Ledger.Projections.WorkQueues;
using Ledger.Web.Notices;
using Marten;
using Npgsql;

namespace Ledger.Api.Notices;

/// <summary>
/// Which notices there are, for whoever has not signed in: the newest first, so that a villager finds his own by the
/// village's name.
/// </summary>
public static class PublicNotices
{
    /// <summary>More than a county has in a year; older ones are at the agency.</summary>
    private const int Most = 1_000;

    public static void MapPublicNotices(this IEndpointRouteBuilder api)
    {
        api.MapGet(
                "/notices",
                (string? q, bool? open, IQuerySession session, NpgsqlDataSource database, Clock clock) =>
                    FindAsync(q, open, session, database, clock)
            )
            .Reading<IReadOnlyList<NoticeListView>>(
                "list-notices",
                "公示清单（公开）：按集体名称查找 · The notices, by the collective's name"
            );
        api.MapOwnLine();
    }

    public static void MapNoticePages(this WebApplication app)
    {
        app.Page(
            "/notices",
            async (string? q, string? state, IQuerySession session, NpgsqlDataSource database, Clock clock) =>
            {
                bool? open = state switch
                {
                    NoticesPage.Open => true,
                    NoticesPage.Past => false,
                    _ => null,
                };
                return PageRoutes.Show<NoticesPage>(
                    new
                    {
                        Asked = q,
                        State = state,
                        Notices = await FindAsync(q, open, session, database, clock),
                    }
                );
            }
        );
        app.MapOwnLinePages();
    }

    /// <summary>Whatever was published once; what was never made public is nobody's to ask about.</summary>
    /// <exception cref="RefusedException"><c>not-found</c>.</exception>
    public static async Task<Application> PublishedAsync(
        string id,
        IQuerySession session,
        CancellationToken cancellation = default
    ) =>
        await session.LoadAsync<Application>(id, cancellation) is { NoticeFrom: not null } published
            ? published
            : throw Require.NotFound($"公示 {id}");

    /// <param name="asked">Part of the collective's name; null or empty: all.</param>
    /// <param name="open">Those whose days are not over, or those whose are; null: both.</param>
    private static async Task<IReadOnlyList<NoticeListView>> FindAsync(
        string? asked,
        bool? open,
        IQuerySession session,
        NpgsqlDataSource database,
        Clock clock
    )
    {
        var published = await SpansAsync(database);
        var items = await session.LoadManyAsync<WorkItem>(published.Select(p => p.Id).ToArray());
        var names = await PlanPages.NamesAsync(session, items.Select(i => i.CollectiveId));
        var name = PageRoutes.Typed(asked);
        return
        [
            .. published
                .Join(items, p => p.Id, i => i.Id, (p, i) => (Published: p, Item: i))
                .Select(n => new NoticeListView(
                    n.Item.Id,
                    n.Item.Region,
                    names.GetValueOrDefault(n.Item.CollectiveId, ""),
                    n.Item.Year,
                    n.Published.From,
                    n.Published.Until,
                    n.Item.Lines,
                    n.Item.AmountFen,
                    clock.Today <= n.Published.Until,
                    Notice.IsPublic(n.Item.Status, n.Published.Until, clock.Today)
                ))
                .Where(n => n.CollectiveName.Contains(name, StringComparison.OrdinalIgnoreCase))
                .Where(n => open is null || n.IsOpen == open)
                .OrderByDescending(n => n.Until)
                .ThenBy(n => n.Region, StringComparer.Ordinal),
        ];
    }

    /// <summary>By the audit trail, which has an index over kinds of events; each application's last.</summary>
    private static async Task<IReadOnlyList<(string Id, DateOnly From, DateOnly Until)>> SpansAsync(
        NpgsqlDataSource database
    )
    {
        await using var connection = await database.OpenConnectionAsync();
        var found = await connection.QueryAsync(
            $"""
            select e.stream_id, e.data ->> 'from', e.data ->> 'until'
              from (select seq
                      from {LedgerStore.Schema}.audit_entry
                     where type = 'notice_published'
                     order by seq desc
                     limit @most) a
              join {LedgerStore.Schema}.mt_events e on e.seq_id = a.seq
             where e.type = 'notice_published'
             order by e.seq_id desc
            """,
            r => (Id: r.GetString(0), From: Day(r.GetString(1)), Until: Day(r.GetString(2))),
            ("most", Most)
        );
        return [.. found.DistinctBy(n => n.Id)];

        static DateOnly Day(string text) => DateOnly.ParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture);
    }
}
