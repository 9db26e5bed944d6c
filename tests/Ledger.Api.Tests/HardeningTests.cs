using System.IO.Compression;
using System.Net;
using System.Text;
using Ledger.Api.Exports;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>Limits, headers, hostile files.</summary>
[Collection("api")]
public sealed class HardeningTests(ApiFixture api)
{
    [Fact]
    public async Task Every_answer_carries_the_headers_and_none_says_what_serves_it()
    {
        foreach (var path in new[] { "/", "/docs/problems", "/api/funds", "/log/checkpoint", "/nowhere", "/docs/" })
        {
            using var response = await api.Http.GetAsync(path);
            string Header(string name) =>
                response.Headers.TryGetValues(name, out var values) ? string.Join(',', values) : "";
            Assert.Equal("nosniff", Header("X-Content-Type-Options"));
            Assert.Contains("frame-ancestors 'none'", Header("Content-Security-Policy"));
            Assert.DoesNotContain(
                "http",
                Header("Content-Security-Policy").Replace("https", "", StringComparison.Ordinal)
            );
            if (path != "/docs/")
                Assert.Contains("script-src 'self';", Header("Content-Security-Policy"));
            Assert.Equal("", Header("Server"));
            if (path.StartsWith("/api", StringComparison.Ordinal))
                Assert.Equal("no-store", Header("Cache-Control"));
        }
        // No page of ours has a script in it: only data, and files of ours.
        foreach (var path in new[] { "/", "/docs/problems", "/sign-in" })
        {
            var scripts = System
                .Text.RegularExpressions.Regex.Matches(await api.Http.GetStringAsync(path), "<script[^>]*>")
                .Select(m => m.Value)
                .ToList();
            Assert.NotEmpty(scripts);
            Assert.All(scripts, s => Assert.Matches("type=\"application/json\"|src=\"/assets/", s));
        }
    }

    [Theory]
    [InlineData("/notices/application-none", "text/html")]
    [InlineData("/api/notices/application-none", "*/*")]
    public async Task What_is_not_there_is_said_so_compressed_too(string path, string accept)
    {
        foreach (var encoding in (string[])["br", "gzip", "identity"])
        {
            using var request = new HttpRequestMessage(HttpMethod.Get, path);
            request.Headers.TryAddWithoutValidation("Accept", accept);
            request.Headers.TryAddWithoutValidation("Accept-Encoding", encoding);
            using var response = await api.Http.SendAsync(request);
            Assert.Equal(HttpStatusCode.NotFound, response.StatusCode);
            Assert.NotEmpty(await response.Content.ReadAsByteArrayAsync());
        }
    }

    [Fact]
    public async Task Too_many_requests_are_answered_with_how_long_to_wait_per_user_and_per_address()
    {
        var settings = new Dictionary<string, string>
        {
            ["ConnectionStrings__Ledger"] = api.ConnectionString,
            ["Ledger__KeyFile"] = api.KeyFile,
            ["Ledger__RateLimit__PerUser"] = "2",
            ["Ledger__RateLimit__PerAddress"] = "1",
        };
        await using var process = await ApiHost.StartAsync(settings);
        var tokens = new Tokens(KeyFile.LoadOrCreate(api.KeyFile), TimeProvider.System);
        SampleClient Client(string name) => new(process.Http, tokens, new Actor(name, Roles.Auditor, "999988"));
        async Task<HttpResponseMessage?> Refused(Func<Task<HttpResponseMessage>> ask, int tries)
        {
            for (var i = 0; i < tries; i++)
                if (await ask() is { StatusCode: HttpStatusCode.TooManyRequests } refused)
                    return refused;
            return null;
        }
        using var user = await Refused(() => Client("busy").SendAsync(HttpMethod.Get, "/api/funds", null), 60);
        Assert.NotNull(user);
        Assert.Contains("too-many-requests", await user.Content.ReadAsStringAsync());
        Assert.InRange(user.Headers.RetryAfter!.Delta!.Value.TotalSeconds, 1, 10);
        using var another = await Client("calm").SendAsync(HttpMethod.Get, "/api/funds", null);
        Assert.Equal(HttpStatusCode.OK, another.StatusCode); // each has a measure of his own
        using var stranger = await Refused(() => process.Http.GetAsync("/log/keys"), 40);
        Assert.NotNull(stranger);
        using var guess = await Refused(
            () =>
            {
                var request = new HttpRequestMessage(HttpMethod.Get, "/api/funds");
                request.Headers.TryAddWithoutValidation("Authorization", "Bearer guess");
                return process.Http.SendAsync(request);
            },
            40
        );
        Assert.NotNull(guess); // whoever tries tokens is a stranger
        await ApiFixture.EventuallyAsync(
            async () =>
                (await Client("busy").SendAsync(HttpMethod.Get, "/api/funds", null)).StatusCode == HttpStatusCode.OK,
            "after a while it goes on"
        );
    }

    private static byte[] Zip(params (string Name, byte[] Content)[] entries)
    {
        using var stream = new MemoryStream();
        using (var zip = new ZipArchive(stream, ZipArchiveMode.Create, leaveOpen: true))
            foreach (var (name, content) in entries)
            {
                using var entry = zip.CreateEntry(name, CompressionLevel.SmallestSize).Open();
                entry.Write(content);
            }
        return stream.ToArray();
    }

