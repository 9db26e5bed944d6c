using Ledger.Api.Commands;
using Ledger.Api.Members;
using Ledger.Api.Pages;
using Ledger.Api.Plans;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Collectives;
using Ledger.Domain.Funds;
using Ledger.Domain.Identity;
using Ledger.Domain.Members;
using Ledger.Web.Collectives;
using Marten;
using Npgsql;

namespace Ledger.Api.Collectives;

/// <summary>
/// Pages of collectives: the list with the registration, one with what may become of it (L16), the members who leave in
/// a split, and how far everybody is with setting up.
/// </summary>
public static class CollectivePages
{
    private const int MaxListed = 5000;

    public static void MapCollectivePages(this WebApplication app)
    {
        app.Page("/collectives", All, Roles.All);
        app.Page("/collectives/{id}", One, Roles.All);
        app.Page("/collectives/{id}/split", Split, Roles.CountyAgriculture);
        app.Page("/setup", Setup, Roles.Everybody);
    }

    private static async Task<IResult> Setup(FirstHour first, Caller caller, Clock clock)
    {
        var (steps, villages) = await first.OfRegionAsync(caller.Actor.Region, clock.Today.Year);
        return PageRoutes.Show<SetupPage>(
            new
            {
                Steps = steps,
                Villages = (IReadOnlyList<(string, string, SetupStep?)>)
                    [.. villages.Select(v => (v.Id, v.Name, FirstHour.StepsOf(v).FirstOrDefault(s => !s.IsDone)))],
            }
        );
    }

    private static async Task<IResult> All(
        string? q,
        string? state,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var (asked, here, gone) = (PageRoutes.Typed(q), state == "in-use", state == "gone");
        var found = await session
            .Query<Collective>()
            .Where(c => c.Region.StartsWith(caller.Actor.Region))
            .Where(c =>
                asked == ""
                || c.Region.StartsWith(asked)
                || c.Name.Contains(asked)
                || c.CreditCode.Contains(asked, StringComparison.OrdinalIgnoreCase)
            )
            .Where(c => !here || c.MergedInto == null && c.DissolvedOn == null)
            .Where(c => !gone || c.MergedInto != null || c.DissolvedOn != null)
            .OrderBy(c => c.Region)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
        return PageRoutes.Show<CollectivesPage>(
            new
            {
                Collectives = found,
                Asked = q,
                State = state,
            }
        );
    }

    private static async Task<IResult> One(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        FirstHour first,
        Caller caller,
        Clock clock,
        CancellationToken cancellation
    )
    {
        var collective = await session.ScopedAsync<Collective>(id, caller) ?? throw Require.NotFound(id);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var members = await connection.QueryAsync(
            $"""
            select count(*)::int
              from {LedgerStore.Schema}.mt_doc_member
             where data -> 'memberships' ?| @collectives
            """,
            r => r.GetInt32(0),
            ("collectives", collective.WithPredecessors().ToArray())
        );
        return PageRoutes.Show<CollectivePage>(
            new
            {
                Collective = collective,
                Fund = await session.LoadAsync<Fund>(StreamId.FundOf(id), cancellation),
                Members = collective.MergedInto is null ? members.Single() : 0,
                Steps = await first.OfVillageAsync(id, collective.Region, clock.Today.Year),
                Others = await OthersAsync(collective, session, caller, cancellation),
                Reviews = await ReviewsAsync(collective, connection, caller),
                Names = await PlanPages.NamesAsync(
                    session,
                    collective.Predecessors.Concat(collective.MergedInto is { } into ? [into] : [])
                ),
            }
        );
    }

    private static async Task<IResult> Split(
        string id,
        IQuerySession session,
        NpgsqlDataSource database,
        PersonalData people,
        Caller caller,
        CancellationToken cancellation
    )
    {
        var collective = await session.ScopedAsync<Collective>(id, caller) ?? throw Require.NotFound(id);
        var members = await MemberEndpoints.PageAsync(id, null, MaxListed, session, cancellation);
        await using var connection = await database.OpenConnectionAsync(cancellation);
        var shown = members.Take(MaxListed).Where(m => m.Memberships.ContainsKey(id)).ToList();
        var persons = await people.ReadAsync(connection, shown.Select(m => m.Id));
        var fund = await session.LoadAsync<Fund>(StreamId.FundOf(id), cancellation);
        return PageRoutes.Show<SplitPage>(
            new
            {
                Collective = collective,
                // Masked, as on the public notice.
                Members = (IReadOnlyList<SplitPage.Person>)
                    [
                        .. shown
                            .Select(m => new SplitPage.Person(
                                m.Id,
                                persons.GetValueOrDefault(m.Id)?.MaskedName ?? MemberEndpoints.Erased,
                                persons.GetValueOrDefault(m.Id)?.MaskedCitizenId ?? MemberEndpoints.Erased,
                                m.Groups.GetValueOrDefault(id)
                            ))
                            .OrderBy(m => m.Group ?? "~", StringComparer.Ordinal),
                    ],
                IsCut = members.Count > MaxListed,
                Available = fund?.Pocket(SubAccount.General).Available ?? Money.Zero,
                Others = await OthersAsync(collective, session, caller, cancellation),
                Reviews = await ReviewsAsync(collective, connection, caller),
            }
        );
    }

    private static async Task<IReadOnlyList<Collective>> OthersAsync(
        Collective collective,
        IQuerySession session,
        Caller caller,
        CancellationToken cancellation
    )
    {
        if (caller.Actor.Role != Roles.CountyAgriculture)
            return [];
        var township = RegionCode.Township(collective.Region);
        return await session
            .Query<Collective>()
            .Where(c => c.Region.StartsWith(township) && c.MergedInto == null && c.DissolvedOn == null)
            .Where(c => c.Id != collective.Id)
            .OrderBy(c => c.Region)
            .Take(Scope.MaxRows)
            .ToListAsync(cancellation);
    }

    /// <summary>What the collective's township has handed in, the newest first: its review is among it (L16).</summary>
    private static async Task<IReadOnlyList<HandedIn>> ReviewsAsync(
        Collective collective,
        NpgsqlConnection connection,
        Caller caller
    ) =>
        caller.Actor.Role is not (Roles.CountyAgriculture or Roles.Township)
            ? []
            : await connection.QueryAsync(
                $"""
                select digest, file_name, recorded_at
                  from {LedgerStore.Schema}.evidence
                 where region = @township
                 order by recorded_at desc
                 limit 50
                """,
                r => new HandedIn(r.GetString(0), r.GetString(1), r.GetFieldValue<DateTimeOffset>(2)),
                ("township", RegionCode.Township(collective.Region))
            );
}
