using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>The form of the upload that a route takes, so that a marked copy can be made of it.</summary>
public sealed record SheetMetadata(SheetForm Form);

/// <summary>
/// A refused upload as a workbook with the faults marked, the caller's own where it was one: asked for with <c>Accept:
/// …spreadsheetml.sheet</c>. It is made from the request while it is answered, so no roster with faults is kept
/// anywhere.
/// </summary>
public static class MarkedCopy
{
    private sealed record Faulty(IReadOnlyList<Place>? Faults);

    private sealed record Place(string Code, string Message, int? Row, string? Column);

    /// <summary>
    /// A workbook is marked as a tree of objects, some 200 bytes a node: above this the answer is a list.
    /// </summary>
    private const int MaxNodes = 2_500_000;

    public static async Task<IResult?> ForAsync(HttpContext http, StoredAnswer answer)
    {
        if (
            answer.Status < 400
            || !Workbook.IsWantedBy(http)
            || !http.Request.HasFormContentType
            || http.GetEndpoint()?.Metadata.GetMetadata<SheetMetadata>() is not { Form: { } usual }
        )
            return null;
        // As it was read: by the profile that was chosen. An answer that was kept is a list, where there was one.
        var form = http.Items[typeof(SheetForm)] as SheetForm ?? usual;
        var faults = JsonSerializer
            .Deserialize<Faulty>(answer.Body, JsonSerializerOptions.Web)
            ?.Faults?.Where(f => f.Row is not null)
            .Select(f => new Fault(f.Code, f.Message, Row: f.Row, Column: f.Column))
            .ToList();
        var file = (await http.Request.ReadFormAsync()).Files.FirstOrDefault(f => f.Name is "file" or "roster");
        if (file is null || faults is not { Count: > 0 })
            return null;

        await using var stream = file.OpenReadStream();
        var bytes = new byte[stream.Length];
        await stream.ReadExactlyAsync(bytes);
        return Marked(bytes, form, file.Name, faults) is { } marked
            ? Results.File(marked, Workbook.ContentType, $"{form.Title}-问题标注.xlsx")
            : null;
    }

    /// <summary>
    /// Null where the file holds no such sheet, or is too large for a tree: the answer is the list then.
    /// </summary>
    private static byte[]? Marked(byte[] bytes, SheetForm form, string field, List<Fault> faults)
    {
        if (Book.IsZip(bytes) && !Xlsx.IsAtMost(new MemoryStream(bytes), MaxNodes))
            return null;
        try
        {
            using var book = Book.Open(new MemoryStream(bytes), field, form);
            if (Table.Found(book, form) is not { } found)
                return null;
            var (sheet, content, headings) = found;
            return (Book.IsZip(bytes) ? InPlace(bytes, sheet, headings, faults) : null)
                ?? Workbook.Mark(Anew(content, form), form.Title, headings.Last.Number, headings.Columns, faults);
        }
        catch (RefusedException)
        {
            return null; // the answer says why it cannot be read
        }
    }

    /// <summary>
    /// The caller's own workbook with marks. Null where the editor of workbooks, which is stricter than our reader,
    /// makes nothing of it: the copy is made anew then.
    /// </summary>
    private static byte[]? InPlace(byte[] bytes, BookSheet sheet, Headings headings, List<Fault> faults)
    {
        try
        {
            return Workbook.Mark(bytes, sheet.Name, headings.Last.Number, headings.Columns, faults);
        }
        catch (Exception e) when (e is not (OutOfMemoryException or RefusedException))
        {
            return null;
        }
    }

    /// <summary>
    /// A workbook of the cells as they were read, each in its place. A number stays one, or its lost digits would look
    /// typed.
    /// </summary>
    private static byte[] Anew(SheetContent content, SheetForm form)
    {
        var rows = content.Rows.ToDictionary(r => r.Number);
        var width = content.Rows.SelectMany(r => r.Cells.Keys).Max() + 1;
        object? Written(SheetRow row, int column) =>
            row.Cells.TryGetValue(column, out var cell) && cell.Kind != CellKind.Merged ? cell : null;
        var grid = Enumerable
            .Range(1, content.Rows[^1].Number)
            .Select(n =>
                rows.TryGetValue(n, out var row) ? Enumerable.Range(0, width).Select(c => Written(row, c)) : []
            );
        return Workbook.Write((form.Title, grid, form.Columns));
    }
}
