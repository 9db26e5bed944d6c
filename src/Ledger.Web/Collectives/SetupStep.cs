using Ledger.Domain.Identity;

namespace Ledger.Web.Collectives;

/// <summary>What is done once before a village can subsidise its members, in this order.</summary>
public enum SetupTask
{
    Accounts,
    PolicyYear,
    Pilot,
    Collectives,
    Funds,
    Survey,
    Members,
    Contributions,
    Money,
    Plan,
    Application,
}

/// <summary>How far one task is: <paramref name="Done"/> of <paramref name="Of"/>.</summary>
/// <param name="Href">Where it is done.</param>
/// <param name="Region">Whose office does it.</param>
/// <param name="Missing">Of the accounts: the roles that nobody has.</param>
public sealed record SetupStep(
    SetupTask Task,
    int Done,
    int Of,
    string Href,
    string Region,
    IReadOnlyList<string>? Missing = null
)
{
    public bool IsDone => Of > 0 && Done >= Of;

    /// <summary>Who may do it, the first being whom to ask.</summary>
    public IReadOnlyList<string> By =>
        Task switch
        {
            SetupTask.Accounts => [Roles.Administrator],
            SetupTask.PolicyYear => [Roles.CityHrss],
            SetupTask.Pilot => [Roles.CountyHrss, Roles.CityHrss],
            SetupTask.Collectives => [Roles.CountyAgriculture, Roles.Agency],
            SetupTask.Contributions => [Roles.CountyTax, Roles.Agency],
            SetupTask.Survey => [Roles.VillageFinance, Roles.Township],
            SetupTask.Members => [Roles.VillageFinance, Roles.Agency],
            _ => [Roles.VillageFinance],
        };
}
