using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Projections.Screening;
using Ledger.Web;
using Ledger.Web.Screening;
using Marten;
using Npgsql;

namespace Ledger.Api.Screening;

/// <summary>Pages of a year's tests: the year, and one finding.</summary>
public static class ScreeningPages
{
    public static void MapScreeningPages(this WebApplication app)
    {
        app.Page("/screening", Year, Roles.Auditor).DisableRequestTimeout();
        app.Page("/screening.xlsx", Sheet, Roles.Auditor).DisableRequestTimeout();
        app.Page("/screening/{id}", One, [Roles.Auditor, .. ScreeningEndpoints.Concerned]).DisableRequestTimeout();
    }

    private static async Task<IResult> Year(
        string? region,
        int? year,
        string? state,
        Screenings screenings,
        IContacts contacts,
        Viewer viewer,
        CancellationToken cancellation
    )
    {
        var place = await PageRoutes.RegionAsync(region, contacts, viewer);
        // Whoever looks after a city chooses a county first.
        var isWide = string.IsNullOrEmpty(place) && viewer.Region.Length < RegionCode.CountyLength;
        return PageRoutes.Show<ScreeningPage>(
            new
            {
                View = isWide ? null : await screenings.OfAsync(place, year, cancellation),
                Asked = region,
                State = state,
            }
        );
    }

    private static async Task<IResult> Sheet(
        string? region,
        int? year,
        Screenings screenings,
        IContacts contacts,
        Viewer viewer,
        CancellationToken cancellation
    )
    {
        var of = await screenings.OfAsync(await PageRoutes.RegionAsync(region, contacts, viewer), year, cancellation);
        return Workbook.File(ScreeningSheets.Of(of), ScreeningSheets.FileName(of));
    }

    private static async Task<IResult> One(
        string id,
        Screenings screenings,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var finding = await screenings.OneAsync(id, cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var members = finding.Lines.Select(l => l.MemberId).OfType<string>().ToHashSet();
        var (known, _) = await people.ReadSoundAsync(connection, members);
        var funds = await session.LoadManyAsync<Fund>(
            cancellation,
            finding.Lines.Select(l => l.Stream).Where(FoundLink.IsFund).Distinct().ToArray()
        );
        var names = members
            .Select(m => (Id: m, Name: known.GetValueOrDefault(m)?.MaskedName ?? MemberEndpoints.Erased))
            .Concat(funds.Where(f => caller.MaySee(f.Region)).Select(f => (f.Id, f.Name)))
            .ToDictionary(n => n.Id, n => n.Name);
        return PageRoutes.Show<FindingPage>(new { F = finding, Names = names });
    }
}
