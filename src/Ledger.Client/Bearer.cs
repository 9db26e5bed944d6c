using Microsoft.Kiota.Abstractions;
using Microsoft.Kiota.Abstractions.Authentication;

namespace Ledger.Client;

/// <summary>Sends the token of whoever asks with each request.</summary>
/// <param name="token">Asked anew for each request, since tokens run out.</param>
public sealed class Bearer(Func<string> token) : IAuthenticationProvider
{
    public Task AuthenticateRequestAsync(
        RequestInformation request,
        Dictionary<string, object>? additionalAuthenticationContext = null,
        CancellationToken cancellationToken = default
    )
    {
        request.Headers.TryAdd("Authorization", $"Bearer {token()}");
        return Task.CompletedTask;
    }
}
