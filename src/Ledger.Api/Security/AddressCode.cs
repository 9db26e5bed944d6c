using System.Security.Cryptography;
using System.Text;

namespace Ledger.Api.Security;

/// <summary>
/// The code in an address that somebody without an account was given: only we can make it, so whoever has it was told
/// by us, or by whom he told.
/// </summary>
public static class AddressCode
{
    /// <param name="of">What the address shows, e.g. <c>gifts donor-…</c>: a code of one opens no other.</param>
    public static string Of(KeyFile keys, string of) =>
        Convert.ToHexStringLower(HMACSHA256.HashData(keys.HashKey, Encoding.UTF8.GetBytes(of)))[..32];

    public static bool Holds(KeyFile keys, string of, string code) =>
        CryptographicOperations.FixedTimeEquals(Encoding.UTF8.GetBytes(code), Encoding.UTF8.GetBytes(Of(keys, of)));
}
