using System.Diagnostics;
using System.Globalization;
using System.Text;
using ExcelDataReader;
using ExcelDataReader.Exceptions;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>
/// The older .xls (BIFF8), by ExcelDataReader. Limits on bytes, cells, rows and time stand before it.
/// </summary>
internal static class Xls
{
    private const int MaxCells = 2_000_000,
        MaxRows = 65_536;
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    static Xls() => Encoding.RegisterProvider(CodePagesEncodingProvider.Instance);

    public static Book Open(Stream stream, string field)
    {
        var bytes = new byte[stream.Length];
        stream.ReadExactly(bytes);
        if (Holds(bytes, "EncryptedPackage"))
            throw HasPassword(field);
        if (!Holds(bytes, "Workbook") && !Holds(bytes, "Book"))
            throw Book.Unreadable(
                Holds(bytes, "WordDocument")
                    ? "这是 Word 文档，不是表格；请把其中的表复制到 Excel 或 WPS 表格，另存为 .xlsx"
                    : "这不是表格文件；请上传 .xlsx 表格",
                field
            );
        if (Biff.Of(bytes, field, MaxCells) is not { HasPassword: var hasPassword } scan)
            throw Book.Damaged(".xls", field);
        if (hasPassword)
            throw HasPassword(field);
        try
        {
            using var reader = ExcelReaderFactory.CreateBinaryReader(
                new Guarded(bytes, field),
                new ExcelReaderConfiguration { FallbackEncoding = Encoding.GetEncoding("GB18030") }
            );
            return new Book(Sheets(reader, scan, field));
        }
        catch (InvalidPasswordException)
        {
            throw HasPassword(field);
        }
    }

    private static RefusedException HasPassword(string field) =>
        Book.Unreadable(
            "文件有打开密码，或设了“保护工作簿”的密码；请在 Excel 或 WPS 中打开，去掉密码后另存为 .xlsx",
            field
        );

    /// <summary>Whether a stream of this name is in the directory of the file; names are in UTF-16.</summary>
    private static bool Holds(byte[] bytes, string name) =>
        bytes.AsSpan().IndexOf(Encoding.Unicode.GetBytes(name + '\0')) >= 0;

    private static List<BookSheet> Sheets(IExcelDataReader reader, Biff.Scan scan, string field)
    {
        var (sheets, cells, formats) = (new List<BookSheet>(), 0L, new NumberFormats());
        do
        {
            if (reader.RowCount > MaxRows || (cells += (long)reader.RowCount * reader.FieldCount) > MaxCells * 4L)
                throw Book.Over($"工作簿超过 {MaxCells:N0} 个单元格", field);
            var (rows, isWider, unseen) = (new List<SheetRow>(), false, new HashSet<int>());
            for (var number = 1; reader.Read(); number++)
            {
                var row = new Dictionary<int, SheetCell>();
                for (var column = 0; column < reader.FieldCount; column++)
                {
                    var cell = scan.Errors.TryGetValue((sheets.Count, number - 1, column), out var error)
                        ? new SheetCell(error, CellKind.Error)
                        : Cell(reader.GetValue(column), reader.GetNumberFormatString(column), formats);
                    if (cell.Text.Length == 0)
                        continue;
                    if (scan.Struck.Contains((sheets.Count, number - 1, column)))
                        cell = cell with { Kind = CellKind.Struck };
                    if (column < Book.MaxColumns)
                        row[column] = cell;
                    else
                        isWider = true;
                }
                if (row.Count > 0)
                    rows.Add(new SheetRow(number, row, reader.RowHeight == 0));
            }
            var merges = (reader.MergeCells ?? []).Select(m => new Merge(
                m.FromRow + 1,
                m.FromColumn,
                m.ToRow + 1,
                m.ToColumn
            ));
            for (var column = 0; column < Math.Min(reader.FieldCount, Book.MaxColumns); column++)
                if (reader.GetColumnWidth(column) == 0)
                    unseen.Add(column);
            var content = new SheetContent(rows, [.. merges], isWider, Hidden: unseen);
            sheets.Add(
                new BookSheet(
                    reader.Name,
                    reader.VisibleState is not (null or "visible"),
                    limit => content with { Rows = [.. content.Rows.Take(limit)] }
                )
            );
        } while (reader.NextResult());
        return sheets;
    }

    private static SheetCell Cell(object? value, string? code, NumberFormats formats) =>
        value switch
        {
            null => new SheetCell(""),
            string text => new SheetCell(text.Trim()),
            bool flag => new SheetCell(flag ? "TRUE" : "FALSE", CellKind.Flag),
            DateTime at => formats.Day(at, code),
            double number => formats.Shown(SheetCell.Number(number.ToString("R", CultureInfo.InvariantCulture)), code),
            IFormattable other => formats.Shown(
                SheetCell.Number(other.ToString(null, CultureInfo.InvariantCulture)),
                code
            ),
            _ => new SheetCell($"{value}"),
        };

    /// <summary>
    /// The file as a stream that ends the reading when it goes on too long: a chain of sectors may run in a circle.
    /// </summary>
    private sealed class Guarded(byte[] bytes, string field) : MemoryStream(bytes, writable: false)
    {
        private readonly Stopwatch _since = Stopwatch.StartNew();
        private readonly long _most = 64L * bytes.Length + (1 << 20);
        private long _read;

        public override int Read(byte[] buffer, int offset, int count)
        {
            _read += count;
            if (_read > _most || _since.Elapsed > Patience)
                throw Book.Over("文件读取时间过长；请另存为 .xlsx 后上传", field);
            return base.Read(buffer, offset, count);
        }
    }
}
