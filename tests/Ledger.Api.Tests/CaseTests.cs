using System.Globalization;
using System.Text.Json;
using CsvHelper;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;
using Ledger.Api.CommandLine;
using Ledger.Api.Storage;
using Ledger.Domain.Identity;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Sheets = Ledger.Api.Imports.Sheets;
using Table = Ledger.Api.Imports.Table;
using Workbook = Ledger.Api.Imports.Workbook;

namespace Ledger.Api.Tests;

/// <summary>
/// The files of Cases/files, each as somebody would send it: who was read and with which amounts, the faults by row,
/// column and code, and what the answer says besides. What is right stands in Cases/expected.json, by the case's name
/// in cases.csv.
/// </summary>
public sealed class CaseTests(CaseTests.VillageFixture api) : IClassFixture<CaseTests.VillageFixture>
{
    /// <param name="People">Who was read: row, name and amount of a roster; name of a member; date, amount and
    /// reference of a payment.</param>
    /// <param name="Faults">Row, column, code, and words of the message.</param>
    /// <param name="Says">Words of the notes or of the refusal.</param>
    /// <param name="Code">Of a file that is refused as a whole.</param>
    public sealed record Expected(string[]? People, string[]? Faults, string[]? Says, string? Code);

    private sealed record Case(string Name, string Upload, string File)
    {
        public byte[] Content => System.IO.File.ReadAllBytes(Path.Combine(Folder, "files", File));
    }

    private static readonly string Folder = Path.Combine(AppContext.BaseDirectory, "Cases");

    private static readonly Dictionary<string, Expected> Right = JsonSerializer.Deserialize<
        Dictionary<string, Expected>
    >(File.ReadAllText(Path.Combine(Folder, "expected.json")), JsonSerializerOptions.Web)!;

    private static List<Case> Cases(string? upload = null)
    {
        using var csv = new CsvReader(
            new StreamReader(Path.Combine(Folder, "cases.csv")),
            CultureInfo.InvariantCulture
        );
        csv.Read();
        csv.ReadHeader();
        var cases = new List<Case>();
        while (csv.Read())
            if (upload is null || csv["upload"] == upload)
                cases.Add(new Case(csv["case"]!, csv["upload"]!, csv["file"]!));
        return cases;
    }

    [Fact]
    public void Every_case_says_what_is_right() =>
        Assert.Equal(Cases().Select(c => c.Name).Order(), Right.Keys.Order());

    /// <summary>
    /// A database of its own: the people of the cases live in one village, and the statements among them are of 2027.
    /// </summary>
    public sealed class VillageFixture : ApiFixture
    {
        public SampleVillage Village { get; private set; } = null!;

        public override async Task InitializeAsync()
        {
            await base.InitializeAsync();
            Clock.MoveTo(new DateTimeOffset(2027, 3, 1, 4, 0, 0, TimeSpan.Zero));
            var offices = NewOffices();
            await offices.PublishPolicyAsync(2026);
            await offices.PublishPolicyAsync(Today.Year);
            await offices.OpenPilotAsync();
            Village = await RegisteredAsync(offices);
            await Village.AllocateAsync(10_000);
            await Village.PrepareAsync(Villagers, 120, Today);
        }
    }

    /// <summary>The people of the cases, as they are registered before.</summary>
    private static readonly SamplePerson[] Villagers =
    [
        new("朱桂兰", "370811196203081909", ""),
        new("郭志刚", "37081119730504090X", ""),
        new("赵伟", "370811200412047909", ""),
        new("马凤英", "370811198104025804", ""),
    ];

