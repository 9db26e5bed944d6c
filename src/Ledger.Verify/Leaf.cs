using System.Text.Json;
using System.Text.Unicode;

namespace Ledger.Verify;

/// <summary>
/// One way to read a leaf: the product writes members sorted by name, each once, in UTF-8, no longer than a tile can
/// say. What two readers could understand differently proves nothing.
/// </summary>
public static class Leaf
{
    /// <summary>C2SP tlog-tiles gives an entry's length in two bytes.</summary>
    private const int MaxBytes = 65_535;

    /// <exception cref="NotProven"/>
    public static void RequireCanonical(ReadOnlyMemory<byte> line, long index)
    {
        if (line.Length > MaxBytes)
            throw new NotProven($"第 {index} 条长 {line.Length} 字节，产品写入的不超过 {MaxBytes} 字节");
        if (!Utf8.IsValid(line.Span))
            throw new NotProven($"第 {index} 条不是 UTF-8 文本");
        var reader = new Utf8JsonReader(line.Span);
        Span<Range> last = stackalloc Range[64];
        while (reader.Read())
            switch (reader.TokenType)
            {
                case JsonTokenType.StartObject:
                    last[reader.CurrentDepth] = default;
                    break;
                case JsonTokenType.PropertyName:
                    // Past the quotation mark; a name that is written with an escape begins there, too.
                    var from = (int)reader.TokenStartIndex + 1;
                    ref var before = ref last[reader.CurrentDepth - 1];
                    if (
                        !before.Equals(default)
                        && line.Span[before].SequenceCompareTo(line.Span.Slice(from, reader.ValueSpan.Length)) >= 0
                    )
                        throw new NotProven($"第 {index} 条有重复或次序不对的成员：不是产品写入的");
                    before = from..(from + reader.ValueSpan.Length);
                    break;
            }
    }
}
