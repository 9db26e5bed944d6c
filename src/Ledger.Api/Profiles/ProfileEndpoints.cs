using Ledger.Api.Accounts;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Profiles;
using Marten;

namespace Ledger.Api.Profiles;

/// <summary>A word without a code is read and written as it is.</summary>
public sealed record ProfileCodeBody(string? Word = null, string? Code = null);

public sealed record ProfileColumnBody(
    string? Heading = null,
    string? Field = null,
    string? Value = null,
    IReadOnlyList<ProfileCodeBody>? Codes = null
);

/// <summary>
/// A sheet of a profile. A column without heading and value is one that the file does not have, and is left out.
/// <paramref name="Header"/>: of a preview only, the heading row of a file, separated by tabs or commas.
/// </summary>
public sealed record ProfileBody(
    string? Name,
    string? Form,
    IReadOnlyList<ProfileColumnBody>? Columns,
    ProfileDates? Dates = null,
    string? Header = null
);

public sealed record AgencyProfileView(
    string Id,
    int Version,
    string Name,
    string Region,
    IReadOnlyList<ProfileSheet> Sheets
)
{
    public static AgencyProfileView Of(AgencyProfile p) => new(p.Id, p.Revision, p.Name, p.Region, p.Sheets);
}

/// <summary>What of a heading row a profile reads. <paramref name="Column"/>: A, B …; null: it is not there.</summary>
public sealed record PreviewedColumn(string Heading, string Means, string? Column);

public sealed record ProfilePreviewView(
    int Columns,
    int FoundCount,
    IReadOnlyList<PreviewedColumn> Found,
    IReadOnlyList<PreviewedColumn> Missing,
    IReadOnlyList<PreviewedColumn> Unread
);

/// <summary>What the city, counties and townships in one's region are called; a row without a code is none.</summary>
public sealed record RegionNamesBody(IReadOnlyList<RegionNameBody>? Regions);

public sealed record RegionNameBody(string? Code = null, string? Name = null);

public sealed record RegionNamesView(string Region, int Version, IReadOnlyList<NamedRegion> Regions);

/// <summary>Profiles of the agency's system (接口格式).</summary>
public static class ProfileEndpoints
{
    private const int MaxHeader = 4000;

    public static void MapProfiles(this IEndpointRouteBuilder api)
    {
        api.MapGet(
                "/agency-profiles",
                async (IQuerySession session, Caller caller) =>
                    (await AgencyProfiles.ListAsync(session, caller)).Select(AgencyProfileView.Of).ToList()
            )
            .Reading<IReadOnlyList<AgencyProfileView>>(
                "list-agency-profiles",
                "经办系统的接口格式：样例和本地的 · Profiles of the agency's system",
                Roles.Everybody
            );
        api.MapGet(
                "/agency-profiles/{id}",
                async (string id, IQuerySession session, Caller caller, HttpContext http) =>
                    Reading.Of(http, await AgencyProfiles.FindAsync(session, id, caller), AgencyProfileView.Of, id)
            )
            .Reading<AgencyProfileView>("read-agency-profile", "查看接口格式 · Read a profile", Roles.Everybody)
            .Refuses(Rejections.NotFound);
        api.MapGet("/agency-profiles/{id}/template.xlsx", Template)
            .Reading<byte[]>(
                "download-profile-template",
                "按接口格式的空表，列名和代码与经办系统的文件一致 · An empty file as the agency's system has it",
                Roles.Everybody
            )
            .Refuses(Rejections.NotFound, Rejections.ProfileInvalid);
        api.MapPost("/agency-profiles", Write)
            .Command<AgencyProfileView>(
                "write-agency-profile",
                "编写接口格式：哪一列是哪个字段，哪个代码是哪个词 · Write a profile: which column and code stands for what",
                Roles.Administrator
            )
            .Refuses(
                Rejections.ProfileInvalid,
                Rejections.PersonalDataInText,
                Rejections.FieldInvalid,
                Rejections.VersionMismatch
            )
            .Example(
                """
                {"name":"县居保系统","form":"insurance-checks","columns":[
                  {"heading":"aac002","field":"citizenId"},{"heading":"核查日期","field":"on"},
                  {"heading":"终止原因","field":"finding","codes":[{"word":"已死亡","code":"1401"}]},
                  {"heading":"aae341","value":"6"}]}
                """
            );
        api.MapPost("/agency-profiles/preview", Preview)
            .Command<ProfilePreviewView>(
                "preview-agency-profile",
                "试读：一行表头按这个格式读出什么，不保存 · What a heading row is read as; nothing is kept",
                Roles.Administrator
            )
            .Refuses(Rejections.ProfileInvalid, Rejections.PersonalDataInText, Rejections.FieldInvalid)
            .Example(
                """
                {"name":"县居保系统","form":"members","header":"aac002\taac003\taae005","columns":[
                  {"heading":"aac002","field":"citizenId"},{"heading":"aac003","field":"name"}]}
                """
            );
    }

