using System.Buffers;
using System.Globalization;
using System.Text;
using System.Text.Json;

namespace Ledger.Projections.TransparencyLog;

/// <summary>An event as its row in the store says it; <paramref name="Headers"/> and <paramref name="Data"/> are the stored JSON.</summary>
public sealed record StoredEvent(long Sequence, Guid Id, string Stream, long Version, string Type, DateTimeOffset RecordedAt, string Tenant, string? CorrelationId, string? CausationId, string Headers, string Data);

/// <summary>
/// The bytes of a leaf: one line of JSON in canonical form (the rules of RFC 8785: members sorted by name, no space, the shortest
/// escapes; numbers stay as they are stored), with the log's index first in what it says and the body with its fen offsets and digests
/// last. They are made from the stored row, never from an object in memory.
/// </summary>
public static class LogEntry
{
    /// <summary>C2SP tlog-tiles gives an entry's length in two bytes.</summary>
    public const int MaxBytes = 65_535;

    /// <exception cref="InvalidOperationException">The entry is longer than <see cref="MaxBytes"/>.</exception>
    public static byte[] Bytes(long index, StoredEvent e)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var headers = JsonDocument.Parse(e.Headers);
        using var data = JsonDocument.Parse(e.Data);
        Write(buffer, "{\"causation\":");
        Text(buffer, e.CausationId);
        Write(buffer, ",\"correlation\":");
        Text(buffer, e.CorrelationId);
        Write(buffer, ",\"data\":");
        Value(buffer, data.RootElement);
        Write(buffer, ",\"headers\":");
        Value(buffer, headers.RootElement);
        Write(buffer, ",\"id\":\"");
        Write(buffer, e.Id.ToString("D"));
        Write(buffer, "\",\"index\":");
        Write(buffer, index.ToString(CultureInfo.InvariantCulture));
        Write(buffer, ",\"recordedAt\":\"");
        Write(buffer, e.RecordedAt.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'", CultureInfo.InvariantCulture));
        Write(buffer, "\",\"sequence\":");
        Write(buffer, e.Sequence.ToString(CultureInfo.InvariantCulture));
        Write(buffer, ",\"stream\":");
        Text(buffer, e.Stream);
        Write(buffer, ",\"tenant\":");
        Text(buffer, e.Tenant);
        Write(buffer, ",\"type\":");
        Text(buffer, e.Type);
        Write(buffer, ",\"version\":");
        Write(buffer, e.Version.ToString(CultureInfo.InvariantCulture));
        Write(buffer, "}");
        return buffer.WrittenCount <= MaxBytes ? buffer.WrittenSpan.ToArray() : throw new InvalidOperationException($"event {e.Sequence} makes an entry of {buffer.WrittenCount} bytes; the log takes {MaxBytes}");
    }

    private static void Value(ArrayBufferWriter<byte> to, JsonElement value)
    {
        switch (value.ValueKind)
        {
            case JsonValueKind.Object:
                Write(to, "{");
                var first = true;
                foreach (var member in value.EnumerateObject().OrderBy(m => m.Name, StringComparer.Ordinal))
                {
                    if (!first) Write(to, ",");
                    first = false;
                    Text(to, member.Name);
                    Write(to, ":");
                    Value(to, member.Value);
                }
                Write(to, "}");
                break;
            case JsonValueKind.Array:
                Write(to, "[");
                for (var i = 0; i < value.GetArrayLength(); i++)
                {
                    if (i > 0) Write(to, ",");
                    Value(to, value[i]);
                }
                Write(to, "]");
                break;
            case JsonValueKind.String: Text(to, value.GetString()); break;
            default: Write(to, value.GetRawText()); break;
        }
    }

    private static void Text(ArrayBufferWriter<byte> to, string? text)
    {
        if (text is null)
        {
            Write(to, "null");
            return;
        }
        Write(to, "\"");
        var from = 0;
        for (var i = 0; i < text.Length; i++)
        {
            var c = text[i];
            if (c >= ' ' && c != '"' && c != '\\') continue;
            Write(to, text.AsSpan(from, i - from));
            Write(to, c switch { '"' => "\\\"", '\\' => "\\\\", '\n' => "\\n", '\r' => "\\r", '\t' => "\\t", '\b' => "\\b", '\f' => "\\f", _ => $"\\u{(int)c:x4}" });
            from = i + 1;
        }
        Write(to, text.AsSpan(from));
        Write(to, "\"");
    }

    private static void Write(ArrayBufferWriter<byte> to, ReadOnlySpan<char> text)
    {
        if (text.Length > 0) to.Advance(Encoding.UTF8.GetBytes(text, to.GetSpan(Encoding.UTF8.GetMaxByteCount(text.Length))));
    }
}
