using System.Net;
using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.RegularExpressions;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Domain.Identity;

namespace Ledger.Api.Tests;

/// <summary>The API document says what the API does.</summary>
[Collection("api")]
public sealed class ApiDocumentTests(ApiFixture api)
{
    private async Task<JsonElement> DocumentAsync() =>
        JsonSerializer.Deserialize<JsonElement>(await api.Http.GetStringAsync("/openapi/v1.json"));

    private static IEnumerable<(string Path, string Method, JsonElement Operation)> Operations(JsonElement document) =>
        document
            .GetProperty("paths")
            .EnumerateObject()
            .SelectMany(p => p.Value.EnumerateObject().Select(o => (p.Name, o.Name, o.Value)));

    /// <summary>Each command in a batch has its own key; whoever looks for his own line changes nothing.</summary>
    private static readonly string[] WithoutKey =
    [
        "/api/batch",
        "/api/notices/{id}/own-line",
        "/api/search",
        "/api/subscriptions/{id}/test", // sends, and changes nothing here
    ];

    [Fact]
    public async Task It_is_OpenAPI_3_1_with_a_summary_an_answer_and_an_example_for_every_operation()
    {
        var document = await DocumentAsync();
        Assert.StartsWith("3.1", document.GetProperty("openapi").GetString());
        var operations = Operations(document).ToList();
        Assert.True(operations.Count >= 35, $"{operations.Count} operations");
        Assert.All(
            operations,
            o =>
            {
                Assert.NotEqual("", o.Operation.GetProperty("summary").GetString());
                Assert.Contains(o.Operation.GetProperty("responses").EnumerateObject(), r => r.Name.StartsWith('2'));
                if (
                    o.Operation.TryGetProperty("requestBody", out var body)
                    && body.GetProperty("content").TryGetProperty("application/json", out var json)
                )
                    Assert.True(json.TryGetProperty("example", out _), $"{o.Method} {o.Path} has no example");
                if (
                    o.Method == "post"
                    && !o.Path.Contains("/sample/")
                    && !o.Path.StartsWith("/api/session")
                    && !WithoutKey.Contains(o.Path)
                )
                    Assert.Contains(
                        o.Operation.GetProperty("parameters").EnumerateArray(),
                        p => p.GetProperty("name").GetString() == IdempotencyKey.Header
                    );
            }
        );
    }

    [Fact]
    public async Task Every_problem_code_stands_in_it()
    {
        var text = (await DocumentAsync()).GetProperty("paths").ToString();
        Assert.All(
            Rejections.All.Values,
            c => Assert.True(text.Contains($"`{c.Code}`", StringComparison.Ordinal), $"{c.Code} is not documented")
        );
    }

    [Fact]
    public async Task Amounts_are_numbers_of_yuan_whose_names_end_in_amount()
    {
        var schemas = (await DocumentAsync()).GetProperty("components").GetProperty("schemas");
        var all = 0;
        foreach (var schema in schemas.EnumerateObject().Where(s => s.Value.TryGetProperty("properties", out _)))
        {
            var amounts = schema
                .Value.GetProperty("properties")
                .EnumerateObject()
                .Where(p => p.Value.TryGetProperty("format", out var f) && f.GetString() == "decimal")
                .ToList();
            all += amounts.Count;
            Assert.All(amounts, p => Assert.EndsWith("amount", p.Name.ToLowerInvariant()));
        }
        Assert.True(all > 50, $"{all} amounts");
    }

    /// <summary>Nothing is loaded but the linter itself, in the version of tests/redocly/package-lock.json.</summary>
    [Fact]
    public void A_linter_of_strangers_finds_nothing_wrong_with_it()
    {
        var folder = Path.Combine(TourTests.Repository, "tests/redocly");
        var document = Path.Combine(TourTests.Repository, "src/Ledger.Client/openapi.json");
        Assert.Equal(0, Programs.Run("npm", ["ci", "--prefix", folder, "--no-progress", "--loglevel=error"]).Exit);
        var (exit, said) = Programs.Run(
            Path.Combine(folder, "node_modules/.bin/redocly"),
            ["lint", document, "--config", Path.Combine(folder, "redocly.yaml"), "--max-problems", "1000"],
            ("REDOCLY_TELEMETRY", "off"),
            ("REDOCLY_SUPPRESS_UPDATE_NOTICE", "true")
        );
        Assert.True(exit == 0 && said.Contains("is valid") && !said.Contains("You have "), said);
    }

