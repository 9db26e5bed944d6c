using Ledger.Api.Notices;
using Ledger.Api.Screening;
using Ledger.Api.Security;
using Ledger.Api.Tests.Faults;
using Ledger.Domain;
using Ledger.Domain.Identity;
using Ledger.Domain.Sampling;
using Ledger.Domain.Screening;
using Ledger.Store;

namespace Ledger.Web.Tests;

/// <summary>The product with its sample county as a process, and a real Chromium: Debian's.</summary>
public sealed class WebFixture : IAsyncLifetime
{
    private readonly ApiFixture _api = new();
    private IPlaywright _playwright = null!;

    /// <summary>Whom to call at the agency, as the settings of these tests say.</summary>
    internal const string Contact = "任城区居保经办窗口 0537-1234567";

    private const string SampleWords = "样例审计自己的一句话";

    public IBrowser Browser { get; private set; } = null!;
    public SampleProduct Sample { get; private set; } = null!;

    /// <summary>What the sample's mail server takes.</summary>
    public MailSink Mails { get; } = new();
    public ApiFixture Api => _api;

    /// <summary>As the product issues them: by the data folder's keys.</summary>
    public Tokens Tokens => new(KeyFile.LoadOrCreate(Sample.At("keys.json")), TimeProvider.System);

    /// <summary>Things of the sample by name, one of each kind, as they were before anybody touched them.</summary>
    public IReadOnlyDictionary<string, string> Ids { get; private set; } = null!;

    /// <summary>An address with the ids of the sample in it.</summary>
    public string At(string template) =>
        Ids.Aggregate(template, (p, id) => p.Replace($"{{{id.Key}}}", id.Value, StringComparison.Ordinal));

