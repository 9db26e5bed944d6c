using Ledger.Api.Security;

namespace Ledger.Api.Commands;

/// <summary>The region prefix a list is read under: the caller's own, or a narrower one that was asked for.</summary>
public static class Scope
{
    /// <summary>A list that is not paged shows at most this many rows.</summary>
    public const int MaxRows = 1000;

    /// <summary>
    /// A wider or foreign region than the caller's shows nothing more than the caller's own would: an impossible
    /// prefix.
    /// </summary>
    public static string Narrow(Caller caller, string? region)
    {
        if (string.IsNullOrEmpty(region))
            return caller.Actor.Region;
        Require.Region(region, "region", 2, 4, 6, 9, 12);
        return caller.MaySee(region) ? region
            : caller.Actor.Region.StartsWith(region, StringComparison.Ordinal) ? caller.Actor.Region
            : "-";
    }
}
