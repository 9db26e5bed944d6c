using System.Text.Json;
using System.Text.Json.Serialization;
using Alba;
using Ledger.Api.Commands;

namespace Ledger.Api.Tests;

/// <summary>A refusal as it is answered (RFC 9457).</summary>
public sealed record Refused(
    string Type,
    string Title,
    int Status,
    string Detail,
    string Instance,
    string Code,
    string Mend,
    string TraceId
)
{
    public string? Field { get; init; }
    public Money? LeftAmount { get; init; }
    public DateOnly? NotBefore { get; init; }
    public EarlierEntryView? Earlier { get; init; }
    public int? FaultCount { get; init; }
    public IReadOnlyList<Fault> Faults { get; init; } = [];
    public IReadOnlyList<Note> Notes { get; init; } = [];

    /// <summary>Every word of it.</summary>
    [JsonIgnore]
    public string Text { get; private init; } = "";

    public static Refused Of(string text) =>
        JsonSerializer.Deserialize<Refused>(text, SampleClient.Answers)! with
        {
            Text = text,
        };

    /// <summary>Reads one and expects this code.</summary>
    public static Refused Of(string code, string text)
    {
        var refused = Of(text);
        Assert.True(code == refused.Code, $"expected {code}: {text}");
        Assert.Equal(Rejections.All[code].Status, refused.Status);
        Assert.Equal(refused.FaultCount ?? 0, refused.Faults.Count);
        return refused;
    }
}

/// <summary>One request of one person to a host of this process.</summary>
public static class Scenarios
{
    /// <summary>What he gets, and with which status.</summary>
    public static Task<IScenarioResult> SendAsync(
        this IAlbaHost host,
        int status,
        SampleClient who,
        HttpMethod method,
        string path,
        object? body = null,
        string? key = null
    ) =>
        host.Scenario(s =>
        {
            var content = method == HttpMethod.Get ? null : SampleClient.Content(body);
            s.FromHttpRequestMessage(who.Request(method, path, content, key));
            s.StatusCodeShouldBe(status);
        });

    /// <summary>He is refused, with this code and its status.</summary>
    public static async Task<Refused> RefusedAsync(
        this IAlbaHost host,
        string code,
        SampleClient who,
        HttpMethod method,
        string path,
        object? body = null,
        string? key = null
    )
    {
        var answer = await host.SendAsync(Rejections.All[code].Status, who, method, path, body, key);
        Assert.Equal(Problem.ContentType, answer.Context.Response.ContentType?.Split(';')[0]);
        return Refused.Of(code, await answer.ReadAsTextAsync());
    }

    public static Task<Refused> RefusedAsync(
        this IAlbaHost host,
        string code,
        SampleClient who,
        string path,
        object? body = null
    ) => host.RefusedAsync(code, who, HttpMethod.Post, path, body);

    public static async Task<T> ReadAsync<T>(this IScenarioResult answer) => Of<T>(await answer.ReadAsTextAsync());

    public static async Task<T> ReadAsync<T>(this HttpResponseMessage answer) =>
        Of<T>(await answer.Content.ReadAsStringAsync());

    /// <summary>As anybody reads it who has not signed in.</summary>
    public static async Task<T> ReadAsync<T>(this HttpClient http, string path) =>
        Of<T>(await http.GetStringAsync(path));

    /// <summary>One of several answers that may have come.</summary>
    public static T As<T>(this JsonElement answer) => answer.Deserialize<T>(SampleClient.Answers)!;

    private static T Of<T>(string text) => JsonSerializer.Deserialize<T>(text, SampleClient.Answers)!;
}
