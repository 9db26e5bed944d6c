using System.Collections.Concurrent;
using Ledger.Api.Pages;
using Microsoft.AspNetCore.Routing;
using Microsoft.Extensions.DependencyInjection;

namespace Ledger.Web.Tests;

/// <summary>
/// Every page of every role: it opens, its pictures are drawn, axe finds nothing serious, nothing comes from elsewhere.
/// </summary>
[Collection("web")]
public sealed class EveryPageTests(WebFixture web)
{
    /// <summary>Route → who looks at it, and where; {x} are ids of the sample.</summary>
    internal static readonly (string Route, string? Role, string Path)[] Pages =
    [
        ("/", null, "/"),
        ("/sign-in", null, "/sign-in"),
        ("/docs/problems", null, "/docs/problems"),
        ("/docs/design", null, "/docs/design"),
        ("/help", null, "/help?page=/notices/{id}&back=/"),
        ("/notices", null, "/notices"),
        ("/notices/{id}", null, "/notices/{noticed}"),
        ("/notices/{id}/own", null, "/notices/{settled}/own"),
        ("/own-lines/{id}/{memberId}/{code}", null, "{ownLine}"),
        ("/proofs/{sequences}/{code}", null, "{proof}"),
        ("/verify", null, "/verify"),
        ("/objections/{id}", null, "/objections/{noticed}"),
        ("/complaints/{id}", null, "/complaints/{settled}"),
        ("/gifts/{id}/{code}", null, "{gifts}"),
        ("/funds/{id}", "VILLAGE", "/funds/{fund}"),
        ("/funds/{id}/allocations/new", "VILLAGE", "/funds/{fund}/allocations/new"),
        ("/funds/{id}/statement", "VILLAGE", "/funds/{fund}/statement"),
        ("/funds/{id}/vouchers/{sequence:long}", "VILLAGE", "{voucher}"),
        ("/funds/{id}/trial-balance", "AUDITOR", "/funds/{fund}/trial-balance?step=1"),
        ("/funds/{id}/reconciliation", "VILLAGE", "/funds/{fund}/reconciliation"),
        ("/start", "VILLAGE", "/start"),
        ("/funds/{id}/ending", "VILLAGE", "/funds/{fund}/ending"),
        ("/plans", "VILLAGE", "/plans"),
        ("/plans/new", "VILLAGE", "/plans/new"),
        ("/plans/{id}", "VILLAGE", "/plans/{plan}"),
        ("/plans/{id}/resolution", "VILLAGE", "/plans/{plan}/resolution"),
        ("/plans/{id}/dossier", "VILLAGE", "/plans/{plan}/dossier"),
        ("/collectives/{id}/survey", "VILLAGE", "/collectives/{collective}/survey"),
        ("/applications/new", "VILLAGE", "/applications/new?plan={plan}"),
        ("/members", "VILLAGE", "/members"),
        ("/applications", "REVIEWER", "/applications?waitingForMe=true"),
        ("/applications/{id}", "REVIEWER", "/applications/{filed}"),
        ("/applications/{id}", "REVIEWER", "/applications/{paid}"),
        ("/applications/{id}/review", "REVIEWER", "/applications/{filed}/review"),
        ("/contributions", "REVIEWER", "/contributions"),
        ("/agency-profiles", "REVIEWER", "/agency-profiles?form=receipts"),
        ("/members/{id}/years/{year:int}", "REVIEWER", "/members/{member}/years/{year}"),
        ("/members/{id}/estimate", "REVIEWER", "/members/{member}/estimate?year={year}"),
        ("/committee", "COMMITTEE", "/committee"),
        ("/audit", "AUDITOR", "/audit?id={settled}"),
        ("/screening", "AUDITOR", "/screening?year={year}"),
        ("/screening/{id}", "AUDITOR", "/screening/{finding}"),
        ("/samples", "AUDITOR", "/samples"),
        ("/samples/{id}", "AUDITOR", "/samples/{sample}"),
        ("/samples/{id}/papers/{number:int}", "AUDITOR", "/samples/{sample}/papers/1"),
        ("/subscriptions", "AUDITOR", "/subscriptions"),
        ("/subscriptions/{id}", "COUNTY_HRSS", "/subscriptions/{subscription}"),
        ("/jobs", "AUDITOR", "/jobs"),
        ("/jobs/{id}", "AUDITOR", "/jobs/{job}"),
        ("/proof", "AUDITOR", "/proof"),
        ("/proof/log-check", "AUDITOR", "/proof/log-check"),
        ("/proof/check", "AUDITOR", "/proof/check"),
        ("/exports", "AUDITOR", "/exports"),
        ("/trace/applications/{id}/members/{memberId}", "AUDITOR", "/trace/applications/{settled}/members/{member}"),
        (
            "/trace/applications/{id}/members/{memberId}/allocations/{allocationId}",
            "AUDITOR",
            "/trace/applications/{settled}/members/{member}/allocations/{source}"
        ),
        ("/trace/funds/{id}/allocations/{allocationId}", "AUDITOR", "/trace/funds/{settledFund}/allocations/{source}"),
        ("/overview", "COUNTY_HRSS", "/overview"),
        ("/funds", "COUNTY_HRSS", "/funds"),
        ("/supervision", "COUNTY_HRSS", "/supervision"),
        ("/ranking", "COUNTY_HRSS", "/ranking"),
        ("/comparison", "COUNTY_HRSS", "/comparison"),
        ("/comparison", "AUDITOR", "/comparison?fund={settledFund}&from={year}-01-01"),
        ("/pilots", "CITY_HRSS", "/pilots"),
        ("/policy-years", "CITY_HRSS", "/policy-years"),
        ("/donors", "COUNTY_HRSS", "/donors"),
        ("/donors/{id}", "COUNTY_HRSS", "/donors/{donor}"),
        ("/collectives", "COUNTY_AGRICULTURE", "/collectives"),
        ("/collectives/{id}", "COUNTY_AGRICULTURE", "/collectives/{collective}"),
        ("/collectives/{id}/forms", "VILLAGE", "/collectives/{collective}/forms"),
        ("/collectives/{id}/forms/{form}", "VILLAGE", "/collectives/{collective}/forms/application"),
        ("/collectives/{id}/split", "COUNTY_AGRICULTURE", "/collectives/{collective}/split"),
        ("/setup", "COUNTY_AGRICULTURE", "/setup"),
        ("/policy-years/replay", "CITY_HRSS", "/policy-years/replay"),
        ("/me", "AUDITOR", "/me"),
        ("/tasks", "REVIEWER", "/tasks"),
        ("/calendar", "VILLAGE", "/calendar"),
        ("/search", "AUDITOR", "/search?q=合作社"),
    ];