    private const string Schemas = "http://schemas.openxmlformats.org",
        Relations = $"{Schemas}/officeDocument/2006/relationships",
        Packages = $"{Schemas}/package/2006",
        Sheets = $"{Schemas}/spreadsheetml/2006/main",
        Kind = "application/vnd.openxmlformats-officedocument.spreadsheetml";

    private static byte[] Workbook(string sheet, string before = "") =>
        Zip([
            .. new[]
            {
                (
                    "[Content_Types].xml",
                    $"""
                    <Types xmlns="{Packages}/content-types">
                      <Default Extension="rels" ContentType="application/vnd.openxmlformats-package.relationships+xml"/>
                      <Override PartName="/xl/workbook.xml" ContentType="{Kind}.sheet.main+xml"/>
                      <Override PartName="/xl/worksheets/sheet1.xml" ContentType="{Kind}.worksheet+xml"/>
                    </Types>
                    """
                ),
                (
                    "_rels/.rels",
                    $"""
                    <Relationships xmlns="{Packages}/relationships">
                      <Relationship Id="rId1" Type="{Relations}/officeDocument" Target="xl/workbook.xml"/>
                    </Relationships>
                    """
                ),
                (
                    "xl/_rels/workbook.xml.rels",
                    $"""
                    <Relationships xmlns="{Packages}/relationships">
                      <Relationship Id="rId1" Type="{Relations}/worksheet" Target="worksheets/sheet1.xml"/>
                    </Relationships>
                    """
                ),
                (
                    "xl/workbook.xml",
                    $"""
                    <workbook xmlns="{Sheets}" xmlns:r="{Relations}">
                      <sheets><sheet name="x" sheetId="1" r:id="rId1"/></sheets>
                    </workbook>
                    """
                ),
                (
                    "xl/worksheets/sheet1.xml",
                    $"""
                    <?xml version="1.0"?>{before}
                    <worksheet xmlns="{Sheets}"><sheetData>{sheet}</sheetData></worksheet>
                    """
                ),
            }.Select(part => (part.Item1, Encoding.UTF8.GetBytes(part.Item2))),
        ]);

    private static string Row(int number, params string[] cells)
    {
        var written = cells.Select(
            (c, i) => $"""<c r="{(char)('A' + i)}{number}" t="inlineStr"><is><t>{c}</t></is></c>"""
        );
        return $"""<row r="{number}">{string.Concat(written)}</row>""";
    }

    public static TheoryData<string, byte[]> HostileFiles =>
        new()
        {
            {
                "an external entity",
                Workbook(
                    Row(1, "姓名", "身份证号") + Row(2, "&x;", "1"),
                    """<!DOCTYPE worksheet [<!ENTITY x SYSTEM "file:///etc/passwd">]>"""
                )
            },
            {
                "a billion laughs",
                Workbook(
                    Row(1, "姓名", "身份证号") + Row(2, "&d;", "1"),
                    """
                    <!DOCTYPE worksheet [
                      <!ENTITY a "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa">
                      <!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">
                      <!ENTITY c "&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;">
                      <!ENTITY d "&c;&c;&c;&c;&c;&c;&c;&c;&c;&c;">]>
                    """
                )
            },
            { "a zip bomb", Zip(("xl/worksheets/sheet1.xml", new byte[320_000_000])) },
            { "a shared string that is not there", Workbook("""<row r="1"><c r="A1" t="s"><v>99</v></c></row>""") },
            { "a cell without a place", Workbook("""<row><c t="n"><v>1</v></c></row>""") },
            { "half a workbook", Workbook(Row(1, "姓名", "身份证号"))[..^200] },
        };

    [Theory, MemberData(nameof(HostileFiles))]
    public async Task A_hostile_file_is_refused_in_words_and_quickly(string what, byte[] content)
    {
        var village = await api.RegisteredAsync();
        var watch = System.Diagnostics.Stopwatch.StartNew();
        using var form = SampleClient.Form(content, "x.xlsx");
        using var response = await village.Officer.SendAsync(
            HttpMethod.Post,
            $"/api/members/import?collectiveId={village.CollectiveId}",
            form
        );
        var text = await response.Content.ReadAsStringAsync();
        Assert.True(
            response.StatusCode is HttpStatusCode.UnprocessableEntity or HttpStatusCode.RequestEntityTooLarge,
            $"{what}: {(int)response.StatusCode} {text}"
        );
        Assert.DoesNotContain("root:", text);
        Assert.True(watch.Elapsed < TimeSpan.FromSeconds(20), $"{what} took {watch.Elapsed}");
    }

    [Theory]
    [
        InlineData("=1+1", "'=1+1"),
        InlineData("+1+1", "'+1+1"),
        InlineData("-1+cmd", "'-1+cmd"),
        InlineData("@SUM(A1)", "'@SUM(A1)"),
        InlineData("\tx", "'\tx"),
        InlineData("-100.00", "-100.00"),
        InlineData("租金", "租金"),
        InlineData("", "")
    ]
    public void A_field_that_a_spreadsheet_would_compute_is_text(string field, string written) =>
        Assert.Equal(written, GeneralLedger.Harmless(field));
}
