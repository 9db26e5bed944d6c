using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Npgsql;
using NpgsqlTypes;

namespace Ledger.Api.Commands;

/// <summary>The first answer to a key, byte for byte.</summary>
public sealed record StoredAnswer(int Status, IReadOnlyDictionary<string, string> Headers, byte[] Body);

/// <summary>An answer as a row of the table of kept answers.</summary>
public sealed record KeptAnswer(
    string Actor,
    string Key,
    byte[] Request,
    string Command,
    int Status,
    string Headers,
    byte[] Body
);

/// <summary>
/// Idempotency-Key: the same key with the same request gets the first answer again, for good; with another request
/// <c>idempotency-mismatch</c>. The answer is kept in the command's transaction: it and the events stand or fall
/// together. Whatever a command comes to, done or refused, it keeps its key; where that is known the command starts
/// over, and looks. A refusal that <see cref="Refusals"/> does not store, or whose answer is too long to keep, keeps
/// none: nothing came of it, and it is worked out anew.
/// </summary>
public static class IdempotencyKey
{
    public const string Header = "Idempotency-Key";
    private const int MaxLength = 100;

    /// <summary>How a kept answer that is no problem names its content.</summary>
    public const string Json = "application/json; charset=utf-8";

    /// <summary>
    /// Among a kept answer's headers, and never sent: whose it is. One name may act for several places (a token that
    /// was issued for each), and what is told to one is not the other's.
    /// </summary>
    private const string For = "For";

    private static string Place(Command command) => $"{command.Actor.Role}@{command.Actor.Region}";

    /// <summary>Also in Migrations/V0001, which brings the keys of earlier builds into this form.</summary>
    private const string OfRequest = "request:";

    public static string? Of(HttpContext http) => http.Request.Headers[Header].FirstOrDefault();

    /// <summary>The key, where it is a sound one: whom the door refuses, nobody has asked for his.</summary>
    public static string? SoundOf(HttpContext http) =>
        http.Items.TryGetValue(typeof(IdempotencyKey), out var known) ? (string?)known
        : Of(http) is { } sent && Fault(sent) is null ? sent
        : null;

    /// <summary>
    /// What the key is kept under. Whoever is known has his own. All who are not share one name: theirs is of the
    /// request too, so that nobody takes another's key, or gets the answer to what he did not ask.
    /// </summary>
    private static string Kept(Command command, string key, byte[] request) =>
        !Caller.IsUnknown(command.Actor)
            ? key
            : OfRequest
                + Convert.ToHexStringLower(SHA256.HashData([.. Encoding.UTF8.GetBytes($"{key}\n"), .. request]));

    /// <summary>What is wrong with a key; null: nothing is.</summary>
    public static Rejection? Fault(string key) =>
        key.Length > MaxLength || !key.All(c => c is > ' ' and < (char)127)
            ? Commands.Require.Invalid(Header, $"应为 1 至 {MaxLength} 个可见 ASCII 字符").Rejection
        : PersonalNumbers.InReference(key) is { } what
            ? new Rejection(Rejections.PersonalDataInText, $"{Header} 中有{what}") { Field = Header }
        : null;

    /// <exception cref="RefusedException"><c>idempotency-key-missing</c> on a POST without one, <c>field-invalid</c> or
    /// <c>personal-data-in-text</c> for an unusable one.</exception>
    public static string? Require(HttpContext http)
    {
        var key = Of(http);
        if (string.IsNullOrWhiteSpace(key))
            return HttpMethods.IsPost(http.Request.Method)
                ? throw new RefusedException(
                    new Rejection(Rejections.IdempotencyKeyMissing, "请求头缺少 Idempotency-Key") { Field = Header }
                )
                : null;
        if (Fault(key) is { } fault)
            throw new RefusedException(fault);
        http.Items[typeof(IdempotencyKey)] = key; // looked at once
        return key;
    }

    /// <summary>The answer that the key already has; null when it is new.</summary>
    /// <exception cref="RefusedException"><c>idempotency-mismatch</c>.</exception>
    public static async Task<StoredAnswer?> FindAsync(Command command, string key, byte[] request)
    {
        var known = await command.Connection.PreparedAsync(
            $"""
            select request, status, headers, body
              from {LedgerStore.Schema}.idempotency
             where actor = $1
               and key = $2
            """,
            r =>
                (
                    Request: r.GetFieldValue<byte[]>(0),
                    Answer: Ours(r.GetInt32(1), r.GetString(2), r.GetFieldValue<byte[]>(3), out var place),
                    Place: place
                ),
            Sql.Text(command.Actor.Id),
            Sql.Text(Kept(command, key, request))
        );
        return known.Count == 0 ? null
            : known[0].Request.AsSpan().SequenceEqual(request)
            && (known[0].Place is null || known[0].Place == Place(command)) // null: kept by an earlier build
                ? known[0].Answer
                    ?? throw new RefusedException(
                        new Rejection(Rejections.RecordDamaged, $"{Header} “{key}”所存的回答不是产品写入的")
                        {
                            Field = Header,
                        }
                    )
            : throw new RefusedException(
                new Rejection(Rejections.IdempotencyMismatch, $"{Header} “{key}”已用于另一请求") { Field = Header }
            );
    }