    /// <summary>The typed client is made of the file; LEDGER_WRITE_DOCS=1 writes it anew.</summary>
    [Fact]
    public async Task The_file_that_the_client_is_made_of_is_what_the_product_serves()
    {
        var served = JsonNode.Parse(await api.Http.GetStringAsync("/openapi/v1.json"))!;
        var text = served.ToJsonString(Readable) + "\n";
        var path = Path.Combine(TourTests.Repository, "src/Ledger.Client/openapi.json");
        if (Environment.GetEnvironmentVariable("LEDGER_WRITE_DOCS") == "1")
            await File.WriteAllTextAsync(path, text);
        Assert.Equal(text, await File.ReadAllTextAsync(path));
    }

    private static readonly JsonSerializerOptions Readable = new()
    {
        WriteIndented = true,
        Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    [
        Theory,
        InlineData("/"),
        InlineData("/docs/"),
        InlineData("/docs/problems"),
        InlineData("/health/live"),
        InlineData("/health/ready")
    ]
    public async Task Pages_without_a_token_answer(string path)
    {
        using var response = await api.Http.GetAsync(path);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
    }

    [Fact]
    public async Task Bad_requests_get_a_problem_and_no_stack_trace()
    {
        var offices = api.NewOffices();
        foreach (
            var (body, expected) in ((string, string)[])
                [
                    ("{", "body-invalid"),
                    ("[]", "body-invalid"),
                    ("""{"county":5,"grounds":"x"}""", "body-invalid"),
                    ("""{"grounds":"x"}""", "body-invalid"),
                    ("""{"county":"370811","grounds":"x","typo":1}""", "body-invalid"),
                    ("""{"county":null,"grounds":"x"}""", "body-invalid"),
                    ("""{"county":"370811","county":"370812","grounds":"x"}""", "field-twice"),
                    ("""{"county":"370811","County":"370812","grounds":"x"}""", "field-twice"),
                    ("""{"county":"1","grounds":"x"}""", "field-invalid"),
                    ("{\"county\":\"" + "0\",\"grounds\":\"x\\u0000\"}", "body-invalid"),
                ]
        )
        {
            using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            var problem = await api.Host.RefusedAsync(expected, offices.CountyHrss, "/api/pilots", content);
            Assert.DoesNotContain("   at ", problem.Text);
            Assert.NotEqual("", problem.Mend);
        }
        // Nothing, and something that is none of ours: what it should be.
        foreach (
            var content in (HttpContent?[])
                [null, new ByteArrayContent([1, 2]), new StringContent("<x/>", System.Text.Encoding.UTF8, "text/xml")]
        )
        {
            using var unsaid = await offices.CountyHrss.SendAsync(HttpMethod.Post, "/api/pilots", content);
            var text = await unsaid.Content.ReadAsStringAsync();
            Assert.True(
                unsaid.StatusCode is HttpStatusCode.UnsupportedMediaType or HttpStatusCode.BadRequest,
                $"{unsaid.StatusCode}"
            );
            Assert.Equal(Problem.ContentType, unsaid.Content.Headers.ContentType?.MediaType);
            var problem = Refused.Of(text);
            Assert.Equal("body-invalid", problem.Code);
            Assert.Contains("application/json", problem.Detail);
            Assert.NotEqual("", problem.Mend);
        }
        using var strange = new StringContent("{}");
        strange.Headers.ContentType = System.Net.Http.Headers.MediaTypeHeaderValue.Parse(
            "application/json; charset=nonsense"
        );
        using var unread = await api.Http.PostAsync("/api/session", strange);
        Assert.Equal(HttpStatusCode.UnsupportedMediaType, unread.StatusCode);
        Assert.Contains("utf-8", await unread.Content.ReadAsStringAsync());
        var nowhere = await api.Host.RefusedAsync("not-found", offices.Auditor, HttpMethod.Get, "/api/nowhere");
        Assert.Equal("没有网址 /api/nowhere", nowhere.Detail);
        using var unlike = await offices.Auditor.SendAsync(HttpMethod.Delete, "/api/pilots", null);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, unlike.StatusCode);
        Assert.StartsWith(
            "/api/pilots 不能用 DELETE，可用 ",
            Refused.Of(await unlike.Content.ReadAsStringAsync()).Detail,
            StringComparison.Ordinal
        );
    }

