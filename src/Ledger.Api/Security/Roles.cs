using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;

namespace Ledger.Api.Security;

/// <summary>The roles of docs/domain.md, as they stand in tokens.</summary>
public static class Roles
{
    public const string CityHrss = "city-hrss",
        CountyHrss = "county-hrss",
        CountyFinance = "county-finance",
        CountyAgriculture = "county-agriculture",
        CountyTax = "county-tax",
        Agency = "agency",
        Township = "township",
        VillageFinance = "village-finance",
        Auditor = "auditor";

    /// <summary>Looks after accounts, in his region; has no part in the ledger (C20).</summary>
    public const string Administrator = Account.Administrator;

    public static readonly string[] County = [CountyHrss, CountyFinance, CountyAgriculture, CountyTax];
    public static readonly string[] All = [CityHrss, .. County, Agency, Township, VillageFinance, Auditor];

    /// <summary>Whoever can sign in.</summary>
    public static readonly string[] Everybody = [.. All, Administrator];
}

/// <summary>Who calls: from the token. A region scope is a prefix of the codes one may see.</summary>
public sealed class Caller(IHttpContextAccessor http)
{
    public Actor Actor { get; } =
        http.HttpContext?.User is { Identity.IsAuthenticated: true } user
            ? new Actor(user.FindFirst("sub")!.Value, user.FindFirst("role")!.Value, user.FindFirst("region")!.Value)
            {
                OnBehalfOf = user.FindFirst(Tokens.OnBehalfOf)?.Value,
            }
            : ActorName.Public;

    /// <summary>Nobody has signed in: whoever is known has a region.</summary>
    public static bool IsUnknown(Actor actor) => actor.Region.Length == 0;

    public bool MaySee(string region) => Actor.Region.Length > 0 && RegionCode.Contains(Actor.Region, region);
}