    /// <summary>
    /// What an answer of ours can be; null: another one, of whoever added a row for a key that he expected. No header
    /// is served that no command writes.
    /// </summary>
    private static StoredAnswer? Ours(int status, string headers, byte[] body, out string? place)
    {
        place = null;
        try
        {
            var written = JsonSerializer.Deserialize<Dictionary<string, string>>(headers);
            written?.Remove(For, out place);
            return
                status is >= 200 and < 600
                && written is not null
                && written.ContainsKey("Content-Type")
                && written.All(h => IsOurs(h.Key, h.Value))
                ? new StoredAnswer(status, written, body)
                : null;
        }
        catch (JsonException)
        {
            return null;
        }

        static bool IsOurs(string name, string? value) =>
            name switch
            {
                "Content-Type" => value is Json or Problem.ContentType,
                "ETag" => value is ['"', .., '"'] && value[1..^1].All(char.IsAsciiDigit),
                "Location" => value?.StartsWith("/api/", StringComparison.Ordinal) == true
                    && value.All(c => c is > ' ' and < (char)127),
                _ => false,
            };
    }

    /// <summary>
    /// Keeps the answer with the command's events. Of two requests with one key the second waits here, starts over, and
    /// finds the first's.
    /// </summary>
    public static void Keep(Command command, string key, byte[] request, StoredAnswer answer) =>
        command.Kept = new KeptAnswer(
            command.Actor.Id,
            Kept(command, key, request),
            request,
            command.Name,
            answer.Status,
            JsonSerializer.Serialize(new Dictionary<string, string>(answer.Headers) { [For] = Place(command) }),
            answer.Body
        );

    /// <summary>Adds the answers of several commands to their transaction.</summary>
    public static void Insert(NpgsqlBatch batch, IReadOnlyCollection<KeptAnswer> answers)
    {
        if (answers.Count > 0)
            batch.Add(
                $"""
                insert into {LedgerStore.Schema}.idempotency (actor, key, request, command, status, headers, body)
                select * from unnest($1, $2, $3, $4, $5, $6, $7)
                """,
                answers.Texts(a => a.Actor),
                answers.Texts(a => a.Key),
                answers.Column(NpgsqlDbType.Bytea, a => a.Request),
                answers.Texts(a => a.Command),
                answers.Column(NpgsqlDbType.Integer, a => a.Status),
                answers.Column(NpgsqlDbType.Jsonb, a => a.Headers),
                answers.Column(NpgsqlDbType.Bytea, a => a.Body)
            );
    }

    /// <summary>
    /// The form, read for the first time here. The framework's reader fails in several ways on bytes that are no form.
    /// </summary>
    public static async Task<IFormCollection> FormAsync(HttpRequest request)
    {
        try
        {
            return await request.ReadFormAsync();
        }
        catch (Exception e)
            when (e
                    is InvalidDataException
                        or ArgumentOutOfRangeException
                        or IOException
                        and not BadHttpRequestException
            )
        {
            throw new BadHttpRequestException("multipart/form-data 无法读取：分隔符或结尾不对", e);
        }
    }

    /// <summary>
    /// SHA-256 of what is asked for. A form counts by its fields and the digests of its files, because the boundary
    /// between them differs each time a client sends it.
    /// </summary>
    public static async Task<byte[]> DigestAsync(HttpContext http)
    {
        using var sha = http.GetEndpoint()?.Metadata.GetMetadata<SecretBodyMetadata>() is null
            ? IncrementalHash.CreateHash(HashAlgorithmName.SHA256)
            : IncrementalHash.CreateHMAC(
                HashAlgorithmName.SHA256,
                http.RequestServices.GetRequiredService<KeyFile>().HashKey
            );
        void Add(string text) => sha.AppendData(Encoding.UTF8.GetBytes(text + "\n"));

        Add(http.Request.Method);
        Add(http.Request.Path);
        Add(http.Request.QueryString.Value ?? "");
        Add(http.Request.Headers.IfMatch.ToString());
        if (http.Request.HasFormContentType)
        {
            var form = await FormAsync(http.Request);
            foreach (var field in form.OrderBy(f => f.Key, StringComparer.Ordinal))
                Add($"{field.Key}={field.Value}");
            foreach (var file in form.Files.OrderBy(f => f.Name, StringComparer.Ordinal))
            {
                await using var content = file.OpenReadStream();
                Add($"{file.Name}:{file.FileName}:{Convert.ToHexString(await SHA256.HashDataAsync(content))}");
            }
        }
        else
        {
            http.Request.Body.Position = 0;
            sha.AppendData(await SHA256.HashDataAsync(http.Request.Body));
            http.Request.Body.Position = 0;
        }
        return sha.GetHashAndReset();
    }
}
