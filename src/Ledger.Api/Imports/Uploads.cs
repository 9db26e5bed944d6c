using System.Text.Json;
using Ledger.Api.Commands;
using Ledger.Domain;

namespace Ledger.Api.Imports;

/// <summary>What all uploads have in common.</summary>
public static class Uploads
{
    /// <summary>
    /// All or nothing: an upload with faults is refused whole, every fault at once, unless the caller asked for the
    /// sound part.
    /// </summary>
    public static void RefuseFaults(IReadOnlyList<Fault> faults, bool? partial, Table table, RejectionCode code) =>
        RefuseFaults(table.Told(faults), partial, table.Form.Title, table.Notes, code);

    public static void RefuseFaults(
        IReadOnlyList<Fault> faults,
        bool? partial,
        string title,
        IReadOnlyList<Note> notes,
        RejectionCode code
    )
    {
        if (faults.Count == 0 || partial == true)
            return;
        var rows = faults.Select(f => f.Row).Distinct().Count();
        throw new RefusedException(
            new Rejection(code, $"{title}有 {faults.Count} 处问题（{rows} 行），没有存入任何内容")
            {
                Faults = faults,
                Notes = notes,
            }
        );
    }

    /// <summary>A body as JSON, or as form fields beside a list in a field of its own.</summary>
    /// <exception cref="BadHttpRequestException">Neither of the two, or JSON that cannot be read.</exception>
    /// <exception cref="RefusedException"><c>file-invalid</c>: a form without the roster.</exception>
    public static async Task<(T Body, IFormFile? Roster)> BodyOrRosterAsync<T>(
        HttpRequest request,
        JsonSerializerOptions json,
        Func<IFormCollection, T> fields,
        string field = "roster"
    )
        where T : class
    {
        if (request.HasFormContentType)
        {
            var form = await request.ReadFormAsync();
            return (
                fields(form),
                form.Files[field]
                    ?? throw new RefusedException(
                        new Rejection(Rejections.FileInvalid, "没有收到名单文件，请选择文件后再提交") { Field = field }
                    )
            );
        }
        if (!request.HasJsonContentType())
            throw new BadHttpRequestException(
                "Content-Type 应为 application/json 或 multipart/form-data",
                StatusCodes.Status415UnsupportedMediaType
            );
        try
        {
            return (
                await request.ReadFromJsonAsync<T>(json) ?? throw new BadHttpRequestException("请求内容为空"),
                null
            );
        }
        catch (JsonException e)
        {
            throw new BadHttpRequestException(e.Message, e);
        }
    }

    /// <summary>A route that takes a spreadsheet of this form as multipart/form-data.</summary>
    public static RouteHandlerBuilder TakesSheet(this RouteHandlerBuilder route, SheetForm form) =>
        route.WithMetadata(new SheetMetadata(form), new OtherFormMetadata(MarkedCopy.ForAsync)).DisableAntiforgery();

    public static void MapTemplates(this IEndpointRouteBuilder api) =>
        api.MapGet(
                "/templates/{name}.xlsx",
                (string name) =>
                    Sheets.All.FirstOrDefault(s => s.Name == name) is { } form
                        ? Results.File(Workbook.Template(form), Workbook.ContentType, $"{form.Title}-模板.xlsx")
                        : throw Require.NotFound($"模板 {name}；有 {string.Join("、", Sheets.All.Select(s => s.Name))}")
            )
            .Reading<byte[]>(
                "download-template",
                "下载填报模板 · Download an upload template (members, contributions, roster, receipts)"
            )
            .Refuses(Rejections.NotFound);
}
