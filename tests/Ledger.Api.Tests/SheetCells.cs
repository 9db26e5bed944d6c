using DocumentFormat.OpenXml.Packaging;
using DocumentFormat.OpenXml.Spreadsheet;

namespace Ledger.Api.Tests;

/// <summary>
/// What stands in a sheet of a workbook of ours: its rows, each cell at its column, blank where there is none.
/// </summary>
public static class SheetCells
{
    public static List<string[]> Of(byte[] workbook, string sheet)
    {
        using var book = SpreadsheetDocument.Open(new MemoryStream(workbook), false);
        var id = book.WorkbookPart!.Workbook!.Descendants<Sheet>().Single(s => s.Name == sheet).Id!;
        return [.. ((WorksheetPart)book.WorkbookPart.GetPartById(id!)).Worksheet!.Descendants<Row>().Select(CellsOf)];
    }

    private static string[] CellsOf(Row row)
    {
        var cells = row.Elements<Cell>().ToDictionary(c => ColumnOf(c.CellReference!), c => c.InnerText);
        return [.. Enumerable.Range(0, cells.Keys.Append(-1).Max() + 1).Select(i => cells.GetValueOrDefault(i, ""))];
    }

    private static int ColumnOf(string reference) =>
        reference.TakeWhile(char.IsAsciiLetter).Aggregate(0, (n, c) => n * 26 + c - 'A' + 1) - 1;
}
