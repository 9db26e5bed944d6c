namespace Ledger.Web;

/// <summary>Who holds which office where: so that nobody is only told that he may not.</summary>
public interface IContacts
{
    /// <summary>Those who have an account of the role and look after the region, the nearest first; a few of them.</summary>
    Task<IReadOnlyList<string>> OfAsync(string role, string region);
}
