namespace Ledger.Web;

/// <summary>Who holds which office where: so that nobody is only told that he may not.</summary>
public interface IContacts
{
    /// <summary>
    /// Those who have an account of the role and look after the region, the nearest first; a few of them.
    /// </summary>
    Task<IReadOnlyList<string>> OfAsync(string role, string region);

    /// <summary>
    /// The accounts of these roles around a region, the nearest first, with the names of their people.
    /// </summary>
    Task<IReadOnlyList<(string Account, string? Name)>> AccountsOfAsync(IReadOnlyList<string> roles, string region);

    /// <summary>The natural person behind an account; null where it says none.</summary>
    Task<string?> NameOfAsync(string account);

    /// <summary>The collective of a village by its code; null where there is none.</summary>
    Task<string?> PlaceOfAsync(string region);

    /// <summary>The names of the villages below a region, to choose from.</summary>
    Task<IReadOnlyList<string>> VillagesAsync(string region);
}
