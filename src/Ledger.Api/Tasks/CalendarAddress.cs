using System.Security.Cryptography;
using System.Text;

namespace Ledger.Api.Tasks;

/// <summary>
/// The address from which a calendar program fetches somebody's days: sealed by a key of ours, so nobody guesses one,
/// and closed, so it names nobody to whoever runs the program. It is good as long as its number is the person's
/// (<see cref="Ledger.Domain.Tasks.NotificationChoice.Calendar"/>).
/// </summary>
public static class CalendarAddress
{
    private const int NonceLength = 12,
        TagLength = 16,
        NumberLength = 4,
        MaxLength = 700;

    /// <param name="number">Not zero.</param>
    /// <returns>The same each time; letters, digits, - and _.</returns>
    public static string Of(KeyFile keys, string accountId, int number)
    {
        byte[] plain = [.. BitConverter.GetBytes(number), .. Encoding.UTF8.GetBytes(accountId)];
        // From what is in it: two that differ never share one.
        var nonce = HMACSHA256.HashData(NonceKey(keys), plain)[..NonceLength];
        var box = new byte[NonceLength + TagLength + plain.Length];
        nonce.CopyTo(box, 0);
        using var aes = new AesGcm(keys.CalendarKey, TagLength);
        aes.Encrypt(
            nonce,
            plain,
            box.AsSpan(NonceLength + TagLength),
            box.AsSpan(NonceLength, TagLength),
            associatedData: default
        );
        return System.Buffers.Text.Base64Url.EncodeToString(box);
    }

    /// <summary>Whose it is; null: not of our making.</summary>
    public static (string AccountId, int Number)? Open(KeyFile keys, string address)
    {
        if (address.Length > MaxLength || !System.Buffers.Text.Base64Url.IsValid(address))
            return null;
        var box = System.Buffers.Text.Base64Url.DecodeFromChars(address);
        if (box.Length <= NonceLength + TagLength + NumberLength)
            return null;
        var plain = new byte[box.Length - NonceLength - TagLength];
        using var aes = new AesGcm(keys.CalendarKey, TagLength);
        try
        {
            aes.Decrypt(
                box.AsSpan(0, NonceLength),
                box.AsSpan(NonceLength + TagLength),
                box.AsSpan(NonceLength, TagLength),
                plain
            );
        }
        catch (CryptographicException)
        {
            return null;
        }
        return (Encoding.UTF8.GetString(plain.AsSpan(NumberLength)), BitConverter.ToInt32(plain));
    }

    private static byte[] NonceKey(KeyFile keys) => HMACSHA256.HashData(keys.CalendarKey, "nonce"u8);
}
