using System.Runtime.CompilerServices;

namespace Ledger.Web.Tests;

/// <summary>
/// Somebody in front of a browser. At the end there was no error on the console and no request to another host.
/// </summary>
public sealed class Visitor : IAsyncDisposable
{
    internal static readonly string Screenshots = Path.Combine(Folder(), "screenshots");
    private readonly List<string> _wrong = [];

    public IPage Page { get; }

    public Visitor(WebFixture web, IPage page)
    {
        Page = page;
        page.Console += (_, message) =>
        {
            // The browser itself notes each answer of 400 and above; that it was shown to the person is what the tests
            // look at.
            if (
                message.Type == "error"
                && !message.Text.StartsWith("Failed to load resource", StringComparison.Ordinal)
            )
                _wrong.Add($"{page.Url} console: {message.Text}");
        };
        page.PageError += (_, error) => _wrong.Add($"{page.Url} script: {error}");
        page.Request += (_, request) =>
        {
            if (
                !request.Url.StartsWith(web.Address, StringComparison.Ordinal)
                && !request.Url.StartsWith("data:", StringComparison.Ordinal)
                && !request.Url.StartsWith("blob:", StringComparison.Ordinal)
            )
                _wrong.Add($"{page.Url} other host: {request.Url}");
        };
        page.Dialog += (_, dialog) => _ = dialog.AcceptAsync();
    }

    private static string Folder([CallerFilePath] string path = "") => Path.GetDirectoryName(path)!;

    /// <summary>For a person to look at; the folder is not kept in git.</summary>
    public async Task ShootAsync(string name)
    {
        Directory.CreateDirectory(Screenshots);
        await DrawnAsync();
        var (width, height) = (
            Page.ViewportSize!.Width,
            await Page.EvaluateAsync<int>("() => document.documentElement.scrollHeight")
        );
        await Page.ScreenshotAsync(
            new()
            {
                Path = Path.Combine(Screenshots, $"{name}.png"),
                FullPage = true,
                Clip = new() { Width = width, Height = Math.Min(height, 2 * width) },
            }
        );
    }

    /// <summary>The charts of the page are there.</summary>
    public Task DrawnAsync() =>
        Page.WaitForFunctionAsync(
            "() => [...document.querySelectorAll('[data-chart]')].every(c => c.dataset.drawn && c.querySelector('svg'))"
        );

    /// <summary>Somewhere on the page, and not only among what a list could be filtered by.</summary>
    public Task SeesAsync(string text) =>
        Assertions
            .Expect(Page.GetByText(text).Filter(new() { Visible = true }).First)
            .ToBeVisibleAsync(new() { Timeout = 15_000 });

    /// <summary>Once the page's script has run: a reload shows the text before it.</summary>
    public async Task ClickAsync(string button)
    {
        await Page.WaitForLoadStateAsync();
        await Page.GetByRole(AriaRole.Button, new() { Name = button, Exact = true }).First.ClickAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await Page.Context.CloseAsync();
        Assert.True(_wrong.Count == 0, string.Join('\n', _wrong));
    }
}