    /// <summary>Not pages but files, or of a role that the sample has not (it is in AccountPageTests).</summary>
    private static readonly string[] Elsewhere =
    [
        "/audit.xlsx",
        "/calendar.ics",
        "/calendar/{address}.ics",
        "/samples/{id}/papers.xlsx",
        "/screening.xlsx",
        "/overview.xlsx",
        "/collectives/{id}/members.xlsx",
        "/funds.xlsx",
        "/donors.xlsx",
        "/funds/{id}/statement.xlsx",
        "/funds/{id}/trial-balance.xlsx",
        "/applications.xlsx",
        "/supervision.xlsx",
        "/ranking.xlsx",
        "/comparison.xlsx",
        "/accounts",
        "/operation",
    ];

    [Fact]
    public void The_list_of_pages_is_complete()
    {
        var routes = web
            .Api.Host.Services.GetRequiredService<EndpointDataSource>()
            .Endpoints.OfType<RouteEndpoint>()
            .Where(e => e.Metadata.GetMetadata<PageMetadata>() is not null)
            .Select(e => e.RoutePattern.RawText!);
        Assert.Empty(routes.Except(Pages.Select(p => p.Route)).Except(Elsewhere));
    }

    /// <summary>What is an act of the page's own: not the way back, and not what only scrolls.</summary>
    private const string Acts =
        "main :is(a[href], button, input:not([type=hidden]), select, textarea, summary):not(.crumb *, .skip)";

