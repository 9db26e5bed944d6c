using System.Text.Json;
using System.Text.Json.Serialization;

namespace Ledger.Projections;

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
}
