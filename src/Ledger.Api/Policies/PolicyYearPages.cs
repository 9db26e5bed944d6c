using Ledger.Api.Commands;
using Ledger.Api.Pages;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Plans;
using Ledger.Domain.Policies;
using Ledger.Web.Policies;
using Marten;

namespace Ledger.Api.Policies;

/// <summary>The page of a year's parameters.</summary>
public static class PolicyYearPages
{
    /// <summary>What waits for the caller to confirm: proposed for a year of his city, by somebody else.</summary>
    public static async Task<IReadOnlyList<PolicyYear>> WaitingAsync(
        IQuerySession session,
        Caller caller,
        DateOnly today,
        CancellationToken cancellation
    ) =>
        caller.Actor.Role != Roles.CityHrss
            ? []
            :
            [
                .. (
                    await session
                        .Query<PolicyYear>()
                        .Where(p => p.Region.StartsWith(caller.Actor.Region) && p.Proposed != null)
                        .ToListAsync(cancellation)
                ).Where(p => p.Waiting(today) is { } w && w.ProposedBy != caller.Actor.Id),
            ];

    public static void MapPolicyYearPages(this WebApplication app)
    {
        app.Page(
            "/policy-years/replay",
            async (int? year, IQuerySession session, Caller caller, Clock clock) =>
            {
                var asked = year ?? clock.Today.Year;
                return PageRoutes.Show<ReplayPage>(
                    new
                    {
                        Year = asked,
                        Policy = await session.PolicyYearAsync(RegionCode.CountyOrCity(caller.Actor.Region), asked),
                    }
                );
            },
            Reports.ReportEndpoints.Replayers
        );
        app.Page(
            "/policy-years",
            async (int? year, string? region, IQuerySession session, Caller caller, Clock clock) =>
            {
                var (asked, where) = (
                    year ?? clock.Today.Year,
                    region is { Length: > 0 } given ? given : RegionCode.CountyOrCity(caller.Actor.Region)
                );
                Require.Region(where, "region", RegionCode.CityLength, RegionCode.CountyLength);
                if (!SchemeYears.Has(asked))
                    throw Require.Invalid("year", SchemeYears.Fault);
                if (!caller.MaySee(where) && !RegionCode.Contains(where, caller.Actor.Region))
                    throw Require.NotFound(where);
                var stream = await session.LoadAsync<PolicyYear>(StreamId.PolicyYear(where, asked));
                var own = stream?.InForce();
                var inForce = own ?? await session.PolicyYearAsync(where, asked);
                // A new year begins with what holds now; but for the countersignature, which new years ask for (L7).
                var model = inForce ?? await session.PolicyYearAsync(where, asked - 1);
                return PageRoutes.Show<PolicyYearPage>(
                    new
                    {
                        Year = asked,
                        Region = where,
                        IsPublished = inForce is not null,
                        stream?.Revision,
                        Proposed = stream?.Waiting(clock.Today),
                        IsInUse = await session
                            .Query<Plan>()
                            .AnyAsync(p => p.Year == asked && p.Region.StartsWith(where)),
                        P = (inForce ?? model)?.Parameters is { } p
                            ? inForce is null
                                ? p with
                                {
                                    EffectiveFrom = new DateOnly(asked, 1, 1),
                                    CountersignatureRequired = true,
                                }
                                : p
                            : new PolicyParameters(
                                new DateOnly(asked, 1, 1),
                                [new ContributionTier(new Money(100_00), Money.Zero)],
                                0,
                                7,
                                QuorumRule.Law,
                                CountersignatureRequired: true
                            ),
                    }
                );
            },
            Roles.All
        );
    }
}
