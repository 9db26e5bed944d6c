namespace Ledger.Api.Tests;

/// <summary>
/// The product, serving on a port of its own choosing: in the test's process (<see cref="ApiHost"/>), or in one of its
/// own (<see cref="ApiProcess"/>).
/// </summary>
public abstract class RunningApi : IAsyncDisposable
{
    /// <summary>
    /// What every test's product is told, by the names that settings have in an environment. A test is one user and
    /// one address; the limits have a test of their own.
    /// </summary>
    protected static readonly IReadOnlyDictionary<string, string> Usual = new Dictionary<string, string>
    {
        ["Ledger__RateLimit__PerUser"] = "0",
        ["Ledger__RateLimit__PerAddress"] = "0",
        ["Ledger__RateLimit__RefusalsPerMinute"] = "0",
        ["Logging__LogLevel__Default"] = "Warning",
        ["Logging__LogLevel__Microsoft.Hosting.Lifetime"] = "Information",
    };

    protected Printed Lines { get; } = new();

    public HttpClient Http { get; private set; } = null!;

    protected void Serves(string address) =>
        Http = new HttpClient { BaseAddress = new Uri(address), Timeout = TimeSpan.FromMinutes(2) };

    public string Output => Lines.ToString();

    /// <summary>
    /// Whether a line it printed holds this; <see cref="Output"/> of a product that says all it could is long.
    /// </summary>
    public bool Said(string text) => Lines.Said(text);

    /// <summary>As an init system stops a service: what is under way is finished. The exit code.</summary>
    public abstract Task<int> StopAsync();

    public abstract ValueTask DisposeAsync();
}
