using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;
using Ledger.Api.Commands;
using Ledger.Api.Evidence;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Client;
using Ledger.Client.Api;
using Ledger.Domain;
using Microsoft.Kiota.Abstractions;
using Microsoft.Kiota.Abstractions.Serialization;
using Microsoft.Kiota.Http.HttpClientLibrary;
using Microsoft.Kiota.Serialization.Json;

namespace Ledger.Api.Sample;

/// <summary>
/// Talks to the API as one person, over HTTP like everybody else. Keys are fresh; refusals are thrown with the
/// problem's text. The sample county and the tests use it: the sample by the typed client's requests, so that a route
/// or a field that is called otherwise does not compile; the tests by paths, as others see them.
/// </summary>
/// <param name="keyPrefix">Idempotency-Keys are counted up behind it, so that the same steps, taken again, get their
/// first answers. Null: fresh keys.</param>
/// <param name="answers">How answers are read; null: as <see cref="Answers"/>.</param>
public sealed class SampleClient(
    HttpClient http,
    Tokens tokens,
    Actor actor,
    string? keyPrefix = null,
    JsonSerializerOptions? answers = null
)
{
    /// <summary>Longer than a sample's clock is moved on by: the caller's own clock stays where it is.</summary>
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromDays(SampleClock.MaxDays);

    private int _keys;

    /// <summary>The typed client, whose requests are sent here as all others are.</summary>
    private readonly Lazy<(ApiRequestBuilder Api, HttpClientRequestAdapter Adapter)> _typed = new(() =>
    {
        var adapter = new HttpClientRequestAdapter(
            new Bearer(() => tokens.Issue(actor, TokenLifetime)),
            httpClient: http
        )
        {
            BaseUrl = http.BaseAddress!.ToString().TrimEnd('/'),
        };
        return (new LedgerClient(adapter).Api, adapter);
    });

    public Actor Actor => actor;

    /// <summary>
    /// How an answer is read: nothing that its view does not know, nothing left out, amounts with two decimals.
    /// </summary>
    public static readonly JsonSerializerOptions Answers = new(JsonSerializerOptions.Web)
    {
        NumberHandling = JsonNumberHandling.Strict,
        UnmappedMemberHandling = JsonUnmappedMemberHandling.Disallow,
        RespectNullableAnnotations = true,
        RespectRequiredConstructorParameters = true,
        Converters = { new JsonStringEnumConverter(JsonNamingPolicy.KebabCaseLower, false), new AnsweredYuan() },
    };

    private sealed class AnsweredYuan : YuanJsonConverter
    {
        /// <summary>Also nought or less, which no request may be.</summary>
        protected override Money Of(string digits, decimal yuan, out string? fault)
        {
            var amount = new Money((long)(yuan * 100));
            fault = amount.ToString() == digits ? null : $"{digits}, not {amount}";
            return amount;
        }
    }

    public Task<JsonElement> PostAsync(string path, object? body = null) => PostAsync<JsonElement>(path, body);

    /// <param name="body">JSON, or the content itself.</param>
    public Task<T> PostAsync<T>(string path, object? body = null) => OkAsync<T>(HttpMethod.Post, path, Content(body));

    public Task<JsonElement> PutAsync(string path, object body) => PutAsync<JsonElement>(path, body);

    public Task<T> PutAsync<T>(string path, object body) => OkAsync<T>(HttpMethod.Put, path, Content(body));

    public Task<JsonElement> GetAsync(string path) => GetAsync<JsonElement>(path);

    public Task<T> GetAsync<T>(string path) => OkAsync<T>(HttpMethod.Get, path, null);

    /// <summary>What the typed client would send, answered as its view.</summary>
    public Task<T> CallAsync<T>(Func<ApiRequestBuilder, RequestInformation> call) =>
        CallAsync<T>((api, _) => call(api));

    public Task CallAsync(Func<ApiRequestBuilder, RequestInformation> call) => CallAsync<JsonElement>(call);

    /// <param name="call">With what a file is written by (<see cref="FileCalls"/>).</param>
    public async Task<T> CallAsync<T>(Func<ApiRequestBuilder, IRequestAdapter, RequestInformation> call)
    {
        var (api, adapter) = _typed.Value;
        using var request = (await adapter.ConvertToNativeRequestAsync<HttpRequestMessage>(call(api, adapter)))!;
        if (request.Method != HttpMethod.Get)
            request.Headers.Add(IdempotencyKey.Header, NextKey());
        using var response = await http.SendAsync(request);
        return await ReadAsync<T>(request, response);
    }

    /// <summary>
    /// Uploads a spreadsheet or document as field <paramref name="field"/>, with further form fields.
    /// </summary>
    public Task<T> UploadAsync<T>(
        string path,
        byte[] content,
        string fileName,
        string field = "file",
        params (string Name, string Value)[] fields
    ) => OkAsync<T>(HttpMethod.Post, path, Form(content, fileName, field, fields));

    public Task<JsonElement> UploadAsync(
        string path,
        byte[] content,
        string fileName,
        string field = "file",
        params (string Name, string Value)[] fields
    ) => UploadAsync<JsonElement>(path, content, fileName, field, fields);

    /// <summary>Uploads a stand-in document and returns its digest.</summary>
    public async Task<string> EvidenceAsync(string text) =>
        (
            await CallAsync<EvidenceView>(api =>
                api.Evidence.ToPostRequestInformation(FileCalls.Form("file", SamplePeople.Pdf(text), "scan.pdf"))
            )
        ).Digest;

    public static MultipartFormDataContent Form(
        byte[] content,
        string fileName,
        string field = "file",
        params (string Name, string Value)[] fields
    )
    {
        var form = new MultipartFormDataContent { { new ByteArrayContent(content), field, fileName } };
        foreach (var (name, value) in fields)
            form.Add(new StringContent(value), name);
        return form;
    }

    public async Task<HttpResponseMessage> SendAsync(
        HttpMethod method,
        string path,
        HttpContent? content,
        string? key = null,
        Action<HttpRequestMessage>? more = null
    )
    {
        using var request = Request(method, path, content, key);
        more?.Invoke(request);
        return await http.SendAsync(request);
    }

    /// <summary>With this person's token and a key, still to be sent.</summary>
    public HttpRequestMessage Request(HttpMethod method, string path, HttpContent? content, string? key = null)
    {
        var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.Issue(actor, TokenLifetime));
        if (method != HttpMethod.Get)
            request.Headers.Add(IdempotencyKey.Header, key ?? NextKey());
        return request;
    }

    private string NextKey() => keyPrefix is null ? $"{Guid.NewGuid()}" : $"{keyPrefix}-{++_keys}";

    private async Task<T> OkAsync<T>(HttpMethod method, string path, HttpContent? content)
    {
        using var request = Request(method, path, content);
        using var response = await http.SendAsync(request);
        return await ReadAsync<T>(request, response);
    }

    private async Task<T> ReadAsync<T>(HttpRequestMessage request, HttpResponseMessage response)
    {
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonSerializer.Deserialize<T>(text, answers ?? Answers)!
            : throw new InvalidOperationException(
                $"{request.Method} {Path(request.RequestUri!)} → {(int)response.StatusCode} {text}"
            );
    }

    private static string Path(Uri address) => address.IsAbsoluteUri ? address.PathAndQuery : $"{address}";

    /// <summary>How a body is written: bodies of the typed client too, also within others.</summary>
    private static readonly JsonSerializerOptions Bodies = new(JsonSerializerOptions.Web)
    {
        Converters = { new TypedBodies() },
    };

    private sealed class TypedBodies : JsonConverter<IParsable>
    {
        public override bool CanConvert(Type type) => typeof(IParsable).IsAssignableFrom(type);

        public override IParsable Read(ref Utf8JsonReader reader, Type type, JsonSerializerOptions options) =>
            throw new NotSupportedException("a body is written, and read by the product");

        public override void Write(Utf8JsonWriter writer, IParsable body, JsonSerializerOptions options)
        {
            using var json = new JsonSerializationWriterFactory().GetSerializationWriter("application/json");
            json.WriteObjectValue(null, body);
            using var text = new StreamReader(json.GetSerializedContent());
            writer.WriteRawValue(text.ReadToEnd());
        }
    }

    /// <summary>To be changed before it is sent.</summary>
    public static JsonNode Node(object body) => JsonSerializer.SerializeToNode(body, Bodies)!;

    public static HttpContent Json(object body) => JsonContent.Create(body, options: Bodies);

    public static HttpContent Content(object? body) => body as HttpContent ?? Json(body ?? new { });
}

