using System.Net.Http.Headers;
using System.Net.Http.Json;
using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;

namespace Ledger.Api.Sample;

/// <summary>
/// Talks to the API as one person, over HTTP like everybody else. Keys are fresh; refusals are thrown with the
/// problem's text. The sample county and the tests use it.
/// </summary>
/// <param name="keyPrefix">Idempotency-Keys are counted up behind it, so that the same steps, taken again, get their
/// first answers. Null: fresh keys.</param>
public sealed class SampleClient(HttpClient http, Tokens tokens, Actor actor, string? keyPrefix = null)
{
    private static readonly TimeSpan TokenLifetime = TimeSpan.FromHours(12);
    private int _keys;

    public Actor Actor => actor;

    public async Task<JsonElement> PostAsync(string path, object? body = null) =>
        await OkAsync(HttpMethod.Post, path, Json(body ?? new { }));

    public async Task<JsonElement> PutAsync(string path, object body) =>
        await OkAsync(HttpMethod.Put, path, Json(body));

    public async Task<JsonElement> GetAsync(string path) => await OkAsync(HttpMethod.Get, path, null);

    /// <summary>
    /// Uploads a spreadsheet or document as field <paramref name="field"/>, with further form fields.
    /// </summary>
    public async Task<JsonElement> UploadAsync(
        string path,
        byte[] content,
        string fileName,
        string field = "file",
        params (string Name, string Value)[] fields
    ) => await OkAsync(HttpMethod.Post, path, Form(content, fileName, field, fields));

    /// <summary>Uploads a stand-in document and returns its digest.</summary>
    public async Task<string> EvidenceAsync(string text) =>
        (await UploadAsync("/api/evidence", SamplePeople.Pdf(text), "scan.pdf")).GetProperty("digest").GetString()!;

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
        using var request = new HttpRequestMessage(method, path) { Content = content };
        request.Headers.Authorization = new AuthenticationHeaderValue("Bearer", tokens.Issue(actor, TokenLifetime));
        if (method != HttpMethod.Get)
            request.Headers.Add(
                IdempotencyKey.Header,
                key ?? (keyPrefix is null ? $"{Guid.NewGuid()}" : $"{keyPrefix}-{++_keys}")
            );
        more?.Invoke(request);
        return await http.SendAsync(request);
    }

    private async Task<JsonElement> OkAsync(HttpMethod method, string path, HttpContent? content)
    {
        using var response = await SendAsync(method, path, content);
        var text = await response.Content.ReadAsStringAsync();
        return response.IsSuccessStatusCode
            ? JsonSerializer.Deserialize<JsonElement>(text)
            : throw new InvalidOperationException($"{method} {path} → {(int)response.StatusCode} {text}");
    }

    public static HttpContent Json(object body) => JsonContent.Create(body);
}

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

    private static byte[] Sheet(SheetForm form, IEnumerable<IEnumerable<string>> rows) =>
        Workbook.Write((form.Title, rows.Prepend(form.Columns.Select(c => c.Heading)), form.Columns));
}
