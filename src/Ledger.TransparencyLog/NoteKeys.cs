using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Org.BouncyCastle.Asn1.GM;
using Org.BouncyCastle.Crypto.Digests;
using Org.BouncyCastle.Crypto.Parameters;
using Org.BouncyCastle.Crypto.Signers;

namespace Ledger.TransparencyLog;

/// <summary>
/// How a line of a note is signed; the byte that stands before the public key in a verifier key (C2SP signed-note).
/// </summary>
public enum NoteAlgorithm : byte
{
    /// <summary>Over the note's text.</summary>
    Ed25519 = 0x01,

    /// <summary>A witness's, with its time (C2SP tlog-cosignature).</summary>
    Cosignature = 0x04,

    /// <summary>
    /// SM2 with SM3 (GB/T 32918, GB/T 32905), r ‖ s of 32 bytes each. Not assigned by C2SP: 0xff and a name of our own
    /// before the key.
    /// </summary>
    Sm2 = 0xff,
}

/// <summary>A public key that a note's line is checked with: <c>name+key id+base64(algorithm ‖ key)</c>.</summary>
public sealed record NoteVerifier(string Name, NoteAlgorithm Algorithm, byte[] PublicKey)
{
    private static readonly byte[] Sm2Mark = Encoding.ASCII.GetBytes("collective-subsidy-ledger/sm2-sm3/");

    private byte[] Typed => [(byte)Algorithm, .. Algorithm == NoteAlgorithm.Sm2 ? Sm2Mark : [], .. PublicKey];

    /// <summary>The first four bytes of SHA-256(name ‖ 0x0A ‖ algorithm ‖ key).</summary>
    public uint KeyId =>
        BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData([.. Encoding.UTF8.GetBytes(Name), (byte)'\n', .. Typed]));

    public override string ToString() => $"{Name}+{KeyId:x8}+{Convert.ToBase64String(Typed)}";

    /// <exception cref="NoteException"/>
    public static NoteVerifier Parse(string text)
    {
        var parts = text.Trim().Split('+', 3);
        try
        {
            var typed = parts.Length == 3 ? Convert.FromBase64String(parts[2]) : [];
            if (parts is [{ Length: > 0 } name, { } id, _] && typed.Length > 1)
            {
                var algorithm = (NoteAlgorithm)typed[0];
                var key =
                    algorithm == NoteAlgorithm.Sm2 && typed.AsSpan(1).StartsWith(Sm2Mark)
                        ? typed[(1 + Sm2Mark.Length)..]
                        : typed[1..];
                var verifier = new NoteVerifier(name, algorithm, key);
                if (
                    key.Length == (algorithm == NoteAlgorithm.Sm2 ? 65 : 32)
                    && Enum.IsDefined(algorithm)
                    && id == $"{verifier.KeyId:x8}"
                )
                    return verifier;
            }
        }
        catch (FormatException)
        {
            // Falls through to the one message that helps.
        }
        throw new NoteException($"公钥应为 名称+八位编号+base64：{text}");
    }

    /// <summary>
    /// Whether this line is this key's, over this text. A line of another key is none of its business: null.
    /// </summary>
    public bool? Verifies(string text, NoteSignature line)
    {
        if (line.Name != Name || line.KeyId != KeyId)
            return null;
        switch (Algorithm)
        {
            case NoteAlgorithm.Ed25519:
                return Ed25519(Encoding.UTF8.GetBytes(text), line.Signature);
            case NoteAlgorithm.Cosignature:
                if (line.Signature.Length != 72)
                    return false;
                return Ed25519(
                    Encoding.UTF8.GetBytes(Cosigned(BinaryPrimitives.ReadUInt64BigEndian(line.Signature), text)),
                    line.Signature[8..]
                );
            default:
                var signer = new SM2Signer(PlainDsaEncoding.Instance, new SM3Digest());
                signer.Init(false, new ECPublicKeyParameters(Sm2Curve.Curve.DecodePoint(PublicKey), Sm2Curve));
                signer.BlockUpdate(Encoding.UTF8.GetBytes(text));
                return signer.VerifySignature(line.Signature);
        }
    }

    internal static readonly ECDomainParameters Sm2Curve = new(GMNamedCurves.GetByName("sm2p256v1"));

    internal static string Cosigned(ulong seconds, string text) => $"cosignature/v1\ntime {seconds}\n{text}";

    private bool Ed25519(byte[] message, byte[] signature) =>
        signature.Length == 64
        && Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Verify(signature, 0, PublicKey, 0, message, 0, message.Length);
}