/// <summary>A row of the tax office's file, in yuan, with its words.</summary>
public sealed record TaxRow(
    SamplePerson Person,
    int Tier,
    int Amount,
    DateOnly On,
    string Reference,
    string Kind = Sheets.Regular,
    string Entry = "",
    string Of = ""
);

/// <summary>The sheets that people would fill in, filled in by program.</summary>
public static class SampleSheets
{
    public static byte[] Members(IEnumerable<SamplePerson> people) =>
        Sheet(Sheets.Members, people.Select(p => (string[])[p.Name, p.CitizenId, p.Phone, ""]));

    public static byte[] Roster(IEnumerable<SamplePerson> people) =>
        Sheet(Sheets.RosterForm, people.Select(p => (string[])[p.Name, p.CitizenId, ""]));

    /// <summary>Tiers in yuan; the person pays the tier.</summary>
    public static byte[] Contributions(
        IEnumerable<(SamplePerson Person, int Tier, bool CatchUp)> payers,
        DateOnly paidOn,
        string prefix
    ) =>
        Sheet(
            Sheets.Contributions,
            payers.Select(
                (p, i) =>
                    (string[])
                        [
                            p.Person.Name,
                            p.Person.CitizenId,
                            $"{p.Tier}",
                            $"{p.Tier}",
                            $"{paidOn:yyyy-MM-dd}",
                            p.CatchUp ? Sheets.CatchUp : Sheets.Regular,
                            $"{prefix}{i + 1:000000}",
                        ]
            )
        );

    /// <summary>What the tax office's file may say beside that: who paid, and what became of it (L14, L15).</summary>
    public static byte[] TaxRows(params IEnumerable<TaxRow> rows) =>
        Sheet(
            Sheets.Contributions,
            rows.Select(r =>
                (string[])
                    [
                        r.Person.Name,
                        r.Person.CitizenId,
                        $"{r.Tier}",
                        $"{r.Amount}",
                        $"{r.On:yyyy-MM-dd}",
                        r.Kind,
                        r.Reference,
                        "",
                        r.Entry,
                        r.Of,
                    ]
            )
        );

    public static byte[] Receipts(
        IEnumerable<(SamplePerson Person, Money Amount)> credited,
        DateOnly on,
        string prefix
    ) =>
        Sheet(
            Sheets.Receipts,
            credited.Select(
                (c, i) =>
                    (string[])
                        [
                            c.Person.Name,
                            c.Person.CitizenId,
                            $"{c.Amount}",
                            $"{on:yyyy-MM-dd}",
                            $"{prefix}{i + 1:000000}",
                        ]
            )
        );

    public static byte[] Sheet(SheetForm form, IEnumerable<IEnumerable<string>> rows) =>
        Workbook.Write((form.Title, rows.Prepend(form.Columns.Select(c => c.Heading)), form.Columns));
}
