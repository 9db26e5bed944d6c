using System.Collections.Concurrent;
using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;

namespace Ledger.Api.Tests.Faults;

/// <summary>A message as it came in.</summary>
public sealed record Received(string Id, string Timestamp, string Signature, string Body, int Answered)
{
    public JsonElement Json => JsonSerializer.Deserialize<JsonElement>(Body);
    public string Type => Json.GetProperty("type").GetString()!;
    public JsonElement Data => Json.GetProperty("data");

    /// <summary>Of the log, in the order in which they stand in the message.</summary>
    public IReadOnlyList<long> Positions =>
        Type == "ledger.test"
            ? []
            : [.. Data.GetProperty("entries").EnumerateArray().Select(e => e.GetProperty("position").GetInt64())];
}

/// <summary>Another system that takes in webhooks and keeps what came, on a port of its own.</summary>
public sealed class Receiver : IAsyncDisposable
{
    private readonly WebApplication _app;

    private Receiver(WebApplication app) => _app = app;

    public ConcurrentQueue<Received> Messages { get; } = [];

    /// <summary>Or counts only.</summary>
    public bool Keeps { get; set; } = true;

    private long _entries;

    /// <summary>How many came, of those that are not kept.</summary>
    public long Entries => Interlocked.Read(ref _entries);

    /// <summary>What the next message is answered with.</summary>
    public Func<Received, int> Answer { get; set; } = _ => StatusCodes.Status200OK;

    public string Address => $"{_app.Urls.Single()}/ledger";

    /// <summary>What it said that it has, in the order in which it came.</summary>
    public IReadOnlyList<Received> Taken => [.. Messages.Where(m => m.Answered is >= 200 and < 300)];

    public static async Task<Receiver> StartAsync()
    {
        var builder = WebApplication.CreateSlimBuilder();
        builder.Logging.ClearProviders();
        builder.WebHost.UseUrls("http://127.0.0.1:0");
        var app = builder.Build();
        var receiver = new Receiver(app);
        app.MapPost(
            "/ledger",
            async (HttpContext http) =>
            {
                using var reader = new StreamReader(http.Request.Body);
                string Header(string name) => http.Request.Headers[name].ToString();
                var came = new Received(
                    Header("webhook-id"),
                    Header("webhook-timestamp"),
                    Header("webhook-signature"),
                    await reader.ReadToEndAsync(),
                    0
                );
                var status = receiver.Answer(came);
                if (!receiver.Keeps)
                {
                    // By a look at the text: what the other side does with it is not what is measured.
                    Interlocked.Add(ref receiver._entries, came.Body.AsSpan().Count("\"position\":"));
                    return Results.StatusCode(status);
                }
                receiver.Messages.Enqueue(came with { Answered = status });
                if (status is >= 300 and < 400)
                    http.Response.Headers.Location = receiver.Address;
                return Results.StatusCode(status);
            }
        );
        await app.StartAsync();
        return receiver;
    }

    public ValueTask DisposeAsync() => _app.DisposeAsync();
}