/// <summary>
/// A private key: <c>PRIVATE+KEY+name+key id+base64(algorithm ‖ 32 bytes)</c>, as Go's sumdb/note writes it.
/// </summary>
public sealed class NoteSigner
{
    private const string Prefix = "PRIVATE+KEY+";
    private readonly byte[] _secret;

    private NoteSigner(string name, NoteAlgorithm algorithm, byte[] secret)
    {
        _secret = secret;
        Verifier = new NoteVerifier(
            name,
            algorithm,
            algorithm == NoteAlgorithm.Sm2
                ? NoteVerifier
                    .Sm2Curve.G.Multiply(new Org.BouncyCastle.Math.BigInteger(1, secret))
                    .GetEncoded(compressed: false)
                : new Ed25519PrivateKeyParameters(secret).GeneratePublicKey().GetEncoded()
        );
    }

    public NoteVerifier Verifier { get; }

    /// <summary>A new key. Names have no space and no plus.</summary>
    public static NoteSigner Create(string name, NoteAlgorithm algorithm)
    {
        for (; ; )
        {
            var secret = RandomNumberGenerator.GetBytes(32);
            var d = new Org.BouncyCastle.Math.BigInteger(1, secret);
            if (
                algorithm != NoteAlgorithm.Sm2
                || d.SignValue > 0
                    && d.CompareTo(NoteVerifier.Sm2Curve.N.Subtract(Org.BouncyCastle.Math.BigInteger.One)) < 0
            )
                return new NoteSigner(name, algorithm, secret);
        }
    }

    public static NoteSigner Of(string name, NoteAlgorithm algorithm, byte[] secret) => new(name, algorithm, secret);

    public override string ToString() => Verifier.ToString(); // never the secret, wherever this is printed

    public string Secret =>
        $"{Prefix}{Verifier.Name}+{Verifier.KeyId:x8}+{Convert.ToBase64String([(byte)Verifier.Algorithm, .. _secret])}";

    /// <exception cref="NoteException">It is none; the message does not repeat it.</exception>
    public static NoteSigner Parse(string text)
    {
        var parts = text.Trim().StartsWith(Prefix, StringComparison.Ordinal)
            ? text.Trim()[Prefix.Length..].Split('+', 3)
            : [];
        var typed = new byte[64];
        if (
            parts is [{ Length: > 0 } name, var id, var key]
            && Convert.TryFromBase64String(key, typed, out var length)
            && length == 33
            && Enum.IsDefined((NoteAlgorithm)typed[0])
            && new NoteSigner(name, (NoteAlgorithm)typed[0], typed[1..33]) is var signer
            && id == $"{signer.Verifier.KeyId:x8}"
        )
            return signer;
        throw new NoteException("签名私钥应为 PRIVATE+KEY+名称+编号+base64");
    }

    /// <summary>This key's line under a text; <paramref name="now"/> stands in a cosignature.</summary>
    public NoteSignature Sign(string text, DateTimeOffset now)
    {
        var signature = Verifier.Algorithm switch
        {
            NoteAlgorithm.Ed25519 => Ed25519(text),
            NoteAlgorithm.Cosignature => Cosign(text, (ulong)now.ToUnixTimeSeconds()),
            _ => Sm2(Encoding.UTF8.GetBytes(text)),
        };
        return new NoteSignature(Verifier.Name, Verifier.KeyId, signature);
    }

    private byte[] Cosign(string text, ulong seconds)
    {
        var time = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(time, seconds);
        return [.. time, .. Ed25519(NoteVerifier.Cosigned(seconds, text))];
    }

    private byte[] Ed25519(string text)
    {
        var (message, signature) = (Encoding.UTF8.GetBytes(text), new byte[64]);
        new Ed25519PrivateKeyParameters(_secret).Sign(
            Org.BouncyCastle.Math.EC.Rfc8032.Ed25519.Algorithm.Ed25519,
            null,
            message,
            0,
            message.Length,
            signature,
            0
        );
        return signature;
    }

    private byte[] Sm2(byte[] message)
    {
        var signer = new SM2Signer(PlainDsaEncoding.Instance, new SM3Digest());
        signer.Init(
            true,
            new ECPrivateKeyParameters(new Org.BouncyCastle.Math.BigInteger(1, _secret), NoteVerifier.Sm2Curve)
        );
        signer.BlockUpdate(message);
        return signer.GenerateSignature();
    }
}