    /// <summary>Whoever reads the refusal knows what to write instead.</summary>
    [Theory]
    [InlineData("policy-years/3708/2026", "payee", "5", "处无法读取")]
    [InlineData("policy-years/3708/2026", "typo", "1", "JSON 中不应有字段 typo")]
    [InlineData("policy-years/3708/2026", "noticeDays", "\"seven\"", "应为整数")]
    [InlineData("policy-years/3708/2026", "effectiveFrom", "\"1/3/2026\"", "应为日期，如 2026-03-15")]
    [InlineData("policy-years/3708/2026", "committeeSignsPlan", "\"yes\"", "应为 true 或 false")]
    [InlineData("notifications", "mail", "5", "应为文字，写在引号里")]
    [InlineData("notifications", "when", "\"weekly\"", "应为 never、at-once、daily 之一")]
    public async Task What_is_of_a_wrong_kind_is_named_with_what_would_be_right(
        string path,
        string field,
        string value,
        string right
    )
    {
        using var content = new StringContent(
            $"{{\"{field}\":{value}}}",
            System.Text.Encoding.UTF8,
            "application/json"
        );
        var who = api.NewOffices().CityHrss;
        var refused = await api.Host.RefusedAsync("body-invalid", who, HttpMethod.Put, $"/api/{path}", content);
        Assert.Equal(field, refused.Field);
        Assert.Contains(right, refused.Detail, StringComparison.Ordinal);
    }

    [Fact]
    public async Task A_field_that_is_there_twice_is_named_wherever_it_stands()
    {
        var (village, _) = await api.ReadyToFileAsync(1);
        var slip = await village.Officer.EvidenceAsync($"twice {village.VillageCode}");
        foreach (
            var (path, body, field) in new[]
            {
                (
                    $"/api/funds/{village.FundId}/allocations",
                    $$"""
                    {"amount":1.00,"amount":9.00,"source":"collective-income","sourceName":"x","evidence":["{{slip}}"]}
                    """,
                    "amount"
                ),
                (
                    $"/api/plans/{village.PlanId}/amendments",
                    """
                    {"source":"s","scope":"s","reason":"r","standard":{"kind":"flat","flatAmount":50,"flatAmount":500}}
                    """,
                    "standard.flatAmount"
                ),
                // Read by the endpoint itself, for it takes a form as well.
                (
                    "/api/applications",
                    $$"""{"planId":"{{village.PlanId}}","lines":[{"memberId":"member-x","amount":1,"amount":2}]}""",
                    "lines[0].amount"
                ),
            }
        )
        {
            using var content = new StringContent(body, System.Text.Encoding.UTF8, "application/json");
            var problem = await api.Host.RefusedAsync("field-twice", village.Officer, path, content);
            Assert.Equal(field, problem.Field);
        }
    }

    [Fact]
    public Task No_list_of_a_request_holds_a_null() =>
        NoneIsTakenAsync(n => Lists(n, "").Select(l => ($"{l.Field}[0]", (Action)(() => l.List[0] = null))), 15);

    [Fact]
    public Task No_text_of_a_request_holds_a_NUL() =>
        NoneIsTakenAsync(n => Texts(n, "").Select(t => (t.Field, (Action)(() => t.Text.ReplaceWith("a\0b")))), 60);

