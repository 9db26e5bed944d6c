using System.Buffers;
using System.Text;
using System.Text.Json;

namespace Ledger.Store;

/// <summary>
/// JSON in canonical form, as RFC 8785 has it: members sorted by name, no space, the shortest escapes; numbers stay as
/// they are stored. What seals and the leaves of the log are over.
/// </summary>
public static class CanonicalJson
{
    /// <summary>JSON in this form.</summary>
    public static byte[] Of(byte[] json)
    {
        var to = new ArrayBufferWriter<byte>(json.Length + 1);
        Value(to, json);
        return to.WrittenSpan.ToArray();
    }

    public static void Value(ArrayBufferWriter<byte> to, ReadOnlySpan<byte> json)
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

    public static void Text(ArrayBufferWriter<byte> to, string? text)
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
}
