using Ledger.Domain.Benefits;
using Ledger.Domain.Identity;
using Ledger.Domain.Policies;
using Marten;
using Npgsql;

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
        return own?.InForce()
            ?? (await session.LoadAsync<PolicyYear>(StreamId.PolicyYear(RegionCode.City(region), year)))?.InForce();
    }

    /// <summary>
    /// As above, by its seal or its events: where money goes to is said by no document that somebody edited.
    /// </summary>
    public static async Task<PolicyYear?> PolicyYearAsync(
        this EventWriter writer,
        NpgsqlConnection connection,
        string region,
        int year
    )
    {
        string[] ids =
        [
            StreamId.PolicyYear(RegionCode.County(region), year),
            StreamId.PolicyYear(RegionCode.City(region), year),
        ];
        var years = await writer.ReadAsync<PolicyYear>(connection, ids);
        return years.GetValueOrDefault(ids[0])?.InForce() ?? years.GetValueOrDefault(ids[1])?.InForce();
    }

    /// <summary>
    /// What an estimate for somebody of this region rests on (C22, L10, L11): the rates that the county's and the
    /// city's years have published, and the rest of this year.
    /// </summary>
    public static async Task<EstimateRules> EstimateRulesAsync(
        this IQuerySession session,
        PolicyYear policy,
        string region
    )
    {
        var (city, county) = (RegionCode.City(region), RegionCode.CountyOrCity(region));
        var years = await session.Query<PolicyYear>().Where(p => p.Region == city || p.Region == county).ToListAsync();
        return new EstimateRules(
            years
                .Where(p => p.InForce() is not null)
                .GroupBy(p => p.Year)
                .ToDictionary(y => y.Key, y => y.MaxBy(p => p.Region.Length)!.Parameters.AccountInterestBasisPoints),
            policy.PayoutMonths(),
            policy.Parameters.BasicPensionFen
        );
    }
}
