using System.Security.Cryptography;

namespace Ledger.Api.Tests;

/// <summary>What an authenticator app shows.</summary>
public static class SignInCodes
{
    /// <summary>
    /// RFC 6238: SHA-1, six digits, thirty seconds; <paramref name="ahead"/>: of a later step, which a clock that is a
    /// little off still accepts.
    /// </summary>
    public static string Of(string secret, int ahead = 0)
    {
        const string alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
        var bits = string.Concat(secret.Select(c => Convert.ToString(alphabet.IndexOf(c), 2).PadLeft(5, '0')));
        var key = Enumerable
            .Range(0, bits.Length / 8)
            .Select(i => Convert.ToByte(bits.Substring(i * 8, 8), 2))
            .ToArray();
        var counter = BitConverter.GetBytes(DateTimeOffset.UtcNow.ToUnixTimeSeconds() / 30 + ahead);
        if (BitConverter.IsLittleEndian)
            Array.Reverse(counter);
#pragma warning disable CA5350 // what RFC 6238 and every authenticator app use
        var hash = HMACSHA1.HashData(key, counter);
#pragma warning restore CA5350
        var offset = hash[^1] & 15;
        var number = System.Buffers.Binary.BinaryPrimitives.ReadInt32BigEndian(hash.AsSpan(offset)) & int.MaxValue;
        return $"{number % 1_000_000:000000}";
    }
}
