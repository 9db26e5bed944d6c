using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ledger.Api.Sample;

namespace Ledger.Bench;

/// <summary>
/// Today's sample talks to an earlier build: what that build's API document does not know is left out of the bodies,
/// what it asks for besides comes from its own example.
/// </summary>
public sealed class EarlierApi(string document) : DelegatingHandler(new SocketsHttpHandler())
{
    private readonly JsonNode _document = JsonNode.Parse(document)!;

    /// <summary>Its answers may lack what today's have, and have what today's lack.</summary>
    public static readonly JsonSerializerOptions Answers = new(SampleClient.Answers)
    {
        UnmappedMemberHandling = System.Text.Json.Serialization.JsonUnmappedMemberHandling.Skip,
        RespectNullableAnnotations = false,
        RespectRequiredConstructorParameters = false,
    };

    protected override async Task<HttpResponseMessage> SendAsync(HttpRequestMessage request, CancellationToken stop)
    {
        if (request.Content is JsonContent body && Taken(request) is { } taken)
        {
            var known = JsonNode.Parse(await body.ReadAsStringAsync(stop));
            LeaveOut(known, taken["schema"]);
            AddRequired(known, taken);
            request.Content = JsonContent.Create(known);
        }
        return await base.SendAsync(request, stop);
    }

    /// <summary>The body that this path takes: schema and example; null where the document has none.</summary>
    private JsonNode? Taken(HttpRequestMessage request)
    {
        var segments = request.RequestUri!.AbsolutePath.Split('/');
        var path = _document["paths"]!
            .AsObject()
            .Where(p => Fits(p.Key.Split('/'), segments))
            .MinBy(p => p.Key.Count(c => c == '{'))
            .Value;
        var method = request.Method.Method.ToLowerInvariant();
        return path?[method]?["requestBody"]?["content"]?["application/json"];
    }

    private static bool Fits(string[] template, string[] segments) =>
        template.Length == segments.Length && template.Zip(segments).All(p => p.First is ['{', ..] || p.First == p.Second);

    private void LeaveOut(JsonNode? body, JsonNode? schema)
    {
        schema = Resolved(schema);
        if (body is JsonArray items)
            foreach (var item in items)
                LeaveOut(item, schema?["items"]);
        if (body is not JsonObject fields || schema?["properties"] is not JsonObject known)
            return;
        foreach (var name in fields.Select(f => f.Key).ToList())
            if (known.ContainsKey(name))
                LeaveOut(fields[name], known[name]);
            else
                fields.Remove(name);
    }

    private void AddRequired(JsonNode? body, JsonNode taken)
    {
        if (body is not JsonObject fields || Resolved(taken["schema"])?["required"] is not JsonArray required)
            return;
        foreach (var name in required.Select(r => r!.GetValue<string>()).Where(n => !fields.ContainsKey(n)))
            if (taken["example"]?[name] is { } example)
                fields[name] = example.DeepClone();
    }

    private JsonNode? Resolved(JsonNode? schema)
    {
        var one = (schema?["oneOf"] as JsonArray)?.FirstOrDefault(s => s?["$ref"] is not null) ?? schema;
        return one?["$ref"] is JsonValue reference
            ? reference
                .GetValue<string>()[2..]
                .Split('/')
                .Aggregate<string, JsonNode?>(_document, (at, name) => at?[name])
            : one;
    }
}