    public static void MapRegionNames(this IEndpointRouteBuilder api) =>
        api.MapPut("/region-names", NameRegions)
            .Command<RegionNamesView>(
                "name-regions",
                "登记区划名称：市、县、乡镇叫什么，页面上代替代码 · What the regions in one's own are called",
                Roles.Administrator
            )
            .Refuses(Rejections.PersonalDataInText, Rejections.FieldInvalid, Rejections.VersionMismatch)
            .Example(
                """
                {"regions":[{"code":"370811","name":"任城区"},{"code":"370811111","name":"喻屯镇"}]}
                """
            );

    private static async Task<Answer> NameRegions(RegionNamesBody body, Command command, ShownNames names)
    {
        var region = command.Actor.Region;
        var regions = (body.Regions ?? [])
            .Select((r, i) => (r?.Code, r?.Name, At: $"regions[{i}]"))
            .Where(r => !string.IsNullOrWhiteSpace(r.Code) || !string.IsNullOrWhiteSpace(r.Name))
            .Select(r => new NamedRegion(
                (r.Code ?? "").Trim(),
                Require.Name(r.Name, $"{r.At}.name", AgencyProfileDecider.MaxText)
            ))
            .ToList();
        var id = StreamId.RegionNames(region);
        var known = await command.FindAsync<AgencyProfile>(id);
        if (known is not null)
            command.RequireMatch(known);
        var decision = AgencyProfileDecider.NameRegions(known, region, regions);
        if (known is null && decision is { Rejection: null, Events.Count: 0 })
            return new Answer(new RegionNamesView(region, 0, []));
        var state = command.Append(id, known, decision);
        names.Forget(Contacts.RegionsKey(region));
        return new Answer(new RegionNamesView(region, state.Revision, state.Regions), state.Revision);
    }

    private static async Task<Answer> Write(ProfileBody body, Command command)
    {
        var (name, sheet, form) = Read(body);
        var region = command.Actor.Region;
        var id = StreamId.AgencyProfile(region, name);
        var known = await command.FindAsync<AgencyProfile>(id);
        if (known is not null)
            command.RequireMatch(known);
        var decision = AgencyProfileDecider.Write(known, region, name, sheet, form);
        var state = command.Append(id, known, decision);
        return known is null
            ? Answer.Created($"/api/agency-profiles/{id}", AgencyProfileView.Of(state), state.Revision)
            : new Answer(AgencyProfileView.Of(state), state.Revision);
    }

    private static Answer Preview(ProfileBody body)
    {
        var (_, sheet, form) = Read(body);
        if (AgencyProfileDecider.Faults(sheet, form) is { Count: > 0 } faults)
            throw new RefusedException(
                new Rejection(Rejections.ProfileInvalid, string.Join("；", faults.Select(f => f.Message)))
                {
                    Field = faults[0].Field,
                    Faults = faults.Count > 1 ? faults : [],
                }
            );
        return new Answer(Previewed(sheet, form, Require.Prose(HeaderRow(body.Header), "header", MaxHeader)));
    }

