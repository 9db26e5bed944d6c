using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Asn1.GM;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;
using Org.BouncyCastle.Math.EC.Rfc8032;

namespace Ledger.Verify;

/// <summary>What was to be shown does not hold; the message says what, and which event where there is one.</summary>
public class NotProven(string message) : Exception(message);

/// <summary>
/// A verifier key of C2SP signed-note: Ed25519 (0x01), a witness's (0x04), or SM2 with SM3 (0xff and a name).
/// </summary>
public sealed record Key(string Name, byte[] Id, byte Type, byte[] Public)
{
    private static readonly byte[] Sm2 = Encoding.ASCII.GetBytes("collective-subsidy-ledger/sm2-sm3/");

    /// <summary>Keys from a file, one a line, or one given itself; none from null.</summary>
    public static IReadOnlyList<Key> ReadAll(string? keyOrFile) =>
        keyOrFile is null
            ? []
            :
            [
                .. (File.Exists(keyOrFile) ? File.ReadAllLines(keyOrFile) : [keyOrFile])
                    .Where(l => l.Trim().Length > 0)
                    .Select(l => Parse(l.Trim())),
            ];

    private static Key Parse(string line)
    {
        if (line.Split('+', 3) is not [var name, var id, var encoded])
            throw new NotProven($"公钥无法读取：{line}");
        var typed = Convert.FromBase64String(encoded);
        var expected = SHA256.HashData([.. Encoding.UTF8.GetBytes(name), 10, .. typed])[..4];
        if (id != Convert.ToHexStringLower(expected))
            throw new NotProven($"公钥的编号与内容不符：{line}");
        return new Key(
            name,
            expected,
            typed[0],
            typed[0] == 0xff && typed.AsSpan(1).StartsWith(Sm2) ? typed[(1 + Sm2.Length)..] : typed[1..]
        );
    }

    public bool Signed(string text, byte[] signature)
    {
        switch (Type)
        {
            case 0x01:
                return Ed(Encoding.UTF8.GetBytes(text), signature);
            case 0x04:
                return signature.Length == 72
                    && Ed(
                        Encoding.UTF8.GetBytes(
                            $"cosignature/v1\ntime {BinaryPrimitives.ReadUInt64BigEndian(signature)}\n{text}"
                        ),
                        signature[8..]
                    );
            case 0xff:
                var curve = new ECDomainParameters(GMNamedCurves.GetByName("sm2p256v1"));
                var sm2 = new SM2Signer(PlainDsaEncoding.Instance, new SM3Digest());
                sm2.Init(false, new ECPublicKeyParameters(curve.Curve.DecodePoint(Public), curve));
                sm2.BlockUpdate(Encoding.UTF8.GetBytes(text));
                return sm2.VerifySignature(signature);
            default:
                return false;
        }
    }

    private bool Ed(byte[] message, byte[] signature) =>
        signature.Length == 64
        && Public.Length == 32
        && Ed25519.Verify(signature, 0, Public, 0, message, 0, message.Length);
}

/// <summary>
/// One text for one content: white space, and bits at the end that nobody reads, could otherwise be changed unseen.
/// </summary>
public static class Base64Text
{
    /// <exception cref="NotProven"/>
    public static byte[] Read(string text)
    {
        var bytes = new byte[text.Length];
        return
            Convert.TryFromBase64String(text, bytes, out var length) && Convert.ToBase64String(bytes, 0, length) == text
            ? bytes[..length]
            : throw new NotProven($"不是规范的 base64：{text[..Math.Min(40, text.Length)]}");
    }
}

/// <summary>A checkpoint whose signatures were checked; <paramref name="Signers"/> says by whom, in words.</summary>
public sealed record SignedCheckpoint(string Origin, long Size, byte[] Root, string Signers)
{
    /// <summary>
    /// When the first of the witnesses saw it; null without one: the log's own signature has no time.
    /// </summary>
    public DateTimeOffset? SeenAt { get; init; }

    /// <exception cref="NotProven">It is not signed by one of the log's keys, a known key's line is wrong, or a wanted
    /// witness's is missing.</exception>
    public static SignedCheckpoint Read(string note, IReadOnlyList<Key> keys, IReadOnlyList<Key> witnesses)
    {
        var at = note.LastIndexOf("\n\n", StringComparison.Ordinal);
        if (
            at < 0
            || note[..at].Split('\n') is not [{ Length: > 0 } origin, var size, var root]
            || !long.TryParse(size, NumberStyles.None, CultureInfo.InvariantCulture, out var count)
            || size != count.ToString(CultureInfo.InvariantCulture)
        )
            throw new NotProven("检查点应为来源、大小、根三行，空行，然后是签名");
        var text = note[..(at + 1)];
        var signers = new List<string>();
        var seen = new HashSet<Key>();
        DateTimeOffset? seenAt = null;
        foreach (var line in note[(at + 2)..].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            if (line.Split(' ') is not ["—", var name, var encoded])
                throw new NotProven($"签名行无法读取：{line}");
            var signature = Base64Text.Read(encoded);
            if (
                keys.Concat(witnesses).FirstOrDefault(k => k.Name == name && signature.AsSpan().StartsWith(k.Id))
                is not { } key
            )
                continue; // of somebody we do not know
            if (!key.Signed(text, signature[4..]))
                throw new NotProven($"{name} 的签名不成立：检查点被改动，或不是它签的");
            if (!seen.Add(key))
                continue;
            if (key.Type == 0x04 && (seenAt is null || Time(signature.AsSpan(4)) < seenAt))
                seenAt = Time(signature.AsSpan(4));
            signers.Add(key.Type == 0x04 ? $"{name}（见证于 {Time(signature.AsSpan(4)):yyyy-MM-dd HH:mm:ss}Z）" : name);
        }
        if (!keys.Any(seen.Contains))
            throw new NotProven($"检查点没有日志 {origin} 的已知密钥的签名");
        if (keys.First(seen.Contains).Name != origin)
            throw new NotProven($"签名者 {keys.First(seen.Contains).Name} 不是日志 {origin}");
        if (witnesses.FirstOrDefault(w => !seen.Contains(w)) is { } missing)
            throw new NotProven($"缺少见证方 {missing.Name} 的签名");
        var hash = Base64Text.Read(root);
        return hash.Length == 32
            ? new SignedCheckpoint(origin, count, hash, $"签名 signed by：{string.Join("、", signers)}。")
            {
                SeenAt = seenAt,
            }
            : throw new NotProven("检查点的根不是 32 字节");
    }

    private static DateTimeOffset Time(ReadOnlySpan<byte> stamp) =>
        DateTimeOffset.FromUnixTimeSeconds((long)BinaryPrimitives.ReadUInt64BigEndian(stamp));
}
