using System.Text;
using System.Text.Encodings.Web;
using System.Text.RegularExpressions;
using System.Text.Unicode;
using Ledger.Api.Accounts;
using Ledger.Api.Commands;
using Ledger.Api.Sample;
using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;
using Ledger.Web;
using Ledger.Web.Accounts;
using Microsoft.AspNetCore.Components;
using Microsoft.AspNetCore.Http.HttpResults;
using Microsoft.AspNetCore.Localization;
using Microsoft.AspNetCore.ResponseCompression;

namespace Ledger.Api.Pages;

/// <summary>
/// What all pages have in common. A page is a GET that reads what the API reads and shows it; what it changes, it
/// changes through the API, so there is one way in. Each slice maps its own pages.
/// </summary>
public static partial class PageRoutes
{
    public static void AddPages(this IServiceCollection services, Settings settings)
    {
        services.AddRazorComponents();
        services.AddLanguages();
        services.AddSingleton(HtmlEncoder.Create(UnicodeRanges.All)); // Chinese as it is, not as six characters each
        services.AddScoped(s =>
            s.GetRequiredService<Caller>().Actor is { } actor && actor.Region.Length > 0
                ? new Viewer(
                    actor.Id,
                    actor.Role,
                    actor.Region,
                    s.GetRequiredService<Clock>().Today,
                    settings.Sample,
                    settings.Contact
                )
                : new Viewer("", "", "", s.GetRequiredService<Clock>().Today, settings.Sample, settings.Contact)
        );
        services.Configure<BrotliCompressionProviderOptions>(options =>
            options.Level = System.IO.Compression.CompressionLevel.Optimal
        );
        // No page carries a secret of ours (the session is a cookie), so compressing it gives none away; but for a
        // calendar's address, and that page is not compressed.
        services.AddResponseCompression(options =>
        {
            options.EnableForHttps = true;
            options.MimeTypes = [.. ResponseCompressionDefaults.MimeTypes, "text/html"];
        });
    }

    /// <summary>
    /// The region that a code or a village's name stands for; a name that is nobody's, or several villages', is refused
    /// with what it could be.
    /// </summary>
    public static async Task<string?> RegionAsync(string? asked, IContacts contacts, Viewer viewer)
    {
        var (region, name) = Place(asked);
        if (name is null)
            return region;
        var found = (await contacts.PlacesAsync(viewer.Region))
            .Where(p => p.Name.Contains(name, StringComparison.Ordinal))
            .ToList();
        return found.FirstOrDefault(p => p.Name == name).Region
            ?? (
                found.Select(p => p.Region).Distinct().ToList() is [var one]
                    ? one
                    : throw Require.Invalid(
                        "region",
                        found.Count == 0
                            ? $"没有叫“{name}”的集体，请改用区划代码"
                            : $"“{name}”有 {found.Count} 个：{string.Join('、', found.Take(5).Select(p => p.Name))}"
                    )
            );
    }

    /// <summary>A page's address as somebody elsewhere types or scans it.</summary>
    public static string Address(HttpContext http, string path) => $"{http.Request.Scheme}://{http.Request.Host}{path}";

    /// <summary>A page, who may open it; empty: everybody.</summary>
    public static RouteHandlerBuilder Page(
        this IEndpointRouteBuilder app,
        string path,
        Delegate show,
        params string[] roles
    )
    {
        var route = app.MapGet(path, show)
            .AddEndpointFilterFactory(Queries.Dates)
            .ExcludeFromDescription()
            .WithMetadata(new RolesMetadata(roles), new PageMetadata());
        return roles.Length == 0
            ? route.AllowAnonymous()
            : route.RequireAuthorization(policy => policy.RequireAuthenticatedUser().RequireRole(roles));
    }

    public static RazorComponentResult<T> Show<T>(object parameters)
        where T : IComponent => new(parameters);

    /// <summary>
    /// Somebody looks at this answer in a browser, also where he followed a link to a file: words and a way on, not
    /// JSON.
    /// </summary>
    public static bool IsPage(HttpContext http) =>
        HttpMethods.IsGet(http.Request.Method)
        && http.Request.Headers.Accept.ToString().Contains("text/html", StringComparison.Ordinal);

