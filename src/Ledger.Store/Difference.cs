using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ledger.Domain;

namespace Ledger.Store;

/// <summary>
/// Something in a state or read model that the events do not say. <paramref name="Path"/>: where in the document;
/// <paramref name="Event"/>: the sequence of the event that explains what it should be.
/// </summary>
public sealed record Difference(
    string Projection,
    string Id,
    string Path,
    [property: Said] string? Found,
    [property: Said] string? Expected,
    long? Event
)
{
    /// <summary>Where two documents first differ, and how.</summary>
    public static (string Path, string? Found, string? Expected) First(
        JsonNode? found,
        JsonNode? expected,
        string path = "$"
    )
    {
        if (found is JsonObject a && expected is JsonObject b)
            foreach (var key in a.Select(p => p.Key).Union(b.Select(p => p.Key)))
                if (!JsonNode.DeepEquals(a[key], b[key]))
                    return First(a[key], b[key], $"{path}.{key}");
        if (found is JsonArray x && expected is JsonArray y && x.Count == y.Count)
            for (var i = 0; i < x.Count; i++)
                if (!JsonNode.DeepEquals(x[i], y[i]))
                    return First(x[i], y[i], $"{path}[{i}]");
        return (path, Short(found), Short(expected));

        static string? Short(JsonNode? node) =>
            node?.ToJsonString(Readable) is { Length: > 200 } text ? text[..200] + "…" : node?.ToJsonString(Readable);
    }

    private static readonly JsonSerializerOptions Readable = new()
    {
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };
}
