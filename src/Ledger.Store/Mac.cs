using System.Security.Cryptography;

namespace Ledger.Store;

/// <summary>How the product marks in the database what it wrote itself; the keys are not there.</summary>
public static class Mac
{
    private const int Length = 16;

    /// <summary>HMAC-SHA256 over the content; the first 16 bytes, in base64.</summary>
    public static string Of(byte[] key, byte[] content) =>
        Convert.ToBase64String(HMACSHA256.HashData(key, content).AsSpan(0, Length));
}
