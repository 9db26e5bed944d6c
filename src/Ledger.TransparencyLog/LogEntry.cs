using System.Buffers;
using System.Globalization;

namespace Ledger.TransparencyLog;

/// <summary>
/// An event as its row in the store says it; <paramref name="Headers"/> and <paramref name="Data"/> are the stored JSON
/// in UTF-8.
/// </summary>
public sealed record StoredEvent(
    long Sequence,
    Guid Id,
    string Stream,
    long Version,
    string Type,
    DateTimeOffset RecordedAt,
    string Tenant,
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

    /// <exception cref="InvalidOperationException">The entry is longer than <see cref="MaxBytes"/>.</exception>
    public static byte[] Bytes(long index, StoredEvent e)
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
        return to.WrittenCount <= MaxBytes
            ? to.WrittenSpan.ToArray()
            : throw new InvalidOperationException(
                $"event {e.Sequence} makes an entry of {to.WrittenCount} bytes; the log takes {MaxBytes}"
            );
    }

    private static void Format<T>(ArrayBufferWriter<byte> to, T value, string format = "")
        where T : IUtf8SpanFormattable
    {
        if (!value.TryFormat(to.GetSpan(64), out var written, format, CultureInfo.InvariantCulture))
            throw new InvalidOperationException($"{value} is too long");
        to.Advance(written);
    }
}
