using Ledger.Domain.Identity;

namespace Ledger.Domain.Profiles;

/// <summary>Which code of the agency's system stands for one of our words (1401 for 已死亡).</summary>
public sealed record ProfileCode(string Word, string Code);

/// <summary>
/// A column of the agency's file (aac002). <paramref name="Field"/>: which of the form's fields it carries; null: a
/// column that only the agency knows, which holds <paramref name="Value"/> in every row that is meant (aae341 = 6).
/// Without a heading the file does not have it, and each row is taken to say <paramref name="Value"/>, one of the
/// field's words.
/// </summary>
public sealed record ProfileColumn(
    string? Heading,
    string? Field = null,
    string? Value = null,
    IReadOnlyList<ProfileCode>? Codes = null
);

/// <summary>How dates are written into a list; read they are either way.</summary>
public enum ProfileDates
{
    Dashed,
    Digits,
}

/// <summary>One of the agency's files, as a table of data.</summary>
public sealed record ProfileSheet(
    string Form,
    IReadOnlyList<ProfileColumn> Columns,
    ProfileDates Dates = ProfileDates.Dashed
);

/// <summary>A field that a form has. <paramref name="Words"/>: all that it may say, where they are few.</summary>
public sealed record ProfileField(string Name, string Label, bool Required, IReadOnlyList<string> Words);

/// <summary>What a profile may be written for.</summary>
public sealed record ProfileForm(string Name, string Title, IReadOnlyList<ProfileField> Fields);

public sealed record AgencyProfileRecorded(string Region, string Name, ProfileSheet Sheet) : IEventOf<AgencyProfile>;

/// <summary>What a city, a county or a township is called (区划名称).</summary>
public sealed record NamedRegion(string Code, string Name);

/// <summary>What the regions in one's own are called from now on: all of them, an earlier list is over.</summary>
public sealed record RegionsNamed(string Region, IReadOnlyList<NamedRegion> Regions) : IEventOf<AgencyProfile>;

/// <summary>
/// How the files of an agency's system look (接口格式), form by form: data, so that another system needs no code. Its
/// latest sheet of a form is the one in use; what was read by an earlier one stays as it was read.
/// </summary>
public sealed record AgencyProfile : Aggregate, IEvolve<AgencyProfile>
{
    public string Name { get; init; } = "";
    public IReadOnlyList<ProfileSheet> Sheets { get; init; } = [];

    /// <summary>City, counties and townships by name; villages have their collectives'.</summary>
    public IReadOnlyList<NamedRegion> Regions { get; init; } = [];

    public ProfileSheet? Of(string form) => Sheets.FirstOrDefault(s => s.Form == form);

    public static AgencyProfile Evolve(AgencyProfile? state, IEventOf<AgencyProfile> e) =>
        e switch
        {
            AgencyProfileRecorded w => (state ?? new AgencyProfile()) with
            {
                Region = w.Region,
                Name = w.Name,
                Sheets = [.. (state?.Sheets ?? []).Where(s => s.Form != w.Sheet.Form), w.Sheet],
            },
            RegionsNamed n => (state ?? new AgencyProfile()) with
            {
                Region = n.Region,
                Name = AgencyProfileDecider.RegionNames,
                Regions = n.Regions,
            },
            _ => throw InvariantViolationException.Unknown(e),
        };
}

public static class AgencyProfileDecider
{
    public const int MaxColumns = 60,
        MaxText = 40,
        MaxRegions = 500;

    /// <summary>The profile that has the names of regions, and no file.</summary>
    public const string RegionNames = "区划名称";

    /// <summary>The same list again is no event.</summary>
    public static Decision<AgencyProfile> NameRegions(
        AgencyProfile? state,
        string region,
        IReadOnlyList<NamedRegion> regions
    )
    {
        if (regions.Count > MaxRegions)
            return new Rejection(Rejections.FieldInvalid, $"最多 {MaxRegions} 个区划") { Field = "regions" };
        var seen = new HashSet<string>();
        for (var i = 0; i < regions.Count; i++)
            if (Fault(regions[i].Code, region, seen) is { } fault)
                return new Rejection(Rejections.FieldInvalid, fault) { Field = $"regions[{i}].code" };
        return state?.Regions.SequenceEqual(regions) ?? regions.Count == 0
            ? Array.Empty<IEventOf<AgencyProfile>>()
            : new IEventOf<AgencyProfile>[] { new RegionsNamed(region, regions) };
    }

    private static string? Fault(string code, string region, HashSet<string> seen) =>
        RegionCode.Fault(code, RegionCode.CityLength, RegionCode.CountyLength, RegionCode.TownshipLength) is { } fault
            ? fault
        : !RegionCode.Contains(region, code) ? $"{code} 不在 {region} 以内"
        : !seen.Add(code) ? $"{code} 出现两次"
        : null;

