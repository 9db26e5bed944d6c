using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>The form of the upload that a route takes, so that a marked copy can be made of it.</summary>
public sealed record SheetMetadata(SheetForm Form);

/// <summary>
/// A refused upload as the caller's own workbook with the faults marked: asked for with <c>Accept: …spreadsheetml.sheet</c>. It is made
/// from the request while it is answered, so no roster with faults is kept anywhere.
/// </summary>
public static class MarkedCopy
{
    private sealed record Faulty(IReadOnlyList<Place>? Faults);

    private sealed record Place(string Code, string Message, int? Row, string? Column);

    /// <summary>A workbook is marked as a tree of objects, some 200 bytes a node: above this the answer is a list.</summary>
    private const int MaxNodes = 2_500_000;

    public static async Task<IResult?> ForAsync(HttpContext http, StoredAnswer answer)
    {
        if (
            answer.Status < 400
            || !Workbook.IsWantedBy(http)
            || !http.Request.HasFormContentType
            || http.GetEndpoint()?.Metadata.GetMetadata<SheetMetadata>() is not { Form: { } form }
        )
            return null;
        var faults = JsonSerializer
            .Deserialize<Faulty>(answer.Body, JsonSerializerOptions.Web)
            ?.Faults?.Where(f => f.Row is not null)
            .Select(f => new Fault(f.Code, f.Message, Row: f.Row, Column: f.Column))
            .ToList();
        var file = (await http.Request.ReadFormAsync()).Files.FirstOrDefault(f => f.Name is "file" or "roster");
        if (file is null || faults is not { Count: > 0 })
            return null;

        using var content = new MemoryStream();
        await file.CopyToAsync(content);
        content.Position = 0;
        if (Table.IsZip(content) && !Xlsx.IsAtMost(content, MaxNodes))
            return null;
        content.Position = 0;
        var xlsx = Table.IsZip(content)
            ? content.ToArray()
            : Workbook.Write((form.Title, Grid(file, form), form.Columns));
        var heading = Table
            .AllRows(file, Table.HeadingSearchRows)
            .Select(r => (r.Number, Columns: Table.Headings(r, form)))
            .MaxBy(h => h.Columns.Count);
        return Results.File(
            Workbook.Mark(xlsx, heading.Number, heading.Columns, faults),
            Workbook.ContentType,
            $"{form.Title}-问题标注.xlsx"
        );
    }

    /// <summary>A .csv as rows of equal width; empty rows keep their place, so that row numbers stay true.</summary>
    private static IEnumerable<IEnumerable<string>> Grid(IFormFile file, SheetForm form)
    {
        var rows = Table.AllRows(file, form.MaxRows + 20).ToDictionary(r => r.Number);
        var width = rows.Values.SelectMany(r => r.Cells.Keys).Max() + 1;
        return Enumerable
            .Range(1, rows.Keys.Max())
            .Select(n =>
                Enumerable
                    .Range(0, width)
                    .Select(c =>
                        rows.TryGetValue(n, out var row) && row.Cells.TryGetValue(c, out var cell) ? cell.Text : ""
                    )
            );
    }
}