    /// <summary>A page that is wider than its window, and the element at fault; null: it is not.</summary>
    private const string Overflow = """
        () => {
            const scroller = document.scrollingElement;
            if (scroller.scrollWidth <= innerWidth) return null;
            const hides = e => ['auto', 'scroll', 'hidden', 'clip'].includes(getComputedStyle(e).overflowX);
            const cut = e => e !== document.body && e.parentElement !== document.body
                && (hides(e.parentElement) || cut(e.parentElement));
            const wide = [...document.body.querySelectorAll('*')]
                .filter(e => e.getBoundingClientRect().right > innerWidth + 1 && !cut(e));
            return `${scroller.scrollWidth} px wide: ${wide.at(-1)?.outerHTML.slice(0, 200)}`;
        }
        """;

    /// <summary>
    /// One walk for all that is looked at in a wide window: two thirds of a walk are the pages' own coming.
    /// </summary>
    [Fact]
    public async Task Every_page_opens_at_a_desk_light_in_plain_words_its_first_act_near_and_its_totals_true()
    {
        var (faults, totals) = (new ConcurrentQueue<string>(), 0);
        await EachAsync(
            1366,
            768,
            faults,
            async (visitor, route, path, bytes) =>
            {
                if (bytes is < 1 or > MostBytes)
                    faults.Enqueue($"{path}: {bytes / 1024} KB");
                foreach (var fault in await PlainWordsTests.FaultsAsync(visitor.Page, route))
                    faults.Enqueue($"{path}: {fault}");
                var (seen, untrue) = await NumbersTests.CompareAsync(visitor.Page, route);
                Interlocked.Add(ref totals, seen);
                foreach (var fault in untrue)
                    faults.Enqueue($"{path}: {fault}");
                if (await FarActAsync(visitor) is { } stops)
                    faults.Enqueue($"{path}: {stops}");
            }
        );
        Assert.True(faults.IsEmpty, string.Join('\n', faults));
        Assert.True(totals > 50, $"only {totals} totals were looked at");
    }

    /// <summary>The narrowest is the hardest in large print, too: wide, it only has more room.</summary>
    [Fact]
    public async Task Every_page_opens_on_a_phone_also_in_large_print()
    {
        var faults = new ConcurrentQueue<string>();
        await EachAsync(
            390,
            844,
            faults,
            async (visitor, route, path, _) =>
            {
                await visitor.Page.EvaluateAsync(LargePrint);
                await LookAsync(visitor, $"390-large{Picture(route, path)}", path, faults);
            }
        );
        Assert.True(faults.IsEmpty, string.Join('\n', faults));
    }

    /// <summary>As a page that came in large print: what scrolls is looked at again, 100 ms after a resize.</summary>
    private const string LargePrint = """
        () => {
            document.documentElement.classList.add('large-print');
            window.dispatchEvent(new Event('resize'));
            return new Promise(then => setTimeout(then, 100));
        }
        """;

    /// <summary>The first view of a page, in an old machine's network.</summary>
    private const double MostBytes = 250 * 1024;

