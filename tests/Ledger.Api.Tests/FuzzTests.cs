using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Ledger.Api.Commands;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Npgsql;

namespace Ledger.Api.Tests;

/// <summary>
/// Every operation of the API document, called with what no program should send: wrong types, huge numbers, deep JSON,
/// bad UTF-8, SQL and HTML in every string. No answer is a 5xx or shows the inside, and nothing is stored but what was
/// accepted, and the refusals.
/// </summary>
public sealed class FuzzTests(Databases databases) : IClassFixture<Databases>
{
    private const int Requests = 10_500,
        Seed = 20261124,
        Clients = 4;

    private static readonly string[] Strings =
    [
        "'; drop table ledger.mt_events; --",
        "\" or 1=1 --",
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "=cmd|'/c calc'!A0",
        "{{7*7}}",
        "${jndi:ldap://x}",
        "../../../etc/passwd",
        "\u0000",
        "a\u0000b",
        "\uD800",
        "\uFFFF",
        "\u202E反转",
        "👨‍👩‍👧‍👦",
        "%",
        "_",
        "\\",
        "",
        " ",
        "null",
        "NaN",
        "-1",
        "0",
        "1e400",
        "99999999999999999999999999",
        "0x10",
        "2026-13-45",
        "9999-12-31",
        "0001-01-01",
        "fund-",
        "application-",
        "member-",
        "*",
        "*DEFAULT*",
        "370811",
        "3708",
        "370811111204",
        "河",
        new('x', 2_000),
        new('张', 300),
        new('9', 400),
        "true",
        "[]",
        "{}",
        "a,b;c\td\ne",
    ];

