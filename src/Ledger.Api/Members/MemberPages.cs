using Ledger.Api.Benefits;
using Ledger.Api.Commands;
using Ledger.Api.Funds;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Api.PolicyYears;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Web.Members;
using Marten;
using Npgsql;

namespace Ledger.Api.Members;

/// <summary>Pages of members, masked: the list with its import, one person's year, the benefit estimate, the tax office's import.</summary>
public static class MemberPages
{
    private const int PageSize = 100;

    public static void MapMemberPages(this WebApplication app)
    {
        app.Page("/members", List, Roles.VillageFinance, Roles.Agency, Roles.Auditor, Roles.Township);
        app.Page("/members/{id}/years/{year:int}", async (string id, int year, IQuerySession session, NpgsqlDataSource database, PersonalData people, Caller caller, CancellationToken cancellation) =>
        {
            var member = await session.LoadAsync<Member>(id, cancellation);
            if (member is null || !MemberEndpoints.MaySee(caller, member)) throw Require.NotFound(id);
            await using var connection = await database.OpenConnectionAsync(cancellation);
            var person = (await people.ReadAsync(connection, [id])).GetValueOrDefault(id);
            var state = await session.LoadAsync<MemberYear>(StreamId.MemberYear(id, year), cancellation);
            return PageRoutes.Show<MemberYearPage>(new
            {
                Member = member,
                State = state,
                Year = year,
                Name = person?.MaskedName ?? MemberEndpoints.Erased,
                CitizenId = person?.MaskedCitizenId ?? MemberEndpoints.Erased,
                Cap = (await session.PolicyYearAsync(member.Region, year))?.HighestTierFen,
                Names = await PlanPages.NamesAsync(session, member.Memberships.Keys.Concat(state?.Subsidies.Select(s => s.CollectiveId) ?? [])),
            });
        }, EstimateEndpoints.Readers);
        app.Page("/members/{id}/estimate", EstimateEndpoints.PageOfMember, EstimateEndpoints.Readers);
        app.Page("/contributions", () => PageRoutes.Show<ContributionsPage>(new { }), Roles.CountyTax, Roles.Agency);
    }

    private static async Task<IResult> List(string? collective, string? after, IQuerySession session, NpgsqlDataSource database, PersonalData people, Caller caller, CancellationToken cancellation)
    {
        if (collective is null && caller.Actor.Role == Roles.VillageFinance) collective = (await FundPages.OwnAsync(session, caller, cancellation))?.Id;
        if (collective is null)
        {
            var all = await session.Query<Collective>().Where(c => c.Region.StartsWith(caller.Actor.Region) && c.MergedInto == null).OrderBy(c => c.Region).Take(Scope.MaxRows).ToListAsync(cancellation);
            return PageRoutes.Show<MembersPage>(new { Collectives = all });
        }
        var found = await session.ScopedAsync<Collective>(collective, caller) ?? throw Require.NotFound(collective);
        var members = await MemberEndpoints.PageAsync(collective, after, PageSize, session, cancellation);
        var page = members.Take(PageSize).ToList();
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var persons = await people.ReadAsync(connection, page.Select(m => m.Id));
        return PageRoutes.Show<MembersPage>(new
        {
            Collective = found,
            Members = (IReadOnlyList<(string, string, string, string?)>)[.. page.Select(m => (m.Id, persons.GetValueOrDefault(m.Id)?.MaskedName ?? MemberEndpoints.Erased,
                persons.GetValueOrDefault(m.Id)?.MaskedCitizenId ?? MemberEndpoints.Erased, m.DiedOn is not null ? "已去世" : null))],
            Next = members.Count > PageSize ? page[^1].Id : null,
        });
    }
}
