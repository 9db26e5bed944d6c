using System.Collections.Immutable;
using Ledger.Api.Benefits;
using Ledger.Api.Commands;
using Ledger.Api.Donors;
using Ledger.Api.Exports;
using Ledger.Api.Funds;
using Ledger.Api.Imports;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Api.Policies;
using Ledger.Api.Profiles;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Projections.Reports;
using Ledger.Web.Members;
using Marten;
using Npgsql;

namespace Ledger.Api.Members;

/// <summary>
/// Pages of members, masked: the list with its import, one person's year, the benefit estimate, the tax office's
/// import.
/// </summary>
public static class MemberPages
{
    private const int PageSize = 100,
        MaxSearched = 5000;

    private static bool IsAsked(ListedMember member, string asked, string? state) =>
        (
            member.IsCalled
            || member.Name.Contains(asked, StringComparison.Ordinal)
            || member.CitizenId.EndsWith(asked, StringComparison.Ordinal)
        )
        && state switch
        {
            "died" => member.Died,
            "confirmed" => member.Confirmed && !member.Died,
            "unconfirmed" => !member.Confirmed && !member.Died,
            _ => true,
        };

    public static void MapMemberPages(this WebApplication app)
    {
        app.Page(
            "/members",
            List,
            Roles.VillageFinance,
            Roles.SupervisionCommittee,
            Roles.Agency,
            Roles.Auditor,
            Roles.Township
        );
        app.Page(
            "/collectives/{id}/members.xlsx",
            Sheet,
            Roles.VillageFinance,
            Roles.SupervisionCommittee,
            Roles.Agency,
            Roles.Auditor,
            Roles.Township
        );
        app.Page("/members/{id}/years/{year:int}", Year, EstimateEndpoints.Readers);
        app.Page("/members/{id}/estimate", EstimateEndpoints.PageOfMember, EstimateEndpoints.Readers);
        app.Page("/contributions", Contributions, Roles.CountyTax, Roles.Agency);
    }

    /// <summary>
    /// The import; and, of one voucher number or of what waits for the caller, the records to be mended.
    /// </summary>
    private static async Task<IResult> Contributions(
        string? reference,
        bool? waiting,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var (asked, profiles) = (PageRoutes.Typed(reference), await AgencyProfiles.ListAsync(session, caller));
        if (asked.Length == 0 && waiting != true)
            return PageRoutes.Show<ContributionsPage>(new { Profiles = profiles });
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var ids = await connection.QueryAsync(
            $"""
            select id
              from {LedgerStore.Schema}.mt_doc_memberyear
             where data -> 'contributions' @> jsonb_build_array(jsonb_build_object(@field, @value))
             order by id
             limit 50
            """,
            r => r.GetString(0),
            ("field", waiting == true ? "confirmBy" : "reference"),
            ("value", waiting == true ? caller.Actor.Id : asked)
        );
        var years = await session.LoadManyAsync<MemberYear>(cancellation, ids.ToArray());
        var members = (
            await session.LoadManyAsync<Member>(cancellation, ids.Select(StreamId.MemberOf).Distinct().ToArray())
        )
            .Where(m => MemberEndpoints.MaySee(caller, m))
            .ToDictionary(m => m.Id);
        var persons = await people.ReadAsync(connection, members.Keys);
        return PageRoutes.Show<ContributionsPage>(
            new
            {
                Profiles = profiles,
                Asked = asked,
                IsWaiting = waiting == true,
                Found = (IReadOnlyList<ContributionsPage.Record>)
                    [
                        .. from y in years
                        let member = StreamId.MemberOf(y.Id)
                        where members.ContainsKey(member)
                        from c in y.Contributions.Select((c, i) => (Record: c, Number: i))
                        where waiting == true ? c.Record.ConfirmBy == caller.Actor.Id : c.Record.Reference == asked
                        select new ContributionsPage.Record(
                            member,
                            persons.GetValueOrDefault(member)?.MaskedName ?? MemberEndpoints.Erased,
                            persons.GetValueOrDefault(member)?.MaskedCitizenId ?? MemberEndpoints.Erased,
                            int.Parse(y.Id[^4..], System.Globalization.CultureInfo.InvariantCulture),
                            y.Revision,
                            c.Record,
                            c.Number
                        ),
                    ],
            }
        );
    }

