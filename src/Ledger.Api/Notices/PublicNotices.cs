using JasperFx.Events;
using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Domain;
using Ledger.Domain.Applications;
using Ledger.Domain.Identity;
using Ledger.Projections.Reports;
using Ledger.Web.Notices;
using Marten;

namespace Ledger.Api.Notices;

/// <summary>
/// Which notices there are, for whoever has not signed in: the newest first, so that a villager finds his own by the
/// village's name, or going from county to township to village.
/// </summary>
public static class PublicNotices
{
    public static void MapPublicNotices(this IEndpointRouteBuilder api)
    {
        api.MapGet(
                "/notices",
                (string? q, string? region, bool? open, NoticeList list, Clock clock) =>
                    FindAsync(q, region, open, list, clock)
            )
            .Reading<IReadOnlyList<NoticeListView>>(
                "list-notices",
                "公示清单（公开）：按集体名称或区划查找 · The notices, by the collective's name or region"
            )
            .Refuses(Rejections.FieldInvalid);
        api.MapOwnLine();
    }

    public static void MapNoticePages(this WebApplication app)
    {
        app.Page(
            "/notices",
            async (string? q, string? region, string? state, NoticeList list, Clock clock) =>
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
                        Region = region ?? "",
                        State = state,
                        Notices = await FindAsync(q, region, open, list, clock),
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
            : throw NotPublished();

    /// <summary>To whoever came with an address or a village's name: what he can do is not to check an id.</summary>
    public static RefusedException NotPublished() =>
        new(
            new Rejection(Rejections.NotFound, "这份名单还没有公示，或者网址抄错了")
            {
                Mend = "到“补助公示”按村名找；找不到的，到村委会、乡镇（街道）或经办机构询问",
            }
        );

    /// <summary>As an application's own events tell it; null: nothing was published.</summary>
    public static Notice? Of(IEnumerable<IEvent> events) =>
        Notice.Of(events.Select(e => (Clock.Day(e.Timestamp), (IEventOf<Application>)e.Data)));

    /// <param name="asked">Part of the collective's name; null or empty: all.</param>
    /// <param name="region">Of a city, county, township or village; null or empty: everywhere.</param>
    /// <param name="open">Those whose days are not over, or those whose are; null: both.</param>
    private static async Task<IReadOnlyList<NoticeListView>> FindAsync(
        string? asked,
        string? region,
        bool? open,
        NoticeList list,
        Clock clock
    )
    {
        if (region is { Length: > 0 })
            Require.Region(region, "region", RegionCode.Lengths);
        var name = PageRoutes.Typed(asked);
        return
        [
            .. (await list.AllAsync())
                .Select(n => new NoticeListView(
                    n.Item.Id,
                    n.Item.Region,
                    n.CollectiveName,
                    n.Item.Year,
                    n.From,
                    n.Until,
                    n.Item.Lines,
                    n.Item.AmountFen,
                    clock.Today <= n.Until,
                    Notice.IsPublic(n.Item.Status, n.Until, clock.Today)
                ))
                .Where(n => n.CollectiveName.Contains(name, StringComparison.OrdinalIgnoreCase))
                .Where(n => n.Region.StartsWith(region ?? "", StringComparison.Ordinal))
                .Where(n => open is null || n.IsOpen == open)
                .OrderByDescending(n => n.Until)
                .ThenBy(n => n.Region, StringComparer.Ordinal),
        ];
    }
}
