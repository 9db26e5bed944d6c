using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Serialization;
using Ledger.Domain;

namespace Ledger.Api.Commands;

/// <summary>
/// An amount in a request that is not a positive number of yuan with at most two decimals: <c>amount-invalid</c>.
/// </summary>
public sealed class AmountException(string message) : JsonException(message);

/// <summary>Money at the edge: a JSON number of yuan with two decimals. In requests it must be positive.</summary>
public class YuanJsonConverter : JsonConverter<Money>
{
    public override Money Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options)
    {
        if (reader.TokenType != JsonTokenType.Number || !reader.TryGetDecimal(out var yuan))
            throw new AmountException(
                // What a page could not read comes as it was typed, and is told why.
                reader.TokenType == JsonTokenType.String
                && Money.Parse(reader.GetString()!, out var why) == Money.Zero
                && why is not null
                    ? why
                    : "金额应为数字（元），如 300 或 300.50"
            );
        var digits = Encoding.UTF8.GetString(
            reader.HasValueSequence ? reader.ValueSequence.ToArray() : reader.ValueSpan
        );
        var amount = Of(digits, yuan, out var fault);
        return fault is null ? amount : throw new AmountException(fault);
    }

    protected virtual Money Of(string digits, decimal yuan, out string? fault) =>
        Money.FromYuan(digits, yuan, out fault);

    /// <summary>Always two decimals, so that 1200 fen reads 12.00.</summary>
    public override void Write(Utf8JsonWriter writer, Money value, JsonSerializerOptions options) =>
        writer.WriteRawValue(value.ToString());
}

/// <summary>The same where none is an amount as well.</summary>
public sealed class YuanOrNoughtJsonConverter : YuanJsonConverter
{
    protected override Money Of(string digits, decimal yuan, out string? fault)
    {
        fault = null;
        if (digits.AsSpan().IndexOfAnyInRange('1', '9') < 0)
            return Money.Zero;
        if (yuan > 0)
            return base.Of(digits, yuan, out fault);
        fault = "金额不能小于零";
        return Money.Zero;
    }
}