    public string Address => Sample.Http.BaseAddress!.ToString().TrimEnd('/');

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        // The one that these tests need is loaded as a visitor loads it.
        var folder = Directory.CreateTempSubdirectory("ledger-sample").FullName;
        var empty = new LoadedSample(await _api.NewDatabaseAsync("web"), folder, "");
        Sample = await SampleProduct.StartAsync(
            empty,
            "CITY_AUDITOR",
            [
                ("Ledger__Contact", Contact),
                ("Ledger__Webhooks__AllowedNetworks", "127.0.0.0/8"),
                .. ApiFixture
                    .Notifying(Mails)
                    .Select(s => (s.Name.Replace(":", "__", StringComparison.Ordinal), s.Value)),
            ],
            asProcess: true // all pages' tests at once, and none of them waits for another's garbage
        );
        // A second county asks to be a pilot: for the city to decide.
        var tokens = new Tokens(KeyFile.LoadOrCreate(Sample.At("keys.json")), TimeProvider.System);
        await new SampleClient(Sample.Http, tokens, new Actor("hrss.370812", Roles.CountyHrss, "370812")).PostAsync(
            "/api/pilots",
            new { county = "370812", grounds = "集体经济基础较好" }
        );
        _playwright = await Playwright.CreateAsync();
        Assertions.SetDefaultExpectTimeout(20_000); // two cores, and the API's tests beside these
        Browser = await _playwright.Chromium.LaunchAsync(
            new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu"] }
        );
        Ids = await IdsAsync();
    }

    public async Task DisposeAsync()
    {
        await Browser.DisposeAsync();
        _playwright.Dispose();
        await Sample.DisposeAsync();
        await Mails.DisposeAsync();
        await _api.DisposeAsync();
    }

    private async Task<IReadOnlyDictionary<string, string>> IdsAsync()
    {
        var http = Sample.Http;
        async Task<System.Text.Json.JsonElement> Get(string path) =>
            System.Text.Json.JsonSerializer.Deserialize<System.Text.Json.JsonElement>(await http.GetStringAsync(path));
        async Task<System.Text.Json.JsonElement> Application(string status) =>
            (await Get($"/api/applications?status={status}"))[0];
        var settled = await Application("settled");
        var application = settled.Id();
        var member = (await Get($"/api/applications/{application}/lines?limit=1&status=credited"))
            .GetProperty("lines")[0]
            .GetProperty("memberId")
            .GetString()!;
        var trace = await Get($"/api/trace/applications/{application}/members/{member}");
        var fund = Sample.Variable("FUND");
        var statement = await Get($"/api/funds/{fund}/statement");
        var donor = Sample.Variable("DONOR");
        await using var county = await VisitAsync("COUNTY_HRSS");
        await county.Page.GotoAsync($"/donors/{donor}");
        var gifts = await county.Page.Locator("[data-copy]").First.GetAttributeAsync("data-copy");
        // The data folder's key makes the code, as the product does.
        var keys = KeyFile.LoadOrCreate(Sample.At("keys.json"));
        var ownLine = $"/own-lines/{application}/{member}/{OwnLine.Code(keys, application, member)}";
        await county.Page.GotoAsync(ownLine);
        var proof = await county.Page.Locator(".proof-link a").GetAttributeAsync("href");
        var auditor = new SampleClient(
            http,
            new Tokens(keys, TimeProvider.System),
            SampleStory.Cast.Single(c => c.Variable == "AUDITOR").Actor
        );
        var sample = await DrawnSamples.DrawnAsync(
            auditor,
            new
            {
                region = "370811",
                year = int.Parse(Sample.Variable("YEAR"), System.Globalization.CultureInfo.InvariantCulture),
                kind = "reserved",
                size = 8,
                wordsDigest = FenSample.WordsDigest(SampleWords),
            },
            SampleWords
        );
        var screened = await auditor.GetAsync<ScreeningView>($"/api/audit/screening?year={Sample.Variable("YEAR")}");
        return new Dictionary<string, string>
        {
            ["subscription"] = await SubscriptionAsync(http, keys),
            ["job"] = await JobAsync(http, keys),
            ["finding"] = screened.Screens.Single(s => s.Screen == ScreenKind.Hasty).Findings[0].Id,
            ["sample"] = sample.Id,
            ["ownLine"] = ownLine,
            ["proof"] = proof!,
            ["fund"] = fund,
            ["plan"] = Sample.Variable("PLAN"),
            ["collective"] = Sample.Variable("COLLECTIVE"),
            ["donor"] = donor,
            ["year"] = Sample.Variable("YEAR"),
            ["gifts"] = gifts!,
            ["filed"] = (await Application("filed")).Id(),
            ["noticed"] = (await Application("noticed")).Id(),
            ["paid"] = (await Application("paid")).Id(),
            ["settled"] = application,
            ["member"] = member,
            ["source"] = trace.GetProperty("sources")[0].GetProperty("allocationId").GetString()!,
            ["settledFund"] = trace.GetProperty("sources")[0].GetProperty("fundId").GetString()!,
            ["voucher"] =
                $"/funds/{fund}/vouchers/{statement.GetProperty("lines")[0].GetProperty("sequence").GetInt64()}",
        };
    }

    /// <summary>A job whose file has faults.</summary>
    private static async Task<string> JobAsync(HttpClient http, KeyFile keys)
    {
        var tax = new SampleClient(
            http,
            new Tokens(keys, TimeProvider.System),
            new Actor($"tax.{SampleStory.County}", Roles.CountyTax, SampleStory.County)
        );
        var today = Clock.Day(DateTimeOffset.UtcNow);
        var stranger = new SamplePeople(30).Next("110101");
        using var answer = await JobRun.HandInAsync(
            tax,
            $"/api/contributions/import?year={today.Year}",
            JobRun.Csv([JobRun.Row(stranger, "JW0001", today), JobRun.Row(stranger, "JW0002", today, "7")])
        );
        var location = answer.Headers.Location!.ToString();
        await ApiFixture.EventuallyAsync(
            async () => (await tax.GetAsync<Ledger.Web.Jobs.JobView>(location)).IsOver,
            "the job is over"
        );
        return location["/api/jobs/".Length..];
    }

    /// <summary>One that is proposed.</summary>
    private static async Task<string> SubscriptionAsync(HttpClient http, KeyFile keys)
    {
        var administrator = new SampleClient(
            http,
            new Tokens(keys, TimeProvider.System),
            SampleStory.Cast.Single(c => c.Variable == "ADMINISTRATOR").Actor
        );
        var opened = await administrator.PostAsync(
            "/api/subscriptions",
            new
            {
                name = "县大数据平台",
                address = "https://example.cn/ledger",
                types = (string[])["funds_allocated", "application_approved"],
            }
        );
        return opened.Id();
    }

    /// <summary>A browser of somebody who is none of the sample's people.</summary>
    public async Task<Visitor> VisitAsAsync(Actor actor, int width = 1366, int height = 768)
    {
        var visitor = await VisitAsync(null, width, height);
        var token = Tokens.Issue(actor, TimeSpan.FromDays(90)); // the sample's clock runs ahead
        await visitor.Page.Context.SetExtraHTTPHeadersAsync(
            new Dictionary<string, string> { ["Authorization"] = $"Bearer {token}" }
        );
        return visitor;
    }

    /// <summary>
    /// A village of a county of its own with some money, and its people: what other tests do, and days that they let go
    /// by, are not seen there. The county is a pilot; <paramref name="policy"/> may change its years' policy.
    /// </summary>
    public async Task<(SampleVillage Village, IReadOnlyList<SamplePerson> People)> VillageAsync(
        string county,
        string name,
        Action<System.Text.Json.Nodes.JsonNode>? policy = null,
        decimal money = 50_000
    )
    {
        var tokens = Tokens;
        var offices = new SampleOffices(actor => new SampleClient(Sample.Http, tokens, actor), county);
        var today = Clock.Day(DateTimeOffset.UtcNow);
        for (var year = today.Year - 1; year <= today.Year + 1; year++)
        {
            var parameters = SampleClient.Node(SampleOffices.PolicyYear(year));
            policy?.Invoke(parameters);
            await offices.CityHrss.PutAsync($"/api/policy-years/{county[..4]}/{year}", parameters);
        }
        await offices.OpenPilotAsync();
        var village = new SampleVillage(offices, $"{county}101201", name, 1, today.Year);
        await village.RegisterAsync();
        if (money > 0)
            await village.AllocateAsync(money, effectiveDate: today.AddDays(-60));
        return (
            village,
            new SamplePeople(int.Parse(county, System.Globalization.CultureInfo.InvariantCulture)).Take(2, county)
        );
    }

    /// <summary>
    /// A browser of one of the sample's people, signed in by choosing him on the sign-in page; null: nobody.
    /// </summary>
    public async Task<Visitor> VisitAsync(string? variable, int width = 1280, int height = 900)
    {
        var context = await Browser.NewContextAsync(
            new()
            {
                BaseURL = Address,
                Locale = "zh-CN",
                TimezoneId = "Asia/Shanghai",
                ViewportSize = new() { Width = width, Height = height },
                AcceptDownloads = true,
            }
        );
        var visitor = new Visitor(this, await context.NewPageAsync());
        if (variable is not null)
        {
            var name = SampleStory.Cast.Single(c => c.Variable == variable).Actor.Id;
            await visitor.Page.GotoAsync("/sign-in");
            await visitor.Page.GetByRole(AriaRole.Button, new() { Name = name }).ClickAsync();
            await visitor.Page.WaitForURLAsync(url => !url.Contains("/sign-in", StringComparison.Ordinal));
        }
        return visitor;
    }
}

[CollectionDefinition("web")]
public sealed class WebCollection : ICollectionFixture<WebFixture>;