    /// <summary>
    /// A refusal as a page. What was asked in the address stands on it again, so that one wrong field is mended and
    /// nothing is typed twice.
    /// </summary>
    public static IResult Problem(Rejection rejection, HttpContext http) =>
        new RazorComponentResult<ProblemPage>(
            new
            {
                Rejection = Commands.Problem.Told(rejection, http),
                Path = http.Request.Path.Value ?? "/",
                Typed = (IReadOnlyList<(string, string)>)
                    [
                        .. http
                            .Request.Query.Where(_ =>
                                rejection.Field is { } field && http.Request.Query.ContainsKey(field)
                            )
                            .Select(q => (q.Key, q.Value.ToString())),
                    ],
            }
        )
        {
            StatusCode = rejection.Code.Status,
        };

    /// <summary>
    /// A path of this site, as a header can carry it; anything else leads home. A browser drops tabs and line ends
    /// before it looks: <c>/⇥/evil</c> is <c>//evil</c>.
    /// </summary>
    public static string Local(string? path) =>
        path is not null
        && RedirectHttpResult.IsLocalUrl(path)
        && path[0] == '/'
        && !path.Any(c => char.IsControl(c) || c == '\\')
            ? NotInHeaders.Replace(path, m => Uri.EscapeDataString(m.Value))
            : "/";

    [GeneratedRegex("[^!-~]+")]
    private static partial Regex NotInHeaders { get; }

    /// <summary>What somebody typed into an address, without what no column can hold.</summary>
    public static string Typed(string? asked) =>
        string.Concat(
                (asked ?? "").EnumerateRunes().Where(r => !Rune.IsControl(r) && r != Rune.ReplacementChar).Take(100)
            )
            .Trim();

    /// <summary>
    /// What stands in a list's filter: the beginning of a region's code, or part of a village's name.
    /// </summary>
    public static (string? Region, string? Name) Place(string? asked) =>
        asked?.Trim() is not { Length: > 0 } text ? (null, null)
        : text.All(char.IsAsciiDigit) ? (text, null)
        : (null, text);

    /// <summary>As a field for dates takes it.</summary>
    public static string? Day(DateOnly? day) => day is { } d ? Format.Date(d) : null;

    public static void MapPages(this WebApplication app, Settings settings)
    {
        app.MapGet(
                "/assets/{name}",
                (string name, HttpContext http) =>
                {
                    if (AssetFiles.Find(name) is not { } content)
                        return Results.NotFound();
                    http.Response.Headers.CacheControl = "public, max-age=31536000, immutable";
                    return Results.Bytes(
                        content,
                        Path.GetExtension(name) switch
                        {
                            ".css" => "text/css; charset=utf-8",
                            ".py" => "text/x-python; charset=utf-8",
                            _ => "text/javascript; charset=utf-8",
                        }
                    );
                }
            )
            .AllowAnonymous()
            .ExcludeFromDescription();
        app.MapGet(
                "/language",
                (string to, string? back, HttpContext http) =>
                {
                    if (Languages.All.Contains(to))
                        Choose(
                            http,
                            CookieRequestCultureProvider.DefaultCookieName,
                            CookieRequestCultureProvider.MakeCookieValue(new RequestCulture(to))
                        );
                    return Results.LocalRedirect(Local(back));
                }
            )
            .AllowAnonymous()
            .ExcludeFromDescription();
        app.MapGet(
                "/large-print",
                (bool on, string? back, HttpContext http) =>
                {
                    Choose(http, Frame.LargePrint, on ? "true" : "false");
                    return Results.LocalRedirect(Local(back));
                }
            )
            .AllowAnonymous()
            .ExcludeFromDescription();
        app.Page(
            "/sign-in",
            (string? back) =>
                Show<SignInPage>(new { Back = Local(back), People = settings.Sample ? SampleSignIn.People : [] })
        );
        app.Page("/docs/problems", () => Show<Problems>(new { }));
        app.Page("/docs/design", () => Show<DesignPage>(new { }));
        if (settings.Sample)
            app.MapSampleSignIn();
    }

    /// <summary>How somebody wants to read: it stays in the browser.</summary>
    private static void Choose(HttpContext http, string cookie, string value) =>
        http.Response.Cookies.Append(
            cookie,
            value,
            new CookieOptions
            {
                IsEssential = true,
                MaxAge = TimeSpan.FromDays(400),
                SameSite = SameSiteMode.Lax,
            }
        );

    /// <summary>Whoever is not signed in is asked to, and comes back to where he wanted to go.</summary>
    public static void RedirectToSignIn(HttpContext http)
    {
        PageSession.DeleteCookie(http);
        http.Response.Redirect($"/sign-in?back={Uri.EscapeDataString(http.Request.Path + http.Request.QueryString)}");
    }
}

/// <summary>A route that is a page: it reads, and its refusals are pages too.</summary>
public sealed record PageMetadata;
