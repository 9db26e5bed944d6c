using System.Collections.Concurrent;
using System.Diagnostics;
using System.Security.Claims;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Accounts;

namespace Ledger.Api.Accounts;

/// <summary>
/// Whether whoever a token names may still act: a token lives a quarter of an hour, an account that was closed, changed
/// or given another password does not act for so long. What is known of an account is looked up again after seconds,
/// not on each request. Tokens of names that have no account here are as good as their signature.
/// </summary>
public sealed class TokenHolders(Rights rights, Clock clock)
{
    private static readonly TimeSpan Fresh = TimeSpan.FromSeconds(3);
    private const int MostKept = 10_000;

    private readonly ConcurrentDictionary<string, Known> _known = [];

    private sealed record Known(Account? Account, long At);

    /// <param name="isOurs">We said the role and region, too; else another authority did.</param>
    public async ValueTask<bool> MayActAsync(ClaimsPrincipal who, bool isOurs)
    {
        // What a look some seconds ago speaks against may have been put right since.
        if (await FitsAsync(who, isOurs, Fresh))
            return true;
        return await FitsAsync(who, isOurs, TimeSpan.Zero);
    }

    private async ValueTask<bool> FitsAsync(ClaimsPrincipal who, bool isOurs, TimeSpan fresh)
    {
        string? Claim(string type) => who.FindFirst(type)?.Value;
        var name = Claim("sub")!;
        var account = await AccountAsync(name, fresh);
        if (account is { IsClosed: true })
            return false;
        if (IsEarlier(Claim(Tokens.Credentials), account))
            return false;
        if (!isOurs)
            return true;
        var (role, region) = (Claim("role"), Claim("region"));
        if (Claim(Tokens.OnBehalfOf) is { } holder)
            return await AccountAsync(holder, fresh) is not { } delegating
                || delegating.IsDelegate(name, clock.Today)
                    && (delegating.Role, delegating.Region) == (role, region)
                    && !IsEarlier(Claim(Tokens.HolderCredentials), delegating);
        return account is null || (account.Role, account.Region) == (role, region);
    }

    private static bool IsEarlier(string? credentials, Account? account) =>
        credentials is not null
        && account?.Credentials is { } now
        && !now.StartsWith(credentials, StringComparison.Ordinal);

    private async ValueTask<Account?> AccountAsync(string name, TimeSpan fresh)
    {
        if (_known.TryGetValue(name, out var known) && Stopwatch.GetElapsedTime(known.At) < fresh)
            return known.Account;
        var at = Stopwatch.GetTimestamp();
        // One looks; the others go by what was known, that long.
        if (known is not null && fresh > TimeSpan.Zero && !_known.TryUpdate(name, known with { At = at }, known))
            return known.Account;
        // One that was only asked for, or declined, is none: who asks must not shut out whom a token names.
        var account = await rights.AccountAsync(name) is { IsRequested: false } opened ? opened : null;
        if (_known.Count > MostKept)
            _known.Clear();
        _known[name] = new Known(account, at);
        return account;
    }
}
