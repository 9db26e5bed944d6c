namespace Ledger.Web;

/// <summary>
/// Who looks at the page: account, role and region scope; all empty for the public. <paramref name="Today"/>: the
/// business date. <paramref name="Contact"/>: whom to call at the agency, from the settings.
/// </summary>
public sealed record Viewer(string Name, string Role, string Region, DateOnly Today, bool IsSample, string Contact = "")
{
    public bool IsSignedIn => Role.Length > 0;

    public bool Is(params string[] roles) => roles.Contains(Role);
}

/// <summary>
/// The words of the pages: the Chinese text is the key, <c>PageWords.en.resx</c> has the English. A test finds the
/// missing ones.
/// </summary>
public sealed class PageWords;
