using System.Net;
using System.Text;
using System.Text.Json;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;
using Ledger.Api.CommandLine;
using Microsoft.Extensions.Configuration;
using Sheets = Ledger.Api.Imports.Sheets;
using Workbook = Ledger.Api.Imports.Workbook;

namespace Ledger.Api.Tests;

/// <summary>Spreadsheets in: encodings, faults with row and column, marked copies, templates, limits.</summary>
[Collection("api")]
public sealed class ImportTests(ApiFixture api)
{
    static ImportTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    public static TheoryData<string> Encodings => ["utf-8", "utf-8-mark", "gb18030"];

    [Theory, MemberData(nameof(Encodings))]
    public async Task Csv_comes_in_whatever_Excel_saved_it_as(string encoding)
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(11).Take(3, village.Offices.County);
        var text =
            "姓名,身份证号,手机号,银行卡号\r\n"
            + string.Concat(people.Select(p => $"\"{p.Name}\",{p.CitizenId},{p.Phone},\r\n"));
        var bytes = encoding switch
        {
            "utf-8" => new UTF8Encoding(false).GetBytes(text),
            "utf-8-mark" => [0xEF, 0xBB, 0xBF, .. Encoding.UTF8.GetBytes(text)],
            _ => Encoding.GetEncoding("GB18030").GetBytes(text),
        };
        var answer = await village.Officer.UploadAsync<ImportView>(
            $"/api/members/import?collectiveId={village.CollectiveId}",
            bytes,
            "名册.csv"
        );
        Assert.Equal(3, answer.Imported);
        var listed = await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}");
        Assert.Equal(people.Select(p => p.Name[..1]).Order(), listed.Members.Select(m => m.Name[..1]).Order());
        Assert.DoesNotContain(people[0].CitizenId, listed.ToString());
        // The same file again changes nothing.
        Assert.Equal(
            3,
            (
                await village.Officer.UploadAsync<ImportView>(
                    $"/api/members/import?collectiveId={village.CollectiveId}",
                    bytes,
                    "名册.csv"
                )
            ).Unchanged
        );
    }

    [Fact]
    public async Task Every_fault_is_told_at_once_nothing_is_stored_and_partial_stores_the_sound_rows()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(12).Take(3, village.Offices.County);
        var text =
            $"姓名,身份证号,手机号\n{people[0].Name},{people[0].CitizenId},123\n"
            + $",{people[1].CitizenId},\n{people[2].Name},11010519491231002Y,\n{people[2].Name},"
            + $"{people[2].CitizenId},\n";
        var path = $"/api/members/import?collectiveId={village.CollectiveId}";
        using var form = SampleClient.Form(Encoding.UTF8.GetBytes(text), "名册.csv");
        var problem = await api.Host.RefusedAsync("roster-invalid", village.Officer, path, form);
        Assert.Equal([("手机号", 2), ("姓名", 3), ("身份证号", 4)], problem.Faults.Select(f => (f.Column, f.Row)));
        Assert.Equal(
            0,
            await api.ScalarAsync<long>(
                """
                select count(*)
                  from ledger.mt_events
                 where type = 'member_registered'
                   and data ->> 'collectiveId' = @id
                """,
                ("id", village.CollectiveId)
            )
        );

        var part = await village.Officer.UploadAsync<ImportView>(
            $"{path}&partial=true",
            Encoding.UTF8.GetBytes(text),
            "名册.csv"
        );
        Assert.Equal((1, 3), (part.Imported, part.Skipped));
    }

    [Fact]
    public async Task A_long_file_is_sent_in_batches_with_faults_by_row_and_a_second_run_imports_nothing_twice()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(77).Take(25, village.Offices.County);
        await village.ImportMembersAsync(people);
        var file = Path.Combine(Path.GetTempPath(), $"contributions-{Guid.NewGuid():N}.csv");
        string Line(int i, string tier) =>
            $"{people[i].Name},{people[i].CitizenId},{tier},{tier},{api.Today:yyyy-MM-dd},正常缴费,SWL"
            + $"{village.VillageCode}{i:0000}\r\n";
        try
        {
            // Row 14 has a tier that there is not.
            var text =
                "姓名,身份证号,缴费档次（元）,个人缴费金额（元）,缴费日期,缴费类型,缴费凭证号\r\n"
                + string.Concat(people.Select((_, i) => Line(i, i == 12 ? "77" : "300")));
            await File.WriteAllBytesAsync(file, Encoding.GetEncoding("GB18030").GetBytes(text));
            var token = api
                .Host.Services.GetRequired<Security.Tokens>()
                .Issue(village.Offices.Tax.Actor, TimeSpan.FromHours(1));
            var sending = new ImportCommand.Sending(file, new Uri("http://localhost"), api.Today.Year, token, Rows: 10);
            var said = new StringWriter();
            Assert.Equal(1, await ImportCommand.RunAsync(sending, said, api.Http));
            Assert.Contains("完成：25 行，导入 24，早已有 0，有误未导入 1", said.ToString());
            Assert.Contains("100%", said.ToString());
            var faults = await File.ReadAllLinesAsync($"{file}.faults.csv");
            Assert.Equal(2, faults.Length);
            Assert.StartsWith("14,缴费档次（元）,", faults[1], StringComparison.Ordinal);
            Assert.Equal(
                24,
                await api.ScalarAsync<long>(
                    """
                    select count(*)
                      from ledger.mt_events
                     where type = 'contribution_recorded'
                       and data ->> 'reference' like @p || '%'
                    """,
                    ("p", $"SWL{village.VillageCode}")
                )
            );

            // Mended: what was sent before answers as it did, the mended batch has one that is new.
            await File.WriteAllTextAsync(file, text.Replace(Line(12, "77"), Line(12, "300"), StringComparison.Ordinal));
            said = new StringWriter();
            Assert.Equal(0, await ImportCommand.RunAsync(sending, said, api.Http));
            Assert.False(File.Exists($"{file}.faults.csv"));
            Assert.Equal(
                25,
                await api.ScalarAsync<long>(
                    """
                    select count(*)
                      from ledger.mt_events
                     where type = 'contribution_recorded'
                       and data ->> 'reference' like @p || '%'
                    """,
                    ("p", $"SWL{village.VillageCode}")
                )
            );

            // Whom the ledger does not know gets nothing in, and is told.
            sending = sending with
            {
                Token = "nonsense",
            };
            said = new StringWriter();
            Assert.Equal(1, await ImportCommand.RunAsync(sending, said, api.Http));
            Assert.Contains("被拒绝（401）", said.ToString());

            // In no encoding that is known: names would be mangled.
            await File.WriteAllBytesAsync(file, [0xC3, 0xFF, 0xFF, 0x0A]);
            said = new StringWriter();
            Assert.Equal(1, await ImportCommand.RunAsync(sending, said, api.Http));
            Assert.Contains("不是 UTF-8 或 GB18030", said.ToString());
        }
        finally
        {
            File.Delete(file);
            File.Delete($"{file}.faults.csv");
        }
    }

    [Theory, InlineData(true), InlineData(false)]
    public async Task A_refused_upload_can_be_fetched_as_a_workbook_with_its_faults_marked(bool asCsv)
    {
        var (village, people) = await api.ReadyToFileAsync(2);
        var stranger = new SamplePeople(13).Next(village.Offices.County);
        SamplePerson[] roster = [people[0], stranger, people[1] with { Name = "别名" }];
        var file = asCsv
            ? Encoding.UTF8.GetBytes("姓名,身份证号\n" + string.Concat(roster.Select(p => $"{p.Name},{p.CitizenId}\n")))
            : SampleSheets.Roster(roster);
        var seal = await village.Officer.EvidenceAsync("seal");
        using var form = SampleClient.Form(
            file,
            asCsv ? "名单.csv" : "名单.xlsx",
            "roster",
            ("planId", village.PlanId),
            ("seal", seal)
        );
        using var response = await village.Officer.SendAsync(
            HttpMethod.Post,
            "/api/applications",
            form,
            more: r => r.Headers.Accept.ParseAdd(Workbook.ContentType)
        );
        Assert.Equal(HttpStatusCode.UnprocessableEntity, response.StatusCode);
        Assert.Equal(Workbook.ContentType, response.Content.Headers.ContentType!.MediaType);

        using var document = SpreadsheetDocument.Open(await response.Content.ReadAsStreamAsync(), false);
        var rows = document
            .FirstSheet()!
            .Worksheet.Descendants<Row>()
            .ToDictionary(r => (int)r.RowIndex!.Value, r => r.Elements<Cell>().ToList());
        Assert.Equal(Workbook.FaultHeading, rows[1][^1].InnerText);
        Assert.Equal("身份证号：不是本集体成员", rows[3][^1].InnerText);
        Assert.Equal("姓名：姓名与成员登记不一致", rows[4][^1].InnerText);
        Assert.Equal(stranger.CitizenId, rows[3][1].InnerText);
        var formats = document
            .WorkbookPart!.WorkbookStylesPart!.Stylesheet.CellFormats!.Elements<CellFormat>()
            .ToList();
        bool Red(Cell c) => formats[(int)(c.StyleIndex?.Value ?? 0)].FillId?.Value > 1;
        Assert.True(Red(rows[3][1]) && Red(rows[4][0]), "the faulty cells are red");
        Assert.False(Red(rows[2][0]) || Red(rows[2][1]) || Red(rows[3][0]), "the sound cells are not");
        Assert.Equal(2, rows[2].Count(c => c.InnerText.Length > 0));
    }

    [Fact]
    public async Task A_number_that_Excel_made_of_an_id_is_told_apart()
    {
        var village = await api.RegisteredAsync();
        var xlsx = SampleSheets.Members(new SamplePeople(14).Take(1, village.Offices.County));
        using var stream = new MemoryStream();
        stream.Write(xlsx);
        using (var document = SpreadsheetDocument.Open(stream, true))
        {
            var cell = document.FirstSheet()!.Worksheet.Descendants<Cell>().Single(c => c.CellReference == "B2");
            cell.RemoveAllChildren();
            cell.DataType = CellValues.Number;
            cell.CellValue = new CellValue("3.7081119900101E+17");
        }
        using var form = SampleClient.Form(stream.ToArray(), "名册.xlsx");
        var problem = await api.Host.RefusedAsync(
            "roster-invalid",
            village.Officer,
            $"/api/members/import?collectiveId={village.CollectiveId}",
            form
        );
        Assert.Contains("存成了数字", problem.Faults[0].Message);
    }

    [Fact]
    public async Task Numbers_and_dates_of_Excel_are_read_without_floating_point()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(15).Take(2, village.Offices.County);
        await village.ImportMembersAsync(people);
        using var stream = new MemoryStream();
        stream.Write(SampleSheets.Contributions(people.Select(p => (p, 300, false)), api.Today, "N"));
        var serial = api.Today.DayNumber - new DateOnly(1899, 12, 30).DayNumber;
        using (var document = SpreadsheetDocument.Open(stream, true))
        {
            void Number(string at, string text)
            {
                var cell = document.FirstSheet()!.Worksheet.Descendants<Cell>().Single(c => c.CellReference == at);
                cell.RemoveAllChildren();
                cell.DataType = null;
                cell.CellValue = new CellValue(text);
            }
            Number("D2", "300.10000000000002"); // what Excel keeps of 300.1
            Number("E2", $"{serial}");
            Number("D3", "300.125");
        }
        var path = $"/api/contributions/import?year={village.Year}";
        using var form = SampleClient.Form(stream.ToArray(), "缴费.xlsx");
        var problem = await api.Host.RefusedAsync("roster-invalid", village.Offices.Tax, path, form);
        var fault = Assert.Single(problem.Faults);
        Assert.Equal(("amount-invalid", 3, "个人缴费金额（元）"), (fault.Code, fault.Row, fault.Column));

        await village.Offices.Tax.UploadAsync($"{path}&partial=true", stream.ToArray(), "缴费.xlsx");
        var id = await api.ScalarAsync<string>(
            """
            select stream_id
              from ledger.mt_events
             where type = 'contribution_recorded'
               and data ->> 'amountFen' = '30010'
               and data ->> 'paidOn' = @on
             order by seq_id desc limit 1
            """,
            ("on", $"{api.Today:yyyy-MM-dd}")
        );
        Assert.StartsWith("member-year-", id);
    }

    [Fact]
    public async Task Contributions_are_recorded_once_per_reference_and_a_person_may_have_two_in_one_file()
    {
        var village = await api.RegisteredAsync();
        var person = new SamplePeople(16).Next(village.Offices.County);
        await village.ImportMembersAsync([person]);
        var twice = SampleSheets.Contributions([(person, 300, false), (person, 500, true)], api.Today, "T");
        var path = $"/api/contributions/import?year={village.Year}";
        Assert.Equal(2, (await village.Offices.Tax.UploadAsync<ImportView>(path, twice, "缴费.xlsx")).Imported);
        Assert.Equal(2, (await village.Offices.Tax.UploadAsync<ImportView>(path, twice, "缴费.xlsx")).Unchanged);
        var member = (await village.Officer.GetAsync<MemberPage>($"/api/members?collectiveId={village.CollectiveId}"))
            .Members[0]
            .Id;
        var year = await village.Officer.GetAsync<MemberYearView>($"/api/members/{member}/years/{village.Year}");
        Assert.Equal(2, year.Contributions.Count);
        Assert.Equal(2, year.Version);
    }

    [Theory]
    [
        InlineData("members"),
        InlineData("contributions"),
        InlineData("roster"),
        InlineData("receipts"),
        InlineData("bank-statement")
    ]
    public async Task The_template_has_the_headings_that_the_reader_asks_for(string name)
    {
        using var response = await api.Http.GetAsync($"/api/templates/{name}.xlsx");
        using var document = SpreadsheetDocument.Open(await response.Content.ReadAsStreamAsync(), false);
        var headings = document
            .FirstSheet()!
            .Worksheet.Descendants<Row>()
            .First()
            .Elements<Cell>()
            .Select(c => c.InnerText);
        Assert.Equal(Sheets.All.Single(s => s.Name == name).Columns.Select(c => c.Heading), headings);
        using var none = await api.Http.GetAsync("/api/templates/other.xlsx");
        Assert.Equal(HttpStatusCode.NotFound, none.StatusCode);
    }

    public static TheoryData<string, byte[], string> BadFiles =>
        new()
        {
            { "empty.xlsx", [], "file-invalid" },
            { "broken.xlsx", [.. "PK\x03\x04 not really a zip"u8], "file-invalid" },
            { "binary.csv", [0, 1, 2, 3, 255], "file-invalid" },
            { "columns.csv", [.. "姓名,电话\n张三,1\n"u8], "file-invalid" },
            { "norows.csv", [.. "姓名,身份证号\n"u8], "file-invalid" },
        };

    [Theory, MemberData(nameof(BadFiles))]
    public async Task A_file_that_cannot_be_read_says_why(string name, byte[] content, string code)
    {
        var village = await api.RegisteredAsync();
        using var form = SampleClient.Form(content, name);
        var problem = await api.Host.RefusedAsync(
            code,
            village.Officer,
            $"/api/members/import?collectiveId={village.CollectiveId}",
            form
        );
        Assert.NotEqual("", problem.Detail);
    }

    [Fact]
    public async Task Too_many_rows_are_refused()
    {
        var village = await api.RegisteredAsync();
        var text = "姓名,身份证号\n" + string.Concat(Enumerable.Repeat("张三,x\n", Sheets.Members.MaxRows + 1));
        using var form = SampleClient.Form(Encoding.UTF8.GetBytes(text), "名册.csv");
        await api.Host.RefusedAsync(
            "limit-exceeded",
            village.Officer,
            $"/api/members/import?collectiveId={village.CollectiveId}",
            form
        );
    }

    [Fact]
    public async Task Personal_data_stands_nowhere_in_clear()
    {
        var village = await api.RegisteredAsync();
        var people = new SamplePeople(17).Take(5, village.Offices.County);
        await village.ImportMembersAsync(people);
        await using var connection = await api.Database.OpenConnectionAsync();
        foreach (var person in people)
        {
            Assert.Equal(
                0,
                await api.ScalarAsync<long>(
                    """
                    select (select count(*)
                              from ledger.mt_events
                             where data::text || headers::text like @n or data::text || headers::text like @i)
                         + (select count(*) from ledger.mt_doc_member where data::text like @n or data::text like @i)
                         + (select count(*) from ledger.person where encode(data, 'escape') like @i)
                         + (select count(*) from ledger.idempotency where encode(body, 'escape') like @i)
                    """,
                    ("n", $"%{person.Name}\"%"),
                    ("i", $"%{person.CitizenId}%")
                )
            );
        }
    }
}
