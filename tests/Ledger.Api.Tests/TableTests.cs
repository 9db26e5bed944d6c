using System.Text;
using CsCheck;
using Microsoft.AspNetCore.Http;
using Sheets = Ledger.Api.Imports.Sheets;
using Table = Ledger.Api.Imports.Table;
using Workbook = Ledger.Api.Imports.Workbook;

namespace Ledger.Api.Tests;

/// <summary>
/// Whatever a list looks like, the same people are read from it, each in the row that the spreadsheet shows.
/// </summary>
public sealed class TableTests
{
    static TableTests() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    private sealed record Look(
        int People,
        int Titles,
        int[] Order,
        int BlankEvery,
        int HeadingEvery,
        bool HasFooter,
        bool HasTwoHeadings,
        int Before,
        int Kind,
        int Seed
    );

    private static readonly Gen<Look> Looks =
        from people in Gen.Int[1, 40]
        from titles in Gen.Int[0, 3]
        from order in Gen.Shuffle(new[] { 0, 1, 2, 3, 4 })
        from blank in Gen.Int[2, 9]
        from heading in Gen.Int[3, 20]
        from footer in Gen.Bool
        from two in Gen.Bool
        from before in Gen.Int[0, 2]
        from kind in Gen.Int[0, 9]
        from seed in Gen.Int[0, 1_000_000]
        select new Look(people, titles, order, blank, heading, footer, two, before, kind, seed);

    [Fact]
    public void A_list_is_read_the_same_however_it_looks() =>
        Looks.Sample(
            look =>
            {
                var people = new SamplePeople(look.Seed).Take(look.People, "370811");
                var (grid, rows) = Grid(look, people);
                var table = Table.Read(File(Content(look, grid)), Sheets.RosterForm);
                var faults = new List<Fault>();
                var read = table
                    .Rows.Select(r => new RowReader(table, r, faults, Rejections.RosterInvalid))
                    .Select(r => (r.Row, r.Name(), r.CitizenId().Value))
                    .ToList();
                Assert.Empty(faults);
                Assert.Equal(people.Zip(rows, (p, row) => (row, p.Name, p.CitizenId)), read);
                // What stands below the heading and is nobody is told, row by row.
                var others = table.Notes.Where(n => n.Row > table.HeadingRow).Select(n => n.Row!.Value);
                var filled = grid.Index().Where(r => r.Item.Any(c => c.Length > 0)).Select(r => r.Index + 1);
                Assert.Equal(filled.Where(r => r > table.HeadingRow).Except(rows), others.Order());
            },
            iter: 300
        );

    /// <summary>Whatever the formats: what is read is what the sheet shows, or the cell is a fault.</summary>
    [Fact]
    public void Days_and_amounts_are_read_as_they_are_shown_or_are_faults() =>
        ShownSheet.Any.Sample(sheet => sheet.AssertRead(sheet.Workbook()), iter: 300);

    [Theory]
    [
        InlineData("%PDF-1.7 …", "PDF"),
        InlineData("<html><table><tr><td>姓名</td></tr></table></html>", "HTML"),
        InlineData("\ufeff  <!DOCTYPE html><body>", "HTML"),
        InlineData("<?xml version=\"1.0\"?><Workbook/>", "XML"),
        InlineData("Rar!\u001a\u0007", "压缩包")
    ]
    public void What_is_no_table_is_refused_by_its_name(string content, string what)
    {
        var refused = Assert.Throws<RefusedException>(() =>
            Table.Read(File(Encoding.UTF8.GetBytes(content)), Sheets.RosterForm)
        );
        Assert.Equal(Rejections.FileInvalid, refused.Rejection.Code);
        Assert.Contains(what, refused.Rejection.Detail);
    }

    [Theory]
    [
        InlineData(
            "姓名,身份证号,姓名,身份证号\n朱桂兰,370811196203081909,郭志刚,37081119730504090X\n",
            "出现两次（A 列和 C 列）"
        ),
        InlineData(
            "姓名,身份证号\n朱桂兰,370811196203081909\n身份证号,姓名\n37081119730504090X,郭志刚\n",
            "第 3 行又是一个表头"
        ),
        InlineData("姓名,补助金额（元）,证件\n朱桂兰,120,370811196203081909\n", "缺少列")
    ]
    public void What_cannot_be_told_apart_is_not_guessed(string csv, string what) =>
        Assert.Contains(
            what,
            Assert
                .Throws<RefusedException>(() => Table.Read(File(Encoding.UTF8.GetBytes(csv)), Sheets.RosterForm))
                .Rejection.Detail
        );

    private static FormFile File(byte[] content) => new(new MemoryStream(content), 0, content.Length, "file", "x");

    /// <summary>The rows of the sheet, and in which of them the people are.</summary>
    private static (List<string[]> Grid, List<int> Rows) Grid(Look look, IReadOnlyList<SamplePerson> people)
    {
        var (grid, rows) = (new List<string[]>(), new List<int>());
        string[] Row(string number, string name, string id, string amount, string other)
        {
            var row = new string[5];
            string[] cells = [number, name, id, amount, other];
            for (var i = 0; i < 5; i++)
                row[look.Order[i]] = cells[i];
            return row;
        }
        string[] Only(string text) => [text, "", "", "", ""];
        for (var i = 0; i < look.Titles; i++)
            grid.Add(Only(i == 0 ? "2026年度前屯村集体补助名单" : $"单位：元（{i}）"));
        var heading = look.HasTwoHeadings
            ? new[] { Row("序号", "姓名", "身份证号", "补助金额", "备注"), Row("", "", "", "（元）", "") }
            : [Row("序号", "姓 名", "身份证号*", Roster.AmountColumn, "备注")];
        grid.AddRange(heading);
        for (var i = 0; i < people.Count; i++)
        {
            if (i > 0 && i % look.BlankEvery == 0)
                grid.Add(["", "", "", "", ""]);
            if (i > 0 && i % look.HeadingEvery == 0)
                grid.AddRange(heading);
            rows.Add(grid.Count + 1);
            grid.Add(Row($"{i + 1}", people[i].Name, people[i].CitizenId, i % 2 == 0 ? "120" : "", ""));
        }
        if (look.HasFooter)
        {
            grid.Add(Row("合计", "", $"{people.Count}人", "240", ""));
            grid.Add(Row("", "制表人：王五", "审核人：", "", ""));
        }
        return (grid, rows);
    }

    private static byte[] Content(Look look, List<string[]> grid)
    {
        if (look.Kind >= 5)
        {
            var notes = (
                "说明",
                (IEnumerable<IEnumerable<string>>)
                    [
                        ["先看这里"],
                        ["第二行"],
                    ],
                Sheets.RosterForm.Columns
            );
            var list = ("名单", grid.Select(r => (IEnumerable<string>)r), Sheets.RosterForm.Columns);
            return look.Before switch
            {
                0 => Workbook.Write(list),
                1 => Workbook.Write(notes, list),
                _ => Workbook.Write(notes, list, notes),
            };
        }
        var separator = ",;\t|，"[look.Seed % 5];
        var text = string.Concat(
            grid.Select(r => string.Join(separator, r.Select(c => look.Before == 1 ? $"\"{c}\"" : c)) + "\r\n")
        );
        Encoding encoding = look.Kind switch
        {
            0 => new UTF8Encoding(false),
            1 => new UTF8Encoding(true),
            2 => Encoding.GetEncoding("GB18030"),
            3 => Encoding.Unicode,
            _ => Encoding.BigEndianUnicode,
        };
        return [.. encoding.GetPreamble(), .. encoding.GetBytes(text)];
    }
}