    /// <summary>The first line that has anything; tabs count as what separates, not as characters of control.</summary>
    private static string HeaderRow(string? header) =>
        (header ?? "")
            .Split('\n')
            .Select(l => l.Trim('\r'))
            .FirstOrDefault(l => l.Trim().Length > 0, "")
            .Replace('\t', ',');

    private static ProfilePreviewView Previewed(ProfileSheet sheet, ProfileForm form, string header)
    {
        var cells = header.Split(',', '，').Select(c => c.Trim().Trim('"')).ToList();
        var seen = sheet
            .Columns.Where(c => c.Heading is not null)
            .Select(c =>
            {
                var at = cells.FindIndex(h => Headings.Normal(h) == Headings.Normal(c.Heading!));
                return new PreviewedColumn(
                    c.Heading!,
                    c.Field is null ? $"只读取 {c.Value}" : form.Fields.First(f => f.Name == c.Field).Label,
                    at < 0 ? null : Table.ColumnName(at)
                );
            })
            .ToList();
        var found = seen.Where(c => c.Column is not null).ToList();
        return new ProfilePreviewView(
            cells.Count,
            found.Count,
            found,
            [.. seen.Where(c => c.Column is null)],
            [
                .. cells
                    .Select((h, i) => new PreviewedColumn(h, "", Table.ColumnName(i)))
                    .Where(c => c.Heading.Length > 0 && found.All(f => f.Column != c.Column)),
            ]
        );
    }

    private static (string Name, ProfileSheet Sheet, ProfileForm Form) Read(ProfileBody body)
    {
        var name = Require.Name(body.Name, "name", AgencyProfileDecider.MaxText);
        var form =
            AgencyProfiles.Forms.FirstOrDefault(f => f.Name == body.Form)
            ?? throw Require.Invalid("form", Require.OneOf(AgencyProfiles.Forms.Select(f => f.Name)));
        var columns = (body.Columns ?? [])
            .Select((c, i) => c is null ? new ProfileColumn(null) : Read(c, $"columns[{i}]"))
            .Where(c => c.Heading is not null || c.Value is not null)
            .ToList();
        return (name, new ProfileSheet(form.Name, columns, body.Dates ?? ProfileDates.Dashed), form);
    }

    private static ProfileColumn Read(ProfileColumnBody column, string at)
    {
        string? Text(string? text, string field) =>
            Require.OptionalProse(text, $"{at}.{field}", AgencyProfileDecider.MaxText);
        return new ProfileColumn(
            Text(column.Heading, "heading"),
            Text(column.Field, "field"),
            Text(column.Value, "value"),
            (column.Codes ?? [])
                .Select((c, i) => (Word: Text(c?.Word, $"codes[{i}].word"), Code: Text(c?.Code, $"codes[{i}].code")))
                .Where(c => c.Code is not null)
                .Select(c => new ProfileCode(c.Word ?? "", c.Code!))
                .ToList()
                is { Count: > 0 } codes
                ? codes
                : null
        );
    }

    /// <param name="form">Of which file; absent: of the profile's first.</param>
    private static async Task<IResult> Template(string id, string? form, IQuerySession session, Caller caller)
    {
        var profile = await AgencyProfiles.FindAsync(session, id, caller);
        form ??= profile.Sheets[0].Form;
        if (AgencyProfiles.Forms.All(f => f.Name != form))
            throw Require.NotFound($"表格 {form}；有 {string.Join("、", AgencyProfiles.Forms.Select(f => f.Name))}");
        var sheet = profile.SheetOf(form);
        return Workbook.File(
            Sheets.All.FirstOrDefault(s => s.Name == form) is { } own
                ? Workbook.Template(own.By(sheet, profile.Name, null))
                : Workbook.Write(PaymentSheet.By(sheet, [])),
            $"{profile.Name}-{form}"
        );
    }
}
