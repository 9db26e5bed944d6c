using System.Buffers;
using System.Globalization;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;

namespace Ledger.Api.Feeds;

/// <summary>
/// A message as Standard Webhooks 1.0.0 has it (standardwebhooks.com): its body, its id, its time and its signatures
/// by HMAC-SHA256 over <c>id.timestamp.body</c>.
/// </summary>
/// <param name="Id">The same for the same content, so that whoever got it twice knows.</param>
public sealed record WebhookMessage(string Id, ReadOnlyMemory<byte> Body)
{
    public const string Events = "ledger.events",
        Test = "ledger.test",
        Tasks = "ledger.tasks";

    /// <summary>That something waits for somebody.</summary>
    public static WebhookMessage Waits(string id, DateTimeOffset now, Action<Utf8JsonWriter> data) =>
        Of(Tasks, id, now, data);

    public static WebhookMessage Tests(string subscription, DateTimeOffset now) =>
        Of(
            Test,
            $"{subscription}.test.{Guid.NewGuid():N}",
            now,
            json => json.WriteString("subscription", subscription)
        );

    /// <summary>
    /// What happened, behind one position as far as the next: each message goes on where the one before ended, so that
    /// whoever keeps it sees that none is missing.
    /// </summary>
    public static WebhookMessage Tells(string subscription, long after, FeedLines page, DateTimeOffset now) =>
        Of(
            Events,
            string.Create(CultureInfo.InvariantCulture, $"{subscription}.{after}.{page.Next}"),
            now,
            json =>
            {
                json.WriteString("subscription", subscription);
                json.WriteNumber("after", after);
                json.WriteNumber("next", page.Next);
                json.WriteStartArray("entries");
                foreach (var line in page.Lines)
                    json.WriteRawValue(line.Json, skipInputValidation: true);
                json.WriteEndArray();
            },
            page.Lines.Sum(l => l.Json.Length + 1)
        );

    /// <param name="bytes">Of what <paramref name="data"/> writes, about.</param>
    private static WebhookMessage Of(
        string type,
        string id,
        DateTimeOffset now,
        Action<Utf8JsonWriter> data,
        int bytes = 0
    )
    {
        var body = new ArrayBufferWriter<byte>(bytes + 512);
        using (var json = new Utf8JsonWriter(body))
        {
            json.WriteStartObject();
            json.WriteString("type", type);
            json.WriteString("timestamp", now.ToUniversalTime());
            json.WriteStartObject("data");
            data(json);
            json.WriteEndObject();
            json.WriteEndObject();
        }
        return new(id, body.WrittenMemory);
    }

    /// <summary>The secret of a subscription by its number, as its receiver is given it.</summary>
    public static string SecretOf(byte[] key, string subscription, int number) =>
        $"whsec_{Convert.ToBase64String(Raw(key, subscription, number))}";

    private static byte[] Raw(byte[] key, string subscription, int number) =>
        HMACSHA256.HashData(
            key,
            Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{subscription}\n{number}"))
        );

    public HttpRequestMessage Request(
        Uri address,
        byte[] key,
        string subscription,
        IEnumerable<int> secrets,
        DateTimeOffset now
    )
    {
        var seconds = now.ToUnixTimeSeconds().ToString(CultureInfo.InvariantCulture);
        string Signature(int number)
        {
            using var mac = IncrementalHash.CreateHMAC(HashAlgorithmName.SHA256, Raw(key, subscription, number));
            mac.AppendData(Encoding.UTF8.GetBytes($"{Id}.{seconds}."));
            mac.AppendData(Body.Span);
            return $"v1,{Convert.ToBase64String(mac.GetHashAndReset())}";
        }
        var request = new HttpRequestMessage(HttpMethod.Post, address) { Content = new ReadOnlyMemoryContent(Body) };
        request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json") { CharSet = "utf-8" };
        request.Headers.Add("webhook-id", Id);
        request.Headers.Add("webhook-timestamp", seconds);
        request.Headers.Add("webhook-signature", string.Join(' ', secrets.Select(Signature)));
        request.Headers.Add("User-Agent", "collective-subsidy-ledger");
        return request;
    }
}
