using System.Text;
using System.Text.Json;
using System.Text.RegularExpressions;

namespace Ledger.Api.Tests;

/// <summary>A program that asks for English gets the product's words in English; data stay what people typed.</summary>
[Collection("api")]
public sealed partial class LanguageTests(ApiFixture api)
{
    [GeneratedRegex(@"[\u3400-\u9fff]")]
    private static partial Regex Chinese();

    private static async Task<(int Status, string Text)> AskAsync(
        SampleClient client,
        string language,
        HttpMethod method,
        string path,
        HttpContent? content = null
    )
    {
        using var response = await client.SendAsync(
            method,
            path,
            content,
            more: request => request.Headers.AcceptLanguage.ParseAdd(language)
        );
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync());
    }

    [Fact]
    public async Task A_refusal_speaks_the_language_that_was_asked_for()
    {
        var village = await api.RegisteredAsync();
        var officer = village.Officer;
        var allocation = $"/api/funds/{village.FundId}/allocations";
        (HttpMethod Method, string Path, object? Body)[] refused =
        [
            (HttpMethod.Get, "/api/funds/fund-none", null),
            (HttpMethod.Get, "/api/nowhere", null),
            (HttpMethod.Get, $"/api/funds/{village.FundId}/statement?from=x", null),
            (HttpMethod.Get, "/api/applications?status=none", null),
            (HttpMethod.Post, allocation, new { amount = "abc" }),
            (HttpMethod.Post, allocation, new { amount = -1 }),
            (
                HttpMethod.Post,
                allocation,
                new
                {
                    amount = 300.00m,
                    source = "collective-income",
                    sourceName = "x",
                }
            ),
            (
                HttpMethod.Post,
                allocation,
                new
                {
                    amount = 300.00m,
                    source = "charity",
                    sourceName = "x",
                    evidence = new[] { new string('0', 64) },
                }
            ),
            (HttpMethod.Post, "/api/plans", new { }),
            (
                HttpMethod.Post,
                "/api/accounts",
                new
                {
                    name = "x",
                    role = "auditor",
                    region = "3708",
                }
            ),
        ];
        foreach (var (method, path, body) in refused)
        {
            var content = body is null ? null : SampleClient.Json(body);
            var (status, english) = await AskAsync(officer, "en-GB,en;q=0.8", method, path, content);
            Assert.True(status is >= 400 and < 500, $"{path}: {status} {english}");
            Assert.DoesNotMatch(Chinese(), english);
            var (_, chinese) = await AskAsync(
                officer,
                "zh-CN",
                method,
                path,
                body is null ? null : SampleClient.Json(body)
            );
            Assert.Equal(Code(english), Code(chinese));
            Assert.Matches(Chinese(), Title(chinese));
        }

        static string? Code(string problem) => Of(problem, "code");
        static string Title(string problem) => Of(problem, "title")!;
        static string? Of(string problem, string name) =>
            JsonSerializer.Deserialize<JsonElement>(problem).GetProperty(name).GetString();
    }

    /// <summary>Headings and names are the sheet's own; what is said of them is not.</summary>
    [Fact]
    public async Task Faults_and_notes_of_a_sheet_are_said_in_English()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(71).Take(2, village.Offices.County);
        var text =
            $"姓名,身份证号,手机号,备注\n{people[0].Name},{people[0].CitizenId},123,\n"
            + $",{people[1].CitizenId},,\n张 三丰,11010519491231002Y,,\n";
        var path = $"/api/members/import?collectiveId={village.CollectiveId}";
        using var form = SampleClient.Form(Encoding.UTF8.GetBytes(text), "list.csv");
        var (status, answer) = await AskAsync(village.Officer, "en", HttpMethod.Post, path, form);
        Assert.Equal(422, status);
        var problem = JsonSerializer.Deserialize<JsonElement>(answer);
        var said = new List<string?>
        {
            problem.GetProperty("title").GetString(),
            problem.GetProperty("detail").GetString(),
            problem.GetProperty("mend").GetString(),
        };
        foreach (var list in (string[])["faults", "notes"])
            if (problem.TryGetProperty(list, out var each))
                said.AddRange(each.EnumerateArray().Select(f => f.GetProperty("message").GetString()));
        Assert.True(said.Count > 5, answer);
        Assert.All(said, words => Assert.DoesNotMatch(Chinese(), words!.Replace("备注", "", StringComparison.Ordinal)));
    }
}