    /// <summary>
    /// Opens every page as who looks at it: it is there, fits into its window, and axe finds nothing serious. Two at
    /// once: while one browser window draws, the product answers the other.
    /// </summary>
    /// <param name="look">Is told the route, the path, and what came over the network.</param>
    private async Task EachAsync(
        int width,
        int height,
        ConcurrentQueue<string> faults,
        Func<Visitor, string, string, double, Task> look
    ) =>
        await Parallel.ForEachAsync(
            Pages.GroupBy(p => p.Role).SelectMany(role => role.Chunk(10)),
            new ParallelOptions { MaxDegreeOfParallelism = 2 },
            async (some, _) =>
            {
                await using var visitor = await web.VisitAsync(some[0].Role, width, height);
                var network = await visitor.Page.Context.NewCDPSessionAsync(visitor.Page);
                await network.SendAsync("Network.enable");
                await network.SendAsync("Network.setCacheDisabled", new() { ["cacheDisabled"] = true });
                var bytes = 0.0;
                network.Event("Network.loadingFinished").OnEvent += (_, e) =>
                    bytes += e!.Value.GetProperty("encodedDataLength").GetDouble();
                foreach (var (route, _, template) in some)
                {
                    var path = web.At(template);
                    bytes = 0;
                    var response = await visitor.Page.GotoAsync(path);
                    if (response!.Status != 200)
                        faults.Enqueue($"{path}: {response.Status}");
                    var came = bytes;
                    await LookAsync(visitor, $"{width}{Picture(route, path)}", path, faults);
                    await look(visitor, route, path, came);
                }
            }
        );

    /// <summary>Two applications are two pictures of one route.</summary>
    private string Picture(string route, string path) =>
        (path.Contains(web.Ids["paid"], StringComparison.Ordinal) ? "-paid" : "")
        + route.Replace('/', '_').Replace(':', '-');

    private static async Task LookAsync(Visitor visitor, string picture, string path, ConcurrentQueue<string> faults)
    {
        await visitor.ShootAsync(picture);
        if (await visitor.Page.EvaluateAsync<string?>(Overflow) is { } wide)
            faults.Enqueue($"{path}: {wide}");
        foreach (var fault in await visitor.Page.SeriousFaultsAsync())
            faults.Enqueue($"{path}: {fault}");
    }

    /// <summary>Where five tabs lead that reach no act of the page; null: they do.</summary>
    private static async Task<string?> FarActAsync(Visitor visitor)
    {
        if (await visitor.Page.Locator(Acts).CountAsync() == 0)
            return null;
        await visitor.Page.EvaluateAsync("() => { document.activeElement.blur(); getSelection().removeAllRanges(); }");
        await visitor.Page.Keyboard.PressAsync("Tab");
        await visitor.Page.Keyboard.PressAsync("Enter"); // 跳到正文
        var stops = new List<string>();
        for (var tabs = 2; tabs <= 5; tabs++)
        {
            await visitor.Page.Keyboard.PressAsync("Tab");
            if (await visitor.Page.EvaluateAsync<bool>("s => document.activeElement.matches(s)", Acts))
                return null;
            stops.Add(await visitor.Page.EvaluateAsync<string>("() => document.activeElement.outerHTML.slice(0, 80)"));
        }
        return string.Join(" → ", stops);
    }

    [Fact]
    public async Task A_reviewer_sees_fourteen_lines_at_once_on_a_small_screen()
    {
        await using var reviewer = await web.VisitAsync("REVIEWER", 1366, 768);
        await reviewer.Page.GotoAsync($"/applications/{web.Ids["filed"]}/review");
        var seen = await reviewer.Page.EvaluateAsync<int>(
            """
            () => {
                const top = document.querySelector('#grid thead').getBoundingClientRect().bottom;
                // Another test may have sent the list back: then there is nothing to submit.
                const end = document.querySelector('form[data-review]')?.getBoundingClientRect().top ?? innerHeight;
                return [...document.querySelectorAll('#rows > tr')].map(r => r.getBoundingClientRect())
                    .filter(r => r.top >= top - 1 && r.bottom <= Math.min(end, innerHeight)).length;
            }
            """
        );
        Assert.InRange(seen, 14, 40);
    }

    [Fact]
    public async Task Axe_would_find_a_field_without_a_name()
    {
        await using var visitor = await web.VisitAsync(null);
        await visitor.Page.GotoAsync("/sign-in");
        await visitor.Page.EvaluateAsync(
            "() => { const input = document.querySelector('input[name=name]'); "
                + "document.querySelector('main').append(input); }"
        );
        Assert.Contains(
            await visitor.Page.SeriousFaultsAsync(),
            fault => fault.StartsWith("label ", StringComparison.Ordinal)
        );
    }
}
