using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Identity;

namespace Ledger.Api.Accounts;

/// <summary>
/// A row that opens a door. <see cref="Seal"/>: the product's, over what opens it and for whom; empty: nobody's.
/// </summary>
public interface ISealed
{
    string Seal { get; set; }
}

/// <summary>
/// An authenticator's key or the recovery codes of an account; <c>Value</c> is encrypted, see
/// <see cref="CredentialSeal.Hide"/>.
/// </summary>
public sealed class SecondFactor : IdentityUserToken<string>, ISealed
{
    public string Seal { get; set; } = "";
}

/// <summary>
/// Seals what lets somebody in, each with whose it is: HMAC-SHA256 with a key that is not in the database. Whoever
/// edits a password, a second factor or a session there opens no door with it.
/// </summary>
public sealed class CredentialSeal(KeyFile keys)
{
    private const string Hidden = "enc:";
    private readonly byte[] _key = keys.CredentialKey,
        _hiding = keys.SecondFactorKey;

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

    /// <summary>Over when a session began and until when it may be used, to the millisecond.</summary>
    public string OfTimes(Session s) =>
        Of([s.Id, s.StartedAt.ToUnixTimeMilliseconds(), s.ExpiresAt.ToUnixTimeMilliseconds()], nameof(OfTimes));

    /// <summary>
    /// The digest of what lets this user in: of the seals over his password and, where he has one, over his second
    /// factor and recovery codes. It tells nothing of them. Under the key, and bound to the account's event that
    /// carries it: nobody makes one, and an earlier one is good nowhere else.
    /// </summary>
    /// <param name="version">Of that event in the account's stream.</param>
    public string Digest(LedgerUser user, IEnumerable<SecondFactor> factors, long version)
    {
        string[] seals =
        [
            Of(user),
            .. user.TwoFactorEnabled ? factors.OrderBy(f => f.Name, StringComparer.Ordinal).Select(Of) : [],
        ];
        return Convert.ToHexStringLower(Mac([user.Id, version, .. seals], "Digest"));
    }

    /// <summary>A second factor as it stands in the table: whoever reads that has none. Tied to whose it is.</summary>
    public string Hide(string value, string user, string name) =>
        IsHidden(value)
            ? value
            : Hidden
                + Convert.ToBase64String(
                    PersonalData.Encrypt(_hiding, Encoding.UTF8.GetBytes(value), $"{user}\n{name}")
                );

    /// <summary>
    /// As it was before <see cref="Hide"/>, also where an earlier build wrote it in clear; null: it is not the
    /// product's.
    /// </summary>
    public string? Show(string? value, string user, string name)
    {
        if (value is null || !IsHidden(value))
            return value;
        try
        {
            var box = Convert.FromBase64String(value[Hidden.Length..]);
            return Encoding.UTF8.GetString(PersonalData.Decrypt(_hiding, box, $"{user}\n{name}"));
        }
        catch (Exception e) when (e is CryptographicException or FormatException)
        {
            return null;
        }
    }

    public static bool IsHidden(string value) => value.StartsWith(Hidden, StringComparison.Ordinal);

    /// <summary>Whether the product wrote this; else it opens nothing, and is on record.</summary>
    public async Task<bool> IsOursAsync(ISealed row, Findings findings)
    {
        var isSealed = row.Seal == Of(row);
        if (isSealed && (row is not Session timed || timed.TimeSeal == OfTimes(timed)))
            return true;
        if (row is Session { Seal: "" } || isSealed && row is Session { TimeSeal: "" })
            return false; // of a node of an earlier build: he signs in again
        var (name, what) = row switch
        {
            LedgerUser u => (u.Id, "口令"),
            SecondFactor f => (f.UserId, "验证器"),
            Session s => (s.UserId, "会话"),
            _ => throw new ArgumentOutOfRangeException(nameof(row)),
        };
        await EditedAsync(findings, name, what);
        return false;
    }

    /// <summary>The same of what has no seal of its own.</summary>
    public static Task EditedAsync(Findings findings, string name, string what) =>
        findings.AddAsync(
            "account",
            $"{StreamId.Account(name)}：登录表中的{what}被改动，不予采用 credentials were edited"
        );

    private string Of(object?[] what, string kind) => Convert.ToBase64String(Mac(what, kind));

    private byte[] Mac(object?[] what, string kind) =>
        HMACSHA256.HashData(_key, JsonSerializer.SerializeToUtf8Bytes<object?[]>([kind, .. what]));
}
