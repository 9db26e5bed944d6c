using System.Collections.Concurrent;
using Microsoft.IdentityModel.JsonWebTokens;
using Microsoft.IdentityModel.Tokens;

namespace Ledger.Api.Security;

/// <summary>
/// Reads a token's signature once: a program sends the same one with each command. Its span of time is looked at each
/// time, and so is what its holder may still do (<see cref="Accounts.TokenHolders"/>).
/// </summary>
public sealed class KnownTokens : JsonWebTokenHandler
{
    private const int MostKept = 1_000,
        Longest = 2_000;

    private readonly ConcurrentDictionary<string, TokenValidationResult> _sound = [];

    public override async Task<TokenValidationResult> ValidateTokenAsync(
        string token,
        TokenValidationParameters parameters
    )
    {
        if (
            _sound.TryGetValue(token, out var known)
            && parameters.LifetimeValidator(
                known.SecurityToken.ValidFrom,
                known.SecurityToken.ValidTo,
                known.SecurityToken,
                parameters
            )
        )
            return Of(known);
        var result = await base.ValidateTokenAsync(token, parameters);
        if (!result.IsValid || token.Length > Longest)
            return result;
        if (_sound.Count >= MostKept)
            _sound.Clear();
        _sound[token] = result;
        return Of(result);
    }

    /// <summary>With an identity of its own: what one request adds to it is not another's.</summary>
    private static TokenValidationResult Of(TokenValidationResult known) =>
        new()
        {
            IsValid = true,
            SecurityToken = known.SecurityToken,
            Issuer = known.Issuer,
            ClaimsIdentity = known.ClaimsIdentity.Clone(),
        };
}
