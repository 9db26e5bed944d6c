using System.Security.Cryptography;
using System.Text;
using System.Text.Json.Nodes;
using JasperFx.Events;

namespace Ledger.Store;

/// <summary>
/// Seals the events that give rights or set rules, and those that say
/// what somebody was refused: a <see cref="Mac"/> over stream, version, type, headers and body in
/// canonical form, under a key that is not in the database, as a header. Whoever adds such an event past the product
/// cannot seal it, and no other's seal fits its place: nothing follows from it. Events
/// from before the seals are those up to a stream's version in <c>seal_floor</c>, which the tables' owner alone writes,
/// once.
/// </summary>
public sealed class EventSeal(byte[] key)
{
    public const string Header = "seal";

    /// <summary>
    /// Their streams: few events, so that it costs the movements of money nothing. A refusal is a stream by itself, and
    /// says of somebody what nobody else could prove or deny.
    /// </summary>
    public static readonly IReadOnlyList<string> Streams =
    [
        "account-",
        "policy-year-",
        "pilot-",
        "plan-",
        "collective-",
        "refusal-",
    ];

    /// <summary>Sealed wherever it stands: early builds wrote it to a stream of the id that was to be.</summary>
    public const string Refusal = "command_refused";

    public static bool Covers(string stream, string type) =>
        type == Refusal || Streams.Any(s => stream.StartsWith(s, StringComparison.Ordinal));

    /// <summary>As <see cref="Covers"/>, in SQL, of a row of the events.</summary>
    public static readonly string Covered =
        $"(type = '{Refusal}' or {string.Join(" or ", Streams.Select(s => $"stream_id ^@ '{s}'"))})";

    /// <param name="headers">JSON, and so is <paramref name="data"/>: as written, or as the database gives it
    /// back.</param>
    public string Of(string stream, long version, string type, string headers, string data)
    {
        var bare = JsonNode.Parse(headers)?.AsObject() ?? [];
        bare.Remove(Header);
        byte[][] parts =
        [
            Encoding.UTF8.GetBytes($"{stream}\n{version}\n{type}\n"),
            CanonicalJson.Of(Encoding.UTF8.GetBytes(bare.ToJsonString())),
            "\n"u8.ToArray(),
            CanonicalJson.Of(Encoding.UTF8.GetBytes(data)),
        ];
        return Mac.Of(key, parts.SelectMany(p => p).ToArray());
    }

    /// <summary>
    /// That the product wrote an event at this place. It is not sealed: its body is not told, but nobody changes that,
    /// and a place is taken once. A seal of each movement of money would cost more (decision 016).
    /// </summary>
    public string MarkOf(string stream, long version, string type) =>
        Convert.ToBase64String(
            HMACSHA256
                .HashData(key, Encoding.UTF8.GetBytes($"\n{EventHeaders.Mark}\n{stream}\n{version}\n{type}"))
                .AsSpan(0, MarkLength)
        );

    private const int MarkLength = 9;

    /// <summary>
    /// Nothing shows that the product wrote it: it has no seal, and no mark that holds. So is every event of before the
    /// marks (<see cref="Marks"/>).
    /// </summary>
    public bool IsUnmarked(IEvent e) =>
        !e.IsForeign()
        && !Covers(e.StreamKey!, e.EventTypeName)
        && e.Header(EventHeaders.Mark) != MarkOf(e.StreamKey!, e.Version, e.EventTypeName);

    /// <param name="floor">See the class; null: the stream began later.</param>
    public bool Holds(string stream, long version, string type, string? headers, string data, long? floor)
    {
        if (version <= floor)
            return true;
        try
        {
            return headers is not null
                && JsonNode.Parse(headers) is JsonObject h
                && h[Header] is JsonValue seal
                && seal.TryGetValue<string>(out var said)
                && said == Of(stream, version, type, headers, data);
        }
        catch (Exception e) when (e is System.Text.Json.JsonException or InvalidOperationException)
        {
            return false; // of a form that no build writes: half a surrogate, say
        }
    }
}

/// <summary>Stands for a body that cannot be read, of an event that the product did not write.</summary>
public sealed record ForeignEvent(string Type);

public static class Foreign
{
    private const string Mark = "foreign";

    /// <summary>
    /// Written past the product into a stream of <see cref="EventSeal"/>: nothing follows from it. Only known where the
    /// reader was given the seal.
    /// </summary>
    public static bool IsForeign(this IEvent e) => e.GetHeader(Mark) is not null;

    internal static void MarkForeign(this IEvent e) => e.SetHeader(Mark, "true");

    private const string Aside = "set-aside";

    /// <summary>Foreign, as the tables' owner has said (<see cref="SetAside"/>).</summary>
    public static bool IsSetAside(this IEvent e) => Equals(e.GetHeader(Mark), Aside);

    internal static void MarkSetAside(this IEvent e) => e.SetHeader(Mark, Aside);

    /// <summary>An event as a finding names it.</summary>
    public static string Named(this IEvent e) => $"事件 {e.Sequence}（{e.EventTypeName}，第 {e.Version} 版）";
}
