using System.Buffers;
using System.Buffers.Binary;
using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Ledger.TransparencyLog;

/// <summary>
/// An event as its row in the store says it; <paramref name="Headers"/> and <paramref name="Data"/> are the stored JSON
/// in UTF-8.
/// </summary>
public sealed record StoredEvent(
    long Sequence,
    Guid Id,
    string? Stream,
    long Version,
    string Type,
    DateTimeOffset RecordedAt,
    string? Tenant,
    string? CorrelationId,
    string? CausationId,
    byte[] Headers,
    byte[] Data
);

/// <summary>
/// The bytes of a leaf: one line of JSON in canonical form (as RFC 8785 has it: members sorted by name, no space, the
/// shortest escapes; numbers stay as they are stored). They are made from the stored row, never from an object in
/// memory: the log's index, stream, version, type, recorded time, the headers (actor, role, region, business date,
/// idempotency key) and the data with its fen offsets and digests.
/// </summary>
public static class LogEntry
{
    /// <summary>C2SP tlog-tiles gives an entry's length in two bytes.</summary>
    public const int MaxBytes = 65_535;

    /// <summary>
    /// The entry. An event that does not fit, or that nobody can read, stands in the log by the SHA-256 of its row, in
    /// place of its body: the log goes on, in its order, and whoever changes the row is found all the same.
    /// </summary>
    public static byte[] Bytes(long index, StoredEvent e) => Whole(index, e) ?? Digested(index, e);

    /// <summary>Whether a digest stands in the entry, in place of a body.</summary>
    public static bool IsDigest(ReadOnlySpan<byte> entry) =>
        entry.StartsWith("""{"causation":null,"correlation":null,"data":{"rowSha256":"""u8);

    private static byte[]? Whole(long index, StoredEvent e)
    {
        if (e.Stream is null || e.Tenant is null || e.Headers.Length + e.Data.Length > 2 * MaxBytes)
            return null;
        try
        {
            return Written(index, e) is { Length: <= MaxBytes } entry ? entry : null;
        }
        catch (JsonException)
        {
            return null; // deeper than any reader goes
        }
    }

    /// <summary>Every text of the row goes into the digest, with its length before it.</summary>
    private static byte[] Digested(long index, StoredEvent e)
    {
        using var digest = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        Span<byte> length = stackalloc byte[4];
        foreach (
            var part in (byte[]?[])
                [
                    Utf8(e.CausationId),
                    Utf8(e.CorrelationId),
                    e.Data,
                    e.Headers,
                    Utf8(e.Stream),
                    Utf8(e.Tenant),
                    Utf8(e.Type),
                ]
        )
        {
            BinaryPrimitives.WriteInt32BigEndian(length, part?.Length ?? -1);
            digest.AppendData(length);
            digest.AppendData(part ?? []);
        }
        var sha256 = Convert.ToHexStringLower(digest.GetHashAndReset());
        return Written(
            index,
            e with
            {
                CausationId = null,
                CorrelationId = null,
                Data = Encoding.UTF8.GetBytes($"{{\"rowSha256\":\"{sha256}\"}}"),
                Headers = """{"actor":"","role":""}"""u8.ToArray(),
                Stream = Short(e.Stream),
                Tenant = Short(e.Tenant),
                Type = Short(e.Type),
            }
        );
    }

    private static byte[]? Utf8(string? text) => text is null ? null : Encoding.UTF8.GetBytes(text);

    private static string Short(string? text) => text is { Length: <= 200 } ? text : "";

    private static byte[] Written(long index, StoredEvent e)
    {
        var to = new ArrayBufferWriter<byte>(512 + e.Headers.Length + e.Data.Length);
        to.Write("{\"causation\":"u8);
        CanonicalJson.Text(to, e.CausationId);
        to.Write(",\"correlation\":"u8);
        CanonicalJson.Text(to, e.CorrelationId);
        to.Write(",\"data\":"u8);
        CanonicalJson.Value(to, e.Data);
        to.Write(",\"headers\":"u8);
        CanonicalJson.Value(to, e.Headers);
        to.Write(",\"id\":\""u8);
        Format(to, e.Id, "D");
        to.Write("\",\"index\":"u8);
        Format(to, index);
        to.Write(",\"recordedAt\":\""u8);
        Format(to, e.RecordedAt.UtcDateTime, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'");
        to.Write("\",\"sequence\":"u8);
        Format(to, e.Sequence);
        to.Write(",\"stream\":"u8);
        CanonicalJson.Text(to, e.Stream);
        to.Write(",\"tenant\":"u8);
        CanonicalJson.Text(to, e.Tenant);
        to.Write(",\"type\":"u8);
        CanonicalJson.Text(to, e.Type);
        to.Write(",\"version\":"u8);
        Format(to, e.Version);
        to.Write("}"u8);
        return to.WrittenSpan.ToArray();
    }

    private static void Format<T>(ArrayBufferWriter<byte> to, T value, string format = "")
        where T : IUtf8SpanFormattable
    {
        if (!value.TryFormat(to.GetSpan(64), out var written, format, CultureInfo.InvariantCulture))
            throw new InvalidOperationException($"{value} is too long");
        to.Advance(written);
    }
}
