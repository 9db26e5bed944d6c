using System.Globalization;
using CsCheck;
using CsvHelper;
using CsvHelper.Configuration;
using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;
using Microsoft.AspNetCore.Http;
using Sheets = Ledger.Api.Imports.Sheets;
using Table = Ledger.Api.Imports.Table;
using Workbook = Ledger.Api.Imports.Workbook;

namespace Ledger.Api.Tests;

/// <summary>What LibreOffice, Debian's, makes of our workbooks, and we of its.</summary>
[Collection("api and programs")]
public sealed class LibreOfficeTests(ApiFixture api) : IDisposable
{
    private readonly DirectoryInfo _folder = Directory.CreateTempSubdirectory("ledger-office");

    /// <summary>The sheets that were saved, as they should be shown.</summary>
    private readonly Dictionary<string, List<string[]>> _ours = [];

    public void Dispose() => _folder.Delete(recursive: true);

    /// <summary>Each sheet as text, its cells as they are shown.</summary>
    private const string Csv = "csv:Text - txt - csv (StarCalc):44,34,76,1,,0,false,true,true,false,false,-1";

    private string At(string name) => Path.Combine(_folder.FullName, name);

    private async Task ConvertAsync(string to, params string[] files)
    {
        await Programs.RequireAsync(
            "soffice",
            [
                "--headless",
                $"-env:UserInstallation=file://{At("profile")}",
                "--convert-to",
                to,
                "--outdir",
                At(to.Split(':')[0]),
                .. files.Select(At),
            ]
        );
    }

    [Fact]
    public async Task A_list_that_went_through_LibreOffice_is_read_as_it_is_shown_and_ods_is_refused_by_its_name()
    {
        // A few of the looks, always the same, all in one run of it for each kind.
        var sheets = ShownSheet.Any.Array[12].Single(_ => true, "alUn6-xMhis1");
        var files = sheets.Select((_, i) => $"list{i}.xlsx").ToArray();
        foreach (var (sheet, file) in sheets.Zip(files))
            await File.WriteAllBytesAsync(At(file), sheet.Workbook());
        foreach (var kind in new[] { "xls", "xlsx", "ods" })
            await ConvertAsync(kind, files);
        foreach (var (i, sheet) in sheets.Index())
        {
            sheet.AssertRead(await File.ReadAllBytesAsync(At($"xls/list{i}.xls")));
            sheet.AssertRead(await File.ReadAllBytesAsync(At($"xlsx/list{i}.xlsx")));
        }
        var ods = await File.ReadAllBytesAsync(At("ods/list0.ods"));
        var refused = Assert.Throws<RefusedException>(() =>
            Table.Read(new FormFile(new MemoryStream(ods), 0, ods.Length, "file", "x"), Sheets.Contributions)
        );
        Assert.Contains(".ods", refused.Rejection.Detail);
    }

    [Fact]
    public async Task A_template_filled_in_with_LibreOffice_and_saved_as_text_is_read()
    {
        var people = new SamplePeople(8).Take(30, "370811");
        await File.WriteAllBytesAsync(At("list.xlsx"), SampleSheets.Roster(people));
        await ConvertAsync("csv:Text - txt - csv (StarCalc):44,34,76,1", "list.xlsx");
        var csv = await File.ReadAllBytesAsync(At("csv/list.csv"));
        var table = Table.Read(new FormFile(new MemoryStream(csv), 0, csv.Length, "file", "x"), Sheets.RosterForm);
        Assert.Equal(people.Select(p => (p.Name, p.CitizenId)), table.Rows.Select(r => (r.Own(0), r.Own(1))));
    }

