using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ledger.Projections.TransparencyLog;

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
        Text(to, e.CausationId);
        to.Write(",\"correlation\":"u8);
        Text(to, e.CorrelationId);
        to.Write(",\"data\":"u8);
        Value(to, e.Data);
        to.Write(",\"headers\":"u8);
        Value(to, e.Headers);
        to.Write(",\"id\":\""u8);
        Format(to, e.Id, "D");
        to.Write("\",\"index\":"u8);
        Format(to, index);
        to.Write(",\"recordedAt\":\""u8);
        Format(to, e.RecordedAt.UtcDateTime, "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'");
        to.Write("\",\"sequence\":"u8);
        Format(to, e.Sequence);
        to.Write(",\"stream\":"u8);
        Text(to, e.Stream);
        to.Write(",\"tenant\":"u8);
        Text(to, e.Tenant);
        to.Write(",\"type\":"u8);
        Text(to, e.Type);
        to.Write(",\"version\":"u8);
        Format(to, e.Version);
        to.Write("}"u8);
        return to.WrittenCount <= MaxBytes
            ? to.WrittenSpan.ToArray()
            : throw new InvalidOperationException(
                $"event {e.Sequence} makes an entry of {to.WrittenCount} bytes; the log takes {MaxBytes}"
            );
    }

    /// <summary>JSON in that form.</summary>
    public static byte[] Canonical(byte[] json)
    {
        var to = new ArrayBufferWriter<byte>(json.Length + 1);
        Value(to, json);
        return to.WrittenSpan.ToArray();
    }

    private static void Value(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> json)
    {
        var reader = new Utf8JsonReader(json);
        reader.Read();
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                // Where each member's name and value stand; then in the order of the names.
                var members = new List<(int Name, int NameLength, int From, int To)>(16);
                while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
                {
                    var (name, length) = ((int)reader.TokenStartIndex + 1, reader.ValueSpan.Length);
                    reader.Read();
                    var from = (int)reader.TokenStartIndex;
                    reader.Skip();
                    var at = members.Count;
                    while (
                        at > 0
                        && json.Slice(name, length)
                            .SequenceCompareTo(json.Slice(members[at - 1].Name, members[at - 1].NameLength)) < 0
                    )
                        at--;
                    members.Insert(at, (name, length, from, (int)reader.BytesConsumed));
                }
                to.Write("{"u8);
                for (var i = 0; i < members.Count; i++)
                {
                    var (name, length, from, end) = members[i];
                    if (i > 0)
                        to.Write(","u8);
                    Value(to, json.Slice(name - 1, length + 2));
                    to.Write(":"u8);
                    Value(to, json[from..end]);
                }
                to.Write("}"u8);
                break;
            case JsonTokenType.StartArray:
                to.Write("["u8);
                for (var first = true; reader.Read() && reader.TokenType != JsonTokenType.EndArray; first = false)
                {
                    if (!first)
                        to.Write(","u8);
                    var from = (int)reader.TokenStartIndex;
                    reader.Skip();
                    Value(to, json[from..(int)reader.BytesConsumed]);
                }
                to.Write("]"u8);
                break;
            case JsonTokenType.String when reader.ValueIsEscaped:
                Text(to, reader.GetString());
                break;
            default:
                to.Write(json[(int)reader.TokenStartIndex..(int)reader.BytesConsumed]);
                break;
        }
    }

    private static void Text(ArrayBufferWriter<byte> to, string? text)
    {
        if (text is null)
        {
            to.Write("null"u8);
            return;
        }
        to.Write("\""u8);
        var from = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c >= ' ' && c != '"' && c != '\\')
                continue;
            Write(to, text.AsSpan(from, i - from));
            Write(
                to,
                c switch
                {
                    '"' => "\\\"",
                    '\\' => "\\\\",
                    '\n' => "\\n",
                    '\r' => "\\r",
                    '\t' => "\\t",
                    '\b' => "\\b",
                    '\f' => "\\f",
                    _ => $"\\u{(int)c:x4}",
                }
            );
            from = i + 1;
        }
        Write(to, text.AsSpan(from));
        to.Write("\""u8);
    }

    private static void Write(ArrayBufferWriter<byte> to, ReadOnlySpan<char> text)
    {
        if (text.Length > 0)
            to.Advance(Encoding.UTF8.GetBytes(text, to.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
    }

    private static void Format<T>(ArrayBufferWriter<byte> to, T value, string format = "")
        where T : IUtf8SpanFormattable
    {
        if (!value.TryFormat(to.GetSpan(64), out var written, format, CultureInfo.InvariantCulture))
            throw new InvalidOperationException($"{value} is too long");
        to.Advance(written);
    }
}
