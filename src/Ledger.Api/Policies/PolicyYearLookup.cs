using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Marten;

namespace Ledger.Api.Policies;

/// <summary>
/// Which policy year is in force for a region, for reads. Commands use Command.PolicyYearAsync, which keeps it from
/// changing.
/// </summary>
public static class PolicyYearLookup
{
    /// <summary>
    /// The county's own, else the city's; null when neither is published or the region is wider than a city.
    /// </summary>
    public static async Task<PolicyYear?> PolicyYearAsync(this IQuerySession session, string region, int year)
    {
        if (region.Length < RegionCode.CityLength)
            return null;
        var own =
            region.Length >= RegionCode.CountyLength
                ? await session.LoadAsync<PolicyYear>(StreamId.PolicyYear(RegionCode.County(region), year))
                : null;
        return own ?? await session.LoadAsync<PolicyYear>(StreamId.PolicyYear(RegionCode.City(region), year));
    }
}
