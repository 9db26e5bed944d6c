namespace Ledger.Domain.Identity;

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
        SupervisionCommittee = "supervision-committee",
        Auditor = "auditor";

    /// <summary>Looks after accounts and how the agency's files look, in his region; has no part in the ledger
    /// (C20).</summary>
    public const string Administrator = "administrator";

    public static readonly string[] County = [CountyHrss, CountyFinance, CountyAgriculture, CountyTax];
    public static readonly string[] All =
    [
        CityHrss,
        .. County,
        Agency,
        Township,
        VillageFinance,
        SupervisionCommittee,
        Auditor,
    ];

    /// <summary>Whoever can sign in.</summary>
    public static readonly string[] Everybody = [.. All, Administrator];
}