    /// <summary>A new profile, or another sheet of it; what it says already is no event.</summary>
    public static Decision<AgencyProfile> Write(
        AgencyProfile? state,
        string region,
        string name,
        ProfileSheet sheet,
        ProfileForm form
    )
    {
        if (Faults(sheet, form) is { Count: > 0 } faults)
            return new Rejection(Rejections.ProfileInvalid, string.Join("；", faults.Select(f => f.Message)))
            {
                Field = faults[0].Field,
                Faults = faults.Count > 1 ? faults : [],
            };
        return state?.Of(sheet.Form) is { } known && IsSame(known, sheet)
            ? Array.Empty<IEventOf<AgencyProfile>>()
            : new IEventOf<AgencyProfile>[] { new AgencyProfileRecorded(region, name, sheet) };
    }

    /// <summary>Everything that keeps a file from being read, or from being read in one way only.</summary>
    public static IReadOnlyList<Fault> Faults(ProfileSheet sheet, ProfileForm form)
    {
        var faults = new List<Fault>();
        var fields = form.Fields.ToDictionary(f => f.Name);
        var (headings, seen) = (new HashSet<string>(), new HashSet<string>());
        void Wrong(string field, string message) =>
            faults.Add(new Fault(Rejections.ProfileInvalid.Code, message, Field: field));

        if (sheet.Columns.Count > MaxColumns)
            Wrong("columns", $"最多 {MaxColumns} 列");
        foreach (var (column, at) in sheet.Columns.Select((c, i) => (c, $"columns[{i}]")))
        {
            if (column.Heading is { } heading && !headings.Add(Plain(heading)))
                Wrong($"{at}.heading", $"表头“{heading}”出现两次");
            if (column.Field is null)
            {
                if (column.Heading is null || column.Value is null)
                    Wrong($"{at}.value", "经办系统自己的列须写表头和固定值");
            }
            else if (!fields.TryGetValue(column.Field, out var field))
                Wrong(
                    $"{at}.field",
                    $"{form.Title}没有字段“{column.Field}”；有 {string.Join("、", form.Fields.Select(f => f.Name))}"
                );
            else if (!seen.Add(field.Name))
                Wrong($"{at}.field", $"字段“{field.Label}”出现两次");
            else
                FieldFaults(column, field, at, Wrong);
        }
        foreach (var field in form.Fields.Where(f => f.Required && !seen.Contains(f.Name)))
            Wrong("columns", $"缺少“{field.Label}”，{form.Title}须有这一列");
        return faults;
    }

    private static void FieldFaults(ProfileColumn column, ProfileField field, string at, Action<string, string> wrong)
    {
        if (column.Heading is null && (column.Value is null || !field.Words.Contains(column.Value)))
            wrong(
                $"{at}.value",
                field.Words.Count == 0
                    ? $"“{field.Label}”须写表头"
                    : $"“{field.Label}”没有表头的，固定值应为{string.Join("、", field.Words)}之一"
            );
        if (column.Heading is not null && column.Value is not null)
            wrong($"{at}.value", $"“{field.Label}”已有表头，不写固定值");
        var codes = column.Codes ?? [];
        foreach (var (code, i) in codes.Select((c, i) => (c, i)))
        {
            var other = codes.Take(i).FirstOrDefault(c => c.Word == code.Word || Plain(c.Code) == Plain(code.Code));
            if (!field.Words.Contains(code.Word))
                wrong($"{at}.codes[{i}].word", $"“{field.Label}”没有“{code.Word}”这一项");
            else if (other is not null)
                wrong(
                    $"{at}.codes[{i}].code",
                    other.Word == code.Word
                        ? $"“{code.Word}”的代码出现两次"
                        : $"代码“{code.Code}”既指“{other.Word}”又指“{code.Word}”"
                );
            else if (field.Words.Any(w => w != code.Word && Plain(w) == Plain(code.Code)))
                wrong($"{at}.codes[{i}].code", $"“{code.Code}”是本系统的另一项，不能作“{code.Word}”的代码");
        }
    }

    /// <summary>As headings and codes are compared: width and spaces make no other one.</summary>
    private static string Plain(string text) => new([.. Written.Narrow(text).Where(c => !char.IsWhiteSpace(c))]);

    private static bool IsSame(ProfileSheet one, ProfileSheet other) =>
        one.Dates == other.Dates
        && one.Columns.Count == other.Columns.Count
        && one.Columns.Zip(other.Columns)
            .All(p =>
                p.First with { Codes = null } == p.Second with { Codes = null }
                && (p.First.Codes ?? []).SequenceEqual(p.Second.Codes ?? [])
            );
}