    [Fact]
    public async Task A_long_list_is_printed_on_A4_with_its_headings_on_each_sheet_and_its_total_once()
    {
        var headings = new[] { 8, 14, 24, 8, 14, 16, 22, 22 }.Select((w, i) => ($"列{i}（元）", w)).ToArray();
        object?[][] rows =
        [
            .. Enumerable
                .Range(1, 150)
                .Select(n => (object?[])[n, "张三", "11010519491231002X", 2026, 1, 1, 1, $"末{n}"]),
        ];
        await File.WriteAllBytesAsync(
            At("long.xlsx"),
            Workbook.Write(
                new Workbook.Marginal("甲&乙合作社", "制单 x"),
                Workbook.List("付款清单", headings, rows, [null, "合计"]),
                (
                    "汇款单",
                    [
                        ["项目"],
                    ],
                    []
                )
            )
        );
        await ConvertAsync("pdf", "long.xlsx");
        var (_, info) = Programs.Run("pdfinfo", [At("pdf/long.pdf")]);
        Assert.Matches("Page size: +841.* x 595.* pts", info);
        var (_, text) = Programs.Run("pdftotext", ["-layout", At("pdf/long.pdf"), "-"]);
        var pages = text.Split('\f')[..^1];
        Assert.InRange(pages.Length, 4, 8);
        foreach (var (page, n) in pages.SkipLast(1).Select((p, i) => (p, i + 1)))
        {
            Assert.Contains("列0（元）", page, StringComparison.Ordinal);
            Assert.Contains("列7（元）", page, StringComparison.Ordinal);
            Assert.Contains($"第 {n} 页，共", page, StringComparison.Ordinal);
            Assert.Contains("甲&乙合作社", page, StringComparison.Ordinal);
            Assert.Contains("制单 x", page, StringComparison.Ordinal);
        }
        Assert.Equal(1, pages.Count(p => p.Contains("合计", StringComparison.Ordinal)));
        Assert.Equal(150, pages.Sum(p => p.Split('\n').Count(l => l.Contains('末'))));
    }