    [Fact]
    public async Task Rosters_are_read_as_they_look()
    {
        var village = api.Village;
        var wrong = new List<string>();
        foreach (var c in Cases("roster"))
        {
            var answer = await SendAsync(
                village.Officer,
                "/api/applications/roster-check",
                c,
                "roster",
                ("planId", village.PlanId)
            );
            wrong.AddRange(
                Differences(
                    c,
                    answer,
                    Items(answer, "rows")
                        .Where(r => r.GetProperty("amount").ValueKind == JsonValueKind.Number)
                        .Select(r =>
                            $"{r.GetProperty("row")} {PersonName.Canonical(r.GetProperty("cells")[0].GetString()!)}"
                            + $" {r.GetProperty("amount")}"
                        )
                )
            );
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task A_marked_copy_is_made_of_any_file_that_can_be_read()
    {
        var village = api.Village;
        var seal = await village.Officer.EvidenceAsync("seal");
        foreach (var c in Cases("roster, asked for the marked copy"))
        {
            using var form = SampleClient.Form(c.Content, c.File, "roster", ("planId", village.PlanId), ("seal", seal));
            using var response = await village.Officer.SendAsync(
                HttpMethod.Post,
                "/api/applications",
                form,
                more: r => r.Headers.Accept.ParseAdd(Workbook.ContentType)
            );
            Assert.True(
                Workbook.ContentType == response.Content.Headers.ContentType?.MediaType,
                $"{c.Name}: {await response.Content.ReadAsStringAsync()}"
            );
            using var document = SpreadsheetDocument.Open(await response.Content.ReadAsStreamAsync(), false);
            var marks = document
                .FirstSheet()!
                .Worksheet.Descendants<Cell>()
                .Where(cell =>
                    cell.InlineString?.InnerText is { } text && text.Contains('：', StringComparison.Ordinal)
                )
                .Select(cell => $"{cell.CellReference} {cell.InnerText}");
            Assert.Equal(Right[c.Name].Faults!, marks);
            Assert.Empty(
                new DocumentFormat.OpenXml.Validation.OpenXmlValidator()
                    .Validate(document.FirstSheet()!)
                    .Take(3)
                    .Select(e => $"{c.Name}: {e.Description}")
            );
        }
    }

    [Fact]
    public async Task Member_lists_are_read_as_they_look()
    {
        var village = api.Village;
        var path = $"/api/members/import?collectiveId={village.CollectiveId}";
        await village.ImportMembersAsync([new("冯一", "370811197506152385", "")]);
        await village.Officer.UploadAsync(
            path,
            "姓名,身份证号,手机号,银行卡号,村民小组\n何一,370811197506155017,13800138000,6222000000000001,第1组\n"u8.ToArray(),
            "成员.csv"
        );
        var wrong = new List<string>();
        foreach (var c in Cases("members"))
        {
            var before = await PeopleAsync(village);
            // The people of all files live in one village: but where a file has two of them itself, namesakes are
            // answered for.
            var answer = await SendAsync(
                village.Officer,
                Right[c.Name].Faults?.Any(f => f.Contains("possible-duplicate", StringComparison.Ordinal)) == true
                    ? path
                    : $"{path}&confirmDuplicate={Uri.EscapeDataString("另一份文件里的人")}",
                c,
                "file"
            );
            var added = (await PeopleAsync(village))
                .Where(p => !before.ContainsKey(p.Key))
                .Select(p =>
                    string.Join(' ', new[] { p.Value.Name, p.Value.Phone, p.Value.BankCard }.OfType<string>())
                );
            wrong.AddRange(Differences(c, answer, added.Order(StringComparer.Ordinal)));
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Contributions_are_read_as_they_look()
    {
        var village = api.Village;
        await village.ImportMembersAsync(PayersOf(Cases("contributions")));
        var wrong = new List<string>();
        foreach (var c in Cases("contributions"))
        {
            var from = await api.ScalarAsync<long>("select coalesce(max(seq_id), 0) from ledger.mt_events");
            var answer = await SendAsync(village.Offices.Tax, "/api/contributions/import?year=2026", c, "file");
            var stored = await api.ScalarAsync<string[]>(
                """
                select coalesce(array_agg(format('%s %s %s', data ->> 'paidOn', data ->> 'amountFen',
                                                 data ->> 'reference')), '{}')
                  from ledger.mt_events where seq_id > @from and type = 'contribution_recorded'
                """,
                ("from", from)
            );
            wrong.AddRange(Differences(c, answer, stored));
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Bank_statements_are_read_as_they_look()
    {
        var village = api.Village;
        var wrong = new List<string>();
        foreach (var c in Cases("bank-statement"))
        {
            var answer = await SendAsync(village.Officer, $"/api/funds/{village.FundId}/reconciliation", c, "file");
            var lines = Items(answer, "unmatchedBankLines")
                .Concat(Items(answer, "matched").Concat(Items(answer, "doubtful")).Select(p => p.GetProperty("line")))
                .OrderBy(l => l.GetProperty("row").GetInt32())
                .Select(l =>
                    $"{l.GetProperty("date")} {(l.GetProperty("isIn").GetBoolean() ? "in" : "out")} "
                    + $"{l.GetProperty("amount")} {l.GetProperty("reference")}"
                );
            wrong.AddRange(Differences(c, answer, lines));
        }
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task Receipts_are_read_as_they_look()
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await village.PayAsync(200);
        var wrong = new List<string>();
        foreach (var c in Cases("receipts"))
            wrong.AddRange(
                Differences(
                    c,
                    await SendAsync(village.Offices.Reviewer, $"{village.ApplicationPath}/receipts/import", c, "file"),
                    []
                )
            );
        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
    }

    [Fact]
    public async Task The_import_command_counts_rows_as_the_file_does()
    {
        var village = api.Village;
        var c = Cases("import command").Single();
        await village.ImportMembersAsync(PayersOf([c]));
        var file = Path.Combine(Path.GetTempPath(), $"case-{Guid.NewGuid():N}.csv");
        try
        {
            // A title, a blank line, a total: as the upload reads them.
            await File.WriteAllBytesAsync(file, c.Content);
            var token = api
                .Host.Services.GetRequiredService<Security.Tokens>()
                .Issue(village.Offices.Tax.Actor, TimeSpan.FromHours(1));
            var sending = new ImportCommand.Sending(file, new Uri("http://localhost"), 2026, token, Rows: 2);
            var said = new StringWriter();
            Assert.Equal(1, await ImportCommand.RunAsync(sending, said, api.Http));
            Assert.Contains("完成：5 行，导入 4，早已有 0，有误未导入 1", said.ToString());
            Assert.Equal(Right[c.Name].Faults!, (await File.ReadAllLinesAsync($"{file}.faults.csv")).Skip(1));
        }
        finally
        {
            foreach (var left in Directory.GetFiles(Path.GetTempPath(), $"{Path.GetFileName(file)}*"))
                File.Delete(left);
        }
    }

    /// <summary>Whoever has a sound name and id in these files.</summary>
    private static IEnumerable<SamplePerson> PayersOf(IEnumerable<Case> cases) =>
        cases
            .SelectMany(c =>
            {
                var file = new FormFile(new MemoryStream(c.Content), 0, c.Content.Length, "file", c.File);
                return Table
                    .Read(file, Sheets.Contributions)
                    .Rows.Where(r => CitizenId.IsValid(r.Own(1)))
                    .Select(r => new SamplePerson(r.Own(0), r.Own(1), ""));
            })
            .DistinctBy(p => p.CitizenId);

    private async Task<IReadOnlyDictionary<string, Person>> PeopleAsync(SampleVillage village)
    {
        var ids = await api.ScalarAsync<string[]>(
            """
            select coalesce(array_agg(stream_id), '{}')
              from ledger.mt_events
             where type = 'member_registered'
               and data ->> 'collectiveId' = @id
            """,
            ("id", village.CollectiveId)
        );
        await using var connection = await api.Database.OpenConnectionAsync();
        return await api.Host.Services.GetRequiredService<PersonalData>().ReadAsync(connection, ids);
    }

    private static async Task<JsonElement> SendAsync(
        SampleClient by,
        string path,
        Case c,
        string field,
        params (string, string)[] fields
    )
    {
        using var form = SampleClient.Form(c.Content, c.File, field, fields);
        using var response = await by.SendAsync(HttpMethod.Post, path, form);
        var text = await response.Content.ReadAsStringAsync();
        Assert.True((int)response.StatusCode < 500, $"{c.Name}: {(int)response.StatusCode} {text}");
        return JsonSerializer.Deserialize<JsonElement>(text);
    }

    private static IEnumerable<JsonElement> Items(JsonElement answer, string list) =>
        answer.TryGetProperty(list, out var items) ? items.EnumerateArray() : [];

    private static IEnumerable<string> Differences(Case c, JsonElement answer, IEnumerable<string> people)
    {
        var right = Right[c.Name];
        var (read, faults) = (people.ToList(), Items(answer, "faults").Select(Fault).ToList());
        var code = answer.TryGetProperty("code", out var refused) ? refused.GetString() : null;
        if (code is not null && code is not ("file-invalid" or "limit-exceeded") && faults.Count > 0)
            code = null; // the rows say why
        if (!read.SequenceEqual(right.People ?? []))
            yield return $"{c.Name} people: {string.Join(" | ", read)}";
        if (code != right.Code)
            yield return $"{c.Name} code: {code} {answer}";
        if (code is null && !Match(faults, right.Faults ?? []))
            yield return $"{c.Name} faults: {string.Join(" | ", faults)}";
        if (code is not null && answer.GetProperty("mend").GetString() is not { Length: > 0 })
            yield return $"{c.Name} has no mend";
        var said =
            string.Join(" | ", Items(answer, "notes").Select(Note))
            + (code is null ? "" : answer.GetProperty("detail"));
        foreach (var words in right.Says ?? [])
            if (!said.Contains(words, StringComparison.Ordinal))
                yield return $"{c.Name} does not say {words}: {said}";
        if (right.Says is null && said.Length > 0)
            yield return $"{c.Name} says: {said}";

        static string Fault(JsonElement f) =>
            $"{f.GetProperty("row")} {Text(f, "column")} {Text(f, "code")} {Text(f, "message")}";
        static string Note(JsonElement n) => $"{Text(n, "row")} {Text(n, "column")} {Text(n, "message")}";
        static string? Text(JsonElement e, string name) =>
            e.TryGetProperty(name, out var value) ? value.ToString() : "";
    }

    /// <summary>Each fault begins as it should and has the words after the last space.</summary>
    private static bool Match(List<string> faults, string[] right) =>
        faults.Count == right.Length
        && faults
            .Zip(right)
            .All(p => p.Second.Split(' ').All(word => p.First.Contains(word, StringComparison.Ordinal)));
}
