using Ledger.Domain;
using Ledger.Domain.Accounts;
using Ledger.Domain.Identity;

namespace Ledger.Api.Security;

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