    private static async Task<IResult> Year(
        string id,
        int year,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var member = await session.LoadAsync<Member>(id, cancellation);
        if (member is null || !MemberEndpoints.MaySee(caller, member))
            throw Require.NotFound(id);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var persons = await people.ReadAsync(connection, MemberCorrections.RecordsOf(member));
        var person = persons.GetValueOrDefault(id);
        var names = await PlanPages.NamesAsync(
            session,
            member.Homes().Where(h => caller.MaySee(h.Value)).Select(h => h.Key)
        );
        var state = await session.LoadAsync<MemberYear>(StreamId.MemberYear(id, year), cancellation);
        return PageRoutes.Show<MemberYearPage>(
            new
            {
                // A village reads of its own part alone.
                Member = member with
                {
                    Memberships = member.Memberships.Where(m => caller.MaySee(m.Value)).ToImmutableSortedDictionary(),
                    Former = member.Former.Where(m => caller.MaySee(m.Value)).ToImmutableSortedDictionary(),
                },
                State = state is null ? null : MemberEndpoints.Seen(state, member, caller),
                Used = state?.CapUsed() ?? Money.Zero,
                Registered = caller.Actor.Role is Roles.VillageFinance or Roles.Agency
                    ? Registered(member, persons, names, caller)
                    : [],
                Waiting = (IReadOnlyList<MemberChange>)
                    [.. MemberStateView.Of(member, caller).Waiting.Select(w => w.Change)],
                Reported = MemberStateView.Of(member, caller).DeathReportedOn,
                Donors = (IReadOnlyList<(string, string)>)
                    [
                        .. (
                            caller.Actor.Role == Roles.Agency || state is { Sponsorships.Length: > 0 }
                                ? await DonorPages.NamedAsync(
                                    session,
                                    database,
                                    people,
                                    RegionCode.County(member.Region)
                                )
                                : []
                        ).Select(d => (d.Donor.Id, d.Name)),
                    ],
                Year = year,
                Name = person?.MaskedName ?? MemberEndpoints.Erased,
                CitizenId = person?.MaskedCitizenId ?? MemberEndpoints.Erased,
                Cap = (await session.PolicyYearAsync(member.Region, year))?.HighestTierFen,
                Names = await PlanPages.NamesAsync(
                    session,
                    member
                        .Homes()
                        .Where(h => caller.MaySee(h.Value))
                        .Select(h => h.Key)
                        .Concat(state?.Subsidies.Select(s => s.CollectiveId) ?? [])
                ),
            }
        );
    }

    /// <summary>What each collective that the caller looks after has handed in of the person, masked.</summary>
    private static IReadOnlyList<(string, string, string?, string?, string?)> Registered(
        Member member,
        IReadOnlyDictionary<string, Person> persons,
        IReadOnlyDictionary<string, string> names,
        Caller caller
    ) =>
        [
            .. member
                .Homes()
                .Where(h => caller.MaySee(h.Value))
                .Select(h => h.Key)
                .Distinct()
                .Select(c =>
                {
                    var own = member.RecordOf(c) is { } record ? persons.GetValueOrDefault(record) : null;
                    return (
                        c,
                        names.GetValueOrDefault(c, c),
                        Person.MaskNumber(own?.Phone),
                        Person.MaskNumber(own?.BankCard),
                        member.Groups.GetValueOrDefault(c)
                    );
                }),
        ];

    /// <summary>All members of a collective as a workbook, masked as the page has them.</summary>
    private static async Task<IResult> Sheet(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        TimeProvider time,
        CancellationToken cancellation
    )
    {
        var found = await session.ScopedAsync<Collective>(id, caller) ?? throw Require.NotFound(id);
        var (members, next) = await MemberEndpoints.ListedAsync(
            id,
            null,
            MemberEndpoints.MaxSheetRows,
            session,
            database,
            people,
            clock,
            cancellation
        );
        return Workbook.File(OfficeSheets.Members(found.Name, members, next, time.GetUtcNow()), "成员");
    }

    private static async Task<IResult> List(
        string? collective,
        string? after,
        string? q,
        string? state,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var waiting = caller.Actor.Role is Roles.VillageFinance or Roles.Agency
            ? await MemberConfirmations.List(session, database, people, caller, cancellation)
            : new WaitingMembersView([], [], []);
        if (collective is null && caller.Actor.Role is Roles.VillageFinance or Roles.SupervisionCommittee)
            collective = (await FundPages.OwnAsync(session, caller, cancellation))?.Id;
        if (collective is null)
        {
            var all = await session
                .Query<Collective>()
                .Where(c => c.Region.StartsWith(caller.Actor.Region) && c.MergedInto == null && c.DissolvedOn == null)
                .OrderBy(c => c.Region)
                .Take(Scope.MaxRows)
                .ToListAsync(cancellation);
            return PageRoutes.Show<MembersPage>(new { Collectives = all, Waiting = waiting });
        }
        var found = await session.ScopedAsync<Collective>(collective, caller) ?? throw Require.NotFound(collective);
        // Names are encrypted: who looks for one has the whole list read.
        var asked = PageRoutes.Typed(q);
        var isFiltered = asked.Length > 0 || state is { Length: > 0 };
        var (members, next) = await MemberEndpoints.ListedAsync(
            collective,
            after,
            isFiltered ? MaxSearched : PageSize,
            session,
            database,
            people,
            clock,
            cancellation,
            asked
        );
        return PageRoutes.Show<MembersPage>(
            new
            {
                Collective = found,
                Profiles = await AgencyProfiles.ListAsync(session, caller),
                Waiting = waiting,
                Members = (IReadOnlyList<(string, string, string, string?)>)
                    [
                        .. members
                            .Where(m => !isFiltered || IsAsked(m, asked, state))
                            .Select(m => (m.Id, m.Name, m.CitizenId, m.Remark)),
                    ],
                Next = next,
                Asked = q,
                State = state,
            }
        );
    }
}