    [Fact]
    public async Task Every_workbook_of_ours_opens_with_amounts_as_numbers_and_sums_that_it_works_out_itself()
    {
        var (village, people) = await api.ReadyToFileAsync(3, subsidy: 100.50m, money: 12_345.60m);
        await village.FileAsync(people);
        await village.ReviewAsync();
        await village.ApproveAsync();
        await village.NoticeAsync();
        api.Clock.Advance(TimeSpan.FromDays(8));
        await SaveAsync(
            "payments",
            Convert.FromBase64String(
                (
                    await village.Officer.PostAsync<PaymentListView>($"{village.ApplicationPath}/payment-list", new { })
                ).Content!
            )
        );
        await village.PayAsync(301.50m);
        var (fund, offices) = ($"/api/funds/{village.FundId}", village.Offices);
        await SaveAsync("statement", village.Officer, $"{fund}/statement");
        await SaveAsync("balance", village.Officer, $"{fund}/trial-balance");
        var sequence = (await village.Officer.GetAsync<FundStatement>($"{fund}/statement")).Lines[0].Sequence;
        await SaveAsync("voucher", village.Officer, $"{fund}/vouchers/{sequence}");
        await SaveAsync("ranking", offices.Auditor, $"/api/reports/incentives?year={village.Year}");
        await SaveAsync("supervision", offices.Auditor, "/api/supervision");
        await SaveAsync("applications", offices.Auditor, "/api/applications");
        await SaveAsync("audit", offices.Auditor, "/api/audit/events");
        await SaveAsync("overview", offices.Auditor, "/overview.xlsx");
        await SaveAsync("funds", offices.Auditor, $"/api/funds?region={village.VillageCode}");
        await SaveAsync("members", village.Officer, $"/api/members?collectiveId={village.CollectiveId}");
        await village.CharityAsync();
        await SaveAsync("donors", village.Officer, "/api/donors");
        var entries = await api.ScalarAsync<long>(
            "select count(*) from ledger.audit_entry where region like @county || '%'",
            ("county", offices.County)
        );
        foreach (var form in Sheets.All)
            await SaveAsync($"template-{form.Name}", Workbook.Template(form));
        await SaveAsync("marked", await MarkedAsync(village, people));
        await SaveAsync(
            "harmless",
            Workbook.Write(
                Workbook.List(
                    "x",
                    [("A", 9)],
                    [
                        ["=1+1", "+2", "@SUM(1)", -0.5m],
                    ]
                )
            )
        );

        var books = _folder.GetFiles("*.xlsx").Select(f => f.Name).Order().ToArray();
        Assert.Equal(14 + Sheets.All.Count, books.Length);
        await ConvertAsync(Csv, books);
        foreach (var (sheet, ours) in _ours)
        {
            var theirs = Rows(sheet);
            Assert.Equal(ours.Count, theirs.Count);
            foreach (var (mine, his) in ours.Zip(theirs))
                Assert.Equal(mine, his[..mine.Length]);
        }
        Assert.Equal(["=1+1", "+2", "@SUM(1)", "-0.50"], Rows("harmless-x")[1]);

        Assert.Equal(
            ["", "合计", "叁佰零壹元伍角整", "", "", "301.50", "301.50", "0.00"],
            Rows("payments-付款清单")[^1]
        );
        Assert.All(Rows("payments-付款清单")[1..^1], r => Assert.Equal("100.50", r[5]));
        Assert.Equal(
            ["本期合计", "", "", "", "12,044.10", "0.00", "301.50", "0.00"],
            Rows("statement-对账单")[^2][..8]
        );
        Assert.Equal(["期末可用", "12,044.10"], Rows("statement-对账单")[^1][..2]);
        var balance = Rows("balance-试算平衡表");
        Assert.Equal(["合计", "", "12,345.60", "12,345.60"], balance[^1]);
        Assert.Contains(balance, r => r[2] == "12,044.10");
        var application = Rows("applications-申请");
        Assert.Contains(application, r => r[3] == "已付款" && r[4] == "3" && r[5] == "301.50");
        Assert.Equal(("合计", "3", "301.50"), (application[^1][0], application[^1][4], application[^1][5]));
        Assert.Equal("0.00", Rows("ranking-激励排名")[1][6]);
        string[] sums = ["12,345.60", "12,044.10", "0.00", "301.50", "0.00"];
        Assert.Equal(["合计", "", "", .. sums, "0.00"], Rows("funds-资金")[^1][..9]);
        var overview = Rows("overview-总览");
        Assert.Contains(overview, r => r[1] == village.VillageCode && r[4..9].SequenceEqual(sums));
        Assert.Equal("合计", overview[^1][0]);
        var members = Rows("members-成员")[1..];
        Assert.Equal(people.Count, members.Count);
        Assert.All(members, r => Assert.Contains('*', r[0] + r[1]));
        Assert.DoesNotContain(people, p => members.Any(r => r.Contains(p.Name) || r.Contains(p.CitizenId)));
        Assert.Contains(Rows("donors-捐赠人"), r => r[0] == "慈善总会（样例）" && r[1] == "公益慈善组织");
        var audit = Rows("audit-审计轨迹");
        Assert.Contains(audit, r => r[3] == "划入资金" && r[8] == "12,345.60");
        Assert.Equal(entries, audit.Count - 1);
        Assert.Contains("问题", Rows("marked-补助名单")[0][^1]);
        Assert.Contains("18位", Rows("marked-补助名单")[2][^1]);
    }

    /// <summary>A trail longer than a page is not cut in silence.</summary>
    [Fact]
    public async Task The_audit_trails_workbook_says_where_it_goes_on()
    {
        var village = await api.RegisteredAsync();
        await village.AllocateAsync(1_000);
        async Task<List<string[]>> FactsAsync(string path)
        {
            await SaveAsync("audit", village.Offices.Auditor, path);
            using var document = SpreadsheetDocument.Open(At("audit.xlsx"), false);
            return Cells(document.SheetNamed("说明")!);
        }
        Assert.Contains(await FactsAsync("/api/audit/events"), f => f[0] == "范围" && f[1] == "全部");
        Assert.Contains(
            await FactsAsync("/api/audit/events?limit=2"),
            f => f[0] == "范围" && f[1].StartsWith("后面还有：从序号", StringComparison.Ordinal)
        );
    }

