namespace Ledger.Web;

/// <summary>Who somebody is to his colleagues: shown to who is signed in, never to the public.</summary>
public sealed record PersonCard(string Name, string? Unit, string? Phone);

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

    /// <summary>Name, unit and telephone of who has the account; null where it names nobody.</summary>
    Task<PersonCard?> CardOfAsync(string account);

    /// <summary>The people of a region by account, to choose from; none where they are too many.</summary>
    Task<IReadOnlyList<(string Account, string Name)>> StaffAsync(string region);

    /// <summary>The accounts of a region whose people have this whole name: several may, and each is one.</summary>
    Task<IReadOnlyList<string>> CalledAsync(string region, string name);

    /// <summary>
    /// The villages of a region with their collectives, to choose from; none where they are too many.
    /// </summary>
    Task<IReadOnlyList<(string Region, string Name)>> PlacesAsync(string region);

    /// <summary>The counties and townships of a region that an administrator has named.</summary>
    Task<IReadOnlyList<(string Region, string Name)>> RegionsAsync(string region);

    /// <summary>The collective of a village by its code; null where there is none.</summary>
    Task<string?> PlaceOfAsync(string region);
}
