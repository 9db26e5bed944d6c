using System.Security.Cryptography;
using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Identity;

namespace Ledger.Api.Accounts;

/// <summary>A row that opens a door. <see cref="Seal"/>: the product's, over what opens it and for whom; empty: nobody's.</summary>
public interface ISealed
{
    string Seal { get; set; }
}

/// <summary>An authenticator's key or the recovery codes of an account.</summary>
public sealed class SecondFactor : IdentityUserToken<string>, ISealed
{
    public string Seal { get; set; } = "";
}

/// <summary>
/// Seals what lets somebody in, each with whose it is: HMAC-SHA256 with a key that is not in the database. Whoever edits a password, a second
/// factor or a session there opens no door with it.
/// </summary>
public sealed class CredentialSeal(KeyFile keys)
{
    private readonly byte[] _key = keys.CredentialKey;

    public string Of(ISealed row) =>
        Of(
            row switch
            {
                LedgerUser u => [u.Id, u.PasswordHash, u.MustChangePassword, u.TwoFactorEnabled],
                SecondFactor f => [f.UserId, f.LoginProvider, f.Name, f.Value],
                Session s => [s.Id, s.UserId, s.DelegatedFrom, s.TokenHash, s.PreviousHash],
                _ => throw new ArgumentOutOfRangeException(nameof(row)),
            },
            row.GetType().Name
        );

    /// <summary>Whether the product wrote this; else it opens nothing, and is on record.</summary>
    public async Task<bool> IsOursAsync(ISealed row, Findings findings)
    {
        if (row.Seal == Of(row))
            return true;
        if (row is Session { Seal: "" })
            return false; // of a node of an earlier build: he signs in again
        var (name, what) = row switch
        {
            LedgerUser u => (u.Id, "口令"),
            SecondFactor f => (f.UserId, "验证器"),
            Session s => (s.UserId, "会话"),
            _ => throw new ArgumentOutOfRangeException(nameof(row)),
        };
        await findings.AddAsync(
            "account",
            $"{StreamId.Account(name)}：登录表中的{what}被改动，不予采用 credentials were edited"
        );
        return false;
    }

    private string Of(object?[] what, string kind) =>
        Convert.ToBase64String(
            HMACSHA256.HashData(_key, JsonSerializer.SerializeToUtf8Bytes<object?[]>([kind, .. what]))
        );
}
