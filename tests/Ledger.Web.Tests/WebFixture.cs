using Ledger.Api.Security;
using Ledger.Api.Storage;
using Ledger.Domain;

namespace Ledger.Web.Tests;

/// <summary>The product with its sample county as a process, and a real Chromium: Debian's.</summary>
public sealed class WebFixture : IAsyncLifetime
{
    private readonly ApiFixture _api = new();
    private IPlaywright _playwright = null!;

    public IBrowser Browser { get; private set; } = null!;
    public SampleProcess Sample { get; private set; } = null!;
    public ApiFixture Api => _api;
    public string Address => Sample.Http.BaseAddress!.ToString().TrimEnd('/');

    public async Task InitializeAsync()
    {
        await _api.InitializeAsync();
        Sample = await SampleProcess.StartAsync(_api, "web", "CITY_AUDITOR");
        // A second county asks to be a pilot: for the city to decide.
        var tokens = new Tokens(KeyFile.LoadOrCreate(Sample.At("keys.json")), TimeProvider.System);
        await new SampleClient(Sample.Http, tokens, new Actor("hrss.370812", Roles.CountyHrss, "370812")).PostAsync("/api/pilots", new { county = "370812", grounds = "集体经济基础较好" });
        _playwright = await Playwright.CreateAsync();
        Browser = await _playwright.Chromium.LaunchAsync(new() { ExecutablePath = "/usr/bin/chromium", Args = ["--no-sandbox", "--disable-gpu"] });
    }

    public async Task DisposeAsync()
    {
        await Browser.DisposeAsync();
        _playwright.Dispose();
        await Sample.DisposeAsync();
        await _api.DisposeAsync();
    }

    /// <summary>A browser of one of the sample's people, signed in by choosing him on the sign-in page; null: nobody.</summary>
    public async Task<Visitor> VisitAsync(string? variable, int width = 1280, int height = 900)
    {
        var context = await Browser.NewContextAsync(new() { BaseURL = Address, Locale = "zh-CN", TimezoneId = "Asia/Shanghai", ViewportSize = new() { Width = width, Height = height }, AcceptDownloads = true });
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
