using System.Text.Json;
using System.Text.Json.Serialization;
using Ledger.Domain;

namespace Ledger.Store;

/// <summary>How events and documents are written: camelCase, enums as kebab-case words, money as whole fen.</summary>
public static class StoredForm
{
    public static void Apply(JsonSerializerOptions json)
    {
        json.PropertyNamingPolicy = JsonNamingPolicy.CamelCase;
        json.Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping;
        // Before Marten's own, which writes PascalCase
        json.Converters.Insert(0, new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower));
    }

    /// <summary>Whether this says that a text is none of what we write, when it was read.</summary>
    public static bool IsNone(Exception e) =>
        e
            is JsonException
                or InvalidOperationException
                or NotSupportedException
                or ArgumentException // a value that its type refuses
                or InvalidCastException
                or OverflowException
                or InvariantViolationException;
}
