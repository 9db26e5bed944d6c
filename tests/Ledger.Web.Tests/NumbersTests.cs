namespace Ledger.Web.Tests;

/// <summary>
/// Each total of each page is what its list sums to: the figures that name a list (Total.razor), and the foot of every
/// table.
/// </summary>
[Collection("web")]
public sealed class NumbersTests(WebFixture web)
{
    /// <summary>Figures at the head of a page that measure something and count no list.</summary>
    private static readonly (string Route, string Name)[] Measures = [("/proof", "条目")];

    /// <summary>
    /// Reads the list where the figure's link leads, further pages of it too, and says what does not fit; a figure at
    /// the head of a page that names no list is a fault as well.
    /// </summary>
    private const string Compare = """
        async (measures) => {
          const fen = text => {
            const t = (text ?? '').trim().replaceAll(',', '').replace(/−/g, '-');
            return /^-?\d+(\.\d+)?$/.test(t) ? Math.round(Number(t) * 100) : null;
          };
          const read = async address =>
            new DOMParser().parseFromString(await (await fetch(address)).text(), 'text/html');
          const whole = async (address, selector) => {
            const found = [];
            for (let next = address, n = 0; next && n < 50; n++) {
              const page = next === location.href ? document : await read(next);
              found.push(...page.querySelectorAll(selector));
              const more = page.querySelector('[hx-get*="after="]')?.getAttribute('hx-get');
              next = more ? new URL(more, next).href : null;
            }
            return found;
          };
          const faults = [];
          let seen = 0;
          for (const total of document.querySelectorAll('[data-list]')) {
            const says = fen(total.textContent);
            const address = new URL(total.getAttribute('href') ?? '', location.href);
            const anchor = address.hash.slice(1);
            address.hash = '';
            const here = new URL(location.href);
            here.hash = '';
            const items = await whole(address.href === here.href ? location.href : address.href, total.dataset.list);
            const is = total.dataset.sum === undefined
              ? items.length * 100
              : items.reduce((sum, item) => sum + (fen(item.textContent) ?? 0), 0);
            seen++;
            const where = total.closest('.tile, p, caption')?.textContent.replace(/\s+/g, ' ').trim();
            if (says !== is) faults.push(`${where}: says ${says / 100}, ${total.dataset.list} is ${is / 100}`);
            if (anchor && items.length && !items[0].ownerDocument.getElementById(anchor))
              faults.push(`${where}: no #${anchor} at ${address.pathname}`);
          }
          for (const strong of document.querySelectorAll('.tile strong'))
            if (fen(strong.textContent) !== null && !strong.querySelector('[data-list]')
                && !measures.includes(strong.parentElement.querySelector('span').textContent))
              faults.push(`${strong.parentElement.textContent}: names no list`);
          for (const foot of document.querySelectorAll('tfoot tr')) {
            let column = 0;
            for (const cell of foot.cells) {
              const says = fen(cell.textContent);
              if (says !== null) {
                const at = column;
                const is = [...foot.closest('table').tBodies].flatMap(b => [...b.rows])
                  .reduce((sum, row) => sum + (fen(row.cells[at]?.textContent) ?? 0), 0);
                seen++;
                if (says !== is) faults.push(`foot, column ${at}: says ${says / 100}, is ${is / 100}`);
              }
              column += cell.colSpan;
            }
          }
          return [String(seen), ...faults];
        }
        """;

    /// <summary>
    /// How many totals the page shows, and which of them are not what their lists sum to: asked of every page by
    /// <see cref="EveryPageTests"/>.
    /// </summary>
    internal static async Task<(int Seen, IEnumerable<string> Untrue)> CompareAsync(IPage page, string route)
    {
        var said = await page.EvaluateAsync<string[]>(
            Compare,
            Measures.Where(m => m.Route == route).Select(m => m.Name).ToArray()
        );
        return (int.Parse(said[0], System.Globalization.CultureInfo.InvariantCulture), said.Skip(1));
    }

    /// <summary>
    /// Applications whose lists lost some people on the way: the same number wherever it is counted.
    /// </summary>
    [Fact]
    public async Task An_application_has_the_same_people_on_its_page_in_the_list_and_in_the_overview()
    {
        await using var county = await web.VisitAsync("COUNTY_HRSS");
        await county.Page.GotoAsync("/applications");
        var rows = county.Page.Locator("#list > tr");
        var listed = new Dictionary<string, string>();
        for (var i = 0; i < await rows.CountAsync(); i++)
            listed[(await rows.Nth(i).Locator("a").First.GetAttributeAsync("href"))!] = await rows.Nth(i)
                .Locator(".people")
                .InnerTextAsync();
        Assert.NotEmpty(listed);
        await county.Page.GotoAsync("/overview");
        foreach (var (href, people) in listed)
            await Assertions
                .Expect(county.Page.Locator("#list div", new() { Has = county.Page.Locator($"a[href='{href}']") }))
                .ToContainTextAsync($"，{people} 人");
        foreach (var (href, people) in listed.Take(8))
        {
            await county.Page.GotoAsync(href);
            await Assertions.Expect(county.Page.Locator(".tile strong").First).ToHaveTextAsync(people);
            // While the notice runs, that is the step, and not the payment.
            if (href.EndsWith(web.Ids["noticed"], StringComparison.Ordinal))
                await Assertions.Expect(county.Page.Locator(".steps .now")).ToContainTextAsync("公示");
        }
    }

    [Fact]
    public async Task A_total_without_its_list_or_of_another_sum_would_be_found()
    {
        await using var county = await web.VisitAsync("COUNTY_HRSS");
        await county.Page.GotoAsync("/funds");
        await county.Page.EvaluateAsync(
            """
            () => {
              const tile = document.querySelector('.tile').cloneNode(true);
              tile.querySelector('strong').textContent = '7';
              document.querySelector('.tiles').append(tile);
              document.querySelector('#list .available').textContent = '0.01';
            }
            """
        );
        var said = await county.Page.EvaluateAsync<string[]>(Compare, Array.Empty<string>());
        Assert.Contains(said, fault => fault.Contains("names no list", StringComparison.Ordinal));
        Assert.Contains(said, fault => fault.Contains("foot, column", StringComparison.Ordinal));
    }
}