    private async Task SaveAsync(string name, SampleClient by, string path)
    {
        using var response = await by.SendAsync(
            HttpMethod.Get,
            path,
            null,
            more: r => r.Headers.Accept.ParseAdd(Workbook.ContentType)
        );
        Assert.Equal(Workbook.ContentType, response.Content.Headers.ContentType?.MediaType);
        await SaveAsync(name, await response.Content.ReadAsByteArrayAsync());
    }

    /// <summary>Without the values of its sums: LibreOffice has to work them out.</summary>
    private async Task SaveAsync(string name, byte[] workbook)
    {
        using var stream = new MemoryStream();
        stream.Write(workbook);
        using (var document = SpreadsheetDocument.Open(stream, true))
        {
            foreach (var sheet in document.WorkbookPart!.Workbook.Sheets!.Elements<Sheet>())
                _ours[$"{name}-{sheet.Name}"] = Cells(
                    (WorksheetPart)document.WorkbookPart.GetPartById(sheet.Id!.Value!)
                );
            foreach (
                var sum in document.WorkbookPart.WorksheetParts.SelectMany(p => p.Worksheet.Descendants<CellFormula>())
            )
                ((Cell)sum.Parent!).CellValue = null;
        }
        await File.WriteAllBytesAsync(At($"{name}.xlsx"), stream.ToArray());
    }

    private static async Task<byte[]> MarkedAsync(SampleVillage village, IReadOnlyList<SamplePerson> people)
    {
        using var form = SampleClient.Form(
            SampleSheets.Roster([people[0], people[1] with { CitizenId = "123" }]),
            "名单.xlsx",
            "roster",
            ("planId", village.PlanId),
            ("seal", await village.Officer.EvidenceAsync("seal"))
        );
        using var response = await village.Officer.SendAsync(
            HttpMethod.Post,
            "/api/applications",
            form,
            more: r => r.Headers.Accept.ParseAdd(Workbook.ContentType)
        );
        Assert.Equal(Workbook.ContentType, response.Content.Headers.ContentType?.MediaType);
        return await response.Content.ReadAsByteArrayAsync();
    }

    private List<string[]> Rows(string sheet)
    {
        using var csv = new CsvParser(
            new StreamReader(At($"csv/{sheet}.csv")),
            new CsvConfiguration(CultureInfo.InvariantCulture) { IgnoreBlankLines = false }
        );
        var rows = new List<string[]>();
        while (csv.Read())
            rows.Add(csv.Record!);
        return rows;
    }

    /// <summary>The cells as a spreadsheet shows them: amounts with two decimals, grouped by threes.</summary>
    private static List<string[]> Cells(WorksheetPart sheet)
    {
        var rows = new List<string[]>();
        foreach (var row in sheet.Worksheet.Descendants<Row>())
        {
            while (rows.Count < row.RowIndex!.Value - 1)
                rows.Add([]);
            var cells = row.Elements<Cell>()
                .ToDictionary(c =>
                    c.CellReference!.Value!.TakeWhile(char.IsAsciiLetter).Aggregate(0, (n, l) => n * 26 + l - 'A' + 1)
                );
            rows.Add([
                .. Enumerable
                    .Range(1, cells.Keys.Max())
                    .Select(c => cells.TryGetValue(c, out var cell) ? Shown(cell) : ""),
            ]);
        }
        return rows;

        static string Shown(Cell cell) =>
            cell.InlineString is { } text ? text.InnerText
            : cell.StyleIndex?.Value == 3
                ? decimal.Parse(cell.CellValue!.Text, CultureInfo.InvariantCulture)
                    .ToString("#,##0.00", CultureInfo.InvariantCulture)
            : cell.CellValue?.Text ?? "";
    }
}