    /// <summary>What must stand in the address beside the path.</summary>
    private static string Query(JsonElement operation) =>
        operation.TryGetProperty("parameters", out var all)
            ? string.Concat(
                all.EnumerateArray()
                    .Where(p =>
                        p.GetProperty("in").GetString() == "query"
                        && p.TryGetProperty("required", out var required)
                        && required.GetBoolean()
                    )
                    .Select((p, i) => $"{(i == 0 ? '?' : '&')}{p.GetProperty("name").GetString()}=2026")
            )
            : "";

    /// <summary>Each of these edits of an operation's example is refused, with the field's name.</summary>
    private async Task NoneIsTakenAsync(Func<JsonNode, IEnumerable<(string Field, Action Edit)>> edits, int atLeast)
    {
        var offices = api.NewOffices();
        var roles = new Dictionary<string, SampleClient>
        {
            [Roles.VillageFinance] = api.Client(
                new Actor("finance.null", Roles.VillageFinance, $"{offices.County}999999")
            ),
            [Roles.CountyHrss] = offices.CountyHrss,
            [Roles.CityHrss] = offices.CityHrss,
            [Roles.Agency] = offices.Reviewer,
            [Roles.CountyTax] = offices.Tax,
        };
        var (lists, faults) = (0, new List<string>());
        foreach (var (path, method, operation) in Operations(await DocumentAsync()).Where(o => o.Method == "post"))
        {
            if (
                !operation.TryGetProperty("requestBody", out var request)
                || !request.GetProperty("content").TryGetProperty("application/json", out var json)
            )
                continue;
            if (
                roles.Keys.FirstOrDefault(r =>
                    operation.GetProperty("description").GetString()!.Contains($"`{r}`", StringComparison.Ordinal)
                )
                is not { } role
            )
                continue;
            foreach (var field in edits(JsonNode.Parse(json.GetProperty("example").GetRawText())!).Select(l => l.Field))
            {
                var example = JsonNode.Parse(json.GetProperty("example").GetRawText())!;
                edits(example).Single(l => l.Field == field).Edit();
                using var response = await roles[role]
                    .SendAsync(
                        HttpMethod.Post,
                        Regex.Replace(path, @"\{[^}]+\}", "2026") + Query(operation),
                        SampleClient.Json(example)
                    );
                var text = await response.Content.ReadAsStringAsync();
                lists++;
                // What is wrong inside a command of a batch is said in the answer to that command.
                var isRefused =
                    response.StatusCode == HttpStatusCode.BadRequest
                    || (path == "/api/batch" && text.Contains("\"done\":0,\"refused\":1", StringComparison.Ordinal));
                var told = field.Replace("commands[0].body.", "", StringComparison.Ordinal);
                if (!isRefused || !text.Contains($"\"field\":\"{told}\"", StringComparison.Ordinal))
                    faults.Add($"{path} {field}: {(int)response.StatusCode} {text}");
            }
        }
        Assert.True(faults.Count == 0, string.Join('\n', faults));
        Assert.True(lists > atLeast, $"{lists}");
    }

    private static IEnumerable<(string Field, JsonValue Text)> Texts(JsonNode node, string field) =>
        node switch
        {
            JsonValue value when value.GetValueKind() == JsonValueKind.String => [(field, value)],
            JsonArray list => list.Take(1).Where(e => e is not null).SelectMany(e => Texts(e!, $"{field}[0]")),
            JsonObject o => o.Where(p => p.Value is not null)
                .SelectMany(p => Texts(p.Value!, field.Length == 0 ? p.Key : $"{field}.{p.Key}")),
            _ => [],
        };

    private static IEnumerable<(string Field, JsonArray List)> Lists(JsonNode node, string field) =>
        node switch
        {
            JsonArray { Count: > 0 } list =>
            [
                (field, list),
                .. list.Take(1).Where(e => e is not null).SelectMany(e => Lists(e!, $"{field}[0]")),
            ],
            JsonObject o => o.Where(p => p.Value is not null)
                .SelectMany(p => Lists(p.Value!, field.Length == 0 ? p.Key : $"{field}.{p.Key}")),
            _ => [],
        };
}