    [Fact]
    public async Task Ten_thousand_malformed_requests_over_every_operation_get_an_answer_in_words_and_store_nothing()
    {
        await using var product = await Product.StartAsync(databases, "ledger_fuzz");
        var village = product.Village;
        await village.SurveyAsync(3);
        var people = new SamplePeople(1).Take(3, "370811");
        await village.ImportMembersAsync(people);
        await village.ImportContributionsAsync(people.Select(p => (p, 300, false)), Clock.Day(DateTimeOffset.UtcNow));
        await village.DraftAsync(SampleVillage.Flat(100));
        await village.ResolveAsync(Clock.Day(DateTimeOffset.UtcNow));
        await village.AdoptAsync();
        await village.FileAsync(people);
        var member = (await village.Officer.GetAsync($"{village.ApplicationPath}/lines"))
            .GetProperty("lines")[0]
            .GetProperty("memberId")
            .GetString()!;
        string[] ids =
        [
            village.FundId,
            village.PlanId,
            village.CollectiveId,
            village.ApplicationId,
            member,
            "370811",
            $"{village.Year}",
            "general",
            "donor-x",
            "1",
        ];
        await product.SealedAsync();
        var before = await KeysAsync(
            product,
            "select headers ->> 'idempotencyKey' from ledger.mt_events where type <> 'command_refused'"
        );
        var evidenceBefore = await product.ScalarAsync<long>("select count(*) from ledger.evidence");

        var document = JsonNode.Parse(await product.Http.GetStringAsync("/openapi/v1.json"))!;
        var operations = document["paths"]!
            .AsObject()
            .SelectMany(p =>
                p.Value!.AsObject()
                    .Select(o => (Path: p.Key, Method: new HttpMethod(o.Key.ToUpperInvariant()), Operation: o.Value!))
            )
            .Where(o => !o.Path.Contains("/sample/", StringComparison.Ordinal))
            .ToList();
        Assert.True(operations.Count > 80, $"{operations.Count}");
        var tokens = new Tokens(product.Keys, TimeProvider.System);
        var bearers = Roles.All.ToDictionary(
            r => r,
            r =>
                tokens.Issue(
                    new Actor(
                        $"fuzz.{r}",
                        r,
                        r switch
                        {
                            Roles.CityHrss => "3708",
                            Roles.Township => "370811000",
                            Roles.VillageFinance or Roles.SupervisionCommittee => village.VillageCode,
                            _ => "370811",
                        }
                    ),
                    TimeSpan.FromHours(2)
                )
        );
        var (accepted, failures, statuses) = (
            new ConcurrentDictionary<string, bool>(),
            new ConcurrentBag<string>(),
            new ConcurrentDictionary<int, int>()
        );
        await Task.WhenAll(
            Enumerable
                .Range(0, Clients)
                .Select(client =>
                    Task.Run(async () =>
                    {
                        var random = new Random(Seed + client);
                        using var http = new HttpClient(new SocketsHttpHandler { MaxConnectionsPerServer = 4 })
                        {
                            BaseAddress = product.Http.BaseAddress,
                            Timeout = TimeSpan.FromSeconds(60),
                        };
                        for (var i = client; i < Requests; i += Clients)
                        {
                            var (path, method, operation) = operations[i / Clients % operations.Count];
                            var key = $"fuzz-{i}";
                            using var request = Request(
                                random,
                                product.Http.BaseAddress!,
                                path,
                                method,
                                operation,
                                ids,
                                bearers,
                                key
                            );
                            var what = $"{method} {request.RequestUri} #{i}";
                            try
                            {
                                using var response = await http.SendAsync(request);
                                var text = await response.Content.ReadAsStringAsync();
                                statuses.AddOrUpdate((int)response.StatusCode, 1, (_, n) => n + 1);
                                if (response.IsSuccessStatusCode)
                                    accepted[key] = true;
                                else if (
                                    response.Content.Headers.ContentType?.MediaType != Problem.ContentType
                                    && response.StatusCode != HttpStatusCode.NotModified
                                    && !(response.StatusCode == HttpStatusCode.BadRequest && text.Length == 0)
                                    && response.Content.Headers.ContentType?.MediaType != Imports.Workbook.ContentType
                                )
                                    failures.Add(
                                        $"{what}: {(int)response.StatusCode} without a problem: "
                                            + $"{text[..Math.Min(200, text.Length)]}"
                                    );
                                if (
                                    (int)response.StatusCode >= 500
                                    && response.StatusCode != HttpStatusCode.ServiceUnavailable
                                )
                                    failures.Add(
                                        $"{what}: {(int)response.StatusCode} "
                                            + $"{text[..Math.Min(300, text.Length)]} {await BodyAsync(request)}"
                                    );
                                if (
                                    text.Contains("   at ", StringComparison.Ordinal)
                                    || text.Contains("Npgsql", StringComparison.Ordinal)
                                    || text.Contains("System.", StringComparison.Ordinal)
                                )
                                    failures.Add($"{what}: shows the inside: {text[..Math.Min(300, text.Length)]}");
                            }
                            catch (HttpRequestException e)
                                when (e.HttpRequestError
                                        is HttpRequestError.ResponseEnded
                                            or HttpRequestError.InvalidResponse
                                )
                            {
                                failures.Add($"{what}: the answer broke off");
                            }
                        }
                    })
                )
        );
        var summary = string.Join(", ", statuses.OrderBy(s => s.Key).Select(s => $"{s.Key}: {s.Value}"));
        var said = product
            .Api.Output.Split('\n')
            .Where(l => l.Contains("Exception", StringComparison.Ordinal))
            .Distinct();
        Assert.True(
            failures.IsEmpty,
            $"{failures.Count} of {Requests} ({summary})\n"
                + string.Join('\n', failures.OrderBy(f => f.Length).Take(12).Concat(said.Take(12)))
        );
        // It got beyond the door
        Assert.True(statuses.Keys.Where(s => s is 400 or 404 or 422).All(s => statuses[s] > 100), summary);
        Assert.Equal(Requests, statuses.Values.Sum());

        var stored = await KeysAsync(
            product,
            "select headers ->> 'idempotencyKey' from ledger.mt_events where type <> 'command_refused'"
        );
        Assert.All(
            stored.Except(before),
            k => Assert.True(accepted.ContainsKey(k), $"{k} was refused, and something of it is stored")
        );
        Assert.Equal(
            0,
            await product.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.person p
                 where not exists (select 1 from ledger.mt_streams s where s.id = p.member_id)
                """
            )
        );
        Assert.Equal(evidenceBefore, await product.ScalarAsync<long>("select count(*) from ledger.evidence"));
        Assert.Equal(
            0,
            await product.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_streams s
                 where not exists (select 1 from ledger.mt_events e where e.stream_id = s.id)
                """
            )
        );
        await product.SealedAsync(); // whatever stands in an event, the log takes it
        var (exit, output) = await ApiHost.RunAsync(product.Settings, "check");
        Assert.True(exit == 0, output);
    }

    private static async Task<HashSet<string>> KeysAsync(Product product, string sql)
    {
        await using var connection = new NpgsqlConnection(product.ConnectionString);
        await connection.OpenAsync();
        return [.. await connection.QueryAsync(sql, r => r.IsDBNull(0) ? "" : r.GetString(0))];
    }

    private static async Task<string> BodyAsync(HttpRequestMessage request) =>
        request.Content is null ? ""
        : Encoding.UTF8.GetString(await request.Content.ReadAsByteArrayAsync()) is { Length: > 400 } long_
            ? long_[..400]
        : await request.Content.ReadAsStringAsync();

    private static HttpRequestMessage Request(
        Random random,
        Uri address,
        string path,
        HttpMethod method,
        JsonNode operation,
        string[] ids,
        IReadOnlyDictionary<string, string> bearers,
        string key
    )
    {
        string Value() =>
            random.Next(3) switch
            {
                0 => ids[random.Next(ids.Length)],
                _ => Strings[random.Next(Strings.Length)],
            };
        string Segment() =>
            random.Next(3) switch
            {
                0 or 1 => ids[random.Next(ids.Length)],
                _ => random.Next(6) == 0 ? "%ff%fe%00"
                : Uri.EscapeDataString(Safe(Strings[random.Next(Strings.Length)])) is { Length: > 0 } s
                && s is not ("." or "..")
                    ? s
                : "x",
            };
        var target = System.Text.RegularExpressions.Regex.Replace(path, @"\{[^}]+\}", _ => Segment());
        var query =
            operation["parameters"]
                ?.AsArray()
                .Where(p => p!["in"]?.GetValue<string>() == "query" && random.Next(3) > 0)
                .Select(p => $"{p!["name"]}={(random.Next(12) == 0 ? "%ff%fe" : Uri.EscapeDataString(Safe(Value())))}")
                .ToList()
            ?? [];
        if (query.Count > 0)
            target += $"?{string.Join('&', query)}";
        var request = new HttpRequestMessage(
            method,
            new Uri(
                $"{address.GetLeftPart(UriPartial.Authority)}{target}",
                new UriCreationOptions { DangerousDisablePathAndQueryCanonicalization = true }
            )
        );
        var roles = System
            .Text.RegularExpressions.Regex.Matches(operation["description"]?.GetValue<string>() ?? "", "`([a-z-]+)`")
            .Select(m => m.Groups[1].Value)
            .Where(bearers.ContainsKey)
            .ToList();
        var bearer = random.Next(25) switch
        {
            0 => null,
            1 => "nonsense",
            _ => bearers[
                roles.Count > 0 && random.Next(8) > 0
                    ? roles[random.Next(roles.Count)]
                    : bearers.Keys.ElementAt(random.Next(bearers.Count))
            ],
        };
        if (bearer is not null)
            request.Headers.TryAddWithoutValidation("Authorization", $"Bearer {bearer}");
        if (random.Next(30) > 0)
            request.Headers.TryAddWithoutValidation(
                IdempotencyKey.Header,
                random.Next(40) == 0 ? new string('k', 500) : key
            );
        if (random.Next(10) == 0)
            request.Headers.TryAddWithoutValidation(
                "If-Match",
                random.Next(2) == 0 ? "\"99999999999999999999\"" : "*,<>"
            );
        if (random.Next(10) == 0)
            request.Headers.TryAddWithoutValidation(
                "Accept",
                random.Next(2) == 0 ? Imports.Workbook.ContentType : "text/<script>"
            );
        if (method != HttpMethod.Get)
            request.Content = Content(random, operation, Value);
        // A request line that is refused closes the connection: whoever is still sending a large body would not see the
        // answer
        request.Headers.ExpectContinue = request.Content?.Headers.ContentLength > 16 * 1024;
        return request;
    }

    /// <summary>Percent-encoding wants whole characters; half of a surrogate pair goes into bodies only.</summary>
    private static string Safe(string text) => text.Replace("\uD800", "?", StringComparison.Ordinal);

    private static HttpContent Content(Random random, JsonNode operation, Func<string> value)
    {
        var content = operation["requestBody"]?["content"];
        if (content?["multipart/form-data"] is not null && random.Next(4) > 0)
        {
            var form = new MultipartFormDataContent();
            var garbage = new byte[random.Next(200)];
            random.NextBytes(garbage);
            byte[] file = random.Next(5) switch
            {
                0 => [.. "PK\x03\x04"u8, .. garbage],
                1 => [.. "%PD"u8, .. garbage],
                2 => Encoding.UTF8.GetBytes($"姓名,身份证号\n{Safe(value())},{Safe(value())}\n"),
                3 => SampleSheets.Members(new SamplePeople(random.Next()).Take(1, "999999")),
                _ => garbage,
            };
            foreach (var name in new[] { "file", "roster", "planId", "seal" })
                if (random.Next(3) > 0)
                {
                    if (name is "file" or "roster")
                        form.Add(
                            new ByteArrayContent(file),
                            name,
                            random.Next(2) == 0 ? "x.xlsx" : "..%2f<script>.exe"
                        );
                    else
                        form.Add(new StringContent(Safe(value())), name);
                }
            return form;
        }
        var example = content?["application/json"]?["example"]?.DeepClone() ?? new JsonObject();
        var text = random.Next(10) switch
        {
            0 => string.Concat(Enumerable.Repeat("{\"a\":", 2_000)) + "1" + new string('}', 2_000),
            1 => new string('[', 100_000),
            2 => example.ToJsonString()[..(example.ToJsonString().Length / 2)],
            3 => value(),
            _ => Mutated(random, example, value).ToJsonString(),
        };
        var bytes = Encoding.UTF8.GetBytes(text);
        if (random.Next(15) == 0)
            bytes = [.. bytes, 0xff, 0xfe, 0xc0];
        var body = new ByteArrayContent(bytes);
        body.Headers.TryAddWithoutValidation(
            "Content-Type",
            random.Next(20) switch
            {
                0 => "text/plain",
                1 => "application/json; charset=utf-16",
                2 => "multipart/form-data",
                3 => "multipart/form-data; boundary=x",
                _ => "application/json",
            }
        );
        return body;
    }

    /// <summary>An example with one or a few of its leaves replaced.</summary>
    private static JsonNode Mutated(Random random, JsonNode example, Func<string> value)
    {
        for (var times = random.Next(1, 3); times > 0; times--)
        {
            var leaves = Leaves(example).ToList();
            if (leaves.Count == 0)
                break;
            var (parent, name, index) = leaves[random.Next(leaves.Count)];
            JsonNode? other = random.Next(9) switch
            {
                0 => null,
                1 => true,
                2 => -1,
                3 => JsonNode.Parse("1e300"),
                4 => JsonNode.Parse("123456789012345678901234567890.123"),
                5 => new JsonArray(),
                6 => new JsonObject { ["x"] = 1 },
                7 => JsonNode.Parse("0.005"),
                _ => value(),
            };
            if (parent is JsonObject o)
                o[name!] = other;
            else
                ((JsonArray)parent)[index] = other;
        }
        if (random.Next(12) == 0 && example is JsonObject extra)
            extra["unknown"] = value();
        return example;
    }

    private static IEnumerable<(JsonNode Parent, string? Name, int Index)> Leaves(JsonNode node)
    {
        if (node is JsonObject o)
            foreach (var (name, child) in o)
            {
                yield return (o, name, 0);
                if (child is not null)
                    foreach (var leaf in Leaves(child))
                        yield return leaf;
            }
        if (node is JsonArray a)
            for (var i = 0; i < a.Count; i++)
            {
                yield return (a, null, i);
                if (a[i] is { } child)
                    foreach (var leaf in Leaves(child))
                        yield return leaf;
            }
    }
}
