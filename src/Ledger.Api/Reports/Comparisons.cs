using Ledger.Api.Commands;
using Ledger.Api.Exports;
using Ledger.Api.Imports;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Projections.Journal;
using Ledger.Projections.Reports;
using Ledger.Web;
using Ledger.Web.Reports;
using Marten;
using Npgsql;

namespace Ledger.Api.Reports;

/// <summary>
/// Two dates, or two years, of a fund, a village or a county: what changed, and by which entries. Worked out from the
/// events each time, so that it is what they say.
/// </summary>
public sealed class Comparisons(IQuerySession session, StoredEvents stored, LongReads reads, Caller caller, Clock clock)
{
    private const int MostEntries = 500;

    /// <summary>What is asked for, as it stands in the address.</summary>
    /// <param name="From">The comparison begins at the end of this day.</param>
    /// <param name="Year">Instead of two dates: this whole year.</param>
    /// <param name="Against">And beside it another one.</param>
    public sealed record Asked(string? Region, string? FundId, DateOnly? From, DateOnly? To, int? Year, int? Against);

    /// <exception cref="RefusedException"><c>field-invalid</c>, <c>not-found</c>.</exception>
    public async Task<ComparisonView> CompareAsync(Asked asked, CancellationToken cancellation)
    {
        var spans = Spans(asked);
        var scope = Scope.Narrow(caller, asked.Region);
        var funds = (
            asked.FundId is { Length: > 0 } id
                ?
                [
                    await session.LoadAsync<Fund>(id, cancellation) is { } fund && caller.MaySee(fund.Region)
                        ? fund
                        : throw Require.NotFound(id),
                ]
                : await session
                    .Query<Fund>()
                    .Where(f => f.Region.StartsWith(scope))
                    .OrderBy(f => f.Region)
                    .ToListAsync(cancellation)
        ).ToDictionary(f => f.Id);
        var (all, each) = (new Comparing(spans), funds.Keys.ToDictionary(f => f, _ => new Comparing(spans)));
        var isShown = asked.FundId is { Length: > 0 } || scope.Length == RegionCode.VillageLength;
        var (entries, leftOut) = (new List<ComparedEntry>(), 0);
        await using var connection = await reads.OpenAsync(cancellation);
        var reader = new JournalReader(stored, connection, _ => leftOut++);
        await foreach (var e in reader.ByDateAsync([.. funds.Keys]).WithCancellation(cancellation))
        {
            all.Add(e.Date, e.Postings);
            each[e.FundId].Add(e.Date, e.Postings);
            if (isShown && spans[0].From < e.Date && e.Date <= spans[0].To)
                entries.AddRange(
                    Comparing
                        .ChangesOf(e.Postings)
                        .Select(c => new ComparedEntry(
                            e.FundId,
                            e.Sequence,
                            e.Date,
                            e.Type,
                            c.Key,
                            c.Value,
                            e.Abstract
                        ))
                );
        }
        entries.Reverse();
        return new ComparisonView(
            asked.FundId is { Length: > 0 } ? funds.Values.Single().Region : scope,
            asked.FundId is { Length: > 0 } ? asked.FundId : null,
            all.Views(),
            [.. funds.Values.Select(f => new ComparedFund(f.Id, f.CollectiveId, f.Name, f.Region, each[f.Id].Views()))],
            [.. entries.Take(MostEntries)],
            Math.Max(0, entries.Count - MostEntries),
            leftOut
        );
    }

    /// <summary>Without anything asked: this year, beside the last.</summary>
    private IReadOnlyList<(DateOnly From, DateOnly To)> Spans(Asked asked)
    {
        if (asked.From is null && asked.To is null)
            return asked.Year is null && asked.Against is null
                ? [OfYear(clock.Today.Year, "year"), OfYear(clock.Today.Year - 1, "against")]
                : [.. Years(asked)];
        if (asked.Year is not null || asked.Against is not null)
            throw Require.Invalid(asked.From is null ? "to" : "from", "请写两个日期，或年度，不要都写");
        var (from, to) = (asked.From, asked.To ?? clock.Today);
        if (from is null)
            throw Require.Invalid("from", "请写从哪一天起");
        if (from >= to)
            throw Require.Invalid("from", "起始日期应早于截止日期");
        return [(from.Value, to)];
    }

    private IEnumerable<(DateOnly, DateOnly)> Years(Asked asked)
    {
        var year = asked.Year ?? clock.Today.Year;
        yield return OfYear(year, "year");
        if (asked.Against is not { } against)
            yield break;
        if (against == year)
            throw Require.Invalid("against", "请写另一个年度");
        yield return OfYear(against, "against");
    }

    private static (DateOnly, DateOnly) OfYear(int year, string field) =>
        SchemeYears.Has(year)
            ? (new DateOnly(year - 1, 12, 31), new DateOnly(year, 12, 31))
            : throw Require.Invalid(field, SchemeYears.Fault);

    public static void Map(IEndpointRouteBuilder api) =>
        api.MapGet(
                "/reports/comparison",
                async (
                    string? region,
                    string? fundId,
                    DateOnly? from,
                    DateOnly? to,
                    int? year,
                    int? against,
                    Comparisons comparisons,
                    HttpContext http,
                    CancellationToken cancellation
                ) =>
                {
                    var asked = new Asked(region, fundId, from, to, year, against);
                    var view = await comparisons.CompareAsync(asked, cancellation);
                    return Workbook.Answer(http, view, () => OfficeSheets.Comparison(view), FileName(view));
                }
            )
            .Reading<ComparisonView>(
                "report-comparison",
                "比较资金、村或县的两个日期、两个年度：变动由哪些分录构成，Accept 为 .xlsx 时得到表格 · What changed between two dates or years",
                Roles.All
            )
            .Refuses(Rejections.FieldInvalid, Rejections.NotFound);

    public static void MapPages(WebApplication app)
    {
        foreach (
            var (path, show) in new (string, Func<ComparisonView, string?, string?, IResult>)[]
            {
                (
                    "/comparison",
                    (v, asked, order) =>
                        PageRoutes.Show<ComparisonPage>(
                            new
                            {
                                View = v,
                                Asked = asked,
                                Order = order,
                            }
                        )
                ),
                (
                    "/comparison.xlsx",
                    (v, _, order) =>
                        Workbook.File(
                            OfficeSheets.Comparison(v with { Funds = ComparisonPage.Ordered(v, order) }),
                            FileName(v)
                        )
                ),
            }
        )
            app.Page(
                path,
                async (
                    string? region,
                    string? fund,
                    DateOnly? from,
                    DateOnly? to,
                    int? year,
                    int? against,
                    string? order,
                    Comparisons comparisons,
                    IContacts contacts,
                    Viewer viewer,
                    CancellationToken cancellation
                ) =>
                {
                    var place = await PageRoutes.RegionAsync(region, contacts, viewer);
                    return show(
                        await comparisons.CompareAsync(new Asked(place, fund, from, to, year, against), cancellation),
                        region,
                        ComparisonPage.Orders.Any(o => o.Value == order) ? order : null
                    );
                },
                Roles.All
            );
    }

    private static string FileName(ComparisonView view) =>
        $"比较-{string.Join('-', view.Spans.Select(s => $"{s.To:yyyyMMdd}"))}";
}
