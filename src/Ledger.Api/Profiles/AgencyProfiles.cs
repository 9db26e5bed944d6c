using System.Globalization;
using System.Text;
using CsvHelper;
using Ledger.Api.Commands;
using Ledger.Api.Imports;
using Ledger.Api.Security;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Profiles;
using Marten;

namespace Ledger.Api.Profiles;

/// <summary>
/// The profiles (接口格式) that somebody may use: the sample that ships (agency-profiles.csv), and what administrators
/// wrote for their county or city.
/// </summary>
public static class AgencyProfiles
{
    public const string SampleId = "sample";

    /// <summary>A field that says for which year a row is: rows of another one are not meant.</summary>
    public const string Year = "year";

    private static readonly ProfileField YearField = new(Year, "年度", false, []);

    /// <summary>What a profile may be written for: files from the agency's system, the list to it.</summary>
    public static readonly IReadOnlyList<ProfileForm> Forms =
    [
        FormOf(Sheets.Members),
        FormOf(Sheets.Contributions, YearField),
        PaymentSheet.Form,
        FormOf(Sheets.Receipts, YearField),
        FormOf(Sheets.InsuranceChecks),
    ];

    public static readonly AgencyProfile Sample = LoadSample();

    private static ProfileForm FormOf(SheetForm form, params ProfileField[] more) =>
        new(
            form.Name,
            form.Title,
            [.. form.Columns.Select(c => new ProfileField(c.Field, c.Heading, c.Required, c.Words ?? [])), .. more]
        );

    private static AgencyProfile LoadSample()
    {
        using var stream = typeof(AgencyProfiles).Assembly.GetManifestResourceStream("agency-profiles.csv")!;
        using var csv = new CsvReader(new StreamReader(stream, Encoding.UTF8), CultureInfo.InvariantCulture);
        var rows = new List<(string Form, ProfileColumn Column)>();
        csv.Read();
        csv.ReadHeader();
        string? Cell(string name) => csv.GetField(name) is { Length: > 0 } text ? text : null;
        while (csv.Read())
            rows.Add((Cell("form")!, new(Cell("heading"), Cell("field"), Cell("value"), CodesOf(Cell("codes")))));
        return new AgencyProfile
        {
            Id = SampleId,
            Name = "居保业务系统（样例†）",
            Sheets =
            [
                .. rows.GroupBy(r => r.Form, r => r.Column)
                    .Select(g => new ProfileSheet(
                        g.Key,
                        [.. g.Where(c => c.Field != "dates")],
                        g.FirstOrDefault(c => c.Field == "dates")?.Value == ProfileDates.Digits.Word()
                            ? ProfileDates.Digits
                            : ProfileDates.Dashed
                    )),
            ],
        };
    }

    private static IReadOnlyList<ProfileCode>? CodesOf(string? text) =>
        text?.Split(';').Select(c => c.Split('=')).Select(c => new ProfileCode(c[0], c[1])).ToList();

    /// <summary>Those of the caller's county and city, of his own region, and the sample.</summary>
    public static async Task<IReadOnlyList<AgencyProfile>> ListAsync(IQuerySession session, Caller caller)
    {
        var own = caller.Actor.Region;
        var scopes = RegionCode.Scopes(own);
        var written = await session
            .Query<AgencyProfile>()
            .Where(p => p.Region.StartsWith(own) || p.Region.IsOneOf(scopes))
            .OrderBy(p => p.Id)
            .Take(Scope.MaxRows)
            .ToListAsync();
        return [Sample, .. written.Where(p => p.Sheets.Count > 0 && MayUse(p, caller))];
    }

    private static bool MayUse(AgencyProfile profile, Caller caller) =>
        caller.MaySee(profile.Region) || RegionCode.Contains(profile.Region, caller.Actor.Region);

    /// <exception cref="RefusedException"><c>not-found</c>, also for what is another county's.</exception>
    public static async Task<AgencyProfile> FindAsync(IQuerySession session, string id, Caller caller) =>
        id == SampleId ? Sample
        : await session.LoadAsync<AgencyProfile>(id) is { Sheets.Count: > 0 } profile && MayUse(profile, caller)
            ? profile
        : throw Require.NotFound(id);

    /// <summary>A profile says how a file looks; a body of JSON has names of its own.</summary>
    public static void RequireFile(string? profile, IFormFile? file)
    {
        if (file is null && !string.IsNullOrEmpty(profile))
            throw Require.Invalid("profile", "接口格式只用于表格文件，JSON 的字段名是固定的");
    }

    /// <summary>The profile's sheet of this form.</summary>
    /// <exception cref="RefusedException"><c>profile-invalid</c>: it has none.</exception>
    public static ProfileSheet SheetOf(this AgencyProfile profile, string form) =>
        profile.Of(form)
        ?? throw new RefusedException(
            new Rejection(
                Rejections.ProfileInvalid,
                $"接口格式“{profile.Name}”没有{Forms.First(f => f.Name == form).Title}的格式"
            )
            {
                Field = "profile",
            }
        );

    /// <summary>
    /// The form as this profile's files have it; as it is, where no profile was chosen. A marked copy of a refused file
    /// is made by the same (<see cref="MarkedCopy"/>).
    /// </summary>
    /// <param name="year">Of which the rows are meant.</param>
    public static async Task<SheetForm> FormAsync(
        this IQuerySession session,
        SheetForm form,
        string? profile,
        HttpContext http,
        Caller caller,
        int? year = null
    )
    {
        if (string.IsNullOrEmpty(profile))
            return form;
        var found = await FindAsync(session, profile, caller);
        var by = form.By(found.SheetOf(form.Name), found.Name, year);
        http.Items[typeof(SheetForm)] = by;
        return by;
    }

    public static SheetForm By(this SheetForm form, ProfileSheet sheet, string name, int? year)
    {
        var columns = sheet.Columns.Where(c => c.Field is not null).ToDictionary(c => c.Field!);
        var read = form
            .Columns.Where(c => columns.ContainsKey(c.Field))
            .ToLookup(c => columns[c.Field].Heading is null);
        return form with
        {
            Profile = name,
            Columns =
            [
                .. read[false].Select(c => As(c, columns[c.Field])),
                .. sheet.Columns.Where(c => c.Field is null).Select(c => Only(c.Heading!, c.Value!)),
                .. columns.GetValueOrDefault(Year) is { Heading: { } heading }
                    ? [Only(heading, $"{year}")]
                    : (Column[])[],
            ],
            Given = read[true].ToDictionary(c => c.Heading, c => columns[c.Field].Value!),
        };
    }

    private static Column As(Column own, ProfileColumn theirs) =>
        own with
        {
            Written = theirs.Heading,
            Example = theirs.CodeOf(own.Example),
            Codes = theirs.Codes?.ToDictionary(c => DocumentNumber.Clean(c.Code, out _), c => c.Word),
        };

    /// <summary>Under a key that is no heading of ours.</summary>
    private static Column Only(string heading, string value) =>
        new($"={heading}", true, value, $"固定为 {value}") { Written = heading, Only = value };

    /// <summary>As the agency writes it; the word itself where it has no code for it.</summary>
    public static string CodeOf(this ProfileColumn column, string word) =>
        column.Codes?.FirstOrDefault(c => c.Word == word)?.Code ?? word;
}
